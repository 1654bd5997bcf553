"""The page of comparison comes over the canvas and goes; what is behind it is left as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QEvent, QObject, QRect, Qt, Signal
from PySide6.QtWidgets import QWidget

from nnviz.gui.parts.action import Action, Offer
from nnviz.gui.runs.workspace import Workspace
from nnviz.record.interest import NOTHING

if TYPE_CHECKING:
    from nnviz.gui.compare.page import ComparePage


class CompareRoom(QObject):
    """Opens the page and closes it; it is made when it is first wanted.

    Args:
        window: What is covered, between its head and its foot: the timeline stays in sight, and moves all runs.
        workspace: What the page shows.
        room: Gives the place of the page in the window.

    Signals:
        changed: The page was opened or closed.
        opening: It is about to be opened: another page in its place has to go.
        interest_changed: What has to be measured for it: a key and an Interest.
    """

    changed = Signal()
    opening = Signal()
    interest_changed = Signal(str, object)

    def __init__(self, window: QWidget, workspace: Workspace, room: Callable[[], QRect]) -> None:
        super().__init__(window)
        self._window = window
        self._workspace = workspace
        self._room = room
        self._page: ComparePage | None = None
        self._focus: QWidget | None = None
        self._selection = ""
        window.installEventFilter(self)
        workspace.runs.page_requested.connect(self.show)

    @property
    def page(self) -> ComparePage | None:
        """The page; None until it was opened for the first time."""
        return self._page

    @property
    def shown(self) -> bool:
        """Whether the page stands over the canvas."""
        return self._page is not None and not self._page.isHidden()

    def actions(self) -> tuple[Offer, ...]:
        """The way in and out."""
        return (
            Action(
                name="compare_runs",
                text="&Compare runs",
                help="Results, settings and feature maps of several runs side by side",
                do=self.toggle,
                keys=("F12",),
                icon="table",
                menu="&File",
                section=3,
                on=lambda: self.shown,
            ),
        )

    def set_selection(self, node: str) -> None:
        """The layer that is selected on the canvas, with which the page begins."""
        self._selection = node

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
            from nnviz.gui.compare.page import ComparePage  # noqa: PLC0415 - the window opens before it is wanted

            self._page = ComparePage(self._window, self._workspace)
            self._page.left.connect(self.close)
            self._page.interest_changed.connect(self.interest_changed)
            self._workspace.feed.subscribe(self._page.refresh, self._page)
        if not self.shown:
            self._focus = self._window.focusWidget()
        self._page.setGeometry(self._room())
        self._page.show()
        self._page.raise_()
        self._page.open(self._selection)
        self.changed.emit()

    def close(self) -> None:
        """Back to the canvas."""
        if self._page is None or self._page.isHidden():
            return
        self._page.hide()
        self.interest_changed.emit("compare", NOTHING)
        before, self._focus = self._focus, None
        if before is not None and shiboken6.isValid(before) and before.isVisible():
            before.setFocus(Qt.FocusReason.OtherFocusReason)
        self.changed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Cover the same part of the window whatever its size."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest) and self._page is not None and self.shown:
            self._page.setGeometry(self._room())
        return False
