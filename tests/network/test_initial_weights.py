"""Initial weights: torch's own where nothing is said, the declared distributions, given ones; the same on every run."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from nnviz.errors import ProjectError
from nnviz.network.initialise import INITIALISERS, initialise, inputs_per_unit
from nnviz.network.memory import build_network
from nnviz.network.network import Network
from nnviz.project import registry
from nnviz.project.model import Choice, Edge, Graph, Node, ParamValue, PortRef, Project, TrainConfig
from nnviz.project.samples.sketch import (
    Layer,
    chain,
    conv,
    dropout,
    features,
    flatten,
    image,
    linear,
    output,
    plain,
    pool,
    relu,
)


def weights_of(layer: Layer, first: Layer | None = None, seed: int = 0) -> dict[str, torch.Tensor]:
    graph = chain(first or features(400), layer, plain("flatten"), output())
    return {name.partition(".")[2]: value for name, value in Network(graph, seed=seed).state_dict().items()}


def test_a_chain_starts_like_a_hand_written_sequential_under_the_same_seed() -> None:
    graph = chain(
        image(3, 12, 12), conv(8, 3), plain("batch_norm2d"), relu(), pool(), plain("conv_transpose2d", out_channels=4),
        plain("prelu"), flatten(), linear(20), dropout(0.2), linear(10), output(),
    )  # fmt: skip
    network = Network(graph, seed=11)
    torch.manual_seed(11)
    by_hand = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
    transposed = network.module_of(network.node_ids[5])
    assert isinstance(transposed, nn.ConvTranspose2d)
    kernel, stride, padding = (pair[0] for pair in (transposed.kernel_size, transposed.stride, transposed.padding))
    by_hand.append(nn.ConvTranspose2d(8, 4, int(kernel), int(stride), int(padding)))
    by_hand.extend([nn.PReLU(), nn.Flatten()])
    dense = network.module_of("linear1")
    assert isinstance(dense, nn.Linear)
    by_hand.extend([nn.Linear(dense.in_features, 20), nn.Dropout(0.2), nn.Linear(20, 10)])
    ours, theirs = list(network.state_dict().values()), list(by_hand.state_dict().values())
    assert len(ours) == len(theirs)
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))
    assert torch.equal(network.random_state, torch.get_rng_state()), "dropout would go on from another state"


def test_same_seed_same_weights_and_nothing_else_is_disturbed() -> None:
    graph = chain(image(1, 8, 8), conv(4, 3), relu(), flatten(), linear(10), output())
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = Network(graph, seed=3).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(17)
    second = Network(graph, seed=3).state_dict()
    other = Network(graph, seed=4).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first)


def test_the_order_in_which_nodes_were_added_does_not_matter() -> None:
    """A chain has one topological order, however its nodes lie in the file."""
    graph = chain(features(4), linear(3), relu(), linear(2), output())
    turned = Graph(dict(reversed(list(graph.nodes.items()))), tuple(reversed(graph.edges)))
    one, other = Network(graph, seed=1).state_dict(), Network(turned, seed=1).state_dict()
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("way", "deviation"), [("xavier_normal", math.sqrt(1 / 400)), ("he_normal", math.sqrt(2 / 400)), ("gaussian", 0.03)]
)
def test_normal_weights_have_the_declared_deviation_and_biases_are_zero(way: str, deviation: float) -> None:
    params = {"weight_initialisation": Choice(way, {"deviation": deviation}) if way == "gaussian" else way}
    values = weights_of(linear(500, **params))
    weight = values["weight"]
    assert weight.std().item() == pytest.approx(deviation, rel=0.02)
    assert abs(weight.mean().item()) < 4 * deviation / math.sqrt(weight.numel())
    assert torch.count_nonzero(values["bias"]) == 0


def test_xavier_uniform_stays_within_glorots_bound() -> None:
    weight = weights_of(linear(200, weight_initialisation="xavier_uniform"))["weight"]
    bound = math.sqrt(6 / (400 + 200))
    assert weight.abs().max().item() <= bound
    assert weight.abs().max().item() > 0.99 * bound


#: kind -> (settings, what the mean of the squares is, the largest size that there can be), for 400 inputs, 500 outputs
MOMENTS = {
    "he_uniform": ({}, 2 / 400, math.sqrt(6 / 400)),
    "glorot_normal": ({}, 2 / 900, math.inf),
    "xavier_uniform": ({}, 2 / 900, math.sqrt(6 / 900)),
    "uniform": ({"limit": 0.3}, 0.3**2 / 3, 0.3),
    # Cut off at twice the deviation: its square is less by 4·φ(2) / (2·Φ(2) − 1).
    "truncated_gaussian": (
        {"deviation": 0.1},
        0.01 * (1 - 4 * math.exp(-2) / math.sqrt(2 * math.pi) / math.erf(math.sqrt(2))),
        0.2,
    ),
    "constant": ({"value": -0.25}, 0.0625, 0.25),
    "orthogonal": ({"gain": 2.0}, 4 / 500, 2.0),
}


@pytest.mark.parametrize("kind", MOMENTS)
def test_weights_have_the_moments_and_bounds_of_their_distribution(kind: str) -> None:
    settings, square, largest = MOMENTS[kind]
    values = weights_of(linear(500, weight_initialisation=Choice(kind, settings)))
    weight = values["weight"].double()
    assert float((weight**2).mean()) == pytest.approx(square, rel=0.02)
    assert weight.abs().max().item() <= largest * 1.000001
    assert math.isinf(largest) or kind == "orthogonal" or weight.abs().max().item() > 0.99 * largest
    assert kind == "constant" or abs(weight.mean().item()) < 5 * math.sqrt(square / weight.numel())
    assert torch.count_nonzero(values["bias"]) == 0
    again = weights_of(linear(500, weight_initialisation=Choice(kind, settings)))
    assert torch.equal(values["weight"], again["weight"]), "the same seed gives the same weights"


def test_orthogonal_weights_are_at_right_angles() -> None:
    chosen = Choice("orthogonal", {"gain": 1.5})
    rows = weights_of(linear(30, weight_initialisation=chosen), features(50))["weight"].double()
    columns = weights_of(linear(50, weight_initialisation=chosen), features(30))["weight"].double()
    filters = weights_of(conv(8, 3, weight_initialisation=chosen), image(2, 6, 6))["weight"].flatten(1).double()
    for one in (rows, columns.T, filters):
        assert torch.allclose(one @ one.T, 2.25 * torch.eye(len(one), dtype=torch.float64), atol=1e-5)


def test_all_layers_follow_what_the_network_is_set_to() -> None:
    """But those that say something themselves; and what is said nowhere is torch's own, as before."""
    layers = (linear(20), linear(10, weight_initialisation="pytorch"), linear(5, weight_initialisation="zeros"))
    graph = chain(features(30), *layers, output())
    plain, glorot = Network(graph, seed=2), Network(graph, seed=2, initialisation=Choice("xavier_uniform"))
    generator = torch.Generator().manual_seed(2)
    wanted = nn.init.xavier_uniform_(torch.empty(20, 30), generator=generator)
    first, second = (glorot.module_of(node) for node in ("linear1", "linear2"))
    assert torch.equal(first.weight, wanted) and not first.bias.any(), "as Keras starts: Glorot uniform, biases 0"
    bound = 1 / math.sqrt(20)
    assert 0.95 * bound < second.weight.abs().max().item() <= bound and second.bias.any()
    assert not glorot.module_of("linear3").weight.any()
    assert plain.module_of("linear1").bias.any()


