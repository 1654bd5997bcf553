"""The little window that says how to read an instrument."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.screens import beside
from nnviz.gui.parts.widgets import refresh_fonts, set_font


class HelpPopup(QFrame):
    """A card with a title and a text; a click elsewhere or Escape closes it.

    Args:
        title: Of the instrument.
        text: How to read it, as HTML.
        parent: Owner.
        letters: Pixels of the text's letters.
        width: Of the text, in pixels.
    """

    def __init__(self, title: str, text: str, parent: QWidget, letters: int = 13, width: int = 360) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("help-popup")
        self.setAccessibleName(f"Help: {title}")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 14)
        column.setSpacing(6)
        heading = QLabel(title, self)
        set_font(heading, letters + 1, 600)
        column.addWidget(heading)
        body = QLabel(text, self)
        set_font(body, letters)
        body.setWordWrap(True)
        body.setTextFormat(Qt.TextFormat.RichText)
        body.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        body.setFixedWidth(width)
        column.addWidget(body)
        self.restyle()
        follow(themes.notifier.changed, self.restyle)

    def restyle(self) -> None:
        """Take the colours and letters of the theme."""
        theme = themes.current()
        background, border = theme.panel_raised.name(), theme.border.name()
        self.setStyleSheet(
            f"#help-popup {{ background: {background}; border: 1px solid {border}; border-radius: 8px; }}"
            f"QLabel {{ color: {theme.text.name()}; background: transparent; }}"
        )
        refresh_fonts(self)

    def show_below(self, anchor: QWidget) -> None:
        """Open under a button, moved so that the whole card is on the screen."""
        self.adjustSize()
        below = anchor.mapToGlobal(QPoint(anchor.width() - self.width(), anchor.height() + 4))
        above = anchor.mapToGlobal(QPoint(anchor.width() - self.width(), -4 - self.height()))
        self.setGeometry(beside(self.size(), [below, above], anchor.screen().availableGeometry()))
        self.show()

    def show_over(self, widget: QWidget, page: QWidget) -> None:
        """Open where a widget begins, in place of it, and nowhere beyond the page on which it stands."""
        self.adjustSize()
        corner = widget.mapToGlobal(QPoint(0, 0))
        self.setGeometry(beside(self.size(), [corner], QRect(page.mapToGlobal(QPoint(0, 0)), page.size())))
        self.show()
