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
from nnviz.gui.explain.maps_view import as_maps, map_scale, paint_map
from nnviz.gui.explain.terms_view import number, paint_in_a_line, paint_terms, sum_of
from nnviz.gui.look import theme as themes
from nnviz.gui.look.scales import Scale
from nnviz.gui.look.theme import mixed

if TYPE_CHECKING:
    from nnviz.explain.explanation import Index
    from nnviz.explain.place import Place
    from nnviz.explain.taken_apart import TakenApart
    from nnviz.explain.window import Window

#: Cells are at most so many letters wide, and their numbers can be read from so many on.
_LARGEST_CELL, _READABLE_CELL = 5.2, 2.5
#: A window of more numbers than this is not written out as a sum.
_MOST_WRITTEN = 12


@dataclasses.dataclass(frozen=True)
class WindowHands:
    """What can be done to a window.

    Attributes:
        channel: Which of the channels that come in is shown, as a number of the window's own.
        choose: Shows another one.
        slide_to: Goes to another number of the map.
        read_at: Puts the window so that it reads a row and a column of what comes in.
    """

    channel: int
    choose: Callable[[int], object]
    slide_to: Callable[[Index], object]
    read_at: Callable[[int, int], object]


def paint_convolution(ink: Ink, area: QRectF, taken: TakenApart, hands: WindowHands) -> None:
    """Input with the window on it, filter, products, sum; the map in which the result stands."""
    window = taken.window
    assert window is not None and window.points is not None
    letters, gap = ink.letters, 1.4 * ink.letters
    channel = min(hands.channel, len(window.channels) - 1)
    rows, columns = len(window.rows), len(window.columns)
    several = len(window.channels) > 1
    foot = (1.7 + 2.1 + (1.9 if several else 0.0)) * letters
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
    if picture:
        place = _paint_input(ink, QRectF(x, y, picture, high + caption), taken, window, channel, hands)
        x = max(x + 0.6 * picture, place.right()) + gap
        bottom = max(bottom, place.bottom() + 1.5 * letters)
    came = _scale_of_input(taken, window, channel)
    weights, products = Scale.signs(window.shares), Scale.signs(window.products)
    wide = columns * size

    def input_at(at: tuple[int, int]) -> Place | None:
        return _input(taken, window, channel, at)

    def weight_at(at: tuple[int, int]) -> Place | None:
        return _weight(taken, window, channel, at)

    words = {
        "window": ("WINDOW x", window.values[channel], came, input_at),
        "filter": (f"FILTER {window.outgoing}, w", window.shares[channel], weights, weight_at),
        "products": ("PRODUCTS x · w", window.products[channel], products, input_at),
    }
    for place_in_row, (zone, (title, values, scale, target)) in enumerate(words.items()):
        if place_in_row:
            sign = QRectF(x, y + caption, signs / 2, rows * size)
            ink.text(sign, "×" if place_in_row == 1 else "=", 1.6, colour=ink.theme.text_muted, align=CENTRE)
            x += signs / 2
        ink.caption(QRectF(x, y, wide + gap, caption), title)
        _paint_cells(
            ink, QRectF(x, y + caption, wide, rows * size), values, scale, zone, taken, window, channel, target
        )
        x += wide
    if mapped:
        x += gap
        paint_map(ink, QRectF(x, y, area.right() - x, min(mapped, high) + caption), taken, hands.slide_to)
    _paint_sum(
        ink,
        QRectF(area.left(), bottom + 0.3 * letters, area.width(), foot),
        taken,
        window,
        channel,
        hands,
        area.bottom(),
    )


def _scale_of_input(taken: TakenApart, window: Window, channel: int) -> Scale:
    """The colours of the picture that the window lies on."""
    return map_scale(as_maps(taken.inputs[0]), window.channels[channel], picture=taken.shows_picture)


def _input(taken: TakenApart, window: Window, channel: int, at: tuple[int, int]) -> Place | None:
    """Where a place of the window leads."""
    index = window.input_index(channel, *at)
    if index is None or not taken.sources:
        return None
    return dataclasses.replace(taken.place, node=taken.sources[0], part="output", index=index, backward=False)


def _weight(taken: TakenApart, window: Window, channel: int, at: tuple[int, int]) -> Place | None:
    index = window.weight_index(channel, *at)
    return dataclasses.replace(
        taken.place, part="weight", index=index, backward=taken.place.backward, batch=taken.place.batch
    )


