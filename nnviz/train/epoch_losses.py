"""The losses of the steps: their mean over the epoch so far, and the first of them that is not finite."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nnviz.errors import NotFiniteError
from nnviz.train.finite import LossWatch


class EpochLosses:
    """Gathers the loss of each step without waiting for the device. Belongs to the thread that owns the network.

    Args:
        device: Where the losses are.

    Attributes:
        watch: Finds the first loss that is not finite: at once on the CPU, some steps later on a GPU.
        spoilt_step: The step of that loss, where its update was made; None while all are finite as far as is known.
        waiting: Mean losses of the latest batches, which may still be on their way on the device.
        total: Sum of the losses over the examples of this epoch that were added up.
        count: How many examples those are.
    """

    def __init__(self, device: torch.device) -> None:
        self.watch = LossWatch(device)
        self.spoilt_step: int | None = None
        self.waiting: list[Tensor] = []
        #: Examples in each of them, and for how many examples it stands in the mean of its epoch.
        self._counts: list[int] = []
        self._shares: list[float] = []
        self.total = 0.0
        self.count = 0

    def check(self, step: int) -> None:
        """Before a step is made.

        Raises:
            NotFiniteError: The loss of an earlier one was not finite.
        """
        if self.spoilt_step is None:
            self.spoilt_step = self.watch.first_spoilt(step)
        if self.spoilt_step is not None:
            raise not_finite(self.spoilt_step)

    def add(self, loss: Tensor, count: int, share: float) -> None:
        """The loss of a step.

        Args:
            loss: Mean over its batch, on the device.
            count: Examples in the batch.
            share: For how many examples it stands in the mean of its epoch.
        """
        self.waiting.append(loss)
        self._counts.append(count)
        self._shares.append(share)

    def settle(self, step: int) -> bool:
        """Adds up what waits on the device; waits for it once. True while all losses were finite.

        Args:
            step: Updates made.
        """
        if not self.waiting:
            return self.spoilt_step is None
        losses = torch.stack(self.waiting).tolist()
        self.total += sum(loss * share for loss, share in zip(losses, self._shares, strict=True))
        self.count += sum(self._counts)
        if self.spoilt_step is None:
            first = step - len(losses) + 1
            self.spoilt_step = next((first + n for n, loss in enumerate(losses) if not math.isfinite(loss)), None)
        self.drop_waiting()
        return self.spoilt_step is None

    def drop_waiting(self) -> None:
        """Nobody adds up what was not added up yet."""
        self.waiting.clear()
        self._counts.clear()
        self._shares.clear()

    def begin_epoch(self) -> None:
        """A new epoch, of which nothing is known."""
        self.total, self.count = 0.0, 0

    def restore(self, total: float, count: int) -> None:
        """Goes on in the middle of an epoch, of which so much was added up."""
        self.drop_waiting()
        self.forget_spoilt()
        self.total, self.count = total, count

    def forget_spoilt(self) -> None:
        """Other weights are there than those that gave a loss that was not finite."""
        self.watch.forget()
        self.spoilt_step = None

    @property
    def mean(self) -> float:
        """Mean loss over the examples of the epoch so far; NaN where there is none."""
        return self.total / self.count if self.count else math.nan


def not_finite(step: int) -> NotFiniteError:
    """The error for a step whose loss is no finite number."""
    return NotFiniteError(f"The loss of step {step} is not a finite number.", step=step)
