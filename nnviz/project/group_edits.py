"""Edits of how the network is drawn: groups, notes, arrows, and nodes left out. Import them from ``edits.py``."""
# ruff: noqa: D102 - what the methods do is said once, in Edit.

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from msgspec.structs import replace as changed

from nnviz.errors import ProjectError
from nnviz.project.edit import Edit, listed, node_of, with_graph, with_nodes
from nnviz.project.graph.bypass import bypass_problem
from nnviz.project.graph.wiring import id_problem, ids_of, shortened
from nnviz.project.graph_edits import FARTHEST
from nnviz.project.model import NOTE_COLOURS, Arrow, Graph, Group, Node, Note, Project
from nnviz.project.text import name_problem, note_problem

#: Groups stand in groups at most this deep, and a network has at most so many of each.
DEEPEST = 32
MOST_GROUPS = 5_000
MOST_NOTES = 5_000
#: Smallest and largest side of a note's paper, in scene units.
LEAST_NOTE, LARGEST_NOTE = 24.0, 4_000.0

_Item = TypeVar("_Item", Group, Note, Arrow)


@dataclass(frozen=True)
class Regroup(Edit):
    """Makes, changes and removes groups, and says who stands in which.

    Attributes:
        groups: A group by its id, new or in the place of the one there is; None removes it, when nothing is left in it.
        members: Ids of nodes, notes and arrows -> id of the group they stand in from now on; empty for the top.
        title: For the menu.
    """

    groups: Mapping[str, Group | None] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    title: str = "Change groups"

    def apply(self, project: Project) -> Project:
        graph = project.graph
        groups = _exchanged(graph, graph.groups, self.groups, MOST_GROUPS)
        nodes: dict[str, Node] = {}
        notes: dict[str, Note] = {}
        arrows: dict[str, Arrow] = {}
        for item, group in self.members.items():
            if item in graph.notes:
                notes[item] = changed(graph.notes[item], group=group)
            elif item in graph.arrows:
                arrows[item] = changed(graph.arrows[item], group=group)
            else:
                nodes[item] = changed(node_of(project, item), group=group)
        graph = changed(
            graph,
            nodes={**graph.nodes, **nodes} if nodes else graph.nodes,
            groups=groups,
            notes={**graph.notes, **notes} if notes else graph.notes,
            arrows={**graph.arrows, **arrows} if arrows else graph.arrows,
        )
        problem = group_problem(graph)
        if problem:
            raise ProjectError(problem)
        return with_graph(project, graph)

    def invert(self, before: Project) -> Edit:
        graph = before.graph
        groups = {group: graph.groups.get(group) for group in self.groups}
        members = {item: _group_of(before, item) for item in self.members}
        return replace(self, groups=groups, members=members)

    def target(self) -> Hashable:
        if None in self.groups.values():  # A removal leaves nothing that another edit could set.
            return None
        return ("groups", frozenset(self.groups), frozenset(self.members))


@dataclass(frozen=True)
class Annotate(Edit):
    """Makes, changes and removes notes and arrows: by id the new one, or None for none."""

    notes: Mapping[str, Note | None] = field(default_factory=dict)
    arrows: Mapping[str, Arrow | None] = field(default_factory=dict)
    title: str = "Change notes"

    def apply(self, project: Project) -> Project:
        graph = project.graph
        graph = changed(graph, notes=_exchanged(graph, graph.notes, self.notes, MOST_NOTES))
        graph = changed(graph, arrows=_exchanged(graph, graph.arrows, self.arrows, MOST_NOTES))
        for item in (*self.notes.values(), *self.arrows.values()):
            if item is not None and item.group and item.group not in graph.groups:
                raise ProjectError(f"There is no group '{shortened(item.group)}' for {item.id}.")
        return with_graph(project, graph)

    def invert(self, before: Project) -> Edit:
        graph = before.graph
        notes = {note: graph.notes.get(note) for note in self.notes}
        arrows = {arrow: graph.arrows.get(arrow) for arrow in self.arrows}
        return replace(self, notes=notes, arrows=arrows)

    def target(self) -> Hashable:
        if None in self.notes.values() or None in self.arrows.values():
            return None
        return ("notes", frozenset(self.notes), frozenset(self.arrows))


@dataclass(frozen=True)
class Bypass(Edit):
    """Leaves nodes out for the time being, or takes them in again: id -> whether it is left out."""

    nodes: Mapping[str, bool]

    @property
    def title(self) -> str:
        return f"{'Bypass' if any(self.nodes.values()) else 'Enable'} {listed(self.nodes)}"

    def apply(self, project: Project) -> Project:
        nodes: list[Node] = []
        for node_id, bypassed in self.nodes.items():
            node = node_of(project, node_id)
            problem = bypass_problem(node) if bypassed else ""
            if problem:
                raise ProjectError(problem)
            nodes.append(changed(node, bypassed=bypassed))
        return with_nodes(project, nodes)

    def invert(self, before: Project) -> Edit:
        return replace(self, nodes={node_id: node_of(before, node_id).bypassed for node_id in self.nodes})

    def target(self) -> Hashable:
        return ("bypassed", frozenset(self.nodes))


