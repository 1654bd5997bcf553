"""Convolutions: a window of weights slides over the input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from nnviz.project.declared.layers.common import (
    MOST_FEATURES,
    bias_param,
    check_given,
    dilation_param,
    flag,
    kernel_param,
    need_image,
    need_sequence,
    padding_param,
    parameter_text,
    plural,
    set_fix,
    shape_text,
    stride_param,
    weight_params,
    whole,
)
from nnviz.project.declared.layers.windows import axis_lines, reach_lines, slide, spread, sweep_text
from nnviz.project.model import Params, Shape
from nnviz.project.spec import Footprint, LayerSpec, ParamSpec, ShapeError, ShapeResult
from nnviz.project.sweep import Sweep


def _check_groups(title: str, values: Params, channels: int) -> int:
    """The number of groups when both channel counts can be divided by it."""
    groups, outputs = whole(values, "groups"), whole(values, "out_channels")
    if channels % groups or outputs % groups:
        fixes = [set_fix("groups", math.gcd(channels, outputs, groups))]
        if channels % groups == 0:
            fixes.insert(0, set_fix("out_channels", -(-outputs // groups) * groups))
        raise ShapeError(
            f"{title} has {plural(groups, 'group')}, but {plural(channels, 'input channel')} and "
            f"{plural(outputs, 'output channel')} cannot both be divided by {groups}.",
            fixes,
        )
    return groups


def _shared(count: int, groups: int) -> str:
    """A side of the weights that the groups split up: ``(64/4)``."""
    return f"({count}/{groups})" if groups > 1 else str(count)


def _convolution_rule(values: Params, shapes: Sequence[Shape], *, title: str, axes: int) -> ShapeResult:
    """Weights: out · (in / groups) · kernel; each is used once for every position of the output."""
    channels, *spatial = (need_sequence if axes == 1 else need_image)(title, shapes[0])
    groups = _check_groups(title, values, channels)
    sweeps = slide(title, values, spatial)
    found = [sweep.count for sweep in sweeps]
    outputs = whole(values, "out_channels")
    kernel = spread(values, "kernel_size", axes)
    sizes = (outputs, channels // groups, *kernel)
    check_given(
        title, values, sizes, outputs, f"{plural(outputs, 'filter')} of {shape_text(sizes[1:])}", "out_channels"
    )
    weights = math.prod(sizes)
    biases = outputs if flag(values, "bias") else 0
    total = weights + biases
    return ShapeResult(
        (outputs, *found),
        total,
        weights * math.prod(found),
        f"{sweep_text(sweeps)}\n{parameter_text((*kernel, _shared(channels, groups), outputs), biases, total)}",
        sweeps,
    )


def _transposed_rule(values: Params, shapes: Sequence[Shape], *, title: str) -> ShapeResult:
    """Each axis: (in − 1)·stride − 2·padding + dilation·(kernel − 1) + 1 + output padding."""
    channels, *spatial = need_image(title, shapes[0])
    groups = _check_groups(title, values, channels)
    kernel, stride, padding, extra, dilation = (
        spread(values, name, 2) for name in ("kernel_size", "stride", "padding", "output_padding", "dilation")
    )
    found: list[int] = []
    texts: list[str] = []
    for size, window, step, pad, more, gap in zip(spatial, kernel, stride, padding, extra, dilation, strict=True):
        if more >= max(step, gap):
            most = tuple(max(s, d) - 1 for s, d in zip(stride, dilation, strict=True))
            allowed = tuple(min(e, m) for e, m in zip(extra, most, strict=True))
            raise ShapeError(
                f"The output padding of {title} is {shape_text(extra)}, but must be smaller than its stride "
                f"{shape_text(stride)} or its dilation {shape_text(dilation)}.",
                (set_fix("output_padding", allowed),),
            )
        reach = gap * (window - 1) + 1
        count = (size - 1) * step - 2 * pad + reach + more
        found.append(count)
        texts.append(f"({size} − 1)·{step} − 2·{pad} + {reach}" + (f" + {more}" if more else "") + f" = {count}")
    if min(found) < 1:
        raise ShapeError(
            f"{title} would put out {shape_text(found)}: its padding {shape_text(padding)} cuts everything away "
            f"from an input of {shape_text(spatial)}.",
            (set_fix("padding", (0, 0)),),
        )
    windows = [Sweep(*numbers) for numbers in zip(spatial, kernel, stride, padding, dilation, strict=True)]
    text = "\n".join([*reach_lines(windows), *axis_lines(texts)])
    outputs = whole(values, "out_channels")
    sizes = (channels, outputs // groups, *kernel)
    check_given(title, values, sizes, outputs, f"{plural(channels, 'channel')} with patches of {shape_text(sizes[1:])}")
    weights = math.prod(sizes)
    biases = outputs if flag(values, "bias") else 0
    total = weights + biases
    return ShapeResult(
        (outputs, *found),
        total,
        weights * math.prod(spatial),
        f"{text}\n{parameter_text((*kernel, channels, _shared(outputs, groups)), biases, total)}",
    )


def _out_channels() -> ParamSpec:
    return ParamSpec(
        "out_channels",
        "out channels",
        "Number of filters. Each looks for one pattern everywhere and puts out one feature map.",
        "int",
        16,
        minimum=1,
        maximum=MOST_FEATURES,
    )


def _groups() -> ParamSpec:
    return ParamSpec(
        "groups",
        "groups",
        "Splits the channels into groups that do not see each other; as many groups as channels makes it depthwise.",
        "int",
        1,
        minimum=1,
        maximum=MOST_FEATURES,
        advanced=True,
    )


_FOOTPRINT = Footprint(inputs=True, blocked="yes")
_ROWS = "one row for each filter, its channels one after the other; or a line for each row of a window."
_PATCHES = "one row for each channel that comes in, its patches one after the other; or a line for each row of a patch."
_KERNEL_HELP = "Size of the window. A filter is as deep as its input, so 3×3 over 32 channels has 288 weights."

CONV2D = LayerSpec(
    "conv2d",
    "Conv2d",
    "Slides filters over an image: each output number is a window times a filter plus a bias. The same weights look "
    "everywhere, so a pattern is found wherever it is.",
    "convolution",
    (
        _out_channels(),
        kernel_param(3, 2, _KERNEL_HELP),
        stride_param(1, 2),
        padding_param(2),
        dilation_param(2),
        _groups(),
        bias_param(),
        *weight_params(_ROWS),
    ),
    rule=partial(_convolution_rule, title="Conv2d", axes=2),
    stem="conv",
    weight_view="filters",
    formula="y<sub>k</sub>[i, j] = b<sub>k</sub> + Σ<sub>c</sub> Σ<sub>u,v</sub> w<sub>k,c</sub>[u, v] · "
    "x<sub>c</sub>[s·i + d·u − p, s·j + d·v − p]",
    footprint=_FOOTPRINT,
    followers=("relu", "batch_norm2d", "max_pool2d", "leaky_relu", "dropout2d", "conv2d", "add", "flatten"),
    weight_product="F·F·D·K",
    bias_product="K",
    width_param="out_channels",
    other_axes="conv1d",
)

CONV1D = LayerSpec(
    "conv1d",
    "Conv1d",
    "Slides filters along a sequence, such as a sound or a row of measurements.",
    "convolution",
    (
        _out_channels(),
        kernel_param(3, 1, "Length of the window. A filter is as deep as its input has channels."),
        stride_param(1, 1),
        padding_param(1),
        dilation_param(1),
        _groups(),
        bias_param(),
        *weight_params(_ROWS),
    ),
    rule=partial(_convolution_rule, title="Conv1d", axes=1),
    stem="conv",
    weight_view="filters",
    formula="y<sub>k</sub>[i] = b<sub>k</sub> + Σ<sub>c</sub> Σ<sub>u</sub> w<sub>k,c</sub>[u] · "
    "x<sub>c</sub>[s·i + d·u − p]",
    footprint=_FOOTPRINT,
    followers=("relu", "batch_norm1d", "max_pool1d", "leaky_relu", "conv1d", "flatten"),
    weight_product="F·D·K",
    bias_product="K",
    width_param="out_channels",
    other_axes="conv2d",
)

CONV_TRANSPOSE2D = LayerSpec(
    "conv_transpose2d",
    "ConvTranspose2d",
    "A convolution run backwards: every input number paints a filter into a larger image. Used to enlarge feature maps "
    "with learned weights.",
    "convolution",
    (
        _out_channels(),
        kernel_param(2, 2, "Size of the patch that each input number paints."),
        stride_param(2, 2),
        padding_param(2, "Cut off on each side of the output."),
        ParamSpec(
            "output_padding",
            "output padding",
            "Rows and columns added at the bottom and the right, where the size would be ambiguous.",
            "pair",
            (0, 0),
            minimum=0,
            maximum=4096,
            advanced=True,
        ),
        dilation_param(2),
        _groups(),
        bias_param(),
        *weight_params(_PATCHES),
    ),
    rule=partial(_transposed_rule, title="ConvTranspose2d"),
    stem="deconv",
    weight_view="filters",
    formula="each input x<sub>c</sub>[i, j] adds x<sub>c</sub>[i, j] · w<sub>c,k</sub>[u, v] to "
    "y<sub>k</sub>[s·i + d·u − p, s·j + d·v − p]; b<sub>k</sub> is added everywhere",
    footprint=Footprint(inputs=True, blocked="spread"),
    followers=("relu", "batch_norm2d", "conv2d", "conv_transpose2d", "sigmoid", "tanh"),
    weight_product="F·F·D·K",
    bias_product="K",
    width_param="out_channels",
    inputs_first=True,
)

LAYERS: tuple[LayerSpec, ...] = (CONV2D, CONV1D, CONV_TRANSPOSE2D)
