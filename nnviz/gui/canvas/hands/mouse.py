"""What the mouse does on the canvas: which gesture a press begins, and what lights up under the pointer."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent

from nnviz.gui.canvas.geometry import Level
from nnviz.gui.canvas.hands.gestures import (
    ConnectByKeys,
    ConnectGesture,
    MoveGesture,
    PanGesture,
    RefusedGesture,
    RerouteGesture,
    RubberBandGesture,
)
from nnviz.gui.canvas.hands.gestures.base import port_reach
from nnviz.gui.canvas.hands.tools import Tools
from nnviz.gui.canvas.items.ports import PortState
from nnviz.gui.canvas.routing import Port
from nnviz.project.model import Edge

_ADDING = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier


class CanvasMouse:
    """Turns presses, moves and releases into gestures.

    Args:
        tools: What there is to begin.
        open_card: Opens the card of an id, which was double-clicked.

    Attributes:
        panning: The space bar is held: the left button moves the view.
    """

    def __init__(self, tools: Tools, open_card: Callable[[str], object]) -> None:
        self._tools = tools
        self._desk = tools.desk
        self._open_card = open_card
        self._hovered: str | None = None
        self._wire: Edge | None = None
        self._folding = False
        self.panning = False

    def press(self, event: QMouseEvent) -> None:
        """Begin the gesture that fits what is under the mouse."""
        desk, gestures = self._desk, self._tools.gestures
        self._folding = False
        if isinstance(gestures.gesture, ConnectByKeys):
            gestures.cancel()
        if desk.overlay.gesture is not None:
            return
        point = desk.camera.to_scene(event.position())
        button = event.button()
        if button is Qt.MouseButton.MiddleButton or (button is Qt.MouseButton.LeftButton and self.panning):
            gestures.begin(PanGesture(desk, point))
        elif button is Qt.MouseButton.LeftButton:
            self._press_left(point, adding=bool(event.modifiers() & _ADDING))

    def _press_left(self, point: QPointF, *, adding: bool) -> None:
        desk, gestures, notes = self._desk, self._tools.gestures, self._tools.notes
        scene = desk.scene
        if notes.draw(point):
            return
        pin = scene.pins.pin_at(point)
        if pin is not None:
            scene.pin_chosen.emit(pin)
            return
        port = self._port_at(point)
        if port is not None:
            self._begin_wire(port)
            return
        if not adding and notes.pull(point):
            return
        card = scene.card_at(point)
        if card is not None:
            self._press_card(card.node, point, adding=adding)
            return
        note = notes.at(point)
        if note is not None:
            self._press_card(note.node, point, adding=adding)
            return
        frame = scene.frames.head_at(point)
        if frame is not None and frame.sign_rect().contains(point):
            self._folding = True
            self._tools.groups.toggle(frame.node)
            return
        if frame is not None:
            self._press_card(frame.node, point, adding=adding)
            return
        wire = scene.wire_at(point)
        if wire is not None:
            self._press_wire(wire.edge, adding=adding)
            gestures.begin(RerouteGesture(desk, point, wire))
            return
        if not adding:
            scene.select(())
        gestures.begin(RubberBandGesture(desk, point, adding=adding))

    def _press_card(self, node: str, point: QPointF, *, adding: bool) -> None:
        scene = self._desk.scene
        if adding:
            chosen = [other for other in scene.selected if other != node]
            if node not in scene.selected:
                chosen.append(node)
            scene.select(chosen)
            if node not in chosen:
                return
        elif node not in scene.selected:
            scene.select([node])
        self._tools.gestures.begin(MoveGesture(self._desk, point, node))

    def _press_wire(self, edge: Edge, *, adding: bool) -> None:
        scene = self._desk.scene
        edges = [other for other in scene.selected_wires if other != edge] if adding else []
        if not (adding and edge in scene.selected_wires):
            edges.append(edge)
        scene.select(scene.selected if adding else (), edges)
        self._desk.announce(f"Wire from {edge.source.node} to {edge.target.node}")

    def _begin_wire(self, port: Port) -> None:
        desk, gestures = self._desk, self._tools.gestures
        taken = None if port.output else desk.scene.wire_into(port.ref)
        if taken is not None:
            # Pulling at an input takes the wire by its end.
            gestures.begin(ConnectGesture(desk, Port(taken.source, output=True), replaced=taken))
        else:
            gestures.begin(ConnectGesture(desk, port, loose_end=self._tools.quick_add.open_at_end))

    def release(self, event: QMouseEvent) -> None:
        """Complete the gesture."""
        desk, notes = self._desk, self._tools.notes
        gesture = desk.overlay.gesture
        if gesture is None or isinstance(gesture, ConnectByKeys):
            return
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            return
        point = desk.camera.to_scene(event.position())
        self._tools.gestures.end(point, event.modifiers())
        if isinstance(gesture, MoveGesture | RefusedGesture) and not gesture.dragging and not event.modifiers():
            scene = desk.scene
            card = scene.card_at(point) or notes.at(point) or scene.frames.head_at(point)
            if card is not None and len(scene.selected) > 1:
                scene.select([card.node])
            pictured = scene.card_at(point)
            number = pictured.number_at(point) if pictured is not None else None
            if number is not None:
                self._tools.clicked(*number)
        self.hover(point)

    def double_click(self, event: QMouseEvent) -> None:
        """Open the card under the mouse; on free ground or on a wire, look for a layer."""
        tools, scene = self._tools, self._desk.scene
        if event.button() is not Qt.MouseButton.LeftButton or self._folding:
            # The triangle has folded its group: under the mouse is something else now.
            return
        point = self._desk.camera.to_scene(event.position())
        card = scene.card_at(point)
        tools.gestures.cancel()
        note = tools.notes.at(point) if card is None else None
        frame = scene.frames.head_at(point) if card is None else None
        if note is not None:
            tools.notes.edit([note.node])
        elif card is not None and tools.groups.is_group(card.node):
            tools.groups.toggle(card.node)
        elif frame is not None:
            if not frame.sign_rect().contains(point):
                tools.groups.toggle(frame.node)
        elif card is not None:
            self._open_card(card.node)
        elif self._port_at(point) is None:
            tools.quick_add.open(point)

    def _port_at(self, point: QPointF) -> Port | None:
        if self._desk.stage.level is Level.FAR:
            return None
        return self._desk.scene.port_at(point, port_reach(self._desk.camera.zoom))

    def hover(self, point: QPointF | None) -> None:
        """Light up what is under the mouse; None when it has gone."""
        desk, scene = self._desk, self._desk.scene
        port = card = wire = None
        if point is not None:
            port = self._port_at(point)
            card = scene.cards[port.ref.node] if port is not None else scene.card_at(point)
            if card is None:
                wire = scene.wire_at(point)
        node = card.node if card is not None else None
        frame = scene.frames.head_at(point) if point is not None and card is None else None
        for item in scene.frames.items.values():
            item.set_look(hovered=item is frame)
        if node != self._hovered:
            if self._hovered is not None and self._hovered in scene.cards:
                scene.cards[self._hovered].set_look(hovered=False)
            if card is not None:
                card.set_look(hovered=True)
            self._hovered = node
        edge = wire.edge if wire is not None else None
        if edge != self._wire:
            if self._wire is not None and self._wire in scene.wires:
                scene.wires[self._wire].set_look(hovered=False)
            if wire is not None:
                wire.set_look(hovered=True)
            self._wire = edge
        shown: dict[Port, tuple[QPointF, PortState]] = {}
        if node is not None and desk.stage.level is not Level.FAR:
            for other, place in scene.ports_of(node):
                shown[other] = (place, PortState.HOT if other == port else PortState.IDLE)
        desk.overlay.show_ports(shown)
        if desk.overlay.gesture is None:
            on_sign = frame is not None and point is not None and frame.sign_rect().contains(point)
            shape = self.cursor(on_port=port is not None, on_wire=wire is not None or on_sign)
            free = port is None and card is None and not self.panning
            pulled = self._tools.notes.hover(point, free=free)
            desk.overlay.set_cursor(shape if pulled is None else pulled)

    def cursor(self, *, on_port: bool = False, on_wire: bool = False) -> Qt.CursorShape:
        """The shape of the pointer while no gesture goes on."""
        if self.panning:
            return Qt.CursorShape.OpenHandCursor
        if on_port or self._tools.notes.armed:
            return Qt.CursorShape.CrossCursor
        return Qt.CursorShape.PointingHandCursor if on_wire else Qt.CursorShape.ArrowCursor
