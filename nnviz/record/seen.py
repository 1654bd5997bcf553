"""The step of a run that is looked at: which epoch it belonged to, and with which settings it was made."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nnviz.record.quantities import BATCH_SIZE, EPOCH, LEARNING_RATE
from nnviz.record.readings import Reading, Scalar
from nnviz.record.run import RunView, planned_epochs

#: No batch has more examples; a file may say anything.
_MOST_IN_A_BATCH = 2**31


@dataclass(frozen=True)
class Seen:
    """The step that is shown, as the bars say it: of a recorded run or of the timeline, else where training stands.

    Attributes:
        step: The step.
        epoch: Epochs that had ended by then; never more than ``epochs``.
        epochs: Epochs that the training was to go.
        learning_rate: With which that step was made; NaN where the project's own is meant, or nobody knows.
        batch_size: Examples in the batch of that step; 0 where the project's own is meant, or nobody knows.
    """

    step: int = 0
    epoch: int = 0
    epochs: int = 0
    learning_rate: float = math.nan
    batch_size: int = 0


def seen_at(run: RunView, step: int, epochs: int) -> Seen:
    """What the bars say of a step of a run.

    Args:
        run: The run.
        step: The step.
        epochs: How many epochs were planned, where the run does not say it; one that went on beyond them was planned to
            go as far as it went.
    """
    # A file may say anything, also that no number of epochs has ended.
    done, all_done = (_whole(run.latest(EPOCH.series(), at), run.last_step) for at in (step, None))
    # A setting is recorded at the step after which it holds: the one before that which was made with it.
    rate, size = (run.latest(one.series(), max(step - 1, 0)) for one in (LEARNING_RATE, BATCH_SIZE))
    used = rate.value if isinstance(rate, Scalar) else math.nan
    return Seen(step, done, max(planned_epochs(run) or epochs, all_done), used, _whole(size, _MOST_IN_A_BATCH))


def _whole(reading: Reading | None, most: int) -> int:
    value = reading.value if isinstance(reading, Scalar) else 0.0
    return int(value) if 0.0 <= value <= most else 0
