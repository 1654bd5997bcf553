"""One curve a layer, for every quantity that declares it: gradient magnitudes, update ratios and what comes new."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from PySide6.QtGui import QColor

from nnviz.gui.look import theme as themes
from nnviz.gui.look.run_colours import DASHED, faint_run_colour, run_line
from nnviz.gui.look.theme import mixed
from nnviz.gui.panels.curves import CurvesPanel, Reading, curve_choices
from nnviz.gui.panels.numbers import breaks
from nnviz.gui.panels.plot import CurvePlot
from nnviz.record.age import Moment, ReadingShown
from nnviz.record.quantities import CHANGE, EPOCH
from nnviz.record.quantity import Curves, Quantity
from nnviz.record.run import RunView

#: How much of its colour a layer's curve of another run keeps.
_BESIDE = 0.55


class LayerCurvesPanel(CurvesPanel):
    """Curves named by the node they belong to, each labelled where it ends.

    Title, key, texts, scale and bands are those of the quantity.

    Attributes:
        quantity: What is shown; it declares its ``curves``.
        curves: The declaration.
        bands: Shaded ranges: (from, to, name of a theme colour).
    """

    quantity: ClassVar[Quantity]
    curves: ClassVar[Curves]
    bands: ClassVar[tuple[tuple[float, float, str], ...]] = ()
    choices = curve_choices("0.9")

    def __init_subclass__(cls) -> None:
        """All that the quantity says of its panel."""
        quantity, curves = cls.quantity, cls.quantity.curves
        assert curves is not None, f"{quantity.name} declares no curves"
        cls.curves, cls.key, cls.letter, cls.title = curves, curves.key, curves.letter, quantity.title
        cls.quantities = (quantity, EPOCH, CHANGE)
        healthy = quantity.bands.healthy
        cls.bands = ((*healthy, "good"),) if healthy is not None else ()
        title = quantity.title[:1].lower() + quantity.title[1:]
        cls.empty = f"Press Play to train: the {title} of every layer appears here."
        axis = "The axis is logarithmic; the" if quantity.scale == "log" else "The"
        cls.help = (
            f"<p><b>What it shows.</b> {quantity.meaning} {axis} thin line is each measurement, the strong one its "
            "moving average. Where a line is broken nothing was measured: instruments may take a tenth of the time.</p>"
            f"<p><b>How to read it.</b> {curves.reading}</p><p>Click a name to select its layer.</p>"
        )
        super().__init_subclass__()

    def build(self) -> None:
        """One plot with labels at its right."""
        super().build()
        logarithmic = self.quantity.scale == "log"
        self.plot = CurvePlot(logarithmic=logarithmic, end_labels=True, parent=self.body)
        if self.quantity.unit == "share":
            self.plot.set_bounds((0.0, 1.0))
        self.plot.hovered.connect(self._on_hovered)
        self.plot.picked.connect(self.node_requested.emit)
        self.plot.set_bands(list(self.bands))
        self.body_layout.addWidget(self.plot, 1)
        #: What was read of the other runs, and the one layer that it is of; empty for all.
        self._beside: dict[tuple[int, str], Reading] = {}
        self._beside_of = ""
        #: What is written of each layer.
        self._told: dict[str, ReadingShown] = {}

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """Give the curves that changed their new data."""
        if fresh:
            self._readings.clear()
            self._beside, self._beside_of = {}, ""
            self.plot.clear()
            self.plot.set_bands(list(self.bands))
        if fresh or EPOCH.series() in changed:
            self.read_epochs(run)
            if self.axis == "epoch":
                runs = (run, *self._others)
                changed |= {name for each in runs for name in each.names(self.quantity.prefix)}
        self.plot.set_axis(self.axis, self.curves.symbol, whole_x=self.axis == "step")
        for series in self._in_order(changed):
            node = self.quantity.where(series) or ""
            reading = self.read(run, series, logarithmic=self.quantity.scale == "log")
            if not len(reading.steps):
                # The training went back to before the first of them.
                del self._readings[series]
                self.plot.keep_only(self.plot.curves.keys() - {node})
                continue
            colour, dashed = self.colour_of(node)
            smoothed = reading.smoothed if self.smoothing > 0 else None
            x = self.place(reading.steps)
            self.plot.set_curve(node, node, colour, x, reading.values, smoothed, pattern=DASHED if dashed else ())
        self._draw_beside(changed)
        self.plot.set_events(self.events_of(run))
        self.plot.set_emphasis(self.selection)
        self.plot.set_cursor(None if step is None else float(self.place(np.array([step]))[0]))
        self.plot.update_ranges(max(self.end(run), self._end_beside()))
        self._update_header()
        return bool(self.plot.curves)

    def _draw_beside(self, changed: frozenset[str]) -> None:
        """The same layers in the runs beside the shown one: of a selected layer in the colours of the runs.

        Of all layers they are dashed in the colours of the layers, for a colour means one thing.
        """
        chosen = self.selection if self.quantity.series(self.selection) in self._readings else ""
        if chosen != self._beside_of:
            self._beside_of = chosen
            self.plot.keep_only(set(self._own_curves()))
            self._beside = {}
            changed = frozenset(name for run in self._others for name in run.names(self.quantity.prefix))
        for index, other in enumerate(self._others):
            placed = self.placing_of(other)
            for series in changed:
                node = self.quantity.where(series)
                if not series.startswith(self.quantity.prefix) or not node or (chosen and node != chosen):
                    continue
                steps, values = other.scalars(series)
                if not len(steps):
                    continue
                reading = self._beside.setdefault((index, series), Reading())
                reading.follow(steps, values, self.smoothing, logarithmic=self.quantity.scale == "log")
                ground = QColor(themes.current().panel)
                place = index if self.shown is None else self.shown.place(index)
                colour = faint_run_colour(place) if chosen else mixed(ground, self.colour_of(node)[0], _BESIDE)
                x = placed(steps)
                line = run_line(place) if chosen else DASHED
                self.plot.set_curve(f"{index} {series}", "", colour, x, reading.smoothed, pattern=line)

    def _own_curves(self) -> list[str]:
        """The layers of the shown run that are drawn."""
        return [key for key, curve in self.plot.curves.items() if curve.title]

    def _end_beside(self) -> float:
        readings: dict[int, list[Reading]] = {}
        for (at, _), one in self._beside.items():
            readings.setdefault(at, []).append(one)
        return max((self.end_of(self._others[at], of_run) for at, of_run in readings.items()), default=0.0)

    def on_selection(self) -> None:
        """The selected layer's curve comes forward."""
        if self._others and not self.is_empty:
            self._draw_beside(frozenset())
        self.plot.set_emphasis(self.selection)
        if not self.is_empty:
            self._update_header()

    def _in_order(self, changed: frozenset[str]) -> list[str]:
        prefix = self.quantity.prefix
        ordered = dict.fromkeys(prefix + node for node in self.layers)
        known = [series for series in ordered if series in changed]
        return known + sorted(name for name in changed if name.startswith(prefix) and name not in ordered)

    def _on_hovered(self, x: object) -> None:
        self._hover = x if isinstance(x, float) else None
        if not self.is_empty:
            self._update_header()

    def _update_header(self) -> None:
        """The values at the step under the mouse or of the timeline; otherwise what the picture shows."""
        step = self.looked_at
        nodes = self._own_curves()
        chosen = self.selection if self.selection in nodes else ""
        told = [chosen] if step is None and chosen else nodes if step is not None else []
        moment = self.moment_at(step)
        self._told = {node: reading for node in told if (reading := self._told_of(node, step, moment)) is not None}
        if step is None:
            reading = self._told.get(chosen)
            words = (f"{chosen}: {reading.text}", reading.text) if reading is not None else self.curves.caption
            if self._beside:
                words = ("other runs in their colours", "other runs") if chosen else ("dashed: other runs",)
            elif not chosen and self._has_gaps():
                words = ("gaps: not measured then, to save time", "gaps: not measured", "gaps: no data")
            self.set_subtitle(*words)
            old = reading is not None and reading.old
            self._subtitle.set_age(self._age_of_chosen if old else None)
            self.plot.set_values({})
            return
        count = themes.format_count(step)
        self.set_subtitle(f"values at step {count}", f"at step {count}", f"step {count}")
        self._subtitle.set_age(None)
        shown = {node: self._told[node].text if node in self._told else "–" for node in nodes}
        self.plot.set_values(shown, frozenset(node for node, reading in self._told.items() if reading.old))

    def _has_gaps(self) -> bool:
        """Whether a line is broken: measuring has a budget of time, and there was none left."""
        return any(len(breaks(reading.steps.astype(float))) for reading in self._readings.values())

    def _told_of(self, node: str, step: int | None, moment: Moment) -> ReadingShown | None:
        series = self.quantity.series(node)
        reading = self.reading_at(series, step)
        if reading is None:
            return None
        return ReadingShown(
            series, self.quantity.text(reading.value), reading.step, moment.is_old(reading.step, series)
        )

    def _age_of_chosen(self) -> str:
        reading = next(iter(self._told.values()), None)
        return "" if reading is None else self.moment.words(reading.step)

    def readings_shown(self) -> tuple[ReadingShown, ...]:
        """The values that are written: of the selected layer, or of all at the step that is looked at."""
        return tuple(self._told.values())

    def show_ages(self) -> None:
        """Mark the old ones."""
        self._update_header()


def curves_panel(quantity: Quantity) -> type[LayerCurvesPanel]:
    """The panel of a quantity that declares its curves."""
    body = {"__doc__": f"{quantity.title} of every layer.", "__module__": __name__, "quantity": quantity}
    return type(f"Curves_{quantity.name}", (LayerCurvesPanel,), body)
