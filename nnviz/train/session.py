"""The owner of a live network: prepares it, trains it, answers questions, and says what state it is in.

One thread owns a session and does all its work: the window's worker thread calls :meth:`TrainingSession.serve`, the
command line :meth:`TrainingSession.train`. Any thread may ask for something; it is done between two batches, so no
tensor is ever read half-updated and no lock is held during a batch.
"""

from __future__ import annotations

import logging
import math
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import psygnal

from nnviz import interruption
from nnviz.data.tensors import LoadedData, Progress
from nnviz.data.tensors import load as load_data
from nnviz.errors import Cancelled, DataError, NnvizError, NotFiniteError, ParamError, TrainingError, is_out_of_memory
from nnviz.network.memory import refuse_without_room
from nnviz.probes.base import Probe
from nnviz.probes.catalogue import default_probes
from nnviz.project.files import io
from nnviz.project.model import Curated, Project, named
from nnviz.record.evaluated import AnyEvaluated
from nnviz.record.interest import Interest
from nnviz.record.run import Run
from nnviz.train import devices, failures, paces
from nnviz.train.checkpoint import Checkpoint
from nnviz.train.checkpoint_store import CheckpointStore
from nnviz.train.commands import CommandQueue
from nnviz.train.devices import warm_up
from nnviz.train.failures import readable
from nnviz.train.instruments import Instruments
from nnviz.train.live_settings import LiveSettings
from nnviz.train.loop import EvaluationResult
from nnviz.train.paces import Pace
from nnviz.train.position import EpochResult, Outcome, Position, SessionState
from nnviz.train.runner import Runner
from nnviz.train.start import WarmStart
from nnviz.train.sub_steps import SubStep
from nnviz.train.training import Training
from nnviz.train.unit_switches import UnitSwitches
from nnviz.train.waits import ThreadWaits
from nnviz.train.warm_start import begin_warm
from nnviz.train.weight_edits import WeightChange, WeightEdit

if TYPE_CHECKING:
    from nnviz.train.distributed import Together

__all__ = ["CheckpointStore", "EpochResult", "Outcome", "Position", "SessionState", "TrainingSession", "warm_up"]

_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)
#: Seconds between two looks at whether the disk has taken a checkpoint, while another one waits for the memory.
_LOOK_AT_THE_DISK = 0.2

