"""The page of comparison comes over the canvas and goes; what is behind it is left as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Signal
from PySide6.QtWidgets import QWidget

from nnviz.gui.parts.action import Action, Offer
from nnviz.gui.parts.page_room import PageRoom
from nnviz.gui.runs.workspace import Workspace
from nnviz.record.interest import NOTHING

if TYPE_CHECKING:
    from nnviz.gui.compare.page import ComparePage


class CompareRoom(PageRoom["ComparePage"]):
    """Opens the page of comparison and closes it; the timeline stays in sight, and moves all runs.

    Args:
        window: What is covered, between its head and its foot.
        workspace: What the page shows.
        room: Gives the place of the page in the window.

    Signals:
        interest_changed: What has to be measured for it: a key and an Interest.
    """

    interest_changed = Signal(str, object)

    def __init__(self, window: QWidget, workspace: Workspace, room: Callable[[], QRect]) -> None:
        super().__init__(window, room)
        self._workspace = workspace
        self._selection = ""
        workspace.runs.page_requested.connect(self.show)

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

    def _make(self) -> ComparePage:
        from nnviz.gui.compare.page import ComparePage  # noqa: PLC0415 - the window opens before it is wanted

        page = ComparePage(self._window, self._workspace)
        page.interest_changed.connect(self.interest_changed)
        self._workspace.feed.subscribe(page.refresh, page)
        return page

    def _open(self, page: ComparePage) -> None:
        page.open(self._selection)

    def _closed(self, page: ComparePage) -> None:
        self.interest_changed.emit("compare", NOTHING)
