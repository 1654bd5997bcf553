"""A node may be called like anything that a torch module or the network itself has: it is built, trained and kept."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from nnviz.network.network import Network
from nnviz.project.graph.wiring import id_problem
from nnviz.project.model import Edge, Graph, Node, PortRef
from nnviz.project.samples.sketch import chain, features, linear, output, relu


def attributes() -> list[str]:
    """Of a module as it is made and of a network as it is built and used, as far as an id may look like that."""
    network = Network(chain(features(4), linear(3), relu(), linear(2), output()))
    network.train()
    network(torch.zeros(2, 4)).sum().backward()
    own = {name for name in dir(network) if name not in network._modules}
    names = own | set(dir(nn.Module())) | set(dir(Network)) | set(vars(network)) | {"random_state", "weight", "bias"}
    return sorted(name for name in names if not id_problem(name))


def named(name: str) -> Graph:
    """A chain with one layer of this name, with weights."""
    nodes = [
        Node("in1", "input", {"shape": (4,)}),
        Node(name, "linear", {"out_features": 3}),
        Node("last", "linear", {"out_features": 2}),
        Node("out1", "output"),
    ]
    ids = [node.id for node in nodes]
    wires = tuple(Edge(PortRef(one), PortRef(other, 0)) for one, other in itertools.pairwise(ids))
    return Graph({node.id: node for node in nodes}, wires)


def test_there_are_names_to_try() -> None:
    assert {"random_state", "graph", "chain", "forward", "float", "training"} <= set(attributes())


@pytest.mark.parametrize("name", attributes())
def test_a_node_may_bear_the_name_of_any_attribute(name: str) -> None:
    plain = Network(named("layer"), seed=3)
    network = Network(named(name), seed=3)
    assert network.node_ids == ("in1", name, "last", "out1")
    assert isinstance(network.module_of(name), nn.Linear)
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
    assert torch.equal(network(x), plain(x))
    assert torch.equal(network.random_state, plain.random_state)
    state = network.state_dict()
    prefix = network.module_name(name)
    assert set(state) == {f"{prefix}.weight", f"{prefix}.bias", "last.weight", "last.bias"}
    network.load_state_dict(state)
    network.eval().train().zero_grad()
    network.forward_all(x)


def test_a_name_and_the_same_with_the_prefix_are_two_nodes() -> None:
    graph = named("random_state")
    nodes = {**graph.nodes, "node_random_state": Node("node_random_state", "linear", {"out_features": 3})}
    wires = (
        Edge(PortRef("in1"), PortRef("random_state", 0)),
        Edge(PortRef("random_state"), PortRef("node_random_state", 0)),
        Edge(PortRef("node_random_state"), PortRef("last", 0)),
        Edge(PortRef("last"), PortRef("out1", 0)),
    )
    network = Network(Graph(nodes, wires))
    assert network.module_of("random_state") is not network.module_of("node_random_state")
    assert len(network.state_dict()) == 6


def test_names_in_older_runs_are_what_they_were() -> None:
    """The keys of a state dict in a file are a promise."""
    before = {"float": "node_float", "graph": "node_graph", "input_id": "node_input_id", "layer1": "layer1"}
    for name, key in before.items():
        assert Network(named(name)).module_name(name) == key
