"""One worker thread for the life of the window: it alone imports torch, and it owns every live network.

The GUI thread asks (play, pause, step …) and never waits; what changes in the life of a session comes back as a queued
Qt signal. Numbers never come this way: they go into the run, from which the feed pulls.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, Signal

from nnviz.errors import Cancelled, InputError, NnvizError, is_out_of_memory
from nnviz.gui.parts.reasons import sentence_of
from nnviz.train import give_way, share_cores
from nnviz.train.start import Continued, WarmStart
from nnviz.train.sub_steps import SubStep

if TYPE_CHECKING:
    from nnviz.data.tensors import LoadedData
    from nnviz.project.model import Curated, DataConfig, Project
    from nnviz.record.evaluated import AnyEvaluated
    from nnviz.record.interest import Interest
    from nnviz.record.run import Run
    from nnviz.train.live_settings import LiveSettings
    from nnviz.train.session import CheckpointStore, Position, TrainingSession
    from nnviz.train.start import Start
    from nnviz.train.training import Training
    from nnviz.train.unit_switches import UnitSwitches
    from nnviz.train.weight_edits import WeightChange

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")

#: States in which the network can be asked to do something.
READY_STATES = frozenset({"ready", "running", "paused", "done"})


def details_of(error: BaseException) -> str:
    """The traceback of what nobody foresaw; nothing for an error that its own sentence explains."""
    return "" if isinstance(error, InputError) else "".join(traceback.format_exception(error))


@dataclass(frozen=True)
class _Opening:
    """What the next session is made of."""

    number: int
    project: Project
    run: Run
    data_dir: Path | None
    store: CheckpointStore | None
    start: Start | None


class _Voice(QObject):
    """What the thread says. It belongs to no window, so it outlives one that was closed during an import of torch."""

    state = Signal(int, str)
    failure = Signal(int, str, str)
    progress = Signal(int, str, int, int)
    refusal = Signal(int, str)
    word = Signal(int, str)
    warmed_up = Signal(str)
    memory_measured = Signal(object)
    downloaded = Signal(str)


class SessionBridge(QObject):
    """Opens, drives and closes training sessions on its own daemon thread."""

    #: State of the current session: a value of SessionState.
    state_changed = Signal(str)
    #: The current session, or the thread itself, has failed: a sentence, and the details for an engineer.
    failed = Signal(str, str)
    #: Something that was asked for cannot be done: a sentence.
    refused = Signal(str)
    #: How a session began, where that is worth a sentence.
    told = Signal(str)
    #: Preparing tells how far it is: what, done, of how many.
    progressed = Signal(str, int, int)
    #: torch is imported and warm; the argument is a sentence when that failed.
    warmed_up = Signal(str)
    #: Bytes that a training may take on the roomiest device.
    memory_measured = Signal(object)
    #: A download has ended: empty, or the sentence that says what went wrong.
    downloaded = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._condition = threading.Condition()
        self._opening: _Opening | None = None
        self._jobs: deque[Callable[[], None]] = deque()
        self._session: TrainingSession | None = None
        self._waiting: list[Callable[[TrainingSession], Any]] = []
        self._number = 0
        self._closing = False
        self._cancel_download = threading.Event()
        self._data: tuple[DataConfig, Path | None, LoadedData] | None = None
        self._state = "idle"
        voice = self._voice = _Voice()
        voice.state.connect(self._on_state)
        voice.failure.connect(self._on_failure)
        voice.progress.connect(self._on_progress)
        voice.refusal.connect(self._on_refusal)
        voice.word.connect(self._on_word)
        voice.warmed_up.connect(self.warmed_up)
        voice.memory_measured.connect(self.memory_measured)
        voice.downloaded.connect(self.downloaded)
        self._thread = threading.Thread(target=self._work, name="nnviz-session", daemon=True)

    # ---- asked by the GUI thread ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread, which imports torch and warms it up at once; asking for work does it too."""
        if self._thread.ident is None and not self._closing:
            self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def state(self) -> str:
        """State of the current session, as the GUI knows it."""
        return self._state

    @property
    def position(self) -> Position | None:
        """Where the current session stands: plain numbers, readable at any time; None before there is one."""
        session = self._session
        return session.position if session is not None else None

    @property
    def session(self) -> TrainingSession | None:
        """The session itself, for questions that it answers on any thread."""
        return self._session

    def open(
        self,
        project: Project,
        run: Run,
        data_dir: Path | None = None,
        store: CheckpointStore | None = None,
        start: Start | None = None,
    ) -> None:
        """Close the current session and prepare one for ``project`` that writes to ``run``."""
        with self._condition:
            self._number += 1
            self._opening = _Opening(self._number, project, run, data_dir, store, start)
            self._waiting.clear()
            old, self._session = self._session, None
            self._condition.notify_all()
        if old is not None:
            old.close()
        self._state = "idle"
        self.start()

    def close_session(self) -> None:
        """Close the current session; the thread waits for the next."""
        with self._condition:
            self._number += 1
            self._opening = None
            self._waiting.clear()
            old, self._session = self._session, None
        if old is not None:
            old.close()
        if self._state != "idle":
            self._state = "idle"
            self.state_changed.emit("idle")

    def close(self, seconds: float = 3.0) -> bool:
        """End the session and the thread; False if it did not end in time (it is a daemon: the process still can)."""
        self._closing = True
        self._cancel_download.set()
        self.close_session()
        with self._condition:
            self._condition.notify_all()
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def play(self) -> None:
        """Train until paused or done."""
        self._command(lambda session: session.play())

    def pause(self) -> None:
        """Stop after the batch that is under way."""
        self._command(lambda session: session.pause())

    def step(self, count: int = 1) -> None:
        """Train ``count`` batches, then pause."""
        self._command(lambda session: session.step(count))

    def epoch(self) -> None:
        """Train to the end of the epoch, then pause."""
        self._command(lambda session: session.epoch())

    def sub_step_on(self, look: Callable[[Training, SubStep], _Result]) -> Future[tuple[SubStep, _Result]]:
        """Do the next part of a step; ``look`` takes what it shows. Cancelled at once when there is no session."""
        session = self._session
        if session is None:
            nothing: Future[tuple[SubStep, _Result]] = Future()
            nothing.cancel()
            return nothing
        return session.sub_step_on(lambda part: look(session.training, part))

    def leave_sub_steps(self) -> None:
        """Show no more parts of the step."""
        self._command(lambda session: session.leave_sub_steps())

    @property
    def sub_step(self) -> SubStep | None:
        """The part of a step that was done last; None where none is taken apart."""
        session = self._session
        return session.sub_step if session is not None else None

    def step_back(self) -> None:
        """Return to the weights of the step before."""
        self._command(lambda session: session.step_back())

    def go_back(self, step: int) -> None:
        """Return to the weights after an earlier step."""
        self._command(lambda session: session.go_back(step))

    def edit_weights(self, changes: Sequence[WeightChange], *, more: bool = False) -> None:
        """Set numbers of the network by hand; ``more`` goes on with the edit before."""
        self._command(lambda session: session.edit_weights(changes, more=more))

    def undo_edit(self) -> None:
        """Put back what stood in the places of the newest edit of weights."""
        self._command(lambda session: session.undo_edit())

    def redo_edit(self) -> None:
        """Set once more what the last undo of such an edit took away."""
        self._command(lambda session: session.redo_edit())

    def switch_units(self, switches: UnitSwitches) -> None:
        """Switch units off or freeze them; those that are not named are as usual."""
        self._command(lambda session: session.switch_units(switches))

    def set_pace(self, steps_per_second: float | None) -> None:
        """How many steps a second to train at the most; None trains at full speed."""
        self._command(lambda session: session.set_pace(steps_per_second))

    def stop(self) -> None:
        """End training; what was measured stays."""
        self._command(lambda session: session.stop())

    def set_learning_rate(self, value: float) -> None:
        """Changes the learning rate from the next batch on."""
        self._command(lambda session: session.set_learning_rate(value))

    def set_epochs(self, count: int) -> None:
        """Changes the number of epochs after which training ends."""
        self._command(lambda session: session.set_epochs(count))

    def train_on(self, epochs: int) -> None:
        """Train to so many epochs, although the project says fewer."""
        self._command(lambda session: session.train_on(epochs))

    def take_on(self, settings: LiveSettings) -> None:
        """Other settings of optimizer and layers, other layers frozen, from the next batch on."""
        self._command(lambda session: session.take_on(settings))

    def curate(self, entries: tuple[Curated, ...]) -> None:
        """Other labels and weights for single examples, from the next epoch on."""
        self._command(lambda session: session.curate(entries))

    def look(self, interest: Interest) -> None:
        """Tells the session what is looked at, so that it measures that and nothing else."""
        self._command(lambda session: session.look(interest))

    def restore_best(self) -> None:
        """Put the weights of the best epoch back."""
        self._command(lambda session: session.restore_best())

    def evaluate_test(self) -> None:
        """Measure on the test split; it is counted."""
        self._command(lambda session: session.evaluate_test())

    def evaluate(self, split: str) -> Future[AnyEvaluated]:
        """What the network makes of every example of a split; recorded, and a use of the test split is counted.

        The future is cancelled at once when there is no session.
        """
        session = self._session
        if session is None:
            nothing: Future[AnyEvaluated] = Future()
            nothing.cancel()
            return nothing
        return session.evaluate(split)

    def ask(self, question: Callable[[TrainingSession], _Result]) -> Future[_Result]:
        """Have ``question(session)`` answered by the thread that owns the network, between two batches.

        The future is cancelled at once when there is no session.
        """
        session = self._session
        if session is None:
            nothing: Future[_Result] = Future()
            nothing.cancel()
            return nothing
        return session.ask(lambda: question(session))

    def download(self, config: DataConfig, data_dir: Path | None) -> None:
        """Fetch a data set on the worker thread; ``progressed`` and ``downloaded`` tell of it."""
        self._cancel_download.clear()
        number = self._number

        def job() -> None:
            from nnviz.data.tensors import load  # noqa: PLC0415 - torch belongs to this thread

            try:
                data = load(
                    config,
                    data_dir,
                    progress=lambda *values: self._voice.progress.emit(number, *values),
                    cancelled=self._cancel_download.is_set,
                    download=True,
                )
            except Cancelled:
                self._voice.downloaded.emit("The download was cancelled; it goes on from where it stopped next time.")
            except NnvizError as error:
                self._voice.downloaded.emit(sentence_of(error))
            else:
                self._data = (config, data_dir, data)
                self._voice.downloaded.emit("")

        with self._condition:
            self._jobs.append(job)
            self._condition.notify_all()
        self.start()

    def cancel_download(self) -> None:
        """Stop a download; what has arrived is kept."""
        self._cancel_download.set()

    def _command(self, command: Callable[[TrainingSession], Any]) -> None:
        with self._condition:
            session = self._session
            if session is None:
                if self._opening is not None or self._state not in {"idle", "failed"}:
                    self._waiting.append(command)
                return
        command(session)

    # ---- on the worker thread ------------------------------------------------------------------------------------

    def _work(self) -> None:
        self._guard(0, self._warm_up)
        while True:
            with self._condition:
                while not (self._closing or self._opening or self._jobs):
                    self._condition.wait()
                if self._closing:
                    return
                job = self._jobs.popleft() if self._jobs else None
                opening = None
                if job is None:
                    opening = self._opening
            if job is not None:
                self._guard(self._number, job)
            elif opening is not None:
                self._guard(opening.number, lambda chosen=opening: self._host(chosen))  # type: ignore[misc]
                self._guard(opening.number, self._release)

    def _guard(self, number: int, work: Callable[[], None]) -> None:
        """Nothing that goes wrong may end the thread."""
        try:
            work()
        except BaseException as error:
            if not isinstance(error, Exception) and not is_out_of_memory(error):
                raise
            _log.error("The session's thread caught an error.", exc_info=True)
            self._voice.failure.emit(number, sentence_of(error), details_of(error))
            self._voice.state.emit(number, "failed")

    def _warm_up(self) -> None:
        share_cores(watched=True)
        give_way()
        try:
            from nnviz.train.session import warm_up  # noqa: PLC0415 - torch belongs to this thread

            warm_up()
        except ImportError as error:
            self._voice.warmed_up.emit(f"PyTorch could not be loaded: {error}")
            raise
        self._voice.warmed_up.emit("")
        from nnviz.network.memory import roomiest_bytes  # noqa: PLC0415 - as above

        self._voice.memory_measured.emit(roomiest_bytes())

    def _release(self) -> None:
        from nnviz.network.memory import release_unused  # noqa: PLC0415 - torch belongs to this thread

        release_unused()

    def _host(self, opening: _Opening) -> None:
        number = opening.number
        data = None
        if self._data is not None and self._data[:2] == (opening.project.data, opening.data_dir):
            data = self._data[2]
        try:
            from nnviz.train import taken_state  # noqa: PLC0415 - torch belongs to this thread
            from nnviz.train.session import SessionState, TrainingSession  # noqa: PLC0415 - as above

            start = opening.start
            session = TrainingSession(
                opening.project,
                opening.run,
                data=data,
                data_dir=opening.data_dir,
                store=opening.store,
                resume=taken_state.take(start.state, str(start.path)) if isinstance(start, Continued) else None,
                warm=start if isinstance(start, WarmStart) else None,
                progress=lambda *values: self._voice.progress.emit(number, *values),
            )
        except BaseException:
            self._opened(opening)
            raise

        def on_state(state: SessionState) -> None:
            if state is SessionState.READY and session.data is not None:
                self._data = (opening.project.data, opening.data_dir, session.data)
            self._voice.state.emit(number, state.value)
            if state is SessionState.FAILED and session.error is not None:
                error = session.error
                self._voice.failure.emit(number, sentence_of(error), details_of(error))

        def on_refused(sentence: str) -> None:
            self._voice.refusal.emit(number, sentence)

        session.state_changed.connect(on_state)

        def on_told(sentence: str) -> None:
            self._voice.word.emit(number, sentence)

        session.refused.connect(on_refused)
        session.told.connect(on_told)
        with self._condition:
            self._opened(opening)
            if self._number != number or self._closing:
                return
            # In one breath: what is asked for meanwhile neither gets lost nor overtakes what waited.
            self._session = session
            waiting, self._waiting = self._waiting, []
            for command in waiting:
                command(session)
        try:
            session.serve()
        finally:
            session.state_changed.disconnect(on_state)
            session.refused.disconnect(on_refused)
            with self._condition:
                if self._session is session:
                    self._session = None

    def _opened(self, opening: _Opening) -> None:
        """Nothing has to be made of this any more."""
        with self._condition:  # may be held already
            if self._opening is opening:
                self._opening = None

    # ---- back on the GUI thread ----------------------------------------------------------------------------------

    def _on_state(self, number: int, state: str) -> None:
        if number == self._number and not self._closing:
            self._state = state
            self.state_changed.emit(state)

    def _on_failure(self, number: int, sentence: str, details: str) -> None:
        if number in {0, self._number} and not self._closing:
            self.failed.emit(sentence, details)

    def _on_refusal(self, number: int, sentence: str) -> None:
        # A session that could not be prepared refuses everything; why, has been said already.
        if number == self._number and not self._closing and self._state in READY_STATES:
            self.refused.emit(sentence)

    def _on_word(self, number: int, sentence: str) -> None:
        if number == self._number and not self._closing:
            self.told.emit(sentence)

    def _on_progress(self, number: int, what: str, done: int, total: int) -> None:
        if number == self._number and not self._closing:
            self.progressed.emit(what, done, total)
