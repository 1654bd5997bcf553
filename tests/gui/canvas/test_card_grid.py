"""The grid that says which cards are in the way of a wire, against looking at all of them."""

from __future__ import annotations

import random
from unittest.mock import patch

from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QGraphicsScene
from pytestqt.qtbot import QtBot

from nnviz.gui.canvas import CanvasView
from nnviz.gui.canvas.card_grid import CardGrid
from nnviz.gui.canvas.geometry import CARD_WIDTH
from nnviz.project.document import Document
from nnviz.project.edits import Move, RemoveNodes
from nnviz.project.samples import templates


def test_the_grid_finds_what_is_there() -> None:
    draw = random.Random(4)
    grid, cards = CardGrid(), {}
    for _ in range(600):
        name = f"card{draw.randrange(60)}"
        if draw.random() < 0.2:
            grid.drop(name)
            cards.pop(name, None)
        else:
            place = draw.uniform(-3e3, 3e3), draw.uniform(-3e3, 3e3), draw.uniform(50.0, 700.0)
            grid.put(name, *place)
            cards[name] = QRectF(place[0], place[1], CARD_WIDTH, place[2])
        wide = draw.choice((1.0, 400.0, 5e3, 2e6))
        area = QRectF(draw.uniform(-3e3, 3e3), draw.uniform(-3e3, 3e3), wide, draw.choice((1.0, 900.0)))
        there = {name for name, rect in cards.items() if rect.intersects(area)}
        assert there <= grid.near(area) <= cards.keys()
    for name in list(cards):
        grid.drop(name)
    assert not grid.near(QRectF(-1e4, -1e4, 2e4, 2e4)) and not grid._cells


def test_the_grid_follows_the_scene_and_wires_ask_no_other_index(qtbot: QtBot) -> None:
    document = Document(templates.sample("resnet18"))
    with patch.object(QGraphicsScene, "items", side_effect=AssertionError("that takes time with the square")):
        view = CanvasView(document)
        qtbot.addWidget(view)
        scene = view.canvas_scene
        node = next(iter(document.project.graph.nodes))
        document.apply(Move({node: (5000.0, -700.0)}))
        assert node in scene.grid.near(QRectF(5000.0, -700.0, 10.0, 10.0))
        document.apply(RemoveNodes((node,)))
        document.undo()
    held = {card: scene.grid._where[card] for card in scene.cards}
    assert held.keys() == scene.grid._where.keys()
    for card, item in scene.cards.items():
        assert card in scene.grid.near(item.card_rect())
