"""The shortcut sheet: every key on one page, to be read from the back of a hall (F1, Ctrl+/)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nnviz.gui.look import icons, theme
from nnviz.gui.look.painting import guarded
from nnviz.gui.parts import keycaps, matching
from nnviz.gui.parts.key_use import KeyUse
from nnviz.gui.parts.overlay import Overlay
from nnviz.gui.window.shortcut_table import ShortcutGroup

#: A column is about this wide at the usual text scale; so many of them at most.
_COLUMN, _MOST_COLUMNS = 400, 3
#: What a heading is worth in rows.
_HEADING = 1.9
_MOST_KEYS = 2


class ShortcutRow(QWidget):
    """What a key does, and the key at the right."""

    def __init__(self, use: KeyUse, parent: QWidget) -> None:
        super().__init__(parent)
        self.use = use
        self._keys = use.shown[:_MOST_KEYS]
        self.setAccessibleName(f"{use.words}: {' or '.join(use.shown)}")
        self.setToolTip("" if len(use.shown) <= _MOST_KEYS else ", ".join(use.shown))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(round(1.8 * QFontMetricsF(theme.overlay_font(14)).height()))

    def minimumSizeHint(self) -> QSize:
        """Words may be cut, keys may not."""
        return QSize(round(keycaps.width(self._keys, theme.overlay_font(13))) + 80, self.height())

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Words at the left, keys at the right, a faint line below."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.mixed(colours.panel, colours.border, 0.7))
        painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)
        small = theme.overlay_font(13)
        keycaps.paint(painter, self.width() - 1.0, self.height() / 2, self._keys, small)
        font = theme.overlay_font(14)
        room = QRectF(0.0, 0.0, self.width() - keycaps.width(self._keys, small) - 12.0, self.height() - 1.0)
        painter.setFont(font)
        painter.setPen(colours.text)
        words = QFontMetricsF(font).elidedText(self.use.words, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, words)


class ShortcutSheet(Overlay):
    """Fills the window with all keys; a few letters show only what they fit.

    Args:
        window: What it covers.
        groups: Asked for what it shows, each time it opens.
    """

    def __init__(self, window: QWidget, groups: Callable[[], Sequence[ShortcutGroup]]) -> None:
        super().__init__(window, "Keyboard shortcuts")
        self._source = groups
        self._groups: Sequence[ShortcutGroup] = ()
        self._columns = 0
        self._title = QLabel("Keyboard shortcuts", self.card)
        self.search = QLineEdit(self.card)
        self.search.setPlaceholderText("Filter by words or keys")
        self.search.setAccessibleName("Filter the shortcuts")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(lambda _text: self._fill())
        self._close = close = QToolButton(self.card)
        close.setProperty("role", "flat")
        close.setToolTip("Close (Esc)")
        close.setAccessibleName("Close")
        icons.bind(close, "close", "text_muted")
        close.clicked.connect(self.dismiss)
        self._area = QScrollArea(self.card)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QVBoxLayout(self.card)
        column.setContentsMargins(24, 18, 14, 14)
        column.setSpacing(8)
        head = QHBoxLayout()
        head.addWidget(self._title)
        head.addStretch(1)
        head.addWidget(self.search)
        head.addWidget(close)
        column.addLayout(head)
        column.addWidget(self._area, 1)

    def open(self) -> None:
        """Ask for the keys, and show them."""
        self._groups = self._source()
        self.search.clear()
        super().open()
        self._fill()

    def place(self, room: QRect) -> QRect:
        """Nearly the whole window."""
        width = min(room.width() - 40, round(1460 * max(1.0, theme.overlay_scale())))
        card = QRect((room.width() - width) // 2, 24, width, room.height() - 48)
        if self.isVisible() and self._wanted_columns(card) != self._columns:
            self._fill(card)
        return card

    def first_field(self) -> QWidget:
        """The filter."""
        return self.search

    def restyle(self) -> None:
        """Fonts follow the text scale, and with them the columns."""
        self._title.setFont(theme.overlay_font(20, 700))
        self.search.setFont(theme.overlay_font(14))
        side = round(16 * max(1.0, theme.overlay_scale()))
        self._close.setIconSize(QSize(side, side))
        self.search.setFixedWidth(round(260 * max(1.0, 0.7 * theme.overlay_scale())))
        if self.isVisible():
            self._fill()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that the filter does not need turn the page."""
        bar = self._area.verticalScrollBar()
        moves = {
            Qt.Key.Key_Down: bar.singleStep(), Qt.Key.Key_Up: -bar.singleStep(),
            Qt.Key.Key_PageDown: bar.pageStep(), Qt.Key.Key_PageUp: -bar.pageStep(),
        }  # fmt: skip
        if event.key() in moves:
            event.accept()
            bar.setValue(bar.value() + moves[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def rows(self) -> list[ShortcutRow]:
        """What is shown now, column by column."""
        page = self._area.widget()
        return [] if page is None else page.findChildren(ShortcutRow)

    def _wanted_columns(self, card: QRect) -> int:
        return max(1, min(_MOST_COLUMNS, round(card.width() / (_COLUMN * max(1.0, theme.overlay_scale())))))

    def _fitting(self) -> list[ShortcutGroup]:
        query = self.search.text()
        if not query.strip():
            return [group for group in self._groups if group.uses]
        result = []
        for group in self._groups:
            words = [matching.Candidate(use.words, 0, " ".join((group.title, *use.shown))) for use in group.uses]
            found = matching.rank(query, words)
            if found:
                result.append(ShortcutGroup(group.title, tuple(group.uses[index] for index in sorted(found))))
        return result

    def _fill(self, card: QRect | None = None) -> None:
        """Make the page anew."""
        self._columns = self._wanted_columns(card or self.card.geometry())
        page = QWidget()
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 0, 12, 0)
        row.setSpacing(36)
        groups = self._fitting()
        if not groups:
            nothing = QLabel("No shortcut fits. Try fewer letters.", page)
            nothing.setFont(theme.overlay_font(14))
            nothing.setProperty("role", "muted")
            row.addWidget(nothing, 0, Qt.AlignmentFlag.AlignTop)
        for part in shares(groups, self._columns):
            column = QVBoxLayout()
            column.setSpacing(0)
            for group in part:
                heading = QLabel(group.title.upper(), page)
                font = theme.overlay_font(13, 700)
                font.setLetterSpacing(font.SpacingType.AbsoluteSpacing, 0.6)
                heading.setFont(font)
                heading.setObjectName("ShortcutHeading")
                heading.setContentsMargins(0, 14 if column.count() else 0, 0, 4)
                column.addWidget(heading)
                for use in group.uses:
                    column.addWidget(ShortcutRow(use, page))
            column.addStretch(1)
            row.addLayout(column, 1)
        self._area.setWidget(page)


def shares(groups: Sequence[ShortcutGroup], count: int) -> list[Sequence[ShortcutGroup]]:
    """Groups in their order, over so many columns that the longest is as short as it can be."""
    count = max(1, min(count, len(groups)))
    lengths = [len(group.uses) + _HEADING for group in groups]
    cuts = min(
        combinations(range(1, len(groups)), count - 1),
        key=lambda at: max(sum(lengths[a:b]) for a, b in zip((0, *at), (*at, len(groups)), strict=True)),
        default=(),
    )
    return [groups[a:b] for a, b in zip((0, *cuts), (*cuts, len(groups)), strict=True)]
