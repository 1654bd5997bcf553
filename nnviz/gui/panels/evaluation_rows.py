"""The figures of an evaluation as the rows of a table, to be saved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nnviz.gui.panels.base import Cell
from nnviz.record.evaluated import AnyEvaluated, EvaluatedClasses, EvaluatedNumbers
from nnviz.train.figures import ClassFigures, NumberFigures


def rows_of(
    found: AnyEvaluated | None, figures: ClassFigures | NumberFigures | None, view: str
) -> Iterator[Sequence[Cell]]:
    """What a view shows: the matrix, a row a class, a row a bar; of numbers a row an example.

    Args:
        found: What was made of each example; None for nothing.
        figures: What follows from that; None until it is found.
        view: ``pairs``, ``table`` or ``spread``.
    """
    if isinstance(found, EvaluatedClasses) and isinstance(figures, ClassFigures):
        if view == "pairs":
            yield ("is / taken for", *found.names)
            for name, row in zip(found.names, figures.confusion.tolist(), strict=True):
                yield (name, *row)
        elif view == "table":
            yield ("class", "precision", "recall", "f1", "examples", "taken for it")
            columns = (figures.precision, figures.recall, figures.f1, figures.support, figures.named)
            for place, name in enumerate(found.names):
                yield (name, *(column[place].item() for column in columns))
        elif figures.calibration is not None:
            shown = figures.calibration
            yield ("from", "to", "examples", "probability", "accuracy")
            for place in range(len(shown.count)):
                ends = float(shown.edges[place]), float(shown.edges[place + 1])
                yield (
                    *ends, int(shown.count[place]), float(shown.confidence[place]), float(shown.accuracy[place])
                )  # fmt: skip
    elif isinstance(found, EvaluatedNumbers) and isinstance(figures, NumberFigures):
        yield ("example", "number", "right", "predicted", "error")
        for place in range(len(found)):
            for column, name in enumerate(found.names):
                right, answer = float(found.target[place, column]), float(found.predicted[place, column])
                yield (place, name, right, answer, answer - right)
    else:  # nothing is known yet, or the figures are being found
        yield ("example", "right", "taken for", "probability")
        if isinstance(found, EvaluatedClasses):
            for place in range(len(found)):
                taken = int(found.predicted[place])
                words = found.names[found.target[place]], found.names[taken] if taken >= 0 else ""
                yield (place, *words, float(found.probability[place]))
