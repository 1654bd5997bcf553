"""What stands in for a gesture that would change a document which cannot be changed."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt

from nnviz.gui.canvas.desk import Desk
from nnviz.gui.canvas.hands.gestures.base import DRAG_DISTANCE, Gesture


class RefusedGesture(Gesture):
    """Moves nothing; says why as soon as the mouse has moved far enough to mean it. A click only selects.

    Args:
        desk: What it works with.
        start: Where the button was pressed, in the scene.
    """

    scrolls = False

    def __init__(self, desk: Desk, start: QPointF) -> None:
        super().__init__(desk)
        self._start = start
        self._said = False

    @property
    def dragging(self) -> bool:
        """Whether the mouse has moved far enough to mean it."""
        return self._said

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Say why nothing moves, once."""
        if not self._said and (point - self._start).manhattanLength() * self.desk.camera.zoom >= DRAG_DISTANCE:
            self._said = True
            self.desk.refuses()
