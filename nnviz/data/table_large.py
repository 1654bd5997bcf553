"""Tables that do not fit into memory while they are looked at: read in pieces, kept column by column on the disk.

polars reads the file a batch of rows at a time. What is looked at afterwards is a column at a time, and what becomes of
it is kept on the disk as well, so that no more than a few columns are in memory at once. The folder of the pieces goes
when the table is not used any more.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
import uuid
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from nnviz import user_folders
from nnviz.data.folder_locks import lock_of
from nnviz.data.room_for_rows import LEFT_FREE
from nnviz.errors import DataError, StorageError
from nnviz.project.files.atomic import reason_of

if TYPE_CHECKING:
    from filelock import BaseFileLock

#: Rows of a piece of a column.
_ROWS = 1 << 18
#: Rows of a piece of a file.
_ROWS_OF_A_PIECE = 1 << 18


class LostColumnsError(DataError):
    """What was kept of a table is not on the disk any more: it has to be read again."""


class Pieces:
    """A folder for the columns of one table; it goes with the last one who holds it.

    A lock beside it says that somebody does: a folder whose lock can be had belongs to a process that was killed.
    """

    def __init__(self) -> None:
        try:
            _root().mkdir(parents=True, exist_ok=True)
            _clear_up()
            self.folder = _root() / f"columns-{uuid.uuid4().hex}"
            lock = lock_of(self.folder)
            with contextlib.suppress(NotImplementedError):  # a disk that knows no locks
                lock.acquire(timeout=0)
            self.folder.mkdir()
        except OSError as error:
            raise _not_kept(error) from None
        self._number = 0
        self._clean_up = weakref.finalize(self, _delete, self.folder, lock)

    def write(self, frame: pl.DataFrame) -> Path:
        """Keeps some rows.

        Raises:
            StorageError: The disk has no room for them, or cannot be written.
        """
        self._number += 1
        path = self.folder / f"{self._number}.arrow"
        try:
            if shutil.disk_usage(self.folder).free < frame.estimated_size() + LEFT_FREE:
                raise OSError(errno.ENOSPC, "the disk is full")
            frame.write_ipc(path)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise _not_kept(error) from None
        return path


def _clear_up() -> None:
    """Deletes the folders of processes that were killed."""
    for folder in _root().glob("columns-*"):
        if folder.suffix != ".lock" and not folder.is_symlink():
            lock = lock_of(folder)
            with contextlib.suppress(OSError, NotImplementedError):  # Timeout is one: somebody holds it
                lock.acquire(timeout=0)
                _delete(folder, lock)


def _delete(folder: Path, lock: BaseFileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        lock.release()
    if not folder.exists():
        with contextlib.suppress(OSError):
            Path(lock.lock_file).unlink()


def _root() -> Path:
    return user_folders.cache_folder() / "columns"


def _not_kept(error: Exception) -> StorageError:
    reason = reason_of(error) if isinstance(error, OSError) else str(error).partition("\n")[0].rstrip(".")
    return StorageError(f"The columns of the table could not be kept in {_root()}: {reason}.")


class LargeFrame:
    """The columns of a table, each read from the disk when it is asked for.

    Args:
        columns: Their names.
        pieces: Where they lie.
    """

    def __init__(self, columns: Sequence[str], pieces: Pieces) -> None:
        self.columns = list(columns)
        self.pieces = pieces
        self.height = 0
        self._parts: list[tuple[Path, int]] = []

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.columns)

    def add(self, frame: pl.DataFrame) -> None:
        """Some more rows, behind the others."""
        self._parts.append((self.pieces.write(frame), frame.height))
        self.height += frame.height

    def leave_out_last(self, count: int) -> None:
        """Without so many rows at the end."""
        while count:
            path, rows = self._parts.pop()
            left_out = min(rows, count)
            if left_out < rows:
                self._parts.append((self.pieces.write(_opened(path)[: rows - left_out]), rows - left_out))
            self.height -= left_out
            count -= left_out

    def iter_columns(self) -> Iterator[pl.Series]:
        """Each of them, one after the other."""
        return (self._column(at) for at in range(self.width))

    def parts_of(self, at: int) -> Iterator[pl.Series]:
        """One of them, some rows at a time."""
        return (_read(path, at) for path, _ in self._parts)

    def _column(self, at: int) -> pl.Series:
        # By its place: pieces have names of their own where a table has none.
        series = pl.concat(self.parts_of(at))
        return series.alias(self.columns[at])

    def empty_rows(self) -> pl.Series:
        """Which rows hold nothing at all."""
        found = [_opened(path).select(pl.all_horizontal(pl.all().is_null())).to_series() for path, _ in self._parts]
        return pl.concat(found)

    def estimated_size(self) -> int:
        """Bytes in memory; none to speak of."""
        return 0


def kept_in_pieces(scanned: pl.LazyFrame, names: Sequence[str], report: Callable[[int, int], None]) -> LargeFrame:
    """All that polars reads of a file, brought to the disk piece by piece.

    Args:
        scanned: What it is to read.
        names: Of the columns.
        report: Told that it goes on; may raise to end the work.
    """
    found = LargeFrame(names, Pieces())
    for batch in scanned.collect_batches(chunk_size=_ROWS_OF_A_PIECE, maintain_order=True):
        found.add(batch)
        report(2, 4)
    return found


class KeptColumn:
    """A column that lies on the disk.

    Args:
        series: All of it.
        pieces: Where it is kept.
    """

    def __init__(self, series: pl.Series, pieces: Pieces) -> None:
        self._pieces = pieces
        self._parts: list[Path] = []
        self._count = len(series)
        for first in range(0, len(series), _ROWS):
            self._parts.append(pieces.write(series.slice(first, _ROWS).to_frame("values")))

    def __len__(self) -> int:
        return self._count

    def slice(self, first: int, count: int) -> pl.Series:
        """Some of it."""
        begin, end = first // _ROWS, (first + count - 1) // _ROWS
        parts = [_read(path, 0) for path in self._parts[begin : end + 1]]
        return pl.concat(parts).slice(first - begin * _ROWS, count)


def _opened(path: Path, at: int | None = None) -> pl.DataFrame:
    try:
        return pl.read_ipc(path, columns=None if at is None else [at])
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise LostColumnsError(
            f"The columns of the table that were kept in {path.parent} were changed or deleted by another program: "
            f"{str(error).partition(chr(10))[0][:200]}. Start again: the table is then read anew.",
            field="data",
        ) from None


def _read(path: Path, at: int) -> pl.Series:
    return _opened(path, at).to_series()
