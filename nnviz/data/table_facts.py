"""What is known of a table once it is understood, without its numbers."""

from __future__ import annotations

from dataclasses import dataclass

from nnviz.data.sources.source import ColumnFacts
from nnviz.data.table_recipe import Recipe
from nnviz.project.model import DataFacts


@dataclass(frozen=True)
class TableFacts:
    """What is known of a table without its numbers.

    Attributes:
        data: Shape, targets, classes, names of the features.
        columns: What was made of every column of the file.
        notes, warnings: As in ``SourceFacts``.
        recipes: Of each column that comes in, in the order of its features.
        decimal: As in ``FileTable``.
    """

    data: DataFacts
    columns: tuple[ColumnFacts, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    recipes: tuple[Recipe, ...]
    decimal: str
