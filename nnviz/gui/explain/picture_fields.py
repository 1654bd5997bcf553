"""Two fields for a picture of one's own: one to draw on, and one that shows each pixel as the network sees it."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from nnviz.data.own_picture import OwnPicture, Pixels
from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import answering, guarded
from nnviz.gui.look.scales import Scale, image_of

_LEAST, _USUAL = 84, 190
#: A mouse that moves by less than this, in pixels of the screen, has clicked and not dragged.
_STILL = 4.0
_ARROWS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


class PictureField(QWidget):
    """Shows numbers from 0 to 1 as a picture with hard pixels, as large as it fits; arrow keys move it.

    Attributes:
        moved: Signal: by how many pixels down and to the right.
    """

    moved = Signal(int, int)

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._pixels: Pixels = np.zeros((1, 1, 1), np.float32)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(_LEAST, _LEAST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """A square."""
        return QSize(_USUAL, _USUAL)

    def show_pixels(self, pixels: Pixels) -> None:
        """Show this: [channels, height, width]."""
        self._pixels = pixels
        self.update()

    def area(self) -> QRectF:
        """Where the picture lies."""
        _, height, width = self._pixels.shape
        scale = min((self.width() - 2) / width, (self.height() - 2) / height)
        # Whole multiples, unless that would leave much of the field empty.
        if scale > 1 and math.floor(scale) >= 0.85 * scale:
            scale = math.floor(scale)
        made = QRectF(0.0, 0.0, width * scale, height * scale)
        made.moveTopLeft(QPointF(round((self.width() - made.width()) / 2), round((self.height() - made.height()) / 2)))
        return made

    def place(self, point: QPointF, height: int, width: int) -> tuple[float, float]:
        """Row and column of a point on the screen, in a picture of this size; may lie outside."""
        area = self.area()
        return (point.y() - area.top()) * height / area.height(), (point.x() - area.left()) * width / area.width()

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture in a frame."""
        painter = QPainter(self)
        theme = themes.current()
        area = self.area()
        scale = Scale("grey", 0.0, 1.0)
        colours = scale.composite(self._pixels) if len(self._pixels) == 3 else scale.paint(self._pixels[0])
        painter.drawImage(area, image_of(colours))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.accent if self.hasFocus() else theme.border, 1))
        painter.drawRect(area.adjusted(-0.5, -0.5, 0.5, 0.5))
        self.paint_more(painter, area)

    def paint_more(self, painter: QPainter, area: QRectF) -> None:
        """What stands over the picture."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys move by a pixel, with Shift by four."""
        by = _ARROWS.get(Qt.Key(event.key()))
        if by is None:
            super().keyPressEvent(event)
            return
        times = 4 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        self.moved.emit(times * by[0], times * by[1])


