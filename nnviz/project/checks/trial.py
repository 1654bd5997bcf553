"""What a change of the wires would do to the shapes, tried on a graph that nobody sees."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace as changed

from nnviz.project.checks.shapes import Inference, infer_from
from nnviz.project.edits import RemoveNodes
from nnviz.project.graph.bypass import effective_graph
from nnviz.project.model import Edge, Graph, Project


def misfit(graph: Graph, edge: Edge, inference: Inference) -> str:
    """What would no longer fit if a wire were drawn, as a sentence with the numbers; empty where all fits.

    Args:
        graph: Without the wire. One that ends at the same input gives way to it.
        edge: One that ``can_connect`` allows.
        inference: Shapes of the network as it is; what is wrong already is no news.
    """
    edges = tuple(other for other in graph.edges if other.target != edge.target)
    trial = effective_graph(changed(graph, edges=(*edges, edge)))
    after = infer_from(trial, inference)
    news = [node for node in after.order if node in after.problems and node not in inference.problems]
    # Drawn anew to a layer that was refused before, it is this wire's fault as much as that of the one before.
    if edge.target.node in after.problems and edge.target.node not in news:
        news.insert(0, edge.target.node)
    return str(after.problems[news[0]]) if news else ""


def unfit_bridges(project: Project, ids: Sequence[str], inference: Inference) -> dict[Edge, str]:
    """Of the wires that would close the gap when nodes are taken out: those whose layer would not take them, and why.

    Args:
        project: With the nodes.
        ids: The nodes to be taken out.
        inference: Shapes of the network as it is.
    """
    after = RemoveNodes(tuple(ids), rejoin=True).apply(project).graph
    bridges = bridges_of(project.graph, after)
    if not bridges:
        return {}
    problems = infer_from(effective_graph(after), inference).problems
    return {
        edge: str(problems[edge.target.node])
        for edge in bridges
        if edge.target.node in problems and edge.target.node not in inference.problems
    }


def bridges_of(before: Graph, after: Graph) -> tuple[Edge, ...]:
    """The wires that are new in a graph."""
    there = set(before.edges)
    return tuple(edge for edge in after.edges if edge not in there)
