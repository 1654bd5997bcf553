"""Shows a widget enlarged, with all that it draws and all that can be done with it: an instrument, for a hall."""

from __future__ import annotations

import shiboken6
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QResizeEvent
from PySide6.QtWidgets import QFrame, QGraphicsProxyWidget, QGraphicsScene, QGraphicsView, QWidget

from nnviz.gui.look import theme
from nnviz.gui.parts.following import follow


class Magnifier(QGraphicsView):
    """A glass over one widget, which has its usual letters and fewer pixels, and is drawn sharp in larger ones.

    Nothing that the widget is made of has to know of larger letters, and nothing elsewhere gets them. Where the widget
    has larger ones already, as the whole window has when large letters are chosen, the glass enlarges by so much less.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._scene = QGraphicsScene(self)
        #: Asked for its proxy whenever that is needed: PySide may take a kept one for deleted while it is not.
        self._shown: QWidget | None = None
        #: What usual letters are enlarged by, and what is left of that for those of the widget.
        self._wanted = self._glass = 1.0
        self.setScene(self._scene)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.BoundingRectViewportUpdate)
        follow(theme.notifier.changed, self._enlarge)

    @property
    def widget(self) -> QWidget | None:
        """What is shown."""
        return self._shown if self._proxy is not None else None

    @property
    def _proxy(self) -> QGraphicsProxyWidget | None:
        """What holds the widget in the scene."""
        shown = self._shown
        return shown.graphicsProxyWidget() if shown is not None and shiboken6.isValid(shown) else None

    @property
    def glass(self) -> float:
        """How many times larger it is drawn than it draws itself."""
        return self._glass

    def show_widget(self, widget: QWidget | None) -> None:
        """Show another widget; the one before goes back to its owner, hidden. None shows nothing."""
        before, proxy = self._shown, self._proxy
        self._shown = None
        if before is not None and proxy is not None:
            before.hide()
            proxy.setWidget(None)  # type: ignore[arg-type]  # that gives the widget back
            self._scene.removeItem(proxy)
        if widget is not None:
            # What stands on its own is as small as it is told to be, and not larger.
            widget.setMinimumSize(1, 1)
            self._scene.addWidget(widget)
            self._shown = widget
            self._fit()

    def end_widget(self) -> None:
        """Show nothing, and delete what was shown, once no event of it is under way: it may be the one that ends it."""
        before, self._shown = self._shown, None
        if before is not None and shiboken6.isValid(before):
            before.hide()
            # What holds it goes with it; the other way round, or within the event, the process goes with both.
            before.deleteLater()

    def set_glass(self, glass: float) -> None:
        """Enlarge usual letters so many times."""
        self._wanted = glass
        self._enlarge()

    def _enlarge(self) -> None:
        glass = self._wanted / theme.text_scale()
        if glass != self._glass:
            self._glass = glass
            self.resetTransform()
            self.scale(glass, glass)
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fill the room."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        room = QRectF(0.0, 0.0, self.width() / self._glass, self.height() / self._glass)
        self._scene.setSceneRect(room)
        proxy = self._proxy
        if proxy is not None and not room.isEmpty():
            proxy.setGeometry(room)
