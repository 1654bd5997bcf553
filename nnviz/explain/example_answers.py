"""What a network makes of every example: its answer, whether that is right, and the loss of each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nnviz.errors import Cancelled
from nnviz.explain.score import CancelledCheck, OwnNetwork, Progress
from nnviz.network.losses import LossFunction


@dataclass(frozen=True, eq=False)
class ExampleAnswers:
    """The answers for whole splits, one behind the other, all by the weights of one step.

    Attributes:
        step: Updates that the weights had seen.
        splits: Which splits, in this order.
        losses: float32[n], of each example by itself; their mean over a split is the loss of that split. A training
            example that was given another label is judged by that one.
        answers: int64[n], the class that each is taken for; −1 where numbers are asked for.
        right: bool[n]; None where an answer is neither right nor wrong.
    """

    step: int
    splits: tuple[str, ...]
    losses: NDArray[np.float32]
    answers: NDArray[np.int64]
    right: NDArray[np.bool_] | None


def example_answers(
    own: OwnNetwork,
    splits: Sequence[str],
    progress: Progress = lambda _done, _total: None,
    cancelled: CancelledCheck = lambda: False,
) -> ExampleAnswers:
    """Asks a network of one's own about every example of some splits, batch by batch.

    Args:
        own: The copy; its training goes on beside this.
        splits: Names of the splits; the test split is only asked by who means to use it.
        progress: Told how many examples are done.
        cancelled: Asked before every batch.

    Raises:
        Cancelled: ``cancelled`` said so.
    """
    losses: list[Tensor] = []
    answers: list[Tensor] = []
    rights: list[Tensor] = []
    total = sum(len(own.data.split(name)) for name in splits)
    done, size = 0, own.batch_size(own.output_id)
    for name in splits:
        split, right_ones = own.data.split(name), own.targets_of(name)
        for first in range(0, len(split), size):
            if cancelled():
                raise Cancelled("Asking the network was stopped.")
            targets = right_ones[first : first + size].to(own.device)
            with torch.no_grad():
                outputs = own.run(own.prepared(split.inputs[first : first + size]), {own.output_id})[own.output_id]
                losses.append(own.loss.each(outputs, targets).float().cpu())
                right = own.loss.right(outputs, targets)
            if right is not None:
                rights.append(right.cpu())
            answers.append(_answers(own.loss, outputs).cpu())
            done += len(targets)
            progress(done, total)
    return ExampleAnswers(
        own.step,
        tuple(splits),
        torch.cat(losses).numpy() if losses else np.empty(0, np.float32),
        torch.cat(answers).numpy() if answers else np.empty(0, np.int64),
        torch.cat(rights).numpy() if rights else (np.empty(0, bool) if own.loss.has_accuracy else None),
    )


def _answers(loss: LossFunction, outputs: Tensor) -> Tensor:
    numbers = outputs.flatten(1)
    if not loss.has_accuracy:
        return torch.full((len(numbers),), -1, dtype=torch.int64)
    if loss.task == "binary" and numbers.shape[1] == 1:
        return (numbers[:, 0] > loss.threshold).long()
    return numbers.argmax(1)
