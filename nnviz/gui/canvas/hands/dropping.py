"""Layers that are dragged over the canvas from the palette."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent

from nnviz.gui.canvas.hands.gestures import LAYER_MIME, DropGesture
from nnviz.project import registry

if TYPE_CHECKING:
    from nnviz.gui.canvas.view import CanvasView


class CanvasDrops:
    """Turns the events of a drag into one gesture.

    Attributes:
        gesture: The layer that is held over the canvas.
    """

    def __init__(self, canvas: CanvasView) -> None:
        self._canvas = canvas
        self.gesture: DropGesture | None = None

    def enter(self, event: QDragEnterEvent) -> None:
        """A layer of the palette is welcome; anything else is the window's business."""
        kind = bytes(event.mimeData().data(LAYER_MIME).data()).decode("utf-8", "replace")
        if kind not in registry.layers():
            event.ignore()
            return
        self._canvas.cancel_gesture()
        if self._canvas.refuses():
            event.ignore()
            return
        self.gesture = DropGesture(self._canvas, kind)
        event.acceptProposedAction()

    def move(self, event: QDragMoveEvent) -> None:
        """Show where it would land."""
        if self.gesture is None:
            event.ignore()
            return
        self.gesture.move(self._canvas.to_scene(event.position()), event.modifiers())
        event.acceptProposedAction()

    def leave(self, event: QDragLeaveEvent) -> None:
        """It went elsewhere."""
        gesture, self.gesture = self.gesture, None
        if gesture is not None:
            gesture.cancel()
        event.accept()

    def drop(self, event: QDropEvent) -> None:
        """A layer dragged from the palette is let go: it is added where it is."""
        gesture, self.gesture = self.gesture, None
        if gesture is None:
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        gesture.finish(self._canvas.to_scene(event.position()), event.modifiers())
        self._canvas.setFocus()
