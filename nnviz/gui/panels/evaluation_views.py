"""The views of an evaluation, one of which is in front: matrix, table, calibration; pairs, errors, residuals."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QStackedWidget, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.panels.confusion_view import Cells, ConfusionView
from nnviz.gui.panels.evaluation_plots import PairsPlot, ReliabilityPlot, ResidualPlot
from nnviz.gui.panels.figure_table import FigureTable
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.parts.widgets import set_font
from nnviz.record.evaluated import AnyEvaluated, EvaluatedClasses, EvaluatedNumbers
from nnviz.record.number_text import format_number, percent
from nnviz.train.figures import ClassFigures, NumberFigures


class EvaluationViews(QStackedWidget):
    """Shows the figures of an evaluation of classes or of numbers.

    Args:
        parent: Owner.

    Attributes:
        places: Which example each row of the largest errors is, as they were given to the table.

    Signals:
        pointed: Something is pointed at: a sentence, empty for nothing.
        cell_picked: A cell of the matrix: the class that is right, and the one that was taken for it.
        class_picked: A row of the table of classes: its number.
        bin_picked: A bar: its number.
        example_picked: An example: its place in the split.
    """

    pointed = Signal(str)
    cell_picked = Signal(int, int)
    class_picked = Signal(int)
    bin_picked = Signal(int)
    example_picked = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.places: list[int] = []
        self.confusion = ConfusionView()
        self.classes = FigureTable("Precision, recall and F1 of each class")
        self.reliability = ReliabilityPlot()
        self.pairs = PairsPlot()
        self.largest = FigureTable("The largest errors")
        self.residuals = ResidualPlot()
        self.none = QLabel("")
        self.none.setWordWrap(True)
        self.none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.none.setProperty("role", "muted")
        set_font(self.none, 13)
        for view in (
            self.confusion, self.classes, self.reliability, self.pairs, self.largest, self.residuals, self.none
        ):  # fmt: skip
            self.addWidget(view)
        self.confusion.picked.connect(self.cell_picked)
        self.confusion.pointed.connect(self.pointed)
        self.classes.picked.connect(self.class_picked)
        self.reliability.picked.connect(self.bin_picked)
        self.reliability.pointed.connect(self.pointed)
        self.pairs.picked.connect(self.example_picked)
        self.pairs.pointed.connect(self.pointed)
        self.largest.picked.connect(lambda row: self.example_picked.emit(self.places[row]))
        self.residuals.picked.connect(self.bin_picked)
        self.residuals.pointed.connect(self.pointed)

    def show_figures(
        self, found: AnyEvaluated | None, figures: ClassFigures | NumberFigures | None, view: str, cells: str
    ) -> str:
        """Bring a view to the front, with these figures.

        Args:
            found: What was made of each example.
            figures: What follows from that.
            view: ``pairs``, ``table`` or ``spread``.
            cells: What the cells of the matrix say.

        Returns:
            What is left out in it, as a sentence without its end; empty where all is there.
        """
        if isinstance(figures, ClassFigures) and isinstance(found, EvaluatedClasses):
            self.setCurrentWidget(self._view_of_classes(found, figures, view, cells))
        elif isinstance(figures, NumberFigures) and isinstance(found, EvaluatedNumbers):
            shown, remark = self._view_of_numbers(found, figures, view)
            self.setCurrentWidget(shown)
            return remark
        return ""

    def say(self, text: str) -> None:
        """What is pointed at stands in the tooltip, too."""
        for view in (self.confusion, self.reliability, self.pairs, self.residuals):
            view.setToolTip(plain_tip(text))

    def _view_of_classes(self, found: EvaluatedClasses, figures: ClassFigures, view: str, cells: str) -> QWidget:
        if view == "pairs":
            self.confusion.show_counts(found.names, figures.confusion, cast(Cells, cells))
            return self.confusion
        if view == "table":
            self._fill_classes(found, figures)
            return self.classes
        if figures.calibration is None:
            self.none.setText(
                "The outputs of this network are no probabilities: with a cross-entropy, or with a Softmax or Sigmoid "
                "before the output, it could be seen here how far they can be trusted."
            )
            return self.none
        self.reliability.show_calibration(figures.calibration)
        return self.reliability

    def _fill_classes(self, found: EvaluatedClasses, figures: ClassFigures) -> None:
        def share(value: float) -> tuple[str, float]:
            return ("–" if math.isnan(value) else percent(float(value), 1)), float(value)

        self.classes.show_rows(
            (
                ("class", "Click a row to see its mistakes"),
                ("precision", "Of those taken for it, the share that is of it"),
                ("recall", "Of those of it, the share that was taken for it"),
                ("F1", "2·precision·recall / (precision + recall)"),
                ("examples", "How many there are"),
                ("taken for it", "How many were taken for it"),
            ),
            [
                (
                    (name, name if not name.isdecimal() else float(name)),
                    share(figures.precision[place]),
                    share(figures.recall[place]),
                    share(figures.f1[place]),
                    (themes.format_count(int(figures.support[place])), float(figures.support[place])),
                    (themes.format_count(int(figures.named[place])), float(figures.named[place])),
                )
                for place, name in enumerate(found.names)
            ],
        )

    def _view_of_numbers(self, found: EvaluatedNumbers, figures: NumberFigures, view: str) -> tuple[QWidget, str]:
        if view == "pairs":
            rest = self.pairs.show_pairs(found.target[:, 0], found.predicted[:, 0])
            several = f"the first of {len(found.names)} numbers" if len(found.names) > 1 else ""
            return self.pairs, "; ".join(filter(None, (rest, several)))
        if view == "table":
            self.places = figures.hardest[:200].tolist()

            def number(value: float) -> tuple[str, float]:
                return format_number(value), value

            rows = []
            for place in self.places:
                column = int(np.argmax(np.nan_to_num(np.abs(figures.residuals[place]), nan=np.inf)))
                right, answer = float(found.target[place, column]), float(found.predicted[place, column])
                rows.append(((themes.format_count(place), float(place)), *map(number, (right, answer, answer - right))))
            self.largest.show_rows(
                (
                    ("example", "Click a row to pin it to the canvas"),
                    ("right", "What is right"),
                    ("predicted", "What the network answers"),
                    ("error", "Predicted less right"),
                ),
                rows,
            )
            return self.largest, ""
        self.residuals.show_errors(figures)
        return self.residuals, ""
