"""What is decided about single training examples: another label, another weight, or to leave one out.

It belongs to the project and is saved with it; the user's data are never written to.
"""
# ruff: noqa: D102 - what the methods do is said once, in Edit.

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from msgspec.structs import replace as changed

from nnviz.errors import ParamError
from nnviz.project.edit import Edit
from nnviz.project.model import Curated, Project
from nnviz.project.text import line_problem

#: Examples of a project that something may be decided about.
MOST_CURATED = 100_000
#: The heaviest that an example may weigh.
HEAVIEST = 100.0
_MARK = re.compile("[0-9a-f]{0,32}")


@dataclass(frozen=True)
class Curate(Edit):
    """Decides about examples anew; of all others what was decided stays.

    Attributes:
        entries: One for each of these examples; one that is as usual takes away what was decided.
    """

    entries: tuple[Curated, ...]

    @property
    def title(self) -> str:
        return f"{_deed(self.entries)} {_which(self.entries)}"

    def apply(self, project: Project) -> Project:
        for entry in self.entries:
            if problem := curated_problem(entry):
                raise ParamError(problem[1], field=f"curation.{problem[0]}")
        found = {entry.example: entry for entry in (*project.curation, *self.entries)}
        kept = tuple(found[example] for example in sorted(found) if not found[example].is_usual)
        if len(kept) > MOST_CURATED:
            raise ParamError(f"At most {MOST_CURATED:,} examples of a project are decided about.", field="curation")
        return changed(project, curation=kept)

    def invert(self, before: Project) -> Edit:
        known = {entry.example: entry for entry in before.curation}
        entries = tuple(known.get(entry.example, Curated(entry.example, entry.mark)) for entry in self.entries)
        return Curate(entries, gesture=self.gesture)

    def target(self) -> Hashable:
        return ("curation", tuple(entry.example for entry in self.entries))


def decided(
    known: Curated, own_label: str, *, label: str | None = None, weight: float | None = None, mark: str | None = None
) -> Curated:
    """What is decided about an example with something of it changed; its own label is no other one.

    Args:
        known: What was decided before, or the example as usual.
        own_label: Its label in the data.
        label: From now on; empty for its own, None for the one before.
        weight: From now on; None for the one before.
        mark: Tells it from others; None for the one before.
    """
    if label is None:
        label = known.label
    return changed(
        known,
        mark=known.mark if mark is None else mark,
        label="" if label == own_label else label,
        weight=known.weight if weight is None else weight,
    )


def merged(kept: Iterable[Curated], before: Iterable[Curated], after: Iterable[Curated]) -> tuple[Curated, ...]:
    """What a run is gone on with: what was decided in it, but for the examples of which its project says other now.

    Args:
        kept: What was decided in it.
        before: What the project said that it was made with.
        after: What the project says that it is gone on with; it alone counts where both together are too many.
    """
    said, now = ({entry.example: entry for entry in entries} for entries in (before, after))
    asked = {example: now.get(example) for example in said.keys() | now.keys() if said.get(example) != now.get(example)}
    found = {entry.example: entry for entry in kept} | asked
    together = tuple(entry for _, entry in sorted(found.items()) if entry is not None)
    return together if len(together) <= MOST_CURATED else tuple(now.values())


def entries_between(before: Iterable[Curated], after: Iterable[Curated]) -> tuple[Curated, ...]:
    """With which :class:`Curate` makes other decisions of some."""
    old, new = ({entry.example: entry for entry in entries} for entries in (before, after))
    examples = sorted(example for example in old.keys() | new.keys() if old.get(example) != new.get(example))
    return tuple(new[example] if example in new else Curated(example, old[example].mark) for example in examples)


def difference_words(before: Iterable[Curated], after: Iterable[Curated]) -> str:
    """What is decided otherwise than before, in a few words: ``Example 17: left out``; of several how many of each.

    Args:
        before: What was decided.
        after: What is decided; empty words where it is the same.
    """
    old = {entry.example: entry for entry in before}
    new = {entry.example: entry for entry in after}
    deeds: dict[str, list[str]] = {}
    for example in sorted(old.keys() | new.keys()):
        was, now = (known.get(example, Curated(example)) for known in (old, new))
        if (was.label, was.weight) == (now.label, now.weight):
            continue
        said = []
        if was.label != now.label:
            said.append(f"relabelled as {now.label}" if now.label else "its own label again")
        if was.weight != now.weight:
            said.append("left out" if now.weight == 0 else f"weight {was.weight:g} → {now.weight:g}")
        if now.is_usual:
            kind = "as usual again"
        elif now.weight == 0 and was.weight != 0:
            kind = "left out"
        else:
            kind = "relabelled" if now.label != was.label else "weighted"
        deeds.setdefault(kind, []).append(f"Example {example}: {', '.join(said)}")
    told = [text for texts in deeds.values() for text in texts]
    if len(told) < 2:
        return "".join(told)
    return f"Examples: {', '.join(f'{len(texts):,} {kind}' for kind, texts in deeds.items())}"


def curated_problem(entry: Curated) -> tuple[str, str] | None:
    """Which field of a decision cannot be, and why, as a sentence; None where all can."""
    if not 0 <= entry.example < 2**40:
        return "example", "This must be a whole number from 0 on."
    if not _MARK.fullmatch(entry.mark):
        return "mark", "This must be at most 32 of the digits 0 to f."
    if entry.label and (problem := line_problem(entry.label)):
        return "label", problem
    if not (math.isfinite(entry.weight) and 0 <= entry.weight <= HEAVIEST):
        return "weight", f"The weight of an example must be a number from 0 to {HEAVIEST:g}."
    return None


def _deed(entries: tuple[Curated, ...]) -> str:
    if all(entry.is_usual for entry in entries):
        return "Decide nothing about"
    if all(entry.weight == 0 for entry in entries):
        return "Leave out"
    return "Relabel" if all(entry.label and entry.weight == 1.0 for entry in entries) else "Weight"


def _which(entries: tuple[Curated, ...]) -> str:
    return f"example {entries[0].example}" if len(entries) == 1 else f"{len(entries):,} examples"
