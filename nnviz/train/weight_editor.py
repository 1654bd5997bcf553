"""Writes numbers in the place of trained ones, and keeps what stood there, so that it can be undone and made again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nnviz.errors import TrainingError
from nnviz.network.network import Network
from nnviz.train import weight_edits
from nnviz.train.weight_edits import Kind, Numbers, WeightChange, WeightEdit, WeightEdits


class WeightEditor:
    """Edits the weights of a training by hand. Belongs to the thread that owns the network.

    A moment is how many steps were made, and how many epochs were evaluated. The network that is shown is the one that
    is validated and kept: the average of the weights, or the live network itself.

    Args:
        network: The live network.
        divided: Whether this process holds a part of the weights alone, so that none can be set.

    Attributes:
        edits: What was set, and what can be undone.
    """

    def __init__(self, network: Network, *, divided: bool) -> None:
        self.edits = WeightEdits()
        self._network = network
        self._divided = divided

    def edit(
        self, changes: Sequence[WeightChange], moment: tuple[int, int], shown: Network, *, more: bool
    ) -> WeightEdit:
        """Writes numbers.

        Args:
            changes: What is to stand where.
            moment: When.
            shown: The network that is shown.
            more: It goes on with the edit before it: both are undone together.

        Raises:
            ParamError: There is no such place or no such number; nothing was changed.
            TrainingError: The network is divided.
        """
        numbers = weight_edits.checked(self._network, changes)
        return self._write(Kind.MORE if more else Kind.EDIT, moment, shown, numbers)

    def undo(self, moment: tuple[int, int], shown: Network) -> WeightEdit:
        """Puts back what stood in the places of the newest edit that holds.

        Raises:
            TrainingError: Nothing was edited, or the network is divided.
        """
        edit = self.edits.undoable
        if edit is None:
            raise TrainingError("There is no edit of weights to undo.")
        return self._write(Kind.UNDO, moment, shown, edit.before, edit.average_before)

    def redo(self, moment: tuple[int, int], shown: Network) -> WeightEdit:
        """Writes once more what the last undo took away.

        Raises:
            TrainingError: Nothing was undone, something else was edited since, or the network is divided.
        """
        edit = self.edits.redoable
        if edit is None:
            raise TrainingError("There is no edit of weights to redo.")
        return self._write(Kind.REDO, moment, shown, edit.after, edit.average_after)

    def make_again(self, moment: tuple[int, int], shown: Network) -> bool:
        """What was set at this very moment the first time it was reached; False where there was nothing."""
        again = self.edits.at(*moment)
        for edit in again:
            weight_edits.write(self._network, edit.after)
            if shown is not self._network:
                weight_edits.write(shown, edit.average_after)
        return bool(again)

    def _write(
        self,
        kind: Kind,
        moment: tuple[int, int],
        shown: Network,
        numbers: Numbers,
        averaged: Numbers | None = None,
    ) -> WeightEdit:
        """Writes numbers; into the average, which is what is validated, the same unless it has numbers of its own."""
        if self._divided:
            raise TrainingError(
                "The network is divided among several processes: a number of it is in one of them alone, and cannot be "
                "set by hand. Go on with the run in one process."
            )
        before = weight_edits.read(self._network, [*numbers])
        weight_edits.write(self._network, numbers)
        edit = WeightEdit(kind, *moment, before, dict(numbers))
        if shown is not self._network:
            edit = replace(
                edit,
                average_before=weight_edits.read(shown, [*numbers]),
                average_after={**numbers, **(averaged or {})},
            )
            weight_edits.write(shown, edit.average_after)
        self.edits.add(edit)
        return edit
