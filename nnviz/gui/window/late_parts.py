"""Inspector and instruments: they come once the window is on the screen, as what they draw with takes long to load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMainWindow, QMenu, QMenuBar

from nnviz.gui.runs.workspace import Workspace
from nnviz.gui.window.frame import Frame
from nnviz.gui.window.regions import Regions

if TYPE_CHECKING:
    from nnviz.gui.inspector import Inspector
    from nnviz.gui.window.docks import Docks


class LateParts(QObject):
    """Makes them, puts them in their places, and says in one voice what both of them ask for.

    Args:
        frame: Keeps their places.
        regions: Knows them from then on.
        workspace: What they may know.
        window: Whose.
    """

    #: A sentence for the foot of the window.
    message = Signal(str)
    #: Something could not be done: a sentence that stays.
    failed = Signal(str)
    #: The keyboard goes back to the canvas.
    left = Signal()
    #: A layer is to be seen.
    node_requested = Signal(str)
    #: A cure of a finding was chosen.
    cure_requested = Signal(object)
    #: The data of the document are to be fetched.
    download_requested = Signal()
    #: All examples are to be seen.
    examples_requested = Signal()
    #: Who looks at what from now on: an Interest.
    interest_changed = Signal(str, object)
    #: A number is taken apart over the canvas, or not any more.
    explained_large = Signal(bool)

    def __init__(self, frame: Frame, regions: Regions, workspace: Workspace, window: QMainWindow) -> None:
        super().__init__(window)
        self._frame = frame
        self._regions = regions
        self._workspace = workspace
        self._window = window

    def make_inspector(self) -> Inspector:
        """The settings at the right."""
        from nnviz.gui.inspector import Inspector  # noqa: PLC0415 - draws pictures with pyqtgraph; see below

        inspector = self._regions.inspector = Inspector(self._workspace, self._window)
        placeholder, self._regions.side = self._regions.side, inspector
        self._frame.exchange(placeholder, inspector)
        inspector.message.connect(self.message)
        inspector.left.connect(self.left)
        inspector.node_requested.connect(self.node_requested)
        inspector.cure_requested.connect(self.cure_requested)
        inspector.download_requested.connect(self.download_requested)
        inspector.viewer_requested.connect(self.examples_requested)
        inspector.interest_changed.connect(self.interest_changed)
        inspector.set_selection(list(self._regions.canvas.selected))
        self._workspace.feed.subscribe(inspector.refresh, inspector)
        return inspector

    def make_docks(self, menu_bar: QMenuBar) -> Docks:
        """The instruments, with their ways into the menus."""
        # Only now: pyqtgraph takes longer to import than everything else that the window needs.
        from nnviz.gui.window.docks import Docks  # noqa: PLC0415 - see above

        docks = self._regions.docks = Docks(self._window, self._workspace, self._regions.canvas)
        self._frame.give_place_to_instruments()
        instruments = menu_bar.findChild(QMenu, "menu-Instruments")
        explaining = menu_bar.findChild(QMenu, "menu-Explain")
        if instruments is not None and explaining is not None:
            docks.fill_menus(instruments, explaining)
        docks.message.connect(self.message)
        docks.failed.connect(self.failed)
        docks.node_requested.connect(self.node_requested)
        docks.cure_requested.connect(self.cure_requested)
        docks.interest_changed.connect(self.interest_changed)
        docks.explained_large.connect(self.explained_large)
        return docks
