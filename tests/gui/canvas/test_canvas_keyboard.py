"""The keyboard alone builds a network."""

from __future__ import annotations

from itertools import pairwise

import pytest
from canvas_hands import Hands, chain
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from nnviz.gui.canvas import CanvasView, Palette
from nnviz.gui.canvas.hands.gestures import ConnectByKeys
from nnviz.project.document import Document
from nnviz.project.model import Edge, PortRef

ROW = chain("input", "flatten", "linear", "relu", "output", input={"shape": (1, 8, 8)})
ALT = Qt.KeyboardModifier.AltModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def window(qtbot: QtBot) -> tuple[QWidget, Palette, Hands]:
    """Palette and canvas side by side, connected as the window connects them."""
    document = Document()
    window = QWidget()
    layout = QHBoxLayout(window)
    palette = Palette(document)
    view = CanvasView(document)
    layout.addWidget(palette)
    layout.addWidget(view, 1)
    palette.add_requested.connect(view.desk.add_layer)
    palette.left.connect(view.setFocus)
    view.search_requested.connect(palette.focus_search)
    qtbot.addWidget(window)
    window.resize(1300, 800)
    window.show()
    qtbot.waitExposed(window)
    window.activateWindow()
    return window, palette, Hands(view, document)


def test_a_network_is_built_from_an_empty_canvas(window: tuple[QWidget, Palette, Hands]) -> None:
    _, palette, hands = window
    hands.view.setFocus()
    hands.press_key(Qt.Key.Key_Slash)
    assert QApplication.focusWidget() is palette.search_field
    for text in ("input", "flat", "linear", "output"):
        hands.type(text)
        hands.press_key(Qt.Key.Key_Return)
    assert [node.kind for node in hands.graph.nodes.values()] == ["input", "flatten", "linear", "output"]
    ids = list(hands.graph.nodes)
    assert hands.wires == set(pairwise(ids))
    rects = [card.card_rect() for card in hands.view.canvas_scene.cards.values()]
    assert not any(a.intersects(b) for i, a in enumerate(rects) for b in rects[:i])
    assert hands.view.selected == (ids[-1],)
    for _ in range(4):
        hands.document.undo()
    assert not hands.graph.nodes
    assert not hands.document.can_undo


def test_escape_in_the_search_goes_back_to_the_canvas(window: tuple[QWidget, Palette, Hands]) -> None:
    _, palette, hands = window
    palette.focus_search()
    hands.type("conv")
    hands.press_key(Qt.Key.Key_Escape)
    assert palette.search_field.text() == ""
    hands.press_key(Qt.Key.Key_Escape)
    assert QApplication.focusWidget() is hands.view


