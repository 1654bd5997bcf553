"""The copy of a live network calls every module, computes the same, and leaves the live one alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from nnviz.explain.at_rest import NODE, NetworkAtRest, network_at_rest
from nnviz.network.chain import DenseChain
from nnviz.network.losses import LossFunction
from nnviz.network.network import Network
from nnviz.project.graph.bypass import effective
from nnviz.project.model import Edge, Graph, Node, PortRef
from nnviz.project.samples.templates import sample, samples

#: From so many multiplications on, shapes are computed and no numbers: what is called does not depend on them.
LARGE = 50_000_000


@cache
def made(name: str) -> tuple[Network, Tensor]:
    """The network of a sample and one example of noise for it."""
    network = Network(effective(sample(name)).graph)
    shape = network.inference.results[network.input_id].output
    inputs = torch.rand(1, *shape, generator=torch.Generator().manual_seed(3))
    if network.inference.macs > LARGE:
        network, inputs = network.to("meta"), inputs.to("meta")
    return network, inputs


@pytest.fixture(params=[item.name for item in samples()])
def of_sample(request: pytest.FixtureRequest) -> Iterator[tuple[Network, Tensor]]:
    network, inputs = made(request.param)
    state = torch.get_rng_state()
    yield network, inputs
    assert torch.equal(torch.get_rng_state(), state)
    assert network.training and not any(module._forward_hooks for module in network.modules())


def test_forward_hooks_see_every_module(of_sample: tuple[Network, Tensor]) -> None:
    network, inputs = of_sample
    at_rest = network_at_rest(network, copied=False)
    seen: list[str] = []
    for node in network.node_ids:
        at_rest.module_of(node).register_forward_hook(lambda *_, node=node: seen.append(node))
    with torch.no_grad():
        outputs = at_rest(inputs)
    assert sorted(seen) == sorted(network.node_ids)
    assert outputs.shape[1:] == network.inference.results[network.output_id].output
    if not inputs.is_meta:
        network.eval()
        with torch.no_grad():
            assert torch.equal(outputs, network(inputs))
        network.train()


def test_tools_of_torch_fx_see_every_module(of_sample: tuple[Network, Tensor]) -> None:
    """An Interpreter, the shapes that ShapeProp finds, and a trace of a trace."""
    network, inputs = of_sample
    at_rest = network_at_rest(network, copied=False)
    called: list[str] = []

    class Watcher(fx.Interpreter):
        def run_node(self, n: fx.Node) -> object:
            if n.op == "call_module":
                called.append(n.meta[NODE])
            return super().run_node(n)

    with torch.no_grad():
        Watcher(at_rest.module).run(inputs)
        ShapeProp(at_rest.module).propagate(inputs)
    assert sorted(called) == sorted(network.node_ids)
    for node in at_rest.module.graph.nodes:
        if node.op == "call_module":
            assert tuple(node.meta["tensor_meta"].shape[1:]) == network.inference.results[node.meta[NODE]].output

    class OurModules(fx.Tracer):
        def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
            return True

    again = OurModules().trace(at_rest.module)
    found = [node.target for node in again.nodes if node.op == "call_module"]
    assert sorted(found) == sorted(at_rest.names.values())


@pytest.mark.parametrize("name", ["xnor-two-layer", "spiral", "digits-cnn"])
def test_an_attribution_library_sees_every_layer(name: str) -> None:
    captum = pytest.importorskip("captum.attr", reason="Captum is no dependency; the next test goes the same way")
    network, inputs = made(name)
    at_rest = network_at_rest(network)
    for node in network.node_ids:
        found = captum.LayerActivation(at_rest.module, at_rest.module_of(node)).attribute(inputs)
        assert found.shape[1:] == network.inference.results[node].output


def test_the_way_of_an_attribution_library_finds_every_layer(of_sample: tuple[Network, Tensor]) -> None:
    """What Captum's LayerActivation and LayerGradientXActivation do: hooks on submodules by name, a call, autograd."""
    network, inputs = of_sample
    at_rest = network_at_rest(network, copied=False)
    kept: dict[str, Tensor] = {}
    submodules = dict(at_rest.module.named_modules())
    for node in network.node_ids:
        # An input that a module passes on is an output of its own to whoever watches that module.
        submodules[at_rest.names[node]].register_forward_hook(
            lambda module, given, output, node=node: kept.setdefault(node, output.clone())
        )
    outputs = at_rest(inputs.clone().requires_grad_())
    assert kept.keys() == set(network.node_ids)
    for node, value in kept.items():
        assert value.shape[1:] == network.inference.results[node].output
    (gradient,) = torch.autograd.grad(outputs.sum(), kept[network.input_id])
    assert gradient.shape == inputs.shape


