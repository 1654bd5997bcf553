"""Groups by hand: made, folded, unfolded, looked into, named, taken apart; every change is one step."""

from __future__ import annotations

import pytest
from canvas_hands import Hands
from group_hands import (
    BLOCK,
    CHAIN_BLOCK,
    FOLDED,
    NESTED,
    RESIDUAL,
    UNFOLDED,
    double_click,
    frame_of,
    roomy,
    same_look,
    seen,
    severity_of,
    shown_wires,
    sign_of,
    title_of,
    undone_at_once,
)
from msgspec.structs import replace
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QToolButton
from pytestqt.qtbot import QtBot

from nnviz.record.readings import Finding

CONTROL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier


@pytest.fixture
def canvas(hands: Hands) -> Hands:
    """The hands at a canvas on which the whole network is seen at full size."""
    roomy(hands)
    return hands


# ---- folding, unfolding, looking inside


@pytest.mark.parametrize("hands", [FOLDED], indirect=True)
def test_a_double_click_on_the_card_unfolds_and_one_on_the_title_folds(canvas: Hands) -> None:
    before = canvas.graph
    assert seen(canvas) == {"input", "block", "flatten", "linear", "output"}
    assert shown_wires(canvas) == {
        ("input", "block"), ("block", "flatten"), ("flatten", "linear"), ("linear", "output"),
    }  # fmt: skip
    double_click(canvas, canvas.card("block"))
    assert seen(canvas) == set(RESIDUAL.graph.nodes)
    assert list(canvas.view.canvas_scene.frames.items) == ["block"]
    assert frame_of(canvas, "block").selected
    inside = canvas.view.canvas_scene.rect_of(BLOCK)
    assert frame_of(canvas, "block").card_rect().contains(inside)
    undone_at_once(canvas, before)
    before = canvas.graph
    double_click(canvas, title_of(canvas, "block"))
    assert seen(canvas) == {"input", "block", "flatten", "linear", "output"}
    assert canvas.view.selected == ("block",)
    assert canvas.view.canvas_scene.cards["block"].look.selected
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [UNFOLDED], indirect=True)
def test_a_click_on_the_triangle_folds(canvas: Hands) -> None:
    before = canvas.graph
    canvas.drag_to(sign_of(canvas, "block"))
    assert canvas.view.viewport().cursor().shape() is Qt.CursorShape.PointingHandCursor
    canvas.click(sign_of(canvas, "block"))
    assert canvas.graph.groups["block"].collapsed
    assert "block" in seen(canvas)
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [UNFOLDED], indirect=True)
def test_a_quick_second_click_on_the_triangle_opens_nothing_else(canvas: Hands) -> None:
    place = sign_of(canvas, "block")
    canvas.click(place)
    double_click(canvas, place)
    assert canvas.graph.groups["block"].collapsed
    assert canvas.view.quick_add.popup is None


@pytest.mark.parametrize("hands", [NESTED], indirect=True)
def test_groups_in_groups_unfold_one_by_one(canvas: Hands) -> None:
    for group in ("outer", "middle", "inner"):
        before = canvas.graph
        double_click(canvas, canvas.card(group))
        canvas.view.centerOn(canvas.view.camera.content_rect().center())
        undone_at_once(canvas, before)
    frames = canvas.view.canvas_scene.frames.items
    assert list(frames) == ["outer", "middle", "inner"]
    assert frames["outer"].card_rect().contains(frames["middle"].card_rect())
    assert frames["middle"].card_rect().contains(frames["inner"].card_rect())
    assert shown_wires(canvas) == {(edge.source.node, edge.target.node) for edge in RESIDUAL.graph.edges}
    rects = {node: card.card_rect() for node, card in canvas.view.canvas_scene.cards.items()}
    for node, rect in rects.items():
        assert not any(rect.intersects(other) for key, other in rects.items() if key != node), node
    outside = [rects[node] for node in ("input", "flatten", "linear", "output")]
    assert not any(frames["outer"].card_rect().intersects(rect) for rect in outside)
    # The way back: each is folded by its title, the innermost first.
    for group in ("inner", "middle", "outer"):
        double_click(canvas, title_of(canvas, group))
    assert seen(canvas) == {"input", "outer", "flatten", "linear", "output"}


