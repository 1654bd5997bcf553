"""What everything beside the training itself makes a step cost, as measured: instruments, drawing, and waiting.

The budget of the instruments charges what measuring takes. Not charged is what shares the processor and the
interpreter's lock with the training: the window that draws, the writer of the run, other programs. It shows in the
time between two steps, beside what a step costs alone. That is known from two sides, neither of which is ever too
much: the time that the training's thread was computing in its steps (what it waits for is not in it, but neither is
what other threads of an operation do longer than it), and the fastest of many steps, which nobody disturbed (but which
also had the least to do: the first step of an epoch has more). The larger of both is taken.
"""

from __future__ import annotations

import math
import statistics
from collections import deque

#: Of the steps of one look, this share was faster than what counts as undisturbed: the very fastest is luck.
_UNDISTURBED = 0.1
#: Looks that are remembered: a machine becomes slower and faster, and so does a network whose units die.
_LOOKS = 40
#: Steps of one look that are remembered: where nobody looks, as on a GPU, they must not pile up.
_MOST = 4096
#: Steps that must have been seen before anything is said.
_ENOUGH = 20


class StepPrice:
    """How many times as long as training alone a step takes, everything included. Used by the thread that trains.

    Args:
        memory: Seconds after which a step weighs only a third.
    """

    def __init__(self, memory: float = 3.0) -> None:
        self._memory = memory
        self._began: float | None = None
        self._bare: deque[float] = deque(maxlen=_MOST)
        self._undisturbed: deque[float] = deque(maxlen=_LOOKS)
        self._total, self._steps = 0.0, 0
        self._computed, self._computing = 0.0, 0
        self._seen = 0
        self._weighted_total = self._weighted_steps = 0.0
        self._weighted_computed = self._weighted_computing = 0.0

    def begin(self, now: float) -> None:
        """A step begins.

        Args:
            now: Seconds on a clock that goes forwards.
        """
        if self._began is not None:
            self._total += now - self._began
            self._steps += 1
        self._began = now

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
        """1.0 for nothing beside the training; NaN until enough steps were seen. Each look takes in what is new."""
        if self._steps and self._bare:
            bare = sorted(self._bare)
            self._undisturbed.append(bare[int(_UNDISTURBED * len(bare))])
            keep = math.exp(-self._total / self._memory)
            self._weighted_total = self._weighted_total * keep + self._total
            self._weighted_steps = self._weighted_steps * keep + self._steps
            self._weighted_computed = self._weighted_computed * keep + self._computed
            self._weighted_computing = self._weighted_computing * keep + self._computing
            self._seen += self._steps
            self._bare.clear()
            self._total, self._steps = 0.0, 0
            self._computed, self._computing = 0.0, 0
        # The lowest of many looks would be luck again.
        alone = statistics.median(self._undisturbed) if self._undisturbed else 0.0
        if self._weighted_computing > 0.0:
            alone = max(alone, self._weighted_computed / self._weighted_computing)
        if self._seen < _ENOUGH or alone <= 0.0:
            return math.nan
        return max(1.0, self._weighted_total / self._weighted_steps / alone)
