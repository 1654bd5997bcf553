"""Wires snap, are plugged elsewhere by either end, and say what would not fit before they are let go."""

from __future__ import annotations

import pytest
from canvas_hands import Hands, chain
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from nnviz.project.model import Edge, Graph, Node, PortRef, Project

ROW = chain("input", "flatten", "linear", "relu", "output", input={"shape": (1, 8, 8)})
UNEQUAL = Project(
    graph=Graph(
        {
            node.id: node
            for node in (
                Node("input", "input", {"shape": (4, 12, 12)}, x=0.0, y=0.0),
                Node("conv", "conv2d", {"out_channels": 8, "padding": (1, 1)}, x=195.0, y=0.0),
                Node("add", "add", x=390.0, y=240.0),
            )
        },
        (
            Edge(PortRef("input"), PortRef("conv")),
            Edge(PortRef("input"), PortRef("add")),
        ),
    )
)
SENTENCE = "Add needs inputs of one shape and gets 4×12×12 and 8×12×12."


@pytest.mark.parametrize("hands", [UNEQUAL], indirect=True)
def test_a_sum_of_unequal_shapes_is_doubted_and_may_be_drawn(hands: Hands, qtbot: QtBot) -> None:
    target = hands.port("add", output=False, index=1)
    hands.press(hands.port("conv", output=True))
    hands.drag_to(target - QPoint(60, 60), target)
    assert hands.view.overlay.hint == f"Allowed, but: {SENTENCE}"
    assert hands.view.overlay.hint_tone == "warning"
    with qtbot.waitSignal(hands.view.message) as told:
        hands.release(target)
    assert told.args == [SENTENCE]
    assert Edge(PortRef("conv"), PortRef("add", 1)) in hands.graph.edges
    assert any(SENTENCE in diagnostic.text for diagnostic in hands.document.diagnostics)
    hands.document.undo()
    assert hands.graph == UNEQUAL.graph


@pytest.mark.parametrize("hands", [UNEQUAL], indirect=True)
def test_the_keyboard_is_told_the_same(hands: Hands) -> None:
    hands.view.select(["conv"])
    hands.key(Qt.Key.Key_C)
    assert hands.view.canvas_scene.cards["add"].look.target
    assert hands.view.overlay.hint == f"Allowed, but: {SENTENCE}"
    assert hands.view.accessibleDescription() == f"Add: Allowed, but: {SENTENCE}"
    hands.key(Qt.Key.Key_Escape)
    assert hands.view.overlay.hint == ""


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_a_full_join_refuses_one_wire_more_with_its_number(hands: Hands) -> None:
    wires = tuple(Edge(PortRef("flatten"), PortRef("add", port)) for port in range(64))
    nodes = {**ROW.graph.nodes, "add": Node("add", "add", x=390.0, y=240.0)}
    hands.document.replace(Project(graph=Graph(nodes, (*ROW.graph.edges, *wires))))
    hands.view.camera.set_zoom(1.0)
    hands.press(hands.port("relu", output=True))
    hands.drag_to(hands.card("add") + QPoint(0, 5), hands.card("add"))
    assert hands.view.overlay.hint == "Add takes at most 64 wires."
    before = hands.graph
    hands.release(hands.card("add"))
    assert hands.graph == before


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_a_wire_that_gives_way_is_named(hands: Hands) -> None:
    target = hands.port("output", output=False)
    hands.press(hands.port("linear", output=True))
    hands.drag_to(target + QPoint(-40, 70), target)
    assert hands.view.overlay.hint == "Takes the place of the wire from relu."
    hands.release(target)
    assert ("linear", "output") in hands.wires
    assert ("relu", "output") not in hands.wires


@pytest.mark.parametrize("hands", [Project(graph=Graph(ROW.graph.nodes, ()))], indirect=True)
def test_the_end_snaps_to_a_port_within_reach(hands: Hands) -> None:
    target = hands.port("linear", output=False)
    hands.press(hands.port("input", output=True))
    beside = target + QPoint(-13, 6)
    hands.drag_to(target + QPoint(-60, 90), beside)
    assert hands.view.canvas_scene.cards["linear"].look.target
    hands.release(beside)
    assert hands.wires == {("input", "linear")}


@pytest.mark.parametrize("hands", [Project(graph=Graph(ROW.graph.nodes, ()))], indirect=True)
def test_an_output_in_reach_does_not_hide_the_input_behind_it(hands: Hands) -> None:
    # The output of Flatten and the input of Linear are neighbours in the row.
    output, target = hands.port("flatten", output=True), hands.port("linear", output=False)
    between = target + QPoint(-16, 0)
    assert (between - output).manhattanLength() < 40
    hands.drag(hands.port("input", output=True), between)
    assert hands.wires == {("input", "linear")}


