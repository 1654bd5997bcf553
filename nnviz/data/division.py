"""Divides examples so that every class keeps its share. numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def stratified(targets: NDArray[Any], count: int, seed: int) -> NDArray[np.int64]:
    """Chooses ``count`` examples at random, from each class in proportion to its size.

    Every example gets the place it would have in its shuffled class, as a share of the class from 0 to 1; the ``count``
    smallest are taken, and the last one of each class only after all others. So the number is exact, each class is
    within one of its exact share where it has more than a few examples, and none is taken whole as long as the number
    allows it: what is left holds every class.

    Args:
        targets: int[n] classes; real values (float) are taken as one class.
        count: How many, 0 to n.
        seed: Fixes the choice.

    Returns:
        Ascending indices, int64[count].
    """
    random = np.random.default_rng(seed % 2**64)
    labels = targets if targets.dtype.kind in "iu" else np.zeros(len(targets), np.int64)
    place = np.empty(len(labels))
    last: NDArray[np.bool_] = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        place[members] = (random.permutation(len(members)) + random.random()) / len(members)
        last[members[np.argmax(place[members])]] = True
    return np.sort(np.lexsort((place, last))[:count])
