"""A layer is found by typing where the hand is: at the mouse, in a wire, at the loose end of one."""

from __future__ import annotations

import pytest
from canvas_hands import Hands, chain
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QListWidget
from pytestqt.qtbot import QtBot
from window_hands import Person
from window_kit import OpenWindow

from nnviz.gui.canvas.geometry import CARD_WIDTH, PORT_Y
from nnviz.gui.canvas.hands.quick_add_popup import QuickAddPopup, first_sentence
from nnviz.gui.look import theme
from nnviz.gui.parts.settings import Settings
from nnviz.project import registry
from nnviz.project.edits import SetParam
from nnviz.project.model import Edge, PortRef

IMAGE = chain("input", "conv2d")
ROW = chain("input", "flatten", "linear", "relu", "output", input={"shape": (1, 8, 8)})
SHIFT = Qt.KeyboardModifier.ShiftModifier
FREE = QPoint(600, 640)


def popup(hands: Hands) -> QuickAddPopup:
    found = hands.view.quick_add.popup
    assert found is not None
    return found


def type_and_take(hands: Hands, text: str) -> None:
    field = popup(hands).search_field
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def click_row(listed: QListWidget, title: str) -> None:
    item = next(listed.item(row) for row in range(listed.count()) if listed.item(row).text() == title)
    listed.scrollToItem(item)
    QTest.mouseClick(listed.viewport(), Qt.MouseButton.LeftButton, pos=listed.visualItemRect(item).center())


def test_shift_a_adds_a_layer_at_the_mouse(hands: Hands) -> None:
    hands.drag_to(QPoint(300, 200), QPoint(400, 300))
    hands.key(Qt.Key.Key_A, SHIFT)
    assert popup(hands).heading == "A new layer"
    assert len(popup(hands).titles) == len(registry.layers())
    type_and_take(hands, "conv2d")
    assert hands.view.quick_add.popup is None
    (node,) = hands.graph.nodes.values()
    assert node.kind == "conv2d"
    place = hands.view.mapToScene(400, 300)
    assert abs(node.x + CARD_WIDTH / 2 - place.x()) < 2
    assert abs(node.y + PORT_Y - place.y()) < 2
    assert hands.view.selected == (node.id,)
    hands.document.undo()
    assert not hands.graph.nodes
    assert not hands.document.can_undo


@pytest.mark.parametrize("hands", [IMAGE], indirect=True)
def test_it_is_wired_behind_the_selected_card_and_says_what_it_would_give(hands: Hands) -> None:
    hands.click(hands.card("conv2d"))
    hands.drag_to(FREE)
    hands.key(Qt.Key.Key_A, SHIFT)
    assert popup(hands).heading == "Behind conv2d, which puts out 16×26×26"
    assert popup(hands).titles[:2] == ["ReLU", "BatchNorm2d"]
    rows = popup(hands).list_widget
    told = {
        rows.item(row).text(): str(rows.item(row).data(Qt.ItemDataRole.AccessibleTextRole))
        for row in range(rows.count())
    }
    assert told["MaxPool2d"].startswith("MaxPool2d. gives 16×13×13. ")
    assert told["Linear"].startswith("Linear. Linear expects a flat input and gets 16×26×26.")
    type_and_take(hands, "maxpool2d")
    assert ("conv2d", "pool1") in hands.wires
    place = hands.view.mapToScene(FREE)
    assert abs(hands.graph.nodes["pool1"].x + CARD_WIDTH / 2 - place.x()) < 2
    hands.document.undo()
    assert hands.graph == IMAGE.graph


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_over_a_wire_it_goes_into_it(hands: Hands) -> None:
    wire = hands.view.canvas_scene.wires[Edge(PortRef("linear"), PortRef("relu"))]
    hands.drag_to(FREE, hands.place(wire.curve.pointAtPercent(0.5)))
    hands.key(Qt.Key.Key_A, SHIFT)
    assert popup(hands).heading == "Into the wire from linear to relu"
    assert not {"Input", "Output"} & set(popup(hands).titles)
    type_and_take(hands, "dropout")
    assert {("linear", "dropout1"), ("dropout1", "relu")} <= hands.wires
    hands.document.undo()
    assert hands.graph == ROW.graph
    assert not hands.document.can_undo


