"""TIFF pictures of 16 bits whose colours lie one after the other instead of side by side (PlanarConfiguration 2).

Pillow keeps 8 bits of the compressed ones and mixes the bytes of the others up. It does read a grey picture of 16 bits
in full, and each plane is one: so each is read as a file of its own, made of the plane's strips or tiles as they stand.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from nnviz.errors import DataError

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_ORIENTATION, _SAMPLES, _ROWS, _PLANAR, _PREDICTOR, _FORMAT = 274, 277, 278, 284, 317, 339
_STRIPS, _STRIP_BYTES = 273, 279
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES = 322, 323, 324, 325
#: What a plane takes over from the picture, where that says it.
_KEPT = (_WIDTH, _HEIGHT, _COMPRESSION, _FILL_ORDER, _ORIENTATION, _ROWS, _PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT)
_UNCOMPRESSED, _GREY = 1, 1
_SHORT, _LONG = 3, 4


def is_planar(picture: object) -> bool:
    """Whether this is a TIFF of 16 bits in planes: of one, three or four that can be shown, or of four inks."""
    if not isinstance(picture, TiffImagePlugin.TiffImageFile) or picture.tag_v2.get(_PLANAR, 1) != 2:
        return False
    return 16 in _all(picture, _BITS)


def inks(picture: TiffImagePlugin.TiffImageFile, file: BinaryIO) -> Image.Image:
    """The picture of four inks, of each the upper byte: as Pillow reads them where they lie side by side.

    Arguments and errors as of :func:`planes`.
    """
    upper = (np.right_shift(plane, 8).astype(np.uint8) for plane in planes(picture, file))
    return Image.merge("CMYK", [Image.fromarray(plane) for plane in upper])


def is_premultiplied(picture: TiffImagePlugin.TiffImageFile) -> bool:
    """Whether its colours are already weakened by their transparency (ExtraSamples 1)."""
    return picture.mode == "RGBA" and picture.tag_v2.get(TiffImagePlugin.EXTRASAMPLES, (0,))[:1] == (1,)


def planes(picture: TiffImagePlugin.TiffImageFile, file: BinaryIO) -> Iterator[NDArray[Any]]:
    """Each plane as [rows, columns], upright: red, green, blue, and how opaque it is where it says so; or inks.

    Args:
        picture: Opened from ``file``, not loaded.
        file: Read wherever the picture's strips are.

    Raises:
        DataError: The strips are not those of the planes.
        OSError: A strip cannot be decoded.
    """
    count = len(picture.getbands())
    samples = max(count, _one(picture, _SAMPLES, count))
    tiled = _TILES in picture.tag_v2
    offsets = _all(picture, _TILES if tiled else _STRIPS)
    sizes = _all(picture, _TILE_BYTES if tiled else _STRIP_BYTES)
    each, rest = divmod(len(offsets), samples)
    if not each or rest:
        raise DataError(f"The picture is damaged: {len(offsets):,} parts for {samples} planes.")
    width, height = picture.size
    if tiled:
        width, height = _one(picture, _TILE_WIDTH, 0), _one(picture, _TILE_HEIGHT, 0)
    else:
        height = min(height, _one(picture, _ROWS, height))
    if _one(picture, _COMPRESSION, _UNCOMPRESSED) == _UNCOMPRESSED:
        sizes = (2 * width * height,) * len(offsets)
    if len(sizes) != len(offsets) or min(sizes) < 0:
        raise DataError(f"The picture is damaged: {len(sizes):,} lengths for {len(offsets):,} parts.")
    for plane in range(count):
        own = slice(plane * each, (plane + 1) * each)
        with TiffImagePlugin.TiffImageFile(io.BytesIO(_grey(picture, file, offsets[own], sizes[own], tiled))) as grey:
            grey.load()
            yield np.array(grey)


def _grey(
    picture: TiffImagePlugin.TiffImageFile, file: BinaryIO, offsets: Sequence[int], sizes: Sequence[int], tiled: bool
) -> bytes:
    """A grey TIFF of these strips or tiles, in the picture's order of bytes."""
    left = file.seek(0, 2)
    content, places = bytearray(8), []
    for offset, size in zip(offsets, sizes, strict=True):
        places.append(len(content))
        left -= size
        if left < 0:
            # Many parts that are one and the same piece of the file would unpack to any size.
            raise DataError("The picture is damaged: its parts are longer than its file.")
        file.seek(offset)
        content += file.read(size)
    order = "<" if picture.tag_v2.prefix == b"II" else ">"

    def kept_aside(numbers: Sequence[int]) -> int:
        at = len(content)
        content.extend(struct.pack(f"{order}{len(numbers)}L", *numbers))
        return at

    entries = {tag: (_LONG, _one(picture, tag, 0)) for tag in _KEPT if tag in picture.tag_v2}
    photometric = _one(picture, _PHOTOMETRIC, _GREY) if len(picture.getbands()) == 1 else _GREY
    shorts = {_BITS: 16, _PHOTOMETRIC: photometric, _SAMPLES: 1, _PLANAR: 1, _FORMAT: (*_all(picture, _FORMAT), 1)[0]}
    for tag in (_COMPRESSION, _FILL_ORDER, _ORIENTATION, _PREDICTOR):
        if tag in entries:
            shorts[tag] = entries.pop(tag)[1]
    several = {_TILES if tiled else _STRIPS: places, _TILE_BYTES if tiled else _STRIP_BYTES: list(sizes)}
    directory = []
    for tag in sorted({*entries, *shorts, *several}):
        if tag in several:
            numbers = several[tag]
            value = struct.pack(f"{order}L", numbers[0] if len(numbers) == 1 else kept_aside(numbers))
            directory.append(struct.pack(f"{order}HHL", tag, _LONG, len(numbers)) + value)
        elif tag in shorts:
            directory.append(struct.pack(f"{order}HHLHH", tag, _SHORT, 1, shorts[tag] & 0xFFFF, 0))
        else:
            directory.append(struct.pack(f"{order}HHLL", tag, _LONG, 1, entries[tag][1] & 0xFFFFFFFF))
    content += bytes(len(content) % 2)
    content[:8] = picture.tag_v2.prefix + struct.pack(f"{order}HL", 42, len(content))
    return bytes(content) + struct.pack(f"{order}H", len(directory)) + b"".join(directory) + bytes(4)


def _all(picture: TiffImagePlugin.TiffImageFile, tag: int) -> tuple[int, ...]:
    value = picture.tag_v2.get(tag, ())
    found = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(number, int) for number in found):
        raise DataError(f"The picture is damaged: its field {tag} holds no whole numbers.")
    return cast("tuple[int, ...]", found)


def _one(picture: TiffImagePlugin.TiffImageFile, tag: int, usual: int) -> int:
    return (*_all(picture, tag), usual)[0]
