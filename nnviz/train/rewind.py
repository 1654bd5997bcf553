"""Checkpoints in memory from which an earlier step can be reached again: dense near the present, sparse far back."""

from __future__ import annotations

from bisect import bisect_right

from nnviz.train.checkpoint import Checkpoint

#: Memory that all checkpoints together may take.
LIMIT = 256 * 2**20
#: And how many there may be: those of a small network are tiny, and its epochs last milliseconds.
MOST = 256


class Rewind:
    """Checkpoints ordered by step, within a bound of memory and of number.

    When it is full, the one goes whose loss hurts least: the gap it leaves is small against its distance from the
    present. The first one stays, so that every step can be reached, however long the way from there may be.
    """

    def __init__(self, limit: int = LIMIT, most: int = MOST) -> None:
        self._limit = limit
        self._most = most
        self._checkpoints: list[Checkpoint] = []
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._checkpoints)

    @property
    def nbytes(self) -> int:
        """Memory in use."""
        return self._bytes

    @property
    def steps(self) -> list[int]:
        """The steps that are kept, ascending."""
        return [checkpoint.progress.step for checkpoint in self._checkpoints]

    def fits(self, nbytes: int) -> bool:
        """Whether checkpoints of this size can be kept at all: going back needs two."""
        return 2 * nbytes <= self._limit

    def add(self, checkpoint: Checkpoint) -> None:
        """Keeps a checkpoint; one of the same step is replaced, and too large a one is not taken."""
        if not self.fits(checkpoint.nbytes):
            return
        index = bisect_right(self.steps, checkpoint.progress.step)
        if index > 0 and self._checkpoints[index - 1].progress.step == checkpoint.progress.step:
            self._bytes -= self._checkpoints.pop(index - 1).nbytes
            index -= 1
        self._checkpoints.insert(index, checkpoint)
        self._bytes += checkpoint.nbytes
        while self._bytes > self._limit or len(self._checkpoints) > self._most:
            self._bytes -= self._checkpoints.pop(self._least_missed()).nbytes

    def before(self, step: int) -> Checkpoint | None:
        """The newest checkpoint that is not behind this step."""
        index = bisect_right(self.steps, step)
        return self._checkpoints[index - 1] if index else None

    def forget_after(self, step: int) -> None:
        """Drops what lies behind a step: training went another way from there."""
        keep = bisect_right(self.steps, step)
        self._bytes -= sum(checkpoint.nbytes for checkpoint in self._checkpoints[keep:])
        del self._checkpoints[keep:]

    def clear(self) -> None:
        """Drops all."""
        self._checkpoints.clear()
        self._bytes = 0

    def _least_missed(self) -> int:
        steps = self.steps
        if len(steps) <= 2:
            return 0
        present = steps[-1]
        return min(
            range(1, len(steps) - 1),
            key=lambda index: (steps[index + 1] - steps[index - 1]) / (present - steps[index]),
        )
