"""What is asked for while the best weights stand in the place of the last ones, and when either take their places."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace

import pytest
from msgspec.structs import replace as changed
from torch import Tensor
from training_helpers import (
    CPU,
    MADE,
    MLP,
    Kept,
    advance,
    evaluate,
    made_training,
    project_of,
    same,
    tables,
    weights,
)

from nnviz.project.model import Choice
from nnviz.record.run import Run
from nnviz.train.instruments import Instruments
from nnviz.train.loop import EvaluationResult
from nnviz.train.runner import Runner
from nnviz.train.training import Training
from nnviz.train.unit_switches import Unit, UnitSwitches


def ended(**more: object) -> tuple[Runner, Training, dict[str, Tensor], dict[str, Tensor]]:
    """A training at its end, the weights of its first epoch put in as the best; its last weights, and those."""
    training = made_training(MLP, tables(test=600), keep_best=True, epochs=2)
    run = Run()
    runner = Runner(training, Instruments(training, run, (), 0.1), run, epochs=2, keep_best=True, **more)  # type: ignore[arg-type]
    runner.begin()
    while training.epoch < 1:
        runner.advance()
    best = weights(training.network)
    while not runner.finished:
        runner.advance()
    training._state.best.weights, training._state.best.epoch = best, 1  # planted: whatever the losses were
    last = weights(training.network)
    runner.complete()
    assert same(weights(training.network), best) and not same(last, best)
    return runner, training, last, best


@pytest.mark.parametrize("button", ["play", "restore best"])
def test_no_evaluation_is_of_two_kinds_of_weights(button: str) -> None:
    runner, training, last, _best = ended()
    if button == "restore best":
        runner.leave_best()
    answer: Future[EvaluationResult] = Future()
    runner.evaluate_test(answer)
    runner.advance()
    runner.advance()
    assert not answer.done()
    if button == "play":
        runner.leave_best()
        assert same(weights(training.network), last)
    else:
        runner.use_best()
    while not answer.done():
        runner.advance()
    whole = evaluate(training.network, training.loss_function, training.feeder("test").batches())
    assert answer.result() == whole and training.step == 12


def test_a_training_that_rests_in_the_middle_of_its_validation_is_at_nothing() -> None:
    training, run = made_training(MLP, tables(validation=600), epochs=2), Run()
    runner = Runner(training, Instruments(training, run, (), 0.1), run, epochs=2)
    runner.begin()
    while runner.position.activity != "validation":
        runner.advance()
    runner.rest()
    assert training.epoch_end_due and not runner.position.activity
    while training.evaluated_epochs < 1:  # gone on with, it is done
        runner.advance()


def test_weights_that_were_put_back_are_not_spoken_of_once_training_goes_on() -> None:
    runner, training, *_ = ended()
    said = [finding for finding in runner._run.findings() if finding.series == "finding/best_weights"]
    assert [finding.text for finding in said] == ["The weights of epoch 1 were put back."]
    runner.set_epochs(3)
    runner.leave_best()
    advance(training, 1)
    assert not [finding for finding in runner._run.findings() if finding.series == "finding/best_weights"]


def test_live_changes_at_the_end_leave_the_way_back_and_are_kept() -> None:
    store = Kept()
    runner, training, last, best = ended(store=store)
    runner.take_on(replace(training.live_settings, batch_size=20))
    off = UnitSwitches(off=frozenset({Unit("linear1", 3)}))
    runner.switch_units(off)
    assert same(weights(training.network), best)
    runner.save("pause")
    assert store.last is not None and same(dict(store.last.weights), last) and store.last.switches == off
    assert store.last.live == training.live_settings and store.last.sizes == ((0, 10), (2, 20))
    resumed = made_training(MLP, tables(test=600), keep_best=True, epochs=2)
    resumed.restore(store.last)
    runner.go_back(training.step)
    while runner.is_going_back:
        runner.advance()
    assert same(weights(training.network), last)
    advance(training, 3)
    advance(resumed, 3)
    assert resumed.epoch_plan.sizes == training.epoch_plan.sizes
    assert same(weights(resumed.network), weights(training.network))


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("keep_best", [True, False])
def test_what_is_set_when_all_is_done_is_in_the_checkpoint_that_is_kept_then(schedule: str, keep_best: bool) -> None:
    store, run = Kept(), Run()
    project = project_of(MLP, keep_best=keep_best, epochs=2)
    project = changed(project, training=changed(project.training, schedule=Choice(schedule)))
    training, resumed = (Training(project, tables(), CPU) for _ in range(2))
    MADE.extend((training, resumed))
    instruments = Instruments(training, run, (), 0.1)
    runner = Runner(training, instruments, run, epochs=2, keep_best=keep_best, store=store)
    runner.begin()
    while not runner.finished:
        runner.advance()
    if keep_best:
        training._state.best.epoch = 1  # planted, so that its weights take the place of the last ones
    runner.complete()
    runner.rest()
    assert store.last is not None and not runner.has_checkpoint_to_save
    runner.set_learning_rate(training.base_rate)  # as whoever goes on with a run says it again
    runner.set_epochs(2)
    assert not runner.has_checkpoint_to_save
    runner.set_learning_rate(0.0625)
    runner.set_epochs(5, beyond=True)
    assert runner.has_checkpoint_to_save
    runner.save_what_was_put_off()
    resumed.restore(store.last)
    assert resumed.base_rate == training.base_rate == 0.0625 and resumed.learning_rate == training.learning_rate
    assert resumed.epochs == 5 and resumed.goes_beyond
    runner.leave_best()
    for one in (training, resumed):
        advance(one, 3)
    assert same(weights(resumed.network), weights(training.network))
