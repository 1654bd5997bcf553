"""What a hand does to the network in training: sets its numbers, takes that back, switches its units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nnviz.gui.runs.run_feed import RunFeed
from nnviz.gui.runs.session_bridge import READY_STATES, SessionBridge
from nnviz.gui.runs.shown_run import GO_BACK

if TYPE_CHECKING:
    from nnviz.train.unit_switches import UnitSwitches
    from nnviz.train.weight_edits import WeightChange


class HandOnNetwork:
    """Reaches for the live network, as long as it is the one on the screen.

    Args:
        bridge: To the session that owns it.
        feed: Knows which step is shown.
        is_replayed: Whether a run from a file is on the screen.
        why_none: Why there is no live network, as a sentence; empty where nothing is known against it.
    """

    def __init__(
        self, bridge: SessionBridge, feed: RunFeed, is_replayed: Callable[[], bool], why_none: Callable[[], str]
    ) -> None:
        self._bridge = bridge
        self._feed = feed
        self._is_replayed = is_replayed
        self._why_none = why_none

    def why_not(self) -> str:
        """Why no number of the network on the screen can be set by hand now, as a sentence; empty where it can."""
        if self._is_replayed():
            return f"The numbers of a recorded run cannot be changed. {GO_BACK}"
        if self._feed.shown.step is not None:
            return "An earlier step is shown: return to live, or go back to it, to change its numbers."
        if self._bridge.state not in READY_STATES:
            return self._why_none() or "There is no network yet: it is being prepared."
        return ""

    def edit(self, changes: Sequence[WeightChange], *, more: bool = False) -> str:
        """Set numbers of the live network by hand, between two batches.

        Cards, panels and explanations follow; the run records it. What the session itself refuses (a number that is no
        32-bit float) is told by ``bridge.refused``.

        Args:
            changes: What is to stand where.
            more: It goes on with the edit before it, as while a hand drags: both are undone together.

        Returns:
            Why it cannot be done, as a sentence; empty where it was asked for.
        """
        reason = self.why_not()
        if not reason:
            self._bridge.edit_weights(changes, more=more)
        return reason

    def undo(self) -> str:
        """Put back what stood in the places of the newest edit of weights; answers as :meth:`edit` does."""
        position = self._bridge.position
        reason = self.why_not()
        if not reason and (position is None or not position.undoable_edit):
            reason = "No weight was set by hand."
        if not reason:
            self._bridge.undo_edit()
        return reason

    def redo(self) -> str:
        """Set once more what the last undo of an edit of weights took away; answers likewise."""
        position = self._bridge.position
        reason = self.why_not()
        if not reason and (position is None or not position.redoable_edit):
            reason = "No edit of weights was undone."
        if not reason:
            self._bridge.redo_edit()
        return reason

    def switch_units(self, switches: UnitSwitches) -> str:
        """Switch units of the live network off, or freeze them; answers as :meth:`edit` does.

        Args:
            switches: All that are not as usual.
        """
        reason = self.why_not()
        if not reason:
            self._bridge.switch_units(switches)
        return reason
