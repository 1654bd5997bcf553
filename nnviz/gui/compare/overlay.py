"""The curves of all compared runs in one plot, each run in its colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QIcon, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from nnviz.gui.compare.results import SWATCH, swatch
from nnviz.gui.look.run_colours import run_colour, run_line
from nnviz.gui.panels.curves import Reading, epoch_ends, words_without
from nnviz.gui.panels.numbers import Floats, epochs_of
from nnviz.gui.panels.plot import CurvePlot
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.parts.widgets import Legend, LegendEntry, Segments, set_font
from nnviz.gui.runs.run_events import event_marks
from nnviz.record.quantities import ACCURACY, CHANGE, EPOCH, LOSS, MACRO_F1, TOP5_ACCURACY
from nnviz.record.quantity import Quantity
from nnviz.record.run import RunView

_VIEWS: dict[str, tuple[Quantity, str, str]] = {
    "validation": (LOSS, "validation", "Val. loss"),
    "train": (LOSS, "train", "Batch loss"),
    "accuracy": (ACCURACY, "validation", "Val. accuracy"),
    "top5": (TOP5_ACCURACY, "validation", "Top-5"),
    "f1": (MACRO_F1, "validation", "F1"),
}
#: What is not known of every run: where no run has it, it is not offered.
_OFFERED = ("accuracy", "top5", "f1")
_HELP = {
    "validation": "Show the loss of the validation split, epoch by epoch",
    "train": "Show the loss of the batches",
    "accuracy": "Show the accuracy on the validation split, epoch by epoch",
    "top5": "Show the share of the validation split whose class was among the five likeliest, epoch by epoch",
    "f1": "Show the mean of F1 over the classes of the validation split, epoch by epoch",
}
#: Points up to which each is a dot.
_MOST_DOTS = 60
_SMOOTHING = 0.9
#: Lines that the legend has above the curves; and of the width of all, what the names beside them have at most.
_MOST_LINES, _WIDEST_NAMES = 2, 0.32
#: Pixels at the edges, and those beside a name: its line, the bar.
_EDGE, _BESIDE_NAME = 12, 52
#: Runs up to which the single batches are drawn faintly behind their average.
_MOST_RAW = 3


class Overlay(QWidget):
    """One plot with a line a run; what it shows and along which axis is chosen above it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.view, self.axis = "validation", "epoch"
        #: Whether it says which line is which run; elsewhere on a page something else may.
        self.has_legend = True
        #: What stands in the place of the curves while there are no runs.
        self.none_yet = "Here the curves of the runs appear."
        #: Weight of the past in the moving average of batches.
        self.smoothing = _SMOOTHING
        self._runs: tuple[tuple[RunView, str, int], ...] = ()
        #: The moving averages of batches, by the places of the runs.
        self._smoothed: dict[int, Reading] = {}
        #: What stands in the list of names.
        self._told: list[tuple[str, int]] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(_EDGE, 0, _EDGE, 8)
        column.setSpacing(6)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.views = Segments([(key, title, _HELP[key]) for key, (_, _, title) in _VIEWS.items()], self)
        self.axes = Segments(
            (("epoch", "Epochs", "Epochs along the axis: batches of any size compare"), ("step", "Steps", "Steps")),
            self,
        )
        self.views.chosen.connect(self.show_view)
        self.axes.chosen.connect(self.show_axis)
        row.addWidget(self.views)
        row.addStretch(1)
        row.addWidget(self.axes)
        column.addLayout(row)
        self.legend = Legend(self)
        column.addWidget(self.legend)
        #: In place of the legend where it would take many lines: a name a line beside the curves.
        self.names = QListWidget(self)
        self.names.setAccessibleName("Runs and their colours")
        self.names.setSelectionMode(QListWidget.SelectionMode.NoSelection)
        self.names.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.names.setFrameShape(QListWidget.Shape.NoFrame)
        self.names.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.names.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.names.setUniformItemSizes(True)
        self.names.setIconSize(SWATCH)
        set_font(self.names, 12)
        self.names.hide()
        # Runs lie close beside each other: the axes begin where the curves do, so that they come apart.
        self._losses, self._shares = self._plots = (
            CurvePlot(from_zero=False, parent=self),
            CurvePlot(from_zero=False, parent=self),
        )
        self._shares.set_share(whole=False)
        curves = QHBoxLayout()
        curves.setSpacing(6)
        for plot in self._plots:
            curves.addWidget(plot, 1)
        curves.addWidget(self.names)
        column.addLayout(curves, 1)
        self.views.set_value(self.view)
        self.axes.set_value(self.axis)

    @property
    def plot(self) -> CurvePlot:
        """The plot that is seen."""
        return self._losses if _VIEWS[self.view][0] is LOSS else self._shares

    def show_view(self, view: str) -> None:
        """Show ``validation`` or ``train`` loss, ``accuracy``, ``top5`` or ``f1``."""
        self.view = view
        self.views.set_value(view)
        self._draw_anew()

    def show_axis(self, axis: str) -> None:
        """``epoch`` or ``step`` along the horizontal axis."""
        self.axis = axis
        self.axes.set_value(axis)
        self._draw_anew()

    def show_runs(self, runs: Sequence[tuple[RunView, str, int]]) -> None:
        """Show these: the run, its name, and its place among those that are drawn."""
        self._runs = tuple(runs)
        self._draw_anew()

    def refresh(self, changed: frozenset[str]) -> None:
        """Draw what is new."""
        quantity, split, _ = _VIEWS[self.view]
        if changed & {quantity.series(split), EPOCH.series()} or any(map(CHANGE.owns, changed)):
            self._draw()

    def set_step(self, run: RunView, step: int | None) -> None:
        """Mark the step of the timeline, which is one of the run on the screen."""
        self.plot.set_cursor(None if step is None else float(self._placed(run, np.array([step]))[0]))

    def _draw_anew(self) -> None:
        for plot in self._plots:
            plot.clear()
            plot.setVisible(plot is self.plot)
        self._smoothed = {}
        self._draw()

    def _offer(self) -> bool:
        """Offer what is known of a run, or may still be.

        Returns:
            Whether something else is drawn now in place of what none of these runs has.
        """

        def known(series: str) -> bool:
            return any(len(run.scalars(series)[0]) for run, *_ in self._runs)

        offered = {view: known(_VIEWS[view][0].series("validation")) for view in _OFFERED}
        begun, ended = known(LOSS.series("train")), known(LOSS.series("validation"))
        chosen_waits = not begun or (known(ACCURACY.series("train")) and not ended)  # its first epoch is to come
        for view, on in offered.items():
            self.views.set_offered(view, on or (view == self.view and chosen_waits))
        if chosen_waits or offered.get(self.view, True):
            return False
        self.show_view("accuracy" if offered["accuracy"] else "validation")
        return True

    def _draw(self) -> None:
        if self._offer():
            return
        quantity, split, _ = _VIEWS[self.view]
        series, end = quantity.series(split), 1.0
        title = quantity.title[:1].lower() + quantity.title[1:]
        self.plot.set_axis(self.axis, title, whole_x=self.axis == "step")
        entries: list[LegendEntry] = []
        for run, name, place in self._runs:
            steps, values = run.scalars(series)
            entries.append(LegendEntry(name, run_colour(place), pattern=run_line(place)))
            if not len(steps):
                continue
            x = self._placed(run, steps)
            smoothed = None
            if split == "train":
                reading = self._smoothed.setdefault(place, Reading())
                reading.follow(steps, values, self.smoothing)
                smoothed = reading.smoothed
                if len(self._runs) > _MOST_RAW:  # of many, the single batches would only be a haze
                    values, smoothed = smoothed, None
            dots = len(steps) <= _MOST_DOTS and split != "train"
            self.plot.set_curve(
                f"{place}", "", run_colour(place), x, values, smoothed, pattern=run_line(place), markers=dots
            )
            end = max(end, float(x[-1]))
        self.legend.set_entries(entries)
        self._place_legend()
        marks = [(run, mark, name) for run, name, _ in self._runs for mark in event_marks(run)]
        self.plot.set_events(
            [(float(self._placed(run, np.array([mark.step]))[0]), f"{name}\n{mark.text}") for run, mark, name in marks]
        )
        self.plot.set_words("" if self.plot.curves else self._why_empty())
        self.plot.update_ranges(end)

    def _why_empty(self) -> str:
        if not self._runs:
            return self.none_yet
        if _VIEWS[self.view][1] == "train":
            return "The first step is to come."
        return words_without([run for run, *_ in self._runs])

    def _place_legend(self) -> None:
        """Above the curves while it takes a line or two, else beside them."""
        metrics = QFontMetrics(self.legend.font())
        long = len(self.legend.lines(self.width() - 2 * _EDGE)) > _MOST_LINES
        self.legend.setVisible(self.has_legend and not long)
        self.names.setVisible(self.has_legend and long)
        if not long or not self.has_legend:
            return
        told = [(name, place) for _, name, place in self._runs]
        if told != self._told:
            self._told = told
            self.names.clear()
            for name, place in told:
                item = QListWidgetItem(QIcon(swatch(place, wide=True)), name)
                item.setToolTip(plain_tip(name))
                item.setSizeHint(QSize(0, metrics.height() + 6))
                self.names.addItem(item)
        widest = max(metrics.horizontalAdvance(name) for name, _ in told)
        self.names.setFixedWidth(min(widest + _BESIDE_NAME, round(_WIDEST_NAMES * self.width())))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In another width the legend may have its place elsewhere."""
        super().resizeEvent(event)
        self._place_legend()

    def _placed(self, run: RunView, steps: NDArray[np.int64]) -> Floats:
        placed = np.asarray(steps, dtype=np.float64)
        if self.axis == "step":
            return placed
        ends, epochs = epoch_ends(run)
        pace = float(ends[0]) / float(epochs[0]) if len(ends) and epochs[0] > 0 else 0.0
        return epochs_of(placed, ends, epochs, pace)

    def restyle(self) -> None:
        """Take the colours and letters of the theme."""
        self._told = []
        self._draw_anew()
