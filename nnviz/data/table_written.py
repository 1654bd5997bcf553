"""How a file of text is written, as its beginning tells: separator, header, decimals, which columns hold numbers."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from nnviz.data.table_of_file import (
    MISSING,
    MOST_COLUMNS,
    HowToRead,
    check_size,
    lines_counted,
    shown_names,
    wrong_table,
)

#: So many rows say how a file is written.
SAMPLE_ROWS = 200
#: They stand within so many bytes.
SAMPLE_BYTES = 1 << 20
#: A decimal comma and a semicolon belong together, so the comma is tried last.
_SEPARATORS = (("\t", "tabs"), (";", "semicolons"), ("|", "bars"), (",", "commas"))


@dataclass(frozen=True)
class Written:
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


def how_written(path: Path, sample: str, how: HowToRead, given: str) -> Written:
    """How a file is written.

    Args:
        path: For sentences.
        sample: Its :func:`beginning`.
        how: What was chosen.
        given: The separator that the file itself names; may be empty.

    Raises:
        DataError: There is no row, or too many columns.
    """
    separator = _separator(how.separator, given, sample)
    rows = _split(path, sample, separator)
    if not rows:
        raise wrong_table(path, "There is no row in this file.")
    width = Counter(len(row) for _, row in rows).most_common(1)[0][0]
    width = width if width > 1 else max(len(row) for _, row in rows)
    if width > 2 and not any(row[-1].strip() for _, row in rows if len(row) == width):  # each row ends in a separator
        rows = [(line, row[:-1] if len(row) == width else row) for line, row in rows]
        width -= 1
    if width > MOST_COLUMNS:
        check_size(path, 0, width)
    first = next(at for at, (_, row) in enumerate(rows) if len(row) == width)
    named = has_header(how, [row for _, row in rows[first:] if len(row) == width])
    names, warnings = shown_names(rows[first][1] if named else [""] * width)
    body = rows[first + 1 :] if named else rows[first:]
    if first:
        warnings.insert(0, f"{lines_counted(first)} before the table left out: “{' '.join(rows[0][1])[:60].strip()}”.")
    if not body:
        raise wrong_table(
            path, "There is only a header and no row below it." if named else "There is no row in this file."
        )
    skipped = rows[first][0] if named else (rows[first - 1][0] if first else 0)
    decimal, numeric = _numbers(how.decimal, separator, [row for _, row in body if len(row) == width], width)
    return Written(separator, names, named, skipped, decimal, numeric, tuple(warnings))


def beginning(path: Path, data: bytes) -> str:
    """The beginning, whole lines of it."""
    if len(data) <= SAMPLE_BYTES:
        return data.decode()
    end = data.rfind(b"\n", 0, SAMPLE_BYTES)
    if end < 0:
        separators = max(data[:SAMPLE_BYTES].count(one.encode()) for one, _ in _SEPARATORS)
        many = f"more than {separators:,} columns; at most {MOST_COLUMNS:,} are taken"
        many = many if separators > MOST_COLUMNS else f"more than {SAMPLE_BYTES:,} letters, so this is no table"
        raise wrong_table(path, f"The first line has {many}.")
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


def _rows(text: str, separator: str, most: int = SAMPLE_ROWS) -> list[tuple[int, list[str]]]:
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
        raise wrong_table(path, f"This is no table of text: {csv_reason(error)}.") from None


def csv_reason(error: csv.Error) -> str:
    """What the csv module has against a file."""
    return f"a cell has more than {csv.field_size_limit():,} letters" if "larger than" in str(error) else str(error)


def has_header(how: HowToRead, rows: list[list[str]]) -> bool:
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
