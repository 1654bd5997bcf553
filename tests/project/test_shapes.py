"""Inference over whole graphs: branches, broken graphs, and only what changed computed again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnviz.project import registry
from nnviz.project.checks import shapes
from nnviz.project.checks.shapes import Inference, infer, infer_from, inputs_of
from nnviz.project.model import Edge, Graph, Node, Params, ParamValue, PortRef, Shape
from nnviz.project.spec import LayerSpec, ShapeResult


def graph_of(
    nodes: dict[str, tuple[str, dict[str, ParamValue]]], wires: Sequence[tuple[str, str] | tuple[str, str, int]]
) -> Graph:
    return Graph(
        {name: Node(name, kind, params) for name, (kind, params) in nodes.items()},
        tuple(Edge(PortRef(wire[0]), PortRef(wire[1], wire[2] if len(wire) == 3 else 0)) for wire in wires),
    )


def residual() -> Graph:
    return graph_of(
        {
            "input": ("input", {"shape": (3, 8, 8)}),
            "conv1": ("conv2d", {"out_channels": 3, "padding": (1, 1)}),
            "add1": ("add", {}),
            "concat1": ("concatenate", {}),
            "flatten1": ("flatten", {}),
            "linear1": ("linear", {"out_features": 10}),
            "output": ("output", {}),
        },
        [
            ("input", "conv1"),
            ("conv1", "add1", 0),
            ("input", "add1", 1),
            ("add1", "concat1", 0),
            ("conv1", "concat1", 1),
            ("concat1", "flatten1"),
            ("flatten1", "linear1"),
            ("linear1", "output"),
        ],
    )


def test_branches_and_joins() -> None:
    found = infer(residual())
    assert found.order == ("input", "conv1", "add1", "concat1", "flatten1", "linear1", "output")
    assert found.shape("concat1") == (6, 8, 8) and found.shape("output") == (10,)
    assert found.parameters == 3 * 3 * 9 + 3 + 384 * 10 + 10
    assert found.macs == 81 * 64 + 3840
    assert found.inputs["concat1"] == ("add1", "conv1") == tuple(inputs_of(residual(), "concat1"))
    assert found.input_shapes("concat1") == ((3, 8, 8), (3, 8, 8)) and not found.problems
    assert found.input_shapes("input") == ()


def test_ports_not_wires_give_the_order_of_inputs() -> None:
    graph = graph_of(
        {"b": ("input", {"shape": (2,)}), "a": ("input", {"shape": (3,)}), "join": ("concatenate", {})},
        [("a", "join", 5), ("b", "join", 2)],
    )
    assert infer(graph).inputs["join"] == ("b", "a") and inputs_of(graph, "join") == ["b", "a"]


def test_one_value_used_twice_counts_twice() -> None:
    graph = graph_of(
        {"a": ("input", {"shape": (2,)}), "join": ("concatenate", {})}, [("a", "join", 0), ("a", "join", 1)]
    )
    assert infer(graph).shape("join") == (4,)


def test_what_can_be_computed_of_a_broken_graph_is() -> None:
    graph = graph_of(
        {
            "input": ("input", {"shape": (1, 8, 8)}),
            "pool1": ("max_pool2d", {}),
            "linear1": ("linear", {}),
            "relu1": ("relu", {}),
            "round1": ("relu", {}),
            "round2": ("relu", {}),
            "behind": ("relu", {}),
            "alone": ("relu", {}),
            "half": ("add", {}),
            "crowded": ("relu", {}),
            "stranger": ("quantum", {}),
            "wrong": ("dropout", {"probability": 3}),
            "hanging": ("relu", {}),
        },
        [
            ("input", "pool1"),
            ("pool1", "linear1"),
            ("linear1", "relu1"),
            ("round1", "round2"),
            ("round2", "round1"),
            ("round2", "behind"),
            ("input", "half"),
            ("input", "crowded", 0),
            ("pool1", "crowded", 1),
            ("input", "stranger"),
            ("input", "wrong"),
            ("nobody", "hanging"),
            ("input", "nowhere"),
        ],
    )
    found = infer(graph)
    assert set(found.results) == {"input", "pool1"}
    assert set(found.problems) == {"linear1", "stranger", "wrong"}
    assert str(found.problems["linear1"]) == "Linear expects a flat input and gets 1×4×4."
    assert str(found.problems["wrong"]) == "probability is 3, but must be a number from 0 to 1."
    assert "no layer 'quantum'" in str(found.problems["stranger"])
    assert set(graph.nodes) - set(found.order) == {"round1", "round2", "behind"}
    assert found.input_shapes("relu1") is None and found.shape("relu1") is None


def test_no_graph_no_trouble() -> None:
    found = infer(Graph())
    assert found.order == () and found.parameters == 0 and found.macs == 0


def same(found: Inference, expected: Inference) -> None:
    assert found.results == expected.results
    assert {node: str(problem) for node, problem in found.problems.items()} == {
        node: str(problem) for node, problem in expected.problems.items()
    }
    assert found.order == expected.order and found.inputs == expected.inputs
    assert (found.parameters, found.macs) == (expected.parameters, expected.macs)


def long_chain(count: int) -> Graph:
    nodes: dict[str, tuple[str, dict[str, ParamValue]]] = {"input": ("input", {"shape": (3, 64, 64)})}
    for number in range(1, count // 2):
        nodes[f"conv{number}"] = ("conv2d", {"out_channels": 8 + number % 5, "padding": (1, 1)})
        nodes[f"relu{number}"] = ("relu", {})
    names = list(nodes)
    return graph_of(nodes, list(pairwise(names)))


def set_params(graph: Graph, node: str, params: Params) -> Graph:
    return Graph({**graph.nodes, node: Node(node, graph.nodes[node].kind, params)}, graph.edges)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds whose rules run from now on."""
    ran: list[str] = []

    def counting(kind: str, original: Callable[[str], object] = registry.layer) -> object:
        ran.append(kind)
        return original(kind)

    monkeypatch.setattr(registry, "layer", counting)
    return ran


