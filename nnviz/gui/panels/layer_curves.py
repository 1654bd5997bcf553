"""One curve a layer on a logarithmic axis: gradient magnitudes and update ratios."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from nnviz.gui.look import theme as themes
from nnviz.gui.look.theme import Theme
from nnviz.gui.panels.curves import CurvesPanel, curve_choices, trained_nodes
from nnviz.gui.panels.plot import CurvePlot
from nnviz.record.run import RunView


class LayerCurvesPanel(CurvesPanel):
    """Curves named by the node they belong to, each labelled where it ends.

    Attributes:
        quantity: First part of the series' names.
        y_title: What the vertical axis shows, with its unit.
        caption: Subtitle while nothing is pointed at.
        shorter_captions: What may stand there where it does not fit, longest first.
        bands: Shaded ranges: (from, to, name of a theme colour).
    """

    quantity: ClassVar[str] = ""
    y_title: ClassVar[str] = ""
    caption: ClassVar[str] = ""
    shorter_captions: ClassVar[tuple[str, ...]] = ()
    bands: ClassVar[tuple[tuple[float, float, str], ...]] = ()
    choices = curve_choices("0.9")

    def build(self) -> None:
        """One logarithmic plot with labels at its right."""
        super().build()
        self.plot = CurvePlot(self.theme, logarithmic=True, end_labels=True, parent=self.body)
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
        if fresh or "epoch" in changed:
            self.read_epochs(run)
            if self.axis == "epoch":
                changed = frozenset(run.names(f"{self.quantity}/")) | changed
        self.plot.set_axis(self.axis, self.y_title, whole_x=self.axis == "step")
        for series in self._in_order(changed):
            node = series.partition("/")[2]
            reading = self.read(run, series)
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
        self._update_header()

    def apply_theme(self, theme: Theme) -> None:
        """Take the colours of another theme."""
        self.plot.apply_theme(theme)
        super().apply_theme(theme)

    def _in_order(self, changed: frozenset[str]) -> list[str]:
        prefix = f"{self.quantity}/"
        ordered = [prefix + node for node in trained_nodes(self.document)]
        known = [series for series in ordered if series in changed]
        return known + sorted(name for name in changed if name.startswith(prefix) and name not in set(ordered))

    def _on_hovered(self, x: object) -> None:
        self._hover = x if isinstance(x, float) else None
        self._update_header()

    def _update_header(self) -> None:
        """The values at the step under the mouse or of the timeline; otherwise what the picture shows."""
        step = self.step if self._hover is None else self.step_of(self._hover)
        nodes = list(self.plot.curves)
        chosen = self.selection if self.selection in nodes else ""
        if step is None:
            value = themes.format_number(self.value(f"{self.quantity}/{chosen}", None))
            words = (f"{chosen}: {value}", value) if chosen else (self.caption, *self.shorter_captions)
            self.set_subtitle(*words)
            self.plot.set_values({})
            return
        values = {node: self.value(f"{self.quantity}/{node}", step) for node in nodes}
        shown = {node: themes.format_number(value) if math.isfinite(value) else "–" for node, value in values.items()}
        count = themes.format_count(step)
        self.set_subtitle(f"values at step {count}", f"at step {count}", f"step {count}")
        self.plot.set_values(shown)
