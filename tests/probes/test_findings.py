"""What the program notices: each rule with a planted case, a healthy one, and no flickering."""

from __future__ import annotations

import math

import numpy as np
import pytest
from probe_networks import chain

from nnviz.probes.evidence import DataEvidence, RateAnswer, RateQuestion
from nnviz.probes.findings import FindingRules
from nnviz.probes.verdict import plain_number
from nnviz.project import registry
from nnviz.project.model import Choice, Graph, Node, Project
from nnviz.record.readings import ArrayReading, Cure, Finding, Reading, Scalar
from nnviz.record.run import Run

GRAPH = chain(
    ("input1", "input", {"shape": (1, 8, 8)}),
    ("conv1", "conv2d", {"out_channels": 64}),
    ("relu2", "relu", {}),
    ("flatten1", "flatten", {}),
    ("linear1", "linear", {"out_features": 20}),
    ("sigmoid1", "sigmoid", {}),
    ("linear2", "linear", {"out_features": 10}),
    ("output1", "output", {}),
)


@pytest.fixture
def run() -> Run:
    return Run()


@pytest.fixture
def rules() -> FindingRules:
    return FindingRules(GRAPH, classes=10)


def look(rules: FindingRules, run: Run) -> dict[str, Finding]:
    """Examine, put the result into the run, and give what holds."""
    run.append(rules.examine(run))
    return {finding.series.removeprefix("finding/"): finding for finding in run.findings()}


def curve(series: str, values: list[float], start: int = 1) -> list[Reading]:
    return [Scalar(series, start + k, value) for k, value in enumerate(values)]


def dead(node: str, count: int, units: int, step: int, since: int) -> list[Reading]:
    flags = np.arange(units) < count
    return [
        Scalar(f"dead_fraction/{node}", step, count / units),
        ArrayReading(f"dead_units/{node}", step, flags, {"images": 288}),
        ArrayReading(f"dead_since/{node}", step, np.where(flags, since, -1)),
    ]


def test_nothing_to_say_about_nothing(rules: FindingRules, run: Run):
    assert rules.examine(run) == []
    run.append(curve("loss/train", [1.0, 0.9]))
    assert look(rules, run) == {}


def test_dead_units_in_the_words_of_the_screen(rules: FindingRules, run: Run):
    run.append([Scalar("learning_rate", 0, 0.02), *curve("loss/train", [1.0], 1000)])
    run.append(dead("relu2", 17, 64, 1000, 410))
    found = look(rules, run)["dead_units/relu2"]
    assert found.text == "relu2: 17 of 64 channels are dead since step 410."
    assert found.node == "relu2"
    assert found.severity == "warning"
    assert "288 examples of the probe set" in found.evidence
    assert [(cure.title, cure.action, cure.value) for cure in found.cures] == [
        ("Show units", "show_units", "relu2"),
        ("Why?", "show_help", "dead_units"),
    ], "no learning rate is offered that was not tried"


def test_dead_units_do_not_flicker(rules: FindingRules, run: Run):
    for step, count, holds in [
        (10, 13, True),
        (20, 12, True),
        (30, 13, True),
        (40, 10, True),
        (50, 9, False),
        (60, 12, False),
    ]:
        run.append(dead("relu2", count, 64, step, 5))
        assert bool(look(rules, run)) is holds, step
    told = [run.latest("finding/dead_units/relu2", step) for step in range(61)]
    assert len({id(finding) for finding in told if finding is not None}) <= 5


def test_almost_all_dead_is_an_error(rules: FindingRules, run: Run):
    run.append(dead("relu2", 60, 64, 10, 0))
    found = look(rules, run)["dead_units/relu2"]
    assert found.severity == "error"
    assert found.text == "relu2: 60 of 64 channels are dead from the start."
    assert look(rules, run) == {"dead_units/relu2": found}
    assert rules.examine(run) == []  # nothing new: nothing said


def test_half_of_a_layer_that_starts_dead_is_no_alarm_until_nothing_is_learned(rules: FindingRules):
    for learned in (False, True):
        run = Run()
        run.append(dead("relu2", 40, 64, 0, 0))
        assert look(rules, run) == {}
        run.append(curve("loss/train", [2.3] * 50))
        run.append(dead("relu2", 40, 64, 50, 0))
        assert look(rules, run) == {}
        run.append(curve("loss/train", [0.5 if learned else 2.3] * 100, 51))
        run.append(curve("accuracy/train", [0.8 if learned else 0.3] * 150))
        run.append(dead("relu2", 40, 64, 150, 0))
        found = look(rules, run)
        assert found["dead_units/relu2"].severity == ("information" if learned else "error")
        assert found["dead_units/relu2"].cause == ""


