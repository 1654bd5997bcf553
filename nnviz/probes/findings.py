"""What the program notices by itself: rules over the series of a run, and what is the cause of what.

:meth:`FindingRules.examine` looks at a run and gives back what changed: findings that now hold, those whose text is out
of date, and, with the severity ``resolved``, those that no longer hold. It remembers nothing of its own (what holds
stands in the run), so it may be asked at any time and survives going back in time. A rule that holds is given up at a
lower mark than the one at which it began, so that findings do not flicker. The marks stand with the quantities;
one that declares a remark is watched here without a rule of its own.

There are two kinds of rules. **Signs** (:mod:`nnviz.probes.signs`) say what is to be seen: dead units, a gradient that
explodes, an accuracy no better than guessing. **Causes** (:mod:`nnviz.probes.causes`) say why. They are asked in one
order, what excludes the others first, and the first that holds is the cause: what is so from the first step on, before
anything was trained, comes before what training did, and that before what is said of its result. The signs that a
cause explains are folded under it (:attr:`Finding.cause`); a sign that none explains stands for itself, and where the
network learns well it is no more than information. What is only a worry when nothing is learned is not said of a
network that learns.
"""

from __future__ import annotations

from dataclasses import replace

from nnviz.probes.causes import CAUSES, Cause, Causes, go_back, lower_rates, usual_rate, what_was_tried
from nnviz.probes.course import NOT_FINITE, Course, Layers
from nnviz.probes.evidence import Ask, DataEvidence, RateQuestion
from nnviz.probes.remedies import Remedies
from nnviz.probes.signs import MILD, Signs
from nnviz.probes.verdict import NOT_TRIED, Verdict
from nnviz.project.declared.optimizers import OptimizerSpec
from nnviz.project.model import Graph, Project
from nnviz.record.quantities import (
    ACCURACY,
    DEAD_SINCE,
    DEAD_UNITS,
    EPOCH,
    FINDING,
    GRADIENT_NORM,
    LEARNING_RATE,
    LOSS,
    QUANTITIES,
    UPDATE_RATIO,
    WEIGHTS,
)
from nnviz.record.quantity import Quantity
from nnviz.record.readings import Finding
from nnviz.record.run import RunView

#: An existing finding is told anew, with newer numbers, once this share of all steps has passed since.
_STALE = 0.02


class FindingRules:
    """Looks through a run for what goes wrong, and says it in findings with cures.

    Args:
        graph: The network.
        classes: Number of classes the target has (2 for yes or no); 0 where nothing can be right or wrong.
        data: What is known of the data; None where nothing is.
        optimizer: With which it is trained: its default is one of the learning rates that are tried.
        project: What is trained; cures that edit it are offered where it is known.

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
        project: Project | None = None,
    ) -> None:
        self._graph = graph
        self._layers = Layers(graph)
        self._remedies = Remedies(self._layers, project)
        self._signs = Signs(self._layers, self._remedies)
        self._classes = classes
        self._data = data
        self._optimizer = optimizer

    def examine(self, run: RunView, ask: Ask | None = None) -> list[Finding]:
        """What changed since the findings that stand in the run; to be appended to it.

        Args:
            run: What was measured.
            ask: Tries learning rates; without it none is offered.
        """
        step = run.last_step
        if step < 0:
            return []
        course = Course(run, self._classes, self._data)
        holding = {finding.series: finding for finding in run.findings()}
        found: dict[str, Verdict] = {}
        for name, rule in self._signs.all.items():
            verdict = rule(course, FINDING.series(name) in holding)
            if verdict is not None:
                found[name] = verdict
        broken = holding.get(NOT_FINITE)
        held = frozenset(series.removeprefix(FINDING.prefix) for series in holding)
        cause = Causes(self._layers, course, found, held, ask or _nobody, self._optimizer, self._remedies).first()
        if cause is None and broken is not None:
            cause = Cause("not_finite", Verdict(broken.severity, broken.text))
        changed: list[Finding] = []
        if broken is not None:
            broken = self._with_trial(broken, course, ask or _nobody)
            above = "" if cause is None or cause.rule == "not_finite" else FINDING.series(cause.rule)
            if replace(broken, cause=above) != holding[NOT_FINITE]:
                changed.append(replace(broken, cause=above))
        holding.pop(NOT_FINITE, None)
        if cause is not None and cause.rule != "not_finite":
            folded = (said for name, said in found.items() if name.startswith(cause.explains))
            # It is as grave as what it does.
            grave = any(said.severity == "error" for said in (cause.verdict, *folded))
            found[cause.rule] = replace(cause.verdict, severity="error") if grave else cause.verdict
        own = {FINDING.series(name) for name in (*self._signs.all, *CAUSES)}
        told: set[str] = set()
        for name, said in found.items():
            verdict, above = said, ""
            if cause is not None and name != cause.rule and name.startswith(cause.explains):
                above = FINDING.series(cause.rule)
            elif name in self._signs.of_a_cause and (cause is None or name != cause.rule):
                continue
            elif (cause is None or name != cause.rule) and course.learns() and name.startswith(MILD):
                # What does no harm is no alarm: good to know where it is much, and else the card's to show.
                if said.severity != "error":
                    continue
                verdict = replace(said, severity="information")
            series = FINDING.series(name)
            evidence = verdict.evidence if above else f"{verdict.evidence} {verdict.advice}".rstrip()
            told.add(series)
            before = holding.get(series)
            cures = verdict.cures if above else (*verdict.remedies, *verdict.cures)
            finding = Finding(series, step, verdict.severity, verdict.text, evidence, verdict.node, cures, above)
            if before is None or self._is_news(finding, before):
                changed.append(finding)
        for series, before in holding.items():
            if series in own and series not in told:
                changed.append(Finding(series, step, "resolved", before.text, before.evidence, before.node))
        return changed

    def _with_trial(self, broken: Finding, course: Course, ask: Ask) -> Finding:
        """What no longer is a finite number, with a rate that was tried in place of the one that was guessed."""
        cure = next((cure for cure in broken.cures if cure.action == "go_back"), None)
        if cure is None or not broken.evidence.endswith(NOT_TRIED) or not len(course.rates):
            return broken
        step = int(cure.value.split()[0])
        answer = ask(RateQuestion(lower_rates(float(course.rates[-1]), usual_rate(self._optimizer)), step))
        if answer is None or not answer.steps:
            return broken  # not yet, or never
        evidence = broken.evidence.removesuffix(NOT_TRIED)
        if answer.rate is None:
            others = tuple(one for one in broken.cures if one is not cure)
            none = (
                f" Lower learning rates were tried on copies, from step {answer.step} on: with none does the loss fall."
            )
            return replace(broken, evidence=evidence + none, cures=others)
        cures = tuple(go_back(answer) if one is cure else one for one in broken.cures)
        return replace(broken, evidence=evidence + what_was_tried(answer), cures=cures)

    @staticmethod
    def _is_news(finding: Finding, before: Finding) -> bool:
        if (finding.severity, finding.cause, finding.cures) != (before.severity, before.cause, before.cures):
            return True
        return finding.text != before.text and finding.step - before.step > _STALE * finding.step


def _nobody(question: RateQuestion) -> None:
    """Nobody tries learning rates."""
