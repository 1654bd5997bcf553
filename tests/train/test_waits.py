"""While it trains, torch's threads spin where cores are idle and sleep where others compute; sums stay the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
import torch

from nnviz.train import waits
from nnviz.train.cores import CoreWatch
from nnviz.train.waits import ThreadWaits, teams_needed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="GNU's OpenMP is looked at")


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two threads on two cores, and nothing set by the user."""
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(waits, "usable_cores", lambda: 2)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("threads", range(2, 17))
@pytest.mark.parametrize("cores", [2, 3, 4, 8, 16])
def test_with_the_idle_teams_there_are_more_threads_than_cores_and_with_one_fewer_there_are_not(
    threads: int, cores: int
) -> None:
    """Counted as OpenMP does it: one, and of each team all but the thread that made it."""
    needed = teams_needed(threads, cores)
    if threads > cores:
        assert needed == 0, "they sleep by themselves"
        return

    def counted(idle: int) -> int:
        return 1 + (idle + 1) * (threads - 1)

    assert counted(needed) > cores
    assert counted(needed - 1) <= cores


def test_one_thread_waits_for_nobody() -> None:
    assert teams_needed(1, 2) == teams_needed(1, 64) == 0


def asleep(chooser: ThreadWaits) -> bool:
    return chooser.asleep  # mypy takes an attribute for what it was when it was last looked at


def idle_teams() -> int:
    """Threads of this kind alone: those of earlier tests end when they want to."""
    return sum(thread.name == "idle team" for thread in threading.enumerate())


@pytest.mark.usefixtures("two_threads")
def test_they_sleep_while_others_compute_and_not_after_it() -> None:
    chooser = ThreadWaits()
    chooser.choose(0.1)
    assert not asleep(chooser)
    chooser.choose(0.9)
    assert asleep(chooser)
    assert idle_teams() == 1
    chooser.choose(0.2)
    assert asleep(chooser), "not to and fro where it is close"
    chooser.choose(0.1)
    assert not asleep(chooser)
    assert idle_teams() == 0
    chooser.choose(0.9)
    chooser.close()
    assert idle_teams() == 0


@pytest.mark.usefixtures("two_threads")
def test_what_is_set_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    chooser = ThreadWaits()
    chooser.choose(2.0)
    assert not asleep(chooser)


class _Planted(CoreWatch):
    """Says what it was given, and counts how often it was asked."""

    def __init__(self, others: float) -> None:
        self.given, self.asked = others, 0

    def others_since(self) -> float:
        self.asked += 1
        return self.given


@pytest.mark.usefixtures("two_threads")
def test_it_looks_twice_a_second_and_a_long_rest_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    watch = _Planted(1.5)
    chooser = ThreadWaits(watch)
    for _ in range(40):
        clock[0] += 0.01
        chooser.look()
    assert watch.asked == 0
    clock[0] += 60.0
    chooser.look()
    assert watch.asked == 1
    assert not asleep(chooser), "what others did while it rested"
    clock[0] += 0.6
    chooser.look()
    assert asleep(chooser)
    chooser.close()


_TRAINS = """
import hashlib, json, sys, threading
import torch
from nnviz.train.waits import ThreadWaits
torch.set_num_threads(2)
chooser = ThreadWaits()
def digest(sleep):
    if sleep: chooser.choose(9.0)
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(200, 300), torch.nn.ReLU(), torch.nn.Linear(300, 10))
    optimizer = torch.optim.RMSprop(net.parameters())
    for _ in range(20):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(torch.rand(256, 200)), torch.arange(256) % 10).backward()
        optimizer.step()
    slept = chooser.asleep
    chooser.close()
    return slept, hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in net.parameters())).hexdigest()
print(json.dumps([digest(False), digest(True), digest(False)]))
"""


def test_weights_are_the_same_bit_for_bit() -> None:
    names = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_NUM_THREADS", "MKL_NUM_THREADS"}
    variables = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run([sys.executable, "-c", _TRAINS], env=variables, capture_output=True, text=True, check=True)
    spinning, sleeping, again = json.loads(done.stdout)
    if len(os.sched_getaffinity(0)) >= 2:
        assert [spinning[0], sleeping[0], again[0]] == [False, True, False]
    assert spinning[1] == sleeping[1] == again[1]
