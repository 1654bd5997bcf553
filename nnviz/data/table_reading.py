"""A table of the user's own, from its file to columns of polars: encoding, separator, header, rows that do not fit.

CSV and its kin are read twice in the good case only in part: a sample says what stands where, then polars reads the
whole file with that knowledge. Where one cell or one row does not keep to it, everything is read as text, and Python's
csv module names the rows that have too few or too many values. Any thread; polars is imported when it is needed.
"""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import fastexcel
import polars as pl

from nnviz.data.table_choice import EXCEL_ENDINGS, PARQUET_ENDINGS
from nnviz.data.table_large import LargeFrame, Pieces
from nnviz.errors import DataError
from nnviz.paths import reason_of
from nnviz.project.text import clean_name
from nnviz.regular_files import open_regular

#: A file of text is held in memory while it is read; so is what a packed one unpacks to.
MOST_BYTES = 1 << 30
#: Rows times columns: 400 MB while they are looked at, 200 MB as they are trained on.
MOST_CELLS = 50_000_000
MOST_COLUMNS = 4096
#: What stands for a missing value, in any column.
MISSING = (
    "", "NA", "N/A", "n/a", "na", "NaN", "nan", "NULL", "null", "None", "?", "-", "#N/A", "#DIV/0!", "#VALUE!", "#REF!",
    "#NAME?", "#NUM!", "#NULL!",
)  # fmt: skip
#: So many rows say how a file is written.
_SAMPLE_ROWS = 200
_SAMPLE_BYTES = 1 << 20
#: A decimal comma and a semicolon belong together, so the comma is tried last.
_SEPARATORS = (("\t", "tabs"), (";", "semicolons"), ("|", "bars"), (",", "commas"))
_MOST_NAMED = 5
_AT_ONCE = 20_000
#: Letters of a line that are read at once; a cell may have far fewer.
_LONGEST_LINE = 1 << 26
#: What is no content at the end of a text.
_EMPTY = b"\r\n \t\x1a"
_ROWS_OF_A_PIECE = 1 << 18
_PATH = "data.params.path"


@dataclass(frozen=True)
class HowToRead:
    """How a file is read, as it was chosen: ``auto`` is found out.

    Attributes:
        separator: ``auto``, ``comma``, ``semicolon``, ``tab`` or ``bar``.
        decimal: ``auto``, ``point`` or ``comma``.
        encoding: ``auto``, ``utf-8``, ``cp1252`` or ``utf-16``.
        header: ``auto``, ``yes`` or ``no``.
        sheet: Of a workbook; the first one where it is empty.
        only_sheet: The only sheet of a workbook is meant, whatever it is called.
    """

    separator: str = "auto"
    decimal: str = "auto"
    encoding: str = "auto"
    header: str = "auto"
    sheet: str = ""
    only_sheet: bool = False


@dataclass(frozen=True, eq=False)
class FileTable:
    """The columns of a file: numbers where all cells are numbers, else texts, dates or what Parquet holds.

    Attributes:
        frame: The columns under names that differ; of a large table on the disk.
        lines: In which line of the file, or row of the sheet, each row stands; from 1.
        decimal: ``point`` or ``comma``: what the texts that are left use.
        notes: How it was read, in sentences.
        warnings: What was left out or renamed, likewise.
        ragged: The rows of another number of values, which are left out: which of all rows each is, from 0, and what
            is wrong with it.
    """

    frame: pl.DataFrame | LargeFrame
    lines: Callable[[int], int]
    decimal: str = "point"
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    ragged: tuple[tuple[int, str], ...] = ()

    @property
    def empty_rows(self) -> pl.Series:
        """Which rows hold nothing at all."""
        if isinstance(self.frame, LargeFrame):
            return self.frame.empty_rows()
        return self.frame.select(pl.all_horizontal(pl.all().is_null())).to_series()


class TooManyValuesError(DataError):
    """A table is too large to be looked at in memory."""


#: (what has been done, of how much): may raise Cancelled.
Report = Callable[[int, int], None]


