"""The scene mirrors the document: a card for each node, a wire for each edge, and only what changed is touched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set

from PySide6.QtCore import QObject, QPointF, QRectF, Signal
from PySide6.QtWidgets import QGraphicsScene

from nnviz.gui.canvas.annotations import Annotations
from nnviz.gui.canvas.card_grid import CardGrid
from nnviz.gui.canvas.cards.facts import SIGNED, CardContent, CardSketch, CardSource, is_plane, sketch, wired_ports
from nnviz.gui.canvas.cards.group_facts import GroupCards
from nnviz.gui.canvas.cards.lens import Lens
from nnviz.gui.canvas.frames import Frames
from nnviz.gui.canvas.geometry import CARD_WIDTH, PORT_REACH, Level, Side
from nnviz.gui.canvas.items.arrow_item import ArrowItem
from nnviz.gui.canvas.items.boundary import BoundaryItem
from nnviz.gui.canvas.items.far_items import FarBoxes, FarWires
from nnviz.gui.canvas.items.far_layer import FarLayer
from nnviz.gui.canvas.items.frame_item import FrameItem
from nnviz.gui.canvas.items.node_item import NodeItem
from nnviz.gui.canvas.items.note_item import NoteItem
from nnviz.gui.canvas.items.pin_strip import PinStrip
from nnviz.gui.canvas.items.stage import Stage
from nnviz.gui.canvas.items.wire_item import WireItem
from nnviz.gui.canvas.routing import Port, Router
from nnviz.gui.look import theme
from nnviz.gui.parts.following import follow
from nnviz.project.checks.ranges import output_ranges
from nnviz.project.checks.validate import Diagnostic
from nnviz.project.document import Document
from nnviz.project.graph.groups import GraphView, members_by_group, trail, view_after, view_of
from nnviz.project.model import Edge, Graph, PortRef, Project
from nnviz.record.quantities import PINNED_INPUT, POINTS, quantity_of


class CanvasScene(QGraphicsScene):
    """Holds the cards and wires of a document, and keeps them as it says.

    Which cards there are follows from the groups (``project.groups.view_of``): a collapsed group is one card, and the
    wires to its members end at it; an expanded one is a frame; inside a group only its members are shown. So ids of
    cards and ends of wires may be those of groups.

    Signals:
        selection_changed: Ids of the selected cards and frames, in the order in which they were selected.
        root_changed: One looks into another group, given by its id, or at the whole network, by an empty text.
        refreshed: After the cards have followed a change of the document.
        looks_changed: Cards stand framed otherwise, because of what the run has found.
        pin_chosen: One of the pinned examples was clicked: a :class:`Pin`.
    """

    selection_changed = Signal(list)
    root_changed = Signal(str)
    refreshed = Signal()
    looks_changed = Signal()
    pin_chosen = Signal(object)

    def __init__(self, document: Document, stage: Stage, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._stage = stage
        self._cards: dict[str, NodeItem] = {}
        #: Where the cards stand, for whoever looks for those in the way.
        self.grid = CardGrid()
        self._wires: dict[Edge, WireItem] = {}
        self._shifted: set[Edge] = set()
        self._root = ""
        self._seen = view_of(Graph())
        self._frames = Frames(self, stage.live)
        self._annotations = Annotations(self)
        self._boundary = BoundaryItem(self)
        self.addItem(self._boundary)
        #: The pinned examples, above the Input.
        self.pins = PinStrip(self._input_card)
        self.addItem(self.pins)
        self._touching: dict[str, set[Edge]] = {}
        #: The wires of the view that there are items for.
        self._followed_wires: Mapping[Edge, object] | None = None
        self._router = Router(self)
        #: Where cards came, went or changed since the wires were laid.
        self._touched: list[QRectF] = []
        self._lit: tuple[frozenset[str], frozenset[tuple[str, str]]] = (frozenset(), frozenset())
        self._selected: list[str] = []
        self._selected_wires: list[Edge] = []
        self._followed: object = None
        #: The wires that something is wrong with.
        self._marked: set[Edge] = set()
        self._facts: object = None
        self._content: QRectF | None = None
        #: Some wires of a graph, and the ports that they join.
        self._wired: tuple[object, Set[Port]] = (None, frozenset())
        self._far = FarLayer(stage, self._cards)
        self.addItem(self._far)
        # Below arrows, and below cards.
        self._far_boxes = FarBoxes(lambda: [*self._frames.items.values(), *self._annotations.notes.values()], -3.0)
        self._far_wires = FarWires(self._wires.values, -1.0)
        self._far_items = (self._far_boxes, self._far_wires)
        for layer in self._far_items:
            self.addItem(layer)
        follow(document.changed, self._on_changed)
        follow(document.diagnostics_changed, self._on_diagnostics_changed)
        follow(theme.notifier.changed, self._on_theme_changed)
        self._follow(None, document.project)

    # What there is

    @property
    def document(self) -> Document:
        """The document that is shown."""
        return self._document

    @property
    def graph(self) -> Graph:
        """Its graph as it is now."""
        return self._document.project.graph

    @property
    def root(self) -> str:
        """The group that is looked into; empty for the whole network."""
        return self._root

    @property
    def seen(self) -> GraphView:
        """What is seen of the graph: which cards, frames and wires there are, and what they stand for."""
        return self._seen

    @property
    def frames(self) -> Frames:
        """The frames of expanded groups."""
        return self._frames

    @property
    def annotations(self) -> Annotations:
        """Notes and arrows."""
        return self._annotations

    def enter(self, root: str) -> None:
        """Look into a group; an empty id shows the whole network again."""
        if root == self._root or (root and root not in self.graph.groups):
            return
        self.select(())
        self._root = root
        self._follow(None, self._document.project)
        self.refreshed.emit()
        self.root_changed.emit(root)

    def item(self, identity: str) -> NodeItem | FrameItem | NoteItem | ArrowItem | None:
        """What can be chosen under an id: a card, a frame, a note or an arrow."""
        return self._cards.get(identity) or self._frames.items.get(identity) or self._annotations.get(identity)

    @property
    def cards(self) -> Mapping[str, NodeItem]:
        """Cards by the id of their node or collapsed group."""
        return self._cards

    @property
    def wires(self) -> Mapping[Edge, WireItem]:
        """Wires by edge between cards; ``seen.wires`` says for which wires of the graph each stands."""
        return self._wires

    def content_rect(self) -> QRectF:
        """The smallest rectangle around all there is: cards, wires, frames, notes and arrows."""
        if self._content is None:
            self._content = self.rect_of([*self._cards, *self._frames.items, *self._annotations.items])
            if self._root:
                self._content = self._content.united(self._boundary.boundingRect())
            self._far.set_bounds(self._content)
        strip = self.pins.boundingRect() if self.pins.isVisible() else QRectF()
        return self._content.united(self._router.reach()).united(strip)

    def rect_around(self, chosen: Collection[str]) -> QRectF:
        """The smallest rectangle around what is chosen and the wires within that."""
        return self.rect_of(chosen).united(self._router.reach_among(chosen))

    def rect_of(self, nodes: Iterable[str]) -> QRectF:
        """The smallest rectangle around some cards, frames, notes and arrows."""
        found = QRectF()
        corners: list[tuple[float, float, float]] = []
        for node in nodes:
            card = self._cards.get(node)
            if card is not None:
                # As plain numbers: uniting a thousand rectangles of Qt costs more than all else in an edit.
                corners.append((*card.place, card.place[1] + card.layout.height))
            elif (item := self.item(node)) is not None:
                found = found.united(item.card_rect())
        if corners:
            lefts, tops, bottoms = zip(*corners, strict=True)
            left, top = min(lefts), min(tops)
            found = found.united(QRectF(left, top, max(lefts) + CARD_WIDTH - left, max(bottoms) - top))
        return found

    def wires_at(self, node: str) -> set[Edge]:
        """The wires that start or end at a node."""
        return self._touching.get(node, set())

    # What is where

    def card_at(self, point: QPointF) -> NodeItem | None:
        """The topmost card at a point."""
        for item in self.items(point):
            if isinstance(item, NodeItem) and item.card_rect().contains(point):
                return item
        return None

    def wire_at(self, point: QPointF, reach: float = 0.0) -> WireItem | None:
        """The wire at a point, or within ``reach`` of it."""
        area = QRectF(point.x() - reach, point.y() - reach, 2 * reach, 2 * reach)
        items = self.items(area) if reach else self.items(point)
        return next((item for item in items if isinstance(item, WireItem)), None)

    def port_at(self, point: QPointF, reach: float = PORT_REACH, output: bool | None = None) -> Port | None:
        """The port at a point, the nearest where two are close; of outputs or of inputs only, where ``output`` says."""
        area = QRectF(point.x() - reach, point.y() - reach, 2 * reach, 2 * reach)
        best: tuple[float, Port] | None = None
        for item in self.items(area):
            if not isinstance(item, NodeItem):
                continue
            for port, place in self.ports_of(item.node):
                gap = place - point
                distance = (gap.x() ** 2 + gap.y() ** 2) ** 0.5
                wanted = output is None or port.output == output
                if wanted and distance <= reach and (best is None or distance < best[0]):
                    best = (distance, port)
        return best[1] if best else None

    def ports_of(self, node: str) -> list[tuple[Port, QPointF]]:
        """The ports of a card and where they are."""
        return self._router.ports_of(node)

    def open_ports(self, near: QRectF) -> list[Port]:
        """The ports of layers that have no wire, on the cards near a part of the scene."""
        edges = self.graph.edges
        if edges is not self._wired[0]:
            sources = {Port(edge.source, output=True) for edge in edges}
            self._wired = (edges, sources | {Port(edge.target, output=False) for edge in edges})
        wired = self._wired[1]
        nodes = (node for node in self.grid.near(near) if node in self._cards)
        return [port for node in nodes for port in self._router.open_ports(node, wired)]

    def port_place(self, port: Port) -> QPointF:
        """The middle of a port in the scene."""
        return self._router.port_place(port)

    def port_side(self, port: Port) -> Side:
        """The side of the card on which a port is."""
        return self._router.port_side(port)

    # Selection

    @property
    def selected(self) -> tuple[str, ...]:
        """Ids of the selected nodes, in the order in which they were selected."""
        return tuple(self._selected)

    @property
    def selected_wires(self) -> tuple[Edge, ...]:
        """The selected wires."""
        return tuple(self._selected_wires)

    def select(self, nodes: Iterable[str] = (), wires: Iterable[Edge] = ()) -> None:
        """Select these and nothing else."""
        wanted = [node for node in dict.fromkeys(nodes) if self.item(node) is not None]
        edges = [edge for edge in dict.fromkeys(wires) if edge in self._wires]
        for node in set(self._selected) - set(wanted):
            item = self.item(node)
            if item is not None:
                item.set_look(selected=False)
        for edge in set(self._selected_wires) - set(edges):
            if edge in self._wires:
                self._wires[edge].set_look(selected=False)
        for node in wanted:
            item = self.item(node)
            if item is not None:
                item.set_look(selected=True)
        for edge in edges:
            self._wires[edge].set_look(selected=True)
        content = wanted != self._selected
        self._selected, self._selected_wires = wanted, edges
        if content:
            self.selection_changed.emit(list(wanted))

    # Light

    def light(self, nodes: Collection[str] = (), ways: Collection[tuple[str, str]] = ()) -> None:
        """Light up the cards and wires that a number has to do with, and no others.

        Args:
            nodes: Ids of layers; one that is hidden in a folded group lights that up.
            ways: Pairs of layers that numbers flow between.
        """
        self._lit = (frozenset(nodes), frozenset(ways))
        owner = self._seen.owner
        cards = {owner.get(node, node) for node in nodes}
        for identity, card in self._cards.items():
            if card.look.lit is not (identity in cards):
                card.set_look(lit=identity in cards)
        between = {(owner.get(source, source), owner.get(target, target)) for source, target in ways}
        for edge, wire in self._wires.items():
            lit = (edge.source.node, edge.target.node) in between
            if wire.lit is not lit:
                wire.set_look(lit=lit)

    # Following the document

    def _on_changed(self, before: Project, after: Project, edit: object) -> None:
        root = self._root
        self._follow(None if edit is None else before, after)
        self.refreshed.emit()
        if self._root != root:
            self.root_changed.emit(self._root)

    def _on_diagnostics_changed(self, diagnostics: object) -> None:
        if diagnostics is self._followed:
            return
        self._follow(self._document.project, self._document.project)
        self.refreshed.emit()

    def follow_facts(self) -> None:
        """Show what has become known of the data set, which is announced nowhere: the Output card names the classes."""
        if self._document.facts is not self._facts:
            self._follow(self._document.project, self._document.project)
            self.refreshed.emit()

    def _on_theme_changed(self) -> None:
        self._stage.clear()
        self._far.clear()
        for card in self._cards.values():
            card.touch()
        for wire in self._wires.values():
            wire.restyle()
        self._annotations.restyle()
        self.update()

    def _follow(self, before: Project | None, after: Project) -> None:
        """Bring cards and wires up to the document; ``before`` None means that nothing is known to be the same."""
        graph = after.graph
        if before is None or before.graph is not graph:
            if self._root and self._root not in graph.groups:
                ways = trail(before.graph, self._root) if before is not None else ()
                self._root = next((group for group in reversed(ways) if group in graph.groups), "")
            if before is not None and self._root == self._seen.root:
                self._seen = view_after(graph, self._seen, before.graph)
            else:
                self._seen = view_of(graph, self._root)
        seen = self._seen
        gone = [card for card in self._cards if before is None or not (card in seen.nodes or card in seen.cards)]
        for card in gone:
            self._remove_card(card)
        count = len(self._cards)
        diagnostics = self._diagnostics_by_node()
        members = members_by_group(graph)
        moved = self._update_cards(graph, members, diagnostics)
        noted = self._annotations.follow(seen)
        framed = self._frames.follow(graph, seen, members, self._document.inference, diagnostics)
        framed = self._frames.place(seen) or framed
        if moved or gone or framed or noted or count != len(self._cards) or before is None:
            self._moved()
        self._update_wires(moved, crowded=framed)
        self._mark_wires()
        if self._lit[0]:
            self.light(*self._lit)
        if self._stage.lens is not None:
            self._show_flow(self._stage.lens)
        if self._stage.level is Level.FAR:
            for layer in self._far_items:
                layer.follow()
        self._boundary.follow()
        if self._root:
            self._content = None
        kept = [node for node in self._selected if self.item(node) is not None]
        wires = [edge for edge in self._selected_wires if edge in self._wires]
        if kept != self._selected or wires != self._selected_wires:
            self.select(kept, wires)
        for node in kept:
            # A group that was folded up or unfolded is another item under the same id.
            item = self.item(node)
            if item is not None:
                item.set_look(selected=True)

    def _diagnostics_by_node(self) -> dict[str, list[Diagnostic]]:
        self._followed = self._document.diagnostics
        by_node: dict[str, list[Diagnostic]] = {}
        for diagnostic in self._document.diagnostics:
            if diagnostic.node:
                by_node.setdefault(diagnostic.node, []).append(diagnostic)
        return by_node

    def _update_cards(
        self, graph: Graph, members: Mapping[str, tuple[str, ...]], diagnostics: Mapping[str, list[Diagnostic]]
    ) -> set[str]:
        """Make and change cards; the ids of those whose ports have moved."""
        document, seen = self._document, self._seen
        inference = document.inference
        results = inference.results
        self._facts = facts = document.facts
        ranges = output_ranges(inference.graph, inference)
        wired = wired_ports(graph)
        plane = is_plane(graph, inference, facts)
        moved: set[str] = set()
        for identity, node in seen.nodes.items():
            card = self._cards.get(identity)
            content = card.content if card is not None else None
            result, found = results.get(identity), diagnostics.get(identity, ())
            signed, inputs = ranges.get(identity, "any") in SIGNED, wired.get(identity, 0)
            if isinstance(content, CardSketch):
                # Most of them are the same after an edit, and mostly the very same; behind it the numbers differ.
                before = content.source
                if (
                    before.node is node
                    and before.wired_inputs == inputs
                    and not found
                    and not before.diagnostics
                    and card is not None
                    and card.place == (node.x, node.y)
                ):
                    known = before.result is result and before.signed is signed
                    if known and before.plane is plane and before.data is facts:
                        continue
                    fresh = sketch(CardSource(node, result, (), facts, signed, inputs, plane), content)
                    if fresh.layout is content.layout:
                        # With the same wires it has the same ports.
                        card.set_content(fresh)
                        continue
            source = CardSource(node, result, tuple(found), facts, signed, inputs, plane)
            same = isinstance(content, CardSketch) and content.source == source
            if card is not None and same and card.place == (node.x, node.y):
                continue
            if self._show_card(sketch(source, content), (node.x, node.y)):
                moved.add(identity)
        blocks = GroupCards(graph, seen, members, inference, document.facts, plane=plane)
        for identity, group in seen.cards.items():
            card = self._cards.get(identity)
            says = blocks.facts(group, diagnostics, ranges, card.facts if card is not None else None)
            if self._show_card(says, (group.x, group.y)):
                moved.add(identity)
        return moved

    def _show_card(self, content: CardContent, place: tuple[float, float]) -> bool:
        """Make a card or change it; whether its ports are elsewhere now."""
        card = self._cards.get(content.node)
        if card is None:
            self._add_card(content, place)
            return True
        old = card.content
        ports = (old.input_ports, old.output_ports) == (content.input_ports, content.output_ports)
        if ports and card.place == place and old.layout.height == content.layout.height:
            if isinstance(content, CardSketch) or content != old:
                card.set_content(content)
            return False
        self._touched.append(card.card_rect())
        card.set_content(content)
        if card.place != place:
            card.put(*place)
        self._enter(card)
        self._touched.append(card.card_rect())
        return True

    def _enter(self, card: NodeItem) -> None:
        self.grid.put(card.node, *card.place, card.layout.height)

    def _add_card(self, content: CardContent, place: tuple[float, float]) -> None:
        card = NodeItem(content, self._stage)
        card.put(*place)
        card.set_far(self._far if self._stage.level is Level.FAR else None)
        self._cards[content.node] = card
        self._enter(card)
        self._touched.append(card.card_rect())
        self.addItem(card)

    def _remove_card(self, node: str) -> None:
        card = self._cards.pop(node)
        self.grid.drop(node)
        self._touched.append(card.card_rect())
        self._stage.forget(card)
        self.removeItem(card)

    def _update_wires(self, moved: set[str], *, crowded: bool) -> None:
        """Make, remove and lay wires; ``crowded`` says that frames stand elsewhere."""
        ends: set[str] = set(moved)
        if self._seen.wires is not self._followed_wires:
            self._followed_wires = self._seen.wires
            ends |= self._follow_wires(self._seen.wires)
        changed = self._router.around(ends)
        changed |= set(self._router.long) if crowded else self._router.passing(self._touched)
        self._touched = []
        for edge in changed:
            self._router.route(edge)

    def _follow_wires(self, edges: Mapping[Edge, object]) -> set[str]:
        """Make and remove wires; the ids of the cards at their ends."""
        ends: set[str] = set()
        for edge in [edge for edge in self._wires if edge not in edges]:
            self.removeItem(self._wires.pop(edge))
            self._router.forget(edge)
            for node in (edge.source.node, edge.target.node):
                self._touching.get(node, set()).discard(edge)
                ends.add(node)
        for edge in edges:
            if edge not in self._wires:
                wire = WireItem(edge)
                wire.set_level(self._stage.level)
                self._wires[edge] = wire
                for node in (edge.source.node, edge.target.node):
                    self._touching.setdefault(node, set()).add(edge)
                    ends.add(node)
                self.addItem(wire)
        return ends

    def _mark_wires(self) -> None:
        """Colour the wires that something is wrong with; the gravest word counts, and those come first."""
        wrong = {one.edge: one for one in reversed(self._document.diagnostics) if one.severity != "information"}
        marks: dict[Edge, Diagnostic] = {}
        if wrong and not self._seen.cards:
            # Each wire stands for itself: of thousands only those that are named are looked at.
            marks = {edge: found for edge, found in wrong.items() if edge is not None and edge in self._seen.wires}
        elif wrong:
            for edge, stands_for in self._seen.wires.items():
                for real in stands_for:
                    if real in wrong:
                        marks[edge] = wrong[real]
                        break
        for edge in self._marked - marks.keys():
            if edge in self._wires:
                self._wires[edge].set_problem("", "")
        for edge, found in marks.items():
            self._wires[edge].set_problem(found.severity, found.text)
        self._marked = set(marks)

    # Wires

    def preview(self, places: Mapping[str, QPointF], apart: frozenset[str] = frozenset()) -> None:
        """Show things at other places, without changing the document; frames do not stretch for those ``apart``."""
        moved = [node for node in places if node in self._cards]
        ways: dict[str, QPointF] = {}
        for node in moved:
            card = self._cards[node]
            ways[node] = places[node] - QPointF(*card.place)
            card.put(places[node].x(), places[node].y())
            self._enter(card)
        self._annotations.preview(places)
        self._frames.place(self._seen, apart, places)
        for edge in self._router.around(moved):
            by, end = ways.get(edge.source.node), ways.get(edge.target.node)
            if by is not None and by == end and self._router.sides(edge) == self._wires[edge].sides:
                # It comes along as it is, and is laid anew when both ends rest.
                self._wires[edge].shift(by)
                self._shifted.add(edge)
            elif by is not None or end is not None or not self._router.is_as_laid(edge):
                self._router.route(edge)
        self._moved()

    def _input_card(self) -> NodeItem | None:
        """The card of the Input, where it can be seen."""
        nodes = self.graph.nodes
        return next((card for node, card in self._cards.items() if node in nodes and nodes[node].kind == "input"), None)

    def _moved(self) -> None:
        """Measure what there is anew: cards stand elsewhere, or there are others."""
        self._content = None
        self.pins.follow()
        if self._stage.level is Level.FAR:
            self.content_rect()
            self._far.update()

    def settle(self) -> None:
        """Put everything where the document says, and lay the wires that go around others anew."""
        moved = set()
        places = {item: (node.x, node.y) for item, node in self._seen.nodes.items()}
        places |= {item: (group.x, group.y) for item, group in self._seen.cards.items()}
        for item, place in places.items():
            if self._cards[item].place != place:
                self._cards[item].put(*place)
                self._enter(self._cards[item])
                moved.add(item)
        if self._annotations.settle() or moved:
            self._frames.place(self._seen)
            self._moved()
        for edge in {*self._router.long, *self._router.around(moved), *self._shifted}:
            if edge in self._wires:
                self._router.route(edge)
        self._shifted.clear()

    def set_level(self, level: Level) -> None:
        """Have everything drawn for another zoom: from far, from near or from between."""
        far = level is Level.FAR
        if far is not self._far.isVisible():
            for card in self._cards.values():
                card.set_far(self._far if far else None)
            self.content_rect()
            self._far.setVisible(far)
        for wire in self._wires.values():
            wire.set_level(level)
        for layer in self._far_items:
            if layer.isVisible() is not far:
                layer.show_far(far)
        self.pins.set_far(far)

    # Live values

    def show_lens(self, lens: Lens | None) -> None:
        """Show this in the place of what the run has measured; None shows that again, as it was to the pixel."""
        if lens is self._stage.lens:
            return
        self._stage.lens = lens
        for card in self._cards.values():
            card.touch()
        self._show_flow(lens)

    def _show_flow(self, lens: Lens | None) -> None:
        for edge, stands_for in self._seen.wires.items():
            if edge in self._wires:
                flow = lens.flow(stands_for) if lens is not None else None
                self._wires[edge].set_flow(flow, backward=lens is not None and lens.backward)

    def take_values(self, changed: frozenset[str]) -> set[str]:
        """Mark the cards that show one of these series; their ids."""
        nodes: set[str] = set()
        pinned = not changed.isdisjoint((PINNED_INPUT.series(), POINTS.series()))
        for series in changed:
            found = quantity_of(series)
            card = self._seen.owner.get(found[1]) if found is not None else None
            if card is not None and card in self._cards:
                nodes.add(card)
        if pinned:
            # The right answer stands in the picture of what the network says.
            nodes |= {node for node, card in self._cards.items() if card.facts.kind == "input" or card.facts.loss}
        for node in nodes:
            self._cards[node].mark_stale()
        return nodes

    def refresh_findings(self) -> None:
        """Cards and frames follow the findings of the run; those of hidden layers show at their group."""
        owners = {self._seen.owner.get(node, "") for node in self._stage.live.refresh_findings()}
        changed = owners & self._cards.keys()
        for card in changed:
            self._cards[card].refresh_severity()
        if self._frames.refresh_severity() or changed:
            self.looks_changed.emit()

    def wire_into(self, ref: PortRef) -> Edge | None:
        """The wire that ends at an input port."""
        return next((edge for edge in self._touching.get(ref.node, ()) if edge.target == ref), None)

    def annotated_groups(self, apart: frozenset[str] = frozenset()) -> list[tuple[QRectF, str]]:
        """The notes with the group each stands in, but for those ``apart``: a frame goes around them, too."""
        return self._annotations.grouped(apart)
