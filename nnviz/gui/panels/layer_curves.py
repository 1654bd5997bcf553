"""One curve a layer, for every quantity that declares it: gradient magnitudes, update ratios and what comes new."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from nnviz.gui.look import theme as themes
from nnviz.gui.panels.curves import CurvesPanel, curve_choices, trained_nodes
from nnviz.gui.panels.plot import CurvePlot
from nnviz.record.quantities import EPOCH, Curves, Quantity, percent
from nnviz.record.run import RunView


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
        cls.quantities = (quantity, EPOCH)
        healthy = quantity.bands.healthy
        cls.bands = ((*healthy, "good"),) if healthy is not None else ()
        title = quantity.title[:1].lower() + quantity.title[1:]
        cls.empty = f"Press Play to train: the {title} of every layer appears here."
        axis = "The axis is logarithmic; the" if quantity.scale == "log" else "The"
        cls.help = (
            f"<p><b>What it shows.</b> {quantity.meaning} {axis} thin line is each measurement, the strong one its "
            f"moving average.</p><p><b>How to read it.</b> {curves.reading}</p><p>Click a name to select its layer.</p>"
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
        self._hover: float | None = None

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """Give the curves that changed their new data."""
        if fresh:
            self._readings.clear()
            self.plot.clear()
            self.plot.set_bands(list(self.bands))
        if fresh or EPOCH.series() in changed:
            self.read_epochs(run)
            if self.axis == "epoch":
                changed = frozenset(run.names(self.quantity.prefix)) | changed
        self.plot.set_axis(self.axis, self.curves.symbol, whole_x=self.axis == "step")
        for series in self._in_order(changed):
            node = self.quantity.where(series) or ""
            reading = self.read(run, series, logarithmic=self.quantity.scale == "log")
            if not len(reading.steps):
                continue
            colour, dashed = self.colour_of(node)
            smoothed = reading.smoothed if self.smoothing > 0 else None
            x = self.place(reading.steps)
            self.plot.set_curve(node, node, colour, x, reading.values, smoothed, dashed=dashed)
        self.plot.set_emphasis(self.selection)
        self.plot.set_cursor(None if step is None else float(self.place(np.array([step]))[0]))
        self.plot.update_ranges(self.end(run))
        self._update_header()
        return bool(self.plot.curves)

    def on_selection(self) -> None:
        """The selected layer's curve comes forward."""
        self.plot.set_emphasis(self.selection)
        if not self.is_empty:
            self._update_header()

    def _in_order(self, changed: frozenset[str]) -> list[str]:
        prefix = self.quantity.prefix
        ordered = [prefix + node for node in trained_nodes(self.document)]
        known = [series for series in ordered if series in changed]
        return known + sorted(name for name in changed if name.startswith(prefix) and name not in set(ordered))

    def _on_hovered(self, x: object) -> None:
        self._hover = x if isinstance(x, float) else None
        if not self.is_empty:
            self._update_header()

    def _update_header(self) -> None:
        """The values at the step under the mouse or of the timeline; otherwise what the picture shows."""
        step = self.step if self._hover is None else self.step_of(self._hover)
        nodes = list(self.plot.curves)
        chosen = self.selection if self.selection in nodes else ""
        if step is None:
            value = self._text(self.value(self.quantity.series(chosen), None))
            words = (f"{chosen}: {value}", value) if chosen else self.curves.caption
            self.set_subtitle(*words)
            self.plot.set_values({})
            return
        values = {node: self.value(self.quantity.series(node), step) for node in nodes}
        shown = {node: self._text(value) if math.isfinite(value) else "–" for node, value in values.items()}
        count = themes.format_count(step)
        self.set_subtitle(f"values at step {count}", f"at step {count}", f"step {count}")
        self.plot.set_values(shown)

    def _text(self, value: float) -> str:
        return percent(value) if self.quantity.unit == "share" else themes.format_number(value)


def curves_panel(quantity: Quantity) -> type[LayerCurvesPanel]:
    """The panel of a quantity that declares its curves."""
    body = {"__doc__": f"{quantity.title} of every layer.", "__module__": __name__, "quantity": quantity}
    return type(f"Curves_{quantity.name}", (LayerCurvesPanel,), body)
