"""Kinds without a way of their own: the same numbers as autograd and as the kind's own way, in fewer words."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from random import Random
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from explain_helpers import CASES, MSE, Case, any_index, assert_sums, flowing, network_of
from numpy.typing import NDArray
from test_every_kind import LOSS_CASES, of_loss, slack
from test_written_out_updates import CASES as UPDATE_CASES
from test_written_out_updates import assert_is_the_step, training_of, updates_beside_steps
from torch import Tensor, nn
from training_helpers import CNN, advance

from nnviz.explain import kinds
from nnviz.explain.at_rest import network_at_rest
from nnviz.explain.explanation import Explanation
from nnviz.explain.kinds.way import Flow
from nnviz.explain.layers import explain, explain_gradient, explain_loss, explain_parameter_gradient, follow
from nnviz.explain.text import lines_of, plain_values
from nnviz.explain.updates import explain_update
from nnviz.explain.values import Values, values_of
from nnviz.network import builders
from nnviz.network.losses import LossFunction
from nnviz.network.network import Network
from nnviz.project import registry
from nnviz.project.declared.layers import LAYERS
from nnviz.project.model import Params, Shape
from nnviz.project.samples.sketch import chain, features, output, plain
from nnviz.project.spec import LayerSpec, ShapeResult


@pytest.fixture(autouse=True)
def nobody_has_a_way_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = {kind: way for kind, way in kinds.LAYERS.items() if kind not in CASES}
    monkeypatch.setattr(kinds, "LAYERS", MappingProxyType(layers))
    monkeypatch.setattr(kinds, "LOSSES", MappingProxyType({}))
    monkeypatch.setattr(kinds, "OPTIMIZERS", MappingProxyType({}))


OWN, OWN_LOSSES = kinds.LAYERS, kinds.LOSSES


def dense(flow: Flow, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The slopes at their places."""
    slopes = np.zeros(shape)
    if len(flow.slopes):
        np.add.at(slopes, (flow.examples, *flow.places.T), flow.slopes)
    return slopes


def assert_same_slopes(found: Flow, own: Flow, shape: tuple[int, ...], size: float) -> None:
    np.testing.assert_allclose(dense(found, shape), dense(own, shape), rtol=1e-4, atol=2e-6 * (1 + size))


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("kind", sorted(CASES))
def test_layers(kind: str, training: bool) -> None:
    for seed in range(2):
        random = Random(f"in general {kind} {seed}")
        case = CASES[kind](random)
        _, found = flowing(case, training=training, seed=seed)
        layer = found.nodes["layer"]
        more = slack(found)
        for _ in range(3):
            example = random.randrange(3)
            value = explain(found, "layer", any_index(random, layer.output.shape[1:]), example=example)
            assert_sums(value)  # the rest makes it exact
            assert registry.layer(kind).help in value.words and "the rest is what they leave over" in value.words
        for port, numbers in enumerate(layer.inputs):
            index = any_index(random, numbers.shape[1:])
            way, own = kinds.way_of(kind), OWN[kind]
            arguments = (layer, port, 1, index)
            assert_same_slopes(way.backward(*arguments), own.backward(*arguments), layer.output.shape, more)
        for node in {"input", *layer.sources}:
            index = any_index(random, found.nodes[node].output.shape[1:])
            assert_sums(explain_gradient(found, node, index, example=random.randrange(3)), more)
        for name, parameter in layer.parameters.items():
            index = any_index(random, parameter.shape)
            assert_sums(explain_parameter_gradient(found, "layer", name, index), more)
            own_parameter, parameter_way = OWN[kind].parameter, kinds.way_of(kind).parameter
            assert own_parameter is not None and parameter_way is not None
            flows = [one(layer, name, index) for one in (parameter_way, own_parameter)]
            assert_same_slopes(flows[0], flows[1], layer.output.shape, more)


def sources_of(found: Explanation) -> dict[str, float]:
    return {term.source: term.value for term in found.terms}


