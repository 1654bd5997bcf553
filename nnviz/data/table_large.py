"""Tables that do not fit into memory while they are looked at: read in pieces, kept column by column on the disk.

polars reads the file a batch of rows at a time. What is looked at afterwards is a column at a time, and what becomes of
it is kept on the disk as well, so that no more than a few columns are in memory at once. The folder of the pieces goes
when the table is not used any more.
"""

from __future__ import annotations

import shutil
import tempfile
import time
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from nnviz import user_folders
from nnviz.errors import StorageError

#: Rows of a piece, and seconds after which a folder that nobody changes belongs to nobody.
_ROWS, _FORGOTTEN = 1 << 18, 2 * 86_400.0


class Pieces:
    """A folder for the columns of one table; it goes with the last one who holds it."""

    def __init__(self) -> None:
        try:
            _root().mkdir(parents=True, exist_ok=True)
            for old in _root().iterdir():  # of a process that was killed
                if time.time() - old.stat().st_mtime > _FORGOTTEN:
                    shutil.rmtree(old, ignore_errors=True)
            self.folder = Path(tempfile.mkdtemp(prefix="columns-", dir=_root()))
        except OSError as error:
            raise _not_kept(error) from None
        self._number = 0
        self._clean_up = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, frame: pl.DataFrame) -> Path:
        """Keeps some rows."""
        self._number += 1
        path = self.folder / f"{self._number}.arrow"
        try:
            frame.write_ipc(path)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise _not_kept(error) from None
        return path


def _root() -> Path:
    return user_folders.cache_folder() / "columns"


def _not_kept(error: Exception) -> StorageError:
    reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
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


def _opened(path: Path) -> pl.DataFrame:
    return pl.read_ipc(path)


def _read(path: Path, at: int) -> pl.Series:
    return pl.read_ipc(path, columns=[at]).to_series()
