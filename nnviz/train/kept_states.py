"""The states in memory that a training can go back to, and the one behind the best weights that were put in."""

from __future__ import annotations

import time

from nnviz.train.checkpoint import Checkpoint
from nnviz.train.rewind import Rewind
from nnviz.train.training import Training

#: Seconds between two checkpoints to go back to, while training and while going back.
_KEEP_EVERY = 2.0
_KEEP_EVERY_GOING_BACK = 0.1
#: Keeping them may take one part in this many of the time.
_KEEP_SHARE = 200


class KeptStates:
    """Keeps the state of a training now and then. Belongs to the thread that owns the training.

    Args:
        training: Whose states.

    Attributes:
        rewind: Those that are kept.
        before_best: The state of the training while the best weights stand in its place after the last epoch.
    """

    def __init__(self, training: Training) -> None:
        self._training = training
        self.rewind = Rewind()
        self.before_best: Checkpoint | None = None
        #: When (seconds, ``perf_counter``) one was kept last, and how long after that the next one is.
        self._kept = 0.0
        self._keep_every = _KEEP_EVERY

    @property
    def has_present(self) -> bool:
        """Whether the present state is the newest that is kept."""
        return self.rewind.steps[-1:] == [self._training.step]

    def is_due(self, now: float) -> bool:
        """Whether it is time for another one, while training."""
        return now - self._kept >= self._keep_every

    def is_due_going_back(self, now: float) -> bool:
        """Whether it is time for another one, on the way back."""
        return now - self._kept >= _KEEP_EVERY_GOING_BACK

    def start_clock(self) -> None:
        """The next one is due some time after now."""
        self._kept = time.perf_counter()

    def keep(self) -> bool:
        """Keeps the present state, unless it is there; False where a number of it is not finite."""
        training = self._training
        if self.before_best is not None or training.replaying or training.is_divided or self.has_present:
            return True
        began = time.perf_counter()
        finite = training.is_finite
        if finite:
            self.put()
        self.start_clock()
        if finite:
            self._keep_every = max(_KEEP_EVERY, _KEEP_SHARE * (self._kept - began))
        return finite

    def put(self) -> None:
        """Puts the present state among those to go back to, if it fits there and into memory."""
        if self.before_best is not None:
            return  # The last state is there as it was; what stands in its place is no state of the way.
        size = self._training.state_bytes
        if self.rewind.fits(size) and self._training.room.allows(size, "Going back is limited to states kept so far"):
            self.rewind.add(self._training.capture())

    def renew(self) -> None:
        """Something of the present state was changed: it takes its own place, where it was kept."""
        if self.has_present:
            self.put()

    def forget(self) -> None:
        """Training goes on from weights to which no kept state leads."""
        self.before_best = None
        self.rewind.clear()

    def to_save(self) -> Checkpoint:
        """The state that a file keeps: never the best weights in place of the last ones."""
        training = self._training
        if self.before_best is None:
            return training.capture(copied=False)  # written down at once, so the live tensors need no copy
        return training.with_what_was_set(self.before_best)
