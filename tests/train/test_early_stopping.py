"""When a training ends early, which epoch is the best, how a plateau moves the rate: by what the epochs have shown."""

from __future__ import annotations

import math
from random import Random

import msgspec
import pytest
from training_helpers import CPU, MLP, project_of, same, served, tables, weights
from waiting import wait_for

from nnviz.project import registry
from nnviz.project.model import Choice, Project, TrainConfig
from nnviz.record.run import Run
from nnviz.train import recipe, validated
from nnviz.train.checkpoint import from_blobs, to_blobs
from nnviz.train.loop import EvaluationResult
from nnviz.train.session import SessionState, TrainingSession
from nnviz.train.training import Training
from nnviz.train.validated import Validated


def test_everything_declared_has_its_function() -> None:
    assert validated.FIGURES.keys() == registry.FIGURES.all.keys()
    assert recipe.EARLY_STOPPING.keys() == registry.EARLY_STOPPING.all.keys()
    averages = {kind for kind, spec in registry.AVERAGING.all.items() if spec.averages}
    assert recipe.AVERAGING.keys() == averages


def keras_stops(figures: list[float], patience: int, least: float, *, higher: bool) -> int | None:
    """Keras' EarlyStopping, as its source has it: ``wait`` since the last improvement by ``min_delta``."""
    best, wait = (-math.inf if higher else math.inf), 0
    for epoch, value in enumerate(figures):
        wait += 1
        if (value - least > best) if higher else (value + least < best):
            best, wait = value, 0
        elif wait >= patience:
            return epoch + 1
    return None


@pytest.mark.parametrize("figure", ["loss", "accuracy"])
@pytest.mark.parametrize("seed", range(5))
def test_it_ends_where_keras_would(figure: str, seed: int) -> None:
    random = Random(seed)
    results = [EvaluationResult(random.random() + 1 / (1 + n), round(random.random(), 1), 9) for n in range(30)]
    for patience, least in ((1, 0.0), (3, 0.0), (4, 0.05)):
        choice = Choice("patience", {"figure": figure, "patience": patience, "least_improvement": least})
        found = Validated.of(TrainConfig(early_stopping=choice))
        ends = []
        for epoch, result in enumerate(results, 1):
            found.add(epoch, result)
            ends.append(recipe.stops_after(choice, found))
        wanted = keras_stops([getattr(one, figure) for one in results], patience, least, higher=figure == "accuracy")
        assert wanted is not None and ends == [None] * (wanted - 1) + [wanted] * (31 - wanted)


def test_a_figure_that_there_is_not_is_the_loss() -> None:
    choice = Choice("patience", {"figure": "accuracy", "patience": 2})
    found = Validated.of(TrainConfig(early_stopping=choice))
    for epoch, loss in enumerate((1.0, 0.5, 0.6, 0.7), 1):
        found.add(epoch, EvaluationResult(loss, None, 9))
    assert recipe.stops_after(choice, found) == 4
    assert recipe.stops_after(choice, found, passed=3) is None, "gone on with after epoch 3: it waits anew"


def test_figures_of_epochs_that_were_taken_back_are_forgotten() -> None:
    found = Validated(("loss",))
    for epoch in (1, 2, 3, 2):
        found.add(epoch, EvaluationResult(float(10 * epoch + len(found["loss"])), None, 1))
    assert found["loss"] == [10.0, 23.0]
    other = Validated(("loss", "accuracy"))
    other.restore(found.stored, 2)
    assert other["loss"] == found["loss"] and all(map(math.isnan, other["accuracy"])) and len(other["accuracy"]) == 2


def planned(**changes: object) -> Project:
    project = project_of(MLP, learning_rate=0.05, epochs=12)
    return msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, **changes))


PLANTED = (1.0, 0.8, 0.9, 0.85, 0.7, 0.9, 0.9, 0.95, 0.9)


def through(training: Training, losses: tuple[float, ...] = PLANTED) -> list[float]:
    """Trains epoch after epoch, each with a planted validation loss; the learning rate of each step."""
    rates = []
    while training.epoch < len(losses):
        rates.append(training.learning_rate)
        training.advance()
        if training.epoch_end_due:
            training.finish_epoch(EvaluationResult(losses[training.epoch - 1], 0.5, 25))
    return rates


def test_a_plateau_in_a_training_falls_resumes_and_goes_back_bit_for_bit() -> None:
    chosen = Choice("plateau", {"patience": 2, "factor": 0.1})
    whole, first, second = (Training(planned(schedule=chosen), tables(), CPU) for _ in range(3))
    rates = through(whole)
    wanted = [0.05] * 24 + [0.005] * 18 + [0.0005] * 12
    assert rates == pytest.approx(wanted)
    through(first, PLANTED[:6])
    for _ in range(4):
        first.advance()
    kept = first.capture()
    second.restore(from_blobs(to_blobs(kept)))
    assert through(second) == rates[40:]
    through(first)
    first.go_back(kept, 43)
    while first.replaying:
        first.advance()
        if first.epoch_end_due:
            first.finish_epoch(EvaluationResult(PLANTED[first.epoch - 1], 0.5, 25))
    assert through(first) == rates[43:]
    for training in (first, second):
        assert same(weights(whole.network), weights(training.network))
    for training in (whole, first, second):
        training.random.release()


@pytest.mark.parametrize(
    ("by", "results", "best"),
    [
        ("loss", [(0.5, 0.9), (0.4, 0.1), (0.4, 0.95)], 2),
        ("accuracy", [(0.5, 0.8), (0.4, 0.9), (0.3, 0.9), (0.35, 0.9), (0.1, 0.7)], 3),
        ("accuracy", [(0.5, None), (0.2, None), (0.3, None)], 2),
    ],
)
def test_the_best_epoch_is_chosen_by_a_figure_and_ties_by_the_loss(
    by: str, results: list[tuple[float, float | None]], best: int
) -> None:
    training, other = (Training(planned(best_by=by), tables(), CPU) for _ in range(2))
    for number, (loss, accuracy) in enumerate(results, 1):
        while not training.epoch_end_due:
            training.advance()
        training.finish_epoch(EvaluationResult(loss, accuracy, 25))
        if number == len(results) - 1:
            other.restore(from_blobs(to_blobs(training.capture())))
    while not other.epoch_end_due:
        other.advance()
    other.finish_epoch(EvaluationResult(*results[-1], 25))
    for one in (training, other):
        assert one.best_epoch == best and one.best_loss == results[best - 1][0]
        one.random.release()


def test_a_session_ends_early_says_so_and_goes_on_when_it_is_asked_to() -> None:
    """No learning rate to speak of: nothing gets better after the first epochs."""
    run = Run()
    project = planned(
        optimizer=Choice("sgd", {"learning_rate": 1e-12}), early_stopping=Choice("patience", {"patience": 2})
    )
    with served(TrainingSession(project, run, data=tables(), device="cpu", probes=())) as session:
        session.play().result()
        wait_for(lambda: session.state is SessionState.DONE)
        ended = session.training.epoch
        assert 2 < ended < 6 and f"after epoch {ended} of 12" in run.findings()[-1].text
        kept = session.ask(lambda: to_blobs(session.training.capture())).result()
        session.play().result()
        wait_for(lambda: session.state is SessionState.DONE)
        assert session.training.epoch == ended + 2, "its patience begins anew"
    resumed = TrainingSession(project, Run(), data=tables(), device="cpu", probes=(), resume=from_blobs(kept))
    outcome = resumed.train()
    assert outcome.epochs == ended and outcome.ended_early, "what had ended has ended"
