"""How the outputs of a network are read as answers: which class, and how likely."""

from __future__ import annotations

import torch
from torch import Tensor

from nnviz.network.losses import LossFunction
from nnviz.project import registry

#: As far as probabilities may be from adding up to 1.
_NEARLY = 1e-3


def labels_of(loss: LossFunction, outputs: Tensor) -> Tensor:
    """The class that each example is taken for, int64[n].

    Args:
        loss: What the network is trained for, which tells classes apart.
        outputs: ``(n, k)``, or a single number for a yes or no: 1 where it lies above the loss's threshold.
    """
    if loss.task == "binary" and outputs.shape[1:].numel() == 1:
        return (outputs.reshape(-1) > loss.threshold).long()
    return outputs.flatten(1).argmax(1)


def probabilities_of(loss: LossFunction, outputs: Tensor, labels: Tensor) -> Tensor | None:
    """What the network gives the class that it names, float[n]; None where its outputs are no probabilities.

    Args:
        loss: Says how its answer is read.
        outputs: As for :func:`labels_of`.
        labels: What that gave.
    """
    spec = registry.loss(loss.kind)
    scores = outputs.flatten(1)
    if loss.task == "binary" and scores.shape[1] == 1:
        if spec.answer != "sigmoid" and spec.expects != "probabilities":
            return None
        yes = scores[:, 0].sigmoid() if spec.answer == "sigmoid" else scores[:, 0]
        return torch.where(labels == 1, yes, 1 - yes)
    if spec.answer == "softmax":
        shares = scores.softmax(1)
    elif bool((scores >= 0).all()) and bool(((scores.sum(1) - 1).abs() < _NEARLY).all()):
        shares = scores  # they are probabilities already
    else:
        return None
    return shares.gather(1, labels[:, None])[:, 0]


def label_numbers(targets: Tensor) -> Tensor:
    """The numbers of the right classes, int64[n], from labels or from one number a class."""
    plain = targets.dim() == 1 or targets.shape[1] == 1
    return (targets.reshape(-1) if plain else targets.argmax(1)).long()


def ranks(scores: Tensor, labels: Tensor) -> Tensor:
    """How many classes have a larger output than the right one, int64[n]; what is no number counts as larger."""
    own = scores.gather(1, labels[:, None])
    return (~(scores <= own)).sum(1)
