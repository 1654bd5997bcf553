"""What is written into the run as training goes on: rates, speed, changes, the ends of epochs, evaluations."""

from __future__ import annotations

import math
import time
from collections import deque

from nnviz.record.evaluated import AnyEvaluated, to_reading
from nnviz.record.quantities import (
    BATCH_SIZE,
    COST,
    EPOCH,
    EPOCHS_PLANNED,
    LEARNING_RATE,
    SPEED,
    STEPS_PER_SECOND,
    TRAINING_SECONDS,
)
from nnviz.record.readings import Reading, Scalar
from nnviz.record.run import Run
from nnviz.record.test_uses import uses_of
from nnviz.train import remarks
from nnviz.train.evaluation import Collector, result_of
from nnviz.train.instruments import Instruments
from nnviz.train.loop import EvaluationResult
from nnviz.train.position import EpochResult, Speedometer
from nnviz.train.training import Training

#: Seconds between two readings of speed and cost.
_SPEED_EVERY = 0.5
#: Seconds after which what became of the examples is put into the run, and after which that does not even wait for
#: the end of an epoch: whoever looks at it sees it at least once a second.
EXAMPLES_EVERY, _EXAMPLES_LATE = 0.5, 0.8
#: Epochs whose seconds are known.
_EPOCHS_TIMED = 20


