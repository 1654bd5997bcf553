"""How the steps of a training lie in its epochs, also where the batches have other sizes from some epoch on. No torch.

Everybody who asks which epoch a step belongs to, or how many steps an epoch has, asks an :class:`EpochPlan`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple


class StepPlace(NamedTuple):
    """Where a step stands: in which epoch, from 0, and how many batches of it come before."""

    epoch: int
    batch: int


class Piece(NamedTuple):
    """Epochs that follow each other and have batches of one size.

    Attributes:
        first_epoch: From which one on, from 0.
        first_step: The steps before it.
        size: Examples that a step takes.
        bounds: Where the batches of an epoch begin in its order, and where the last one ends.
    """

    first_epoch: int
    first_step: int
    size: int
    bounds: tuple[int, ...]

    @property
    def steps(self) -> int:
        """Of each of its epochs."""
        return len(self.bounds) - 1

    def step_of(self, epoch: int) -> int:
        """With how many steps behind it one of its epochs begins."""
        return self.first_step + (epoch - self.first_epoch) * self.steps


class EpochPlan:
    """The epochs of a training, piece by piece; never changed: other sizes make another plan.

    Args:
        count: Examples an epoch.
        size: Examples that a step takes, from the first epoch on.
        join_single: Where a last batch would hold a single example, that one joins the batch before it.
    """

    def __init__(self, count: int, size: int, *, join_single: bool = False) -> None:
        self._count, self._join_single = count, join_single
        self._pieces: tuple[Piece, ...] = (Piece(0, 0, size, self._bounds(size)),)

    def _bounds(self, size: int) -> tuple[int, ...]:
        bounds = [*range(0, self._count, size), self._count]
        if self._join_single and size > 1 and self._count > 1 and self._count % size == 1:
            del bounds[-2]
        return tuple(bounds)

    def with_size(self, size: int, first_epoch: int) -> EpochPlan:
        """The same up to an epoch, and steps of so many examples from there on, whatever was planned for then."""
        if first_epoch == 0:
            return EpochPlan(self._count, size, join_single=self._join_single)
        pieces = tuple(piece for piece in self._pieces if piece.first_epoch < first_epoch)
        last = pieces[-1]
        if last.size != size:
            pieces += (Piece(first_epoch, last.step_of(first_epoch), size, self._bounds(size)),)
        made = EpochPlan(self._count, pieces[0].size, join_single=self._join_single)
        made._pieces = pieces
        return made

    @classmethod
    def of(cls, count: int, sizes: Iterable[tuple[int, int]], *, join_single: bool = False) -> EpochPlan:
        """From :attr:`sizes`, the first of which is that of epoch 0."""
        (_, size), *later = sizes
        plan = cls(count, size, join_single=join_single)
        for epoch, other in later:
            plan = plan.with_size(other, epoch)
        return plan

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """From which epoch on a step takes how many examples."""
        return tuple((piece.first_epoch, piece.size) for piece in self._pieces)

    @property
    def last_size(self) -> int:
        """Examples that a step takes from the last change on."""
        return self._pieces[-1].size

    def piece_at(self, step: int) -> Piece:
        """The piece that the step behind so many belongs to."""
        if len(self._pieces) == 1:
            return self._pieces[0]
        return self._pieces[bisect_right(self._pieces, step, key=lambda piece: piece.first_step) - 1]

    def piece_of(self, epoch: int) -> Piece:
        """The piece that an epoch belongs to."""
        if len(self._pieces) == 1:
            return self._pieces[0]
        return self._pieces[bisect_right(self._pieces, epoch, key=lambda piece: piece.first_epoch) - 1]

    def at(self, step: int) -> StepPlace:
        """Where the step behind so many stands."""
        piece = self.piece_at(step)
        epochs, batch = divmod(step - piece.first_step, piece.steps)
        return StepPlace(piece.first_epoch + epochs, batch)

    def epochs_at(self, step: int) -> float:
        """How many epochs so many steps are, as a fraction."""
        piece = self.piece_at(step)
        return piece.first_epoch + (step - piece.first_step) / piece.steps

    def step_of(self, epoch: int) -> int:
        """With how many steps behind it an epoch begins."""
        return self.piece_of(epoch).step_of(epoch)

    def examples(self, first: int, last: int) -> int:
        """How many examples the steps have that are behind so many, up to the one before ``last``."""
        begun, ended = self.at(first), self.at(last)
        before = self.piece_of(begun.epoch).bounds[begun.batch]
        return (ended.epoch - begun.epoch) * self._count + self.piece_of(ended.epoch).bounds[ended.batch] - before

    def next_epoch(self, step: int) -> int:
        """The first epoch that begins at this step or behind it."""
        place = self.at(step)
        return place.epoch + (place.batch > 0)
