"""The batches that come in a training: which examples, as what, with what weight; what is decided about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from nnviz.data.tensors import Feeder
from nnviz.network.losses import LossFunction
from nnviz.project.model import Curated
from nnviz.train.state import TrainingState


class ComingBatches:
    """Looks at the batches ahead without taking one away, and hands out others like them.

    Belongs to the thread that owns the network.

    Args:
        state: Of the training.
    """

    def __init__(self, state: TrainingState) -> None:
        self._state = state
        self._batches = state.batches

    # -- the next one -------------------------------------------------------------------------------------------------

    def peek(self) -> tuple[Tensor, Tensor]:
        """The batch that comes next."""
        return self._batches.peek(self._state.step)

    def peek_numbers(self) -> list[int]:
        """Which examples of the training split are in it, in its order."""
        return self._batches.feeder.numbers(*self._state.epoch_plan.at(self._state.step))

    def weights_of_next(self) -> Tensor | None:
        """How much each example of the batch that comes next weighs, float[n] on the CPU; None where all weigh 1."""
        return self._batches.weights(self._state.step)

    def loss_of_next(self) -> LossFunction:
        """What the step that comes next makes small: the loss in which each example weighs what it is to."""
        self._batches.use_curation(self._state.step)
        return self._batches.loss(self._state.step)

    # -- for others ---------------------------------------------------------------------------------------------------

    def again(self, *, resident: bool | None = None) -> Feeder:
        """Feeds the very batches of this training once more, to whoever goes another way from an earlier step.

        Args:
            resident: False does not move the examples to the device a second time, but each batch.
        """
        return self._batches.again(resident=resident)

    def weighing_again(self, feeder: Feeder) -> Callable[[int], LossFunction]:
        """What steps make small whose batches come from :meth:`again`: (step) -> the loss of its batch."""
        return self._batches.weighing_again(feeder)

    @property
    def feeder(self) -> Feeder:
        """What feeds the steps, with the examples on the device where they are kept there; to be read from alone."""
        return self._batches.feeder

    # -- what is decided about examples -------------------------------------------------------------------------------

    def curate(self, entries: Sequence[Curated]) -> str:
        """Other decisions about single examples, from the next epoch on; before the first step at once.

        Returns:
            What could not be done, as a sentence; empty where all was.
        """
        self._state.curate(entries)
        return self.curation_remark

    @property
    def decided(self) -> tuple[Curated, ...]:
        """What was decided about single examples by now."""
        return self._batches.latest.entries

    @property
    def curation_remark(self) -> str:
        """What could not be done of what was decided about single examples, as a sentence."""
        return self._batches.latest.remark

    @property
    def curated_targets(self) -> Tensor:
        """What is right for the training examples after all that was decided about them. Never written to."""
        return self._batches.latest.targets
