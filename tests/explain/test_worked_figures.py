"""The worked examples of the source articles, read off the numbers that ``nnviz explain --json`` prints.

Where no sample holds an example's own numbers (a person (6, 5), a layer (1, 2) × …), the same JSON is made of a network
that does.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from nnviz import cli
from nnviz.data.tensors import load
from nnviz.explain.at_rest import network_at_rest
from nnviz.explain.layers import explain, explain_gradient, explain_loss
from nnviz.explain.text import plain_values
from nnviz.explain.values import Values, values_of
from nnviz.network.losses import LossFunction
from nnviz.network.network import Network
from nnviz.project.model import Edge, Graph, Node, PortRef
from nnviz.project.samples.sketch import chain, conv, features, image, neurons, output, plain
from nnviz.project.samples.templates import sample
from nnviz.train.training import Training

ROWS = [(0, 0), (0, 1), (1, 0), (1, 1)]


def asked(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    capsys.readouterr()
    assert cli.main(["explain", *map(str, arguments), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def by_source(found: dict[str, Any]) -> dict[str, float]:
    return {term["source"]: term["value"] for term in found["terms"]}


def of_numbers(
    network: Network, numbers: Sequence[float] | torch.Tensor, loss: LossFunction | None = None, target: Any = None
) -> Values:
    inputs = torch.as_tensor(numbers, dtype=torch.float32).reshape(1, *network.inference.results["input"].output)
    targets = None if target is None else torch.as_tensor(target).reshape(1, -1)
    return values_of(network, network_at_rest(network), inputs, loss, targets)


def wired(nodes: dict[str, tuple[str, dict[str, Any]]], *wires: tuple[str, str, int]) -> Network:
    edges = tuple(Edge(PortRef(source), PortRef(target, port)) for source, target, port in wires)
    return Network(Graph({key: Node(key, kind, params) for key, (kind, params) in nodes.items()}, edges))


def given(weights: Sequence[Sequence[float]], biases: Sequence[float]) -> tuple[str, dict[str, Any]]:
    """A dense layer with weights that are written down."""
    params = {
        "out_features": len(weights),
        "weight_initialisation": "given",
        "weight_values": tuple(map(tuple, weights)),
        "bias_values": tuple(biases),
    }
    return "linear", params


# ---- single neurons and logic --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "node", "unit", "weights", "bias"),
    [
        ("and", "linear1", 0, (1, 1), -1.5),
        ("or", "linear1", 0, (1, 1), -0.5),
        ("xnor-two-layer", "linear1", 0, (-1, -1), 0.5),  # A'B'
        ("xnor-two-layer", "linear1", 1, (1, 1), -1.5),  # AND
    ],
)
def test_a_gate_is_its_sum(
    capsys: pytest.CaptureFixture[str], name: str, node: str, unit: int, weights: tuple[int, int], bias: float
) -> None:
    for row, inputs in enumerate(ROWS):
        found = asked(capsys, f"sample:{name}", node, "--unit", unit, "--example", row)
        assert by_source(found) == {
            "unit 0 of input": weights[0] * inputs[0],
            "unit 1 of input": weights[1] * inputs[1],
            "bias": bias,
        }
        assert found["value"] == weights[0] * inputs[0] + weights[1] * inputs[1] + bias


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("and", (0, 0, 0, 1)),
        ("or", (0, 1, 1, 1)),
        ("not", (1, 0)),
        ("xnor-two-layer", (1, 0, 0, 1)),
        ("xnor-gates", (1, 0, 0, 1)),
    ],
)
def test_truth_tables(capsys: pytest.CaptureFixture[str], name: str, table: tuple[int, ...]) -> None:
    last = [node for node in sample(name).graph.nodes if node.startswith("step")][-1]
    for row, answer in enumerate(table):
        step = asked(capsys, f"sample:{name}", last, "--example", row)
        assert step["value"] == answer and step["terms"][0]["value"] == answer
        assert asked(capsys, f"sample:{name}", "output", "--example", row)["value"] == answer


def test_the_sums_of_not_are_one_and_minus_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert [asked(capsys, "sample:not", "linear1", "--example", row)["value"] for row in (0, 1)] == [1, -1]


def test_a_sigmoid_neuron_and_its_slope(capsys: pytest.CaptureFixture[str]) -> None:
    assert by_source(asked(capsys, "sample:neuron-sigmoid", "linear1", "--example", 3)) == {
        "unit 0 of input": 1,
        "unit 1 of input": 2,
        "bias": 0,
    }
    found = asked(capsys, "sample:neuron-sigmoid", "sigmoid1", "--example", 3)
    assert found["value"] == pytest.approx(0.9526, abs=5e-5)
    (factor,) = found["terms"][0]["factors"]
    assert factor["name"] == "σ(x)" and factor["made_of"][0]["value"] == 3
    back = asked(capsys, "sample:neuron-sigmoid", "linear1", "--example", 3, "--backward")
    share, rest, _ = back["terms"][0]["factors"]
    assert share["value"] * rest["value"] == pytest.approx(0.9526 * (1 - 0.9526), abs=5e-5)  # σ′ = σ(1 − σ)


def test_a_person_who_asks_for_credit() -> None:
    found = of_numbers(Network(sample("credit").graph), (6, 5))
    assert by_source(plain_values(explain(found, "linear1", (0,)))) == {
        "unit 0 of input": 12,
        "unit 1 of input": 5,
        "bias": -10,
    }
    assert explain(found, "output", (0,)).total == 7


def test_rosenblatt_adds_a_mistake_to_the_weights(capsys: pytest.CaptureFixture[str]) -> None:
    """W + a·e with a learning rate of 1: the example itself, as the batch that comes next has it."""
    example = asked(capsys, "sample:perceptron", "linear1", "--split", "train", "--example", 0)
    assert example["value"] == 0  # on the line itself, which counts as a mistake
    project = sample("perceptron")
    inputs, targets = Training(project, load(project.data), torch.device("cpu")).coming.peek()
    for at in (0, 1):
        found = asked(capsys, "sample:perceptron", "linear1", "--parameter", "weight", "--index", f"0,{at}")
        assert by_source(found)["the weight before"] == 0
        assert found["value"] == (2 * targets.item() - 1) * inputs[0, at].item()


# ---- a layer by hand -----------------------------------------------------------------------------------------------


def test_a_dense_layer_by_hand_and_what_follows_it() -> None:
    rows = [(1, 1), (0.5, 0.5), (2, 2)]
    for kind, expected in (("softmax", (0.0469, 0.0105, 0.9426)), ("sigmoid", (0.9526, 0.8176, 0.9975))):
        network = Network(chain(features(2), neurons(rows, [0, 0, 0]), plain(kind), output("mse")))
        found = of_numbers(network, (1, 2))
        assert [explain(found, "linear1", (unit,)).total for unit in range(3)] == [3, 1.5, 6]
        assert [term.value for term in explain(found, "linear1", (0,)).terms] == [1, 2, 0]
        answers = [explain(found, f"{kind}1", (unit,)).total for unit in range(3)]
        assert answers == pytest.approx(expected, abs=5e-5)


def test_softmax_of_three_scores_and_cross_entropy() -> None:
    network = Network(chain(features(3), plain("softmax"), output("mse")))
    found = of_numbers(network, (2.0, 1.0, 0.1))
    answers = [plain_values(explain(found, "softmax1", (unit,)))["value"] for unit in range(3)]
    assert answers == pytest.approx((0.6590, 0.2424, 0.0986), abs=5e-5)
    network = Network(chain(features(2), output()))
    loss = LossFunction("cross_entropy", "classes", 2, 0.5)
    found = of_numbers(network, (0.0, 0.0), loss, [0])  # softmax makes (0.5, 0.5) of it
    plainly = plain_values(explain_loss(found))
    assert plainly["value"] == pytest.approx(0.6931, abs=5e-5)
    gradients = [explain_gradient(found, "input", (unit,)).total for unit in range(2)]
    assert gradients == pytest.approx([0.5 - 1, 0.5 - 0])  # p − y


# ---- computational graphs ------------------------------------------------------------------------------------------

#: Its slope at e is 1 where the target is e − 1/2.
SQUARE = LossFunction("mse", "regression", 1, 0.0)


def test_a_value_used_twice_gets_the_sum_of_both_gradients() -> None:
    """The graph c = a + b, d = b + 5, e = c·d at a = 2, b = 1."""
    network = wired(
        {
            "input": ("input", {"shape": (2,)}),
            "a": given([(1, 0)], [0]),
            "b": given([(0, 1)], [0]),
            "c": ("add", {}),
            "d": given([(1,)], [5]),
            "e": ("multiply", {}),
            "output": ("output", {"loss": "mse"}),
        },
        ("input", "a", 0), ("input", "b", 0), ("a", "c", 0), ("b", "c", 1), ("b", "d", 0), ("c", "e", 0),
        ("d", "e", 1), ("e", "output", 0),
    )  # fmt: skip
    found = of_numbers(network, (2, 1), SQUARE, [17.5])
    values = {node: explain(found, node, (0,)).total for node in ("a", "b", "c", "d", "e")}
    assert values == {"a": 2, "b": 1, "c": 3, "d": 6, "e": 18}
    gradients = {node: explain_gradient(found, node, (0,)).total for node in ("a", "b", "c", "d", "e")}
    assert gradients == {"e": 1, "c": 6, "d": 3, "a": 6, "b": 9}
    twice = explain_gradient(found, "b", (0,))
    assert [term.value for term in twice.terms] == [6, 3] and "more than once" in twice.words


def test_a_difference_times_a_number_and_a_product() -> None:
    """The graphs e = (a − b)·c and f = x·y, whose gradient is (y, x)."""
    network = wired(
        {
            "input": ("input", {"shape": (3,)}),
            "d": given([(1, -1, 0)], [0]),
            "c": given([(0, 0, 1)], [0]),
            "e": ("multiply", {}),
            "output": ("output", {"loss": "mse"}),
        },
        ("input", "d", 0), ("input", "c", 0), ("d", "e", 0), ("c", "e", 1), ("e", "output", 0),
    )  # fmt: skip
    a, b, c = 7.0, 3.0, 2.0
    found = of_numbers(network, (a, b, c), SQUARE, [(a - b) * c - 0.5])
    assert explain(found, "e", (0,)).total == (a - b) * c
    assert [explain_gradient(found, "input", (at,)).total for at in range(3)] == [c, -c, a - b]
    assert [explain_gradient(found, node, (0,)).total for node in ("d", "c")] == [c, a - b]


# ---- convolution and pooling arithmetic ----------------------------------------------------------------------------


def test_a_filter_of_digits_is_as_deep_as_its_input(capsys: pytest.CaptureFixture[str]) -> None:
    """F·F·D weights and a bias for each number; 3×3 filters leave 28×28 with 26×26."""
    assert len(asked(capsys, "sample:digits-cnn", "conv1")["terms"]) == 3 * 3 * 1 + 1
    assert len(asked(capsys, "sample:digits-cnn", "conv2")["terms"]) == 3 * 3 * 16 + 1
    assert asked(capsys, "sample:digits-cnn", "conv1", "--at", "25,25")["position"] == [25, 25]
    with pytest.raises(AssertionError):
        asked(capsys, "sample:digits-cnn", "conv1", "--at", "26,25")


def of_image(*layers: Any, shape: tuple[int, int, int]) -> tuple[Network, Values]:
    network = Network(chain(image(*shape), *layers, output("mse")), seed=1)
    size = network.inference.results["output"].output
    inputs = torch.rand(1, *shape, generator=torch.Generator().manual_seed(0))
    found = values_of(network, network_at_rest(network), inputs, SQUARE, torch.zeros(1, *size))
    return network, found


def test_seventy_five_weights_and_one_bias() -> None:
    network, found = of_image(conv(10, 5), shape=(3, 32, 32))
    assert network.inference.results["conv1"].output == (10, 28, 28)
    assert len(explain(found, "conv1", (9, 27, 27)).terms) == 75 + 1


def test_padding_keeps_the_size() -> None:
    network, found = of_image(conv(1, 3, padding=1), shape=(1, 6, 6))
    assert network.inference.results["conv1"].output == (1, 6, 6)
    counts = {len(explain(found, "conv1", (0, *at)).terms) - 1 for at in ((0, 0), (0, 3), (3, 3))}
    assert counts == {4, 6, 9}  # in a corner, at an edge and inside
    network, _ = of_image(conv(1, 3), shape=(1, 6, 6))
    assert network.inference.results["conv1"].output == (1, 4, 4)


def test_one_row_and_one_column_are_never_read() -> None:
    """The exercise: 32×32, ten filters 7×7, then six 5×5 with stride 2: 26, then 11."""
    network, found = of_image(conv(10, 7), conv(6, 5, stride=2), shape=(3, 32, 32))
    assert network.inference.results["conv1"].output == (10, 26, 26)
    assert network.inference.results["conv2"].output == (6, 11, 11)
    assert explain_gradient(found, "conv1", (3, 25, 7)).terms == ()
    assert explain_gradient(found, "conv1", (3, 7, 25)).terms == ()
    assert len(explain_gradient(found, "conv1", (3, 24, 24)).terms) == 6  # the last corner of one window, each filter
    assert len(explain_gradient(found, "conv1", (3, 12, 12)).terms) == 6 * 3 * 3


def test_pooling_and_where_its_gradient_goes() -> None:
    for kind in ("max_pool2d", "avg_pool2d"):
        network = Network(chain(image(1, 4, 4), plain(kind, kernel_size=2, stride=2), output("mse")))
        numbers = torch.arange(16.0).reshape(1, 4, 4)
        target = torch.zeros(1, 1, 2, 2)
        found = values_of(network, network_at_rest(network), numbers.unsqueeze(0), SQUARE, target)
        answers = [explain(found, "pool1", (0, *at)).total for at in ((0, 0), (0, 1), (1, 0), (1, 1))]
        assert answers == ([5, 7, 13, 15] if kind == "max_pool2d" else [2.5, 4.5, 10.5, 12.5])
        back = [explain_gradient(found, "input", (0, *at)).total for at in ((0, 0), (0, 1), (1, 0), (1, 1))]
        whole = explain_gradient(found, "pool1", (0, 0, 0)).total
        assert back == ([0, 0, 0, whole] if kind == "max_pool2d" else [whole / 4] * 4)
