"""A ring round the mouse that the last row can see."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRectF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from nnviz.gui.lecture.measure import Measure
from nnviz.gui.look import theme
from nnviz.gui.look.painting import guarded

_RADIUS, _WIDTH = 30, 5


class Pointer(QWidget):
    """Follows the mouse over a page and takes nothing of it; before the mouse has moved there is none.

    Args:
        page: Over which it lies.
    """

    def __init__(self, page: QWidget) -> None:
        super().__init__(page)
        self._page = page
        self._on = True
        self._at = QPoint()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.set_measure(Measure())
        self.hide()

    @property
    def on(self) -> bool:
        """Whether it is to be seen where the mouse is."""
        return self._on

    def set_measure(self, measure: Measure) -> None:
        """Have another size."""
        self._measure = measure
        side = 2 * measure.px(_RADIUS + _WIDTH)
        self.resize(side, side)

    def switch(self) -> None:
        """Show it no more, or again."""
        self._on = not self._on
        self.setVisible(self._on and not self._at.isNull())

    def watch(self, widget: QWidget) -> None:
        """Follow the mouse over a widget, too."""
        widget.setMouseTracking(True)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """See the mouse go, and take nothing away."""
        if isinstance(event, QMouseEvent):
            if event.type() is QEvent.Type.MouseMove:
                self._go(event.globalPosition().toPoint())
        elif event.type() is QEvent.Type.Leave and watched is self._page:
            self.hide()
        return False

    def _go(self, place: QPoint) -> None:
        self._at = self._page.mapFromGlobal(place)
        self.move(self._at - QPoint(self.width() // 2, self.height() // 2))
        if self._on and self.isHidden():
            self.show()
            self.raise_()

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """A ring in the accent, with a quiet ground."""
        colours, measure = theme.current(), self._measure
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = _WIDTH * measure.unit
        ring = QRectF(self.rect()).adjusted(width, width, -width, -width)
        ground = QColor(colours.warning)
        ground.setAlphaF(0.16)
        painter.setBrush(ground)
        painter.setPen(QPen(colours.warning, width))
        painter.drawEllipse(ring)
        painter.end()
