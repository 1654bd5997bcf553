"""One row of a table: its columns by name, each number, and where it lies between the smallest and the largest."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from nnviz.gui.look import theme
from nnviz.gui.look.painting import guarded


def number_words(value: float, figures: int = 5) -> str:
    """A number of the data, as it stands there, with up to so many figures: measured ones are rounded further."""
    return f"{value:.{figures}g}".replace("-", "\u2212")


class RowValues(QAbstractScrollArea):
    """A line a column; the dot stands where the number lies between the ends of all training examples."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: tuple[str, ...] = ()
        self._values: NDArray[np.float32] = np.empty(0, np.float32)
        self._low: NDArray[np.float32] = np.empty(0, np.float32)
        self._high: NDArray[np.float32] = np.empty(0, np.float32)
        self.setAccessibleName("The row in numbers")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def show_row(
        self,
        names: tuple[str, ...],
        values: NDArray[np.float32],
        low: NDArray[np.float32],
        high: NDArray[np.float32],
    ) -> None:
        """Show a row; ``low`` and ``high`` are the ends of each column."""
        self._names, self._values, self._low, self._high = names, values, low, high
        self.setAccessibleDescription(
            ", ".join(f"{name} {value:.5g}" for name, value in zip(names[:50], values[:50].tolist(), strict=True))
        )
        self._lay_out()

    @property
    def _line(self) -> int:
        return QFontMetrics(theme.font(13)).height() + 12

    def _lay_out(self) -> None:
        bar = self.verticalScrollBar()
        bar.setSingleStep(self._line)
        bar.setPageStep(self.viewport().height())
        bar.setRange(0, max(0, len(self._names) * self._line - self.viewport().height()))
        self.viewport().update()

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The lines in sight."""
        colours, line, top = theme.current(), self._line, self.verticalScrollBar().value()
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = self.viewport().width()
        name_width, value_width = round(width * 0.36), round(84 * theme.text_scale())
        first = top // line
        for at in range(first, min(len(self._names), first + self.viewport().height() // line + 2)):
            y = at * line - top
            painter.setFont(theme.font(13))
            painter.setPen(colours.text_muted)
            name = painter.fontMetrics().elidedText(self._names[at], Qt.TextElideMode.ElideRight, name_width - 10)
            painter.drawText(QRect(0, y, name_width, line), int(Qt.AlignmentFlag.AlignVCenter), name)
            value = float(self._values[at])
            painter.setFont(theme.font(13, 600))
            painter.setPen(colours.text)
            box = QRect(name_width, y, value_width, line)
            flags = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
            painter.drawText(box, flags, number_words(value))
            self._paint_place(painter, QRectF(box.right() + 16, y, width - box.right() - 24, line), at, value)

    def _paint_place(self, painter: QPainter, area: QRectF, at: int, value: float) -> None:
        colours = theme.current()
        low, high = float(self._low[at]), float(self._high[at])
        if area.width() < 40:
            return
        middle = area.center().y()
        painter.setPen(QPen(colours.border, 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(QPointF(area.left(), middle), QPointF(area.right(), middle))
        if not math.isfinite(value) or not high > low:
            return
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.accent)
        painter.drawEllipse(QPointF(area.left() + share * area.width(), middle), 5, 5)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many lines as fit."""
        self._lay_out()
