"""Wires while a hand holds cards: only those whose ends move are laid anew, and all of them end at their ports."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication

from nnviz.gui.canvas.items.stage import Stage
from nnviz.gui.canvas.routing import Router
from nnviz.gui.canvas.scene import CanvasScene
from nnviz.project.document import Document
from nnviz.project.model import Edge, Graph, Node, PortRef, Project

NODES = {
    "input": Node("input", "input", {"shape": (1, 8, 8)}),
    "relu": Node("relu", "relu", x=300.0),
    "tanh": Node("tanh", "tanh", x=300.0, y=300.0),
    "add": Node("add", "add", x=600.0),
    "output": Node("output", "output", x=900.0),
}
EDGES = tuple(
    Edge(PortRef(source), PortRef(target, port))
    for source, target, port in (
        ("input", "relu", 0),
        ("input", "tanh", 0),
        ("relu", "add", 0),
        ("tanh", "add", 1),
        ("add", "output", 0),
    )
)
PLACES = st.tuples(st.integers(-6, 12), st.integers(-6, 6)).map(lambda at: QPointF(at[0] * 120.0, at[1] * 90.0))


def made() -> CanvasScene:
    return CanvasScene(Document(Project(graph=Graph(NODES, EDGES))), Stage())


def test_a_wire_none_of_whose_ends_moves_is_left_alone(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = made()
    laid: list[Edge] = []
    route = Router.route

    def watched(router: Router, edge: Edge) -> None:
        laid.append(edge)
        route(router, edge)

    monkeypatch.setattr(Router, "route", watched)
    scene.preview({"relu": QPointF(310.0, 20.0)})
    assert {edge.source.node for edge in laid} == {"input", "relu"} and len(laid) == 2
    assert EDGES[3] not in laid, "it ends at the same card, and that stands where it was"
    laid.clear()
    # The row runs backwards now: the other wire into the join goes in on the right, too.
    scene.preview({"relu": QPointF(1200.0, 0.0), "tanh": QPointF(700.0, 300.0)})
    scene.preview({"relu": QPointF(1210.0, 0.0)})
    assert scene.wires[EDGES[3]].sides == Router(scene).sides(EDGES[3])


# A wire that comes to leave on the side on which another comes in pushes that one's end aside.
@example(steps=[{"add": QPointF(0.0, 0.0)}])
@hypothesis_settings(max_examples=80)
@given(st.lists(st.dictionaries(st.sampled_from(sorted(NODES)), PLACES, min_size=1), min_size=1, max_size=5))
def test_every_wire_ends_at_its_ports_wherever_cards_are_held(
    qapp: QApplication, steps: list[dict[str, QPointF]]
) -> None:
    scene = made()
    router = Router(scene)
    for places in steps:
        scene.preview(places)
        held = {edge: (wire.sides, wire.ends) for edge, wire in scene.wires.items()}
        for edge in EDGES:
            router.route(edge)
        assert held == {edge: (wire.sides, wire.ends) for edge, wire in scene.wires.items()}
    scene.settle()
    fresh = made()
    assert {edge: wire.ends for edge, wire in scene.wires.items()} == {
        edge: wire.ends for edge, wire in fresh.wires.items()
    }
