"""Plots of an evaluation: reliability, predicted against right, and how the errors are spread."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtWidgets import QWidget

from nnviz.gui.explain.chart import Chart, Floats, pen
from nnviz.gui.look import theme as themes
from nnviz.gui.look.theme import mixed
from nnviz.record.number_text import format_number, percent
from nnviz.train.figures import Calibration, NumberFigures

#: Points that are drawn: of more some are left out evenly.
_MOST_POINTS = 20_000
#: Pixels within which a click means a point.
_NEAR = 12.0


class _PickedPlot(Chart):
    """A plot whose parts can be pointed at and clicked: bars, or points, by their numbers from 0 on.

    Attributes:
        picked: Signal: which part was clicked.
        pointed: Signal: a sentence about the part under the mouse.
    """

    picked = Signal(int)
    pointed = Signal(str)
    #: Whether there is something to paint by now: colours are taken before.
    _made = False

    def __init__(self, name: str, titles: tuple[str, str], parent: QWidget | None) -> None:
        super().__init__(parent)
        self._bars: pg.BarGraphItem | None = None
        self.setAccessibleName(name)
        self.set_titles(*titles)
        self.hovered.connect(self._on_hovered)
        self.clicked.connect(self._on_clicked_at)

    def sentence(self, part: int) -> str:
        """A part in a sentence; empty where there is none."""
        raise NotImplementedError

    def restyle(self) -> None:
        """Colours and letters of the theme."""
        super().restyle()
        if self._made:
            self._paint()

    def _paint(self) -> None:
        raise NotImplementedError

    def _part(self, x: float, y: float) -> int:
        """The part at a place of the plot; −1 for none."""
        raise NotImplementedError

    def _meant_by(self, part: int) -> int:
        """What is told of a part that is clicked."""
        return part

    def _draw_bars(self, edges: tuple[Floats, Floats], heights: NDArray[np.generic], **look: object) -> None:
        """Bars from edge to edge in the place of those before."""
        self._remove_bars()
        self._bars = pg.BarGraphItem(
            x0=edges[0],
            x1=edges[1],
            y0=np.zeros(len(heights)),
            y1=heights,
            pen=pen(themes.current().plot_background, 1.0),
            **look,
        )
        self.add(self._bars, 1)

    def _remove_bars(self) -> None:
        if self._bars is not None:
            self.getPlotItem().removeItem(self._bars)
            self._bars = None

    def _on_hovered(self, place: tuple[float, float] | None) -> None:
        self.pointed.emit(self.sentence(self._part(*place)) if place is not None else "")

    def _on_clicked_at(self, x: float, y: float) -> None:
        found = self._part(x, y)
        if found >= 0:
            self.picked.emit(self._meant_by(found))


class ReliabilityPlot(_PickedPlot):
    """A bar for each tenth of probability: how often it was right, beside the line where both are the same."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            "Reliability curve", ("probability that the network gives its answer", "share that was right"), parent
        )
        self._shown: Calibration | None = None
        self._even = pg.PlotDataItem([0, 1], [0, 1])
        self._points = pg.PlotDataItem()
        self.add(self._even, 2)
        self.add(self._points, 3)
        self.show_range((0.0, 1.0), (0.0, 1.02))
        self._made = True
        self._paint()

    def show_calibration(self, calibration: Calibration) -> None:
        """Show another one."""
        self._shown = calibration
        said = [self.sentence(place) for place in range(len(calibration.count)) if calibration.count[place]]
        self.setAccessibleDescription(" ".join(said))
        self._paint()

    def sentence(self, part: int) -> str:
        """A bar in a sentence."""
        shown = self._shown
        if shown is None or not 0 <= part < len(shown.count):
            return ""
        low, high = (percent(float(edge)) for edge in shown.edges[part : part + 2])
        count = int(shown.count[part])
        if not count:
            return f"No answer was given a probability between {low} and {high}."
        sure, right = percent(float(shown.confidence[part]), 1), percent(float(shown.accuracy[part]), 1)
        return (
            f"{themes.format_count(count)} answers of {low} to {high}, {sure} on average: {right} of them were right. "
            "Click to see them."
        )

    def _paint(self) -> None:
        colours = themes.current()
        self._even.setPen(pen(colours.text_faint, 1.5, Qt.PenStyle.DashLine))
        shown = self._shown
        if shown is None:
            self._remove_bars()
            self._points.setData([], [])
            return
        known = np.flatnonzero(shown.count)
        share = shown.count[known] / max(int(shown.count.max()), 1)
        # The more answers lie in a bar, the more it counts, and the fuller is its colour.
        fills = [mixed(colours.plot_background, colours.series[0], 0.35 + 0.65 * float(one) ** 0.5) for one in share]
        self._draw_bars((shown.edges[known], shown.edges[known + 1]), shown.accuracy[known], brushes=fills)
        self._points.setData(
            shown.confidence[known],
            shown.accuracy[known],
            pen=None,
            symbol="o",
            symbolSize=8,
            symbolBrush=colours.text,
            symbolPen=pen(colours.plot_background, 1.0),
        )

    def _part(self, x: float, y: float) -> int:
        if self._shown is None or not 0 <= x <= 1:
            return -1
        return min(int(x * len(self._shown.count)), len(self._shown.count) - 1)


