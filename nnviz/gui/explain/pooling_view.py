"""A pooling layer taken apart: its window with the winner or the mean, and what of the gradient comes back to whom."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPen

from nnviz.gui.explain.convolution_view import along_other_wires
from nnviz.gui.explain.ink import CENTRE, Ink
from nnviz.gui.explain.maps_view import as_maps, map_scale, paint_map
from nnviz.gui.explain.terms_view import number, paint_in_a_line, paint_terms, sum_of
from nnviz.gui.explain.window_view import (
    LARGEST_CELL,
    WindowHands,
    WindowSide,
    caption_of,
    map_caption,
    paint_cells,
    paint_input,
)
from nnviz.gui.look import theme as themes
from nnviz.gui.look.scales import Scale
from nnviz.record.number_text import power_of_ten

if TYPE_CHECKING:
    from nnviz.explain.onward import Back, Reader
    from nnviz.explain.place import Place
    from nnviz.explain.taken_apart import TakenApart
    from nnviz.explain.window import Window


def _pooled_side(taken: TakenApart) -> WindowSide:
    """What the window of a pooling layer lies on: the same map that the number is in."""
    window = taken.window
    assert window is not None
    source = taken.sources[0] if taken.sources else ""
    return WindowSide(window, as_maps(taken.inputs[0]), source, source or "input", "")


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
    size = min(room / (grids * columns), high / rows, 1.6 * LARGEST_CELL * letters)
    x, y = area.left(), area.top()
    if picture:
        name = map_caption(ink, side, 0, picture + gap)
        room_of = QRectF(x, y, picture, high + caption + 1.3 * letters)
        place = paint_input(ink, room_of, taken, side, 0, hands, name)
        x = max(x + 0.7 * picture, place.right(), x + ink.width(name, 0.82, 500) - 0.6 * gap) + gap
    came = side.scale(taken, 0)
    values, wide = window.values[0], columns * size
    box = QRectF(x, y + caption, wide, rows * size)

    def leads(at: tuple[int, int]) -> Place | None:
        found = side.place_of(taken, 0, at)
        return dataclasses.replace(found, backward=back) if found is not None else None

    caption_of(ink, QRectF(x, y, wide + 0.8 * gap, caption), "WINDOW x", values, size)
    paint_cells(ink, box, values, came, "window", side, 0, leads)
    _mark_winner(ink, box, window)
    x += wide
    gradient = taken.explanation.value
    if back:
        passed = window.shares[0] * gradient
        ink.text(QRectF(x, y + caption, gap, rows * size), "←", 1.6, colour=ink.theme.text_muted, align=CENTRE)
        x += gap
        caption_of(ink, QRectF(x, y, wide + 0.8 * gap, caption), "BACK TO x", passed, size)
        box = QRectF(x, y + caption, wide, rows * size)
        paint_cells(ink, box, passed, Scale.signs(np.array([gradient])), "back", side, 0, leads)
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
        side = WindowSide(reader.window, as_maps(taken.output), taken.place.node, "", "")
        rows, columns = len(reader.window.rows), len(reader.window.columns)
        grids = 2 if single else 1
        result = 8 * letters if single else 0.0
        low = high if single else high - 1.8 * letters
        wide = room - result - (grids + 1) * gap
        size = min(wide / (grids * columns), low / rows, 1.6 * LARGEST_CELL * letters)
        at = f"({', '.join(map(str, reader.index[1:]))})"
        box = QRectF(x, y + caption, columns * size, rows * size)
        toward = dataclasses.replace(taken.place, node=back.node, index=reader.index)
        values, passed = reader.window.values[0], reader.window.shares[0] * reader.gradient
        shown = (columns * size if single else room) - 0.5 * gap + (gap if single else 0.0)
        caption_of(ink, QRectF(x, y, shown, caption), f"WINDOW {at}" if count > 1 else "WINDOW x", values, size)
        scale = map_scale(as_maps(taken.output), reader.index[0] if taken.output.ndim > 1 else 0)
        paint_cells(ink, box, values, scale, "window", side, 0, partial(_in_gradients, taken, side))
        if reader.window.largest != reader.own or size >= 4 * letters:
            _mark_winner(ink, box, reader.window)
        _mark_own(ink, box, reader)
        text = number(reader.gradient)
        if single:
            right = x + columns * size
            arrow = QRectF(right, y + caption, gap, rows * size)
            ink.text(arrow, "←", 1.6, colour=ink.theme.text_muted, align=CENTRE)
            box = QRectF(right + gap, y + caption, columns * size, rows * size)
            caption_of(ink, QRectF(box.left(), y, columns * size + 0.8 * gap, caption), "BACK TO x", passed, size)
            colours = Scale.signs(np.array([reader.gradient]))
            paint_cells(ink, box, passed, colours, "back", side, 0, partial(_in_gradients, taken, side))
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


def _in_gradients(taken: TakenApart, side: WindowSide, at: tuple[int, int]) -> Place | None:
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

    paint_cells(ink, box, values, scale, "then", side, 0, leads)
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