class Journal:
    """Writes down what a training does. Belongs to the thread that owns the training.

    Args:
        training: What is trained.
        instruments: Say what they cost, and put what they have measured into the run.
        run: Takes it.
        speed: Examples trained a second, and seconds of training altogether.

    Attributes:
        epoch_seconds: Seconds that the latest epochs took, validation included.
    """

    def __init__(self, training: Training, instruments: Instruments, run: Run, speed: Speedometer) -> None:
        self._training = training
        self._instruments = instruments
        self._run = run
        self._speed = speed
        #: Seconds of training when the last epoch ended.
        self._seconds_before = 0.0
        earlier = run.latest(TRAINING_SECONDS.series())
        speed.earlier = earlier.value if isinstance(earlier, Scalar) else 0.0
        #: The step at which it is gone on with, and what was changed there before.
        self._began_at = training.step
        self._changed_before = {event.series: event for event in run.events() if event.step == training.step}
        #: When (seconds, ``perf_counter``) the speed was recorded last.
        self._speed_recorded = 0.0
        #: When (seconds, ``perf_counter``) what became of the examples was put into the run.
        self._examples_recorded = 0.0
        self.epoch_seconds: deque[float] = deque(maxlen=_EPOCHS_TIMED)

    def begin(self) -> None:
        """What is known before the first step."""
        # What was looked at from outside, too.
        self._training.test_uses = max(self._training.test_uses, uses_of(self._run))
        self.rate(self._training.step)
        self._plan_if_new(self._training.step)
        self._run.append(remarks.of_data(self._training))

    def rate(self, step: int) -> None:
        """The learning rate, at this step."""
        self._run.append([Scalar(LEARNING_RATE.series(), step, self._training.learning_rate)])

    def rate_if_new(self) -> None:
        """The learning rate, where it is another than the run says.

        Asked at every publication, and a schedule makes the series long: only its end is looked at.
        """
        found = self._run.latest(LEARNING_RATE.series())
        if self._training.learning_rate != (found.value if isinstance(found, Scalar) else math.nan):
            self.rate(self._training.step)

    def _plan_if_new(self, step: int) -> None:
        """The batch size of the step behind this one, and how far it is to go, where the run says something else."""
        now = {BATCH_SIZE.series(): self._training.batch_size_at(step), EPOCHS_PLANNED.series(): self._training.epochs}
        self._run.append(
            [
                Scalar(series, step, float(value))
                for series, value in now.items()
                if getattr(self._run.latest(series), "value", None) != value
            ]
        )

    def changes(self, step: int) -> None:
        """What was changed by hand at this step, in place of what the run says of it."""
        standing = self._changed_before if step == self._began_at else {}
        self._run.append(remarks.changed(self._training.changes_at(step), step, self._run, standing))
        self._dragged(step)
        self._plan_if_new(step)

    def _dragged(self, step: int) -> None:
        """What a hand began to drag at an earlier step stands there: how far it has come, or where it is cut off."""
        began = self._training.by_hand.edits.newest_began
        if 0 <= began < step:
            standing = self._changed_before if began == self._began_at else {}
            found = self._training.by_hand.changes_at(began)
            self._run.append(remarks.dragged(found, began, self._run, standing))

    def speed_if_due(self, now: float) -> None:
        """Speed and cost, while it trains; and what the findings make of that."""
        if not self._speed.running or now - self._speed_recorded < _SPEED_EVERY:
            return
        self._speed_recorded = now
        step, rate = self._training.step, self._speed.rate
        self._run.append(
            [
                Scalar(SPEED.series(), step, rate),
                Scalar(STEPS_PER_SECOND.series(), step, rate / self._training.step_size),
                Scalar(COST.series(), step, self._instruments.cost),
            ]
        )
        self._instruments.examine_if_due()

    def epoch(self, validation: EvaluationResult | None) -> None:
        """The end of an epoch."""
        training = self._training
        step, epoch = training.step, training.epoch
        readings: list[Reading] = [Scalar(EPOCH.series(), step, float(epoch))]
        if validation is not None:
            readings += remarks.scores("validation", step, validation)
        examples, last = training.examples, epoch >= training.last_epoch
        if examples is not None and (examples.is_recorded(epoch) or last):
            examples.mark(step)
        readings.append(Scalar(TRAINING_SECONDS.series(), step, self._speed.earlier + self._speed.seconds))
        self._instruments.flush()
        self._run.append(readings)
        self._plan_if_new(step)
        if last or time.perf_counter() - self._examples_recorded >= EXAMPLES_EVERY:
            self.put_examples()
        self._instruments.examine_if_due()

    def put_examples(self) -> None:
        """What became of the training examples until the ends of those epochs of which that is recorded.

        It is worked out for several short epochs at once: before anybody can look for it, before a checkpoint, after
        which nobody would work it out again, and before a way back, on which nobody would know it any more.
        """
        examples = self._training.examples
        if examples is not None and examples.has_marked:
            self._run.append(examples.take())
        self._examples_recorded = time.perf_counter()

    def put_late_examples(self, now: float) -> None:
        """The same, where the epochs have become long since."""
        examples = self._training.examples
        if examples is not None and examples.has_marked and now - self._examples_recorded >= _EXAMPLES_LATE:
            self.put_examples()

    def epoch_result(self, train_loss: float, validation: EvaluationResult | None) -> EpochResult:
        """What an epoch came to, and how long it took with all that belongs to its end."""
        seconds = self._speed.seconds
        before, self._seconds_before = self._seconds_before, seconds
        self.epoch_seconds.append(seconds - before)
        return EpochResult(
            self._training.epoch,
            self._training.step,
            train_loss,
            None if validation is None else validation.loss,
            None if validation is None else validation.accuracy,
            seconds,
            seconds - before,
            self._speed.earlier + seconds,
        )

    def evaluated(self, split: str, result: EvaluationResult, collector: Collector | None) -> AnyEvaluated | None:
        """An evaluation that somebody asked for, and what the network makes of every example; a test is counted."""
        training, readings = self._training, list[Reading]()
        if split == "test":
            training.test_uses += 1
            readings += remarks.scores("test", training.step, result)
            readings += remarks.test_used(training.step, training.test_uses)
        evaluated = None if collector is None else result_of(collector, training, split, result.loss)
        kept = None if evaluated is None else to_reading(evaluated)
        self._run.append(readings if kept is None else [*readings, kept])
        return evaluated
