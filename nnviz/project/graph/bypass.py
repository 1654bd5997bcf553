"""Nodes that are left out for the time being, and what the network computes without them.

A bypassed node keeps its place, parameters and wires. What is computed is the *effective* graph, in which an Identity
stands in its place and passes on what comes in at its first input; so shapes, checks, torch and the instruments need to
know nothing of bypassing, and series, submodules and cards keep their ids.
"""

from __future__ import annotations

from msgspec.structs import replace as changed

from nnviz.project import registry
from nnviz.project.model import Edge, Graph, Node, Params, Project

#: The kind that stands in for a bypassed node.
IDENTITY = "identity"


def bypass_problem(node: Node) -> str:
    """Why this node cannot be bypassed, as a sentence; empty when it can."""
    if node.kind not in registry.layers():
        return f"{node.id} is of a kind that is not known."
    spec = registry.layer(node.kind)
    if spec.max_inputs == 0 or spec.outputs == 0:
        return f"{spec.title} stands at an end of the network: there is nothing to pass on."
    return ""


def effective_graph(graph: Graph) -> Graph:
    """The graph that is computed; the graph itself where nothing is bypassed. Nodes that are not keep their object."""
    bypassed = {node.id for node in graph.nodes.values() if node.bypassed and not bypass_problem(node)}
    if not bypassed:
        return graph
    nodes = {
        identity: changed(node, kind=IDENTITY, params={}) if identity in bypassed else node
        for identity, node in graph.nodes.items()
    }
    first: dict[str, Edge] = {}
    for edge in graph.edges:
        node_id = edge.target.node
        if node_id in bypassed and (node_id not in first or edge.target.port < first[node_id].target.port):
            first[node_id] = edge
    edges: list[Edge] = []
    for edge in graph.edges:
        if edge.target.node not in bypassed:
            edges.append(edge)
        elif edge is first[edge.target.node]:
            edges.append(changed(edge, target=changed(edge.target, port=0)))
    return changed(graph, nodes=nodes, edges=tuple(edges))


def effective(project: Project) -> Project:
    """The project with the graph that is computed; the project itself where nothing is bypassed."""
    graph = effective_graph(project.graph)
    return project if graph is project.graph else changed(project, graph=graph)


def computation(graph: Graph) -> tuple[dict[str, tuple[str, Params]], frozenset[Edge]]:
    """What a graph computes, for comparing: kinds, parameters and wires, not names, places, groups or notes."""
    graph = effective_graph(graph)
    return {key: (node.kind, dict(node.params)) for key, node in graph.nodes.items()}, frozenset(graph.edges)


def same_computation(first: Graph, second: Graph) -> bool:
    """Whether two graphs have the same :func:`computation`; quick where one is the other after an edit."""
    first, second = effective_graph(first), effective_graph(second)
    if first.nodes.keys() != second.nodes.keys():
        return False
    pairs = ((node, second.nodes[key]) for key, node in first.nodes.items())
    if any(one is not other and (one.kind, one.params) != (other.kind, other.params) for one, other in pairs):
        return False
    return first.edges is second.edges or frozenset(first.edges) == frozenset(second.edges)
