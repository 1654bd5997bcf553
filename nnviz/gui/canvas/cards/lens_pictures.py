"""Paints what a card shows through a lens: gradients in the colours of signs, the examples of a batch, their losses.

Each card has a scale of its own, zero-centred: gradients differ by powers of ten from layer to layer. Its end is
written below the picture, beside the sign that says what the numbers are.
"""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from nnviz.gui.canvas.cards.card_pictures import (
    is_written,
    paint_numbers,
    paint_picture,
    sharp,
    strongest,
    tile_rects,
    write_pixels,
)
from nnviz.gui.canvas.cards.card_text import CLOSEST, LETTERS, squeeze_into, squeezed, text_width
from nnviz.gui.canvas.cards.facts import CardFacts, Picture
from nnviz.gui.canvas.cards.lens import LensPicture, Numbers, Shows
from nnviz.gui.canvas.geometry import Level
from nnviz.gui.look.scales import Scale, class_colour, image_of, paint_no_number, sign_colour
from nnviz.gui.look.theme import Theme, format_number, mixed, scene_font
from nnviz.record.readings import ArrayReading

#: Maps that a card shows; from near more.
_TILES = {Level.FAR: 6, Level.NORMAL: 6, Level.NEAR: 24}
#: So many numbers are bars up and down, where the picture is high enough.
_MOST_BARS = 40
_LEAST_BARS_HEIGHT = 24.0
#: Examples of a batch side by side.
MOST_EXAMPLES = 64
#: Height of the line below the picture, as a multiple of its letters.
_LINE = 1.25
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def paint_lens_picture(
    facts: CardFacts, picture: LensPicture, size: QSize, ratio: float, level: Level, theme: Theme, letters: int
) -> QPixmap:
    """The picture of one card in ``size`` device pixels; ``ratio`` of them are one scene unit, as of ``letters``."""
    values = np.asarray(picture.values, dtype=np.float32)
    in_place = picture.shows is Shows.OUTPUT and facts.picture not in (Picture.POINTS, Picture.PLANES)
    line = round(_LINE * letters)
    high = size.height() / ratio
    # From farther away, and where the picture is flat, it keeps all of its place; the tip says how far colours reach.
    ranged = picture.shows is Shows.SIGNS or (picture.shows is Shows.OUTPUT and not in_place)
    below = line if ranged and letters == LETTERS and high >= 2.2 * line else 0
    pixmap = QPixmap(size)
    pixmap.fill(theme.plot_background)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    area = QRectF(0.0, 0.0, size.width() / ratio, high - below)
    if in_place:
        inner = QSize(size.width(), max(1, round(area.height() * ratio)))
        reading = ArrayReading("", 0, values, {})
        painter.drawPixmap(
            0, 0, paint_picture(facts, reading, inner, ratio, level, theme, picture.words, letters=letters)
        )
    painter.scale(ratio, ratio)
    words = ""
    if not values.size or in_place:
        pass
    elif picture.shows is Shows.EXAMPLES:
        _paint_examples(painter, area, facts, picture, ratio, theme, letters)
    elif picture.shows is Shows.LOSSES:
        _paint_losses(painter, area, picture, theme, letters)
    else:
        shown = values[: _TILES[level]] if values.ndim == 3 and values.shape[1] * values.shape[2] > 1 else values
        scale = Scale.signs(shown)
        words = end_of(scale)
        _paint_signs(painter, area, facts, shown, scale, ratio, theme, letters)
    if below:
        place = QRectF(0.0, area.bottom(), area.width(), below)
        painter.fillRect(place, theme.panel_raised)
        painter.setFont(
            squeezed(letters, 400, max(CLOSEST, squeeze_into(text_width(words, letters, 400), place.width())))
        )
        painter.setPen(theme.text_muted)
        painter.drawText(place.adjusted(0.0, 0.0, -1.0, 0.0), _RIGHT, words)
    painter.end()
    return pixmap


def end_of(scale: Scale) -> str:
    """How far the colours of a zero-centred scale reach: ``±0.0031``; and what is no number."""
    if not scale.known:
        return scale.missing or "NaN"
    text = f"±{scale.words()[1]}" if scale.high else "0"
    return f"{text}, {scale.missing}" if scale.missing else text


def _paint_signs(
    painter: QPainter, area: QRectF, facts: CardFacts, values: Numbers, scale: Scale, ratio: float, theme: Theme,
    letters: int,
) -> None:  # fmt: skip
    if facts.picture is Picture.NUMBERS and values.ndim == 1:
        paint_numbers(painter, area, values, scale, letters)
    elif values.ndim == 3 and values.shape[1] * values.shape[2] > 1:
        if len(values) == 3 and facts.picture is Picture.IMAGE:  # one a channel: red, green, blue
            values = values[:3]
        for rect, pixels in zip(
            tile_rects(area, values.shape[0], values.shape[2], values.shape[1]), scale.paint(values), strict=True
        ):
            sharp(painter, rect, pixels, ratio)
            if is_written(values):
                write_pixels(painter, rect, values[0], scale, letters)
    elif values.ndim == 2 and min(values.shape) > 1:
        sharp(painter, area, scale.paint(values), ratio)
    elif facts.kind == "output":
        _paint_classes(painter, area, facts, values.reshape(-1), scale, theme, letters)
    elif values.size <= _MOST_BARS and area.height() >= _LEAST_BARS_HEIGHT:
        _paint_bars(painter, area, values.reshape(-1), scale, theme)
    else:
        flat = values.reshape(-1)
        cells = max(1, int(area.width() * ratio))
        sharp(painter, area, scale.paint(strongest(flat, cells) if flat.size > cells else flat)[None, :], ratio)


