"""A lecture begins and ends: its page comes over the window and goes, and what is behind it is left as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDockWidget, QWidget

from nnviz.gui.canvas import CanvasView
from nnviz.gui.canvas.cards.lens import Looking
from nnviz.gui.lecture.place import Place
from nnviz.gui.look import theme
from nnviz.gui.look.mode import Mode
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.in_front import keep_in_front
from nnviz.gui.runs.interests import Interests
from nnviz.gui.runs.workspace import Workspace
from nnviz.record.interest import NOTHING

if TYPE_CHECKING:
    from nnviz.explain.explanation import Explanation
    from nnviz.explain.place import Place as NumberPlace
    from nnviz.gui.lecture.page import LecturePage

#: Under this name its interest is contributed.
SOURCE = "lecture"
#: Key of the instrument that takes numbers apart.
_EXPLAIN = "explain"


class Lecture(QObject):
    """Follows the mode: opens the page for a lecture and closes it after.

    While the page is open, what it covers does not follow the run and looks at nothing, so that it costs nothing.

    Attributes:
        number: Gives the number that is taken apart at the desk, and whether it lies over the canvas there.

    Args:
        window: What is covered.
        workspace: What the page shows.
        canvas: The card that is selected there is the first that is talked about.
        interests: What is looked at.
        actions: Those of the window, by name.

    Signals:
        cure_requested: A cure of a finding was pressed on the page.
        forward_wanted: What flows forwards is to be shown again.
        part_wanted: A step is to be taken apart up to this part, by its name.
        chosen: A card is talked about: the id of its layer or group.
        changed: A lecture has begun or ended: its page is there, and in front, or it has gone.
    """

    cure_requested = Signal(object)
    forward_wanted = Signal()
    part_wanted = Signal(str)
    chosen = Signal(str)
    changed = Signal()

    def __init__(
        self,
        window: QWidget,
        workspace: Workspace,
        canvas: CanvasView,
        interests: Interests,
        actions: Mapping[str, QAction],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._workspace = workspace
        self._canvas = canvas
        self._interests = interests
        self._actions = actions
        self._page: LecturePage | None = None
        self._place = Place()
        self._obstacle = ""
        self._looking: Looking | None = None
        #: The update of one weight, as an explanation with what the weight is now; None where none is written out.
        self._update: tuple[Explanation, float] | None = None
        #: Whether something else than what flows forwards was shown when the lecture began.
        self._began_looking = False
        #: What was selected on the canvas when the last lecture began.
        self._began_at: tuple[str, ...] = ()
        self.number: Callable[[], tuple[NumberPlace | None, bool]] = lambda: (None, False)
        self._focus: QWidget | None = None
        self._aside: list[QWidget] = []
        window.installEventFilter(self)
        self._following = follow(theme.notifier.mode_changed, self._on_mode)

    @property
    def page(self) -> LecturePage | None:
        """The page, while there is a lecture."""
        return self._page

    def set_obstacle(self, text: str) -> None:
        """What has to be done before the network can be trained, for an instrument that has nothing to show."""
        self._obstacle = text
        if self._page is not None:
            self._page.set_obstacle(text)

    def show_looking(self, looking: Looking | None) -> None:
        """What the canvas shows in the place of what flows forwards stands on the page, too."""
        self._looking = looking
        if self._page is not None:
            self._page.show_looking(looking)

    def show_update(self, update: tuple[Explanation, float] | None) -> None:
        """The update of one weight that the canvas writes out stands on the page, too; None for none."""
        self._update = update
        if self._page is not None:
            self._page.show_update(update)

    def say(self, text: str) -> None:
        """What is said behind the page stands on it, too."""
        if self._page is not None:
            self._page.say(text)

    def close(self) -> None:
        """The window ends: there is no lecture any more."""
        self._following.end()
        self._end()

    def _on_mode(self) -> None:
        if theme.mode() is Mode.LECTURE and self._page is None:
            self._begin()
        elif theme.mode() is Mode.DESK and self._page is not None:
            self._end()

    def _begin(self) -> None:
        from nnviz.gui.lecture.page import LecturePage  # noqa: PLC0415 - draws with pyqtgraph, which takes long to import

        feed = self._workspace.feed
        self._focus = self._window.focusWidget()
        page = self._page = LecturePage(
            self._window, self._workspace, self._actions, self._first_place(), lambda: self.number()[0]
        )
        page.left.connect(lambda: theme.set_mode(Mode.DESK))
        page.interest_changed.connect(lambda interest: self._interests.contribute(SOURCE, interest))
        page.cure_requested.connect(self.cure_requested)
        page.forward_wanted.connect(self.forward_wanted)
        page.part_wanted.connect(self.part_wanted)
        page.set_obstacle(self._obstacle)
        page.chosen.connect(self.chosen)
        page.show_looking(self._looking)
        page.show_update(self._update)
        self._began_looking = self._looking is not None
        page.setGeometry(self._window.rect())
        keep_in_front(self._window, page, of_all=True)
        self._put_aside()
        feed.set_front(page)
        self._interests.contribute(SOURCE, page.interest)
        self._interests.attend(frozenset({SOURCE, "document"}))
        number, large = self.number()
        if number is not None and large:
            page.take_apart(number)
        page.show()
        page.raise_()
        page.setFocus(Qt.FocusReason.OtherFocusReason)
        self.changed.emit()

    def _end(self) -> None:
        page, self._page = self._page, None
        if page is None:
            return
        self._place = page.place
        if self._looking is not None and not self._began_looking:
            self.forward_wanted.emit()  # what was switched on here ends here
        self._workspace.feed.set_front(None)
        self._interests.attend(None)
        self._interests.contribute(SOURCE, NOTHING)
        had = page.hasFocus()
        before, self._focus = self._focus, None
        page.hide()
        page.close_panel()
        page.deleteLater()
        for widget in self._aside:
            if shiboken6.isValid(widget):
                widget.show()
        self._aside = []
        if had and before is not None and shiboken6.isValid(before) and before.isVisible():
            before.setFocus(Qt.FocusReason.OtherFocusReason)
        self.changed.emit()

    def _first_place(self) -> Place:
        """Where the last lecture was, unless something else has been selected since."""
        selected, root = self._canvas.selected, self._canvas.canvas_scene.root
        chosen = selected[0] if len(selected) == 1 and selected[0] in self._canvas.canvas_scene.cards else ""
        again = self._place.chosen and selected == self._began_at
        self._began_at = selected
        place = self._place if again else replace(self._place, root=root, chosen=chosen)
        number, large = self.number()
        if number is not None and large:  # it goes on here, in the letters of a hall
            scene = self._canvas.canvas_scene
            ends = (node for node, card in scene.cards.items() if card.facts.kind == "output")  # where the loss is
            node = number.node if number.node in scene.cards else scene.seen.owner.get(number.node) or next(ends, "")
            place = replace(place, root=root, chosen=node, filling=_EXPLAIN)
        return place

    def _put_aside(self) -> None:
        """What floats over the window would float over the page."""
        area = self._window.frameGeometry()
        for dock in self._window.findChildren(QDockWidget):
            if dock.isFloating() and dock.isVisible() and dock.frameGeometry().intersects(area):
                dock.hide()
                self._aside.append(dock)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Cover the window whatever its size."""
        if event.type() is QEvent.Type.Resize and self._page is not None:
            self._page.setGeometry(self._window.rect())
        return False
