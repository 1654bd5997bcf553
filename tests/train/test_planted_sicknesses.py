"""A table of planted sicknesses and what is to be found: each with its cause on top and none beside it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from sick_networks import SICKNESSES, Sickness, causes, project_of, trained

from nnviz.data.tensors import LoadedData, Scaler
from nnviz.project.cures import edit_of
from nnviz.record.quantities import FINDING
from nnviz.record.run import Run

HEALTHY = [name for name, sick in SICKNESSES.items() if not sick.cause]


@cache
def run_of(name: str, seed: int) -> Run:
    """Trained once, and looked at by all tests here."""
    return trained(SICKNESSES[name], seed)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", SICKNESSES)
def test_each_is_found_and_none_beside_it(name: str, seed: int) -> None:
    sick, run = SICKNESSES[name], run_of(name, seed)
    found = causes(run)
    assert [one.series for one in found] == ([f"finding/{sick.cause}"] if sick.cause else []), found
    for one in found:
        assert all(words in f"{one.text} {one.evidence}" for words in sick.says), one
    # Whatever is folded is folded under what stands there.
    assert {one.cause for one in run.findings()} <= {"", *(one.series for one in found)}


@pytest.mark.parametrize("name", HEALTHY)
def test_what_is_healthy_raises_no_alarm_on_the_way(name: str) -> None:
    """Not only in the end: the run keeps all that was ever said."""
    for seed in range(5):
        run = run_of(name, seed)
        assert not [one for series in run.names(FINDING.prefix) for one in run.readings(series)]


@pytest.mark.parametrize(
    ("name", "rate"), [("learning rate jumps to 0.5", 0.5), ("learning rate 1000", 1000.0), ("Adam at 0.5", 0.5)]
)
@pytest.mark.parametrize("seed", range(3))
def test_the_rate_that_is_offered_was_tried_and_is_sensible(name: str, rate: float, seed: int) -> None:
    sick = SICKNESSES[name]
    (top,) = causes(run_of(name, seed))
    cure = next(cure for cure in top.cures if cure.action == "go_back")
    step, value = cure.value.split()
    assert int(step) <= (sick.jump[0] if sick.jump else 0)
    assert float(value) <= (0.01 if sick.optimizer == "adam" else 0.1) < rate
    assert f"{value} from step {step}" in top.evidence, "it says what came of the trial"
    assert "e+" not in cure.title


def test_a_rate_that_was_tried_does_what_was_said() -> None:
    (top,) = causes(run_of("learning rate too low", 0))
    cure = next(cure for cure in top.cures if cure.action == "set_learning_rate")
    run = trained(Sickness("", rate=float(cure.value)), 0)
    _, losses = run.scalars("loss/train")
    assert losses[20:30].mean() < 0.6 * losses[0]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("started at zero", "Start at random"),
        ("all units started alike", "Start at random"),
        ("biases of -10", "Start with He weights"),
        ("weights too large", "Start with He weights"),
        ("inputs too large", "Standardise the inputs"),
        ("deep with sigmoid", "Use ReLU, with He weights"),
    ],
)
def test_the_edit_that_is_offered_heals(name: str, title: str) -> None:
    sick = SICKNESSES[name]
    (top,) = causes(run_of(name, 0))
    project = project_of(sick, 0)
    (edit,) = [
        edit
        for cure in top.cures
        if (edit := edit_of(cure.action, cure.value, project)) is not None and cure.title == title
    ]
    mended = edit.apply(project)

    def data(seed: int) -> LoadedData:
        loaded = sick.data(seed)
        steps = mended.data.preparation
        scaler = loaded.scaler if steps == project.data.preparation else Scaler.fit(loaded.train, steps)
        return replace(loaded, scaler=scaler)

    run = trained(replace(sick, graph=lambda: mended.graph, data=data), 0)
    assert not run.findings()
    assert run.scalars("accuracy/validation")[1][-1] > 0.6


@pytest.mark.parametrize("name", ["random labels", "constant input", "noisy labels learned by heart", "too small"])
def test_where_no_edit_is_the_answer_none_is_offered(name: str) -> None:
    project = project_of(SICKNESSES[name], 0)
    assert not [one for top in causes(run_of(name, 0)) for one in top.cures if edit_of(one.action, one.value, project)]


def test_a_finding_that_began_goes_when_its_cause_goes() -> None:
    """Put right in the middle: what was said of the rate that was too high is taken back."""
    seen: list[list[str]] = []

    def look(run: Run) -> None:
        seen.append([one.series for one in causes(run)])

    trained(Sickness("", optimizer="sgd", rate=1e-6, jump=(120, 0.1), epochs=20), 0, look)
    assert ["finding/update_too_small"] in seen
    assert seen[-1] == []
