"""What stands in the middle of the window: the cards of the canvas, or the neurons of a small dense network."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedLayout, QWidget

from nnviz.gui.canvas import CanvasView
from nnviz.gui.look import theme
from nnviz.gui.parts.action import Action, Offer
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import Segments, refresh_fonts
from nnviz.gui.runs.workspace import Workspace
from nnviz.project.graph.bypass import effective_graph
from nnviz.project.graph.dense_layers import DenseLayers, dense_layers

if TYPE_CHECKING:
    from nnviz.gui.explain.neuron_view import NeuronView
    from nnviz.project.checks.shapes import Inference
    from nnviz.project.model import Graph

_INSET = 10


class CentreViews(QWidget):
    """Holds the canvas, and in its place the neuron view where that suits the network; the canvas stays alive behind.

    Signals:
        changed: The other one is in front.
        number_requested: A number of a unit is to be taken apart: a Place.
    """

    changed = Signal()
    number_requested = Signal(object)

    def __init__(self, canvas: CanvasView, parent: QWidget) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._workspace: Workspace | None = None
        self._tapped: Callable[[], object] = lambda: None
        self._neurons: NeuronView | None = None
        #: The layers that were found last, and of which graph and shapes.
        self._found: tuple[Graph, Inference, DenseLayers | str] | None = None
        self._covered = 0
        self._neurons_before = False
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.addWidget(canvas)
        self._switch = QFrame(self)
        self._switch.setObjectName("CentreSwitch")
        self._switch.setFrameShape(QFrame.Shape.NoFrame)
        self._switch.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(self._switch)
        row.setContentsMargins(3, 3, 3, 3)
        self.segments = Segments(
            [
                ("cards", "Cards", "Layers as cards"),
                ("neurons", "Neurons", "Every unit and every weight"),
            ],
            self._switch,
        )
        self.segments.chosen.connect(lambda key: self.choose(key == "neurons"))
        row.addWidget(self.segments)
        self._switch.hide()
        self._on_theme()
        follow(theme.notifier.changed, self._on_theme, self)

    def attach(self, workspace: Workspace, tapped: Callable[[], object]) -> None:
        """Say what the neuron view may know, and what the space bar does in it."""
        self._workspace, self._tapped = workspace, tapped
        follow(workspace.document.changed, self._on_document, self)
        self._look()

    # ---- what is so ----------------------------------------------------------------------------------------------

    @property
    def neurons_shown(self) -> bool:
        """Whether the neuron view stands in front of the cards."""
        return self._neurons is not None and self._stack.currentWidget() is self._neurons

    @property
    def neurons(self) -> NeuronView | None:
        """The neuron view; None until it was shown for the first time."""
        return self._neurons

    def found(self) -> DenseLayers | str:
        """The layers of the network on the screen, or why it has no neuron view, as a sentence."""
        if self._workspace is None:
            return "The window is not ready yet."
        document = self._workspace.document
        graph, inference = document.project.graph, document.inference
        if self._found is None or self._found[0] is not graph or self._found[1] is not inference:
            # Asked again and again between two edits, by every action that depends on it.
            shapes = {node: tuple(result.output) for node, result in inference.results.items()}
            self._found = (graph, inference, dense_layers(effective_graph(graph), shapes))
        return self._found[2]

    def why_not(self) -> str:
        """Why there is no neuron view of this network; empty where there is one."""
        found = self.found()
        return found if isinstance(found, str) else ""

    # ---- what can be done ----------------------------------------------------------------------------------------

    def offers(self) -> tuple[Offer, ...]:
        """The switch between cards and neurons."""
        return (
            Action(
                name="neurons",
                text="Ne&urons",
                help="Show every unit and every weight in place of the cards, and back",
                do=self.choose,
                keys=("Ctrl+Alt+N",),
                menu="E&xplain",
                section=1,
                why_not=lambda: "" if self.neurons_shown else self.why_not(),
                on=lambda: self.neurons_shown,
            ),
        )

    def choose(self, neurons: bool) -> None:
        """The user wants to see neurons, or cards: it is done, and remembered for the networks that are opened."""
        if neurons and self.why_not():
            if self._workspace is not None:
                self._workspace.say(self.why_not())
            self._look()
            return
        if self._workspace is not None:
            self._workspace.settings.neurons_first = neurons
        self.show_neurons(neurons)
        self._front().setFocus(Qt.FocusReason.OtherFocusReason)

    def choose_for_network(self) -> None:
        """Another network was opened: neurons for those on two inputs, unless the user likes cards better."""
        found = self.found()
        wanted = self._workspace is not None and self._workspace.settings.neurons_first
        self.show_neurons(wanted and isinstance(found, DenseLayers) and found.is_plane)

    def show_cards_meanwhile(self, on: bool) -> None:
        """Where the middle of the window becomes a strip, cards are what is recognised there; then as it was before."""
        if on:
            self._neurons_before = self.neurons_shown
            self.show_neurons(False)
        elif self._neurons_before:
            self._neurons_before = False
            self.show_neurons(not self.why_not())

    def show_neurons(self, shown: bool) -> None:
        """Put one of the two in front; nothing is remembered."""
        if shown and self._workspace is not None and self._neurons is None:
            from nnviz.gui.explain.neuron_view import NeuronView  # noqa: PLC0415 - most networks never need it

            self._neurons = NeuronView(self._workspace, self)
            self._neurons.tapped.connect(self._tapped)
            self._neurons.number_requested.connect(self.number_requested)
            self._stack.addWidget(self._neurons)
        before = self.neurons_shown
        front = self._neurons if shown and self._neurons is not None else self._canvas
        had_focus = self._canvas.hasFocus() or (self._neurons is not None and self._neurons.picture.hasFocus())
        # Whoever gives the keyboard back to the canvas means what stands in front.
        proxy = self._neurons if front is self._neurons else None
        self._canvas.setFocusProxy(proxy)  # type: ignore[arg-type]  # None takes it away
        self._stack.setCurrentWidget(front)
        self._look()
        if had_focus:
            self._front().setFocus(Qt.FocusReason.OtherFocusReason)
        if before is not self.neurons_shown:
            self.changed.emit()

    def _front(self) -> QWidget:
        return self._stack.currentWidget() or self._canvas

    # ---- following -----------------------------------------------------------------------------------------------

    def _on_document(self, before: object, after: object, edit: object) -> None:
        if self.neurons_shown and self.why_not():
            self.show_neurons(False)
        else:
            self._look()

    def _on_theme(self) -> None:
        colours = theme.current()
        self._switch.setStyleSheet(
            f"#CentreSwitch {{ background: {colours.panel.name()}; border: 1px solid {colours.border.name()};"
            " border-radius: 6px; }"
        )
        refresh_fonts(self._switch)
        self._place()

    def _look(self) -> None:
        """The switch is there where there is a choice."""
        self.segments.set_value("neurons" if self.neurons_shown else "cards")
        self._switch.setVisible(self.neurons_shown or not self.why_not())
        self._place()

    def cover(self, top: int) -> None:
        """Stand below something else that covers so many pixels of the upper edge."""
        self._covered = top
        self._place()

    def _place(self) -> None:
        switch = self._switch
        switch.adjustSize()
        switch.move(self.width() - switch.width() - _INSET, self._covered + _INSET + 2)
        switch.raise_()
        if self._neurons is not None:
            self._neurons.reserve_corner(switch.width() - 4, self._covered + 5)
        self._canvas.reserve_corner(0 if switch.isHidden() else switch.width() + _INSET - 4)

    def resizeEvent(self, event: object) -> None:
        """The switch stays in its corner."""
        self._place()

    def event(self, event: QEvent) -> bool:
        """Letters of another size make the switch as large."""
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.FontChange):
            self._place()
        return super().event(event)


__all__ = ["CentreViews"]
