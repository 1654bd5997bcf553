"""Keeps what measuring costs within a share of the training time.

Every second of training earns ``share`` seconds of measuring. Each probe has an account that gets its weighted part
of the earnings and holds at most two of its own measurements; what does not fit goes into a common pool from which any
probe may draw. So a costly probe saves up until it can pay (it becomes rarer, never dropped), a cheap one is never
starved by it, and what one does not need another may use. Costs are learned from each measurement.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from nnviz.probes.base import Probe

#: Weight of the newest measurement in the average cost of a probe.
_NEWEST = 0.3
#: A measurement that takes so many times what it took before was held up by something else: the window that had the
#: interpreter, a machine with other things to do. No more than that is charged, or a probe would wait long for one
#: hiccup; one that has become as costly as that is known after a few measurements.
_HICCUP = 5.0
#: An account holds this many measurements.
_ACCOUNT_HOLDS = 2.0


@dataclass(slots=True)
class _Account:
    """What is known of one probe. ``recent`` is what it took lately, fading with the window."""

    weight: float
    balance: float = 0.0
    estimate: float = 0.0
    measured: int = 0
    last_started: float = -math.inf
    recent: float = 0.0

    def learn(self, seconds: float) -> None:
        # The very first measurement pays for warming up (allocations, kernels); it should not weigh on the average.
        self.estimate = seconds if self.measured < 2 else (1 - _NEWEST) * self.estimate + _NEWEST * seconds
        self.measured += 1


class Budget:
    """Decides which probe may measure now. Used by one thread, the owner of the network.

    Args:
        share: Seconds of measuring for a second of training, such as 0.10; 0 allows only the essential probes and
            what is forced.
        window: Seconds of training over which the share is reckoned: the most that can be saved up, and how far back
            ``cost`` looks.
        advance: Seconds of training whose earnings are there at the beginning: first measurements warm up, and what
            they took must not keep a cheap probe waiting.
    """

    def __init__(self, share: float = 0.10, window: float = 10.0, advance: float = 0.0) -> None:
        if not 0 <= share <= 10 or not window > 0:
            raise ValueError(f"share {share!r} must be from 0 to 10 and window {window!r} above 0")
        self.share = share
        self.window = window
        self._accounts: dict[str, _Account] = {}
        self._pool = share * min(advance, window)
        self._recent_training = 0.0

    def due(self, probe: Probe, now: float) -> bool:
        """Whether this probe is to measure now; a yes counts as the start of its measurement.

        Args:
            probe: Who asks.
            now: Seconds on any clock that always goes forwards.
        """
        account = self._account(probe)
        if probe.essential:
            account.last_started = now
            return True
        if not probe.busy and now - account.last_started < probe.wanted_interval:
            return False
        if self.share > 0 and now - account.last_started > probe.promised_interval:
            account.last_started = now
            return True
        if account.recent > probe.at_most * self._recent_training:
            return False
        available = account.balance + max(self._pool, 0.0)
        # One that costs more than can ever be saved up goes into debt, once the savings are full.
        needed = min(account.estimate, self.share * self.window)
        if self.share <= 0 or available <= 0 or available < needed:
            return False
        if not probe.busy:
            account.last_started = now
        return True

    def spent(self, probe: Probe, seconds: float, forced: bool = False) -> None:
        """A measurement took this long. One that was forced (step 0, paused, single step) is not charged."""
        account = self._account(probe)
        seconds = max(seconds, 0.0)
        if account.measured >= 2 and account.estimate > 0:
            seconds = min(seconds, _HICCUP * account.estimate)
        if not (forced and probe.part_seconds):  # the whole says nothing of what a part will take
            account.learn(seconds)
        if forced:
            return
        account.recent += seconds
        account.balance -= seconds
        if account.balance < 0:
            # The rest comes out of the pool as far as it goes. What is essential is measured in any case, so the pool
            # owes for it, and everybody pays that back.
            drawn = -account.balance if probe.essential else min(-account.balance, max(self._pool, 0.0))
            account.balance += drawn
            self._pool -= drawn

    def trained(self, seconds: float) -> None:
        """Training went on for this long (measuring not included)."""
        seconds = max(seconds, 0.0)
        fade = math.exp(-seconds / self.window)
        self._recent_training = self._recent_training * fade + seconds
        total_weight = sum(account.weight for account in self._accounts.values())
        earned = self.share * seconds
        repaid = min(earned, max(-self._pool, 0.0))
        self._pool += repaid
        earned -= repaid
        for account in self._accounts.values():
            account.recent *= fade
            account.balance += earned * account.weight / total_weight
            most = min(_ACCOUNT_HOLDS * account.estimate, self.share * self.window)
            if account.balance > most:
                self._pool += account.balance - most
                account.balance = most
        if not self._accounts:
            self._pool += earned
        self._pool = min(self._pool, self.share * self.window)

    @property
    def seconds(self) -> float:
        """Seconds of training over which ``cost`` is reckoned."""
        return self._recent_training

    @property
    def cost(self) -> float:
        """Seconds of measuring for a second of training, lately."""
        return sum(self.costs().values())

    def costs(self) -> Mapping[str, float]:
        """Seconds of measuring for a second of training, for each probe by its name."""
        if self._recent_training <= 0:
            return dict.fromkeys(self._accounts, 0.0)
        return {name: account.recent / self._recent_training for name, account in self._accounts.items()}

    def estimate(self, probe: Probe) -> float:
        """Seconds that a measurement of this probe (or a part of one) takes, as far as is known; 0 before the first."""
        return self._account(probe).estimate

    def _account(self, probe: Probe) -> _Account:
        account = self._accounts.get(probe.name)
        if account is None:
            account = self._accounts[probe.name] = _Account(probe.weight, estimate=probe.part_seconds)
        return account
