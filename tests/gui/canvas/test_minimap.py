"""The map of the network: when it is there, where it stands, and where it leads."""

from __future__ import annotations

import pytest
from canvas_hands import LEFT, Hands, chain
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nnviz.gui.canvas.minimap import Minimap
from nnviz.gui.look import theme
from nnviz.project.edits import Move, SetParam
from nnviz.project.model import Graph, Node, Project

ROW = chain("input", "conv2d", "relu", "max_pool2d", "flatten", "linear", "output")
WIDE = pytest.mark.parametrize("hands", [ROW], indirect=True)


def shown(hands: Hands) -> Minimap:
    """The map, with the view so near that it has a reason to be there."""
    hands.view.camera.set_zoom(2.0)
    assert hands.view.minimap.isVisible()
    return hands.view.minimap


def middle(hands: Hands) -> QPointF:
    return hands.view.camera.visible_rect().center()


def colour_at(minimap: Minimap, point: QPointF) -> QColor:
    """What is drawn where a point of the scene is."""
    place = minimap.from_scene(point)
    return minimap.grab().toImage().pixelColor(round(place.x()), round(place.y()))


@WIDE
def test_it_is_there_only_while_not_everything_is_in_sight(hands: Hands) -> None:
    hands.view.camera.fit()
    assert hands.view.minimap.isHidden()
    hands.view.camera.set_zoom(2.0)
    assert hands.view.minimap.isVisible()
    hands.view.camera.fit()
    assert hands.view.minimap.isHidden()
    hands.view.camera.pan_by(700, 0)
    assert hands.view.minimap.isVisible()


@WIDE
def test_it_can_be_there_always_or_never(hands: Hands) -> None:
    minimap = hands.view.minimap
    hands.view.camera.fit()
    minimap.set_mode("always")
    assert minimap.isVisible()
    minimap.set_mode("never")
    hands.view.camera.set_zoom(3.0)
    assert minimap.isHidden()
    minimap.set_mode("nonsense")
    assert minimap.mode == "automatic"
    assert minimap.isVisible()


def test_an_empty_canvas_has_no_map(hands: Hands) -> None:
    hands.view.minimap.set_mode("always")
    assert hands.view.minimap.isHidden()


@WIDE
def test_a_click_leads_there(hands: Hands) -> None:
    minimap = shown(hands)
    hands.view.camera.look_at(hands.view.canvas_scene.cards["input"].card_rect().center())
    goal = hands.view.canvas_scene.cards["linear"].card_rect().center()
    selected = hands.view.selected
    QTest.mouseClick(minimap, LEFT, Qt.KeyboardModifier.NoModifier, minimap.from_scene(goal).toPoint())
    assert hands.view.camera.visible_rect().contains(goal)
    scale = 1.0 / (minimap.from_scene(QPointF(1.0, 0.0)).x() - minimap.from_scene(QPointF(0.0, 0.0)).x())
    assert abs(middle(hands).x() - goal.x()) <= scale  # a pixel of the map
    assert hands.view.selected == selected  # the click is for the map, not for the canvas below it
    assert hands.view.overlay.gesture is None


@WIDE
def test_the_frame_is_dragged_without_a_jump(hands: Hands) -> None:
    minimap = shown(hands)
    before = middle(hands)
    inside = minimap.frame().center().toPoint() + QPoint(2, 1)
    QTest.mousePress(minimap, LEFT, Qt.KeyboardModifier.NoModifier, inside)
    assert abs(middle(hands).x() - before.x()) < 2.0
    assert abs(middle(hands).y() - before.y()) < 2.0
    QTest.mouseMove(minimap, inside + QPoint(12, 0))
    unit = minimap.to_scene(QPointF(12.0, 0.0)).x() - minimap.to_scene(QPointF(0.0, 0.0)).x()
    assert middle(hands).x() - before.x() == pytest.approx(unit, abs=2.0)
    QTest.mouseRelease(minimap, LEFT, Qt.KeyboardModifier.NoModifier, inside + QPoint(12, 0))
    after = middle(hands)
    QTest.mouseMove(minimap, inside)
    assert middle(hands) == after