def _paint_input(ink: Ink, area: QRectF, taken: TakenApart, window: Window, channel: int, hands: WindowHands) -> QRectF:
    """One channel of what comes in, with the window on it."""
    caption = 1.5 * ink.letters
    maps = as_maps(taken.inputs[0])
    incoming = window.channels[channel]
    picture: Numbers = maps[incoming]
    scale = map_scale(maps, incoming, picture=taken.shows_picture)
    if taken.shows_picture and len(maps) == 3:
        picture, scale = maps, Scale.picture(maps)
    name = taken.sources[0] if taken.sources else "input"
    size = f"{maps.shape[1]} × {maps.shape[2]}"
    which = f" · channel {incoming}" if len(maps) > 1 else ""
    ink.caption(QRectF(area.left(), area.top(), area.width() + 0.5 * ink.letters, caption), f"{name}{which}, {size}")
    place = ink.picture(area.adjusted(0, caption, 0, -1.3 * ink.letters), picture, scale)
    _frame_window(ink, place, maps.shape[1:], window)
    rows = [row for row in window.rows if row >= 0]
    columns = [column for column in window.columns if column >= 0]
    where = ""
    if rows and columns:
        where = f"columns {columns[0]}–{columns[-1]}"
        if window.axes == 2:
            where = f"rows {rows[0]}–{rows[-1]}, {where}"
    below = QRectF(area.left(), place.bottom() + 2, area.width() + ink.letters, 1.3 * ink.letters)
    if ink.width(f"{where}; {scale.range_words()}", 0.82) > below.width():
        where = ""
    ink.text(below, "; ".join(filter(None, (where, scale.range_words()))), 0.82, colour=ink.theme.text_muted)
    high, wide = place.height() / maps.shape[1], place.width() / maps.shape[2]

    def press(point: QPointF) -> None:
        row = int(np.clip((point.y() - place.top()) / high, 0, maps.shape[1] - 1))
        column = int(np.clip((point.x() - place.left()) / wide, 0, maps.shape[2] - 1))
        hands.read_at(row, column)

    ink.spot(place, f"{name}: press or drag to put the window there", zone="input", press=press, drags=True)
    return place


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
    ink: Ink, area: QRectF, values: Numbers, scale: Scale, zone: str, taken: TakenApart, window: Window, channel: int,
    target: Callable[[tuple[int, int]], Place | None],
) -> None:  # fmt: skip
    rows, columns = values.shape
    high, wide = area.height() / rows, area.width() / columns
    colours = ink.colours(values, scale)
    for row in range(rows):
        for column in range(columns):
            rect = QRectF(area.left() + column * wide, area.top() + row * high, wide, high)
            padding = zone != "filter" and window.input_index(channel, row, column) is None
            colour = mixed(ink.theme.panel, ink.theme.border, 0.5) if padding else colours[row][column]
            ink.cell(rect, float(values[row, column]), colour, faded=padding)
            if padding:
                ink.painter.setPen(QPen(ink.theme.text_faint, 1.0, Qt.PenStyle.DotLine))
                ink.painter.setBrush(Qt.BrushStyle.NoBrush)
                ink.painter.drawRect(rect.adjusted(1, 1, -2, -2))
            place = target((row, column))
            weight = window.weight_index(channel, row, column)
            came, factor = window.values[channel, row, column], window.shares[channel, row, column]
            text = f"{number(came)} × {number(factor)} = {number(came * factor)}" + (" (padding)" if padding else "")
            is_weight = zone == "filter" and weight is not None
            ink.spot(
                rect, text, zone=zone, target=place,
                number=(taken.place.node, "weight", weight) if is_weight and weight is not None else None,
            )  # fmt: skip


