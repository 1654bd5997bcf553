"""Loss and accuracy of each batch."""

from __future__ import annotations

import torch
from torch import Tensor

from nnviz.probes.base import Answers, Clock, Measurement, Probe, Stage, monotonic
from nnviz.record.quantities import ACCURACY, LOSS
from nnviz.record.readings import Reading, Scalar

#: Seconds for which values may wait on the device before they are fetched together.
_LONGEST_WAIT = 0.05
_MOST_WAITING = 4096
#: Numbers of outputs and targets that are kept until their answers are looked at: a quarter of a megabyte.
_MOST_KEPT = 2**16


class LossProbe(Probe):
    """Loss and accuracy of the batch at each step.

    Definition: ``loss/train`` is the mean loss of the batch, computed in training mode (dropout is on) with the weights
    from before the update; ``accuracy/train`` is the share of the same batch that was right, 0 to 1.
    Who is left out counts in neither.

    How to read it: it should fall, quickly at first. It trembles because each batch holds other examples; the curve
    of the validation split is the one to judge by. Where the two part, the network begins to learn by heart.

    The values stay on the device and are fetched together about twenty times a second: fetching each would make the
    device wait for the processor at every step. Which answers are right is looked at then, for many batches at once.
    """

    name = "loss"
    title = "Loss and accuracy"
    stage = Stage.BACKWARD
    fills = (LOSS, ACCURACY)
    essential = True
    looks_at_outputs = True
    weight = 0.5

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._waiting: list[tuple[int, int, bool]] = []  # step, examples in the batch, whether they can be right
        self._losses: list[Tensor] = []
        self._answers: list[Answers] = []  # of batches whose answers were not looked at yet
        self._kept = 0  # numbers in them
        self._right: list[Tensor] = []  # number right of each batch before those
        self._fetched = clock()

    def measure(self, measurement: Measurement) -> list[Reading]:
        """Keep the batch's values; give out all that wait once it is time."""
        if measurement.loss is None:
            return []
        answers = measurement.answers if measurement.count else None
        counted = measurement.count if answers is None else len(answers.outputs)
        self._waiting.append((measurement.step, counted, answers is not None))
        self._losses.append(measurement.loss)
        if answers is not None:
            self._answers.append(answers)
            self._kept += answers.outputs.numel() + answers.targets.numel()
            if self._kept > _MOST_KEPT:
                self._look_at_answers()
        now = self._clock()
        if now - self._fetched < _LONGEST_WAIT and len(self._waiting) < _MOST_WAITING and not measurement.whole:
            return []
        self._fetched = now
        return self.flush()

    def flush(self) -> list[Reading]:
        """Moves losses that still lie on the device into readings."""
        if not self._waiting:
            return []
        self._look_at_answers()
        waiting, losses, right = self._waiting, self._losses, self._right
        self.reset()
        # Turned into one type stack by stack, not number by number, and fetched together.
        numbers = iter(torch.cat([torch.stack(losses).float(), *(part.float() for part in right)]).tolist())
        readings: list[Reading] = [Scalar(LOSS.series("train"), step, next(numbers)) for step, _, _ in waiting]
        answered = [(step, count) for step, count, can_be_right in waiting if can_be_right]
        readings += [Scalar(ACCURACY.series("train"), step, next(numbers) / count) for step, count in answered]
        return readings

    def reset(self) -> None:
        """Forget what waits."""
        self._waiting, self._losses, self._right = [], [], []
        self._answers, self._kept = [], 0

    def _look_at_answers(self) -> None:
        """Counts the right answers of each batch that is kept."""
        answers, self._answers, self._kept = self._answers, [], 0
        if not answers:
            return
        outputs = torch.cat([one.outputs for one in answers]) if len(answers) > 1 else answers[0].outputs
        targets = torch.cat([one.targets for one in answers]) if len(answers) > 1 else answers[0].targets
        right = answers[0].right(outputs, targets)
        if right is None:
            raise ValueError("Answers that can be neither right nor wrong.")
        sizes = [len(one.outputs) for one in answers]
        if sizes.count(sizes[0]) == len(sizes):
            self._right.append(right.reshape(len(sizes), -1).sum(1))
        else:
            self._right.append(torch.stack([part.sum() for part in torch.split(right, sizes)]))
