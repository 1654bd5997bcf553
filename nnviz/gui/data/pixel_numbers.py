"""One picture as the grid of its numbers: as large as it fits, nearer by the wheel, moved by the mouse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from nnviz.gui.look import theme
from nnviz.gui.look.painting import guarded
from nnviz.gui.look.scales import image_of, legible_on

#: A pixel is drawn at most so large, and of a picture of few pixels so large without anybody's wheel.
_LARGEST, _USUAL = 160.0, 72.0


class PixelNumbers(QWidget):
    """The pixels of a picture in their colours, and in each its number where there is room for it.

    Of colours the numbers of all channels stand one above the other; one channel alone is grey.

    Signals:
        pointed: The pixel under the mouse, in words; empty for none.
    """

    pointed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._numbers: NDArray[np.uint8] | None = None
        #: The channel that is shown; −1 for all together.
        self._channel = -1
        #: Screen pixels for a pixel of the picture; 0 fits it. And where the middle of the widget is, in the picture.
        self._zoom = 0.0
        self._middle = QPointF()
        self._held: QPoint | None = None
        self.setMouseTracking(True)
        self.setMinimumSize(120, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("The picture in numbers")

    def show_numbers(self, numbers: NDArray[np.uint8] | None) -> None:
        """Show a picture, uint8[channels, height, width]; one of the same size is looked at from the same place."""
        before = None if self._numbers is None else self._numbers.shape
        self._numbers = numbers
        if numbers is not None and numbers.shape != before:
            self._zoom = 0.0
            if self._channel >= numbers.shape[0]:
                self._channel = -1
        self.update()

    def show_channel(self, channel: int) -> None:
        """Show one channel alone; −1 for all."""
        self._channel = channel
        self.update()

    # ---- where things are ----------------------------------------------------------------------------------------

    @property
    def _sides(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return (1, 1) if self._numbers is None else (self._numbers.shape[2], self._numbers.shape[1])

    @property
    def _lines(self) -> int:
        """Numbers that stand in a pixel, one above the other."""
        return 3 if self._numbers is not None and self._numbers.shape[0] == 3 and self._channel < 0 else 1

    @property
    def readable(self) -> float:
        """The size of a pixel from which on its numbers are readable."""
        metrics = QFontMetrics(theme.font(12))
        return max(metrics.horizontalAdvance("255") + 1.5, self._lines * metrics.height() + 1.0)

    @property
    def fitting(self) -> float:
        """The size of a pixel with which the whole picture is in sight."""
        width, height = self._sides
        fits = min(self.width() / width, self.height() / height, _USUAL)
        return max(float(math.floor(fits)), 1.0) if fits >= 1 else fits

    @property
    def zoom(self) -> float:
        """Screen pixels for a pixel of the picture."""
        return self._zoom or self.fitting

    @property
    def numbers_shown(self) -> bool:
        """Whether the numbers stand in the pixels."""
        return self._numbers is not None and self.zoom >= self.readable

    def set_zoom(self, zoom: float, at: QPointF | None = None) -> None:
        """Nearer or farther; what is under ``at`` (in the widget, its middle by default) stays there. 0 fits it."""
        if zoom <= self.fitting:
            self._zoom = 0.0
        else:
            point = QPointF(self.width() / 2, self.height() / 2) if at is None else at
            under = self._in_picture(point)
            self._zoom = min(zoom, max(_LARGEST, self.fitting))
            offset = (point - QPointF(self.width() / 2, self.height() / 2)) / self._zoom
            self._look_at(under - offset)
        self.update()

    def read(self) -> None:
        """As near as the numbers need, or the whole picture where that is near enough."""
        self.set_zoom(math.ceil(self.readable) if self.fitting < self.readable else 0.0)

    def _corner(self) -> QPointF:
        """Where the upper left corner of the picture is drawn."""
        width, height = self._sides
        zoom = self.zoom
        if not self._zoom:
            return QPointF(round((self.width() - width * zoom) / 2), round((self.height() - height * zoom) / 2))
        found = QPointF(self.width() / 2, self.height() / 2) - self._middle * zoom
        return QPointF(round(found.x()), round(found.y()))

    def _in_picture(self, point: QPointF) -> QPointF:
        return (point - self._corner()) / self.zoom

    def _look_at(self, middle: QPointF) -> None:
        """The middle of the widget shows this place; the picture is never out of sight."""
        width, height = self._sides
        across, down = self.width() / self.zoom / 2, self.height() / self.zoom / 2

        def inside(value: float, half: float, side: int) -> float:
            return side / 2 if 2 * half >= side else min(max(value, half), side - half)

        self._middle = QPointF(inside(middle.x(), across, width), inside(middle.y(), down, height))

    # ---- painting ------------------------------------------------------------------------------------------------

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The part of the picture that is in sight."""
        if self._numbers is None:
            return
        painter = QPainter(self)
        corner, zoom = self._corner(), self.zoom
        width, height = self._sides
        left, top = (max(0, math.floor(-at / zoom)) for at in (corner.x(), corner.y()))
        right = min(width, math.ceil((self.width() - corner.x()) / zoom))
        bottom = min(height, math.ceil((self.height() - corner.y()) / zoom))
        if right <= left or bottom <= top:
            return
        part = self._numbers[:, top:bottom, left:right]
        pixels = self._colours(part)
        image = image_of(pixels)
        area = QRectF(corner.x() + left * zoom, corner.y() + top * zoom, (right - left) * zoom, (bottom - top) * zoom)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, zoom < 1)
        painter.drawImage(area, image)
        painter.setPen(QPen(theme.current().border, 1))
        painter.drawRect(QRectF(corner.x() - 1, corner.y() - 1, width * zoom + 1, height * zoom + 1))
        if zoom >= self.readable:
            self._paint_numbers(painter, part, pixels, QPointF(area.left(), area.top()))

    def _colours(self, part: NDArray[Any]) -> NDArray[np.uint32]:
        wide = part.astype(np.uint32)
        if self._lines == 3:
            red, green, blue = wide[0], wide[1], wide[2]
        else:
            red = green = blue = wide[max(0, self._channel)]
        packed: NDArray[np.uint32] = np.uint32(0xFF000000) | red << 16 | green << 8 | blue
        return packed

    def _paint_numbers(
        self, painter: QPainter, part: NDArray[Any], pixels: NDArray[np.uint32], corner: QPointF
    ) -> None:
        zoom, lines = self.zoom, self._lines
        room = min(zoom / 2.1, (zoom - 1) / lines / 1.25)
        painter.setFont(theme.scene_font(min(max(12 * theme.text_scale(), room), 20)))
        texts = part if lines == 3 else part[max(0, self._channel)][None]
        inks: dict[int, QColor] = {}
        high = zoom / lines
        for row in range(part.shape[1]):
            for column in range(part.shape[2]):
                ground = int(pixels[row, column])
                if ground not in inks:
                    inks[ground] = _softened(QColor.fromRgb(ground))
                painter.setPen(inks[ground])
                for line in range(lines):
                    box = QRectF(corner.x() + column * zoom, corner.y() + row * zoom + line * high, zoom, high)
                    painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), str(int(texts[line, row, column])))

    # ---- hands ---------------------------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Nearer or farther, at the mouse."""
        if self._numbers is not None and event.angleDelta().y():
            self.set_zoom(self.zoom * 1.0015 ** event.angleDelta().y(), event.position())
            event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the picture."""
        if event.button() is Qt.MouseButton.LeftButton and self._zoom:
            self._held = event.position().toPoint()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move it; or say what is under the mouse."""
        point = event.position()
        if self._held is not None:
            moved = point - QPointF(self._held)
            self._held = point.toPoint()
            self._look_at(self._middle - moved / self.zoom)
            self.update()
        self.pointed.emit(self.words_at(point))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._held = None
        self.unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Near enough to read, at the mouse, or the whole picture again."""
        near = math.ceil(self.readable)
        self.set_zoom(0.0 if self.zoom >= near else near, event.position())

    def words_at(self, point: QPointF) -> str:
        """The pixel at a point of the widget in words; empty beside the picture."""
        if self._numbers is None:
            return ""
        place = self._in_picture(point)
        column, row = math.floor(place.x()), math.floor(place.y())
        width, height = self._sides
        if not (0 <= column < width and 0 <= row < height):
            return ""
        values = ", ".join(str(value) for value in self._numbers[:, row, column].tolist())
        return f"row {row}, column {column}: {values}"

    def leaveEvent(self, event: object) -> None:
        """Nothing is under the mouse."""
        self.pointed.emit("")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """It is looked at from the same place."""
        if self._zoom:
            self._look_at(self._middle)

    def cell(self, row: int, column: int) -> QRect:
        """Where a pixel is drawn, in the widget."""
        corner, zoom = self._corner(), self.zoom
        return QRectF(corner.x() + column * zoom, corner.y() + row * zoom, zoom, zoom).toRect()


def _softened(ground: QColor) -> QColor:
    """Readable on the ground, and calm: 784 white numbers on black would shout."""
    return theme.mixed(legible_on(ground), ground, 0.16)
