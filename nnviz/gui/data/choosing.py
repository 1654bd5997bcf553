"""Which examples are shown, and in which order: search, filters and sorting, on arrays alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnviz.data.viewing import SPLIT_TITLES, SPLITS, ViewedData
from nnviz.record.hardest import hardest_first

if TYPE_CHECKING:
    from nnviz.explain.example_answers import ExampleAnswers

#: Orders that can be chosen: key and title.
ORDERS = (
    ("class", "by class"),
    ("number", "by number"),
    ("worst", "largest loss first"),
    ("best", "smallest loss first"),
    ("forgotten", "most often forgotten"),
    ("disagrees", "disagrees with its label"),
)
#: Those that need the answers of the network; those that need what its training kept of each example.
BY_ANSWERS, BY_RECORD = ("worst", "best"), ("forgotten", "disagrees")


@dataclass(frozen=True, eq=False)
class Answers:
    """What the network made of the examples, in the numbering of the viewed data.

    Attributes:
        step: Of its weights.
        losses: float32[n]; NaN where it was not asked (the test split never is).
        answers: int64[n], the class that each is taken for; −1 likewise, or where numbers are asked for.
        right: int8[n]: 1 right, 0 wrong, −1 nobody knows.
    """

    step: int
    losses: NDArray[np.float32]
    answers: NDArray[np.int64]
    right: NDArray[np.int8]

    @classmethod
    def of(cls, count: int, found: ExampleAnswers) -> Answers:
        """Filled up to ``count`` examples; those that were asked about come first."""
        asked = len(found.losses)
        losses = np.full(count, np.nan, np.float32)
        answers, right = np.full(count, -1, np.int64), np.full(count, -1, np.int8)
        losses[:asked], answers[:asked] = found.losses, found.answers
        if found.right is not None:
            right[:asked] = found.right
        return cls(found.step, losses, answers, right)


@dataclass(frozen=True, eq=False)
class Kept:
    """What the training kept of every example of its split, over the epochs.

    Attributes:
        forgotten: How often each was right in one epoch and wrong in the next; None where no answer is right or wrong.
        margins: The mean of its label's output less the largest other; likewise.
        losses: In the last epoch that was recorded, which decides between equal ones.
        step: Of the newer of the first two; −1 where there is none.
    """

    forgotten: NDArray[np.int64] | None = None
    margins: NDArray[np.float32] | None = None
    losses: NDArray[np.float32] | None = None
    step: int = -1


@dataclass(frozen=True)
class Wish:
    """What is looked for.

    Attributes:
        text: In the label or the file, ``#`` and a number for an example by its number in its split; empty for all.
        split: Its name; empty for all.
        label: A class by its place; −1 for all.
        answer: ``right``, ``wrong``, ``decided`` for those that something was decided about, or empty for all.
        order: One of :data:`ORDERS`.
    """

    text: str = ""
    split: str = ""
    label: int = -1
    answer: str = ""
    order: str = "class"


@dataclass(frozen=True)
class Section:
    """Examples under one heading: its words, its class (−1 for none), and how many there are."""

    title: str
    label: int
    count: int


@dataclass(frozen=True, eq=False)
class Chosen:
    """The numbers of the examples to show, in order, and the headings above them; the counts add up to all."""

    numbers: NDArray[np.int64]
    sections: tuple[Section, ...]


def choose(
    data: ViewedData,
    answers: Answers | None,
    wish: Wish,
    kept: Kept = Kept(),
    decided: Collection[int] = (),
) -> Chosen:
    """Searches, filters and sorts; a few milliseconds for 100,000 examples.

    Args:
        data: All of them.
        answers: What the network made of them, if it was asked.
        wish: What is looked for.
        kept: What the training kept of each of its examples.
        decided: Those that something was decided about.
    """
    return _choose(data, answers, wish, kept, np.array(sorted(decided), np.int64))


def _choose(data: ViewedData, answers: Answers | None, wish: Wish, record: Kept, decided: NDArray[np.int64]) -> Chosen:
    kept: NDArray[np.bool_] = np.ones(len(data), bool)
    if wish.split:
        kept &= data.split_of == SPLITS.index(wish.split)
    if wish.label >= 0:
        kept &= data.label_of == wish.label
    if wish.answer == "decided":
        kept &= np.isin(np.arange(len(data)), decided)
    elif wish.answer and answers is not None:
        kept &= answers.right == (1 if wish.answer == "right" else 0)
    text = wish.text.strip().lower()
    if text:
        kept &= _found(data, text)
    numbers = np.flatnonzero(kept)
    by_record = {"forgotten": record.forgotten, "disagrees": record.margins}.get(wish.order)
    if by_record is not None:
        order = hardest_first(by_record, record.losses, small=wish.order == "disagrees")
        numbers = order[kept[: len(by_record)][order] & np.isfinite(by_record[order])]  # those of training come first
        return Chosen(numbers, (Section("", -1, len(numbers)),))
    if wish.order in BY_ANSWERS and answers is not None:
        losses = answers.losses[numbers]
        key = np.where(np.isnan(losses), np.inf, -losses if wish.order == "worst" else losses)
        numbers = numbers[np.argsort(key, kind="stable")]
        return Chosen(numbers, (Section("", -1, len(numbers)),))
    if wish.order == "number" or not data.class_names:
        splits = data.split_of[numbers]
        present = range(len(data.inputs))
        sections = [Section(_capital(SPLIT_TITLES[SPLITS[at]]), -1, int((splits == at).sum())) for at in present]
        return Chosen(numbers, tuple(one for one in sections if one.count))
    labels = data.label_of[numbers]
    numbers = numbers[np.argsort(labels, kind="stable")]
    counts = np.bincount(labels, minlength=len(data.class_names)).tolist()
    names = data.class_names
    return Chosen(numbers, tuple(Section(names[at], at, count) for at, count in enumerate(counts) if count))


def _found(data: ViewedData, text: str) -> NDArray[np.bool_]:
    if text.startswith("#") and text[1:].isdigit():
        index = np.arange(len(data)) - np.array(data.starts)[data.split_of]
        same: NDArray[np.bool_] = index == int(text[1:])
        return same
    found: NDArray[np.bool_] = np.zeros(len(data), bool)
    matching = [at for at, name in enumerate(data.class_names) if text in name.lower()]
    if matching:
        found |= np.isin(data.label_of, matching)
    if data.files:
        found |= np.fromiter((text in file.lower() for file in data.files), bool, len(data))
    return found


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
