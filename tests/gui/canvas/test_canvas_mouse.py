"""The network is changed by mouse; every gesture is one step of the history."""

from __future__ import annotations

from itertools import pairwise

import pytest
from canvas_hands import Hands, chain
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nnviz.gui.canvas.geometry import PORT_RADIUS
from nnviz.gui.canvas.hands.gestures import ConnectGesture, DropGesture
from nnviz.gui.look import theme
from nnviz.project.edits import Connect, Disconnect
from nnviz.project.model import Edge, PortRef, Project

ROW = chain("input", "flatten", "linear", "relu", "output", input={"shape": (1, 8, 8)})
LOOSE = Project(graph=ROW.graph.__class__(ROW.graph.nodes, ()))
SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


def test_layer_dropped_on_empty_canvas_is_added_where_it_falls(hands: Hands) -> None:
    hands.drop_layer("conv2d", QPoint(400, 300))
    (node,) = hands.graph.nodes.values()
    assert node.kind == "conv2d"
    place = hands.view.mapToScene(400, 300)
    assert abs(node.x + 78 - place.x()) < 2
    assert abs(node.y + 58 - place.y()) < 2
    assert hands.view.selected == (node.id,)
    assert hands.document.undo()
    assert not hands.graph.nodes
    assert not hands.view.canvas_scene.cards
    assert not hands.document.can_undo


def test_foreign_data_is_left_to_the_window(hands: Hands) -> None:
    hands.hold_layer("no_such_layer", QPoint(100, 100))
    assert hands.view.overlay.gesture is None


def test_leaving_with_a_layer_changes_nothing(hands: Hands) -> None:
    from PySide6.QtGui import QDragLeaveEvent

    hands.hold_layer("relu", QPoint(100, 100))
    assert isinstance(hands.view.overlay.gesture, DropGesture)
    QApplication.sendEvent(hands.view.viewport(), QDragLeaveEvent())
    assert hands.view.overlay.gesture is None
    assert not hands.graph.nodes


@pytest.mark.parametrize("hands", [LOOSE], indirect=True)
def test_two_cards_are_wired_from_port_to_port(hands: Hands) -> None:
    hands.drag(hands.port("input", output=True), hands.port("flatten", output=False))
    assert hands.wires == {("input", "flatten")}
    assert hands.document.undo_title == "Connect input to flatten"
    hands.document.undo()
    assert hands.wires == set()
    assert not hands.view.canvas_scene.wires


@pytest.mark.parametrize("hands", [LOOSE], indirect=True)
def test_a_wire_can_be_drawn_backwards_and_dropped_on_a_card(hands: Hands) -> None:
    hands.drag(hands.port("linear", output=False), hands.card("flatten"))
    assert hands.wires == {("flatten", "linear")}


@pytest.mark.parametrize("hands", [LOOSE], indirect=True)
def test_a_wire_dropped_on_empty_canvas_is_none(hands: Hands) -> None:
    start = hands.port("input", output=True)
    hands.drag(start, start + QPoint(10, 250))
    assert hands.wires == set()
    assert not hands.document.can_undo


