"""Rows of numbers that the user types, kept in the project."""

from __future__ import annotations

from pathlib import Path

from nnviz.data.dataset_spec import DatasetSpec
from nnviz.data.sources.source import Arrays, Request, Source
from nnviz.data.typed_table import CLASSES, MOST_ROWS, PARAMS, TypedTable
from nnviz.project.model import DataFacts, Params


def _facts(params: Params) -> DataFacts:
    return TypedTable.of(params).facts


def _count(params: Params) -> tuple[int, int]:
    rows = len(TypedTable.of(params).rows)
    return rows, rows


_OWN_NUMBERS = DatasetSpec(
    "own_numbers",
    "Own numbers",
    f"Rows that you type, up to {MOST_ROWS:,}; they are kept in the project. There is nothing to hold back: training, "
    "validation and test split are these rows. Without a right answer the network is only evaluated: the loss is what "
    "comes out, so that each gradient says how the output changes.",
    "tables",
    PARAMS,
    facts=_facts,
    count=_count,
    source="Typed in by hand.",
    licence="yours",
    preparation=(),
    undivided=True,
    table=True,
)


class OwnNumbers(Source):
    """A few rows, which are all three splits."""

    def declare(self) -> tuple[DatasetSpec, ...]:
        """What is known of typed rows beforehand."""
        return (_OWN_NUMBERS,)

    def read(self, request: Request, place: Path | None) -> Arrays:
        """See :meth:`Source.read`."""
        import numpy as np

        table = TypedTable.of(request.values)
        numbers, count = np.array(table.rows, np.float32), len(table.columns)
        inputs = np.ascontiguousarray(numbers[:, :count])
        targets = np.ascontiguousarray(numbers[:, count:])
        if table.right == CLASSES:
            targets = targets[:, 0].astype(np.int64)
        return inputs, targets, inputs, targets