def test_the_training_starts_as_the_project_says() -> None:
    graph = chain(features(6), linear(3), output())
    project = Project(graph=graph, training=TrainConfig(initialisation=Choice("constant", {"value": 0.5})))
    weight = build_network(project, torch.device("cpu")).module_of("linear1").weight
    assert torch.equal(weight.detach(), torch.full((3, 6), 0.5))


def test_default_is_uniform_within_one_over_the_root_of_the_inputs() -> None:
    values = weights_of(linear(100))
    assert values["weight"].abs().max().item() <= 1 / math.sqrt(400)
    assert 0 < values["bias"].abs().max().item() <= 1 / math.sqrt(400)


def test_zeros_are_zero() -> None:
    assert all(
        torch.count_nonzero(value) == 0 for value in weights_of(linear(9, weight_initialisation="zeros")).values()
    )


def test_convolutions_are_scaled_by_the_size_of_their_window() -> None:
    weight = weights_of(conv(300, 5, weight_initialisation="he_normal"), image(6, 8, 8))["weight"]
    assert weight.std().item() == pytest.approx(math.sqrt(2 / (6 * 5 * 5)), rel=0.02)
    assert inputs_per_unit(nn.Conv2d(6, 4, 3, groups=2)) == 3 * 9
    assert inputs_per_unit(nn.ConvTranspose2d(6, 4, 4, stride=2)) == 6 * 16 // 4


