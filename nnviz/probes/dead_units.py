"""Units of a ReLU that never fire."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nnviz.probes.base import MeasuredNetwork
from nnviz.probes.probe_set import Collector
from nnviz.project import registry
from nnviz.project.model import Graph
from nnviz.record.quantities import DEAD_FRACTION, DEAD_SINCE, DEAD_UNITS
from nnviz.record.readings import ArrayReading, Reading, Scalar


class DeadUnits(Collector):
    """Dead units of each node that cuts off at zero (ReLU).

    Definition: a unit is a channel, over all its positions, or a feature. It is dead when its output is ≤ 0 for every
    image of the probe set, in evaluation mode. ``dead_fraction/<node>`` is their share of all units of the node,
    ``dead_units/<node>`` says which they are, and ``dead_since/<node>`` the step since which each has been found dead
    at every measurement (-1 where it is alive). ``images`` in the meta is the size of the probe set.

    How to read it: a dead unit passes no gradient on, so it rarely comes back: it is lost. 10–20 % is common; more is
    a sign of a learning rate that is too high or of biases pushed far below zero. A unit that is 0 for many images but
    not for all is not dead: that is what makes a ReLU useful.
    """

    fills = (DEAD_FRACTION, DEAD_UNITS, DEAD_SINCE)

    def __init__(self) -> None:
        self._nodes: Collection[str] = ()
        self._fired: dict[str, Tensor] = {}  # of the pass under way, on the device
        self._since: dict[str, NDArray[np.int64]] = {}

    def wanted(self, graph: Graph) -> Collection[str]:
        """The nodes of rectifiers, whose units can be dead."""
        return [node_id for node_id, node in graph.nodes.items() if registry.layer(node.kind).rectifier]

    def start(self, network: MeasuredNetwork) -> None:
        """Marks every unit as silent at the beginning of a pass."""
        self._fired = {}
        self._nodes = self.wanted(network.graph)

    def take(self, outputs: Mapping[str, Tensor]) -> None:
        """Note which units fired for one of these images. One that is not a number did not fail to fire."""
        for node_id in self._nodes:
            if node_id not in outputs:
                continue
            output = outputs[node_id].detach()
            per_unit = output.reshape(output.shape[0], output.shape[1], -1).amax(dim=(0, 2))
            fired = ~(per_unit <= 0)
            before = self._fired.get(node_id)
            self._fired[node_id] = fired if before is None else before | fired

    def finish(self, step: int, images: int) -> list[Reading]:
        """Three readings a node, in one transfer."""
        if not self._fired:
            return []
        fetched = torch.cat(list(self._fired.values())).cpu().numpy()
        readings: list[Reading] = []
        start = 0
        for node_id, fired in self._fired.items():
            dead = ~fetched[start : start + len(fired)]
            start += len(fired)
            before = self._since.get(node_id, np.full(len(dead), -1, np.int64))
            # A unit that was dead before stays so since then, unless training went back behind that step.
            known = (before >= 0) & (before <= step)
            since = np.where(dead, np.where(known, before, step), -1).astype(np.int64)
            self._since[node_id] = since
            meta = {"images": images}
            readings.append(Scalar(DEAD_FRACTION.series(node_id), step, float(dead.mean()) if len(dead) else 0.0))
            readings.append(ArrayReading(DEAD_UNITS.series(node_id), step, dead, meta))
            readings.append(ArrayReading(DEAD_SINCE.series(node_id), step, since, meta))
        self._fired = {}
        return readings

    def reset(self) -> None:
        """Forgets since which step each unit is dead."""
        self._fired = {}
        self._since = {}
