"""Thousands of cards without a wire: what can be said is said, and no card is compared with all others."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from nnviz.project.checks import diagnosis
from nnviz.project.checks.diagnosis import MOST_PAIRS, Look
from nnviz.project.checks.shapes import infer
from nnviz.project.checks.validate import validate
from nnviz.project.graph.wiring import can_connect
from nnviz.project.graph_edits import InsertOnEdge
from nnviz.project.model import Edge, Graph, Node, PortRef, Project


def loose(count: int) -> Graph:
    return Graph({f"relu{at}": Node(f"relu{at}", "relu", x=200.0 * at) for at in range(count)})


def test_where_no_guess_would_be_a_good_one_none_is_made() -> None:
    found = validate(Project(graph=loose(MOST_PAIRS + 2)))
    left_out = [item for item in found if item.text == "ReLU is not connected: it is left out."]
    assert len(left_out) == MOST_PAIRS + 2
    assert {len(item.fixes) for item in left_out} == {1}
    few = validate(Project(graph=loose(3)))
    assert [item.fixes[0].title for item in few if item.node] == [
        "Connect relu1 to relu0", "Connect relu0 to relu1", "Connect relu1 to relu2",
    ]  # fmt: skip


def test_no_loose_card_is_asked_about_the_wires_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    wires: list[int] = []
    can_connect = diagnosis.can_connect

    def watched(graph: Graph, source: PortRef | str, target: PortRef | str) -> str:
        wires.append(len(graph.edges))
        return can_connect(graph, source, target)

    monkeypatch.setattr(diagnosis, "can_connect", watched)
    cards = loose(90)
    chain = list(cards.nodes)[60:]
    edges = tuple(Edge(PortRef(one), PortRef(other)) for one, other in pairwise(chain))
    graph = replace(cards, edges=edges)
    look = Look(Project(graph=graph), None, infer(graph))
    for card in list(cards.nodes)[:50]:
        assert look.connect_from_nearest(card)
    assert len(wires) == 50 * 8 and not any(wires)
    look.connect_from_nearest(chain[0])
    assert wires[-1] == len(chain) - 1


@given(
    st.lists(st.tuples(st.integers(-20, 20), st.integers(-20, 20)), min_size=3, max_size=24, unique=True),
    st.lists(st.tuples(st.integers(0, 23), st.integers(0, 23)), max_size=12),
)
def test_a_loose_card_is_wired_to_the_nearest_loose_end(
    places: list[tuple[int, int]], pairs: list[tuple[int, int]]
) -> None:
    nodes = {f"relu{at}": Node(f"relu{at}", "relu", x=100.0 * x, y=100.0 * y) for at, (x, y) in enumerate(places)}
    ends = {PortRef(f"relu{two}"): PortRef(f"relu{one}") for one, two in pairs if one < two < len(places)}
    graph = Graph(nodes, tuple(Edge(source, target) for target, source in ends.items()))
    look = Look(Project(graph=graph), None, infer(graph))

    def distance(one: str, two: str) -> float:
        return abs(nodes[one].x - nodes[two].x) + abs(nodes[one].y - nodes[two].y)

    for node in look.open_inputs:
        near = sorted((distance(end, node), end) for end in look.loose_ends if end != node)[:8]
        allowed = [f"Connect {end} to {node}" for _, end in near if not can_connect(graph, end, node)]
        assert [fix.title for fix in look.connect_from_nearest(node)] == allowed[:1]
    for node in look.loose_ends:
        near = sorted((distance(end, node), end) for end in look.open_inputs if end != node)[:8]
        allowed = [f"Connect {node} to {end}" for _, end in near if not can_connect(graph, node, end)]
        assert [fix.title for fix in look.connect_to_nearest(node)] == allowed[:1]


@given(st.lists(st.tuples(st.integers(-20, 20), st.integers(-20, 20)), min_size=4, max_size=14, unique=True))
def test_a_loose_card_is_put_into_the_nearest_wire(places: list[tuple[int, int]]) -> None:
    nodes = {f"relu{at}": Node(f"relu{at}", "relu", x=100.0 * x, y=100.0 * y) for at, (x, y) in enumerate(places)}
    first, *names, last = nodes
    nodes[first] = Node(first, "input", {"shape": (4,)}, x=nodes[first].x, y=nodes[first].y)
    edges = tuple(Edge(PortRef(first), PortRef(name)) for name in names)
    look = Look(Project(graph=(graph := Graph(nodes, edges))), None, infer(graph))

    def distance(edge: Edge) -> float:
        source, target = nodes[edge.source.node], nodes[edge.target.node]
        middle = (source.x + target.x) / 2, (source.y + target.y) / 2
        return abs(middle[0] - nodes[last].x) + abs(middle[1] - nodes[last].y)

    (fix,) = look.threading(last)
    assert isinstance(fix.edit, InsertOnEdge)
    assert fix.edit.edge == min(edges, key=distance)
