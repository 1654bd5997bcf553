"""Reads many pictures of any size and format into one array of equal squares, on a few threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nnviz.data.image_files import read_image
from nnviz.errors import DataError

__all__ = ["read_image", "read_images"]

#: A whole data set larger than this is refused before the first file is opened.
MOST_BYTES = 4 << 30


def read_images(files: Sequence[Path], size: int, channels: int, report: Callable[[int], None]) -> NDArray[np.uint8]:
    """All pictures as uint8[n, channels, size, size].

    Args:
        files: In the order wanted.
        size: Side of the squares.
        channels: 3 for colour, 1 for grey.
        report: Told now and then how many are done, on this thread; what it raises ends the reading.

    Raises:
        DataError: One cannot be read (named), or all together would not fit into memory.
    """
    needed = len(files) * channels * size * size
    if needed > MOST_BYTES:
        raise DataError(
            f"{len(files):,} pictures of {size}×{size} would take {needed / 2**30:.1f} GB, more than the "
            f"{MOST_BYTES / 2**30:.0f} GB allowed: choose a smaller size.",
            field="data.params.size",
        )
    images = np.empty((len(files), channels, size, size), np.uint8)
    waiting: deque[Future[None]] = deque()

    def place(number: int) -> None:
        images[number] = read_image(files[number], size, channels)

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1), "nnviz-images") as pool:
        try:
            for number in range(len(files)):
                waiting.append(pool.submit(place, number))
                if len(waiting) >= 256:  # bounded: ending early leaves little behind
                    waiting.popleft().result()
                if number % 64 == 0:
                    report(number)
            while waiting:
                waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
    report(len(files))
    return images
