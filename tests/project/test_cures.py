"""What a cure of a finding does to the document, and which starts it takes for odd."""

from __future__ import annotations

import pytest

from nnviz.project.cures import PREPARE, USE_RELU, USUAL_START, edit_of
from nnviz.project.document import Document
from nnviz.project.model import Choice, DataConfig, Project, TrainConfig
from nnviz.project.samples import templates
from nnviz.project.samples.sketch import (
    Layer,
    chain,
    conv,
    features,
    flatten,
    image,
    linear,
    neurons,
    output,
    plain,
    pool,
    relu,
    sigmoid,
)
from nnviz.project.starts import starts_of, usual_kinds

ZEROS = {"weight_initialisation": "zeros"}


def start(project: Project, node: str) -> object:
    return Choice.of(project.graph.nodes[node].params.get("weight_initialisation", "default")).kind


def cured(project: Project, action: str, value: str = "") -> Project:
    edit = edit_of(action, value, project)
    assert edit is not None
    document = Document(project)
    document.apply(edit)
    after = document.project
    assert edit_of(action, value, after) is None, "once is enough"
    document.undo()
    assert document.project == project
    return after


def test_he_before_relu_and_xavier_elsewhere_and_what_is_random_stays() -> None:
    graph = chain(
        *(image(1, 8, 8), conv(4, 3, **ZEROS), pool(), relu(), flatten()),
        *(linear(6, **ZEROS), sigmoid(), linear(6), plain("leaky_relu"), linear(10, **ZEROS), output()),
    )
    after = cured(Project(graph=graph), USUAL_START)
    assert [start(after, node) for node in ("conv1", "linear1", "linear2", "linear3")] == [
        "he_normal",
        "xavier_uniform",
        "default",
        "xavier_uniform",
    ]
    assert usual_kinds(graph, ["linear2"]) == {"linear2": "he_normal"}


def test_what_follows_the_whole_network_is_cured_there() -> None:
    graph = chain(features(2), linear(6), relu(), linear(2), output())
    after = cured(Project(graph=graph, training=TrainConfig(initialisation=Choice("zeros"))), USUAL_START)
    assert after.graph == graph and after.training.initialisation == Choice("he_normal")


@pytest.mark.parametrize(
    ("layer", "strength", "odd"),
    [
        (linear(6, weight_initialisation=Choice("gaussian", {"deviation": 0.5})), 2.0, False),
        (linear(6, weight_initialisation=Choice("gaussian", {"deviation": 1.0})), 4.0, True),
        (linear(6, bias=False, weight_initialisation=Choice("uniform", {"limit": 0.1})), 4 * 0.1 / 3**0.5, True),
        (neurons([[1.0] * 16, [-1.0] * 16], [0.0, 0.0]), 4.0, True),
        (neurons([[0.25] * 16, [-0.25] * 16], [-4.0, 0.0]), 1.0, False),
        (neurons([[0.25] * 16, [-0.25] * 16], [-4.0, -4.0]), 1.0, True),
    ],
)
def test_a_start_is_judged_by_what_it_makes_of_a_signal(layer: Layer, strength: float, odd: bool) -> None:
    found = starts_of(chain(features(16), layer, relu(), linear(2), output()), Choice("default"))
    assert found["linear1"].strength == pytest.approx(strength)
    assert found["linear1"].odd is odd and not found["linear2"].odd


def test_the_start_of_no_sample_but_the_lessons_is_odd() -> None:
    odd = set()
    for info in templates.samples():
        project = templates.sample(info.name)
        odd |= {info.name for one in starts_of(project.graph, project.training.initialisation).values() if one.odd}
    assert odd == {"credit", "credit-person", "perceptron"}, "their numbers are written down, or zero"


def test_relu_takes_the_place_of_what_saturates_but_not_of_the_last_word() -> None:
    graph = chain(features(2), linear(6), sigmoid(), linear(6), plain("tanh"), linear(1), sigmoid(), output())
    after = cured(Project(graph=graph), USE_RELU)
    assert [node.kind for node in after.graph.nodes.values()] == [
        *("input", "linear", "relu", "linear", "relu", "linear", "sigmoid", "output")
    ]
    assert [start(after, node) for node in ("linear1", "linear2", "linear3")] == ["he_normal", "he_normal", "default"]


def test_pixels_are_scaled_before_and_numbers_behind_what_is_done_to_them_already() -> None:
    project = Project(data=DataConfig("digits", preparation=(Choice("subset"), Choice("centre"))))
    kinds = [step.kind for step in cured(project, PREPARE, "scale").data.preparation]
    assert kinds == ["subset", "scale", "centre"]
    assert [step.kind for step in cured(project, PREPARE, "standardise").data.preparation][-1] == "standardise"


@pytest.mark.parametrize("action", [USUAL_START, USE_RELU, PREPARE, "rm", ""])
@pytest.mark.parametrize("value", ["", "divide", "nowhere", "9" * 5000])
def test_what_makes_no_sense_changes_nothing(action: str, value: str) -> None:
    for project in (templates.sample("digits-cnn"), Project()):
        assert edit_of(action, value, project) is None
