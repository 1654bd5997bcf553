"""How a network is trained and how it is judged: plain functions that read top to bottom."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import torch
from torch import Tensor, nn

from nnviz.network.losses import LossFunction
from nnviz.train.tally import ClassTally

#: (loss, outputs, targets) of the batch, the first two without a graph behind them
AfterBackward: TypeAlias = Callable[[Tensor, Tensor, Tensor], None]
#: The same, and the update itself, which it must call exactly once
AroundUpdate: TypeAlias = Callable[[Tensor, Tensor, Tensor, Callable[[], object]], None]


#: Puts the gradients of a batch into ``parameter.grad``: (loss function, inputs, targets) -> (outputs, loss).
Gradients: TypeAlias = Callable[[LossFunction, Tensor, Tensor], tuple[Tensor, Tensor]]


class Updater(Protocol):
    """What makes the updates: an optimizer, or what stands in for one."""

    def zero_grad(self) -> None:
        """Lets all gradients go."""

    def step(self) -> object:
        """One update of the weights."""


class NoUpdates:
    """Stands in for an optimizer where no layer has weights."""

    def zero_grad(self) -> None:
        """There are none."""

    def step(self) -> None:
        """There is nothing to update."""


def without_gradients(network: nn.Module) -> Gradients:
    """The forward pass and the loss of a network without weights, which has nothing to find gradients of."""

    def forward(loss_function: LossFunction, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            outputs = network(inputs)
            return outputs, loss_function(outputs, targets)

    return forward


def train_step(
    network: nn.Module,
    loss_function: LossFunction,
    optimizer: Updater,
    inputs: Tensor,
    targets: Tensor,
    after_backward: AfterBackward | None = None,
    around_update: AroundUpdate | None = None,
    gradients: Gradients | None = None,
    is_spoilt: Callable[[Tensor], bool] | None = None,
) -> Tensor:
    """One update of the weights from one batch.

    Nothing here waits for a GPU: the loss comes back as a tensor on the device.

    Args:
        network: In training mode.
        loss_function: Mean loss of a batch.
        optimizer: Owns the network's parameters.
        inputs: The batch, on the network's device.
        targets: What is right for it.
        after_backward: Called while the gradients stand in ``parameter.grad``, before the update.
        around_update: Called in place of the update, with the update to call.
        gradients: Computes the same as the forward and the backward pass here, on a shorter way.
        is_spoilt: Asked before the update; where it says so of the loss, the weights are left as they are.

    Returns:
        The mean loss of the batch before the update.
    """
    optimizer.zero_grad()
    if gradients is None:
        outputs = network(inputs)
        loss = loss_function(outputs, targets)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without annotations
        outputs, loss = outputs.detach(), loss.detach()
    else:
        outputs, loss = gradients(loss_function, inputs, targets)
    if after_backward is not None:
        after_backward(loss, outputs, targets)
    if is_spoilt is not None and is_spoilt(loss):
        return loss
    if around_update is None:
        optimizer.step()
    else:
        around_update(loss, outputs, targets, optimizer.step)
    return loss


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """How a network does on a whole split.

    Attributes:
        loss: Mean over all examples; NaN for an empty split.
        accuracy: Share that was right, 0 to 1; None where an answer is not right or wrong.
        count: Number of examples.
        figures: What else was found of it, by the names of the quantities: ``macro_f1``, ``top5_accuracy``.
    """

    loss: float
    accuracy: float | None
    count: int
    figures: Mapping[str, float] = field(default_factory=dict)


class Evaluation:
    """An evaluation that is done batch by batch, so that whoever runs it can listen to the user in between.

    Args:
        network: Put into evaluation mode for each batch and back afterwards.
        loss_function: Mean loss of a batch.
        batches: ``(inputs, targets)`` of the whole split, each example once, in any order.
        each: Called with what came out of each batch, and what is right.
    """

    def __init__(
        self,
        network: nn.Module,
        loss_function: LossFunction,
        batches: Iterable[tuple[Tensor, Tensor]],
        each: Callable[[Tensor, Tensor], None] | None = None,
    ) -> None:
        self._network = network
        self._loss_function = loss_function
        self._batches = iter(batches)
        self._counts: list[int] = []
        self._losses: list[Tensor] = []
        self._correct: list[Tensor] = []
        self._tally = ClassTally(loss_function) if loss_function.has_accuracy else None
        self._each = each

    def advance(self) -> bool:
        """Does one batch; False when there was none left."""
        batch = next(self._batches, None)
        if batch is None:
            return False
        inputs, targets = batch
        with evaluation_mode(self._network), torch.no_grad():
            outputs = self._network(inputs)
            self._losses.append(self._loss_function(outputs, targets))
            correct = self._loss_function.correct(outputs, targets)
            if self._tally is not None:
                self._tally.add(outputs, targets)
            if self._each is not None:
                self._each(outputs, targets)
        if correct is not None:
            self._correct.append(correct)
        self._counts.append(inputs.shape[0])
        return True

    def first_not_finite(self) -> int | None:
        """Number of the first batch whose loss is not finite; waits for the device."""
        return next((index for index, loss in enumerate(self._losses) if not math.isfinite(loss.item())), None)

    def result(self) -> EvaluationResult:
        """The mean over all examples done so far, each with the same weight; waits for the device once."""
        count = sum(self._counts)
        if count == 0:
            return EvaluationResult(math.nan, None, 0)
        losses = torch.stack(self._losses).tolist()
        summed = math.fsum if all(map(math.isfinite, losses)) else sum  # fsum refuses what is not finite
        loss = summed(loss * size for loss, size in zip(losses, self._counts, strict=True)) / count
        accuracy = int(torch.stack(self._correct).sum()) / count if self._correct else None
        return EvaluationResult(loss, accuracy, count, {} if self._tally is None else self._tally.figures())


@contextmanager
def evaluation_mode(network: nn.Module) -> Iterator[None]:
    """Evaluation mode inside (no dropout, running statistics); every submodule's mode put back afterwards."""
    training = [module for module in network.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True
