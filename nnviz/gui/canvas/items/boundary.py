"""Inside a group: short ends of the wires that come from outside or go there, each with the name of its other end."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from nnviz.gui.canvas.cards.card_text import text_width
from nnviz.gui.canvas.geometry import Side, arrow_head
from nnviz.gui.canvas.routing import Port
from nnviz.gui.look import theme
from nnviz.gui.look.painting import guarded
from nnviz.project import registry
from nnviz.project.graph.groups import GraphView
from nnviz.project.model import Graph

_LENGTH = 34.0
_HEIGHT = 22.0
_SIZE = 12


class SeenNetwork(Protocol):
    """What is seen of a network, and where the ports of its cards are."""

    @property
    def graph(self) -> Graph:
        """The whole network."""

    @property
    def seen(self) -> GraphView:
        """What is seen of the network."""

    def port_place(self, port: Port) -> QPointF:
        """The middle of a port in the scene."""

    def port_side(self, port: Port) -> Side:
        """The side of its card on which a port is."""


class BoundaryItem(QGraphicsItem):
    """All ends of wires that leave the group that is looked into; nothing at the top."""

    def __init__(self, scene: SeenNetwork) -> None:
        super().__init__()
        self._scene = scene
        self._ends: list[tuple[Port, str]] = []
        self._bounds = QRectF()
        self.setZValue(-1.5)

    def follow(self) -> None:
        """Bring the ends up to what is seen."""
        seen, graph = self._scene.seen, self._scene.graph
        ends: dict[Port, dict[str, None]] = {}
        for edge in seen.crossing:
            inward = edge.target.node in seen.owner
            inner, other = (edge.target, edge.source) if inward else (edge.source, edge.target)
            card = seen.owner[inner.node]
            if card in seen.cards:
                ports = seen.ports[card]
                places = ports.inputs if inward else tuple((found,) for found in ports.outputs)
                inner = type(inner)(card, next(index for index, refs in enumerate(places) if inner in refs))
            node = graph.nodes[other.node]
            title = node.name or registry.layer(node.kind).title
            ends.setdefault(Port(inner, output=not inward), {})[f"{title} ({other.node})"] = None
        self._ends = [
            (port, next(iter(names)) + (f" and {len(names) - 1} more" if len(names) > 1 else ""))
            for port, names in ends.items()
        ]
        self.prepareGeometryChange()
        self._bounds = QRectF()
        for port, text in self._ends:
            self._bounds = self._bounds.united(self._label(port, text)).united(self._stub(port).boundingRect())
        self._bounds = self._bounds.adjusted(-6.0, -6.0, 6.0, 6.0)
        self.setVisible(bool(self._ends))

    @property
    def labels(self) -> tuple[str, ...]:
        """What stands at the ends."""
        return tuple(text for _, text in self._ends)

    def boundingRect(self) -> QRectF:
        """The part of the scene around all ends."""
        return self._bounds

    def _outer(self, port: Port) -> QPointF:
        return self._scene.port_place(port) + self._side(port).outwards * _LENGTH

    def _side(self, port: Port) -> Side:
        """Ends stand to the left and to the right, where the letters have room."""
        side = self._scene.port_side(port)
        return side if side in (Side.LEFT, Side.RIGHT) else Side.RIGHT if port.output else Side.LEFT

    def _stub(self, port: Port) -> QPainterPath:
        inner, outer = self._scene.port_place(port), self._outer(port)
        start, end = (inner, outer) if port.output else (outer, inner)
        path = QPainterPath(start)
        path.lineTo(end)
        arrow_head(path, end, self._side(port).opposite if port.output else self._side(port))
        return path

    def _label(self, port: Port, text: str) -> QRectF:
        width = text_width(text, _SIZE, 500) + 16.0
        outer = self._outer(port)
        left = outer.x() - width if self._side(port) is Side.LEFT else outer.x()
        return QRectF(left, outer.y() - _HEIGHT / 2, width, _HEIGHT)

    @guarded
    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw the ends, dashed, since they belong to what is not shown."""
        colours = theme.current()
        painter.setFont(theme.scene_font(_SIZE, 500))
        for port, text in self._ends:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colours.text_faint, 1.6, Qt.PenStyle.DashLine))
            painter.drawPath(self._stub(port))
            label = self._label(port, text)
            painter.setPen(QPen(colours.border, 1.0))
            painter.setBrush(colours.panel)
            painter.drawRoundedRect(label, 5.0, 5.0)
            painter.setPen(colours.text_muted)
            painter.drawText(label, Qt.AlignmentFlag.AlignCenter, text)