@pytest.mark.parametrize("hands", [UNEQUAL], indirect=True)
def test_a_wire_is_taken_by_its_nearer_end(hands: Hands) -> None:
    wire = hands.view.canvas_scene.wires[Edge(PortRef("input"), PortRef("add"))]
    near_source = hands.place(wire.curve.pointAtPercent(0.3))
    hands.drag(near_source, hands.port("conv", output=True))
    assert hands.wires == {("input", "conv"), ("conv", "add")}
    hands.document.undo()
    assert hands.graph == UNEQUAL.graph
    assert not hands.document.can_undo
    wire = hands.view.canvas_scene.wires[Edge(PortRef("input"), PortRef("add"))]
    near_target = hands.place(wire.curve.pointAtPercent(0.7))
    hands.drag(near_target, hands.port("add", output=False, index=1))
    assert Edge(PortRef("input"), PortRef("add", 1)) in hands.graph.edges
    assert Edge(PortRef("input"), PortRef("add", 0)) not in hands.graph.edges


@pytest.mark.parametrize("hands", [UNEQUAL], indirect=True)
def test_a_wire_pulled_off_and_let_go_or_given_up_stays(hands: Hands) -> None:
    wire = hands.view.canvas_scene.wires[Edge(PortRef("input"), PortRef("add"))]
    start = hands.place(wire.curve.pointAtPercent(0.3))
    hands.drag(start, start + QPoint(-120, 250))
    hands.press(start)
    hands.drag_to(start + QPoint(-20, 60))
    assert not wire.isVisible()
    hands.key(Qt.Key.Key_Escape)
    hands.release(start + QPoint(-20, 60))
    assert hands.view.quick_add.popup is None
    assert hands.graph == UNEQUAL.graph
    assert wire.isVisible()


@pytest.mark.parametrize("hands", [UNEQUAL], indirect=True)
def test_a_click_on_a_wire_selects_it_and_delete_removes_it(hands: Hands, qtbot: QtBot) -> None:
    wire = hands.view.canvas_scene.wires[Edge(PortRef("input"), PortRef("add"))]
    hands.click(hands.place(wire.curve.pointAtPercent(0.3)))
    assert hands.view.canvas_scene.selected_wires == (wire.edge,)
    with qtbot.waitSignal(hands.view.message) as told:
        hands.key(Qt.Key.Key_Delete)
    assert told.args == ["Removed a wire."]
    assert hands.wires == {("input", "conv")}


# ---- removing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_removing_a_layer_says_which_neighbours_were_joined(hands: Hands, qtbot: QtBot) -> None:
    hands.click(hands.card("relu"))
    with qtbot.waitSignal(hands.view.message) as told:
        hands.key(Qt.Key.Key_Delete)
    assert told.args == ["Removed relu. Now linear feeds output."]
    assert ("linear", "output") in hands.wires


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_neighbours_whose_shapes_do_not_fit_are_not_joined(hands: Hands, qtbot: QtBot) -> None:
    hands.click(hands.card("flatten"))
    with qtbot.waitSignal(hands.view.message) as told:
        hands.key(Qt.Key.Key_Delete)
    assert told.args == ["Removed flatten. input was not wired to linear: Linear expects a flat input and gets 1×8×8."]
    assert hands.wires == {("linear", "relu"), ("relu", "output")}
    assert hands.document.undo_title == "Remove flatten"
    hands.document.undo()
    assert hands.graph == ROW.graph
    assert not hands.document.can_undo


def test_behind_a_join_of_several_nothing_is_guessed(hands: Hands, qtbot: QtBot) -> None:
    nodes = {
        node.id: node
        for node in (
            Node("input", "input", {"shape": (4, 12, 12)}),
            Node("tanh", "tanh", x=195.0),
            Node("add", "add", x=390.0),
            Node("relu", "relu", x=585.0),
        )
    }
    wires = (("input", "tanh", 0), ("input", "add", 0), ("tanh", "add", 1), ("add", "relu", 0))
    graph = Graph(nodes, tuple(Edge(PortRef(a), PortRef(b, port)) for a, b, port in wires))
    hands.document.replace(Project(graph=graph))
    hands.view.camera.set_zoom(1.0)
    hands.click(hands.card("add"))
    with qtbot.waitSignal(hands.view.message) as told:
        hands.key(Qt.Key.Key_Delete)
    assert told.args == ["Removed add. add had 2 inputs, so relu waits for one."]
    assert hands.wires == {("input", "tanh")}
    hands.document.undo()
    assert hands.graph == graph
    hands.click(hands.card("tanh"))
    with qtbot.waitSignal(hands.view.message) as told:
        hands.key(Qt.Key.Key_Delete)
    assert told.args == ["Removed tanh. Now input feeds add."]
    assert Edge(PortRef("input"), PortRef("add", 1)) in hands.graph.edges


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_several_removed_at_once_leave_one_sentence(hands: Hands, qtbot: QtBot) -> None:
    hands.view.select(["linear", "relu"])
    with qtbot.waitSignal(hands.view.message) as told:
        hands.key(Qt.Key.Key_Delete)
    assert told.args == ["Removed linear and relu. Now flatten feeds output."]
    hands.document.undo()
    hands.key(Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    with qtbot.waitSignal(hands.view.message) as told:
        hands.key(Qt.Key.Key_Delete)
    assert told.args == ["Removed 5 layers."]
