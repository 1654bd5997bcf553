"""What a probe writes is what it declares, and every measured quantity is filled by one probe."""

from __future__ import annotations

import pytest
import torch
from probe_networks import CNN, chain, pinned_to
from torch import nn

from nnviz.network.network import Network
from nnviz.probes.base import Answers, InputPlane, Measurement, Stage
from nnviz.probes.catalogue import default_probes
from nnviz.project.model import Graph
from nnviz.record.quantities import QUANTITIES, quantity_of

#: Filled by the session itself, or by the rules of the findings.
BY_OTHERS = {
    "learning_rate", "batch_size", "epochs_planned", "epoch", "training_seconds", "speed/samples_per_second",
    "speed/steps_per_second", "cost/probes", "finding", "example_loss", "example_forgotten", "example_margin",
    "evaluated", "test_uses", "macro_f1", "top5_accuracy", "changed_by_hand",
}  # fmt: skip
PERCEPTRON = chain(
    ("input1", "input", {"shape": (2,)}),
    ("linear1", "linear", {"out_features": 3}),
    ("tanh1", "tanh", {}),
    ("norm1", "batch_norm1d", {}),
    ("linear2", "linear", {"out_features": 2}),
    ("output1", "output", {}),
)
SEQUENCE = chain(
    ("input1", "input", {"shape": (3, 12)}),
    ("conv1", "conv1d", {"out_channels": 4}),
    ("relu1", "relu", {}),
    ("flatten1", "flatten", {}),
    ("linear1", "linear", {"out_features": 2}),
    ("output1", "output", {}),
)
#: Nothing that could be trained, saturate or die.
BARE = chain(("input1", "input", {"shape": (4,)}), ("output1", "output", {}))


def written(graph: Graph) -> dict[str, set[str]]:
    """The series that each probe writes within some steps, by the probe's name."""
    network = Network(graph, seed=0)
    shape = tuple(int(size) for size in graph.nodes["input1"].params["shape"])  # type: ignore[union-attr]  # a tuple of sizes
    inputs = torch.randn(24, *shape, generator=torch.Generator().manual_seed(1))
    plane = InputPlane((-1.0, 1.0), (-1.0, 1.0), torch.zeros(5, 3)) if shape == (2,) else None
    probes = default_probes(shape)
    series: dict[str, set[str]] = {probe.name: set() for probe in probes}
    watching = [probe for probe in probes if probe.stage is Stage.FORWARD]
    for step in range(1, 13):  # whoever looks back at some batches has seen enough of them then
        with network.watched({node: look for probe in watching for node, look in probe.watch(network).items()}):
            outputs = network(inputs).flatten(1)
        loss = nn.functional.cross_entropy(outputs, torch.arange(24) % outputs.shape[1])
        if loss.requires_grad:
            loss.backward()
        measurement = Measurement(
            network,
            step,
            loss=loss,
            answers=Answers(torch.zeros(24, 1), torch.ones(24), lambda outputs, targets: targets > outputs[:, 0]),
            count=24,
            probe_inputs=inputs,
            examples=pinned_to(inputs[:1]),
            plane=plane,
        )
        for probe in probes:
            if probe.stage is Stage.UPDATE:
                probe.before_update(measurement)
            series[probe.name] |= {reading.series for reading in probe.measure(measurement) + probe.flush()}
    return series


@pytest.mark.parametrize("graph", [CNN, PERCEPTRON, SEQUENCE, BARE])
def test_a_probe_writes_what_it_declares(graph: Graph) -> None:
    probes = {probe.name: probe for probe in default_probes((2,))}
    for name, series in written(graph).items():
        for one in series:
            found = quantity_of(one)
            assert found is not None, f"{name} writes {one}, which nobody declared"
            quantity, where = found
            assert quantity in probes[name].fills, f"{name} writes {one}"
            assert quantity.per != "node" or where in graph.nodes
    assert written(graph)["loss"]


def test_what_is_declared_is_written() -> None:
    declared = {quantity for probe in default_probes((2,)) for quantity in probe.fills}
    assert declared == {quantity for quantity in QUANTITIES if quantity.name not in BY_OTHERS}
    seen = {one for graph in (CNN, PERCEPTRON) for series in written(graph).values() for one in series}
    assert {quantity for one in seen if (found := quantity_of(one)) for quantity in found[:1]} == declared


def test_no_two_probes_write_the_same_quantity() -> None:
    filled = [quantity for probe in default_probes((2,)) for quantity in probe.fills]
    assert len(filled) == len(set(filled))
