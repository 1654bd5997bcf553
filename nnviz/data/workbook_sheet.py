"""One sheet of a workbook as texts; also a program of its own, see :mod:`nnviz.data.table_workbook`.

The reader makes room for a rectangle from the first to the last cell, and ends the process where it gets none: two
cells at the corners of a sheet are enough. So what is not known to be small is read by another process.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import fastexcel

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Sheet:
    """What was found in a workbook.

    Attributes:
        names: Of all its sheets.
        name: Of the one that was asked for; empty where there is none.
        height, width: Its rows and columns.
        frame: Its cells, all of them texts; None where there are none, or too many.
    """

    names: tuple[str, ...]
    name: str = ""
    height: int = 0
    width: int = 0
    frame: pl.DataFrame | None = None


def read_sheet(data: bytes, wanted: str, only: bool, most: int) -> Sheet:
    """One sheet of a workbook.

    Args:
        data: The bytes of its file.
        wanted: The name of the sheet; the first one where it is empty.
        only: The only sheet is meant, whatever it is called.
        most: Cells that are handed on.

    Raises:
        fastexcel.FastExcelError: It is damaged.
    """
    book = fastexcel.read_excel(data)
    names = tuple(book.sheet_names)
    name = names[0] if names and (not wanted or (only and len(names) == 1)) else wanted
    if name not in names:
        return Sheet(names)
    sheet = book.load_sheet(name, header_row=None, dtypes="string")
    frame = sheet.to_polars() if sheet.height * sheet.width <= most else None
    return Sheet(names, name, sheet.height, sheet.width, frame)


def main() -> None:
    """Reads a line with what is asked for and then the workbook, and writes what was found."""
    asked = json.loads(sys.stdin.buffer.readline())
    try:
        found = read_sheet(sys.stdin.buffer.read(), asked["wanted"], asked["only"], asked["most"])
    except fastexcel.FastExcelError as error:
        sys.stdout.write(json.dumps({"error": str(error)[:1000]}))
        return
    if found.frame is not None:
        found.frame.write_ipc(asked["to"])
    facts = {"names": found.names, "name": found.name, "height": found.height, "width": found.width}
    sys.stdout.write(json.dumps({**facts, "has_frame": found.frame is not None}))


if __name__ == "__main__":
    main()
