"""Times a few steps of a training before it begins, on a copy: nothing of it reaches the training."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Generator, Iterator

import torch

from nnviz.project.model import Project
from nnviz.train import paces
from nnviz.train.devices import synchronise
from nnviz.train.loop import evaluation_mode
from nnviz.train.paces import Duration, Pace
from nnviz.train.rate_trials import CopiedTraining
from nnviz.train.training import Training
from nnviz.train.waits import ThreadWaits

#: Steps that are timed at most in each of two ways, and seconds after which no further one is taken: more than what one
#: program gets of a core before it is another one's turn, some milliseconds each.
_STEPS = 100
_ENOUGH = 0.25
#: Steps that an accelerator is given before it is waited for.
_HANDED_OVER = 4
#: A copy of the weights, and what the optimizer keeps of them, twice.
_COPIES = 2


def pace_of(project: Project, training: Training) -> Pace | None:
    """How long a step takes: as it was the last time, else timed now, which takes about half a second.

    Call it on the thread that owns the training, while it rests.

    Args:
        project: What is trained, under which its pace is kept.
        training: The training of it.

    Returns:
        None where there is no room for a copy, or nothing to train.
    """
    known = paces.recall(project, near=False)
    if known is not None:
        return known
    pace = _timed(training)
    if pace is not None:
        paces.remember(project, pace)
    return pace


def duration_of(project: Project, training: Training) -> Duration | None:
    """What the rest of a training is going to take; arguments and answer as those of :func:`pace_of`."""
    pace = pace_of(project, training)
    if pace is None:
        return None
    left = max(0, training.last_epoch - training.epoch)
    data = training.data
    return paces.duration(pace, len(data.train), len(data.validation), training.step_size, left)


def _timed(training: Training) -> Pace | None:
    if training.optimizer is None or training.replaying:
        return None
    if not training.room.allows(_COPIES * training.state_bytes, "The time of an epoch is not estimated"):
        return None
    copied = CopiedTraining(training, training.capture(), training.learning_rate, feeder=training.coming.feeder)
    steps = _seconds_of_steps(training, copied)
    try:
        if math.isnan(next(steps, math.nan)):  # it makes what the optimizer keeps, and asks for all its memory
            return None
        # Beside another busy program threads that spin are slower by far, and a training lets them sleep then.
        enough = _ENOUGH / _at_once(training)
        taken = _first_of(steps, enough)
        validating = [_validation_seconds(training, copied)]
        waits = ThreadWaits()
        waits.choose(math.inf)
        try:
            slept = _first_of(steps, enough) if waits.asleep else []
            if waits.asleep:
                validating.append(_validation_seconds(training, copied))
        finally:
            waits.close()
    finally:
        steps.close()
        copied.random.release()
    # What disturbs them disturbs the training, too: the mean is what it is going to take, not what it could.
    found = [sum(some) / len(some) for some in (taken, slept) if some]
    if not found:
        return None
    work = training.work * training.config.accumulation
    count = _at_once(training) * (len(taken) + len(slept))
    return Pace(min(found), min(validating), work, paces.TIMED, count)


def _at_once(training: Training) -> int:
    """Steps that its device is given before it is waited for."""
    return 1 if training.device.type == "cpu" else _HANDED_OVER


def _seconds_of_steps(training: Training, copied: CopiedTraining) -> Generator[float, None, None]:
    """Seconds of one step after the other, as long as the loss is finite.

    An accelerator computes a step while the next one is handed over, as in the training, so there it is the mean of a
    few; whether their losses are finite is seen by the last one.
    """
    at_once = _at_once(training)
    began = time.perf_counter()
    for number, _ in enumerate(copied.train(at_once * (1 + 2 * _STEPS), look_every=at_once), 1):
        if number % at_once:
            continue
        synchronise(training.device)
        now = time.perf_counter()
        yield (now - began) / at_once
        began = time.perf_counter()


def _first_of(steps: Iterator[float], seconds: float) -> list[float]:
    """Of some steps, until they add up to so much, the one that fills it included."""
    found: list[float] = []
    for step in itertools.islice(steps, _STEPS):
        found.append(step)
        if sum(found) >= seconds:
            break
    return found


def _validation_seconds(training: Training, copied: CopiedTraining) -> float:
    """Seconds of one example of the validation split; 0 where there is none."""
    batches = training.feeder("validation").batches()
    inputs, targets = next(batches, (None, None))
    if inputs is None or targets is None or not len(inputs):
        return 0.0
    taken = []
    for _ in range(2):
        began = time.perf_counter()
        with evaluation_mode(copied.network), torch.no_grad():
            training.loss_function(copied.network(inputs), targets)
        synchronise(training.device)
        taken.append(time.perf_counter() - began)
    return min(taken) / len(inputs)
