"""The field in which a note is written, over its paper and as large as that is shown."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QFontMetricsF,
    QKeyEvent,
    QKeySequence,
    QTextCursor,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from nnviz.gui.canvas.items.note_item import paper
from nnviz.gui.canvas.items.note_text import PADDING, TEXT_SIZE
from nnviz.gui.look import theme
from nnviz.project.text import LONGEST_NOTE, clean_note

#: Keys for the window that also end the typing: what has been typed counts.
_KEEPING = (QKeySequence.StandardKey.Save, QKeySequence.StandardKey.SaveAs, QKeySequence.StandardKey.Quit)
_LEAST_WIDTH, _LEAST_ROWS = 180, 2
#: Height of both lines of the frame, and a row of pixels to spare: a text that just fits must not scroll.
_BORDERS = 6.0
#: Reasons for losing the keyboard that do not mean "done": another window of the desktop is in front for a moment.
_PASSING = (Qt.FocusReason.ActiveWindowFocusReason,)


class NoteEditor(QPlainTextEdit):
    """Edits the text of a note in its place: Ctrl+Return or the loss of the keyboard takes it, Esc does not.

    Args:
        parent: The canvas; :meth:`stand` says where on it.
        text: What is there already.
        colour: Of the note.
        done: Called once, with the text, or with None where it was given up.
    """

    def __init__(self, parent: QWidget, text: str, colour: str, done: Callable[[str | None], None]) -> None:
        super().__init__(parent)
        self._canvas = parent
        self._done: Callable[[str | None], None] | None = done
        self._colour = colour
        self._place = QRectF()
        self._zoom = 1.0
        self._menu_open = False
        self.setAccessibleName("Text of the note")
        self.setAccessibleDescription("Ctrl+Enter takes the text, Escape leaves it as it was.")
        self.setPlaceholderText("Write a note\n# heading, - list, **bold**, `code`")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setPlainText(text)
        self.restyle()
        self.textChanged.connect(self._fit)
        self.window().installEventFilter(self)
        self.moveCursor(QTextCursor.MoveOperation.End)

    def restyle(self) -> None:
        """Take the colours from the theme."""
        colours = theme.current()
        self.setStyleSheet(
            f"QPlainTextEdit {{ background: {paper(self._colour, colours).name()}; color: {colours.text.name()};"
            f" border: 2px solid {colours.accent.name()}; border-radius: 5px; padding: 0px; }}"
        )

    def stand(self, place: QRectF, zoom: float) -> None:
        """Put the editor over a note.

        Args:
            place: Its paper on the canvas, in pixels.
            zoom: Pixels for one scene unit.
        """
        self._place, self._zoom = place, zoom
        font = theme.scene_font(max(theme.MINIMUM_PIXEL_SIZE, TEXT_SIZE * zoom))
        self.setFont(font)
        self.document().setDocumentMargin(max(4.0, PADDING * min(zoom, 2.0) - 2.0))
        self._fit()

    def _fit(self) -> None:
        """As high as the text, and at least as the paper; what does not fit the canvas can be scrolled."""
        width = max(round(self._place.width()), _LEAST_WIDTH)
        row = QFontMetricsF(self.font()).lineSpacing()
        margins = 2 * self.document().documentMargin() + _BORDERS
        self.resize(width, max(self.height(), 10))
        # The layout of plain text counts its height in rows.
        rows = max(round(self.document().size().height()), _LEAST_ROWS)
        wanted = max(math.ceil(rows * row + margins), round(self._place.height()))
        room = self._canvas.height()
        height = min(wanted, max(room - 8, 60))
        scrolls = height < wanted
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if scrolls else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(policy)
        y = min(round(self._place.top()), max(4, room - height - 4))
        self.setGeometry(round(self._place.left()), y, width, height)
        if not scrolls:
            # Whatever was scrolled out while there was less room.
            self.verticalScrollBar().setValue(0)

    def finish(self) -> None:
        """Take the text as it is."""
        self._end(clean_note(self.toPlainText())[:LONGEST_NOTE].rstrip())

    def give_up(self) -> None:
        """Leave the text as it was."""
        self._end(None)

    def _end(self, text: str | None) -> None:
        done, self._done = self._done, None
        if done is not None:
            self.window().removeEventFilter(self)
            if self.hasFocus():
                # Before it is hidden: Qt would look for the next field, as Tab does, and Tab walks over the cards.
                self._canvas.setFocus()
            self.hide()
            self.deleteLater()
            done(text)

    def event(self, event: QEvent) -> bool:
        """Keep keys for the text before they are shortcuts of the window; take the text first where one saves."""
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if any(event.matches(key) for key in _KEEPING):
                self.finish()
                event.ignore()
                return False
            event.accept()
            return True
        return super().event(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the text when the window is about to be closed, before it asks whether to save."""
        if event.type() is QEvent.Type.Close:
            self.finish()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take the text at Ctrl+Return and give it up at Esc; keep all keys from the canvas."""
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.key() == Qt.Key.Key_Escape:
            self.give_up()
        elif enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.finish()
        else:
            super().keyPressEvent(event)
        event.accept()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Keep the keys of the text from the canvas."""
        super().keyReleaseEvent(event)
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll a long text; where there is nothing to scroll, let the wheel zoom the canvas."""
        if self.verticalScrollBar().maximum() > 0:
            super().wheelEvent(event)
            event.accept()
        else:
            event.ignore()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Show the usual menu of a text; while it is open, the text is still being written."""
        menu = self.createStandardContextMenu(event.pos())
        menu.setParent(self, menu.windowFlags())
        self._menu_open = True
        menu.aboutToHide.connect(self._on_menu_closed)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(event.globalPos())
        event.accept()

    def _on_menu_closed(self) -> None:
        self._menu_open = False

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the text when the keyboard goes elsewhere."""
        super().focusOutEvent(event)
        if not self._menu_open and event.reason() not in _PASSING:
            self.finish()
