"""Every measured value of the selected layer: how large it is, when it was measured, and whether it is healthy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from nnviz.gui.inspector.tab import Tab
from nnviz.gui.look import theme as themes
from nnviz.gui.look.age_mark import aged
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.parts.widgets import AgeMark, refresh_fonts
from nnviz.gui.runs.shown import Shown
from nnviz.project.checks.shapes import shape_text
from nnviz.record.age import Moment, ReadingShown, moment_of
from nnviz.record.interest import NOTHING, Interest
from nnviz.record.quantities import ALIVE_UNTIL, DEAD_SINCE, OUTPUT, QUANTITIES
from nnviz.record.quantity import Quantity
from nnviz.record.readings import ArrayReading, Histogram, Reading, Scalar, fits
from nnviz.record.run import RunView

#: What is measured layer by layer, in the order of the declarations.
PER_LAYER: tuple[Quantity, ...] = tuple(one for one in QUANTITIES if one.per == "node")


def value_text(quantity: Quantity, reading: Reading) -> str:
    """A reading in a few words: a number as it is read everywhere; of many numbers their shape, range, or how many."""
    if isinstance(reading, Scalar):
        return quantity.text(reading.value)
    if isinstance(reading, Histogram) and len(reading.edges):
        return _span(quantity, *reading.ends)
    if isinstance(reading, ArrayReading):
        array = reading.array
        if quantity in (DEAD_SINCE, ALIVE_UNTIL):
            return _steps_text(array[array >= 0])
        return f"{np.count_nonzero(array)} of {array.size}" if array.dtype == np.bool_ else shape_text(array.shape)
    return ""


def more_text(quantity: Quantity, reading: Reading) -> str:
    """What else there is to say of many numbers; empty for one, and for yes and no."""
    if isinstance(reading, Histogram):
        return f"{themes.format_count(int(reading.counts.sum()))} outputs"
    if quantity in (DEAD_SINCE, ALIVE_UNTIL):
        return ""
    if isinstance(reading, ArrayReading) and reading.array.size and reading.array.dtype.kind in "fi":
        finite = reading.array[np.isfinite(reading.array)]
        if not finite.size:
            return "NaN"
        more = "" if finite.size == reading.array.size else ", and what is no number"
        return _span(quantity, float(finite.min()), float(finite.max())) + more
    return ""


def _steps_text(steps: NDArray[np.generic]) -> str:
    """The steps at which something happened to units, of those to which it did."""
    if not steps.size:
        return "–"
    first, last = (themes.format_count(int(step)) for step in (steps.min(), steps.max()))
    return f"step {first}" if first == last else f"steps {first} to {last}"


def _span(quantity: Quantity, low: float, high: float) -> str:
    if quantity.unit == "share":
        return f"{quantity.text(low)} to {quantity.text(high)}"
    return "{} to {}".format(*themes.format_range(low, high))


class ValueRow(QWidget):
    """One quantity: its title and value, below it the step, the healthy band, and whether the value is inside."""

    def __init__(self, quantity: Quantity, parent: QWidget) -> None:
        super().__init__(parent)
        self.quantity = quantity
        self._colour = ""
        self._reading: Reading | None = None
        self._moment = Moment()
        self.setToolTip(quantity.meaning)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2, 0, 4)
        column.setSpacing(1)
        line = QHBoxLayout()
        line.setSpacing(8)
        title = Tab.text(self, 13)
        title.setText(quantity.title)
        line.addWidget(title, 3)
        self.mark = AgeMark(self)
        self.value = Tab.text(self, 13, 600)
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        line.addWidget(self.value, 2)
        line.addWidget(self.mark)
        column.addLayout(line)
        self.note: QLabel = Tab.text(self, 12, 400, "muted")
        column.addWidget(self.note)

    @property
    def old(self) -> bool:
        """Whether what is shown is marked as old."""
        return self.mark.on

    def readings_shown(self) -> tuple[ReadingShown, ...]:
        """Its value and, of many numbers, what else is said of them."""
        if self._reading is None:
            return ()
        series, step = self._reading.series, self._reading.step
        shown = [ReadingShown(series, self.value.text(), step, self.old)]
        if more := more_text(self.quantity, self._reading):
            shown.append(ReadingShown(series, more, step, self.old, "more"))
        return tuple(shown)

    def set_moment(self, moment: Moment) -> None:
        """Training went on, or another step is shown: what is shown may have become old."""
        self._moment = moment
        if self._reading is not None and moment.is_old(self._reading.step, self._reading.series) is not self.old:
            self.show_reading(self._reading, moment)

    def event(self, event: QEvent) -> bool:
        """The age in the tip is that of the moment at which it opens."""
        if event.type() == QEvent.Type.ToolTip and self._reading is not None:
            self.setToolTip(plain_tip(f"{self.quantity.meaning}\n{self._moment.words(self._reading.step)}"))
        return super().event(event)

    def show_reading(self, reading: Reading, moment: Moment) -> None:
        """Bring it up to date."""
        theme = themes.current()
        self._reading, self._moment = reading, moment
        self.mark.show_age(moment.is_old(reading.step, reading.series))
        self.value.setText(value_text(self.quantity, reading))
        more = more_text(self.quantity, reading)
        words = [f"step {themes.format_count(reading.step)}", *([more] if more else [])]
        colour = theme.text
        healthy = self.quantity.healthy_text
        if isinstance(reading, Scalar) and healthy:
            bands = self.quantity.bands
            words += [f"healthy: {healthy}", "inside" if bands.holds(reading.value) else "outside"]
            level = bands.level(reading.value)
            colour = theme.text if level == "good" else themes.level_colour(theme, level)
        colour = aged(colour, self.old, theme)
        self.note.setText(" · ".join(words))
        if colour.name() != self._colour:
            self._colour = colour.name()
            self.value.setStyleSheet(f"color: {self._colour};")
            refresh_fonts(self.value)  # another stylesheet brings the letters back that it was first made with
        self.setAccessibleName(f"{self.quantity.title}: {self.value.text()}, {self.note.text()}")


class ValuesTab(Tab):
    """The newest readings of the selected layer, or those at the step of the timeline."""

    key = "values"
    title = "Values"
    keys = "Alt+0"  # Alt+5 to Alt+9 are the colours of notes

    def build(self) -> None:
        """A heading, a hint where there is nothing to show, and a row for each quantity."""
        self._run: RunView | None = None
        self._step: int | None = None
        self.heading = self.text(self.page, 15, 600)
        self.column.addWidget(self.heading)
        self.hint = self.text(self.page, 13, 400, "muted")
        self.column.addWidget(self.hint)
        self.rows = {quantity: ValueRow(quantity, self.page) for quantity in PER_LAYER}
        for row in self.rows.values():
            self.column.addWidget(row)

    @property
    def node(self) -> str:
        """The layer whose values are shown; empty unless exactly one is selected."""
        known = self.document.project.graph.nodes
        return self.selection[0] if len(self.selection) == 1 and self.selection[0] in known else ""

    def looks_at(self) -> Interest:
        """All that is measured of the selected layer, so that none of its values is an old one."""
        return Interest(frozenset(PER_LAYER), frozenset({self.node})) if self.node else NOTHING

    def refresh(self, shown: Shown, changed: frozenset[str]) -> None:
        """Bring the rows up to date with what is shown."""
        anew = shown.run is not self._run or shown.step != self._step
        self._run, self._step = shown.run, shown.step
        if anew:
            self.show_document()
            return
        node = self.node
        for quantity in self.rows:
            if node and quantity.series(node) in changed:
                self._show_row(quantity, node)
        moment = moment_of(shown.run, shown.step)
        for row in self.rows.values():
            row.set_moment(moment)
        self._show_hint()

    def readings_shown(self) -> tuple[ReadingShown, ...]:
        """All values that stand here, each with its step."""
        return tuple(one for row in self.rows.values() if not row.isHidden() for one in row.readings_shown())

    def show_document(self) -> None:
        """All rows of the selected layer."""
        node = self.node
        self.heading.setText(node)
        self.heading.setVisible(bool(node))
        for quantity in self.rows:
            self._show_row(quantity, node)
        self._show_hint()

    def _show_row(self, quantity: Quantity, node: str) -> None:
        row = self.rows[quantity]
        known = self._run is not None and bool(node) and self._is_of(self._run, node)
        reading = self._run.latest(quantity.series(node), self._step) if known and self._run is not None else None
        row.setVisible(reading is not None)
        if reading is not None and self._run is not None:
            row.show_reading(reading, moment_of(self._run, self._step))

    def _is_of(self, run: RunView, node: str) -> bool:
        """Whether the run is of a network in which the layer puts out what it puts out now, as far as is known."""
        output, shape = run.latest(OUTPUT.series(node), self._step), self.document.inference.shape(node)
        return not isinstance(output, ArrayReading) or shape is None or fits(output, shape)

    def _show_hint(self) -> None:
        if not self.node:
            text = "Select one layer: everything that is measured of it stands here, with its healthy range."
        else:
            text = "Press Play to train: what is measured of this layer appears here."
        self.hint.setText(text)
        self.hint.setVisible(all(row.isHidden() for row in self.rows.values()))
