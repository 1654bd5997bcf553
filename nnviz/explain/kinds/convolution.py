"""Convolutions: a window of weights over the input, and the same run backwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from nnviz.explain.explanation import Factor, Index, Term, gathered
from nnviz.explain.kinds.way import Doubles, Flow, Places, Way, bias_term, input_of, one, parameter_of, term_of
from nnviz.explain.values import NodeValues
from nnviz.explain.window import PADDING, Window
from nnviz.project.declared.layers.windows import spread

#: For each axis: (points of the window, where they lie on the other side).
_Taps: TypeAlias = Sequence[tuple[Places, Places]]


class _Windows:
    """The window of one layer, axis by axis. *Far* is the side on which it slides: the input of a convolution."""

    def __init__(self, values: NodeValues, far: Sequence[int], near: Sequence[int]) -> None:
        self._kernel = values.parameters["weight"].shape[2:]
        axes = len(self._kernel)
        self._stride, self._padding, self._dilation = (
            spread(values.settings, name, axes) for name in ("stride", "padding", "dilation")
        )
        self._far, self._near = far, near

    def reads(self, at: Sequence[int]) -> _Taps:
        """Which points of the window lie where on the far side, for a place of the window."""
        found = []
        for place, kernel, stride, padding, dilation, size in zip(
            at, self._kernel, self._stride, self._padding, self._dilation, self._far, strict=True
        ):
            points = np.arange(kernel)
            places = stride * place + dilation * points - padding
            inside = (places >= 0) & (places < size)
            found.append((points[inside], places[inside]))
        return found

    def covers(self, at: Sequence[int]) -> _Taps:
        """Like :meth:`reads`, but with what lies beyond the edge, whose place is ``PADDING``."""
        found = []
        for place, kernel, stride, padding, dilation, size in zip(
            at, self._kernel, self._stride, self._padding, self._dilation, self._far, strict=True
        ):
            points = np.arange(kernel)
            places = stride * place + dilation * points - padding
            found.append((points, np.where((places >= 0) & (places < size), places, PADDING)))
        return found

    def read_by(self, at: Sequence[int]) -> _Taps:
        """Which points of the window come to lie on a place of the far side, for which places of the window."""
        found = []
        for place, kernel, stride, padding, dilation, count in zip(
            at, self._kernel, self._stride, self._padding, self._dilation, self._near, strict=True
        ):
            points = np.arange(kernel)
            starts = place + padding - dilation * points
            places = starts // stride
            inside = (starts % stride == 0) & (places >= 0) & (places < count)
            found.append((points[inside], places[inside]))
        return found

    def covered_by(self, at: Sequence[int]) -> _Taps:
        """Like :meth:`read_by`, in the order of the places, with those that lie beyond the edge as ``PADDING``."""
        found = []
        for place, kernel, stride, padding, dilation, count in zip(
            at, self._kernel, self._stride, self._padding, self._dilation, self._near, strict=True
        ):
            points = np.arange(kernel)[::-1]
            starts = place + padding - dilation * points
            places, whole = starts // stride, starts % stride == 0
            found.append((points[whole], np.where((places >= 0) & (places < count), places, PADDING)[whole]))
        return found

    def places_of(self, point: Sequence[int]) -> tuple[list[Places], list[Places]]:
        """For one point of the window: the places of the window where it lies on the far side, and where there."""
        near, far = [], []
        for at, stride, padding, dilation, size, count in zip(
            point, self._stride, self._padding, self._dilation, self._far, self._near, strict=True
        ):
            windows = np.arange(count)
            places = stride * windows + dilation * at - padding
            inside = (places >= 0) & (places < size)
            near.append(windows[inside])
            far.append(places[inside])
        return near, far


def _windows(values: NodeValues, transposed: bool) -> _Windows:
    inputs, outputs = values.inputs[0].shape[2:], values.output.shape[2:]
    return _Windows(values, outputs, inputs) if transposed else _Windows(values, inputs, outputs)


def _channels(values: NodeValues) -> tuple[int, int]:
    """(channels that come in, channels that go out) of one group."""
    groups = cast(int, values.settings["groups"])
    return values.inputs[0].shape[1] // groups, values.output.shape[1] // groups


def _every(first: int, taps: _Taps) -> tuple[list[Places], Places]:
    """All combinations of ``first`` numbers and of the taps of all axes: their positions in the lists, and places."""
    grids = np.meshgrid(np.arange(first), *(np.arange(len(points)) for points, _ in taps), indexing="ij")
    flat = [grid.reshape(-1) for grid in grids]
    points = [points[chosen] for (points, _), chosen in zip(taps, flat[1:], strict=True)]
    places = [places[chosen] for (_, places), chosen in zip(taps, flat[1:], strict=True)]
    return [flat[0], *points], np.stack([flat[0], *places], axis=1)


def _weight_index(transposed: bool, incoming: int, outgoing: int, per_in: int, per_out: int, point: Index) -> Index:
    """Where the weight between two channels stands."""
    return (incoming, outgoing % per_out, *point) if transposed else (outgoing, incoming % per_in, *point)


def _forward(values: NodeValues, example: int, index: Index, *, transposed: bool) -> list[Term]:
    """Over the channels of its group and the window: weight times input, and the bias."""
    outgoing, *at = index
    per_in, per_out = _channels(values)
    group = outgoing // per_out
    windows = _windows(values, transposed)
    (channels, *points), places = _every(per_in, windows.read_by(at) if transposed else windows.reads(at))
    places[:, 0] += group * per_in
    inputs = values.inputs[0][(example, *places.T)].astype(np.float64)
    weights = values.parameters["weight"]
    channel = (places[:, 0], outgoing % per_out) if transposed else (outgoing, channels)
    weights = weights[(*channel, *points)]

    spots = list(map(tuple, places.tolist()))
    taps = list(zip(*(axis.tolist() for axis in points), strict=True))

    def term(number: int) -> Term:
        weight = _weight_index(transposed, spots[number][0], outgoing, per_in, per_out, taps[number])
        return term_of(parameter_of(values, "weight", weight), input_of(values, 0, example, spots[number]))

    return [*gathered(weights * inputs, term), *bias_term(values, (outgoing,))]


def _backward(values: NodeValues, port: int, example: int, index: Index, *, transposed: bool) -> Flow:
    """An input goes into every window that reads it, of every channel of its group, times the weight there."""
    incoming, *at = index
    per_in, per_out = _channels(values)
    windows = _windows(values, transposed)
    (_, *points), places = _every(per_out, windows.reads(at) if transposed else windows.read_by(at))
    places[:, 0] += (incoming // per_in) * per_out
    outgoing = places[:, 0]
    weights = values.parameters["weight"]
    channel = (incoming, outgoing % per_out) if transposed else (outgoing, incoming % per_in)
    slopes = weights[(*channel, *points)]

    taps = list(zip(*(axis.tolist() for axis in points), strict=True))
    filters = outgoing.tolist()

    def factors(number: int) -> tuple[Factor, ...]:
        index = _weight_index(transposed, incoming, filters[number], per_in, per_out, taps[number])
        return (parameter_of(values, "weight", index),)

    return Flow(np.full(len(places), example), places, slopes.astype(np.float64), factors)


def _parameter(values: NodeValues, name: str, index: Index, *, transposed: bool) -> Flow:
    """A weight is used at every place of its window, in every example; a bias everywhere in its channel."""
    count = len(values.output)
    per_in, per_out = _channels(values)
    if name == "bias":
        spots = np.stack(np.meshgrid(*map(np.arange, (count, *values.output.shape[2:])), indexing="ij")).reshape(
            values.output.ndim - 1, -1
        )
        places = np.concatenate([np.full((1, spots.shape[1]), index[0]), spots[1:]]).T
        return Flow(spots[0], places, np.ones(len(places)), lambda _: (one(values),))
    first, second, *point = index
    if transposed:
        incoming, outgoing = first, (first // per_in) * per_out + second
    else:
        incoming, outgoing = (first // per_out) * per_in + second, first
    near, far = _windows(values, transposed).places_of(point)
    inputs, outputs = (near, far) if transposed else (far, near)
    grids = np.meshgrid(np.arange(count), *(np.arange(len(axis)) for axis in near), indexing="ij")
    examples, *chosen = (grid.reshape(-1) for grid in grids)
    sources = [axis[one_at] for axis, one_at in zip(inputs, chosen, strict=True)]
    targets = [axis[one_at] for axis, one_at in zip(outputs, chosen, strict=True)]
    slopes: Doubles = values.inputs[0][(examples, incoming, *sources)].astype(np.float64)
    places = np.stack([np.full(len(examples), outgoing), *targets], axis=1)

    def factors(number: int) -> tuple[Factor, ...]:
        place = (incoming, *(int(axis[number]) for axis in sources))
        return (input_of(values, 0, int(examples[number]), place),)

    return Flow(examples, places, slopes, factors)


def _window(values: NodeValues, example: int, index: Index, *, transposed: bool) -> Window:
    """The part of the maps that come in which makes one number, and the filter over it."""
    outgoing, *at = index
    per_in, per_out = _channels(values)
    windows = _windows(values, transposed)
    taps = list(windows.read_by(at) if transposed else windows.covers(at))
    axes = len(taps)
    if axes == 1:  # a sequence is one row
        taps.insert(0, (np.zeros(1, np.int64), np.zeros(1, np.int64)))
    points, places = ([tuple(int(one) for one in axis[which]) for axis in taps] for which in (0, 1))
    channels = range((outgoing // per_out) * per_in, (outgoing // per_out + 1) * per_in)
    weights = values.parameters["weight"] if axes == 2 else values.parameters["weight"][:, :, None]
    came = _under(values.inputs[0][example], channels, places)
    mine = weights[channels.start : channels.stop, outgoing % per_out] if transposed else weights[outgoing]
    return Window(
        axes,
        tuple(channels),
        places[0],
        places[1],
        came,
        mine[np.ix_(np.arange(per_in), np.array(points[0], np.int64), np.array(points[1], np.int64))].astype(float),
        (points[0], points[1]),
        outgoing,
        transposed,
        per_out if transposed else per_in,
        float(values.parameters["bias"][outgoing]) if "bias" in values.parameters else None,
    )


def _window_back(values: NodeValues, port: int, example: int, index: Index, *, transposed: bool) -> Window | None:
    """The gradients of all that one number went into, and the filter over them: that of a convolution turned round."""
    if values.output_gradient is None:
        return None
    incoming, *at = index
    per_in, per_out = _channels(values)
    windows = _windows(values, transposed)
    taps = list(windows.covers(at) if transposed else windows.covered_by(at))
    axes = len(taps)
    if axes == 1:
        taps.insert(0, (np.zeros(1, np.int64), np.zeros(1, np.int64)))
    points, places = ([tuple(int(one) for one in axis[which]) for axis in taps] for which in (0, 1))
    channels = range((incoming // per_in) * per_out, (incoming // per_in + 1) * per_out)
    weights = values.parameters["weight"] if axes == 2 else values.parameters["weight"][:, :, None]
    mine = weights[incoming] if transposed else weights[channels.start : channels.stop, incoming % per_in]
    return Window(
        axes,
        tuple(channels),
        places[0],
        places[1],
        _under(values.output_gradient[example], channels, places),
        mine[np.ix_(np.arange(per_out), np.array(points[0], np.int64), np.array(points[1], np.int64))].astype(float),
        (points[0], points[1]),
        incoming,
        not transposed,
        per_out if transposed else per_in,
    )


def _under(maps: NDArray[np.float32], channels: range, places: Sequence[tuple[int, ...]]) -> Doubles:
    """What lies under a window: 0 beyond the edge."""
    if maps.ndim == 2:  # a sequence is one row
        maps = maps[:, None]
    rows, columns = np.array(places[0], np.int64), np.array(places[1], np.int64)
    found: Doubles = maps[np.ix_(np.array(channels), np.maximum(rows, 0), np.maximum(columns, 0))].astype(np.float64)
    found[:, rows == PADDING] = 0.0
    found[:, :, columns == PADDING] = 0.0
    return found


def _way(back: str, transposed: bool) -> Way:
    return Way(
        partial(_forward, transposed=transposed),
        partial(_backward, transposed=transposed),
        back,
        partial(_parameter, transposed=transposed),
        window=partial(_window, transposed=transposed),
        window_back=partial(_window_back, transposed=transposed),
    )


_BACK = "dL/dx = Σ over all windows that read x, of each filter: its weight there · dL/dy"

WAYS: Mapping[str, Way] = {
    "conv2d": _way(_BACK, False),
    "conv1d": _way(_BACK, False),
    "conv_transpose2d": _way("dL/dx = Σ over the patch that x paints, of each filter: its weight · dL/dy", True),
}
