"""Any number as a table of what it is the sum of: source, factors, value, a bar; and what is behind the factors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF

from nnviz.explain.text import is_called_by_value
from nnviz.gui.explain.ink import LEFT, RIGHT, Ink
from nnviz.gui.look import theme as themes

if TYPE_CHECKING:
    from nnviz.explain.explanation import Explanation, Factor, Term
    from nnviz.explain.place import Place
    from nnviz.explain.taken_apart import TakenApart

#: Height of a row in letters, the least and the most.
_ROW, _HIGH_ROW = 1.55, 2.1
#: Letters of the name below a factor: beside where its term comes from, and where the name says that.
_NAME, _NAME_ALONE = 9, 15
#: Lines about what computed factors are made of.
_MOST_STEPS = 8


def number(value: float) -> str:
    """A number as it is written everywhere."""
    return themes.format_number(value)


def sum_of(found: Explanation) -> float:
    """What the terms sum to; the value itself where they differ by rounding only, so that the same is read twice."""
    total = found.total
    size = math.fsum(abs(term.value) for term in found.terms if math.isfinite(term.value)) + abs(found.value)
    return found.value if abs(total - found.value) <= 1e-5 * size else total


def target_of(taken: TakenApart, term: Term) -> Place | None:
    """Where a term as a whole leads: to the last of its numbers that can be explained itself."""
    for factor in (*reversed(term.factors), *term.links):
        place = taken.place_of(factor)
        if place is not None and place.part == "output" and place != taken.place:
            return place
    return next((place for factor in term.factors if (place := taken.place_of(factor)) is not None), None)


def paint_terms(ink: Ink, area: QRectF, taken: TakenApart) -> None:
    """The largest terms that there is room for, one line for all others, and the sum; few of them in large letters."""
    found, usual = taken.explanation, ink.letters
    if not found.terms:  # nothing reads it, as the last column that a wide stride leaves out
        line = QRectF(area.left(), area.top(), area.width(), min(2.2 * usual, area.height()))
        pieces = [("it is ", ink.theme.text_muted, 400, 1.0), (number(found.value), ink.theme.text, 700, 1.3),
                  (f"   {found.words}", ink.theme.text_muted, 400, 1.0)]  # fmt: skip
        ink.run(line.left(), line.top(), line.height(), pieces, line.right())
        return
    if area.height() > 2.6 * _HIGH_ROW * (len(found.terms) + 2) * usual and area.width() > 50 * usual:
        ink.letters = 1.3 * usual
    _paint_table(ink, area, taken)
    ink.letters = usual


def _paint_table(ink: Ink, area: QRectF, taken: TakenApart) -> None:
    found = taken.explanation
    row = _ROW * ink.letters
    room = int((area.height() - row) // row)
    if room < 1:
        paint_in_a_line(ink, area, taken)
        return
    few = found.largest(max(1, room - 1)) if len(found.terms) > room else found.largest(len(found.terms))
    steps = list(_steps(few))[: max(0, min(_MOST_STEPS, room - len(few) - 1))]
    row = min(_HIGH_ROW * ink.letters, area.height() / (len(few) + 1 + (len(steps) + 1 if steps else 0)))
    columns = _Columns(ink, area, taken, few)
    y = area.top()
    # Where the names of the factors have no room beside them, they stand below them.
    double = min(3.1 * ink.letters, (area.height() - row * (1 + (len(steps) + 1 if steps else 0))) / len(few))
    each = double if not columns.names and double > 2.4 * ink.letters else row
    if each > row and columns.short and (columns.cuts or area.width() < 32 * ink.letters):
        columns.leave_out_sources()
    largest = max((abs(term.value) for term in few if math.isfinite(term.value)), default=1.0) or 1.0
    for term in few:
        _paint_row(ink, QRectF(area.left(), y, area.width(), each), columns, taken, term, largest, below=each > row)
        y += each
    ink.painter.setPen(ink.theme.border)
    ink.painter.drawLine(QPointF(area.left(), y), QPointF(columns.end, y))
    total = sum_of(found)
    line = QRectF(area.left(), y, columns.value_right - area.left(), row)
    ink.text(line, "sum" if len(few) > 1 else "it is", colour=ink.theme.text_muted)
    ink.text(line, number(total), 1.2, 700, align=RIGHT)
    y += row
    if steps:
        ink.caption(QRectF(area.left(), y, area.width(), row), "where")
        y += row
    for factor in steps:
        _paint_step(ink, QRectF(area.left(), y, area.width(), row), taken, factor)
        y += row


class _Columns:
    """Where the columns of the table stand."""

    def __init__(self, ink: Ink, area: QRectF, taken: TakenApart, terms: tuple[Term, ...]) -> None:
        gap = 0.9 * ink.letters
        values = max((ink.width(number(term.value), 1.0, 600) for term in terms), default=0.0)
        values = max(values, ink.width("−0.00000", 1.0, 600))
        bar = min(9 * ink.letters, 0.2 * area.width()) if area.width() > 24 * ink.letters else 0.0
        products = max((ink.width(_product(term, names=True), 1.0) for term in terms), default=0.0)
        sources = max((ink.width(term.source) for term in terms), default=0.0)
        left = area.width() - values - bar - 3 * gap
        self.names = sources + products <= left
        self.short = self.cuts = False
        self.most_name = _NAME
        if not self.names:
            products = max((_stacked_width(ink, term) for term in terms), default=0.0)
            self.short = sources + products > left
            if self.short:
                sources = max((ink.width(source_of(taken, term, short=True)) for term in terms), default=0.0)
                #: Where a term comes from would end in an ellipsis.
                self.cuts = sources + products > left
        self.sources = min(sources, max(left - products, 0.3 * left))
        self._ink, self._terms = ink, terms
        self._area, self._gap, self._products, self._left, self._values = area, gap, products, left, values
        self.bar = bar
        self._place()

    def leave_out_sources(self) -> None:
        """The names below the factors say where they come from, whole; where they need its room, the bar goes."""
        self.sources, self.most_name = -self._gap, _NAME_ALONE
        self._products = max((_stacked_width(self._ink, term, self.most_name) for term in self._terms), default=0.0)
        if self._products > self._left and self.bar:
            self._left += self.bar + self._gap
            self.bar = 0.0
        self._place()

    def _place(self) -> None:
        self.factors_left = self._area.left() + self.sources + self._gap
        self.factors_right = min(self.factors_left + self._products + 2, self._area.left() + self._left + self._gap)
        self.value_right = self.factors_right + self._gap + self._values
        self.bar_left = self.value_right + self._gap
        self.end = self.bar_left + self.bar


def source_of(taken: TakenApart, term: Term, *, short: bool = False) -> str:
    """Where a term comes from, in words: ``pixel (12, 10) of channel 6 of conv1``, or ``conv1 · map 6 (12, 10)``."""
    place = target_of(taken, term) if short and term.stands_for == 1 else None
    if place is None or place.index is None or len(place.index) < 2 or place.part != "output":
        return term.source
    return f"{place.node} · map {place.index[0]} ({', '.join(map(str, place.index[1:]))})"


def _stacked_width(ink: Ink, term: Term, most_name: float = _NAME) -> float:
    """Of the factors, with their names below them."""
    times = ink.width(" × ") * max(0, len(term.factors) - 1)
    return times + sum(max(ink.width(_written(one)), _name_width(ink, one, most_name)) for one in term.factors)


def _name_width(ink: Ink, factor: Factor, most: float) -> float:
    return min(ink.width(_name(factor), 0.78), most * ink.letters)


def _written(factor: Factor) -> str:
    """Its value, but −1 and 1/4 as they are called."""
    return factor.name if is_called_by_value(factor) else number(factor.value)


def _name(factor: Factor) -> str:
    return "" if is_called_by_value(factor) else factor.name


def _product(term: Term, *, names: bool) -> str:
    if not term.factors:
        return ""
    return " × ".join(f"{_written(factor)} {_name(factor)}".rstrip() if names else _written(factor)
                      for factor in term.factors)  # fmt: skip


def _paint_row(
    ink: Ink, row: QRectF, columns: _Columns, taken: TakenApart, term: Term, largest: float, *, below: bool
) -> None:
    y, height = row.top(), row.height()
    target = target_of(taken, term)
    words = f"{term.source}: {_product(term, names=True)} = {number(term.value)}" if term.factors else (
        f"{term.source}: {number(term.value)}"
    )  # fmt: skip
    whole = QRectF(row.left(), y, columns.end - row.left(), height)
    if target is not None:
        ink.spot(whole, words, target=target)
    source = QRectF(row.left(), y, columns.sources + 2, height)
    shown = source_of(taken, term, short=columns.short)
    ink.text(source, shown, colour=ink.link(target is not None) if term.stands_for == 1 else ink.theme.text_muted)
    x, end = columns.factors_left, columns.factors_right
    for place, factor in enumerate(term.factors):
        if place:
            x += ink.text(QRectF(x, y, end - x, height), " × ", colour=ink.theme.text_muted)
        leads, number_of = taken.place_of(factor), weight_of(taken, factor)
        high = 0.56 * height if below else height
        line = QRectF(x, y + (0.06 * height if below else 0.0), end - x, high)
        wide = ink.text(line, _written(factor), 1.0, 500, colour=ink.sign(factor.value))
        if below:
            wide_name = _name_width(ink, factor, columns.most_name)
            name = QRectF(x, y + 0.5 * height, wide_name + 2, 0.45 * height)
            ink.text(name, _name(factor), 0.78, colour=ink.link(True) if leads is not None else ink.theme.text_muted)
            wide = max(wide, wide_name)
        spot = QRectF(x, y, wide, height)
        x += wide
        if columns.names and _name(factor):
            wide = ink.text(QRectF(x, y, end - x, height), f" {_name(factor)}", 1.0, colour=ink.theme.text_muted)
            spot.setRight(x + wide)
            x += wide
        if leads is not None and (len(term.factors) > 1 or leads != target):
            words = f"{factor.name} = {number(factor.value)}"
            ink.spot(spot, words, target=leads, number=number_of, value=factor.value, zone="factors")
        elif number_of is not None:  # a bias by itself leads where its row does
            ink.spot(spot, words, target=target, number=number_of, value=factor.value)
    value = QRectF(columns.factors_right, y, columns.value_right - columns.factors_right, height)
    ink.text(value, number(term.value), 1.0, 600, colour=ink.sign(term.value), align=RIGHT)
    if columns.bar:
        ink.bar(QRectF(columns.bar_left, y, columns.bar, height), abs(term.value) / largest, term.value)


def weight_of(taken: TakenApart, factor: Factor) -> tuple[str, str, tuple[int, ...]] | None:
    """Which number of a parameter a factor is."""
    if (factor.node, factor.part) in taken.parameters:
        return factor.node, factor.part, factor.index
    return None


def _steps(terms: tuple[Term, ...]) -> Iterator[Factor]:
    """The computed factors that are made of something, each once, the nearest first."""
    pending = [factor for term in terms for factor in term.factors]
    told: set[tuple[str, float]] = set()
    while pending:
        factor = pending.pop(0)
        if not factor.made_of or (factor.name, factor.value) in told:
            continue
        told.add((factor.name, factor.value))
        yield factor
        pending += [further for term in factor.made_of for further in term.factors]


def _paint_step(ink: Ink, row: QRectF, taken: TakenApart, factor: Factor) -> None:
    """What a computed factor comes from: ``p = σ(z) = 0.953 from 3.00 linear1[0]``."""
    x, end, y, height = row.left(), row.right(), row.top(), row.height()
    quiet = ink.theme.text_muted
    x += ink.text(QRectF(x, y, end - x, height), f"{factor.name} = ", colour=quiet)
    x += ink.text(QRectF(x, y, end - x, height), number(factor.value), 1.0, 600)
    x += ink.text(QRectF(x, y, end - x, height), "  from  ", colour=quiet)
    for place, term in enumerate(factor.made_of):
        if place:
            x += ink.text(QRectF(x, y, end - x, height), ";  ", colour=quiet)
        target = target_of(taken, term)
        text = _product(term, names=True) or f"{term.source} {number(term.value)}"
        if x + ink.width(text) > end and term.factors:
            text = _product(term, names=False)  # whose they are is said in the rows above
        wide = ink.text(QRectF(x, y, end - x, height), text, colour=ink.link(target is not None))
        if target is not None and wide:
            ink.spot(QRectF(x, y, wide, height), f"{term.source}: {text}", target=target, zone="where")
        x += wide
        if x > end - 3 * ink.letters:
            break


def paint_in_a_line(ink: Ink, area: QRectF, taken: TakenApart) -> None:
    """Where there is no room for a table: the largest terms behind each other, and the sum."""
    found = taken.explanation
    x, y, height, end = area.left(), area.top(), min(area.height(), _ROW * ink.letters), area.right()
    quiet = ink.theme.text_muted
    result = f" = {number(sum_of(found))}"
    room = end - ink.width(result, 1.1, 700)
    for place, term in enumerate(found.largest(6)):
        text = number(term.value) if not place else f" {'−' if term.value < 0 else '+'} {number(abs(term.value))}"
        if x + ink.width(text) > room - 2 * ink.letters:
            x += ink.text(QRectF(x, y, room - x, height), " …", colour=quiet)
            break
        wide = ink.text(QRectF(x, y, room - x, height), text, 1.0, 500, colour=ink.sign(term.value))
        target = target_of(taken, term)
        if target is not None:
            ink.spot(QRectF(x, y, wide, height), f"{term.source}: {number(term.value)}", target=target)
        x += wide
    ink.text(QRectF(x, y, end - x, height), result, 1.1, 700, align=LEFT)
