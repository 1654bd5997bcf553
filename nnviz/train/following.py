"""What a training does in a process that follows the first one of several: what that orders, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from nnviz.errors import NotFiniteError
from nnviz.train.checkpoint import Checkpoint
from nnviz.train.state import TrainingState


class Following:
    """Makes the same steps, takes the same states, and gives its part of what is divided.

    Belongs to the thread that owns the network.

    Args:
        state: Of the training.
        advance: Makes a step.
    """

    def __init__(self, state: TrainingState, advance: Callable[[], object]) -> None:
        self._state = state
        self._advance = advance

    def step(self, step: int, rate: float) -> None:
        """The same step as the first process, with the same learning rate.

        Args:
            step: Updates made before it.
            rate: Of the optimizer.
        """
        state = self._state
        state.losses.forget_spoilt()  # what to do about that, the first process decides
        if step != state.step:
            state.step = step
            state.batches.begin_anew()
        state.rates.varies = False
        state.plans.begin_anew(base=rate)
        state.in_use.use_rate(rate)
        with suppress(NotFiniteError):
            self._advance()
        state.losses.drop_waiting()

    def take(self, checkpoint: Checkpoint) -> None:
        """The state of the first process; the random numbers stay this one's own."""
        self._state.take(checkpoint)

    def take_settings(self, checkpoint: Checkpoint) -> None:
        """Likewise where the network is divided: all of the state that is no number of network or optimizer."""
        self._state.take_settings(checkpoint)

    def reach(self, asked: bytes) -> None:
        """Likewise: single numbers are read or set by hand, and each process does its own."""
        assert self._state.together is not None
        self._state.together.reach(self._state.network, self._state.showing, asked)

    def give(self, *, weights_alone: bool) -> None:
        """This process' part of a checkpoint that the first one makes."""
        together, state = self._state.together, self._state
        assert together is not None
        if weights_alone:
            with state.showing():
                together.give(state.network, None)
            return
        together.give(state.network, state.optimizer)
        if state.average is not None and state.shows_average:
            for part in state.average.numbers.values():
                together.whole(part)
