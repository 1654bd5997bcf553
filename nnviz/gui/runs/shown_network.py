"""The network of what is shown, for all that ask it something: live, or as it was at a step that a run keeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import shiboken6
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from nnviz.errors import RunFileError, TrainingError
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.late_signal import emit_late
from nnviz.gui.parts.owners import Owners
from nnviz.gui.runs.run_feed import RunFeed
from nnviz.gui.runs.session_bridge import SessionBridge
from nnviz.gui.runs.training import Training
from nnviz.record.evaluated import AnyEvaluated
from nnviz.record.run import Run, RunView
from nnviz.record.stored import CheckpointInfo, open_run
from nnviz.record.tolerant import TolerantRun
from nnviz.train.sub_steps import SubStep

if TYPE_CHECKING:
    from nnviz import train

_Result = TypeVar("_Result")

#: Milliseconds between two looks at whether the live weights have changed.
_LOOK_EVERY = 100
#: Seconds between two looks at which states the file of a growing run keeps.
_KEPT_EVERY = 1.0
#: Looks after which a run that has not grown is left alone: what it kept last is in its file by then.
_KEPT_LOOKS = 5


class Asked:
    """A question that is under way.

    Args:
        owner: Who wants the answer: nobody is called once it has been deleted.
    """

    def __init__(self, owner: object = None) -> None:
        self._owner = owner if isinstance(owner, QObject) else None
        self._cancelled = False
        self._future: Future[object] | None = None

    @property
    def cancelled(self) -> bool:
        """Whether the answer is not wanted any more."""
        return self._cancelled or (self._owner is not None and not shiboken6.isValid(self._owner))

    def cancel(self) -> None:
        """The answer is not wanted any more: nobody is called."""
        self._cancelled = True
        if self._future is not None:
            self._future.cancel()


class _Answer(QObject):
    """Carries one answer to the GUI thread."""

    arrived = Signal(object, object)


class ShownNetwork(QObject):
    """Answers questions about the network whose numbers are on the screen, without ever disturbing its training.

    Where the newest step of the live run is shown, the session answers between two batches, on the live weights; the
    question leaves no trace in them (see ``TrainingSession.ask``). Where an earlier step or a recorded run is shown, a
    network is built beside it from the newest state that the run's file keeps of that step or before, on a thread of
    its own; it is kept for the next question.

    Lives on the GUI thread.
    """

    #: Other weights or another network are shown: what was answered before may no longer hold.
    changed = Signal()
    #: What is asked is not the newest state of the run that is shown, and why, as a sentence; empty where it is again.
    remarked = Signal(str)

    def __init__(
        self,
        training: Training,
        path_of: Callable[[Run], Path | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._training = training
        self._bridge: SessionBridge = training.bridge
        self._feed: RunFeed = training.feed
        self._path_of = path_of
        self._background = Background(self)
        #: The network that was built last, what of, and what is to be said of it; belongs to the thread that builds it.
        self._built: tuple[tuple[Path, int | None, CheckpointInfo | None], train.training.Training, str] | None = None
        #: What was said last, and of which run.
        self._remark: tuple[int, str] = (0, "")
        #: Runs and sessions by number.
        self._owners = Owners()
        #: The newest state that is kept of the run that is shown, and which run that is.
        self._newest: tuple[int, CheckpointInfo | None] = (0, None)
        #: How far that run was at the last look, when that was, and how many looks found nothing new.
        self._seen: tuple[object, ...] = ()
        self._seen_at = 0.0
        self._quiet = 0
        self._looking = False
        self._answers: set[_Answer] = set()
        self._closed = False
        self._key = self.key
        self._look = QTimer(self)
        self._look.setInterval(_LOOK_EVERY)
        self._look.timeout.connect(self._notice)
        self._look.start()
        self._feed.shown_changed.connect(lambda _shown: self._notice())
        self._bridge.state_changed.connect(lambda _state: self._notice())

    @property
    def key(self) -> tuple[object, ...]:
        """Equal as long as the same weights are shown, and units switched alike: what an answer was given for.

        Of a recorded run the first three are the same as long as the same run and step are shown; where that is the
        newest step of a run that grows, the fourth is the newest state that its file is known to keep.
        """
        shown = self._feed.shown
        if not self.is_live:
            number = self._owners.number(shown.run)
            return ("kept", number, shown.step, self._newest[1] if self._newest[0] == number else None)
        position = self._bridge.position
        at = (position.step, position.edits, position.switches) if position is not None else (-1, 0, 0)
        return ("live", self._owners.number(self._bridge.session), *at)

    @property
    def is_live(self) -> bool:
        """Whether the live weights are those that are shown."""
        return self._training.replay is None and self._feed.shown.step is None

    @property
    def busy(self) -> bool:
        """Whether a question is under way."""
        return bool(self._answers) or self._background.busy

    def ask(
        self,
        question: Callable[[train.training.Training], _Result],
        done: Callable[[_Result], None],
        failed: Callable[[BaseException], None],
        owner: QObject | None = None,
    ) -> Asked:
        """Have a question answered; ``done`` or ``failed`` is called later, on the GUI thread.

        Args:
            question: Called on the thread that owns the network, which is at rest meanwhile. What it gives back must
                be plain values or arrays of its own, no live tensors.
            done: Gets the answer.
            failed: Gets what was raised: an NnvizError where there is no network to ask, with a sentence to show.
            owner: Who is called no more once it has been deleted; the object of ``done`` where that is a method of one.
        """
        asked = Asked(owner or getattr(done, "__self__", None))
        if self.is_live:
            future = self._bridge.ask(lambda session: question(session.training))
            asked._future = future  # type: ignore[assignment]  # of whatever result
            self._deliver(future, asked, done, failed)
            return asked
        run, step = self._feed.shown.run, self._feed.shown.step
        growing = run.growing

        def work() -> tuple[_Result, str]:
            training, remark = self._build(self._file_of(run), step, growing=growing)
            return question(training), remark

        def answered(found: tuple[_Result, str]) -> None:
            self._tell(self._owners.number(run), found[1])
            if not asked.cancelled:
                done(found[0])

        self._background.start(
            work,
            answered,
            lambda error: None if asked.cancelled else failed(error),
            "network",
        )
        return asked

    def evaluate(
        self,
        split: str,
        done: Callable[[AnyEvaluated], None],
        failed: Callable[[BaseException], None],
        owner: QObject,
    ) -> Asked:
        """What the network makes of every example of a split; called back as by :meth:`ask`.

        The live network is asked batch by batch, so that a click is heard in between, and the answer stands in the run
        as well; a use of the test split is counted. Of an earlier step or a recorded run nothing is written down.

        Args:
            split: ``train``, ``validation`` or ``test``; the last only of the live network.
            done: Gets the answer.
            failed: Gets what was raised.
            owner: Who is called no more once it has been deleted.
        """
        if self.is_live:
            asked, future = Asked(owner), self._bridge.evaluate(split)
            self._deliver(future, asked, done, failed)
            return asked

        def question(training: train.training.Training) -> AnyEvaluated:
            from nnviz.train.evaluation import evaluate  # noqa: PLC0415 - torch belongs to that thread

            return evaluate(training, split)

        return self.ask(question, done, failed, owner)

    @property
    def kept_file(self) -> Path | None:
        """The file that keeps states of the run that is shown; None where it is not written to one."""
        try:
            return self._file_of(self._feed.shown.run)
        except RunFileError:
            return None

    def sub_step_on(
        self,
        look: Callable[[train.training.Training, SubStep], _Result],
        done: Callable[[_Result], None],
        failed: Callable[[BaseException], None],
    ) -> Asked:
        """Do the next of the five parts of a step of the live network, see ``TrainingSession.sub_step_on``.

        Args:
            look: Takes what the part shows, on the thread that owns the network.
            done: Gets what that returned, on the GUI thread.
            failed: Gets what was raised: an NnvizError with a sentence where it cannot be done now.
        """
        asked = Asked()
        future = self._training.sub_step_on(look)
        self._deliver(future, asked, lambda found: done(found[1]), failed)
        return asked

    def _deliver(
        self,
        future: Future[_Result],
        asked: Asked,
        done: Callable[[_Result], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        answer = _Answer()
        self._answers.add(answer)

        def arrived(result: _Result, failure: BaseException | None) -> None:
            self._answers.discard(answer)
            answer.deleteLater()
            if asked.cancelled or self._closed:
                return
            if isinstance(failure, CancelledError):  # there is no session, or it was closed meanwhile
                failed(self._no_network())
            elif failure is not None:
                failed(failure)
            else:
                done(result)

        answer.arrived.connect(arrived, Qt.ConnectionType.QueuedConnection)

        def ended(future: Future[_Result]) -> None:
            result: object = None
            failure: BaseException | None = None
            try:
                result = future.result()
            except BaseException as error:  # noqa: BLE001 - it is handed to whoever asked
                failure = error
            emit_late(answer, arrival, result, failure)

        arrival = answer.arrived
        future.add_done_callback(ended)

    def _no_network(self) -> TrainingError:
        reasons = (self._training.failure, self._training.blocked(), "There is no network yet: it is being prepared.")
        return TrainingError(next(filter(None, reasons)))

    def _file_of(self, run: RunView) -> Path:
        """The file that keeps states of a run."""
        path = run.path if isinstance(run, TolerantRun) else self._path_of(run) if isinstance(run, Run) else None
        if path is None:
            raise RunFileError("No weights are kept of this step: the run is not written to a file.")
        return path

    def _tell(self, number: int, remark: str) -> None:
        """Once for each run and state: its panels ask again and again."""
        before, self._remark = self._remark, (number, remark)
        if self._remark != before and (remark or before[1]):
            self.remarked.emit(remark)

    def _build(self, path: Path, step: int | None, *, growing: bool) -> tuple[train.training.Training, str]:
        """The network, and where it is not of the state that would be taken if that could be read, a sentence."""
        from nnviz.explain.asked import kept_at, of_run  # noqa: PLC0415 - torch belongs to this thread

        kept = kept_at(path, step)
        if kept is None and step is None:
            if not growing:
                raise RunFileError("The run has no weights: no checkpoint was kept.")
            step = 0  # It has only just begun: the weights that it began with, until it keeps others.
        key = (path, step, kept)
        if self._built is None or self._built[0] != key:
            self._built = None  # its memory goes before the next one needs some
            _, training, remark = of_run(path, step, self._training.data_dir)
            self._built = (key, training, f"{path.name}: {remark}" if remark else "")
        return self._built[1:]

    def _look_for_newer(self) -> None:
        """Where the newest step of a recorded run is shown: see now and then whether its file keeps a newer state."""
        shown, now = self._feed.shown, time.monotonic()
        if self._looking or self._closed or self.is_live or shown.step is not None:
            return
        number, run = self._owners.number(shown.run), shown.run
        seen = (number, run.last_step, run.finished, run.state)
        if seen[:1] == self._seen[:1] and now - self._seen_at < _KEPT_EVERY:
            return
        self._quiet = self._quiet + 1 if seen == self._seen else 0
        self._seen, self._seen_at = seen, now
        path = self.kept_file
        if path is None or self._quiet > _KEPT_LOOKS:
            return

        def found(newest: CheckpointInfo | None) -> None:
            self._looking = False
            self._newest = (number, newest)
            self._notice()

        def failed(_error: BaseException) -> None:
            self._looking = False  # whoever asks the network is told why

        self._looking = True
        self._background.start(lambda: _newest_in(path), found, failed, "kept states")

    def _notice(self) -> None:
        self._look_for_newer()
        key = self.key
        if key != self._key:
            self._key = key
            self.changed.emit()

    def close(self, seconds: float) -> bool:
        """The window ends: answers that have not come by now are given to nobody, whose views may have gone.

        Args:
            seconds: How long to wait, at most, for what is being answered beside the session.

        Returns:
            Whether everything has ended.
        """
        self._closed = True
        self._look.stop()
        return self._background.close(seconds)


def _newest_in(path: Path) -> CheckpointInfo | None:
    """The newest state that a run's file keeps; not on the GUI thread."""
    with open_run(path) as stored:
        return next(reversed(stored.checkpoints()), None)
