"""Layers that only change the shape: each number is one that came in, or a mean of neighbours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

import numpy as np

from nnviz.explain.explanation import Index, Term
from nnviz.explain.kinds.way import Flow, Way, computed, input_of, one, passed_on, term_of
from nnviz.explain.values import NodeValues


def _same(values: NodeValues, example: int, index: Index) -> tuple[Term, ...]:
    return passed_on(input_of(values, 0, example, index))


def _back_same(values: NodeValues, port: int, example: int, index: Index) -> Flow:
    return Flow.of(example, [index], [(one(values),)])


def _moved(index: Index, before: tuple[int, ...], after: tuple[int, ...]) -> Index:
    """Where the number of the same number in order stands in another shape."""
    flat = int(np.ravel_multi_index(index, before))
    return tuple(int(at) for at in np.unravel_index(flat, after))


def _reshaped(values: NodeValues, example: int, index: Index) -> tuple[Term, ...]:
    before, after = values.inputs[0].shape[1:], values.output.shape[1:]
    return passed_on(input_of(values, 0, example, _moved(index, after, before)))


def _back_reshaped(values: NodeValues, port: int, example: int, index: Index) -> Flow:
    before, after = values.inputs[0].shape[1:], values.output.shape[1:]
    return Flow.of(example, [_moved(index, before, after)], [(one(values),)])


#: The same numbers in the same order, cut another way.
RESHAPED = Way(_reshaped, _back_reshaped, "dL/dx = dL/dy, in the other shape")


def _selected(values: NodeValues, example: int, index: Index) -> tuple[Term, ...]:
    which = cast(int, values.settings["index"])
    return passed_on(input_of(values, 0, example, (which, *index[1:])))


def _back_selected(values: NodeValues, port: int, example: int, index: Index) -> Flow:
    taken = index[0] == cast(int, values.settings["index"])
    return Flow.of(example, [(0, *index[1:])] if taken else [], [(one(values),)] if taken else [])


def _padded(values: NodeValues, example: int, index: Index) -> tuple[Term, ...]:
    left, _, top, _ = cast("tuple[int, ...]", values.settings["padding"])
    channel, row, column = index[0], index[1] - top, index[2] - left
    height, width = values.inputs[0].shape[2:]
    if 0 <= row < height and 0 <= column < width:
        return passed_on(input_of(values, 0, example, (channel, row, column)))
    return (Term((computed(values, 0.0, "0"),), "the frame of zeros"),)


def _back_padded(values: NodeValues, port: int, example: int, index: Index) -> Flow:
    left, _, top, _ = cast("tuple[int, ...]", values.settings["padding"])
    return Flow.of(example, [(index[0], index[1] + top, index[2] + left)], [(one(values),)])


def _upsampled(values: NodeValues, example: int, index: Index) -> list[Term]:
    channel, *at = index
    axes = [_sources(values, one_at, axis) for axis, one_at in enumerate(at)]
    if values.settings["mode"] == "nearest":
        return list(passed_on(input_of(values, 0, example, (channel, *(axis[0][0] for axis in axes)))))
    return [
        term_of(
            computed(values, row_share * column_share, "share"),
            input_of(values, 0, example, (channel, row, column)),
        )
        for row, row_share in axes[0]
        for column, column_share in axes[1]
    ]


def _sources(values: NodeValues, at: int, axis: int) -> list[tuple[int, float]]:
    """(position, share) of what a position of the enlarged image is made of, along one axis."""
    factor = cast(int, values.settings["scale_factor"])
    size = values.inputs[0].shape[2 + axis]
    if values.settings["mode"] == "nearest":
        return [(min(at // factor, size - 1), 1.0)]
    # The middle of a pixel is its place, and the outermost pixels go on beyond their middle.
    place = max((at + 0.5) / factor - 0.5, 0.0)
    first = math.floor(place)
    share = place - first
    second = min(first + 1, size - 1)
    shares = {first: 1.0 - share}
    shares[second] = shares.get(second, 0.0) + share
    return [(position, part) for position, part in shares.items() if part]


def _back_upsampled(values: NodeValues, port: int, example: int, index: Index) -> Flow:
    channel, *at = index
    factor = cast(int, values.settings["scale_factor"])
    found: list[list[tuple[int, float]]] = []
    for axis, one_at in enumerate(at):
        near = range(max(0, (one_at - 1) * factor), min(values.output.shape[2 + axis], (one_at + 2) * factor))
        shares = ((out, dict(_sources(values, out, axis)).get(one_at, 0.0)) for out in near)
        found.append([(out, share) for out, share in shares if share])
    pairs = [
        ((channel, row, column), row_share * column_share)
        for row, row_share in found[0]
        for column, column_share in found[1]
    ]
    return Flow.of(example, [place for place, _ in pairs], [(computed(values, share, "share"),) for _, share in pairs])


WAYS: Mapping[str, Way] = {
    "reshape": RESHAPED,
    "identity": Way(_same, _back_same, "dL/dx = dL/dy"),
    "select": Way(_selected, _back_selected, "dL/dx_k = dL/dy, and 0 for all others"),
    "zero_pad2d": Way(_padded, _back_padded, "dL/dx = dL/dy at its place in the frame"),
    "upsample": Way(
        _upsampled, _back_upsampled, "dL/dx = Σ share · dL/dy, over all that it was copied or blended into"
    ),
}
