"""Which number of a layer lies at a point of its card's picture: so that it can be clicked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF

from nnviz.gui.canvas.cards.card_pictures import Numbers, decision_square, likeliest, picture_square, shown_tiles
from nnviz.gui.canvas.cards.facts import CardFacts, Picture
from nnviz.gui.canvas.geometry import Level
from nnviz.gui.look.planes import Edges
from nnviz.record.readings import ArrayReading, units_in


@dataclass(frozen=True)
class CardNumber:
    """A number in the picture of a card.

    Attributes:
        index: Where it stands in the layer's output; None where the picture does not say.
        near: Of pictures over the plane of two features: the point, as (x1, x2).
    """

    index: tuple[int, ...] | None
    near: tuple[float, float] | None = None


def number_in(
    facts: CardFacts, reading: ArrayReading | None, size: QSizeF, level: Level, letters: int, point: QPointF
) -> CardNumber | None:
    """The number at a point of a picture.

    Args:
        facts: What the card shows.
        reading: What is pictured.
        size: Of the picture, in scene units.
        level: How much the card shows.
        letters: Size of its letters.
        point: From the picture's top left corner.
    """
    area = QRectF(QPointF(), size)
    if reading is None or not reading.array.size or not area.contains(point):
        return None
    values = np.asarray(reading.array)
    edges = Edges.of(reading.meta)
    if facts.picture is Picture.POINTS and edges is not None and values.ndim == 2:
        return CardNumber(None, _point(edges, picture_square(area, 1.0, 1.0), point))
    if facts.picture is Picture.DECISION and edges is not None and values.ndim == 3:
        square = decision_square(facts, values, area, letters)
        return CardNumber((0,) if len(values) == 1 else None, _point(edges, square, point))
    if facts.picture is Picture.PLANES and values.ndim == 3:
        for unit, rect in enumerate(shown_tiles(facts, values, area, level)):
            if rect.contains(point):
                return CardNumber((unit,), None if edges is None else _point(edges, rect, point))
        return None
    if facts.picture in (Picture.BARS, Picture.DECISION) and values.ndim == 1:
        return _bar(facts, values, area, point)
    if values.ndim == 3 and values.shape[1] * values.shape[2] > 1:
        return _pixel(facts, reading, values, area, level, point)
    if values.ndim == 2 and values.shape[1] > 1:
        row, column = _cell(area, point, *values.shape)
        return CardNumber((row, column))
    numbers = values.reshape(-1)
    unit = min(int(point.x() / area.width() * numbers.size), numbers.size - 1)
    return CardNumber(tuple(int(at) for at in np.unravel_index(unit, values.shape)))


def _cell(rect: QRectF, point: QPointF, rows: int, columns: int) -> tuple[int, int]:
    row = int((point.y() - rect.top()) / rect.height() * rows)
    column = int((point.x() - rect.left()) / rect.width() * columns)
    return min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)


def _point(edges: Edges, square: QRectF, point: QPointF) -> tuple[float, float]:
    across = (point.x() - square.left()) / square.width()
    up = (square.bottom() - point.y()) / square.height()
    x1 = edges.x1_low + across * (edges.x1_high - edges.x1_low)
    return x1, edges.x2_low + up * (edges.x2_high - edges.x2_low)


def _pixel(
    facts: CardFacts, reading: ArrayReading, values: Numbers, area: QRectF, level: Level, point: QPointF
) -> CardNumber | None:
    if facts.picture is Picture.IMAGE and values.shape[0] in (1, 3):
        rect = picture_square(area, values.shape[2], values.shape[1])
        return CardNumber((0, *_cell(rect, point, *values.shape[1:]))) if rect.contains(point) else None
    units = units_in(reading.meta, len(values))
    for tile, rect in enumerate(shown_tiles(facts, values, area, level)):
        if rect.contains(point):
            return CardNumber((units[tile], *_cell(rect, point, *values.shape[1:])))
    return None


def _bar(facts: CardFacts, values: Numbers, area: QRectF, point: QPointF) -> CardNumber:
    if facts.task == "binary" and values.size == 1:
        return CardNumber((0,))
    order = likeliest(facts, values)
    row = min(int(point.y() / area.height() * max(1, facts.bar_rows)), len(order) - 1)
    return CardNumber((order[row],))