@pytest.mark.parametrize("hands", [LOOSE], indirect=True)
def test_possible_ports_light_up_while_a_wire_is_drawn(hands: Hands) -> None:
    start = hands.port("flatten", output=True)
    hands.press(start)
    hands.drag_to(start + QPoint(5, 80))
    assert isinstance(hands.view.overlay.gesture, ConnectGesture)
    lit = {port.ref.node for port, _ in hands.view.overlay.ports.shown.items()}
    assert lit == {"flatten", "linear", "relu", "output"}, "Input has no input port, Flatten is the source"
    hands.key(Qt.Key.Key_Escape)
    assert hands.view.overlay.gesture is None
    assert not hands.view.overlay.ports.shown
    hands.release(start + QPoint(5, 80))
    assert hands.wires == set()


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_a_circle_is_refused_with_its_reason(hands: Hands, qtbot: QtBot) -> None:
    target = hands.card("flatten")
    hands.press(hands.port("relu", output=True))
    hands.drag_to(target + QPoint(20, 40), target)
    assert "circle" in hands.view.overlay.hint
    with qtbot.waitSignal(hands.view.message) as told:
        hands.release(target)
    assert "circle" in told.args[0]
    assert "flatten already leads to relu" in told.args[0]
    assert hands.view.overlay.hint == ""
    assert hands.graph == ROW.graph
    assert not hands.document.can_undo


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_the_end_of_a_wire_is_plugged_elsewhere_in_one_step(hands: Hands) -> None:
    hands.drag(hands.port("relu", output=False), hands.port("output", output=False))
    assert hands.wires == {("input", "flatten"), ("flatten", "linear"), ("linear", "output")}
    hands.document.undo()
    assert hands.graph == ROW.graph
    assert not hands.document.can_undo


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_a_wire_taken_by_its_end_and_let_go_stays(hands: Hands) -> None:
    start = hands.port("relu", output=False)
    hands.drag(start, start + QPoint(0, 260))
    assert hands.graph == ROW.graph
    assert all(wire.isVisible() for wire in hands.view.canvas_scene.wires.values())


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_a_card_moves_with_the_mouse_as_one_step(hands: Hands) -> None:
    start = hands.card("linear")
    hands.drag(start, start + QPoint(37, 160))
    node = hands.graph.nodes["linear"]
    assert (node.x, node.y) == (390 + 37, 160)
    hands.document.undo()
    assert hands.graph == ROW.graph
    assert hands.view.canvas_scene.cards["linear"].place == (390, 0)
    assert not hands.document.can_undo


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_cards_snap_to_rows(hands: Hands) -> None:
    start = hands.card("linear")
    hands.drag(start, start + QPoint(60, 4))
    assert hands.graph.nodes["linear"].y == 0


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_escape_puts_a_dragged_card_back(hands: Hands) -> None:
    start = hands.card("linear")
    hands.press(start)
    hands.drag_to(start + QPoint(50, 90))
    assert hands.view.canvas_scene.cards["linear"].place != (390, 0)
    hands.key(Qt.Key.Key_Escape)
    assert hands.view.canvas_scene.cards["linear"].place == (390, 0)
    hands.release(start + QPoint(50, 90))
    assert not hands.document.can_undo


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_a_click_selects_and_a_trembling_hand_moves_nothing(hands: Hands) -> None:
    point = hands.card("linear")
    hands.press(point)
    hands.drag_to(point + QPoint(1, 1))
    hands.release(point + QPoint(1, 1))
    assert hands.view.selected == ("linear",)
    assert not hands.document.can_undo


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_rubber_band_selects_and_the_group_moves_together(hands: Hands, qtbot: QtBot) -> None:
    cards = hands.view.canvas_scene.cards
    first, last = cards["flatten"].card_rect(), cards["linear"].card_rect()
    with qtbot.waitSignal(hands.view.selection_changed):
        hands.drag(hands.place(first.topLeft() + QPointF(-15, -30)), hands.place(last.topRight() + QPointF(10, 20)))
    assert hands.view.selected == ("flatten", "linear")
    hands.drag(hands.card("linear"), hands.card("linear") + QPoint(0, 200))
    assert [hands.graph.nodes[node].y for node in ("flatten", "linear", "relu")] == [200, 200, 0]
    hands.document.undo()
    assert hands.graph == ROW.graph


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_shift_and_control_add_to_the_selection(hands: Hands) -> None:
    hands.click(hands.card("input"))
    hands.click(hands.card("relu"), SHIFT)
    assert hands.view.selected == ("input", "relu")
    hands.click(hands.card("input"), CONTROL)
    assert hands.view.selected == ("relu",)
    hands.click(hands.card("flatten") + QPoint(0, 300))
    assert hands.view.selected == ()


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_delete_rejoins_the_chain_and_undo_restores_it(hands: Hands) -> None:
    hands.click(hands.card("linear"))
    hands.key(Qt.Key.Key_Delete)
    assert hands.wires == {("input", "flatten"), ("flatten", "relu"), ("relu", "output")}
    assert hands.view.selected == ("flatten",)
    hands.document.undo()
    assert hands.graph == ROW.graph
    assert set(hands.view.canvas_scene.cards) == set(ROW.graph.nodes)
    assert set(hands.view.canvas_scene.wires) == set(ROW.graph.edges)


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_a_wire_is_selected_by_a_click_and_removed(hands: Hands) -> None:
    wire = hands.view.canvas_scene.wires[Edge(PortRef("flatten"), PortRef("linear"))]
    hands.click(hands.place(wire.curve.pointAtPercent(0.5)))
    assert hands.view.canvas_scene.selected_wires == (wire.edge,)
    hands.key(Qt.Key.Key_Delete)
    assert ("flatten", "linear") not in hands.wires
    assert len(hands.wires) == 3
    hands.document.undo()
    assert hands.graph == ROW.graph


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_a_layer_dropped_on_a_wire_goes_into_it_and_the_row_makes_room(hands: Hands) -> None:
    wire = hands.view.canvas_scene.wires[Edge(PortRef("linear"), PortRef("relu"))]
    point = hands.place(wire.curve.pointAtPercent(0.5))
    hands.hold_layer("dropout", point)
    assert wire.hovered
    assert "Insert" in hands.view.overlay.hint
    hands.drop_layer("dropout", point)
    assert ("linear", "dropout1") in hands.wires
    assert ("dropout1", "relu") in hands.wires
    assert ("linear", "relu") not in hands.wires
    rects = [card.card_rect() for card in hands.view.canvas_scene.cards.values()]
    assert not any(a.intersects(b) for i, a in enumerate(rects) for b in rects[:i])
    assert hands.graph.nodes["dropout1"].x < hands.graph.nodes["relu"].x < hands.graph.nodes["output"].x
    hands.document.undo()
    assert hands.graph == ROW.graph
    assert not hands.document.can_undo


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_an_input_layer_does_not_go_into_a_wire(hands: Hands) -> None:
    wire = hands.view.canvas_scene.wires[Edge(PortRef("linear"), PortRef("relu"))]
    hands.drop_layer("input", hands.place(wire.curve.pointAtPercent(0.5)))
    assert ("linear", "relu") in hands.wires
    assert len(hands.graph.nodes) == 6


