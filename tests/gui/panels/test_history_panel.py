"""The list of all steps: what stands in it, and how it leads back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from workspace_kit import workspace_of

from nnviz.gui.look import theme
from nnviz.gui.panels.history import CURRENT_ROLE, SAVED_ROLE, UNDONE_ROLE, HistoryPanel
from nnviz.project.document import Document
from nnviz.project.edits import AddNodes, Move, Rename, SetView
from nnviz.project.history import LIMIT
from nnviz.project.model import Graph, Node, Project, View

NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def document() -> Document:
    """Three steps over one layer."""
    made = Document(Project(graph=Graph({"relu": Node("relu", "relu")})))
    made.apply(AddNodes((Node("tanh", "tanh"),)))
    made.apply(Rename("relu", "Rectifier"))
    made.apply(Move({"relu": (50.0, 60.0)}))
    return made


@pytest.fixture
def panel(document: Document, qtbot: QtBot) -> HistoryPanel:
    made = HistoryPanel(workspace_of(document))
    qtbot.addWidget(made)
    made.resize(380, 260)
    made.show()
    qtbot.waitExposed(made)
    return made


def titles(panel: HistoryPanel) -> list[str]:
    return [str(panel.model.index(row).data()) for row in range(panel.model.rowCount())]


def rows_with(panel: HistoryPanel, role: int) -> list[int]:
    return [row for row in range(panel.model.rowCount()) if panel.model.index(row).data(role)]


def click(panel: HistoryPanel, row: int) -> None:
    place = panel.list.visualRect(panel.model.index(row)).center()
    QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, NONE, place)


def test_it_says_what_was_done_in_the_words_of_undo(panel: HistoryPanel, document: Document) -> None:
    assert titles(panel) == ["Beginning", "Add tanh", "Rename relu", "Move relu"]
    assert titles(panel)[-1] == document.undo_title
    assert rows_with(panel, CURRENT_ROLE) == [3]
    assert rows_with(panel, UNDONE_ROLE) == []
    assert rows_with(panel, SAVED_ROLE) == []  # there is no file


def test_without_steps_it_says_so(qtbot: QtBot) -> None:
    document = Document()
    panel = HistoryPanel(workspace_of(document))
    qtbot.addWidget(panel)
    panel.show()
    assert panel.is_empty
    document.apply(AddNodes((Node("relu", "relu"),)))
    assert not panel.is_empty
    document.replace(Project())
    assert panel.is_empty


def test_a_click_leads_back_and_forth_in_one_change(panel: HistoryPanel, document: Document) -> None:
    told: list[object] = []
    document.changed.connect(lambda before, after, edit: told.append(after))
    last = document.project
    click(panel, 0)
    assert list(document.project.graph.nodes) == ["relu"]
    assert document.project.graph.nodes["relu"].name == ""
    assert rows_with(panel, CURRENT_ROLE) == [0]
    assert rows_with(panel, UNDONE_ROLE) == [1, 2, 3]
    click(panel, 3)
    assert document.project == last
    assert len(told) == 2
    click(panel, 3)
    assert len(told) == 2


def test_the_keyboard_walks_and_enter_goes_there(panel: HistoryPanel, document: Document) -> None:
    panel.list.setFocus()
    QTest.keyClick(panel.list, Qt.Key.Key_Up)
    QTest.keyClick(panel.list, Qt.Key.Key_Up)
    assert document.history.position == 3  # walking changes nothing
    QTest.keyClick(panel.list, Qt.Key.Key_Return)
    assert document.history.position == 1
    QTest.keyClick(panel.list, Qt.Key.Key_End)
    QTest.keyClick(panel.list, Qt.Key.Key_Space)
    assert document.history.position == 3


def test_it_follows_undo_redo_and_new_steps(panel: HistoryPanel, document: Document) -> None:
    document.undo()
    assert rows_with(panel, CURRENT_ROLE) == [2]
    assert panel.list.currentIndex().row() == 2
    document.redo()
    assert rows_with(panel, CURRENT_ROLE) == [3]
    document.jump(1)
    document.apply(Rename("tanh", "Squash"))
    assert titles(panel) == ["Beginning", "Add tanh", "Rename tanh"]


def test_one_movement_of_the_hand_is_one_row(panel: HistoryPanel, document: Document) -> None:
    for at in range(20):
        document.apply(Move({"tanh": (float(at), 1.0)}, gesture="drag"))
    assert titles(panel)[3:] == ["Move relu", "Move tanh"]


def test_the_disk_stands_where_it_was_saved(panel: HistoryPanel, document: Document) -> None:
    document.jump(2)
    document.mark_saved(Path("net.nnviz"))
    assert rows_with(panel, SAVED_ROLE) == [2]
    document.jump(0)
    document.apply(Rename("relu", "Other"))
    assert rows_with(panel, SAVED_ROLE) == []  # no step leads there any more


def test_what_was_opened_from_a_file_is_in_it(panel: HistoryPanel, document: Document) -> None:
    document.replace(Project(), Path("net.nnviz"))
    document.apply(AddNodes((Node("relu", "relu"),)))
    assert rows_with(panel, SAVED_ROLE) == [0]


def test_a_row_tells_its_time_and_how_far_away_it_is(panel: HistoryPanel, document: Document) -> None:
    document.jump(0)
    document.mark_saved(Path("net.nnviz"))
    document.jump(2)
    tips = [str(panel.model.index(row).data(Qt.ItemDataRole.ToolTipRole)) for row in range(4)]
    assert re.fullmatch(r"Add tanh, at \d\d:\d\d:\d\d\. Undo 1 step: click or press Enter\.", tips[1])
    assert tips[0].startswith("Beginning. So it stands in the file. Undo 2 steps")
    assert "Redo 1 step:" in tips[3]
    assert "click" not in tips[2]


def test_who_listens_is_told_the_same(panel: HistoryPanel, document: Document) -> None:
    document.jump(0)
    document.mark_saved(Path("net.nnviz"))
    document.jump(2)
    spoken = [panel.model.index(row).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(4)]
    assert spoken == ["Beginning, saved", "Add tanh", "Rename relu, current", "Move relu, undone"]
    assert panel.list.accessibleName() == "Steps of the history"


def test_more_steps_than_are_kept_are_told(panel: HistoryPanel, document: Document) -> None:
    panel.hide()
    for at in range(LIMIT):
        document.apply(SetView(View(at + 1)))
    panel.show()
    assert panel.model.rowCount() == LIMIT + 1
    assert titles(panel)[0].startswith("Earlier (the last 1")
    assert rows_with(panel, SAVED_ROLE) == []
    click(panel, LIMIT)
    assert document.history.position == LIMIT
    panel.list.scrollToTop()
    click(panel, 0)
    assert document.history.position == 0
    assert document.project.graph.nodes["relu"].x == 50.0


def test_what_is_hidden_catches_up(panel: HistoryPanel, document: Document) -> None:
    panel.hide()
    document.undo()
    panel.show()
    assert rows_with(panel, CURRENT_ROLE) == [2]


def test_undone_rows_are_fainter_and_the_current_one_is_marked(panel: HistoryPanel, document: Document) -> None:
    document.jump(1)
    picture = panel.list.viewport().grab().toImage()

    def colours(row: int) -> set[int]:
        rect = panel.list.visualRect(panel.model.index(row))
        return {
            picture.pixel(x, y)
            for x in range(rect.left() + 30, min(rect.left() + 150, picture.width()))
            for y in range(rect.top() + 2, rect.bottom() - 1)
        }

    def brightest(row: int) -> int:
        return max((pixel >> 8) & 255 for pixel in colours(row))

    assert brightest(0) > brightest(3) + 40
    assert theme.mixed(theme.current().panel, theme.current().accent, 0.22).rgb() in colours(1)
    assert theme.mixed(theme.current().panel, theme.current().accent, 0.22).rgb() not in colours(3)
