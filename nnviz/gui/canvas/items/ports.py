"""The ports that are shown over the cards: those of the card under the mouse, or all that a wire could end at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from nnviz.gui.canvas.geometry import PORT_RADIUS, PORT_RADIUS_HOT
from nnviz.gui.canvas.routing import Port
from nnviz.gui.look import theme


class PortState(Enum):
    """How a port is drawn."""

    IDLE = "idle"
    HOT = "hot"
    POSSIBLE = "possible"
    CHOSEN = "chosen"


def paint_ports(painter: QPainter, places: Iterable[QPointF]) -> None:
    """Draw ports as they are while nobody points at them."""
    colours = theme.current()
    painter.setPen(QPen(colours.text_muted, 1.6))
    painter.setBrush(colours.panel_raised)
    for place in places:
        painter.drawEllipse(place, PORT_RADIUS, PORT_RADIUS)
    painter.setBrush(Qt.BrushStyle.NoBrush)


@dataclass
class PortsOverlay:
    """The ports that are shown now, and how each is drawn."""

    shown: dict[Port, tuple[QPointF, PortState]] = field(default_factory=dict)

    def area(self) -> QRectF:
        """The part of the scene on which ports are drawn."""
        found = QRectF()
        reach = PORT_RADIUS_HOT + 3.0
        for place, _ in self.shown.values():
            found = found.united(QRectF(place.x() - reach, place.y() - reach, 2 * reach, 2 * reach))
        return found

    def paint(self, painter: QPainter) -> None:
        """Draw the ports."""
        colours = theme.current()
        for place, state in self.shown.values():
            radius = PORT_RADIUS
            fill, line = colours.panel_raised, colours.text_muted
            if state is PortState.HOT:
                radius, fill, line = PORT_RADIUS_HOT, colours.accent, colours.panel_raised
            elif state is PortState.POSSIBLE:
                radius, fill, line = PORT_RADIUS + 1.0, colours.panel_raised, colours.good
            elif state is PortState.CHOSEN:
                radius, fill, line = PORT_RADIUS_HOT, colours.good, colours.panel_raised
            pen = QPen(line, 2.0 if state is not PortState.IDLE else 1.6)
            painter.setPen(pen)
            painter.setBrush(fill)
            painter.drawEllipse(place, radius, radius)
        painter.setBrush(Qt.BrushStyle.NoBrush)
