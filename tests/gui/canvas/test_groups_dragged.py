"""Folded cards and frames are dragged, put in line and filled: what stands in them moves along."""

from __future__ import annotations

import pytest
from canvas_hands import Hands
from group_hands import (
    BLOCK,
    FOLDED,
    RESIDUAL,
    UNFOLDED,
    frame_of,
    places,
    roomy,
    same_look,
    title_of,
    undone_at_once,
    with_groups,
)
from msgspec.structs import replace
from PySide6.QtCore import QPoint, QPointF, Qt

from nnviz.project.drawing.alignment import Alignment
from nnviz.project.model import Group, Node, PortRef

CONTROL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier


@pytest.fixture
def canvas(hands: Hands) -> Hands:
    """The hands at a canvas on which the whole network is seen at full size."""
    roomy(hands)
    return hands


# ---- dragging


@pytest.mark.parametrize("hands", [FOLDED], indirect=True)
def test_a_folded_card_takes_its_contents_along(canvas: Hands) -> None:
    before, inside = canvas.graph, places(canvas, BLOCK)
    start = canvas.card("block")
    canvas.drag(start, start + QPoint(43, 210), keys=ALT)
    assert (canvas.graph.groups["block"].x, canvas.graph.groups["block"].y) == (238.0, 210.0)
    assert places(canvas, BLOCK) == {node: (x + 43.0, y + 210.0) for node, (x, y) in inside.items()}
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [UNFOLDED], indirect=True)
def test_a_frame_is_dragged_by_its_title_with_all_that_stands_in_it(canvas: Hands) -> None:
    before, inside = canvas.graph, places(canvas, BLOCK)
    outside = places(canvas, ("input", "flatten"))
    rect = frame_of(canvas, "block").card_rect()
    start = title_of(canvas, "block")
    canvas.press(start)
    canvas.drag_to(start + QPoint(20, 90), start + QPoint(40, 230), keys=ALT)
    assert frame_of(canvas, "block").card_rect() == rect.translated(40.0, 230.0)
    canvas.release(start + QPoint(40, 230), keys=ALT)
    assert places(canvas, BLOCK) == {node: (x + 40.0, y + 230.0) for node, (x, y) in inside.items()}
    assert places(canvas, ("input", "flatten")) == outside
    assert frame_of(canvas, "block").card_rect() == rect.translated(40.0, 230.0)
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [UNFOLDED], indirect=True)
def test_a_frame_snaps_so_that_its_cards_come_to_stand_in_the_row(canvas: Hands) -> None:
    start = title_of(canvas, "block")
    canvas.drag(start, start + QPoint(2, 300))
    canvas.view.centerOn(canvas.view.camera.content_rect().center())
    start = title_of(canvas, "block")
    canvas.drag(start, start + QPoint(0, -297))
    assert {canvas.graph.nodes[node].y for node in BLOCK} == {0.0}


@pytest.mark.parametrize("hands", [UNFOLDED], indirect=True)
def test_escape_puts_a_dragged_frame_back(canvas: Hands) -> None:
    rect, start = frame_of(canvas, "block").card_rect(), title_of(canvas, "block")
    canvas.press(start)
    canvas.drag_to(start + QPoint(50, 90))
    canvas.key(Qt.Key.Key_Escape)
    assert frame_of(canvas, "block").card_rect() == rect
    assert canvas.graph == UNFOLDED.graph
    same_look(canvas)


TWO_FRAMES = with_groups(
    replace(
        RESIDUAL,
        graph=replace(
            RESIDUAL.graph,
            nodes={
                **RESIDUAL.graph.nodes,
                "linear": replace(RESIDUAL.graph.nodes["linear"], x=1170.0, y=330.0),
                "flatten": replace(RESIDUAL.graph.nodes["flatten"], x=975.0, y=330.0),
            },
        ),
    ),
    [
        Group("block", "Residual block", collapsed=False, x=195.0, y=0.0),
        Group("head", "Head", collapsed=False, x=975.0, y=330.0),
    ],
    {**dict.fromkeys(BLOCK, "block"), "flatten": "head", "linear": "head"},
)


