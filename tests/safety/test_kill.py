"""A program that is killed at any moment loses two seconds of work at most, and never what was saved."""

from __future__ import annotations

import itertools
import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.context import BaseContext
from pathlib import Path

import forked
import killed
import pytest
from waiting import wait_for

from nnviz.project.files import io
from nnviz.project.safety import recovery

_log = logging.getLogger(__name__)
#: Seconds of work that may be lost.
MOST_LOST = 2.0
ROUNDS = 80
WINDOW_ROUNDS = 5
AT_ONCE = 8
#: The longest that a killed program lives, and how often one lives that long: long enough for what is lost to matter.
LONG, SHORT, LONG_SHARE = 3.5, 0.6, 0.2


@dataclass
class Log:
    """What a killed program said it did."""

    times: list[float] = field(default_factory=list)
    #: The numbers of the edits after which the project had this hash.
    numbers: dict[str, int] = field(default_factory=dict)
    #: Hashes whose saving was begun, in order, and how many of them were completed.
    begun: list[str] = field(default_factory=list)
    completed: int = 0

    @classmethod
    def of(cls, path: Path) -> Log:
        log = cls()
        lines = path.read_text().splitlines() if path.exists() else []
        for word, *rest in (line.split() for line in lines):
            if word == "edit":
                log.times.append(float(rest[1]))
                log.numbers[rest[2]] = int(rest[0])
            elif word == "saving":
                log.begun.append(rest[1])
            else:
                log.completed = len(log.begun)
        return log

    @property
    def longest_gap(self) -> float:
        """How long the machine did not let the program work: that much later it may have written as well."""
        return max((after - before for before, after in itertools.pairwise(self.times)), default=0.0)


def kill_at_random(
    context: BaseContext, target: Callable[[str, int], None], folder: Path, seed: int, long_share: float
) -> Log:
    """Start the program, wait for its first edit, kill it at a random moment after that."""
    folder.mkdir(parents=True)
    chance = random.Random(seed)
    life = chance.uniform(0, LONG if chance.random() < long_share else SHORT)
    process = context.Process(target=target, args=(str(folder), seed), daemon=True)
    process.start()
    log = folder / killed.LOG

    def begun() -> bool:
        assert process.is_alive(), f"round {seed} did not begin"
        return log.exists() and log.stat().st_size > 0

    wait_for(begun, 120)
    time.sleep(life)
    assert process.is_alive(), f"round {seed} ended by itself"
    process.kill()
    process.join()
    return Log.of(folder / killed.LOG)


def check(folder: Path, state: Path, log: Log, seed: int) -> tuple[bool, float]:
    """The saved file and the kept work are whole, and new enough; whether there was kept work, and what was lost."""
    newest = -1
    saved = folder / killed.FILE
    if log.completed:
        assert saved.exists(), f"round {seed}: the saved file is gone"
    if saved.exists():
        found = killed.hash_of(io.load(saved))
        possible = log.begun[max(0, log.completed - 1) :]
        assert found in possible, f"round {seed}: the file holds neither the last saved state nor the one in progress"
        newest = log.numbers.get(found, -1)
    left = recovery.find(state)
    assert not left.damaged, f"round {seed}: {left.damaged}"
    assert len(left.work) <= 1
    for work in left.work:
        newest = max(newest, log.numbers.get(killed.hash_of(work.work.project), -1))
        assert work.work.path in {None, saved}
        work.put_back()
    # What is newer than the newest state found was lost, from the first edit after it on.
    lost = log.times[newest + 1 :]
    age = lost[-1] - lost[0] if lost else 0.0
    assert age <= MOST_LOST + log.longest_gap, f"round {seed}: {age:.2f} s of work were lost"
    return bool(left.work), age


def rounds(
    tmp_path: Path,
    target: Callable[[str, int], None],
    number: int,
    at_once: int,
    state: str = killed.STATE,
    long_share: float = LONG_SHARE,
) -> None:
    context = forked.context()

    def one(seed: int) -> tuple[bool, float]:
        folder = tmp_path / f"round{seed}"
        log = kill_at_random(context, target, folder, seed, long_share)
        return check(folder, folder / state, log, seed)

    with ThreadPoolExecutor(at_once) as pool:
        results = list(pool.map(one, range(number)))
    kept, lost = sum(kept for kept, _ in results), [age for _, age in results]
    _log.info("%d kills: work was left %d times, at most %.2f s of it were lost", number, kept, max(lost))
    assert kept, "no round came as far as to keep work"


@pytest.mark.timeout(600)
def test_80_kills_lose_two_seconds_at_most_and_no_saved_file(tmp_path: Path) -> None:
    rounds(tmp_path, killed.without_window, ROUNDS, AT_ONCE)


@pytest.mark.timeout(600)
def test_kills_of_the_real_window(tmp_path: Path) -> None:
    rounds(tmp_path, killed.with_window, WINDOW_ROUNDS, 2, f"{killed.STATE}/nnviz", long_share=1.0)
