"""Where ports are and which way wires take, from where the cards stand."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QPointF, QRectF

from nnviz.gui.canvas.geometry import (
    CARD_WIDTH,
    GAP,
    Side,
    over_cards,
    port_position,
    row_gap,
    sides_between,
)
from nnviz.project.model import Edge, PortRef

if TYPE_CHECKING:
    from nnviz.gui.canvas.card_grid import CardGrid
    from nnviz.gui.canvas.frames import Frames
    from nnviz.gui.canvas.items.node_item import NodeItem
    from nnviz.gui.canvas.items.wire_item import WireItem

#: Where more cards have changed than these, all long wires are laid anew: looking which of them takes as long.
_MOST_PLACES = 24


@dataclass(frozen=True)
class Port:
    """One port of one card: an output, or one of the inputs."""

    ref: PortRef
    output: bool


class WiredScene(Protocol):
    """The cards and wires of a scene, and what stands in the way of a wire."""

    @property
    def cards(self) -> Mapping[str, NodeItem]:
        """Cards by the id of their node or group."""

    @property
    def wires(self) -> Mapping[Edge, WireItem]:
        """Wires by edge between cards."""

    @property
    def frames(self) -> Frames:
        """The frames of expanded groups."""

    @property
    def grid(self) -> CardGrid:
        """Which cards stand near a place."""

    def wires_at(self, node: str) -> set[Edge]:
        """The wires that start or end at a card."""


class Router:
    """Lays the wires of a scene.

    Attributes:
        long: Wires that pass columns, and where each has looked for cards: others may come into its way there.
    """

    def __init__(self, scene: WiredScene) -> None:
        self._scene = scene
        self.long: dict[Edge, list[QRectF]] = {}
        self._looked: list[QRectF] = []
        #: The ports without a wire of each card that was asked about, with the numbers of its ports: each frame asks.
        self._open: dict[str, tuple[int, int, list[Port]]] = {}
        self._wired: Container[Port] = frozenset()
        self._reach: QRectF | None = None

    def ports_of(self, node: str) -> list[tuple[Port, QPointF]]:
        """The ports of a card and where they are: on the sides on which its wires are."""
        content = self._scene.cards[node].content
        ports = [Port(PortRef(node, index), output=False) for index in range(content.input_ports)]
        ports += [Port(PortRef(node, index), output=True) for index in range(content.output_ports)]
        return [(port, self.port_place(port)) for port in ports]

    def open_ports(self, node: str, wired: Container[Port]) -> list[Port]:
        """The ports of a card that have no wire; of a group's card none, whatever its members have.

        Args:
            node: Whose card.
            wired: The ports that have one.
        """
        if wired is not self._wired:
            self._wired = wired
            self._open.clear()
        content = self._scene.cards[node].content
        if content.members:
            return []
        kept = self._open.get(node)
        if kept is not None and kept[:2] == (content.input_ports, content.output_ports):
            return kept[2]
        ports = [Port(PortRef(node, index), output=False) for index in range(content.input_ports)]
        ports += [Port(PortRef(node, index), output=True) for index in range(content.output_ports)]
        found = [port for port in ports if port not in wired]
        self._open[node] = (content.input_ports, content.output_ports, found)
        return found

    def port_place(self, port: Port) -> QPointF:
        """The middle of a port in the scene."""
        if not port.output:
            return self._input_place(port.ref, self.port_side(port))
        card = self._scene.cards[port.ref.node]
        count = max(card.content.output_ports, port.ref.port + 1)
        return port_position(card.stands, self.port_side(port), port.ref.port, count)

    def _input_place(self, ref: PortRef, side: Side) -> QPointF:
        """The middle of an input on a side of its card: beside the outputs where wires leave there, too.

        Two cards, one of them a group, may feed each other: their wires run side by side, not into each other's heads.
        """
        card = self._scene.cards[ref.node]
        count = max(card.content.input_ports, ref.port + 1)
        beside = card.content.output_ports if self._leaves(ref.node, side) else 0
        return port_position(card.stands, side, ref.port, count, beside)

    def _leaves(self, node: str, side: Side) -> bool:
        """Whether a wire leaves a card on one side."""
        at = self._scene.cards[node].place[0]
        for edge in self._scene.wires_at(node):
            # Nothing leaves to the left that does not lead there: this spares most of the work.
            if edge.source.node != node or (side is Side.LEFT and self._scene.cards[edge.target.node].place[0] >= at):
                continue
            if self.sides(edge)[0] is side:
                return True
        return False

    def port_side(self, port: Port) -> Side:
        """The side of the card on which a port is: where its wire is, else across from the other wires."""
        node = port.ref.node
        same: Side | None = None
        across: Side | None = None
        # In an order that follows from the document, not from what was done to it.
        for edge in sorted(self._scene.wires_at(node)):
            out = edge.source.node == node
            sides = self.sides(edge)
            if out == port.output:
                if port.output or edge.target == port.ref:
                    return sides[0] if out else sides[1]
                same = sides[1]
            else:
                across = sides[0] if out else sides[1]
        if same is not None:
            return same
        if across in (Side.LEFT, Side.RIGHT):
            return across.opposite
        return Side.RIGHT if port.output else Side.LEFT

    def sides(self, edge: Edge) -> tuple[Side, Side]:
        """The sides of the two cards on which a wire leaves and enters."""
        cards = self._scene.cards
        source, target = cards[edge.source.node].stands, cards[edge.target.node].stands
        sides = sides_between(source, target)
        wraps = sides[0] is Side.RIGHT and target[0] < source[0] + CARD_WIDTH
        if wraps and self._runs_backwards(edge.target.node):
            # Its inputs are on the right: go in there, not around it.
            return (Side.BOTTOM if target[1] > source[1] else Side.TOP), Side.RIGHT
        return sides

    def _runs_backwards(self, node: str) -> bool:
        """Whether a card stands in a row that runs from right to left."""
        cards = self._scene.cards
        for edge in self._scene.wires_at(node):
            if sides_between(cards[edge.source.node].stands, cards[edge.target.node].stands)[0] is Side.LEFT:
                return True
        return False

    def around(self, cards: Iterable[str]) -> set[Edge]:
        """The wires whose ends follow from where some cards stand.

        Their own, and the other wires into the cards at the far ends: those keep to the side on which that card's row
        runs. Where such a wire leaves on another side, those into its own card make room for it.
        """
        found: set[Edge] = set()
        for card in cards:
            found |= self._scene.wires_at(card)
        beyond = {end.node for edge in found for end in (edge.source, edge.target)}
        for card in beyond:
            found |= self._into(card)
        for card in {edge.source.node for edge in found} - beyond:
            found |= self._into(card)
        return found

    def _into(self, card: str) -> set[Edge]:
        return {edge for edge in self._scene.wires_at(card) if edge.target.node == card}

    def is_as_laid(self, edge: Edge) -> bool:
        """Whether a wire between cards that have not moved leaves and enters where it was laid to."""
        wire, sides = self._scene.wires[edge], self.sides(edge)
        return sides == wire.sides and self._input_place(edge.target, sides[1]) == wire.ends[1]

    def passing(self, places: Collection[QRectF]) -> set[Edge]:
        """The wires that look for cards at some of these places: where cards came, went or changed."""
        if len(places) > _MOST_PLACES:
            return set(self.long)
        return {
            edge
            for edge, looked in self.long.items()
            if any(band.intersects(place) for band in looked for place in places)
        }

    def reach(self) -> QRectF:
        """The smallest rectangle around all long wires: they swing out beyond the cards, the others never do."""
        if self._reach is None:
            self._reach = self._around_curves(self.long)
        return self._reach

    def reach_among(self, chosen: Collection[str]) -> QRectF:
        """The smallest rectangle around the long wires between some cards, and inside some frames."""
        held = self._scene.frames.held
        return self._around_curves(
            edge for edge in self.long if held(edge.source.node, chosen) and held(edge.target.node, chosen)
        )

    def _around_curves(self, edges: Iterable[Edge]) -> QRectF:
        found = QRectF()
        for edge in edges:
            found = found.united(self._scene.wires[edge].curve.boundingRect())
        return found

    def forget(self, edge: Edge) -> None:
        """A wire is no longer there, or is laid anew."""
        if self.long.pop(edge, None) is not None:
            self._reach = None

    def route(self, edge: Edge) -> None:
        """Lay a wire between the cards as they stand now."""
        source, target = self._scene.cards[edge.source.node], self._scene.cards[edge.target.node]
        start_side, end_side = self.sides(edge)
        outputs = max(source.content.output_ports, edge.source.port + 1)
        start = port_position(source.stands, start_side, edge.source.port, outputs)
        end = self._input_place(edge.target, end_side)
        around: float | None = None
        turn: float | None = None
        self.forget(edge)
        self._looked = []
        if start_side is Side.RIGHT and end_side is Side.LEFT:
            start_rect, end_rect = source.card_rect(), target.card_rect()
            ends = {source.node, target.node}
            if end.x() < start.x() + 8.0:
                self.long[edge] = self._looked
                frames = self._scene.frames
                start_rect = frames.apart(source.node, target.node) or start_rect
                end_rect = frames.apart(target.node, source.node) or end_rect
                span = QRectF(
                    QPointF(end_rect.left(), min(start_rect.bottom(), end_rect.bottom()) + 1.0),
                    QPointF(start_rect.right(), max(start_rect.top(), end_rect.top()) - 1.0),
                )
                between = self._standing_in(span, ends, frames=True) if span.height() > 0 else ()
                around = row_gap(start_rect, end_rect, between)
            elif end.x() - start.x() > GAP + CARD_WIDTH / 2:
                self.long[edge] = self._looked
                around, turn = self._past_columns(start, end, start_rect, end_rect, ends)
        self._scene.wires[edge].lay(start, start_side, end, end_side, around, turn)
        if edge in self.long:
            self._reach = None

    def _past_columns(
        self, start: QPointF, end: QPointF, start_rect: QRectF, end_rect: QRectF, ends: set[str]
    ) -> tuple[float | None, float | None]:
        """How a wire passes other columns: straight on, changing rows at its end or beginning, or over all cards."""
        early, late = start.x() + GAP / 2, end.x() - GAP / 2
        along_start = self._standing_in(QRectF(start, QPointF(late, start.y())), ends)
        if not along_start:
            return None, late if abs(end.y() - start.y()) > 1.0 else None
        if abs(end.y() - start.y()) > 40.0 and not self._standing_in(QRectF(QPointF(early, end.y()), end), ends):
            return None, early
        return over_cards(start_rect, end_rect, along_start), None

    def _standing_in(self, span: QRectF, but: set[str], *, frames: bool = False) -> list[QRectF]:
        """Cards in a part of the scene, apart from the ends of the wire; frames, too, if they hold neither end."""
        band = span.normalized().adjusted(6.0, -2.0, -6.0, 2.0)
        self._looked.append(band)
        held = self._scene.frames.held
        cards = self._scene.cards
        places = [cards[node].card_rect() for node in self._scene.grid.near(band) if node not in but]
        if frames:
            around = self._scene.frames.items.items()
            places += [frame.card_rect() for key, frame in around if not any(held(end, (key,)) for end in but)]
        return [place for place in places if place.intersects(band)]
