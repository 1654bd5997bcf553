"""Small networks that the tests of the probes look at."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from nnviz.network.network import Network
from nnviz.project.model import Edge, Graph, Node, PortRef
from nnviz.record.samples import ArraySample, Histogram, Sample, Scalar


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


def cnn(seed: int = 0) -> Network:
    """A network with everything that could be disturbed by looking at it, in training mode."""
    network = Network(CNN, seed=seed)
    network.train()
    return network


def images(count: int = 40, seed: int = 1) -> Tensor:
    """Inputs for it."""
    return torch.randn(count, 2, 9, 9, generator=torch.Generator().manual_seed(seed))


def scalars(samples: list[Sample]) -> dict[str, float]:
    """The numbers among the samples, by series."""
    return {sample.series: sample.value for sample in samples if isinstance(sample, Scalar)}


def arrays(samples: list[Sample]) -> dict[str, ArraySample]:
    """The arrays among the samples, by series."""
    return {sample.series: sample for sample in samples if isinstance(sample, ArraySample)}


def histograms(samples: list[Sample]) -> dict[str, Histogram]:
    """The histograms among the samples, by series."""
    return {sample.series: sample for sample in samples if isinstance(sample, Histogram)}
