"""The page over the canvas on which runs are laid beside each other: results, settings, curves, outputs of layers.

The runs are the one on the screen and those that are ticked in the list; the timeline below moves all of them.
"""

from __future__ import annotations

import time
from pathlib import Path

import shiboken6
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from nnviz.errors import NnvizError
from nnviz.gui.canvas.cards.facts import ON_CARDS
from nnviz.gui.compare.overlay import Overlay
from nnviz.gui.compare.results import ResultsTable
from nnviz.gui.compare.side import Side
from nnviz.gui.look import theme
from nnviz.gui.parts.action import literal
from nnviz.gui.parts.covering_page import CoveringPage
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.parts.widgets import FittedText, line_height, refresh_fonts, set_font
from nnviz.gui.runs.run_names import date_of
from nnviz.gui.runs.run_row import RunRow
from nnviz.gui.runs.shown import Shown
from nnviz.gui.runs.workspace import Workspace
from nnviz.project import registry
from nnviz.project.checks.shapes import shape_text
from nnviz.project.document import Document
from nnviz.project.files import io
from nnviz.project.model import Project
from nnviz.record.interest import NOTHING, Interest
from nnviz.record.quantities import ACTIVATION_DEVIATION, ACTIVATION_MEAN, OUTPUT, PLANE, UPDATE_RATIO, WEIGHTS
from nnviz.record.run import RunView

_VIEWS = (
    ("results", "Results", "Results, settings that differ, and curves"),
    ("layers", "Layers", "What one layer of two runs puts out, side by side"),
    ("cards", "Cards", "The cards of all layers of two runs, side by side, with their filters and numbers"),
)
_EMPTY = (
    "Only the run on the screen is here. Choose others above, or tick them in the list of runs: their results, "
    "settings and curves are laid beside each other."
)
_NONE = (
    "There is no run here yet. Choose some above, or tick them in the list of runs, or train: their results, settings "
    "and curves are laid beside each other."
)
#: Runs that the menu offers, the newest first.
_MOST_OFFERED = 30
#: Seconds between two looks at the table of a run that is trained.
_BETWEEN = 0.5
_LIST_WIDTH, _NARROW_LIST = 220, 176
#: How much wider it is at most where the names need it, and pixels beside a name.
_WIDER_LIST, _BESIDE_LAYER = 1.15, 16
#: What the cards and the numbers beside them read of a run.
_ON_CARDS = ON_CARDS | {WEIGHTS, UPDATE_RATIO, ACTIVATION_MEAN, ACTIVATION_DEVIATION}


