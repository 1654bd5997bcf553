"""What the program notices by itself: rules over the series of a run, and what is the cause of what.

:meth:`FindingRules.examine` looks at a run and gives back what changed: findings that now hold, those whose text is out
of date, and, with the severity ``resolved``, those that no longer hold. It remembers nothing of its own (what holds
stands in the run), so it may be asked at any time and survives going back in time. A rule that holds is given up at a
lower mark than the one at which it began, so that findings do not flicker. The marks stand with the quantities;
one that declares a remark is watched here without a rule of its own.

There are two kinds of rules. **Signs** say what is to be seen: dead units, a gradient that explodes, an accuracy no
better than guessing. **Causes** say why. They are asked in one order, what excludes the others first, and the first
that holds is the cause: what is so from the first step on, before anything was trained, comes before what training
did, and that before what is said of its result. The signs that a cause explains are folded under it
(:attr:`Finding.cause`); a sign that none explains stands for itself, and where the network learns well it is no more
than information. What is only a worry when nothing is learned is not said of a network that learns.

A learning rate is offered only after it was tried on a copy of the network (``ask``, see
:mod:`nnviz.train.rate_trials`): the cure then says what came of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnviz.probes.evidence import Ask, DataEvidence, Neighbours, RateAnswer, RateQuestion
from nnviz.project import registry
from nnviz.project.checks.shapes import infer, inputs_of
from nnviz.project.declared.optimizers import OptimizerSpec
from nnviz.project.model import Graph, Shape
from nnviz.record.quantities import (
    ABOVE_CHANCE,
    ACCURACY,
    ACCURACY_GAP,
    DEAD_AT_FIRST,
    DEAD_FRACTION,
    DEAD_SINCE,
    DEAD_UNITS,
    EPOCH,
    FINDING,
    GRADIENT_NORM,
    GRADIENT_RATIO,
    LEARNING_RATE,
    LOSS,
    LOSS_FALL,
    LOSS_LEFT,
    LOSS_RISE,
    MAJORITY,
    MISSED_ACCURACY,
    QUANTITIES,
    UPDATE_OF_THE_STUCK,
    UPDATE_OF_THE_THROWN,
    UPDATE_RATIO,
    VALIDATION_RISE,
    WEIGHTS,
    Quantity,
    Remark,
    percent,
)
from nnviz.record.readings import ArrayReading, Cure, Finding, Scalar
from nnviz.record.run import Run, RunView

#: Epochs without improvement after which it is mentioned, and after which it is a warning.
PATIENCE, LONG_PATIENCE = 2, 5
#: Steps over which the accuracy is averaged before it is called stuck.
STUCK_STEPS = 100
#: Measurements over which gradients and updates are averaged (their median is taken).
_RECENT = 10
#: An existing finding is told anew, with newer numbers, once this share of all steps has passed since.
_STALE = 0.02
#: Steps over which the loss is averaged before and after a change of the learning rate, and at the start.
_SPAN = 20
#: The first gradients and updates are those of the first two steps: before the training has changed much.
_FIRST_STEP = 2
#: A learning rate that grows by less than this factor is no event.
_EVENT = 1.5
#: Fewer examples than this say nothing about guessing.
_FEW_EXAMPLES = 32
#: Epochs in which the network must not have moved before its result is judged.
_SETTLED_EPOCHS = 3
#: And in which its loss must not have fallen before it is said that it has come to rest: some wait before they learn.
_RESTED_EPOCHS = 20
#: Standard deviations that the accuracy of so many examples may lie above guessing by luck.
_LUCK = 3.0
#: Learning rates that are tried at once.
_MOST_RATES = 4
NOT_FINITE = FINDING.series("not_finite")


@dataclass(frozen=True, slots=True)
class _Verdict:
    severity: str
    text: str
    evidence: str = ""
    node: str = ""
    cures: tuple[Cure, ...] = ()
    #: What helps, if this is what is wrong; not said of a symptom, which something else helps.
    advice: str = ""


@dataclass(frozen=True, slots=True)
class _Cause:
    """What explains what is to be seen.

    Attributes:
        rule: Its name: that of the sign that it is, or one of its own.
        verdict: What to say.
        explains: What the names of the signs begin with that it explains; empty for all of them.
    """

    rule: str
    verdict: _Verdict
    explains: tuple[str, ...] = ("",)


#: (run, does it hold already) -> what to say, or None where there is nothing to say.
_Rule: TypeAlias = Callable[[RunView, bool], _Verdict | None]
#: What there is to see of a result, and no reason for anything.
_OF_THE_RESULT = ("accuracy_at_chance", "no_improvement", "update_too_small")


class _Course:
    """What the loss, the accuracy and the learning rate of a run have done so far, read once an examination."""

    def __init__(self, run: RunView, classes: int, data: DataEvidence | None) -> None:
        self.steps, losses = run.scalars(LOSS.series("train"))
        self.losses: NDArray[np.float64] = np.where(np.isfinite(losses), losses, np.inf)
        self.broken = any(finding.series == NOT_FINITE for finding in run.findings())
        self.classes = classes
        self.shares = data.shares if data is not None else ()
        self.examples = data.examples if data is not None else None
        _, self.accuracies = run.scalars(ACCURACY.series("train"))
        self.rate_steps, self.rates = run.scalars(LEARNING_RATE.series())

    @property
    def chance(self) -> float:
        """What always naming the most frequent class would get right."""
        return max((1 / self.classes, *self.shares)) if self.classes else 0.0

    @property
    def first(self) -> float:
        """Loss at the start: the least of the first batches, of which a rate that is too high spoils all but one."""
        return float(np.min(self.losses[:3])) or float(np.mean(self.losses[:3])) if len(self.losses) else math.nan

    @property
    def now(self) -> float:
        """Mean loss of the last steps."""
        return float(np.mean(self.losses[-_SPAN:])) if len(self.losses) else math.nan

    def accuracy(self, count: int, least: int | None = None) -> float | None:
        """Mean over the last steps; None before there are so many (or ``least``)."""
        values = self.accuracies[-count:]
        return float(values.mean()) if len(values) >= (count if least is None else least) else None

    def guesses(self, count: int = STUCK_STEPS, *, holds: bool = False, least: int | None = None) -> bool | None:
        """Whether the accuracy is no better than guessing; None where that is not known."""
        accuracy = self.accuracy(count, least)
        if self.classes < 2 or accuracy is None:
            return None
        spread = self.chance * (1 - self.chance)
        return ABOVE_CHANCE.low.undercut((accuracy - self.chance) / spread, holds) if spread > 0 else False

    def learns(self, holds: bool = False) -> bool | None:
        """Whether it has learned something: it does better than guessing, and than at the start. None if not known.

        Args:
            holds: That it does not is what was found.
        """
        if len(self.losses) < _SPAN:
            guesses = self.guesses(_SPAN)
            return None if guesses is None else not guesses
        guesses = self.guesses(holds=holds, least=_SPAN)
        return not self.stands(holds) and not guesses

    def stands(self, holds: bool = False) -> bool:
        """Whether the loss is what it was at the start."""
        return self.first > 0 and LOSS_LEFT.warning.passed(self.now / self.first, holds)

    def raised_at(self) -> int | None:
        """Index of the last learning rate that is much higher than the one before; None where it never rose."""
        if len(self.rates) < 2:
            return None
        grown = np.flatnonzero(self.rates[1:] > _EVENT * self.rates[:-1])
        return int(grown[-1]) + 1 if len(grown) else None


class FindingRules:
    """Looks through a run for what goes wrong, and says it in findings with cures.

    Args:
        graph: The network.
        classes: Number of classes the target has (2 for yes or no); 0 where nothing can be right or wrong.
        data: What is known of the data; None where nothing is.
        optimizer: With which it is trained: its default is one of the learning rates that are tried.

    Attributes:
        needs: The quantities that the rules read: measured whether somebody looks at them or not.
    """

    needs: frozenset[Quantity] = frozenset(
        {LOSS, ACCURACY, EPOCH, LEARNING_RATE, DEAD_UNITS, DEAD_SINCE, WEIGHTS, GRADIENT_NORM, UPDATE_RATIO}
        | {quantity for quantity in QUANTITIES if quantity.remark is not None}
    )

    def __init__(
        self,
        graph: Graph,
        classes: int = 0,
        data: DataEvidence | None = None,
        optimizer: OptimizerSpec | None = None,
    ) -> None:
        self._graph = graph
        self._classes = classes
        self._data = data
        self._optimizer = optimizer
        inference = infer(graph)
        self._shapes: dict[str, Shape] = {node: result.output for node, result in inference.results.items()}
        order = [node for node in inference.order if node in self._shapes]
        kinds = {node: registry.layer(graph.nodes[node].kind) for node in order}
        self._weighted = [node for node in order if kinds[node].weight_view]
        self._rectifiers = [node for node in order if kinds[node].rectifier]
        # A network that ends in a sigmoid is right to be sure of itself.
        last = {source for node in order if graph.nodes[node].kind == "output" for source in inputs_of(graph, node)}
        self._saturating = [node for node in order if kinds[node].saturates and node not in last]
        self._signs: dict[str, _Rule] = {
            **{DEAD_UNITS.series(node): self._for(self._dead_units, node) for node in self._rectifiers},
            **{f"equal_units/{node}": self._for(self._equal_units, node) for node in self._weighted[:-1]},
            "exploding_gradient": self._exploding_gradient,
            **{
                quantity.series(node): self._for(partial(self._remark, quantity, remark), node)
                for quantity in QUANTITIES
                if (remark := quantity.remark) is not None
                for node in order
                if not quantity.layers or getattr(kinds[node], quantity.layers)
                if not (remark.spares_last and node in last)
            },
            "accuracy_at_chance": self._accuracy_at_chance,
        }
        #: These are worth saying only beside a cause: of themselves they may be just right.
        self._signs_of_a_cause: dict[str, _Rule] = {
            "vanishing_gradient": self._vanishing_gradient,
            "update_too_large": self._update_too_large,
        }
        self._ask: Ask = _nobody
        self._course = _Course(_NOTHING, 0, None)

    def examine(self, run: RunView, ask: Ask | None = None) -> list[Finding]:
        """What changed since the findings that stand in the run; to be appended to it.

        Args:
            run: What was measured.
            ask: Tries learning rates; without it none is offered.
        """
        step = run.last_step
        if step < 0:
            return []
        self._ask = ask or _nobody
        self._course = _Course(run, self._classes, self._data)
        holding = {finding.series: finding for finding in run.findings()}
        found: dict[str, _Verdict] = {}
        for name, rule in (*self._signs.items(), *self._signs_of_a_cause.items()):
            verdict = rule(run, FINDING.series(name) in holding)
            if verdict is not None:
                found[name] = verdict
        broken = holding.get(NOT_FINITE)
        cause = self._cause(run, found, lambda name: FINDING.series(name) in holding)
        if cause is None and broken is not None:
            cause = _Cause("not_finite", _Verdict(broken.severity, broken.text))
        changed: list[Finding] = []
        if broken is not None:
            above = "" if cause is None or cause.rule == "not_finite" else FINDING.series(cause.rule)
            if broken.cause != above:
                changed.append(replace(broken, cause=above))
        holding.pop(NOT_FINITE, None)
        if cause is not None and cause.rule != "not_finite":
            folded = (said for name, said in found.items() if name.startswith(cause.explains))
            # It is as grave as what it does.
            grave = any(said.severity == "error" for said in (cause.verdict, *folded))
            found[cause.rule] = replace(cause.verdict, severity="error") if grave else cause.verdict
        own = {FINDING.series(name) for name in (*self._signs, *self._signs_of_a_cause, *_CAUSES)}
        told: set[str] = set()
        for name, said in found.items():
            verdict, above = said, ""
            if cause is not None and name != cause.rule and name.startswith(cause.explains):
                above = FINDING.series(cause.rule)
            elif name in self._signs_of_a_cause and (cause is None or name != cause.rule):
                continue
            elif (cause is None or name != cause.rule) and self._course.learns() and name.startswith(_MILD):
                # What does no harm is no alarm: good to know where it is much, and else the card's to show.
                if said.severity != "error":
                    continue
                verdict = replace(said, severity="information")
            series = FINDING.series(name)
            evidence = verdict.evidence if above else f"{verdict.evidence} {verdict.advice}".rstrip()
            told.add(series)
            before = holding.get(series)
            finding = Finding(
                series, step, verdict.severity, verdict.text, evidence, verdict.node, verdict.cures, above
            )
            if before is None or self._is_news(finding, before):
                changed.append(finding)
        for series, before in holding.items():
            if series in own and series not in told:
                changed.append(Finding(series, step, "resolved", before.text, before.evidence, before.node))
        return changed

    @staticmethod
    def _is_news(finding: Finding, before: Finding) -> bool:
        if (finding.severity, finding.cause, finding.cures) != (before.severity, before.cause, before.cures):
            return True
        return finding.text != before.text and finding.step - before.step > _STALE * finding.step

    @staticmethod
    def _for(rule: Callable[[str, RunView, bool], _Verdict | None], node: str) -> _Rule:
        return lambda run, holds: rule(node, run, holds)

    def _name(self, node: str) -> str:
        return self._graph.nodes[node].name or node

    # -- what is the cause --------------------------------------------------------------------------------------------

    def _cause(self, run: RunView, found: dict[str, _Verdict], holds: Callable[[str], bool]) -> _Cause | None:
        """The first of all causes that holds."""
        return (
            self._constant_input()
            or self._sign(found, "equal_units/")
            or self._raised_too_far(run, holds("learning_rate_too_high"))
            or self._dead_from_the_start(run, found)
            or self._exploding_from_the_start(run, found)
            or (self._vanishing_from_the_start(run, found))
            or self._too_high_from_the_start(run, holds("learning_rate_too_high"))
            or self._sign(found, "vanishing_gradient", not self._course.learns())
            or self._too_low(run, holds("update_too_small"))
            or self._no_signal(run, holds("no_signal"))
            or self._only_majority(run)
            or self._over_fitting(run, holds("no_improvement"))
            or self._under_fitting(run, holds("under_fitting"))
        )

    @staticmethod
    def _sign(found: dict[str, _Verdict], prefix: str, holds: bool = True) -> _Cause | None:
        """A sign that is a cause of others itself."""
        name = next((name for name in found if name.startswith(prefix)), None) if holds else None
        return None if name is None else _Cause(name, found[name])

    def _constant_input(self) -> _Cause | None:
        """All examples are the same."""
        if self._data is None or not self._data.constant:
            return None
        return _Cause(
            "constant_input",
            _Verdict(
                "error",
                "All examples look the same to the network.",
                "After their preparation the inputs of all of them are equal, so that nothing can be learned from them."
                " Look at the data and at its preparation.",
            ),
        )

    def _dead_from_the_start(self, run: RunView, found: dict[str, _Verdict]) -> _Cause | None:
        """Most units of a layer were dead before anything was trained."""
        for node in self._rectifiers:
            name = DEAD_UNITS.series(node)
            dead, since = run.latest(name), run.latest(DEAD_SINCE.series(node))
            if name not in found or not isinstance(dead, ArrayReading) or not isinstance(since, ArrayReading):
                continue
            flags = dead.array.astype(bool)
            early = (since.array[flags] <= 0).sum() / dead.array.size if dead.array.size else 0.0
            if early >= DEAD_FRACTION.bands.error and not self._course.learns():
                verdict = found[name]
                evidence = f"{verdict.evidence} Biases far below 0 or the initialisation of the layer before do that."
                return _Cause(name, replace(verdict, evidence=evidence))
        return None

    def _exploding_from_the_start(self, run: RunView, found: dict[str, _Verdict]) -> _Cause | None:
        """The gradient was beyond its mark before anything was trained."""
        if self._course.learns() or not ("exploding_gradient" in found or self._course.broken):
            return None
        firsts = ((_first(run, GRADIENT_NORM.series(node)), node) for node in self._weighted)
        worst = max(((_or_infinity(norm), node) for norm, node in firsts if norm is not None), default=None)
        if worst is None or not GRADIENT_NORM.bands.warning.passed(worst[0]):
            return None
        norm, node = worst
        return _Cause(
            "exploding_gradient",
            _Verdict(
                "error" if self._course.broken else "warning",
                f"The gradient of {self._name(node)} explodes from the start.",
                f"Its norm is {_number(norm)} at the first step, before anything was trained: the initial weights or "
                "the inputs are too large. He or Xavier initialisation, scaled inputs or normalisation help.",
                node,
                (_help("gradients"),),
            ),
        )

    def _vanishing_from_the_start(self, run: RunView, found: dict[str, _Verdict]) -> _Cause | None:
        """Nothing of the gradient arrived at the first layer before anything was trained."""
        if self._course.learns() or "vanishing_gradient" not in found:
            return None
        norms = [(node, _first(run, GRADIENT_NORM.series(node))) for node in self._weighted]
        return self._sign(found, "vanishing_gradient") if self._vanishes(norms, False) else None

    def _raised_too_far(self, run: RunView, holds: bool) -> _Cause | None:
        """The loss jumped up after the learning rate had been raised."""
        course = self._course
        index = course.raised_at()
        if index is None:
            return None
        step = int(course.rate_steps[index])
        split = int(np.searchsorted(course.steps, step, side="right"))
        before, after = course.losses[max(split - _SPAN, 0) : split], course.losses[split:]
        if len(before) < _SPAN // 2 or (len(after) < _SPAN // 2 and not course.broken):
            return None
        low, now = float(before.mean()), float(after[-_SPAN:].mean()) if len(after) else math.inf
        # It must be worth mentioning beside what there was to learn.
        risen = math.inf if course.broken else (now - low) / max(low, 0.02 * course.first)
        if not LOSS_RISE.warning.passed(1 + risen, holds):
            return None
        old, new = float(course.rates[index - 1]), float(course.rates[index])
        high = float(after[: 2 * _SPAN].max()) if len(after) else math.inf
        reached = int(np.argmax(after >= low + 0.5 * (high - low))) if math.isfinite(high) and len(after) else 0
        within = int(course.steps[split + reached]) - step if len(after) else 1
        rise = (
            f"The loss rose from {_number(low)} to {_number(high)} within {max(within, 1)} "
            f"{'step' if within <= 1 else 'steps'}"
            if math.isfinite(high)
            else f"The loss was {_number(low)} and is no longer finite"
        )
        evidence = f"{rise} after the learning rate was changed from {_number(old)} to {_number(new)} at step {step}."
        question = RateQuestion(self._lower_rates(new, old), max(step, 0))
        return self._too_high(new, evidence, question)

    def _too_high_from_the_start(self, run: RunView, holds: bool) -> _Cause | None:
        """Nothing is learned, and some update has thrown a layer about."""
        course = self._course
        rate = _learning_rate(run)
        if rate is None or (len(course.losses) < _SPAN and not course.broken):
            return None
        if not course.broken and course.learns(holds) is not False:
            return None
        peaks = ((self._largest_update(run, node), node) for node in self._weighted)
        worst = max(((peak, node) for peak, node in peaks if peak is not None), default=None)
        if worst is None:
            return None
        peak, node = worst
        if not UPDATE_OF_THE_THROWN.warning.passed(peak, holds) and not self._keeps_moving(run, holds):
            return None
        rate = float(course.rates[0]) if len(course.rates) else rate
        evidence = f"{self._name(node)} changed by {percent(peak)} of its size in one step; about 0.1 % is healthy."
        if math.isfinite(course.first) and math.isfinite(course.now):
            evidence += f" The loss was {_number(course.first)} at the start and is {_number(course.now)} now."
        return self._too_high(rate, evidence, RateQuestion(self._lower_rates(rate, None), 0))

    def _keeps_moving(self, run: RunView, holds: bool) -> bool:
        """Whether some layer changes too much at each step."""
        ratios = (_recent(run, UPDATE_RATIO.series(node)) for node in self._weighted)
        return any(
            UPDATE_RATIO.bands.warning.passed(ratio, holds)
            for ratio in ratios
            if ratio is not None and math.isfinite(ratio)
        )

    def _largest_update(self, run: RunView, node: str) -> float | None:
        """The largest update of a layer; that of one which began at zero has no size to compare with."""
        _, values = run.scalars(UPDATE_RATIO.series(node))
        known = values[np.isfinite(values)]
        if not len(known) or (len(values) and math.isinf(values[0])):
            return None
        return float(known.max())

    def _too_high(self, rate: float, evidence: str, question: RateQuestion) -> _Cause:
        answer = self._ask(question)
        cures: tuple[Cure, ...] = ()
        if answer is not None and answer.rate is not None:
            value = _number(answer.rate)
            title = f"Go back to step {answer.step}, with a learning rate of {value}"
            cures = (Cure(title, "go_back", f"{answer.step} {value}"),)
            evidence += _tried(answer)
        return _Cause(
            "learning_rate_too_high",
            _Verdict(
                "error" if self._course.broken else "warning",
                f"The learning rate of {_number(rate)} is too high.",
                evidence,
                cures=(*cures, _help("update_ratios")),
            ),
        )

    def _lower_rates(self, rate: float, old: float | None) -> tuple[float, ...]:
        """Which lower rates are worth trying: the one before, and those around the optimizer's default."""
        usual = self._usual_rate
        wanted = {10 * usual, usual, usual / 10} if usual else {rate / 10, rate / 100, rate / 1000}
        if usual and rate <= 10 * usual:
            wanted |= {rate / 3, rate / 10}
        if old is not None and old > 0:
            wanted.add(old)
        lower = sorted({_round(one) for one in wanted if one < rate / 1.2}, reverse=True)
        return tuple(lower[:_MOST_RATES])

    @property
    def _usual_rate(self) -> float | None:
        if self._optimizer is None:
            return None
        default = self._optimizer.param("learning_rate").default
        return float(default) if isinstance(default, (int, float)) else None

    def _too_low(self, run: RunView, holds: bool) -> _Cause | None:
        """The loss stays what it was, and no layer moves worth mentioning."""
        course = self._course
        ratios = [_recent(run, UPDATE_RATIO.series(node)) for node in self._weighted]
        known = [ratio for ratio in ratios if ratio is not None and math.isfinite(ratio)]
        learned = course.accuracy(_SPAN)
        rate = _learning_rate(run)
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
        evidence = f"No layer changes by more than {_number(max(known))} of its size at a step; about 0.001 is healthy."
        cures: tuple[Cure, ...] = ()
        answer = self._ask(RateQuestion(self._higher_rates(rate))) if rate else None
        if answer is not None and answer.rate is not None:
            value = _number(answer.rate)
            cures = (Cure(f"Try {value}", "set_learning_rate", value),)
            evidence += _tried(answer)
        text = (
            f"The learning rate of {_number(rate)} is too low: the weights hardly move."
            if rate
            else ("The weights hardly move.")
        )
        return _Cause(
            "update_too_small",
            _Verdict("warning" if stuck else "information", text, evidence, cures=(*cures, _help("update_ratios"))),
            ("accuracy_at_chance", "no_improvement", "vanishing_gradient"),
        )

    def _higher_rates(self, rate: float) -> tuple[float, ...]:
        usual = self._usual_rate
        wanted = {usual, 10 * usual, usual / 10, rate * 10} if usual else {rate * 10, rate * 100, rate * 1000}
        return tuple(sorted({_round(one) for one in wanted if one > rate * 1.2})[:_MOST_RATES])

    def _neighbours(self) -> Neighbours | None:
        return None if self._data is None else self._data.neighbours()

    def _validation_accuracies(self, run: RunView) -> NDArray[np.float64]:
        """Of the last epochs; empty before there are enough of them."""
        _, values = run.scalars(ACCURACY.series("validation"))
        enough = len(values) >= _SETTLED_EPOCHS and len(self._course.losses) >= STUCK_STEPS
        return values[-_SETTLED_EPOCHS:] if enough else values[:0]

    def _no_signal(self, run: RunView, holds: bool) -> _Cause | None:
        """On examples that it has not seen it guesses, and so do the nearest neighbours."""
        course, data = self._course, self._data
        accuracies = self._validation_accuracies(run)
        if data is None or not len(accuracies) or self._classes < 2:
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
            heart = f" The {percent(train)} of the training examples that are right are learned by heart."
        return _Cause(
            "no_signal",
            _Verdict(
                "warning",
                "The inputs say nothing about the answers.",
                f"Of the validation examples {right} are right: guessing would be as good, and the nearest training "
                f"examples know no better ({percent(neighbours.accuracy)}).{heart} Inputs or labels may have been "
                "mixed up.",
                cures=(_help("loss"),),
            ),
            _OF_THE_RESULT,
        )

    def _only_majority(self, run: RunView) -> _Cause | None:
        """It always names the most frequent class."""
        data = self._data
        accuracies = self._validation_accuracies(run)
        if data is None or not data.validation_shares or not len(accuracies) or data.examples[1] < _FEW_EXAMPLES:
            return None
        share = max(data.validation_shares)
        which = data.validation_shares.index(share)
        if not MAJORITY.warning.passed(share) or share == 1 or np.abs(accuracies - share).max() > 1e-6:
            return None
        name = f"“{data.class_names[which]}”" if which < len(data.class_names) else f"class {which}"
        return _Cause(
            "only_majority",
            _Verdict(
                "warning",
                f"The network answers {name} to everything.",
                f"{percent(share)} of the examples are {name}, and just these are right. Show it the rare classes more "
                "often, or train it longer: the accuracy says little here.",
                cures=(_help("loss"),),
            ),
            _OF_THE_RESULT,
        )

    def _over_fitting(self, run: RunView, holds: bool) -> _Cause | None:
        """The validation loss rises while the training loss falls, of a network that has learned something."""
        steps, losses = run.scalars(LOSS.series("validation"))
        usable = np.where(np.isfinite(losses), losses, np.inf)
        if len(usable) < 2 or not np.isfinite(usable).any():
            return None
        best = int(usable.argmin())
        epochs = self._epochs_between(run, int(steps[best]), int(steps[-1]), len(steps) - 1 - best)
        lowest, last = float(usable[best]), float(usable[-1])
        if epochs < PATIENCE or lowest <= 0 or not VALIDATION_RISE.warning.passed(last / lowest, holds):
            return None
        then, now = _mean_around(run, int(steps[best])), _mean_around(run, int(steps[-1]))
        if then is None or now is None or now >= 0.95 * then or self._course.guesses():
            return None
        train = self._course.accuracy(STUCK_STEPS, 1)
        _, accuracies = run.scalars(ACCURACY.series("validation"))
        evidence = (
            f"The lowest was {_number(lowest)} at step {steps[best]}, now it is {_number(losses[-1])}. Meanwhile the "
            f"training loss fell from {_number(then)} to {_number(now)}: the network learns the examples by heart."
        )
        if len(accuracies) and train is not None:
            held = float(accuracies[-1])
            count = self._data.examples[1] if self._data is not None else 0
            luck = 2 * math.sqrt(max(held * (1 - held), 0.0) / count) if count else 0.0
            if not ACCURACY_GAP.warning.passed(train - held - luck, holds):
                return None
            evidence += f" Of these {percent(train)} are right, of the validation examples {percent(held)}."
        return _Cause(
            "no_improvement",
            _Verdict(
                "warning" if epochs >= LONG_PATIENCE else "information",
                f"The validation loss has not improved for {epochs} epochs.",
                evidence,
                cures=(Cure("Restore the best weights", "restore_best"), _help("loss")),
            ),
            _OF_THE_RESULT,
        )

    def _under_fitting(self, run: RunView, holds: bool) -> _Cause | None:
        """The loss has come to rest, and the nearest neighbours do better."""
        course = self._course
        accuracies = self._validation_accuracies(run)
        half = len(course.losses) // 3
        epochs, _ = run.scalars(EPOCH.series())
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
        return _Cause(
            "under_fitting",
            _Verdict(
                "information",
                "The loss has come to rest, and there is more to learn.",
                f"The loss no longer falls, at {percent(train)} of the training and {percent(held)} of the validation "
                f"examples right. The nearest training examples alone get {percent(neighbours.accuracy)}: a network "
                "with more units or layers may, too.",
                cures=(_help("loss"),),
            ),
        )

    # -- what is to be seen -------------------------------------------------------------------------------------------

    def _dead_units(self, node: str, run: RunView, holds: bool) -> _Verdict | None:
        dead, since = run.latest(DEAD_UNITS.series(node)), run.latest(DEAD_SINCE.series(node))
        if not isinstance(dead, ArrayReading) or not isinstance(since, ArrayReading) or not dead.array.size:
            return None
        count, units = int(dead.array.sum()), dead.array.size
        if not DEAD_FRACTION.bands.warning.passed(count / units, holds):
            return None
        noun = "channel" if len(self._shapes[node]) > 1 else "unit"
        noun, verb = (noun + "s", "are") if units > 1 else (noun, "is")
        steps = since.array[dead.array.astype(bool)]
        # Deep networks start so, learn all the same, and many units wake up.
        trained = self._course.steps
        early = trained[-1] < STUCK_STEPS if len(trained) else steps.max() <= 0
        if early and not DEAD_AT_FIRST.warning.passed(count / units, holds):
            return None
        when = f"since step {int(steps.max())}" if steps.max() > 0 else "from the start"
        images = dead.meta.get("images")
        evidence = f"Their output is 0 for all {images} probe images." if images else "Their output is always 0."
        return _Verdict(
            "error" if count / units >= DEAD_FRACTION.bands.error else "warning",
            f"{self._name(node)}: {count} of {units} {noun} {verb} dead {when}.",
            evidence,
            node,
            (Cure("Show units", "show_units", node), _help("dead_units")),
        )

    def _equal_units(self, node: str, run: RunView, holds: bool) -> _Verdict | None:
        weights = run.latest(WEIGHTS.series(node))
        if not isinstance(weights, ArrayReading) or weights.array.ndim < 2 or len(weights.array) < 2:
            return None
        rows = weights.array.reshape(len(weights.array), -1)
        if not np.array_equal(rows[0], rows[1]) or not (rows == rows[0]).all():
            return None
        noun = "channels" if weights.array.ndim > 2 else "units"
        return _Verdict(
            "warning",
            f"All {weights.meta.get('of', len(rows))} {noun} of {self._name(node)} are equal.",
            "They have the same weights, get the same gradient and so stay equal: together they do no more than one.",
            node,
            (_help("filters"),),
            "Weights must start at random, not all alike.",
        )

    def _vanishes(self, norms: list[tuple[str, float | None]], holds: bool) -> bool:
        """Whether hardly anything of the last layer's gradient arrives at the first one."""
        known = [norm for _, norm in norms if norm is not None and math.isfinite(norm)]
        return len(known) > 1 and known[-1] > 0 and GRADIENT_RATIO.low.undercut(known[0] / known[-1], holds)

    def _vanishing_gradient(self, run: RunView, holds: bool) -> _Verdict | None:
        norms = [(node, _recent(run, GRADIENT_NORM.series(node))) for node in self._weighted]
        if not self._vanishes(norms, holds):
            return None
        known = [(node, norm) for node, norm in norms if norm is not None and math.isfinite(norm)]
        (first, small), (last, large) = known[0], known[-1]
        squashed = ", ".join(self._name(node) for node in self._saturating[:3])
        if len(self._saturating) > 3:
            squashed += f" and {len(self._saturating) - 3} more"
        way_out = (
            f"Each of {squashed} lets only a part of it pass: ReLU in their place, Xavier initialisation, "
            "normalisation or fewer layers help."
            if self._saturating
            else "He initialisation, normalisation or fewer layers help."
        )
        return _Verdict(
            "warning",
            f"The gradient vanishes on its way back to {self._name(first)}.",
            f"Its norm is {_number(large)} in {self._name(last)} and {_number(small)} in {self._name(first)}, "
            "which hardly learns.",
            first,
            (_help("gradients"),),
            way_out,
        )

    def _exploding_gradient(self, run: RunView, holds: bool) -> _Verdict | None:
        norms = ((node, _recent(run, GRADIENT_NORM.series(node))) for node in self._weighted)
        worst = max(((norm, node) for node, norm in norms if norm is not None), key=_not_finite_first, default=None)
        if worst is None or not GRADIENT_NORM.bands.warning.passed(_or_infinity(worst[0]), holds):
            return None
        norm, node = worst
        shown = _number(norm) if math.isfinite(norm) else "no longer a finite number"
        return _Verdict(
            "warning" if math.isfinite(norm) else "error",
            f"The gradient of {self._name(node)} explodes.",
            f"Its norm is {shown}.",
            node,
            (_help("gradients"),),
            "A lower learning rate, a smaller initialisation or scaled inputs help.",
        )

    def _update_too_large(self, run: RunView, holds: bool) -> _Verdict | None:
        ratios = ((node, _recent(run, UPDATE_RATIO.series(node))) for node in self._weighted)
        worst = max(
            ((ratio, node) for node, ratio in ratios if ratio is not None and math.isfinite(ratio)), default=None
        )
        if worst is None or not UPDATE_RATIO.bands.warning.passed(worst[0], holds):
            return None
        ratio, node = worst
        return _Verdict(
            "warning",
            f"{self._name(node)} changes by {percent(ratio)} of its size at each step.",
            "About 0.1 % is healthy.",
            node,
            (_help("update_ratios"),),
        )

    def _remark(self, quantity: Quantity, remark: Remark, node: str, run: RunView, holds: bool) -> _Verdict | None:
        """What a quantity says of itself where it lies beyond its mark."""
        found = run.latest(quantity.series(node))
        if not isinstance(found, Scalar) or not quantity.bands.warning.passed(found.value, holds):
            return None
        return _Verdict(
            "error" if found.value >= quantity.bands.error else "warning",
            remark.text.format(node=self._name(node), value=quantity.text(found.value)),
            remark.evidence,
            node,
            (_help(remark.panel),),
        )

    def _accuracy_at_chance(self, run: RunView, holds: bool) -> _Verdict | None:
        course = self._course
        accuracy = course.accuracy(STUCK_STEPS)
        if accuracy is None or not course.guesses(holds=holds):
            return None
        if len(course.losses) >= _SPAN and not course.stands(holds):
            return None  # it is on its way
        if course.examples is not None and course.examples[0] < _FEW_EXAMPLES:
            return None
        guess = (
            f"Among {self._classes} classes one guess in {self._classes} is right."
            if course.chance <= 1 / self._classes + 0.01
            else f"{percent(course.chance)} of the examples are of one class."
        )
        return _Verdict(
            "warning",
            f"The accuracy stands at {percent(accuracy)}: guessing would be as good.",
            guess,
            cures=(_help("loss"),),
            advice="Check the learning rate, the scaling of the inputs and the initialisation.",
        )

    @staticmethod
    def _epochs_between(run: RunView, start: int, end: int, otherwise: int) -> int:
        """Epochs that ended behind one step and up to another; where epochs were not recorded, ``otherwise``."""
        steps, _ = run.scalars(EPOCH.series())
        return int(((steps > start) & (steps <= end)).sum()) if len(steps) else otherwise


