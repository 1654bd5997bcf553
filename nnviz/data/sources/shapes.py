"""Colour shapes, drawn from a seed."""

from __future__ import annotations

from pathlib import Path

from nnviz.data.dataset_spec import DatasetSpec
from nnviz.data.drawn import SHAPE_NAMES
from nnviz.data.sources.source import (
    DRAWN_TEST_PARAMS,
    SEED,
    Arrays,
    Request,
    Source,
    count_param,
    counted,
    fixed,
    hold_out_test,
)
from nnviz.project.model import DataFacts

_SHAPES = DatasetSpec(
    "shapes",
    "Colour shapes",
    "Generated 32×32 colour images of ten shapes, each of random colour, place, size, tilt, background and noise. "
    "What a network must learn here is form alone.",
    "images",
    (count_param(6000, 100_000, "How many images are drawn."), SEED, *DRAWN_TEST_PARAMS),
    facts=fixed(DataFacts((3, 32, 32), 10, "classes", SHAPE_NAMES)),
    count=counted,
    source="Drawn by nnviz.",
    licence="free of rights",
)


class Shapes(Source):
    """Coloured pictures of ten geometric forms, drawn when they are wanted."""

    def declare(self) -> tuple[DatasetSpec, ...]:
        """What is known of the drawn forms beforehand."""
        return (_SHAPES,)

    def read(self, request: Request, place: Path | None) -> Arrays:
        """See :meth:`Source.read`."""
        from nnviz.data import shapes

        request.report(0, 1)
        return hold_out_test(request, *shapes.draw(int(request.number("count")), int(request.number("seed"))))
