"""Layers that only change the shape: reshape, pad, enlarge."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nnviz.project.declared.layers.common import (
    AFTER_ACTIVATION,
    MOST_FEATURES,
    need_image,
    product_text,
    set_fix,
    shape_text,
    sizes,
    whole,
)
from nnviz.project.model import Params, Shape
from nnviz.project.spec import Footprint, LayerSpec, ParamSpec, ShapeError, ShapeResult


def _reshape_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    wanted, size = sizes(values, "shape"), math.prod(shapes[0])
    if len(wanted) > 3 or 0 in wanted or wanted.count(-1) > 1:
        raise ShapeError(
            f"Reshape to {shape_text(wanted)} is not possible: one to three sizes are needed, each at least 1, and -1 "
            "(the rest) at most once.",
            (set_fix("shape", (-1,)),),
        )
    known = math.prod(item for item in wanted if item != -1)
    if size % known or (-1 not in wanted and known != size):
        fitting = (wanted[0], -1) if size % wanted[0] == 0 else (-1,)
        raise ShapeError(
            f"Reshape to {shape_text(wanted)} needs {'a multiple of ' if -1 in wanted else ''}{known} numbers and gets "
            f"{product_text(shapes[0])} = {size}.",
            (set_fix("shape", fitting),),
        )
    output = tuple(size // known if item == -1 else item for item in wanted)
    return ShapeResult(output, arithmetic=f"{product_text(shapes[0])} = {product_text(output)} = {size}")


def _select_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    index, (count, *rest) = whole(values, "index"), shapes[0]
    if index >= count:
        what = "numbers" if not rest else "channels"
        raise ShapeError(
            f"There is no number {index} to select: {count} {what} come in, counted from 0.",
            (set_fix("index", count - 1),),
        )
    return ShapeResult((1, *rest), arithmetic=f"number {index} of {count}, counted from 0")


def _zero_pad_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    channels, height, width = need_image("ZeroPad2d", shapes[0])
    padding = sizes(values, "padding")
    if len(padding) != 4:
        raise ShapeError(
            f"ZeroPad2d needs four numbers (left, right, top, bottom) and has {len(padding)}.",
            (set_fix("padding", (padding[0],) * 4),),
        )
    left, right, top, bottom = padding
    output = (channels, top + height + bottom, left + width + right)
    rows = f"height: {top} + {height} + {bottom} = {output[1]}"
    columns = f"width: {left} + {width} + {right} = {output[2]}"
    return ShapeResult(output, arithmetic=f"{rows}\n{columns}")


def _upsample_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    channels, height, width = need_image("Upsample", shapes[0])
    factor = whole(values, "scale_factor")
    output = (channels, factor * height, factor * width)
    return ShapeResult(output, arithmetic=f"{factor}·{height} = {output[1]}, {factor}·{width} = {output[2]}")


LAYERS: tuple[LayerSpec, ...] = (
    LayerSpec(
        "reshape",
        "Reshape",
        "The same numbers in the same order, cut into another shape.",
        "shape",
        (
            ParamSpec(
                "shape",
                "shape",
                "Sizes of the output. One of them may be -1: it takes what is left.",
                "shape",
                (-1,),
                minimum=-1,
                maximum=1_000_000_000,
            ),
        ),
        rule=_reshape_rule,
        output_range="as_input",
        formula="the same numbers in the same order, cut another way",
        footprint=Footprint(view=True),
        followers=("conv2d", "conv1d", "conv_transpose2d", "linear"),
        keeps_numbers=True,
    ),
    LayerSpec(
        "select",
        "Select",
        "Takes one number out of a row of them, or one channel out of an image: an input of a computational graph. The "
        "others get no gradient through it.",
        "shape",
        (
            ParamSpec(
                "index",
                "number",
                "Which one, counted from 0: a column of a table, a unit of a vector, a channel of an image.",
                "int",
                0,
                minimum=0,
                maximum=MOST_FEATURES - 1,
            ),
        ),
        rule=_select_rule,
        output_range="as_input",
        formula="y = x<sub>k</sub>",
        footprint=Footprint(),
        followers=("add", "subtract", "multiply", "linear"),
        picks_param="index",
    ),
    LayerSpec(
        "identity",
        "Identity",
        "Passes on what comes in. It stands where a layer is left out, or where a branch needs a name.",
        "shape",
        rule=lambda values, shapes: ShapeResult(shapes[0], arithmetic="as it comes in"),
        output_range="as_input",
        formula="y = x",
        footprint=Footprint(view=True, in_chain=True),
        followers=AFTER_ACTIVATION,
        keeps_numbers=True,
    ),
    LayerSpec(
        "zero_pad2d",
        "ZeroPad2d",
        "Frames the image with zeros; unlike the padding of a convolution, each side can differ.",
        "shape",
        (
            ParamSpec(
                "padding",
                "padding",
                "Columns of zeros on the left and right, then rows at the top and bottom.",
                "shape",
                (1, 1, 1, 1),
                minimum=0,
                maximum=4096,
            ),
        ),
        rule=_zero_pad_rule,
        output_range="as_input",
        stem="pad",
        formula="x with rows and columns of zeros around it",
        footprint=Footprint(),
        followers=("conv2d", "max_pool2d"),
        pads=True,
    ),
    LayerSpec(
        "upsample",
        "Upsample",
        "Enlarges the image by a whole factor. Nothing is learned.",
        "shape",
        (
            ParamSpec("scale_factor", "factor", "How many times larger it becomes.", "int", 2, minimum=1, maximum=1024),
            ParamSpec(
                "mode",
                "mode",
                "Repeat each pixel, or blend between neighbours.",
                "choice",
                "nearest",
                choices=(("nearest", "nearest neighbour"), ("bilinear", "bilinear")),
            ),
        ),
        rule=_upsample_rule,
        output_range="as_input",
        formula="y[i, j] = x[⌊i/f⌋, ⌊j/f⌋] (nearest), or between its neighbours (bilinear)",
        footprint=Footprint(),
        followers=("conv2d", "concatenate", "relu"),
    ),
)
