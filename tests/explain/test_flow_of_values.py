"""What flows through a network, beside autograd on the live network and differences of the loss in double precision."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from training_helpers import CNN, CPU, MLP, advance, made_training, same, served, session_of, weights
from waiting import wait_for

from nnviz.data.tensors import load
from nnviz.errors import ParamError
from nnviz.explain.at_rest import network_at_rest
from nnviz.explain.explanation import Explanation
from nnviz.explain.layers import (
    explain,
    explain_gradient,
    explain_loss,
    explain_parameter_gradient,
    follow,
    needed,
)
from nnviz.explain.updates import explain_update
from nnviz.explain.values import (
    Example,
    Values,
    ask_for_example,
    ask_for_next_batch,
    values_of,
    values_of_example,
    values_of_next_batch,
)
from nnviz.network.losses import LossFunction
from nnviz.network.network import Network
from nnviz.project.model import Edge, Graph, Node, PortRef
from nnviz.project.samples.sketch import chain, features, linear, output
from nnviz.project.samples.templates import sample
from nnviz.train.session import SessionState
from nnviz.train.training import Training

SPIRAL = sample("spiral").graph


def of_sample(name: str) -> Training:
    project = sample(name)
    return Training(project, load(project.data), CPU)


def gradients_of_next_step(training: Training) -> tuple[dict[str, Tensor], float]:
    """What stands in ``parameter.grad`` while the step that comes next is made, and its loss."""
    found: dict[str, Tensor] = {}
    losses: list[float] = []

    def look(loss: Tensor, outputs: Tensor, targets: Tensor) -> None:
        losses.append(loss.item())
        for name, parameter in training.network.named_parameters():
            if parameter.grad is not None:
                found[name] = parameter.grad.clone()

    training.advance(look)
    return found, losses[0]


# ---- beside the training itself ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: made_training(CNN),  # dropout and batch normalisation
        lambda: made_training(MLP),
        lambda: of_sample("spiral"),  # the short way of a dense chain
        lambda: of_sample("xnor-two-layer"),
    ],
    ids=["cnn", "mlp", "spiral", "xnor"],
)
def test_the_next_batch_has_the_gradients_of_the_next_step_bit_for_bit(make: Any) -> None:
    training = make()
    if training.optimizer is None:
        pytest.skip("nothing to train")
    advance(training, 3)
    found = values_of_next_batch(training)
    expected, loss = gradients_of_next_step(training)
    training.random.release()
    assert found.step == 3 and found.loss == loss
    names = {
        f"{training.network.module_name(node)}.{name}": gradient
        for node, values in found.nodes.items()
        for name, gradient in values.parameter_gradients.items()
    }
    assert names.keys() == expected.keys()
    for name, gradient in expected.items():
        assert np.array_equal(names[name], gradient.numpy()), name


def test_values_of_an_example_are_those_that_the_live_network_gives_in_evaluation_mode() -> None:
    training = made_training(CNN)
    advance(training, 4)
    found = values_of_example(training, Example("validation", 3))
    inputs = training.feeder("validation").prepare([3])
    network = copy.deepcopy(training.network).eval()
    with torch.no_grad():
        outputs = network.forward_all(inputs)
        loss = training.loss_function(network(inputs), training.feeder("validation").targets_of([3]))
    assert list(found.nodes) == list(training.network.node_ids)
    for node, value in outputs.items():
        assert np.array_equal(found.nodes[node].output, value.numpy()), node
    assert found.loss == loss.item()
    for values in found.nodes.values():
        assert len(values.inputs) == max(1, len(values.sources))
        for source, taken in zip(values.sources, values.inputs, strict=False):
            assert np.array_equal(taken, found.nodes[source].output)


# ---- the chain rule ------------------------------------------------------------------------------------------------


def diamond() -> Graph:
    """A value that is used three times, twice by the same node, a product, and a layer that leads nowhere."""
    nodes = (
        Node("input", "input", {"shape": (3,)}),
        Node("first", "linear", {"out_features": 4}),
        Node("bent", "tanh", {}),
        Node("product", "multiply", {}),
        Node("sum", "add", {}),
        Node("nowhere", "linear", {"out_features": 2}),
        Node("last", "linear", {"out_features": 2}),
        Node("output", "output", {"loss": "mse"}),
    )
    wires = (
        ("input", "first"), ("first", "bent"), ("bent", "product", 0), ("bent", "product", 1), ("product", "sum", 0),
        ("bent", "sum", 1), ("bent", "nowhere"), ("sum", "last"), ("last", "output"),
    )  # fmt: skip
    edges = tuple(Edge(PortRef(wire[0]), PortRef(wire[1], *wire[2:])) for wire in wires)
    return Graph({node.id: node for node in nodes}, edges)


MSE = LossFunction("mse", "regression", 2, 0.0)


def of_diamond() -> tuple[Network, Values, Tensor, Tensor]:
    network = Network(diamond(), seed=7)
    generator = torch.Generator().manual_seed(0)
    inputs, targets = torch.randn(5, 3, generator=generator), torch.randn(5, 2, generator=generator)
    return network, values_of(network, network_at_rest(network), inputs, MSE, targets), inputs, targets


def test_a_value_used_twice_has_the_sum_of_what_comes_back_along_its_wires() -> None:
    _, found, _, _ = of_diamond()
    back: dict[str, list[Any]] = {}
    for values in found.nodes.values():
        for source, gradient in zip(values.sources, values.input_gradients, strict=False):
            if gradient is not None:
                back.setdefault(source, []).append(gradient)
    assert len(back["bent"]) == 3  # twice into the product, once into the sum; nothing from what leads nowhere
    for source, along_wires in back.items():
        whole = found.nodes[source].output_gradient
        assert whole is not None
        np.testing.assert_allclose(sum(along_wires), whole, rtol=1e-6, atol=1e-8)
    assert not np.array_equal(back["bent"][0], found.nodes["bent"].output_gradient)


def test_what_leads_nowhere_has_values_and_no_gradients() -> None:
    _, found, _, _ = of_diamond()
    nowhere = found.nodes["nowhere"]
    assert nowhere.output.shape == (5, 2) and nowhere.parameters.keys() == {"weight", "bias"}
    assert nowhere.output_gradient is None and nowhere.input_gradients == (None,)
    assert nowhere.parameter_gradients == {}


def test_gradients_are_the_differences_of_the_loss_in_double_precision() -> None:
    """Slower and without autograd: each value is moved a little, and what is computed from it is computed again."""
    network, found, inputs, targets = of_diamond()
    double = copy.deepcopy(network).double()

    def loss_with(node: str, moved: Tensor) -> float:
        """The loss where the output of a node is another one; each further node from its sources, by hand."""
        values: dict[str, Tensor] = {}
        for one in network.node_ids:
            sources = found.nodes[one].sources
            value = (
                inputs.double() if one == "input" else double.module_of(one)(*[values[source] for source in sources])
            )
            values[one] = moved if one == node else value
        return MSE(values["output"], targets).item()

    with torch.no_grad():
        for node in ("input", "first", "bent", "product", "sum", "last", "output"):
            values = found.nodes[node]
            assert values.output_gradient is not None
            base = double.forward_all(inputs.double())[node]
            for place in np.ndindex(*values.output.shape):
                loss = []
                for distance in (-1e-6, 1e-6):
                    moved = base.clone()
                    moved[place] += distance
                    loss.append(loss_with(node, moved))
                assert (loss[1] - loss[0]) / 2e-6 == pytest.approx(values.output_gradient[place], rel=1e-4, abs=1e-7)


def test_only_what_is_wanted_is_taken_out_and_it_is_the_same() -> None:
    training = made_training(CNN)
    node = training.network.node_ids[3]
    some = values_of_example(training, Example("train", 0), wanted={node, "no such layer"})
    everything = values_of_example(training, Example("train", 0))
    assert list(some.nodes) == [node] and some.loss == everything.loss
    one, other = some.nodes[node], everything.nodes[node]
    assert one.output_gradient is not None and other.output_gradient is not None
    assert np.array_equal(one.output, other.output) and np.array_equal(one.output_gradient, other.output_gradient)
    assert np.array_equal(one.inputs[0], other.inputs[0])


def test_without_targets_there_are_values_and_no_gradients() -> None:
    network, _, inputs, _ = of_diamond()
    found = values_of(network, network_at_rest(network), inputs)
    assert found.loss is None and all(values.output_gradient is None for values in found.nodes.values())


def test_values_are_frozen_and_the_weights_in_them_do_not_go_on_training() -> None:
    training = made_training(MLP)
    found = values_of_next_batch(training)
    before = {(node, name): array.copy() for node, v in found.nodes.items() for name, array in v.parameters.items()}
    advance(training, 3)
    for (node, name), array in before.items():
        assert np.array_equal(found.nodes[node].parameters[name], array)
    for values in found.nodes.values():
        arrays = [*values.inputs, values.output, *values.parameters.values(), *values.parameter_gradients.values()]
        assert not any(array.flags.writeable for array in arrays)
    with pytest.raises(TypeError):
        found.nodes["more"] = None  # type: ignore[index]


def test_an_example_that_is_not_there() -> None:
    with pytest.raises(ParamError, match="no example 25"):
        values_of_example(made_training(MLP), Example("validation", 25))


# ---- the training does not notice ----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda: made_training(CNN), lambda: of_sample("spiral")], ids=["cnn", "spiral"])
def test_fifty_steps_with_requests_in_between_are_fifty_steps_without(make: Any) -> None:
    watched, left_alone = make(), make()
    outside = torch.get_rng_state()
    for _ in range(50):
        values_of_next_batch(watched)
        advance(watched, 1)
        values_of_example(watched, Example("validation", 2), wanted={watched.network.output_id})
        network_at_rest(watched.network, training=True)
    one = weights(watched.network), watched.random.capture()
    watched.random.release()
    assert torch.equal(torch.get_rng_state(), outside)
    advance(left_alone, 50)
    other = weights(left_alone.network), left_alone.random.capture()
    left_alone.random.release()
    assert same(one[0], other[0]) and same(one[1], other[1])
    kept, lone = (training.capture().optimizer for training in (watched, left_alone))
    assert kept and same(dict(kept), dict(lone))


def asked_at_random(training: Training, random: Random) -> None:
    """An explanation of some number, forwards, backwards, of the loss, or of an update."""
    network = training.network
    node = random.choice(network.node_ids)
    backwards = random.random() < 0.5
    if random.random() < 0.3:
        values = values_of_next_batch(training)
    else:
        wanted = needed(network, node, backwards=backwards)
        example = Example("validation", random.randrange(len(training.data.validation)))
        values = values_of_example(training, example, wanted=wanted, backwards=backwards)
    place = tuple(random.randrange(size) for size in network.inference.results[node].output)
    (explain_gradient if backwards else explain)(values, node, place)
    if node == network.output_id:
        explain_loss(values)
    for name, parameter in network.module_of(node).named_parameters():
        at = tuple(random.randrange(size) for size in parameter.shape)
        explain_update(training, node, name, at)
        if backwards:
            explain_parameter_gradient(values, node, name, at)


@pytest.mark.parametrize("make", [lambda: made_training(CNN), lambda: of_sample("spiral")], ids=["cnn", "spiral"])
def test_two_hundred_steps_with_explanations_at_random_are_two_hundred_steps_without(make: Any) -> None:
    watched, left_alone = make(), make()
    outside = torch.get_rng_state()
    random = Random(11)
    for _ in range(200):
        if random.random() < 0.4:
            asked_at_random(watched, random)
        advance(watched, 1)
    one = weights(watched.network), watched.random.capture()
    watched.random.release()
    assert torch.equal(torch.get_rng_state(), outside)
    advance(left_alone, 200)
    other = weights(left_alone.network), left_alone.random.capture()
    left_alone.random.release()
    assert same(one[0], other[0]) and same(one[1], other[1])


def test_borrowed_random_numbers_are_those_that_come_next_and_are_not_used_up() -> None:
    training = made_training(MLP)
    outside = torch.get_rng_state()
    with training.random.borrowed():
        borrowed = torch.rand(3)
    assert torch.equal(torch.get_rng_state(), outside)
    with training.random:
        assert torch.equal(torch.rand(3), borrowed)
        with training.random.borrowed():
            once = torch.rand(3)
        assert torch.equal(torch.rand(3), once)
    training.random.release()
    assert torch.equal(torch.get_rng_state(), outside)


@pytest.mark.parametrize("graph", [CNN, MLP], ids=["cnn", "mlp"])
def test_a_session_answers_between_two_batches_and_its_weights_are_the_same(graph: Graph) -> None:
    answers = []
    with served(session_of(graph, epochs=8)) as session:
        session.play()
        while session.state not in (SessionState.DONE, SessionState.FAILED) and len(answers) < 200:
            answers.append(ask_for_example(session, Example("validation", len(answers) % 20)).result(20))
            answers.append(ask_for_next_batch(session, wanted=()).result(20))
        wait_for(lambda: session.state is SessionState.DONE)
        asked = session.ask(lambda: (weights(session.training.network), session.training.random.capture())).result(20)
    assert answers
    steps = [answer.step for answer in answers]
    assert steps == sorted(steps)
    with served(session_of(graph, epochs=8)) as session:
        session.play()
        wait_for(lambda: session.state is SessionState.DONE)
        alone = session.ask(lambda: (weights(session.training.network), session.training.random.capture())).result(20)
    assert same(asked[0], alone[0]) and same(asked[1], alone[1])


# ---- terms ---------------------------------------------------------------------------------------------------------


def assert_sums(found: Explanation) -> None:
    """Within the error of a sum in single precision, whatever its order (Higham 2002, 4.4)."""
    size = sum(abs(term.value) for term in found.terms)
    assert abs(found.total - found.value) <= (len(found.terms) + 1) * 2.0**-24 * size


@pytest.mark.parametrize("name", ["xnor-two-layer", "credit", "spiral", "digits-cnn"])
def test_the_terms_of_every_dense_unit_sum_to_its_value(name: str) -> None:
    training = of_sample(name)
    if training.optimizer is not None:
        advance(training, 5)
    training.random.release()
    found = values_of_example(training, Example("train", 1))
    dense = [node for node in found.nodes if isinstance(training.network.module_of(node), nn.Linear)]
    assert dense
    for node in dense:
        values = found.nodes[node]
        for unit in range(values.output.shape[-1]):
            taken_apart = explain(found, node, (unit,))
            assert_sums(taken_apart)
            assert len(taken_apart.terms) == values.inputs[0].shape[-1] + ("bias" in values.parameters)


def test_the_terms_say_where_their_factors_stand() -> None:
    network = Network(chain(features(2), linear(3), output("mse")), seed=1)
    node = next(node for node in network.node_ids if network.kind_of(node) == "linear")
    with torch.no_grad():
        network.module_of(node).weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 1.5], [0.0, 0.0]]))
        network.module_of(node).bias.copy_(torch.tensor([0.0, -4.0, 0.0]))
    found = values_of(network, network_at_rest(network), torch.tensor([[0.0, 0.0], [6.0, 5.0]]))
    taken_apart = explain(found, node, (1,), example=1)
    assert taken_apart.value == taken_apart.total == 3 * 6 + 1.5 * 5 - 4
    assert [term.value for term in taken_apart.terms] == [18, 7.5, -4]
    places = [[(one.node, one.part, one.index, one.value) for one in term.factors] for term in taken_apart.terms]
    assert places == [
        [(node, "weight", (1, 0), 3.0), (network.input_id, "output", (0,), 6.0)],
        [(node, "weight", (1, 1), 1.5), (network.input_id, "output", (1,), 5.0)],
        [(node, "bias", (1,), -4.0)],
    ]


@pytest.mark.parametrize("name", ["digits-cnn", "xnor-two-layer", "spiral"])
def test_one_walks_from_the_loss_to_the_input_and_back_by_links_alone(name: str) -> None:
    training = of_sample(name)
    found = values_of_example(training, Example("validation", 3))
    forwards = [explain_loss(found)]
    while forwards[-1].node != training.network.input_id:
        links = [link for term in forwards[-1].terms for link in term.links if link.part == "output"]
        step = follow(found, max(links, key=lambda link: abs(link.value)))
        assert step is not None
        assert_sums(step)
        forwards.append(step)
    assert {step.node for step in forwards} >= {training.network.output_id}
    backwards = [explain_gradient(found, forwards[-1].node, forwards[-1].index)]
    while backwards[-1].node != training.network.output_id:
        links = [link for term in backwards[-1].terms for link in term.links if link.part == "gradient"]
        step = follow(found, links[0])
        assert step is not None
        backwards.append(step)
    assert backwards[-1].terms[0].source == "the loss"


def test_gradients_that_were_not_asked_for_are_not_taken_for_nothing() -> None:
    training = made_training(MLP)
    found = values_of_example(training, Example("train", 0), backwards=False)
    assert found.loss == values_of_example(training, Example("train", 0)).loss
    assert explain_loss(found).value == pytest.approx(found.loss)
    with pytest.raises(ParamError, match="No gradients were asked for"):
        explain_gradient(found, "linear1", (0,))
    with pytest.raises(ParamError, match="No gradients were asked for"):
        explain_parameter_gradient(found, "linear1", "weight", (0, 0))
    some = values_of_example(training, Example("train", 0), wanted={"linear1"})
    with pytest.raises(ParamError, match="'relu1' is not among"):
        explain_gradient(some, "linear1", (0,))


@pytest.mark.parametrize(
    ("node", "index", "example", "words"),
    [
        ("linear9", (0,), 0, "'linear9' is not among the layers"),
        ("linear1", (16,), 0, "nothing at"),
        ("linear1", (-1,), 0, "nothing at"),
        ("linear1", (0, 0), 0, "nothing at"),
        ("linear1", (0,), 1, "nothing at"),
    ],
)
def test_what_cannot_be_taken_apart_is_said(node: str, index: tuple[int, ...], example: int, words: str) -> None:
    found = values_of_example(made_training(MLP), Example("train", 0))
    assert "linear1" in found.nodes
    with pytest.raises(ParamError, match=words):
        explain(found, node, index, example=example)
