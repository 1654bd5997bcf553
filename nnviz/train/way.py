"""Which states of a run its file keeps at the ends of epochs: the newest, and a few from all along the way there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import count, pairwise

#: How many there may be, and the bytes that they may take together.
MOST, LIMIT = 24, 64 * 2**20
_TAG = re.compile(r"epoch( [1-9][0-9]*)?")


class Way:
    """Gives each state that is kept a tag; a later state of the same tag takes its place in the file.

    At first all are kept. Whenever there are too many, every second one is given up, from the whole way alike: so they
    stay evenly spread however long it gets. A large network keeps only the newest, as the file of one is large enough.

    Args:
        held: Step and tag of the states that the file holds, where it is gone on with; those at the ends of epochs are
            the way so far.
    """

    def __init__(self, most: int = MOST, limit: int = LIMIT, *, held: Iterable[tuple[int, str]] = ()) -> None:
        self._most = most
        self._limit = limit
        steps = {tag: step for step, tag in held if _TAG.fullmatch(tag)}
        #: Step of the state and its tag, for each that is kept; ascending.
        self._kept = sorted((step, tag) for tag, step in steps.items())
        #: Tags of those given up; such a state stays in the file until another one takes its place.
        self._free: list[str] = []
        #: Steps that there are at least between two that are kept, the newest apart.
        self._gap = 0

    def tag(self, size: int, step: int) -> str:
        """The tag of the next state, whose size is in bytes."""
        most = max(1, min(self._most, self._limit // max(size, 1)))
        while self._kept and self._kept[-1][0] >= step:
            self._free.append(self._kept.pop()[1])  # training went back to before it
        if len(self._kept) > 1 and self._kept[-1][0] - self._kept[-2][0] < self._gap:
            self._free.append(self._kept.pop()[1])  # it was kept only for as long as it was the newest
        while len(self._kept) >= most:
            self._thin(most)
        tag = self._free.pop(0) if self._free else self._unused()
        self._kept.append((step, tag))
        return tag

    def _thin(self, most: int) -> None:
        self._gap = 2 * max(self._gap, min((later - step for (step, _), (later, _) in pairwise(self._kept)), default=1))
        kept: list[tuple[int, str]] = []
        for state in self._kept:
            if most > 1 and (not kept or state[0] - kept[-1][0] >= self._gap):
                kept.append(state)
            else:
                self._free.append(state[1])
        self._kept = kept

    def _unused(self) -> str:
        used = {tag for _, tag in self._kept}
        return next(tag for number in count(1) if (tag := f"epoch {number}" if number > 1 else "epoch") not in used)
