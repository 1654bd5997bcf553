"""Shortcuts drawn as the keys of a keyboard."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter

from nnviz.gui.look import theme

#: Between keys pressed together, and between keys pressed one after the other.
_BETWEEN = re.compile(r"(\+(?=[^,])|, (?=.))")
_BETWEEN_KEYS = 3.0
_BETWEEN_PRESSES = 9.0
_BETWEEN_SHORTCUTS = 16.0


def keys_of(shortcut: str) -> list[str]:
    """The keys of a shortcut as it is written: ``Ctrl++`` has two."""
    return _BETWEEN.split(shortcut)[::2] if shortcut else []


def _gaps(shortcut: str) -> list[float]:
    """The room behind each of its keys but the last: those pressed one after the other stand further apart."""
    return [_BETWEEN_KEYS if sign == "+" else _BETWEEN_PRESSES for sign in _BETWEEN.split(shortcut)[1::2]]


def width(shortcuts: Sequence[str], font: QFont) -> float:
    """How wide some shortcuts are, side by side."""
    metrics = QFontMetricsF(font)
    total = 0.0
    for shortcut in shortcuts:
        keys = keys_of(shortcut)
        total += sum(_cap(key, metrics) for key in keys) + sum(_gaps(shortcut))
    return total + _BETWEEN_SHORTCUTS * max(0, len(shortcuts) - 1)


def _cap(key: str, metrics: QFontMetricsF) -> float:
    return max(metrics.horizontalAdvance(key) + 0.8 * metrics.height(), 1.35 * metrics.height())


def paint(painter: QPainter, right: float, middle: float, shortcuts: Sequence[str], font: QFont) -> None:
    """Draw shortcuts that end at ``right``, around the line ``middle``."""
    colours = theme.current()
    metrics = QFontMetricsF(font)
    height = round(1.35 * metrics.height())
    x = right - width(shortcuts, font)
    painter.setFont(font)
    for shortcut in shortcuts:
        for key, gap in zip(keys_of(shortcut), [*_gaps(shortcut), 0.0], strict=True):
            cap = QRectF(x, middle - height / 2, _cap(key, metrics), height)
            painter.setPen(colours.border)
            painter.setBrush(theme.mixed(colours.panel_raised, colours.text, 0.05))
            painter.drawRoundedRect(cap.adjusted(0.5, 0.5, -0.5, -0.5), 4.0, 4.0)
            low = cap.bottom() - 1.0
            painter.drawLine(QPointF(cap.left() + 4.0, low), QPointF(cap.right() - 4.0, low))
            painter.setPen(colours.text_muted)
            painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, key)
            x = cap.right() + gap
        x += _BETWEEN_SHORTCUTS
