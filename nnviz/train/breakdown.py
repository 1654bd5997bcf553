"""What is known of a number that stopped being finite: at which step, where it began, and what helps."""

from __future__ import annotations

from nnviz.errors import NotFiniteError
from nnviz.record.run import Run
from nnviz.train import origin as origins
from nnviz.train import remarks
from nnviz.train.kept_states import KeptStates
from nnviz.train.origin import Origin
from nnviz.train.training import Training


class Breakdown:
    """At most one at a time. Belongs to the thread that owns the training.

    Where it began is looked for on the way back to the step before the broken one; the way is the runner's.

    Args:
        training: What broke, or may.
        run: Is told of it.
        states: Say to which step one can go back.

    Attributes:
        trouble: Why training rests although nobody asked for it, once that is known, until it goes on.
    """

    def __init__(self, training: Training, run: Run, states: KeptStates) -> None:
        self._training = training
        self._run = run
        self._states = states
        #: The step that broke, while where it began is looked for.
        self._step: int | None = None
        #: Where it began, once that is found on the way.
        self._origin: Origin | None = None
        self.trouble: NotFiniteError | None = None

    @property
    def is_looked_into(self) -> bool:
        """Whether where it began is looked for."""
        return self._step is not None

    @property
    def halts(self) -> bool:
        """Whether training rests because of one, or will as soon as it is known where it began."""
        return self.trouble is not None or self._step is not None

    def begin(self, step: int) -> None:
        """The loss of a step is not finite, or what it began with."""
        if self._run.last_step > step:  # A GPU had begun the next one already.
            self._run.rewind(step)
        self._step, self._origin = step, None

    def look(self) -> bool:
        """After a step on the way back: whether that step made the first number that is not finite."""
        if self._step is None or self._origin is not None:
            return False
        self._origin = origins.of_last_update(self._training)
        return self._origin is not None

    def conclude(self, origin: Origin | None = None) -> NotFiniteError:
        """It is known where it began, here or on the way, or else in the batch that comes next; says so in the run."""
        training = self._training
        known = origin or self._origin or origins.of_next_batch(training)
        self._step = self._origin = None
        node = training.network.graph.nodes[known.node]
        restored = training.step if training.is_finite else None
        self.trouble = known.error(node.name or node.id, training.learning_rate, restored)
        self._run.append([remarks.not_finite(training, known, self._last_good_step(known))])
        return self.trouble

    def unknown(self, step: int, split: str = "train") -> Origin:
        """Where nobody looks for the first number that was not finite, or finds it."""
        return Origin(step, self._training.network.output_id, "loss", "not finite", split)

    def leave(self) -> None:
        """Training is to go on although it broke; where nothing has changed it will break again."""
        if self.trouble is not None:
            self._run.append([remarks.mended(self._training.step, self._run)])
        self.trouble = None

    def forget(self) -> None:
        """Training goes back to a step before it, as far as is known."""
        self._step = self._origin = self.trouble = None

    def _last_good_step(self, origin: Origin) -> int | None:
        """Where to begin again more slowly: the last step that can be reached and was not yet on the way out."""
        if origin.split != "train":
            return None
        target = remarks.last_good_step(self._run, origin.step)
        return target if target is not None and self._states.rewind.before(target) is not None else None
