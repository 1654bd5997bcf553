"""What a wire would do to the shapes, tried beforehand."""

from __future__ import annotations

from msgspec.structs import replace

from nnviz.project.checks.shapes import infer
from nnviz.project.checks.trial import bridges_of, misfit, unfit_bridges
from nnviz.project.edits import Connect, can_connect
from nnviz.project.model import Edge, Graph, Node, PortRef, Project


def edge(source: str, target: str, port: int = 0) -> Edge:
    return Edge(PortRef(source), PortRef(target, port))


NODES = {
    node.id: node
    for node in (
        Node("input", "input", {"shape": (4, 12, 12)}),
        Node("conv", "conv2d", {"out_channels": 8, "padding": (1, 1)}),
        Node("same", "conv2d", {"out_channels": 4, "padding": (1, 1)}),
        Node("add", "add"),
        Node("relu", "relu"),
        Node("flatten", "flatten"),
        Node("linear", "linear"),
    )
}
ADDING = Graph(NODES, (edge("input", "conv"), edge("input", "same"), edge("input", "add"), edge("add", "relu")))
ROW = Graph(NODES, (edge("input", "conv"), edge("conv", "flatten"), edge("flatten", "linear")))


def test_a_sum_of_unequal_shapes_is_told_with_both() -> None:
    wire = edge("conv", "add", 1)
    assert not can_connect(ADDING, wire.source, wire.target), "it may be drawn"
    told = misfit(ADDING, wire, infer(ADDING))
    assert told == "Add needs inputs of one shape and gets 4×12×12 and 8×12×12."
    after = Connect(wire).apply(Project(graph=ADDING)).graph
    assert str(infer(after).problems["add"]) == told


def test_what_fits_is_not_doubted() -> None:
    assert misfit(ADDING, edge("same", "add", 1), infer(ADDING)) == ""
    assert misfit(ROW, edge("linear", "relu"), infer(ROW)) == ""


def test_a_layer_further_down_may_be_the_one_that_does_not_fit() -> None:
    graph = replace(ROW, edges=(*ROW.edges[:2], edge("relu", "linear")))
    told = misfit(graph, edge("conv", "relu"), infer(graph))
    assert told == "Linear expects a flat input and gets 8×12×12."


def test_what_was_wrong_before_is_no_news() -> None:
    broken = replace(ROW, edges=(*ROW.edges[:2], edge("conv", "linear")))
    assert infer(broken).problems
    assert misfit(broken, edge("input", "relu"), infer(broken)) == ""
    assert misfit(broken, edge("input", "linear"), infer(broken)), "a wire into the broken layer itself is"


def test_a_gap_is_closed_where_the_shapes_fit() -> None:
    project = Project(graph=ROW)
    assert unfit_bridges(project, ["conv"], infer(ROW)) == {}
    assert unfit_bridges(project, ["flatten"], infer(ROW)) == {
        edge("conv", "linear"): "Linear expects a flat input and gets 8×12×12."
    }
    assert bridges_of(ROW, replace(ROW, edges=ROW.edges[:2])) == ()
    assert bridges_of(replace(ROW, edges=ROW.edges[:2]), ROW) == ROW.edges[2:]
