"""Where a training stands, as plain values for any thread."""

from __future__ import annotations

import math

from nnviz.train.devices import fills_cores
from nnviz.train.instruments import Instruments
from nnviz.train.position import Position
from nnviz.train.price import ENOUGH_SECONDS
from nnviz.train.training import Training


def position_of(
    training: Training, instruments: Instruments, *, step: int, finished: bool, rate: float, price: float, activity: str
) -> Position:
    """A snapshot. On the thread that owns the training.

    Args:
        training: What is trained.
        instruments: Say what they cost.
        step: At which step it is to be seen: on the way back, the one that it leads to.
        finished: Whether all epochs are done.
        rate: Examples trained a second, lately.
        price: How many times as long as training alone a step takes.
        activity: What takes long just now.
    """
    steps = training.epoch_plan.step_of(training.last_epoch if finished else training.epochs)
    left = max(0, steps - training.step) * training.step_size
    undoable, redoable = training.by_hand.edits.undoable, training.by_hand.edits.redoable
    return Position(
        epoch=training.epoch,
        step=step,
        steps_per_epoch=training.steps_per_epoch,
        epochs=training.epochs,
        steps=training.epoch_plan.step_of(training.epochs),
        batch_size=training.batch_size,
        samples_per_second=rate,
        eta_seconds=left / rate if rate > 0 else math.nan,
        device=str(training.device),
        probe_cost=instruments.cost if instruments.cost_seconds >= ENOUGH_SECONDS else 0.0,
        # On a GPU a step is not waited for, so that nothing is known of how long one takes alone.
        step_price=price if training.device.type == "cpu" else math.nan,
        train_count=len(training.data.train),
        validation_count=len(training.data.validation),
        test_count=len(training.data.test),
        test_uses=training.test_uses,
        learning_rate=training.learning_rate,
        edits=training.by_hand.edits.count,
        switches=training.times_switched,
        undoable_edit="" if undoable is None else undoable.where(training.network.name_of),
        redoable_edit="" if redoable is None else redoable.where(training.network.name_of),
        activity=activity,
        fills_cores=fills_cores(training.device),
    )
