"""How old a number on the screen is: one rule for cards, panels, inspector and bars.

A reading is as old as the steps that were trained since it was measured, and never older because a clock went on: at
rest nothing ages. What is older than a second of training, or than twenty steps where these take longer, is drawn as
old. At an earlier step of the timeline, or of a replayed run, the age counts back from the step that is shown, and no
second passes: there only the twenty steps count. A second of a fast training may be a thousand steps, and who stopped
at one of them would take a number of long before for one of it. No step at all would mark nearly everything, because
instruments look every few steps, and the marks would say nothing any more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from nnviz.record.quantities import STEPS_PER_SECOND, quantity_of
from nnviz.record.readings import Reading, Scalar

#: So many steps are never old, however slow the training is.
LEAST_STEPS = 20
#: What was measured within so many seconds of training is of now.
SECONDS = 1.0


class Aging(Protocol):
    """The part of a run that says how old its readings are."""

    @property
    def last_step(self) -> int:
        """The highest step of any reading; -1 before the first."""

    def latest(self, series: str, step: int | None = None) -> Reading | None:
        """The newest reading of a series, or the newest that is not behind the step."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The step that is shown, and how far back what was measured still counts as of now.

    Attributes:
        step: The newest step of the run, or the one that was chosen.
        limit: Steps; what was measured longer ago is old.
    """

    step: int = 0
    limit: int = LEAST_STEPS

    def age(self, measured: int) -> int:
        """Steps since something was measured; never negative."""
        return max(self.step - measured, 0)

    def is_old(self, measured: int, series: str = "") -> bool:
        """Whether it is to be drawn as old.

        Args:
            measured: The step at which it was measured.
            series: Its series; readings of a quantity that holds until it changes (:attr:`Quantity.holds`) never age.
        """
        return self.age(measured) > self.limit and not holds(series)

    def is_outdone(self, exact: Reading | None, passing: Reading) -> bool:
        """Whether what passed in the last training batches tells more of now than what was measured exactly."""
        return exact is None or (passing.step > exact.step and self.is_old(exact.step, exact.series))

    def words(self, measured: int) -> str:
        """``measured at step 120, 340 steps ago``."""
        age = self.age(measured)
        ago = f", {_count(age)} step{'s' * (age != 1)} ago" if age else ""
        return f"measured at step {_count(measured)}{ago}"


@dataclass(frozen=True, slots=True)
class ReadingShown:
    """A number as it stands on the screen; what paints it takes the text from here.

    Attributes:
        series: Where it was read, one name of a run.
        text: As it is read on the screen.
        step: At which it was measured.
        old: Whether it is drawn as old.
        of: Which of the numbers of a reading it is, where there are several: ``low``, ``high``, ``deviation``.
    """

    series: str
    text: str
    step: int
    old: bool
    of: str = ""


def moment_of(run: Aging, step: int | None = None) -> Moment:
    """The moment that is shown.

    Args:
        run: What is shown.
        step: The chosen step; None is live: the newest of the run.
    """
    if step is not None:
        return Moment(max(step, 0))
    speed = run.latest(STEPS_PER_SECOND.series())
    seconds = speed.value * SECONDS if isinstance(speed, Scalar) else 0.0
    # A file may say anything of its speed.
    limit = math.ceil(seconds) if math.isfinite(seconds) and seconds < 2**53 else 0
    return Moment(max(run.last_step, 0), max(limit, LEAST_STEPS))


@lru_cache(maxsize=8192)
def holds(series: str) -> bool:
    """Whether the readings of a series are true until the next one, because it is recorded when it changes."""
    found = quantity_of(series) if series else None
    return found is not None and found[0].holds


def _count(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")
