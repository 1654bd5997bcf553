"""Cards and view glide to their places, can be stopped at any moment, and arrive exactly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from canvas_hands import Hands, chain
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nnviz.gui.canvas.rearranging import MOST_CARDS
from nnviz.gui.look import motion
from nnviz.project.edits import Move, RemoveNodes
from nnviz.project.model import Graph, Node, Project

ROW = chain("input", "conv2d", "relu", "max_pool2d", "flatten", "linear", "output")
WIDE = pytest.mark.parametrize("hands", [ROW], indirect=True)
Places = dict[str, tuple[float, float]]


@pytest.fixture(autouse=True)
def moving() -> Iterator[None]:
    """Things glide, although nobody looks."""
    motion.choose("always")
    yield
    motion.choose("system")


def seen(hands: Hands) -> Places:
    """Where the cards appear to be."""
    return {node: card.place for node, card in hands.view.canvas_scene.cards.items()}


def meant(hands: Hands) -> Places:
    """Where the document has them."""
    return {node: (item.x, item.y) for node, item in hands.graph.nodes.items()}


def untidy(hands: Hands) -> Places:
    """Cards here and there."""
    places = {node: (137.0 * index, 90.0 * (index % 3)) for index, node in enumerate(hands.graph.nodes)}
    hands.document.apply(Move(places))
    return places


def at_rest(hands: Hands) -> bool:
    return seen(hands) == meant(hands) and not hands.view.camera.gliding


@WIDE
def test_arranged_cards_glide_and_it_is_one_step(hands: Hands, qtbot: QtBot) -> None:
    before = untidy(hands)
    steps = len(hands.document.history)
    told: list[object] = []
    hands.document.changed.connect(lambda before, after, edit: told.append(edit))
    hands.view.desk.arrange()
    goal = meant(hands)
    assert goal != before  # the document knows at once …
    assert seen(hands) == before  # … and the eye is led there
    assert len(told) == 1
    qtbot.waitUntil(lambda: at_rest(hands))
    assert seen(hands) == goal
    assert len(told) == 1
    assert len(hands.document.history) == steps + 1
    hands.document.undo()
    assert meant(hands) == before
    assert seen(hands) == goal
    qtbot.waitUntil(lambda: at_rest(hands))
    hands.document.redo()
    assert seen(hands) == before
    qtbot.waitUntil(lambda: at_rest(hands))
    assert seen(hands) == goal


@WIDE
def test_the_view_arrives_where_it_would_have_been_at_once(hands: Hands, qtbot: QtBot) -> None:
    untidy(hands)
    hands.view.desk.arrange()
    qtbot.waitUntil(lambda: at_rest(hands))
    zoom, middle = hands.view.camera.zoom, hands.view.camera.visible_rect().center()
    assert hands.view.camera.fitted
    hands.view.camera.set_zoom(0.3)
    hands.view.camera.fit()
    assert hands.view.camera.zoom == zoom
    assert hands.view.camera.visible_rect().center() == middle


@WIDE
def test_a_press_ends_it(hands: Hands) -> None:
    untidy(hands)
    hands.view.desk.arrange()
    assert not at_rest(hands)
    hands.press(QPoint(5, 5))
    assert at_rest(hands)
    hands.release(QPoint(5, 5))


@WIDE
def test_an_undo_on_the_way_begins_where_the_cards_are(hands: Hands, qtbot: QtBot) -> None:
    before = untidy(hands)
    hands.view.desk.arrange()
    qtbot.waitUntil(lambda: seen(hands) != before)
    on_the_way = seen(hands)
    hands.document.undo()
    assert seen(hands) == on_the_way
    qtbot.waitUntil(lambda: at_rest(hands))
    assert seen(hands) == before


@WIDE
def test_a_change_on_the_way_ends_it(hands: Hands, qtbot: QtBot) -> None:
    untidy(hands)
    hands.view.desk.arrange()
    hands.document.apply(RemoveNodes(("relu",)))
    assert seen(hands) == meant(hands)
    assert "relu" not in seen(hands)
    qtbot.waitUntil(lambda: at_rest(hands))


@WIDE
def test_cards_that_a_hand_has_moved_do_not_glide(hands: Hands) -> None:
    hands.drag(hands.card("relu"), hands.card("relu") + QPoint(0, 150))
    assert seen(hands) == meant(hands)
    hands.document.undo()
    assert seen(hands) == meant(hands)


@WIDE
@pytest.mark.parametrize("choice", ["never", "system"])
def test_without_motion_everything_is_there_at_once(hands: Hands, choice: str) -> None:
    motion.choose(choice)
    untidy(hands)
    hands.view.desk.arrange()
    assert at_rest(hands)
    hands.view.camera.fit(glide=True)
    assert not hands.view.camera.gliding


def test_too_many_cards_are_there_at_once(hands: Hands) -> None:
    count = MOST_CARDS + 1
    hands.document.replace(Project(graph=Graph({f"n{i}": Node(f"n{i}", "relu", x=3.0 * i) for i in range(count)})))
    hands.view.desk.arrange()
    assert seen(hands) == meant(hands)


def turned(point: QPoint, hands: Hands) -> QWheelEvent:
    return QWheelEvent(
        QPointF(point),
        QPointF(hands.view.viewport().mapToGlobal(point)),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )


@WIDE
def test_the_wheel_takes_over_from_a_glide(hands: Hands) -> None:
    hands.view.camera.set_zoom(0.5)
    hands.key(Qt.Key.Key_F)
    assert hands.view.camera.gliding
    zoom = hands.view.camera.zoom
    QApplication.sendEvent(hands.view.viewport(), turned(QPoint(600, 400), hands))
    assert not hands.view.camera.gliding
    assert not hands.view.camera.fitted
    assert hands.view.camera.zoom == pytest.approx(1.2 * zoom)


@WIDE
def test_a_press_holds_the_view_where_it_is(hands: Hands) -> None:
    hands.view.camera.set_zoom(0.5)
    hands.view.camera.fit(glide=True)
    zoom = hands.view.camera.zoom
    hands.press(QPoint(5, 5))
    assert not hands.view.camera.gliding
    assert hands.view.camera.zoom == zoom
    assert not hands.view.camera.fitted
    hands.release(QPoint(5, 5))


@WIDE
def test_zooming_to_the_selection_glides_to_an_exact_zoom(hands: Hands, qtbot: QtBot) -> None:
    hands.view.select(["relu"])
    hands.view.desk.zoom_to_selection()
    zooms = [hands.view.camera.zoom]
    hands.view.camera.zoom_changed.connect(zooms.append)
    qtbot.waitUntil(lambda: not hands.view.camera.gliding)
    assert hands.view.camera.zoom == 2.0
    assert zooms == sorted(zooms)  # never beyond and back
    rect = hands.view.canvas_scene.cards["relu"].card_rect()
    assert hands.view.camera.visible_rect().contains(rect)
    assert not hands.view.camera.fitted


@WIDE
def test_a_new_size_in_the_middle_of_a_glide_fits_at_once(hands: Hands) -> None:
    untidy(hands)
    hands.view.desk.arrange()
    hands.view.resize(900, 500)
    assert not hands.view.camera.gliding
    zoom = hands.view.camera.zoom
    hands.view.hold_still()
    hands.view.camera.fit()
    assert hands.view.camera.zoom == zoom


@WIDE
def test_a_fitted_network_stands_below_what_covers_the_edge(hands: Hands, qtbot: QtBot) -> None:
    hands.document.apply(Move({"linear": (975.0, 800.0)}))
    hands.view.camera.fit()
    hands.view.camera.set_inset(90)
    qtbot.waitUntil(lambda: not hands.view.camera.gliding)
    assert hands.view.mapFromScene(hands.view.camera.content_rect().topLeft()).y() >= 90
    assert hands.view.mapFromScene(hands.view.camera.content_rect().bottomRight()).y() <= hands.view.height()
    hands.view.camera.pan_by(10, 0)
    zoom = hands.view.camera.zoom
    hands.view.camera.set_inset(0)
    assert hands.view.camera.zoom == zoom  # who has looked around keeps what is in sight
