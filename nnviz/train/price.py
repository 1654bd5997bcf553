"""What everything beside the training itself makes a step cost, as measured: instruments, drawing, and waiting.

The budget of the instruments charges what measuring takes. Not charged is what shares the processor and the
interpreter's lock with the training: the window that draws, the writer of the run. It shows in the time between two
steps, beside what a step costs alone. That is known from two sides, neither of which is ever too much: the time that
the training's thread was computing in its steps (what it waits for is not in it, but neither is what other threads of
an operation do longer than it), and the fastest of many steps, which nobody disturbed (but which also had the least to
do: the first step of an epoch has more). The larger of both is taken.

Both times are taken in the same short period, under the same load, and the median of the periods of the last seconds is
what is told: the first moments and single hiccups weigh nothing, whatever they took. A mean of ratios or of times would
carry them along for as long as it remembers.

What other programs take is no price. While it trains, something of this process always has work to do; where the whole
process was computing for less time than went by, it did not get the rest, and that is left out. It cannot be told where
several threads compute at once: then their times add up to more than went by, and all that went by counts.
"""

from __future__ import annotations

import math
import statistics
from collections import deque

#: Of the steps of one period, this share was faster than what counts as undisturbed: the very fastest is luck.
_UNDISTURBED = 0.1
#: Seconds of steps, and steps, that a period has at the least: what is beside them comes in lumps.
_PERIOD = 0.5
_STEPS = 50
#: A period of long steps has so many seconds and no more, once it has a few of them.
_LONG_PERIOD = 8.0
_FEW_STEPS = 5
#: Steps of one period that are remembered.
_MOST = 4096
#: Seconds of steps that must have been seen before anything is said, and how many steps.
ENOUGH_SECONDS = 2.0
_ENOUGH_STEPS = 20


class StepPrice:
    """How many times as long as training alone a step takes, everything included. Used by the thread that trains.

    Args:
        memory: Seconds of steps that are looked back at.
    """

    def __init__(self, memory: float = 5.0) -> None:
        self._memory = memory
        self._began: float | None = None
        self._got_before = math.nan
        #: Of each period its seconds, and how many times as long as alone its steps took.
        self._periods: deque[tuple[float, float]] = deque()
        self._seen_seconds, self._seen_steps = 0.0, 0
        self._begin_period()

    def begin(self, now: float, got: float = math.nan) -> None:
        """A step begins.

        Args:
            now: Seconds on a clock that goes forwards.
            got: Seconds that the whole process, all its threads together, was computing so far; NaN where that is not
                known.
        """
        if self._began is not None:
            self._total += now - self._began
            self._got += got - self._got_before
            self._steps += 1
            if self._is_over:
                self._end_period()
        self._began, self._got_before = now, got

    def trained(self, seconds: float, computed: float = math.nan) -> None:
        """The step that began is made.

        Args:
            seconds: How long it took, without what was measured in it.
            computed: How long its thread was computing meanwhile; NaN where that is not known.
        """
        self._bare.append(seconds)
        if not math.isnan(computed):
            self._computed += computed
            self._computing += 1

    def rest(self) -> None:
        """The training rests or does something else: the time until the next step is not the price of one."""
        self._began = None

    @property
    def factor(self) -> float:
        """1.0 for nothing beside the training; NaN until steps were seen for two seconds."""
        if self._seen_seconds < ENOUGH_SECONDS or self._seen_steps < _ENOUGH_STEPS or not self._periods:
            return math.nan
        return max(1.0, statistics.median(times for _, times in self._periods))

    @property
    def _is_over(self) -> bool:
        if self._total < _PERIOD:
            return False
        return self._steps >= _STEPS or (self._total >= _LONG_PERIOD and self._steps >= _FEW_STEPS)

    def _begin_period(self) -> None:
        self._bare: deque[float] = deque(maxlen=_MOST)
        self._total, self._got, self._steps = 0.0, 0.0, 0
        self._computed, self._computing = 0.0, 0

    def _end_period(self) -> None:
        bare = sorted(self._bare)
        share = 1.0 if math.isnan(self._got) else min(1.0, self._got / self._total)
        # Where other programs take a part of the time, they take it of the fastest steps as well.
        alone = share * bare[int(_UNDISTURBED * len(bare))] if bare else 0.0
        if self._computing:
            alone = max(alone, self._computed / self._computing)
        self._seen_seconds += self._total
        self._seen_steps += self._steps
        if alone > 0.0:
            self._periods.append((self._total, share * self._total / self._steps / alone))
            remembered = sum(seconds for seconds, _ in self._periods)
            while remembered - self._periods[0][0] >= self._memory:
                remembered -= self._periods.popleft()[0]
        self._begin_period()
