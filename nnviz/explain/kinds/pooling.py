"""Pooling: one number for each window."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import TypeAlias

import numpy as np

from nnviz.explain.explanation import Factor, Index, Term
from nnviz.explain.kinds.way import Flow, Way, Windowed, computed, input_of, term_of
from nnviz.explain.values import NodeValues
from nnviz.explain.window import Window, window_of_terms
from nnviz.project.declared.layers.windows import spread

#: (the node, where in the output without the channel) -> the pixels of the input that its window reads, row by row
_Window: TypeAlias = Callable[[NodeValues, Sequence[int]], list[Index]]


def _pixels(values: NodeValues, at: Sequence[int]) -> list[Index]:
    """What a window reads; the padding and what lies beyond the edge do not count."""
    axes = len(at)
    kernel, padding = (spread(values.settings, name, axes) for name in ("kernel_size", "padding"))
    found = []
    for axis, place in enumerate(at):
        stride, dilation = _stride(values, axes)[axis], _dilation(values, axes)[axis]
        places = (stride * place + dilation * point - padding[axis] for point in range(kernel[axis]))
        found.append([one for one in places if 0 <= one < values.inputs[0].shape[2 + axis]])
    return list(product(*found))


def _stride(values: NodeValues, axes: int) -> tuple[int, ...]:
    return spread(values.settings, "stride", axes)


def _dilation(values: NodeValues, axes: int) -> tuple[int, ...]:
    return spread(values.settings, "dilation", axes) if "dilation" in values.settings else (1,) * axes


def _windows_that_read(values: NodeValues, at: Sequence[int]) -> list[Index]:
    """The places of the window whose window may hold a pixel of the input."""
    axes = len(at)
    kernel, padding = (spread(values.settings, name, axes) for name in ("kernel_size", "padding"))
    found = []
    for axis, place in enumerate(at):
        stride, dilation = _stride(values, axes)[axis], _dilation(values, axes)[axis]
        starts = (place + padding[axis] - dilation * point for point in range(kernel[axis]))
        places = {start // stride for start in starts if start % stride == 0}
        found.append(sorted(one for one in places if 0 <= one < values.output.shape[2 + axis]))
    return list(product(*found))


# ---- the largest ---------------------------------------------------------------------------------------------------


def _winner(values: NodeValues, example: int, channel: int, pixels: Sequence[Index]) -> Index:
    """The place of the largest number, the first of several, as torch takes it; what is no number goes before all."""
    best = pixels[0]
    for pixel in pixels[1:]:
        number, largest = (values.inputs[0][(example, channel, *one)] for one in (pixel, best))
        if number > largest or (np.isnan(number) and not np.isnan(largest)):
            best = pixel
    return best


def _max_forward(values: NodeValues, example: int, index: Index) -> list[Term]:
    channel, *at = index
    pixels = _pixels(values, at)
    winner = _winner(values, example, channel, pixels)
    return [
        term_of(_chosen(values, pixel == winner), input_of(values, 0, example, (channel, *pixel))) for pixel in pixels
    ]


def _chosen(values: NodeValues, is_largest: bool) -> Factor:
    return computed(values, float(is_largest), "largest of its window" if is_largest else "not the largest")


def _max_backward(values: NodeValues, port: int, example: int, index: Index) -> Flow:
    """Only from the windows in which it is the largest."""
    channel, *at = index
    places = _windows_that_read(values, at)
    mine = tuple(at)
    slopes = [(_chosen(values, _winner(values, example, channel, _pixels(values, place)) == mine),) for place in places]
    return Flow.of(example, [(channel, *place) for place in places], slopes)


# ---- the mean ------------------------------------------------------------------------------------------------------


def _divisor(values: NodeValues, at: Sequence[int], pixels: Sequence[Index]) -> int:
    """What the sum of a window is divided by: with the padding, but not with what lies beyond that."""
    if not values.settings["count_include_pad"]:
        return len(pixels)
    axes = len(at)
    kernel, padding = (spread(values.settings, name, axes) for name in ("kernel_size", "padding"))
    stride = _stride(values, axes)
    sizes = values.inputs[0].shape[2:]
    lengths = (
        min(step * place - pad + window, size + pad) - (step * place - pad)
        for place, window, step, pad, size in zip(at, kernel, stride, padding, sizes, strict=True)
    )
    return math.prod(lengths)


def _share(values: NodeValues, divisor: int) -> Factor:
    return computed(values, 1.0 / divisor, f"1/{divisor}")


def _mean_forward(values: NodeValues, example: int, index: Index) -> list[Term]:
    channel, *at = index
    pixels = _pixels(values, at)
    share = _share(values, _divisor(values, at, pixels))
    return [term_of(share, input_of(values, 0, example, (channel, *pixel))) for pixel in pixels]


def _mean_backward(values: NodeValues, port: int, example: int, index: Index) -> Flow:
    channel, *at = index
    places = _windows_that_read(values, at)
    shares = [(_share(values, _divisor(values, place, _pixels(values, place))),) for place in places]
    return Flow.of(example, [(channel, *place) for place in places], shares)


# ---- the mean over a part of the image -----------------------------------------------------------------------------


def _part(values: NodeValues, at: Sequence[int]) -> list[Index]:
    """Mean i of ``count`` takes in the pixels ⌊i·size/count⌋ to ⌈(i + 1)·size/count⌉."""
    ranges = []
    for axis, place in enumerate(at):
        size, count = values.inputs[0].shape[2 + axis], values.output.shape[2 + axis]
        ranges.append(range(place * size // count, -(-(place + 1) * size // count)))
    return list(product(*ranges))


def _adaptive_forward(values: NodeValues, example: int, index: Index) -> list[Term]:
    channel, *at = index
    pixels = _part(values, at)
    share = _share(values, len(pixels))
    return [term_of(share, input_of(values, 0, example, (channel, *pixel))) for pixel in pixels]


def _adaptive_backward(values: NodeValues, port: int, example: int, index: Index) -> Flow:
    channel, *at = index
    found = []
    for axis, place in enumerate(at):
        size, count = values.inputs[0].shape[2 + axis], values.output.shape[2 + axis]
        near = range(place * count // size, min(count, -(-(place + 1) * count // size)))
        found.append([one for one in near if one * size // count <= place < -(-(one + 1) * size // count)])
    places = list(product(*found))
    shares = [(_share(values, len(_part(values, place))),) for place in places]
    return Flow.of(example, [(channel, *place) for place in places], shares)


def _window_of(forward: Callable[[NodeValues, int, Index], list[Term]]) -> Windowed:
    def window(values: NodeValues, example: int, index: Index) -> Window | None:
        return window_of_terms(forward(values, example, index), takes_largest=forward is _max_forward)

    return window


_LARGEST = Way(
    _max_forward,
    _max_backward,
    "dL/dx = Σ dL/dy over the windows in which x is the largest",
    window=_window_of(_max_forward),
)

WAYS: Mapping[str, Way] = {
    "max_pool2d": _LARGEST,
    "max_pool1d": _LARGEST,
    "avg_pool2d": Way(
        _mean_forward,
        _mean_backward,
        "dL/dx = Σ over the windows that read x: dL/dy / size of the window",
        window=_window_of(_mean_forward),
    ),
    "adaptive_avg_pool2d": Way(
        _adaptive_forward,
        _adaptive_backward,
        "dL/dx = Σ over the parts that x is in: dL/dy / size of the part",
        window=_window_of(_adaptive_forward),
    ),
}
