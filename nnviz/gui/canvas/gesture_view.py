"""A view in which gestures go on: one at a time, painted over the scene, the view following them at its edge."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt, QTimer
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsScene, QWidget

from nnviz.gui.canvas.camera import CameraView
from nnviz.gui.canvas.hands.gestures import Gesture
from nnviz.gui.canvas.items.ports import PortsOverlay, PortState
from nnviz.gui.canvas.routing import Port
from nnviz.gui.canvas.widgets import HintLabel
from nnviz.gui.look.painting import guarded

#: Nearer to the edge than this, a gesture pulls the view along.
_EDGE = 28
_NO_KEYS = Qt.KeyboardModifier.NoModifier


class GestureView(CameraView):
    """Hosts gestures, the ports they light up and the sentence beside the mouse."""

    def __init__(self, scene: QGraphicsScene, parent: QWidget | None = None) -> None:
        super().__init__(scene, parent)
        self._gesture: Gesture | None = None
        self._pointer = QPointF()
        self._ports = PortsOverlay()
        self._overlay = QRectF()
        self._hint = HintLabel(self)
        self._scroll = QTimer(self)
        self._scroll.setSingleShot(True)
        self._scroll.setInterval(16)
        self._scroll.timeout.connect(self._on_scroll)

    def rest_cursor(self) -> Qt.CursorShape:
        """The shape of the pointer while no gesture goes on."""
        return Qt.CursorShape.ArrowCursor

    @property
    def gesture(self) -> Gesture | None:
        """The gesture that is going on."""
        return self._gesture

    @property
    def ports(self) -> PortsOverlay:
        """The ports that are shown over the cards."""
        return self._ports

    @property
    def hint(self) -> str:
        """The sentence beside the mouse, as long as it is shown."""
        return self._hint.text() if self._hint.isVisibleTo(self) else ""

    def begin_gesture(self, gesture: Gesture) -> None:
        """From now on the mouse belongs to this gesture."""
        if self._gesture is not None:
            self.cancel_gesture()
        self._gesture = gesture
        self.viewport().setCursor(gesture.cursor)
        self.update_overlay()

    def end_gesture(self, point: QPointF, modifiers: Qt.KeyboardModifier = _NO_KEYS) -> None:
        """The gesture is complete: it makes its change."""
        gesture, self._gesture = self._gesture, None
        self._scroll.stop()
        if gesture is not None:
            gesture.finish(point, modifiers)
        self.viewport().setCursor(self.rest_cursor())
        self.update_overlay()

    def cancel_gesture(self) -> None:
        """The gesture is given up: nothing changes."""
        gesture, self._gesture = self._gesture, None
        self._scroll.stop()
        if gesture is not None:
            gesture.cancel()
        self.viewport().setCursor(self.rest_cursor())
        self.update_overlay()

    def show_ports(self, ports: Mapping[Port, tuple[QPointF, PortState]]) -> None:
        """Show these ports over the cards."""
        if ports != self._ports.shown:
            self._ports.shown = dict(ports)
            self.update_overlay()

    def show_hint(self, text: str, point: QPointF | None = None, tone: str = "") -> None:
        """Show a sentence beside a point of the scene; an empty one hides it. The tone may be ``warning``."""
        self._hint.say(text, self.mapFromScene(point) if point is not None else QPoint(), tone)

    def update_overlay(self) -> None:
        """Repaint where ports and gestures are drawn, and where they were."""
        area = self._ports.area()
        if self.gesture is not None:
            area = area.united(self.gesture.area())
        both = area.united(self._overlay)
        self._overlay = area
        if not both.isEmpty():
            self.viewport().update(self.mapFromScene(both).boundingRect().adjusted(-4, -4, 4, 4))

    def move_gesture(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """The mouse is somewhere else: the gesture follows, and so does the view when the mouse is near its edge."""
        if self._gesture is None:
            return
        self._pointer = QPointF(point)
        self._gesture.move(self.to_scene(point), modifiers)
        self.update_overlay()
        if self._gesture.scrolls and self._edge_pull(point) is not None and not self._scroll.isActive():
            self._scroll.start()

    def _edge_pull(self, point: QPointF) -> QPointF | None:
        """How fast the view follows a mouse near its edge."""
        rect = self.viewport().rect()
        across = min(0.0, point.x() - _EDGE) + max(0.0, point.x() - rect.width() + _EDGE)
        down = min(0.0, point.y() - _EDGE) + max(0.0, point.y() - rect.height() + _EDGE)
        pull = QPointF(max(-20.0, min(20.0, across / 2)), max(-20.0, min(20.0, down / 2)))
        return pull if not pull.isNull() else None

    def _on_scroll(self) -> None:
        # Where the gesture was last heard of: a desktop need not tell where its pointer is, and Wayland does not.
        point = self._pointer
        pull = self._edge_pull(point)
        if self._gesture is None or pull is None or not self.viewport().rect().contains(point.toPoint()):
            return
        self.pan_by(-pull.x(), -pull.y())
        self.move_gesture(point, _NO_KEYS)

    @guarded
    def drawForeground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        """Ports, and what the gesture shows."""
        self._ports.paint(painter)
        if self.gesture is not None:
            self.gesture.paint(painter)
