"""What the thread that owns a session does: prepares it, answers what was asked, trains, and ends it.

Whatever fails becomes the state FAILED and never ends the thread; whatever ends it, what was recorded is kept.
"""

from __future__ import annotations

import logging
import statistics
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from types import FrameType

from nnviz import interruption
from nnviz.errors import Cancelled, DataError, NnvizError, NotFiniteError, is_out_of_memory
from nnviz.record.quantities import TRAINING_SECONDS
from nnviz.record.readings import Scalar
from nnviz.train import failures, paces
from nnviz.train.announcements import Announcements
from nnviz.train.commands import CommandQueue
from nnviz.train.controls import Controls
from nnviz.train.failures import readable
from nnviz.train.loop import EvaluationResult
from nnviz.train.paces import Pace
from nnviz.train.position import Outcome, SessionState
from nnviz.train.preparing import Preparing
from nnviz.train.runner import Runner
from nnviz.train.training import Training
from nnviz.train.waits import ThreadWaits

_log = logging.getLogger(__name__)
#: Seconds between two looks at whether the disk has taken a checkpoint, while another one waits for the memory.
_LOOK_AT_THE_DISK = 0.2

#: Seconds of training that say how long an epoch takes: the first steps of a run take longer.
_LONG_ENOUGH = 1.0


