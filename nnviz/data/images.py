"""Reads pictures of any size and format into one array of equal squares. Pillow and numpy, on a few threads."""

from __future__ import annotations

import os
import struct
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from nnviz.errors import DataError

#: A picture with more pixels than this is refused before it is decoded (a small file can unpack to gigabytes).
MOST_PIXELS = 64_000_000
#: A whole data set larger than this is refused before the first file is opened.
MOST_BYTES = 4 << 30
#: What Pillow raises for damaged files of its many formats.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    IndexError,
    KeyError,
    OverflowError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


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


def read_image(path: Path, size: int, channels: int) -> NDArray[np.uint8]:
    """One picture as uint8[channels, size, size]: turned upright, resized, and cut to the middle square.

    Raises:
        DataError: It cannot be read; names the file.
    """
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise DataError(
                    f"The picture has {picture.width:,} × {picture.height:,} pixels, more than the "
                    f"{MOST_PIXELS / 1e6:.0f} million allowed.",
                    file=str(path),
                )
            picture.draft("RGB", (size, size))  # lets the JPEG decoder work at a fraction of the size
            upright = ImageOps.exif_transpose(picture)
            mode = "L" if channels == 1 else "RGB"
            flat = ImageOps.fit(_eight_bit(upright).convert(mode), (size, size), Image.Resampling.BICUBIC)
            pixels = np.asarray(flat, np.uint8)
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError("The picture has gone.", file=str(path)) from None
    except _DAMAGE as error:
        raise DataError(f"The picture cannot be read: {error}.", file=str(path)) from None
    return pixels[None] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _eight_bit(picture: Image.Image) -> Image.Image:
    """Grey pictures of 16 bits brought to 8 (Pillow would cut them off at 255); others as they are."""
    if not picture.mode.startswith(("I", "F")):
        return picture
    values = np.asarray(picture, np.float64)
    whole = 255.0 if values.max(initial=0.0) <= 255.0 else 65535.0
    return Image.fromarray(np.clip(np.rint(values * (255.0 / whole)), 0, 255).astype(np.uint8))
