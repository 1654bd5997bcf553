"""The live picture of a card: an image, feature maps, lines, a vector or class bars, painted once and kept.

Maps of one card share one scale from their smallest to their largest number, so that they can be compared; vectors that
can be negative use the zero-centred scale. Units over the plane of two features have a zero-centred scale each. What
the colours mean stands in ``look/scales``; the range that is printed is that of the scale which the picture is painted
with. Pixels keep hard edges of equal size at every zoom: a picture is enlarged to the next whole multiple and then
fitted smoothly.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap

from nnviz.gui.canvas.cards.card_text import LETTERS
from nnviz.gui.canvas.cards.facts import CardFacts, Picture
from nnviz.gui.canvas.geometry import FLAT_PICTURE, Level
from nnviz.gui.look.painting import Saved
from nnviz.gui.look.planes import Dots, Edges, decision, draw_dots, probabilities, sureness
from nnviz.gui.look.scales import NOT_A_NUMBER, Scale, image_of, legible_on, paint_no_number
from nnviz.gui.look.theme import Theme, format_number, mixed, scene_font
from nnviz.project import registry
from nnviz.record.number_text import percent, written_number
from nnviz.record.readings import ArrayReading

Numbers = NDArray[Any]
_TILES = {Level.FAR: 6, Level.NORMAL: 6, Level.NEAR: 24}
#: Units over the plane: smooth pictures, of which smaller ones can be read.
_PLANES = {Level.FAR: 15, Level.NORMAL: 15, Level.NEAR: 40}
#: A map of no more pixels than this is written out, pixel by pixel.
_MOST_WRITTEN = 16
_NO_DOTS = Dots()
#: Pictures that say in words what their numbers are, show none, or have a scale for each part.
_WITHOUT_RANGE = frozenset({Picture.NUMBERS, Picture.BARS, Picture.DECISION, Picture.POINTS, Picture.PLANES})
#: From this width on, in scene units, the cells of a vector are drawn apart.
_WIDE_CELL = 5.0
#: Rows may be so high in comparison with the letters beside them: lines of text lie a little closer than usual.
_CLOSEST_ROWS = 0.9
_BESIDE = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
_AT_END = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
_CACHE_BYTES = 48 * 2**20


@dataclass(frozen=True)
class PictureKey:
    """Two pictures with the same key look the same."""

    series: str
    step: int
    identity: int
    width: int
    height: int
    ratio: float
    level: Level
    theme: str
    facts: CardFacts
    label: str
    dots: tuple[int, ...]
    letters: int
    scale: Scale | None = None


class PictureCache:
    """Pictures by what they show, the least recently used thrown away when they become too large together."""

    def __init__(self, limit: int = _CACHE_BYTES) -> None:
        self._limit = limit
        self._bytes = 0
        self._kept: OrderedDict[PictureKey, tuple[QPixmap, ArrayReading, Dots]] = OrderedDict()
        self.painted = 0

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Throw all away."""
        self._kept.clear()
        self._bytes = 0

    def picture(
        self, facts: CardFacts, sample: ArrayReading, size: QSize, ratio: float, level: Level, theme: Theme, label: str,
        dots: Dots = _NO_DOTS, letters: int = LETTERS, scale: Scale | None = None,
    ) -> QPixmap:  # fmt: skip
        """The picture of a card in ``size`` device pixels; ``ratio`` of them are one scene unit, as of ``letters``.

        ``scale`` is in place of its own: that of several pictures which are compared.
        """
        shown = label if facts.picture in (Picture.BARS, Picture.DECISION) else ""
        key = PictureKey(
            sample.series, sample.step, id(sample.array), size.width(), size.height(), ratio, level, theme.name,
            facts, shown, dots.identity, letters, scale,
        )  # fmt: skip
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found[0]
        pixmap = paint_picture(facts, sample, size, ratio, level, theme, label, dots, letters, scale)
        self.painted += 1
        # The samples are kept beside their picture, so that no other array can get their identity.
        self._kept[key] = (pixmap, sample, dots)
        self._bytes += _weight(pixmap, sample)
        while self._bytes > self._limit and len(self._kept) > 1:
            _, (old, its_sample, _) = self._kept.popitem(last=False)
            self._bytes -= _weight(old, its_sample)
        return pixmap


def _weight(pixmap: QPixmap, sample: ArrayReading) -> int:
    """Bytes that a picture keeps: its own, and those of the array that it shows."""
    return pixmap.width() * pixmap.height() * 4 + int(sample.array.nbytes)


