"""A page that covers a window stays in front of what it covers, whatever Qt brings forward there."""

from __future__ import annotations

from weakref import WeakSet

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabBar, QWidget

#: After these something may stand in front that was behind.
_MOVES = frozenset((QEvent.Type.Resize, QEvent.Type.LayoutRequest, QEvent.Type.ChildPolished, QEvent.Type.ZOrderChange))


def _seen(widget: QWidget) -> bool:
    """Whether it is a part of its window that is not hidden."""
    return not widget.isWindow() and not widget.isHidden()


class InFront(QObject):
    """Puts docks, their tabs and the middle of a window behind a page whenever one of them was raised.

    A dock that is shown as one of several tabs is raised over all of its neighbours, and so over the page. So may what
    was seen in the window when the page came, such as a number that is taken apart large. What is brought over the page
    on purpose, later (a palette of commands, another page), stays there.

    Args:
        window: What is covered.
        page: A child of it; this lives as long.
    """

    def __init__(self, window: QWidget, page: QWidget) -> None:
        super().__init__(page)
        self._window = window
        self._page = page
        #: What the page came to cover, as far as it lay over the window itself.
        self._covered: WeakSet[QWidget] = WeakSet(
            child for child in window.children() if isinstance(child, QWidget) and child is not page and _seen(child)
        )
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._look)
        direct = Qt.FindChildOption.FindDirectChildrenOnly
        for one in (window, *window.findChildren(QDockWidget, options=direct)):
            one.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look once what goes on has ended."""
        if event.type() in _MOVES and not self._later.isActive():
            self._later.start(0)
        return False

    def _look(self) -> None:
        window, page = self._window, self._page
        if page.isHidden() or page.parentWidget() is not window:  # or it stands under a glass meanwhile
            return
        middle = window.centralWidget() if isinstance(window, QMainWindow) else None
        children = window.children()
        for child in children[children.index(page) + 1 :]:
            if isinstance(child, QDockWidget | QTabBar) or child is middle or child in self._covered:
                assert isinstance(child, QWidget)
                if not child.isWindow():
                    child.stackUnder(page)
