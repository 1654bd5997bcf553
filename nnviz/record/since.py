"""Since when units are dead, in words: it is known only between two looks, and said so."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import ArrayLike

#: Different times that are named one by one; of more, the first and the last.
_TOLD = 3


def since_words(since: ArrayLike, until: ArrayLike | None = None) -> str:
    """Since when the units are dead: ``between steps 541 and 560``, ``3 from the start, 2 between steps 0 and 20``.

    Args:
        since: Of each dead unit the first step at which it was found dead; negative ones are left out.
        until: Of each the last step before at which it was seen alive, -1 for never; None where that was not recorded,
            as in older files.

    Returns:
        Empty where there is no dead unit.
    """
    dead = np.asarray(since, dtype=np.int64).reshape(-1)
    alive = np.full(dead.shape, -2, np.int64) if until is None else np.asarray(until, dtype=np.int64).reshape(-1)
    if alive.shape != dead.shape:
        alive = np.full(dead.shape, -2, np.int64)
    spans = Counter((int(one), int(other)) for one, other in zip(alive, dead, strict=True) if other >= 0)
    if not spans:
        return ""
    if len(spans) == 1:
        return _span(*next(iter(spans)))
    if len(spans) <= _TOLD:
        told = sorted(spans.items(), key=lambda item: (item[0][1], item[0][0]))
        return ", ".join(f"{count} {_span(*span)}" for span, count in told)
    first = min(one for one, _ in spans)
    last = max(other for _, other in spans)
    return _span(first, last) if first >= 0 else f"since step {last} or before"


def _span(alive: int, dead: int) -> str:
    if alive >= 0:
        return f"between steps {_count(alive)} and {_count(dead)}"
    if dead == 0:
        return "from the start"
    return f"since step {_count(dead)} or before" if alive == -1 else f"since step {_count(dead)}"


def _count(step: int) -> str:
    return f"{step:,}".replace(",", "\u202f")
