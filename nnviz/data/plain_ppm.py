"""Pictures of more than 8 bits a colour that are written as decimal numbers (P3 with more than 255).

Pillow brings each number to 8 bits, as it has no mode for colours of more. Here they are read as they stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nnviz.errors import DataError

#: Bytes of text that become numbers at a time.
_PIECE = 1 << 20
_SPACE = re.compile(rb"\s")
#: Memory that a pixel takes while it is read: three numbers of four bytes, and of two.
BYTES_A_PIXEL = 3 * 4 + 3 * 2


def largest(picture: Image.Image) -> int:
    """What its numbers may be at most; 0 where it is no such picture. It is not loaded yet."""
    tiles: list[Any] = getattr(picture, "tile", [])
    if picture.format != "PPM" or picture.mode != "RGB" or len(tiles) != 1 or tiles[0].codec_name != "ppm_plain":
        return 0
    most = tiles[0].args[-1] if isinstance(tiles[0].args, tuple) else 0
    return int(most) if isinstance(most, int) and most > 255 else 0


def planes(picture: Image.Image, file: BinaryIO) -> tuple[NDArray[Any], ...]:
    """Red, green and blue as uint16[rows, columns].

    Args:
        picture: Opened from ``file``, not loaded; :func:`largest` is not 0.
        file: Read from where its numbers begin.

    Raises:
        DataError: There are too few numbers, or one that is too large or none.
    """
    most, tiles = largest(picture), picture.tile  # type: ignore[attr-defined]  # every opened picture has tiles
    file.seek(tiles[0].offset)
    text = re.sub(rb"#[^\r\n]*", b" ", file.read())
    wanted = 3 * picture.width * picture.height
    if re.search(rb"[^\s\d]|\d{6}", text):
        raise DataError("The picture is damaged: something stands between its numbers, or one is too large.")
    numbers, done = np.zeros(wanted, np.int32), 0
    for part in _parts(text):
        found = np.fromstring(part, np.int32, sep=" ")[: wanted - done]
        numbers[done : done + len(found)] = found
        done += len(found)
    if done != wanted:
        raise DataError(f"The picture is damaged: it has {done:,} numbers, not {wanted:,}.")
    if int(numbers.max()) > most:
        raise DataError(f"The picture is damaged: the number {int(numbers.max()):,} is above {most:,}, its largest.")
    pixels = numbers.astype(np.uint16).reshape(picture.height, picture.width, 3)
    return tuple(pixels[..., colour] for colour in range(3))


def _parts(text: bytes) -> Iterator[str]:
    """The text in pieces, none of which ends within a number; what is nothing but space is left out."""
    begin = 0
    while begin < len(text):
        gap = _SPACE.search(text, begin + _PIECE)
        end = gap.start() if gap else len(text)
        if part := text[begin:end].decode("ascii").strip():
            yield part
        begin = end
