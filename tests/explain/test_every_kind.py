"""The terms of every kind of layer and of every loss sum to the tensor, forwards and backwards."""

from __future__ import annotations

import math
import warnings
from random import Random

import numpy as np
import pytest
import torch
from explain_helpers import CASES, MSE, Case, any_index, assert_sums, flowing, network_of

from nnviz.explain import kinds
from nnviz.explain.at_rest import network_at_rest
from nnviz.explain.explanation import MOST_TERMS, Explanation
from nnviz.explain.layers import (
    explain,
    explain_gradient,
    explain_loss,
    explain_parameter_gradient,
    follow,
)
from nnviz.explain.text import lines_of, plain_values
from nnviz.explain.values import Values, values_of
from nnviz.network.losses import LossFunction
from nnviz.network.network import Network
from nnviz.project import registry
from nnviz.project.model import Choice
from nnviz.project.samples.sketch import chain, features, linear, output, plain

ENDS = {"input", "output"}


#: The layers and losses without a way of their own: what is said of them is right, and the words are those for all.
IN_GENERAL: tuple[str, ...] = ()


def test_every_kind_and_every_loss_has_a_way_or_is_known_to_have_none() -> None:
    assert {*kinds.LAYERS, *kinds.LOSSES, *IN_GENERAL} == {*registry.layers(), *registry.losses()}
    assert not {*kinds.LAYERS, *kinds.LOSSES} & set(IN_GENERAL)
    assert set(CASES) == set(registry.layers()) - ENDS
    for kind, way in kinds.LAYERS.items():
        assert way.formula or registry.layer(kind).formula
        assert (way.back or kind == "input") and "<" not in way.formula + way.back.replace("<", "")


def slack(values: Values) -> float:
    """Where a kernel takes large numbers from each other (x − μ, 1 + erf, g − Σ p·g), it rounds by their size."""
    layer = values.nodes["layer"]
    if not any(word in layer.kind for word in ("norm", "gelu", "softmax")):
        return 0.0
    assert layer.output_gradient is not None
    return float(max(np.abs(layer.inputs[0]).max(), np.abs(layer.output_gradient).max()))


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("kind", sorted(CASES))
def test_terms_sum_to_the_tensor(kind: str, training: bool) -> None:
    for seed in range(4):
        random = Random(f"{kind} {seed}")
        case = CASES[kind](random)
        _, found = flowing(case, training=training, seed=seed)
        layer = found.nodes["layer"]
        for _ in range(6):
            example = random.randrange(3)
            assert_sums(
                explain(found, "layer", any_index(random, layer.output.shape[1:]), example=example), slack(found)
            )
        for node in found.nodes.values():  # the input and each of the ways, and what the loss gives
            index = any_index(random, node.output.shape[1:])
            assert node.output_gradient is not None
            assert_sums(explain_gradient(found, node.node, index, example=random.randrange(3)), slack(found))
        for name, parameter in layer.parameters.items():
            for _ in range(3):
                index = any_index(random, parameter.shape)
                assert_sums(explain_parameter_gradient(found, "layer", name, index), slack(found))


@pytest.mark.parametrize("kind", sorted(CASES))
def test_every_place_of_one_layer(kind: str) -> None:
    """All numbers of what comes in, so that edges, corners and what nobody reads are among them."""
    case = CASES[kind](Random(f"all of {kind}"))
    _, found = flowing(case, training=True, seed=5, count=2)
    for node in ("input", "layer"):
        for index in np.ndindex(*found.nodes[node].output.shape[1:]):
            assert_sums(explain(found, node, index, example=1), slack(found))
            assert_sums(explain_gradient(found, node, index, example=1), slack(found))


