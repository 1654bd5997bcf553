"""What covers a window, a page or a veil, stays in front of what it covers, whatever Qt brings forward there."""

from __future__ import annotations

import shiboken6
from PySide6.QtCore import QChildEvent, QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabBar, QWidget

#: After these something may stand in front that was behind.
_MOVES = frozenset((QEvent.Type.Resize, QEvent.Type.LayoutRequest, QEvent.Type.ChildPolished, QEvent.Type.ZOrderChange))


def keep_in_front(window: QWidget, page: QWidget) -> None:
    """Keep a page in front of docks, their tabs and the middle of a window, as long as it lives.

    A dock that is shown as one of several tabs is raised over all of its neighbours, and so over the page. What lies
    over the page on purpose (a palette of commands, another page) stays there.

    Args:
        window: What is covered.
        page: A child of it.
    """
    found = next((one for one in window.children() if isinstance(one, _InFront)), None)
    (found or _InFront(window)).keep(page)


class _InFront(QObject):
    """Follows one window for all that covers it."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._pages: list[QWidget] = []
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._look)
        for one in (window, *window.findChildren(QDockWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)):
            one.installEventFilter(self)

    def keep(self, page: QWidget) -> None:
        """Keep one more in front."""
        self._pages = [one for one in self._pages if shiboken6.isValid(one)]
        self._pages.append(page)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look once what goes on has ended."""
        kind = event.type()
        if kind in _MOVES and not self._later.isActive():
            self._later.start(0)
        if kind is QEvent.Type.ChildPolished and isinstance(event, QChildEvent):
            child = event.child()
            if isinstance(child, QDockWidget) and watched is self._window:  # an instrument that was made later
                child.installEventFilter(self)
        return False

    def _covers(self, one: QObject) -> bool:
        # One that stands under a glass meanwhile is no child of the window, and covers nothing.
        return any(one is page and shiboken6.isValid(page) and not page.isHidden() for page in self._pages)

    def _look(self) -> None:
        window = self._window
        middle = window.centralWidget() if isinstance(window, QMainWindow) else None
        lowest: QWidget | None = None
        for child in window.children():
            if lowest is None:
                lowest = child if isinstance(child, QWidget) and self._covers(child) else None
            elif isinstance(child, QDockWidget | QTabBar) or child is middle:
                assert isinstance(child, QWidget)
                if not child.isWindow():
                    child.stackUnder(lowest)
