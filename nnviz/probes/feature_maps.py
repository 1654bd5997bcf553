"""What flows out of each node for the pinned example."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from nnviz.probes.base import ExampleInput, Measurement, Probe, Stage, at_rest
from nnviz.record.quantities import OUTPUT, PINNED_INPUT
from nnviz.record.readings import ArrayReading, Reading

#: Channels kept of a node that is not looked at closely, and the numbers they may take.
CHANNELS = 64
NUMBERS = 2**18
#: Numbers kept of the node that is looked at closely.
CLOSE_NUMBERS = 2**20


class _Shown(NamedTuple):
    """What is kept of one output, of how many channels, which single ones stand behind the first, of which example."""

    kept: Tensor
    of: int
    also: tuple[int, ...]
    example: ExampleInput


class FeatureMapProbe(Probe):
    """Outputs of the nodes that are looked at, for the pinned example.

    Definition: ``output/<node>`` is the node's output for the pinned example alone, in evaluation mode (dropout off,
    batch normalisation with its running statistics), without the batch dimension. Of a node that is not looked at
    closely only the first 64 channels are kept, and behind them up to 64 single units that are looked at: ``shown`` and
    ``of`` in its meta say how many, ``also`` which they are. ``input/pinned`` is the example itself as the network sees
    it, after scaling. Where more examples are looked at, ``output/<node>#<which>`` and ``input/pinned#<which>`` are the
    same for each of the others: by the number in its split, with the split before it where that is not the usual one.

    How to read it: each tile is one channel, bright where its pattern was found. Tiles that are dark for every reading
    belong to dead units; tiles that look alike do the same work twice.
    """

    name = "feature_maps"
    title = "Feature maps"
    stage = Stage.REST
    fills = (OUTPUT, PINNED_INPUT)
    wanted_interval = 0.06
    weight = 2.0

    def __init__(self) -> None:
        #: The examples whose input was shown since, by the series.
        self._told: dict[str, ExampleInput] = {}

    def measure(self, measurement: Measurement) -> list[Reading]:
        """One forward pass of the examples that are looked at, all outputs in one transfer."""
        examples = measurement.examples
        if not examples:
            return []
        pinned = examples[0]
        network = measurement.network
        wanted = {node_id for node_id in network.graph.nodes if measurement.interest.looks_at(node_id)}
        with at_rest(network):
            inputs = pinned.input if len(examples) == 1 else torch.cat([one.input for one in examples])
            outputs = network.forward_all(inputs, wanted) if wanted else {}
        shown: dict[str, _Shown] = {}
        told: dict[str, ExampleInput] = {}
        for example in examples:
            series = PINNED_INPUT.series() + ("" if example is pinned else example.suffix)
            told[series] = example
            if (measurement.whole and example is pinned) or self._told.get(series) is not example:
                shown[series] = _Shown(example.input[0], example.input.shape[1], (), example)
        self._told = told
        for node_id, output in outputs.items():
            closely, units = node_id in measurement.interest.closely, measurement.interest.units_of(node_id)
            for example, value in zip(examples, output.detach(), strict=True):
                of = value.shape[0] if value.dim() else 1
                kept = _first_channels(value, closely)
                also = tuple(unit for unit in units if len(kept) <= unit < of)[:CHANNELS]
                if also:
                    kept = torch.cat([kept, value[list(also)]])
                where = node_id if example is pinned else node_id + example.suffix
                shown[OUTPUT.series(where)] = _Shown(kept, of, also, example)
        return _fetch(shown, measurement.step)

    def reset(self) -> None:
        """Show the pinned example again at the next time."""
        self._told = {}


def _first_channels(value: Tensor, closely: bool) -> Tensor:
    """As many channels as are kept, at least one; of a plain vector as many features as fit."""
    if not value.dim():
        return value.reshape(1)
    per_channel = max(value[0].numel(), 1)
    fit = max((CLOSE_NUMBERS if closely else NUMBERS) // per_channel, 1)
    return value[: fit if closely or value.dim() == 1 else min(CHANNELS, fit)]


def _fetch(shown: dict[str, _Shown], step: int) -> list[Reading]:
    if not shown:
        return []
    numbers = torch.cat([one.kept.reshape(-1).float() for one in shown.values()]).cpu().numpy()
    readings: list[Reading] = []
    start = 0
    for series, (tensor, of, also, example) in shown.items():
        # A copy each: kept alone for long, a slice would keep the whole transfer.
        array = numbers[start : start + tensor.numel()].reshape(tensor.shape).copy()
        start += tensor.numel()
        meta = dict(example.meta)
        if tensor.shape[0] < of:
            meta |= {"shown": tensor.shape[0], "of": of}
        if also:
            meta["also"] = " ".join(str(unit) for unit in also)
        readings.append(ArrayReading(series, step, array, meta))
    return readings
