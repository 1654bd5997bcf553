"""Whether the canvas was used by mouse or by keyboard last, and where the pointer is."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QAbstractScrollArea

#: Keys that say nothing: those that are held with others, and the one in question.
_SILENT = frozenset(
    {
        Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_AltGr,
        Qt.Key.Key_Meta, Qt.Key.Key_CapsLock,
    }
)  # fmt: skip


class Modality(QObject):
    """Watches mouse and keys of a scroll area, without taking anything from it.

    Attributes:
        pointer: Where the mouse was moved to last, in the viewport; None while it is elsewhere.
    """

    def __init__(self, area: QAbstractScrollArea) -> None:
        super().__init__(area)
        self.pointer: QPointF | None = None
        self._by_mouse = False
        area.installEventFilter(self)
        area.viewport().installEventFilter(self)

    @property
    def by_mouse(self) -> bool:
        """Whether the mouse was moved over the canvas, and no key was pressed since."""
        return self._by_mouse and self.pointer is not None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take note of mouse and keys, and let everything pass."""
        kind = event.type()
        if kind in (QEvent.Type.MouseMove, QEvent.Type.MouseButtonPress):
            if isinstance(event, QMouseEvent) and event.position() != self.pointer:
                # A window that comes up under a pointer at rest is no movement of the hand.
                self.pointer, self._by_mouse = event.position(), True
        elif kind == QEvent.Type.Leave:
            self.pointer = None
        elif kind in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress) and isinstance(event, QKeyEvent):
            self._by_mouse = self._by_mouse and event.key() in _SILENT
        return False
