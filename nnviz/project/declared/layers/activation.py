"""Activations: a bend after each weighted sum, without which many layers were only one."""

from __future__ import annotations

from collections.abc import Sequence

from nnviz.project.declared.layers.common import flag
from nnviz.project.model import Params, Shape
from nnviz.project.spec import LayerSpec, OutputRange, ParamSpec, ShapeResult


def _same(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    return ShapeResult(shapes[0])


def _prelu_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    return ShapeResult(shapes[0], shapes[0][0] if flag(values, "per_channel") else 1)


def _activation(
    kind: str,
    title: str,
    help: str,
    *params: ParamSpec,
    rectifier: bool = False,
    saturates: bool = False,
    output_range: OutputRange = "any",
    stem: str = "",
) -> LayerSpec:
    return LayerSpec(
        kind,
        title,
        help,
        "activation",
        params,
        rule=_same,
        rectifier=rectifier,
        saturates=saturates,
        output_range=output_range,
        stem=stem,
    )


LAYERS: tuple[LayerSpec, ...] = (
    _activation(
        "relu",
        "ReLU",
        "max(0, x): passes what is positive and blocks the rest. Quick, and its gradient does not fade; but a unit "
        "that is never positive learns nothing any more: it is dead.",
        rectifier=True,
        output_range="not_negative",
    ),
    _activation(
        "leaky_relu",
        "LeakyReLU",
        "Like ReLU, but lets a small share of the negative through, so that no unit dies.",
        ParamSpec(
            "negative_slope",
            "negative slope",
            "Slope below 0. ReLU has 0.",
            "float",
            0.01,
            minimum=0,
            maximum=1,
        ),
        stem="relu",
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
    ),
    _activation(
        "sigmoid",
        "Sigmoid",
        "1 / (1 + exp(−x)): squeezes everything between 0 and 1. Beyond ±5 its slope is almost 0 and the gradient "
        "vanishes.",
        saturates=True,
        output_range="unit",
    ),
    _activation(
        "tanh",
        "Tanh",
        "Squeezes everything between −1 and 1, centred on 0. Saturates at both ends like the sigmoid.",
        saturates=True,
        output_range="symmetric",
    ),
    _activation(
        "softmax",
        "Softmax",
        "Turns scores into probabilities that sum to 1, over the features, or over the channels at each place of an "
        "image. The cross-entropy loss has it built in.",
        output_range="unit",
    ),
    _activation(
        "log_softmax",
        "LogSoftmax",
        "The logarithm of softmax, computed without overflow.",
    ),
    _activation(
        "elu",
        "ELU",
        "Like ReLU above 0; below it bends smoothly towards −alpha, so the mean stays near 0.",
        ParamSpec("alpha", "alpha", "Where it levels out, below 0.", "float", 1.0, minimum=0, maximum=100),
    ),
    _activation(
        "gelu",
        "GELU",
        "x times the probability that a normal number is below x: a smooth ReLU, used in transformers.",
        ParamSpec(
            "approximate",
            "formula",
            "The exact formula, or a quicker one with tanh.",
            "choice",
            "none",
            choices=(("none", "exact"), ("tanh", "tanh approximation")),
        ),
    ),
    _activation("silu", "SiLU", "x·sigmoid(x), also called swish: smooth, and slightly negative just below 0."),
    _activation(
        "softplus",
        "Softplus",
        "log(1 + exp(x)): a ReLU with a round corner, positive everywhere.",
        output_range="not_negative",
    ),
    _activation(
        "step",
        "Step",
        "1 where the input is above 0, else 0: the neuron of McCulloch and Pitts. Its slope is 0 everywhere, so it "
        "cannot be trained by gradients.",
        output_range="unit",
    ),
)
