"""All cards as they are seen from far, painted by one item: a thousand of them cost a few milliseconds."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPixmap, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from nnviz.gui.canvas.cards.card_painter import NAMED_FROM, paint_far_card
from nnviz.gui.canvas.geometry import CARD_MARGIN, CARD_WIDTH, Level
from nnviz.gui.canvas.items.node_item import NodeItem
from nnviz.gui.canvas.items.stage import Stage, card_canvas, card_pixmap
from nnviz.gui.look import theme
from nnviz.gui.look.painting import guarded

_MOST_FACES = 3000
#: So many different pictures are made sharp in every frame, however little time is left.
_ALWAYS_RENDERED = 16


class FarLayer(QGraphicsItem):
    """Coloured titles in the place of cards. Cards that look alike share one picture."""

    def __init__(self, stage: Stage, cards: Mapping[str, NodeItem]) -> None:
        super().__init__()
        self._stage = stage
        self._cards = cards
        #: Pictures with the scale for which they were made, and their own rectangles.
        self._faces: dict[str, tuple[QPixmap, float, QRectF]] = {}
        self._bounds = QRectF()
        self.setZValue(1.0)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self.setVisible(False)

    def set_bounds(self, content: QRectF) -> None:
        """Say which rectangle all cards take now."""
        bounds = content.adjusted(-CARD_MARGIN, -CARD_MARGIN, CARD_MARGIN, CARD_MARGIN)
        if bounds != self._bounds:
            self.prepareGeometryChange()
            self._bounds = bounds

    def clear(self) -> None:
        """Forget all finished pictures: the theme has changed."""
        self._faces.clear()
        self.update()

    def boundingRect(self) -> QRectF:
        """The part of the scene around all cards."""
        return self._bounds

    @guarded
    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Copy the pictures of the cards in sight to whole device pixels."""
        if self._stage.level is not Level.FAR:
            return
        transform = painter.worldTransform()
        zoom, across, down = transform.m11(), transform.dx(), transform.dy()
        ratio = self._stage.ratio
        scale = zoom * ratio
        seen: QRectF = option.exposedRect
        left, right = seen.left() - CARD_WIDTH - CARD_MARGIN, seen.right() + CARD_MARGIN
        top, bottom = seen.top() - 2 * CARD_WIDTH, seen.bottom() + CARD_MARGIN
        painter.setWorldTransform(QTransform())
        faces, draw = self._faces, painter.drawPixmap
        allowed = _ALWAYS_RENDERED
        named = zoom >= NAMED_FROM
        for card in self._cards.values():
            x, y = card.place
            if x < left or x > right or y < top or y > bottom:
                continue
            key = card.far_key or card.make_far_key()
            if named:
                key = f"{key} {card.node}"
            found = faces.get(key)
            if found is None or (found[1] != scale and (allowed > 0 or not self._stage.may_wait())):
                found = self._render(card, scale, key)
                allowed -= 1
            at_x = round(((x - CARD_MARGIN) * zoom + across) * ratio) / ratio
            at_y = round(((y - CARD_MARGIN) * zoom + down) * ratio) / ratio
            if found[1] == scale:
                draw(QPointF(at_x, at_y), found[0])
            else:
                face, made_for, whole = found
                stretch = scale / made_for / ratio
                draw(QRectF(at_x, at_y, whole.width() * stretch, whole.height() * stretch), face, whole)

    def _render(self, card: NodeItem, scale: float, key: str) -> tuple[QPixmap, float, QRectF]:
        if len(self._faces) >= _MOST_FACES:
            self._faces.clear()
        pixmap = card_pixmap(card.layout.height, scale)
        painter = card_canvas(pixmap, scale)
        paint_far_card(painter, card.facts, card.look, theme.current(), scale / self._stage.ratio)
        painter.end()
        pixmap.setDevicePixelRatio(self._stage.ratio)
        self._stage.painted += 1
        found = self._faces[key] = (pixmap, scale, QRectF(pixmap.rect()))
        return found
