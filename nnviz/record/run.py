"""Everything a session produced, in memory: written by one thread, read by any."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from nnviz.limits import MOST_EPOCHS
from nnviz.record.quantities import CHANGE, EPOCHS_PLANNED
from nnviz.record.readings import ArrayReading, Finding, Histogram, Reading, Scalar
from nnviz.record.series import SCALAR_LIMIT, ScalarSeries, Snapshots, size_of, thin_to

#: Bytes that all arrays and histograms of a run may take in memory.
MEMORY_LIMIT = 256 * 2**20
#: Findings of one series that are remembered.
FINDINGS_LIMIT = 256
#: The fact of a run that began with trained weights: what these were of.
WARM_FROM = "warm_from"
_SEVERITY_ORDER = {"error": 0, "warning": 1, "information": 2}


class RunInfo(msgspec.Struct, frozen=True):
    """What a run is a run of.

    Attributes:
        project_json: The project as its file would hold it.
        created: Seconds since 1970, UTC.
        nnviz_version: Program that made it.
        seed: Of the training.
        device: Where it was trained, such as ``cpu`` or ``cuda:0``.
        title: Name of the project.
        facts: Further plain facts, such as the processor or the sizes of the splits.
    """

    project_json: bytes = b""
    created: float = msgspec.field(default_factory=time.time)
    nnviz_version: str = ""
    seed: int = 0
    device: str = ""
    title: str = ""
    facts: Mapping[str, str] = msgspec.field(default_factory=dict)


class Changes(msgspec.Struct, frozen=True):
    """What is new: hand ``cursor`` in next time. ``series`` names every series that changed since the last one."""

    cursor: int
    series: frozenset[str]


class RunView(Protocol):
    """The reading half of a run: a live one, one from a file, one that is still growing. Any thread may read."""

    @property
    def info(self) -> RunInfo:
        """What it is a run of."""

    @property
    def state(self) -> str:
        """State of the session behind it, such as ``running``, ``paused``, ``done``."""

    @property
    def finished(self) -> bool:
        """Whether nothing more will come."""

    @property
    def growing(self) -> bool:
        """Whether somebody writes it. What was not brought to its end need not grow: its program may have died."""

    @property
    def last_step(self) -> int:
        """The highest step of any reading; -1 before the first."""

    @property
    def damaged(self) -> Mapping[str, str]:
        """Series of a file that turned out to be damaged when they were read, and why; they are empty."""

    def read_since(self, cursor: int) -> Changes:
        """Which series changed since the cursor; begin with 0."""

    def names(self, prefix: str = "") -> list[str]:
        """Names of the series that begin so, in the order in which they appeared."""

    def scalars(self, series: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Steps and values of a scalar series, ascending; empty where there is none. Not copied, not writable."""

    def latest(self, series: str, step: int | None = None) -> Reading | None:
        """The newest reading of a series, or the newest that is not behind the step."""

    def at(self, step: int) -> Mapping[str, Reading]:
        """What every series showed at a step: its newest reading that is not behind it."""

    def findings(self, step: int | None = None) -> tuple[Finding, ...]:
        """What holds (or held at that step), the worst first; what was resolved is left out."""

    def events(self) -> tuple[Finding, ...]:
        """What was changed by hand while it trained, all of it, the earliest first: each at the step before it held."""


class Sink(Protocol):
    """Takes a copy of everything that is put into a run; must return at once."""

    def append(self, readings: Iterable[Reading]) -> None:
        """Samples were added."""

    def rewind(self, step: int) -> None:
        """Everything behind this step was dropped."""


