"""The same numbers as plain PyTorch, with or without instruments, in one go or continued."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import torch
from torch import nn
from training_helpers import CNN, CPU, advance, images, made_training, same, served, session_of, weights

from nnviz.data.tensors import Feeder, load
from nnviz.network.chain import DenseChain
from nnviz.project.samples.templates import sample
from nnviz.train.checkpoint import from_blobs, to_blobs
from nnviz.train.training import Training


def test_mlp_512_dropout_equals_a_hand_written_sequential() -> None:
    """Same seed, same batches: the script anybody would write gives the same weights, dropout and all."""
    project = sample("mlp-512-dropout")
    project = msgspec.structs.replace(
        project, training=msgspec.structs.replace(project.training, batch_size=32, seed=4)
    )
    data = images(train=200, shape=(1, 28, 28), classes=10)
    training = Training(project, data, CPU)
    for _ in range(15):
        training.advance()

    torch.manual_seed(4)
    by_hand = nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(512, 10),
    )  # fmt: skip
    optimizer = torch.optim.RMSprop(by_hand.parameters(), lr=0.001, alpha=0.9, eps=1e-7)
    feeder = Feeder(data.train, data.scaler, 32, CPU, seed=4)
    steps = 0
    for epoch in range(3):
        for inputs, targets in feeder.batches(epoch):
            if steps == 15:
                break
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(by_hand(inputs), targets)
            torch.autograd.backward(loss)
            optimizer.step()
            steps += 1
    ours, theirs = list(training.network.state_dict().values()), list(by_hand.state_dict().values())
    assert steps == 15
    assert len(ours) == len(theirs) == 6
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))
    training.random.release()


@pytest.mark.parametrize(
    "optimizer",
    [
        {"optimizer": "adam", "learning_rate": 0.01},
        {"optimizer": "sgd", "learning_rate": 0.05, "momentum": 0.9, "nesterov": True},
        {"optimizer": "sgd", "learning_rate": 0.05},
        {"optimizer": "rmsprop", "learning_rate": 0.01, "momentum": 0.5},
        {"optimizer": "adagrad", "learning_rate": 0.05},
        {"optimizer": "adadelta", "learning_rate": 1.0},
        {"optimizer": "adamw", "learning_rate": 0.01},
    ],
    ids=lambda value: f"{value['optimizer']}-{len(value)}",
)
def test_thirty_steps_a_file_and_twenty_more_are_fifty_steps(optimizer: dict[str, Any]) -> None:
    whole = made_training(CNN, **optimizer)
    advance(whole, 50)

    first = made_training(CNN, **optimizer)
    advance(first, 30)
    blobs = to_blobs(first.capture())
    del first
    torch.rand(1000)  # What happens in between is nobody's business.
    second = made_training(CNN, **optimizer)
    second.restore(from_blobs(blobs))
    advance(second, 20)

    assert second.step == whole.step == 50
    assert same(weights(second.network), weights(whole.network))
    second.settle()
    whole.settle()
    assert second.epoch_loss == whole.epoch_loss
    assert (second.best_epoch, second.best_loss) == (whole.best_epoch, whole.best_loss)
    assert second.best is not None
    assert whole.best is not None
    assert same(dict(second.best), dict(whole.best))


def test_all_probes_or_none_give_the_same_weights() -> None:
    results = []
    for probes in ((), None):
        session = session_of(CNN, epochs=4, probes=probes, budget=10.0)
        session.train()
        results.append(weights(session.training.network))
    assert same(*results)


def test_two_trainings_in_one_process_do_not_disturb_each_other() -> None:
    alone = made_training(CNN)
    advance(alone, 12)
    one, other = made_training(CNN), made_training(CNN, learning_rate=0.5)
    for _ in range(12):
        advance(one, 1)
        advance(other, 1)
        torch.rand(3)
        one.random.release()
    assert same(weights(one.network), weights(alone.network))
    for training in (alone, one, other):
        training.random.release()


def test_the_random_state_of_the_process_is_given_back() -> None:
    torch.manual_seed(123)
    expected = torch.rand(4)
    torch.manual_seed(123)
    with served(session_of(CNN)) as session:
        session.step(5).result(20)
        session.ask(lambda: None).result(20)
    assert torch.equal(torch.rand(4), expected)


@pytest.mark.parametrize("name", ["spiral", "credit-learned", "neuron-sigmoid"])
def test_gradients_written_out_lead_to_the_weights_of_autograd(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    project = sample(name)
    data = load(project.data)
    short = Training(project, data, CPU)
    monkeypatch.setattr(DenseChain, "of", lambda network: None)
    plain = Training(project, data, CPU)
    assert short._ways.gradients is not None
    assert plain._ways.gradients is None
    advance(short, 100)
    advance(plain, 100)
    assert same(weights(short.network), weights(plain.network))
    assert short.capture().progress == plain.capture().progress
