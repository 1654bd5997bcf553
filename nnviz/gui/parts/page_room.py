"""A page comes over the canvas and goes; what is behind it is left as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import shiboken6
from PySide6.QtCore import QEvent, QObject, QRect, Qt, Signal
from PySide6.QtWidgets import QWidget

from nnviz.gui.parts.covering_page import CoveringPage
from nnviz.gui.parts.in_front import keep_in_front

_Page = TypeVar("_Page", bound=CoveringPage)


class PageRoom(QObject, Generic[_Page]):
    """Opens a page and closes it; it is made when it is first wanted.

    Subclasses say how it is made and opened, and what else ends when it closes.

    Args:
        window: What is covered.
        room: Gives the place of the page in the window: between its head and its foot.

    Signals:
        changed: The page was opened or closed.
        opening: It is about to be opened: another page in its place has to go.
    """

    changed = Signal()
    opening = Signal()

    def __init__(self, window: QWidget, room: Callable[[], QRect]) -> None:
        super().__init__(window)
        self._window = window
        self._room = room
        self._page: _Page | None = None
        self._focus: QWidget | None = None
        window.installEventFilter(self)

    @property
    def page(self) -> _Page | None:
        """The page; None until it was opened for the first time."""
        return self._page

    @property
    def shown(self) -> bool:
        """Whether the page stands over the canvas."""
        return self._page is not None and not self._front(self._page).isHidden()

    def toggle(self, on: bool) -> None:
        """Open the page, or close it."""
        if on:
            self.show()
        else:
            self.close()

    def show(self) -> None:
        """Bring the page over the canvas."""
        self.opening.emit()
        if self._page is None:
            self._page = self._make()
            self._page.hide()
            self._page.left.connect(self.close)
            keep_in_front(self._window, self._page, of_all=True)
        if not self.shown:
            self._focus = self._window.focusWidget()
        self._come(self._page)
        self._open(self._page)
        self.changed.emit()

    def close(self) -> None:
        """Back to the canvas."""
        page = self._page
        if page is None or not self.shown:
            return
        self._front(page).hide()
        page.hide()
        self._closed(page)
        before, self._focus = self._focus_after(), None
        if before is not None:
            before.setFocus(Qt.FocusReason.OtherFocusReason)
        self.changed.emit()

    # ---- what is different from page to page ---------------------------------------------------------------------

    def _make(self) -> _Page:
        """The page, when it is first wanted."""
        raise NotImplementedError

    def _open(self, page: _Page) -> None:
        """It has come to the front."""
        raise NotImplementedError

    def _closed(self, page: _Page) -> None:
        """It has gone."""

    def _front(self, page: _Page) -> QWidget:
        """What stands in the window for the page."""
        return page

    def _place(self, page: _Page) -> None:
        """Give it its room in the window."""
        page.setGeometry(self._room())

    def _focus_after(self) -> QWidget | None:
        """Who has the keyboard once the page has gone: who had it before, where that can be seen."""
        before = self._focus
        return before if before is not None and shiboken6.isValid(before) and before.isVisible() else None

    # ---- in the window -------------------------------------------------------------------------------------------

    def _come(self, page: _Page) -> None:
        """Stand in its place, in front of everything."""
        self._place(page)
        front = self._front(page)
        front.show()
        page.show()
        front.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Cover the same part of the window whatever its size."""
        # In this order: the window has thousands of events before there is a page at all.
        if self._page is not None and event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest) and self.shown:
            self._place(self._page)
        return False
