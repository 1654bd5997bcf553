"""The short way to an update is the optimizer's own update, bit for bit, whatever happens to the optimizer."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn
from training_helpers import MLP, advance, made_training, same, weights

from nnviz.project.model import Choice
from nnviz.train import optimizers
from nnviz.train.checkpoint import from_blobs, to_blobs
from nnviz.train.updates import Updates

SETTINGS = [
    ("adam", {}),
    ("adam", {"weight_decay": 0.01, "beta1": 0.8, "epsilon": 1e-4}),
    ("adamw", {"learning_rate": 0.02}),
    ("sgd", {}),
    ("sgd", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("rmsprop", {}),
    ("rmsprop", {"momentum": 0.5}),
    ("rmsprop", {"momentum": 0.9, "weight_decay": 0.01, "alpha": 0.8, "epsilon": 1e-3}),
    ("adagrad", {}),
    ("adadelta", {}),
    ("nadam", {}),
    ("nadam", {"momentum_decay": 0.1, "weight_decay": 0.01}),
]


def network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 37), nn.Tanh(), nn.Linear(37, 3), nn.PReLU())


def built(module: nn.Module, kind: str, params: dict[str, float]) -> torch.optim.Optimizer:
    optimizer = optimizers.build_optimizer(module.parameters(), Choice(kind, params))
    assert optimizer is not None
    return optimizer


def learn(module: nn.Module, seed: int) -> None:
    inputs = torch.randn(8, 4, generator=torch.Generator().manual_seed(seed))
    torch.autograd.backward(module(inputs).square().mean())


@pytest.mark.parametrize(("kind", "params"), SETTINGS)
def test_the_short_way_makes_the_same_weights_and_state(kind: str, params: dict[str, float]) -> None:
    ours, theirs = network(), network()
    short, plain = built(ours, kind, params), built(theirs, kind, params)
    updates = Updates(short)
    for step in range(12):
        if step == 4:
            optimizers.set_learning_rate(short, 0.3)
            optimizers.set_learning_rate(plain, 0.3)
        if step == 8:  # as when going back to a checkpoint
            short.load_state_dict(copy.deepcopy(short.state_dict()))
            plain.load_state_dict(copy.deepcopy(plain.state_dict()))
        updates.zero_grad()
        plain.zero_grad()
        assert all(parameter.grad is None for parameter in ours.parameters())
        learn(ours, step)
        learn(theirs, step)
        updates.step()
        plain.step()
        assert same(weights(ours), weights(theirs)), step
    kept, expected = short.state_dict()["state"], plain.state_dict()["state"]
    assert kept.keys() == expected.keys()
    for index, entries in expected.items():
        for name, value in entries.items():
            assert value is None or torch.equal(torch.as_tensor(kept[index][name]), torch.as_tensor(value)), name


@pytest.mark.parametrize("epsilon", [1e-7, 1e-11, 1e-12, 1e-30])
@pytest.mark.parametrize(("kind", "square"), [("rmsprop", "square_avg"), ("nadam", "exp_avg_sq")])
def test_squares_of_nothing_and_of_next_to_nothing(kind: str, square: str, epsilon: float) -> None:
    """Whose root is found in another way: 0, subnormal numbers, the smallest normal ones; and what is no number."""
    tiny = torch.finfo(torch.float32).tiny
    planted = torch.tensor(
        [0.0, 1e-45, 1e-42, tiny / 2, tiny, 1.5 * tiny, 1e-30, 1e-22, 1e-14, 1.0, math.inf, math.nan]
    )
    ours, theirs = (nn.ParameterList([torch.ones(len(planted)), torch.ones(3)]) for _ in range(2))
    short, plain = built(ours, kind, {"epsilon": epsilon}), built(theirs, kind, {"epsilon": epsilon})
    updates = Updates(short)
    for step in range(4):
        for parameters in (ours, theirs):
            for parameter in parameters:
                parameter.grad = torch.full_like(parameter, 1e-24 if step else 0.0)
        if step == 1:
            for optimizer in (short, plain):
                optimizer.state[optimizer.param_groups[0]["params"][0]][square].copy_(planted)
        updates.step()
        plain.step()
        for mine, its in zip(ours, theirs, strict=True):
            assert torch.equal(mine.view(torch.int32), its.view(torch.int32)), (step, mine, its)


@pytest.mark.parametrize("kind", ["adam", "adamw", "sgd", "rmsprop", "nadam"])
def test_torch_is_asked_for_the_first_update_only(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = network()
    optimizer = built(module, kind, {})
    asked: list[int] = []
    own_step = optimizer.step

    def step_of_torch() -> None:
        asked.append(1)
        own_step()

    monkeypatch.setattr(optimizer, "step", step_of_torch)
    updates = Updates(optimizer)
    for step in range(5):
        updates.zero_grad()
        learn(module, step)
        updates.step()
    assert len(asked) == 1
    optimizer.load_state_dict(optimizer.state_dict())
    updates.step()
    assert len(asked) == 2, "the state was replaced, and the old one is still used"


def test_a_part_without_gradient_stays_as_it_is() -> None:
    module, idle = network(), nn.Linear(2, 2)
    both = nn.ModuleList([idle, module])
    before = weights(idle)
    updates = Updates(built(both, "adam", {"weight_decay": 0.5}))
    for step in range(3):
        updates.zero_grad()
        learn(module, step)
        updates.step()
    assert same(weights(idle), before)


@pytest.mark.parametrize("kind", ["adam", "adamw", "sgd", "rmsprop", "nadam"])
def test_a_part_whose_first_gradient_comes_later_is_at_a_step_of_its_own(kind: str) -> None:
    ours, theirs = (nn.ModuleList([network(), network()]) for _ in range(2))
    short, plain = built(ours, kind, {}), built(theirs, kind, {})
    updates = Updates(short)
    for step in range(8):
        updates.zero_grad()
        plain.zero_grad()
        for parts in (ours, theirs):
            learn(parts[0], step)
            if step >= 3:
                learn(parts[1], step)
        updates.step()
        plain.step()
        assert same(weights(ours), weights(theirs)), step


@pytest.mark.parametrize("kind", ["sgd", "adagrad", "adam", "adamw"])
def test_one_kernel_updates_everything_on_the_cpu(kind: str) -> None:
    assert built(network(), kind, {}).param_groups[0]["fused"] is True


def test_how_it_is_computed_is_not_taken_over_from_a_checkpoint() -> None:
    """One that was made where torch chose otherwise, as on a graphics card."""
    first, second = made_training(MLP), made_training(MLP)
    advance(first, 4)
    checkpoint = from_blobs(to_blobs(first.capture()))
    elsewhere = copy.deepcopy(checkpoint)
    object.__setattr__(elsewhere, "optimizer_groups", ({**checkpoint.optimizer_groups[0], "fused": None},))
    second.restore(elsewhere)
    assert second.optimizer is not None
    assert second.optimizer.param_groups[0]["fused"] is True
    advance(first, 5)
    advance(second, 5)
    assert same(weights(first.network), weights(second.network))


def test_nadam_makes_the_steps_of_its_paper() -> None:
    """Against the update written out for one number (Dozat 2016, as torch documents it)."""
    rate, beta1, beta2, epsilon, decay = 0.02, 0.9, 0.999, 1e-8, 0.004
    weight = nn.Parameter(torch.tensor([1.5], dtype=torch.float64))
    optimizer = optimizers.build_optimizer([weight], Choice("nadam", {"learning_rate": rate, "momentum_decay": decay}))
    assert optimizer is not None
    x, mean, square, product = 1.5, 0.0, 0.0, 1.0
    for step in range(1, 30):
        slope = 2.0 * x + math.cos(step)
        weight.grad = torch.tensor([slope], dtype=torch.float64)
        optimizer.step()
        now = beta1 * (1.0 - 0.5 * 0.96 ** (step * decay))
        ahead = beta1 * (1.0 - 0.5 * 0.96 ** ((step + 1) * decay))
        product *= now
        mean = beta1 * mean + (1.0 - beta1) * slope
        square = beta2 * square + (1.0 - beta2) * slope * slope
        corrected = ahead * mean / (1.0 - product * ahead) + (1.0 - now) * slope / (1.0 - product)
        x -= rate * corrected / (math.sqrt(square / (1.0 - beta2**step)) + epsilon)
        assert weight.item() == pytest.approx(x, rel=1e-6), step
