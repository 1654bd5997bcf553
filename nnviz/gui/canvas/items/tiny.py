"""Frames and notes from so far away that neither round corners nor letters are seen: plain boxes, which cost little.

A hundred translucent boxes with smooth round corners and titles take longer to paint than a frame has time. From here
nobody could tell them from these.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter

from nnviz.gui.look.theme import Theme

#: Farther away than this the corners of a box are as small as a pixel or two.
_TINY_ZOOM = 0.19
#: Letters with fewer pixels than this cannot be read; a bar stands for them.
_LEAST_LETTERS = 5.0
_BAR_ALPHA = 0.4


def is_tiny(zoom: float) -> bool:
    """Whether boxes are painted plainly at this zoom."""
    return zoom < _TINY_ZOOM


def is_readable(size: float, zoom: float) -> bool:
    """Whether letters of this size, in scene units, can be read at this zoom."""
    return size * zoom >= _LEAST_LETTERS


class TinyBox:
    """A box with a line around it and a bar in the place of its title, with all its colours at hand."""

    def __init__(self, colours: Theme, rect: QRectF, fill: QColor, line: QColor, width: float, bar: QRectF) -> None:
        """Get ready.

        Args:
            colours: The theme that the colours are from.
            rect: The box.
            fill: Its ground.
            line: Around it.
            width: Of the line, in pixels.
            bar: Where its title stands; nowhere where it has none.
        """
        self.colours = colours
        self._rect = rect
        self._fill = fill
        self._line = line
        self._width = width
        self._bar = bar
        self._edges: tuple[QRectF, ...] = ()
        self._zoom = 0.0
        self._text = QColor(colours.text)
        self._text.setAlphaF(_BAR_ALPHA)

    def paint(self, painter: QPainter, zoom: float, *, titled: bool = True) -> None:
        """Paint it, without smooth edges from then on; without the bar where the title itself follows."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
        fill = painter.fillRect
        fill(self._rect, self._fill)
        if zoom != self._zoom:
            self._zoom, self._edges = zoom, self._edges_at(zoom)
        line = self._line
        for edge in self._edges:
            fill(edge, line)
        if titled:
            fill(self._bar, self._text)

    def _edges_at(self, zoom: float) -> tuple[QRectF, ...]:
        """Four narrow boxes: stroking a rectangle takes ten times as long."""
        rect, step = self._rect, self._width / zoom
        left, top, wide, high = rect.x(), rect.y(), rect.width(), rect.height()
        return (
            QRectF(left, top, wide, step),
            QRectF(left, top + high - step, wide, step),
            QRectF(left, top + step, step, high - 2 * step),
            QRectF(left + wide - step, top + step, step, high - 2 * step),
        )


def title_bar(row: QRectF, width: float, size: float) -> QRectF:
    """Where letters of a size stand in a row, so many units wide, that are too small to be read."""
    return QRectF(row.left(), row.center().y() - size / 4, min(width, row.width()), size / 2)
