"""Layers as text: what copy puts on the clipboard and paste takes from it.

The text is JSON that a person can read, send and paste into another window. Nothing in it is trusted: kinds are keys
into the registry, parameters go through their ParamSpecs, sizes are bounded.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from nnviz.errors import InputError, ProjectError
from nnviz.project import registry
from nnviz.project.drawing.grouping import copied
from nnviz.project.edit import listed
from nnviz.project.edits import AddNodes, Annotate, Edit, Regroup, Several
from nnviz.project.graph.bypass import bypass_problem
from nnviz.project.graph.wiring import ids_of
from nnviz.project.group_edits import group_problem, item_problem
from nnviz.project.model import Arrow, Edge, Graph, Group, Node, Note, ParamValue, PortRef
from nnviz.project.text import clean_name

_VERSION = 2
_Item = TypeVar("_Item", Node, Group, Note, Arrow)

#: Largest text that paste looks at.
LONGEST_TEXT = 4 * 2**20
MOST_NODES = 5_000
_DEEPEST_LIST = 4


class _ClipNode(msgspec.Struct):
    """A node as it comes from a text, before its parameters have been checked."""

    id: str
    kind: str
    params: dict[str, object] = {}
    name: str = ""
    x: float = 0.0
    y: float = 0.0
    group: str = ""
    bypassed: bool = False
    frozen: bool = False


class _Clip(msgspec.Struct):
    """``nnviz_layers`` is the version of this format; since 2 it holds groups, notes and arrows."""

    nnviz_layers: int
    nodes: list[_ClipNode] = []
    edges: list[Edge] = []
    groups: list[Group] = []
    notes: list[Note] = []
    arrows: list[Arrow] = []


def to_text(graph: Graph, ids: Iterable[str]) -> str:
    """Some nodes, groups with all that stands in them, notes and arrows, and the wires between them, as text."""
    chosen = copied(graph, ids)
    nodes = [
        _ClipNode(
            node.id,
            node.kind,
            dict(node.params),
            node.name,
            node.x,
            node.y,
            node.group,
            node.bypassed,
            node.frozen,
        )
        for node in chosen.nodes.values()
    ]
    groups, notes, arrows = list(chosen.groups.values()), list(chosen.notes.values()), list(chosen.arrows.values())
    clip = _Clip(_VERSION, nodes, list(chosen.edges), groups, notes, arrows)
    return msgspec.json.format(msgspec.json.encode(clip), indent=1).decode()


def from_text(text: str, graph: Graph) -> Graph:
    """What a text holds, as a graph of its own whose ids are free in ``graph``.

    Raises:
        InputError: The text holds no layers, or some that cannot be; the message says so in a sentence.
    """
    if len(text) > LONGEST_TEXT:
        raise InputError("The clipboard holds too much text to be layers.")
    try:
        clip = msgspec.json.decode(text, type=_Clip)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise InputError(_no_layers(text)) from None
    if clip.nnviz_layers not in range(1, _VERSION + 1):
        raise InputError("The layers on the clipboard come from a newer nnviz.")
    count = len(clip.nodes) + len(clip.groups) + len(clip.notes) + len(clip.arrows)
    if count > MOST_NODES:
        raise InputError(f"The clipboard holds {count} layers and notes; at most {MOST_NODES} can be pasted at once.")
    names = _new_names(clip, graph)
    nodes = {names[node.id]: _node(node, names) for node in clip.nodes}
    edges = [
        Edge(PortRef(names[edge.source.node], edge.source.port), PortRef(names[edge.target.node], edge.target.port))
        for edge in clip.edges
        if edge.source.node in names and edge.target.node in names
    ]
    groups = [replace(item, id=names[item.id], parent=names.get(item.parent, "")) for item in clip.groups]
    notes = [replace(item, id=names[item.id], group=names.get(item.group, "")) for item in clip.notes]
    arrows = [replace(item, id=names[item.id], group=names.get(item.group, "")) for item in clip.arrows]
    items: list[Group | Note | Arrow] = [*groups, *notes, *arrows]
    problem = next((found for item in items if (found := item_problem(item))), "")
    if problem:
        raise ProjectError(problem)
    pasted = Graph(
        nodes,
        tuple(edges),
        {item.id: item for item in groups},
        {item.id: item for item in notes},
        {item.id: item for item in arrows},
    )
    problem = group_problem(pasted)
    if problem:
        raise ProjectError(problem)
    return pasted


def top_of(pasted: Graph) -> tuple[Node | Group | Note | Arrow, ...]:
    """What stands in no group of what is pasted."""
    loose = [item for items in (pasted.nodes, pasted.notes, pasted.arrows) for item in items.values() if not item.group]
    return (*loose, *(group for group in pasted.groups.values() if not group.parent))


def paste_edit(pasted: Graph, across: float, down: float, root: str = "") -> Edit:
    """The edit that adds what is pasted, moved by so much, into the group ``root``."""

    def placed(item: _Item) -> _Item:
        return replace(item, x=item.x + across, y=item.y + down)

    groups = {key: replace(placed(item), parent=item.parent or root) for key, item in pasted.groups.items()}
    nodes = tuple(replace(placed(item), group=item.group or root) for item in pasted.nodes.values())
    notes = {key: replace(placed(item), group=item.group or root) for key, item in pasted.notes.items()}
    arrows = {key: replace(placed(item), group=item.group or root) for key, item in pasted.arrows.items()}
    edits: list[Edit] = []
    if groups:
        edits.append(Regroup(groups))
    if nodes:
        edits.append(AddNodes(nodes, pasted.edges))
    if notes or arrows:
        edits.append(Annotate(notes, arrows))
    what = listed(pasted.nodes) if pasted.nodes else "notes"
    return edits[0] if len(edits) == 1 and nodes else Several(tuple(edits), f"Add {what}")


def _new_names(clip: _Clip, graph: Graph) -> dict[str, str]:
    """For each id of a text one that is free."""
    names: dict[str, str] = {}
    taken: set[str] = ids_of(graph)
    tried: dict[str, int] = {}
    items: list[_ClipNode | Group | Note | Arrow] = [*clip.nodes, *clip.groups, *clip.notes, *clip.arrows]
    for item in items:
        if item.id in names or not (math.isfinite(item.x) and math.isfinite(item.y)):
            raise ProjectError("The layers on the clipboard are damaged.")
        if isinstance(item, _ClipNode):
            identity = registry.free_id(item.kind, taken, tried)
        else:
            identity = registry.numbered(type(item).__name__.lower(), taken, tried)
        names[item.id] = identity
        taken.add(identity)
    return names


def _node(node: _ClipNode, names: Mapping[str, str]) -> Node:
    spec = registry.layer(node.kind)
    given = {name: _tuples(value) for name, value in node.params.items()}
    checked = spec.values(given)
    params = {name: checked[name] for name in given}
    group = names.get(node.group, "")
    made = Node(
        names[node.id], spec.kind, params, clean_name(node.name), node.x, node.y, group, node.bypassed, node.frozen
    )
    return replace(made, bypassed=False) if made.bypassed and bypass_problem(made) else made


def _no_layers(text: str) -> str:
    """Why a text is none of layers."""
    begins, ends = text.lstrip().startswith("{"), text.rstrip().endswith("}")
    if '"nnviz_layers"' not in text:
        return "The clipboard holds no layers."
    if not (begins and ends):
        return "The clipboard holds layers and other words: copy only what stands from the first { to the last }."
    return "The layers on the clipboard are damaged."


def _tuples(value: object, depth: int = 0) -> ParamValue:
    """JSON has lists where parameters have tuples; no parameter has lists deep inside each other."""
    if isinstance(value, list | tuple) and depth < _DEEPEST_LIST:
        return tuple(_tuples(item, depth + 1) for item in value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ProjectError("The layers on the clipboard are damaged.")