def test_a_loose_card_is_dragged_into_a_wire(hands: Hands) -> None:
    project = chain("input", "flatten", "output")
    hands.document.replace(project)
    loose = hands.view.desk.add_layer("relu", (100.0, 320.0))
    assert loose is not None
    hands.view.camera.set_zoom(1.0)
    wire = hands.view.canvas_scene.wires[Edge(PortRef("input"), PortRef("flatten"))]
    rect = hands.view.canvas_scene.cards[loose].card_rect()
    grip = hands.card(loose)
    by = wire.curve.pointAtPercent(0.5) - rect.center()
    hands.drag(grip, grip + QPoint(round(by.x()), round(by.y())))
    assert {("input", loose), (loose, "flatten")} <= hands.wires
    assert hands.document.undo_title.startswith("Insert")


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_double_click_opens_a_card(hands: Hands, qtbot: QtBot) -> None:
    with qtbot.waitSignal(hands.view.node_activated) as opened:
        QTest.mouseDClick(hands.view.viewport(), Qt.MouseButton.LeftButton, pos=hands.card("relu"))
    assert opened.args == ["relu"]


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_ports_appear_under_the_mouse_and_grow(hands: Hands) -> None:
    from nnviz.gui.canvas.items.ports import PortState

    hands.drag_to(hands.card("linear"))
    states = [state for _, state in hands.view.overlay.ports.shown.values()]
    assert states == [PortState.IDLE, PortState.IDLE]
    assert hands.view.canvas_scene.cards["linear"].look.hovered
    hands.drag_to(hands.port("linear", output=True))
    states = [state for _, state in hands.view.overlay.ports.shown.values()]
    assert states == [PortState.IDLE, PortState.HOT]
    hands.drag_to(hands.card("linear") + QPoint(0, 300))
    assert not hands.view.overlay.ports.shown


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_a_change_from_elsewhere_ends_the_gesture(hands: Hands) -> None:
    start = hands.port("relu", output=True)
    hands.press(start)
    hands.drag_to(start + QPoint(5, 90))
    edge = Edge(PortRef("relu"), PortRef("output"))
    hands.document.apply(Disconnect(edge))
    assert hands.view.overlay.gesture is None
    hands.document.apply(Connect(edge))
    assert hands.graph == ROW.graph


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_the_menu_fits_what_is_under_the_mouse(hands: Hands) -> None:
    menu = hands.view.menus.at(hands.view.canvas_scene.cards["relu"].card_rect().center())
    assert hands.view.selected == ("relu",)
    assert any("Rename" in action.text() for action in menu.actions())
    wire = hands.view.canvas_scene.wires[Edge(PortRef("linear"), PortRef("relu"))]
    menu = hands.view.menus.at(wire.curve.pointAtPercent(0.5))
    assert any("Remove wire" in action.text() for action in menu.actions())
    menu = hands.view.menus.at(QPointF(0.0, 900.0))
    assert any("Paste here" in action.text() for action in menu.actions())


@pytest.mark.parametrize("hands", [None], indirect=True)
def test_layers_dragged_one_after_the_other_are_wired_as_the_empty_canvas_promises(hands: Hands) -> None:
    for index, kind in enumerate(("input", "flatten", "linear", "output")):
        hands.drop_layer(kind, QPoint(120 + 250 * index, 300))
    assert hands.wires == set(pairwise(hands.graph.nodes))
    places = [node.x for node in hands.graph.nodes.values()]
    assert places == sorted(places)
    # What feeds somebody already gets no second wire unasked.
    hands.view.select([next(iter(hands.graph.nodes))])
    hands.drop_layer("dropout", QPoint(400, 600))
    assert len(hands.wires) == 3


@pytest.mark.parametrize("hands", [None], indirect=True)
def test_ports_without_a_wire_can_be_seen_without_pointing_at_them(hands: Hands) -> None:
    hands.drop_layer("conv2d", QPoint(400, 300))
    (node,) = hands.graph.nodes
    # The mouse is elsewhere, and nothing is selected.
    hands.view.select([])
    hands.view.overlay.show_ports({})
    QApplication.processEvents()
    picture = hands.view.viewport().grab().toImage()
    rim = round(PORT_RADIUS)
    for output in (False, True):
        place = hands.port(node, output=output)
        colours = {picture.pixelColor(place.x() + across, place.y()).name() for across in (-rim, 0, rim)}
        assert theme.current().panel_raised.name() in colours and len(colours) > 1
    hands.drop_layer("relu", QPoint(700, 300))
    assert len(hands.view._open_places()) == 4
    hands.drag(hands.port(node, output=True), hands.port(next(iter(set(hands.graph.nodes) - {node})), output=False))
    assert len(hands.wires) == 1 and len(hands.view._open_places()) == 2
