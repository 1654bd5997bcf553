"""A table in a Parquet file, which says itself what its columns are: read whole, or in pieces."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from nnviz.data.table_large import kept_in_pieces
from nnviz.data.table_of_file import MOST_COLUMNS, FileTable, Report, check_size, first_line, shown_names, wrong_table
from nnviz.paths import reason_of
from nnviz.regular_files import open_regular

_WORDS = "Parquet, which says itself what its columns are."
#: What a file begins and ends with, and the bytes of a longer description than any.
_MARK, _LONGEST_END = b"PAR1", 256 << 20


def read_parquet(path: Path, data: bytes) -> FileTable:
    """The table that a Parquet file holds, by its bytes.

    Raises:
        DataError: It is damaged, empty or too large.
    """
    try:
        schema = pl.read_parquet_schema(io.BytesIO(data))
        rows = pl.scan_parquet(io.BytesIO(data)).select(pl.len()).collect().item()
        check_size(path, rows, max(len(schema), 1))
        frame = pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise wrong_table(path, f"This is no whole Parquet file: {first_line(error)}.") from None
    if not frame.height or not frame.width:
        raise wrong_table(path, "There is no row in this file.")
    names, warnings = shown_names(frame.columns)
    frame.columns = names
    return FileTable(frame, lambda row: row + 1, "point", (_WORDS,), tuple(warnings))


def read_parquet_in_pieces(path: Path, report: Report) -> FileTable:
    """The table that a Parquet file of any size holds, its columns on the disk.

    Raises:
        DataError: It is damaged or empty, or has too many columns.
    """
    try:
        schema = pl.read_parquet_schema(io.BytesIO(_end_of(path)))
        given = list(schema)
        if len(given) > MOST_COLUMNS:
            check_size(path, 0, len(given))
        names, warnings = shown_names(given)
        # With the schema polars need not look for it: for that it maps the file into memory, and a mapped file that
        # somebody shortens meanwhile takes the program with it.
        frame = kept_in_pieces(pl.scan_parquet(path, schema=schema), names, report)
    except OSError as error:
        raise wrong_table(path, reason_of(error)) from None
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise wrong_table(path, f"This is no whole Parquet file: {first_line(error)}.") from None
    if not frame.height or not frame.width:
        raise wrong_table(path, "There is no row in this file.")
    return FileTable(frame, lambda row: row + 1, "point", (_WORDS,), tuple(warnings))


def _end_of(path: Path) -> bytes:
    """What says which columns there are, as a file of its own: it stands at the end."""
    with open_regular(path) as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(size - 8, 0))
        length = int.from_bytes(file.read(4), "little") + 8
        if length > min(size, _LONGEST_END):
            return b""
        file.seek(size - length)
        return _MARK + file.read(length)