def test_what_was_used_of_late_comes_first(hands: Hands) -> None:
    for text in ("tanh", "linear"):
        hands.key(Qt.Key.Key_A, SHIFT)
        type_and_take(hands, text)
    hands.view.select([])
    hands.key(Qt.Key.Key_A, SHIFT)
    assert popup(hands).titles[:2] == ["Linear", "Tanh"]


def test_arrows_and_mouse_choose_and_escape_leaves_nothing(hands: Hands) -> None:
    hands.key(Qt.Key.Key_A, SHIFT)
    field, listed = popup(hands).search_field, popup(hands).list_widget
    QTest.keyClicks(field, "pool2d")
    titles = popup(hands).titles
    assert titles[:2] == ["MaxPool2d", "AvgPool2d"]
    QTest.keyClick(field, Qt.Key.Key_Down)
    QTest.keyClick(field, Qt.Key.Key_Down)
    QTest.keyClick(field, Qt.Key.Key_Up)
    assert listed.currentItem().text() == "AvgPool2d"
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert hands.view.quick_add.popup is None
    assert not hands.graph.nodes
    hands.key(Qt.Key.Key_A, SHIFT)
    click_row(popup(hands).list_widget, "BatchNorm2d")
    assert [node.kind for node in hands.graph.nodes.values()] == ["batch_norm2d"]


def test_a_name_that_is_none_adds_nothing(hands: Hands) -> None:
    hands.key(Qt.Key.Key_A, SHIFT)
    type_and_take(hands, "transmogrifier")
    assert popup(hands).titles == []
    assert not hands.graph.nodes


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_tab_looks_for_a_layer_only_after_the_mouse(hands: Hands) -> None:
    hands.key(Qt.Key.Key_Tab)
    assert hands.view.quick_add.popup is None
    assert hands.view.selected == ("input",)
    hands.drag_to(FREE, FREE + QPoint(5, 5))
    hands.key(Qt.Key.Key_Tab)
    QTest.keyClick(popup(hands).search_field, Qt.Key.Key_Escape)
    hands.drag_to(FREE, FREE + QPoint(9, 5))
    hands.key(Qt.Key.Key_Home)
    hands.key(Qt.Key.Key_Tab)
    assert hands.view.quick_add.popup is None
    assert hands.view.selected == ("flatten",)


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_double_click_on_free_ground_looks_for_a_layer(hands: Hands) -> None:
    hands.click(FREE)
    QTest.mouseDClick(hands.view.viewport(), Qt.MouseButton.LeftButton, pos=FREE)
    type_and_take(hands, "relu")
    assert "relu1" in hands.graph.nodes
    assert not hands.view.canvas_scene.wires_at("relu1")


@pytest.mark.parametrize("hands", [IMAGE], indirect=True)
def test_a_wire_let_go_over_free_ground_offers_what_takes_the_shape(hands: Hands) -> None:
    start = hands.port("conv2d", output=True)
    end = start + QPoint(90, 220)
    hands.drag(start, end)
    found = popup(hands)
    assert found.heading == "What takes 16×26×26 from conv2d"
    assert found.titles[:3] == ["ReLU", "BatchNorm2d", "MaxPool2d"]
    assert "Flatten + Linear" in found.titles
    assert not {"Linear", "Conv1d", "Input"} & set(found.titles)
    assert hands.view.overlay.gesture is not None, "the wire stays in sight while one chooses"
    click_row(found.list_widget, "BatchNorm2d")
    assert hands.view.overlay.gesture is None
    assert ("conv2d", "norm1") in hands.wires
    place = hands.view.mapToScene(end)
    assert abs(hands.graph.nodes["norm1"].x - place.x()) < 2
    assert abs(hands.graph.nodes["norm1"].y + PORT_Y - place.y()) < 2
    assert hands.document.inference.shape("norm1") == (16, 26, 26)
    hands.document.undo()
    assert hands.graph == IMAGE.graph
    assert not hands.document.can_undo


