"""The price of a step: against a clock by hand, and in a session."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import msgspec
import pytest

from nnviz.probes.base import Probe
from nnviz.project.model import Project
from nnviz.project.samples import templates
from nnviz.record.run import Run
from nnviz.train import instruments
from nnviz.train import price as price_of_steps
from nnviz.train.instruments import Instruments
from nnviz.train.price import StepPrice
from nnviz.train.session import TrainingSession
from nnviz.train.training import Training


def with_epochs(project: Project, epochs: int) -> Project:
    """The same, trained for so long."""
    return msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, epochs=epochs))


def steps(price: StepPrice, count: int, alone: float, beside: float, start: float = 0.0) -> float:
    """So many equal steps with something beside each; the time when the last ended."""
    now = start
    for _ in range(count):
        price.begin(now)
        price.trained(alone)
        now += alone + beside
    price.begin(now)
    return now


def test_nothing_beside_the_training_is_a_factor_of_one() -> None:
    price = StepPrice()
    steps(price, 1000, 0.004, 0.0)
    assert price.factor == pytest.approx(1.0)


def test_what_is_beside_the_training_counts() -> None:
    price = StepPrice()
    steps(price, 1000, 0.004, 0.002)
    assert price.factor == pytest.approx(1.5)


def test_steps_that_were_held_up_are_measured_by_those_that_were_not() -> None:
    """Four of five steps wait for the lock as long as they work."""
    price, dice, now, total = StepPrice(memory=1e9), random.Random(3), 0.0, 0.0
    for _ in range(2000):
        took = 0.004 if dice.random() < 0.2 else 0.008
        price.begin(now)
        price.trained(took)
        now += took
        total += took
    price.begin(now)
    assert price.factor == pytest.approx(total / 2000 / 0.004, rel=0.02)
    assert 1.7 < price.factor < 1.9


@pytest.mark.parametrize("beside", [0.0, 0.1, 0.25, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("seconds", [0.00025, 0.004, 0.05])
def test_known_disturbances_give_the_known_factor(seconds: float, beside: float) -> None:
    """Steps as they are: none like the other, the first of an epoch longer, and what is beside them comes in lumps."""
    price, dice, now, worked = StepPrice(memory=1e9), random.Random(5), 0.0, 0.0
    count = max(4000, round(5 / seconds))
    for step in range(count):
        work = seconds * dice.lognormvariate(0.0, 0.25) * (3.0 if step % 50 == 0 else 1.0)
        wait = 10 * beside * seconds * 1.07 if dice.random() < 0.1 else 0.0
        price.begin(now)
        price.trained(work + wait, work)
        now += work + wait
        worked += work
        if step % 50 == 49:  # the end of an epoch: a validation is no step
            price.rest()
            now += 40 * seconds
        if step % 97 == 0:
            assert math.isnan(price.factor) or price.factor >= 1.0
    expected = 1.0 + beside * seconds * 1.07 * count / worked
    assert price.factor == pytest.approx(expected, rel=0.05)


def test_rest_is_no_price() -> None:
    price = StepPrice()
    now = steps(price, 500, 0.004, 0.0)
    price.rest()
    steps(price, 500, 0.004, 0.0, start=now + 60.0)
    assert price.factor == pytest.approx(1.0)


def test_the_last_seconds_count() -> None:
    price = StepPrice(memory=1.0)
    now = steps(price, 1000, 0.004, 0.004)
    assert price.factor == pytest.approx(2.0)
    price.rest()
    steps(price, 2500, 0.004, 0.0, start=now)
    assert price.factor == pytest.approx(1.0, abs=1e-3)


def test_steps_that_nobody_looks_at_do_not_pile_up() -> None:
    """On a GPU the price is never asked for."""
    price = StepPrice(memory=1e9)
    steps(price, 20_000, 0.004, 0.002)
    assert len(price._bare) < 5_000
    assert price.factor == pytest.approx(1.5)


def test_nothing_is_said_of_the_first_two_seconds_and_the_first_moments_weigh_nothing_later() -> None:
    price, now = StepPrice(), 0.0
    assert math.isnan(price.factor)
    for step in range(1000):
        if now < 1.95:
            assert math.isnan(price.factor)
        price.begin(now)
        price.trained(0.004)
        now += 0.06 if step < 10 else 0.005  # what comes first takes fifteen times as long
    assert price.factor == pytest.approx(1.25)


@pytest.mark.parametrize("drawing", [0.0, 0.5])
def test_what_other_programs_take_is_no_price(drawing: float) -> None:
    """Of the time that goes by the process gets a seventh; what it does itself beside its steps stays a price."""
    price, dice, now, got = StepPrice(), random.Random(2), 0.0, 0.0
    for _ in range(3000):
        work = 0.001 * dice.uniform(0.9, 1.1)
        own = work * (1 + drawing)
        price.begin(now, got)
        waits = dice.expovariate(1 / (6 * own))
        price.trained(own + waits, work)
        now, got = now + own + waits, got + own
    assert now / got > 6 and price.factor == pytest.approx(1 + drawing, rel=0.03)
    # Several threads at once: what goes by is what counts.
    busy = StepPrice()
    for step in range(1000):
        busy.begin(step * 0.005, step * 0.02)
        busy.trained(0.004, 0.004)
    assert busy.factor == pytest.approx(1.25)


def test_what_a_look_takes_is_not_the_step_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock on which a step takes one, and choosing and watching what is looked at a hundred."""

    class Clock:
        now = 0.0
        looked = 0

        def __getattr__(self, name: str) -> object:
            return getattr(time, name)

        def thread_time(self) -> float:
            return self.now

    clock, watch, advance = Clock(), Instruments._watch, Training.advance

    def watched(self: Instruments, probes: Sequence[Probe]) -> AbstractContextManager[None]:
        clock.now += 100.0
        clock.looked += 1
        return watch(self, probes)

    def advanced(self: Training, *stages: Any) -> int:
        clock.now += 1.0
        return advance(self, *stages)

    told: list[float] = []
    trained = StepPrice.trained

    def note(self: StepPrice, seconds: float, computed: float = math.nan) -> None:
        told.append(computed)
        trained(self, seconds, computed)

    monkeypatch.setattr(instruments, "time", clock)
    monkeypatch.setattr(instruments, "_CLOCKED", 1)
    monkeypatch.setattr(Instruments, "_watch", watched)
    monkeypatch.setattr(Training, "advance", advanced)
    monkeypatch.setattr(StepPrice, "trained", note)
    for every in (0.003, 0.0):  # some of the steps with a look, and all of them
        monkeypatch.setattr(instruments, "_LOOK_EVERY", every)
        told.clear()
        clock.looked = 0
        TrainingSession(with_epochs(templates.sample("spiral"), 2), Run()).train()
        known = [computed for computed in told if not math.isnan(computed)]
        assert clock.looked and known and max(known) <= 1.0


def test_a_session_says_what_a_step_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_of_steps, "_PERIOD", 0.0)
    monkeypatch.setattr(price_of_steps, "ENOUGH_SECONDS", 0.0)
    project = with_epochs(templates.sample("spiral"), 3)
    session = TrainingSession(project, Run())
    assert math.isnan(session.position.step_price)
    session.train()
    assert session.position.step_price >= 1.0
    assert session.position.probe_cost == 0.0  # not two seconds of it
