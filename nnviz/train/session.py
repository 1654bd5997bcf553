"""A project in training, as any thread sees it: what state it is in, and what may be asked of it.

One thread owns a session and does all its work (:mod:`nnviz.train.session_work`): the window's worker thread calls
:meth:`TrainingSession.serve`, the command line :meth:`TrainingSession.train`. Any thread may ask for something; it is
done (:mod:`nnviz.train.controls`) between two batches, so no tensor is ever read half-updated and no lock is held
during a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psygnal

from nnviz.data.tensors import LoadedData, Progress
from nnviz.probes.base import Probe
from nnviz.project.model import Curated, Project
from nnviz.record.evaluated import AnyEvaluated
from nnviz.record.interest import Interest
from nnviz.record.run import Run
from nnviz.train.announcements import Announcements
from nnviz.train.checkpoint import Checkpoint
from nnviz.train.checkpoint_store import CheckpointStore
from nnviz.train.controls import Controls
from nnviz.train.devices import warm_up
from nnviz.train.live_settings import LiveSettings
from nnviz.train.loop import EvaluationResult
from nnviz.train.position import EpochResult, Outcome, Position, SessionState
from nnviz.train.preparing import Preparing
from nnviz.train.runner import Runner
from nnviz.train.session_work import SessionWork
from nnviz.train.start import WarmStart
from nnviz.train.sub_steps import SubStep
from nnviz.train.training import Training
from nnviz.train.unit_switches import UnitSwitches
from nnviz.train.weight_edits import WeightChange

if TYPE_CHECKING:
    from nnviz.train.distributed import Together

__all__ = ["CheckpointStore", "EpochResult", "Outcome", "Position", "SessionState", "TrainingSession", "warm_up"]

_Result = TypeVar("_Result")


class TrainingSession:
    """A project in training.

    Args:
        project: What to train, as it is now; later changes of the document do not reach it.
        run: Takes all that is measured.
        data: The data set, where it is loaded already.
        data_dir: Where else to look for it.
        probes: The instruments; None is all of them, () is none.
        budget: Seconds of measuring for a second of training.
        device: Overrules the project's.
        progress: Called with how loading goes: (what, how much, of how much), on the owner's thread.
        on_epoch: Called at the end of each epoch, on the owner's thread.
        store: Keeps a checkpoint at the end of an epoch (not of each where they last milliseconds), when paused and
            when stopped.
        resume: Goes on from this checkpoint rather than from the start.
        warm: Layers that fit begin with these weights, where it begins at the start.
        together: The other processes that train with this one, which is their first; None where it is alone.

    Attributes:
        project: What is trained; frozen, for any thread.
        run: Takes what is measured; itself safe for any thread.
    """

    def __init__(
        self,
        project: Project,
        run: Run,
        *,
        data: LoadedData | None = None,
        data_dir: Path | None = None,
        probes: Sequence[Probe] | None = None,
        budget: float = 0.10,
        device: str | None = None,
        progress: Progress | None = None,
        on_epoch: Callable[[EpochResult], None] | None = None,
        store: CheckpointStore | None = None,
        resume: Checkpoint | None = None,
        warm: WarmStart | None = None,
        together: Together | None = None,
    ) -> None:
        self.project = project
        self.run = run
        self._said = Announcements(run)
        self._preparing = Preparing(
            project=project,
            run=run,
            data=data,
            data_dir=data_dir,
            probes=probes,
            budget=budget,
            device_name=project.training.device if device is None else device,
            progress=progress,
            on_epoch=on_epoch,
            store=store,
            resume=resume,
            warm=warm,
            together=together,
        )
        self._controls = Controls(self._said)
        self._work = SessionWork(self._preparing, self._controls, self._said)
        #: The position until there is a runner to ask.
        self._first_position = Position(epochs=project.training.epochs, batch_size=project.training.batch_size)

    # -- readable on any thread ---------------------------------------------------------------------------------------

    @property
    def state(self) -> SessionState:
        """What it is doing."""
        return self._said.state

    @property
    def error(self) -> Exception | None:
        """Why it FAILED."""
        return self._said.error

    @property
    def state_changed(self) -> psygnal.SignalInstance:
        """Emitted with the new state, on the owner's thread."""
        return self._said.state_changed

    @property
    def told(self) -> psygnal.SignalInstance:
        """Emitted with a sentence about how it began, on the owner's thread."""
        return self._said.told

    @property
    def refused(self) -> psygnal.SignalInstance:
        """Emitted with a sentence when something asked for cannot be done, on the owner's thread."""
        return self._said.refused

    @property
    def position(self) -> Position:
        """Where it stands: a snapshot of plain values."""
        runner = self._controls.runner
        return self._first_position if runner is None else runner.position

    @property
    def sub_step(self) -> SubStep | None:
        """The part of a step that :meth:`sub_step_on` did last; None where no step is taken apart any more."""
        return self._controls.sub_step

    @property
    def data(self) -> LoadedData | None:
        """The data set, once it is loaded; the owner's."""
        return self._preparing.data

    @property
    def training(self) -> Training:
        """The live network with its optimizer and data; for the owner's thread only, so ask for it with :meth:`ask`.

        Raises:
            TrainingError: It is not prepared yet, or could not be.
        """
        return self._controls.prepared.training

    @property
    def on_prepared(self) -> Callable[[Training], None] | None:
        """Called by :meth:`train` before the first step, on its thread; set before that."""
        return self._work.on_prepared

    @on_prepared.setter
    def on_prepared(self, call: Callable[[Training], None] | None) -> None:
        self._work.on_prepared = call

    # -- asked by any thread, answered between two batches ------------------------------------------------------------

    def play(self) -> Future[None]:
        """Train until paused or done."""
        return self._work.commands.put(self._controls.play)

    def pause(self) -> Future[None]:
        """Rest after the batch that is under way."""
        return self._work.commands.put(self._controls.pause)

    def step(self, count: int = 1) -> Future[None]:
        """Train ``count`` batches, then rest; everything is measured around the last one."""
        return self._work.commands.put(lambda: self._controls.step(count))

    def epoch(self) -> Future[None]:
        """Train to the end of the present epoch, its validation included, then rest; a pause comes before that."""
        return self._work.commands.put(self._controls.train_epoch)

    def sub_step_on(self, look: Callable[[SubStep], _Result]) -> Future[tuple[SubStep, _Result]]:
        """Do the next of the five parts of a step; the fifth makes it, just as :meth:`step` does.

        Nothing is changed before that: what the first four parts show, the network at rest computes, with the batch and
        the random numbers of the step that comes next. Whatever else is asked for that trains, goes back or changes
        weights abandons the parts that were shown.

        Args:
            look: Takes what is to be shown, as a question of :meth:`ask` does; before the step is made, in its part.

        Returns:
            The part that was done, and what ``look`` returned. Refused while training runs, while something else is
            under way, and when all epochs are done: the reason comes with the future.
        """
        return self._work.commands.put(lambda: self._controls.sub_step_on(look), quiet=True)

    def leave_sub_steps(self) -> Future[None]:
        """Show no more parts of the step: the next sub-step is the first again."""
        return self._work.commands.put(self._controls.leave_sub_steps)

    def step_back(self) -> Future[None]:
        """Rest at the state before the last step, bit for bit on the CPU; what was recorded after it is dropped."""
        return self._work.commands.put(self._controls.step_back)

    def go_back(self, step: int) -> Future[None]:
        """Rest at the state after an earlier step, as :meth:`step_back` does."""
        return self._work.commands.put(lambda: self._controls.go_back(step))

    def edit_weights(self, changes: Sequence[WeightChange], *, more: bool = False) -> Future[None]:
        """Set numbers of the network by hand, between two batches; recorded, and undone with :meth:`undo_edit`.

        At rest everything is measured anew at once; while it trains, what the cards show. Refused with a sentence where
        there is no such place, where a number is no finite 32-bit float, and on the way back to an earlier step. Going
        back to a step behind the edit has the edited numbers, to one before it those before.

        Args:
            changes: What is to stand where.
            more: It goes on with the edit before it, as while a hand drags: both are undone together.
        """
        changes = tuple(changes)
        return self._work.commands.put(
            lambda: self._controls.edit(lambda training: training.by_hand.edit(changes, more=more))
        )

    def undo_edit(self) -> Future[None]:
        """Put back what stood in the places of the newest edit.

        Where training has gone on since, the old numbers stand in these places again and all others stay what they have
        become: to return to the whole state before, step back.
        """
        return self._work.commands.put(lambda: self._controls.edit(lambda training: training.by_hand.undo()))

    def redo_edit(self) -> Future[None]:
        """Set once more what the last :meth:`undo_edit` took away."""
        return self._work.commands.put(lambda: self._controls.edit(lambda training: training.by_hand.redo()))

    def stop(self) -> Future[None]:
        """End the training here; what was measured stays."""
        return self._work.commands.put(self._controls.stop)

    def close(self) -> None:
        """End :meth:`serve`, also in the middle of loading. What still waits is answered with Cancelled."""
        self._work.close()

    def set_learning_rate(self, value: float) -> Future[None]:
        """From the next batch on."""
        return self._work.commands.put(lambda: self._controls.set_learning_rate(value))

    def take_on(self, settings: LiveSettings) -> Future[None]:
        """Other settings of optimizer and layers, other layers frozen, from the next batch on.

        They are recorded; going back makes the steps before them with those before. What concerns layers that the
        network does not have is left out.
        """
        return self._work.commands.put(lambda: self._controls.take_on(settings))

    def set_epochs(self, count: int) -> Future[None]:
        """How far to train; fewer than are done already ends the training at the end of this one."""
        return self._work.commands.put(lambda: self._controls.set_epochs(count))

    def train_on(self, epochs: int) -> Future[None]:
        """Train to so many epochs, although the project says fewer; a checkpoint remembers it."""
        return self._work.commands.put(lambda: self._controls.set_epochs(epochs, beyond=True))

    def curate(self, entries: Sequence[Curated]) -> Future[None]:
        """Other labels and weights for single training examples, from the next epoch on.

        Args:
            entries: All that is decided; about every other example nothing is. Those that do not fit the data are left
                aside, and a sentence says so.
        """
        entries = tuple(entries)
        return self._work.commands.put(lambda: self._controls.curate(entries))

    def look(self, interest: Interest) -> Future[None]:
        """Measure what is looked at, and no more than that but for what the findings need."""
        return self._work.commands.put(lambda: self._controls.look(interest))

    def set_pace(self, steps_per_second: float | None) -> Future[None]:
        """How many steps a second to train at the most, so that each can be looked at; None trains at full speed.

        Between two steps it rests, and answers what is asked.
        """
        return self._work.commands.put(lambda: self._controls.step_times.set(steps_per_second))

    def switch_units(self, switches: UnitSwitches) -> Future[None]:
        """Switch units off or freeze them, from the next batch on; those that are not named are as usual again."""
        return self._work.commands.put(lambda: self._controls.switch_units(switches))

    def evaluate_test(self) -> Future[EvaluationResult]:
        """Measure on the test split; it is counted and recorded."""
        answer: Future[EvaluationResult] = Future()
        asked = self._work.commands.put(lambda: self._controls.evaluate_test(answer))
        asked.add_done_callback(lambda done: _pass_failure(done, answer))
        return answer

    def evaluate(self, split: str) -> Future[AnyEvaluated]:
        """What the network makes of every example of a split, asked batch by batch between two steps; recorded.

        Training waits for it, and goes on as if it had not been: no random number is drawn and no weight changed.

        Args:
            split: ``train``, ``validation`` or ``test``, which is counted.
        """
        answer: Future[AnyEvaluated] = Future()
        asked = self._work.commands.put(lambda: self._controls.evaluate(split, answer), quiet=True)
        asked.add_done_callback(lambda done: _pass_failure(done, answer))
        return answer

    def restore_best(self) -> Future[None]:
        """Put the weights of the best epoch in."""
        return self._work.commands.put(self._controls.restore_best)

    def ask(self, question: Callable[[], _Result]) -> Future[_Result]:
        """Have something answered on the owner's thread, where :attr:`training` may be looked at.

        The network is whole and at rest meanwhile; whoever changes its mode, its gradients or the random state puts
        them back. What the question raises comes with the future and disturbs nobody else. On the way back to an
        earlier step the answer waits until that is reached: of the weights in between nobody has asked anything.
        """
        return self._work.commands.put(question, quiet=True, settled=True)

    def capture(self) -> Future[Checkpoint]:
        """A copy of everything that decides how the training goes on; waits for the end of a way back, as an answer."""
        return self._work.commands.put(self._controls.capture, quiet=True, settled=True)

    # -- the owner's thread -------------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Prepares, then does what is asked until :meth:`close`. Never raises: what fails becomes the state FAILED.

        A session lives once: when it has ended, this returns at once.
        """
        self._work.serve()

    def train(self, *, test: bool = True) -> Outcome:
        """Prepares and trains to the end on this thread, then measures on the test split.

        Ctrl-C ends it after the batch that is under way; what was recorded is kept.

        Args:
            test: Whether the test split is looked at in the end: not where many runs are compared to choose one.

        Raises:
            Cancelled: It was interrupted, stopped or closed before the end, or has ended already: a session lives once.
            NotFiniteError: A number that decides it is no longer finite.
            NnvizError: It failed.
        """
        return self._work.train(test=test)

    # -- several sessions in turn on one thread -----------------------------------------------------------------------

    def begin(self) -> None:
        """Prepares, for whoever drives several sessions on one thread; what fails becomes the state FAILED."""
        self._work.begin()

    def take_turn(self, until: int) -> bool:
        """Does one piece of what there is to do, and waits for nothing: what was asked, a batch, a part of measuring.

        Args:
            until: Of training, no step beyond this one.

        Returns:
            Whether there is more to do at once.
        """
        return self._work.take_turn(until)

    def end_turn(self) -> None:
        """Stops the clock: it is another session's turn, whose seconds are not this one's."""
        self._work.end_turn()

    def end(self) -> None:
        """The last thing of a session that is driven in turns: keeps what there is."""
        self._work.end()

    @property
    def has_errand(self) -> bool:
        """Whether something that was asked for is under way: single steps, going back, an evaluation. The owner's."""
        runner = self._controls.runner
        return runner is not None and runner.has_errand

    @property
    def runner(self) -> Runner:
        """The training with all around it; for the owner's thread only, as :attr:`training`.

        Raises:
            TrainingError: It is not prepared yet, or could not be.
        """
        return self._controls.prepared


def _pass_failure(asked: Future[None], answer: Future[Any]) -> None:
    """Hands the reason why an evaluation was not even begun to whoever waits for it."""
    error = asked.exception()
    if error is not None and not answer.done():
        answer.set_exception(error)
