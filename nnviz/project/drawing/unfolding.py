"""Opening a group where it stands and closing it again: the rest makes room for its frame, and takes the room back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import reduce
from typing import TypeAlias

from msgspec.structs import replace as changed

from nnviz.errors import ProjectError
from nnviz.project.drawing.frames import Rect, Sizes, card_rects, clashes, containers, frame_rects, size_of
from nnviz.project.drawing.room import Offsets, gathered, made_room, moved, room_taken_back
from nnviz.project.edit import Edit, Several
from nnviz.project.graph.groups import Contents, contents, title_of, trail, view_of
from nnviz.project.graph.wiring import shortened
from nnviz.project.graph_edits import Move
from nnviz.project.group_edits import Regroup
from nnviz.project.model import Arrow, Graph, Group, Node, Note

Places: TypeAlias = dict[str, tuple[float, float]]
#: Anything with an id and a place.
Item: TypeAlias = "Node | Group | Note | Arrow"


def items_of(graph: Graph) -> dict[str, Item]:
    """All nodes, notes, arrows and groups of a graph by their ids: everything that has a place."""
    return {**graph.nodes, **graph.groups, **graph.notes, **graph.arrows}


def carried(graph: Graph, held: Contents, dx: float, dy: float) -> Places:
    """The new places of all that stands in a group when it is moved."""
    ids = (*held.nodes, *held.groups, *held.notes, *held.arrows)
    items = items_of(graph)
    return {identity: (items[identity].x + dx, items[identity].y + dy) for identity in ids}


def moving(graph: Graph, places: Mapping[str, tuple[float, float]]) -> tuple[Edit, ...]:
    """The edit that moves what is not there yet; nothing where nothing moves."""
    items = items_of(graph)
    moved = {item: to for item, to in places.items() if to != (items[item].x, items[item].y)}
    return (Move(moved),) if moved else ()


#: How the things beside a block settle: (their rectangles, which are notes, the block before, after) -> how far they
#: move, and where the block stands.
Rule: TypeAlias = Callable[[Mapping[str, Rect], Collection[str], Rect, Rect], tuple[Offsets, Rect]]


class Surroundings:
    """What is seen around a group, level by level: what stands beside it, beside the frame around it, and so on."""

    def __init__(self, graph: Graph, scope: str, sizes: Sizes | None = None) -> None:
        """
        Args:
            graph: The whole.
            scope: The group from which one sees it; empty for the whole network.
            sizes: Of cards.
        """
        self._graph, self._sizes = graph, sizes
        self._view = view_of(graph, scope)
        self._within = containers(self._view)
        self.rects = {**card_rects(self._view, sizes), **frame_rects(self._view, sizes)}

    def clashes(self) -> set[tuple[str, str]]:
        """What stands in one group and lies on each other."""
        return clashes(self._view, self._sizes)

    def beside(self, item: str) -> dict[str, Rect]:
        """What stands in the same group as something that is seen."""
        return {other: rect for other, rect in self._in(self._within[item]).items() if other != item}

    def _in(self, holder: str) -> dict[str, Rect]:
        return {item: rect for item, rect in self.rects.items() if self._within[item] == holder}

    def gathered(self, holder: str) -> Places:
        """The new places of what stands in a group once the gaps in which something else lay are closed."""
        held = self._in(holder)
        offsets = gathered(held)
        places = self._arrows(holder, held, None, offsets)
        for item, (across, down) in offsets.items():
            places |= self._carried(item, across, down)
        return places

    def grow(self, group: str, holder: str, before: Rect, after: Rect) -> Places:
        """The new places of what gives way when something in a group needs more room."""

        def given(others: Mapping[str, Rect], notes: Collection[str], was: Rect, becomes: Rect) -> tuple[Offsets, Rect]:
            return made_room(others, notes, was, becomes), becomes

        return self._settle(group, holder, before, after, given)

    def shrink(self, group: str, holder: str, before: Rect, after: Rect, *, centred: bool = False) -> Places:
        """The new places of what moves together when something needs less room, and of that itself."""

        def taken_back(
            others: Mapping[str, Rect], notes: Collection[str], was: Rect, becomes: Rect
        ) -> tuple[Offsets, Rect]:
            return room_taken_back(others, notes, was, becomes, centred=centred and becomes is after)

        return self._settle(group, holder, before, after, taken_back)

    def _settle(self, group: str, holder: str, before: Rect, after: Rect, rule: Rule) -> Places:
        """Applies a rule beside a block, then beside the frame around it, which has grown or shrunk by that."""
        places: Places = {}
        block = group
        while True:
            others = {item: rect for item, rect in self._in(holder).items() if item != block}
            offsets, settled = rule(others, self._view.notes.keys(), before, after)
            for item, (across, down) in offsets.items():
                places |= self._carried(item, across, down)
            places |= self._arrows(holder, others, before, offsets)
            if block == group:
                places[group] = settled.x, settled.y
            if holder not in self._view.frames:
                return places
            # Not the frame as it is seen now: the block may have been put into the graph for this already.
            before = _hull([before, *others.values()]).framed()
            after = _hull([settled, *moved(others, offsets).values()]).framed()
            # The frame keeps its corner: all that stands in it moves by what begins before it now, or after it.
            across, down = before.x - after.x, before.y - after.y
            if across or down:
                places = self._shifted(holder, places, across, down)
                after = after.shifted(across, down)
            block, holder = holder, self._within[holder]
            if before == after:
                return places

    def _shifted(self, holder: str, places: Places, across: float, down: float) -> Places:
        """The places once all that stands in a group has been moved as well."""
        inside = carried(self._graph, contents(self._graph, [holder]), 0.0, 0.0)
        there = {**inside, **places}
        return places | {item: (there[item][0] + across, there[item][1] + down) for item in inside}

    def _carried(self, item: str, across: float, down: float) -> Places:
        graph = self._graph
        there = items_of(graph)[item]
        inside = carried(graph, contents(graph, [item]), across, down) if item in graph.groups else {}
        return {**inside, item: (there.x + across, there.y + down)}

    def _arrows(self, holder: str, others: Mapping[str, Rect], block: Rect | None, offsets: Offsets) -> Places:
        """Arrows go where that goes at which they point, unless it is the block."""
        places: Places = {}
        for arrow in self._view.arrows.values():
            if arrow.group == holder:
                tip = Rect(arrow.x + arrow.across, arrow.y + arrow.down, 0.0, 0.0)
                nearest = min(others, key=lambda item: tip.distance(others[item]), default="")
                if nearest in offsets and (block is None or tip.distance(others[nearest]) < tip.distance(block)):
                    places[arrow.id] = (arrow.x + offsets[nearest][0], arrow.y + offsets[nearest][1])
        return places


def _hull(rects: Iterable[Rect]) -> Rect:
    return reduce(Rect.united, rects)


def expanded(graph: Graph, group: str, sizes: Sizes | None = None) -> Edit:
    """Opens a group: its frame begins where its card did, and the rest makes room for it.

    Args:
        graph: The whole.
        group: Id of the group.
        sizes: Of cards, by id of the node or group.

    Raises:
        ProjectError: There is no such group.
    """
    item = group_of(graph, group)
    title = f"Unfold {title_of(item)}"
    if not item.collapsed:
        return Several((), title)
    opened = changed(item, collapsed=False)
    scope = scope_of(graph, group)
    inside = frame_rects(view_of(changed(graph, groups={**graph.groups, group: opened}), scope), sizes)[group]
    card = Rect(item.x, item.y, *size_of(group, sizes))
    frame = Rect(item.x, item.y, max(card.width, inside.width), max(card.height, inside.height))
    places = Surroundings(graph, scope, sizes).grow(group, item.parent, card, frame)
    places |= carried(graph, contents(graph, [group]), item.x - inside.x, item.y - inside.y)
    return Several((Regroup({group: opened}), *moving(graph, places)), title, arranges=True)


def collapsed(graph: Graph, group: str, sizes: Sizes | None = None) -> Edit:
    """Closes a group: its card stands where its frame began, and the rest moves together where nothing is in the way.

    Where rows are clear of each other, collapsing what has just been expanded brings every place back; also where a
    note stands right below the card, unless another arrangement would have opened to the very same picture.

    Args:
        graph: The whole.
        group: Id of the group.
        sizes: Of cards, by id of the node or group.

    Raises:
        ProjectError: There is no such group.
    """
    item = group_of(graph, group)
    title = f"Fold {title_of(item)}"
    if item.collapsed:
        return Several((), title)
    around = Surroundings(graph, scope_of(graph, group), sizes)
    frame = around.rects[group]
    card = Rect(frame.x, frame.y, *size_of(group, sizes))
    places = around.shrink(group, item.parent, frame, card)
    closed = changed(item, collapsed=True, x=frame.x, y=frame.y)
    return Several((Regroup({group: closed}), *moving(graph, places)), title, arranges=True)


def scope_of(graph: Graph, group: str) -> str:
    """The group from which one sees a group and what stands beside it: the innermost collapsed one that holds it."""
    return scope_inside(graph, graph.groups[group].parent)


def scope_inside(graph: Graph, group: str) -> str:
    """The group from which one sees what stands in a group: the innermost collapsed one, itself included."""
    return next((step for step in reversed(trail(graph, group)) if graph.groups[step].collapsed), "")


def group_of(graph: Graph, group: str) -> Group:
    """A group of the graph.

    Raises:
        ProjectError: There is none of that id.
    """
    try:
        return graph.groups[group]
    except KeyError:
        raise ProjectError(f"There is no group '{shortened(group)}' in this network.") from None
