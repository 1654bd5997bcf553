"""A window on the maps that come in: a convolution with its filter and products, a pooling layer with its winner."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPen

from nnviz.gui.explain.ink import CENTRE, Ink, Numbers
from nnviz.gui.explain.maps_view import as_maps, map_scale, paint_map, range_words
from nnviz.gui.explain.terms_view import number, paint_in_a_line, paint_terms, sum_of
from nnviz.gui.look import theme as themes
from nnviz.gui.look.scales import Scale
from nnviz.gui.look.theme import mixed

if TYPE_CHECKING:
    from nnviz.explain.explanation import Index
    from nnviz.explain.onward import Back, Reader
    from nnviz.explain.place import Place
    from nnviz.explain.taken_apart import TakenApart
    from nnviz.explain.window import Window

#: Cells are at most so many letters wide, and their numbers can be read from so many on.
_LARGEST_CELL, _READABLE_CELL = 5.2, 2.5
#: A window of more numbers than this is not written out as a sum.
_MOST_WRITTEN = 12
#: In letters: from this height on there is room for a sentence about the way back.
_FOR_WORDS = 15.0
#: From so many pixels of width on the number is written in its cell.
_WRITTEN_CELL = 31.0
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


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
class _Side:
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


def _side_of(taken: TakenApart) -> _Side:
    """What the number is made of, or what comes back to it."""
    back = taken.back if taken.place.backward else None
    if back is not None and back.window is not None:
        return _Side(back.window, as_maps(back.gradient), back.node, f"∂L/∂ {back.node}", back.node, True)
    assert taken.window is not None
    source = taken.sources[0] if taken.sources else ""
    return _Side(taken.window, as_maps(taken.inputs[0]), source, source or "input", taken.place.node)


def paint_convolution(ink: Ink, area: QRectF, taken: TakenApart, hands: WindowHands) -> None:
    """What comes in with the window on it, filter, products, sum; the map in which the result stands.

    On the way back the same: the gradients of all that the number went into, and the filter turned round over them.
    """
    side = _side_of(taken)
    window = side.window
    letters, gap = ink.letters, 1.4 * ink.letters
    channel = min(hands.channel, len(window.channels) - 1)
    rows, columns = len(window.rows), len(window.columns)
    several = len(window.channels) > 1
    foot = (1.7 + 2.1 + (1.9 if several else 0.0)) * letters
    if side.back and area.height() > _FOR_WORDS * letters:
        foot += 1.7 * letters
    caption = 1.5 * letters
    high = area.height() - foot - caption
    if high < 3.2 * letters or not rows or not columns:
        paint_terms(ink, area, taken)
        return
    picture, mapped = min(high, 0.25 * area.width()), min(0.78 * high, 0.17 * area.width())
    signs = 3.0 * letters

    def cell(parts: float, gaps: int) -> float:
        room = area.width() - parts - signs - gaps * gap
        return min(room / (3 * columns), high / rows, _LARGEST_CELL * letters)

    size = cell(picture + mapped, 4)
    if size < _READABLE_CELL * letters and cell(picture, 3) > size:
        mapped, size = 0.0, cell(picture, 3)
    if size < _READABLE_CELL * letters and cell(0.0, 2) > 1.4 * size:
        picture, size = 0.0, cell(0.0, 2)
    x, y = area.left(), area.top()
    bottom = y + caption + max(rows * size, min(picture, high))
    wide = columns * size
    if picture:
        # Its caption has the room up to the window beside it, and the picture leaves that room free.
        name = _map_caption(ink, side, channel, picture + gap)
        place = _paint_input(ink, QRectF(x, y, picture, high + caption), taken, side, channel, hands, name)
        x = max(x + 0.6 * picture, place.right(), x + ink.width(name, 0.82, 500) - 0.6 * gap) + gap
        bottom = max(bottom, place.bottom() + 1.5 * letters)
    came = side.scale(taken, channel)
    weights, products = Scale.signs(window.shares), Scale.signs(window.products)

    def input_at(at: tuple[int, int]) -> Place | None:
        return side.place_of(taken, channel, at)

    def weight_at(at: tuple[int, int]) -> Place | None:
        return side.weight_place(taken, channel, at)

    number_of = window.channels[channel] if side.back else window.outgoing
    turned = f"FILTER {number_of}, turned" if window.is_turned else f"FILTER {number_of}, w"
    titles = ("WINDOW ∂L/∂y", turned, "PRODUCTS") if side.back else ("WINDOW x", turned, "PRODUCTS x\u00a0·\u00a0w")
    titled = x
    words = {
        "window": (window.values[channel], came, input_at),
        "filter": (window.shares[channel], weights, weight_at),
        "products": (window.products[channel], products, input_at),
    }
    for place_in_row, (title, (zone, (values, scale, target))) in enumerate(zip(titles, words.items(), strict=True)):
        if place_in_row:
            sign = QRectF(x, y + caption, signs / 2, rows * size)
            ink.text(sign, "×" if place_in_row == 1 else "=", 1.6, colour=ink.theme.text_muted, align=CENTRE)
            x += signs / 2
        titled = x + _caption_of(ink, QRectF(x, y, wide + signs / 2 - 0.3 * letters, caption), title, values, size)
        box = QRectF(x, y + caption, wide, rows * size)
        _paint_cells(ink, box, values, scale, zone, side, channel, target)
        x += wide
    if mapped:
        x = max(x + gap, titled + letters)
        paint_map(ink, QRectF(x, y, area.right() - x, min(mapped, high) + caption), taken, hands.slide_to)
    _paint_sum(
        ink, QRectF(area.left(), bottom + 0.3 * letters, area.width(), foot), taken, side, channel, hands, area.bottom()
    )


def _caption_of(ink: Ink, rect: QRectF, title: str, values: Numbers, cell: float) -> float:
    """What stands above a table of numbers, and the power of ten that they are written in where they are; how wide."""
    power = ink.unit_of(values) if cell >= _WRITTEN_CELL else 0
    unit = f"in {power_of_ten(power)}" if power else ""
    room = rect.width() - (ink.width(f"  {unit}", 0.82, 500) if unit else 0.0)
    text = f"{_fitting(ink, title, room)}  {unit}".rstrip()
    ink.caption(rect, text)
    return ink.width(text, 0.82, 500)


def power_of_ten(power: int) -> str:
    """``10⁻³``."""
    return "10" + str(power).translate(_RAISED)


def _fitting(ink: Ink, title: str, room: float) -> str:
    """A caption, or its last words left out where it has no room: half a word says nothing."""
    words = title.split(" ")
    while len(words) > 1 and ink.width(" ".join(words), 0.82, 500) > room:
        words.pop()
    return " ".join(words).rstrip(",")


def _map_caption(ink: Ink, side: _Side, channel: int, room: float) -> str:
    """What the maps are called, which one is shown, and how large it is: as much of that as there is room for."""
    count, rows, columns = side.maps.shape
    size = f", {rows} × {columns}"
    incoming = side.window.channels[channel]
    of = f" · {side.channel_word} {incoming}" if count > 1 else ""
    short = f" · {incoming}" if count > 1 else ""
    tried = [f"{side.name}{of}{size}", f"{side.name}{of}", f"{side.name}{short}", side.name]
    return next((text for text in tried if ink.width(text, 0.82, 500) <= room), tried[-1])


def _paint_input(
    ink: Ink, area: QRectF, taken: TakenApart, side: _Side, channel: int, hands: WindowHands, name: str
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


def _paint_cells(
    ink: Ink, area: QRectF, values: Numbers, scale: Scale, zone: str, side: _Side, channel: int,
    target: Callable[[tuple[int, int]], Place | None],
) -> None:  # fmt: skip
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


def _paint_sum(
    ink: Ink, area: QRectF, taken: TakenApart, side: _Side, channel: int, hands: WindowHands, limit: float
) -> None:
    """The products written out, the channels, and the sum with the bias or with what comes along other wires."""
    letters, quiet, window = ink.letters, ink.theme.text_muted, side.window
    y, line = area.top(), 1.7 * letters
    products = window.products[channel].reshape(-1)
    if len(window.channels) > 1:
        _paint_channels(ink, QRectF(area.left(), y, area.width(), line), side, channel, hands)
        y += 1.9 * letters
    if len(products) <= _MOST_WRITTEN:
        pieces = []
        for place, product in enumerate(products.tolist()):
            text = number(product) if not place else f" {'−' if product < 0 else '+'} {number(abs(product))}"
            pieces.append((text, ink.sign(product), 500, 1.05))
        ink.run(area.left(), y, line, pieces, area.right())
    else:
        words = f"{len(products)} products of this {side.channel_word}: point at one to read it"
        ink.text(QRectF(area.left(), y, area.width(), line), words, colour=quiet)
    y += line
    sums = window.sums
    total = float(sums.sum())
    big = 1.45 if area.width() > 40 * letters else 1.15
    plain = ink.theme.text
    pieces = [("sum ", quiet, 400, big), (number(float(sums[channel])), plain, 500, big)]
    if len(window.channels) > 1:
        others = len(window.channels) - 1
        pieces += [
            (f"  + {others} other {side.channel_word}{'s' * (others != 1)} ", quiet, 400, big),
            (number(total - float(sums[channel])), plain, 500, big),
        ]
    bias_at = -1
    if window.bias is not None:
        bias_at = len(pieces) + 1
        pieces += [("  + bias ", quiet, 400, big), (number(window.bias), plain, 500, big)]
    if side.back:
        pieces += along_other_wires(ink, taken, total, big)
    pieces += [("  = ", quiet, 400, big), (number(sum_of(taken.explanation)), plain, 700, big * 1.08)]
    high = 2.1 * letters
    needed = sum(ink.width(text, size, weight) for text, _, weight, size in pieces)
    less = min(1.0, max(area.width() / needed, 0.6))
    x = area.left()
    for place, (text, colour, weight, size) in enumerate(pieces):
        end = ink.run(x, y, high, [(text, colour, weight, less * size)], area.right())
        if place == bias_at:
            at = dataclasses.replace(taken.place, part="bias", index=(window.outgoing,))
            node = taken.place.node
            spot = QRectF(x, y, end - x, high)
            which = (node, "bias", (window.outgoing,))
            ink.spot(spot, f"bias {text}", zone="bias", target=at, number=which, value=float(window.bias or 0.0))
        x = end
    y += high
    if y + line <= limit:
        words = _words_of_window(taken, side)
        if ink.width(words, 0.95) <= area.width():
            ink.text(QRectF(area.left(), y, area.width(), line), words, 0.95, colour=quiet)


def along_other_wires(ink: Ink, taken: TakenApart, total: float, big: float) -> list[tuple[str, QColor, int, float]]:
    """What comes back to a number that is used elsewhere, too, beside what is drawn; nothing where it is not."""
    terms = taken.explanation.terms
    mine = taken.back.node if taken.back is not None else ""
    users = {one.node for term in terms for one in term.factors if one.part == "gradient"} - {mine}
    if not users:
        return []
    words = f"  + from {next(iter(users))} " if len(users) == 1 else f"  + from {len(users)} others "
    rest = sum_of(taken.explanation) - total
    return [(words, ink.theme.text_muted, 400, big), (number(rest), ink.theme.text, 500, big)]


def _words_of_window(taken: TakenApart, side: _Side) -> str:
    """How many weights there are, and of how many numbers; on the way back, why they lie as they do."""
    window = side.window
    if side.back:
        turned = "; the filter lies turned round" if window.is_turned else ""
        return f"Each number of {side.node} that read this one sends its gradient back{turned}."
    if taken.output is None:
        return ""
    weights, sizes = window.shares.size, taken.output.shape[1:]
    count = " × ".join(map(str, sizes)) + (f" = {taken.output[0].size:,}" if len(sizes) > 1 else "")
    own = f"{weights} + 1 parameters" if window.bias is not None else f"{weights} parameters"
    return f"The same {weights} weights slide over all of it: {own} make all {count} numbers of this map."


def _choose(hands: WindowHands, channel: int, _point: QPointF) -> None:
    hands.choose(channel)


def _paint_channels(ink: Ink, row: QRectF, side: _Side, channel: int, hands: WindowHands) -> None:
    """Which channel of what comes in is shown, and what each of them contributes."""
    window, word = side.window, side.channel_word
    letters, count = ink.letters, len(window.channels)
    wide, x = 1.8 * letters, row.left()
    for text, words, by in (("‹", f"The {word} before", -1), ("›", f"The next {word}", 1)):
        ink.button(
            QRectF(x, row.top(), wide, row.height()), text, words,
            partial(_choose, hands, (channel + by) % count), "channels",
        )  # fmt: skip
        x += wide + 3
    label = f"{word} {window.channels[channel]}, {channel + 1} of {count}; sums of all:"
    if ink.width(label) > 0.45 * row.width():
        label = f"{word} {window.channels[channel]} of {count}; sums:"
    x += ink.text(QRectF(x + 4, row.top(), row.width() / 2, row.height()), label, colour=ink.theme.text_muted) + 12
    sums = window.sums
    room = row.right() - x
    each = min(2.6 * letters, room / count)
    if each < 2:
        return
    scale = Scale.signs(sums)
    painted = ink.colours(sums[None, :], scale)[0]
    for place in range(count):
        rect = QRectF(x + place * each, row.top(), each, row.height())
        ink.cell(rect, float(sums[place]), painted[place])
        words = f"{word} {window.channels[place]} contributes {number(float(sums[place]))}"
        ink.spot(rect, words, zone="channels", press=partial(_choose, hands, place))
    ink.painter.setBrush(Qt.BrushStyle.NoBrush)
    ink.painter.setPen(QPen(ink.theme.text, 2.0))
    ink.painter.drawRect(QRectF(x + channel * each, row.top(), each - 1, row.height() - 1))


# ---- pooling -------------------------------------------------------------------------------------------------------


def _pooled_side(taken: TakenApart) -> _Side:
    """What the window of a pooling layer lies on: the same map that the number is in."""
    window = taken.window
    assert window is not None
    source = taken.sources[0] if taken.sources else ""
    return _Side(window, as_maps(taken.inputs[0]), source, source or "input", "")


def paint_pooling(ink: Ink, area: QRectF, taken: TakenApart, hands: WindowHands) -> None:
    """The window with its winner, or the mean; on the way back, what of the gradient goes to which number."""
    letters, side = ink.letters, _pooled_side(taken)
    window = side.window
    back, caption, gap = taken.place.backward, 1.5 * letters, 1.6 * letters
    rows, columns = len(window.rows), len(window.columns)
    high = area.height() - caption - (3.6 if area.height() > 12 * letters else 1.8) * letters
    if high < 3 * letters:
        paint_terms(ink, area, taken)
        return
    picture = min(high, 0.26 * area.width()) if area.width() > 34 * letters else 0.0
    grids = 2 if back else 1
    result = 6.5 * letters
    room = area.width() - 2 * picture - result - (3 + grids) * gap
    size = min(room / (grids * columns), high / rows, 1.6 * _LARGEST_CELL * letters)
    x, y = area.left(), area.top()
    if picture:
        name = _map_caption(ink, side, 0, picture + gap)
        room_of = QRectF(x, y, picture, high + caption + 1.3 * letters)
        place = _paint_input(ink, room_of, taken, side, 0, hands, name)
        x = max(x + 0.7 * picture, place.right(), x + ink.width(name, 0.82, 500) - 0.6 * gap) + gap
    came = side.scale(taken, 0)
    values, wide = window.values[0], columns * size
    box = QRectF(x, y + caption, wide, rows * size)

    def leads(at: tuple[int, int]) -> Place | None:
        found = side.place_of(taken, 0, at)
        return dataclasses.replace(found, backward=back) if found is not None else None

    _caption_of(ink, QRectF(x, y, wide + 0.8 * gap, caption), "WINDOW x", values, size)
    _paint_cells(ink, box, values, came, "window", side, 0, leads)
    _mark_winner(ink, box, window)
    x += wide
    gradient = taken.explanation.value
    if back:
        passed = window.shares[0] * gradient
        ink.text(QRectF(x, y + caption, gap, rows * size), "←", 1.6, colour=ink.theme.text_muted, align=CENTRE)
        x += gap
        _caption_of(ink, QRectF(x, y, wide + 0.8 * gap, caption), "BACK TO x", passed, size)
        box = QRectF(x, y + caption, wide, rows * size)
        _paint_cells(ink, box, passed, Scale.signs(np.array([gradient])), "back", side, 0, leads)
        _mark_winner(ink, box, window)
        x += wide
    arrow = QRectF(x, y + caption, gap, rows * size)
    ink.text(arrow, "←" if back else "→", 1.8, colour=ink.theme.text_muted, align=CENTRE)
    x += gap
    text = number(gradient)
    big = min(1.8, 0.9 * result / letters / max(1.0, ink.width(text, 1.0, 700) / letters))
    middle = y + caption + rows * size / 2
    ink.text(QRectF(x, middle - 1.4 * letters, result, 2.8 * letters), text, big, 700)
    if back:
        ink.caption(QRectF(x, middle + 1.2 * letters, result, caption), "dL/dy")
    x += result + 0.5 * gap
    if picture:
        room_left = QRectF(x, y, min(picture, area.right() - x), high + caption + 1.3 * letters)
        paint_map(ink, room_left, taken, hands.slide_to)
    if back and area.height() > 12 * letters:
        line = QRectF(area.left(), area.bottom() - 3.6 * letters, area.width(), 1.7 * letters)
        wide = ink.text(line, "dL/dy = ", colour=ink.theme.text_muted)
        paint_in_a_line(ink, line.adjusted(wide, 0, 0, 0), taken)
    line = QRectF(area.left(), area.bottom() - 1.8 * letters, area.width(), 1.7 * letters)
    ink.text(line, _pool_words(window, gradient, back=back), colour=ink.theme.text_muted)


def window_shown(taken: TakenApart) -> Window | None:
    """The window that is drawn, where there are several maps to choose from: that of the way back, or the number's."""
    if taken.place.backward and taken.back is not None and taken.back.window is not None:
        return taken.back.window
    return taken.window


