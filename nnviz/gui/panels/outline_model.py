"""The network as a tree of rows: nodes as the data flows, under their groups; notes come last.

A change of the document moves, adds and removes just the rows that it concerns, so that a view keeps what is expanded,
selected and in sight.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from html import escape
from typing import Any, overload

from PySide6.QtCore import (
    QAbstractItemModel,
    QItemSelection,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QIcon

from nnviz.gui.look import icons
from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import answering
from nnviz.gui.panels.outline_rows import OutlineWords, outline_of
from nnviz.project.document import Document
from nnviz.project.model import Graph

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_Role = Qt.ItemDataRole
#: When fewer of the rows stay than one in so many, the model begins anew.
_SHARE_THAT_STAYS = 3


class Column(IntEnum):
    """The columns of the outline, from left to right."""

    LAYER = 0
    OUTPUT = 1
    PARAMETERS = 2


# Combined once: a view of a thousand rows asks for the flags of each after every change.
_NO_FLAGS = Qt.ItemFlag.NoItemFlags
_GROUP_FLAGS = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
_FLAGS = (_GROUP_FLAGS | Qt.ItemFlag.ItemNeverHasChildren, _GROUP_FLAGS)
_LAYER_FLAGS = (_FLAGS[0] | Qt.ItemFlag.ItemIsEditable, _FLAGS[1] | Qt.ItemFlag.ItemIsEditable)
_COLUMNS = len(Column)
_HEADINGS = {Column.LAYER: "Layer", Column.OUTPUT: "Output", Column.PARAMETERS: "Parameters"}


class OutlineModel(QAbstractItemModel):
    """Rows of a document's network. It follows only on :meth:`refresh`.

    Signals:
        rename_requested: Id and the new title of a row that was edited.
    """

    rename_requested = Signal(str, str)

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._graph = Graph()
        self._words = OutlineWords(document)
        self._children: dict[str, list[str]] = {"": []}
        self._holder: dict[str, str] = {}
        self._row: dict[str, int] = {}
        # An index holds a number: it stays the same wherever its row goes.
        self._number: dict[str, int] = {}
        self._item: dict[int, str] = {}
        self._last_number = 0

    # ---- what there is -------------------------------------------------------------------------------------------

    @property
    def graph(self) -> Graph:
        """The graph that the rows show."""
        return self._graph

    @property
    def words(self) -> OutlineWords:
        """Turns nodes and groups into the texts of their rows."""
        return self._words

    def item(self, index: _Index) -> str:
        """The id of the node, group or note in a row; empty for none."""
        return self._item.get(index.internalId(), "")  # an invalid index holds 0, and no row does

    def index_of(self, item: str, column: int = Column.LAYER) -> QModelIndex:
        """Where something stands; an invalid index where it does not."""
        if item not in self._number:
            return QModelIndex()
        return self.createIndex(self._row[item], column, self._number[item])

    def items(self) -> Iterator[str]:
        """All ids from top to bottom, as if everything were expanded."""
        return self._inside("")

    def groups(self) -> list[str]:
        """The groups from top to bottom."""
        return [item for item in self.items() if item in self._graph.groups]

    def holders(self, item: str) -> list[str]:
        """The groups around something, the innermost first."""
        found: list[str] = []
        while holder := self._holder.get(item, ""):
            found.append(holder)
            item = holder
        return found

    def selection(self, items: Iterable[str]) -> QItemSelection:
        """Rows as a selection, with neighbours in one range."""
        rows: dict[str, list[int]] = {}
        for item in dict.fromkeys(items):
            if item in self._number:
                rows.setdefault(self._holder[item], []).append(self._row[item])
        selection = QItemSelection()
        for holder, found in rows.items():
            parent = self.index_of(holder)
            for first, last in _runs(sorted(found)):
                selection.select(self.index(first, 0, parent), self.index(last, len(Column) - 1, parent))
        return selection

    def _inside(self, holder: str) -> Iterator[str]:
        for item in self._children.get(holder, ()):
            yield item
            yield from self._inside(item)

    # ---- for the view --------------------------------------------------------------------------------------------

    def index(self, row: int, column: int, parent: _Index = _ROOT) -> QModelIndex:
        """The index of a cell."""
        children = self._children.get(self.item(parent), ())
        if not 0 <= row < len(children) or not 0 <= column < _COLUMNS:
            return QModelIndex()
        return self.createIndex(row, column, self._number[children[row]])

    @overload
    def parent(self) -> QObject | None: ...
    @overload
    def parent(self, child: _Index) -> QModelIndex: ...
    def parent(self, child: _Index | None = None) -> QObject | QModelIndex | None:
        """The row of the group around a row; without one, whom the model belongs to."""
        if child is None:
            return super().parent()
        return self.index_of(self._holder.get(self.item(child), ""))

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """How many rows stand under one."""
        return 0 if parent.column() > 0 else len(self._children.get(self.item(parent), ()))

    def columnCount(self, parent: _Index = _ROOT) -> int:
        """The same everywhere."""
        return _COLUMNS

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Every row can be chosen; titles can be edited in their place."""
        item = self._item.get(index.internalId())
        if item is None:
            return _NO_FLAGS
        return (_LAYER_FLAGS if index.column() == 0 else _FLAGS)[item in self._graph.groups]

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole) -> Any:  # Qt: role
        """Names of the columns."""
        if orientation == Qt.Orientation.Horizontal and role == _Role.DisplayRole and 0 <= section < len(Column):
            return _HEADINGS[Column(section)]
        if orientation == Qt.Orientation.Horizontal and role == _Role.TextAlignmentRole:
            return _aligned(section)
        if role == _Role.FontRole:
            return themes.font(12)
        return None

    @answering(lambda: None)
    def data(self, index: _Index, role: int = _Role.DisplayRole) -> Any:  # Qt: the type depends on the role
        """Title, shape and parameters; what is wrong; all of it in a sentence for who listens."""
        item = self.item(index)
        if not item:
            return None
        column, words = index.column(), self._words
        if role == _Role.DisplayRole:
            return self.text(item, column)
        if role == _Role.EditRole:
            return self.title_to_edit(item)
        if role == _Role.TextAlignmentRole:
            return _aligned(column)
        if role == _Role.AccessibleTextRole:
            named = f"{_HEADINGS[Column(column)]} {self.text(item, column) or 'none'}"
            return words.sentence(item) if column == Column.LAYER else named
        if role == _Role.AccessibleDescriptionRole:
            return " ".join(words.facts(item).reasons)
        if role == _Role.ToolTipRole:
            return f"<p style='white-space:pre-wrap'>{escape(words.tip(item))}</p>"
        if role == _Role.DecorationRole and column == Column.LAYER:
            return severity_icon(words.facts(item).severity)
        return None

    def setData(self, index: _Index, value: object, role: int = _Role.EditRole) -> bool:
        """Ask for another title."""
        item = self.item(index)
        if not item or role != _Role.EditRole or str(value).strip() == self.title_to_edit(item):
            return False
        self.rename_requested.emit(item, str(value))
        return True

    def title_to_edit(self, item: str) -> str:
        """What one changes when one edits the title of a row."""
        note = self._graph.notes.get(item)
        return note.text if note is not None else self._words.facts(item).title

    def text(self, item: str, column: int) -> str:
        """What stands in a cell."""
        if column == Column.LAYER:
            return self._words.text(item)
        return self._words.facts(item).shape if column == Column.OUTPUT else self._words.parameters(item)

    # ---- following -----------------------------------------------------------------------------------------------

    def refresh(self) -> bool:
        """Bring the rows up to the document; whether rows came, went or moved."""
        before = self._words.follow()
        moved = False
        if self._words.graph is not self._graph:
            self._graph = self._words.graph
            moved = self._restructure(outline_of(self._graph, self._document.inference.order))
        for item, facts in before.items():  # What nobody has asked for, nobody has seen.
            if item in self._number and facts != self._words.facts(item):
                self.dataChanged.emit(self.index_of(item), self.index_of(item, len(Column) - 1))
        return moved

    def _restructure(self, outline: Mapping[str, Sequence[str]]) -> bool:
        """Let rows go, move and come until they stand as in an outline."""
        holder = {item: group for group, items in outline.items() for item in items}
        if holder == self._holder and all(self._children.get(group, []) == items for group, items in outline.items()):
            return False
        stay = sum(1 for item, group in self._holder.items() if holder.get(item) == group)
        if stay * _SHARE_THAT_STAYS < len(holder):
            self.beginResetModel()
            for item in self._children[""]:
                self._forget(item)
            self._learn("", outline)
            self.endResetModel()
            return True
        self._let_go("", holder)
        self._take_in("", outline)
        return True

    def _let_go(self, group: str, holder: Mapping[str, str]) -> None:
        """Remove the rows that do not stand in a group any more, and those inside the groups that stay."""
        children = self._children[group]
        gone = [row for row, item in enumerate(children) if holder.get(item) != group]
        for first, last in reversed(list(_runs(gone))):
            self.beginRemoveRows(self.index_of(group), first, last)
            for item in children[first : last + 1]:
                self._forget(item)
            del children[first : last + 1]
            self._count(group)
            self.endRemoveRows()
        for item in children:
            if self._children.get(item):
                self._let_go(item, holder)

    def _take_in(self, group: str, outline: Mapping[str, Sequence[str]]) -> None:
        """Put the rows of a group in order, and add those that are missing."""
        children, wanted = self._children.setdefault(group, []), outline.get(group, ())
        there = set(children)
        self._reorder(group, [item for item in wanted if item in there])
        for first, last in _runs([row for row, item in enumerate(wanted) if item not in there]):
            self.beginInsertRows(self.index_of(group), first, last)
            children[first:first] = wanted[first : last + 1]
            for item in wanted[first : last + 1]:
                self._enter(item, group)
                self._learn(item, outline)
            self._count(group)
            self.endInsertRows()
        for item in wanted:
            if item in there and item in outline:
                self._take_in(item, outline)

    def _reorder(self, group: str, wanted: list[str]) -> None:
        if wanted == self._children[group]:
            return
        self.layoutAboutToBeChanged.emit()
        held = self.persistentIndexList()
        items = [(self.item(index), index.column()) for index in held]
        self._children[group][:] = wanted
        self._count(group)
        self.changePersistentIndexList(held, [self.index_of(item, column) for item, column in items])
        self.layoutChanged.emit()

    def _learn(self, group: str, outline: Mapping[str, Sequence[str]]) -> None:
        """Take what stands in a group as it is, without a word to the view."""
        if group not in outline:
            return
        self._children[group] = list(outline[group])
        for item in outline[group]:
            self._enter(item, group)
            self._learn(item, outline)
        self._count(group)

    def _enter(self, item: str, group: str) -> None:
        self._holder[item] = group
        self._last_number += 1
        self._number[item] = self._last_number
        self._item[self._last_number] = item

    def _forget(self, item: str) -> None:
        for inner in self._children.pop(item, ()):
            self._forget(inner)
        self._item.pop(self._number.pop(item))
        del self._holder[item], self._row[item]

    def _count(self, group: str) -> None:
        self._row.update((item, row) for row, item in enumerate(self._children[group]))


def _runs(rows: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Rising numbers as first and last of each stretch without a gap."""
    first = last = -1
    for row in rows:
        if first >= 0 and row == last + 1:
            last = row
            continue
        if first >= 0:
            yield first, last
        first = last = row
    if first >= 0:
        yield first, last


def severity_icon(severity: str) -> QIcon | None:
    """The sign of an error or a warning; None for neither."""
    if not severity:
        return None
    colours = themes.current()
    return icons.icon(severity, colours.danger if severity == "error" else colours.warning)


def _aligned(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if column == Column.LAYER else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter
