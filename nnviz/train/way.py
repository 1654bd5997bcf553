"""Which states of a run its file keeps at the ends of epochs: the newest, and a few from all along the way there."""

from __future__ import annotations

#: How many there may be, and the bytes that they may take together.
MOST, LIMIT = 24, 64 * 2**20


class Way:
    """Gives each state that is kept a tag; a later state of the same tag takes its place in the file.

    At first all are kept. Whenever there are too many, every second one is given up, from the whole way alike: so they
    stay evenly spread however long it gets. A large network keeps only the newest, as the file of one is large enough.
    """

    def __init__(self, most: int = MOST, limit: int = LIMIT) -> None:
        self._most = most
        self._limit = limit
        #: Number of the state and its tag, for each that is kept; ascending.
        self._kept: list[tuple[int, str]] = []
        self._free: list[str] = []
        self._count = 0
        self._stride = 1

    def tag(self, size: int) -> str:
        """The tag of the next state, whose size is in bytes."""
        most = max(1, min(self._most, self._limit // max(size, 1)))
        if self._kept and self._kept[-1][0] % self._stride:
            self._free.append(self._kept.pop()[1])  # it was kept only for as long as it was the newest
        while len(self._kept) >= most:
            self._stride *= 2
            given_up = [one for one in self._kept if most == 1 or one[0] % self._stride]
            self._kept = [one for one in self._kept if one not in given_up]
            self._free += [tag for _, tag in given_up]
        known = len(self._kept) + len(self._free)
        tag = self._free.pop(0) if self._free else f"epoch {known + 1}" if known else "epoch"
        self._kept.append((self._count, tag))
        self._count += 1
        return tag
