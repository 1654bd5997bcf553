"""Where the selected cards stand once they are put in line or at equal distances."""

from __future__ import annotations

from collections.abc import Collection

from nnviz.gui.canvas.scene import CanvasScene
from nnviz.project.drawing.alignment import Alignment, Direction, Places, align, distribute
from nnviz.project.drawing.frames import Rect
from nnviz.project.drawing.grouping import holder_of
from nnviz.project.graph.groups import trail


def boxes_of(scene: CanvasScene, chosen: Collection[str]) -> dict[str, Rect]:
    """Where the chosen cards, frames and notes stand, and all that is in their way.

    What stands in a chosen frame moves with it, and a frame around something chosen goes where that goes.
    """
    graph = scene.graph
    around = {group for item in chosen for group in trail(graph, holder_of(graph, item))}
    found: dict[str, Rect] = {}
    for item in (*scene.cards, *scene.frames.items, *scene.annotations.notes):
        shown = scene.item(item)
        if shown is None or item in around or not trail_of(scene, item).isdisjoint(chosen):
            continue
        rect = shown.card_rect()
        found[item] = Rect(rect.x(), rect.y(), rect.width(), rect.height())
    return found


def trail_of(scene: CanvasScene, item: str) -> set[str]:
    """The groups around a card or a frame."""
    return set(trail(scene.graph, holder_of(scene.graph, item)))


def aligned(scene: CanvasScene, nodes: Collection[str], alignment: Alignment) -> Places:
    """Where some cards stand on one line."""
    return align(boxes_of(scene, nodes), nodes, alignment)


def distributed(scene: CanvasScene, nodes: Collection[str], direction: Direction) -> Places:
    """Where some cards stand at equal distances.

    Raises:
        ProjectError: One would come to lie on another card.
    """
    return distribute(boxes_of(scene, nodes), nodes, direction)
