"""GoogLeNet's first inception module, from an empty canvas to a folded block, with nothing but the mouse.

Table 1 of "Going deeper with convolutions" (Szegedy et al., 2015), module 3a: 192 maps of 28×28 go through 64 filters
of 1×1; through 96 of 1×1 and 128 of 3×3; through 16 of 1×1 and 32 of 5×5 (torchvision's has 3×3 there); and through a
pool of 3×3 and 32 filters of 1×1. Every convolution has a ReLU behind it, and all four answers are put together.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QListWidget, QMenu, QWidget
from pytestqt.qtbot import QtBot
from window_hands import LEFT, NONE, Person
from window_kit import OpenWindow

from nnviz.gui.canvas.items.node_item import NodeItem
from nnviz.gui.inspector.editors import TextEditor
from nnviz.project.files import io
from nnviz.project.model import Edge, PortRef, Project

#: Out channels and kernel of each convolution, by what is built: its weights and biases as the paper's sizes give them.
PARAMETERS = {
    "conv1": 192 * 64 + 64,
    "conv2": 192 * 96 + 96,
    "conv3": 96 * 128 * 3 * 3 + 128,
    "conv4": 192 * 16 + 16,
    "conv5": 16 * 32 * 5 * 5 + 32,
    "conv6": 192 * 32 + 32,
}
CHANNELS = {"conv1": 64, "conv2": 96, "conv3": 128, "conv4": 16, "conv5": 32, "conv6": 32}
#: Pixels of a drag along a parameter's title for one step, and how far down the steps are ten, or of one instead of 2×.
STEP, FAR = 6, 60


class Mouse(Person):
    """A person without a keyboard."""

    def press(self, place: QPoint) -> None:
        QTest.mouseMove(self.handle, place)
        QTest.mousePress(self.handle, LEFT, NONE, place)

    def double_click(self, widget: QWidget, point: QPoint | None = None) -> None:
        place = self.place(widget, point)
        QTest.mouseMove(self.handle, place)
        QTest.mouseClick(self.handle, LEFT, NONE, place)
        QTest.mouseDClick(self.handle, LEFT, NONE, place)
        QTest.mouseRelease(self.handle, LEFT, NONE, place)

    def wheel(self, widget: QWidget, turns: int, point: QPoint | None = None) -> None:
        """Turn the wheel over a widget, away from the hand where ``turns`` is positive."""
        place = self.place(widget, point)
        screen = QPointF(self.window.mapToGlobal(place))
        for _ in range(abs(turns)):
            angle = QPoint(0, 120 if turns > 0 else -120)
            event = QWheelEvent(
                QPointF(place), screen, QPoint(), angle, Qt.MouseButton.NoButton, NONE,
                Qt.ScrollPhase.NoScrollPhase, False,
            )  # fmt: skip
            QApplication.sendEvent(self.handle, event)

    def row(self, listed: QListWidget, title: str) -> QPoint:
        """Scroll a list with the wheel until a row is in sight; its middle."""
        item = next(listed.item(row) for row in range(listed.count()) if listed.item(row).text() == title)
        whole = listed.viewport().rect()
        for _ in range(100):
            place = listed.visualItemRect(item)
            if whole.contains(place.center()):
                return place.center()
            self.wheel(listed.viewport(), 1 if place.center().y() < 0 else -1)
        raise AssertionError(f"{title} does not come into sight")

    def added(self, work: Callable[[], object]) -> str:
        """Do something that adds one layer; its id."""
        before = self.nodes
        work()
        self.until(lambda: len(self.nodes) == len(before) + 1)
        return next(node for node in self.nodes if node not in before)

    def add(self, title: str, behind: str = "") -> str:
        """Double-click a layer of the palette; it is wired behind the selected card."""
        canvas = self.window.canvas
        if behind and canvas.selected != (behind,):
            self.select(behind)
        listed = self.window.palette_panel.list_widget
        node = self.added(lambda: self.double_click(listed.viewport(), self.row(listed, title)))
        assert canvas.selected == (node,)
        assert not behind or (behind, node) in self.wires
        return node

    def turn(self, name: str, near: int, far: int = 0) -> None:
        """Drag along the title of a parameter: steps beside it, then steps farther down."""
        inspector = self.window.inspector
        assert inspector is not None
        title = inspector.layer.form._titles[name]
        self.until(title.isVisible)
        place = self.place(title, QPoint(title.width() // 2, title.height() // 2))
        self.press(place)
        for _ in range(abs(near)):
            place += QPoint(STEP if near > 0 else -STEP, 0)
            QTest.mouseMove(self.handle, place)
        place += QPoint(0, FAR)
        for _ in range(abs(far)):
            place += QPoint(STEP if far > 0 else -STEP, 0)
            QTest.mouseMove(self.handle, place)
        QTest.mouseRelease(self.handle, LEFT, NONE, place)

    def set_channels(self, wanted: int) -> None:
        """From 16, in tens and ones."""
        tens, ones = divmod(wanted - 16, 10)
        self.turn("out_channels", ones, tens)

    def value(self, node: str, name: str) -> object:
        return self.window.document.project.graph.nodes[node].params.get(name)

    def shape(self, node: str) -> tuple[int, ...] | None:
        found = self.window.document.inference.shape(node)
        return tuple(found) if found is not None else None

    def drag_card(self, item: str, to: QPointF) -> None:
        """Drag a card by its title to a place of the scene."""
        canvas = self.window.canvas
        start = self.on_canvas(item, "title")
        card = canvas.canvas_scene.cards[item]
        end = canvas.mapFromScene(to + (canvas.mapToScene(start) - QPointF(*card.place)))
        self.drag(canvas.viewport(), start, end)

    def connect_to(self, source: str, target: str) -> None:
        """Draw a wire from an output onto a card, which takes it at its next free input."""
        self.drag(self.window.canvas.viewport(), self.on_canvas(source, "output"), self.on_canvas(target, "title"))
        assert (source, target) in self.wires

    def choose_from_menu(self, point: QPoint, entry: str) -> None:
        """Right-click on the canvas and choose."""
        viewport = self.window.canvas.viewport()
        place = self.place(viewport, point)
        QTest.mouseMove(self.handle, place)
        QTest.mouseClick(self.handle, Qt.MouseButton.RightButton, NONE, place)
        self.until(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        action = next(found for found in menu.actions() if found.text().split("\t")[0].replace("&", "") == entry)
        QTest.mouseClick(menu, LEFT, NONE, menu.actionGeometry(action).center())
        self.until(lambda: QApplication.activePopupWidget() is None)


@pytest.fixture
def mouse(qtbot: QtBot, open_window: OpenWindow) -> Mouse:
    window = open_window(Project(), ready=False)
    window.resize(1680, 1050)
    person = Mouse(window, qtbot)
    person.until(lambda: window.canvas.viewport().width() > 900 and window.inspector is not None)
    # So small that the whole module has room.
    person.wheel(window.canvas.viewport(), -3)
    assert 0.5 < window.canvas.camera.zoom < 0.7
    return person


def build(mouse: Mouse, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Draws the module; the id of each layer by what it is called in the table above."""
    canvas = mouse.window.canvas
    viewport = canvas.viewport()
    ids: dict[str, str] = {"input": mouse.add("Input")}

    # 1×28×28 becomes 192×28×28: twice seven times, then by ones. The size with the cursor is turned.
    editor = mouse.window.inspector.layer.form.editors["shape"]  # type: ignore[union-attr]  # there: see the fixture
    assert isinstance(editor, TextEditor)
    mouse.click(editor.line, QPoint(3, editor.line.height() // 2))
    assert editor.line.cursorPosition() == 0
    mouse.turn("shape", 8, -64)
    assert mouse.shape(ids["input"]) == (192, 28, 28)

    ids["conv1"] = mouse.add("Conv2d", ids["input"])
    mouse.set_channels(64)
    mouse.turn("kernel_size", -2)
    ids["relu1"] = mouse.add("ReLU", ids["conv1"])

    ids["conv2"] = mouse.add("Conv2d", ids["input"])
    mouse.set_channels(96)
    mouse.turn("kernel_size", -2)
    ids["relu2"] = mouse.add("ReLU", ids["conv2"])
    ids["conv3"] = mouse.add("Conv2d", ids["relu2"])
    mouse.set_channels(128)
    mouse.turn("padding", 1)
    ids["relu3"] = mouse.add("ReLU", ids["conv3"])

    # A wire let go over free ground asks what shall be there.
    scene = canvas.canvas_scene
    below = scene.cards[ids["conv2"]].card_rect()
    free = canvas.mapFromScene(QPointF(below.left() - 4.0, below.bottom() + 70.0))
    mouse.drag(viewport, mouse.on_canvas(ids["input"], "output"), free)
    mouse.until(lambda: canvas.quick_add.popup is not None)
    popup = canvas.quick_add.popup
    assert popup is not None
    assert "192×28×28" in popup.heading
    rows = popup.list_widget
    item = next(rows.item(row) for row in range(rows.count()) if rows.item(row).text() == "Conv2d")
    assert rows.viewport().rect().contains(rows.visualItemRect(item).center()), "it is among the first"
    chosen = rows.visualItemRect(item).center()
    ids["conv4"] = mouse.added(lambda: QTest.mouseClick(rows.viewport(), LEFT, NONE, chosen))
    assert (ids["input"], ids["conv4"]) in mouse.wires
    assert canvas.selected == (ids["conv4"],)
    mouse.turn("kernel_size", -2)
    ids["conv5"] = mouse.add("Conv2d", ids["conv4"])
    mouse.set_channels(32)
    mouse.turn("kernel_size", 2)
    mouse.turn("padding", 2)
    ids["relu5"] = mouse.add("ReLU", ids["conv5"])

    # The ReLU between them was forgotten: it is dropped onto the wire.
    wire = scene.wires[Edge(PortRef(ids["conv4"]), PortRef(ids["conv5"]))]
    middle = canvas.mapFromScene(wire.curve.pointAtPercent(0.5))
    ids["relu4"] = mouse.drag_layer("ReLU", middle, monkeypatch)
    assert {(ids["conv4"], ids["relu4"]), (ids["relu4"], ids["conv5"])} <= mouse.wires
    assert (ids["conv4"], ids["conv5"]) not in mouse.wires

    ids["pool"] = mouse.add("MaxPool2d", ids["input"])
    mouse.turn("kernel_size", 1)
    mouse.turn("stride", -1)
    mouse.turn("padding", 1)
    assert mouse.shape(ids["pool"]) == (192, 28, 28)
    ids["conv6"] = mouse.add("Conv2d", ids["pool"])
    mouse.set_channels(32)
    mouse.turn("kernel_size", -2)
    ids["relu6"] = mouse.add("ReLU", ids["conv6"])

    ids["concat"] = mouse.add("Concatenate", ids["relu1"])
    right = max(scene.cards[ids[name]].card_rect().right() for name in ("relu3", "relu5"))
    mouse.drag_card(ids["concat"], QPointF(right + 60.0, scene.cards[ids["conv3"]].y() + 40.0))
    for name in ("relu3", "relu5", "relu6"):
        mouse.connect_to(ids[name], ids["concat"])
    return ids


def check(mouse: Mouse, ids: dict[str, str]) -> None:
    """Shapes, parameters and wires against the paper's table."""
    inference = mouse.window.document.inference
    assert len(mouse.nodes) == len(ids) == 15
    for name, count in PARAMETERS.items():
        assert inference.results[ids[name]].parameters == count, name
        assert mouse.shape(ids[name]) == (CHANNELS[name], 28, 28), name
        assert mouse.shape(ids[f"relu{name[-1]}"]) == (CHANNELS[name], 28, 28)
    assert mouse.shape(ids["concat"]) == (256, 28, 28)
    assert inference.parameters == sum(PARAMETERS.values()) == 163_696
    rows = (
        ("input", "conv1", "relu1", "concat"),
        ("input", "conv2", "relu2", "conv3", "relu3", "concat"),
        ("input", "conv4", "relu4", "conv5", "relu5", "concat"),
        ("input", "pool", "conv6", "relu6", "concat"),
    )
    wanted = {(ids[a], ids[b]) for row in rows for a, b in pairwise(row)}
    assert mouse.wires == wanted
    into = {edge.target.port: edge.source.node for edge in mouse.window.document.project.graph.edges
            if edge.target.node == ids["concat"]}  # fmt: skip
    assert into == {0: ids["relu1"], 1: ids["relu3"], 2: ids["relu5"], 3: ids["relu6"]}, "the order of the paper"


def test_the_inception_module_is_built_grouped_and_taken_back_by_mouse(
    mouse: Mouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, canvas = mouse.window, mouse.window.canvas
    scene, viewport = canvas.canvas_scene, canvas.viewport()
    empty = window.document.project
    ids = build(mouse, monkeypatch)
    check(mouse, ids)

    # A rubber band around all but the input.
    module = [node for name, node in ids.items() if name != "input"]
    around = scene.rect_of(module)
    corner = around.topLeft() - QPointF(18.0, 18.0)
    assert scene.card_at(corner) is None
    beyond = around.bottomRight() + QPointF(18.0, 18.0)
    mouse.drag(viewport, canvas.mapFromScene(corner), canvas.mapFromScene(beyond))
    assert set(canvas.selected) == set(module)

    # The menu makes a group of it, which is one card at first.
    mouse.choose_from_menu(mouse.on_canvas(ids["conv1"], "title"), "Group")
    (group,) = window.document.project.graph.groups
    mouse.click(viewport, QPoint(30, viewport.height() - 30))  # The name that is offered will do.
    mouse.until(lambda: canvas.renaming.editor is None and not canvas.camera.gliding)
    card = scene.cards[group]
    assert isinstance(card, NodeItem)
    assert card.facts.parameters == 163_696
    assert card.facts.subtitle == "256×28×28"
    assert "14 layers" in card.facts.note and "192×28×28" in card.facts.note
    assert set(scene.cards) == {ids["input"], group}

    # A double click opens it, the sign in its title folds it up again.
    mouse.double_click(viewport, mouse.on_canvas(group, "title"))
    mouse.until(lambda: group in scene.frames.items and not canvas.camera.gliding)
    canvas.hold_still()
    assert set(scene.cards) == set(ids.values())
    sign = canvas.mapFromScene(scene.frames.items[group].sign_rect().center())
    mouse.click(viewport, sign)
    mouse.until(lambda: group in scene.cards and not canvas.camera.gliding)
    canvas.hold_still()

    # The whole block goes where it is dragged, with all that stands in it.
    graph = window.document.project.graph
    before = {node: (graph.nodes[node].x, graph.nodes[node].y) for node in module}
    x, y = scene.cards[group].place
    mouse.drag_card(group, QPointF(x + 90.0, y + 130.0))
    across, down = scene.cards[group].place[0] - x, scene.cards[group].place[1] - y
    assert across > 60.0 and down > 90.0
    graph = window.document.project.graph
    assert {node: (graph.nodes[node].x, graph.nodes[node].y) for node in module} == {
        node: (x + across, y + down) for node, (x, y) in before.items()
    }
    check(mouse, ids)

    # All of it can be taken back, step by step, and done again.
    built = window.document.project
    assert io.loads(io.dumps(built)) == built
    steps = window.document.history.position
    for _ in range(steps):
        mouse.menu("Edit", "Undo")
    assert not window.document.can_undo
    assert window.document.project == empty
    assert not scene.cards and not scene.wires and not scene.frames.items
    for _ in range(steps):
        mouse.menu("Edit", "Redo")
    assert not window.document.can_redo
    assert window.document.project == built
    assert set(scene.cards) == {ids["input"], group}
    assert QRect(QPoint(), window.size()).contains(mouse.place(viewport, mouse.on_canvas(group, "title")))
