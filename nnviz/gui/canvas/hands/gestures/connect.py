"""Draws a wire, by mouse or by keys; says why where one cannot be."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPainterPath, QPen

from nnviz.gui.canvas.desk import Desk
from nnviz.gui.canvas.geometry import Side, arrow_head, wire_path
from nnviz.gui.canvas.hands.gestures.base import Gesture, port_reach, snap_reach
from nnviz.gui.canvas.hands.navigation import ARROWS, tab_order, toward
from nnviz.gui.canvas.items.node_item import NodeItem
from nnviz.gui.canvas.items.ports import PortState
from nnviz.gui.canvas.routing import Port
from nnviz.gui.look import theme
from nnviz.project.checks.shapes import Inference
from nnviz.project.checks.trial import misfit
from nnviz.project.edits import Connect, Disconnect, Edit, Several, can_connect
from nnviz.project.graph.wiring import as_target, wire_into
from nnviz.project.model import Edge, Graph, PortRef

#: With more cards in sight than this, ports light up only under the mouse.
_MOST_CANDIDATES = 150
#: Let go nearer to its port than this many pixels, a wire was not meant.
_SHORTEST = 24.0


class _Wiring(Gesture):
    """What both ways of drawing a wire share: the port it starts from, the possible ends, the reason against one.

    Args:
        port: Where the wire is held: an output, or an input from which it is drawn backwards.
        replaced: A wire that is being plugged elsewhere.
    """

    cursor = Qt.CursorShape.CrossCursor

    changes = True

    def __init__(self, desk: Desk, port: Port, replaced: Edge | None = None) -> None:
        super().__init__(desk)
        self._port = port
        self._replaced = replaced
        self._graph = self._without(replaced)
        self._reason = ""
        self._doubt = ""
        self._doubts: dict[Edge, str] = {}
        self._target: Port | None = None
        self._possible: dict[Port, bool] = {}
        self._end = self.scene.port_place(port)
        self._path = QPainterPath()
        if replaced is not None:
            self.scene.wires[replaced].setVisible(False)

    @property
    def reason(self) -> str:
        """Why the wire cannot end where it is held now."""
        return self._reason

    @property
    def doubt(self) -> str:
        """What would not fit if the wire ended where it is held now: it may be drawn all the same."""
        return self._doubt

    def _doubt_about(self, target: Port) -> str:
        """Why a wire that may be drawn would not fit, tried on the shapes; each wire is tried once."""
        edge = self._edge(target)
        if edge not in self._doubts:
            wires = () if edge == self._replaced else self.scene.seen.between(edge)
            doubts = (misfit(self._graph, wire, self._inference) for wire in wires)
            self._doubts[edge] = next((doubt for doubt in doubts if doubt), "")
        return self._doubts[edge]

    @property
    def _inference(self) -> Inference:
        return self.scene.document.inference

    def _words(self, target: Port | None) -> str:
        """The sentence beside the wire: why not, what would not fit, or which wire gives way."""
        if self._reason or target is None:
            return self._reason
        if self._doubt:
            return f"Allowed, but: {self._doubt}"
        wires = self.scene.seen.between(self._edge(target))
        old = next((found for wire in wires if (found := wire_into(self._graph, wire.target)) is not None), None)
        return f"Takes the place of the wire from {old.source.node}." if old is not None else ""

    def _without(self, replaced: Edge | None) -> Graph:
        graph = self.scene.graph
        if replaced is None:
            return graph
        gone = self.scene.seen.wires[replaced]
        return replace(graph, edges=tuple(edge for edge in graph.edges if edge not in gone))

    def _edge(self, other: Port) -> Edge:
        return Edge(self._port.ref, other.ref) if self._port.output else Edge(other.ref, self._port.ref)

    def _why_not(self, other: Port) -> str:
        if other.output == self._port.output:
            return "A wire runs from an output to an input."
        edge, seen = self._edge(other), self.scene.seen
        if edge.source.node == edge.target.node:
            return f"{self.scene.cards[edge.source.node].facts.title} cannot be wired to itself."
        for end, output in ((edge.source, True), (edge.target, False)):
            ports = seen.ports.get(end.node)
            if ports is not None and end.port >= len(ports.outputs if output else ports.inputs):
                title = self.scene.cards[end.node].facts.title
                return f"{title} has no {'output' if output else 'input'} to be wired: look inside to wire its layers."
        reasons = (can_connect(self._graph, wire.source, wire.target) for wire in seen.between(edge))
        return next((reason for reason in reasons if reason), "")

    def _port_of(self, node: str) -> Port:
        """The port of a card that is meant when the wire is held over the card itself."""
        if self._port.output and node in self.scene.seen.cards:
            return Port(PortRef(node, self._free_input(node)), output=False)
        if self._port.output:
            return Port(as_target(self._graph, node), output=False)
        return Port(PortRef(node, 0), output=True)

    def _free_input(self, group: str) -> int:
        """The first input port of a group's card without a wire, else its first."""
        taken = {edge.target for edge in self._graph.edges}
        ports = self.scene.seen.ports[group].inputs
        return next((index for index, targets in enumerate(ports) if taken.isdisjoint(targets)), 0)

    def _light_up(self) -> None:
        """Find the ports in sight at which the wire could end."""
        cards = [item for item in self.scene.items(self.desk.camera.visible_rect()) if isinstance(item, NodeItem)]
        if len(cards) > _MOST_CANDIDATES:
            return
        for card in cards:
            for port, _ in self.scene.ports_of(card.node):
                if port.output != self._port.output:
                    self._possible[port] = self._why_not(port) == ""

    def _show(self, point: QPointF, target: Port | None, reason: str) -> None:
        """Show the wire from the port to ``point`` or into ``target``."""
        self._target, self._reason = (target, reason)
        self._doubt = self._doubt_about(target) if target is not None and not reason else ""
        for card in self.scene.cards.values():
            card.set_look(target=None)
        if target is not None and not reason:
            self.scene.cards[target.ref.node].set_look(target=True)
        shown = {
            port: (self.scene.port_place(port), PortState.POSSIBLE) for port, good in self._possible.items() if good
        }
        shown[self._port] = (self.scene.port_place(self._port), PortState.CHOSEN)
        if target is not None and not reason:
            point = self.scene.port_place(target)
            shown[target] = (point, PortState.CHOSEN)
        self.desk.overlay.show_ports(shown)
        self._end = point
        self._path = self._drawn(target if not reason else None)

    def _drawn(self, target: Port | None) -> QPainterPath:
        start, start_side = self.scene.port_place(self._port), self.scene.port_side(self._port)
        if target is not None:
            end_side = self.scene.port_side(target)
        else:
            end_side = Side.LEFT if self._port.output else Side.RIGHT
        if not self._port.output:
            path = wire_path(self._end, end_side, start, start_side)
            arrow_head(path, start, start_side)
            return path
        path = wire_path(start, start_side, self._end, end_side)
        arrow_head(path, self._end, end_side)
        return path

    def _edit(self, target: Port) -> Edit | None:
        edge = self._edge(target)
        if edge == self._replaced:
            return None
        seen = self.scene.seen
        connects = tuple(Connect(wire) for wire in seen.between(edge))
        old = seen.wires[self._replaced] if self._replaced is not None else ()
        edits: tuple[Edit, ...] = (*(Disconnect(wire) for wire in old), *connects)
        return edits[0] if len(edits) == 1 else Several(edits, connects[0].title)

    def _clear(self) -> None:
        for card in self.scene.cards.values():
            card.set_look(target=None)
        if self._replaced is not None and self._replaced in self.scene.wires:
            self.scene.wires[self._replaced].setVisible(True)
        self.desk.overlay.show_ports({})
        self.desk.overlay.show_hint("")

    def cancel(self) -> None:
        """Draw no wire."""
        self._clear()

    def paint(self, painter: QPainter) -> None:
        """Draw the wire as it is held."""
        colours = theme.current()
        colour = colours.good if self._target is not None else colours.accent
        if self._reason or self._doubt:
            colour = colours.danger if self._reason else colours.warning
        pen = QPen(colour, 2.4)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        if self._reason:
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(self._path)

    def area(self) -> QRectF:
        """The part of the scene around the wire."""
        return self._path.boundingRect().adjusted(-8.0, -8.0, 8.0, 8.0)


