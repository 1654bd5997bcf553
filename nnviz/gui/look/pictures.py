"""Arrays become pictures: images, tiles, and enlarging without blur. What their colours mean stands in ``scales``.

Every function returns a QImage that owns its memory; all of them may be called on any thread.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap

from nnviz.gui.look.scales import Numbers, Scale, image_of


def _flat(array: Numbers) -> Numbers:
    values = np.asarray(array)
    if values.ndim == 1:
        return values[None, :]
    if values.ndim != 2:
        raise ValueError(f"A picture needs one or two dimensions, not {values.ndim}.")
    return values


def paint(array: Numbers, scale: Scale) -> QImage:
    """[height, width] or [width] in the colours of a scale."""
    return image_of(scale.paint(_flat(array)))


def sample_picture(array: Numbers) -> QImage:
    """One example as the data set means it: an image as an image, a vector as a strip; scaled data by its own range."""
    if not 1 <= array.ndim <= 3:  # no example has such a shape, but a file may say so
        array = array.reshape(-1)
    scale = Scale.picture(array)
    if array.ndim == 3 and array.shape[0] == 3:
        return image_of(scale.composite(array))
    if array.ndim == 3:
        return (
            paint(array[0], scale)
            if array.shape[0] == 1
            else tiles(array[:1024], columns_for(min(array.shape[0], 1024)), Scale.amounts(array[:1024]))
        )
    if array.ndim == 2:
        return paint(array, scale)
    return paint(array, Scale.signs(array))


@dataclass(frozen=True)
class TileGrid:
    """How tiles lie in a rectangle: ``scale`` screen pixels for one number."""

    columns: int
    rows: int
    scale: int
    gap: int
    tile_width: int
    tile_height: int

    @property
    def width(self) -> int:
        """Of the whole picture, in screen pixels."""
        return self.columns * self.tile_width * self.scale + (self.columns - 1) * self.gap

    @property
    def height(self) -> int:
        """Of the whole picture, in screen pixels."""
        return self.rows * self.tile_height * self.scale + (self.rows - 1) * self.gap

    def rectangle(self, index: int) -> tuple[int, int, int, int]:
        """x, y, width and height of one tile, in screen pixels."""
        row, column = divmod(index, self.columns)
        width, height = self.tile_width * self.scale, self.tile_height * self.scale
        return column * (width + self.gap), row * (height + self.gap), width, height

    def index_at(self, x: float, y: float, count: int) -> int | None:
        """Which tile lies at a point, or None."""
        width = self.tile_width * self.scale + self.gap
        height = self.tile_height * self.scale + self.gap
        column, row = math.floor(x / width), math.floor(y / height)
        index = row * self.columns + column
        if not 0 <= column < self.columns or row < 0 or index >= count:
            return None
        in_gap = x - column * width >= width - self.gap or y - row * height >= height - self.gap
        return None if in_gap else index


def columns_for(count: int) -> int:
    """Columns that make ``count`` square tiles about as wide as high."""
    return max(1, math.ceil(math.sqrt(count)))


def tiles(
    array: Numbers, columns: int, scale: Scale, gap: int = 1, size: int = 1, background: QColor | None = None
) -> QImage:
    """Maps [count, height, width] side by side in rows; gaps are see-through unless a background is given.

    Args:
        array: One map a tile.
        columns: Tiles in a row.
        scale: Of all of them.
        gap: Screen pixels between two tiles.
        size: Screen pixels for one number, so the picture has hard edges and whole multiples.
        background: Colour of gaps and of the empty end of the last row.
    """
    values = np.asarray(array)
    count, tile_height, tile_width = values.shape
    grid = TileGrid(columns, max(1, math.ceil(count / columns)), size, gap, tile_width, tile_height)
    fill = 0 if background is None else background.rgba()
    pixels = np.full((grid.height, grid.width), fill, dtype=np.uint32)
    painted = scale.paint(values)
    if size > 1:
        painted = painted.repeat(size, axis=1).repeat(size, axis=2)
    for index in range(count):
        x, y, width, height = grid.rectangle(index)
        pixels[y : y + height, x : x + width] = painted[index]
    return image_of(pixels)


def whole_multiple(image: QSize, space: QSize, ratio: float = 1.0) -> QSize:
    """The largest size in device pixels that fits ``space`` (device-independent) in whole multiples of ``image``.

    Where not even one fits, the image is made smaller in proportion.
    """
    width, height = space.width() * ratio, space.height() * ratio
    if image.isEmpty() or width <= 0 or height <= 0:
        return QSize(0, 0)
    factor = min(width / image.width(), height / image.height())
    if factor >= 1:
        factor = math.floor(factor)
    return QSize(max(1, round(image.width() * factor)), max(1, round(image.height() * factor)))


def fitted(image: QImage, space: QSize, ratio: float = 1.0) -> QPixmap:
    """The image as large as it fits: hard pixels when enlarged, smooth when made smaller; sharp on any screen."""
    size = whole_multiple(image.size(), space, ratio)
    smaller = size.width() < image.width()
    mode = Qt.TransformationMode.SmoothTransformation if smaller else Qt.TransformationMode.FastTransformation
    result = QPixmap.fromImage(image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, mode))
    result.setDevicePixelRatio(ratio)
    return result


def over(image: QImage, background: QColor) -> QImage:
    """The image on a solid background, for copying into other programs."""
    result = QImage(image.size(), QImage.Format.Format_RGB32)
    result.fill(background)
    painter = QPainter(result)
    painter.drawImage(0, 0, image)
    painter.end()
    return result
