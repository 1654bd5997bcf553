"""What a small network says about one example, where there is no plane to draw: a bar for each output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from nnviz.gui.look import theme
from nnviz.gui.look.painting import answering, guarded
from nnviz.gui.look.planes import probabilities
from nnviz.gui.look.scales import class_colour, sign_colour
from nnviz.gui.look.theme import format_number

if TYPE_CHECKING:
    from nnviz.explain.neurons import NeuronNumbers

#: Pixels of a bar with the room around it, at the most.
_ROW = 46.0


class AnswerBars(QWidget):
    """A line for each output: its name, a bar as long as its share, and the share; the right one is marked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._numbers: NeuronNumbers | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("What the network says about the example")

    def show_numbers(self, numbers: NeuronNumbers | None) -> None:
        """Another moment of the network."""
        self._numbers = numbers
        if numbers is not None and numbers.output is not None:
            self.setMaximumHeight(round(_ROW * max(len(numbers.output), 2)))
        self.update()

    @answering(QSize)
    def minimumSizeHint(self) -> QSize:
        """Small enough for a laptop."""
        return QSize(150, 60)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The bars."""
        numbers = self._numbers
        if numbers is None or numbers.output is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = theme.current()
        output = numbers.output
        regression = numbers.task == "regression"
        shares = output / (np.abs(output).max() or 1.0) if regression else probabilities(numbers.loss_kind, output)
        names = numbers.class_names
        if len(output) == 1 and len(names) == 2:
            shares = np.array([1.0 - float(np.atleast_1d(shares)[0]), float(np.atleast_1d(shares)[0])])
        rows = list(np.atleast_1d(shares))
        font = theme.font(15, 500)
        metrics = QFontMetricsF(font)
        height = min(_ROW, self.height() / max(len(rows), 1))
        label = max((metrics.horizontalAdvance(_name(names, i)) for i in range(len(rows))), default=0.0) + 26
        label = min(label, 0.45 * self.width())
        figures = metrics.horizontalAdvance("−0.0000") + 10
        painter.setFont(font)
        for index, share in enumerate(rows):
            top = index * height
            name = _name(names, index)
            right = name == numbers.right
            painter.setPen(colours.text if right else colours.text_muted)
            shown = metrics.elidedText(f"{'✓ ' if right else ''}{name}", Qt.TextElideMode.ElideRight, label - 6)
            painter.drawText(QRectF(0, top, label, height), int(Qt.AlignmentFlag.AlignVCenter), shown)
            room = self.width() - label - figures
            bar = QRectF(label, top + 0.2 * height, max(2.0, room * min(abs(float(share)), 1.0)), 0.6 * height)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.field)
            painter.drawRoundedRect(QRectF(label, bar.top(), room, bar.height()), 4, 4)
            painter.setBrush(sign_colour(float(share), colours) if regression else class_colour(index, colours))
            painter.drawRoundedRect(bar, 4, 4)
            painter.setPen(colours.text)
            text = format_number(float(output[index])) if regression else f"{float(share):.1%}"
            area = QRectF(self.width() - figures, top, figures, height)
            painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), text)


def _name(names: tuple[str, ...], index: int) -> str:
    return names[index] if index < len(names) else f"output {index + 1}"