@pytest.mark.parametrize("hands", [TWO_FRAMES], indirect=True)
def test_a_card_is_dragged_out_of_one_frame_and_into_another(canvas: Hands) -> None:
    before = canvas.graph
    frames = canvas.view.canvas_scene.frames.items
    start, goal = canvas.card("add"), title_of(canvas, "head") + QPoint(40, 30)
    dark = canvas.view.grab().toImage()
    canvas.press(start)
    canvas.drag_to(start + QPoint(10, 60), goal - QPoint(5, 5), goal, keys=ALT)
    assert frames["head"].target
    assert not frames["block"].target
    # The frame that it leaves does not stretch after it.
    assert frames["block"].card_rect().right() < canvas.view.canvas_scene.cards["add"].card_rect().left()
    assert canvas.view.grab().toImage() != dark
    canvas.release(goal, keys=ALT)
    assert canvas.graph.nodes["add"].group == "head"
    assert not any(frame.target for frame in frames.values())
    assert frames["head"].card_rect().contains(canvas.view.canvas_scene.cards["add"].card_rect())
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [TWO_FRAMES], indirect=True)
def test_a_card_dragged_onto_free_ground_leaves_its_frame(canvas: Hands) -> None:
    before = canvas.graph
    start = canvas.card("add")
    canvas.drag(start, start + QPoint(-300, 290), keys=ALT)
    assert canvas.graph.nodes["add"].group == ""
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [TWO_FRAMES], indirect=True)
def test_a_card_dragged_within_its_frame_stays_in_it(canvas: Hands) -> None:
    start = canvas.card("add")
    canvas.drag(start, start + QPoint(-9, 12), keys=ALT)
    assert canvas.graph.nodes["add"].group == "block"
    assert canvas.document.undo_title == "Move add"


@pytest.mark.parametrize("hands", [TWO_FRAMES], indirect=True)
def test_a_frame_is_dragged_into_a_frame_and_never_into_itself(canvas: Hands) -> None:
    before = canvas.graph
    start = title_of(canvas, "head")
    goal = canvas.card("relu") + QPoint(0, -20)
    canvas.drag(start, goal, keys=ALT)
    assert canvas.graph.groups["head"].parent == "block"
    assert canvas.graph.nodes["linear"].group == "head"
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [TWO_FRAMES], indirect=True)
def test_the_last_card_that_leaves_a_frame_takes_the_group_away(canvas: Hands) -> None:
    before = canvas.graph
    for node in ("flatten", "linear"):
        start = canvas.card(node)
        canvas.drag(start, start + QPoint(-500, 150), keys=ALT)
    assert set(canvas.graph.groups) == {"block"}
    canvas.document.undo()
    canvas.document.undo()
    assert canvas.graph == before


# ---- layers from the palette


@pytest.mark.parametrize("hands", [UNFOLDED], indirect=True)
def test_a_layer_from_the_palette_is_dropped_into_a_frame_that_lights_up(canvas: Hands) -> None:
    before = canvas.graph
    goal = canvas.place(frame_of(canvas, "block").card_rect().bottomLeft() + QPointF(60.0, -6.0))
    canvas.hold_layer("dropout", goal)
    assert frame_of(canvas, "block").target
    canvas.drop_layer("dropout", goal)
    assert not frame_of(canvas, "block").target
    assert canvas.graph.nodes["dropout1"].group == "block"
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [UNFOLDED], indirect=True)
def test_a_layer_from_the_palette_goes_into_a_wire_of_a_frame(canvas: Hands) -> None:
    before = canvas.graph
    middle = (canvas.port("conv1", output=True) + canvas.port("relu", output=False)) / 2
    canvas.drop_layer("batch_norm2d", middle)
    added = next(node for node in canvas.graph.nodes if node not in before.nodes)
    assert canvas.graph.nodes[added].group == "block"
    assert {("conv1", added), (added, "relu")} <= canvas.wires
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [FOLDED], indirect=True)
def test_a_layer_in_the_wire_to_a_folded_group_feeds_all_that_the_wire_stood_for(canvas: Hands) -> None:
    before = canvas.graph
    start = canvas.card("block")
    canvas.drag(start, start + QPoint(210, 260), keys=ALT)
    canvas.view.centerOn(canvas.view.camera.content_rect().center())
    before = canvas.graph
    (wire,) = (found for edge, found in canvas.view.canvas_scene.wires.items() if edge.target.node == "block")
    canvas.drop_layer("identity", canvas.place(wire.path().pointAtPercent(0.5)))
    assert {edge.target for edge in canvas.graph.edges if edge.source.node == "identity1"} == {
        PortRef("conv1"), PortRef("add", 1),
    }  # fmt: skip
    assert [edge.target.node for edge in canvas.graph.edges if edge.source.node == "input"] == ["identity1"]
    assert canvas.graph.nodes["identity1"].group == ""
    undone_at_once(canvas, before)


