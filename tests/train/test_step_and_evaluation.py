"""The step and the evaluation against the same sums written out slowly."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn
from training_helpers import CNN, MLP, evaluate, images, made_training, same, tables, weights

from nnviz.network.losses import loss_function
from nnviz.network.network import Network
from nnviz.train import loop


def test_a_step_of_plain_gradient_descent_is_minus_rate_times_gradient() -> None:
    training = made_training(MLP, optimizer="sgd", learning_rate=0.1)
    network, data = training.network, tables()
    network.eval()  # no dropout, so that the gradient can be found independently
    inputs, targets = data.train.inputs[:10], data.train.targets[:10]
    before = weights(network)
    double = copy.deepcopy(network).double()  # the gradients once more, in double precision
    torch.autograd.backward(nn.functional.cross_entropy(double(inputs.double()), targets))
    gradients = {name: parameter.grad for name, parameter in double.named_parameters()}
    assert training.optimizer is not None
    loop.train_step(network, training.loss_function, training.optimizer, inputs, targets)
    for name, value in weights(network).items():
        gradient = gradients[name]
        assert gradient is not None
        assert torch.allclose(value.double(), before[name].double() - 0.1 * gradient, atol=1e-6)


def test_hooks_see_gradients_before_and_weights_around_the_update() -> None:
    training = made_training(MLP, optimizer="sgd", learning_rate=0.1)
    inputs, targets = next(iter(training.feeder("train").batches()))
    start = weights(training.network)
    seen: list[str] = []

    def after_backward(loss: torch.Tensor, outputs: torch.Tensor, labels: torch.Tensor) -> None:
        assert not loss.requires_grad
        assert not outputs.requires_grad
        assert torch.equal(labels, targets)
        assert all(parameter.grad is not None for parameter in training.network.parameters())
        assert same(weights(training.network), start)
        seen.append("backward")

    def around(loss: torch.Tensor, outputs: torch.Tensor, labels: torch.Tensor, update: object) -> None:
        assert same(weights(training.network), start)
        assert callable(update)
        update()
        assert not same(weights(training.network), start)
        seen.append("update")

    assert training.optimizer is not None
    loop.train_step(
        training.network, training.loss_function, training.optimizer, inputs, targets, after_backward, around
    )
    assert seen == ["backward", "update"]


@pytest.mark.parametrize("batch_size", [1, 7, 25, 100])
def test_evaluation_is_the_mean_over_examples_whatever_the_batches(batch_size: int) -> None:
    data = images()
    training = made_training(CNN, data)
    network, split = training.network, data.validation
    by_hand_loss, right = 0.0, 0
    network.eval()
    with torch.no_grad():
        for inputs, target in zip(data.scaler.apply(split.inputs), split.targets, strict=True):
            outputs = network(inputs[None])[0].double()
            by_hand_loss -= math.log(math.exp(outputs[target]) / outputs.exp().sum().item())
            right += int(outputs.argmax()) == int(target)
    network.train()
    batches = [
        (data.scaler.apply(split.inputs[first : first + batch_size]), split.targets[first : first + batch_size])
        for first in range(0, len(split), batch_size)
    ]
    result = evaluate(network, training.loss_function, batches)
    assert result.count == len(split)
    assert result.loss == pytest.approx(by_hand_loss / len(split), rel=1e-5)
    assert result.accuracy == right / len(split)
    assert all(module.training for module in network.modules()), "the mode was not put back"


def test_evaluation_changes_nothing() -> None:
    training = made_training(CNN)
    before, random = weights(training.network), torch.get_rng_state()
    evaluate(training.network, training.loss_function, training.feeder("validation").batches())
    assert same(weights(training.network), before)
    assert torch.equal(torch.get_rng_state(), random)


def test_evaluation_can_be_broken_off_between_batches() -> None:
    training = made_training(MLP)
    calls = 0

    def between() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise InterruptedError

    inputs, targets = next(iter(training.feeder("train").batches()))
    with pytest.raises(InterruptedError):
        evaluate(training.network, training.loss_function, [(inputs, targets)] * 5, between)
    assert calls == 2
    assert all(module.training for module in training.network.modules())


def test_modes_set_by_hand_are_kept() -> None:
    training = made_training(CNN)
    frozen = training.network.module_of(training.network.node_ids[2])
    frozen.eval()
    with loop.evaluation_mode(training.network):
        assert not any(module.training for module in training.network.modules())
    assert not frozen.training
    assert training.network.training


def test_an_empty_split_has_no_score() -> None:
    training = made_training(MLP)
    result = evaluate(training.network, training.loss_function, [])
    assert math.isnan(result.loss)
    assert result.accuracy is None
    assert result.count == 0


def test_loss_and_network_of_a_project_fit_together() -> None:
    data = tables()
    network = Network(MLP)
    loss = loss_function(MLP, data.facts)(network(data.train.inputs), data.train.targets)
    assert loss.dim() == 0
