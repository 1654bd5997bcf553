"""How torch's threads wait for each other while a training runs: they spin while cores are idle, else they sleep.

A step of a small network is hundreds of such waits. Spinning, they are short; but beside a busy program each lasts a
time slice. Torch's threads are those of GNU's OpenMP on Linux, whose settings are read once, when torch is imported.
One thing it looks at in each wait, though: where there are more threads in its teams than cores, they sleep at once. So
threads that do nothing but belong to a team make the others sleep, for as long as they live.

The number of threads that compute is the same either way, and so is every sum.
"""

from __future__ import annotations

import math
import sys
import threading
import time

import torch

from nnviz.train import waiting_is_set
from nnviz.train.cores import SHARED, CoreWatch, usable_cores

#: Seconds between two looks at what others do.
_LOOK_EVERY = 0.5
#: After a longer rest than this, what was used in it says nothing about now.
_TOO_LONG = 4 * _LOOK_EVERY
#: Cores that are too few for all, up to which threads wake again; between this and SHARED they stay as they are.
_FREE = 0.15
#: More idle teams than this are not made: so many are needed only where there are many more cores than threads.
_MOST_TEAMS = 8
#: Elements of a sum that torch shares among all its threads.
_SHARED_SUM = 2**15


class ThreadWaits:
    """Chooses how torch's threads wait, again and again; for the thread that trains.

    Where threads sleep anyway, because somebody has set it or because there is only one, nothing is done.

    Args:
        watch: Sees what others do; None looks at this machine.
    """

    def __init__(self, watch: CoreWatch | None = None) -> None:
        self._watch = CoreWatch() if watch is None else watch
        self._looked = time.monotonic()
        self._idle: list[_IdleTeam] = []

    @property
    def asleep(self) -> bool:
        """Whether threads are made to sleep now."""
        return bool(self._idle)

    def look(self) -> None:
        """Look whether others compute, if it is time to, and choose; between two batches."""
        now = time.monotonic()
        if now - self._looked < _LOOK_EVERY:
            return
        rested = now - self._looked > _TOO_LONG
        self._looked = now
        others = self._watch.others_since()
        if not rested:
            self.choose(others)

    def choose(self, others: float) -> None:
        """Choose by the cores that others use.

        Args:
            others: Cores, on average.
        """
        threads, cores = torch.get_num_threads(), usable_cores()
        needed = teams_needed(threads, cores) if sys.platform == "linux" and not waiting_is_set() else 0
        if not 0 < needed <= _MOST_TEAMS:
            self.close()
            return
        lacking = others + threads - cores
        if lacking >= SHARED and not self._idle:
            self._idle = [_IdleTeam() for _ in range(needed)]
        elif lacking <= _FREE:
            self.close()

    def close(self) -> None:
        """Let threads wait as they do by themselves."""
        for team in self._idle:
            team.close()
        self._idle = []


class _IdleTeam:
    """A thread that has made a team of threads, and waits."""

    def __init__(self) -> None:
        self._end = threading.Event()
        ready = threading.Event()

        def live() -> None:
            try:
                torch.ones(torch.get_num_threads() * _SHARED_SUM).add_(1)
            finally:
                ready.set()
            self._end.wait()

        self._thread = threading.Thread(target=live, name="idle team", daemon=True)
        self._thread.start()
        ready.wait()

    def close(self) -> None:
        self._end.set()
        self._thread.join()


def teams_needed(threads: int, cores: int) -> int:
    """Idle teams until OpenMP counts more threads than cores.

    Args:
        threads: Of each team, the one that waits for the others included.
        cores: That this process may run on.

    Returns:
        How many; 0 where one thread has nobody to wait for, or where there are more threads than cores already.
    """
    if threads < 2 or threads > cores:
        return 0
    return max(0, math.ceil((cores + 1 - threads) / (threads - 1)))


__all__ = ["ThreadWaits", "teams_needed"]
