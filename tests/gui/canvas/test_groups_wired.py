"""Wires of folded groups stand for those of their members; groups are copied, renamed and removed."""

from __future__ import annotations

import pytest
from canvas_hands import Hands, chain
from group_hands import (
    CHAIN_BLOCK,
    FOLDED,
    NESTED,
    UNFOLDED,
    double_click,
    frame_of,
    roomy,
    title_of,
    undone_at_once,
)
from msgspec.structs import replace
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from nnviz.gui.canvas.hands.quick_add_popup import QuickAddPopup
from nnviz.gui.canvas.items.frame_item import FrameItem
from nnviz.gui.canvas.items.node_item import NodeItem
from nnviz.gui.canvas.view import CanvasView
from nnviz.project.document import Document
from nnviz.project.drawing.layout import CARD_HEIGHT
from nnviz.project.model import Edge, Node, PortRef

CONTROL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier


@pytest.fixture
def canvas(hands: Hands) -> Hands:
    """The hands at a canvas on which the whole network is seen at full size."""
    roomy(hands)
    return hands


# ---- wires


@pytest.mark.parametrize("hands", [FOLDED], indirect=True)
def test_a_wire_from_a_folded_group_begins_at_the_member(canvas: Hands) -> None:
    before = canvas.graph
    canvas.drag(canvas.port("block", output=True), canvas.port("linear", output=False))
    assert Edge(PortRef("add"), PortRef("linear")) in canvas.graph.edges
    assert ("flatten", "linear") not in canvas.wires
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [FOLDED], indirect=True)
def test_the_wire_of_a_shortcut_is_plugged_elsewhere_as_a_whole(canvas: Hands) -> None:
    """One wire to the eye, two wires of the network: both are taken from the input and plugged in elsewhere."""
    extra = Node("other", "input", {"shape": (4, 12, 12)}, x=0.0, y=330.0)
    graph = replace(FOLDED.graph, nodes={**FOLDED.graph.nodes, "other": extra})
    canvas.document.replace(replace(FOLDED, graph=graph))
    roomy(canvas)
    before = canvas.graph
    # By its source: a wire is taken by the nearer end.
    (edge,) = (edge for edge in canvas.view.canvas_scene.wires if edge.target.node == "block")
    start = canvas.place(canvas.view.canvas_scene.wires[edge].path().pointAtPercent(0.3))
    canvas.drag(start, canvas.port("other", output=True))
    assert {edge.target for edge in canvas.graph.edges if edge.source.node == "other"} == {
        PortRef("conv1"), PortRef("add", 1),
    }  # fmt: skip
    assert not any(edge.source.node == "input" for edge in canvas.graph.edges)
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [FOLDED], indirect=True)
def test_a_wire_that_stands_for_two_is_removed_with_both(canvas: Hands) -> None:
    before = canvas.graph
    (edge,) = (edge for edge in canvas.view.canvas_scene.wires if edge.target.node == "block")
    canvas.click(canvas.place(canvas.view.canvas_scene.wires[edge].path().pointAtPercent(0.5)))
    assert canvas.view.canvas_scene.selected_wires == (edge,)
    canvas.key(Qt.Key.Key_Delete)
    assert not any(wire.source.node == "input" for wire in canvas.graph.edges)
    # Each of the two ends without a wire has a port of its own now.
    assert canvas.view.canvas_scene.cards["block"].facts.input_ports == 2
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [FOLDED], indirect=True)
def test_loose_ends_of_a_folded_group_are_wired_one_by_one(canvas: Hands) -> None:
    wires = tuple(edge for edge in FOLDED.graph.edges if edge.source.node != "input")
    canvas.document.replace(replace(FOLDED, graph=replace(FOLDED.graph, edges=wires)))
    roomy(canvas)
    canvas.drag(canvas.port("input", output=True), canvas.port("block", output=False, index=1))
    assert sum(edge.source.node == "input" for edge in canvas.graph.edges) == 1
    canvas.drag(canvas.port("input", output=True), canvas.card("block"))
    assert {edge.target for edge in canvas.graph.edges if edge.source.node == "input"} == {
        PortRef("conv1"), PortRef("add", 1),
    }  # fmt: skip
    assert canvas.view.canvas_scene.cards["block"].facts.input_ports == 1


