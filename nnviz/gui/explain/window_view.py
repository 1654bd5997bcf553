"""A window on the maps that it lies on: the maps with its frame on them, and its numbers as cells."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPen

from nnviz.gui.explain.ink import Ink, Numbers
from nnviz.gui.explain.maps_view import map_scale, range_words
from nnviz.gui.explain.terms_view import number
from nnviz.gui.look.scales import Scale
from nnviz.gui.look.theme import mixed
from nnviz.record.number_text import power_of_ten

if TYPE_CHECKING:
    from nnviz.explain.explanation import Index
    from nnviz.explain.place import Place
    from nnviz.explain.taken_apart import TakenApart
    from nnviz.explain.window import Window

#: Cells are at most so many letters wide.
LARGEST_CELL = 5.2
#: From so many pixels of width on the number is written in its cell.
_WRITTEN_CELL = 31.0


@dataclasses.dataclass(frozen=True)
class WindowHands:
    """What can be done to a window.

    Attributes:
        channel: Which of the channels that come in is shown, as a number of the window's own.
        choose: Shows another one.
        slide_to: Goes to another number of the map.
        read_at: Puts the window on a row and a column of the maps that it lies on, which have so many of both.
    """

    channel: int
    choose: Callable[[int], object]
    slide_to: Callable[[Index], object]
    read_at: Callable[[int, int, tuple[int, int]], object]


@dataclasses.dataclass(frozen=True)
class WindowSide:
    """What a window with a filter lies on: the maps that come in or, on the way back, the gradients behind.

    Attributes:
        window: The window.
        maps: What it lies on, as [channels, rows, columns].
        node: Whose numbers these are; empty where nobody can be asked about them.
        name: What stands above them.
        weights: Whose weights the filter has.
        back: It is the way back.
    """

    window: Window
    maps: Numbers
    node: str
    name: str
    weights: str
    back: bool = False

    @property
    def channel_word(self) -> str:
        """What there are several of."""
        return "map" if self.back else "channel"

    def scale(self, taken: TakenApart, channel: int) -> Scale:
        """The colours of one of the maps."""
        picture = taken.shows_picture and not self.back
        return map_scale(self.maps, self.window.channels[channel], picture=picture, signs=self.back)

    def place_of(self, taken: TakenApart, channel: int, at: tuple[int, int]) -> Place | None:
        """Where a place of the window leads."""
        index = self.window.input_index(channel, *at)
        if index is None or not self.node:
            return None
        return dataclasses.replace(taken.place, node=self.node, part="output", index=index, backward=self.back)

    def weight_place(self, taken: TakenApart, channel: int, at: tuple[int, int]) -> Place | None:
        """Where the weight there leads."""
        index = self.window.weight_index(channel, *at)
        return dataclasses.replace(taken.place, node=self.weights, part="weight", index=index)


def window_shown(taken: TakenApart) -> Window | None:
    """The window that is drawn, where there are several maps to choose from: that of the way back, or the number's."""
    if taken.place.backward and taken.back is not None and taken.back.window is not None:
        return taken.back.window
    return taken.window


def caption_of(ink: Ink, rect: QRectF, title: str, values: Numbers, cell: float) -> float:
    """What stands above a table of numbers, and the power of ten that they are written in where they are; how wide."""
    power = ink.unit_of(values) if cell >= _WRITTEN_CELL else 0
    text = _fitting(ink, title, rect.width())
    for unit in (f"  in {power_of_ten(power)}", f" ·{power_of_ten(power)}") if power else ():  # as short as it must be
        text = f"{_fitting(ink, title, rect.width() - ink.width(unit, 0.82, 500))}{unit}"
        if ink.width(text, 0.82, 500) <= rect.width():
            break
    ink.caption(rect, text)
    return ink.width(text, 0.82, 500)


def _fitting(ink: Ink, title: str, room: float) -> str:
    """A caption, or its last words left out where it has no room: half a word says nothing."""
    words = title.split(" ")
    while len(words) > 1 and ink.width(" ".join(words), 0.82, 500) > room:
        words.pop()
    return " ".join(words).rstrip(",")


def map_caption(ink: Ink, side: WindowSide, channel: int, room: float) -> str:
    """What the maps are called, which one is shown, and how large it is: as much of that as there is room for."""
    count, rows, columns = side.maps.shape
    size = f", {rows} × {columns}"
    incoming = side.window.channels[channel]
    of = f" · {side.channel_word} {incoming}" if count > 1 else ""
    short = f" · {incoming}" if count > 1 else ""
    tried = [f"{side.name}{of}{size}", f"{side.name}{of}", f"{side.name}{short}", side.name]
    return next((text for text in tried if ink.width(text, 0.82, 500) <= room), tried[-1])


