"""Dense layers: every output sees every input."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nnviz.project.declared.layers.common import (
    INSERT_FLATTEN,
    MOST_FEATURES,
    bias_param,
    check_given,
    flag,
    parameter_text,
    plural,
    product_text,
    shape_text,
    weight_params,
    whole,
)
from nnviz.project.model import Params, Shape
from nnviz.project.spec import Footprint, LayerSpec, ParamSpec, ShapeError, ShapeResult


def _linear_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    shape = shapes[0]
    if len(shape) != 1:
        raise ShapeError(f"Linear expects a flat input and gets {shape_text(shape)}.", (INSERT_FLATTEN,))
    inputs, outputs = shape[0], whole(values, "out_features")
    needed = f"{plural(outputs, 'output')} and {plural(inputs, 'input')}"
    check_given("Linear", values, (outputs, inputs), outputs, needed, "out_features")
    biases = outputs if flag(values, "bias") else 0
    total = inputs * outputs + biases
    return ShapeResult((outputs,), total, inputs * outputs, parameter_text((inputs, outputs), biases, total))


def _flatten_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    size = math.prod(shapes[0])
    return ShapeResult((size,), arithmetic=f"{product_text(shapes[0])} = {size}" if len(shapes[0]) > 1 else "")


LINEAR = LayerSpec(
    "linear",
    "Linear",
    "Every output is a weighted sum of all inputs plus a bias: a dense or fully connected layer.",
    "dense",
    (
        ParamSpec(
            "out_features",
            "out features",
            "Number of neurons in the layer, each with a weight for every input.",
            "int",
            64,
            minimum=1,
            maximum=MOST_FEATURES,
        ),
        bias_param(),
        *weight_params("one row for each output, one number in it for each input."),
    ),
    aliases=("dense",),
    rule=_linear_rule,
    weight_view="matrix",
    formula="y = W·x + b, &nbsp;so y<sub>k</sub> = b<sub>k</sub> + Σ<sub>j</sub> w<sub>k,j</sub> · x<sub>j</sub>",
    footprint=Footprint(inputs=True, in_chain=True),
    followers=("relu", "output", "dropout", "tanh", "sigmoid", "batch_norm1d", "softmax", "linear"),
    weight_product="inputs·outputs",
    bias_product="outputs",
    width_param="out_features",
    dense=True,
)

FLATTEN = LayerSpec(
    "flatten",
    "Flatten",
    "Lays all numbers of an image or of its feature maps in one row, ready for a Linear layer.",
    "dense",
    rule=_flatten_rule,
    output_range="as_input",
    formula="y[(c·H + i)·W + j] = x<sub>c</sub>[i, j]",
    footprint=Footprint(view=True, in_chain=True),
    followers=("linear", "dropout", "output", "batch_norm1d"),
    flattens=True,
    keeps_numbers=True,
)

LAYERS: tuple[LayerSpec, ...] = (LINEAR, FLATTEN)
