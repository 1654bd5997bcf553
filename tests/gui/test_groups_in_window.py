"""Groups in the window: keys, training with groups and bypassed layers, files, inspector, the way to a layer."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot
from window_hands import CONTROL, LEFT, SHIFT, Person
from window_kit import OpenWindow, is_ready, press_notice, state_is

from nnviz.gui.panels.problems import ProblemsPanel
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import RemoveNodes
from nnviz.project.files.io import load, save
from nnviz.project.model import Group, Project
from nnviz.project.samples import templates
from nnviz.record.readings import ArrayReading, Scalar

SAMPLE = "digits-cnn"


def grouped(project: Project, groups: dict[str, tuple[str, ...]]) -> Project:
    """The project with some nodes in folded groups of these names."""
    graph = project.graph
    inside = {node: group for group, nodes in groups.items() for node in nodes}
    nodes = {key: replace(node, group=inside.get(key, "")) for key, node in graph.nodes.items()}
    first = {group: graph.nodes[members[0]] for group, members in groups.items()}
    made = {group: Group(group, group.title(), x=node.x, y=node.y) for group, node in first.items()}
    return replace(project, graph=replace(graph, nodes=nodes, groups=made))


def row(project: Project) -> list[str]:
    """Ids of the layers in the order in which the data flows."""
    return list(project.graph.nodes)


def cards(window: MainWindow) -> set[str]:
    """Ids of the cards that are shown."""
    return set(window.canvas.canvas_scene.cards)


def on_title(window: MainWindow, group: str) -> QPoint:
    """A point on the title of a frame."""
    head = window.canvas.canvas_scene.frames.items[group].head_rect()
    return window.canvas.mapFromScene(QPointF(head.left() + 60.0, head.center().y()))


def middle_layers(project: Project) -> list[str]:
    """Two layers in the middle of a row, of which the first one has weights."""
    return next([a, b] for a, b in pairwise(row(project)) if a.startswith(("conv", "linear")))


def test_keys_make_fold_unfold_enter_leave_and_take_apart(open_window: OpenWindow, qtbot: QtBot) -> None:
    project = templates.sample(SAMPLE)
    window = open_window(project, ready=False)
    person = Person(window, qtbot)
    document, canvas = window.document, window.canvas
    first = document.project.graph
    chosen = middle_layers(project)
    person.select(chosen[0])
    QTest.mouseClick(person.handle, LEFT, SHIFT, person.place(canvas.viewport(), person.on_canvas(chosen[1], "title")))
    assert list(canvas.selected) == chosen
    person.keys("G", CONTROL)
    person.write("Block")
    person.keys(Qt.Key.Key_Return)
    (group,) = document.project.graph.groups.values()
    assert (group.name, group.collapsed) == ("Block", True)
    assert list(canvas.selected) == [group.id]
    # The name was meant for the field: the inspector's first editor has not taken the keyboard.
    assert canvas.hasFocus()
    person.keys(".", CONTROL)
    assert set(chosen) <= cards(window)
    person.keys(".", CONTROL)
    assert group.id in cards(window)
    person.keys(Qt.Key.Key_Return, CONTROL)
    assert cards(window) == set(chosen)
    person.keys(Qt.Key.Key_Backspace, CONTROL)
    assert canvas.canvas_scene.root == ""
    assert list(canvas.selected) == [group.id]
    person.keys(Qt.Key.Key_Return, CONTROL)
    button = canvas.groups.breadcrumb.findChild(QToolButton)
    assert button is not None
    person.click(button)
    assert canvas.canvas_scene.root == ""
    person.keys("G", CONTROL | SHIFT)
    assert not document.project.graph.groups
    assert set(canvas.selected) == set(chosen)
    for _ in range(10):
        person.keys("Z", CONTROL)
    assert document.project.graph == first
    assert not document.is_modified
    for _ in range(10):
        person.keys("Y", CONTROL) if not document.can_redo else document.redo()
    assert not document.project.graph.groups


@pytest.mark.parametrize(("typed", "name"), [("Block", "Block"), ("", "")])
def test_a_group_and_its_name_are_one_step(typed: str, name: str, open_window: OpenWindow, qtbot: QtBot) -> None:
    project = templates.sample(SAMPLE)
    window = open_window(project, ready=False)
    person, document = Person(window, qtbot), window.document
    first = document.project.graph
    chosen = middle_layers(project)
    window.canvas.select(chosen)
    window.canvas.setFocus()
    person.keys("G", CONTROL)
    if typed:
        person.write(typed)
    person.keys(Qt.Key.Key_Return if typed else Qt.Key.Key_Escape)
    (group,) = document.project.graph.groups.values()
    named = document.project.graph
    assert group.name == name and len(document.history) == 1
    person.keys("Z", CONTROL)
    assert document.project.graph == first and not document.is_modified
    document.redo()
    assert document.project.graph == named
    window.canvas.select([group.id])
    person.keys(Qt.Key.Key_F2)
    person.write("Later")
    person.keys(Qt.Key.Key_Return)
    assert document.project.graph.groups[group.id].name == "Later"
    document.undo()
    assert document.project.graph == named, "a name given later is a step of its own"


def test_a_member_stands_for_the_frame_around_it(open_window: OpenWindow, qtbot: QtBot) -> None:
    project = templates.sample(SAMPLE)
    chosen = middle_layers(project)
    window = open_window(grouped(project, {"block": tuple(chosen)}), ready=False)
    person = Person(window, qtbot)
    person.select("block")
    person.keys(".", CONTROL)
    person.select(chosen[1])
    person.keys(".", CONTROL)
    assert "block" in cards(window)
    assert list(window.canvas.selected) == ["block"]


def test_groups_are_saved_and_opened_the_same(open_window: OpenWindow, tmp_path: Path) -> None:
    project = templates.sample(SAMPLE)
    block = grouped(project, {"block": tuple(middle_layers(project))})
    window = open_window(block, ready=False)
    window.canvas.groups.toggle("block")
    window.canvas.select([middle_layers(project)[1]])
    window.canvas.groups.bypass_selected()
    path = tmp_path / "groups.nnviz.json"
    save(window.document.project, path)
    opened = load(path)
    assert opened == window.document.project
    other = open_window(opened, ready=False)
    assert cards(other) == cards(window)
    for group, frame in window.canvas.canvas_scene.frames.items.items():
        assert other.canvas.canvas_scene.frames.items[group].card_rect() == frame.card_rect()


def test_groups_are_copied_from_window_to_window(open_window: OpenWindow, qtbot: QtBot) -> None:
    project = templates.sample(SAMPLE)
    chosen = middle_layers(project)
    window = open_window(grouped(project, {"block": tuple(chosen)}), ready=False)
    other = open_window("xnor-two-layer", ready=False)
    before = other.document.project.graph
    person = Person(window, qtbot)
    person.select("block")
    person.keys("C", CONTROL)
    second = Person(other, qtbot)
    other.canvas.setFocus()
    second.keys("V", CONTROL)
    graph = other.document.project.graph
    (group,) = graph.groups.values()
    assert group.name == "Block"
    assert len(graph.nodes) == len(before.nodes) + len(chosen)
    assert list(other.canvas.selected) == [group.id]
    second.keys("Z", CONTROL)
    assert other.document.project.graph == before
    QGuiApplication.clipboard().clear()


def test_a_folded_card_shows_what_flows_out_and_the_gradient_of_all(open_window: OpenWindow, qtbot: QtBot) -> None:
    project = templates.sample(SAMPLE)
    nodes = row(project)
    weighted = [node for node in nodes if node.startswith(("conv", "linear"))]
    inside = tuple(nodes[nodes.index(weighted[0]) : nodes.index(weighted[1]) + 1])
    window = open_window(grouped(project, {"block": inside}))
    person = Person(window, qtbot)
    dark = person.picture("block")
    window.action("step").trigger()
    person.until(lambda: window.training.standing.step >= 1)
    scene, live = window.canvas.canvas_scene, window.canvas.stage.live
    card = scene.cards["block"]
    person.until(lambda: live.gradient(card.facts) is not None and live.picture(card.facts) is not None)
    run = window.feed.run
    assert run is not None
    norms = []
    for node in inside:
        sample = run.latest(f"gradient_norm/{node}", None)
        if isinstance(sample, Scalar):
            norms.append(sample.value)
    assert len(norms) == 2
    gradient = live.gradient(card.facts)
    assert gradient is not None
    assert gradient == math.hypot(*norms)
    assert math.isclose(gradient, math.sqrt(math.fsum(norm * norm for norm in norms)), rel_tol=1e-15)
    picture, own = live.picture(card.facts), run.latest(f"output/{inside[-1]}", None)
    assert picture is not None
    assert isinstance(own, ArrayReading)
    assert np.array_equal(picture.array, own.array)
    person.until(lambda: not np.array_equal(person.picture("block"), dark))


def test_a_group_with_the_end_of_the_network_shows_what_it_says(open_window: OpenWindow, qtbot: QtBot) -> None:
    project = templates.sample(SAMPLE)
    inside = tuple(row(project)[-2:])
    window = open_window(grouped(project, {"head": inside}))
    person = Person(window, qtbot)
    card = window.canvas.canvas_scene.cards["head"]
    assert card.facts.output_ports == 0
    assert card.facts.shape == (10,)
    assert card.facts.class_names
    window.action("step").trigger()
    live = window.canvas.stage.live
    person.until(lambda: live.picture(card.facts) is not None and live.gradient(card.facts) is not None)


def test_problems_inside_lead_to_where_they_are(open_window: OpenWindow, qtbot: QtBot) -> None:
    broken = RemoveNodes(("flatten1",), rejoin=True).apply(templates.sample(SAMPLE))
    nodes = row(broken)
    first = next(node for node in nodes if node.startswith("linear"))
    inside = tuple(nodes[nodes.index(first) : nodes.index(first) + 2])
    window = open_window(grouped(broken, {"block": inside}), ready=False)
    scene = window.canvas.canvas_scene
    assert scene.cards["block"].look.severity == "error"
    assert any(first in reason for reason in scene.cards["block"].reasons())
    window.regions.show_node(first)
    assert scene.root == "block"
    assert list(window.canvas.selected) == [first]
    assert window.canvas.camera.visible_rect().intersects(scene.cards[first].card_rect())
    assert window.inspector is not None
    assert window.inspector.layer.heading.text() == "Linear"
    # What stands outside leads out again.
    window.regions.show_node(nodes[0])
    assert scene.root == ""
    assert list(window.canvas.selected) == [nodes[0]]
    window.canvas.groups.toggle("block")
    assert scene.frames.items["block"].severity == "error"
    window.regions.show_node(first)
    assert scene.root == ""
    assert list(window.canvas.selected) == [first]


def test_the_inspector_says_what_a_group_is(open_window: OpenWindow, qtbot: QtBot) -> None:
    project = templates.sample(SAMPLE)
    chosen = middle_layers(project)
    window = open_window(grouped(project, {"block": tuple(chosen)}), ready=False)
    person = Person(window, qtbot)
    person.select("block")
    assert window.inspector is not None
    layer = window.inspector.layer
    assert layer.heading.text() == "Block"
    assert layer.identity.text() == "group block"
    assert "A group of 2 layers." in layer.hint.text()
    assert "In: " in layer.hint.text()
    assert all(node in layer.members.text() for node in chosen)
    assert not layer.form.isVisibleTo(layer)
    layer.members.linkActivated.emit(chosen[1])
    assert window.canvas.canvas_scene.root == "block"
    assert list(window.canvas.selected) == [chosen[1]]
    assert layer.form.isVisibleTo(layer) == bool(layer.form.specs)
    assert not layer.members.isVisibleTo(layer)


def test_a_bypassed_layer_is_left_out_and_the_network_trains_without_it(open_window: OpenWindow, qtbot: QtBot) -> None:
    project = templates.sample(SAMPLE)
    window = open_window(project)
    person = Person(window, qtbot)
    document, canvas = window.document, window.canvas
    relu = next(node for node in row(project) if node.startswith("relu"))
    card = canvas.canvas_scene.cards[relu]
    before = person.picture(relu)
    person.select(relu)
    person.keys("B")
    assert document.project.graph.nodes[relu].bypassed
    assert card.facts.bypassed
    assert card.facts.note == "bypassed"
    assert not np.array_equal(person.picture(relu), before)
    person.until(lambda: is_ready(window))
    window.action("play").trigger()
    person.until(lambda: window.training.standing.step >= 2)
    window.action("play").trigger()
    person.until(state_is(window, "paused"))
    # Back again, it is another network than the one that was trained: the window says so.
    person.keys("Z", CONTROL)
    assert document.project == project
    assert canvas.canvas_scene.cards[relu].facts.note != "bypassed"
    person.until(lambda: window.notices.notice("differs") is not None)
    notice = window.notices.notice("differs")
    assert notice is not None
    assert notice.text.startswith("The project differs from what is in training: ")
    person.keys("Y", CONTROL)
    person.until(lambda: window.notices.notice("differs") is None)


def test_bypassing_after_training_is_told_and_trained_anew(open_window: OpenWindow, qtbot: QtBot) -> None:
    project = templates.sample(SAMPLE)
    chosen = middle_layers(project)
    window = open_window(grouped(project, {"block": tuple(chosen)}))
    person = Person(window, qtbot)
    window.action("step").trigger()
    person.until(lambda: window.training.standing.step >= 1)
    relu = next(node for node in row(project) if node.startswith("relu") and node not in chosen)
    person.select(relu)
    person.keys("B")
    person.until(lambda: window.notices.notice("differs") is not None)
    press_notice(window, "differs", "Restart with the new network")
    person.until(lambda: is_ready(window) and not window.training.differs)
    window.action("step").trigger()
    person.until(lambda: window.training.standing.step >= 1)
    assert window.notices.notice("differs") is None


def test_bypassing_a_layer_with_weights_takes_its_parameters_away(open_window: OpenWindow, qtbot: QtBot) -> None:
    project = templates.sample(SAMPLE)
    window = open_window(project, ready=False)
    person = Person(window, qtbot)
    canvas = window.canvas
    conv = [node for node in row(project) if node.startswith("conv")][-1]
    total = window.document.inference.parameters
    own = window.document.inference.results[conv].parameters
    assert own
    person.select(conv)
    person.keys("B")
    inference = window.document.inference
    assert inference.results[conv].parameters == 0
    source = next(edge.source.node for edge in window.document.project.graph.edges if edge.target.node == conv)
    assert inference.shape(conv) == inference.shape(source)
    assert canvas.canvas_scene.cards[conv].facts.shape == inference.shape(source)
    assert inference.parameters < total
    person.keys("B")
    assert window.document.project == project
    person.select(row(project)[0])
    with qtbot.waitSignal(canvas.message) as told:
        person.keys("B")
    assert "end of the network" in told.args[0]


def test_a_group_in_a_plane_network_shows_its_planes(open_window: OpenWindow, qtbot: QtBot) -> None:
    project = templates.sample("xnor-two-layer")
    nodes = row(project)
    window = open_window(grouped(project, {"hidden": tuple(nodes[1:3])}))
    person = Person(window, qtbot)
    card = window.canvas.canvas_scene.cards["hidden"]
    window.action("step").trigger()
    person.until(lambda: window.canvas.stage.live.picture(card.facts) is not None)
    sample = window.canvas.stage.live.picture(card.facts)
    assert sample is not None
    assert sample.series == f"plane/{nodes[2]}"


def test_grouping_while_training_does_not_begin_anew(open_window: OpenWindow, qtbot: QtBot) -> None:
    project = templates.sample(SAMPLE)
    window = open_window(project)
    person = Person(window, qtbot)
    window.action("step").trigger()
    person.until(lambda: window.training.standing.step >= 1)
    run = window.training.run
    window.canvas.select(middle_layers(project))
    window.canvas.groups.group_selected()
    person.keys(Qt.Key.Key_Return)
    (group,) = window.document.project.graph.groups
    window.canvas.groups.toggle(group)
    step = window.training.standing.step
    window.action("step").trigger()
    person.until(lambda: window.training.standing.step > step)
    assert window.training.run is run


def test_the_command_palette_leads_to_groups_and_into_them(open_window: OpenWindow, qtbot: QtBot) -> None:
    project = templates.sample(SAMPLE)
    chosen = middle_layers(project)
    window = open_window(grouped(project, {"block": tuple(chosen)}), ready=False)
    person = Person(window, qtbot)
    scene = window.canvas.canvas_scene

    def go(text: str) -> None:
        window.canvas.setFocus()
        person.keys("K", CONTROL)
        field = QApplication.focusWidget()
        assert field is not None
        QTest.keyClicks(field, text)
        QTest.keyClick(field, Qt.Key.Key_Return)

    go(f"go to {chosen[1]}")
    person.until(lambda: list(window.canvas.selected) == [chosen[1]])
    assert scene.root == "block"
    go("go to block, a group")
    person.until(lambda: list(window.canvas.selected) == ["block"])
    assert scene.root == ""


def test_a_problem_that_is_clicked_shows_the_layer_in_its_group(open_window: OpenWindow, qtbot: QtBot) -> None:
    broken = RemoveNodes(("flatten1",), rejoin=True).apply(templates.sample(SAMPLE))
    nodes = row(broken)
    first = next(node for node in nodes if node.startswith("linear"))
    inside = tuple(nodes[nodes.index(first) : nodes.index(first) + 2])
    window = open_window(grouped(broken, {"block": inside}), ready=False)
    person = Person(window, qtbot)
    window.action("problems").trigger()
    panel = person.panel("problems")
    person.until(panel.isVisible)
    assert isinstance(panel, ProblemsPanel)
    person.until(lambda: bool(panel.cards))
    (problem,) = (card for card in panel.cards if card.diagnostic.node == first)
    person.click(problem.text, QPoint(5, 5))
    assert window.canvas.canvas_scene.root == "block"
    assert list(window.canvas.selected) == [first]