@pytest.mark.parametrize("hands", [NESTED], indirect=True)
def test_one_looks_deeper_and_the_way_leads_back(canvas: Hands) -> None:
    view, before = canvas.view, canvas.graph
    crumb = view.groups.breadcrumb
    assert not crumb.isVisibleTo(view)
    view.select(["outer"])
    view.groups.enter_selected()
    assert seen(canvas) == {"middle", "add"}
    view.select(["middle"])
    view.groups.enter_selected()
    view.select(["inner"])
    view.groups.enter_selected()
    assert seen(canvas) == {"conv1", "relu"}
    assert crumb.way == (("", "residual"), ("outer", "Outer"), ("middle", "Middle"), ("inner", "Inner"))
    assert crumb.isVisibleTo(view)
    labels = [found.text() for found in crumb.findChildren(QLabel) if found.isVisibleTo(crumb) and found.text() != "›"]
    assert labels == ["Inner"]
    ways = [found for found in crumb.findChildren(QToolButton) if found.isVisibleTo(crumb)]
    assert [found.text() for found in ways] == ["residual", "Outer", "Middle"]
    assert all(crumb.rect().contains(found.geometry()) and found.width() > 30 for found in ways)
    canvas.key(Qt.Key.Key_Escape)
    assert view.canvas_scene.root == "middle"
    assert list(view.selected) == ["inner"]
    canvas.key(Qt.Key.Key_Escape)
    assert not list(view.selected)
    assert view.canvas_scene.root == "middle"
    canvas.key(Qt.Key.Key_Escape)
    assert view.canvas_scene.root == "outer"
    assert canvas.graph == before
    assert not canvas.document.is_modified


@pytest.mark.parametrize("hands", [NESTED], indirect=True)
def test_a_change_inside_a_group_is_made_there(canvas: Hands) -> None:
    view = canvas.view
    view.select(["outer"])
    view.groups.enter_selected()
    before = canvas.graph
    rect = view.canvas_scene.content_rect()
    canvas.drop_layer("dropout", canvas.place(rect.bottomLeft() + QPointF(100.0, 60.0)))
    assert canvas.graph.nodes["dropout1"].group == "outer"
    undone_at_once(canvas, before)
    assert view.canvas_scene.root == "outer"


@pytest.mark.parametrize("hands", [RESIDUAL], indirect=True)
def test_undo_of_the_making_of_a_group_leads_out_of_it(canvas: Hands) -> None:
    view = canvas.view
    view.select(BLOCK)
    view.groups.group_selected()
    assert view.renaming.editor is not None
    canvas.type("Block")
    canvas.press_key(Qt.Key.Key_Return)
    (group,) = canvas.graph.groups
    assert canvas.graph.groups[group].name == "Block"
    view.groups.enter_selected()
    assert view.canvas_scene.root == group
    while canvas.graph.groups:
        canvas.document.undo()
    assert canvas.graph == RESIDUAL.graph
    assert view.canvas_scene.root == ""
    assert view.camera.visible_rect().contains(view.camera.content_rect())
    assert not view.groups.breadcrumb.isVisibleTo(view)
    same_look(canvas)


@pytest.mark.parametrize("hands", [NESTED], indirect=True)
def test_a_group_that_goes_leads_to_the_one_around_it(canvas: Hands) -> None:
    view = canvas.view
    for group in ("outer", "middle", "inner"):
        view.groups.enter(group)
    view.desk.select_all()
    canvas.key(Qt.Key.Key_Delete)
    assert "inner" not in canvas.graph.groups
    assert view.canvas_scene.root == "middle"
    assert seen(canvas) == {"conv2"}
    assert view.camera.visible_rect().contains(view.camera.content_rect())
    canvas.document.undo()
    assert canvas.graph == NESTED.graph
    assert seen(canvas) == {"inner", "conv2"}


@pytest.mark.parametrize("hands", [FOLDED], indirect=True)
def test_another_project_is_shown_from_its_top(canvas: Hands) -> None:
    canvas.view.groups.enter("block")
    canvas.document.replace(FOLDED)
    assert canvas.view.canvas_scene.root == ""
    assert "input" in seen(canvas)


# ---- making and taking apart


@pytest.mark.parametrize("hands", [RESIDUAL], indirect=True)
def test_a_rubber_band_and_a_name_make_a_group(canvas: Hands) -> None:
    rects = canvas.view.canvas_scene.rect_of(BLOCK)
    canvas.drag(canvas.place(rects.topLeft() - QPointF(12.0, 40.0)), canvas.place(rects.bottomRight() + QPointF(9, 30)))
    assert set(canvas.view.selected) == set(BLOCK)
    canvas.view.groups.group_selected()
    assert canvas.view.renaming.editor is not None
    canvas.type("Residual")
    canvas.press_key(Qt.Key.Key_Return)
    (group,) = canvas.graph.groups.values()
    assert group.name == "Residual"
    assert canvas.view.canvas_scene.cards[group.id].facts.title == "Residual"
    assert canvas.view.hasFocus()
    assert {node.id for node in canvas.graph.nodes.values() if node.group == group.id} == set(BLOCK)
    assert set(canvas.graph.edges) == set(RESIDUAL.graph.edges)


