"""A table of the user's own in a real window: dropped, its columns chosen by clicks, for classes and for numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QFileDialog
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

from nnviz.data import datasets
from nnviz.gui.window.window import MainWindow
from nnviz.project.files import io

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def flowers(folder: Path, name: str = "flowers.csv") -> Path:
    """Two kinds of flowers that a network tells apart, with a category and missing values."""
    rows = [f"{1 + at % 5 + 5 * (at % 2)},{'' if at % 9 == 0 else at % 7},{'red' if at % 3 else 'white'},"
            f"{'rose' if at % 2 else 'lily'}" for at in range(60)]  # fmt: skip
    path = folder / name
    path.write_text("\n".join(["width,length,colour,kind", *rows]) + "\n", encoding="utf-8")
    return path


def shape(window: MainWindow) -> tuple[object, object, object]:
    """What comes in, how many numbers come out, and the loss."""
    nodes = window.document.project.graph.nodes
    return nodes["input"].params["shape"], nodes["linear3"].params["out_features"], nodes["output"].params["loss"]


def drop(window: MainWindow, path: Path) -> None:
    """Let a file go over the canvas, as the desktop tells it."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    entering = QDragEnterEvent(QPoint(300, 200), Qt.DropAction.CopyAction, data, LEFT, NONE)
    QApplication.sendEvent(window.canvas.viewport(), entering)
    assert entering.isAccepted()
    QApplication.sendEvent(
        window.canvas.viewport(), QDropEvent(QPointF(300, 200), Qt.DropAction.CopyAction, data, LEFT, NONE)
    )


def choose_use(window: MainWindow, qtbot: QtBot, column: str, use: str) -> None:
    """Click on what a column is taken as, and on something else in the list that opens."""
    assert window.inspector is not None
    table = window.inspector.data.columns
    row = next(at for at, one in enumerate(table.model.columns) if one.name == column)
    view, index = table.view, table.model.index(row, 1)
    view.scrollTo(index)
    QTest.mouseClick(view.viewport(), LEFT, NONE, view.visualRect(index).center())
    combos = view.findChildren(QComboBox)
    assert len(combos) == 1
    qtbot.waitUntil(combos[0].view().isVisible, timeout=TIMEOUT)
    items = combos[0].view()
    at = items.model().index(combos[0].findText(use), 0)
    items.scrollTo(at)
    QTest.mouseClick(items.viewport(), LEFT, NONE, items.visualRect(at).center())


def trained(window: MainWindow, qtbot: QtBot, steps: int) -> None:
    """Some steps are made, in a run of their own."""
    window.training.reset()
    qtbot.waitUntil(lambda: window.training.state == "ready" and not window.training.differs, timeout=TIMEOUT)
    window.bridge.step(steps)
    qtbot.waitUntil(lambda: window.feed.run is not None and window.feed.run.last_step >= steps, timeout=TIMEOUT)


def test_a_table_is_dropped_its_columns_chosen_and_trained_on(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("spiral")
    document, path = window.document, flowers(tmp_path)
    before = document.project
    drop(window, path)
    qtbot.waitUntil(lambda: document.project.data.dataset == "table_file", timeout=TIMEOUT)
    assert shape(window) == ((4,), 2, "cross_entropy"), "width, length, red, white; two kinds"
    assert document.project.data.params == {"path": str(path)}
    document.undo()
    assert document.project == before, "one step takes all of it back"
    document.redo()
    trained(window, qtbot, 12)
    assert window.inspector is not None and window.inspector.data.columns.isVisible()
    # Another target by a click: numbers now, and the last layer and the loss follow in one step.
    classes = document.project
    choose_use(window, qtbot, "length", "target")
    qtbot.waitUntil(lambda: document.project.data.params.get("target") == "length", timeout=TIMEOUT)
    qtbot.waitUntil(lambda: shape(window)[1:] == (7, "cross_entropy"), timeout=TIMEOUT)
    choose_use(window, qtbot, "length", "target: numbers")
    qtbot.waitUntil(lambda: shape(window)[1:] == (1, "mse"), timeout=TIMEOUT)
    choose_use(window, qtbot, "colour", "left out")
    qtbot.waitUntil(lambda: document.project.data.params.get("left_out") == ("colour",), timeout=TIMEOUT)
    assert shape(window)[0] == (3,)
    trained(window, qtbot, 5)
    for _ in range(3):
        document.undo()
    assert document.project == classes
    # Another file by the dialog; what was chosen for the columns of the first one is forgotten.
    other = flowers(tmp_path, "other.csv")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(other), ""))
    window.inspector.data.browse.click()
    qtbot.waitUntil(lambda: document.project.data.params == {"path": str(other)}, timeout=TIMEOUT)
    # Beside its file a table is named by a path that moves with it.
    io.save(document.project, tmp_path / "mine.nnviz")
    assert '"path": "other.csv"' in (tmp_path / "mine.nnviz").read_text(encoding="utf-8")
    assert datasets.values(io.load(tmp_path / "mine.nnviz").data)["path"] == str(other)


def test_a_table_that_cannot_be_used_says_why(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    window = open_window("spiral")
    path = tmp_path / "empty.csv"
    path.write_text("a,b\n", encoding="utf-8")
    drop(window, path)
    qtbot.waitUntil(lambda: window.notices.notice("failure") is not None, timeout=TIMEOUT)
    notice = window.notices.notice("failure")
    assert notice is not None and "There is only a header and no row below it." in notice.text
    assert [button.text() for button in notice.buttons] == ["Choose the file…", "Try again"]
    assert window.inspector is not None and "only a header" in window.inspector.data.facts.text()
    assert not window.inspector.data.columns.isVisible()
