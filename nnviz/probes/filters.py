"""The weights of convolutions and dense layers."""

from __future__ import annotations

import torch

from nnviz.probes.base import Measurement, Probe, Stage
from nnviz.project import registry
from nnviz.record.quantities import BIASES, WEIGHTS
from nnviz.record.readings import ArrayReading, Reading

#: Numbers kept of one weight.
NUMBERS = 2**20


class WeightProbe(Probe):
    """Weights of the convolutions and dense layers that are looked at.

    Definition: ``bias_vector/<node>`` is the node's ``bias``, where it has one and its weight is not cut.
    ``weights/<node>`` is the node's ``weight`` in torch's layout (``[out, in, height, width]`` for a
    convolution, ``[out, in]`` for a dense layer), as it stands between two steps. A weight over 2**20 numbers is
    cut to its first outputs; ``shown`` and ``of`` in its meta say so, and ``minimum`` and ``maximum`` are always those
    of the whole weight.

    How to read it: on a scale centred at zero, filters of a first convolution turn from noise into edges and blobs.
    Filters that stay noise learned nothing; filters that are all alike started alike.
    """

    name = "filters"
    title = "Filters"
    stage = Stage.REST
    fills = (WEIGHTS, BIASES)
    wanted_interval = 0.15

    def measure(self, measurement: Measurement) -> list[Reading]:
        """Copy what is looked at; minimum and maximum come in one transfer."""
        network = measurement.network
        found: dict[str, tuple[torch.Tensor, int]] = {}
        limits: list[torch.Tensor] = []
        for node_id, node in network.graph.nodes.items():
            if not measurement.interest.looks_at(node_id) or not registry.layer(node.kind).weight_view:
                continue
            weight = getattr(network.module_of(node_id), "weight", None)
            if not isinstance(weight, torch.Tensor) or not weight.numel():
                continue
            weight = weight.detach()
            found[node_id] = (_first_outputs(weight), weight.shape[0])
            limits.append(torch.stack(torch.aminmax(weight)).float())
        if not found:
            return []
        ranges = torch.stack(limits).cpu().tolist()
        readings: list[Reading] = []
        for (node_id, (kept, of)), (least, greatest) in zip(found.items(), ranges, strict=True):
            meta: dict[str, str | int | float] = {"minimum": least, "maximum": greatest}
            if kept.shape[0] < of:
                meta |= {"shown": kept.shape[0], "of": of}
            # to() gives the very same memory back on the CPU, and training goes on writing into it: copy.
            array = kept.to(device="cpu", dtype=torch.float32, copy=True).numpy()
            readings.append(ArrayReading(WEIGHTS.series(node_id), measurement.step, array, meta))
            bias = getattr(network.module_of(node_id), "bias", None)
            if isinstance(bias, torch.Tensor) and kept.shape[0] == of:
                copied = bias.detach().to(device="cpu", dtype=torch.float32, copy=True).numpy()
                readings.append(ArrayReading(BIASES.series(node_id), measurement.step, copied))
        return readings


def _first_outputs(weight: torch.Tensor) -> torch.Tensor:
    """As many outputs as fit; of one that is too large by itself, as many of its inputs as fit."""
    per_output = weight[0].numel()
    kept = weight[: max(NUMBERS // per_output, 1)]
    if kept.numel() > NUMBERS:
        kept = kept[:, : max(NUMBERS // max(kept[0, 0].numel(), 1), 1)]
    return kept.contiguous()
