"""Drags the view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt

from nnviz.gui.canvas.hands.gestures.base import Gesture

if TYPE_CHECKING:
    from nnviz.gui.canvas.view import CanvasView


class PanGesture(Gesture):
    """The point of the scene under the mouse stays under the mouse."""

    cursor = Qt.CursorShape.ClosedHandCursor
    scrolls = False

    def __init__(self, canvas: CanvasView, start: QPointF) -> None:
        super().__init__(canvas)
        self._last = canvas.mapFromScene(start)

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Move the view by as much as the mouse has moved on the screen."""
        now = self.canvas.mapFromScene(point)
        self.canvas.pan_by(now.x() - self._last.x(), now.y() - self._last.y())
        self._last = now
