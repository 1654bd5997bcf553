"""The way to the gradients that calls every module: by accumulated batches, in mixed precision, or with others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nnviz.network.losses import LossFunction
from nnviz.network.network import Network
from nnviz.project import registry
from nnviz.train.accumulation import accumulated
from nnviz.train.loop import Gradients
from nnviz.train.precision import MixedPrecision

if TYPE_CHECKING:
    from nnviz.train.distributed import Together


class LongWay:
    """Makes such a way for the network of a training, and for copies of it.

    Args:
        mixed: How steps are computed with narrow numbers; None for 32 bits.
        batch_size: Says how many examples are computed at once just now: it may be another number in a later epoch.
    """

    def __init__(self, mixed: MixedPrecision | None, batch_size: Callable[[], int]) -> None:
        self._mixed = mixed
        self._batch_size = batch_size

    def of_training(self, network: Network) -> Gradients:
        """That of the training itself, whose gradients bear no scale."""
        way = self._way(network, scaled=True)
        return way if self._mixed is None else self._mixed.unscaled(way)

    def of_several(self, network: Network, together: Together) -> Gradients:
        """That of a training of several processes, each of which has a part of every batch."""
        forward = together.own_rows if self._mixed is None else self._mixed.forward(together.own_rows)
        backward = torch.autograd.backward if self._mixed is None else self._mixed.backward
        several = bool(needs_several(network))

        def gradients(loss_function: LossFunction, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
            own = accumulated(
                lambda part: together.with_all_rows(forward, part),
                self._batch_size(),
                join_single=several,
                backward=backward,
                within=together.taking,
            )
            outputs, loss = own(loss_function, inputs, targets)
            return outputs.detach(), loss

        return gradients if self._mixed is None else self._mixed.unscaled(gradients)

    def of_copy(self, network: Network) -> Gradients:
        """That of a copy, whose losses are not scaled in the first place."""
        return self._way(network, scaled=False)

    def _way(self, network: Network, *, scaled: bool) -> Gradients:
        forward = network if self._mixed is None else self._mixed.forward(network)
        backward = torch.autograd.backward if self._mixed is None or not scaled else self._mixed.backward
        several = bool(needs_several(network))

        def gradients(loss_function: LossFunction, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
            own = accumulated(forward, self._batch_size(), join_single=several, backward=backward)
            return own(loss_function, inputs, targets)

        return gradients


def needs_several(network: Network) -> str:
    """The first node that cannot be trained on a batch of one example; empty where there is none."""
    results, kinds = network.inference.results, network.kind_of
    return next(
        (node for node in network.node_ids if registry.layer(kinds(node)).needs_several(results[node].output)), ""
    )
