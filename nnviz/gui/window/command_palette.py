"""The command palette: one search field over everything that can be done (Ctrl+K)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHBoxLayout, QLabel, QLineEdit, QListView, QVBoxLayout, QWidget

from nnviz.gui.look import theme
from nnviz.gui.look.painting import answering
from nnviz.gui.parts import matching
from nnviz.gui.parts.overlay import Overlay
from nnviz.gui.parts.settings import Settings
from nnviz.gui.window.command_entries import Entry
from nnviz.gui.window.command_rows import ENTRY, FITTING, RowPainter, row_height

_MOST_ROWS = 12
_WIDTH = 720
_MARGIN = 8


class Results(QAbstractListModel):
    """The entries that fit what was typed, the best first."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._entries: Sequence[Entry] = ()
        self._candidates: list[matching.Candidate] = []
        self._recent: dict[int, int] = {}
        self._rows: list[int] = []
        self._query = ""

    def set_entries(self, entries: Sequence[Entry], recent: Sequence[str]) -> None:
        """Search these from now on; ``recent`` are the keys used last, the newest first."""
        self._entries = entries
        self._candidates = [matching.Candidate(entry.title, entry.lead, entry.keywords) for entry in entries]
        ages = {key: age for age, key in reversed(list(enumerate(recent)))}
        self._recent = {index: ages[entry.key] for index, entry in enumerate(entries) if entry.key in ages}
        self._query = ""
        self.search("")

    def search(self, query: str) -> None:
        """Show what fits."""
        # Who types on narrows what there is; a query of signs alone found nothing and says nothing.
        narrower = query.startswith(self._query) and any(letter.isalnum() for letter in self._query)
        self.beginResetModel()
        self._rows = matching.rank(query, self._candidates, self._recent, self._rows if narrower else None)
        self._query = query
        self.endResetModel()

    def entry(self, row: int) -> Entry | None:
        """What stands in a row."""
        return self._entries[self._rows[row]] if 0 <= row < len(self._rows) else None

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008 - as in Qt
        """How many fit."""
        return 0 if parent.isValid() else len(self._rows)

    @answering(lambda: None)
    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A row's entry and how it is shown and read out."""
        entry = self.entry(index.row())
        if entry is None:
            return None
        if role == ENTRY:
            return entry
        if role == FITTING:
            return matching.matched(self._query, self._candidates[self._rows[index.row()]])
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return spoken(entry)
        return None


def spoken(entry: Entry) -> str:
    """An entry for those who listen."""
    state = "" if entry.enabled else f"not available{': ' if entry.reason.strip() else ''}{entry.reason.strip()}"
    return ", ".join(part for part in (entry.title, entry.category, entry.shortcut, state) if part)


