"""What is seen of a grouped graph, against a slow definition that looks at every pair."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed
from strategies import graphs

from nnviz.project import registry
from nnviz.project.graph.groups import contents, shown_by, trail, view_of
from nnviz.project.graph.wiring import find_cycle
from nnviz.project.model import Arrow, Edge, Graph, Group, Node, Note, PortRef
from nnviz.project.samples.templates import sample


def holders(graph: Graph, group: str) -> list[str]:
    """The groups around something, from the inside to the outside."""
    found = []
    while group:
        found.append(group)
        group = graph.groups[group].parent
    return found


def card_of(graph: Graph, node: Node, root: str) -> str | None:
    """The card that shows a node, by walking outwards; None when it stands outside the root."""
    around = holders(graph, node.group)
    if root:
        if root not in around:
            return None
        around = around[: around.index(root)]
    card = node.id
    for group in around:
        if graph.groups[group].collapsed:
            card = group
    return card


def wired(first: str = "") -> Graph:
    """input -> conv -> [norm -> relu] -> add <- conv, and the group's relu also feeds output."""
    nodes = [
        Node("input", "input"),
        Node("conv", "conv2d"),
        Node("norm", "batch_norm2d", group="block"),
        Node("relu", "relu", group="block"),
        Node("add", "add"),
        Node("output", "output"),
    ]
    wires = [("input", "conv", 0), ("conv", "norm", 0), ("norm", "relu", 0), ("relu", "add", 0), ("conv", "add", 1)]
    edges = tuple(Edge(PortRef(a), PortRef(b, port)) for a, b, port in [*wires, ("relu", "output", 0)])
    return Graph({node.id: node for node in nodes}, edges, {"block": Group("block", "Block")})


@hypothesis_settings(max_examples=150)
@given(graphs(10), st.data())
def test_what_is_seen_is_what_a_slow_definition_says(graph: Graph, data: st.DataObject) -> None:
    root = data.draw(st.sampled_from(["", *graph.groups]))
    view = view_of(graph, root)
    owner = {node.id: card for node in graph.nodes.values() if (card := card_of(graph, node, root)) is not None}
    assert view.owner == owner
    assert set(view.nodes) == {node for node, card in owner.items() if node == card}
    assert set(owner.values()) <= {*view.nodes, *view.cards}  # Shown by exactly one card, which is there.
    for group in graph.groups.values():
        around = holders(graph, group.parent)
        inside = not root or root in around
        within = around[: around.index(root)] if root and inside else around
        seen = inside and not any(graph.groups[other].collapsed for other in within)
        assert (group.id in view.cards) == (seen and group.collapsed)
        assert (group.id in view.frames) == (seen and not group.collapsed)
    frames = list(view.frames)
    assert all(
        frames.index(other) < frames.index(group)
        for group in frames
        for other in holders(graph, group)[1:]
        if other in frames
    )
    for items, shown in ((graph.notes, view.notes), (graph.arrows, view.arrows)):
        for item in items.values():
            loose = Node("loose", "relu", group=item.group)
            assert (item.id in shown) == (card_of(graph, loose, root) == "loose")


@hypothesis_settings(max_examples=150)
@given(graphs(10), st.data())
def test_every_wire_is_hidden_or_crosses_or_is_drawn_once(graph: Graph, data: st.DataObject) -> None:
    root = data.draw(st.sampled_from(["", *graph.groups]))
    view = view_of(graph, root)
    drawn = Counter(real for edge in view.edges for real in view.wires[edge])
    assert len(set(view.edges)) == len(view.edges) == len(view.wires)
    for edge in graph.edges:
        ends = view.owner.get(edge.source.node), view.owner.get(edge.target.node)
        if None in ends:
            assert drawn[edge] == 0
            assert (edge in view.crossing) == (ends != (None, None))
        elif ends[0] == ends[1]:
            assert drawn[edge] == 0
        else:
            assert drawn[edge] == 1
    for edge in view.edges:
        assert all(real.source == view.source(edge.source) for real in view.wires[edge])
        assert {real.target for real in view.wires[edge]} <= set(view.targets(edge.target))
        assert {view.owner[real.target.node] for real in view.wires[edge]} == {edge.target.node}
        assert view.owner[view.source(edge.source).node] == edge.source.node
    order = [graph.edges.index(view.wires[edge][0]) for edge in view.edges]
    assert order == sorted(order)


