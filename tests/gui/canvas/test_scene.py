"""The scene follows the document and touches only what changed."""

from __future__ import annotations

import numpy as np
import pytest
from canvas_hands import Hands, chain
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nnviz.gui.canvas import CanvasView
from nnviz.gui.canvas.cards.describe import tooltip
from nnviz.gui.canvas.cards.facts import Picture, Status
from nnviz.gui.canvas.geometry import Level, Side, sides_between
from nnviz.gui.look import theme
from nnviz.gui.runs.run_feed import RunFeed
from nnviz.gui.runs.shown import Shown
from nnviz.project import registry
from nnviz.project.document import Document
from nnviz.project.edits import AddNodes, Move, RemoveNodes, SetParam
from nnviz.project.model import DataFacts, Edge, Graph, Node, PortRef, Project
from nnviz.project.samples import templates
from nnviz.record.quantities import DEAD_FRACTION
from nnviz.record.readings import ArrayReading, Finding, Scalar
from nnviz.record.run import Run

CNN = chain(
    "input", "conv2d", "relu", "max_pool2d", "flatten", "linear", "output",
    input={"shape": (1, 28, 28)}, conv2d={"out_channels": 8, "kernel_size": (3, 3)}, linear={"out_features": 10},
)  # fmt: skip


@pytest.mark.parametrize("hands", [CNN], indirect=True)
def test_cards_say_what_the_document_says(hands: Hands) -> None:
    said = {node: card.facts for node, card in hands.view.canvas_scene.cards.items()}
    assert [facts.subtitle for facts in said.values()] == [
        "1×28×28", "8×26×26", "8×26×26", "8×13×13", "1352", "10", "cross-entropy",
    ]  # fmt: skip
    assert said["input"].picture is Picture.IMAGE
    assert said["relu"].picture is Picture.TILES
    assert said["linear"].picture is Picture.STRIP
    assert said["output"].picture is Picture.BARS
    assert said["relu"].status is Status.BADGE and said["relu"].badge is DEAD_FRACTION
    assert said["conv2d"].parameters == 80
    assert said["linear"].signed
    assert not said["flatten"].signed, "what comes out of ReLU and a pool is never negative"


@pytest.mark.parametrize("hands", [CNN], indirect=True)
def test_the_badge_is_exact_while_that_is_of_now_and_then_what_passes(hands: Hands) -> None:
    facts, live, run = hands.view.canvas_scene.cards["relu"].facts, hands.view.stage.live, Run()
    assert {"dead_fraction/relu", "silent_fraction/relu"} <= set(facts.series)
    shown = []
    for series, step, value in (
        ("silent_fraction", 5, 0.4),
        ("dead_fraction", 9, 0.25),
        ("silent_fraction", 9, 0.5),
        ("silent_fraction", 29, 0.0),  # its batches may have been seen before the units died
        ("silent_fraction", 30, 0.6),
    ):
        run.append([Scalar(f"{series}/relu", step, value)])
        live.show(run, None)
        found = live.badge_reading(facts)
        assert found is not None
        shown.append((found[0].badge.word if found[0].badge else "", found[1].step, found[1].value))
    assert shown == [("silent", 5, 0.4), ("dead", 9, 0.25), ("dead", 9, 0.25), ("dead", 9, 0.25), ("silent", 30, 0.6)]


@pytest.mark.parametrize("hands", [CNN], indirect=True)
def test_only_changed_cards_are_painted_again(hands: Hands) -> None:
    hands.view.grab()
    painted = hands.view.stage.painted
    hands.document.apply(SetParam("linear", "out_features", 12))
    hands.view.grab()
    assert hands.view.stage.painted - painted == 2, "linear and the output behind it"
    hands.document.apply(Move({"conv2d": (200.0, 300.0)}))
    hands.view.grab()
    assert hands.view.stage.painted - painted == 2, "a moved card keeps its picture"


@pytest.mark.parametrize("hands", [CNN], indirect=True)
def test_cards_are_kept_when_others_come_and_go(hands: Hands) -> None:
    scene = hands.view.canvas_scene
    before = dict(scene.cards)
    hands.document.apply(AddNodes((Node("tanh1", "tanh", x=0.0, y=400.0),)))
    hands.document.apply(RemoveNodes(("relu",), rejoin=True))
    assert set(scene.cards) == set(before) - {"relu"} | {"tanh1"}
    assert all(scene.cards[node] is card for node, card in before.items() if node != "relu")
    assert set(scene.wires) == set(hands.graph.edges)


