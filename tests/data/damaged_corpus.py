"""300 damaged inputs as people have them: pictures, tables and arrays, each with what a good program makes of it.

Each is a file name, its bytes, and what is expected: ``read`` (odd, but all there), ``refused`` (a sentence that names
the file), or ``either`` (how much is left of it decides; but one of the two).
"""

from __future__ import annotations

import io
import pickle
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import picture_corpus
import polars as pl
from PIL import Image

READ, REFUSED, EITHER = "read", "refused", "either"
#: What somebody's bytes would do if they were run: a file of this name appears in the working folder.
CANARY = "it_was_run"


class Damaged(NamedTuple):
    """One input: what it is, the name it gets, its bytes, and what is made of it."""

    title: str
    name: str
    content: bytes
    expected: str


class Evil:
    """Leaves a file behind when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return open, (CANARY, "w")


def _cut(content: bytes, parts: int) -> Iterator[tuple[int, bytes]]:
    """The beginning of it, in so many lengths."""
    for part in range(1, parts + 1):
        yield part, content[: len(content) * part // (parts + 1)]


def _spoilt(content: bytes, seed: int) -> bytes:
    """A block of noise in the middle of it."""
    chance, found = random.Random(seed), bytearray(content)
    place = chance.randrange(len(found) // 8, max(len(found) - 24, len(found) // 8 + 1))
    found[place : place + 24] = chance.randbytes(24)
    return bytes(found)


@cache
def pictures() -> list[Damaged]:
    """150 pictures: cut, empty, tiny, of other kinds, with wrong endings, larger than they are."""
    good = picture_corpus.valid_files()
    formats = {name: good[name] for name in ("png", "jpg", "gif", "bmp", "webp", "tif", "ppm", "avif")}
    found = []
    for ending, content in formats.items():
        found += [Damaged("truncated", f"cut{at}.{ending}", part, EITHER) for at, part in _cut(content, 5)]
        found.append(Damaged("empty", f"empty.{ending}", b"", REFUSED))
        found.append(Damaged("a header and nothing behind it", f"header.{ending}", content[:12], REFUSED))
        found.append(Damaged("a text with the ending of a picture", f"text.{ending}", b"no picture\n" * 9, REFUSED))
        other = "jpg" if ending == "png" else "png"
        found.append(Damaged("wrong ending", f"really_{ending}.{other}", content, READ))
        found += [Damaged("noise", f"noise{at}.{ending}", _spoilt(content, at), EITHER) for at in range(2)]
    for kind, ending in (("PNG", "png"), ("JPEG", "jpg"), ("GIF", "gif"), ("BMP", "bmp"), ("TIFF", "tif")):
        dot = io.BytesIO()
        Image.new("RGB" if kind != "GIF" else "P", (1, 1)).save(dot, kind)
        found.append(Damaged("one pixel", f"dot.{ending}", dot.getvalue(), READ))
    for name in (
        *("deep.png", "palette.png", "cmyk.jpg", "progressive.jpg", "mpo.jpg", "animated.gif", "animated.webp"),
        *("lzw.tif", "jpeg.tif", "deep.tif", "float.tif", "deep.ppm", "lossless.webp"),
    ):
        found.append(Damaged("16 bits, CMYK, animated, packed", f"odd_{name}", good[name], READ))
    huge = [(50_000, 50_000), (1, 2_000_000_000), (2_000_000_000, 1), (70_000, 20_000), (0, 7), (7, 0)]
    for at, (width, height) in enumerate(huge):
        found.append(Damaged("decompression bomb", f"bomb{at}.png", picture_corpus.png(width, height), REFUSED))
    text = picture_corpus.png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(30 << 20)))
    found.append(Damaged("a text of 30 MB in a picture", "text_bomb.png", picture_corpus.png(8, 8, text), EITHER))
    wide = [(256, 4, 1, 60_000), (257, 4, 1, 60_000), (258, 3, 1, 8), (273, 4, 1, 200), (279, 4, 1, 9)]
    found.append(Damaged("decompression bomb", "bomb.tif", picture_corpus.tiff(wide, bytes(64)), REFUSED))
    screen = b"GIF89a" + struct.pack("<HHBBB", 60_000, 60_000, 0xF0, 0, 0) + bytes(6) + b"\x2c" + bytes(8) + b"\0\2\0;"
    found.append(Damaged("decompression bomb", "bomb.gif", screen, REFUSED))
    others = {
        kind: content
        for kind, content in picture_corpus.corpus().items()
        if kind not in picture_corpus.ALLOWED and len(content) < 1 << 20
    }
    for kind, content in sorted(others.items()):
        found.append(Damaged(f"a {kind} file", f"kind_{kind}.png", content, REFUSED))
    return found


def _csv(rows: str) -> bytes:
    return rows.encode()


@cache
def tables() -> list[Damaged]:
    """90 tables: ragged, of mixed encodings, too wide, without a target; damaged Parquet files and workbooks."""
    body = "".join(f"{at},{at * 0.5},{'uv'[at % 2]}\n" for at in range(20))
    whole = "a,b,y\n" + body
    ragged = whole.replace("3,1.5,v", "3,1.5").replace("7,3.5,v", "7,3.5,v,8")
    missing = "a,b,y\n" + "".join(f"{at},{at},NaN\n" for at in range(9))
    found = [
        Damaged("no byte", "empty.csv", b"", REFUSED),
        Damaged("empty lines", "lines.csv", b"\n\n \n\r\n", REFUSED),
        Damaged("only a header", "header.csv", b"a,b,y\n", REFUSED),
        Damaged("one row", "row.csv", b"a,b,y\n1,2,u\n", REFUSED),
        Damaged("one column", "column.csv", b"y\nu\nv\n" * 5, REFUSED),
        Damaged("a row too short, one too long", "ragged.csv", _csv(ragged), READ),
        Damaged("nothing but ragged", "all_ragged.csv", _csv("a,b,y\n" + "1 2\n,,,,,\n" * 9), REFUSED),
        Damaged("a million columns", "million.csv", b"," * 1_000_000 + b"\n", REFUSED),
        Damaged("a million named columns", "named.csv", ",".join(map(str, range(1_000_000))).encode(), REFUSED),
        Damaged("5,000 columns", "wide.csv", (",".join(["1"] * 5000) + "\n").encode() * 4, REFUSED),
        Damaged("NaN targets", "nan.csv", _csv(missing), REFUSED),
        Damaged("some NaN targets", "some_nan.csv", _csv(whole + "1,2,\n1,2,NaN\n"), READ),
        Damaged("one class only", "one_class.csv", _csv(whole.replace(",v", ",u")), REFUSED),
        Damaged(
            "every row its own class", "names.csv", _csv("a,y\n" + "".join(f"1,n{at}\n" for at in range(40))), REFUSED
        ),
        Damaged("infinite numbers", "infinite.csv", _csv(whole + "inf,1e999,u\n-inf,1,v\n"), READ),
        Damaged("two encodings", "mixed.csv", "a,b,y\n1,2,süß\n".encode() + "1,2,kühl\n".encode("cp1252"), REFUSED),
        Damaged("UTF-16", "wide16.csv", whole.encode("utf-16"), READ),
        Damaged("half of UTF-16", "half16.csv", whole.encode("utf-16")[:-1], REFUSED),
        Damaged("UTF-32", "wide32.csv", whole.encode("utf-32"), EITHER),
        Damaged("a byte order mark", "mark.csv", b"\xef\xbb\xbf" + _csv(whole), READ),
        Damaged("bytes of value 0", "zeros.csv", bytes(5000), REFUSED),
        Damaged("a 0 in the middle", "one_zero.csv", _csv(whole[:40]) + b"\0" + _csv(whole[40:]), EITHER),
        Damaged("all bytes", "bytes.csv", bytes(range(256)) * 9, REFUSED),
        Damaged("a quotation mark that is never closed", "quote.csv", _csv(whole + '1,"open,u\n2,3,v\n'), REFUSED),
        Damaged("a cell of 200,000 letters", "cell.csv", _csv(f"a,y\n{'x' * 200_000},u\n1,v\n"), REFUSED),
        Damaged("columns of one name", "same.csv", _csv(whole.replace("a,b,y", "a,a,a")), EITHER),
        Damaged("columns without names", "nameless.csv", _csv(whole.replace("a,b,y", ",,")), EITHER),
        Damaged("formulas", "formula.csv", _csv(whole + "\"=cmd|'/c calc'!A0\",2,u\n"), READ),
        Damaged("old line ends", "mac.csv", _csv(whole.replace("\n", "\r")), EITHER),
        Damaged("nothing but separators", "separators.csv", b",,,\n" * 9, REFUSED),
        Damaged("numbers of 400 digits", "digits.csv", _csv(whole + f"{'9' * 400},2,u\n"), READ),
        Damaged("days that are none", "days.csv", _csv("d,y\n" + "2024-02-31,u\n2024-13-01,v\n" * 9), EITHER),
        Damaged("three separators", "mess.csv", b"a;b,c\td\n1;2,3\t4\n" * 9, EITHER),
        Damaged("a picture", "picture.csv", picture_corpus.valid_files()["png"], REFUSED),
        Damaged("a picture called Parquet", "picture.parquet", picture_corpus.valid_files()["png"], REFUSED),
        Damaged("a picture called workbook", "picture.xlsx", picture_corpus.valid_files()["png"], REFUSED),
        Damaged("a text called Parquet", "text.parquet", _csv(whole), REFUSED),
        Damaged("a text called workbook", "text.xlsx", _csv(whole), REFUSED),
        Damaged("no byte", "empty.parquet", b"", REFUSED),
        Damaged("no byte", "empty.xlsx", b"", REFUSED),
        Damaged("a pickle", "pickle.parquet", pickle.dumps(Evil()), REFUSED),
        Damaged("a pickle", "pickle.csv", pickle.dumps(Evil()), REFUSED),
    ]
    frame = pl.read_csv(_csv(whole))
    stream = io.BytesIO()
    frame.write_parquet(stream)
    parquet = stream.getvalue()
    found += [Damaged("truncated", f"cut{at}.parquet", part, REFUSED) for at, part in _cut(parquet, 10)]
    found += [Damaged("noise", f"noise{at}.parquet", _spoilt(parquet, at), EITHER) for at in range(10)]
    tail = parquet[:-8] + struct.pack("<I", 0x7FFFFFFF) + b"PAR1"
    found.append(Damaged("a directory of 2 GB", "directory.parquet", tail, REFUSED))
    found.append(Damaged("a directory of no bytes", "nothing.parquet", parquet[:-8] + bytes(4) + b"PAR1", REFUSED))
    for title, name, odd, expected in (
        ("a target of lists", "lists", frame.with_columns(y=pl.Series([[at] for at in range(20)])), REFUSED),
        ("no rows", "no_rows", frame.clear(), REFUSED),
        ("no columns", "no_columns", pl.DataFrame(), REFUSED),
        (
            "a column of bytes",
            "column_of_bytes",
            frame.with_columns(a=pl.Series([bytes([at]) for at in range(20)])),
            EITHER,
        ),
    ):
        stream = io.BytesIO()
        odd.write_parquet(stream)
        found.append(Damaged(title, f"{name}.parquet", stream.getvalue(), expected))
    book = _workbook("<row r='1'><c><v>1</v></c></row>")
    found += [Damaged("truncated", f"cut{at}.xlsx", part, REFUSED) for at, part in _cut(book, 8)]
    found += [Damaged("noise", f"noise{at}.xlsx", _spoilt(book, at), EITHER) for at in range(8)]
    found.append(Damaged("a bomb of 60 MB", "bomb.xlsx", _workbook("<row/>" + " " * (60 << 20)), REFUSED))
    laughs = "".join(f"<!ENTITY l{at} '{f'&l{at - 1};' * 10 if at else 'ha'}'>" for at in range(12))
    found.append(Damaged("entities in entities", "laughs.xlsx", _workbook("&l11;", f"<!DOCTYPE a [{laughs}]>"), EITHER))
    outside = "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
    found.append(
        Damaged("an entity of another file", "outside.xlsx", _workbook("<row><c><v>&x;</v></c></row>", outside), EITHER)
    )
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    found.append(Damaged("an archive of nothing", "nothing.xlsx", empty.getvalue(), REFUSED))
    return found


def _workbook(rows: str, before: str = "") -> bytes:
    """The least that is called a workbook, with these rows."""
    spread = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    parts = {
        "[Content_Types].xml": "<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'/>",
        "_rels/.rels": f"<Relationships xmlns='{relations}'><Relationship Id='r1' Type='{office}/officeDocument' "
        "Target='xl/workbook.xml'/></Relationships>",
        "xl/workbook.xml": f"<workbook xmlns='{spread}' xmlns:r='{office}'><sheets>"
        "<sheet name='s' sheetId='1' r:id='r1'/></sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f"<Relationships xmlns='{relations}'><Relationship Id='r1' "
        f"Type='{office}/worksheet' Target='worksheets/sheet1.xml'/></Relationships>",
        "xl/worksheets/sheet1.xml": f"<?xml version='1.0'?>{before}<worksheet xmlns='{spread}'><sheetData>{rows}"
        "</sheetData></worksheet>",
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return stream.getvalue()


@cache
def arrays() -> list[Damaged]:
    """60 files of arrays: cut, of objects, of shapes that are none, bombs, and one class."""
    chance = np.random.default_rng(0)
    table, labels = chance.normal(size=(40, 3)), np.arange(40) % 4
    stream = io.BytesIO()
    np.save(stream, np.column_stack([table, labels]))
    good, shape = stream.getvalue(), b"(40, 4)"
    assert shape in good
    found = [Damaged("truncated", f"cut{at}.npy", part, REFUSED) for at, part in _cut(good, 12)]
    headers = (
        (shape, b"(4000000000000, 4)"), (shape, b"(-40, 4)"), (shape, b"(40, 4, 1, 1, 1)"), (shape, b"40, 4"),
        (b"'<f8'", b"'|O8'"), (b"'<f8'", b"'<q9'"), (b"'<f8'", b"'<c16'"), (b"False", b"print"),
        (b"'descr'", b"'nobody'"), (b"False", f"open('{CANARY}','w')".encode()),
    )  # fmt: skip
    for at, (old, new) in enumerate(headers):
        found.append(Damaged("a header that lies", f"header{at}.npy", good.replace(old, new), REFUSED))
    objects = io.BytesIO()
    np.save(objects, np.array([Evil()] * 9, object), allow_pickle=True)
    found.append(Damaged("Python objects", "objects.npy", objects.getvalue(), REFUSED))
    found.append(Damaged("a pickle", "pickle.npy", pickle.dumps(Evil()), REFUSED))
    found.append(Damaged("a pickle", "pickle.npz", pickle.dumps(Evil()), REFUSED))
    found.append(Damaged("no byte", "empty.npy", b"", REFUSED))
    found.append(Damaged("no byte", "empty.npz", b"", REFUSED))
    found.append(Damaged("another version", "version.npy", good[:6] + b"\x09\x00" + good[8:], REFUSED))
    found.append(Damaged("a picture", "picture.npy", picture_corpus.valid_files()["png"], REFUSED))
    archive = _archive(x=table, y=labels)
    found += [Damaged("truncated", f"cut{at}.npz", part, REFUSED) for at, part in _cut(archive, 8)]
    found += [Damaged("noise", f"noise{at}.npz", _spoilt(archive, at), EITHER) for at in range(6)]
    broken = table.copy()
    broken[17, 1] = np.nan
    for title, name, given in (
        ("one class only", "one_class", {"x": table, "y": labels * 0}),
        ("NaN targets", "nan", {"x": table, "y": np.full(40, np.nan)}),
        ("an input that is no number", "no_number", {"x": broken, "y": labels}),
        ("fewer answers than inputs", "fewer", {"x": table, "y": labels[1:]}),
        ("no examples", "none", {"x": table[:0], "y": labels[:0]}),
        ("one example", "one", {"x": table[:1], "y": labels[:1]}),
        ("five dimensions", "five", {"x": np.zeros((40, 2, 2, 2, 2)), "y": labels}),
        ("seven channels", "seven", {"x": np.zeros((40, 7, 7, 5)), "y": labels}),
        ("texts", "texts", {"x": np.array(["a"] * 40), "y": labels}),
        ("complex numbers", "complex", {"x": table * 1j, "y": labels}),
        ("no inputs", "no_inputs", {"y": labels}),
        ("objects", "objects", {"x": table, "y": np.array([Evil()] * 40, object)}),
    ):
        found.append(Damaged(title, f"{name}.npz", _archive(**given), REFUSED))
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 9)})
        file.writestr("x.npy", header.getvalue() + bytes(1 << 20))
        file.writestr("y.npy", header.getvalue())
    found.append(Damaged("a bomb", "bomb.npz", bomb.getvalue(), REFUSED))
    path = io.BytesIO()
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("../../x.npy", good)
    found.append(Damaged("a path out of its folder", "path.npz", path.getvalue(), EITHER))
    found.append(Damaged("two arrays behind each other", "two.npy", good + good, EITHER))
    found.append(Damaged("zeros behind it", "behind.npy", good + bytes(99), EITHER))
    found.append(Damaged("an archive of texts", "texts_inside.npz", _workbook(""), REFUSED))
    return found


def _archive(**given: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **given)
    return stream.getvalue()


def written(folder: Path, inputs: list[Damaged]) -> list[Path]:
    """All of them as files of a folder."""
    folder.mkdir(parents=True)
    for one in inputs:
        (folder / one.name).write_bytes(one.content)
    return [folder / one.name for one in inputs]
