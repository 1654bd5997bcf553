"""Dense layers: every output sees every input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

from nnviz.project.declared.layers.common import (
    INSERT_FLATTEN,
    MOST_FEATURES,
    bias_param,
    flag,
    parameter_text,
    plural,
    product_text,
    set_fix,
    shape_text,
    weight_params,
    whole,
)
from nnviz.project.model import Choice, Params, Shape
from nnviz.project.spec import Footprint, LayerSpec, ParamSpec, ShapeError, ShapeResult


def _linear_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    shape = shapes[0]
    if len(shape) != 1:
        raise ShapeError(f"Linear expects a flat input and gets {shape_text(shape)}.", (INSERT_FLATTEN,))
    inputs, outputs = shape[0], whole(values, "out_features")
    if Choice.of(values["weight_initialisation"]).kind == "given":
        _check_given(values, inputs, outputs)
    biases = outputs if flag(values, "bias") else 0
    total = inputs * outputs + biases
    return ShapeResult((outputs,), total, inputs * outputs, parameter_text((inputs, outputs), biases, total))


def _check_given(values: Params, inputs: int, outputs: int) -> None:
    """Weights written down by hand have to fit the wires."""
    rows = cast("tuple[tuple[float, ...], ...] | None", values["weight_values"])
    if rows is None:
        raise ShapeError(
            f"The weights of Linear are to be given, but there are none: {plural(outputs, 'row')} of "
            f"{plural(inputs, 'number')} are needed.",
            (set_fix("weight_initialisation", "default"),),
        )
    if len(rows) != outputs or len(rows[0]) != inputs:
        raise ShapeError(
            f"The given weights of Linear are {len(rows)}×{len(rows[0])}, but {plural(outputs, 'output')} and "
            f"{plural(inputs, 'input')} need {outputs}×{inputs}.",
            (
                *((set_fix("out_features", len(rows)),) if len(rows[0]) == inputs else ()),
                set_fix("weight_initialisation", "default"),
            ),
        )
    biases = cast("tuple[float, ...] | None", values["bias_values"])
    if biases is not None and flag(values, "bias") and len(biases) != outputs:
        raise ShapeError(
            f"Linear is given {plural(len(biases), 'bias value')}, but has {plural(outputs, 'output')}.",
            (set_fix("bias_values", None),),
        )


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
        *weight_params(given=True),
        ParamSpec(
            "weight_values",
            "weights",
            "The weights themselves: one row for each output, one number in it for each input.",
            "matrix",
            None,
            shown_when=("weight_initialisation", ("given",)),
        ),
        ParamSpec(
            "bias_values",
            "biases",
            "The biases themselves: one for each output. Nothing stands for zeros.",
            "vector",
            None,
            shown_when=("weight_initialisation", ("given",)),
        ),
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
