"""The slim foot of the page of a lecture: the line of the run, what the keys do, and what is said for a while."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QWidget

from nnviz.gui.lecture.measure import LETTERS, Measure
from nnviz.gui.lecture.run_line import RunLine
from nnviz.gui.look import theme
from nnviz.gui.look.painting import guarded
from nnviz.gui.runs.run_feed import RunFeed

#: On the page: its height, and the margin at both sides.
HEIGHT, _MARGIN = 52, 28
#: A sentence stands there for so many milliseconds.
_SAID = 8000
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class LectureFoot(QWidget):
    """Lies at the lower edge of the page; a sentence that is longer than a line stands above it, too.

    Args:
        feed: Shows the step that is chosen.
        page: Owner, over which a sentence lies.

    Attributes:
        line: The whole run.
        sentence: What is said.
    """

    def __init__(self, feed: RunFeed, page: QWidget) -> None:
        super().__init__(page)
        self._page = page
        self._measure = Measure()
        self._hint = self._said = ""
        self.line = RunLine(feed, self)
        self.sentence = QLabel(page)
        self.sentence.setObjectName("LectureSentence")
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.sentence.setWordWrap(True)
        self.sentence.setAlignment(_RIGHT)
        self.sentence.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.sentence.hide()
        self._silence = QTimer(self)
        self._silence.setSingleShot(True)
        self._silence.setInterval(_SAID)
        self._silence.timeout.connect(lambda: self.say(""))

    @property
    def said(self) -> str:
        """The sentence that stands there; empty for none."""
        return self._said

    @property
    def hint(self) -> str:
        """What the keys do."""
        return self._hint

    def set_measure(self, measure: Measure) -> None:
        """Have another size."""
        self._measure = measure
        self.line.set_measure(measure)
        self._arrange()

    def set_hint(self, words: str) -> None:
        """Say what the keys do."""
        if words != self._hint:
            self._hint = words
            self._arrange()

    def say(self, text: str) -> None:
        """Show a sentence for a while; an empty one takes it away."""
        self._said = " ".join(text.split())
        if text:
            self._silence.start()
        # A sentence takes the foot for itself: most are longer than the hint beside the line.
        self.line.setVisible(not self._said)
        self.place_sentence()
        self.update()

    def restyle(self) -> None:
        """Take the colours of the theme."""
        colours = theme.current()
        self.sentence.setStyleSheet(
            f"#LectureSentence {{ background: {colours.window.name()}; color: {colours.text.name()}; }}"
        )
        self.place_sentence()  # a stylesheet that is taken away takes fonts with it

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The line takes what the hint leaves."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        measure = self._measure
        margin = measure.px(_MARGIN)
        hint = round(measure.width(self._hint)) + measure.px(24)
        across = self.width() - 2 * margin
        self.line.setGeometry(margin - measure.px(9), 0, across - hint + measure.px(9), self.height())
        self.place_sentence()
        self.update()

    def place_sentence(self) -> None:
        """In the foot, and for as long as it is there above it, where it is longer than a line."""
        measure, label, page = self._measure, self.sentence, self._page
        label.setText(self._said)
        label.setVisible(bool(self._said))
        label.setFont(measure.font(LETTERS))
        across = page.width() - 2 * measure.px(_MARGIN)
        high = max(label.heightForWidth(across), measure.px(HEIGHT))
        label.setGeometry(measure.px(_MARGIN), page.height() - high, across, high)
        label.raise_()

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """What the keys do, unless something is said."""
        if self._said:
            return
        measure = self._measure
        painter = QPainter(self)
        painter.setFont(measure.font(LETTERS))
        painter.setPen(theme.current().text_muted)
        painter.drawText(QRectF(0, 0, self.width() - measure.px(_MARGIN), self.height()), _RIGHT, self._hint)
        painter.end()
