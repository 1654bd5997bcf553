"""Writes numbers in the place of trained ones, and keeps what stood there, so that it can be undone and made again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nnviz.errors import TrainingError
from nnviz.network.network import Network
from nnviz.train import weight_edits
from nnviz.train.weight_edits import Hand, Kind, Numbers, WeightChange, WeightEdit, WeightEdits


class WeightEditor:
    """Edits the weights of a training by hand. Belongs to the thread that owns the network.

    A moment is how many steps were made, and how many epochs were evaluated. What is validated and kept is the average
    of the weights where there is one, else the weights themselves.

    Args:
        network: The live network.
        hand: Reaches for its numbers.

    Attributes:
        edits: What was set, and what can be undone.
    """

    def __init__(self, network: Network, hand: Hand) -> None:
        self.edits = WeightEdits()
        self._network = network
        self._hand = hand

    def edit(
        self, changes: Sequence[WeightChange], moment: tuple[int, int], *, averaged: bool, more: bool
    ) -> WeightEdit:
        """Writes numbers.

        Args:
            changes: What is to stand where.
            moment: When.
            averaged: Whether there is an average of the weights.
            more: It goes on with the edit before it: both are undone together.

        Raises:
            ParamError: There is no such place or no such number; nothing was changed.
        """
        numbers = weight_edits.checked(self._network, changes)
        return self._write(Kind.MORE if more else Kind.EDIT, moment, averaged, numbers)

    def undo(self, moment: tuple[int, int], *, averaged: bool) -> WeightEdit:
        """Puts back what stood in the places of the newest edit that holds.

        Raises:
            TrainingError: Nothing was edited.
        """
        edit = self.edits.undoable
        if edit is None:
            raise TrainingError("There is no edit of weights to undo.")
        return self._write(Kind.UNDO, moment, averaged, edit.before, edit.average_before)

    def redo(self, moment: tuple[int, int], *, averaged: bool) -> WeightEdit:
        """Writes once more what the last undo took away.

        Raises:
            TrainingError: Nothing was undone, or something else was edited since.
        """
        edit = self.edits.redoable
        if edit is None:
            raise TrainingError("There is no edit of weights to redo.")
        return self._write(Kind.REDO, moment, averaged, edit.after, edit.average_after)

    def make_again(self, moment: tuple[int, int], *, averaged: bool) -> bool:
        """What was set at this very moment the first time it was reached; False where there was nothing."""
        again = self.edits.at(*moment)
        for edit in again:
            self._hand.write(edit.after, averaged=False)
            if averaged:
                self._hand.write(edit.average_after, averaged=True)
        return bool(again)

    def _write(
        self,
        kind: Kind,
        moment: tuple[int, int],
        averaged: bool,
        numbers: Numbers,
        numbers_averaged: Numbers | None = None,
    ) -> WeightEdit:
        """Writes numbers; into the average, which is what is validated, the same unless it has numbers of its own."""
        hand, places = self._hand, [*numbers]
        before = hand.read(places, averaged=False)
        hand.write(numbers, averaged=False)
        edit = WeightEdit(kind, *moment, before, dict(numbers))
        if averaged:
            edit = replace(
                edit,
                average_before=hand.read(places, averaged=True),
                average_after={**numbers, **(numbers_averaged or {})},
            )
            hand.write(edit.average_after, averaged=True)
        self.edits.add(edit)
        return edit
