"""Something in front of the window for a moment: a card over a veil. Escape or a press beside the card closes it."""

from __future__ import annotations

import shiboken6
from PySide6.QtCore import QEvent, QObject, QRect, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QWidget

from nnviz.gui.look import theme
from nnviz.gui.look.painting import guarded
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.in_front import keep_in_front

_VEIL = QColor(0, 0, 0, 80)


class Overlay(QWidget):
    """Covers a window and carries one card; what runs behind it goes on and can be seen.

    Its letters are those of ``theme.overlay_font``, which in a lecture are those of the page behind it. It is a part of
    the window, not a window of its own: it needs no activation and is on every picture of the window. Subclasses fill
    ``card``, place it in :meth:`place` and say in :meth:`first_field` where the keyboard goes.
    """

    closed = Signal()

    def __init__(self, window: QWidget, name: str) -> None:
        super().__init__(window)
        self._window = window
        self._focus_before: QWidget | None = None
        self.hide()
        self.setAccessibleName(name)
        self.card = QFrame(self)
        self.card.setObjectName("OverlayCard")
        self.card.setAccessibleName(name)
        window.installEventFilter(self)
        keep_in_front(window, self)
        follow(theme.notifier.changed, self._on_theme)
        follow(theme.notifier.mode_changed, self._on_theme)

    def open(self) -> None:
        """Come to the front, and take the keyboard."""
        if self.isHidden():
            self._focus_before = self._window.focusWidget()
        self.restyle()
        self.setGeometry(self._window.rect())
        self.card.setGeometry(self.place(self.rect()))
        self.show()
        self.raise_()
        self.first_field().setFocus(Qt.FocusReason.PopupFocusReason)

    def dismiss(self) -> None:
        """Go away, and give the keyboard back to who had it."""
        if self.isHidden():
            return
        before, self._focus_before = self._focus_before, None
        # It may be gone by now: forms are built anew when the data or the run changes behind the veil.
        if before is not None and shiboken6.isValid(before) and before.isVisible():
            # Before the field is hidden: else Qt chooses somebody, and the window does not know that this one is meant.
            before.setFocus(Qt.FocusReason.PopupFocusReason)
        self.hide()
        self.closed.emit()

    def toggle(self) -> None:
        """Opens the overlay, or closes it if it is open."""
        if self.isHidden():
            self.open()
        else:
            self.dismiss()

    # ---- for subclasses ------------------------------------------------------------------------------------------

    def place(self, room: QRect) -> QRect:
        """Where the card stands in a window of that size."""
        raise NotImplementedError

    def first_field(self) -> QWidget:
        """The widget that takes the keyboard when the overlay opens."""
        raise NotImplementedError

    def restyle(self) -> None:
        """Take the fonts of another theme or text scale."""

    # ---- events --------------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Cover the window whatever its size."""
        if event.type() is QEvent.Type.Resize and self.isVisible():
            self.setGeometry(self._window.rect())
            self.card.setGeometry(self.place(self.rect()))
        return False

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The veil."""
        QPainter(self).fillRect(event.rect(), _VEIL)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Beside the card: it goes away."""
        event.accept()
        if not self.card.geometry().contains(event.position().toPoint()):
            self.dismiss()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes it; no key reaches what is behind."""
        event.accept()
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Keeps the Tab key inside the overlay."""
        fields = [
            widget
            for widget in self.card.findChildren(QWidget)
            if widget.isVisible() and widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        ]
        if fields:
            focused = self._window.focusWidget()
            at = fields.index(focused) if focused in fields else -1
            fields[(at + (1 if forward else -1)) % len(fields)].setFocus(Qt.FocusReason.TabFocusReason)
        return True

    def _on_theme(self) -> None:
        self.restyle()
        if self.isVisible():
            self.card.setGeometry(self.place(self.rect()))
            self.update()
