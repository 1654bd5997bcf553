"""What is nearest to a place, the nearest first, without a look at everything."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Generic, TypeVar

_Key = TypeVar("_Key", int, str)
#: Parts of so few points are not cut any more.
_FEW = 8


class _Part(Generic[_Key]):
    """Points within a rectangle, cut in two halves when one of them is looked for among many.

    Args:
        points: Places and keys, at least one.
    """

    __slots__ = ("bottom", "halves", "least", "left", "points", "right", "top")

    def __init__(self, points: list[tuple[float, float, _Key]]) -> None:
        self.points: list[tuple[float, float, _Key]] = points
        across, down = [point[0] for point in points], [point[1] for point in points]
        self.left, self.right, self.top, self.bottom = min(across), max(across), min(down), max(down)
        self.least: _Key = min(point[2] for point in points)
        self.halves: tuple[_Part[_Key], ...] = ()

    def distance(self, x: float, y: float) -> float:
        """No point of it is nearer than this."""
        across = max(self.left - x, 0.0, x - self.right)
        return across + max(self.top - y, 0.0, y - self.bottom)

    def cut(self) -> tuple[_Part[_Key], ...]:
        """Its halves: the left and the right one, or the upper and the lower one; those of one place by their keys."""
        if not self.halves:
            wide = self.right - self.left >= self.bottom - self.top
            self.points.sort(key=itemgetter(0, 2) if wide else itemgetter(1, 2))
            middle = len(self.points) // 2
            self.halves = (_Part(self.points[:middle]), _Part(self.points[middle:]))
        return self.halves


class Nearest(Generic[_Key]):
    """Points, each with a key of its own, to be asked for those near a place.

    Every question cuts the points where it looks, so that one question costs as much as a look at each point, and
    thousands cost hardly more than as many looks at a few.

    Args:
        points: Places and keys; of two at the same distance the one with the lesser key counts as nearer.
    """

    def __init__(self, points: Iterable[tuple[float, float, _Key]]) -> None:
        found = list(points)
        self._whole: _Part[_Key] | None = _Part(found) if found else None

    def to(self, x: float, y: float) -> Iterator[_Key]:
        """All keys, the nearest first. Distances are those of someone who walks across and down."""
        if self._whole is None:
            return
        # Points and parts by the least distance and key that they can have: what comes first as a point is nearest.
        waiting: list[tuple[float, _Key, _Part[_Key] | None]] = [
            (self._whole.distance(x, y), self._whole.least, self._whole)
        ]
        while waiting:
            _, key, part = heapq.heappop(waiting)
            if part is None:
                yield key
            elif len(part.points) <= _FEW:
                for point_x, point_y, name in part.points:
                    heapq.heappush(waiting, (abs(point_x - x) + abs(point_y - y), name, None))
            else:
                for half in part.cut():
                    heapq.heappush(waiting, (half.distance(x, y), half.least, half))
