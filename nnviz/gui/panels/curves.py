"""What the panels that draw curves have in common: the axis of steps or epochs, smoothing, the legend, export."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QMenu

from nnviz.data import datasets
from nnviz.errors import InputError
from nnviz.gui.look import theme as themes
from nnviz.gui.panels.base import Cell, Panel
from nnviz.gui.panels.numbers import Average, Floats, epochs_of, value_at
from nnviz.gui.panels.options import add_smoothing
from nnviz.gui.panels.panel_actions import PanelChoice, PanelOption
from nnviz.gui.runs.run_events import event_marks
from nnviz.project.document import Document
from nnviz.record.age import Moment, moment_of
from nnviz.record.quantities import EPOCH
from nnviz.record.readings import Scalar
from nnviz.record.run import RunView

if TYPE_CHECKING:
    from nnviz.project.checks.shapes import Inference

_MOST_EPOCHS = 1e9
_NO_EPOCHS: tuple[NDArray[np.int64], Floats] = (np.empty(0, np.int64), np.empty(0))


def trained_nodes(document: Document) -> list[str]:
    """The nodes with parameters, in the order data flow through them: their place chooses their colour everywhere."""
    results = document.inference.results
    return [node for node in document.inference.order if node in results and results[node].parameters > 0]


def steps_per_epoch(document: Document) -> float:
    """Batches in one epoch by the present choice of data, or 0 where that is not known."""
    project = document.project
    try:
        known = datasets.declared(project.data)
        sizes = None if known is None else datasets.divided(project.data, known.sizes, known.validation)
    except InputError:
        return 0.0
    if sizes is None and document.facts is not None:  # a folder, which somebody else has looked at
        sizes = document.facts.examples
    training = sizes[0] if sizes is not None else 0
    return float(math.ceil(training / max(project.training.step_size, 1)))


@dataclass(slots=True)
class Reading:
    """One series as it was last read from the run, smoothed."""

    steps: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    values: Floats = field(default_factory=lambda: np.empty(0))
    smoothed: Floats = field(default_factory=lambda: np.empty(0))
    average: Average = field(default_factory=lambda: Average(0.0))

    def follow(self, steps: NDArray[np.int64], values: Floats, weight: float, *, logarithmic: bool = False) -> None:
        """Take the newest state of the series; where it has only grown, only what is new is smoothed."""
        known = len(self.steps)
        grown = (
            0 < known <= len(steps)
            and self.average.weight == weight
            and steps[0] == self.steps[0]
            and steps[known - 1] == self.steps[-1]
            and values[known - 1] == self.values[-1]
        )
        if grown:
            self.smoothed = np.concatenate([self.smoothed, self.average.extend(values[known:])])
        else:
            self.average = Average(weight, logarithmic=logarithmic)
            self.smoothed = self.average.extend(values)
        self.steps, self.values = steps, values


def epoch_ends(run: RunView) -> tuple[NDArray[np.int64], Floats]:
    """The steps at which epochs ended, and which."""
    ends, epochs = run.scalars(EPOCH.series())
    # Numbers of epochs are whole; a file may say something else.
    counted = (epochs >= 0) & (epochs <= _MOST_EPOCHS) & (epochs == np.rint(epochs))
    return (ends, epochs) if counted.all() else (ends[counted], epochs[counted])


def words_without(runs: Sequence[RunView]) -> str:
    """Why there is no curve of what is measured once an epoch on a whole split: written into the empty plot."""
    if any(len(epoch_ends(run)[0]) for run in runs):
        return "This is measured on the validation split, and there is none."
    return "One dot an epoch: no epoch is finished yet." if runs else ""


def curve_choices(smoothing: str) -> tuple[PanelChoice, ...]:
    """The choices of all curves; the slider has the weights of the smoothing that lie between these."""
    return (
        PanelChoice(
            "axis",
            "step",
            (
                PanelOption("step", "A&xis in steps", "Steps of the training along the horizontal axis", "S"),
                PanelOption("epoch", "Axis in &epochs", "Epochs along the horizontal axis", "E"),
            ),
        ),
        PanelChoice(
            "smoothing",
            smoothing,
            (
                PanelOption("0", "Smoothing: &none", "Show the raw values only", "0"),
                PanelOption("0.3", "Smoothing: &weak", "Moving average with a weight of the past of 0.3", "3"),
                PanelOption("0.6", "Smoothing: &medium", "Moving average with a weight of the past of 0.6", "6"),
                PanelOption("0.9", "Smoothing: s&trong", "Moving average with a weight of the past of 0.9", "9"),
            ),
        ),
    )


class CurvesPanel(Panel):
    """A panel of scalar series over steps or epochs."""

    needs_training = True
    choices = curve_choices("0.6")

    def build(self) -> None:
        """Set the options; the subclass makes the plots."""
        self.smoothing = next(float(choice.default) for choice in self.choices if choice.key == "smoothing")
        self.axis = "step"
        self._readings: dict[str, Reading] = {}
        self._ends: NDArray[np.int64] = np.empty(0, np.int64)
        self._epochs: Floats = np.empty(0)
        self._pace = 0.0
        #: Where the mouse is on the horizontal axis of a plot.
        self._hover: float | None = None
        #: The places of the layers in the order in which data flow, and of what graph.
        self._layers: Mapping[str, int] = {}
        self._layers_of: Inference | None = None

    def add_options(self, menu: QMenu) -> None:
        """Any weight of the smoothing."""
        self._slider = add_smoothing(menu, self.smoothing, self.set_smoothing)

    def option(self, key: str) -> str:
        """The axis, or the weight of the smoothing."""
        return self.axis if key == "axis" else f"{self.smoothing:g}"

    def set_option(self, key: str, value: str) -> None:
        """Choose the axis or the smoothing."""
        if key == "axis":
            self.set_axis(value)
        else:
            self.set_smoothing(float(value))

    def set_axis(self, axis: str) -> None:
        """``step`` or ``epoch`` along the horizontal axis."""
        self.axis = axis
        self.option_changed.emit("axis", axis)
        self.redraw()

    def set_smoothing(self, weight: float) -> None:
        """Weight of the past in the moving average, 0 to 0.99."""
        if weight == self.smoothing:
            return
        self.smoothing = weight
        if self._slider.slider.value() != round(weight * 100):
            self._slider.slider.setValue(round(weight * 100))
        self.option_changed.emit("smoothing", f"{weight:g}")
        self.redraw()

    # ------------------------------------------------------------------ reading

    def read(self, run: RunView, series: str, *, smoothed: bool = True, logarithmic: bool = False) -> Reading:
        """Read one series from the run and smooth it, as it is right for the axis."""
        steps, values = run.scalars(series)
        reading = self._readings.setdefault(series, Reading())
        reading.follow(steps, values, self.smoothing if smoothed else 0.0, logarithmic=logarithmic)
        return reading

    def read_epochs(self, run: RunView) -> None:
        """Read where the epochs ended, for the axis of epochs."""
        self._ends, self._epochs = epoch_ends(run)
        self._pace = steps_per_epoch(self.document)

    def place(self, steps: NDArray[np.int64] | Floats) -> Floats:
        """Steps of the shown run on the horizontal axis."""
        return self._placed(steps, self._ends, self._epochs)

    def placing_of(self, run: RunView) -> Callable[[NDArray[np.int64] | Floats], Floats]:
        """Places steps of a run that is drawn beside the shown one: its epochs may be of another length.

        Of all its curves the same places them, so that its epochs are read once.
        """
        ends, epochs = epoch_ends(run) if self.axis == "epoch" else _NO_EPOCHS
        return lambda steps: self._placed(steps, ends, epochs)

    def end_of(self, run: RunView, readings: Iterable[Reading]) -> float:
        """Where the longest of these curves of a run beside the shown one ends; 0 where there is none."""
        last = max((int(one.steps[-1]) for one in readings if len(one.steps)), default=None)
        return 0.0 if last is None else float(self.placing_of(run)(np.array([last]))[0])

    def _placed(self, steps: NDArray[np.int64] | Floats, ends: NDArray[np.int64], epochs: Floats) -> Floats:
        placed = np.asarray(steps, dtype=np.float64)
        return epochs_of(placed, ends, epochs, self._pace) if self.axis == "epoch" else placed

    def events_of(self, run: RunView) -> list[tuple[float, str]]:
        """Where and what was changed by hand in the shown run; the other runs' changes are their own."""
        marks = event_marks(run)
        places = self.place(np.array([mark.step for mark in marks], dtype=np.float64))
        return [(float(place), mark.text) for place, mark in zip(places, marks, strict=True)]

    def step_of(self, x: float) -> int:
        """The nearest step to a place on the horizontal axis."""
        read = [reading.steps for reading in self._readings.values()]
        if not any(len(steps) for steps in read):
            return 0
        steps = np.unique(np.concatenate(read))
        return int(steps[int(np.abs(self.place(steps) - x).argmin())])

    def end(self, run: RunView) -> float:
        """The position at which the horizontal axis ends."""
        last = max((int(reading.steps[-1]) for reading in self._readings.values() if len(reading.steps)), default=1)
        last = max(last, int(run.last_step), 1)
        return float(self.place(np.array([last]))[0])

    def value(self, series: str, step: int | None) -> float:
        """The measured value at or before a step."""
        reading = self._readings.get(series)
        return math.nan if reading is None else value_at(reading.steps, reading.values, step)

    def reading_at(self, series: str, step: int | None) -> Scalar | None:
        """The newest reading that is not behind a step (None: the newest of all), with its own step.

        From the run itself: a curve that is dear to draw lags behind what the cards say at the same time.
        """
        run = self.run
        found = run.latest(series, step) if run is not None else None
        return found if isinstance(found, Scalar) else None

    def has_aged(self) -> bool:
        """Also where something newer is there to be written, although the curves are not drawn anew yet."""
        if super().has_aged():
            return True
        if self.looked_at is not None:
            return False
        newest = ((one.step, self.reading_at(one.series, None)) for one in self.readings_shown())
        return any(reading is not None and reading.step != step for step, reading in newest)

    @property
    def looked_at(self) -> int | None:
        """The step whose values are written: under the mouse, or of the timeline; None is the newest."""
        return self.step if self._hover is None else self.step_of(self._hover)

    @property
    def _others(self) -> tuple[RunView, ...]:
        """The runs that are drawn beside the shown one."""
        return () if self.shown is None else self.shown.others

    def moment_at(self, step: int | None) -> Moment:
        """The moment that is looked at: a step under the mouse, or what is shown."""
        run = self.run
        return self.moment if run is None or step is None or step == self.step else moment_of(run, step)

    @property
    def layers(self) -> Mapping[str, int]:
        """The places of :func:`trained_nodes`, listed once for a graph: each of hundreds of curves asks for its own."""
        inference = self.document.inference
        if inference is not self._layers_of:
            self._layers_of = inference
            self._layers = {node: place for place, node in enumerate(trained_nodes(self.document))}
        return self._layers

    def colour_of(self, node: str) -> tuple[QColor, bool]:
        """A node's colour and whether its line is dashed (from the ninth node on, the colours come again)."""
        layers = self.layers
        index = layers[node] if node in layers else len(layers) + sum(map(ord, node))
        series = themes.current().series
        return QColor(series[index % len(series)]), (index // len(series)) % 2 == 1

    # ------------------------------------------------------------------ export

    def exported(self) -> list[str]:
        """The series that go into the CSV, in order."""
        return list(self._readings)

    def rows(self) -> Iterator[Sequence[Cell]]:
        """One row a step: the measured values, not the smoothed ones; empty where a series has none at that step."""
        names = self.exported()
        yield ("step", *names)
        steps = np.unique(np.concatenate([self._readings[name].steps for name in names] or [np.empty(0, np.int64)]))
        columns: list[list[Cell]] = []
        for name in names:
            reading = self._readings[name]
            column: list[Cell] = [""] * len(steps)
            for place, value in zip(np.searchsorted(steps, reading.steps), reading.values, strict=True):
                column[int(place)] = float(value)
            columns.append(column)
        for index, step in enumerate(steps):
            yield (int(step), *(column[index] for column in columns))