def read_table(path: Path, how: HowToRead, report: Report, most: int | None = None) -> FileTable:
    """The table that a file holds.

    Args:
        path: A file that is there.
        how: What is known of it.
        report: Told how far it is; may raise to end the work.
        most: Text and Parquet of more bytes are read in pieces and kept on the disk; None refuses what is too large.

    Raises:
        DataError: It is no table, is damaged, empty or too large; names the file.
    """
    suffix = path.suffix.lower()
    if most is None or suffix in EXCEL_ENDINGS:
        return _read_whole(path, how, report)
    size = _size(path)
    if size > min(most, MOST_BYTES):
        try:
            return _read_in_pieces(path, how, report)
        except _NotPlainError:
            if size > MOST_BYTES:
                raise
    try:
        return _read_whole(path, how, report)
    except TooManyValuesError:
        return _read_in_pieces(path, how, report)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError) as error:
        raise _wrong(path, reason_of(error) if isinstance(error, OSError) else str(error)) from None


def _read_whole(path: Path, how: HowToRead, report: Report) -> FileTable:
    suffix = path.suffix.lower()
    try:
        with open_regular(path) as file:
            size = path.stat().st_size
            if not size:
                raise _wrong(path, "The file is empty.")
            if size > MOST_BYTES:
                raise _wrong(path, f"The file has {size / 1e9:.1f} GB; at most {MOST_BYTES / 1e9:.1f} GB are read.")
            data = file.read()
    except (OSError, ValueError) as error:
        raise _wrong(path, reason_of(error)) from None
    report(1, 4)
    if suffix in EXCEL_ENDINGS:
        return _read_excel(path, data, how)
    if suffix in PARQUET_ENDINGS:
        return _read_parquet(path, data)
    return _read_text(path, data, how, report)


def _wrong(path: Path, sentence: str, field: str = _PATH) -> DataError:
    return DataError(sentence, file=str(path), field=field)


# ---- names and sizes -----------------------------------------------------------------------------------------------


def _named(names: Sequence[str | None]) -> tuple[list[str], list[str]]:
    """Names of columns that can be shown and differ, and what had to be changed for it."""
    found: list[str] = []
    warnings: list[str] = []
    taken: set[str] = set()
    for at, given in enumerate(names):
        name = base = clean_name(given or "")[:100].strip() or f"column {at + 1}"
        number = 1
        while name in taken:
            number += 1
            name = f"{base} ({number})"
        if name != base and len(warnings) < _MOST_NAMED:
            warnings.append(f"More than one column is called '{base}': one of them is '{name}' here.")
        taken.add(name)
        found.append(name)
    return found, warnings


def _check_size(path: Path, rows: int, columns: int) -> None:
    if columns > MOST_COLUMNS:
        raise _wrong(path, f"The table has {columns:,} columns; at most {MOST_COLUMNS:,} are taken.")
    if rows * columns > MOST_CELLS:
        raise TooManyValuesError(
            f"The table has {rows:,} rows of {columns:,} columns; at most {MOST_CELLS:,} values are taken, which are "
            f"{MOST_CELLS // columns:,} such rows.",
            file=str(path),
            field=_PATH,
        )


# ---- text ----------------------------------------------------------------------------------------------------------


def _read_text(path: Path, data: bytes, how: HowToRead, report: Report) -> FileTable:
    data, encoding = _as_utf8(path, data, how.encoding)
    if b"\r" in data and b"\n" not in data:  # as old Macintoshes wrote
        data = data.replace(b"\r", b"\n")
    full = len(data.rstrip(_EMPTY))
    if not full:
        raise _wrong(path, "The file holds nothing but empty lines.")
    data = data[: full + _last_values(data[full:])]
    given = ""
    if data[:4].lower() == b"sep=" and data[5:6] in (b"\r", b"\n"):  # Excel's own word for it
        given, data = data[4:5].decode("latin-1"), data[5:].lstrip(b"\r\n")
        if not data:
            raise _wrong(path, "The file holds nothing but empty lines.")
    written = _written(path, _sample(path, data), how, given)
    names, skipped = written.names, written.skipped
    _check_size(path, data.count(b"\n") + 1, len(names))
    report(2, 4)
    frame = _fast(data, written)
    report(3, 4)
    notes, warnings = (written.words(encoding),), written.warnings
    if frame is not None:
        return FileTable(frame, lambda row: row + 1 + skipped, written.decimal, notes, warnings)
    parts: list[pl.DataFrame] = []
    found = _careful(path, io.BytesIO(data), data.count(b'"'), written, parts.append, report)
    numbered = tuple((at, f"has {_values(count)}, not {len(names)}") for at, _, count in found.ragged)
    warnings = (*found.warnings(len(names)), *warnings)
    return FileTable(pl.concat(parts), found.line, written.decimal, notes, warnings, numbered)


