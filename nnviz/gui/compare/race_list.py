"""Everyone who races, one below the other: colour, rank, name, and the numbers that stand there now."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from nnviz.gui.look import theme
from nnviz.gui.look.painting import Saved, answering, guarded
from nnviz.gui.look.run_colours import run_pen
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.parts.widgets import line_height, set_font
from nnviz.record.quantities import ACCURACY, LOSS

_NOTHING = "–"
#: Pixels of the letters, and from which width of the list on they are the larger ones.
_LETTERS, _LARGER = 12, 15
_WIDE = 360
#: Widths in heights of a line.
_COLUMN, _RANK = 3.6, 1.5
_SWATCH = 20
_EDGE = 8
_TITLES = ("batch loss", "val. loss", "accuracy")


@dataclass(frozen=True)
class RaceRow:
    """One entrant, as it is written.

    Attributes:
        name: What it is called.
        rank: From 1; 0 before there is one, and for those that failed.
        numbers: Loss of the last batches, validation loss, validation accuracy; a dash where one is not known.
        shown: Its run is the one on the screen.
        failure: Why it ended, as a sentence.
        rate: The learning rate that it begins with, as it is written; empty where it is not known.
    """

    name: str
    rank: int = 0
    numbers: tuple[str, str, str] = (_NOTHING, _NOTHING, _NOTHING)
    shown: bool = False
    failure: str = ""
    rate: str = ""

    @property
    def words(self) -> str:
        """All of it in one line, for those who hear it."""
        if self.failure:
            return f"{self.name} failed: {self.failure}"
        rank = f"{self.rank}. " if self.rank else ""
        told = (f"{title} {text}" for title, text in zip(_TITLES, self.numbers, strict=True) if text != _NOTHING)
        rate = [f"learning rate {self.rate}"] if self.rate else []
        return ", ".join([f"{rank}{self.name}", *rate, *told])


def number_texts(batch_loss: float, loss: float, accuracy: float) -> tuple[str, str, str]:
    """The numbers as the cards and curves write them."""

    def text(value: float, quantity: object) -> str:
        return _NOTHING if math.isnan(value) else quantity.text(value)  # type: ignore[attr-defined]

    return text(batch_loss, LOSS), text(loss, LOSS), text(accuracy, ACCURACY)


def _rate_text(row: RaceRow) -> str:
    """The learning rate beside a name."""
    return f"η {row.rate}" if row.rate else ""


class _Painter(QStyledItemDelegate):
    @answering(QSize)
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """As high as its text with some air."""
        view = self.parent()
        letters = view.letters if isinstance(view, RaceList) else _LETTERS
        below = line_height(_LETTERS) - letters // 2 if isinstance(view, RaceList) and view.rates_below else 0
        return QSize(0, line_height(letters) + letters + below)

    @guarded
    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """The ground as the style does it; the rest by hand."""
        row = index.data(Qt.ItemDataRole.UserRole)
        view = self.parent()
        if not isinstance(row, RaceRow) or not isinstance(view, RaceList):
            return
        ground = QStyleOptionViewItem(option)
        self.initStyleOption(ground, index)
        ground.text = ""
        view.style().drawControl(view.style().ControlElement.CE_ItemViewItem, ground, painter, view)
        colours, rect, letters = theme.current(), option.rect, view.letters
        rank_width = view.width_of(_RANK)
        with Saved(painter):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            left, middle = rect.left() + _EDGE, rect.center().y()
            painter.setPen(run_pen(index.row(), 4.0))
            painter.drawLine(left, middle, left + _SWATCH, middle)
            left += _SWATCH + 4
            painter.setFont(theme.font(letters, 600))
            painter.setPen(colours.text_muted)
            cell = QRect(left, rect.top(), rank_width, rect.height())
            painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, str(row.rank) if row.rank else "")
            left += rank_width + 6
            right = rect.right() - _EDGE
            columns = view.columns
            if row.failure:
                painter.setFont(theme.font(letters, 600))
                painter.setPen(colours.danger)
                width = painter.fontMetrics().horizontalAdvance("failed")
                painter.drawText(
                    QRect(right - width, rect.top(), width + 1, rect.height()), Qt.AlignmentFlag.AlignCenter, "failed"
                )
                right -= width + 8
            else:
                painter.setFont(theme.font(letters))
                painter.setPen(colours.text)
                for text in reversed(row.numbers[columns]):
                    cell = QRect(right - view.column, rect.top(), view.column, rect.height())
                    flags = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                    painter.setPen(colours.text_faint if text == _NOTHING else colours.text)
                    painter.drawText(cell, flags, text)
                    right -= view.column
            painter.setFont(theme.font(letters, 600 if row.shown else 400))
            painter.setPen(colours.text)
            room = max(0, right - left - 4)
            shown = painter.fontMetrics().elidedText(row.name, Qt.TextElideMode.ElideRight, room)
            flags = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            place = QRect(left, rect.top(), room, rect.height())
            if view.rates_below:
                both = line_height(letters) + line_height(_LETTERS)
                place = QRect(left, rect.center().y() - both // 2, room, line_height(letters))
            painter.drawText(place, flags, shown)
            if view.rates_below:
                place = QRect(left, place.bottom() + 1, room, line_height(_LETTERS))
            else:
                place.setLeft(left + painter.fontMetrics().horizontalAdvance(shown) + letters)
            painter.setFont(theme.font(_LETTERS))
            painter.setPen(colours.text_muted)
            painter.drawText(place, flags, _rate_text(row))


class _Head(QWidget):
    """What the columns mean."""

    def __init__(self, view: RaceList, parent: QWidget) -> None:
        super().__init__(parent)
        self._view = view
        set_font(self, 12)
        view.columns_changed.connect(self.update)

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(0, line_height(12) + 6)

    @guarded
    def paintEvent(self, event: object) -> None:
        """The titles stand over their columns."""
        painter = QPainter(self)
        painter.setFont(theme.font(12))
        painter.setPen(theme.current().text_muted)
        right = self._view.viewport().width() + self._view.frameWidth() - _EDGE
        for title in reversed(_TITLES[self._view.columns]):
            width = self._view.column
            cell = QRect(right - width, 0, width, self.height())
            painter.drawText(cell, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), title)
            right -= width


class RaceList(QListWidget):
    """The entrants; one of them can be chosen.

    Signals:
        columns_changed: Others of the numbers are written.
    """

    columns_changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Entrants")
        self.setItemDelegate(_Painter(self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._rows: tuple[RaceRow, ...] = ()

    @property
    def rows(self) -> tuple[RaceRow, ...]:
        """What is written."""
        return self._rows

    @property
    def letters(self) -> int:
        """Pixels of its letters: larger where there is room."""
        return _LARGER if self.width() >= _WIDE * theme.text_scale() else _LETTERS

    @property
    def column(self) -> int:
        """Pixels of a column of numbers, which has room for its title."""
        title = max(QFontMetrics(theme.font(12)).horizontalAdvance(one) for one in _TITLES) + 10
        return max(title, self.width_of(_COLUMN) if self.letters == _LARGER else 0)

    @property
    def columns(self) -> slice:
        """Which of the numbers have room beside the names: at least the one by which they are ranked.

        That is the validation loss; in the first epoch, in which nobody has one, the loss of the batches.
        """
        metrics = QFontMetrics(theme.font(self.letters, 600))
        name = max((metrics.horizontalAdvance(row.name) for row in self._rows), default=0)
        count = (self._room - name) // self.column
        begun = any(row.numbers[0] != _NOTHING for row in self._rows)
        if begun and any(row.numbers[1] == _NOTHING and not row.failure for row in self._rows):
            return slice(0, max(1, min(count, len(_TITLES))))
        return slice(0 if count >= len(_TITLES) else 1, 2 if count < 2 else None)

    @property
    def _room(self) -> int:
        """Pixels of a row for the name, the learning rate and the numbers."""
        return self.viewport().width() - (2 * _EDGE + _SWATCH + 4 + self.width_of(_RANK) + 6 + 8)

    @property
    def rates_below(self) -> bool:
        """Whether the learning rates stand below the names: all of them, where one has no room beside its name."""
        names = QFontMetrics(theme.font(self.letters, 600))
        rates = QFontMetrics(theme.font(_LETTERS))
        room = self._room - len(_TITLES[self.columns]) * self.column
        return any(
            names.horizontalAdvance(row.name) + self.letters + rates.horizontalAdvance(_rate_text(row)) > room
            for row in self._rows
            if row.rate
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Rows are higher where the learning rates have no room beside the names."""
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()

    def width_of(self, lines: float) -> int:
        """So many heights of a line."""
        return round(lines * line_height(self.letters))

    def show_rows(self, rows: Sequence[RaceRow]) -> None:
        """Write these; what is chosen stays so where there are as many."""
        rows = tuple(rows)
        if rows == self._rows:
            return
        before, self._rows = self.columns, rows
        if self.columns != before:
            self.columns_changed.emit()
        while self.count() > len(rows):
            self.takeItem(self.count() - 1)
        while self.count() < len(rows):
            self.addItem(QListWidgetItem())
        for at, row in enumerate(rows):
            item = self.item(at)
            if item.data(Qt.ItemDataRole.UserRole) != row:
                item.setData(Qt.ItemDataRole.UserRole, row)
                item.setText(row.words)
                item.setToolTip(plain_tip(row.words))
        high = self.itemDelegate().sizeHint(QStyleOptionViewItem(), QModelIndex()).height()
        if self.count() and self.visualItemRect(self.item(0)).height() != high:
            self.scheduleDelayedItemsLayout()


def with_head(view: RaceList, parent: QWidget) -> QWidget:
    """The list below the titles of its columns."""
    holder = QWidget(parent)
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addWidget(_Head(view, holder))
    column.addWidget(view, 1)
    return holder