def _paint_sum(
    ink: Ink, area: QRectF, taken: TakenApart, window: Window, channel: int, hands: WindowHands, limit: float
) -> None:
    """The products written out, the channels, and the sum with the bias."""
    letters, quiet = ink.letters, ink.theme.text_muted
    y, line = area.top(), 1.7 * letters
    products = window.products[channel].reshape(-1)
    if len(window.channels) > 1:
        _paint_channels(ink, QRectF(area.left(), y, area.width(), line), window, channel, hands)
        y += 1.9 * letters
    if len(products) <= _MOST_WRITTEN:
        pieces = []
        for place, product in enumerate(products.tolist()):
            text = number(product) if not place else f" {'−' if product < 0 else '+'} {number(abs(product))}"
            pieces.append((text, ink.sign(product), 500, 1.05))
        ink.run(area.left(), y, line, pieces, area.right())
    else:
        words = f"{len(products)} products of this channel: point at one to read it"
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
            (f"  + {others} other channel{'s' * (others != 1)} ", quiet, 400, big),
            (number(total - float(sums[channel])), plain, 500, big),
        ]
    bias_at = -1
    if window.bias is not None:
        bias_at = len(pieces) + 1
        pieces += [("  + bias ", quiet, 400, big), (number(window.bias), plain, 500, big)]
    pieces += [("  = ", quiet, 400, big), (number(sum_of(taken.explanation)), plain, 700, big * 1.08)]
    high = 2.1 * letters
    x = area.left()
    for place, piece in enumerate(pieces):
        end = ink.run(x, y, high, [piece], area.right())
        if place == bias_at:
            at = dataclasses.replace(taken.place, part="bias", index=(window.outgoing,))
            node = taken.place.node
            spot = QRectF(x, y, end - x, high)
            ink.spot(spot, f"bias {piece[0]}", zone="bias", target=at, number=(node, "bias", (window.outgoing,)))
        x = end
    y += high
    weights = window.shares.size
    if taken.output is not None and window.largest is None and y + line <= limit:
        sizes = taken.output.shape[1:]
        count = " × ".join(map(str, sizes)) + (f" = {taken.output[0].size:,}" if len(sizes) > 1 else "")
        own = f"{weights} + 1 parameters" if window.bias is not None else f"{weights} parameters"
        words = f"The same {weights} weights slide over all of it: {own} make all {count} numbers of this map."
        ink.text(QRectF(area.left(), y, area.width(), line), words, 0.95, colour=quiet)


def _choose(hands: WindowHands, channel: int, _point: QPointF) -> None:
    hands.choose(channel)


def _paint_channels(ink: Ink, row: QRectF, window: Window, channel: int, hands: WindowHands) -> None:
    """Which channel of what comes in is shown, and what each of them contributes."""
    letters, count = ink.letters, len(window.channels)
    wide, x = 1.8 * letters, row.left()
    for text, words, by in (("‹", "The channel before", -1), ("›", "The next channel", 1)):
        ink.button(
            QRectF(x, row.top(), wide, row.height()), text, words,
            partial(_choose, hands, (channel + by) % count), "channels",
        )  # fmt: skip
        x += wide + 3
    label = f"channel {window.channels[channel]}, {channel + 1} of {count}; sums of all:"
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
        words = f"channel {window.channels[place]} contributes {number(float(sums[place]))}"
        ink.spot(rect, words, zone="channels", press=partial(_choose, hands, place))
    ink.painter.setBrush(Qt.BrushStyle.NoBrush)
    ink.painter.setPen(QPen(ink.theme.text, 2.0))
    ink.painter.drawRect(QRectF(x + channel * each, row.top(), each - 1, row.height() - 1))


# ---- pooling -------------------------------------------------------------------------------------------------------


def paint_pooling(ink: Ink, area: QRectF, taken: TakenApart, hands: WindowHands) -> None:
    """The window with its winner, or the mean; on the way back, what of the gradient goes to which number."""
    window, letters = taken.window, ink.letters
    assert window is not None
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
        place = _paint_input(ink, QRectF(x, y, picture, high + caption + 1.3 * letters), taken, window, 0, hands)
        x = max(x + 0.7 * picture, place.right()) + gap
    came = _scale_of_input(taken, window, 0)
    values, wide = window.values[0], columns * size
    box = QRectF(x, y + caption, wide, rows * size)

    def leads(at: tuple[int, int]) -> Place | None:
        found = _input(taken, window, 0, at)
        return dataclasses.replace(found, backward=back) if found is not None else None

    ink.caption(QRectF(x, y, wide + gap, caption), "WINDOW x")
    _paint_cells(ink, box, values, came, "window", taken, window, 0, leads)
    _mark_winner(ink, box, window)
    x += wide
    gradient = taken.explanation.value
    if back:
        passed = window.shares[0] * gradient
        ink.text(QRectF(x, y + caption, gap, rows * size), "←", 1.6, colour=ink.theme.text_muted, align=CENTRE)
        x += gap
        ink.caption(QRectF(x, y, wide + gap, caption), "BACK TO x")
        box = QRectF(x, y + caption, wide, rows * size)
        _paint_cells(ink, box, passed, Scale.signs(np.array([gradient])), "back", taken, window, 0, leads)
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
