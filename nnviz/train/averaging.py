"""An average of the weights over the steps, on a copy of the network that is validated and kept in its place."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor

from nnviz.data.epoch_plan import StepPlace
from nnviz.network.network import Network
from nnviz.project import registry
from nnviz.project.model import Choice
from nnviz.train import checkpoint as checkpoints
from nnviz.train.checkpoint import Tensors
from nnviz.train.recipe import AVERAGING


class Average:
    """A copy of a network whose weights are the average of what the network's were.

    How much the weights of a step count follows from the number of the step alone, so that going back and resuming need
    the numbers of the average and nothing else.

    Args:
        network: What is trained; its weights stay in their places for as long as this lives.
        choice: Of the project; one that averages.
        place_of: (step) -> where it stands in its epoch.

    Attributes:
        network: The copy. It trains nothing.
    """

    def __init__(self, network: Network, choice: Choice, place_of: Callable[[int], StepPlace]) -> None:
        self.network = copy.deepcopy(network)
        self.network.requires_grad_(False)
        self._share = AVERAGING[choice.kind]
        self._values = cast("dict[str, float]", registry.AVERAGING(choice.kind).values(choice.params))
        self._place_of = place_of
        live, own = network.state_dict(), self.network.state_dict()
        #: Numbers that have an average, and those that count something; of the network, and of the copy.
        self._averaged = _pairs(live, own, floating=True)
        self._counted = _pairs(live, own, floating=False)

    def begun(self, step: int) -> bool:
        """Whether there is an average after so many steps; before that the weights themselves are taken."""
        return self._share(self._values, step, self._place_of(step)) is not None

    def follow(self, step: int) -> None:
        """An update was made, the one of this number, from 1."""
        share = self._share(self._values, step, self._place_of(step))
        if not share:
            return
        with torch.no_grad():
            live, own = self._averaged
            if share < 1:
                torch._foreach_lerp_(own, live, share)
            else:
                torch._foreach_copy_(own, live)
            for one, other in zip(*self._counted, strict=True):
                other.copy_(one)

    def restart(self, weights: Tensors) -> None:
        """Other weights were put in: they are the average from here on."""
        checkpoints.load_weights(weights, self.network)

    def capture(self, *, copied: bool) -> dict[str, Tensor]:
        """The average for a checkpoint."""
        state = self.network.state_dict()
        return {name: tensor.detach().clone() if copied else tensor.detach() for name, tensor in state.items()}


def _pairs(live: Tensors, own: Tensors, *, floating: bool) -> tuple[list[Tensor], list[Tensor]]:
    names = [name for name, tensor in live.items() if tensor.is_floating_point() is floating]
    return [live[name] for name in names], [own[name] for name in names]
