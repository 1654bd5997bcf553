"""A table whose columns sort by their numbers, not by how these are written."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import line_height, set_font

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
#: Columns that are never given up.
_KEPT = 3
#: Pixels beside the title of a column.
_BESIDE_TITLE = 18
_PLACE, _VALUE = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1


class _Cell(QTableWidgetItem):
    """Stands where its number belongs; what is no number comes last among small ones."""

    def __lt__(self, other: QTableWidgetItem) -> bool:
        own, its = self.data(_VALUE), other.data(_VALUE)
        if isinstance(own, str) or isinstance(its, str):
            return str(own) < str(its)
        return bool((-math.inf if math.isnan(own) else own) < (-math.inf if math.isnan(its) else its))


class FigureTable(QTableWidget):
    """Rows of a name and numbers.

    Attributes:
        picked: Signal: the place of the row that was clicked, as it was given.
    """

    picked = Signal(int)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        self.setMinimumSize(180, 100)
        self.itemClicked.connect(self._on_item)
        self.itemActivated.connect(self._on_item)
        self.horizontalHeader().sortIndicatorChanged.connect(lambda *_: self._fit())
        self.setTabKeyNavigation(False)
        follow(themes.notifier.changed, self._restyle)

    def show_rows(self, head: Sequence[tuple[str, str]], rows: Sequence[Sequence[tuple[str, float | str]]]) -> None:
        """Show (title, tooltip) of the columns and rows of (text, number it is sorted by); the order stays."""
        order = self.horizontalHeader().sortIndicatorSection(), self.horizontalHeader().sortIndicatorOrder()
        same = self.columnCount() == len(head)
        self.setSortingEnabled(False)
        self.setColumnCount(len(head))
        self.setRowCount(len(rows))
        for column, (title, tip) in enumerate(head):
            item = QTableWidgetItem(title)
            item.setToolTip(tip)
            item.setTextAlignment(_RIGHT if column else Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            self.setHorizontalHeaderItem(column, item)
        for place, row in enumerate(rows):
            for column, (text, value) in enumerate(row):
                cell = _Cell(text)
                cell.setData(_VALUE, value)
                cell.setData(_PLACE, place)
                if column:
                    cell.setTextAlignment(_RIGHT)
                self.setItem(place, column, cell)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(36)
        header.setSortIndicator(*(order if same else (-1, Qt.SortOrder.AscendingOrder)))
        header.setSortIndicatorClearable(True)
        self.setSortingEnabled(True)
        self._restyle()
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is no room for all columns, the last ones go: half a number says nothing."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        last, header = self.columnCount() - 1, self.horizontalHeader()
        widths = [self._width(column) for column in range(last + 1)]
        room = self.viewport().width() - sum(widths)
        for column in range(last, -1, -1):
            gone = room < 0 and column > _KEPT
            self.setColumnHidden(column, gone)
            room += widths[column] if gone else 0
        for column, width in enumerate(widths):
            # Without room to share, the first one is as wide as its words, too: those that are kept are scrolled to.
            share = column == 0 and room >= 0
            header.setSectionResizeMode(
                column, QHeaderView.ResizeMode.Stretch if share else QHeaderView.ResizeMode.Fixed
            )
            if not share:
                header.resizeSection(column, width)

    def _width(self, column: int) -> int:
        """Pixels of the numbers and of the title, which has an arrow beside it where the rows are sorted by it."""
        header, title = self.horizontalHeader(), self.horizontalHeaderItem(column)
        words = 0 if title is None else header.fontMetrics().horizontalAdvance(title.text())
        arrow = header.fontMetrics().height() if header.sortIndicatorSection() == column else 0
        return max(self.sizeHintForColumn(column), words + _BESIDE_TITLE + arrow)

    def places(self) -> list[int]:
        """The rows from the top down, as they were given."""
        items = (self.item(row, 0) for row in range(self.rowCount()))
        return [int(item.data(_PLACE)) for item in items if item is not None]

    def _restyle(self) -> None:
        self.setFont(themes.font(13))
        set_font(self.horizontalHeader(), 12)
        self.verticalHeader().setDefaultSectionSize(line_height(13) + 8)
        self._fit()

    def _on_item(self, item: QTableWidgetItem) -> None:
        self.picked.emit(int(item.data(_PLACE)))
