"""Regression in the plane, and two classes on either side of a curve: typed as a formula, or given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nnviz.data.dataset_spec import DatasetSpec
from nnviz.data.formula import Formula
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
from nnviz.errors import DataError, ParamError
from nnviz.project.model import DataFacts, Params
from nnviz.project.spec import ParamSpec

_COUNT = count_param(500, 100_000, "How many points are drawn, even over a square from −6 to 6.")
_NOISE = ParamSpec(
    "noise",
    "noise",
    "Standard deviation of what is added to each number: 0 leaves the surface smooth.",
    "float",
    0.0,
    minimum=0.0,
    maximum=0.5,
)
_SHAKEN = ParamSpec(
    "noise",
    "noise",
    "How far points are moved up or down after they have been judged: 0 leaves the classes cleanly apart.",
    "float",
    0.0,
    minimum=0.0,
    maximum=0.5,
)
_ALLOWED = "Numbers, pi, e, + - * / ** and sin, cos, tan, tanh, exp, log, sqrt and abs may stand in it."
_OF_BOTH = ParamSpec(
    "formula", "z =", f"The number of each point as a formula of x and y. {_ALLOWED}", "text", "sin(x) + y/6"
)
_OF_ONE = ParamSpec("formula", "y =", f"The curve as a formula of x. {_ALLOWED}", "text", "2*sin(x)")


def _formula(params: Params) -> Formula | None:
    """The typed formula, where one belongs to the data.

    Raises:
        DataError: It cannot be read.
    """
    if "formula" not in params:
        return None
    return _read(str(params["formula"]), ("x", "y"), "z")


def _read(text: str, letters: tuple[str, ...], answer: str) -> Formula:
    try:
        return Formula.read(text, letters, answer)
    except ParamError as error:
        raise DataError(error.message, field="data.params.formula") from None


def _number_facts(params: Params) -> DataFacts:
    _formula(params)
    return DataFacts((2,), 1, "regression")


def _side_facts(params: Params) -> DataFacts:
    _read(str(params["formula"]), ("x",), "y")
    return DataFacts((2,), 1, "binary", ("below", "above"))


def _points(
    kind: str, title: str, help: str, params: tuple[ParamSpec, ...], facts: Callable[[Params], DataFacts], source: str
) -> DatasetSpec:
    return DatasetSpec(
        kind,
        title,
        help,
        "surfaces",
        (*params, _COUNT, _SHAKEN if kind == "above_below" else _NOISE, SEED, *DRAWN_TEST_PARAMS),
        facts=facts,
        count=counted,
        source=source,
        licence="free of rights",
        feature_names=("x", "y"),
        preparation=(),
    )


_OURS = "Drawn by nnviz."
_POINTS = (
    _points(
        "tilted_plane",
        "Tilted plane",
        "Regression: each point carries (x + y) / 10, a plane that one neuron without an activation can find.",
        (),
        fixed(DataFacts((2,), 1, "regression")),
        "Drawn by nnviz after TensorFlow Playground.",
    ),
    _points(
        "bump",
        "Bump",
        "Regression: each point carries a number that is 1 in the middle and falls to 0 all around. It takes a hidden "
        "layer.",
        (),
        fixed(DataFacts((2,), 1, "regression")),
        _OURS,
    ),
    _points(
        "surface",
        "Surface z = f(x, y)",
        "Regression on a formula that you type: each point carries its value.",
        (_OF_BOTH,),
        _number_facts,
        _OURS,
    ),
    _points(
        "above_below",
        "Above or below y = f(x)",
        "Two classes on either side of a curve whose formula you type.",
        (_OF_ONE,),
        _side_facts,
        _OURS,
    ),
)


class Surfaces(Source):
    """Points that carry a number, or lie above or below a curve."""

    def declare(self) -> tuple[DatasetSpec, ...]:
        """A plane, a bump, and what a typed formula says."""
        return _POINTS

    def read(self, request: Request, place: Path | None) -> Arrays:
        """See :meth:`Source.read`."""
        from nnviz.data import surfaces

        kind, noise = request.spec.kind, request.number("noise")
        count, seed = int(request.number("count")), int(request.number("seed"))
        if kind == "above_below":
            curve = _read(request.text("formula"), ("x",), "y")
            return hold_out_test(request, *surfaces.draw_above_below(count, noise, seed, curve))
        formula = _formula(request.values)
        return hold_out_test(request, *surfaces.draw_surface(kind, count, noise, seed, formula))
