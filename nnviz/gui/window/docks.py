"""The instruments as docks: made from PANELS, moved, floated, closed and added; the arrangement is remembered.

All docks stand in the window from the start, so that an arrangement can put them in their places; the panel in one is
made when the dock is shown first, or when somebody asks for the panel. A panel's own header serves as the title bar of
its dock: it is what one drags, and nothing is said twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow, QMenu, QWidget

from nnviz.explain.place import Place
from nnviz.gui.canvas import CanvasView
from nnviz.gui.look import theme
from nnviz.gui.panels.base import Panel
from nnviz.gui.panels.catalogue import PANELS
from nnviz.gui.panels.explain import ExplainPanel
from nnviz.gui.panels.own_input import OwnInputPanel
from nnviz.gui.panels.panel_actions import PanelActions
from nnviz.gui.panels.problems import problem_count
from nnviz.gui.panels.why import WhyPanel
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.on_demand import OnDemand, take_turn_after
from nnviz.gui.parts.screens import StayOnScreen
from nnviz.gui.parts.soon import soon
from nnviz.gui.runs.workspace import Workspace
from nnviz.gui.window.dock_row import DEFAULT_PANELS, NEVER_COVERED, DockRow
from nnviz.gui.window.dock_title import DockTitle
from nnviz.project.checks.validate import Diagnostic

if TYPE_CHECKING:
    from nnviz.explain.values import Example
    from nnviz.gui.canvas.cards.card_numbers import CardNumber

#: Pixels of the smallest panel, across and down.
_SMALLEST = (200, 120)
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


class InstrumentDock(QDockWidget):
    """Has its instrument made before it is shown, by whomever: a menu, a key, an arrangement that is restored.

    Args:
        title: What its tab says.
        window: Where it stands.
        fill: Called before each showing; puts the instrument into it where it is not there yet.
    """

    def __init__(self, title: str, window: QMainWindow, fill: Callable[[], object]) -> None:
        super().__init__(title, window)
        self._fill = fill

    def setVisible(self, visible: bool) -> None:
        """What is in it has its size at once, as all shown with it: it is there before."""
        if visible:
            self._fill()
        super().setVisible(visible)


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
        self._docks: dict[str, QDockWidget] = {}
        self._panels = OnDemand({kind.key: kind for kind in PANELS}, self._make)
        self._current = DEFAULT_PANELS[0]
        self._obstacle = ""
        #: Those that stand behind another as a tab.
        self._behind: set[str] = set()
        #: How they share the row at the foot.
        self.row = DockRow(window, self._docks, self._panels, canvas)
        self._actions = {kind.key: PanelActions(kind, window, partial(self.use, kind.key)) for kind in PANELS}
        for kind in PANELS:
            dock = InstrumentDock(kind.title, window, partial(self._panels.__getitem__, kind.key))
            dock.setObjectName(f"dock-{kind.key}")
            dock.setAccessibleName(kind.title)
            dock.setMinimumSize(*_SMALLEST)
            self._watch_presses(dock)
            StayOnScreen(dock)
            dock.topLevelChanged.connect(partial(self._on_floating, dock))
            dock.visibilityChanged.connect(partial(self._on_front, kind.key))
            self._docks[kind.key] = dock
            window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
        self.row.arrange_as_new()
        follow(QApplication.instance().focusChanged, self._on_focus)  # type: ignore[union-attr]  # there is one
        self._watch_presses(window)
        self._scale = theme.text_scale()
        follow(theme.notifier.changed, self._on_theme)
        canvas.number_requested.connect(self._on_number)
        self.explained_large.connect(self._on_large)
        follow(workspace.document.diagnostics_changed, self._count_problems)
        self._count_problems(workspace.document.diagnostics)

    @property
    def panels(self) -> Mapping[str, Panel]:
        """The instruments by key; one that was not there yet is made when it is asked for."""
        return self._panels

    @property
    def made(self) -> dict[str, Panel]:
        """Those that are there by now: that were shown, or asked for."""
        return self._panels.made

    @property
    def kinds(self) -> Mapping[str, type[Panel]]:
        """What is known of each of them by its key, whether it is there or not."""
        return self._panels.kinds

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
        row = self.row.keys()
        return row[0] if row else self._current

    def fill_menus(self, measuring: QMenu, explaining: QMenu) -> None:
        """Put a submenu for each instrument into one of two menus; the keys work from here on."""
        toggles = self.toggle_actions()
        self._fill_ways(explaining)
        for menu in (measuring, explaining):
            menu.addSeparator()
        for key, toggle in zip(self._docks, toggles, strict=True):
            menu = explaining if key in _EXPLAINING_KEYS else measuring
            submenu = menu.addMenu(self.kinds[key].title)
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
            self._panels.tell("obstacle", lambda panel: panel.set_obstacle(text))

    def toggle_actions(self) -> list[QAction]:
        """One a panel: shows or hides it; the tenth and those behind it have their own letter."""
        actions = []
        for number, (key, dock) in enumerate(self._docks.items(), start=1):
            action, kind = dock.toggleViewAction(), self.kinds[key]
            action.setText("&Show")
            keys = f"Ctrl+Alt+{number if number <= 9 else kind.letter}"
            action.setShortcut(keys)
            action.setToolTip(f"Show or hide “{kind.title}” ({keys})")
            action.setStatusTip(f"Show or hide “{kind.title}”")
            action.triggered.connect(lambda on, key=key: self._on_toggled(key, on))
            actions.append(action)
        return actions

    def _on_toggled(self, key: str, on: bool) -> None:
        """Qt shows it where it stood, perhaps behind another, and hides it also where it stood behind one."""
        if on or key in self._behind:
            self.show_panel(key)
        if on:
            self.row.make_room(key)

    def _on_front(self, key: str, seen: bool) -> None:
        # A moment later: whoever is hidden now is to find out whether it could be seen before.
        soon(self._note_front, key, seen)

    def _note_front(self, key: str, seen: bool) -> None:
        behind = not seen and not self._docks[key].isHidden()
        self._behind = self._behind | {key} if behind else self._behind - {key}
        if self._docks[key].isHidden():
            self.row.give_back_height()

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
        self._panels.tell("selection", lambda panel: panel.set_selection(node))

    def show_panel(self, key: str) -> Panel | None:
        """Bring an instrument to the front; None where there is none of that name."""
        dock = self._docks.get(key)
        if dock is None:
            return None
        fresh = dock.isHidden()
        covered = self._docks[NEVER_COVERED]
        dock.show()
        if dock is not covered and covered in self._window.tabifiedDockWidgets(dock):
            self._window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
            fresh = True
        dock.raise_()
        if fresh:
            self.row.make_room(key)
        return self._panels[key]

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

    def _on_number(self, node: str, number: CardNumber | None) -> None:
        """A number on a card is to be taken apart, wherever that is done."""
        panel = self._panels[ExplainPanel.key]
        if isinstance(panel, ExplainPanel):
            panel.take_from_card(node, number)

    @property
    def is_explained_large(self) -> bool:
        """Whether a number is taken apart over the canvas."""
        panel = self.made.get(ExplainPanel.key)
        return isinstance(panel, ExplainPanel) and panel.is_large

    @property
    def explained(self) -> Place | None:
        """The number that is taken apart; None where none was asked about."""
        panel = self.made.get(ExplainPanel.key)
        return panel.walk.place if isinstance(panel, ExplainPanel) else None

    def explain_backward(self, on: bool) -> None:
        """Numbers are taken apart in the direction that the canvas shows."""

        def tell(panel: Panel) -> None:
            if isinstance(panel, ExplainPanel):
                panel.set_backward(on)

        self._panels.tell("backward", tell)

    def _set_picking(self, on: bool) -> None:
        self._panels.tell("picking", lambda panel: panel.set_picking(on))

    def _on_large(self, large: bool) -> None:
        def tell(panel: Panel) -> None:
            if isinstance(panel, OwnInputPanel):
                panel.set_covered(large)

        self._panels.tell("large", tell)

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
            soon(self.row.follow_width)
        elif kind == QEvent.Type.Resize and isinstance(watched, QDockWidget):
            self.row.settle()
        return False

    def _on_theme(self) -> None:
        """Larger letters need more room: not as many may stand side by side."""
        if theme.text_scale() != self._scale:
            self._scale = theme.text_scale()
            soon(self.row.follow_width)  # once the headers have their letters

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

    def _make(self, kind: type[Panel]) -> Panel:
        """An instrument, in its dock."""
        dock = self._docks[kind.key]
        panel = kind(self._workspace, dock, self._actions[kind.key])
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
        panel.attach(self._canvas)
        menu = "Explain" if kind.key in _EXPLAINING_KEYS else "Instruments"
        dock.setTitleBarWidget(DockTitle(panel, dock, menu))
        dock.setWidget(panel)
        # Tab goes through the instruments in the order of the menu, whichever was opened first.
        keys = list(self.kinds)
        before = [key for key in keys[: keys.index(kind.key)] if key in self.made]
        if before:
            take_turn_after(self._docks[before[-1]].titleBarWidget(), dock)
        self._feed.subscribe(panel.refresh, panel)
        return panel