class Run:
    """A run in memory, bounded: curves keep their peaks, arrays are thinned evenly, the newest is always there.

    Every method may be called from any thread; the lock is held for microseconds.

    Attributes:
        state: State of the session behind it; whoever owns the session sets it.
        finished: Whether nothing more will come.
        states_held: Step and tag of the states of the training that its file held when it was read to be gone on with.
    """

    def __init__(
        self, info: RunInfo | None = None, *, scalar_limit: int = SCALAR_LIMIT, memory_limit: int = MEMORY_LIMIT
    ) -> None:
        self._info = info or RunInfo()
        self._scalar_limit = scalar_limit
        self._memory_limit = memory_limit
        self._lock = Lock()
        self._scalars: dict[str, ScalarSeries] = {}
        self._snapshots: dict[str, Snapshots[Reading]] = {}
        self._findings: dict[str, list[Finding]] = {}
        self._changed: dict[str, int] = {}  # series -> counter of its last change, in the order of appearance
        self._counter = 0
        self._last_step = -1
        self._sinks: list[Sink] = []
        self.state = "idle"
        self.finished = False
        self.states_held: tuple[tuple[int, str], ...] = ()

    @property
    def info(self) -> RunInfo:
        """What it is a run of."""
        return self._info

    def tell_device(self, name: str) -> None:
        """Say where it is trained, once that is known: of a project that leaves the choice to the program."""
        self._info = msgspec.structs.replace(self._info, device=name)

    @property
    def growing(self) -> bool:
        """Whether more will come: what is in memory has its writer."""
        return not self.finished

    @property
    def last_step(self) -> int:
        """The highest step of any reading; -1 before the first."""
        return self._last_step

    @property
    def damaged(self) -> Mapping[str, str]:
        """Nothing: what is in memory is whole."""
        return {}

    @property
    def nbytes(self) -> int:
        """Memory that the readings take."""
        with self._lock:
            return sum(s.nbytes for s in self._scalars.values()) + sum(s.nbytes for s in self._snapshots.values())

    def append(self, readings: Iterable[Reading]) -> None:
        """Add readings. In one series a reading of the same step replaces it; an earlier step drops what followed."""
        readings = list(readings)
        if not readings:
            return
        with self._lock:
            self._counter += 1
            grown = False
            for reading in readings:
                grown = self._add(reading) or grown
                self._changed[reading.series] = self._counter
                self._last_step = max(self._last_step, reading.step)
            if grown:
                thin_to(self._memory_limit, self._snapshots.values())
            for sink in self._sinks:
                sink.append(readings)

    def rewind(self, step: int) -> None:
        """Training goes on from an earlier step: drop everything behind it."""
        with self._lock:
            self._counter += 1
            for name, series in self._scalars.items():
                if series.last_step > step:
                    series.cut(step)
                    self._changed[name] = self._counter
            for name, snapshots in self._snapshots.items():
                if snapshots.cut(step):
                    self._changed[name] = self._counter
            for name, findings in self._findings.items():
                keep = _index_at(findings, step) + 1
                if keep < len(findings):
                    del findings[keep:]
                    self._changed[name] = self._counter
            self._last_step = min(self._last_step, step)
            for sink in self._sinks:
                sink.rewind(step)

    def attach(self, sink: Sink, *, with_past: bool = True) -> None:
        """Hand everything that comes to a sink as well; it is given first what is here already, if it wants."""
        with self._lock:
            self._sinks.append(sink)
            if not with_past:
                return
            for name, series in self._scalars.items():
                steps, values = series.view()
                sink.append([Scalar(name, int(s), float(v)) for s, v in zip(steps, values, strict=True)])
            for snapshots in self._snapshots.values():
                sink.append(snapshots.items)
            for findings in self._findings.values():
                sink.append(list(findings))

    def detach(self, sink: Sink) -> None:
        """Stop handing things to a sink."""
        with self._lock:
            if sink in self._sinks:
                self._sinks.remove(sink)

    @property
    def thinned(self) -> bool:
        """Whether a curve was too long to be held with all its points."""
        with self._lock:
            return any(series.thinned for series in self._scalars.values())

    def readings(self, series: str) -> list[Reading]:
        """All that is held of a series, oldest first."""
        with self._lock:
            curve = self._scalars.get(series)
            if curve is None:
                snapshots = self._snapshots.get(series)
                return list(self._findings.get(series, ()) if snapshots is None else snapshots.items)
            steps, values = curve.view()
        # Without the lock: whoever trains waits for it.
        return [Scalar(series, int(step), float(value)) for step, value in zip(steps, values, strict=True)]

    def read_since(self, cursor: int) -> Changes:
        """Which series changed since the cursor; begin with 0."""
        with self._lock:
            if cursor == self._counter:
                return Changes(cursor, frozenset())
            return Changes(self._counter, frozenset(name for name, at in self._changed.items() if at > cursor))

    def names(self, prefix: str = "") -> list[str]:
        """Names of the series that begin so, in the order in which they appeared."""
        with self._lock:
            return [name for name in self._changed if name.startswith(prefix)]

    def scalars(self, series: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Steps and values of a scalar series; over 131,072 points they are thinned, keeping least and greatest."""
        with self._lock:
            found = self._scalars.get(series)
            return found.view() if found is not None else (np.empty(0, np.int64), np.empty(0, np.float64))

    def latest(self, series: str, step: int | None = None) -> Reading | None:
        """The newest reading of a series, or the newest that is not behind the step."""
        with self._lock:
            return self._latest(series, step)

    def at(self, step: int) -> Mapping[str, Reading]:
        """The newest reading of every series at or before a step."""
        with self._lock:
            found = ((name, self._latest(name, step)) for name in self._changed)
            return {name: reading for name, reading in found if reading is not None}

    def findings(self, step: int | None = None) -> tuple[Finding, ...]:
        """What holds (or held at that step), the worst first; what was resolved is left out."""
        with self._lock:
            found = [(findings, _index_at(findings, step)) for findings in self._findings.values()]
            newest = [findings[index] for findings, index in found if index >= 0]
        return sorted_findings(newest)

    def events(self) -> tuple[Finding, ...]:
        """What was changed by hand while it trained, all of it, the earliest first: each at the step before it held."""
        with self._lock:
            return sorted_events(found for name, found in self._findings.items() if CHANGE.owns(name))

    def _add(self, reading: Reading) -> bool:
        """Put one reading where it belongs; true if it takes memory worth counting."""
        if isinstance(reading, Scalar):
            series = self._scalars.get(reading.series)
            if series is None:
                series = self._scalars[reading.series] = ScalarSeries(self._scalar_limit)
            series.append(reading.step, reading.value)
            return False
        if isinstance(reading, Finding):
            findings = self._findings.setdefault(reading.series, [])
            while findings and findings[-1].step >= reading.step:
                findings.pop()
            findings.append(reading)
            del findings[: max(len(findings) - FINDINGS_LIMIT, 0)]
            return False
        snapshots = self._snapshots.get(reading.series)
        if snapshots is None:
            snapshots = self._snapshots[reading.series] = Snapshots()
        snapshots.add(reading.step, reading, size_of(reading))
        return True

    def _latest(self, name: str, step: int | None) -> Reading | None:
        series = self._scalars.get(name)
        if series is not None:
            index = series.index_at(step)
            return Scalar(name, *series.point(index)) if index >= 0 else None
        snapshots = self._snapshots.get(name)
        if snapshots is not None:
            return snapshots.at(step)
        findings = self._findings.get(name, [])
        index = _index_at(findings, step)
        return findings[index] if index >= 0 else None


def _index_at(findings: list[Finding], step: int | None) -> int:
    if step is None:
        return len(findings) - 1
    return bisect_right(findings, step, key=lambda finding: finding.step) - 1


def planned_epochs(run: RunView) -> int:
    """To how many epochs it was to be trained when it was last told; 0 where that is not said, as in older files."""
    told = run.latest(EPOCHS_PLANNED.series())
    return goal_of(told.value) if isinstance(told, Scalar) else 0


def goal_of(value: float) -> int:
    """A number of epochs that a file, which may say anything, says a training was told; 0 where none may be."""
    return int(value) if 1.0 <= value <= MOST_EPOCHS else 0


def sorted_findings(newest: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that hold, the worst first, then the newest first; what was changed by hand is no finding."""
    holding = [one for one in newest if one.severity in _SEVERITY_ORDER and not CHANGE.owns(one.series)]
    return tuple(sorted(holding, key=lambda finding: (_SEVERITY_ORDER[finding.severity], -finding.step)))


def sorted_events(series: Iterable[Iterable[Finding]]) -> tuple[Finding, ...]:
    """Those that hold, the earliest first; those of one step by the names of their series."""
    holding = (one for each in series for one in each if one.severity in _SEVERITY_ORDER)
    return tuple(sorted(holding, key=lambda one: (one.step, one.series)))


__all__ = [
    "WARM_FROM",
    "ArrayReading",
    "Changes",
    "Histogram",
    "Run",
    "RunInfo",
    "RunView",
    "Sink",
    "goal_of",
    "planned_epochs",
    "sorted_events",
    "sorted_findings",
]
