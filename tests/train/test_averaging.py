"""An average of the weights is validated and kept, and is a state like any other: resumed and gone back to exactly."""

from __future__ import annotations

import msgspec
import pytest
import torch
from training_helpers import (
    CNN,
    CPU,
    MLP,
    advance,
    evaluate,
    images,
    made_training,
    project_of,
    same,
    served,
    tables,
    weights,
)
from waiting import wait_for

from nnviz.errors import RunFileError
from nnviz.network.network import Network
from nnviz.project.model import Choice, Project
from nnviz.record.run import Run
from nnviz.train.checkpoint import Checkpoint, from_blobs, to_blobs
from nnviz.train.session import SessionState, TrainingSession
from nnviz.train.training import Training
from nnviz.train.unit_switches import NO_SWITCHES, Unit, UnitSwitches
from nnviz.train.weight_edits import WeightChange

EMA = Choice("ema", {"decay": 0.8})
SWA = Choice("swa", {"from_epoch": 2})


def planned(averaging: Choice, **changes: object) -> Project:
    project = project_of(CNN, epochs=4, learning_rate=0.05)
    config = msgspec.structs.replace(project.training, averaging=averaging, **changes)
    return msgspec.structs.replace(project, training=config)


def by_hand(averaging: Choice, states: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """From the weights after every step, in double precision."""
    found = {}
    for name in states[0]:
        series = [state[name].double() for state in states]
        if averaging.kind == "ema":
            mean = series[0]
            for t, one in enumerate(series[1:], 1):
                decay = min(0.8, (1 + t) / (10 + t))
                mean = decay * mean + (1 - decay) * one
        else:
            mean = torch.stack(series[12::6]).mean(0)
        found[name] = mean
    return found


@pytest.mark.parametrize("averaging", [EMA, SWA], ids=lambda one: one.kind)
def test_the_average_is_that_of_the_weights_and_is_what_is_validated(averaging: Choice) -> None:
    training = Training(planned(averaging), images(), CPU)
    plain = Training(planned(Choice("none")), images(), CPU)
    states = [weights(training.network)]
    for _ in range(24):
        advance(training, 1)
        advance(plain, 1)
        states.append(weights(training.network))
    assert same(weights(plain.network), states[-1]), "the training itself goes its own way"
    assert training.average is not None
    average = weights(training.average.network)
    for name, wanted in by_hand(averaging, states).items():
        if average[name].is_floating_point():
            assert torch.allclose(average[name].double(), wanted, rtol=1e-5, atol=1e-6), name
        else:
            assert torch.equal(average[name], states[-1][name]), "what counts something is copied"
    own = evaluate(training.average.network, training.loss_function, training.feeder("validation").batches())
    evaluation = training.evaluation("validation")
    while evaluation.advance():
        pass
    assert (
        evaluation.result()
        == own
        != evaluate(training.network, training.loss_function, training.feeder("validation").batches())
    )
    for one in (training, plain):
        one.random.release()


@pytest.mark.parametrize("averaging", [EMA, SWA], ids=lambda one: one.kind)
@pytest.mark.parametrize("cut", [4, 12, 15])
def test_resuming_and_going_back_are_bit_for_bit(averaging: Choice, cut: int) -> None:
    whole, first, second = (Training(planned(averaging), images(), CPU) for _ in range(3))
    advance(whole, 22)
    advance(first, cut)
    kept = first.capture()
    second.restore(from_blobs(to_blobs(kept)))
    advance(second, 22 - cut)
    advance(first, 22 - cut)
    first.go_back(kept, cut + 1)
    while first.replaying:
        advance(first, 1)
    advance(first, 21 - cut)
    for training in (first, second):
        assert training.average is not None and whole.average is not None
        assert same(weights(training.average.network), weights(whole.average.network))
        assert same(weights(training.network), weights(whole.network))
        assert training.best is not None and whole.best is not None and same(dict(training.best), dict(whole.best))
    for training in (whole, first, second):
        training.random.release()


def test_a_checkpoint_without_its_average_is_refused() -> None:
    training = Training(planned(EMA), images(), CPU)
    plain = Training(planned(Choice("none")), images(), CPU)
    advance(training, 2)
    kept = training.capture()
    for other, checkpoint in ((plain, kept), (training, without_average(kept))):
        with pytest.raises(RunFileError, match="the average of the weights is missing"):
            other.restore(checkpoint)
    for one in (training, plain):
        one.random.release()


def average_of(training: Training) -> Network:
    assert training.average is not None
    return training.average.network


def without_average(kept: Checkpoint) -> Checkpoint:
    whole = {name: getattr(kept, name) for name in Checkpoint.__slots__}
    return Checkpoint(**{**whole, "average": {}})


@pytest.mark.parametrize("keep_best", [False, True])
def test_the_end_shows_the_average_and_going_on_leaves_it(keep_best: bool) -> None:
    run = Run()
    project = planned(EMA, keep_best=keep_best, epochs=2)
    session = TrainingSession(project, run, data=images(), device="cpu", probes=())
    with served(session):
        session.play().result()
        wait_for(lambda: session.state is SessionState.DONE)
        training = session.training
        shown = session.ask(lambda: weights(training.network)).result()
        average = session.ask(lambda: weights(average_of(training))).result()
        assert same(shown, average if not keep_best else dict(training.best or {}))
        session.set_epochs(3).result()
        session.play().result()
        wait_for(lambda: session.state is SessionState.DONE and session.training.epoch == 3)
        best = training.best_epoch
    straight = Training(
        msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, epochs=3)), images(), CPU
    )
    advance(straight, 18)
    straight.random.release()
    assert straight.average is not None and training.average is not None and straight.best_epoch == best
    assert same(weights(straight.average.network), weights(training.network)) or keep_best


