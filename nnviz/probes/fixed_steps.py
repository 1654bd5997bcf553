"""At which steps the exact measurements are taken in any case: so chosen that the project alone decides it."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: Share of the training that a pass over the probe set may take at the fixed steps, reckoned from the sizes alone.
_SHARE = 0.03
#: Forward passes that a step of training is worth: one forwards, two back.
_STEP_IS_WORTH = 3
#: Steps between two of them at the least.
_LEAST = 20
#: Parts of the distance at which the first one lies closer: much of what dies, dies early.
_EARLY = (2,)
#: What a pass takes besides its arithmetic, what a step does, and how fast both reckon, about. The same on every
#: machine: where it is wrong, measuring is a little dearer or rarer than it might be, but the steps are the same.
_PASS_SECONDS = 4e-3
_STEP_SECONDS = 1.5e-4
_OPERATIONS_A_SECOND = 5e9


@dataclass(frozen=True, slots=True)
class FixedSteps:
    """Evenly spaced, with the end of an epoch among them, and closer together at the beginning.

    Attributes:
        steps_per_epoch: Batches of an epoch.
        distance: Steps between two of them. Where an epoch is longer, the last piece of it may be shorter; where it is
            shorter, this is a whole number of epochs.
    """

    steps_per_epoch: int
    distance: int

    @classmethod
    def of(cls, steps_per_epoch: int, batch_size: int, images: int, work: int = 0) -> FixedSteps:
        """For a training and the size of its probe set: as far apart as its passes are dear.

        Args:
            steps_per_epoch: Batches of an epoch.
            batch_size: Examples in a batch.
            images: Of the probe set.
            work: Multiply-accumulate operations of the forward pass of a batch.
        """
        step = _STEP_SECONDS + _STEP_IS_WORTH * work / _OPERATIONS_A_SECOND
        least = max(_LEAST, images / (_STEP_IS_WORTH * batch_size * _SHARE), _PASS_SECONDS / (step * _SHARE))
        least = math.ceil(least)
        if least > steps_per_epoch / 2:
            return cls(steps_per_epoch, math.ceil(least / steps_per_epoch) * steps_per_epoch)
        return cls(steps_per_epoch, math.ceil(steps_per_epoch / (steps_per_epoch // least)))

    def after(self, step: int) -> int:
        """The first of them behind a step."""
        for part in _EARLY:
            if step < self.distance // part:
                return self.distance // part
        if self.distance >= self.steps_per_epoch:
            return (step // self.distance + 1) * self.distance
        epoch, inside = divmod(step, self.steps_per_epoch)
        nearest = (inside // self.distance + 1) * self.distance
        return epoch * self.steps_per_epoch + min(nearest, self.steps_per_epoch)
