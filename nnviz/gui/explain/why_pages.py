"""The two pages of “Why”: the reasons of an answer, and what a unit wants."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QWidget

from nnviz.gui.explain.own_asking import KeptCopy
from nnviz.gui.explain.unit_view import UnitView
from nnviz.gui.explain.why_view import WhyView
from nnviz.gui.runs.workspace import Workspace
from nnviz.record.age import Moment, ReadingShown

#: Pixels that the pages have at least, whatever they say.
_LEAST = (200, 150)


class WhyPages(QStackedWidget):
    """Only the page in front asks anything, and only while it can be seen.

    Attributes:
        kept: The copy of the network that both ask.
        why, unit: The pages.
    """

    #: There is something else to see.
    moved = Signal()

    def __init__(self, workspace: Workspace, parent: QWidget) -> None:
        super().__init__(parent)
        # What is inside follows the room that there is: a text or a bar that comes and goes moves no dock.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.setMinimumSize(*_LEAST)
        self.kept = KeptCopy()
        self.why = WhyView(workspace, self.kept)
        self.unit = UnitView(workspace, self.kept)
        for page in (self.why, self.unit):
            self.addWidget(page)
            page.changed.connect(self.moved)

    @property
    def of_unit(self) -> bool:
        """Whether what a unit wants is in front."""
        return self.currentWidget() is self.unit

    def turn(self, key: str, seen: bool) -> None:
        """Put ``answer`` or ``unit`` in front; ``seen`` says whether it can be seen."""
        self.setCurrentWidget(self.unit if key == "unit" else self.why)
        self.set_seen(seen)

    def set_seen(self, seen: bool) -> None:
        """Whether it can be seen: what nobody sees is neither computed nor kept in memory."""
        self.why.set_on(seen and not self.of_unit)
        self.unit.set_on(seen and self.of_unit)
        if not seen:
            self.kept.forget()

    def clear(self) -> None:
        """Another run is shown: what was found was not about it."""
        self.why.clear()
        self.unit.clear()

    def set_node(self, node: str) -> None:
        """The layer that is selected."""
        self.why.set_node(node)
        self.unit.set_node(node)

    def set_moment(self, moment: Moment) -> None:
        """The step that is shown now."""
        self.why.set_moment(moment)
        self.unit.set_moment(moment)

    def readings_shown(self) -> tuple[ReadingShown, ...]:
        """The numbers of the page in front."""
        return self.unit.picture.readings_shown() if self.of_unit else self.why.picture.readings_shown()

    def restyle(self) -> None:
        """Take the letters of the theme."""
        self.why.restyle()
        self.unit.restyle()