def paint_readers(ink: Ink, area: QRectF, taken: TakenApart, hands: WindowHands) -> None:
    """The windows of a pooling layer that read a number, each with its winner, and what comes back from each."""
    back, letters = taken.back, ink.letters
    assert back is not None and back.readers and taken.output is not None
    caption, gap = 1.5 * letters, 1.6 * letters
    foot = 4.0 * letters
    high = area.height() - caption - foot
    if high < 3.2 * letters:
        paint_terms(ink, area, taken)
        return
    count = len(back.readers)
    single = count == 1
    x, y = area.left(), area.top()
    mapped = min(high, 0.26 * area.width()) if area.width() > 34 * letters else 0.0
    if mapped:
        place = paint_map(ink, QRectF(x, y, mapped, high + caption), taken, hands.slide_to)
        x = max(place.right(), x + 0.9 * mapped) + 1.2 * gap
    room = (area.right() - x) / count
    for reader in back.readers:
        side = _Side(reader.window, as_maps(taken.output), taken.place.node, "", "")
        rows, columns = len(reader.window.rows), len(reader.window.columns)
        grids = 2 if single else 1
        result = 8 * letters if single else 0.0
        low = high if single else high - 1.8 * letters
        wide = room - result - (grids + 1) * gap
        size = min(wide / (grids * columns), low / rows, 1.6 * _LARGEST_CELL * letters)
        at = f"({', '.join(map(str, reader.index[1:]))})"
        box = QRectF(x, y + caption, columns * size, rows * size)
        toward = dataclasses.replace(taken.place, node=back.node, index=reader.index)
        values, passed = reader.window.values[0], reader.window.shares[0] * reader.gradient
        shown = (columns * size if single else room) - 0.5 * gap + (gap if single else 0.0)
        _caption_of(ink, QRectF(x, y, shown, caption), f"WINDOW {at}" if count > 1 else "WINDOW x", values, size)
        scale = map_scale(as_maps(taken.output), reader.index[0] if taken.output.ndim > 1 else 0)
        _paint_cells(ink, box, values, scale, "window", side, 0, partial(_in_gradients, taken, side))
        if reader.window.largest != reader.own or size >= 4 * letters:
            _mark_winner(ink, box, reader.window)
        _mark_own(ink, box, reader)
        text = number(reader.gradient)
        if single:
            right = x + columns * size
            arrow = QRectF(right, y + caption, gap, rows * size)
            ink.text(arrow, "←", 1.6, colour=ink.theme.text_muted, align=CENTRE)
            box = QRectF(right + gap, y + caption, columns * size, rows * size)
            _caption_of(ink, QRectF(box.left(), y, columns * size + 0.8 * gap, caption), "BACK TO x", passed, size)
            colours = Scale.signs(np.array([reader.gradient]))
            _paint_cells(ink, box, passed, colours, "back", side, 0, partial(_in_gradients, taken, side))
            _mark_own(ink, box, reader)
            right = box.right()
            ink.text(QRectF(right, y + caption, gap, rows * size), "←", 1.6, colour=ink.theme.text_muted, align=CENTRE)
            middle = y + caption + rows * size / 2
            line = QRectF(right + gap, middle - 1.4 * letters, area.right() - right - gap, 2.4 * letters)
            wide = ink.text(line, text, 1.4, 700, colour=ink.link(True))
            ink.caption(QRectF(line.left(), middle + 1.0 * letters, line.width(), caption), f"∂L/∂ {back.node} {at}")
            spot = QRectF(line.left(), line.top(), wide, line.height())
            ink.spot(spot, f"How the loss changes with {back.node} {at}: {text}", target=toward, zone="terms")
        else:
            line = QRectF(x, box.bottom() + 2, room - 0.5 * gap, 1.7 * letters)
            words = f"{text} → {number(reader.passed)}"
            ink.run(line.left(), line.top(), line.height(), [(words, ink.sign(reader.passed), 600, 1.0)], line.right())
            ink.spot(
                line, f"{back.node} {at}: of {text} it sends back {number(reader.passed)}", target=toward, zone="terms"
            )
        x += room
    _paint_sum_of_readers(ink, QRectF(area.left(), area.bottom() - foot + 0.3 * letters, area.width(), foot), taken)


