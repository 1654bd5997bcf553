"""Numbers of a network in training that are set by hand, put back, and set once more."""

from __future__ import annotations

from collections.abc import Sequence

from nnviz.record.quantities import EDITED, FINDING
from nnviz.train.live_settings import Changed
from nnviz.train.state import TrainingState
from nnviz.train.weight_edits import WeightChange, WeightEdit, WeightEdits


class WeightsByHand:
    """Writes numbers in the place of trained ones; optimizer, position and random numbers stay as they are.

    Belongs to the thread that owns the network. Where going back makes the steps on its way once more, the edits among
    them are made again, each at its place, so that what follows is bit for bit what happened.

    Args:
        state: Of the training.
    """

    def __init__(self, state: TrainingState) -> None:
        self._state = state

    def edit(self, changes: Sequence[WeightChange], *, more: bool = False) -> WeightEdit:
        """Writes numbers in the place of trained ones.

        Args:
            changes: What is to stand where.
            more: It goes on with the edit before it: both are undone together.

        Raises:
            ParamError: There is no such place or no such number; nothing was changed.
        """
        edit = self._state.editor.edit(changes, self._state.moment, averaged=self._state.shows_average, more=more)
        self._state.tell_the_others()
        return edit

    def undo(self) -> WeightEdit:
        """Puts back what stood in the places of the newest edit that holds.

        Training may have gone on since: then the old numbers stand in these places again, and all others stay what
        they have become. Stepping back is what returns to a whole earlier state.

        Raises:
            TrainingError: Nothing was edited.
        """
        edit = self._state.editor.undo(self._state.moment, averaged=self._state.shows_average)
        self._state.tell_the_others()
        return edit

    def redo(self) -> WeightEdit:
        """Writes once more what the last :meth:`undo` took away.

        Raises:
            TrainingError: Nothing was undone, or something else was edited since.
        """
        edit = self._state.editor.redo(self._state.moment, averaged=self._state.shows_average)
        self._state.tell_the_others()
        return edit

    def changes_at(self, step: int) -> list[Changed]:
        """What was set by hand, beginning at this step."""
        told = self.edits.changes_at(step, self._state.network.name_of)
        return [Changed(f"{EDITED.removeprefix(FINDING.prefix)}{node}", text, node) for node, text in told.items()]

    @property
    def edits(self) -> WeightEdits:
        """What was set by hand since the start or the last restore."""
        return self._state.editor.edits
