"""What can be done to a unit of the neuron view, as a menu, for those who work by keys too."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QWidget

from nnviz.gui.explain.neuron_hand import NeuronHand
from nnviz.gui.explain.neuron_places import BiasPlace, LinePlace, UnitPlace
from nnviz.gui.explain.neuron_words import unit_name
from nnviz.gui.look.theme import format_number
from nnviz.gui.parts.action import literal


class NeuronMenu:
    """Makes the menus of the units.

    Args:
        hand: Does what is chosen.
        edit: Lets the number of a weight or bias be typed.
        explain: Takes what a unit of a node puts out apart.
        view: Owns the menus.
    """

    def __init__(
        self,
        hand: NeuronHand,
        edit: Callable[[LinePlace | BiasPlace], object],
        explain: Callable[[str, int], object],
        view: QWidget,
    ) -> None:
        self._hand = hand
        self._edit = edit
        self._explain = explain
        self._view = view

    def of(self, place: UnitPlace) -> QMenu:
        """What can be done to a unit; owned by the view."""
        menu = QMenu(self._view)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        numbers = self._hand.numbers
        if numbers is None:
            return menu
        title = menu.addAction(literal(f"{unit_name(numbers, *place)} of {numbers.layers[place.layer].layer.output}"))
        title.setEnabled(False)
        reason = self._hand.why_not()
        hidden = place.layer > 0
        off, frozen = self._hand.is_off(place), self._hand.is_frozen(place)
        if hidden:
            layer, word = numbers.layers[place.layer].layer, unit_name(numbers, *place)
            explain = menu.addAction(literal(f"Explain the sum of {word}"))
            explain.triggered.connect(lambda: self._explain(layer.node, place.unit))
            if layer.output != layer.node:
                explain = menu.addAction(literal(f"Explain what {word} puts out"))
                explain.triggered.connect(lambda: self._explain(layer.output, place.unit))
            menu.addSeparator()
            entries: list[tuple[str, str, Callable[[], object]]] = [
                ("Switch on" if off else "Switch off", "O", lambda: self._hand.switch(place, "off")),
                ("Let it train again" if frozen else "Freeze", "F", lambda: self._hand.switch(place, "frozen")),
                ("Begin anew with untrained weights", "R", lambda: self._hand.begin_anew(place)),
            ]
            if numbers.layers[place.layer].biases is not None:
                entries.insert(0, ("Set the bias…", "", lambda: self._edit(BiasPlace(*place))))
            for entry, key, do in entries:
                action = menu.addAction(f"{entry}\t{key}" if key else entry)
                action.setEnabled(not reason)
                action.setToolTip(reason)
                action.triggered.connect(lambda _checked=False, do=do: do())
            menu.insertMenu(menu.actions()[-3], self._weights_menu(place, menu, reason))
            menu.addSeparator()
        undo = menu.addAction("Undo the last change here\tCtrl+Z")
        undo.setEnabled(self._hand.can_undo and not reason)
        undo.triggered.connect(lambda _checked=False: self._hand.undo())
        return menu

    def _weights_menu(self, place: UnitPlace, parent: QMenu, reason: str) -> QMenu:
        """The weights of a unit, for those who work by keys."""
        menu = QMenu("Set a weight", parent)
        numbers = self._hand.numbers
        weights = None if numbers is None else numbers.layers[place.layer].weights
        if numbers is None or weights is None:
            return menu
        for source, weight in enumerate(weights[place.unit].tolist()):
            words = f"from {unit_name(numbers, place.layer - 1, source)}: {format_number(weight)}"
            action = menu.addAction(literal(words))
            action.setEnabled(not reason)
            line = LinePlace(place.layer, place.unit, source)
            action.triggered.connect(lambda _checked=False, line=line: self._edit(line))
        return menu