@pytest.mark.parametrize("hands", [FOLDED], indirect=True)
def test_a_wire_that_cannot_be_is_refused_with_its_reason(canvas: Hands, qtbot: QtBot) -> None:
    before = canvas.graph
    canvas.press(canvas.port("flatten", output=True))
    goal = canvas.port("block", output=False)
    canvas.drag_to(goal - QPoint(30, 40), goal)
    assert "circle" in canvas.view.overlay.hint
    with qtbot.waitSignal(canvas.view.message) as told:
        canvas.release(goal)
    assert "circle" in told.args[0]
    assert canvas.graph == before


@pytest.mark.parametrize("hands", [FOLDED], indirect=True)
def test_a_folded_group_behind_is_offered_what_follows_its_member(canvas: Hands) -> None:
    start = canvas.port("block", output=True)
    canvas.drag(start, start + QPoint(60, 260))
    popup = canvas.view.quick_add.popup
    assert isinstance(popup, QuickAddPopup)
    assert popup.isVisible()
    canvas.type("max")
    canvas.press_key(Qt.Key.Key_Return)
    added = next(node for node in canvas.graph.nodes if node not in FOLDED.graph.nodes)
    assert ("add", added) in canvas.wires
    assert canvas.graph.nodes[added].group == ""


@pytest.mark.parametrize("hands", [FOLDED], indirect=True)
def test_quick_add_goes_behind_the_selected_group(canvas: Hands) -> None:
    canvas.click(canvas.card("block"))
    canvas.view.quick_add.open(QPointF(300.0, 300.0))
    canvas.type("max")
    canvas.press_key(Qt.Key.Key_Return)
    added = next(node for node in canvas.graph.nodes if node not in FOLDED.graph.nodes)
    assert ("add", added) in canvas.wires


@pytest.mark.parametrize("hands", [FOLDED], indirect=True)
def test_quick_add_feeds_all_ends_of_a_port_that_stands_for_two(canvas: Hands) -> None:
    before = canvas.graph
    (edge,) = (edge for edge in canvas.view.canvas_scene.wires if edge.target.node == "block")
    wire = canvas.view.canvas_scene.wires[edge].path().pointAtPercent(0.5)
    double_click(canvas, canvas.place(wire))
    canvas.type("identity")
    canvas.press_key(Qt.Key.Key_Return)
    assert {edge.target for edge in canvas.graph.edges if edge.source.node == "identity1"} == {
        PortRef("conv1"), PortRef("add", 1),
    }  # fmt: skip
    undone_at_once(canvas, before)


# ---- clipboard, names, removal


@pytest.mark.parametrize("hands", [NESTED], indirect=True)
def test_a_copied_group_brings_all_that_stands_in_it(canvas: Hands) -> None:
    before = canvas.graph
    canvas.click(canvas.card("outer"))
    canvas.key(Qt.Key.Key_C, CONTROL)
    canvas.key(Qt.Key.Key_V, CONTROL)
    (copy,) = canvas.view.selected
    assert copy not in before.groups
    assert canvas.graph.groups[copy].name == "Outer"
    assert len(canvas.graph.groups) == 6
    assert len(canvas.graph.nodes) == len(before.nodes) + 4
    inside = len(canvas.graph.edges) - len(before.edges)
    assert inside == 3
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [NESTED], indirect=True)
def test_a_group_is_doubled_and_cut(canvas: Hands) -> None:
    before = canvas.graph
    canvas.click(canvas.card("outer"))
    canvas.key(Qt.Key.Key_D, CONTROL)
    assert len(canvas.graph.groups) == 6
    undone_at_once(canvas, before)
    canvas.document.undo()
    canvas.click(canvas.card("outer"))
    canvas.key(Qt.Key.Key_X, CONTROL)
    assert not canvas.graph.groups
    assert set(canvas.graph.nodes) == {"input", "flatten", "linear", "output"}
    undone_at_once(canvas, before)
    canvas.key(Qt.Key.Key_V, CONTROL)
    (back,) = canvas.view.selected
    assert (canvas.graph.groups[back].x, canvas.graph.groups[back].y) == (195.0, 0.0)


