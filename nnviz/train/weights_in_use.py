"""Other weights in the place of the trained ones: those of the best epoch, the average of them, or anybody's."""

from __future__ import annotations

from nnviz.train import checkpoint as checkpoints
from nnviz.train.checkpoint import Checkpoint, Progress, Tensors
from nnviz.train.state import TrainingState


class WeightsInUse:
    """Puts weights into the live network; position and optimizer stay.

    Belongs to the thread that owns the network.

    Args:
        state: Of the training.
    """

    def __init__(self, state: TrainingState) -> None:
        self._state = state

    def use(self, weights: Tensors) -> None:
        """Puts other weights in, whole ones. Edits by hand cannot be undone any more."""
        state = self._state
        together, average = state.together, state.average
        if together is not None and state.is_divided:
            averaged = {} if average is None else weights
            there = Checkpoint(Progress(step=state.step), weights, random=state.random.capture(), average=averaged)
            weights = together.divide(there).weights
        checkpoints.load_weights(weights, state.network)
        state.tell_the_others()
        if average is not None:
            average.restart(weights)
        state.editor.edits.clear()
        state.losses.forget_spoilt()

    def use_best(self) -> None:
        """Puts the weights of the best epoch in, if there are any."""
        best = self._state.best
        if best.weights is None:
            return
        self.use(best.weights)
        self._state.weights_of = self._state.epoch_plan.step_of(best.epoch)

    def use_average(self) -> None:
        """Puts the average of the weights in, if there is one."""
        average = self._state.average
        if average is not None and self._state.shows_average:
            self.use(self.whole_shown() if self._state.is_divided else average.capture(copied=True))

    def whole_shown(self) -> Tensors:
        """The weights that are validated, of which each process holds a part, on the CPU."""
        together = self._state.together
        assert together is not None
        with self._state.showing():
            return together.whole_weights(self._state.network)
