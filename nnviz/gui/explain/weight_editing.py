"""Weights set by hand, for all views that show them: a field over the number, and undo where the keyboard is."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QWidget

from nnviz.errors import ParamError
from nnviz.gui.parts.number_field import NumberField
from nnviz.gui.runs.training import Training
from nnviz.record.number_text import exact_number
from nnviz.train.weight_edits import Place, WeightChange, as_float32

_Keys = QKeySequence.StandardKey


class WeightEditing:
    """Opens the field, and hands what is typed to the training.

    Args:
        training: Of the network on the screen.
        say: Shows a sentence at the foot of the window.
        follow: Called when a number was set or put back: what is asked now is answered with it.
    """

    def __init__(
        self, training: Training, say: Callable[[str], object], follow: Callable[[], object] | None = None
    ) -> None:
        self._training = training
        self._say = say
        self._follow = follow or (lambda: None)
        self.field: NumberField | None = None

    def open(self, parent: QWidget, cell: QRect, place: Place, value: float) -> None:
        """Let a number be typed over its cell; where none can be set, say why.

        Args:
            parent: Where the field is put.
            cell: Where the number stands in it.
            place: Which number of the network it is.
            value: What it is now.
        """
        reason = self._training.hand.why_not()
        if reason:
            self._say(reason)
            return
        title = place.text(self._name_of)

        def take(typed: float) -> str:
            try:
                kept = as_float32(place, typed)
            except ParamError as error:
                return error.message
            reason = self._training.hand.edit([WeightChange(place.node, place.parameter, place.index, kept)])
            if not reason:
                self._follow()
                self._say(f"{title}: {exact_number(value)} → {exact_number(kept)}. Undo edit of weights takes it back.")
            return reason

        self.field = NumberField(title, value, take, cell, parent)
        self.field.destroyed.connect(self._forget)

    def why_not(self) -> str:
        """Why no number can be set now, as a sentence; empty where one can."""
        return self._training.hand.why_not()

    def wants(self, event: QKeyEvent) -> bool:
        """Whether a key is undo or redo and there is an edit of weights that it can be about."""
        position = self._training.bridge.position
        if position is None or self._training.hand.why_not():
            return False
        undo = event.matches(_Keys.Undo) and bool(position.undoable_edit)
        return undo or (event.matches(_Keys.Redo) and bool(position.redoable_edit))

    def take(self, event: QKeyEvent) -> bool:
        """Undo or redo where a key says so; false where it does not."""
        if not self.wants(event):
            return False
        self._training.hand.undo() if event.matches(_Keys.Undo) else self._training.hand.redo()
        self._follow()
        return True

    def _name_of(self, node: str) -> str:
        found = self._training.document.project.graph.nodes.get(node)
        return node if found is None else found.name or node

    def _forget(self) -> None:
        self.field = None
