"""The data page comes over the canvas and goes; what is behind it is left as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QEvent, QObject, QRect, Qt, Signal
from PySide6.QtWidgets import QWidget

from nnviz.gui.parts.action import Action, Offer
from nnviz.gui.runs.workspace import Workspace

if TYPE_CHECKING:
    from nnviz.gui.data.page import DataPage


class DataRoom(QObject):
    """Opens the page and closes it; it is made when it is first wanted.

    Args:
        window: What is covered, between its head and its foot.
        workspace: What the page shows.
        room: Gives the place of the page in the window.

    Signals:
        changed: The page was opened or closed.
    """

    changed = Signal()

    def __init__(self, window: QWidget, workspace: Workspace, room: Callable[[], QRect]) -> None:
        super().__init__(window)
        self._window = window
        self._workspace = workspace
        self._room = room
        self._page: DataPage | None = None
        self._focus: QWidget | None = None
        window.installEventFilter(self)

    @property
    def page(self) -> DataPage | None:
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

    def toggle(self, on: bool) -> None:
        """Open the page, or close it."""
        if on:
            self.show()
        else:
            self.close()

    def show(self) -> None:
        """Bring the page over the canvas."""
        if self._page is None:
            from nnviz.gui.data.page import DataPage  # noqa: PLC0415 - the window opens before it is wanted

            self._page = DataPage(self._window, self._workspace)
            self._page.left.connect(self.close)
        if not self.shown:
            self._focus = self._window.focusWidget()
        self._page.setGeometry(self._room())
        self._page.show()
        self._page.raise_()
        self._page.open()
        self.changed.emit()

    def close(self) -> None:
        """Back to the canvas."""
        if self._page is None or self._page.isHidden():
            return
        self._page.hide()
        self._page.stop()
        before, self._focus = self._focus, None
        if before is not None and shiboken6.isValid(before) and before.isVisible():
            before.setFocus(Qt.FocusReason.OtherFocusReason)
        self.changed.emit()

    def stop(self) -> None:
        """The window ends."""
        if self._page is not None:
            self._page.stop()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Cover the same part of the window whatever its size."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest) and self._page is not None and self.shown:
            self._page.setGeometry(self._room())
        return False
