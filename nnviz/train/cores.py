"""Which cores there are for this process, and whether others compute on them. Without torch."""

from __future__ import annotations

import math
import os
import time
from functools import cache
from pathlib import Path

import psutil

#: Cores that are too few for all, from which on the machine counts as shared.
SHARED = 0.3
#: Seconds over which it is seen.
_LOOK_SECONDS = 0.2


class CoreWatch:
    """Sees, from its making on, how many cores others use: other programs, not this one and its threads.

    What it sees decides how torch's threads wait.
    """

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._began = self._times()

    def others(self, seconds: float = _LOOK_SECONDS) -> float:
        """Cores that others used since it was made, on average; waits until so many seconds have passed."""
        time.sleep(max(0.0, self._began[0] + seconds - time.monotonic()))
        return self._used(self._times())

    def others_since(self) -> float:
        """Cores that others used since the last look, on average; waits for nothing."""
        times = self._times()
        used = self._used(times)
        self._began = times
        return used

    def _used(self, times: tuple[float, float, float]) -> float:
        (began, all_before, own_before), (now, all_now, own_now) = self._began, times
        passed = max(now - began, 1e-3)
        return max(0.0, ((all_now - all_before) - (own_now - own_before)) / passed)

    def _times(self) -> tuple[float, float, float]:
        """Now, and the seconds of processor time that everybody and that this process have used.

        What the host of a virtual machine takes is as good as used.
        """
        times = psutil.cpu_times()
        everybody = sum(getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq", "steal"))
        own = self._process.cpu_times()
        return time.monotonic(), everybody, own.user + own.system


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def granted_cores() -> int:
    """Cores that this process may use: those it may run on, and the quota of its control group."""
    cores = usable_cores()
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        cores = min(cores, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):
        pass  # No control groups here, or "max": no quota.
    return max(1, cores)
