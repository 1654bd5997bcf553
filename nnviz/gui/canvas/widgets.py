"""Small widgets that float over the canvas: the hint at the mouse, the title editor, the words on an empty canvas."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from nnviz.gui.look import theme


class HintLabel(QLabel):
    """Shows a sentence beside the mouse; clicks go through it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._within = parent
        self._tone = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWordWrap(True)
        self.setContentsMargins(9, 5, 9, 6)
        self.restyle()
        self.hide()

    def restyle(self) -> None:
        """Take the colours from the theme."""
        colours = theme.current()
        colour, border = (
            (colours.warning, colours.warning) if self._tone == "warning" else (colours.text, colours.border)
        )
        self.setFont(theme.font(12))
        self.setStyleSheet(
            f"background: {colours.panel_raised.name()}; color: {colour.name()};"
            f"border: 1px solid {border.name()}; border-radius: 5px;"
        )

    @property
    def tone(self) -> str:
        """``warning`` where the sentence warns, else empty."""
        return self._tone

    def say(self, text: str, beside: QPoint, tone: str = "") -> None:
        """Show a sentence beside a point of the parent; an empty one hides it."""
        if tone != self._tone:
            self._tone = tone
            self.restyle()
        if not text:
            self.hide()
            return
        self.setText(text)
        metrics = self.fontMetrics()
        wide = min(300, metrics.horizontalAdvance(text) + 32)
        self.resize(wide, self.heightForWidth(wide))
        x = min(beside.x() + 16, self._within.width() - self.width() - 4)
        y = min(beside.y() + 18, self._within.height() - self.height() - 4)
        self.move(max(4, x), max(4, y))
        self.show()
        self.raise_()


class EmptyLabel(QLabel):
    """Says what to do first, in the middle of an empty canvas."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.restyle()

    def restyle(self) -> None:
        """Take the colours from the theme."""
        colours = theme.current()
        self.setFont(theme.font(14))
        self.setStyleSheet(f"background: transparent; color: {colours.text_muted.name()};")
        self.setText(
            f'<p style="font-size:17px; font-weight:600; color:{colours.text.name()}">An empty network</p>'
            "<p>Drag a layer here from the left, or double-click (<b>Shift+A</b>) and type its name.<br>"
            "Begin with <b>Input</b>; every next layer is wired behind the selected one.</p>"
        )
        self.adjustSize()


class TitleEditor(QLineEdit):
    """Edits the title of a card in its place: Enter takes it, Esc does not."""

    def __init__(self, parent: QWidget, text: str, place: QRect, done: Callable[[str | None], None]) -> None:
        super().__init__(text, parent)
        self._done: Callable[[str | None], None] | None = done
        self.setMaxLength(200)
        self.setAccessibleName("Title of the layer")
        # Like the title that it covers, which is as large as the zoom makes it; the field is no higher than its place.
        self.setFont(theme.scene_font(min(max(13, round(0.5 * place.height())), 24), 600))
        self.setGeometry(place.x(), place.y(), max(place.width(), 120), max(place.height(), 28))
        self.editingFinished.connect(self._take)
        self.selectAll()
        self.show()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Give up at Esc, and keep all keys from the canvas, where arrows move cards and Enter opens them."""
        if event.key() == Qt.Key.Key_Escape:
            self._end(None)
        else:
            super().keyPressEvent(event)
        event.accept()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Take the title at Tab."""
        self._take()
        return True

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the title when a click goes elsewhere; without a change Qt says nothing, and the field would stay."""
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason):
            self._take()

    def _take(self) -> None:
        self._end(self.text())

    def _end(self, text: str | None) -> None:
        done, self._done = self._done, None
        if done is not None:
            parent = self.parentWidget()
            if parent is not None and self.hasFocus():
                # A widget that hides hands the focus on as Tab does, and on the canvas that selects the next card.
                parent.setFocus()
            self.hide()
            self.deleteLater()
            done(text)
