"""What can be asked of a training, done at once: play, pause, steps, ways back, edits and other settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TypeVar

from nnviz.errors import DataError, ParamError, TrainingError
from nnviz.project.model import Curated
from nnviz.record.evaluated import AnyEvaluated
from nnviz.record.interest import Interest
from nnviz.train.announcements import Announcements
from nnviz.train.checkpoint import Checkpoint
from nnviz.train.live_settings import LiveSettings
from nnviz.train.loop import EvaluationResult
from nnviz.train.position import SessionState
from nnviz.train.runner import Runner
from nnviz.train.step_times import StepTimes
from nnviz.train.sub_steps import SubStep
from nnviz.train.training import Training
from nnviz.train.unit_switches import UnitSwitches
from nnviz.train.weight_edits import WeightEdit

_Result = TypeVar("_Result")


class Controls:
    """The runner and the state that its session is in. Every method is called on the owner's thread, between batches.

    What each of them does for whoever asks stands at the method of the same name of
    :class:`nnviz.train.session.TrainingSession`.

    Args:
        announcements: Says which state the session is in, and what cannot be done.

    Attributes:
        runner: The training with all around it, once it is prepared; read by any thread for its position.
        sub_step: Which part of a step that is taken apart was done last; read by any thread.
        step_times: When the next step may begin.
    """

    def __init__(self, announcements: Announcements) -> None:
        self.runner: Runner | None = None
        self.sub_step: SubStep | None = None
        self.step_times = StepTimes()
        self._said = announcements
        #: Epochs after whose validation it rests; None where it goes on.
        self._rests_after: int | None = None

    @property
    def prepared(self) -> Runner:
        """The training with all around it.

        Raises:
            TrainingError: It is not prepared yet, or has failed.
        """
        if self.runner is None:
            raise TrainingError("There is no network yet: it is still being prepared, or could not be.")
        if self._said.state is SessionState.FAILED:
            raise TrainingError("The training failed: start it again.") from self._said.error
        return self.runner

    @property
    def is_running(self) -> bool:
        """Whether it trains until somebody asks for rest."""
        return self._said.state is SessionState.RUNNING

    @property
    def is_going_back(self) -> bool:
        """Whether the weights are those of a step on the way back to an earlier one."""
        runner = self.runner
        return runner is not None and runner.is_going_back and self._said.state is not SessionState.FAILED

    @property
    def has_trained_its_epoch(self) -> bool:
        """Whether it was to train to the end of an epoch, and has."""
        wanted, runner = self._rests_after, self.runner
        return (
            wanted is not None
            and runner is not None
            and self.is_running
            and runner.training.evaluated_epochs >= wanted
            and not runner.has_errand
        )

    # -- training and resting -----------------------------------------------------------------------------------------

    def play(self) -> None:
        """Trains until paused or done."""
        runner = self.prepared
        self._rests_after = None
        if self.is_running:
            return
        self.leave_sub_steps()
        if self._said.state is SessionState.DONE:
            runner.refuse_if_finished()
        runner.leave_best()
        runner.leave_trouble()
        runner.save_what_was_put_off()
        runner.cancel_steps()
        self._said.enter(SessionState.RUNNING)

    def train_epoch(self) -> None:
        """Trains to the end of the present epoch, then rests."""
        self.prepared.refuse_if_finished()
        self.play()
        self._rests_after = self.prepared.training.evaluated_epochs + 1

    def pause(self) -> None:
        """Rests."""
        runner = self.prepared
        self._rests_after = None
        runner.cancel_steps()
        if self.is_running:
            runner.rest()
            runner.save("pause")
            self._said.enter(SessionState.PAUSED)

    def step(self, count: int) -> None:
        """Trains ``count`` batches, then rests."""
        runner = self.prepared
        if count < 1:
            raise ParamError(f"The number of steps is {count}, but must be at least 1.", field="count")
        self.leave_sub_steps()
        self._rests_after = None
        runner.take_steps(count)
        self._said.enter(SessionState.PAUSED)

    def stop(self) -> None:
        """Ends the training here."""
        runner = self.prepared
        if self._said.state is SessionState.DONE:
            return
        self.leave_sub_steps()
        self._said.enter(SessionState.STOPPING)
        runner.cancel_steps()
        runner.save("stop")
        runner.rest()
        self._said.enter(SessionState.DONE)

    def complete(self) -> None:
        """All epochs are done: the best weights are put in, and it rests."""
        runner = self.prepared
        runner.complete()
        runner.rest()
        self._said.enter(SessionState.DONE)

    # -- a step in parts ----------------------------------------------------------------------------------------------

    def sub_step_on(self, look: Callable[[SubStep], _Result]) -> tuple[SubStep, _Result]:
        """Does the next of the five parts of a step."""
        runner = self.prepared
        if self.is_running:
            raise TrainingError("A step is taken apart while training rests: pause it first.")
        if runner.has_errand:
            raise TrainingError("Something is still under way: wait a moment.")
        runner.refuse_if_finished()
        part = SubStep.BATCH if self.sub_step is None else self.sub_step.following
        if part is SubStep.BATCH:
            runner.leave_best()  # as the step itself would
        found = look(part)
        if part is SubStep.UPDATE:
            self.step(1)
        self.sub_step = part
        return part, found

    def leave_sub_steps(self) -> None:
        """Shows no more parts: whatever trains, goes back or changes weights calls this."""
        self.sub_step = None

    # -- ways back ----------------------------------------------------------------------------------------------------

    def step_back(self) -> None:
        """To the state before the last step."""
        self.leave_sub_steps()
        self._rests_after = None
        self.prepared.step_back()
        self._said.enter(SessionState.PAUSED)

    def go_back(self, step: int) -> None:
        """To the state after an earlier step."""
        self.leave_sub_steps()
        self._rests_after = None
        self.prepared.go_back(step)
        self._said.enter(SessionState.PAUSED)

    def restore_best(self) -> None:
        """Puts the weights of the best epoch in."""
        self.leave_sub_steps()
        runner = self.prepared
        runner.use_best()
        if not self.is_running:
            runner.rest()

    # -- changes ------------------------------------------------------------------------------------------------------

    def edit(self, write: Callable[[Training], WeightEdit]) -> None:
        """Sets numbers of the network by hand."""
        self.prepared.edit_weights(write)
        self.leave_sub_steps()

    def switch_units(self, switches: UnitSwitches) -> None:
        """Switches units off or freezes them."""
        self.prepared.switch_units(switches)
        self.leave_sub_steps()

    def take_on(self, settings: LiveSettings) -> None:
        """Other settings of optimizer and layers."""
        self.prepared.take_on(settings)
        self.leave_sub_steps()

    def set_learning_rate(self, value: float) -> None:
        """Of the next step."""
        self.prepared.set_learning_rate(value)

    def set_epochs(self, count: int, *, beyond: bool = False) -> None:
        """How far to train; ``beyond`` is farther than the project says."""
        runner = self.prepared
        if count < 1:
            raise ParamError(f"The number of epochs is {count}, but must be at least 1.", field="epochs")
        runner.set_epochs(count, beyond=beyond)

    def curate(self, entries: Sequence[Curated]) -> None:
        """Other labels and weights for single training examples."""
        runner = self.prepared
        self.leave_sub_steps()
        if remark := runner.curate(entries):
            self._said.refuse(DataError(remark))

    # -- looking ------------------------------------------------------------------------------------------------------

    def look(self, interest: Interest) -> None:
        """Measures what is looked at: while resting at once, for nothing else would; while running the next time."""
        instruments = self.prepared.instruments
        before = instruments.interest
        instruments.look(interest)
        if not self.is_running:
            instruments.measure_news(before)

    def evaluate_test(self, answer: Future[EvaluationResult]) -> None:
        """Measures on the test split."""
        self.prepared.evaluate_test(answer)

    def evaluate(self, split: str, answer: Future[AnyEvaluated]) -> None:
        """Finds what the network makes of every example of a split."""
        self.prepared.evaluate(split, answer)

    def capture(self) -> Checkpoint:
        """A copy of everything that decides how the training goes on, for any thread."""
        kept = self.prepared.training.capture()
        return replace(kept, examples=dict(kept.examples))  # worked out here: it is for another thread
