"""Groups on the canvas: made of what is selected, folded up and unfolded, looked into and left again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject

from nnviz.errors import NnvizError
from nnviz.gui.canvas.breadcrumb import Breadcrumb
from nnviz.gui.canvas.cards.card_sizes import card_sizes
from nnviz.gui.canvas.desk import Desk
from nnviz.gui.canvas.geometry import CARD_WIDTH
from nnviz.gui.canvas.hands.renaming import Renaming
from nnviz.gui.parts.reasons import sentence_of
from nnviz.project.drawing.grouping import group_edit, holder_of, ungroup_edit, whole
from nnviz.project.drawing.tidy import fold_all_edit, toggle_edit
from nnviz.project.edits import Bypass, Edit, Freeze, Several
from nnviz.project.graph.bypass import bypass_problem
from nnviz.project.graph.groups import contents, shown_by, title_of, trail
from nnviz.project.model import Graph

_MARGIN = 10


class CanvasGroups(QObject):
    """What can be done with groups; each change is one edit of the document.

    Args:
        desk: The canvas to work on.
        renaming: Asks for the name of a new group.
    """

    def __init__(self, desk: Desk, renaming: Renaming) -> None:
        super().__init__(desk.surface)
        self._desk = desk
        self._renaming = renaming
        self._scene = desk.scene
        self._breadcrumb = Breadcrumb(desk.surface)
        self._breadcrumb.move(_MARGIN, _MARGIN)
        self._breadcrumb.chosen.connect(self.enter)
        self._covered = 0
        self._scene.root_changed.connect(self._on_root_changed)
        self._scene.refreshed.connect(self._show_way)

    @property
    def breadcrumb(self) -> Breadcrumb:
        """The way from the whole network down to the group that is shown."""
        return self._breadcrumb

    def sizes(self) -> dict[str, tuple[float, float]]:
        """Width and height of every card that is shown."""
        return {item: (CARD_WIDTH, card.layout.height) for item, card in self._scene.cards.items()}

    def cover(self, top: int) -> None:
        """Put the way below something else that covers so many pixels of the upper edge."""
        self._covered = top
        self._settle()

    def _settle(self) -> None:
        crumb = self._breadcrumb
        crumb.move(_MARGIN, self._covered + _MARGIN)
        shown = crumb.isVisibleTo(self._desk.surface)
        self._desk.camera.set_inset(self._covered + (crumb.height() + _MARGIN if shown else 0))

    def is_group(self, item: str) -> bool:
        """Whether an id is that of a group."""
        return item in self._scene.graph.groups

    def group_selected(self) -> None:
        """Make one block of what is selected, and ask for its name; both are one step."""
        before = set(self._scene.graph.groups)
        chosen = self._desk.selected
        edits: list[Several] = []

        def make() -> Several:
            edit = group_edit(self._scene.graph, chosen, sizes=self.sizes())
            edits.append(replace(edit, gesture=f"{edit.title} by hand"))
            return edits[-1]

        if self._apply(make):
            made = [group for group in self._scene.graph.groups if group not in before]
            self._scene.select(made)
            self._renaming.begin(made_by=edits[-1])

    def ungroup_selected(self) -> None:
        """Take the selected groups apart; their members stay."""
        groups = [item for item in self._desk.selected if self.is_group(item)]
        if not groups:
            self._desk.say("Select a group first.")
            return
        members = [item for group in groups for item in self._standing_in(group)]
        sizes = card_sizes(self._scene)
        title = f"Ungroup {len(groups)} groups"
        if self._apply(
            partial(self._one_by_one, groups, lambda graph, group: ungroup_edit(graph, group, sizes), title)
        ):
            self._scene.select(members)

    def toggle_selected(self) -> None:
        """Fold the selected groups up, or unfold them where they are."""
        groups = [item for item in self._desk.selected if self.is_group(item)]
        if not groups:
            # A member stands for the frame around it.
            members = [node for node in self._desk.selected if node in self._scene.graph.nodes]
            around = {self._scene.graph.nodes[node].group for node in members} - {"", self._scene.root}
            groups = sorted(around)
        if not groups:
            self._desk.say("Select a group, or a layer in one.")
            return
        self._fold(groups)

    def toggle(self, group: str) -> None:
        """Fold a group up, or unfold it where it is."""
        self._fold([group])

    def _fold(self, groups: Sequence[str]) -> None:
        """Fold groups up, or unfold them where all are folded, as one step."""
        scene, sizes, room = self._scene, card_sizes(self._scene), self._desk.camera.room
        fold = not all(scene.graph.groups[group].collapsed for group in groups)
        # Inner ones fold before those around them, and unfold after them.
        wanted = [group for group in groups if scene.graph.groups[group].collapsed is not fold]
        wanted.sort(key=lambda group: len(trail(scene.graph, group)), reverse=fold)
        title = f"{'Fold' if fold else 'Unfold'} {len(wanted)} groups"

        def toggled(graph: Graph, group: str) -> Edit:
            return toggle_edit(graph, group, sizes, scene.root, room)

        if self._apply(partial(self._one_by_one, wanted, toggled, title)):
            scene.select(groups)
            if self._desk.camera.fitted:
                self._desk.camera.fit(glide=True)
            elif scene.selected:
                self._desk.make_visible(scene.selected[0])

    def _one_by_one(self, groups: Sequence[str], make: Callable[[Graph, str], Edit], title: str) -> Edit:
        """The same done to several groups, as one edit."""
        project = self._scene.document.project
        edits: list[Edit] = []
        for group in groups:
            edits.append(make(project.graph, group))
            project = edits[-1].apply(project)
        arranges = all(isinstance(edit, Several) and edit.arranges for edit in edits)
        return edits[0] if len(edits) == 1 else Several(tuple(edits), title, arranges=arranges)

    def _standing_in(self, group: str) -> list[str]:
        """What stands directly in a group."""
        graph = self._scene.graph
        inside = contents(graph, [group])
        items = (*inside.nodes, *inside.groups, *inside.notes, *inside.arrows)
        return [item for item in items if holder_of(graph, item) == group]

    def set_all(self, *, fold: bool) -> None:
        """Fold up or unfold every group inside what is shown, and put the cards in order, as one step."""
        scene = self._scene
        if self._apply(
            partial(fold_all_edit, scene.graph, fold, card_sizes(scene), scene.root, self._desk.camera.room)
        ):
            self._desk.camera.fit(glide=True)

    def enter_selected(self) -> None:
        """Look into the selected group."""
        groups = [item for item in self._desk.selected if self.is_group(item)]
        if len(groups) != 1:
            self._desk.say("Select one group to look into it.")
            return
        self.enter(groups[0])

    def enter(self, group: str) -> None:
        """Look into a group; an empty id leads back to the whole network."""
        left = self._scene.root
        self._scene.enter(group)
        if left in self._scene.graph.groups:
            # Where one came from stays chosen, so that Enter leads there again.
            self._scene.select([left] if self._scene.item(left) is not None else ())

    def leave(self) -> bool:
        """Go up one group; whether there was one."""
        root = self._scene.root
        if not root:
            return False
        self.enter(self._scene.graph.groups[root].parent)
        return True

    def bypass_selected(self) -> None:
        """Leave the selected layers out for the time being, or take them in again."""
        graph = self._scene.graph
        nodes = whole(graph, self._desk.selected).nodes
        able = [node for node in nodes if not bypass_problem(graph.nodes[node])]
        if not able:
            reason = bypass_problem(graph.nodes[nodes[0]]) if nodes else "Select a layer to bypass it."
            self._desk.say(reason)
            return
        out = not all(graph.nodes[node].bypassed for node in able)
        self._apply(lambda: Bypass(dict.fromkeys(able, out)))

    def freeze_selected(self) -> None:
        """Leave the parameters of the selected layers as they are while training, or train them again."""
        able = self.with_parameters()
        if not able:
            self._desk.say("Select a layer with parameters to freeze it.")
            return
        frozen = not all(self._scene.graph.nodes[node].frozen for node in able)
        self._apply(lambda: Freeze(dict.fromkeys(able, frozen)))

    def with_parameters(self) -> list[str]:
        """The selected layers that have something to train; a group stands for all of its layers."""
        results = self._scene.document.inference.results
        nodes = whole(self._scene.graph, self._desk.selected).nodes
        return [node for node in nodes if node in results and results[node].parameters]

    def reveal(self, node: str) -> bool:
        """Show the level at which a node, a group or a note has a card of its own; whether there is such a thing."""
        graph = self._scene.graph
        item = graph.nodes.get(node) or graph.notes.get(node) or graph.arrows.get(node)
        if item is None and node not in graph.groups:
            return False
        holder = item.group if item is not None else graph.groups[node].parent
        if shown_by(graph, holder, self._scene.root) != "":
            # Seen from the innermost folded group around it, or from the top.
            way = trail(graph, holder)
            self.enter(next((group for group in reversed(way) if graph.groups[group].collapsed), ""))
        return True

    def _apply(self, make: Callable[[], Edit]) -> bool:
        try:
            edit = make()
        except NnvizError as error:
            self._desk.say(sentence_of(error))
            return False
        return self._desk.editing.apply(edit)

    def _on_root_changed(self, root: str) -> None:
        """Show another group, or the whole: it was asked for, or the group has gone."""
        self._show_way()
        self._desk.camera.fit()
        if root:
            self._desk.announce(f"Inside {title_of(self._scene.graph.groups[root])}")
        else:
            self._desk.announce("The whole network")

    def _show_way(self) -> None:
        graph = self._scene.graph
        way = [(group, title_of(graph.groups[group])) for group in trail(graph, self._scene.root)]
        self._breadcrumb.show_way(self._scene.document.project.name or "Network", way)
        self._settle()
