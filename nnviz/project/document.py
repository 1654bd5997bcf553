"""The current project, its history, and one signal: the only place where a project changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psygnal import EmitLoopError, Signal

from nnviz.errors import ProjectError
from nnviz.project.checks.shapes import Inference, infer, infer_from
from nnviz.project.checks.validate import Diagnostic, validate, with_tried_fixes
from nnviz.project.edits import Edit, Several
from nnviz.project.graph.bypass import effective_graph
from nnviz.project.history import History
from nnviz.project.model import DataFacts, Project
from nnviz.project.values import same_in_all


class Document:
    """A project that is being worked on. It belongs to one thread: the one that shows it.

    Listeners look and never write: an edit from inside a listener raises, because the others would hear of two
    changes in the wrong order. Ask for it afterwards (in Qt: with a timer of 0 ms).

    Args:
        project: What is worked on; an empty one by default.
        path: The file it was read from.
        read_only: Why it can only be looked at, as a sentence; empty where it may be changed. It stays so.

    Attributes:
        changed: ``(before, after, edit)``, once a change and after everything here is up to date; the edit is None when
            another project took the place (new, open), and the inverse when a step was undone. A jump over several
            steps is one change: listeners compare before and after, and need not see what was in between.
        diagnostics_changed: ``(diagnostics)``, when they are others than before, also because the facts about the data
            came in; after ``changed``.
        saved: ``(path)``, when the project was saved, or ``(None)`` when it left its file: the path and the unsaved
            mark may have changed.
    """

    changed = Signal(Project, Project, object)
    diagnostics_changed = Signal(tuple)
    saved = Signal(object)

    def __init__(self, project: Project | None = None, path: Path | None = None, *, read_only: str = "") -> None:
        self._project = Project() if project is None else project
        self._read_only = read_only
        self._path = path
        self._history = History()
        self._facts: DataFacts | None = None
        self._memory_limit: int | None = None
        self._inference = infer(effective_graph(self._project.graph))
        self._found: tuple[Diagnostic, ...] = ()  # cures not tried
        self._tried: dict[tuple[str, str], tuple[Diagnostic, Diagnostic]] = {}  # as found, with the cures that help
        self._diagnostics = self._validated()
        self._fixes_tried = False
        self._telling = False

    @property
    def project(self) -> Project:
        """The project as it is now: a frozen value, safe to hand to any thread."""
        return self._project

    @property
    def path(self) -> Path | None:
        """The file it was read from or saved to last."""
        return self._path

    @property
    def read_only(self) -> str:
        """Why it cannot be changed, as a sentence; empty where it can."""
        return self._read_only

    @property
    def history(self) -> History:
        """What can be undone and redone."""
        return self._history

    @property
    def inference(self) -> Inference:
        """Shapes, parameters and MACs of the current graph."""
        return self._inference

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What is wrong with the current project, and how it can be mended.

        The cures of an error are at first those that are likely; :meth:`try_fixes` keeps those that help. An error that
        a change leaves as it was keeps its cures until they are tried again: nothing flickers.
        """
        return self._diagnostics

    @property
    def facts(self) -> DataFacts | None:
        """What is known of the chosen data set."""
        return self._facts

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self.history.next_undo is not None

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to do again."""
        return self.history.next_redo is not None

    @property
    def undo_title(self) -> str:
        """What undo would take back (``Set kernel size of conv2``), or nothing."""
        entry = self.history.next_undo
        return entry.title if entry else ""

    @property
    def redo_title(self) -> str:
        """What redo would do again, or nothing."""
        entry = self.history.next_redo
        return entry.title if entry else ""

    @property
    def is_modified(self) -> bool:
        """Whether it differs from what was saved or opened last."""
        return not self.history.is_clean

    def apply(self, edit: Edit) -> None:
        """Makes a change; one that changes nothing leaves no trace.

        Raises:
            ProjectError: It does not fit this project, which is as it was before; or it is read-only, as for all else
                that changes the project, its path or its history.
            ParamError: It would set a value that is not allowed.
            RuntimeError: It was called from a listener.
        """
        self._refuse_change()
        before = self._project
        after = edit.apply(before)
        if after == before and same_in_all(after.graph, before.graph):
            return
        self._history.push(edit, edit.invert(before))
        self._become(after, edit)

    def undo(self) -> bool:
        """Takes the last step back; False when there is none."""
        self._refuse_change()
        entry = self._history.next_undo
        if entry is None:
            return False
        after = entry.inverse.apply(self._project)
        self._history.undone()
        self._become(after, entry.inverse)
        return True

    def redo(self) -> bool:
        """Does the step that was undone last again; False when there is none."""
        self._refuse_change()
        entry = self._history.next_redo
        if entry is None:
            return False
        after = entry.edit.apply(self._project)
        self._history.redone()
        self._become(after, entry.edit)
        return True

    def jump(self, position: int) -> bool:
        """Takes steps back, or does them again, until so many are done: one change for whoever listens.

        Args:
            position: As in :attr:`History.position`.

        Returns:
            False when it is there already.

        Raises:
            IndexError: The history has no such position.
        """
        self._refuse_change()
        way = self._history.way_to(position)
        if not way:
            return False
        after = self._project
        for edit in way:
            after = edit.apply(after)
        self._history.jumped(position)
        self._become(after, way[0] if len(way) == 1 else Several(way, f"Jump over {len(way)} steps"))
        return True

    def replace(self, project: Project, path: Path | None = None) -> None:
        """Takes another project in its place (new, open): nothing to undo, nothing unsaved, no facts yet."""
        self._refuse_change()
        self._history = History()
        self._path = path
        self._facts = None
        self._become(project, None)

    def restore(self, project: Project, path: Path | None = None) -> None:
        """Takes a project in its place that is not what its file holds: like :meth:`replace`, but marked as unsaved."""
        self._refuse_change()
        self._history = History()
        self._history.mark_unsaved()
        self._path = path
        self._facts = None
        self._become(project, None)

    def mark_unsaved(self) -> None:
        """The file does not hold the project any more: somebody else has changed or removed it."""
        self._refuse_change()
        self._history.mark_unsaved()
        with self._tell():
            self.saved.emit(self._path)

    def detach(self) -> None:
        """The project leaves its file, which stays as it is: it is a copy now that was saved nowhere."""
        self._refuse_change()
        self._path = None
        self._history.mark_unsaved()
        with self._tell():
            self.saved.emit(None)

    def set_facts(self, facts: DataFacts | None) -> None:
        """Says what the data set looks like, so that the diagnostics can compare the graph with it."""
        self._refuse_while_telling()
        if facts == self._facts:
            return
        self._facts = facts
        self._diagnose()

    def set_memory_limit(self, limit: int | None) -> None:
        """Says how many bytes training may take, so that the diagnostics can refuse what does not fit."""
        self._refuse_while_telling()
        if limit == self._memory_limit:
            return
        self._memory_limit = limit
        self._diagnose()

    def try_fixes(self) -> None:
        """Tries the cures of errors on copies, once after each change: for a moment at which nobody waits.

        It takes several times as long as to find what is wrong, and a change should be seen at once.
        """
        self._refuse_while_telling()
        if self._fixes_tried:
            return
        self._fixes_tried = True
        found = self._found
        diagnostics = with_tried_fixes(
            found, self._project, self._facts, self._inference, memory_limit=self._memory_limit
        )
        pairs = zip(found, diagnostics, strict=True)
        self._tried = {(one.node, one.text): (one, tried) for one, tried in pairs if one != tried}
        self._take_diagnostics(diagnostics)

    def mark_saved(self, path: Path) -> None:
        """The project as it is now stands in this file."""
        self._refuse_change()
        self._path = path
        self._history.mark_clean()
        with self._tell():
            self.saved.emit(path)

    def _become(self, after: Project, edit: Edit | None) -> None:
        before, self._project = self._project, after
        if after.graph is not before.graph:
            self._inference = infer_from(effective_graph(after.graph), self._inference)
        diagnostics = self._diagnostics
        self._diagnostics = self._validated()
        self._fixes_tried = False
        with self._tell():
            self.changed.emit(before, after, edit)
            if self._diagnostics != diagnostics:
                self.diagnostics_changed.emit(self._diagnostics)

    def _validated(self) -> tuple[Diagnostic, ...]:
        self._found = validate(
            self._project, self._facts, self._inference, memory_limit=self._memory_limit, try_fixes=False
        )
        return tuple(self._as_tried(diagnostic) for diagnostic in self._found)

    def _as_tried(self, found: Diagnostic) -> Diagnostic:
        before, tried = self._tried.get((found.node, found.text), (None, found))
        return tried if before == found else found

    def _diagnose(self) -> None:
        self._fixes_tried = False
        self._take_diagnostics(self._validated())

    def _take_diagnostics(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        before, self._diagnostics = self._diagnostics, diagnostics
        if diagnostics != before:
            with self._tell():
                self.diagnostics_changed.emit(diagnostics)

    def _refuse_change(self) -> None:
        self._refuse_while_telling()
        if self._read_only:
            raise ProjectError(self._read_only)

    def _refuse_while_telling(self) -> None:
        if self._telling:
            raise RuntimeError("A listener must not change the document while the others still hear of a change.")

    @contextmanager
    def _tell(self) -> Iterator[None]:
        self._telling = True
        try:
            yield
        except EmitLoopError as error:
            # psygnal wraps what a listener raised; the caller wants the error itself.
            raise error.__cause__ or error from None
        finally:
            self._telling = False
