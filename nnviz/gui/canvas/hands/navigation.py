"""Walks over the cards with the arrow keys and Tab."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import QPointF, Qt

from nnviz.gui.canvas.geometry import Side
from nnviz.gui.canvas.scene import CanvasScene
from nnviz.project.drawing.grouping import outermost

ARROWS: Mapping[int, Side] = {
    Qt.Key.Key_Left: Side.LEFT,
    Qt.Key.Key_Right: Side.RIGHT,
    Qt.Key.Key_Up: Side.TOP,
    Qt.Key.Key_Down: Side.BOTTOM,
}


def tab_order(scene: CanvasScene) -> list[str]:
    """All nodes as the data flows; those that it cannot reach come last, row by row."""
    owner = scene.seen.owner
    cards = (owner.get(node, "") for node in scene.document.inference.order)
    order = [card for card in dict.fromkeys(cards) if card in scene.cards]
    known = set(order)
    rest = [node for node in scene.cards if node not in known]
    return order + sorted(rest, key=lambda node: (scene.cards[node].y(), scene.cards[node].x()))


def all_in_order(scene: CanvasScene) -> list[str]:
    """Everything that can be selected: the cards as Tab goes through them, then notes and arrows."""
    return [*tab_order(scene), *scene.annotations.in_order()]


def outermost_in_order(scene: CanvasScene) -> list[str]:
    """Everything that can be selected, where a frame stands for all that is in it."""
    return list(outermost(scene.graph, [*scene.frames.items, *all_in_order(scene)]))


def toward(scene: CanvasScene, node: str, side: Side, *, along_wires: bool = True) -> str | None:
    """The next card on one side: first along a wire, then whatever stands nearest."""
    if node not in scene.cards:
        return None
    if along_wires:
        wired = {
            other for edge in scene.wires_at(node) for other in (edge.source.node, edge.target.node) if other != node
        }
        found = _nearest(scene, node, side, wired)
        if found is not None:
            return found
        if side in (Side.LEFT, Side.RIGHT):
            # A wire that wraps around to the next row goes on in the direction of reading.
            ends = [
                edge.target.node if side is Side.RIGHT else edge.source.node
                for edge in sorted(scene.wires_at(node))
                if (edge.source.node if side is Side.RIGHT else edge.target.node) == node
            ]
            wrapped = [end for end in ends if abs(scene.cards[end].y() - scene.cards[node].y()) > 1.0]
            if wrapped and _nearest(scene, node, side, scene.cards, narrow=True) is None:
                return wrapped[0]
    return _nearest(scene, node, side, scene.cards)


def _nearest(scene: CanvasScene, node: str, side: Side, nodes: Iterable[str], *, narrow: bool = False) -> str | None:
    """Of some cards the nearest in a direction; what is off the line counts double."""
    start = scene.cards[node].card_rect().center()
    out = side.outwards
    best: tuple[float, str] | None = None
    for other in nodes:
        if other == node:
            continue
        gap = scene.cards[other].card_rect().center() - start
        ahead = QPointF.dotProduct(gap, out)
        off = abs(gap.x() * out.y() + gap.y() * out.x())
        if ahead <= 1.0 or off > ahead * (0.5 if narrow else 2.0):
            continue
        distance = ahead + 2.0 * off
        if best is None or distance < best[0]:
            best = (distance, other)
    return best[1] if best else None
