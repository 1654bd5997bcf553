"""Takes a wire by the end that is nearer to the hand and plugs it in elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter

from nnviz.gui.canvas.hands.gestures.base import DRAG_DISTANCE, Gesture
from nnviz.gui.canvas.hands.gestures.connect import ConnectGesture
from nnviz.gui.canvas.routing import Port

if TYPE_CHECKING:
    from nnviz.gui.canvas.items.wire_item import WireItem
    from nnviz.gui.canvas.view import CanvasView


class RerouteGesture(Gesture):
    """A click on a wire only selects it; a drag pulls out the nearer of its ends."""

    changes = True

    def __init__(self, canvas: CanvasView, start: QPointF, wire: WireItem) -> None:
        super().__init__(canvas)
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
        """Once the mouse has moved far enough to mean it, the end follows."""
        if self._wiring is None:
            if (point - self._start).manhattanLength() * self.canvas.zoom < DRAG_DISTANCE:
                return
            self._wiring = ConnectGesture(self.canvas, self._held, replaced=self._edge)
            self.canvas.viewport().setCursor(ConnectGesture.cursor)
        self._wiring.move(point, modifiers)

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Plug the end in; over nothing, the wire stays as it was."""
        if self._wiring is not None:
            self._wiring.finish(point, modifiers)

    def cancel(self) -> None:
        """The wire stays as it was."""
        if self._wiring is not None:
            self._wiring.cancel()

    def key(self, event: QKeyEvent) -> bool:
        """Keys go to the canvas as long as the wire was only clicked."""
        return self._wiring is not None

    def paint(self, painter: QPainter) -> None:
        """The wire as it is held."""
        if self._wiring is not None:
            self._wiring.paint(painter)

    def area(self) -> QRectF:
        """Around the wire."""
        return self._wiring.area() if self._wiring is not None else QRectF()
