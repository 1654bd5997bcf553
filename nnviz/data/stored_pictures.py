"""Pictures that lie decoded in a file of the disk: only those parts are read that are asked for. numpy only."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

#: What chooses among rows: one, a run of them, some by their numbers, or those where it is true.
Rows: TypeAlias = "int | np.integer[Any] | slice | NDArray[Any]"


class StoredPictures:
    """uint8[n, channels, height, width] in a mapped file, and which of its pictures are meant. For any thread.

    Asked for its shape or a part it is as an array; but parts are copies, and :meth:`only` chooses without reading
    anything. The system keeps in memory what it has room for, and takes it back when it wants.

    Args:
        path: The file, whole; it may be deleted meanwhile, but not be cut.
        shape: Of all pictures in the file.
        numbers: int64[n], which of them are meant, in what order; None is all.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int, int], numbers: NDArray[np.int64] | None = None) -> None:
        # A row a picture: gathering copies a piece of memory each, and numpy lets other threads work meanwhile.
        size = int(np.prod(shape[1:]))
        self._rows: NDArray[np.uint8] = np.asarray(np.memmap(path, np.uint8, "r", shape=(shape[0], size)))
        self._each = tuple(shape[1:])
        self._numbers = numbers
        self.path = path

    def __len__(self) -> int:
        return len(self._rows) if self._numbers is None else len(self._numbers)

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array."""
        return (len(self), *self._each)

    @property
    def ndim(self) -> int:
        """As of an array."""
        return 4

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """As of an array."""
        return np.dtype(np.uint8)

    @property
    def nbytes(self) -> int:
        """Bytes on the disk of those that are meant; memory they take none that is not free for others."""
        return len(self) * int(self._rows.shape[1])

    def only(self, chosen: slice | NDArray[Any]) -> StoredPictures:
        """Some of them, in that order; nothing is read."""
        found = object.__new__(StoredPictures)
        found._rows, found._each, found.path = self._rows, self._each, self.path
        found._numbers = (np.arange(len(self)) if self._numbers is None else self._numbers)[chosen]
        return found

    def __getitem__(self, chosen: Rows) -> NDArray[np.uint8]:
        """One picture [channels, height, width], or several of them; copied."""
        if isinstance(chosen, (int, np.integer)):
            number = range(len(self))[int(chosen)]
            row: NDArray[np.uint8] = self._rows[number if self._numbers is None else self._numbers[number]]
            return row.reshape(self._each).copy()
        if self._numbers is None and isinstance(chosen, slice):
            rows: NDArray[np.uint8] = self._rows[chosen].copy()
        else:
            numbers = np.arange(len(self)) if self._numbers is None else self._numbers
            rows = np.take(self._rows, numbers[chosen], axis=0)
        return rows.reshape(-1, *self._each)
