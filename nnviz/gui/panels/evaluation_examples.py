"""Which examples stand behind a figure of an evaluation, in which order, and what the network made of each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnviz.gui.look.theme import format_count
from nnviz.record.evaluated import AnyEvaluated, EvaluatedClasses, EvaluatedNumbers
from nnviz.record.number_text import format_number, percent
from nnviz.train.figures import ClassFigures, NumberFigures

Places: TypeAlias = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Behind:
    """The examples behind a figure.

    Attributes:
        title: What they have in common, and how many there are.
        places: Where they stand in the split, in the order in which they are looked at.
    """

    title: str
    places: Places


def worst(found: AnyEvaluated, figures: ClassFigures | NumberFigures) -> Behind | None:
    """What the network did worst: the mistakes it was surest of, or the largest errors; None where nobody knows."""
    if isinstance(found, EvaluatedClasses):
        wrong = np.flatnonzero(found.rank > 0)
        title = f"Mistakes, the surest first: {_counted(wrong)}" if len(wrong) else "No mistake"
        return Behind(title, _by_sureness(found, wrong))
    return Behind("Largest errors", figures.hardest) if isinstance(figures, NumberFigures) else None


def behind_cell(found: EvaluatedClasses, right: int, taken: int) -> Behind:
    """The examples of a class that were taken for another, the surest first, or for itself, the least sure first."""
    places = np.flatnonzero((found.target == right) & (found.predicted == taken))
    one, other = found.names[right], found.names[taken]
    title = (
        f"{one}, recognised: {_counted(places)}" if right == taken else f"{one} taken for {other}: {_counted(places)}"
    )
    return Behind(title, _by_sureness(found, places, surest=right != taken))


def behind_class(found: EvaluatedClasses, number: int) -> Behind:
    """The mistakes about a class: those of it, and those taken for it."""
    wrong = (found.rank > 0) & ((found.target == number) | (found.predicted == number))
    places = np.flatnonzero(wrong)
    return Behind(f"Mistakes about {found.names[number]}: {_counted(places)}", _by_sureness(found, places))


def behind_bin(found: AnyEvaluated, figures: ClassFigures | NumberFigures, number: int) -> Behind | None:
    """The examples of a bar of the calibration or of the residuals; None where there is none."""
    if isinstance(found, EvaluatedClasses) and isinstance(figures, ClassFigures) and figures.calibration:
        shown = figures.calibration
        places = np.flatnonzero(shown.place == number)
        wrong = places[found.rank[places] > 0]
        low, high = (percent(float(edge)) for edge in shown.edges[number : number + 2])
        # The mistakes first: they are what lies between the bar and the line.
        right = places[found.rank[places] == 0]
        title = f"{low} to {high} sure: {format_count(len(wrong))} of {format_count(len(places))} wrong"
        return Behind(title, np.concatenate([wrong, right]))
    if isinstance(found, EvaluatedNumbers) and isinstance(figures, NumberFigures):
        last = number == len(figures.counts) - 1
        start, end = (float(edge) for edge in figures.edges[number : number + 2])
        errors = figures.residuals
        inside = ((errors >= start) & ((errors <= end) if last else (errors < end))).any(axis=1)
        return Behind(f"Errors from {format_number(start)} to {format_number(end)}", np.flatnonzero(inside))
    return None


def answer_words(found: AnyEvaluated, place: int) -> str:
    """What is right for an example and what the network made of it, in two short lines; empty where nobody knows."""
    if isinstance(found, EvaluatedClasses) and place < len(found):
        right, taken = found.names[found.target[place]], int(found.predicted[place])
        answer = found.names[taken] if taken >= 0 else "no answer"
        sure = float(found.probability[place])
        words = right if taken == found.target[place] else f"{right} → {answer}"
        return words if math.isnan(sure) else f"{words}\n{percent(sure, 1)}"
    if isinstance(found, EvaluatedNumbers) and place < len(found):
        right_ones, answers = found.target[place], found.predicted[place]
        column = int(np.argmax(np.nan_to_num(np.abs(answers - right_ones), nan=np.inf)))
        one, other = float(right_ones[column]), float(answers[column])
        return f"{format_number(one)} → {format_number(other)}\noff by {format_number(other - one)}"
    return ""


def _by_sureness(found: EvaluatedClasses, places: Places, *, surest: bool = True) -> Places:
    """The surest answers first, or the least sure."""
    sure = np.nan_to_num(found.probability[places], nan=0.0)
    return places[np.argsort(-sure if surest else sure, kind="stable")]


def _counted(places: Places) -> str:
    return f"{format_count(len(places))} example{'s' * (len(places) != 1)}"
