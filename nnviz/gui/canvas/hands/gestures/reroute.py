"""Takes a wire by the end that is nearer to the hand and plugs it in elsewhere."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter

from nnviz.gui.canvas.desk import Desk
from nnviz.gui.canvas.hands.gestures.base import DRAG_DISTANCE, Gesture
from nnviz.gui.canvas.hands.gestures.connect import ConnectGesture
from nnviz.gui.canvas.items.wire_item import WireItem
from nnviz.gui.canvas.routing import Port


class RerouteGesture(Gesture):
    """Pulls out the nearer end of a wire once the mouse is dragged; a click only selects the wire."""

    changes = True

    def __init__(self, desk: Desk, start: QPointF, wire: WireItem) -> None:
        super().__init__(desk)
        self._start = start
        self._edge = wire.edge
        first, last = wire.ends
        by_source = (start - first).manhattanLength() < (start - last).manhattanLength()
        # The wire is held at its other end.
        self._held = Port(self._edge.target, output=False) if by_source else Port(self._edge.source, output=True)
        self._wiring: ConnectGesture | None = None

    @property
    def doubt(self) -> str:
        """What would not fit if the wire ended where it is held now."""
        return self._wiring.doubt if self._wiring is not None else ""

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Have the end follow, once the mouse has moved far enough to mean it."""
        if self._wiring is None:
            if (point - self._start).manhattanLength() * self.desk.camera.zoom < DRAG_DISTANCE:
                return
            self._wiring = ConnectGesture(self.desk, self._held, replaced=self._edge)
            self.desk.overlay.set_cursor(ConnectGesture.cursor)
        self._wiring.move(point, modifiers)

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Plug the end in; over nothing, leave the wire as it was."""
        if self._wiring is not None:
            self._wiring.finish(point, modifiers)

    def cancel(self) -> None:
        """Leave the wire as it was."""
        if self._wiring is not None:
            self._wiring.cancel()

    def key(self, event: QKeyEvent) -> bool:
        """Keep keys from the canvas, but not as long as the wire was only clicked."""
        return self._wiring is not None

    def paint(self, painter: QPainter) -> None:
        """Draw the wire as it is held."""
        if self._wiring is not None:
            self._wiring.paint(painter)

    def area(self) -> QRectF:
        """The part of the scene around the wire."""
        return self._wiring.area() if self._wiring is not None else QRectF()
