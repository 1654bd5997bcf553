"""Curves of activations and of their derivatives, and what many of them in a row make of a gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nnviz.network.builders import build_layer
from nnviz.network.initialise import initialise
from nnviz.project import registry
from nnviz.project.model import Params

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Activation:
    """An activation with its settings.

    Attributes:
        kind: Key of the layer; one that turns each number into one other.
        params: Settings that differ from the defaults.
        learned: Numbers of its parameters, by their names, where they are not those that it begins with.
    """

    kind: str
    params: Params = field(default_factory=dict)
    learned: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class ActivationCurve:
    """An activation over many inputs, and a network that is a chain of it.

    Attributes:
        activation: Of what.
        y: What it puts out, float64[n].
        slopes: Its derivative, as training uses it, float64[n].
        learned: The parameters that it has, and their numbers.
        chain: What each layer of the chain puts out, float64[layers, n].
        factors: What each layer multiplies the gradient by, w · y′, float64[layers, n].
        gradients: Their products up to each layer: the derivative of its output with respect to the input of the first
            layer, float64[layers, n].
    """

    activation: Activation
    y: Floats
    slopes: Floats
    learned: Mapping[str, float]
    chain: Floats
    factors: Floats
    gradients: Floats


def activation_curve(activation: Activation, x: Floats, *, layers: int = 5, weight: float = 1.0) -> ActivationCurve:
    """Evaluates the module that a network would have, in double precision; slopes are torch's own.

    The chain is ``h_k = f(w · h_(k−1))`` with ``h_0 = x``, so its gradient is ``∂h_n/∂x = Π w · f′(w · h_(k−1))``.

    Args:
        activation: What to evaluate.
        x: Inputs, float64[n].
        layers: Of the chain.
        weight: w, the same in each layer.

    Raises:
        ProjectError, ParamError: There is no such activation, or a setting is not allowed.
    """
    values = registry.layer(activation.kind).values(activation.params)
    module = build_layer(activation.kind, values, [(1,)])
    initialise(module, values, torch.Generator().manual_seed(0))
    module = module.double()
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name in activation.learned:
                parameter.fill_(activation.learned[name])
    learned = {name: float(parameter.detach().mean()) for name, parameter in module.named_parameters()}
    numbers = torch.from_numpy(np.array(x, dtype=np.float64))
    y, slopes = _with_slope(module, numbers)
    chain, factors, gradients = [], [], []
    height, gradient = numbers, torch.ones_like(numbers)
    for _ in range(layers):
        height, slope = _with_slope(module, weight * height)
        gradient = gradient * (weight * slope)
        chain.append(height.numpy())
        factors.append((weight * slope).numpy())
        gradients.append(gradient.numpy())
    return ActivationCurve(
        activation, y.numpy(), slopes.numpy(), learned, _stacked(chain, x), _stacked(factors, x), _stacked(gradients, x)
    )


def _stacked(rows: list[Floats], x: Floats) -> Floats:
    return np.stack(rows) if rows else np.empty((0, len(x)))


def _with_slope(module: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """The output for each number and its derivative there, float64[n]."""
    with torch.enable_grad():
        free = x.detach().clone().requires_grad_()
        outputs = module(free[:, None])[:, 0]
        (slopes,) = torch.autograd.grad(outputs.sum(), free)
    return outputs.detach(), slopes
