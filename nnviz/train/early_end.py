"""After which epoch early stopping ends a training, and what it means that somebody went on all the same."""

from __future__ import annotations

from nnviz.project.model import Choice
from nnviz.train.recipe import stops_after
from nnviz.train.validated import Validated


class EarlyEnd:
    """When it is over, as far as is known by now.

    Args:
        choice: Of early stopping.
        validated: What the ends of the epochs have shown.

    Attributes:
        went_on_after: Epochs after which it was gone on with although early stopping had ended it: patience began anew.
    """

    def __init__(self, choice: Choice, validated: Validated) -> None:
        self._choice = choice
        self._validated = validated
        self.went_on_after = 0
        #: None as long as nothing ends it.
        self._after: int | None = None

    def look_back(self) -> None:
        """Other figures are known than before."""
        self._after = stops_after(self._choice, self._validated, self.went_on_after)

    def last_epoch(self, goal: int) -> int:
        """After which it is over, if it is to go so far at most."""
        return goal if self._after is None else min(goal, self._after)

    def go_on(self, epochs: int) -> None:
        """It may have ended after so many epochs, and somebody wants more: then patience begins anew here."""
        if self._after is not None and epochs >= self._after:
            self.went_on_after = epochs
            self._after = None
