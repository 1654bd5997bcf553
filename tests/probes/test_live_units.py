"""Silent units and saturated outputs of the batches as they pass, against a slow computation of every batch."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from probe_networks import chain, scalars
from torch import Tensor

from nnviz.network.chain import DenseChain
from nnviz.network.losses import loss_function
from nnviz.network.network import Network
from nnviz.probes.base import Measurement
from nnviz.probes.live_units import BATCHES, EXAMPLES, LiveUnits, unit_maxima
from nnviz.project.model import DataFacts, Edge, Graph, Node, PortRef
from nnviz.record.quantities import DEAD_FRACTION, SATURATING, SATURATION, SILENT_FRACTION

RESIDUAL = Graph(
    {
        node.id: node
        for node in (
            Node("input1", "input", {"shape": (2, 6, 6)}),
            Node("conv1", "conv2d", {"out_channels": 5}),
            Node("norm1", "batch_norm2d", {}),
            Node("relu1", "relu", {}),
            Node("conv2", "conv2d", {"out_channels": 5, "padding": (1, 1)}),
            Node("add1", "add", {}),
            Node("relu2", "relu", {}),
            Node("drop1", "dropout", {"probability": 0.5}),
            Node("tanh1", "tanh", {}),
            Node("flatten1", "flatten", {}),
            Node("linear1", "linear", {"out_features": 3}),
            Node("output1", "output", {}),
        )
    },
    tuple(
        Edge(PortRef(one), PortRef(other, port))
        for one, other, port in (
            ("input1", "conv1", 0), ("conv1", "norm1", 0), ("norm1", "relu1", 0), ("relu1", "conv2", 0),
            ("conv2", "add1", 0), ("relu1", "add1", 1), ("add1", "relu2", 0), ("relu2", "drop1", 0),
            ("drop1", "tanh1", 0), ("tanh1", "flatten1", 0), ("flatten1", "linear1", 0), ("linear1", "output1", 0),
        )
    ),
)  # fmt: skip
DENSE = chain(
    ("input1", "input", {"shape": (5,)}),
    ("linear1", "linear", {"out_features": 9}),
    ("relu1", "relu", {}),
    ("linear2", "linear", {"out_features": 7}),
    ("sigmoid1", "sigmoid", {}),
    ("linear3", "linear", {"out_features": 3}),
    ("output1", "output", {}),
)


def by_hand(network: Network, inputs: Tensor) -> dict[str, np.ndarray]:  # type: ignore[type-arg]  # of floats
    """Every node's output in training mode, module by module in plain torch."""
    values: dict[str, Tensor] = {}
    edges = network.graph.edges
    for node in network.node_ids:
        sources = [edge for edge in edges if edge.target.node == node]
        arguments = [values[edge.source.node] for edge in sorted(sources, key=lambda edge: edge.target.port)]
        values[node] = network.module_of(node)(*arguments) if arguments else inputs
    return {node: value.detach().double().numpy() for node, value in values.items()}


def expected(window: list[dict[str, np.ndarray]]) -> dict[str, float]:  # type: ignore[type-arg]  # of floats
    """The shares of a window by the definition, number by number."""
    shares: dict[str, float] = {}
    for node in window[0]:
        outputs = [one[node] for one in window]
        if node.startswith("relu"):
            units = outputs[0].shape[1]
            silent = sum(all((output[:, unit] <= 0).all() for output in outputs) for unit in range(units))
            shares[SILENT_FRACTION.series(node)] = silent / units
        slope = {"sigmoid": lambda y: 4 * y * (1 - y), "tanh": lambda y: 1 - y * y}.get(node[:-1])
        if slope is not None:
            shares[SATURATING.series(node)] = float(
                np.mean(np.concatenate([(slope(output) < 0.05).ravel() for output in outputs]))
            )
    return shares


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("graph", "short"), [(RESIDUAL, False), (DENSE, False), (DENSE, True)], ids=["residual", "dense", "short way"]
)
def test_the_shares_are_those_of_every_batch_computed_again(graph: Graph, short: bool, seed: int) -> None:
    network = Network(graph, seed=seed).train()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2.5 + seed)
        for node in network.node_ids:
            if node in ("linear1", "norm1"):
                network.module_of(node).bias[::2] -= 1.5 * seed  # type: ignore[operator, union-attr]  # a tensor
    shape = graph.nodes["input1"].params["shape"]
    gradients = DenseChain.of(network) if short else None
    assert (gradients is not None) is short
    loss = loss_function(graph, DataFacts(tuple(shape), 3, "classes", ("a", "b", "c")))  # type: ignore[arg-type]  # a tuple
    probe = LiveUnits()
    window = []
    for step in range(1, 15):
        inputs = torch.randn(40, *shape, generator=generator)  # type: ignore[misc]  # as above
        random = torch.get_rng_state()
        window.append(by_hand(network, inputs))
        torch.set_rng_state(random)  # the same dropout
        targets = torch.randint(0, 3, (40,), generator=generator)
        with network.watched(probe.watch(network)):
            if gradients is not None:
                gradients(loss, inputs, targets)
            else:
                loss(network(inputs), targets).backward()  # type: ignore[no-untyped-call]  # torch leaves it so
        readings = probe.measure(Measurement(network, step, count=40))
        if step < BATCHES:
            assert readings == [], "the window is not full"
            continue
        assert {reading.step for reading in readings} == {step}
        numbers = sum(
            output.size for output in (window[0].get("tanh1"), window[0].get("sigmoid1")) if output is not None
        )
        assert scalars(readings) == pytest.approx(expected(window[-BATCHES:]), abs=2 / numbers)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**20), st.sampled_from([(24, 40, 7, 9), (64, 600), (3, 4), (17, 70, 31)]))