class _SearchLine(QLineEdit):
    """A field whose keys for going up and down belong to the list below it."""

    stepped = Signal(int)
    paged = Signal(int)
    accepted = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Rows first, then the text."""
        key, pages = event.key(), {Qt.Key.Key_PageDown: 1, Qt.Key.Key_PageUp: -1}
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
        if key in steps:
            self.stepped.emit(steps[Qt.Key(key)])
        elif key in pages:
            self.paged.emit(pages[Qt.Key(key)])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.accepted.emit()
        else:
            super().keyPressEvent(event)


class CommandPalette(Overlay):
    """Opens over the top of the window; what is chosen is done after it has gone.

    Args:
        window: What it covers.
        entries: Asked for everything that can be found, each time it opens.
        settings: Remembers what was used.
        say: Called with why something cannot be done.
    """

    def __init__(
        self, window: QWidget, entries: Callable[[], Sequence[Entry]], settings: Settings, say: Callable[[str], object]
    ) -> None:
        super().__init__(window, "Command palette")
        self._source = entries
        self._settings = settings
        self._say = say
        self.results = Results(self)
        self.search = _SearchLine(self.card)
        self.search.setPlaceholderText("Find an action, layer, sample, data set, panel or card")
        self.search.setAccessibleName("Find a command")
        self.search.textChanged.connect(self._on_typed)
        self.search.stepped.connect(self._step)
        self.search.paged.connect(self._page)
        self.search.accepted.connect(self._accept)
        self.list = QListView(self.card)
        self.list.setModel(self.results)
        self.list.setItemDelegate(RowPainter(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName("Commands that fit")
        self.list.clicked.connect(lambda index: self._run(index.row()))
        self._hint = QLabel("↑ ↓ choose    Enter do it    Esc close", self.card)
        self._count = QLabel(self.card)
        for label in (self._hint, self._count):
            label.setProperty("role", "muted")
        column = QVBoxLayout(self.card)
        column.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, 6)
        column.setSpacing(6)
        column.addWidget(self.search)
        column.addWidget(self.list, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(6, 0, 6, 0)
        foot.addWidget(self._hint)
        foot.addStretch(1)
        foot.addWidget(self._count)
        column.addLayout(foot)

    @property
    def current(self) -> Entry | None:
        """What Enter would do."""
        return self.results.entry(self.list.currentIndex().row())

    def open(self) -> None:
        """Ask what there is, and show it."""
        self.results.set_entries(self._source(), self._settings.recent_commands)
        self.search.clear()
        self._show_results()
        super().open()

    def place(self, room: QRect) -> QRect:
        """At the top in the middle, as high as its rows at most."""
        scale = theme.overlay_scale()
        width = min(room.width() - 48, round(_WIDTH * max(1.0, 0.75 * scale)))
        around = self.search.sizeHint().height() + self._hint.sizeHint().height() + _MARGIN + 6 + 2 * 6 + 2
        top = min(64, room.height() // 12)
        rows = max(3, min(_MOST_ROWS, (room.height() - 2 * top - around) // row_height()))
        rows = min(rows, max(1, self.results.rowCount()))
        height = around + rows * row_height()
        return QRect((room.width() - width) // 2, top, width, height)

    def first_field(self) -> QWidget:
        """Where one types."""
        return self.search

    def restyle(self) -> None:
        """Fonts follow the text scale."""
        self.search.setFont(theme.overlay_font(16))
        for label in (self._hint, self._count):
            label.setFont(theme.overlay_font(12))
        self.list.doItemsLayout()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes down the list."""
        self._step(1 if forward else -1)
        return True

    def _on_typed(self, text: str) -> None:
        self.results.search(text)
        self._show_results()

    def _show_results(self) -> None:
        count = self.results.rowCount()
        found = f"{theme.format_count(count)} found" if self.search.text().strip() else ""
        self._count.setText(found if count else "Nothing fits: try fewer letters")
        self.card.setGeometry(self.place(self.rect()))
        self._choose(0)

    def _step(self, by: int) -> None:
        """To the next row, round and round."""
        count = self.results.rowCount()
        if count:
            self._choose((self.list.currentIndex().row() + by) % count)

    def _page(self, by: int) -> None:
        rows = max(1, self.list.viewport().height() // row_height() - 1)
        last = self.results.rowCount() - 1
        self._choose(max(0, min(last, self.list.currentIndex().row() + by * rows)))

    def _choose(self, row: int) -> None:
        index = self.results.index(row, 0)
        self.list.setCurrentIndex(index)
        if index.isValid():
            self.list.scrollTo(index)
        entry = self.results.entry(row)
        self.search.setAccessibleDescription(spoken(entry) if entry is not None else "Nothing fits")
        QAccessible.updateAccessibility(QAccessibleEvent(self.search, QAccessible.Event.DescriptionChanged))

    def _accept(self) -> None:
        self._run(self.list.currentIndex().row())

    def _run(self, row: int) -> None:
        entry = self.results.entry(row)
        if entry is None:
            return
        if not entry.enabled:
            self._say(entry.reason.strip() or f"“{entry.title}” cannot be done now.")
            return
        self._settings.remember_command(entry.key)
        self.dismiss()
        entry.run()
