"""How the network does on a whole split: what is taken for what, each class, calibration; of numbers the errors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QComboBox, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout

from nnviz.gui.look import theme as themes
from nnviz.gui.panels.base import Cell, Panel
from nnviz.gui.panels.evaluation_examples import Behind, answer_words, behind_bin, behind_cell, behind_class, worst
from nnviz.gui.panels.evaluation_rows import rows_of
from nnviz.gui.panels.evaluation_views import EvaluationViews
from nnviz.gui.panels.example_tiles import ExampleTiles
from nnviz.gui.panels.panel_actions import PanelChoice, PanelOption
from nnviz.gui.panels.range_bar import RangeBar
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.parts.widgets import ElidedLabel, Segments, set_font
from nnviz.gui.runs.shown_network import Asked
from nnviz.project.edits import SetView
from nnviz.project.model import PIN_SPLITS, Pin, usual_split
from nnviz.record.evaluated import AnyEvaluated, EvaluatedClasses, from_reading, same_answers
from nnviz.record.interest import NOTHING, Interest
from nnviz.record.number_text import format_number, format_times, percent
from nnviz.record.quantities import EVALUATION
from nnviz.record.run import RunView
from nnviz.train.figures import ClassFigures, NumberFigures, figures_of

_SPLIT_WORDS = {"validation": "validation", "train": "training", "test": "test"}
#: Pixels of width below which the examples stand under what they belong to, as they do where it is higher than wide.
_WIDE = 420
#: What the views are called: of classes, of numbers.
_VIEW_WORDS = {
    "pairs": ("Confusion", "Predicted / right"),
    "table": ("Classes", "Largest errors"),
    "spread": ("Calibration", "Residuals"),
}
_CELL_WORDS = {"count": "number", "share": "% of row", "errors": "mistakes"}
#: What stands in place of these words where there is little room; the tooltip has them.
_SHORT = {"calibration error": "ECE", "macro F1": "F1", "mean absolute error": "MAE", "largest": "max"}
_PINS = "Click one to pin it to the canvas."


class EvaluationPanel(Panel):
    """What a network made of every example of a split, and what follows from that."""

    key = "evaluation"
    title = "Evaluation"
    letter = "Q"
    least_width = 460
    least_height = 360
    empty = (
        "Evaluate to see which classes are taken for which, or how far predicted numbers are off, and how far "
        "an answer can be trusted."
    )
    needs_training = True
    quantities = (EVALUATION,)
    choices = (
        PanelChoice(
            "split",
            "validation",
            (
                PanelOption("validation", "V&alidation examples", "Those that were held back to choose by", "L"),
                PanelOption("train", "T&raining examples", "Those that were learned", "T"),
                PanelOption("test", "&Test examples", "Those that are sealed: each look at them is counted", "E"),
            ),
        ),
        PanelChoice(
            "view",
            "pairs",
            (
                PanelOption("pairs", "C&onfusion, predicted / right", "What was taken for what", "M"),
                PanelOption("table", "C&lasses, largest errors", "As a table, to be sorted", "A"),
                PanelOption("spread", "Cali&bration, residuals", "How far an answer can be trusted", "B"),
            ),
        ),
        PanelChoice(
            "cells",
            "count",
            (
                PanelOption("count", "&Number of examples", "Cells of the confusion matrix say how many", "N"),
                PanelOption("share", "Share o&f the row", "Cells say which part of a class was taken for what", "R"),
                PanelOption(
                    "errors", "&Mistakes alone", "Without what was recognised, so that mistakes stand out", "W"
                ),
            ),
        ),
    )
    help = (
        "<p><b>What it shows.</b> What the network, at the step that is named, made of every example of a split. "
        "<i>Confusion</i>: a row is a class as it is, a column what it was taken for; the diagonal was recognised. "
        "<i>Precision</i>: of those taken for a class, the share that is of it. <i>Recall</i>: of those of a class, "
        "the share that was taken for it. <i>F1</i>: 2·precision·recall / (precision + recall); <i>macro F1</i> is its "
        "mean over the classes. <i>Top-5</i>: the right class was among the five likeliest. <i>Calibration</i>: for "
        "each tenth of probability how often an answer was right; the <i>calibration error</i> is how far the two lie "
        "apart, averaged over the examples (expected calibration error, Guo et al., 2017).</p>"
        "<p>Of a regression: predicted against right, the largest errors, and how the errors are spread. <i>R²</i> is "
        "1 less the squared errors as a part of those of always answering the mean.</p>"
        "<p><b>How to read it.</b> Two classes that are confused with each other look alike to the network: click the "
        "cell and look whether they do to you. Bars below the dashed line: it is surer than it is right.</p>"
        "<p><b>What to do.</b> Evaluate again after training on. Choose by the validation examples; each look at the "
        "test set is counted.</p>"
    )

    def build(self) -> None:
        """The switches in the header, the figures, the views, and the examples beside them."""
        self._split, self._view, self._cells = "validation", "pairs", "count"
        self._evaluated: AnyEvaluated | None = None
        #: Of what figures were asked for: what is shown, or the same before it was marked as outdated.
        self._figured: AnyEvaluated | None = None
        self._figures: ClassFigures | NumberFigures | None = None
        self._read: tuple[object, AnyEvaluated | None] = (None, None)
        #: What was found of a network that is not live, and of which: it stands in no run.
        self._own: dict[str, tuple[object, AnyEvaluated]] = {}
        self._asked: Asked | None = None
        #: What has to be mended before the network on the canvas can be trained.
        self._obstacle = ""
        self._was_old = False
        self._build_header()
        self.figures = QLabel("", self.body)
        self.figures.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.figures.setTextFormat(Qt.TextFormat.RichText)
        set_font(self.figures, 13)
        top = QHBoxLayout()
        top.setSpacing(8)
        self.views = Segments([(key, words[0], "") for key, words in _VIEW_WORDS.items()], self.body)
        self.views.chosen.connect(lambda key: self.set_option("view", key))
        self.cells = QComboBox(self.body)
        self.cells.setAccessibleName("What the cells say")
        set_font(self.cells, 12)
        for cells, words in _CELL_WORDS.items():
            self.cells.addItem(words, cells)
        self.cells.activated.connect(lambda place: self.set_option("cells", str(self.cells.itemData(place))))
        top.addWidget(self.views)
        top.addStretch(1)
        self.body_layout.addLayout(top)
        self.body_layout.addWidget(self.figures)
        self.stack = EvaluationViews(self.body)
        self.stack.cell_picked.connect(self.show_cell)
        self.stack.class_picked.connect(self.show_class)
        self.stack.bin_picked.connect(self.show_bin)
        self.stack.example_picked.connect(self.pin)
        self.stack.pointed.connect(self._say)
        self.examples = ExampleTiles(self.workspace.network, self.body)
        self.examples.chosen.connect(self.pin)
        self._main = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._main.setSpacing(12)
        self._main.addWidget(self.stack, 3)
        self._main.addWidget(self.examples, 2)
        self.body_layout.addLayout(self._main, 1)
        foot = QHBoxLayout()
        foot.setSpacing(6)
        self.words = ElidedLabel("", self.body)
        self.words.setProperty("role", "muted")
        set_font(self.words, 12)
        self.scale = RangeBar(self.body)
        foot.addWidget(self.words, 1)
        foot.addWidget(self.cells)
        foot.addWidget(self.scale)
        self.body_layout.addLayout(foot)
        follow(self.workspace.training.changed, self._show_button)
        follow(self.workspace.network.changed, self._show_button)
        self._show_button()

    def _build_header(self) -> None:
        self.splits = QComboBox(self.header)
        self.splits.setAccessibleName("Which examples")
        self.splits.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        set_font(self.splits, 12)
        for split, words in _SPLIT_WORDS.items():
            self.splits.addItem(words.capitalize(), split)
        self.splits.setItemData(2, "Each look at the test examples is counted.", Qt.ItemDataRole.ToolTipRole)
        self.splits.activated.connect(lambda place: self.set_option("split", str(self.splits.itemData(place))))
        self.again = QPushButton("Evaluate", self.header)
        self.again.setAutoDefault(False)
        set_font(self.again, 12)
        self.again.clicked.connect(self.evaluate)
        self.add_to_header(self.splits)
        self.add_to_header(self.again)
        # The empty state has a button of its own, below its sentence.
        self.begin = QPushButton("Evaluate", self._empty)
        self.begin.setProperty("role", "primary")
        self.begin.setAutoDefault(False)
        set_font(self.begin, 13)
        self.begin.clicked.connect(self.evaluate)
        below = QVBoxLayout(self._empty)
        below.setContentsMargins(0, 0, 0, 18)
        below.addStretch(1)
        below.addWidget(self.begin, 0, Qt.AlignmentFlag.AlignHCenter)

    # ------------------------------------------------------------------ choices

    def option(self, key: str) -> str:
        """The split, the view, or what the cells say."""
        return {"split": self._split, "view": self._view, "cells": self._cells}[key]

    def set_option(self, key: str, value: str) -> None:
        """Choose another one."""
        if value == self.option(key):
            return
        if key == "split":
            self._split = value
            self.splits.setCurrentIndex(self.splits.findData(value))
            self._show_button()
            self.redraw()
        elif key == "view":
            self._view = value
            self.views.set_value(value)
            self._show_view()
            self._show_figures()
        else:
            self._cells = value
            self.cells.setCurrentIndex(self.cells.findData(value))
            self._show_view()
        self.option_changed.emit(key, value)

    # ------------------------------------------------------------------ asking

    def evaluate(self) -> None:
        """Ask the network about every example of the split that is chosen."""
        if self._asked is not None or self.why_not:
            return
        split, network = self._split, self.workspace.network
        live, of = network.is_live, network.key[:3]

        def done(found: AnyEvaluated) -> None:
            self._asked = None
            if not live:
                self._own[split] = (of, found)
            self._show_button()
            self.redraw()

        self._asked = network.evaluate(split, done, self._on_failure, self)
        self._show_button()

    def _on_failure(self, error: BaseException) -> None:
        self._asked = None
        self._show_button()
        self.message.emit(sentence_of(error) if isinstance(error, Exception) else str(error))

    def set_obstacle(self, text: str) -> None:
        """What has to be mended is also in the way of evaluating."""
        super().set_obstacle(text)
        self._obstacle = text
        self._show_button()

    @property
    def why_not(self) -> str:
        """Why the network cannot be asked now; empty when it can."""
        network, training = self.workspace.network, self.workspace.training
        if network.is_live:
            able = training.state in {"ready", "running", "paused", "done"}
            # The network in training is not the one on the canvas while that has a problem, and would be taken for it.
            return self._obstacle if able else training.blocked() or "The network is being prepared."
        if self._split == "test":
            return "The test set is looked at by the live network, where each use is counted, or by nnviz evaluate."
        return "" if network.kept_file is not None else "No weights are kept of this step: the run is in no file."

    def _show_button(self, *_: object) -> None:
        busy, reason = self._asked is not None, self.why_not
        words = _SPLIT_WORDS[self._split]
        text = "Evaluating…" if busy else "Evaluate"
        uses = self.workspace.training.test_uses
        used = f" It was used {format_times(uses)} so far." if uses else " It is untouched so far."
        tip = reason or f"Ask the network about all {words} examples" + (
            f"; this use of the test set is counted.{used}" if self._split == "test" else ""
        )
        for button in (self.again, self.begin):
            button.setEnabled(not busy and not reason)
            button.setToolTip(tip)
            button.setAccessibleName(f"Evaluate the {words} examples")
        self.again.setText(text)
        counted = " (counted)" if self._split == "test" else ""
        self.begin.setText(text if busy else f"Evaluate the {words} examples{counted}")

    # ------------------------------------------------------------------ drawing

    def looks_at(self) -> Interest:
        """Nothing is measured for it unasked."""
        return NOTHING

    def shows(self, series: str) -> bool:
        """Only the split that is chosen."""
        return series == EVALUATION.series(self._split)

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """The newest evaluation of the split up to the step that is shown."""
        reading = run.latest(EVALUATION.series(self._split), step)
        if self._read[0] is not reading:
            self._read = (reading, from_reading(reading))
        found = self._read[1]
        own = self._own.get(self._split)
        if own is not None and own[0] == self.workspace.network.key[:3]:
            # A run that grows may have got a newer one since it was asked.
            newer = step is None and found is not None and found.step > own[1].step
            found = found if newer else own[1]
        if found is None:
            self._forget()
            return False
        before, self._evaluated = self._evaluated, found
        # One that is only marked as outdated now leaves the figures, and what is looked at, as they are.
        if before is not found and (before is None or not same_answers(before, found)):
            self._figured, self._figures = found, None
            self.examples.clear()
            self.stack.confusion.choose(None)
            self._ask_figures(found)
        self._show_step()
        return True

    def _forget(self) -> None:
        self._evaluated = self._figured = self._figures = None
        self.examples.clear()

    def _ask_figures(self, found: AnyEvaluated) -> None:
        self.figures.setText("…")

        def done(figures: ClassFigures | NumberFigures) -> None:
            if found is self._figured:
                self._figures = figures
                self._show_figures()
                self._show_view()
                self._show_worst()

        self.workspace.background.start(lambda: figures_of(found), done, self._on_failure, lane="figures")

    def _show_step(self) -> None:
        found = self._evaluated
        assert found is not None
        count = themes.format_count(len(found))
        at = f"step {themes.format_count(found.weights_of)}{', changed since' if found.outdated else ''}"
        best = " (best weights)" if found.weights_of != found.step else ""
        words = _SPLIT_WORDS[found.split]
        uses = self.workspace.training.test_uses
        used = f", used {format_times(uses)}" if found.split == "test" and uses else ""
        self.set_subtitle(
            f"of {at}{best}, {words}, {count} examples{used}",
            f"of {at}, {words}, {count} examples",
            f"{at} · {count} examples",
            at,
        )
        self.show_ages()

    def _show_figures(self) -> None:
        found, figures = self._evaluated, self._figures
        if found is None or figures is None:
            return
        if isinstance(figures, ClassFigures):
            values = [
                ("accuracy", percent(figures.accuracy, 1)),
                ("top-5", "" if math.isnan(figures.top5) else percent(figures.top5, 1)),
                ("macro F1", percent(figures.macro_f1, 1)),
                ("calibration error", "" if figures.calibration is None else percent(figures.calibration.error, 1)),
                ("without an answer", themes.format_count(figures.unanswered) if figures.unanswered else ""),
            ]
        else:
            values = [
                ("mean absolute error", format_number(figures.mae)),
                ("RMSE", format_number(figures.rmse)),
                ("R²", format_number(figures.r2)),
                ("largest", format_number(figures.largest)),
                ("no number", themes.format_count(figures.not_finite) if figures.not_finite else ""),
            ]
        shown = [(name, value) for name, value in values if value]
        muted = themes.current().text_muted.name()
        self.figures.setText(
            "&nbsp;&nbsp; ".join(
                f"<span style='color:{muted}'>{name}</span>&nbsp;<b>{value}</b>" for name, value in self._fitting(shown)
            )
        )
        self.figures.setAccessibleName(", ".join(f"{name} {value}" for name, value in shown))
        self.figures.setToolTip("\n".join(f"{name}: {value}" for name, value in shown))

    def _fitting(self, figures: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Those that have room, whole: with short names where the long ones have none, then without the last ones.

        What the chosen view is about stays longest; all of them are in the tip.
        """
        bold, plain = QFontMetrics(themes.font(13, 700)), QFontMetrics(themes.font(13))
        room = self.body.width() - 24

        def wide(some: Sequence[tuple[str, str]]) -> bool:
            return (
                sum(plain.horizontalAdvance(f"   {name} ") + bold.horizontalAdvance(one) for name, one in some) > room
            )

        found = list(figures)
        if wide(found):
            found = [(_SHORT.get(name, name), value) for name, value in found]
        about = _SHORT["calibration error"] if self._view == "spread" else ""
        while len(found) > 1 and wide(found):
            found.remove(next(one for one in reversed(found) if one[0] != about))
        return found

    def _show_view(self) -> None:
        found, figures = self._evaluated, self._figures
        classes = isinstance(figures, ClassFigures)
        for key, words in _VIEW_WORDS.items():
            self.views.set_title(key, words[0] if classes or figures is None else words[1])
        shows_cells = self._view == "pairs" and classes
        self.cells.setVisible(shows_cells)
        self.scale.setVisible(shows_cells)
        remark = self.stack.show_figures(found, figures, self._view, self._cells)
        if shows_cells:
            self.scale.set_scale(self.stack.confusion.scale)
        self._say(remark)

    def _say(self, text: str) -> None:
        idle = {
            "pairs": "Point at a cell, click to see its examples.",
            "table": "Click a heading to sort, a row for its mistakes.",
            "spread": "Point at a bar, click to see its examples.",
        }[self._view]
        if isinstance(self._figures, NumberFigures) and self._view != "spread":
            idle = "Click a point to pin its example." if self._view == "pairs" else "Click a row to pin its example."
        found = self._evaluated
        step = "" if found is None else f"Step {themes.format_count(found.weights_of)}, {_SPLIT_WORDS[found.split]}"
        if text:
            self.words.set_whole(text)
        else:
            short = "" if found is None else f"step {themes.format_count(found.weights_of)}"
            self.words.set_wordings(f"{step}. {idle}", f"{step}.", step, short)
        self.stack.say(text)

    # ------------------------------------------------------------------ the examples behind something

    def _show_worst(self) -> None:
        if self._evaluated is not None and self._figures is not None:
            self._show_behind(worst(self._evaluated, self._figures))

    def show_cell(self, right: int, taken: int) -> None:
        """Show the examples of a class that were taken for another, or for itself."""
        if isinstance(self._evaluated, EvaluatedClasses):
            self.stack.confusion.choose((right, taken))
            self._show_behind(behind_cell(self._evaluated, right, taken))

    def show_class(self, number: int) -> None:
        """Show the mistakes about a class: those of it, and those taken for it."""
        if isinstance(self._evaluated, EvaluatedClasses):
            self._show_behind(behind_class(self._evaluated, number))

    def show_bin(self, number: int) -> None:
        """Show the examples of a bar."""
        if self._evaluated is not None and self._figures is not None:
            self._show_behind(behind_bin(self._evaluated, self._figures, number))

    def _show_behind(self, behind: Behind | None) -> None:
        found = self._evaluated
        if found is None or behind is None:
            return
        hint = self._pin_not() or _PINS
        places = [int(place) for place in behind.places]
        self.examples.show_examples(found, found.split, behind.title, places, partial(answer_words, found), hint)

    # ------------------------------------------------------------------ pinning

    def _pin_not(self) -> str:
        """Why an example of this split cannot be pinned; empty when it can."""
        found = self._evaluated
        if self.document.read_only:
            return self.document.read_only
        if found is not None and found.split not in PIN_SPLITS:
            return f"The {_SPLIT_WORDS[found.split]} examples are sealed: they cannot be pinned."
        return ""

    def _pin_of(self, place: int) -> Pin:
        """An example of this split as the document pins it."""
        found, sizes = self._evaluated, self.workspace.training.split_sizes
        usual = usual_split(sizes[1] if len(sizes) > 1 else 1)  # held back, until it is known
        return Pin(place, "" if found is None or found.split == usual else found.split)

    def pin(self, place: int) -> None:
        """Pin an example to the canvas: the cards show what each layer makes of it."""
        reason = self._pin_not()
        if reason:
            self.workspace.say(reason)
            return
        self.workspace.apply(SetView(self.document.project.view.showing(self._pin_of(place)), gesture="pin"))

    # ------------------------------------------------------------------ age, room, export

    @property
    def is_old(self) -> bool:
        """Whether training has gone on since it was made, or the network was made another one by hand."""
        found = self._evaluated
        return found is not None and (found.outdated or self.moment.is_old(found.step))

    def has_aged(self) -> bool:
        """Whether it has become old, or is new again, since that was said."""
        return self.is_old is not self._was_old

    def show_ages(self) -> None:
        """Say that it is of an earlier step."""
        self._was_old = self.is_old
        found = self._evaluated
        # Where the head has no room for the step, the line below what is shown says it.
        for label in (self._subtitle, self.words):
            label.set_age((lambda: self._age(found)) if self._was_old and found is not None else None)

    def _age(self, found: AnyEvaluated) -> str:
        """When it was made, and what it does not know of."""
        words = self.moment.words(found.step)
        return f"{words}, before other weights or units were put in there" if found.outdated else words

    def restyle(self) -> None:
        """Colours of the theme in the line of figures, too."""
        super().restyle()
        self._show_figures()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where it is narrow, the examples stand below."""
        super().resizeEvent(event)
        low = self.height() < self.least_height * themes.text_scale()
        beside = low or self.width() >= max(_WIDE * themes.text_scale(), 0.9 * self.height())
        self._main.setDirection(QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom)
        # Beside each other they need less height; without being told, the dock kept the room of before, over its tabs.
        self.updateGeometry()
        self._main.update()
        self._show_figures()

    def rows(self) -> Iterator[Sequence[Cell]]:
        """What the view shows: the matrix, a row a class, a row a bar; of numbers a row an example."""
        return rows_of(self._evaluated, self._figures, self._view)
