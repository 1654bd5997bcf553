"""Where examples come in and answers go out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nnviz.project.declared.layers.common import set_fix, shape_text, sizes
from nnviz.project.declared.losses import LOSSES
from nnviz.project.model import Params, Shape
from nnviz.project.spec import Footprint, LayerSpec, ParamSpec, ShapeError, ShapeResult


def _input_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    shape = sizes(values, "shape")
    if len(shape) > 3:
        raise ShapeError(
            f"Input has {len(shape)} sizes ({shape_text(shape)}), but an example has at most three: "
            "channels×height×width.",
            (set_fix("shape", (math.prod(shape[:-2]), *shape[-2:])),),
        )
    return ShapeResult(shape)


def _output_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    return ShapeResult(shapes[0])


INPUT = LayerSpec(
    "input",
    "Input",
    "One example of the data set enters here, scaled as the Data tab says. It learns nothing.",
    "input_output",
    (
        ParamSpec(
            "shape",
            "shape",
            "Sizes of one example: the features of a table, or channels×height×width of an image.",
            "shape",
            (1, 28, 28),
            minimum=1,
            maximum=1_000_000_000,
            logarithmic=True,
        ),
    ),
    rule=_input_rule,
    min_inputs=0,
    max_inputs=0,
    footprint=Footprint(),
    followers=("conv2d", "conv1d", "linear", "flatten", "batch_norm2d", "layer_norm"),
)

OUTPUT = LayerSpec(
    "output",
    "Output",
    "The network's answer, compared with the right one by the loss. The gradients of all layers start here.",
    "input_output",
    (
        ParamSpec(
            "loss",
            "loss",
            "What the training makes small. Cross-entropy for classes, binary cross-entropy for yes or no, squared "
            "error for numbers.",
            "chosen",
            "cross_entropy",
            choices=tuple((spec.kind, spec.title) for spec in LOSSES),
            kinds=LOSSES,
        ),
    ),
    rule=_output_rule,
    outputs=0,
    output_range="as_input",
    footprint=Footprint(view=True),
)

LAYERS: tuple[LayerSpec, ...] = (INPUT, OUTPUT)