def test_units_that_are_off_and_numbers_set_by_hand_are_so_in_the_average_too() -> None:
    """What is validated is the average: against another network with its weights; undone, it has its own again."""
    project = project_of(MLP, epochs=4)
    config = msgspec.structs.replace(project.training, averaging=EMA)
    training = Training(msgspec.structs.replace(project, training=config), tables(), CPU)
    other = made_training(MLP)
    advance(training, 7)

    def measured_off() -> bool:
        shown = weights(average_of(training))
        shown["linear2.weight"][:, 3] = 0.0
        other.network.load_state_dict(shown)
        batches = [*training.feeder("validation").batches()]
        found = evaluate(training.shown_network, training.loss_function, batches)
        return found.loss == evaluate(other.network, other.loss_function, batches).loss

    assert not measured_off()
    training.switch_units(UnitSwitches(off=frozenset({Unit("relu1", 3)})))
    assert measured_off()
    training.switch_units(NO_SWITCHES)
    assert not measured_off()

    kept, known = training.capture(), {}
    live, average = training.network.state_dict()["linear2.bias"], average_of(training).state_dict()["linear2.bias"]
    before = live[1].item(), average[1].item()
    assert before[0] != before[1]
    training.by_hand.edit([WeightChange("linear2", "bias", (1,), 2.0)])
    training.by_hand.edit([WeightChange("linear2", "bias", (1,), 1.5)], more=True)
    assert (live[1].item(), average[1].item()) == (1.5, 1.5)
    for step in range(8, 12):
        advance(training, 1)
        if step == 9:
            training.by_hand.undo()
            assert (live[1].item(), average[1].item()) == before
            training.by_hand.redo()
            assert (live[1].item(), average[1].item()) == (1.5, 1.5)
            training.by_hand.undo()
        known[step] = weights(average_of(training))
    for step in (11, 9, 8):
        training.go_back(kept, step)
        while training.replaying:
            training.advance()
        assert same(weights(average_of(training)), known[step])
    training.random.release()
