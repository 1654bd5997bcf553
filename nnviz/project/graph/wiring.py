"""Questions about a graph as drawn: which ids are free, which wires are allowed, where a circle runs.

Plain functions over :class:`Graph`. They work on broken graphs too, because a file or a half-made edit may be one.
Each takes time in proportion to the nodes and wires; nothing recurses, so depth is no limit.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Container, Iterable
from functools import lru_cache

from msgspec.structs import replace as changed

from nnviz.errors import ProjectError
from nnviz.project import registry
from nnviz.project.model import Edge, Graph, PortRef

LONGEST_ID = 64
MOST_NODES = 10_000
MOST_EDGES = 100_000
_ID = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
#: An id is also an attribute in exported scripts and the last part of a series name (``loss/train``).
RESERVED_IDS = frozenset(keyword.kwlist) | {"self", "train", "validation", "test", "pinned"}


def id_problem(node_id: str) -> str:
    """Why this cannot be a node's id, as a sentence; empty when it can."""
    if isinstance(node_id, str) and len(node_id) <= LONGEST_ID:
        return _short_id_problem(node_id)
    return _id_problem(node_id)


def _id_problem(node_id: str) -> str:
    if not isinstance(node_id, str) or not _ID.fullmatch(node_id):
        return (
            f"'{shortened(str(node_id))}' cannot be a node's id: it must start with a lower case letter "
            "and hold only lower case letters, digits and '_'."
        )
    if len(node_id) > LONGEST_ID:
        return f"'{shortened(node_id)}' is too long for a node's id: at most {LONGEST_ID} characters."
    if node_id in RESERVED_IDS:
        return f"'{node_id}' is a reserved word and cannot be a node's id: call it '{node_id}1'."
    return ""


#: Asked of every node after every edit.
_short_id_problem = lru_cache(2 * MOST_NODES)(_id_problem)


