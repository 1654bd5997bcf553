"""The whole run as one slim line at the foot of the page: drag it, and all that is shown is of that step."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from nnviz.gui.lecture.measure import Measure
from nnviz.gui.look import theme
from nnviz.gui.look.painting import guarded
from nnviz.gui.runs.run_feed import RunFeed


class RunLine(QWidget):
    """From step 0 to the last one planned.

    Args:
        feed: Shows the step that is chosen.
        parent: Owner.
    """

    def __init__(self, feed: RunFeed, parent: QWidget) -> None:
        super().__init__(parent)
        self._feed = feed
        self._measure = Measure()
        self._last = self._planned = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Timeline")

    def set_measure(self, measure: Measure) -> None:
        """Have another size."""
        self._measure = measure
        self.update()

    def set_range(self, last: int, planned: int) -> None:
        """Steps measured so far, and steps planned."""
        if (last, planned) != (self._last, self._planned):
            self._last, self._planned = last, max(planned, last)
            self.update()

    def _x(self, step: int) -> float:
        margin = self._measure.px(9)
        return margin + (self.width() - 2 * margin) * (step / self._planned if self._planned else 0.0)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Planned, done, and the step that is shown."""
        colours, measure = theme.current(), self._measure
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        high, middle = measure.unit * 7.0, self.height() / 2
        step = self._feed.current_step
        shown = self._last if step is None else step
        left = measure.px(9)
        for end, colour in (
            (self.width() - left, colours.border),
            (self._x(self._last), theme.mixed(colours.accent, colours.window, 0.55)),
            (self._x(shown), colours.accent),
        ):
            painter.setBrush(colour)
            painter.drawRoundedRect(QRectF(left, middle - high / 2, max(0.0, end - left), high), high / 2, high / 2)
        if self._last:
            painter.setPen(QPen(colours.window, 3.0 * measure.unit))
            painter.setBrush(colours.text if step is None else colours.warning)
            painter.drawEllipse(QPointF(self._x(shown), middle), 9.0 * measure.unit, 9.0 * measure.unit)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go there."""
        event.accept()
        if event.button() == Qt.MouseButton.LeftButton:
            self._seek(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag."""
        event.accept()
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._seek(event.position().x())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Return to live."""
        event.accept()
        self._feed.set_step(None)
        self.update()

    def _seek(self, x: float) -> None:
        if self._last:
            margin = self._measure.px(9)
            share = (x - margin) / max(1.0, self.width() - 2 * margin)
            self._feed.set_step(min(self._last, max(0, round(share * self._planned))))
            self.update()
