"""What is wrong with a project, in sentences with the real numbers, each with the edits that would mend it.

Plain Python in time proportional to the nodes and wires, so it runs after every edit. It works on broken graphs: what
can be said is said. Adding a check costs one generator in ``wire_checks`` or ``task_checks`` and a line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from nnviz.errors import InputError
from nnviz.project.checks.diagnosis import Diagnostic, Fix, Look, Severity
from nnviz.project.checks.memory import estimate_bytes
from nnviz.project.checks.shapes import Inference, infer, infer_from
from nnviz.project.checks.task_checks import check_input, check_layers, check_memory, check_output, check_training
from nnviz.project.checks.tried_fixes import tried
from nnviz.project.checks.wire_checks import check_ends, check_nodes, check_shapes, check_wires
from nnviz.project.graph.bypass import effective
from nnviz.project.model import DataFacts, Project

__all__ = [
    "CHECKS",
    "Diagnostic",
    "Fix",
    "Severity",
    "estimate_bytes",
    "problems_that_stop",
    "validate",
    "with_tried_fixes",
]

CHECKS: tuple[Callable[[Look], Iterator[Diagnostic]], ...] = (
    check_ends,
    check_nodes,
    check_wires,
    check_input,  # before what the layers behind it make of its shape: the cure at the cause comes first
    check_shapes,
    check_output,
    check_layers,
    check_training,
    check_memory,
)
_RANK: dict[Severity, int] = {"error": 0, "warning": 1, "information": 2}


def validate(
    project: Project,
    facts: DataFacts | None = None,
    inference: Inference | None = None,
    *,
    memory_limit: int | None = None,
    try_fixes: bool = True,
) -> tuple[Diagnostic, ...]:
    """Everything that can be said about a project without building it: errors first.

    Args:
        project: To be looked at.
        facts: What the data set looks like; without them nothing is compared with the data.
        inference: Shapes of its graph, when they are known already.
        memory_limit: Bytes that training may take; None when that is not known.
        try_fixes: Whether to try the cures of errors too (:func:`with_tried_fixes`); that takes several times as long.
    """
    computed = effective(project)
    known = infer(computed.graph) if inference is None else inference
    look = Look(computed, facts, known, memory_limit)
    found = sorted(_found(look), key=lambda diagnostic: _RANK[diagnostic.severity])
    if try_fixes:
        return with_tried_fixes(found, project, facts, known, memory_limit=memory_limit)
    return _with_possible_fixes(found, project)


def with_tried_fixes(
    found: Sequence[Diagnostic],
    project: Project,
    facts: DataFacts | None,
    inference: Inference,
    *,
    memory_limit: int | None = None,
) -> tuple[Diagnostic, ...]:
    """What was found in a project, its errors with the cures that leave fewer errors.

    Args:
        found: By :func:`validate`, cures not tried.
        project: In which it was found.
        facts: As for :func:`validate`.
        inference: Shapes of its effective graph.
        memory_limit: As for :func:`validate`.
    """

    def errors_of(other: Project) -> tuple[Diagnostic, ...]:
        shapes = infer_from(other.graph, inference)
        return problems_that_stop(_found(Look(other, facts, shapes, memory_limit)))

    return _with_possible_fixes(tried(effective(project), found, errors_of), project)


def _with_possible_fixes(found: Sequence[Diagnostic], project: Project) -> tuple[Diagnostic, ...]:
    """Without the cures that fit what is computed, not what is drawn: some wires of a bypassed join lead nowhere."""
    if effective(project) is project:
        return tuple(found)
    possible = ((one, tuple(fix for fix in one.fixes if _is_possible(fix, project))) for one in found)
    return tuple(one if fixes == one.fixes else replace(one, fixes=fixes) for one, fixes in possible)


def _is_possible(fix: Fix, project: Project) -> bool:
    try:
        fix.edit.apply(project)
    except InputError:
        return False
    return True


def _found(look: Look) -> Iterator[Diagnostic]:
    return (diagnostic for check in CHECKS for diagnostic in check(look))


def problems_that_stop(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Those with which the network cannot be trained."""
    return tuple(diagnostic for diagnostic in diagnostics if diagnostic.severity == "error")
