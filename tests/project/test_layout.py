"""Cards never overlap, whatever the graph; chains wind, branches lie side by side."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from nnviz.project.drawing.group_layout import arrange_view
from nnviz.project.drawing.layout import CARD_HEIGHT, CARD_WIDTH, GAP_X, GAP_Y, arrange
from nnviz.project.graph.groups import view_of
from nnviz.project.model import Edge, Graph, Node, PortRef
from nnviz.project.samples.templates import sample, samples

KINDS = ["input", "conv2d", "relu", "max_pool2d", "flatten", "linear", "add", "concatenate", "output", "unknown"]
Sizes = dict[str, tuple[float, float]]


def graph_of(kinds: list[str], wires: list[tuple[int, int]]) -> Graph:
    return Graph(
        {f"n{index}": Node(f"n{index}", kind) for index, kind in enumerate(kinds)},
        tuple(Edge(PortRef(f"n{a}"), PortRef(f"n{b}", port)) for port, (a, b) in enumerate(wires)),
    )


@st.composite
def graphs(draw: DrawFn, acyclic: bool = True) -> Graph:
    count = draw(st.integers(0, 40))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=count, max_size=count))
    wires: list[tuple[int, int]] = []
    if count > 1:
        ends = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
        for a, b in draw(st.lists(ends, max_size=80)):
            if not acyclic:
                wires.append((a, b))
            elif a != b:
                wires.append((min(a, b), max(a, b)))
        if draw(st.booleans()):
            wires += [(index, index + 1) for index in range(count - 1)]
    order = draw(st.permutations(range(count)))  # the order in which nodes were added says nothing about the wires
    names = [f"n{index}" for index in order]
    graph = graph_of(kinds, wires)
    return Graph({name: graph.nodes[name] for name in names}, graph.edges)


def overlapping(places: dict[str, tuple[float, float]], sizes: Sizes | None = None) -> list[tuple[str, str]]:
    """Every pair of cards that lie on each other, found the slow way."""
    boxes = {
        name: (x, y, x + width, y + height)
        for name, (x, y) in places.items()
        for width, height in [(sizes or {}).get(name, (CARD_WIDTH, CARD_HEIGHT))]
    }
    return [
        (a, b)
        for (a, p), (b, q) in combinations(boxes.items(), 2)
        if p[0] < q[2] and q[0] < p[2] and p[1] < q[3] and q[1] < p[3]
    ]


@settings(max_examples=200)
@given(graphs())
def test_cards_never_overlap(graph: Graph) -> None:
    places = arrange(graph)
    assert places.keys() == graph.nodes.keys()
    assert not overlapping(places)
    assert all(x >= 0 and y >= 0 for x, y in places.values())


@settings(max_examples=60)
@given(graphs(acyclic=False))
def test_cards_never_overlap_with_cycles_either(graph: Graph) -> None:
    places = arrange(graph)
    assert places.keys() == graph.nodes.keys() and not overlapping(places)


@settings(max_examples=60)
@given(graphs(), st.data())
def test_cards_of_any_size_never_overlap(graph: Graph, data: st.DataObject) -> None:
    length = st.floats(20, 400)
    sizes: Sizes = {name: (data.draw(length), data.draw(length)) for name in sorted(graph.nodes)[::2]}
    assert not overlapping(arrange(graph, sizes), sizes)


@settings(max_examples=60)
@given(graphs())
def test_the_same_graph_gives_the_same_picture(graph: Graph) -> None:
    assert arrange(graph) == arrange(Graph(dict(graph.nodes), graph.edges))


@pytest.mark.parametrize("name", [info.name for info in samples()])
def test_samples_are_laid_out(name: str) -> None:
    graph = sample(name).graph
    view = view_of(graph)
    seen = (*view.nodes.values(), *view.cards.values())
    places = {item.id: (item.x, item.y) for item in seen}
    assert {item: place for item, place in arrange_view(graph).items() if item in places} == places
    assert graph.groups or places == arrange(graph)
    assert not overlapping(places)
    width = max(x for x, _ in places.values()) + CARD_WIDTH
    height = max(y for _, y in places.values()) + CARD_HEIGHT
    assert len(places) <= 6 or 0.7 <= width / height <= 3


def cell(places: dict[str, tuple[float, float]], name: str) -> tuple[int, int]:
    """(column, row) of a card of the usual size."""
    x, y = places[name]
    return round(x / (CARD_WIDTH + GAP_X)), round(y / (CARD_HEIGHT + GAP_Y))


def test_a_short_chain_is_one_row() -> None:
    kinds = ["input", "flatten", "linear", "relu", "linear", "output"]
    places = arrange(graph_of(kinds, [(i, i + 1) for i in range(5)]))
    assert [cell(places, f"n{i}") for i in range(6)] == [(i, 0) for i in range(6)]


def test_a_long_chain_winds_and_breaks_between_blocks() -> None:
    graph = sample("digits-cnn").graph
    places = arrange(graph)
    rows = [
        ["input", "conv1", "relu1", "pool1"],
        ["flatten1", "pool2", "relu2", "conv2"],
        ["linear1", "relu3", "dropout1", "linear2", "output"],
    ]
    assert {name: cell(places, name) for name in places} == {
        name: (column, row) for row, names in enumerate(rows) for column, name in enumerate(names)
    }


@pytest.mark.parametrize("count", [7, 13, 40, 300])
def test_neighbours_in_a_chain_are_neighbours_on_the_canvas(count: int) -> None:
    places = arrange(graph_of(["relu"] * count, [(i, i + 1) for i in range(count - 1)]))
    for index in range(count - 1):
        (a, b), (c, d) = cell(places, f"n{index}"), cell(places, f"n{index + 1}")
        assert abs(a - c) + abs(b - d) == 1


def test_branches_lie_side_by_side_and_the_short_cut_stays_free() -> None:
    # 0 -> 1 -> 2 -> 3 -> 4 with a short cut 0 -> 4
    places = arrange(graph_of(["relu", "conv2d", "relu", "conv2d", "add"], [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4)]))
    assert [cell(places, f"n{i}") for i in (0, 4)] == [(0, 0), (4, 0)]
    lanes = {places[f"n{i}"][1] for i in (1, 2, 3)}
    assert len(lanes) == 1 and lanes.pop() > 0


def test_an_inception_module_has_four_lanes() -> None:
    wires = [(0, 1), (0, 2), (0, 3), (0, 4), (1, 5), (2, 5), (3, 5), (4, 5)]
    places = arrange(graph_of(["input", *["conv2d"] * 4, "concatenate"], wires))
    assert [cell(places, f"n{i}") for i in range(6)] == [(0, 0), (1, 0), (1, 1), (1, 2), (1, 3), (2, 0)]


def test_a_second_source_stands_next_to_its_reader() -> None:
    places = arrange(graph_of(["input", "conv2d", "relu", "add", "input"], [(0, 1), (1, 2), (2, 3), (4, 3)]))
    assert cell(places, "n4") == (2, 1) and cell(places, "n3") == (3, 0)


def test_unconnected_parts_and_single_cards_stand_below() -> None:
    places = arrange(graph_of(["input", "relu", "input", "relu", "dropout", "tanh"], [(0, 1), (2, 3)]))
    assert [cell(places, f"n{i}")[1] for i in range(6)] == [0, 0, 1, 1, 2, 2]


def test_nothing_and_one() -> None:
    assert arrange(Graph()) == {}
    assert arrange(graph_of(["relu"], [])) == {"n0": (0, 0)}
    assert arrange(graph_of(["relu"], [(0, 0)])) == {"n0": (0, 0)}


@pytest.mark.parametrize(
    "wires",
    [
        [(i, i + 1) for i in range(999)],
        [(i, j) for i in range(0, 990, 5) for j in range(i + 1, i + 7)],
        [(i, (i * 7919) % 999 + 1) for i in range(999) if i < (i * 7919) % 999 + 1],
        [(0, i) for i in range(1, 1000)],
        [(i, 999) for i in range(999)],
        [(i, j) for i in range(100) for j in range(i + 1, 100)] + [(i, i + 1) for i in range(99, 999)],
    ],
    ids=["chain", "ladder", "random", "fan out", "fan in", "dense"],
)
def test_a_thousand_nodes_are_placed_without_overlap(wires: list[tuple[int, int]]) -> None:
    places = arrange(graph_of(["relu"] * 1000, wires))
    assert len(set(places.values())) == 1000  # all cells have one size, so two cards overlap only in the same place


ROOMS = st.tuples(st.floats(100, 3000), st.floats(100, 3000))


@given(graphs(), ROOMS)
def test_whatever_the_room_no_cards_overlap(graph: Graph, room: tuple[float, float]) -> None:
    sizes = {name: (CARD_WIDTH, 70.0 + 17.0 * (index % 9)) for index, name in enumerate(graph.nodes)}
    places = arrange(graph, sizes, room)
    assert set(places) == set(graph.nodes)
    assert not overlapping(places, sizes)


def zoom(places: dict[str, tuple[float, float]], room: tuple[float, float]) -> float:
    """How large the cards can be shown in a room."""
    width = max(x for x, _ in places.values()) + CARD_WIDTH
    height = max(y for _, y in places.values()) + CARD_HEIGHT
    return min(room[0] / width, room[1] / height)


@pytest.mark.parametrize("count", [2, 5, 8, 12])
@pytest.mark.parametrize("room", [(1400.0, 260.0), (1100.0, 700.0), (500.0, 1400.0)])
def test_a_small_chain_has_rows_that_suit_the_room(count: int, room: tuple[float, float]) -> None:
    graph = graph_of(["relu"] * count, [(index, index + 1) for index in range(count - 1)])
    found = zoom(arrange(graph, None, room), room)
    assert found >= min(1.0, zoom(arrange(graph), room))
    # The slow twin: a grid of every shape, without the turns of a chain.
    grids = [
        min(
            room[0] / (columns * (CARD_WIDTH + GAP_X) - GAP_X),
            room[1] / (-(-count // columns) * (CARD_HEIGHT + GAP_Y) - GAP_Y),
        )
        for columns in range(1, count + 1)
    ]
    assert found >= 0.7 * min(1.0, max(grids))


def test_a_room_says_nothing_about_a_large_network() -> None:
    graph = sample("resnet18").graph
    assert arrange(graph, None, (300.0, 3000.0)) == arrange(graph)
