"""Shows runs from files, and follows those that somebody else is still writing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from nnviz.project.model import Project
from nnviz.record.run import RunView

if TYPE_CHECKING:
    from nnviz.gui.window import MainWindow

_INTERVAL = 500


class Replay(QObject):
    """The run from a file that the window shows, if it does.

    Attributes:
        path: Its file; None while a live run is shown.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.path: Path | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL)
        self._timer.timeout.connect(self._follow_growing)
        window.files.run_opened.connect(self._on_run_opened)
        window.files.replaced.connect(self.stop)

    def stop(self) -> None:
        """Something else is shown from now on."""
        self.path = None
        self._timer.stop()

    def _on_run_opened(self, project: Project, run: RunView, path: Path) -> None:
        self._window.document.replace(project, None)
        self.path = path
        self._window.training.show_replay(run)
        self._window.guidance.tell_replay(run, path)
        if not run.finished:
            self._timer.start()
        self._window.canvas.fit()

    def _follow_growing(self) -> None:
        """Read on in a run that somebody else is still writing; the disk is another thread's work."""
        run = self._window.feed.run
        refresh = getattr(run, "refresh", None)
        if refresh is None or self._window.training.state != "replay":
            self._timer.stop()
            return
        if run.finished:
            self._timer.stop()
        if not self._window.background.busy:
            self._window.background.start(refresh, lambda _result: None, self._follow_failed, lane="follow")

    def _follow_failed(self, error: BaseException) -> None:
        self._timer.stop()
        self._window.guidance.tell_error(str(error), "")
