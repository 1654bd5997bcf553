"""The handwritten digits that come with scikit-learn, as they are and enlarged. numpy only."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from nnviz.data.bundled import bundled_table, damaged

#: Examples and side of the scans.
COUNT, SIDE = 1797, 8


#: scikit-learn's file of them.
_FILE = "digits.csv.gz"


@cache
def _table() -> NDArray[np.uint8]:
    """The 1,797 rows of 64 pixels (0 to 16) and a label."""
    table = bundled_table(_FILE, SIDE * SIDE + 1)
    if len(table) != COUNT or table.min() < 0 or table.max() > 16:
        raise damaged(_FILE)
    return table.astype(np.uint8)


def digits(side: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All digits: images uint8[1797, 1, side, side] with 0 to 255, labels int64[1797].

    Args:
        side: 8 for the scans as they are; anything larger enlarges them, with the margin that MNIST has: the figure
            fills the middle 20 of 28 pixels.

    Raises:
        DataError: scikit-learn is missing or damaged.
    """
    table = _table()
    images = table[:, :-1].reshape(COUNT, SIDE, SIDE).astype(np.float64) * (255.0 / 16.0)
    if side != SIDE:
        weights = cubic_weights(SIDE, side, figure=side * 20.0 / 28.0)
        images = weights @ images @ weights.T
    return (
        np.clip(np.rint(images), 0, 255).astype(np.uint8)[:, None],
        table[:, -1].astype(np.int64),
    )


def cubic_weights(source: int, target: int, figure: float) -> NDArray[np.float64]:
    """The matrix [target, source] that enlarges a row of pixels by cubic convolution (Keys 1981, a = -0.5).

    Pixels are areas: the ``source`` ones cover the middle ``figure`` of the ``target`` ones. Beyond their edge the
    paper is empty (0), so that strokes that touch it end softly instead of being cut.
    """
    centres = (np.arange(target) + 0.5 - (target - figure) / 2.0) * source / figure - 0.5
    distance = np.abs(centres[:, None] - np.arange(source)[None, :])
    near = (1.5 * distance - 2.5) * distance**2 + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    return np.where(distance <= 1.0, near, np.where(distance < 2.0, far, 0.0))
