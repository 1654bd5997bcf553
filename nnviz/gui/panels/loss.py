"""Loss and accuracy over the training."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.look.run_colours import faint_run_colour, run_colour
from nnviz.gui.panels.curves import CurvesPanel, Reading, curve_choices
from nnviz.gui.panels.panel_actions import PanelChoice, PanelOption
from nnviz.gui.panels.plot import CurvePlot
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import Legend, LegendEntry, Segments
from nnviz.project import registry
from nnviz.project.model import Choice, TrainConfig
from nnviz.record.age import ReadingShown
from nnviz.record.quantities import ACCURACY, CHANGE, EPOCH, LOSS
from nnviz.record.run import RunView

#: What curves are called where there is little room.
_SHORT = {"validation": "val."}
_SPLITS = (("train", "batch", 0), ("validation", "validation", 1), ("test", "test", 2))
_LONGEST_TITLE = 24
#: What each of the two views shows.
_SHOWN = {"loss": LOSS, "accuracy": ACCURACY}


def title_of(run: RunView) -> str:
    """What a run beside the shown one is called in the legend."""
    return _short_title(run.info.title) or "other run"


def _short_title(text: str) -> str:
    title = " ".join(text.split())
    return title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…"


class LossPanel(CurvesPanel):
    """Loss and accuracy of the batches, of the validation split, and of the test split where it was asked for."""

    key = "loss"
    title = "Loss"
    empty = "Press Play to train: the loss appears here."
    quantities = (LOSS, ACCURACY, EPOCH, CHANGE)
    letter = "L"
    choices = (
        PanelChoice(
            "view",
            "loss",
            (
                PanelOption("loss", "Show &loss", "Show the loss", "L"),
                PanelOption("accuracy", "Show &accuracy", "Show the share that was right", "A"),
                PanelOption("both", "Show &both", "Show both, side by side or one over the other", "B"),
            ),
        ),
        *curve_choices("0.6"),
    )
    help = (
        "<p><b>What it shows.</b> <i>batch</i>: the loss of each training batch, as it was trained on; the thin "
        "line behind is the raw value, the strong one its moving average. <i>validation</i>: the loss over the whole "
        "validation split, after each epoch. Accuracy: the share that was right.</p>"
        "<p><b>How to read it.</b> Both fall: it learns. Training falls and validation rises: it learns by heart "
        "(over-fitting); stop at the dot, the best epoch. Neither falls: the learning rate is too small, or the units "
        "are dead or saturated. It jumps or becomes NaN: the learning rate is too large.</p>"
        "<p>A line from top to bottom marks where something was changed by hand: point at it to read what.</p>"
        "<p>Other runs beside the shown one are drawn faintly, each in one colour: training as a line, validation and "
        "test dashed.</p>"
        "<p>The wheel zooms, dragging moves, a double-click shows everything again.</p>"
    )

    def build(self) -> None:
        """Two plots, one over or beside the other."""
        super().build()
        self.view = "loss"
        self._segments = Segments(
            (
                ("loss", "Loss", "Show the loss"),
                ("accuracy", "Accuracy", "Show the share that was right"),
            ),
            self.header,
        )
        self._segments.chosen.connect(self.set_view)
        self._title.hide()
        self._header_row.insertWidget(0, self._segments)
        self._header_row.setContentsMargins(8, 4, 6, 2)
        self.legend = Legend(self.body)
        self.body_layout.setSpacing(0)
        self.body_layout.addWidget(self.legend)
        self.plots = {
            "loss": CurvePlot(parent=self.body),
            "accuracy": CurvePlot(parent=self.body),
        }
        self.plots["accuracy"].set_share()
        holder = QWidget(self.body)
        self._row = QBoxLayout(QBoxLayout.Direction.TopToBottom, holder)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(6)
        for plot in self.plots.values():
            self._row.addWidget(plot, 1)
            plot.hovered.connect(self._on_hovered)
        self.body_layout.addWidget(holder, 1)
        self._hover: float | None = None
        #: What is written in the legend, by its series.
        self._told: dict[str, ReadingShown] = {}
        #: What was read of the other runs, in their order.
        self._beside: list[dict[str, Reading]] = []
        self._show_plots()
        follow(self.workspace.runs.changed, self._on_names)

    def option(self, key: str) -> str:
        """What is shown, and what all curves have."""
        return self.view if key == "view" else super().option(key)

    def set_option(self, key: str, value: str) -> None:
        """Choose what is shown, and what all curves have."""
        if key == "view":
            self.set_view(value)
        else:
            super().set_option(key, value)

    def set_view(self, view: str) -> None:
        """Show ``loss``, ``accuracy`` or ``both``."""
        self.view = view
        self._segments.set_value(view)
        self.option_changed.emit("view", view)
        self._show_plots()
        self.redraw()

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """Give the curves that changed their new data."""
        if fresh:
            self._readings.clear()
            self._beside = [{} for _ in self._others]
            for plot in self.plots.values():
                plot.clear()
        if fresh or EPOCH.series() in changed:
            self.read_epochs(run)
            if self.axis == "epoch":
                runs = (run, *self._others)
                changed |= {name for one in _SHOWN.values() for each in runs for name in each.names(one.prefix)}
        for view, plot in self.plots.items():
            plot.set_axis(self.axis, self._y_title(view), whole_x=self.axis == "step")
            for split, title, colour in _SPLITS:
                series = _SHOWN[view].series(split)
                if series not in changed or not len(run.scalars(series)[0]):
                    continue
                is_train = split == "train"
                reading = self.read(run, series, smoothed=is_train)
                if not len(reading.steps):
                    continue
                smoothed = reading.smoothed if is_train and self.smoothing > 0 else None
                plot.set_curve(
                    series,
                    title,
                    self._own_colour(colour),
                    self.place(reading.steps),
                    reading.values,
                    smoothed,
                    dashed=not is_train and self._place is not None,
                    markers=not is_train and len(reading.steps) <= 60,
                )
            self._draw_beside(plot, view, changed)
            self._mark_best(plot, view)
            self.mark_events(plot, run)
            plot.set_cursor(None if step is None else float(self.place(np.array([step]))[0]))
            if self.view in {view, "both"}:
                plot.update_ranges(max(self.end(run), self._end_beside()))
        has_accuracy = any(name.startswith(ACCURACY.prefix) for name in self._readings)
        self._segments.set_enabled("accuracy", has_accuracy)
        if not has_accuracy and self.view != "loss" and self._readings:
            # Nothing can be right or wrong in a regression.
            self.view = "loss"
            self._segments.set_value("loss")
            self.option_changed.emit("view", "loss")
            self._show_plots()
        self._update_legend()
        return bool(any(len(reading.steps) for reading in self._readings.values()) or any(self._beside))

    @property
    def _others(self) -> tuple[RunView, ...]:
        """The runs that are drawn beside the shown one."""
        return () if self.shown is None else self.shown.others

    def _name_of(self, run: RunView) -> str:
        """What the user calls it, and what tells it from the others; else its own title."""
        return _short_title(self.workspace.runs.name_of(run)) or title_of(run)

    @property
    def _place(self) -> int | None:
        """The place of the shown run among those beside it, where it has one."""
        return None if self.shown is None or not self.shown.others else self.shown.gap

    def _own_colour(self, split: int) -> QColor:
        """By the split; among others of which it is one, all its curves have the colour that it has everywhere."""
        return QColor(themes.current().series[split]) if self._place is None else run_colour(self._place)

    def _colour_beside(self, index: int) -> QColor:
        """One colour for all curves of a run: those of the shown one have theirs by split."""
        return faint_run_colour(index if self.shown is None else self.shown.place(index))

    def _draw_beside(self, plot: CurvePlot, view: str, changed: frozenset[str]) -> None:
        """The curves of the other runs, in one view."""
        for index, other in enumerate(self._others):
            for split, *_ in _SPLITS:
                series = _SHOWN[view].series(split)
                if series not in changed:
                    continue
                steps, values = other.scalars(series)
                if not len(steps):
                    continue
                reading = self._beside[index].setdefault(series, Reading())
                reading.follow(steps, values, self.smoothing if split == "train" else 0.0)
                plot.set_curve(
                    f"{series} of run {index}",
                    self._name_of(other),
                    self._colour_beside(index),
                    self.place_of(other, steps),
                    reading.smoothed,
                    dashed=split != "train",
                )

    def _end_beside(self) -> float:
        ends = [
            float(self.place_of(other, reading.steps[-1:])[0])
            for other, readings in zip(self._others, self._beside, strict=True)
            for reading in readings.values()
        ]
        return max(ends, default=0.0)

    @property
    def best_epoch(self) -> tuple[int, float] | None:
        """Step and validation loss where that is lowest, or None before the first epoch."""
        reading = self._readings.get(LOSS.series("validation"))
        if reading is None or not np.isfinite(reading.values).any():
            return None
        index = int(np.nanargmin(np.where(np.isfinite(reading.values), reading.values, np.nan)))
        return int(reading.steps[index]), float(reading.values[index])

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Two plots stand beside each other where that is wider than high."""
        super().resizeEvent(event)
        beside = self.width() > 1.6 * self.height()
        self._row.setDirection(
            QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom,
        )
        self._row.update()

    def _y_title(self, view: str) -> str:
        if view == "accuracy":
            return "accuracy"
        layer = registry.layer("output")
        for node in self.document.project.graph.nodes.values():
            if node.kind == layer.kind:
                chosen = Choice.of(node.params.get("loss", layer.param("loss").default))
                loss = registry.losses().get(chosen.kind)
                return (loss.axis if loss is not None else "") or "loss"
        return "loss"

    def _show_plots(self) -> None:
        for view, plot in self.plots.items():
            plot.setVisible(self.view in {view, "both"})

    def _mark_best(self, plot: CurvePlot, view: str) -> None:
        best = self.best_epoch
        if best is None:
            plot.set_marker(math.nan, math.nan, QColor())
            return
        value = best[1] if view == "loss" else self.value(ACCURACY.series("validation"), best[0])
        plot.set_marker(float(self.place(np.array([best[0]]))[0]), value, QColor(themes.current().text))

    @property
    def looked_at(self) -> int | None:
        """The step under the mouse, or of the timeline."""
        return self.step if self._hover is None else self.step_of(self._hover)

    def readings_shown(self) -> tuple[ReadingShown, ...]:
        """The values in the legend."""
        return tuple(self._told.values())

    def show_ages(self) -> None:
        """Mark the old ones."""
        self._update_legend()

    def _on_names(self) -> None:
        """Runs may be called something else."""
        if any(self._beside) and self.isVisible():
            self._update_legend()

    def _on_hovered(self, x: object) -> None:
        self._hover = x if isinstance(x, float) else None
        self._update_legend()

    def _update_legend(self) -> None:
        step = self.looked_at
        moment = self.moment_at(step)
        entries: list[LegendEntry] = []
        self._told = {}
        for view, quantity in _SHOWN.items():
            if self.view not in {view, "both"}:
                continue
            for split, title, colour in _SPLITS:
                series = quantity.series(split)
                if series not in self._readings or not len(self._readings[series].steps):
                    continue
                look = self._own_colour(colour)
                reading = self.reading_at(series, step)
                if reading is None:
                    if split == "test":  # it is asked for, and was not yet
                        continue
                    entries.append(LegendEntry(title, look, "–", short=_SHORT.get(title, ""), group=view))
                    continue
                text, old = quantity.text(reading.value), moment.is_old(reading.step, series)
                self._told[series] = ReadingShown(series, text, reading.step, old)
                age, short = moment.words(reading.step), _SHORT.get(title, "")
                dashed = split != "train" and self._place is not None
                entries.append(LegendEntry(title, look, text, dashed=dashed, old=old, age=age, short=short, group=view))
        entries += [
            LegendEntry(self._name_of(other), self._colour_beside(index))
            for index, (other, readings) in enumerate(zip(self._others, self._beside, strict=False))
            if readings
        ]
        best = self.best_epoch
        if best is not None and self.view != "both":
            epoch = float(np.interp(best[0], self._ends, self._epochs)) if len(self._ends) else math.nan
            name = "best" if self.document.project.training.best_by == TrainConfig().best_by else "lowest loss"
            title = f"{name} epoch {epoch:.0f}" if math.isfinite(epoch) else name
            entries.append(LegendEntry(title, QColor(themes.current().text), dot=True))
        if self._hover is not None:
            entries.insert(0, LegendEntry(f"step {themes.format_count(step or 0)}", QColor(Qt.GlobalColor.transparent)))
        self.legend.set_entries(entries)
