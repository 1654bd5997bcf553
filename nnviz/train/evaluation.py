"""What a network makes of every example of a split, asked for batch by batch and kept example by example."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from nnviz.data import datasets
from nnviz.errors import Cancelled, DataError
from nnviz.network.losses import LossFunction
from nnviz.project import registry
from nnviz.record.evaluated import AnyEvaluated, EvaluatedClasses, EvaluatedNumbers, numbered
from nnviz.train import loop
from nnviz.train.answers import label_numbers, labels_of, probabilities_of, ranks
from nnviz.train.training import Training

#: Asked before every batch; True ends the work.
CancelledCheck = Callable[[], bool]


class Collector:
    """Keeps what a network says of each example, as the batches of an evaluation pass by.

    Args:
        loss: Says how an answer is read.

    Raises:
        DataError: Nobody knows what is right of these data.
    """

    def __init__(self, loss: LossFunction) -> None:
        if not loss.has_answers:
            raise DataError("These data have no right answers: there is nothing to compare with.", field="data")
        self._loss = loss
        self._by_sign = registry.loss(loss.kind).answer == "sign"
        #: What each batch gives, on its device: float64[n, 4] of classes, float64[n, 2k] of numbers.
        self._parts: list[Tensor] = []

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """The next batch: what came out, and what is right."""
        scores = outputs.flatten(1)
        if not self._loss.has_accuracy:
            self._parts.append(torch.cat([scores.double(), targets.reshape(scores.shape).double()], 1))
            return
        labels = label_numbers(targets)
        predicted = labels_of(self._loss, outputs)
        probability = probabilities_of(self._loss, outputs, predicted)
        if probability is None:
            probability = torch.full(predicted.shape, torch.nan, device=predicted.device)
        silent = torch.isnan(scores).any(1)
        if self._by_sign and scores.shape[1] == 1:
            silent |= scores[:, 0] == 0  # neither yes nor no, as the accuracy counts it
        predicted = torch.where(silent, -1, predicted)
        rank = ranks(scores, labels) if scores.shape[1] > 1 else (predicted != labels).long()
        # Where several are equally likely, the answer decides which of them came first.
        rank = torch.where(predicted == labels, 0, rank.clamp(min=1))
        self._parts.append(torch.stack([one.double() for one in (predicted, probability, labels, rank)], 1))

    def result(
        self, split: str, step: int, weights_of: int, loss: float, names: tuple[str, ...], unit: float = 1.0
    ) -> AnyEvaluated:
        """All that passed by; waits for the device once.

        Args:
            split: Which one it was.
            step: Where the training stands.
            weights_of: The step whose weights were asked.
            loss: Mean over the split.
            names: Of the classes, as far as they have any.
            unit: What numbers were divided by for the training.
        """
        table = torch.cat(self._parts).cpu().numpy() if self._parts else np.empty((0, 4))
        if not self._loss.has_accuracy:
            count = table.shape[1] // 2
            words = ("target",) if count == 1 else tuple(f"target {number + 1}" for number in range(count))
            numbers = table * unit
            return EvaluatedNumbers(
                split, step, weights_of, loss, words, numbers[:, :count].copy(), numbers[:, count:].copy()
            )
        predicted, target, rank = (table[:, column].astype(np.int64) for column in (0, 2, 3))
        probability = table[:, 1].astype(np.float32)
        words = numbered(names, max(2, self._loss.classes))
        return EvaluatedClasses(split, step, weights_of, loss, words, predicted, probability, target, rank)


def result_of(collector: Collector, training: Training, split: str, loss: float) -> AnyEvaluated:
    """What a collector kept of a split of a training, as it stands now."""
    values = datasets.values(training.data.config)
    unit = values.get("target_unit", 1.0)
    return collector.result(
        split,
        training.step,
        training.weights_of,
        loss,
        training.data.class_names,
        float(unit) if isinstance(unit, (int, float)) else 1.0,
    )


def evaluate(
    training: Training,
    split: str,
    batches: Iterable[tuple[Tensor, Tensor]] | None = None,
    cancelled: CancelledCheck = lambda: False,
) -> AnyEvaluated:
    """Asks the network about every example of a split; on the thread that owns it.

    Nothing of the training is changed: it is asked in evaluation mode, without gradients and without a random number,
    and every module has its mode back afterwards.

    Args:
        training: Whose network.
        split: ``train``, ``validation`` or ``test``. A training example that was given another label is judged by that.
        batches: (inputs, targets) in the order of the examples; those of the split where they are not given.
        cancelled: Asked before every batch.

    Raises:
        DataError: There are no such examples, or nobody knows what is right.
        Cancelled: ``cancelled`` said so.
    """
    collector = Collector(training.loss_function)
    evaluation = (
        training.evaluation(split, collector.add)
        if batches is None
        else loop.Evaluation(training.shown_network, training.loss_function, batches, collector.add)
    )
    while evaluation.advance():
        if cancelled():
            raise Cancelled("The evaluation was stopped.")
    result = evaluation.result()
    if not result.count:
        raise DataError(f"There are no {split} examples.", field="data")
    return result_of(collector, training, split, result.loss)
