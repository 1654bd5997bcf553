"""Channels that a normalisation scales away."""

from __future__ import annotations

import torch

from nnviz.probes.base import Measurement, Probe, Stage
from nnviz.project import registry
from nnviz.record.quantities import CLOSED_CHANNELS
from nnviz.record.readings import Reading, Scalar

#: A factor of at most this share of the largest one lets as good as nothing through.
CLOSED = 0.01


class ClosedChannels(Probe):
    """Closed channels of each normalisation over the batch.

    Definition: a batch normalisation multiplies each channel by a factor γ that is learned. ``closed_channels/<node>``
    is the share of the node's channels whose |γ| is at most 1 % of the largest |γ| of the node, as it stands between
    two steps; all of them where every γ is 0, and not a number where a γ is none. A normalisation without factors has
    none.

    How to read it: what comes into a closed channel hardly passes, and hardly any gradient comes back. Weight decay
    closes channels that the network can do without; when most are closed, the layer before is too wide or the decay
    too strong.
    """

    name = CLOSED_CHANNELS.name
    title = CLOSED_CHANNELS.title
    stage = Stage.REST
    fills = (CLOSED_CHANNELS,)
    wanted_interval = 1.0
    weight = 0.5

    def measure(self, measurement: Measurement) -> list[Reading]:
        """One number a node, all in one transfer."""
        network = measurement.network
        shares: dict[str, torch.Tensor] = {}
        for node_id, node in network.graph.nodes.items():
            if not getattr(registry.layer(node.kind), CLOSED_CHANNELS.layers):
                continue
            factors = getattr(network.module_of(node_id), "weight", None)
            if isinstance(factors, torch.Tensor) and factors.numel():
                sizes = factors.detach().abs().float()
                largest = sizes.amax()
                share = (sizes <= CLOSED * largest).float().mean()
                # No comparison finds what is not a number.
                shares[node_id] = torch.where(largest.isnan(), largest, share)
        if not shares:
            return []
        numbers = torch.stack(list(shares.values())).cpu().tolist()
        return [
            Scalar(CLOSED_CHANNELS.series(node_id), measurement.step, share)
            for node_id, share in zip(shares, numbers, strict=True)
        ]
