"""What is where in a scene of cards and wires."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QGraphicsScene

from nnviz.gui.canvas.geometry import PORT_REACH
from nnviz.gui.canvas.items.node_item import NodeItem
from nnviz.gui.canvas.items.wire_item import WireItem
from nnviz.gui.canvas.routing import Port


class LookupScene(QGraphicsScene):
    """A scene that can be asked what is at a point."""

    def card_at(self, point: QPointF) -> NodeItem | None:
        """The topmost card at a point."""
        for item in self.items(point):
            if isinstance(item, NodeItem) and item.card_rect().contains(point):
                return item
        return None

    def wire_at(self, point: QPointF, reach: float = 0.0) -> WireItem | None:
        """The wire at a point, or within ``reach`` of it."""
        area = QRectF(point.x() - reach, point.y() - reach, 2 * reach, 2 * reach)
        items = self.items(area) if reach else self.items(point)
        return next((item for item in items if isinstance(item, WireItem)), None)

    def port_at(self, point: QPointF, reach: float = PORT_REACH, output: bool | None = None) -> Port | None:
        """The port at a point, the nearest where two are close; of outputs or of inputs only, where ``output`` says."""
        area = QRectF(point.x() - reach, point.y() - reach, 2 * reach, 2 * reach)
        best: tuple[float, Port] | None = None
        for item in self.items(area):
            if not isinstance(item, NodeItem):
                continue
            for port, place in self.ports_of(item.node):
                gap = place - point
                distance = (gap.x() ** 2 + gap.y() ** 2) ** 0.5
                wanted = output is None or port.output == output
                if wanted and distance <= reach and (best is None or distance < best[0]):
                    best = (distance, port)
        return best[1] if best else None

    def ports_of(self, node: str) -> list[tuple[Port, QPointF]]:
        """The ports of a card and where they are."""
        raise NotImplementedError
