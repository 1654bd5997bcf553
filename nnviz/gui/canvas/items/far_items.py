"""Frames, notes and wires as they are seen from far, painted by one item for the boxes and one for the wires.

Qt asks each of its items for bounds, keeps the state of the painter for it, and comes back to Python: for a thousand
wires and two hundred boxes that costs more than painting them. From far they hand their painting over, and look as
they would by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from nnviz.gui.canvas.items.frame_item import FrameItem
from nnviz.gui.canvas.items.note_item import NoteItem
from nnviz.gui.canvas.items.tiny import is_tiny
from nnviz.gui.canvas.items.wire_item import WireItem
from nnviz.gui.look.painting import Saved, guarded

_Item = TypeVar("_Item", FrameItem | NoteItem, WireItem)
#: So many that follow each other, and mostly stand near each other, are looked for together.
_BUNCH = 24


class FarItems(QGraphicsItem, Generic[_Item]):
    """Paints some items of a scene in their place while it is shown.

    Args:
        items: What there is of them now.
        z: Where it lies.
    """

    def __init__(self, items: Callable[[], Iterable[_Item]], z: float) -> None:
        super().__init__()
        self._items: Callable[[], Iterable[_Item]] = items
        self._bunches: list[tuple[QRectF, list[_Item]]] | None = None
        self._bounds = QRectF()
        self.setZValue(z)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self.setVisible(False)

    def show_far(self, far: bool) -> None:
        """Paint the items from now on, or let them paint themselves again."""
        if far:
            self.prepareGeometryChange()
            self._bounds = QRectF()
            self.follow()
        else:
            for item in self._items():
                item.set_far(None)
        self.setVisible(far)

    def follow(self) -> None:
        """Take over the items that are new, and forget those that have gone."""
        for item in self._items():
            item.set_far(self)
        self.changed()

    def cover(self, bounds: QRectF) -> None:
        """One of them is here now, in this form; it need not be looked for where it was."""
        if not self._bounds.contains(bounds):
            self.prepareGeometryChange()
            self._bounds = self._bounds.united(bounds)
        self.changed()

    def changed(self) -> None:
        """Repaint an item that looks different, and may lie above others now."""
        self._bunches = None
        self.update()

    def boundingRect(self) -> QRectF:
        """The part of the scene around all items that stood here since it is shown."""
        return self._bounds

    def in_sight(self, seen: QRectF) -> Iterator[_Item]:
        """The items that may reach into a part of the scene, the lowest first."""
        if self._bunches is None:
            items = sorted(self._items(), key=QGraphicsItem.zValue)
            bunches = [items[at : at + _BUNCH] for at in range(0, len(items), _BUNCH)]
            self._bunches = [(_around(bunch), bunch) for bunch in bunches]
        for bounds, bunch in self._bunches:
            if seen.contains(bounds):
                yield from bunch
            elif seen.intersects(bounds):
                yield from (item for item in bunch if seen.intersects(item.outline))


class FarBoxes(FarItems[FrameItem | NoteItem]):
    """Paints frames from far, and the notes above them."""

    @guarded
    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw plain boxes from very far; from nearer, frames and notes as they paint themselves."""
        zoom = painter.worldTransform().m11()
        tiny = is_tiny(zoom)
        for item in self.in_sight(option.exposedRect):
            if tiny:
                item.paint_tiny(painter, zoom)
                continue
            with Saved(painter):
                painter.translate(item.pos())
                item.paint(painter, option, widget)


class FarWires(FarItems[WireItem]):
    """Paints wires from far, what is chosen above the others."""

    @guarded
    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw each wire with its pen; most have the same."""
        draw, pen = painter.drawPath, None
        for wire in self.in_sight(option.exposedRect):
            if wire.ink is not pen:
                pen = wire.ink
                painter.setPen(pen)
            draw(wire.drawn)


def _around(items: Iterable[FrameItem | NoteItem | WireItem]) -> QRectF:
    bounds = QRectF()
    for item in items:
        bounds = bounds.united(item.outline)
    return bounds
