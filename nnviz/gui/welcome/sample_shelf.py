"""The shelf of the welcome page: chapters of sample cards, as many side by side as there is room for."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QWidget

from nnviz.gui.welcome.page_scale import scaled, set_page_font
from nnviz.gui.welcome.sample_card import CARD_HEIGHT, CARD_WIDTH, SampleCard

_GAP = 12


class Chapter:
    """A heading and the cards below it.

    Args:
        title, note: Its heading, and what its samples have in common.
        cards: In teaching order; children of ``parent`` like the heading.
        one_row: Show only as many as stand side by side, and none in the answers of a search: they all stand in other
            chapters too.
    """

    def __init__(
        self, title: str, note: str, cards: Sequence[SampleCard], parent: QWidget, *, one_row: bool = False
    ) -> None:
        self.cards = list(cards)
        self.title = QLabel(title, parent)
        set_page_font(self.title, 16, 600)
        self.note = QLabel(note, parent)
        set_page_font(self.note, 13)
        self.note.setProperty("role", "muted")
        self.one_row = one_row


class Shelf(QWidget):
    """The chapters one below the other; as many cards side by side as there is room for."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.chapters: list[Chapter] = []
        self._words: list[str] = []
        self._nothing = QLabel("No sample has these words. Try “dropout”, “logic” or “2012”.", self)
        set_page_font(self._nothing, 14)
        self._nothing.setProperty("role", "muted")
        self._nothing.hide()

    @property
    def shown(self) -> list[SampleCard]:
        """The cards that are there, in reading order."""
        return [card for chapter in self.chapters for card in chapter.cards if not card.isHidden()]

    def filter(self, text: str) -> None:
        """Keep the cards that have all these words."""
        self._words = text.lower().split()
        self.arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width may hold another number of cards."""
        super().resizeEvent(event)
        self.arrange()

    def arrange(self) -> None:
        """Put every card into its place."""
        least, height = scaled(CARD_WIDTH), scaled(CARD_HEIGHT)
        width = max(least, self.width() - 6)
        columns = max(1, (width + _GAP) // (least + _GAP))
        each = (width - _GAP * (columns - 1)) // columns
        y = 0
        for chapter in self.chapters:
            found = [card for card in chapter.cards if card.matches(self._words)]
            if chapter.one_row:
                found = [] if self._words else found[:columns]
            chapter.title.setVisible(bool(found))
            chapter.note.setVisible(bool(found))
            for card in chapter.cards:
                card.setVisible(card in found)
            if not found:
                continue
            chapter.title.adjustSize()
            chapter.title.move(2, y)
            chapter.note.adjustSize()
            chapter.note.move(chapter.title.width() + 14, y + chapter.title.height() - chapter.note.height() - 1)
            y += chapter.title.height() + 9
            for index, card in enumerate(found):
                row, column = divmod(index, columns)
                card.setGeometry(column * (each + _GAP), y + row * (height + _GAP), each, height)
            y += -(-len(found) // columns) * (height + _GAP) + 12
        self._nothing.setVisible(y == 0)
        self._nothing.adjustSize()
        self._nothing.move(2, 24)
        self.setMinimumHeight(max(y, 80))

    def neighbour(self, card: SampleCard, key: Qt.Key) -> SampleCard | None:
        """The card that an arrow key leads to."""
        shown = self.shown
        if key in {Qt.Key.Key_Left, Qt.Key.Key_Right}:
            place = shown.index(card) + (1 if key == Qt.Key.Key_Right else -1)
            return shown[place] if 0 <= place < len(shown) else None
        down = key == Qt.Key.Key_Down
        rows = sorted({other.y() for other in shown if (other.y() > card.y()) == down and other.y() != card.y()})
        if not rows:
            return None
        row = rows[0] if down else rows[-1]
        return min((other for other in shown if other.y() == row), key=lambda other: abs(other.x() - card.x()))
