"""How a column of a table became numbers, for whoever meets another table with the same columns. Loads nothing."""

from __future__ import annotations

from dataclasses import dataclass

from nnviz.data.table_choice import CATEGORY


@dataclass(frozen=True)
class Recipe:
    """How one column became numbers, so that the rows of another table become numbers in the same way.

    Attributes:
        name: Of the column.
        kind: ``number``, ``category`` or ``date``.
        form: How its dates are written; empty where the file itself says that they are dates.
        levels: Its categories in their order.
        of_numbers: Its categories are numbers, written as ``number_text`` does.
        index: A category is its place among ``levels``; else there is a number of 0 or 1 for each of them.
        gap: One more number says that the value is missing.
        empty: A value may be missing.
        truth: It is a yes or no of the file's own kind, which became 1 or 0; texts say it as ``true`` or ``false``.
    """

    name: str
    kind: str
    form: str = ""
    levels: tuple[str, ...] = ()
    of_numbers: bool = False
    index: bool = False
    gap: bool = False
    empty: bool = True
    truth: bool = False

    @property
    def width(self) -> int:
        """How many numbers it becomes."""
        return (1 if self.kind != CATEGORY or self.index else len(self.levels)) + self.gap
