"""Ranges of outputs: what is declared, what follows from it along the wires, and that torch agrees."""

from __future__ import annotations

import pytest
import torch

from nnviz.network.network import Network
from nnviz.project.checks.ranges import output_ranges
from nnviz.project.checks.shapes import infer
from nnviz.project.model import Edge, Graph, Node, PortRef
from nnviz.project.samples import sketch, templates


def two_branches(first: str, second: str, join: str) -> Graph:
    nodes = [
        Node("input", "input", {"shape": (4,)}), Node("a", first), Node("b", second), Node("join", join),
        Node("output", "output", {"loss": "mse"}),
    ]  # fmt: skip
    wires = [("input", "a", 0), ("input", "b", 0), ("a", "join", 0), ("b", "join", 1), ("join", "output", 0)]
    edges = tuple(Edge(PortRef(source, 0), PortRef(target, port)) for source, target, port in wires)
    return Graph({node.id: node for node in nodes}, edges)


@pytest.mark.parametrize(
    ("first", "second", "join", "expected"),
    [
        ("relu", "relu", "add", "not_negative"),
        ("sigmoid", "sigmoid", "add", "not_negative"),
        ("sigmoid", "relu", "concatenate", "not_negative"),
        ("sigmoid", "tanh", "concatenate", "symmetric"),
        ("sigmoid", "tanh", "multiply", "symmetric"),
        ("sigmoid", "sigmoid", "multiply", "unit"),
        ("relu", "tanh", "concatenate", "any"),
        ("tanh", "tanh", "add", "any"),
        ("relu", "gelu", "add", "any"),
    ],
)
def test_joins_know_what_their_inputs_have_in_common(first: str, second: str, join: str, expected: str) -> None:
    graph = two_branches(first, second, join)
    assert output_ranges(graph, infer(graph))["join"] == expected


def test_images_are_light_and_what_pools_put_out_keeps_its_sign() -> None:
    graph = sketch.chain(
        sketch.image(1, 8, 8), sketch.pool(), sketch.flatten(), sketch.plain("sigmoid"), sketch.dropout(0.5),
        sketch.linear(3), sketch.output(),
    )  # fmt: skip
    found = list(output_ranges(graph, infer(graph)).values())
    assert found == ["not_negative"] * 3 + ["unit", "not_negative", "any", "any"]


@pytest.mark.parametrize("name", ["cnn-32-64", "mlp-784-800-sigmoid", "xnor-two-layer", "digits-cnn"])
def test_what_torch_computes_stays_in_its_range(name: str) -> None:
    project = templates.sample(name)
    inference = infer(project.graph)
    network = Network(project.graph, inference).train()
    with torch.no_grad():
        outputs = network.forward_all(torch.rand(16, *inference.results[network.input_id].output))
    for node, found in output_ranges(project.graph, inference).items():
        low, high = outputs[node].min().item(), outputs[node].max().item()
        assert low >= {"any": -1e30, "symmetric": -1.0}.get(found, 0.0), node
        assert high <= {"unit": 1.0, "symmetric": 1.0}.get(found, 1e30), node
