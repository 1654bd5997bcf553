"""The table of rows that the user types: cells, rows and columns, and why a cell is not taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QPushButton, QTableView, QVBoxLayout, QWidget

from nnviz.data.typed_table import TypedTable
from nnviz.errors import ParamError
from nnviz.gui.look import theme as themes
from nnviz.gui.parts.flow_row import FlowRow
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import line_height, refresh_fonts, set_font

_Index: TypeAlias = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
#: So many rows are in sight; the others are scrolled to.
_MOST_ROWS = 8
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
#: The keys that the table keeps to itself.
_OWN_KEYS = (QKeySequence.StandardKey.Copy, QKeySequence.StandardKey.Paste, QKeySequence.StandardKey.Delete)


class RowsModel(QAbstractTableModel):
    """The table of the document; what is typed into a cell becomes another table, or a sentence.

    Attributes:
        changed: Signal: the table as it shall be.
        refused: Signal: why what was typed is not taken; empty once something was.
    """

    changed = Signal(object)
    refused = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.table = TypedTable(((0.0,),), ("x1",))

    def show(self, table: TypedTable) -> None:
        """Show the table of the document."""
        if table == self.table:
            return
        same = (len(table.rows), table.titles) == (len(self.table.rows), self.table.titles)
        if not same:
            self.beginResetModel()
        self.table = table
        if same:
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, self.columnCount() - 1))
        else:
            self.endResetModel()

    def make(self, change: Callable[[TypedTable], TypedTable]) -> bool:
        """Ask for another table; False, with a sentence, where it cannot be made."""
        try:
            table = change(self.table)
        except ParamError as error:
            self.refused.emit(error.message)
            return False
        self.refused.emit("")
        if table != self.table:
            self.changed.emit(table)
        return True

    def rowCount(self, parent: _Index = _NOWHERE) -> int:
        """One an example."""
        return 0 if parent.isValid() else len(self.table.rows)

    def columnCount(self, parent: _Index = _NOWHERE) -> int:
        """What comes in, then what is right."""
        return 0 if parent.isValid() else len(self.table.titles)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The number, or the name of the class."""
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return self.table.text(index.row(), index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT
        if role == Qt.ItemDataRole.ForegroundRole and self.table.is_answer(index.column()):
            return themes.current().accent
        if role == Qt.ItemDataRole.ToolTipRole and self.table.is_answer(index.column()):
            return "The right answer"
        return None

    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Take what was typed."""
        row, column = index.row(), index.column()
        return self.make(lambda table: table.with_text(row, column, str(value)))

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Names of the columns, numbers of the rows as explanations count them."""
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return self.table.titles[section] if orientation is Qt.Orientation.Horizontal else str(section)

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Every cell is typed into."""
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable


class _View(QTableView):
    """Copies, pastes and removes rows by key."""

    copied = Signal()
    pasted = Signal()
    removed = Signal()

    def event(self, event: QEvent) -> bool:
        """The canvas has these keys too: here they are the table's."""
        asked = event if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) else None
        if asked is not None and any(asked.matches(key) for key in _OWN_KEYS):
            asked.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """See the class."""
        for key, signal in zip(_OWN_KEYS, (self.copied, self.pasted, self.removed), strict=True):
            if event.matches(key):
                signal.emit()
                return
        super().keyPressEvent(event)


