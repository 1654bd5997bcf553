"""What colours mean, on every picture of the program; written down here and nowhere else.

* **Signs**: blue is positive, orange is negative, and zero sinks into the background. The scale is zero-centred, both
  ends equally light: −x and +x are equally far from nothing. So are weights, gradients, wires, scores, and units over
  the plane of two features.
* **Amounts**, where nothing is below zero or the sign means nothing: viridis, dark is little and bright is much.
* **Pictures** that come in: grey, or red, green and blue, from dark to bright. Weights of three input channels alike,
  in which middle grey is zero.
* **Classes** have colours of their own, none of which is that of a sign: points, and what the network decides where.
  Between two classes the neutral colour is undecided.
* **No number** (NaN, infinite) is magenta, on larger areas hatched: no scale comes near it, and it is never that of 0.

A :class:`Scale` paints numbers and its own bar, by the same line of code, so that no legend can show a range that its
picture does not use. All are safe for colour-blind eyes. Every function may be called on any thread.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter

from nnviz.gui.look import theme
from nnviz.gui.look.painting import Saved

Kind: TypeAlias = Literal["sequential", "diverging", "grey", "classes"]
Numbers: TypeAlias = NDArray[Any]

#: NaN and infinities.
NOT_A_NUMBER = 0xFFFF2BD6
_LEVELS = 256
#: The luminance to which black and white have the same contrast: √(1.05 · 0.05) − 0.05.
_EVEN = 0.179

#: For the help of whatever is painted in the colours of signs.
SIGNS = "Blue is positive, orange negative, neutral is zero"
#: What the colours of the classes are called, in both themes, in the order of ``Theme.classes``.
CLASS_WORDS = ("green", "violet", "teal", "rose", "grey", "dark green", "plum")
#: For the help of every picture.
NO_NUMBER = "Magenta is no number (NaN or infinite)"


@dataclass(frozen=True)
class Scale:
    """From numbers to colours: paints a picture and the bar that explains it.

    Attributes:
        kind: ``sequential`` (amounts), ``diverging`` (signs), ``grey`` (pictures) or ``classes`` (0 is the first class
            of two, 1 the second).
        low, high: The numbers at the ends; what lies beyond has the colour of the end. NaN where there is no number.
        missing: What else than finite numbers there is: ``NaN``, ``∞``, both, or nothing.
    """

    kind: Kind
    low: float
    high: float
    missing: str = ""

    @classmethod
    def amounts(cls, values: Numbers, *, from_zero: bool = False) -> Scale:
        """From the smallest to the largest of these numbers, or from zero if it is smaller."""
        low, high = _ends(values)
        return cls("sequential", min(low, 0.0) if from_zero else low, high, missing_in(values))

    @classmethod
    def signs(cls, values: Numbers) -> Scale:
        """Zero-centred, as far as the largest magnitude of these numbers."""
        low, high = _ends(values)
        limit = max(abs(low), abs(high))
        return cls("diverging", -limit, limit, missing_in(values))

    @classmethod
    def picture(cls, values: Numbers) -> Scale:
        """From black to white: from 0 to 1 where all lies between them, else over the range of these numbers."""
        low, high = _ends(values)
        if low >= 0.0 and high <= 1.0:
            low, high = 0.0, 1.0
        return cls("grey", low, high, missing_in(values))

    @classmethod
    def decision(cls, shares: Numbers) -> Scale:
        """From the first class of two over undecided to the second: 0 to 1."""
        return cls("classes", 0.0, 1.0, missing_in(shares))

    @property
    def known(self) -> bool:
        """Whether there is any number."""
        return not math.isnan(self.low)

    def joined(self, other: Scale | None) -> Scale:
        """So far that the numbers of both lie on it; itself beside one that means something else by its colours."""
        if other is None or other.kind != self.kind or not other.known:
            return self
        if not self.known:
            return replace(self, low=other.low, high=other.high)
        return replace(self, low=min(self.low, other.low), high=max(self.high, other.high))

    def levels(self, values: Numbers) -> NDArray[np.intp]:
        """The place of each number on the scale, 0 to 255; 256 for what is no number.

        Where all numbers are the same, they are at the low end; zeros of a scale around zero in the middle.
        """
        numbers = single(values)
        span = self.high - self.low
        factor = (_LEVELS - 1) / span if span > 0 and math.isfinite(span) else 0.0
        finite = np.isfinite(numbers) & self.known
        if finite.all() and not self.low == self.high == 0.0:  # the same as below, in fewer passes
            with np.errstate(invalid="ignore", over="ignore"):
                shares = numbers - np.float32(self.low)
                shares *= np.float32(factor)
            np.rint(shares, out=shares)
            np.clip(shares, 0, _LEVELS - 1, out=shares)
            return shares.astype(np.intp)
        with np.errstate(invalid="ignore", over="ignore"):
            positions = np.where(finite, (numbers - np.float32(self.low)) * np.float32(factor), 0.0)
        if self.low == self.high == 0.0 and self.kind in ("diverging", "grey"):
            positions = np.full(numbers.shape, (_LEVELS - 1) / 2, dtype=np.float32)
        index = np.clip(np.rint(positions), 0, _LEVELS - 1).astype(np.intp)
        index[~finite] = _LEVELS
        return index

    def paint(self, values: Numbers) -> NDArray[np.uint32]:
        """Each number as 0xAARRGGBB, same shape."""
        painted: NDArray[np.uint32] = _packed(self.kind, theme.current().name)[self.levels(np.asarray(values))]
        return painted

    def composite(self, values: Numbers) -> NDArray[np.uint32]:
        """[..., 3, height, width] as red, green and blue: 0xAARRGGBB[..., height, width]."""
        levels = self.levels(np.asarray(values))
        unknown = (levels == _LEVELS).any(axis=-3)
        bytes_ = np.minimum(levels, _LEVELS - 1).astype(np.uint32)
        red, green, blue = bytes_[..., 0, :, :], bytes_[..., 1, :, :], bytes_[..., 2, :, :]
        pixels = np.uint32(0xFF000000) | red << 16 | green << 8 | blue
        return np.where(unknown, np.uint32(NOT_A_NUMBER), pixels).astype(np.uint32)

    def colour(self, value: float) -> QColor:
        """Of one number."""
        return QColor.fromRgb(int(self.paint(np.array([value]))[0]))

    def bar(self, width: int, height: int) -> QImage:
        """The legend, painted as the picture is: from the low end on the left to the high end on the right."""
        with np.errstate(over="ignore", invalid="ignore"):
            ramp = self.low + (self.high - self.low) * np.linspace(0.0, 1.0, max(2, width))
        return image_of(np.repeat(self.paint(ramp)[None, :], max(1, height), axis=0))

    def words(self, digits: int = 2) -> tuple[str, str]:
        """The numbers at the two ends, rounded outwards: everything in the picture lies between them."""
        return theme.format_range(self.low, self.high, digits)

    def range_words(self, digits: int = 2) -> str:
        """``−0.35 … 0.35``; what is no number, too: ``0 … 1.2, NaN``; ``NaN`` where there is nothing else."""
        if not self.known:
            return self.missing or "NaN"
        return " … ".join(self.words(digits)) + (f", {self.missing}" if self.missing else "")


@dataclass(frozen=True)
class OwnScales:
    """Each picture of several has a scale of its own: what their common legend can say is where their ends are."""

    kind: Kind
    missing: str = ""

    def bar(self, width: int, height: int) -> QImage:
        """Painted as the pictures are."""
        return Scale(self.kind, *_UNIT_ENDS[self.kind]).bar(width, height)

    def words(self, _digits: int = 2) -> tuple[str, str]:
        """The ends that each picture has."""
        return ("−max", "max") if self.kind == "diverging" else ("min", "max")


_UNIT_ENDS = {"sequential": (0.0, 1.0), "grey": (0.0, 1.0), "classes": (0.0, 1.0), "diverging": (-1.0, 1.0)}


def single(array: Numbers) -> NDArray[np.float32]:
    """The numbers as float32; what is too large for that is infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(array, dtype=np.float32)


