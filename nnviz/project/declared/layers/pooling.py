"""Pooling: one number for each window. Nothing is learned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from nnviz.project.declared.layers.common import (
    dilation_param,
    flag,
    kernel_param,
    need_image,
    need_sequence,
    padding_param,
    plural,
    set_fix,
    shape_text,
    sizes,
    stride_param,
)
from nnviz.project.declared.layers.windows import axis_lines, slide, spread, sweep_text
from nnviz.project.model import Params, Shape
from nnviz.project.spec import Footprint, LayerSpec, ParamSpec, ShapeError, ShapeResult


def _pool_rule(values: Params, shapes: Sequence[Shape], *, title: str, axes: int) -> ShapeResult:
    channels, *spatial = (need_sequence if axes == 1 else need_image)(title, shapes[0])
    kernel, padding = spread(values, "kernel_size", axes), spread(values, "padding", axes)
    most = tuple(size // 2 for size in kernel)
    if any(pad > limit for pad, limit in zip(padding, most, strict=True)):
        allowed = tuple(min(pad, limit) for pad, limit in zip(padding, most, strict=True))
        raise ShapeError(
            f"The padding of {title} is {shape_text(padding)}, but may be at most half of its kernel "
            f"{shape_text(kernel)}, which is {shape_text(most)}: a window must not lie in the padding alone.",
            (set_fix("padding", allowed if axes > 1 else allowed[0]),),
        )
    sweeps = slide(title, values, spatial, ceil_mode=flag(values, "ceil_mode"))
    if any(sweep.blind for sweep in sweeps):
        # Torch lets it through, gives minus infinity, and writes beyond its memory on the way back.
        dilation = tuple(min(sweep.dilation, sweep.size) if sweep.blind else sweep.dilation for sweep in sweeps)
        raise ShapeError(
            f"The dilation of {title} is {shape_text([sweep.dilation for sweep in sweeps])}, but the input is only "
            f"{shape_text(spatial)}: a window that begins in the padding would step over all of it.",
            (set_fix("dilation", dilation if axes > 1 else dilation[0]),),
        )
    return ShapeResult((channels, *(sweep.count for sweep in sweeps)), arithmetic=sweep_text(sweeps), sweeps=sweeps)


def _adaptive_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    channels, height, width = need_image("AdaptiveAvgPool2d", shapes[0])
    wanted = sizes(values, "output_size")
    lines = axis_lines([_means_text(size, count) for size, count in zip((height, width), wanted, strict=True)])
    return ShapeResult((channels, *wanted), arithmetic="\n".join(lines))


def _means_text(size: int, count: int) -> str:
    """Mean i of a fixed number takes in pixels ⌊i·size/count⌋ to ⌈(i + 1)·size/count⌉, so they may overlap."""
    if size % count == 0:
        return f"{plural(count, 'mean')} over {size} / {count} = {plural(size // count, 'pixel')} each"
    fewest, most = -(-size // count), 1 + -(-(size - math.gcd(size, count)) // count)
    over = f"{fewest} or {most}" if most > fewest else f"{fewest}"
    return f"{plural(count, 'mean')} over {over} pixels each; {size} / {count} leaves {size % count}, so they overlap"


def _ceil_mode() -> ParamSpec:
    return ParamSpec(
        "ceil_mode",
        "round up",
        "Takes in the last window even where it reaches over the edge, so that less is lost there.",
        "bool",
        False,
        advanced=True,
    )


_FOLLOWERS = ("conv2d", "conv1d", "flatten", "linear", "dropout2d", "dropout", "relu", "local_response_norm")
_PADDING_HELP = "Added on each side; at most half of the kernel."

MAX_POOL2D = LayerSpec(
    "max_pool2d",
    "MaxPool2d",
    "Keeps the largest number of each window: the map shrinks, the strongest answers stay. On the way back the "
    "gradient goes to that one place only.",
    "pooling",
    (
        kernel_param(2, 2, "Size of the window."),
        stride_param(2, 2),
        padding_param(2, _PADDING_HELP),
        dilation_param(2),
        _ceil_mode(),
    ),
    rule=partial(_pool_rule, title="MaxPool2d", axes=2),
    output_range="as_input",
    stem="pool",
    formula="y<sub>c</sub>[i, j] = max<sub>u,v</sub> x<sub>c</sub>[s·i + d·u − p, s·j + d·v − p]",
    footprint=Footprint(inputs=True, beside=8),
    followers=_FOLLOWERS,
    other_axes="max_pool1d",
)

MAX_POOL1D = LayerSpec(
    "max_pool1d",
    "MaxPool1d",
    "Keeps the largest number of each window of a sequence.",
    "pooling",
    (
        kernel_param(2, 1, "Length of the window."),
        stride_param(2, 1),
        padding_param(1, _PADDING_HELP),
        dilation_param(1),
        _ceil_mode(),
    ),
    rule=partial(_pool_rule, title="MaxPool1d", axes=1),
    output_range="as_input",
    stem="pool",
    formula="y[i] = max over the window of x",
    footprint=Footprint(inputs=True, beside=8),
    followers=_FOLLOWERS,
    other_axes="max_pool2d",
)

AVG_POOL2D = LayerSpec(
    "avg_pool2d",
    "AvgPool2d",
    "The mean of each window. On the way back the gradient is shared out equally.",
    "pooling",
    (
        kernel_param(2, 2, "Size of the window."),
        stride_param(2, 2),
        padding_param(2, _PADDING_HELP),
        _ceil_mode(),
        ParamSpec(
            "count_include_pad",
            "count the padding",
            "Whether the zeros of the padding count in the mean.",
            "bool",
            True,
            advanced=True,
        ),
    ),
    rule=partial(_pool_rule, title="AvgPool2d", axes=2),
    output_range="as_input",
    stem="pool",
    formula="y<sub>c</sub>[i, j] = mean<sub>u,v</sub> x<sub>c</sub>[s·i + u − p, s·j + v − p]",
    footprint=Footprint(inputs=True),
    followers=_FOLLOWERS,
)

ADAPTIVE_AVG_POOL2D = LayerSpec(
    "adaptive_avg_pool2d",
    "AdaptiveAvgPool2d",
    "Averages to a fixed size, whatever comes in. 1×1 is global average pooling: one number a channel.",
    "pooling",
    (
        ParamSpec(
            "output_size",
            "output size",
            "Height and width of what comes out.",
            "pair",
            (1, 1),
            minimum=1,
            maximum=4096,
        ),
    ),
    rule=_adaptive_rule,
    output_range="as_input",
    stem="pool",
    formula="y<sub>c</sub>[i, j] = mean of x<sub>c</sub> over its part of the image",
    footprint=Footprint(inputs=True),
    followers=("flatten", "linear", "conv2d", "dropout"),
)

LAYERS: tuple[LayerSpec, ...] = (MAX_POOL2D, AVG_POOL2D, MAX_POOL1D, ADAPTIVE_AVG_POOL2D)
