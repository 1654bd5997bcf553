"""Steps of preparation that choose among the training examples, or change their answers. numpy only, seeded.

All of them act on the training split alone: validation and test stay as they are, so that scores can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnviz.data.division import stratified
from nnviz.data.step_facts import subset_count
from nnviz.errors import DataError
from nnviz.project.model import Params

#: More bytes than this are not made by repeating examples.
MOST_BYTES = 4 << 30
#: Where repeating examples would make more than this many times as many, something else is wrong.
_MOST_TIMES = 1000


@dataclass(frozen=True, eq=False)
class Selection:
    """Which of the training examples are trained on, in their order, and as what.

    Attributes:
        numbers: int64[m], numbers of examples; one that stands there twice is seen twice an epoch.
        labels: int64[m], the classes that they are trained as.
        classes: How many there are.
        weights: float64[m], how much each counts in the loss; None where all count the same.
        example_bytes: Memory of one example.
    """

    numbers: NDArray[np.int64]
    labels: NDArray[Any]
    classes: int
    example_bytes: int
    weights: NDArray[np.float64] | None = None

    def take(self, places: NDArray[np.int64]) -> Selection:
        """Those at some places."""
        weights = None if self.weights is None else self.weights[places]
        return replace(self, numbers=self.numbers[places], labels=self.labels[places], weights=weights)


Step: TypeAlias = Callable[[Selection, Params], Selection]


def _subset(chosen: Selection, values: Params) -> Selection:
    kept = stratified(chosen.labels, subset_count(len(chosen.numbers), values), _seed(values))
    return chosen.take(kept)


def _label_noise(chosen: Selection, values: Params) -> Selection:
    share = values["share"]
    assert isinstance(share, float)  # the ParamSpec parsed it
    if chosen.classes < 2:
        raise DataError("There is only one class, so that no label can be wrong.")
    random = np.random.default_rng(_seed(values))
    labels = chosen.labels.copy()
    wrong = random.permutation(len(labels))[: round(share * len(labels))]
    # A step of 1 to k − 1 around the circle of the classes comes to each of the others with the same chance.
    labels[wrong] = (labels[wrong] + random.integers(1, chosen.classes, len(wrong))) % chosen.classes
    return replace(chosen, labels=labels)


def _balance(chosen: Selection, values: Params) -> Selection:
    found, counts = np.unique(chosen.labels, return_counts=True)
    if values["by"] == "weight":
        shares = len(chosen.labels) / (len(found) * counts)
        return replace(chosen, weights=shares[np.searchsorted(found, chosen.labels)])
    most = int(counts.max(initial=0))
    total = most * len(found)
    if total > _MOST_TIMES * max(len(chosen.labels), 1) or total * chosen.example_bytes > MOST_BYTES:
        raise DataError(
            f"Balanced classes would be {total:,} examples of {len(chosen.labels):,}: more than is allowed. Take a "
            "subset before."
        )
    random = np.random.default_rng(_seed(values))
    more = []
    for label, count in zip(found.tolist(), counts.tolist(), strict=True):
        members = np.flatnonzero(chosen.labels == label)
        whole, rest = divmod(most - count, count)
        more += [*[members] * whole, random.permutation(members)[:rest]]
    places = np.concatenate([np.arange(len(chosen.labels)), *more]) if more else np.arange(len(chosen.labels))
    return chosen.take(places)


def _seed(values: Params) -> int:
    seed = values["seed"]
    assert isinstance(seed, int)  # the ParamSpec parsed it
    return seed


def _all_of_them(chosen: Selection, values: Params) -> Selection:
    """How answers are written is the feeder's affair, batch by batch: numbers are what is kept of them."""
    return chosen


#: What each declared kind does.
STEPS: Mapping[str, Step] = {
    "subset": _subset,
    "label_noise": _label_noise,
    "balance": _balance,
    "answers": _all_of_them,
}