def value_range(array: Numbers) -> tuple[float, float]:
    """Smallest and largest finite number; (0, 0) where there is none."""
    low, high = _ends(array)
    return (0.0, 0.0) if math.isnan(low) else (low, high)


def _ends(array: Numbers) -> tuple[float, float]:
    """Smallest and largest finite number; NaN where there is none."""
    array = np.asarray(array)
    finite = array[np.isfinite(array)] if np.issubdtype(array.dtype, np.inexact) else array
    if finite.size == 0:
        return math.nan, math.nan
    return float(finite.min()), float(finite.max())


def missing_in(array: Numbers) -> str:
    """``NaN``, ``∞``, both or nothing: what there is besides finite numbers."""
    array = np.asarray(array)
    if not np.issubdtype(array.dtype, np.inexact) or bool(np.isfinite(array).all()):
        return ""
    names = (("NaN", np.isnan(array).any()), ("∞", np.isinf(array).any()))
    return ", ".join(name for name, found in names if found)


def sign_colour(value: float, colours: theme.Theme) -> QColor:
    """Of a wire, a term or a word about a number: by its sign only."""
    if not math.isfinite(value):
        return QColor.fromRgb(NOT_A_NUMBER)
    return colours.positive if value > 0 else colours.negative if value < 0 else colours.text_faint


