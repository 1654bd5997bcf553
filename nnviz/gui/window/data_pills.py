"""The pills of the top bar that say on what is trained: the data set with its sizes, and the sealed test set."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QAction, QFontMetrics
from PySide6.QtWidgets import QToolButton, QWidget

from nnviz.data import datasets
from nnviz.errors import InputError
from nnviz.gui.look import icons, theme
from nnviz.gui.look.theme import format_count
from nnviz.gui.parts.in_place import text_width
from nnviz.gui.runs.training import Training
from nnviz.project.document import Document
from nnviz.record.number_text import format_times

#: Characters that no count in the bar goes beyond: ``60k test ×12``.
_WIDEST_TEST = "9 999 test ×9"


def _short_count(count: int) -> str:
    """``48k``, ``1 437``: for pills, where the exact figure stands in the tooltip."""
    return f"{count // 1000}k" if count >= 10_000 and count % 1000 == 0 else format_count(count)


class DataPills(QObject):
    """Shows the data set of the document, and how often its test set was looked at.

    Args:
        document: What is open.
        training: Knows the sizes of the data set, and the uses of the test set.
        evaluate: The action that measures on the test set.
        bar: In which the pills stand, once they are put into its row.

    Attributes:
        data: The data set.
        test: Its test set.
    """

    #: The pill of the data set was pressed.
    data_requested = Signal()

    def __init__(self, document: Document, training: Training, evaluate: QAction, bar: QWidget) -> None:
        super().__init__(bar)
        self._document = document
        self._training = training
        self._evaluate = evaluate
        self.data = QToolButton(bar)
        self.data.setProperty("role", "pill")
        self.data.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.data.clicked.connect(self.data_requested)
        self.test = QToolButton(bar)
        self.test.setProperty("role", "pill")
        self.test.clicked.connect(evaluate.trigger)
        # Whoever brings the actions up to date may come after this bar has looked at them.
        evaluate.changed.connect(lambda: self.test.setEnabled(evaluate.isEnabled()))

    def refit(self, height: int) -> None:
        """Take the letters of the present text scale, and the room that the widest count needs.

        Args:
            height: Of a pill, in pixels.
        """
        scale = theme.surrounding_scale()
        for part in (self.data, self.test):
            part.setFont(theme.surrounding_font(12, 400))
            part.setFixedHeight(height)
        self.test.setIconSize(QSize(round(14 * scale), round(14 * scale)))
        self.test.setFixedWidth(text_width(_WIDEST_TEST, self.test.font()) + round(46 * scale))

    def make_room(self, text: str) -> None:
        """Give the pill of the data set room for a text."""
        scale = theme.surrounding_scale()
        self.data.setFixedWidth(text_width(text, self.data.font()) + round(34 * scale))

    def refresh_uses(self) -> None:
        """Show whether the test set is still sealed, and whether it can be looked at now."""
        uses = self._training.test_uses
        icons.bind(self.test, "lock-open" if uses else "lock", "warning" if uses else "text_muted")
        self.test.setEnabled(self._evaluate.isEnabled())

    @property
    def title(self) -> str:
        """The name of the data set."""
        kind = self._document.project.data.dataset
        try:
            return datasets.dataset(kind).title
        except InputError:
            return kind

    def refresh(self) -> None:
        """Show data set and sizes as they are now."""
        project = self._document.project
        sizes = self._training.split_sizes
        title = self.title
        if not sizes:
            looking = self._training.known.looking(project.data)
            self._say_data(f"{title} · looking…" if looking else title, title)
            self.data.setToolTip("Looking for it…" if looking else "The sizes of this data set are not known.")
            self.data.setAccessibleName(f"Data set {title}")
            self.test.setText("test")
            self.test.setToolTip("The test set is not known yet.")
            self.test.setAccessibleName("Evaluate on the test set")
            return
        train, validation, test = sizes
        exact = (
            f"{title}: {format_count(train)} examples to train, {format_count(validation)} to validate, "
            f"{format_count(test)} to test. Click to choose the data."
        )
        pair = f"{_short_count(train)} / {_short_count(validation)}"
        # A name says more than the sizes, which also stand in the tooltip.
        words = f"{title} · {_short_count(train)} train / {_short_count(validation)} val"
        self._say_data(words, f"{title} · {pair}", title)
        self.data.setToolTip(exact)
        self.data.setAccessibleName(f"Data set {exact}")
        uses = self._training.test_uses
        self.test.setText(f"{_short_count(test)} test" + (f" ×{uses}" if uses else ""))
        seen = (
            f"The test set has been used {format_times(uses)} in this run."
            if uses
            else "The test set is untouched in this run."
        )
        self.test.setToolTip(f"{seen} Click to measure loss and accuracy on it; each use is counted.")
        self.test.setAccessibleName(f"Evaluate on the test set. {seen}")
        self.test.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)

    def _say_data(self, *words: str) -> None:
        """The first of these that fits into the pill, whose width stays; the last one cut, if it must be."""
        room = self.data.width() - round(22 * theme.surrounding_scale())
        metrics = QFontMetrics(self.data.font())
        fitting = (text for text in words if metrics.horizontalAdvance(text) <= room)
        text = next(fitting, None) or metrics.elidedText(words[-1], Qt.TextElideMode.ElideRight, room)
        self.data.setText(text)
