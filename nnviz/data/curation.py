"""What was decided about single examples, brought to the training split: labels and weights for all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from nnviz.data.examples import Split
from nnviz.project.model import Curated, DataFacts


@dataclass(frozen=True, eq=False)
class Curation:
    """Labels and weights of the training examples.

    Attributes:
        targets: As the split's own, with other labels where that was decided; the split's own tensor where nowhere.
        weights: float32[n], what was decided times the split's own; None where every example weighs 1.
        astray: What was decided about examples that are not there any more, or have other numbers than then.
        entries: All that was decided.
    """

    targets: Tensor
    weights: Tensor | None
    astray: tuple[Curated, ...]
    entries: tuple[Curated, ...] = ()

    @cached_property
    def whole_weight(self) -> float:
        """What all examples weigh together."""
        return float(len(self.targets) if self.weights is None else self.weights.sum())

    @property
    def remark(self) -> str:
        """What could not be done, as a sentence; empty where all was."""
        count = len(self.astray)
        if not count:
            return ""
        which = f"example {self.astray[0].example}" if count == 1 else f"{count:,} examples"
        return f"What was decided about {which} is left aside: the data have changed, or know no such class."


def mark_of(numbers: Tensor) -> str:
    """Tells one example from others by its raw numbers, whatever it is called and wherever it stands."""
    plain = numbers.detach().cpu().contiguous().numpy()
    return hashlib.blake2b(plain.tobytes(), digest_size=8).hexdigest()


def curated(split: Split, facts: DataFacts, entries: Sequence[Curated]) -> Curation:
    """Labels and weights of a training split.

    An entry that has a mark is looked for by its number first and, where another example stands there by now, among
    all others. One of an example that stands in another split is left alone.

    Args:
        split: The training split, as it was loaded.
        facts: Its classes.
        entries: What was decided.
    """
    if not entries:
        return Curation(split.targets, split.weights, ())
    count = len(split)
    places: dict[int, int] | None = None
    repeated: dict[int, list[int]] = {}
    if split.numbers is not None:
        wanted = torch.tensor([entry.example for entry in entries])
        at = torch.isin(split.numbers, wanted).nonzero()[:, 0]
        for number, place in zip(split.numbers[at].tolist(), at.tolist(), strict=True):
            repeated.setdefault(number, []).append(place)
        places = {number: found[0] for number, found in repeated.items()}
    marks: dict[str, int] | None = None
    own = torch.ones(count) if split.weights is None else split.weights
    targets, weights = split.targets, own.clone()
    astray: list[Curated] = []
    for entry in entries:
        index = entry.example if places is None else places.get(entry.example, -1)
        if entry.mark and not (0 <= index < count and mark_of(split.as_read(index)) == entry.mark):
            if marks is None:
                marks = {mark_of(split.as_read(place)): place for place in range(count)}
            found = marks.get(entry.mark, -1)
            if found < 0 and index < 0 and _stands_elsewhere(entry, split):
                continue
            index = found
            if index >= 0 and split.numbers is not None:
                copies = (split.numbers == split.numbers[index]).nonzero()[:, 0]
                repeated[split.number(index)] = copies.tolist()
        label = _label(entry, facts)
        if not 0 <= index < count or (entry.label and label is None):
            astray.append(entry)
            continue
        # Where the classes are balanced, an example may stand in several places.
        everywhere = repeated.get(split.number(index), [index])
        if label is not None:
            if targets is split.targets:
                targets = targets.clone()
            targets[everywhere] = label
        weights[everywhere] = own[everywhere] * entry.weight
    return Curation(targets, None if bool((weights == 1).all()) else weights, tuple(astray), tuple(entries))


def _stands_elsewhere(entry: Curated, split: Split) -> bool:
    """Whether a number that is not in this split is one of the set, and so perhaps of its validation split."""
    return split.numbers is not None and len(split) > 0 and entry.example <= int(split.numbers.max())


def _label(entry: Curated, facts: DataFacts) -> int | None:
    if not entry.label or facts.task not in ("classes", "binary"):
        return None
    if facts.class_names:
        return facts.class_names.index(entry.label) if entry.label in facts.class_names else None
    most = max(2, facts.targets)
    return int(entry.label) if entry.label.isdecimal() and int(entry.label) < most else None
