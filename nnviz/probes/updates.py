"""By how much of itself each node changes in one step."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nnviz.probes.base import Measurement, Probe, Stage, node_parameters
from nnviz.record.quantities import UPDATE_RATIO
from nnviz.record.readings import Reading, Scalar


class UpdateProbe(Probe):
    """Update ratio of each node with parameters.

    Definition: ``update_ratio/<node>`` is ‖Δθ‖ / ‖θ‖ over all parameters of the node, where Δθ is the change that one
    step of the optimizer made (momentum and weight decay included) and θ are the parameters before it. It is measured
    as the difference of the parameters, not computed from the gradient. Parameters that were all zero have no size to
    compare with: the ratio is then infinite, or 0 where they did not change either.

    How to read it: log10 of about -3 is healthy. Far above, the node is thrown about and the learning rate is too high;
    far below, it hardly moves and the learning rate is too low, or no gradient reaches it.
    """

    name = "updates"
    title = "Update ratio"
    stage = Stage.UPDATE
    fills = (UPDATE_RATIO,)
    wanted_interval = 0.1

    def __init__(self) -> None:
        self._before: list[Tensor] = []

    def before_update(self, measurement: Measurement) -> None:
        """Keeps a copy of all parameters, to compare them after the update."""
        parameters = [p for own in node_parameters(measurement.network).values() for p in own]
        with torch.no_grad():
            # The copies of the last time are used again where they still fit: no allocation in a training step.
            if [(t.shape, t.dtype, t.device) for t in self._before] != [
                (p.shape, p.dtype, p.device) for p in parameters
            ]:
                self._before = []
                size = sum(p.numel() * p.element_size() for p in parameters)
                if not measurement.room(size, "The update ratio is not measured"):
                    return
                self._before = [torch.empty_like(p) for p in parameters]
            if parameters:
                torch._foreach_copy_(self._before, [p.detach() for p in parameters])

    def measure(self, measurement: Measurement) -> list[Reading]:
        """The relative size of the change of each node's parameters, against the copy."""
        nodes = node_parameters(measurement.network)
        parameters = [p.detach() for own in nodes.values() for p in own]
        if not parameters or len(parameters) != len(self._before):
            return []
        with torch.no_grad():
            sizes = torch._foreach_norm(self._before, 2)
            torch._foreach_sub_(self._before, parameters)
            changes = torch._foreach_norm(self._before, 2)
            numbers = torch.stack([*changes, *sizes]).cpu().tolist()
        changed, sized = numbers[: len(parameters)], numbers[len(parameters) :]
        readings: list[Reading] = []
        start = 0
        for node_id, own in nodes.items():
            end = start + len(own)
            change, size = math.hypot(*changed[start:end]), math.hypot(*sized[start:end])
            readings.append(Scalar(UPDATE_RATIO.series(node_id), measurement.step, ratio(change, size)))
            start = end
        return readings

    def reset(self) -> None:
        """Let the copies go."""
        self._before = []


def ratio(change: float, size: float) -> float:
    """``change / size``; against nothing, infinite, or 0 where nothing changed."""
    if size == 0:
        return math.nan if math.isnan(change) else (math.inf if change > 0 else 0.0)
    return change / size
