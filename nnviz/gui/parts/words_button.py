"""A button whose words come from the project or from data, and may be longer than the room for them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QPushButton, QStyle, QStyleOptionButton, QStylePainter, QWidget

from nnviz.gui.look.painting import answering, guarded
from nnviz.gui.parts.plain_text import plain_tip


class WordsButton(QPushButton):
    """Ends in an ellipsis where there is no room for all of its words; the tip has them all then.

    Qt cuts such words at both ends, so that nobody can tell what the button does.

    Args:
        words: Of the button.
        parent: What it stands on.
        tip: What the tip says in any case; empty for nothing.
    """

    def __init__(self, words: str, parent: QWidget | None = None, tip: str = "") -> None:
        super().__init__(words, parent)
        self._tip = tip
        if tip:
            self.setToolTip(plain_tip(tip))

    def shown_text(self) -> str:
        """What can be read at the present width."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        room = self.style().subElementRect(QStyle.SubElement.SE_PushButtonContents, option, self).width()
        return self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room)

    @answering(bool)
    def event(self, event: QEvent) -> bool:
        """Whoever hovers over words that are cut is told all of them."""
        if event.type() is QEvent.Type.ToolTip and not self._tip:
            self.setToolTip(plain_tip(self.text()) if self.shown_text() != self.text() else "")
        return super().event(event)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """As any other button, with as many of its words as fit."""
        painter = QStylePainter(self)
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = self.shown_text()
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        painter.end()
