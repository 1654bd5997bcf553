"""Arrows go with what they begin and end at."""

from __future__ import annotations

import pytest

from nnviz.project.drawing.attached import REACH, arranged_edits, arrows_following, attached_ends, moved_edit
from nnviz.project.drawing.group_layout import arrange_view
from nnviz.project.drawing.layout import CARD_HEIGHT, CARD_WIDTH
from nnviz.project.edits import Several
from nnviz.project.graph.groups import view_of
from nnviz.project.model import Arrow, Edge, Graph, Group, Node, Note, PortRef, Project

#: A note above a card, with an arrow from one to the other, and another that leads nowhere.
NOTE = Note("note1", x=0.0, y=-300.0, width=100.0, height=60.0)
ARROW = Arrow("arrow1", x=50.0, y=-238.0, across=20.0, down=230.0)
LOOSE = Arrow("arrow2", x=900.0, y=900.0, across=50.0, down=50.0)
GRAPH = Graph(
    {"a": Node("a", "relu"), "b": Node("b", "relu", x=600.0)},
    (Edge(PortRef("a"), PortRef("b")),),
    notes={"note1": NOTE},
    arrows={"arrow1": ARROW, "arrow2": LOOSE},
)


def ends(arrow: Arrow) -> tuple[float, float, float, float]:
    return arrow.x, arrow.y, arrow.x + arrow.across, arrow.y + arrow.down


def test_an_end_belongs_to_what_it_lies_on_or_next_to() -> None:
    assert attached_ends(view_of(GRAPH)) == {"arrow1": ("note1", "a"), "arrow2": ("", "")}


@pytest.mark.parametrize(("beyond", "owner"), [(REACH - 1.0, "a"), (REACH + 1.0, "")])
def test_next_to_is_so_far_and_no_farther(beyond: float, owner: str) -> None:
    arrow = Arrow("arrow1", x=CARD_WIDTH + beyond, y=CARD_HEIGHT / 2, across=0.0, down=500.0)
    assert attached_ends(view_of(Graph(GRAPH.nodes, arrows={"arrow1": arrow})))["arrow1"] == (owner, "")


def test_the_end_at_what_is_moved_goes_with_it_and_the_other_stays() -> None:
    x, y, tip_x, tip_y = ends(ARROW)
    assert ends(arrows_following(GRAPH, {"note1": (30.0, -310.0)})["arrow1"]) == (x + 30, y - 10, tip_x, tip_y)
    assert ends(arrows_following(GRAPH, {"a": (-5.0, 40.0)})["arrow1"]) == (x, y, tip_x - 5, tip_y + 40)
    both = arrows_following(GRAPH, {"a": (7.0, 8.0), "note1": (7.0, -292.0)})
    assert both.keys() == {"arrow1"}
    assert (both["arrow1"].x, both["arrow1"].y) == (x + 7, y + 8)
    assert (both["arrow1"].across, both["arrow1"].down) == (ARROW.across, ARROW.down)


def test_an_arrow_that_is_moved_itself_keeps_its_form() -> None:
    assert not arrows_following(GRAPH, {"a": (5.0, 5.0), "arrow1": (0.0, 0.0)})
    assert not arrows_following(GRAPH, {"b": (5.0, 5.0)})


def test_a_frame_is_held_by_its_title_and_from_outside() -> None:
    nodes = {"a": Node("a", "relu", group="g"), "b": Node("b", "relu", x=400.0, group="g")}
    arrows = {
        "outside": Arrow("outside", x=300.0, y=-70.0, across=0.0, down=-200.0),
        "title": Arrow("title", x=300.0, y=-40.0, across=0.0, down=-200.0),
        "within": Arrow("within", x=280.0, y=80.0, across=0.0, down=-400.0),
        "card": Arrow("card", x=20.0, y=20.0, across=0.0, down=-400.0),
    }
    found = attached_ends(view_of(Graph(nodes, groups={"g": Group("g", collapsed=False)}, arrows=arrows)))
    assert {arrow: tail for arrow, (tail, _) in found.items()} == {
        "outside": "g", "title": "g", "within": "", "card": "a",
    }  # fmt: skip


def test_one_step_there_and_one_back() -> None:
    project = Project(graph=GRAPH)
    edit = moved_edit(GRAPH, {"note1": (30.0, -310.0)})
    assert edit.title == "Move note1"
    after = edit.apply(project)
    assert after.graph.notes["note1"].x == 30.0
    assert after.graph.arrows["arrow1"].x == ARROW.x + 30
    assert edit.invert(project).apply(after) == project


def test_what_is_arranged_keeps_its_arrows() -> None:
    nodes = {f"n{at}": Node(f"n{at}", "relu", x=at * 400.0, y=at * 250.0) for at in range(9)}
    edges = tuple(Edge(PortRef(f"n{at}"), PortRef(f"n{at + 1}")) for at in range(8))
    last = nodes["n8"]
    note = Note("note1", x=last.x, y=last.y + 250.0, width=100.0, height=60.0)
    arrows = {
        "long": Arrow("long", x=50.0, y=-5.0, across=last.x, down=last.y),
        "short": Arrow("short", x=last.x + 50.0, y=note.y - 3.0, across=0.0, down=-70.0),
    }
    graph = Graph(nodes, edges, notes={"note1": note}, arrows=arrows)
    before = attached_ends(view_of(graph))
    assert before == {"long": ("n0", "n8"), "short": ("note1", "n8")}
    edits = arranged_edits(graph, arrange_view(graph))
    after = Several(edits, "Arrange").apply(Project(graph=graph)).graph
    assert after.nodes != graph.nodes
    assert attached_ends(view_of(after)) == before
