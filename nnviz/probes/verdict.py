"""What a rule of the findings says, and how it words its numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nnviz.record.readings import Cure

#: Stands behind a cure whose learning rate is a guess; what came of its trial takes its place.
NOT_TRIED = " The rate that is offered is a guess: it was not tried."


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a sign or a cause says of a run: a finding without its name and its step.

    Attributes:
        severity: That of the finding.
        text: What is so.
        evidence: The numbers that show it.
        node: Where.
        cures: What a click may do.
        advice: What helps, if this is what is wrong; not said of a symptom, which something else helps.
        remedies: The same as clicks: each is one edit of the document (:mod:`nnviz.project.cures`).
    """

    severity: str
    text: str
    evidence: str = ""
    node: str = ""
    cures: tuple[Cure, ...] = ()
    advice: str = ""
    remedies: tuple[Cure, ...] = ()


def why(panel: str) -> Cure:
    """The instrument whose help explains it, by its key."""
    return Cure("Why?", "show_help", panel)


def plain_number(value: float) -> str:
    """Three digits, without a needless exponent: 1000 and 0.001, and 2e-08."""
    return f"{float(f'{value:.3g}'):.10g}" if math.isfinite(value) else f"{value:.3g}"
