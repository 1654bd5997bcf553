"""The whole run as one slim line at the foot of the page: drag it, and all that is shown is of that step."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from nnviz.gui.lecture.measure import Measure
from nnviz.gui.look import theme
from nnviz.gui.look.painting import guarded
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.runs.run_events import EventMark
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
        self._events: tuple[EventMark, ...] = ()
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

    def set_events(self, events: tuple[EventMark, ...]) -> None:
        """Mark where something was changed by hand."""
        if events != self._events:
            self._events = events
            self.setAccessibleDescription("; ".join(mark.text.replace("\n", ", ") for mark in events))
            self.update()

    def event(self, event: QEvent) -> bool:
        """Pointed at a mark, the tip says what was changed there."""
        if isinstance(event, QHelpEvent):
            x, near = event.pos().x(), self._measure.px(9)
            nearest = min(self._events, key=lambda mark: abs(self._x(mark.step) - x), default=None)
            if nearest is not None and abs(self._x(nearest.step) - x) <= near:
                QToolTip.showText(event.globalPos(), plain_tip(nearest.text), self)
                return True
        return super().event(event)

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
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.text)
        side = 5.0 * measure.unit
        for x in (self._x(min(mark.step, self._planned)) for mark in self._events):
            top = middle - high / 2 - 1.2 * side
            painter.drawPolygon([QPointF(x - side, top), QPointF(x + side, top), QPointF(x, top + 1.4 * side)])
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
