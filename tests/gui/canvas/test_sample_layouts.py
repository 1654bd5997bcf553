"""Every sample reads well as it is opened: no card lies on another, and no wire runs through a card."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QPainterPath
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nnviz.gui.canvas import CanvasView
from nnviz.gui.runs.run_feed import RunFeed
from nnviz.project.document import Document
from nnviz.project.samples.templates import sample, samples

#: Scene units between two looked-at points of a wire, and how far a wire may lie on the very edge of a card.
_STEP, _EDGE = 3.0, 1.0


def points_of(path: QPainterPath) -> NDArray[np.float64]:
    """The curve as points [n, 2] close together."""
    found: list[NDArray[np.float64]] = []
    for polygon in path.toSubpathPolygons():
        for start, end in pairwise(polygon.toList()):
            a, b = np.array(start.toTuple()), np.array(end.toTuple())
            count = max(2, int(np.hypot(*(b - a)) / _STEP) + 1)
            found.append(a + (b - a) * np.linspace(0.0, 1.0, count)[:, None])
    return np.concatenate(found) if found else np.empty((0, 2))


@pytest.mark.parametrize("name", [info.name for info in samples()])
def test_cards_lie_apart_and_wires_between_them(name: str, qtbot: QtBot, styled: QApplication) -> None:
    view = CanvasView(Document(sample(name)), RunFeed(None), None)
    qtbot.addWidget(view)
    view.resize(1100, 650)
    view.show()
    look_at(view)
    if not sample(name).graph.groups:
        return
    view.groups.set_all(fold=False)
    assert set(view.canvas_scene.cards) == set(sample(name).graph.nodes)
    look_at(view)
    for group in sample(name).graph.groups:
        view.groups.enter(group)
        look_at(view)


def look_at(view: CanvasView) -> None:
    """Check what is seen now: every wire of the graph once, no card over another, no wire through a card."""
    scene = view.canvas_scene
    rects = {node: card.card_rect() for node, card in scene.cards.items()}
    names = list(rects)
    edges = np.array([rects[node].getCoords() for node in names])
    for index, node in enumerate(names):
        left, top, right, bottom = edges[index]
        apart = (edges[:, 2] < left) | (edges[:, 0] > right) | (edges[:, 3] < top) | (edges[:, 1] > bottom)
        apart[index] = True
        assert apart.all(), (node, [names[other] for other in np.flatnonzero(~apart)])
    graph, seen = view.canvas_scene.graph, scene.seen
    shown = [wire for wires in seen.wires.values() for wire in wires]
    hidden = [
        edge
        for edge in graph.edges
        if edge.source.node in seen.owner and seen.owner[edge.source.node] == seen.owner.get(edge.target.node)
    ]
    outside = [edge for edge in graph.edges if not {edge.source.node, edge.target.node} & set(seen.owner)]
    assert sorted([*shown, *hidden, *outside, *seen.crossing]) == sorted(graph.edges)
    for edge, wire in scene.wires.items():
        points = points_of(wire.mapToScene(wire.path()))
        assert len(points) > 4, edge
        x, y = points[:, :1], points[:, 1:]
        inside = (x > edges[:, 0] + _EDGE) & (x < edges[:, 2] - _EDGE)
        inside &= (y > edges[:, 1] + _EDGE) & (y < edges[:, 3] - _EDGE)
        met = {names[index] for index in np.flatnonzero(inside.any(axis=0))} - {edge.source.node, edge.target.node}
        assert not met, (edge, met)