def test_the_largest_of_each_unit_says_who_fired(seed: int, shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(seed)
    rare = torch.rand(shape, generator=generator) < 10.0 ** -(seed % 6)
    output = torch.where(rare, torch.rand(shape, generator=generator), torch.zeros(()))
    plain = output.transpose(0, 1).reshape(shape[1], -1).amax(1) > 0
    assert torch.equal(unit_maxima(output) > 0, plain)


def test_what_is_not_a_number_is_no_share() -> None:
    network = Network(DENSE)
    probe = LiveUnits()
    for step in range(1, BATCHES + 1):
        looks = probe.watch(network)
        looks["relu1"](torch.full((40, 9), math.nan))
        looks["sigmoid1"](torch.full((40, 7), math.nan if step == 3 else 0.5))
        readings = probe.measure(Measurement(network, step, count=40))
    assert [math.isnan(value) for value in scalars(readings).values()] == [True, True]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_outputs_of_narrow_numbers_are_counted_one_by_one(dtype: torch.dtype) -> None:
    graph = chain(("input1", "input", {"shape": (128,)}), ("tanh1", "tanh", {}), ("output1", "output", {}))
    probe, network = LiveUnits(), Network(graph)
    look, outputs = probe.watch(network)["tanh1"], torch.ones(1024, 128, dtype=dtype)
    outputs[0, :7] = 0.0
    for step in range(BATCHES):
        look(outputs)
        readings = probe.measure(Measurement(network, step, count=1024))
    assert scalars(readings) == {SATURATING.series("tanh1"): 1 - 7 / outputs.numel()}


def test_small_batches_are_looked_back_at_for_longer() -> None:
    network, probe = Network(DENSE), LiveUnits()
    for step in range(1, EXAMPLES // 4 + 1):
        probe.watch(network)["relu1"](torch.ones(4, 9))
        readings = probe.measure(Measurement(network, step, count=4))
        assert bool(readings) is (step == EXAMPLES // 4)
    assert probe.promised_interval * EXAMPLES / 4 <= 1.0


def test_a_move_is_told_at_once_and_calls_for_the_exact_share() -> None:
    network, now = Network(DENSE), 0.0
    probe = LiveUnits(lambda: now)
    told = []
    for step in range(1, 40):
        output = torch.ones(40, 9)
        if step > 20:
            output[:, :5] = 0
        probe.watch(network)["relu1"](output)
        probe.watch(network)["sigmoid1"](torch.full((40, 7), 0.5))
        measurement = Measurement(network, step, count=40, whole=False)
        if readings := probe.measure(measurement):
            told.append((step, scalars(readings)[SILENT_FRACTION.series("relu1")]))
        news = probe.news()
        assert news == ({DEAD_FRACTION} if step == 20 + BATCHES else set())
    assert told == [(BATCHES, 0.0), (20 + BATCHES, 5 / 9)]


def _note(seen: list[str], node: str, output: Tensor) -> None:
    assert not output.requires_grad
    seen.append(node)


def test_a_network_that_is_watched_computes_the_same() -> None:
    for graph in (RESIDUAL, DENSE):
        network = Network(graph, seed=3).train()
        inputs = torch.randn(6, *graph.nodes["input1"].params["shape"])  # type: ignore[misc]  # a tuple
        seen: list[str] = []
        watchers = {node: partial(_note, seen, node) for node in network.node_ids}
        torch.manual_seed(1)
        plain = network(inputs)
        torch.manual_seed(1)
        with network.watched(watchers):
            watched = network(inputs)
        assert torch.equal(plain, watched)
        assert seen == [node for node in network.node_ids if node not in ("input1", "output1")]
        assert network.watchers is None
        with pytest.raises(RuntimeError), network.watched(watchers):
            network(torch.ones(6, 77))
        assert network.watchers is None


def test_the_stand_ins_are_of_the_same_layers_and_bands() -> None:
    for exact in (DEAD_FRACTION, SATURATION):
        assert exact.lately is not None
        assert (exact.lately.layers, exact.lately.bands) == (exact.layers, exact.bands)
        assert exact.badge is not None and exact.lately.badge is not None
        assert exact.badge.word != exact.lately.badge.word
