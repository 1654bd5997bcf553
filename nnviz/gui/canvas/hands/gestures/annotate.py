"""Changes notes and arrows by hand: the size of a note, the ends of an arrow, a new arrow."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from nnviz.gui.canvas.desk import Desk
from nnviz.gui.canvas.geometry import PORT_REACH
from nnviz.gui.canvas.hands.gestures.base import DRAG_DISTANCE, Gesture
from nnviz.gui.canvas.items.arrow_item import ArrowItem, paint_arrow
from nnviz.gui.canvas.items.note_item import NoteItem
from nnviz.gui.canvas.items.note_text import LEAST_HEIGHT, LEAST_WIDTH, fitting_height
from nnviz.gui.canvas.scene import CanvasScene
from nnviz.gui.look import theme
from nnviz.project.edits import Annotate
from nnviz.project.group_edits import LARGEST_NOTE

#: Let go after a shorter way than this on the screen, an arrow was not meant.
_SHORTEST = 16.0
_CURSORS = {
    (-1, 0): Qt.CursorShape.SizeHorCursor,
    (1, 0): Qt.CursorShape.SizeHorCursor,
    (0, -1): Qt.CursorShape.SizeVerCursor,
    (0, 1): Qt.CursorShape.SizeVerCursor,
    (-1, -1): Qt.CursorShape.SizeFDiagCursor,
    (1, 1): Qt.CursorShape.SizeFDiagCursor,
    (-1, 1): Qt.CursorShape.SizeBDiagCursor,
    (1, -1): Qt.CursorShape.SizeBDiagCursor,
}


def grip_cursor(grip: tuple[int, int]) -> Qt.CursorShape:
    """The shape of the pointer on an edge or a corner of a note."""
    return _CURSORS.get(grip, Qt.CursorShape.ArrowCursor)


def at_a_card(scene: CanvasScene, point: QPointF, tail: QPointF, reach: float) -> QPointF:
    """The point on the edge of the card that an arrow's tip is meant for; the point itself where no card is near.

    Args:
        scene: With the cards.
        point: Where the tip is held.
        tail: A tip held over a card goes to the side that the tail looks at.
        reach: Distance from the edge at which the card is meant.
    """
    for card in scene.cards.values():
        rect = card.card_rect()
        if not rect.adjusted(-reach, -reach, reach, reach).contains(point):
            continue
        if not rect.contains(point):
            return QPointF(
                min(max(point.x(), rect.left()), rect.right()), min(max(point.y(), rect.top()), rect.bottom())
            )
        corners = [rect.topLeft(), rect.topRight(), rect.bottomRight(), rect.bottomLeft()]
        for first, second in zip(corners, corners[1:] + corners[:1], strict=True):
            kind, crossing = QLineF(tail, point).intersects(QLineF(first, second))
            if kind is QLineF.IntersectionType.BoundedIntersection:
                return crossing
    return point


class ResizeNoteGesture(Gesture):
    """Pulls at an edge or a corner of a note; the paper keeps room for its text."""

    changes = True

    def __init__(self, desk: Desk, start: QPointF, item: NoteItem, grip: tuple[int, int]) -> None:
        super().__init__(desk)
        self.cursor = grip_cursor(grip)
        self._start = start
        self._item = item
        self._grip = grip
        self._before = item.card_rect()
        self._dragging = False

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Show the note in its new size."""
        by = point - self._start
        if not self._dragging and by.manhattanLength() * self.desk.camera.zoom < DRAG_DISTANCE:
            return
        self._dragging = True
        rect = self._resized(by)
        self._item.set_rect(rect)
        self.scene.preview({self._item.node: rect.topLeft()})

    def _resized(self, by: QPointF) -> QRectF:
        (across, down), rect = self._grip, QRectF(self._before)
        width = rect.width() + across * by.x()
        width = round(min(max(width, LEAST_WIDTH), LARGEST_NOTE))
        least = LEAST_HEIGHT
        if self._item.note.text:
            least = fitting_height(self._item.note.text, width)
        # Paper that was just as high as its text goes on being so while it is made wider.
        just = rect.height() <= fitting_height(self._item.note.text, rect.width()) + 1.0
        height = least if just and not down else rect.height() + down * by.y()
        height = round(min(max(height, least), LARGEST_NOTE))
        left = rect.right() - width if across < 0 else rect.left()
        top = rect.bottom() - height if down < 0 else rect.top()
        return QRectF(left, top, width, height)

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Make the change, as one step."""
        self.move(point, modifiers)
        rect = self._item.card_rect()
        if self._dragging and rect != self._before:
            note = replace(
                self._item.note, x=rect.x(), y=rect.y(), width=rect.width(), height=rect.height()
            )  # fmt: skip
            self.desk.editing.apply(Annotate({note.id: note}, title="Resize note"))
        self.scene.settle()

    def cancel(self) -> None:
        """Give the note its old size again."""
        self.scene.settle()


class ArrowEndGesture(Gesture):
    """Takes an arrow by its tail or by its tip and points it at something else; with Alt it does not go to cards."""

    cursor = Qt.CursorShape.CrossCursor

    changes = True

    def __init__(self, desk: Desk, start: QPointF, item: ArrowItem, *, tip: bool) -> None:
        super().__init__(desk)
        self._start = start
        self._item = item
        self._tip = tip
        self._dragging = False

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Put the end where the mouse is, or at the edge of the card there."""
        if not self._dragging and (point - self._start).manhattanLength() * self.desk.camera.zoom < DRAG_DISTANCE:
            return
        self._dragging = True
        tail, tip = self._item.ends
        other = tail if self._tip else tip
        if not modifiers & Qt.KeyboardModifier.AltModifier:
            point = at_a_card(self.scene, point, other, PORT_REACH / self.desk.camera.zoom)
        self._item.set_ends(*((tail, point) if self._tip else (point, tip)))

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Make the change, as one step."""
        self.move(point, modifiers)
        tail, tip = self._item.ends
        way = tip - tail
        long_enough = way.manhattanLength() * self.desk.camera.zoom >= _SHORTEST
        if self._dragging and long_enough:
            arrow = replace(self._item.arrow, x=tail.x(), y=tail.y(), across=way.x(), down=way.y())
            if arrow != self._item.arrow:
                self.desk.editing.apply(Annotate(arrows={arrow.id: arrow}, title="Change arrow"))
        self.scene.settle()

    def cancel(self) -> None:
        """Lay the arrow as it was before."""
        self.scene.settle()


class DrawArrowGesture(Gesture):
    """Draws a new arrow from where the button was pressed to where it is released.

    Args:
        desk: What it works with.
        start: Where the arrow begins, in the scene.
        add: Adds the arrow from its tail to its tip, in the scene.
    """

    cursor = Qt.CursorShape.CrossCursor

    changes = True

    def __init__(self, desk: Desk, start: QPointF, add: Callable[[QPointF, QPointF], object]) -> None:
        super().__init__(desk)
        self._add = add
        self._line = QLineF(start, start)

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Put the tip where the mouse is, or at the edge of the card there."""
        if not modifiers & Qt.KeyboardModifier.AltModifier:
            point = at_a_card(self.scene, point, self._line.p1(), PORT_REACH / self.desk.camera.zoom)
        self._line = QLineF(self._line.p1(), point)

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Add the arrow."""
        self.move(point, modifiers)
        self.desk.overlay.show_hint("")
        if self._line.length() * self.desk.camera.zoom >= _SHORTEST:
            self._add(self._line.p1(), self._line.p2())
        else:
            self.desk.say("Keep the button pressed from where the arrow begins to what it points at.")

    def cancel(self) -> None:
        """Add no arrow."""
        self.desk.overlay.show_hint("")

    def paint(self, painter: QPainter) -> None:
        """Draw the arrow as it is held."""
        pen = QPen(theme.current().accent, 2.4)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        paint_arrow(painter, self._line, pen)

    def area(self) -> QRectF:
        """The part of the scene around the arrow."""
        return QRectF(self._line.p1(), self._line.p2()).normalized().adjusted(-20.0, -20.0, 20.0, 20.0)
