"""A table of text that does not fit into memory, read a piece at a time; its columns lie on the disk."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from nnviz.data.table_large import LargeFrame, Pieces
from nnviz.data.table_lines import Lines
from nnviz.data.table_of_file import MOST_NAMED, PATH_FIELD, FileTable, HowToRead, Report, wrong_table
from nnviz.data.table_text import EMPTY, last_values, read_carefully
from nnviz.data.table_written import SAMPLE_BYTES, Written, beginning, how_written
from nnviz.errors import DataError
from nnviz.paths import reason_of
from nnviz.regular_files import open_regular

#: Bytes of a text that are brought to the disk at a time.
_BYTES_OF_A_PIECE = 1 << 24
#: Bytes that may be brought into memory in search of the end of a row.
_LONGEST_ROW = 1 << 28


class NotPlainError(DataError):
    """A file that has to be read whole to be understood."""


def read_text_in_pieces(path: Path, how: HowToRead, report: Report) -> FileTable:
    """The table that a text of any size holds, its columns on the disk.

    As ``read_text``: what is a row, and what is told of it, must not hang on how much memory there is.

    Raises:
        NotPlainError: It is no plain text in UTF-8.
        DataError: It is no table, is damaged or empty.
    """
    try:
        with _Part(path) as text:
            return _read(path, text, how, report)
    except OSError as error:
        raise wrong_table(path, reason_of(error)) from None


def _read(path: Path, text: _Part, how: HowToRead, report: Report) -> FileTable:
    if not text.length:
        raise wrong_table(path, "The file holds nothing but empty lines.")
    head = text.read(SAMPLE_BYTES + 1)
    if (
        how.encoding == "utf-16"
        or b"\0" in head
        or head[:4].lower() == b"sep="
        or (b"\r" in head and b"\n" not in head)
    ):
        raise _not_plain(path, "it is no plain text in UTF-8")
    try:
        written = how_written(path, beginning(path, head), how, "")
    except UnicodeDecodeError:
        raise _not_plain(path, "it is no UTF-8") from None
    quoted = Lines(written.separator, written.skipped)
    counts = _counts(path, text, written.separator, quoted, how, report)
    notes, warnings, skipped = (written.words("UTF-8"), "Read in pieces."), written.warnings, written.skipped
    lines: Callable[[int], int] = quoted.line if counts[b'"'] else lambda row: row + 1 + skipped
    frame = _fast_in_pieces(text, written, counts, report) if quoted.sound else None
    if frame is None or (counts[b'"'] and quoted.rows != frame.height):
        frame = LargeFrame(written.names, Pieces())
        try:
            text.seek(0)
            found = read_carefully(path, io.BufferedReader(text), written, frame.add, report, MOST_NAMED)
        except UnicodeDecodeError:  # it was changed meanwhile
            raise _not_plain(path, "it is no UTF-8") from None
        lines = found.line
        warnings = (*found.warnings(len(written.names)), *warnings)
    if not frame.height:
        raise wrong_table(path, "There is only a header and no row below it." if written.named else "There is no row.")
    return FileTable(frame, lines, written.decimal, notes, warnings)


def _fast_in_pieces(text: _Part, written: Written, counts: Mapping[bytes, int], report: Report) -> LargeFrame | None:
    """As ``_fast`` of a whole text, of which it must be the very same.

    It is given to polars block by block: of a file that polars opens itself it maps what is not read yet into memory,
    and a mapped file that somebody shortens takes the program with it.
    """
    frame, options = LargeFrame(written.names, Pieces()), written.options()
    try:
        for block in _blocks(text, written.skipped, quoted=counts[b'"'] > 0):
            frame.add(pl.read_csv(block, **options))
            options["skip_lines"] = 0
            report(2, 4)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    missing = sum(batch.null_count() for batch in frame.parts_of(frame.width - 1)) if frame.height else 0
    return frame if written.regular(frame.height, missing, counts.__getitem__) else None


def _blocks(text: _Part, skipped: int, *, quoted: bool) -> Iterator[bytes]:
    """A text whose quotation marks are sound, in blocks of whole rows.

    Args:
        text: All of it is read.
        skipped: Lines before the first row; they are in the first block.
        quoted: There are quotation marks.

    Raises:
        ComputeError: A row does not end.
    """
    text.seek(0)
    rest = b""
    while content := text.read(_BYTES_OF_A_PIECE):
        content = rest + content
        end = _end_of_rows(content, quoted=quoted)
        if skipped and content.count(b"\n", 0, end) <= skipped:
            end = 0
        if end:
            yield content[:end]
            skipped = 0
        rest = content[end:]
        if len(rest) > _LONGEST_ROW:
            raise pl.exceptions.ComputeError("a row that is no row")
    if rest:
        yield rest


def _end_of_rows(content: bytes, *, quoted: bool) -> int:
    """Where the last row ends behind which another one begins that polars takes for one: it passes over empty lines."""
    end = len(content) - 1
    marks = content.count(b'"', 0, end) if quoted else 0
    while (found := content.rfind(b"\n", 0, max(end, 0))) >= 0:
        marks -= content.count(b'"', found, end) if quoted else 0
        if not marks % 2 and content[found + 1] not in b"\r\n" and not content.startswith(codecs.BOM_UTF8, found + 1):
            return found + 1
        end = found
    return 0


class _Part(io.RawIOBase):
    """The text of a file as it counts: without a mark of order, and without what is empty at its end.

    Attributes:
        length: Its bytes.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = open_regular(path)
        self._first = len(codecs.BOM_UTF8) if self._file.read(3) == codecs.BOM_UTF8 else 0
        end = full = self._file.seek(0, io.SEEK_END)
        while full > self._first:
            begin = max(self._first, full - SAMPLE_BYTES)
            self._file.seek(begin)
            left = len(self._file.read(full - begin).rstrip(EMPTY))
            full = begin + left
            if left:
                break
        self._file.seek(full)
        behind = self._file.read(min(end - full, SAMPLE_BYTES))
        self.length = full - self._first + (last_values(behind) if full > self._first else 0)
        self.seek(0)

    def readable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        assert whence == io.SEEK_SET
        self._place = place
        return self._file.seek(self._first + place) - self._first

    def readinto(self, into: Any) -> int:
        count = self._file.readinto(memoryview(into)[: self.length - self._place])
        self._place += count
        return count

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _counts(path: Path, text: _Part, separator: str, quoted: Lines, how: HowToRead, report: Report) -> dict[bytes, int]:
    """How often what divides the values and the quotation mark stand in a text; all of it goes to ``quoted``, too.

    Raises:
        NotPlainError: It is no plain text in UTF-8, in any part of it.
    """
    found = dict.fromkeys((separator.encode(), b'"'), 0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    text.seek(0)
    try:
        while content := text.read(SAMPLE_BYTES):
            if b"\0" in content:
                raise _not_plain(path, "it is no plain text in UTF-8")
            if not content.isascii() and how.encoding == "cp1252":
                raise _not_plain(path, "it is not in UTF-8 but in cp1252")
            if not content.isascii() or decoder.getstate()[0]:
                decoder.decode(content)
            for what in found:
                found[what] += content.count(what)
            quoted.add(content)
            report(1, 4)
        quoted.end()
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise _not_plain(path, "it is no UTF-8") from None
    return found


def _not_plain(path: Path, reason: str) -> NotPlainError:
    return NotPlainError(
        f"A table that does not fit into memory must be plain text in UTF-8: {reason}. Parquet is read in any case.",
        file=str(path),
        field=PATH_FIELD,
    )