@pytest.mark.parametrize("kind", sorted(CASES))
def test_factors_say_where_they_stand(kind: str) -> None:
    """Each has the number that stands there, and what can be walked to can be explained."""
    case = CASES[kind](Random(f"places of {kind}"))
    _, found = flowing(case, training=True, seed=2)
    index = any_index(Random(kind), found.nodes["layer"].output.shape[1:])
    source = found.nodes["layer"].sources[0]
    place = any_index(Random(kind), found.nodes[source].output.shape[1:])
    for explanation in (explain(found, "layer", index), explain_gradient(found, source, place)):
        pending = list(explanation.terms)
        while pending:
            term = pending.pop()
            assert term.source
            for factor in term.factors:
                assert factor.name
                pending += factor.made_of
                node = found.nodes[factor.node]
                if factor.part == "output":
                    assert factor.value == node.output[(factor.example, *factor.index)]
                elif factor.part == "gradient":
                    assert node.output_gradient is not None
                    assert factor.value == node.output_gradient[(factor.example, *factor.index)]
                elif factor.part in node.parameters:
                    assert factor.value == node.parameters[factor.part][factor.index]
                elif factor.part in node.statistics:
                    assert factor.value == node.statistics[factor.part][factor.index]
                else:
                    assert factor.part == "computed"
                    continue
                further = follow(found, factor)
                assert (further is not None) == factor.can_be_walked_to
                assert further is None or further.value == factor.value


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("kind", sorted(CASES))
def test_numbers_that_are_not_finite_are_explained_without_a_word(kind: str, number: float) -> None:
    case = CASES[kind](Random(f"broken {kind}"))
    network = network_of(case)
    inputs = torch.full((3, *case.shapes[0]), number)
    targets = torch.zeros(3, *network.inference.results["output"].output)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = values_of(network, network_at_rest(network, training=True), inputs, MSE, targets)
        for node in found.nodes.values():
            index = any_index(Random(kind), node.output.shape[1:])
            explain(found, node.node, index)
            plain_values(explain_gradient(found, node.node, index))
            lines_of(explain(found, node.node, index))
        for name, parameter in found.nodes["layer"].parameters.items():
            explain_parameter_gradient(found, "layer", name, any_index(Random(kind), parameter.shape))


def test_over_a_batch_it_is_said_which_example_is_meant() -> None:
    _, found = flowing(Case("batch_norm1d", {}, [(3,)]), training=True)
    distance = explain(found, "layer", (0,)).terms[0].factors[1]
    assert distance.name == "x − μ"
    mean = distance.made_of[1].factors[1]
    assert [term.factors[1].name for term in mean.made_of] == [f"input[0] of example {n}" for n in range(3)]
    sources = [term.source for term in explain_parameter_gradient(found, "layer", "weight", (0,)).terms]
    assert sources == [f"unit 0 of layer, example {n}" for n in range(3)]


def test_of_a_very_long_sum_the_largest_terms_are_kept_and_the_rest_is_summed_exactly() -> None:
    _, found = flowing(Case("linear", {"out_features": 1}, [(5000,)]), training=False)
    layer = found.nodes["layer"]
    products = layer.parameters["weight"][0].astype(np.float64) * layer.inputs[0][1]
    taken_apart = explain(found, "layer", (0,), example=1)
    assert len(taken_apart.terms) == MOST_TERMS + 2  # one for all others, and the bias
    bias = float(layer.parameters["bias"][0])
    assert taken_apart.total == math.fsum([*products.tolist(), bias])
    assert_sums(taken_apart)
    sizes = sorted([*products.tolist(), bias], key=abs, reverse=True)
    shown = taken_apart.largest(10)
    assert [term.value for term in shown[:10]] == sizes[:10]
    assert shown[10].stands_for == 4991 and shown[10].source == "and 4,991 more"
    assert shown[10].value == pytest.approx(math.fsum(sizes[10:]), rel=1e-12)
    assert taken_apart.largest(4)[-1].stands_for == 4997
    small = explain(flowing(Case("linear", {"out_features": 1}, [(3,)]), training=False)[1], "layer", (0,))
    assert len(small.largest(3)) == 4 and all(term.stands_for == 1 for term in small.largest(3))


# ---- losses --------------------------------------------------------------------------------------------------------


