"""Holds a layer from the palette over the canvas: it lands where it is dropped, or in the wire under it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from nnviz.gui.canvas.desk import Desk
from nnviz.gui.canvas.geometry import CARD_RADIUS, CARD_WIDTH, PICTURE_TOP, PORT_Y, TALL_PICTURE
from nnviz.gui.canvas.hands.gestures.base import Gesture
from nnviz.gui.canvas.items.wire_item import WireItem
from nnviz.gui.look import theme
from nnviz.project import registry

#: Type of the data that a layer dragged from the palette carries: its kind, in UTF-8.
LAYER_MIME = "application/x-nnviz-layer"
_REACH = 26.0


class DropGesture(Gesture):
    """A new layer at the mouse, before it is dropped."""

    changes = True

    def __init__(self, desk: Desk, kind: str) -> None:
        super().__init__(desk)
        self._spec = registry.layer(kind)
        self._place: QPointF | None = None
        self._wire: WireItem | None = None
        self._group = self.scene.root

    @property
    def wire(self) -> WireItem | None:
        """The wire into which the layer would go."""
        return self._wire

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Show where the layer would land."""
        self._place = self._corner(point)
        wire = None
        if self._spec.max_inputs and self._spec.outputs and self.scene.card_at(point) is None:
            wire = self.scene.wire_at(point, _REACH)
        if wire is not self._wire:
            self._light(wire)
        # Into a wire it comes to stand with both ends, wherever the mouse is.
        self._group = self._light_frame(point) if wire is None else self.scene.root
        before = self.desk.editing.follows(self._spec.kind) if wire is None else None
        hint = f"Insert {self._spec.title} here" if wire is not None else ""
        if before is not None:
            hint = f"{self._spec.title} behind {self.scene.cards[before].facts.title}"
        self.desk.overlay.show_hint(hint, point)

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Add the layer."""
        self.move(point, modifiers)
        edge, group = self._wire.edge if self._wire is not None else None, self._group
        self.cancel()
        if edge is not None:
            self.desk.editing.insert_new(self._spec.kind, edge)
        else:
            self.desk.editing.add(self._spec.kind, self._corner(point), there=True, group=group)

    def cancel(self) -> None:
        """Add nothing, and light up nothing any more."""
        self._light(None)
        self._light_frame(None)
        self._place = None
        self.desk.overlay.show_hint("")

    def paint(self, painter: QPainter) -> None:
        """Draw the outline of the card that would be."""
        if self._place is None:
            return
        colours = theme.current()
        colour = colours.family(self._spec.family)
        fill = QColor(colour)
        fill.setAlphaF(0.14)
        painter.setBrush(fill)
        painter.setPen(QPen(colour, 1.6, Qt.PenStyle.DashLine))
        rect = self._outline()
        painter.drawRoundedRect(rect, CARD_RADIUS, CARD_RADIUS)
        painter.setFont(theme.scene_font(13, 600))
        painter.setPen(colours.text)
        painter.drawText(rect.adjusted(10.0, 7.0, -10.0, 0.0), Qt.AlignmentFlag.AlignLeft, self._spec.title)

    def area(self) -> QRectF:
        """The part of the scene around the outline."""
        return self._outline().adjusted(-3.0, -3.0, 3.0, 3.0) if self._place is not None else QRectF()

    def _corner(self, point: QPointF) -> QPointF:
        return QPointF(round(point.x() - CARD_WIDTH / 2), round(point.y() - PORT_Y))

    def _outline(self) -> QRectF:
        place = self._place or QPointF()
        return QRectF(place.x(), place.y(), CARD_WIDTH, PICTURE_TOP + TALL_PICTURE)

    def _light_frame(self, point: QPointF | None) -> str:
        """Light up the frame into which the layer would come; the id of its group."""
        around = self.scene.frames.at(point) if point is not None else None
        for frame in self.scene.frames.items.values():
            frame.set_look(target=frame is around)
        return around.node if around is not None else self.scene.root

    def _light(self, wire: WireItem | None) -> None:
        if self._wire is not None:
            self._wire.set_look(hovered=False)
        self._wire = wire
        if wire is not None:
            wire.set_look(hovered=True)
