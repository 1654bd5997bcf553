"""The one place where a picture is opened: which formats are read, how much a file may unpack to, and how many at once.

Pictures come from anybody. Pillow knows some forty formats, and one of them (EPS) is read by starting another program;
so only the formats below are known here, by their content and whatever the file is called, and the readers of all
others are not even imported. What a picture will need is reckoned in bytes from its header before a pixel is decoded,
and pictures that are decoded on several threads share one allowance.
"""

from __future__ import annotations

import contextlib
import errno
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from nnviz.data import plain_ppm, planar_tiff
from nnviz.errors import DataError
from nnviz.regular_files import NotRegularError, open_regular

with contextlib.suppress(ImportError):
    from PIL import AvifImagePlugin  # noqa: F401 - registers itself; not every build of Pillow has it

#: The formats that are read; a JPEG with several pictures (as cameras write them) is an MPO to Pillow.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "AVIF", "PPM")
_READERS = (
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
_KNOWN = tuple(name for name in FORMATS if name in Image.OPEN)
#: A picture with more pixels than this is refused before it is decoded (a small file can unpack to gigabytes).
MOST_PIXELS = 64_000_000
#: The decoders that Pillow has in Python, which take seconds for a million pixels, and the most that they are given.
_SLOW_DECODERS = frozenset(("ppm", "ppm_plain", "bmp_rle"))
_MOST_SLOW_PIXELS = 16_000_000
#: Nor may one need more memory than this while it is decoded, turned and brought to bytes.
MOST_BYTES = 3 << 29
#: What the pictures need together that are decoded at one time on all threads; a single larger one is decoded alone.
TOGETHER = 1 << 30
#: A file longer than this holds no picture that is allowed. Two formats are read whole to see what they are.
_LONGEST: Mapping[str, int] = {"WEBP": 64 << 20, "AVIF": 32 << 20}
_LONGEST_OTHER = 512 << 20
#: Bytes that may be read before the first pixel: descriptions, profiles, thumbnails, tables.
_MOST_AHEAD = 8 << 20
#: EXIF data longer than this is none: cameras write at most 64 KiB.
_MOST_EXIF = 1 << 20
#: A progressive JPEG has about ten scans; each costs a pass over the whole picture.
_MOST_SCANS = 200
#: Bytes that Pillow keeps for a pixel.
_PIXEL_BYTES: Mapping[str, int] = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
_LARGEST_PIXEL = 4
#: Bytes a pixel that a decoder needs beside the picture it makes, measured: the coefficients of a progressive JPEG; the
#: canvases of WebP and a copy; the planes of AVIF and two copies; the frame before of a GIF; what readers in Python
#: gather.
_DECODER_BYTES: Mapping[str, int] = {"JPEG": 6, "MPO": 6, "WEBP": 12, "AVIF": 16, "GIF": 5}
_SLOW_DECODER_BYTES = 12
#: Of colours of 16 bits Pillow keeps the upper byte, as it has no mode for both. Which of two bytes that is stands in
#: the name of what it unpacks, so that under the other name it gives the lower one.
_OTHER_BYTE: Mapping[str, str] = {
    f"{mode};16{order}": f"{mode};16{other}"
    for mode in ("RGB", "RGBA", "RGBX")
    for order, other in (("B", "L"), ("L", "B"), ("N", "B" if sys.byteorder == "little" else "L"))
} | {"LA;16B": "RGBA"}  # grey and transparency: all four bytes of a pixel side by side
#: Colours that are weakened by their transparency already: Pillow would divide each byte by it on its own.
_WEAKENED = "RGBa;16"
#: Bytes a pixel that the lower bytes take, and what both are brought to; or four planes, and one that is decoded.
_DEEP_COLOUR_BYTES = 12
#: Rows of deep and of transparent pictures that are brought to bytes at a time, in pixels.
_STRIP = 1 << 18
#: What transparent pictures can be laid on.
BACKGROUNDS: Mapping[str, tuple[int, int, int]] = {
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
    "black": (0, 0, 0),
}
#: Up to where the numbers of deep pictures usually go: whole ones by their bits, others by habit.
_USUAL_ENDS: Mapping[bool, tuple[float, ...]] = {
    True: (255.0, 1023.0, 4095.0, 16383.0, 65535.0),
    False: (1.0, 255.0, 65535.0),
}
#: What the system says of a disk or a network that is away or overburdened, whatever lies there.
_OF_THE_MOMENT = frozenset(
    getattr(errno, name)
    for name in ("EACCES", "EPERM", "EIO", "ESTALE", "ETIMEDOUT", "ENOTCONN", "ENODEV", "EMFILE", "ENFILE")
    if hasattr(errno, name)
)
_Found = TypeVar("_Found")

# What is too large or damaged is refused here with a sentence; Pillow's own remark on it would only stand beside that.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", "Corrupt EXIF data", UserWarning)


@dataclass(frozen=True)
class Extent:
    """The smallest and the largest number in a deep picture (more than 8 bits), infinite ones aside.

    Attributes:
        low, high: In the picture's own numbers; both 0 where it has no finite one.
        whole: Its numbers are whole rather than real.
    """

    low: float
    high: float
    whole: bool


@dataclass(frozen=True)
class Levels:
    """Which numbers of deep pictures become black and white, for all pictures of a set alike.

    Attributes:
        whole, real: (black, white) of pictures of whole and of real numbers; None where there is none of these.
    """

    whole: tuple[float, float] | None = None
    real: tuple[float, float] | None = None

    @classmethod
    def of(cls, extents: Iterable[Extent]) -> Levels:
        """By what the pictures of a set hold together.

        From 0 to the largest number of 8, 10, 12, 14 or 16 bits, whichever is enough (of real numbers to 1, 255 or
        65,535); where this would leave more than half of the greys unused, or there are numbers below 0 or beyond, from
        the smallest number of the set to its largest.
        """
        found: dict[bool, tuple[float, float]] = {}
        for extent in extents:
            low, high = found.get(extent.whole, (extent.low, extent.high))
            found[extent.whole] = min(low, extent.low), max(high, extent.high)
        return cls(*(_levels(*found[whole], whole) if whole in found else None for whole in (True, False)))

    def describe(self) -> str:
        """The rule in a sentence; empty where there is no deep picture."""
        parts = [
            f"{low:,.6g} is black and {high:,.6g} is white in pictures of {kind} numbers"
            for kind, levels in (("whole", self.whole), ("real", self.real))
            if levels is not None
            for low, high in (levels,)
        ]
        return f"More than 8 bits: {', '.join(parts)}, by what all pictures hold." if parts else ""


def _levels(low: float, high: float, whole: bool) -> tuple[float, float]:
    end = next((end for end in _USUAL_ENDS[whole] if high <= end), None)
    if low >= 0.0 and end is not None and (high - low > end / 2 or high == low):
        return 0.0, end
    return low, high if high > low else low + max(1.0, abs(low))


class _Allowance:
    """Memory that several threads share: who wants some waits until enough is free."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken = 0

    @contextlib.contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """Holds ``size`` bytes of :data:`TOGETHER` meanwhile; more than there are is taken when nobody else has any."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + size <= TOGETHER)
            self._taken += size
        try:
            yield
        finally:
            with self._changed:
                self._taken -= size
                self._changed.notify_all()


_ALLOWANCE = _Allowance()


class _MeteredFile:
    """A file as Pillow reads it, which refuses to go on where a picture's description never ends.

    Attributes:
        left: Bytes that may still be read; None is any number.
        scans: How many scans of a JPEG may still go by; None where none are counted.
    """

    def __init__(self, file: BinaryIO, left: int | None) -> None:
        self._file = file
        self.left = left
        self.scans: int | None = None
        # Nothing that tells it which file this is: libtiff would map that into memory, and a mapped file that somebody
        # shortens meanwhile takes the program with it.
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """As a file does.

        Raises:
            OSError: More is read than is left.
        """
        if self.left is None:
            content = self._file.read(size)
            if self.scans is not None:
                self.scans -= content.count(b"\xff\xda")
                if self.scans < 0:
                    raise OSError(f"it has more than {_MOST_SCANS} scans")
            return content
        content = self._file.read(self.left + 1 if size < 0 else min(size, self.left + 1))
        self.left -= len(content)
        if self.left < 0:
            raise OSError("what stands before its pixels is far too long")
        return content

    def close(self) -> None:
        """Nothing: the file belongs to whoever opened it."""


def read_image(
    path: Path,
    size: int,
    channels: int,
    background: str = "white",
    levels: Levels | None = None,
    how: str = "fill",
) -> NDArray[np.uint8]:
    """One picture as uint8[channels, size, size]: turned upright, resized, and made a square.

    Of a file with several pictures the first one. From any thread; waits while others decode very large pictures.

    Args:
        path: Its file.
        size: Side of the square.
        channels: 3 for colour, 1 for grey.
        background: What it is laid on where it is transparent, a key of :data:`BACKGROUNDS`.
        levels: What becomes black and white of more than 8 bits; None goes by this picture alone.
        how: What becomes of other proportions: ``fill`` cuts out the middle square, ``fit`` lays the whole on the
            background, ``squash`` changes them.

    Raises:
        DataError: It cannot be read, or is too large; names the file.
    """
    read = _refused_by_name(
        path, lambda file: _read(file, size, channels, background, how, lambda own: levels or own())
    )
    assert not isinstance(read, Extent)
    return read


def read_unless_deep(
    path: Path, size: int, channels: int, background: str = "white", how: str = "fill"
) -> NDArray[np.uint8] | Extent:
    """One picture as :func:`read_image` gives it; of one with more than 8 bits only what numbers it holds.

    Raises:
        DataError: As :func:`read_image`.
    """
    return _refused_by_name(path, lambda file: _read(file, size, channels, background, how, lambda own: None))


def _refused_by_name(path: Path, read: Callable[[BinaryIO], _Found]) -> _Found:
    """What is read from a file; whatever goes wrong becomes a sentence that names it."""
    opened = False
    try:
        with open_regular(path) as file:
            opened = True
            return read(file)
    except DataError as error:
        raise error.at(file=str(path)) from None
    except FileNotFoundError as error:
        raise DataError("The picture has gone.", file=str(path)) from error
    except NotRegularError as error:
        raise DataError(f"The picture cannot be read: {error}.", file=str(path)) from None
    except UnidentifiedImageError:
        raise DataError(f"The picture cannot be read: {_unidentified(path)}.", file=str(path)) from None
    except MemoryError as error:
        raise DataError("The picture cannot be read: there is not enough memory.", file=str(path)) from error
    except OSError as error:
        # What the system says is of the moment, unless it says that of what the file told Pillow to do, such as to seek
        # where no place is: whoever goes by that finds it as the cause.
        sentence = f"The picture cannot be read: {error.strerror or _reason(error)}."
        passing = error.errno in _OF_THE_MOMENT if opened else bool(error.errno)
        raise DataError(sentence, file=str(path)) from (error if passing else None)
    except Exception as error:  # noqa: BLE001 - on damaged files Pillow's readers fail in every way that Python has
        raise DataError(f"The picture cannot be read: {_reason(error)}.", file=str(path)) from None


def _unidentified(path: Path) -> str:
    """Why nothing here recognises a file."""
    head = b""
    with contextlib.suppress(OSError, NotRegularError), open_regular(path) as file:
        head = file.read(12)
    if not head:
        return "it is empty"
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis") and "AVIF" not in _KNOWN:
        return "the installed Pillow was built without AVIF"
    return f"its content is none of {', '.join(_KNOWN)}"


def _reason(error: Exception) -> str:
    text = str(error).strip().rstrip(".")
    return text or f"it is damaged ({type(error).__name__})"


#: What becomes black and white in a deep picture, given a way to find out by itself; None is not to read it.
_Choose = Callable[[Callable[[], Levels]], "Levels | None"]


def _read(
    file: BinaryIO, size: int, channels: int, background: str, how: str, choose: _Choose
) -> NDArray[np.uint8] | Extent:
    """uint8[channels, size, size], or of a deep picture that is not to be read its extent."""
    length = file.seek(0, 2)
    file.seek(0)
    metered = _MeteredFile(file, _ahead(file.read(32), length))
    with Image.open(cast(IO[bytes], metered), formats=_KNOWN) as picture:
        if picture.format not in (*FORMATS, "MPO"):
            raise UnidentifiedImageError
        target = "L" if channels == 1 else "RGB"
        scale, weakened, planar = _unpack_whole(picture), _unpack_weakened(picture), planar_tiff.is_planar(picture)
        pixels = _checked_pixels(picture)
        picture.draft("RGB", (size, size))  # lets the JPEG decoder work at a fraction of the size
        needed = _bytes_needed(picture, pixels, target, length)
        metered.left = None
        metered.scans = _MOST_SCANS if picture.format in ("JPEG", "MPO") else None
        with _ALLOWANCE.taken(needed):
            plain = plain_ppm.largest(picture)
            other = "" if planar or plain else _other_byte(picture)
            if planar and picture.mode == "CMYK":
                inks = planar_tiff.inks(cast(TiffImagePlugin.TiffImageFile, picture), cast(BinaryIO, metered))
                deep, planar = _Deep(inks), False
            elif planar:
                deep = _of_planes(cast(TiffImagePlugin.TiffImageFile, picture), metered)
            elif plain:
                deep = _Deep(picture, scale=65535.0 / plain, planes=plain_ppm.planes(picture, cast(BinaryIO, metered)))
            else:
                picture.load()
                if len(picture.info.get("exif", b"")) > _MOST_EXIF:
                    raise DataError(f"The picture's EXIF data is longer than {_MOST_EXIF:,} bytes.")
                ImageOps.exif_transpose(picture, in_place=True)
                lower = _lower_bytes(metered, other) if other else None
                deep = _Deep(picture, lower, grey=other == "RGBA", weakened=weakened, scale=scale)
            if deep.planes or other or _is_deep(picture):
                levels = choose(lambda: Levels.of((_extent(deep),)))
                if levels is None:
                    return _extent(deep)
                flat = _eight_bit(deep, levels)
                if (deep.planes or other) and picture.has_transparency_data:
                    flat.paste(BACKGROUNDS[background], mask=_hidden(deep))
            else:
                flat = _on_background(deep.picture, target, background)
            if flat.mode != target:
                flat = flat.convert(target)
            found = np.array(_square(flat, size, how, background), np.uint8)
    return found[None] if channels == 1 else np.ascontiguousarray(found.transpose(2, 0, 1))


def _square(picture: Image.Image, size: int, how: str, background: str) -> Image.Image:
    """A picture of one byte a channel as a square, see :func:`read_image`."""
    method = Image.Resampling.BICUBIC
    if how == "squash":
        return picture.resize((size, size), method)
    if how == "fit":
        tone, longest = BACKGROUNDS[background], max(picture.size)
        whole = picture.resize([max(1, round(side * size / longest)) for side in picture.size], method)
        square = Image.new(picture.mode, (size, size), tone[0] if picture.mode == "L" else tone)
        square.paste(whole, ((size - whole.width) // 2, (size - whole.height) // 2))
        return square
    return ImageOps.fit(picture, (size, size), method)


def _ahead(head: bytes, length: int) -> int:
    """How much of a file may be read before its size is known, from its first bytes and its length.

    Raises:
        DataError: It is too long for any picture of its format.
    """
    whole = "WEBP" if head[8:12] == b"WEBP" else "AVIF" if head[4:8] == b"ftyp" else ""
    longest = _LONGEST.get(whole, _LONGEST_OTHER)
    if length > longest:
        raise DataError(
            f"The picture's file has {length / 1e6:,.0f} MB, more than the {longest / 1e6:.0f} MB allowed"
            + (f" for {whole}." if whole else ".")
        )
    # Its beginning is read twice: when it is recognised, and by its own reader.
    return length + 1024 if whole else _MOST_AHEAD


def _checked_pixels(picture: Image.Image) -> int:
    """How many pixels a picture has.

    Raises:
        DataError: Too many, or it is drawn over and over.
    """
    tiles: list[Any] = getattr(picture, "tile", [])
    slow = _is_slow(picture)
    pixels, most = picture.width * picture.height, _MOST_SLOW_PIXELS if slow else MOST_PIXELS
    if pixels > most:
        raise DataError(
            f"The picture has {picture.width:,} × {picture.height:,} pixels, more than the "
            f"{most / 1e6:.0f} million allowed" + (" for this kind of file." if slow else ".")
        )
    drawn = sum(max(0, x2 - x1) * max(0, y2 - y1) for x1, y1, x2, y2 in (tile[1] for tile in tiles if tile[1]))
    if drawn > 8 * pixels + (1 << 20):
        raise DataError("The picture is damaged: its parts cover it many times over.")
    return pixels


def _bytes_needed(picture: Image.Image, pixels: int, target: str, length: int) -> int:
    """Memory that it takes to decode a picture and to bring it to ``target``, from what its header says.

    Args:
        picture: Opened, not loaded, at the size it shall be decoded at.
        pixels: How many it has in full.
        target: ``L`` or ``RGB``.
        length: Of its file, in bytes.

    Raises:
        DataError: It needs too much.
    """
    decoded = _PIXEL_BYTES.get(picture.mode, _LARGEST_PIXEL)
    wanted = _PIXEL_BYTES.get(target, _LARGEST_PIXEL)
    # Turned, and changed into another mode, a picture is there twice for a moment.
    copies = max(decoded, 0 if picture.mode == target else wanted) + _is_deep(picture)
    needed = picture.width * picture.height * (decoded + copies) + length
    if picture.format not in ("JPEG", "MPO") or picture.info.get("progressive"):
        needed += pixels * _DECODER_BYTES.get(str(picture.format), 0)  # at the full size, whatever it gives
    if _is_slow(picture):
        needed += pixels * _SLOW_DECODER_BYTES
    if planar_tiff.is_planar(picture):
        needed += picture.width * picture.height * _DEEP_COLOUR_BYTES + 2 * length
    elif plain_ppm.largest(picture):
        needed += pixels * plain_ppm.BYTES_A_PIXEL + 2 * length
    elif _other_byte(picture):
        needed += picture.width * picture.height * _DEEP_COLOUR_BYTES
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        needed += _tile_bytes(picture)
    if needed > MOST_BYTES:
        raise DataError(
            f"The picture would need {needed / 2**30:.1f} GB of memory to be read, more than the "
            f"{MOST_BYTES / 2**30:.1f} GB allowed."
        )
    return needed


def _tile_bytes(picture: TiffImagePlugin.TiffImageFile) -> int:
    """What one tile of a TIFF unpacks to, which may be larger than the picture."""
    width, height = picture.tag_v2.get(322, 0), picture.tag_v2.get(323, 0)
    if not (isinstance(width, int) and isinstance(height, int)):
        raise DataError("The picture is damaged: the size of its tiles is no number.")
    samples = 6  # no mode of Pillow has more, at 16 bits each
    return width * height * samples * 2 if width > 0 and height > 0 else 0


def _is_slow(picture: Image.Image) -> bool:
    return any(tile[0] in _SLOW_DECODERS for tile in getattr(picture, "tile", []))


def _is_deep(picture: Image.Image) -> bool:
    return picture.mode.startswith(("I", "F"))


def _on_background(picture: Image.Image, target: str, background: str) -> Image.Image:
    """A picture with nothing behind it laid on a plain colour; others as they are.

    In strips, because a second picture with its transparency would not be in the account of :func:`_bytes_needed`.
    """
    if not picture.has_transparency_data:
        return picture
    width, height = picture.size
    rows = max(1, _STRIP // width)
    flat = Image.new(target, (width, height))
    for top in range(0, height, rows):
        part = picture.crop((0, top, width, min(top + rows, height))).convert("RGBA")
        plain = Image.new("RGB", part.size, BACKGROUNDS[background])
        plain.paste(part, mask=part.getchannel("A"))
        flat.paste(plain if target == "RGB" else plain.convert(target), (0, top))
    return flat


@dataclass(frozen=True)
class _Deep:
    """A decoded picture of more than 8 bits.

    Attributes:
        picture: All of its numbers, or of colours of 16 bits the upper bytes; only opened where there are ``planes``.
        lower: The lower bytes; None where ``picture`` is all.
        grey: It is grey with transparency: the lower byte of a grey is the second of its pixel.
        weakened: Its colours are multiplied by how opaque they are.
        scale: Of what it says of its numbers: the largest becomes 65,535.
        planes: Its colours each for itself, and how opaque it is; none where they lie side by side.
    """

    picture: Image.Image
    lower: Image.Image | None = None
    grey: bool = False
    weakened: bool = False
    scale: float = 1.0
    planes: tuple[NDArray[Any], ...] = ()

    @property
    def whole(self) -> bool:
        """Whether its numbers are whole rather than real."""
        return bool(self.planes) or self.lower is not None or self.picture.mode.startswith("I")

    @property
    def coloured(self) -> bool:
        """Whether a pixel has three numbers."""
        return len(self.planes) > 1 or self.lower is not None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, upright."""
        if not self.planes:
            return self.picture.size
        height, width = self.planes[0].shape
        return width, height

    def strips(self) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """[rows, columns] or [rows, columns, 3] by and by: as float64 all of it would take eight times its bytes."""
        width, height = self.size
        rows = max(1, _STRIP // width)
        for top in range(0, height, rows):
            place = slice(top, min(top + rows, height))
            yield place, self._numbers(place, width)

    def _numbers(self, place: slice, width: int) -> NDArray[np.float64]:
        opaque: NDArray[np.float64] | None = None
        if self.planes:
            parts = [plane[place].astype(np.float64) for plane in self.planes]
            numbers = np.stack(parts[:3], axis=-1) if self.coloured else parts[0]
            opaque = parts[3][..., None] if self.weakened else None
        else:
            box = (0, place.start, width, place.stop)
            numbers = np.asarray(self.picture.crop(box), np.float64)
            if self.lower is not None:
                lower = np.asarray(self.lower.crop(box), np.float64)
                opaque = (256.0 * numbers + lower)[..., 3:] if self.weakened else None
                numbers = 256.0 * numbers[..., :3] + (lower[..., 1:2] if self.grey else lower[..., :3])
        if opaque is not None:
            numbers = np.minimum(numbers * 65535.0 / np.maximum(opaque, 1.0), 65535.0)
        return numbers if self.scale == 1.0 else numbers * self.scale


def _of_planes(picture: TiffImagePlugin.TiffImageFile, file: _MeteredFile) -> _Deep:
    found = tuple(planar_tiff.planes(picture, cast(BinaryIO, file)))
    return _Deep(picture, weakened=planar_tiff.is_premultiplied(picture), planes=found)


def _unpack_whole(picture: Image.Image) -> float:
    """Let a PPM of 16 bits in colour be unpacked as it is: Pillow would bring each number to 8 bits.

    Returns:
        What its numbers are to be multiplied by, so that the largest that it allows is 65,535.
    """
    tiles: list[Any] = getattr(picture, "tile", [])
    if picture.format != "PPM" or picture.mode != "RGB" or len(tiles) != 1 or tiles[0].codec_name != "ppm":
        return 1.0
    most = int(tiles[0].args[1])
    if most <= 255:
        return 1.0
    cast(Any, picture).tile = [ImageFile._Tile("raw", tiles[0].extents, tiles[0].offset, ("RGB;16B", 0, 1))]
    return 65535.0 / most


def _unpack_weakened(picture: Image.Image) -> bool:
    """Let colours that are weakened by their transparency be unpacked as they are, both bytes of them."""
    tiles: list[Any] = getattr(picture, "tile", [])
    if not tiles or not all(_raw_name(tile).startswith(_WEAKENED) for tile in tiles):
        return False
    cast(Any, picture).tile = [tile._replace(args=(f"RGBA;16{tile.args[0][-1]}", *tile.args[1:])) for tile in tiles]
    return True


def _other_byte(picture: Image.Image) -> str:
    """Under which name Pillow unpacks the lower bytes of a picture that is not loaded yet; empty where it has none."""
    names = {_raw_name(tile) for tile in getattr(picture, "tile", [])}
    return _OTHER_BYTE.get(names.pop(), "") if len(names) == 1 else ""


def _raw_name(tile: Any) -> str:
    arguments = tile[3]
    name = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return name if isinstance(name, str) else ""


def _lower_bytes(file: _MeteredFile, name: str) -> Image.Image:
    """The picture of the lower bytes, turned upright; ``name`` is what :func:`_other_byte` found."""
    file.seek(0)
    picture: Any = Image.open(cast(IO[bytes], file), formats=_KNOWN)
    _unpack_whole(picture)
    _unpack_weakened(picture)
    picture.tile = [
        tile._replace(args=(name, *tile.args[1:]) if isinstance(tile.args, tuple) else name) for tile in picture.tile
    ]
    picture.load()
    ImageOps.exif_transpose(picture, in_place=True)
    upright: Image.Image = picture
    return upright


def _hidden(deep: _Deep) -> Image.Image:
    """How little is to be seen of each pixel of a picture in colours of 16 bits: 255 is nothing."""
    if deep.planes:
        return Image.fromarray((255 - np.right_shift(deep.planes[3], 8)).astype(np.uint8))
    if deep.picture.mode == "RGBA":
        return ImageOps.invert(deep.picture.getchannel("A"))
    width, height = deep.picture.size
    pixels = np.zeros((height, width), np.uint8)
    for place, part in deep.strips():
        pixels[place] = 255 * (part == np.array(deep.picture.info["transparency"])).all(axis=-1)
    return Image.fromarray(pixels)


def _extent(deep: _Deep) -> Extent:
    low, high = np.inf, -np.inf
    for _, part in deep.strips():
        finite = part[np.isfinite(part)]
        low = min(low, float(finite.min(initial=np.inf)))
        high = max(high, float(finite.max(initial=-np.inf)))
    return Extent(low, high, deep.whole) if low <= high else Extent(0.0, 0.0, deep.whole)


def _eight_bit(deep: _Deep, levels: Levels) -> Image.Image:
    """A picture of more than 8 bits brought to 8 (Pillow would cut it off at 255), in its colours or greys.

    What is no number becomes black.
    """
    found = levels.whole if deep.whole else levels.real
    black, white = found if found is not None else (0.0, 65535.0)
    width, height = deep.size
    pixels = np.empty((height, width, 3) if deep.coloured else (height, width), np.uint8)
    for place, part in deep.strips():
        finite = np.nan_to_num(part, nan=black, posinf=np.inf, neginf=-np.inf)
        # First into the range, then from it: infinite numbers are among them.
        np.clip(finite, black, white, out=finite)
        scaled = np.multiply(finite - black, 255.0 / (white - black), out=finite)
        pixels[place] = np.clip(np.rint(scaled, out=scaled), 0, 255, out=scaled)
    return Image.fromarray(pixels)
