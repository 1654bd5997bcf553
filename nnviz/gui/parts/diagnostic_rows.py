"""What is wrong with a layer, and buttons that mend it: the same row in the inspector and in the panel of problems."""

from __future__ import annotations

import html
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from nnviz.gui.look import icons
from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import guarded
from nnviz.gui.parts.flow_row import FlowRow
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.parts.widgets import set_font
from nnviz.gui.parts.words_button import WordsButton
from nnviz.project.checks.validate import Diagnostic

#: Colour in the theme and name of the icon, by severity.
LOOKS = {
    "error": ("danger", "error"),
    "warning": ("warning", "warning"),
    "information": ("information", "information"),
}
SEVERITIES = tuple(LOOKS)
_ICON = 16
#: How many rows the inspector shows at once; thousands of rows would stop the window.
_MOST_IN_LIST = 20


def worst_first(diagnostics: Sequence[Diagnostic], most: int) -> tuple[Diagnostic, ...]:
    """So many of them, errors before warnings before what is only good to know."""
    return tuple(sorted(diagnostics, key=lambda one: SEVERITIES.index(one.severity))[:most])


def rest_text(count: int) -> str:
    """The line below the rows for those that are not shown; empty where all are."""
    return f"And {count:,} more: mend these first.".replace(",", "\u202f") if count > 0 else ""


class DiagnosticCard(QWidget):
    """One sentence with a coloured edge and an icon, and a button a cure.

    Args:
        diagnostic: What is said.
        where: The layer's title and id, where that is not clear from what stands around; the row then takes the focus,
            and a click or Enter asks for the layer.
    """

    fix_requested = Signal(object)
    node_requested = Signal(str)

    def __init__(self, diagnostic: Diagnostic, parent: QWidget | None = None, *, where: str = "") -> None:
        super().__init__(parent)
        self.diagnostic = diagnostic
        self.where = where
        self.setAccessibleName(f"{diagnostic.severity}: {where + ': ' if where else ''}{diagnostic.text}")
        column = QVBoxLayout(self)
        column.setContentsMargins(36, 7, 9, 8)
        column.setSpacing(6)
        self.text = QLabel(self)
        self.text.setTextFormat(Qt.TextFormat.RichText)
        lead = f"<b>{html.escape(where)}</b>&nbsp; " if where else ""
        self.text.setText(lead + html.escape(diagnostic.text))
        self.text.setWordWrap(True)
        set_font(self.text, 13)
        column.addWidget(self.text)
        self.buttons: list[QPushButton] = []
        if diagnostic.fixes:
            row = FlowRow(self)
            for fix in diagnostic.fixes:
                button = WordsButton(fix.title, row, tip=f"{fix.title} (can be undone)")
                set_font(button, 12, 500)
                button.clicked.connect(lambda _checked=False, fix=fix: self.fix_requested.emit(fix))
                row.add(button)
                self.buttons.append(button)
            column.addWidget(row)
        if where or parent is None:
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        if where:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
            self.setToolTip(plain_tip(f"Select {where} and show it (Enter)"))

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """A tinted card with an edge and an icon in the colour of the severity."""
        theme = themes.current()
        key, icon = LOOKS[self.diagnostic.severity]
        colour = QColor(getattr(theme, key))
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(themes.mixed(QColor(theme.panel), colour, 0.09))
        painter.drawRoundedRect(QRectF(self.rect()), 5, 5)
        painter.setBrush(colour)
        painter.drawRoundedRect(QRectF(0, 0, 3, self.height()), 1.5, 1.5)
        top = self.text.y() + max(0, (self.text.fontMetrics().height() - _ICON) // 2)
        painter.drawPixmap(QPointF(12, top), icons.pixmap(icon, colour, _ICON, self.devicePixelRatioF()))
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QColor(theme.accent))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click asks for the layer that it is about."""
        if self.where and event.button() == Qt.MouseButton.LeftButton:
            self.node_requested.emit(self.diagnostic.node)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter does the same."""
        if self.where and event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.node_requested.emit(self.diagnostic.node)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The frame shows the focus."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """And that it has gone."""
        super().focusOutEvent(event)
        self.update()


class DiagnosticList(QWidget):
    """The diagnostics of one node, errors first; takes no room when there are none."""

    fix_requested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._shown: tuple[Diagnostic, ...] = ()
        self.cards: list[DiagnosticCard] = []
        self.rest = QLabel(self)
        self.rest.setProperty("role", "muted")
        set_font(self.rest, 12)
        self._column.addWidget(self.rest)
        self.hide()

    def show_diagnostics(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Show these, the worst of them where there are too many."""
        wanted = worst_first(diagnostics, _MOST_IN_LIST)
        self.rest.setText(rest_text(len(diagnostics) - len(wanted)))
        self.rest.setVisible(bool(self.rest.text()))
        if wanted == self._shown:
            return
        self._shown = wanted
        for card in self.cards:
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = []
        for diagnostic in wanted:
            card = DiagnosticCard(diagnostic, self)
            card.fix_requested.connect(self.fix_requested.emit)
            self._column.insertWidget(len(self.cards), card)
            self.cards.append(card)
        self.setVisible(bool(wanted))
