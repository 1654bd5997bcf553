"""Points that the user draws into the plane, kept in the project."""

from __future__ import annotations

from pathlib import Path

from nnviz.data.dataset_spec import DatasetSpec
from nnviz.data.drawn_points import PARAMS, DrawnPoints
from nnviz.data.sources.source import Arrays, Request, Source
from nnviz.errors import DataError
from nnviz.project.model import DataFacts, Params


def _facts(params: Params) -> DataFacts:
    return DrawnPoints.of(params).facts


def _count(params: Params) -> tuple[int, int]:
    points = len(DrawnPoints.of(params).points)
    return points, points


_DRAWN_POINTS = DatasetSpec(
    "drawn_points",
    "Drawn points",
    "Points that you draw with the mouse, kept in the project. All three splits are these points.",
    "drawn",
    PARAMS,
    facts=_facts,
    count=_count,
    source="Drawn by hand.",
    licence="yours",
    feature_names=("x1", "x2"),
    preparation=(),
    undivided=True,
    drawn=True,
)


class DrawnByHand(Source):
    """Points in the plane, which are all three splits."""

    def declare(self) -> tuple[DatasetSpec, ...]:
        """What is known of drawn points beforehand."""
        return (_DRAWN_POINTS,)

    def read(self, request: Request, place: Path | None) -> Arrays:
        """See :meth:`Source.read`."""
        import numpy as np

        drawn = DrawnPoints.of(request.values)
        if problem := drawn.problem():
            raise DataError(problem, field="data.params.points")
        numbers = np.array(drawn.points, np.float32)
        inputs, targets = np.ascontiguousarray(numbers[:, :2]), numbers[:, 2].astype(np.int64)
        return inputs, targets, inputs, targets