class DrawField(PictureField):
    """The canvas. The left button draws, the right one rubs out; pictures are dropped here.

    Attributes:
        drawn: Signal: something was drawn.
        dropped: Signal: what was dropped, a QMimeData.
        pen: Width of the pen, in pixels of what the network sees.
        ink: A value for each channel; None rubs out.
    """

    drawn = Signal()
    dropped = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Draw here", parent)
        self._picture: OwnPicture | None = None
        self._last: tuple[float, float] | None = None
        self._spot: QPointF | None = None
        self.pen = 2.4
        self.ink: tuple[float, ...] | None = (1.0, 1.0, 1.0)
        self.setAcceptDrops(True)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def show_picture(self, picture: OwnPicture) -> None:
        """Draw on the canvas of this one."""
        self._picture = picture
        self.show_pixels(picture.canvas)

    def paint_more(self, painter: QPainter, area: QRectF) -> None:
        """What to do with an empty canvas; the tip of the pen."""
        picture = self._picture
        if picture is None:
            return
        if not picture.canvas.any():
            painter.setPen(themes.current().text_faint if themes.current().name == "dark" else Qt.GlobalColor.lightGray)
            painter.setFont(themes.scene_font(13, 500))
            words = "Draw here\nor drop a picture"
            painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), words)
        if self._spot is not None and area.contains(self._spot):
            side = self.pen * area.width() / picture.shape[2]
            painter.setPen(QPen(themes.current().accent, 1))
            painter.drawEllipse(self._spot, side / 2, side / 2)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a stroke."""
        if self._picture is not None and event.button() in {Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton}:
            self._picture.remember()
            self._last = None
            self._draw_to(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with it."""
        self._spot = event.position()
        if self._last is not None and event.buttons():
            self._draw_to(event)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The stroke is done."""
        self._last = None

    def leaveEvent(self, event: object) -> None:
        """No pen without the mouse."""
        self._spot = None
        self.update()

    def _draw_to(self, event: QMouseEvent) -> None:
        picture = self._picture
        assert picture is not None
        channels, height, width = picture.shape
        here = self.place(event.position(), height, width)
        rubs = self.ink is None or event.buttons() & Qt.MouseButton.RightButton
        ink = None if rubs or self.ink is None else self.ink[:channels]
        picture.stroke([here] if self._last is None else [self._last, here], self.pen, ink)
        self._last = here
        self.show_pixels(picture.canvas)
        self.drawn.emit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and pictures come in."""
        if event.mimeData().hasUrls() or event.mimeData().hasImage():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Hand it on."""
        event.acceptProposedAction()
        self.dropped.emit(event.mimeData())


class SeenField(PictureField):
    """Each pixel as the network sees it: a click sets one, a drag blacks out a rectangle.

    Attributes:
        pixel_chosen: Signal: row, column, and where it stands on the field (QRect).
        patch_drawn: Signal: top, left, height and width.
        pointed: Signal: row and column under the mouse; -1 for none.
    """

    pixel_chosen = Signal(int, int, QRect)
    patch_drawn = Signal(int, int, int, int)
    pointed = Signal(int, int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__("What the network sees: click a pixel to set it, drag to black out a patch", parent)
        self._pressed: QPointF | None = None
        self._to: QPointF | None = None
        self.setToolTip("What the network sees. Click a pixel to type its value; drag to black out a patch.")

    @property
    def _size(self) -> tuple[int, int]:
        return int(self._pixels.shape[1]), int(self._pixels.shape[2])

    def cell(self, point: QPointF) -> tuple[int, int]:
        """Row and column of the pixel under a point; of the nearest one where there is none."""
        row, column = self.place(point, *self._size)
        height, width = self._size
        return min(max(int(row), 0), height - 1), min(max(int(column), 0), width - 1)

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Where a pixel lies."""
        area = self.area()
        height, width = self._size
        side, rise = area.width() / width, area.height() / height
        return QRectF(area.left() + column * side, area.top() + row * rise, side, rise)

    def paint_more(self, painter: QPainter, area: QRectF) -> None:
        """The rectangle that is being drawn."""
        if self._pressed is not None and self._to is not None and self._dragged:
            first, last = self.cell_rect(*self.cell(self._pressed)), self.cell_rect(*self.cell(self._to))
            painter.setPen(QPen(themes.current().accent, 2))
            painter.drawRect(first.united(last))

    @property
    def _dragged(self) -> bool:
        if self._pressed is None or self._to is None:
            return False
        moved = self._to - self._pressed
        return max(abs(moved.x()), abs(moved.y())) > _STILL

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click or the beginning of a rectangle."""
        if event.button() == Qt.MouseButton.LeftButton and self.area().contains(event.position()):
            self._pressed = self._to = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw the rectangle, or say what is under the mouse."""
        if self._pressed is not None:
            self._to = event.position()
            self.update()
        inside = self.area().contains(event.position())
        self.pointed.emit(*(self.cell(event.position()) if inside else (-1, -1)))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """It was a click, or the rectangle is done."""
        if self._pressed is None or self._to is None:
            return
        self._to = event.position()
        first, last, dragged = self.cell(self._pressed), self.cell(self._to), self._dragged
        self._pressed = self._to = None
        self.update()
        if not dragged:
            rect = self.cell_rect(*first).toRect()
            self.pixel_chosen.emit(*first, QRect(QPoint(rect.left(), rect.top()), rect.size()))
            return
        top, left = min(first[0], last[0]), min(first[1], last[1])
        self.patch_drawn.emit(top, left, abs(first[0] - last[0]) + 1, abs(first[1] - last[1]) + 1)

    def leaveEvent(self, event: object) -> None:
        """Nothing is pointed at."""
        self.pointed.emit(-1, -1)
