"""Moves the view by dragging it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt

from nnviz.gui.canvas.desk import Desk
from nnviz.gui.canvas.hands.gestures.base import Gesture


class PanGesture(Gesture):
    """Moves the view so that the point of the scene under the mouse stays under it."""

    cursor = Qt.CursorShape.ClosedHandCursor
    scrolls = False

    def __init__(self, desk: Desk, start: QPointF) -> None:
        super().__init__(desk)
        self._last = desk.surface.mapFromScene(start)

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Move the view by as much as the mouse has moved on the screen."""
        now = self.desk.surface.mapFromScene(point)
        self.desk.camera.pan_by(now.x() - self._last.x(), now.y() - self._last.y())
        self._last = now
