"""Points in the plane, drawn from a seed."""

from __future__ import annotations

from pathlib import Path

from nnviz.data.dataset_spec import DatasetSpec
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
from nnviz.project.spec import ParamSpec

_NOISE = ParamSpec(
    "noise",
    "noise",
    "How far the points are scattered: 0 leaves the classes cleanly apart, 0.5 mixes them.",
    "float",
    0.0,
    minimum=0.0,
    maximum=0.5,
)


def _plane(
    kind: str,
    title: str,
    help: str,
    *,
    shares: str = "half of them of each class",
    noisy: bool = True,
    features: tuple[str, str] = ("x1", "x2"),
    names: tuple[str, str] = ("green", "violet"),
    source: str = "Drawn by nnviz after TensorFlow Playground.",
) -> DatasetSpec:
    count = count_param(500, 100_000, f"How many points are drawn, {shares}.")
    return DatasetSpec(
        kind,
        title,
        help,
        "plane",
        (count, *((_NOISE,) if noisy else ()), SEED, *DRAWN_TEST_PARAMS),
        facts=fixed(DataFacts((2,), 1, "binary", names)),
        count=counted,
        source=source,
        licence="free of rights",
        feature_names=features,
        preparation=(),
    )


_PLANES = (
    _plane(
        "circle",
        "Circle",
        "One class in the middle, the other in a ring around it. No straight line parts them.",
        shares="half of them of each class; the more noise, the fewer of the one in the middle (35 % at 0.5)",
    ),
    _plane(
        "xor",
        "Exclusive or",
        "Four squares, the two opposite ones alike. A single neuron cannot solve it.",
        shares="about half of them of each class",
    ),
    _plane("gauss", "Two clouds", "Two round clouds that one straight line parts, unless the noise is high."),
    _plane("spiral", "Spiral", "Two interleaved spirals: the hardest of the plane, it needs hidden layers."),
    _plane(
        "moons",
        "Two moons",
        "Two half moons that reach into one another.",
        source="Drawn by nnviz after scikit-learn's make_moons.",
    ),
    _plane(
        "credit",
        "Credit",
        "Credit score and income of people who repaid a loan or did not. A person repays where "
        "2·credit_score + income − 10 > 0: a line that one neuron can find.",
        shares="about 75 % of them of people who repay",
        noisy=False,
        features=("credit_score", "income"),
        names=("does not repay", "repays"),
        source="Drawn by nnviz.",
    ),
    _plane(
        "marbles",
        "Marbles",
        "Green and violet marbles on a table, far enough apart that a straight line always parts them.",
        noisy=False,
        source="Drawn by nnviz.",
    ),
)


class Toys(Source):
    """Two classes of points that no straight line, or one, parts."""

    def declare(self) -> tuple[DatasetSpec, ...]:
        """Those of TensorFlow Playground, and a few more."""
        return _PLANES

    def read(self, request: Request, place: Path | None) -> Arrays:
        """See :meth:`Source.read`."""
        from nnviz.data import toys

        noise = request.number("noise") if "noise" in request.values else 0.0
        count, seed = int(request.number("count")), int(request.number("seed"))
        return hold_out_test(request, *toys.draw(request.spec.kind, count, noise, seed))
