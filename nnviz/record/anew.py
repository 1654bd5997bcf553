"""A run whose file was lost is written anew: beside it, or where the runs are kept that nobody named a file for.

One whose disk has been full for long is, too, on another disk (:mod:`nnviz.record.other_disk`).
"""

from __future__ import annotations

import logging
import sqlite3
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from nnviz.errors import RunFileError, StorageError
from nnviz.record import other_disk
from nnviz.record.library import Library
from nnviz.record.pending import Pending, PendingCheckpoint
from nnviz.record.places import clear_companions, free_paths, runs_folder
from nnviz.record.run import Run
from nnviz.record.run_file import RunFile, RunFileExists, is_full, new_database, write_schema
from nnviz.record.run_lock import RunFileBusy, RunLock
from nnviz.record.tables import Tables

_log = logging.getLogger(__name__)
#: Names that are tried in one folder.
_MOST_NAMES = 1000


@dataclass(frozen=True)
class WrittenAnew:
    """A new file that holds what could be kept.

    Attributes:
        file: The new file.
        copied: Whether it holds all that the old one held; otherwise it was made from what is in memory, where long
            curves and the older arrays are thinned.
    """

    file: RunFile
    copied: bool


@dataclass(frozen=True)
class Content:
    """All that a run consists of while its file is written anew: in its old file, in memory, and on the way between.

    Attributes:
        file: Its old file, which may be lost or have no room; it may still be readable without a name.
        run: What is in memory, and goes on growing meanwhile; what comes is to be written after this.
        batch: What was not written yet.
        state: Of the session, as bytes.
        checkpoint: The last one, for where the old file cannot be read.
    """

    file: RunFile
    run: Run
    batch: Pending
    state: bytes
    checkpoint: PendingCheckpoint | None

    def fill(self, path: Path, *, trusted: bool) -> bool:
        """Write it into a file; whether all that the old one holds could be copied.

        Args:
            path: There is nothing there.
            trusted: Whether what the old file holds is still what was written.

        Raises:
            OSError, sqlite3.Error: It cannot be written.
        """
        if trusted:
            try:
                with new_database(path) as connection:
                    self.file.copy_into(connection)
                    Tables(connection).write(self.batch, self.state)
                return True
            except (sqlite3.Error, RunFileError) as error:
                if is_full(error):  # from memory it might fit, but with less in it than elsewhere
                    raise
                _log.info("%s cannot be read any more: %s", self.file.path, error)
        with new_database(path) as connection:
            write_schema(connection, self.run.info)
            tables = Tables(connection)
            for piece in self._from_memory():
                tables.write(piece, self.state)
            tables.write(self.batch, self.state)
        return False

    def _from_memory(self) -> Iterator[Pending]:
        """What is in memory, a series at a time, so that nothing is thinned once more on the way."""
        for name in self.run.names():
            piece = Pending()
            piece.add(self.run.readings(name))
            yield piece
        if self.checkpoint is not None:
            piece = Pending()
            piece.add_checkpoint(self.checkpoint)
            yield piece


def write_anew(content: Content, *, trusted: bool) -> WrittenAnew:
    """Write a run into a new file, which is there as a whole or not at all. Takes seconds for a large one.

    Args:
        content: What is written. Its old file was lost.
        trusted: Whether what the old file holds is still what was written.

    Raises:
        OSError, sqlite3.Error: It can be written nowhere.
    """
    old = content.file.path
    return _write_at((_beside(old), _in(runs_folder(), old.name)), content, trusted=trusted)


def write_on_another_disk(content: Content) -> WrittenAnew:
    """The same for a run whose own disk takes nothing any more. Its file keeps what it holds.

    Raises:
        OSError, sqlite3.Error: There is no other disk that has room for it.
    """
    kept, old = runs_folder(), content.file
    places = (
        _in(folder, old.path.name) if folder == kept else _in_one_of_its_own(folder, old.path.name)
        for folder in other_disk.folders(old.path, old.size + content.batch.nbytes)
    )
    return _write_at(places, content, trusted=True)


def write_copy(target: Path, content: Content) -> bool:
    """Write a run into a file on another disk, with all that its own could not take. Its own stays as it is.

    Args:
        target: The new file; there is nothing there.
        content: What is written.

    Returns:
        Whether the new file holds all of it; otherwise it was made from what is in memory, where long curves and the
        older arrays are thinned.

    Raises:
        OSError, sqlite3.Error: It cannot be written.
    """
    trusted = not content.file.damaged()
    try:
        return content.fill(target, trusted=trusted)
    except sqlite3.Error as error:
        if not trusted:
            raise
        # Even to be read a database wants some room beside it. Where it is the other disk that is full, this says so.
        _log.info("%s cannot be read: %s", content.file.path, error)
        return content.fill(target, trusted=False)


def _write_at(places: Iterable[Generator[Path, None, None]], content: Content, *, trusted: bool) -> WrittenAnew:
    """At the first path that takes it."""
    problem: Exception = FileNotFoundError("there is no place for it")
    for place in places:
        try:
            with closing(place) as paths:
                for path in paths:
                    try:
                        lock = RunLock.take(path)
                    except RunFileBusy:
                        continue
                    try:
                        copied = content.fill(path, trusted=trusted)
                        made = WrittenAnew(_opened(path, lock), copied)
                    except RunFileExists:
                        lock.release()
                    except BaseException:
                        lock.release()
                        raise
                    else:
                        _take_label_along(content.file.path, path)
                        return made
        except (OSError, sqlite3.Error) as error:
            problem = error
    raise problem


def _opened(path: Path, lock: RunLock) -> RunFile:
    """The file that was just made; gone again where it cannot be written any further, and is made elsewhere."""
    try:
        return RunFile(path, lock)
    except (OSError, sqlite3.Error):
        with suppress(OSError):
            path.unlink()
            clear_companions(path)
        raise


def _take_label_along(old: Path, new: Path) -> None:
    """What the user, or a race, said about the run is true of the new file, too, where runs are listed."""
    if new.parent not in (old.parent, runs_folder()):
        return
    label = Library(old.parent).labels().get(old.name)
    if label is not None:
        with suppress(StorageError):  # a run without its name and tags is a run
            Library(new.parent).label(new, label)


def _beside(path: Path) -> Generator[Path, None, None]:
    if path.parent.is_dir():
        # Not under the old name: whoever took the file away, or put another there, wanted that.
        yield from islice(free_paths(path, 2), _MOST_NAMES)


def _in(folder: Path, name: str) -> Generator[Path, None, None]:
    folder.mkdir(parents=True, exist_ok=True)
    yield from islice(free_paths(folder / name), _MOST_NAMES)


def _in_one_of_its_own(folder: Path, name: str) -> Generator[Path, None, None]:
    """In a new folder there, into which nobody else may write: in the one for temporary files everybody may."""
    own = Path(tempfile.mkdtemp(prefix="nnviz-run-", dir=folder))
    try:
        yield own / name
    finally:
        with suppress(OSError):  # only where nothing came of it
            own.rmdir()
