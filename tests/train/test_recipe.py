"""Schedules, clipping and regularisers against torch's own, against autograd, and against sums written out."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from random import Random

import msgspec
import pytest
import torch
from torch import Tensor, nn
from training_helpers import (
    CNN,
    CPU,
    MLP,
    advance,
    images,
    made_training,
    project_of,
    same,
    session_of,
    tables,
    weights,
)

from nnviz.project import choices, registry
from nnviz.project.model import Choice, Project, TrainConfig
from nnviz.record.run import Run
from nnviz.train import recipe, schedules
from nnviz.train.checkpoint import from_blobs, to_blobs
from nnviz.train.loop import train_step
from nnviz.train.session import TrainingSession
from nnviz.train.training import Training

STEPS_PER_EPOCH, EPOCHS = 6, 8
#: kind -> settings and torch's own scheduler with the same meaning, stepped after every update
TORCH = {
    "constant": ({}, lambda optimizer: torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)),
    "step": (
        {"every": 3, "factor": 0.5},
        lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 3 * STEPS_PER_EPOCH, gamma=0.5),
    ),
    "exponential": (
        {"factor": 0.7},
        lambda optimizer: torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.7 ** (1 / STEPS_PER_EPOCH)),
    ),
    "cosine": (
        {"final_share": 0.1},
        lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(
            optimizer, EPOCHS * STEPS_PER_EPOCH, eta_min=0.1 * 0.02
        ),
    ),
    # Its phases end one step before the share that it is told: made so that they end where ours do.
    "one_cycle": (
        {"rising_share": 0.25, "start_divisor": 10.0, "end_divisor": 50.0},
        lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=0.02,
            total_steps=EPOCHS * STEPS_PER_EPOCH + 1,
            pct_start=(0.25 * EPOCHS * STEPS_PER_EPOCH + 1) / (EPOCHS * STEPS_PER_EPOCH + 1),
            div_factor=10.0,
            final_div_factor=50.0,
            cycle_momentum=False,
        ),
    ),
    "warm_up": (
        {"rising_epochs": 2.0, "start_share": 0.2, "then": "cosine", "final_share": 0.1},
        lambda optimizer: torch.optim.lr_scheduler.SequentialLR(
            optimizer,
            [
                torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.2, total_iters=2 * STEPS_PER_EPOCH),
                torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 6 * STEPS_PER_EPOCH, eta_min=0.1 * 0.02),
            ],
            milestones=[2 * STEPS_PER_EPOCH],
        ),
    ),
}
#: Stepped at the ends of epochs, with the loss.
BY_LOSSES = {"plateau"}


def test_everything_declared_has_its_function() -> None:
    assert schedules.SCHEDULES.keys() == registry.SCHEDULES.all.keys() == TORCH.keys() | BY_LOSSES
    assert recipe.CLIPPINGS.keys() == registry.CLIPPINGS.all.keys()
    assert recipe.PENALTIES.keys() | recipe.CONSTRAINTS.keys() == registry.REGULARISERS.all.keys()


@pytest.mark.parametrize("kind", TORCH)
def test_a_schedule_gives_the_rates_of_torchs_own(kind: str) -> None:
    params, make = TORCH[kind]
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.02)
    scheduler = make(optimizer)
    for step in range(EPOCHS * STEPS_PER_EPOCH):
        ours = schedules.rate(Choice(kind, params), 0.02, step, STEPS_PER_EPOCH, EPOCHS)
        assert ours == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9), step
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize("lowest", [0.0, 0.3])
@pytest.mark.parametrize("seed", range(6))
def test_a_plateau_falls_where_torchs_own_does(seed: int, lowest: float) -> None:
    """Whose patience is how many epochs are borne: one less than after how many it falls."""
    random = Random(seed)
    losses = [
        max(1.0 / (1 + 0.3 * epoch), 0.3) + random.choice((0.0, 0.0, 0.4)) * random.random() for epoch in range(30)
    ]
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.02)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=1, threshold=0.05, min_lr=lowest * 0.02, eps=0.0
    )
    chosen = Choice("plateau", {"patience": 2, "least_improvement": 0.05, "lowest_share": lowest})
    for epoch, loss in enumerate(losses):
        # Later losses are in the record already where a training has gone back.
        ours = [schedules.rate(chosen, 0.02, epoch * 6 + step, 6, 30, losses) for step in range(6)]
        assert ours == [pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)] * 6
        scheduler.step(loss)
    assert optimizer.param_groups[0]["lr"] < 0.02


def test_a_plateau_passes_over_what_is_no_number() -> None:
    chosen = Choice("plateau", {"patience": 2, "factor": 0.1})
    assert schedules.rate(chosen, 1.0, 40, 10, 4, [1.0, math.nan, 1.0, 1.0]) == pytest.approx(0.1)
    assert schedules.rate(chosen, 1.0, 40, 10, 4, [1.0, math.nan, 1.0, math.nan]) == 1.0


def test_a_warm_up_stays_at_the_full_rate() -> None:
    chosen = Choice("warm_up", {"rising_epochs": 0.5, "start_share": 0.0})
    found = [schedules.rate(chosen, 2.0, step, 10, 3) for step in (0, 1, 4, 5, 29)]
    assert found == pytest.approx([0.0, 0.4, 1.6, 2.0, 2.0])


def test_a_cosine_stays_at_its_end() -> None:
    schedule = Choice("cosine", {"final_share": 0.25})
    assert [schedules.rate(schedule, 1.0, step, 10, 2) for step in (20, 21, 500)] == [0.25, 0.25, 0.25]


def planned(**changes: object) -> Project:
    project = project_of(MLP, learning_rate=0.05, optimizer="sgd", epochs=4)
    return msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, **changes))


COSINE = Choice("cosine")


def test_a_training_uses_the_rates_of_its_schedule() -> None:
    training = Training(planned(schedule=COSINE), tables(), CPU)
    assert training.optimizer is not None
    for step in range(24):
        wanted = 0.05 * (1 + math.cos(math.pi * step / 24)) / 2
        assert training.learning_rate == pytest.approx(wanted)
        advance(training, 1)
        assert training.optimizer.param_groups[0]["lr"] == pytest.approx(wanted)
    training.random.release()


@pytest.mark.parametrize("target", [3, 8, 14])
def test_going_back_over_a_schedule_repeats_the_way_bit_for_bit(target: int) -> None:
    """With a learning rate and a goal that were changed on the way."""
    training = Training(planned(schedule=COSINE), tables(), CPU)
    start, states = training.capture(), []
    for step in range(20):
        states.append(weights(training.network))
        if step == 5:
            training.learning_rate = 0.2
        if step == 11:
            training.epochs = 9
        advance(training, 1)
    training.go_back(start, target)
    while training.replaying:
        advance(training, 1)
    assert same(weights(training.network), states[target])
    # From here the rate and the goal in use are those that were set last.
    assert training.learning_rate == pytest.approx(0.2 * (1 + math.cos(math.pi * target / 54)) / 2)
    training.random.release()


def test_resuming_a_schedule_is_bit_for_bit() -> None:
    project = planned(schedule=COSINE, clipping=Choice("norm", {"limit": 0.5}), regularisers=(Choice("l2"),))
    whole, first, second = (Training(project, tables(), CPU) for _ in range(3))
    advance(whole, 20)
    advance(first, 9)
    second.restore(from_blobs(to_blobs(first.capture())))
    advance(second, 11)
    assert same(weights(whole.network), weights(second.network))
    for training in (whole, first, second):
        training.random.release()


def test_a_run_records_the_rates_that_were_used() -> None:
    run = Run()
    project = planned(schedule=Choice("step", {"every": 1, "factor": 0.1}))
    TrainingSession(project, run, data=tables(), device="cpu", probes=()).train()
    steps, rates = run.scalars("learning_rate")
    for step, value in zip(steps, rates, strict=True):
        assert value == pytest.approx(0.05 * 0.1 ** (int(step) // 6))
    assert len(steps) >= 2


# -- what acts on gradients and weights -------------------------------------------------------------------------------


def one_step(config: TrainConfig) -> tuple[nn.Module, nn.Module, nn.Module, Callable[[nn.Module], Tensor]]:
    """(a network before, the network after a step with the recipe, an equal one to be stepped by hand, its loss)."""
    torch.manual_seed(3)
    module = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 4))
    inputs, targets = torch.randn(10, 1, 4, 4), torch.randint(0, 4, (10,))
    before, by_hand = copy.deepcopy(module), copy.deepcopy(module)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    loss_function = nn.CrossEntropyLoss()
    updater = recipe.with_recipe(optimizer, [*module.parameters()], config)
    train_step(module, loss_function, updater, inputs, targets)  # type: ignore[arg-type]  # torch's own will do
    return before, module, by_hand, lambda net: loss_function(net(inputs), targets)


def step_by_hand(module: nn.Module, loss: Tensor, change: Callable[[list[Tensor]], list[Tensor]] | None = None) -> None:
    gradients = list(torch.autograd.grad(loss, list(module.parameters())))
    with torch.no_grad():
        for parameter, gradient in zip(module.parameters(), (change or (lambda g: g))(gradients), strict=True):
            parameter.sub_(0.5 * gradient)


def close(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.allclose(a, b, rtol=1e-5, atol=1e-7) for a, b in pairs)


@pytest.mark.parametrize(
    ("kind", "penalty"),
    [("l1", lambda w: w.abs().sum()), ("l2", lambda w: (w * w).sum() / 2)],
)
def test_a_penalty_is_the_gradient_of_what_it_adds_to_the_loss(kind: str, penalty: Callable[[Tensor], Tensor]) -> None:
    _, stepped, by_hand, loss = one_step(TrainConfig(regularisers=(Choice(kind, {"strength": 0.3}),)))
    added = sum((penalty(p) for p in by_hand.parameters() if p.dim() > 1), torch.zeros(()))
    step_by_hand(by_hand, loss(by_hand) + 0.3 * added)
    assert close(stepped, by_hand)


def test_clipping_by_norm_keeps_the_direction_of_all_weights_together() -> None:
    _, stepped, by_hand, loss = one_step(TrainConfig(clipping=Choice("norm", {"limit": 0.01})))

    def shorten(gradients: list[Tensor]) -> list[Tensor]:
        length = math.sqrt(sum(float((g.double() ** 2).sum()) for g in gradients))
        assert length > 0.01
        return [g * (0.01 / length) for g in gradients]

    step_by_hand(by_hand, loss(by_hand), shorten)
    assert close(stepped, by_hand)


def test_a_gradient_shorter_than_the_limit_is_left_alone() -> None:
    _, stepped, by_hand, loss = one_step(TrainConfig(clipping=Choice("norm", {"limit": 1e4})))
    step_by_hand(by_hand, loss(by_hand))
    assert close(stepped, by_hand)


def test_clipping_by_value_cuts_each_number() -> None:
    _, stepped, by_hand, loss = one_step(TrainConfig(clipping=Choice("value", {"limit": 0.02})))
    step_by_hand(by_hand, loss(by_hand), lambda gradients: [g.clamp(-0.02, 0.02) for g in gradients])
    assert close(stepped, by_hand)


def test_max_norm_holds_each_unit_and_no_other() -> None:
    _, stepped, by_hand, loss = one_step(TrainConfig(regularisers=(Choice("max_norm", {"limit": 0.6}),)))
    step_by_hand(by_hand, loss(by_hand))
    held = 0
    for ours, free in zip(stepped.parameters(), by_hand.parameters(), strict=True):
        for unit, before in zip(ours, free, strict=True):
            length = float(before.detach().norm())
            if ours.dim() > 1 and length > 0.6:
                held += 1
                assert torch.allclose(unit, before * (0.6 / length), rtol=1e-5)
            else:
                assert torch.equal(unit, before)
    assert held


def test_penalties_come_before_clipping() -> None:
    config = TrainConfig(regularisers=(Choice("l2", {"strength": 5.0}),), clipping=Choice("value", {"limit": 0.1}))
    _, stepped, by_hand, loss = one_step(config)

    def change(gradients: list[Tensor]) -> list[Tensor]:
        pairs = zip(gradients, by_hand.parameters(), strict=True)
        return [(g + 5 * p.detach() if p.dim() > 1 else g).clamp(-0.1, 0.1) for g, p in pairs]

    step_by_hand(by_hand, loss(by_hand), change)
    assert close(stepped, by_hand)


def test_what_asks_for_nothing_costs_nothing() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    assert recipe.with_recipe(optimizer, [], TrainConfig()) is optimizer


def test_a_plain_training_is_what_it_was() -> None:
    """The choices that do nothing change no bit: named or not."""
    plain, named = made_training(CNN), project_of(CNN)
    config = msgspec.structs.replace(named.training, schedule=Choice("constant"), clipping=Choice("none"))
    other = Training(msgspec.structs.replace(named, training=config), images(), CPU)
    advance(plain, 14)
    advance(other, 14)
    assert same(weights(plain.network), weights(other.network))
    other.random.release()


def test_instruments_see_gradients_before_they_are_clipped() -> None:
    runs = []
    for limit in (1e6, 1e-6):
        run = Run()
        base = session_of(MLP).project
        config = msgspec.structs.replace(base.training, clipping=Choice("norm", {"limit": limit}), epochs=1)
        project = msgspec.structs.replace(base, training=config)
        TrainingSession(project, run, data=tables(), device="cpu").train()
        runs.append(run)
    loose, tight = (run.scalars("gradient_norm/linear1")[1] for run in runs)
    assert loose[0] == tight[0] > 1e-6


@pytest.mark.parametrize("slot", choices.TRAINING, ids=lambda slot: slot.name)
def test_every_choice_trains_with_its_defaults(slot: choices.Slot) -> None:
    for kind in slot.known.all:
        chosen = (Choice(kind),) if slot.many else Choice(kind)
        training = Training(planned(**{slot.name: chosen}), tables(), CPU)
        advance(training, 7)
        assert training.settle()
        training.random.release()
