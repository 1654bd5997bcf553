"""The columns of a table of the user's own: what each was found to be, and a choice of what else to take it as."""

from __future__ import annotations

from typing import Any, TypeAlias

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from nnviz.data import table_choice
from nnviz.data.sources.source import ColumnFacts
from nnviz.gui.look import theme as themes
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.parts.soon import soon
from nnviz.gui.parts.widgets import line_height, refresh_fonts, set_font

_Index: TypeAlias = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
#: So many columns are in sight; the others are scrolled to.
_MOST_ROWS = 8
_NAME, _USE, _ABOUT = range(3)
_TITLES = ("column", "taken as", "what stands there")


class ColumnsModel(QAbstractTableModel):
    """One row a column of the file.

    Attributes:
        chosen: Signal: the name of a column and the use that it shall have.
    """

    chosen = Signal(str, str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.columns: tuple[ColumnFacts, ...] = ()
        self.task = "classes"

    def show(self, columns: tuple[ColumnFacts, ...], task: str) -> None:
        """Show what was found."""
        if (columns, task) != (self.columns, self.task):
            self.beginResetModel()
            self.columns, self.task = columns, task
            self.endResetModel()

    def use(self, row: int) -> str:
        """What a column is taken as, in words."""
        column = self.columns[row]
        if column.use == "target":
            return table_choice.CLASSES if self.task == "classes" else table_choice.NUMBERS
        return table_choice.LEFT_OUT if column.use == table_choice.LEFT_OUT else column.kind

    def uses(self, row: int) -> tuple[str, ...]:
        """What it can be taken as."""
        if self.columns[row].use == "target":
            return (table_choice.CLASSES, table_choice.NUMBERS)
        return (table_choice.TARGET, *table_choice.KINDS, table_choice.FOUND)

    def rowCount(self, parent: _Index = _NOWHERE) -> int:
        """One a column of the file."""
        return 0 if parent.isValid() else len(self.columns)

    def columnCount(self, parent: _Index = _NOWHERE) -> int:
        """Name, use, what stands there."""
        return 0 if parent.isValid() else len(_TITLES)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Texts; what is right stands in the accent, what is left out is muted."""
        column = self.columns[index.row()]
        texts = (column.name, self.use(index.row()), column.about)
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{texts[_USE]} ▾" if index.column() == _USE else texts[index.column()]
        if role == Qt.ItemDataRole.EditRole:
            return texts[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(f"{column.name}\n{column.about}")
        if role == Qt.ItemDataRole.ForegroundRole:
            theme = themes.current()
            if column.use == "target":
                return theme.accent
            return theme.text_muted if column.use == table_choice.LEFT_OUT or index.column() == _ABOUT else None
        return None

    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Ask for another use."""
        if str(value) == self.use(index.row()):
            return False
        self.chosen.emit(self.columns[index.row()].name, str(value))
        return True

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What stands in the three."""
        if role != Qt.ItemDataRole.DisplayRole or orientation is not Qt.Orientation.Horizontal:
            return None
        return _TITLES[section]

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """The use can be chosen."""
        found = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return found | Qt.ItemFlag.ItemIsEditable if index.column() == _USE else found


class UseList(QComboBox):
    """The uses of one column, which drop down as soon as it stands in its cell."""

    def open_soon(self) -> None:
        """Drop down after the click that made it, if it is still there then."""
        soon(self._open)

    def _open(self) -> None:
        self.showPopup()


class _UseDelegate(QStyledItemDelegate):
    """A list of uses that opens over its cell."""

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: _Index) -> QWidget:
        """The list, opened at once."""
        model = index.model()
        assert isinstance(model, ColumnsModel)
        combo = UseList(parent)
        combo.addItems(list(model.uses(index.row())))
        combo.setAccessibleName(f"What {model.columns[index.row()].name} is taken as")
        set_font(combo, 12)
        combo.activated.connect(lambda _at: self._on_chosen(combo))
        combo.open_soon()
        return combo

    def _on_chosen(self, combo: QComboBox) -> None:
        self.commitData.emit(combo)
        self.closeEditor.emit(combo, QStyledItemDelegate.EndEditHint.NoHint)

    def setEditorData(self, editor: QWidget, index: _Index) -> None:
        """The present use is the current one."""
        assert isinstance(editor, QComboBox)
        editor.setCurrentText(str(index.data(Qt.ItemDataRole.EditRole)))

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: _Index) -> None:
        """The one that was chosen."""
        assert isinstance(editor, QComboBox)
        model.setData(index, editor.currentText())


class ColumnsTable(QWidget):
    """The columns; a click on a use offers the others.

    Attributes:
        chosen: Signal: the name of a column and the use that it shall have.
    """

    chosen = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.model = ColumnsModel(self)
        self.view = QTableView(self)
        self.view.setModel(self.model)
        self.view.setItemDelegateForColumn(_USE, _UseDelegate(self.view))
        self.view.setAccessibleName("Columns of the table")
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setTabKeyNavigation(False)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.view.horizontalHeader().setStretchLastSection(True)
        self.view.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        set_font(self.view, 12)
        set_font(self.view.horizontalHeader(), 12)
        self.view.clicked.connect(self._on_clicked)
        column.addWidget(self.view)
        self.model.chosen.connect(self.chosen)
        self.model.modelReset.connect(self._fit)
        follow(themes.notifier.changed, self.restyle)
        self._fit()

    def restyle(self) -> None:
        """Letters and heights of the theme."""
        refresh_fonts(self)
        self._fit()

    def show_columns(self, columns: tuple[ColumnFacts, ...], task: str) -> None:
        """Show what was found; the column that was current stays so where it is still there."""
        here = self.view.currentIndex().row()
        self.model.show(columns, task)
        if 0 <= here < self.model.rowCount() and not self.view.currentIndex().isValid():
            self.view.setCurrentIndex(self.model.index(here, _USE))

    def _fit(self) -> None:
        """As high as its rows, up to some; names and uses as wide as they are, within limits."""
        line = line_height(12) + 9
        self.view.verticalHeader().setDefaultSectionSize(line)
        header = self.view.horizontalHeader()
        for which, most in ((_NAME, 110), (_USE, 130)):
            self.view.resizeColumnToContents(which)
            header.resizeSection(which, min(header.sectionSize(which), round(most * line / 24)))
        rows = min(self.model.rowCount(), _MOST_ROWS)
        self.view.setFixedHeight(rows * line + header.sizeHint().height() + 4)

    def _on_clicked(self, index: QModelIndex) -> None:
        if index.column() == _USE:
            self.view.edit(index)
