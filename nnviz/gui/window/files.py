"""New, open, save, recent files and the question about unsaved changes. The disk is another thread's work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from nnviz.errors import InputError, NnvizError, RunFileError, StorageError
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.reasons import reason_of, sentence_of
from nnviz.gui.parts.screens import StayOnScreen
from nnviz.gui.parts.settings import Settings
from nnviz.paths import check_file, given_path
from nnviz.project.document import Document
from nnviz.project.files import io
from nnviz.project.model import Project
from nnviz.project.safety import disk_state, unsaved_run
from nnviz.project.safety.recovery import Work
from nnviz.project.samples.templates import sample
from nnviz.record import named_run, places

if TYPE_CHECKING:
    from nnviz.record.tolerant import TolerantRun

PROJECT_SUFFIX = io.SUFFIX
RUN_SUFFIX = places.RUN_SUFFIX
#: Milliseconds that a question about unsaved changes waits for a save that is under way.
_SAVE_PATIENCE = 500
_PROJECTS = f"Projects (*{PROJECT_SUFFIX})"
_ALL = f"Projects and runs (*{PROJECT_SUFFIX} *{RUN_SUFFIX})"


def _is_run(path: Path) -> bool:
    return path.suffix.lower() == RUN_SUFFIX


class Files(QObject):
    """The files of one window's document."""

    #: A run was opened: (project, TolerantRun, path). It is shown beside the document, which stays as it is.
    run_opened = Signal(object, object, object)
    #: Something went wrong: a sentence and details.
    failed = Signal(str, str)
    #: Something went well, in a few words.
    message = Signal(str)
    #: Another project has taken the place of the one before.
    replaced = Signal()

    def __init__(self, document: Document, background: Background, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._document = document
        self._background = background
        self._settings = settings
        self._window = window
        self._question: QMessageBox | None = None
        self._changed_question: QMessageBox | None = None
        self._saving = False
        #: How often another project has taken the place of the one before.
        self._replacements = 0
        #: What was asked for while a save was under way, in order.
        self._behind: list[Callable[[], None]] = []
        #: What follows once the question about the changed file is answered by a save.
        self._after_change: list[Callable[[], None]] = []
        self._settled: Callable[[], None] | None = None
        #: Finds, on another thread, the file of the run that was trained with the document as it is now; None where
        #: nothing was trained.
        self.run_of: Callable[[], Callable[[], Path | None] | None] = lambda: None
        #: Of the document's file as it was opened or saved last; None while that is not known.
        self.fingerprint: str | None = None

    # ---- new and open --------------------------------------------------------------------------------------------

    def new(self) -> None:
        """An empty canvas, after the question about unsaved changes."""
        before = self._document.project
        empty = Project(data=before.data, training=before.training)
        self.ask_unsaved(lambda: self._replace(empty, None))

    def open_sample(self, name: str, then: Callable[[], None] | None = None) -> None:
        """A sample in place of the project."""

        def go() -> None:
            try:
                project = sample(name)
            except InputError as error:
                self.failed.emit(sentence_of(error), "")
                return
            self._replace(project, None)
            if then is not None:
                then()

        self.ask_unsaved(go)

    def choose(self) -> None:
        """Ask which file to open."""
        self.choose_in(self._settings.folder)

    def choose_in(self, folder: Path) -> None:
        """Ask which file in this folder to open."""
        name, _ = QFileDialog.getOpenFileName(self._window, "Open", str(folder), _ALL)
        if name:
            self.open(Path(name))

    def open(self, path: Path) -> None:
        """Open a project, after the question about unsaved changes, or a run, which takes nothing away."""
        if _is_run(path):
            self.load(path)
        else:
            self.ask_unsaved(lambda: self.load(path))

    def open_project(self, project: Project) -> None:
        """A project that stands in no file of its own as a new document, after the question about unsaved changes."""
        self.ask_unsaved(lambda: self._replace(project, None))

    def take_project(self, project: Project) -> None:
        """The same without the question: whoever asks has asked already."""
        self._replace(project, None)

    def load(self, path: Path, then: Callable[[], None] | None = None) -> None:
        """Read a file in the background and show it; ``then`` is called when it is there."""
        if _is_run(path):
            self._load_run(path, then)
            return
        asked_of = self._document.project

        def done(result: tuple[Project, str]) -> None:
            project, fingerprint = result

            def take() -> None:
                self._replace(project, path, fingerprint)
                self._remember(path)
                if then is not None:
                    then()

            if self._document.project is asked_of:
                take()
            else:  # edited while the file was read: nobody was asked about that
                self.ask_unsaved(take)

        self._background.start(
            lambda: disk_state.opened(given_path(path)), done, lambda error: self._open_failed(path, error)
        )

    def _load_run(self, path: Path, then: Callable[[], None] | None) -> None:
        def work() -> tuple[Project, TolerantRun]:
            from nnviz.record.tolerant import open_tolerantly  # noqa: PLC0415 - sqlite is only needed for this

            check_file(given_path(path), kind=RunFileError)
            run = open_tolerantly(path)
            try:
                return io.loads(run.info.project_json, path.name), run
            except BaseException:
                run.close()
                raise

        def done(result: tuple[Project, TolerantRun]) -> None:
            project, run = result
            self._remember(path)
            self.run_opened.emit(project, run, path)
            if then is not None:
                then()

        self._background.start(work, done, lambda error: self._open_failed(path, error))

    def _open_failed(self, path: Path, error: BaseException) -> None:
        self._settings.forget(path)
        details = "" if isinstance(error, NnvizError | OSError) else repr(error)
        self.failed.emit(reason_of(error, path, "opened"), details)

    def _replace(self, project: Project, path: Path | None, fingerprint: str | None = None) -> None:
        self.fingerprint = fingerprint
        self._document.replace(project, path)
        self._tell_replaced()

    def restore(self, work: Work) -> None:
        """Show what was kept of unsaved work; ask about unsaved changes before."""
        self.fingerprint = work.fingerprint if work.path is not None else None
        self._document.restore(work.project, work.path)
        self._tell_replaced()

    def _tell_replaced(self) -> None:
        self._replacements += 1
        if self._changed_question is not None:
            self._changed_question.close()  # it is about the project before
        self.replaced.emit()

    # ---- save ----------------------------------------------------------------------------------------------------

    def save(self, then: Callable[[], None] | None = None) -> None:
        """Save under the name it has, or ask for one; behind a save that is under way."""
        if self._saving:
            self._wait_for_save(lambda: self.save(then))
            return
        path = self._document.path
        if path is None:
            self.save_as(then)
        else:
            self._write(path, then, self.fingerprint)

    def save_as(self, then: Callable[[], None] | None = None) -> None:
        """Ask for a name and save."""
        name = self._document.path.name if self._document.path else f"{self._document.project.name}{PROJECT_SUFFIX}"
        chosen, _ = QFileDialog.getSaveFileName(
            self._window, "Save project", str(self._settings.folder / name), _PROJECTS
        )
        if not chosen:
            return
        path, own = Path(chosen), self._document.path
        if path.suffix.lower() != PROJECT_SUFFIX and path != own:
            path = path.with_name(path.name + PROJECT_SUFFIX)
            if path == own:  # as when it is saved: not over what somebody else has made of it
                self._write(path, then, self.fingerprint)
                return
            # It was not asked whether what has the longer name may be replaced.
            path = next(places.free_paths(path))
        self._write(path, then)

    def _write(self, path: Path, then: Callable[[], None] | None, known: str | None = None) -> None:
        """Write in the background; not over a file that has changed since it was ``known``, but ask first."""
        if self._saving:
            self._wait_for_save(lambda: self._write(path, then, known))
            return
        self._saving = True
        project, before, find = self._document.project, self._document.path, self.run_of()
        replacements = self._replacements

        def work() -> tuple[str | None, bool]:
            run = None if find is None else find()
            if run is not None:
                name = named_run.name_of(run, path)
            else:  # what the file called its run before holds on, also from another folder
                name = "" if before is None else named_run.carried(io.load_run_name(before), before, path)
            saved = disk_state.save_unless_changed(project, path, known, name)
            if saved is not None and run is not None:  # the file says it itself from now on; the one before does not
                unsaved_run.forget(path)
            return saved, run is not None

        def tell(with_run: bool) -> None:
            self._remember(path)
            self.message.emit(f"Saved {path.name}{' with its training' if with_run else ''}")

        def done(result: tuple[str | None, bool]) -> None:
            saved, with_run = result
            self._saving = False
            if self._replacements != replacements or self._document.path != before:
                # What was saved is not on the screen any more (or has left its file): that is none of the file's
                # business, and what was to follow the save was about the project before.
                if saved is None:
                    self.failed.emit(f"{path.name} was not saved: it has changed on the disk since it was opened.", "")
                else:
                    tell(with_run)
                self._go_on()
                return
            if saved is None:
                self._ask_changed(path, then)
                self._go_on()
                return
            if self._document.project != project:
                # It was edited while the disk was busy: what is called saved must be what is on the screen.
                self._write(path, then, saved)
                return
            self.fingerprint = saved
            self._document.mark_saved(path)
            tell(with_run)
            if self._settled is not None:
                self._settled()
            if then is not None:
                then()
            self._go_on()

        def failed(error: BaseException) -> None:
            self._saving = False
            expected = isinstance(error, StorageError | OSError)
            self.failed.emit(reason_of(error, path, "saved"), "" if expected else repr(error))
            self._go_on()

        self._background.start(work, done, failed)

    def _wait_for_save(self, go: Callable[[], None]) -> None:
        """Save behind the save that is under way, unless another project is in its place by then."""
        replacements = self._replacements
        self._behind.append(lambda: go() if self._replacements == replacements else None)

    def _go_on(self) -> None:
        """Do what was asked for while a save was under way, as far as the next save."""
        while self._behind and not self._saving:
            self._behind.pop(0)()

    def _ask_changed(self, path: Path, then: Callable[[], None] | None) -> None:
        """Somebody else has saved the file since it was opened here: which of the two is wanted?"""
        if then is not None:
            self._after_change.append(then)
        if self._changed_question is not None:
            self._changed_question.raise_()
            return
        box = QMessageBox(self._window)
        StayOnScreen(box)
        box.setIcon(QMessageBox.Icon.Warning)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setWindowTitle("The file has changed")
        box.setText(f"“{path.name}” has changed on the disk since it was opened here.")
        box.setInformativeText(
            "Overwriting loses what was saved there; reloading loses the changes made here. Saving under another name "
            "keeps both."
        )
        elsewhere = box.addButton("Save as…", QMessageBox.ButtonRole.AcceptRole)
        overwrite = box.addButton("Overwrite", QMessageBox.ButtonRole.DestructiveRole)
        reload = box.addButton("Reload", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(elsewhere)
        self._changed_question = box

        def answered(_result: int) -> None:
            self._changed_question = None
            waiting, self._after_change = self._after_change, []
            button = box.clickedButton()
            box.deleteLater()

            def follow() -> None:
                for go in waiting:
                    go()

            if button is overwrite:
                self._write(path, follow)
            elif button is elsewhere:
                self.save_as(follow)
            elif button is reload:
                self.load(path)

        box.finished.connect(answered)
        box.open()

    def _remember(self, path: Path) -> None:
        self._settings.remember(path)
        self._settings.folder = path.absolute().parent

    # ---- unsaved changes -----------------------------------------------------------------------------------------

    def ask_unsaved(self, go: Callable[[], None]) -> None:
        """Do something that would lose unsaved changes: at once when there are none, else as the user answers.

        The question does not stop the event loop, so training and its picture go on behind it. It waits a moment for a
        save that is under way, and answers itself when that has saved everything.
        """
        if not (self._document.is_modified and self._saving) or self._question is not None:
            self._ask_unsaved(go)
            return
        asked = False

        def ask() -> None:
            nonlocal asked
            if not asked:
                asked = True
                self._ask_unsaved(go)

        self._behind.append(ask)
        QTimer.singleShot(_SAVE_PATIENCE, self, ask)

    def _ask_unsaved(self, go: Callable[[], None]) -> None:
        if not self._document.is_modified:
            go()
            return
        if self._question is not None:
            self._question.raise_()
            return
        buttons = QMessageBox.StandardButton
        box = QMessageBox(self._window)
        StayOnScreen(box)
        box.setIcon(QMessageBox.Icon.Question)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setWindowTitle("Unsaved changes")
        name = self._document.path.name if self._document.path else self._document.project.name
        box.setText(f"“{name}” has changes that are not saved.")
        box.setInformativeText("Without saving, they are lost.")
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        box.setDefaultButton(buttons.Save)
        box.setEscapeButton(buttons.Cancel)
        self._question = box

        def answered(_result: int) -> None:
            self._question = self._settled = None
            button = box.standardButton(box.clickedButton())
            box.deleteLater()
            if button == buttons.Save:
                self.save(go)
            elif button == buttons.Discard:
                go()

        def settled() -> None:
            box.finished.disconnect(answered)
            box.close()
            self._question = self._settled = None
            box.deleteLater()
            go()

        self._settled = settled
        box.finished.connect(answered)
        box.open()

    @property
    def changed_question(self) -> QMessageBox | None:
        """The open question about a file that somebody else has changed."""
        return self._changed_question

    @property
    def question(self) -> QMessageBox | None:
        """The open question about unsaved changes."""
        return self._question