class ConnectGesture(_Wiring):
    """A wire drawn by the mouse, from an output or from an input, or taken by its end and plugged elsewhere.

    Args:
        desk: What it works with.
        port: Where the wire is held.
        replaced: A wire that is being plugged elsewhere.
        loose_end: Looks for a layer that fits the end of a new wire which is let go over nothing; gets the port that it
            is plugged into, the point of its other end, and the gesture, which goes on showing it.
    """

    def __init__(
        self,
        desk: Desk,
        port: Port,
        replaced: Edge | None = None,
        loose_end: Callable[[Port, QPointF, Gesture], object] | None = None,
    ) -> None:
        super().__init__(desk, port, replaced)
        self._loose_end = loose_end
        self._light_up()

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Hold the end of the wire at ``point``: over a port, over a card, or over nothing."""
        target = self._target_at(point)
        reason = self._why_not(target) if target is not None else ""
        self._show(point, target, reason)
        self.desk.overlay.show_hint(self._words(target), point, "warning" if self._doubt and not reason else "")

    def _target_at(self, point: QPointF) -> Port | None:
        """The port that is meant: the nearest fitting one within reach, else that of the card under the mouse."""
        snap = self.scene.port_at(point, snap_reach(self.desk.camera.zoom), output=not self._port.output)
        if snap is not None and snap.ref.node != self._port.ref.node:
            return snap
        card = self.scene.card_at(point)
        if card is not None and card.node != self._port.ref.node:
            return self._port_of(card.node)
        # Only a wire that would run from a card into itself is left, or one to a port of the wrong kind.
        near = self.scene.port_at(point, port_reach(self.desk.camera.zoom))
        return near if near is not None and near != self._port else None

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Plug the wire in where it is held; over nothing, look for a layer that fits its end."""
        self.move(point, modifiers)
        target, reason = self._target, self._reason
        self._clear()
        if reason:
            self.desk.say(reason)
        elif target is not None:
            edit = self._edit(target)
            if edit is not None and self.desk.editing.apply(edit) and self._doubt:
                self.desk.say(self._doubt)
        elif self._replaced is None and self._loose_end is not None and self._is_meant(point):
            self._loose_end(self._port, point, self)

    def _is_meant(self, point: QPointF) -> bool:
        """Whether the wire was drawn far enough, and onto free ground."""
        gap = point - self.scene.port_place(self._port)
        far = gap.manhattanLength() * self.desk.camera.zoom >= _SHORTEST
        return far and self.scene.card_at(point) is None


