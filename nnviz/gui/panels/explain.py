"""One number of the network taken apart, forwards and backwards: as a dock, and enlarged over the canvas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent

from nnviz.explain.place import LOSS, Place
from nnviz.gui.explain.controls import Controls
from nnviz.gui.explain.sheet import Sheet
from nnviz.gui.explain.walk import Walk
from nnviz.gui.explain.weight_editing import WeightEditing
from nnviz.gui.panels.base import Cell, Panel
from nnviz.gui.parts.following import follow
from nnviz.project.model import Project
from nnviz.record.pinned import Followed
from nnviz.record.quantities import PINNED_INPUT
from nnviz.record.readings import ArrayReading
from nnviz.record.run import RunView

if TYPE_CHECKING:
    from nnviz.explain.values import Example
    from nnviz.gui.canvas import CanvasView
    from nnviz.gui.canvas.cards.card_numbers import CardNumber
    from nnviz.gui.explain.enlarged_page import EnlargedPage

#: What of the keys of a sheet is meant for it where another has the keyboard.
_SLIDING = frozenset(
    (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown,
     Qt.Key.Key_Backspace)
)  # fmt: skip


class ExplainPanel(Panel):
    """Click a number anywhere: this says what it is made of, or what it changes, with the numbers of this network."""

    key = "explain"
    title = "Explain"
    empty = "Select a layer, or click a number in the picture of a card: here it is taken apart."
    letter = "X"
    least_width = 440
    least_height = 300
    fills_page = True
    page_hint = "arrows slide · V other direction · Esc back"
    help = (
        "<p><b>What it shows.</b> One number of the network as the sum that it is: a pixel of a feature map with the "
        "window and the filter behind it, a unit with its largest terms, softmax from the logits to the loss, an "
        "activation on its curve. The terms add up to the number. <i>backward</i> shows what it changes: how the loss "
        "changes with it, by the chain rule; of a weight <i>forward</i> is what the next step makes of it.</p>"
        "<p><b>How to use it.</b> Click a number in the picture of a card, in Filters or in Feature maps; or select a "
        "layer. Click a term to walk to where it came from; the trail leads back. Drag on a map, or use the arrow "
        "keys, and the window slides. Double-click a weight or a bias to type another number; Ctrl+Z takes it "
        "back. Tab goes from part to part, Enter follows, F2 types, Backspace goes back, Space lets the window slide, "
        "Page Up and Page Down go to the neighbouring map.</p>"
        "<p><b>When.</b> It is of the step that is written beside it, and asked again while the network trains.</p>"
    )

    #: Whether a click on a number anywhere is for this panel: it can be seen, small or large.
    picking_changed = Signal(bool)
    #: It lies over the canvas, or not any more.
    large_changed = Signal(bool)

    def build(self) -> None:
        """The sheet fills the body; its buttons stand in the header."""
        self.walk = Walk(self.workspace.network, lambda: self.workspace.pinned, self, lambda: self.workspace.own_input)
        self.sheet = Sheet(self.walk, lambda: self.moment, self.body)
        self.editing = WeightEditing(self.workspace.training, self.workspace.say, self.walk.ask_anew)
        self.sheet.editing = self.editing
        self.body_layout.addWidget(self.sheet, 1)
        self.controls = Controls(self.sheet, enlarged=False, parent=self.header)
        self.controls.size_requested.connect(self.toggle_page)
        self.add_to_header(self.controls)
        self._canvas: CanvasView | None = None
        self._page: EnlargedPage | None = None
        self._picking = False
        #: The canvas shows what flows back: so does what is taken apart.
        self._backward = False
        self._lit: frozenset[str] = frozenset()
        #: Of which example of a recorded run, and of which input of one's own, a number was asked about last.
        self._looked: tuple[Followed | None, ArrayReading | None] = (None, None)
        follow(self.walk.changed, self._on_walked)
        follow(self.document.changed, self._on_document)
        follow(self.workspace.network.changed, self._on_network)
        self.workspace.feed.shown_changed.connect(self._follow_example)
        self.workspace.feed.instead_changed.connect(self._follow_example)
        self.workspace.feed.front_changed.connect(self._attend)

    def attach(self, canvas: CanvasView) -> None:
        """Numbers are clicked there, and lit up."""
        self._canvas = canvas
        canvas.number_clicked.connect(self._on_clicked)

    def leave_desk(self) -> None:
        """In a lecture it is large already, and a click on a weight walks to it: nothing is typed there."""
        super().leave_desk()
        self.controls.size_button.hide()
        self.sheet.editing = None

    def next_view(self) -> None:
        """What the number changes, or what made it."""
        place = self.walk.place
        if place is not None and place.part != LOSS:
            self.walk.set_backward(not place.backward)

    def take_key(self, event: QKeyEvent) -> bool:
        """Slide over the map, go to the neighbouring one, go back to where the number came from."""
        if Qt.Key(event.key()) not in _SLIDING:
            return False
        self.sheet.take_key_from_outside(event)
        return True

    def set_backward(self, on: bool) -> None:
        """The canvas shows what flows back, or what flows forwards: a number is taken apart in the same direction."""
        if on is self._backward:
            return
        self._backward = on
        place = self.walk.place
        if self.seen and place is not None and place.part == "output":
            self.walk.set_backward(on)

    # ---- asking --------------------------------------------------------------------------------------------------

    @property
    def seen(self) -> bool:
        """Whether it can be seen, small or large."""
        return self.isVisible() or self.is_large

    @property
    def _looked_at(self) -> bool:
        """Whether it is seen, and nothing as large as the window lies over it."""
        return self.seen and not self.workspace.feed.covers(self)

    @property
    def is_large(self) -> bool:
        """Whether it lies over the canvas."""
        return self._page is not None and self._page.is_open

    @property
    def page(self) -> EnlargedPage | None:
        """The page over the canvas, once it was opened."""
        return self._page

    def explain(self, place: Place) -> None:
        """Take a number apart, and show that."""
        if not self.seen:
            self.wanted.emit()
        self.walk.start(place)
        self.redraw()

    def _on_clicked(self, node: str, number: CardNumber) -> None:
        if self.seen:
            self.walk.start(Place(node, index=number.index, near=number.near, backward=self._backward))
            if self._page is not None and self._page.is_open:
                self._page.sheet.setFocus()  # so that the keys go on, and Escape closes it

    def take_from_card(self, node: str, number: CardNumber | None) -> None:
        """Take apart a number of a card, the layer itself where it is None, the loss where there is no layer either."""
        if number is not None:
            self.explain(Place(node, index=number.index, near=number.near, backward=self._backward))
        else:
            self.explain(Place(node, backward=self._backward) if node else Place(LOSS, LOSS))

    def on_selection(self) -> None:
        """The selected layer, unless a number of it is taken apart already."""
        if self.seen:
            self._take_selected()

    def _take_selected(self) -> None:
        node, place = self.selection, self.walk.place
        if node in self.document.project.graph.nodes and (place is None or place.node != node):
            self.walk.start(Place(node, backward=self._backward))

    def _begin(self) -> None:
        """There is always something to show: the selected layer, else the loss."""
        if self.walk.place is None and self.document.project.graph.nodes:
            node = self.selection
            known = node in self.document.project.graph.nodes
            self.walk.start(Place(node, backward=self._backward) if known else Place(LOSS, LOSS))

    def _on_document(self, before: Project, after: Project, edit: object) -> None:
        """What was asked of another network is of no interest any more; another example is another number."""
        place = self.walk.place
        if place is None:
            return
        if edit is None or (place.node not in after.graph.nodes and place.node != LOSS):
            self.walk.clear()
        elif before.graph is not after.graph and not self._is_there(place):
            self.walk.start(Place(place.node, backward=place.backward))
        elif before.view.shown != after.view.shown:
            self.walk.forget_example()

    def _follow_example(self, _shown: object = None) -> None:
        """What stands on the cards is taken apart: another example of a recorded run, or an input of one's own."""
        shown = self.workspace.feed.shown
        (example, own), (before, own_before) = (
            (shown.example, shown.instead.get(PINNED_INPUT.series())),
            self._looked,
        )
        if not self._looked_at or (example == before and own is own_before):
            return
        self._looked = example, own
        if example == before and own is not None and own_before is not None:
            self.walk.ask_anew()  # the same input, drawn on: the walk goes on where it stands
        else:
            self.walk.forget_example()

    def _is_there(self, place: Place) -> bool:
        """Whether a layer still puts out a number at this place, as far as is known."""
        shape = self.document.inference.shape(place.node)
        if place.part != "output" or place.index is None or shape is None:
            return place.part in {"output", LOSS}
        return len(place.index) == len(shape) and all(at < size for at, size in zip(place.index, shape, strict=True))

    def _on_network(self) -> None:
        """Where nothing could be answered before, it may be now; an edit of weights at rest is followed at once."""
        if self._looked_at and self.walk.taken is None:
            self._begin()
        elif self.workspace.training.state != "running":
            self.walk.look_again()

    # ---- large ---------------------------------------------------------------------------------------------------

    def toggle_page(self, example: Example | None = None) -> None:
        """Make it large over the canvas, or small again.

        Args:
            example: The one that is looked at; None for the pinned one, or that which was taken apart last.
        """
        if self.is_large:
            assert self._page is not None
            self._page.close_page()
            return
        if example is not None and self._canvas is not None:
            self._take_example(example)
        if self._canvas is None:
            return
        if self._page is None:
            from nnviz.gui.explain.enlarged_page import EnlargedPage  # noqa: PLC0415 - opened by hand

            self._page = EnlargedPage(self.walk, self._canvas, lambda: self.moment)
            self._page.sheet.editing = self.editing
            self._page.opened.connect(self.large_changed)
            self._page.opened.connect(lambda _on: self._attend())
        self._page.open_page()

    def _take_example(self, example: Example) -> None:
        """Ask about this one, of the same number."""
        place = self.walk.place
        if place is None:
            node = self.selection
            known = node in self.document.project.graph.nodes
            self.walk.start(Place(node, example=example) if known else Place(LOSS, LOSS, (), example=example))
        elif place.example != example:
            self.walk.start(replace(place, example=example, near=None))

    # ---- following -----------------------------------------------------------------------------------------------

    def _attend(self) -> None:
        """It can be seen or not: then it asks, and lights up the canvas, or does neither."""
        seen, looked_at = self.seen, self._looked_at
        self.walk.attend(looked_at)
        if looked_at:
            self._follow_example()
            self._begin()
        else:
            for sheet in (self.sheet, *([] if self._page is None else [self._page.sheet])):
                sheet.sliding.let(False)
        if seen is not self._picking:
            self._picking = seen
            self.picking_changed.emit(seen)
        self._light()

    def _light(self) -> None:
        taken = self.walk.taken
        if self._canvas is None:
            return
        if self.seen and taken is not None:
            before = self._lit
            self._lit = taken.nodes
            self._canvas.canvas_scene.light(taken.nodes, taken.wires)
            if self._page is not None and self._lit != before:
                self._page.look_at_concerned()
        else:
            self._lit = frozenset()
            self._canvas.canvas_scene.light()

    def _on_walked(self) -> None:
        if self.is_empty is not (self.walk.taken is None and not self.walk.failure):
            self.redraw()
        self._light()

    def has_aged(self) -> bool:
        """The mark beside the step follows the moment."""
        taken = self.walk.taken
        return taken is not None and self.moment.is_old(taken.step) is not self.sheet.shows_old

    def show_ages(self) -> None:
        """Paint the mark anew."""
        self.sheet.update()
        if self._page is not None:
            self._page.sheet.update()

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """The sheet follows the walk by itself; empty only where nothing was asked."""
        return self.walk.taken is not None or bool(self.walk.failure)

    def rows(self) -> Iterator[Sequence[Cell]]:
        """The terms, and the sum."""
        yield ("source", "factors", "value")
        taken = self.walk.taken
        if taken is None:
            yield (self.walk.failure or self.empty, "", "")
            return
        for term in taken.explanation.terms:
            yield (term.source, " * ".join(f"{factor.name}={factor.value!r}" for factor in term.factors), term.value)
        yield ("sum", "", taken.explanation.total)

    def focus_first(self) -> None:
        """The keyboard goes to the sheet."""
        self.sheet.setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        """Begin to ask."""
        super().showEvent(event)
        self._attend()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is asked of what nobody sees."""
        super().hideEvent(event)
        self._attend()
