"""A small drawing of how a window slides along one axis: pixels, padding, the places of the window, what is never read.

Long axes are cut: the first places and the last are shown, since it is at the ends that sizes are decided.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import Saved, answering, guarded
from nnviz.gui.look.theme import mixed
from nnviz.project.declared.layers.windows import AXES
from nnviz.project.sweep import Sweep

_CELL = 8.0
_GAP = 18.0
_LEVELS = 3
_STEP = 5.0
_CAPTION = 15.0
_ROW = 2 * _CELL + _LEVELS * _STEP + 4.0


class SweepView(QWidget):
    """One row of pixels for each axis that differs; hidden where no window slides."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sweeps: tuple[Sweep, ...] = ()
        self._names: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.hide()

    @property
    def sweeps(self) -> tuple[Sweep, ...]:
        """The axes that are drawn: one where all are alike."""
        return self._sweeps

    def show_sweeps(self, sweeps: Sequence[Sweep]) -> None:
        """Draw these; a window of one pixel in steps of one has nothing to show."""
        shown = tuple(sweeps)
        names = AXES.get(len(shown), ())
        if len(set(shown)) == 1:
            shown, names = shown[:1], ("",)
        if all(sweep.reach == sweep.stride == 1 and not sweep.padding for sweep in shown):
            shown, names = (), ()
        self.setVisible(bool(shown))
        if (shown, names) == (self._sweeps, self._names):
            return
        self._sweeps, self._names = shown, names
        self.setFixedHeight(self.sizeHint().height())
        self.setAccessibleName(" ".join(sentence_of(*pair) for pair in zip(names, shown, strict=True)))
        self.setToolTip("\n".join(sentence_of(*pair) for pair in zip(names, shown, strict=True)))
        self.update()

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """As high as its rows."""
        rows = sum(_ROW + (_CAPTION if name else 0.0) for name in self._names)
        return QSize(200, round(rows))

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Each row: pixels, and under them the places of the window in turn on three levels."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top = 0.0
        for name, sweep in zip(self._names, self._sweeps, strict=True):
            if name:
                painter.setFont(themes.font(12))
                painter.setPen(themes.current().text_faint)
                painter.drawText(QRectF(0, top, self.width(), _CAPTION), Qt.AlignmentFlag.AlignVCenter, name)
                top += _CAPTION
            self._paint_row(painter, sweep, top)
            top += _ROW
        painter.end()

    def _paint_row(self, painter: QPainter, sweep: Sweep, top: float) -> None:
        theme = themes.current()
        first, last = -sweep.padding, sweep.size - 1 + sweep.padding
        if sweep.ceil_mode:
            last = max(last, sweep.starts[-1] + sweep.reach - 1)
        pieces = pieces_of(first, last, self.width())
        x = 0.0
        for number, (low, high) in enumerate(pieces):
            if number:
                painter.setPen(theme.text_faint)
                painter.setFont(themes.font(12))
                painter.drawText(QRectF(x, top - 3, _GAP, _CELL + 6), Qt.AlignmentFlag.AlignCenter, "…")
                x += _GAP
            for pixel in range(low, high + 1):
                self._paint_pixel(painter, sweep, pixel, QRectF(x + (pixel - low) * _CELL, top + 1, _CELL - 1.5, _CELL))
            self._paint_places(painter, sweep, low, high, QPointF(x, top + _CELL + 5))
            x += (high - low + 1) * _CELL

    @staticmethod
    def _paint_pixel(painter: QPainter, sweep: Sweep, pixel: int, cell: QRectF) -> None:
        theme = themes.current()
        panel = QColor(theme.panel)
        if not 0 <= pixel < sweep.size:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QBrush(mixed(panel, QColor(theme.text_muted), 0.55), Qt.BrushStyle.BDiagPattern))
            painter.drawRect(cell)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(mixed(panel, QColor(theme.text_muted), 0.4), 0.8))
        elif sweep.reads(pixel):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(mixed(panel, QColor(theme.text_muted), 0.55))
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.danger))
        painter.drawRect(cell)

    @staticmethod
    def _paint_places(painter: QPainter, sweep: Sweep, low: int, high: int, origin: QPointF) -> None:
        """Each place of the window is a line with a dot for each point that it reads."""
        theme = themes.current()
        colour = QColor(theme.accent)
        begin = max(0, -(-(low + sweep.padding - sweep.reach + 1) // sweep.stride))
        end = min(sweep.count - 1, (high + sweep.padding) // sweep.stride)
        with Saved(painter):
            painter.setClipRect(QRectF(origin.x(), origin.y() - 4, (high - low + 1) * _CELL, _LEVELS * _STEP + 8))
            for place in range(begin, end + 1):
                start = place * sweep.stride - sweep.padding
                y = origin.y() + (place % _LEVELS) * _STEP
                left = origin.x() + (start - low) * _CELL
                painter.setPen(QPen(colour, 1.6))
                painter.drawLine(QPointF(left + 1, y), QPointF(left + sweep.reach * _CELL - 2.5, y))
                if sweep.dilation > 1:
                    painter.setPen(Qt.PenStyle.NoPen)
                    painter.setBrush(colour)
                    for point in range(sweep.kernel):
                        painter.drawEllipse(QPointF(left + (point * sweep.dilation + 0.5) * _CELL - 0.75, y), 2.0, 2.0)


def pieces_of(first: int, last: int, width: float) -> list[tuple[int, int]]:
    """The stretches of an axis that fit into a width: all of it, or its beginning and its end."""
    room = int(width // _CELL)
    if last - first + 1 <= room:
        return [(first, last)]
    room = max(2, int((width - _GAP) // _CELL))
    return [(first, first + room - room // 2 - 1), (last - room // 2 + 1, last)]


def sentence_of(name: str, sweep: Sweep) -> str:
    """What the drawing of the sliding window shows, in words for a screen reader."""
    where = f"{name.capitalize()}: a" if name else "A"
    lost = f", {sweep.unread} never read" if sweep.unread else ""
    padding = f" and {sweep.padding} of padding at each end" if sweep.padding else ""
    return (
        f"{where} window of {sweep.reach} at {sweep.count} places, {sweep.stride} apart, over {sweep.size} "
        f"pixels{padding}{lost}."
    )
