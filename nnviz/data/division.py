"""Divides examples so that every class keeps its share. numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def stratified(targets: NDArray[Any], count: int, seed: int) -> NDArray[np.int64]:
    """Chooses ``count`` examples at random, from each class in proportion to its size.

    Every example gets the place it would have in its shuffled class, as a share of the class from 0 to 1; the ``count``
    smallest are taken. So the number is exact, and each class is within one of its exact share.

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
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        place[members] = (random.permutation(len(members)) + random.random()) / len(members)
    return np.sort(np.argsort(place, kind="stable")[:count])