def _last_values(behind: bytes) -> int:
    """How many bytes of what stands behind the last letter are its row: tabs at the end of a row are empty values."""
    return len(behind.splitlines()[0].rstrip(b" \x1a")) if behind else 0


@dataclass(frozen=True)
class _Written:
    """How a file of text is written, by its beginning: what stands between the values, what its columns are called."""

    separator: str
    names: list[str]
    named: bool
    skipped: int
    decimal: str
    numeric: list[bool]
    warnings: tuple[str, ...]

    def words(self, encoding: str) -> str:
        """The sentence about it."""
        words = f"Text in {encoding} with {dict(_SEPARATORS)[self.separator]} between the columns"
        words += ", decimal commas" if self.decimal == "comma" else ""
        return f"{words}." if self.named else f"{words}; the first row is no header."

    def options(self) -> dict[str, Any]:
        """What polars has to know."""
        kinds = [pl.Float64 if number else pl.String for number in self.numeric]
        return {
            "has_header": False,
            "separator": self.separator,
            "skip_lines": self.skipped,
            "decimal_comma": self.decimal == "comma",
            "schema": dict(zip(self.names, kinds, strict=True)),
            "null_values": list(MISSING),
            "extra_columns": "raise",
        }

    def regular(self, rows: int, missing: int, count: Callable[[bytes], int]) -> bool:
        """Whether each row of what polars has read has all of its values.

        A row that is too short ends in missing values, which is what a whole one may do, too: then they are counted.

        Args:
            rows: How many there are.
            missing: In how many of them the last value is missing.
            count: How often something stands in the text.
        """
        separators = (rows + self.skipped) * (len(self.names) - 1)
        return not missing or (not count(b'"') and count(self.separator.encode()) == separators)


def _written(path: Path, sample: str, how: HowToRead, given: str) -> _Written:
    separator = _separator(how.separator, given, sample)
    rows = _split(path, sample, separator)
    if not rows:
        raise _wrong(path, "There is no row in this file.")
    width = Counter(len(row) for _, row in rows).most_common(1)[0][0]
    width = width if width > 1 else max(len(row) for _, row in rows)
    if width > 2 and not any(row[-1].strip() for _, row in rows if len(row) == width):  # each row ends in a separator
        rows = [(line, row[:-1] if len(row) == width else row) for line, row in rows]
        width -= 1
    if width > MOST_COLUMNS:
        _check_size(path, 0, width)
    first = next(at for at, (_, row) in enumerate(rows) if len(row) == width)
    named = _has_header(how, [row for _, row in rows[first:] if len(row) == width])
    names, warnings = _named(rows[first][1] if named else [""] * width)
    body = rows[first + 1 :] if named else rows[first:]
    if first:
        warnings.insert(0, f"{_lines(first)} before the table left out: “{' '.join(rows[0][1])[:60].strip()}”.")
    if not body:
        raise _wrong(path, "There is only a header and no row below it." if named else "There is no row in this file.")
    skipped = rows[first][0] if named else (rows[first - 1][0] if first else 0)
    decimal, numeric = _numbers(how.decimal, separator, [row for _, row in body if len(row) == width], width)
    return _Written(separator, names, named, skipped, decimal, numeric, tuple(warnings))


