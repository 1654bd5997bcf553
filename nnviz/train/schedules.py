"""The learning rate of every step: what a project's schedule makes of the one that is set. No torch: it is drawn, too.

:func:`rate` is a pure function of the step and of the losses at the ends of the epochs before it, so that a training
that goes back, is resumed, or is drawn before its start has the same rates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

from nnviz.project import registry
from nnviz.project.model import Choice

#: (settings, epoch as a fraction, epochs in all, losses at the ends of epochs) -> multiple of the learning rate
_Schedule: TypeAlias = Callable[[Mapping[str, float], float, float, Sequence[float]], float]


def _wave(start: float, end: float, share: float) -> float:
    """Half a wave of the cosine from one number to another; 0 is its start, from 1 on it stays at its end."""
    return end + (start - end) * (1 + math.cos(math.pi * min(share, 1.0))) / 2


def _one_cycle(values: Mapping[str, float], epoch: float, epochs: float, losses: Sequence[float]) -> float:
    start, top = 1 / values["start_divisor"], values["rising_share"] * epochs
    if epoch < top:
        return _wave(start, 1.0, epoch / top)
    return _wave(1.0, start / values["end_divisor"], (epoch - top) / (epochs - top))


def _warm_up(values: Mapping[str, float], epoch: float, epochs: float, losses: Sequence[float]) -> float:
    rising, start = values["rising_epochs"], values["start_share"]
    if epoch < rising:
        return start + (1 - start) * epoch / rising
    falls = cast(object, values["then"]) == "cosine"
    return _wave(1.0, values["final_share"], (epoch - rising) / max(epochs - rising, 1e-9)) if falls else 1.0


def _plateau(values: Mapping[str, float], epoch: float, epochs: float, losses: Sequence[float]) -> float:
    """A loss that is no number is not looked at: neither better nor an epoch without anything better."""
    multiple, best, waited = 1.0, math.inf, 0
    for loss in losses[: math.floor(epoch)]:
        if math.isnan(loss):
            continue
        if loss < best * (1 - values["least_improvement"]):
            best, waited = loss, 0
            continue
        waited += 1
        if waited >= values["patience"]:
            multiple, waited = max(multiple * values["factor"], values["lowest_share"]), 0
    return multiple


#: Every schedule that the registry knows has exactly one function here (a test compares).
SCHEDULES: Mapping[str, _Schedule] = {
    "constant": lambda values, epoch, epochs, losses: 1.0,
    "step": lambda values, epoch, epochs, losses: values["factor"] ** math.floor(epoch / values["every"]),
    "exponential": lambda values, epoch, epochs, losses: values["factor"] ** epoch,
    "cosine": lambda values, epoch, epochs, losses: (
        values["final_share"] + (1 - values["final_share"]) * (1 + math.cos(math.pi * min(epoch / epochs, 1.0))) / 2
    ),
    "one_cycle": _one_cycle,
    "warm_up": _warm_up,
    "plateau": _plateau,
}


def rate(
    schedule: Choice, base: float, step: int, steps_per_epoch: int, epochs: int, losses: Sequence[float] = ()
) -> float:
    """The learning rate of one step.

    Args:
        schedule: Of the project.
        base: The optimizer's own learning rate.
        step: Updates made before it.
        steps_per_epoch: At least 1.
        epochs: How far the training is to go.
        losses: Of the validation split at the ends of the epochs, from the first; those of the epochs that end behind
            the step are not looked at. NaN where nothing is known.

    Raises:
        ProjectError: There is no such schedule.
        ParamError: One of its settings is not allowed.
    """
    return rate_after(schedule, base, step / steps_per_epoch, epochs, losses)


def rate_after(schedule: Choice, base: float, epoch: float, epochs: int, losses: Sequence[float] = ()) -> float:
    """The learning rate of the step behind so many epochs, as a fraction; else as :func:`rate`."""
    spec = registry.SCHEDULES(schedule.kind)
    values = cast("Mapping[str, float]", spec.values(schedule.params))
    return base * SCHEDULES[spec.kind](values, epoch, max(epochs, 1), losses)