def _in_gradients(taken: TakenApart, side: _Side, at: tuple[int, int]) -> Place | None:
    """How the loss changes with the numbers in the same window."""
    found = side.place_of(taken, 0, at)
    return None if found is None else dataclasses.replace(found, backward=True)


def _paint_sum_of_readers(ink: Ink, area: QRectF, taken: TakenApart) -> None:
    back, letters, quiet = taken.back, ink.letters, ink.theme.text_muted
    assert back is not None
    big = 1.3 if area.width() > 40 * letters else 1.05
    pieces = [("∂L/∂x = ", quiet, 400, big)]
    for place, reader in enumerate(back.readers):
        passed = reader.passed
        text = number(passed) if not place else f" {'−' if passed < 0 else '+'} {number(abs(passed))}"
        pieces.append((text, ink.sign(passed), 500, big))
    others = along_other_wires(ink, taken, back.total, big)
    pieces += others
    if others or len(back.readers) > 1:
        pieces += [("  = ", quiet, 400, big), (number(sum_of(taken.explanation)), ink.theme.text, 700, big * 1.08)]
    ink.run(area.left(), area.top(), 2.0 * letters, pieces, area.right())
    line = QRectF(area.left(), area.top() + 2.0 * letters, area.width(), 1.6 * letters)
    ink.text(line, _words_of_readers(back), colour=quiet)