class ConnectByKeys(_Wiring):
    """A wire drawn with the keyboard: Tab goes through what is possible, the arrows through all, Enter connects.

    Args:
        desk: What it works with.
        node: The card at whose output the wire begins.
        end: Completes the gesture at a point of the scene.
    """

    scrolls = False

    def __init__(self, desk: Desk, node: str, end: Callable[[QPointF], object]) -> None:
        super().__init__(desk, Port(PortRef(node), output=True))
        self._complete = end
        self._at = node
        self._candidates = [other for other in tab_order(self.scene) if not self._why_not(self._port_of(other))]
        self._light_up()
        if self._candidates:
            after = [other for other in self._candidates if self._x(other) >= self._x(node)]
            self._go((after or self._candidates)[0])
        else:
            self._show(self._end, None, "")
            desk.overlay.show_hint("No layer can take this output.", self._end)
        title = self.scene.cards[node].facts.title
        desk.say(f"Connect {title}: choose with Tab or the arrow keys, Enter connects, Esc cancels.")

    def _x(self, node: str) -> float:
        return self.scene.cards[node].x()

    def key(self, event: QKeyEvent) -> bool:
        """Choose the end or confirm it; the canvas itself gives the wire up at Esc."""
        code = event.key()
        if code in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._complete(self._end)
        elif code in ARROWS:
            other = toward(self.scene, self._at, ARROWS[code], along_wires=False)
            if other is not None:
                self._go(other)
        return True

    def step(self, *, forward: bool) -> None:
        """Choose the next card, or the one before, of those that can be connected."""
        if self._candidates:
            by = 1 if forward else -1
            index = self._candidates.index(self._at) + by if self._at in self._candidates else 0
            self._go(self._candidates[index % len(self._candidates)])

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Connect to the chosen card."""
        target, reason = self._target, self._reason
        self._clear()
        if reason:
            self.desk.say(reason)
        elif target is not None:
            edit = self._edit(target)
            if edit is not None and self.desk.editing.apply(edit):
                self.scene.select([target.ref.node])

    def _go(self, node: str) -> None:
        self._at = node
        if node == self._port.ref.node:
            self._show(self.scene.port_place(self._port), None, "")
            self.desk.overlay.show_hint("")
            return
        target = self._port_of(node)
        reason = self._why_not(target)
        self.desk.make_visible(node)
        self._show(self.scene.port_place(target), target, reason)
        words = self._words(target)
        self.desk.overlay.show_hint(words, self._end, "warning" if self._doubt and not reason else "")
        self.desk.announce(f"{self.scene.cards[node].facts.title}: {words or 'can be connected'}")