def test_a_layer_of_straight_lines_has_its_offset_as_the_rest() -> None:
    _, found = flowing(Case("linear", {"out_features": 2}, [(3,)]), training=False)
    layer = found.nodes["layer"]
    value = explain(found, "layer", (1,), example=2)
    weights, numbers = layer.parameters["weight"][1], layer.inputs[0][2]
    expected = {f"unit {at} of input": float(weights[at]) * float(numbers[at]) for at in range(3)}
    expected["the rest"] = float(layer.parameters["bias"][1])
    assert sources_of(value) == pytest.approx(expected, rel=1e-6)
    first = value.terms[0].factors[1]
    assert first.example == 2 and first.value == layer.inputs[0][2, 0]
    assert "y_k" in value.formula
    further = follow(found, first)
    assert further is not None and further.node == "input"
    without = flowing(Case("linear", {"out_features": 2, "bias": False}, [(3,)]), training=False)[1]
    assert len(explain(without, "layer", (1,)).terms) == 3


def test_over_a_batch_the_numbers_of_all_examples_are_terms() -> None:
    _, found = flowing(Case("batch_norm1d", {}, [(3,)]), training=True)
    names = [term.factors[-1].name for term in explain(found, "layer", (0,)).terms[:-1]]
    assert names == ["input[0]", "input[0] of example 1", "input[0] of example 2"]


def test_what_has_no_slope_is_all_rest() -> None:
    _, found = flowing(Case("step", {}, [(4,)]), training=False)
    for unit in range(4):
        value = explain(found, "layer", (unit,))
        assert sources_of(value) == {"the rest": found.nodes["layer"].output[0, unit]}
        gradient = explain_gradient(found, "input", (unit,))
        assert gradient.total == gradient.value == 0.0


def test_drawn_numbers_are_drawn_again_without_a_trace() -> None:
    for kind in ("dropout", "dropout2d"):
        _, found = flowing(Case(kind, {"probability": 0.5}, [(6, 3, 3)]), training=True, seed=3)
        before = torch.get_rng_state()
        layer = found.nodes["layer"]
        assert layer.mask is not None
        for index in [(0, 0, 0), (3, 1, 2), (5, 2, 2)]:
            for _ in range(2):
                assert explain(found, "layer", index, example=1).total == layer.output[(1, *index)]
            slopes = dense(kinds.way_of(kind).backward(layer, 0, 1, index), layer.output.shape)
            assert slopes.sum() == slopes[(1, *index)] == layer.mask[(1, *index)]
        assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", sorted(CASES))
def test_numbers_that_are_not_finite(kind: str) -> None:
    case = CASES[kind](Random(f"broken in general {kind}"))
    network = network_of(case)
    targets = torch.zeros(2, *network.inference.results["output"].output)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in (np.nan, np.inf, 3e38):
            inputs = torch.full((2, *case.shapes[0]), number)
            found = values_of(network, network_at_rest(network, training=True), inputs, MSE, targets)
            for node in found.nodes.values():
                index = any_index(Random(kind), node.output.shape[1:])
                lines_of(explain(found, node.node, index))
                plain_values(explain_gradient(found, node.node, index))
            plain_values(explain_loss(found))


def test_one_walks_from_the_loss_to_the_input_and_back_where_nothing_has_a_slope() -> None:
    network = Network(chain(features(3), plain("step"), plain("step"), output("perceptron")))
    loss = LossFunction("perceptron", "binary", 3, 0.0)
    inputs, targets = torch.ones(1, 3), torch.ones(1, 3)
    found = values_of(network, network_at_rest(network), inputs, loss, targets)
    forwards = [explain_loss(found)]
    while forwards[-1].node != network.input_id:
        link = next(link for term in forwards[-1].terms for link in term.links)
        forwards += [step] if (step := follow(found, link)) else []
    backwards = [explain_gradient(found, network.input_id, (0,))]
    while backwards[-1].node != network.output_id:
        assert backwards[-1].total == 0.0
        link = next(link for term in backwards[-1].terms for link in term.links)
        backwards += [step] if (step := follow(found, link)) else []
    assert len(forwards) == 5 and len(backwards) == 4


# ---- a new kind: one declaration and one builder -------------------------------------------------------------------


