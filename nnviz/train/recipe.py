"""The recipe of a training: what a project's Choices make of a gradient and of the learning rate.

What acts on the gradients before an update and on the weights after it is done by :class:`RecipeUpdater`, around the
optimizer's own update. The learning rate is found in ``schedules.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

import torch
from torch import nn

from nnviz.data.epoch_plan import StepPlace
from nnviz.project import choices
from nnviz.project.model import Choice, TrainConfig
from nnviz.train.loop import Updater
from nnviz.train.validated import LOSS, Validated, better, worst

#: (settings, parameters): changes their gradients before the update
_Clipping: TypeAlias = Callable[[Mapping[str, float], list[nn.Parameter]], object]
#: (settings, weight): changes the gradient before the update, or the weight after it
_Regulariser: TypeAlias = Callable[[Mapping[str, float], nn.Parameter], object]

#: (settings, step, where it stands in its epoch) -> how much the weights after this step count in their average: 0
#: where it stays as it is, None where there is no average yet.
_Averaging: TypeAlias = Callable[[Mapping[str, float], int, StepPlace], float | None]


def _exponential_average(values: Mapping[str, float], step: int, place: StepPlace) -> float:
    return 1 - min(values["decay"], (1 + step) / (10 + step))


def _average_of_epochs(values: Mapping[str, float], step: int, place: StepPlace) -> float | None:
    epochs = place.epoch - int(values["from_epoch"]) + 1
    if epochs < 1:
        return None
    return 1 / epochs if place.batch == 0 else 0.0


#: Every kind that averages has exactly one function here (a test compares).
AVERAGING: Mapping[str, _Averaging] = {"ema": _exponential_average, "swa": _average_of_epochs}

#: (settings, figures at the ends of epochs, epochs that are not looked at) -> after which epoch it ends
_Stopping: TypeAlias = Callable[[Mapping[str, float], Validated, int], int | None]


def _patience(values: Mapping[str, float], validated: Validated, passed: int) -> int | None:
    figure = cast(str, values["figure"])
    if all(math.isnan(value) for value in validated[figure]):
        figure = LOSS
    best, waited = worst(figure), 0
    for epoch, value in enumerate(validated[figure], 1):
        gained = better(figure, value, best, values["least_improvement"])
        best = value if gained else best
        waited = 0 if gained or epoch <= passed else waited + 1
        if waited >= values["patience"]:
            return epoch
    return None


#: Every way to stop early has exactly one function here (a test compares).
EARLY_STOPPING: Mapping[str, _Stopping | None] = {"none": None, "patience": _patience}

#: Every clipping and regulariser that the registry knows has exactly one function here (a test compares).
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


def stops_after(choice: Choice, validated: Validated, passed: int = 0) -> int | None:
    """After which epoch a training ends early, as far as its figures say; None where it goes on.

    Args:
        choice: Of the project.
        validated: The figures at the ends of the epochs so far.
        passed: Epochs whose want of anything better was passed over: somebody went on after them.
    """
    stopping = EARLY_STOPPING[choice.kind]
    if stopping is None:
        return None
    return stopping(settings_of("early_stopping", choice), validated, passed)


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
        self._clipping_values = settings_of("clipping", config.clipping)

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
    return [(settings_of("regularisers", choice), known[choice.kind]) for choice in wanted if choice.kind in known]


def settings_of(slot_name: str, choice: Choice) -> Mapping[str, float]:
    """The settings of a choice in a slot of the training, those that it does not say among them."""
    slot = choices.slot(slot_name)
    assert slot is not None
    return cast("Mapping[str, float]", choices.values(slot, choice))
