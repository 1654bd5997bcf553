"""What becomes of a number next, below its sum: a card for each layer that it goes through, each a way to walk there.

Forwards these are the layers behind; backwards it is the layer itself, through which the gradient goes on back.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, Qt

from nnviz.explain.place import LOSS
from nnviz.gui.explain.curve_view import paint_plot
from nnviz.gui.explain.ink import RIGHT, Ink
from nnviz.gui.explain.pooling_view import paint_window_small, pooled_words
from nnviz.gui.explain.shares_view import near_one
from nnviz.gui.explain.terms_view import number, paint_terms, sum_of

if TYPE_CHECKING:
    from nnviz.explain.place import Place
    from nnviz.explain.taken_apart import Shares, TakenApart

#: In letters: what a page must be high and wide at least, a card at least and at most, and the widest of them.
_PAGE, _ACROSS, _LEAST, _MOST, _WIDEST = 20.5, 44.0, 7.6, 13.0, 27.0
#: Widths of cards in letters: of a curve, of a window at least; and of the answer at least and at most.
_CURVE_CARD, _WINDOW_CARD, _LEAST_ANSWER, _WIDEST_ANSWER = 20.5, 18.5, 18.5, 34.0
#: What of the height they take, and from which height of the page on there is a line of them.
_SHARE, _FOR_A_LINE = 0.34, 14.5


def cards_of(taken: TakenApart) -> tuple[TakenApart, ...]:
    """The layers that are shown below the number."""
    place = taken.place
    if not place.backward:
        return taken.onward
    # On the way back what is drawn is what comes back to the number; it goes on through its own layer.
    own = taken.curve is not None or (taken.window is not None and taken.window.points is None)
    return (taken,) if own and taken.back is not None else ()


def height_of_onward(ink: Ink, room: QRectF, taken: TakenApart) -> float:
    """How much of a page it takes: that of cards, of a line, or nothing."""
    cards = cards_of(taken)
    if not cards and taken.answer is None:
        return 0.0
    letters = ink.letters
    if room.height() > _PAGE * letters and room.width() > _ACROSS * letters:
        return min(max(_SHARE * room.height(), _LEAST * letters), _MOST * letters)
    lined = bool(cards) and not taken.place.backward
    return 1.8 * letters if lined and room.height() > _FOR_A_LINE * letters else 0.0


def paint_onward(ink: Ink, area: QRectF, taken: TakenApart) -> None:
    """Cards beside each other, or a line."""
    cards = cards_of(taken)
    if area.height() < 3 * ink.letters:
        _paint_line(ink, area, cards)
        return
    gap = 0.9 * ink.letters
    widths = [_width_of(one) * ink.letters for one in cards]
    less = min(1.0, (area.width() - gap * (len(cards) - 1)) / max(sum(widths), 1.0))
    x = area.left()
    for one, wide in zip(cards, widths, strict=True):
        rect = QRectF(x, area.top(), less * wide, area.height())
        _paint_card(ink, rect, one, back=taken.place.backward)
        x = rect.right() + gap
    if taken.answer is not None and area.right() - x > _LEAST_ANSWER * ink.letters:
        wide = min(area.right() - x, _WIDEST_ANSWER * ink.letters)
        _paint_answer(ink, QRectF(x, area.top(), wide, area.height()), taken, taken.answer)


def _width_of(one: TakenApart) -> float:
    """In letters."""
    if one.window is not None:
        return min(max(4.6 * len(one.window.columns) + 9.6, _WINDOW_CARD), _WIDEST)
    return _CURVE_CARD if one.curve is not None else _WIDEST


def _title(one: TakenApart, *, back: bool) -> tuple[str, str]:
    """Its name, and what it does."""
    node = one.place.node
    if one.window is not None:
        does = pooled_words(one.window)
        if back:
            does = "the winner gets it all" if one.window.largest is not None else "each gets its share"
    elif back:
        does = "times the slope"
    else:
        does = one.explanation.formula.partition(";")[0]
    return (f"then back through {node}: " if back else f"then {node}: "), does


def _paint_card(ink: Ink, rect: QRectF, one: TakenApart, *, back: bool) -> None:
    letters = ink.letters
    room = ink.card(rect)
    target = _onward_back(one) if back else one.place
    value = number(sum_of(one.explanation))
    name, does = _title(one, back=back)
    words = f"{name}{does}" if back else f"{name}{value}. Click to walk there."
    ink.spot(rect, words, target=target, zone="then")
    line = QRectF(room.left(), room.top(), room.width(), 1.6 * letters)
    title = ink.width(name, 1.0, 600)
    if title + ink.width(does, 1.0) > line.width():
        does = ""
        name = name.rstrip(": ")
    x = line.left() + ink.text(line, name, 1.0, 600, colour=ink.link(target is not None))
    if does:
        ink.text(QRectF(x, line.top(), line.right() - x, line.height()), does, colour=ink.theme.text_muted)
    body = room.adjusted(0, 1.9 * letters, 0, 0)
    if one.window is not None:
        _paint_pool(ink, body, one, back=back)
    elif one.curve is not None:
        _paint_bend(ink, body, one, back=back)
    else:
        paint_terms(ink, body, one)


def _paint_answer(ink: Ink, rect: QRectF, taken: TakenApart, shares: Shares) -> None:
    """What it comes to in the end: the likeliest classes, and the loss of the right one."""
    letters, quiet = ink.letters, ink.theme.text_muted
    room = ink.card(rect)
    known = shares.right is not None
    target = replace(taken.place, node=LOSS, part=LOSS, index=(), backward=False) if known else None
    tip = "At the end: the loss of this example. Click to walk there." if known else "At the end: what it answers"
    ink.spot(rect, tip, target=target, zone="then")
    line = QRectF(room.left(), room.top(), room.width(), 1.6 * letters)
    x = line.left() + ink.text(line, "… at the end: ", 1.0, 600, colour=ink.link(known))
    end = "softmax → loss" if known else "softmax"  # of an own input nobody need know the right class
    words = f"logits → {end}"
    if x + ink.width(words) > line.right():
        words = end if x + ink.width(end) <= line.right() else ""
    ink.text(QRectF(x, line.top(), line.right() - x, line.height()), words, colour=quiet)
    foot = 1.7 * letters
    body = room.adjusted(0, 1.8 * letters, 0, -foot)
    count = max(1, min(int(body.height() / (1.25 * letters)), len(shares.scores)))
    likeliest = np.argsort(-np.nan_to_num(shares.shares, nan=-1.0), kind="stable").tolist()
    first = [shares.right] if shares.right is not None else []
    order = sorted(list(dict.fromkeys([*first, *likeliest]))[:count])
    row = min(body.height() / len(order), 1.6 * letters)
    names = min(max(ink.width(shares.names[at], 0.95) for at in order) + letters, 0.3 * body.width())
    numbers = 4.6 * letters
    for place, at in enumerate(order):
        y = body.top() + place * row
        right = at == shares.right
        colour, weight = (ink.theme.good, 700) if right else (ink.theme.text, 400)
        x = body.left()
        ink.text(QRectF(x, y, names, row), shares.names[at], 0.95, weight, colour=colour)
        x += names
        for value in (float(shares.scores[at]), float(shares.shares[at])):
            ink.text(QRectF(x, y, numbers, row), number(value), 0.95, weight, colour=colour, align=RIGHT)
            x += numbers
        share = float(shares.shares[at])
        if body.right() - x > 3 * letters and math.isfinite(share):
            ink.painter.setPen(Qt.PenStyle.NoPen)
            ink.painter.setBrush(ink.theme.good if right else ink.theme.text_faint)
            length = max(1.5, share * (body.right() - x - letters))
            ink.painter.drawRoundedRect(QRectF(x + letters, y + 0.25 * row, length, 0.5 * row), 2, 2)
    if shares.right is not None and shares.loss is not None:
        y = room.bottom() - foot
        text = f"−log {near_one(float(shares.shares[shares.right]))} = "
        pieces = [("loss = ", quiet, 400, 1.1), (text, ink.theme.text, 400, 1.1),
                  (number(shares.loss), ink.theme.text, 700, 1.15)]  # fmt: skip
        ink.run(room.left(), y, foot, pieces, room.right())


def _onward_back(one: TakenApart) -> Place | None:
    """Where the gradient goes on to."""
    if not one.sources:
        return None
    index = one.index
    window = one.window
    if window is not None:
        at = window.largest or (0, 0)
        found = window.input_index(0, *at)
        if found is None:
            return None
        index = found
    return replace(one.place, node=one.sources[0], index=index)


def _paint_pool(ink: Ink, body: QRectF, one: TakenApart, *, back: bool) -> None:
    letters = ink.letters
    note = 0.0
    if not back and one.window is not None and one.window.largest is not None:
        words = "On the way back the whole gradient goes to the winner."
        if body.height() > 8 * letters and ink.width(words, 0.85) <= body.width():
            note = 1.5 * letters
            line = QRectF(body.left(), body.bottom() - 1.3 * letters, body.width(), 1.3 * letters)
            ink.text(line, words, 0.85, colour=ink.theme.text_muted)
    paint_window_small(ink, body.adjusted(0, 0, 0, -note), one, back=back)


def _paint_bend(ink: Ink, body: QRectF, one: TakenApart, *, back: bool) -> None:
    """The curve with this number on it, and beside it what comes in and goes out."""
    curve, letters, quiet = one.curve, ink.letters, ink.theme.text_muted
    assert curve is not None
    came, out, slope = curve.chosen
    gradient = one.explanation.value
    plain = ink.theme.text
    if back:
        passed = slope * gradient
        pieces = [(number(slope), plain, 500, 1.2), (" · ", quiet, 400, 1.2),
                  (number(gradient), ink.sign(gradient), 500, 1.2)]  # fmt: skip
        last = [("= ", quiet, 400, 1.3), (number(passed), ink.sign(passed), 700, 1.4)]
    else:
        pieces = [(number(came), plain, 500, 1.2), (" → ", quiet, 400, 1.2), (number(out), plain, 700, 1.4)]
        last = [(f"slope there {number(slope)}", quiet, 400, 0.95)]
    needed = max(sum(ink.width(text, size, weight) for text, _, weight, size in line) for line in (pieces, last))
    wide = max(4 * letters, min(0.52 * body.width(), 1.7 * body.height(), body.width() - needed - 1.4 * letters))
    paint_plot(ink, QRectF(body.left(), body.top(), wide, body.height()), curve, back=back, small=True)
    x, end = body.left() + wide + letters, body.right() + 2
    middle = body.center().y()
    ink.run(x, middle - 2.0 * letters, 2.0 * letters, pieces, end)
    ink.run(x, middle, 1.9 * letters, last, end)


def _paint_line(ink: Ink, line: QRectF, cards: tuple[TakenApart, ...]) -> None:
    """``then relu1 2.87, then pool1 2.87``: as many as there is room for."""
    x, quiet = line.left(), ink.theme.text_muted
    for one in cards:
        value = number(sum_of(one.explanation))
        lead = "then " if x == line.left() else ",  then "
        needed = ink.width(f"{lead}{one.place.node} → ") + ink.width(value, 1.0, 700)
        if x + needed > line.right():
            return
        begin = x + ink.text(QRectF(x, line.top(), line.right() - x, line.height()), lead, colour=quiet)
        x = ink.run(
            begin, line.top(), line.height(),
            [(one.place.node, ink.link(True), 500, 1.0), (" → ", quiet, 400, 1.0), (value, ink.theme.text, 700, 1.0)],
            line.right(),
        )  # fmt: skip
        spot = QRectF(begin, line.top(), x - begin, line.height())
        ink.spot(spot, f"then {one.place.node}: {value}. Click to walk there.", target=one.place, zone="then")
