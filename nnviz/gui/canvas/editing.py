"""What can be done to the network on the canvas: each method is one edit of the document, one entry of its history."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace as with_fields
from functools import reduce

from msgspec.structs import replace
from PySide6.QtCore import QPointF
from PySide6.QtGui import QGuiApplication

from nnviz.errors import InputError, NnvizError
from nnviz.gui.canvas.cards.card_sizes import card_sizes
from nnviz.gui.canvas.geometry import PITCH_X
from nnviz.gui.canvas.hands.aligning import aligned, distributed
from nnviz.gui.canvas.hands.removal import describe_removal
from nnviz.gui.canvas.placement import NEW_CARD, free_place, room_between
from nnviz.gui.canvas.scene import CanvasScene
from nnviz.gui.parts.reasons import sentence_of
from nnviz.project import registry
from nnviz.project.adapt import end_params
from nnviz.project.checks.trial import unfit_bridges
from nnviz.project.document import Document
from nnviz.project.drawing.alignment import Alignment, Direction
from nnviz.project.drawing.attached import arranged_edits, moved_edit
from nnviz.project.drawing.frames import Rect, card_rects, frame_rects
from nnviz.project.drawing.group_layout import arrange_view
from nnviz.project.drawing.grouping import holder_of, join_edit, move_places, outermost, remove_edit, whole
from nnviz.project.edits import (
    AddNodes,
    Connect,
    Disconnect,
    Edit,
    InsertOnEdge,
    Move,
    Regroup,
    Rename,
    Several,
    can_connect,
    new_id,
)
from nnviz.project.files.clipboard import from_text, paste_edit, to_text, top_of
from nnviz.project.graph.groups import title_of, trail, view_of
from nnviz.project.model import Edge, Graph, Node, PortRef
from nnviz.project.text import clean_name

#: Nudges that follow each other within this many seconds are one step of the history.
_NUDGE_PAUSE = 1.0
_COPY_OFFSET = 26.0
#: So many of the kinds added last are remembered.
_MOST_RECENT = 8


class Editing:
    """Edits of a document, as the canvas offers them.

    Args:
        say: Takes a sentence for the status line: why something could not be done, or what has been done.

    Attributes:
        recent: Kinds of the layers that were added last, the newest first.
    """

    def __init__(self, document: Document, scene: CanvasScene, say: Callable[[str], object]) -> None:
        self._document = document
        self._scene = scene
        self._say = say
        self._nudged: tuple[float, tuple[str, ...]] = (0.0, ())
        self._nudges = 0
        self._pasted: tuple[str, int] = ("", 0)
        self.recent: tuple[str, ...] = ()

    @property
    def read_only(self) -> str:
        """Why the network cannot be changed, as a sentence; empty where it can."""
        return self._document.read_only

    def apply(self, edit: Edit) -> bool:
        """Make a change; where it cannot be made, say why."""
        try:
            self._document.apply(edit)
        except NnvizError as error:
            self._say(sentence_of(error))
            return False
        return True

    # Adding

    def follows(self, kind: str) -> str | None:
        """The selected layer behind which one that is dragged here is wired, as it feeds nobody yet; else None."""
        scene, spec = self._scene, registry.layer(kind)
        before = scene.selected[0] if len(scene.selected) == 1 else None
        if (
            before is None
            or before not in scene.cards
            or not spec.max_inputs
            or not scene.cards[before].facts.output_ports
        ):
            return None
        source = scene.seen.source(PortRef(before))
        if source is None or any(edge.source == source for edge in scene.graph.edges):
            return None
        return before

    def add(
        self, kind: str, place: QPointF, *, connect: bool = True, there: bool = False, group: str | None = None
    ) -> str | None:
        """Add a layer and select it.

        Args:
            kind: Key of the layer.
            place: Top left corner of the card. Where that is taken, the nearest free place.
            connect: Put it behind the one selected layer, wired where that may be, or into the one selected wire.
            there: Stand where it is put, wired behind :meth:`follows`.
            group: The group in which it stands; by default that of the layer it follows, else of the frame around it.
        """
        scene = self._scene
        if connect and not there and not scene.selected and len(scene.selected_wires) == 1:
            return self.insert_new(kind, scene.selected_wires[0])
        taken = {node: card.card_rect() for node, card in scene.cards.items()}
        before = scene.selected[0] if connect and len(scene.selected) == 1 else None
        before = self.follows(kind) if there else before
        if before not in scene.cards:
            before = None
        if before is not None and not there:
            place = scene.cards[before].pos() + QPointF(PITCH_X, 0.0)
            group = holder_of(scene.graph, before) if group is None else group
        if connect and not there:
            place = free_place(place, taken, beside=before is not None)
        node = self._new_node(kind, place, group=group)
        edges: tuple[Edge, ...] = ()
        if before is not None and scene.cards[before].facts.output_ports:
            trial = replace(scene.graph, nodes={**scene.graph.nodes, node.id: node})
            edges = tuple(self._wire(trial, scene.seen.source(PortRef(before)), PortRef(node.id)))
        if not self.apply(AddNodes((node,), edges)):
            return None
        self._used(kind)
        scene.select([node.id])
        return node.id

    def add_row(
        self, kinds: Sequence[str], place: QPointF, *, source: PortRef | None = None, target: PortRef | None = None
    ) -> str | None:
        """Add layers that are wired one behind the other, as one step, and select the last.

        Args:
            kinds: Keys of the layers, in the order in which the data flows.
            place: Top left corner of the first card. Where that is taken, the nearest free place.
            source: The output of a card that the first one takes, where that may be.
            target: The input of a card that the last one feeds, where that may be.
        """
        scene, graph = self._scene, self._scene.graph
        source = scene.seen.source(source) if source is not None else None
        taken = {node: card.card_rect() for node, card in scene.cards.items()}
        nodes: list[Node] = []
        edges: list[Edge] = []
        for kind in kinds:
            place = free_place(place, taken, beside=bool(nodes))
            node = self._new_node(kind, place, [node.id for node in nodes])
            taken[node.id] = NEW_CARD.translated(place)
            before = PortRef(nodes[-1].id) if nodes else source
            graph = replace(graph, nodes={**graph.nodes, node.id: node})
            edges += self._wire(graph, before, PortRef(node.id))
            nodes.append(node)
            place = place + QPointF(PITCH_X, 0.0)
        for end in scene.seen.targets(target) if target is not None else ():
            edges += self._wire(graph, PortRef(nodes[-1].id), end)
        if not self.apply(AddNodes(tuple(nodes), tuple(edges))):
            return None
        self._used(kinds[-1])
        scene.select([nodes[-1].id])
        return nodes[-1].id

    def _wire(self, graph: Graph, source: PortRef | None, target: PortRef | None) -> list[Edge]:
        """The wire between two ports, where it may be."""
        if source is None or target is None or can_connect(graph, source, target):
            return []
        return [Edge(source, target)]

    def _used(self, kind: str) -> None:
        kind = registry.layer(kind).kind
        self.recent = (kind, *(other for other in self.recent if other != kind))[:_MOST_RECENT]

    def insert_new(self, kind: str, edge: Edge) -> str | None:
        """Add a layer in the middle of a wire and select it; the rest of the row makes room."""
        spec = registry.layer(kind)
        if spec.max_inputs == 0 or spec.outputs == 0:
            self._say(f"{spec.title} stands at an end of the network and cannot go into a wire.")
            return None
        node = self._new_node(kind, QPointF(), group=self._group_of_wire(edge))
        edit = self.insertion(node, edge)
        if not self.apply(edit):
            return None
        self._used(kind)
        self._scene.select([node.id])
        return node.id

    def insertion(self, node: Node, edge: Edge) -> Edit:
        """The edit that puts a node into a wire between cards, and moves those behind it on where they are too close.

        A wire to the card of a group may stand for several of the same output: the node then feeds them all. It comes
        to stand in the group that holds both ends.
        """
        scene, group = self._scene, self._group_of_wire(edge)
        first, *others = scene.seen.wires[edge]
        source, target = scene.cards[edge.source.node].card_rect(), scene.cards[edge.target.node].card_rect()
        taken = {other: card.card_rect() for other, card in scene.cards.items() if other != node.id}
        room = room_between(source, target, taken, edge.target.node)
        if room is None:
            middle = (source.topLeft() + target.topLeft()) / 2
            room = free_place(middle, taken), {}
        place, moves = room
        insert = InsertOnEdge(replace(node, x=round(place.x()), y=round(place.y())), first)
        edits: list[Edit] = [insert, *(Connect(Edge(PortRef(node.id), other.target)) for other in others)]
        if moves:
            edits.append(Move(self._carried(moves)))
        edit = Several(tuple(edits), insert.title) if len(edits) > 1 else insert
        if node.id in scene.graph.nodes and holder_of(scene.graph, node.id) != group:
            return Several((join_edit(scene.graph, [node.id], group, edit),), insert.title)
        return edit

    def _new_node(self, kind: str, place: QPointF, taken: Sequence[str] = (), group: str | None = None) -> Node:
        spec, scene = registry.layer(kind), self._scene
        if group is None:
            frame = scene.frames.at(place + NEW_CARD.center())
            group = frame.node if frame is not None else scene.root
        identity = new_id(scene.graph, spec.kind, taken)
        params = end_params(spec.kind, self._document.facts)
        return Node(identity, spec.kind, params, x=round(place.x()), y=round(place.y()), group=group)

    def _group_of_wire(self, edge: Edge) -> str:
        """The innermost group that holds both ends of a wire between cards."""
        graph = self._scene.graph
        wire = self._scene.seen.wires[edge][0]
        ways = [trail(graph, graph.nodes[end.node].group) for end in (wire.source, wire.target)]
        common = [one for one, other in zip(*ways, strict=False) if one == other]
        return common[-1] if common else ""

    def _carried(self, places: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        """The places of cards and frames with those of all that moves along with groups among them."""
        graph = self._scene.graph
        found: dict[str, tuple[float, float]] = {}
        for item, (x, y) in places.items():
            card = self._scene.item(item)
            if item in graph.groups and card is not None:
                found |= move_places(graph, [item], x - card.place[0], y - card.place[1])
            else:
                found[item] = (x, y)
        return found

    # Removing

    def delete(self) -> None:
        """Remove what is selected, and say what became of the wires.

        What stood before and behind a removed layer is wired together where that is clear, because the layer had one
        input wire, and where the layer behind can take what it would get.
        """
        scene = self._scene
        nodes, wires = scene.selected, scene.selected_wires
        if not nodes and not wires:
            self._say("Nothing is selected.")
            return
        layers = whole(scene.graph, nodes).nodes
        gone = set(layers)
        real = [wire for edge in wires for wire in scene.seen.wires[edge]]
        loose = tuple(wire for wire in real if wire.source.node not in gone and wire.target.node not in gone)
        after = self._selection_after(nodes)
        edits: list[Edit] = [Disconnect(edge) for edge in loose]
        unfit: dict[Edge, str] = {}
        title = f"Remove {len(wires)} wires"
        if nodes:
            removal = remove_edit(scene.graph, nodes)
            title = f"{removal.title} and wires" if loose else removal.title
            unfit = unfit_bridges(self._document.project, layers, self._document.inference)
            edits += [removal, *(Disconnect(edge) for edge in unfit)]
        before = scene.graph
        groups = [group for group in outermost(before, nodes) if group in before.groups]
        edit = edits[0] if len(edits) == 1 else Several(tuple(edits), title)
        if not self.apply(edit):
            return
        if after is not None and nodes:
            scene.select([after])
        if layers or wires:
            self._say(describe_removal(before, scene.graph, layers, len(wires), unfit, groups))

    def _selection_after(self, gone: Sequence[str]) -> str | None:
        """The card before the removed one, so that the keyboard does not lose its place."""
        if len(gone) != 1:
            return None
        sources = {edge.source.node for edge in self._scene.wires_at(gone[0]) if edge.target.node == gone[0]}
        return next(iter(sources)) if len(sources) == 1 else None

    # Clipboard

    def copy(self) -> bool:
        """Put the selected layers on the clipboard."""
        nodes = self._scene.selected
        if not nodes:
            self._say("Nothing is selected.")
            return False
        text = to_text(self._scene.graph, nodes)
        # As text, which Qt itself owns: data made by Python would be freed after Python, when the program ends.
        QGuiApplication.clipboard().setText(text)
        self._pasted = (text, 0)
        return True

    def cut(self) -> None:
        """Copy, then remove."""
        if self.copy():
            self.delete()
            self._pasted = (self._pasted[0], -1)

    def paste(self, middle: QPointF | None = None) -> None:
        """Add the layers on the clipboard and select them.

        Args:
            middle: Where their middle goes; otherwise they stand beside the ones they were copied from.
        """
        text = QGuiApplication.clipboard().text()
        if not text.strip():
            data = QGuiApplication.clipboard().mimeData()
            picture = data is not None and data.hasImage()
            self._say("The clipboard holds a picture, not layers." if picture else "The clipboard is empty.")
            return
        times = self._pasted[1] + 1 if self._pasted[0] == text else 1
        if self._add_text(text, times * _COPY_OFFSET, middle):
            self._pasted = (text, times)

    def duplicate(self) -> None:
        """Add copies of the selected layers, without touching the clipboard."""
        nodes = self._scene.selected
        if not nodes:
            self._say("Nothing is selected.")
            return
        self._add_text(to_text(self._scene.graph, nodes), _COPY_OFFSET, None)

    def _add_text(self, text: str, offset: float, middle: QPointF | None) -> bool:
        scene = self._scene
        try:
            pasted = from_text(text, scene.graph)
        except InputError as error:
            self._say(sentence_of(error))
            return False
        tops = top_of(pasted)
        if not tops:
            self._say("The clipboard holds no layers.")
            return False
        by = QPointF(offset, offset)
        if middle is not None:
            # A frame lies around its members, wherever its card would be.
            shown = view_of(pasted)
            rects = {**card_rects(shown), **frame_rects(shown)}
            hull = reduce(Rect.united, (rects.get(item.id, Rect(item.x, item.y, 0.0, 0.0)) for item in tops))
            by = middle - QPointF(hull.x + hull.width / 2, hull.y + hull.height / 2)
        if not self.apply(paste_edit(pasted, round(by.x()), round(by.y()), scene.root)):
            return False
        scene.select([item.id for item in tops])
        return True

    # Moving and naming

    def nudge(self, across: float, down: float) -> None:
        """Move the selected cards a little; nudges in one go are one step of the history."""
        nodes = self._scene.selected
        if not nodes:
            return
        now = time.monotonic()
        if now - self._nudged[0] > _NUDGE_PAUSE or self._nudged[1] != nodes:
            self._nudges += 1
        self._nudged = (now, nodes)
        places = move_places(self._scene.graph, nodes, across, down)
        self.apply(self.moving(places, gesture=f"nudge {self._nudges}"))

    def moving(self, places: Mapping[str, tuple[float, float]], gesture: str = "") -> Edit:
        """The edit that moves cards, with the arrows that begin or end at them."""
        scene = self._scene
        sizes = card_sizes(scene) if scene.annotations.arrows else {}
        return moved_edit(scene.graph, places, sizes, scene.root, gesture)

    def align(self, alignment: Alignment) -> None:
        """Put the selected cards on one line; none comes to lie on another."""
        nodes = outermost(self._scene.graph, self._scene.selected)
        if len(nodes) < 2:
            self._say("Select two or more cards to align them.")
            return
        self._move(aligned(self._scene, nodes, alignment), f"Align {len(nodes)} cards: {alignment.value}")

    def distribute(self, direction: Direction) -> None:
        """Put the selected cards at equal distances between the outermost ones."""
        nodes = outermost(self._scene.graph, self._scene.selected)
        if len(nodes) < 3:
            self._say("Select three or more cards to put them at equal distances.")
            return
        try:
            places = distributed(self._scene, nodes, direction)
        except NnvizError as error:
            self._say(sentence_of(error))
            return
        self._move(places, f"Distribute {len(nodes)} cards")

    def _move(self, places: dict[str, tuple[float, float]], title: str) -> None:
        """Move cards as a step with a title of its own."""
        self.apply(Several((self.moving(self._carried(places)),), title))

    def rename(self, node: str, name: str, made_by: Several | None = None) -> None:
        """Give a layer or a group a title of its own; empty brings back that of its kind.

        Args:
            node: Id of the layer or group.
            name: Its title.
            made_by: The step that has just made the group, with a gesture: the name becomes a part of it.
        """
        name = name.strip()
        graph = self._scene.graph
        if node in graph.groups:
            found = graph.groups[node]
            usual = title_of(replace(found, name=""))
            group = replace(found, name="" if name == usual else clean_name(name))
            named = Regroup({node: group}, title=f"Rename {title_of(found)}")
            self.apply(named if made_by is None else with_fields(made_by, edits=(named,)))
            return
        spec = registry.layer(self._scene.graph.nodes[node].kind)
        self.apply(Rename(node, "" if name == spec.title else name))

    def arrange(self, room: tuple[float, float] | None = None) -> None:
        """Put all cards in order.

        Args:
            room: Width and height of the view, for rows of a length that lets small networks be shown large.
        """
        scene, sizes = self._scene, card_sizes(self._scene)
        places = arrange_view(scene.graph, sizes, scene.root, room)
        self.apply(Several(arranged_edits(scene.graph, places, sizes, scene.root), "Arrange", arranges=True))
