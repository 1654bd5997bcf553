"""Every training is kept in a file while it runs, in the user's data folder; any of them can be saved elsewhere."""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
import stat
import threading
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from nnviz.errors import StorageError
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.reasons import reason_of
from nnviz.record.places import RUN_SUFFIX, clear_companions, runs_folder
from nnviz.record.run import Run

if TYPE_CHECKING:
    from nnviz.record.store import RunWriter

_log = logging.getLogger(__name__)
_LANE = "runs"
#: Seconds that the end of the program waits for the disk to take the end of a run.
_PATIENCE = 300.0


@dataclass(frozen=True)
class KeptRun:
    """A run in the folder."""

    path: Path
    modified: float
    size: int


class RunStore:
    """Hands a session's checkpoints to the writer of its run, once there is one; any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writer: RunWriter | None = None

    def use(self, writer: RunWriter | None) -> None:
        """From now on this writer takes the checkpoints."""
        with self._lock:
            self._writer = writer

    def save_checkpoint(self, step: int, epoch: int, blobs: Mapping[str, bytes], tag: str) -> None:
        """Keep the blobs under the step; before the first batch there is no file and nothing to lose."""
        with self._lock:
            writer = self._writer
        if writer is not None:
            writer.save_checkpoint(step, epoch, blobs, tag)


class Recorder(QObject):
    """Writes live runs behind their training, and copies them on request."""

    #: A sentence: a run cannot be written, or is written to another file from now on, or could not be saved.
    failed = Signal(str)
    message = Signal(str)
    #: The list of kept runs has changed.
    changed = Signal()

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._writers: dict[Run, RunWriter] = {}
        self._kept: tuple[KeptRun, ...] = ()
        self.store = RunStore()

    @property
    def kept(self) -> tuple[KeptRun, ...]:
        """The runs in the folder, the newest first, as of the last look."""
        return self._kept

    def path_of(self, run: Run) -> Path | None:
        """The file of a live run, as of now: one that is lost is written anew elsewhere."""
        writer = self._writers.get(run)
        return None if writer is None else writer.path

    def look(self) -> None:
        """See which runs there are. None is ever removed: they are the user's."""

        def done(kept: tuple[KeptRun, ...]) -> None:
            if kept != self._kept:
                self._kept = kept
                self.changed.emit()

        self._background.start(_kept_runs, done, self._tell, lane=_LANE)

    def begin(self, run: Run) -> None:
        """Write this run into a new file from now on (what is in it already comes first)."""

        def work() -> RunWriter:
            from nnviz.record.store import write_among_kept  # noqa: PLC0415 - sqlite is only needed once training begins

            writer = write_among_kept(run, on_error=lambda error: self.failed.emit(str(error)))
            # Kept here and not with the answer: the window may be closed before that arrives.
            self._writers[run] = writer
            return writer

        def done(writer: RunWriter) -> None:
            if run in self._writers:
                self.store.use(writer)
            self.look()

        self._background.start(work, done, self._tell, lane=_LANE)

    def end(self, run: Run) -> None:
        """The run will not be continued: finish its file."""
        self.store.use(None)

        def work() -> None:
            writer = self._writers.get(run)
            if writer is not None:
                # Whoever opens the file later must not wait for more.
                run.finished = True
                writer.close()
                self._writers.pop(run, None)

        def done(_nothing: None) -> None:
            self.look()

        self._background.start(work, done, self._tell, lane=_LANE)

    def save_as(self, run: Run | None, source: Path | None, target: Path) -> None:
        """Copy a run into a file of the user's choice: a live one, or one that was opened from ``source``."""

        def work() -> None:
            from nnviz.record.store import RunWriter  # noqa: PLC0415 - as above

            origin = source
            if run is not None:
                writer = self._writers.get(run)
                if writer is None:
                    _write_once(target, lambda beside: _written(RunWriter(run, beside)))
                    return
                writer.flush()
                origin = writer.path
            if origin is None:
                raise StorageError("There is no run to save yet: train first.")
            copy_run(origin, target)

        def done(_nothing: None) -> None:
            self.message.emit(f"Saved {target.name}")

        def failed(error: BaseException) -> None:
            self.failed.emit(reason_of(error, target, "saved"))

        self._background.start(work, done, failed, lane=_LANE)

    def close(self) -> None:
        """Finish all files, before the window goes; waits as long as the disk needs."""
        self.store.use(None)
        for run, writer in list(self._writers.items()):
            run.finished = True
            if not writer.close(_PATIENCE):
                _log.warning("The run in %s could not be finished: %s", writer.path, writer.error or "the disk hangs")
        self._writers.clear()

    def _tell(self, error: BaseException) -> None:
        self.failed.emit(str(error) if isinstance(error, StorageError) else f"The run could not be kept: {error}")


def copy_run(source: Path, target: Path) -> None:
    """A consistent copy of a run's file, also while it grows; the target is replaced as a whole or not at all.

    Raises:
        StorageError: It could not be written.
    """
    if source.resolve() == target.resolve():
        return

    def write(beside: Path) -> None:
        address = f"{source.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as reader, closing(sqlite3.connect(beside)) as writer:
            reader.backup(writer)

    _write_once(target, write)


def _written(writer: RunWriter) -> None:
    if not writer.close():
        raise writer.error or StorageError(f"The run cannot be written to {writer.path}.")


def _write_once(target: Path, write: Callable[[Path], object]) -> None:
    from nnviz.record.run_lock import RunLock  # noqa: PLC0415 - brings what a start can do without

    beside = target.parent / f".{target.name[:100]}.{secrets.token_hex(8)}.tmp"
    try:
        lock = RunLock.take(target)  # a run that is just being written is not replaced
        try:
            write(beside)
            with beside.open("rb+") as file:
                os.fsync(file.fileno())
            beside.replace(target)
            # What an earlier run of this name left: beside another file it would be taken for part of that.
            clear_companions(target)
        finally:
            lock.release()
            with suppress(OSError):
                beside.unlink(missing_ok=True)
                clear_companions(beside)
    except sqlite3.Error as error:
        raise StorageError(f"{target} could not be saved: {error}. What was there before is untouched.") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StorageError(f"{target} could not be saved: {reason}. What was there before is untouched.") from error


def _kept_runs() -> tuple[KeptRun, ...]:
    """What lies in the folder; what cannot be looked at, or is no file, is not among it."""
    found: list[KeptRun] = []
    with suppress(OSError):
        for path in runs_folder().iterdir():
            if path.suffix.lower() != RUN_SUFFIX or path.name.startswith("."):
                continue
            with suppress(OSError):
                facts = path.stat()
                if stat.S_ISREG(facts.st_mode):
                    found.append(KeptRun(path, facts.st_mtime, facts.st_size))
    found.sort(key=lambda run: run.modified, reverse=True)
    return tuple(found)