@pytest.mark.parametrize("hands", [RESIDUAL], indirect=True)
def test_enter_without_a_name_leaves_the_group_without_one(canvas: Hands) -> None:
    canvas.view.select(BLOCK)
    canvas.view.groups.group_selected()
    canvas.press_key(Qt.Key.Key_Return)
    (group,) = canvas.graph.groups.values()
    assert group.name == ""
    canvas.document.undo()
    assert canvas.graph == RESIDUAL.graph


@pytest.mark.parametrize("hands", [UNFOLDED], indirect=True)
def test_a_rubber_band_around_a_frame_takes_it_with_all_that_stands_in_it(canvas: Hands) -> None:
    frame = frame_of(canvas, "block").card_rect()
    below = frame.bottomRight() + QPointF(4.0, 60.0)
    canvas.drag(canvas.place(frame.topLeft() - QPointF(6.0, 40.0)), canvas.place(below))
    assert "block" in canvas.view.selected
    canvas.key(Qt.Key.Key_Delete)
    assert set(canvas.graph.nodes) == {"input", "flatten", "linear", "output"}
    assert not canvas.graph.groups


@pytest.mark.parametrize("hands", [UNFOLDED], indirect=True)
def test_everything_selected_and_grouped_keeps_the_groups_inside(canvas: Hands) -> None:
    canvas.view.desk.select_all()
    canvas.view.groups.group_selected()
    canvas.press_key(Qt.Key.Key_Escape)
    outer = next(group for group in canvas.graph.groups if group != "block")
    assert canvas.graph.groups["block"].parent == outer
    assert {node.group for node in canvas.graph.nodes.values()} == {"block", outer}


@pytest.mark.parametrize("hands", [FOLDED], indirect=True)
def test_taken_apart_its_members_stay(canvas: Hands) -> None:
    before = canvas.graph
    canvas.click(canvas.card("block"))
    canvas.view.groups.ungroup_selected()
    assert not canvas.graph.groups
    assert seen(canvas) == set(RESIDUAL.graph.nodes)
    assert set(canvas.view.selected) == set(BLOCK)
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [NESTED], indirect=True)
def test_several_groups_are_taken_apart_in_one_step(canvas: Hands) -> None:
    canvas.view.groups.set_all(fold=False)
    before = canvas.graph
    canvas.view.select(["outer", "middle", "inner"])
    canvas.view.groups.ungroup_selected()
    assert not canvas.graph.groups
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [NESTED], indirect=True)
def test_several_groups_fold_and_unfold_in_one_step(canvas: Hands) -> None:
    canvas.view.groups.set_all(fold=False)
    before = canvas.graph
    canvas.view.select(["middle", "inner"])
    canvas.view.groups.toggle_selected()
    assert canvas.graph.groups["middle"].collapsed
    assert canvas.graph.groups["inner"].collapsed
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [UNFOLDED], indirect=True)
def test_nothing_selected_is_said(canvas: Hands, qtbot: QtBot) -> None:
    groups = canvas.view.groups
    for act in (groups.group_selected, groups.ungroup_selected, groups.toggle_selected, groups.enter_selected,
                groups.bypass_selected):  # fmt: skip
        with qtbot.waitSignal(canvas.view.message) as told:
            act()
        assert told.args[0].endswith(".")
    assert canvas.graph == UNFOLDED.graph


# ---- the field of a name


@pytest.mark.parametrize("hands", [FOLDED], indirect=True)
@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.Key.Key_Tab])
def test_the_named_thing_stays_selected_and_the_keys_go_on(canvas: Hands, key: Qt.Key) -> None:
    canvas.click(canvas.card("block"))
    opened: list[str] = []
    canvas.view.node_activated.connect(opened.append)
    canvas.key(Qt.Key.Key_F2)
    canvas.type("Shortcut")
    canvas.press_key(Qt.Key.Key_Down)
    canvas.press_key(key)
    assert canvas.view.renaming.editor is None
    assert canvas.view.selected == ("block",)
    assert canvas.view.hasFocus()
    assert not opened
    assert canvas.graph.groups["block"].name == ("Residual block" if key == Qt.Key.Key_Escape else "Shortcut")
    assert canvas.graph.groups["block"].y == 0.0


@pytest.mark.parametrize("hands", [FOLDED], indirect=True)
def test_a_field_elsewhere_that_is_clicked_gets_the_keyboard(canvas: Hands, qtbot: QtBot) -> None:
    other = QLineEdit(canvas.view.window())
    other.setGeometry(900, 600, 100, 30)
    other.show()
    canvas.view.select(["block"])
    canvas.key(Qt.Key.Key_F2)
    canvas.type("Shortcut")
    other.setFocus(Qt.FocusReason.MouseFocusReason)
    assert canvas.view.renaming.editor is None
    assert canvas.graph.groups["block"].name == "Shortcut"
    assert other.hasFocus()


