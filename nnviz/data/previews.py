"""What a network learns, as a small picture of its data: points in the plane, or one image. numpy only, any thread."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from nnviz.data import datasets, toys
from nnviz.data.digits import digits
from nnviz.errors import DataError
from nnviz.project import registry
from nnviz.project.checks.shapes import infer
from nnviz.project.model import Graph, Project

_POINTS = 160
_SIDE = 48
#: How far the plane reaches beyond its outermost points, as a share of their range; a truth table has only corners.
_MARGIN = 0.08
_TABLE_MARGIN = 0.4
_DIGIT_SIDE = 28
_DIGITS = frozenset({"digits", "mnist"})


@dataclass(frozen=True, eq=False)
class Preview:
    """One of: points in the plane, an image, or (for data that is not here) neither.

    Attributes:
        points: float32[n, 3]: x1, x2 and the label, 0 or 1; None for images.
        edges: (x1 low, x1 high, x2 low, x2 high) of the plane.
        surface: float64[side, side], what a network with given weights puts out over the plane, row 0 with the
            largest x2; None for networks that have to learn.
        image: uint8[height, width], an example.
    """

    points: NDArray[np.float32] | None = None
    edges: tuple[float, float, float, float] = (0.0, 1.0, 0.0, 1.0)
    surface: NDArray[np.float64] | None = None
    image: NDArray[np.uint8] | None = None


def preview(project: Project) -> Preview:
    """The picture of a project's data; never fails, because a list of samples must not."""
    kind = project.data.dataset
    if kind in _DIGITS:
        return Preview(image=_digit(zlib.crc32(project.name.encode())))
    if kind != "truth_table" and kind not in toys.DRAWINGS:
        return Preview()
    values = datasets.values(project.data)
    if kind == "truth_table":
        inputs, labels = toys.truth_table(str(values["function"]))
        if inputs.shape[1] == 1:  # One input lies on a line through the middle of the plane.
            inputs = np.hstack((inputs, np.full_like(inputs, 0.5)))
    else:
        inputs, labels = toys.draw(kind, _POINTS, float(cast(float, values.get("noise", 0.0))), 0)
    points = np.column_stack((inputs, labels)).astype(np.float32)
    edges = _edges(inputs, _TABLE_MARGIN if kind == "truth_table" else _MARGIN)
    return Preview(points, edges, _surface(project.graph, edges))


def _edges(inputs: NDArray[np.float32], margin: float) -> tuple[float, float, float, float]:
    ends: list[float] = []
    for low, high in zip(inputs.min(0).tolist(), inputs.max(0).tolist(), strict=True):
        room = margin * (high - low)
        ends += [low - room, high + room] if room > 0 else [low - 0.5 - margin, high + 0.5 + margin]
    return ends[0], ends[1], ends[2], ends[3]


@cache
def _enlarged() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    return digits(_DIGIT_SIDE)


def _digit(choice: int) -> NDArray[np.uint8] | None:
    """Always the same digit for the same choice; None where the digits are not installed."""
    try:
        images, _ = _enlarged()
    except DataError:
        return None
    picture: NDArray[np.uint8] = images[choice % len(images), 0]
    return picture


def _surface(graph: Graph, edges: tuple[float, float, float, float]) -> NDArray[np.float64] | None:
    """The output of a chain of given weighted sums and activations over the plane; None for anything else."""
    middles = (np.arange(_SIDE) + 0.5) / _SIDE
    across = edges[0] + middles * (edges[1] - edges[0])
    down = edges[3] - middles * (edges[3] - edges[2])
    values: NDArray[np.float64] = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)
    for name in infer(graph).order:
        node = graph.nodes[name]
        spec = registry.layer(node.kind)
        if spec.dense:
            params = spec.values(node.params)
            if not registry.has_written_weights(params):
                return None
            weights = np.array(cast("Sequence[Sequence[Any]]", params["weight_values"]), np.float64)
            biases = np.array(cast("Sequence[Any]", params["bias_values"]), np.float64)
            values = values[:, : weights.shape[1]] @ weights.T + biases
        elif spec.function is not None:
            known = spec.values(node.params)
            ones = [spec.function(known, number) for number in values.ravel().tolist()]
            values = np.array(ones, np.float64).reshape(values.shape)
        elif node.kind not in ("input", "output"):
            return None
    return values.reshape(_SIDE, _SIDE) if values.shape[1] == 1 else None
