"""All rows of a logic function."""

from __future__ import annotations

from pathlib import Path

from nnviz.data.dataset_spec import DatasetSpec
from nnviz.data.drawn import TRUTH
from nnviz.data.sources.source import Arrays, Request, Source
from nnviz.project.model import DataFacts, Params
from nnviz.project.spec import ParamSpec


def _truth_facts(params: Params) -> DataFacts:
    return DataFacts((1 if params["function"] == "not" else 2,), 1, "binary", ("0", "1"))


def _truth_count(params: Params) -> tuple[int, int]:
    rows = len(TRUTH[str(params["function"])])
    return rows, rows


_TRUTH_TABLE = DatasetSpec(
    "truth_table",
    "Truth table",
    "All rows of a logic function. There is nothing to hold back: training, validation and test split are these rows.",
    "logic",
    (
        ParamSpec(
            "function",
            "function",
            "The logic function; all but NOT have two inputs.",
            "choice",
            "and",
            choices=tuple((key, key.upper()) for key in TRUTH),
        ),
    ),
    facts=_truth_facts,
    count=_truth_count,
    source="Boolean algebra.",
    licence="free of rights",
    feature_names=("x1", "x2"),
    preparation=(),
    undivided=True,
)


class TruthTable(Source):
    """Two or four rows, which are all three splits."""

    def declare(self) -> tuple[DatasetSpec, ...]:
        """What is known of a truth table beforehand."""
        return (_TRUTH_TABLE,)

    def read(self, request: Request, place: Path | None) -> Arrays:
        """See :meth:`Source.read`."""
        from nnviz.data import toys

        inputs, targets = toys.truth_table(request.text("function"))
        return inputs, targets, inputs, targets
