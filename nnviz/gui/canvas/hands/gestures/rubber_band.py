"""Draws a rectangle; the cards, notes and arrows that it touches are selected."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from nnviz.gui.canvas.desk import Desk
from nnviz.gui.canvas.hands.gestures.base import Gesture
from nnviz.gui.canvas.items.node_item import NodeItem
from nnviz.gui.look import theme
from nnviz.project.drawing.grouping import outermost


class RubberBandGesture(Gesture):
    """Selects what a rectangle touches; with Shift or Ctrl beside what was selected before."""

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, desk: Desk, start: QPointF, *, adding: bool) -> None:
        super().__init__(desk)
        self._start = start
        self._end = start
        self._before = self.scene.selected
        self._wires_before = self.scene.selected_wires
        self._kept = self._before if adding else ()

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Select what the rectangle touches now."""
        self._end = point
        band = self._band()
        touched = [
            item for item in self.scene.items(band) if isinstance(item, NodeItem) and item.card_rect().intersects(band)
        ]
        touched.sort(key=lambda item: (item.y(), item.x()))
        notes = [key for key, item in self.scene.annotations.items.items() if item.touches(band)]
        # A frame in the band stands for all that is in it.
        frames = [key for key, frame in self.scene.frames.items.items() if band.contains(frame.card_rect())]
        found = (*self._kept, *frames, *(item.node for item in touched), *notes)
        self.scene.select(outermost(self.scene.graph, found))

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Keep what is selected."""
        self.move(point, modifiers)

    def cancel(self) -> None:
        """Select what was selected before."""
        self.scene.select(self._before, self._wires_before)

    def paint(self, painter: QPainter) -> None:
        """Draw the rectangle."""
        colours = theme.current()
        fill = QColor(colours.accent)
        fill.setAlphaF(0.12)
        pen = QPen(colours.accent, 1.0)
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.setBrush(fill)
        painter.drawRect(self._band())

    def area(self) -> QRectF:
        """The rectangle with its outline."""
        return self._band().adjusted(-2.0, -2.0, 2.0, 2.0)

    def _band(self) -> QRectF:
        return QRectF(self._start, self._end).normalized()
