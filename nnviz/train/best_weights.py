"""The weights of the best epoch so far: which one that was, by which figure, and a copy of what they were."""

from __future__ import annotations

import math
from collections.abc import Callable

from nnviz.network.network import Network
from nnviz.train import checkpoint as checkpoints
from nnviz.train.checkpoint import Progress, Tensors
from nnviz.train.finite import all_finite
from nnviz.train.loop import EvaluationResult
from nnviz.train.room import Room
from nnviz.train.validated import FIGURES, better, worst


class BestWeights:
    """Keeps the weights of the best epoch. Belongs to the thread that owns the network.

    Args:
        best_by: The figure that they are chosen by.
        room: Says whether there is memory for them.

    Attributes:
        weights: Weights and buffers, copied; None before the first validation, or where there is no memory for them.
        epoch: Which one, from 1; 0 for none.
        loss: Its mean loss over the validation split; infinite for none.
        figure: The figure that it was chosen by; the worst that there is for none.
    """

    def __init__(self, best_by: str, room: Room) -> None:
        self._best_by = best_by
        self._room = room
        self.weights: Tensors | None = None
        self.epoch = 0
        self.loss = math.inf
        self.figure = worst(best_by)

    def restore(self, weights: Tensors | None, progress: Progress) -> None:
        """Goes on from a checkpoint that keeps these weights and says what they came to."""
        self.weights = weights
        self.epoch = progress.best_epoch
        self.loss = float.fromhex(progress.best_loss)
        self.figure = float.fromhex(progress.best_figure) if progress.best_figure else self.loss

    def consider(
        self, validation: EvaluationResult, epoch: int, network: Network, gathered: Callable[[], Tensors] | None
    ) -> None:
        """Keeps the weights of an epoch if they are the best.

        Args:
            validation: What it came to.
            epoch: Which one, from 1.
            network: With the weights that were validated.
            gathered: Where each process holds a part of them: makes them whole, on the CPU.
        """
        if not math.isfinite(validation.loss):
            return
        figure = FIGURES[self._best_by](validation)
        wins = self.epoch == 0 or better(self._best_by, figure, self.figure)
        # Equal ones, and those that have no such figure, are told apart by the loss.
        even = not wins and not better(self._best_by, self.figure, figure)
        if not (wins or (even and validation.loss < self.loss)):
            return
        whole = None if gathered is None else gathered()
        if not all_finite((network.state_dict() if whole is None else whole).values()):
            return
        self.loss = validation.loss
        self.figure = worst(self._best_by) if math.isnan(figure) else figure
        self.epoch = epoch
        self.weights = None  # so that its memory can be used again
        if self._room.allows(checkpoints.size_of(network.state_dict()), "The best weights are not kept from here on"):
            self.weights = checkpoints.copy_weights(network) if whole is None else whole
