"""In which encoding a file of text is written: found by its bytes or chosen, and its text in UTF-8."""

from __future__ import annotations

import codecs
from pathlib import Path

from nnviz.data.table_of_file import wrong_table


def as_utf8(path: Path, data: bytes, chosen: str) -> tuple[bytes, str]:
    """The text in UTF-8 without a mark of order, and what it was in, in words."""
    packed = {b"PK\x03\x04": "a ZIP archive or an Excel workbook", b"\x1f\x8b": "packed with gzip", b"%PDF": "a PDF",
              b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"PAR1": "a Parquet file",
              b"\xd0\xcf\x11\xe0": "an old Excel workbook"}  # fmt: skip
    for mark, what in packed.items():
        if data.startswith(mark):
            raise wrong_table(path, f"This is no text but {what}: give it the ending that says so, or unpack it.")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or chosen == "utf-16":
        return _utf16(path, data, "utf-16" if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-16-le")
    head = data[:4096]
    if head.count(0) > len(head) // 4:
        even, odd = head[::2].count(0), head[1::2].count(0)
        if not even or not odd:
            return _utf16(path, data, "utf-16-le" if odd else "utf-16-be")
    if b"\0" in data:
        raise wrong_table(path, "This is no text: it holds bytes of the value 0. Is it another kind of file?")
    data = data.removeprefix(codecs.BOM_UTF8)
    if data.isascii():
        return data, "UTF-8"
    try:
        if chosen != "cp1252":
            data.decode("utf-8")
            return data, "UTF-8"
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        if chosen == "utf-8":
            raise wrong_table(
                path, f"Line {line:,} is no UTF-8; cp1252 may be right.", "data.params.encoding"
            ) from None
        other = _utf8_line(data)
        if other:
            raise wrong_table(
                path,
                f"Line {other:,} is UTF-8 and line {line:,} is not: this file mixes two encodings. Save it in one, or "
                "choose cp1252 to read it nevertheless.",
                "data.params.encoding",
            ) from None
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise wrong_table(path, f"Line {line:,} is neither UTF-8 nor cp1252: it may be no text at all.") from None
    if sum(character < " " and character not in "\t\n\r\f" for character in text[:4096]) > len(text[:4096]) // 20:
        raise wrong_table(path, "This is no text: much of it are control characters. Is it another kind of file?")
    return text.encode(), "cp1252 (Windows, Latin-1)"


def _utf16(path: Path, data: bytes, encoding: str) -> tuple[bytes, str]:
    try:
        return data.decode(encoding).removeprefix("\ufeff").replace("\0", "").encode(), "UTF-16"
    except UnicodeError:
        raise wrong_table(path, "This is no whole text in UTF-16: it may be cut off.", "data.params.encoding") from None


def _utf8_line(data: bytes) -> int:
    """The first line with letters beyond ASCII that are UTF-8, from 1; 0 where there is none."""
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.isascii():
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                continue
            return number
    return 0
