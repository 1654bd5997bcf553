"""The readings of one series in memory, bounded however long the training goes on."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from nnviz.record.readings import ArrayReading, Histogram, Reading

#: Points of a scalar series that are kept in memory.
SCALAR_LIMIT = 2**17
#: Snapshots of an array or histogram series that are kept in memory.
SNAPSHOT_LIMIT = 64

Item = TypeVar("Item")


class ScalarSeries:
    """Steps and values in two arrays that grow; past the limit they are halved.

    Halving looks at each group of four points and keeps, in order, the one with the least and the one with the
    greatest value, so that no peak ever vanishes from a curve. The first and the last point always stay.

    The arrays that :meth:`view` gives out are never changed afterwards, except that a last value may be measured again.

    Attributes:
        thinned: Whether points were ever left out.
    """

    __slots__ = ("_count", "_limit", "_steps", "_values", "thinned")

    def __init__(self, limit: int = SCALAR_LIMIT) -> None:
        self.thinned = False
        self._limit = max(limit, 16)
        self._steps: NDArray[np.int64] = np.empty(16, np.int64)
        self._values: NDArray[np.float64] = np.empty(16, np.float64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        """Memory in use."""
        return self._steps.nbytes + self._values.nbytes

    @property
    def last_step(self) -> int:
        """Step of the newest point; -1 where there is none."""
        return int(self._steps[self._count - 1]) if self._count else -1

    def append(self, step: int, value: float) -> None:
        """Add a point. The same step again replaces it; an earlier one drops what came after it."""
        if self._count and step <= self._steps[self._count - 1]:
            if step == self._steps[self._count - 1]:
                self._values[self._count - 1] = value
                return
            self.cut(step - 1)
        if self._count == len(self._steps):
            self._make_room(1)
        self._steps[self._count] = step
        self._values[self._count] = value
        self._count += 1

    def extend(self, steps: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Add many points whose steps ascend and lie behind the last one."""
        for start in range(0, len(steps), self._limit // 2):
            part = steps[start : start + self._limit // 2]
            self._make_room(len(part))
            self._steps[self._count : self._count + len(part)] = part
            self._values[self._count : self._count + len(part)] = values[start : start + self._limit // 2]
            self._count += len(part)

    def cut(self, step: int) -> None:
        """Drop every point behind a step."""
        keep = int(np.searchsorted(self._steps[: self._count], step, side="right"))
        if keep < self._count:
            # New arrays: somebody may still be drawing the old ones.
            self._steps, self._values, self._count = self._steps.copy(), self._values.copy(), keep

    def view(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Steps and values, not copied and not writable."""
        steps, values = self._steps[: self._count], self._values[: self._count]
        steps.flags.writeable = False
        values.flags.writeable = False
        return steps, values

    def index_at(self, step: int | None) -> int:
        """Index of the newest point that is not behind the step; -1 where there is none."""
        if step is None:
            return self._count - 1
        return int(np.searchsorted(self._steps[: self._count], step, side="right")) - 1

    def point(self, index: int) -> tuple[int, float]:
        """Step and value of one point."""
        return int(self._steps[index]), float(self._values[index])

    def _make_room(self, more: int) -> None:
        while self._count + more > self._limit:
            self.thinned = True
            steps, values = halved(self._steps[: self._count], self._values[: self._count])
            self._count = len(steps)
            # Always fresh memory: views of the old arrays are out there.
            self._steps = np.empty(self._limit, np.int64)
            self._values = np.empty(self._limit, np.float64)
            self._steps[: self._count], self._values[: self._count] = steps, values
        if self._count + more > len(self._steps):
            size = min(max(2 * len(self._steps), self._count + more), self._limit)
            self._steps = np.concatenate([self._steps[: self._count], np.empty(size - self._count, np.int64)])
            self._values = np.concatenate([self._values[: self._count], np.empty(size - self._count, np.float64)])


def halved(steps: NDArray[np.int64], values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """About half of the points: of each four the least and the greatest, in their order, and both ends.

    A group that holds a NaN keeps it: that something was not a number must stay visible.
    """
    if len(values) < 8:
        return steps, values
    inner = slice(1, 1 + (len(values) - 2) // 4 * 4)
    groups = values[inner].reshape(-1, 4)
    holes = np.isnan(groups)
    least = np.where(holes, -np.inf, groups).argmin(axis=1)  # a NaN counts as the least and is kept
    greatest = np.where(holes, -np.inf, groups).argmax(axis=1)
    same = least == greatest
    greatest = np.where(same, (least + 1) % 4, greatest)
    offsets = 1 + 4 * np.arange(len(groups))[:, None] + np.sort(np.stack([least, greatest], axis=1), axis=1)
    chosen = np.concatenate([[0], offsets.ravel(), np.arange(inner.stop, len(values))])
    return steps[chosen], values[chosen]


class Snapshots(Generic[Item]):
    """Items at ascending steps, at most ``limit`` of them, evenly spread over all steps; the newest is always there.

    Args:
        limit: The most that are kept, at least 2.
    """

    __slots__ = ("_items", "_sizes", "_steps", "limit", "nbytes", "stride")

    def __init__(self, limit: int = SNAPSHOT_LIMIT) -> None:
        self.limit = max(limit, 2)
        self.stride = 0
        self.nbytes = 0
        self._steps: list[int] = []
        self._items: list[Item] = []
        self._sizes: list[int] = []

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def steps(self) -> tuple[int, ...]:
        """Steps of what is kept."""
        return tuple(self._steps)

    @property
    def items(self) -> tuple[Item, ...]:
        """What is kept, oldest first."""
        return tuple(self._items)

    def add(self, step: int, item: Item, nbytes: int) -> list[Item]:
        """Add the newest; gives back what is no longer kept.

        The last one before it stays only if it lies a stride behind the one before that: so there is always the
        newest, and the others keep their distance.
        """
        dropped: list[Item] = []
        while self._steps and self._steps[-1] >= step:
            dropped.append(self._pop(len(self._steps) - 1))
        if len(self._steps) >= 2 and self._steps[-1] - self._steps[-2] < self.stride:
            dropped.append(self._pop(len(self._steps) - 1))
        self._steps.append(step)
        self._items.append(item)
        self._sizes.append(nbytes)
        self.nbytes += nbytes
        if len(self._steps) > self.limit:
            dropped += self.thin()
        return dropped

    def thin(self) -> list[Item]:
        """Drop every second one (never the first nor the newest) and double the distance; gives back the dropped."""
        if len(self._steps) == 2:
            return [self._pop(0)]
        last = len(self._steps) - 1
        dropped = [self._pop(index) for index in range(last - 1, 0, -1) if index % 2]
        if len(self._steps) >= 2:
            even = (self._steps[-1] - self._steps[0]) // (len(self._steps) - 1)
            self.stride = max(2 * self.stride, even, 1)
        return dropped

    def cut(self, step: int) -> list[Item]:
        """Drop everything behind a step; gives back the dropped."""
        keep = bisect_right(self._steps, step)
        return [self._pop(index) for index in range(len(self._steps) - 1, keep - 1, -1)]

    def at(self, step: int | None) -> Item | None:
        """The newest reading at or before a step."""
        index = len(self._steps) - 1 if step is None else bisect_right(self._steps, step) - 1
        return self._items[index] if index >= 0 else None

    def has(self, step: int) -> bool:
        """Whether there is one at exactly this step."""
        index = bisect_left(self._steps, step)
        return index < len(self._steps) and self._steps[index] == step

    def _pop(self, index: int) -> Item:
        del self._steps[index]
        self.nbytes -= self._sizes.pop(index)
        return self._items.pop(index)


def size_of(reading: Reading) -> int:
    """Memory of a reading's arrays, in bytes."""
    if isinstance(reading, ArrayReading):
        return int(reading.array.nbytes) + 256
    if isinstance(reading, Histogram):
        return int(reading.counts.nbytes + reading.edges.nbytes) + 256
    return 64


def thin_to(limit: int, kept: Iterable[Snapshots[Item]]) -> None:
    """Thin the largest of these until together they take at most so many bytes; the newest of each always stays."""
    candidates = list(kept)
    total = sum(snapshots.nbytes for snapshots in candidates)
    while total > limit:
        largest = max((s for s in candidates if len(s) > 1), key=lambda s: s.nbytes, default=None)
        if largest is None:
            return
        before = largest.nbytes
        largest.thin()
        total += largest.nbytes - before