@dataclass(frozen=True)
class Freeze(Edit):
    """Leaves the parameters of nodes as they are while training, or trains them again: id -> whether it is frozen."""

    nodes: Mapping[str, bool]

    @property
    def title(self) -> str:
        return f"{'Freeze' if any(self.nodes.values()) else 'Train'} {listed(self.nodes)}"

    def apply(self, project: Project) -> Project:
        return with_nodes(
            project, [changed(node_of(project, node_id), frozen=frozen) for node_id, frozen in self.nodes.items()]
        )

    def invert(self, before: Project) -> Edit:
        return replace(self, nodes={node_id: node_of(before, node_id).frozen for node_id in self.nodes})

    def target(self) -> Hashable:
        return ("frozen", frozenset(self.nodes))


def group_problem(graph: Graph) -> str:
    """What is wrong with who stands in which group, as a sentence; empty when nothing is.

    Groups that do not exist, that stand in themselves, or too deep in each other.
    """
    depth: dict[str, int] = {"": 0}
    for start in graph.groups:
        trail: dict[str, None] = {}
        at = start
        while at not in depth:
            if at not in graph.groups:
                return f"There is no group '{shortened(at)}' in which {next(reversed(trail))} could stand."
            if at in trail:
                return f"The group {at} would stand in itself."
            trail[at] = None
            at = graph.groups[at].parent
        for group in reversed(trail):
            depth[group] = depth[graph.groups[group].parent] + 1
            if depth[group] > DEEPEST:
                return f"Groups stand in each other more than {DEEPEST} deep at {group}."
    for items in (graph.nodes, graph.notes, graph.arrows):
        for item in items.values():
            if item.group not in depth:
                return f"There is no group '{shortened(item.group)}' in which {item.id} could stand."
    return ""


def item_problem(item: Group | Note | Arrow) -> str:
    """What is wrong with a group, a note or an arrow by itself, as a sentence; empty when nothing is."""
    return item_flaw(item)[1]


def item_flaw(item: Group | Note | Arrow) -> tuple[str, str]:
    """The field of a group, a note or an arrow that is wrong, and what is wrong with it; both empty when nothing is."""
    places: tuple[tuple[str, float], ...] = (("x", item.x), ("y", item.y))
    if isinstance(item, Arrow):
        places = (*places, ("across", item.across), ("down", item.down))
    problem = id_problem(item.id)
    if problem:
        return "id", problem
    for axis, value in places:
        if not abs(value) <= FARTHEST:  # Also refuses NaN.
            return axis, f"{item.id} cannot lie at {axis} = {value:g}: it must be from -{FARTHEST:g} to {FARTHEST:g}."
    if isinstance(item, Group):
        return _flaw("name", name_problem(item.name))
    if item.colour not in NOTE_COLOURS:
        known = ", ".join(NOTE_COLOURS)
        return "colour", f"The colour of {item.id} is '{shortened(item.colour)}', but must be one of {known}."
    if isinstance(item, Note):
        for length, side in (("width", item.width), ("height", item.height)):
            if not LEAST_NOTE <= side <= LARGEST_NOTE:
                allowed = f"from {LEAST_NOTE:g} to {LARGEST_NOTE:g}"
                return length, f"The {length} of {item.id} is {side:g}, but must be {allowed}."
        return _flaw("text", note_problem(item.text))
    return "", ""


def _flaw(field: str, problem: str) -> tuple[str, str]:
    return (field, problem) if problem else ("", "")


def _exchanged(
    graph: Graph, present: Mapping[str, _Item], wanted: Mapping[str, _Item | None], most: int
) -> Mapping[str, _Item]:
    """The items with some exchanged, in the order of their ids; the mapping itself where there are none."""
    if not wanted:
        return present
    items = dict(present)
    others = ids_of(graph) - present.keys()
    for identity, item in wanted.items():
        if item is None:
            if items.pop(identity, None) is None:
                raise ProjectError(f"There is no '{shortened(identity)}' that could be removed.")
            continue
        problem = item_problem(item)
        if not problem and item.id != identity:
            problem = f"'{item.id}' cannot stand under the id '{identity}'."
        if not problem and identity in others:
            problem = f"The id '{identity}' is taken already."
        if problem:
            raise ProjectError(problem)
        items[identity] = item
    if len(items) > most:
        raise ProjectError(f"There can be at most {most} of these in a network.")
    return dict(sorted(items.items()))


def _group_of(project: Project, item: str) -> str:
    graph = project.graph
    found = graph.notes.get(item) or graph.arrows.get(item) or node_of(project, item)
    return found.group
