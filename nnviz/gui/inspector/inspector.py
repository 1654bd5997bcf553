"""The right side of the window: tabs about what is selected, how it is trained, on what, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QShortcut
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QSizePolicy, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from nnviz.gui.inspector.data_tab import DataTab
from nnviz.gui.inspector.explain_tab import ExplainTab
from nnviz.gui.inspector.layer_tab import LayerTab
from nnviz.gui.inspector.tab import Tab
from nnviz.gui.inspector.training_tab import TrainingTab
from nnviz.gui.inspector.values_tab import ValuesTab
from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import answering
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.on_demand import OnDemand, take_turn_after
from nnviz.gui.parts.widgets import refresh_fonts, set_font
from nnviz.gui.runs.shown import Shown
from nnviz.gui.runs.workspace import Workspace

_TabKind = TypeVar("_TabKind", bound=Tab)

#: All tabs, in the order in which they stand. What the inspector has to know of one stands on its class.
TABS: tuple[type[Tab], ...] = (
    LayerTab,
    TrainingTab,
    DataTab,
    ExplainTab,
    ValuesTab,
)


class Inspector(QWidget):
    """Shows and edits the selection, the training and the data; only the tab in sight costs anything.

    A tab is made when it is shown first, or when somebody asks for it.

    Attributes:
        message: Signal: a sentence for the status bar.
        node_requested: Signal: select this node.
        cure_requested: Signal: a Cure of a finding.
        left: Signal: Escape was pressed: the keyboard goes back to the canvas.
        interest_changed: Signal: the source and what it looks at from now on: an :class:`Interest`.
        download_requested: Signal: the data of the document are to be fetched.
        viewer_requested: Signal: all examples are to be seen.
        tabs: The tabs by key; one that was not there yet is made when it is asked for.
    """

    message = Signal(str)
    node_requested = Signal(str)
    cure_requested = Signal(object)
    left = Signal()
    interest_changed = Signal(str, object)
    download_requested = Signal()
    viewer_requested = Signal()

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("Inspector")
        self.setAccessibleName("Inspector")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(300)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._workspace = workspace
        self._pages = QStackedWidget(self)
        self.tabs = OnDemand({kind.key: kind for kind in TABS}, self._make)
        self._tab(TABS[0])  # Tab comes to what stands in it before it comes to the buttons above it
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(4)
        bar = QWidget(self)
        row = QHBoxLayout(bar)
        row.setContentsMargins(12, 2, 12, 0)
        row.setSpacing(4)
        self._buttons: dict[str, QToolButton] = {}
        group = QButtonGroup(self)
        group.setExclusive(True)
        for key, tab in self.kinds.items():
            button = QToolButton(bar)
            button.setText(tab.title)
            button.setCheckable(True)
            button.setProperty("role", "flat")
            QShortcut(tab.keys, self, lambda key=key: self.enter(key))
            button.setToolTip(f"{tab.title} ({tab.keys})")
            button.setAccessibleName(f"{tab.title} tab")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            set_font(button, 13, 500)
            button.clicked.connect(lambda _checked=False, key=key: self.show_tab(key))
            group.addButton(button)
            row.addWidget(button)
            self._buttons[key] = button
        column.addWidget(bar)
        column.addWidget(self._pages, 1)
        self._last: Shown | None = None
        self.show_tab("layer")
        follow(themes.notifier.changed, self.restyle)

    @property
    def tab(self) -> str:
        """Key of the tab in sight."""
        return next(key for key, button in self._buttons.items() if button.isChecked())

    @property
    def kinds(self) -> Mapping[str, type[Tab]]:
        """What is known of each tab by its key, whether it is there or not."""
        return self.tabs.kinds

    @property
    def layer(self) -> LayerTab:
        """The tab of the selected layer."""
        return self._tab(LayerTab)

    @property
    def training(self) -> TrainingTab:
        """The tab of how the network is trained."""
        return self._tab(TrainingTab)

    @property
    def data(self) -> DataTab:
        """The tab of the examples."""
        return self._tab(DataTab)

    @property
    def explain(self) -> ExplainTab:
        """The tab that explains the selected layer."""
        return self._tab(ExplainTab)

    def _tab(self, kind: type[_TabKind]) -> _TabKind:
        tab = self.tabs[kind.key]
        assert isinstance(tab, kind)
        return tab

    def _make(self, kind: type[Tab]) -> Tab:
        """A tab, among the pages."""
        tab = kind(self._workspace, self)
        tab.message.connect(self.message)
        tab.node_requested.connect(self.node_requested)
        tab.cure_requested.connect(self.cure_requested)
        tab.interest_changed.connect(self.interest_changed)
        if isinstance(tab, DataTab):
            tab.download_requested.connect(lambda _kind: self.download_requested.emit())
            tab.viewer_requested.connect(self.viewer_requested)
        self._pages.addWidget(tab)
        first = self.tabs.made.get(TABS[0].key)
        if first is not None:
            take_turn_after(first, tab)
        return tab

    def show_tab(self, key: str) -> None:
        """Bring a tab to the front."""
        self._buttons[key].setChecked(True)
        self._pages.setCurrentWidget(self.tabs[key])
        if self._last is not None:
            self.tabs[key].refresh(self._last, self._last.names)

    def enter(self, key: str) -> None:
        """Bring a tab to the front and the keyboard into its first field."""
        self.show_tab(key)
        self.tabs[key].focus_first()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape, where no field needs it, takes the keyboard back to the canvas."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def set_selection(self, nodes: Sequence[str]) -> None:
        """Tells all tabs which nodes are selected on the canvas."""
        chosen = tuple(nodes)
        self.tabs.tell("selection", lambda tab: tab.set_selection(chosen))

    def refresh(self, shown: Shown, changed: frozenset[str]) -> None:
        """Bring what is shown up to date, knowing which series of its runs have changed since the last call."""
        self._last = shown
        self.tabs[self.tab].refresh(shown, changed)

    def restyle(self) -> None:
        """Take the letters of the theme."""
        refresh_fonts(self)

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """As wide as in the drawing of the window."""
        return QSize(340, 700)
