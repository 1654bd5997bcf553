"""A file of every format that Pillow knows, for tests that read them all, and the bombs that a format allows."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

import numpy as np
from PIL import Image

#: What nnviz reads; MPO is what Pillow calls a JPEG of several pictures.
ALLOWED = frozenset(("PNG", "JPEG", "MPO", "GIF", "BMP", "WEBP", "TIFF", "AVIF", "PPM"))

EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 8 8
%%EndComments
(/tmp/nobody) (w) file closefile
showpage
%%EOF
"""
#: The first bytes of the formats that Pillow reads and cannot write, followed by enough to look at.
_BEGINNINGS = {
    "BUFR": b"BUFR",
    "CUR": b"\0\0\2\0\1\0\10\10\0\0\0\0\0\0\40\0\0\0\26\0\0\0",
    "DCX": struct.pack("<LL", 987654321, 12),
    "FITS": b"SIMPLE  =                    T".ljust(80) + b"BITPIX  =                    8".ljust(80),
    "FLI": struct.pack("<LHHHHHH", 200, 0xAF11, 1, 8, 8, 8, 0),
    "FTEX": b"FTEX" + struct.pack("<LLLLL", 1, 8, 8, 1, 1),
    "GBR": struct.pack(">LLLLL", 28, 2, 8, 8, 1) + b"GIMP" + struct.pack(">L", 10),
    "GRIB": b"GRIB\0\0\0\1",
    "HDF5": b"\x89HDF\r\n\x1a\n",
    "ICO": b"\0\0\1\0\1\0\10\10\0\0\1\0\40\0\50\1\0\0\26\0\0\0",
    "IMT": b"width 8\nheight 8\n\x0c",
    "IPTC": b"\x1c\3\74\0\1\1",
    "MCIDAS": b"\0\0\0\0\0\0\0\4",
    "MPEG": b"\0\0\1\xb3\0\x80\x08\0",
    "PCD": bytes(2048) + b"PCD_",
    "PIXAR": b"\200\350\0\0",
    "PSD": b"8BPS\0\1" + bytes(6) + struct.pack(">HLLHH", 3, 8, 8, 8, 3),
    "SUN": struct.pack(">LLLLLLLL", 0x59A66A95, 8, 8, 8, 64, 1, 0, 0),
    "WMF": b"\xd7\xcd\xc6\x9a\0\0" + struct.pack("<hhhhH", 0, 0, 8, 8, 72) + bytes(6) + b"\1\0\t\0",
    "XPM": b'/* XPM */\nstatic char *a[] = {\n"8 8 1 1",\n"  c #000000",\n};',
    "XVTHUMB": b"P7 332\n#END_OF_COMMENTS\n8 8 255\n",
}


