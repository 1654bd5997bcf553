"""The state from which the run in a file is gone on with: the newest that is whole. No torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nnviz.errors import DamagedRun
from nnviz.record.stored import StoredRun
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
    """

    step: int
    blobs: dict[str, bytes]
    damaged: tuple[int, ...] = ()

    @property
    def told(self) -> str:
        """That it is not the last one, and why, as a sentence; empty where it is."""
        if not self.damaged:
            return ""
        newest = self.damaged[0]
        which = (
            f"The checkpoint at step {newest} is"
            if len(self.damaged) == 1
            else (f"The {len(self.damaged)} checkpoints from step {self.damaged[-1]} to step {newest} are")
        )
        return (
            f"{which} damaged in the file: training goes on from the one before, at step {self.step}, and what was "
            "recorded after that is recorded anew."
        )


def newest_state(stored: StoredRun, allow: Callable[[int], None] | None = None) -> NewestState | None:
    """The newest state of the run that is as it was written; None where it holds none at all.

    Where none is whole it is the last one: whoever restores that says what is wrong with it.

    Args:
        stored: The run.
        allow: Called with the bytes of each before it is read; refuses by raising.

    Raises:
        RunFileError: The file cannot be read now, or none of them can.
    """
    kept = stored.checkpoints()
    damaged: list[int] = []
    for one in reversed(kept[-_MOST:]):
        if allow is not None:
            allow(one.size)
        blobs = _whole(stored, one.id, one.step)
        if blobs is not None:
            return NewestState(one.step, blobs, tuple(damaged))
        damaged.append(one.step)
    return NewestState(kept[-1].step, dict(stored.load_checkpoint())) if kept else None


def _whole(stored: StoredRun, number: int, step: int) -> dict[str, bytes] | None:
    """The parts of a checkpoint; None where it is damaged."""
    try:
        blobs = dict(stored.load_checkpoint(number))
    except DamagedRun:
        return None  # every other error goes on: without memory, or on a disk that does not answer, it may be whole
    return blobs if is_whole(blobs, step) else None
