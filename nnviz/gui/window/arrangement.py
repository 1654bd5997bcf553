"""Where the regions stand and how large they are: remembered from start to start, and put back on request."""

from __future__ import annotations

from PySide6.QtWidgets import QMainWindow, QSplitter

from nnviz.gui.parts.settings import ARRANGEMENT_VERSION, Settings
from nnviz.gui.window.regions import Regions

#: Widths of palette and inspector in a wide window, and in one under 1,450.
_SIDES = (188, 372)
_NARROW_SIDES = (188, 324)
_NARROW_BELOW = 1450
_SIZE = (1680, 1050)


class Arrangement:
    """The size of a window, the widths of palette, canvas and inspector, and the places of the instruments.

    Args:
        window: Whose.
        splitter: Holds palette, canvas and inspector.
        regions: What is arranged.
        settings: Where it is remembered.
    """

    def __init__(self, window: QMainWindow, splitter: QSplitter, regions: Regions, settings: Settings) -> None:
        self._window = window
        self._splitter = splitter
        self._regions = regions
        self._settings = settings

    def restore(self) -> None:
        """Size and widths of the last time."""
        stored = self._settings.layout("geometry")
        if stored is None or not self._window.restoreGeometry(stored):
            self._window.resize(*_SIZE)
        sizes = self._settings.layout("splitter")
        if sizes is None or not self._splitter.restoreState(sizes):
            self._share_width()

    def adapt(self) -> None:
        """The window is on the screen, perhaps in another size than was asked for: widths that nobody chose follow."""
        if self._settings.layout("splitter") is None:
            self._share_width()

    def restore_docks(self) -> None:
        """The places of the instruments, once they are there."""
        stored = self._settings.layout("docks")
        if stored is not None:
            self._window.restoreState(stored, ARRANGEMENT_VERSION)

    def reset(self) -> None:
        """Everything back in its place."""
        self._settings.forget_layout()
        if self._regions.docks is not None:
            self._regions.docks.arrange_as_new()
        self._regions.palette.setVisible(True)
        self._regions.side.setVisible(True)
        self._share_width()
        self._regions.changed.emit()

    def keep(self) -> None:
        """Remember it."""
        self._settings.keep_layout("geometry", self._window.saveGeometry())
        self._settings.keep_layout("splitter", self._splitter.saveState())
        if self._regions.docks is not None:
            self._settings.keep_layout("docks", self._window.saveState(ARRANGEMENT_VERSION))

    def _share_width(self) -> None:
        """What palette, canvas and inspector get of the width."""
        width = self._window.width()
        left, right = _NARROW_SIDES if width < _NARROW_BELOW else _SIDES
        self._splitter.setSizes([left, max(300, width - left - right), right])
