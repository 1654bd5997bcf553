"""Layers that are dragged over the canvas from the palette."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent

from nnviz.gui.canvas.desk import Desk
from nnviz.gui.canvas.hands.gesture_host import GestureHost
from nnviz.gui.canvas.hands.gestures import LAYER_MIME, DropGesture
from nnviz.project import registry


class CanvasDrops:
    """Turns the events of a drag into one gesture.

    Args:
        desk: What the gesture works with.
        gestures: The gesture of mouse or keys, which ends when a layer comes over the canvas.

    Attributes:
        gesture: The layer that is held over the canvas.
    """

    def __init__(self, desk: Desk, gestures: GestureHost) -> None:
        self._desk = desk
        self._gestures = gestures
        self.gesture: DropGesture | None = None
        desk.overlay.draw_from(lambda: self.gesture)

    def enter(self, event: QDragEnterEvent) -> None:
        """Take a layer of the palette; leave anything else to the window."""
        kind = bytes(event.mimeData().data(LAYER_MIME).data()).decode("utf-8", "replace")
        if kind not in registry.layers():
            event.ignore()
            return
        self._gestures.cancel()
        if self._desk.refuses():
            event.ignore()
            return
        self.gesture = DropGesture(self._desk, kind)
        event.acceptProposedAction()

    def move(self, event: QDragMoveEvent) -> None:
        """Show where the layer would land."""
        if self.gesture is None:
            event.ignore()
            return
        self.gesture.move(self._desk.camera.to_scene(event.position()), event.modifiers())
        event.acceptProposedAction()

    def leave(self, event: QDragLeaveEvent) -> None:
        """Forget the layer that was dragged elsewhere."""
        gesture, self.gesture = self.gesture, None
        if gesture is not None:
            gesture.cancel()
        event.accept()

    def drop(self, event: QDropEvent) -> None:
        """Add the layer where it is let go."""
        gesture, self.gesture = self.gesture, None
        if gesture is None:
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        gesture.finish(self._desk.camera.to_scene(event.position()), event.modifiers())
        self._desk.take_keyboard()
