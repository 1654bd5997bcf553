"""The picture of a card as large as there is room for: every pixel of a map a whole number of those on the screen."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap

from nnviz.gui.canvas.cards.card_pictures import Numbers, is_written, paint_picture, sharp
from nnviz.gui.canvas.cards.card_text import LETTERS as LETTERS_ON_CARDS
from nnviz.gui.canvas.cards.facts import CardFacts, Picture
from nnviz.gui.canvas.cards.lens import LensPicture, Shows
from nnviz.gui.canvas.cards.lens_pictures import end_of, paint_lens_picture
from nnviz.gui.canvas.geometry import Level
from nnviz.gui.lecture.measure import LETTERS, Measure
from nnviz.gui.look import pictures
from nnviz.gui.look.planes import Dots
from nnviz.gui.look.scales import NOT_A_NUMBER, Scale, image_of, legible_on, paint_no_number
from nnviz.gui.look.theme import Theme, format_number
from nnviz.gui.panels.arrays import FilterStack
from nnviz.record.number_text import written_number
from nnviz.record.readings import ArrayReading

#: Sides of a map on the page, at least, where there are more of them than have room; and so many are shown at most.
_LEAST_TILE, _MOST_TILES = 66, 64
_GAP = 4
#: A picture that is so much smaller in whole multiples than it could be is enlarged by a broken number.
_MUCH_SMALLER = 0.8
#: A vector has cells of this side at most, and numbers in those that are as wide as that.
_LARGEST_CELL, _NUMBERED_CELL = 110, 92
#: Pictures in which something is written, or which are drawn to measure: painted as on a card, enlarged.
_AS_ON_CARDS = frozenset({Picture.BARS, Picture.DECISION, Picture.POINTS})


@dataclass(frozen=True)
class Grid:
    """Equal tiles in rows: where each stands, in device pixels.

    Attributes:
        columns: Tiles in a row.
        scale: Device pixels for one number; under 1 where not even that fits.
        tile: Size of one, in device pixels.
        gap: Between two of them.
    """

    columns: int
    rows: int
    scale: float
    tile: QSize
    gap: int

    @property
    def size(self) -> QSize:
        """Of all of it."""
        return QSize(
            self.columns * self.tile.width() + (self.columns - 1) * self.gap,
            self.rows * self.tile.height() + (self.rows - 1) * self.gap,
        )

    def place(self, index: int) -> tuple[int, int]:
        """The upper left corner of a tile."""
        row, column = divmod(index, self.columns)
        return column * (self.tile.width() + self.gap), row * (self.tile.height() + self.gap)


def grid_of(count: int, width: int, height: int, room: QSize, gap: int, most: float = math.inf) -> Grid:
    """The rows in which ``count`` tiles of width × height numbers are largest, in whole multiples where they fit."""
    best: tuple[float, int] = (0.0, 1)
    for columns in range(1, count + 1):
        rows = math.ceil(count / columns)
        across = (room.width() - (columns - 1) * gap) / columns / width
        down = (room.height() - (rows - 1) * gap) / rows / height
        scale = min(across, down, most)
        scale = math.floor(scale) if scale >= 1.0 else scale
        if scale > best[0] * 1.0001:
            best = scale, columns
    scale, columns = best
    tile = QSize(max(1, round(width * scale)), max(1, round(height * scale)))
    return Grid(columns, math.ceil(count / columns), scale, tile, gap)


@dataclass(frozen=True)
class LargePicture:
    """A picture, and what is said about it.

    Attributes:
        pixmap: As large as it fits; its ratio is that of the screen.
        caption: How many of how many maps, and the range of the colours.
    """

    pixmap: QPixmap
    caption: str

    @property
    def size(self) -> QSizeF:
        """In device-independent pixels."""
        return self.pixmap.deviceIndependentSize()


def large_picture(
    facts: CardFacts, sample: ArrayReading, room: QSizeF, ratio: float, theme: Theme, label: str, dots: Dots,
    measure: Measure,
) -> LargePicture | None:  # fmt: skip
    """The picture of a card, as large as fits ``room`` (device-independent pixels); None where there is nothing."""
    values = np.asarray(sample.array)
    if values.size == 0 or room.width() < 8 or room.height() < 8:
        return None
    if values.dtype == np.bool_ or not np.issubdtype(values.dtype, np.floating):
        values = values.astype(np.float32)
    device = QSize(int(room.width() * ratio), int(room.height() * ratio))
    planes = facts.picture is Picture.PLANES and values.ndim == 3
    if facts.picture is Picture.IMAGE and values.ndim == 3 and values.shape[0] in (1, 3):
        return _image(values, device, ratio)
    if facts.picture in _AS_ON_CARDS or (facts.picture is Picture.PLANES and not planes):
        return _as_on_card(facts, sample, device, ratio, theme, label, dots, measure)
    if planes or (values.ndim == 3 and values.shape[1] * values.shape[2] > 1):
        return _maps(facts, values, device, ratio, measure, planes=planes)
    if values.ndim == 2 and values.shape[1] > 1:
        return _maps(facts, values[None], device, ratio, measure, planes=False)
    return _cells(facts, values.reshape(-1), device, ratio, measure)


def large_lens_picture(
    facts: CardFacts, seen: LensPicture, room: QSizeF, ratio: float, theme: Theme, measure: Measure
) -> LargePicture | None:
    """What a lens shows of a card, as large as fits ``room``; None where there is nothing."""
    values = np.asarray(seen.values, dtype=np.float32)
    if values.size == 0 or room.width() < 8 or room.height() < 8:
        return None
    if seen.shows is Shows.OUTPUT and facts.picture not in (Picture.POINTS, Picture.PLANES):
        return large_picture(facts, ArrayReading("", 0, values, {}), room, ratio, theme, seen.words, Dots(), measure)
    device = QSize(int(room.width() * ratio), int(room.height() * ratio))
    if seen.shows in (Shows.SIGNS, Shows.OUTPUT) and facts.kind != "output" and not is_written(values):
        maps = values[None] if values.ndim == 2 and min(values.shape) > 1 else values
        if maps.ndim == 3 and maps.shape[1] * maps.shape[2] > 1:
            return _signed_maps(maps, device, ratio, measure, seen.sign)
        return _cells(facts, values.reshape(-1), device, ratio, measure, seen.sign)
    size = QSize(device)
    if facts.picture is Picture.POINTS and seen.shows is Shows.EXAMPLES:
        side = min(device.width(), device.height())
        size = QSize(side, side)
    glass = measure.glass * ratio
    pixmap = paint_lens_picture(facts, seen, size, glass, Level.NEAR, theme, LETTERS_ON_CARDS)
    pixmap.setDevicePixelRatio(ratio)
    return LargePicture(pixmap, seen.sign)


def _signed_maps(values: Numbers, device: QSize, ratio: float, measure: Measure, sign: str) -> LargePicture:
    """Gradients or changes as maps, all on one scale around zero."""
    count, grid = _most_tiles(len(values), values.shape[1:], device, ratio, measure)
    shown = values[:count]
    scale = Scale.signs(shown)
    of = f"{count} of {len(values)} maps" if count < len(values) else ""
    caption = ",  ".join(words for words in (sign, of, end_of(scale)) if words)
    return LargePicture(_tiles(scale.paint(shown), grid, ratio), caption)


def _canvas(size: QSize) -> QPixmap:
    pixmap = QPixmap(size)
    pixmap.fill(Qt.GlobalColor.transparent)
    return pixmap


def _image(values: Numbers, device: QSize, ratio: float) -> LargePicture:
    """The example as it is."""
    scale = Scale.picture(values)
    image = image_of(scale.composite(values) if values.shape[0] == 3 else scale.paint(values[0]))
    size = pictures.whole_multiple(image.size(), device)
    fitted = image.size().scaled(device, Qt.AspectRatioMode.KeepAspectRatio)
    if size.width() < _MUCH_SMALLER * fitted.width() and size.width() >= image.width():
        # A large picture, of which hardly more than one multiple fits: no pixel of it is looked at alone.
        larger = image.scaled(image.size() * math.ceil(fitted.width() / image.width()))
        smooth = Qt.TransformationMode.SmoothTransformation
        pixmap = QPixmap.fromImage(larger.scaled(fitted, Qt.AspectRatioMode.IgnoreAspectRatio, smooth))
    else:
        pixmap = pictures.fitted(image, device, 1.0)
    pixmap.setDevicePixelRatio(ratio)
    return LargePicture(pixmap, scale.range_words())


def _as_on_card(
    facts: CardFacts, sample: ArrayReading, device: QSize, ratio: float, theme: Theme, label: str, dots: Dots,
    measure: Measure,
) -> LargePicture:  # fmt: skip
    """As on the card, in the letters of the page."""
    glass = measure.glass * ratio
    size = QSize(device)
    if facts.picture is Picture.POINTS:
        side = min(device.width(), device.height())
        size = QSize(side, side)
    elif facts.picture is Picture.DECISION:
        # Below the square stands the answer, as high as its letters.
        answer = round(26.0 * glass) if facts.task == "binary" and len(sample.array) == 1 else 0
        cells = sample.array.shape[-1] if sample.array.ndim == 3 else 1
        side = max(1, min(device.width(), device.height() - answer))
        side = side // cells * cells if side > cells else side
        size = QSize(side, side + answer)
    elif facts.task == "binary" and np.asarray(sample.array).size == 1:
        size.setHeight(min(size.height(), round(40 * glass)))
    pixmap = paint_picture(facts, sample, size, glass, Level.NORMAL, theme, label, dots)
    pixmap.setDevicePixelRatio(ratio)
    return LargePicture(pixmap, "")


def _maps(
    facts: CardFacts, values: Numbers, device: QSize, ratio: float, measure: Measure, *, planes: bool
) -> LargePicture:
    """Feature maps, or units over the plane: as many as are large enough to be seen."""
    count, grid = _most_tiles(len(values), values.shape[1:], device, ratio, measure)
    shown = values[:count]
    if planes:
        # Each unit on a scale of its own: its shape is what matters.
        painted = np.stack([Scale.signs(unit).paint(unit) for unit in shown])
        caption = ""
    else:
        scale = Scale.signs(shown) if len(values) == 1 and facts.signed else Scale.amounts(shown)
        painted, caption = scale.paint(shown), scale.range_words()
    total = facts.shape[0] if facts.shape is not None and len(facts.shape) == 3 else len(values)
    if planes and facts.shape is not None:
        total = facts.shape[0]
    if total > count:
        words = "units" if planes else "maps"
        caption = f"{count} of {total} {words}" + (f",  {caption}" if caption else "")
    return LargePicture(_tiles(painted, grid, ratio), caption)


def large_filters(stack: FilterStack, room: QSizeF, ratio: float, measure: Measure) -> LargePicture | None:
    """The weights of a layer as large as fits ``room``: one picture a filter, all on one scale.

    Of three input channels the composite, of more the first one.
    """
    if stack.values.size == 0 or room.width() < 8 or room.height() < 8:
        return None
    device = QSize(int(room.width() * ratio), int(room.height() * ratio))
    count, grid = _most_tiles(len(stack.values), stack.size, device, ratio, measure)
    scale = Scale.signs(stack.values)
    if stack.channels == 3:
        scale = replace(scale, kind="grey")
        painted = scale.composite(stack.values[:count])
    else:
        painted = scale.paint(stack.values[:count, 0])
    of = f" of {stack.total}" if stack.total > count else ""
    words = "weights" if stack.noun == "weights" else f"{count}{of} {stack.noun}{'s' * (stack.total != 1)}"
    if stack.channels > 1:
        words += " in colour" if stack.channels == 3 else f", {stack.channel_noun} 0 of {stack.channels}"
    return LargePicture(_tiles(painted, grid, ratio), f"{words},  {scale.range_words()}")


def _most_tiles(total: int, size: tuple[int, ...], device: QSize, ratio: float, measure: Measure) -> tuple[int, Grid]:
    """How many tiles of so many rows and columns are large enough to be seen, and where they stand."""
    gap = max(2, round(_GAP * measure.unit * ratio))
    height, width = size
    count = min(total, _MOST_TILES)
    least = _LEAST_TILE * measure.unit * ratio
    grid = grid_of(count, width, height, device, gap)
    while count > 1 and max(grid.tile.width(), grid.tile.height()) < least:
        count = max(1, count * 3 // 4)
        grid = grid_of(count, width, height, device, gap)
    if total > count:
        count = min(total, grid.columns * grid.rows)  # rows are filled: that takes no more room
    return count, grid


def _tiles(painted: NDArray[np.uint32], grid: Grid, ratio: float) -> QPixmap:
    pixmap = _canvas(grid.size)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    for index, pixels in enumerate(painted):
        left, top = grid.place(index)
        sharp(painter, QRectF(left, top, grid.tile.width(), grid.tile.height()), pixels, 1.0)
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def _cells(
    facts: CardFacts, values: Numbers, device: QSize, ratio: float, measure: Measure, sign: str = ""
) -> LargePicture:
    """A vector as cells in rows, with the numbers in them where they can be read; around zero where it has a sign."""
    gap = max(1, round(3 * measure.unit * ratio))
    most = _LARGEST_CELL * measure.unit * ratio
    shown = values
    grid = grid_of(len(shown), 1, 1, device, gap, most)
    while grid.scale < 8 and len(shown) > 64:
        shown = shown[: len(shown) * 3 // 4]
        grid = grid_of(len(shown), 1, 1, device, gap, most)
    scale = Scale.signs(shown) if facts.signed or sign else Scale.amounts(shown, from_zero=True)
    painted = scale.paint(shown)
    numbered = grid.scale >= _NUMBERED_CELL * measure.unit * ratio
    pixmap = _canvas(grid.size)
    painter = QPainter(pixmap)
    font = measure.font(LETTERS, 500)
    font.setPixelSize(round(font.pixelSize() * ratio))
    painter.setFont(font)
    for index, colour in enumerate(painted):
        place = QRectF(QPointF(*grid.place(index)), QSizeF(grid.tile))
        ground = QColor.fromRgb(int(colour))
        if colour == NOT_A_NUMBER:
            paint_no_number(painter, place)
        else:
            painter.fillRect(place, ground)
        if numbered:
            number = float(shown[index])
            few = facts.picture is Picture.NUMBERS  # each of which counts, as on the card
            painter.setPen(legible_on(ground))
            text = written_number(number, 3) if few else format_number(number, 2)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    caption = f"{sign},  {end_of(scale)}" if sign else scale.range_words()
    if len(shown) < len(values):
        caption = f"{len(shown)} of {len(values)},  {caption}"
    return LargePicture(pixmap, caption)
