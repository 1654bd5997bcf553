"""Reads many pictures of any size and format into one array of equal squares, on a few threads.

The array is in memory, or in a file of the disk (``row_store.py``) where memory is too small for it.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnviz.data.image_files import Extent, Levels, read_image, read_unless_deep
from nnviz.data.row_store import Header, Import, StoredSet
from nnviz.data.stored_rows import StoredRows
from nnviz.errors import DataError
from nnviz.regular_files import open_regular

__all__ = ["LeftOut", "ReadPictures", "read_image", "read_images", "read_pictures", "store_pictures"]

#: A whole data set larger than this is not read into memory: it is refused before the first file is opened.
MOST_BYTES = 4 << 30
#: Pictures that are decoded ahead of the one that is taken, and bytes that these may take.
_AHEAD, _AHEAD_BYTES = 256, 64 << 20
#: Pictures that could not be reached, and are tried again when a set is opened.
_TRIED = 64


#: Files that could not be reached, and then could be opened and were tried again in this process; and whether that was
#: in vain: a disk that always fails at the same place is not asked once more at every look.
_TRIED_AGAIN: dict[Path, bool] = {}


@dataclass(frozen=True)
class LeftOut:
    """A picture that cannot be read.

    Attributes:
        file: Its file.
        reason: Why not, as a sentence.
        passing: The file could not be reached, whatever it holds: that may be over by now.
    """

    file: Path
    reason: str
    passing: bool = False


#: What became of a file: its pixels, what numbers it holds (of more than 8 bits), or why it cannot be read.
_Found: TypeAlias = "NDArray[np.uint8] | Extent | LeftOut"


@dataclass(frozen=True, eq=False)
class ReadPictures:
    """Many pictures as they were read.

    Attributes:
        pixels: uint8[n, channels, size, size] of those that can be read; in memory, or on the disk.
        numbers: int64[n], which of the files these are, ascending.
        left_out: The others, in the order of the files.
        levels: What became black and white of those with more than 8 bits.
    """

    pixels: NDArray[np.uint8] | StoredRows
    numbers: NDArray[np.int64]
    left_out: tuple[LeftOut, ...]
    levels: Levels

    @property
    def outdated(self) -> bool:
        """Whether a picture that could not be reached can be by now; asks the disk."""
        return _can_be_reached(one.file for one in self.left_out if one.passing)


def read_images(files: Sequence[Path], size: int, channels: int, report: Callable[[int], None]) -> NDArray[np.uint8]:
    """All pictures as uint8[n, channels, size, size]; arguments and errors as of :func:`read_pictures`.

    Raises:
        DataError: One cannot be read (named).
    """
    read = read_pictures(files, size, channels, "white", report)
    if read.left_out:
        raise DataError(read.left_out[0].reason, file=str(read.left_out[0].file))
    assert isinstance(read.pixels, np.ndarray)
    return read.pixels


def read_pictures(
    files: Sequence[Path],
    size: int,
    channels: int,
    background: str,
    report: Callable[[int], None],
    how: str = "fill",
) -> ReadPictures:
    """The pictures that can be read.

    Those with more than 8 bits are read twice: once for the numbers that they hold together, once more by the rule that
    follows from these for all of them.

    Args:
        files: In the order wanted.
        size: Side of the squares.
        channels: 3 for colour, 1 for grey.
        background: What transparent ones are laid on, a key of ``image_files.BACKGROUNDS``.
        report: Told now and then how many are done, on this thread; what it raises ends the reading.
        how: What becomes of other proportions, see ``image_files.read_image``.

    Raises:
        DataError: All together would not fit into memory, or the memory was not enough for one.
    """
    needed = len(files) * channels * size * size
    if needed > MOST_BYTES:
        raise DataError(
            f"{len(files):,} pictures of {size}×{size} would take {needed / 2**30:.1f} GB, more than the "
            f"{MOST_BYTES / 2**30:.0f} GB that are held in memory: let them be streamed from the disk, or choose a "
            "smaller size.",
            field="data.params.memory",
        )
    images = np.empty((len(files), channels, size, size), np.uint8)
    bad: dict[int, LeftOut] = {}
    deep: dict[int, Extent] = {}

    def take(number: int, found: _Found) -> None:
        if isinstance(found, LeftOut):
            bad[number] = found
        elif isinstance(found, Extent):
            deep[number] = found
        else:
            images[number] = found

    read = _Reader(files, size, channels, background, how)
    read.each(range(len(files)), take, report)
    levels = Levels.of(deep.values())
    read.each(sorted(deep), take, lambda done: report(len(files)), levels)
    report(len(files))
    numbers = np.array([number for number in range(len(files)) if number not in bad], np.int64)
    for place, number in enumerate(numbers[min(bad) :] if bad else (), min(bad, default=0)):
        images[place] = images[number]  # in place: there may be room for one such array only
    left_out = tuple(bad[number] for number in sorted(bad))
    return ReadPictures(images[: len(numbers)], numbers, left_out, levels)


def store_pictures(
    files: Sequence[Path],
    size: int,
    channels: int,
    background: str,
    report: Callable[[int], None],
    how: str = "fill",
    *,
    state: str,
) -> ReadPictures:
    """As :func:`read_pictures`, but the pixels lie on the disk: decoded there once, and from then on only opened.

    An import that is broken off, by ``report`` or by the end of the process, goes on next time with what was left.

    Args:
        files: In the order wanted.
        size: As of :func:`read_pictures`.
        channels: Likewise.
        background: Likewise.
        how: Likewise.
        report: Told now and then how many are done, on this thread; what it raises ends the reading.
        state: Says which files these are, and in what state: for another text they are decoded again.

    Raises:
        DataError: The memory was not enough for one.
        StorageError: The disk has no room for it, or cannot be written.
    """
    key = f"{state} {size} {channels} {background} {how}"
    kept = StoredSet(key, (len(files), channels, size, size))
    read = _Reader(files, size, channels, background, how)

    def outdated(header: Header) -> bool:
        return _can_be_reached(files[number] for number in header.passing)

    made = kept.made(lambda importing: _import(importing, files, read, report), report, outdated)
    return _as_stored(files, *made)


def _can_be_reached(files: Iterable[Path]) -> bool:
    """Whether one of the first of these can be that was not tried again in vain."""
    asked = islice((file for file in files if not _TRIED_AGAIN.get(file)), _TRIED)
    found = [file for file in asked if _opens(file)]
    for file in found:
        _TRIED_AGAIN.setdefault(file, False)
    return bool(found)


def _opens(file: Path) -> bool:
    with contextlib.suppress(OSError), open_regular(file) as opened:
        opened.read(1)
        return True
    return False


def _note(file: Path, *, passing: bool) -> None:
    """What became of a file that was perhaps tried again."""
    if file in _TRIED_AGAIN:
        if passing and _opens(file):
            _TRIED_AGAIN[file] = True
        else:
            _TRIED_AGAIN.pop(file, None)


def _import(importing: Import, files: Sequence[Path], read: _Reader, report: Callable[[int], None]) -> None:
    left = np.flatnonzero(~importing.done).tolist()
    before = len(files) - len(left)
    bad: dict[int, LeftOut] = {}
    deep: dict[int, Extent] = {}

    def take(number: int, found: _Found) -> None:
        if isinstance(found, LeftOut):
            bad[number] = found
        elif isinstance(found, Extent):
            deep[number] = found
        else:
            importing.put(number, found, deep=number in deep)

    read.each(left, take, lambda done: report(before + done))
    levels = Levels.of(deep.values())
    read.each(sorted(deep), take, lambda done: report(len(files)), levels)
    report(len(files))
    reasons = {number: one.reason for number, one in bad.items()}
    importing.finish(reasons, (levels.whole, levels.real), [number for number, one in bad.items() if one.passing])


def _as_stored(files: Sequence[Path], header: Header, pixels: StoredRows) -> ReadPictures:
    passing = set(header.passing)
    left_out = tuple(LeftOut(files[number], reason, number in passing) for number, reason in header.left_out)
    levels = Levels(header.whole_levels, header.real_levels)
    numbers = header.numbers
    return ReadPictures(pixels.only(numbers) if left_out else pixels, numbers, left_out, levels)


@dataclass(frozen=True)
class _Reader:
    """Decodes files, see :func:`read_pictures`."""

    files: Sequence[Path]
    size: int
    channels: int
    background: str
    how: str

    def _read(self, number: int, levels: Levels | None) -> _Found:
        found = self._found(number, levels)
        _note(self.files[number], passing=isinstance(found, LeftOut) and found.passing)
        return found

    def _found(self, number: int, levels: Levels | None) -> _Found:
        arguments = self.files[number], self.size, self.channels, self.background
        try:
            if levels is None:
                return read_unless_deep(*arguments, self.how)
            return read_image(*arguments, levels, self.how)
        except DataError as error:
            if isinstance(error.__cause__, MemoryError):
                raise  # of the moment and not of the picture: the next time there would be other examples
            return LeftOut(self.files[number], error.message, isinstance(error.__cause__, OSError))

    def each(
        self,
        numbers: Sequence[int],
        take: Callable[[int, _Found], None],
        report: Callable[[int], None],
        levels: Levels | None = None,
    ) -> None:
        """Decodes some files on a few threads.

        Args:
            numbers: Of the files.
            take: Given on this thread, in their order, what became of each.
            report: Told now and then how many are begun; what it or ``take`` raises ends the reading.
            levels: What becomes black and white of more than 8 bits; None only looks what numbers these hold.
        """
        ahead = max(16, min(_AHEAD, _AHEAD_BYTES // (self.channels * self.size**2)))
        waiting: deque[tuple[int, Future[_Found]]] = deque()
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1), "nnviz-images") as pool:
            try:
                for done, number in enumerate(numbers):
                    waiting.append((number, pool.submit(self._read, number, levels)))
                    if len(waiting) >= ahead:  # bounded: ending early leaves little behind
                        first, future = waiting.popleft()
                        take(first, future.result())
                    if done % 64 == 0:
                        report(done)
                while waiting:
                    first, future = waiting.popleft()
                    take(first, future.result())
            finally:
                for _, future in waiting:
                    future.cancel()
