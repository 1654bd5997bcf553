"""Grouped networks are laid out without overlap, and groups open and close without disturbing the rest."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed
from strategies import graphs

from nnviz.errors import ProjectError
from nnviz.project.drawing.frames import FRAME_HEAD, FRAME_PADDING, Rect, card_rects, clashes, frame_rects
from nnviz.project.drawing.group_layout import arrange_view
from nnviz.project.drawing.layout import CARD_HEIGHT, CARD_WIDTH, GAP_X
from nnviz.project.drawing.unfolding import collapsed, expanded
from nnviz.project.edit import Edit
from nnviz.project.graph.groups import contents, view_of
from nnviz.project.graph_edits import FARTHEST
from nnviz.project.model import Arrow, Edge, Graph, Group, Node, Note, PortRef, Project
from nnviz.project.samples.templates import sample

Sizes = dict[str, tuple[float, float]]
Places = dict[str, tuple[float, float]]


def placed(graph: Graph, places: Places) -> Graph:
    """The graph with everything in its place."""

    def moved(items: dict) -> dict:  # type: ignore[type-arg]  # of nodes, groups, notes or arrows
        return {key: changed(item, x=places[key][0], y=places[key][1]) for key, item in items.items()}

    return changed(
        graph,
        nodes=moved(dict(graph.nodes)),
        groups=moved(dict(graph.groups)),
        notes=moved(dict(graph.notes)),
        arrows=moved(dict(graph.arrows)),
    )


def places_of(graph: Graph) -> Places:
    everything = {**graph.nodes, **graph.groups, **graph.notes, **graph.arrows}
    return {key: (item.x, item.y) for key, item in everything.items()}


def seen_places(graph: Graph) -> Places:
    """Where everything is that is seen; the place of a frame follows from what stands in it."""
    view = view_of(graph)
    return {item: (rect.x, rect.y) for item, rect in {**card_rects(view), **frame_rects(view)}.items()}


def seen_rects(graph: Graph, sizes: Sizes) -> dict[str, Rect]:
    """The rectangle of everything that is seen."""
    view = view_of(graph)
    return {**card_rects(view, sizes), **frame_rects(view, sizes)}


def after(edit: Edit, graph: Graph) -> Graph:
    return edit.apply(Project(graph=graph)).graph


def lies_on(graph: Graph, sizes: Sizes | None = None, root: str = "") -> set[tuple[str, str]]:
    """What lies on each other, found the slow way: pairs of one group, every one with every other."""
    view = view_of(graph, root)
    rects = {**card_rects(view, sizes), **frame_rects(view, sizes)}
    holder = {item.id: item.group for items in (graph.nodes, graph.notes) for item in items.values()}
    holder |= {group.id: group.parent for group in graph.groups.values()}
    return {
        (a, b)
        for a in rects
        for b in rects
        if a < b and holder[a] == holder[b]
        if rects[a].x + rects[a].width > rects[b].x + 1e-6 and rects[b].x + rects[b].width > rects[a].x + 1e-6
        if rects[a].y + rects[a].height > rects[b].y + 1e-6 and rects[b].y + rects[b].height > rects[a].y + 1e-6
    }


@st.composite
def sizes_of(draw: st.DrawFn, graph: Graph) -> Sizes:
    """Sizes of some cards, in whole units so that sums are exact."""
    side = st.integers(40, 400).map(float)
    return {item: (draw(side), draw(side)) for item in sorted({*graph.nodes, *graph.groups})[::2]}


@hypothesis_settings(max_examples=150)
@given(graphs(14), st.data())
def test_nothing_lies_on_anything_in_an_arranged_view(graph: Graph, data: st.DataObject) -> None:
    sizes = data.draw(sizes_of(graph))
    places = arrange_view(graph, sizes)
    assert places.keys() == places_of(graph).keys()
    assert places == arrange_view(changed(graph, nodes=dict(graph.nodes)), sizes)
    laid = placed(graph, places)
    assert not lies_on(laid, sizes)
    assert clashes(view_of(graph), sizes) == lies_on(graph, sizes)
    cards = [place for item, place in places.items() if item in view_of(graph).nodes]
    assert all(x >= 0 and y >= 0 for x, y in cards)
    for group in graph.groups.values():  # Nor in those that are not seen yet.
        assert not lies_on(laid, sizes, group.id)
        there = changed(laid, groups={**laid.groups, group.id: changed(laid.groups[group.id], collapsed=False)})
        held = contents(graph, [group.id])
        if held.nodes or held.groups or held.notes:
            frame = frame_rects(view_of(changed(there, groups=_opened_above(there, group.id))), sizes)[group.id]
            assert (frame.x, frame.y) == pytest.approx(places[group.id], abs=1e-6)


def _opened_above(graph: Graph, group: str) -> dict[str, Group]:
    """The groups with all that hold one of them expanded."""
    groups = dict(graph.groups)
    at = groups[group].parent
    while at:
        groups[at] = changed(groups[at], collapsed=False)
        at = groups[at].parent
    return groups


@hypothesis_settings(max_examples=60)
@given(graphs(10), st.data())
def test_the_inside_of_a_group_can_be_arranged_alone(graph: Graph, data: st.DataObject) -> None:
    if not graph.groups:
        return
    root = data.draw(st.sampled_from(list(graph.groups)))
    places = arrange_view(graph, root=root)
    held = contents(graph, [root])
    assert places.keys() == {*held.nodes, *held.groups, *held.notes, *held.arrows}
    laid = placed(graph, {**places_of(graph), **places})
    assert not lies_on(laid, root=root)


def test_frames_are_as_small_as_can_be() -> None:
    nodes = {"a": Node("a", "relu", x=100, y=200, group="inner"), "b": Node("b", "relu", x=400, y=200, group="outer")}
    groups = {
        "empty": Group("empty", collapsed=False, x=-500, y=-600),
        "inner": Group("inner", parent="outer", collapsed=False),
        "outer": Group("outer", collapsed=False),
    }
    graph = Graph(nodes, groups=groups, notes={"n": Note("n", x=100, y=900, width=50, height=60, group="outer")})
    frames = frame_rects(view_of(graph))
    inner = (100 - FRAME_PADDING, 200 - FRAME_PADDING - FRAME_HEAD)
    assert frames["inner"][:2] == inner
    assert frames["inner"].right == 100 + CARD_WIDTH + FRAME_PADDING
    assert frames["inner"].bottom == 200 + CARD_HEIGHT + FRAME_PADDING
    assert frames["outer"][:2] == (inner[0] - FRAME_PADDING, inner[1] - FRAME_PADDING - FRAME_HEAD)
    assert frames["outer"].right == 400 + CARD_WIDTH + FRAME_PADDING
    assert frames["outer"].bottom == 960 + FRAME_PADDING
    assert frames["empty"] == (-500, -600, CARD_WIDTH, CARD_HEIGHT)
    assert list(frames).index("outer") < list(frames).index("inner")
    assert frame_rects(view_of(graph), places={"a": (0, 0), "n": (0, 0)})["inner"].x == -FRAME_PADDING


def test_a_note_and_an_arrow_stay_beside_their_card() -> None:
    graph = sample("digits-cnn").graph
    graph = changed(graph, nodes={key: changed(node, x=node.x * 3, y=node.y * 2) for key, node in graph.nodes.items()})
    card = graph.nodes["conv1"]
    note = Note("note1", x=card.x, y=card.y - 120, width=150, height=90)
    arrow = Arrow("arrow1", x=card.x + 10, y=card.y - 30, across=20, down=25)
    places = arrange_view(changed(graph, notes={"note1": note}, arrows={"arrow1": arrow}))
    x, y = places["conv1"]
    assert places["note1"] == (x, y - 120)
    assert places["arrow1"] == (x + 10, y - 30)
    crowded = Note("note1", x=card.x + 20, y=card.y + 20, width=150, height=90)  # It lies on its card.
    laid = changed(graph, notes={"note1": crowded})
    laid = placed(laid, arrange_view(laid))
    assert not lies_on(laid)
    assert abs(laid.notes["note1"].y - laid.nodes["conv1"].y) < 300


def test_a_wide_block_widens_no_column_of_other_rows() -> None:
    nodes = {f"n{at}": Node(f"n{at}", "relu", group="block" if 3 <= at < 9 else "") for at in range(30)}
    edges = tuple(Edge(PortRef(f"n{at}"), PortRef(f"n{at + 1}")) for at in range(29))
    places = arrange_view(Graph(nodes, edges, {"block": Group("block", collapsed=False)}))
    rows: dict[float, list[float]] = {}
    for at in range(9, 30):
        rows.setdefault(places[f"n{at}"][1], []).append(places[f"n{at}"][0])
    assert len(rows) > 1
    for row in rows.values():
        assert all(right - left == CARD_WIDTH + GAP_X for left, right in pairwise(row))


def test_wires_go_straight_through_frames() -> None:
    graph = sample("resnet18").graph
    graph = changed(graph, groups={key: changed(group, collapsed=False) for key, group in graph.groups.items()})
    places = arrange_view(graph)
    first_row = ["input", "conv1", "norm1", "relu1", "pool1", "add1", "relu3"]
    assert len({places[node][1] for node in first_row}) == 1
    assert places["conv2"][1] > places["add1"][1]  # The short cut runs above the block, not through it.


@hypothesis_settings(max_examples=120, deadline=None)
@given(graphs(12), st.data())
def test_groups_open_and_close_without_lying_on_anything(graph: Graph, data: st.DataObject) -> None:
    sizes = data.draw(sizes_of(graph))
    graph = placed(graph, arrange_view(graph, sizes))
    for _ in range(data.draw(st.integers(1, 6))):
        if not graph.groups:
            return
        group = data.draw(st.sampled_from(list(graph.groups)))
        edit = (expanded if graph.groups[group].collapsed else collapsed)(graph, group, sizes)
        assert edit.title.startswith(("Fold ", "Unfold "))
        graph = after(edit, graph)
        assert not lies_on(graph, sizes)


@hypothesis_settings(max_examples=120, deadline=None)
@given(graphs(12), st.data())
def test_closing_what_was_just_opened_brings_every_place_back(graph: Graph, data: st.DataObject) -> None:
    sizes = data.draw(sizes_of(graph))
    graph = placed(graph, arrange_view(graph, sizes))
    for _ in range(data.draw(st.integers(1, 4))):
        shut = [group.id for group in graph.groups.values() if group.collapsed]
        if not shut:
            return
        group = data.draw(st.sampled_from(shut))
        opened = after(expanded(graph, group, sizes), graph)
        back = after(collapsed(opened, group, sizes), opened)
        rects, again = seen_rects(graph, sizes), seen_rects(back, sizes)
        assert again.keys() == rects.keys()
        for item, rect in again.items():
            assert rect == pytest.approx(rects[item], abs=1e-6), item
        assert back.groups[group].collapsed
        graph = opened


def brought_back(graph: Graph, opened: Graph, back: Graph, group: str, sizes: Sizes) -> None:
    """Every place is that of before; or, where two arrangements open to one picture, all below lies as in the other."""
    before, now = seen_rects(graph, sizes), seen_rects(back, sizes)
    assert now.keys() == before.keys()
    lowered = {item for item in before if now[item] != pytest.approx(before[item], abs=1e-6)}
    if not lowered:
        return
    # Only a note between a card and the bottom of its row leaves that open, and the picture tells nobody where it was.
    assert graph.notes
    assert not lies_on(back, sizes)
    shown, again = seen_rects(opened, sizes), seen_rects(after(expanded(back, group, sizes), back), sizes)
    assert all(again[item] == pytest.approx(rect, abs=1e-6) for item, rect in shown.items())


def test_two_arrangements_that_open_to_one_picture() -> None:
    """A low card in a higher row, and a note below the row, or as far below the card: both lie below its frame then."""
    nodes = {
        "a": Node("a", "relu", group="low"),
        "b": Node("b", "relu", group="low"),
        "high": Node("high", "relu", x=195),
    }
    sizes = {"low": (139.0, 117.0), "a": (340.0, 382.0)}
    card = Group("low")
    pictures: list[Places] = []
    for y in (199.0, 151.0):
        note = Note("note0", x=462, y=y, width=133, height=383)
        graph = Graph(nodes, groups={"low": card}, notes={"note0": note})
        inside = arrange_view(graph, sizes, "low")
        graph = placed(graph, {**places_of(graph), **inside})
        opened = after(expanded(graph, "low", sizes), graph)
        assert not lies_on(graph, sizes) and not lies_on(opened, sizes)
        brought_back(graph, opened, after(collapsed(opened, "low", sizes), opened), "low", sizes)
        pictures.append(places_of(opened))
    assert pictures[0] == pictures[1]


def test_a_group_of_notes_stands_in_its_row_wherever_they_lay() -> None:
    """It was lowered by the places of its notes, between the rows, where the way back from an open group was lost."""
    nodes = {"input": Node("input", "input"), "relu1": Node("relu1", "relu", group="shut")}
    groups = {"shut": Group("shut"), "notes": Group("notes", collapsed=False)}
    seen: list[Places] = []
    for y in (-900.0, 0.0, 265.0):
        note = Note("note0", x=-1478, y=y, width=338, height=140, group="notes")
        graph = Graph(nodes, groups=groups, notes={"note0": note})
        seen.append(seen_places(placed(graph, arrange_view(graph))))
    assert seen[0] == seen[1] == seen[2]


def test_a_note_below_a_low_card_gives_way_and_comes_back_with_all_below() -> None:
    """It begins above the bottom of its row, where the card that opens needs room: the rows below lie lower."""
    nodes = {f"n{at}": Node(f"n{at}", "relu", group="low" if at == 1 else "") for at in range(12)}
    edges = tuple(Edge(PortRef(f"n{at}"), PortRef(f"n{at + 1}")) for at in range(11))
    graph = Graph(nodes, edges, {"low": Group("low")})
    sizes = {"low": (CARD_WIDTH, 40.0), "n1": (CARD_WIDTH, 100.0)}
    graph = placed(graph, arrange_view(graph, sizes))
    card = graph.groups["low"]
    graph = changed(graph, notes={"note1": Note("note1", x=card.x, y=card.y + 60, width=100, height=80)})
    opened = after(expanded(graph, "low", sizes), graph)
    assert not lies_on(opened, sizes)
    assert opened.notes["note1"].y - graph.notes["note1"].y == opened.nodes["n11"].y - graph.nodes["n11"].y > 0
    back = after(collapsed(opened, "low", sizes), opened)
    assert seen_places(back) == seen_places(graph)


def test_at_the_edge_of_all_places_a_group_is_arranged_whole() -> None:
    nodes = {"a": Node("a", "relu", x=FARTHEST, y=FARTHEST, group="far")}
    note = Note("note1", x=FARTHEST, y=FARTHEST, width=50, height=50, group="far")
    graph = Graph(nodes, groups={"far": Group("far", x=FARTHEST, y=FARTHEST)}, notes={"note1": note})
    places = arrange_view(graph, root="far")
    assert all(abs(x) <= FARTHEST and abs(y) <= FARTHEST for x, y in places.values())
    assert not lies_on(placed(graph, {**places_of(graph), **places}), root="far")


def test_opening_moves_the_rest_of_the_row_and_the_rows_below() -> None:
    graph = sample("googlenet").graph
    before = seen_places(graph)
    opened = after(expanded(graph, "inception_3b"), graph)
    places = seen_places(opened)
    frame = frame_rects(view_of(opened))["inception_3b"]
    assert (frame.x, frame.y) == before["inception_3b"]
    assert places["inception_3a"] == before["inception_3a"]
    assert places["pool5"] == (before["pool5"][0] + frame.width - CARD_WIDTH, before["pool5"][1])
    assert places["inception_4a"] == (before["inception_4a"][0], before["inception_4a"][1] + frame.height - CARD_HEIGHT)
    # The row is as high as its highest: a second one in it moves nothing down any more.
    both = after(expanded(opened, "inception_3a"), opened)
    assert seen_places(both)["inception_4a"] == places["inception_4a"]
    shut = after(collapsed(both, "inception_3b"), both)
    shut = after(collapsed(shut, "inception_3a"), shut)
    assert seen_places(shut) == before


def test_what_stands_where_there_was_room_stays_there() -> None:
    graph = sample("resnet18").graph
    opened = after(expanded(graph, "layer2"), graph)
    frame = frame_rects(view_of(opened))["layer2"]
    inside = Rect(frame.x + CARD_WIDTH + 60, frame.y + 10, 60, 60)  # A note over the frame, where the rest would go.
    note = Note("note1", x=inside.x, y=inside.y, width=60, height=60)
    noted = changed(opened, notes={"note1": note})
    shut = after(collapsed(noted, "layer2"), noted)
    assert (shut.notes["note1"].x, shut.notes["note1"].y) == (note.x, note.y)
    assert not lies_on(shut)


def test_opening_inside_an_open_group_moves_what_is_around_that() -> None:
    graph = sample("resnet18").graph
    outer = after(expanded(graph, "layer1"), graph)
    inner = after(expanded(outer, "layer1_0"), outer)
    assert not lies_on(inner)
    frames = frame_rects(view_of(inner))
    assert frames["layer1"].right + GAP_X == inner.groups["layer2"].x
    back = after(collapsed(inner, "layer1_0"), inner)
    assert seen_places(back) == seen_places(outer)
    assert seen_places(after(collapsed(back, "layer1"), back)) == seen_places(graph)


def test_opening_inside_a_closed_group_moves_nothing_outside() -> None:
    graph = sample("resnet18").graph
    inner = after(expanded(graph, "layer1_0"), graph)
    assert seen_places(inner) == seen_places(graph)
    assert not lies_on(inner, root="layer1")


def test_an_arrow_goes_where_that_goes_at_which_it_points() -> None:
    graph = sample("resnet18").graph
    card = graph.groups["layer3"]
    graph = changed(graph, arrows={"a": Arrow("a", card.x, card.y - 40, 30, 35), "b": Arrow("b", -100, -100, 50, 50)})
    opened = after(expanded(graph, "layer2"), graph)
    moved = opened.groups["layer3"]
    assert (moved.x, moved.y) != (card.x, card.y)
    assert (opened.arrows["a"].x, opened.arrows["a"].y) == (moved.x, moved.y - 40)
    assert opened.arrows["b"] == graph.arrows["b"]


def test_a_group_that_is_not_there_and_one_that_is_open_already() -> None:
    graph = sample("resnet18").graph
    for make in (expanded, collapsed):
        with pytest.raises(ProjectError, match="no group 'gone'"):
            make(graph, "gone")
    assert after(collapsed(graph, "stem"), graph) == graph
    opened = after(expanded(graph, "stem"), graph)
    assert after(expanded(opened, "stem"), opened) == opened


def test_a_thousand_layers_in_groups_are_placed_at_once() -> None:
    nodes = {f"n{at}": Node(f"n{at}", "relu", group=f"g{at // 10}") for at in range(1000)}
    edges = tuple(Edge(PortRef(f"n{at}"), PortRef(f"n{at + 1}")) for at in range(999))
    groups = {f"g{at}": Group(f"g{at}", parent=f"o{at // 10}", collapsed=at % 2 == 0) for at in range(100)}
    groups |= {f"o{at}": Group(f"o{at}", collapsed=False) for at in range(10)}
    graph = Graph(nodes, edges, groups)
    assert not clashes(view_of(placed(graph, arrange_view(graph))))


def test_what_is_lost_at_the_edge_of_all_places_is_arranged_within_them() -> None:
    """Notes keep their distance from what they belong to, but never beyond where the document takes them."""
    note = Note("note0", "", 0.0, 817_908.0, 24.0, 24.0)
    arrow = Arrow("arrow0", 0.0, 0.0, 0.0, -183_092.5)
    places = arrange_view(Graph(notes={"note0": note}, arrows={"arrow0": arrow}))
    assert all(abs(x) <= FARTHEST and abs(y) <= FARTHEST for x, y in places.values())
