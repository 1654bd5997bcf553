"""What is wrong with a project, in sentences with the real numbers, each with the edits that would mend it.

Plain Python in time proportional to the nodes and wires, so it runs after every edit. It works on broken graphs: what
can be said is said. Adding a check costs one generator in ``wire_checks`` or ``task_checks`` and a line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from nnviz.project.bypass import effective
from nnviz.project.diagnosis import Diagnostic, Fix, Look, Severity
from nnviz.project.memory import estimate_bytes
from nnviz.project.model import DataFacts, Project
from nnviz.project.shapes import Inference, infer, infer_from
from nnviz.project.task_checks import check_input, check_layers, check_memory, check_output, check_training
from nnviz.project.tried_fixes import tried
from nnviz.project.wire_checks import check_ends, check_nodes, check_shapes, check_wires

__all__ = ["CHECKS", "Diagnostic", "Fix", "Severity", "estimate_bytes", "problems_that_stop", "validate"]

CHECKS: tuple[Callable[[Look], Iterator[Diagnostic]], ...] = (
    check_ends,
    check_nodes,
    check_wires,
    check_shapes,
    check_input,
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
) -> tuple[Diagnostic, ...]:
    """Everything that can be said about a project without building it: errors first.

    Args:
        project: To be looked at.
        facts: What the data set looks like; without them nothing is compared with the data.
        inference: Shapes of its graph, when they are known already.
        memory_limit: Bytes that training may take; None when that is not known.
    """
    project = effective(project)
    known = infer(project.graph) if inference is None else inference

    def found(project: Project, known: Inference) -> list[Diagnostic]:
        look = Look(project, facts, known, memory_limit)
        return [diagnostic for check in CHECKS for diagnostic in check(look)]

    def errors_of(other: Project) -> tuple[Diagnostic, ...]:
        return problems_that_stop(found(other, infer_from(other.graph, known)))

    ordered = sorted(found(project, known), key=lambda diagnostic: _RANK[diagnostic.severity])
    return tried(project, ordered, errors_of)


def problems_that_stop(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Those with which the network cannot be trained."""
    return tuple(diagnostic for diagnostic in diagnostics if diagnostic.severity == "error")
