"""How a run did, in the few numbers by which runs are listed and compared: read from its curves, without torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nnviz.record.quantities import ACCURACY, EPOCH, LOSS, TRAINING_SECONDS
from nnviz.record.readings import Scalar
from nnviz.record.run import RunView


@dataclass(frozen=True)
class Results:
    """What came out of a run, as far as it went; None for what was not recorded.

    Attributes:
        epochs: Finished epochs.
        steps: The last step.
        train_loss: Of the last batch.
        best_epoch: The epoch with the lowest validation loss, from 1.
        best_loss: That loss.
        best_accuracy: The validation accuracy of that epoch, 0 to 1.
        validation_loss, validation_accuracy: Of the last epoch.
        test_loss, test_accuracy: Of the newest look at the test split.
        seconds: Training time, pauses left out, until the last finished epoch.
    """

    epochs: int
    steps: int
    train_loss: float | None = None
    best_epoch: int | None = None
    best_loss: float | None = None
    best_accuracy: float | None = None
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None
    seconds: float | None = None


def results(run: RunView) -> Results:
    """The results of a run.

    Raises:
        RunFileError: It comes from a file, and one of the curves is damaged.
    """
    ends, epochs = run.scalars(EPOCH.series())
    steps, losses = run.scalars(LOSS.series("validation"))
    best_epoch = best_loss = best_accuracy = None
    finite = np.flatnonzero(np.isfinite(losses))
    if len(finite):
        at = finite[np.argmin(losses[finite])]  # the first of several that are as low
        best_loss, best_accuracy = float(losses[at]), _value_at(run, ACCURACY.series("validation"), int(steps[at]))
        place = np.searchsorted(ends, steps[at])
        best_epoch = int(epochs[place]) if place < len(ends) and ends[place] == steps[at] else None
    return Results(
        epochs=int(epochs[-1]) if len(epochs) else 0,
        steps=max(run.last_step, 0),
        train_loss=_last(run, LOSS.series("train")),
        best_epoch=best_epoch,
        best_loss=best_loss,
        best_accuracy=best_accuracy,
        validation_loss=_last(run, LOSS.series("validation")),
        validation_accuracy=_last(run, ACCURACY.series("validation")),
        test_loss=_last(run, LOSS.series("test")),
        test_accuracy=_last(run, ACCURACY.series("test")),
        seconds=_last(run, TRAINING_SECONDS.series()),
    )


def _last(run: RunView, series: str) -> float | None:
    found = run.latest(series)
    return found.value if isinstance(found, Scalar) else None


def _value_at(run: RunView, series: str, step: int) -> float | None:
    steps, values = run.scalars(series)
    place = int(np.searchsorted(steps, step))
    found = float(values[place]) if place < len(steps) and steps[place] == step else math.nan
    return found if math.isfinite(found) else None