def test_only_what_is_downstream_and_differs_is_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = long_chain(500)
    before = infer(graph)
    ran = counted(monkeypatch)

    moved = Graph({**graph.nodes, "conv5": Node("conv5", "conv2d", graph.nodes["conv5"].params, x=9.0)}, graph.edges)
    same(infer_from(moved, before, {"conv5"}), before)
    assert ran == ["conv2d"]  # named, so computed; its output is the same, so nothing behind it is

    ran.clear()
    assert infer_from(moved, before).results == before.results
    assert ran == []  # a card that was only moved costs nothing

    changed = set_params(graph, "conv5", {"out_channels": 99, "padding": (1, 1)})
    ran.clear()
    after = infer_from(changed, before, {"conv5"})
    assert ran == ["conv2d", "relu", "conv2d"]  # conv6 has more parameters, but its output is what it was
    monkeypatch.undo()
    same(after, infer(changed))


def test_equal_layers_ask_their_rule_once_and_get_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    layer = registry.layer

    @cache
    def watched(kind: str) -> LayerSpec:
        spec = layer(kind)

        def rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
            asked.append(kind)
            return spec.rule(values, shapes)

        return replace(spec, rule=rule)

    monkeypatch.setattr(registry, "layer", watched)
    found = infer(long_chain(500))
    assert list(found.results) == list(found.graph.nodes) and 0 < len(asked) < 20
    for name, result in found.results.items():
        node = found.graph.nodes[name]
        spec = layer(node.kind)
        assert spec.rule(spec.values(node.params), found.input_shapes(name) or ()) == result


def test_other_parameters_of_the_same_node_are_read_anew() -> None:
    graph = residual()
    found = infer(graph)
    for value, problem in ((5, False), (-1, True), (7, False), (True, True), (9, False)):
        graph = set_params(graph, "linear1", {"out_features": value})
        found = infer_from(graph, found)
        same(found, infer(graph))
        assert ("linear1" in found.problems) is problem, value
        assert found.shape("output") == (None if problem else (value,))
    gone = replace_edges(Graph({"input": graph.nodes["input"]}), ())
    assert set(infer_from(gone, found).readings) == {"input"}


def test_weights_that_were_written_down_are_not_kept_for_the_answer() -> None:
    def with_weights(last: float) -> Graph:
        weights = tuple((0.5, last) for _ in range(3))
        params: dict[str, ParamValue] = {"out_features": 3, "weight_initialisation": "given", "weight_values": weights}
        return graph_of({"input": ("input", {"shape": (2,)}), "linear1": ("linear", params)}, [("input", "linear1")])

    before = shapes._answer.cache_info().currsize
    infer(with_weights(0.25))
    known = shapes._answer.cache_info().currsize
    assert infer(with_weights(0.75)).shape("linear1") == (3,)
    assert shapes._answer.cache_info().currsize == known <= before + 1


@settings(max_examples=60)
@given(st.data())
def test_incremental_inference_equals_inference_from_nothing(data: st.DataObject) -> None:
    graph = residual()
    found = infer(graph)
    for _ in range(data.draw(st.integers(1, 6))):
        graph = data.draw(st.sampled_from(EDITS))(graph, data)
        found = infer_from(graph, found)
        same(found, infer(graph))


def test_the_same_nodes_added_in_another_order_are_another_order() -> None:
    nodes = {name: Node(name, "relu") for name in "ab"}
    found = infer_from(Graph(dict(reversed(nodes.items()))), infer(Graph(nodes)))
    assert found.order == ("b", "a")


def _edit_params(graph: Graph, data: st.DataObject) -> Graph:
    name = data.draw(st.sampled_from(sorted(graph.nodes)))
    kind = graph.nodes[name].kind
    choices: dict[str, list[dict[str, ParamValue]]] = {
        "input": [{"shape": (3, 8, 8)}, {"shape": (1, 2, 2)}, {"shape": (7,)}],
        "conv2d": [{"out_channels": 3}, {"out_channels": 3, "padding": (1, 1)}, {"kernel_size": (9, 9)}],
        "linear": [{"out_features": 1}, {"out_features": 20, "bias": False}],
    }
    return set_params(graph, name, data.draw(st.sampled_from(choices.get(kind, [{}]))))


def _edit_wires(graph: Graph, data: st.DataObject) -> Graph:
    if graph.edges and data.draw(st.booleans()):
        gone = data.draw(st.integers(0, len(graph.edges) - 1))
        return replace_edges(graph, graph.edges[:gone] + graph.edges[gone + 1 :])
    names = sorted(graph.nodes)
    source, target = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(names))
    return replace_edges(graph, (*graph.edges, Edge(PortRef(source), PortRef(target, data.draw(st.integers(0, 2))))))


def _edit_nodes(graph: Graph, data: st.DataObject) -> Graph:
    if len(graph.nodes) > 1 and data.draw(st.booleans()):
        gone = data.draw(st.sampled_from(sorted(graph.nodes)))
        return Graph({name: node for name, node in graph.nodes.items() if name != gone}, graph.edges)
    kind = data.draw(st.sampled_from(["relu", "linear", "add", "input"]))
    name = registry.free_id(kind, graph.nodes)
    return Graph({**graph.nodes, name: Node(name, kind)}, graph.edges)


def replace_edges(graph: Graph, edges: tuple[Edge, ...]) -> Graph:
    return Graph(graph.nodes, edges)


EDITS = [_edit_params, _edit_wires, _edit_nodes]
