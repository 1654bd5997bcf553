"""Where a lecture is: what one comes back to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """What is shown on the page.

    Attributes:
        root: The group that is looked into; empty for the whole network.
        chosen: The card that is talked about; empty for the first one.
        instrument: Key of the instrument beside it; empty for none.
        pointer: Whether the mouse has a ring.
        filling: Key of an instrument that fills the page in front of all this; empty for none.
    """

    root: str = ""
    chosen: str = ""
    instrument: str = "loss"
    pointer: bool = True
    filling: str = ""
