"""Notes and arrows count as cards do: for aligning, on the map, when things are moved or put in order."""

from __future__ import annotations

from itertools import combinations

import pytest
from canvas_hands import Hands, chain
from msgspec.structs import replace
from PySide6.QtCore import QPoint, QPointF

from nnviz.gui.canvas.items.note_item import tone
from nnviz.gui.look import theme
from nnviz.project.drawing.alignment import Alignment, Direction
from nnviz.project.drawing.frames import card_rects, frame_rects
from nnviz.project.edits import Annotate
from nnviz.project.graph.groups import view_of
from nnviz.project.model import Arrow, Graph, Group, Node, Note, Project

ROW = chain("input", "flatten", "linear", "relu", "output", input={"shape": (1, 8, 8)})
NOTE = Note("note1", "Look here", x=195.0, y=300.0, width=150.0, height=90.0)
ARROW = Arrow("arrow1", x=270.0, y=296.0, across=5.0, down=-208.0)
NOTED = replace(ROW, graph=replace(ROW.graph, notes={"note1": NOTE}, arrows={"arrow1": ARROW}))
WITH_NOTE = pytest.mark.parametrize("hands", [NOTED], indirect=True)


def ends(hands: Hands) -> tuple[QPointF, QPointF]:
    return hands.view.canvas_scene.annotations.arrows["arrow1"].ends


@WITH_NOTE
def test_an_arrow_follows_the_note_it_begins_at_while_that_is_dragged(hands: Hands) -> None:
    hands.view.camera.set_zoom(1.0)
    before = hands.graph
    tail, tip = ends(hands)
    start = hands.place(QPointF(NOTE.x + 75.0, NOTE.y + 45.0))
    hands.press(start)
    hands.drag_to(start + QPoint(30, 40), start + QPoint(61, 83))
    moved = hands.view.canvas_scene.annotations.notes["note1"].card_rect().topLeft() - QPointF(NOTE.x, NOTE.y)
    assert not moved.isNull()
    assert ends(hands) == (tail + moved, tip)
    hands.release(start + QPoint(61, 83))
    assert ends(hands) == (tail + moved, tip)
    assert hands.graph.notes["note1"].x == NOTE.x + moved.x()
    hands.document.undo()
    assert hands.graph == before
    assert ends(hands) == (tail, tip)


@WITH_NOTE
def test_an_arrow_follows_the_card_it_points_at_when_keys_move_that(hands: Hands) -> None:
    before = hands.graph
    tail, tip = ends(hands)
    hands.view.select(["flatten"])
    hands.view.editing.nudge(0.0, 10.0)
    hands.view.editing.nudge(0.0, 10.0)
    by = hands.graph.nodes["flatten"].y - before.nodes["flatten"].y
    assert by >= 20.0
    assert ends(hands) == (tail, tip + QPointF(0.0, by))
    hands.document.undo()
    assert hands.graph == before


@WITH_NOTE
def test_nothing_is_aligned_onto_a_note_and_notes_are_aligned(hands: Hands) -> None:
    hands.document.apply(Annotate({"note1": replace(NOTE, x=195.0, y=10.0 + 165.0)}))
    hands.view.select(["note1", "output"])
    hands.view.editing.align(Alignment.RIGHT)
    items = hands.view.canvas_scene
    assert items.item("note1").card_rect().right() == items.item("output").card_rect().right()
    rects = {name: items.item(name).card_rect() for name in (*items.cards, "note1")}
    assert not [pair for pair in combinations(rects, 2) if rects[pair[0]].intersects(rects[pair[1]])]
    hands.document.apply(Annotate({"note1": replace(NOTE, x=700.0, y=300.0)}))
    hands.view.select(["input", "note1", "output"])
    hands.view.editing.distribute(Direction.HORIZONTAL)
    left, middle, right = (items.item(name).card_rect() for name in ("input", "note1", "output"))
    assert middle.left() - left.right() == right.left() - middle.right()


@WITH_NOTE
def test_the_map_shows_notes(hands: Hands) -> None:
    hands.document.apply(Annotate({"note1": replace(NOTE, colour="good", width=400.0, height=300.0, y=900.0)}))
    hands.view.camera.set_zoom(2.0)
    minimap = hands.view.minimap
    minimap._draw_anew()
    place = minimap.from_scene(QPointF(NOTE.x + 200.0, 1050.0))
    picture = minimap._drawn(theme.current()).toImage()
    found = picture.pixelColor(round(place.x()), round(place.y()))
    wanted = tone("good", theme.current())
    assert abs(found.hsvHue() - wanted.hsvHue()) < 25
    assert found != picture.pixelColor(round(place.x()), 12)


HIDDEN = Project(
    graph=Graph(
        {f"conv{at}": Node(f"conv{at}", "conv2d", group="block") for at in range(1, 10)},
        groups={"block": Group("block")},
    )
)


@pytest.mark.parametrize("hands", [HIDDEN], indirect=True)
def test_arranging_knows_the_cards_that_are_not_shown(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards of an own height, as a picture gives them one, are hidden; unfolded they do not lie on each other."""
    tall = dict.fromkeys((*HIDDEN.graph.nodes, "block"), (156.0, 400.0))
    monkeypatch.setattr("nnviz.gui.canvas.editing.card_sizes", lambda scene: tall)
    hands.view.desk.arrange()
    graph = hands.graph
    opened = replace(graph, groups={"block": replace(graph.groups["block"], collapsed=False)})
    rects = card_rects(view_of(opened), tall)
    assert not [(a, b) for a, b in combinations(rects.values(), 2) if a.touches(b)]
    assert frame_rects(view_of(opened), tall)["block"].height > 400.0
