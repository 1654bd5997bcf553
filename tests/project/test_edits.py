"""The laws of edits on random projects, and each edit by itself."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from strategies import NAMES, edits, gesture_edits, projects, several

from nnviz.errors import InputError, ParamError, ProjectError
from nnviz.project import registry
from nnviz.project.edits import (
    UNSET,
    AddNodes,
    Connect,
    Disconnect,
    Edit,
    InsertOnEdge,
    Move,
    RemoveNodes,
    Rename,
    SetData,
    SetKind,
    SetParam,
    SetProject,
    SetTraining,
    SetView,
    Several,
    can_connect,
    free_port,
    new_id,
    wires_into,
)
from nnviz.project.files import io
from nnviz.project.graph.wiring import find_cycle, id_problem
from nnviz.project.model import Choice, DataConfig, Edge, Graph, Node, PortRef, Project, TrainConfig, View


def same(one: Project, other: Project) -> bool:
    """Equal, the order of the nodes included (mappings compare without it)."""
    return one == other and list(one.graph.nodes) == list(other.graph.nodes)


def wire(source: str, target: str, port: int = 0) -> Edge:
    return Edge(PortRef(source), PortRef(target, port))


def chain(*kinds: str) -> Project:
    """Layers one behind the other, each with its kind and a number as id."""
    graph = Graph()
    for at, kind in enumerate(kinds):
        node = Node(f"{kind}_{at}", kind, x=195.0 * at)
        graph = Graph({**graph.nodes, node.id: node}, graph.edges)
    ids = list(graph.nodes)
    return Project(graph=Graph(graph.nodes, tuple(wire(a, b) for a, b in itertools.pairwise(ids))))


def fork() -> Project:
    """input -> a, b, c -> add (ports 0, 1, 2) -> output"""
    nodes = {
        node.id: node
        for node in (
            Node("input", "input"),
            Node("a", "relu"),
            Node("b", "tanh"),
            Node("c", "sigmoid"),
            Node("add1", "add"),
            Node("output", "output"),
        )
    }
    edges = [wire("input", name) for name in "abc"]
    edges += [wire(name, "add1", port) for port, name in enumerate("abc")]
    return Project(graph=Graph(nodes, (*edges, wire("add1", "output"))))


# -- the laws ---------------------------------------------------------------------------------------------------------


@hypothesis_settings(max_examples=80)
@given(st.data())
def test_any_sequence_of_edits_can_be_taken_back(data: st.DataObject) -> None:
    project = data.draw(projects())
    states, inverses = [project], []
    for _ in range(data.draw(st.integers(1, 6))):
        edit = data.draw(edits(project))
        inverses.append(edit.invert(project))
        project = edit.apply(project)
        states.append(project)
        assert isinstance(edit.title, str)
        assert edit.title
        assert io.loads(io.dumps(project)) == project  # Whatever the hand can do, the file can hold.
    for inverse in reversed(inverses):
        project = states.pop()
        redo = inverse.invert(project)
        before = inverse.apply(project)
        assert same(before, states[-1])
        assert same(redo.apply(before), project)


@hypothesis_settings(max_examples=60)
@given(st.data())
def test_several_edits_are_taken_back_as_one(data: st.DataObject) -> None:
    project = data.draw(projects(5))
    edit = data.draw(several(project))
    assert same(edit.invert(project).apply(edit.apply(project)), project)


@hypothesis_settings(max_examples=100)
@given(st.data())
def test_a_merged_edit_does_what_both_do(data: st.DataObject) -> None:
    project = data.draw(projects(3))
    kinds = gesture_edits(project, "drag")
    at = data.draw(st.integers(0, len(kinds) - 1))
    first, second = data.draw(kinds[at]), data.draw(kinds[at])
    merged = first.merge(second)
    if merged is None:
        assert first.target() != second.target()
        return
    both = second.apply(first.apply(project))
    assert merged.gesture == "drag"
    assert same(merged.apply(project), both)
    assert same(merged.invert(project).apply(both), project)


@hypothesis_settings(max_examples=100)
@given(st.data())
def test_merged_groups_do_what_both_do(data: st.DataObject) -> None:
    project = data.draw(projects(3))
    kinds = gesture_edits(project)
    chosen = data.draw(st.lists(st.integers(0, len(kinds) - 1), min_size=1, max_size=3))
    first = Several(tuple(data.draw(kinds[at]) for at in chosen), "Group", gesture="drag")
    if data.draw(st.booleans()):
        chosen = data.draw(st.permutations(chosen))
    second = Several(tuple(data.draw(kinds[at]) for at in chosen), "Group", gesture="drag")
    merged = first.merge(second)
    assert merged is not None
    both = second.apply(first.apply(project))
    assert same(merged.apply(project), both)
    assert same(merged.invert(project).apply(both), project)


def test_a_long_drag_of_a_group_stays_one_small_edit() -> None:
    project = chain("input", "linear")

    def turn(value: int) -> Several:
        edits = (SetView(View(value)), SetParam("linear_1", "out_features", value))
        return Several(edits, "Turn", gesture="wheel")

    merged: Edit = turn(1)
    for value in range(2, 200):
        joined = merged.merge(turn(value))
        assert joined is not None
        merged = joined
    assert merged == turn(199)
    assert merged.apply(project).graph.nodes["linear_1"].params == {"out_features": 199}


def test_edits_of_different_gestures_or_targets_do_not_merge() -> None:
    one = SetParam("linear_1", "out_features", 1, gesture="a")
    assert one.merge(SetParam("linear_1", "out_features", 2, gesture="b")) is None
    assert one.merge(SetParam("linear_1", "bias", False, gesture="a")) is None
    assert one.merge(SetParam("linear_2", "out_features", 2, gesture="a")) is None
    assert SetParam("x", "bias", True).merge(SetParam("x", "bias", False)) is None
    assert Connect(wire("a", "b"), gesture="a").merge(Connect(wire("a", "b"), gesture="a")) is None


@given(st.data())
def test_an_edit_that_is_refused_says_why(data: st.DataObject) -> None:
    """Edits drawn for one project and applied to another: they apply or raise our error, nothing else."""
    edit = data.draw(edits(data.draw(projects(4))))
    other = data.draw(projects(4))
    try:
        after = edit.apply(other)
    except InputError as error:
        assert str(error).endswith((".", ")"))
        return
    assert same(edit.invert(other).apply(after), other)


# -- nodes ------------------------------------------------------------------------------------------------------------


def test_removed_nodes_come_back_where_they_were() -> None:
    project = fork()
    edit = RemoveNodes(("b", "input"))
    after = edit.apply(project)
    assert list(after.graph.nodes) == ["a", "c", "add1", "output"]
    assert after.graph.edges == (wire("a", "add1", 0), wire("c", "add1", 2), wire("add1", "output"))
    back = edit.invert(project).apply(after)
    assert list(back.graph.nodes) == list(project.graph.nodes)
    assert back.graph.edges == project.graph.edges


def test_removing_an_input_of_a_join_keeps_the_ports_of_the_others() -> None:
    after = Disconnect(wire("b", "add1", 1)).apply(fork())
    assert [edge.target.port for edge in wires_into(after.graph, "add1")] == [0, 2]
    assert free_port(after.graph, "add1") == 1
    assert same(Connect(wire("b", "add1", 1)).invert(after).apply(Connect(wire("b", "add1", 1)).apply(after)), after)


def test_removing_from_a_chain_can_rejoin_it() -> None:
    project = chain("input", "relu", "dropout", "flatten", "output")
    edit = RemoveNodes(("relu_1", "dropout_2"), rejoin=True)
    after = edit.apply(project)
    assert after.graph.edges == (wire("input_0", "flatten_3"), wire("flatten_3", "output_4"))
    assert same(edit.invert(project).apply(after), project)
    assert RemoveNodes(("relu_1",)).apply(project).graph.edges == project.graph.edges[2:]


def test_removing_a_node_that_feeds_several_rejoins_each() -> None:
    project = fork()
    edit = RemoveNodes(("a", "add1"), rejoin=True)
    after = edit.apply(project)
    # A join has several inputs, so nobody can say which of them the output should get.
    assert after.graph.edges == (wire("input", "b"), wire("input", "c"))
    spread = Project(graph=Graph(project.graph.nodes, (wire("input", "a"), wire("a", "b"), wire("a", "c"))))
    assert RemoveNodes(("a",), rejoin=True).apply(spread).graph.edges == (wire("input", "b"), wire("input", "c"))


def test_the_port_of_a_join_survives_rejoining() -> None:
    project = fork()
    after = RemoveNodes(("c",), rejoin=True).apply(project)
    assert wires_into(after.graph, "add1")[2] == wire("input", "add1", 2)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (Node("a", "relu"), "'a' is taken already"),
        (Node("x", "input", bypassed=True), "at an end of the network"),
        (Node("x", "relu", group="stage"), "no group 'stage' for x"),
        (Node("Conv", "relu"), "lower case"),
        (Node("a.b", "relu"), "cannot be a node's id"),
        (Node("class", "relu"), "reserved"),
        (Node("x" * 65, "relu"), "too long"),
        (Node("x", "warp"), "no layer 'warp'"),
        (Node("x", "linear", {"out_features": 0}), "must be a whole number"),
        (Node("x", "linear", {"speed": 1}), "no parameter 'speed'"),
        (Node("x", "relu", x=math.nan), "cannot lie at"),
        (Node("x", "relu", y=-math.inf), "cannot lie at"),
        (Node("x", "relu", name="two\nlines"), "cannot be shown"),
    ],
)
def test_nodes_that_cannot_be_added(node: Node, words: str) -> None:
    with pytest.raises(InputError, match=words):
        AddNodes((node,)).apply(fork())


def test_wires_of_added_nodes_must_touch_them_and_be_legal() -> None:
    node = Node("d", "relu")
    with pytest.raises(ProjectError, match="touches no new node"):
        AddNodes((node,), (wire("a", "add1", 5),)).apply(fork())
    with pytest.raises(ProjectError, match="Two wires end at input 1 of add1"):
        AddNodes((node,), (wire("d", "add1", 0),)).apply(fork())
    with pytest.raises(ProjectError, match="circle"):
        AddNodes((node,), (wire("d", "add1", 3), wire("add1", "d"))).apply(fork())
    with pytest.raises(ProjectError, match="no node 'ghost'"):
        AddNodes((node,), (wire("ghost", "d"),)).apply(fork())


def test_added_values_are_kept_in_their_normal_form() -> None:
    after = AddNodes((Node("c1", "conv2d", {"kernel_size": 5, "out_channels": 8}),)).apply(Project())
    assert after.graph.nodes["c1"].params == {"kernel_size": (5, 5), "out_channels": 8}
    alias = AddNodes((Node("d", "dense"),)).apply(Project())
    assert alias.graph.nodes["d"].kind == "linear"


def test_what_is_not_touched_is_shared() -> None:
    project = fork()
    after = Rename("a", "first").apply(project)
    assert after.graph.edges is project.graph.edges
    assert after.graph.nodes["b"] is project.graph.nodes["b"]
    assert after.data is project.data


# -- wires ------------------------------------------------------------------------------------------------------------


def test_a_wire_to_a_taken_input_takes_its_place() -> None:
    project = fork()
    edit = Connect(wire("a", "add1", 1))
    after = edit.apply(project)
    assert after.graph.edges.index(wire("a", "add1", 1)) == project.graph.edges.index(wire("b", "add1", 1))
    assert len(after.graph.edges) == len(project.graph.edges)
    assert same(edit.invert(project).apply(after), project)


def test_a_wire_comes_back_at_its_old_place() -> None:
    project = fork()
    for edge in project.graph.edges:
        edit = Disconnect(edge)
        assert same(edit.invert(project).apply(edit.apply(project)), project)


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("ghost", "a", "no node 'ghost'"),
        ("a", "ghost", "no node 'ghost'"),
        ("output", "a", "no output"),
        ("a", "input", "takes no wire"),
        ("a", "a", "itself"),
        ("input", "a", "there already"),
        ("add1", "a", "circle: a already leads to add1"),
        (PortRef("a", 1), "output", "only 1 output"),
        ("a", PortRef("b", 1), "at most 1 wire"),
        ("a", PortRef("add1", 64), "at most 64 wires"),
        ("a", PortRef("add1", -1), "at most 64 wires"),
    ],
)
def test_wires_that_cannot_be_drawn(source: str | PortRef, target: str | PortRef, words: str) -> None:
    assert words in can_connect(fork().graph, source, target)


def test_wires_that_can_be_drawn() -> None:
    graph = fork().graph
    assert can_connect(graph, "a", "add1") == ""  # Twice into a join, at the next port.
    assert can_connect(graph, "input", "output") == ""  # Replaces what is there.
    assert can_connect(graph, PortRef("b"), PortRef("c")) == ""


def test_replacing_a_wire_does_not_count_as_a_circle() -> None:
    project = chain("input", "relu", "tanh", "output")
    # tanh may not feed relu while relu feeds tanh, but once tanh hangs on the input it may.
    assert "circle" in can_connect(project.graph, "tanh_2", "relu_1")
    project = Connect(wire("input_0", "tanh_2")).apply(project)
    assert can_connect(project.graph, "tanh_2", "relu_1") == ""


@given(st.data())
def test_can_connect_agrees_with_a_slower_way(data: st.DataObject) -> None:
    graph = data.draw(projects()).graph
    assume(graph.nodes)
    source = data.draw(st.sampled_from(list(graph.nodes)))
    target = PortRef(data.draw(st.sampled_from(list(graph.nodes))), data.draw(st.integers(0, 3)))
    after = tuple(edge for edge in graph.edges if edge.target != target)
    after += (Edge(PortRef(source), target),)
    reach = {(edge.source.node, edge.target.node) for edge in after}
    for middle in graph.nodes:  # Warshall's closure.
        for one in graph.nodes:
            for other in graph.nodes:
                if (one, middle) in reach and (middle, other) in reach:
                    reach.add((one, other))
    legal = (
        registry.layer(graph.nodes[source].kind).outputs > 0
        and target.port < registry.layer(graph.nodes[target.node].kind).max_inputs
        and not any((node, node) in reach for node in graph.nodes)
        and Edge(PortRef(source), target) not in graph.edges
    )
    assert (can_connect(graph, PortRef(source), target) == "") == legal


def test_find_cycle_in_broken_graphs() -> None:
    nodes = {name: Node(name, "add") for name in "abcdef"}
    edges = (wire("a", "b"), wire("b", "c"), wire("c", "d"), wire("d", "b", 1), wire("d", "e"), wire("ghost", "f"))
    circle = find_cycle(Graph(nodes, edges))
    assert sorted(circle) == ["b", "c", "d"]
    assert all(wire(one, other) in edges or wire(one, other, 1) in edges
               for one, other in zip(circle, (*circle[1:], circle[0]), strict=True))  # fmt: skip
    assert find_cycle(Graph(nodes, edges[:3])) == ()
    assert find_cycle(Graph(nodes, (wire("a", "a"),))) == ("a",)


def test_a_deep_chain_needs_no_recursion() -> None:
    ids = [f"relu{at}" for at in range(9_000)]
    nodes = {name: Node(name, "relu") for name in ids}
    edges = tuple(wire(one, other) for one, other in itertools.pairwise(ids))
    graph = Graph(nodes, edges)
    assert "circle" in can_connect(graph, ids[-1], ids[0])
    assert len(find_cycle(Graph(nodes, (*edges, wire(ids[-1], ids[0]))))) == len(ids)


# -- dropping onto a wire ---------------------------------------------------------------------------------------------


def test_a_new_node_dropped_onto_a_wire() -> None:
    project = fork()
    edit = InsertOnEdge(Node("d", "dropout", {"probability": 0.2}, x=7.0), wire("b", "add1", 1))
    after = edit.apply(project)
    at = project.graph.edges.index(wire("b", "add1", 1))
    assert after.graph.edges[at : at + 2] == (wire("b", "d"), wire("d", "add1", 1))
    assert len(after.graph.edges) == len(project.graph.edges) + 1
    assert same(edit.invert(project).apply(after), project)


def test_a_loose_card_dropped_onto_a_wire_keeps_what_it_is() -> None:
    project = AddNodes((Node("loose", "dropout", {"probability": 0.3}, "mine"),)).apply(fork())
    edit = InsertOnEdge(Node("loose", "relu", x=50.0, y=60.0), wire("add1", "output"))
    after = edit.apply(project)
    assert after.graph.nodes["loose"] == Node("loose", "dropout", {"probability": 0.3}, "mine", 50.0, 60.0)
    assert after.graph.edges[-2:] == (wire("add1", "loose"), wire("loose", "output"))
    assert same(edit.invert(project).apply(after), project)


@pytest.mark.parametrize("node", [Node("d", "input"), Node("d", "output"), Node("a", "relu"), Node("add1", "add")])
def test_nodes_that_do_not_fit_on_a_wire(node: Node) -> None:
    with pytest.raises(ProjectError):
        InsertOnEdge(node, wire("add1", "output")).apply(fork())
    with pytest.raises(ProjectError, match="no wire from"):
        InsertOnEdge(Node("d", "relu"), wire("a", "output")).apply(fork())


# -- values -----------------------------------------------------------------------------------------------------------


def test_parameters_are_checked_and_brought_into_their_normal_form() -> None:
    project = chain("input", "conv2d", "output")
    after = SetParam("conv2d_1", "kernel_size", [5]).apply(project)  # type: ignore[arg-type]  # a list, as JSON gives it
    assert after.graph.nodes["conv2d_1"].params == {"kernel_size": (5, 5)}
    with pytest.raises(ParamError, match="from 1 to 4,096"):
        SetParam("conv2d_1", "kernel_size", 0).apply(project)
    with pytest.raises(ParamError, match="no parameter 'speed'"):
        SetParam("conv2d_1", "speed", 0).apply(project)
    with pytest.raises(ProjectError, match="no node 'ghost'"):
        SetParam("ghost", "bias", True).apply(project)


def test_a_parameter_goes_back_to_not_being_given() -> None:
    project = chain("input", "linear")
    edit = SetParam("linear_1", "bias", False)
    inverse = edit.invert(project)
    assert inverse == SetParam("linear_1", "bias", UNSET)
    assert inverse.title == "Reset bias of linear_1"
    assert edit.title == "Set bias of linear_1"
    assert inverse.apply(edit.apply(project)).graph.nodes["linear_1"].params == {}


def test_another_kind_keeps_what_both_know() -> None:
    project = AddNodes((Node("n", "batch_norm1d", {"momentum": 0.3, "epsilon": 0.1}),)).apply(Project())
    after = SetKind("n", "batch_norm2d").apply(project)
    assert after.graph.nodes["n"] == Node("n", "batch_norm2d", {"epsilon": 0.1, "momentum": 0.3})
    after = SetKind("n", "layer_norm").apply(project)
    assert after.graph.nodes["n"].params == {"epsilon": 0.1}
    # Both have a kernel size, but one takes a pair and the other a number.
    conv = AddNodes((Node("c", "conv2d", {"kernel_size": (5, 3), "out_channels": 4}),)).apply(Project())
    assert SetKind("c", "conv1d").apply(conv).graph.nodes["c"].params == {"out_channels": 4}
    with pytest.raises(ProjectError, match="different wires"):
        SetKind("n", "add").apply(project)
    with pytest.raises(ParamError):
        SetKind("n", "layer_norm", {"epsilon": -1.0}).apply(project)


def test_names_are_cleaned() -> None:
    project = chain("input", "relu")
    assert Rename("relu_1", "  first\tlayer\x00\n ").apply(project).graph.nodes["relu_1"].name == "first layer"
    after = SetProject("a\u202eb", "one\r\ntwo\x07").apply(project)
    assert (after.name, after.note) == ("a b", "one\ntwo")
    assert len(SetProject("x" * 5000).apply(project).name) == 200


@given(st.text())
def test_every_pasted_text_becomes_a_name_that_can_be_saved(text: str) -> None:
    after = SetProject(text, text).apply(Project())
    assert io.loads(io.dumps(after)) == after
    assert SetProject(after.name, after.note).apply(after) == after


@pytest.mark.parametrize(
    "edit",
    [
        SetTraining(TrainConfig(batch_size=0)),
        SetTraining(TrainConfig(epochs=10**9)),
        SetTraining(TrainConfig(seed=-1)),
        SetTraining(TrainConfig(device="tpu")),
        SetTraining(TrainConfig(device="cuda:0; rm")),
        SetTraining(TrainConfig(optimizer=Choice("magic"))),
        SetTraining(TrainConfig(optimizer=Choice("adam", {"learning_rate": -1.0}))),
        SetTraining(TrainConfig(optimizer=Choice("adam", {"learning_rate": math.nan}))),
        SetTraining(TrainConfig(optimizer=Choice("adam", {"speed": 1}))),
        SetData(DataConfig(validation_fraction=0.95)),
        SetData(DataConfig(validation_fraction=math.nan)),
        SetData(DataConfig(preparation=(Choice("log"),))),
        SetData(DataConfig(dataset="../../etc/passwd")),
        SetData(DataConfig(params={"noise": math.inf})),
        SetData(DataConfig(params={"noise": ((1, "x"),)})),
        SetData(DataConfig(params={"noise": (((1, 2),),)})),
        SetData(DataConfig(params={"noise": ((1, math.inf),)})),
        SetView(View(-1)),
        Move({"relu_1": (math.nan, 0.0)}),
        Move({"relu_1": (0.0, 2e6)}),
        Move({"ghost": (0.0, 0.0)}),
    ],
)
def test_settings_out_of_range_never_enter_a_project(edit: Edit) -> None:
    with pytest.raises(InputError):
        edit.apply(chain("input", "relu"))


def test_a_wrong_setting_can_be_mended_piece_by_piece() -> None:
    broken = Project(training=TrainConfig(batch_size=0, epochs=0, optimizer=Choice("adam", {"learning_rate": -1.0})))
    better = SetTraining(TrainConfig(batch_size=8, epochs=0, optimizer=Choice("adam", {"learning_rate": -1.0}))).apply(
        broken
    )
    assert better.training.batch_size == 8


def test_too_many_nodes_are_refused() -> None:
    nodes = {f"relu{at}": Node(f"relu{at}", "relu") for at in range(10_000)}
    with pytest.raises(ProjectError, match="at most 10000 layers"):
        AddNodes((Node("more", "relu"),)).apply(Project(graph=Graph(nodes)))


# -- ids --------------------------------------------------------------------------------------------------------------


def test_new_ids_count_up_and_fill_gaps() -> None:
    graph = Graph({name: Node(name, "conv2d") for name in ("conv1", "conv3")})
    assert new_id(graph, "conv2d") == "conv2"
    assert new_id(graph, "conv1d", ["conv2"]) == "conv4"
    assert new_id(graph, "linear") == "linear1"


@pytest.mark.parametrize("kind", list(registry.layers()))
def test_every_kind_gives_ids_that_are_allowed(kind: str) -> None:
    graph = Graph()
    for _ in range(3):
        node_id = new_id(graph, kind)
        assert id_problem(node_id) == ""
        graph = Graph({**graph.nodes, node_id: Node(node_id, kind)})
    assert len(graph.nodes) == 3


@given(NAMES)
def test_ids_are_what_torch_and_python_take(text: str) -> None:
    if id_problem(text) == "":
        assert text.isidentifier()
        assert "." not in text
