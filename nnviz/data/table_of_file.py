"""A table as its file holds it: how it is to be read, the columns that were found, how large it may be.

Any thread; polars is imported with this file, so import it where a table is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from nnviz.data.table_large import LargeFrame
from nnviz.errors import DataError
from nnviz.project.text import clean_name

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
#: So many remarks of one kind are made on a table.
MOST_NAMED = 5
#: The parameter that says which file it is.
PATH_FIELD = "data.params.path"
#: (what has been done, of how much): may raise Cancelled.
Report = Callable[[int, int], None]


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


def wrong_table(path: Path, sentence: str, field: str = PATH_FIELD) -> DataError:
    """A sentence about a file that is no table, or not one as it was described."""
    return DataError(sentence, file=str(path), field=field)


def check_size(path: Path, rows: int, columns: int) -> None:
    """Refuses a table that is too large.

    Raises:
        TooManyValuesError: It is, to be looked at in memory.
        DataError: It has too many columns, wherever it lies.
    """
    if columns > MOST_COLUMNS:
        raise wrong_table(path, f"The table has {columns:,} columns; at most {MOST_COLUMNS:,} are taken.")
    if rows * columns > MOST_CELLS:
        raise TooManyValuesError(
            f"The table has {rows:,} rows of {columns:,} columns; at most {MOST_CELLS:,} values are taken, which are "
            f"{MOST_CELLS // columns:,} such rows.",
            file=str(path),
            field=PATH_FIELD,
        )


def shown_names(names: Sequence[str | None]) -> tuple[list[str], list[str]]:
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
        if name != base and len(warnings) < MOST_NAMED:
            warnings.append(f"More than one column is called '{base}': one of them is '{name}' here.")
        taken.add(name)
        found.append(name)
    return found, warnings


def lines_counted(count: int) -> str:
    """How many lines, in words."""
    return "One line" if count == 1 else f"{count} lines"


def first_line(error: Exception) -> str:
    """What a reader has against a file, short enough for a sentence."""
    return next(iter(str(error).splitlines()), "damaged").strip().rstrip(".")[:200] or "damaged"
