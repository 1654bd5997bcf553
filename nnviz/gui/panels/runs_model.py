"""The list of runs as an item model: rows in their order, cells as their columns say, and what is ticked or typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import answering
from nnviz.gui.panels.runs_columns import NAME, Column, columns_of
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.runs.run_names import date_of, ending_of
from nnviz.gui.runs.run_row import RunRow

_Index: TypeAlias = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
#: Changes by hand that the tip of a row tells.
_MOST_TOLD = 5
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
#: The run of a row, and the place whose colour its curves have: -1 is that of text, None is not drawn.
ROW_ROLE = Qt.ItemDataRole.UserRole + 1
PLACE_ROLE = Qt.ItemDataRole.UserRole + 2
#: Whether a cell holds the best value of its column.
BEST_ROLE = Qt.ItemDataRole.UserRole + 3
#: Whether it is the run on the screen.
SHOWN_ROLE = Qt.ItemDataRole.UserRole + 4


class RunsModel(QAbstractTableModel):
    """Rows and columns; the list hands them in whole.

    Signals:
        ticked: A run is to be compared, or no longer: its file, and which.
        renamed: A run is to be called so: its file and the text.
    """

    ticked = Signal(object, bool)
    renamed = Signal(object, str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.rows: list[RunRow] = []
        self.columns: tuple[Column, ...] = columns_of((), ())
        #: Places of the runs that are drawn, by their files.
        self.places: Mapping[Path, int] = {}
        #: The file of the run on the screen.
        self.shown: Path | None = None
        self._best: frozenset[tuple[int, int]] = frozenset()
        #: The column that rows are ordered by, and whether from the greatest down.
        self._sort = ("", False)

    def show(
        self, rows: Sequence[RunRow], columns: Sequence[Column], places: Mapping[Path, int], shown: Path | None
    ) -> bool:
        """Show these; whether rows or columns are others, so that what was selected has to be selected again."""
        same = [row.path for row in rows] == [row.path for row in self.rows] and tuple(
            column.key for column in columns
        ) == tuple(column.key for column in self.columns)
        if not same:
            self.beginResetModel()
        # Rows that say what they said before need no painting.
        moved = [at for at, row in enumerate(rows) if not same or row != self.rows[at]]
        replaced = (places, shown) != (self.places, self.shown)
        self.rows, self.columns, self.places = list(rows), tuple(columns), dict(places)
        self.shown = shown
        best, self._best = self._best, self._found_best()
        if not same:
            self.endResetModel()
        elif replaced or best != self._best:
            moved = [0, len(rows) - 1]
        if same and moved and rows:
            self.dataChanged.emit(self.index(moved[0], 0), self.index(moved[-1], len(self.columns) - 1))
        return not same

    def replace_row(self, row: RunRow) -> None:
        """One run says something else of itself; it stays where it stands."""
        at = next((at for at, one in enumerate(self.rows) if one.path == row.path), None)
        if at is None or row == self.rows[at]:
            return
        self.rows[at] = row
        best, self._best = self._best, self._found_best()
        first, last = (at, at) if best == self._best else (0, len(self.rows) - 1)
        self.dataChanged.emit(self.index(first, 0), self.index(last, len(self.columns) - 1))

    def mark_sort(self, key: str, descending: bool) -> None:
        """Say in the header by which column the rows are ordered."""
        if (key, descending) != self._sort:
            self._sort = (key, descending)
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self.columns) - 1)

    def _found_best(self) -> frozenset[tuple[int, int]]:
        found: set[tuple[int, int]] = set()
        for at, column in enumerate(self.columns):
            values = {
                place: value
                for place, row in enumerate(self.rows)
                if column.best and isinstance(value := column.value(row), float | int)
            }
            if len(values) > 1:
                best = (min if column.best == "least" else max)(values.values())
                if any(value != best for value in values.values()):
                    found |= {(place, at) for place, value in values.items() if value == best}
        return frozenset(found)

    def row_at(self, index: _Index) -> RunRow | None:
        """The run of an index."""
        return self.rows[index.row()] if index.isValid() and 0 <= index.row() < len(self.rows) else None

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """One a run."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = _ROOT) -> int:
        """As many as are chosen."""
        return 0 if parent.isValid() else len(self.columns)

    @answering(lambda: None)
    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # Qt: the type depends on the role
        """What a cell says."""
        row = self.row_at(index)
        if row is None or index.column() >= len(self.columns):
            return None
        column = self.columns[index.column()]
        named = column.key == NAME
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(row)
        if role == Qt.ItemDataRole.EditRole:
            return row.name
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column.number else _LEFT
        if role == Qt.ItemDataRole.CheckStateRole and named and not row.trashed:
            return Qt.CheckState.Checked if row.path in self.places else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(_tip(row) if named else f"{column.title}: {column.text(row)}. {column.help}.")
        if role == Qt.ItemDataRole.ForegroundRole:
            colours = themes.current()
            if row.summary.damage:
                return colours.text_faint
            return colours.good if self._is_best(index) else None
        if role == Qt.ItemDataRole.FontRole:
            return themes.font(13 if named else 12, 600 if self._is_best(index) else 400)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{column.title} {column.text(row)}{', best' if self._is_best(index) else ''}"
        own = {ROW_ROLE: row, PLACE_ROLE: self.places.get(row.path), SHOWN_ROLE: row.path == self.shown}
        return {**own, BEST_ROLE: self._is_best(index)}.get(role)

    def _is_best(self, index: _Index) -> bool:
        return (index.row(), index.column()) in self._best

    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Ask for what was ticked or typed."""
        row = self.row_at(index)
        if row is None:
            return False
        if role == Qt.ItemDataRole.CheckStateRole:
            self.ticked.emit(row.path, Qt.CheckState(value) is Qt.CheckState.Checked)
            return True
        if role == Qt.ItemDataRole.EditRole and str(value).strip() != row.name:
            self.renamed.emit(row.path, str(value))
            return True
        return False

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Names of the columns, and what they show."""
        if orientation is not Qt.Orientation.Horizontal or section >= len(self.columns):
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{column.title} {'↓' if self._sort[1] else '↑'}" if column.key == self._sort[0] else column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(f"{column.help}. Click to sort; the menu chooses the columns.")
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column.number else _LEFT
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Names can be ticked and typed over."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        row = self.row_at(index)
        named = index.column() < len(self.columns) and self.columns[index.column()].key == NAME
        if row is not None and named and not row.trashed:
            flags |= Qt.ItemFlag.ItemIsEditable
            # The run on the screen is always drawn.
            if row.path != self.shown and not row.summary.damage:
                flags |= Qt.ItemFlag.ItemIsUserCheckable
        return flags


def _tip(row: RunRow) -> str:
    lines = [row.name]
    if row.summary.damage:
        lines.append(row.summary.damage)
    if row.summary.title and row.summary.title != row.name:
        lines.append(f"Project: {row.summary.title}")
    if row.label.tags:
        lines.append(f"Tags: {', '.join(row.label.tags)}")
    began = date_of(row.created)
    lines.append(
        f"Began {began}, seed {row.summary.seed}" + (f", on {row.summary.device}" if row.summary.device else "")
    )
    if row.live:
        lines.append("It is the run that is trained here.")
    elif row.summary.running:
        lines.append("Somebody is writing it.")
    elif ending := ending_of(row.summary):
        lines.append(ending)
    if row.summary.warm_from:
        lines.append(f"Began with weights of {row.summary.warm_from}")
    if changes := row.summary.by_hand:
        more = len(changes) - _MOST_TOLD
        lines += ["Changed by hand:", *changes[:_MOST_TOLD], *([f"and {more} more"] if more > 0 else [])]
    lines.append(row.path.name)
    return "\n".join(lines)