def _words_of_readers(back: Back) -> str:
    """What the number gets, and why."""
    count = len(back.readers)
    first = back.readers[0]
    size = first.window.values.size
    if first.window.largest is None:
        share = number(float(first.window.shares[0][first.own]))
        return f"A mean: each of its {size} numbers gets {share} of the gradient."
    won = sum(1 for reader in back.readers if reader.window.largest == reader.own)
    if count == 1:
        return (
            "It is the largest of its window: the whole gradient comes back to it."
            if won
            else "It is not the largest of its window: nothing of the gradient comes back to it."
        )
    return f"{count} windows read it; in {won or 'none'} of them it is the largest, and gets the whole gradient there."


def _mark_own(ink: Ink, box: QRectF, reader: Reader) -> None:
    """The number that is asked about, in its window."""
    row, column = reader.own
    high, wide = box.height() / len(reader.window.rows), box.width() / len(reader.window.columns)
    if min(high, wide) < 4 * ink.letters:  # within it the mark would cover its number
        ink.frame(QRectF(box.left() + column * wide + 2, box.top() + row * high + 2, wide - 5, high - 5))
        return
    ink.frame(QRectF(box.left() + column * wide + 6, box.top() + row * high + 6, wide - 13, high - 13))


def paint_window_small(ink: Ink, area: QRectF, taken: TakenApart, *, back: bool) -> None:
    """A pooling layer in a corner of the page: its window with the winner, and what becomes of it."""
    side, letters = _pooled_side(taken), ink.letters
    window = side.window
    rows, columns = len(window.rows), len(window.columns)
    value = taken.explanation.value
    text = number(value)
    result = max(ink.width(text, 1.5, 700), ink.width("−0.00000", 1.5, 700)) + 2.4 * letters
    size = min(area.height() / rows, (area.width() - result) / columns, 4.6 * letters)
    box = QRectF(area.left(), area.top() + (area.height() - rows * size) / 2, columns * size, rows * size)
    values = window.shares[0] * value if back else window.values[0]
    scale = Scale.signs(np.array([value])) if back else side.scale(taken, 0)

    def leads(at: tuple[int, int]) -> Place | None:
        found = side.place_of(taken, 0, at)
        return None if found is None else dataclasses.replace(found, backward=back)

    _paint_cells(ink, box, values, scale, "then", side, 0, leads)
    _mark_winner(ink, box, window)
    arrow = QRectF(box.right(), box.top(), 2.4 * letters, box.height())
    ink.text(arrow, "←" if back else "→", 1.5, colour=ink.theme.text_muted, align=CENTRE)
    ink.text(QRectF(arrow.right(), box.top(), area.right() - arrow.right(), box.height()), text, 1.5, 700)
    power = ink.unit_of(values)
    if power:
        line = QRectF(arrow.right(), box.bottom() - 1.4 * letters, area.right() - arrow.right(), 1.3 * letters)
        ink.caption(line, f"cells in {power_of_ten(power)}")