def _as_utf8(path: Path, data: bytes, chosen: str) -> tuple[bytes, str]:
    """The text in UTF-8 without a mark of order, and what it was in, in words."""
    packed = {b"PK\x03\x04": "a ZIP archive or an Excel workbook", b"\x1f\x8b": "packed with gzip", b"%PDF": "a PDF",
              b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"PAR1": "a Parquet file",
              b"\xd0\xcf\x11\xe0": "an old Excel workbook"}  # fmt: skip
    for mark, what in packed.items():
        if data.startswith(mark):
            raise _wrong(path, f"This is no text but {what}: give it the ending that says so, or unpack it.")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or chosen == "utf-16":
        return _utf16(path, data, "utf-16" if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-16-le")
    head = data[:4096]
    if head.count(0) > len(head) // 4:
        even, odd = head[::2].count(0), head[1::2].count(0)
        if not even or not odd:
            return _utf16(path, data, "utf-16-le" if odd else "utf-16-be")
    if b"\0" in data:
        raise _wrong(path, "This is no text: it holds bytes of the value 0. Is it another kind of file?")
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
            raise _wrong(path, f"Line {line:,} is no UTF-8; cp1252 may be right.", "data.params.encoding") from None
        other = _utf8_line(data)
        if other:
            raise _wrong(
                path,
                f"Line {other:,} is UTF-8 and line {line:,} is not: this file mixes two encodings. Save it in one, or "
                "choose cp1252 to read it nevertheless.",
                "data.params.encoding",
            ) from None
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _wrong(path, f"Line {line:,} is neither UTF-8 nor cp1252: it may be no text at all.") from None
    if sum(character < " " and character not in "\t\n\r\f" for character in text[:4096]) > len(text[:4096]) // 20:
        raise _wrong(path, "This is no text: much of it are control characters. Is it another kind of file?")
    return text.encode(), "cp1252 (Windows, Latin-1)"


def _utf16(path: Path, data: bytes, encoding: str) -> tuple[bytes, str]:
    try:
        return data.decode(encoding).removeprefix("\ufeff").replace("\0", "").encode(), "UTF-16"
    except UnicodeError:
        raise _wrong(path, "This is no whole text in UTF-16: it may be cut off.", "data.params.encoding") from None


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


def _sample(path: Path, data: bytes) -> str:
    """The beginning, whole lines of it."""
    if len(data) <= _SAMPLE_BYTES:
        return data.decode()
    end = data.rfind(b"\n", 0, _SAMPLE_BYTES)
    if end < 0:
        separators = max(data[:_SAMPLE_BYTES].count(one.encode()) for one, _ in _SEPARATORS)
        many = f"more than {separators:,} columns; at most {MOST_COLUMNS:,} are taken"
        many = many if separators > MOST_COLUMNS else f"more than {_SAMPLE_BYTES:,} letters, so this is no table"
        raise _wrong(path, f"The first line has {many}.")
    return data[:end].decode()


def _separator(chosen: str, given: str, sample: str) -> str:
    """What stands between the values: the one that gives the most rows of equal length, and then the longest rows."""
    known = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
    if chosen in known:
        return known[chosen]
    if given in known.values():
        return given
    best, found = (0.0, 0), ","
    for candidate, _ in _SEPARATORS:
        if candidate not in sample:
            continue
        try:
            widths = Counter(len(row) for _, row in _rows(sample, candidate) if row)
        except csv.Error:
            continue
        width, count = max(widths.items(), key=lambda item: (item[0] > 1, item[1], item[0]), default=(0, 0))
        score = (round(count / max(widths.total(), 1), 1), width)
        if width > 1 and score > best:
            best, found = score, candidate
    return found


def _rows(text: str, separator: str, most: int = _SAMPLE_ROWS) -> list[tuple[int, list[str]]]:
    """The first rows, each with the number of its last line; empty lines are none."""
    found = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    for row in reader:
        if any(cell.strip() for cell in row):
            found.append((reader.line_num, row))
            if len(found) >= most:
                break
    return found


def _split(path: Path, sample: str, separator: str) -> list[tuple[int, list[str]]]:
    try:
        return _rows(sample, separator)
    except csv.Error as error:
        raise _wrong(path, f"This is no table of text: {_reason(error)}.") from None


def _reason(error: csv.Error) -> str:
    """What the csv module has against a file."""
    return f"a cell has more than {csv.field_size_limit():,} letters" if "larger than" in str(error) else str(error)


def _has_header(how: HowToRead, rows: list[list[str]]) -> bool:
    """Whether the first row names the columns: it holds a text above numbers, or no number at all."""
    if how.header != "auto":
        return how.header == "yes"
    first, below = rows[0], rows[1:]
    if not any(_is_number(cell) for cell in first):
        return True
    for at, cell in enumerate(first):
        values = [row[at] for row in below if row[at].strip() not in MISSING]
        text = cell.strip() and cell.strip() not in MISSING and not _is_number(cell)
        if text and values and all(map(_is_number, values)):
            return True
    return False


def _is_number(cell: str, decimal: str = "either") -> bool:
    text = cell.strip()
    if decimal != "point" and text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    elif decimal == "comma" and "." in text:
        return False
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text and text.isascii()


def _numbers(chosen: str, separator: str, rows: list[list[str]], width: int) -> tuple[str, list[bool]]:
    """How decimals are written, and which columns hold numbers as far as the sample tells."""
    cells = [[value for row in rows if (value := row[at].strip()) not in MISSING] for at in range(width)]

    def numeric(decimal: str) -> list[bool]:
        return [bool(column) and all(_is_number(cell, decimal) for cell in column) for column in cells]

    point = numeric("point")
    if chosen == "point" or (chosen == "auto" and separator == ","):
        return "point", point
    comma = numeric("comma")
    if chosen == "comma" or sum(comma) > sum(point):
        return "comma", comma
    return "point", point


def _fast(data: bytes, written: _Written) -> pl.DataFrame | None:
    """What polars reads by itself; None where a row or a cell does not keep to the rest."""
    names = written.names
    try:
        frame = pl.read_csv(data, **written.options())
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    return frame if written.regular(frame.height, frame.get_column(names[-1]).null_count(), data.count) else None


@dataclass(eq=False)
class _Ragged:
    """What :func:`_careful` found out besides the cells.

    Attributes:
        rows: Rows of the right number of values.
        ragged: Of the first ones of another: which of all rows it is, from 0, its line, its number of values.
        left_out: How many there are of those.
    """

    rows: int = 0
    left_out: int = 0

    def __post_init__(self) -> None:
        self.ragged: list[tuple[int, int, int]] = []
        # Where the distance between a row and its line changes: of most tables a few places.
        self._rows, self._steps = array("q"), array("q")

    def add(self, line: int) -> None:
        """Another row, which ends in that line."""
        step = line - self.rows
        if not self._steps or self._steps[-1] != step:
            self._rows.append(self.rows)
            self._steps.append(step)
        self.rows += 1

    def line(self, row: int) -> int:
        """Where a row ends."""
        return row + self._steps[bisect_right(self._rows, row) - 1]

    def warnings(self, width: int) -> list[str]:
        """What was left out."""
        found = [f"Left out: line {line:,} has {_values(count)}, not {width}." for _, line, count in
                 self.ragged[:_MOST_NAMED]]  # fmt: skip
        if (rest := self.left_out - _MOST_NAMED) > 0:
            found.append(f"Left out: {rest:,} more rows with another number of values than {width}.")
        return found


def _text_lines(path: Path, text: io.TextIOBase) -> Iterator[str]:
    """The lines; one that has no end is not brought into memory."""
    while line := text.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise _wrong(path, f"A line has more than {_LONGEST_LINE:,} letters.")
        yield line


def _values(count: int) -> str:
    return f"{count} {'value' if count == 1 else 'values'}"


def _careful(
    path: Path,
    file: io.BufferedIOBase,
    quotes: int,
    written: _Written,
    add: Callable[[pl.DataFrame], object],
    report: Report,
    most_ragged: int | None = None,
) -> _Ragged:
    """All cells as texts, row by row; those of another length are left out and named.

    Args:
        path: Of whom is spoken.
        file: The text in UTF-8.
        quotes: Quotation marks in it.
        written: How it is written.
        add: Gets the rows, some at a time.
        report: As of :func:`read_table`.
        most_ragged: So many of those that are left out are described; None is all.

    Raises:
        UnicodeDecodeError: It is no UTF-8.
    """
    width, skipped = len(written.names), written.skipped
    found = _Ragged()
    columns = dict.fromkeys(written.names, pl.String)
    held: list[list[str]] = []
    text = io.TextIOWrapper(file, "utf-8", newline="")  # type: ignore[type-var]  # it needs no more than this
    reader = csv.reader(_text_lines(path, text), delimiter=written.separator)
    begins = last = 0
    try:
        for row in reader:
            begins, last = last + 1, reader.line_num
            if reader.line_num <= skipped or not any(row):
                continue
            if len(row) > width and not any(row[width:]):  # a separator too many at the end
                row = row[:width]  # noqa: PLW2901 - the same row, shorter
            if len(row) != width:
                if most_ragged is None or found.left_out < most_ragged:
                    found.ragged.append((found.rows + found.left_out, begins, len(row)))
                found.left_out += 1
                continue
            found.add(reader.line_num)
            held.append(row)
            if len(held) == _AT_ONCE:
                add(pl.DataFrame(held, schema=columns, orient="row"))
                held = []
                report(3, 4)
    except csv.Error as error:
        raise _wrong(path, f"Line {reader.line_num:,} cannot be read: {_reason(error)}.") from None
    if held or not found.rows:
        add(pl.DataFrame(held, schema=columns, orient="row"))
    if quotes % 2 and begins < last:
        raise _wrong(path, f"A quotation mark is opened in line {begins:,} and never closed.")
    if found.left_out > found.rows:
        _, line, count = found.ragged[0]
        raise _wrong(
            path,
            f"{found.left_out:,} of {found.left_out + found.rows:,} rows have another number of values than {width} "
            f"(the first is line {line:,} with {count}). Is “separator” right?",
        )
    return found


def _lines(count: int) -> str:
    return "One line" if count == 1 else f"{count} lines"


# ---- in pieces -----------------------------------------------------------------------------------------------------


class _NotPlainError(DataError):
    """A file that has to be read whole to be understood."""


def _read_in_pieces(path: Path, how: HowToRead, report: Report) -> FileTable:
    """A table of any size, its columns on the disk.

    Raises:
        _NotPlainError: It is no plain text in UTF-8.
    """
    if path.suffix.lower() in PARQUET_ENDINGS:
        try:
            scanned = pl.scan_parquet(path)
            given = scanned.collect_schema().names()
            if len(given) > MOST_COLUMNS:
                _check_size(path, 0, len(given))
            names, warnings = _named(given)
            frame = _kept(scanned, names, report)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise _wrong(path, f"This is no whole Parquet file: {_first_line(error)}.") from None
        if not frame.height or not frame.width:
            raise _wrong(path, "There is no row in this file.")
        words = "Parquet, which says itself what its columns are."
        return FileTable(frame, lambda row: row + 1, "point", (words,), tuple(warnings))
    try:
        with _Part(path) as text:
            return _read_text_in_pieces(path, text, how, report)
    except OSError as error:
        raise _wrong(path, reason_of(error)) from None


def _read_text_in_pieces(path: Path, text: _Part, how: HowToRead, report: Report) -> FileTable:
    """As :func:`_read_text`: what is a row, and what is told of it, must not hang on how much memory there is."""
    if not text.length:
        raise _wrong(path, "The file holds nothing but empty lines.")
    head = text.read(_SAMPLE_BYTES + 1)
    if (
        how.encoding == "utf-16"
        or b"\0" in head
        or head[:4].lower() == b"sep="
        or (b"\r" in head and b"\n" not in head)
    ):
        raise _not_plain(path, "it is no plain text in UTF-8")
    try:
        written = _written(path, _sample(path, head), how, "")
    except UnicodeDecodeError:
        raise _not_plain(path, "it is no UTF-8") from None
    counts = _counts(path, text, written.separator, how, report)
    notes, warnings, skipped = (written.words("UTF-8"), "Read in pieces."), written.warnings, written.skipped
    lines: Callable[[int], int] = lambda row: row + 1 + skipped  # noqa: E731 - one of two
    frame = _fast_in_pieces(path, text, written, counts, report)
    if frame is None:
        frame = LargeFrame(written.names, Pieces())
        try:
            text.seek(0)
            found = _careful(path, io.BufferedReader(text), counts[b'"'], written, frame.add, report, _MOST_NAMED)
        except UnicodeDecodeError:  # it was changed meanwhile
            raise _not_plain(path, "it is no UTF-8") from None
        lines = found.line
        warnings = (*found.warnings(len(written.names)), *warnings)
    if not frame.height:
        raise _wrong(path, "There is only a header and no row below it." if written.named else "There is no row.")
    return FileTable(frame, lines, written.decimal, notes, warnings)


def _fast_in_pieces(
    path: Path, text: _Part, written: _Written, counts: Mapping[bytes, int], report: Report
) -> LargeFrame | None:
    """As :func:`_fast`, of which it must be the very same."""
    try:
        frame = _kept(pl.scan_csv(path, **written.options()), written.names, report)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    frame.leave_out_last(text.lines_behind)
    missing = sum(batch.null_count() for batch in frame.parts_of(frame.width - 1)) if frame.height else 0
    return frame if written.regular(frame.height, missing, counts.__getitem__) else None


class _Part(io.RawIOBase):
    """The text of a file as it counts: without a mark of order, and without what is empty at its end.

    Attributes:
        length: Its bytes.
        lines_behind: Empty lines behind it, which polars takes for rows.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = open_regular(path)
        self._first = len(codecs.BOM_UTF8) if self._file.read(3) == codecs.BOM_UTF8 else 0
        end = full = self._file.seek(0, io.SEEK_END)
        while full > self._first:
            begin = max(self._first, full - _SAMPLE_BYTES)
            self._file.seek(begin)
            left = len(self._file.read(full - begin).rstrip(_EMPTY))
            full = begin + left
            if left:
                break
        self._file.seek(full)
        behind = self._file.read(min(end - full, _SAMPLE_BYTES))
        self.length = full - self._first + (_last_values(behind) if full > self._first else 0)
        self._file.seek(self._first + self.length)
        behind = self._file.read(_SAMPLE_BYTES)
        if behind.strip(b"\r\n") or len(behind) == _SAMPLE_BYTES:
            self._file.close()
            raise _not_plain(path, "there are blanks or many empty lines behind its last row")
        self.lines_behind = max(behind.count(b"\n") + (not behind.endswith(b"\n")) - 1, 0)
        self.seek(0)

    def readable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        assert whence == io.SEEK_SET
        self._place = place
        return self._file.seek(self._first + place) - self._first

    def readinto(self, into: Any) -> int:
        content = self._file.read(min(len(into), self.length - self._place))
        into[: len(content)] = content
        self._place += len(content)
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _counts(path: Path, text: _Part, separator: str, how: HowToRead, report: Report) -> dict[bytes, int]:
    """How often what divides the values and the quotation mark stand in a text.

    Raises:
        _NotPlainError: It is no plain text in UTF-8, in any part of it.
    """
    found = dict.fromkeys((separator.encode(), b'"'), 0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    text.seek(0)
    try:
        while content := text.read(_SAMPLE_BYTES):
            if b"\0" in content:
                raise _not_plain(path, "it is no plain text in UTF-8")
            if not content.isascii() and how.encoding == "cp1252":
                raise _not_plain(path, "it is not in UTF-8 but in cp1252")
            if not content.isascii() or decoder.getstate()[0]:
                decoder.decode(content)
            for what in found:
                found[what] += content.count(what)
            report(1, 4)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise _not_plain(path, "it is no UTF-8") from None
    return found


def _kept(scanned: pl.LazyFrame, names: Sequence[str], report: Report) -> LargeFrame:
    found = LargeFrame(names, Pieces())
    for batch in scanned.collect_batches(chunk_size=_ROWS_OF_A_PIECE, maintain_order=True):
        found.add(batch)
        report(2, 4)
    return found


def _not_plain(path: Path, reason: str) -> _NotPlainError:
    return _NotPlainError(
        f"A table that does not fit into memory must be plain text in UTF-8: {reason}. Parquet is read in any case.",
        file=str(path),
        field=_PATH,
    )


# ---- Parquet and Excel ---------------------------------------------------------------------------------------------


def _read_parquet(path: Path, data: bytes) -> FileTable:
    try:
        schema = pl.read_parquet_schema(io.BytesIO(data))
        rows = pl.scan_parquet(io.BytesIO(data)).select(pl.len()).collect().item()
        _check_size(path, rows, max(len(schema), 1))
        frame = pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _wrong(path, f"This is no whole Parquet file: {_first_line(error)}.") from None
    if not frame.height or not frame.width:
        raise _wrong(path, "There is no row in this file.")
    names, warnings = _named(frame.columns)
    frame.columns = names
    return FileTable(frame, lambda row: row + 1, "point", ("Parquet, which says itself what its columns are.",),
                     tuple(warnings))  # fmt: skip


def _read_excel(path: Path, data: bytes, how: HowToRead) -> FileTable:
    if zipfile.is_zipfile(io.BytesIO(data)):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                unpacked = sum(entry.file_size for entry in archive.infolist())
        except (zipfile.BadZipFile, ValueError, OSError):
            raise _wrong(path, "This workbook is damaged: it is no whole ZIP archive.") from None
        if unpacked > MOST_BYTES:
            raise _wrong(path, f"Unpacked, this workbook has {unpacked / 1e9:.1f} GB; at most {MOST_BYTES / 1e9:.1f} "
                         "GB are read.")  # fmt: skip
    try:
        book = fastexcel.read_excel(data)
        sheets = book.sheet_names
        if how.only_sheet and len(sheets) == 1:
            how = replace(how, sheet=sheets[0])
        if how.sheet and how.sheet not in sheets:
            raise _wrong(
                path, f"There is no sheet '{how.sheet[:60]}'. There are: {', '.join(sheets[:20])}.", "data.params.sheet"
            )
        name = how.sheet or (sheets[0] if sheets else "")
        if not name:
            raise _wrong(path, "This workbook has no sheet.")
        sheet = book.load_sheet(name, header_row=None, dtypes="string")
        _check_size(path, sheet.height, max(sheet.width, 1))
        frame = sheet.to_polars()
    except fastexcel.FastExcelError as error:
        raise _wrong(path, f"This workbook cannot be read: {_first_line(error)}.") from None
    except DataError:
        raise
    except BaseException as error:  # a panic of the reader is no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise _wrong(path, "This workbook cannot be read: it is damaged.") from None
    return _from_sheet(path, frame, how, name, sheets)


def _from_sheet(path: Path, frame: pl.DataFrame, how: HowToRead, name: str, sheets: Sequence[str]) -> FileTable:
    frame = frame[:, [at for at, column in enumerate(frame.iter_columns()) if column.null_count() < frame.height]]
    frame = frame.with_row_index("line").filter(~pl.all_horizontal(pl.exclude("line").is_null()))
    if frame.width < 2 or not frame.height:
        raise _wrong(path, f"The sheet '{name}' is empty.", "data.params.sheet")
    places = frame.get_column("line").to_list()
    frame = frame.drop("line")
    sample = [[cell or "" for cell in row] for row in frame.head(_SAMPLE_ROWS).rows()]
    filled = Counter(sum(map(bool, row)) for row in sample).most_common(1)[0][0]
    first = next(at for at, row in enumerate(sample) if 2 * sum(map(bool, row)) > filled)
    named = _has_header(how, sample[first:])
    names, warnings = _named(sample[first] if named else [""] * frame.width)
    if first:
        warnings.insert(0, f"{_lines(first)} before the table left out: “{' '.join(sample[0])[:60].strip()}”.")
    start = first + 1 if named else first
    frame = frame[start:]
    if not frame.height:
        raise _wrong(path, "There is only a header and no row below it.", "data.params.sheet")
    frame.columns = names
    for column in frame.iter_columns():
        if column.null_count() == frame.height:
            warnings.append(
                f"The column '{column.name}' is empty. Formulas are taken with their saved results: open and save the "
                "file in a spreadsheet program where it is missing."
            )
            break
    notes = [f"Sheet '{name}' of the workbook" + (f", one of {len(sheets)}." if len(sheets) > 1 else ".")]
    return FileTable(frame, lambda row: places[start + row] + 1, "point", tuple(notes), tuple(warnings))


def _first_line(error: Any) -> str:
    return next(iter(str(error).splitlines()), "damaged").strip().rstrip(".")[:200] or "damaged"
