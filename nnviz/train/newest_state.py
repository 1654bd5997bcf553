"""The state from which the run in a file is gone on with, or looked at: the newest that is whole. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nnviz.errors import DamagedRun
from nnviz.record.stored import CheckpointInfo, StoredRun
from nnviz.train.checkpoint_digest import is_whole

#: So many are looked at; a file can claim to have any number of them.
_MOST = 256


@dataclass(frozen=True, eq=False)
class NewestState:
    """A checkpoint of a run's file.

    Attributes:
        step: Finished updates.
        blobs: Its parts, as the file keeps them.
        damaged: Steps of those that are newer and cannot be read, the newest first.
        whole: Whether its parts were found to be as they were written: they need no second look.
    """

    step: int
    blobs: dict[str, bytes]
    damaged: tuple[int, ...] = ()
    whole: bool = True

    @property
    def gone_on_from(self) -> str:
        """That training goes on from another one than the last, and why, as a sentence; empty where it is the last."""
        if not self.damaged:
            return ""
        return (
            f"{self._which_are_damaged}: training goes on from the one before, at step {self.step}, and what was "
            "recorded after that is recorded anew."
        )

    @property
    def used_instead(self) -> str:
        """That another one is looked at than was asked for, and why, as a sentence; empty where it is that."""
        return f"{self._which_are_damaged}: the one before, at step {self.step}, is used." if self.damaged else ""

    @property
    def _which_are_damaged(self) -> str:
        newest = self.damaged[0]
        if len(self.damaged) == 1:
            return f"The checkpoint at step {newest} is damaged in the file"
        return (
            f"The {len(self.damaged)} checkpoints from step {self.damaged[-1]} to step {newest} are damaged in the file"
        )


def in_question(kept: Sequence[CheckpointInfo], until: int | None) -> Sequence[CheckpointInfo]:
    """Those of which one is wanted, the one that is wanted most last.

    Args:
        kept: All, in the order in which they were made.
        until: The nearest to this step is wanted that is not after it; None wants the one that was made last.
    """
    if until is None:
        return kept
    return sorted((one for one in kept if one.step <= until), key=lambda one: (one.step, one.id))


def newest_state(
    stored: StoredRun, until: int | None = None, allow: Callable[[int], None] | None = None
) -> NewestState | None:
    """The newest state of the run that is as it was written; None where it holds none at all.

    Where none is whole it is the last one: whoever restores that says what is wrong with it.

    Args:
        stored: The run.
        until: Of those until this step; None is of all.
        allow: Called with the bytes of each before it is read; refuses by raising.

    Raises:
        RunFileError: The file cannot be read now, or none of them can.
    """
    kept = in_question(stored.checkpoints(), until)
    damaged: list[int] = []
    for one in reversed(kept[-_MOST:]):
        if allow is not None:
            allow(one.size)
        blobs = whole_parts(stored, one)
        if blobs is not None:
            return NewestState(one.step, blobs, tuple(damaged))
        damaged.append(one.step)
    return NewestState(kept[-1].step, dict(stored.load_checkpoint(kept[-1].id)), whole=False) if kept else None


def whole_parts(stored: StoredRun, one: CheckpointInfo) -> dict[str, bytes] | None:
    """The parts of a checkpoint; None where it is damaged.

    Raises:
        RunFileError: The file cannot be read now.
    """
    try:
        blobs = dict(stored.load_checkpoint(one.id))
    except DamagedRun:
        return None  # every other error goes on: without memory, or on a disk that does not answer, it may be whole
    return blobs if is_whole(blobs, one.step) else None
