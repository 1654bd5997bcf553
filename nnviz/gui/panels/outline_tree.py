"""The view of the outline: how its rows are drawn, and what its keys do."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache

from PySide6.QtCore import (
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QFont,
    QFontMetrics,
    QIcon,
    QKeyEvent,
    QPainter,
    QPen,
    QStaticText,
    QTransform,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QFrame,
    QHeaderView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
)

from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import Saved, answering, guarded
from nnviz.gui.panels.outline_model import Column, OutlineModel, severity_icon
from nnviz.gui.panels.outline_rows import RowFacts
from nnviz.gui.parts.action import Action
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import set_font

_Index = QModelIndex | QPersistentModelIndex
#: The sign of a problem; the stripe in the colour of the family.
_ICON, _STRIPE = 15, 4
_PLAIN_KEYS = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier


class _Rows(QStyledItemDelegate):
    """Stripe of the family, sign of a problem, title, and the id in a quieter tone; numbers at the right.

    What a cell says is asked of the model itself: on the way through Qt every cell costs ten questions more.
    """

    def __init__(self, model: OutlineModel, parent: QTreeView) -> None:
        super().__init__(parent)
        self._rows, self._view = model, parent

    @answering(QSize)
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """As high as its text with some air."""
        return QSize(60, QFontMetrics(themes.font(13)).height() + 9)

    def initStyleOption(self, option: QStyleOptionViewItem, index: _Index) -> None:
        """For who edits a title: the whole cell is the place of the text."""
        super().initStyleOption(option, index)
        option.text = ""
        option.icon = QIcon()

    @guarded
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Draw a cell: the ground as the style does it; an icon and two tones of text need a hand."""
        self._view.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, self._view)
        item = self._rows.item(index)
        if not item:
            return
        facts = self._rows.words.facts(item)
        with Saved(painter):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if index.column() == Column.LAYER:
                self._paint_layer(painter, QRect(option.rect), facts, severity_icon(facts.severity))
            else:
                painter.setPen(themes.current().text_muted)
                words, wide, font = _set(
                    self._rows.text(item, index.column()), 12, 400, option.rect.width(), themes.text_scale()
                )
                _write(painter, words, font, QRect(option.rect), option.rect.right() - 6 - wide)

    def _paint_layer(self, painter: QPainter, rect: QRect, facts: RowFacts, icon: QIcon | None) -> None:
        colours = themes.current()
        left = rect.left() + 3
        if facts.family:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.family(facts.family))
            painter.setOpacity(0.4 if facts.bypassed else 1.0)
            painter.drawRoundedRect(QRectF(left, rect.top() + 5, _STRIPE, rect.height() - 10), 2.0, 2.0)
            painter.setOpacity(1.0)
        left += _STRIPE + 6
        if icon is not None:
            size = max(_ICON, round(QFontMetrics(themes.font(13)).height() * 0.85))
            icon.paint(painter, QRect(left, rect.center().y() - size // 2 + 1, size, size))
            left += size + 5
        painter.setPen(colours.text_muted if facts.bypassed or not facts.family else colours.text)
        left = self._say(painter, rect, left, facts.title, 13, 600 if facts.count else 500)
        painter.setPen(colours.text_muted)
        state = "bypassed" if facts.bypassed else "frozen" if facts.frozen else ""
        quiet = " · ".join(part for part in (facts.name, facts.count, state) if part)
        self._say(painter, rect, left, quiet, 12, 400)

    @staticmethod
    def _say(painter: QPainter, rect: QRect, left: int, text: str, size: int, weight: int) -> int:
        """Write as much as fits; where the next word begins."""
        room = rect.right() - 2 - left
        if not text or room < 12:
            return left
        words, wide, font = _set(text, size, weight, room, themes.text_scale())
        _write(painter, words, font, rect, left)
        return left + wide + 7


@lru_cache(2048)
def _set(text: str, size: int, weight: int, room: int, scale: float) -> tuple[QStaticText, int, QFont]:
    """As much of a text as fits, its width and its font; ``scale`` is that of all letters, which the font follows."""
    font = themes.font(size, weight)
    metrics = QFontMetrics(font)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
    words = QStaticText(shown)
    words.setTextFormat(Qt.TextFormat.PlainText)
    words.prepare(QTransform(), font)
    return words, metrics.horizontalAdvance(shown), font


def _write(painter: QPainter, words: QStaticText, font: QFont, rect: QRect, left: int) -> None:
    """Write words in the middle of the height of a cell."""
    painter.setFont(font)
    painter.drawStaticText(left, rect.top() + round((rect.height() - words.size().height()) / 2), words)


class OutlineTree(QTreeView):
    """The rows and their keys.

    Signals:
        show_requested: Enter or a double click: the id of a row whose card is to be shown.
        connect_requested: A wire is to begin at the current row.
        removal_requested: The chosen rows are to go.
        left: The keyboard wants back to the canvas.
        message: A sentence for the status line.
    """

    show_requested = Signal(str)
    connect_requested = Signal()
    removal_requested = Signal()
    left = Signal()
    message = Signal(str)

    def __init__(self, model: OutlineModel) -> None:
        super().__init__()
        self._rows = model
        #: Actions of the canvas that rows offer too, by name: what they are called and their keys.
        self.offered: Mapping[str, Action] = {}
        self._typed, self._typed_at = "", 0.0
        self.setModel(model)
        self.setItemDelegate(_Rows(model, self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setExpandsOnDoubleClick(False)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Layers as the data flows")
        self.viewport().setAutoFillBackground(False)
        self.doubleClicked.connect(lambda index: self.show_requested.emit(model.item(index)))
        self.restyle()
        follow(themes.notifier.changed, self.restyle)

    @property
    def current(self) -> str:
        """The id of the row that the keyboard is in; empty for none."""
        return self._rows.item(self.currentIndex())

    @property
    def chosen(self) -> list[str]:
        """Ids of the selected rows from top to bottom, the current one last; the current one alone where none is."""
        indexes = sorted(self.selectionModel().selectedRows(), key=self._place)
        items, current = [self._rows.item(index) for index in indexes], self.current
        if current in items or not items:
            items = [item for item in items if item != current] + [current] * bool(current)
        return items

    def _place(self, index: QModelIndex) -> list[int]:
        """Rows from the top down to an index."""
        way: list[int] = []
        while index.isValid():
            way.append(index.row())
            index = index.parent()
        return way[::-1]

    def choose(self, items: Sequence[str]) -> None:
        """Select these rows and nothing else; the last of them becomes the current one and comes into sight."""
        flags = QItemSelectionModel.SelectionFlag
        self.selectionModel().select(self._rows.selection(items), flags.ClearAndSelect)
        last = self._rows.index_of(items[-1]) if items else QModelIndex()
        if last.isValid() and last != self.currentIndex().siblingAtColumn(0):
            self.selectionModel().setCurrentIndex(last, flags.NoUpdate)

    def go_to(self, item: str) -> None:
        """Make a row the current and only chosen one, whatever keys are held."""
        flags = QItemSelectionModel.SelectionFlag
        self.selectionModel().setCurrentIndex(self._rows.index_of(item), flags.ClearAndSelect | flags.Rows)

    def rename_current(self) -> None:
        """Edit the title of the current row in its place."""
        note = self._rows.graph.notes.get(self.current)
        if note is not None and "\n" in note.text:
            self.message.emit("This note has several lines: Enter shows it on the canvas, where it can be written.")
        elif self.current:
            self.edit(self.currentIndex().siblingAtColumn(Column.LAYER))

    def restyle(self) -> None:
        """Take the letters of the theme, and the widths that they need."""
        header = self.header()
        set_font(header, 12)
        header.setStretchLastSection(False)
        header.setSectionsMovable(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(Column.LAYER, QHeaderView.ResizeMode.Stretch)
        metrics = QFontMetrics(themes.font(12))
        header.resizeSection(Column.OUTPUT, metrics.horizontalAdvance("512×28×28") + 16)
        header.resizeSection(Column.PARAMETERS, metrics.horizontalAdvance("Parameters") + 18)
        # In large letters the names would have no room beside them.
        header.setSectionHidden(Column.PARAMETERS, themes.text_scale() > 1.0)
        self.setIndentation(round(15 * themes.text_scale()))
        self.doItemsLayout()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The keys of this list first; arrows, Home, End and letters as in any."""
        key, held = event.key(), event.modifiers()
        plain = not held & ~_PLAIN_KEYS
        if plain and key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            if self.current:
                self.show_requested.emit(self.current)
        elif plain and key in {Qt.Key.Key_Delete, Qt.Key.Key_Backspace}:
            self.removal_requested.emit()
        elif plain and key == Qt.Key.Key_F2:
            self.rename_current()
        elif plain and key == Qt.Key.Key_Escape:
            self.left.emit()
        elif key == Qt.Key.Key_C and held == Qt.KeyboardModifier.NoModifier and not self._searching:
            self.connect_requested.emit()
        else:
            super().keyPressEvent(event)
            return
        event.accept()

    @property
    def _searching(self) -> bool:
        """Whether letters go on with a word that has been begun."""
        return bool(self._typed) and 1000 * (time.monotonic() - self._typed_at) < QApplication.keyboardInputInterval()

    def keyboardSearch(self, search: str) -> None:  # noqa: N802 (Qt's own name)
        """Go to the next row whose title or id begins with what is typed, also inside rows that are closed."""
        going_on = self._searching
        self._typed = (self._typed if going_on else "") + search.casefold()
        self._typed_at = time.monotonic()
        wanted = self._typed
        if len(set(wanted)) == 1:  # The same letter again and again goes through all that begin with it.
            wanted, going_on = wanted[0], False
        items = list(self._rows.items())
        start = items.index(self.current) + (not going_on) if self.current in items else 0
        for item in items[start:] + items[:start]:
            facts = self._rows.words.facts(item)
            if any(name.casefold().startswith(wanted) for name in (facts.title, facts.name) if name):
                self.go_to(item)
                return

    @guarded
    def drawRow(  # noqa: N802 (Qt's own name)
        self, painter: QPainter, option: QStyleOptionViewItem, index: _Index
    ) -> None:
        """A row, with a frame around the one that the keyboard is in."""
        super().drawRow(painter, option, index)
        if self.hasFocus() and index.row() == self.currentIndex().row() and self._rows.item(index) == self.current:
            with Saved(painter):
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(QPen(themes.current().accent, 1.2))
                painter.drawRoundedRect(QRectF(option.rect).adjusted(0.8, 0.8, -0.8, -0.8), 4.0, 4.0)

    def _entry(self, name: str) -> str:
        offer = self.offered.get(name)
        return offer.entry() if offer is not None else name.capitalize()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be done with the chosen rows."""
        menu = QMenu(self)
        menu.setAccessibleName("What can be done with the chosen rows")
        for words, slot in (
            ("Show on the canvas\tEnter", lambda: self.show_requested.emit(self.current)),
            (self._entry("connect"), self.connect_requested.emit),
            (self._entry("rename"), self.rename_current),
            (self._entry("delete"), self.removal_requested.emit),
        ):
            action = menu.addAction(words)
            action.triggered.connect(lambda _checked=False, slot=slot: slot())
            action.setEnabled(bool(self.current))
        menu.addSeparator()
        menu.addActions(self.actions())
        menu.aboutToHide.connect(menu.deleteLater)
        place = self.visualRect(self.currentIndex()).center()
        by_key = event.reason() is QContextMenuEvent.Reason.Keyboard
        menu.popup(self.viewport().mapToGlobal(place) if by_key else event.globalPos())
        event.accept()
