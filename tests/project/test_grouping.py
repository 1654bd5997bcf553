"""Grouping, ungrouping, removing, dragging and copying: the network stays the same, and the picture in order."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed
from strategies import graphs

from nnviz.errors import ProjectError
from nnviz.project.drawing.frames import Sizes, card_rects, clashes, clashing, frame_rects
from nnviz.project.drawing.group_layout import arrange_view
from nnviz.project.drawing.grouping import (
    copied,
    group_edit,
    holder_of,
    move_places,
    named,
    outermost,
    remove_edit,
    ungroup_edit,
    whole,
)
from nnviz.project.drawing.layout import CARD_WIDTH, GAP_X
from nnviz.project.drawing.unfolding import expanded, items_of
from nnviz.project.edit import Edit
from nnviz.project.files import io
from nnviz.project.graph.bypass import computation
from nnviz.project.graph.groups import contents, trail, view_of
from nnviz.project.group_edits import group_problem
from nnviz.project.model import Arrow, Edge, Graph, Group, Node, Note, PortRef, Project
from nnviz.project.samples.templates import sample, samples


def after(edit: Edit, graph: Graph) -> Graph:
    project = Project(graph=graph)
    done = edit.apply(project)
    assert edit.invert(project).apply(done) == project
    assert io.loads(io.dumps(done)) == done
    assert edit.title
    return done.graph


def arranged(graph: Graph, sizes: Sizes | None = None) -> Graph:
    places = arrange_view(graph, sizes)
    return changed(
        graph,
        nodes={key: changed(item, x=places[key][0], y=places[key][1]) for key, item in graph.nodes.items()},
        groups={key: changed(item, x=places[key][0], y=places[key][1]) for key, item in graph.groups.items()},
        notes={key: changed(item, x=places[key][0], y=places[key][1]) for key, item in graph.notes.items()},
        arrows={key: changed(item, x=places[key][0], y=places[key][1]) for key, item in graph.arrows.items()},
    )


def chain(count: int) -> Graph:
    nodes = {f"n{at}": Node(f"n{at}", "relu", x=at * (CARD_WIDTH + GAP_X)) for at in range(count)}
    return Graph(nodes, tuple(Edge(PortRef(f"n{at}"), PortRef(f"n{at + 1}")) for at in range(count - 1)))


def everything(graph: Graph) -> list[str]:
    return [*graph.nodes, *graph.groups, *graph.notes, *graph.arrows]


# -- group and ungroup ------------------------------------------------------------------------------------------------


@hypothesis_settings(max_examples=150, deadline=None)
@given(graphs(10), st.data())
def test_a_group_holds_what_was_chosen_and_nothing_else_changes(graph: Graph, data: st.DataObject) -> None:
    graph = arranged(graph)
    if not everything(graph):
        return
    ids = data.draw(st.lists(st.sampled_from(everything(graph)), min_size=1, max_size=5, unique=True))
    shut = data.draw(st.booleans())
    before = clashes(view_of(graph))
    assert not before
    try:
        edit = group_edit(graph, ids, "Mine", shut)
    except ProjectError as error:
        assert error.message.endswith(".")
        return
    grouped = after(edit, graph)
    assert computation(grouped) == computation(graph)
    assert not group_problem(grouped)
    assert not clashes(view_of(grouped))
    (new,) = grouped.groups.keys() - graph.groups.keys()
    assert named(grouped, new) == "Mine" and grouped.groups[new].collapsed == shut
    tops = outermost(graph, ids)
    assert all(holder_of(grouped, item) == new for item in tops)
    assert set(everything(grouped)) - {new} <= set(everything(graph))
    # Its parent is the innermost that holds them all.
    ways = [trail(graph, holder_of(graph, item)) for item in tops]
    assert all(set(trail(graph, grouped.groups[new].parent)) <= set(way) for way in ways)
    others = [item for item in everything(grouped) if item != new and item not in whole_ids(graph, tops)]
    assert all(holder_of(grouped, item) == holder_of(graph, item) for item in others)
    # Only groups that lost all that was in them are gone.
    for group in graph.groups.keys() - grouped.groups.keys():
        held = contents(graph, [group])
        assert set(held.nodes + held.notes + held.arrows) <= set(whole_ids(graph, tops))


@pytest.mark.parametrize("shut", [True, False])
def test_what_a_folded_group_hides_is_gathered_with_what_can_be_seen(shut: bool) -> None:
    """Its own place is one that nobody sees: below its card, and below the edge of the frame that holds the card."""
    inner, outer = Group("group1", parent="group0"), Group("group0", collapsed=False)
    nodes = {
        "input": Node("input", "input", group="group1"),
        "input2": Node("input2", "input", group="group1"),
        "add1": Node("add1", "add", group="group0"),
        "input3": Node("input3", "input"),
        "input4": Node("input4", "input"),
    }
    for ids in (["input", "add1"], ["input2", "add1"], ["input", "input2", "add1", "input3"], ["input", "input4"]):
        graph = arranged(Graph(nodes, groups={"group0": outer, "group1": inner}))
        grouped = after(group_edit(graph, ids, collapsed=shut), graph)
        assert not clashes(view_of(grouped)) and not clashes(view_of(grouped, "group2"))
        rects = {**card_rects(view_of(graph)), **frame_rects(view_of(graph))}
        if "group0" in grouped.groups:  # What holds it stays where it was.
            assert frame_rects(view_of(grouped))["group0"][:2] == rects["group0"][:2]


def test_a_frame_round_a_note_that_was_hidden_lies_on_nothing() -> None:
    note = Note("note0", width=141, height=207, group="group1")
    groups = {"group0": Group("group0", collapsed=False), "group1": Group("group1"), "group2": Group("group2")}
    nodes = {"add0": Node("add0", "add"), "input1": Node("input1", "input", group="group0")}
    graph = arranged(Graph(nodes, groups=groups, notes={"note0": note}))
    for ids in (["input1", "add0", "note0"], ["note0", "group0"], ["note0", "group2"]):
        assert not clashes(view_of(after(group_edit(graph, ids, collapsed=False), graph)))
    alone = arranged(Graph({**nodes, "input1": changed(nodes["input1"], group="group1")}, groups=groups))
    assert not clashes(view_of(after(group_edit(alone, ["add0", "input1"], collapsed=False), alone)))


def whole_ids(graph: Graph, ids: tuple[str, ...]) -> set[str]:
    held = whole(graph, ids)
    return {*held.nodes, *held.groups, *held.notes, *held.arrows}


@hypothesis_settings(max_examples=100, deadline=None)
@given(st.integers(3, 40), st.data())
def test_grouping_neighbours_of_a_chain_makes_nothing_lie_on_anything(count: int, data: st.DataObject) -> None:
    graph = arranged(chain(count))
    for _ in range(data.draw(st.integers(1, 3))):
        view = view_of(graph)
        line = [*view.nodes, *view.cards]
        first = data.draw(st.integers(0, len(line) - 1))
        ids = line[first : first + data.draw(st.integers(1, 5))]
        try:
            edit = group_edit(graph, ids, collapsed=data.draw(st.booleans()))
        except ProjectError:
            return
        graph = after(edit, graph)
        assert not clashes(view_of(graph))


@cache
def sample_graph(name: str, unfolded: bool, rough: bool) -> tuple[Graph, dict[str, tuple[float, float]]]:
    """A sample as it is opened or with all groups unfolded, and the sizes of its cards: all usual or all different."""
    graph = sample(name).graph
    if unfolded:
        groups = {key: changed(group, collapsed=False) for key, group in graph.groups.items()}
        graph = changed(graph, groups=groups)
    sizes = {item: (CARD_WIDTH, 90.0 + 13 * (at % 11)) for at, item in enumerate(everything(graph))} if rough else {}
    return arranged(graph, sizes), sizes


@hypothesis_settings(max_examples=300, deadline=None)
@given(st.sampled_from([info.name for info in samples()]), st.booleans(), st.booleans(), st.data())
def test_grouping_anything_makes_nothing_lie_on_anything(
    name: str, unfolded: bool, rough: bool, data: st.DataObject
) -> None:
    graph, sizes = sample_graph(name, unfolded, rough)
    for _ in range(data.draw(st.integers(1, 2))):
        assert not clashes(view_of(graph), sizes)
        view = view_of(graph)
        near = sorted([*view.nodes, *view.cards, *view.frames, *view.notes], key=lambda item: _place(graph, item))
        begin = data.draw(st.integers(0, len(near) - 1))
        choice = data.draw(st.sampled_from([near[begin : begin + 8], near, everything(graph)]))
        ids = data.draw(st.lists(st.sampled_from(choice), min_size=1, max_size=5, unique=True))
        known, shut = set(graph.groups), data.draw(st.booleans())
        try:
            edit = group_edit(graph, ids, collapsed=shut, sizes=sizes)
        except ProjectError:
            return
        graph = after(edit, graph)
        assert not clashes(view_of(graph), sizes)
        (new,) = set(graph.groups) - known
        assert not clashes(view_of(graph, new), sizes)
        opened = after(expanded(graph, new, sizes), graph) if shut else graph
        assert not clashes(view_of(opened), sizes)


def _place(graph: Graph, item: str) -> tuple[float, float]:
    there = items_of(graph)[item]
    return there.y, there.x


@pytest.mark.parametrize("ids", [("conv2", "relu2"), ("conv4", "add1"), ("conv3", "conv5"), ("relu3", "norm4")])
def test_a_card_beside_what_it_does_not_hold_makes_the_frames_around_it_higher(ids: tuple[str, str]) -> None:
    graph, _ = sample_graph("resnet18", True, False)
    grouped = after(group_edit(graph, ids), graph)
    view = view_of(grouped)
    assert not clashes(view) and not clashing(card_rects(view))
    before, now = frame_rects(view_of(graph))["layer1"], frame_rects(view)["layer1"]
    assert (now.x, now.y) == (before.x, before.y) and now.height > before.height
    first, last = (grouped.nodes[node] for node in ids)
    if first.y == last.y:  # They are gathered in the card.
        assert last.x - first.x == CARD_WIDTH + GAP_X


def test_a_frame_holds_nothing_that_lay_between_its_members() -> None:
    graph = changed(chain(6), arrows={"a": Arrow("a", x=800, y=-100, across=20, down=100)})
    grouped = after(group_edit(graph, ["n1", "n4", "a"], collapsed=False), graph)
    view = view_of(grouped)
    assert not clashes(view)
    cards, (frame,) = card_rects(view), frame_rects(view).values()
    assert cards["n4"].x - cards["n1"].right == GAP_X and cards["n4"].y == cards["n1"].y  # The gap is closed.
    assert {item for item, rect in cards.items() if rect.touches(frame)} == {"n1", "n4"}
    arrow = grouped.arrows["a"]
    assert (arrow.x + arrow.across - cards["n4"].x, arrow.y + arrow.down - cards["n4"].y) == (40, 0)
    closed = after(group_edit(graph, ["n1", "n4"]), graph)
    opened = after(expanded(closed, "group1"), closed)
    assert opened.nodes["n4"].x - opened.nodes["n1"].x == CARD_WIDTH + GAP_X


def test_members_that_were_never_seen_together_are_put_in_order() -> None:
    graph = sample("vgg16").graph
    for shut in (True, False):
        grouped = after(group_edit(graph, ["conv11", "dropout1", "conv1"], collapsed=shut), graph)
        assert not clashes(view_of(grouped)) and not clashes(view_of(grouped, "group1"))


def test_a_frame_around_the_end_of_a_row_pushes_no_member_onto_the_next_row() -> None:
    graph = arranged(chain(16))
    line = list(graph.nodes)
    grouped = after(group_edit(graph, line[4:9], collapsed=False), graph)
    assert not clashing(card_rects(view_of(grouped)))


def test_a_row_closes_up_around_the_card_of_a_new_group() -> None:
    pitch = CARD_WIDTH + GAP_X
    graph = chain(6)
    grouped = after(group_edit(graph, ["n2", "n3", "n1"], "Middle"), graph)
    (group,) = grouped.groups.values()
    assert (group.id, group.x, group.y) == ("group1", pitch, 0)
    assert [grouped.nodes[node].x for node in ("n0", "n4", "n5")] == [0, 2 * pitch, 3 * pitch]
    back = after(ungroup_edit(grouped, "group1"), grouped)
    assert not back.groups and computation(back) == computation(graph)
    assert not clashes(view_of(back))
    order = sorted(back.nodes, key=lambda node: back.nodes[node].x)
    assert order == list(graph.nodes)


def test_the_card_stands_in_the_middle_where_the_rest_cannot_close_up() -> None:
    graph = chain(4)
    graph = changed(graph, nodes={**graph.nodes, "n2": changed(graph.nodes["n2"], y=10)})
    grouped = after(group_edit(graph, ["n1", "n3"]), graph)
    (group,) = grouped.groups.values()
    assert not clashes(view_of(grouped))
    assert grouped.nodes["n2"] == graph.nodes["n2"]
    assert group.x == graph.nodes["n2"].x  # Above or below what lies in the middle.


def test_a_frame_gets_the_room_for_its_edge() -> None:
    graph = arranged(chain(30))
    row = [node for node in graph.nodes if graph.nodes[node].y == 206.0][1:4]
    grouped = after(group_edit(graph, row, collapsed=False), graph)
    assert not clashes(view_of(grouped))
    assert list(frame_rects(view_of(grouped))) == ["group1"]


def test_a_new_group_stands_in_the_innermost_group_that_holds_all() -> None:
    graph = sample("resnet18").graph
    inner = after(group_edit(graph, ["conv2", "norm2"]), graph)
    assert inner.groups["group1"].parent == "layer1_0"
    stage = after(group_edit(graph, ["layer1_0", "conv4"]), graph)
    assert stage.groups["group1"].parent == "layer1"
    assert stage.groups["layer1_0"].parent == "group1" and stage.nodes["conv4"].group == "group1"
    assert stage.nodes["norm4"].group == "layer1_1"
    top = after(group_edit(graph, ["layer1", "layer2", "conv2"]), graph)
    assert top.groups["group1"].parent == "" and top.nodes["conv2"].group == "layer1_0"


def test_a_group_that_lost_all_goes() -> None:
    graph = after(group_edit(chain(5), ["n1", "n2"]), chain(5))
    moved = after(group_edit(graph, ["n1", "n2", "n3"]), graph)
    assert list(moved.groups) == ["group2"]


def test_what_cannot_be_grouped() -> None:
    graph = sample("resnet18").graph
    with pytest.raises(ProjectError, match="nothing to put into a group"):
        group_edit(graph, [])
    with pytest.raises(ProjectError, match="'gone'"):
        group_edit(graph, ["gone"])
    with pytest.raises(ProjectError, match=r"layer1\.0 is a group already"):
        group_edit(graph, ["layer1_0"])
    with pytest.raises(ProjectError, match=r"all of layer1: it is a group already"):
        group_edit(graph, ["layer1_0", "layer1_1"])
    with pytest.raises(ProjectError, match="no group"):
        ungroup_edit(graph, "conv1")


@hypothesis_settings(max_examples=100, deadline=None)
@given(graphs(10), st.data())
def test_ungrouping_leaves_the_members_where_the_group_stood(graph: Graph, data: st.DataObject) -> None:
    graph = arranged(graph)
    if not graph.groups:
        return
    group = data.draw(st.sampled_from(list(graph.groups)))
    parent = graph.groups[group].parent
    loose = after(ungroup_edit(graph, group), graph)
    assert loose.groups.keys() == graph.groups.keys() - {group}
    for item in everything(loose):
        held = holder_of(graph, item)
        assert holder_of(loose, item) == (parent if held == group else held)
    assert computation(loose) == computation(graph)
    assert not clashes(view_of(loose))


# -- remove, move, copy -----------------------------------------------------------------------------------------------


@hypothesis_settings(max_examples=150, deadline=None)
@given(graphs(10), st.data())
def test_what_is_removed_is_gone_with_all_that_stands_in_it(graph: Graph, data: st.DataObject) -> None:
    if not everything(graph):
        return
    ids = data.draw(st.lists(st.sampled_from(everything(graph)), min_size=1, max_size=4, unique=True))
    left = after(remove_edit(graph, ids, data.draw(st.booleans())), graph)
    gone = whole_ids(graph, tuple(ids))
    assert gone.isdisjoint(everything(left))
    for item in set(everything(graph)) - set(everything(left)) - gone:  # Only what has become empty.
        assert item in graph.groups
        held = contents(graph, [item])
        assert set(held.nodes + held.notes + held.arrows) <= gone
    empty = {group for group in left.groups if not any(holder_of(left, item) == group for item in everything(left))}
    assert all(not any(holder_of(graph, item) == group for item in everything(graph)) for group in empty)


def test_removing_a_block_from_a_chain_closes_it() -> None:
    graph = after(group_edit(chain(5), ["n1", "n2"], "Block"), chain(5))
    graph = changed(graph, notes={"note1": Note("note1", group="group1")}, arrows={"a": Arrow("a")})
    edit = remove_edit(graph, ["group1", "n1", "a"])
    assert edit.title == "Remove Block, arrow"
    left = after(edit, graph)
    assert not left.groups and not left.notes and not left.arrows
    assert [(edge.source.node, edge.target.node) for edge in left.edges] == [("n0", "n3"), ("n3", "n4")]
    assert remove_edit(graph, ["n0", "n3", "n4", "group1"]).title == "Remove 4 things"
    open_end = after(remove_edit(graph, ["group1"], rejoin=False), graph)
    assert [(edge.source.node, edge.target.node) for edge in open_end.edges] == [("n3", "n4")]


@hypothesis_settings(max_examples=100)
@given(graphs(10), st.data())
def test_groups_take_along_what_they_hold(graph: Graph, data: st.DataObject) -> None:
    if not everything(graph):
        return
    ids = data.draw(st.lists(st.sampled_from(everything(graph)), min_size=1, max_size=3))
    places = move_places(graph, ids, 10, -20)
    assert places.keys() == whole_ids(graph, tuple(ids))
    items = {**graph.nodes, **graph.groups, **graph.notes, **graph.arrows}
    assert all(place == (items[item].x + 10, items[item].y - 20) for item, place in places.items())


@hypothesis_settings(max_examples=100)
@given(graphs(10), st.data())
def test_a_copy_is_a_graph_of_its_own(graph: Graph, data: st.DataObject) -> None:
    ids = data.draw(st.lists(st.sampled_from(everything(graph)), max_size=5)) if everything(graph) else []
    part = copied(graph, ids)
    assert set(everything(part)) == whole_ids(graph, tuple(ids))
    assert not group_problem(part)
    assert part.edges == tuple(
        edge for edge in graph.edges if edge.source.node in part.nodes and edge.target.node in part.nodes
    )
    for item in everything(part):
        held = holder_of(graph, item)
        assert holder_of(part, item) == (held if held in part.groups else "")
    assert list(part.nodes) == [node for node in graph.nodes if node in part.nodes]
    assert copied(part, everything(part)) == part


def test_a_group_without_a_name_is_called_group() -> None:
    graph = Graph(groups={"g": Group("g"), "h": Group("h", "Head")})
    assert (named(graph, "g"), named(graph, "h")) == ("Group", "Head")
    with pytest.raises(ProjectError, match="no group 'x'"):
        named(graph, "x")