class PairsPlot(_PickedPlot):
    """Predicted against right: a point an example, on the line where both are the same if it is right.

    ``picked`` tells the place of the example.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Predicted against right", ("right", "predicted"), parent)
        self._even, self._points = pg.PlotDataItem(), pg.PlotDataItem()
        self.add(self._even, 1)
        self.add(self._points, 2)
        self._places: NDArray[np.int64] = np.empty(0, np.int64)
        self._target = self._predicted = np.empty(0)
        self._ends = (0.0, 1.0)
        self._made = True

    def show_pairs(self, target: NDArray[np.float64], predicted: NDArray[np.float64]) -> str:
        """Show float64[n] of each; returns what has to be said about points that are not drawn."""
        usable = np.isfinite(target) & np.isfinite(predicted) & (np.abs(target) < 1e100) & (np.abs(predicted) < 1e100)
        places = np.flatnonzero(usable)
        count = len(places)
        if count > _MOST_POINTS:
            places = places[np.linspace(0, count - 1, _MOST_POINTS).astype(np.int64)]
        self._places, self._target, self._predicted = places, target[places], predicted[places]
        if len(places):
            both = np.concatenate([self._target, self._predicted])
            low, high = float(both.min()), float(both.max())
            room = 0.03 * (high - low) or 0.5
            self._ends = (low - room, high + room)
        self.show_range(self._ends, self._ends)
        self._paint()
        return (
            f"{themes.format_count(_MOST_POINTS)} of {themes.format_count(count)} points drawn"
            if count > _MOST_POINTS
            else ""
        )

    def _paint(self) -> None:
        colours = themes.current()
        self._even.setData([*self._ends], [*self._ends], pen=pen(colours.text_faint, 1.5, Qt.PenStyle.DashLine))
        dot = mixed(colours.plot_background, colours.series[0], 0.85)
        self._points.setData(
            self._target,
            self._predicted,
            pen=None,
            symbol="o",
            symbolSize=6 if len(self._target) < 2_000 else 4,
            symbolBrush=dot,
            symbolPen=None,
        )

    def nearest(self, x: float, y: float) -> int:
        """The number of the point that is meant by a place of the plot; −1 where there is none near."""
        if not len(self._places):
            return -1
        here, corner = self.place_on_screen(x, y), self.place_on_screen(self._ends[0], self._ends[0])
        end = self.place_on_screen(self._ends[1], self._ends[1])
        span = self._ends[1] - self._ends[0]
        across = (end.x() - corner.x()) / span, (end.y() - corner.y()) / span
        apart = np.hypot((self._target - x) * across[0], (self._predicted - y) * across[1])
        found = int(apart.argmin())
        return found if math.isfinite(here.x()) and apart[found] <= _NEAR else -1

    def where(self, place: int) -> QPointF:
        """Where the point of an example lies in this widget."""
        number = int(np.flatnonzero(self._places == place)[0])
        return self.place_on_screen(float(self._target[number]), float(self._predicted[number]))

    def sentence(self, part: int) -> str:
        """A point in a sentence."""
        if part < 0:
            return ""
        right, answer = float(self._target[part]), float(self._predicted[part])
        return (
            f"Example {themes.format_count(self._meant_by(part))}: right {format_number(right)}, predicted "
            f"{format_number(answer)}, off by {format_number(answer - right)}."
        )

    def _part(self, x: float, y: float) -> int:
        return self.nearest(x, y)

    def _meant_by(self, part: int) -> int:
        return int(self._places[part])


class ResidualPlot(_PickedPlot):
    """How the errors, predicted less right, are spread."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Histogram of the errors", ("error: predicted less right", "examples"), parent)
        self._edges, self._counts = np.array([0.0, 1.0]), np.zeros(1, np.int64)
        self._zero = pg.InfiniteLine(0.0)
        self.add(self._zero, 2)
        self._made = True

    def show_errors(self, figures: NumberFigures) -> None:
        """Show others."""
        self._edges, self._counts = figures.edges, figures.counts
        low, high = float(self._edges[0]), float(self._edges[-1])
        room = 0.02 * (high - low)
        self.show_range((low - room, high + room), (0.0, 1.05 * max(int(self._counts.max(initial=0)), 1)))
        self._paint()

    def _paint(self) -> None:
        colours = themes.current()
        self._zero.setPen(pen(colours.text_muted, 1.5, Qt.PenStyle.DashLine))
        self._draw_bars((self._edges[:-1], self._edges[1:]), self._counts, brush=colours.series[0])

    def _part(self, x: float, y: float) -> int:
        if not self._edges[0] <= x <= self._edges[-1]:
            return -1
        return min(int(np.searchsorted(self._edges, x, "right")) - 1, len(self._counts) - 1)

    def sentence(self, part: int) -> str:
        """A bar in a sentence."""
        if part < 0:
            return ""
        low, high = (format_number(float(edge)) for edge in self._edges[part : part + 2])
        return f"{themes.format_count(int(self._counts[part]))} errors between {low} and {high}. Click to see them."
