"""What all gestures have in common."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter

from nnviz.gui.canvas.desk import Desk
from nnviz.gui.canvas.geometry import PORT_REACH
from nnviz.gui.canvas.scene import CanvasScene

#: Distance in device-independent pixels after which a press becomes a drag.
DRAG_DISTANCE = 4.0


class Gesture:
    """A movement of the hand from press to release.

    A ``GestureHost`` hands it the mouse until it is finished or cancelled. While it runs it only shows what would
    happen; the document is changed once, in :meth:`finish`.

    Attributes:
        desk: What it works with.
        cursor: Shape of the mouse pointer while it runs.
        scrolls: The view moves along when the mouse comes near its edge.
        changes: It is meant to change the document, so that there is none of it where that is read-only.
    """

    cursor: Qt.CursorShape = Qt.CursorShape.ArrowCursor
    scrolls = True
    changes = False

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    @property
    def scene(self) -> CanvasScene:
        """Cards, wires, frames and notes."""
        return self.desk.scene

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Show what would happen with the mouse at ``point`` of the scene."""

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Make the change: the button was released."""

    def cancel(self) -> None:
        """Show everything as it was before."""

    def key(self, event: QKeyEvent) -> bool:
        """Take a key that was pressed meanwhile; whether it has been used."""
        return False

    def paint(self, painter: QPainter) -> None:
        """Draw over the scene, in its units."""

    def area(self) -> QRectF:
        """The part of the scene that :meth:`paint` draws on."""
        return QRectF()


def port_reach(zoom: float) -> float:
    """Distance in scene units at which the mouse is on a port; more of them when far out."""
    return max(PORT_REACH, 8.0 / zoom)


def snap_reach(zoom: float) -> float:
    """Distance in scene units at which the end of a wire snaps to a port."""
    return max(1.6 * PORT_REACH, 14.0 / zoom)
