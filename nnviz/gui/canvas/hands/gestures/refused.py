"""What stands in for a gesture that would change a document which cannot be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt

from nnviz.gui.canvas.hands.gestures.base import DRAG_DISTANCE, Gesture

if TYPE_CHECKING:
    from nnviz.gui.canvas.view import CanvasView


class RefusedGesture(Gesture):
    """Moves nothing; says why as soon as the mouse has moved far enough to mean it. A click only selects.

    Args:
        canvas: Where it goes on.
        start: Where the button was pressed, in the scene.
    """

    scrolls = False

    def __init__(self, canvas: CanvasView, start: QPointF) -> None:
        super().__init__(canvas)
        self._start = start
        self._told = False

    @property
    def dragging(self) -> bool:
        """Whether the mouse has moved far enough to mean it."""
        return self._told

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Say why nothing moves, once."""
        if not self._told and (point - self._start).manhattanLength() * self.canvas.zoom >= DRAG_DISTANCE:
            self._told = True
            self.canvas.refuses()
