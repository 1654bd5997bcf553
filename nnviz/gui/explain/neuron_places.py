"""Where the units of a small dense network stand, and how the lines between them run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainterPath

#: Pixels of the largest unit, and of the smallest with numbers in it; and of the room at both sides and above.
_LARGEST, _SMALLEST = 27.0, 7.0
_SIDE, _TOP, _BOTTOM = 26.0, 30.0, 22.0
#: Of the distance between two units, what the radius of one takes.
_SHARE = 0.4
#: Straight pieces into which a line is cut to find the one under the mouse.
_PIECES = 20
#: Pixels from a line or a mark at which it is still pointed at.
_REACH, _MARK_REACH = 5.0, 8.0


class UnitPlace(NamedTuple):
    """A unit: the number of its column, from the input, and its own in it."""

    layer: int
    unit: int


class LinePlace(NamedTuple):
    """A weight: of the unit ``unit`` of a column, for what comes from the unit ``source`` of the column before."""

    layer: int
    unit: int
    source: int


class BiasPlace(NamedTuple):
    """The bias of a unit."""

    layer: int
    unit: int


@dataclass(frozen=True, eq=False)
class NeuronPlaces:
    """All places in one picture; the same as long as neither sizes nor room change.

    Attributes:
        radius: Of every unit.
        units: Middle of each unit, column by column.
        lines: For each column but the first: the path of each weight, unit by unit, and in it source by source.
        cuts: ``[lines, pieces + 1, 2]``: points on all lines, in the order of ``order``.
        order: Which line is which.
    """

    area: QRectF
    radius: float
    units: tuple[tuple[QPointF, ...], ...]
    lines: tuple[tuple[tuple[QPainterPath, ...], ...], ...]
    cuts: NDArray[np.float64]
    order: tuple[LinePlace, ...]

    def mark(self, layer: int, unit: int) -> QPointF:
        """The middle of the mark that stands for a bias."""
        middle = self.units[layer][unit]
        return QPointF(middle.x() - 0.74 * self.radius, middle.y() + 0.74 * self.radius)

    def at(self, point: QPointF) -> UnitPlace | LinePlace | BiasPlace | None:
        """What lies under a point: a bias before its unit, a unit before a line, of several lines the nearest."""
        for layer, column in enumerate(self.units):
            for unit, middle in enumerate(column):
                if layer and _distance(point, self.mark(layer, unit)) <= _MARK_REACH:
                    return BiasPlace(layer, unit)
                if _distance(point, middle) <= self.radius + 1:
                    return UnitPlace(layer, unit)
        if not len(self.cuts):
            return None
        starts, ends = self.cuts[:, :-1], self.cuts[:, 1:]
        along = ends - starts
        lengths = np.maximum((along**2).sum(axis=2), 1e-9)
        here = np.array([point.x(), point.y()])
        shares = np.clip(((here - starts) * along).sum(axis=2) / lengths, 0.0, 1.0)
        distances = np.hypot(*np.moveaxis(starts + shares[..., None] * along - here, 2, 0)).min(axis=1)
        nearest = int(distances.argmin())
        return self.order[nearest] if distances[nearest] <= _REACH else None

    def middle_of(self, line: LinePlace) -> QPointF:
        """The middle of a line."""
        return self.lines[line.layer - 1][line.unit][line.source].pointAtPercent(0.5)


@lru_cache(maxsize=8)
def neuron_places(sizes: tuple[int, ...], x: float, y: float, width: float, height: float) -> NeuronPlaces:
    """Places for columns of so many units in a rectangle."""
    area = QRectF(x, y, width, height)
    inner = area.adjusted(_SIDE, _TOP, -_SIDE, -_BOTTOM)
    columns = len(sizes)
    between = inner.height() / max(*sizes, 3)
    radius = max(_SMALLEST, min(_LARGEST, _SHARE * between, 0.16 * inner.width() / max(columns - 1, 1)))
    left, right = inner.left() + radius, inner.right() - radius
    units: list[tuple[QPointF, ...]] = []
    for layer, count in enumerate(sizes):
        across = left + (right - left) * layer / max(columns - 1, 1)
        distance = min(inner.height() / count, 3.4 * radius if count > 2 else 6.0 * radius)
        first = inner.center().y() - distance * (count - 1) / 2
        units.append(tuple(QPointF(across, first + distance * unit) for unit in range(count)))
    lines = tuple(
        tuple(tuple(_line(source, unit, radius) for source in units[layer]) for unit in units[layer + 1])
        for layer in range(columns - 1)
    )
    order = tuple(
        LinePlace(layer + 1, unit, source)
        for layer, by_unit in enumerate(lines)
        for unit, by_source in enumerate(by_unit)
        for source in range(len(by_source))
    )
    return NeuronPlaces(
        area, radius, tuple(units), lines, _cut([lines[p.layer - 1][p.unit][p.source] for p in order]), order
    )


def _line(source: QPointF, unit: QPointF, radius: float) -> QPainterPath:
    """From the right edge of one unit to the left edge of another, level at both ends."""
    start, end = QPointF(source.x() + radius, source.y()), QPointF(unit.x() - radius, unit.y())
    bend = 0.5 * (end.x() - start.x())
    path = QPainterPath(start)
    path.cubicTo(QPointF(start.x() + bend, start.y()), QPointF(end.x() - bend, end.y()), end)
    return path


def _cut(paths: Sequence[QPainterPath]) -> NDArray[np.float64]:
    """Points on cubic curves, all at once."""
    if not paths:
        return np.zeros((0, 2, 2))
    knots = np.array(
        [[(path.elementAt(i).x, path.elementAt(i).y) for i in range(4)] for path in paths], dtype=np.float64
    )
    t = np.linspace(0.0, 1.0, _PIECES + 1)[None, :, None]
    a, b, c, d = (knots[:, None, i, :] for i in range(4))
    cut: NDArray[np.float64] = (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
    return cut


def _distance(one: QPointF, other: QPointF) -> float:
    return float(np.hypot(one.x() - other.x(), one.y() - other.y()))
