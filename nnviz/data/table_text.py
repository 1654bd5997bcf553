"""A table of text that is read whole, and how its rows are read one by one where they do not all keep to the first.

In the good case polars reads the file with what a sample says of it. Where one cell or one row does not keep to that,
everything is read as text, and Python's csv module names the rows that have too few or too many values.
"""

from __future__ import annotations

import csv
import io
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from nnviz.data.table_encoding import as_utf8
from nnviz.data.table_lines import Lines
from nnviz.data.table_of_file import MOST_NAMED, FileTable, HowToRead, Report, check_size, wrong_table
from nnviz.data.table_written import SAMPLE_BYTES, Written, beginning, csv_reason, how_written

#: Rows that are read at once.
_AT_ONCE = 20_000
#: Letters of a line that are read at once; a cell may have far fewer.
_LONGEST_LINE = 1 << 26
#: What is no content at the end of a text.
EMPTY = b"\r\n \t\x1a"


def read_text(path: Path, data: bytes, how: HowToRead, report: Report) -> FileTable:
    """The table that a text holds.

    Args:
        path: For sentences.
        data: All bytes of the file.
        how: What was chosen.
        report: As of ``read_table``.

    Raises:
        DataError: It is no table, is damaged, empty or too large.
    """
    data, encoding = as_utf8(path, data, how.encoding)
    if b"\r" in data and b"\n" not in data:  # as old Macintoshes wrote
        data = data.replace(b"\r", b"\n")
    full = len(data.rstrip(EMPTY))
    if not full:
        raise wrong_table(path, "The file holds nothing but empty lines.")
    data = data[: full + last_values(data[full:])]
    given = ""
    if data[:4].lower() == b"sep=" and data[5:6] in (b"\r", b"\n"):  # Excel's own word for it
        given, data = data[4:5].decode("latin-1"), data[5:].lstrip(b"\r\n")
        if not data:
            raise wrong_table(path, "The file holds nothing but empty lines.")
    written = how_written(path, beginning(path, data), how, given)
    names, skipped = written.names, written.skipped
    check_size(path, data.count(b"\n") + 1, len(names))
    report(2, 4)
    quoted = _lines_of(data, written) if b'"' in data else None
    frame = None if quoted is not None and not quoted.sound else _fast(data, written)
    report(3, 4)
    notes, warnings = (written.words(encoding),), written.warnings
    if frame is not None and (quoted is None or quoted.rows == frame.height):
        lines = quoted.line if quoted is not None else lambda row: row + 1 + skipped
        return FileTable(frame, lines, written.decimal, notes, warnings)
    parts: list[pl.DataFrame] = []
    found = read_carefully(path, io.BytesIO(data), written, parts.append, report)
    numbered = tuple((at, f"has {_values(count)}, not {len(names)}") for at, _, count in found.ragged)
    warnings = (*found.warnings(len(names)), *warnings)
    return FileTable(pl.concat(parts), found.line, written.decimal, notes, warnings, numbered)


def last_values(behind: bytes) -> int:
    """How many bytes of what stands behind the last letter are its row: tabs at the end of a row are empty values."""
    return len(behind.splitlines()[0].rstrip(b" \x1a")) if behind else 0


def _lines_of(data: bytes, written: Written) -> Lines:
    found = Lines(written.separator, written.skipped)
    for first in range(0, len(data), SAMPLE_BYTES):
        found.add(data[first : first + SAMPLE_BYTES])
    found.end()
    return found


def _fast(data: bytes, written: Written) -> pl.DataFrame | None:
    """What polars reads by itself; None where a row or a cell does not keep to the rest."""
    names = written.names
    try:
        frame = pl.read_csv(data, **written.options())
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    return frame if written.regular(frame.height, frame.get_column(names[-1]).null_count(), data.count) else None


@dataclass(eq=False)
class Ragged:
    """What :func:`read_carefully` found out besides the cells.

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
                 self.ragged[:MOST_NAMED]]  # fmt: skip
        if (rest := self.left_out - MOST_NAMED) > 0:
            found.append(f"Left out: {rest:,} more rows with another number of values than {width}.")
        return found


def read_carefully(
    path: Path,
    file: io.BufferedIOBase,
    written: Written,
    add: Callable[[pl.DataFrame], object],
    report: Report,
    most_ragged: int | None = None,
) -> Ragged:
    """All cells as texts, row by row; those of another length are left out and named.

    Args:
        path: Of whom is spoken.
        file: The text in UTF-8.
        written: How it is written.
        add: Gets the rows, some at a time.
        report: As of ``read_table``.
        most_ragged: So many of those that are left out are described; None is all.

    Raises:
        UnicodeDecodeError: It is no UTF-8.
    """
    width, skipped = len(written.names), written.skipped
    found = Ragged()
    columns = dict.fromkeys(written.names, pl.String)
    held: list[list[str]] = []
    text = io.TextIOWrapper(file, "utf-8", newline="")  # type: ignore[type-var]  # it needs no more than this
    lines = _TextLines(path, text)
    reader = csv.reader(lines, delimiter=written.separator)
    begins = last = 0
    unclosed = False
    try:
        for row in reader:
            unclosed = lines.ended  # it would have gone on
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
        raise wrong_table(path, f"Line {reader.line_num:,} cannot be read: {csv_reason(error)}.") from None
    if held or not found.rows:
        add(pl.DataFrame(held, schema=columns, orient="row"))
    if unclosed and begins < last:
        raise wrong_table(path, f"A quotation mark is opened in line {begins:,} and never closed.")
    if found.left_out > found.rows:
        _, line, count = found.ragged[0]
        raise wrong_table(
            path,
            f"{found.left_out:,} of {found.left_out + found.rows:,} rows have another number of values than {width} "
            f"(the first is line {line:,} with {count}). Is “separator” right?",
        )
    return found


class _TextLines:
    """The lines; one that has no end is not brought into memory.

    Attributes:
        ended: One more was asked for than there are.
    """

    def __init__(self, path: Path, text: io.TextIOBase) -> None:
        self._path, self._text = path, text
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(_LONGEST_LINE)
        if len(line) == _LONGEST_LINE:
            raise wrong_table(self._path, f"A line has more than {_LONGEST_LINE:,} letters.")
        if not line:
            self.ended = True
            raise StopIteration
        return line


def _values(count: int) -> str:
    return f"{count} {'value' if count == 1 else 'values'}"
