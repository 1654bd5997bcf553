"""The instruments as docks: made from PANELS, moved, floated, closed and added; the arrangement is remembered.

A panel's own header serves as the title bar of its dock: it is what one drags, and nothing is said twice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QApplication, QDockWidget, QHBoxLayout, QMainWindow, QMenu, QTabBar, QToolButton, QWidget

from nnviz.explain.place import Place
from nnviz.gui.canvas import CanvasView
from nnviz.gui.canvas.geometry import FAR_ZOOM
from nnviz.gui.look import icons
from nnviz.gui.panels.base import Panel
from nnviz.gui.panels.catalogue import PANELS
from nnviz.gui.panels.explain import ExplainPanel
from nnviz.gui.panels.own_input import OwnInputPanel
from nnviz.gui.panels.panel_actions import PanelActions
from nnviz.gui.panels.problems import problem_count
from nnviz.gui.panels.why import WhyPanel
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.screens import StayOnScreen
from nnviz.gui.parts.soon import soon
from nnviz.gui.runs.run_feed import Subscription
from nnviz.gui.runs.workspace import Workspace
from nnviz.project.checks.validate import Diagnostic

if TYPE_CHECKING:
    from nnviz.explain.values import Example

#: What stands at the foot of a new window, left to right.
DEFAULT_PANELS = ("loss", "gradients", "dead_units", "findings")
#: What stands at the left, beside the palette: what is high rather than wide, or used while another is looked at.
SIDE_PANELS = ("outline", "own_input")
_HEADER_HEIGHT = 34
#: Pixels of the smallest panel, across and down.
_SMALLEST = (200, 120)
#: Pixels that a panel needs beside others; where the row has less for each, some stand behind others as tabs.
_LEAST_WIDTH = 236
#: Pixels of the two buttons of a dock, which stand behind the header of its panel.
_BUTTONS = 52
#: No panel stands in front of the first: what it says is to be seen while the network trains. Nor in front of the
#: second, as long as there are others.
_NEVER_COVERED, _COVERED_LAST = "findings", "loss"
#: Pixels of one that is torn off by its button, at least, and the share of the window that it takes at most.
_ROOMY, _ROOMY_SHARE = QSize(860, 580), 0.8
#: Those that explain, in the order of the menu: panel, words with their letter, tooltip, and the view in it.
_EXPLAINING = (
    (
        "own_input",
        "&Draw or type an input",
        "Draw a digit, drop a picture, type a row: what becomes of it",
        "",
    ),
    ("why", "&Why this answer", "Saliency, Grad-CAM, occlusion: which parts of the example made the answer", "answer"),
    ("why", "What a unit wan&ts", "The examples that excite a unit most, and an input made to excite it", "unit"),
    ("landscape", "&Valley of the loss", "The valley of a weight with balls of optimizers, and the way of the run", ""),
    ("activation_curves", "&Curves of activations", "Curves, derivatives, and why gradients vanish", ""),
)
_EXPLAINING_KEYS = frozenset((ExplainPanel.key, *(way[0] for way in _EXPLAINING)))
#: Milliseconds between two looks at whether a panel that is dragged has been let go.
_DRAG_LOOK = 100
#: Pixels of a list at the side.
_SIDE = 340


class DockTitle(QWidget):
    """The panel's header with the two buttons of a dock behind it."""

    def __init__(self, panel: Panel, dock: QDockWidget) -> None:
        super().__init__(dock)
        self.setObjectName("DockTitle")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 6, 0)
        row.setSpacing(0)
        layout = panel.layout()
        if layout is not None:
            layout.removeWidget(panel.header)
        panel.header.setFixedHeight(_HEADER_HEIGHT)
        row.addWidget(panel.header, 1)
        menu = "Explain" if panel.key in _EXPLAINING_KEYS else "Instruments"
        buttons = (
            ("float", f"Float “{panel.title}” or put it back", partial(_tear_off, dock)),
            ("close", f"Close “{panel.title}” (it is in the menu {menu})", dock.close),
        )
        for icon, words, action in buttons:
            button = QToolButton(self)
            button.setProperty("role", "flat")
            button.setIconSize(QSize(12, 12))
            button.setFixedSize(22, 22)
            button.setToolTip(words)
            button.setAccessibleName(words)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            icons.bind(button, icon, "text_faint")
            button.clicked.connect(action)
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)


