"""Reads many pictures of any size and format into one array of equal squares, on a few threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nnviz.data.image_files import Extent, Levels, read_image, read_unless_deep
from nnviz.errors import DataError

__all__ = ["LeftOut", "ReadPictures", "read_image", "read_images", "read_pictures"]

#: A whole data set larger than this is refused before the first file is opened.
MOST_BYTES = 4 << 30


@dataclass(frozen=True)
class LeftOut:
    """A picture that cannot be read, and why not, as a sentence."""

    file: Path
    reason: str


@dataclass(frozen=True, eq=False)
class ReadPictures:
    """Many pictures as they were read.

    Attributes:
        pixels: uint8[n, channels, size, size] of those that can be read.
        numbers: int64[n], which of the files these are, ascending.
        left_out: The others, in the order of the files.
        levels: What became black and white of those with more than 8 bits.
    """

    pixels: NDArray[np.uint8]
    numbers: NDArray[np.int64]
    left_out: tuple[LeftOut, ...]
    levels: Levels


def read_images(files: Sequence[Path], size: int, channels: int, report: Callable[[int], None]) -> NDArray[np.uint8]:
    """All pictures as uint8[n, channels, size, size]; arguments and errors as of :func:`read_pictures`.

    Raises:
        DataError: One cannot be read (named).
    """
    read = read_pictures(files, size, channels, "white", report)
    if read.left_out:
        raise DataError(read.left_out[0].reason, file=str(read.left_out[0].file))
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
            f"{MOST_BYTES / 2**30:.0f} GB allowed: choose a smaller size.",
            field="data.params.size",
        )
    images = np.empty((len(files), channels, size, size), np.uint8)
    bad: dict[int, str] = {}
    deep: dict[int, Extent] = {}

    def read(number: int, levels: Levels | None = None) -> None:
        try:
            found = (
                read_unless_deep(files[number], size, channels, background, how)
                if levels is None
                else read_image(files[number], size, channels, background, levels, how)
            )
        except DataError as error:
            if isinstance(error.__cause__, MemoryError):
                raise  # of the moment and not of the picture: the next time there would be other examples
            bad[number] = error.message
            return
        if isinstance(found, Extent):
            deep[number] = found
        else:
            images[number] = found

    _on_threads(range(len(files)), read, report)
    levels = Levels.of(deep.values())
    _on_threads(sorted(deep), lambda number: read(number, levels), lambda done: report(len(files)))
    report(len(files))
    numbers = np.array([number for number in range(len(files)) if number not in bad], np.int64)
    for place, number in enumerate(numbers[min(bad) :] if bad else (), min(bad, default=0)):
        images[place] = images[number]  # in place: there may be room for one such array only
    left_out = tuple(LeftOut(files[number], bad[number]) for number in sorted(bad))
    return ReadPictures(images[: len(numbers)], numbers, left_out, levels)


def _on_threads(numbers: Sequence[int], work: Callable[[int], None], report: Callable[[int], None]) -> None:
    """Works through numbers on a few threads; tells now and then how many are begun."""
    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1), "nnviz-images") as pool:
        try:
            for done, number in enumerate(numbers):
                waiting.append(pool.submit(work, number))
                if len(waiting) >= 256:  # bounded: ending early leaves little behind
                    waiting.popleft().result()
                if done % 64 == 0:
                    report(done)
            while waiting:
                waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
