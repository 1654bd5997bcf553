"""The sums that the introductions work out by hand, done by the networks as they are built."""

from __future__ import annotations

import itertools

import pytest
import torch

from nnviz.network.network import Network
from nnviz.project.samples.sketch import Layer, chain, features, neurons, output, plain
from nnviz.project.samples.templates import sample

TABLES = {
    "and": (0, 0, 0, 1),
    "or": (0, 1, 1, 1),
    "xnor-two-layer": (1, 0, 0, 1),
    "xnor-gates": (1, 0, 0, 1),
}


def answers(rows: list[tuple[float, ...]], *layers: Layer) -> list[list[float]]:
    network = Network(chain(*layers))
    with torch.no_grad():
        found: list[list[float]] = network(torch.tensor(rows)).tolist()
    return found


@pytest.mark.parametrize("name", sorted(TABLES))
def test_truth_tables_hold_in_torch(name: str) -> None:
    rows = torch.tensor(list(itertools.product((0.0, 1.0), repeat=2)))
    with torch.no_grad():
        assert Network(sample(name).graph)(rows).reshape(-1).tolist() == list(TABLES[name])


def test_not_fires_on_nothing() -> None:
    with torch.no_grad():
        assert Network(sample("not").graph)(torch.tensor([[0.0], [1.0]])).tolist() == [[1.0], [0.0]]


def test_the_dense_layer_by_hand_and_its_softmax() -> None:
    dense = neurons([(1, 1), (0.5, 0.5), (2, 2)], [0, 0, 0])
    assert answers([(1.0, 2.0)], features(2), dense, output()) == [[3.0, 1.5, 6.0]]
    shares = answers([(1.0, 2.0)], features(2), dense, plain("softmax"), output())[0]
    assert shares == pytest.approx([0.0469, 0.0105, 0.9426], abs=1e-4)


def test_softmax_of_three_scores() -> None:
    shares = answers([(2.0, 1.0, 0.1)], features(3), plain("softmax"), output())[0]
    assert shares == pytest.approx([0.6590, 0.2424, 0.0986], abs=5e-5) and sum(shares) == pytest.approx(1.0)


def test_the_sigmoid_neuron_and_the_credit_line() -> None:
    with torch.no_grad():
        assert float(Network(sample("neuron-sigmoid").graph)(torch.ones(1, 2))) == pytest.approx(0.9526, abs=5e-5)
        assert float(Network(sample("credit").graph)(torch.tensor([[6.0, 5.0]]))) == 7.0