def test_a_branch_and_its_join_are_wired_with_c(hands: Hands) -> None:
    hands.document.replace(chain("input", "relu", "sigmoid"))
    hands.view.setFocus()
    hands.view.select(["sigmoid"])
    add = hands.view.desk.add_layer("add")
    assert add == "add1"
    hands.view.select(["relu"])
    hands.key(Qt.Key.Key_C)
    gesture = hands.view.overlay.gesture
    assert isinstance(gesture, ConnectByKeys)
    for _ in range(10):
        if hands.view.canvas_scene.cards["add1"].look.target:
            break
        hands.key(Qt.Key.Key_Tab)
    hands.key(Qt.Key.Key_Return)
    assert hands.view.overlay.gesture is None
    assert Edge(PortRef("relu"), PortRef("add1", 1)) in hands.graph.edges
    assert hands.view.selected == ("add1",)


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_connect_mode_tells_why_a_target_is_impossible(hands: Hands, qtbot: QtBot) -> None:
    hands.view.select(["relu"])
    hands.key(Qt.Key.Key_C)
    for _ in range(5):
        hands.key(Qt.Key.Key_Left)
        if "circle" in hands.view.overlay.hint:
            break
    assert "circle" in hands.view.overlay.hint
    with qtbot.waitSignal(hands.view.message) as told:
        hands.key(Qt.Key.Key_Return)
    assert "circle" in told.args[0]
    hands.key(Qt.Key.Key_C)
    hands.key(Qt.Key.Key_Escape)
    assert hands.view.overlay.gesture is None
    assert hands.graph == ROW.graph


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_arrows_and_tab_walk_along_the_network(hands: Hands) -> None:
    hands.key(Qt.Key.Key_Right, ALT)
    assert hands.view.selected == ("input",)
    hands.key(Qt.Key.Key_Right, ALT)
    hands.key(Qt.Key.Key_Right, ALT)
    assert hands.view.selected == ("linear",)
    hands.key(Qt.Key.Key_Left, ALT)
    assert hands.view.selected == ("flatten",)
    hands.key(Qt.Key.Key_Tab)
    assert hands.view.selected == ("linear",)
    hands.key(Qt.Key.Key_Backtab)
    assert hands.view.selected == ("flatten",)
    hands.key(Qt.Key.Key_End)
    assert hands.view.selected == ("output",)
    hands.key(Qt.Key.Key_Home)
    assert hands.view.selected == ("input",)


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_tab_leaves_the_canvas_behind_the_last_card(hands: Hands) -> None:
    hands.view.select(["output"])
    assert not hands.view._keys.tab(forward=True)
    hands.view.select(["input"])
    assert not hands.view._keys.tab(forward=False)


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_a_wrapped_row_goes_on_in_the_next(hands: Hands) -> None:
    from nnviz.project.edits import Move

    hands.document.apply(Move({"linear": (0.0, 230.0), "relu": (195.0, 230.0), "output": (390.0, 230.0)}))
    hands.view.select(["flatten"])
    hands.key(Qt.Key.Key_Right, ALT)
    assert hands.view.selected == ("linear",)


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_arrows_move_the_selected_cards_and_nudges_in_one_go_are_one_step(hands: Hands) -> None:
    hands.view.select(["relu", "output"])
    for _ in range(3):
        hands.key(Qt.Key.Key_Down)
    hands.key(Qt.Key.Key_Left, SHIFT)
    assert [(hands.graph.nodes[node].x, hands.graph.nodes[node].y) for node in ("relu", "output")] == [
        (585 - 1, 66),
        (780 - 1, 66),
    ]
    assert hands.view.selected == ("relu", "output")
    hands.document.undo()
    assert hands.graph == ROW.graph
    assert not hands.document.can_undo


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_arrows_move_the_view_where_nothing_is_selected(hands: Hands) -> None:
    before = hands.view.camera.visible_rect().center()
    hands.key(Qt.Key.Key_Right)
    assert hands.view.camera.visible_rect().center().x() > before.x()
    hands.key(Qt.Key.Key_Up)
    assert hands.view.camera.visible_rect().center().y() < before.y()
    assert hands.view.selected == ()
    assert hands.graph == ROW.graph


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_alt_and_shift_with_an_arrow_take_the_neighbour_in(hands: Hands) -> None:
    hands.view.select(["flatten"])
    hands.key(Qt.Key.Key_Right, ALT | SHIFT)
    assert hands.view.selected == ("flatten", "linear")


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_select_all_delete_and_undo(hands: Hands) -> None:
    hands.key(Qt.Key.Key_A, CONTROL)
    assert len(hands.view.selected) == 5
    hands.key(Qt.Key.Key_Delete)
    assert not hands.graph.nodes
    hands.document.undo()
    assert hands.graph == ROW.graph


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_duplicate_keeps_parameters_and_inner_wires(hands: Hands) -> None:
    hands.view.select(["linear", "relu"])
    hands.key(Qt.Key.Key_D, CONTROL)
    assert len(hands.graph.nodes) == 7
    first, second = hands.view.selected
    assert (first, second) in hands.wires
    assert hands.graph.nodes[first].kind == "linear"
    assert hands.graph.nodes[first].params == ROW.graph.nodes["linear"].params
    assert len(hands.wires) == 5


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_copy_cut_and_paste_through_the_clipboard(hands: Hands) -> None:
    hands.view.select(["linear", "relu"])
    hands.key(Qt.Key.Key_C, CONTROL)
    assert '"linear"' in QGuiApplication.clipboard().text()
    hands.key(Qt.Key.Key_V, CONTROL)
    hands.key(Qt.Key.Key_V, CONTROL)
    assert len(hands.graph.nodes) == 9
    places = [(node.x, node.y) for node in hands.graph.nodes.values()]
    assert len(set(places)) == 9, "pasted cards do not cover each other"
    hands.key(Qt.Key.Key_X, CONTROL)
    assert len(hands.graph.nodes) == 7
    for _ in range(3):
        hands.document.undo()
    assert hands.graph == ROW.graph


