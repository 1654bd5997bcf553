"""A table of the user's own, from its file to columns of polars: which way it is read, by its ending and its size.

Any thread; polars is imported with this file, so import it where a table is read.
"""

from __future__ import annotations

from pathlib import Path

from nnviz.data.table_choice import EXCEL_ENDINGS, PARQUET_ENDINGS
from nnviz.data.table_of_file import MOST_BYTES, FileTable, HowToRead, Report, TooManyValuesError, wrong_table
from nnviz.data.table_parquet import read_parquet, read_parquet_in_pieces
from nnviz.data.table_text import read_text
from nnviz.data.table_text_pieces import NotPlainError, read_text_in_pieces
from nnviz.data.table_workbook import read_workbook
from nnviz.paths import reason_of
from nnviz.regular_files import open_regular


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
        except NotPlainError:
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
        raise wrong_table(path, reason_of(error)) from None


def _read_whole(path: Path, how: HowToRead, report: Report) -> FileTable:
    suffix = path.suffix.lower()
    try:
        with open_regular(path) as file:
            size = path.stat().st_size
            if not size:
                raise wrong_table(path, "The file is empty.")
            if size > MOST_BYTES:
                raise wrong_table(
                    path, f"The file has {size / 1e9:.1f} GB; at most {MOST_BYTES / 1e9:.1f} GB are read."
                )
            data = file.read()
    except (OSError, ValueError) as error:
        raise wrong_table(path, reason_of(error)) from None
    report(1, 4)
    if suffix in EXCEL_ENDINGS:
        return read_workbook(path, data, how, report)
    if suffix in PARQUET_ENDINGS:
        return read_parquet(path, data)
    return read_text(path, data, how, report)


def _read_in_pieces(path: Path, how: HowToRead, report: Report) -> FileTable:
    """A table of any size, its columns on the disk.

    Raises:
        NotPlainError: It is no plain text in UTF-8.
    """
    if path.suffix.lower() in PARQUET_ENDINGS:
        return read_parquet_in_pieces(path, report)
    return read_text_in_pieces(path, how, report)
