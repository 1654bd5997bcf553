"""Small networks that the tests of the probes look at."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor

from nnviz.network.network import Network
from nnviz.probes.base import ExampleInput
from nnviz.project.model import Edge, Graph, Node, PortRef
from nnviz.record.readings import ArrayReading, Histogram, Reading, Scalar


def chain(*layers: tuple[str, str, dict[str, object]]) -> Graph:
    """A graph of layers in a row."""
    nodes = {node_id: Node(node_id, kind, params) for node_id, kind, params in layers}  # type: ignore[arg-type]  # plain values
    return Graph(nodes, tuple(Edge(PortRef(one), PortRef(other)) for one, other in pairwise(nodes)))


CNN = chain(
    ("input1", "input", {"shape": (2, 9, 9)}),
    ("conv1", "conv2d", {"out_channels": 6}),
    ("norm1", "batch_norm2d", {}),
    ("relu1", "relu", {}),
    ("pool1", "max_pool2d", {}),
    ("flatten1", "flatten", {}),
    ("linear1", "linear", {"out_features": 20}),
    ("relu2", "relu", {}),
    ("dropout1", "dropout", {"probability": 0.5}),
    ("linear2", "linear", {"out_features": 12}),
    ("sigmoid1", "sigmoid", {}),
    ("linear3", "linear", {"out_features": 8}),
    ("tanh1", "tanh", {}),
    ("linear4", "linear", {"out_features": 5}),
    ("output1", "output", {}),
)


def pinned_to(inputs: Tensor, meta: Mapping[str, str | int | float] | None = None) -> tuple[ExampleInput, ...]:
    """One example that is looked at, as a measurement takes it."""
    return (ExampleInput(0, inputs, meta or {}),)


def cnn(seed: int = 0) -> Network:
    """A network with everything that could be disturbed by looking at it, in training mode."""
    network = Network(CNN, seed=seed)
    network.train()
    return network


def images(count: int = 40, seed: int = 1) -> Tensor:
    """Inputs for it."""
    return torch.randn(count, 2, 9, 9, generator=torch.Generator().manual_seed(seed))


def scalars(readings: list[Reading]) -> dict[str, float]:
    """The numbers among the readings, by series."""
    return {reading.series: reading.value for reading in readings if isinstance(reading, Scalar)}


def arrays(readings: list[Reading]) -> dict[str, ArrayReading]:
    """The arrays among the readings, by series."""
    return {reading.series: reading for reading in readings if isinstance(reading, ArrayReading)}


def histograms(readings: list[Reading]) -> dict[str, Histogram]:
    """The histograms among the readings, by series."""
    return {reading.series: reading for reading in readings if isinstance(reading, Histogram)}
