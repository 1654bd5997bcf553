"""How long the training that has not begun yet is going to take, for all that say it."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

from msgspec.structs import replace
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from nnviz.gui.parts.following import follow
from nnviz.gui.parts.late_signal import emit_late
from nnviz.gui.runs.session_bridge import SessionBridge
from nnviz.project.document import Document
from nnviz.project.graph.bypass import same_computation
from nnviz.project.model import Project
from nnviz.train import paces
from nnviz.train.paces import Duration, Pace

if TYPE_CHECKING:
    from nnviz import train

#: Milliseconds for which a session has been ready before it is asked: whoever presses Play at once does not wait.
_LATER = 400


class ExpectedTime(QObject):
    """Asks the session that is ready to train, on whose thread a few steps of a copy are timed, once a network.

    Args:
        document: What the user works on.
        bridge: To the session.
        parent: As of every QObject.
    """

    #: Something is known that was not.
    changed = Signal()
    #: (project, pace): on its way from the session's thread.
    _arrived = Signal(object, object)

    def __init__(self, document: Document, bridge: SessionBridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document, self._bridge = document, bridge
        #: The pace of the project it was found for; None where nothing could be.
        self._found: tuple[Project, Pace | None] | None = None
        self._stopped = False
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(_LATER)
        self._wait.timeout.connect(self._ask)
        self._arrived.connect(self._take, Qt.ConnectionType.QueuedConnection)
        self._following = follow(document.changed, self._on_changed)
        bridge.state_changed.connect(lambda _state: self._begin())

    def duration(self, sizes: tuple[int, ...] | None) -> Duration | None:
        """What the training takes from its beginning; None while nobody knows.

        Args:
            sizes: Examples for training, validation and test.
        """
        project = self._document.project
        if self._found is None or self._found[1] is None or not sizes or not _as_long(self._found[0], project):
            return None
        config = project.training
        return paces.duration(self._found[1], sizes[0], sizes[1], config.step_size, config.epochs)

    def stop(self) -> None:
        """Ask nothing from here on: the window goes, or is there for a picture alone."""
        self._stopped = True
        self._wait.stop()
        self._following.end()

    def _on_changed(self, _before: Project, _after: Project, _edit: object) -> None:
        self._begin()

    def _begin(self) -> None:
        ready = self._bridge.state == "ready" and not self._stopped
        if ready and (self._found is None or not _as_long(self._found[0], self._document.project)):
            self._wait.start()
        else:
            self._wait.stop()

    def _ask(self) -> None:
        project = self._document.project

        def question(session: train.session.TrainingSession) -> Pace | None:
            from nnviz.train.timing import pace_of  # noqa: PLC0415 - torch, which is there on the session's thread

            # An edit may not have reached it yet.
            known = _as_long(session.project, project) and session.position.step == 0
            return pace_of(project, session.training) if known else None

        def ended(done: Future[Pace | None]) -> None:
            if not (done.cancelled() or done.exception() is not None):
                emit_late(self, arrived, project, done.result())

        arrived = self._arrived
        self._bridge.ask(question).add_done_callback(ended)

    def _take(self, project: Project, pace: Pace | None) -> None:
        self._found = project, pace
        self.changed.emit()


def _as_long(first: Project, second: Project) -> bool:
    """Whether a step of both takes equally long, whatever else differs."""
    if first is second:
        return True
    training = (replace(one.training, epochs=1, seed=0, keep_best=False) for one in (first, second))
    return (
        first.data == second.data and next(training) == next(training) and same_computation(first.graph, second.graph)
    )