def test_paste_of_anything_else_says_so(hands: Hands, qtbot: QtBot) -> None:
    QGuiApplication.clipboard().setText("a letter to a friend")
    with qtbot.waitSignal(hands.view.message) as told:
        hands.key(Qt.Key.Key_V, CONTROL)
    assert told.args == ["The clipboard holds no layers."]
    assert not hands.graph.nodes


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_layers_from_a_chat_get_a_sentence(hands: Hands, qtbot: QtBot) -> None:
    hands.view.select(["linear", "relu"])
    hands.key(Qt.Key.Key_C, CONTROL)
    layers = QGuiApplication.clipboard().text()
    for text, sentence in (
        (f"Try this one:\n{layers}\nIt learns faster.", "layers and other words: copy only"),
        (layers.replace("[", "(", 1), "layers on the clipboard are damaged"),
    ):
        QGuiApplication.clipboard().setText(text)
        with qtbot.waitSignal(hands.view.message) as told:
            hands.key(Qt.Key.Key_V, CONTROL)
        assert sentence in told.args[0]
        assert hands.graph == ROW.graph
    QGuiApplication.clipboard().setText(f"\n  {layers}\n")
    hands.key(Qt.Key.Key_V, CONTROL)
    assert len(hands.graph.nodes) == 7


def test_a_picture_on_the_clipboard_gets_a_sentence(hands: Hands, qtbot: QtBot) -> None:
    QGuiApplication.clipboard().setImage(QImage(4, 4, QImage.Format.Format_RGB32))
    with qtbot.waitSignal(hands.view.message) as told:
        hands.key(Qt.Key.Key_V, CONTROL)
    assert told.args == ["The clipboard holds a picture, not layers."]


def test_layers_go_from_one_window_to_another(hands: Hands, qtbot: QtBot) -> None:
    other = CanvasView(Document(ROW))
    qtbot.addWidget(other)
    other.select(["linear", "relu"])
    QTest.keyClick(other, Qt.Key.Key_C, CONTROL)
    hands.key(Qt.Key.Key_V, CONTROL)
    assert [node.kind for node in hands.graph.nodes.values()] == ["linear", "relu"]
    assert len(hands.wires) == 1


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_rename_in_place(hands: Hands) -> None:
    hands.view.select(["linear"])
    hands.key(Qt.Key.Key_F2)
    editor = hands.view.renaming.editor
    assert editor is not None
    QTest.keyClicks(editor, "Hidden layer")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert hands.graph.nodes["linear"].name == "Hidden layer"
    assert hands.view.canvas_scene.cards["linear"].facts.title == "Hidden layer"
    hands.key(Qt.Key.Key_F2)
    editor = hands.view.renaming.editor
    assert editor is not None
    QTest.keyClicks(editor, "Something else")
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    assert hands.graph.nodes["linear"].name == "Hidden layer"
    hands.document.undo()
    assert hands.graph == ROW.graph


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_the_selected_card_is_told_to_those_who_listen(hands: Hands) -> None:
    hands.view.select(["linear"])
    text = hands.view.accessibleDescription()
    assert text.startswith("Linear, linear, output")
    assert "from flatten" in text
    assert "to relu" in text


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_a_selected_wire_takes_the_next_layer(hands: Hands) -> None:
    edge = Edge(PortRef("linear"), PortRef("relu"))
    hands.view.canvas_scene.select((), [edge])
    assert hands.view.desk.add_layer("tanh") == "tanh1"
    assert {("linear", "tanh1"), ("tanh1", "relu")} <= hands.wires


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_a_layer_behind_output_is_added_without_a_wire(hands: Hands) -> None:
    hands.view.select(["output"])
    added = hands.view.desk.add_layer("linear")
    assert added is not None
    assert not hands.view.canvas_scene.wires_at(added)


def test_unused_keys_go_on_to_the_window(hands: Hands) -> None:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QKeyEvent

    event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_F5, Qt.KeyboardModifier.NoModifier)
    hands.view.keyPressEvent(event)
    assert not event.isAccepted()
