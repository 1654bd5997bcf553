"""The tools of a canvas in one value: what its mouse, its keys, its menus and the window's actions make use of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPointF

from nnviz.gui.canvas.cards.card_numbers import CardNumber
from nnviz.gui.canvas.desk import Desk
from nnviz.gui.canvas.hands.gesture_host import GestureHost
from nnviz.gui.canvas.hands.gestures import ConnectByKeys
from nnviz.gui.canvas.hands.grouping import CanvasGroups
from nnviz.gui.canvas.hands.noting import CanvasNotes
from nnviz.gui.canvas.hands.quick_add import QuickAdd
from nnviz.gui.canvas.hands.renaming import Renaming


@dataclass(frozen=True)
class Tools:
    """Everything that can be done on a canvas by hand.

    Attributes:
        desk: The canvas to work on.
        gestures: The gesture that is going on.
        quick_add: The search for a layer at the mouse.
        renaming: Titles, edited in their place.
        groups: Groups: made, folded, looked into.
        notes: Notes and arrows.
        explain: Called with a layer and with which of its numbers is to be taken apart; None for any.
        clicked: Called with those when a number in the picture of a card was clicked.
    """

    desk: Desk
    gestures: GestureHost
    quick_add: QuickAdd
    renaming: Renaming
    groups: CanvasGroups
    notes: CanvasNotes
    explain: Callable[[str, CardNumber | None], object]
    clicked: Callable[[str, CardNumber], object]

    def explain_selected(self) -> None:
        """Have a number of the one selected layer taken apart; of nothing selected, the loss."""
        scene = self.desk.scene
        cards = [scene.cards[one] for one in self.desk.selected if one in scene.cards]
        self.explain(cards[-1].facts.pictured if cards else "", None)

    def explain_at(self, point: QPointF) -> None:
        """Have the number in a card's picture at a point of the scene taken apart, or any number of the card."""
        card = self.desk.scene.card_at(point)
        if card is not None:
            node, number = card.number_at(point) or (card.facts.pictured, None)
            self.explain(node, number)

    def rename(self) -> None:
        """Edit the text of the one selected note, else the title of the one selected card or frame, in its place."""
        if not self.notes.edit(self.desk.selected):
            self.renaming.begin()

    def connect_by_keys(self) -> None:
        """Begin a wire at the one selected card, to be drawn by keyboard: Tab and arrows choose its end."""
        if self.desk.refuses():
            return
        desk = self.desk
        if len(desk.selected) != 1:
            desk.say("Select one layer first: the wire begins at it.")
            return
        card = desk.scene.cards.get(desk.selected[0])
        if card is None:
            desk.say("Select a card: a wire begins at a layer or a folded group.")
            return
        if not card.facts.output_ports:
            desk.say(f"{card.facts.title} has no output: it is the end of the network.")
            return
        desk.take_keyboard()
        self.gestures.begin(ConnectByKeys(desk, card.node, self.gestures.end))