@pytest.mark.parametrize("hands", [CNN], indirect=True)
def test_card_sizes_follow_kind_and_shape_only(hands: Hands) -> None:
    run = Run()
    feed = RunFeed()
    view = CanvasView(hands.document, feed)
    heights = {node: card.layout.height for node, card in view.canvas_scene.cards.items()}
    run.append([Scalar("dead_fraction/relu", 0, 1.0), Scalar("gradient_norm/conv2d", 0, float("nan"))])
    feed.set_run(run)
    view.show()
    feed.poll(1.0)
    view.grab()
    assert {node: card.layout.height for node, card in view.canvas_scene.cards.items()} == heights
    feed.stop()
    view.close()


def test_a_problem_frames_its_card_and_tells_why(hands: Hands) -> None:
    hands.document.replace(CNN)
    hands.document.apply(SetParam("conv2d", "kernel_size", (99, 99)))
    card = hands.view.canvas_scene.cards["conv2d"]
    assert card.look.severity == "error"
    assert "99" in " ".join(card.reasons())
    assert "99" in tooltip(hands.view.canvas_scene, hands.view.stage, card.card_rect().center())
    height = hands.view.canvas_scene.cards["relu"].layout.height
    hands.document.undo()
    assert card.look.severity == ""
    assert hands.view.canvas_scene.cards["relu"].layout.height == height, "a card whose shape is unknown keeps its size"


def test_class_names_reach_the_output_card(hands: Hands) -> None:
    hands.document.replace(CNN)
    names = tuple("abcdefghij")
    hands.document.set_facts(DataFacts((1, 28, 28), 10, "classes", names))
    hands.view.canvas_scene.follow_facts()
    assert hands.view.canvas_scene.cards["output"].facts.class_names == names


@pytest.mark.parametrize("name", [info.name for info in templates.samples()])
def test_every_sample_is_shown(qtbot: QtBot, name: str) -> None:
    view = CanvasView(Document(templates.sample(name)))
    qtbot.addWidget(view)
    view.resize(900, 600)
    view.show()
    rects = [card.card_rect() for card in view.canvas_scene.cards.values()]
    assert not any(a.intersects(b) for i, a in enumerate(rects) for b in rects[:i])
    _assert_no_wire_runs_behind_a_card(view)
    assert view.camera.visible_rect().contains(view.camera.content_rect())
    assert not view.grab().isNull()


def _assert_no_wire_runs_behind_a_card(view: CanvasView) -> None:
    """A wire behind a card would look as if it ended there."""
    cards = view.canvas_scene.cards
    for edge, wire in view.canvas_scene.wires.items():
        points = [wire.curve.pointAtPercent(share / 80) for share in range(81)]
        for node, card in cards.items():
            inner = card.card_rect().adjusted(2.0, 2.0, -2.0, -2.0)
            hidden = [point for point in points if inner.contains(point)]
            assert not hidden, f"the wire from {edge.source.node} to {edge.target.node} runs behind {node}"


