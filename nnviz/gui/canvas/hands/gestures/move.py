"""Drags the selected cards; a single card without wires can be dropped onto a wire."""

from __future__ import annotations

from msgspec.structs import replace
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from nnviz.gui.canvas.cards.card_sizes import card_sizes
from nnviz.gui.canvas.desk import Desk
from nnviz.gui.canvas.geometry import CARD_WIDTH
from nnviz.gui.canvas.hands.gestures.base import DRAG_DISTANCE, Gesture
from nnviz.gui.canvas.items.wire_item import WireItem
from nnviz.gui.look import theme
from nnviz.project.drawing.attached import attached_ends
from nnviz.project.drawing.grouping import holder_of, join_edit, move_places, outermost
from nnviz.project.edits import Edit
from nnviz.project.graph.groups import contents

#: Distance on the screen at which a card snaps to the row or the column of another.
_SNAP = 6.0


class MoveGesture(Gesture):
    """Moves cards with the mouse; they snap to the rows and columns of the others, but with Alt they do not."""

    cursor = Qt.CursorShape.ArrowCursor

    changes = True

    def __init__(self, desk: Desk, start: QPointF, leader: str) -> None:
        super().__init__(desk)
        self._start = start
        self._leader = leader
        chosen = self.scene.selected
        moving = move_places(self.scene.graph, chosen, 0.0, 0.0)
        self._all = {item: QPointF(*place) for item, place in moving.items()}
        self._places = {
            item: place
            for item, place in self._all.items()
            if item in self.scene.cards or self.scene.annotations.get(item) is not None
        }
        held = self.scene.item(leader)
        self._at = QPointF(*held.place) if held is not None else QPointF()
        if leader in self.scene.frames.items:
            # What is to stand in a row is what is in the frame: its first card.
            inside = contents(self.scene.graph, [leader])
            cards = (self._all[item] for item in (*inside.nodes, *inside.groups) if item in self.scene.cards)
            self._at = min(cards, key=lambda place: (place.y(), place.x()), default=self._at)
        ends = attached_ends(self.scene.seen, card_sizes(self.scene)) if self.scene.annotations.arrows else {}
        self._arrows = {
            arrow: (ends[item][0] in self._all, ends[item][1] in self._all)
            for item, arrow in self.scene.annotations.arrows.items()
            if item not in self._all and not self._all.keys().isdisjoint(ends[item])
        }
        self._tops = outermost(self.scene.graph, chosen)
        self._frames = {
            group: (frame.facts.depth, frame.card_rect())
            for group, frame in self.scene.frames.items.items()
            if group not in self._all
        }
        self._into: str | None = None
        others = [card for node, card in self.scene.cards.items() if node not in self._places]
        # A note snaps by its corner, a card by its middle line; an arrow goes where it is put.
        self._guide = CARD_WIDTH / 2 if leader not in self.scene.annotations.notes else 0.0
        if leader in self.scene.annotations.arrows:
            others = []
        self._columns = sorted({card.x() for card in others})
        self._rows = sorted({card.y() for card in others})
        self._dragging = False
        self._guides: list[QLineF] = []
        self._wire: WireItem | None = None
        self._by = QPointF()

    @property
    def dragging(self) -> bool:
        """Whether the mouse has moved far enough to mean it."""
        return self._dragging

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Show the cards where they would be."""
        by = point - self._start
        zoom = self.desk.camera.zoom
        if not self._dragging and by.manhattanLength() * zoom < DRAG_DISTANCE:
            return
        if not self._dragging:
            # They stay where the card was.
            self.desk.overlay.show_ports({})
        self._dragging = True
        if modifiers & Qt.KeyboardModifier.AltModifier:
            self._guides = []
        else:
            by = self._snapped(by, _SNAP / zoom)
        self._by = by
        self._look_for_frame(point)
        apart = frozenset(self._places) if self._into is not None else frozenset()
        self.scene.preview({node: place + by for node, place in self._places.items()}, apart)
        self._stretch_arrows(by)
        self._look_for_wire()

    def _stretch_arrows(self, by: QPointF) -> None:
        """Have arrows that begin or end at what is dragged come along with that end."""
        still = QPointF()
        for arrow, (tail, tip) in self._arrows.items():
            start, way = QPointF(arrow.arrow.x, arrow.arrow.y), QPointF(arrow.arrow.across, arrow.arrow.down)
            arrow.set_ends(start + (by if tail else still), start + way + (by if tip else still))

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Make the move: one step, however many cards."""
        self.move(point, modifiers)
        wire = self._wire
        self._clear()
        if not self._dragging:
            return
        edit = self._insertion(wire) if wire is not None else None
        if edit is None:
            places = {item: place + self._by for item, place in self._all.items()}
            edit = self.desk.editing.moving({item: (place.x(), place.y()) for item, place in places.items()})
            if self._into is not None:
                edit = join_edit(self.scene.graph, self._tops, self._into, edit)
        self.desk.editing.apply(edit)
        self.scene.settle()

    def cancel(self) -> None:
        """Put the cards back."""
        self._clear()
        self.scene.settle()

    def paint(self, painter: QPainter) -> None:
        """Draw lines along the rows and columns to which the cards have snapped."""
        if not self._guides:
            return
        colour = QColor(theme.current().accent)
        colour.setAlphaF(0.6)
        pen = QPen(colour, 1.0, Qt.PenStyle.DashLine)
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.drawLines(self._guides)

    def area(self) -> QRectF:
        """The part of the scene around these lines."""
        found = QRectF()
        for line in self._guides:
            found = found.united(QRectF(line.p1(), line.p2()).normalized().adjusted(-2.0, -2.0, 2.0, 2.0))
        return found

    def _snapped(self, by: QPointF, reach: float) -> QPointF:
        place = self._at + by
        visible = self.desk.camera.visible_rect()
        self._guides = []
        column = min(self._columns, key=lambda x: abs(x - place.x()), default=None)
        if column is not None and abs(column - place.x()) < reach:
            by = QPointF(by.x() + column - place.x(), by.y())
            x = column + self._guide
            self._guides.append(QLineF(x, visible.top(), x, visible.bottom()))
        row = min(self._rows, key=lambda y: abs(y - place.y()), default=None)
        if row is not None and abs(row - place.y()) < reach:
            by = QPointF(by.x(), by.y() + row - place.y())
            self._guides.append(QLineF(visible.left(), row - 8.0, visible.right(), row - 8.0))
        return by

    def _look_for_wire(self) -> None:
        """Light up the wire into which a card without wires would be put."""
        wire = None
        if len(self._all) == 1 and self._leader in self.scene.seen.nodes and not self.scene.wires_at(self._leader):
            facts = self.scene.cards[self._leader].facts
            if facts.input_ports and facts.output_ports:
                wire = self.scene.wire_at(self.scene.cards[self._leader].card_rect().center(), 20.0)
        if wire is not self._wire:
            if self._wire is not None:
                self._wire.set_look(hovered=False)
            if wire is not None:
                wire.set_look(hovered=True)
            self._wire = wire

    def _look_for_frame(self, point: QPointF) -> None:
        """The frame into which the cards would come, or out of which, by where the frames stood at the beginning."""
        around = [(depth, group) for group, (depth, rect) in self._frames.items() if rect.contains(point)]
        into = max(around)[1] if around else self.scene.root
        graph = self.scene.graph
        same = all(holder_of(graph, item) == into for item in self._tops)
        self._into = None if same else into
        for group, frame in self.scene.frames.items.items():
            frame.set_look(target=self._into == group)

    def _insertion(self, wire: WireItem) -> Edit | None:
        node = self.scene.graph.nodes[self._leader]
        place = self._at + self._by
        return self.desk.editing.insertion(replace(node, x=place.x(), y=place.y()), wire.edge)

    def _clear(self) -> None:
        self._guides = []
        for frame in self.scene.frames.items.values():
            frame.set_look(target=False)
        if self._wire is not None:
            self._wire.set_look(hovered=False)
            self._wire = None
