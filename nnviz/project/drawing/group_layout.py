"""Automatic arrangement of a grouped network: each group is laid out inside first and then stands as one block.

:func:`arrange_view` places all that is seen and, so that they look well once they are expanded, the insides of
collapsed groups too. How one group is opened where it stands, without all being put in order, is in ``unfolding.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from nnviz.project.drawing.frames import (
    FRAME_HEAD,
    FRAME_PADDING,
    Rect,
    Sizes,
    card_rects,
    frame_rects,
    free_place,
    size_of,
)
from nnviz.project.drawing.layout import GROUP, arrange
from nnviz.project.drawing.unfolding import items_of
from nnviz.project.graph.groups import trail, view_of
from nnviz.project.graph_edits import FARTHEST
from nnviz.project.model import Arrow, Edge, Graph, Node, Note, PortRef


def arrange_view(
    graph: Graph, sizes: Sizes | None = None, root: str = "", room: tuple[float, float] | None = None
) -> dict[str, tuple[float, float]]:
    """The top left corner of all that stands in a group, however deep, or in the whole network.

    Args:
        graph: Any graph.
        sizes: (width, height) of cards by id of the node or collapsed group; a usual card's where none is given.
        root: The group that is looked into; empty for the whole network.
        room: (width, height) of the view in pixels, for small networks; see :func:`layout.arrange`.

    Returns:
        By id of the node, group or note. The outermost cards begin at 0, or inside the root's card. What stands in a
        group begins inside its card or frame. Notes keep their place beside the nearest card, unless something else
        lies there now. Nothing lies on anything else.
    """
    root = root if root in graph.groups else ""
    left, top = 0.0, 0.0
    if root:
        group = graph.groups[root]
        left, top = group.x + FRAME_PADDING, group.y + FRAME_PADDING + FRAME_HEAD
    block = _Blocks(graph, sizes or {}, root, room).block(root)
    # At the edge of all places everything moves in together, so that nothing comes to lie on anything else.
    solid = [place for item, place in block.places.items() if item not in graph.arrows]
    left = min(left, FARTHEST - max((x for x, _ in solid), default=0.0))
    top = min(top, FARTHEST - max((y for _, y in solid), default=0.0))
    return {item: (_within(left + x), _within(top + y)) for item, (x, y) in block.places.items()}


def _within(place: float) -> float:
    """A coordinate that the document takes; only an arrow or a note lost at its very edge can come beyond."""
    return min(max(place, -FARTHEST), FARTHEST)


#: Notes do not stay farther than this from their card, in scene units.
_FARTHEST_NOTE = 1000.0


@dataclass(frozen=True)
class _Block:
    """What stands in one group, laid out.

    Attributes:
        places: Of all that stands in it, however deep, from its own top left corner.
        width, height: Of all that.
        line: How far below the top the wires come in.
    """

    places: dict[str, tuple[float, float]]
    width: float
    height: float
    line: float


@dataclass
class _Level:
    """What stands directly in one group.

    Attributes:
        items: Nodes and groups, in the order of the graph.
        edges: Wires between them.
        entering: Wires from outside: id of the node they come from -> the items they go to.
    """

    items: dict[str, Node] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    entering: dict[str, list[PortRef]] = field(default_factory=dict)


class _Blocks:
    """Lays groups out from the inside to the outside."""

    def __init__(self, graph: Graph, sizes: Sizes, root: str, room: tuple[float, float] | None) -> None:
        self._graph, self._sizes, self._root, self._room = graph, sizes, root, room
        self._trails = {"": ("",), **{group: ("", *trail(graph, group)) for group in graph.groups}}
        self._levels: dict[str, _Level] = {group: _Level() for group in self._trails}
        self._read_items()
        self._read_wires()
        # Notes stay beside the card that was nearest to them, wherever that goes.
        view = view_of(graph, root)
        self._rects = {**card_rects(view, sizes), **frame_rects(view, sizes)}

    def _way(self, node: str) -> tuple[str, ...]:
        """The groups that hold a node, from the top to the node itself."""
        return (*self._trails.get(self._graph.nodes[node].group, ("",)), node)

    def _read_items(self) -> None:
        for node in self._graph.nodes.values():
            way = self._way(node.id)
            for group, item in pairwise(way):
                self._levels[group].items.setdefault(item, node if item == node.id else Node(item, GROUP))
        for group in self._graph.groups:
            way = self._trails[group]
            for parent, item in pairwise(way):  # Those without a node in them.
                self._levels[parent].items.setdefault(item, Node(item, GROUP))
        for note in self._graph.notes.values():
            self._levels.get(note.group, self._levels[""]).notes.append(note)
        for arrow in self._graph.arrows.values():
            self._levels.get(arrow.group, self._levels[""]).arrows.append(arrow)

    def _read_wires(self) -> None:
        for edge in self._graph.edges:
            if edge.source.node not in self._graph.nodes or edge.target.node not in self._graph.nodes:
                continue
            source, target = self._way(edge.source.node), self._way(edge.target.node)
            at = next((at for at, pair in enumerate(zip(source, target, strict=False)) if pair[0] != pair[1]), 0)
            if at == 0:
                continue
            ends = PortRef(source[at]), PortRef(target[at], edge.target.port)
            self._levels[source[at - 1]].edges.append(Edge(*ends))
            for group, item in zip(target[at:], target[at + 1 :], strict=False):
                self._levels[group].entering.setdefault(edge.source.node, []).append(PortRef(item, edge.target.port))

    def block(self, group: str) -> _Block:
        """The group laid out inside."""
        level = self._levels[group]
        inner = {item: self.block(item) for item in level.items if item in self._graph.groups}
        sizes = {item: self._size(item, inner.get(item)) for item in level.items}
        frames = {item: block for item, block in inner.items() if self._is_frame(item)}
        lines = {item: FRAME_PADDING + FRAME_HEAD + block.line for item, block in frames.items()}
        corners = self._arranged(level, sizes, lines, group)
        rects = {item: Rect(*corner, *sizes[item]) for item, corner in corners.items()}
        rects |= self._notes(level.notes, rects)
        if not rects:  # Arrows without anything to point at stay, or lie in the corner of their group.
            return _Block({arrow.id: (0.0, 0.0) if group else (arrow.x, arrow.y) for arrow in level.arrows}, 0, 0, 0)
        places = {item: (rect.x, rect.y) for item, rect in rects.items()}
        for arrow in level.arrows:
            left, top = self._offset(Rect(arrow.x + arrow.across, arrow.y + arrow.down, 0.0, 0.0), rects)
            places[arrow.id] = (arrow.x + left, arrow.y + top)
        for item, block in inner.items():
            left, top = rects[item].x + FRAME_PADDING, rects[item].y + FRAME_PADDING + FRAME_HEAD
            places |= {name: (left + x, top + y) for name, (x, y) in block.places.items()}
        if group == self._root == "":
            return _Block(places, 0.0, 0.0, 0.0)
        left, top = min(rect.x for rect in rects.values()), min(rect.y for rect in rects.values())
        # Where only notes stand no wires come in, wherever these notes lay before.
        line = min((y + lines.get(item, 0.0) for item, (_, y) in corners.items()), default=top)
        return _Block(
            {item: (x - left, y - top) for item, (x, y) in places.items()},
            max(rect.right for rect in rects.values()) - left,
            max(rect.bottom for rect in rects.values()) - top,
            line - top,
        )

    def _is_frame(self, group: str) -> bool:
        """Whether it is drawn around something; a collapsed group and an empty one are as large as a card."""
        level = self._levels[group]
        return not self._graph.groups[group].collapsed and bool(level.items or level.notes)

    def _size(self, item: str, inner: _Block | None) -> tuple[float, float]:
        if inner is None or not self._is_frame(item):
            return size_of(item, self._sizes)
        frame = Rect(0.0, 0.0, inner.width, inner.height).framed()
        return frame.width, frame.height

    def _arranged(
        self, level: _Level, sizes: Sizes, lines: Mapping[str, float], group: str
    ) -> dict[str, tuple[float, float]]:
        """The places of what stands directly in a group."""
        room = self._room if group == self._root else None
        fed = {edge.target.node for edge in level.edges}
        nodes, edges = dict(level.items), list(level.edges)
        outside: dict[str, tuple[float, float]] = {}
        for source, targets in level.entering.items():
            # A wire from outside that goes past other cards needs a lane that is free of them, as it has where its
            # source stands in the same group. So the source is put there for as long as the lanes are found.
            if len(targets) > 1 and any(target.node in fed for target in targets):
                edges += [Edge(PortRef(source), target) for target in targets]
                outside[source] = (0.0, 0.0)
        if outside:
            nodes = {**{source: self._graph.nodes[source] for source in outside}, **nodes}
        places = arrange(Graph(nodes, tuple(edges)), {**sizes, **outside}, room, lines, inside=bool(group))
        if not outside:
            return places
        kept = {item: place for item, place in places.items() if item not in outside}
        left, top = min(x for x, _ in kept.values()), min(y for _, y in kept.values())
        return {item: (x - left, y - top) for item, (x, y) in kept.items()}

    def _notes(self, notes: Iterable[Note], placed: Mapping[str, Rect]) -> dict[str, Rect]:
        """The notes of a group, each as far from its nearest card as it was, or as near to that place as it can be."""
        taken = list(placed.values())
        found: dict[str, Rect] = {}
        for note in notes:
            rect = Rect(note.x, note.y, *self._sizes.get(note.id, (note.width, note.height)))
            left, top = self._offset(rect, placed)
            found[note.id] = free_place(Rect(rect.x + left, rect.y + top, rect.width, rect.height), taken)
            taken.append(found[note.id])
        return found

    def _offset(self, rect: Rect, placed: Mapping[str, Rect]) -> tuple[float, float]:
        """How far the card moved that was nearest to a rectangle."""
        beside = min(placed, key=lambda item: (rect.distance(self._before(item)), item), default=None)
        if beside is None:
            return 0.0, 0.0
        before, after = self._before(beside), placed[beside]
        return (
            after.x + _bounded(rect.x - before.x, rect.width, after.width) - rect.x,
            after.y + _bounded(rect.y - before.y, rect.height, after.height) - rect.y,
        )

    def _before(self, item: str) -> Rect:
        """Where a card or frame was, also one that cannot be seen."""
        if item not in self._rects:
            there = items_of(self._graph)[item]
            self._rects[item] = Rect(there.x, there.y, *size_of(item, self._sizes))
        return self._rects[item]


def _bounded(distance: float, length: float, card: float) -> float:
    """How far a note begins from the begin of its card; one that was lost far outside is brought near."""
    return min(max(distance, -_FARTHEST_NOTE - length), _FARTHEST_NOTE + card)
