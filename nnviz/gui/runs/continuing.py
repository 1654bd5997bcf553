"""Recorded runs that are gone on with: the one that the project's file names, and one that the user chooses.

The disk is another thread's work. A session that is about to be opened waits until the run was read, so that no
untrained network is seen in between; the start of the window waits for nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from nnviz.errors import NnvizError
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.runs.recording import Recorder
from nnviz.gui.runs.training import Training
from nnviz.project.files import io
from nnviz.project.model import Project
from nnviz.project.safety import unsaved_run
from nnviz.record import named_run
from nnviz.record.quantities import EPOCH
from nnviz.record.run import Run
from nnviz.train import start
from nnviz.train.change import difference

if TYPE_CHECKING:
    from nnviz.train.start import Continued


@dataclass
class _Expected:
    """A run that the next session is to go on with.

    Attributes:
        find: Where its file is, None where there is none; called on another thread.
        play: Whether to train at once.
        file: The project's file that names it; None where the user chose it.
        found: Its file, once that is known.
        later: The file of a run in which the project was trained after it was saved; none where there is no such.
        asked: Whether it is being read.
    """

    find: Callable[[], Path | None]
    play: bool = False
    file: Path | None = None
    found: list[Path] = field(default_factory=list)
    later: list[Path] = field(default_factory=list)
    asked: bool = False

    def look(self) -> Path | None:
        """Where it is."""
        place: Path | None = None
        try:
            place = self.find()
        finally:
            if self.file is not None and (later := _later_than(place, self.file)) is not None:
                self.later.append(later)
        if place is not None:
            self.found.append(place)
        return place


class Continuing(QObject):
    """Goes on with recorded runs.

    Args:
        training: Of the window.
        recorder: Reads and writes the runs.
        background: Where files are read.
    """

    #: A run cannot be gone on with, or not from its last state: why and what there is instead, and its file, where
    #: there is one to start warm from.
    declined = Signal(str, object)
    #: The project was trained after it was saved, in another run than the one that its file names: that run's file.
    later_found = Signal(object)
    #: Something that was asked for need not be done, in a few words.
    message = Signal(str)

    def __init__(
        self, training: Training, recorder: Recorder, background: Background, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._training = training
        self._recorder = recorder
        self._background = background
        #: What the next session is to go on with; None where it begins anew.
        self._expected: _Expected | None = None
        #: Waits for the project that is about to take the place of the document.
        self._next: _Expected | None = None
        training.beginning.connect(self._on_beginning)
        recorder.begun.connect(self._on_begun)

    def expect_named(self, file: Path | None) -> None:
        """The document is that of this file, or of none: the run that it names is gone on with, if there is one."""
        expected, self._next = self._next, None
        if expected is None and file is not None:
            expected = _Expected(lambda: _named_by(file), file=file)
        self._expect(expected)

    def continue_run(
        self,
        path: Path,
        ask: Callable[[Callable[[], None]], object],
        replace: Callable[[Project], object],
        back: Callable[[], object],
    ) -> None:
        """Go on with a recorded run as the training of the document.

        Where the document is what the run was made with, as far as that decides a number of it, it stays; else the
        project of the run takes its place.

        Args:
            path: The run's file.
            ask: Asks about unsaved changes before it does what it is given.
            replace: Takes a project in place of the document.
            back: Shows the document, in front of which the run may stand.
        """
        live = self._training.workbench.run
        if live is not None and self._recorder.path_of(live) == path.absolute():
            back()
            self.message.emit("This is the run that is trained here.")
            return

        def work() -> Project:
            return start.project_of(path)  # or why it cannot be gone on with: then the document stays

        def done(recorded: Project) -> None:
            expected = _Expected(lambda: path, play=True)

            def take() -> None:
                self._next = expected
                replace(recorded)

            if difference(recorded, self._training.document.project) is not None:
                ask(take)
                return
            started = self._training.started
            self._expect(expected)
            back()  # where the window began with the run, that opens the session
            if started:
                self._training.reset()

        def failed(error: BaseException) -> None:
            self.declined.emit(f"{sentence_of(error)} Your project stays as it is.", None)

        self._background.start(work, done, failed, lane="runs")

    # ---- inside --------------------------------------------------------------------------------------------------

    def _expect(self, expected: _Expected | None) -> None:
        self._expected = expected
        if expected is None:
            self._training.begin_with(None)
        else:
            self._training.await_start()

    def _on_beginning(self) -> None:
        """The session before is over, and so is its run: now nobody of this window writes the file any more."""
        expected = self._expected
        if expected is None or expected.asked:
            return
        expected.asked = True
        project = self._training.document.project

        def done(continued: Continued | None) -> None:
            if self._expected is not expected:
                if continued is not None:
                    self._recorder.end(continued.run)
                return
            self._expected = None
            self._training.begin_with(continued)
            if continued is not None and continued.state.gone_on_from:
                self.declined.emit(continued.state.gone_on_from, None)
            self._tell_later(expected)
            if continued is not None and expected.play and not _is_over(continued, project):
                self._training.play_when_ready()

        def failed(error: BaseException) -> None:
            if self._expected is not expected:
                return
            self._expected = None
            self._training.begin_with(None)
            place = expected.found[0] if expected.found else None
            self.declined.emit(f"{sentence_of(error)} Training begins anew.", place)
            self._tell_later(expected)

        self._recorder.take(expected.look, project, done, failed)

    def _tell_later(self, expected: _Expected) -> None:
        for path in expected.later:
            self.later_found.emit(path)

    def _on_begun(self, run: Run, path: Path) -> None:
        """What the document's file calls its run is another one until it is saved: the way to this one is kept."""
        file = self._training.document.path
        if file is not None and run is self._training.workbench.run:
            self._background.start(lambda: _note(file, path), lambda _nothing: None, lambda _error: None, lane="runs")


def _note(file: Path, run: Path) -> None:
    """Keep the way to a run, but not in the place of a later one where the file leads to this one itself."""
    named: Path | None = None
    with contextlib.suppress(NnvizError, OSError):  # then it names none that could be found
        named = _named_by(file)
    if named is None or named.absolute() != run.absolute():
        unsaved_run.note(file, run)


def _later_than(named: Path | None, file: Path) -> Path | None:
    """The run in which a project was trained after it was saved, where that can be gone on with. Reads the disk."""
    later = unsaved_run.run_of(file)
    if later is None or (named is not None and later == named.absolute()):
        return None
    try:
        start.project_of(later)
    except (NnvizError, OSError):  # nothing to go on from yet, or another window trains in it
        return None
    return later


def _named_by(file: Path) -> Path | None:
    name = io.load_run_name(file)
    return named_run.find(name, file) if name else None


def _is_over(continued: Continued, project: Project) -> bool:
    """Whether all epochs are done: then more of them are a choice of the user."""
    done = getattr(continued.run.latest(EPOCH.series()), "value", 0.0)
    return bool(done >= max(project.training.epochs, continued.more_until))
