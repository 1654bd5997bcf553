"""The compiled plan computes what the graph says, in any acyclic graph, and keeps nothing longer than it must."""

from __future__ import annotations

import copy
import gc
import itertools
import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from nnviz.errors import ProjectError
from nnviz.network.network import Network
from nnviz.project.checks.shapes import infer, inputs_of
from nnviz.project.model import Edge, Graph, Node, PortRef
from nnviz.project.samples.sketch import chain, conv, dropout, features, flatten, image, linear, output, pool, relu
from nnviz.project.samples.templates import sample, samples


def wire(source: str, target: str, port: int = 0) -> Edge:
    return Edge(PortRef(source), PortRef(target, port))


def graph_of(nodes: list[Node], wires: list[tuple[str, str, int]]) -> Graph:
    return Graph({node.id: node for node in nodes}, tuple(wire(*ends) for ends in wires))


@st.composite
def acyclic_graphs(draw: st.DrawFn) -> Graph:
    """Layers of four features wired to anything before them, joins with two to four wires, some leading nowhere."""
    nodes = [Node("input1", "input", {"shape": (4,)})]
    wires: list[tuple[str, str, int]] = []
    for index in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(["linear", "relu", "tanh", "add", "multiply"]))
        name = f"node{index}"
        nodes.append(Node(name, kind, {"out_features": 4} if kind == "linear" else {}))
        count = draw(st.integers(2, 4)) if kind in ("add", "multiply") else 1
        for port in range(count):
            source = nodes[draw(st.integers(0, len(nodes) - 2))].id
            wires.append((source, name, port))
    nodes.append(Node("output1", "output"))
    wires.append((nodes[draw(st.integers(0, len(nodes) - 2))].id, "output1", 0))
    return graph_of(nodes, wires)


def computed_slowly(network: Network, graph: Graph, x: Tensor) -> dict[str, Tensor]:
    """Every node by recursion over the wires."""
    values: dict[str, Tensor] = {}

    def value(node_id: str) -> Tensor:
        if node_id not in values:
            if graph.nodes[node_id].kind == "input":
                values[node_id] = x
            else:
                values[node_id] = network.module_of(node_id)(*[value(source) for source in inputs_of(graph, node_id)])
        return values[node_id]

    for node_id in graph.nodes:
        value(node_id)
    return values


@settings(max_examples=60)
@given(acyclic_graphs())
def test_any_acyclic_graph_computes_what_its_wires_say(graph: Graph) -> None:
    network = Network(graph, seed=1)
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    expected = computed_slowly(network, graph, x)
    assert torch.equal(network(x), expected["output1"])
    everything = network.forward_all(x)
    assert set(everything) == set(graph.nodes)
    for node_id, value in everything.items():
        assert torch.equal(value, expected[node_id])


@settings(max_examples=30)
@given(acyclic_graphs())
def test_gradients_are_those_of_the_graph(graph: Graph) -> None:
    network = Network(graph, seed=1)
    x = torch.randn(3, 4)
    parameters = list(network.parameters())
    if not parameters:
        return
    planned = torch.autograd.grad(network(x).sum(), parameters, allow_unused=True) if network(x).requires_grad else ()
    slow = computed_slowly(network, graph, x)["output1"]
    recursive = torch.autograd.grad(slow.sum(), parameters, allow_unused=True) if slow.requires_grad else ()
    assert len(planned) == len(recursive)
    for one, other in zip(planned, recursive, strict=True):
        assert (one is None) == (other is None)
        assert one is None or torch.allclose(one, other, equal_nan=True)


def test_a_chain_takes_the_road_of_sequential() -> None:
    network = Network(chain(image(1, 8, 8), conv(4, 3), relu(), pool(), flatten(), linear(10), output()))
    assert network._chain is not None
    x = torch.randn(2, 1, 8, 8)
    modules = [network.module_of(node) for node in network.node_ids if network.kind_of(node) not in ("input", "output")]
    assert torch.equal(network(x), nn.Sequential(*modules)(x))


def test_an_output_wired_to_the_input_passes_it_on() -> None:
    graph = graph_of([Node("input1", "input", {"shape": (2,)}), Node("output1", "output")], [("input1", "output1", 0)])
    x = torch.randn(3, 2)
    assert torch.equal(Network(graph)(x), x)


def test_one_value_may_enter_a_join_twice() -> None:
    graph = graph_of(
        [Node("input1", "input", {"shape": (2,)}), Node("add1", "add"), Node("output1", "output")],
        [("input1", "add1", 0), ("input1", "add1", 1), ("add1", "output1", 0)],
    )
    assert torch.equal(Network(graph)(torch.ones(1, 2)), torch.full((1, 2), 2.0))


def test_join_inputs_come_in_the_order_of_their_ports() -> None:
    graph = graph_of(
        [
            Node("input1", "input", {"shape": (2,)}),
            Node("tanh1", "tanh"),
            Node("concatenate1", "concatenate"),
            Node("output1", "output"),
        ],
        [
            ("tanh1", "concatenate1", 1),
            ("input1", "concatenate1", 0),
            ("input1", "tanh1", 0),
            ("concatenate1", "output1", 0),
        ],
    )
    x = torch.tensor([[5.0, 6.0]])
    assert torch.equal(Network(graph)(x), torch.cat([x, x.tanh()], 1))