def _recent(run: RunView, series: str) -> float | None:
    """The median of the last measurements; NaN if any of them is; None before there are enough."""
    _, values = run.scalars(series)
    return float(np.median(values[-_RECENT:])) if len(values) >= _RECENT else None


def _mean_around(run: RunView, step: int) -> float | None:
    """Mean training loss over the steps before this one, as many as an epoch has, or a hundred."""
    steps, values = run.scalars(LOSS.series("train"))
    end = int(np.searchsorted(steps, step, side="right"))
    window: NDArray[np.float64] = values[max(end - 100, 0) : end]
    return float(window.mean()) if len(window) and np.isfinite(window).all() else None


def _or_infinity(number: float) -> float:
    return math.inf if math.isnan(number) else number


def _not_finite_first(entry: tuple[float, str]) -> float:
    return _or_infinity(entry[0])


def _learning_rate(run: RunView) -> float | None:
    found = run.latest(LEARNING_RATE.series())
    return found.value if isinstance(found, Scalar) and found.value > 0 else None


def _first(run: RunView, series: str) -> float | None:
    """The first measurement, if it was made before the training had changed much."""
    steps, values = run.scalars(series)
    return float(values[0]) if len(values) and steps[0] <= _FIRST_STEP else None


def _tried(answer: RateAnswer) -> str:
    """What a trial showed."""
    return (
        f" Tried on a copy: {answer.steps} steps with {_number(answer.rate or 0.0)} from step {answer.step} on take "
        f"the loss from {_number(answer.before)} to {_number(answer.after)}."
    )


def _nobody(question: RateQuestion) -> None:
    """Nobody tries learning rates."""


def _help(panel: str) -> Cure:
    """The instrument whose help explains it, by its key."""
    return Cure("Why?", "show_help", panel)


def _round(rate: float) -> float:
    """One digit: nobody means more by a learning rate."""
    return float(f"{rate:.1g}")


def _number(value: float) -> str:
    """Three digits, without a needless exponent: 1000 and 0.001, and 2e-08."""
    return f"{float(f'{value:.3g}'):.10g}" if math.isfinite(value) else f"{value:.3g}"


#: Signs that do no harm by themselves where the network learns.
_MILD = (
    DEAD_UNITS.prefix,
    *(quantity.prefix for quantity in QUANTITIES if quantity.remark is not None),
    "exploding_gradient",
)
#: Causes that are no sign of another one.
_CAUSES = (
    "constant_input",
    "learning_rate_too_high",
    "update_too_small",
    "no_signal",
    "only_majority",
    "no_improvement",
    "under_fitting",
)
_NOTHING = Run()
