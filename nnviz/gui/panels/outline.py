"""The network as a list in the order of the data: for the keyboard, for screen readers, and for an overview."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace as changed_to
from PySide6.QtCore import QItemSelection, QSize, Qt
from PySide6.QtGui import QAction, QShowEvent

from nnviz.errors import NnvizError
from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import answering
from nnviz.gui.panels.base import Cell, Panel
from nnviz.gui.panels.outline_connect import TargetList
from nnviz.gui.panels.outline_model import OutlineModel
from nnviz.gui.panels.outline_tree import OutlineTree
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.reasons import sentence_of
from nnviz.project.drawing.grouping import remove_edit
from nnviz.project.edits import Annotate, Connect
from nnviz.project.model import Edge
from nnviz.record.run import RunView

if TYPE_CHECKING:
    from nnviz.gui.canvas import CanvasView

#: At the usual size of letters.
_WIDTH = 326
#: Keys of the canvas that mean something of their own here.
_OWN_ACTIONS = {"action-delete", "action-rename", "action-connect", "action-select_all"}


class OutlinePanel(Panel):
    """All nodes, groups and notes as rows; what is chosen here is chosen on the canvas, and the other way round."""

    key = "outline"
    title = "Outline"
    letter = "O"
    empty = "The network is empty. Press Ctrl+F, type the name of a layer, and Enter adds it."
    help = (
        "<p><b>What it shows.</b> Every layer in the order in which the data flows, groups with what stands in them, "
        "and the notes at the end; beside each what comes out and its trainable numbers. The sign in front is an "
        "error or a warning; its reason is the tooltip.</p>"
        "<p><b>How to use it.</b> What is selected here is selected on the canvas. <b>Enter</b> shows the card there, "
        "<b>F2</b> renames, <b>Del</b> removes, <b>C</b> draws a wire to a layer that you choose from a list, "
        "<b>←</b> and <b>→</b> close and open a group (on the canvas it stays as it is), <b>Esc</b> leads back to the "
        "canvas. Letters jump to the next title or id that begins so (Shift+C for one that begins with a C). "
        "Shortcuts of the canvas such as Ctrl+G work here, too.</p>"
    )

    def build(self) -> None:
        """The tree, and the list for wires."""
        self._canvas: CanvasView | None = None
        follow(self.document.changed, self._on_changed)
        follow(self.document.diagnostics_changed, self._on_diagnostics)
        self._quiet = 0
        self._opened: dict[str, bool] = {}
        self._model = OutlineModel(self.document, self)
        self.tree = OutlineTree(self._model)
        self.targets = TargetList(self._model.words, self)
        self.body_layout.setContentsMargins(6, 0, 6, 6)
        self.body_layout.addWidget(self.tree, 1)
        self.setFocusProxy(self.tree)
        self._model.rename_requested.connect(self._rename)
        self.tree.selectionModel().selectionChanged.connect(self._on_rows_chosen)
        self.tree.expanded.connect(lambda index: self._opened.update({self._model.item(index): True}))
        self.tree.collapsed.connect(lambda index: self._opened.update({self._model.item(index): False}))
        self.tree.show_requested.connect(self.node_requested)
        self.tree.connect_requested.connect(self._connect)
        self.tree.removal_requested.connect(self._remove)
        self.tree.left.connect(self._leave)
        self.tree.message.connect(self.message)
        self.targets.chosen.connect(self._on_target)
        self.targets.refused.connect(self.message)

    @property
    def model(self) -> OutlineModel:
        """The item model behind the tree: a row a layer or group."""
        return self._model

    def attach(self, canvas: CanvasView) -> None:
        """Follow the selection of the canvas, and take its actions in."""
        self._canvas = canvas
        self.tree.offered = canvas.offered
        self.tree.addActions([action for action in canvas.actions() if _works_in_a_list(action)])
        # Stays connected: when a window ends, its canvas goes before its docks are hidden.
        canvas.selection_changed.connect(self._on_canvas_selection)
        self._on_canvas_selection(list(canvas.selected))

    def focus_first(self) -> None:
        """Put the keyboard into the rows."""
        if not self.tree.currentIndex().isValid():
            self.tree.go_to(self._model.item(self._model.index(0, 0)))
        self.tree.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """Wide enough for three columns."""
        return QSize(round(_WIDTH * themes.text_scale()), 400)

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """A run adds nothing: there is something to see once there is a layer."""
        return self._model.rowCount() > 0

    def rows(self) -> Iterator[Sequence[Cell]]:
        """One row each."""
        yield ("depth", "id", "title", "output", "parameters", "problems")
        words = self._model.words
        for item in self._model.items():
            facts = words.facts(item)
            count = "" if facts.parameters is None else facts.parameters
            depth = len(self._model.holders(item))
            yield (depth, item, facts.title, facts.shape, count, " ".join(facts.reasons))

    # ---- following -----------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with the document and the canvas."""
        super().showEvent(event)
        self._follow()
        if self._canvas is not None:
            self._on_canvas_selection(list(self._canvas.selected))

    def _on_changed(self, before: object, after: object, edit: object) -> None:
        if self.isVisible():  # what nobody sees needs no following
            self._follow()

    def _on_diagnostics(self, diagnostics: object) -> None:
        if self.isVisible():
            self._follow()

    def _follow(self) -> None:
        """Show the network as it is; rows that are chosen, open and in sight stay so."""
        with self._still():
            chosen = self._selected()
            if self._model.refresh():
                self.tree.setRootIsDecorated(bool(self._model.graph.groups))
                self._open_rows()
                self._choose_again(chosen)
        graph = self._model.graph
        self._pages.setCurrentWidget(self.body if self._model.rowCount() else self._empty)
        layers = f"{themes.format_count(len(graph.nodes))} layer{'' if len(graph.nodes) == 1 else 's'}"
        inference = self.document.inference
        count, least = inference.parameters, "" if inference.is_of_all else "≥ "
        long = f"{layers} · {least}{themes.format_count(count)} parameters" if count else layers
        self.set_subtitle(long if graph.nodes else "", layers if graph.nodes else "")

    def _open_rows(self) -> None:
        """Groups that are new here are open where they are on the canvas."""
        for group, found in self._model.graph.groups.items():
            index, wanted = self._model.index_of(group), self._opened.get(group, not found.collapsed)
            if self.tree.isExpanded(index) != wanted:
                self.tree.setExpanded(index, wanted)

    def _choose_again(self, chosen: list[str]) -> None:
        """Rows may have come anew; those that the canvas cannot select because they are hidden there stay chosen."""
        on_canvas = list(self._canvas.selected) if self._canvas is not None else []
        hidden = [item for item in chosen if item not in on_canvas and not self._on_canvas(item)]
        wanted = [*hidden, *on_canvas]
        if set(wanted) != set(self._selected()):
            self.tree.choose(wanted)

    def _selected(self) -> list[str]:
        return [self._model.item(index) for index in self.tree.selectionModel().selectedRows()]

    def _on_canvas(self, item: str) -> bool:
        """Whether something has a card or a frame in what the canvas shows."""
        return self._canvas is not None and self._canvas.canvas_scene.item(item) is not None

    @contextmanager
    def _still(self) -> Iterator[None]:
        """While the choice follows the canvas, the canvas is not asked to follow it."""
        self._quiet += 1
        try:
            yield
        finally:
            self._quiet -= 1

    def _on_canvas_selection(self, items: list[str]) -> None:
        if self.isVisible() and not self._quiet:
            with self._still():
                self.tree.choose(items)

    def _on_rows_chosen(self, _selected: QItemSelection, _deselected: QItemSelection) -> None:
        if not self._quiet and self._canvas is not None:
            with self._still():
                self._canvas.select(self.tree.chosen if self.tree.selectionModel().hasSelection() else ())

    # ---- what the keys do ----------------------------------------------------------------------------------------

    def _leave(self) -> None:
        if self._canvas is not None:
            self._canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def _rename(self, item: str, text: str) -> None:
        note = self._model.graph.notes.get(item)
        if self._canvas is None:
            return
        if note is not None:
            self._canvas.editing.apply(Annotate({item: changed_to(note, text=text)}, title="Write a note"))
        else:
            self._canvas.editing.rename(item, text)

    def _remove(self) -> None:
        canvas, items = self._canvas, self.tree.chosen
        if canvas is None or not items:
            return
        if all(self._on_canvas(item) for item in items):
            canvas.select(items)
            canvas.editing.delete()
        else:
            try:
                edit = remove_edit(self._model.graph, items)
            except NnvizError as error:
                self.message.emit(sentence_of(error))
                return
            if canvas.editing.apply(edit):
                self.message.emit(f"{edit.title.replace('Remove', 'Removed', 1)}.")
        if not self.tree.selectionModel().hasSelection() and self.tree.current:
            self.tree.go_to(self.tree.current)

    def _connect(self) -> None:
        """Let one choose where a wire from the current row ends."""
        item, words = self.tree.current, self._model.words
        outputs = words.outputs(item)
        if len(outputs) != 1:
            several = f"Several layers in {words.text(item)} feed others: begin at one of them."
            none = f"{words.text(item)} has no output: no wire can begin there." if item else "Choose a layer first."
            self.message.emit(several if outputs else none)
            return
        targets = [node for node in self._model.items() if node in self._model.graph.nodes]
        rect = self.tree.visualRect(self.tree.currentIndex().siblingAtColumn(0))
        place = self.tree.viewport().mapToGlobal(rect.bottomLeft())
        heading = f"Connect {words.text(item)} to…"
        self.targets.offer(
            heading, outputs[0], targets, self.document.inference, place, self.screen().availableGeometry()
        )

    def _on_target(self, edge: Edge, doubt: str) -> None:
        self.tree.setFocus(Qt.FocusReason.PopupFocusReason)
        if self._canvas is not None and self._canvas.editing.apply(Connect(edge)):
            self.tree.go_to(edge.target.node)
            self.message.emit(doubt or f"{edge.source.node} feeds {edge.target.node} now.")


def _works_in_a_list(action: QAction) -> bool:
    """Whether an action of the canvas can have its keys here: single letters are for typing."""
    if action.objectName() in _OWN_ACTIONS:
        return False
    return not any(len(sequence.toString()) == 1 for sequence in action.shortcuts())
