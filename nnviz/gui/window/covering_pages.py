"""The pages that lie over the canvas: all examples, runs beside each other, a race. One makes way for another."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect
from PySide6.QtWidgets import QWidget

from nnviz.gui.compare.room import CompareRoom
from nnviz.gui.data.room import DataRoom
from nnviz.gui.runs.races import Races
from nnviz.gui.runs.workspace import Workspace
from nnviz.gui.window.race_room import RaceRoom


class CoveringPages:
    """Opens and closes the pages.

    Args:
        window: What they cover.
        workspace: What they show.
        races: The race that one of them shows.
        place: Gives their place in the window.
        canvas: Gets the keyboard back from a race where nobody else does.

    Attributes:
        data: The page of all examples.
        compare: The page on which runs are laid beside each other.
        race: The page of a race.
    """

    def __init__(
        self, window: QWidget, workspace: Workspace, races: Races, place: Callable[[], QRect], canvas: QWidget
    ) -> None:
        self.data = DataRoom(window, workspace, place)
        self.compare = CompareRoom(window, workspace, place)
        self.race = RaceRoom(window, workspace, races, place, canvas)
        for page, others in ((self.compare, (self.data, self.race)), (self.race, (self.data, self.compare))):
            for other in others:
                page.opening.connect(other.close)

    def on_changed(self, call: Callable[[], object]) -> None:
        """Have something called whenever one of them was opened or closed."""
        for page in (self.data, self.compare, self.race):
            page.changed.connect(call)
