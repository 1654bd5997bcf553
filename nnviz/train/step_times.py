"""When the next step may begin, where each is given time so that it can be looked at."""

from __future__ import annotations

import math
import time

from nnviz.errors import ParamError


class StepTimes:
    """Steps at full speed, or so many a second at the most. For one thread at a time.

    Attributes:
        slowed: Whether a step was ever given more time than it takes.
    """

    def __init__(self) -> None:
        self.slowed = False
        #: Seconds that a step is given, 0 for none; and when (``time.monotonic``) the next one may begin.
        self._seconds_a_step = self._next_step = 0.0

    def set(self, steps_per_second: float | None) -> None:
        """So many a second at the most; None is full speed.

        Raises:
            ParamError: It is no speed.
        """
        if steps_per_second is not None and not 0 < steps_per_second < math.inf:
            raise ParamError(f"{steps_per_second} steps a second is no speed.", field="pace")
        self._seconds_a_step = 0.0 if steps_per_second is None else 1.0 / steps_per_second
        self.slowed = self.slowed or self._seconds_a_step > 0

    @property
    def are_given(self) -> bool:
        """Whether each step is given time now."""
        return self._seconds_a_step > 0

    def too_early(self) -> float:
        """Seconds until the next step may begin; 0 where it begins now, which is taken note of."""
        if not self._seconds_a_step:
            return 0.0
        now = time.monotonic()
        if self._next_step - now > self._seconds_a_step:
            self._next_step = now  # It was slower before.
        if now < self._next_step:
            return self._next_step - now
        late = now - self._next_step
        self._next_step = (now if late > self._seconds_a_step else self._next_step) + self._seconds_a_step
        return 0.0
