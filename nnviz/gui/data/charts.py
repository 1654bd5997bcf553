"""How many examples each class has in each split, and how the numbers of a channel or a column are spread."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from nnviz.data.described import Histogram
from nnviz.data.viewing import SPLIT_TITLES, SPLITS
from nnviz.gui.data.row_values import number_words
from nnviz.gui.look import theme
from nnviz.gui.look.painting import guarded
from nnviz.gui.look.scales import class_colour

_CENTRE = int(Qt.AlignmentFlag.AlignVCenter)
_RIGHT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)


class BalanceChart(QAbstractScrollArea):
    """A line a class: a bar for each split, as long as the class is large in it beside the largest class of any."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: tuple[str, ...] = ()
        self._counts: NDArray[np.int64] = np.zeros((0, 1), np.int64)
        self.setAccessibleName("Examples of each class")

    def show_counts(self, names: tuple[str, ...], counts: NDArray[np.int64]) -> None:
        """Show int64[classes, splits]."""
        self._names, self._counts = names, counts
        self.setAccessibleDescription(
            "; ".join(f"{name} {', '.join(map(str, row))}" for name, row in zip(names, counts.tolist(), strict=True))
        )
        self.setMaximumHeight(self._head + len(names) * self._line + 12)
        self._lay_out()

    @property
    def _line(self) -> int:
        return max(QFontMetrics(theme.font(13)).height() + 12, 18)

    @property
    def _head(self) -> int:
        return QFontMetrics(theme.font(12)).height() + 14

    def _lay_out(self) -> None:
        bar = self.verticalScrollBar()
        bar.setSingleStep(self._line)
        bar.setPageStep(self.viewport().height())
        bar.setRange(0, max(0, self._head + len(self._names) * self._line + 8 - self.viewport().height()))
        self.viewport().update()

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The lines in sight, and what the columns mean above them."""
        colours, line, top = theme.current(), self._line, self.verticalScrollBar().value()
        painter = QPainter(self.viewport())
        splits = self._counts.shape[1]
        metrics = QFontMetrics(theme.font(13))
        wide = self.viewport().width()
        longest = max((metrics.horizontalAdvance(name) for name in self._names[:200]), default=0)
        left = min(longest + 26, round(wide * 0.34))
        each = (wide - left - 8) / max(splits, 1)
        number = metrics.horizontalAdvance("00 000") + 10
        largest = self._counts.max(0, initial=0)
        first = max(0, (top - self._head) // line)
        for at in range(first, min(len(self._names), first + self.viewport().height() // line + 3)):
            y = self._head + at * line - top
            colour = class_colour(at, colours)
            painter.setFont(theme.font(13))
            painter.setPen(colours.text)
            name = metrics.elidedText(self._names[at], Qt.TextElideMode.ElideRight, left - 22)
            painter.drawText(QRect(4, y, left - 18, line), _RIGHT, name)
            for split in range(splits):
                count, most = int(self._counts[at, split]), int(largest[split])
                x = left + split * each
                room = max(8.0, each - number - 14)
                length = room * count / most if most else 0.0
                bar = QRectF(x, y + 4, max(length, 1.0), line - 8)
                painter.fillRect(bar, colour if split == 0 else theme.mixed(colour, colours.panel, 0.25 * split))
                painter.setPen(colours.danger if count == 0 and split == 0 else colours.text_muted)
                painter.drawText(QRectF(x + length + 6, y, number, line), _CENTRE, theme.format_count(count))
        painter.fillRect(QRect(0, 0, wide, self._head - 4), colours.panel)
        painter.setFont(theme.font(12, 600))
        painter.setPen(colours.text_muted)
        for split in range(splits):
            total = theme.format_count(int(self._counts[:, split].sum()))
            words = f"{SPLIT_TITLES[SPLITS[split]]} · {total}"
            painter.drawText(QRectF(left + split * each, 0, each, self._head - 4), _CENTRE, words)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many lines as fit."""
        self._lay_out()


