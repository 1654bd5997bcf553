"""What the hand does with groups, as edits: group, ungroup, remove, drag, copy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from msgspec.structs import replace as changed

from nnviz.errors import ProjectError
from nnviz.project.drawing.frames import Rect, Sizes, size_of
from nnviz.project.drawing.group_layout import arrange_view
from nnviz.project.drawing.unfolding import Surroundings, carried, expanded, group_of, items_of, moving, scope_inside
from nnviz.project.edit import Edit, Several, listed
from nnviz.project.graph.groups import Contents, contents, title_of, trail
from nnviz.project.graph.wiring import ids_of, new_id_of, shortened
from nnviz.project.graph_edits import RemoveNodes
from nnviz.project.group_edits import Annotate, Regroup
from nnviz.project.model import Graph, Group, Project
from nnviz.project.text import clean_name


def named(graph: Graph, group: str) -> str:
    """The title of a group's card or frame.

    Raises:
        ProjectError: There is no such group.
    """
    return title_of(group_of(graph, group))


def holder_of(graph: Graph, item: str) -> str:
    """The group in which a node, a group, a note or an arrow stands; empty for the top.

    Raises:
        ProjectError: There is nothing of that id.
    """
    if item in graph.groups:
        return graph.groups[item].parent
    found = graph.nodes.get(item) or graph.notes.get(item) or graph.arrows.get(item)
    if found is None:
        raise ProjectError(f"There is no '{shortened(item)}' in this network.")
    return found.group


def outermost(graph: Graph, ids: Iterable[str]) -> tuple[str, ...]:
    """The ids without those that stand in a group which is among them too, each once.

    Raises:
        ProjectError: There is nothing of one of the ids.
    """
    wanted = dict.fromkeys(ids)
    return tuple(item for item in wanted if wanted.keys().isdisjoint(trail(graph, holder_of(graph, item))))


def whole(graph: Graph, ids: Iterable[str]) -> Contents:
    """All that is meant by some ids: nodes, groups with all that stands in them, notes and arrows, in their order."""
    wanted = set(ids)
    for item in wanted:
        holder_of(graph, item)
    held = contents(graph, wanted & graph.groups.keys())

    def both(items: Iterable[str], inside: Collection[str]) -> tuple[str, ...]:
        inner = set(inside)
        return tuple(item for item in items if item in wanted or item in inner)

    return Contents(
        both(graph.nodes, held.nodes),
        both(graph.groups, held.groups),
        both(graph.notes, held.notes),
        both(graph.arrows, held.arrows),
    )


# ---------------------------------------------------------------------------------------------------- group, ungroup


def group_edit(
    graph: Graph, ids: Iterable[str], name: str = "", collapsed: bool = True, sizes: Sizes | None = None
) -> Several:
    """Puts nodes, groups, notes and arrows into a new group; groups that have nothing left in them go.

    The new group stands in the innermost group that holds them all. Its card takes the place of what it hides, and the
    rest moves together; as a frame it gets the room for its edge. Where other things lie between the members, these are
    gathered, so that the frame round them holds nothing else.

    Args:
        graph: The whole.
        ids: What stands in a group that is among them too may be named or not.
        name: Its title; may be empty.
        collapsed: As one card; otherwise as a frame.
        sizes: Of cards, by id of the node or group.

    Raises:
        ProjectError: There is nothing to group, or it is a group already.
    """
    items, parent = _to_group(graph, ids)
    identity = new_id_of(graph, "group")
    inner: dict[str, Group | None] = {
        item: changed(graph.groups[item], parent=identity) for item in items if item in graph.groups
    }
    members = {item: identity for item in items if item not in graph.groups}
    emptied: dict[str, Group | None] = dict.fromkeys(_emptied(graph, set(items), parent))
    scope = scope_inside(graph, parent)
    around = Surroundings(graph, scope, sizes)
    hull, known = _hull(graph, items, around, sizes), around.clashes()
    title = f"Group {listed(items)}"
    group = Group(identity, clean_name(name), parent, True, hull.x, hull.y)
    grouped = Regroup({identity: group, **inner, **emptied}, members)
    after = _applied(graph, grouped)
    inside = Surroundings(after, identity, sizes)
    # Members that could not be seen together may lie on each other, or far apart.
    tangled = not set(items) <= around.rects.keys() | graph.arrows.keys() or not inside.clashes() <= known
    among = any(rect.touches(hull) for rect in Surroundings(after, scope, sizes).beside(identity).values())
    if not (collapsed or tangled or among):
        framed = Regroup({**grouped.groups, identity: changed(group, collapsed=False)}, members)
        after = _applied(graph, framed)
        room = _room_for_frame(after, Surroundings(after, scope, sizes), identity, hull, known)
        return Several((framed, *room), title)
    steps: list[Edit] = [grouped]
    if tangled or among:
        steps.extend(moving(after, arrange_view(after, sizes, identity) if tangled else inside.gathered(identity)))
        after = _applied(graph, Several(tuple(steps), title))
    card = Rect(hull.x, hull.y, *size_of(identity, sizes))
    places = Surroundings(after, scope, sizes).shrink(identity, parent, hull, card, centred=True)
    steps.extend(moving(after, places))
    if not collapsed:
        steps.append(expanded(_applied(graph, Several(tuple(steps), title)), identity, sizes))
    return Several(tuple(steps), title)


def _to_group(graph: Graph, ids: Iterable[str]) -> tuple[tuple[str, ...], str]:
    """What a new group takes in, and the group in which it stands; see :func:`group_edit`."""
    items = outermost(graph, ids)
    if not items or all(item in graph.arrows for item in items):
        raise ProjectError("Choose some layers first: there is nothing to put into a group.")
    if len(items) == 1 and items[0] in graph.groups:
        raise ProjectError(f"{named(graph, items[0])} is a group already.")
    parent = _common(graph, items)
    if parent and set(items) >= _members(graph, parent) and all(holder_of(graph, item) == parent for item in items):
        raise ProjectError(f"This is all of {named(graph, parent)}: it is a group already.")
    return items, parent


def ungroup_edit(graph: Graph, group: str, sizes: Sizes | None = None) -> Edit:
    """Takes a group away; what stood in it stands where the group did, opened.

    Args:
        graph: The whole.
        group: Id of the group.
        sizes: Of cards, by id of the node or group.

    Raises:
        ProjectError: There is no such group.
    """
    parent = group_of(graph, group).parent
    opening = expanded(graph, group, sizes)
    after = _applied(graph, opening)
    inner = {item.id: changed(item, parent=parent) for item in after.groups.values() if item.parent == group}
    members = {item: parent for item in _members(after, group) if item not in after.groups}
    return Several((opening, Regroup({**inner, group: None}, members)), f"Ungroup {named(graph, group)}")


def join_edit(graph: Graph, ids: Iterable[str], group: str, moved: Edit) -> Edit:
    """Moves things into a group, or out of all (an empty id), where they are dropped; groups left empty go.

    Args:
        graph: The whole.
        ids: Of nodes, groups, notes and arrows; what stands in a group among them comes along.
        group: Where they stand from now on.
        moved: The edit that puts them to their places.
    """
    items = outermost(graph, ids)
    inner: dict[str, Group | None] = {
        item: changed(graph.groups[item], parent=group) for item in items if item in graph.groups
    }
    members = {item: group for item in items if item not in graph.groups}
    emptied: dict[str, Group | None] = dict.fromkeys(_emptied(graph, set(items), group))
    into = f"into {named(graph, group)}" if group else "out of the group"
    return Several((moved, Regroup({**inner, **emptied}, members)), f"Move {_titles(graph, items)} {into}")


def remove_edit(graph: Graph, ids: Iterable[str], rejoin: bool = True) -> Edit:
    """Removes nodes, notes, arrows, and groups with all that stands in them; groups with nothing left in them go too.

    Args:
        graph: The whole.
        ids: Of what is to go.
        rejoin: See :class:`RemoveNodes`.

    Raises:
        ProjectError: There is nothing of one of the ids.
    """
    items = outermost(graph, ids)
    held = whole(graph, items)
    groups = dict.fromkeys((*held.groups, *_emptied(graph, {*held.nodes, *held.groups, *held.notes, *held.arrows})))
    steps: list[Edit] = []
    if held.nodes:
        steps.append(RemoveNodes(held.nodes, rejoin))
    if held.notes or held.arrows:
        steps.append(Annotate(dict.fromkeys(held.notes), dict.fromkeys(held.arrows)))
    if groups:
        steps.append(Regroup(dict.fromkeys(groups)))
    return Several(tuple(steps), f"Remove {_titles(graph, items)}")


def _titles(graph: Graph, items: Collection[str]) -> str:
    """What some things are called in a menu."""
    if len(items) > 3:
        return f"{len(items)} things" if any(item not in graph.nodes for item in items) else listed(items)
    names = (
        named(graph, item) if item in graph.groups
        else "note" if item in graph.notes
        else "arrow" if item in graph.arrows
        else item
        for item in items
    )  # fmt: skip
    return ", ".join(names)


def _applied(graph: Graph, edit: Edit) -> Graph:
    return edit.apply(Project(graph=graph)).graph


def _common(graph: Graph, items: Iterable[str]) -> str:
    """The innermost group that holds all of the items; empty for the top."""
    ways = [trail(graph, holder_of(graph, item)) for item in items]
    common = ""
    for steps in zip(*ways, strict=False):
        if len(set(steps)) > 1:
            break
        common = steps[0]
    return common


def _members(graph: Graph, group: str) -> set[str]:
    """All that stands directly in a group."""
    return {item for item in ids_of(graph) if holder_of(graph, item) == group}


def _emptied(graph: Graph, gone: Collection[str], kept: str = "") -> tuple[str, ...]:
    """The groups in which nothing is left once some things are gone from where they stand; ``kept`` is none of them."""
    left = Counter(holder_of(graph, item) for item in ids_of(graph))
    empty: list[str] = []
    waiting = list(gone)
    while waiting:
        holder = holder_of(graph, waiting.pop())
        left[holder] -= 1
        if left[holder] == 0 and holder and holder != kept and holder not in gone:
            empty.append(holder)
            waiting.append(holder)
    return tuple(empty)


def _hull(graph: Graph, items: Iterable[str], around: Surroundings, sizes: Sizes | None) -> Rect:
    """The smallest rectangle round some things as they are seen: what cannot be seen counts as the card that hides it.

    Its own place lies where a frame would have to begin that nobody sees, perhaps far outside the frames around it.
    """
    everything = items_of(graph)
    hull: Rect | None = None
    for item in items:
        if item not in graph.arrows:
            there = everything[item]
            seen = next(
                (step for step in (item, *reversed(trail(graph, holder_of(graph, item)))) if step in around.rects), ""
            )
            rect = around.rects[seen] if seen else Rect(there.x, there.y, *size_of(item, sizes))
            hull = rect if hull is None else hull.united(rect)
    assert hull is not None
    return hull


def _room_for_frame(
    graph: Graph, around: Surroundings, group: str, hull: Rect, known: set[tuple[str, str]]
) -> tuple[Edit, ...]:
    """Makes room for the edge of a new frame around the hull, where there is not enough of it here or further out."""
    if around.clashes() <= known:
        return ()
    frame = hull.framed()
    below = Rect(hull.x, hull.y, frame.width, frame.height)
    places = around.grow(group, graph.groups[group].parent, hull, below)
    return moving(graph, places | carried(graph, contents(graph, [group]), hull.x - frame.x, hull.y - frame.y))


# --------------------------------------------------------------------------------------------------------- drag, copy


def move_places(graph: Graph, ids: Iterable[str], dx: float, dy: float) -> dict[str, tuple[float, float]]:
    """The new places of all that moves when some cards, frames, notes and arrows are dragged.

    Groups take along all that stands in them.

    Raises:
        ProjectError: There is nothing of one of the ids.
    """
    return carried(graph, whole(graph, ids), dx, dy)


def copied(graph: Graph, ids: Iterable[str]) -> Graph:
    """What has to be copied: nodes, groups with all that stands in them, notes, arrows, and the wires within.

    Returns:
        A graph of its own; what was outermost stands at its top.

    Raises:
        ProjectError: There is nothing of one of the ids.
    """
    held = whole(graph, ids)
    nodes, groups = set(held.nodes), set(held.groups)

    def inside(group: str) -> str:
        return group if group in groups else ""

    return Graph(
        {item: changed(graph.nodes[item], group=inside(graph.nodes[item].group)) for item in held.nodes},
        tuple(edge for edge in graph.edges if edge.source.node in nodes and edge.target.node in nodes),
        {item: changed(graph.groups[item], parent=inside(graph.groups[item].parent)) for item in held.groups},
        {item: changed(graph.notes[item], group=inside(graph.notes[item].group)) for item in held.notes},
        {item: changed(graph.arrows[item], group=inside(graph.arrows[item].group)) for item in held.arrows},
    )
