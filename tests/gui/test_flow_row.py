"""Buttons that flow like words: each keeps its size, in as many rows as the width asks for."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication, QHBoxLayout, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from nnviz.gui.parts.flow_row import FlowRow


def test_what_grows_or_is_shown_later_gets_its_room(qtbot: QtBot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    row = FlowRow(page)
    buttons = [QPushButton("1"), QPushButton("2"), QPushButton("3")]
    for button in buttons:
        group = QWidget(row)
        inside = QHBoxLayout(group)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(button)
        row.add(group)
    below = QVBoxLayout(page)
    below.addWidget(row)
    below.addStretch(1)
    buttons[1].hide()
    page.resize(400, 300)
    page.show()
    qtbot.waitExposed(page)

    def whole() -> bool:
        QApplication.processEvents()
        places = [button.parentWidget().geometry() for button in buttons]
        apart = not any(one.intersects(two) for at, one in enumerate(places) for two in places[:at])
        shown = all(button.width() >= button.sizeHint().width() for button in buttons)
        return apart and shown and row.rect().contains(places[0] | places[1] | places[2])

    buttons[1].show()
    qtbot.waitUntil(whole, timeout=5000)
    buttons[0].setText("a title that is longer than the others")
    qtbot.waitUntil(whole, timeout=5000)
    # Also what changes while nobody sees it.
    page.hide()
    buttons[2].setText("another title that needs a row")
    page.show()
    qtbot.waitUntil(whole, timeout=5000)
