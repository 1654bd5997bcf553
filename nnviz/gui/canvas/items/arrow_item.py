"""An arrow on the canvas, drawn from its tail to its tip."""

from __future__ import annotations

import math

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPainterPathStroker, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from nnviz.gui.canvas.geometry import Level, level_of
from nnviz.gui.canvas.items.note_item import tone
from nnviz.gui.look import theme
from nnviz.gui.look.painting import answering, guarded
from nnviz.project.model import Arrow

#: Distance in scene units at which the mouse is on an arrow.
ARROW_REACH = 7.0
#: Radius of the handles at both ends.
END_RADIUS = 6.0
_HEAD_LENGTH, _HEAD_WIDTH = 15.0, 7.0
_MARGIN = 22.0


def paint_arrow(painter: QPainter, line: QLineF, pen: QPen) -> None:
    """Draw a line with a filled head at its second end."""
    length = line.length()
    if length < 1e-6:
        return
    grown = max(1.0, pen.widthF() / 2.4)
    along = QPointF(line.dx() / length, line.dy() / length)
    across = QPointF(-along.y(), along.x())
    head = min(_HEAD_LENGTH * grown, length)
    neck = line.p2() - along * head
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawLine(QLineF(line.p1(), line.p2() - along * (head * 0.7)))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(pen.color())
    wide = _HEAD_WIDTH * grown * head / (_HEAD_LENGTH * grown)
    painter.drawPolygon(
        QPolygonF([line.p2(), neck + across * wide, neck + along * (head * 0.25), neck - across * wide])
    )


class ArrowItem(QGraphicsItem):
    """Shows one arrow of the document; what a hand does to it is the gestures' business."""

    def __init__(self, arrow: Arrow) -> None:
        super().__init__()
        self._arrow = arrow
        self._line = QLineF(0.0, 0.0, arrow.across, arrow.down)
        self._selected = False
        self._hovered = False
        self.place = (arrow.x, arrow.y)
        self.setPos(arrow.x, arrow.y)
        self.setZValue(-1.5)

    @property
    def node(self) -> str:
        """The arrow's id, as a card has its node's."""
        return self._arrow.id

    @property
    def arrow(self) -> Arrow:
        """The arrow of the document."""
        return self._arrow

    @property
    def selected(self) -> bool:
        """Whether it is chosen."""
        return self._selected

    @property
    def ends(self) -> tuple[QPointF, QPointF]:
        """Tail and tip in the scene."""
        tail = QPointF(*self.place)
        return tail, tail + self._line.p2()

    def card_rect(self) -> QRectF:
        """The smallest rectangle around it in the scene; flat arrows have some height all the same."""
        return QRectF(*self.ends).normalized().adjusted(-1.0, -1.0, 1.0, 1.0)

    def touches(self, area: QRectF) -> bool:
        """Whether its line runs through a part of the scene."""
        return area.contains(self.ends[0]) or self._band(0.5).translated(*self.place).intersects(area)

    def set_arrow(self, arrow: Arrow) -> bool:
        """Show the arrow as the document has it now; whether it lies elsewhere."""
        self._arrow = arrow
        self.update()
        return self.settle()

    def settle(self) -> bool:
        """Put the arrow where the document says; whether it was elsewhere."""
        arrow = self._arrow
        tail, way = QPointF(arrow.x, arrow.y), QPointF(arrow.across, arrow.down)
        moved = (tail, way) != (QPointF(*self.place), self._line.p2())
        if moved:
            self.set_ends(tail, tail + way)
        return moved

    def put(self, x: float, y: float) -> None:
        """Move the arrow, so that it begins at another point of the scene."""
        self.place = (x, y)
        self.setPos(x, y)

    def set_ends(self, tail: QPointF, tip: QPointF) -> None:
        """Put both ends of the arrow elsewhere, without changing the document."""
        self.prepareGeometryChange()
        self._line = QLineF(QPointF(), tip - tail)
        self.put(tail.x(), tail.y())
        self.update()

    def set_look(self, *, selected: bool | None = None, hovered: bool | None = None) -> None:
        """Show the arrow as chosen or as under the mouse; what is not given stays."""
        look = (
            self._selected if selected is None else selected,
            self._hovered if hovered is None else hovered,
        )
        if look != (self._selected, self._hovered):
            self._selected, self._hovered = look
            self.setZValue(-1.4 if self._selected else -1.5)
            self.update()

    def restyle(self) -> None:
        """Take the colours from the theme."""
        self.update()

    @answering(QRectF)
    def boundingRect(self) -> QRectF:
        """The part of the scene that the line takes, with head and handles."""
        return QRectF(self._line.p1(), self._line.p2()).normalized().adjusted(-_MARGIN, -_MARGIN, _MARGIN, _MARGIN)

    @answering(QPainterPath)
    def shape(self) -> QPainterPath:
        """The band around the line in which the mouse is on it."""
        return self._band(ARROW_REACH)

    def _band(self, reach: float) -> QPainterPath:
        path = QPainterPath(self._line.p1())
        path.lineTo(self._line.p2())
        stroker = QPainterPathStroker()
        stroker.setWidth(2 * reach)
        stroker.setCapStyle(Qt.PenCapStyle.RoundCap)
        return stroker.createStroke(path)

    def distance(self, point: QPointF) -> float:
        """How far a point of the scene is from the line."""
        tail, tip = self.ends
        way, to = tip - tail, point - tail
        length = QPointF.dotProduct(way, way)
        share = min(1.0, max(0.0, QPointF.dotProduct(to, way) / length)) if length else 0.0
        gap = to - way * share
        return math.hypot(gap.x(), gap.y())

    @guarded
    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw line and head, and the handles when it is chosen."""
        colours = theme.current()
        far = level_of(painter.worldTransform().m11()) is Level.FAR
        colour = tone(self._arrow.colour, colours)
        width = 4.4 if far else 2.4
        if self._selected or self._hovered:
            halo = QPen(theme.mixed(colours.window, colours.accent, 0.75 if self._selected else 0.4), width + 4.0)
            halo.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(halo)
            painter.drawLine(self._line)
        pen = QPen(colour, width)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        paint_arrow(painter, self._line, pen)
        if self._selected:
            painter.setPen(QPen(colours.accent, 1.6))
            painter.setBrush(colours.window)
            for end in (self._line.p1(), self._line.p2()):
                painter.drawEllipse(end, END_RADIUS - 1.0, END_RADIUS - 1.0)
