"""What the program notices by itself: rules over the series of a run.

:meth:`FindingRules.examine` looks at a run and gives back what changed: findings that now hold, those whose text is out
of date, and, with the severity ``resolved``, those that no longer hold. It remembers nothing of its own (what holds
stands in the run), so it may be asked at any time and survives going back in time. A rule that holds is given up at a
lower mark than the one at which it began, so that findings do not flicker. The marks stand with the quantities;
one that declares a remark is watched here without a rule of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnviz.project import registry
from nnviz.project.checks.shapes import infer, inputs_of
from nnviz.project.model import Graph, Shape
from nnviz.record.quantities import (
    ACCURACY,
    DEAD_FRACTION,
    DEAD_SINCE,
    DEAD_UNITS,
    EPOCH,
    FINDING,
    GRADIENT_NORM,
    GRADIENT_RATIO,
    LEARNING_RATE,
    LOSS,
    QUANTITIES,
    UPDATE_RATIO,
    WEIGHTS,
    Mark,
    Quantity,
    Remark,
    percent,
)
from nnviz.record.readings import ArrayReading, Cure, Finding, Scalar
from nnviz.record.run import RunView

#: Epochs without improvement after which it is mentioned, and after which it is a warning.
PATIENCE, LONG_PATIENCE = 2, 5
#: Steps over which the accuracy is averaged before it is called stuck.
STUCK_STEPS = 100
#: Measurements over which gradients and updates are averaged (their median is taken).
_RECENT = 10
#: An existing finding is told anew, with newer numbers, once this share of all steps has passed since.
_STALE = 0.02


@dataclass(frozen=True, slots=True)
class _Verdict:
    severity: str
    text: str
    evidence: str = ""
    node: str = ""
    cures: tuple[Cure, ...] = ()


#: (run, does it hold already) -> what to say, or None where there is nothing to say.
_Rule: TypeAlias = Callable[[RunView, bool], _Verdict | None]


class FindingRules:
    """Looks through a run for what goes wrong, and says it in findings with cures.

    Args:
        graph: The network.
        classes: Number of classes the target has (2 for yes or no); 0 where nothing can be right or wrong.

    Attributes:
        needs: The quantities that the rules read: measured whether somebody looks at them or not.
    """

    needs: frozenset[Quantity] = frozenset(
        {LOSS, ACCURACY, EPOCH, LEARNING_RATE, DEAD_UNITS, DEAD_SINCE, WEIGHTS, GRADIENT_NORM, UPDATE_RATIO}
        | {quantity for quantity in QUANTITIES if quantity.remark is not None}
    )

    def __init__(self, graph: Graph, classes: int = 0) -> None:
        self._graph = graph
        self._classes = classes
        inference = infer(graph)
        self._shapes: dict[str, Shape] = {node: result.output for node, result in inference.results.items()}
        order = [node for node in inference.order if node in self._shapes]
        kinds = {node: registry.layer(graph.nodes[node].kind) for node in order}
        self._weighted = [node for node in order if kinds[node].weight_view]
        rectifiers = [node for node in order if kinds[node].rectifier]
        # A network that ends in a sigmoid is right to be sure of itself.
        last = {source for node in order if graph.nodes[node].kind == "output" for source in inputs_of(graph, node)}
        self._rules: dict[str, _Rule] = {
            **{DEAD_UNITS.series(node): self._for(self._dead_units, node) for node in rectifiers},
            **{f"equal_units/{node}": self._for(self._equal_units, node) for node in self._weighted[:-1]},
            "vanishing_gradient": self._vanishing_gradient,
            "exploding_gradient": self._exploding_gradient,
            "update_too_large": self._update_too_large,
            "update_too_small": self._update_too_small,
            **{
                quantity.series(node): self._for(partial(self._remark, quantity, remark), node)
                for quantity in QUANTITIES
                if (remark := quantity.remark) is not None
                for node in order
                if not quantity.layers or getattr(kinds[node], quantity.layers)
                if not (remark.spares_last and node in last)
            },
            "no_improvement": self._no_improvement,
            "accuracy_at_chance": self._accuracy_at_chance,
        }

    def examine(self, run: RunView) -> list[Finding]:
        """What changed since the findings that stand in the run; to be appended to it."""
        step = run.last_step
        if step < 0:
            return []
        holding = {finding.series: finding for finding in run.findings()}
        changed: list[Finding] = []
        for name, rule in self._rules.items():
            series = FINDING.series(name)
            before = holding.get(series)
            verdict = rule(run, before is not None)
            if verdict is None:
                if before is not None:
                    changed.append(Finding(series, step, "resolved", before.text, before.evidence, before.node))
                continue
            if before is not None and not self._is_news(verdict, before, step):
                continue
            changed.append(
                Finding(series, step, verdict.severity, verdict.text, verdict.evidence, verdict.node, verdict.cures)
            )
        return changed

    @staticmethod
    def _is_news(verdict: _Verdict, before: Finding, step: int) -> bool:
        if verdict.severity != before.severity:
            return True
        return verdict.text != before.text and step - before.step > _STALE * step

    @staticmethod
    def _for(rule: Callable[[str, RunView, bool], _Verdict | None], node: str) -> _Rule:
        return lambda run, holds: rule(node, run, holds)

    def _name(self, node: str) -> str:
        return self._graph.nodes[node].name or node

    # -- the rules ----------------------------------------------------------------------------------------------------

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
        when = f"since step {int(steps.max())}" if steps.max() > 0 else "from the start"
        images = dead.meta.get("images")
        evidence = f"Their output is 0 for all {images} probe images." if images else "Their output is always 0."
        rate = _learning_rate(run)
        if rate and steps.max() > 0:
            evidence += f" The learning rate is {_number(rate)}."
        return _Verdict(
            "error" if count / units >= DEAD_FRACTION.bands.error else "warning",
            f"{self._name(node)}: {count} of {units} {noun} {verb} dead {when}.",
            evidence,
            node,
            (
                Cure("Show units", "show_units", node),
                *(_slower(run, 4) if steps.max() > 0 else ()),
                _help("dead_units"),
            ),
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
            "They have the same weights, get the same gradient and so stay equal: together they do no more than one. "
            "Weights must not start at zero.",
            node,
            (_help("filters"),),
        )

    def _vanishing_gradient(self, run: RunView, holds: bool) -> _Verdict | None:
        norms = [(node, _recent(run, GRADIENT_NORM.series(node))) for node in self._weighted]
        known = [(node, norm) for node, norm in norms if norm is not None and math.isfinite(norm)]
        if len(known) < 2:
            return None
        (first, small), (last, large) = known[0], known[-1]
        if large <= 0 or not GRADIENT_RATIO.low.undercut(small / large, holds):
            return None
        return _Verdict(
            "warning",
            f"The gradient vanishes on its way back to {self._name(first)}.",
            f"Its norm is {_number(large)} in {self._name(last)} and {_number(small)} in {self._name(first)}, "
            "which hardly learns. ReLU instead of sigmoid, He or Xavier initialisation, normalisation or fewer layers "
            "help.",
            first,
            (_help("gradients"),),
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
            f"Its norm is {shown}. A lower learning rate, a smaller initialisation or scaled inputs help.",
            node,
            (*_slower(run, 10), _help("gradients")),
        )

    def _update_too_large(self, run: RunView, holds: bool) -> _Verdict | None:
        ratios = ((node, _recent(run, UPDATE_RATIO.series(node))) for node in self._weighted)
        worst = max(
            ((ratio, node) for node, ratio in ratios if ratio is not None and math.isfinite(ratio)), default=None
        )
        if worst is None or not UPDATE_RATIO.bands.warning.passed(worst[0], holds):
            return None
        ratio, node = worst
        rate = _learning_rate(run)
        return _Verdict(
            "warning",
            f"{self._name(node)} changes by {percent(ratio)} of its size at each step.",
            "About 0.1 % is healthy; "
            + (
                f"the learning rate of {_number(rate)} is too high for it."
                if rate
                else "the learning rate is too high."
            ),
            node,
            (*_slower(run, 10), _help("update_ratios")),
        )

    def _update_too_small(self, run: RunView, holds: bool) -> _Verdict | None:
        ratios = [_recent(run, UPDATE_RATIO.series(node)) for node in self._weighted]
        known = [ratio for ratio in ratios if ratio is not None and math.isfinite(ratio)]
        # Where the network already does well, small steps are what one wants.
        learned = self._recent_accuracy(run, 20)
        if not known or len(known) < len(ratios) or learned is None or learned > 0.9:
            return None
        if not UPDATE_RATIO.bands.low.undercut(max(known), holds):
            return None
        rate = _learning_rate(run)
        cures = (Cure(f"Try {_number(rate * 10)}", "set_learning_rate", f"{rate * 10:.3g}"),) if rate else ()
        return _Verdict(
            "information",
            "The weights hardly move.",
            f"No layer changes by more than {_number(max(known))} of its size at a step; about 0.001 is healthy.",
            cures=(*cures, _help("update_ratios")),
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

    def _no_improvement(self, run: RunView, holds: bool) -> _Verdict | None:
        steps, losses = run.scalars(LOSS.series("validation"))
        usable = np.where(np.isfinite(losses), losses, np.inf)
        if len(usable) < 2 or not np.isfinite(usable).any():
            return None
        best = int(usable.argmin())
        epochs = self._epochs_between(run, int(steps[best]), int(steps[-1]), len(steps) - 1 - best)
        if epochs < PATIENCE:
            return None
        evidence = f"The lowest was {_number(usable[best])} at step {steps[best]}, now it is {_number(losses[-1])}."
        then, now = _mean_around(run, int(steps[best])), _mean_around(run, int(steps[-1]))
        if then is not None and now is not None and now < 0.95 * then:
            evidence += (
                f" Meanwhile the training loss fell from {_number(then)} to {_number(now)}: "
                "the network learns the examples by heart."
            )
        return _Verdict(
            "warning" if epochs >= LONG_PATIENCE else "information",
            f"The validation loss has not improved for {epochs} epochs.",
            evidence,
            cures=(Cure("Restore the best weights", "restore_best"), _help("loss")),
        )

    def _accuracy_at_chance(self, run: RunView, holds: bool) -> _Verdict | None:
        accuracy = self._recent_accuracy(run, STUCK_STEPS)
        if self._classes < 2 or accuracy is None:
            return None
        chance = 1 / self._classes
        margin = chance * (1 - chance)
        if not Mark(chance + 0.25 * margin, chance + 0.4 * margin).undercut(accuracy, holds):
            return None
        return _Verdict(
            "warning",
            f"The accuracy stands at {percent(accuracy)}: guessing would be as good.",
            f"Among {self._classes} classes one guess in {self._classes} is right. "
            "Check the learning rate, the scaling of the inputs and the initialisation.",
            cures=(_help("loss"),),
        )

    def _recent_accuracy(self, run: RunView, count: int) -> float | None:
        """Mean over the last steps; None before there are so many."""
        _, values = run.scalars(ACCURACY.series("train"))
        return float(values[-count:].mean()) if len(values) >= count else None

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


def _slower(run: RunView, factor: float) -> Iterator[Cure]:
    """The cure of a lower learning rate, where it is known."""
    rate = _learning_rate(run)
    if rate:
        yield Cure(f"Try {rate / factor:.1g}", "set_learning_rate", f"{rate / factor:.1g}")


def _help(panel: str) -> Cure:
    """The instrument whose help explains it, by its key."""
    return Cure("Why?", "show_help", panel)


def _number(value: float) -> str:
    """Three digits, without a needless exponent."""
    return f"{value:.3g}"
