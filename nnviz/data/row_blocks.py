"""Examples that a source gives a block of rows at a time: into memory, or into a file of the disk. numpy only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnviz.data.row_store import Import, StoredSet
from nnviz.data.stored_rows import StoredRows
from nnviz.errors import DataError

#: Bytes of a piece of the store: so much is checked, written and lost together.
_PIECE = 1 << 16


@dataclass(frozen=True)
class RowBlocks:
    """An array [n, *each] that is made in blocks of rows, always the same.

    Attributes:
        state: Says what it is made of, in which state of its files, and how: for the same text the same numbers.
        shape: Of all rows.
        dtype: Of their numbers.
        blocks: The rows from one on, in their order, some at a time.
        what: What a row is called, in the plural.
        cure: What makes the array smaller, as half a sentence.
    """

    state: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    blocks: Callable[[int], Iterator[NDArray[Any]]]
    what: str = "rows"
    cure: str = "take fewer of them"

    def in_memory(self, report: Callable[[int], None]) -> NDArray[Any]:
        """All rows.

        Args:
            report: Told now and then how many are done; what it raises ends the work.

        Raises:
            DataError: Their file is damaged, or was changed meanwhile.
        """
        found: NDArray[Any] = np.empty(self.shape, self.dtype)
        done = 0
        for block in self.blocks(0):
            report(done)
            if done + len(block) > len(found):
                raise self._changed()
            found[done : done + len(block)] = block
            done += len(block)
        if done < len(found):
            raise self._changed()
        report(done)
        return found

    def on_disk(self, report: Callable[[int], None]) -> StoredRows:
        """All rows in a file of the user's folder for caches: made once, and from then on only opened.

        What is broken off, by ``report`` or by the end of the process, goes on next time with what was left.

        Args:
            report: As of :meth:`in_memory`.

        Raises:
            DataError: Likewise.
            StorageError: The disk has no room for it, or cannot be written.
        """
        kept = self._kept()
        together = kept.together

        def make(importing: Import) -> None:
            left = np.flatnonzero(~importing.done)
            piece = int(left[0]) if len(left) else kept.pieces
            for part in _pieces(self.blocks(piece * together), together) if len(left) else ():
                report(piece * together)
                whole = min(together, self.shape[0] - piece * together)
                if piece >= kept.pieces or len(part) != whole:
                    raise self._changed()
                importing.put(piece, part.astype(self.dtype, copy=False))
                piece += 1
            if piece < kept.pieces:
                raise self._changed()
            report(self.shape[0])
            importing.finish()

        return kept.made(make, lambda pieces: report(min(pieces * together, self.shape[0])))[1]

    def opened(self) -> StoredRows | None:
        """All rows in their file, where they were brought there already."""
        found = self._kept().opened()
        return None if found is None else found[1]

    def _kept(self) -> StoredSet:
        row = int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize
        return StoredSet(self.state, self.shape, self.dtype, max(1, _PIECE // max(row, 1)), self.what, self.cure)

    @classmethod
    def of(cls, state: str, array: NDArray[Any], what: str = "rows") -> RowBlocks:
        """An array that is there already."""
        return cls(state, array.shape, array.dtype, lambda first: iter([array[first:]]), what)

    def _changed(self) -> DataError:
        return DataError(f"The {self.what} were changed by another program while they were read: try again.")


def _pieces(blocks: Iterator[NDArray[Any]], together: int) -> Iterator[NDArray[Any]]:
    """The same rows, so many at a time; the last ones may be fewer."""
    rest: NDArray[Any] | None = None
    for block in blocks:
        block = block if rest is None or not len(rest) else np.concatenate([rest, block])  # noqa: PLW2901 - with what was over
        whole = len(block) // together * together
        for first in range(0, whole, together):
            yield block[first : first + together]
        rest = block[whole:].copy()  # nothing holds on to the block
    if rest is not None and len(rest):
        yield rest
