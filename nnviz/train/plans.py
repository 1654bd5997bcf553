"""What is planned from which step on: learning rate, goal and live settings. Going back makes each step by its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from nnviz.data.epoch_plan import EpochPlan
from nnviz.project import registry
from nnviz.project.model import Choice, Node
from nnviz.train.live_settings import Changed, LiveSettings, changed_text, changes
from nnviz.train.schedules import rate_after
from nnviz.train.validated import LOSS, Validated

#: Where the plan begins that holds before anything is changed: a change before the first step comes behind it.
_BEFORE = -1


class Plan(NamedTuple):
    """From ``first_step`` on: the rate that the schedule multiplies, how many epochs it is to go, and the rest."""

    first_step: int
    base: float
    epochs: int
    settings: LiveSettings

    def says_the_same(self, other: Plan) -> bool:
        """Whether the other one differs at most in where it begins."""
        return self[1:] == other[1:]


class Plans:
    """The plans of a training, since the start or the last time that it was begun anew from a checkpoint.

    Args:
        base: The rate that the schedule multiplies.
        epochs: How many it is to go.
        settings: All else that can be changed while it trains.
    """

    def __init__(self, base: float, epochs: int, settings: LiveSettings) -> None:
        #: By the first step they hold for, ascending; never empty.
        self._plans = [Plan(_BEFORE, base, epochs, settings)]

    @property
    def latest(self) -> Plan:
        """What is planned from now on."""
        return self._plans[-1]

    def at(self, step: int) -> Plan:
        """What was planned for a step."""
        return next((plan for plan in reversed(self._plans) if plan.first_step <= step), self._plans[0])

    def change(
        self, step: int, base: float | None = None, epochs: int | None = None, settings: LiveSettings | None = None
    ) -> bool:
        """Another learning rate, goal or settings, from a step on; None leaves them. False where nothing is other.

        Args:
            step: The next that is trained.
            base: The rate that the schedule multiplies.
            epochs: How many it is to go.
            settings: All else.
        """
        last = self.latest
        plan = Plan(
            step,
            last.base if base is None else base,
            last.epochs if epochs is None else epochs,
            last.settings if settings is None else settings,
        )
        if plan.says_the_same(last):
            return False
        if last.first_step == step:
            self._plans.pop()
        if not plan.says_the_same(self.latest):
            self._plans.append(plan)
        return True

    def begin_anew(
        self, base: float | None = None, epochs: int | None = None, settings: LiveSettings | None = None
    ) -> None:
        """One plan for all steps from here on: the latest, but for what is given."""
        last = self.latest
        self._plans = [
            Plan(
                _BEFORE,
                last.base if base is None else base,
                last.epochs if epochs is None else epochs,
                last.settings if settings is None else settings,
            )
        ]

    def go_back(self, step: int) -> None:
        """Up to a step all is made again as it was planned; from there on the latest plan holds."""
        present = self.latest
        self._plans = [plan for plan in self._plans if plan.first_step < step]
        if not self.latest.says_the_same(present):
            self._plans.append(present._replace(first_step=step))

    def changes_at(self, step: int, optimizer: str, nodes: Mapping[str, Node]) -> list[Changed]:
        """What was changed to hold from the step behind this one on.

        Args:
            step: Which one.
            optimizer: Its kind.
            nodes: Of the network.
        """
        index = next((index for index, plan in enumerate(self._plans) if plan.first_step == step), None)
        if not index:
            return []
        before, after = self._plans[index - 1], self._plans[index]
        found: list[Changed] = []
        if before.base != after.base:
            text = changed_text(registry.optimizer(optimizer).param("learning_rate"), before.base, after.base)
            found.append(Changed("training.optimizer.params.learning_rate", text))
        if before.epochs != after.epochs:
            found.append(Changed("training.epochs", f"Epochs: {before.epochs} → {after.epochs}"))
        return [*found, *changes(before.settings, after.settings, optimizer, nodes)]


class Rates:
    """The learning rate of each step: what was planned for it, as the schedule changes it.

    Args:
        schedule: How it changes from step to step.
        plans: What it changes.
        validated: The losses that it may follow.

    Attributes:
        varies: Whether a rate has to be found for each step.
    """

    def __init__(self, schedule: Choice, plans: Plans, validated: Validated) -> None:
        spec = registry.SCHEDULES(schedule.kind)
        self.varies = spec.varies
        self._follows_losses = spec.follows_losses
        self._schedule = schedule
        self._plans = plans
        self._validated = validated
        #: The rate of an epoch by a schedule that follows the losses, which takes long to find.
        self._of_epoch: tuple[Plan, int, float] | None = None

    def at(self, step: int, epochs: EpochPlan) -> float:
        """The rate of a step, as it was planned then."""
        plan = self._plans.at(step)
        if not self._follows_losses:
            return rate_after(self._schedule, plan.base, epochs.epochs_at(step), plan.epochs)
        epoch = epochs.at(step).epoch
        if self._of_epoch is None or self._of_epoch[:2] != (plan, epoch):
            self._of_epoch = (plan, epoch, self.with_base(plan.base, step, epochs))
        return self._of_epoch[2]

    def with_base(self, base: float, step: int, epochs: EpochPlan) -> float:
        """What the schedule would make of another rate, as far as is known by now."""
        goal = self._plans.latest.epochs
        return rate_after(self._schedule, base, epochs.epochs_at(step), goal, self._validated[LOSS])

    def look_anew(self) -> None:
        """Other losses are known than before."""
        self._of_epoch = None
