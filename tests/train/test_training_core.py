"""Position, epochs, learning rate, best weights and the way back of a training without a session around it."""

from __future__ import annotations

import math

import pytest
from training_helpers import CNN, CPU, MLP, advance, images, made_training, project_of, same, tables, weights

from nnviz.errors import ParamError, ProjectError
from nnviz.project.samples.sketch import chain, features, linear, output, relu
from nnviz.train.training import Training


def test_every_example_is_seen_once_an_epoch_in_an_order_of_its_own() -> None:
    training = made_training(MLP, tables(train=25))
    assert training.steps_per_epoch == 3
    seen: list[list[list[float]]] = [[], []]
    training.network.register_forward_pre_hook(lambda _, inputs: seen[training.epoch].extend(inputs[0].tolist()))
    counts = [training.advance() for _ in range(6)]
    assert counts == [10, 10, 5, 10, 10, 5]
    assert sorted(seen[0]) == sorted(seen[1]) == sorted(tables(train=25).train.inputs.tolist())
    assert seen[0] != seen[1]


def test_epoch_loss_is_the_mean_over_the_examples() -> None:
    training = made_training(MLP, tables(train=25))
    losses = []
    for _ in range(3):
        count = training.advance()
        losses.append((float(training._losses.waiting[-1]), count))
    assert training.settle()
    assert training.epoch_loss == pytest.approx(sum(loss * count for loss, count in losses) / 25)


def test_best_weights_are_those_of_the_epoch_with_the_lowest_validation_loss() -> None:
    training = made_training(MLP, learning_rate=0.2)
    losses, kept = [], []
    for _ in range(6):
        for _ in range(training.steps_per_epoch):
            training.advance()
        evaluation = training.evaluation("validation")
        while evaluation.advance():
            pass
        losses.append(evaluation.result().loss)
        kept.append(weights(training.network))
        training.finish_epoch(evaluation.result())
    best = min(range(6), key=lambda epoch: losses[epoch])
    assert training.best_epoch == best + 1
    assert training.best_loss == losses[best]
    assert training.best is not None
    assert same(dict(training.best), kept[best])


def arrive(training: Training) -> None:
    """Repeats the way to the step that it is going back to."""
    while training.replaying:
        advance(training, 1)


@pytest.mark.parametrize("back_to", [1, 9, 13, 17, 18])
def test_going_back_repeats_the_way_bit_for_bit(back_to: int) -> None:
    """With dropout, batch normalisation, Adam, a validation in between, and learning rates changed on the way."""
    rates = {4: 0.02, 11: 0.005, 15: 0.03}
    states = []
    training = made_training(CNN)
    start = training.capture()
    for step in range(19):
        states.append(weights(training.network))
        if step in rates:
            training.learning_rate = rates[step]
        advance(training, 1)
    training.go_back(start, back_to)
    arrive(training)
    assert training.step == back_to
    assert same(weights(training.network), states[back_to])
    assert training.learning_rate == 0.03, "the learning rate in use is the one that was set last"
    assert training.optimizer is not None
    assert training.optimizer.param_groups[0]["lr"] == 0.03
    # And once more, over the same way.
    training.go_back(start, back_to - 1)
    arrive(training)
    assert same(weights(training.network), states[back_to - 1])


def test_a_learning_rate_set_while_going_back_holds_afterwards() -> None:
    training = made_training(MLP, learning_rate=0.01)
    start = training.capture()
    advance(training, 8)
    expected = made_training(MLP, learning_rate=0.01)
    advance(expected, 5)
    training.go_back(start, 5)
    advance(training, 2)
    training.learning_rate = 0.5
    advance(training, 3)
    assert same(weights(training.network), weights(expected.network))
    assert training.optimizer is not None
    assert training.optimizer.param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_an_impossible_learning_rate_is_refused(value: float) -> None:
    with pytest.raises(ParamError, match="learning rate"):
        made_training().learning_rate = value


def test_a_captured_state_is_not_changed_by_going_on() -> None:
    training = made_training(CNN)
    advance(training, 3)
    checkpoint = training.capture()
    before = weights(training.network)
    moments = {name: value.clone() for name, value in checkpoint.optimizer.items()}
    advance(training, 3)
    training.restore(checkpoint)
    assert same(weights(training.network), before)
    advance(training, 3)
    assert same(dict(checkpoint.optimizer), moments)
    assert same(dict(checkpoint.weights), before)


def test_a_test_set_that_was_seen_stays_seen() -> None:
    training = made_training()
    checkpoint = training.capture()
    training.test_uses = 2
    training.restore(checkpoint)
    assert training.test_uses == 2


def test_a_network_with_nothing_to_train_says_so() -> None:
    with pytest.raises(ProjectError, match="nothing to train"):
        Training(project_of(chain(features(3), relu(), output())), tables(features=3), CPU)


def test_a_project_with_errors_is_refused_with_the_first_of_them() -> None:
    with pytest.raises(ProjectError) as caught:
        Training(project_of(chain(features(6), linear(7), output())), tables(), CPU)
    assert "7" in str(caught.value)


def test_no_training_examples_are_refused() -> None:
    with pytest.raises(ProjectError, match="no training examples"):
        Training(project_of(CNN), images(train=0), CPU)
