"""What flows out of each node for the pinned sample."""

from __future__ import annotations

import torch
from torch import Tensor

from nnviz.probes.base import Measurement, Probe, Stage, at_rest
from nnviz.record.quantities import OUTPUT, PINNED_INPUT
from nnviz.record.samples import ArraySample, Sample

#: Channels kept of a node that is watched but not looked at closely, and the numbers they may take.
CHANNELS = 64
NUMBERS = 2**18
#: Numbers kept of the node that is looked at closely.
FOCUSED_NUMBERS = 2**20


class FeatureMapProbe(Probe):
    """Outputs of the watched nodes for the pinned sample.

    Definition: ``output/<node>`` is the node's output for the pinned sample alone, in evaluation mode (dropout off,
    batch normalisation with its running statistics), without the batch dimension. Of a node that is not looked at
    closely only the first 64 channels are kept, ``shown`` and ``of`` in its meta say how many. ``input/pinned`` is the
    sample itself as the network sees it, after scaling.

    How to read it: each tile is one channel, bright where its pattern was found. Tiles that are dark for every sample
    belong to dead units; tiles that look alike do the same work twice.
    """

    name = "feature_maps"
    title = "Feature maps"
    stage = Stage.REST
    fills = (OUTPUT, PINNED_INPUT)
    wanted_interval = 0.06
    weight = 2.0

    def __init__(self) -> None:
        self._last_pinned: Tensor | None = None

    def measure(self, measurement: Measurement) -> list[Sample]:
        """One forward pass of one example, all outputs in one transfer."""
        pinned = measurement.pinned_input
        if pinned is None:
            return []
        network = measurement.network
        wanted = {node_id for node_id in network.graph.nodes if measurement.is_watched(node_id)}
        with at_rest(network):
            outputs = network.forward_all(pinned, wanted) if wanted else {}
        shown: dict[str, tuple[Tensor, int]] = {}
        if measurement.whole or pinned is not self._last_pinned:
            shown[PINNED_INPUT.series()] = (pinned[0], pinned.shape[1])
            self._last_pinned = pinned
        for node_id, output in outputs.items():
            value = output.detach()[0]
            of = value.shape[0] if value.dim() else 1
            shown[OUTPUT.series(node_id)] = (_first_channels(value, node_id == measurement.focused), of)
        return _fetch(shown, measurement)

    def reset(self) -> None:
        """Show the pinned sample again at the next time."""
        self._last_pinned = None


def _first_channels(value: Tensor, focused: bool) -> Tensor:
    """As many channels as are kept, at least one; of a plain vector as many features as fit."""
    if not value.dim():
        return value.reshape(1)
    per_channel = max(value[0].numel(), 1)
    fit = max((FOCUSED_NUMBERS if focused else NUMBERS) // per_channel, 1)
    return value[: fit if focused or value.dim() == 1 else min(CHANNELS, fit)]


def _fetch(shown: dict[str, tuple[Tensor, int]], measurement: Measurement) -> list[Sample]:
    if not shown:
        return []
    tensors = [tensor for tensor, _ in shown.values()]
    numbers = torch.cat([tensor.reshape(-1).float() for tensor in tensors]).cpu().numpy()
    samples: list[Sample] = []
    start = 0
    for series, (tensor, of) in shown.items():
        # A copy each: kept alone for long, a slice would keep the whole transfer.
        array = numbers[start : start + tensor.numel()].reshape(tensor.shape).copy()
        start += tensor.numel()
        meta = dict(measurement.pinned_meta)
        if tensor.shape[0] < of:
            meta |= {"shown": tensor.shape[0], "of": of}
        samples.append(ArraySample(series, measurement.step, array, meta))
    return samples