class ComparePage(CoveringPage):
    """Several runs beside each other. It changes nothing but which runs are drawn.

    Args:
        window: What it covers a part of.
        workspace: The runs.

    Signals:
        interest_changed: What has to be measured for it: a key and an Interest.
    """

    interest_changed = Signal(str, object)

    def __init__(self, window: QWidget, workspace: Workspace) -> None:
        super().__init__(window, "Compare runs")
        self._workspace = workspace
        self._runs = workspace.runs
        #: Files of the runs that are laid out, with their places: the one on the screen first.
        self._paths: tuple[tuple[Path, int], ...] = ()
        #: The networks of runs, by what their files say of them.
        self._documents: dict[bytes, Document | str] = {}
        self._reading: set[bytes] = set()
        self._node = ""
        #: The networks whose layers are in the list.
        self._listed: tuple[Document | None, ...] = ()
        self._told = 0.0
        self._build()
        follow(self._runs.compared_changed, self._on_runs)
        follow(self._runs.changed, self._on_runs)
        follow(theme.notifier.changed, self._on_theme)

    # ---- building ------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self._build_head()
        self.stack = QStackedWidget(self)
        self.results = QSplitter(Qt.Orientation.Horizontal, self.stack)
        self.results.setHandleWidth(1)
        self.results.setChildrenCollapsible(False)
        holder = QWidget(self.results)
        inner = QVBoxLayout(holder)
        inner.setContentsMargins(10, 0, 8, 8)
        self.table = ResultsTable(holder)
        inner.addWidget(self.table, 1)
        self.hint = FittedText(_EMPTY)
        self.hint.setFixedHeight(90)
        inner.addWidget(self.hint)
        self.overlay = Overlay(self.results)
        self.results.addWidget(holder)
        self.results.addWidget(self.overlay)
        self.results.setStretchFactor(0, 3)
        self.results.setStretchFactor(1, 2)
        self.results.setSizes([600, 400])
        self.stack.addWidget(self.results)
        self.layers = QWidget(self.stack)
        row = QHBoxLayout(self.layers)
        row.setContentsMargins(10, 0, 0, 0)
        row.setSpacing(0)
        self.list = QListWidget(self.layers)
        self.list.setAccessibleName("Layers")
        self.list.setFixedWidth(_LIST_WIDTH)
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.currentItemChanged.connect(lambda item, _before: self._on_layer(item))
        row.addWidget(self.list)
        self.sides = (Side(self.layers, "Left run"), Side(self.layers, "Right run"))
        for side in self.sides:
            side.chosen.connect(lambda path, side=side: self._set_side(side, path))
            side.held_changed.connect(self._show_sides)
            side.cards.picked.connect(self._pick)
            side.cards.sight_changed.connect(self.tell_interest)
            side.cards.resized.connect(self._on_resized)
            row.addWidget(side, 1)
        left, right = (side.cards for side in self.sides)
        left.beside, right.beside = right, left
        for one, other in ((left, right), (right, left)):
            # The other's bar is asked for whenever it is needed: PySide may take a kept one for deleted.
            one.verticalScrollBar().valueChanged.connect(
                lambda value, other=other: other.verticalScrollBar().setValue(value)
            )
        self.stack.addWidget(self.layers)
        self.column.addWidget(self.stack, 1)
        self.views.set_value("results")

    def _build_head(self) -> None:
        self.add_title("Compare runs")
        self.choose = QPushButton("Choose runs", self.head)
        self.choose.setToolTip("The runs that are laid beside the one on the screen")
        self.choose.setAutoDefault(False)
        set_font(self.choose, 12, 500)
        self.menu = QMenu(self.choose)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.choose.setMenu(self.menu)
        self.head_row.addWidget(self.choose)
        self.state = self.add_line()
        self.views = self.add_views(_VIEWS, self.show_view)
        self.close_button = self.add_close("Close the page of comparison")

    # ---- what is shown -------------------------------------------------------------------------------------------

    def open(self, node: str) -> None:
        """It was brought over the canvas, where this layer is selected; empty for none."""
        if node:
            self._node = node
        self._runs.look()
        self._on_runs()
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.tell_interest()

    def show_view(self, view: str) -> None:
        """Show ``results``, ``layers`` or ``cards``."""
        self.views.set_value(view)
        self.stack.setCurrentWidget(self.results if view == "results" else self.layers)
        for side in self.sides:
            side.all_layers = view == "cards"
        self._fit_list()
        self._show_count()
        self._show_sides()
        self.tell_interest()
        if view != "results":
            self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def tell_interest(self) -> None:
        """What has to be measured of the live run for it."""
        looked = NOTHING
        if self.isVisible() and self.views.value == "layers" and self._node:
            node = frozenset({self._node})
            looked = Interest(frozenset({OUTPUT, PLANE}), node, node)
        elif self.isVisible() and self.views.value == "cards":
            looked = Interest(_ON_CARDS, self.sides[0].cards.in_sight())
        self.interest_changed.emit("compare", looked)

    def refresh(self, shown: Shown, changed: frozenset[str]) -> None:
        """Called by the feed while the page can be seen."""
        if self.views.value != "results":
            self._show_sides()
            return
        self.overlay.refresh(changed)
        self.overlay.set_step(shown.run, shown.step)
        if time.monotonic() - self._told > _BETWEEN:
            self._show_table()

    def _on_runs(self) -> None:
        """Other runs are compared, or something is said about them."""
        if not self.isVisible():
            return
        shown = self._runs.shown_path
        paths = ([(shown, self._runs.shown_place)] if shown is not None else []) + [
            (path, place) for path, place in self._runs.places.items()
        ]
        self._paths = tuple(paths)
        self._show_table()
        names = self._runs.names([path for path, _ in self._paths])
        opened = [(run, names.get(path, path.stem), place) for path, place, run in self._opened()]
        self.overlay.show_runs(opened)
        offered = [(path, names.get(path, path.stem), place) for path, place in self._paths]
        known = [path for path, _ in self._paths]
        for side, other in zip(self.sides, reversed(self.sides), strict=True):
            if side.path not in known:  # another than beside it, where there is one
                others = (path for path in known if path != other.path)
                self._set_side(side, next(others, known[0] if known else None))
            side.offer(offered)
        if len(known) > 1 and self.sides[0].path == self.sides[1].path and self.sides[1].held is None:
            self._set_side(self.sides[1], next(path for path in known if path != self.sides[0].path))
            self.sides[1].offer(offered)
        self._show_sides()

    def _opened(self) -> list[tuple[Path, int, RunView]]:
        found = ((path, place, self._runs.run_of(path)) for path, place in self._paths)
        return [(path, place, run) for path, place, run in found if run is not None]

    def _rows(self) -> list[tuple[RunRow, int]]:
        found = ((self._runs.row(path), place) for path, place in self._paths)
        return [(row, place) for row, place in found if row is not None]

    def _show_table(self) -> None:
        self._told = time.monotonic()
        rows = self._rows()
        names = self._runs.names([row.path for row, _ in rows])
        self.table.show_runs(
            [row for row, _ in rows], [names[row.path] for row, _ in rows], [place for _, place in rows]
        )
        self.hint.setVisible(len(rows) < 2)
        self.hint.say(_EMPTY if rows else _NONE)
        self._show_count()

    def _show_count(self) -> None:
        """How many runs there are, and what is green in the table of results."""
        count = len(self._rows())
        words = (f"{count} runs, the best of each row in green",) * (self.views.value == "results") + (f"{count} runs",)
        self.state.set_wordings(*(words if count > 1 else ("",)))

    def _fill_menu(self) -> None:
        self.menu.clear()
        compared, shown = self._runs.compared, self._runs.shown_path
        rows = [row for row in self._runs.rows if row.path != shown and not row.summary.damage][:_MOST_OFFERED]
        names = self._runs.names([row.path for row in rows])
        for row in rows:
            action = self.menu.addAction(f"{literal(names[row.path])}\t{date_of(row.created)}")
            action.setCheckable(True)
            action.setChecked(row.path in compared)
            action.triggered.connect(lambda on, path=row.path: self._choose(path, on))
        if not rows:
            self.menu.addAction("There is no other run yet").setEnabled(False)

    def _choose(self, path: Path, on: bool) -> None:
        others = [one for one in self._runs.compared if one != path]
        self._runs.compare([*others, path] if on else others)

    # ---- side by side --------------------------------------------------------------------------------------------

    def _set_side(self, side: Side, path: Path | None) -> None:
        side.stand(path)
        self._show_sides()

    def _show_sides(self) -> None:
        if not self.isVisible() or self.views.value == "results":
            return
        step = self._workspace.feed.shown.step
        for side in self.sides:
            run = None if side.path is None else self._runs.run_of(side.path)
            if run is not None and side.document is None:
                self._find_document(side, run)
        documents = tuple(side.document for side in self.sides)
        known = any(document is not None for document in documents)
        # While another run is being opened those of the last one stay; without any there is nothing to list.
        if documents != self._listed and (known or all(side.path is None for side in self.sides)):
            self._listed = documents
            self._list_layers()
        for side in self.sides:
            run = None if side.path is None else self._runs.run_of(side.path)
            side.refresh(run, self._node, step)
        if self.views.value == "cards":
            self._lay_cards()

    def _lay_cards(self) -> None:
        """The rows of both columns, as high as the higher card of each needs."""
        columns = [side.cards for side in self.sides]
        nodes = [str(self.list.item(at).data(Qt.ItemDataRole.UserRole)) for at in range(self.list.count())]
        rows = [(node, max(column.height_of(node) for column in columns)) for node in nodes]
        for column in columns:
            fresh = not column.rows
            column.lay(rows)
            if fresh or column.chosen != self._node:
                column.choose(self._node)

    def _pick(self, node: str) -> None:
        """A row of cards was clicked."""
        for at in range(self.list.count()):
            if self.list.item(at).data(Qt.ItemDataRole.UserRole) == node:
                self.list.setCurrentRow(at)

    def _on_resized(self) -> None:
        """Rows of cards may have other heights, and others of them be seen: these are to be measured."""
        if self.views.value == "cards":
            self._lay_cards()
            self.tell_interest()

    def _find_document(self, side: Side, run: RunView) -> None:
        """The network of a run, read from what its file says; on a worker, once."""
        text = run.info.project_json
        known = self._documents.get(text)
        if known is not None:
            side.set_document(None if isinstance(known, str) else known, known if isinstance(known, str) else "")
            return
        if text in self._reading:
            return
        self._reading.add(text)

        def done(project: Project) -> None:
            if shiboken6.isValid(self):
                document = Document(project)
                facts = self._workspace.known.facts(project.data)
                if facts is not None:
                    document.set_facts(facts.data)
                self._documents[text] = document
                self._show_sides()

        def failed(error: BaseException) -> None:
            if shiboken6.isValid(self):
                problem = isinstance(error, NnvizError)
                self._documents[text] = sentence_of(error) if problem else "The network of this run cannot be read."
                self._show_sides()

        self._workspace.background.start(lambda: io.loads(text), done, failed, "compare")

    def _fit_list(self) -> None:
        """As wide as the names of the layers need, within bounds: what is beside it needs the room, too."""
        metrics = QFontMetrics(theme.font(13))
        names = (self.list.item(at).text() for at in range(self.list.count()))
        wide = max((metrics.horizontalAdvance(name) for name in names), default=0) + _BESIDE_LAYER
        usual = _NARROW_LIST if self.views.value == "cards" else _LIST_WIDTH
        self.list.setFixedWidth(max(usual, min(wide, round(usual * _WIDER_LIST))))

    def _list_layers(self) -> None:
        """The layers of both networks, in the order in which the data flows; those of one only are faint."""
        documents = [side.document for side in self.sides if side.document is not None]
        nodes: dict[str, Document] = {}
        for document in documents:
            for node in document.inference.order:
                nodes.setdefault(node, document)
        names = list(nodes)
        if nodes and self._node not in nodes:
            self._node = next((node for node in names if len(documents[0].inference.shape(node) or ()) == 3), "")
            self._node = self._node or next(iter(names), "")
        self.list.blockSignals(True)
        self.list.clear()
        for node, document in nodes.items():
            found = document.project.graph.nodes[node]
            title = registry.layer(found.kind).title if found.kind in registry.layers() else found.kind
            shape = document.inference.shape(node)
            item = QListWidgetItem(f"{found.name or title}  {node}")
            item.setData(Qt.ItemDataRole.UserRole, node)
            item.setToolTip(f"{title} {node}: {shape_text(shape)}" if shape is not None else title)
            if any(node not in one.project.graph.nodes for one in documents):
                item.setForeground(theme.current().text_faint)
                item.setToolTip(f"{item.toolTip()}, in one of the two networks only")
            item.setSizeHint(QSize(0, line_height(13) + 10))
            self.list.addItem(item)
        self.list.setFont(theme.font(13))
        self._fit_list()
        if self._node in nodes:
            self.list.setCurrentRow(names.index(self._node))
        self.list.blockSignals(False)
        self.tell_interest()

    def _on_layer(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self._node = str(item.data(Qt.ItemDataRole.UserRole))
            self.tell_interest()
            self._show_sides()

    # ---- keys and looks ------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc leads back to the canvas."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
            event.accept()
            return
        super().keyPressEvent(event)

    def _on_theme(self) -> None:
        refresh_fonts(self)
        self.table.restyle()
        self.overlay.restyle()
        self._listed = ()
        self._on_runs()
