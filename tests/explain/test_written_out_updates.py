"""A weight's update written out, beside the step that the training really makes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
import pytest
import torch
from explain_helpers import any_index
from training_helpers import CNN, CPU, MADE, MLP, advance, images, project_of, served, session_of, tables
from waiting import wait_for

from nnviz.errors import InputError, ParamError
from nnviz.explain import kinds
from nnviz.explain.asked import Question, ask
from nnviz.explain.explanation import Explanation
from nnviz.explain.layers import follow
from nnviz.explain.updates import explain_update
from nnviz.explain.values import Example, values_of_next_batch
from nnviz.project import registry
from nnviz.project.model import Choice, Graph
from nnviz.train.session import SessionState
from nnviz.train.training import Training

RATE = {"learning_rate": 0.05}
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("sgd", {}, {}),
    ("sgd", {"momentum": 0.9}, {}),
    ("sgd", {"momentum": 0.8, "weight_decay": 0.1}, {}),
    ("sgd", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.05}, {}),
    ("rmsprop", {}, {}),
    ("rmsprop", {"momentum": 0.7, "weight_decay": 0.1, "alpha": 0.9}, {}),
    ("adagrad", {"weight_decay": 0.1}, {}),
    ("adadelta", {"weight_decay": 0.1}, {}),
    ("adam", {}, {}),
    ("adam", {"weight_decay": 0.1, "beta1": 0.8, "beta2": 0.95}, {}),
    ("adamw", {"weight_decay": 0.1}, {}),
    ("nadam", {"weight_decay": 0.1}, {}),
    ("lion", {"weight_decay": 0.1}, {}),
    ("sgd", {}, {"clipping": Choice("norm", {"limit": 0.2})}),
    ("adam", {}, {"clipping": Choice("value", {"limit": 0.01})}),
    ("sgd", {}, {"regularisers": (Choice("l1", {"strength": 0.1}), Choice("l2", {"strength": 0.2}))}),
    ("sgd", {}, {"regularisers": (Choice("max_norm", {"limit": 0.5}),)}),
    (
        "adam",
        {},
        {
            "clipping": Choice("norm", {"limit": 0.1}),
            "regularisers": (Choice("l2", {"strength": 0.1}), Choice("max_norm", {"limit": 0.7})),
            "schedule": Choice("exponential", {"factor": 0.5}),
        },
    ),
]


def training_of(graph: Graph, optimizer: str, settings: dict[str, Any], recipe: dict[str, Any]) -> Training:
    project = project_of(graph, optimizer=optimizer, **{**RATE, **settings})
    project = msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, **recipe))
    training = Training(project, images() if graph is CNN else tables(), CPU)
    MADE.append(training)
    return training


def places(training: Training, random: Random) -> list[tuple[str, str, tuple[int, ...]]]:
    network = training.network
    return [
        (node, name, any_index(random, parameter.shape))
        for node in network.node_ids
        for name, parameter in network.module_of(node).named_parameters()
    ]


def updates_beside_steps(
    optimizer: str, settings: dict[str, Any], recipe: dict[str, Any]
) -> Iterator[tuple[str, Explanation, float]]:
    """One weight of each parameter at three steps: the parameter's name, its update, and what the step made of it."""
    training = training_of(CNN, optimizer, settings, recipe)
    random = Random(optimizer)
    for done in (0, 1, 4):
        while training.step < done:
            advance(training, 1)
        expected = {place: explain_update(training, *place) for place in places(training, random)}
        advance(training, 1)
        for (node, name, index), found in expected.items():
            parameter = dict(training.network.module_of(node).named_parameters())[name]
            yield name, found, parameter.detach()[index].item()


def assert_is_the_step(found: Explanation, new: float) -> None:
    size = math.fsum(abs(term.value) for term in found.terms)
    assert found.value == pytest.approx(found.total, rel=1e-12)
    assert abs(found.total - new) <= 2.0**-21 * size + 1e-12, (found.total, new, found)


#: The optimizers without a way of their own: the new weight is the one before, and what the step adds.
IN_GENERAL: tuple[str, ...] = ()


