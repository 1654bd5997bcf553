"""What the mouse does on the canvas: which gesture a press begins, what lights up under the pointer, the menu."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QMenu

from nnviz.gui.canvas.geometry import PORT_REACH, Level
from nnviz.gui.canvas.hands.aligning import add_to_menu
from nnviz.gui.canvas.hands.gestures import (
    ConnectByKeys,
    ConnectGesture,
    MoveGesture,
    PanGesture,
    RefusedGesture,
    RerouteGesture,
    RubberBandGesture,
)
from nnviz.gui.canvas.items.frame_item import FrameItem
from nnviz.gui.canvas.items.ports import PortState
from nnviz.gui.canvas.routing import Port

if TYPE_CHECKING:
    from nnviz.gui.canvas.view import CanvasView
    from nnviz.project.model import Edge

_ADDING = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier


class CanvasMouse:
    """Turns presses, moves and releases into gestures.

    Attributes:
        panning: The space bar is held: the left button moves the view.
    """

    def __init__(self, canvas: CanvasView) -> None:
        self._canvas = canvas
        self._hovered: str | None = None
        self._wire: Edge | None = None
        self._folding = False
        self.panning = False

    @property
    def port_reach(self) -> float:
        """Distance in scene units at which the mouse is on a port; more of them when far out."""
        return max(PORT_REACH, 8.0 / self._canvas.zoom)

    @property
    def snap_reach(self) -> float:
        """Distance in scene units at which the end of a wire snaps to a port."""
        return max(1.6 * PORT_REACH, 14.0 / self._canvas.zoom)

    def press(self, event: QMouseEvent) -> None:
        """Begin the gesture that fits what is under the mouse."""
        canvas = self._canvas
        self._folding = False
        if isinstance(canvas.gesture, ConnectByKeys):
            canvas.cancel_gesture()
        if canvas.gesture is not None:
            return
        point = canvas.to_scene(event.position())
        button = event.button()
        if button is Qt.MouseButton.MiddleButton or (button is Qt.MouseButton.LeftButton and self.panning):
            canvas.begin_gesture(PanGesture(canvas, point))
        elif button is Qt.MouseButton.LeftButton:
            self._press_left(point, adding=bool(event.modifiers() & _ADDING))

    def _press_left(self, point: QPointF, *, adding: bool) -> None:
        canvas, scene = self._canvas, self._canvas.canvas_scene
        if canvas.notes.draw(point):
            return
        port = self._port_at(point)
        if port is not None:
            self._begin_wire(port)
            return
        if not adding and canvas.notes.pull(point):
            return
        card = scene.card_at(point)
        if card is not None:
            self._press_card(card.node, point, adding=adding)
            return
        note = canvas.notes.at(point)
        if note is not None:
            self._press_card(note.node, point, adding=adding)
            return
        frame = scene.frames.head_at(point)
        if frame is not None and frame.sign_rect().contains(point):
            self._folding = True
            canvas.groups.toggle(frame.node)
            return
        if frame is not None:
            self._press_card(frame.node, point, adding=adding)
            return
        wire = scene.wire_at(point)
        if wire is not None:
            self._press_wire(wire.edge, adding=adding)
            canvas.begin_gesture(RerouteGesture(canvas, point, wire))
            return
        if not adding:
            scene.select(())
        canvas.begin_gesture(RubberBandGesture(canvas, point, adding=adding))

    def _press_card(self, node: str, point: QPointF, *, adding: bool) -> None:
        canvas, scene = self._canvas, self._canvas.canvas_scene
        if adding:
            chosen = [other for other in scene.selected if other != node]
            if node not in scene.selected:
                chosen.append(node)
            scene.select(chosen)
            if node not in chosen:
                return
        elif node not in scene.selected:
            scene.select([node])
        canvas.begin_gesture(MoveGesture(canvas, point, node))

    def _press_wire(self, edge: Edge, *, adding: bool) -> None:
        scene = self._canvas.canvas_scene
        edges = [other for other in scene.selected_wires if other != edge] if adding else []
        if not (adding and edge in scene.selected_wires):
            edges.append(edge)
        scene.select(scene.selected if adding else (), edges)
        self._canvas.announce(f"Wire from {edge.source.node} to {edge.target.node}")

    def _begin_wire(self, port: Port) -> None:
        canvas = self._canvas
        taken = None if port.output else canvas.canvas_scene.wire_into(port.ref)
        if taken is not None:
            # Pulling at an input takes the wire by its end.
            canvas.begin_gesture(ConnectGesture(canvas, Port(taken.source, output=True), replaced=taken))
        else:
            canvas.begin_gesture(ConnectGesture(canvas, port))

    def release(self, event: QMouseEvent) -> None:
        """The gesture is complete."""
        canvas = self._canvas
        gesture = canvas.gesture
        if gesture is None or isinstance(gesture, ConnectByKeys):
            return
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            return
        point = canvas.to_scene(event.position())
        canvas.end_gesture(point, event.modifiers())
        if isinstance(gesture, MoveGesture | RefusedGesture) and not gesture.dragging and not event.modifiers():
            scene = canvas.canvas_scene
            card = scene.card_at(point) or canvas.notes.at(point) or scene.frames.head_at(point)
            if card is not None and len(canvas.canvas_scene.selected) > 1:
                canvas.canvas_scene.select([card.node])
        self.hover(point)

    def double_click(self, event: QMouseEvent) -> None:
        """Open the card under the mouse; on free ground or on a wire, look for a layer."""
        canvas = self._canvas
        if event.button() is not Qt.MouseButton.LeftButton or self._folding:
            # The triangle has folded its group: under the mouse is something else now.
            return
        point = canvas.to_scene(event.position())
        card = canvas.canvas_scene.card_at(point)
        canvas.cancel_gesture()
        note = canvas.notes.at(point) if card is None else None
        frame = canvas.canvas_scene.frames.head_at(point) if card is None else None
        if note is not None:
            canvas.notes.edit([note.node])
        elif card is not None and canvas.groups.is_group(card.node):
            canvas.groups.toggle(card.node)
        elif frame is not None:
            if not frame.sign_rect().contains(point):
                canvas.groups.toggle(frame.node)
        elif card is not None:
            canvas.node_activated.emit(card.node)
        elif self._port_at(point) is None:
            canvas.quick_add.open(point)

    def _port_at(self, point: QPointF) -> Port | None:
        if self._canvas.stage.level is Level.FAR:
            return None
        return self._canvas.canvas_scene.port_at(point, self.port_reach)

    def hover(self, point: QPointF | None) -> None:
        """Light up what is under the mouse; None when it has gone."""
        canvas, scene = self._canvas, self._canvas.canvas_scene
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
        if node is not None and canvas.stage.level is not Level.FAR:
            for other, place in scene.ports_of(node):
                shown[other] = (place, PortState.HOT if other == port else PortState.IDLE)
        canvas.show_ports(shown)
        if canvas.gesture is None:
            on_sign = frame is not None and point is not None and frame.sign_rect().contains(point)
            shape = self.cursor(on_port=port is not None, on_wire=wire is not None or on_sign)
            free = port is None and card is None and not self.panning
            pulled = canvas.notes.hover(point, free=free)
            canvas.viewport().setCursor(shape if pulled is None else pulled)

    def cursor(self, *, on_port: bool = False, on_wire: bool = False) -> Qt.CursorShape:
        """The shape of the pointer while no gesture goes on."""
        if self.panning:
            return Qt.CursorShape.OpenHandCursor
        if on_port or self._canvas.notes.armed:
            return Qt.CursorShape.CrossCursor
        return Qt.CursorShape.PointingHandCursor if on_wire else Qt.CursorShape.ArrowCursor

    def menu_point(self, point: QPointF) -> QPointF:
        """Where the menu goes that is asked for with a key: to what was selected last, else to ``point``."""
        scene = self._canvas.canvas_scene
        return self.handle_rect(scene.selected[-1]).center() if scene.selected else point

    def handle_rect(self, identity: str) -> QRectF:
        """The part of the scene by which a card, a frame, a note or an arrow is held; empty where there is none."""
        item = self._canvas.canvas_scene.item(identity)
        if isinstance(item, FrameItem):
            return item.head_rect()
        return item.card_rect() if item is not None else QRectF()

    def menu(self, point: QPointF) -> QMenu:
        """Select what is at a point of the scene and make the menu for it."""
        canvas, scene = self._canvas, self._canvas.canvas_scene
        note = canvas.notes.at(point) if scene.card_at(point) is None else None
        card = scene.card_at(point) or scene.frames.head_at(point)
        wire = scene.wire_at(point) if card is None else None
        menu = QMenu(canvas)
        if note is not None:
            canvas.notes.add_to_menu(menu, note)
        elif card is not None:
            if card.node not in scene.selected:
                scene.select([card.node])
            menu.addAction(canvas.offered["rename"].entry(), canvas.rename_selected)
            if card.node in scene.cards:
                menu.addAction(canvas.offered["connect"].entry(), canvas.start_wire_by_keyboard)
            canvas.groups.add_to_menu(menu)
            menu.addSeparator()
            menu.addAction(canvas.offered["cut"].entry(), canvas.cut)
            menu.addAction(canvas.offered["copy"].entry(), canvas.copy)
            menu.addAction(canvas.offered["duplicate"].entry(), canvas.duplicate)
            if len(scene.selected) > 1:
                add_to_menu(menu.addMenu("Align and distribute"), canvas)
            menu.addSeparator()
            menu.addAction(canvas.offered["delete"].entry(), canvas.delete_selection)
        elif wire is not None:
            scene.select((), [wire.edge])
            menu.addAction(canvas.offered["quick_add"].entry("Insert layer…"), lambda: canvas.quick_add.open(point))
            menu.addAction(canvas.offered["delete"].entry("Remove wire"), canvas.delete_selection)
        else:
            menu.addAction(canvas.offered["quick_add"].entry("Add layer here…"), lambda: canvas.quick_add.open(point))
            menu.addAction(canvas.offered["note"].entry("Write a note here"), lambda: canvas.notes.add(point))
            menu.addAction(canvas.offered["arrow"].entry("Draw an arrow"), canvas.notes.arm)
            menu.addAction("Paste here", lambda: canvas.paste(point))
            menu.addSeparator()
            menu.addAction(canvas.offered["select_all"].entry(), canvas.select_all)
            menu.addAction(canvas.offered["arrange"].entry(), canvas.arrange)
            menu.addAction("Show everything\tF", canvas.fit_or_all)
        return menu
