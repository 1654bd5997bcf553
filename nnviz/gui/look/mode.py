"""At a desk or in a lecture: what one chooses once, and what follows from it everywhere."""

from __future__ import annotations

from enum import Enum


class Mode(Enum):
    """Where the window is looked at, a desk or a lecture hall: how large and how calm it is."""

    DESK = "desk"
    LECTURE = "lecture"

    @property
    def text_scale(self) -> float:
        """What letters are multiplied with: on a projector 13 px become 32 px, which is 24 pt."""
        return 32 / 13 if self is Mode.LECTURE else 1.0

    @property
    def legible_zoom(self) -> float:
        """The least zoom at which a network is shown: from the last row of a hall nobody reads smaller letters."""
        return 1.0 if self is Mode.LECTURE else 0.0

    @property
    def network_first(self) -> bool:
        """Whether side bars, buttons and figures that only the lecturer needs step back for network and instruments."""
        return self is Mode.LECTURE
