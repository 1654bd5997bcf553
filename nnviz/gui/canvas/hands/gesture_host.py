"""Hosts the gesture that is going on: one at a time, and the view follows it at its edge."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QPointF, Qt, QTimer

from nnviz.gui.canvas.desk import Desk
from nnviz.gui.canvas.hands.gestures import Gesture, RefusedGesture

#: Nearer to the edge than this, a gesture pulls the view along.
_EDGE = 28
_NO_KEYS = Qt.KeyboardModifier.NoModifier


class GestureHost(QObject):
    """Begins gestures, hands them the mouse, and ends them.

    Args:
        desk: What the gestures work with.
        rest_cursor: The shape of the pointer while no gesture goes on.
    """

    def __init__(self, desk: Desk, rest_cursor: Callable[[], Qt.CursorShape]) -> None:
        super().__init__(desk.surface)
        self._desk = desk
        self._rest_cursor = rest_cursor
        self._gesture: Gesture | None = None
        self._pointer = QPointF()
        self._pressed = QPointF()
        self._scroll = QTimer(self)
        self._scroll.setSingleShot(True)
        self._scroll.setInterval(16)
        self._scroll.timeout.connect(self._on_scroll)
        desk.overlay.draw_from(lambda: self._gesture)

    @property
    def gesture(self) -> Gesture | None:
        """The gesture that has the mouse."""
        return self._gesture

    def press(self, point: QPointF) -> None:
        """Remember where a button of the mouse was pressed, in the scene."""
        self._pressed = QPointF(point)

    def begin(self, gesture: Gesture) -> None:
        """Give the mouse to a gesture from now on, or to one that says why nothing can be changed."""
        if gesture.changes and self._desk.read_only:
            gesture.cancel()
            gesture = RefusedGesture(self._desk, self._pressed)
        if self._gesture is not None:
            self.cancel()
        self._gesture = gesture
        self._desk.overlay.set_cursor(gesture.cursor)
        self._desk.overlay.update()

    def end(self, point: QPointF, modifiers: Qt.KeyboardModifier = _NO_KEYS) -> None:
        """Let the gesture make its change: it is complete."""
        gesture, self._gesture = self._gesture, None
        self._scroll.stop()
        if gesture is not None:
            gesture.finish(point, modifiers)
        self.rest()
        self._desk.overlay.update()

    def cancel(self) -> None:
        """Give the gesture up: nothing changes."""
        gesture, self._gesture = self._gesture, None
        self._scroll.stop()
        if gesture is not None:
            gesture.cancel()
        self.rest()
        self._desk.overlay.update()

    def rest(self) -> None:
        """Give the pointer the shape that it has while no gesture goes on."""
        self._desk.overlay.set_cursor(self._rest_cursor())

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Have the gesture follow the mouse, and the view as well when the mouse is near its edge.

        Args:
            point: Where the mouse is, in the viewport.
            modifiers: The keys that are held.
        """
        if self._gesture is None:
            return
        self._pointer = QPointF(point)
        self._gesture.move(self._desk.camera.to_scene(point), modifiers)
        self._desk.overlay.update()
        if self._gesture.scrolls and self._edge_pull(point) is not None and not self._scroll.isActive():
            self._scroll.start()

    def _edge_pull(self, point: QPointF) -> QPointF | None:
        """How fast the view follows a mouse near its edge."""
        rect = self._desk.surface.viewport().rect()
        across = min(0.0, point.x() - _EDGE) + max(0.0, point.x() - rect.width() + _EDGE)
        down = min(0.0, point.y() - _EDGE) + max(0.0, point.y() - rect.height() + _EDGE)
        pull = QPointF(max(-20.0, min(20.0, across / 2)), max(-20.0, min(20.0, down / 2)))
        return pull if not pull.isNull() else None

    def _on_scroll(self) -> None:
        # Where the gesture was last: a desktop need not say where its pointer is, and Wayland does not.
        point = self._pointer
        pull = self._edge_pull(point)
        inside = self._desk.surface.viewport().rect().contains(point.toPoint())
        if self._gesture is None or pull is None or not inside:
            return
        self._desk.camera.pan_by(-pull.x(), -pull.y())
        self.move(point, _NO_KEYS)
