"""A number taken apart, large: over canvas and instruments, with the cards in a strip above it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QByteArray, QEvent, QObject, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QDockWidget, QMainWindow, QSplitter, QVBoxLayout, QWidget

from nnviz.gui.canvas import CanvasView, Outlook
from nnviz.gui.canvas.geometry import GAP
from nnviz.gui.explain.controls import Controls
from nnviz.gui.explain.sheet import Sheet
from nnviz.gui.explain.walk import Walk
from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import guarded
from nnviz.gui.parts.soon import soon
from nnviz.record.age import Moment

#: Share of the height that the strip of cards keeps, and its least and most pixels.
_STRIP, _LEAST_STRIP, _MOST_STRIP = 0.18, 112, 190
#: Letters: so many of them are as wide and as high as the page; and their least and most pixels.
_ACROSS, _DOWN, _LEAST_LETTERS, _MOST_LETTERS = 66, 29, 14.0, 26.0
#: The strip shows pictures from here on.
_LEAST_ZOOM = 0.6
#: Pixels that the strip keeps free around its cards, as the camera does.
_STRIP_MARGIN = 14
_NO_LIMIT = 16_777_215


class EnlargedPage(QWidget):
    """Lies over the window below a strip of the canvas. Escape or its button closes it, and all is as it was.

    Args:
        walk: What is shown.
        canvas: What becomes the strip.
        moment: The moment that is shown.
    """

    #: It has opened, or closed.
    opened = Signal(bool)

    def __init__(self, walk: Walk, canvas: CanvasView, moment: Callable[[], Moment]) -> None:
        super().__init__(canvas.window())
        self._canvas = canvas
        self._outlook: Outlook | None = None
        self._hidden: list[QWidget] = []
        #: How the instruments stood before.
        self._state: QByteArray | None = None
        self.hide()
        self.setObjectName("ExplainPage")
        self.setAccessibleName("A number taken apart, large")
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 8, 22, 12)
        column.setSpacing(4)
        self.sheet = Sheet(walk, moment, self)
        self.controls = Controls(self.sheet, enlarged=True, parent=self)
        self.controls.size_requested.connect(self.close_page)
        column.addWidget(self.controls)
        column.addWidget(self.sheet, 1)
        canvas.window().installEventFilter(self)

    @property
    def is_open(self) -> bool:
        """Whether it is shown."""
        return not self.isHidden()

    def open_page(self) -> None:
        """Come over the window; the canvas becomes a strip with the whole network."""
        if self.is_open:
            return
        self._outlook = self._canvas.outlook
        self._make_room()
        self._held()[1].installEventFilter(self)
        self._place()
        self.show()
        self.raise_()
        soon(self._settle)
        self.sheet.setFocus(Qt.FocusReason.PopupFocusReason)

    def close_page(self) -> None:
        """Go away; the canvas is what it was."""
        if not self.is_open:
            return
        self.hide()
        held, centre = self._held()
        held.setMinimumHeight(0)
        held.setMaximumHeight(_NO_LIMIT)
        layout = centre.layout()
        if layout is not None:
            layout.setAlignment(held, Qt.AlignmentFlag(0))  # it fills the middle again
        window = self.window()
        if self._state is not None and isinstance(window, QMainWindow):
            window.restoreState(self._state)
        self._state = None
        for widget in self._hidden:
            widget.show()
        self._hidden = []
        outlook, self._outlook = self._outlook, None
        self._canvas.setFocus(Qt.FocusReason.PopupFocusReason)
        soon(self._look_again, outlook)

    def _look_again(self, outlook: Outlook | None) -> None:
        if outlook is not None and not self.is_open:
            selected = self._canvas.selected
            self._canvas.look_as(outlook)
            self._canvas.select(selected)

    def _make_room(self) -> None:
        """What stands left of the canvas gives its room away, and the canvas all but a strip."""
        window, (held, centre) = self.window(), self._held()
        splitter = centre.parentWidget()
        if isinstance(splitter, QSplitter):
            for number in range(splitter.indexOf(centre)):
                widget = splitter.widget(number)
                if widget is not None and not widget.isHidden():
                    self._hidden.append(widget)
                    widget.hide()
        if isinstance(window, QMainWindow):
            self._state = window.saveState()
            left = centre.mapTo(window, QPoint(0, 0)).x()
            cramped = centre.width() + left - _side_of(window) < _LEAST_LETTERS * _ACROSS
            for dock in window.findChildren(QDockWidget):
                area = window.dockWidgetArea(dock)
                below = area is Qt.DockWidgetArea.BottomDockWidgetArea
                beside = cramped and area is Qt.DockWidgetArea.LeftDockWidgetArea
                if (below or beside) and not dock.isFloating():
                    dock.hide()
        layout = centre.layout()
        if layout is not None:
            layout.setAlignment(held, Qt.AlignmentFlag.AlignTop)
        held.setFixedHeight(round(min(max(_STRIP * window.height(), _LEAST_STRIP), _MOST_STRIP)))

    def _held(self) -> tuple[QWidget, QWidget]:
        """The widget that holds the canvas in the middle of the window, and the part of the window that it fills."""
        held: QWidget = self._canvas
        while (parent := held.parentWidget()) is not None:
            if isinstance(parent.parentWidget(), QSplitter) or parent.isWindow():
                return held, parent
            held = parent
        return held, held

    def _settle(self) -> None:
        """Once the window is laid out: below the strip, and the whole network in it."""
        if self.is_open:
            self._place()
            self.look_at_concerned(glide=False)

    def look_at_concerned(self, *, glide: bool = True) -> None:
        """Show in the strip the cards that the number has to do with, with their neighbours; all where there are none.

        Their pictures are to be seen, and clicked, too.
        """
        if not self.is_open:
            return
        scene, camera = self._canvas.canvas_scene, self._canvas.camera
        lit = [node for node, card in scene.cards.items() if card.look.lit]
        rect = scene.rect_of(lit)
        if rect.height() > self._canvas.height() / _LEAST_ZOOM and self.sheet.walk.place is not None:
            # They stand in several rows: then the one that is asked about.
            lit = [scene.seen.owner.get(self.sheet.walk.place.node, "")]
            rect = scene.rect_of(lit)
        if rect.isEmpty():
            camera.fit()
            return
        camera.show_rect(self._in_strip(lit), 1.0, glide=glide, below_corner=False)

    def _in_strip(self, lit: list[str]) -> QRectF:
        """These cards with as many whole ones of their row as there is room for, left of the switches in the corner."""
        scene, canvas = self._canvas.canvas_scene, self._canvas
        rect = scene.rect_of(lit)
        row = [scene.rect_of([node]) for node in scene.cards]
        row = sorted((one for one in row if rect.top() <= one.center().y() <= rect.bottom()), key=QRectF.left)
        high = max([rect.bottom(), *(one.bottom() for one in row)]) - rect.top()
        wide = canvas.width() - 2 * _STRIP_MARGIN
        zoom = min(1.0, (canvas.height() - 2 * _STRIP_MARGIN) / high, wide / rect.width())
        corner = (canvas.camera.corner.width() + _STRIP_MARGIN) / zoom
        room = wide / zoom - corner
        rect.setHeight(high)
        left = [one for one in row if one.left() < rect.left()]
        right = [one for one in row if one.right() > rect.right()]
        begins = row[0].left() if row else rect.left()
        while left or right:
            # First what comes after: the number goes there.
            after = bool(right) and (not left or rect.right() - begins > room or len(right) >= len(left))
            one = right.pop(0) if after else left.pop()
            both = QRectF(min(rect.left(), one.left()), rect.top(), 0.0, high)
            both.setRight(max(rect.right(), one.right()))
            if both.width() > room:
                (right if after else left).clear()
                continue
            rect = both
        # The rest of the strip is left free on both sides, and the corner at the right.
        spare = max(0.0, wide / zoom - rect.width() - corner) / 2
        # Before a card that has no room the strip begins: half a card says nothing.
        before = spare if rect.left() <= begins else min(spare, 0.2 * GAP)
        free = max(0.0, wide / zoom - rect.width())
        return rect.adjusted(-before, 0, max(free - before, 0.0), 0)

    def _place(self) -> None:
        window, (held, centre) = self.window(), self._held()
        corner = centre.mapTo(window, QPoint(0, held.height()))
        bottom = window.height()
        if isinstance(window, QMainWindow):
            bottom = window.statusBar().geometry().top()
        left = corner.x()
        central = window.centralWidget() if isinstance(window, QMainWindow) else None
        if central is not None:
            left = min(left, central.x())
        right = centre.mapTo(window, QPoint(centre.width(), 0)).x()
        self.setGeometry(QRect(QPoint(left, corner.y()), QPoint(right - 1, bottom - 1)))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in place whatever the window and the middle of it do; a window that closes keeps no strip.

        The middle gives room away without the window: to a side that is dragged wider, or that has larger letters.
        """
        if event.type() is QEvent.Type.Resize and self.is_open:
            soon(self._settle)
        elif event.type() is QEvent.Type.Close:
            self.close_page()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes it."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_page()
        else:
            event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Letters for the back row."""
        super().resizeEvent(event)
        fitting = min(self.width() / _ACROSS, self.height() / _DOWN)
        letters = min(max(fitting, _LEAST_LETTERS), _MOST_LETTERS)
        self.sheet.set_letters(letters)
        self.controls.set_letters(0.85 * letters)

    def showEvent(self, event: QShowEvent) -> None:
        """It is there."""
        super().showEvent(event)
        self.opened.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """It is gone."""
        super().hideEvent(event)
        self.opened.emit(False)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """A plain ground, with a line below the strip."""
        painter, theme = QPainter(self), themes.current()
        painter.fillRect(event.rect(), theme.panel)
        painter.fillRect(QRect(0, 0, self.width(), 1), theme.border)


def _side_of(window: QMainWindow) -> int:
    """Pixels that stand left of the middle of a window: an outline, or an input that is drawn."""
    centre = window.centralWidget()
    return centre.x() if centre is not None else 0
