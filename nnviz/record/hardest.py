"""In which order examples are hard, by what a training kept of each of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def hardest_first(values: NDArray[Any], losses: NDArray[Any] | None = None, *, small: bool = False) -> NDArray[np.intp]:
    """The places of all examples, the hardest first; equal ones by their loss, then by their place.

    Args:
        values: float[n], what they are ordered by; NaN, which nobody knows, comes last.
        losses: float[n], likewise; None where they were not kept.
        small: Small values are hard, as those of a margin.
    """
    first = _largest_first(-values.astype(np.float64) if small else values.astype(np.float64))
    return np.lexsort((first,) if losses is None else (_largest_first(losses.astype(np.float64)), first))


def _largest_first(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return -np.nan_to_num(values, nan=-np.inf, posinf=np.inf, neginf=-np.inf)