def paint_picture(
    facts: CardFacts, sample: ArrayReading, size: QSize, ratio: float, level: Level, theme: Theme, label: str,
    dots: Dots = _NO_DOTS, letters: int = LETTERS, scale: Scale | None = None,
) -> QPixmap:  # fmt: skip
    """Paint the picture of one card; what does not fit the card's kind of picture is shown as a vector."""
    pixmap = QPixmap(size)
    pixmap.fill(theme.plot_background)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.scale(ratio, ratio)
    area = QRectF(0.0, 0.0, size.width() / ratio, size.height() / ratio)
    values = _as_floats(sample.array)
    edges = Edges.of(sample.meta)
    scale = scale or scale_of(facts, values, level)
    if values.size == 0:
        pass
    elif facts.picture is Picture.POINTS and edges is not None and values.ndim == 2:
        _paint_points(painter, area, edges, dots, theme)
    elif facts.picture is Picture.DECISION and edges is not None and values.ndim == 3:
        _paint_decision(painter, area, facts, values, ratio, edges, dots, theme, label, letters)
    elif facts.picture is Picture.PLANES and values.ndim == 3:
        _paint_planes(painter, area, values, ratio, level)
    elif facts.picture is Picture.NUMBERS and values.ndim == 1:
        paint_numbers(painter, area, values, scale, letters)
    elif facts.picture in (Picture.BARS, Picture.DECISION) and values.ndim == 1:
        _paint_bars(painter, area, facts, values, theme, label, letters)
    elif facts.picture is Picture.IMAGE and values.ndim == 3 and values.shape[0] in (1, 3):
        _paint_image(painter, area, values, ratio, scale)
    elif values.ndim == 3 and values.shape[1] * values.shape[2] > 1:
        _paint_tiles(painter, area, values, ratio, level, scale)
        if is_written(values):
            (place,) = tile_rects(area, 1, values.shape[2], values.shape[1])
            write_pixels(painter, place, values[0], scale, letters)
    elif values.ndim == 2 and values.shape[1] > 1:
        sharp(painter, area, scale.paint(values), ratio)  # channels as rows, positions from left to right
    else:
        _paint_strip(painter, area, values.reshape(-1), ratio, scale)
    if level is Level.NEAR and facts.picture not in _WITHOUT_RANGE and values.size:
        _paint_range(painter, area, scale, theme)
    painter.end()
    return pixmap


def picture_words(
    facts: CardFacts, reading: ArrayReading | None, dots: Dots, level: Level
) -> list[tuple[ArrayReading, str, str]]:
    """The measured numbers that are written in a picture: the reading, the text, and which number of it.

    A picture in which nothing is written has an empty text, so that its age is known as well.
    """
    if reading is None or not reading.array.size:
        return []
    values = _as_floats(reading.array)
    if facts.picture is Picture.DECISION and values.ndim == 3:
        shown = [(reading, "", "plane")]
        if _says_below(facts, values) and dots.answer is not None and dots.answer.array.size == 1:
            share = float(probabilities(facts.loss, dots.answer.array).reshape(-1)[0])
            shown.append((dots.answer, yes_no_text(facts, share), "winner"))
        return shown
    if facts.picture in (Picture.BARS, Picture.DECISION) and values.ndim == 1:
        shares = probabilities(facts.loss, values)
        if facts.task == "binary" and shares.size == 1:
            return [(reading, yes_no_text(facts, float(shares[0])), "winner")]
        return [(reading, sureness(facts.loss, shares, values), "winner")]
    if (facts.picture is Picture.NUMBERS and values.ndim == 1) or is_written(values):
        digits = 4 if values.ndim == 1 else 3
        numbers = enumerate(values.reshape(-1).tolist())
        return [(reading, written_number(value, digits), f"number {at}") for at, value in numbers]
    if level is Level.NEAR and facts.picture not in _WITHOUT_RANGE:
        return [(reading, scale_of(facts, values, level).range_words(), "colours")]
    return [(reading, "", "picture")]


def _as_floats(array: Numbers) -> Numbers:
    values = np.asarray(array)
    return values if np.issubdtype(values.dtype, np.floating) else values.astype(np.float32)


def _says_below(facts: CardFacts, values: Numbers) -> bool:
    """Whether what the network says of the pinned example stands below the plane."""
    return facts.task == "binary" and len(values) == 1


def _winner(shares: Numbers) -> int:
    return int(np.argmax(np.nan_to_num(shares, nan=-1.0)))


