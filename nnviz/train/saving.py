"""When a state of a training goes into the run's file: unless it is there already, and as far as there is memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import cached_property

from nnviz.errors import NnvizError, StorageError
from nnviz.train import checkpoint as checkpoints
from nnviz.train import kept_preparation
from nnviz.train.checkpoint import Checkpoint
from nnviz.train.checkpoint_store import CheckpointStore, WaitsForFile, WritesBehind
from nnviz.train.training import Training
from nnviz.train.way import Way

#: Writing one at the end of an epoch may take one part in this many of the time: an epoch may last milliseconds.
_SAVE_SHARE = 50
#: Bytes of a state from which on at most one checkpoint waits for the disk beside one that is being written.
_LARGE = 64 * 2**20
#: What it means where there is no room for a checkpoint.
_GIVEN_UP = "States to go back to are given up for a checkpoint"
_PUT_OFF = "A checkpoint is put off until the one before it is on the disk"


class Saving:
    """Hands states over to whoever keeps them. Belongs to the thread that owns the training.

    Args:
        training: Whose states.
        store: Where they go; None keeps none.
        make_room: Gives up what takes memory and lasts less long than what is written.
        on_trouble: Called when the disk is full; None lets the error pass.
        held: Step and tag of the states that the run's file holds, where it is gone on with.

    Attributes:
        put_off: The tag of a checkpoint that waits until there is memory for it, or until an edit has come to rest;
            empty for none.
    """

    def __init__(
        self,
        training: Training,
        store: CheckpointStore | None,
        make_room: Callable[[], None],
        on_trouble: Callable[[NnvizError], None] | None,
        held: Iterable[tuple[int, str]] = (),
    ) -> None:
        self._training = training
        self._store = store
        self._make_room = make_room
        self._on_trouble = on_trouble
        self.put_off = ""
        #: The step whose checkpoint was handed over last; -1 for none that holds.
        self._saved_step = -1
        #: Which of those at the ends of epochs the file goes on to keep.
        self._way = Way(held=held)
        #: When (seconds, ``perf_counter``) the next checkpoint at the end of an epoch may be written.
        self._next_save = 0.0

    def begin(self) -> None:
        """The state that it begins with needs no keeping."""
        store: object = self._store
        if isinstance(store, WaitsForFile):
            store.forget_start()
        self._saved_step = self._training.step

    def changed(self) -> None:
        """The state of this step is another than what was handed over."""
        self._saved_step = -1

    @property
    def is_wanted(self) -> bool:
        """Whether somebody keeps the present state, and has not got it yet."""
        return self._store is not None and self._saved_step != self._training.step

    @property
    def is_writing(self) -> bool:
        """Whether the last checkpoint is still on its way to the disk."""
        store: object = self._store
        return isinstance(store, WritesBehind) and store.writing

    @property
    def epoch_may_be_saved(self) -> bool:
        """Whether the end of an epoch may be kept: there are many of them, and the training is not to wait."""
        return time.perf_counter() >= self._next_save and not self.is_writing

    def next_tag(self) -> str:
        """The tag of one more state at the end of an epoch."""
        return self._way.tag(self._size, self._training.step)

    def save(self, make: Callable[[], Checkpoint], tag: str, *, last: bool) -> None:
        """Hands the present state over, if it is finite and there is memory for it; else it may be put off.

        Args:
            make: Makes the checkpoint.
            tag: Why it is kept, see :class:`CheckpointStore`.
            last: Nothing comes after it: wait for the disk rather than put it off.
        """
        assert self._store is not None
        began = time.perf_counter()
        checkpoint = make()
        if not checkpoint.is_finite:
            return
        if not self._has_room(last):
            self.put_off = tag
            return
        step = self._training.step
        try:
            blobs = checkpoints.to_blobs(checkpoint) | self._preparation
            self._store.save_checkpoint(step, self._training.epoch, blobs, tag)
        except StorageError as error:
            if self._on_trouble is None:
                raise
            self._on_trouble(error)
        self._saved_step = step
        ended = time.perf_counter()
        self._next_save = ended + _SAVE_SHARE * (ended - began)

    @cached_property
    def _preparation(self) -> dict[str, bytes]:
        """How the data were prepared, the same in every checkpoint of the run, whose file keeps it once."""
        return kept_preparation.part_of(self._training.data)

    def _has_room(self, last: bool) -> bool:
        """Whether another one may stand in memory now, beside one that is being written."""
        store: object = self._store
        if self.is_writing and self._training.state_bytes > _LARGE and isinstance(store, WritesBehind):
            if store.withdraw_checkpoints() or self._allows(_PUT_OFF):
                return True
            if not last:
                return False
            store.flush()
        if not self._allows(_GIVEN_UP):
            self._make_room()
        return True

    def _allows(self, otherwise: str) -> bool:
        return self._training.room.allows(self._size, otherwise)

    @property
    def _size(self) -> int:
        return self._training.state_bytes + checkpoints.size_of(self._training.best or {})
