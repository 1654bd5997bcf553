"""An average of the weights over the steps, on a copy of the network that is validated and kept in its place."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor

from nnviz.data.epoch_plan import StepPlace
from nnviz.network.network import Network
from nnviz.project import registry
from nnviz.project.model import Choice
from nnviz.train import checkpoint as checkpoints
from nnviz.train.at_hand import at_hand
from nnviz.train.checkpoint import Tensors
from nnviz.train.recipe import AVERAGING


class Average:
    """A copy of a network whose weights are the average of what the network's were.

    Where each process holds a part of the network alone, each keeps the average of its part, and the network itself
    stands in for the copy: within :meth:`in_place` it has these numbers in the place of its own.

    How much the weights of a step count follows from the number of the step alone, so that going back and resuming need
    the numbers of the average and nothing else.

    Args:
        network: What is trained; its weights stay in their places for as long as this lives.
        choice: Of the project; one that averages.
        place_of: (step) -> where it stands in its epoch.
        divided: Whether this process holds a part of the network's numbers alone.

    Attributes:
        network: The copy, which trains nothing; the network itself where it is divided.
    """

    def __init__(
        self, network: Network, choice: Choice, place_of: Callable[[int], StepPlace], *, divided: bool = False
    ) -> None:
        live = network.state_dict()
        self._divided = divided
        if divided:
            self.network, own = network, {name: tensor.detach().clone() for name, tensor in live.items()}
        else:
            self.network = copy.deepcopy(network)
            self.network.requires_grad_(False)
            own = self.network.state_dict()
        #: Its numbers; of what is divided this process's part.
        self.numbers: Tensors = own
        self._share = AVERAGING[choice.kind]
        self._values = cast("dict[str, float]", registry.AVERAGING(choice.kind).values(choice.params))
        self._place_of = place_of
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

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within it ``network`` has the numbers of the average; takes no other process."""
        if not self._divided:
            yield
            return
        self._change_places()
        try:
            yield
        finally:
            self._change_places()

    def _change_places(self) -> None:
        with torch.no_grad():
            for one, other in (self._averaged, self._counted):
                for live, own in zip(one, other, strict=True):
                    kept = live.clone()
                    live.copy_(own)
                    own.copy_(kept)

    def restart(self, weights: Tensors) -> None:
        """Other weights were put in: they are the average from here on; of what is divided this process's part."""
        if not self._divided:
            checkpoints.load_weights(weights, self.network)
            return
        with torch.no_grad():
            for name, own in self.numbers.items():
                own.copy_(weights[name])

    def capture(self, *, copied: bool) -> dict[str, Tensor]:
        """The average for a checkpoint."""
        own = self.numbers
        return {name: tensor.detach().clone() if copied else tensor.detach() for name, tensor in own.items()}


def _pairs(live: Tensors, own: Tensors, *, floating: bool) -> tuple[list[Tensor], list[Tensor]]:
    names = [name for name, tensor in live.items() if tensor.is_floating_point() is floating]
    return [at_hand(live[name]) for name in names], [at_hand(own[name]) for name in names]