def pooled_words(window: Window) -> str:
    """What a pooling layer makes of its window, in few words: ``the largest of 2 × 2``."""
    size = f"{len(window.rows)} × {len(window.columns)}" if window.axes == 2 else f"{len(window.columns)}"
    return f"the {'mean' if window.largest is None else 'largest'} of {size}"


def _mark_winner(ink: Ink, box: QRectF, window: Window) -> None:
    if window.largest is None:
        return
    row, column = window.largest
    high, wide = box.height() / len(window.rows), box.width() / len(window.columns)
    place = QRectF(box.left() + column * wide, box.top() + row * high, wide - 1, high - 1)
    ink.painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, width in ((QColor("#000000"), 6.0), (QColor("#ffffff"), 3.0)):
        ink.painter.setPen(QPen(colour, width))
        ink.painter.drawRoundedRect(place, 3.0, 3.0)


def _lead(window: Window) -> str:
    """By how much the winner leads, where the next one is written with the same digits; empty elsewhere."""
    ordered = np.sort(window.values[0], axis=None)
    if len(ordered) < 2 or number(float(ordered[-1])) != number(float(ordered[-2])):
        return ""
    lead = float(ordered[-1]) - float(ordered[-2])
    return f", by {number(lead)}" if lead else "; another is as large, the first counts"


def _pool_words(window: Window, gradient: float, *, back: bool) -> str:
    count = window.values.size
    if window.largest is not None:
        if back:
            return f"The whole gradient, {number(gradient)}, goes to the winner; the other {count - 1} get 0."
        way_back = "On the way back the whole gradient goes to it, the others get 0."
        return f"The largest of {count}{_lead(window)}. {way_back}"
    share = themes.format_number(float(window.shares.max()))
    if back:
        return f"Each of the {count} gets {share} of the gradient."
    return f"The mean: each of the {count} counts {share}. On the way back each gets that share of the gradient."
