"""Who else computes is seen before torch is imported, and decides how its threads wait."""

from __future__ import annotations

import subprocess
import sys
import time
from types import SimpleNamespace

import psutil
import pytest

from nnviz.train import cores, share_cores
from nnviz.train.cores import CoreWatch

WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in WAITING:
        # Set first, so that what the test makes of it is taken back.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


class Seen(CoreWatch):
    """Has seen what it was given."""

    def __init__(self, given: float) -> None:
        self._given = given

    def others(self, seconds: float = 0.0) -> float:
        return self._given


def waiting() -> dict[str, str]:
    import os

    return {name: os.environ[name] for name in WAITING if name in os.environ}


def test_threads_spin_where_nobody_else_computes_and_sleep_where_somebody_does() -> None:
    share_cores(Seen(0.05))
    assert waiting() == {}
    share_cores(Seen(1.0))
    assert waiting() == {"OMP_WAIT_POLICY": "passive"}


def test_without_a_look_they_sleep() -> None:
    share_cores()
    assert waiting() == {"OMP_WAIT_POLICY": "passive"}


@pytest.mark.parametrize("name", WAITING)
def test_what_the_user_has_set_counts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "1")
    share_cores(Seen(2.0))
    assert waiting() == {name: "1"}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it cannot be chosen while it trains")
@pytest.mark.parametrize(("usable", "chosen"), [(2, {}), (64, {"OMP_WAIT_POLICY": "passive"})])
def test_where_a_training_looks_itself_nothing_is_fixed_unless_a_container_hides_its_cores(
    usable: int, chosen: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "granted_cores", lambda: 2)
    monkeypatch.setattr(cores, "usable_cores", lambda: usable)
    share_cores(watched=True)
    assert waiting() == chosen


def test_a_program_beside_this_one_is_seen_and_this_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """By planted counters: two cores, of which others used one and a half of four seconds, and this process two."""
    clock, everybody, own = [10.0], [100.0], [5.0]
    times = type(psutil.cpu_times())
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(psutil, "cpu_times", lambda: times(*(everybody[0], *(0.0 for _ in times._fields[1:]))))
    watch = CoreWatch()
    monkeypatch.setattr(watch._process, "cpu_times", lambda: SimpleNamespace(user=own[0], system=0.0))
    watch._began = watch._times()
    clock[0], everybody[0], own[0] = 14.0, 103.5, 7.0
    assert watch.others() == pytest.approx((3.5 - 2.0) / 4.0)
    assert watch.others_since() == pytest.approx((3.5 - 2.0) / 4.0)
    clock[0], everybody[0] = 15.0, 104.0
    assert watch.others_since() == pytest.approx(0.5), "since the last look, not since it was made"


def test_a_busy_neighbour_is_seen() -> None:
    busy = subprocess.Popen([sys.executable, "-c", "print(flush=True)\nwhile True: pass"], stdout=subprocess.PIPE)
    try:
        assert busy.stdout is not None
        busy.stdout.readline()
        assert CoreWatch().others(0.5) > 0.2
    finally:
        busy.kill()
        busy.wait()
        if busy.stdout is not None:
            busy.stdout.close()
