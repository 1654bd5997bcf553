"""A pointer that belongs to the test: it does not matter where the real one is, or where another test left it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget


def move_pointer(
    widget: QWidget,
    point: QPoint,
    buttons: Qt.MouseButton = Qt.MouseButton.NoButton,
    keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    """Move the pointer over a widget.

    ``QTest.mouseMove`` moves the pointer of the desktop instead. Which window hears of it depends on what else is open,
    and none does when the pointer stands there already, left by an earlier test.
    """
    place = QPointF(point)
    event = QMouseEvent(QEvent.Type.MouseMove, place, widget.mapToGlobal(place), Qt.MouseButton.NoButton, buttons, keys)
    QApplication.sendEvent(widget, event)
