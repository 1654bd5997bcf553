"""A wire between two cards, painted by Qt itself: only its pen changes."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainterPath, QPainterPathStroker, QPen
from PySide6.QtWidgets import QGraphicsItem, QGraphicsPathItem

from nnviz.gui.canvas.cards.lens import WireFlow
from nnviz.gui.canvas.geometry import Level, Side, arrow_head, wire_path
from nnviz.gui.canvas.items.stand_in import StandIn
from nnviz.gui.look import theme
from nnviz.gui.look.painting import answering
from nnviz.gui.look.scales import NOT_A_NUMBER
from nnviz.project.model import Edge

#: Distance in scene units at which the mouse is on a wire.
WIRE_REACH = 7.0


@lru_cache(64)
def _ink(colour: int, width: float, broken: bool = False) -> QPen:
    """A pen; wires that look the same share it."""
    pen = QPen(QColor.fromRgba(colour), width)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if broken:
        pen.setStyle(Qt.PenStyle.DotLine)
    return pen


class WireItem(QGraphicsPathItem):
    """Shows one wire; the scene says where it starts and ends."""

    def __init__(self, edge: Edge) -> None:
        super().__init__()
        self._edge = edge
        self._curve = QPainterPath()
        self._hit = QPainterPath()
        self._bounds = QRectF()
        self._far: StandIn | None = None
        #: What it is painted with, and what is painted: the line and its arrow head.
        self.ink = QPen()
        self.drawn = QPainterPath()
        self._selected = False
        self._hovered = False
        self._lit = False
        self._severity = ""
        self._reason = ""
        self._level = Level.NORMAL
        self._flow: WireFlow | None = None
        self._backward = False
        self._place: tuple[QPointF, Side, QPointF, Side, float | None, float | None] | None = None
        self.setZValue(-1.0)
        self.restyle()

    @property
    def edge(self) -> Edge:
        """The wire of the document that it shows."""
        return self._edge

    @property
    def selected(self) -> bool:
        """Whether it is chosen."""
        return self._selected

    @property
    def hovered(self) -> bool:
        """Whether the mouse is on it, or a layer is held over it."""
        return self._hovered

    @property
    def lit(self) -> bool:
        """Whether a number that is taken apart has flowed through it."""
        return self._lit

    @property
    def severity(self) -> str:
        """``error`` or ``warning`` where something is wrong with it, else empty."""
        return self._severity

    @property
    def reason(self) -> str:
        """What is wrong with it, as a sentence."""
        return self._reason

    @property
    def flow(self) -> WireFlow | None:
        """What flows along it, where that is shown."""
        return self._flow

    @property
    def curve(self) -> QPainterPath:
        """The line without its arrow head, in the scene."""
        return self._curve

    @property
    def ends(self) -> tuple[QPointF, QPointF]:
        """Where it starts and where it ends."""
        if self._place is None:
            return QPointF(), QPointF()
        return self._place[0], self._place[2]

    @property
    def sides(self) -> tuple[Side, Side] | None:
        """The sides of the two cards on which it leaves and enters; None before it was laid."""
        return (self._place[1], self._place[3]) if self._place is not None else None

    def lay(
        self,
        start: QPointF,
        start_side: Side,
        end: QPointF,
        end_side: Side,
        around: float | None = None,
        turn: float | None = None,
    ) -> None:
        """Run from port to port; see :func:`wire_path` for the ways around cards."""
        place = (start, start_side, end, end_side, around, turn)
        if place == self._place:
            return
        self._place = place
        # Before the curve changes: the scene takes the item out of its index by the bounds under which it was put in,
        # and those follow from the shape. A wire left in the index would outlive its removal there.
        self.prepareGeometryChange()
        curve = wire_path(start, start_side, end, end_side, around=around, turn=turn)
        self._curve = curve
        self._hit = QPainterPath()
        self._add_head()

    def _add_head(self) -> None:
        """Draw the line with its arrow head, on the side to which flows what is shown."""
        if self._place is None:
            return
        start, start_side, end, end_side, *_ = self._place
        path = QPainterPath(self._curve)
        size = 1.0 if self._flow is None else max(1.0, 0.5 + 0.22 * self._flow.width)
        if self._backward:
            arrow_head(path, start, start_side, size)
        else:
            arrow_head(path, end, end_side, size)
        reach = WIRE_REACH if self._flow is None else WIRE_REACH + 2 * self._flow.width
        self._bounds = path.controlPointRect().adjusted(-reach, -reach, reach, reach)
        self._draw(path)

    def _draw(self, path: QPainterPath) -> None:
        self.drawn = path
        self.setPath(path)
        if self._far is not None:
            self._far.cover(self._bounds)

    def shift(self, by: QPointF) -> None:
        """Move the wire as it is: what is cheap while both ends are dragged along."""
        if self._place is None or by.isNull():
            return
        start, start_side, end, end_side, around, turn = self._place
        self._place = (
            start + by, start_side, end + by, end_side,
            None if around is None else around + by.y(), None if turn is None else turn + by.x(),
        )  # fmt: skip
        self.prepareGeometryChange()
        self._curve.translate(by)
        self._hit = QPainterPath()
        self._bounds.translate(by)
        self._draw(self.drawn.translated(by))

    def set_far(self, layer: StandIn | None) -> None:
        """From now on, be painted by the layer of far wires, or by itself again."""
        if layer is not self._far:
            self._far = layer
            self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemHasNoContents, layer is not None)
            if layer is not None:
                layer.cover(self._bounds)

    def set_look(self, *, selected: bool | None = None, hovered: bool | None = None, lit: bool | None = None) -> None:
        """Show the wire as chosen, as under the mouse or as lit; what is not given stays."""
        selected = self._selected if selected is None else selected
        hovered = self._hovered if hovered is None else hovered
        lit = self._lit if lit is None else lit
        if (selected, hovered, lit) != (self._selected, self._hovered, self._lit):
            self._selected, self._hovered, self._lit = selected, hovered, lit
            self.setZValue(-0.5 if selected or hovered or lit else -1.0)
            self.restyle()

    def set_problem(self, severity: str, reason: str) -> None:
        """Say what is wrong with the wire; nothing is where both are empty."""
        if (severity, reason) != (self._severity, self._reason):
            self._severity, self._reason = severity, reason
            self.restyle()

    def set_flow(self, flow: WireFlow | None, *, backward: bool = False) -> None:
        """Show what flows along the wire, forwards or back; None shows the wire as it always is."""
        if (flow, backward) != (self._flow, self._backward):
            self.prepareGeometryChange()
            self._flow, self._backward = flow, backward
            self._add_head()
            self.restyle()

    def set_level(self, level: Level) -> None:
        """Draw the wire wider from far, so that it stays visible."""
        if level is not self._level:
            self._level = level
            self.restyle()

    def restyle(self) -> None:
        """Take colour and width from the theme."""
        colours = theme.current()
        bad = {"error": colours.danger, "warning": colours.warning}.get(self._severity)
        if self._selected or self._lit:
            colour, width = colours.accent, 2.6
        elif bad is not None:
            colour, width = bad, 2.8 if self._hovered else 2.2
        elif self._hovered:
            colour, width = theme.mixed(colours.accent, colours.text, 0.25), 2.6
        else:
            colour, width = theme.mixed(colours.text_faint, colours.window, 0.15 if colours.dark else 0.0), 1.8
        broken = False
        if self._flow is not None:
            # By its width it says how much flows, whatever else it has to say by its colour.
            width, broken = max(self._flow.width, width if self._selected else 0.0), self._flow.is_nothing
            if not self._flow.is_number:
                colour = QColor.fromRgba(NOT_A_NUMBER)
            elif not (self._selected or self._hovered or bad is not None):
                colour = theme.mixed(colours.text_muted, colours.window, 0.18)
        if self._level is Level.FAR:
            width *= 2.0
        self.ink = _ink(colour.rgba(), width, broken)
        self.setPen(self.ink)
        if self._far is not None:
            self._far.changed()

    @property
    def outline(self) -> QRectF:
        """The part of the scene that line and band take."""
        return self._bounds

    def boundingRect(self) -> QRectF:
        """Around line and band; Qt would work it out from the band, which costs more than all else about a wire."""
        return self._bounds

    @answering(QPainterPath)
    def shape(self) -> QPainterPath:
        """The band around the line in which the mouse is on it."""
        if self._hit.isEmpty():
            stroker = QPainterPathStroker()
            stroker.setWidth(2 * WIRE_REACH)
            self._hit = stroker.createStroke(self._curve)
        return self._hit
