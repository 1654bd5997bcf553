"""What the cards read of a run: the samples at the step that is shown, and the findings about each node."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Protocol

from nnviz.gui.canvas.cards.facts import CardContent, CardFacts, Picture
from nnviz.gui.look.planes import Dots
from nnviz.record.age import Moment, moment_of
from nnviz.record.pinned import Followed, latest_of
from nnviz.record.quantities import GRADIENT_NORM, OUTPUT, PINNED_INPUT, PLANE, POINTS
from nnviz.record.quantity import Quantity
from nnviz.record.readings import ArrayReading, Finding, Reading, Scalar, fits

_GRAVITY = {"error": 2, "warning": 1}


class Readings(Protocol):
    """The part of a run that cards read."""

    @property
    def last_step(self) -> int:
        """The highest step of any reading; -1 before the first."""

    def latest(self, series: str, step: int | None = None) -> Reading | None:
        """The newest sample of a series, or the newest that is not after ``step``."""

    def findings(self, step: int | None = None) -> tuple[Finding, ...]:
        """What the program noticed and what still holds."""


class LiveValues:
    """Values of a run at one step, by card. Lookups are lazy: a card that is not painted costs nothing."""

    def __init__(self) -> None:
        self._run: Readings | None = None
        self._step: int | None = None
        self._instead: Mapping[str, ArrayReading] = {}
        self._example: Followed | None = None
        self.moment = Moment()
        self._findings: dict[str, tuple[Finding, ...]] = {}

    def show(
        self,
        run: Readings | None,
        step: int | None,
        instead: Mapping[str, ArrayReading] | None = None,
        example: Followed | None = None,
    ) -> None:
        """Read from this run at this step (None: the newest), but what stands in place of the pinned example.

        Args:
            run: What is read; None for nothing.
            step: None for the newest.
            instead: What stands in place of what was measured, by the names of the series.
            example: Which of the examples that the run followed; None is the one that was shown then.
        """
        self._instead = instead or {}
        self._example = example
        self._run = run
        self._step = step
        self.moment = moment_of(run, step) if run is not None else Moment()

    def refresh_findings(self) -> set[str]:
        """Read the findings again; the nodes whose findings are others than before."""
        found: dict[str, list[Finding]] = {}
        for finding in self._run.findings(self._step) if self._run is not None else ():
            if finding.node and finding.severity in _GRAVITY:
                found.setdefault(finding.node, []).append(finding)
        before, self._findings = self._findings, {node: tuple(items) for node, items in found.items()}
        return {node for node in before.keys() | self._findings.keys() if before.get(node) != self._findings.get(node)}

    def findings(self, node: str) -> tuple[Finding, ...]:
        """Warnings and errors that hold for a node."""
        return self._findings.get(node, ())

    def severity(self, facts: CardContent) -> str:
        """The graver of what the document's diagnostics and the run's findings say: ``error``, ``warning`` or empty."""
        if not self._findings:
            return facts.severity
        # While the shape is unknown, findings are those of another network.
        nodes = facts.members or ((facts.node,) if facts.shape is not None else ())
        findings = (finding for node in nodes for finding in self.findings(node))
        return graver([facts.severity, *(finding.severity for finding in findings)])

    def picture(self, facts: CardFacts) -> ArrayReading | None:
        """What flows out of the node for the pinned example; nothing while its shape is unknown.

        What was measured last is then that of another network.
        """
        if facts.shape is None:
            return None
        if facts.picture is Picture.POINTS:
            sample = self._array(POINTS.series())
            if sample is not None:
                return sample
        if facts.picture in (Picture.PLANES, Picture.DECISION):
            sample = self._array(PLANE.series(facts.pictured))
            if sample is not None and fits(sample, (*facts.shape[:1], *sample.array.shape[1:])):
                return sample
        if facts.kind == "input":
            sample = self._array(PINNED_INPUT.series())
            if sample is not None:
                return sample if fits(sample, facts.shape) else None
        sample = self._array(OUTPUT.series(facts.pictured))
        return sample if sample is not None and fits(sample, facts.shape) else None

    def dots(self, facts: CardFacts) -> Dots:
        """What is drawn over a picture of the plane; nothing over others."""
        if facts.picture is Picture.POINTS:
            return Dots(self._array(POINTS.series()), self._array(PINNED_INPUT.series()))
        if facts.picture is Picture.DECISION:
            answer = self._array(OUTPUT.series(facts.pictured))
            return Dots(self._array(POINTS.series()), self._array(PINNED_INPUT.series()), answer)
        return Dots()

    def label(self) -> str:
        """The right answer for the pinned example, as far as it is known."""
        sample = self._array(PINNED_INPUT.series())
        return str(sample.meta.get("label", "")) if sample is not None else ""

    def gradient(self, facts: CardFacts) -> float | None:
        """L2 norm of the gradient of the node's parameters; of those of all members together for a group."""
        found = self.gradient_reading(facts)
        return found.value if found is not None else None

    def gradient_reading(self, facts: CardFacts) -> Scalar | None:
        """The same with its step; of a group the step of the member that was measured first."""
        if not facts.has_parameters or not self._is_of(facts):
            return None
        if not facts.members:
            return self._scalar(GRADIENT_NORM, facts.node)
        norms = [norm for node in facts.members if (norm := self._scalar(GRADIENT_NORM, node)) is not None]
        if not norms:
            return None
        together = math.hypot(*(norm.value for norm in norms))
        return Scalar(GRADIENT_NORM.series(facts.node), min(norm.step for norm in norms), together)

    def badge(self, facts: CardFacts) -> float | None:
        """The value of the quantity in the card's last line."""
        found = self.badge_reading(facts)
        return found[1].value if found is not None else None

    def badge_reading(self, facts: CardFacts) -> tuple[Quantity, Scalar] | None:
        """What stands in the card's last line, with its step.

        It is the exact value as long as that is of now, then what passed in the last training batches while that is
        newer: these reach back, for a moment also behind the exact value, and would say "0 %" of units that died since.
        """
        if facts.badge is None or not self._is_of(facts):
            return None
        exact = self._scalar(facts.badge, facts.node)
        lately = facts.badge.lately
        passing = self._scalar(lately, facts.node) if lately is not None else None
        if lately is not None and passing is not None and self.moment.is_outdone(exact, passing):
            return lately, passing
        return (facts.badge, exact) if exact is not None else None

    def _scalar(self, quantity: Quantity, node: str) -> Scalar | None:
        found = self._run.latest(quantity.series(node), self._step) if self._run is not None else None
        return found if isinstance(found, Scalar) else None

    def _is_of(self, facts: CardFacts) -> bool:
        """Whether the run is of a network in which this layer puts out what it puts out now, as far as is known."""
        if facts.shape is None:
            return False
        sample = self._array(OUTPUT.series(facts.pictured))
        return sample is None or fits(sample, facts.shape)

    def is_own(self, reading: ArrayReading | None) -> bool:
        """Whether a picture is that of an input of the user's own."""
        return reading is not None and self._instead.get(reading.series) is reading

    def _array(self, series: str) -> ArrayReading | None:
        if series in self._instead:
            return self._instead[series]
        sample = latest_of(self._run, series, self._step, self._example) if self._run is not None else None
        return sample if isinstance(sample, ArrayReading) else None


def graver(severities: Iterable[str]) -> str:
    """The gravest of some severities; information does not count."""
    worst = max(severities, key=lambda severity: _GRAVITY.get(severity, 0), default="")
    return worst if worst in _GRAVITY else ""
