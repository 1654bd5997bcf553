"""Undo in a field: of what is being typed while something is, else of the document."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QLineEdit


class _LetsUndoThrough(QObject):
    """A line keeps the keys for undo and redo to itself even when nothing was typed into it; this takes them away.

    It asks the field for its line each time and keeps none: Qt may make another line where one has gone, and a
    reference to the old one would be taken for it.
    """

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Before a shortcut is looked up, Qt asks the field whether it wants the key itself."""
        if (
            event.type() is QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and (event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo))
        ):
            line = watched.lineEdit() if isinstance(watched, QAbstractSpinBox | QComboBox) else watched
            if isinstance(line, QLineEdit) and not line.isModified():
                event.ignore()
                return True
        return False


def undo_document_from(field: QLineEdit | QComboBox | QAbstractSpinBox) -> None:
    """Undo and redo pressed in this field reach the window unless what stands there was typed and not handed out yet.

    Args:
        field: What has the focus. The owner of its line says with ``setModified(False)`` that nothing is being typed.
    """
    field.installEventFilter(_LetsUndoThrough(field))
