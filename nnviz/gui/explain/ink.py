"""The ink of explanations: texts, cells with numbers, pictures, bars; and what of that can be pointed at.

Whatever is painted on a page is painted by an :class:`Ink`, which remembers the texts (they can be read off the screen
by tests and by those who listen) and the spots (they can be clicked, walked to by keyboard, and asked which weight they
show).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import Saved
from nnviz.gui.look.scales import Scale, image_of, paint_no_number, sign_colour
from nnviz.gui.look.theme import Theme, mixed

if TYPE_CHECKING:
    from nnviz.explain.explanation import Index
    from nnviz.explain.place import Place

Numbers = NDArray[Any]
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
CENTRE = Qt.AlignmentFlag.AlignCenter


@dataclass(frozen=True)
class Spot:
    """A part of the page that can be pointed at.

    Attributes:
        rect: Where it is.
        words: What it is, as a sentence or less.
        zone: Spots of one zone are walked through by the arrow keys; Tab goes to the next zone.
        target: The number that a click walks to.
        number: Which number of a parameter is drawn here: (layer, parameter, index).
        value: What that is.
        press: Called with the point of the page where it is pressed, and while it is dragged.
        drags: Whether moving the pressed mouse goes on pressing.
    """

    rect: QRectF
    words: str
    zone: str = "terms"
    target: Place | None = None
    number: tuple[str, str, Index] | None = None
    value: float = math.nan
    press: Callable[[QPointF], object] | None = None
    drags: bool = False

    @property
    def leads(self) -> bool:
        """Whether a click does something."""
        return self.target is not None or self.press is not None


@lru_cache(maxsize=4096)
def _width(_family: str, pixels: int, weight: int, text: str) -> float:
    """Of a text in letters of so many pixels: asked again and again of the same few."""
    return QFontMetricsF(themes.scene_font(pixels, weight)).horizontalAdvance(text)


class Ink:
    """Paints on one page.

    Args:
        painter: On the page.
        letters: Size of a usual line, in pixels.

    Attributes:
        theme: The colours.
        texts: What was written, in order.
        spots: What can be pointed at.
    """

    def __init__(self, painter: QPainter, letters: float) -> None:
        self.painter = painter
        self.letters = letters
        self.theme: Theme = themes.current()
        self.texts: list[str] = []
        self.spots: list[Spot] = []

    # ---- letters -------------------------------------------------------------------------------------------------

    def font(self, size: float = 1.0, weight: int = 400) -> QFont:
        """Letters of a multiple of the usual size."""
        return themes.scene_font(size * self.letters, weight)

    def width(self, text: str, size: float = 1.0, weight: int = 400) -> float:
        """How much room a text takes."""
        return _width(themes.load_fonts(), self.font(size, weight).pixelSize(), weight, text)

    def text(
        self, rect: QRectF, text: str, size: float = 1.0, weight: int = 400, *, colour: QColor | None = None,
        align: Qt.AlignmentFlag = LEFT, wrap: bool = False,
    ) -> float:  # fmt: skip
        """Write a line, cut with an ellipsis where there is no room; how wide it came out."""
        if rect.width() < 4 or rect.height() < 4 or not text:
            return 0.0
        font = self.font(size, weight)
        metrics = QFontMetricsF(font)
        shown = text if wrap else metrics.elidedText(text, Qt.TextElideMode.ElideRight, rect.width() + 1)
        self.painter.setFont(font)
        self.painter.setPen(colour or self.theme.text)
        flags = int(align | Qt.TextFlag.TextWordWrap) if wrap else int(align | Qt.TextFlag.TextDontClip)
        self.painter.drawText(rect, flags, shown)
        self.texts.append(shown)
        return metrics.horizontalAdvance(shown)

    def run(self, x: float, y: float, height: float, pieces: list[tuple[str, QColor, int, float]], end: float) -> float:
        """Write pieces behind each other: (text, colour, weight, size); where the last one ends.

        Where they have no room, all get smaller letters: a number that is cut says another one.
        """
        needed = sum(self.width(text, size, weight) for text, _, weight, size in pieces)
        less = min(1.0, max((end - x) / needed, 0.7)) if needed else 1.0
        pieces = [(text, colour, weight, less * size) for text, colour, weight, size in pieces]
        for text, colour, weight, size in pieces:
            if x >= end - 4:
                break
            x += self.text(QRectF(x, y, end - x, height), text, size, weight, colour=colour)
        return x

    def caption(self, rect: QRectF, text: str) -> None:
        """What a picture or a table shows, small above it."""
        self.text(rect, text, 0.82, 500, colour=self.theme.text_muted)

    # ---- numbers -------------------------------------------------------------------------------------------------

    def sign(self, value: float) -> QColor:
        """Of a number by its sign; zero is quiet."""
        return sign_colour(value, self.theme)

    def cell(self, rect: QRectF, value: float, colour: QColor, *, faded: bool = False) -> None:
        """One number in its colour, written where it fits."""
        painter = self.painter
        gap = 1.0 if rect.width() > 12 else 0.5 if rect.width() > 5 else 0.0
        inner = rect.adjusted(0, 0, -gap, -gap)
        painter.setPen(Qt.PenStyle.NoPen)
        if not math.isfinite(value):
            paint_no_number(painter, inner)
        else:
            painter.setBrush(colour)
            if rect.width() > 14:  # a white number on a white page is a cell, too
                painter.setPen(QPen(self.theme.border, 1.0))
            radius = min(3.0, rect.width() / 10)
            painter.drawRoundedRect(inner, radius, radius)
        size = min(1.25, rect.height() / self.letters * 0.5, rect.width() / self.letters / 2.9)
        if size * self.letters < 10.5:
            return
        # Two decimals, of what is neither large nor small.
        digits = 3 if abs(value) >= 1 or abs(value) < 1e-3 else 2 if abs(value) >= 0.1 else 1
        text = themes.format_number(value, digits)
        if 0.005 <= abs(value) < 0.1 and self.width(text, size, 500) > inner.width():
            text = f"{'−' if value < 0 else ''}{abs(value):.2f}"
        fewer = themes.format_number(value, digits - 1) if abs(value) >= 1 else text
        for short in (text, text.replace("0.", ".", 1), fewer):  # a table in which some cells are mute says nothing
            small = min(size, 0.86 * rect.width() / max(self.width(short), 1.0))
            if (small * self.letters >= 9.5 or self.letters <= 9.5) and self.width(short, small, 500) <= inner.width():
                text, size = short, small
                break
        else:
            return  # half a number says another one
        light = 0.299 * colour.redF() + 0.587 * colour.greenF() + 0.114 * colour.blueF() > 0.5
        ink = QColor("#10131a") if light else QColor("#ffffff")
        if faded:
            ink.setAlphaF(0.6)
        self.text(inner, text, size, 500, colour=ink, align=CENTRE)

    @staticmethod
    def unit_of(values: Numbers) -> int:
        """The power of ten in which a table of small or large numbers is written, so that all fit into their cells."""
        finite = np.abs(values[np.isfinite(values)])
        largest = float(finite.max()) if finite.size else 0.0
        return math.floor(math.log10(largest)) if largest and not 0.02 <= largest < 1e4 else 0

    def bar(self, rect: QRectF, share: float, value: float) -> None:
        """From the middle to the right for positive numbers, to the left for negative ones."""
        painter, middle = self.painter, rect.center().x()
        painter.setPen(QPen(self.theme.border, 1.0))
        painter.drawLine(QPointF(middle, rect.top()), QPointF(middle, rect.bottom()))
        painter.setPen(Qt.PenStyle.NoPen)
        if not math.isfinite(value):
            paint_no_number(painter, QRectF(middle, rect.top(), rect.width() / 2, rect.height()))
            return
        painter.setBrush(self.sign(value))
        length = max(1.5 if value else 0.0, min(1.0, share) * rect.width() / 2)
        left = middle if value > 0 else middle - length
        painter.drawRoundedRect(QRectF(left, rect.top() + 2, length, rect.height() - 4), 2.0, 2.0)

    # ---- pictures ------------------------------------------------------------------------------------------------

    def picture(self, room: QRectF, values: Numbers, scale: Scale, *, at_left: bool = True) -> QRectF:
        """[height, width] or, as a colour image, [3, height, width], as large as it fits; where it came to lie."""
        height, width = values.shape[-2:]
        factor = min(room.width() / width, room.height() / height)
        if factor > 1:
            factor = max(1.0, math.floor(factor)) if math.floor(factor) > 0.8 * factor else factor
        place = QRectF(0, 0, width * factor, height * factor)
        place.moveTopLeft(room.topLeft())
        if not at_left:
            place.moveLeft(room.center().x() - place.width() / 2)
        place = QRectF(round(place.x()), round(place.y()), max(1, round(place.width())), max(1, round(place.height())))
        painted = scale.composite(values) if values.ndim == 3 else scale.paint(values)
        with Saved(self.painter):
            self.painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, factor < 1)
            self.painter.drawImage(place, image_of(painted))
        return place

    def frame(self, rect: QRectF, *, strong: bool = True) -> None:
        """A mark around a part of a picture that can be seen on light and on dark."""
        painter = self.painter
        painter.setBrush(Qt.BrushStyle.NoBrush)
        grown = rect.adjusted(-1.5, -1.5, 1.5, 1.5)
        for colour, width in ((QColor("#000000"), 4.5), (self.theme.accent if strong else QColor("#ffffff"), 2.2)):
            pen = QPen(colour, width)
            pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            painter.setPen(pen)
            painter.drawRect(grown)

    def colours(self, values: Numbers, scale: Scale) -> list[list[QColor]]:
        """A colour for each number of a table."""
        return [[QColor.fromRgb(int(one)) for one in row] for row in scale.paint(np.asarray(values))]

    def card(self, rect: QRectF) -> QRectF:
        """A plate behind a part of the page; the room on it."""
        self.painter.setPen(QPen(self.theme.border, 1.0))
        self.painter.setBrush(mixed(self.theme.panel, self.theme.panel_raised, 0.6))
        self.painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 8.0, 8.0)
        pad = 0.8 * self.letters
        return rect.adjusted(pad, 0.6 * pad, -pad, -0.6 * pad)

    def button(self, rect: QRectF, text: str, words: str, press: Callable[[QPointF], object], zone: str) -> None:
        """A small button."""
        self.painter.setPen(QPen(self.theme.border, 1.0))
        self.painter.setBrush(self.theme.panel_raised)
        self.painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 5.0, 5.0)
        self.text(rect, text, 0.95, 500, align=CENTRE)
        self.spots.append(Spot(rect, words, zone, press=press))

    def spot(self, rect: QRectF, words: str, **more: Any) -> None:
        """Something that can be pointed at."""
        self.spots.append(Spot(rect, words, **more))

    def link(self, on: bool) -> QColor:
        """Of a text that can be clicked, or not."""
        return self.theme.accent if on else self.theme.text
