"""How large cards are, also those that are not shown: what is put in order has to know."""

from __future__ import annotations

from nnviz.gui.canvas.cards.facts import card_facts, is_plane
from nnviz.gui.canvas.cards.group_facts import GROUP_CARD_HEIGHT
from nnviz.gui.canvas.geometry import CARD_WIDTH
from nnviz.gui.canvas.scene import CanvasScene


def card_sizes(scene: CanvasScene) -> dict[str, tuple[float, float]]:
    """Width and height of every card there is, and of those that would be there if groups were unfolded."""
    graph, document = scene.graph, scene.document
    plane = is_plane(graph, document.inference, document.facts)
    sizes: dict[str, tuple[float, float]] = {}
    for item in (*graph.nodes, *graph.groups):
        card = scene.cards.get(item)
        height = card.layout.height if card is not None else GROUP_CARD_HEIGHT
        if card is None and item in graph.nodes:
            node = graph.nodes[item]
            hidden = card_facts(
                node, document.inference, (), document.facts, signed=False, wired_inputs=0, plane=plane
            )  # fmt: skip
            height = hidden.layout.height
        sizes[item] = (CARD_WIDTH, height)
    return sizes
