"""The way back to an earlier step: from the nearest state that is kept, the steps up to there are made once more."""

from __future__ import annotations

from nnviz.errors import TrainingError
from nnviz.project.checks.memory import bytes_text
from nnviz.train.checkpoint import Checkpoint
from nnviz.train.instruments import Instruments
from nnviz.train.kept_states import KeptStates
from nnviz.train.training import Training


class WayBack:
    """Sets a training on it, and knows where it leads. Belongs to the thread that owns the training.

    Args:
        training: Goes back.
        instruments: Go back with it.
        states: Those from which an earlier step can be reached.

    Attributes:
        target: The step that it leads to; None where the training is on no such way.
    """

    def __init__(self, training: Training, instruments: Instruments, states: KeptStates) -> None:
        self._training = training
        self._instruments = instruments
        self._states = states
        self.target: int | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether the weights are those of a step on the way."""
        return self.target is not None

    @property
    def shown_step(self) -> int:
        """The step of the training, or the one that the way leads to."""
        return self._training.step if self.target is None else self.target

    def refuse_under_way(self, what: str) -> None:
        """Raise TrainingError, saying that this has to wait, while it is under way."""
        if self.target is not None:
            raise TrainingError(f"Training is on its way back to step {self.target}: {what} after that.")

    def nearest(self, step: int) -> Checkpoint:
        """The newest state from which a step can be reached.

        Raises:
            TrainingError: It cannot be reached, or is not an earlier one.
        """
        if not 0 <= step <= self.shown_step:
            raise TrainingError(f"Step {step} is not behind the present one, {self.shown_step}.")
        checkpoint = self._states.rewind.before(step)
        if checkpoint is None:
            size, kept = self._training.state_bytes, self._states.rewind.steps[:1]
            earliest = f": the earliest state that is kept in memory is that of step {kept[0]}" if kept else ""
            raise TrainingError(
                f"Step {step} cannot be reached any more{earliest}."
                if self._states.rewind.fits(size)
                else f"This network is too large to go back: one state of it takes {bytes_text(size)}."
            )
        return checkpoint

    def set_out(self, step: int, checkpoint: Checkpoint) -> None:
        """To this step, from the state that is :meth:`nearest`, or from where it is on a way already."""
        training = self._training
        self._instruments.go_back(step)
        if training.replaying and checkpoint.progress.step <= training.step <= step:
            checkpoint = training.capture()
        self._go(step, checkpoint)

    def return_to(self, step: int) -> bool:
        """Sets out from a state that was kept, whatever the present one is; False where the step cannot be reached."""
        checkpoint = self._states.rewind.before(step)
        if checkpoint is None:
            return False
        self._instruments.go_back(step)
        self._go(step, checkpoint)
        return True

    def end(self) -> None:
        """It is there, or can go no further."""
        self.target = None

    def _go(self, step: int, checkpoint: Checkpoint) -> None:
        self._training.go_back(checkpoint, step)
        self._states.rewind.forget_after(step)
        self.target = step
        self._states.start_clock()
