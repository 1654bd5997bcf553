"""What all gestures have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter

if TYPE_CHECKING:
    from nnviz.gui.canvas.scene import CanvasScene
    from nnviz.gui.canvas.view import CanvasView

#: Distance in device-independent pixels after which a press becomes a drag.
DRAG_DISTANCE = 4.0


class Gesture:
    """A movement of the hand from press to release.

    The view hands it the mouse until it is finished or cancelled. While it runs it only shows what would happen; the
    document is changed once, in :meth:`finish`.

    Attributes:
        cursor: Shape of the mouse pointer while it runs.
        scrolls: The view moves along when the mouse comes near its edge.
        changes: It is meant to change the document, so that there is none of it where that is read-only.
    """

    cursor: Qt.CursorShape = Qt.CursorShape.ArrowCursor
    scrolls = True
    changes = False

    def __init__(self, canvas: CanvasView) -> None:
        self.canvas = canvas

    @property
    def scene(self) -> CanvasScene:
        """The scene of the canvas."""
        return self.canvas.canvas_scene

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """The mouse is at ``point`` of the scene."""

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """The button was released: make the change."""

    def cancel(self) -> None:
        """Show everything as it was before."""

    def key(self, event: QKeyEvent) -> bool:
        """A key was pressed meanwhile; whether it has been used."""
        return False

    def paint(self, painter: QPainter) -> None:
        """Draw over the scene, in its units."""

    def area(self) -> QRectF:
        """The part of the scene that :meth:`paint` draws on."""
        return QRectF()
