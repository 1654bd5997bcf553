"""How large things are on the page of a lecture: drawn for a projector of 1280×720, and larger with the page."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QSize
from PySide6.QtGui import QFont, QFontMetricsF

from nnviz.gui.look import theme

#: What everything is measured for, in pixels.
PAGE = QSize(1280, 720)
#: No text on a page of that size is smaller, in pixels: what has no room for it is left out.
LETTERS = 24
#: On a smaller page than this share of it things are cut rather than unreadable.
_LEAST = 0.6
#: Letters of the instruments and of the pictures on cards, which the page shows enlarged.
_SMALLEST_ELSEWHERE = 12


@dataclass(frozen=True)
class Measure:
    """Pixels for one of the page of 1280×720.

    Attributes:
        unit: So many device-independent pixels are one pixel of that page.
    """

    unit: float = 1.0

    @staticmethod
    def of(size: QSize) -> Measure:
        """What fits a page of this size."""
        return Measure(max(_LEAST, min(size.width() / PAGE.width(), size.height() / PAGE.height())))

    @property
    def glass(self) -> float:
        """What has the letters of a desk is enlarged so much, so that they are those of the page."""
        return LETTERS / _SMALLEST_ELSEWHERE * self.unit

    def px(self, pixels: float) -> int:
        """A length of that page here, in whole pixels."""
        return round(pixels * self.unit)

    def font(self, pixels: float = LETTERS, weight: int = 400) -> QFont:
        """Letters of so many pixels of that page."""
        return theme.scene_font(pixels * self.unit, weight)

    def width(self, text: str, pixels: float = LETTERS, weight: int = 400) -> float:
        """How wide a text in these letters is, here."""
        return QFontMetricsF(self.font(pixels, weight)).horizontalAdvance(text)

    def line(self, pixels: float = LETTERS) -> int:
        """Height of a line of these letters, here."""
        return round(1.25 * pixels * self.unit)
