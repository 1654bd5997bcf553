"""A glass over a widget holds it however long it stands there."""

from __future__ import annotations

import shiboken6
from PySide6.QtWidgets import QLabel, QWidget
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
