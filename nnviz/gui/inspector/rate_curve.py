"""The learning rate over the epochs, drawn before the training starts: what a schedule will do."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from nnviz.errors import NnvizError
from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import answering, guarded
from nnviz.gui.panels.numbers import decade_ticks, nice_ticks, tick_text
from nnviz.gui.parts.widgets import set_font
from nnviz.project import registry
from nnviz.project.model import Choice, TrainConfig
from nnviz.train.change import learning_rate_of_config
from nnviz.train.schedules import rate

#: Points of the curve, and parts of an epoch that a step may be.
_POINTS, _FINE = 400, 10_000
#: On a logarithmic axis, how far below the highest rate the picture goes.
_DEEPEST = 1e-4
_LETTERS, _HEIGHT = 12, 120


class RateCurve(QWidget):
    """The learning rate of every epoch, linear or logarithmic; hidden where it stays the same.

    Attributes:
        plot: The picture.
        scale: The button that changes the axis.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        #: What the curve follows from: the schedule, whose rate it multiplies, epochs, and steps of an epoch.
        self._shown: tuple[Choice, Choice, int, int] | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2, 0, 0)
        column.setSpacing(2)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        title = QLabel("learning rate", self)
        title.setProperty("role", "muted")
        set_font(title, _LETTERS)
        head.addWidget(title, 1)
        self.scale = QPushButton(self)
        self.scale.setProperty("role", "link")
        set_font(self.scale, _LETTERS)
        self.scale.clicked.connect(self._on_scale)
        head.addWidget(self.scale)
        column.addLayout(head)
        self.plot = _Plot(self)
        column.addWidget(self.plot)
        self._name_scale()
        self.hide()

    def show_config(self, config: TrainConfig, steps: int = 0) -> None:
        """Draw what the schedule of a training will do; what is not allowed in it draws nothing.

        Args:
            config: The training.
            steps: Of an epoch; 0 while that is not known.
        """
        shown = config.schedule, config.optimizer, config.epochs, steps
        if shown == self._shown:  # most edits of a project are of something else
            return
        self._shown = shown
        rates = rates_of(config)
        self.setVisible(rates is not None)
        if rates is not None:
            epochs = max(config.epochs, 1)
            last = float(rates[-1])
            if steps:
                last = rate(config.schedule, learning_rate_of_config(config), epochs * steps - 1, steps, epochs)
            self.plot.show_rates(rates, epochs, last)

    def _on_scale(self) -> None:
        self.plot.set_logarithmic(not self.plot.logarithmic)
        self._name_scale()

    def _name_scale(self) -> None:
        now, other = ("logarithmic", "linear") if self.plot.logarithmic else ("linear", "logarithmic")
        self.scale.setText(f"{now} axis")
        self.scale.setToolTip(f"The learning rate on a {other} axis")


def rates_of(config: TrainConfig) -> NDArray[np.float64] | None:
    """The learning rate at as many places from the first step to the last; None where it is the same everywhere.

    Of a schedule that goes by the losses nothing is known before the start.
    """
    spec = registry.SCHEDULES.all.get(config.schedule.kind)
    if spec is None or not spec.varies or spec.follows_losses:
        return None
    base, epochs = learning_rate_of_config(config), max(config.epochs, 1)
    last = epochs * _FINE - 1
    try:
        steps = [round(last * place / (_POINTS - 1)) for place in range(_POINTS)]
        return np.array([rate(config.schedule, base, step, _FINE, epochs) for step in steps])
    except (NnvizError, ArithmeticError, TypeError):  # a setting that is wrong is said elsewhere, with its cure
        return None


class _Plot(QWidget):
    """Axes with numbers, and the curve."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rates = np.zeros(0)
        self._epochs = 1
        self.logarithmic = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """As high as its letters ask for."""
        return QSize(200, round(_HEIGHT + 2 * QFontMetricsF(themes.font(_LETTERS)).height()))

    def show_rates(self, rates: NDArray[np.float64], epochs: int, last: float) -> None:
        """Draw these, from the first step to the last of so many epochs; ``last`` is the rate of that one."""
        first, top, end = (themes.format_number(float(one)) for one in (rates[0], rates.max(), last))
        words = f"The learning rate begins at {first}, is at most {top}, and ends at {end} after {epochs} epochs."
        if epochs == self._epochs and words == self.toolTip() and np.array_equal(rates, self._rates):
            return
        self._rates, self._epochs = rates, epochs
        self.setAccessibleName(words)
        self.setToolTip(words)
        self.updateGeometry()
        self.update()

    def set_logarithmic(self, logarithmic: bool) -> None:
        """Whether equal distances up are equal factors."""
        self.logarithmic = logarithmic
        self.update()

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Numbers at the left and below, lines of the grid, and the curve over them."""
        if not len(self._rates):
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme, font = themes.current(), themes.font(_LETTERS)
        painter.setFont(font)
        letters = QFontMetricsF(font)
        places, low, high = self._placed()
        marks = self._marks(low, high)
        left = max(letters.horizontalAdvance(text) for _, text in marks) + 8 if marks else 8.0
        line = letters.height()
        area = QRectF(left, line / 2, self.width() - left - 8, self.height() - 2.4 * line)
        painter.fillRect(area, theme.plot_background)

        def down(value: float) -> float:
            return area.bottom() - (value - low) / (high - low) * area.height()

        for value, text in marks:
            painter.setPen(QPen(theme.grid, 1))
            painter.drawLine(QPointF(area.left(), down(value)), QPointF(area.right(), down(value)))
            painter.setPen(theme.text_muted)
            box = QRectF(0, down(value) - line / 2, left - 6, line)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        self._paint_epochs(painter, area, letters)
        across = np.linspace(area.left(), area.right(), len(places))
        painter.setClipRect(area.adjusted(-1, -2, 1, 2))
        painter.setPen(QPen(QColor(theme.series[0]), 2))
        painter.drawPolyline(QPolygonF([QPointF(x, down(y)) for x, y in zip(across, places, strict=True)]))
        painter.end()

    def _placed(self) -> tuple[NDArray[np.float64], float, float]:
        """(the curve as it stands on the axis, the two ends of that)."""
        top = float(self._rates.max())
        if not self.logarithmic or top <= 0:
            return self._rates, 0.0, 1.05 * top or 1.0
        places = np.log10(np.maximum(self._rates, top * _DEEPEST))
        high = math.log10(top)
        return places, min(float(places.min()), high - 1), high + 0.05

    def _marks(self, low: float, high: float) -> list[tuple[float, str]]:
        if self.logarithmic:
            return [(float(power), themes.format_number(10.0**power, 1)) for power in decade_ticks(low, high, 5)]
        ticks = nice_ticks(low, high, 4)
        step = ticks[1] - ticks[0] if len(ticks) > 1 else high - low
        return [(tick, tick_text(tick, step)) for tick in ticks]

    def _paint_epochs(self, painter: QPainter, area: QRectF, letters: QFontMetricsF) -> None:
        theme, line = themes.current(), letters.height()
        painter.setPen(theme.text_muted)
        found = nice_ticks(0, self._epochs, 5)
        ticks = [tick for tick in found if tick == round(tick)] or [0.0, float(self._epochs)]
        for tick in ticks:
            x, text = area.left() + tick / self._epochs * area.width(), f"{tick:.0f}"
            wide = letters.horizontalAdvance(text)
            # The numbers at the ends stay inside.
            box = QRectF(min(x - wide / 2, self.width() - wide), area.bottom() + 2, wide + 1, line)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        below = QRectF(area.left(), area.bottom() + line, area.width(), line)
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, "epochs")
