"""Large random networks with groups in groups, short cuts and notes are arranged without overlap, and read forwards."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from test_group_layout import lies_on, placed

from nnviz.project.drawing.frames import card_rects, containers, frame_rects
from nnviz.project.drawing.group_layout import arrange_view
from nnviz.project.drawing.layout import CARD_WIDTH, GAP_X, arrange
from nnviz.project.graph.groups import view_of
from nnviz.project.model import Edge, Graph, Group, Node, Note, PortRef

_NODES = 200


def network(seed: int, *, groups: int) -> tuple[Graph, dict[str, tuple[float, float]]]:
    """A chain of layers with branches and short cuts; groups hold stretches of it, and each other; notes anywhere.

    Returns:
        The graph and the sizes of some of its cards.
    """
    chance = random.Random(seed)
    boxes: dict[str, Group] = {}
    for at in range(groups):
        parent = chance.choice(["", *boxes]) if at else ""
        boxes[f"g{at}"] = Group(f"g{at}", parent=parent, collapsed=chance.random() < 0.4)
    nodes: dict[str, Node] = {}
    holder = ""
    for at in range(_NODES):
        if chance.random() < 0.15:
            holder = chance.choice(["", *boxes])
        nodes[f"n{at}"] = Node(f"n{at}", "add", x=chance.uniform(-900, 900), y=chance.uniform(-900, 900), group=holder)
    wires = {(at, at + 1) for at in range(_NODES - 1) if chance.random() < 0.9}
    for _ in range(_NODES // 4):
        source = chance.randrange(_NODES - 1)
        wires.add((source, min(_NODES - 1, source + chance.randrange(1, 12))))
    ports: dict[int, int] = {}
    edges: list[Edge] = []
    for source, target in sorted(wires):
        edges.append(Edge(PortRef(f"n{source}"), PortRef(f"n{target}", ports.setdefault(target, 0))))
        ports[target] += 1
    notes = {
        f"note{at}": Note(
            f"note{at}",
            x=chance.uniform(-900, 900),
            y=chance.uniform(-900, 900),
            width=chance.uniform(30, 400),
            height=chance.uniform(30, 300),
            group=chance.choice(["", *boxes]),
        )
        for at in range(12)
    }
    sizes = {f"n{at}": (156.0, chance.uniform(70, 200)) for at in range(0, _NODES, 3)}
    return Graph(nodes, tuple(edges), boxes, notes), sizes


@pytest.mark.parametrize("seed", range(6))
def test_nothing_lies_on_anything_and_frames_hold_their_members(seed: int) -> None:
    graph, sizes = network(seed, groups=14)
    laid = placed(graph, arrange_view(graph, sizes))
    assert not lies_on(laid, sizes)
    view = view_of(laid)
    within = containers(view)
    rects = {**card_rects(view, sizes), **frame_rects(view, sizes)}
    for item, rect in rects.items():
        holder = within[item]
        if holder:
            frame = rects[holder]
            assert frame.united(rect) == pytest.approx(frame), (item, holder)
    for group in graph.groups:  # Also in those that are shut.
        assert not lies_on(laid, sizes, group)


@pytest.mark.parametrize("seed", range(6))
def test_wires_run_forward(seed: int) -> None:
    """To the right, or on to a row below; in a chain that winds to and fro also to the card beside it."""
    graph, sizes = network(seed, groups=0)
    places = arrange(graph, sizes)
    feeders = Counter(edge.target.node for edge in graph.edges)
    fed = Counter(edge.source.node for edge in graph.edges)
    for edge in graph.edges:
        (x, y), (right, lower) = places[edge.source.node], places[edge.target.node]
        chained = feeders[edge.target.node] == fed[edge.source.node] == 1
        beside = chained and lower == y and x - right == CARD_WIDTH + GAP_X
        assert right > x or lower > y or beside, edge


@pytest.mark.parametrize("seed", range(4))
def test_wires_run_forward_inside_a_group(seed: int) -> None:
    graph, sizes = network(seed, groups=1)
    laid = placed(graph, arrange_view(graph, sizes))
    inner = {node.id for node in laid.nodes.values() if node.group == "g0"}
    for edge in laid.edges:
        if {edge.source.node, edge.target.node} <= inner:
            source, target = laid.nodes[edge.source.node], laid.nodes[edge.target.node]
            assert target.x > source.x or target.y > source.y, edge