def _paint_bars(painter: QPainter, area: QRectF, values: Numbers, scale: Scale, theme: Theme) -> None:
    """Bars up for what is positive and down for what is negative."""
    inner = area.adjusted(3.0, 3.0, -3.0, -3.0)
    wide = min(inner.width() / len(values), 16.0)
    left = inner.center().x() - wide * len(values) / 2
    middle, reach = inner.center().y(), inner.height() / 2
    for at, value in enumerate(values.tolist()):
        place = QRectF(left + at * wide + 0.1 * wide, inner.top(), 0.8 * wide, inner.height())
        if not math.isfinite(value):
            paint_no_number(painter, place)
            continue
        high = reach * abs(value) / scale.high if scale.high else 0.0
        top = middle - high if value > 0 else middle
        painter.fillRect(QRectF(place.left(), top, place.width(), high), sign_colour(value, theme))
    painter.setPen(QPen(theme.text_faint, 0.8))
    painter.drawLine(QPointF(inner.left(), middle), QPointF(inner.right(), middle))


def _paint_classes(
    painter: QPainter, area: QRectF, facts: CardFacts, values: Numbers, scale: Scale, theme: Theme, letters: int
) -> None:
    """A bar for each number that the network puts out, to the right or to the left of zero, with its name."""
    names = list(facts.class_names) if len(facts.class_names) == values.size else [str(at) for at in range(values.size)]
    order = list(range(values.size))
    most = max(1, min(facts.bar_rows, int(area.height() / 7.0)))
    if len(order) > most:
        largest = np.argsort(-np.abs(np.nan_to_num(values, nan=np.inf)), kind="stable")
        order = sorted(int(at) for at in largest[:most])
    row = area.height() / len(order)
    named = row >= 0.9 * letters and values.size > 1
    painter.setFont(scene_font(letters))
    metrics = painter.fontMetrics()
    numbers = [format_number(float(values[at]), 2) for at in order]
    column = min(max((metrics.horizontalAdvance(names[at]) for at in order), default=0), 0.35 * area.width())
    left = column + 8.0 if named else 3.0
    wide = max((metrics.horizontalAdvance(text) for text in numbers), default=0) + 6.0
    if wide > 0.5 * area.width():
        wide = 3.0
    middle, reach = (left + area.width() - wide) / 2, (area.width() - wide - left) / 2
    for line, (at, text) in enumerate(zip(order, numbers, strict=True)):
        top, value = line * row, float(values[at])
        slim = min(row - 2.0, 12.0)
        bar = QRectF(left, top + (row - slim) / 2, 2 * reach, slim)
        if math.isfinite(value):
            size = reach * abs(value) / scale.high if scale.high else 0.0
            filled = QRectF(middle if value > 0 else middle - size, bar.top(), size, slim)
            painter.fillRect(filled, sign_colour(value, theme))
        else:
            paint_no_number(painter, bar)
        if row >= 0.9 * letters:
            painter.setPen(theme.text_muted)
            if named:
                name = metrics.elidedText(names[at], Qt.TextElideMode.ElideRight, int(column) + 1)
                painter.drawText(QRectF(4.0, top - 2.0, column + 2.0, row + 4.0), _LEFT, name)
            painter.setPen(theme.text)
            painter.drawText(QRectF(area.width() - wide, top - 2.0, wide - 3.0, row + 4.0), _RIGHT, text)
    painter.setPen(QPen(theme.text_faint, 0.8))
    painter.drawLine(QPointF(middle, area.top() + 1.0), QPointF(middle, area.bottom() - 1.0))
    if row < 0.9 * letters and wide > 3.0:
        # Rows too close to be read: the largest is named.
        line = max(range(len(order)), key=lambda at: abs(np.nan_to_num(values[order[at]], nan=np.inf)))
        high = 1.2 * letters
        top = min(max((line + 0.5) * row - high, 0.0), max(0.0, area.height() - 2 * high))
        for at, (text, weight) in enumerate(
            ((names[order[line]] if values.size > 1 else "", 600), (numbers[line], 400))
        ):
            font = scene_font(letters, weight)
            painter.setFont(font)
            painter.setPen(theme.text)
            place = QRectF(area.width() - wide, top + at * high, wide - 3.0, high)
            cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(place.width()) + 1)
            painter.drawText(place, _RIGHT, cut)


