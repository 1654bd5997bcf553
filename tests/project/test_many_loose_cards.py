"""Thousands of cards without a wire: what can be said is said, and no card is compared with all others."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz.project.diagnosis import MOST_PAIRS, Fix, Look
from nnviz.project.graph_edits import InsertOnEdge
from nnviz.project.model import Edge, Graph, Node, PortRef, Project
from nnviz.project.shapes import infer
from nnviz.project.validate import validate


def loose(count: int) -> Graph:
    return Graph({f"relu{at}": Node(f"relu{at}", "relu", x=200.0 * at) for at in range(count)})


def test_where_no_guess_is_made_no_list_of_all_loose_ends_is_made_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    connect = Look.connect

    def watched(look: Look, sources: Sequence[str], targets: Sequence[str]) -> tuple[Fix, ...]:
        asked.append(len(sources))
        return connect(look, sources, targets)

    monkeypatch.setattr(Look, "connect", watched)
    found = validate(Project(graph=loose(MOST_PAIRS + 2)))
    assert not asked
    assert sum(item.text == "ReLU is not connected: it is left out." for item in found) == MOST_PAIRS + 2
    few = validate(Project(graph=loose(3)))
    assert asked[:3] == [2, 2, 2]
    assert [item.fixes[0].title for item in few if item.node] == [
        "Connect relu1 to relu0", "Connect relu0 to relu1", "Connect relu1 to relu2",
    ]  # fmt: skip


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