class HistogramChart(QWidget):
    """Bars of one histogram or of several over the same axis, with the mean and one deviation to either side."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: tuple[Histogram, ...] = ()
        self.logarithmic = False
        self.setMinimumHeight(150)
        self.setAccessibleName("Histogram")

    def show_histograms(self, shown: tuple[Histogram, ...], *, logarithmic: bool = False) -> None:
        """Show these; several lie over one another (the channels of colours)."""
        self._shown, self.logarithmic = shown, logarithmic
        self.setAccessibleDescription("; ".join(self.words(one) for one in shown))
        self.update()

    @staticmethod
    def words(one: Histogram) -> str:
        """What is said of a histogram."""
        if math.isnan(one.mean):
            return f"{one.title}: no finite number"
        words = f"{one.title}: mean {one.mean:.4g}, deviation {one.deviation:.4g}"
        return words + (f", {theme.format_count(one.missing)} are no numbers" if one.missing else "")

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Bars, axis, mean."""
        if not self._shown:
            return
        colours = theme.current()
        painter = QPainter(self)
        painter.setFont(theme.font(12))
        metrics = painter.fontMetrics()
        high = metrics.height()
        area = QRectF(54, high * len(self._shown) + 12, self.width() - 66, 0)
        area.setBottom(self.height() - high - 8)
        painter.fillRect(area, colours.plot_background)
        low_edge = min(float(one.edges[0]) for one in self._shown)
        high_edge = max(float(one.edges[-1]) for one in self._shown)
        span = high_edge - low_edge or 1.0
        most = max(int(one.counts.max(initial=0)) for one in self._shown)

        def height(count: float) -> float:
            if not most:
                return 0.0
            share = math.log10(1 + count) / math.log10(1 + most) if self.logarithmic else count / most
            return share * (area.height() - 6)

        for place, one in enumerate(self._shown):
            colour = self._colour(place)
            fill = QColor(colour)
            fill.setAlphaF(0.55 if len(self._shown) > 1 else 0.9)
            for count, left, right in zip(one.counts.tolist(), one.edges, one.edges[1:], strict=False):
                if count:
                    begin = area.left() + (float(left) - low_edge) / span * area.width()
                    end = area.left() + (float(right) - low_edge) / span * area.width()
                    gap = 1.0 if end - begin > 4 else 0.0
                    tall = max(1.0, height(count))
                    painter.fillRect(QRectF(begin, area.bottom() - tall, max(end - begin - gap, 1.0), tall), fill)
            if not math.isnan(one.mean):
                x = area.left() + (one.mean - low_edge) / span * area.width()
                painter.setPen(QPen(colour if len(self._shown) > 1 else colours.text, 1.5, Qt.PenStyle.DashLine))
                painter.drawLine(round(x), round(area.top()), round(x), round(area.bottom()))
            painter.setPen(colours.text if len(self._shown) == 1 else colour)
            painter.drawText(QRectF(area.left(), place * high + 4, area.width(), high), _CENTRE, self.words(one))
        painter.setPen(colours.text_muted)
        ends = QRectF(area.left(), area.bottom() + 4, area.width(), high)
        pixels = self._shown[0].edges[0] == -0.5 and self._shown[0].edges[-1] == 255.5
        first, last = ("0", "255") if pixels else (number_words(low_edge, 4), number_words(high_edge, 4))
        painter.drawText(ends, _CENTRE, first)
        painter.drawText(ends, _RIGHT, last)
        top = theme.format_count(most) if most < 1e6 else f"{most / 1e6:.3g} M"
        painter.drawText(QRectF(0, area.top(), 48, high), _RIGHT, top)
        painter.drawText(QRectF(0, area.bottom() - high, 48, high), _RIGHT, "0")

    def _colour(self, place: int) -> QColor:
        if len(self._shown) == 1:
            return theme.current().accent
        return QColor(("#e5484d", "#30a46c", "#3e7bfa")[place % 3])
