"""The page of a race comes over the canvas and goes; in a lecture it covers the window, in the letters of a hall."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QEvent, QObject, QRect, Qt, Signal
from PySide6.QtWidgets import QWidget

from nnviz.gui.look import theme
from nnviz.gui.look.mode import Mode
from nnviz.gui.parts.action import Action, Offer
from nnviz.gui.parts.following import follow
from nnviz.gui.runs.races import Races
from nnviz.gui.runs.workspace import Workspace

if TYPE_CHECKING:
    from nnviz.gui.compare.race_page import RacePage
    from nnviz.gui.lecture.magnifier import Magnifier


class RaceRoom(QObject):
    """Opens the page and closes it; it is made when it is first wanted.

    Args:
        window: What is covered.
        workspace: What is varied.
        races: The race that the page shows.
        room: Gives the place of the page in the window at a desk.

    Signals:
        changed: The page was opened or closed.
        opening: It is about to be opened: another page in its place has to go.
    """

    changed = Signal()
    opening = Signal()

    def __init__(self, window: QWidget, workspace: Workspace, races: Races, room: Callable[[], QRect]) -> None:
        super().__init__(window)
        self._window = window
        self._workspace = workspace
        self._races = races
        self._room = room
        self._page: RacePage | None = None
        self._glass: Magnifier | None = None
        self._focus: QWidget | None = None
        #: The page of a lecture, which covers what had the keyboard at the desk; None while there is no lecture.
        self.lecture: Callable[[], QWidget | None] = lambda: None
        window.installEventFilter(self)
        follow(theme.notifier.mode_changed, self._on_mode, self)

    @property
    def page(self) -> RacePage | None:
        """The page; None until it was opened for the first time."""
        return self._page

    @property
    def shown(self) -> bool:
        """Whether the page stands over the canvas."""
        return self._page is not None and not self._front.isHidden()

    @property
    def _front(self) -> QWidget:
        """What stands in the window: the page, or the glass over it."""
        assert self._page is not None
        return self._page if self._glass is None or self._glass.widget is None else self._glass

    def actions(self) -> tuple[Offer, ...]:
        """The way in and out."""
        return (
            Action(
                name="race",
                text="Race side b&y side…",
                help="Variations of this network beside each other: optimizers, activations, dropout, initial weights",
                do=self.toggle,
                keys=("Shift+F12",),
                menu="&Train",
                section=1,
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
        self.opening.emit()
        if self._page is None:
            from nnviz.gui.compare.race_page import RacePage  # noqa: PLC0415 - draws with pyqtgraph, which takes long

            self._page = RacePage(self._window, self._races, self._workspace.training.document)
            self._page.hide()
            self._page.left.connect(self.close)
        if not self.shown:
            self._focus = self._window.focusWidget()
        self._place()
        self._front.show()
        self._page.show()
        self._front.raise_()
        self._page.open()
        self.changed.emit()

    def close(self) -> None:
        """Back to the canvas; the race goes on."""
        if self._page is None or not self.shown:
            return
        self._front.hide()
        self._page.hide()
        before, self._focus = self.lecture() or self._focus, None
        if before is not None and shiboken6.isValid(before) and before.isVisible():
            before.setFocus(Qt.FocusReason.OtherFocusReason)
        self.changed.emit()

    def _place(self) -> None:
        """At a desk between the bars; in a lecture all over the window, as large as the lecture's own letters."""
        assert self._page is not None
        lecture = theme.mode() is Mode.LECTURE
        if lecture:
            from nnviz.gui.lecture.magnifier import Magnifier  # noqa: PLC0415 - as above
            from nnviz.gui.lecture.measure import Measure  # noqa: PLC0415 - as above

            if self._glass is None:
                self._glass = Magnifier(self._window)
            self._glass.setGeometry(self._window.rect())
            self._glass.set_glass(Measure.of(self._window.size()).glass)
            if self._glass.widget is None:
                self._page.setParent(None)
                self._glass.show_widget(self._page)
        else:
            if self._glass is not None and self._glass.widget is not None:
                self._glass.show_widget(None)
                self._glass.hide()
                self._page.setParent(self._window)
            self._page.setGeometry(self._room())

    def _on_mode(self) -> None:
        """The page stays in front when a lecture begins or ends."""
        if self._page is None or not self.shown:
            return
        self._place()
        self._page.show()
        self._front.show()
        self._front.raise_()
        self._page.setFocus(Qt.FocusReason.OtherFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Cover the same part of the window whatever its size."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest) and self._page is not None and self.shown:
            self._place()
        return False
