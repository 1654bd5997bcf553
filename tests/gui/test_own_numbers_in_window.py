"""Computational graphs in the window: every value stands on its card, and follows what is typed into the Data tab."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractItemView, QLineEdit
from pytestqt.qtbot import QtBot
from window_kit import OpenWindow, is_ready

from nnviz.gui.inspector.data_tab import DataTab
from nnviz.gui.window.window import MainWindow
from nnviz.project.samples.templates import sample
from nnviz.record.number_text import written_number


def on_cards(window: MainWindow) -> dict[str, str]:
    """What is written in the pictures of the cards, as they were painted."""
    window.grab()
    cards = window.canvas.canvas_scene.cards.values()
    said = {card.node: [one.text for one in card.readings_shown() if one.of.startswith("number ")] for card in cards}
    return {node: " ".join(texts) for node, texts in said.items()}


def data_tab(window: MainWindow) -> DataTab:
    assert window.inspector is not None
    window.inspector.show_tab("data")
    tab = window.inspector.tabs["data"]
    assert isinstance(tab, DataTab)
    return tab


def type_into(qtbot: QtBot, tab: DataTab, row: int, column: int, text: str) -> None:
    """Double-click on a cell, type, Enter."""
    view = tab.rows.view
    tab.ensureWidgetVisible(view)
    middle = view.visualRect(tab.rows.model.index(row, column)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    editor = view.viewport().findChild(QLineEdit)
    assert editor is not None
    editor.selectAll()
    qtbot.keyClicks(editor, text)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    # Qt takes it over in its next turn.
    qtbot.waitUntil(lambda: view.state() is not QAbstractItemView.State.EditingState)


FIGURES = {
    "graph-difference": {"input": "7 3 2", "a": "7", "b": "3", "c": "2", "d": "4", "e": "8", "output": "8"},
    "graph-sums": {"input": "2 1 5", "a": "2", "b": "1", "five": "5", "c": "3", "d": "6", "e": "18", "output": "18"},
    "graph-product": {"input": "3 4", "x": "3", "y": "4", "f": "12", "output": "12"},
    "graph-square": {"input": "3", "x": "3", "f": "9", "output": "9"},
    "dense-by-hand": {"input": "1 2", "linear1": "3 1.5 6", "output": ""},
    "softmax-by-hand": {"input": "2 1 0.1", "softmax1": "0.6590 0.2424 0.0986", "output": ""},
    "pooling-by-hand": {
        "input": "",
        "reshape1": "1 1 2 4 5 6 7 8 3 2 1 0 1 2 3 4",
        "pool1": "6 8 3 4",
        "flatten1": "6 8 3 4",
        "output": "6 8 3 4",
    },
    "credit-person": {"input": "6 5", "linear1": "7", "output": ""},
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_value_stands_on_its_card(name: str, qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window(name)
    window.resize(1280, 720)
    qtbot.waitUntil(lambda: on_cards(window) == FIGURES[name], timeout=20_000)


def test_cells_are_typed_pasted_refused_and_undone(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("graph-difference")
    document, tab = window.document, data_tab(window)
    type_into(qtbot, tab, 0, 1, "-5,5")
    assert document.project.data.params["rows"] == ((7.0, -5.5, 2.0),)
    qtbot.waitUntil(lambda: is_ready(window) and on_cards(window)["e"] == "25", timeout=20_000)
    assert on_cards(window)["d"] == "12.5"

    before = document.project
    type_into(qtbot, tab, 0, 2, "many")
    assert document.project is before and tab.rows.problem.isVisibleTo(tab)
    assert tab.rows.problem.text() == "“many” is not allowed: c in row 1 must be a number from -1e+30 to 1e+30."

    QGuiApplication.clipboard().setText("1\t2\t3\n4\t5\t6")
    tab.rows.view.setFocus()
    qtbot.keyClick(tab.rows.view, Qt.Key.Key_Home)
    tab.rows.view.setCurrentIndex(tab.rows.model.index(0, 0))
    qtbot.keyClick(tab.rows.view, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert document.project.data.params["rows"] == ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    assert not tab.rows.problem.isVisibleTo(tab)
    tab.rows.view.setCurrentIndex(tab.rows.model.index(1, 0))
    qtbot.keyClick(tab.rows.view, Qt.Key.Key_Delete)
    assert document.project.data.params["rows"] == ((1.0, 2.0, 3.0),) and set(document.project.graph.nodes) == set(
        sample("graph-difference").graph.nodes
    )
    for text, rows in (("Add row", ((1.0, 2.0, 3.0),) * 2), ("Add column", ((1.0, 2.0, 3.0, 0.0),) * 2)):
        qtbot.mouseClick(tab.rows.buttons[text], Qt.MouseButton.LeftButton)
        assert document.project.data.params["rows"] == rows
    assert document.project.graph.nodes["input"].params["shape"] == (4,)
    for _ in range(4):
        document.undo()
    assert document.project.data.params["rows"] == ((7.0, -5.5, 2.0),)
    document.undo()
    assert document.project == sample("graph-difference")


def test_a_right_answer_takes_the_rows_and_the_loss_along(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("graph-product")
    document, tab = window.document, data_tab(window)
    tab.own.edited.emit("right", "numbers", "")
    assert document.project.data.params["rows"] == ((3.0, 4.0, 0.0),)
    assert "loss" in document.project.graph.nodes["output"].params
    assert tab.rows.model.table.titles == ("x", "y", "y")
    qtbot.waitUntil(lambda: tab.own.editors["answers"].isVisibleTo(tab))
    tab.own.edited.emit("answers", ("first", "second", "third"), "")
    assert len(document.project.data.params["rows"][0]) == 5  # type: ignore[arg-type, index]
    tab.own.reset.emit("right")
    assert document.project.data.params["rows"] == ((3.0, 4.0),)
    tab.own.edited.emit("columns", ("only",), "")
    assert document.project.data.params["columns"] == ("x", "y")


def test_numbers_are_written_as_by_hand() -> None:
    given = (7.0, 1.5, -2.0, 0.952574, 0.1, 1234.5, 0.0985659, 0.0, 1e-7, float("nan"), 100.0)
    assert [written_number(value) for value in given] == [
        *("7", "1.5", "−2", "0.9526", "0.1", "1\u202f234", "0.0986", "0", "1.00e−7", "NaN", "100"),
    ]
