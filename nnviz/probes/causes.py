"""Causes: why a run goes wrong, the one that excludes the others first, with cures that were tried."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nnviz.probes.course import (
    FEW_EXAMPLES,
    MEAN_STEPS,
    SPAN,
    STUCK_STEPS,
    Course,
    Layers,
    epochs_between,
    first,
    learning_rate,
    mean_around,
    or_infinity,
    recent,
)
from nnviz.probes.evidence import Ask, Neighbours, RateAnswer, RateQuestion
from nnviz.probes.remedies import Remedies
from nnviz.probes.signs import vanishes
from nnviz.probes.verdict import Verdict, plain_number, why
from nnviz.project.declared.optimizers import OptimizerSpec
from nnviz.record.number_text import format_number as measured
from nnviz.record.number_text import percent
from nnviz.record.quantities import (
    ACCURACY,
    ACCURACY_GAP,
    DEAD_FRACTION,
    DEAD_SINCE,
    DEAD_UNITS,
    EPOCH,
    GRADIENT_NORM,
    LOSS,
    LOSS_FALL,
    LOSS_RISE,
    MAJORITY,
    MISSED_ACCURACY,
    UPDATE_OF_THE_STUCK,
    UPDATE_OF_THE_THROWN,
    UPDATE_RATIO,
    VALIDATION_RISE,
)
from nnviz.record.readings import ArrayReading, Cure

#: Epochs without improvement after which it is mentioned, and after which it is a warning.
PATIENCE, LONG_PATIENCE = 2, 5
#: Epochs in which the network must not have moved before its result is judged.
_SETTLED_EPOCHS = 3
#: And in which its loss must not have fallen before it is said that it has come to rest: some wait before they learn.
_RESTED_EPOCHS = 20
#: Standard deviations that the accuracy of so many examples may lie above guessing by luck.
_LUCK = 3.0
#: Learning rates that are tried at once.
_MOST_RATES = 4
#: What there is to see of a result, and no reason for anything.
_OF_THE_RESULT = ("accuracy_at_chance", "no_improvement", "update_too_small")
#: Causes that are no sign of another one.
CAUSES = (
    "constant_input",
    "learning_rate_too_high",
    "update_too_small",
    "no_signal",
    "only_majority",
    "no_improvement",
    "under_fitting",
)
#: Times its size from which a change is no longer said as a share.
_MANY_TIMES = 10.0


@dataclass(frozen=True, slots=True)
class Cause:
    """What explains what is to be seen.

    Attributes:
        rule: Its name: that of the sign that it is, or one of its own.
        verdict: What to say.
        explains: What the names of the signs begin with that it explains; empty for all of them.
    """

    rule: str
    verdict: Verdict
    explains: tuple[str, ...] = ("",)


class Causes:
    """Looks for the cause of what is to be seen, once.

    A learning rate is offered only after it was tried on a copy of the network (``ask``, see
    :mod:`nnviz.train.rate_trials`): the cure then says what came of it.

    Args:
        layers: Of the network.
        course: What the run has done so far.
        found: The signs that were found.
        held: Names of what was found before and holds: given up at a lower mark than it began at.
        ask: Tries learning rates.
        optimizer: With which it is trained: its default is one of the learning rates that are tried.
        remedies: Which edits of the document help; None for none.
    """

    def __init__(
        self,
        layers: Layers,
        course: Course,
        found: Mapping[str, Verdict],
        held: frozenset[str],
        ask: Ask,
        optimizer: OptimizerSpec | None = None,
        remedies: Remedies | None = None,
    ) -> None:
        self._layers = layers
        self._remedies = remedies or Remedies(layers, None)
        self._course = course
        self._run = course.run
        self._found = found
        self._held = held
        self._ask = ask
        self._usual_rate = usual_rate(optimizer)

    def first(self) -> Cause | None:
        """The first of all causes that holds."""
        return (
            self._constant_input()
            or self._sign("equal_units/")
            or self._raised_too_far("learning_rate_too_high" in self._held)
            or self._dead_from_the_start()
            or self._exploding_from_the_start()
            or self._vanishing_from_the_start()
            or self._too_high_from_the_start("learning_rate_too_high" in self._held)
            or self._sign("vanishing_gradient", not self._course.learns())
            or self._too_low("update_too_small" in self._held)
            or self._no_signal("no_signal" in self._held)
            or self._only_majority()
            or self._over_fitting("no_improvement" in self._held)
            or self._under_fitting("under_fitting" in self._held)
        )

    def _sign(self, prefix: str, holds: bool = True) -> Cause | None:
        """A sign that is a cause of others itself."""
        name = next((name for name in self._found if name.startswith(prefix)), None) if holds else None
        return None if name is None else Cause(name, self._found[name])

    def _constant_input(self) -> Cause | None:
        """All examples are the same."""
        if self._course.data is None or not self._course.data.constant:
            return None
        return Cause(
            "constant_input",
            Verdict(
                "error",
                "All examples look the same to the network.",
                "After their preparation the inputs of all of them are equal, so that nothing can be learned from them."
                " Look at the data and at its preparation.",
            ),
        )

    def _dead_from_the_start(self) -> Cause | None:
        """Most units of a layer were dead before anything was trained."""
        for node in self._layers.rectifiers:
            name = DEAD_UNITS.series(node)
            dead, since = self._run.latest(name), self._run.latest(DEAD_SINCE.series(node))
            if name not in self._found or not isinstance(dead, ArrayReading) or not isinstance(since, ArrayReading):
                continue
            flags = dead.array.astype(bool)
            early = (since.array[flags] <= 0).sum() / dead.array.size if dead.array.size else 0.0
            if early >= DEAD_FRACTION.bands.error and not self._course.learns():
                verdict = self._found[name]
                evidence = f"{verdict.evidence} Biases far below 0 or the initialisation of the layer before do that."
                remedies = self._remedies.of_dead_from_the_start(node)
                return Cause(name, replace(verdict, evidence=evidence, remedies=remedies))
        return None

    def _exploding_from_the_start(self) -> Cause | None:
        """The gradient was beyond its mark before anything was trained."""
        if self._course.learns() or not ("exploding_gradient" in self._found or self._course.broken):
            return None
        firsts = ((first(self._run, GRADIENT_NORM.series(node)), node) for node in self._layers.weighted)
        worst = max(((or_infinity(norm), node) for norm, node in firsts if norm is not None), default=None)
        if worst is None or not GRADIENT_NORM.bands.warning.passed(worst[0]):
            return None
        norm, node = worst
        return Cause(
            "exploding_gradient",
            Verdict(
                "error" if self._course.broken else "warning",
                f"The gradient of {self._layers.name(node)} explodes from the start.",
                f"Its norm is {measured(norm)} at the first step, before anything was trained: the initial weights or "
                "the inputs are too large. He or Xavier initialisation, scaled inputs or normalisation help.",
                node,
                (why("gradients"),),
                remedies=self._remedies.of_too_large(self._course),
            ),
        )

    def _vanishing_from_the_start(self) -> Cause | None:
        """Nothing of the gradient arrived at the first layer before anything was trained."""
        if self._course.learns() or "vanishing_gradient" not in self._found:
            return None
        norms = [(node, first(self._run, GRADIENT_NORM.series(node))) for node in self._layers.weighted]
        return self._sign("vanishing_gradient") if vanishes(norms, False) else None

    def _raised_too_far(self, holds: bool) -> Cause | None:
        """The loss jumped up after the learning rate had been raised."""
        course = self._course
        index = course.raised_at()
        if index is None:
            return None
        step = int(course.rate_steps[index])
        split = int(np.searchsorted(course.steps, step, side="right"))
        before, after = course.losses[max(split - SPAN, 0) : split], course.losses[split:]
        if len(before) < SPAN // 2 or (len(after) < SPAN // 2 and not course.broken):
            return None
        low, now = float(before.mean()), float(after[-SPAN:].mean()) if len(after) else math.inf
        # It must be worth mentioning beside what there was to learn.
        risen = math.inf if course.broken else (now - low) / max(low, 0.02 * course.first)
        if not LOSS_RISE.warning.passed(1 + risen, holds):
            return None
        old, new = float(course.rates[index - 1]), float(course.rates[index])
        high = float(after[: 2 * SPAN].max()) if len(after) else math.inf
        reached = int(np.argmax(after[: 2 * SPAN])) if math.isfinite(high) and len(after) else 0
        within = int(course.steps[split + reached]) - step if len(after) else 1
        rise = (
            f"The training loss rose from {measured(low)} (mean of {len(before)} batches) to {measured(high)} (one "
            f"batch) within {max(within, 1)} {'step' if within <= 1 else 'steps'}"
            if math.isfinite(high)
            else f"The training loss was {measured(low)} (mean of {len(before)} batches) and is no longer finite"
        )
        change = f"from {plain_number(old)} to {plain_number(new)} at step {step}"
        evidence = f"{rise} after the learning rate was changed {change}."
        question = RateQuestion(lower_rates(new, self._usual_rate, old), max(step, 0))
        return self._too_high(new, evidence, question)

    def _too_high_from_the_start(self, holds: bool) -> Cause | None:
        """Nothing is learned, and some update has thrown a layer about."""
        course = self._course
        rate = learning_rate(self._run)
        if rate is None or (len(course.losses) < SPAN and not course.broken):
            return None
        if not course.broken and course.learns(holds) is not False:
            return None
        peaks = ((self._largest_update(node), node) for node in self._layers.weighted)
        worst = max(((peak, node) for peak, node in peaks if peak is not None), default=None)
        if worst is None:
            return None
        (peak, step), node = worst
        if not UPDATE_OF_THE_THROWN.warning.passed(peak, holds):
            if not self._keeps_moving(holds):
                return None
            step = self._run.last_step
        # The rate that did it, which need not be the one that it began with, nor the one of now.
        index = max(int(np.searchsorted(course.rate_steps, step)) - 1, 0)
        rate = float(course.rates[index]) if len(course.rates) else rate
        # A share of ten digits is no share that anybody can read.
        much = f"{percent(peak)} of its size" if peak < _MANY_TIMES else f"{measured(peak)} times its size"
        evidence = f"{self._layers.name(node)} changed by {much} in one step; about 0.1 % is healthy."
        question = RateQuestion(lower_rates(rate, self._usual_rate), 0)
        raised = course.raised_at()
        if raised is not None and raised <= index:
            old, since = float(course.rates[raised - 1]), int(course.rate_steps[raised])
            change = f"from {plain_number(old)} to {plain_number(float(course.rates[raised]))}"
            evidence += f" The learning rate was changed {change} at step {since}."
            question = RateQuestion(lower_rates(rate, self._usual_rate, old), max(since, 0))
        if math.isfinite(course.first) and math.isfinite(course.now):
            evidence += (
                f" The training loss of the first batches was {measured(course.first)} at its lowest, and the mean of "
                f"the last {len(course.losses[-SPAN:])} batches is {measured(course.now)}."
            )
        return self._too_high(rate, evidence, question)

    def _keeps_moving(self, holds: bool) -> bool:
        """Whether some layer changes too much at each step."""
        ratios = (recent(self._run, UPDATE_RATIO.series(node)) for node in self._layers.weighted)
        return any(
            UPDATE_RATIO.bands.warning.passed(ratio, holds)
            for ratio in ratios
            if ratio is not None and math.isfinite(ratio)
        )

    def _largest_update(self, node: str) -> tuple[float, int] | None:
        """The largest update of a layer and its step; that of one which began at zero has no size to compare with."""
        steps, values = self._run.scalars(UPDATE_RATIO.series(node))
        known = np.where(np.isfinite(values), values, -math.inf)
        if not np.isfinite(known).any() or math.isinf(values[0]):
            return None
        largest = int(np.argmax(known))
        return float(known[largest]), int(steps[largest])

    def _too_high(self, rate: float, evidence: str, question: RateQuestion) -> Cause:
        answer = self._ask(question)
        cures: tuple[Cure, ...] = ()
        if answer is not None and answer.rate is not None:
            cures = (go_back(answer),)
            evidence += what_was_tried(answer)
        now = learning_rate(self._run)
        is_or_was = "was" if now is not None and now < rate / 1.2 else "is"
        return Cause(
            "learning_rate_too_high",
            Verdict(
                "error" if self._course.broken else "warning",
                f"The learning rate of {plain_number(rate)} {is_or_was} too high.",
                evidence,
                cures=(*cures, why("update_ratios")),
            ),
        )

    def _too_low(self, holds: bool) -> Cause | None:
        """The loss stays what it was, and no layer moves worth mentioning."""
        course = self._course
        ratios = [recent(self._run, UPDATE_RATIO.series(node)) for node in self._layers.weighted]
        known = [ratio for ratio in ratios if ratio is not None and math.isfinite(ratio)]
        learned = course.accuracy(SPAN)
        rate = learning_rate(self._run)
        if not known or len(known) < len(ratios) or max(known) <= 0:
            return None
        # Where the network already does well, or a schedule has lowered the rate, small steps are what one wants.
        if learned is None or learned > 0.9 or (len(course.rates) and course.rates[-1] < 0.5 * course.rates.max()):
            return None
        stuck = len(course.losses) >= STUCK_STEPS and course.learns(holds) is False
        if not UPDATE_RATIO.bands.low.undercut(max(known), holds) and not (
            stuck and UPDATE_OF_THE_STUCK.low.undercut(max(known), holds)
        ):
            return None
        evidence = (
            f"No layer changes by more than {measured(max(known))} of its size at a step (median of its last "
            "measurements); about 0.001 is healthy."
        )
        cures: tuple[Cure, ...] = ()
        answer = self._ask(RateQuestion(_higher_rates(rate, self._usual_rate))) if rate else None
        if answer is not None and answer.rate is not None:
            value = plain_number(answer.rate)
            cures = (Cure(f"Try {value}", "set_learning_rate", value),)
            evidence += what_was_tried(answer)
        text = (
            f"The learning rate of {plain_number(rate)} is too low: the weights hardly move."
            if rate
            else ("The weights hardly move.")
        )
        return Cause(
            "update_too_small",
            Verdict("warning" if stuck else "information", text, evidence, cures=(*cures, why("update_ratios"))),
            ("accuracy_at_chance", "no_improvement", "vanishing_gradient"),
        )

    def _neighbours(self) -> Neighbours | None:
        return None if self._course.data is None else self._course.data.neighbours()

    def _validation_accuracies(self) -> NDArray[np.float64]:
        """Of the last epochs; empty before there are enough of them."""
        _, values = self._run.scalars(ACCURACY.series("validation"))
        enough = len(values) >= _SETTLED_EPOCHS and len(self._course.losses) >= STUCK_STEPS
        return values[-_SETTLED_EPOCHS:] if enough else values[:0]

    def _no_signal(self, holds: bool) -> Cause | None:
        """On examples that it has not seen it guesses, and so do the nearest neighbours."""
        course, data = self._course, self._course.data
        accuracies = self._validation_accuracies()
        if data is None or not len(accuracies) or self._course.classes < 2:
            return None
        count = data.examples[1]
        luck = math.sqrt(course.chance * (1 - course.chance) / max(count, 1))
        if float(accuracies.mean()) > course.chance + _LUCK * luck:
            return None
        neighbours = self._neighbours()
        if neighbours is None or neighbours.see_a_signal:
            return None  # where there is something to see, it is the network that does not
        right = percent(float(accuracies[-1]))
        train = course.accuracy(STUCK_STEPS)
        heart = ""
        if train is not None and course.guesses() is False:
            heart = (
                f" The {percent(train)} of the training examples that are right (mean of {STUCK_STEPS} batches) are "
                "learned by heart."
            )
        return Cause(
            "no_signal",
            Verdict(
                "warning",
                "The inputs say nothing about the answers.",
                f"Of the validation examples {right} were right after the last epoch: guessing would be as good, and "
                f"the nearest training examples know no better ({percent(neighbours.accuracy)}).{heart} Inputs or "
                "labels may have been mixed up.",
                cures=(why("loss"),),
            ),
            _OF_THE_RESULT,
        )

    def _only_majority(self) -> Cause | None:
        """It always names the most frequent class."""
        data = self._course.data
        accuracies = self._validation_accuracies()
        if data is None or not data.validation_shares or not len(accuracies) or data.examples[1] < FEW_EXAMPLES:
            return None
        share = max(data.validation_shares)
        which = data.validation_shares.index(share)
        if not MAJORITY.warning.passed(share) or share == 1 or np.abs(accuracies - share).max() > 1e-6:
            return None
        name = f"“{data.class_names[which]}”" if which < len(data.class_names) else f"class {which}"
        return Cause(
            "only_majority",
            Verdict(
                "warning",
                f"The network answers {name} to everything.",
                f"{percent(share)} of the validation examples are {name}, and just these are right. Show it the rare "
                "classes more often, or train it longer: the accuracy says little here.",
                cures=(why("loss"),),
            ),
            _OF_THE_RESULT,
        )

    def _over_fitting(self, holds: bool) -> Cause | None:
        """The validation loss rises while the training loss falls, of a network that has learned something."""
        steps, losses = self._run.scalars(LOSS.series("validation"))
        usable = np.where(np.isfinite(losses), losses, np.inf)
        if len(usable) < 2 or not np.isfinite(usable).any():
            return None
        best = int(usable.argmin())
        epochs = epochs_between(self._run, int(steps[best]), int(steps[-1]), len(steps) - 1 - best)
        lowest, last = float(usable[best]), float(usable[-1])
        if epochs < PATIENCE or lowest <= 0 or not VALIDATION_RISE.warning.passed(last / lowest, holds):
            return None
        then, now = mean_around(self._run, int(steps[best])), mean_around(self._run, int(steps[-1]))
        if then is None or now is None or now >= 0.95 * then or self._course.guesses():
            return None
        train = self._course.accuracy(STUCK_STEPS, 1)
        _, accuracies = self._run.scalars(ACCURACY.series("validation"))
        evidence = (
            f"The lowest was {measured(lowest)} at step {steps[best]}, now it is {measured(losses[-1])}. Meanwhile the "
            f"training loss, the mean of the {MEAN_STEPS} batches before, fell from {measured(then)} to "
            f"{measured(now)}: the network learns the examples by heart."
        )
        if len(accuracies) and train is not None:
            held = float(accuracies[-1])
            count = self._course.data.examples[1] if self._course.data is not None else 0
            luck = 2 * math.sqrt(max(held * (1 - held), 0.0) / count) if count else 0.0
            if not ACCURACY_GAP.warning.passed(train - held - luck, holds):
                return None
            evidence += (
                f" Of the training examples {percent(train)} are right (mean of the last {STUCK_STEPS} batches), of "
                f"the validation examples {percent(held)}."
            )
        return Cause(
            "no_improvement",
            Verdict(
                "warning" if epochs >= LONG_PATIENCE else "information",
                f"The validation loss has not improved for {epochs} epochs.",
                evidence,
                cures=(Cure("Restore the best weights", "restore_best"), why("loss")),
            ),
            _OF_THE_RESULT,
        )

    def _under_fitting(self, holds: bool) -> Cause | None:
        """The loss has come to rest, and the nearest neighbours do better."""
        course = self._course
        accuracies = self._validation_accuracies()
        half = len(course.losses) // 3
        epochs, _ = self._run.scalars(EPOCH.series())
        if not len(accuracies) or half < STUCK_STEPS or len(epochs) < _RESTED_EPOCHS:
            return None
        earlier, later = float(course.losses[-2 * half : -half].mean()), float(course.losses[-half:].mean())
        if not earlier > 0 or LOSS_FALL.low.undercut(later / earlier):
            return None
        train = course.accuracy(STUCK_STEPS)
        neighbours = self._neighbours()
        if neighbours is None or train is None:
            return None
        held = float(accuracies.mean())
        if not MISSED_ACCURACY.warning.passed(neighbours.accuracy - max(held, train), holds):
            return None
        return Cause(
            "under_fitting",
            Verdict(
                "information",
                "The loss has come to rest, and there is more to learn.",
                f"The training loss no longer falls, at {percent(train)} of the training examples right (mean of the "
                f"last {STUCK_STEPS} batches) and {percent(held)} of the validation examples (mean of "
                f"{len(accuracies)} epochs). The nearest training examples alone get {percent(neighbours.accuracy)}: "
                "a network with more units or layers may, too.",
                cures=(why("loss"),),
            ),
        )


def usual_rate(optimizer: OptimizerSpec | None) -> float | None:
    """The learning rate that an optimizer has unless it is told otherwise."""
    default = optimizer.param("learning_rate").default if optimizer is not None else None
    return float(default) if isinstance(default, (int, float)) else None


def lower_rates(rate: float, usual: float | None, old: float | None = None) -> tuple[float, ...]:
    """Which lower rates are worth trying: the one before, and those around the optimizer's default.

    Args:
        rate: What is too high.
        usual: That default.
        old: The rate before.
    """
    wanted = {10 * usual, usual, usual / 10} if usual else {rate / 10, rate / 100, rate / 1000}
    if usual and rate <= 10 * usual:
        wanted |= {rate / 3, rate / 10}
    if old is not None and old > 0:
        wanted.add(old)
    lower = sorted({_round(one) for one in wanted if one < rate / 1.2}, reverse=True)
    return tuple(lower[:_MOST_RATES])


def _higher_rates(rate: float, usual: float | None) -> tuple[float, ...]:
    wanted = {usual, 10 * usual, usual / 10, rate * 10} if usual else {rate * 10, rate * 100, rate * 1000}
    return tuple(sorted({_round(one) for one in wanted if one > rate * 1.2})[:_MOST_RATES])


def go_back(answer: RateAnswer) -> Cure:
    """To where a trial began, with the rate that did best."""
    value = plain_number(answer.rate or 0.0)
    return Cure(f"Go back to step {answer.step}, with a learning rate of {value}", "go_back", f"{answer.step} {value}")


def what_was_tried(answer: RateAnswer) -> str:
    """What a trial showed."""
    return (
        f" Tried on a copy: {answer.steps} steps with {plain_number(answer.rate or 0.0)} from step {answer.step} on "
        f"take the loss from {measured(answer.before)} to {measured(answer.after)}, both the mean of the same batches."
    )


def _round(rate: float) -> float:
    """One digit: nobody means more by a learning rate."""
    return float(f"{rate:.1g}")
