"""How the data are spread: examples of each class in each split, and the numbers of channels or columns."""

from __future__ import annotations

import shiboken6
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from nnviz.data import described
from nnviz.data.described import Histogram
from nnviz.data.viewing import ViewedData
from nnviz.gui.data.charts import BalanceChart, HistogramChart
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.chooser import ShorteningChooser
from nnviz.gui.parts.widgets import set_font


class SpreadPanel(QWidget):
    """Counted on a worker when it is first looked at."""

    def __init__(self, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._data: ViewedData | None = None
        self._counted = False
        self._found: tuple[Histogram, ...] = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(6)
        self._balance_title = self._caption("Examples of each class")
        column.addWidget(self._balance_title)
        self.balance = BalanceChart(self)
        column.addWidget(self.balance, 3)
        row = QHBoxLayout()
        row.setSpacing(8)
        self._spread_title = self._caption("")
        row.addWidget(self._spread_title)
        self.which = ShorteningChooser(self)
        self.which.setAccessibleName("Which numbers")
        self.which.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.which.setMinimumContentsLength(14)
        set_font(self.which, 12)
        self.which.activated.connect(lambda _index: self._show())
        row.addWidget(self.which)
        self.logarithmic = QCheckBox("logarithmic", self)
        self.logarithmic.setToolTip("Heights by their logarithm: rare numbers can be seen beside frequent ones")
        set_font(self.logarithmic, 12)
        self.logarithmic.toggled.connect(lambda _on: self._show())
        row.addWidget(self.logarithmic)
        row.addStretch(1)
        column.addLayout(row)
        self.histogram = HistogramChart(self)
        column.addWidget(self.histogram, 2)

    def _caption(self, text: str) -> QLabel:
        label = QLabel(text, self)
        set_font(label, 14, 600)
        return label

    def show_data(self, data: ViewedData | None) -> None:
        """Another data set; nothing is counted before it is looked at."""
        self._data, self._counted, self._found = data, False, ()
        self.which.clear()
        self.histogram.show_histograms(())

    def count(self) -> None:
        """Count what has not been counted yet."""
        data = self._data
        if data is None or self._counted:
            return
        self._counted = True
        classes = bool(data.class_names)
        for widget in (self._balance_title, self.balance):
            widget.setVisible(classes)
        if classes:
            self.balance.show_counts(data.class_names, described.class_balance(data))
        what = "Pixel values" if data.is_images else "Numbers of the column"
        self._spread_title.setText(f"{what}, training examples")
        self.logarithmic.setChecked(data.is_images)  # the ground of most pictures is one number

        def done(found: tuple[Histogram, ...]) -> None:
            if shiboken6.isValid(self) and self._data is data:
                self._found = found
                titles = [one.title for one in found[:500]]
                together = ["all channels"] if data.is_images and len(found) == 3 else []
                self.which.addItems(together + titles)
                self.which.setVisible(len(found) > 1)
                self._show()

        # A few thousand columns at most are looked through, each in a moment.
        self._background.start(
            lambda: described.histograms(data, lambda: self._data is not data), done, lambda _error: None, "data maps"
        )

    def _show(self) -> None:
        if not self._found:
            return
        together = self.which.count() > len(self._found[:500])
        at = self.which.currentIndex() - (1 if together else 0)
        shown = self._found if at < 0 and together else (self._found[max(0, at)],)
        self.histogram.show_histograms(shown, logarithmic=self.logarithmic.isChecked())
