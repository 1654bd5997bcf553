"""Cures are tried on a copy before they are offered: one that only leads to the next error is completed or left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from nnviz.errors import NnvizError
from nnviz.project.checks.diagnosis import Diagnostic, Fix
from nnviz.project.edits import Edit, SetParam, Several
from nnviz.project.model import Project

#: What a set of cures may cost together, in nodes looked at: where a network is large and much is wrong with it, the
#: cures of what comes later are offered as they are, and tried when what comes first has been mended.
_MOST_NODES = 3000
#: Steps of which one cure may consist.
_MOST_STEPS = 3
#: Said of a cure after which as much is wrong as before, where there is no better one.
REMAINS = ", which leaves more to mend"


def tried(
    project: Project, found: Sequence[Diagnostic], errors_of: Callable[[Project], Sequence[Diagnostic]]
) -> tuple[Diagnostic, ...]:
    """The same diagnostics, each error with the cures that leave fewer errors, the shortest first.

    Args:
        project: In which they were found.
        found: Errors and others.
        errors_of: The errors of another project, their cures not tried.
    """
    if not project.graph.nodes:
        return tuple(found)  # Whoever begins has everything before them.
    errors = [diagnostic for diagnostic in found if diagnostic.severity == "error"]
    trial = _Trial(errors, errors_of, _MOST_NODES // max(1, len(project.graph.nodes)))
    return tuple(
        replace(diagnostic, fixes=trial.best(project, diagnostic.fixes))
        if diagnostic.severity == "error" and diagnostic.fixes
        else diagnostic
        for diagnostic in found
    )


def _with_place(fix: Fix) -> str:
    """The title of a cure that stands beside those of other layers: ``Set Kernel size of conv2 to 1×1``."""
    edit = fix.edit
    if not isinstance(edit, SetParam) or edit.node.casefold() in fix.title.casefold().split():
        return fix.title
    what, to, value = fix.title.partition(" to ")
    return f"{what} of {edit.node}{to}{value}"


class _Trial:
    """Tries cures while there is time left.

    Args:
        errors: Before any cure.
        errors_of: As for :func:`tried`.
        left: How many projects may be looked at.
    """

    def __init__(
        self, errors: Sequence[Diagnostic], errors_of: Callable[[Project], Sequence[Diagnostic]], left: int
    ) -> None:
        self._before = {(error.node, error.text) for error in errors}
        self._count = len(errors)
        self._errors_of = errors_of
        self._left = left

    def best(self, project: Project, fixes: tuple[Fix, ...]) -> tuple[Fix, ...]:
        """Those that work alone, then those that work together with what they call for."""
        if self._left < len(fixes):
            return fixes
        alone: list[Fix] = []
        together: list[Fix] = []
        for fix in fixes:
            whole = self._completed(project, fix)
            if whole is not None:
                (alone if whole is fix else together).append(whole)
        return (*alone, *together) or (Fix(f"{fixes[0].title}{REMAINS}", fixes[0].edit),)

    def _completed(self, project: Project, fix: Fix) -> Fix | None:
        """The cure, with further steps where it calls for them; None where it still leaves as many errors."""
        edits: list[Edit] = []
        titles: list[str] = []
        step = fix
        while True:
            try:
                project = step.edit.apply(project)
            except NnvizError:
                return None
            edits.append(step.edit)
            titles.append(step.title if not edits[1:] else _with_place(step))
            self._left -= 1
            errors = self._errors_of(project)
            if len(errors) < self._count:
                break
            news = next((e for e in errors if (e.node, e.text) not in self._before and e.fixes), None)
            if news is None or len(edits) == _MOST_STEPS or self._left <= 0:
                return None
            step = news.fixes[0]
        if len(edits) == 1:
            return fix
        title = " and ".join((titles[0], *(f"{other[:1].lower()}{other[1:]}" for other in titles[1:])))
        return Fix(title, Several(tuple(edits), title))
