"""Learning rates are tried on copies: what comes of it is so, and the training never knows."""

from __future__ import annotations

import msgspec
import pytest
import torch
from training_helpers import CNN, CPU, MLP, advance, made_training, project_of, same, tables, weights

from nnviz.probes.base import Measurement
from nnviz.probes.catalogue import default_probes
from nnviz.probes.evidence import RateAnswer, RateQuestion
from nnviz.project.model import Curated, Graph
from nnviz.project.samples import sketch
from nnviz.project.samples.sketch import chain, linear, output, relu
from nnviz.record.run import Run
from nnviz.train.instruments import Instruments
from nnviz.train.rate_trials import STEPS, RateTrials
from nnviz.train.runner import Runner
from nnviz.train.training import Training


def tried(trials: RateTrials, question: RateQuestion, training: Training) -> RateAnswer:
    """The answer, with the trial done piece by piece."""
    while (answer := trials.ask(question)) is None:
        assert trials.busy
        trials.measure(Measurement(network=training.network, step=training.step))
    return answer


@pytest.mark.parametrize("graph", [MLP, CNN], ids=["dropout", "dropout and batch normalisation"])
def test_the_training_goes_on_bit_for_bit(graph: Graph) -> None:
    alone, watched = made_training(graph), made_training(graph)
    trials = RateTrials(watched)
    outside = torch.get_rng_state()
    advance(alone, 3)
    advance(watched, 3)
    trials.ask(RateQuestion((0.1, 0.01, 0.001)))
    for _ in range(15):  # a piece between any two steps
        advance(alone, 1)
        advance(watched, 1)
        trials.measure(Measurement(network=watched.network, step=watched.step))
    answer = tried(trials, RateQuestion((0.1, 0.01, 0.001)), watched)
    advance(alone, 3)
    advance(watched, 3)
    assert answer.steps == STEPS
    assert same(weights(alone.network), weights(watched.network))
    one, other = alone.capture(), watched.capture()
    assert all(torch.equal(one.random[name], other.random[name]) for name in one.random)
    assert all(torch.equal(one.optimizer[name], other.optimizer[name]) for name in one.optimizer)
    for training in (alone, watched):
        training.random.release()
    assert torch.equal(torch.get_rng_state(), outside)


@pytest.mark.parametrize("entries", [(), tuple(Curated(at, weight=at % 4) for at in range(60))], ids=["", "weights"])
def test_it_is_what_going_back_with_that_rate_would_do(entries: tuple[Curated, ...]) -> None:
    """Against a training of its own from the same state, with the same batches."""
    graph = chain(sketch.features(6), linear(16), relu(), linear(3), output())
    project = msgspec.structs.replace(project_of(graph, optimizer="sgd", learning_rate=0.05), curation=entries)
    training = Training(project, tables(), CPU)
    advance(training, 7)
    kept = training.capture()
    trials = RateTrials(training)
    trials.kept = lambda step: kept if step >= 7 else None
    answer = tried(trials, RateQuestion((0.1,), 7), training)
    other = Training(project, tables(), CPU)
    other.restore(kept)
    other.learning_rate = 0.1
    advance(other, STEPS)
    other.random.release()
    assert answer.rate == 0.1 and answer.step == 7
    network = other.network.eval()
    now = 0.0
    for batch in range(6):
        chosen = other._batches.feeder.numbers(2, batch)
        weight = torch.tensor([float(at % 4) if entries else 1.0 for at in chosen])
        with torch.no_grad():
            outputs = network(other._batches.feeder.prepare(chosen))
        losses = other.loss_function.each(outputs, other._batches.feeder.targets_of(chosen))
        now += float((losses * weight).sum() / weight.sum()) * len(chosen) / 60
    assert answer.after == pytest.approx(now, abs=1e-5)
    assert answer.after < answer.before


def test_no_rate_is_the_answer_where_none_does() -> None:
    training = made_training(optimizer="sgd", learning_rate=0.01)
    trials = RateTrials(training)
    assert tried(trials, RateQuestion((1000.0, 300.0)), training).rate is None
    assert tried(trials, RateQuestion((0.1,), 0), training).rate is None, "no state is kept to begin with"


def test_the_best_of_several_is_taken_and_the_answer_is_kept() -> None:
    training = made_training(optimizer="sgd", learning_rate=1e-6)
    trials = RateTrials(training)
    question = RateQuestion((1e-5, 0.1, 1e-4))
    assert tried(trials, question, training).rate == 0.1
    assert trials.ask(question) is not None and not trials.busy


def test_what_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnviz.train.rate_trials._GIVEN_UP", 0.0)
    training = made_training()
    assert tried(RateTrials(training), RateQuestion((0.1,)), training).rate is None


def test_given_up_after_a_rate_that_did_well_that_one_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    training = made_training(optimizer="sgd", learning_rate=1e-6)
    trials = RateTrials(training)
    question = RateQuestion((0.1, 1e-4))
    trials.ask(question)
    while trials._best is None:
        trials.measure(Measurement(network=training.network, step=training.step))
    monkeypatch.setattr("nnviz.train.rate_trials._GIVEN_UP", 0.0)
    trials.measure(Measurement(network=training.network, step=training.step))
    answer = trials.ask(question)
    assert answer is not None and answer.rate == 0.1 and not trials.busy


def test_going_back_ends_what_is_under_way() -> None:
    training = made_training()
    trials = RateTrials(training)
    trials.ask(RateQuestion((0.1,)))
    assert trials.busy
    trials.reset()
    assert not trials.busy


def test_it_is_paid_for_out_of_the_budget() -> None:
    training, run = made_training(), Run()
    instruments = Instruments(training, run, default_probes(), 0.0)
    runner = Runner(training, instruments, run, epochs=5)
    runner.begin()
    instruments.trials.ask(RateQuestion((0.1,)))
    for _ in range(20):
        instruments.advance()
    assert instruments.trials.busy, "without a budget there is no trial while it trains"
    while instruments.busy:
        instruments.continue_measuring()
    assert instruments.trials.ask(RateQuestion((0.1,))) is not None, "but there is at rest"
