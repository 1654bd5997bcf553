"""Layers that keep a network from learning by heart or from drifting: dropout and normalisation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nnviz.project.declared.layers.common import (
    MOST_FEATURES,
    affine_param,
    epsilon_param,
    flag,
    need_image,
    plural,
    set_fix,
    shape_text,
    whole,
)
from nnviz.project.model import Params, Shape
from nnviz.project.spec import Footprint, LayerSpec, ParamSpec, ShapeError, ShapeResult


def _same(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    return ShapeResult(shapes[0])


def _scaled(values: Params, shape: Shape, each: int, what: str) -> ShapeResult:
    """A scale and a shift for each of ``each`` channels, features or numbers."""
    if not flag(values, "affine"):
        return ShapeResult(shape)
    return ShapeResult(shape, 2 * each, arithmetic=f"2·{each} = a scale and a shift for each {what}")


def _dropout2d_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    return ShapeResult(need_image("Dropout2d", shapes[0]))


def _batch_norm1d_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    shape = shapes[0]
    if len(shape) > 2:
        raise ShapeError(
            f"BatchNorm1d expects features or channels×length and gets {shape_text(shape)}: take BatchNorm2d.",
            ("replace:batch_norm2d",),
        )
    return _scaled(values, shape, shape[0], "feature" if len(shape) == 1 else "channel")


def _batch_norm2d_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    shape = shapes[0]
    if len(shape) != 3:
        raise ShapeError(
            f"BatchNorm2d expects an image (channels×height×width) and gets {shape_text(shape)}: take BatchNorm1d.",
            ("replace:batch_norm1d",),
        )
    return _scaled(values, shape, shape[0], "channel")


def _layer_norm_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    return _scaled(values, shapes[0], math.prod(shapes[0]), "number")


def _group_norm_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    channels, groups = shapes[0][0], whole(values, "groups")
    if channels % groups:
        raise ShapeError(
            f"GroupNorm has {plural(groups, 'group')}, but {plural(channels, 'channel')} cannot be divided by "
            f"{groups}.",
            (set_fix("groups", math.gcd(channels, groups)),),
        )
    return _scaled(values, shapes[0], channels, "channel")


def _local_response_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    if len(shapes[0]) < 2:
        raise ShapeError(
            f"LocalResponseNorm expects channels with places (channels×height×width) and gets "
            f"{plural(shapes[0][0], 'flat feature')}.",
            ("replace:layer_norm",),
        )
    return ShapeResult(shapes[0])


def _probability() -> ParamSpec:
    return ParamSpec(
        "probability",
        "probability",
        "Share that is switched off at each training step. The rest is scaled up: sums stay the same on average.",
        "float",
        0.5,
        minimum=0,
        maximum=1,
        live=True,
    )


def _momentum() -> ParamSpec:
    return ParamSpec(
        "momentum",
        "momentum",
        "Share of each new batch in the running mean and variance that are used in evaluation.",
        "float",
        0.1,
        minimum=0,
        maximum=1,
        advanced=True,
    )


_AFTER_NORM = ("relu", "leaky_relu", "gelu", "silu", "tanh", "conv2d", "linear", "conv1d", "dropout")

LAYERS: tuple[LayerSpec, ...] = (
    LayerSpec(
        "dropout",
        "Dropout",
        "Switches units off at random while training: another thinned network at each step, so that no unit can rely "
        "on one other. Does nothing in evaluation.",
        "regularise",
        (_probability(),),
        rule=_same,
        output_range="sign_as_input",
        random=True,
        formula="training: y = x·m / (1 − p), m is 0 with probability p, else 1; otherwise y = x",
        footprint=Footprint(beside=4),
        followers=("linear", "conv2d", "flatten", "output", "relu"),
        keeps_numbers=True,
        card_note="p {probability:g}",
    ),
    LayerSpec(
        "dropout2d",
        "Dropout2d",
        "Dropout that switches whole feature maps off, since neighbouring pixels say much the same.",
        "regularise",
        (_probability(),),
        rule=_dropout2d_rule,
        output_range="sign_as_input",
        random=True,
        stem="dropout",
        formula="training: y<sub>c</sub> = x<sub>c</sub>·m<sub>c</sub> / (1 − p), whole channels at once; "
        "otherwise y = x",
        footprint=Footprint(),
        followers=("conv2d", "max_pool2d", "flatten", "linear"),
        keeps_numbers=True,
        card_note="p {probability:g}",
    ),
    LayerSpec(
        "batch_norm2d",
        "BatchNorm2d",
        "Brings each channel of the batch to mean 0 and variance 1, then scales and shifts it with learned numbers. "
        "Lets deep networks train faster. Needs more than one number a channel: several examples in a "
        "batch, or several positions.",
        "regularise",
        (epsilon_param(), _momentum(), affine_param()),
        rule=_batch_norm2d_rule,
        over_batch=True,
        stem="norm",
        formula="y<sub>c</sub> = γ<sub>c</sub> · (x<sub>c</sub> − μ<sub>c</sub>) / √(σ<sub>c</sub>² + ε) + "
        "β<sub>c</sub>, with μ<sub>c</sub> and σ<sub>c</sub>² over the batch and all positions",
        footprint=Footprint(inputs=True),
        followers=_AFTER_NORM,
    ),
    LayerSpec(
        "batch_norm1d",
        "BatchNorm1d",
        "The same for flat features and sequences: each feature has mean 0 and variance 1 over the batch.",
        "regularise",
        (epsilon_param(), _momentum(), affine_param()),
        rule=_batch_norm1d_rule,
        over_batch=True,
        stem="norm",
        formula="y = γ · (x − μ) / √(σ² + ε) + β, with μ and σ² over the batch",
        footprint=Footprint(inputs=True),
        followers=_AFTER_NORM,
    ),
    LayerSpec(
        "layer_norm",
        "LayerNorm",
        "Brings all numbers of one example to mean 0 and variance 1. Does not depend on the batch.",
        "regularise",
        (epsilon_param(), affine_param()),
        rule=_layer_norm_rule,
        stem="norm",
        formula="y = γ · (x − μ) / √(σ² + ε) + β, with μ and σ² over all numbers of one example",
        footprint=Footprint(inputs=True),
        followers=_AFTER_NORM,
    ),
    LayerSpec(
        "group_norm",
        "GroupNorm",
        "Normalises groups of channels within one example; good for small batches.",
        "regularise",
        (
            ParamSpec(
                "groups",
                "groups",
                "Number of groups; the channels must divide by it. 1 is all channels together.",
                "int",
                1,
                minimum=1,
                maximum=MOST_FEATURES,
            ),
            epsilon_param(),
            affine_param(),
        ),
        rule=_group_norm_rule,
        stem="norm",
        formula="y = γ · (x − μ) / √(σ² + ε) + β, with μ and σ² over each group of channels of one example",
        footprint=Footprint(inputs=True),
        followers=_AFTER_NORM,
        groups_param="groups",
    ),
    LayerSpec(
        "local_response_norm",
        "LocalResponseNorm",
        "Dampens a channel where its neighbours are strong, as AlexNet did. Later networks use BatchNorm.",
        "regularise",
        (
            ParamSpec(
                "size", "channels", "Number of neighbouring channels looked at.", "int", 5, minimum=1, maximum=1_000_000
            ),
            ParamSpec("alpha", "alpha", "Strength of the damping.", "float", 1e-4, minimum=0, maximum=100),
            ParamSpec("beta", "beta", "Exponent of the damping.", "float", 0.75, minimum=0, maximum=10),
            ParamSpec(
                "k", "k", "Keeps the divisor away from 0.", "float", 1.0, minimum=0, maximum=100, exclusive_minimum=True
            ),
        ),
        rule=_local_response_rule,
        output_range="sign_as_input",
        stem="norm",
        formula="y<sub>c</sub> = x<sub>c</sub> / (k + α/n · Σ x<sub>j</sub>²)<sup>β</sup>, over n neighbouring "
        "channels",
        footprint=Footprint(inputs=True, beside=13, back=8),
        followers=("max_pool2d", "conv2d", "relu", "flatten"),
    ),
)