def test_a_cause_is_as_grave_as_what_it_does(rules: FindingRules, run: Run):
    run.append([Scalar("learning_rate", 0, 0.5), *curve("loss/train", [2.3] * 200)])
    run.append([*curve("update_ratio/linear1", [0.34] * 20), *dead("relu2", 60, 64, 200, 30)])
    found = look(rules, run)
    assert {name: (one.severity, one.cause) for name, one in found.items()} == {
        "learning_rate_too_high": ("error", ""),
        "update_too_large": ("warning", "finding/learning_rate_too_high"),
        "dead_units/relu2": ("error", "finding/learning_rate_too_high"),
    }


def test_vanishing_gradient(rules: FindingRules, run: Run):
    def norms(first: float, start: int) -> None:
        for node, norm in (("conv1", first), ("linear1", 0.01), ("linear2", 0.1)):
            run.append(curve(f"gradient_norm/{node}", [norm] * 10, start))

    norms(1e-3, 1)
    assert look(rules, run) == {}
    norms(9e-6, 11)
    found = look(rules, run)["vanishing_gradient"]
    assert found.node == "conv1"
    assert "9.0e−6" in found.evidence
    norms(5e-5, 21)  # above the mark where it began, below the one where it is given up
    assert "vanishing_gradient" in look(rules, run)
    norms(2e-4, 31)
    assert look(rules, run) == {}


def test_exploding_gradient(rules: FindingRules, run: Run):
    run.append(curve("gradient_norm/conv1", [1.0] * 30))
    assert look(rules, run) == {}
    run.append(curve("gradient_norm/conv1", [5e4] * 10, 31))
    found = look(rules, run)["exploding_gradient"]
    assert (found.severity, found.node) == ("warning", "conv1")
    run.append(curve("gradient_norm/linear1", [math.nan] * 10, 31))
    assert look(rules, run)["exploding_gradient"].severity == "error"


def test_updates_too_large_and_too_small(rules: FindingRules, run: Run):
    for node in ("conv1", "linear1", "linear2"):
        run.append(curve(f"update_ratio/{node}", [1e-3] * 20))
    run.append([Scalar("learning_rate", 0, 0.5), *curve("accuracy/train", [0.1] * 20)])
    run.append(curve("loss/train", [2.3] * 20))
    assert look(rules, run) == {}
    run.append(curve("update_ratio/linear1", [0.34] * 10, 21))
    found = look(rules, run)
    assert set(found) == {"learning_rate_too_high", "update_too_large"}
    assert found["update_too_large"].text == "linear1 changes by 34 % of its size at each step."
    assert found["update_too_large"].cause == "finding/learning_rate_too_high"
    top = found["learning_rate_too_high"]
    assert (top.text, top.cause) == ("The learning rate of 0.5 is too high.", "")
    assert [cure.action for cure in top.cures] == ["show_help"], "nobody has tried another one"
    run.append([*curve("accuracy/train", [0.8] * 30, 31), *curve("loss/train", [0.4] * 30, 31)])
    assert look(rules, run) == {}, "where it learns, large steps are what it takes"
    for node in ("conv1", "linear1", "linear2"):
        run.append(curve(f"update_ratio/{node}", [2e-8] * 10, 71))
    assert set(look(rules, run)) == {"update_too_small"}
    run.append(curve("accuracy/train", [0.99] * 20, 81))  # small steps are right where nothing is left to learn
    assert look(rules, run) == {}


def test_a_rate_is_offered_with_what_its_trial_showed(run: Run):
    asked: list[RateQuestion] = []

    def ask(question: RateQuestion) -> RateAnswer | None:
        asked.append(question)
        return RateAnswer(0.01, 40, 30, 1.5, 0.7) if len(asked) > 1 else None

    rules = FindingRules(GRAPH, 10, optimizer=registry.optimizer("adam"))
    run.append([Scalar("learning_rate", 0, 0.001), Scalar("learning_rate", 541, 0.5)])
    run.append([*curve("loss/train", [2.3] * 300), *curve("loss/train", [0.2] * 241, 301)])
    run.append(curve("loss/train", list(np.linspace(0.2, 2.3, 20)) + [2.3] * 40, 542))
    run.append(rules.examine(run, ask))
    (found,) = run.findings()
    assert found.text == "The learning rate of 0.5 is too high."
    assert found.evidence == (
        "The training loss rose from 0.200 (mean of 20 batches) to 2.30 (one batch) within 20 steps after the learning "
        "rate was changed from 0.001 to 0.5 at step 541."
    )
    assert [cure.action for cure in found.cures] == ["show_help"]
    assert asked[0] == RateQuestion((0.01, 0.001, 0.0001), 541), "the one before, the optimizer's default, and nearby"
    run.append([Scalar("loss/train", 602, 2.3)])
    run.append(rules.examine(run, ask))
    (found,) = run.findings()
    assert found.cures[0] == Cure("Go back to step 40, with a learning rate of 0.01", "go_back", "40 0.01")
    assert "30 steps with 0.01 from step 40 on take the loss from 1.50 to 0.700" in found.evidence
    assert asked[1] == asked[0]


