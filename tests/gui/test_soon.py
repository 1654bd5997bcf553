"""What is called between two events gets its values, and they go with whoever is called."""

from __future__ import annotations

import gc
import weakref

import shiboken6
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nnviz.gui.parts.soon import soon


class Taker(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.taken: list[tuple[object, ...]] = []

    def take(self, *values: object) -> None:
        self.taken.append(values)


def test_values_arrive_and_go_with_whoever_was_to_take_them(qtbot: QtBot) -> None:
    taker, value = Taker(), QObject()
    soon(taker.take, value, 1)
    soon(taker.take)
    assert not taker.taken
    QApplication.processEvents()
    assert taker.taken == [(value, 1), ()]
    taker.taken.clear()

    held = weakref.ref(value)
    soon(taker.take, value)
    shiboken6.delete(taker)  # before its turn has come, as a window that closes
    QApplication.processEvents()
    del taker, value
    gc.collect()
    assert held() is None
