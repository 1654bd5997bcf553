"""A glass over a widget holds it however long it stands there."""

from __future__ import annotations

import shiboken6
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from nnviz.gui.lecture.magnifier import Magnifier


def test_the_glass_still_knows_its_widget_when_pyside_forgets_the_proxy(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    glass = Magnifier(window)
    first, second = QLabel("first"), QLabel("second")
    glass.show_widget(first)
    proxy = first.graphicsProxyWidget()
    assert proxy is not None and glass.widget is first
    shiboken6.invalidate(proxy)  # type: ignore[attr-defined]  # as PySide does now and then, by itself
    assert glass.widget is first
    glass.resize(300, 200)
    glass.show_widget(second)
    assert glass.widget is second and first.graphicsProxyWidget() is None and shiboken6.isValid(first)
    glass.show_widget(None)
    assert glass.widget is None and second.graphicsProxyWidget() is None and not glass.scene().items()
    first.deleteLater()
    second.deleteLater()


def test_what_stands_under_the_glass_may_end_itself_by_a_click(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    glass = Magnifier(window)
    glass.resize(300, 200)
    glass.set_glass(2.0)

    def fresh() -> QPushButton:
        button = QPushButton("go")
        button.clicked.connect(end)
        glass.show_widget(button)
        return button

    def end() -> None:
        glass.end_widget()
        buttons.append(fresh())

    buttons: list[QPushButton] = []
    buttons.append(fresh())
    window.show()
    for count in range(1, 6):  # deleted at once, it took the process with it
        qtbot.mouseMove(glass.viewport(), QPoint(100, 80))
        qtbot.mouseClick(glass.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(100, 80))
        assert len(buttons) == count + 1 and glass.widget is buttons[-1]
        qtbot.waitUntil(lambda: not shiboken6.isValid(buttons[-2]))
    assert len(glass.scene().items()) == 1
