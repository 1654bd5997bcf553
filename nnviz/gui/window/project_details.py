"""Name and note of the project, over the window: each that was changed becomes one step."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from nnviz.gui.look import theme
from nnviz.gui.parts.overlay import Overlay
from nnviz.project.document import Document
from nnviz.project.edits import Edit, SetProject

_WIDTH, _HEIGHT = 560, 380
_ENTER = {Qt.Key.Key_Return, Qt.Key.Key_Enter}


class ProjectDetails(Overlay):
    """Enter in the name and Ctrl+Enter anywhere take what stands there; Escape and a press beside it do not.

    Args:
        window: What it covers.
        document: Whose name and note.
        apply: Applies an edit and tells of a refusal.
    """

    def __init__(self, window: QWidget, document: Document, apply: Callable[[Edit], object]) -> None:
        super().__init__(window, "Project details")
        self._document = document
        self._apply = apply
        self._title = QLabel("Project details", self.card)
        self.name = QLineEdit(self.card)
        self.name.setAccessibleName("Name of the project")
        self.name.setMaxLength(200)
        self.name.returnPressed.connect(self.take)
        self.note = QPlainTextEdit(self.card)
        self.note.setAccessibleName("Note on the project")
        self.note.setPlaceholderText("What this network shows, what was tried, what to look at")
        self.note.setTabChangesFocus(True)
        self.cancel = QPushButton("Cancel", self.card)
        self.cancel.clicked.connect(self.dismiss)
        self.accept = QPushButton("Apply", self.card)
        self.accept.setProperty("role", "primary")
        self.accept.setToolTip("Take name and note (Ctrl+Enter)")
        self.accept.clicked.connect(self.take)
        column = QVBoxLayout(self.card)
        column.setContentsMargins(24, 18, 24, 18)
        column.setSpacing(6)
        column.addWidget(self._title)
        column.addSpacing(6)
        self._captions: list[QLabel] = []
        for words, field in (("Name", self.name), ("Note", self.note)):
            caption = QLabel(words, self.card)
            caption.setProperty("role", "muted")
            caption.setBuddy(field)
            self._captions.append(caption)
            column.addWidget(caption)
            column.addWidget(field, int(field is self.note))
            column.addSpacing(4)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.cancel)
        row.addWidget(self.accept)
        column.addLayout(row)

    def open(self) -> None:
        """Show name and note as they are now."""
        self.name.setText(self._document.project.name)
        self.note.setPlainText(self._document.project.note)
        super().open()
        self.name.selectAll()

    def take(self) -> None:
        """Apply what was changed, the name first, and go away."""
        if self.isHidden():
            return
        self.dismiss()
        before, name, note = self._document.project, self.name.text().strip(), self.note.toPlainText()
        if name != before.name:
            self._apply(SetProject(name=name or "untitled"))
        if note != before.note:
            self._apply(SetProject(note=note))

    def place(self, room: QRect) -> QRect:
        """In the upper middle."""
        scale = max(1.0, theme.overlay_scale())
        width, height = min(room.width() - 40, round(_WIDTH * scale)), min(room.height() - 80, round(_HEIGHT * scale))
        return QRect((room.width() - width) // 2, min(90, (room.height() - height) // 2), width, height)

    def first_field(self) -> QWidget:
        """The name."""
        return self.name

    def restyle(self) -> None:
        """Take the fonts of another theme or text scale."""
        self._title.setFont(theme.overlay_font(18, 600))
        for widget in (self.name, self.note, self.cancel, self.accept):
            widget.setFont(theme.overlay_font(14))
        for caption in self._captions:
            caption.setFont(theme.overlay_font(12))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ctrl+Enter takes it, also from the note, where Enter begins a line."""
        if event.key() in _ENTER and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.accept()
            self.take()
            return
        super().keyPressEvent(event)