def yes_no_text(facts: CardFacts, share: float) -> str:
    """What is said of one probability: the number, or the sign where the loss asks for one."""
    loss = registry.losses().get(facts.loss)
    signed = loss is not None and loss.answer == "sign" and math.isfinite(share)
    return ("+1" if share > 0.5 else "−1") if signed else format_number(share, 2)


def scale_of(facts: CardFacts, values: Numbers, level: Level) -> Scale:
    """How the picture of a card is painted; bars, points and planes have scales of their own."""
    if facts.picture is Picture.IMAGE and values.ndim == 3 and values.shape[0] in (1, 3):
        return Scale.picture(values)
    if values.ndim == 3 and values.shape[1] * values.shape[2] > 1:
        return Scale.amounts(values[: _TILES[level]])
    if facts.signed:
        return Scale.signs(values)
    return Scale.amounts(values, from_zero=values.ndim != 2 or values.shape[1] <= 1)


def scale_of_reading(facts: CardFacts, sample: ArrayReading, level: Level) -> Scale | None:
    """The scale of a card's picture; None of those that show no numbers by colours, or have a scale for each part."""
    values = _as_floats(sample.array)
    if facts.picture in _WITHOUT_RANGE or not values.size:
        return None
    return scale_of(facts, values, level)


def shown_values(facts: CardFacts, values: Numbers, level: Level) -> Numbers:
    """The part of an output that the card shows: the first maps, everything else whole."""
    if facts.picture is Picture.TILES and values.ndim == 3:
        return values[: _TILES[level]]
    return values


