"""Everything that was done to the project, step by step; a click leads back to how it was then."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QPen, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from nnviz.errors import NnvizError
from nnviz.gui.look import icons
from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import Saved, answering, guarded
from nnviz.gui.panels.base import Cell, Panel
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.parts.reasons import sentence_of
from nnviz.project.document import Document
from nnviz.project.history import History
from nnviz.record.run import RunView

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
#: What a row says beside its words.
UNDONE_ROLE = Qt.ItemDataRole.UserRole + 1
CURRENT_ROLE = Qt.ItemDataRole.UserRole + 2
SAVED_ROLE = Qt.ItemDataRole.UserRole + 3
_RAIL = 13


class HistoryModel(QAbstractListModel):
    """The positions of a history: row ``n`` is the project after ``n`` steps, row 0 how it was before the first."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document

    @property
    def _history(self) -> History:
        return self._document.history

    def refresh(self) -> None:
        """The history is another than before."""
        self.beginResetModel()
        self.endResetModel()

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """One more than there are steps."""
        return 0 if parent.isValid() else len(self._history) + 1

    @answering(lambda: None)
    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # Qt: the type depends on the role
        """Title, time, and whether the row is undone, current or saved."""
        row, history = index.row(), self._history
        if not index.isValid() or row > len(history):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.title(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(self._tip(row))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join([self.title(row), *self.states(row)])
        if role == UNDONE_ROLE:
            return row > history.position
        if role == CURRENT_ROLE:
            return row == history.position
        if role == SAVED_ROLE:
            return self.saved(row)
        return None

    def title(self, row: int) -> str:
        """What was done, in the words of the menu."""
        if row > 0:
            return self._history.entries[row - 1].title
        if self._history.forgotten:
            return f"Earlier (the last {themes.format_count(self._history.limit)} steps are kept)"
        return "Beginning"

    def states(self, row: int) -> list[str]:
        """``undone``, ``current`` and ``saved``, where they hold."""
        history = self._history
        found = ["undone"] if row > history.position else ["current"] if row == history.position else []
        return [*found, "saved"] if self.saved(row) else found

    def saved(self, row: int) -> bool:
        """Whether the file holds the project as it was then."""
        return self._document.path is not None and row == self._history.clean_position

    def when(self, row: int) -> str:
        """The time of day at which the step was done; empty for the beginning."""
        return time.strftime("%H:%M:%S", time.localtime(self._history.entries[row - 1].time)) if row else ""

    def _tip(self, row: int) -> str:
        history = self._history
        words = [f"{self.title(row)}, at {self.when(row)}." if row else f"{self.title(row)}."]
        if self.saved(row):
            words.append("So it stands in the file.")
        away = row - history.position
        if away:
            verb, count = ("Redo" if away > 0 else "Undo"), abs(away)
            words.append(f"{verb} {count} {'step' if count == 1 else 'steps'}: click or press Enter.")
        return " ".join(words)


class _Steps(QStyledItemDelegate):
    """A row: a point on a rail, the title, and the mark of what was saved."""

    @answering(QSize)
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """As high as its text with some air."""
        return QSize(120, QFontMetrics(themes.font(13)).height() + 10)

    @guarded
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Undone steps are faint, the current one is marked with the accent."""
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        colours = themes.current()
        undone, current = bool(index.data(UNDONE_ROLE)), bool(index.data(CURRENT_ROLE))
        with Saved(painter):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            plate = QRectF(rect).adjusted(1.0, 1.0, -1.0, -1.0)
            painter.setPen(Qt.PenStyle.NoPen)
            if current:
                painter.setBrush(themes.mixed(colours.panel, colours.accent, 0.22))
                painter.drawRoundedRect(plate, 5.0, 5.0)
            elif state & QStyle.StateFlag.State_MouseOver:
                painter.setBrush(themes.mixed(colours.panel, colours.text, 0.06))
                painter.drawRoundedRect(plate, 5.0, 5.0)
            if state & QStyle.StateFlag.State_HasFocus:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(colours.accent, 1.2))
                painter.drawRoundedRect(plate.adjusted(0.5, 0.5, -0.5, -0.5), 5.0, 5.0)
            self._paint_rail(painter, rect, index, undone=undone, current=current)
            left, right = rect.left() + 2 * _RAIL, rect.right() - 8
            if index.data(SAVED_ROLE):
                right = self._paint_saved(painter, rect, right)
            painter.setFont(themes.font(13, 600 if current else 400))
            painter.setPen(colours.text_faint if undone else colours.text)
            room = QRect(left, rect.top(), max(0, right - left), rect.height())
            title = painter.fontMetrics().elidedText(str(index.data()), Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), title)

    @staticmethod
    def _paint_rail(painter: QPainter, rect: QRect, index: _Index, *, undone: bool, current: bool) -> None:
        colours = themes.current()
        x, middle = rect.left() + _RAIL, rect.center().y() + 0.5
        quiet = themes.mixed(colours.panel, colours.text_faint, 0.55)
        painter.setPen(QPen(quiet, 1.5))
        if index.row() > 0:
            painter.drawLine(x, rect.top(), x, round(middle))
        if index.row() + 1 < index.model().rowCount():
            painter.drawLine(x, round(middle), x, rect.bottom() + 1)
        painter.setPen(QPen(colours.accent if current else quiet, 1.5))
        painter.setBrush(colours.accent if current else colours.panel if undone else quiet)
        radius = 4.5 if current else 3.5
        painter.drawEllipse(QRectF(x - radius, middle - radius, 2 * radius, 2 * radius))

    @staticmethod
    def _paint_saved(painter: QPainter, rect: QRect, right: int) -> int:
        """Draw the mark; returns where the title has to end."""
        colours = themes.current()
        painter.setFont(themes.font(12))
        width, size = (
            painter.fontMetrics().horizontalAdvance("saved"),
            max(13, round(painter.fontMetrics().height() * 0.85)),
        )
        painter.setPen(colours.text_muted)
        place = QRect(right - width, rect.top(), width, rect.height())
        painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter), "saved")
        ratio = painter.device().devicePixelRatioF()
        disk = icons.pixmap("save", colours.text_muted, size, ratio)
        painter.drawPixmap(place.left() - size - 5, rect.center().y() - size // 2, disk)
        return place.left() - size - 13


class HistoryList(QListView):
    """The rows; the arrow keys walk, Enter, Space or a click goes there.

    Signals:
        chosen: A row.
    """

    chosen = Signal(int)

    def __init__(self, model: HistoryModel) -> None:
        super().__init__()
        self.setModel(model)
        self.setItemDelegate(_Steps(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAccessibleName("Steps of the history")
        self.viewport().setAutoFillBackground(False)
        self.clicked.connect(lambda index: self.chosen.emit(index.row()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter and Space go to the row that the arrow keys have reached."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space}:
            if self.currentIndex().isValid():
                self.chosen.emit(self.currentIndex().row())
            event.accept()
            return
        super().keyPressEvent(event)


class HistoryPanel(Panel):
    """All steps, undone ones included; it follows the document, not the run."""

    key = "history"
    title = "History"
    letter = "H"
    empty = "Nothing has been changed yet. Every step you make stands here, and a click leads back to it."
    help = (
        "<p><b>What it shows.</b> Every step that was done to the project, the oldest first. The marked row is how the "
        "project is now; fainter ones below it were undone and can be done again. The disk stands where the project "
        "was saved.</p>"
        "<p><b>How to use it.</b> Click a row, or walk there with the arrow keys and press Enter: all steps in between "
        "are undone or done again at once. A new step takes the place of those that were undone. One movement of the "
        "hand (a drag, a turn of the wheel) is one row. The last 1,000 steps are kept until the project is closed.</p>"
    )

    def build(self) -> None:
        """Makes the list of steps, the present one marked."""
        self._model = HistoryModel(self.document)
        self.list = HistoryList(self._model)
        self.list.chosen.connect(self._jump)
        self.body_layout.setContentsMargins(6, 0, 6, 6)
        self.body_layout.addWidget(self.list, 1)
        follow(self.document.changed, self._on_changed)
        follow(self.document.saved, self._on_saved)

    @property
    def model(self) -> HistoryModel:
        """The item model behind the list: a row a step of the history."""
        return self._model

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """A run adds nothing to the history: there is something to see once there is a step."""
        return len(self.document.history) > 0

    def rows(self) -> Iterator[Sequence[Cell]]:
        """One row a step."""
        yield ("step", "time", "title", "state")
        for row in range(self._model.rowCount()):
            yield (row, self._model.when(row), self._model.title(row), " ".join(self._model.states(row)))

    def restyle(self) -> None:
        """Take the letters of the theme: rows of another height."""
        super().restyle()
        self.list.doItemsLayout()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with the document."""
        super().showEvent(event)
        self._follow()

    def _on_changed(self, before: object, after: object, edit: object) -> None:
        if self.isVisible():  # what nobody sees needs no following
            self._follow()

    def _on_saved(self, path: object) -> None:
        if self.isVisible():
            self._follow()

    def _follow(self) -> None:
        """Show the history as it is, with the present row in sight."""
        history = self.document.history
        self._pages.setCurrentWidget(self.body if len(history) else self._empty)
        self._model.refresh()
        current = self._model.index(history.position)
        self.list.setCurrentIndex(current)
        self.list.scrollTo(current)
        count = themes.format_count(len(history))
        words = f"{themes.format_count(history.position)} of {count} steps" if len(history) else ""
        self.set_subtitle(words)

    def _jump(self, position: int) -> None:
        try:
            self.document.jump(position)
        except NnvizError as error:
            self.message.emit(sentence_of(error))
