"""The recipe of a training: what a project's Choices make of a gradient and of the learning rate.

:func:`rate` is a pure function of the step, so that a training that goes back, is resumed, or is drawn before its start
has the same rates. What acts on the gradients before an update and on the weights after it is done by
:class:`RecipeUpdater`, around the optimizer's own update.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

import torch
from torch import nn

from nnviz.project import choices, registry
from nnviz.project.model import Choice, TrainConfig
from nnviz.train.loop import Updater

#: (settings, epoch as a fraction, epochs in all) -> multiple of the optimizer's learning rate
_Schedule: TypeAlias = Callable[[Mapping[str, float], float, float], float]
#: (settings, parameters): changes their gradients before the update
_Clipping: TypeAlias = Callable[[Mapping[str, float], list[nn.Parameter]], object]
#: (settings, weight): changes the gradient before the update, or the weight after it
_Regulariser: TypeAlias = Callable[[Mapping[str, float], nn.Parameter], object]

#: Every schedule, clipping and regulariser that the registry knows has exactly one function here (a test compares).
SCHEDULES: Mapping[str, _Schedule] = {
    "constant": lambda values, epoch, epochs: 1.0,
    "step": lambda values, epoch, epochs: values["factor"] ** math.floor(epoch / values["every"]),
    "exponential": lambda values, epoch, epochs: values["factor"] ** epoch,
    "cosine": lambda values, epoch, epochs: (
        values["final_share"] + (1 - values["final_share"]) * (1 + math.cos(math.pi * min(epoch / epochs, 1.0))) / 2
    ),
}

CLIPPINGS: Mapping[str, _Clipping | None] = {
    "none": None,
    "norm": lambda values, parameters: nn.utils.clip_grad_norm_(parameters, values["limit"]),
    "value": lambda values, parameters: nn.utils.clip_grad_value_(parameters, values["limit"]),
}


def _add_l1(values: Mapping[str, float], weight: nn.Parameter) -> None:
    if weight.grad is not None:
        weight.grad.add_(torch.sign(weight), alpha=values["strength"])


def _add_l2(values: Mapping[str, float], weight: nn.Parameter) -> None:
    if weight.grad is not None:
        weight.grad.add_(weight, alpha=values["strength"])


def _hold_norm(values: Mapping[str, float], weight: nn.Parameter) -> None:
    norms = weight.flatten(1).norm(dim=1).reshape(-1, *(1 for _ in weight.shape[1:]))
    weight.mul_((values["limit"] / norms.clamp(min=1e-12)).clamp(max=1.0))


#: Those that add to the gradient before the update.
PENALTIES: Mapping[str, _Regulariser] = {"l1": _add_l1, "l2": _add_l2}
#: Those that hold the weights after the update.
CONSTRAINTS: Mapping[str, _Regulariser] = {"max_norm": _hold_norm}


def rate(schedule: Choice, base: float, step: int, steps_per_epoch: int, epochs: int) -> float:
    """The learning rate of one step.

    Args:
        schedule: Of the project.
        base: The optimizer's own learning rate.
        step: Updates made before it.
        steps_per_epoch: At least 1.
        epochs: How far the training is to go.

    Raises:
        ProjectError: There is no such schedule.
        ParamError: One of its settings is not allowed.
    """
    spec = registry.SCHEDULES(schedule.kind)
    values = cast("Mapping[str, float]", spec.values(schedule.params))
    return base * SCHEDULES[spec.kind](values, step / steps_per_epoch, max(epochs, 1))


class RecipeUpdater:
    """An optimizer's updates with clipping and regularisers around them.

    Args:
        updater: Makes the updates themselves.
        parameters: All that are trained.
        config: Names the clipping and the regularisers.
    """

    def __init__(self, updater: Updater, parameters: Sequence[nn.Parameter], config: TrainConfig) -> None:
        self._updater = updater
        self._parameters = [parameter for parameter in parameters if parameter.requires_grad]
        self._weights = [parameter for parameter in self._parameters if parameter.dim() > 1]
        self._penalties = _chosen(PENALTIES, config.regularisers)
        self._constraints = _chosen(CONSTRAINTS, config.regularisers)
        self._clipping = CLIPPINGS[config.clipping.kind]
        self._clipping_values = _values("clipping", config.clipping)

    def zero_grad(self) -> None:
        """Lets all gradients go."""
        self._updater.zero_grad()

    def step(self) -> None:
        """One update: penalties, then clipping, then the optimizer, then what holds the weights."""
        with torch.no_grad():
            for values, penalise in self._penalties:
                for weight in self._weights:
                    penalise(values, weight)
            if self._clipping is not None:
                self._clipping(self._clipping_values, self._parameters)
            self._updater.step()
            for values, hold in self._constraints:
                for weight in self._weights:
                    hold(values, weight)


def with_recipe(updater: Updater, parameters: Sequence[nn.Parameter], config: TrainConfig) -> Updater:
    """The updater itself where the project asks for nothing else, so that it costs nothing."""
    if CLIPPINGS[config.clipping.kind] is None and not config.regularisers:
        return updater
    return RecipeUpdater(updater, parameters, config)


def _chosen(
    known: Mapping[str, _Regulariser], wanted: Sequence[Choice]
) -> list[tuple[Mapping[str, float], _Regulariser]]:
    return [(_values("regularisers", choice), known[choice.kind]) for choice in wanted if choice.kind in known]


def _values(slot_name: str, choice: Choice) -> Mapping[str, float]:
    slot = choices.slot(slot_name)
    assert slot is not None
    return cast("Mapping[str, float]", choices.values(slot, choice))
