"""Tables of text, as every command prints them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from nnviz.errors import on_one_line


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> None:
    """Columns as wide as their widest cell; those in ``right`` flush right. A file may be called anything."""
    head, *rows = ([on_one_line(cell) for cell in row] for row in (head, *rows))
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