# ---- what is told


@pytest.mark.parametrize("hands", [FOLDED, UNFOLDED], indirect=True)
def test_what_is_wrong_inside_shows_outside(canvas: Hands) -> None:
    wires = tuple(edge for edge in canvas.graph.edges if edge.target.node != "relu")
    broken = replace(canvas.document.project, graph=replace(canvas.graph, edges=wires))
    canvas.document.replace(broken)
    assert severity_of(canvas, "block") == "error"


class _Run:
    """A run that has found something about one layer."""

    def __init__(self, node: str, severity: str) -> None:
        self._finding = Finding(f"finding/dead/{node}", 0, severity, "Half of it is dead.", node=node)

    last_step = 0

    def latest(self, series: str, step: int | None = None) -> None:
        return None

    def findings(self, step: int | None = None) -> tuple[Finding, ...]:
        return (self._finding,) if self._finding.node else ()


@pytest.mark.parametrize("hands", [FOLDED, UNFOLDED], indirect=True)
def test_what_a_run_finds_inside_shows_outside(canvas: Hands) -> None:
    scene = canvas.view.canvas_scene
    assert severity_of(canvas, "block") == ""
    canvas.view.stage.live.show(_Run("relu", "warning"), None)
    scene.refresh_findings()
    assert severity_of(canvas, "block") == "warning"
    canvas.view.stage.live.show(_Run("", "warning"), None)
    scene.refresh_findings()
    assert severity_of(canvas, "block") == ""


# ---- bypassing


@pytest.mark.parametrize("hands", [CHAIN_BLOCK], indirect=True)
def test_a_bypassed_group_passes_on_what_comes_in(canvas: Hands) -> None:
    before = canvas.graph
    canvas.click(canvas.card("pair"))
    canvas.view.groups.bypass_selected()
    assert {node.id for node in canvas.graph.nodes.values() if node.bypassed} == {"linear", "relu"}
    facts = canvas.view.canvas_scene.cards["pair"].facts
    assert facts.bypassed
    assert facts.shape == (64,)
    assert facts.parameters == 0
    undone_at_once(canvas, before)
    canvas.view.groups.bypass_selected()
    assert canvas.graph == before


@pytest.mark.parametrize("hands", [RESIDUAL], indirect=True)
def test_a_bypassed_join_passes_on_its_first_input(canvas: Hands) -> None:
    before = canvas.graph
    canvas.click(canvas.card("add"))
    canvas.view.groups.bypass_selected()
    assert canvas.graph.nodes["add"].bypassed
    assert canvas.view.canvas_scene.cards["add"].facts.bypassed
    assert canvas.document.inference.shape("add") == (4, 12, 12)
    assert not [found for found in canvas.document.diagnostics if found.node == "add" and found.severity == "error"]
    undone_at_once(canvas, before)


@pytest.mark.parametrize("hands", [RESIDUAL], indirect=True)
def test_an_end_of_the_network_is_not_bypassed(canvas: Hands, qtbot: QtBot) -> None:
    for node in ("input", "output"):
        canvas.click(canvas.card(node))
        with qtbot.waitSignal(canvas.view.message) as told:
            canvas.view.groups.bypass_selected()
        assert "end of the network" in told.args[0]
    assert canvas.graph == RESIDUAL.graph


@pytest.mark.parametrize("hands", [UNFOLDED], indirect=True)
def test_groups_are_told_to_those_who_listen(canvas: Hands) -> None:
    canvas.click(title_of(canvas, "block"))
    told = canvas.view.accessibleDescription()
    assert told == "Residual block, unfolded group block, 4 layers · 296 parameters."
    double_click(canvas, title_of(canvas, "block"))
    canvas.view.select(())
    canvas.click(canvas.card("block"))
    told = canvas.view.accessibleDescription()
    assert told.startswith("Residual block, block, folded group of 4 layers ← 4×12×12, output 4×12×12, 296 parameters")


@pytest.mark.parametrize("hands", [UNFOLDED], indirect=True)
def test_ports_do_not_stay_where_a_dragged_card_was(canvas: Hands) -> None:
    start = canvas.card("flatten")
    canvas.press(start)
    assert canvas.view.overlay.ports.shown
    canvas.drag_to(start + QPoint(20, 50))
    assert not canvas.view.overlay.ports.shown
    canvas.release(start + QPoint(20, 50))
    assert canvas.view.overlay.ports.shown
