"""The frame of an expanded group, behind its members, with a title by which it is held."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from nnviz.gui.canvas.cards.card_text import elided, text_width
from nnviz.gui.canvas.items.stand_in import StandIn
from nnviz.gui.canvas.items.tiny import TinyBox, is_tiny, title_bar
from nnviz.gui.look import theme
from nnviz.gui.look.painting import answering, guarded
from nnviz.project.drawing.frames import FRAME_HEAD
from nnviz.project.drawing.layout import GROUP

_RADIUS = 10.0
_MARGIN = 4.0
#: The sign at the left of the title that folds the group up.
_SIGN = 26.0
#: The largest letters of the title, as it is seen from far.
_FAR_TITLE = 26
#: The summary is left out where its letters would be smaller than this many pixels.
_SUMMARY_SIZE, _LEAST_PIXELS = 13, 8.5


@dataclass(frozen=True)
class FrameFacts:
    """What a frame says of its group.

    Attributes:
        summary: Layers and parameters, in words.
        depth: How many frames stand around it.
        severity: The gravest of what the document's diagnostics say: ``error``, ``warning`` or empty.
        members: Ids of all nodes in it.
    """

    group: str
    title: str
    summary: str
    depth: int
    severity: str = ""
    members: tuple[str, ...] = ()


class FrameItem(QGraphicsItem):
    """A rounded rectangle around the members of a group. It shows; the gestures decide."""

    def __init__(self, facts: FrameFacts) -> None:
        super().__init__()
        self._facts = facts
        self._rect = QRectF()
        self._selected = False
        self._hovered = False
        self._target = False
        self._severity = facts.severity
        self._tiny: TinyBox | None = None
        self._far: StandIn | None = None
        self.setZValue(-3.0 + facts.depth / 100.0)

    @property
    def node(self) -> str:
        """The group's id, as a card has its node's."""
        return self._facts.group

    @property
    def facts(self) -> FrameFacts:
        """What the frame says of its group."""
        return self._facts

    @property
    def selected(self) -> bool:
        """Whether it is chosen."""
        return self._selected

    @property
    def target(self) -> bool:
        """Whether what is dragged would come into it."""
        return self._target

    @property
    def severity(self) -> str:
        """How grave what is wrong inside is: ``error``, ``warning`` or empty."""
        return self._severity

    @property
    def place(self) -> tuple[float, float]:
        """Its top left corner in the scene."""
        return self._rect.left(), self._rect.top()

    def card_rect(self) -> QRectF:
        """The frame in the scene, as a card has it."""
        return QRectF(self._rect)

    def head_rect(self) -> QRectF:
        """The strip by which the group is held."""
        return QRectF(self._rect.left(), self._rect.top(), self._rect.width(), FRAME_HEAD)

    def sign_rect(self) -> QRectF:
        """The sign that folds the group up."""
        return QRectF(self._rect.left() + 4.0, self._rect.top() + 4.0, _SIGN, FRAME_HEAD - 8.0)

    def set_far(self, layer: StandIn | None) -> None:
        """Let the layer of far boxes paint the frame from now on, or have it paint itself again."""
        if layer is not self._far:
            self._far = layer
            self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemHasNoContents, layer is not None)
            if layer is not None:
                layer.cover(self.outline)

    def set_facts(self, facts: FrameFacts) -> None:
        """Show what the frame says of its group now."""
        if facts != self._facts:
            self._facts, self._tiny = facts, None
            self.setZValue(-3.0 + facts.depth / 100.0)
            self._touch()

    def set_rect(self, rect: QRectF) -> None:
        """Put the frame around its cards as they stand now."""
        if rect != self._rect:
            self.prepareGeometryChange()
            self._rect, self._tiny = QRectF(rect), None
            if self._far is not None:
                self._far.cover(self.outline)

    def set_severity(self, severity: str) -> None:
        """Colour the line for what is wrong inside, by the document and by the run."""
        if severity != self._severity:
            self._severity, self._tiny = severity, None
            self._touch()

    def set_look(
        self, *, selected: bool | None = None, hovered: bool | None = None, target: bool | None = None
    ) -> None:
        """Chosen, under the mouse, or about to take what is dragged; what is not given stays."""
        look = (
            self._selected if selected is None else selected,
            self._hovered if hovered is None else hovered,
            self._target if target is None else target,
        )
        if look != (self._selected, self._hovered, self._target):
            self._selected, self._hovered, self._target = look
            self._tiny = None
            self._touch()

    def _touch(self) -> None:
        """Have the frame painted anew."""
        if self._far is not None:
            self._far.changed()
        else:
            self.update()

    @property
    def outline(self) -> QRectF:
        """The frame with its line, in the scene."""
        return self._rect.adjusted(-_MARGIN, -_MARGIN, _MARGIN, _MARGIN)

    @answering(QRectF)
    def boundingRect(self) -> QRectF:
        """The part of the scene that the frame and its line take."""
        return self.outline

    @guarded
    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Ground, line and title; far out the title is drawn larger, so that it can be read."""
        colours = theme.current()
        zoom = painter.worldTransform().m11()
        if is_tiny(zoom):
            self.paint_tiny(painter, zoom)
            return
        fill, line, width = self._colours(colours)
        painter.setBrush(fill)
        painter.setPen(QPen(line, width))
        painter.drawRoundedRect(self._rect, _RADIUS, _RADIUS)
        self._paint_sign(painter, colours.text_muted)
        self._paint_title(painter, colours)

    def paint_tiny(self, painter: QPainter, zoom: float) -> None:
        """Draw the frame from very far, and leave the painter without smooth edges."""
        self._tiny_box(theme.current()).paint(painter, zoom)

    def _colours(self, colours: theme.Theme) -> tuple[QColor, QColor, float]:
        """Its ground, its line and how wide that is."""
        colour = colours.family(GROUP)
        fill = QColor(colour)
        fill.setAlphaF((0.07 if colours.dark else 0.09) + (0.05 if self._hovered or self._target else 0.0))
        line, width = QColor(colour), 1.2
        line.setAlphaF(0.55)
        if self._target:
            line, width = QColor(colours.good), 3.0
        elif self._selected:
            line, width = QColor(colours.accent), 2.0
        elif self._severity:
            line, width = QColor(colours.danger if self._severity == "error" else colours.warning), 1.8
        return fill, line, width

    def _tiny_box(self, colours: theme.Theme) -> TinyBox:
        """How it looks from very far: kept until it looks otherwise."""
        box = self._tiny
        if box is None or box.colours is not colours:
            fill, line, width = self._colours(colours)
            # A pixel is more than the line measures there; where it tells nothing, it is fainter instead.
            line.setAlphaF(line.alphaF() * 0.55)
            row, title = self._title_row(), self._facts.title
            bar = title_bar(row, text_width(title, _FAR_TITLE, 600), _FAR_TITLE)
            box = self._tiny = TinyBox(colours, self._rect, fill, line, max(1.0, width - 0.5), bar)
        return box

    def _paint_sign(self, painter: QPainter, colour: QColor) -> None:
        """A triangle that points down: what is below it can be folded up."""
        middle = self.sign_rect().center()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        corners = [middle + QPointF(-5.5, -3.0), middle + QPointF(5.5, -3.0), middle + QPointF(0.0, 4.5)]
        painter.drawPolygon(QPolygonF(corners))

    def _title_row(self) -> QRectF:
        return self.head_rect().adjusted(_SIGN + 6.0, 0.0, -12.0, 0.0)

    def _paint_title(self, painter: QPainter, colours: theme.Theme) -> None:
        zoom = max(0.05, painter.worldTransform().m11())
        size = round(min(_FAR_TITLE, max(14.0, 11.0 / zoom)))
        row = self._title_row()
        painter.setFont(theme.scene_font(size, 600))
        title = elided(self._facts.title, size, 600, max(20, round(row.width())))
        painter.setPen(colours.text)
        painter.drawText(row, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)
        used = painter.fontMetrics().horizontalAdvance(title) + 14.0
        room = row.width() - used
        if _SUMMARY_SIZE * zoom < _LEAST_PIXELS:
            return
        painter.setFont(theme.scene_font(_SUMMARY_SIZE, 400))
        if room > painter.fontMetrics().horizontalAdvance(self._facts.summary):
            painter.setPen(colours.text_muted)
            painter.drawText(
                row.adjusted(used, 0.0, 0.0, 0.0), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
                self._facts.summary,
            )  # fmt: skip
