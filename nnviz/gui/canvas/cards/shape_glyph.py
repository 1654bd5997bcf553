"""What stands on a card before anything was measured: the shape of the output as a small drawing.

Maps are sheets behind each other, the more the more channels; their side shows height and width; a vector is a row of
cells. All on logarithmic scales, so that a network can be read from its shapes: maps shrink while channels grow.
"""

from __future__ import annotations

import math
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QTransform

from nnviz.gui.look.painting import Saved
from nnviz.gui.look.theme import Theme
from nnviz.project.model import Shape

#: Sides and counts at which the drawing is as large as it gets.
_LARGEST_SIDE, _MOST_CHANNELS = 224.0, 1024.0
_MOST_SHEETS = 9
_MOST_CELLS = 28
#: From sheet to sheet, and at most this share of the height from the first to the last.
_STEP, _DEEPEST = 3.4, 0.4
#: Drawings that are kept.
_MOST_DRAWINGS = 64


def paint_shape(painter: QPainter, rect: QRectF, shape: Shape, colour: QColor, theme: Theme) -> None:
    """Draw a shape into a rectangle in the colour of its layer's family, quietly."""
    transform = painter.worldTransform()
    place = (rect.x(), rect.y(), rect.width(), rect.height())
    ways = (transform.m11(), transform.dx(), transform.dy())
    drawing = _drawing(shape, place, ways, colour.rgba(), theme.dark)
    with Saved(painter):
        painter.resetTransform()
        painter.drawImage(transform.mapRect(rect).toAlignedRect().topLeft(), drawing)


@lru_cache(_MOST_DRAWINGS)
def _drawing(
    shape: Shape, place: tuple[float, float, float, float], ways: tuple[float, float, float], colour: int, dark: bool
) -> QImage:
    """A shape on its own, on whole pixels: translucent sheets take long, and cards side by side have the same.

    Args:
        shape: To be drawn.
        place: Of the rectangle: left, top, width and height.
        ways: From there to the pixels: the scale, and how far it is moved across and down.
        colour: Of the family.
        dark: Whether the theme is.
    """
    rect, (scale, across, down) = QRectF(*place), ways
    transform = QTransform(scale, 0.0, 0.0, scale, across, down)
    pixels = transform.mapRect(rect).toAlignedRect()
    image = QImage(pixels.size(), QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setWorldTransform(transform * QTransform.fromTranslate(-pixels.left(), -pixels.top()))
    line, fill = QColor.fromRgba(colour), QColor.fromRgba(colour)
    line.setAlphaF(0.55)
    fill.setAlphaF(0.10 if dark else 0.12)
    painter.setPen(QPen(line, 1.0))
    painter.setBrush(fill)
    if len(shape) == 3 and shape[1] * shape[2] > 1:
        _paint_maps(painter, rect, shape[0], shape[1], shape[2])
    elif len(shape) == 2 and shape[1] > 1:
        _paint_maps(painter, rect, shape[0], max(1, shape[1] // 8), shape[1])
    else:
        _paint_vector(painter, rect, math.prod(shape))
    painter.end()
    return image


def _share(value: float, largest: float) -> float:
    return min(1.0, math.log2(value + 1.0) / math.log2(largest + 1.0))


def _paint_maps(painter: QPainter, rect: QRectF, channels: int, height: int, width: int) -> None:
    sheets = max(1, min(_MOST_SHEETS, channels, round(_MOST_SHEETS * _share(channels, _MOST_CHANNELS))))
    margin = min(6.0, 0.1 * rect.height())
    room = rect.adjusted(6.0, margin, -6.0, -margin)
    step = min(_STEP, _DEEPEST * room.height() / (_MOST_SHEETS - 1))
    depth = (sheets - 1) * step
    space = min(room.width(), room.height()) - (_MOST_SHEETS - 1) * step * 0.5
    high = max(4.0, space * _share(height, _LARGEST_SIDE) ** 1.5)
    wide = max(4.0, min(space * 1.3, high * min(3.0, max(1 / 3, width / height))))
    high = min(high, room.height() - depth)
    left, top = room.center().x() - (wide + depth) / 2, room.center().y() - (high - depth) / 2
    for sheet in reversed(range(sheets)):
        painter.drawRect(QRectF(left + sheet * step, top - sheet * step, wide, high))


def _paint_vector(painter: QPainter, rect: QRectF, count: int) -> None:
    cells = max(1, min(_MOST_CELLS, count))
    room = rect.adjusted(6.0, 0.0, -6.0, 0.0)
    side = min(room.width() / cells, 9.0, rect.height() - 8.0)
    start = QPointF(room.center().x() - side * cells / 2, room.center().y() - side / 2)
    for cell in range(cells):
        painter.drawRect(QRectF(start.x() + cell * side, start.y(), side, side))
