"""Paints a small dense network: units as pictures of the plane or as numbers, weights as lines, biases as marks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen

from nnviz.gui.explain.neuron_places import BiasPlace, LinePlace, NeuronPlaces, UnitPlace
from nnviz.gui.explain.neuron_words import column_title, tip_of, unit_name
from nnviz.gui.look import icons, theme
from nnviz.gui.look.painting import Saved
from nnviz.gui.look.scales import NOT_A_NUMBER, Numbers, Scale, class_colour, image_of, sign_colour
from nnviz.gui.look.theme import format_number

if TYPE_CHECKING:
    from nnviz.explain.neurons import NeuronNumbers

#: Pixels of the widest line, and under which a line has one pixel; and how much of its colour the thinnest has.
_WIDEST, _THIN, _FAINTEST = 6.0, 1.35, 0.28
#: What share of the weights is no wider than that, and what the others are at the most.
_MOST, _CAP = 0.95, 10.0
#: A usual weight is taken for at least as much.
_LEAST_USUAL = 0.1
#: Pixels of a name beside a unit; up to how many units in a column have theirs below them, of up to so many letters.
_NAMES, _NAMES_BELOW, _LETTERS_BELOW = 104.0, 6, 10
#: Shades of a line, and pixels by which widths differ: then there are not many pens.
_LEVELS = 48
_FINER = 0.125
#: What is left of the lines that do not belong to what is pointed at.
_ASIDE = 0.16
_MARK = 3.4

Place = UnitPlace | LinePlace | BiasPlace


@dataclass(frozen=True)
class Lit:
    """What stands out just now.

    Attributes:
        place: What is pointed at; None for nothing.
        chosen: The unit that the keyboard is on; None for none.
        value: What a hand that drags has made of the number at ``place``; None where nobody drags.
        mouse: Where the tip belongs.
    """

    place: Place | None = None
    chosen: UnitPlace | None = None
    value: float | None = None
    mouse: QPointF | None = None


def units_picture(numbers: NeuronNumbers, places: NeuronPlaces, ratio: float) -> tuple[QImage, QPointF] | None:
    """All units as pictures over the plane, in one image of device pixels, and where its upper left corner belongs.

    Each in the colours of signs, as far as its own largest number. One image, because every call to Qt hands the
    interpreter to the training for a while. None where the units are no pictures.
    """
    maps = [layer.maps for layer in numbers.layers]
    if any(one is None for one in maps):
        return None
    every = np.concatenate([one for one in maps if one is not None], dtype=np.float32, casting="same_kind")
    magnitudes = np.maximum(every.max(axis=(1, 2)), -every.min(axis=(1, 2)))
    finite = bool(np.isfinite(magnitudes).all())
    if not finite:
        magnitudes = np.where(np.isfinite(every), np.abs(every), 0.0).max(axis=(1, 2))
    limits = np.where(magnitudes > 0, magnitudes, np.float32(1.0))
    side = max(2, round(2 * places.radius * ratio))
    if finite:
        across = _between(every.shape[1], side)
        every = across @ every @ across.T
    else:  # what is no number would spread to its neighbours
        at = (np.arange(side) + 0.5) * every.shape[1] // side
        every = every[:, at.astype(int)][:, :, at.astype(int)]
    # All in one go, on one scale: each unit in shares of its own largest number.
    every /= limits[:, None, None]
    painted = Scale("diverging", -1.0, 1.0).paint(every)
    painted &= _disc(side)
    middles = [middle for column in places.units for middle in column]
    lefts = [round((middle.x() - places.radius) * ratio) for middle in middles]
    tops = [round((middle.y() - places.radius) * ratio) for middle in middles]
    left, top = min(lefts), min(tops)
    whole = np.zeros((max(tops) - top + side, max(lefts) - left + side), np.uint32)
    for unit, x, y in zip(painted, lefts, tops, strict=True):
        whole[y - top : y - top + side, x - left : x - left + side] = unit
    image = image_of(whole)
    # Every pixel is there or not: that is the same, and Qt need not multiply it each time.
    image.reinterpretAsFormat(QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    return image, QPointF(left / ratio, top / ratio)


@lru_cache(maxsize=8)
def _between(count: int, side: int) -> Numbers:
    """[side, count]: what each pixel takes of each cell, by straight lines between their middles."""
    at = np.clip((np.arange(side) + 0.5) / side * count - 0.5, 0, count - 1)
    low = np.minimum(np.floor(at).astype(int), max(count - 2, 0))
    shares = np.zeros((side, count), dtype=np.float32)
    shares[np.arange(side), low] = 1 - (at - low)
    if count > 1:
        shares[np.arange(side), low + 1] += at - low
    return shares


@lru_cache(maxsize=8)
def _disc(side: int) -> NDArray[np.uint32]:
    """All bits of the pixels of a square that lie in the circle; the ring is painted over its edge."""
    across = np.arange(side) + 0.5 - side / 2
    inside = np.hypot(across[:, None], across[None, :]) <= side / 2
    return np.where(inside, np.uint32(0xFFFFFFFF), np.uint32(0)).astype(np.uint32)


def paint_below(painter: QPainter, places: NeuronPlaces, numbers: NeuronNumbers, lit: Lit) -> None:
    """What lies below the units and the words beside them, in the current theme: the lines."""
    with Saved(painter):
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _paint_lines(painter, places, numbers, lit, theme.current())


def paint_words(painter: QPainter, places: NeuronPlaces, numbers: NeuronNumbers) -> None:
    """The titles of the columns and the names beside the units: the same as long as the layers are."""
    with Saved(painter):
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _paint_words(painter, places, numbers, theme.current())


def paint_above(painter: QPainter, places: NeuronPlaces, numbers: NeuronNumbers, lit: Lit) -> None:
    """The units where they are numbers; of all of them the rings, and the marks that lie over them."""
    with Saved(painter):
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _paint_units(painter, places, numbers, lit, theme.current())


def paint_tip(painter: QPainter, numbers: NeuronNumbers, lit: Lit, room: QRectF) -> None:
    """Value and gradient of the weight or the bias that is pointed at, beside the mouse."""
    place, mouse = lit.place, lit.mouse
    if mouse is None or not isinstance(place, LinePlace | BiasPlace):
        return
    colours = theme.current()
    title, value, gradient = tip_of(numbers, place, lit.value)
    head, body = theme.font(14, 600), theme.font(14)
    metrics, small = QFontMetricsF(head), QFontMetricsF(body)
    hint = "  drag ↕, click to type"
    second = small.horizontalAdvance(hint) + metrics.horizontalAdvance(value)
    width = max(metrics.horizontalAdvance(title), second, small.horizontalAdvance(gradient)) + 24
    line = metrics.height() + 2
    height = line * (3 if gradient else 2) + 16
    x = min(max(room.left() + 4, mouse.x() + 14), room.right() - width - 4)
    y = mouse.y() - height - 12
    if y < room.top() + 4:
        y = min(mouse.y() + 18, room.bottom() - height - 4)
    box = QRectF(x, y, width, height)
    with Saved(painter):
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colours.accent, 1.2))
        painter.setBrush(colours.panel_raised)
        painter.drawRoundedRect(box, 6, 6)
        base = QPointF(box.left() + 12, box.top() + 8 + metrics.ascent())
        painter.setFont(head)
        painter.setPen(colours.text)
        painter.drawText(base, title)
        number = float("nan") if value == "none" else _value(numbers, place, lit.value)
        painter.setPen(sign_colour(number, colours) if math.isfinite(number) else colours.text)
        painter.drawText(base + QPointF(0, line), value)
        painter.setFont(body)
        painter.setPen(colours.text_muted)
        painter.drawText(base + QPointF(metrics.horizontalAdvance(value), line), hint)
        painter.drawText(base + QPointF(0, 2 * line), gradient)


def _value(numbers: NeuronNumbers, place: LinePlace | BiasPlace, dragged: float | None) -> float:
    layer = numbers.layers[place.layer]
    if dragged is not None:
        return dragged
    if isinstance(place, LinePlace):
        return math.nan if layer.weights is None else float(layer.weights[place.unit, place.source])
    return math.nan if layer.biases is None else float(layer.biases[place.unit])


def names_aside(numbers: NeuronNumbers) -> float:
    """Pixels at the left for the names of what comes in, where they are too many or too long to stand below units."""
    units, names = numbers.chain.layers[0].units, numbers.feature_names
    if len(names) != units:
        return 0.0
    return _NAMES if units > _NAMES_BELOW or any(len(name) > _LETTERS_BELOW for name in names) else 0.0


def largest(arrays: list[Numbers | None]) -> float:
    """The largest finite magnitude; at least a trace above zero."""
    found = 1e-12
    for array in arrays:
        if array is not None and array.size:
            finite = np.abs(array[np.isfinite(array)])
            found = max(found, float(finite.max()) if finite.size else 0.0)
    return found


def line_width(weight: float, limit: float) -> float:
    """Pixels, in proportion to the magnitude; the few that are far larger than most are only somewhat wider."""
    if not math.isfinite(weight):
        return _WIDEST
    width = _WIDEST * abs(weight) / limit
    # Of the thin ones the shade tells more than the width, and Qt draws lines of one pixel three times as fast.
    return min(round(width / _FINER) * _FINER, _CAP) if width >= _THIN else 1.0


def _levels_and_widths(sizes: Numbers, limit: float) -> tuple[NDArray[np.intp], Numbers]:
    """Shade (-1 for what is no number) and :func:`line_width` of each line."""
    finite = np.isfinite(sizes)
    shares = np.where(finite, sizes, 0.0) / limit
    levels = np.where(finite, np.minimum(shares, 1.0) * _LEVELS, -1.0).astype(np.intp)
    widths = np.minimum(np.rint(_WIDEST * shares / _FINER) * _FINER, _CAP)
    widths = np.where(_WIDEST * shares >= _THIN, widths, 1.0)
    return levels, np.where(finite, widths, _WIDEST)


def usual(arrays: list[Numbers | None]) -> float:
    """The magnitude that all but a few of the numbers stay under, for the widths of lines.

    Not less than 0.1: weights of a thousandth are drawn as the next to nothing that they are, also where all are so.
    """
    found = [np.abs(array[np.isfinite(array)]).ravel() for array in arrays if array is not None]
    every = np.concatenate(found) if found else np.zeros(0)
    return max(float(np.quantile(every, _MOST)), _LEAST_USUAL) if every.size else _LEAST_USUAL


@cache
def _line_colours(theme_name: str, aside: bool) -> tuple[tuple[QColor, ...], tuple[QColor, ...]]:
    """Of negative and of positive weights, from the smallest to the largest.

    Mixed with the ground beforehand: half-transparent lines take Qt three times as long.
    """
    colours = theme.DARK if theme_name == theme.DARK.name else theme.LIGHT
    strengths = [_FAINTEST + (1 - _FAINTEST) * math.sqrt(level / _LEVELS) for level in range(_LEVELS + 1)]
    if aside:
        strengths = [_ASIDE * strength for strength in strengths]
    return (
        tuple(theme.mixed(colours.window, colours.negative, strength) for strength in strengths),
        tuple(theme.mixed(colours.window, colours.positive, strength) for strength in strengths),
    )


@lru_cache(maxsize=4096)
def _line_pen(theme_name: str, aside: bool, positive: bool, level: int, width: float) -> QPen:
    """Of a line; of a weight that is no number, where the level is below 0. Never written to."""
    colour = _line_colours(theme_name, aside)[positive][level] if level >= 0 else QColor.fromRgb(NOT_A_NUMBER)
    pen = QPen(colour, width)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    return pen


def _paint_lines(
    painter: QPainter, places: NeuronPlaces, numbers: NeuronNumbers, lit: Lit, colours: theme.Theme
) -> None:
    limit = usual([layer.weights for layer in numbers.layers])
    place = lit.place
    painter.setBrush(Qt.BrushStyle.NoBrush)
    unit_lit = isinstance(place, UnitPlace)
    paths: list[QPainterPath] = []
    found: list[Numbers] = []
    belong: list[NDArray[np.bool_]] = []
    for layer in range(1, len(places.units)):
        weights = numbers.layers[layer].weights
        if weights is None:
            continue
        paths += [path for by_source in places.lines[layer - 1] for path in by_source]
        found.append(weights)
        stands_out = np.full(weights.shape, not unit_lit)
        if unit_lit and place is not None and place.layer == layer:
            stands_out[place.unit] = True
        elif unit_lit and place is not None and place.layer == layer - 1:
            stands_out[:, place.unit] = True
        belong.append(stands_out.ravel())
    if not paths:
        return
    every, standing = np.concatenate([one.ravel() for one in found]).astype(np.float64), np.concatenate(belong)
    sizes = np.abs(every)
    levels, widths = _levels_and_widths(sizes, limit)
    # What matters lies above what does not.
    kinds = list(zip((~standing).tolist(), (every > 0).tolist(), levels.tolist(), widths.tolist(), strict=True))
    before: tuple[bool, bool, int, float] | None = None
    for at in np.lexsort((sizes, standing)).tolist():
        if kinds[at] != before:
            before = kinds[at]
            painter.setPen(_line_pen(colours.name, *before))
        painter.drawPath(paths[at])
    if isinstance(place, LinePlace):
        weights = numbers.layers[place.layer].weights
        if weights is not None:
            weight = float(weights[place.unit, place.source])
            path = places.lines[place.layer - 1][place.unit][place.source]
            painter.setPen(QPen(colours.text, line_width(weight, limit) + 3.0))
            painter.drawPath(path)
            painter.setPen(QPen(sign_colour(weight, colours), line_width(weight, limit) + 0.6))
            painter.drawPath(path)


def _paint_units(
    painter: QPainter,
    places: NeuronPlaces,
    numbers: NeuronNumbers,
    lit: Lit,
    colours: theme.Theme,
) -> None:
    bias_limit = largest([layer.biases for layer in numbers.layers])
    radius = places.radius
    silent, held = numbers.switches.off, numbers.switches.frozen
    for layer, column in enumerate(places.units):
        here = numbers.layers[layer]
        scale = None if here.values is None else Scale.signs(here.values)
        for unit, middle in enumerate(column):
            circle = QRectF(middle.x() - radius, middle.y() - radius, 2 * radius, 2 * radius)
            off = (here.layer.output, unit) in silent
            pointed = lit.place == UnitPlace(layer, unit) and isinstance(lit.place, UnitPlace)
            ring = colours.accent if pointed or lit.chosen == (layer, unit) else colours.text_faint
            painter.setPen(QPen(ring, 2.6 if ring is colours.accent else 1.4))
            if here.maps is not None:
                painter.setBrush(Qt.BrushStyle.NoBrush)
            elif scale is not None and here.values is not None:
                painter.setBrush(scale.colour(float(here.values[unit])))
            else:
                painter.setBrush(colours.neutral)
            painter.drawEllipse(circle)
            if here.values is not None:
                _paint_number(painter, middle, radius, float(here.values[unit]), colours)
            if off:
                painter.setPen(QPen(colours.text, 2.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
                reach = 0.72 * radius
                for sign in (-1, 1):
                    painter.drawLine(middle + QPointF(-reach, -sign * reach), middle + QPointF(reach, sign * reach))
            if layer and here.biases is not None:
                _paint_bias(painter, places, lit, layer, unit, float(here.biases[unit]) / bias_limit, colours)
            if (here.layer.node, unit) in held:
                side = round(max(13.0, 0.62 * radius))
                corner = middle + QPointF(0.42 * radius, -1.12 * radius)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colours.panel_raised)
                painter.drawEllipse(QRectF(corner.x() - 3, corner.y() - 3, side + 6, side + 6))
                device = painter.device()
                ratio = device.devicePixelRatioF() if device is not None else 1.0
                painter.drawPixmap(corner, icons.pixmap("lock", colours.text, side, ratio))


def _paint_number(painter: QPainter, middle: QPointF, radius: float, value: float, colours: theme.Theme) -> None:
    """A number over a unit, on a ground of its own."""
    text = format_number(value, 2)
    font = theme.font(13 if radius >= 18 else 12, 600)
    metrics = QFontMetricsF(font)
    width = metrics.horizontalAdvance(text) + 8
    box = QRectF(middle.x() - width / 2, middle.y() - metrics.height() / 2 - 0.5, width, metrics.height() + 1)
    ground = QColor(colours.panel)
    ground.setAlphaF(0.86)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(box, 5, 5)
    painter.setFont(font)
    painter.setPen(colours.text if math.isfinite(value) else QColor.fromRgb(NOT_A_NUMBER))
    painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)


def _paint_bias(
    painter: QPainter, places: NeuronPlaces, lit: Lit, layer: int, unit: int, share: float, colours: theme.Theme
) -> None:
    """A dot in the colour of the sign, the larger the bias the larger."""
    pointed = isinstance(lit.place, BiasPlace) and lit.place == (layer, unit)
    size = _MARK * (0.75 + min(abs(share), 1.0)) + (1.5 if pointed else 0.0) if math.isfinite(share) else 2 * _MARK
    painter.setPen(QPen(colours.text if pointed else colours.window, 1.6))
    painter.setBrush(sign_colour(share, colours))
    painter.drawEllipse(places.mark(layer, unit), size, size)


def _paint_words(painter: QPainter, places: NeuronPlaces, numbers: NeuronNumbers, colours: theme.Theme) -> None:
    font = theme.font(13)
    metrics = QFontMetricsF(font)
    painter.setFont(font)
    last = len(places.units) - 1
    for layer, column in enumerate(places.units):
        title = column_title(numbers, layer)
        painter.setPen(colours.text_muted)
        width = metrics.horizontalAdvance(title)
        x = min(max(places.area.left() + 2, column[0].x() - width / 2), places.area.right() - width - 2)
        painter.drawText(QPointF(x, places.area.top() + metrics.ascent() + 2), title)
        if layer not in (0, last) or (layer == last and len(column) == 1):
            continue
        beside = layer == 0 and names_aside(numbers) > 0
        for unit, middle in enumerate(column):
            name = unit_name(numbers, layer, unit)
            if beside:
                room = middle.x() - places.radius - 8
                name = metrics.elidedText(name.replace("_", " "), Qt.TextElideMode.ElideRight, room)
                edge = QPointF(room - metrics.horizontalAdvance(name), middle.y() + metrics.ascent() / 2 - 1)
                painter.drawText(edge, name)
                continue
            width = metrics.horizontalAdvance(name)
            room = column[1].y() - column[0].y() - 2 * places.radius if len(column) > 1 else metrics.height() + 9
            if room < metrics.height():
                continue
            left = min(middle.x() - width / 2, places.area.right() - width - 2)
            base = QPointF(max(places.area.left() + 2, left), middle.y() + places.radius + metrics.ascent() + 3)
            if layer == last:
                painter.setPen(class_colour(unit, colours) if numbers.task != "regression" else colours.text_muted)
            painter.drawText(base, name)
