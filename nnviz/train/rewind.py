"""Checkpoints in memory from which an earlier step can be reached again: dense near the present, sparse far back."""

from __future__ import annotations

from bisect import bisect_right

from nnviz.train.checkpoint import Checkpoint, size_of

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
        self._sizes: list[tuple[int, int]] = []  # of each: what is its own, and its best weights

    def __len__(self) -> int:
        return len(self._checkpoints)

    @property
    def nbytes(self) -> int:
        """Memory in use. Best weights are shared by the checkpoints of an epoch, and count once."""
        best = {id(kept.best): size for kept, (_, size) in zip(self._checkpoints, self._sizes, strict=True)}
        return sum(own for own, _ in self._sizes) + sum(best.values())

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
            self._drop(index - 1)
            index -= 1
        self._checkpoints.insert(index, checkpoint)
        self._sizes.insert(index, (checkpoint.nbytes, size_of(checkpoint.best or {})))
        while len(self._checkpoints) > 1 and (self.nbytes > self._limit or len(self._checkpoints) > self._most):
            self._drop(self._least_missed())

    def before(self, step: int) -> Checkpoint | None:
        """The newest checkpoint that is not behind this step."""
        index = bisect_right(self.steps, step)
        return self._checkpoints[index - 1] if index else None

    def forget_after(self, step: int) -> None:
        """Drops what lies behind a step: training went another way from there."""
        keep = bisect_right(self.steps, step)
        del self._checkpoints[keep:], self._sizes[keep:]

    def clear(self) -> None:
        """Drops all."""
        self._checkpoints.clear()
        self._sizes.clear()

    def _drop(self, index: int) -> None:
        del self._checkpoints[index], self._sizes[index]

    def _least_missed(self) -> int:
        steps = self.steps
        if len(steps) <= 2:
            return 0
        present = steps[-1]
        return min(
            range(1, len(steps) - 1),
            key=lambda index: (steps[index + 1] - steps[index - 1]) / (present - steps[index]),
        )
