"""The dotted ground of the canvas."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPixmap

from nnviz.gui.canvas.geometry import GRID
from nnviz.gui.look import theme
from nnviz.gui.look.painting import Saved

#: Dots in a row of the small picture; it is opaque, so that filling with it is a plain copy.
_CELLS = 8


class Backdrop:
    """Dots at even distances, drawn by one call from a small picture; far out they stand less close."""

    def __init__(self) -> None:
        self._tile: QPixmap | None = None
        self._key: tuple[int, float, str] | None = None

    def clear(self) -> None:
        """Forget the finished picture: the theme has changed."""
        self._key = None

    def paint(self, painter: QPainter, rect: QRectF, ratio: float) -> None:
        """Fill a part of the scene."""
        colours = theme.current()
        transform = painter.worldTransform()
        zoom = transform.m11()
        spacing = GRID * zoom
        while spacing < 15.0:
            spacing *= 2.0
        whole = max(8, round(spacing))
        device = transform.mapRect(rect).toAlignedRect().adjusted(-1, -1, 1, 1)
        origin = transform.map(QPointF(0.0, 0.0))
        with Saved(painter):
            painter.resetTransform()
            tile = self._tile_of(whole, ratio, colours)
            wide = whole * _CELLS
            offset = QPointF(
                math.fmod(math.fmod(device.left() - origin.x(), wide) + wide, wide),
                math.fmod(math.fmod(device.top() - origin.y(), wide) + wide, wide),
            )
            painter.drawTiledPixmap(QRectF(device), tile, offset)

    def _tile_of(self, spacing: int, ratio: float, colours: theme.Theme) -> QPixmap:
        key = (spacing, ratio, colours.name)
        if self._tile is None or self._key != key:
            self._key = key
            size = round(spacing * _CELLS * ratio)
            self._tile = QPixmap(size, size)
            self._tile.setDevicePixelRatio(ratio)
            self._tile.fill(colours.window)
            painter = QPainter(self._tile)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.mixed(colours.grid, colours.text_faint, 0.12))
            for cell in range(_CELLS * _CELLS):
                row, column = divmod(cell, _CELLS)
                painter.drawEllipse(QPointF((column + 0.5) * spacing, (row + 0.5) * spacing), 1.05, 1.05)
            painter.end()
        return self._tile