@pytest.mark.parametrize("hands", [IMAGE], indirect=True)
def test_a_flatten_comes_with_the_layer_that_needs_it(hands: Hands) -> None:
    start = hands.port("conv2d", output=True)
    hands.drag(start, start + QPoint(60, 200))
    type_and_take(hands, "linear")
    assert {("conv2d", "flatten1"), ("flatten1", "linear1")} <= hands.wires
    assert hands.view.selected == ("linear1",)
    rects = [card.card_rect() for card in hands.view.canvas_scene.cards.values()]
    assert not any(a.intersects(b) for i, a in enumerate(rects) for b in rects[:i])
    hands.document.undo()
    assert hands.graph == IMAGE.graph


@pytest.mark.parametrize("hands", [IMAGE], indirect=True)
def test_escape_at_the_end_of_a_wire_leaves_nothing(hands: Hands) -> None:
    start = hands.port("conv2d", output=True)
    hands.drag(start, start + QPoint(60, 200))
    QTest.keyClick(popup(hands).search_field, Qt.Key.Key_Escape)
    assert hands.view.overlay.gesture is None
    assert hands.view.quick_add.popup is None
    assert hands.graph == IMAGE.graph
    assert not hands.document.can_undo


@pytest.mark.parametrize("hands", [IMAGE], indirect=True)
def test_a_click_on_a_port_asks_for_nothing(hands: Hands) -> None:
    hands.click(hands.port("conv2d", output=True))
    assert hands.view.quick_add.popup is None


def test_a_wire_drawn_backwards_offers_what_could_feed_it(hands: Hands) -> None:
    hands.document.replace(chain("linear", "output"))
    hands.view.camera.set_zoom(1.0)
    start = hands.port("linear", output=False)
    end = start + QPoint(-20, 230)
    hands.drag(start, end)
    found = popup(hands)
    assert found.heading == "What feeds linear"
    assert "Flatten" in found.titles
    assert not {"Conv2d", "MaxPool2d", "Output"} & set(found.titles)
    type_and_take(hands, "flatten")
    assert ("flatten1", "linear") in hands.wires
    place = hands.view.mapToScene(end)
    assert abs(hands.graph.nodes["flatten1"].x + CARD_WIDTH - place.x()) < 2
    hands.document.undo()
    assert ("linear", "output") in hands.wires and len(hands.graph.nodes) == 2


@pytest.mark.parametrize("hands", [IMAGE], indirect=True)
def test_a_change_from_elsewhere_puts_the_list_away(hands: Hands) -> None:
    hands.key(Qt.Key.Key_A, SHIFT)
    hands.document.apply(SetParam("conv2d", "out_channels", 8))
    assert hands.view.quick_add.popup is None


@pytest.mark.parametrize("scale", [1.0, 32 / 13])
def test_the_list_stays_within_the_window(hands: Hands, scale: float) -> None:
    theme.set_text_scale(scale)
    try:
        for point in (QPoint(1190, 790), QPoint(2, 2)):
            hands.drag_to(QPoint(600, 400), point)
            hands.key(Qt.Key.Key_A, SHIFT)
            found = popup(hands)
            window = hands.view.window()
            inside = found.geometry().translated(-window.mapToGlobal(QPoint()))
            assert window.rect().contains(inside)
            QTest.keyClick(found.search_field, Qt.Key.Key_Escape)
    finally:
        theme.set_text_scale(1.0)


def test_one_line_of_help_is_the_first_sentence() -> None:
    assert first_sentence("max(0, x): passes what is positive. Quick.") == "max(0, x): passes what is positive."
    assert first_sentence("One.") == "One."


def test_shift_a_in_the_window_opens_the_list_once(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    person = Person(window, qtbot)
    window.canvas.setFocus()
    window.canvas.select([person.nodes[1]])
    count = len(person.nodes)
    person.keys("A", Qt.KeyboardModifier.ShiftModifier)
    popup = window.canvas.quick_add.popup
    assert popup is not None
    QTest.keyClicks(popup.search_field, "dropout")
    QTest.keyClick(popup.search_field, Qt.Key.Key_Return)
    assert len(person.nodes) == count + 1
    added = person.nodes[-1]
    assert (person.nodes[1], added) in person.wires
    window.finish()
    assert Settings(window.settings.path).recent_layers == ("dropout",)
