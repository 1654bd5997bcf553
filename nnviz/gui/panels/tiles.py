"""A grid of small pictures with hard pixels: filters, templates, feature maps."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import answering, guarded
from nnviz.gui.look.scales import image_of
from nnviz.gui.panels.tile_data import Layout, TileData, arrange, tile_words


class TileView(QWidget):
    """The grid. The mouse or the arrow keys move a cursor, a click or Enter enlarges the tile under it.

    Attributes:
        readout: Signal: what is under the mouse or the cursor, in words; empty when there is nothing.
        enlarge_requested: Signal: index of the tile to enlarge.
    """

    readout = Signal(str)
    enlarge_requested = Signal(int)
    #: Tile, row and column of a number that was clicked while numbers are taken apart.
    picked = Signal(int, int, int)

    def __init__(self, *, room: int, least: int = 18, parent: QWidget | None = None) -> None:
        """Make an empty grid.

        Args:
            room: Height to fit the tiles into where that is possible; a higher grid scrolls. 0 takes the height of the
                scroll area around it.
            least: Length of a tile's longer side under which nothing can be seen.
            parent: Owner.
        """
        super().__init__(parent)
        self._room = room
        self._least = least
        self._data: TileData | None = None
        self._layout: Layout | None = None
        self._layout_for: tuple[int, tuple[int, int], int, int, float] | None = None
        self._image: QImage | None = None
        self._cursor = -1
        self._hovered = -1
        self._spot: QPointF | None = None
        #: Whether a click picks a number instead of enlarging its tile.
        self.picks = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    @property
    def data(self) -> TileData | None:
        """What is shown."""
        return self._data

    @property
    def cursor_index(self) -> int:
        """The tile under the keyboard's cursor; -1 for none."""
        return self._cursor

    @property
    def pointed(self) -> int:
        """The tile under the mouse or, with the focus here, under the keyboard's cursor; -1 for none."""
        return self._hovered if self._hovered >= 0 else self._cursor if self.hasFocus() else -1

    def set_room(self, height: int) -> None:
        """Fit the tiles into another height."""
        if height != self._room:
            self._room = height
            self.updateGeometry()
            self.update()

    def show_tiles(self, data: TileData | None) -> None:
        """Show these tiles; the cursor stays where it is."""
        before = self._shape_of(self._data)
        self._data, self._image = data, None
        if self._shape_of(data) != before:
            self._cursor = -1
            self.updateGeometry()
        self.update()
        self._say()

    # ------------------------------------------------------------------ geometry

    @staticmethod
    def _shape_of(data: TileData | None) -> tuple[int, ...]:
        return () if data is None else data.colours.shape

    def layout_at(self, width: int) -> Layout | None:
        """How the tiles lie in a width."""
        if self._data is None or not len(self._data):
            return None
        ratio = self.devicePixelRatioF()
        key = (len(self._data), self._data.tile, width, self._room, ratio)
        if key != self._layout_for:
            room = self._room if self._room > 0 else 10_000
            self._layout = arrange(
                len(self._data),
                self._data.tile,
                max(int(width * ratio), 1),
                max(int(room * ratio), 1),
                round(self._least * ratio) if max(self._data.tile) > 1 else round(10 * ratio),
                round(170 * ratio) if max(self._data.tile) > 1 else round(26 * ratio),
            )
            self._layout_for = key
        return self._layout

    def heightForWidth(self, width: int) -> int:
        """Height of the whole grid at this width."""
        layout = self.layout_at(width)
        return 0 if layout is None else math.ceil(layout.total_height / self.devicePixelRatioF())

    def hasHeightForWidth(self) -> bool:
        """The narrower, the higher."""
        return True

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """At the present width."""
        return QSize(200, self.heightForWidth(max(self.width(), 60)))

    def minimumSizeHint(self) -> QSize:
        """Any width, the height it needs there."""
        return QSize(60, self.heightForWidth(max(self.width(), 60)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width needs another height."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self.updateGeometry()
            self._image = None

    def index_at(self, point: QPointF) -> int:
        """The tile under a point; -1 for none."""
        layout = self.layout_at(self.width())
        if layout is None or self._data is None:
            return -1
        ratio = self.devicePixelRatioF()
        x, y = point.x() * ratio, point.y() * ratio
        column, row = math.floor(x / (layout.width + layout.gap)), math.floor(y / (layout.height + layout.gap))
        index = row * layout.columns + column
        if not (0 <= column < layout.columns and row >= 0 and index < len(self._data)):
            return -1
        return index

    def cell_at(self, point: QPointF) -> tuple[int, int, int] | None:
        """Tile, row and column of the number under a point, or None."""
        index = self.index_at(point)
        layout = self.layout_at(self.width())
        if index < 0 or layout is None or self._data is None:
            return None
        place = layout.place(index)
        ratio = self.devicePixelRatioF()
        height, width = self._data.tile
        row = math.floor((point.y() * ratio - place.y()) * height / place.height())
        column = math.floor((point.x() * ratio - place.x()) * width / place.width())
        return (index, row, column) if 0 <= row < height and 0 <= column < width else None

    def tile_rect(self, index: int) -> QRectF:
        """Where a tile lies in the widget."""
        layout = self.layout_at(self.width())
        if layout is None:
            return QRectF()
        place, ratio = layout.place(index), self.devicePixelRatioF()
        return QRectF(place.x() / ratio, place.y() / ratio, place.width() / ratio, place.height() / ratio)

    # ------------------------------------------------------------------ painting

    def _composed(self, layout: Layout, data: TileData) -> QImage:
        """All tiles in one picture: drawing thousands of small ones would take longer."""
        height, width = data.tile
        rows = ((np.arange(layout.height) + 0.5) * height / layout.height).astype(int)
        columns = ((np.arange(layout.width) + 0.5) * width / layout.width).astype(int)
        tiles = data.colours[:, rows][:, :, columns]
        count = len(tiles)
        full = np.zeros(
            (layout.rows * layout.columns, layout.height + layout.gap, layout.width + layout.gap), dtype=np.uint32
        )
        full[:count, : tiles.shape[1], : tiles.shape[2]] = tiles
        grid = full.reshape(layout.rows, layout.columns, *full.shape[1:]).transpose(0, 2, 1, 3)
        return image_of(grid.reshape(layout.rows * full.shape[1], layout.columns * full.shape[2]))

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the grid, the red frames and the cursor."""
        layout, data = self.layout_at(self.width()), self._data
        if layout is None or data is None:
            return
        if self._image is None:
            self._image = self._composed(layout, data)
            self._image.setDevicePixelRatio(self.devicePixelRatioF())
        painter = QPainter(self)
        painter.drawImage(0, 0, self._image)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        pen = QPen(QColor(themes.current().danger), 2)
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        painter.setPen(pen)
        for index in data.marked:
            if index < len(data):
                painter.drawRect(self.tile_rect(index).adjusted(1, 1, -1, -1))
        shown = self.pointed
        if 0 <= shown < len(data):
            painter.setPen(QPen(QColor(themes.current().accent), 2))
            painter.drawRect(self.tile_rect(shown).adjusted(0, 0, 0, 0))

    # ------------------------------------------------------------------ mouse and keyboard

    def describe(self, index: int, row: int = -1, column: int = -1) -> str:
        """A tile, or one number in it, in words."""
        data = self._data
        if data is None or not 0 <= index < len(data):
            return ""
        return tile_words(data, index, row, column)

    def _say(self) -> None:
        cell = None if self._spot is None else self.cell_at(self._spot)
        if cell is not None:
            self.readout.emit(self.describe(*cell))
        elif self._cursor >= 0 and self.hasFocus():
            self.readout.emit(self.describe(self._cursor))
        else:
            self.readout.emit("")

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what is under the mouse."""
        self._spot = event.position()
        hovered = self.index_at(event.position())
        if hovered != self._hovered:
            self._hovered = hovered
            self.setCursor(Qt.CursorShape.PointingHandCursor if hovered >= 0 else Qt.CursorShape.ArrowCursor)
            self.update()
        self._say()

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse any more."""
        self._spot, self._hovered = None, -1
        self.update()
        self._say()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click enlarges."""
        index = self.index_at(event.position())
        if index >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self._cursor = index
            cell = self.cell_at(event.position()) if self.picks else None
            if cell is not None:
                self.picked.emit(*cell)
            else:
                self.enlarge_requested.emit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys move the cursor, Enter and Space enlarge."""
        layout, data = self.layout_at(self.width()), self._data
        if layout is None or data is None:
            super().keyPressEvent(event)
            return
        moves = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -layout.columns,
            Qt.Key.Key_Down: layout.columns,
        }
        key = Qt.Key(event.key())
        if key in moves:
            target = self._cursor + moves[key] if self._cursor >= 0 else 0
            if 0 <= target < len(data):
                self._cursor = target
                self.update()
                self._say()
                self._scroll_to(target)
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space} and self._cursor >= 0:
            self.enlarge_requested.emit(self._cursor)
        else:
            super().keyPressEvent(event)

    def _scroll_to(self, index: int) -> None:
        parent = self.parentWidget()
        while parent is not None and not isinstance(parent, QScrollArea):
            parent = parent.parentWidget()
        if isinstance(parent, QScrollArea) and (page := parent.widget()) is not None:
            centre: QPoint = self.tile_rect(index).center().toPoint()
            place = self.mapTo(page, centre)
            parent.ensureVisible(place.x(), place.y(), 20, 40)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the cursor."""
        super().focusInEvent(event)
        if (
            self._cursor < 0
            and self._data is not None
            and event.reason()
            in {
                Qt.FocusReason.TabFocusReason,
                Qt.FocusReason.BacktabFocusReason,
            }
        ):
            self._cursor = 0
        self.update()
        self._say()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the cursor."""
        super().focusOutEvent(event)
        self.update()
        self._say()
