"""Examples as pictures: as they are, and with the colours of a map laid over them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import Saved
from nnviz.gui.look.pictures import fitted
from nnviz.gui.look.scales import Numbers, Scale, image_of

_RGB = 3
_BAR_HEIGHT, _GAP = 9, 6
#: From so many on, a picture is enlarged by whole numbers only.
_MULTIPLES = 3


def example_pixels(example: Numbers, scale: Scale | None = None) -> NDArray[np.uint32]:
    """An image ``(channels, height, width)`` as 0xAARRGGBB; of other than one or three channels their mean."""
    scale = Scale.picture(example) if scale is None else scale
    if len(example) == _RGB:
        return scale.composite(example)
    return scale.paint(example[0] if len(example) == 1 else example.mean(0))


def laid_over(example: Numbers, painted: NDArray[np.uint32], strength: float) -> NDArray[np.uint32]:
    """A painted map over an image: ``strength`` 1 shows the map alone, in the very colours of its legend, 0 nothing."""
    below = example_pixels(example).view(np.uint8).astype(np.float32)
    above = np.ascontiguousarray(painted, dtype=np.uint32).view(np.uint8).astype(np.float32)
    mixed = np.rint((1 - strength) * below + strength * above).astype(np.uint8)
    return np.ascontiguousarray(mixed).view(np.uint32)


def pixmap(pixels: NDArray[np.uint32], side: QSizeF, ratio: float) -> QPixmap:
    """As large as fits a place, in whole multiples of its pixels; where only one or two fit, the place is filled.

    Half of a small room left empty would cost more than pixels of two sizes.
    """
    image, factor = image_of(pixels), ratio * min(side.width() / pixels.shape[1], side.height() / pixels.shape[0])
    if not 1 < factor < _MULTIPLES:
        return fitted(image, side.toSize(), ratio)
    size = (image.size().toSizeF() * factor).toSize()
    found = QPixmap.fromImage(image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio))
    found.setDevicePixelRatio(ratio)
    return found


def place_in(picture: QPixmap, place: QRectF) -> QRectF:
    """Where a picture stands in its place: at the left, in the middle of its height."""
    size = picture.deviceIndependentSize()
    return QRectF(
        place.left(), place.top() + max(0.0, (place.height() - size.height()) / 2), size.width(), size.height()
    )


def paint_frame(painter: QPainter, picture: QRectF, spans: tuple[tuple[int, int], ...], shape: tuple[int, ...]) -> None:
    """A frame round rows and columns of an image, both ends included, that can be seen on dark and on light."""
    if len(spans) != 2 or len(shape) != 2:
        return
    (top, bottom), (left, right) = spans
    down, across = picture.height() / shape[0], picture.width() / shape[1]
    frame = QRectF(
        picture.left() + left * across,
        picture.top() + top * down,
        (right - left + 1) * across,
        (bottom - top + 1) * down,
    )
    with Saved(painter):
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor("#000000"), 3))
        painter.drawRect(frame)
        painter.setPen(QPen(themes.current().accent, 1.5))
        painter.drawRect(frame)


def paint_legend(painter: QPainter, place: QRectF, scale: Scale) -> None:
    """The scale between the numbers at its ends, as wide as its place; painted by the scale itself."""
    colours = themes.current()
    with Saved(painter):
        painter.setFont(themes.font(12))
        painter.setPen(colours.text_muted)
        metrics = painter.fontMetrics()
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        if not scale.known:
            painter.drawText(place, middle, scale.missing or "NaN")
            return
        low, high = scale.words()
        left, right = metrics.horizontalAdvance(low), metrics.horizontalAdvance(high)
        painter.drawText(place, middle | int(Qt.AlignmentFlag.AlignLeft), low)
        painter.drawText(place, middle | int(Qt.AlignmentFlag.AlignRight), high)
        width = place.width() - left - right - 2 * _GAP
        if width > 8:
            corner = QPointF(place.left() + left + _GAP, place.center().y() - _BAR_HEIGHT / 2)
            painter.drawImage(QRectF(corner, QSizeF(width, _BAR_HEIGHT)), scale.bar(round(width), _BAR_HEIGHT))
