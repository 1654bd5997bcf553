"""The view of the list of runs: how its rows are drawn, and what its keys do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QFontMetrics, QIcon, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from nnviz.gui.look import icons
from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import Saved, answering, guarded
from nnviz.gui.look.run_colours import run_pen
from nnviz.gui.panels.runs_columns import NAME
from nnviz.gui.panels.runs_model import PLACE_ROLE, ROW_ROLE, SHOWN_ROLE, RunsModel
from nnviz.gui.parts.action import Action
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import line_height, set_font
from nnviz.gui.runs.run_names import ending_of
from nnviz.gui.runs.run_row import RunRow

_Index: TypeAlias = QModelIndex | QPersistentModelIndex
_SWATCH = 11
#: Pixels of the name where columns are as wide as what stands in them, at least and at most.
_NAME_WIDTH = (190, 320)
#: And its share of the width at most: beside it stands what the runs reached.
_NAME_SHARE = 0.6
_MOST_MEASURED = 60


def name_width(room: int, wanted: int, others: Sequence[int]) -> int:
    """Pixels of the column of names: whole columns stand beside it, and the last ones of those are scrolled to.

    Args:
        room: Pixels of the list.
        wanted: What the longest name needs.
        others: Widths of the other columns, the most important ones first.
    """
    least, most = (round(bound * themes.text_scale()) for bound in _NAME_WIDTH)
    wanted = max(least, min(wanted, most, round(room * _NAME_SHARE)))
    if wanted + sum(others) <= room:
        return room - sum(others)
    beside = 0
    for width in others:
        if wanted + beside + width > room:
            break
        beside += width
    # What is left of a column that has no room whole would be a cut word: the names take it.
    return max(wanted, room - beside) if beside else wanted


class _Names(QStyledItemDelegate):
    """Tick, colour of its curves, pin, name, tags, and whether it is live."""

    @answering(QSize)
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """As high as its text with some air."""
        return QSize(_NAME_WIDTH[0], line_height(13) + 10)

    @guarded
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """The ground and the tick as the style does them; the rest needs a hand."""
        row = index.data(ROW_ROLE)
        if not isinstance(row, RunRow):
            super().paint(painter, option, index)
            return
        filled = QStyleOptionViewItem(option)
        self.initStyleOption(filled, index)
        filled.text, filled.icon = "", QIcon()
        view = self.parent()
        style = view.style() if isinstance(view, QTableView) else None
        left = option.rect.left() + 6
        if style is not None and isinstance(view, QTableView):
            style.drawControl(QStyle.ControlElement.CE_ItemViewItem, filled, painter, view)
            text = style.subElementRect(QStyle.SubElement.SE_ItemViewItemText, filled, view)
            left = text.left() + 3
        colours = themes.current()
        with Saved(painter):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            middle, right = option.rect.center().y(), option.rect.right() - 6
            place = index.data(PLACE_ROLE)
            if isinstance(place, int):
                painter.setPen(run_pen(place, 3.0))
                painter.drawLine(left, middle, left + _SWATCH, middle)
            left += _SWATCH + 6
            if row.label.pinned:
                size = round(line_height(13) * 0.8)
                pin = icons.pixmap("pin", colours.text_muted, size, painter.device().devicePixelRatioF())
                painter.drawPixmap(left, middle - size // 2, pin)
                left += size + 4
            outcome = row.summary.outcome
            goes_on = row.live or outcome == "running"
            words = "live" if row.live else outcome if goes_on or ending_of(row.summary) else ""
            if words:
                room = QRect(left, option.rect.top(), right - left, option.rect.height())
                right = self._quiet(painter, words, room, colours.good if goes_on else colours.text_muted)
            shown = row.summary.damage and not row.label.title
            painter.setFont(themes.font(13, 600 if index.data(SHOWN_ROLE) else 400))
            painter.setPen(colours.text_faint if row.summary.damage else colours.text)
            left = self._say(painter, option.rect, left, right, f"{row.path.stem}: damaged" if shown else row.name)
            painter.setFont(themes.font(12))
            painter.setPen(colours.text_muted)
            self._say(painter, option.rect, left + 4, right, " ".join(f"#{tag}" for tag in row.label.tags))

    @staticmethod
    def _quiet(painter: QPainter, words: str, room: QRect, colour: QColor) -> int:
        """A word at the right; where the name has to end."""
        painter.setFont(themes.font(12, 600))
        painter.setPen(colour)
        painter.drawText(room, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), words)
        return room.right() - painter.fontMetrics().horizontalAdvance(words) - 8

    @staticmethod
    def _say(painter: QPainter, rect: QRect, left: int, right: int, text: str) -> int:
        room = right - left
        if not text or room < 16:
            return left
        metrics = painter.fontMetrics()
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        area = QRect(left, rect.top(), room, rect.height())
        painter.drawText(area, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)
        return left + metrics.horizontalAdvance(shown) + 4


class RunsTable(QTableView):
    """The rows; what is done with those that are selected is handed in as actions with their keys.

    Signals:
        opened: Enter or a double click: the file of a run.
        sorted_by: A header was clicked: the key of its column, and whether from the greatest down.
        columns_requested: The columns are to be chosen, at a place of the screen.
        left: The keyboard wants to leave.
    """

    opened = Signal(object)
    sorted_by = Signal(str, bool)
    columns_requested = Signal(QPoint)
    left = Signal()

    def __init__(self, model: RunsModel) -> None:
        super().__init__()
        self._model = model
        #: What can be done with the selected rows, in parts between lines.
        self.deeds: Sequence[Sequence[Action]] = ()
        self._sort = ("created", True)
        self.setModel(model)
        # Each is kept: Qt does not own what it is given here.
        self._names = _Names(self)
        self._plain = QStyledItemDelegate(self)
        self.setObjectName("RunsTable")
        self.setAccessibleName("Runs")
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsMovable(False)
        header.setSectionsClickable(True)
        header.setMinimumSectionSize(44)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        # Asked for its parts whenever they are needed: PySide may take kept wrappers of them for deleted.
        header.customContextMenuRequested.connect(
            lambda place: self.columns_requested.emit(self.horizontalHeader().viewport().mapToGlobal(place))
        )
        header.sectionClicked.connect(self._on_header)
        self.doubleClicked.connect(self._on_double_click)
        self.restyle()
        follow(themes.notifier.changed, self.restyle)

    # ---- what is chosen ------------------------------------------------------------------------------------------

    @property
    def chosen(self) -> list[RunRow]:
        """The selected runs from top to bottom; the current one where none is."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        if not rows and self.currentIndex().isValid():
            rows = [self.currentIndex().row()]
        return [self._model.rows[row] for row in rows if row < len(self._model.rows)]

    @property
    def current_path(self) -> Path | None:
        """The file of the row that the keyboard is in."""
        row = self._model.row_at(self.currentIndex())
        return None if row is None else row.path

    def choose(self, paths: Sequence[Path], current: Path | None) -> None:
        """Select these again, after the rows have come anew."""
        places = {row.path: at for at, row in enumerate(self._model.rows)}
        flags = QItemSelectionModel.SelectionFlag
        selection = self.selectionModel()
        selection.clearSelection()
        for path in paths:
            if path in places:
                selection.select(self._model.index(places[path], 0), flags.Select | flags.Rows)
        if current in places:
            selection.setCurrentIndex(self._model.index(places[current], 0), flags.NoUpdate)

    def rename_current(self) -> None:
        """Edit the name of the current run in its place."""
        if self.currentIndex().isValid():
            self.edit(self.currentIndex().siblingAtColumn(0))

    # ---- how it looks --------------------------------------------------------------------------------------------

    def restyle(self) -> None:
        """Take the letters of the theme, and the heights that they need."""
        header = self.horizontalHeader()
        set_font(header, 12)
        self.verticalHeader().setDefaultSectionSize(line_height(13) + 10)
        self.fit_columns()

    def fit_columns(self) -> None:
        """Each column as wide as what stands in it; the name takes what is left."""
        header, model = self.horizontalHeader(), self._model
        large, small = QFontMetrics(themes.font(13, 600)), QFontMetrics(themes.font(12, 600))
        others: list[int] = []
        for at, column in enumerate(model.columns):
            self.setItemDelegateForColumn(at, self._names if column.key == NAME else self._plain)
            header.setSectionResizeMode(at, QHeaderView.ResizeMode.Interactive)
            if column.key == NAME:
                continue
            texts = [column.text(row) for row in model.rows[:_MOST_MEASURED]]
            widest = max((small.horizontalAdvance(text) for text in texts), default=0)
            title = QFontMetrics(header.font()).horizontalAdvance(f"{column.title} ↓")
            others.append(max(min(widest, 260) + 26, title + 22))
            header.resizeSection(at, others[-1])
        names = max((large.horizontalAdvance(row.name) for row in model.rows[:_MOST_MEASURED]), default=0) + 90
        header.resizeSection(0, name_width(self.viewport().width(), names, others))
        self._mark_sort()

    def set_sort(self, key: str, descending: bool) -> None:
        """Say by which column the rows are ordered."""
        self._sort = (key, descending)
        self._mark_sort()

    def _mark_sort(self) -> None:
        self._model.mark_sort(*self._sort)

    def resizeEvent(self, event: object) -> None:
        """The name takes what is left."""
        super().resizeEvent(event)  # type: ignore[arg-type]  # Qt hands in the right one
        self.fit_columns()

    # ---- what hands do -------------------------------------------------------------------------------------------

    def _on_header(self, section: int) -> None:
        column = self._model.columns[section]
        key, descending = self._sort
        # Results from the best down; names and settings from the first on.
        first = column.best != "least" and (column.best == "greatest" or column.key in {"created", "size", "seconds"})
        self.sorted_by.emit(column.key, (not descending) if key == column.key else first)

    def _on_double_click(self, index: QModelIndex) -> None:
        row = self._model.row_at(index)
        if row is not None:
            self.opened.emit(row.path)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The keys of this list first; arrows, Home, End and letters as in any."""
        pressed = QKeySequence(event.keyCombination())
        if self.state() is not QAbstractItemView.State.EditingState:
            for deed in self._all_deeds():
                if pressed in deed.sequences and self.chosen:
                    if not deed.why_not():
                        deed.do()
                    event.accept()
                    return
            if event.key() == Qt.Key.Key_Escape:
                self.left.emit()
                event.accept()
                return
        super().keyPressEvent(event)

    def event(self, event: object) -> bool:
        """The canvas has some of these keys, too: here they are the list's."""
        if isinstance(event, QKeyEvent) and event.type() == QKeyEvent.Type.ShortcutOverride:
            pressed = QKeySequence(event.keyCombination())
            if any(pressed in deed.sequences for deed in self._all_deeds()):
                event.accept()
                return True
        return super().event(event)  # type: ignore[arg-type]  # as above

    def _all_deeds(self) -> list[Action]:
        return [deed for part in self.deeds for deed in part]

    def fill(self, menu: QMenu) -> None:
        """Put what can be done with the chosen rows into a menu."""
        for part in self.deeds:
            if menu.actions():
                menu.addSeparator()
            for deed in part:
                action = menu.addAction(deed.entry(deed.wording()[0] if deed.wording is not None else ""))
                reason = deed.why_not()
                action.setEnabled(not reason)
                action.setToolTip(reason or deed.help)
                action.triggered.connect(lambda _checked=False, do=deed.do: do())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be done with the chosen rows."""
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.setAccessibleName("What can be done with the chosen runs")
        self.fill(menu)
        menu.aboutToHide.connect(menu.deleteLater)
        by_key = event.reason() is QContextMenuEvent.Reason.Keyboard
        place = self.visualRect(self.currentIndex()).center()
        menu.popup(self.viewport().mapToGlobal(place) if by_key else event.globalPos())
        event.accept()
