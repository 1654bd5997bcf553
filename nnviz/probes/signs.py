"""Signs: what is to be seen of a run that may be going wrong, without saying why."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np

from nnviz.probes.course import FEW_EXAMPLES, SPAN, STUCK_STEPS, Course, Layers, or_infinity, recent
from nnviz.probes.remedies import Remedies
from nnviz.probes.verdict import Verdict, why
from nnviz.record.number_text import format_number as measured
from nnviz.record.number_text import percent
from nnviz.record.quantities import (
    DEAD_AT_FIRST,
    DEAD_FRACTION,
    DEAD_SINCE,
    DEAD_UNITS,
    GRADIENT_NORM,
    GRADIENT_RATIO,
    QUANTITIES,
    SATURATION,
    UPDATE_RATIO,
    WEIGHTS,
)
from nnviz.record.quantity import Quantity, Remark
from nnviz.record.readings import ArrayReading, Cure, Scalar

#: (what was measured, does it hold already) -> what to say, or None where there is nothing to say.
Rule: TypeAlias = Callable[[Course, bool], Verdict | None]
#: Signs that do no harm by themselves where the network learns.
MILD = (
    DEAD_UNITS.prefix,
    *(quantity.prefix for quantity in QUANTITIES if quantity.remark is not None),
    "exploding_gradient",
)


class Signs:
    """The rules for what is to be seen of a network.

    A rule that holds is given up at a lower mark than the one at which it began. The marks stand with the quantities;
    one that declares a remark is watched here without a rule of its own.

    Args:
        layers: Of the network.
        remedies: Which edits help against them.

    Attributes:
        rules: By name.
        of_a_cause: Those that are worth saying only beside a cause: of themselves they may be just right.
    """

    def __init__(self, layers: Layers, remedies: Remedies) -> None:
        self._layers = layers
        self._remedies = remedies
        self.rules: dict[str, Rule] = {
            **{DEAD_UNITS.series(node): partial(self._dead_units, node) for node in layers.rectifiers},
            **{f"equal_units/{node}": partial(self._equal_units, node) for node in layers.weighted[:-1]},
            "exploding_gradient": self._exploding_gradient,
            **{
                quantity.series(node): partial(self._remark, quantity, remark, node)
                for quantity in QUANTITIES
                if (remark := quantity.remark) is not None
                for node in layers.order
                if not quantity.layers or getattr(layers.kinds[node], quantity.layers)
                if not (remark.spares_last and node in layers.last)
            },
            "accuracy_at_chance": self._accuracy_at_chance,
        }
        self.of_a_cause: dict[str, Rule] = {
            "vanishing_gradient": self._vanishing_gradient,
            "update_too_large": self._update_too_large,
        }

    @property
    def all(self) -> dict[str, Rule]:
        """Both, in their order."""
        return self.rules | self.of_a_cause

    def _dead_units(self, node: str, course: Course, holds: bool) -> Verdict | None:
        dead, since = course.run.latest(DEAD_UNITS.series(node)), course.run.latest(DEAD_SINCE.series(node))
        if not isinstance(dead, ArrayReading) or not isinstance(since, ArrayReading) or not dead.array.size:
            return None
        count, units = int(dead.array.sum()), dead.array.size
        if not DEAD_FRACTION.bands.warning.passed(count / units, holds):
            return None
        noun = "channel" if len(self._layers.shapes[node]) > 1 else "unit"
        noun, verb = (noun + "s", "are") if units > 1 else (noun, "is")
        steps = since.array[dead.array.astype(bool)]
        # Deep networks start so, learn all the same, and many units wake up.
        trained = course.steps
        early = trained[-1] < STUCK_STEPS if len(trained) else steps.max() <= 0
        if early and not DEAD_AT_FIRST.warning.passed(count / units, holds):
            return None
        when = f"since step {int(steps.max())}" if steps.max() > 0 else "from the start"
        images = dead.meta.get("images")
        all_of_them = f"0 for all {images} examples of the probe set" if images else "always 0"
        evidence = f"Their output is {all_of_them}."
        return Verdict(
            "error" if count / units >= DEAD_FRACTION.bands.error else "warning",
            f"{self._layers.name(node)}: {count} of {units} {noun} {verb} dead {when}.",
            evidence,
            node,
            (Cure("Show units", "show_units", node), why("dead_units")),
        )

    def _equal_units(self, node: str, course: Course, holds: bool) -> Verdict | None:
        weights = course.run.latest(WEIGHTS.series(node))
        if not isinstance(weights, ArrayReading) or weights.array.ndim < 2 or len(weights.array) < 2:
            return None
        rows = weights.array.reshape(len(weights.array), -1)
        if not np.array_equal(rows[0], rows[1]) or not (rows == rows[0]).all():
            return None
        noun = "channels" if weights.array.ndim > 2 else "units"
        return Verdict(
            "warning",
            f"All {weights.meta.get('of', len(rows))} {noun} of {self._layers.name(node)} are equal.",
            "They have the same weights, get the same gradient and so stay equal: together they do no more than one.",
            node,
            (why("filters"),),
            "Weights must start at random, not all alike.",
            self._remedies.of_equal_units(node),
        )

    def _vanishing_gradient(self, course: Course, holds: bool) -> Verdict | None:
        norms = [(node, recent(course.run, GRADIENT_NORM.series(node))) for node in self._layers.weighted]
        if not vanishes(norms, holds):
            return None
        known = [(node, norm) for node, norm in norms if norm is not None and math.isfinite(norm)]
        (first, small), (last, large) = known[0], known[-1]
        squashed = ", ".join(self._layers.name(node) for node in self._layers.saturating[:3])
        if len(self._layers.saturating) > 3:
            squashed += f" and {len(self._layers.saturating) - 3} more"
        way_out = (
            f"Each of {squashed} lets only a part of it pass: ReLU in their place, Xavier initialisation, "
            "normalisation or fewer layers help."
            if self._layers.saturating
            else "He initialisation, normalisation or fewer layers help."
        )
        return Verdict(
            "warning",
            f"The gradient vanishes on its way back to {self._layers.name(first)}.",
            f"Its norm is {measured(large)} in {self._layers.name(last)} and {measured(small)} in "
            f"{self._layers.name(first)} (medians of the last measurements), which hardly learns.",
            first,
            (why("gradients"),),
            way_out,
            self._remedies.of_vanishing(course),
        )

    def _exploding_gradient(self, course: Course, holds: bool) -> Verdict | None:
        norms = ((node, recent(course.run, GRADIENT_NORM.series(node))) for node in self._layers.weighted)
        worst = max(((norm, node) for node, norm in norms if norm is not None), key=_not_finite_first, default=None)
        if worst is None or not GRADIENT_NORM.bands.warning.passed(or_infinity(worst[0]), holds):
            return None
        norm, node = worst
        shown = measured(norm) if math.isfinite(norm) else "no longer a finite number"
        return Verdict(
            "warning" if math.isfinite(norm) else "error",
            f"The gradient of {self._layers.name(node)} explodes.",
            f"Its norm is {shown} (median of the last measurements)."
            if math.isfinite(norm)
            else f"Its norm is {shown}.",
            node,
            (why("gradients"),),
            "A lower learning rate, a smaller initialisation or scaled inputs help.",
            self._remedies.of_too_large(course),
        )

    def _update_too_large(self, course: Course, holds: bool) -> Verdict | None:
        ratios = ((node, recent(course.run, UPDATE_RATIO.series(node))) for node in self._layers.weighted)
        worst = max(
            ((ratio, node) for node, ratio in ratios if ratio is not None and math.isfinite(ratio)), default=None
        )
        if worst is None or not UPDATE_RATIO.bands.warning.passed(worst[0], holds):
            return None
        ratio, node = worst
        return Verdict(
            "warning",
            f"{self._layers.name(node)} changes by {percent(ratio)} of its size at each step.",
            "This is the median of the last measurements. About 0.1 % is healthy.",
            node,
            (why("update_ratios"),),
        )

    def _remark(self, quantity: Quantity, remark: Remark, node: str, course: Course, holds: bool) -> Verdict | None:
        """What a quantity says of itself where it lies beyond its mark."""
        found = course.run.latest(quantity.series(node))
        if not isinstance(found, Scalar) or not quantity.bands.warning.passed(found.value, holds):
            return None
        remedies = self._remedies.of_saturated(node, course) if quantity is SATURATION else ()
        return Verdict(
            "error" if found.value >= quantity.bands.error else "warning",
            remark.text.format(node=self._layers.name(node), value=quantity.text(found.value)),
            remark.evidence,
            node,
            (why(remark.panel),),
            self._remedies.reason(remedies, course),
            remedies,
        )

    def _accuracy_at_chance(self, course: Course, holds: bool) -> Verdict | None:
        accuracy = course.accuracy(STUCK_STEPS)
        if accuracy is None or not course.guesses(holds=holds):
            return None
        if len(course.losses) >= SPAN and not course.stands(holds):
            return None  # it is on its way
        if course.examples is not None and course.examples[0] < FEW_EXAMPLES:
            return None
        guess = (
            f"Among {course.classes} classes one guess in {course.classes} is right."
            if course.chance <= 1 / course.classes + 0.01
            else f"{percent(course.chance)} of the examples are of one class."
        )
        return Verdict(
            "warning",
            f"The accuracy stands at {percent(accuracy)}: guessing would be as good.",
            f"This is that of the training batches, the mean of the last {STUCK_STEPS}. {guess}",
            cures=(why("loss"),),
            advice="Check the learning rate, the scaling of the inputs and the initialisation.",
        )


def vanishes(norms: list[tuple[str, float | None]], holds: bool) -> bool:
    """Whether hardly anything of the last layer's gradient arrives at the first one.

    Args:
        norms: (layer, norm of its gradient), from the input on.
        holds: That it does is what was found.
    """
    known = [norm for _, norm in norms if norm is not None and math.isfinite(norm)]
    return len(known) > 1 and known[-1] > 0 and GRADIENT_RATIO.low.undercut(known[0] / known[-1], holds)


def _not_finite_first(entry: tuple[float, str]) -> float:
    return or_infinity(entry[0])
