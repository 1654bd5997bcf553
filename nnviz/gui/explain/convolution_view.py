"""A convolution taken apart: the window on what comes in, its filter, the products, and their sum."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPen

from nnviz.gui.explain.ink import CENTRE, Ink
from nnviz.gui.explain.maps_view import as_maps, paint_map
from nnviz.gui.explain.terms_view import number, paint_terms, sum_of
from nnviz.gui.explain.window_view import (
    LARGEST_CELL,
    WindowHands,
    WindowSide,
    caption_of,
    map_caption,
    paint_cells,
    paint_input,
)
from nnviz.gui.look.scales import Scale

if TYPE_CHECKING:
    from nnviz.explain.place import Place
    from nnviz.explain.taken_apart import TakenApart

#: From so many letters of width on the number in a cell can be read.
_READABLE_CELL = 2.5
#: A window of more numbers than this is not written out as a sum.
_MOST_WRITTEN = 12
#: In letters: from this height on there is room for a sentence about the way back.
_FOR_WORDS = 15.0


def _side_of(taken: TakenApart) -> WindowSide:
    """What the number is made of, or what comes back to it."""
    back = taken.back if taken.place.backward else None
    if back is not None and back.window is not None:
        return WindowSide(back.window, as_maps(back.gradient), back.node, f"∂L/∂ {back.node}", back.node, True)
    assert taken.window is not None
    source = taken.sources[0] if taken.sources else ""
    return WindowSide(taken.window, as_maps(taken.inputs[0]), source, source or "input", taken.place.node)


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
        return min(room / (3 * columns), high / rows, LARGEST_CELL * letters)

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
        name = map_caption(ink, side, channel, picture + gap)
        place = paint_input(ink, QRectF(x, y, picture, high + caption), taken, side, channel, hands, name)
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
        titled = x + caption_of(ink, QRectF(x, y, wide + signs / 2 - 0.3 * letters, caption), title, values, size)
        box = QRectF(x, y + caption, wide, rows * size)
        paint_cells(ink, box, values, scale, zone, side, channel, target)
        x += wide
    if mapped:
        x = max(x + gap, titled + letters)
        paint_map(ink, QRectF(x, y, area.right() - x, min(mapped, high) + caption), taken, hands.slide_to)
    _paint_sum(
        ink, QRectF(area.left(), bottom + 0.3 * letters, area.width(), foot), taken, side, channel, hands, area.bottom()
    )


def _paint_sum(
    ink: Ink, area: QRectF, taken: TakenApart, side: WindowSide, channel: int, hands: WindowHands, limit: float
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


def _words_of_window(taken: TakenApart, side: WindowSide) -> str:
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


def _paint_channels(ink: Ink, row: QRectF, side: WindowSide, channel: int, hands: WindowHands) -> None:
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
