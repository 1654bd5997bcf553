"""What part of an image a number of a map depends on: its receptive field."""

from __future__ import annotations

from typing import Any, TypeAlias

from torch import nn

from nnviz.explain.score import OwnNetwork

#: (first, last) row or column, both included.
Span: TypeAlias = tuple[int, int]

_WINDOWS = (
    nn.Conv1d,
    nn.Conv2d,
    nn.MaxPool1d,
    nn.MaxPool2d,
    nn.AvgPool1d,
    nn.AvgPool2d,
)
_SPREADING = (nn.ConvTranspose1d, nn.ConvTranspose2d)


def receptive_field(own: OwnNetwork, node: str, at: tuple[int, ...]) -> tuple[Span, ...]:
    """Rows and columns of the input that a number depends on; all of them behind layers that look at everything.

    From window to window backwards: output o of windows of k numbers with stride s, padding p and dilation d is made
    of the inputs o·s − p … o·s − p + (k − 1)·d. Where a value goes two ways, what both reach. That normalisation looks
    at other places, too, is left out, as is usual.

    Args:
        own: The network.
        node: Whose number.
        at: Its place in the map; empty for a unit of a vector.
    """
    spans: dict[str, tuple[Span, ...]] = {node: tuple((place, place) for place in at)}
    behind = own.ancestors(node)
    for one in (each for each in reversed(own.order) if each in behind):
        out = own.shapes[one]
        for source in own.sources[one]:
            sizes = own.shapes[source][1:]
            found = _before(own.at_rest.module_of(one), spans[one], sizes, out[1:])
            spans[source] = _both(spans[source], found) if source in spans else found
    return spans.get(own.input_id, ())


def _before(
    module: nn.Module, spans: tuple[Span, ...], sizes: tuple[int, ...], out: tuple[int, ...]
) -> tuple[Span, ...]:
    """What of a layer's input a part of its output is made of."""
    everything = tuple((0, size - 1) for size in sizes)
    if isinstance(module, _WINDOWS) and not isinstance(module.padding, str) and len(spans) == len(sizes):
        axes = len(sizes)
        settings = (module.kernel_size, module.stride, module.padding, getattr(module, "dilation", 1))
        by_axis = zip(*(_each(setting, axes) for setting in settings), strict=True)
        return tuple(
            (
                min(max(first * stride - padding, 0), size - 1),
                min(max(last * stride - padding + (kernel - 1) * dilation, 0), size - 1),
            )
            for (first, last), size, (kernel, stride, padding, dilation) in zip(spans, sizes, by_axis, strict=True)
        )
    same = sizes == out and len(spans) == len(sizes) and not isinstance(module, _SPREADING)
    return spans if same else everything


def _each(setting: Any, axes: int) -> tuple[int, ...]:
    return tuple(setting) if isinstance(setting, tuple) else (int(setting),) * axes


def _both(one: tuple[Span, ...], other: tuple[Span, ...]) -> tuple[Span, ...]:
    return tuple((min(a[0], b[0]), max(a[1], b[1])) for a, b in zip(one, other, strict=True))
