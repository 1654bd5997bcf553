"""Takes a training forward, piece by piece, and writes down how it goes.

A piece is one batch, of training or of an evaluation, so that whoever drives it can listen to the user in between.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from nnviz.errors import NnvizError, NotFiniteError, TooLargeError, TrainingError
from nnviz.project.checks.memory import bytes_text
from nnviz.project.model import Curated
from nnviz.record.evaluated import AnyEvaluated, to_reading
from nnviz.record.quantities import COST, EPOCH, LEARNING_RATE, SPEED, STEPS_PER_SECOND, TRAINING_SECONDS
from nnviz.record.readings import Reading, Scalar
from nnviz.record.run import Run
from nnviz.train import origin as origins
from nnviz.train import remarks
from nnviz.train.checkpoint import Checkpoint
from nnviz.train.checkpoint_store import CheckpointStore
from nnviz.train.devices import fills_cores
from nnviz.train.evaluation import Collector, result_of
from nnviz.train.instruments import Instruments
from nnviz.train.live_settings import LiveSettings
from nnviz.train.loop import EvaluationResult
from nnviz.train.origin import Origin
from nnviz.train.position import EpochResult, Position, Speedometer
from nnviz.train.price import StepPrice
from nnviz.train.rewind import Rewind
from nnviz.train.running_evaluation import Evaluations
from nnviz.train.saving import Saving
from nnviz.train.test_use import uses_of
from nnviz.train.training import Training
from nnviz.train.unit_switches import UnitSwitches
from nnviz.train.weight_edits import WeightEdit

#: Seconds after which what waits on the device is fetched and the position is published.
_PUBLISH_EVERY = 0.05
#: Seconds between two readings of speed and cost.
_SPEED_EVERY = 0.5
#: Seconds between two checkpoints to go back to, while training and while going back.
_KEEP_EVERY = 2.0
_KEEP_EVERY_GOING_BACK = 0.1
#: Keeping them may take one part in this many of the time.
_KEEP_SHARE = 200
#: Epochs whose seconds are known.
_EPOCHS_TIMED = 20
_DIVIDED = (
    "The network is divided among several processes: the instruments that need whole weights or gradients are left "
    "out, and no states are kept in memory to go back to."
)


class Runner:
    """A training together with its instruments, its record and its way back.

    Belongs to the thread that owns the training; only ``position`` may be read on any other.

    Args:
        training: What is trained.
        instruments: Measure around each step.
        run: Takes what is measured.
        epochs: How far to train.
        keep_best: Put the best weights in at the end.
        store: Keeps checkpoints.
        on_epoch: Called at the end of each epoch.
        on_trouble: Called with what went wrong without ending the training.

    Attributes:
        training: What is trained.
        instruments: Measure around each step and at rest.
        steps_left: Single steps that were asked for and not made yet.
        speed: Examples trained a second, lately, and seconds of training altogether.
        position: Where it stands: frozen values, made anew about 20 times a second while it trains.
        trouble: Why it rests although nobody asked for it, until it goes on.
        epoch_seconds: Seconds that the latest epochs took, validation included.
        doing: What it is at, in words, for the sentence that says what there was no memory for.
    """

    def __init__(
        self,
        training: Training,
        instruments: Instruments,
        run: Run,
        *,
        epochs: int,
        keep_best: bool = False,
        store: CheckpointStore | None = None,
        on_epoch: Callable[[EpochResult], None] | None = None,
        on_trouble: Callable[[NnvizError], None] | None = None,
    ) -> None:
        self.training = training
        self.instruments = instruments
        training.epochs = epochs
        self.steps_left = 0
        self.speed = Speedometer()
        self._price = StepPrice()
        #: Seconds of training when the last epoch ended.
        self._seconds_before = 0.0
        #: Seconds of training that are in the run already, where it is gone on with.
        earlier = run.latest(TRAINING_SECONDS.series())
        self._seconds_earlier = earlier.value if isinstance(earlier, Scalar) else 0.0
        #: Takes what is measured; itself safe for any thread.
        self._run = run
        #: Whether the best weights are put in after the last epoch.
        self._keep_best = keep_best
        #: Called on this thread at the end of each epoch, and with what went wrong without ending the training.
        self._on_epoch = on_epoch
        self._on_trouble = on_trouble
        #: States in memory to go back to.
        self._rewind = Rewind()
        instruments.trials.kept = self._rewind.before
        #: What goes into the run's file. What is written lasts longer than what is not.
        self._saving = Saving(training, store, self._rewind.clear, on_trouble)
        #: Whether single steps are being made, the rest after them included.
        self._stepping = False
        #: The step that going back leads to, while it is under way.
        self._going_back_to: int | None = None
        #: The step that broke, while where it began is looked for on the way back to the one before it.
        self._broken_step: int | None = None
        #: Where it began, once that is found on the way.
        self._origin: Origin | None = None
        self.trouble: NotFiniteError | None = None
        #: The evaluation under way, and who waits for one.
        self._evaluations = Evaluations(training)
        #: The state of the training while the best weights stand in its place after the last epoch.
        self._before_best: Checkpoint | None = None
        #: When (seconds, ``perf_counter``) the position was made, the speed recorded and a state kept last.
        self._published = self._speed_recorded = self._kept = 0.0
        #: Seconds between two states to go back to.
        self._keep_every = _KEEP_EVERY
        #: Seconds that the latest epochs took.
        self.epoch_seconds: deque[float] = deque(maxlen=_EPOCHS_TIMED)
        self.doing = "measuring"
        training.room.tell = self._leave_out
        self.position = self._make_position()

    @property
    def epochs(self) -> int:
        """How far to train."""
        return self.training.epochs

    # -- asking -------------------------------------------------------------------------------------------------------

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, their validation as well."""
        training = self.training
        whole_epochs = training.between_epochs and not training.epoch_end_due
        return whole_epochs and training.epoch >= training.last_epoch

    @property
    def _ended_early(self) -> bool:
        """Whether early stopping has ended it."""
        return self.finished and self.training.epoch < self.epochs

    @property
    def has_errand(self) -> bool:
        """Whether something is to be done even while paused: single steps, going back, an evaluation."""
        return bool(self._stepping or self._going_back_to is not None or self._evaluations.wanted)

    @property
    def is_going_back(self) -> bool:
        """Whether the weights are those of a step on the way back to an earlier one."""
        return self._going_back_to is not None

    @property
    def halted(self) -> bool:
        """Whether a number is no longer finite: training rests, or will as soon as it is known where it began."""
        return self.trouble is not None or self._broken_step is not None

    # -- going on -----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """At the start: records the learning rate, measures everything, keeps the state to go back to."""
        step = self.training.step
        # What was looked at from outside, too.
        self.training.test_uses = max(self.training.test_uses, uses_of(self._run))
        self._saving.begin()
        self._run.append([Scalar(LEARNING_RATE.series(), step, self.training.learning_rate)])
        self._run.append(remarks.of_data(self.training))
        if self.training.is_divided:
            self._leave_out(_DIVIDED)
        self.instruments.measure_all(fixed=True)
        self.keep()
        self.publish()

    def advance(self) -> None:
        """One batch: of an evaluation that is wanted, of going back, or of training."""
        if self._evaluations.running is None:
            self._start_evaluation_if_due()
        evaluation = self._evaluations.running
        if evaluation is not None:
            self._price.rest()
            if not evaluation.advance():
                self._finish_evaluation()
        elif self._going_back_to is not None:
            self._price.rest()
            self._go_back_a_batch()
        elif not self.halted:
            self._train_a_batch()
        if self._stepping and not self.training.epoch_end_due and (self.steps_left == 0 or self.finished):
            self._end_steps()

    def rest(self, *, measure: bool = True) -> None:
        """Nothing more is to be done for now: everything measured is put into the run, and all is measured once more.

        Args:
            measure: False where nobody will look.
        """
        self.speed.stop()
        self.doing = "the instruments"
        self.instruments.flush()
        if measure:
            self.instruments.measure_all()
        self.instruments.examine()
        self.keep()
        self.publish()
        self.settle_down()

    def measure_on(self) -> None:
        """At rest: another piece of what the instruments have begun."""
        self.instruments.continue_measuring()
        if not self.instruments.busy:
            self.instruments.examine()
            self.publish()

    def settle_down(self) -> None:
        """Stops the clock and gives the global random state back, before waiting."""
        self._price.rest()
        if self.speed.running:
            self.speed.stop()
            self.publish()
        elif self.position.activity == "measuring" and not self.instruments.busy:
            self.publish()  # it was finished while something else was looked at
        self.training.random.release()

    def publish(self) -> None:
        """Fetches what waits on the device and makes a new position."""
        self.training.settle()
        self._published = time.perf_counter()
        if self._going_back_to is None and self.training.learning_rate != self._recorded_rate():
            self._run.append([Scalar(LEARNING_RATE.series(), self.training.step, self.training.learning_rate)])
        if self.speed.running and self._published - self._speed_recorded >= _SPEED_EVERY:
            self._speed_recorded = self._published
            step = self.training.step
            rate = self.speed.rate
            self._run.append(
                [
                    Scalar(SPEED.series(), step, rate),
                    Scalar(STEPS_PER_SECOND.series(), step, rate / self.training.step_size),
                    Scalar(COST.series(), step, self.instruments.cost),
                ]
            )
            self.instruments.examine_if_due()
        self.position = self._make_position()
        if self.training.spoilt_step is not None and not self.halted:
            self._break_down(self.training.spoilt_step)

    def stop_clock(self) -> None:
        """Something else is done on this thread for a while; nothing is told of it."""
        self._price.rest()
        self.speed.stop()

    # -- what may be asked for ----------------------------------------------------------------------------------------

    def take_steps(self, count: int) -> None:
        """Train this many batches, even while paused.

        Raises:
            TrainingError: All epochs are done.
        """
        self.refuse_if_finished()
        self.leave_best()
        self.leave_trouble()
        self.save_what_was_put_off()
        self.keep()
        if self.halted:
            return
        self.steps_left += count
        self._stepping = True

    def cancel_steps(self) -> None:
        """Forget the steps that were asked for and not made yet."""
        self.steps_left = 0
        self._stepping = False

    def refuse_if_finished(self) -> None:
        """Raises TrainingError, saying what helps, when all epochs are done; after early stopping it goes on."""
        if self._ended_early:
            self.training.go_on_after_stopping()
        if self.finished:
            raise TrainingError(f"All {self.epochs} epochs are done: set a higher number of epochs to go on.")

    def step_back(self) -> None:
        """To the state before the last step, bit for bit on the CPU; what was recorded after it is dropped.

        Raises:
            TrainingError: There is no earlier step that can be reached.
        """
        present = self.training.step if self._going_back_to is None else self._going_back_to
        if present == 0:
            raise TrainingError("This is the first step: there is nothing before it.")
        self.go_back(present - 1)

    def go_back(self, target: int) -> None:
        """To the state after an earlier step, as :meth:`step_back` does.

        Raises:
            TrainingError: It cannot be reached, or is not an earlier one.
        """
        present = self.training.step if self._going_back_to is None else self._going_back_to
        if not 0 <= target <= present:
            raise TrainingError(f"Step {target} is not behind the present one, {present}.")
        checkpoint = self._rewind.before(target)
        if checkpoint is None:
            size = self.training.state_bytes
            raise TrainingError(
                f"Step {target} cannot be reached any more."
                if self._rewind.fits(size)
                else f"This network is too large to go back: one state of it takes {bytes_text(size)}."
            )
        self.cancel_steps()
        self._broken_step = self._origin = self.trouble = None
        self._before_best = None
        self._evaluations.drop()  # which began with other weights
        self.instruments.go_back(target)
        # From where going back is already, it may be nearer.
        if not self.training.replaying or checkpoint.progress.step > self.training.step or self.training.step > target:
            self.training.go_back(checkpoint, target)
        else:
            self.training.go_back(self.training.capture(), target)
        self._rewind.forget_after(target)
        self._run.rewind(target)
        self._saving.changed()
        self._going_back_to = target
        self._kept = time.perf_counter()

    def set_learning_rate(self, value: float) -> None:
        """From the next step on."""
        before = self.training.base_rate
        self.training.learning_rate = value
        self._run.append([Scalar(LEARNING_RATE.series(), self._shown_step, self.training.learning_rate)])
        self._record_changes()
        if self.training.base_rate != before:
            self._keep_what_was_set()

    def set_epochs(self, count: int, *, beyond: bool = False) -> None:
        """How far to train.

        Args:
            count: To so many epochs.
            beyond: They are more than the project says, which a checkpoint is to remember.
        """
        training = self.training
        before = training.epochs, training.goes_beyond
        training.epochs, training.goes_beyond = count, beyond
        self._record_changes()
        if (training.epochs, training.goes_beyond) != before:
            self._keep_what_was_set()
        self.publish()

    def take_on(self, settings: LiveSettings) -> None:
        """Other settings of optimizer and layers from the next step on, written down in the run.

        Raises:
            ParamError: One is not allowed; nothing was changed.
            TrainingError: The network is divided among several processes.
        """
        before = self.training.live_settings
        self.training.take_on(settings)
        if self._going_back_to is None and self._rewind.steps[-1:] == [self.training.step]:
            self._keep_state()
        if self.training.live_settings != before:
            self._keep_what_was_set()
        self._record_changes()
        if not self.speed.running and not self.has_errand:
            self.instruments.look_anew()  # what stands there is explained, and tried, with the settings of now
            self.publish()

    def _keep_what_was_set(self) -> None:
        """The state of this step is another one: where it rests, that is kept once nobody sets anything any more."""
        self._saving.changed()
        if not self.speed.running and not self.has_errand and self.training.step:
            self._saving.put_off = self._saving.put_off or "pause"

    def curate(self, entries: Sequence[Curated]) -> str:
        """Other decisions about single examples, from the next epoch on, written down in the run.

        Returns:
            What could not be done, as a sentence; empty where all was.
        """
        remark = self.training.curate(entries)
        self._record_changes()
        return remark

    def _record_changes(self) -> None:
        """What was changed by hand at this step, in place of what the run says of it."""
        step = self._shown_step
        self._run.append(remarks.changed(self.training.changes_at(step), step, self._run))

    def switch_units(self, switches: UnitSwitches) -> None:
        """Switches units off or freezes them from the next step on, writes down which, and measures anew.

        Raises:
            ParamError: There is no such unit; nothing was changed.
            TrainingError: Training is on its way back to an earlier step.
        """
        if self._going_back_to is not None:
            raise TrainingError(f"Training is on its way back to step {self._going_back_to}: switch units after that.")
        before = self.training.switches
        self.instruments.flush()
        self.training.switch_units(switches)
        self._evaluations.drop()  # which began with other units
        self.instruments.look_anew()
        if self._rewind.steps[-1:] == [self.training.step]:
            self._keep_state()
        self._saving.changed()
        self._run.append(
            [
                remarks.unit_switched(self.training.step, unit, what, unit in now)
                for what, old, now in (("off", before.off, switches.off), ("frozen", before.frozen, switches.frozen))
                for unit in sorted(old ^ now)
            ]
        )
        if self.speed.running:
            self.instruments.show_weights()
            self.publish()
        elif not self.has_errand:
            self.rest()
            self._saving.put_off = "pause" if self.training.step else "edit"  # as after weights that were set by hand

    def evaluate_test(self, answer: Future[EvaluationResult]) -> None:
        """Asks for an evaluation of the test split; it is counted and recorded.

        Raises:
            DataError: There are no test examples.
        """
        self._evaluations.want("test", answer, each=False)

    def evaluate(self, split: str, answer: Future[AnyEvaluated]) -> None:
        """Asks for what the network makes of every example of a split; it is recorded, and a test is counted.

        Raises:
            DataError: There are no such examples, or nobody knows what is right of them.
        """
        self._evaluations.want(split, answer, each=True)

    def use_best(self) -> None:
        """Puts the weights of the best epoch in; training would go on from them.

        Raises:
            TrainingError: There was no validation yet.
        """
        training = self.training
        if training.best is None:
            raise TrainingError("There are no best weights yet: they are kept at the end of each epoch.")
        self.leave_trouble()
        self._evaluations.drop()  # which began with other weights
        training.use_best()
        self._before_best = None
        self._rewind.clear()
        self._saving.changed()
        self.instruments.look_from_here()
        self._run.append([remarks.best_put_back(self.training)])

    def edit_weights(self, write: Callable[[Training], WeightEdit]) -> None:
        """Numbers of the network are set by hand, or such an edit is undone: it is recorded, and measured anew.

        Where the best weights stand in the place of the last ones, training will go on from them as they are then.

        Args:
            write: Does it.

        Raises:
            TrainingError: There is nothing to undo, or training is on its way back to an earlier step.
            ParamError: There is no such number; nothing was changed.
        """
        if self._going_back_to is not None:
            raise TrainingError(f"Training is on its way back to step {self._going_back_to}: set weights after that.")
        self.instruments.flush()
        edit = write(self.training)
        if self._before_best is not None:
            self._before_best = None
            self._rewind.clear()
        self._evaluations.drop()  # which began with other weights
        self.instruments.look_anew()
        self._run.append(remarks.edited(self.training, edit))
        if self._rewind.steps[-1:] == [self.training.step]:
            self._keep_state()
        self._saving.changed()
        if self.speed.running:
            self.instruments.show_weights()
            self.publish()
        elif not self.has_errand:
            self.rest()
            # A hand that drags edits many times a second: kept when it rests. Before the first step no state is kept.
            self._saving.put_off = "pause" if self.training.step else "edit"

    def leave_best(self) -> None:
        """Training goes on: from where it was, not from the best weights that were put in at the end."""
        if self._before_best is not None:
            checkpoint, self._before_best = self._before_best, None
            self._evaluations.drop()  # which began with other weights
            self.training.go_back(checkpoint, checkpoint.progress.step)
            self.instruments.go_back(checkpoint.progress.step)

    def leave_trouble(self) -> None:
        """Training is to go on although it broke; where nothing has changed it will break again."""
        if self.trouble is not None:
            self._run.append([remarks.mended(self.training.step, self._run)])
        self.trouble = None

    def complete(self) -> None:
        """All epochs are done: keeps the last state, and puts the best weights in where that is wanted."""
        self.save("done")
        training = self.training
        averaged = training.shown_network is not training.network
        best = self._keep_best and training.best is not None
        if self._ended_early:
            self._run.append([remarks.ended_early(training)])
        if averaged or (best and training.best_epoch < training.epoch):
            self.keep()
            if not training.room.allows(training.state_bytes, "The best weights are not put back"):
                return
            self._before_best = training.capture()
            if best:
                training.use_best()
                self._run.append([remarks.best_put_back(training)])
            else:
                training.use_average()
                self._run.append([remarks.average_put_in(training)])

    def abandon(self, reason: Exception) -> None:
        """Nothing more will be done: whoever waits for an evaluation gets that as its answer."""
        self._evaluations.abandon(reason)

    # -- keeping ------------------------------------------------------------------------------------------------------

    def keep(self) -> None:
        """Keeps the state in memory, to go back to."""
        if self._before_best is not None or self.training.replaying or self.training.is_divided:
            return
        if self._rewind.steps[-1:] != [self.training.step]:
            began = time.perf_counter()
            if not self.training.is_finite:
                self._kept = time.perf_counter()
                if not self.halted:
                    self._break_down(self.training.step + 1)
                return
            self._keep_state()
            self._kept = time.perf_counter()
            self._keep_every = max(_KEEP_EVERY, _KEEP_SHARE * (self._kept - began))

    def save(self, tag: str, *, last: bool = False) -> None:
        """Keeps the state in the run's file, unless it is there already; a full disk does not end the training.

        A state that is not finite, or from which the next step is known not to be, is not kept: what the file holds is
        the last from which training can go on.

        The training does not wait for the disk. Where the disk is slow, a newer state takes the place of one that still
        waits, with the best weights so far in it; at most two are in memory, of which one is being written. Where there
        is room for only one, a newer state is put off until that is written (``has_checkpoint_to_save``).

        Args:
            tag: Why it is kept, see :class:`CheckpointStore`.
            last: Nothing comes after it: wait for the disk rather than put it off.
        """
        self._saving.put_off = ""
        if not self._saving.is_wanted or self.training.replaying or self.halted:
            return
        before, self.doing = self.doing, "keeping a checkpoint"
        self._saving.save(self._state_to_save, tag, last=last)
        self.doing = before

    def _state_to_save(self) -> Checkpoint:
        if self._before_best is None:
            return self.training.capture(copied=False)  # written down at once, so the live tensors need no copy
        return self.training.with_what_was_set(self._before_best)

    @property
    def has_checkpoint_to_save(self) -> bool:
        """Whether one was put off; :meth:`save_what_was_put_off` asks again, which need not be often."""
        return bool(self._saving.put_off)

    def save_what_was_put_off(self) -> None:
        """Keeps the state that could not be kept beside the one being written, once that is on the disk."""
        if self._saving.put_off and not self._saving.is_writing:
            self.save(self._saving.put_off)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _keep_state(self) -> None:
        """Puts the present state among those to go back to, if it fits there and into memory."""
        if self._before_best is not None:
            return  # The last state is there as it was; what stands in its place is no state of the way.
        size = self.training.state_bytes
        if self._rewind.fits(size) and self.training.room.allows(size, "Going back is limited to states kept so far"):
            self._rewind.add(self.training.capture())

    def _leave_out(self, sentence: str) -> None:
        """There is no room for a copy: said where findings are shown, and to whoever listens."""
        self._run.append([remarks.left_out(self.training.step, sentence)])
        if self._on_trouble is not None:
            self._on_trouble(TooLargeError(sentence))

    @property
    def _shown_step(self) -> int:
        return self.training.step if self._going_back_to is None else self._going_back_to

    def _train_a_batch(self) -> None:
        self.speed.start()
        self.doing = "a step"
        last = self._is_last_step
        self._price.begin(time.perf_counter())
        try:
            self.speed.count(self.instruments.advance(forced=self._stepping and last))
        except NotFiniteError as error:
            self._break_down(error.step)
            return
        self._price.trained(self.instruments.bare_seconds, self.instruments.computed_seconds)
        now = time.perf_counter()
        # After the last step comes rest, which publishes what is measured then as well.
        if now - self._published >= _PUBLISH_EVERY and not last:
            self.publish()
        if now - self._kept >= self._keep_every:
            self.keep()
        self.steps_left = max(0, self.steps_left - 1)

    @property
    def _is_last_step(self) -> bool:
        training = self.training
        ends_epoch = training.epoch_plan.at(training.step + 1).batch == 0
        return self.steps_left == 1 or (ends_epoch and training.epoch + 1 >= self.epochs)

    def _end_steps(self) -> None:
        self.cancel_steps()
        self.rest()

    def _go_back_a_batch(self) -> None:
        training = self.training
        if training.replaying:
            try:
                training.advance()
            except NotFiniteError as error:  # A GPU may take another way than the first time.
                self._going_back_to = None
                self._conclude(Origin(error.step, training.network.output_id, "loss", "not finite"))
                return
            if self._broken_step is not None and self._origin is None:
                self._origin = origins.of_last_update(training)
                if self._origin is not None:
                    self._return_to(training.step - 1)
                    return
            now = time.perf_counter()
            if now - self._kept >= _KEEP_EVERY_GOING_BACK:
                if training.is_finite:
                    self._keep_state()
                self._kept = time.perf_counter()
                self.publish()
        if not training.replaying and not training.epoch_end_due:
            self._going_back_to = None
            if self._broken_step is not None:
                self._conclude(self._origin or origins.of_next_batch(training))
                return
            if training.learning_rate != self._recorded_rate():
                self._run.append([Scalar(LEARNING_RATE.series(), training.step, training.learning_rate)])
            self._record_changes()
            self.rest()

    # -- what is not finite -------------------------------------------------------------------------------------------

    def _break_down(self, step: int) -> None:
        """The loss of a step is not finite, or what it began with: rests before it, and finds out where it began."""
        training = self.training
        self.cancel_steps()
        self._evaluations.drop()
        self.instruments.flush()
        if self._run.last_step > step:  # A GPU had begun the next one already.
            self._run.rewind(step)
        self._broken_step, self._origin = step, None
        if training.is_divided:
            self._conclude(self._unknown_origin(step, "train"))
            return
        stands_there = training.step == step - 1 and training.a_forward_pass_leaves_no_trace and training.is_finite
        if stands_there or not self._return_to(step - 1):
            self._conclude(origins.of_next_batch(training))

    def _return_to(self, step: int) -> bool:
        """Sets out for an earlier step without taking back what was recorded; False where it cannot be reached."""
        checkpoint = self._rewind.before(step)
        if checkpoint is None:
            return False
        self.instruments.go_back(step)
        self.training.go_back(checkpoint, step)
        self._rewind.forget_after(step)
        self._going_back_to = step
        self._kept = time.perf_counter()
        return True

    def _unknown_origin(self, step: int, split: str) -> Origin:
        """Where each process holds a part of the numbers, nobody looks for the first one that was not finite."""
        return Origin(step, self.training.network.output_id, "loss", "not finite", split)

    def _conclude(self, origin: Origin) -> None:
        """It is known where it began: says so and rests."""
        training = self.training
        self._broken_step = self._origin = None
        node = training.network.graph.nodes[origin.node]
        restored = training.step if training.is_finite else None
        self.trouble = origin.error(node.name or node.id, training.learning_rate, restored)
        self._run.append([remarks.not_finite(training, origin, self._last_good_step(origin))])
        self.rest()
        if self._on_trouble is not None:
            self._on_trouble(self.trouble)

    def _last_good_step(self, origin: Origin) -> int | None:
        """Where to begin again more slowly: the last step that can be reached and was not yet on the way out."""
        if origin.split != "train":
            return None
        target = remarks.last_good_step(self._run, origin.step)
        return target if target is not None and self._rewind.before(target) is not None else None

    def _recorded_rate(self) -> float:
        """Asked at every publication, and a schedule makes the series long: only its end is looked at."""
        found = self._run.latest(LEARNING_RATE.series())
        return found.value if isinstance(found, Scalar) else math.nan

    def _start_evaluation_if_due(self) -> None:
        if not self._evaluations.start_if_due(going_back=self._going_back_to is not None):
            return
        self.doing = f"measuring on the {self._evaluations.split} split"
        self.instruments.flush()
        self.publish()

    def _finish_evaluation(self) -> None:
        ended = self._evaluations.end()
        result, split = ended.result, ended.split
        if ended.asked_for:
            self._finish_wanted(split, result, ended.collector)
        else:
            self._finish_epoch(result if result.count else None)
        self.publish()
        # What training examples do to the network, the next step finds out.
        going_on = self._going_back_to is None and not self.halted and split != "train"
        if going_on and result.count and not math.isfinite(result.loss):
            if self.training.is_divided:
                self._conclude(self._unknown_origin(self.training.step, split))
            elif self.training.is_finite:
                self._conclude(origins.of_evaluation(self.training, ended.evaluation, split))
            else:
                self._break_down(self.training.step + 1)

    def _finish_wanted(self, split: str, result: EvaluationResult, collector: Collector | None) -> None:
        training, readings = self.training, list[Reading]()
        if split == "test":
            training.test_uses += 1
            readings += remarks.scores("test", training.step, result)
            readings += remarks.test_used(training.step, training.test_uses)
        evaluated = None if collector is None else result_of(collector, training, split, result.loss)
        kept = None if evaluated is None else to_reading(evaluated)
        self._run.append(readings if kept is None else [*readings, kept])
        self._evaluations.answer(split, result, evaluated)

    def _finish_epoch(self, validation: EvaluationResult | None) -> None:
        training = self.training
        train_loss = training.epoch_loss
        training.finish_epoch(validation)
        if self._going_back_to is not None:
            return  # It was recorded when it happened first.
        step, epoch = training.step, training.epoch
        readings: list[Reading] = [Scalar(EPOCH.series(), step, float(epoch))]
        if validation is not None:
            readings += remarks.scores("validation", step, validation)
        examples = training.examples
        if examples is not None and (examples.is_recorded(epoch) or epoch >= training.last_epoch):
            readings += examples.readings(step)
        readings.append(Scalar(TRAINING_SECONDS.series(), step, self._seconds_earlier + self.speed.seconds))
        self.instruments.flush()
        self._run.append(readings)
        self.instruments.examine_if_due()
        self.keep()
        if self._saving.epoch_may_be_saved:
            self.save(self._saving.next_tag())
        seconds = self.speed.seconds
        before, self._seconds_before = self._seconds_before, seconds
        self.epoch_seconds.append(seconds - before)
        if self._on_epoch is not None:
            self._on_epoch(
                EpochResult(
                    epoch,
                    step,
                    train_loss,
                    None if validation is None else validation.loss,
                    None if validation is None else validation.accuracy,
                    seconds,
                    seconds - before,
                )
            )

    def _make_position(self) -> Position:
        training = self.training
        rate = self.speed.rate
        last = training.last_epoch if self.finished else self.epochs
        steps = training.epoch_plan.step_of(last)
        left = max(0, steps - training.step) * training.step_size
        activity = "going back" if self._going_back_to is not None else self._evaluations.split
        if not activity and not self.speed.running and self.instruments.busy:
            activity = "measuring"
        undoable, redoable = training.edits.undoable, training.edits.redoable
        return Position(
            epoch=training.epoch,
            step=self._shown_step,
            steps_per_epoch=training.steps_per_epoch,
            epochs=self.epochs,
            steps=training.epoch_plan.step_of(self.epochs),
            batch_size=training.batch_size,
            samples_per_second=rate,
            eta_seconds=left / rate if rate > 0 else math.nan,
            device=str(training.device),
            probe_cost=self.instruments.cost,
            # On a GPU a step is not waited for, so that nothing is known of how long one takes alone.
            step_price=self._price.factor if training.device.type == "cpu" else math.nan,
            train_count=len(training.data.train),
            validation_count=len(training.data.validation),
            test_count=len(training.data.test),
            test_uses=training.test_uses,
            learning_rate=training.learning_rate,
            edits=training.edits.count,
            switches=training.times_switched,
            undoable_edit="" if undoable is None else undoable.where(training.network.name_of),
            redoable_edit="" if redoable is None else redoable.where(training.network.name_of),
            activity=activity,
            fills_cores=fills_cores(training.device),
        )
