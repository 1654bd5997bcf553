"""A small field over a number that stands on the screen: type another one, Enter takes it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QLabel, QLineEdit, QVBoxLayout, QWidget

from nnviz.errors import ParamError
from nnviz.gui.look import theme as themes
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import refresh_fonts, set_font
from nnviz.project.spec import ParamSpec
from nnviz.project.value_text import parse_text
from nnviz.record.number_text import exact_number


class NumberField(QFrame):
    """What is being changed, a line to type into, and what the number was before.

    Enter hands the number out; Escape, or the focus going elsewhere, changes nothing. A number that cannot be taken
    stays there, with the reason below it.

    Args:
        title: What it is the number of.
        value: What it is now.
        take: Gets the number that was typed; gives back why it cannot be taken, or an empty text.
        place: The cell that it belongs to, in the parent; the field is put over it, wholly inside the parent.
        parent: Owner.
    """

    def __init__(self, title: str, value: float, take: Callable[[float], str], place: QRect, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("number-field")
        self._take = take
        self._spec = ParamSpec("value", title, "", "float", 0.0)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(4)
        self._title = QLabel(title, self)
        set_font(self._title, 12, 600)
        self.line = QLineEdit(exact_number(value), self)
        self.line.setAccessibleName(title)
        self.line.setMinimumWidth(150)
        set_font(self.line, 14)
        self.line.selectAll()
        self.line.installEventFilter(self)
        self.note = QLabel(f"was {exact_number(value)} · Enter sets it", self)
        self.note.setProperty("role", "muted")
        self.note.setWordWrap(True)
        set_font(self.note, 12)
        for part in (self._title, self.line, self.note):
            column.addWidget(part)
        self._place = place
        self.restyle()
        follow(themes.notifier.changed, self.restyle)
        self.show()
        self.raise_()
        self.line.setFocus(Qt.FocusReason.PopupFocusReason)

    def restyle(self) -> None:
        """Take the colours and letters of the theme."""
        theme = themes.current()
        self.setStyleSheet(
            f"#number-field {{ background: {theme.panel_raised.name()}; border: 1px solid {theme.accent.name()};"
            " border-radius: 6px; }"
        )
        refresh_fonts(self)
        self._fit()

    def _fit(self) -> None:
        self.adjustSize()
        parent = self.parentWidget()
        if parent is None:
            return
        room = parent.rect()
        x = min(max(self._place.center().x() - self.width() // 2, room.left()), room.right() - self.width())
        below = self._place.bottom() + 4
        y = below if below + self.height() <= room.bottom() else self._place.top() - 4 - self.height()
        self.move(QPoint(max(x, 0), max(y, 0)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter takes the number, Escape leaves it; neither goes on to what lies below."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._accept()
        elif event.key() == Qt.Key.Key_Escape:
            self.leave()
        event.accept()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Whoever goes elsewhere has not settled on a number."""
        stays = {Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason}
        if isinstance(event, QFocusEvent) and event.type() == QEvent.Type.FocusOut and event.reason() not in stays:
            self.leave()
        return False

    def leave(self) -> None:
        """Go away without a change."""
        parent = self.parentWidget()
        self.hide()
        self.deleteLater()
        if parent is not None:
            parent.setFocus(Qt.FocusReason.OtherFocusReason)

    def _accept(self) -> None:
        try:
            value = parse_text(self._spec, self.line.text())
        except ParamError as error:
            reason = error.message
        else:
            assert isinstance(value, float)
            reason = self._take(value)
        if reason:
            self.note.setText(reason)
            self.note.setProperty("role", "danger")
            self.note.style().unpolish(self.note)
            self.note.style().polish(self.note)
            self._fit()
        else:
            self.leave()
