"""Activations: a bend after each weighted sum, without which many layers were only one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nnviz.project.declared.layers.common import AFTER_ACTIVATION, flag, number
from nnviz.project.model import Params, Shape
from nnviz.project.spec import Footprint, LayerSpec, ParamSpec, ShapeResult


def _prelu_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    return ShapeResult(shapes[0], shapes[0][0] if flag(values, "per_channel") else 1)


def _sigmoid(x: float) -> float:
    """Without overflow at either end."""
    power = math.exp(-abs(x))
    return (1.0 if x >= 0 else power) / (1.0 + power)


def _gelu(values: Params, x: float) -> float:
    if values["approximate"] == "tanh":
        return 0.5 * x * (1.0 + math.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1.0 + math.erf(x / math.sqrt(2.0)))


_BY_INPUT = Footprint(inputs=True, in_chain=True)
_BY_OUTPUT = Footprint(output=True, in_chain=True)

LAYERS: tuple[LayerSpec, ...] = (
    LayerSpec(
        "relu",
        "ReLU",
        "max(0, x): passes what is positive and blocks the rest. Quick, and its gradient does not fade; but a unit "
        "that is never positive learns nothing any more: it is dead.",
        "activation",
        rectifier=True,
        output_range="not_negative",
        formula="y = max(0, x); &nbsp;y′ = 1 where x &gt; 0, else 0",
        footprint=_BY_OUTPUT,
        followers=AFTER_ACTIVATION,
        function=lambda values, x: max(0.0, x),
    ),
    LayerSpec(
        "leaky_relu",
        "LeakyReLU",
        "Like ReLU, but lets a small share of the negative through, so that no unit dies.",
        "activation",
        (
            ParamSpec(
                "negative_slope",
                "negative slope",
                "Slope below 0. ReLU has 0.",
                "float",
                0.01,
                minimum=0,
                maximum=1,
            ),
        ),
        stem="relu",
        formula="y = x where x &gt; 0, else a·x; &nbsp;y′ = 1 or a",
        footprint=_BY_INPUT,
        followers=AFTER_ACTIVATION,
        function=lambda values, x: x if x > 0 else number(values, "negative_slope") * x,
    ),
    LayerSpec(
        "prelu",
        "PReLU",
        "Like LeakyReLU, but the slope below 0 is learned.",
        "activation",
        (
            ParamSpec(
                "per_channel",
                "one slope per channel",
                "Learns a slope for each channel or feature instead of one for the layer.",
                "bool",
                False,
            ),
        ),
        rule=_prelu_rule,
        formula="y = x where x &gt; 0, else a·x, and a is learned",
        footprint=Footprint(inputs=True, back=4),
        followers=AFTER_ACTIVATION,
    ),
    LayerSpec(
        "sigmoid",
        "Sigmoid",
        "1 / (1 + exp(−x)): squeezes everything between 0 and 1. Beyond ±5 its slope is almost 0 and the gradient "
        "vanishes.",
        "activation",
        saturates=True,
        output_range="unit",
        formula="y = σ(x) = 1 / (1 + e<sup>−x</sup>); &nbsp;y′ = y·(1 − y), at most 0.25",
        footprint=_BY_OUTPUT,
        followers=AFTER_ACTIVATION,
        function=lambda values, x: _sigmoid(x),
    ),
    LayerSpec(
        "tanh",
        "Tanh",
        "Squeezes everything between −1 and 1, centred on 0. Saturates at both ends like the sigmoid.",
        "activation",
        saturates=True,
        output_range="symmetric",
        formula="y = (e<sup>x</sup> − e<sup>−x</sup>) / (e<sup>x</sup> + e<sup>−x</sup>); &nbsp;y′ = 1 − y²",
        footprint=_BY_OUTPUT,
        followers=AFTER_ACTIVATION,
        function=lambda values, x: math.tanh(x),
    ),
    LayerSpec(
        "softmax",
        "Softmax",
        "Turns scores into probabilities that sum to 1, over the features, or over the channels at each place of an "
        "image. The cross-entropy loss has it built in.",
        "activation",
        output_range="unit",
        formula="y<sub>k</sub> = e<sup>x<sub>k</sub></sup> / Σ<sub>j</sub> e<sup>x<sub>j</sub></sup>",
        footprint=Footprint(output=True),
        followers=("output",),
        replacement="sigmoid",
        of_one_number=1,
    ),
    LayerSpec(
        "log_softmax",
        "LogSoftmax",
        "The logarithm of softmax, computed without overflow.",
        "activation",
        formula="y<sub>k</sub> = x<sub>k</sub> − ln Σ<sub>j</sub> e<sup>x<sub>j</sub></sup>",
        footprint=Footprint(output=True),
        followers=("output",),
        replacement="sigmoid",
        of_one_number=0,
        softmax_unchanged=True,
    ),
    LayerSpec(
        "elu",
        "ELU",
        "Like ReLU above 0; below it bends smoothly towards −alpha, so the mean stays near 0.",
        "activation",
        (ParamSpec("alpha", "alpha", "Where it levels out, below 0.", "float", 1.0, minimum=0, maximum=100),),
        formula="y = x where x &gt; 0, else α·(e<sup>x</sup> − 1)",
        footprint=_BY_INPUT,
        followers=AFTER_ACTIVATION,
        function=lambda values, x: x if x > 0 else number(values, "alpha") * math.expm1(x),
    ),
    LayerSpec(
        "gelu",
        "GELU",
        "x times the probability that a normal number is below x: a smooth ReLU, used in transformers.",
        "activation",
        (
            ParamSpec(
                "approximate",
                "formula",
                "The exact formula, or a quicker one with tanh.",
                "choice",
                "none",
                choices=(("none", "exact"), ("tanh", "tanh approximation")),
            ),
        ),
        formula="y = x · Φ(x), with Φ the distribution function of the normal distribution",
        footprint=_BY_INPUT,
        followers=AFTER_ACTIVATION,
        function=_gelu,
    ),
    LayerSpec(
        "silu",
        "SiLU",
        "x·sigmoid(x), also called swish: smooth, and slightly negative just below 0.",
        "activation",
        formula="y = x · σ(x) = x / (1 + e<sup>−x</sup>)",
        footprint=_BY_INPUT,
        followers=AFTER_ACTIVATION,
        function=lambda values, x: x * _sigmoid(x),
    ),
    LayerSpec(
        "hardswish",
        "Hardswish",
        "x·min(max(x + 3, 0), 6) / 6: SiLU made of straight pieces, quick to compute on small devices.",
        "activation",
        formula="y = x · min(max(x + 3, 0), 6) / 6",
        footprint=Footprint(inputs=True),
        followers=AFTER_ACTIVATION,
        function=lambda values, x: x * min(max(x + 3.0, 0.0), 6.0) / 6.0,
    ),
    LayerSpec(
        "softplus",
        "Softplus",
        "log(1 + exp(x)): a ReLU with a round corner, positive everywhere.",
        "activation",
        output_range="not_negative",
        formula="y = ln(1 + e<sup>x</sup>)",
        footprint=_BY_INPUT,
        followers=AFTER_ACTIVATION,
        function=lambda values, x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
    ),
    LayerSpec(
        "step",
        "Step",
        "1 where the input is above 0, else 0: the neuron of McCulloch and Pitts. Its slope is 0 everywhere, so it "
        "cannot be trained by gradients.",
        "activation",
        output_range="unit",
        formula="y = 1 where x &gt; 0, else 0",
        footprint=Footprint(),
        followers=AFTER_ACTIVATION,
        replacement="sigmoid",
        no_gradient=True,
        function=lambda values, x: 1.0 if x > 0 else 0.0,
    ),
)
