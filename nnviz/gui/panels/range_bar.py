"""The legend of a picture: its scale, painted by the scale itself, between the numbers at its two ends."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import answering, guarded
from nnviz.gui.look.scales import NO_NUMBER, SIGNS, OwnScales, Scale, paint_no_number
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import line_height

_BAR, _GAP = 40, 5


class RangeBar(QWidget):
    """A colour scale with the numbers at its two ends; its width does not depend on them.

    Where the picture holds something that is no number, its colour stands beside the scale.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scale: Scale | OwnScales | None = None
        self._width = 0
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.restyle()
        follow(themes.notifier.changed, self.restyle)

    @property
    def scale(self) -> Scale | OwnScales | None:
        """What is painted; None for nothing."""
        return self._scale

    @property
    def ends(self) -> tuple[str, str]:
        """What is written at the two ends: the numbers, rounded outwards."""
        if self._scale is None or (isinstance(self._scale, Scale) and not self._scale.known):
            return "", ""
        return self._scale.words()

    @property
    def missing(self) -> str:
        """What is written beside the colour of what is no number; empty where there is none."""
        if isinstance(self._scale, Scale) and not self._scale.known:
            return self._scale.missing or "NaN"
        return "" if self._scale is None else self._scale.missing

    def set_scale(self, scale: Scale | OwnScales | None) -> None:
        """Show the scale of a picture, or what the scales of several have in common."""
        if scale != self._scale:
            self._scale = scale
            low, high = self.ends
            words = [f"Colours run from {low} to {high}."] if low else []
            if isinstance(scale, OwnScales):
                words = ["Each picture has a scale of its own; point at one for its numbers."]
            if scale is not None and scale.kind == "diverging":
                words.append(f"{SIGNS}.")
            if self.missing:
                words.append(f"{NO_NUMBER}.")
            self.setAccessibleName(f"Range {low} to {high}" if low else f"Range: {self.missing or 'none'}")
            self.setToolTip(" ".join(words))
            if self._room() != self._width:
                self.restyle()
            self.update()

    def restyle(self) -> None:
        """Take the size of the theme's letters."""
        self.setFont(themes.font(12))
        self._width = self._room()
        self.setFixedSize(self.sizeHint())
        self.update()

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """Room for two numbers and the scale between them."""
        return QSize(self._room(), line_height() + 2)

    def _room(self) -> int:
        missing = self._missing_width() + 14 + _GAP if self.missing else 0
        return 2 * self._text_width() + _BAR + 2 * _GAP + missing

    def _text_width(self) -> int:
        return max(self.fontMetrics().horizontalAdvance(text) for text in ("−0.000", *self.ends))

    def _missing_width(self) -> int:
        return self.fontMetrics().horizontalAdvance(self.missing) + 6

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """What is no number; low, scale, high."""
        if self._scale is None:
            return
        painter = QPainter(self)
        painter.setPen(QColor(themes.current().text_muted))
        vertical, middle = int(Qt.AlignmentFlag.AlignVCenter), self.height() // 2
        low, high = self.ends
        width = self._text_width()
        if self.missing:
            beside = self._missing_width()
            left = 0 if low else self.width() - beside - 14
            paint_no_number(painter, QRectF(left, middle - 5, 12, 10))
            place = QRect(left + 16, 0, beside, self.height())
            painter.drawText(place, int(Qt.AlignmentFlag.AlignLeft) | vertical, self.missing)
        if low:
            start = self.width() - 2 * width - _BAR - 2 * _GAP
            right = int(Qt.AlignmentFlag.AlignRight)
            painter.drawText(QRect(start, 0, width, self.height()), right | vertical, low)
            painter.drawImage(QRect(start + width + _GAP, middle - 4, _BAR, 8), self._scale.bar(_BAR, 8))
            place = QRect(self.width() - width, 0, width, self.height())
            painter.drawText(place, int(Qt.AlignmentFlag.AlignLeft) | vertical, high)
