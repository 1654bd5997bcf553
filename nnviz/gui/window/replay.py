"""Shows runs from files, and follows those that somebody else is still writing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from nnviz.gui.runs.workspace import Workspace
from nnviz.gui.window.guidance import Guidance
from nnviz.gui.window.notices import NoticeArea
from nnviz.project.model import Project
from nnviz.record.run import RunView

if TYPE_CHECKING:
    from nnviz.record.tolerant import TolerantRun

_INTERVAL = 500


class Replay(QObject):
    """The run from a file that the window shows, if it does.

    A run that cannot be read any further (its file was cut off, written over or removed) stays as far as it was read;
    that is said once in a notice, and reading is tried again, until it goes well or another run is shown.

    Attributes:
        path: Its file; None while a live run is shown.
    """

    def __init__(
        self,
        workspace: Workspace,
        notices: NoticeArea,
        guidance: Guidance,
        show_all: Callable[[], object],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._notices = notices
        self._guidance = guidance
        self._show_all = show_all
        self.path: Path | None = None
        self._run: TolerantRun | None = None
        self._failure = ""
        self._damaged = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL)
        self._timer.timeout.connect(self._look)

    def stop(self) -> None:
        """Something else is shown from now on."""
        self.path = self._run = None
        self._timer.stop()

    def show(self, project: Project, run: TolerantRun, path: Path) -> None:
        """Show a run that was opened from its file."""
        self._workspace.document.replace(project, None)
        self.path, self._run = path, run
        self._failure, self._damaged = "", 0
        self._notices.dismiss("damage")
        self._workspace.training.show_replay(run)
        self._guidance.tell_replay(run, path)
        self._timer.start()
        self._show_all()

    def _look(self) -> None:
        """Say what turned out to be damaged, and read on in a run that still grows: the disk is a thread's work."""
        run = self._run
        shown: RunView = self._workspace.feed.run
        if run is None or shown is not run or self._workspace.training.state != "replay":
            self._timer.stop()
            self._notices.dismiss("damage")
            return
        damaged = list(run.damaged)
        if len(damaged) != self._damaged and self.path is not None:
            self._damaged = len(damaged)
            self._guidance.tell_damage(self.path, damaged)
        if not (run.finished or self._workspace.background.busy):
            self._workspace.background.start(
                run.refresh, lambda _grown: self._followed(run), lambda error: self._failed(run, error), lane="follow"
            )

    def _followed(self, run: TolerantRun) -> None:
        if self._run is run and self._failure:
            self._failure = ""
            self._notices.dismiss("follow")

    def _failed(self, run: TolerantRun, error: BaseException) -> None:
        if self._run is run and str(error) != self._failure:
            self._failure = str(error)
            self._guidance.tell_lost(str(error))
