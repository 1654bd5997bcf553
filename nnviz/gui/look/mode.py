"""At a desk or in a lecture: what one chooses once, and what follows from it everywhere."""

from __future__ import annotations

from enum import Enum


class Mode(Enum):
    """Where the window is looked at: at a desk, as it is; or in a hall, where the page of a lecture lies over it."""

    DESK = "desk"
    LECTURE = "lecture"