@WIDE
def test_the_wheel_zooms_at_the_middle(hands: Hands) -> None:
    minimap = shown(hands)
    before, zoom = middle(hands), hands.view.camera.zoom
    place = QPointF(minimap.rect().center())
    turn = QWheelEvent(
        place,
        QPointF(minimap.mapToGlobal(place.toPoint())),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(minimap, turn)
    assert hands.view.camera.zoom == pytest.approx(zoom * 1.2)
    assert abs(middle(hands).x() - before.x()) < 2.0


@WIDE
def test_blocks_have_the_colour_of_their_family_and_broken_ones_are_red(hands: Hands, qtbot: QtBot) -> None:
    hands.document.apply(SetParam("input", "shape", (1, 28, 28)))
    minimap = shown(hands)
    hands.view.camera.look_at(hands.view.canvas_scene.cards["output"].card_rect().center())
    card = hands.view.canvas_scene.cards["conv2d"]
    healthy = colour_at(minimap, card.card_rect().center())
    family = theme.current().family("convolution")
    assert abs(healthy.hue() - family.hue()) < 20
    hands.document.apply(SetParam("conv2d", "kernel_size", (99, 99)))
    assert card.look.severity == "error"
    qtbot.waitUntil(lambda: minimap.current)
    broken = colour_at(minimap, card.card_rect().center())
    assert broken.red() > 2 * broken.blue()
    assert healthy.red() < healthy.blue()


@WIDE
def test_it_follows_a_card_that_moves_and_the_theme(hands: Hands, qtbot: QtBot) -> None:
    minimap = shown(hands)
    dark = colour_at(minimap, QPointF(100.0, -5.0)).lightness()
    hands.document.apply(Move({"relu": (390.0, 700.0)}))
    qtbot.waitUntil(lambda: minimap.current)
    assert minimap.to_scene(QPointF(minimap.width(), minimap.height())).y() > 700.0
    amber = colour_at(minimap, hands.view.canvas_scene.cards["relu"].card_rect().center())
    assert amber.red() > amber.blue()
    theme.set_theme("light")
    assert colour_at(minimap, QPointF(100.0, 400.0)).lightness() > dark + 60
    theme.set_theme("dark")


@WIDE
def test_moving_the_view_draws_no_block_anew(hands: Hands, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    minimap = shown(hands)
    minimap.grab()
    drawn: list[object] = []
    original = Minimap._drawn
    monkeypatch.setattr(Minimap, "_drawn", lambda self, colours: (drawn.append(colours), original(self, colours))[1])
    for _ in range(5):
        hands.view.camera.pan_by(-9, 3)
        minimap.grab()
    assert not drawn
    hands.document.apply(Move({"relu": (400.0, 30.0)}))
    qtbot.waitUntil(lambda: minimap.current)
    minimap.grab()
    assert len(drawn) == 1


def cluster(across: float, down: float) -> Project:
    """Many cards in one quarter of the canvas, and one far outside, for which the map is there."""
    nodes = {
        f"relu{index}": Node(f"relu{index}", "relu", x=across + 170.0 * (index % 3), y=down + 120.0 * (index // 3))
        for index in range(9)
    }
    return Project(graph=Graph({**nodes, "far": Node("far", "relu", x=-4000.0, y=0.0)}))


@pytest.mark.parametrize(
    ("hands", "corner"),
    [
        (cluster(60.0, 60.0), "bottom left"),
        (cluster(-560.0, 60.0), "bottom right"),
    ],
    indirect=["hands"],
)
def test_it_stands_where_the_fewest_cards_are(hands: Hands, corner: str, qtbot: QtBot) -> None:
    hands.view.camera.look_at(QPointF(0.0, 0.0))
    minimap = hands.view.minimap
    qtbot.waitUntil(lambda: minimap.corner == corner)
    assert minimap.opacity == 1.0
    lying = [card for card in hands.view.canvas_scene.cards if minimap.geometry().contains(hands.card(card))]
    assert not lying


def crowd() -> Project:
    """Cards as far as one can see."""
    nodes = {f"n{i}": Node(f"n{i}", "relu", x=160.0 * (i % 20), y=110.0 * (i // 20)) for i in range(400)}
    return Project(graph=Graph(nodes))


@pytest.mark.parametrize("hands", [crowd()], indirect=True)
def test_over_cards_it_is_faint_until_the_mouse_comes(hands: Hands, qtbot: QtBot) -> None:
    minimap = hands.view.minimap
    qtbot.waitUntil(lambda: minimap.opacity < 0.5)
    QTest.mouseMove(minimap, minimap.rect().center())
    assert minimap.opacity == 1.0
    QApplication.sendEvent(minimap, QEvent(QEvent.Type.Leave))
    assert minimap.opacity < 0.5


@pytest.mark.parametrize("hands", [crowd()], indirect=True)
def test_it_stays_in_its_corner_when_the_canvas_is_resized(hands: Hands) -> None:
    hands.view.resize(700, 420)
    geometry = hands.view.minimap.geometry()
    assert hands.view.rect().contains(geometry)
    assert geometry.width() <= 0.3 * 700
    assert geometry.height() <= 0.4 * 420


@WIDE
def test_it_has_a_name_and_takes_no_focus(hands: Hands) -> None:
    minimap = shown(hands)
    assert minimap.accessibleName() == "Map of the network"
    assert minimap.focusPolicy() is Qt.FocusPolicy.NoFocus
