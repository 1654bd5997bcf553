"""Takes a training forward, piece by piece, and writes down how it goes.

A piece is one batch, of training or of an evaluation, so that whoever drives it can listen to the user in between.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from nnviz.errors import NnvizError, NotFiniteError, TooLargeError, TrainingError
from nnviz.project.model import Curated
from nnviz.record.evaluated import AnyEvaluated, outdated
from nnviz.record.run import Run
from nnviz.train import origin as origins
from nnviz.train import remarks
from nnviz.train.breakdown import Breakdown
from nnviz.train.changes_by_hand import ChangesByHand
from nnviz.train.checkpoint_store import CheckpointStore
from nnviz.train.instruments import Instruments
from nnviz.train.journal import Journal
from nnviz.train.kept_states import KeptStates
from nnviz.train.live_settings import LiveSettings
from nnviz.train.loop import EvaluationResult
from nnviz.train.origin import Origin
from nnviz.train.position import EpochResult, Position, Speedometer
from nnviz.train.position_of import position_of
from nnviz.train.price import StepPrice
from nnviz.train.running_evaluation import Evaluations
from nnviz.train.saving import Saving
from nnviz.train.training import Training
from nnviz.train.unit_switches import UnitSwitches
from nnviz.train.way_back import WayBack
from nnviz.train.weight_edits import WeightEdit

#: Seconds after which what waits on the device is fetched and the position is published.
_PUBLISH_EVERY = 0.05
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
        states: Those that it can go back to.
        steps_left: Single steps that were asked for and not made yet.
        speed: Examples trained a second, lately, and seconds of training altogether.
        position: Where it stands: frozen values, made anew about 20 times a second while it trains.
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
        #: Takes what is measured; itself safe for any thread.
        self._run = run
        #: Whether the best weights are put in after the last epoch.
        self._keep_best = keep_best
        #: Called on this thread at the end of each epoch, and with what went wrong without ending the training.
        self._on_epoch = on_epoch
        self._on_trouble = on_trouble
        #: What is written down on the way.
        self._journal = Journal(training, instruments, run, self.speed)
        self.states = KeptStates(training)
        instruments.trials.kept = self.states.rewind.before
        #: What goes into the run's file. What is written lasts longer than what is not.
        self._saving = Saving(training, store, self.states.rewind.clear, on_trouble, run.states_held)
        #: Whether single steps are being made, the rest after them included.
        self._stepping = False
        #: The way back to an earlier step.
        self._way = WayBack(training, instruments, self.states)
        #: What is known of a number that is no longer finite.
        self._breakdown = Breakdown(training, run, self.states)
        #: The evaluation under way, and who waits for one.
        self._evaluations = Evaluations(training)
        self._by_hand = ChangesByHand(
            training, instruments, run, self._journal, self.states, self._way, self._evaluations, self._saving
        )
        #: When (seconds, ``perf_counter``) the position was made last.
        self._published = 0.0
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
        return self.training.finished

    @property
    def _ended_early(self) -> bool:
        """Whether early stopping has ended it."""
        return self.finished and self.training.epoch < self.epochs

    @property
    def has_errand(self) -> bool:
        """Whether something is to be done even while paused: single steps, going back, an evaluation."""
        return bool(self._stepping or self._way.is_under_way or self._evaluations.wanted)

    @property
    def is_going_back(self) -> bool:
        """Whether the weights are those of a step on the way back to an earlier one."""
        return self._way.is_under_way

    @property
    def halted(self) -> bool:
        """Whether a number is no longer finite: training rests, or will as soon as it is known where it began."""
        return self._breakdown.halts

    @property
    def trouble(self) -> NotFiniteError | None:
        """Why it rests although nobody asked for it, until it goes on."""
        return self._breakdown.trouble

    @property
    def epoch_seconds(self) -> Sequence[float]:
        """Seconds that the latest epochs took, validation included."""
        return self._journal.epoch_seconds

    # -- going on -----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """At the start: records the learning rate, measures everything, keeps the state to go back to."""
        self._saving.begin()
        self._journal.begin()
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
        elif self._way.is_under_way:
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
        self._journal.put_examples()
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
            self._journal.put_examples()
            self.publish()
        elif self.position.activity == "measuring" and not self.instruments.busy:
            self.publish()  # it was finished while something else was looked at
        self.training.random.release()

    def publish(self) -> None:
        """Fetches what waits on the device and makes a new position."""
        self.training.settle()
        self._published = time.perf_counter()
        if not self._way.is_under_way:
            self._journal.rate_if_new()
        self._journal.speed_if_due(self._published)
        self._journal.put_late_examples(self._published)
        self.position = self._make_position()
        if self.training.spoilt_step is not None and not self.halted:
            self.break_down(self.training.spoilt_step)

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
        present = self._way.shown_step
        if present == 0:
            raise TrainingError("This is the first step: there is nothing before it.")
        self.go_back(present - 1)

    def go_back(self, target: int) -> None:
        """To the state after an earlier step, as :meth:`step_back` does.

        Raises:
            TrainingError: It cannot be reached, or is not an earlier one.
        """
        checkpoint = self._way.nearest(target)
        self._journal.put_examples()
        self.cancel_steps()
        self._breakdown.forget()
        self.states.before_best = None
        self._evaluations.drop()  # which began with other weights
        self._way.set_out(target, checkpoint)
        self._run.rewind(target)
        self._saving.changed()

    def set_learning_rate(self, value: float) -> None:
        """From the next step on."""
        if self._by_hand.set_learning_rate(value):
            self._keep_what_was_set()

    def set_epochs(self, count: int, *, beyond: bool = False) -> None:
        """How far to train.

        Args:
            count: To so many epochs.
            beyond: They are more than the project says, which a checkpoint is to remember.
        """
        if self._by_hand.set_epochs(count, beyond=beyond):
            self._keep_what_was_set()
        self.publish()

    def take_on(self, settings: LiveSettings) -> None:
        """Other settings of optimizer and layers from the next step on, written down in the run.

        Raises:
            ParamError: One is not allowed; nothing was changed.
        """
        if self._by_hand.take_on(settings):
            self._keep_what_was_set()
        if not self.speed.running and not self.has_errand:
            self.instruments.look_anew()  # what stands there is explained, and tried, with the settings of now
            self.publish()

    def curate(self, entries: Sequence[Curated]) -> str:
        """Other decisions about single examples, from the next epoch on, written down in the run.

        Returns:
            What could not be done, as a sentence; empty where all was.
        """
        if self._by_hand.curate(entries):
            self._keep_what_was_set()
        return self.training.coming.curation_remark

    def switch_units(self, switches: UnitSwitches) -> None:
        """Switches units off or freezes them from the next step on, writes down which, and measures anew.

        Raises:
            ParamError: There is no such unit; nothing was changed.
            TrainingError: Training is on its way back to an earlier step.
        """
        self._by_hand.switch_units(switches)
        self._show_what_changed()

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
        training.weights.use_best()
        self.states.forget()
        self._saving.changed()
        self.instruments.look_from_here()
        self._run.append([remarks.best_put_back(self.training), *outdated(self._run, training.step)])

    def edit_weights(self, write: Callable[[Training], WeightEdit]) -> None:
        """Numbers of the network are set by hand, or such an edit is undone: it is recorded, and measured anew.

        Where the best weights stand in the place of the last ones, training will go on from them as they are then.

        Args:
            write: Does it.

        Raises:
            TrainingError: There is nothing to undo, or training is on its way back to an earlier step.
            ParamError: There is no such number; nothing was changed.
        """
        self._by_hand.edit_weights(write)
        self._show_what_changed()

    def leave_best(self) -> None:
        """Training goes on: from where it was, not from the best weights that were put in at the end."""
        checkpoint, self.states.before_best = self.states.before_best, None
        if checkpoint is not None:
            self._evaluations.drop()  # which began with other weights
            self.training.go_back(checkpoint, checkpoint.progress.step)
            self.instruments.go_back(checkpoint.progress.step)
            self._run.append(remarks.put_in_no_longer(self.training.step, self._run))

    def leave_trouble(self) -> None:
        """Training is to go on although it broke; where nothing has changed it will break again."""
        self._breakdown.leave()

    def complete(self) -> None:
        """All epochs are done: keeps the last state, and puts the best weights in where that is wanted."""
        self.save("done")
        training = self.training
        averaged = training.shows_average
        best = self._keep_best and training.best is not None
        if self._ended_early:
            self._run.append([remarks.ended_early(training)])
        if averaged or (best and training.best_epoch < training.epoch):
            self.keep()
            if not training.room.allows(training.state_bytes, "The best weights are not put back"):
                return
            self.states.before_best = training.capture()
            if best:
                training.weights.use_best()
                self._run.append([remarks.best_put_back(training)])
            else:
                training.weights.use_average()
                self._run.append([remarks.average_put_in(training)])
            self._run.append(outdated(self._run, training.step))

    def abandon(self, reason: Exception) -> None:
        """Nothing more will be done: whoever waits for an evaluation gets that as its answer."""
        self._evaluations.abandon(reason)

    # -- keeping ------------------------------------------------------------------------------------------------------

    def keep(self) -> None:
        """Keeps the state in memory, to go back to."""
        if not self.states.keep() and not self.halted:
            self.break_down(self.training.step + 1)

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
        self._journal.put_examples()
        self._saving.save(self.states.to_save, tag, last=last)
        self.doing = before

    @property
    def has_checkpoint_to_save(self) -> bool:
        """Whether one was put off; :meth:`save_what_was_put_off` asks again, which need not be often."""
        return bool(self._saving.put_off)

    def save_what_was_put_off(self) -> None:
        """Keeps the state that could not be kept beside the one being written, once that is on the disk."""
        if self._saving.put_off and not self._saving.is_writing:
            self.save(self._saving.put_off)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _leave_out(self, sentence: str) -> None:
        """There is no room for a copy: said where findings are shown, and to whoever listens."""
        self._run.append([remarks.left_out(self.training.step, sentence)])
        if self._on_trouble is not None:
            self._on_trouble(TooLargeError(sentence))

    def _keep_what_was_set(self) -> None:
        """The state of this step is another one: where it rests, that is kept once nobody sets anything any more."""
        if not self.speed.running and not self.has_errand and self.training.step:
            self._saving.put_off = self._saving.put_off or "pause"

    def _show_what_changed(self) -> None:
        """Other numbers, or other units: while training what the cards show, at rest everything."""
        if self.speed.running:
            self.instruments.show_weights()
            self.publish()
        elif not self.has_errand:
            self.rest()
            # A hand that drags edits many times a second: kept when it rests. Before the first step no state is kept.
            self._saving.put_off = "pause" if self.training.step else "edit"

    def _train_a_batch(self) -> None:
        self.speed.start()
        self.doing = "a step"
        last = self._is_last_step
        self._price.begin(time.perf_counter(), time.process_time())
        try:
            self.speed.count(self.instruments.advance(forced=self._stepping and last))
        except NotFiniteError as error:
            self.break_down(error.step)
            return
        self._price.trained(self.instruments.bare_seconds, self.instruments.computed_seconds)
        now = time.perf_counter()
        # After the last step comes rest, which publishes what is measured then as well.
        if now - self._published >= _PUBLISH_EVERY and not last:
            self.publish()
        if self.states.is_due(now):
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
                self._way.end()
                self._conclude(self._breakdown.unknown(error.step))
                return
            if self._breakdown.look():
                self._way.return_to(training.step - 1)
                return
            now = time.perf_counter()
            if self.states.is_due_going_back(now):
                if training.is_finite:
                    self.states.put()
                self.states.start_clock()
                self.publish()
        if not training.replaying and not training.epoch_end_due:
            self._way.end()
            if self._breakdown.is_looked_into:
                self._conclude()
                return
            self._journal.rate_if_new()
            self._journal.changes(training.step)
            self.rest()

    # -- what is not finite -------------------------------------------------------------------------------------------

    def break_down(self, step: int) -> None:
        """The loss of a step is not finite, or what it began with: rests before it, and finds out where it began."""
        training = self.training
        self._journal.put_examples()
        self.cancel_steps()
        self._evaluations.drop()
        self.instruments.flush()
        self._breakdown.begin(step)
        if training.is_divided:
            self._conclude(self._breakdown.unknown(step))
            return
        stands_there = training.step == step - 1 and training.a_forward_pass_leaves_no_trace and training.is_finite
        if stands_there or not self._way.return_to(step - 1):
            self._conclude()

    def _conclude(self, origin: Origin | None = None) -> None:
        """It is known where it began, or is looked for in the batch that comes next: says so and rests."""
        trouble = self._breakdown.conclude(origin)
        self.rest()
        if self._on_trouble is not None:
            self._on_trouble(trouble)

    # -- evaluations --------------------------------------------------------------------------------------------------

    def _start_evaluation_if_due(self) -> None:
        if not self._evaluations.start_if_due(going_back=self._way.is_under_way):
            return
        self.doing = f"measuring on the {self._evaluations.split} split"
        self.instruments.flush()
        self.publish()

    def _finish_evaluation(self) -> None:
        ended = self._evaluations.end()
        result, split = ended.result, ended.split
        if ended.asked_for:
            self._evaluations.answer(split, result, self._journal.evaluated(split, result, ended.collector))
        else:
            self._finish_epoch(result if result.count else None)
        self.publish()
        # What training examples do to the network, the next step finds out.
        going_on = not self._way.is_under_way and not self.halted and split != "train"
        if going_on and result.count and not math.isfinite(result.loss):
            if self.training.is_divided:
                self._conclude(self._breakdown.unknown(self.training.step, split))
            elif self.training.is_finite:
                self._conclude(origins.of_evaluation(self.training, ended.evaluation, split))
            else:
                self.break_down(self.training.step + 1)

    def _finish_epoch(self, validation: EvaluationResult | None) -> None:
        training = self.training
        train_loss = training.epoch_loss
        training.finish_epoch(validation)
        if self._way.is_under_way:
            return  # It was recorded when it happened first.
        self._journal.epoch(validation)
        self.keep()
        if self._saving.epoch_may_be_saved:
            self.save(self._saving.next_tag())
        result = self._journal.epoch_result(train_loss, validation)
        if self._on_epoch is not None:
            self._on_epoch(result)

    def _make_position(self) -> Position:
        # At rest an evaluation that an epoch's end has begun waits until training goes on.
        evaluates = self.speed.running or self.has_errand
        activity = "going back" if self._way.is_under_way else self._evaluations.split if evaluates else ""
        if not activity and not self.speed.running and self.instruments.busy:
            activity = "measuring"
        return position_of(
            self.training,
            self.instruments,
            step=self._way.shown_step,
            finished=self.finished,
            rate=self.speed.rate,
            price=self._price.factor,
            activity=activity,
        )
