"""What scikit-learn draws: circles, clouds of any number of classes and features, hard classifications, regressions."""

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
from nnviz.errors import DataError
from nnviz.project.model import Choice, DataFacts, Params
from nnviz.project.spec import ParamSpec

_SOURCE, _LICENCE = "Drawn by scikit-learn's {}.", "free of rights"
_COUNT = count_param(500, 100_000, "How many examples are drawn.")
_FEATURES = ParamSpec("features", "features", "Numbers of an example.", "int", 2, minimum=1, maximum=100)
_CLASSES = ParamSpec("classes", "classes", "How many classes there are.", "int", 3, minimum=2, maximum=10)


def _whole(params: Params, name: str) -> int:
    value = params[name]
    assert isinstance(value, int)  # the ParamSpec parsed it
    return value


def _class_facts(params: Params) -> DataFacts:
    classes, features = _whole(params, "classes"), _whole(params, "features")
    names = tuple(f"class {number}" for number in range(classes))
    task, targets = ("binary", 1) if classes == 2 else ("classes", classes)
    return DataFacts((features,), targets, task, names, feature_names=_names(features))


def _hard_facts(params: Params) -> DataFacts:
    classes, informative, features = (_whole(params, name) for name in ("classes", "informative", "features"))
    if informative > features:
        raise DataError(f"Of {features} features {informative} cannot be informative.", field="data.params.informative")
    if classes > 2**informative:
        raise DataError(
            f"{classes} classes need more informative features: each class lies at a corner of a cube, and with "
            f"{informative} there are {2**informative} corners.",
            field="data.params.classes",
        )
    return _class_facts(params)


def _number_facts(params: Params) -> DataFacts:
    features, informative = _whole(params, "features"), _whole(params, "informative")
    if informative > features:
        raise DataError(f"Of {features} features {informative} cannot be informative.", field="data.params.informative")
    return DataFacts((features,), 1, "regression", feature_names=_names(features))


def _names(count: int) -> tuple[str, ...]:
    return tuple(f"x{number}" for number in range(1, count + 1))


def _informative(default: int) -> ParamSpec:
    return ParamSpec(
        "informative",
        "informative features",
        "The answer depends on so many of the features; the others are noise.",
        "int",
        default,
        minimum=1,
        maximum=100,
    )


_CIRCLES = DatasetSpec(
    "circles",
    "Two circles",
    "Two circles, one in the other; the nearer they are, the harder.",
    "generated",
    (
        _COUNT,
        ParamSpec("noise", "noise", "Standard deviation of what moves each point.", "float", 0.05, 0.0, 0.5),
        ParamSpec(
            "factor", "inner by outer", "Radius of the inner circle by that of the outer.", "float", 0.5, 0.1, 0.95
        ),
        SEED,
        *DRAWN_TEST_PARAMS,
    ),
    facts=fixed(DataFacts((2,), 1, "binary", ("outer", "inner"))),
    count=counted,
    source=_SOURCE.format("make_circles"),
    licence=_LICENCE,
    feature_names=("x1", "x2"),
    preparation=(),
)
_BLOBS = DatasetSpec(
    "blobs",
    "Clouds",
    "A round cloud for each class, their middles drawn at random: from two features and three classes to far more.",
    "generated",
    (
        _COUNT,
        _FEATURES,
        _CLASSES,
        ParamSpec(
            "spread", "spread", "Standard deviation of each cloud; middles lie from −5 to 5.", "float", 1.0, 0.1, 5.0
        ),
        SEED,
        *DRAWN_TEST_PARAMS,
    ),
    facts=_class_facts,
    count=counted,
    source=_SOURCE.format("make_blobs"),
    licence=_LICENCE,
    preparation=(),
)
_CLASSIFICATION = DatasetSpec(
    "classification",
    "Made-up classification",
    "Classes at the corners of a cube in some of the features, while the others are noise; a share of the labels is "
    "wrong.",
    "generated",
    (
        _COUNT,
        ParamSpec("features", "features", "Numbers of an example.", "int", 20, minimum=2, maximum=100),
        _informative(3),
        _CLASSES,
        ParamSpec("separation", "separation", "Half the side of the cube: larger is easier.", "float", 1.0, 0.1, 10.0),
        ParamSpec("wrong", "wrong labels", "Share of the labels that are drawn at random.", "float", 0.01, 0.0, 0.5),
        SEED,
        *DRAWN_TEST_PARAMS,
    ),
    facts=_hard_facts,
    count=counted,
    source=_SOURCE.format("make_classification"),
    licence=_LICENCE,
    preparation=(Choice("standardise"),),
)
_REGRESSION = DatasetSpec(
    "regression",
    "Made-up regression",
    "A number that is a weighted sum of some of the features, divided so that its deviation without noise is 1; the "
    "other features are noise. One neuron without an activation can find it.",
    "generated",
    (
        _COUNT,
        ParamSpec("features", "features", "Numbers of an example.", "int", 10, minimum=1, maximum=100),
        _informative(3),
        ParamSpec("noise", "noise", "Standard deviation of what is added to the answer.", "float", 0.1, 0.0, 2.0),
        SEED,
        *DRAWN_TEST_PARAMS,
    ),
    facts=_number_facts,
    count=counted,
    source=_SOURCE.format("make_regression"),
    licence=_LICENCE,
    preparation=(),
)


class Generators(Source):
    """Examples drawn by scikit-learn from a seed."""

    def declare(self) -> tuple[DatasetSpec, ...]:
        """What is known of them before they are drawn."""
        return (_CIRCLES, _BLOBS, _CLASSIFICATION, _REGRESSION)

    def read(self, request: Request, place: Path | None) -> Arrays:
        """See :meth:`Source.read`."""
        from nnviz.data import generators

        request.report(0, 1)
        return hold_out_test(request, *generators.draw(request.spec.kind, request.values))