LOSS_CASES = [
    ("cross_entropy", "classes", 4, {}),
    ("cross_entropy", "classes", 4, {"label_smoothing": 0.2}),
    ("cross_entropy", "classes", 3, {"class_weights": "typed", "weights": (0.5, 2.0, 3.0), "label_smoothing": 0.1}),
    ("nll", "classes", 4, {}),
    ("hinge", "classes", 4, {"margin": 0.8}),
    ("mse", "regression", 3, {}),
    ("mse", "classes", 3, {}),
    ("mse", "binary", 1, {}),
    ("l1", "regression", 3, {}),
    ("huber", "regression", 2, {"delta": 0.7}),
    ("bce", "binary", 1, {}),
    ("bce_logits", "binary", 1, {}),
    ("perceptron", "binary", 1, {}),
    ("output_itself", "none", 3, {}),
]


def of_loss(kind: str, task: str, count: int, params: dict[str, float], seed: int, size: float = 1.0) -> Values:
    last = (plain("sigmoid"),) if registry.loss(kind).expects == "probabilities" else ()
    if needed := registry.loss(kind).needs:
        last = (plain(needed),)
    network = Network(chain(features(3), linear(count), *last, output(kind)), seed=seed)
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(5, 3, generator=generator) * size
    if task == "none":
        targets = torch.zeros(5, 0)
    elif task == "regression":
        targets = torch.randn(5, count, generator=generator)
    else:
        targets = torch.randint(0, max(count, 2), (5,), generator=generator)
    spec = registry.loss(kind)
    loss = LossFunction(kind, task, count, spec.threshold, spec.values(params))
    return values_of(network, network_at_rest(network), inputs, loss, targets)


def test_every_loss_is_among_the_cases() -> None:
    assert {kind for kind, *_ in LOSS_CASES} == set(registry.losses())
    assert Choice.of("mse").kind == "mse"


@pytest.mark.parametrize(("kind", "task", "count", "params"), LOSS_CASES)
@pytest.mark.parametrize("size", [0.0, 1.0, 20.0])
def test_a_loss_and_its_gradient(kind: str, task: str, count: int, params: dict[str, float], size: float) -> None:
    for seed in range(3):
        found = of_loss(kind, task, count, params, seed, size)
        answers = found.nodes[found.output_id].output
        losses = []
        for example in range(5):
            loss = explain_loss(found, example=example)
            assert_sums(loss, float(np.abs(answers).max()))
            losses.append(loss.total)
            for index in np.ndindex(*answers.shape[1:]):
                assert_sums(explain_gradient(found, found.output_id, index, example=example), 1.0)
        assert found.loss == pytest.approx(sum(losses) / 5, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(("kind", "task", "count", "params"), LOSS_CASES)
@pytest.mark.parametrize("size", [np.nan, np.inf, 1e30])
def test_a_loss_that_is_not_finite(kind: str, task: str, count: int, params: dict[str, float], size: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = of_loss(kind, task, count, params, 0, size)
        lines_of(explain_loss(found))
        plain_values(explain_gradient(found, found.output_id, (0,)))


def test_softmax_and_cross_entropy_are_probability_minus_target() -> None:
    found = of_loss("cross_entropy", "classes", 4, {}, 1)
    scores = found.nodes[found.output_id].output.astype(np.float64)
    shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    assert found.targets is not None
    for example, label in enumerate(found.targets):
        loss = explain_loss(found, example=example)
        assert loss.total == pytest.approx(-np.log(shares[example, label]))
        walked = chain_of(loss)
        assert [name.split("[")[0] for name in walked] == ["ln p", "p", "e^z"]
        for unit in range(4):
            gradient = explain_gradient(found, found.output_id, (unit,), example=example)
            assert gradient.total * 5 == pytest.approx(shares[example, unit] - (unit == label), abs=1e-12)
            assert gradient.terms[0].factors[-1].name == f"p[{unit}] − y[{unit}]"


def chain_of(loss: Explanation) -> list[str]:
    """logits → exp → ÷ sum → −log p, backwards: the names of what the loss is made of, one behind the other."""
    names = []
    factor = loss.terms[0].factors[1]
    while factor.part == "computed":
        names.append(factor.name)
        factor = factor.made_of[0].factors[0]
    return names
