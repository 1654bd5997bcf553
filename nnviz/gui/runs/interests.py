"""What the window looks at: the interests of all who show something, merged into the one that the session follows."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from nnviz.gui.parts.following import follow
from nnviz.project.document import Document
from nnviz.project.model import Project, named
from nnviz.record.interest import NOTHING, Interest, merged
from nnviz.record.quantities import BIASES, DEAD_UNITS, OUTPUT, PLANE, WEIGHTS
from nnviz.record.quantity import Quantity

#: What the inspector shows of the layer that is selected.
OF_THE_SELECTED: frozenset[Quantity] = frozenset({WEIGHTS, BIASES, OUTPUT, PLANE, DEAD_UNITS})


class Interests(QObject):
    """Keeps the interest of each source and says when what they look at together has changed.

    The document is a source, too: it looks at the examples that are pinned.

    Args:
        document: Its ``view`` is where the pinned example is kept.
        parent: Owner.

    Signals:
        changed: All of them together are another :class:`Interest` than before.
    """

    changed = Signal(object)

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        pinned = _pinned(document.project)
        self._of: dict[str, Interest] = {"document": pinned}
        self._merged = pinned
        self._attended: frozenset[str] | None = None
        follow(document.changed, self._on_changed, self)

    @property
    def merged(self) -> Interest:
        """What all sources together look at."""
        return self._merged

    def contribute(self, source: str, interest: Interest) -> None:
        """What one source looks at from now on; in place of what it looked at before."""
        if self._of.get(source, NOTHING) == interest:
            return
        self._of[source] = interest
        self._merge()

    def attend(self, sources: frozenset[str] | None) -> None:
        """Count these sources only, because something covers the others; None counts all of them again."""
        self._attended = sources
        self._merge()

    def _merge(self) -> None:
        counted = self._attended
        together = merged(one for source, one in self._of.items() if counted is None or source in counted)
        if together != self._merged:
            self._merged = together
            self.changed.emit(together)

    def _on_changed(self, before: Project, after: Project, edit: object) -> None:
        if after.view is not before.view:
            self.contribute("document", _pinned(after))


def _pinned(project: Project) -> Interest:
    view = project.view
    examples = frozenset({view.pinned, *map(named, view.pins)})
    return Interest(frozenset(), frozenset(), examples=examples, first=view.pinned)
