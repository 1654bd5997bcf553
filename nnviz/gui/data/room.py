"""The data page comes over the canvas and goes; what is behind it is left as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect
from PySide6.QtWidgets import QWidget

from nnviz.gui.parts.action import Action, Offer
from nnviz.gui.parts.page_room import PageRoom
from nnviz.gui.runs.workspace import Workspace

if TYPE_CHECKING:
    from nnviz.gui.data.page import DataPage


class DataRoom(PageRoom["DataPage"]):
    """Opens the data page and closes it.

    Args:
        window: What is covered, between its head and its foot.
        workspace: What the page shows.
        room: Gives the place of the page in the window.
    """

    def __init__(self, window: QWidget, workspace: Workspace, room: Callable[[], QRect]) -> None:
        super().__init__(window, room)
        self._workspace = workspace

    def actions(self) -> tuple[Offer, ...]:
        """The way in and out."""
        return (
            Action(
                name="data_page",
                text="Data &view",
                help="All examples: search them, see one in numbers, how they are spread, maps of them",
                do=self.toggle,
                keys=("F4",),
                icon="data",
                menu="&View",
                section=2,
                on=lambda: self.shown,
            ),
        )

    def stop(self) -> None:
        """The window ends."""
        if self._page is not None:
            self._page.stop()

    def _make(self) -> DataPage:
        from nnviz.gui.data.page import DataPage  # noqa: PLC0415 - the window opens before it is wanted

        return DataPage(self._window, self._workspace)

    def _open(self, page: DataPage) -> None:
        page.open()

    def _closed(self, page: DataPage) -> None:
        page.stop()
