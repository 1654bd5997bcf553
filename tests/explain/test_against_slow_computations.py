"""Beside loops in double precision that know nothing of the explanation: values, and gradients as differences."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from explain_helpers import CASES, any_index, flowing
from numpy.typing import NDArray

from nnviz.explain.layers import explain, explain_gradient, explain_loss, explain_parameter_gradient
from nnviz.explain.values import NodeValues

Doubles = NDArray[np.float64]
#: (what comes in, parameters by name, the layer) -> what goes out
Slow = Callable[[Doubles, dict[str, Doubles], NodeValues], Doubles]


def _pair(value: Any, axes: int = 2) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, tuple) else (value,) * axes


def dense(x: Doubles, parameters: dict[str, Doubles], layer: NodeValues) -> Doubles:
    y = np.zeros(layer.output.shape)
    for n in range(y.shape[0]):
        for k in range(y.shape[1]):
            y[n, k] = parameters["bias"][k] if "bias" in parameters else 0.0
            for j in range(x.shape[1]):
                y[n, k] += parameters["weight"][k, j] * x[n, j]
    return y


def convolution(x: Doubles, parameters: dict[str, Doubles], layer: NodeValues) -> Doubles:
    """Every multiplication by itself, in a padded copy of the input."""
    weight, groups = parameters["weight"], layer.settings["groups"]
    (sy, sx), (py, px), (dy, dx) = (_pair(layer.settings[name]) for name in ("stride", "padding", "dilation"))
    padded = np.pad(x, ((0, 0), (0, 0), (py, py), (px, px)))
    y = np.zeros(layer.output.shape)
    ins, outs = x.shape[1] // groups, y.shape[1] // groups
    for n, k, i, j in np.ndindex(*y.shape):
        y[n, k, i, j] = parameters["bias"][k] if "bias" in parameters else 0.0
        for c, u, v in np.ndindex(*weight.shape[1:]):
            y[n, k, i, j] += weight[k, c, u, v] * padded[n, k // outs * ins + c, sy * i + dy * u, sx * j + dx * v]
    return y


def transposed(x: Doubles, parameters: dict[str, Doubles], layer: NodeValues) -> Doubles:
    """Every input paints its patch on a larger canvas, of which the padding is cut off."""
    weight, groups = parameters["weight"], layer.settings["groups"]
    (sy, sx), (py, px), (dy, dx) = (_pair(layer.settings[name]) for name in ("stride", "padding", "dilation"))
    n_out, k_out, height, width = layer.output.shape
    canvas = np.zeros((n_out, k_out, height + 2 * py, width + 2 * px))
    ins, outs = x.shape[1] // groups, k_out // groups
    for n, c, i, j in np.ndindex(*x.shape):
        for k, u, v in np.ndindex(*weight.shape[1:]):
            canvas[n, c // ins * outs + k, sy * i + dy * u, sx * j + dx * v] += weight[c, k, u, v] * x[n, c, i, j]
    y = canvas[:, :, py : py + height, px : px + width]
    return y + parameters["bias"].reshape(1, -1, 1, 1) if "bias" in parameters else y


def largest(x: Doubles, parameters: dict[str, Doubles], layer: NodeValues) -> Doubles:
    (ky, kx), (sy, sx), (py, px), (dy, dx) = (
        _pair(layer.settings[name]) for name in ("kernel_size", "stride", "padding", "dilation")
    )
    far = ((0, 0), (0, 0), (py, py + 20), (px, px + 20))
    padded = np.pad(x, far, constant_values=-math.inf)
    y = np.full(layer.output.shape, -math.inf)
    for n, c, i, j in np.ndindex(*y.shape):
        for u, v in np.ndindex(ky, kx):
            y[n, c, i, j] = max(y[n, c, i, j], padded[n, c, sy * i + dy * u, sx * j + dx * v])
    return y


def mean(x: Doubles, parameters: dict[str, Doubles], layer: NodeValues) -> Doubles:
    (ky, kx), (sy, sx), (py, px) = (_pair(layer.settings[name]) for name in ("kernel_size", "stride", "padding"))
    height, width = x.shape[2:]
    y = np.zeros(layer.output.shape)
    for n, c, i, j in np.ndindex(*y.shape):
        total, inside, framed = 0.0, 0, 0
        for u, v in np.ndindex(ky, kx):
            row, column = sy * i + u - py, sx * j + v - px
            if 0 <= row < height and 0 <= column < width:
                total += x[n, c, row, column]
                inside += 1
            framed += row < height + py and column < width + px
        y[n, c, i, j] = total / (framed if layer.settings["count_include_pad"] else inside)
    return y


def _scaled(hats: Doubles, parameters: dict[str, Doubles], shape: tuple[int, ...]) -> Doubles:
    if "weight" not in parameters:
        return hats
    return hats * parameters["weight"].reshape(shape) + parameters["bias"].reshape(shape)


def over_batch(x: Doubles, parameters: dict[str, Doubles], layer: NodeValues) -> Doubles:
    y = np.zeros(x.shape)
    for channel in range(x.shape[1]):
        part = x[:, channel]
        if layer.training:
            middle, spread = part.sum() / part.size, ((part - part.sum() / part.size) ** 2).sum() / part.size
        else:
            middle, spread = (float(layer.statistics[name][channel]) for name in ("running_mean", "running_var"))
        y[:, channel] = (part - middle) / math.sqrt(spread + layer.settings["epsilon"])
    return _scaled(y, parameters, (1, -1, *(1 for _ in x.shape[2:])))


def over_example(x: Doubles, parameters: dict[str, Doubles], layer: NodeValues) -> Doubles:
    y = np.zeros(x.shape)
    for n, part in enumerate(x):
        y[n] = (part - part.mean()) / math.sqrt(part.var() + layer.settings["epsilon"])
    return _scaled(y, parameters, (1, *x.shape[1:]))


def over_group(x: Doubles, parameters: dict[str, Doubles], layer: NodeValues) -> Doubles:
    groups = layer.settings["groups"]
    y = np.zeros(x.shape)
    size = x.shape[1] // groups
    for n in range(len(x)):
        for group in range(groups):
            part = x[n, group * size : (group + 1) * size]
            y[n, group * size : (group + 1) * size] = (part - part.mean()) / math.sqrt(
                part.var() + layer.settings["epsilon"]
            )
    return _scaled(y, parameters, (1, -1, *(1 for _ in x.shape[2:])))


def shares(x: Doubles, parameters: dict[str, Doubles], layer: NodeValues) -> Doubles:
    powers = np.exp(x)
    return powers / powers.sum(1, keepdims=True)


SLOW: dict[str, Slow] = {
    "linear": dense,
    "conv2d": convolution,
    "conv_transpose2d": transposed,
    "max_pool2d": largest,
    "avg_pool2d": mean,
    "batch_norm1d": over_batch,
    "batch_norm2d": over_batch,
    "layer_norm": over_example,
    "group_norm": over_group,
    "softmax": shares,
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("kind", sorted(SLOW))
def test_values_and_gradients(kind: str, training: bool, seed: int) -> None:
    random = Random(f"slow {kind} {seed}")
    case = CASES[kind](random)
    while case.whole_numbers:  # where numbers are equal, a difference is no slope
        case = CASES[kind](random)
    _, found = flowing(case, training=training, seed=seed)
    layer = found.nodes["layer"]
    x = layer.inputs[0].astype(np.float64)
    parameters = {name: value.astype(np.float64) for name, value in layer.parameters.items()}
    y = SLOW[kind](x, parameters, layer)
    assert found.targets is not None
    targets = found.targets.astype(np.float64)
    for _ in range(5):
        example, index = random.randrange(3), any_index(random, y.shape[1:])
        assert explain(found, "layer", index, example=example).total == pytest.approx(
            y[(example, *index)], rel=1e-9, abs=1e-9
        )

    def loss(**moved: Doubles) -> float:
        given = {name: moved.get(name, value) for name, value in parameters.items()}
        return float(((SLOW[kind](moved.get("x", x), given, layer) - targets) ** 2).mean())

    for _ in range(3):
        example, index = random.randrange(3), any_index(random, x.shape[1:])
        expected = slope(lambda moved: loss(x=moved), x, (example, *index))
        total = explain_gradient(found, "input", index, example=example).total
        assert total == pytest.approx(expected, rel=2e-4, abs=2e-6)
    for name, parameter in parameters.items():
        index = any_index(random, parameter.shape)
        expected = slope(lambda moved, name=name: loss(**{name: moved}), parameter, index)
        total = explain_parameter_gradient(found, "layer", name, index).total
        assert total == pytest.approx(expected, rel=2e-4, abs=2e-6)


def slope(function: Callable[[Doubles], float], at: Doubles, index: tuple[int, ...]) -> float:
    """A central difference."""
    found = []
    for distance in (-1e-5, 1e-5):
        moved = at.copy()
        moved[index] += distance
        found.append(function(moved))
    return (found[1] - found[0]) / 2e-5


def test_cross_entropy_by_hand() -> None:
    from test_every_kind import of_loss

    found = of_loss("cross_entropy", "classes", 5, {}, 3)
    answers = found.nodes[found.output_id].output.astype(np.float64)
    assert found.targets is not None
    for example, label in enumerate(found.targets.tolist()):
        powers = [math.exp(number) for number in answers[example]]
        assert explain_loss(found, example=example).total == pytest.approx(-math.log(powers[label] / sum(powers)))
        for unit in range(5):
            expected = (powers[unit] / sum(powers) - (unit == label)) / len(answers)
            total = explain_gradient(found, found.output_id, (unit,), example=example).total
            assert total == pytest.approx(expected, abs=1e-12)
