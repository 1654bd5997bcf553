"""What waits to be written into a run's file, coalesced, so that waiting costs little memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nnviz.record.readings import ArrayReading, Finding, Histogram, Reading, Scalar
from nnviz.record.series import Snapshots, size_of, thin_to

#: Bytes of arrays that may wait, and snapshots of one series; beyond, they are thinned evenly, never the newest.
ARRAYS_WAITING = 64 * 2**20
SNAPSHOTS_WAITING = 256


@dataclass(slots=True)
class Points:
    """Points of one curve that wait to be written, 16 bytes each."""

    steps: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))

    def add(self, step: int, value: float) -> None:
        """Add one; the same step or an earlier one takes the place of what is there."""
        self.cut(step - 1)
        self.steps.append(step)
        self.values.append(value)

    def cut(self, step: int) -> None:
        """Drop what lies behind a step."""
        while self.steps and self.steps[-1] > step:
            self.steps.pop()
            self.values.pop()

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Steps and values of the points as two arrays."""
        return np.array(self.steps, np.int64), np.array(self.values, np.float64)


@dataclass(slots=True)
class PendingCheckpoint:
    """A checkpoint on its way; a later one with the same tag replaces it."""

    step: int
    epoch: int
    tag: str
    created: float
    blobs: Mapping[str, bytes]


@dataclass(slots=True)
class Pending:
    """Everything that waits. Not thread-safe: its owner has a lock.

    Attributes:
        rewound_to: Before anything of this is written, what the file holds behind this step is to be dropped.
    """

    points: dict[str, Points] = field(default_factory=dict)
    snapshots: dict[str, Snapshots[ArrayReading | Histogram]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    checkpoints: list[PendingCheckpoint] = field(default_factory=list)
    rewound_to: int | None = None

    def __bool__(self) -> bool:
        return bool(self.points or self.snapshots or self.findings or self.checkpoints or self.rewound_to is not None)

    @property
    def snapshot_bytes(self) -> int:
        """Bytes of all arrays together."""
        return sum(waiting.nbytes for waiting in self.snapshots.values())

    @property
    def point_count(self) -> int:
        """Points of all curves together."""
        return sum(len(points.steps) for points in self.points.values())

    @property
    def nbytes(self) -> int:
        """Bytes of everything, about."""
        blobs = sum(len(blob) for checkpoint in self.checkpoints for blob in checkpoint.blobs.values())
        return self.snapshot_bytes + 16 * self.point_count + blobs

    def add(self, readings: Iterable[Reading]) -> None:
        """Sort readings in."""
        grown = False
        for reading in readings:
            if isinstance(reading, Scalar):
                points = self.points.get(reading.series)
                if points is None:
                    points = self.points[reading.series] = Points()
                points.add(reading.step, reading.value)
            elif isinstance(reading, Finding):
                self.findings.append(reading)
            else:
                waiting = self.snapshots.get(reading.series)
                if waiting is None:
                    waiting = self.snapshots[reading.series] = Snapshots(SNAPSHOTS_WAITING)
                waiting.add(reading.step, reading, size_of(reading))
                grown = True
        if grown:
            thin_to(ARRAYS_WAITING, self.snapshots.values())

    def add_checkpoint(self, checkpoint: PendingCheckpoint) -> None:
        """Put a checkpoint in the queue."""
        if checkpoint.tag:
            self.checkpoints = [other for other in self.checkpoints if other.tag != checkpoint.tag]
        self.checkpoints.append(checkpoint)

    def rewind(self, step: int) -> None:
        """Drop what lies behind a step, here and later in the file."""
        for points in self.points.values():
            points.cut(step)
        self.points = {name: points for name, points in self.points.items() if points.steps}
        for waiting in self.snapshots.values():
            waiting.cut(step)
        self.snapshots = {name: waiting for name, waiting in self.snapshots.items() if len(waiting)}
        self.findings = [finding for finding in self.findings if finding.step <= step]
        self.checkpoints = [checkpoint for checkpoint in self.checkpoints if checkpoint.step <= step]
        self.rewound_to = step if self.rewound_to is None else min(self.rewound_to, step)

    def follow_with(self, later: Pending) -> None:
        """Put what came later behind this; ``later`` is used up."""
        if later.rewound_to is not None:
            self.rewind(later.rewound_to)
        for name, points in later.points.items():
            mine = self.points.setdefault(name, points)
            if mine is not points:
                if points.steps:
                    mine.cut(points.steps[0] - 1)
                mine.steps.extend(points.steps)
                mine.values.extend(points.values)
        self.add(reading for waiting in later.snapshots.values() for reading in waiting.items)
        self.findings += later.findings
        for checkpoint in later.checkpoints:
            self.add_checkpoint(checkpoint)

    def take_snapshots(self, most_bytes: float) -> dict[str, Snapshots[ArrayReading | Histogram]]:
        """Take out series, the smallest first, until they come to so many bytes (at least one, if any).

        What is too much is thinned, the largest first; the newest of each that is taken stays.
        """
        taken: dict[str, Snapshots[ArrayReading | Histogram]] = {}
        total = 0
        for name in sorted(self.snapshots, key=lambda name: self.snapshots[name].nbytes):
            if taken and total >= most_bytes:
                break
            taken[name] = self.snapshots.pop(name)
            total += taken[name].nbytes
        thin_to(round(most_bytes), taken.values())
        return taken