class _ByHand(torch.autograd.Function):
    """x³, with a way back that autograd cannot look into."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        context.save_for_backward(x)
        return x**3

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]  # torch leaves it unannotated
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        (x,) = context.saved_tensors
        return 3 * x**2 * gradients[0]


class Cubic(nn.Module):
    """A scaled x³ beside x itself, one of them hidden from autograd on its way back."""

    def __init__(self, hidden: bool) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.register_buffer("order", torch.zeros(3, dtype=torch.long))
        self.hidden = hidden

    def reset_parameters(self) -> None:
        nn.init.ones_(self.scale)
        self.order.copy_(torch.tensor([1, 0, 2]))  # type: ignore[operator]

    def forward(self, x: Tensor) -> Tensor:
        cube = _ByHand.apply(x) if self.hidden else x**3  # type: ignore[no-untyped-call]
        return self.scale * cube + x[:, self.order]  # type: ignore[index]


def _rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    return ShapeResult(shapes[0], parameters=1, arithmetic="one scale")


@pytest.mark.parametrize("hidden", [True, False], ids=["backwards by hand", "by autograd"])
def test_a_kind_that_is_declared_and_built_is_explained(hidden: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = LayerSpec("cubic", "Cubic", "Cubes.", "activation", rule=_rule)
    monkeypatch.setattr(registry, "_LAYERS", registry.Registry("layer", (*LAYERS, spec)))
    monkeypatch.setattr(builders, "BUILDERS", {**builders.BUILDERS, "cubic": lambda params, shapes: Cubic(hidden)})
    _, found = flowing(Case("cubic", {}, [(3,)]), training=False)
    layer = found.nodes["layer"]
    for unit in range(3):
        assert_sums(explain(found, "layer", (unit,), example=1))
        gradient = explain_gradient(found, "input", (unit,), example=1)
        assert_sums(gradient)
        assert len(gradient.terms) == (1 if unit == 2 else 2)
        plain_values(gradient), lines_of(explain(found, "layer", (unit,)))
    assert_sums(explain_parameter_gradient(found, "layer", "scale", (0,)))
    scale, numbers = float(layer.parameters["scale"][0]), layer.inputs[0][1].astype(float)
    assert sources_of(explain(found, "layer", (0,), example=1)) == pytest.approx(
        {
            "unit 0 of input": 3 * scale * numbers[0] ** 3,
            "unit 1 of input": numbers[1],
            "the rest": -2 * scale * numbers[0] ** 3,
        },
        rel=1e-5,
    )


# ---- losses --------------------------------------------------------------------------------------------------------


def assert_same_loss(found: Values, own: dict[int, float], example: int) -> None:
    loss = explain_loss(found, example=example)
    assert_sums(loss)
    assert "those at this answer" in loss.words
    lines_of(loss)
    for index in np.ndindex(*found.nodes[found.output_id].output.shape[1:]):
        gradient = explain_gradient(found, found.output_id, index, example=example)
        assert_sums(gradient)
        assert gradient.total * 5 == pytest.approx(own[index[0]], rel=1e-4, abs=2e-6)


@pytest.mark.parametrize(("kind", "task", "count", "params"), LOSS_CASES)
@pytest.mark.parametrize("size", [1.0, 20.0])
def test_losses(kind: str, task: str, count: int, params: dict[str, float], size: float) -> None:
    for seed in range(2):
        found = of_loss(kind, task, count, params, seed, size)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(kinds, "LOSSES", OWN_LOSSES)
            own = [
                {
                    unit: explain_gradient(found, found.output_id, (unit,), example=example).total * 5
                    for unit in range(count)
                }
                for example in range(5)
            ]
        for example in range(5):
            assert_same_loss(found, own[example], example)


# ---- optimizers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("optimizer", "settings", "recipe"), UPDATE_CASES)
def test_optimizers(optimizer: str, settings: dict[str, Any], recipe: dict[str, Any]) -> None:
    for name, found, new in updates_beside_steps(optimizer, settings, recipe):
        assert_is_the_step(found, new)
        if not recipe:
            assert found.total == new, "it is the optimizer's own step"
        assert [term.source for term in found.terms] == ["the weight before", "the optimizer's step"]
        assert f"gradient:{name}" in {factor.part for term in found.terms for factor in term.links}


def test_the_step_on_a_copy_leaves_no_trace() -> None:
    watched, alone = (training_of(CNN, "adam", {}, {}) for _ in range(2))
    for _ in range(4):
        explain_update(watched, "conv1", "weight", (0, 0, 0, 0))
        advance(watched, 1)
    watched.random.release()
    advance(alone, 4)
    for one, other in zip(watched.network.parameters(), alone.network.parameters(), strict=True):
        assert torch.equal(one, other)