class SessionWork:
    """Everything belongs to the owner's thread, but for :meth:`close` and ``commands.put``, which are for any thread.

    Args:
        preparing: What the training is made of.
        controls: What can be asked of it, once it is prepared.
        announcements: Says which state the session is in.

    Attributes:
        commands: What any thread asked for and the owner has not done yet.
        on_prepared: Called by :meth:`train` before the first step.
    """

    def __init__(self, preparing: Preparing, controls: Controls, announcements: Announcements) -> None:
        self._preparing = preparing
        self._controls = controls
        self._said = announcements
        self.commands = CommandQueue(announcements.refuse, lambda: controls.is_going_back)
        self.on_prepared: Callable[[Training], None] | None = None
        #: Set by any thread: the session is to end.
        self._closing = threading.Event()
        #: Whether Ctrl-C was pressed. Written by the main thread.
        self._interrupted = False
        #: Whether it is driven by ``train``, not by ``serve``.
        self._to_the_end = False
        #: How torch's threads wait for each other.
        self._waits = ThreadWaits()
        #: How it ended, once all epochs are done.
        self._outcome: Outcome | None = None
        #: Whether a second Ctrl-C tore a step apart: nothing more may be done with the network.
        self._torn = False
        if preparing.together is not None:
            preparing.together.on_stop = self._interrupt

    def close(self) -> None:
        """Asks for the end, also in the middle of loading; on any thread."""
        self._closing.set()
        self.commands.put(lambda: None)

    # -- until it is closed -------------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Prepares, then does what is asked until :meth:`close`. Never raises: what fails becomes the state FAILED.

        A session lives once: when it has ended, this returns at once.
        """
        if self._said.state is not SessionState.IDLE:
            return
        self._guarded(self._prepare)
        while not self._closing.is_set():
            self._guarded(self._turn)
        self._guarded(self._end)

    # -- several sessions in turn on one thread -----------------------------------------------------------------------

    def begin(self) -> None:
        """Prepares, for whoever drives several sessions on one thread; what fails becomes the state FAILED."""
        if self._said.state is SessionState.IDLE:
            self._guarded(self._prepare)

    def take_turn(self, until: int) -> bool:
        """Does one piece of what there is to do, and waits for nothing: what was asked, a batch, a part of measuring.

        Args:
            until: Of training, no step beyond this one.

        Returns:
            Whether there is more to do at once.
        """
        if self._has_piece(until):
            try:
                self._guarded(self._turn)
            except KeyboardInterrupt:
                self._torn = True
                raise
        runner = self._controls.runner
        if runner is not None and runner.trouble is not None and self._said.error is None:
            self._guarded(self._give_up)
        return self._has_piece(until)

    def end_turn(self) -> None:
        """Stops the clock: it is another session's turn, whose seconds are not this one's."""
        if self._controls.runner is not None:
            self._controls.runner.stop_clock()

    def end(self) -> None:
        """The last thing of a session that is driven in turns: keeps what there is."""
        self._closing.set()
        self._guarded(self._end)

    def _give_up(self) -> None:
        """A number is not finite, and nobody is there to go back and try again."""
        assert self._controls.runner is not None and self._controls.runner.trouble is not None
        raise self._controls.runner.trouble

    def _has_piece(self, until: int) -> bool:
        if self.commands.pending:
            return True
        runner = self._controls.runner
        if runner is None or self._said.state in (SessionState.FAILED, SessionState.IDLE):
            return False
        if runner.has_errand:
            return True
        if not self._controls.is_running:
            return runner.instruments.busy
        return runner.finished or runner.training.epoch_end_due or runner.training.step < until

    # -- to the end ---------------------------------------------------------------------------------------------------

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
        if self._said.state is not SessionState.IDLE:
            raise Cancelled("This session has trained already: make a new one.")
        self._to_the_end = True
        try:
            with self._interruptible():
                self._guarded(self._prepare)
                if self.on_prepared is not None and self._controls.runner is not None and self._said.error is None:
                    self.on_prepared(self._controls.runner.training)
                self._guarded(lambda: self._train_to_the_end(test))
        except KeyboardInterrupt:
            self._torn = True
            raise Cancelled("Broken off in the middle of a step; what was recorded until then is kept.") from None
        finally:
            with interruption.put_off(however_often=self._preparing.together is not None):
                self._guarded(self._end)
        if self._said.error is not None:
            raise self._said.error
        if self._controls.runner is None:
            raise Cancelled("Stopped before training began.")
        training = self._controls.runner.training
        if self._outcome is None:
            raise Cancelled(f"Stopped at step {training.step}; what was recorded until then is kept.")
        return self._outcome

    def _train_to_the_end(self, look_at_test: bool) -> None:
        """All epochs, then the test split if that is wanted; broken off by an interruption, a stop or a failure."""
        if self._broken_off or self._said.error is not None:
            return
        self.commands.run()  # What was asked before it began; a stop is one, and then there is nothing to do.
        if not self._goes_on():
            return
        self._controls.play()
        runner = self._controls.prepared
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
        recorded = self._preparing.run.latest(TRAINING_SECONDS.series())
        self._outcome = Outcome(
            test_loss=None if test is None else test.loss,
            test_accuracy=None if test is None else test.accuracy,
            epochs=runner.training.epoch,
            steps=runner.training.step,
            seconds=runner.speed.seconds,
            run_seconds=recorded.value if isinstance(recorded, Scalar) else runner.speed.earlier,
            best_epoch=runner.training.best_epoch,
            ended_early=runner.training.epoch < runner.epochs,
        )

    def _goes_on(self) -> bool:
        return self._said.state not in (SessionState.DONE, SessionState.FAILED) and not self._broken_off

    # -- a piece of it ------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        self._said.enter(SessionState.PREPARING)
        runner = self._preparing.prepare(
            to_the_end=self._to_the_end,
            broken_off=lambda: self._broken_off,
            tell=self._said.tell,
            on_trouble=self._on_trouble,
        )
        if runner is None:
            return
        self._controls.runner = runner
        self._said.enter(SessionState.READY)
        if self._preparing.resumed and runner.finished and not self._to_the_end:
            self._controls.complete()
        # Said when it is ready: whoever opens a project listens to what comes after that.
        if runner.training.coming.curation_remark:
            self._said.refuse(DataError(runner.training.coming.curation_remark))

    def _turn(self) -> None:
        """Answers what was asked, or does one batch, or waits for the next request."""
        if self.commands.pending:
            self.commands.run()
            return  # Whoever drives it looks first at what has become of it: there may be nothing more to wait for.
        runner, running = self._controls.runner, self._controls.is_running
        if runner is None or self._said.state is SessionState.FAILED:
            self.commands.wait()
        elif running and runner.finished and not runner.has_errand:
            self._controls.complete()
        elif self._controls.has_trained_its_epoch:
            self._controls.pause()
        elif running or runner.has_errand:
            if running and not runner.has_errand and self._is_too_early(runner):
                return
            self._waits.look()
            runner.advance()
            if runner.halted and self._controls.is_running:
                self._said.enter(SessionState.PAUSED)
        elif runner.instruments.busy:
            runner.measure_on()
        else:
            runner.settle_down()
            runner.save_what_was_put_off()
            self.commands.wait(_LOOK_AT_THE_DISK if runner.has_checkpoint_to_save else None)

    def _is_too_early(self, runner: Runner) -> bool:
        """Whether the next step has to wait for its time; waits for it, or for a request, once."""
        seconds = self._controls.step_times.too_early()
        if seconds:
            runner.settle_down()
            self.commands.wait(seconds)
        return seconds > 0

    def _end(self) -> None:
        """The last thing: keeps what there is and answers whoever still waits."""
        reason = self._said.error or Cancelled("The session is closed.")
        self.commands.close(reason)
        self._waits.close()
        runner = self._controls.runner
        if runner is not None:
            runner.abandon(reason)
            if self._said.state is not SessionState.FAILED and not self._torn:
                runner.save("stop", last=True)
                runner.rest(measure=False)
            self._remember_pace(runner)
            runner.training.random.release()  # also after a step that was torn, which nothing else may be done with
        self._preparing.run.finished = True
        if self._said.state not in (SessionState.DONE, SessionState.FAILED):
            self._said.enter(SessionState.DONE)

    def _remember_pace(self, runner: Runner) -> None:
        """How long an epoch took, for whoever asks before the next training of this network."""
        # Where they were slowed down, or in several processes, they say nothing of the next ones.
        lasted = sum(runner.epoch_seconds)
        even = len(runner.training.epoch_plan.sizes) == 1  # else an epoch tells nothing of the others
        alone = self._preparing.together is None
        if lasted >= _LONG_ENOUGH and alone and not self._controls.step_times.slowed and even:
            training = runner.training
            steps = training.steps_per_epoch
            seconds = statistics.median(runner.epoch_seconds) / steps
            work = training.work * training.config.accumulation
            count = steps * len(runner.epoch_seconds)
            paces.remember(self._preparing.project, Pace(seconds, 0.0, work, paces.TRAINED, count))

    # -- how it breaks off --------------------------------------------------------------------------------------------

    @property
    def _broken_off(self) -> bool:
        return self._closing.is_set() or self._interrupted

    def _on_trouble(self, error: NnvizError) -> None:
        if not (self._to_the_end and isinstance(error, NotFiniteError)):  # which :meth:`train` raises
            self._said.refuse(error)

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
        runner = self._controls.runner
        training = None if runner is None else runner.training
        step = 0 if training is None else training.step
        device = self._preparing.device_name if training is None else str(training.device)
        doing = self._preparing.doing if runner is None else runner.doing
        batch_size = self._preparing.project.training.batch_size
        self._said.error = readable(error, device=device, step=step, batch_size=batch_size, doing=doing)
        if is_out_of_memory(error):
            failures.let_go(error)
        if runner is not None:
            runner.speed.stop()
            runner.training.random.release()
            runner.abandon(self._said.error)
        self._said.enter(SessionState.FAILED)

    def _interrupt(self) -> None:
        self._interrupted = True
        self.commands.put(lambda: None)  # Wakes it up where it waits.

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Ctrl-C and the like are answered between two batches, where all is whole; a second one breaks off at once."""

        def interrupt(number: int, frame: FrameType | None) -> None:
            # torchrun hands on what the terminal has told every process already, and ends by force who takes too long.
            if self._interrupted and self._preparing.together is None:
                raise KeyboardInterrupt
            self._interrupt()

        with interruption.handled_by(interrupt):
            yield
