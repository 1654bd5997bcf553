"""Questions that take longer than a batch: answered on a copy of the network, on a thread beside the session.

The session is held up only while the copy is taken. It is kept for the next question, as long as the same weights are
shown; copies and work end when whoever asked is hidden.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from nnviz.errors import Cancelled
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.runs.shown_network import Asked
from nnviz.gui.runs.workspace import Workspace

if TYPE_CHECKING:
    from nnviz.explain.score import OwnNetwork
    from nnviz.train.training import Training

_Result = TypeVar("_Result")
#: Milliseconds between two looks at how far a job is.
_LOOK_EVERY = 100


class Job:
    """One question under way. The thread that answers it writes, the GUI thread reads."""

    def __init__(self) -> None:
        self.cancelled = False
        self.done = self.total = 0
        #: What was found until now.
        self.so_far: Any = None

    def tell(self, done: int, total: int) -> None:
        """How far it is."""
        self.done, self.total = done, total

    def is_cancelled(self) -> bool:
        """Whether the answer is not wanted any more."""
        return self.cancelled

    def show(self, found: object) -> None:
        """What was found until now."""
        self.so_far = found


class KeptCopy:
    """The copy that was taken last, for all who ask in one panel."""

    def __init__(self) -> None:
        self.key: tuple[object, ...] | None = None
        self.network: OwnNetwork | None = None

    def forget(self) -> None:
        """Give its memory back."""
        self.key = self.network = None


class OwnAsking(QObject, Generic[_Result]):
    """One question at a time; a new one takes the place of the one under way.

    Args:
        workspace: Whose network is asked.
        kept: Where the copy is kept.
        lane: Of the background; questions of one lane wait for each other.
        done: Gets an answer, and the seconds that it took, on the GUI thread.
        failed: Gets why there is none, as a sentence.
        parent: Owner.
    """

    #: How far it is, or that it began or ended: read :attr:`job`.
    moved = Signal()

    def __init__(
        self,
        workspace: Workspace,
        kept: KeptCopy,
        lane: str,
        done: Callable[[_Result, float], None],
        failed: Callable[[str], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._kept = kept
        self._lane = lane
        self._done, self._failed = done, failed
        self._asked: Asked | None = None
        #: What is under way; None at rest.
        self.job: Job | None = None
        self._seen: tuple[object, ...] = ()
        self._look = QTimer(self)
        self._look.setInterval(_LOOK_EVERY)
        self._look.timeout.connect(self._notice)

    @property
    def busy(self) -> bool:
        """Whether a question is under way."""
        return self.job is not None

    def ask(self, work: Callable[[OwnNetwork, Job], _Result]) -> None:
        """Have something computed.

        Args:
            work: Called on a thread of its own with a network that nobody trains.
        """
        self.cancel()
        job = self.job = Job()
        self._look.start()
        network, key = self._workspace.network, self._workspace.network.key
        if self._kept.key == key and self._kept.network is not None:
            self._start(job, self._kept.network, work)
        else:
            self._kept.forget()

            def took(own: OwnNetwork) -> None:
                self._kept.key, self._kept.network = key, own
                self._start(job, own, work)

            self._asked = network.ask(_copy, took, lambda error: self._end(job, error))
        self.moved.emit()

    def cancel(self) -> None:
        """The answer is not wanted any more: nobody is called."""
        if self._asked is not None:
            self._asked.cancel()
            self._asked = None
        if self.job is not None:
            self.job.cancelled = True
            self.job = None
            self._look.stop()
            self.moved.emit()

    def _start(self, job: Job, own: OwnNetwork, work: Callable[[OwnNetwork, Job], _Result]) -> None:
        def timed() -> tuple[_Result, float]:
            if job.cancelled:
                raise Cancelled("Cancelled.")
            began = time.perf_counter()
            return work(own, job), time.perf_counter() - began

        self._workspace.background.start(
            timed, lambda found: self._finish(job, *found), lambda error: self._end(job, error), self._lane
        )

    def _finish(self, job: Job, found: _Result, seconds: float) -> None:
        if job is self.job:
            self.job = None
            self._look.stop()
            self._done(found, seconds)
            self.moved.emit()

    def _end(self, job: Job, error: BaseException) -> None:
        if job is self.job:
            self.job = None
            self._look.stop()
            self._failed(sentence_of(error))
            self.moved.emit()

    def _notice(self) -> None:
        job = self.job
        if job is not None and (job.done, job.total, id(job.so_far)) != self._seen:
            self._seen = (job.done, job.total, id(job.so_far))
            self.moved.emit()


def _copy(training: Training) -> OwnNetwork:
    from nnviz.explain.score import own_network  # noqa: PLC0415 - torch belongs to the thread that owns the network

    return own_network(training)
