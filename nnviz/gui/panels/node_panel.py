"""A panel that shows one layer at a time: the selected one, or the one chosen in its header."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox

from nnviz.gui.panels.base import Panel
from nnviz.gui.parts.chooser import ShorteningChooser
from nnviz.gui.parts.widgets import set_font
from nnviz.record.interest import Interest
from nnviz.record.quantity import Quantity
from nnviz.record.run import RunView


class NodePanel(Panel):
    """Follows the selection where the selected layer has something to show, and stays where it is otherwise."""

    def build(self) -> None:
        """A chooser in the header."""
        self.node_box = ShorteningChooser(self.header)
        self.node_box.setAccessibleName("Layer")
        self.node_box.setToolTip("The layer that is shown; selecting a layer on the canvas chooses it, too")
        self.node_box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.node_box.setMinimumContentsLength(9)
        set_font(self.node_box, 12)
        self.node_box.activated.connect(self._on_chosen)
        self.add_to_header(self.node_box)
        self._node = ""
        self._drawn: tuple[object, ...] | None = None

    @property
    def node(self) -> str:
        """The layer that is shown."""
        return self._node

    def looks_at(self) -> Interest:
        """The layer that is shown, closely; while there is none, the ones that could be."""
        nodes = frozenset({self._node}) if self._node else frozenset(self.candidates())
        return Interest(frozenset(self.quantities), nodes, frozenset({self._node} if self._node else ()))

    def candidates(self) -> list[str]:
        """The layers that can be shown, in order."""
        raise NotImplementedError

    def choose(self, run: RunView, quantity: Quantity) -> str:
        """The layer to show, of those the run has a series of; the chooser offers the same ones."""
        measured = {quantity.where(name) for name in run.names(quantity.prefix)}
        nodes = [node for node in self.candidates() if node in measured]
        if [self.node_box.itemText(index) for index in range(self.node_box.count())] != nodes:
            self.node_box.clear()
            self.node_box.addItems(nodes)
        if self._node not in nodes:
            self._node = self.selection if self.selection in nodes else self.first(nodes)
            self.tell_interest()
        self.node_box.setCurrentIndex(nodes.index(self._node) if self._node in nodes else -1)
        return self._node

    def shows(self, series: str) -> bool:
        """Only the series of the layer that is shown."""
        return any(quantity.where(series) == self._node for quantity in self.quantities)

    def first(self, nodes: list[str]) -> str:
        """The layer to begin with."""
        return nodes[0] if nodes else ""

    def on_selection(self) -> None:
        """Show the selected layer if it has something to show."""
        if self.selection and self.selection in self.candidates():
            self._node = self.selection
            self.tell_interest()
            self.redraw()

    def _on_chosen(self, index: int) -> None:
        self._node = self.node_box.itemText(index)
        self.tell_interest()
        self.redraw()
