"""The small list at the mouse in which a layer is found by typing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from PySide6.QtCore import QMargins, QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from nnviz.gui.canvas.palette import fitting
from nnviz.gui.look import theme
from nnviz.gui.look.painting import Saved, answering, guarded
from nnviz.gui.parts.screens import fitted
from nnviz.project.checks.shapes import shape_text
from nnviz.project.checks.suggestions import Suggestion

_SUGGESTION = Qt.ItemDataRole.UserRole
_WIDTH, _MOST_ROWS = 420, 7
#: Between the mouse and the list.
_OFFSET = 10


def first_sentence(text: str) -> str:
    """The first sentence of a help text."""
    head, stop, _ = text.partition(". ")
    return f"{head}." if stop else head


class _RowPainter(QStyledItemDelegate):
    """Draws a row: colour of the family, title and shape; below them what the layer does."""

    @answering(QSize)
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """The size of a row: two lines of text."""
        return QSize(10, theme.font(13, 600).pixelSize() + theme.font(12).pixelSize() + 19)

    @guarded
    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draw one row."""
        suggestion = index.data(_SUGGESTION)
        colours, rect, state = theme.current(), QRectF(option.rect), option.state
        with Saved(painter):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            plate = rect.adjusted(2.0, 1.0, -2.0, -1.0)
            painter.setPen(Qt.PenStyle.NoPen)
            if state & QStyle.StateFlag.State_Selected:
                painter.setBrush(theme.mixed(colours.panel_raised, colours.accent, 0.28))
                painter.drawRoundedRect(plate, 5.0, 5.0)
            elif state & QStyle.StateFlag.State_MouseOver:
                painter.setBrush(theme.mixed(colours.panel_raised, colours.text, 0.07))
                painter.drawRoundedRect(plate, 5.0, 5.0)
            left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            if not isinstance(suggestion, Suggestion):
                painter.setFont(theme.font(13))
                painter.setPen(colours.text_muted)
                painter.drawText(rect.adjusted(12.0, 0.0, -8.0, 0.0), left, str(index.data()))
                return
            painter.setBrush(colours.family(suggestion.spec.family))
            painter.drawRoundedRect(QRectF(rect.left() + 9.0, rect.top() + 8.0, 4.0, rect.height() - 16.0), 2.0, 2.0)
            title_font, help_font = theme.font(13, 600), theme.font(12)
            half = rect.top() + 4.0 + title_font.pixelSize() + 5.0
            head = QRectF(rect.left() + 22.0, rect.top() + 4.0, rect.width() - 32.0, half - rect.top() - 4.0)
            foot = QRectF(head.left(), half, head.width(), rect.bottom() - half - 4.0)
            painter.setFont(title_font)
            painter.setPen(colours.text)
            painter.drawText(head, left, suggestion.title)
            painter.setFont(help_font)
            painter.setPen(colours.warning if suggestion.problem else colours.text_muted)
            painter.drawText(
                head, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, result_words(suggestion)
            )
            painter.setPen(colours.text_muted)
            words = painter.fontMetrics().elidedText(
                first_sentence(suggestion.spec.help), Qt.TextElideMode.ElideRight, int(foot.width())
            )
            painter.drawText(foot, left, words)


def result_words(suggestion: Suggestion) -> str:
    """What would come out: ``→ 32×13×13``."""
    if suggestion.problem:
        return "does not fit"
    return f"→ {shape_text(suggestion.shape)}" if suggestion.shape else ""


