"""What the data and a trial can tell about a training, for the findings: what no curve of the run shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

#: Neighbours that are asked, and examples that take part: enough to tell knowledge from luck, done in milliseconds.
_NEIGHBOURS = 5
MOST_KNOWN, MOST_ASKED = 1000, 300
#: Standard deviations by which a share must lie above what guessing gives.
_SURE = 3.0


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What the nearest training examples say of validation examples: a look at the data that no network takes part in.

    Attributes:
        accuracy: Share of the validation examples whose class is that of most of their nearest training examples.
        recall: The same within each class, averaged over the classes: 1 / classes where the inputs say nothing.
        guessing: What ``recall`` is where the inputs say nothing.
        luck: And its standard deviation then.
        count: How many were asked.
    """

    accuracy: float
    recall: float
    guessing: float
    luck: float
    count: int

    @property
    def see_a_signal(self) -> bool:
        """Whether the inputs say something about the classes."""
        return self.recall > self.guessing + _SURE * self.luck


@dataclass(frozen=True, slots=True)
class DataEvidence:
    """What is known of the data beside what the network makes of it.

    Attributes:
        shares: Share of each class in the training split; empty where an answer is not right or wrong.
        validation_shares: The same in the validation split.
        examples: Training and validation examples.
        class_names: One a class, where there are names.
        constant: All examples look the same to the network.
        size: Of the inputs as the network sees them: the root of the mean of their squares; NaN where it is not known.
        scaling: The step of preparation that would bring them to a size of about 1; empty where there is none.
        neighbours: Answers once, in milliseconds; None where the data has too few examples for it.
    """

    shares: tuple[float, ...] = ()
    validation_shares: tuple[float, ...] = ()
    examples: tuple[int, int] = (0, 0)
    class_names: tuple[str, ...] = ()
    constant: bool = False
    size: float = math.nan
    scaling: str = ""
    neighbours: Callable[[], Neighbours | None] = lambda: None


@dataclass(frozen=True, slots=True)
class RateQuestion:
    """Which of these learning rates would do, tried on a copy.

    Attributes:
        rates: To be tried.
        not_after: Begin with the newest state that is kept and not behind this step; None begins with the present one.
    """

    rates: tuple[float, ...]
    not_after: int | None = None


@dataclass(frozen=True, slots=True)
class RateAnswer:
    """What came of it.

    Attributes:
        rate: The one with which the loss fell furthest; None where it fell with none of them.
        step: The state that the copy began with.
        steps: How many steps were tried.
        before: Loss of some batches at that step.
        after: Loss of the same batches after these steps with that rate.
    """

    rate: float | None
    step: int
    steps: int
    before: float = math.nan
    after: float = math.nan


#: Gives the answer where it is known, and else begins to look for it and gives None.
Ask: TypeAlias = Callable[[RateQuestion], RateAnswer | None]


def class_shares(targets: Tensor, classes: int) -> tuple[float, ...]:
    """The share of each class; empty where there is no example.

    Args:
        targets: Class numbers, of any shape.
        classes: How many classes there are.
    """
    counts = torch.bincount(targets.reshape(-1).long().cpu().clamp(0, classes - 1), minlength=classes).tolist()
    total = sum(counts)
    return tuple(count / total for count in counts) if total else ()


def ask_neighbours(known: Tensor, known_classes: Tensor, asked: Tensor, asked_classes: Tensor) -> Neighbours | None:
    """Has each of some examples guessed by the nearest of others. None where there are too few of them.

    Args:
        known: Inputs float32[n, ...]; at most a thousand of them are used.
        known_classes: Their classes int64[n].
        asked: Inputs float32[m, ...].
        asked_classes: Their classes.
    """
    known, known_classes = known[:MOST_KNOWN].flatten(1), known_classes[:MOST_KNOWN].reshape(-1).long()
    asked, asked_classes = asked[:MOST_ASKED].flatten(1), asked_classes[:MOST_ASKED].reshape(-1).long()
    if len(known) < 50 or len(asked) < 30:
        return None
    spread = known.std(dim=0)
    usable = spread > 0
    if not bool(usable.any()):
        return None
    # Each feature counts alike, whatever it is measured in.
    near = torch.cdist(asked[:, usable] / spread[usable], known[:, usable] / spread[usable])
    closest = near.topk(_NEIGHBOURS, largest=False).indices
    votes = known_classes[closest].mode(dim=1).values
    right = (votes == asked_classes).double()
    recalls: list[float] = []
    variance = 0.0
    present = sorted(set(asked_classes.tolist()))
    for one in present:
        own = asked_classes == one
        recalls.append(float(right[own].mean()))
        chance = float((known_classes == one).double().mean())
        variance += chance * (1 - chance) / int(own.sum())
    luck = math.sqrt(variance) / len(present)
    return Neighbours(float(right.mean()), sum(recalls) / len(recalls), 1 / len(present), luck, len(asked))
