"""Parts of the top bar: a caption over a value, and values that are edited where they stand."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QRect, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QFontMetricsF, QKeyEvent
from PySide6.QtWidgets import QComboBox, QCompleter, QLabel, QStyle, QStyleOptionComboBox, QVBoxLayout, QWidget

from nnviz.gui.look import theme
from nnviz.gui.parts.field_undo import undo_document_from

#: Pixels that a line to type into keeps at both sides of its text, with the cursor behind it.
_AROUND_TYPED = 5
_ANY_WIDTH = 400


def value_font() -> QFont:
    """The letters of the values in the bar: what the back of a hall has to read."""
    return theme.font(13, 600)


def value_height() -> int:
    """The height of a value that is edited in the top bar, in pixels."""
    return max(22, QFontMetrics(value_font()).height() + 2)


def text_width(text: str, font: QFont | None = None) -> int:
    """How wide a text is, rounded up; in the letters of a value where no others are given."""
    return math.ceil(QFontMetricsF(font or value_font()).horizontalAdvance(text))


class InPlace(QComboBox):
    """A value in the bar that becomes an editor when it is pointed at: type, choose, or use the arrow keys."""

    #: The text that the user settled on.
    chosen = Signal(str)
    #: Enter or Escape was pressed: the keyboard goes elsewhere.
    left = Signal()

    def __init__(self, values: Sequence[str], widest: str, name: str, parent: QWidget, editable: bool = True) -> None:
        super().__init__(parent)
        self.setObjectName("InPlace")
        self.setAccessibleName(name)
        self._widest = widest
        # Before there is a line to type into: the stylesheet would return both to the font of now.
        self.setFont(value_font())
        self.setEditable(editable)
        self.addItems(list(values))
        self.setMaxVisibleItems(12)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._shown = ""
        self._refused = False
        editor = self.lineEdit()
        if editor is not None:
            editor.setFrame(False)
            editor.setAccessibleName(name)
            editor.installEventFilter(self)
            editor.editingFinished.connect(self._on_finished)
            editor.returnPressed.connect(self._leave)
            undo_document_from(self)
            self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
            self.setCompleter(QCompleter([], self))
        self.activated.connect(lambda _index: self._on_finished())
        self.refit()

    def refit(self) -> None:
        """Take the letters of the present text scale, and the room that they need."""
        self.setFont(value_font())
        editor = self.lineEdit()
        if editor is not None:
            editor.setFont(value_font())
        if editor is None:
            # A list that cannot be typed into keeps more room around its words.
            self.setFixedSize(text_width(self._widest) + 36, value_height())
        else:
            self.setFixedSize(text_width(self._widest) + _AROUND_TYPED + self._beside_editor(), value_height())

    def _beside_editor(self) -> int:
        """What the style takes of the width for frame and arrow."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        option.rect = QRect(0, 0, _ANY_WIDTH, value_height())
        combo, field = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        return _ANY_WIDTH - self.style().subControlRect(combo, option, field, self).width()

    def show_value(self, text: str) -> None:
        """Show the current value; what is being typed is left alone."""
        self._shown = text
        editor = self.lineEdit()
        if editor is not None:
            # While it trains this is said 30 times a second: what is selected stays so, to be typed over.
            if editor.text() != text and not (editor.hasFocus() and editor.isModified()):
                selected = editor.hasFocus() and editor.hasSelectedText()
                self.setCurrentIndex(self.findText(text))
                editor.setText(text)
                if selected:
                    editor.selectAll()
        else:
            self.setCurrentIndex(self.findText(text))

    def wait(self, waiting: bool, tip: str) -> None:
        """Show whether the value waits for a restart, framed as what does not hold yet; the tip says what is in use."""
        if tip != self.toolTip():
            self.setToolTip(tip)
            self.setAccessibleDescription(tip if waiting else "")
        if bool(self.property("waiting")) != waiting:
            self.setProperty("waiting", waiting)
            self.style().unpolish(self)
            self.style().polish(self)
            self.refit()

    def refuse(self) -> None:
        """Return to the value before; the keyboard stays, so that another can be typed."""
        self._refused = True
        editor = self.lineEdit()
        if editor is not None:
            editor.setModified(False)
        self.show_value(self._shown)
        if editor is not None:
            editor.selectAll()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A double click takes the whole number, not what stands on one side of its point."""
        editor = self.lineEdit()
        if event.type() is QEvent.Type.MouseButtonDblClick and watched is editor and editor is not None:
            editor.selectAll()
            return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape puts the value before back."""
        editor = self.lineEdit()
        if event.key() == Qt.Key.Key_Escape and editor is not None:
            editor.setModified(False)
            self.show_value(self._shown)
            self.left.emit()
            return
        super().keyPressEvent(event)

    def _leave(self) -> None:
        """Enter: the value is settled on, and the keyboard goes back where it is needed."""
        self._refused = False
        self._on_finished()
        if not self._refused:
            self.left.emit()

    def _on_finished(self) -> None:
        text = self.currentText().strip()
        editor = self.lineEdit()
        if editor is not None:
            editor.setModified(False)
        if text != self._shown:
            self.chosen.emit(text)


class Field(QWidget):
    """A caption in small capitals over a value; ``short`` stands there instead where there is little room."""

    def __init__(self, caption: str, value: QWidget, parent: QWidget, short: str = "") -> None:
        super().__init__(parent)
        self._words, self._short = caption.upper(), (short or caption).upper()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self._caption = label = QLabel(self)
        label.setProperty("role", "caption")
        label.setBuddy(value)
        label.setIndent(4)
        column.addStretch(1)
        column.addWidget(label)
        column.addWidget(value, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        self.refit()

    def refit(self) -> None:
        """Take the letters of the present text scale for the caption."""
        self._caption.setFont(theme.surrounding_font(12, 500))
        self._caption.setFixedHeight(round(15 * theme.surrounding_scale()))
        self.shorten(theme.text_scale() > 1.0)

    def shorten(self, short: bool) -> None:
        """Take the short caption, or the whole one; either way it is not cut."""
        self._caption.setText(self._short if short or theme.text_scale() > 1.0 else self._words)
        self._caption.setFixedWidth(text_width(self._caption.text(), self._caption.font()) + 8)
