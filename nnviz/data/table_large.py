"""Tables that do not fit into memory while they are looked at: read in pieces, kept column by column on the disk.

polars reads the file a batch of rows at a time. What is looked at afterwards is a column at a time, and what becomes of
it is kept on the disk as well, so that no more than a few columns are in memory at once. The folder of the pieces goes
when the table is not used any more.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import uuid
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from nnviz import user_folders
from nnviz.data.folder_locks import lock_path
from nnviz.data.room_for_rows import leave_some
from nnviz.errors import DataError, StorageError
from nnviz.file_locks import take_lock
from nnviz.project.files.atomic import reason_of
from nnviz.regular_files import open_regular

if TYPE_CHECKING:
    from filelock import BaseFileLock

#: Rows of a piece of a column.
_ROWS = 1 << 18
#: Rows of a piece of a file.
_ROWS_OF_A_PIECE = 1 << 18


class LostColumnsError(DataError):
    """What was kept of a table is not on the disk any more: it has to be read again."""


@dataclass(frozen=True)
class Piece:
    """Some rows on the disk, each column of them for itself.

    They are read and not mapped into memory, as polars would do by itself: a mapped file that somebody shortens takes
    the program with it.

    Attributes:
        path: The file.
        height: How many rows there are.
        bounds: Where each column begins in the file, and where the last one ends.
    """

    path: Path
    height: int
    bounds: tuple[int, ...]

    def column(self, at: int) -> pl.Series:
        """One of the columns.

        Raises:
            LostColumnsError: The file was changed or deleted.
        """
        first, end = self.bounds[at : at + 2]
        try:
            with open_regular(self.path) as file:
                file.seek(first)
                content = file.read(end - first)
            if len(content) < end - first:
                raise OSError("a file was cut")
            return pl.read_ipc(io.BytesIO(content)).to_series()
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise LostColumnsError(
                f"The columns of the table that were kept in {self.path.parent} were changed or deleted by another "
                f"program: {str(error).partition(chr(10))[0][:200]}. Start again: the table is then read anew.",
                field="data",
            ) from None


class Pieces:
    """A folder for the columns of one table; it goes with the last one who holds it.

    A lock beside it says that somebody does: a folder whose lock can be had belongs to a process that was killed.
    """

    def __init__(self) -> None:
        try:
            _root().mkdir(parents=True, exist_ok=True)
            _clear_up()
            self.folder = _root() / f"columns-{uuid.uuid4().hex}"
            lock = take_lock(lock_path(self.folder))
            assert lock is not None, "nobody else has a folder of this name"
            self.folder.mkdir()
        except OSError as error:
            raise _not_kept(error) from None
        self._number = 0
        self._clean_up = weakref.finalize(self, _delete, self.folder, lock)

    def write(self, frame: pl.DataFrame) -> Piece:
        """Keeps some rows.

        Raises:
            StorageError: The disk has no room for them, or cannot be written.
        """
        self._number += 1
        path = self.folder / f"{self._number}.arrow"
        sizes = []
        try:
            leave_some(self.folder, int(frame.estimated_size()))
            with path.open("wb") as file:
                for series in frame.iter_columns():
                    content = io.BytesIO()
                    series.alias("values").to_frame().write_ipc(content)
                    sizes.append(file.write(content.getbuffer()))
        except (OSError, pl.exceptions.PolarsError) as error:
            raise _not_kept(error) from None
        return Piece(path, frame.height, tuple(accumulate(sizes, initial=0)))


def _clear_up() -> None:
    """Deletes the folders of processes that were killed."""
    for folder in _root().glob("columns-*"):
        if folder.suffix != ".lock" and not folder.is_symlink():
            with contextlib.suppress(OSError):
                lock = take_lock(lock_path(folder))
                if lock is not None and lock.is_locked:  # a disk that knows no locks does not say whose it is
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
        self._parts: list[Piece] = []

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.columns)

    def add(self, frame: pl.DataFrame) -> None:
        """Some more rows, behind the others."""
        self._parts.append(self.pieces.write(frame))
        self.height += frame.height

    def iter_columns(self) -> Iterator[pl.Series]:
        """Each of them, one after the other."""
        return (self._column(at) for at in range(self.width))

    def parts_of(self, at: int) -> Iterator[pl.Series]:
        """One of them, some rows at a time."""
        return (part.column(at) for part in self._parts)

    def _column(self, at: int) -> pl.Series:
        return pl.concat(self.parts_of(at)).alias(self.columns[at])

    def empty_rows(self) -> pl.Series:
        """Which rows hold nothing at all."""
        return pl.concat(self._empty(part) for part in self._parts)

    def _empty(self, part: Piece) -> pl.Series:
        found = part.column(0).is_null()
        for at in range(1, self.width):
            if not found.any():
                break
            found &= part.column(at).is_null()
        return found

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
        self._parts: list[Piece] = []
        self._count = len(series)
        for first in range(0, len(series), _ROWS):
            self._parts.append(pieces.write(series.slice(first, _ROWS).to_frame("values")))

    def __len__(self) -> int:
        return self._count

    def slice(self, first: int, count: int) -> pl.Series:
        """Some of it."""
        begin, end = first // _ROWS, (first + count - 1) // _ROWS
        parts = [part.column(0) for part in self._parts[begin : end + 1]]
        return pl.concat(parts).slice(first - begin * _ROWS, count)
