"""Arrays become pictures: colour scales that tell the truth, tiles, and enlarging without blur.

Two scales and a turned one, all safe for colour-blind eyes:

* *sequential*: viridis, perceptually uniform, for quantities from low to high (what flows out of a layer);
* *diverging*: blue – neutral – orange, zero-centred, both ends equally light (weights, signed values). The neutral is
  the theme's, so that "nothing" sinks into the background;
* *plane*: the same turned round, orange low and blue high, for pictures over the plane of two features: there the
  colours are also those of the classes, as in TensorFlow Playground.

Numbers that are not numbers are painted in one colour that no scale has. Every function returns a QImage that owns its
memory; all of them may be called on any thread.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap

from nnviz.gui.look import theme

Scale: TypeAlias = Literal["sequential", "diverging", "grey", "plane"]
Numbers: TypeAlias = NDArray[Any]

#: NaN and infinities: no scale comes near it.
NOT_A_NUMBER = 0xFFFF2BD6
_LEVELS = 256
_BLUE = {"dark": "#58b0ff", "light": "#0a5fb4"}
_ORANGE = {"dark": "#ff9d3c", "light": "#b85300"}


@cache
def sequential_lut(name: str = "viridis") -> NDArray[np.uint8]:
    """uint8[256, 3] of a perceptually uniform map (``viridis``, ``inferno``, ``magma``, ``plasma``, ``cividis``)."""
    from pyqtgraph import colormap  # noqa: PLC0415 - a slow import, only needed with the first picture

    table = colormap.get(name).getLookupTable(nPts=_LEVELS, alpha=False)
    return np.ascontiguousarray(table, dtype=np.uint8)


@cache
def diverging_lut(dark: bool) -> NDArray[np.uint8]:
    """uint8[256, 3] from blue over the theme's neutral to orange: straight lines in OKLab, so steps look equal."""
    theme_colours = theme.DARK if dark else theme.LIGHT
    low, high = (_to_oklab(QColor(ends[theme_colours.name])) for ends in (_BLUE, _ORANGE))
    middle = _to_oklab(theme_colours.neutral)
    lightness = (low[0] + high[0]) / 2
    low[0] = high[0] = lightness
    position = np.linspace(-1.0, 1.0, _LEVELS)[:, None]
    mixed = np.where(position < 0, middle + (low - middle) * -position, middle + (high - middle) * position)
    return _from_oklab(mixed)


_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def _to_oklab(colour: QColor) -> NDArray[np.float64]:
    """Björn Ottosson, "A perceptual color space for image processing", 2020."""
    rgb = np.array([colour.redF(), colour.greenF(), colour.blueF()])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    result: NDArray[np.float64] = _LAB @ np.cbrt(_LMS @ linear)
    return result


def _from_oklab(lab: NDArray[np.float64]) -> NDArray[np.uint8]:
    linear = (lab @ np.linalg.inv(_LAB).T) ** 3 @ np.linalg.inv(_LMS).T
    linear = np.clip(linear, 0.0, 1.0)
    rgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(rgb * 255).astype(np.uint8)


def _packed(lut: NDArray[np.uint8]) -> NDArray[np.uint32]:
    wide = lut.astype(np.uint32)
    colours = 0xFF000000 | wide[:, 0] << 16 | wide[:, 1] << 8 | wide[:, 2]
    return np.append(colours, NOT_A_NUMBER).astype(np.uint32)


@cache
def _packed_lut(scale: Scale, dark: bool, name: str) -> NDArray[np.uint32]:
    if scale == "sequential":
        return _packed(sequential_lut(name))
    if scale == "diverging":
        return _packed(diverging_lut(dark))
    return _packed(np.repeat(np.arange(_LEVELS, dtype=np.uint8)[:, None], 3, axis=1))


def single(array: Numbers) -> NDArray[np.float32]:
    """The numbers as float32; what is too large for that is infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(array, dtype=np.float32)


def value_range(array: Numbers) -> tuple[float, float]:
    """Smallest and largest finite number; (0, 0) where there is none."""
    finite = array[np.isfinite(array)] if np.issubdtype(array.dtype, np.inexact) else array
    if finite.size == 0:
        return 0.0, 0.0
    return float(finite.min()), float(finite.max())


def limit_of(array: Numbers) -> float:
    """Largest finite magnitude: the symmetric end of a diverging scale."""
    low, high = value_range(array)
    return max(abs(low), abs(high))


def colours(
    array: Numbers,
    scale: Scale = "sequential",
    low: float | None = None,
    high: float | None = None,
    name: str = "viridis",
) -> NDArray[np.uint32]:
    """Each number as 0xAARRGGBB, same shape. Without ``low`` and ``high`` the array's own range is taken.

    A diverging scale is always zero-centred: it runs from minus to plus the larger magnitude of ``low`` and ``high``.
    Where all numbers are the same, they are painted as the low end (diverging: by their sign).
    """
    values = single(array)
    if scale == "plane":
        return colours(-values, "diverging", None if high is None else -high, None if low is None else -low)
    if low is None or high is None:
        own_low, own_high = value_range(values)
        low = own_low if low is None else low
        high = own_high if high is None else high
    if scale == "diverging":
        high = max(abs(low), abs(high))
        low = -high
    span = high - low
    factor = (_LEVELS - 1) / span if span > 0 and math.isfinite(span) else 0.0
    finite = np.isfinite(values)
    with np.errstate(invalid="ignore", over="ignore"):
        positions = np.where(finite, (values - np.float32(low)) * np.float32(factor), 0.0)
    if factor == 0.0 and scale == "diverging":
        positions = np.full(values.shape, (_LEVELS - 1) / 2, dtype=np.float32)
    index = np.clip(np.rint(positions), 0, _LEVELS - 1).astype(np.intp)
    index[~finite] = _LEVELS
    table = _packed_lut(scale, theme.current().dark, name)
    result: NDArray[np.uint32] = table[index]
    return result


def image_of(pixels: NDArray[np.uint32]) -> QImage:
    """0xAARRGGBB[height, width] as a QImage that owns its memory."""
    height, width = pixels.shape
    data = np.ascontiguousarray(pixels, dtype=np.uint32)
    return QImage(data.data, width, height, width * 4, QImage.Format.Format_ARGB32).copy()


def _flat(array: Numbers) -> Numbers:
    values = np.asarray(array)
    if values.ndim == 1:
        return values[None, :]
    if values.ndim != 2:
        raise ValueError(f"A picture needs one or two dimensions, not {values.ndim}.")
    return values


def sequential(array: Numbers, low: float | None = None, high: float | None = None, name: str = "viridis") -> QImage:
    """[height, width] or [width] on the sequential scale."""
    return image_of(colours(_flat(array), "sequential", low, high, name))


def diverging(array: Numbers, limit: float | None = None) -> QImage:
    """[height, width] or [width] on the zero-centred scale from −limit to +limit."""
    end = limit_of(np.asarray(array)) if limit is None else limit
    return image_of(colours(_flat(array), "diverging", -end, end))


def grey(array: Numbers, low: float | None = 0.0, high: float | None = 1.0) -> QImage:
    """[height, width] from black at ``low`` to white at ``high``; None takes the array's own end."""
    return image_of(colours(_flat(array), "grey", low, high))


