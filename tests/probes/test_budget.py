"""The budget, with a clock that the test turns."""

from __future__ import annotations

import pytest

from nnviz.probes.base import Measurement, Probe, Stage
from nnviz.probes.budget import Budget
from nnviz.record.readings import Reading


class Fake(Probe):
    stage = Stage.REST

    def __init__(self, name: str, cost: float, interval: float = 0.0, parts: int = 1, essential: bool = False) -> None:
        self.name = self.title = name
        self.cost = cost
        self.wanted_interval = interval
        self.essential = essential
        self.parts = parts
        self.done = 0
        self.times: list[float] = []

    @property
    def busy(self) -> bool:
        return self.done % self.parts != 0

    def measure(self, measurement: Measurement) -> list[Reading]:
        self.done += 1
        return []


class Session:
    """Trains for so long a step and measures what is due; the clock is a number."""

    def __init__(self, budget: Budget, probes: list[Fake], step: float) -> None:
        self.budget, self.probes, self.step = budget, probes, step
        self.now = self.training = self.measuring = 0.0

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += self.step
            self.training += self.step
            self.budget.trained(self.step)
            for probe in self.probes:
                if self.budget.due(probe, self.now):
                    probe.times.append(self.now)
                    probe.measure(None)  # type: ignore[arg-type]  # a fake needs nothing
                    self.budget.spent(probe, probe.cost)
                    self.now += probe.cost
                    self.measuring += probe.cost


def test_cheap_probes_are_measured_at_every_step():
    probe = Fake("cheap", 0.0001)
    session = Session(Budget(0.10), [probe], 0.01)
    session.run(10)
    assert len(probe.times) >= 0.99 * session.training / 0.01


def test_a_wanted_interval_is_kept():
    probe = Fake("seldom", 0.0001, interval=0.5)
    session = Session(Budget(0.10), [probe], 0.01)
    session.run(20)
    gaps = [b - a for a, b in zip(probe.times, probe.times[1:], strict=False)]
    assert min(gaps) >= 0.5
    assert max(gaps) <= 0.53


@pytest.mark.parametrize("share", [0.02, 0.10, 0.5])
@pytest.mark.parametrize("step", [0.0002, 0.01, 1.0])
def test_the_share_is_held_whatever_the_probes_cost(share: float, step: float):
    probes = [Fake("a", 0.0004), Fake("b", 0.003), Fake("c", 0.03), Fake("d", 0.8), Fake("e", 2.5, interval=1.0)]
    session = Session(Budget(share), probes, step)
    session.run(400 if step > 0.001 else 40)
    # What is measured ahead of what is earned is one measurement of each at the very most.
    assert session.measuring <= share * session.training + sum(probe.cost for probe in probes)
    assert session.measuring >= 0.4 * share * session.training or step == 1.0


def test_over_any_window_the_share_holds_too():
    probes = [Fake("a", 0.002), Fake("b", 0.01), Fake("c", 0.05)]
    budget = Budget(0.10, window=10)
    session = Session(budget, probes, 0.005)
    session.run(30)
    for _ in range(20):
        training, measuring = session.training, session.measuring
        session.run(20)
        assert session.measuring - measuring <= 0.10 * (session.training - training) + 0.062
        assert budget.cost <= 0.11


def test_a_costly_probe_becomes_rarer_but_is_never_dropped():
    cheap, costly = Fake("cheap", 0.002), Fake("costly", 1.5, interval=1.0)
    session = Session(Budget(0.10), [cheap, costly], 0.01)
    session.run(600)
    assert len(costly.times) >= 10
    gaps = [b - a for a, b in zip(costly.times, costly.times[1:], strict=False)]
    assert max(gaps) <= 60
    # The cheap one, which would like every step, is not starved either.
    in_windows = [sum(start <= t < start + 30 for t in cheap.times) for start in range(0, 540, 30)]
    assert min(in_windows) >= 10


def test_one_that_costs_more_than_can_be_saved_goes_into_debt_and_pays():
    giant = Fake("giant", 20.0)
    session = Session(Budget(0.10, window=10), [giant], 0.05)
    session.run(2000)
    assert len(giant.times) >= 5
    assert session.measuring <= 0.10 * session.training + 20


def test_probes_of_equal_wants_come_equally_often():
    probes = [Fake(f"p{k}", 0.01) for k in range(5)]
    session = Session(Budget(0.10), probes, 0.01)
    session.run(300)
    counts = [len(probe.times) for probe in probes]
    assert min(counts) >= 0.8 * max(counts)


def test_what_one_does_not_need_another_may_use():
    idle, hungry = Fake("idle", 0.001, interval=60), Fake("hungry", 0.01)
    session = Session(Budget(0.10), [idle, hungry], 0.01)
    session.run(100)
    assert len(hungry.times) * 0.01 >= 0.09 * session.training


def test_a_busy_probe_goes_on_at_once():
    parts = Fake("parts", 0.001, interval=1.0, parts=10)
    session = Session(Budget(0.10), [parts], 0.02)
    session.run(30)
    assert parts.done >= 250
    assert parts.times[9] - parts.times[0] < 0.5  # one measurement, in ten parts


