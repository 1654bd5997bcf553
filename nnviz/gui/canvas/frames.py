"""The frames of expanded groups in a scene: made, placed around their members, and taken away."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QGraphicsItem

from nnviz.gui.canvas.cards.group_facts import contents_text, parameters_of
from nnviz.gui.canvas.cards.live import LiveValues, graver
from nnviz.gui.canvas.geometry import CARD_WIDTH
from nnviz.gui.canvas.items.frame_item import FrameFacts, FrameItem
from nnviz.gui.canvas.items.node_item import NodeItem
from nnviz.gui.look import theme
from nnviz.project.checks.shapes import Inference
from nnviz.project.checks.validate import Diagnostic
from nnviz.project.drawing.frames import FRAME_HEAD, FRAME_PADDING
from nnviz.project.drawing.grouping import holder_of
from nnviz.project.drawing.layout import CARD_HEIGHT
from nnviz.project.graph.groups import GraphView, title_of, trail
from nnviz.project.model import Graph


class FramedScene(Protocol):
    """The scene that frames stand in, and what they stand around."""

    @property
    def graph(self) -> Graph:
        """The whole network."""

    @property
    def seen(self) -> GraphView:
        """What is seen of the network."""

    @property
    def cards(self) -> Mapping[str, NodeItem]:
        """Cards by the id of their node or group."""

    def annotated_groups(self, apart: frozenset[str]) -> list[tuple[QRectF, str]]:
        """The notes in groups, and which groups."""

    def addItem(self, item: QGraphicsItem, /) -> None: ...  # noqa: D102 - Qt's own name

    def removeItem(self, item: QGraphicsItem, /) -> None: ...  # noqa: N802, D102 - Qt's own name


class Frames:
    """Holds the frames by the id of their group, and keeps them around their members."""

    def __init__(self, scene: FramedScene, live: LiveValues) -> None:
        self._scene = scene
        self._live = live
        self._items: dict[str, FrameItem] = {}

    @property
    def items(self) -> Mapping[str, FrameItem]:
        """The frames that are shown, outer ones first."""
        return self._items

    def at(self, point: QPointF) -> FrameItem | None:
        """The innermost frame around a point."""
        found = [frame for frame in self._items.values() if frame.card_rect().contains(point)]
        return max(found, key=lambda frame: frame.facts.depth, default=None)

    def head_at(self, point: QPointF) -> FrameItem | None:
        """The frame that is held by its title at a point."""
        frame = self.at(point)
        return frame if frame is not None and frame.head_rect().contains(point) else None

    def apart(self, item: str, other: str) -> QRectF | None:
        """The outermost frame that holds one card and not the other: a wire between them goes around it."""
        there = self._around(other)
        return next((self._items[group].card_rect() for group in self._around(item) if group not in there), None)

    def held(self, item: str, chosen: Collection[str]) -> bool:
        """Whether a card is one of some cards and frames, or stands in one of them."""
        return item in chosen or not set(self._around(item)).isdisjoint(chosen)

    def _around(self, item: str) -> list[str]:
        """The frames around a card, the outermost first."""
        graph, seen = self._scene.graph, self._scene.seen
        node = seen.nodes.get(item)
        holder = node.group if node is not None else seen.cards[item].parent
        return [group for group in trail(graph, holder) if group in self._items]

    def follow(
        self,
        graph: Graph,
        view: GraphView,
        members_of: Mapping[str, tuple[str, ...]],
        inference: Inference,
        diagnostics: Mapping[str, Iterable[Diagnostic]],
    ) -> bool:
        """Bring the frames up to the document; whether one came or went."""
        gone = [group for group in self._items if group not in view.frames]
        for group in gone:
            self._scene.removeItem(self._items.pop(group))
        fresh = False
        for group, found in view.frames.items():
            members = members_of[group]
            parameters = parameters_of(members, inference)
            summary = contents_text(len(members), bypassed=sum(graph.nodes[node].bypassed for node in members))
            if parameters:
                summary += f" · {theme.format_count(parameters)} parameters"
            severity = graver(item.severity for node in members for item in diagnostics.get(node, ()))
            facts = FrameFacts(
                group,
                title_of(found),
                summary,
                len(trail(graph, group)),
                severity,
                members,
            )
            item = self._items.get(group)
            if item is None:
                item = self._items[group] = FrameItem(facts)
                self._scene.addItem(item)
                fresh = True
            else:
                item.set_facts(facts)
        self._items = {group: self._items[group] for group in view.frames}
        self.refresh_severity()
        return fresh or bool(gone)

    def refresh_severity(self) -> bool:
        """Take the lines from the diagnostics and the findings as they are now; whether one is another."""
        before = [frame.severity for frame in self._items.values()]
        for frame in self._items.values():
            found = (item.severity for node in frame.facts.members for item in self._live.findings(node))
            frame.set_severity(graver([frame.facts.severity, *found]))
        return before != [frame.severity for frame in self._items.values()]

    def place(self, view: GraphView, apart: frozenset[str] = frozenset(), moved: Iterable[str] | None = None) -> bool:
        """Put frames around their members as they stand now, inner ones first; whether one has moved.

        Args:
            view: What is seen.
            apart: Cards and notes that are being dragged out: frames do not stretch for them.
            moved: What stands elsewhere now, where that is known: only the frames around it are looked at.
        """
        concerned = set(self._items)
        if moved is not None:
            graph = self._scene.graph
            holders = {holder_of(graph, item) for item in moved}
            concerned &= {group for holder in holders for group in trail(graph, holder)}
        if not concerned:
            return False
        inside: dict[str, QRectF] = {}
        for item, card in self._scene.cards.items():
            if item in apart:
                continue
            node = view.nodes.get(item)
            group = node.group if node is not None else view.cards[item].parent
            if group in concerned:
                inside[group] = inside.get(group, QRectF()).united(card.card_rect())
        for note, group in self._scene.annotated_groups(apart):
            if group in concerned:
                inside[group] = inside.get(group, QRectF()).united(note)
        changed = False
        for group in reversed(self._items):
            found = view.frames[group]
            if group not in concerned:
                if found.parent in concerned:
                    inside[found.parent] = inside.get(found.parent, QRectF()).united(self._items[group].card_rect())
                continue
            content = inside.get(group)
            if content is None:
                rect = QRectF(found.x, found.y, CARD_WIDTH, CARD_HEIGHT)
            else:
                rect = content.adjusted(-FRAME_PADDING, -FRAME_PADDING - FRAME_HEAD, FRAME_PADDING, FRAME_PADDING)
            if found.parent in concerned:
                inside[found.parent] = inside.get(found.parent, QRectF()).united(rect)
            changed |= rect != self._items[group].card_rect()
            self._items[group].set_rect(rect)
        return changed