def _tear_off(dock: QDockWidget) -> None:
    """Make it a window of its own, large enough to be worked with whatever room it had in the row; or put it back."""
    floating = not dock.isFloating()
    dock.setFloating(floating)
    window = dock.parentWidget()
    if floating and window is not None:
        most = window.size() * _ROOMY_SHARE
        dock.resize(dock.size().expandedTo(_ROOMY.boundedTo(most)))
        around = dock.rect()
        around.moveCenter(window.mapToGlobal(window.rect().center()))
        dock.move(around.topLeft())


class Docks(QObject):
    """All instruments of one window."""

    cure_requested = Signal(object)
    node_requested = Signal(str)
    #: The key of a panel and what it looks at from now on: an Interest.
    interest_changed = Signal(str, object)
    message = Signal(str)
    #: A file could not be written: a sentence.
    failed = Signal(str)
    #: A number is taken apart over the canvas, or not any more.
    explained_large = Signal(bool)

    def __init__(self, window: QMainWindow, workspace: Workspace, canvas: CanvasView) -> None:
        super().__init__(window)
        self._canvas = canvas
        self._window = window
        self._workspace = workspace
        self._feed = workspace.feed
        self._selection = ""
        self._docks: dict[str, QDockWidget] = {}
        self._panels: dict[str, Panel] = {}
        self._subscriptions: dict[str, Subscription] = {}
        self._current = DEFAULT_PANELS[0]
        self._obstacle = ""
        #: Those that stand behind another as a tab.
        self._behind: set[str] = set()
        #: Pixels that the row at the foot had before an instrument got more, and what it has got; none: (0, 0).
        self._raised = (0, 0)
        #: Pixels of the row when all that was to be done had been done.
        self._settled = 0
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.timeout.connect(self._on_settled)
        self._actions = {kind.key: PanelActions(kind, window, partial(self.use, kind.key)) for kind in PANELS}
        for kind in PANELS:
            dock = QDockWidget(kind.title, window)
            dock.setObjectName(f"dock-{kind.key}")
            dock.setAccessibleName(kind.title)
            self._watch_presses(dock)
            StayOnScreen(dock)
            dock.topLevelChanged.connect(partial(self._on_floating, dock))
            dock.visibilityChanged.connect(partial(self._on_front, kind.key))
            self._docks[kind.key] = dock
            self._fill(kind)
            window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
        self.arrange_as_new()
        follow(QApplication.instance().focusChanged, self._on_focus)  # type: ignore[union-attr]  # there is one
        self._watch_presses(window)
        follow(workspace.document.diagnostics_changed, self._count_problems)
        self._count_problems(workspace.document.diagnostics)

    @property
    def panels(self) -> dict[str, Panel]:
        """The instruments by key."""
        return dict(self._panels)

    @property
    def docks(self) -> dict[str, QDockWidget]:
        """Their docks by key."""
        return dict(self._docks)

    @property
    def actions(self) -> dict[str, PanelActions]:
        """What can be done with each instrument, by its key; they stay when the panels are made anew."""
        return dict(self._actions)

    @property
    def current(self) -> str:
        """Key of the instrument that was clicked or focused last; of the first one shown where that is hidden now."""
        if not self._docks[self._current].isHidden():
            return self._current
        row = self._row()
        return row[0] if row else self._current

    def fill_menus(self, measuring: QMenu, explaining: QMenu) -> None:
        """Put a submenu for each instrument into one of two menus; the keys work from here on."""
        toggles = self.toggle_actions()
        self._fill_ways(explaining)
        for menu in (measuring, explaining):
            menu.addSeparator()
        for key, toggle in zip(self._docks, toggles, strict=True):
            menu = explaining if key in _EXPLAINING_KEYS else measuring
            submenu = menu.addMenu(self._panels[key].title)
            submenu.addAction(toggle)
            submenu.addSeparator()
            self._actions[key].fill(submenu)
            self._window.addAction(toggle)
            self._window.addActions([entry.action for entry in self._actions[key].entries])

    def _fill_ways(self, menu: QMenu) -> None:
        """Those that explain, each by what one wants to know; their keys stand beside them."""
        menu.addSeparator()
        for key, words, help, view in _EXPLAINING:
            keys = self._docks[key].toggleViewAction().shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            action = menu.addAction(f"{words}\t{keys}" if view != "unit" else words)
            action.setToolTip(help)
            action.triggered.connect(partial(self._show_explaining, key, view))

    def _show_explaining(self, key: str, view: str) -> None:
        panel = self.show_panel(key)
        if isinstance(panel, WhyPanel):
            panel.turn(view)

    def use(self, key: str, command: Callable[[Panel], None]) -> None:
        """Show an instrument and do something with it; one that was hidden first catches up with the run."""
        seen = self._panels[key].isVisible()
        self._current = key
        panel = self.show_panel(key)
        if panel is None:
            return
        if seen:
            command(panel)
            return

        # Only when the window has been laid out does the panel have its size, and only then is it drawn.
        soon(self._use_fresh, key, command)

    def _use_fresh(self, key: str, command: Callable[[Panel], None]) -> None:
        self._feed.refresh()
        command(self._panels[key])

    def set_obstacle(self, text: str) -> None:
        """What has to be done before the network can be trained: instruments without data say that."""
        if text != self._obstacle:
            self._obstacle = text
            for panel in self._panels.values():
                panel.set_obstacle(text)

    def toggle_actions(self) -> list[QAction]:
        """One a panel: shows or hides it; the tenth and those behind it have their own letter."""
        actions = []
        for number, (key, dock) in enumerate(self._docks.items(), start=1):
            action = dock.toggleViewAction()
            action.setText("&Show")
            keys = f"Ctrl+Alt+{number if number <= 9 else self._panels[key].letter}"
            action.setShortcut(keys)
            action.setToolTip(f"Show or hide “{self._panels[key].title}” ({keys})")
            action.setStatusTip(f"Show or hide “{self._panels[key].title}”")
            action.triggered.connect(lambda on, key=key: self._on_toggled(key, on))
            actions.append(action)
        return actions

    def _on_toggled(self, key: str, on: bool) -> None:
        """Qt shows it where it stood, perhaps behind another, and hides it also where it stood behind one."""
        if on or key in self._behind:
            self.show_panel(key)
        if on:
            self._make_room(key)

    def _on_front(self, key: str, seen: bool) -> None:
        # A moment later: whoever is hidden now is to find out whether it could be seen before.
        soon(self._note_front, key, seen)

    def _note_front(self, key: str, seen: bool) -> None:
        behind = not seen and not self._docks[key].isHidden()
        self._behind = self._behind | {key} if behind else self._behind - {key}
        if self._docks[key].isHidden():
            self._give_back_height()

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
        height = self._window.height()
        tallest = round(min(max(196, height * 0.24), height * 0.5))
        self._window.resizeDocks(shown, [tallest] * len(shown), Qt.Orientation.Vertical)

    def _row(self) -> list[str]:
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

    def keep_apart(self, wanted: str = "") -> None:
        """Leave as many side by side as can be read; the others stand behind them as tabs.

        Args:
            wanted: One that stays in front.
        """
        layout = self._window.layout()
        if layout is not None:  # Who stands behind whom is only known of what has been laid out.
            layout.activate()
        columns = [self._column(key) for key in self._row()]
        while sum(map(self._need, columns)) > self._row_width():
            movable = [column for column in columns if _NEVER_COVERED not in column]
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

    def _row_width(self) -> int:
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
        for group in self._tab_groups():
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

    def _tab_groups(self) -> set[frozenset[str]]:
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
        row = self._row()
        if row:
            needs = [self._need(self._column(key)) for key in row]
            docks = [self._docks[key] for key in row]
            if any(dock.width() < need for dock, need in zip(docks, needs, strict=True)):
                spare = max(0, self._row_width() - sum(needs)) // len(row)
                self._window.resizeDocks(docks, [need + spare for need in needs], Qt.Orientation.Horizontal)
        self._whole_tabs()

    def _on_floating(self, dock: QDockWidget, floating: bool) -> None:
        if floating:
            soon(self._give_frame, dock)

    def _give_frame(self, dock: QDockWidget) -> None:
        """A panel that was torn off is a window like others: the desktop gives it title, frame and shadow."""
        if not dock.isFloating() or dock.windowFlags() & Qt.WindowType.Tool != Qt.WindowType.Tool:
            return
        if QApplication.mouseButtons() != Qt.MouseButton.NoButton:  # It hangs on the mouse and would be lost.
            QTimer.singleShot(_DRAG_LOOK, dock, partial(self._give_frame, dock))
            return
        place, shown = dock.geometry(), not dock.isHidden()
        dock.setWindowFlags(Qt.WindowType.Window)
        dock.setGeometry(place)
        dock.setVisible(shown)

    def set_selection(self, node: str) -> None:
        """What is selected on the canvas: panels follow it."""
        self._selection = node
        for panel in self._panels.values():
            panel.set_selection(node)

    def show_panel(self, key: str) -> Panel | None:
        """Bring an instrument to the front; None where there is none of that name."""
        dock = self._docks.get(key)
        if dock is None:
            return None
        fresh = dock.isHidden()
        covered = self._docks[_NEVER_COVERED]
        dock.show()
        if dock is not covered and covered in self._window.tabifiedDockWidgets(dock):
            self._window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
            fresh = True
        dock.raise_()
        if fresh:
            self._make_room(key)
        return self._panels[key]

    def _make_room(self, key: str) -> None:
        """One that was shown just now gets the width and the height that it needs."""
        before = self._settled  # it may have made the row higher already
        self.keep_apart(key)
        soon(self._give_height, key, before)

    def explain(self, place: Place) -> None:
        """A number in one instrument, or in the neuron view, is taken apart in another."""
        panel = self._panels[ExplainPanel.key]
        if isinstance(panel, ExplainPanel):
            panel.explain(place)

    def toggle_explain_page(self, example: Example | None = None) -> None:
        """Take numbers of an example apart large, over the canvas, or small again; None for the pinned one."""
        panel = self._panels[ExplainPanel.key]
        if isinstance(panel, ExplainPanel):
            panel.toggle_page(example)

    @property
    def is_explained_large(self) -> bool:
        """Whether a number is taken apart over the canvas."""
        panel = self._panels[ExplainPanel.key]
        return isinstance(panel, ExplainPanel) and panel.is_large

    def explain_backward(self, on: bool) -> None:
        """Numbers are taken apart in the direction that the canvas shows."""
        panel = self._panels[ExplainPanel.key]
        if isinstance(panel, ExplainPanel):
            panel.set_backward(on)

    def _set_picking(self, on: bool) -> None:
        for panel in self._panels.values():
            panel.set_picking(on)

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

    def _row_height(self) -> int:
        return max((self._docks[key].height() for key in self._row()), default=0)

    def _on_settled(self) -> None:
        before, raised = self._raised
        self._settled = now = self._row_height()
        if raised and now > raised and QApplication.mouseButtons() == Qt.MouseButton.NoButton:
            self._raised = (before, now)  # It needed more as soon as it had something to show.

    def _note_raised(self, before: int) -> None:
        lower, raised = self._raised
        now = self._row_height()
        if now > before:
            self._raised = (lower if before == raised else before, now)

    def _give_back_height(self) -> None:
        """Where one is closed for which the row was made higher, the canvas gets back what the others do not need."""
        before, raised = self._raised
        if not raised:
            return
        if self._row_height() != raised:  # Somebody chose another height: that stays.
            self._raised = (0, 0)
            return
        keys = {other for key in self._row() for other in self._column(key)}
        needed = max((min(self._panels[key].least_height, self._window.height() // 2) for key in keys), default=0)
        target = max(before, needed)
        if target < raised:
            layout = self._window.layout()
            if layout is not None:  # Else the one that was closed still counts.
                layout.activate()
            docks = [self._docks[key] for key in self._row()]
            self._window.resizeDocks(docks, [target] * len(docks), Qt.Orientation.Vertical)
            self._raised = (before, target) if target > before else (0, 0)

    @staticmethod
    def _retitle(dock: QDockWidget, title: str) -> None:
        """The tab is called as the header is; the menu keeps the name under which the instrument is found."""
        dock.setWindowTitle(title)
        dock.toggleViewAction().setText("&Show")  # Qt has given it the title of the dock

    def _count_problems(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        """The tab says how many there are; the menu does not."""
        dock, count = self._docks["problems"], problem_count(diagnostics)
        dock.setWindowTitle(f"Problems {count}" if count else "Problems")
        # Qt has given the action the title of the dock.
        dock.toggleViewAction().setText("&Show")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A press anywhere in an instrument makes it the current one, also where nothing takes the keyboard."""
        kind = event.type()
        if kind == QEvent.Type.MouseButtonPress and isinstance(event, QMouseEvent):
            self._on_focus(None, QApplication.widgetAt(event.globalPosition().toPoint()))
        elif kind == QEvent.Type.Show and isinstance(watched, QWidget):
            self._watch_presses(watched)
        elif kind == QEvent.Type.Resize and watched is self._window:
            soon(self.keep_apart)
        elif kind == QEvent.Type.Resize and isinstance(watched, QDockWidget):
            self._settling.start(0)
        return False

    def _watch_presses(self, widget: QWidget) -> None:
        """Presses are seen where they enter a window of the desktop, which exists from when it is shown."""
        widget.installEventFilter(self)
        handle = widget.windowHandle()
        if handle is not None:
            handle.installEventFilter(self)

    def _on_focus(self, _before: QWidget | None, widget: QWidget | None) -> None:
        for key, dock in self._docks.items():
            if widget is not None and (widget is dock or dock.isAncestorOf(widget)):
                self._current = key

    def _fill(self, kind: type[Panel]) -> None:
        dock = self._docks[kind.key]
        panel = kind(self._workspace, dock, self._actions[kind.key])
        panel.set_obstacle(self._obstacle)
        panel.set_selection(self._selection)
        panel.cure_requested.connect(self.cure_requested)
        panel.node_requested.connect(self.node_requested)
        panel.message.connect(self.message)
        panel.interest_changed.connect(self.interest_changed)
        panel.failed.connect(self.failed)
        panel.wanted.connect(partial(self.show_panel, kind.key))
        panel.number_requested.connect(self.explain)
        panel.titled.connect(partial(self._retitle, dock))
        if isinstance(panel, ExplainPanel):
            panel.picking_changed.connect(self._set_picking)
            panel.large_changed.connect(self.explained_large)
        if isinstance(panel, OwnInputPanel):
            self.explained_large.connect(panel.set_covered)
        panel.attach(self._canvas)
        dock.setMinimumSize(*_SMALLEST)
        dock.setTitleBarWidget(DockTitle(panel, dock))
        dock.setWidget(panel)
        self._panels[kind.key] = panel
        self._subscriptions[kind.key] = self._feed.subscribe(panel.refresh, panel)
