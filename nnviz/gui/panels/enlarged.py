"""One picture of a grid, large, with its numbers written into the cells where there is room."""

from __future__ import annotations

import math

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import guarded
from nnviz.gui.look.scales import NOT_A_NUMBER, image_of, paint_no_number
from nnviz.gui.panels.range_bar import RangeBar
from nnviz.gui.panels.tile_data import TileData, tile_words
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.screens import beside
from nnviz.gui.parts.widgets import ElidedLabel, refresh_fonts, set_font


class LargeTile(QWidget):
    """One tile of a grid, drawn large, with numbers in its cells where they fit."""

    SIDE = 392
    #: Row and column of a number that was clicked.
    picked = Signal(int, int)

    #: A number was clicked twice: its row and its column.
    chosen = Signal(int, int)

    def __init__(self, label: QLabel, parent: QWidget) -> None:
        super().__init__(parent)
        self._label = label
        self._data: TileData | None = None
        self._index = 0
        self.setFixedSize(QSize(self.SIDE, self.SIDE))
        self.setMouseTracking(True)

    def show_tile(self, data: TileData, index: int) -> None:
        """Show one tile of these."""
        self._data, self._index = data, index
        self.setAccessibleName(tile_words(data, index))
        self._label.setText(tile_words(data, index))
        self.update()

    def _area(self) -> QRect:
        assert self._data is not None  # painted and asked only while it shows something
        height, width = self._data.tile
        scale = min(self.width() / width, self.height() / height)
        if scale >= 1:
            scale = math.floor(scale)
        size = QSize(max(1, round(width * scale)), max(1, round(height * scale)))
        return QRect(QPoint((self.width() - size.width()) // 2, (self.height() - size.height()) // 2), size)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Cells, and their numbers where they are legible."""
        if self._data is None:
            return
        painter = QPainter(self)
        area = self._area()
        height, width = self._data.tile
        colours = self._data.colours[self._index]
        painter.drawImage(area, image_of(colours))
        values = self._data.values[self._index]
        cell_width, cell_height = area.width() / width, area.height() / height
        if values.ndim != 2 or cell_width < 44 or cell_height < 18:
            return
        painter.setFont(themes.scene_font(12, 500))
        for row in range(height):
            for column in range(width):
                pixel = QColor.fromRgb(int(colours[row, column]))
                light = pixel.lightnessF() > 0.55
                painter.setPen(QColor(0, 0, 0) if light else QColor(255, 255, 255))
                place = QRectF(
                    area.left() + column * cell_width, area.top() + row * cell_height, cell_width, cell_height
                )
                if colours[row, column] == NOT_A_NUMBER:
                    paint_no_number(painter, place)
                    plate = QRectF(0.0, 0.0, 36.0, 18.0)
                    plate.moveCenter(place.center())
                    painter.fillRect(plate, themes.current().plot_background)
                    painter.setPen(themes.current().text)
                text = themes.format_number(float(values[row, column]), 2)
                painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), text)

    def _cell(self, point: QPointF) -> tuple[int, int] | None:
        if self._data is None:
            return None
        area = self._area()
        if not area.contains(point.toPoint()):
            return None
        height, width = self._data.tile
        row = int((point.y() - area.top()) * height / area.height())
        column = int((point.x() - area.left()) * width / area.width())
        return min(row, height - 1), min(column, width - 1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click on a number picks it."""
        cell = self._cell(event.position())
        if cell is not None and event.button() is Qt.MouseButton.LeftButton:
            self.picked.emit(*cell)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what is under the mouse."""
        if self._data is not None:
            cell = self._cell(event.position()) or (-1, -1)
            self._label.setText(tile_words(self._data, self._index, *cell))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Name the number under the mouse."""
        cell = self._cell(event.position())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(*cell)

    def cell_rect(self, row: int, column: int) -> QRect:
        """Where a number stands in the widget."""
        if self._data is None:
            return QRect()
        area = self._area()
        height, width = self._data.tile
        side, rise = area.width() / width, area.height() / height
        return QRectF(area.left() + column * side, area.top() + row * rise, side, rise).toRect()


class Enlarged(QFrame):
    """A card with one large picture; the arrow keys go to its neighbours, Escape or a click elsewhere closes it.

    Args:
        data: The pictures.
        index: Which one is shown first.
        title: Heading.
        parent: Owner.
        more: What else can be done, for the line at the foot.
    """

    #: A number was clicked twice: picture, row and column.
    chosen = Signal(int, int, int)
    #: A key that is none of its own.
    key_pressed = Signal(object)

    def __init__(self, data: TileData, index: int, title: str, parent: QWidget, more: str = "") -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("enlarged")
        self._data = data
        self.index = index
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 12)
        column.setSpacing(8)
        heading = ElidedLabel(title, self)
        set_font(heading, 13, 600)
        column.addWidget(heading)
        self.reading = ElidedLabel("", self)
        set_font(self.reading, 12)
        self.reading.setProperty("role", "muted")
        self.picture = LargeTile(self.reading, self)
        column.addWidget(self.picture)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.reading, 1)
        self.range_bar = RangeBar(self)
        foot.addWidget(self.range_bar)
        column.addLayout(foot)
        self.picture.chosen.connect(lambda row, column: self.chosen.emit(self.index, row, column))
        hint = QLabel(" · ".join(filter(None, (more, "Arrow keys: the neighbours", "Esc: close"))), self)
        hint.setProperty("role", "faint")
        set_font(hint, 12)
        column.addWidget(hint)
        self._show()
        self.restyle()
        follow(themes.notifier.changed, self.restyle)

    def restyle(self) -> None:
        """Take the colours and letters of the theme."""
        theme = themes.current()
        self.setStyleSheet(
            f"#enlarged {{ background: {theme.panel_raised.name()}; border: 1px solid {theme.border.name()};"
            " border-radius: 8px; }"
        )
        refresh_fonts(self)

    def _show(self) -> None:
        self.picture.show_tile(self._data, self.index)
        self.range_bar.set_scale(self._data.scale(self.index))

    def show_data(self, data: TileData) -> None:
        """The numbers have changed: go on showing the same tile."""
        self._data = data
        self.index = min(self.index, len(data) - 1)
        self._show()

    def show_beside(self, anchor: QWidget) -> None:
        """Open at the left of a widget where there is room, else over it, wholly on the screen."""
        self.adjustSize()
        corner = anchor.mapToGlobal(QPoint(0, 0))
        places = [corner - QPoint(self.width() + 8, 0), corner + QPoint((anchor.width() - self.width()) // 2, 0)]
        self.move(beside(self.size(), places, anchor.screen().availableGeometry()).topLeft())
        self.show()
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right, up and down go to the tile before and after; Escape closes."""
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}
        step = steps.get(Qt.Key(event.key()))
        if step is not None:
            self.index = min(max(self.index + step, 0), len(self._data) - 1)
            self._show()
        elif event.key() in {Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space}:
            self.close()
        else:
            self.key_pressed.emit(event)
            super().keyPressEvent(event)