def test_the_live_network_calls_hardly_any_module_while_it_trains() -> None:
    """The trap for which all this is there."""
    network, inputs = made("spiral")
    short_way = DenseChain.of(network)
    assert short_way is not None
    seen: list[str] = []
    handles = [
        network.module_of(node).register_forward_hook(lambda *_, node=node: seen.append(node))
        for node in network.node_ids
    ]
    short_way(LossFunction("bce_logits", "binary", 1, 0.0), inputs, torch.ones(1, dtype=torch.long))
    assert seen == []
    for handle in handles:
        handle.remove()


# ---- the copy and the live one -------------------------------------------------------------------------------------


def normalised() -> Graph:
    """A split way with batch normalisation and dropout, a side way that leads nowhere, and ids that are reserved."""
    nodes = (
        Node("input", "input", {"shape": (6,)}),
        Node("graph", "linear", {"out_features": 4}),
        Node("code", "batch_norm1d", {}),
        Node("dead_end", "dropout", {"probability": 0.5}),
        Node("drop", "dropout", {"probability": 0.5}),
        Node("sum", "add", {}),
        Node("output", "output", {}),
    )
    wires = (
        ("input", "graph"), ("graph", "dead_end"), ("graph", "code"), ("code", "drop"), ("drop", "sum", 0),
        ("graph", "sum", 1), ("sum", "output"),
    )  # fmt: skip
    edges = tuple(Edge(PortRef(wire[0]), PortRef(wire[1], *wire[2:])) for wire in wires)
    return Graph({node.id: node for node in nodes}, edges)


def states_equal(one: nn.Module, other: nn.Module) -> bool:
    first, second = one.state_dict().values(), other.state_dict().values()
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def renamed(at_rest: NetworkAtRest, network: Network) -> dict[str, Tensor]:
    """The copy's weights under the names of the live one."""
    back = {at_rest.names[node]: network.module_name(node) for node in network.node_ids}
    state = at_rest.module.state_dict()
    return {f"{back[key.partition('.')[0]]}.{key.partition('.')[2]}": value for key, value in state.items()}


@pytest.mark.parametrize("copied", [True, False])
def test_weights_and_statistics_are_bit_equal(copied: bool) -> None:
    network = Network(normalised(), seed=2)
    own = network.state_dict()
    found = renamed(network_at_rest(network, copied=copied), network)
    assert found.keys() == own.keys()
    assert all(torch.equal(found[name], own[name]) for name in own)
    shared = {name for name in own if found[name].data_ptr() == own[name].data_ptr()}
    assert shared == (set() if copied else {name for name, _ in network.named_parameters()})


def test_training_mode_gives_what_the_live_network_would_and_changes_nothing_in_it() -> None:
    network, twin = Network(normalised(), seed=2), Network(normalised(), seed=2)
    inputs = torch.randn(8, 6, generator=torch.Generator().manual_seed(1))
    at_rest = network_at_rest(network, training=True)
    torch.manual_seed(5)
    outputs = at_rest(inputs)
    outputs.sum().backward()
    torch.manual_seed(5)
    expected = twin.train()(inputs)
    assert torch.equal(outputs, expected)
    assert states_equal(network, Network(normalised(), seed=2))  # not even the running mean
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not states_equal(twin, network)
    assert at_rest.module_of("dead_end").training and network.training


def test_modes_hooks_and_writing_stay_with_the_copy() -> None:
    network = Network(normalised(), seed=2)
    network.train()
    at_rest = network_at_rest(network)
    with torch.no_grad():
        for parameter in at_rest.module.parameters():
            parameter.zero_()
    at_rest.module_of("sum").register_forward_hook(lambda *_: None)
    assert not any(module.training for module in at_rest.module.modules())
    assert all(module.training for module in network.modules())
    assert states_equal(network, Network(normalised(), seed=2))
    assert not any(module._forward_hooks for module in network.modules())


def test_a_gradient_that_stands_in_the_live_network_is_neither_copied_nor_lost() -> None:
    network = Network(normalised(), seed=2)
    network(torch.ones(4, 6)).sum().backward()
    kept = {name: parameter.grad for name, parameter in network.named_parameters()}
    at_rest = network_at_rest(network, copied=False)
    assert all(parameter.grad is None for parameter in at_rest.module.parameters())
    at_rest.module.eval()
    at_rest(torch.ones(4, 6)).sum().backward()
    assert all(parameter.grad is kept[name] for name, parameter in network.named_parameters())
