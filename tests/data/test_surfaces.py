"""Typed formulas, points that carry numbers, scikit-learn's tables and generators: each against another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from nnviz.data import datasets
from nnviz.data.formula import Formula
from nnviz.data.surfaces import values_of
from nnviz.data.tensors import load
from nnviz.errors import DataError, ParamError
from nnviz.project.model import DataConfig, ParamValue


def whole(config: DataConfig) -> tuple[np.ndarray, np.ndarray]:
    """All examples of all splits."""
    data = load(config)
    splits = (data.train, data.validation, data.test)
    return tuple(torch.cat([getattr(split, of) for split in splits]).numpy() for of in ("inputs", "targets"))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("text", "by_hand"),
    [
        ("2*sin(x)", lambda x, y: 2 * math.sin(x)),
        ("z = −x**2/4 + e**-abs(y)", lambda x, y: -(x**2) / 4 + math.exp(-abs(y))),
        ("tanh(x)*cos(pi*y) - sqrt(x*x + 1)", lambda x, y: math.tanh(x) * math.cos(math.pi * y) - math.hypot(x, 1)),
        ("+3", lambda x, y: 3.0),
        ("exp(log(2 + y*y)) × tan(π/4)", lambda x, y: 2 + y * y),
    ],
)
def test_a_formula_is_what_it_says(text: str, by_hand: object) -> None:
    x, y = np.random.default_rng(1).uniform(-3, 3, (2, 50))
    found = values_of(Formula.read(text, ("x", "y"), "z"), x=x, y=y)
    assert found == pytest.approx([by_hand(*point) for point in zip(x, y, strict=True)])  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "There is no formula"),
        ("__import__('os').system('x')", r"“__import__.*” is not allowed in the formula: only numbers, x, y"),
        ("x.real", "“x.real” is not allowed"),
        ("(lambda: x)()", "is not allowed"),
        ("[x for x in 3]", "is not allowed"),
        ("sin", "sin needs a value in brackets"),
        ("sin(x, x)", "sin takes one value"),
        ("sin(x=1)", "sin takes one value"),
        ("sin(*x)", "is not allowed"),
        ("q + 1", "“q” is not allowed in the formula: only numbers, x, y, pi, e"),
        ("x^2", r"powers are written with \*\*"),
        ("0,5*x", "A comma is not allowed"),
        ("2x", "“2x” is not a formula that can be read"),
        ("x if x else y", "is not allowed"),
        ("x @ y", "is not allowed"),
        ("x // y", "is not allowed"),
        ("~x", "is not allowed"),
        ("True", "“True” is not allowed"),
        ("'x'", "is not allowed"),
        ("1j", "is not allowed"),
        ("x\0", "can be read"),
        ("y = x", "can be read"),
        ("9" * 400, "400 letters"),
        ("1e999", "too large"),
        ("(" * 150, "can be read"),
        ("-" * 100 + "x", "too many pieces"),
        ("x+" * 90 + "x", "too many pieces"),
    ],
)
def test_what_is_no_formula_is_refused_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(ParamError, match=said) as caught:
        Formula.read(text, ("x", "y"), "z")
    assert caught.value.field == "formula" and len(caught.value.message) < 260
    with pytest.raises(DataError) as refused:
        datasets.declared(DataConfig("surface", {"formula": text}))
    assert refused.value.field == "data.params.formula"


def test_powers_cost_nothing() -> None:
    assert not np.isfinite(values_of(Formula.read("9**9**9**9**9"), x=np.ones(3), y=np.ones(3))).any()


def test_points_carry_what_their_surface_says() -> None:
    for kind, params, height in (
        ("tilted_plane", {}, lambda x, y: (x + y) / 10),
        ("bump", {}, lambda x, y: math.exp(-(x * x + y * y) / 8)),
        ("surface", {"formula": "x*y"}, lambda x, y: x * y),
    ):
        points, numbers = whole(DataConfig(kind, {"count": 200, **params}))
        assert points.shape == (200, 2) and numbers.shape == (200, 1) and np.abs(points).max() <= 6
        assert numbers[:, 0] == pytest.approx([height(*map(float, point)) for point in points], rel=1e-5, abs=1e-6)
    noisy = whole(DataConfig("tilted_plane", {"count": 5000, "noise": 0.3}))
    assert (noisy[1][:, 0] - noisy[0].sum(1) / 10).std() == pytest.approx(0.3, abs=0.02)
    points, labels = whole(DataConfig("above_below", {"formula": "x/2"}))
    assert [int(y > x / 2) for x, y in points] == labels.tolist() and 0 < labels.mean() < 1


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (DataConfig("surface", {"formula": "log(x)"}), r"log\(x\) has no value, .* points, such as x = -"),
        (DataConfig("above_below", {"formula": "1e9"}), "has no value, or one beyond 1,000,000"),
        (DataConfig("above_below", {"formula": "50"}), "All 500 points lie below y = 50"),
        (DataConfig("above_below", {"formula": "y"}), "“y” is not allowed in the formula: only numbers, x, pi"),
    ],
)
def test_formulas_that_fit_no_data(config: DataConfig, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        load(config)
    assert caught.value.field == "data.params.formula"


def test_the_tables_are_those_of_scikit_learn() -> None:
    from sklearn import datasets as theirs

    for kind, their in (
        ("iris", theirs.load_iris()),
        ("breast_cancer", theirs.load_breast_cancer()),
        ("diabetes", theirs.load_diabetes(scaled=False)),
    ):
        spec = datasets.dataset(kind)
        inputs, targets = whole(DataConfig(kind, {"unit": "1"} if kind == "diabetes" else {}))
        ours = np.column_stack((inputs, targets)).astype(np.float32)
        wanted = np.column_stack((their.data, their.target)).astype(np.float32)
        assert sorted(map(tuple, ours.tolist())) == sorted(map(tuple, wanted.tolist()))
        assert spec.facts is not None and len(spec.feature_names) == their.data.shape[1]
        if kind != "diabetes":
            assert spec.facts({}).class_names == tuple(their.target_names)


@pytest.mark.parametrize(
    ("kind", "params", "shape", "classes"),
    [
        ("circles", {"noise": 0.0, "factor": 0.5}, 2, 2),
        ("blobs", {"features": 3, "classes": 4, "spread": 0.1}, 3, 4),
        ("blobs", {"classes": 2}, 2, 2),
        ("classification", {"features": 5, "informative": 2, "classes": 4}, 5, 4),
        ("regression", {"features": 4, "informative": 2, "noise": 0.0, "count": 3000}, 4, 0),
    ],
)
def test_what_generators_draw(kind: str, params: dict[str, ParamValue], shape: int, classes: int) -> None:
    config = DataConfig(kind, params)
    facts, (inputs, targets) = datasets.facts(config), whole(config)
    assert inputs.shape[1] == shape == facts.input_shape[0] and len(facts.class_names) == classes
    assert facts.targets == (1 if classes in (0, 2) else classes)
    if classes:
        assert set(targets) == set(range(classes))
    if kind == "circles":
        assert np.hypot(*inputs.T) == pytest.approx(np.where(targets, 2.5, 5.0), abs=1e-4)
    if kind == "regression":  # a weighted sum of two of the features, with a deviation of 1
        weights, left, _, _ = np.linalg.lstsq(inputs, targets, rcond=None)
        assert (np.abs(weights) > 1e-4).sum() == 2 and left < 1e-4 and targets.std() == pytest.approx(1, abs=0.05)


def test_generators_refuse_what_cannot_be() -> None:
    for kind, params, field in (
        ("classification", {"features": 2}, "informative"),
        ("classification", {"informative": 1}, "classes"),
        ("regression", {"features": 2}, "informative"),
    ):
        with pytest.raises(DataError) as caught:
            datasets.facts(DataConfig(kind, params))  # type: ignore[arg-type]
        assert caught.value.field == f"data.params.{field}"
