"""A page that covers a window stays in front of what it covers, whatever Qt brings forward there."""

from __future__ import annotations

from weakref import WeakSet

import shiboken6
from PySide6.QtCore import QChildEvent, QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabBar, QWidget

#: After these something may stand in front that was behind.
_MOVES = frozenset((QEvent.Type.Resize, QEvent.Type.LayoutRequest, QEvent.Type.ChildPolished, QEvent.Type.ZOrderChange))


def keep_in_front(window: QWidget, page: QWidget, *, of_all: bool = False) -> None:
    """Keep a page in front of docks, their tabs and the middle of a window, as long as it lives.

    A dock that is shown as one of several tabs is raised over all of its neighbours, and so over the page. What is
    brought over the page on purpose, later (a palette of commands, another page), stays there.

    Args:
        window: What is covered.
        page: A child of it.
        of_all: In front of whatever else is seen in the window now, too, such as a number that is taken apart large;
            but for what is kept in front itself.
    """
    found = next((one for one in window.children() if isinstance(one, _InFront)), None)
    (found or _InFront(window)).keep(page, of_all=of_all)


class _InFront(QObject):
    """Follows one window for all that covers it."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        #: Each page with what else it covers.
        self._pages: list[tuple[QWidget, WeakSet[QWidget]]] = []
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._look)
        for one in (window, *window.findChildren(QDockWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)):
            one.installEventFilter(self)

    def keep(self, page: QWidget, *, of_all: bool) -> None:
        """Keep one more in front."""
        self._pages = [kept for kept in self._pages if shiboken6.isValid(kept[0])]
        covered: WeakSet[QWidget] = WeakSet()
        if of_all:
            in_front = [page, *(kept for kept, _ in self._pages)]
            children = (one for one in self._window.children() if isinstance(one, QWidget))
            covered.update(one for one in children if one not in in_front and _is_seen(one))
        self._pages.append((page, covered))

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

    def _look(self) -> None:
        window = self._window
        middle = window.centralWidget() if isinstance(window, QMainWindow) else None
        below: list[tuple[QWidget, WeakSet[QWidget]]] = []  # the pages behind the one that is looked at
        for child in window.children():
            if not isinstance(child, QWidget) or child.isWindow():
                continue
            always = isinstance(child, QDockWidget | QTabBar) or child is middle
            over = next((page for page, covered in below if always or child in covered), None)
            if over is not None:
                child.stackUnder(over)
            else:
                below += (kept for kept in self._pages if kept[0] is child and _is_seen(child))


def _is_seen(one: QWidget) -> bool:
    """Whether it is a part of a window that is not hidden."""
    # One that stands under a glass meanwhile is no child of the window, and covers nothing.
    return shiboken6.isValid(one) and not one.isWindow() and not one.isHidden()
