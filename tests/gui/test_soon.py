"""What is called between two events gets its values, and they go with whoever is called."""

from __future__ import annotations

import gc
import weakref

import shiboken6
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QStyleOptionViewItem
from pytestqt.qtbot import QtBot

from nnviz.data.sources.source import ColumnFacts
from nnviz.gui.inspector.columns_table import ColumnsTable
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


def test_a_list_of_uses_that_goes_before_it_could_drop_down_is_held_by_nobody(qtbot: QtBot) -> None:
    table = ColumnsTable()
    qtbot.addWidget(table)
    table.show_columns((ColumnFacts("age", "number", "input", "17 to 90"),), "classes")
    place = table.model.index(0, 1)
    delegate = table.view.itemDelegateForIndex(place)
    editor = delegate.createEditor(table.view.viewport(), QStyleOptionViewItem(), place)
    held = weakref.ref(editor)
    shiboken6.delete(editor)
    QApplication.processEvents()
    del editor
    gc.collect()
    assert held() is None


def test_a_list_of_uses_drops_down_in_its_cell(qtbot: QtBot) -> None:
    table = ColumnsTable()
    qtbot.addWidget(table)
    table.show_columns((ColumnFacts("age", "number", "input", "17 to 90"),), "classes")
    table.show()
    table.view.edit(table.model.index(0, 1))
    qtbot.waitUntil(lambda: QApplication.activePopupWidget() is not None)
    opened = QApplication.activePopupWidget()
    assert opened is not None
    opened.hide()
