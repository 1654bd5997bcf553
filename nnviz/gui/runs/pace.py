"""How fast training may go, so that each step can be looked at."""

from __future__ import annotations

from typing import NamedTuple


class Pace(NamedTuple):
    """One of the speeds that can be chosen.

    Attributes:
        key: Its name in the program.
        title: On a small button.
        words: In a sentence.
        steps_per_second: At the most; None for as many as the computer makes.
    """

    key: str
    title: str
    words: str
    steps_per_second: float | None


#: From the slowest to the fastest.
PACES = (
    Pace("1", "1/s", "one step a second", 1.0),
    Pace("5", "5/s", "five steps a second", 5.0),
    Pace("20", "20/s", "twenty steps a second", 20.0),
    Pace("full", "Full", "full speed", None),
)


def pace_of(steps_per_second: float | None) -> Pace:
    """The one with this speed; full speed where there is none."""
    return next((pace for pace in PACES if pace.steps_per_second == steps_per_second), PACES[-1])


def beside(steps_per_second: float | None, by: int) -> Pace | None:
    """The next slower (−1) or faster (1) one; None at the end."""
    index = PACES.index(pace_of(steps_per_second)) + by
    return PACES[index] if 0 <= index < len(PACES) else None