@pytest.mark.parametrize(("peak", "much"), [(1.5, "150 % of its size"), (3.6e7, "3.6e7 times its size")])
def test_the_rate_that_did_it_is_blamed_and_not_the_one_that_it_began_with(run: Run, peak: float, much: str):
    """The loss jumped after the rate was raised and came half the way back: too little for a rise, and all the same."""
    asked: list[RateQuestion] = []
    rules = FindingRules(GRAPH, 2, optimizer=registry.optimizer("adam"))
    run.append([Scalar("learning_rate", 0, 0.01), Scalar("learning_rate", 335, 1.0)])
    run.append([*curve("loss/train", [0.69] * 335), *curve("accuracy/train", [0.5] * 635)])
    run.append([*curve("loss/train", [3.0] * 20, 336), *curve("loss/train", [0.75] * 280, 356)])
    for node in ("conv1", "linear1", "linear2"):
        run.append(curve(f"update_ratio/{node}", [0.002] * 20))
    run.append([Scalar("update_ratio/linear2", 337, peak), *curve("update_ratio/linear2", [0.05] * 10, 600)])
    run.append(rules.examine(run, asked.append))
    found = {finding.series: finding for finding in run.findings()}["finding/learning_rate_too_high"]
    assert found.text == "The learning rate of 1 is too high."
    assert found.evidence.startswith(f"linear2 changed by {much} in one step")
    assert "The learning rate was changed from 0.01 to 1 at step 335." in found.evidence
    assert asked[0].not_after == 335 and asked[0].rates[-1] < 0.01 in asked[0].rates


def test_nothing_is_learned_by_heart_by_who_guesses(rules: FindingRules, run: Run):
    for epoch, loss in enumerate([2.3, 2.6, 3.0, 3.5, 4.0, 4.6, 5.5], start=1):
        step = 100 * epoch
        run.append(curve("loss/train", [3.0 / epoch] * 100, step - 99))
        run.append(curve("accuracy/train", [0.1] * 100, step - 99))
        run.append([Scalar("epoch", step, epoch), Scalar("loss/validation", step, loss)])
        run.append([Scalar("accuracy/validation", step, 0.1)])
    assert not any("heart" in finding.evidence for finding in look(rules, run).values())


def test_numbers_are_plain():
    for value, text in ((1000.0, "1000"), (200.0, "200"), (0.5, "0.5"), (1e-3, "0.001"), (9e-6, "9e-06")):
        assert plain_number(value) == text


def test_an_infinite_ratio_of_a_layer_that_began_at_zero_is_no_alarm(rules: FindingRules, run: Run):
    run.append(curve("update_ratio/linear1", [math.inf] * 10))
    assert look(rules, run) == {}


def test_saturation(rules: FindingRules, run: Run):
    run.append([Scalar("saturation/sigmoid1", 5, 0.82)])
    assert look(rules, run)["saturation/sigmoid1"].text == "sigmoid1: 82 % of the outputs are saturated."
    run.append([Scalar("saturation/sigmoid1", 6, 0.3)])
    assert look(rules, run) == {}


def test_a_last_sigmoid_may_be_sure_of_itself():
    graph = chain(
        ("input1", "input", {"shape": (2,)}),
        ("linear1", "linear", {"out_features": 1}),
        ("sigmoid1", "sigmoid", {}),
        ("output1", "output", {"loss": "bce"}),
    )
    run = Run()
    run.append([Scalar("saturation/sigmoid1", 5, 0.99)])
    assert look(FindingRules(graph, 2), run) == {}


