"""A state of a run's file as a network takes it on: found, decoded once, and only where there is memory for it."""

from __future__ import annotations

from nnviz.errors import NnvizError, RunFileError
from nnviz.network.memory import refuse_without_room
from nnviz.record.stored import StoredRun
from nnviz.train import checkpoint as checkpoints
from nnviz.train.checkpoint import Checkpoint
from nnviz.train.newest_state import NewestState, newest_state

#: As it is read, put together and decoded. Native code that decodes it ends badly without memory.
_COPIES_WHILE_READING = 3


def find(stored: StoredRun, until: int | None = None) -> NewestState | None:
    """As :func:`newest_state`, where there is memory to decode what it finds.

    Raises:
        RunFileError: As there.
        TooLargeError: The memory is not enough.
    """
    return newest_state(stored, until, lambda size: refuse_without_room(_COPIES_WHILE_READING * size))


def take(state: NewestState, file: str) -> Checkpoint:
    """The checkpoint itself. Its parts leave the state: they are as large as the training.

    Args:
        state: A state that was found.
        file: How the run's file is called in an error.

    Raises:
        RunFileError: It is damaged, or of a newer version.
        TooLargeError: The memory is not enough.
    """
    blobs = dict(state.blobs)
    state.blobs.clear()
    refuse_without_room((_COPIES_WHILE_READING - 1) * sum(map(len, blobs.values())))
    try:
        checkpoint = checkpoints.from_blobs(blobs, whole=state.whole)
    except NnvizError as error:
        raise RunFileError(str(error), file=file) from error
    if checkpoint.progress.step != state.step:
        raise RunFileError("The checkpoint is damaged: it is of another step.", file=file)
    return checkpoint
