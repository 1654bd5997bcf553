"""What a network says of one input: the answer large, and a bar for each class."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import answering, guarded
from nnviz.gui.look.planes import probabilities, sureness
from nnviz.gui.look.theme import Theme
from nnviz.gui.parts.following import follow
from nnviz.record.number_text import format_number

_BESIDE = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_AT_END = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_MOST_ROWS = 10


class OwnAnswerBars(QWidget):
    """The name of a network, what it answers, and how likely each class is to it.

    The likeliest class has a bar in the colour of good, or in that of danger where another one would be right; the
    right one is marked. Without an answer a sentence says why.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._heading = self._step = ""
        self._hint = ""
        self._names: tuple[str, ...] = ()
        self._shares = np.zeros(0)
        self._numbers: tuple[float, ...] = ()
        #: How sure it is.
        self._sure = ""
        self._right = ""
        self.setMinimumSize(104, 84)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        follow(themes.notifier.changed, self.restyle)

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """Ten rows and a heading."""
        return QSize(200, 230)

    def restyle(self) -> None:
        """Take the colours and letters of the theme."""
        self.update()

    @property
    def answer(self) -> str:
        """The likeliest class, or the number that is predicted, in words; empty without an answer."""
        if self._numbers:
            return ", ".join(format_number(one) for one in self._numbers)
        if not self._shares.size or not np.isfinite(self._shares).any():
            return ""
        return self._names[int(np.nanargmax(self._shares))]

    @property
    def shares(self) -> tuple[float, ...]:
        """How likely each class is to the network; nothing where it predicts a number."""
        return tuple(float(one) for one in self._shares)

    @property
    def hint(self) -> str:
        """Why there is no answer."""
        return self._hint

    def show_hint(self, heading: str, hint: str) -> None:
        """There is no answer, and why."""
        self._heading, self._hint, self._step = heading, hint, ""
        self._names, self._shares, self._numbers = (), np.zeros(0), ()
        self._tell()

    def show_answer(
        self,
        heading: tuple[str, str],
        output: np.ndarray,
        names: tuple[str, ...],
        task: str,
        loss: str,
        right: str = "",
    ) -> None:
        """What a network put out.

        Args:
            heading: Which network, and at which step.
            output: As it goes into the loss.
            names: Of the classes.
            task: ``classes``, ``binary`` or ``regression``.
            loss: How the output is read.
            right: The class that would be right; empty where nobody knows.
        """
        self._heading, self._hint, self._right = heading[0], "", right
        self._step = heading[1]
        self._numbers, self._sure = (), ""
        if task == "regression":
            self._names, self._shares = (), np.zeros(0)
            self._numbers = tuple(float(one) for one in output)
        else:
            shares = probabilities(loss, output)
            if task == "binary" and shares.size == 1:
                yes = float(shares[0])
                shares = np.array([1.0 - yes, yes])
            fits = len(names) == shares.size
            self._names = names if fits else tuple(str(index) for index in range(shares.size))
            self._shares = shares
            self._sure = sureness(loss, shares, output) if shares.size else ""
        self._tell()

    def _tell(self) -> None:
        said = f"{self.answer} {self._sure}".strip() if self.answer else self._hint
        self.setAccessibleName(f"{' '.join(filter(None, (self._heading, self._step)))}: {said}")
        self.update()

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Heading, answer, bars."""
        painter, theme = QPainter(self), themes.current()
        area = QRectF(self.rect())
        small = themes.font(12)
        line = QFontMetricsF(small).height()
        painter.setFont(small)
        painter.setPen(theme.text_muted)
        metrics = QFontMetricsF(small)
        together = metrics.horizontalAdvance(self._heading) + metrics.horizontalAdvance(self._step) + 8
        fits = together <= area.width()
        name = metrics.elidedText(self._heading, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(QRectF(0, 0, area.width(), line), _BESIDE, name)
        below = QRectF(0, 0 if fits else line, area.width(), line)
        painter.drawText(below, _AT_END if fits else _BESIDE, self._step)
        rest = area.adjusted(0, (line if fits or not self._step else 2 * line) + 2, 0, 0)
        if not self.answer:
            wrapped = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap)
            painter.drawText(rest, wrapped, self._hint)
            return
        large = themes.font(26 if rest.height() > 150 else 20, 600)
        high = QFontMetricsF(large).height()
        wrong = bool(self._right) and self._right in self._names and self._right != self.answer
        painter.setFont(large)
        painter.setPen(theme.danger if wrong else theme.text)
        words = QFontMetricsF(large).elidedText(self.answer, Qt.TextElideMode.ElideRight, 0.66 * rest.width())
        painter.drawText(QRectF(0, rest.top(), rest.width(), high), _BESIDE, words)
        painter.setFont(themes.font(16, 600))
        painter.drawText(QRectF(0, rest.top(), rest.width(), high), _AT_END, self._sure)
        if self._shares.size:
            self._paint_rows(painter, rest.adjusted(0, high + 2, 0, 0), theme, wrong)

    def _paint_rows(self, painter: QPainter, area: QRectF, theme: Theme, wrong: bool) -> None:
        shares = np.nan_to_num(self._shares, nan=0.0)
        order = list(range(shares.size))
        if shares.size > _MOST_ROWS:
            order = [int(index) for index in np.argsort(-shares, kind="stable")[:_MOST_ROWS]]
        row = min(area.height() / len(order), 26.0)
        font = themes.font(min(14, max(9, int(row * 0.78))))
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        column = min(max(metrics.horizontalAdvance(self._names[index]) for index in order) + 14, 0.45 * area.width())
        winner = int(shares.argmax())
        for line, index in enumerate(order):
            top = area.top() + line * row
            right = self._names[index] == self._right
            painter.setPen(theme.text if right or index == winner else theme.text_muted)
            name = metrics.elidedText(self._names[index], Qt.TextElideMode.ElideRight, column - 12)
            painter.drawText(QRectF(10, top, column - 10, row), _BESIDE, name)
            if right:  # a small mark in front of what would be right
                painter.fillRect(QRectF(0, top + row * 0.2, 4, row * 0.6), theme.good)
            colour = themes.mixed(theme.text_faint, theme.panel, 0.45)
            if index == winner:
                colour = theme.danger if wrong else theme.good
            room = area.width() - column - 2
            thick = min(row - 3, 12.0)
            bar = QRectF(column, top + (row - thick) / 2, max(1.0, room * float(shares[index])), thick)
            painter.fillRect(bar, colour)
