"""What a hand changes in a training: settings, units, numbers; all that was made of those before is let go of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nnviz.project.model import Curated
from nnviz.record.evaluated import outdated
from nnviz.record.run import Run
from nnviz.train import remarks
from nnviz.train.instruments import Instruments
from nnviz.train.journal import Journal
from nnviz.train.kept_states import KeptStates
from nnviz.train.live_settings import LiveSettings
from nnviz.train.running_evaluation import Evaluations
from nnviz.train.saving import Saving
from nnviz.train.training import Training
from nnviz.train.unit_switches import UnitSwitches, switched
from nnviz.train.way_back import WayBack
from nnviz.train.weight_edits import WeightEdit


class ChangesByHand:
    """Makes them, and writes them down. Belongs to the thread that owns the training.

    Whoever calls it lets the screen see what has changed, by measuring or resting. What sets something says whether
    anything is other than before.

    Args:
        training: What is changed.
        instruments: Look at what is there now.
        run: Is told of it.
        journal: Writes down what has changed.
        states: The one of this step is another now.
        way: Some changes wait until it ends.
        evaluations: One that began before comes to nothing.
        saving: What it has handed over does not hold any more.
    """

    def __init__(
        self,
        training: Training,
        instruments: Instruments,
        run: Run,
        journal: Journal,
        states: KeptStates,
        way: WayBack,
        evaluations: Evaluations,
        saving: Saving,
    ) -> None:
        self._training = training
        self._instruments = instruments
        self._run = run
        self._journal = journal
        self._states = states
        self._way = way
        self._evaluations = evaluations
        self._saving = saving

    def set_learning_rate(self, value: float) -> bool:
        """Of the next step."""
        before = self._what_is_set
        self._training.learning_rate = value
        self._journal.rate(self._way.shown_step)
        return self._is_other_than(before)

    def set_epochs(self, count: int, *, beyond: bool) -> bool:
        """How far to train, and whether that is beyond what the project says."""
        before = self._what_is_set
        self._training.epochs, self._training.goes_beyond = count, beyond
        return self._is_other_than(before)

    def take_on(self, settings: LiveSettings) -> bool:
        """Other settings of optimizer and layers."""
        before = self._what_is_set
        self._training.take_on(settings)
        if not self._way.is_under_way:
            self._states.renew()
        return self._is_other_than(before)

    def curate(self, entries: Sequence[Curated]) -> bool:
        """Other decisions about single examples."""
        before = self._what_is_set
        self._training.coming.curate(entries)
        return self._is_other_than(before)

    def switch_units(self, switches: UnitSwitches) -> None:
        """Units off or frozen, or back."""
        self._way.refuse_under_way("switch units")
        before = self._training.switches
        self._instruments.flush()
        self._training.switch_units(switches)
        self._evaluations.drop()  # which began with other units
        self._instruments.look_anew()
        self._states.renew()
        self._saving.changed()
        self._run.append(
            [
                remarks.unit_switched(self._training.step, one, self._training.network.name_of(one.unit.node))
                for one in switched(before, switches)
            ]
        )
        self._journal.changes(self._training.step)
        self._run.append(outdated(self._run, self._training.step))

    def edit_weights(self, write: Callable[[Training], WeightEdit]) -> None:
        """Numbers of the network; ``write`` sets them."""
        self._way.refuse_under_way("set weights")
        self._instruments.flush()
        edit = write(self._training)
        if self._states.before_best is not None:
            self._states.forget()
        self._evaluations.drop()  # which began with other weights
        self._instruments.look_anew()
        self._run.append(remarks.edited(self._training, edit))
        self._journal.changes(self._training.step)
        self._run.append(outdated(self._run, self._training.step))
        self._states.renew()
        self._saving.changed()

    @property
    def _what_is_set(self) -> tuple[object, ...]:
        """All that a checkpoint keeps of what was set, but for units and numbers."""
        training = self._training
        return (
            training.base_rate,
            training.epochs,
            training.goes_beyond,
            training.live_settings,
            training.coming.decided,
        )

    def _is_other_than(self, before: tuple[object, ...]) -> bool:
        """Something was set: writes down what has changed, and says whether anything has."""
        self._journal.changes(self._way.shown_step)
        is_other = self._what_is_set != before
        if is_other:
            self._saving.changed()
        return is_other
