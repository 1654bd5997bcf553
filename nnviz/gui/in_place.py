"""Parts of the top bar: a caption over a value, and values that are edited where they stand."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent
from PySide6.QtWidgets import QComboBox, QCompleter, QLabel, QToolTip, QVBoxLayout, QWidget

from nnviz.gui import theme
from nnviz.gui.field_undo import undo_document_from


def text_width(text: str, pixel_size: int = 13, weight: int = 600) -> int:
    """How wide a text is in the interface font, rounded up."""
    return math.ceil(QFontMetricsF(theme.scene_font(pixel_size, weight)).horizontalAdvance(text))


class InPlace(QComboBox):
    """A value in the bar that becomes an editor when it is pointed at: type, choose, or use the arrow keys."""

    #: The text that the user settled on.
    chosen = Signal(str)

    def __init__(self, values: Sequence[str], widest: str, name: str, parent: QWidget, editable: bool = True) -> None:
        super().__init__(parent)
        self.setObjectName("InPlace")
        self.setAccessibleName(name)
        self.setFont(theme.scene_font(13, 600))
        self.setEditable(editable)
        self.addItems(list(values))
        self.setMaxVisibleItems(12)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        # A list that cannot be typed into keeps more room around its words.
        self.setFixedWidth(text_width(widest) + (28 if editable else 36))
        self.setFixedHeight(22)
        self._shown = ""
        editor = self.lineEdit()
        if editor is not None:
            editor.setFont(theme.scene_font(13, 600))
            editor.setFrame(False)
            editor.setAccessibleName(name)
            editor.editingFinished.connect(self._on_finished)
            undo_document_from(self)
            self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
            self.setCompleter(QCompleter([], self))
        self.activated.connect(lambda _index: self._on_finished())

    def show_value(self, text: str) -> None:
        """Show the current value; what is being typed is left alone."""
        self._shown = text
        editor = self.lineEdit()
        if editor is not None:
            if not (editor.hasFocus() and editor.isModified()):
                self.setCurrentIndex(self.findText(text))
                editor.setText(text)
        else:
            self.setCurrentIndex(self.findText(text))

    def refuse(self, reason: str) -> None:
        """Return to the value before and say why."""
        QToolTip.showText(self.mapToGlobal(self.rect().bottomLeft()), reason, self)
        editor = self.lineEdit()
        if editor is not None:
            editor.setModified(False)
        self.show_value(self._shown)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape puts the value before back."""
        editor = self.lineEdit()
        if event.key() == Qt.Key.Key_Escape and editor is not None:
            editor.setModified(False)
            self.show_value(self._shown)
            self.clearFocus()
            return
        super().keyPressEvent(event)

    def _on_finished(self) -> None:
        text = self.currentText().strip()
        editor = self.lineEdit()
        if editor is not None:
            editor.setModified(False)
        if text != self._shown:
            self.chosen.emit(text)


class Field(QWidget):
    """A caption in small capitals over a value."""

    def __init__(self, caption: str, value: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        label = QLabel(caption.upper(), self)
        label.setFont(theme.scene_font(12, 500))
        label.setProperty("role", "caption")
        label.setBuddy(value)
        label.setIndent(4)
        label.setFixedHeight(15)
        column.addStretch(1)
        column.addWidget(label)
        column.addWidget(value, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
