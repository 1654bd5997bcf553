"""Buttons one behind the other, in as many rows as the width asks for."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from nnviz.gui.look.painting import answering

#: A widget wider than this is cut where there is less room; the window is not made wider for it.
_LEAST_WIDTH = 120


class FlowRow(QWidget):
    """Lays its widgets like words of a text.

    A widget, not a QLayout: a layout of our own would be handed items that Qt makes and deletes. Python never hears of
    their end, and takes the next one that happens to lie at such an address for the one that is gone.
    """

    def __init__(self, parent: QWidget | None = None, gap: int = 6) -> None:
        super().__init__(parent)
        self._widgets: list[QWidget] = []
        self._gap = gap
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def add(self, widget: QWidget) -> None:
        """Take one more, at the end."""
        widget.setParent(self)
        self._widgets.append(widget)
        self.updateGeometry()

    def show_one(self, widget: QWidget, shown: bool) -> None:
        """Show one of them or take it away; the others move up."""
        if widget.isHidden() is shown:
            widget.setVisible(shown)
            self._lay(self.width(), move=True)
            self.updateGeometry()

    def heightForWidth(self, width: int) -> int:
        """The height that all lines of widgets take at a width."""
        return self._lay(width, move=False)

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """The same as the least: rows are made as they are needed."""
        return self.minimumSizeHint()

    def minimumSizeHint(self) -> QSize:
        """Room for the highest of them."""
        size = QSize()
        for widget in self._widgets:
            size = size.expandedTo(widget.sizeHint())
        return QSize(min(size.width(), _LEAST_WIDTH), size.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put everything in its place."""
        self._lay(self.width(), move=True)

    @answering(bool)
    def event(self, event: QEvent) -> bool:
        """One of them wants another size, or they are shown after such a change: all are put in their places anew."""
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Show):
            before = self.heightForWidth(self.width())
            self._lay(self.width(), move=True)
            if before != self.height():
                self.updateGeometry()
        return super().event(event)

    def _lay(self, width: int, *, move: bool) -> int:
        """How high it is at a width; its widgets are put there where ``move``."""
        x, y, row = 0, 0, 0
        for widget in self._widgets:
            if widget.isHidden():
                continue
            size = widget.sizeHint().expandedTo(widget.minimumSize())
            wide = min(size.width(), width)
            if x and x + wide > width:
                x, y, row = 0, y + row + self._gap, 0
            if move:
                widget.setGeometry(QRect(QPoint(x, y), QSize(wide, size.height())))
            x += wide + self._gap
            row = max(row, size.height())
        return y + row
