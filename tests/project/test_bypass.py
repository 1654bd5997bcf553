"""Layers that are left out: what the network computes is that of the graph with an Identity in their place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from msgspec.structs import replace as changed
from strategies import graphs

from nnviz.errors import ProjectError
from nnviz.project import registry
from nnviz.project.edits import Bypass
from nnviz.project.graph.bypass import IDENTITY, bypass_problem, computation, effective, effective_graph
from nnviz.project.graph.groups import trail
from nnviz.project.graph.wiring import wires_into
from nnviz.project.model import Edge, Graph, Group, Node, PortRef, Project
from nnviz.project.samples.templates import sample


def joined() -> Graph:
    """a, b -> add (ports 1 and 0) -> output"""
    nodes = {name: Node(name, kind) for name, kind in (("a", "relu"), ("b", "tanh"), ("add", "add"), ("out", "output"))}
    edges = (Edge(PortRef("a"), PortRef("add", 1)), Edge(PortRef("b"), PortRef("add", 0)))
    return Graph(nodes, (*edges, Edge(PortRef("add"), PortRef("out"))))


@hypothesis_settings(max_examples=150)
@given(graphs(10))
def test_only_bypassed_nodes_and_their_further_inputs_differ(graph: Graph) -> None:
    computed = effective_graph(graph)
    assert list(computed.nodes) == list(graph.nodes)
    for node in graph.nodes.values():
        there = computed.nodes[node.id]
        if not node.bypassed:
            assert there is node
            continue
        assert (there.kind, dict(there.params)) == (IDENTITY, {})
        before, after = wires_into(graph, node.id), wires_into(computed, node.id)
        assert [edge.source for edge in after] == [edge.source for edge in before[:1]]
        assert all(edge.target.port == 0 for edge in after)
    kept = [edge for edge in graph.edges if not graph.nodes[edge.target.node].bypassed]
    assert [edge for edge in computed.edges if not graph.nodes[edge.target.node].bypassed] == kept
    assert computation(computed) == computation(graph)
    assert effective_graph(computed) == computed or any(node.bypassed for node in computed.nodes.values())


def test_a_join_passes_on_its_first_input_whatever_the_order_of_the_wires() -> None:
    graph = joined()
    graph = changed(graph, nodes={**graph.nodes, "add": changed(graph.nodes["add"], bypassed=True)})
    assert [edge.source.node for edge in wires_into(effective_graph(graph), "add")] == ["b"]


def test_without_bypassed_nodes_nothing_is_made_anew() -> None:
    project = Project(graph=joined())
    assert effective(project) is project


@pytest.mark.parametrize("kind", ["input", "output"])
def test_the_ends_cannot_be_left_out(kind: str) -> None:
    project = Project(graph=Graph({"end": Node("end", kind)}))
    assert bypass_problem(project.graph.nodes["end"])
    with pytest.raises(ProjectError, match="nothing to pass on"):
        Bypass({"end": True}).apply(project)
    assert Bypass({"end": False}).apply(project) == project


def test_all_between_the_ends_can_be_left_out() -> None:
    able = {kind for kind in registry.layers() if not bypass_problem(Node("n", kind))}
    assert able == registry.layers().keys() - {"input", "output"}
    assert bypass_problem(Node("n", "warp"))


def test_names_places_groups_and_notes_compute_nothing() -> None:
    graph = sample("resnet18").graph
    nodes = {key: changed(node, name="x", x=1.0, y=2.0, group="all") for key, node in graph.nodes.items()}
    assert computation(changed(graph, nodes=nodes, groups={"all": Group("all")})) == computation(graph)
    assert trail(graph, "layer1_0") == ("layer1", "layer1_0")
    other = {**graph.nodes, "relu1": changed(graph.nodes["relu1"], bypassed=True)}
    assert computation(changed(graph, nodes=other)) != computation(graph)