def legible_on(ground: QColor) -> QColor:
    """Black or white: what has more contrast to a cell of a scale, by the relative luminance of WCAG 2."""
    shares = ground.redF(), ground.greenF(), ground.blueF()
    parts = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in shares)
    luminance = sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))
    return QColor("#000000") if luminance > _EVEN else QColor("#ffffff")


def class_colour(index: int, colours: theme.Theme) -> QColor:
    """Of a class, none of which is that of a sign."""
    return colours.classes[index % len(colours.classes)]


def paint_no_number(painter: QPainter, area: QRectF) -> None:
    """Fill an area in which a number should stand and is none: hatched in the colour that means it."""
    with Saved(painter):
        painter.setPen(Qt.PenStyle.NoPen)
        painter.fillRect(area, QColor.fromRgb(NOT_A_NUMBER))
        painter.fillRect(area, QBrush(QColor("#000000"), Qt.BrushStyle.BDiagPattern))


def image_of(pixels: NDArray[np.uint32]) -> QImage:
    """0xAARRGGBB[height, width] as a QImage that owns its memory."""
    height, width = pixels.shape
    data = np.ascontiguousarray(pixels, dtype=np.uint32)
    return QImage(data.data, width, height, width * 4, QImage.Format.Format_ARGB32).copy()


# ---- tables --------------------------------------------------------------------------------------------------------


@cache
def sequential_lut() -> NDArray[np.uint8]:
    """uint8[256, 3] of viridis, which is perceptually uniform."""
    from pyqtgraph import colormap  # noqa: PLC0415 - a slow import, only needed with the first picture

    table = colormap.get("viridis").getLookupTable(nPts=_LEVELS, alpha=False)
    return np.ascontiguousarray(table, dtype=np.uint8)


@cache
def diverging_lut(dark: bool) -> NDArray[np.uint8]:
    """uint8[256, 3] from the negative colour over the theme's neutral to the positive one, which are equally light."""
    colours = theme.DARK if dark else theme.LIGHT
    low, high = _to_oklab(colours.negative), _to_oklab(colours.positive)
    low[0] = high[0] = (low[0] + high[0]) / 2
    return _two_sided(low, _to_oklab(colours.neutral), high)


@cache
def decision_lut(dark: bool) -> NDArray[np.uint8]:
    """uint8[256, 3] from the colour of the first class over the theme's neutral to that of the second."""
    colours = theme.DARK if dark else theme.LIGHT
    first, second = colours.classes[:2]
    table = _two_sided(_to_oklab(first), _to_oklab(colours.neutral), _to_oklab(second))
    # Exactly those of the points, not nearly.
    for row, colour in ((0, first), (-1, second)):
        table[row] = colour.red(), colour.green(), colour.blue()
    return table


def _two_sided(
    low: NDArray[np.float64], middle: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.uint8]:  # fmt: skip
    """Straight lines in OKLab, so steps look equal."""
    position = np.linspace(-1.0, 1.0, _LEVELS)[:, None]
    return _from_oklab(np.where(position < 0, middle + (low - middle) * -position, middle + (high - middle) * position))


@cache
def _packed(kind: Kind, theme_name: str) -> NDArray[np.uint32]:
    dark = theme_name == theme.DARK.name
    if kind == "sequential":
        lut = sequential_lut()
    elif kind == "diverging":
        lut = diverging_lut(dark)
    elif kind == "classes":
        lut = decision_lut(dark)
    else:
        lut = np.repeat(np.arange(_LEVELS, dtype=np.uint8)[:, None], 3, axis=1)
    wide = lut.astype(np.uint32)
    packed = 0xFF000000 | wide[:, 0] << 16 | wide[:, 1] << 8 | wide[:, 2]
    return np.append(packed, NOT_A_NUMBER).astype(np.uint32)


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
