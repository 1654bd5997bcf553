"""What is suggested fits: the layer that is added has no shape error, and none that fits is left out."""

from __future__ import annotations

import strategies
from hypothesis import given, settings
from hypothesis import strategies as st

from nnviz.project import registry
from nnviz.project.checks.shapes import infer
from nnviz.project.checks.suggestions import Suggestion, after_shape, every_layer, feeders, followers
from nnviz.project.edits import AddNodes, new_id
from nnviz.project.model import Edge, Graph, Node, PortRef, Project

SHAPES = st.one_of(
    st.tuples(st.integers(1, 600)),
    st.tuples(st.integers(1, 40), st.integers(1, 60)),
    st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40)),
)


def with_row(graph: Graph, source: str, kinds: tuple[str, ...]) -> tuple[Graph, list[str]]:
    """The layers of a suggestion behind a node; a join gets the same output at each input that it needs."""
    ids: list[str] = []
    nodes, edges = [], []
    for kind in kinds:
        ids.append(new_id(graph, kind, ids))
        nodes.append(Node(ids[-1], kind))
        inputs = range(max(1, registry.layer(kind).min_inputs))
        edges += [Edge(PortRef(ids[-2] if len(ids) > 1 else source), PortRef(ids[-1], port)) for port in inputs]
    return AddNodes(tuple(nodes), tuple(edges)).apply(Project(graph=graph)).graph, ids


def image(*shape: int) -> Graph:
    return Graph({"input": Node("input", "input", {"shape": tuple(shape)})}, ())


@given(SHAPES)
@settings(max_examples=60, deadline=None)
def test_what_follows_takes_the_shape_and_gives_what_is_said(shape: tuple[int, ...]) -> None:
    graph = image(*shape)
    offered = followers(graph, PortRef("input"), infer(graph))
    for suggestion in offered:
        after, ids = with_row(graph, "input", suggestion.kinds)
        known = infer(after)
        assert not set(ids) & set(known.problems)
        assert known.shape(ids[-1]) == suggestion.shape
    direct = {suggestion.kinds[-1] for suggestion in offered if len(suggestion.kinds) == 1}
    for spec in registry.layers().values():
        if spec.max_inputs and spec.kind not in direct:
            after, ids = with_row(graph, "input", (spec.kind,))
            assert ids[0] in infer(after).problems


@given(strategies.graphs())
@settings(max_examples=60, deadline=None)
def test_any_graph_can_be_asked(graph: Graph) -> None:
    inference = infer(graph)
    for node in graph.nodes.values():
        spec = registry.layer(node.kind)
        if spec.outputs:
            titles = [suggestion.title for suggestion in followers(graph, PortRef(node.id), inference)]
            assert titles and len(titles) == len(set(titles))
        if spec.max_inputs:
            assert all(len(suggestion.kinds) == 1 for suggestion in feeders(graph, PortRef(node.id), inference))


def test_the_usual_followers_come_first() -> None:
    graph, (conv,) = with_row(image(1, 28, 28), "input", ("conv2d",))
    offered = followers(graph, PortRef(conv), infer(graph))
    assert [suggestion.title for suggestion in offered[:3]] == ["ReLU", "BatchNorm2d", "MaxPool2d"]
    linear = next(suggestion for suggestion in offered if suggestion.kinds[-1] == "linear")
    assert linear == Suggestion(("flatten", "linear"), (64,))
    assert "input" not in {suggestion.kinds[-1] for suggestion in offered}


def test_an_unknown_shape_takes_everything() -> None:
    graph = Graph({"relu1": Node("relu1", "relu")}, ())
    offered = followers(graph, PortRef("relu1"), infer(graph))
    assert {suggestion.kinds[-1] for suggestion in offered} == {
        spec.kind for spec in registry.layers().values() if spec.max_inputs
    }


def test_what_feeds_a_join_gives_what_its_other_input_gets() -> None:
    nodes = {"input": Node("input", "input", {"shape": (8, 12, 12)}), "add1": Node("add1", "add")}
    graph = Graph(nodes, (Edge(PortRef("input"), PortRef("add1")),))
    offered = {suggestion.kinds[-1] for suggestion in feeders(graph, PortRef("add1", 1), infer(graph))}
    assert {"relu", "batch_norm2d", "dropout2d"} <= offered
    assert not {"linear", "flatten", "conv1d", "output"} & offered


def test_what_was_used_of_late_is_listed_first_and_once() -> None:
    listed = [suggestion.kinds[-1] for suggestion in every_layer((4, 9, 9), ["tanh", "linear", "tanh", "no_layer"])]
    assert listed[:2] == ["tanh", "linear"]
    assert sorted(listed) == sorted(registry.layers())


def test_a_layer_that_does_not_fit_says_why_with_the_numbers() -> None:
    assert after_shape("linear", (4, 9, 9)).problem == "Linear expects a flat input and gets 4×9×9."


def test_the_usual_followers_are_layers() -> None:
    kinds = {kind for spec in registry.layers().values() for kind in spec.followers}
    assert kinds <= set(registry.layers())