def test_given_weights_are_written_as_they_are() -> None:
    values = weights_of(
        linear(1, weight_initialisation="given", weight_values=((1.0, 2.0),), bias_values=(-1.5,)), features(2)
    )
    assert values["weight"].tolist() == [[1.0, 2.0]]
    assert values["bias"].tolist() == [-1.5]


def test_given_filters_are_written_as_they_are_in_rows_or_window_by_window() -> None:
    edge = (1.0, 0.0, -1.0, 2.0, 0.0, -2.0, 1.0, 0.0, -1.0)
    lines = tuple(edge[at : at + 3] for at in (0, 3, 6))
    for rows in ((edge, edge[::-1]), lines + tuple(line[::-1] for line in lines[::-1])):
        given = conv(2, 3, weight_initialisation="given", weight_values=rows, bias_values=(0.5, -1.0))
        values = weights_of(given, image(1, 8, 8))
        assert values["weight"].tolist() == [
            [[list(line) for line in lines]],
            [[list(line[::-1]) for line in lines[::-1]]],
        ]
        assert values["bias"].tolist() == [0.5, -1.0]
    # Channels one after the other; of a transposed convolution those that come in are the rows.
    counted = tuple(tuple(float(8 * row + at) for at in range(8)) for row in range(3))
    params = {"kernel_size": (2, 2), "weight_initialisation": "given", "weight_values": counted}
    there = weights_of(plain("conv2d", out_channels=3, **params), image(2, 4, 4))["weight"]
    back = weights_of(plain("conv_transpose2d", out_channels=2, **params), image(3, 4, 4))["weight"]
    assert there.shape == back.shape == (3, 2, 2, 2)
    assert there.flatten().tolist() == back.flatten().tolist() == [float(at) for at in range(24)]


def test_given_weights_without_biases_leave_these_at_zero() -> None:
    values = weights_of(linear(1, weight_initialisation="given", weight_values=((1.0, 2.0),)), features(2))
    assert values["bias"].tolist() == [0.0]


@pytest.mark.parametrize(
    ("params", "sentence"),
    [({}, "there are none: 1×2 numbers are needed"), ({"weight_values": ((1.0, 2.0, 3.0),)}, "1×3 numbers are given")],
)
def test_given_weights_of_the_wrong_size_are_refused_with_the_sizes(
    params: dict[str, ParamValue], sentence: str
) -> None:
    values = {"weight_initialisation": "given", **params}
    with pytest.raises(ProjectError, match=sentence) as caught:
        initialise(nn.Linear(2, 1), values, torch.Generator(), where="graph.nodes.linear1.params")
    assert caught.value.field == "graph.nodes.linear1.params.weight_values"


def test_a_network_with_given_weights_of_the_wrong_size_is_not_built() -> None:
    node = Node("linear1", "linear", {"weight_initialisation": "given", "weight_values": ((1.0, 2.0, 3.0),)})
    graph = Graph(
        {"input1": Node("input1", "input", {"shape": (2,)}), "linear1": node, "output1": Node("output1", "output")},
        (Edge(PortRef("input1"), PortRef("linear1")), Edge(PortRef("linear1"), PortRef("output1"))),
    )
    with pytest.raises(ProjectError) as caught:
        Network(graph)
    assert "linear1" in caught.value.field


def test_running_statistics_start_fresh() -> None:
    values = Network(chain(image(3, 4, 4), plain("batch_norm2d"), output())).state_dict()
    values = {name.partition(".")[2]: value for name, value in values.items()}
    assert values["running_mean"].tolist() == [0, 0, 0]
    assert values["running_var"].tolist() == [1, 1, 1]
    assert values["num_batches_tracked"].item() == 0


def test_every_initialiser_has_one_writer() -> None:
    assert set(INITIALISERS) == set(registry.initialisers())
