"""Says on the page of a lecture what is shown in the place of what flows forwards: gradients, or a part of a step."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from nnviz.gui.canvas.cards.lens import Looking
from nnviz.gui.lecture.measure import LETTERS, Measure
from nnviz.gui.lecture.spotlight import lines_of
from nnviz.gui.look import theme
from nnviz.gui.look.painting import guarded
from nnviz.gui.look.scales import OwnScales

#: On the page: letters of the title, lines of words at most, room around, width of the bar of colours.
_TITLE, _LINES, _ROOM, _BAR = 26, 2, 16, 130
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip
_CENTRE = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip


class LectureBand(QWidget):
    """Title or parts of the step, the scale of the colours, and a sentence.

    Signals:
        part_wanted: A part of a step was clicked: its name.
    """

    part_wanted = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._looking: Looking | None = None
        self._measure = Measure()
        #: Where each part of a step was painted.
        self._places: dict[str, QRectF] = {}
        self.setAccessibleName("What is shown")
        self.hide()

    @property
    def looking(self) -> Looking | None:
        """What is spoken of; None for nothing."""
        return self._looking

    def set_measure(self, measure: Measure) -> None:
        """Have another size."""
        self._measure = measure
        self.update()

    def show_looking(self, looking: Looking | None) -> None:
        """Speak of this; None hides the band."""
        self._looking = looking
        self._places = {}
        self.setVisible(looking is not None)
        if looking is not None:
            self.setAccessibleDescription(f"{looking.title} {looking.part} {looking.words}")
        self.update()

    def height_at(self, width: int) -> int:
        """How high it is at this width; 0 where there is nothing to say."""
        if self._looking is None:
            return 0
        measure = self._measure
        lines = max(1, len(self._lines(width)))
        return measure.line(_TITLE) + lines * measure.line() + measure.px(16)

    def _lines(self, width: float) -> list[str]:
        assert self._looking is not None
        room = width - 2 * self._measure.px(_ROOM)
        return lines_of(self._looking.words, _LINES, self._measure.width, room)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Plate, first row, words."""
        looking, measure, colours = self._looking, self._measure, theme.current()
        if looking is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.mixed(colours.accent, colours.panel, 0.35))
        painter.setBrush(colours.panel)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), measure.px(8), measure.px(8))
        room, high = measure.px(_ROOM), float(measure.line(_TITLE))
        x, y = float(room), float(measure.px(7))
        if looking.parts:
            x = self._paint_parts(painter, looking, QRectF(x, y, 0.0, high), colours)
        else:
            painter.setFont(measure.font(_TITLE, 600))
            painter.setPen(colours.text)
            painter.drawText(QRectF(x, y, self.width(), high), _LEFT, looking.title)
            x += measure.width(looking.title, _TITLE, 600)
        if looking.signs:
            self._paint_scale(painter, QRectF(0.0, y, self.width() - room, high), x, colours)
        painter.setFont(measure.font())
        painter.setPen(colours.text)
        y += high + measure.px(2)
        for words in self._lines(self.width()):
            painter.drawText(QRectF(room, y, self.width(), measure.line()), _LEFT, words)
            y += measure.line()
        painter.end()

    def _paint_parts(self, painter: QPainter, looking: Looking, row: QRectF, colours: theme.Theme) -> float:
        """The parts of a step, the present one marked; where they end."""
        measure, x = self._measure, row.left()
        for part in looking.parts:
            present = part == looking.part
            wide = measure.width(part, LETTERS, 600) + measure.px(20)
            place = QRectF(x, row.top(), wide, row.height())
            if present:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colours.accent)
                painter.drawRoundedRect(place, measure.px(6), measure.px(6))
            painter.setFont(measure.font(LETTERS, 600 if present else 400))
            painter.setPen(colours.accent_text if present else colours.text_muted)
            painter.drawText(place, _CENTRE, part)
            self._places[part] = place
            x += wide + measure.px(8)
        return x

    def place_of(self, part: str) -> QRectF:
        """Where a part of a step stands; empty where none is shown."""
        return self._places.get(part, QRectF())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A part that is clicked is wanted."""
        part = next((part for part, place in self._places.items() if place.contains(event.position())), "")
        if part and event.button() == Qt.MouseButton.LeftButton:
            self.part_wanted.emit(part)
        else:
            super().mousePressEvent(event)

    def _paint_scale(self, painter: QPainter, row: QRectF, taken: float, colours: theme.Theme) -> None:
        """The colours of signs at the end of the row, and that each card has its own ends, where there is room."""
        measure, ratio = self._measure, self.devicePixelRatioF()
        painter.setFont(measure.font())
        painter.setPen(colours.text_muted)
        right = row.right()
        words = "each card its own scale"
        needed = measure.width(words) + measure.px(_BAR + 100)
        if taken + needed < right:
            right -= measure.width(words)
            painter.drawText(QRectF(right, row.top(), row.right() - right, row.height()), _LEFT, words)
            right -= measure.px(16)
        sign, wide, high = measure.width("+") + measure.px(8), measure.px(_BAR), measure.px(16)
        painter.drawText(QRectF(right - sign, row.top(), sign, row.height()), _CENTRE, "+")
        bar = QPixmap.fromImage(OwnScales("diverging").bar(round(wide * ratio), round(high * ratio)))
        bar.setDevicePixelRatio(ratio)
        left = round(right - sign - wide)
        painter.drawPixmap(left, round(row.center().y() - high / 2), bar)
        painter.drawText(QRectF(left - sign, row.top(), sign, row.height()), _CENTRE, "−")
