"""What is written around a plot: the names of the curves where they end, and the title of the horizontal axis."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import guarded
from nnviz.gui.panels.numbers import spread


@dataclass(frozen=True, slots=True)
class EndLabel:
    """The name of a curve, written where it ends."""

    key: str
    title: str
    colour: QColor
    y: float
    strong: bool


class EndLabels(QWidget):
    """The names of the curves at the right of a plot, moved apart where they would cover each other."""

    picked = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._labels: list[EndLabel] = []
        self._places: list[float] = []
        self.setMouseTracking(True)

    @property
    def shown(self) -> list[str]:
        """The titles that have room, from top to bottom."""
        return [label.title for _, label in sorted(zip(self._places, self._labels, strict=True), key=lambda x: x[0])]

    def set_labels(self, labels: list[EndLabel], top: float, bottom: float) -> None:
        """Show these; where there are too many, the strong one and an even choice of the others."""
        height = float(QFontMetrics(themes.font(12)).height())
        room = max(int((bottom - top + height / 2) // height), 1)
        if len(labels) > room:
            ordered = sorted(labels, key=lambda label: label.y)
            picked = {round(index * (len(ordered) - 1) / max(room - 1, 1)) for index in range(room)}
            labels = [label for index, label in enumerate(ordered) if index in picked or label.strong]
        places = spread([label.y for label in labels], height, top - height / 2, bottom + height / 2)
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
            text = QFontMetrics(font).elidedText(label.title, Qt.TextElideMode.ElideRight, self.width() - 12)
            painter.drawText(QPointF(11, place + QFontMetrics(font).capHeight() / 2), text)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click on a name selects its node."""
        y = event.position().y()
        for label, place in zip(self._labels, self._places, strict=True):
            if abs(place - y) <= QFontMetrics(themes.font(12)).height() / 2:
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