def test_the_essential_is_always_measured_and_others_pay_for_it():
    essential, other = Fake("loss", 0.0008, essential=True), Fake("other", 0.001)
    session = Session(Budget(0.10), [essential, other], 0.01)
    session.run(60)
    assert len(essential.times) == pytest.approx(session.training / 0.01, abs=1)
    assert session.measuring <= 0.101 * session.training


def test_the_essential_is_measured_even_when_it_breaks_the_budget():
    essential, other = Fake("loss", 0.005, essential=True), Fake("other", 0.001)
    session = Session(Budget(0.10), [essential, other], 0.01)
    session.run(20)
    assert len(essential.times) == pytest.approx(session.training / 0.01, abs=1)
    assert len(other.times) <= 2


def test_no_share_means_only_the_essential():
    essential, other = Fake("loss", 0.0001, essential=True), Fake("other", 0.001)
    session = Session(Budget(0.0), [essential, other], 0.01)
    session.run(5)
    assert essential.times
    assert not other.times


def test_what_is_forced_is_not_charged_but_teaches():
    budget = Budget(0.10)
    probe = Fake("costly", 1.0)
    budget.trained(1.0)
    budget.spent(probe, 1.0, forced=True)
    assert budget.cost == 0
    assert budget.estimate(probe) == 1.0
    budget.trained(1.0)
    assert not budget.due(probe, 2.0)  # it is known to cost more than was earned
    budget.trained(20.0)
    assert budget.due(probe, 3.0)


def test_warming_up_does_not_weigh_on_a_probe():
    budget = Budget(0.10)
    probe = Fake("p", 0.001)
    budget.spent(probe, 5.0, forced=True)
    budget.spent(probe, 0.001, forced=True)
    assert budget.estimate(probe) == 0.001
    budget.spent(probe, 0.002)
    assert budget.estimate(probe) == pytest.approx(0.0013)


@pytest.mark.parametrize(("advance", "soon"), [(1.0, True), (0.0, False)])
def test_an_advance_pays_for_warming_up(advance: float, soon: bool):
    budget = Budget(0.05, advance=advance)
    probe = Fake("cheap", 0.02, interval=0.03)
    session = Session(budget, [probe], 0.001)
    while not probe.times:
        session.run(0.001)
    probe.cost = 0.0002  # warm now
    session.run(0.2)
    assert (len(probe.times) >= 5) is soon
    probe.wanted_interval = 0.0
    session.run(60)
    assert session.measuring <= 0.05 * (session.training + advance) + 0.02


def test_one_hiccup_does_not_silence_a_probe():
    """The machine stands still for a second in the middle of a measurement of a millisecond."""
    probe, other = Fake("p", 0.001, interval=0.1), Fake("other", 0.02)
    session = Session(Budget(0.05), [probe, other], 0.005)
    session.run(10)
    probe.cost = 1.0
    before = len(probe.times)
    while len(probe.times) == before:
        session.run(0.005)
    probe.cost = 0.001
    session.run(3)
    assert len(probe.times) - before >= 15


def test_a_probe_that_has_become_costly_is_known_after_a_few_measurements():
    probe = Fake("p", 0.001)
    session = Session(Budget(0.05), [probe], 0.01)
    session.run(10)
    probe.cost = 0.3
    session.run(30)
    assert session.budget.estimate(probe) > 0.2
    training, measuring = session.training, session.measuring
    session.run(120)
    assert session.measuring - measuring <= 0.05 * (session.training - training) + 2 * probe.cost


def test_the_whole_of_a_probe_that_works_in_parts_says_nothing_of_a_part():
    budget = Budget(0.10)
    probe = Fake("p", 0.02)
    probe.part_seconds = 0.02
    assert budget.estimate(probe) == 0.02
    budget.spent(probe, 5.0, forced=True)
    assert budget.estimate(probe) == 0.02
    budget.trained(1.0)
    assert budget.due(probe, 1.0)


def test_costs_are_told_by_name_and_fade():
    budget = Budget(0.10, window=10)
    one, other = Fake("one", 1), Fake("other", 1)
    assert budget.cost == 0
    budget.trained(1.0)
    budget.spent(one, 0.02)
    budget.spent(other, 0.03)
    assert budget.costs() == pytest.approx({"one": 0.02, "other": 0.03})
    assert budget.cost == pytest.approx(0.05)
    for _ in range(100):
        budget.trained(1.0)
    assert budget.cost < 0.001


def test_clocks_that_stand_or_jump_do_no_harm():
    budget = Budget(0.10)
    probe = Fake("p", 0.001)
    budget.trained(0.0)
    budget.trained(-5.0)
    budget.spent(probe, -1.0)
    assert budget.cost == 0
    budget.trained(1.0)
    assert budget.due(probe, 0.0)


def test_senseless_settings_are_refused():
    with pytest.raises(ValueError, match="share"):
        Budget(-0.1)
    with pytest.raises(ValueError, match="window"):
        Budget(0.1, window=0)