def test_every_optimizer_clipping_and_regulariser_has_a_way() -> None:
    assert {*kinds.OPTIMIZERS, *IN_GENERAL} == set(registry.optimizers()) == {kind for kind, *_ in CASES}
    assert set(kinds.CLIPPINGS) == set(registry.CLIPPINGS.all)
    assert {*kinds.PENALTIES, *kinds.CONSTRAINTS} == set(registry.REGULARISERS.all)


@pytest.mark.parametrize(("optimizer", "settings", "recipe"), CASES)
def test_the_new_weight_is_that_of_the_real_step(
    optimizer: str, settings: dict[str, Any], recipe: dict[str, Any]
) -> None:
    for _, found, new in updates_beside_steps(optimizer, settings, recipe):
        assert_is_the_step(found, new)
        assert found.terms[0].source == "the weight before" and found.quantity == "update"


def test_the_gradient_in_an_update_can_be_walked_to() -> None:
    training = training_of(MLP, "adam", {}, {})
    advance(training, 2)
    found = explain_update(training, "linear1", "weight", (3, 2))
    values = values_of_next_batch(training)
    gradient = next(factor for term in found.terms for factor in term.factors if factor.part == "gradient:weight")
    further = follow(values, gradient)
    assert further is not None and further.value == gradient.value
    assert further.quantity == "gradient" and len(further.terms) == 10  # one an example of the batch


def test_the_session_is_asked_between_two_batches() -> None:
    with served(session_of(MLP, epochs=2)) as session:
        wait_for(lambda: session.state is SessionState.READY)
        found = session.ask(lambda: explain_update(session.training, "linear2", "bias", (0,))).result(20)
        session.step()
        wait_for(lambda: session.training.step == 1)
        bias = session.training.network.module_of("linear2").bias
        assert isinstance(bias, torch.Tensor)
        new = session.ask(bias[0].item).result(20)
    assert_is_the_step(found, new)


def test_a_live_session_is_asked_as_the_command_line_asks() -> None:
    with served(session_of(MLP, epochs=2)) as session:
        wait_for(lambda: session.state is SessionState.READY)
        answered = ask(session, Question("linear1", unit=3, example=4)).result(20)
        assert answered.explanation.index == (3,) and answered.example == Example("validation", 4)
        assert answered.explanation.value == pytest.approx(answered.explanation.total, rel=1e-5, abs=1e-6)
        with pytest.raises(InputError, match="--unit: linear1 has 16 units"):
            ask(session, Question("linear1", unit=16)).result(20)


def test_what_cannot_be_updated_is_said() -> None:
    training = training_of(MLP, "sgd", {}, {})
    with pytest.raises(ParamError, match="relu1 has no parameter 'weight' \\(it has none\\)"):
        explain_update(training, "relu1", "weight", (0, 0))
    with pytest.raises(ParamError, match="nothing at 3, 6"):
        explain_update(training, "linear1", "weight", (3, 6))


def test_explaining_an_update_changes_nothing() -> None:
    watched, alone = (training_of(CNN, "adam", {}, {}) for _ in range(2))
    for _ in range(5):
        explain_update(watched, "conv1", "weight", (0, 0, 0, 0))
        advance(watched, 1)
    watched.random.release()
    advance(alone, 5)
    for one, other in zip(watched.network.parameters(), alone.network.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("settings", "formula"),
    [
        ({}, "w′ = w − η · g"),
        ({"weight_decay": 0.1}, "w′ = w − η · (g + λ · w)"),
        ({"momentum": 0.9}, "w′ = w − η · b, b = μ · b_before + g"),
        ({"momentum": 0.9, "nesterov": True}, "w′ = w − η · (g + μ · b), b = μ · b_before + g"),
    ],
)
def test_a_setting_of_zero_stands_in_no_formula(settings: dict[str, Any], formula: str) -> None:
    spec = registry.optimizer("sgd")
    assert kinds.update_way_of("sgd").formula(spec.values(settings)) == formula