def test_validation_loss_that_no_longer_improves(rules: FindingRules, run: Run):
    validation = [0.5, 0.2, 0.094, 0.1, 0.11, 0.12, 0.13, 0.14]
    seen = []
    for epoch, loss in enumerate(validation, start=1):
        step = 100 * epoch
        run.append(curve("loss/train", [1 / epoch] * 100, step - 99))
        run.append([Scalar("epoch", step, epoch), Scalar("loss/validation", step, loss)])
        seen.append(look(rules, run).get("no_improvement"))
    assert seen[:4] == [None] * 4
    told = seen[4]
    assert told is not None
    assert told.text == "The validation loss has not improved for 2 epochs."
    assert told.severity == "information"
    assert "0.0940 at step 300" in told.evidence
    assert "by heart" in told.evidence
    assert told.cures[0].action == "restore_best"
    assert seen[7] is not None
    assert seen[7].severity == "warning"
    assert "5 epochs" in seen[7].text
    run.append([Scalar("epoch", 900, 9), Scalar("loss/validation", 900, 0.01)])
    assert look(rules, run) == {}


def test_accuracy_at_chance(rules: FindingRules, run: Run):
    rng = np.random.default_rng(0)
    run.append(curve("accuracy/train", rng.binomial(64, 0.1, 99) / 64))
    assert look(rules, run) == {}  # too early to tell
    run.append(curve("accuracy/train", rng.binomial(64, 0.1, 100) / 64, 100))
    assert "Among 10 classes" in look(rules, run)["accuracy_at_chance"].evidence
    run.append(curve("accuracy/train", [0.4] * 100, 200))
    assert look(rules, run) == {}


def test_all_units_equal_after_starting_at_zero(rules: FindingRules, run: Run):
    run.append([ArrayReading("weights/linear1", 0, np.zeros((20, 9), np.float32), {"shown": 20, "of": 50})])
    run.append([ArrayReading("weights/linear2", 0, np.zeros((10, 20), np.float32))])  # the last one may start at zero
    found = look(rules, run)
    assert set(found) == {"equal_units/linear1"}
    assert found["equal_units/linear1"].text == "All 50 units of linear1 are equal."
    run.append([ArrayReading("weights/linear1", 1, np.random.default_rng(0).normal(size=(20, 9)))])
    assert look(rules, run) == {}


def squashing(weights: object = "default") -> Graph:
    return chain(
        ("input1", "input", {"shape": (100,)}),
        ("linear1", "linear", {"out_features": 20, "weight_initialisation": weights}),
        ("sigmoid1", "sigmoid", {}),
        ("linear2", "linear", {"out_features": 10}),
        ("output1", "output", {}),
    )


@pytest.mark.parametrize(
    ("weights", "data", "began", "loss", "cures", "words"),
    [
        (Choice("gaussian", {"deviation": 2.0}), DataEvidence(), 0.95, 2.3, ["usual_start"], "up to 20"),
        ("default", DataEvidence(size=80.0, scaling="standardise"), 0.95, 0.3, ["prepare"], "about 80"),
        ("default", DataEvidence(size=0.5, scaling="scale"), 0.95, 2.3, ["use_relu"], "hardly learn."),
        # What the training did is not cured by another start; and what learns needs none.
        (Choice("gaussian", {"deviation": 2.0}), DataEvidence(), 0.1, 2.3, ["use_relu"], "hardly learn."),
        ("default", DataEvidence(size=80.0, scaling=""), 0.95, 0.3, [], "hardly learn."),
    ],
)
def test_a_saturated_layer_is_cured_of_what_saturates_it(
    weights: object, data: DataEvidence, began: float, loss: float, cures: list[str], words: str
) -> None:
    graph, run = squashing(weights), Run()
    rules = FindingRules(graph, 10, data, project=Project(graph=graph))
    run.append([Scalar("saturation/sigmoid1", 0, began)])
    run.append([*curve("loss/train", [2.3] * 30), *curve("loss/train", [loss] * 120, 31)])
    run.append(curve("accuracy/train", [0.3 if loss > 1 else 0.9] * 150))
    run.append([Scalar("saturation/sigmoid1", 150, 0.95)])
    found = look(rules, run)["saturation/sigmoid1"]
    assert [cure.action for cure in found.cures] == [*cures, "show_help"]
    assert words in found.evidence


def test_the_name_that_the_user_gave_is_used():
    graph = Graph({**GRAPH.nodes, "relu2": Node("relu2", "relu", {}, name="my ReLU")}, GRAPH.edges)
    run = Run()
    run.append(dead("relu2", 30, 64, 10, 5))
    assert look(FindingRules(graph), run)["dead_units/relu2"].text.startswith("my ReLU: 30 of 64")


def test_a_broken_graph_has_rules_for_what_works():
    graph = Graph({**GRAPH.nodes, "relu9": Node("relu9", "relu", {})}, GRAPH.edges[:3])
    assert FindingRules(graph).examine(Run()) == []