class _Search(QLineEdit):
    """The search field; it hands the keys that choose to the list."""

    def __init__(self, popup: QuickAddPopup) -> None:
        super().__init__(popup)
        self._popup = popup

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go through the list by arrows, take by Enter, give up by Esc."""
        if not self._popup.press(event.key()):
            super().keyPressEvent(event)


class QuickAddPopup(QFrame):
    """Offers layers, filtered by what is typed.

    Signals:
        chosen: The suggestion that was taken; the list is hidden already.
        closed: It is hidden, whatever the reason; comes before ``chosen``.
    """

    chosen = Signal(object)
    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("QuickAdd")
        self.setAccessibleName("Add a layer")
        self._suggestions: tuple[Suggestion, ...] = ()
        self._heading = QLabel(self)
        self._heading.setTextFormat(Qt.TextFormat.PlainText)
        self._search = _Search(self)
        self._search.setPlaceholderText("Type the name of a layer…")
        self._search.setAccessibleName("Search layers")
        self._list = QListWidget(self)
        self._list.setItemDelegate(_RowPainter(self._list))
        self._list.setFrameShape(QFrame.Shape.NoFrame)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setMouseTracking(True)
        self._list.setUniformItemSizes(True)
        self._list.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setAccessibleName("Layers that can be added")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self._heading)
        layout.addWidget(self._search)
        layout.addWidget(self._list, 1)
        self.setFocusProxy(self._search)
        self._search.textChanged.connect(self._filter)
        self._list.itemClicked.connect(self._take)

    @property
    def search_field(self) -> QLineEdit:
        """The search field."""
        return self._search

    @property
    def list_widget(self) -> QListWidget:
        """The list of layers."""
        return self._list

    @property
    def heading(self) -> str:
        """What will happen to the layer that is chosen."""
        return self._heading.text()

    @property
    def titles(self) -> list[str]:
        """The layers that are listed now, the likeliest first."""
        rows = (self._list.item(row) for row in range(self._list.count()))
        return [item.text() for item in rows if item.data(_SUGGESTION) is not None]

    def offer(self, heading: str, suggestions: Sequence[Suggestion], place: QPoint, within: QRect) -> None:
        """Show these layers beside a point of the screen.

        Args:
            heading: What will happen to the layer that is chosen.
            suggestions: The likeliest first.
            place: The point.
            within: The part of the screen that the list should not leave.
        """
        self._suggestions = tuple(suggestions)
        self._restyle(heading)
        self._search.clear()
        self._filter("")
        scale = min(theme.text_scale(), 1.8)
        row = self._list.sizeHintForRow(0) if self._list.count() else 0
        rows = min(_MOST_ROWS, max(3, self._list.count()))
        wide = min(round(_WIDTH * scale), within.width() - 8)
        top = self._heading.sizeHint().height() + self._search.sizeHint().height() + 30
        wanted = QRect(place + QPoint(_OFFSET, _OFFSET), QSize(wide, top + rows * row))
        self.setGeometry(fitted(wanted, within, QMargins(4, 4, 4, 4)))
        self.show()
        self._search.setFocus(Qt.FocusReason.PopupFocusReason)

    def press(self, key: int) -> bool:
        """Give a key of the search field to the list; whether the list has used it."""
        steps = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: _MOST_ROWS - 1,
            Qt.Key.Key_PageUp: 1 - _MOST_ROWS,
        }
        by = next((step for code, step in steps.items() if code == key), 0)
        if by:
            self._list.setCurrentRow(max(0, min(self._list.count() - 1, self._list.currentRow() + by)))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._take(self._list.currentItem())
        elif key == Qt.Key.Key_Escape:
            self.hide()
        else:
            return False
        return True

    def hideEvent(self, event: QHideEvent) -> None:
        """Say that the list is closed: chosen from, given up, or clicked away."""
        super().hideEvent(event)
        self.closed.emit()

    def _take(self, item: QListWidgetItem | None) -> None:
        suggestion = item.data(_SUGGESTION) if item is not None else None
        if isinstance(suggestion, Suggestion):
            self.hide()
            self.chosen.emit(suggestion)

    def _filter(self, text: str) -> None:
        """List what fits what is typed; among equals the order stays."""
        self._list.clear()
        for at in fitting([entry.spec for entry in self._suggestions], text):
            suggestion = self._suggestions[at]
            item = QListWidgetItem(suggestion.title)
            item.setData(_SUGGESTION, suggestion)
            result = suggestion.problem or (f"gives {shape_text(suggestion.shape)}" if suggestion.shape else "")
            item.setData(
                Qt.ItemDataRole.AccessibleTextRole,
                ". ".join(part for part in (suggestion.title, result, first_sentence(suggestion.spec.help)) if part),
            )
            problem = f"<p>{escape(suggestion.problem)}</p>" if suggestion.problem else ""
            item.setToolTip(f"<p><b>{escape(suggestion.title)}</b></p>{problem}<p>{escape(suggestion.spec.help)}</p>")
            self._list.addItem(item)
        if not self._list.count():
            item = QListWidgetItem("No layer of that name fits here." if self._suggestions else "No layer fits here.")
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            self._list.addItem(item)
        self._list.setCurrentRow(0)

    def _restyle(self, heading: str) -> None:
        """Take colours and fonts from the theme."""
        colours = theme.current()
        self._heading.setFont(theme.font(12))
        self._heading.setText(heading)
        self._heading.setStyleSheet(f"color: {colours.text_muted.name()}; padding-left: 3px;")
        self._search.setFont(theme.font(13))
        self.setStyleSheet(
            f"#QuickAdd {{ background: {colours.panel_raised.name()}; border: 1px solid {colours.border.name()}; }}"
            f" QListWidget {{ background: {colours.panel_raised.name()}; border: none; }}"
        )
