"""One printed row a figure, and the medians behind them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """How to measure: fewer rounds when ``quick``; where data sets are."""

    quick: bool
    data_dir: Path | None

    def rounds(self, full: int) -> int:
        """Number of rounds."""
        return max(3, full // 3) if self.quick else full


@dataclass(frozen=True)
class Row:
    """A figure beside its limit or peer.

    Attributes:
        what: What was measured, and on what.
        figure: The figure with its unit and spread.
        beside: The limit, or the peer's figure.
        holds: Whether the limit is held; None where there is none.
    """

    what: str
    figure: str
    beside: str
    holds: bool | None = None

    def print(self) -> None:
        """One line."""
        mark = {True: "holds ", False: "MISSED", None: "      "}[self.holds]
        print(f"{mark}  {self.what:<58} {self.figure:<40} {self.beside}", flush=True)


def seconds(work: Callable[[], object], rounds: int, warm_up: int = 1) -> list[float]:
    """Wall-clock seconds of each round, after a warm-up."""
    for _ in range(warm_up):
        work()
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return taken


def in_turn(works: Sequence[Callable[[], object]], rounds: int, warm_up: int = 1) -> list[list[float]]:
    """Seconds of each work, measured in turn A B C A B C …, so that a drifting machine meets all of them alike."""
    for _ in range(warm_up):
        for work in works:
            work()
    taken: list[list[float]] = [[] for _ in works]
    for index in range(rounds):
        # Turn the order round every time: whoever runs second finds warmer caches.
        order = range(len(works)) if index % 2 == 0 else range(len(works) - 1, -1, -1)
        for which in order:
            began = time.perf_counter()
            works[which]()
            taken[which].append(time.perf_counter() - began)
    return taken


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """(smallest, median, largest) ratio, pair by pair."""
    pairs = ratios_of(ours, theirs)
    return min(pairs), statistics.median(pairs), max(pairs)


def ratios_of(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Each of ours by the one of theirs that was measured beside it."""
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def milliseconds(values: Sequence[float]) -> str:
    """Median and range of seconds, as milliseconds."""
    middle = statistics.median(values) * 1000
    return f"{middle:.2f} ms ({min(values) * 1000:.2f}–{max(values) * 1000:.2f})"
