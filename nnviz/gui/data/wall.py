"""The wall of examples: small pictures under the names of their classes, or the rows of a table; any number of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip, QWidget

from nnviz.data.viewing import SPLIT_TITLES, ViewedData
from nnviz.gui.data.choosing import Answers, Chosen, Section
from nnviz.gui.data.row_values import number_words
from nnviz.gui.data.thumbnails import Thumbnails
from nnviz.gui.look import theme
from nnviz.gui.look.painting import guarded
from nnviz.gui.look.scales import class_colour
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.plain_text import plain_tip

_GAP, _MARGIN = 6, 12
#: Width of a column of a table, and of the columns before: number, label, loss.
_COLUMN, _NUMBER, _LABEL, _LOSS = 96, 124, 130, 74
#: A row of more columns than this is painted only so far.
_MOST_COLUMNS = 2000
_MOVES = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class Wall(QAbstractScrollArea):
    """All chosen examples. Only those in sight are painted, from sheets that a worker has made.

    Signals:
        selected: An example was chosen: its number.
        opened: It shall be enlarged.
        menu_requested: A context menu for it: its number, and where on the screen.
    """

    selected = Signal(int)
    opened = Signal(int)
    menu_requested = Signal(int, QPoint)

    def __init__(self, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data: ViewedData | None = None
        self._answers: Answers | None = None
        self._numbers: NDArray[np.int64] = np.empty(0, np.int64)
        self._sections: tuple[Section, ...] = ()
        #: Of each section: the first place in the list, and the pixel at which it begins.
        self._firsts: list[int] = [0]
        self._tops: list[int] = [0]
        self._columns = 1
        #: The place in the list of the example that is chosen; −1 for none.
        self._current = -1
        self._pinned: frozenset[int] = frozenset()
        self._pinned_places: tuple[int, ...] = ()
        self._left_out: frozenset[int] = frozenset()
        self._decided: frozenset[int] = frozenset()
        self._empty = ""
        self.thumbnails = Thumbnails(background, self)
        self._measure()
        self.thumbnails.arrived.connect(self._repaint)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Examples")
        self.setMinimumWidth(180)
        self.viewport().setMouseTracking(True)
        follow(theme.notifier.changed, self._on_theme)

    def _repaint(self) -> None:
        self.viewport().update()  # asked for anew: PySide may take a kept one for deleted

    # ---- what is shown -------------------------------------------------------------------------------------------

    def show_chosen(self, data: ViewedData | None, answers: Answers | None, chosen: Chosen, empty: str) -> None:
        """Show these examples, from the top; the one that was chosen stays chosen where it is among them.

        Args:
            data: What they belong to.
            answers: What the network made of them, if it was asked.
            chosen: Which, in which order.
            empty: What stands there where there are none.
        """
        current = self.current
        same = self._data is data and np.array_equal(self._numbers, chosen.numbers)
        self._data, self._answers, self._empty = data, answers, empty
        self._numbers, self._sections = chosen.numbers, chosen.sections
        if not same:
            self.thumbnails.show(data, chosen.numbers)
            self.verticalScrollBar().setValue(0)
        self._current = self._place_of(current)
        self._find_pinned()
        self._lay_out()

    @property
    def current(self) -> int:
        """Number of the example that is chosen; −1 for none."""
        return int(self._numbers[self._current]) if 0 <= self._current < len(self._numbers) else -1

    @property
    def count(self) -> int:
        """How many examples there are on it."""
        return len(self._numbers)

    def _find_pinned(self) -> None:
        self._pinned_places = tuple(place for one in sorted(self._pinned) if (place := self._place_of(one)) >= 0)

    def set_pinned(self, numbers: Collection[int]) -> None:
        """Mark the examples that are pinned to the canvas."""
        self._pinned = frozenset(numbers)
        self._find_pinned()
        self.viewport().update()

    def set_decided(self, decided: frozenset[int], left_out: frozenset[int]) -> None:
        """Mark examples that something was decided about, and among them those that are left out of the training."""
        if (decided, left_out) != (self._decided, self._left_out):
            self._decided, self._left_out = decided, left_out
            self.viewport().update()

    def select(self, number: int) -> None:
        """Choose an example and bring it into sight; one that is not on the wall lets go of the one before."""
        self._current = self._place_of(number)
        if self._current >= 0:
            self._reveal(self._current)
        self.viewport().update()

    def _place_of(self, number: int) -> int:
        """The place of an example in the list; −1 where it is not in it."""
        places = np.flatnonzero(self._numbers == number)
        return int(places[0]) if len(places) and number >= 0 else -1

    # ---- where things are ----------------------------------------------------------------------------------------

    @property
    def _is_table(self) -> bool:
        return self._data is not None and not self._data.is_images

    def _measure(self) -> None:
        """What depends on letters and width alone: it is needed for every example that is painted."""
        #: Height of a line; of a heading; and of the names of columns, which stay at the top.
        self._line = QFontMetrics(theme.font(13)).height()
        self._head = self._line + 16
        self._sticky = self._line + 10 if self._is_table else 0
        self._cell = self._measured_cell()

    def _measured_cell(self) -> tuple[int, int]:
        """Width and height of an example, with the gaps behind it."""
        if self._is_table:
            return self.table_width, self._line + 7
        size = self.thumbnails.size
        words = QFontMetrics(theme.font(12)).height() if self._answers is not None else 0
        room = self.viewport().width() - 2 * _MARGIN + _GAP
        columns = max(1, room // (size.width + _GAP))
        return max(size.width + _GAP, room // columns), size.height + _GAP + words

    @property
    def table_width(self) -> int:
        """Of all columns of a table together."""
        columns = min(len(self._data.columns), _MOST_COLUMNS) if self._data is not None else 0
        answered = _LOSS if self._answers is not None else 0
        return self._scaled(_NUMBER + _LABEL + answered + columns * _COLUMN)

    def _scaled(self, width: float) -> int:
        return round(width * theme.text_scale())

    def _lay_out(self) -> None:
        self._measure()
        width, height = self._cell
        room = self.viewport().width() - 2 * _MARGIN
        self._columns = 1 if self._is_table else max(1, (room + _GAP) // width)
        heights = [
            (self._head if section.title else _GAP) + -(-section.count // self._columns) * height
            for section in self._sections
        ]
        self._firsts = [0, *accumulate(section.count for section in self._sections)]
        self._tops = [self._sticky, *(self._sticky + top for top in accumulate(heights))]
        across, down = self.horizontalScrollBar(), self.verticalScrollBar()
        down.setPageStep(max(1, self.viewport().height() - self._sticky - height))
        down.setSingleStep(max(1, height))
        down.setRange(0, max(0, self._tops[-1] + _MARGIN - self.viewport().height()))
        wide = self.table_width + 2 * _MARGIN - self.viewport().width() if self._is_table else 0
        across.setPageStep(self.viewport().width())
        across.setSingleStep(_COLUMN)
        across.setRange(0, max(0, wide))
        self.viewport().update()

    def rect_of(self, position: int) -> QRect:
        """Where the example at a place of the list is drawn, in the viewport."""
        section = min(bisect_right(self._firsts, position) - 1, len(self._sections) - 1)
        row, column = divmod(position - self._firsts[section], self._columns)
        width, height = self._cell
        top = self._tops[section] + (self._head if self._sections[section].title else _GAP) + row * height
        left = _MARGIN + column * width - self.horizontalScrollBar().value()
        return QRect(left, top - self.verticalScrollBar().value(), width, height)

    def rect_of_number(self, number: int) -> QRect:
        """Where an example is drawn, in the viewport; empty where it is not on the wall."""
        place = self._place_of(number)
        return self.rect_of(place) if place >= 0 else QRect()

    def number_at(self, point: QPoint) -> int:
        """The number of the example at a point of the viewport; −1 for none."""
        position = self._position_at(point)
        return -1 if position < 0 else int(self._numbers[position])

    def _position_at(self, point: QPoint) -> int:
        if not self._sections or point.y() < self._sticky:
            return -1
        y = point.y() + self.verticalScrollBar().value()
        section = bisect_right(self._tops, y) - 1
        if not 0 <= section < len(self._sections):
            return -1
        width, height = self._cell
        inside = y - self._tops[section] - (self._head if self._sections[section].title else _GAP)
        column = (point.x() - _MARGIN + self.horizontalScrollBar().value()) // width
        if inside < 0 or not 0 <= column < self._columns:
            return -1
        place = inside // height * self._columns + column
        return self._firsts[section] + place if place < self._sections[section].count else -1

    def _in_sight(self, begin: int = 0, end: int | None = None) -> tuple[int, int]:
        """The first place of the list in sight, or between two heights of the viewport, and the one behind the last."""
        if not self._sections:
            return 0, 0
        top = self.verticalScrollBar().value()
        below = self.viewport().height() if end is None else end
        return self._first_below(top + begin), self._first_below(top + below, behind=True)

    def _first_below(self, y: int, *, behind: bool = False) -> int:
        section = min(max(0, bisect_right(self._tops, y) - 1), len(self._sections) - 1)
        head = self._head if self._sections[section].title else _GAP
        row = max(0, y - self._tops[section] - head) // self._cell[1]
        place = (row + (1 if behind else 0)) * self._columns
        return self._firsts[section] + min(place, self._sections[section].count)

    def _reveal(self, position: int) -> None:
        rect, bar = self.rect_of(position), self.verticalScrollBar()
        if not -rect.height() < rect.top() < self.viewport().height():  # far away: into the middle
            bar.setValue(bar.value() + rect.center().y() - self.viewport().height() // 2)
        elif rect.top() < self._sticky + self._head:
            bar.setValue(bar.value() + rect.top() - self._sticky - self._head)
        elif rect.bottom() > self.viewport().height() - _GAP:
            bar.setValue(bar.value() + rect.bottom() - self.viewport().height() + _GAP)

    # ---- painting ------------------------------------------------------------------------------------------------

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """What is in sight."""
        colours = theme.current()
        painter = QPainter(self.viewport())
        painter.fillRect(self.viewport().rect(), colours.window)
        data = self._data
        if data is None or not len(self._numbers):
            painter.setFont(theme.font(14))
            painter.setPen(colours.text_muted)
            room = self.viewport().rect().adjusted(40, 20, -40, -20)
            painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap), self._empty)
            return
        first, last = self._in_sight()
        if data.is_images or data.is_streamed:
            self.thumbnails.want(first, last)
        # After a step of scrolling only what has come into sight is painted; the rest has been moved.
        wanted = event.rect()
        first, last = self._in_sight(wanted.top(), wanted.bottom() + 1)
        self._paint_headings(painter)
        painter.setFont(theme.font(12))
        if data.is_images:
            self._paint_pictures(painter, first, last)
        else:
            for position in range(first, last):
                self._paint_row(painter, self.rect_of(position), position, data)
        self._paint_heading_of_top(painter)
        if self._is_table:
            self._paint_columns(painter, data)

    def _paint_headings(self, painter: QPainter) -> None:
        top = self.verticalScrollBar().value()
        for section, begin, end in zip(self._sections, self._tops, self._tops[1:], strict=False):
            if section.title and end >= top and begin <= top + self.viewport().height():
                self._paint_heading(painter, section, begin - top)

    def _paint_heading_of_top(self, painter: QPainter) -> None:
        """Whose examples these are, where their heading has been scrolled away."""
        top = self.verticalScrollBar().value() + self._sticky
        at = min(bisect_right(self._tops, top) - 1, len(self._sections) - 1)
        if at < 0 or not self._sections[at].title or self._tops[at] >= top:
            return
        y = self._sticky + min(0, self._tops[at + 1] - top - self._head)
        painter.fillRect(QRect(0, y, self.viewport().width(), self._head - 2), theme.current().window)
        self._paint_heading(painter, self._sections[at], y)

    def _paint_heading(self, painter: QPainter, section: Section, y: int) -> None:
        colours = theme.current()
        area = QRect(_MARGIN, y + 8, self.viewport().width() - 2 * _MARGIN, self._line + 2)
        if section.label >= 0:
            painter.fillRect(QRect(area.left(), area.top() + 2, 4, area.height() - 4), self._colour(section.label))
            area.setLeft(area.left() + 12)
        painter.setFont(theme.font(13, 600))
        painter.setPen(colours.text)
        metrics = painter.fontMetrics()
        title = metrics.elidedText(section.title, Qt.TextElideMode.ElideRight, area.width() - 90)
        painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter), title)
        area.setLeft(area.left() + metrics.horizontalAdvance(title) + 10)
        painter.setFont(theme.font(12))
        painter.setPen(colours.text_muted)
        painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter), theme.format_count(section.count))

    @staticmethod
    def _colour(label: int) -> QColor:
        return class_colour(label, theme.current())

    def _paint_pictures(self, painter: QPainter, first: int, last: int) -> None:
        """All that is ready, row by row; then what marks some of them."""
        ground, size, sheets = theme.current().panel_raised, self.thumbnails.size, self.thumbnails
        across, down = size.width, size.height
        width = self._cell[0]
        position = first
        while position < last:
            corner = self.rect_of(position)
            section = bisect_right(self._firsts, position) - 1
            column = (position - self._firsts[section]) % self._columns
            end = min(last, position + self._columns - column, self._firsts[section + 1])
            x, y = corner.left(), corner.top()
            while position < end:
                sheet, place = sheets.found(position)
                if sheet is None:
                    painter.fillRect(x, y, across, down, ground)
                else:
                    painter.drawImage(x, y, sheet, place, 0, across, down)
                x += width
                position += 1
        every = self._answers is not None or bool(self._decided)
        for marked in range(first, last) if every else (self._current, *self._pinned_places):
            if first <= marked < last:
                self._paint_marks(painter, self.rect_of(marked), marked)

    def _paint_marks(self, painter: QPainter, cell: QRect, position: int) -> None:
        """The loss, what is wrong, what is pinned and what is chosen."""
        colours, size = theme.current(), self.thumbnails.size
        place = QRect(cell.topLeft(), size.size)
        number = int(self._numbers[position])
        if self._answers is not None:
            wrong = self._answers.right[number] == 0
            loss = float(self._answers.losses[number])
            words = "" if np.isnan(loss) else theme.format_number(loss)
            painter.setPen(colours.danger if wrong else colours.text_muted)
            under = QRect(place.left() - 2, place.bottom() + 2, place.width() + 4, cell.height() - size.height - 2)
            painter.drawText(under, int(Qt.AlignmentFlag.AlignHCenter), words)
            if wrong:
                painter.setPen(QPen(colours.danger, 2))
                painter.drawRect(place.adjusted(0, 0, -1, -1))
        if number in self._left_out:
            painter.setPen(QPen(colours.warning, 2))
            painter.drawLine(place.topLeft(), place.bottomRight())
            painter.drawLine(place.topRight(), place.bottomLeft())
        elif number in self._decided:
            painter.fillRect(QRect(place.left(), place.bottom() - 4, place.width(), 5), colours.warning)
        if number in self._pinned:
            painter.fillRect(QRect(place.right() - 11, place.top(), 12, 12), colours.accent)
            painter.setPen(colours.accent_text)
            painter.drawText(QRect(place.right() - 11, place.top() - 1, 12, 13), int(Qt.AlignmentFlag.AlignCenter), "•")
        if position == self._current:
            painter.setPen(QPen(colours.accent, 3))
            painter.drawRect(place.adjusted(-2, -2, 1, 1))

    def _paint_row(self, painter: QPainter, cell: QRect, position: int, data: ViewedData) -> None:
        colours = theme.current()
        number = int(self._numbers[position])
        across = QRect(0, cell.top(), self.viewport().width(), cell.height())
        if position == self._current:
            painter.fillRect(across, theme.mixed(colours.window, colours.accent, 0.28))
        split, index = data.place(number)
        x = cell.left()
        for text, width, colour in self._row_words(data, position, split, index):
            box = QRect(x, cell.top(), width - 8, cell.height())
            x += width
            if box.right() < 0 or box.left() > self.viewport().width():
                continue
            painter.setPen(colour)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), text)
        painter.setPen(colours.grid)
        painter.drawLine(0, cell.bottom(), self.viewport().width(), cell.bottom())

    def _row_words(self, data: ViewedData, position: int, split: str, index: int) -> list[tuple[str, int, QColor]]:
        colours = theme.current()
        number = int(self._numbers[position])
        label = int(data.label_of[number])
        short = QFontMetrics(theme.font(12)).elidedText(
            data.label(number), Qt.TextElideMode.ElideRight, self._scaled(_LABEL) - 12
        )
        pinned = "• " if number in self._pinned else "× " if number in self._left_out else ""
        words: list[tuple[str, int, QColor]] = [
            (f"{pinned}{SPLIT_TITLES[split]} #{theme.format_count(index)}", self._scaled(_NUMBER), colours.text_muted),
            (short, self._scaled(_LABEL), self._colour(label) if label >= 0 else colours.text),
        ]
        if self._answers is not None:
            loss = float(self._answers.losses[number])
            wrong = self._answers.right[number] == 0
            text = "–" if np.isnan(loss) else theme.format_number(loss)
            words.append((text, self._scaled(_LOSS), colours.danger if wrong else colours.text_muted))
        first = max(0, (self.horizontalScrollBar().value() // self._scaled(_COLUMN)) - 4)
        last = first + self.viewport().width() // self._scaled(_COLUMN) + 6
        raw = self.thumbnails.row(position) if data.is_streamed else data.input_of(number)
        if raw is None:  # it is being read
            return words
        for at, value in enumerate(raw.reshape(-1)[:_MOST_COLUMNS].tolist()):
            words.append((number_words(value) if first <= at < last else "", self._scaled(_COLUMN), colours.text))
        return words

    def _paint_columns(self, painter: QPainter, data: ViewedData) -> None:
        colours = theme.current()
        head = QRect(0, 0, self.viewport().width(), self._sticky - 1)
        painter.fillRect(head, colours.panel_raised)
        painter.setFont(theme.font(12, 600))
        painter.setPen(colours.text_muted)
        x = _MARGIN - self.horizontalScrollBar().value()
        before = [("example", _NUMBER), ("label" if data.class_names else "target", _LABEL)]
        before += [("loss", _LOSS)] if self._answers is not None else []
        for text, width in (*before, *((name, _COLUMN) for name in data.columns[:_MOST_COLUMNS])):
            wide = self._scaled(width)
            box = QRect(x, 0, wide - 8, head.height())
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, box.width())
            painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), shown)
            x += wide

    def scrollContentsBy(self, across: int, down: int) -> None:  # noqa: N802 - Qt's own name
        """What stays in sight is moved, not painted again; but for the heading that stands still."""
        if across or abs(down) >= self.viewport().height() // 2:
            self.viewport().update()
            return
        self.viewport().scroll(0, down)
        self.viewport().update(QRect(0, 0, self.viewport().width(), self._sticky + self._head + max(0, down)))

    # ---- hands ---------------------------------------------------------------------------------------------------

    def _take(self, position: int) -> None:
        if 0 <= position < len(self._numbers):
            self._current = position
            self._reveal(position)
            self.viewport().update()
            self.selected.emit(self.current)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The example under the mouse is chosen."""
        position = self._position_at(event.position().toPoint())
        if position >= 0:
            self._take(position)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """It is enlarged."""
        number = self.number_at(event.position().toPoint())
        if number >= 0:
            self.opened.emit(number)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be done with the example."""
        by_key = event.reason() is QContextMenuEvent.Reason.Keyboard
        point = self.rect_of(self._current).center() if by_key and self._current >= 0 else event.pos()
        position = self._current if by_key else self._position_at(point)
        if position >= 0:
            self._take(position)
            self.menu_requested.emit(self.current, self.viewport().mapToGlobal(point))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk, Enter enlarges."""
        key = Qt.Key(event.key())
        if key in _MOVES and len(self._numbers):
            across, down = _MOVES[key]
            if self._current < 0:
                self._take(self._in_sight()[0])
            elif across:
                self._take(self._current + across)
            else:
                rect = self.rect_of(self._current)
                target = self._position_at(rect.center() + QPoint(0, down * rect.height()))
                self._take(target if target >= 0 else self._current + down * self._columns)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._current >= 0:
            self.opened.emit(self.current)
        elif key == Qt.Key.Key_Home:
            self._take(0)
        elif key == Qt.Key.Key_End:
            self._take(len(self._numbers) - 1)
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() + (bar.pageStep() if key == Qt.Key.Key_PageDown else -bar.pageStep()))
        else:
            event.ignore()

    def viewportEvent(self, event: object) -> bool:
        """The tooltip says which example it is."""
        if isinstance(event, QHelpEvent) and self._data is not None:
            number = self.number_at(event.pos())
            if number >= 0:
                split, index = self._data.place(number)
                words = f"{self._data.label(number)} · {SPLIT_TITLES[split]} #{index}"
                words += f"\n{self._data.files[number]}" if self._data.files else ""
                QToolTip.showText(event.globalPos(), plain_tip(words), self)
            else:
                QToolTip.hideText()
            return True
        return super().viewportEvent(event)  # type: ignore[arg-type]  # whatever Qt gives

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many columns as fit; what was at the top stays there."""
        at_top = self._in_sight()[0]
        self._lay_out()
        if self._sections and self.verticalScrollBar().value() > 0 and at_top < len(self._numbers):
            rect, bar = self.rect_of(at_top), self.verticalScrollBar()
            bar.setValue(bar.value() + rect.top() - self._sticky - self._head)

    def _on_theme(self) -> None:
        self._lay_out()