def sharp(painter: QPainter, target: QRectF, pixels: NDArray[np.uint32], ratio: float) -> None:
    """Draw 0xAARRGGBB[height, width] into a rectangle with hard pixel edges of equal size."""
    height, width = pixels.shape
    across, down = target.width() * ratio / width, target.height() * ratio / height
    if across >= 1.0 or down >= 1.0:
        by_x, by_y = max(1, math.ceil(across - 0.01)), max(1, math.ceil(down - 0.01))
        pixels = np.repeat(np.repeat(pixels, by_y, axis=0), by_x, axis=1)
    data = np.ascontiguousarray(pixels)
    image = QImage(data.data, data.shape[1], data.shape[0], data.shape[1] * 4, QImage.Format.Format_RGB32)
    device = QSize(max(1, round(target.width() * ratio)), max(1, round(target.height() * ratio)))
    if image.width() > 2 * device.width() or image.height() > 2 * device.height():
        # The painter's own filter looks at four pixels only; this one averages all of them.
        image = image.scaled(device, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    painter.drawImage(target, image)


def _fit(area: QRectF, width: float, height: float) -> QRectF:
    """The largest rectangle of these proportions in the middle of an area."""
    factor = min(area.width() / width, area.height() / height)
    fitted = QRectF(0.0, 0.0, width * factor, height * factor)
    fitted.moveCenter(area.center())
    return fitted


def _paint_image(painter: QPainter, area: QRectF, values: Numbers, ratio: float, scale: Scale) -> None:
    target = _fit(area, values.shape[2], values.shape[1])
    if values.shape[0] == 3:
        painter.drawImage(target, _enlarged(image_of(scale.composite(values)), target, ratio))
    else:
        sharp(painter, target, scale.paint(values[0]), ratio)


def _enlarged(image: QImage, target: QRectF, ratio: float) -> QImage:
    factor = math.ceil(target.width() * ratio / image.width() - 0.01)
    if factor >= 1:
        return image.scaled(image.width() * factor, image.height() * factor)
    width, height = round(target.width() * ratio), round(target.height() * ratio)
    return image.scaled(
        max(1, width), max(1, height), Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    )


def tile_rects(area: QRectF, count: int, width: int, height: int, gap: float = 1.0) -> list[QRectF]:
    """Where ``count`` maps stand so that each is as large as it can be, in the middle of the area."""
    best, columns = 0.0, 1
    for across in range(1, count + 1):
        down = math.ceil(count / across)
        room = (area.width() - (across - 1) * gap) / across, (area.height() - (down - 1) * gap) / down
        factor = min(room[0] / width, room[1] / height)
        if factor > best * 1.001:
            best, columns = factor, across
    rows = math.ceil(count / columns)
    tile_width, tile_height = width * best, height * best
    left = area.center().x() - (columns * tile_width + (columns - 1) * gap) / 2
    top = area.center().y() - (rows * tile_height + (rows - 1) * gap) / 2
    return [
        QRectF(
            left + (index % columns) * (tile_width + gap), top + (index // columns) * (tile_height + gap),
            tile_width, tile_height,
        )
        for index in range(count)
    ]  # fmt: skip


def _paint_tiles(
    painter: QPainter, area: QRectF, values: Numbers, ratio: float, level: Level, scale: Scale
) -> None:  # fmt: skip
    shown = values[: _TILES[level]]
    painted = scale.paint(shown)
    for rect, pixels in zip(
        tile_rects(area, shown.shape[0], shown.shape[2], shown.shape[1]), painted, strict=True
    ):  # fmt: skip
        sharp(painter, rect, pixels, ratio)


def is_written(values: Numbers) -> bool:
    """Whether a map is so small that the numbers of its pixels are written into them."""
    return values.ndim == 3 and len(values) == 1 and 1 < values.size <= _MOST_WRITTEN


def write_pixels(painter: QPainter, place: QRectF, values: Numbers, scale: Scale, letters: int) -> None:
    """The numbers of a small map, where all of them fit into its pixels."""
    texts = [written_number(float(value), 3) for value in values.reshape(-1)]
    across, down = place.width() / values.shape[1], place.height() / values.shape[0]
    painter.setFont(scene_font(letters, 600))
    metrics = painter.fontMetrics()
    if down < letters or max(metrics.horizontalAdvance(text) for text in texts) > across - 2.0:
        return
    for at, (text, colour) in enumerate(zip(texts, scale.paint(values).reshape(-1), strict=True)):
        row, column = divmod(at, values.shape[1])
        cell = QRectF(place.left() + column * across, place.top() + row * down, across, down)
        painter.setPen(legible_on(QColor.fromRgb(int(colour))))
        painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, text)


def _paint_planes(painter: QPainter, area: QRectF, values: Numbers, ratio: float, level: Level) -> None:
    """Each unit over the plane of the input, each on its own zero-centred scale: its shape is what matters."""
    shown = values[: _PLANES[level]]
    rects = tile_rects(area, shown.shape[0], shown.shape[2], shown.shape[1], gap=2.0)
    for rect, unit in zip(rects, shown, strict=True):
        sharp(painter, rect, Scale.signs(unit).paint(unit), ratio)


def _paint_points(painter: QPainter, area: QRectF, edges: Edges, dots: Dots, theme: Theme) -> None:
    """The examples in a square of the neutral colour."""
    square = _fit(area, 1.0, 1.0)
    painter.fillRect(square, theme.neutral)
    draw_dots(painter, square, edges, dots, theme)


def _paint_decision(
    painter: QPainter, area: QRectF, facts: CardFacts, values: Numbers, ratio: float, edges: Edges, dots: Dots,
    theme: Theme, label: str, letters: int,
) -> None:  # fmt: skip
    """What the network decides where, the examples over it, and below it what it says about the pinned one."""
    below = _room_below(facts, values, letters)
    square = decision_square(facts, values, area, letters)
    sharp(painter, square, decision(facts.loss, facts.task, values, theme), ratio)
    draw_dots(painter, square, edges, dots, theme)
    if below and dots.answer is not None and dots.answer.array.size == 1:
        share = float(probabilities(facts.loss, dots.answer.array).reshape(-1)[0])
        with Saved(painter):
            painter.translate(0.0, area.height() - below)
            _paint_yes_no(painter, QRectF(0.0, 0.0, area.width(), below), facts, share, theme, label, letters)


def _room_below(facts: CardFacts, values: Numbers, letters: int) -> float:
    return max(FLAT_PICTURE, 1.3 * letters) if _says_below(facts, values) else 0.0


# Where things lie in a picture, for whoever points at them.


def picture_square(area: QRectF, width: float, height: float) -> QRectF:
    """Where a picture of these proportions lies."""
    return _fit(area, width, height)


def decision_square(facts: CardFacts, values: Numbers, area: QRectF, letters: int) -> QRectF:
    """Where the plane lies on which a decision is painted."""
    return _fit(area.adjusted(0.0, 0.0, 0.0, -_room_below(facts, values, letters)), 1.0, 1.0)


def shown_tiles(facts: CardFacts, values: Numbers, area: QRectF, level: Level) -> list[QRectF]:
    """Where the maps, or the units over the plane, lie that are shown."""
    planes = facts.picture is Picture.PLANES
    shown = values[: (_PLANES if planes else _TILES)[level]]
    return tile_rects(area, shown.shape[0], shown.shape[2], shown.shape[1], gap=2.0 if planes else 1.0)


def likeliest(facts: CardFacts, values: Numbers) -> list[int]:
    """The classes that have a bar, from top to bottom."""
    shares = probabilities(facts.loss, values)
    if shares.size <= facts.bar_rows:
        return list(range(shares.size))
    order = np.argsort(-np.nan_to_num(shares, nan=-1.0), kind="stable")
    return [int(k) for k in order[: facts.bar_rows]]


def _paint_strip(painter: QPainter, area: QRectF, values: Numbers, ratio: float, scale: Scale) -> None:
    """One cell a number; where there are more numbers than pixels, the largest in magnitude of each group."""
    cells = max(1, int(area.width() * ratio))
    if values.size > cells:
        values = strongest(values, cells)
    painted = scale.paint(values)
    cell = area.width() / values.size
    if cell < _WIDE_CELL:
        sharp(painter, area, painted[None, :], ratio)
        return
    for index, colour in enumerate(painted):
        rect = QRectF(index * cell, 0.0, cell - (1.0 if index + 1 < values.size else 0.0), area.height())
        if colour == NOT_A_NUMBER:
            paint_no_number(painter, rect)
        else:
            painter.fillRect(rect, QColor.fromRgb(int(colour)))


def paint_numbers(painter: QPainter, area: QRectF, values: Numbers, scale: Scale, letters: int) -> None:
    """A cell a number, in its colour and written out, in letters as large as fit all of them."""
    texts = [[written_number(float(value), digits) for value in values] for digits in (4, 3, 2)]
    cell = area.width() / values.size
    room = cell - 5.0

    def width(shown: list[str], size: int) -> float:
        painter.setFont(scene_font(size, 600))
        return max(painter.fontMetrics().horizontalAdvance(text) for text in shown)

    largest = max(letters, min(round(1.7 * letters), int(0.74 * area.height())))
    sizes = range(largest, letters - 1, -1)
    fitting = ((shown, size) for shown in texts for size in sizes if width(shown, size) <= room)
    shown, size = next(fitting, (None, letters))
    for index, colour in enumerate(scale.paint(values)):
        rect = QRectF(index * cell, 0.0, cell - (1.0 if index + 1 < values.size else 0.0), area.height())
        ground = QColor.fromRgb(int(colour))
        if colour == NOT_A_NUMBER:
            paint_no_number(painter, rect)
        else:
            painter.fillRect(rect, ground)
        if shown is not None:
            painter.setFont(scene_font(size, 600))
            painter.setPen(legible_on(ground))
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, shown[index])


