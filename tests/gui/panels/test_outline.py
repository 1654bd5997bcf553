"""The outline: what its rows say, how they follow, and a network built with the keyboard alone."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPoint, Qt
from PySide6.QtGui import QAccessible, QContextMenuEvent
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu
from pytestqt.qtbot import QtBot
from window_hands import CONTROL, SHIFT, Person
from window_kit import TIMEOUT, OpenWindow
from workspace_kit import workspace_of

from nnviz.gui.canvas import CanvasView
from nnviz.gui.look import theme
from nnviz.gui.panels import outline_tree
from nnviz.gui.panels.outline import OutlinePanel
from nnviz.gui.panels.outline_model import Column, OutlineModel
from nnviz.gui.panels.outline_rows import outline_of
from nnviz.gui.parts.diagnostic_rows import DiagnosticCard
from nnviz.gui.window.window import MainWindow
from nnviz.project.document import Document
from nnviz.project.drawing.grouping import group_edit, ungroup_edit
from nnviz.project.edits import (
    AddNodes,
    Annotate,
    Bypass,
    Connect,
    Disconnect,
    Edit,
    Move,
    RemoveNodes,
    Rename,
    SetParam,
)
from nnviz.project.model import Edge, Graph, Node, Note, PortRef, Project

Key = Qt.Key


def wire(source: str, target: str, port: int = 0) -> Edge:
    return Edge(PortRef(source), PortRef(target, port))


@pytest.fixture
def view(document: Document, qtbot: QtBot) -> CanvasView:
    made = CanvasView(document)
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    return made


@pytest.fixture
def panel(document: Document, view: CanvasView, qtbot: QtBot) -> OutlinePanel:
    made = OutlinePanel(workspace_of(document))
    qtbot.addWidget(made)
    made.attach(view)
    made.node_requested.connect(view.reveal)
    made.resize(360, 500)
    made.show()
    qtbot.waitExposed(made)
    return made


def titles(model: QAbstractItemModel, parent: QModelIndex | None = None, deep: str = "") -> list[str]:
    """Texts of all rows, with a dash for every group around."""
    parent = parent or QModelIndex()
    found: list[str] = []
    for row in range(model.rowCount(parent)):
        index = model.index(row, 0, parent)
        found += [deep + str(index.data()), *titles(model, index, deep + "-")]
    return found


def ids(panel: OutlinePanel) -> list[str]:
    return list(panel.model.items())


def row(panel: OutlinePanel, item: str, column: int = 0) -> QModelIndex:
    index = panel.model.index_of(item, column)
    assert index.isValid(), item
    return index


def go(panel: OutlinePanel, item: str) -> None:
    panel.tree.setFocus()
    panel.tree.go_to(item)


def selected(panel: OutlinePanel) -> set[str]:
    return {panel.model.item(index) for index in panel.tree.selectionModel().selectedRows()}


def press(panel: OutlinePanel, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(panel.tree, key, modifiers)


def group(document: Document, *members: str, name: str = "Block", collapsed: bool = True) -> str:
    before = set(document.project.graph.groups)
    document.apply(group_edit(document.project.graph, members, name, collapsed))
    return next(iter(set(document.project.graph.groups) - before))


@pytest.fixture
def flat(document: Document) -> Document:
    """The sample without its groups."""
    while document.project.graph.groups:
        document.apply(ungroup_edit(document.project.graph, next(iter(document.project.graph.groups))))
    return document


# ---- what the rows say -----------------------------------------------------------------------------------------------


def test_rows_follow_the_flow_of_the_data_whatever_the_order_of_adding(qtbot: QtBot) -> None:
    nodes = [Node("out", "output"), Node("late", "relu"), Node("loop", "tanh"), Node("input", "input")]
    edges = (wire("input", "late"), wire("late", "out"), wire("loop", "loop"))
    graph = Graph({node.id: node for node in nodes}, edges, notes={"note1": Note("note1", "Look here")})
    document = Document(Project(graph=graph))
    panel = OutlinePanel(workspace_of(document))
    qtbot.addWidget(panel)
    panel.show()
    assert ids(panel) == ["input", "late", "out", "loop", "note1"]
    assert titles(panel.model)[-1] == "Look here"


def test_shape_and_parameters_stand_beside_the_title(panel: OutlinePanel) -> None:
    assert row(panel, "conv2").data() == "Conv2d conv2"
    assert row(panel, "conv2", Column.OUTPUT).data() == "32×11×11"
    assert row(panel, "conv2", Column.PARAMETERS).data() == theme.format_count(4640)
    assert row(panel, "relu1", Column.PARAMETERS).data() == ""
    assert [panel.model.headerData(at, Qt.Orientation.Horizontal) for at in range(3)] == [
        "Layer",
        "Output",
        "Parameters",
    ]


def test_a_row_says_everything_in_a_sentence(panel: OutlinePanel, document: Document) -> None:
    said = row(panel, "conv2").data(Qt.ItemDataRole.AccessibleTextRole)
    count = theme.format_count(4640)
    assert said == f"Conv2d conv2, output 32×11×11, {count} parameters, from pool1 to relu2."
    document.apply(SetParam("conv2", "kernel_size", (21, 21)))
    said = row(panel, "conv2").data(Qt.ItemDataRole.AccessibleTextRole)
    assert said.startswith("Conv2d conv2, output unknown, from pool1 to relu2, error: The kernel of Conv2d is 21×21")
    assert "The kernel" in row(panel, "conv2").data(Qt.ItemDataRole.ToolTipRole)
    assert "The kernel" in row(panel, "conv2").data(Qt.ItemDataRole.AccessibleDescriptionRole)
    assert row(panel, "conv2").data(Qt.ItemDataRole.DecorationRole) is not None
    assert row(panel, "conv1").data(Qt.ItemDataRole.DecorationRole) is None
    document.undo()
    document.apply(Disconnect(next(edge for edge in document.project.graph.edges if edge.target.node == "relu2")))
    assert "no input wire" in row(panel, "relu2").data(Qt.ItemDataRole.AccessibleTextRole)
    document.apply(Bypass({"relu1": True}))
    assert ", bypassed," in row(panel, "relu1").data(Qt.ItemDataRole.AccessibleTextRole)


def test_a_group_speaks_for_what_stands_in_it(flat: Document, panel: OutlinePanel) -> None:
    made = group(flat, "conv2", "relu2", "pool2", name="Block 2")
    assert titles(panel.model)[4:9] == [
        "Block 2",
        "-Conv2d conv2",
        "-ReLU relu2",
        "-MaxPool2d pool2",
        "Flatten flatten1",
    ]
    count = theme.format_count(4640)
    said = row(panel, made).data(Qt.ItemDataRole.AccessibleTextRole)
    assert said == f"Group Block 2, folded up, 3 layers, output 32×5×5, {count} parameters."
    flat.apply(SetParam("conv2", "kernel_size", (21, 21)))
    said = row(panel, made).data(Qt.ItemDataRole.AccessibleTextRole)
    assert "output unknown, error: conv2: The kernel of Conv2d is 21×21" in said


def test_groups_in_groups_and_their_notes_stand_under_them(flat: Document) -> None:
    inner = group(flat, "conv2", "relu2")
    outer = group(flat, inner, "pool2", name="Outer")
    flat.apply(Annotate(notes={"note1": Note("note1", "why", group=inner), "note2": Note("note2", "top")}))
    found = outline_of(flat.project.graph, flat.inference.order)
    assert found[outer] == [inner, "pool2"] and found[inner] == ["conv2", "relu2", "note1"]
    assert found[""][-1] == "note2" and found[""].index(outer) == found[""].index("pool1") + 1


def test_a_screen_reader_finds_rows_with_names(document: Document, panel: OutlinePanel) -> None:
    document.apply(SetParam("conv2", "kernel_size", (21, 21)))
    panel.tree.expandAll()
    tree = QAccessible.queryAccessibleInterface(panel.tree)
    assert tree is not None and tree.role() == QAccessible.Role.Tree
    assert tree.text(QAccessible.Text.Name) == "Layers as the data flows"
    names = [tree.child(at).text(QAccessible.Text.Name) for at in range(tree.childCount())]
    assert any(name.startswith("Conv2d conv1, output 16×26×26, 160 parameters, from input") for name in names)
    assert any("Conv2d conv2" in name and "error: The kernel of Conv2d is 21×21" in name for name in names)


def test_it_is_exported_as_a_table(panel: OutlinePanel) -> None:
    lines = panel.to_csv().splitlines()
    assert lines[0] == "depth,id,title,output,parameters,problems"
    assert any(",conv1,Conv2d,16×26×26,160," in line for line in lines)


# ---- following -------------------------------------------------------------------------------------------------------


def test_only_rows_that_come_or_go_are_touched(flat: Document, panel: OutlinePanel) -> None:
    resets: list[object] = []
    changes: list[str] = []
    panel.model.modelReset.connect(lambda: resets.append(1))
    panel.model.dataChanged.connect(lambda first, last: changes.append(panel.model.item(first)))
    go(panel, "relu2")
    titles(panel.model)
    flat.apply(AddNodes((Node("extra", "tanh"),), (wire("relu1", "extra"),)))
    flat.apply(Rename("conv1", "First"))
    flat.apply(Move({"conv1": (5.0, 6.0)}))
    assert changes == ["conv1"] and panel.tree.current == "relu2" and selected(panel) == {"relu2"}
    flat.apply(RemoveNodes(("extra",)))
    made = group(flat, "conv2", "relu2")
    assert not resets
    flat.apply(ungroup_edit(flat.project.graph, made))
    flat.undo()
    assert not resets and selected(panel) == set()


def test_open_rows_and_what_is_in_sight_stay(flat: Document, panel: OutlinePanel) -> None:
    first, second = group(flat, "conv1", "relu1"), group(flat, "conv2", "relu2", collapsed=False)
    assert not panel.tree.isExpanded(row(panel, first)) and panel.tree.isExpanded(row(panel, second))
    go(panel, first)
    press(panel, Key.Key_Right)
    go(panel, second)
    press(panel, Key.Key_Left)
    collapsed = {key: one.collapsed for key, one in flat.project.graph.groups.items()}
    assert collapsed == {first: True, second: False}  # the canvas stays as it is
    panel.resize(360, 180)
    panel.tree.scrollToBottom()
    place = panel.tree.verticalScrollBar().value()
    assert place > 0
    flat.apply(AddNodes((Node("extra", "tanh"),)))
    flat.apply(Rename("conv1", "First"))
    assert panel.tree.verticalScrollBar().value() == place
    assert panel.tree.isExpanded(row(panel, first)) and not panel.tree.isExpanded(row(panel, second))


def test_random_changes_leave_the_rows_as_if_made_anew(flat: Document, panel: OutlinePanel) -> None:
    tester = QAbstractItemModelTester(panel.model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    dice = random.Random(4)

    def edit() -> Edit:
        graph = flat.project.graph
        nodes = sorted(graph.nodes)
        kind = dice.randrange(5)
        if kind == 0:
            name = f"new{len(flat.history)}"
            return AddNodes((Node(name, "relu"),), (wire(dice.choice(nodes), name),))
        if kind == 1 and len(nodes) > 6:
            return RemoveNodes((dice.choice(nodes),), rejoin=True)
        if kind == 2 and graph.groups:
            return ungroup_edit(graph, dice.choice(sorted(graph.groups)))
        if kind == 3:
            return Connect(wire(*dice.sample(nodes, 2)))
        return group_edit(graph, dice.sample(nodes + sorted(graph.groups), 3), collapsed=dice.random() < 0.5)

    done = 0
    while done < 120:
        try:
            flat.apply(edit())
        except Exception as error:  # noqa: BLE001 - what may not be, is not
            assert type(error).__name__ in {"ProjectError", "ParamError"}
            continue
        done += 1
        if dice.random() < 0.2:
            flat.jump(dice.randrange(len(flat.history)))
        fresh = OutlinePanel(workspace_of(flat))
        fresh.model.refresh()
        assert titles(panel.model) == titles(fresh.model)
        assert selected(panel) == set(panel._canvas.selected)  # type: ignore[union-attr]  # it is attached
        fresh.deleteLater()
    tester.deleteLater()


def test_a_closed_panel_costs_nothing(document: Document, panel: OutlinePanel, view: CanvasView) -> None:
    panel.hide()
    before = ids(panel)
    document.apply(AddNodes((Node("extra", "tanh"),)))
    view.select(["extra"])
    assert ids(panel) == before
    panel.show()
    assert "extra" in ids(panel) and selected(panel) == {"extra"}


def test_an_empty_network_says_what_to_do(document: Document, panel: OutlinePanel) -> None:
    document.replace(Project())
    assert panel.is_empty
    document.apply(AddNodes((Node("extra", "tanh"),)))
    assert not panel.is_empty


# ---- selection -------------------------------------------------------------------------------------------------------


def test_rows_and_cards_are_selected_together(flat: Document, panel: OutlinePanel, view: CanvasView) -> None:
    told: list[list[str]] = []
    view.selection_changed.connect(told.append)
    place = view.mapToScene(QPoint(0, 0))
    go(panel, "conv1")
    assert view.selected == ("conv1",)
    press(panel, Key.Key_Down, SHIFT)
    assert view.selected == ("conv1", "relu1") and len(told) == 2
    press(panel, Key.Key_End)
    assert view.selected == ("output",)
    press(panel, Key.Key_A, CONTROL)
    assert set(view.selected) == set(flat.project.graph.nodes)
    assert view.mapToScene(QPoint(0, 0)) == place  # the view has not jumped
    told.clear()
    view.select(["pool1", "conv2"])
    assert selected(panel) == {"pool1", "conv2"} and panel.tree.current == "conv2"
    assert told == [["pool1", "conv2"]]
    view.select([])
    assert selected(panel) == set() and told[-1] == []


def test_enter_shows_what_a_folded_group_hides(flat: Document, panel: OutlinePanel, view: CanvasView) -> None:
    made = group(flat, "conv2", "relu2")
    go(panel, "relu2")
    assert view.selected == () and selected(panel) == {"relu2"}
    press(panel, Key.Key_Return)
    assert view.canvas_scene.root == made and view.selected == ("relu2",)
    go(panel, "conv1")
    assert view.selected == ()
    press(panel, Key.Key_Return)
    assert view.canvas_scene.root == "" and view.selected == ("conv1",)
    go(panel, made)
    assert view.selected == (made,)


# ---- keys ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def _patient(qapp: QApplication) -> Iterator[None]:
    """Letters that come late on a busy machine are no new word."""
    usual = qapp.keyboardInputInterval()
    qapp.setKeyboardInputInterval(60_000)
    yield
    qapp.setKeyboardInputInterval(usual)


@pytest.mark.usefixtures("_patient")
def test_letters_jump_and_c_does_so_in_a_word(flat: Document, panel: OutlinePanel) -> None:
    group(flat, "conv2", "relu2")
    go(panel, "input")
    QTest.keyClick(panel.tree, "f")
    assert panel.tree.current == "flatten1"
    panel.tree._typed = ""  # the pause after a word
    QTest.keyClick(panel.tree, "C", SHIFT)
    QTest.keyClicks(panel.tree, "onv2d")
    assert panel.tree.current == "conv1"
    panel.tree._typed = ""
    QTest.keyClick(panel.tree, "r")
    QTest.keyClick(panel.tree, "r")
    assert panel.tree.current == "relu2" and panel.targets.isHidden()


def test_f2_renames_layers_groups_and_notes(flat: Document, panel: OutlinePanel, qtbot: QtBot) -> None:
    made = group(flat, "conv2", "relu2")
    flat.apply(Annotate(notes={"note1": Note("note1", "one"), "note2": Note("note2", "two\nlines")}))
    said: list[str] = []
    panel.message.connect(said.append)
    for item, text in (("conv1", "Edges"), (made, "Deep"), ("note1", "Look")):
        go(panel, item)
        press(panel, Key.Key_F2)
        editor = panel.tree.viewport().findChild(QLineEdit)
        assert isinstance(editor, QLineEdit), item
        editor.selectAll()
        QTest.keyClicks(editor, text)
        QTest.keyClick(editor, Key.Key_Return)
        qtbot.waitUntil(lambda: panel.tree.viewport().findChild(QLineEdit) is None, timeout=TIMEOUT)
    graph = flat.project.graph
    assert (graph.nodes["conv1"].name, graph.groups[made].name, graph.notes["note1"].text) == ("Edges", "Deep", "Look")
    go(panel, "note2")
    press(panel, Key.Key_F2)
    assert panel.tree.viewport().findChild(QLineEdit) is None and "several lines" in said[-1]


def test_delete_removes_what_can_be_seen_and_what_cannot(flat: Document, panel: OutlinePanel) -> None:
    go(panel, "relu1")
    press(panel, Key.Key_Delete)
    edges = flat.project.graph.edges
    assert "relu1" not in ids(panel) and wire("conv1", "pool1") in edges and panel.tree.current == "conv1"
    group(flat, "conv2", "relu2")
    go(panel, "relu2")
    press(panel, Key.Key_Backspace)
    assert "relu2" not in flat.project.graph.nodes and panel.tree.current
    flat.apply(Annotate(notes={"note1": Note("note1", "one")}))
    go(panel, "note1")
    press(panel, Key.Key_Delete)
    assert not flat.project.graph.notes


@pytest.mark.usefixtures("_patient")
def test_c_offers_layers_with_reasons(flat: Document, panel: OutlinePanel, view: CanvasView) -> None:
    flat.apply(AddNodes((Node("add", "add"),)))
    go(panel, "relu1")
    press(panel, Key.Key_C)
    model, listed = panel.targets.model, panel.targets.rows
    assert panel.targets.isVisible() and listed.accessibleName() == "Connect ReLU relu1 to…"
    said = {
        model.target(at): model.index(at).data(Qt.ItemDataRole.AccessibleTextRole) for at in range(model.rowCount())
    }
    assert said["input"] == "Input input, cannot be chosen: Input takes no wire: it is where the network begins."
    assert "circle" in said["conv1"] and said["add"] == "Add add, Can be connected."
    assert said["relu2"] == "ReLU relu2, Takes the place of the wire from conv2."
    assert said["linear1"].startswith("Linear linear1, Allowed, but: ")
    refused: list[str] = []
    panel.message.connect(refused.append)
    listed.setCurrentIndex(model.index(0))
    QTest.keyClick(listed, Key.Key_Return)
    assert panel.targets.isVisible() and "takes no wire" in refused[-1]
    QTest.keyClick(listed, Key.Key_Escape)
    assert panel.targets.isHidden()
    press(panel, Key.Key_C)
    QTest.keyClicks(listed, "add")
    QTest.keyClick(listed, Key.Key_Return)
    assert wire("relu1", "add") in flat.project.graph.edges and panel.targets.isHidden()
    assert panel.tree.current == "add" and view.selected == ("add",)
    go(panel, "output")
    press(panel, Key.Key_C)
    assert panel.targets.isHidden() and "has no output" in refused[-1]


def test_a_wire_from_a_group_begins_at_its_output(flat: Document, panel: OutlinePanel) -> None:
    made = group(flat, "conv2", "relu2")
    flat.apply(AddNodes((Node("add", "add"),)))
    go(panel, made)
    press(panel, Key.Key_C)
    QTest.keyClicks(panel.targets.rows, "add")
    QTest.keyClick(panel.targets.rows, Key.Key_Return)
    assert wire("relu2", "add") in flat.project.graph.edges
    flat.apply(Connect(wire("conv2", "add", 1)))
    said: list[str] = []
    panel.message.connect(said.append)
    go(panel, made)
    press(panel, Key.Key_C)
    assert panel.targets.isHidden() and said == ["Several layers in Block feed others: begin at one of them."]


def test_the_menu_of_a_row_offers_it_all(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    panel = outline(window)
    panel.tree.go_to("linear1")
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(5, 5), panel.tree.mapToGlobal(QPoint(5, 5)))
    QApplication.sendEvent(panel.tree, event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    texts = [action.text().replace("&", "").partition("\t")[0] for action in menu.actions()]
    assert texts[:4] == ["Show on the canvas", "Connect to…", "Rename", "Remove"] and "Group" in texts
    menu.close()


# ---- in the window ---------------------------------------------------------------------------------------------------


def outline(window: MainWindow) -> OutlinePanel:
    window.action("outline").trigger()
    assert window.docks is not None
    panel = window.docks.panels["outline"]
    assert isinstance(panel, OutlinePanel) and panel.isVisible() and panel.tree.hasFocus()
    return panel


def test_it_stands_at_the_left_and_survives_large_letters(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    outline(window)
    assert window.docks is not None
    assert window.dockWidgetArea(window.docks.docks["outline"]) == Qt.DockWidgetArea.LeftDockWidgetArea
    theme.set_text_scale(32 / 13)
    again = window.docks.panels["outline"]
    assert isinstance(again, OutlinePanel)
    again.tree.go_to("output")
    assert window.canvas.selected == ("output",)
    assert again.tree.visualRect(row(again, "output")).height() > 30
    window.action("outline").trigger()
    QTest.keyClick(again.tree, Key.Key_Escape)
    assert window.focusWidget() is window.canvas
    theme.set_text_scale(1.0)


def test_a_network_is_built_and_trained_with_the_keyboard_alone(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window(Project(), ready=False)
    person = Person(window, qtbot)
    person.until(lambda: window.document.facts is not None)

    def add(title: str) -> None:
        """Behind the layer that is chosen in the outline, and wired to it."""
        person.keys("F", CONTROL)
        person.write(title)
        person.keys(Key.Key_Return)
        person.keys("O", CONTROL | SHIFT)

    for title in ("Input", "Conv2d", "ReLU", "Add", "Flatten", "Linear", "Output"):
        add(title)
    panel = outline(window)
    tree = panel.tree
    assert [panel.model.words.facts(item).title for item in ids(panel)] == [
        "Input",
        "Conv2d",
        "ReLU",
        "Add",
        "Flatten",
        "Linear",
        "Output",
    ]
    graph = lambda: window.document.project.graph  # noqa: E731 - shorter to read below
    assert len(graph().edges) == 6

    # A skip from the convolution to the sum.
    person.keys(Key.Key_Home)
    person.keys(Key.Key_Down)
    assert tree.current == "conv1"
    person.keys("C")
    listed = panel.targets.rows
    QTest.keyClicks(listed, "Add")
    QTest.keyClick(listed, Key.Key_Return)
    assert ("conv1", "add1") in person.wires and tree.current == "add1"

    # Away with the ReLU, and back again.
    person.keys(Key.Key_Up)
    assert tree.current == "relu1"
    person.keys(Key.Key_Delete)
    assert "relu1" not in person.nodes and "relu1" not in ids(panel)
    person.keys("Z", CONTROL)
    assert "relu1" in ids(panel) and len(graph().edges) == 7

    # The list of problems has what is still missing: as many outputs as there are classes.
    QTest.keySequence(person.handle, window.action("problems").shortcut())
    person.until(lambda: isinstance(window.focusWidget(), DiagnosticCard))
    person.keys(Key.Key_Tab)
    person.keys(Key.Key_Space)
    assert row(panel, "linear1", Column.OUTPUT).data() == "10"
    person.until(lambda: window.training.state == "ready")
    person.keys(Key.Key_F10)
    qtbot.waitUntil(lambda: window.training.standing.step == 1, timeout=TIMEOUT)


def test_shortcuts_of_the_canvas_work_on_rows(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    while window.document.project.graph.groups:
        name = next(iter(window.document.project.graph.groups))
        window.document.apply(ungroup_edit(window.document.project.graph, name))
    person = Person(window, qtbot)
    panel = outline(window)
    panel.tree.go_to("conv2")
    person.keys(Key.Key_Down, SHIFT)
    assert window.canvas.selected == ("conv2", "relu2")
    person.keys("D", CONTROL)
    assert len(window.document.project.graph.nodes) == 15
    person.keys("Z", CONTROL)
    panel.tree.go_to("conv2")
    person.keys(Key.Key_Down, SHIFT)
    person.keys("G", CONTROL)
    assert len(window.document.project.graph.groups) == 1


def test_painting_asks_the_rows_themselves_and_sets_words_once(
    monkeypatch: pytest.MonkeyPatch, document: Document, qtbot: QtBot
) -> None:
    asked: list[int] = []
    data = OutlineModel.data

    def watched(model: OutlineModel, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        asked.append(role)
        return data(model, index, role)

    monkeypatch.setattr(OutlineModel, "data", watched)
    panel = OutlinePanel(workspace_of(document))
    qtbot.addWidget(panel)
    panel.resize(360, 500)
    panel.show()
    qtbot.waitExposed(panel)
    viewport = panel.tree.viewport()
    before = viewport.grab().toImage()
    asked.clear()
    known = outline_tree._set.cache_info().misses
    assert viewport.grab().toImage() == before
    assert not asked
    assert outline_tree._set.cache_info().misses == known
    theme.set_text_scale(1.5)
    assert viewport.grab().toImage() != before
    assert outline_tree._set.cache_info().misses > known
    theme.set_text_scale(1.0)
    qtbot.waitUntil(lambda: viewport.grab().toImage() == before)  # the scroll bar goes when the rows are laid out
