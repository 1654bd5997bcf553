"""A ball on the loss: how an optimizer walks over one weight or two, everything else fixed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from nnviz.explain.landscape import LossOfExamples, Section
from nnviz.project.model import Choice
from nnviz.train.optimizers import build_optimizer
from nnviz.train.uncompiled import step_alone


class Walker:
    """One optimizer on its way over a landscape, step by step.

    The steps are those of torch's own optimizer on the coordinates. Over one weight or two that is how it moves these
    weights when nothing else moves and each batch holds all the examples; where the network has no other weight, it is
    the training itself.

    Args:
        loss: What it goes down.
        section: Where it may go.
        start: Its first place.
        choice: The optimizer with its settings.

    Attributes:
        choice: As given.
        places: Where it was, from the start on; one more than steps were made.
        losses: The loss at each of these places.
        slopes: Its gradient there.

    Raises:
        ProjectError, ParamError: There is no such optimizer, or a setting is not allowed.
    """

    def __init__(self, loss: LossOfExamples, section: Section, start: Sequence[float], choice: Choice) -> None:
        self._loss, self._section = loss, section
        first = next(iter(section.origin.values()))
        self._place = nn.Parameter(torch.tensor([float(one) for one in start], dtype=first.dtype, device=first.device))
        optimizer = build_optimizer([self._place], choice)
        assert optimizer is not None  # there is something to train
        self._optimizer = optimizer
        self.choice = choice
        self.places: list[tuple[float, ...]] = []
        self.losses: list[float] = []
        self.slopes: list[tuple[float, ...]] = []
        self._look()

    @property
    def lost(self) -> bool:
        """Whether it has left all numbers: it stays where it is."""
        return not all(map(math.isfinite, (*self.places[-1], self.losses[-1], *self.slopes[-1])))

    def advance(self) -> bool:
        """Makes one step; False where it is lost."""
        if self.lost:
            return False
        step_alone(self._optimizer)
        self._look()
        return True

    def _look(self) -> None:
        """Loss and gradient at the present place."""
        with torch.enable_grad():
            loss = self._loss.at(self._section.weights(self._place))
            # A network whose loss does not depend on it (a step function) has no slope there.
            (slope,) = torch.autograd.grad(loss, self._place, allow_unused=True)
        self._place.grad = torch.zeros_like(self._place) if slope is None else slope
        self.places.append(tuple(self._place.tolist()))
        self.losses.append(loss.item())
        self.slopes.append(tuple(self._place.grad.tolist()))
