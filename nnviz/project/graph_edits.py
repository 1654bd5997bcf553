"""Edits of what is wired to what, and of where the cards lie. Import them from ``edits.py``."""
# ruff: noqa: D102 - what the methods do is said once, in Edit.

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from msgspec.structs import replace as changed

from nnviz.errors import ProjectError
from nnviz.project import registry
from nnviz.project.edit import Edit, Several, listed, node_of, with_graph
from nnviz.project.graph.bypass import bypass_problem
from nnviz.project.graph.wiring import can_connect, check_wires, free_port, id_problem, ids_of, shortened, wire_into
from nnviz.project.model import Arrow, Edge, Graph, Group, Node, Note, PortRef, Project
from nnviz.project.text import name_problem

_Item = TypeVar("_Item")
#: Cards lie within this distance of the origin along each axis.
FARTHEST = 1e6


@dataclass(frozen=True)
class AddNodes(Edit):
    """Puts nodes and wires into the graph; every wire must touch one of the new nodes.

    Attributes:
        nodes: With ids that are free (see :func:`new_id`).
        at, edges_at: Positions in the new order of all nodes and of all wires, ascending; empty means at the end.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()
    at: tuple[int, ...] = ()
    edges_at: tuple[int, ...] = ()

    @property
    def title(self) -> str:
        return f"Add {listed(node.id for node in self.nodes)}"

    def apply(self, project: Project) -> Project:
        graph = project.graph
        taken = ids_of(graph)
        added: dict[str, Node] = {}
        for node in self.nodes:
            problem = id_problem(node.id)
            if not problem and (node.id in taken or node.id in added):
                problem = f"The id '{node.id}' is taken already."
            if not problem and node.group and node.group not in graph.groups:
                problem = f"There is no group '{shortened(node.group)}' for {node.id}."
            if problem:
                raise ProjectError(problem)
            added[node.id] = _normal(node)
        for edge in self.edges:
            if edge.source.node not in added and edge.target.node not in added:
                raise ProjectError(f"The wire from {edge.source.node} to {edge.target.node} touches no new node.")
        nodes = list(graph.nodes.values())
        _insert(nodes, tuple(added.values()), self.at)
        edges = list(graph.edges)
        _insert(edges, self.edges, self.edges_at)
        result = changed(graph, nodes={node.id: node for node in nodes}, edges=tuple(edges))
        if self.edges:
            check_wires(result, added)
        return with_graph(project, result)

    def invert(self, before: Project) -> Edit:
        return RemoveNodes(tuple(node.id for node in self.nodes), gesture=self.gesture)


def _normal(node: Node) -> Node:
    """The node as a file would give it back: its kind by its present name, every value in its normal form.

    Raises:
        ProjectError: Its kind, a parameter or its name is not allowed, or its place is out of bounds.
    """
    spec = registry.layer(node.kind)
    problem = name_problem(node.name) or (bypass_problem(node) if node.bypassed else "")
    if problem:
        raise ProjectError(problem)
    check_place(node.id, node.x, node.y)
    params = {name: spec.param(name).parse(value) for name, value in node.params.items()}
    return changed(node, kind=spec.kind, params=params)


def check_place(node_id: str, x: float, y: float) -> None:
    """Refuses a place that is too far away or no number.

    Raises:
        ProjectError: With the place.
    """
    if not (abs(x) <= FARTHEST and abs(y) <= FARTHEST):  # Also refuses NaN.
        raise ProjectError(f"The card {node_id} cannot lie at ({x:g}, {y:g}).")


def _insert(into: list[_Item], items: tuple[_Item, ...], at: tuple[int, ...]) -> None:
    if not at:
        into.extend(items)
        return
    for position, item in zip(at, items, strict=True):
        into.insert(position, item)


@dataclass(frozen=True)
class RemoveNodes(Edit):
    """Takes nodes out of the graph, with all their wires.

    Attributes:
        rejoin: Wire what stood before a removed node to what stood behind it, where the node had one input wire only;
            so a layer taken out of the middle of a chain leaves a chain.
    """

    ids: tuple[str, ...]
    rejoin: bool = False

    @property
    def title(self) -> str:
        return f"Remove {listed(self.ids)}"

    def apply(self, project: Project) -> Project:
        for node_id in self.ids:
            node_of(project, node_id)
        gone = set(self.ids)
        nodes = {node_id: node for node_id, node in project.graph.nodes.items() if node_id not in gone}
        bridges = self._bridges(project.graph)
        edges: list[Edge] = []
        for edge in project.graph.edges:
            if edge in bridges:
                edges.append(bridges[edge])
            elif edge.source.node not in gone and edge.target.node not in gone:
                edges.append(edge)
        return with_graph(project, changed(project.graph, nodes=nodes, edges=tuple(edges)))

    def _bridges(self, graph: Graph) -> dict[Edge, Edge]:
        """For wires from a removed node to one that stays: the wire that takes its place, where there is one."""
        if not self.rejoin:
            return {}
        gone = set(self.ids)
        inputs: dict[str, list[Edge]] = {}
        for edge in graph.edges:
            if edge.target.node in gone:
                inputs.setdefault(edge.target.node, []).append(edge)
        bridges: dict[Edge, Edge] = {}
        for edge in graph.edges:
            if edge.source.node not in gone or edge.target.node in gone:
                continue
            source, passed = edge.source, set[str]()
            while source.node in gone and source.node not in passed and len(inputs.get(source.node, ())) == 1:
                passed.add(source.node)
                source = inputs[source.node][0].source
            if source.node not in gone:
                bridges[edge] = Edge(source, edge.target)
        return bridges

    def invert(self, before: Project) -> Edit:
        gone = set(self.ids)
        nodes = [(at, node) for at, node in enumerate(before.graph.nodes.values()) if node.id in gone]
        edges = [
            (at, edge)
            for at, edge in enumerate(before.graph.edges)
            if edge.source.node in gone or edge.target.node in gone
        ]
        restored = AddNodes(
            nodes=tuple(node for _, node in nodes),
            edges=tuple(edge for _, edge in edges),
            at=tuple(at for at, _ in nodes),
            edges_at=tuple(at for at, _ in edges),
            gesture=self.gesture,
        )
        bridges = tuple(Disconnect(edge) for edge in self._bridges(before.graph).values())
        return Several((*bridges, restored), restored.title, gesture=self.gesture) if bridges else restored


@dataclass(frozen=True)
class Connect(Edit):
    """Draws a wire. One that ends at the same input is replaced and the new one takes its place in the order.

    Attributes:
        at: Position in the new order of all wires; None means at the end.
    """

    edge: Edge
    at: int | None = None

    @property
    def title(self) -> str:
        return f"Connect {self.edge.source.node} to {self.edge.target.node}"

    def apply(self, project: Project) -> Project:
        reason = can_connect(project.graph, self.edge.source, self.edge.target)
        if reason:
            raise ProjectError(reason)
        edges = list(project.graph.edges)
        old = wire_into(project.graph, self.edge.target)
        if old is not None:
            edges[edges.index(old)] = self.edge
        else:
            edges.insert(len(edges) if self.at is None else self.at, self.edge)
        return with_graph(project, changed(project.graph, edges=tuple(edges)))

    def invert(self, before: Project) -> Edit:
        old = wire_into(before.graph, self.edge.target)
        return Disconnect(self.edge, gesture=self.gesture) if old is None else Connect(old, gesture=self.gesture)


@dataclass(frozen=True)
class Disconnect(Edit):
    """Takes a wire away; the other inputs of a join keep their port numbers."""

    edge: Edge

    @property
    def title(self) -> str:
        return f"Disconnect {self.edge.source.node} from {self.edge.target.node}"

    def apply(self, project: Project) -> Project:
        self._position(project)
        edges = tuple(edge for edge in project.graph.edges if edge != self.edge)
        return with_graph(project, changed(project.graph, edges=edges))

    def invert(self, before: Project) -> Edit:
        return Connect(self.edge, self._position(before), gesture=self.gesture)

    def _position(self, project: Project) -> int:
        if self.edge not in project.graph.edges:
            raise ProjectError(f"There is no wire from {self.edge.source.node} to {self.edge.target.node}.")
        return project.graph.edges.index(self.edge)


@dataclass(frozen=True)
class InsertOnEdge(Edit):
    """Drops a node onto a wire: the wire is cut and the node stands between its ends.

    The node may be new, or one that is in the graph already with its first output and an input free to be used; then
    only its position is taken from ``node``.
    """

    node: Node
    edge: Edge

    @property
    def title(self) -> str:
        return f"Insert {self.node.id} between {self.edge.source.node} and {self.edge.target.node}"

    def apply(self, project: Project) -> Project:
        at = Disconnect(self.edge)._position(project)
        cut = Disconnect(self.edge).apply(project)
        if self.node.id in cut.graph.nodes:
            cut = Move({self.node.id: (self.node.x, self.node.y)}).apply(cut)
        else:
            cut = AddNodes((self.node,)).apply(cut)
        into, out_of = self._halves(cut.graph)
        return Connect(out_of, at + 1).apply(Connect(into, at).apply(cut))

    def _halves(self, cut: Graph) -> tuple[Edge, Edge]:
        """The two wires that take the place of the one that was cut."""
        port = free_port(cut, self.node.id) if self.node.id in cut.nodes else 0
        if port is None:
            spec = registry.layer(cut.nodes[self.node.id].kind)
            raise ProjectError(
                f"{spec.title} takes no wire: it is where the network begins."
                if spec.max_inputs == 0
                else f"Every input of {self.node.id} has a wire already."
            )
        return Edge(self.edge.source, PortRef(self.node.id, port)), Edge(PortRef(self.node.id), self.edge.target)

    def invert(self, before: Project) -> Edit:
        back = Connect(self.edge, Disconnect(self.edge)._position(before))
        old = before.graph.nodes.get(self.node.id)
        if old is None:
            steps: tuple[Edit, ...] = (RemoveNodes((self.node.id,)), back)
        else:
            into, out_of = self._halves(Disconnect(self.edge).apply(before).graph)
            steps = (Disconnect(out_of), Disconnect(into), Move({old.id: (old.x, old.y)}), back)
        return Several(steps, f"Take {self.node.id} out of the wire", gesture=self.gesture)


@dataclass(frozen=True)
class Move(Edit):
    """Puts cards to new places: id of a node, a group, a note or an arrow -> top left corner (an arrow's tail).

    A group's place is that of its card; its members are moved by naming them too.
    """

    positions: Mapping[str, tuple[float, float]]

    @property
    def title(self) -> str:
        return f"Move {listed(self.positions)}"

    def apply(self, project: Project) -> Project:
        graph = project.graph
        nodes: dict[str, Node] = {}
        groups: dict[str, Group] = {}
        notes: dict[str, Note] = {}
        arrows: dict[str, Arrow] = {}
        for item, (x, y) in self.positions.items():
            check_place(item, x, y)
            if item in graph.groups:
                groups[item] = changed(graph.groups[item], x=float(x), y=float(y))
            elif item in graph.notes:
                notes[item] = changed(graph.notes[item], x=float(x), y=float(y))
            elif item in graph.arrows:
                arrows[item] = changed(graph.arrows[item], x=float(x), y=float(y))
            else:
                nodes[item] = changed(node_of(project, item), x=float(x), y=float(y))
        if nodes:
            graph = changed(graph, nodes={**graph.nodes, **nodes})
        if groups:
            graph = changed(graph, groups={**graph.groups, **groups})
        if notes:
            graph = changed(graph, notes={**graph.notes, **notes})
        if arrows:
            graph = changed(graph, arrows={**graph.arrows, **arrows})
        return with_graph(project, graph)

    def invert(self, before: Project) -> Edit:
        return replace(self, positions={item: _place_of(before, item) for item in self.positions})

    def target(self) -> Hashable:
        return "positions"

    def joined(self, later: Edit) -> Edit | None:
        if not isinstance(later, Move):
            return None
        return replace(later, positions={**self.positions, **later.positions})


def _place_of(project: Project, item: str) -> tuple[float, float]:
    graph = project.graph
    found = graph.groups.get(item) or graph.notes.get(item) or graph.arrows.get(item) or node_of(project, item)
    return found.x, found.y
