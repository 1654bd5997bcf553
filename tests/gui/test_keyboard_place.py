"""The keyboard is never left in a field that nobody chose: a button or link that vanishes hands it to the canvas."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

from nnviz.gui.window.notices import Button
from nnviz.gui.window.window import MainWindow
from nnviz.project.graph_edits import Disconnect


def search_of(window: MainWindow) -> QLineEdit:
    found = window.palette_panel.findChild(QLineEdit)
    assert found is not None
    return found


def test_a_pressed_cure_that_vanishes_leaves_the_keyboard_on_the_canvas(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    window.apply(Disconnect(window.document.project.graph.edges[0]))
    window.action("problems").trigger()
    assert window.docks is not None
    panel = window.docks.panels["problems"]
    qtbot.waitUntil(lambda: bool(panel.cards), timeout=TIMEOUT)  # type: ignore[attr-defined]  # the panel of problems
    while panel.cards:  # type: ignore[attr-defined]
        button = panel.cards[0].findChildren(QPushButton)[0]  # type: ignore[attr-defined]
        button.setFocus(Qt.FocusReason.TabFocusReason)
        QTest.keyClick(button, Qt.Key.Key_Space)
        QApplication.processEvents()
    qtbot.waitUntil(lambda: window.focusWidget() is window.canvas, timeout=TIMEOUT)
    QTest.keyClick(window.focusWidget(), Qt.Key.Key_Space)
    assert search_of(window).text() == ""


def test_whatever_vanishes_hands_the_keyboard_to_the_canvas(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    assert window.docks is not None
    panel = window.docks.panels["findings"]
    for how in ("hidden", "deleted", "disabled", "its panel is closed"):
        link = QPushButton("Try 0.1", panel)
        link.show()
        link.setFocus(Qt.FocusReason.TabFocusReason)
        assert window.focusWidget() is link, how
        if how == "hidden":
            link.hide()
        elif how == "deleted":
            link.hide()
            link.deleteLater()
        elif how == "disabled":
            link.setEnabled(False)
        else:
            window.docks.docks["findings"].close()
        qtbot.waitUntil(lambda: window.focusWidget() is window.canvas, timeout=TIMEOUT)


def test_a_notice_that_is_answered_hands_the_keyboard_to_the_canvas(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    done: list[bool] = []
    window.notices.show_notice("test", "Shall it be done?", "warning", [Button("Do it", lambda: done.append(True))])
    qtbot.waitUntil(lambda: window.notices.notice("test") is not None, timeout=TIMEOUT)
    button = window.notices.notice("test").buttons[0]
    button.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(button, Qt.Key.Key_Space)
    window.notices.dismiss("test")
    qtbot.waitUntil(lambda: window.focusWidget() is window.canvas, timeout=TIMEOUT)
    assert done == [True]


def test_a_hidden_palette_gives_the_keyboard_back(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    window.action("find_layer").trigger()
    assert window.focusWidget() is search_of(window)
    window.action("show_palette").trigger()
    qtbot.waitUntil(lambda: window.focusWidget() is window.canvas, timeout=TIMEOUT)