def paint_input(
    ink: Ink, area: QRectF, taken: TakenApart, side: WindowSide, channel: int, hands: WindowHands, name: str
) -> QRectF:
    """One channel of what comes in, or of the gradients behind, with the window on it."""
    caption = 1.5 * ink.letters
    maps, window = side.maps, side.window
    incoming = window.channels[channel]
    picture: Numbers = maps[incoming]
    scale = side.scale(taken, channel)
    if taken.shows_picture and len(maps) == 3 and not side.back:
        picture, scale = maps, Scale.picture(maps)
    ink.caption(QRectF(area.left(), area.top(), max(area.width(), ink.width(name, 0.82, 500)) + 2, caption), name)
    place = ink.picture(area.adjusted(0, caption, 0, -1.3 * ink.letters), picture, scale)
    _frame_window(ink, place, maps.shape[1:], window)
    rows = [row for row in window.rows if row >= 0]
    columns = [column for column in window.columns if column >= 0]
    where = ""
    if rows and columns:
        where = _span("column", columns)
        if window.axes == 2:
            where = f"{_span('row', rows)}, {where}"
    below = QRectF(area.left(), place.bottom() + 2, area.width() + ink.letters, 1.3 * ink.letters)
    reach = range_words(ink, scale, below.width())
    if ink.width(f"{where}; {reach}", 0.82) > below.width():
        where = ""
    ink.text(below, "; ".join(filter(None, (where, reach))), 0.82, colour=ink.theme.text_muted)
    high, wide = place.height() / maps.shape[1], place.width() / maps.shape[2]

    def press(point: QPointF) -> None:
        row = int(np.clip((point.y() - place.top()) / high, 0, maps.shape[1] - 1))
        column = int(np.clip((point.x() - place.left()) / wide, 0, maps.shape[2] - 1))
        hands.read_at(row, column, (maps.shape[1], maps.shape[2]))

    words = f"{side.name}: press or drag to put the window there"
    ink.spot(place, words, zone="input", press=press, drags=True)
    return place


def _span(what: str, places: list[int]) -> str:
    """``row 6``, ``rows 6–8``."""
    return f"{what} {places[0]}" if len(set(places)) == 1 else f"{what}s {places[0]}–{places[-1]}"


def _frame_window(ink: Ink, place: QRectF, shape: tuple[int, ...], window: Window) -> None:
    """The window on a picture of these rows and columns; it may reach beyond the edge."""
    down, across = place.height() / shape[0], place.width() / shape[1]
    spans = []
    for places in (window.rows, window.columns):
        inside = [one for one in places if one >= 0]
        if not inside:
            return
        step = inside[1] - inside[0] if len(inside) > 1 else 1
        first = inside[0] - step * places.index(inside[0])
        spans.append((first, first + step * (len(places) - 1) + 1))
    (top, low), (left, right) = spans
    ink.frame(
        QRectF(place.left() + left * across, place.top() + top * down, (right - left) * across, (low - top) * down)
    )


def paint_cells(
    ink: Ink, area: QRectF, values: Numbers, scale: Scale, zone: str, side: WindowSide, channel: int,
    target: Callable[[tuple[int, int]], Place | None],
) -> None:  # fmt: skip
    """Numbers of the window as cells, each a spot that says what it is the product of."""
    window = side.window
    rows, columns = values.shape
    unit = 10.0 ** ink.unit_of(values)
    high, wide = area.height() / rows, area.width() / columns
    colours = ink.colours(values, scale)
    for row in range(rows):
        for column in range(columns):
            rect = QRectF(area.left() + column * wide, area.top() + row * high, wide, high)
            padding = zone != "filter" and window.input_index(channel, row, column) is None
            colour = mixed(ink.theme.panel, ink.theme.border, 0.5) if padding else colours[row][column]
            ink.cell(rect, float(values[row, column]) / unit, colour, faded=padding)
            if padding:
                ink.painter.setPen(QPen(ink.theme.text_faint, 1.0, Qt.PenStyle.DotLine))
                ink.painter.setBrush(Qt.BrushStyle.NoBrush)
                ink.painter.drawRect(rect.adjusted(1, 1, -2, -2))
            place = target((row, column))
            weight = window.weight_index(channel, row, column)
            came, factor = window.values[channel, row, column], window.shares[channel, row, column]
            beyond = (" (no window stands there)" if side.back else " (padding)") if padding else ""
            text = f"{number(came)} × {number(factor)} = {number(came * factor)}{beyond}"
            of = (side.weights, "weight", weight) if zone == "filter" and weight is not None else None
            ink.spot(rect, text, zone=zone, target=place, number=of, value=float(factor))
