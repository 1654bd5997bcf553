"""Whether others compute on this machine, looked at before torch is imported."""

from __future__ import annotations

import time

import psutil

#: Seconds over which it is seen.
_LOOK_SECONDS = 0.2


class CoreWatch:
    """Sees, from its making on, how many cores others use: other programs, not this one and its threads.

    Without torch: what it sees decides how torch's threads wait, and that is decided when torch is imported.
    """

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._began = self._times()

    def others(self, seconds: float = _LOOK_SECONDS) -> float:
        """Cores that others used since it was made, on average; waits until so many seconds have passed."""
        time.sleep(max(0.0, self._began[0] + seconds - time.monotonic()))
        (began, all_before, own_before), (now, all_now, own_now) = self._began, self._times()
        passed = max(now - began, 1e-3)
        return max(0.0, ((all_now - all_before) - (own_now - own_before)) / passed)

    def _times(self) -> tuple[float, float, float]:
        """Now, and the seconds of processor time that everybody and that this process have used."""
        times = psutil.cpu_times()
        everybody = sum(getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq"))
        own = self._process.cpu_times()
        return time.monotonic(), everybody, own.user + own.system
