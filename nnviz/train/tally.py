"""Figures of a whole split, counted from the outputs that its evaluation computes anyway."""

from __future__ import annotations

import torch
from torch import Tensor

from nnviz.network.losses import LossFunction
from nnviz.record.quantities import LEAST_CLASSES_FOR_TOP, MACRO_F1, TOP, TOP5_ACCURACY
from nnviz.train.answers import label_numbers, labels_of, ranks


class ClassTally:
    """Counts how often each class is right, named, and both, batch by batch, on the device of the outputs.

    Args:
        loss: What the network is trained for, which tells classes apart.
    """

    def __init__(self, loss: LossFunction) -> None:
        self._loss = loss
        self._classes = max(2, loss.classes)
        self._predicted: list[Tensor] = []
        self._labels: list[Tensor] = []
        self._among: list[Tensor] = []

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """The next batch; nothing is waited for."""
        labels = label_numbers(targets)
        self._predicted.append(labels_of(self._loss, outputs))
        self._labels.append(labels)
        if self._classes >= LEAST_CLASSES_FOR_TOP:
            self._among.append((ranks(outputs.flatten(1), labels) < TOP).sum())

    def figures(self) -> dict[str, float]:
        """By the names of their quantities; waits for the device.

        Macro F1 is the mean over the classes that are right or named at all, as scikit-learn has it, of
        2·tp / (2·tp + fp + fn).
        """
        labels, predicted = torch.cat(self._labels), torch.cat(self._predicted)
        named, right, both = (
            torch.bincount(one, minlength=self._classes) for one in (predicted, labels, labels[labels == predicted])
        )
        found = {}
        if self._among:
            found[TOP5_ACCURACY.name] = int(torch.stack(self._among).sum()) / len(labels)
        occurs = named + right
        scores = (2 * both / occurs.clamp(min=1))[occurs > 0]
        found[MACRO_F1.name] = float(scores.mean())
        return found
