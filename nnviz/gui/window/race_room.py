"""The page of a race comes over the canvas and goes; in a lecture it covers the window, in the letters of a hall."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QWidget

from nnviz.gui.look import theme
from nnviz.gui.look.mode import Mode
from nnviz.gui.parts.action import Action, Offer
from nnviz.gui.parts.in_front import keep_in_front
from nnviz.gui.parts.page_room import PageRoom
from nnviz.gui.runs.races import Races
from nnviz.gui.runs.workspace import Workspace

if TYPE_CHECKING:
    from nnviz.gui.compare.race_page import RacePage
    from nnviz.gui.lecture.magnifier import Magnifier


class RaceRoom(PageRoom["RacePage"]):
    """Opens the page of a race and closes it; the race goes on behind.

    Args:
        window: What is covered.
        workspace: What is varied.
        races: The race that the page shows.
        room: Gives the place of the page in the window at a desk.
        canvas: Gets the keyboard back where nobody else does.
    """

    def __init__(
        self, window: QWidget, workspace: Workspace, races: Races, room: Callable[[], QRect], canvas: QWidget
    ) -> None:
        super().__init__(window, room)
        self._workspace = workspace
        self._races = races
        self._canvas = canvas
        self._glass: Magnifier | None = None
        #: The page of a lecture, which covers what had the keyboard at the desk; None while there is no lecture.
        self.lecture: Callable[[], QWidget | None] = lambda: None

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

    def _make(self) -> RacePage:
        from nnviz.gui.compare.race_page import RacePage  # noqa: PLC0415 - draws with pyqtgraph, which takes long

        return RacePage(self._window, self._races, self._workspace.training)

    def _open(self, page: RacePage) -> None:
        page.open()
        self._take_keyboard(page)

    def _front(self, page: RacePage) -> QWidget:
        """The page, or the glass over it."""
        return page if self._glass is None or self._glass.widget is None else self._glass

    def _focus_after(self) -> QWidget | None:
        """The page of the lecture; at a desk the canvas, where what had the keyboard has gone with the lecture."""
        return self.lecture() or super()._focus_after() or self._canvas

    def _place(self, page: RacePage) -> None:
        """At a desk between the bars; in a lecture all over the window, as large as the lecture's own letters."""
        lecture = theme.mode() is Mode.LECTURE
        if lecture:
            from nnviz.gui.lecture.magnifier import Magnifier  # noqa: PLC0415 - as above
            from nnviz.gui.lecture.measure import Measure  # noqa: PLC0415 - as above

            if self._glass is None:
                self._glass = Magnifier(self._window)
                self._glass.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
                keep_in_front(self._window, self._glass, of_all=True)
            self._glass.setGeometry(self._window.rect())
            self._glass.set_glass(Measure.of(self._window.size()).glass)
            if self._glass.widget is None:
                page.setParent(None)
                self._glass.show_widget(page)
        else:
            if self._glass is not None and self._glass.widget is not None:
                self._glass.show_widget(None)
                self._glass.hide()
                page.setParent(self._window)
            page.setGeometry(self._room())

    def follow_lecture(self) -> None:
        """A lecture has begun or ended: the page stays in front of it."""
        if self._page is None or not self.shown:
            return
        self._come(self._page)
        self._take_keyboard(self._page)

    def _take_keyboard(self, page: RacePage) -> None:
        page.setFocus(Qt.FocusReason.OtherFocusReason)
        front = self._front(page)
        if front is not page:  # the window knows the glass alone, which passes the keys on
            front.setFocus(Qt.FocusReason.OtherFocusReason)