def strongest(values: Numbers, groups: int) -> Numbers:
    """Of each of ``groups`` neighbouring groups the number with the largest magnitude (NaN counts as the largest)."""
    starts = (np.arange(groups) * values.size) // groups
    low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    picked: Numbers = np.where(np.abs(low) > np.abs(high), low, high)
    return picked


def _paint_bars(
    painter: QPainter, area: QRectF, facts: CardFacts, values: Numbers, theme: Theme, label: str, letters: int
) -> None:
    """A bar for each class; only the likeliest has its name beside it where there is no room to read them all."""
    shares = probabilities(facts.loss, values)
    if facts.task == "binary" and shares.size == 1:
        _paint_yes_no(painter, area, facts, float(shares[0]), theme, label, letters)
        return
    names = facts.class_names if len(facts.class_names) == shares.size else [str(k) for k in range(shares.size)]
    known_shares = np.isfinite(shares)
    winner = _winner(shares) if known_shares.any() else -1
    order = likeliest(facts, values)
    font = scene_font(letters)
    painter.setFont(font)
    metrics = painter.fontMetrics()
    row = area.height() / max(1, facts.bar_rows)
    named = row >= _CLOSEST_ROWS * letters
    longest = max((metrics.horizontalAdvance(name) for name in names), default=0)
    column = min(max(10.0, longest), 0.42 * area.width())
    number = max(38.0 if named else 0.46 * area.width(), metrics.horizontalAdvance("100 %") + 6.0)
    left = column + 9.0 if named else 4.0
    room = area.width() - left - number
    known = label in names
    for line, index in enumerate(order):
        top = line * row
        right = known and names[index] == label
        painter.setPen(theme.text if right or index == winner else theme.text_muted)
        if named:
            name = metrics.elidedText(names[index], Qt.TextElideMode.ElideRight, int(column) + 1)
            painter.drawText(QRectF(4.0, top - 2.0, column + 2.0, row + 4.0), _BESIDE, name)
        share = float(shares[index])
        if not known_shares[index]:
            _paint_no_share(painter, area, QRectF(left, top + 1.5, room, row - 3.0), number, letters, share, theme)
            continue
        colour = mixed(theme.text_faint, theme.plot_background, 0.35)
        if index == winner:
            colour = theme.good if right or not known else theme.danger
        bar = QRectF(left, top + 1.5, max(1.0, room * share), row - 3.0)
        if row > 20.0:
            bar.setRect(left, top + row / 2 - 4.5, bar.width(), 9.0)
        painter.fillRect(bar, colour)
        if index != winner:
            continue
        painter.setPen(theme.text)
        if named:
            box = QRectF(area.width() - number, top - 2.0, number - 3.0, row + 4.0)
            painter.drawText(box, _AT_END, sureness(facts.loss, shares, values))
        else:
            sure = sureness(facts.loss, shares, values)
            _paint_winner(painter, area, top + row / 2, number, letters, names[index], sure)