LOOSE = replace(
    UNFOLDED,
    graph=replace(UNFOLDED.graph, nodes={**UNFOLDED.graph.nodes, "drop": Node("drop", "dropout", x=400.0, y=420.0)}),
)


@pytest.mark.parametrize("hands", [LOOSE], indirect=True)
def test_a_loose_card_dropped_onto_a_wire_in_a_frame_stands_in_it(canvas: Hands) -> None:
    before = canvas.graph
    start = canvas.card("drop")
    rect = canvas.view.canvas_scene.cards["drop"].card_rect()
    middle = (canvas.port("conv1", output=True) + canvas.port("relu", output=False)) / 2
    canvas.drag(start, start + middle - canvas.place(rect.center()), keys=ALT)
    assert {("conv1", "drop"), ("drop", "relu")} <= canvas.wires
    assert canvas.graph.nodes["drop"].group == "block"
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [UNFOLDED], indirect=True)
def test_a_layer_added_behind_one_in_a_group_stands_in_the_group(canvas: Hands) -> None:
    canvas.view.select(["add"])
    added = canvas.view.desk.add_layer("relu")
    assert added is not None
    assert canvas.graph.nodes[added].group == "block"
    assert ("add", added) in canvas.wires


# ---- order


@pytest.mark.parametrize("hands", [TWO_FRAMES], indirect=True)
def test_frames_and_cards_are_aligned(canvas: Hands) -> None:
    before = canvas.graph
    inside = places(canvas, ("flatten", "linear"))
    canvas.click(canvas.card("output"))
    canvas.click(title_of(canvas, "head"), Qt.KeyboardModifier.ShiftModifier)
    assert canvas.view.selected == ("output", "head")
    canvas.key(Qt.Key.Key_Down, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    canvas.view.editing.align(Alignment.BOTTOM)
    card = canvas.view.canvas_scene.cards["output"].card_rect()
    assert card.bottom() == frame_of(canvas, "head").card_rect().bottom()
    moved = places(canvas, ("flatten", "linear"))
    by = {(moved[node][0] - inside[node][0], moved[node][1] - inside[node][1]) for node in inside}
    assert len(by) == 1
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [FOLDED], indirect=True)
def test_folded_groups_are_put_in_line_with_their_contents(canvas: Hands) -> None:
    start = canvas.card("block")
    canvas.drag(start, start + QPoint(0, 90), keys=ALT)
    before, inside = canvas.graph, places(canvas, BLOCK)
    canvas.view.select(["input", "block"])
    canvas.view.editing.align(Alignment.TOP)
    assert canvas.graph.groups["block"].y == 0.0
    assert places(canvas, BLOCK) == {node: (x, y - 90.0) for node, (x, y) in inside.items()}
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [UNFOLDED, FOLDED], indirect=True)
def test_arrows_nudge_a_group_with_all_that_stands_in_it(canvas: Hands) -> None:
    before, inside = canvas.graph, places(canvas, BLOCK)
    canvas.view.select(["block"])
    for _ in range(3):
        canvas.key(Qt.Key.Key_Down)
    ((_, first), *_) = inside.values()
    by = canvas.graph.nodes["conv1"].y - first
    assert by > 0.0
    assert places(canvas, BLOCK) == {node: (x, y + by) for node, (x, y) in inside.items()}
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [UNFOLDED], indirect=True)
def test_arrange_keeps_cards_out_of_frames(canvas: Hands) -> None:
    canvas.view.desk.arrange()
    frame = frame_of(canvas, "block").card_rect()
    for node, card in canvas.view.canvas_scene.cards.items():
        assert frame.contains(card.card_rect()) == (node in BLOCK), node
