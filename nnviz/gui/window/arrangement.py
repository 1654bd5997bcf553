"""Where the regions stand and how large they are: remembered from start to start, and put back on request."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QScreen
from PySide6.QtWidgets import QMainWindow, QSplitter

from nnviz.gui.look import theme
from nnviz.gui.parts.screens import LIKELY_FRAME, SETTLING, StayOnScreen, bring_in, fitted, screen_for
from nnviz.gui.parts.settings import ARRANGEMENT_VERSION, Settings
from nnviz.gui.parts.soon import soon
from nnviz.gui.window.regions import Regions

#: Widths of palette and inspector in a wide window, and in one under 1,450.
_SIDES = (188, 372)
_NARROW_SIDES = (188, 324)
_NARROW_BELOW = 1450
#: Under this the palette of a new window is hidden: the canvas needs the room (Ctrl+B shows it).
_NO_PALETTE_BELOW = 720
#: An own input beside the palette leaves the canvas at least so many pixels; else the palette goes meanwhile.
_LEAST_CANVAS = 900
#: Pixels that an own input has, once all is laid out.
_DRAWING = 340
#: Pixels of the canvas that an inspector in large letters does not take.
_SPARED = 560
#: The size of a new window, and the smallest one, where the screen has room for them.
_SIZE = QSize(1680, 1050)
_SMALLEST = QSize(640, 400)


class Arrangement:
    """The size of a window, the widths of palette, canvas and inspector, and the places of the instruments.

    Args:
        window: Whose.
        splitter: Holds palette, canvas and inspector.
        regions: What is arranged.
        settings: Where it is remembered, for each size of screen.
    """

    def __init__(self, window: QMainWindow, splitter: QSplitter, regions: Regions, settings: Settings) -> None:
        self._window = window
        self._splitter = splitter
        self._regions = regions
        self._settings = settings
        self._placed = QSize()
        self._screen = ""
        self._staying = StayOnScreen(window, when_shown=False)
        #: The palette has given its room to an own input, and gets it back.
        self._lent = False
        #: In which letters the inspector has its width, and which it had in usual ones.
        self._scale, self._side_width = theme.text_scale(), 0
        #: And which the palette had.
        self._palette_width = 0

    def restore(self) -> None:
        """Size and widths of the last time on a screen of this size; wholly on it, whatever they were."""
        window, screen = self._window, self._screen_of_last_time()
        self._screen = _size_of(screen)
        available = screen.availableGeometry()
        window.setMinimumSize(_SMALLEST.boundedTo(available.marginsRemoved(LIKELY_FRAME).size()))
        stored = self._stored("geometry")
        if stored is None or not window.restoreGeometry(stored):
            wanted = QRect(available.topLeft(), _SIZE)
            wanted.moveCenter(available.center())
            window.setGeometry(fitted(wanted, available, LIKELY_FRAME))
        elif not window.isMaximized() and not window.isFullScreen():
            found = screen_for(window.geometry()).availableGeometry()
            window.setGeometry(fitted(window.geometry(), found, LIKELY_FRAME))
        self._placed = window.size()
        sizes = self._stored("splitter")
        if sizes is None or not self._splitter.restoreState(sizes):
            self._regions.palette.setVisible(window.width() >= _NO_PALETTE_BELOW)
            self._share_width()

    def adapt(self) -> None:
        """The window is on the screen, perhaps in another size than was asked for: widths that nobody chose follow."""
        if self._stored("splitter") is None:
            self._share_width()
        for wait in SETTLING:
            QTimer.singleShot(wait, self._window, self._settle)

    def _settle(self) -> None:
        """The desktop has put its frame on, which may be larger than was likely; who asked for another size gets it."""
        if self._window.size() == self._placed:
            bring_in(self._window)
            self._placed = self._window.size()

    def restore_docks(self) -> None:
        """The places of the instruments, once they are there."""
        stored = self._stored("docks")
        if stored is not None:
            self._window.restoreState(stored, ARRANGEMENT_VERSION)
        docks = self._regions.docks
        if docks is not None:
            docks.row.keep_apart()
            drawing = docks.docks["own_input"]
            self._lent = not drawing.isHidden() and self._regions.palette.isHidden()
            # What opens or closes it may do more at once: the room is looked at when all of that is done.
            drawing.visibilityChanged.connect(lambda _seen: soon(self._lend_room, owner=self._window))

    def _lend_room(self) -> None:
        """Whoever draws adds no layers: in a window without room for both the palette goes while an input is drawn."""
        docks, palette = self._regions.docks, self._regions.palette
        if docks is None or docks.is_explained_large:
            return
        dock = docks.docks["own_input"]
        at_side = self._window.dockWidgetArea(dock) == Qt.DockWidgetArea.LeftDockWidgetArea and not dock.isFloating()
        drawn = at_side and not dock.isHidden()
        if drawn and not self._lent and not palette.isHidden():
            taken = max(dock.width(), _DRAWING) + palette.width() + self._regions.side.width()
            self._lent = self._window.width() - taken < _LEAST_CANVAS
            palette.setHidden(self._lent)
        elif not drawn and self._lent:
            self._lent = False
            palette.show()

    def follow_letters(self) -> None:
        """In larger letters inspector and palette are wider by as much, where the canvas can spare it; then as before.

        The inspector comes first: the palette shows its names in what letters it has room for.
        """
        scale, before = theme.text_scale(), self._scale
        if scale == before:
            return
        self._scale = scale
        left, centre, right = self._splitter.sizes()
        if scale > before:
            self._side_width = right
        right, centre = _scaled(right, centre, scale / before, self._side_width)
        if scale > before:
            self._palette_width = left
        left, centre = _scaled(left, centre, scale / before, self._palette_width)
        self._splitter.setSizes([left, centre, right])

    def reset(self) -> None:
        """Everything back in its place."""
        self._settings.forget_layout()
        if self._regions.docks is not None:
            self._regions.docks.row.arrange_as_new()
        self._regions.palette.setVisible(self._window.width() >= _NO_PALETTE_BELOW)
        self._regions.side.setVisible(True)
        self._share_width()
        self._regions.changed.emit()

    def keep(self) -> None:
        """Remember it."""
        screen = self._window.screen()
        self._screen, self._settings.screen = _size_of(screen), screen.name()
        self._keep("geometry", self._window.saveGeometry())
        self._keep("splitter", self._splitter.saveState())
        if self._regions.docks is not None:
            self._keep("docks", self._window.saveState(ARRANGEMENT_VERSION))

    def _keep(self, name: str, value: QByteArray) -> None:
        self._settings.keep_layout(f"{self._screen}/{name}", value)

    def _stored(self, name: str) -> QByteArray | None:
        """What was kept on a screen of this size; what was kept before screens were kept apart, where there is none."""
        return self._settings.layout(f"{self._screen}/{name}") or self._settings.layout(name)

    def _screen_of_last_time(self) -> QScreen:
        named = (one for one in QGuiApplication.screens() if one.name() == self._settings.screen)
        return next(named, QGuiApplication.primaryScreen())

    def _share_width(self) -> None:
        """What palette, canvas and inspector get of the width."""
        width = self._window.width()
        left, right = _NARROW_SIDES if width < _NARROW_BELOW else _SIDES
        self._splitter.setSizes([left, max(300, width - left - right), right])


def _scaled(side: int, canvas: int, factor: float, usual: int) -> tuple[int, int]:
    """Widths of a side and of the canvas beside it, once letters are larger or smaller.

    Args:
        side: Its width now.
        canvas: Likewise.
        factor: How many times as large the letters are.
        usual: What the side had in smaller letters; 0 where that is not known.
    """
    grows = factor > 1
    wanted = min(round(side * factor), side + canvas - _SPARED) if grows else usual or round(side * factor)
    if not side or (wanted > side) != grows:
        return side, canvas
    return wanted, canvas + side - wanted


def _size_of(screen: QScreen) -> str:
    """The name of a screen of this size: ``1920x1080``, in device-independent pixels."""
    size = screen.size()
    return f"{size.width()}x{size.height()}"
