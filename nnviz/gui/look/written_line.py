"""A line of text in a picture, in letters of the interface."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from nnviz.gui.look import theme


def write_line(
    painter: QPainter, place: QRectF, text: str, size: int, weight: int = 400, colour: QColor | None = None
) -> None:
    """Write a line in letters of the interface, cut with an ellipsis where there is no room.

    Args:
        painter: On the picture; its font and pen stay those of the line.
        place: Where it stands, in the middle of its height.
        text: What is written.
        size: Of the letters, at the text scale of a desk.
        weight: Of the letters.
        colour: That of the text of the theme where there is none.
    """
    painter.setFont(theme.font(size, weight))
    painter.setPen(theme.current().text if colour is None else colour)
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(place.width()))
    painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter), shown)