def picture(side: int = 24) -> Image.Image:
    pixels = np.random.default_rng(7).integers(0, 256, (side // 4, side // 4, 3)).astype(np.uint8)
    return Image.fromarray(pixels).resize((side, side))


def written(kind: str, side: int = 24, **options: object) -> bytes | None:
    """A picture in a format, in the first of the modes that it takes; None where Pillow cannot write it."""
    for mode in ("RGB", "RGBA", "L", "P", "1", "F"):
        content = io.BytesIO()
        try:
            picture(side).convert(mode).save(content, kind, **options)
        except Exception:  # noqa: BLE001 - the next mode may do
            continue
        return content.getvalue()
    return None


def corpus() -> dict[str, bytes]:
    """A file of each format that Pillow can open: a good one where it can write it, else the beginning of one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Image.init()
        found = {}
        for kind in sorted(set(Image.OPEN) | set(Image.SAVE) | {"MPO"}):
            content = EPS if kind == "EPS" else None
            if content is None and kind in Image.SAVE:
                more = {"append_images": [picture()], "save_all": True} if kind == "MPO" else {}
                content = written(kind, **more)
            if content is None and kind in _BEGINNINGS:
                content = _BEGINNINGS[kind] + bytes(range(256)) * 16
            if content is not None:
                found[kind] = content
    return found


def valid_files() -> dict[str, bytes]:
    """Several good files of each allowed format: colour, grey, palette, deep, transparent, animated, packed."""
    deep = Image.fromarray((np.arange(24 * 24, dtype=np.uint16) * 100).reshape(24, 24))
    frames = [picture().convert("P"), picture().rotate(90).convert("P")]
    exif = Image.Exif()
    exif[0x0112] = 6
    wanted: list[tuple[str, str, Image.Image, dict[str, object]]] = [
        ("png", "PNG", picture(), {"exif": exif.tobytes()}),
        ("deep.png", "PNG", deep, {}),
        ("palette.png", "PNG", picture().convert("P"), {"transparency": 3}),
        ("jpg", "JPEG", picture(), {"exif": exif.tobytes()}),
        ("progressive.jpg", "JPEG", picture(64), {"progressive": True}),
        ("cmyk.jpg", "JPEG", picture().convert("CMYK"), {}),
        ("mpo.jpg", "MPO", picture(), {"save_all": True, "append_images": [picture()]}),
        ("gif", "GIF", frames[0], {}),
        ("animated.gif", "GIF", frames[0], {"save_all": True, "append_images": frames[1:]}),
        ("bmp", "BMP", picture(), {}),
        ("palette.bmp", "BMP", picture().convert("P"), {}),
        ("webp", "WEBP", picture(), {}),
        ("lossless.webp", "WEBP", picture().convert("RGBA"), {"lossless": True}),
        ("animated.webp", "WEBP", picture(), {"save_all": True, "append_images": [picture().rotate(90)]}),
        ("tif", "TIFF", picture(), {}),
        ("lzw.tif", "TIFF", picture(), {"compression": "tiff_lzw"}),
        ("jpeg.tif", "TIFF", picture(), {"compression": "jpeg"}),
        ("deep.tif", "TIFF", deep, {}),
        ("float.tif", "TIFF", picture().convert("F"), {}),
        ("avif", "AVIF", picture(), {}),
        ("ppm", "PPM", picture(), {}),
        ("pgm", "PPM", picture().convert("L"), {}),
        ("deep.ppm", "PPM", deep, {}),
    ]
    found = {}
    for name, kind, image, options in wanted:
        content = io.BytesIO()
        image.save(content, kind, **options)
        found[name] = content.getvalue()
    return found


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, *before: bytes, bits: int = 8, colour: int = 0, after: bytes = b"") -> bytes:
    """A PNG that says to be so large, with chunks before its (much too few) pixels and after them."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    pixels = zlib.compress(bytes((1 + width) * height if width * height < 100_000 else 1000))
    return (
        b"\x89PNG\r\n\x1a\n" + header + b"".join(before) + png_chunk(b"IDAT", pixels) + after + png_chunk(b"IEND", b"")
    )


def tiff(entries: list[tuple[int, int, int, int]], data: bytes = b"") -> bytes:
    """A TIFF of (tag, type, count, value or place) entries; ``data`` begins right behind the directory."""
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHLL", *entry) for entry in sorted(entries))
    return b"II*\0" + struct.pack("<L", 8) + directory + struct.pack("<L", 0) + data


def jpeg_with(*segments: bytes) -> bytes:
    """A JPEG with APP1 segments in front of its pixels."""
    plain = written("JPEG") or b""
    place = 4 + struct.unpack(">H", plain[4:6])[0]  # behind its own first segment
    parts = [b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment for segment in segments]
    return plain[:2] + b"".join(parts) + plain[place:]


def exif_bomb(size: int) -> bytes:
    """A JPEG whose EXIF data is one number that has no end."""
    count = (size - 60) // 8
    head = b"II*\0" + struct.pack("<L", 8) + struct.pack("<H", 1) + struct.pack("<HHLL", 0x011A, 5, count, 60)
    content = head.ljust(60, b"\0") + struct.pack("<LL", 1, 3) * count
    return jpeg_with(*(b"Exif\0\0" + content[k : k + 65_000] for k in range(0, len(content), 65_000)))


def bombs() -> dict[str, bytes]:
    """Small files, or files of a few megabytes, that ask for a thousand times as much."""
    text = zlib.compress(bytes(100 << 20), 9)
    strips = 200_000
    basics = [(256, 4, 1, 20_000), (257, 4, 1, 3000), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (277, 3, 1, 1)]
    begin = 8 + 2 + 12 * (len(basics) + 3) + 4
    end = begin + 4 * strips
    striped = tiff(
        [*basics, (273, 4, strips, begin), (278, 4, 1, 1500), (279, 4, strips, end)],
        struct.pack("<L", 8) * strips + struct.pack("<L", 60_000_000) * strips,
    )
    tile = zlib.compress(bytes(1000))
    tiled = [(256, 4, 1, 16), (257, 4, 1, 16), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1)]
    tiled += [(322, 4, 1, 40_000), (323, 4, 1, 40_000)]
    place = 8 + 2 + 12 * (len(tiled) + 2) + 4
    return {
        "wide.png": png(60_000, 60_000),
        "deep.png": png(7_900, 7_900, bits=16, colour=6),
        "text.png": png(8, 8, *[png_chunk(b"zTXt", b"Comment\0\0" + text)] * 80),
        "profile.png": png(8, 8, png_chunk(b"iCCP", b"icc\0\0" + text)),
        "private.png": png(8, 8, png_chunk(b"prVt", bytes(20 << 20))),
        "exif.png": png(8, 8, after=png_chunk(b"eXIf", b"II*\0" + struct.pack("<L", 8) + bytes(20 << 20))),
        "exif.jpg": exif_bomb(12 << 20),
        "strips.tif": striped,
        "tiles.tif": tiff([*tiled, (324, 4, 1, place), (325, 4, 1, len(tile))], tile),
        "huge.bmp": b"BM" + struct.pack("<LLLLllHH", 54, 0, 54, 40, 30_000, 30_000, 1, 24) + bytes(24),
        "huge.ppm": b"P6 50000 50000 255\n" + bytes(100),
        "slow.pgm": b"P5 5000 5000 1000\n" + bytes(50_000_000),
        "huge.gif": b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + bytes(20),
        "huge.webp": b"RIFF"
        + struct.pack("<L", 22)
        + b"WEBPVP8X"
        + struct.pack("<LL", 10, 0)
        + b"\xff\x3f\0\xff\x3f\0",
    }
