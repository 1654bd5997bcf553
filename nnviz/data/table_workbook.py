"""A table on a sheet of a workbook, as spreadsheet programs save it."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import fastexcel
import polars as pl

from nnviz.data.table_of_file import (
    MOST_BYTES,
    FileTable,
    HowToRead,
    check_size,
    first_line,
    lines_counted,
    shown_names,
    wrong_table,
)
from nnviz.data.table_written import SAMPLE_ROWS, has_header
from nnviz.errors import DataError


def read_workbook(path: Path, data: bytes, how: HowToRead) -> FileTable:
    """The table on a sheet of a workbook, by the bytes of its file.

    Raises:
        DataError: It is damaged, empty or too large, or has no such sheet.
    """
    if zipfile.is_zipfile(io.BytesIO(data)):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                unpacked = sum(entry.file_size for entry in archive.infolist())
        except (zipfile.BadZipFile, ValueError, OSError):
            raise wrong_table(path, "This workbook is damaged: it is no whole ZIP archive.") from None
        if unpacked > MOST_BYTES:
            raise wrong_table(
                path,
                f"Unpacked, this workbook has {unpacked / 1e9:.1f} GB; at most {MOST_BYTES / 1e9:.1f} GB are read.",
            )
    try:
        book = fastexcel.read_excel(data)
        sheets = book.sheet_names
        if how.only_sheet and len(sheets) == 1:
            how = replace(how, sheet=sheets[0])
        if how.sheet and how.sheet not in sheets:
            raise wrong_table(
                path, f"There is no sheet '{how.sheet[:60]}'. There are: {', '.join(sheets[:20])}.", "data.params.sheet"
            )
        name = how.sheet or (sheets[0] if sheets else "")
        if not name:
            raise wrong_table(path, "This workbook has no sheet.")
        sheet = book.load_sheet(name, header_row=None, dtypes="string")
        check_size(path, sheet.height, max(sheet.width, 1))
        frame = sheet.to_polars()
    except fastexcel.FastExcelError as error:
        raise wrong_table(path, f"This workbook cannot be read: {first_line(error)}.") from None
    except DataError:
        raise
    except BaseException as error:  # a panic of the reader is no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise wrong_table(path, "This workbook cannot be read: it is damaged.") from None
    return _from_sheet(path, frame, how, name, sheets)


def _from_sheet(path: Path, frame: pl.DataFrame, how: HowToRead, name: str, sheets: Sequence[str]) -> FileTable:
    frame = frame[:, [at for at, column in enumerate(frame.iter_columns()) if column.null_count() < frame.height]]
    frame = frame.with_row_index("line").filter(~pl.all_horizontal(pl.exclude("line").is_null()))
    if frame.width < 2 or not frame.height:
        raise wrong_table(path, f"The sheet '{name}' is empty.", "data.params.sheet")
    places = frame.get_column("line").to_list()
    frame = frame.drop("line")
    sample = [[cell or "" for cell in row] for row in frame.head(SAMPLE_ROWS).rows()]
    filled = Counter(sum(map(bool, row)) for row in sample).most_common(1)[0][0]
    first = next(at for at, row in enumerate(sample) if 2 * sum(map(bool, row)) > filled)
    named = has_header(how, sample[first:])
    names, warnings = shown_names(sample[first] if named else [""] * frame.width)
    if first:
        warnings.insert(0, f"{lines_counted(first)} before the table left out: “{' '.join(sample[0])[:60].strip()}”.")
    start = first + 1 if named else first
    frame = frame[start:]
    if not frame.height:
        raise wrong_table(path, "There is only a header and no row below it.", "data.params.sheet")
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
