"""The weights of a layer as pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtWidgets import QComboBox

from nnviz.explain.place import Place
from nnviz.gui.look.scales import NO_NUMBER, SIGNS, Scale
from nnviz.gui.panels.array_view import ArrayView
from nnviz.gui.panels.arrays import RGB, FilterStack, filter_stack, image_before, with_filters
from nnviz.gui.panels.base import Cell
from nnviz.gui.panels.node_panel import NodePanel
from nnviz.gui.panels.panel_actions import PanelChoice, PanelOption
from nnviz.gui.panels.tile_data import TileData
from nnviz.gui.parts.widgets import set_font
from nnviz.project import registry
from nnviz.project.checks.shapes import shape_text
from nnviz.record.age import ReadingShown, moment_of
from nnviz.record.quantities import WEIGHTS
from nnviz.record.readings import ArrayReading, count_in
from nnviz.record.run import RunView

#: Of the weights of one output no more than so many are kept, whole channels of them.
_MOST_OF_ONE = 2**19


class FilterView(ArrayView):
    """Every filter of one layer: a colour composite over three input channels, else one input channel at a time.

    Colours are zero-centred; the range that they stand for is printed. With ``shared`` all filters have one scale, so
    that weak ones look weak; otherwise each filter fills its own.
    """

    def build(self) -> None:
        """A choice behind the caption."""
        self._stack: FilterStack | None = None
        self._channel = 0
        self._axes = 2
        self.shared = True
        self.channel_box = QComboBox(self)
        self.channel_box.setAccessibleName("Input channel")
        self.channel_box.setToolTip("Which input channel's weights are shown")
        set_font(self.channel_box, 12)
        self.channel_box.setMaxVisibleItems(16)
        self.channel_box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.channel_box.setMinimumContentsLength(7)
        self.channel_box.activated.connect(self._on_channel)
        self.add_choice(self.channel_box)

    @property
    def stack(self) -> FilterStack | None:
        """The weights that are shown."""
        return self._stack

    @property
    def channel(self) -> int:
        """The input channel that is shown; ``RGB`` for the composite of three."""
        return self._channel

    def set_shared(self, shared: bool) -> None:
        """One scale for all filters, or each its own."""
        self.shared = shared
        self._colour()

    def refresh(self, run: RunView, node: str, step: int | None) -> bool:
        """Show the weights of a node at a step; False where there are none."""
        found = self._document.project.graph.nodes.get(node)
        sample = run.latest(WEIGHTS.series(node), step) if found is not None else None
        stack = None
        if found is not None and isinstance(sample, ArrayReading) and self._has_as_many(node, sample):
            groups = registry.layer(found.kind).values(found.params).get("groups", 1)
            stack = filter_stack(
                found.kind,
                sample.array,
                image_before(self._document, node),
                groups if isinstance(groups, int) else 1,
                count_in(sample.meta, "of", 0),
            )
        before = None if self._stack is None else (self._node, self._stack.channels)
        self._node, self._stack = node, stack
        if stack is None:
            self.clear()
            return False
        self._axes = sample.array.ndim - 2 if isinstance(sample, ArrayReading) else 2
        if isinstance(sample, ArrayReading):
            self.set_measured(sample, moment_of(run, step))
        if before != (node, stack.channels):
            self._offer_channels(stack)
        self._colour()
        return True

    def clear(self) -> None:
        """Show no weights."""
        self._stack = None
        self.show_tiles(None)

    def _has_as_many(self, node: str, weights: ArrayReading) -> bool:
        """Whether the layer has as many weights as were measured; else they are of the network of before.

        What it has besides is one bias for each output.
        """
        result = self._document.inference.results.get(node)
        if result is None or result.output is None or not weights.array.size:
            return True
        each = weights.array.size // len(weights.array)
        if len(weights.array) == 1 and each >= _MOST_OF_ONE:  # cut to the first of its inputs
            return True
        besides = result.parameters - each * count_in(weights.meta, "of", len(weights.array))
        return besides in {0, result.output[0], result.output[-1]}

    def place_of(self, tile: int, row: int, column: int) -> Place | None:
        """The weight in a cell: of the channel that is shown, or of the first where three are shown as one colour."""
        stack, found = self._stack, self._document.project.graph.nodes.get(self._node)
        if stack is None or found is None:
            return None
        channel = max(self._channel, 0)
        if stack.noun == "weights":
            return Place(self._node, "weight", (row, column))
        if stack.noun == "unit":
            height, width = stack.size
            return Place(self._node, "weight", (tile, (channel * height + row) * width + column))
        spec = registry.layer(found.kind)
        groups = spec.values(found.params).get("groups", 1)
        if self._axes == 1:  # the channels of a sequence stand one below the other
            return Place(self._node, "weight", (tile, row, column))
        if spec.inputs_first:
            per_group = len(stack.values) // groups if isinstance(groups, int) and groups else len(stack.values)
            group, outgoing = divmod(tile, max(per_group, 1))
            return Place(self._node, "weight", (group * stack.channels + channel, outgoing, row, column))
        return Place(self._node, "weight", (tile, channel, row, column))

    def enlarged_title(self) -> str:
        """The layer and what is shown of it."""
        channel = self.channel_box.currentText() if self.channel_box.isVisibleTo(self) else ""
        return f"{self._node} · weights" + (f" · {channel}" if channel else "")

    def restyle(self) -> None:
        """Colour the tiles on the scale of the theme."""
        super().restyle()
        self._colour()

    def rows(self) -> Iterator[Sequence[Cell]]:
        """Every weight of every filter."""
        yield ("filter", "channel", "row", "column", "weight")
        if self._stack is not None:
            for index, weight in np.ndenumerate(self._stack.values):
                yield (*(int(place) for place in index), float(weight))

    def _offer_channels(self, stack: FilterStack) -> None:
        self.channel_box.clear()
        if stack.channels == 3:
            for channel, name in ((RGB, "RGB"), (0, "red"), (1, "green"), (2, "blue")):
                self.channel_box.addItem(name, channel)
        else:
            for channel in range(stack.channels):
                self.channel_box.addItem(f"{stack.channel_noun} {channel}", channel)
        self._channel = RGB if stack.channels == 3 else 0
        self.channel_box.setCurrentIndex(0)
        self.channel_box.setVisible(stack.channels > 1)

    def _on_channel(self, index: int) -> None:
        self._channel = int(self.channel_box.itemData(index))
        self._colour()

    def _colour(self) -> None:
        stack = self._stack
        if stack is None:
            return
        count = len(stack.values)
        composite = self._channel == RGB
        values = stack.values if composite else stack.values[:, min(self._channel, stack.channels - 1)]
        # One scale is that of all input channels, so that they compare, too.
        scales = (Scale.signs(stack.values),) if self.shared else tuple(Scale.signs(one) for one in values)
        if composite:
            scales = tuple(replace(scale, kind="grey") for scale in scales)
        noun = stack.noun
        names = tuple(f"{noun} {index}" for index in range(count)) if noun != "weights" else ("weights",)
        self.set_caption(self._describe(stack))
        idle = "one scale for all" if self.shared else "each its own scale"
        idle += ", grey is 0" if composite else ""
        if stack.total > count and noun != "weights":
            idle = f"the first {count} of {stack.total} · {idle}"
        self.set_idle_text(idle)
        self.show_tiles(TileData.painted(values, scales, names))

    def _describe(self, stack: FilterStack) -> str:
        if stack.noun == "weights":
            rows, columns = stack.size
            return f"Weights · {rows} × {columns}"
        if stack.noun == "unit":
            return f"Templates · {stack.total} of {shape_text(stack.values.shape[1:])}"
        height, width = stack.size
        return f"Filters · {stack.channels} → {stack.total}" + ("" if self._grows else f" · {height} × {width}")


class FiltersPanel(NodePanel):
    """The weights of the selected layer as pictures."""

    key = "filters"
    title = "Filters"
    empty = "Press Play to train: the filters of a convolution, or the templates of a dense layer, appear here."
    letter = "F"
    needs_training = True
    choices = (
        PanelChoice(
            "scale",
            "shared",
            (
                PanelOption(
                    "shared",
                    "&One colour scale for all filters",
                    "One colour scale for all filters, so that they compare",
                    "O",
                ),
                PanelOption(
                    "own",
                    "Colour scale: &each filter its own",
                    "Every filter fills the colour scale with its own range",
                    "E",
                ),
            ),
        ),
    )
    quantities = (WEIGHTS,)
    help = (
        "<p><b>What it shows.</b> Every weight of a convolution: one small picture a filter. Where the layer has three "
        "input channels they are its red, green and blue; otherwise one input channel is shown at a time. For a dense "
        "layer behind an image, each unit's weights are laid out like that image: its template.</p>"
        f"<p><b>How to read it.</b> {SIGNS}; the range is printed. {NO_NUMBER}. In a first layer that learns, edges "
        "and spots of colour appear. Noise that never changes: the layer does not learn. "
        "A filter that is all neutral does nothing.</p>"
        "<p>Point for a value, click to enlarge, arrow keys move.</p>"
    )

    def build(self) -> None:
        """The view fills the body."""
        self.view = FilterView(self.document, parent=self.body)
        self.body_layout.addWidget(self.view, 1)
        self.view.number_picked.connect(self.number_requested)
        super().build()

    def set_picking(self, on: bool) -> None:
        """A click on a number takes it apart."""
        self.view.grid.picks = on

    def option(self, key: str) -> str:
        """Whether there is one scale or one a filter."""
        return "shared" if self.view.shared else "own"

    def set_option(self, key: str, value: str) -> None:
        """One scale for all, or each filter its own."""
        self.view.set_shared(value == "shared")
        self.option_changed.emit("scale", value)

    def candidates(self) -> list[str]:
        """The layers whose weights can be looked at."""
        return with_filters(self.document)

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """Show the weights of the chosen layer."""
        node = self.choose(run, WEIGHTS)
        if not fresh and WEIGHTS.series(node) not in changed and (node, step) == self._drawn:
            return not self.is_empty
        self._drawn = (node, step)
        if not node:
            self.view.clear()
            return False
        return self.view.refresh(run, node, step)

    def readings_shown(self) -> tuple[ReadingShown, ...]:
        """The range of the weights."""
        return self.view.readings_shown()

    def show_ages(self) -> None:
        """Mark what is old."""
        self.view.set_moment(self.moment)

    def rows(self) -> Iterator[Sequence[Cell]]:
        """Every weight of the layer."""
        return self.view.rows()
