"""What a hand does to the numbers and units of the network in the neuron view, and how it takes that back."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from nnviz.errors import ParamError
from nnviz.gui.explain.neuron_asking import NeuronAsking
from nnviz.gui.explain.neuron_places import BiasPlace, LinePlace, UnitPlace
from nnviz.gui.explain.weight_editing import WeightEditing
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.runs.workspace import Workspace
from nnviz.train.weight_edits import Place, WeightChange, as_float32

if TYPE_CHECKING:
    from nnviz.explain.neurons import NeuronNumbers
    from nnviz.train.training import Training
    from nnviz.train.unit_switches import UnitSwitches


class NeuronHand:
    """Sets weights and biases, switches units off, freezes them, lets them begin anew, and undoes what was done here.

    Args:
        workspace: Of the network.
        asking: Asks anew once something was changed.

    Attributes:
        numbers: What is drawn; None for nothing.
    """

    def __init__(self, workspace: Workspace, asking: NeuronAsking) -> None:
        self._say = workspace.say
        self._network, self._training = workspace.network, workspace.training
        self._asking = asking
        self.numbers: NeuronNumbers | None = None
        #: A number that a hand wants to stand somewhere, as soon as the one before is there.
        self._waiting: tuple[LinePlace | BiasPlace, float, bool] | None = None
        #: What was done here and can be undone: "weights", or the switches before.
        self._done: list[str | UnitSwitches] = []
        self._editing = WeightEditing(workspace.training, workspace.say)

    @property
    def can_undo(self) -> bool:
        """Whether something was done here that can be taken back."""
        return bool(self._done)

    def forget(self) -> None:
        """Another network is shown: what was done to the one before cannot be undone here."""
        self._done.clear()

    # ---- numbers -------------------------------------------------------------------------------------------------

    def let_go(self) -> None:
        """What waits to be set is not set any more."""
        self._waiting = None

    def take_up(self, numbers: NeuronNumbers) -> None:
        """An answer has come: what waited for it is set, and stands in the numbers although they are older."""
        if self._waiting is not None:
            place, value, more = self._waiting
            self._waiting = None
            self._send(place, value, more)
            self._put(numbers, place, value)

    @staticmethod
    def _put(numbers: NeuronNumbers, place: LinePlace | BiasPlace, value: float) -> None:
        """What a hand drags stays under the hand although the answer is older."""
        layer = numbers.layers[place.layer]
        if isinstance(place, LinePlace) and layer.weights is not None:
            layer.weights[place.unit, place.source] = value
        elif isinstance(place, BiasPlace) and layer.biases is not None:
            layer.biases[place.unit] = value

    def set(self, place: LinePlace | BiasPlace, value: float, more: bool) -> None:
        """Let a number stand somewhere; with ``more`` it goes on with the one before, as while a hand drags."""
        reason = self._training.hand.why_not()
        if reason:
            self._say(reason)
            self._asking.soon()
            return
        if self._asking.waits and more:
            self._waiting = (place, value, True)  # The newest is enough, once the question is answered.
            return
        self._send(place, value, more)

    def type_in(self, place: LinePlace | BiasPlace, value: float) -> str:
        """Sets a number that was typed; why not, where it cannot be set."""
        reason = self._training.hand.why_not()
        if reason or self.numbers is None:
            return reason or "There is no network."
        try:
            self._send(place, as_float32(self._place_in_network(place), value), False)
        except ParamError as error:
            return error.message
        return ""

    def _place_in_network(self, place: LinePlace | BiasPlace) -> Place:
        assert self.numbers is not None
        node = self.numbers.layers[place.layer].layer.node
        if isinstance(place, LinePlace):
            return Place(node, "weight", (place.unit, place.source))
        return Place(node, "bias", (place.unit,))

    def _send(self, place: LinePlace | BiasPlace, value: float, more: bool) -> None:
        if self.numbers is None:
            return
        at = self._place_in_network(place)
        change = WeightChange(at.node, at.parameter, at.index, value)
        reason = self._training.hand.edit([change], more=more)
        if reason:
            self._say(reason)
        elif not more:
            self._done.append("weights")
        self._asking.soon()
        self._asking.ask_behind()

    def why_not(self) -> str:
        """Why nothing can be done to the network now, as a sentence; empty where it can."""
        return self._training.hand.why_not()

    # ---- units ---------------------------------------------------------------------------------------------------

    def is_off(self, place: UnitPlace) -> bool:
        """Whether a unit is switched off."""
        numbers = self.numbers
        return numbers is not None and (numbers.layers[place.layer].layer.output, place.unit) in numbers.switches.off

    def is_frozen(self, place: UnitPlace) -> bool:
        """Whether what leads to a unit is not trained."""
        numbers = self.numbers
        return numbers is not None and (numbers.layers[place.layer].layer.node, place.unit) in numbers.switches.frozen

    def switch(self, place: UnitPlace, what: str) -> None:
        """Switch a unit off or on (``off``), or freeze it or let it train again (``frozen``)."""
        from nnviz.train.unit_switches import Unit  # noqa: PLC0415 - the session's thread has imported it

        if self.numbers is None:
            return
        layer, before = self.numbers.layers[place.layer].layer, self.numbers.switches
        unit = Unit(layer.output if what == "off" else layer.node, place.unit)
        switched = frozenset({unit})
        now = (
            replace(before, off=before.off ^ switched)
            if what == "off"
            else replace(before, frozen=before.frozen ^ switched)
        )
        self._use(now, before)

    def _use(self, switches: UnitSwitches, before: UnitSwitches | None) -> None:
        reason = self._training.hand.switch_units(switches)
        if reason:
            self._say(reason)
            return
        if before is not None:
            self._done.append(before)
        if self.numbers is not None:  # Two quick keys mean two switches.
            self.numbers = replace(self.numbers, switches=switches)
        self._asking.soon()

    def begin_anew(self, place: UnitPlace) -> None:
        """Give a unit untrained weights and an untrained bias, drawn as those of its layer were."""
        if self.numbers is None or self._training.hand.why_not():
            self._say(self._training.hand.why_not())
            return
        node, seed = self.numbers.layers[place.layer].layer.node, random.getrandbits(31)

        def question(training: Training) -> tuple[list[float], float | None]:
            from nnviz.explain.neurons import fresh_numbers  # noqa: PLC0415 - torch belongs to this thread

            return fresh_numbers(training, node, place.unit, seed)

        def done(fresh: tuple[list[float], float | None]) -> None:
            weights, bias = fresh
            changes = [WeightChange(node, "weight", (place.unit, i), value) for i, value in enumerate(weights)]
            if bias is not None:
                changes.append(WeightChange(node, "bias", (place.unit,), bias))
            reason = self._training.hand.edit(changes)
            if reason:
                self._say(reason)
            else:
                self._done.append("weights")
            self._asking.soon()

        def failed(error: BaseException) -> None:
            self._say(sentence_of(error))

        self._network.ask(question, done, failed)

    def undo(self) -> bool:
        """Take the last change back that was made here; False where there is none."""
        if not self._done:
            return False
        last = self._done.pop()
        if isinstance(last, str):
            reason = self._training.hand.undo()
            if reason:
                self._say(reason)
        else:
            self._use(last, None)
        self._asking.soon()
        return True

    def takes(self, key: QKeyEvent, *, pressed: bool) -> bool:
        """Whether a key takes something back, or does it again; done where it is pressed, and not only asked about."""
        undo = key.key() == Qt.Key.Key_Z and key.modifiers() == Qt.KeyboardModifier.ControlModifier
        if undo and self._done:
            if pressed:
                self.undo()
            return True
        if not self._done and self._editing.wants(key):
            if pressed:
                self._editing.take(key)
            return True
        return False
