"""The confusion matrix: a row a class as it is, a column a class as it was taken for; a click asks what lies behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import Saved, answering, guarded
from nnviz.gui.look.scales import Scale, image_of, legible_on
from nnviz.gui.parts.following import follow
from nnviz.record.number_text import percent

#: What a cell says: how many, which part of its row, or how many of the mistakes alone.
Cells = Literal["count", "share", "errors"]

#: Pixels of a cell: the largest, the least with lines around it, and how much longer one side may be than the other.
_LARGEST, _LINED, _STRETCH = 76.0, 9.0, 2.4
#: Pixels for the names of classes at the most.
_NAME_ROOM = 96.0
_ARROWS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


class ConfusionView(QWidget):
    """The matrix with its names; the whole of it is always in sight.

    Attributes:
        picked: Signal: (right class, class it was taken for) of a cell that was clicked.
        pointed: Signal: a sentence about the cell under the mouse or the keys; empty where there is none.
    """

    picked = Signal(int, int)
    pointed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: tuple[str, ...] = ()
        self._counts: NDArray[np.int64] = np.zeros((0, 0), np.int64)
        self._cells: Cells = "count"
        self._at: tuple[int, int] | None = None
        self._chosen: tuple[int, int] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(180, 80)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Confusion matrix")
        follow(themes.notifier.changed, self._restyle)

    def _restyle(self) -> None:
        self.update()

    # ------------------------------------------------------------------ what is shown

    def show_counts(self, names: Sequence[str], counts: NDArray[np.int64], cells: Cells) -> None:
        """Show int64[k, k], how many of each class (row) were taken for each (column)."""
        if len(names) != len(self._names):
            self._at = self._chosen = None
        self._names, self._counts, self._cells = tuple(names), counts, cells
        wrong = int(counts.sum() - np.trace(counts))
        self.setAccessibleDescription(
            f"{len(names)} classes, {wrong} mistakes. Arrow keys walk, Enter shows the examples."
        )
        self.update()

    @property
    def values(self) -> NDArray[np.float64]:
        """What is painted, as numbers: counts, or per cent of the row; NaN where nothing is said."""
        counts = self._counts.astype(np.float64)
        if self._cells == "share":
            with np.errstate(invalid="ignore"):
                shares: NDArray[np.float64] = 100.0 * counts / counts.sum(1, keepdims=True)
            return shares
        if self._cells == "errors":
            np.fill_diagonal(counts, np.nan)
        return counts

    @property
    def scale(self) -> Scale | None:
        """The colours of the cells; None where there are none."""
        values = self.values
        known = values[np.isfinite(values)]
        if not known.size:
            return None
        return Scale("sequential", 0.0, 100.0 if self._cells == "share" else max(1.0, float(known.max())))

    def text_of(self, row: int, column: int) -> str:
        """What stands in a cell; nothing for none."""
        count = int(self._counts[row, column])
        if not count or (self._cells == "errors" and row == column):
            return ""
        if self._cells == "share":
            return percent(count / int(self._counts[row].sum()))
        return themes.format_count(count)

    def sentence(self, row: int, column: int) -> str:
        """A cell in a sentence."""
        count, whole = int(self._counts[row, column]), int(self._counts[row].sum())
        right, taken = self._names[row], self._names[column]
        if not whole:
            return f"There is no example of {right}."
        some = f"{themes.format_count(count)} of {themes.format_count(whole)}"
        share = f"{some} examples of {right} ({percent(count / whole, 1)})"
        done = "were recognised" if row == column else f"were taken for {taken}"
        return f"{share} {done}. Click to see them." if count else f"No example of {right} was taken for {taken}."

    def choose(self, cell: tuple[int, int] | None) -> None:
        """Mark a cell as the one whose examples are shown."""
        if cell != self._chosen:
            self._chosen = cell
            self.update()

    # ------------------------------------------------------------------ where everything lies

    def _metrics(self) -> QFontMetricsF:
        return QFontMetricsF(themes.font(12))

    def layout_of(self) -> tuple[QRectF, float, float, bool]:
        """(the cells, width and height of one, whether the names above stand upright)."""
        metrics, count = self._metrics(), max(1, len(self._names))
        line = metrics.height()
        widest = max((metrics.horizontalAdvance(name) for name in self._names), default=0.0)
        left = line + 6 + min(widest, _NAME_ROOM) + 6
        room = self.width() - left - 4
        upright = widest > min(room / count, _LARGEST) - 6
        top = line + 4 + (min(widest, _NAME_ROOM) if upright else line) + 6
        wide, high = room / count, (self.height() - top - 2) / count
        wide, high = min(wide, _LARGEST, high * _STRETCH), min(high, _LARGEST, wide * _STRETCH)
        wide, high = max(wide, 1.0), max(high, 1.0)
        return QRectF(left, top, wide * count, high * count), wide, high, upright

    def cell_at(self, place: QPointF) -> tuple[int, int] | None:
        """(row, column) under a place; None beside the cells."""
        area, wide, high, _ = self.layout_of()
        if not self._names or not area.contains(place):
            return None
        last = len(self._names) - 1
        return min(int((place.y() - area.top()) / high), last), min(int((place.x() - area.left()) / wide), last)

    def area_of(self, row: int, column: int) -> QRectF:
        """Where a cell lies."""
        area, wide, high, _ = self.layout_of()
        return QRectF(area.left() + column * wide, area.top() + row * high, wide, high)

    # ------------------------------------------------------------------ painting

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Cells, lines between them, names, numbers where they fit, and what is pointed at."""
        scale = self.scale
        if scale is None:
            return
        colours, values = themes.current(), self.values
        area, wide, high, upright = self.layout_of()
        painter = QPainter(self)
        painter.setFont(themes.font(12))
        painter.fillRect(area, colours.panel_raised)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        image = image_of(scale.paint(np.nan_to_num(values)))
        painter.drawImage(area, image)
        count = len(self._names)
        if self._cells == "errors":
            for place in range(count):
                painter.fillRect(self.area_of(place, place), colours.panel_raised)
        if min(wide, high) >= _LINED:
            painter.setPen(QPen(colours.panel, 1))
            for place in range(count + 1):
                x, y = area.left() + place * wide, area.top() + place * high
                painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
                painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        self._paint_numbers(painter, scale, values, wide, high)
        self._paint_names(painter, area, wide, high, upright)
        for cell, width in ((self._chosen, 3.0), (self._at, 2.0)):
            if cell is not None and max(cell) < count:
                painter.setPen(QPen(colours.accent if width > 2 else colours.text, width))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(self.area_of(*cell).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def _paint_numbers(
        self, painter: QPainter, scale: Scale, values: NDArray[np.float64], wide: float, high: float
    ) -> None:
        size = 14 if high >= 30 and wide >= 40 else 12
        metrics = QFontMetricsF(themes.font(size))
        count = len(self._names)
        if high < metrics.height() or wide < metrics.horizontalAdvance("00"):
            return
        painter.setFont(themes.font(size))
        for row, column in zip(*np.nonzero(self._counts), strict=True):
            text = self.text_of(int(row), int(column))
            if text and max(row, column) < count and metrics.horizontalAdvance(text) <= wide - 3:
                painter.setPen(legible_on(scale.colour(float(values[row, column]))))
                painter.drawText(self.area_of(int(row), int(column)), Qt.AlignmentFlag.AlignCenter, text)
        painter.setFont(themes.font(12))

    def _paint_names(self, painter: QPainter, area: QRectF, wide: float, high: float, upright: bool) -> None:
        metrics, colours = self._metrics(), themes.current()
        line = metrics.height()
        painter.setPen(colours.text_muted)
        painter.drawText(
            QRectF(area.left(), 0, max(area.width(), self.width() - area.left()), line),
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
            "taken for",
        )
        flush = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        with Saved(painter):
            painter.translate(0, area.top() + min(area.height(), self.height() - area.top()))
            painter.rotate(-90)
            painter.drawText(QRectF(0, 0, area.height(), line), flush, "is really")
        painter.setPen(colours.text)
        every = max(1, int(np.ceil(line / high)))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        room = area.left() - line - 12
        for row in range(0, len(self._names), every):
            text = metrics.elidedText(self._names[row], Qt.TextElideMode.ElideRight, room)
            middle = area.top() + (row + 0.5) * high
            painter.drawText(QRectF(line + 6, middle - line / 2, room, line), right, text)
        every = max(1, int(np.ceil(line / wide))) if upright else 1
        for column in range(0, len(self._names), every):
            middle = area.left() + (column + 0.5) * wide
            if not upright:
                where = QRectF(middle - wide / 2, area.top() - line - 4, wide, line)
                painter.drawText(where, Qt.AlignmentFlag.AlignCenter, self._names[column])
                continue
            text = metrics.elidedText(self._names[column], Qt.TextElideMode.ElideRight, _NAME_ROOM)
            left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            with Saved(painter):
                painter.translate(middle - line / 2, area.top() - 4)
                painter.rotate(-90)
                painter.drawText(QRectF(0, 0, _NAME_ROOM, line), left, text)

    # ------------------------------------------------------------------ hands

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """As large as there is room for."""
        return QSize(420, 320)

    def _point(self, cell: tuple[int, int] | None) -> None:
        if cell != self._at:
            self._at = cell
            self.update()
            self.pointed.emit("" if cell is None else self.sentence(*cell))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """A sentence about the cell under the mouse."""
        self._point(self.cell_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """The sentence goes with the mouse."""
        self._point(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The examples behind a cell."""
        cell = self.cell_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and cell is not None:
            self._pick(cell)
            return
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The arrow keys walk over the cells, Enter shows the examples of one."""
        step = _ARROWS.get(Qt.Key(event.key()))
        last = len(self._names) - 1
        if step is not None and last >= 0:
            row, column = self._at or self._chosen or (0, 0)
            if self._at is not None or self._chosen is not None:
                row, column = min(max(row + step[0], 0), last), min(max(column + step[1], 0), last)
            self._point((row, column))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._at is not None:
            self._pick(self._at)
        else:
            super().keyPressEvent(event)

    def _pick(self, cell: tuple[int, int]) -> None:
        self.choose(cell)
        self.picked.emit(*cell)