def test_every_layer_has_a_card(hands: Hands) -> None:
    for row, kind in enumerate(registry.layers()):
        assert hands.view.desk.add_layer(kind, (row % 8 * 200.0, row // 8 * 240.0)) is not None
    for zoom in (0.2, 1.0, 2.5):
        hands.view.camera.set_zoom(zoom)
        assert not hands.view.grab().isNull()


# Live values


@pytest.mark.parametrize("hands", [CNN], indirect=True)
def test_new_values_repaint_only_their_cards(hands: Hands, qtbot: QtBot) -> None:
    run, feed = Run(), RunFeed()
    view = CanvasView(hands.document, feed)
    qtbot.addWidget(view)
    view.resize(1300, 500)
    feed.set_run(run)
    view.show()
    qtbot.waitExposed(view)
    feed.poll(1.0)
    view.grab()
    run.append([ArrayReading("output/relu", 1, np.ones((8, 26, 26), dtype=np.float32))])
    feed.poll(1.0)
    stale = {node for node, card in view.canvas_scene.cards.items() if card.stale}
    assert stale == {"relu"}
    painted = view.stage.painted
    view.grab()
    assert view.stage.painted == painted + 1
    run.append([Finding("finding/dead/relu", 1, "warning", "Half of relu is dead.", node="relu")])
    feed.poll(1.0)
    assert view.canvas_scene.cards["relu"].look.severity == "warning"
    assert "Half of relu is dead." in view.canvas_scene.cards["relu"].reasons()
    run.append([Finding("finding/dead/relu", 2, "resolved", "", node="relu")])
    feed.poll(1.0)
    assert view.canvas_scene.cards["relu"].look.severity == ""
    feed.stop()


@pytest.mark.parametrize("hands", [CNN], indirect=True)
def test_the_timeline_shows_older_values(hands: Hands, qtbot: QtBot) -> None:
    run, feed = Run(), RunFeed()
    view = CanvasView(hands.document, feed)
    qtbot.addWidget(view)
    view.show()
    run.append([Scalar("gradient_norm/conv2d", step, float(step)) for step in range(10)])
    feed.set_run(run)
    feed.poll(1.0)
    facts = view.canvas_scene.cards["conv2d"].facts
    assert view.stage.live.gradient(facts) == 9.0
    feed.set_step(4)
    feed.poll(1.0)
    assert view.stage.live.gradient(facts) == 4.0
    feed.stop()


@pytest.mark.parametrize("hands", [CNN], indirect=True)
def test_a_card_shows_that_its_numbers_are_old(hands: Hands, qtbot: QtBot) -> None:
    run, feed = Run(), RunFeed()
    view = CanvasView(hands.document, feed)
    qtbot.addWidget(view)
    view.resize(1300, 500)
    feed.set_run(run)
    view.show()
    qtbot.waitExposed(view)
    run.append([Scalar("gradient_norm/conv2d", 100, 0.0081), Scalar("dead_fraction/relu", 100, 0.25)])
    run.append([ArrayReading("output/relu", 100, np.ones((8, 26, 26), dtype=np.float32))])

    def read(last: int) -> dict[str, tuple[str, bool]]:
        run.append([Scalar("loss/train", last, 0.5)])
        feed.poll(1.0)
        view._follower.refresh()
        view.grab()
        cards = (view.canvas_scene.cards[node] for node in ("conv2d", "relu"))
        return {one.series: (one.text, one.old) for card in cards for one in card.readings_shown() if one.step == 100}

    said = {"gradient_norm/conv2d": "0.00810", "dead_fraction/relu": "25 %", "output/relu": ""}
    assert read(120) == {series: (text, False) for series, text in said.items()}
    new = {node: view.canvas_scene.cards[node]._face for node in ("conv2d", "relu", "linear")}
    assert read(121) == {series: (text, True) for series, text in said.items()}
    for node, before in new.items():
        after = view.canvas_scene.cards[node]._face
        assert (before.toImage() != after.toImage()) is (node != "linear"), node
    place = view.canvas_scene.cards["relu"].card_rect().center()
    assert "measured at step 100, 21 steps ago" in tooltip(view.canvas_scene, view.stage, place)
    painted = view.stage.painted
    assert read(130) == read(131)
    assert view.stage.painted == painted, "old is old: nothing is painted for it again"
    feed.set_step(110)
    feed.poll(1.0)
    view.grab()
    assert {one.old for one in view.canvas_scene.cards["relu"].readings_shown()} == {False}
    feed.stop()


def test_visible_nodes_are_told(qtbot: QtBot) -> None:
    view = CanvasView(Document(CNN))
    qtbot.addWidget(view)
    view.resize(700, 400)
    with qtbot.waitSignal(view.visible_changed) as told:
        view.show()
    assert told.args[0] == frozenset(CNN.graph.nodes)
    view.camera.set_zoom(1.0)
    view.centerOn(QPointF(80.0, 60.0))
    assert view.visible_nodes() == {"input", "conv2d"} | (view.visible_nodes() & {"relu"})
    view.camera.set_zoom(0.2)
    assert view.visible_nodes() == frozenset()


# Camera


@pytest.mark.parametrize("hands", [CNN], indirect=True)
def test_the_wheel_zooms_at_the_mouse(hands: Hands) -> None:
    point = hands.card("conv2d")
    before = hands.view.mapToScene(point)
    zoom = hands.view.camera.zoom
    _turn_wheel(hands, point, 240)
    assert hands.view.camera.zoom == pytest.approx(zoom * 1.44)
    after = hands.view.mapToScene(point)
    assert (after - before).manhattanLength() < 2.0
    for _ in range(60):
        _turn_wheel(hands, point, -240)
    assert hands.view.camera.zoom == pytest.approx(0.05)
    assert hands.view.stage.level is Level.FAR


def _turn_wheel(hands: Hands, point: object, angle: int) -> None:
    from PySide6.QtCore import QPoint
    from PySide6.QtGui import QWheelEvent

    assert isinstance(point, QPoint)
    event = QWheelEvent(
        QPointF(point), QPointF(hands.view.viewport().mapToGlobal(point)), QPoint(0, 0), QPoint(0, angle),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(hands.view.viewport(), event)


@pytest.mark.parametrize("hands", [CNN], indirect=True)
@pytest.mark.parametrize("how", ["middle", "space"])
def test_the_view_is_dragged(hands: Hands, how: str) -> None:
    from PySide6.QtCore import QPoint

    point = hands.card("conv2d") + QPoint(0, 250)
    before = hands.view.mapToScene(point)
    if how == "middle":
        hands.drag(point, point + QPoint(60, 40), Qt.MouseButton.MiddleButton)
    else:
        QTest.keyPress(hands.view, Qt.Key.Key_Space)
        hands.drag(point, point + QPoint(60, 40))
        QTest.keyRelease(hands.view, Qt.Key.Key_Space)
    assert (hands.view.mapToScene(point + QPoint(60, 40)) - before).manhattanLength() < 2.5
    assert hands.view.selected == ()
    assert not hands.document.can_undo


@pytest.mark.parametrize("hands", [CNN], indirect=True)
def test_the_network_cannot_be_lost(hands: Hands) -> None:
    hands.view.camera.pan_by(100_000, -100_000)
    assert hands.view.camera.visible_rect().intersects(hands.view.camera.content_rect())
    hands.view.camera.fit()
    assert hands.view.camera.visible_rect().contains(hands.view.camera.content_rect())


@pytest.mark.parametrize("hands", [CNN], indirect=True)
def test_cards_seen_from_far_can_still_be_moved(hands: Hands) -> None:
    from PySide6.QtCore import QPoint

    hands.view.camera.set_zoom(0.3)
    hands.view.grab()
    start = hands.card("relu")
    hands.drag(start, start + QPoint(0, 60))
    assert hands.graph.nodes["relu"].y == pytest.approx(200.0, abs=8.0)
    hands.view.camera.set_zoom(1.0)
    assert hands.view.canvas_scene.cards["relu"].isVisible()


def test_a_thousand_cards_share_their_far_pictures(qtbot: QtBot) -> None:
    nodes = {f"n{k}": Node(f"n{k}", ("relu", "tanh")[k % 2], x=k % 40 * 195.0, y=k // 40 * 230.0) for k in range(1000)}
    edges = tuple(Edge(PortRef(f"n{k}"), PortRef(f"n{k + 1}")) for k in range(999))
    view = CanvasView(Document(Project(graph=Graph(nodes, edges))))
    qtbot.addWidget(view)
    view.resize(1600, 1000)
    view.show()
    assert view.stage.level is Level.FAR
    view.grab()
    assert view.stage.painted <= 8, "one picture for each way a card looks, not for each card"


def test_wires_leave_on_the_side_where_they_go() -> None:
    card = (0.0, 0.0, 138.0)
    assert sides_between(card, (195.0, 0.0, 138.0)) == (Side.RIGHT, Side.LEFT)
    assert sides_between(card, (-195.0, 0.0, 138.0)) == (Side.LEFT, Side.RIGHT)
    assert sides_between(card, (0.0, 230.0, 138.0)) == (Side.BOTTOM, Side.TOP)
    assert sides_between(card, (-585.0, 230.0, 138.0)) == (Side.RIGHT, Side.LEFT)


def test_themes_are_followed(hands: Hands) -> None:
    hands.document.replace(CNN)
    dark = hands.view.grab().toImage()
    theme.set_theme("light")
    light = hands.view.grab().toImage()
    theme.set_theme("dark")
    assert dark.pixelColor(5, 5).lightness() < 60
    assert light.pixelColor(5, 5).lightness() > 200
    assert hands.view.grab().toImage() == dark


@pytest.mark.parametrize("hands", [CNN], indirect=True)
def test_pictures_of_another_run_are_forgotten(hands: Hands) -> None:
    """They piled up by some megabytes with every training and reset."""
    view, counts = hands.view, []
    for number in range(3):
        run = Run()
        run.append([ArrayReading("output/relu", 0, np.full((8, 26, 26), number, np.float32))])
        view._follower.take(Shown(run), frozenset(run.names()))
        view.grab()
        counts.append(len(view.stage.pictures))
    assert counts[0] >= 1 and counts == counts[:1] * 3
