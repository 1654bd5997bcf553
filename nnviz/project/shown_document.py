"""The document that the screen shows: the user's own, or another project in front of it that cannot be changed."""

from __future__ import annotations

from pathlib import Path

from nnviz.project.checks.shapes import Inference
from nnviz.project.checks.validate import Diagnostic
from nnviz.project.document import Document
from nnviz.project.edits import Edit
from nnviz.project.history import History
from nnviz.project.model import DataFacts, Project

_LAST = -1


class ShownDocument(Document):
    """Stands for one of two documents, for all that show one and let the user change it.

    The own document stays what it is while another project is in front of it: whoever means the user's work (files,
    safety, the session in training) holds :attr:`own` and never learns of the other. Views hold this one. To them the
    other project is one that took the place of the own one, as when a file is opened, and back again.

    Args:
        own: What the user works on.
    """

    def __init__(self, own: Document) -> None:
        # Nothing is kept here: every question is answered by one of the two.
        self._own = self._current = own
        self._telling = False
        self._follow(own)

    @property
    def own(self) -> Document:
        """What the user works on, whatever is shown."""
        return self._own

    @property
    def shows_own(self) -> bool:
        """Whether the own document is what is shown."""
        return self._current is self._own

    def show(self, project: Project, read_only: str) -> None:
        """Put a project in front of the own document, in place of one that is there.

        Args:
            project: What is shown.
            read_only: Why it cannot be changed, as a sentence.
        """
        if not read_only:
            raise ValueError("What stands in front of the own document cannot be changed, and that has a reason.")
        self._turn_to(Document(project, read_only=read_only))

    def show_own(self) -> None:
        """Take away what is in front of the own document."""
        if not self.shows_own:
            self._turn_to(self._own)

    def _turn_to(self, document: Document) -> None:
        self._refuse_while_telling()
        before, self._current = self._current, document
        before.changed.disconnect(self._on_changed)
        before.diagnostics_changed.disconnect(self._on_diagnostics_changed)
        before.saved.disconnect(self._on_saved)
        self._follow(document)
        with self._tell():
            self.changed.emit(before.project, document.project, None)
            if before.diagnostics != document.diagnostics:
                self.diagnostics_changed.emit(document.diagnostics)

    def _follow(self, document: Document) -> None:
        # Behind all who mean that very document: what they decide is settled when a view asks.
        document.changed.connect(self._on_changed, priority=_LAST)
        document.diagnostics_changed.connect(self._on_diagnostics_changed, priority=_LAST)
        document.saved.connect(self._on_saved, priority=_LAST)

    def _on_changed(self, before: Project, after: Project, edit: object) -> None:
        with self._tell():
            self.changed.emit(before, after, edit)

    def _on_diagnostics_changed(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        with self._tell():
            self.diagnostics_changed.emit(diagnostics)

    def _on_saved(self, path: Path | None) -> None:
        with self._tell():
            self.saved.emit(path)

    # ---- what is so ----------------------------------------------------------------------------------------------

    @property
    def project(self) -> Project:
        """The project on the screen."""
        return self._current.project

    @property
    def path(self) -> Path | None:
        """The file of the project on the screen."""
        return self._current.path

    @property
    def read_only(self) -> str:
        """Why the project on the screen cannot be changed, as a sentence; empty where it can."""
        return self._current.read_only

    @property
    def history(self) -> History:
        """What can be undone and redone."""
        return self._current.history

    @property
    def inference(self) -> Inference:
        """Shapes, parameters and MACs of the graph on the screen."""
        return self._current.inference

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What is wrong with the project on the screen."""
        return self._current.diagnostics

    @property
    def facts(self) -> DataFacts | None:
        """What is known of its data set."""
        return self._current.facts

    # ---- what is asked -------------------------------------------------------------------------------------------

    def apply(self, edit: Edit) -> None:
        """Makes a change; see :meth:`Document.apply`."""
        self._current.apply(edit)

    def undo(self) -> bool:
        """Takes the last step back."""
        return self._current.undo()

    def redo(self) -> bool:
        """Does the step that was undone last again."""
        return self._current.redo()

    def jump(self, position: int) -> bool:
        """Takes steps back, or does them again, until so many are done."""
        return self._current.jump(position)

    def replace(self, project: Project, path: Path | None = None) -> None:
        """Takes another project in its place."""
        self._current.replace(project, path)

    def restore(self, project: Project, path: Path | None = None) -> None:
        """Takes a project in its place that is not what its file holds."""
        self._current.restore(project, path)

    def mark_unsaved(self) -> None:
        """The file does not hold the project any more."""
        self._current.mark_unsaved()

    def detach(self) -> None:
        """The project leaves its file."""
        self._current.detach()

    def mark_saved(self, path: Path) -> None:
        """The project as it is now stands in this file."""
        self._current.mark_saved(path)

    def set_facts(self, facts: DataFacts | None) -> None:
        """Says what the data set looks like."""
        self._current.set_facts(facts)

    def set_memory_limit(self, limit: int | None) -> None:
        """Says how many bytes training may take."""
        self._current.set_memory_limit(limit)

    def try_fixes(self) -> None:
        """Tries the cures of errors on copies."""
        self._current.try_fixes()