def test_intermediate_values_are_let_go_as_soon_as_they_are_used() -> None:
    """A long skip keeps its own value; what lies in between dies at once."""
    names = [f"relu{index}" for index in range(5)]
    graph = graph_of(
        [
            Node("input1", "input", {"shape": (4,)}),
            *[Node(name, "relu") for name in names],
            Node("add1", "add"),
            Node("output1", "output"),
        ],
        [
            ("input1", "relu0", 0),
            *[(before, after, 0) for before, after in itertools.pairwise(names)],
            ("relu0", "add1", 0),
            ("relu4", "add1", 1),
            ("add1", "output1", 0),
        ],
    )
    network = Network(graph)
    alive: list[int] = []
    seen: list[weakref.ref[Tensor]] = []

    def look(module: nn.Module, inputs: object, result: Tensor) -> None:
        seen.append(weakref.ref(result))
        alive.append(sum(reference() is not None for reference in seen))

    for name in names:
        network.module_of(name).register_forward_hook(look)
    gc.disable()
    try:
        with torch.no_grad():
            network(torch.ones(1, 4))
    finally:
        gc.enable()
    assert max(alive) <= 3, "more than the skip, an input and an output were alive at one time"


def test_wanted_nodes_alone_are_given_and_nothing_unneeded_is_computed() -> None:
    network = Network(chain(features(4), linear(4), relu(), linear(4), output()))
    calls: list[str] = []
    for node_id in network.node_ids:
        network.module_of(node_id).register_forward_hook(lambda *_, node_id=node_id: calls.append(node_id))
    assert set(network.forward_all(torch.ones(1, 4), {"relu1"})) == {"relu1"}
    assert calls == ["linear1", "relu1"]


def test_ids_that_torch_uses_itself_get_a_prefix() -> None:
    names = ["train", "float", "forward", "parameters", "graph", "training"]
    nodes = [Node("input", "input", {"shape": (3,)}), *[Node(name, "linear", {"out_features": 3}) for name in names]]
    nodes.append(Node("output", "output"))
    ids = [node.id for node in nodes]
    graph = graph_of(nodes, [(before, after, 0) for before, after in itertools.pairwise(ids)])
    network = Network(graph)
    assert network.module_name("train") == "node_train"
    assert network.module_of("train") is network.get_submodule("node_train")
    assert {name.partition(".")[0] for name in network.state_dict()} == {f"node_{name}" for name in names}
    assert network(torch.ones(2, 3)).shape == (2, 3)


def test_state_dict_keys_are_the_ids_of_the_nodes() -> None:
    network = Network(chain(features(4), linear(3), relu(), linear(2), output()))
    assert list(network.state_dict()) == ["linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias"]


def test_a_branch_that_leads_nowhere_is_built_but_not_trained() -> None:
    graph = graph_of(
        [
            Node("input1", "input", {"shape": (4,)}),
            Node("linear1", "linear", {"out_features": 2}),
            Node("linear2", "linear", {"out_features": 5}),
            Node("output1", "output"),
        ],
        [("input1", "linear1", 0), ("input1", "linear2", 0), ("linear1", "output1", 0)],
    )
    network = Network(graph)
    network(torch.ones(1, 4)).sum().backward()
    assert network.get_submodule("linear2").weight.grad is None
    assert network.forward_all(torch.ones(1, 4))["linear2"].shape == (1, 5)


@pytest.mark.parametrize(
    ("nodes", "wires", "sentence"),
    [
        ([Node("output1", "output")], [], "has no input"),
        ([Node("input1", "input", {"shape": (2,)})], [], "has no output"),
        ([Node("input1", "input", {"shape": (2,)}), Node("output1", "output")], [], "not reached"),
        (
            [Node("input1", "input", {"shape": (2,)}), Node("output1", "output"), Node("output2", "output")],
            [("input1", "output1", 0)],
            "2 nodes of the kind output",
        ),
    ],
)
def test_what_is_no_network_is_refused(nodes: list[Node], wires: list[tuple[str, str, int]], sentence: str) -> None:
    with pytest.raises(ProjectError, match=sentence):
        Network(graph_of(nodes, wires))


def test_a_copy_is_independent_and_computes_the_same() -> None:
    network = Network(sample("digits-cnn").graph).eval()
    copied = copy.deepcopy(network)
    x = torch.randn(2, 1, 28, 28)
    assert torch.equal(network(x), copied(x))
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.zero_()
    assert not torch.equal(network(x), copied(x))


_SMALL_SAMPLES = [info.name for info in samples() if infer(sample(info.name).graph).parameters < 3_000_000]


@pytest.mark.parametrize("name", _SMALL_SAMPLES)
def test_every_small_sample_computes_its_inferred_shapes(name: str) -> None:
    project = sample(name)
    inference = infer(project.graph)
    network = Network(project.graph, inference).eval()
    assert sum(parameter.numel() for parameter in network.parameters()) == inference.parameters
    shape = inference.results[network.input_id].output
    with torch.no_grad():
        outputs = network.forward_all(torch.rand(2, *shape))
    assert {node: tuple(value.shape[1:]) for node, value in outputs.items()} == {
        node: result.output for node, result in inference.results.items()
    }


def test_dropout_is_known_to_draw_random_numbers() -> None:
    assert Network(chain(features(4), dropout(0.5), linear(2), output())).draws_random_numbers
    assert not Network(chain(features(4), linear(2), output())).draws_random_numbers


def test_a_card_that_is_not_wired_in_is_in_no_network_and_disturbs_no_instrument() -> None:
    whole = sample("digits-cnn").graph
    loose = Node("loose", "conv2d", {})
    behind = Node("behind", "relu", {})
    graph = Graph({**whole.nodes, "loose": loose, "behind": behind}, (*whole.edges, wire("loose", "behind")))
    network = Network(graph)
    assert network.graph == whole
    assert set(network.graph.nodes) == set(network.node_ids)
    for node_id in network.graph.nodes:
        network.module_of(node_id)
