"""What is written around a plot: the names of the curves where they end, and the title of the horizontal axis."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.look.age_mark import age_room, aged, paint_age_mark
from nnviz.gui.look.painting import guarded
from nnviz.gui.panels.numbers import spread

#: Room that names and values have, whatever stands there; and what is kept clear before, between and behind them.
_NAME, _VALUE = "linear10 ", "0.00000"
_BEFORE, _BETWEEN, _BEHIND = 11, 6, 3
#: From this width of a plot on, a name and a value stand side by side, with less one over the other.
_WIDE = 460


@dataclass(frozen=True, slots=True)
class EndLabel:
    """The name of a curve, and perhaps a value of it that may be old, written where it ends."""

    key: str
    title: str
    value: str
    colour: QColor
    y: float
    strong: bool
    old: bool = False


class EndLabels(QWidget):
    """The names of the curves at the right of a plot, moved apart where they would cover each other.

    A value stands beside its name; where that has no room for one of them, below the name for all.
    """

    picked = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._labels: list[EndLabel] = []
        self._places: list[float] = []
        self._below = False
        self.setMouseTracking(True)

    @property
    def shown(self) -> list[str]:
        """The titles and values that have room, from top to bottom."""
        ordered = sorted(zip(self._places, self._labels, strict=True), key=lambda x: x[0])
        return [f"{label.title} {label.value}".strip() for _, label in ordered]

    def fit(self, width: int) -> None:
        """Take the width that is right beside a plot which has so much with its labels; it depends on nothing else."""
        metrics = QFontMetrics(themes.font(12))
        value = self._room_of_value(metrics) if width >= _WIDE else 0
        self.setFixedWidth(metrics.horizontalAdvance(_NAME) + value + _BEFORE + _BEHIND)

    @staticmethod
    def _room_of_value(metrics: QFontMetrics) -> int:
        return _BETWEEN + round(age_room(metrics.ascent())) + metrics.horizontalAdvance(_VALUE)

    def set_labels(self, labels: list[EndLabel], top: float, bottom: float) -> None:
        """Show these; where there are too many, the strong one and an even choice of the others."""
        metrics = QFontMetrics(themes.font(12, 600))
        room_of_name = self.width() - _BEFORE - _BEHIND - self._room_of_value(metrics)
        valued = any(label.value for label in labels)
        self._below = valued and any(metrics.horizontalAdvance(label.title) > room_of_name for label in labels)
        line = float(QFontMetrics(themes.font(12)).height())
        height = 2 * line if self._below else line
        room = max(int((bottom - top + line / 2) // height), 1)
        if len(labels) > room:
            ordered = sorted(labels, key=lambda label: label.y)
            picked = {round(index * (len(ordered) - 1) / max(room - 1, 1)) for index in range(room)}
            labels = [label for index, label in enumerate(ordered) if index in picked or label.strong]
        places = spread([label.y for label in labels], height, top - line / 2, bottom + line / 2)
        if labels != self._labels or places != self._places:
            self._labels, self._places = labels, places
            self.update()

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the names, with a thin line to the end of the curve where a name had to move."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for label, place in zip(self._labels, self._places, strict=True):
            font = themes.font(12, 600 if label.strong else 400)
            painter.setFont(font)
            painter.setPen(QPen(label.colour, 1))
            painter.drawLine(QPointF(0, label.y), QPointF(8, place))
            metrics = QFontMetrics(font)
            base = place + metrics.capHeight() / 2
            valued = bool(label.value)
            if valued:
                line = metrics.height() / 2 if self._below else 0.0
                self._paint_value(painter, label, base + line, metrics)
                base -= line
            room = self.width() - _BEFORE - _BEHIND
            room -= self._room_of_value(metrics) if valued and not self._below else 0
            painter.setPen(QPen(label.colour, 1))
            painter.drawText(
                QPointF(_BEFORE, base), metrics.elidedText(label.title, Qt.TextElideMode.ElideMiddle, room)
            )

    def _paint_value(self, painter: QPainter, label: EndLabel, base: float, metrics: QFontMetrics) -> None:
        """At the right, with the clock of an old one before it."""
        left = self.width() - _BEHIND - metrics.horizontalAdvance(label.value)
        painter.setPen(QPen(aged(label.colour, label.old, themes.current()), 1))
        painter.drawText(QPointF(left, base), label.value)
        if label.old:
            mark = QPointF(left - age_room(metrics.ascent()), base - metrics.capHeight() / 2)
            paint_age_mark(painter, mark, metrics.ascent(), themes.current().text_muted)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click on a name selects its node."""
        y = event.position().y()
        for label, place in zip(self._labels, self._places, strict=True):
            if abs(place - y) <= QFontMetrics(themes.font(12)).height() * (1.0 if self._below else 0.5):
                self.picked.emit(label.key)
                return


class AxisTitle(QWidget):
    """The title of the horizontal axis, at the end of the row of its numbers: it costs no line of its own."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._text = "step"
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.resize_for_text()

    def resize_for_text(self) -> None:
        """Take the room the longest title needs at the present text scale."""
        self.setFont(themes.font(12))
        metrics = QFontMetrics(self.font())
        self.setFixedSize(metrics.horizontalAdvance("epoch") + 4, metrics.height() + 4)

    def set_text(self, text: str) -> None:
        """Say something else."""
        self._text = text
        self.update()

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the word, right-aligned."""
        painter = QPainter(self)
        painter.setPen(themes.current().text_muted)
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), self._text)