class RowsTable(QWidget):
    """The rows, the buttons that change their number, and a sentence about what was not taken.

    Attributes:
        edited: Signal: the table as it shall be, one step of undo.
    """

    edited = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self.model = RowsModel(self)
        self.view = _View(self)
        self.view.setModel(self.model)
        self.view.setAccessibleName("Rows")
        self.view.setAlternatingRowColors(False)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.view.setTabKeyNavigation(False)
        self.view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.view.horizontalHeader().setMinimumSectionSize(52)
        self.view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        set_font(self.view, 13)
        for header in (self.view.horizontalHeader(), self.view.verticalHeader()):
            set_font(header, 12)
        column.addWidget(self.view)
        self.problem = QLabel(self)
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setProperty("role", "danger")
        self.problem.setWordWrap(True)
        set_font(self.problem, 12)
        self.problem.hide()
        column.addWidget(self.problem)
        row = FlowRow(self)
        self.buttons: dict[str, QPushButton] = {}
        for text, tip, do in (
            ("Add row", "One more row below this one", self._add_row),
            ("Remove row", "Takes away the rows that are selected (Delete)", self._remove_rows),
            ("Add column", "One more number that comes in", self._add_column),
            ("Remove column", "Takes away the column of this cell", self._remove_column),
            (
                "Paste",
                "Lines of numbers, copied from a table or a text, from this cell on (Ctrl+V)",
                self._paste,
            ),
        ):
            button = QPushButton(text, row)
            button.setToolTip(tip)
            set_font(button, 12, 500)
            button.clicked.connect(do)
            row.add(button)
            self.buttons[text] = button
        column.addWidget(row)
        self.model.changed.connect(self.edited)
        self.model.refused.connect(self._on_refused)
        self.model.modelReset.connect(self._fit)
        self.view.copied.connect(self._copy)
        self.view.pasted.connect(self._paste)
        self.view.removed.connect(self._remove_rows)
        follow(themes.notifier.changed, self.restyle)
        self._fit()

    def show_table(self, table: TypedTable) -> None:
        """Show the table of the document; the cell that was current stays so where it is still there."""
        here = self.view.currentIndex()
        row, column = here.row(), here.column()
        self.model.show(table)
        if row >= 0 and not self.view.currentIndex().isValid():
            self._go(row, column)

    def restyle(self) -> None:
        """Letters and heights of the theme."""
        refresh_fonts(self)
        self._fit()

    def _fit(self) -> None:
        """As high as its rows, up to some."""
        line = line_height(13) + 9
        self.view.verticalHeader().setDefaultSectionSize(line)
        rows = min(self.model.rowCount(), _MOST_ROWS)
        wide = self.model.columnCount() * 52 + 40 > max(self.width(), 240)
        bar = self.view.horizontalScrollBar().sizeHint().height() if wide else 0
        mode = QHeaderView.ResizeMode.Interactive if wide else QHeaderView.ResizeMode.Stretch
        self.view.horizontalHeader().setSectionResizeMode(mode)
        self.view.setFixedHeight(rows * line + self.view.horizontalHeader().sizeHint().height() + bar + 4)

    def _on_refused(self, sentence: str) -> None:
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))

    def _go(self, row: int, column: int) -> None:
        row, column = min(row, self.model.rowCount() - 1), min(column, self.model.columnCount() - 1)
        flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
        self.view.selectionModel().setCurrentIndex(self.model.index(row, column), flag)

    def _row(self) -> int:
        """The row of the current cell; the last one where there is none."""
        here = self.view.currentIndex()
        return here.row() if here.isValid() else self.model.rowCount() - 1

    def _add_row(self) -> None:
        at = self._row() + 1
        column = max(self.view.currentIndex().column(), 0)
        if self.model.make(lambda table: table.with_row(at)):
            self._go(at, column)

    def _remove_rows(self) -> None:
        gone = {index.row() for index in self.view.selectionModel().selectedIndexes()} or {self._row()}
        self.model.make(lambda table: table.without_rows(gone))

    def _add_column(self) -> None:
        self.model.make(lambda table: table.with_column())

    def _remove_column(self) -> None:
        here = self.view.currentIndex()
        column = here.column() if here.isValid() else len(self.model.table.columns) - 1
        self.model.make(lambda table: table.without_column(column))

    def _copy(self) -> None:
        chosen = self.view.selectionModel().selectedIndexes()
        table = self.model.table
        rows: dict[int, list[str]] = {}
        for index in sorted(chosen, key=lambda one: (one.row(), one.column())):
            rows.setdefault(index.row(), []).append(table.text(index.row(), index.column()))
        if rows:
            QGuiApplication.clipboard().setText("\n".join("\t".join(row) for row in rows.values()))

    def _paste(self) -> None:
        text = QGuiApplication.clipboard().text()
        here = self.view.currentIndex()
        row, column = (here.row(), here.column()) if here.isValid() else (self.model.rowCount(), 0)
        if not text.strip():
            self._on_refused("There is nothing to paste: copy lines of numbers first.")
            return
        self.model.make(lambda table: table.pasted(row, column, text))
