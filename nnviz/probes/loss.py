"""Loss and accuracy of each batch."""

from __future__ import annotations

import torch
from torch import Tensor

from nnviz.probes.base import Clock, Measurement, Probe, Stage, monotonic
from nnviz.record.quantities import ACCURACY, LOSS
from nnviz.record.readings import Reading, Scalar

#: Seconds for which values may wait on the device before they are fetched together.
_LONGEST_WAIT = 0.05
_MOST_WAITING = 4096


class LossProbe(Probe):
    """Loss and accuracy of the batch at each step.

    Definition: ``loss/train`` is the mean loss of the batch, computed in training mode (dropout is on) with the weights
    from before the update; ``accuracy/train`` is the share of the same batch that was right, 0 to 1.

    How to read it: it should fall, quickly at first. It trembles because each batch holds other examples; the curve
    of the validation split is the one to judge by. Where the two part, the network begins to learn by heart.

    The values stay on the device and are fetched together about twenty times a second: fetching each would make the
    device wait for the processor at every step.
    """

    name = "loss"
    title = "Loss and accuracy"
    stage = Stage.BACKWARD
    fills = (LOSS, ACCURACY)
    essential = True
    weight = 0.5

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._waiting: list[tuple[int, int, Tensor | None]] = []  # step, examples in the batch, number right
        self._losses: list[Tensor] = []
        self._fetched = clock()

    def measure(self, measurement: Measurement) -> list[Reading]:
        """Keep the batch's values; give out all that wait once it is time."""
        if measurement.loss is None:
            return []
        correct = measurement.correct if measurement.count else None
        self._waiting.append((measurement.step, measurement.count, correct))
        self._losses.append(measurement.loss)
        now = self._clock()
        if now - self._fetched < _LONGEST_WAIT and len(self._waiting) < _MOST_WAITING and not measurement.whole:
            return []
        self._fetched = now
        return self.flush()

    def flush(self) -> list[Reading]:
        """Moves losses that still lie on the device into readings."""
        waiting, losses = self._waiting, self._losses
        self._waiting, self._losses = [], []
        if not waiting:
            return []
        answered = [(step, count, right) for step, count, right in waiting if right is not None]
        # Turned into one type stack by stack, not number by number, and fetched together.
        stacks = [torch.stack(losses).float()]
        if answered:
            stacks.append(torch.stack([right for _, _, right in answered]).float())
        numbers = iter(torch.cat(stacks).tolist())
        readings: list[Reading] = [Scalar(LOSS.series("train"), step, next(numbers)) for step, _, _ in waiting]
        readings += [Scalar(ACCURACY.series("train"), step, next(numbers) / count) for step, count, _ in answered]
        return readings

    def reset(self) -> None:
        """Forget what waits."""
        self._waiting, self._losses = [], []
