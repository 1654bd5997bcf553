"""The mark of an old number: a small clock beside it, so that colour is not all that tells it from a new one."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from nnviz.gui.look.painting import Saved
from nnviz.gui.look.theme import Theme, mixed

#: Height of the clock beside letters of this height, and the room that is kept for it, as multiples of the letters.
_SIZE, _ROOM = 0.72, 1.0


def age_room(letters: float) -> float:
    """Width that is kept free beside a number for its mark, so that nothing moves when it gets old.

    Args:
        letters: Height of the font.
    """
    return _ROOM * letters


def paint_age_mark(painter: QPainter, place: QPointF, letters: float, colour: QColor) -> None:
    """Draw the clock.

    Args:
        painter: Where to.
        place: Its left end, at half the height of the line.
        letters: Height of the font beside it.
        colour: Of its line.
    """
    size = _SIZE * letters
    with Saved(painter):
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, max(0.09 * letters, 0.7)))
        face = QRectF(place.x() + 0.5, place.y() - size / 2, size, size)
        painter.drawEllipse(face)
        middle = face.center()
        painter.drawLine(QLineF(middle, QPointF(middle.x(), middle.y() - 0.33 * size)))
        painter.drawLine(QLineF(middle, QPointF(middle.x() + 0.24 * size, middle.y())))


def aged(colour: QColor, old: bool, theme: Theme) -> QColor:
    """The colour of a number, a bar or a dot: as it is, or muted where what it shows is old."""
    return mixed(colour, theme.text_faint, 0.62) if old else colour
