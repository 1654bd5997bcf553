"""The bridge as a Workbench asks it: sessions are opened with what the window knows besides the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnviz.gui.parts.known_data import KnownData
from nnviz.gui.runs.session_bridge import SessionBridge
from nnviz.project.model import Project
from nnviz.record.interest import EVERYTHING, Interest
from nnviz.record.run import Run

if TYPE_CHECKING:
    from nnviz.train.session import CheckpointStore
    from nnviz.train.start import Start


class SessionHost:
    """Whom the Workbench of a window asks for sessions; each of them gets the pace and the interest of the window.

    Args:
        bridge: Keeps the sessions.
        known: Says where data sets are looked for first.
        store: Where checkpoints are kept; None where they are not.

    Attributes:
        pace: Steps a second at the most; None for full speed.
    """

    def __init__(self, bridge: SessionBridge, known: KnownData, store: CheckpointStore | None) -> None:
        self._bridge = bridge
        self._known = known
        self._store = store
        #: What is looked at in the window.
        self._interest = EVERYTHING
        self.pace: float | None = None
        self.close_session = bridge.close_session
        self.play = bridge.play
        self.pause = bridge.pause
        self.step = bridge.step
        self.epoch = bridge.epoch
        self.step_back = bridge.step_back
        self.go_back = bridge.go_back
        self.set_learning_rate = bridge.set_learning_rate
        self.set_epochs = bridge.set_epochs
        self.train_on = bridge.train_on
        self.curate = bridge.curate
        self.take_on = bridge.take_on
        self.evaluate_test = bridge.evaluate_test

    @property
    def state(self) -> str:
        """State of the session."""
        return self._bridge.state

    def open(self, project: Project, run: Run, start: Start | None = None) -> None:
        """Prepare a session in place of the one that is there."""
        self._bridge.open(project, run, self._known.data_dir, self._store, start)
        self._bridge.look(self._interest)
        if self.pace is not None:
            self._bridge.set_pace(self.pace)

    def set_pace(self, steps_per_second: float | None) -> None:
        """At most so many steps a second, in this session and the next; None for full speed."""
        if steps_per_second != self.pace:
            self.pace = steps_per_second
            self._bridge.set_pace(steps_per_second)

    def look(self, interest: Interest) -> None:
        """What is looked at, in this session and the next."""
        if interest != self._interest:
            self._interest = interest
            self._bridge.look(interest)
