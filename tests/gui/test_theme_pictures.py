"""After a change of the theme everything looks as in a window that was opened in that theme, to the pixel."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

from nnviz.gui.look import theme
from nnviz.gui.window.window import MainWindow

TABS = ("layer", "training", "explain")
#: Instruments that draw in different ways: curves, bars, pictures, rows, tables, ink, words.
DOCKS = ("loss", "dead_units", "findings", "filters", "activations", "outline", "runs", "sweep", "explain", "own_input")


def opened(qtbot: QtBot, open_window: OpenWindow) -> MainWindow:
    """A window with a selection in which these instruments and tabs have been seen."""
    window = open_window("digits-cnn")
    window.training.expected.stop()
    window.canvas.select(["conv1"])
    assert window.docks is not None and window.inspector is not None
    for tab in TABS:
        window.inspector.show_tab(tab)
    for key in DOCKS:
        window.docks.show_panel(key)
        QApplication.processEvents()
    for width in (1200, 1280):  # what wraps is laid out anew, whatever was seen before
        window.resize(width, 800)
        for tab in TABS:
            window.inspector.show_tab(tab)
            qtbot.wait(20)
    position = window.bridge.position
    qtbot.waitUntil(lambda: position is None or window.bridge.position.activity != "measuring", timeout=TIMEOUT)
    return window


def picture(widget: QWidget) -> np.ndarray:
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return pixels[:, : image.width(), :3].copy()


def pictures(qtbot: QtBot, window: MainWindow) -> dict[str, np.ndarray]:
    """Of every part of the window, each brought to the front for it."""
    assert window.docks is not None and window.inspector is not None
    window.feed.refresh()
    found: dict[str, np.ndarray] = {}
    for one in (window.timeline._memory, window.timeline._cost, window.top_bar._speed, window.top_bar._eta):
        one.hide()  # figures that count by themselves
    for name, widget in (
        ("menus", window.menu_bar), ("bar", window.top_bar), ("palette", window.palette_panel),
        ("canvas", window.canvas), ("timeline", window.timeline),
    ):  # fmt: skip
        if widget.width() and widget.height():  # the outline gets the room of the palette
            found[name] = picture(widget)
    for tab in TABS:
        window.inspector.show_tab(tab)
        qtbot.wait(30)
        found[tab] = picture(window.inspector)
    for key in DOCKS:
        window.docks.show_panel(key)
        window.docks.panels[key].redraw()
        for _ in range(3):
            QApplication.processEvents()
        found[f"dock {key}"] = picture(window.docks.docks[key])
    return found


def test_a_changed_theme_looks_like_one_that_was_there_from_the_start(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = opened(qtbot, open_window)
    theme.set_theme("light")
    for _ in range(3):  # what takes another size with it is laid out
        QApplication.processEvents()
    changed = pictures(qtbot, window)
    window.hide()
    fresh = pictures(qtbot, opened(qtbot, open_window))
    assert changed.keys() == fresh.keys()
    different = {
        name: int((one != fresh[name]).any(axis=2).sum()) if one.shape == fresh[name].shape else one.shape
        for name, one in changed.items()
        if one.shape != fresh[name].shape or (one != fresh[name]).any()
    }
    assert not different
