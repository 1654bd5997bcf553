"""Curves of activations: against their closed forms and derivatives, and a chain of them against a plain loop."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from nnviz.explain.activation_curves import Activation, activation_curve

X = np.array([-7.0, -3.1, -1.0, -0.2, 0.3, 1.0, 2.5, 6.0])


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def bell(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def below(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


#: What is set, y and y′.
CLOSED: dict[str, tuple[Activation, Callable[[float], float], Callable[[float], float]]] = {
    "step": (Activation("step"), lambda x: float(x > 0), lambda x: 0.0),
    "sigmoid": (Activation("sigmoid"), sigmoid, lambda x: sigmoid(x) * (1 - sigmoid(x))),
    "tanh": (Activation("tanh"), math.tanh, lambda x: 1 - math.tanh(x) ** 2),
    "relu": (Activation("relu"), lambda x: max(x, 0.0), lambda x: float(x > 0)),
    "leaky": (
        Activation("leaky_relu", {"negative_slope": 0.2}),
        lambda x: x if x > 0 else 0.2 * x,
        lambda x: 1.0 if x > 0 else 0.2,
    ),
    "parametric": (
        Activation("prelu", learned={"weight": -0.4}),
        lambda x: x if x > 0 else -0.4 * x,
        lambda x: 1.0 if x > 0 else -0.4,
    ),
    "elu": (
        Activation("elu", {"alpha": 1.5}),
        lambda x: x if x > 0 else 1.5 * math.expm1(x),
        lambda x: 1.0 if x > 0 else 1.5 * math.exp(x),
    ),
    "gelu": (Activation("gelu"), lambda x: x * below(x), lambda x: below(x) + x * bell(x)),
    "silu": (
        Activation("silu"),
        lambda x: x * sigmoid(x),
        lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x))),
    ),
    "softplus": (Activation("softplus"), lambda x: math.log1p(math.exp(x)), sigmoid),
}


@pytest.mark.parametrize("name", CLOSED)
def test_values_and_derivatives_are_those_of_the_closed_form(name: str) -> None:
    activation, y, slope = CLOSED[name]
    curve = activation_curve(activation, X, layers=5, weight=1.3)
    assert curve.y == pytest.approx([y(x) for x in X], rel=1e-12, abs=1e-12)
    assert curve.slopes == pytest.approx([slope(x) for x in X], rel=1e-9, abs=1e-12)
    for place, x in enumerate(X):
        height, gradient = float(x), 1.0
        for layer in range(5):
            factor = 1.3 * slope(1.3 * height)
            height, gradient = y(1.3 * height), gradient * factor
            assert curve.chain[layer, place] == pytest.approx(height, rel=1e-9, abs=1e-12)
            assert curve.factors[layer, place] == pytest.approx(factor, rel=1e-7, abs=1e-12)
            assert curve.gradients[layer, place] == pytest.approx(gradient, rel=1e-7, abs=1e-12)


def test_the_figures_of_a_lecture() -> None:
    """Five sigmoids let at most 0.25⁵ of a gradient through; what is learned is said."""
    curve = activation_curve(Activation("sigmoid"), np.linspace(-6, 6, 401))
    assert float(curve.slopes.max()) == 0.25 and float(curve.gradients[-1].max()) < 0.25**5
    assert activation_curve(Activation("prelu"), X).learned == {"weight": 0.25}
    assert activation_curve(Activation("relu"), X, layers=0).gradients.shape == (0, len(X))
