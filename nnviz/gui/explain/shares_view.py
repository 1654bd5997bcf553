"""Softmax as a table: logits → exp → ÷ their sum → the share of each class, and the loss of the right one."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPen

from nnviz.gui.explain.ink import LEFT, RIGHT, Ink
from nnviz.gui.explain.terms_view import number, target_of

if TYPE_CHECKING:
    from nnviz.explain.place import Place
    from nnviz.explain.taken_apart import Shares, TakenApart

_ROW, _HIGH_ROW = 1.45, 2.2


def paint_shares(ink: Ink, area: QRectF, taken: TakenApart) -> None:
    """A row a class, as many as there is room for: the right one, the chosen one, and the likeliest."""
    shares, letters = taken.shares, ink.letters
    assert shares is not None
    foot = (2.2 if shares.right is not None else 0.0) + (1.9 if taken.place.node != "loss" else 0.0)
    least = _ROW * letters
    room = area.height() - foot * letters
    lines = max(1, int(room / least) - 2)
    count = len(shares.scores)
    order = list(range(count))
    if lines < count:
        first = [at for at in (shares.right, shares.chosen) if at is not None and at >= 0]
        likeliest = np.argsort(-np.nan_to_num(shares.shares, nan=-1.0), kind="stable").tolist()
        order = sorted(list(dict.fromkeys([*first, *likeliest]))[:lines])
    row = min(_HIGH_ROW * letters, room / (len(order) + 2))
    columns = _columns(ink, area, taken, shares)
    y = area.top()
    for title, left, right, _ in columns:
        align = LEFT if title == "class" else RIGHT
        ink.text(QRectF(left, y, right - left, row), title, 0.9, 500, colour=ink.theme.text_muted, align=align)
    y += row
    bar_left = columns[-1][2] + letters
    bars = area.right() - bar_left
    for at in order:
        _paint_class(ink, QRectF(area.left(), y, area.width(), row), columns, taken, shares, at, bar_left, bars)
        y += row
    hidden = count - len(order)
    quiet = ink.theme.text_muted
    title, sum_left, sum_right, _ = columns[2]
    line = QRectF(sum_left - 6 * letters, y, sum_right - sum_left + 6 * letters, row)
    if hidden:
        free = line.right() - ink.width(f"Σ {title} = {number(shares.total)}", 1.0, 600) - letters
        ink.text(QRectF(area.left(), y, free - area.left(), row), f"and {hidden:,} more", 0.9, colour=quiet)
    ink.painter.setPen(QPen(ink.theme.border, 1.0))
    ink.painter.drawLine(int(columns[1][1]), int(y), int(columns[-1][2]), int(y))
    ink.text(line, f"Σ {title} = {number(shares.total)}", 1.0, 600, align=RIGHT)
    y += row
    if taken.place.node != "loss":
        _paint_source(ink, QRectF(area.left(), y, area.width(), 1.8 * letters), taken)
        y += 1.9 * letters
    if shares.right is not None:
        _paint_loss(ink, QRectF(area.left(), y, area.width(), 2.2 * letters), shares)


def _columns(ink: Ink, area: QRectF, taken: TakenApart, shares: Shares) -> list[tuple[str, float, float, str]]:
    """(title, left, right, key) of each."""
    letters = ink.letters
    power = "e^z" if not shares.shift else "e^(z − largest)"
    titles = [("class", "name"), ("logit z", "score"), (power, "power"), ("p = ÷ Σ", "share")]
    if taken.place.backward and shares.right is not None:
        titles += [("y", "target"), ("p − y = ∂L/∂z", "slope")]
    names = max((ink.width(name) for name in shares.names), default=0.0)
    x = area.left() + 0.4 * letters
    found = []
    spare = area.width() > 44 * letters
    for title, key in titles:
        wide = min(max(names, 3 * letters), 14 * letters) if key == "name" else 0.0
        least = ink.width("−0.00000") if key != "target" else 1.5 * letters
        wide = wide or max(least, ink.width(title, 0.9, 500)) + (1.6 * letters if spare else 0.8 * letters)
        found.append((title, x, x + wide, key))
        x += wide
    return found


def _paint_class(
    ink: Ink, row: QRectF, columns: list[tuple[str, float, float, str]], taken: TakenApart, shares: Shares, at: int,
    bar_left: float, bars: float,
) -> None:  # fmt: skip
    right, chosen = at == shares.right, at == shares.chosen
    theme = ink.theme
    colour = theme.good if right else theme.text
    if chosen:
        ink.painter.setPen(Qt.PenStyle.NoPen)
        back = theme.accent
        ink.painter.setBrush(back)
        ink.painter.setOpacity(0.18)
        ink.painter.drawRoundedRect(row, 4, 4)
        ink.painter.setOpacity(1.0)
    score, power, share = float(shares.scores[at]), float(shares.powers[at]), float(shares.shares[at])
    texts = {
        "name": shares.names[at],
        "score": number(score),
        "power": number(power),
        "share": number(share),
        "target": "1" if right else "0",
        "slope": number(share - float(right)),
    }
    for _, left, end, key in columns:
        place = QRectF(left, row.top(), end - left, row.height())
        weight = 700 if right and key in {"name", "share"} else 500 if chosen else 400
        tint = ink.sign(share - float(right)) if key == "slope" else ink.sign(score) if key == "score" else colour
        ink.text(place, texts[key], 1.0, weight, colour=tint, align=LEFT if key == "name" else RIGHT)
    if bars > 3 * ink.letters and math.isfinite(share):
        ink.painter.setPen(Qt.PenStyle.NoPen)
        ink.painter.setBrush(theme.good if right else theme.text_faint)
        height = min(0.9 * ink.letters, 0.6 * row.height())
        bar = QRectF(bar_left, row.center().y() - height / 2, max(1.5, share * bars), height)
        ink.painter.drawRoundedRect(bar, 2, 2)
    ink.spot(row, f"class {shares.names[at]}: logit {texts['score']}, share {texts['share']}",
             target=_place(taken, shares, at), zone="classes")  # fmt: skip


def _place(taken: TakenApart, shares: Shares, at: int) -> Place:
    return dataclasses.replace(taken.place, node=shares.node, part="output", index=shares.indices[at])


def _paint_source(ink: Ink, row: QRectF, taken: TakenApart) -> None:
    """Where the chosen number comes from, or how the loss changes with it."""
    found = taken.explanation
    x, quiet = row.left(), ink.theme.text_muted
    if taken.place.backward:
        x += ink.text(row, "∂L/∂z of the chosen class = ", colour=quiet)
        ink.text(QRectF(x, row.top(), row.right() - x, row.height()), number(found.value), 1.15, 700)
        return
    share = taken.shares is not None and taken.shares.node != taken.place.node
    x += ink.text(row, "the share " if share else "the logit ", colour=quiet)
    x += ink.text(QRectF(x, row.top(), row.right() - x, row.height()), number(found.value), 1.1, 700)
    x += ink.text(QRectF(x, row.top(), row.right() - x, row.height()), " comes from ", colour=quiet)
    for term in found.largest(3):
        target = target_of(taken, term)
        room, leads = QRectF(x, row.top(), row.right() - x, row.height()), target is not None
        wide = ink.text(room, term.source, 1.0, 500, colour=ink.link(leads))
        if target is not None:
            ink.spot(QRectF(x, row.top(), wide, row.height()), f"{term.source}", target=target)
        x += wide + ink.letters


def near_one(share: float) -> str:
    """A share with as many digits as its logarithm needs: that of 0.998 is not the 0.00161 of 0.99839."""
    rest = 1.0 - share
    return f"{share:.{min(2 - math.floor(math.log10(rest)), 12)}f}" if 0.0 < rest < 0.1 else number(share)


def _paint_loss(ink: Ink, row: QRectF, shares: Shares) -> None:
    assert shares.right is not None and shares.loss is not None
    quiet, text = ink.theme.text_muted, ink.theme.text
    big = 1.35 if row.width() > 34 * ink.letters else 1.05
    share = float(shares.shares[shares.right])
    name = f"“{shares.names[shares.right]}”"
    pieces = [
        ("loss = ", quiet, 400, big),
        (f"−log p({name}) = −log {near_one(share)} = ", text, 400, big),
        (number(shares.loss), text, 700, big),
    ]
    ink.run(row.left(), row.top(), row.height(), pieces, row.right())