@pytest.mark.parametrize("hands", [NESTED], indirect=True)
def test_groups_go_from_window_to_window_as_text(canvas: Hands, qtbot: QtBot) -> None:
    canvas.click(canvas.card("outer"))
    canvas.key(Qt.Key.Key_C, CONTROL)
    text = QGuiApplication.clipboard().text()
    assert '"name": "Middle"' in text
    QGuiApplication.clipboard().setText(text)
    other = CanvasView(Document(chain("input", "flatten", input={"shape": (4, 12, 12)})))
    qtbot.addWidget(other)
    other.resize(900, 700)
    other.show()
    qtbot.waitExposed(other)
    Hands(other, other.canvas_scene.document).key(Qt.Key.Key_V, CONTROL)
    graph = other.canvas_scene.graph
    assert {group.name for group in graph.groups.values()} == {"Outer", "Middle", "Inner"}
    assert len(graph.nodes) == 6


@pytest.mark.parametrize("hands", [UNFOLDED], indirect=True)
def test_paste_here_puts_the_middle_of_a_frame_at_the_mouse(canvas: Hands) -> None:
    start = title_of(canvas, "block")
    canvas.drag(start, start + QPoint(100, 150), keys=ALT)
    canvas.click(title_of(canvas, "block"))
    canvas.key(Qt.Key.Key_C, CONTROL)
    canvas.view.desk.paste(QPointF(2000.0, 1500.0))
    (copy,) = canvas.view.selected
    rect = frame_of(canvas, copy).card_rect()
    # As near as one can say before the cards have been measured.
    assert abs(rect.center().x() - 2000.0) <= 1.0
    assert abs(rect.center().y() - 1500.0) <= CARD_HEIGHT / 2


@pytest.mark.parametrize("hands", [FOLDED, UNFOLDED], indirect=True)
def test_f2_names_a_group_in_its_place(canvas: Hands) -> None:
    before = canvas.graph
    canvas.view.select(["block"])
    canvas.key(Qt.Key.Key_F2)
    editor = canvas.view.renaming.editor
    assert editor is not None
    assert editor.text() == "Residual block"
    canvas.type("Shortcut")
    canvas.press_key(Qt.Key.Key_Return)
    assert canvas.graph.groups["block"].name == "Shortcut"
    item = canvas.view.canvas_scene.item("block")
    assert isinstance(item, NodeItem | FrameItem)
    assert item.facts.title == "Shortcut"
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [FOLDED], indirect=True)
def test_an_empty_name_brings_the_usual_title_back(canvas: Hands) -> None:
    for text in ("Group", ""):
        canvas.view.editing.rename("block", "Other")
        canvas.view.editing.rename("block", text)
        assert canvas.graph.groups["block"].name == ""


@pytest.mark.parametrize("hands", [CHAIN_BLOCK], indirect=True)
def test_what_stood_around_a_removed_group_is_joined(canvas: Hands, qtbot: QtBot) -> None:
    before = canvas.graph
    canvas.click(canvas.card("pair"))
    with qtbot.waitSignal(canvas.view.message) as told:
        canvas.key(Qt.Key.Key_Delete)
    assert told.args == ["Removed Pair with linear and relu. Now flatten feeds output."]
    assert ("flatten", "output") in canvas.wires
    assert canvas.view.selected == ("flatten",)
    assert canvas.document.undo_title == "Remove Pair"
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [UNFOLDED], indirect=True)
def test_the_menu_of_a_frame_is_opened_on_its_title(canvas: Hands) -> None:
    menu = canvas.view.menus.at(frame_of(canvas, "block").head_rect().center())
    entries = [action.text().partition("\t")[0] for action in menu.actions()]
    assert {"Rename", "Fold", "Look inside", "Ungroup", "Bypass", "Copy", "Remove"} <= set(entries)
    assert canvas.view.selected == ("block",)
