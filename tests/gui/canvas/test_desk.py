"""The parts of the canvas work with what they are told: here they stand on a plain view of Qt, without the canvas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from canvas_hands import chain
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QGraphicsView
from pytestqt.qtbot import QtBot

from nnviz.gui.canvas.camera import Camera
from nnviz.gui.canvas.desk import Desk
from nnviz.gui.canvas.editing import Editing
from nnviz.gui.canvas.hands.gesture_host import GestureHost
from nnviz.gui.canvas.hands.gestures import ConnectByKeys, MoveGesture, PanGesture
from nnviz.gui.canvas.items.stage import Stage
from nnviz.gui.canvas.overlay import Overlay
from nnviz.gui.canvas.scene import CanvasScene
from nnviz.project.document import Document

NONE = Qt.KeyboardModifier.NoModifier


@dataclass
class Bench:
    """A desk on a plain view, and what was said at it."""

    document: Document
    view: QGraphicsView
    desk: Desk
    host: GestureHost
    said: list[str] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)


@pytest.fixture
def bench(qtbot: QtBot) -> Iterator[Bench]:
    """Three layers in a row at 100 %."""
    document, stage = Document(chain("input", "relu", "output")), Stage()
    scene = CanvasScene(document, stage)
    view = QGraphicsView(scene)
    scene.setParent(view)
    qtbot.addWidget(view)
    view.resize(800, 500)
    view.show()
    said: list[str] = []
    announced: list[str] = []
    camera = Camera(view, scene.content_rect)
    editing = Editing(document, scene, said.append)
    desk = Desk(view, scene, stage, camera, Overlay(view), editing, said.append, announced.append)
    host = GestureHost(desk, lambda: Qt.CursorShape.PointingHandCursor)
    camera.set_zoom(1.0)
    yield Bench(document, view, desk, host, said, announced)


def test_a_drag_is_one_step_of_the_history(bench: Bench) -> None:
    desk, before = bench.desk, bench.document.project
    card = desk.scene.cards["relu"]
    start = desk.surface.viewportTransform().map(card.card_rect().center())
    place = card.place
    desk.scene.select(["relu"])
    bench.host.begin(MoveGesture(desk, card.card_rect().center(), "relu"))
    bench.host.move(start + QPointF(10.0, 60.0), Qt.KeyboardModifier.AltModifier)
    assert bench.document.project is before
    assert desk.overlay.gesture is bench.host.gesture is not None
    bench.host.end(card.card_rect().center(), Qt.KeyboardModifier.AltModifier)
    node = bench.document.project.graph.nodes["relu"]
    assert (node.x - place[0], node.y - place[1]) == (10.0, 60.0)
    assert bench.host.gesture is None
    bench.document.undo()
    assert bench.document.project == before


def test_another_gesture_ends_the_one_before_without_a_change(bench: Bench) -> None:
    desk, before = bench.desk, bench.document.project
    card = desk.scene.cards["relu"]
    place = card.place
    desk.scene.select(["relu"])
    bench.host.begin(MoveGesture(desk, card.card_rect().center(), "relu"))
    bench.host.move(desk.surface.viewportTransform().map(card.card_rect().center() + QPointF(0.0, 80.0)), NONE)
    assert card.place != place
    bench.host.begin(PanGesture(desk, QPointF()))
    assert card.place == place and bench.document.project is before
    assert bench.view.viewport().cursor().shape() is Qt.CursorShape.ClosedHandCursor
    bench.host.cancel()
    assert bench.view.viewport().cursor().shape() is Qt.CursorShape.PointingHandCursor


def test_a_wire_by_keys_needs_no_more_than_somebody_who_ends_it(bench: Bench) -> None:
    ended: list[QPointF] = []
    gesture = ConnectByKeys(bench.desk, "input", ended.append)
    assert bench.said and "Tab" in bench.said[-1]
    assert bench.announced and bench.announced[-1].startswith("Output: ")
    assert gesture.key(QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Return, NONE))
    (end,) = ended
    gesture.finish(end, NONE)
    wires = {(edge.source.node, edge.target.node) for edge in bench.document.project.graph.edges}
    assert wires == {("input", "relu"), ("input", "output")}
    assert not bench.desk.overlay.ports.shown and bench.desk.overlay.hint == ""


def test_what_is_added_is_brought_into_sight(bench: Bench) -> None:
    desk = bench.desk
    far = QPointF(5000.0, 3000.0)
    assert not desk.camera.visible_rect().contains(far)
    added = desk.add_layer("relu", far)
    assert added is not None
    assert desk.camera.visible_rect().contains(desk.scene.cards[added].card_rect())
    desk.select_all()
    assert set(desk.selected) == set(desk.scene.cards)
    desk.zoom_to_selection()
    assert desk.camera.visible_rect().contains(desk.scene.content_rect())


@dataclass
class Mark:
    """Something that is drawn over the cards."""

    rect: QRectF
    painted: int = 0

    def paint(self, painter: QPainter) -> None:
        self.painted += 1

    def area(self) -> QRectF:
        return self.rect


def test_of_several_gestures_the_first_that_goes_on_is_drawn(bench: Bench, qtbot: QtBot) -> None:
    overlay = Overlay(bench.view)
    held: dict[str, Mark | None] = {"mouse": None, "palette": None}
    overlay.draw_from(lambda: held["mouse"])
    overlay.draw_from(lambda: held["palette"])
    assert overlay.gesture is None
    late = held["palette"] = Mark(QRectF(0.0, 0.0, 10.0, 10.0))
    assert overlay.gesture is late
    first = held["mouse"] = Mark(QRectF(5.0, 5.0, 10.0, 10.0))
    assert overlay.gesture is first
    picture = bench.view.grab()
    painter = QPainter(picture)
    overlay.paint(painter)
    painter.end()
    assert (first.painted, late.painted) == (1, 0)
