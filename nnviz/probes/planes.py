"""What each unit does over the plane of two input features."""

from __future__ import annotations

import torch
from torch import Tensor

from nnviz.probes.base import InputPlane, Measurement, Probe, Stage, at_rest
from nnviz.record.quantities import PLANE, POINTS
from nnviz.record.readings import ArrayReading, Reading

#: Points in each direction.
SIDE = 32
#: Units kept of a node.
UNITS = 64


class PlaneProbe(Probe):
    """Outputs of the nodes that are looked at, over the plane of the input, for networks whose input is two features.

    Definition: the plane, a little larger than the range of the training examples as the network sees them, is cut
    into 32 × 32 cells. ``plane/<node>`` is what each unit of the node puts out for the middle of each cell, in
    evaluation mode: row 0 is the top row, with the largest x2; column 0 has the smallest x1. Of a node with more than
    64 units the first 64 are kept, ``shown`` and ``of`` in its meta say so; ``x1_low`` … ``x2_high`` are the edges of
    the plane. Nodes whose output is not a plain vector are left out. ``input/points`` holds some training examples as
    rows of x1, x2 and label.

    How to read it: a unit of the first layer is a straight slope; behind an activation it is a bent one; later units
    put together what earlier ones made, up to the line at which the network decides.
    """

    name = "planes"
    title = "Units over the input plane"
    stage = Stage.REST
    fills = (PLANE, POINTS)
    wanted_interval = 0.06
    weight = 2.0

    def __init__(self) -> None:
        self._plane: InputPlane | None = None
        self._grid = torch.empty(0, 2)

    def measure(self, measurement: Measurement) -> list[Reading]:
        """One forward pass of 1,024 points, all outputs in one transfer."""
        plane = measurement.plane
        if plane is None:
            return []
        readings: list[Reading] = []
        if plane is not self._plane:
            self._plane = plane
            self._grid = grid_of(plane).to(plane.points.device)
            points = plane.points.float().cpu().numpy().copy()
            readings.append(ArrayReading(POINTS.series(), measurement.step, points, _edges(plane)))
        network = measurement.network
        wanted = {node_id for node_id in network.graph.nodes if measurement.interest.looks_at(node_id)}
        if not wanted:
            return readings
        with at_rest(network):
            outputs = network.forward_all(self._grid, wanted)
        vectors = {node_id: output for node_id, output in outputs.items() if output.dim() == 2 and output.shape[1]}
        if not vectors:
            return readings
        kept = [output.detach()[:, :UNITS].T.float() for output in vectors.values()]
        numbers = torch.cat(kept).cpu().numpy()
        start = 0
        for (node_id, output), units in zip(vectors.items(), kept, strict=True):
            # A copy each: kept alone for long, a slice would keep the whole transfer.
            array = numbers[start : start + len(units)].reshape(len(units), SIDE, SIDE).copy()
            start += len(units)
            meta = _edges(plane) | {"shown": len(units), "of": output.shape[1]}
            readings.append(ArrayReading(PLANE.series(node_id), measurement.step, array, meta))
        return readings

    def reset(self) -> None:
        """Show the training examples again at the next time."""
        self._plane = None


def grid_of(plane: InputPlane) -> Tensor:
    """The middles of all cells, float32[1024, 2], row by row from the top (largest x2), each from small to large x1."""
    middles = (torch.arange(SIDE, dtype=torch.float64) + 0.5) / SIDE
    across = plane.x1[0] + middles * (plane.x1[1] - plane.x1[0])
    down = plane.x2[1] - middles * (plane.x2[1] - plane.x2[0])
    return torch.stack([across.repeat(SIDE), down.repeat_interleave(SIDE)], dim=1).float()


def _edges(plane: InputPlane) -> dict[str, str | int | float]:
    return {"x1_low": plane.x1[0], "x1_high": plane.x1[1], "x2_low": plane.x2[0], "x2_high": plane.x2[1]}