#: Seconds of training that say how long an epoch takes: the first steps of a run take longer.
_LONG_ENOUGH = 1.0


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
        state_changed: Emitted with the new state, on the owner's thread.
        told: Emitted with a sentence about how it began, on the owner's thread.
        refused: Emitted with a sentence when something asked for cannot be done, on the owner's thread.
        project: What is trained; frozen, for any thread.
        run: Takes what is measured; itself safe for any thread.
        error: Why it FAILED; written once on the owner's thread, for any thread afterwards.
        data: The data set, once it is loaded; the owner's.
        on_prepared: Called by :meth:`train` before the first step, on its thread.
    """

    state_changed = psygnal.Signal(SessionState)
    told = psygnal.Signal(str)
    refused = psygnal.Signal(str)

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
        self.data = data
        self.error: Exception | None = None
        self.on_prepared: Callable[[Training], None] | None = None
        #: Where else to look for the data set.
        self._data_dir = data_dir
        #: The instruments; None is all that suit the data.
        self._probes = probes
        #: Seconds of measuring for a second of training.
        self._budget = budget
        #: Name of the device as asked for; once it is prepared, of the one that is used.
        self._device_name = project.training.device if device is None else device
        #: Called on the owner's thread while data are loaded, and at the end of each epoch.
        self._progress = progress
        self._on_epoch = on_epoch
        #: Where checkpoints go; None keeps none.
        self._store = store
        #: What to go on from; let go of once it is restored.
        self._resume = resume
        #: What to begin warm with; likewise.
        self._warm = warm
        #: The other processes that have a part of each batch.
        self._together = together
        if together is not None:
            together.on_stop = self._interrupt
        #: What it is doing. Written by the owner, read by any thread.
        self._state = SessionState.IDLE
        #: The position until there is a runner to ask.
        self._first_position = Position(epochs=project.training.epochs, batch_size=project.training.batch_size)
        #: What any thread asked for and the owner has not done yet.
        self._commands = CommandQueue(self._refuse, lambda: self._is_going_back)
        #: Set by any thread: the session is to end.
        self._closing = threading.Event()
        #: Whether Ctrl-C was pressed. Written by the main thread.
        self._interrupted = False
        #: Whether it is driven by ``train``, not by ``serve``.
        self._to_the_end = False
        #: The training with all around it, once it is prepared. Its position is for any thread, all else the owner's.
        self._runner: Runner | None = None
        #: How torch's threads wait for each other.
        self._waits = ThreadWaits()
        #: How it ended, once all epochs are done.
        self._outcome: Outcome | None = None
        #: Whether a second Ctrl-C tore a step apart: nothing more may be done with the network.
        self._torn = False
        #: Which part of a step that is taken apart was done last. Written by the owner, read by any thread.
        self._sub_step: SubStep | None = None
        #: Seconds that a step is given, 0 for none; and when (``time.monotonic``) the next one may begin.
        self._seconds_a_step = self._next_step = 0.0
        #: Whether a step was ever given more time than it takes.
        self._slowed = False
        #: Epochs after whose validation it rests; None where it goes on.
        self._rests_after: int | None = None
        #: What it is at while there is no runner, in words, for the sentence about what there was no memory for.
        self._doing = ""

    # -- readable on any thread ---------------------------------------------------------------------------------------

    @property
    def state(self) -> SessionState:
        """What it is doing."""
        return self._state

    @property
    def position(self) -> Position:
        """Where it stands: a snapshot of plain values."""
        return self._first_position if self._runner is None else self._runner.position

    @property
    def sub_step(self) -> SubStep | None:
        """The part of a step that :meth:`sub_step_on` did last; None where no step is taken apart any more."""
        return self._sub_step

    @property
    def training(self) -> Training:
        """The live network with its optimizer and data; for the owner's thread only, so ask for it with :meth:`ask`.

        Raises:
            TrainingError: It is not prepared yet, or could not be.
        """
        return self._prepared.training

    # -- asked by any thread, answered between two batches ------------------------------------------------------------

    def play(self) -> Future[None]:
        """Train until paused or done."""
        return self._commands.put(self._play)

    def pause(self) -> Future[None]:
        """Rest after the batch that is under way."""
        return self._commands.put(self._pause)

    def step(self, count: int = 1) -> Future[None]:
        """Train ``count`` batches, then rest; everything is measured around the last one."""
        return self._commands.put(lambda: self._step(count))

    def epoch(self) -> Future[None]:
        """Train to the end of the present epoch, its validation included, then rest; a pause comes before that."""
        return self._commands.put(self._train_epoch)

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
        return self._commands.put(lambda: self._sub_step_on(look), quiet=True)

    def leave_sub_steps(self) -> Future[None]:
        """Show no more parts of the step: the next sub-step is the first again."""
        return self._commands.put(self._leave_sub_steps)

    def step_back(self) -> Future[None]:
        """Rest at the state before the last step, bit for bit on the CPU; what was recorded after it is dropped."""
        return self._commands.put(self._step_back)

    def go_back(self, step: int) -> Future[None]:
        """Rest at the state after an earlier step, as :meth:`step_back` does."""
        return self._commands.put(lambda: self._go_back(step))

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
        return self._commands.put(lambda: self._edit(lambda training: training.edit_weights(changes, more=more)))

    def undo_edit(self) -> Future[None]:
        """Put back what stood in the places of the newest edit.

        Where training has gone on since, the old numbers stand in these places again and all others stay what they have
        become: to return to the whole state before, step back.
        """
        return self._commands.put(lambda: self._edit(Training.undo_edit))

    def redo_edit(self) -> Future[None]:
        """Set once more what the last :meth:`undo_edit` took away."""
        return self._commands.put(lambda: self._edit(Training.redo_edit))

    def stop(self) -> Future[None]:
        """End the training here; what was measured stays."""
        return self._commands.put(self._stop)

    def close(self) -> None:
        """End :meth:`serve`, also in the middle of loading. What still waits is answered with Cancelled."""
        self._closing.set()
        self._commands.put(lambda: None)

    def set_learning_rate(self, value: float) -> Future[None]:
        """From the next batch on."""
        return self._commands.put(lambda: self._prepared.set_learning_rate(value))

    def take_on(self, settings: LiveSettings) -> Future[None]:
        """Other settings of optimizer and layers, other layers frozen, from the next batch on.

        They are recorded; going back makes the steps before them with those before. What concerns layers that the
        network does not have is left out.
        """
        return self._commands.put(lambda: self._take_on(settings))

    def set_epochs(self, count: int) -> Future[None]:
        """How far to train; fewer than are done already ends the training at the end of this one."""
        return self._commands.put(lambda: self._set_epochs(count))

    def train_on(self, epochs: int) -> Future[None]:
        """Train to so many epochs, although the project says fewer; a checkpoint remembers it."""
        return self._commands.put(lambda: self._set_epochs(epochs, beyond=True))

    def curate(self, entries: Sequence[Curated]) -> Future[None]:
        """Other labels and weights for single training examples, from the next epoch on.

        Args:
            entries: All that is decided; about every other example nothing is. Those that do not fit the data are left
                aside, and a sentence says so.
        """
        entries = tuple(entries)
        return self._commands.put(lambda: self._curate(entries))

    def look(self, interest: Interest) -> Future[None]:
        """Measure what is looked at, and no more than that but for what the findings need."""
        return self._commands.put(lambda: self._look(interest))

    def set_pace(self, steps_per_second: float | None) -> Future[None]:
        """How many steps a second to train at the most, so that each can be looked at; None trains at full speed.

        Between two steps it rests, and answers what is asked.
        """
        return self._commands.put(lambda: self._set_pace(steps_per_second))

    def switch_units(self, switches: UnitSwitches) -> Future[None]:
        """Switch units off or freeze them, from the next batch on; those that are not named are as usual again."""
        return self._commands.put(lambda: self._switch_units(switches))

    def evaluate_test(self) -> Future[EvaluationResult]:
        """Measure on the test split; it is counted and recorded."""
        answer: Future[EvaluationResult] = Future()
        asked = self._commands.put(lambda: self._prepared.evaluate_test(answer))
        asked.add_done_callback(lambda done: _pass_failure(done, answer))
        return answer

    def evaluate(self, split: str) -> Future[AnyEvaluated]:
        """What the network makes of every example of a split, asked batch by batch between two steps; recorded.

        Training waits for it, and goes on as if it had not been: no random number is drawn and no weight changed.

        Args:
            split: ``train``, ``validation`` or ``test``, which is counted.
        """
        answer: Future[AnyEvaluated] = Future()
        asked = self._commands.put(lambda: self._prepared.evaluate(split, answer), quiet=True)
        asked.add_done_callback(lambda done: _pass_failure(done, answer))
        return answer

    def restore_best(self) -> Future[None]:
        """Put the weights of the best epoch in."""
        return self._commands.put(self._restore_best)

    def ask(self, question: Callable[[], _Result]) -> Future[_Result]:
        """Have something answered on the owner's thread, where :attr:`training` may be looked at.

        The network is whole and at rest meanwhile; whoever changes its mode, its gradients or the random state puts
        them back. What the question raises comes with the future and disturbs nobody else. On the way back to an
        earlier step the answer waits until that is reached: of the weights in between nobody has asked anything.
        """
        return self._commands.put(question, quiet=True, settled=True)

    def capture(self) -> Future[Checkpoint]:
        """A copy of everything that decides how the training goes on; waits for the end of a way back, as an answer."""
        return self._commands.put(self._capture, quiet=True, settled=True)

    # -- the owner's thread -------------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Prepares, then does what is asked until :meth:`close`. Never raises: what fails becomes the state FAILED.

        A session lives once: when it has ended, this returns at once.
        """
        if self._state is not SessionState.IDLE:
            return
        self._guarded(self._prepare)
        while not self._closing.is_set():
            self._guarded(self._turn)
        self._guarded(self._end)

    # -- several sessions in turn on one thread -------------------------------------------------------------------

    def begin(self) -> None:
        """Prepares, for whoever drives several sessions on one thread; what fails becomes the state FAILED."""
        if self._state is SessionState.IDLE:
            self._guarded(self._prepare)

    def take_turn(self, until: int) -> bool:
        """Does one piece of what there is to do, and waits for nothing: what was asked, a batch, a part of measuring.

        Args:
            until: Of training, no step beyond this one.

        Returns:
            Whether there is more to do at once.
        """
        if self._has_piece(until):
            self._guarded(self._turn)
        if self._runner is not None and self._runner.trouble is not None and self.error is None:
            self._guarded(self._give_up)
        return self._has_piece(until)

    def end_turn(self) -> None:
        """Stops the clock: it is another session's turn, whose seconds are not this one's."""
        if self._runner is not None:
            self._runner.stop_clock()

    def end(self) -> None:
        """The last thing of a session that is driven in turns: keeps what there is."""
        self._closing.set()
        self._guarded(self._end)

    @property
    def has_errand(self) -> bool:
        """Whether something that was asked for is under way: single steps, going back, an evaluation. The owner's."""
        return self._runner is not None and self._runner.has_errand

    def _give_up(self) -> None:
        """A number is not finite, and nobody is there to go back and try again."""
        assert self._runner is not None and self._runner.trouble is not None
        raise self._runner.trouble

    def _has_piece(self, until: int) -> bool:
        if self._commands.pending:
            return True
        runner = self._runner
        if runner is None or self._state in (SessionState.FAILED, SessionState.IDLE):
            return False
        if runner.has_errand:
            return True
        if self._state is not SessionState.RUNNING:
            return runner.instruments.busy
        return runner.finished or runner.training.epoch_end_due or runner.training.step < until

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
        if self._state is not SessionState.IDLE:
            raise Cancelled("This session has trained already: make a new one.")
        self._to_the_end = True
        try:
            with self._interruptible():
                self._guarded(self._prepare)
                if self.on_prepared is not None and self._runner is not None and self.error is None:
                    self.on_prepared(self._runner.training)
                self._guarded(lambda: self._train_to_the_end(test))
        except KeyboardInterrupt:
            self._torn = True
            raise Cancelled("Broken off in the middle of a step; what was recorded until then is kept.") from None
        finally:
            self._guarded(self._end)
        if self.error is not None:
            raise self.error
        if self._runner is None:
            raise Cancelled("Stopped before training began.")
        training = self._runner.training
        if self._outcome is None:
            raise Cancelled(f"Stopped at step {training.step}; what was recorded until then is kept.")
        return self._outcome

    def _prepare(self) -> None:
        self._enter(SessionState.PREPARING)
        devices.fit_threads()
        device = devices.resolve(self._device_name)
        self._device_name = str(device)
        self.run.tell_device(self._device_name)
        self._doing = failures.LOADING
        refuse_without_room()
        if self.data is None:
            config = self.project.data
            self.data = load_data(config, self._data_dir, progress=self._progress, cancelled=lambda: self._broken_off)
        if self._broken_off:
            return
        self._doing = failures.BUILDING
        # Whoever wants no instruments wants no record of the examples either.
        measured = self._probes is None or len(self._probes) > 0
        training = Training(self.project, self.data, device, record_examples=measured, together=self._together)
        devices.fit_threads(training.work)
        resumed = False
        if self._resume is not None:
            self._doing = failures.RESUMING
            training.restore(self._resume)
            resumed = True
            self._resume = None  # It is as large as the training, and of no more use.
        elif self._warm is not None:
            report = begin_warm(training, self._warm)
            self._warm = None
            self.run.append([report.finding])
            self.told.emit(report.sentence)
        if self._together is not None:
            self._together.meet(None, self.data.mark)
        probes = default_probes(self.data.facts.input_shape) if self._probes is None else self._probes
        view = self.project.view
        instruments = Instruments(training, self.run, probes, self._budget, view.pinned, map(named, view.pins))
        runner = Runner(
            training,
            instruments,
            self.run,
            # Without a window it ends where the project, and who asks for it, says.
            epochs=training.epochs if training.goes_beyond and not self._to_the_end else self.project.training.epochs,
            keep_best=self.project.training.keep_best,
            store=self._store,
            on_epoch=self._on_epoch,
            on_trouble=self._on_trouble,
        )
        # The pictures of the pinned example are there at once; the pass over the probe set takes seconds for a large
        # network and goes on piece by piece while whoever asked for the session can already play.
        self._doing = runner.doing
        runner.begin()
        if resumed:
            self._take_on_what_was_asked(runner)
        self._runner = runner
        self._enter(SessionState.READY)
        if resumed and runner.finished and not self._to_the_end:
            runner.complete()
            runner.rest()
            self._enter(SessionState.DONE)
        if training.curation_remark:  # said when it is ready: whoever opens a project listens to what comes after that
            self._refuse(DataError(training.curation_remark))

    def _turn(self) -> None:
        """Answers what was asked, or does one batch, or waits for the next request."""
        if self._commands.pending:
            self._commands.run()
            return  # Whoever drives it looks first at what has become of it: there may be nothing more to wait for.
        runner = self._runner
        if runner is None or self._state is SessionState.FAILED:
            self._commands.wait()
        elif self._state is SessionState.RUNNING and runner.finished and not runner.has_errand:
            runner.complete()
            runner.rest()
            self._enter(SessionState.DONE)
        elif self._has_trained_its_epoch(runner):
            self._pause()
        elif self._state is SessionState.RUNNING or runner.has_errand:
            if self._state is SessionState.RUNNING and not runner.has_errand and self._is_too_early(runner):
                return
            self._waits.look()
            runner.advance()
            if runner.halted and self._state is SessionState.RUNNING:
                self._enter(SessionState.PAUSED)
        elif runner.instruments.busy:
            runner.measure_on()
        else:
            runner.settle_down()
            runner.save_what_was_put_off()
            self._commands.wait(_LOOK_AT_THE_DISK if runner.has_checkpoint_to_save else None)

    def _has_trained_its_epoch(self, runner: Runner) -> bool:
        """Whether it was to train to the end of an epoch, and has."""
        wanted = self._rests_after
        return (
            wanted is not None
            and self._state is SessionState.RUNNING
            and runner.training.evaluated_epochs >= wanted
            and not runner.has_errand
        )

    def _is_too_early(self, runner: Runner) -> bool:
        """Whether the next step has to wait for its time; waits for it, or for a request, once."""
        if not self._seconds_a_step:
            return False
        now = time.monotonic()
        if self._next_step - now > self._seconds_a_step:
            self._next_step = now  # It was slower before.
        if now < self._next_step:
            runner.settle_down()
            self._commands.wait(self._next_step - now)
            return True
        late = now - self._next_step
        self._next_step = (now if late > self._seconds_a_step else self._next_step) + self._seconds_a_step
        return False

    def _end(self) -> None:
        """The last thing: keeps what there is and answers whoever still waits."""
        reason = self.error or Cancelled("The session is closed.")
        self._commands.close(reason)
        self._waits.close()
        runner = self._runner
        if runner is not None:
            runner.abandon(reason)
            if self._state is not SessionState.FAILED and not self._torn:
                runner.save("stop", last=True)
                runner.rest(measure=False)
            self._remember_pace(runner)
            runner.training.random.release()  # also after a step that was torn, which nothing else may be done with
        self.run.finished = True
        if self._state not in (SessionState.DONE, SessionState.FAILED):
            self._enter(SessionState.DONE)

    def _remember_pace(self, runner: Runner) -> None:
        """How long an epoch took, for whoever asks before the next training of this network."""
        # Where they were slowed down, or in several processes, they say nothing of the next ones.
        lasted = sum(runner.epoch_seconds)
        even = len(runner.training.epoch_plan.sizes) == 1  # else an epoch tells nothing of the others
        if lasted >= _LONG_ENOUGH and self._together is None and not self._slowed and even:
            training = runner.training
            steps = training.steps_per_epoch
            seconds = statistics.median(runner.epoch_seconds) / steps
            work = training.work * training.config.accumulation
            paces.remember(self.project, Pace(seconds, 0.0, work, paces.TRAINED, steps * len(runner.epoch_seconds)))

    def _train_to_the_end(self, look_at_test: bool) -> None:
        """All epochs, then the test split if that is wanted; broken off by an interruption, a stop or a failure."""
        if self._broken_off or self.error is not None:
            return
        self._commands.run()  # What was asked before it began; a stop is one, and then there is nothing to do.
        if not self._goes_on():
            return
        self._play()
        runner = self._prepared
        while self._goes_on():
            self._turn()
            if runner.trouble is not None:
                raise runner.trouble
        if not runner.finished or self._broken_off:
            return
        test = None
        if look_at_test and len(runner.training.data.test):
            answer: Future[EvaluationResult] = Future()
            runner.evaluate_test(answer)
            while not answer.done() and not self._broken_off:
                self._turn()
            if runner.trouble is not None:
                raise runner.trouble
            if not answer.done():
                return
            test = answer.result()
        while runner.instruments.busy and not self._broken_off:  # the run ends with what its last weights do
            runner.measure_on()
        self._outcome = Outcome(
            test_loss=None if test is None else test.loss,
            test_accuracy=None if test is None else test.accuracy,
            epochs=runner.training.epoch,
            steps=runner.training.step,
            seconds=runner.speed.seconds,
            best_epoch=runner.training.best_epoch,
            ended_early=runner.training.epoch < runner.epochs,
        )

    def _goes_on(self) -> bool:
        return self._state not in (SessionState.DONE, SessionState.FAILED) and not self._broken_off

    # -- what was asked, on the owner's thread ------------------------------------------------------------------------

    @property
    def _is_going_back(self) -> bool:
        """Whether the weights are those of a step on the way back to an earlier one."""
        runner = self._runner
        return runner is not None and runner.is_going_back and self._state is not SessionState.FAILED

    @property
    def _prepared(self) -> Runner:
        if self._runner is None:
            raise TrainingError("There is no network yet: it is still being prepared, or could not be.")
        if self._state is SessionState.FAILED:
            raise TrainingError("The training failed: start it again.") from self.error
        return self._runner

    @property
    def _broken_off(self) -> bool:
        return self._closing.is_set() or self._interrupted

    def _play(self) -> None:
        runner = self._prepared
        self._rests_after = None
        if self._state is SessionState.RUNNING:
            return
        self._leave_sub_steps()
        if self._state is SessionState.DONE:
            runner.refuse_if_finished()
        runner.leave_best()
        runner.leave_trouble()
        runner.save_what_was_put_off()
        runner.cancel_steps()
        self._enter(SessionState.RUNNING)

    def _train_epoch(self) -> None:
        self._prepared.refuse_if_finished()
        self._play()
        self._rests_after = self._prepared.training.evaluated_epochs + 1

    def _pause(self) -> None:
        runner = self._prepared
        self._rests_after = None
        runner.cancel_steps()
        if self._state is SessionState.RUNNING:
            runner.rest()
            runner.save("pause")
            self._enter(SessionState.PAUSED)

    def _step(self, count: int) -> None:
        runner = self._prepared
        if count < 1:
            raise ParamError(f"The number of steps is {count}, but must be at least 1.", field="count")
        self._leave_sub_steps()
        self._rests_after = None
        runner.take_steps(count)
        self._enter(SessionState.PAUSED)

    def _sub_step_on(self, look: Callable[[SubStep], _Result]) -> tuple[SubStep, _Result]:
        runner = self._prepared
        if self._state is SessionState.RUNNING:
            raise TrainingError("A step is taken apart while training rests: pause it first.")
        if runner.has_errand:
            raise TrainingError("Something is still under way: wait a moment.")
        runner.refuse_if_finished()
        part = SubStep.BATCH if self._sub_step is None else self._sub_step.following
        if part is SubStep.BATCH:
            runner.leave_best()  # as the step itself would
        found = look(part)
        if part is SubStep.UPDATE:
            self._step(1)
        self._sub_step = part
        return part, found

    def _leave_sub_steps(self) -> None:
        self._sub_step = None

    def _step_back(self) -> None:
        self._leave_sub_steps()
        self._rests_after = None
        self._prepared.step_back()
        self._enter(SessionState.PAUSED)

    def _go_back(self, step: int) -> None:
        self._leave_sub_steps()
        self._rests_after = None
        self._prepared.go_back(step)
        self._enter(SessionState.PAUSED)

    def _edit(self, write: Callable[[Training], WeightEdit]) -> None:
        self._prepared.edit_weights(write)
        self._leave_sub_steps()

    def _stop(self) -> None:
        runner = self._prepared
        if self._state is SessionState.DONE:
            return
        self._leave_sub_steps()
        self._enter(SessionState.STOPPING)
        runner.cancel_steps()
        runner.save("stop")
        runner.rest()
        self._enter(SessionState.DONE)

    def _set_pace(self, steps_per_second: float | None) -> None:
        if steps_per_second is not None and not 0 < steps_per_second < math.inf:
            raise ParamError(f"{steps_per_second} steps a second is no speed.", field="pace")
        self._seconds_a_step = 0.0 if steps_per_second is None else 1.0 / steps_per_second
        self._slowed = self._slowed or self._seconds_a_step > 0

    def _switch_units(self, switches: UnitSwitches) -> None:
        self._prepared.switch_units(switches)
        self._leave_sub_steps()

    def _take_on(self, settings: LiveSettings) -> None:
        self._prepared.take_on(settings)
        self._leave_sub_steps()

    def _take_on_what_was_asked(self, runner: Runner) -> None:
        """A run is gone on with as it was at the checkpoint, but for what its project says now and did not say then."""
        try:
            recorded = io.loads(self.run.info.project_json)
        except NnvizError:
            return
        has = runner.training.live_settings
        if (wanted := has.merged(recorded, self.project)) != has:
            runner.take_on(wanted)

    def _set_epochs(self, count: int, *, beyond: bool = False) -> None:
        runner = self._prepared
        if count < 1:
            raise ParamError(f"The number of epochs is {count}, but must be at least 1.", field="epochs")
        runner.set_epochs(count, beyond=beyond)

    def _curate(self, entries: Sequence[Curated]) -> None:
        runner = self._prepared
        self._leave_sub_steps()
        if remark := runner.curate(entries):
            self._refuse(DataError(remark))

    def _look(self, interest: Interest) -> None:
        instruments = self._prepared.instruments
        before = instruments.interest
        instruments.look(interest)
        self._show_news(before)

    def _show_news(self, before: Interest | None = None) -> None:
        """While resting nothing would measure what is wanted now; while running the next time is near."""
        if self._state is not SessionState.RUNNING:
            self._prepared.instruments.measure_news(before)

    def _capture(self) -> Checkpoint:
        kept = self._prepared.training.capture()
        return replace(kept, examples=dict(kept.examples))  # worked out here: it is for another thread

    def _restore_best(self) -> None:
        self._leave_sub_steps()
        runner = self._prepared
        runner.use_best()
        if self._state is not SessionState.RUNNING:
            runner.rest()

    # -- states and failures ------------------------------------------------------------------------------------------

    def _enter(self, state: SessionState) -> None:
        if state is self._state:
            return
        self._state = state
        self.run.state = state.value
        try:
            self.state_changed.emit(state)
        except psygnal.EmitLoopError:  # A fault of a listener is not one of the training.
            _log.exception("A listener to the session's state failed.")

    def _on_trouble(self, error: NnvizError) -> None:
        if not (self._to_the_end and isinstance(error, NotFiniteError)):  # which :meth:`train` raises
            self._refuse(error)

    def _refuse(self, error: NnvizError) -> None:
        try:
            self.refused.emit(str(error))
        except psygnal.EmitLoopError:
            _log.exception("A listener to the session's refusals failed.")

    def _guarded(self, work: Callable[[], None]) -> None:
        """Does it; whatever it raises ends the training in the state FAILED, and never the thread."""
        try:
            work()
        except Cancelled as error:
            if not self._broken_off:
                self._fail(error)
        except BaseException as error:
            # A panic of native code that has no memory is no Exception; what ends the program goes on.
            if not isinstance(error, Exception) and not is_out_of_memory(error):
                raise
            _log.debug("The training failed.", exc_info=True)
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        runner = self._runner
        training = None if runner is None else runner.training
        step = 0 if training is None else training.step
        device = self._device_name if training is None else str(training.device)
        doing = self._doing if runner is None else runner.doing
        batch_size = self.project.training.batch_size
        self.error = readable(error, device=device, step=step, batch_size=batch_size, doing=doing)
        if is_out_of_memory(error):
            failures.let_go(error)
        if runner is not None:
            runner.speed.stop()
            runner.training.random.release()
            runner.abandon(self.error)
        self._enter(SessionState.FAILED)

    def _interrupt(self) -> None:
        self._interrupted = True
        self._commands.put(lambda: None)  # Wakes it up where it waits.

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Ctrl-C and the like are answered between two batches, where all is whole; a second one breaks off at once."""

        def interrupt(number: int, frame: FrameType | None) -> None:
            # torchrun hands on what the terminal has told every process already, and ends by force who takes too long.
            if self._interrupted and self._together is None:
                raise KeyboardInterrupt
            self._interrupt()

        with interruption.handled_by(interrupt):
            yield


def _pass_failure(asked: Future[None], answer: Future[Any]) -> None:
    """Hands the reason why an evaluation was not even begun to whoever waits for it."""
    error = asked.exception()
    if error is not None and not answer.done():
        answer.set_exception(error)
