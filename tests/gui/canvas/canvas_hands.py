"""Hands that work on a canvas: mouse, keys, drags."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from pointer import move_pointer
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from nnviz.gui.canvas.hands.gestures import LAYER_MIME
from nnviz.gui.canvas.routing import Port
from nnviz.gui.canvas.view import CanvasView
from nnviz.project.document import Document
from nnviz.project.model import Edge, Graph, Node, PortRef, Project

LEFT = Qt.MouseButton.LeftButton
NO_BUTTON = Qt.MouseButton.NoButton
NONE = Qt.KeyboardModifier.NoModifier


def chain(*kinds: str, **params: dict[str, object]) -> Project:
    """A project with one layer of each kind in a row, wired one behind the other; ids are the kinds."""
    nodes = {
        kind: Node(kind, kind, params.get(kind, {}), x=195.0 * index, y=0.0)  # type: ignore[arg-type]  # plain test values
        for index, kind in enumerate(kinds)
    }
    edges = tuple(Edge(PortRef(a), PortRef(b)) for a, b in pairwise(kinds))
    return Project(graph=Graph(nodes, edges))


@dataclass
class Hands:
    """Does to a canvas what a person does."""

    view: CanvasView
    document: Document
    held: Qt.MouseButton = NO_BUTTON

    @property
    def graph(self) -> Graph:
        return self.document.project.graph

    @property
    def wires(self) -> set[tuple[str, str]]:
        return {(edge.source.node, edge.target.node) for edge in self.graph.edges}

    def place(self, point: QPointF) -> QPoint:
        return self.view.mapFromScene(point)

    def card(self, node: str) -> QPoint:
        """A point on the title of a card, away from its ports."""
        rect = self.view.canvas_scene.cards[node].card_rect()
        return self.place(QPointF(rect.center().x(), rect.top() + 15.0))

    def port(self, node: str, *, output: bool, index: int = 0) -> QPoint:
        return self.place(self.view.canvas_scene.port_place(Port(PortRef(node, index), output=output)))

    def press(self, point: QPoint, button: Qt.MouseButton = LEFT, keys: Qt.KeyboardModifier = NONE) -> None:
        self.drag_to(point, keys=keys)
        QTest.mousePress(self.view.viewport(), button, keys, point)
        self.held = button

    def drag_to(self, *points: QPoint, keys: Qt.KeyboardModifier = NONE) -> None:
        for point in points:
            move_pointer(self.view.viewport(), point, self.held, keys)

    def release(self, point: QPoint, button: Qt.MouseButton = LEFT, keys: Qt.KeyboardModifier = NONE) -> None:
        self.held = NO_BUTTON
        QTest.mouseRelease(self.view.viewport(), button, keys, point)

    def drag(self, start: QPoint, end: QPoint, button: Qt.MouseButton = LEFT, keys: Qt.KeyboardModifier = NONE) -> None:
        self.press(start, button, keys)
        self.drag_to(start + (end - start) / 3, start + (end - start) * 2 / 3, end)
        self.release(end, button, keys)

    def click(self, point: QPoint, keys: Qt.KeyboardModifier = NONE) -> None:
        self.drag_to(point, keys=keys)
        QTest.mouseClick(self.view.viewport(), LEFT, keys, point)

    def key(self, key: Qt.Key, keys: Qt.KeyboardModifier = NONE) -> None:
        QTest.keyClick(self.view, key, keys)

    def type(self, text: str) -> None:
        focus = QApplication.focusWidget()
        assert focus is not None
        QTest.keyClicks(focus, text)

    def press_key(self, key: Qt.Key) -> None:
        """A key for whatever has the focus."""
        focus = QApplication.focusWidget()
        assert focus is not None
        QTest.keyClick(focus, key)

    def hold_layer(self, kind: str, *points: QPoint) -> QMimeData:
        """Drag a layer from the palette over the canvas, without dropping it."""
        data = QMimeData()
        data.setData(LAYER_MIME, kind.encode())
        viewport = self.view.viewport()
        copy = Qt.DropAction.CopyAction
        enter = QDragEnterEvent(points[0], copy, data, LEFT, NONE)
        QApplication.sendEvent(viewport, enter)
        for point in points:
            QApplication.sendEvent(viewport, QDragMoveEvent(point, copy, data, LEFT, NONE))
        return data

    def drop_layer(self, kind: str, point: QPoint) -> None:
        data = self.hold_layer(kind, point)
        event = QDropEvent(QPointF(point), Qt.DropAction.CopyAction, data, LEFT, NONE)
        QApplication.sendEvent(self.view.viewport(), event)
