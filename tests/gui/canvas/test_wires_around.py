"""Wires that go around something keep clear of the titles of frames, and are in sight with all the rest."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from test_sample_layouts import points_of

from nnviz.gui.canvas import CanvasView
from nnviz.gui.runs.run_feed import RunFeed
from nnviz.project.document import Document
from nnviz.project.drawing.grouping import group_edit
from nnviz.project.samples.templates import sample


@pytest.fixture
def view(request: pytest.FixtureRequest, qtbot: QtBot, styled: QApplication) -> CanvasView:
    """A sample on a canvas."""
    canvas = CanvasView(Document(sample(request.param)), RunFeed(None), None)
    qtbot.addWidget(canvas)
    canvas.resize(1100, 650)
    canvas.show()
    return canvas


def titles_run_through(view: CanvasView) -> set[str]:
    """The frames through whose title a wire runs that has no business in them."""
    scene = view.canvas_scene
    found = set()
    for edge, wire in scene.wires.items():
        for group, frame in scene.frames.items.items():
            if scene.frames.held(edge.source.node, [group]) or scene.frames.held(edge.target.node, [group]):
                continue
            head = frame.card_rect()
            head.setHeight(34.0)
            left, top, right, bottom = head.adjusted(-2.0, -2.0, 2.0, 2.0).getCoords()
            x, y = points_of(wire.path()).T
            if ((x > left) & (x < right) & (y > top) & (y < bottom)).any():
                found.add(group)
    return found


@pytest.mark.parametrize(
    ("view", "group"),
    [("resnet18", "head"), ("googlenet", "head"), ("googlenet", "inception_5b")],
    indirect=["view"],
)
def test_a_wire_that_returns_to_a_row_leaves_the_title_of_an_open_frame_free(view: CanvasView, group: str) -> None:
    view.desk.arrange()
    view.hold_still()
    view.groups.toggle(group)
    view.hold_still()
    assert group in view.canvas_scene.frames.items
    assert not titles_run_through(view)


@pytest.mark.parametrize("view", ["resnet18", "googlenet"], indirect=True)
def test_all_wires_are_in_sight_when_everything_is(view: CanvasView) -> None:
    scene = view.canvas_scene
    for fold in (False, True):
        view.groups.set_all(fold=fold)
        view.hold_still()
        view.camera.fit()
        for edge, wire in scene.wires.items():
            reach = wire.curve.boundingRect().adjusted(-0.1, -0.1, 0.1, 0.1)
            assert scene.content_rect().adjusted(-1.0, -1.0, 1.0, 1.0).contains(reach), edge
            assert view.camera.visible_rect().contains(reach), edge


@pytest.mark.parametrize("view", ["resnet18"], indirect=True)
def test_a_selection_is_shown_with_the_wires_within_it(view: CanvasView) -> None:
    view.groups.set_all(fold=False)
    view.hold_still()
    scene = view.canvas_scene
    edge = min(scene.wires, key=lambda edge: scene.wires[edge].curve.boundingRect().left())
    ends = [edge.source.node, edge.target.node]
    assert not scene.rect_of(ends).contains(scene.wires[edge].curve.boundingRect())
    assert scene.rect_around(ends).contains(scene.wires[edge].curve.boundingRect())
    assert scene.rect_around(ends[:1]) == scene.rect_of(ends[:1])
    view.select(ends)
    view.desk.zoom_to_selection()
    view.hold_still()
    groups = [node.group.partition("_")[0] for node in (scene.graph.nodes[end] for end in ends)]
    assert scene.rect_around(groups).contains(scene.wires[edge].curve.boundingRect())


@pytest.mark.parametrize("view", ["resnet18"], indirect=True)
def test_cards_that_feed_each_other_have_a_head_at_each_end_of_its_own(view: CanvasView) -> None:
    """What is grouped may feed what feeds it: the two wires run side by side."""
    view.groups.set_all(fold=False)
    view.hold_still()
    graph = view.canvas_scene.graph
    group = next(node.group for node in graph.nodes.values() if node.kind == "add")
    inner = [node for node in graph.nodes.values() if node.group == group]
    ends = [next(node.id for node in inner if node.kind == kind) for kind in ("conv2d", "relu")]
    view.canvas_scene.document.apply(group_edit(graph, ends))
    wires = view.canvas_scene.wires
    pairs = {(edge.source.node, edge.target.node) for edge in wires}
    assert any((target, source) in pairs for source, target in pairs)
    for edge, wire in wires.items():
        for other, beside in wires.items():
            if edge != other:
                assert (wire.ends[1] - beside.ends[0]).manhattanLength() > 8.0, (edge, other)
                assert (wire.ends[1] - beside.ends[1]).manhattanLength() > 8.0, (edge, other)
    for node in view.canvas_scene.cards:
        for port, place in view.canvas_scene.ports_of(node):
            into = view.canvas_scene.wire_into(port.ref)
            if not port.output and into is not None:
                assert wires[into].ends[1] == place