def shortened(text: str, longest: int = 40) -> str:
    """The text on one line, cut where it is long and with control characters written out, for use in a sentence."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in cut)


def new_id(graph: Graph, kind: str, taken: Iterable[str] = ()) -> str:
    """A free id for a new node of this kind: ``conv2`` for conv2d where there is a ``conv1``.

    Args:
        graph: Whose ids are taken.
        kind: Key of the layer.
        taken: Ids that are given away already but do not stand in the graph yet.
    """
    return registry.free_id(kind, {*ids_of(graph), *taken})


def new_id_of(graph: Graph, stem: str) -> str:
    """A free id for what is no layer: ``group1``, ``note2``, ``arrow1``."""
    return registry.numbered(stem, ids_of(graph))


def ids_of(graph: Graph) -> set[str]:
    """Every id that is taken: of nodes, groups, notes and arrows."""
    return {*graph.nodes, *graph.groups, *graph.notes, *graph.arrows}


def wires_into(graph: Graph, node: str) -> tuple[Edge, ...]:
    """The wires that end at a node, in port order."""
    return tuple(sorted((edge for edge in graph.edges if edge.target.node == node), key=lambda edge: edge.target.port))


def wires_out_of(graph: Graph, node: str) -> tuple[Edge, ...]:
    """The wires that start at a node, in the order they were drawn."""
    return tuple(edge for edge in graph.edges if edge.source.node == node)


def wire_into(graph: Graph, target: PortRef) -> Edge | None:
    """The wire that ends at this input port: a port takes one."""
    return next((edge for edge in graph.edges if edge.target == target), None)


def free_port(graph: Graph, node: str) -> int | None:
    """The lowest input port of a node without a wire; None when it takes no more."""
    used = {edge.target.port for edge in graph.edges if edge.target.node == node}
    return next((port for port in range(registry.layer(graph.nodes[node].kind).max_inputs) if port not in used), None)


def reaches(edges: Iterable[Edge], start: str, goal: str) -> bool:
    """Whether a way along the wires leads from one node to the other (a node reaches itself)."""
    followers: dict[str, list[str]] = {}
    for edge in edges:
        followers.setdefault(edge.source.node, []).append(edge.target.node)
    waiting, seen = [start], {start}
    while waiting:
        node = waiting.pop()
        if node == goal:
            return True
        for follower in followers.get(node, ()):
            if follower not in seen:
                seen.add(follower)
                waiting.append(follower)
    return False


def find_cycle(graph: Graph) -> tuple[str, ...]:
    """The nodes of one circle in the direction of the wires, or nothing when the graph has none."""
    sources: dict[str, list[str]] = {node: [] for node in graph.nodes}
    followers: dict[str, list[str]] = {node: [] for node in graph.nodes}
    for edge in graph.edges:
        if edge.source.node in sources and edge.target.node in sources:
            sources[edge.target.node].append(edge.source.node)
            followers[edge.source.node].append(edge.target.node)
    open_inputs = {node: len(before) for node, before in sources.items()}
    ready = [node for node, count in open_inputs.items() if count == 0]
    while ready:
        for follower in followers[ready.pop()]:
            open_inputs[follower] -= 1
            if open_inputs[follower] == 0:
                ready.append(follower)
    # What is left lies on a circle or behind one, so walking backwards among it must meet a node twice.
    left = {node for node, count in open_inputs.items() if count > 0}
    if not left:
        return ()
    node = min(left)
    trail: dict[str, int] = {}
    while node not in trail:
        trail[node] = len(trail)
        node = next(source for source in sources[node] if source in left)
    circle = list(trail)[trail[node] :]
    return tuple(reversed(circle))


def can_connect(graph: Graph, source: PortRef | str, target: PortRef | str) -> str:
    """Why a wire may not be drawn from an output to an input, as a sentence; empty when it may.

    An input port that has a wire is no obstacle: the new wire takes its place. Given as a node id, the source is its
    first output and the target its first free input, or its only one.
    """
    source, target = as_source(source), as_target(graph, target)
    for end in (source, target):
        if end.node not in graph.nodes:
            return f"There is no node '{shortened(end.node)}'."
    giver = registry.layer(graph.nodes[source.node].kind)
    taker = registry.layer(graph.nodes[target.node].kind)
    if not 0 <= source.port < giver.outputs:
        if giver.outputs == 0:
            return f"{giver.title} has no output: it is the end of the network."
        return f"{giver.title} has only {giver.outputs} output."
    if taker.max_inputs == 0:
        return f"{taker.title} takes no wire: it is where the network begins."
    if not 0 <= target.port < taker.max_inputs:
        return f"{taker.title} takes at most {taker.max_inputs} {'wire' if taker.max_inputs == 1 else 'wires'}."
    if source.node == target.node:
        return f"{taker.title} cannot be wired to itself."
    if Edge(source, target) in graph.edges:
        return "This wire is there already."
    others = [edge for edge in graph.edges if edge.target != target]
    if reaches(others, target.node, source.node):
        return f"That would make a circle: {target.node} already leads to {source.node}."
    return ""


def as_source(end: PortRef | str) -> PortRef:
    """The output port that is meant."""
    return PortRef(end) if isinstance(end, str) else end


def as_target(graph: Graph, end: PortRef | str) -> PortRef:
    """The input port that is meant: of a node's id its first free one; port 0 when it has one only and that is taken.

    A full join gives the port one past its last, which :func:`can_connect` refuses with the number it takes.
    """
    if not isinstance(end, str):
        return end
    if end not in graph.nodes:
        return PortRef(end)
    port = free_port(graph, end)
    if port is None:
        most = registry.layer(graph.nodes[end].kind).max_inputs
        port = 0 if most <= 1 else most
    return PortRef(end, port)


def check_wires(graph: Graph, added: Container[str]) -> None:
    """Refuses a graph with a wire that hangs in the air, a doubly used input or a circle.

    Args:
        graph: To be looked at.
        added: Nodes that are new: the wires that touch one of them are looked at one by one.

    Raises:
        ProjectError: The first thing wrong, as a sentence.
    """
    used: set[PortRef] = set()
    for edge in graph.edges:
        if edge.target in used:
            raise ProjectError(f"Two wires end at input {edge.target.port + 1} of {edge.target.node}.")
        used.add(edge.target)
        if edge.source.node not in added and edge.target.node not in added:
            continue
        without = changed(graph, edges=())
        reason = can_connect(without, edge.source, edge.target)
        if reason:
            raise ProjectError(f"The wire from {edge.source.node} to {edge.target.node} cannot be: {reason}")
    circle = find_cycle(graph)
    if circle:
        raise ProjectError(f"The wires run in a circle: {' → '.join((*circle, circle[0]))}.")