def _paint_no_share(
    painter: QPainter, area: QRectF, bar: QRectF, width: float, letters: int, share: float, theme: Theme
) -> None:
    """What the network says is no number: not a bar of length 0."""
    slim = QRectF(bar.left(), bar.center().y() - 4.5, bar.width(), 9.0)
    paint_no_number(painter, bar if bar.height() <= 17.0 else slim)
    if bar.height() + 3.0 >= _CLOSEST_ROWS * letters:
        painter.setPen(theme.text)
        painter.drawText(
            QRectF(area.width() - width, bar.top() - 3.5, width - 3.0, bar.height() + 7.0), _AT_END, percent(share)
        )


def _paint_winner(
    painter: QPainter, area: QRectF, middle: float, width: float, letters: int, name: str, share: str
) -> None:
    """The likeliest class beside its bar: the name, and below it how likely it is."""
    line = 1.2 * letters
    lines = (name, share) if area.height() >= 2 * line else (share,)
    top = min(max(middle - line * len(lines) / 2, 0.0), area.height() - line * len(lines))
    for at, text in enumerate(lines):
        font = scene_font(letters, 600 if text is name else 400)
        painter.setFont(font)
        place = QRectF(area.width() - width, top + at * line, width - 4.0, line)
        cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(place.width()))
        painter.drawText(place, _AT_END, cut if text is name else text)


def _paint_yes_no(
    painter: QPainter, area: QRectF, facts: CardFacts, share: float, theme: Theme, label: str, letters: int
) -> None:
    """One probability: a bar with a mark in the middle, where the decision turns."""
    painter.setFont(scene_font(letters, 600))
    unit = letters / LETTERS
    names = facts.class_names if len(facts.class_names) == 2 else ("0", "1")
    known = math.isfinite(share)
    said = names[1 if share > 0.5 else 0]
    wrong = label in names and said != label
    bar = QRectF(8.0, area.height() / 2 - 4.5, area.width() - 14.0 - 44.0 * unit, 9.0)
    painter.fillRect(bar, theme.field)
    if not known:
        paint_no_number(painter, bar)
    else:
        filled = QRectF(bar)
        filled.setWidth(bar.width() * share)
        painter.fillRect(filled, theme.danger if wrong else theme.good)
    painter.setPen(theme.text_muted)
    middle = bar.center().x()
    painter.drawLine(QPointF(middle, bar.top() - 2.5), QPointF(middle, bar.bottom() + 2.5))
    painter.setPen(theme.text)
    text = yes_no_text(facts, share)
    place = QRectF(area.width() - 6.0 - 44.0 * unit, 0.0, 44.0 * unit, area.height())
    painter.drawText(place, _AT_END, text)


def _paint_range(painter: QPainter, area: QRectF, scale: Scale, theme: Theme) -> None:
    """The numbers at the ends of the scale, in a corner."""
    text = scale.range_words()
    font = scene_font(12)
    with Saved(painter):
        # Close in, scene units are large: the text keeps a size that fits beside the picture's detail.
        painter.translate(area.right(), area.bottom())
        painter.scale(0.63, 0.63)
        painter.setFont(font)
        width = painter.fontMetrics().horizontalAdvance(text) + 10.0
        plate = QRectF(-width, -17.0, width, 17.0)
        back = QColor(theme.panel_raised)
        back.setAlphaF(0.86)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(back)
        painter.drawRect(plate)
        painter.setPen(theme.text)
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
