"""A page that covers the canvas: its ground, its head, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from nnviz.gui.look import icons, theme
from nnviz.gui.look.painting import guarded
from nnviz.gui.parts.widgets import ElidedLabel, Segments, set_font


class CoveringPage(QWidget):
    """A head above, below it what a subclass adds to ``column``; the subclass fills the head from left to right.

    Args:
        parent: What it covers a part of.
        name: What it is called by those who read the screen aloud.

    Signals:
        left: It shall be closed.
    """

    left = Signal()

    def __init__(self, parent: QWidget, name: str) -> None:
        super().__init__(parent)
        self.setObjectName(type(self).__name__)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(0)
        self.head = QWidget(self)
        self.head_row = QHBoxLayout(self.head)
        self.head_row.setContentsMargins(14, 8, 10, 8)
        self.head_row.setSpacing(12)
        self.column.addWidget(self.head)

    def add_title(self, text: str) -> QLabel:
        """What is shown, in large letters."""
        title = QLabel(text, self.head)
        set_font(title, 16, 600)
        self.head_row.addWidget(title)
        return title

    def add_line(self) -> ElidedLabel:
        """A line in faint letters that takes the room which is left."""
        line = ElidedLabel("", self.head)
        line.setProperty("role", "muted")
        set_font(line, 13)
        self.head_row.addWidget(line, 1)
        return line

    def add_views(self, views: Sequence[tuple[str, str, str]], show: Callable[[str], object]) -> Segments:
        """The views that can be chosen, as key, title and help; ``show`` gets the key."""
        segments = Segments(views, self.head)
        segments.chosen.connect(show)
        self.head_row.addWidget(segments)
        return segments

    def add_tool(self, icon: str, help: str, name: str, do: Callable[[], object]) -> QToolButton:
        """A picture to press."""
        button = QToolButton(self.head)
        icons.bind(button, icon)
        button.setToolTip(help)
        button.setAccessibleName(name)
        button.setProperty("role", "flat")
        button.clicked.connect(lambda _on=False: do())
        self.head_row.addWidget(button)
        return button

    def add_close(self, name: str, help: str = "Back to the canvas (Esc)") -> QToolButton:
        """The cross that leads back to the canvas."""
        return self.add_tool("close", help, name, self.left.emit)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Cover what is behind."""
        QPainter(self).fillRect(event.rect(), theme.current().panel)
