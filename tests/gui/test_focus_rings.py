"""Whoever goes through the window by Tab sees where the keyboard is."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QScrollArea, QWidget
from pytestqt.qtbot import QtBot
from test_theme import contrast
from window_kit import TIMEOUT, OpenWindow

from nnviz.gui.look import theme
from nnviz.gui.window.window import MainWindow

#: Pixels of a ring that stand out, at least: the smallest is that around the handle of the timeline.
_RING = 20


def picture(window: MainWindow, widget: QWidget) -> QImage:
    place = QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())
    return window.grab(place.adjusted(-4, -4, 4, 4)).toImage()


def ring(window: MainWindow, widget: QWidget) -> int:
    """How many pixels have a contrast of 3 with what is there without the keyboard."""
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    focused = picture(window, widget)
    widget.clearFocus()
    usual = picture(window, widget)
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    return sum(
        focused.pixel(x, y) != usual.pixel(x, y) and contrast(focused.pixelColor(x, y), usual.pixelColor(x, y)) >= 3
        for x in range(focused.width())
        for y in range(focused.height())
    )


@pytest.mark.parametrize("colours", ["dark", "light"])
def test_everything_in_the_bars_and_the_inspector_shows_the_keyboard(
    qtbot: QtBot, open_window: OpenWindow, colours: str
) -> None:
    window = open_window("digits-cnn")
    theme.set_theme(colours)
    window.canvas.select(["conv2"])
    inspector = window.inspector
    assert inspector is not None
    qtbot.waitUntil(lambda: bool(inspector.layer.form.findChildren(QWidget)), timeout=TIMEOUT)
    regions = (window.top_bar, window.timeline, inspector)
    window.activateWindow()
    window.top_bar._title.setFocus(Qt.FocusReason.TabFocusReason)
    seen: list[QWidget] = []
    while (widget := window.focusWidget()) is not None and widget not in seen and len(seen) < 100:
        seen.append(widget)
        if any(region.isAncestorOf(widget) for region in regions):
            assert ring(window, widget) >= _RING, (type(widget).__name__, widget.accessibleName())
        QTest.keyClick(widget, Qt.Key.Key_Tab)
    for region in regions:
        assert any(region.isAncestorOf(widget) for widget in seen)
    assert any(isinstance(widget, QScrollArea) for widget in seen)
