"""How many outputs of a sigmoid or tanh sit where it is flat."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn

from nnviz.probes.base import MeasuredNetwork
from nnviz.probes.probe_set import Collector
from nnviz.project import registry
from nnviz.project.checks.shapes import inputs_of
from nnviz.project.model import Graph
from nnviz.record.quantities import SATURATION
from nnviz.record.readings import Reading, Scalar

#: A derivative below this share of its maximum counts as flat.
FLAT = 0.05
_GRID = torch.linspace(-16, 16, 2**12 + 1)  # holds 0 exactly


class Saturation(Collector):
    """Saturation of each node whose derivative vanishes at both ends (sigmoid, tanh).

    Definition: ``saturation/<node>`` is the share of the node's outputs, over every image of the probe set and in
    evaluation mode, whose derivative is under 5 % of its maximum. The derivative is the one that the backward pass
    uses. For a sigmoid this is an input beyond ±4.36, for a tanh beyond ±2.18. Where an output is not a number, the
    share is none either. A unit that is switched off puts out 0 whatever flows into it: it is not saturated.

    How to read it: a saturated output passes almost no gradient on. A few are harmless; when most are saturated, the
    layers before learn next to nothing: the weights are too large, or the inputs are not scaled.
    """

    fills = (SATURATION,)
    presses = True

    def __init__(self) -> None:
        self._nodes: dict[str, tuple[str, nn.Module, float]] = {}  # node -> its input, module, least steep derivative
        self._off: dict[str, list[int]] = {}  # the units that are switched off
        self._flat: dict[str, Tensor] = {}
        self._count: dict[str, int] = {}
        self._strange: dict[str, Tensor] = {}  # whether any derivative is not a number

    def wanted(self, graph: Graph) -> Collection[str]:
        """The nodes that saturate, and what flows into them."""
        nodes = _saturating(graph)
        return {*nodes, *(inputs_of(graph, node_id)[0] for node_id in nodes)}

    def start(self, network: MeasuredNetwork) -> None:
        """Begin at nothing; find how steep each function is at its steepest."""
        self.reset()
        self._off = {node_id: sorted(units) for node_id, units in network.switched_off.items()}
        for node_id in _saturating(network.graph):
            module = network.module_of(node_id)
            self._nodes[node_id] = (inputs_of(network.graph, node_id)[0], module, FLAT * _steepest(module))

    def take(self, outputs: Mapping[str, Tensor]) -> None:
        """Count the flat ones of one part."""
        for node_id, (source, module, threshold) in self._nodes.items():
            if source not in outputs:
                continue
            derivative = _derivative(module, outputs[source])
            is_flat, strange = derivative < threshold, derivative.isnan().any()
            if off := self._off.get(node_id):
                is_flat[:, off] = False
            flat = is_flat.sum()
            self._flat[node_id] = self._flat[node_id] + flat if node_id in self._flat else flat
            self._strange[node_id] = self._strange[node_id] | strange if node_id in self._strange else strange
            self._count[node_id] = self._count.get(node_id, 0) + outputs[source].numel()

    def finish(self, step: int, images: int) -> list[Reading]:
        """One reading a node, in one transfer."""
        if not self._flat:
            return []
        both = [torch.stack(list(self._flat.values())), torch.stack(list(self._strange.values()))]
        counts, strange = torch.stack([one.to(torch.int64) for one in both]).cpu().tolist()
        readings: list[Reading] = [
            Scalar(SATURATION.series(node_id), step, math.nan if none else flat / self._count[node_id])
            for node_id, flat, none in zip(self._flat, counts, strange, strict=True)
        ]
        self.reset()
        return readings

    def reset(self) -> None:
        """Let the pass under way go."""
        self._flat, self._count, self._strange, self._nodes, self._off = {}, {}, {}, {}, {}


def _saturating(graph: Graph) -> list[str]:
    return [
        node_id
        for node_id, node in graph.nodes.items()
        if registry.layer(node.kind).saturates and inputs_of(graph, node_id)
    ]


def _steepest(module: nn.Module) -> float:
    """The largest derivative."""
    return float(_derivative(module, _GRID).max())


def ends_of(module: nn.Module) -> tuple[float, float]:
    """The outputs of a function that rises from one flat end to the other, beyond which its derivative is flat."""
    least = FLAT * _steepest(module)
    ends = []
    for sign in (-1.0, 1.0):
        near, far = 0.0, 16.0
        for _ in range(60):
            middle = (near + far) / 2
            flat = float(_derivative(module, torch.tensor(sign * middle, dtype=torch.float64))) < least
            near, far = (near, middle) if flat else (middle, far)
        ends.append(float(module(torch.tensor(sign * near, dtype=torch.float64))))
    return ends[0], ends[1]


def _derivative(module: nn.Module, inputs: Tensor) -> Tensor:
    """The derivative of a function of single numbers, at each input: whatever autograd says it is."""
    with torch.enable_grad():
        leaf = inputs.detach().requires_grad_(True)
        return torch.autograd.grad(module.forward(leaf).sum(), leaf)[0]
