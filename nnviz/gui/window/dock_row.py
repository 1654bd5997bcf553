"""How the instruments share the row at the foot of the window: side by side or as tabs, and how high it is."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow, QTabBar

from nnviz.gui.canvas import CanvasView
from nnviz.gui.canvas.geometry import FAR_ZOOM
from nnviz.gui.look import theme
from nnviz.gui.panels.base import Panel
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.soon import soon
from nnviz.gui.window.frame import row_height

#: What stands at the foot of a new window, left to right.
DEFAULT_PANELS = ("loss", "gradients", "dead_units", "findings")
#: What stands at the left, beside the palette: what is high rather than wide, or used while another is looked at.
SIDE_PANELS = ("outline", "own_input")
#: Pixels that a panel needs beside others; where the row has less for each, some stand behind others as tabs.
_LEAST_WIDTH = 236
#: Pixels of the two buttons of a dock, which stand behind the header of its panel.
_BUTTONS = 52
#: No panel stands in front of the first: what it says is to be seen while the network trains. Nor in front of the
#: second, as long as there are others.
NEVER_COVERED, _COVERED_LAST = "findings", "loss"
#: Pixels of a tab around its title: what the style sheet says.
_AROUND_TAB = 28
#: Pixels of its letters, as usual.
_TAB = 13
#: Pixels of a list at the side.
_SIDE = 340


class DockRow(QObject):
    """Gives instruments their places, widths and heights; each stays as somebody drags it, as far as it can be read.

    Args:
        window: Whose row it is.
        docks: Its instruments by key; more may come.
        panels: What stands in them, by the same keys.
        canvas: What the row takes its height from.
    """

    def __init__(
        self, window: QMainWindow, docks: Mapping[str, QDockWidget], panels: Mapping[str, Panel], canvas: CanvasView
    ) -> None:
        super().__init__(window)
        self._window = window
        self._docks = docks
        self._panels = panels
        self._canvas = canvas
        #: Pixels that the row had before an instrument got more, and what it has got; none: (0, 0).
        self._raised = (0, 0)
        #: Pixels of the row when all that was to be done had been done.
        self._settled = 0
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.timeout.connect(self._on_settled)
        follow(theme.notifier.changed, self._on_letters)

    def _on_letters(self) -> None:
        soon(self._whole_tabs)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Tabs get their width after all that was asked of their place."""
        if event.type() is QEvent.Type.Resize and isinstance(watched, QTabBar):
            _fit_letters(watched)
        return False

    def settle(self) -> None:
        """An instrument got another size: once all that was to be done is done, it is seen how high the row is."""
        self._settling.start(0)

    def arrange_as_new(self) -> None:
        """The arrangement that the program comes with: four in a row at the foot, the outline at the left."""
        area = Qt.DockWidgetArea.BottomDockWidgetArea
        keys = [*(key for key in DEFAULT_PANELS if key in self._docks)]
        keys += [key for key in self._docks if key not in keys]
        previous: QDockWidget | None = None
        side: QDockWidget | None = None
        for key in keys:
            dock = self._docks[key]
            dock.setFloating(False)
            if key in SIDE_PANELS:
                self._window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
                if side is not None:
                    self._window.tabifyDockWidget(side, dock)
                side = dock
                continue
            self._window.addDockWidget(area, dock)
            if previous is not None:
                self._window.splitDockWidget(previous, dock, Qt.Orientation.Horizontal)
            previous = dock
        for key, dock in self._docks.items():
            dock.setVisible(key in DEFAULT_PANELS)
        self.spread()
        soon(self._whole_tabs)

    def spread(self) -> None:
        """Give the panels in the row their shares of the width, and the row its share of the height."""
        self._raised = (0, 0)
        shown = [self._docks[key] for key in DEFAULT_PANELS if key in self._docks]
        weights = [5, *[4] * (len(shown) - 1)]
        total = max(1, self._window.width())
        self._window.resizeDocks(
            shown, [total * weight // sum(weights) for weight in weights], Qt.Orientation.Horizontal
        )
        sides = [self._docks[key] for key in SIDE_PANELS if not self._docks[key].isHidden()]
        self._window.resizeDocks(sides, [_SIDE] * len(sides), Qt.Orientation.Horizontal)
        self._window.resizeDocks(shown, [row_height(self._window)] * len(shown), Qt.Orientation.Vertical)

    def keep_apart(self, wanted: str = "") -> None:
        """Leave as many side by side as can be read; the others stand behind them as tabs.

        Args:
            wanted: One that stays in front.
        """
        layout = self._window.layout()
        if layout is not None:  # Who stands behind whom is only known of what has been laid out.
            layout.activate()
        columns = [self._column(key) for key in self.keys()]
        while sum(map(self._need, columns)) > self._width():
            movable = [column for column in columns if NEVER_COVERED not in column]
            if len(movable) < 2:
                break
            lesser = [column for column in movable if _COVERED_LAST not in column]
            movable = lesser if len(lesser) > 1 else movable
            moved = next((column for column in movable if column == [wanted]), movable[-1])
            columns.remove(moved)
            movable.remove(moved)
            # Behind the one that grows least by it; among equals where the fewest stand already, the last one.
            host = min(reversed(movable), key=lambda one: (self._need([*one, *moved]) - self._need(one), len(one)))
            front = host[0]
            for key in moved:
                self._window.tabifyDockWidget(self._docks[front], self._docks[key])
            host.extend(moved)
            self._docks[wanted if wanted in host else front].raise_()
        self._whole_tabs()
        soon(self._share_row)

    def follow_width(self) -> None:
        """The window has another size, or the letters have: as many side by side as can be read now."""
        self.keep_apart()

    def make_room(self, key: str) -> None:
        """One that was shown just now gets the width and the height that it needs."""
        before = self._settled  # it may have made the row higher already
        self.keep_apart(key)
        soon(self._give_height, key, before)

    def give_back_height(self) -> None:
        """Where one is closed for which the row was made higher, the canvas gets back what the others do not need."""
        before, raised = self._raised
        if not raised:
            return
        if self.height() != raised:  # Somebody chose another height: that stays.
            self._raised = (0, 0)
            return
        keys = {other for key in self.keys() for other in self._column(key)}
        needed = max((min(self._panels[key].least_height, self._window.height() // 2) for key in keys), default=0)
        # Where there was no row before, it gets the height that a new window gives it.
        target = max(before or row_height(self._window), needed)
        if target < raised:
            layout = self._window.layout()
            if layout is not None:  # Else the one that was closed still counts.
                layout.activate()
            docks = [self._docks[key] for key in self.keys()]
            self._window.resizeDocks(docks, [target] * len(docks), Qt.Orientation.Vertical)
            self._raised = (before, target) if target > before else (0, 0)

    def keys(self) -> list[str]:
        """The panels that stand side by side at the foot, left to right; of those in one place the one in front."""
        row = [
            key
            for key, dock in self._docks.items()
            if not dock.isHidden()
            and not dock.isFloating()
            and self._window.dockWidgetArea(dock) == Qt.DockWidgetArea.BottomDockWidgetArea
            and (dock.x() >= 0 or not self._window.tabifiedDockWidgets(dock))
        ]
        return sorted(row, key=lambda key: self._docks[key].x())

    def _width(self) -> int:
        """Pixels that the row at the foot has: what stands at the left stands beside it, too."""
        centre, area = self._window.centralWidget(), Qt.DockWidgetArea.LeftDockWidgetArea
        beside = [
            max(_SIDE, dock.minimumSizeHint().width())
            for dock in self._docks.values()
            if not dock.isHidden() and not dock.isFloating() and self._window.dockWidgetArea(dock) == area
        ]
        # One that was shown just now has no place yet: it gets that width.
        taken = max(*beside, centre.x() if centre is not None else 0) if beside else 0
        return self._window.width() - taken

    def height(self) -> int:
        """Pixels of the highest instrument in it; 0 where there is none."""
        return max((self._docks[key].height() for key in self.keys()), default=0)

    def _column(self, key: str) -> list[str]:
        """One that stands in the row, and those that stand behind it as tabs."""
        behind = self._window.tabifiedDockWidgets(self._docks[key])
        return [key, *(other for other, dock in self._docks.items() if dock in behind and not dock.isHidden())]

    def _need(self, column: list[str]) -> int:
        """How many pixels instruments in one place need so that each of their headers, and more, can be read."""
        least = _LEAST_WIDTH
        for key in column:
            panel = self._panels[key]
            header = panel.header.minimumSizeHint().width() + _BUTTONS
            least = max(least, header, panel.least_width, self._docks[key].minimumSizeHint().width())
        return least

    def _whole_tabs(self) -> None:
        """Titles on tabs are not cut: where there is no room for all tabs, they scroll."""
        bars = self._window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
        titles = [{tabs.tabText(index) for index in range(tabs.count())} for tabs in bars]
        fronts = {dock.x(): dock.windowTitle() for dock in self._docks.values() if dock.isVisible() and dock.x() >= 0}
        # Qt leaves the tabs of a place standing whose instruments have moved to another: each place has one bar.
        needed: set[int] = set()
        for group in self.tab_groups():
            ranks = [
                (own == group, fronts.get(tabs.x()) in own, len(own & group), number)
                for number, (tabs, own) in enumerate(zip(bars, titles, strict=True))
                if len(own & group) > 1
            ]
            if ranks:
                needed.add(max(ranks)[-1])
        for number, tabs in enumerate(bars):
            tabs.setElideMode(Qt.TextElideMode.ElideNone)
            tabs.setUsesScrollButtons(True)
            tabs.setExpanding(False)
            tabs.setVisible(number in needed)
            tabs.installEventFilter(self)  # once more changes nothing
            _fit_letters(tabs)
        # Qt puts a new one before all else: before a page that covers the window, too. Among themselves they stay in
        # the order in which they were made: of two for one place the later one is Qt's own.
        for tabs in reversed(bars):
            tabs.lower()

    def tab_groups(self) -> set[frozenset[str]]:
        """The titles of the instruments that share a place, for each such place."""
        found = set()
        for dock in self._docks.values():
            if dock.isHidden() or dock.isFloating():
                continue
            together = [dock, *self._window.tabifiedDockWidgets(dock)]
            group = frozenset(one.windowTitle() for one in together if not one.isHidden() and not one.isFloating())
            if len(group) > 1:
                found.add(group)
        return found

    def _share_row(self) -> None:
        """Where one of the row got less than it needs, each gets that, and what is left is shared."""
        row = self.keys()
        if row:
            needs = [self._need(self._column(key)) for key in row]
            docks = [self._docks[key] for key in row]
            if any(dock.width() < need for dock, need in zip(docks, needs, strict=True)):
                spare = max(0, self._width() - sum(needs)) // len(row)
                self._window.resizeDocks(docks, [need + spare for need in needs], Qt.Orientation.Horizontal)
        self._whole_tabs()

    def _give_height(self, key: str, before: int) -> None:
        """One that needs more than the row has gets it, but not more than half of the window; at the side the width."""
        dock, least = self._docks[key], self._panels[key].least_height
        if self._window.dockWidgetArea(dock) == Qt.DockWidgetArea.LeftDockWidgetArea:
            if not dock.isFloating() and dock.isVisible() and dock.width() < _SIDE:
                self._window.resizeDocks([dock], [_SIDE], Qt.Orientation.Horizontal)
            soon(self.keep_apart)  # now the row has the width that is left
            return
        wanted = min(least, self._window.height() // 2)
        if self._panels[key].leaves_cards and self._canvas.camera.zoom >= FAR_ZOOM:
            spare = self._canvas.height() - self._canvas.camera.height_for(FAR_ZOOM)
            wanted = min(wanted, dock.height() + max(spare, 0))
        if not dock.isFloating() and dock.isVisible() and dock.height() < wanted:
            self._window.resizeDocks([dock], [wanted], Qt.Orientation.Vertical)
        soon(self._note_raised, before)

    def _on_settled(self) -> None:
        before, raised = self._raised
        self._settled = now = self.height()
        if raised and now > raised and QApplication.mouseButtons() == Qt.MouseButton.NoButton:
            self._raised = (before, now)  # It needed more as soon as it had something to show.

    def _note_raised(self, before: int) -> None:
        lower, raised = self._raised
        now = self.height()
        if now > before:
            self._raised = (lower if before == raised else before, now)


def _fit_letters(tabs: QTabBar) -> None:
    """As large as the letters around it, where all titles have room beside each other; not smaller than usual."""
    titles = [tabs.tabText(index) for index in range(tabs.count())]
    letters = theme.surrounding_font(_TAB).pixelSize()
    while letters > _TAB:
        metrics = QFontMetrics(theme.scene_font(letters))
        if sum(metrics.horizontalAdvance(title) + _AROUND_TAB for title in titles) <= tabs.width():
            break
        letters -= 1
    if tabs.font().pixelSize() != letters:
        tabs.setFont(theme.scene_font(letters))
