"""A table on a sheet of a workbook, as spreadsheet programs save it."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import fastexcel
import polars as pl

from nnviz.data import workbook_sheet
from nnviz.data.memory_budget import budget_bytes
from nnviz.data.table_of_file import (
    MOST_BYTES,
    MOST_CELLS,
    FileTable,
    HowToRead,
    Report,
    check_size,
    first_line,
    lines_counted,
    shown_names,
    wrong_table,
)
from nnviz.data.table_written import SAMPLE_ROWS, has_header
from nnviz.data.workbook_sheet import Sheet, read_sheet

#: Bytes of a workbook, unpacked, and cells, that take little memory: a few hundred megabytes.
_SMALL_BYTES, _FEW_CELLS = 16 << 20, 4_000_000
#: Where cells stand in a sheet of text: ``r="AB12"``, of a row ``r="12"``; and what could stand there in other letters.
_LETTERS = re.compile(rb"""r=["']([A-Za-z]{1,7})""")
_DIGITS = re.compile(rb"""r=["'][A-Za-z]*([0-9]{1,12})""")
_HIDDEN = re.compile(rb"""\br(?:\s+=|=\s|=["'][A-Za-z0-9]{0,20}&)""")
#: Parts of the kinds of workbooks whose cells do not say so: one cell stands for many, or all is in bytes.
_NO_REFERENCES = ("content.xml", ".bin")
#: What a workbook of the old kind (.xls) begins with.
_OLD = b"\xd0\xcf\x11\xe0"
#: Memory that a process that reads a workbook may take in any case.
_LEAST_BUDGET = 1 << 30
#: Seconds between two looks at it.
_LOOK_EVERY = 0.02
_CURE = "Save the sheet as CSV or Parquet: these are read in pieces."


def read_workbook(path: Path, data: bytes, how: HowToRead, report: Report) -> FileTable:
    """The table on a sheet of a workbook, by the bytes of its file.

    Args:
        path: Its file.
        data: What the file holds.
        how: Which sheet.
        report: Told that it goes on, where that takes long; may raise to end the work.

    Raises:
        DataError: It is damaged, empty or too large, or has no such sheet.
    """
    try:
        sheet = (_read_here if _is_small(path, data) else partial(_read_apart, report=report))(path, data, how)
    except fastexcel.FastExcelError as error:
        raise wrong_table(path, f"This workbook cannot be read: {first_line(error)}.") from None
    if not sheet.names:
        raise wrong_table(path, "This workbook has no sheet.")
    if not sheet.name:
        raise wrong_table(
            path,
            f"There is no sheet '{how.sheet[:60]}'. There are: {', '.join(sheet.names[:20])}.",
            "data.params.sheet",
        )
    check_size(path, sheet.height, max(sheet.width, 1))
    assert sheet.frame is not None
    return _from_sheet(path, sheet.frame, how, sheet.name, sheet.names)


def _is_small(path: Path, data: bytes) -> bool:
    """Whether a workbook takes little memory while it is read, whatever its cells say of where they stand.

    Raises:
        DataError: It is a damaged archive, or unpacks to too much.
    """
    if data.startswith(_OLD):
        return False  # whatever else it is: this is looked at first
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return True  # nor is it a workbook
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            unpacked = sum(entry.file_size for entry in entries)
            if unpacked > MOST_BYTES:
                raise wrong_table(
                    path,
                    f"Unpacked, this workbook has {unpacked / 1e9:.1f} GB; at most {MOST_BYTES / 1e9:.1f} GB are read.",
                )
            if unpacked > _SMALL_BYTES or any(entry.filename.endswith(_NO_REFERENCES) for entry in entries):
                return False
            return all(_cells_at_most(archive.read(entry)) <= _FEW_CELLS for entry in entries)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError):
        raise wrong_table(path, "This workbook is damaged: it is no whole ZIP archive.") from None


def _cells_at_most(part: bytes) -> int:
    """How many cells lie between the first row and column and the last ones that a part of a workbook names."""
    if _HIDDEN.search(part):
        return _FEW_CELLS + 1
    columns = {_column(letters.upper()) for letters in set(_LETTERS.findall(part))}
    rows = {int(digits) for digits in set(_DIGITS.findall(part))}
    # Cells that do not say where they are stand behind each other.
    return max(columns, default=0) * max(rows, default=0) + part.count(b"<c") * (not columns or not rows)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


def _read_here(path: Path, data: bytes, how: HowToRead) -> Sheet:
    try:
        return read_sheet(data, how.sheet, how.only_sheet, MOST_CELLS)
    except BaseException as error:  # a panic of the reader is no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise wrong_table(path, "This workbook cannot be read: it is damaged.") from None


def _read_apart(path: Path, data: bytes, how: HowToRead, report: Report) -> Sheet:
    """Likewise, by a process of its own, which is ended when it takes too much memory or nobody waits for it."""
    most = max(budget_bytes(), _LEAST_BUDGET)
    with TemporaryDirectory() as folder:
        given, taken, frame = (Path(folder) / name for name in ("given", "taken", "frame"))
        asked = {"wanted": how.sheet, "only": how.only_sheet, "most": MOST_CELLS, "to": str(frame)}
        given.write_bytes(json.dumps(asked).encode() + b"\n" + data)
        program = [sys.executable, "-P", workbook_sheet.__file__]
        with given.open("rb") as source, taken.open("wb") as target:
            process = subprocess.Popen(program, stdin=source, stdout=target, stderr=subprocess.DEVNULL)  # noqa: S603 - this very program
            try:
                while process.poll() is None:
                    time.sleep(_LOOK_EVERY)
                    report(1, 4)
                    if _memory_of(process.pid) > most:
                        raise wrong_table(path, f"Reading this workbook takes more than {most / 1e9:.1f} GB. {_CURE}")
            finally:
                process.kill()
                process.wait()
        if process.returncode:
            raise wrong_table(
                path, f"This workbook cannot be read: it is damaged, or takes more memory than there is. {_CURE}"
            )
        found = json.loads(taken.read_bytes())
        if "error" in found:
            raise wrong_table(path, f"This workbook cannot be read: {first_line(ValueError(found['error']))}.")
        cells = pl.read_ipc(frame.read_bytes()) if found["has_frame"] else None
    return Sheet(tuple(found["names"]), found["name"], found["height"], found["width"], cells)


def _memory_of(number: int) -> int:
    """Bytes that a process takes; none of one that has ended."""
    import psutil  # noqa: PLC0415 - few workbooks need it

    try:
        return int(psutil.Process(number).memory_info().rss)
    except psutil.Error:
        return 0


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
