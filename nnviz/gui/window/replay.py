"""Shows runs from files, and follows those that somebody else is still writing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from nnviz.gui.canvas import CanvasView, Outlook
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.runs.kept_runs import KeptRuns
from nnviz.gui.runs.shown_run import GO_BACK
from nnviz.gui.runs.training import Training
from nnviz.gui.window.files import Files
from nnviz.gui.window.guidance import Guidance
from nnviz.gui.window.notices import NoticeArea
from nnviz.project.model import Project
from nnviz.record.run import Run

if TYPE_CHECKING:
    from nnviz.record.tolerant import TolerantRun

_INTERVAL = 500


#: What every attempt to change the network of a run is answered with.
READ_ONLY = f"This is the network of a recorded run, which cannot be changed. {GO_BACK}"


class Replay(QObject):
    """The run from a file that the window shows, if it does, in front of the user's document.

    The document, its file and its history, the session and its run stay as they are behind it; nobody tells them. What
    was selected and seen is put aside here, and taken up again by :meth:`back`.

    A run that cannot be read any further (its file was cut off, written over or removed) stays as far as it was read;
    that is said once in a notice, and reading is tried again, until it goes well or another run is shown.

    Attributes:
        path: Its file; None while the document is shown.
    """

    #: The run that is shown is to be gone on with: its file.
    continue_requested = Signal(object)
    #: The page of the race is to be seen whose run is shown.
    race_requested = Signal()

    def __init__(
        self,
        training: Training,
        files: Files,
        background: Background,
        notices: NoticeArea,
        guidance: Guidance,
        canvas: CanvasView,
        kept_runs: KeptRuns,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._training = training
        self._files = files
        self._background = background
        self._notices = notices
        self._guidance = guidance
        self._canvas = canvas
        self._kept_runs = kept_runs
        self.path: Path | None = None
        self._run: TolerantRun | Run | None = None
        #: What was selected and seen of the document.
        self._outlook: Outlook | None = None
        self._failure = ""
        self._damaged = 0
        #: Whether it was said that the run still grows, and what it was called.
        self._told_growing = False
        self._told_name = ""
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL)
        self._timer.timeout.connect(self._look)
        follow(kept_runs.changed, self._on_runs)

    def show(self, project: Project, run: TolerantRun | Run, path: Path) -> None:
        """Show a run that was opened from its file, in front of the document or in place of another run.

        One that is trained in this program (in a race) is shown as it is in memory.
        """
        if self._run is None and self._training.started:
            self._outlook = self._canvas.outlook
        self.path, self._run = path, run
        self._failure, self._damaged = "", 0
        self._dismiss()
        self._training.show_replay(run, project, READ_ONLY)
        self._tell(run, path)
        self._timer.start()
        self._canvas.camera.fit()

    def _tell(self, run: TolerantRun | Run, path: Path) -> None:
        """What is looked at; one that is still trained here can be gone on with when that is over."""
        self._told_growing = run.growing
        self._told_name = self._name_of(path)
        if isinstance(run, Run) and self._told_growing:
            self._guidance.tell_race(run, path, self.back, self.open_project, self.race_requested.emit)
        else:
            self._guidance.tell_replay(run, path, self._told_name, self.back, self.open_project, self.go_on)

    def _name_of(self, path: Path) -> str:
        """The name that the run was given in the list of runs, or that of its file."""
        row = self._kept_runs.row(path)
        return (row.label.title if row is not None else "") or path.stem

    def _on_runs(self) -> None:
        if self._run is not None and self.path is not None and self._name_of(self.path) != self._told_name:
            self._tell(self._run, self.path)

    def back(self) -> None:
        """Show the document again, as it was left."""
        outlook = self._outlook
        self._put_away()
        self._training.end_replay(self._canvas.camera.fit if outlook is None else lambda: self._canvas.look_as(outlook))

    def open_project(self) -> None:
        """Take the project of the run for the document, after the question about unsaved changes."""
        replay = self._training.replay
        if replay is not None and replay.project is not None:
            self._files.open_project(replay.project)

    def go_on(self) -> None:
        """Go on with the run, as the training of the document."""
        if self.path is not None:
            self.continue_requested.emit(self.path)

    def stop(self) -> None:
        """Another document has taken the place of the one before: it is shown as it comes."""
        self._put_away()
        self._training.end_replay()

    def close(self) -> None:
        """The window ends: nothing is shown any more."""
        self._timer.stop()

    def _put_away(self) -> None:
        self.path = self._run = self._outlook = None
        self._timer.stop()
        self._dismiss()

    def _dismiss(self) -> None:
        """What was said of the run before holds no longer."""
        for key in ("damage", "follow", "state"):
            self._notices.dismiss(key)

    def _look(self) -> None:
        """Say what turned out to be damaged, and read on in a run that still grows: the disk is a thread's work."""
        run = self._run
        if run is None:
            return
        if self._told_growing != run.growing and self.path is not None:
            self._tell(run, self.path)
        if isinstance(run, Run):
            return
        damaged = list(run.damaged)
        if len(damaged) != self._damaged and self.path is not None:
            self._damaged = len(damaged)
            self._guidance.tell_damage(self.path, damaged)
        if not (run.finished or self._background.busy):
            self._background.start(
                run.refresh, lambda _grown: self._followed(run), lambda error: self._failed(run, error), lane="follow"
            )

    def _followed(self, run: TolerantRun) -> None:
        if self._run is run and self._failure:
            self._failure = ""
            self._notices.dismiss("follow")

    def _failed(self, run: TolerantRun, error: BaseException) -> None:
        if self._run is run and sentence_of(error) != self._failure:
            self._failure = sentence_of(error)
            self._guidance.tell_lost(sentence_of(error))