def _paint_examples(
    painter: QPainter, area: QRectF, facts: CardFacts, picture: LensPicture, ratio: float, theme: Theme, letters: int
) -> None:
    """The examples side by side, the first of them framed: it is the one that the other parts show."""
    values = np.asarray(picture.values, dtype=np.float32)
    mark = QPen(theme.accent, 1.6)
    if values.ndim == 4:
        # So many as can be told apart; how many more there are stands in the place of the last.
        room = int(area.width() // letters) * int(area.height() // letters)
        most = min(MOST_EXAMPLES, max(room, 4))
        hidden = len(values) - most + 1 if len(values) > most else 0
        rects = tile_rects(area, min(len(values), most), values.shape[3], values.shape[2])
        scale = Scale.picture(values)
        for rect, example in zip(rects[: len(rects) - (hidden > 0)], values, strict=False):
            if values.shape[1] == 3:
                painter.drawImage(rect, image_of(scale.composite(example)))
            else:
                sharp(painter, rect, scale.paint(example[0]), ratio)
        if hidden:
            wide = text_width(f"+{hidden}", letters, 600) + 4.0
            last = rects[-1]
            place = QRectF(min(last.left(), area.right() - wide), last.top(), max(wide, last.width()), last.height())
            painter.fillRect(place, theme.panel_raised)
            painter.setFont(squeezed(letters, 600, 1.0))
            painter.setPen(theme.text)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip
            painter.drawText(place, flags, f"+{hidden}")
        place = rects[0].adjusted(0.8, 0.8, -0.8, -0.8)
    elif values.ndim == 2 and values.shape[1] == 2 and facts.picture is Picture.POINTS:
        _paint_points(painter, area, values, picture.labels, theme)
        return
    else:
        rows = values[:MOST_EXAMPLES].reshape(min(len(values), MOST_EXAMPLES), -1)
        sharp(painter, area, Scale.signs(rows).paint(rows), ratio)
        place = QRectF(area.left(), area.top(), area.width(), area.height() / len(rows))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(mark)
    painter.drawRect(place)


def _paint_points(painter: QPainter, area: QRectF, values: Numbers, labels: Numbers | None, theme: Theme) -> None:
    """Points of the plane in the colours of their classes; a ring around the first."""
    side = min(area.width(), area.height())
    square = QRectF(area.center().x() - side / 2, area.center().y() - side / 2, side, side)
    painter.fillRect(square, theme.neutral)
    points = values[np.isfinite(values).all(axis=1)]
    if not len(points):
        return
    reach = max(float(np.abs(points).max()), 1e-30) * 1.12
    painter.setPen(Qt.PenStyle.NoPen)
    for at, (x, y) in enumerate(values.tolist()):
        if not (math.isfinite(x) and math.isfinite(y)):
            continue
        place = QPointF(square.center().x() + x / reach * side / 2, square.center().y() - y / reach * side / 2)
        number = 0.0 if labels is None else float(labels[at])
        whole = math.isfinite(number) and number == round(number) and number >= 0
        painter.setBrush(class_colour(round(number) if whole else 0, theme))
        painter.drawEllipse(place, 3.0, 3.0)
        if at == 0:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.text, 1.4))
            painter.drawEllipse(place, 5.5, 5.5)
            painter.setPen(Qt.PenStyle.NoPen)


def _paint_losses(painter: QPainter, area: QRectF, picture: LensPicture, theme: Theme, letters: int) -> None:
    """A bar for each example, the first in the accent, and a line at their mean, which is written above."""
    values, mean = np.asarray(picture.values, dtype=np.float32), picture.mean
    line = 1.25 * letters
    inner = area.adjusted(3.0, line, -3.0, -1.0)
    finite = values[np.isfinite(values)]
    most = max(float(finite.max(initial=0.0)), mean if math.isfinite(mean) else 0.0) or 1.0
    wide = min(inner.width() / len(values), 14.0)
    left = inner.center().x() - wide * len(values) / 2
    gap = 0.15 * wide if wide > 3.0 else 0.0
    quiet = mixed(theme.text_faint, theme.plot_background, 0.25)
    for at, value in enumerate(values.tolist()):
        place = QRectF(left + at * wide + gap, inner.top(), max(wide - 2 * gap, 0.5), inner.height())
        if not math.isfinite(value):
            paint_no_number(painter, place)
            continue
        high = max(inner.height() * value / most, 0.8)
        colour: QColor = theme.accent if at == 0 else quiet
        painter.fillRect(QRectF(place.left(), inner.bottom() - high, place.width(), high), colour)
    if math.isfinite(mean):
        y = inner.bottom() - inner.height() * mean / most
        painter.setPen(QPen(theme.text, 1.2, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(inner.left(), y), QPointF(inner.right(), y))
    room = area.width() - 4.0
    painter.setFont(squeezed(letters, 600, max(CLOSEST, squeeze_into(text_width(picture.words, letters, 600), room))))
    painter.setPen(theme.text)
    painter.drawText(QRectF(2.0, area.top(), room, line), Qt.AlignmentFlag.AlignCenter, picture.words)