@hypothesis_settings(max_examples=150)
@given(graphs(10))
def test_the_ports_of_a_card_stand_for_all_that_goes_in_and_out(graph: Graph) -> None:
    view = view_of(graph)
    fed = {edge.target for edge in graph.edges}
    used = {edge.source for edge in graph.edges}
    for card, ports in view.ports.items():
        members = {node for node, owner in view.owner.items() if owner == card}
        entering = {
            edge.target: edge.source
            for edge in graph.edges
            if edge.target.node in members and edge.source.node not in members
        }
        loose = {
            PortRef(node, port)
            for node in members
            for port in range(registry.layer(graph.nodes[node].kind).min_inputs)
            if PortRef(node, port) not in fed
        }
        inputs = [end for port in ports.inputs for end in port]
        assert Counter(inputs) == Counter([*entering, *loose])
        for port in ports.inputs:
            feeders = {entering.get(end) for end in port}
            assert len(feeders) == 1 and (None not in feeders or len(port) == 1)
        fed_by = [entering[port[0]] for port in ports.inputs if port[0] in entering]
        assert len(fed_by) == len(set(fed_by))  # One port for each output outside.
        leaving = {
            edge.source for edge in graph.edges if edge.source.node in members and edge.target.node not in members
        }
        unused = {
            PortRef(node)
            for node in members
            if registry.layer(graph.nodes[node].kind).outputs and PortRef(node) not in used
        }
        assert Counter(ports.outputs) == Counter(leaving | unused)


@hypothesis_settings(max_examples=80)
@given(graphs(8), st.data())
def test_contents_and_trails(graph: Graph, data: st.DataObject) -> None:
    for group in ["", *graph.groups]:
        assert list(trail(graph, group)) == holders(graph, group)[::-1]
        assert shown_by(graph, group) == next((at for at in trail(graph, group) if graph.groups[at].collapsed), "")
    chosen = data.draw(st.sets(st.sampled_from(list(graph.groups)))) if graph.groups else set()
    held = contents(graph, chosen)

    def inside(group: str) -> bool:
        return not chosen.isdisjoint(holders(graph, group))

    assert held.nodes == tuple(node.id for node in graph.nodes.values() if inside(node.group))
    assert held.groups == tuple(group.id for group in graph.groups.values() if inside(group.parent))
    assert held.notes == tuple(note.id for note in graph.notes.values() if inside(note.group))
    assert held.arrows == tuple(arrow.id for arrow in graph.arrows.values() if inside(arrow.group))


def test_a_card_with_a_short_cut_past_it() -> None:
    view = view_of(wired())
    assert list(view.nodes) == ["input", "conv", "add", "output"]
    assert [(edge.source.node, edge.target.node) for edge in view.edges] == [
        ("input", "conv"), ("conv", "block"), ("block", "add"), ("conv", "add"), ("block", "output"),
    ]  # fmt: skip
    assert view.ports["block"].inputs == ((PortRef("norm"),),)
    assert view.ports["block"].outputs == (PortRef("relu"),)


def test_a_network_without_circles_may_be_seen_with_one() -> None:
    graph = wired()
    graph = changed(graph, nodes={**graph.nodes, "input": changed(graph.nodes["input"], group="block")})
    view = view_of(graph)
    pairs = {(edge.source.node, edge.target.node) for edge in view.edges}
    assert {("block", "conv"), ("conv", "block")} <= pairs
    assert not find_cycle(graph)


def test_inside_a_group_the_rest_is_only_told_by_the_wires_that_cross() -> None:
    view = view_of(wired(), "block")
    assert set(view.nodes) == {"norm", "relu"} and not view.cards
    assert [(edge.source.node, edge.target.node) for edge in view.edges] == [("norm", "relu")]
    assert {(edge.source.node, edge.target.node) for edge in view.crossing} == {
        ("conv", "norm"), ("relu", "add"), ("relu", "output"),
    }  # fmt: skip


def test_a_root_that_is_gone_shows_the_whole() -> None:
    assert view_of(wired(), "gone") == view_of(wired())


def test_a_loose_input_and_output_have_ports() -> None:
    nodes = {"add": Node("add", "add", group="g"), "relu": Node("relu", "relu", group="g")}
    view = view_of(Graph(nodes, (), {"g": Group("g")}))
    assert view.ports["g"].inputs == ((PortRef("add", 0),), (PortRef("add", 1),), (PortRef("relu", 0),))
    assert view.ports["g"].outputs == (PortRef("add"), PortRef("relu"))


def test_notes_and_arrows_are_hidden_with_their_group() -> None:
    graph = changed(wired(), notes={"n": Note("n", group="block")}, arrows={"a": Arrow("a")})
    view = view_of(graph)
    assert not view.notes and set(view.arrows) == {"a"}
    assert set(view_of(graph, "block").notes) == {"n"} and not view_of(graph, "block").arrows


@pytest.mark.parametrize(
    ("name", "most"), [("resnet18", 10), ("googlenet", 15), ("vgg16", 10), ("alexnet", 15), ("zfnet", 15)]
)
def test_the_winners_open_as_a_picture_of_few_cards(name: str, most: int) -> None:
    graph = sample(name).graph
    view = view_of(graph)
    assert len(view.nodes) + len(view.cards) <= most
    assert not view.frames
    assert all(group.name for group in graph.groups.values())
