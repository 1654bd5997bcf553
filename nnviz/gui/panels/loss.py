"""Loss, accuracy and the other shares of right answers over the training."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.look.run_colours import Pattern, faint_run_colour, run_colour, run_line
from nnviz.gui.panels.curves import CurvesPanel, Reading, curve_choices, words_without
from nnviz.gui.panels.panel_actions import PanelChoice, PanelOption
from nnviz.gui.panels.plot import CurvePlot
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import Legend, LegendEntry, Segments
from nnviz.project.checks.answers import count_of_classes, loss_of
from nnviz.project.model import TrainConfig
from nnviz.record.age import ReadingShown
from nnviz.record.quantities import ACCURACY, CHANGE, EPOCH, LEAST_CLASSES_FOR_TOP, LOSS, MACRO_F1, TOP5_ACCURACY
from nnviz.record.quantity import Quantity
from nnviz.record.run import RunView

#: What curves are called where there is little room.
_SHORT = {"validation": "val."}
_SPLITS = (("train", "batch", 0), ("validation", "validation", 1), ("test", "test", 2))
_LONGEST_TITLE = 24
#: What the plot of shares shows in each view; in the others that is the accuracy. And what its axis is called.
_SHARES = {"accuracy": ACCURACY, "top5": TOP5_ACCURACY, "f1": MACRO_F1}
_TITLES = {"accuracy": "accuracy", "top5": "top-5 accuracy", "f1": "macro F1"}


def title_of(run: RunView) -> str:
    """What a run beside the shown one is called in the legend."""
    return _short_title(run.info.title) or "other run"


def _short_title(text: str) -> str:
    title = " ".join(text.split())
    return title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…"


class LossPanel(CurvesPanel):
    """Loss and accuracy of the batches, of the validation split, and of the test split where it was asked for.

    Top-5 accuracy and macro F1 are those of whole splits: a value an epoch.
    """

    key = "loss"
    title = "Loss"
    empty = "Press Play to train: the loss appears here."
    quantities = (LOSS, ACCURACY, TOP5_ACCURACY, MACRO_F1, EPOCH, CHANGE)
    letter = "L"
    choices = (
        PanelChoice(
            "view",
            "loss",
            (
                PanelOption("loss", "Show &loss", "Show the loss", "L"),
                PanelOption("accuracy", "Show &accuracy", "Show the share that was right", "A"),
                PanelOption("top5", "Show top-&5", "Show the share whose class was among the five likeliest", "T"),
                PanelOption("f1", "Show &F1", "Show the mean of F1 over the classes, of whole splits", "F"),
                PanelOption("both", "Show &both", "Show both, side by side or one over the other", "B"),
            ),
        ),
        *curve_choices("0.6"),
    )
    help = (
        "<p><b>What it shows.</b> <i>batch</i>: the loss of each training batch, as it was trained on; the thin "
        "line behind is the raw value, the strong one its moving average. <i>validation</i>: the loss over the whole "
        "validation split, after each epoch. <i>Accuracy</i>: the share that was right. <i>Top-5</i>, with "
        "more than five classes: the share whose class was among the five likeliest. <i>F1</i>: the mean over the "
        "classes of 2·precision·recall / (precision + recall). These two are known of whole splits "
        "only: a dot an epoch.</p>"
        "<p><b>How to read it.</b> Both fall: it learns. Training falls and validation rises: it learns by heart "
        "(over-fitting); stop at the dot, the best epoch. Neither falls: the learning rate is too small, or the units "
        "are dead or saturated. It jumps or becomes NaN: the learning rate is too large.</p>"
        "<p>A line from top to bottom marks where something was changed by hand: point at it to read what.</p>"
        "<p>Other runs beside the shown one are drawn faintly, each in its colour and, from the seventh on, with its "
        "line: of the batches as in the legend, of validation and test with other gaps.</p>"
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
                ("top5", "Top-5", "Show the share whose class was among the five likeliest"),
                ("f1", "F1", "Show the mean of F1 over the classes"),
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
        """Show ``loss``, ``accuracy``, ``top5``, ``f1`` or ``both``."""
        self._turn_to(view)
        self.redraw()

    def _turn_to(self, view: str) -> None:
        self.view = view
        self._segments.set_value(view)
        self.option_changed.emit("view", view)
        self._show_plots()

    @property
    def _quantities(self) -> dict[str, Quantity]:
        """What each of the two plots shows."""
        return {"loss": LOSS, "accuracy": _SHARES.get(self.view, ACCURACY)}

    def _is_seen(self, plot: str) -> bool:
        """Whether a plot is one of those that are shown."""
        return self.view == "both" or (plot == "loss") == (self.view == "loss")

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
                drawn = (LOSS, *_SHARES.values())
                changed |= {name for one in drawn for each in runs for name in each.names(one.prefix)}
        self._read_the_rest(run, changed)
        if self._offer(run):
            changed |= {name for each in (run, *self._others) for name in each.names(ACCURACY.prefix)}
        quantities, events = self._quantities, self.events_of(run)
        for view, plot in self.plots.items():
            plot.set_axis(self.axis, self._y_title(view), whole_x=self.axis == "step")
            for split, title, colour in _SPLITS:
                series = quantities[view].series(split)
                if series not in changed:
                    continue
                if not len(run.scalars(series)[0]):
                    # The training went back to before the first of them: nothing of it has happened.
                    self._readings.pop(series, None)
                    plot.keep_only(plot.curves.keys() - {series})
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
                    pattern=self._own_line(validation=not is_train),
                    markers=not is_train and len(reading.steps) <= 60,
                )
            self._draw_beside(plot, view, changed)
            self._mark_best(plot, view)
            plot.set_events(events)
            plot.set_cursor(None if step is None else float(self.place(np.array([step]))[0]))
            plot.set_words("" if plot.curves else words_without((run, *self._others)))
            if self._is_seen(view):
                plot.update_ranges(max(self.end(run), self._end_beside()))
        self._update_legend()
        return bool(any(len(reading.steps) for reading in self._readings.values()) or any(self._beside))

    def _read_the_rest(self, run: RunView, changed: frozenset[str]) -> None:
        """What no plot shows now is read as well: it goes into the table that is saved."""
        drawn = self._quantities.values()
        for quantity in (one for one in _SHARES.values() if one not in drawn):
            for split, *_ in _SPLITS:
                series = quantity.series(split)
                if series in changed and len(run.scalars(series)[0]):
                    self.read(run, series, smoothed=split == "train")

    def _offer(self, run: RunView) -> bool:
        """Only what is known of this run, or will be, can be chosen; in a regression nothing is right or wrong.

        Returns:
            Whether the accuracy is drawn now in place of something that this run has not.
        """
        runs = (run, *self._others)

        def known(quantity: Quantity) -> bool:
            return any(one.names(quantity.prefix) for one in runs)

        begun, accuracy, document = known(LOSS), known(ACCURACY), self.document
        validated = any(len(one.scalars(ACCURACY.series("validation"))[0]) for one in runs)
        offered = {"accuracy": True, "top5": known(TOP5_ACCURACY), "f1": known(MACRO_F1)}
        if not validated:  # the first epoch is to come
            classes = count_of_classes(document.project.graph, document.inference, document.facts)
            offered |= {"top5": classes >= LEAST_CLASSES_FOR_TOP, "f1": accuracy or not begun}
        for view, on in offered.items():
            self._segments.set_offered(view, on)
        for view in offered:
            self._segments.set_enabled(view, accuracy)
        if begun and not accuracy and self.view != "loss":
            self._turn_to("loss")
        elif begun and not offered.get(self.view, True):
            self._turn_to("accuracy")
            self.plots["accuracy"].clear()
            return True
        return False

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

    def _own_line(self, *, validation: bool) -> Pattern:
        """Without a gap while its colours tell its splits apart; else as the line of a run among others."""
        return () if self._place is None else run_line(self._place, validation=validation)

    def _place_beside(self, index: int) -> int:
        return index if self.shown is None else self.shown.place(index)

    def _colour_beside(self, index: int) -> QColor:
        """One colour for all curves of a run: those of the shown one have theirs by split."""
        return faint_run_colour(self._place_beside(index))

    def _draw_beside(self, plot: CurvePlot, view: str, changed: frozenset[str]) -> None:
        """The curves of the other runs, in one view."""
        for index, other in enumerate(self._others):
            placed = self.placing_of(other)
            for split, *_ in _SPLITS:
                series = self._quantities[view].series(split)
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
                    placed(steps),
                    reading.smoothed,
                    pattern=run_line(self._place_beside(index), validation=split != "train"),
                )

    def _end_beside(self) -> float:
        beside = zip(self._others, self._beside, strict=True)
        return max((self.end_of(other, readings.values()) for other, readings in beside), default=0.0)

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
            return _TITLES.get(self.view, _TITLES["accuracy"])
        loss = loss_of(self.document.project.graph)
        return (loss.axis if loss is not None else "") or "loss"

    def _show_plots(self) -> None:
        for view, plot in self.plots.items():
            plot.setVisible(self._is_seen(view))

    def _mark_best(self, plot: CurvePlot, view: str) -> None:
        best = self.best_epoch
        if best is None:
            plot.set_marker(math.nan, math.nan, QColor())
            return
        value = best[1] if view == "loss" else self.value(self._quantities[view].series("validation"), best[0])
        plot.set_marker(float(self.place(np.array([best[0]]))[0]), value, QColor(themes.current().text))

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
        for view, quantity in self._quantities.items():
            if not self._is_seen(view):
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
                line = self._own_line(validation=split != "train")
                entries.append(LegendEntry(title, look, text, old=old, age=age, short=short, pattern=line, group=view))
        entries += [
            LegendEntry(self._name_of(other), self._colour_beside(index), pattern=run_line(self._place_beside(index)))
            for index, (other, readings) in enumerate(zip(self._others, self._beside, strict=False))
            if readings
        ]
        best = self.best_epoch
        if best is not None and self.view != "both":
            epoch = float(np.interp(best[0], self._ends, self._epochs)) if len(self._ends) else math.nan
            name = "best" if self.document.project.training.best_by == TrainConfig().best_by else "lowest loss"
            title = f"{name} epoch {epoch:.0f}" if math.isfinite(epoch) else name
            brief = f"{name.removesuffix(' loss')} {epoch:.0f}" if math.isfinite(epoch) else name
            entries.append(LegendEntry(title, QColor(themes.current().text), short=brief, dot=True))
        if self._hover is not None:
            entries.insert(0, LegendEntry(f"step {themes.format_count(step or 0)}", QColor(Qt.GlobalColor.transparent)))
        self.legend.set_entries(entries)
