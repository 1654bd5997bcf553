"""The weights of a layer as pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QEvent
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox

from nnviz.explain.place import Place as Asked
from nnviz.gui.explain.weight_editing import WeightEditing
from nnviz.gui.look.scales import NO_NUMBER, SIGNS, Scale
from nnviz.gui.panels.array_view import ArrayView
from nnviz.gui.panels.arrays import (
    BIAS,
    RGB,
    FilterStack,
    filter_stack,
    image_before,
    map_stack,
    weight_index,
    with_filters,
)
from nnviz.gui.panels.base import Cell
from nnviz.gui.panels.node_panel import NodePanel
from nnviz.gui.panels.panel_actions import PanelChoice, PanelOption
from nnviz.gui.panels.tile_data import TileData
from nnviz.gui.parts.widgets import set_font
from nnviz.project import registry
from nnviz.project.checks.shapes import shape_text
from nnviz.project.document import Document
from nnviz.record.age import ReadingShown, moment_of
from nnviz.record.quantities import BIASES, WEIGHTS
from nnviz.record.readings import ArrayReading, count_in
from nnviz.record.run import RunView
from nnviz.train.weight_edits import Place

#: Of the weights of one output no more than so many are kept, whole channels of them.
_MOST_OF_ONE = 2**19


def stack_of(document: Document, node: str, weights: ArrayReading) -> FilterStack | None:
    """A layer's measured weights as pictures; None where it has none, or these are of another network.

    Args:
        document: With the layer.
        node: Its id.
        weights: As they were measured.
    """
    found = document.project.graph.nodes.get(node)
    if found is None or not _has_as_many(document, node, weights):
        return None
    return filter_stack(
        found.kind,
        weights.array,
        image_before(document, node),
        groups_of(document, node),
        count_in(weights.meta, "of", 0),
    )


def groups_of(document: Document, node: str) -> int:
    """Into how many groups a layer divides its channels; 1 where it does not."""
    found = document.project.graph.nodes[node]
    groups = registry.layer(found.kind).values(found.params).get("groups", 1)
    return groups if isinstance(groups, int) else 1


def _has_as_many(document: Document, node: str, weights: ArrayReading) -> bool:
    """Whether the layer has as many weights as were measured; else they are of the network of before.

    What it has besides is one bias for each output.
    """
    result = document.inference.results.get(node)
    if result is None or result.output is None or not weights.array.size:
        return True
    each = weights.array.size // len(weights.array)
    if len(weights.array) == 1 and each >= _MOST_OF_ONE:  # cut to the first of its inputs
        return True
    besides = result.parameters - each * count_in(weights.meta, "of", len(weights.array))
    return besides in {0, result.output[0], result.output[-1]}


class FilterView(ArrayView):
    """Every filter of one layer: a colour composite over three input channels, else one input channel at a time.

    Colours are zero-centred; the range that they stand for is printed. With ``shared`` all filters have one scale, so
    that weak ones look weak; otherwise each filter fills its own. The biases are offered like a further channel. In an
    enlarged picture a number that is clicked twice can be typed over.
    """

    #: Lets numbers be typed; None where they can only be looked at.
    editing: WeightEditing | None = None

    def build(self) -> None:
        """A choice behind the caption."""
        self._stack: FilterStack | None = None
        self._weights: ArrayReading | None = None
        self._biases: ArrayReading | None = None
        self._groups = 1
        self._channel = 0
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
        """The input channel that is shown; ``RGB`` for the composite of three, ``BIAS`` for the biases."""
        return self._channel

    def set_shared(self, shared: bool) -> None:
        """One scale for all filters, or each its own."""
        self.shared = shared
        self._colour()

    def refresh(self, run: RunView, node: str, step: int | None) -> bool:
        """Show the weights of a node at a step; False where there are none."""
        sample = run.latest(WEIGHTS.series(node), step) if node in self._document.project.graph.nodes else None
        stack = stack_of(self._document, node, sample) if isinstance(sample, ArrayReading) else None
        if stack is not None:
            self._groups = groups_of(self._document, node)
        before = None if self._stack is None else (self._node, self._stack.channels, self._biases is not None)
        self._node, self._stack, self._biases = node, stack, None
        if stack is None:
            self.clear()
            return False
        assert isinstance(sample, ArrayReading)
        biases = run.latest(BIASES.series(node), step)
        self._weights = sample
        outputs = sample.array.shape[0] if stack.noun == "weights" else stack.total
        if isinstance(biases, ArrayReading) and biases.array.shape == (outputs,):
            self._biases = biases
        if before != (node, stack.channels, self._biases is not None):
            self._offer_channels(stack)
        self.set_measured(self._biases if self._shows_biases and self._biases else sample, moment_of(run, step))
        self._colour()
        return True

    def clear(self) -> None:
        """Show no weights."""
        self._stack = None
        self.show_tiles(None)

    def place_of(self, tile: int, row: int, column: int) -> Asked | None:
        """The weight in a cell; of three that are shown as one colour the first."""
        found = self._place(tile, row, column)
        node = self._document.project.graph.nodes.get(self._node)
        if found is None and self._channel == RGB and node is not None and self._weights is not None:
            image, cell = image_before(self._document, self._node), (tile, 0, row, column)
            shape = self._weights.array.shape
            return Asked(self._node, "weight", weight_index(node.kind, shape, image, self._groups, cell))
        return None if found is None else Asked(found.node, found.parameter, found.index)

    def enlarged_title(self) -> str:
        """The layer and what is shown of it."""
        chosen = self._stack is not None and (self._stack.channels > 1 or self._shows_biases)
        channel = self.channel_box.currentText() if chosen else ""
        return f"{self._node} · weights" + (f" · {channel}" if channel else "")

    def restyle(self) -> None:
        """Colour the tiles on the scale of the theme."""
        super().restyle()
        self._colour()

    def enlarged_hint(self) -> str:
        """How a number is changed."""
        return "" if self.editing is None else "Double-click: type a number"

    def choose_number(self, index: int, row: int, column: int) -> None:
        """Type another number in the place of this one."""
        popup, place = self._enlarged, self._place(index, row, column)
        if popup is None or self.editing is None:
            return
        if place is None:
            popup.reading.setText("Choose red, green or blue first: here each pixel is three numbers.")
            return
        picture = popup.picture
        data = self.grid.data
        assert data is not None
        self.editing.open(picture, picture.cell_rect(row, column), place, float(data.values[index][row, column]))

    def _place(self, index: int, row: int, column: int) -> Place | None:
        """Which number of the network a pixel is; None for one of a composite, which is three."""
        node = self._document.project.graph.nodes.get(self._node)
        if self._shows_biases:
            return Place(self._node, "bias", (index,))
        if self._channel == RGB or node is None or self._weights is None:
            return None
        image = image_before(self._document, self._node)
        cell = (index, self._channel, row, column)
        return Place(
            self._node, "weight", weight_index(node.kind, self._weights.array.shape, image, self._groups, cell)
        )

    def on_key(self, event: QKeyEvent) -> None:
        """Undo and redo of numbers that were typed."""
        if self.editing is not None:
            self.editing.take(event)

    def event(self, event: QEvent) -> bool:
        """Where the keyboard is in here, undo is that of the numbers, not of the document."""
        is_asked = event.type() == QEvent.Type.ShortcutOverride
        if is_asked and isinstance(event, QKeyEvent) and self.editing is not None and self.editing.wants(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Likewise."""
        if self.editing is None or not self.editing.take(event):
            super().keyPressEvent(event)

    @property
    def _shows_biases(self) -> bool:
        return self._channel == BIAS and self._biases is not None

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
                only = {"filter": "filters", "unit": "templates"}.get(stack.noun, "weights")
                words = f"{stack.channel_noun} {channel}" if stack.channels > 1 else only
                self.channel_box.addItem(words, channel)
        if self._biases is not None:
            self.channel_box.addItem("biases", BIAS)
        self._channel = RGB if stack.channels == 3 else 0
        self.channel_box.setCurrentIndex(0)
        self.channel_box.setVisible(self.channel_box.count() > 1)

    def _on_channel(self, index: int) -> None:
        self._channel = int(self.channel_box.itemData(index))
        shown = self._biases if self._shows_biases else self._weights
        if shown is not None:
            self.set_measured(shown, self._moment)
        self._colour()

    def _colour(self) -> None:
        stack = self._stack
        if stack is None:
            return
        if self._shows_biases:
            self._colour_biases()
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
        self.set_caption(*self._describe(stack))
        idle = "one scale" if self.shared else "own scales"
        idle += ", grey is 0" if composite else ""
        if stack.total > count and noun != "weights":
            idle = f"the first {count} of {stack.total} · {idle}"
        self.set_idle_text(idle)
        self.show_tiles(TileData.painted(values, scales, names))

    def _colour_biases(self) -> None:
        assert self._biases is not None
        values = map_stack(self._biases.array)
        scales = (Scale.signs(values),) if self.shared else tuple(Scale.signs(one) for one in values)
        self.set_caption(f"Biases · {self._biases.array.size}")
        self.set_idle_text("what is added to each output")
        self.show_tiles(TileData.painted(values, scales, tuple(f"bias {index}" for index in range(len(values)))))

    def _describe(self, stack: FilterStack) -> tuple[str, ...]:
        """What is shown, and in fewer words where there is less room."""
        if stack.noun == "weights":
            rows, columns = stack.size
            return (f"Weights · {rows} × {columns}",)
        if stack.noun == "unit":
            size = f"{stack.total} of {shape_text(stack.values.shape[1:])}"
            return f"Templates · {size}", size
        height, width = stack.size
        channels = f"{stack.channels} → {stack.total}"
        return f"Filters · {channels}" + ("" if self._grows else f" · {height} × {width}"), channels


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
        "<p>Point for a value, click to enlarge, arrow keys move. In the enlarged picture, click a number twice to "
        "type another: training goes on with it, the run notes it, and Ctrl+Z takes it back. The biases stand behind "
        "the channels.</p>"
    )

    def build(self) -> None:
        """The view fills the body."""
        self.view = FilterView(self.document, parent=self.body)
        self.view.editing = WeightEditing(self.workspace.training, self.workspace.say)
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
