"""How the rows of the command palette are drawn: sign, title with the letters that fit, category, shortcut."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from nnviz.gui.look import icons, theme
from nnviz.gui.look.painting import Saved, answering, guarded
from nnviz.gui.parts import keycaps
from nnviz.gui.window.command_entries import Entry

#: Roles of the model: the entry, and the places of the letters in its title that fit.
ENTRY, FITTING = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
_ROW = 34
_LEFT, _GAP = 10.0, 12.0


def row_height() -> int:
    """Of one row, in pixels, as the text scale asks."""
    return round(_ROW * max(1.0, 0.8 * theme.overlay_scale()))


class RowPainter(QStyledItemDelegate):
    """Draws one entry a row."""

    @answering(QSize)
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """All rows are alike."""
        return QSize(10, row_height())

    @guarded
    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draw one row."""
        entry = index.data(ENTRY)
        if not isinstance(entry, Entry):
            return
        colours = theme.current()
        rect = QRectF(option.rect)
        with Saved(painter):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            chosen = bool(option.state & QStyle.StateFlag.State_Selected)
            if chosen or option.state & QStyle.StateFlag.State_MouseOver:
                tone, share = (colours.accent, 0.26) if chosen else (colours.text, 0.07)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme.mixed(colours.panel, tone, share))
                painter.drawRoundedRect(rect.adjusted(0.0, 1.0, 0.0, -1.0), 6.0, 6.0)
            side = round(rect.height() * 0.47)
            self._sign(painter, entry, QRectF(rect.left() + _LEFT, rect.center().y() - side / 2 + 0.5, side, side))
            right = self._right(painter, entry, rect)
            left = rect.left() + _LEFT + side + _GAP
            self._title(painter, entry, index.data(FITTING), QRectF(left, rect.top(), right - left, rect.height()))

    def _sign(self, painter: QPainter, entry: Entry, place: QRectF) -> None:
        colours = theme.current()
        if entry.family:
            dot = place.width() * 0.6
            middle = place.center()
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.family(entry.family))
            painter.drawRoundedRect(QRectF(middle.x() - dot / 2, middle.y() - dot / 2, dot, dot), 2.5, 2.5)
            return
        name = "check" if entry.checked else entry.icon
        if name:
            colour = colours.accent if entry.checked else colours.text_muted if entry.enabled else colours.text_faint
            icons.icon(name, QColor(colour)).paint(painter, place.toAlignedRect())

    def _right(self, painter: QPainter, entry: Entry, rect: QRectF) -> float:
        """Shortcut and category; where they begin."""
        colours = theme.current()
        font = theme.overlay_font(12)
        right = rect.right() - _LEFT
        if entry.shortcut:
            keycaps.paint(painter, right, rect.center().y() + 0.5, [entry.shortcut], font)
            right -= keycaps.width([entry.shortcut], font) + _GAP
        painter.setFont(font)
        painter.setPen(colours.text_muted if entry.enabled else colours.text_faint)
        width = QFontMetricsF(font).horizontalAdvance(entry.category)
        painter.drawText(
            QRectF(right - width - 1.0, rect.top(), width + 1.0, rect.height()),
            Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight,
            entry.category,
        )
        return right - width - _GAP

    def _title(self, painter: QPainter, entry: Entry, fitting: AbstractSet[int], room: QRectF) -> None:
        """The title, letters that fit in the accent; behind it, why it cannot be done."""
        colours = theme.current()
        usual, strong = theme.overlay_font(14), theme.overlay_font(14, 700)
        plain = colours.text if entry.enabled else colours.text_faint
        title = QFontMetricsF(strong).elidedText(entry.title, Qt.TextElideMode.ElideRight, room.width())
        kept = len(title) if title == entry.title else len(title) - 1
        x, at = room.left(), 0
        while at < len(title):
            fits = at in fitting and at < kept
            end = at + 1
            while end < len(title) and (end in fitting and end < kept) == fits:
                end += 1
            run = title[at:end]
            font = strong if fits else usual
            painter.setFont(font)
            painter.setPen(colours.accent if fits and entry.enabled else plain)
            width = QFontMetricsF(font).horizontalAdvance(run)
            painter.drawText(QRectF(x, room.top(), width + 2.0, room.height()), Qt.AlignmentFlag.AlignVCenter, run)
            x += width
            at = end
        if entry.reason.strip():
            left = x + _GAP
            font = theme.overlay_font(12)
            reason = QFontMetricsF(font).elidedText(entry.reason, Qt.TextElideMode.ElideRight, room.right() - left)
            painter.setFont(font)
            painter.setPen(colours.text_muted)
            painter.drawText(
                QRectF(left, room.top(), max(0.0, room.right() - left), room.height()),
                Qt.AlignmentFlag.AlignVCenter,
                reason,
            )
