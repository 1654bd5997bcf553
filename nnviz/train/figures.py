"""The figures of an evaluation: confusion, precision and recall, calibration; of numbers errors and residuals.

scikit-learn computes what it has; it is imported when that is needed, and takes about a second. From any thread.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnviz.record.evaluated import AnyEvaluated, EvaluatedClasses, EvaluatedNumbers
from nnviz.record.quantities import LEAST_CLASSES_FOR_TOP, TOP

#: Bins of the reliability curve.
BINS = 10
#: Bins of the histogram of residuals, at most.
_MOST_BINS = 41

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Whether what the network calls 80 % likely is right in 80 of 100 cases (Guo et al., 2017).

    Attributes:
        edges: float64[BINS + 1], of equally wide bins of the probability of the class that was named.
        count: int64[BINS], examples in each; a probability on an edge lies in the bin below it.
        confidence: float64[BINS], the mean probability in each; NaN where there is none.
        accuracy: float64[BINS], the share that was right in each; likewise.
        error: The expected calibration error: the mean over the examples of how far the two lie apart in their bins.
        place: int64[n], the bin of each example; −1 of those without an answer.
    """

    edges: Floats
    count: Counts
    confidence: Floats
    accuracy: Floats
    error: float
    place: Counts


@dataclass(frozen=True, eq=False)
class ClassFigures:
    """How well classes are told apart.

    Attributes:
        accuracy: The share that was right; NaN where there are no examples, as of all means.
        top5: The share whose class was among the five likeliest; NaN with fewer than six classes.
        confusion: int64[k, k], how many of each class (row) were taken for each (column).
        precision: float64[k], of those that were taken for a class the share that is of it; NaN where none was.
        recall: float64[k], of those of a class the share that was taken for it; NaN where there is none.
        f1: float64[k], 2·precision·recall / (precision + recall); NaN where a class neither occurs nor is named.
        support: int64[k], examples of each class.
        named: int64[k], examples that were taken for each class.
        macro_precision, macro_recall, macro_f1: Means over the classes that occur or are named; 0 stands for what
            cannot be said of one of them.
        unanswered: Examples without an answer: wrong, and in no column.
        calibration: None where the network's outputs are no probabilities.
    """

    accuracy: float
    top5: float
    confusion: Counts
    precision: Floats
    recall: Floats
    f1: Floats
    support: Counts
    named: Counts
    macro_precision: float
    macro_recall: float
    macro_f1: float
    unanswered: int
    calibration: Calibration | None


@dataclass(frozen=True, eq=False)
class NumberFigures:
    """How far the numbers are off; over all numbers where there are several for an example.

    Attributes:
        mae: Mean absolute error; NaN where there is no example, as all of these.
        rmse: Root of the mean squared error.
        r2: 1 less the squared errors as a part of those of always answering the mean; the mean of that where there are
            several numbers. NaN of fewer than two examples.
        largest: The largest absolute error.
        residuals: float64[n, k], predicted less right; NaN where the answer is no number.
        hardest: int64[n], the places of the examples by their largest error, the largest first.
        edges, counts: Histogram of the residuals.
        not_finite: Examples whose answer is no number: in none of the figures.
    """

    mae: float
    rmse: float
    r2: float
    largest: float
    residuals: Floats
    hardest: Counts
    edges: Floats
    counts: Counts
    not_finite: int


def class_figures(evaluated: EvaluatedClasses) -> ClassFigures:
    """Of a network that tells classes apart."""
    from sklearn import metrics  # noqa: PLC0415 - slow to import

    classes = len(evaluated.names)
    target, predicted = evaluated.target, evaluated.predicted
    every = np.arange(classes)
    right = evaluated.rank == 0
    if not len(target):
        nothing, none = np.full(classes, np.nan), np.zeros(classes, np.int64)
        pairs = np.zeros((classes, classes), np.int64)
        nan = float("nan")
        return ClassFigures(nan, nan, pairs, nothing, nothing, nothing, none, none, nan, nan, nan, 0, None)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        target, predicted, labels=every, zero_division=np.nan
    )
    occurring = np.union1d(target, predicted[predicted >= 0])
    macro = metrics.precision_recall_fscore_support(
        target, predicted, labels=occurring, average="macro", zero_division=0
    )
    answered = predicted >= 0
    pairs = np.zeros((classes, classes), np.int64)
    if answered.any():
        pairs = metrics.confusion_matrix(target[answered], predicted[answered], labels=every).astype(np.int64)
    return ClassFigures(
        float(right.mean()),
        float((evaluated.rank < TOP).mean()) if classes >= LEAST_CLASSES_FOR_TOP else float("nan"),
        pairs,
        np.asarray(precision, np.float64),
        np.asarray(recall, np.float64),
        np.asarray(f1, np.float64),
        np.asarray(support, np.int64),
        pairs.sum(0),
        float(macro[0]),
        float(macro[1]),
        float(macro[2]),
        int((~answered).sum()),
        _calibration(evaluated.probability, right),
    )


def _calibration(probability: NDArray[np.float32], right: NDArray[np.bool_]) -> Calibration | None:
    known = np.isfinite(probability)
    if not known.any():
        return None
    edges = np.linspace(0.0, 1.0, BINS + 1)
    place = np.full(len(probability), -1)
    place[known] = np.searchsorted(edges[1:-1], probability[known].astype(np.float64))
    inside = place[known]
    count = np.bincount(inside, minlength=BINS)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(inside, probability[known], minlength=BINS) / count
        accuracy = np.bincount(inside, right[known], minlength=BINS) / count
    apart = np.nan_to_num(np.abs(confidence - accuracy))
    return Calibration(edges, count, confidence, accuracy, float((count * apart).sum() / count.sum()), place)


def number_figures(evaluated: EvaluatedNumbers) -> NumberFigures:
    """Of a regression."""
    from sklearn import metrics  # noqa: PLC0415 - slow to import

    with np.errstate(invalid="ignore", over="ignore"):
        residuals = evaluated.predicted - evaluated.target
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(residuals).all(axis=1))
    errors = np.abs(np.where(finite[:, None], residuals, np.inf)).max(1, initial=0.0)
    hardest = np.argsort(-errors, kind="stable").astype(np.int64)
    predicted, target = evaluated.predicted[finite], evaluated.target[finite]
    shown = residuals[finite]
    counts, edges = np.zeros(1, np.int64), np.array([0.0, 1.0])
    if not len(target):
        nan = float("nan")
        return NumberFigures(nan, nan, nan, nan, residuals, hardest, edges, counts, int((~finite).sum()))
    ends = float(shown.min()), float(shown.max())
    if ends[0] == ends[1]:
        ends = ends[0] - 0.5, ends[1] + 0.5
    bins = int(np.clip(np.sqrt(shown.size), 5, _MOST_BINS))
    counts, edges = np.histogram(shown, bins, ends)
    return NumberFigures(
        float(metrics.mean_absolute_error(target, predicted)),
        float(np.sqrt(metrics.mean_squared_error(target, predicted))),
        float(metrics.r2_score(target, predicted)) if len(target) > 1 else float("nan"),
        float(np.abs(shown).max()),
        np.where(finite[:, None], residuals, np.nan),
        hardest,
        edges.astype(np.float64),
        counts.astype(np.int64),
        int((~finite).sum()),
    )


def figures_of(evaluated: AnyEvaluated) -> ClassFigures | NumberFigures:
    """The figures of either kind."""
    if isinstance(evaluated, EvaluatedClasses):
        return class_figures(evaluated)
    return number_figures(evaluated)
