"""How the window is laid out: palette, canvas and inspector beside each other, bars above, the timeline below."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMenuBar, QSplitter, QVBoxLayout, QWidget

from nnviz.gui.canvas import CanvasView, Palette
from nnviz.gui.runs.run_feed import RunFeed
from nnviz.gui.window.centre_views import CentreViews
from nnviz.gui.window.notices import Message, NoticeArea
from nnviz.gui.window.timeline import Timeline
from nnviz.project.shown_document import ShownDocument


def row_height(window: QWidget) -> int:
    """Pixels of the row of instruments at the foot of a window, until somebody drags it."""
    return round(min(max(196, window.height() * 0.24), window.height() * 0.5))


class Frame:
    """Puts the regions of a window in their places, and keeps the places of those that come later.

    Args:
        window: Whose.
        document: What the views show.
        feed: Hands the run to the canvas.

    Attributes:
        splitter: Holds palette, centre and inspector.
        palette: The layers at the left.
        canvas: The network.
        centre: The canvas, or the neuron view in its place.
        notices: What stands above the canvas.
        message: What stands over it for a moment.
        side: What keeps the place of the inspector until it is there, so that nothing jumps.
    """

    def __init__(self, window: QMainWindow, document: ShownDocument, feed: RunFeed) -> None:
        self._window = window
        self.splitter = QSplitter(Qt.Orientation.Horizontal, window)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        self.palette = Palette(document, self.splitter)
        middle = QWidget(self.splitter)
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.canvas = CanvasView(document, feed, middle)
        self.centre = CentreViews(self.canvas, middle)
        column.addWidget(self.centre)
        self.notices = NoticeArea(middle)
        self.message = Message(middle)
        self.side = QWidget(self.splitter)
        self.side.setObjectName("Inspector")
        self.side.setMinimumWidth(300)
        for widget in (self.palette, middle, self.side):
            self.splitter.addWidget(widget)
        self.splitter.setStretchFactor(0, 0)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setStretchFactor(2, 0)
        window.setCentralWidget(self.splitter)
        for corner, area in (
            (Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea),
            (Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.BottomDockWidgetArea),
        ):
            window.setCorner(corner, area)
        # Holds the place of the instruments until they are there, so that the canvas does not jump.
        self._placeholder: QDockWidget | None = QDockWidget(window)
        self._placeholder.setObjectName("dock-placeholder")
        self._placeholder.setTitleBarWidget(QWidget(self._placeholder))
        self._placeholder.setWidget(QWidget(self._placeholder))
        window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self._placeholder)

    def make_head(self) -> tuple[QWidget, QMenuBar]:
        """Make the upper edge with the menu bar; what else stands there is made as its child, and put there."""
        head = QWidget(self._window)
        column = QVBoxLayout(head)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        menu_bar = QMenuBar(head)
        column.addWidget(menu_bar)
        return head, menu_bar

    def put_head(self, head: QWidget, bar: QWidget) -> None:
        """Put the upper edge in its place, with a bar below the menus."""
        column = head.layout()
        assert column is not None
        column.addWidget(bar)
        self._window.setMenuWidget(head)

    def put_foot(self, timeline: Timeline) -> None:
        """Put the timeline at the lower edge."""
        foot = self._window.statusBar()
        foot.setSizeGripEnabled(False)
        foot.setContentsMargins(0, 0, 0, 0)
        foot.addWidget(timeline, 1)
        self.fit_foot(timeline)
        layout = foot.layout()
        if layout is not None:
            layout.setContentsMargins(0, 0, 0, 0)

    def fit_foot(self, timeline: Timeline) -> None:
        """Give the timeline the height that it has in the present letters."""
        # Asked for anew: what Python was given first can be taken for deleted while the bar itself is there.
        self._window.statusBar().setFixedHeight(timeline.maximumHeight() + 2)

    def between_head_and_foot(self) -> QRect:
        """What pages cover: the bars above and the timeline stay in sight."""
        head, foot = self._window.menuWidget(), self._window.statusBar()
        top = head.geometry().bottom() + 1 if head is not None else 0
        return QRect(0, top, self._window.width(), max(1, foot.geometry().top() - top))

    def keep_place_of_instruments(self) -> None:
        """The window is on the screen: what holds their place is as high as they are going to be."""
        if self._placeholder is not None:
            self._window.resizeDocks([self._placeholder], [row_height(self._window)], Qt.Orientation.Vertical)

    def give_place_to_instruments(self) -> None:
        """They are there."""
        placeholder, self._placeholder = self._placeholder, None
        if placeholder is not None:
            self._window.removeDockWidget(placeholder)
            placeholder.deleteLater()

    def exchange(self, before: QWidget, after: QWidget) -> None:
        """Put another widget in the place of one beside the canvas, as wide and as visible; that one goes."""
        visible, sizes = not before.isHidden(), self.splitter.sizes()
        self.splitter.replaceWidget(self.splitter.indexOf(before), after)
        before.deleteLater()
        after.setVisible(visible)
        self.splitter.setSizes(sizes)
