"""Where a number goes next, and the windows through which the gradient comes back to it, against autograd."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest
import torch

from nnviz.explain.at_rest import network_at_rest
from nnviz.explain.onward import layers_onward, place_onward, way_back
from nnviz.explain.values import values_of
from nnviz.network.network import Network
from nnviz.project.model import Edge, Graph, Node, PortRef
from tests.explain.explain_helpers import CASES, MSE, any_index, flowing

WITH_FILTERS = ("conv2d", "conv1d", "conv_transpose2d")
POOLING = ("max_pool2d", "max_pool1d", "avg_pool2d", "adaptive_avg_pool2d")


@pytest.mark.parametrize("kind", [*WITH_FILTERS, *POOLING])
def test_what_comes_back_through_the_windows_is_the_gradient(kind: str) -> None:
    random = Random(11)
    drawn = 0
    for _ in range(8):
        _, values = flowing(CASES[kind](random), training=False, count=2)
        node, layer = values.nodes["input"], values.nodes["layer"]
        assert node.output_gradient is not None and layer.output_gradient is not None
        for _ in range(6):
            index = any_index(random, node.output.shape[1:])
            back = way_back(values, "input", 1, index)
            expected = float(node.output_gradient[(1, *index)])
            if back is None:  # no window reads it, or more than are drawn
                continue
            drawn += 1
            assert back.total == pytest.approx(expected, rel=1e-4, abs=1e-5)
            for reader in back.readers:
                assert reader.gradient == layer.output_gradient[(1, *reader.index)]
                assert reader.window.values[0][reader.own] == node.output[(1, *index)]
            window = back.window
            if window is None:
                continue
            # Each cell is of the gradient and of the weight that it says it is of.
            for channel, row, column in np.ndindex(window.values.shape):
                place, weight = window.input_index(channel, row, column), window.weight_index(channel, row, column)
                assert window.values[channel, row, column] == (
                    0.0 if place is None else layer.output_gradient[(1, *place)]
                )
                assert window.shares[channel, row, column] == layer.parameters["weight"][weight]
    assert drawn > 15


def chain(*layers: tuple[str, str, dict[str, object]], shape: tuple[int, ...]) -> Network:
    """Input → these → output."""
    nodes = [Node("input", "input", {"shape": shape}), *(Node(*one) for one in layers)]
    nodes.append(Node("output", "output", {"loss": "mse"}))
    ids = [node.id for node in nodes]
    edges = tuple(Edge(PortRef(one), PortRef(other)) for one, other in pairwise(ids))
    return Network(Graph({node.id: node for node in nodes}, edges), seed=2)


def test_a_weighted_sum_goes_on_as_far_as_the_next_weights() -> None:
    network = chain(
        ("conv", "conv2d", {"out_channels": 3, "kernel_size": (3, 3)}),
        ("norm", "batch_norm2d", {}),
        ("bend", "relu", {}),
        ("pool", "max_pool2d", {"kernel_size": (3, 3), "stride": (2, 2)}),
        ("flat", "flatten", {}),
        ("dense", "linear", {"out_features": 4}),
        ("last", "tanh", {}),
        ("end", "linear", {"out_features": 2}),
        shape=(2, 9, 9),
    )
    assert layers_onward(network, "conv") == ("norm", "bend", "pool")
    assert layers_onward(network, "dense") == ("last",)
    assert layers_onward(network, "end") == layers_onward(network, "bend") == layers_onward(network, "input") == ()
    inputs = torch.randn(1, 2, 9, 9, generator=torch.Generator().manual_seed(4))
    shape = network.inference.results["output"].output
    values = values_of(network, network_at_rest(network), inputs, MSE, torch.zeros(1, *shape))
    for index in np.ndindex(3, 7, 7):
        assert place_onward(values.nodes["bend"], "norm", 0, index) == index
        found = place_onward(values.nodes["pool"], "bend", 0, index)
        readers = [
            (row, column)
            for row, column in np.ndindex(3, 3)
            if 2 * row <= index[1] < 2 * row + 3 and 2 * column <= index[2] < 2 * column + 3
        ]
        bent = values.nodes["bend"].output[0, index[0]]
        won = [
            (row, column)
            for row, column in readers
            if bent[2 * row : 2 * row + 3, 2 * column : 2 * column + 3].argmax()
            == 3 * (index[1] - 2 * row) + index[2] - 2 * column
        ]
        assert found == (index[0], *(won or readers)[0])