def _rgb_pixels(array: Numbers, low: float, high: float) -> NDArray[np.uint32]:
    values = single(array)
    span = (high - low) or 1.0
    finite = np.isfinite(values).all(axis=0)
    bytes_ = np.rint(np.clip((np.nan_to_num(values) - low) / span, 0.0, 1.0) * 255).astype(np.uint32)
    pixels = 0xFF000000 | bytes_[0] << 16 | bytes_[1] << 8 | bytes_[2]
    return np.where(finite, pixels, np.uint32(NOT_A_NUMBER)).astype(np.uint32)


def rgb(array: Numbers, low: float = 0.0, high: float = 1.0) -> QImage:
    """[3, height, width] as red, green and blue between ``low`` and ``high``."""
    return image_of(_rgb_pixels(array, low, high))


def sample_picture(array: Numbers) -> QImage:
    """One example as the data set means it: an image as an image, a vector as a strip; scaled data by its own range."""
    if not 1 <= array.ndim <= 3:  # no example has such a shape, but a file may say so
        array = array.reshape(-1)
    low, high = value_range(np.asarray(array))
    if low >= 0.0 and high <= 1.0:
        low, high = 0.0, 1.0
    if array.ndim == 3 and array.shape[0] == 3:
        return rgb(array, low, high)
    if array.ndim == 3:
        return (
            grey(array[0], low, high)
            if array.shape[0] == 1
            else tiles(array[:1024], columns_for(min(array.shape[0], 1024)))
        )
    if array.ndim == 2:
        return grey(array, low, high)
    return diverging(array)


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
    array: Numbers,
    columns: int,
    gap: int = 1,
    scale: int = 1,
    *,
    colouring: Scale = "sequential",
    low: float | None = None,
    high: float | None = None,
    per_tile: bool = False,
    background: QColor | None = None,
    name: str = "viridis",
) -> QImage:
    """Maps [count, height, width] side by side in rows; gaps are see-through unless a background is given.

    Args:
        array: One map a tile; RGB composites are [count, 3, height, width].
        columns: Tiles in a row.
        gap: Screen pixels between two tiles.
        scale: Screen pixels for one number, so the picture has hard edges and whole multiples.
        colouring: Scale for the numbers.
        low: Shared lower end; the whole array's when None.
        high: Shared upper end.
        per_tile: Each tile is painted over its own range instead.
        background: Colour of gaps and of the empty end of the last row.
        name: Which sequential scale.
    """
    values = np.asarray(array)
    composite = values.ndim == 4
    count, tile_height, tile_width = values.shape[0], values.shape[-2], values.shape[-1]
    grid = TileGrid(columns, max(1, math.ceil(count / columns)), scale, gap, tile_width, tile_height)
    fill = 0 if background is None else background.rgba()
    pixels = np.full((grid.height, grid.width), fill, dtype=np.uint32)
    if composite:
        ends = value_range(values)
        painted = np.stack(
            [_rgb_pixels(one, *(value_range(one) if per_tile else (low or ends[0], high or ends[1]))) for one in values]
        )
    elif per_tile:
        painted = np.stack([colours(one, colouring, None, None, name) for one in values])
    else:
        painted = colours(values, colouring, low, high, name)
    if scale > 1:
        painted = painted.repeat(scale, axis=1).repeat(scale, axis=2)
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


def scale_bar(colouring: Scale, width: int, height: int, name: str = "viridis") -> QImage:
    """A legend: the scale from its low end on the left to its high end on the right."""
    ramp = np.linspace(-1.0 if colouring in ("diverging", "plane") else 0.0, 1.0, max(2, width))
    row = colours(ramp, colouring, float(ramp[0]), 1.0, name)
    return image_of(np.repeat(row[None, :], max(1, height), axis=0))


def over(image: QImage, background: QColor) -> QImage:
    """The image on a solid background, for copying into other programs."""
    result = QImage(image.size(), QImage.Format.Format_RGB32)
    result.fill(background)
    painter = QPainter(result)
    painter.drawImage(0, 0, image)
    painter.end()
    return result
