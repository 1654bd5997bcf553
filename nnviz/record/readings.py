"""One measured value at one step, frozen.

series                         reading    what it is
=============================  ========  ==============================================================
loss/train                     Scalar    loss of the batch at each step
loss/validation                Scalar    loss over the validation split, at the end of each epoch
accuracy/train                 Scalar    share of the batch that was right, 0 to 1
accuracy/validation            Scalar    share of the validation split that was right
loss/test, accuracy/test       Scalar    of the test split, only when it was asked for
top5_accuracy/<split>          Scalar    share of the split whose class was among the five likeliest
macro_f1/<split>               Scalar    mean over the classes of F1, 0 to 1
evaluated/<split>              Array     float32[n, 4] or [n, 2k]: what was made of every example (record/evaluated.py)
test_uses                      Scalar    how often the test set was looked at, recorded when it is
learning_rate                  Scalar    as used by the step (recorded when it changes)
epoch                          Scalar    number of finished epochs, recorded when one ends
speed/samples_per_second       Scalar    examples trained on a second, over the last moments
speed/steps_per_second         Scalar    steps trained a second, over the last moments
cost/probes                    Scalar    share of the training time that measuring took, 0 to 1
gradient_norm/<node>           Scalar    L2 norm of dL/dtheta of the node, after backward, before the update
gradient_mean/<node>           Scalar    mean absolute value of the same
update_ratio/<node>            Scalar    norm of the change / norm of the parameters, over one step
activation_mean/<node>         Scalar    mean of the node's output over the probe set
activation_deviation/<node>    Scalar    standard deviation of the same
activation_histogram/<node>    Histogram distribution of the same
dead_fraction/<node>           Scalar    share of units whose output is <= 0 for every image of the probe set
dead_units/<node>              Array     bool[units]: which they are
dead_since/<node>              Array     int64[units]: step since which a unit is dead, -1 where it is alive
saturation/<node>              Scalar    share of outputs whose derivative is under 5 % of its maximum
closed_channels/<node>         Scalar    share of a normalisation's channels whose factor is at most 1 % of the largest
weights/<node>                 Array     float32: the node's ``weight`` in torch's layout (at most 2**20 numbers)
output/<node>                  Array     float32: output for the pinned example, evaluation mode, without the batch
input/pinned                   Array     float32: the pinned example as the network sees it
plane/<node>                   Array     float32[units, 32, 32]: output over the plane of a two-feature input, row 0 has
                                         the largest x2; meta: its edges ``x1_low`` ... ``x2_high``
input/points                   Array     float32[n, 3]: x1, x2, label of up to 400 training examples, once; meta alike
example_loss                   Array     float16[n]: the loss of each training example in an epoch, as its step saw it
example_forgotten              Array     int32[n]: how often each was right in one epoch and wrong in the next
example_margin                 Array     float16[n]: mean over the epochs of its label's output less the largest other
changed_by_hand/<what>         Finding   what a setting, a number or a unit was and is, at the step before it held
=============================  ========  ==============================================================
=======
A series is all readings under one name, ``quantity`` or ``quantity/where``; *where* is a split, a node id or a rule.
Which there are, what they mean, and of which types and shapes their arrays are, is declared in
:mod:`nnviz.record.quantities` and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Scalar:
    """One number. It may be NaN or infinite: that is what was measured."""

    series: str
    step: int
    value: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """A distribution: ``counts`` int64[n] between ``edges`` float64[n + 1], ascending."""

    series: str
    step: int
    counts: NDArray[np.int64]
    edges: NDArray[np.float64]

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest number; where all are one number, there is one bin, and that is its left edge."""
        return float(self.edges[0]), float(self.edges[0] if len(self.edges) == 2 else self.edges[-1])


@dataclass(frozen=True, slots=True)
class ArrayReading:
    """An array of numbers, on the CPU, owned by the reading and never written to again.

    ``meta`` holds plain facts about it, such as ``{"sample": 4, "label": "7"}`` or ``{"shown": 64, "of": 512}``
    where only the first channels were kept.
    """

    series: str
    step: int
    array: NDArray[Any]
    meta: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cure:
    """Something the user can do about a finding, offered as a button.

    ``action`` is a key the window knows: ``set_learning_rate``, ``go_back`` (value: step and learning
    rate), ``show_units``, ``restore_best``, ``show_help``, or one that edits the document
    (:mod:`nnviz.project.cures`); ``value`` its argument as text.
    """

    title: str
    action: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something the program noticed, in a sentence, with the evidence and the cures.

    Attributes:
        series: ``finding/<rule>`` or ``finding/<rule>/<node>``: a later one of the same series replaces it.
        step: When it was noticed.
        severity: ``information``, ``warning`` or ``error``; ``resolved`` once it no longer holds.
        text: One sentence with the real numbers.
        evidence: What was measured, in a second sentence.
        node: The node it is about, or empty.
        cures: What can be done about it.
        cause: Series of the finding that explains this one, which is then a symptom of it; empty where it stands for
            itself.
    """

    series: str
    step: int
    severity: str
    text: str
    evidence: str = ""
    node: str = ""
    cures: tuple[Cure, ...] = ()
    cause: str = ""


def count_in(meta: Mapping[str, str | int | float], name: str, otherwise: int) -> int:
    """A fact that is a count, such as ``of``; ``otherwise`` where there is none: a file may claim anything."""
    value = meta.get(name, otherwise)
    if isinstance(value, str) or not 0 <= value <= 2**53:
        return otherwise
    return int(value)


def fits(reading: ArrayReading, shape: tuple[int, ...]) -> bool:
    """Whether what was measured has this shape; else it is of another network than the one that has it.

    Of many channels only the first were kept, and ``of`` says of how many.
    """
    array = reading.array
    if array.ndim != len(shape) or array.shape[1:] != tuple(shape[1:]):
        return False
    return count_in(reading.meta, "of", len(array)) == shape[0]


def units_in(meta: Mapping[str, str | int | float], rows: int) -> tuple[int, ...]:
    """The numbers of the units (channels, features) that the rows of an array are about: the first ones, and ``also``.

    Args:
        meta: Of the array; from a file it may claim anything, and is then not believed.
        rows: Their number.
    """
    words = str(meta.get("also", "")).split()
    first = rows - len(words)
    if first < 0 or not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        return tuple(range(rows))
    also = tuple(int(word) for word in words)
    # Ascending and behind the first ones, as they were written: no number stands twice.
    fits = all(one < other for one, other in zip((first - 1, *also), also, strict=False))
    return (*range(first), *also) if fits else tuple(range(rows))


Reading: TypeAlias = Scalar | Histogram | ArrayReading | Finding
