"""Cures that are offered: each applies, can be taken back, mends what it was offered for and breaks nothing there."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed
from strategies import projects

from nnviz.project import registry
from nnviz.project.checks.validate import Diagnostic, validate
from nnviz.project.model import DataFacts, Edge, Graph, Node, ParamValue, PortRef, Project, TrainConfig

IMAGES = DataFacts((3, 8, 8), 10, "classes")
MOONS = DataFacts((2,), 1, "binary")

Params = Mapping[str, ParamValue]
#: Kinds that stand in the middle of a network, with parameters that often do not fit.
MIDDLE: dict[str, st.SearchStrategy[Params]] = {
    "conv2d": st.fixed_dictionaries(
        {"out_channels": st.integers(1, 9)},
        optional={
            "kernel_size": st.tuples(st.integers(1, 11), st.integers(1, 11)),
            "stride": st.tuples(st.integers(1, 3), st.integers(1, 3)),
            "padding": st.tuples(st.integers(0, 2), st.integers(0, 2)),
            "dilation": st.tuples(st.integers(1, 3), st.integers(1, 3)),
            "groups": st.integers(1, 4),
        },
    ),
    "conv1d": st.fixed_dictionaries({"out_channels": st.integers(1, 9), "kernel_size": st.integers(1, 9)}),
    "conv_transpose2d": st.fixed_dictionaries(
        {"padding": st.tuples(st.integers(0, 9), st.integers(0, 9)), "groups": st.integers(1, 3)}
    ),
    "max_pool2d": st.fixed_dictionaries({"kernel_size": st.tuples(st.integers(1, 12), st.integers(1, 12))}),
    "avg_pool2d": st.fixed_dictionaries({"kernel_size": st.integers(1, 12).map(lambda n: (n, n))}),
    "adaptive_avg_pool2d": st.fixed_dictionaries({"output_size": st.tuples(st.integers(1, 5), st.integers(1, 5))}),
    "linear": st.fixed_dictionaries({"out_features": st.integers(1, 12)}),
    "batch_norm1d": st.just({}),
    "batch_norm2d": st.just({}),
    "group_norm": st.fixed_dictionaries({"groups": st.integers(1, 9)}),
    "local_response_norm": st.just({}),
    "flatten": st.just({}),
    "reshape": st.fixed_dictionaries({"shape": st.lists(st.integers(-1, 9), min_size=1, max_size=3).map(tuple)}),
    "upsample": st.just({}),
    "relu": st.just({}),
    "softmax": st.just({}),
    "sigmoid": st.just({}),
}


@st.composite
def nearly_right(draw: st.DrawFn) -> Project:
    """Networks as people draw them, with a mistake here and there: branches that do not meet, layers out of place."""
    nodes = {"input": Node("input", "input", {"shape": draw(st.sampled_from([(3, 8, 8), (1, 5, 6), (12,), (4, 9)]))})}
    edges: list[Edge] = []
    for at in range(draw(st.integers(1, 7))):
        kind = draw(st.sampled_from([*MIDDLE, "add", "multiply", "concatenate"]))
        params = draw(MIDDLE.get(kind, st.just({})))
        if kind == "concatenate":
            params = {"dimension": draw(st.integers(0, 2))}
        name = f"n{at}"
        sources = draw(st.lists(st.sampled_from(list(nodes)), min_size=2, max_size=3))
        nodes[name] = Node(name, kind, params, "", 200.0 * (at % 4), 250.0 * (at // 4 + 1))
        count = len(sources) if kind in ("add", "multiply", "concatenate") else draw(st.sampled_from([1, 1, 1, 1, 0]))
        edges += [Edge(PortRef(source), PortRef(name, port)) for port, source in enumerate(sources[:count])]
    loss = draw(st.sampled_from(["cross_entropy", "bce", "bce_logits", "mse"]))
    nodes["output"] = Node("output", "output", {"loss": loss}, "", 900.0, 0.0)
    if draw(st.sampled_from([True, True, True, False])):
        edges.append(Edge(PortRef(draw(st.sampled_from(list(nodes)[:-1]))), PortRef("output")))
    training = TrainConfig(batch_size=draw(st.sampled_from([1, 32])))
    return Project(graph=Graph(nodes, tuple(edges)), training=training)


def errors_at(found: tuple[Diagnostic, ...], node: str) -> list[str]:
    return [one.text for one in found if one.node == node and one.severity == "error"]


def check_all(start: Project, facts: DataFacts | None) -> None:
    found = validate(start, facts)
    for diagnostic in found:
        if diagnostic.edge is not None:
            assert diagnostic.edge in start.graph.edges
            assert diagnostic.node == diagnostic.edge.target.node
        assert len({fix.title for fix in diagnostic.fixes}) == len(diagnostic.fixes), diagnostic
        for fix in diagnostic.fixes:
            after = fix.edit.apply(start)
            assert fix.edit.invert(start).apply(after) == start
            left = validate(after, facts)
            where = (diagnostic.text, fix.title)
            assert (diagnostic.node, diagnostic.text) not in {(other.node, other.text) for other in left}, where
            before, now = errors_at(found, diagnostic.node), errors_at(left, diagnostic.node)
            kind = start.graph.nodes[diagnostic.node].kind if diagnostic.node else ""
            if fix.title.startswith("Connect ") or kind == "output":
                # Without a wire or the right loss the rest is not looked at; what is said then takes its place.
                assert diagnostic.severity != "error" or len(now) <= len(before), where
            elif diagnostic.node:
                assert set(now) <= set(before), (where, now)


@hypothesis_settings(max_examples=250)
@given(nearly_right(), st.sampled_from([None, IMAGES, MOONS]))
def test_every_cure_of_a_nearly_right_network_works(start: Project, facts: DataFacts | None) -> None:
    check_all(start, facts)


@hypothesis_settings(max_examples=100)
@given(projects(6), st.sampled_from([None, IMAGES, MOONS]))
def test_every_cure_of_any_project_works(start: Project, facts: DataFacts | None) -> None:
    check_all(start, facts)


# -- what is offered, by name ------------------------------------------------------------------------------------------


def network(nodes: Mapping[str, tuple[str, Params]], *wires: tuple[str, str]) -> Project:
    """Nodes by id, wired in the order of the pairs; a join takes its wires in that order."""
    made = {
        name: Node(name, kind, params, "", 200.0 * at, 0.0) for at, (name, (kind, params)) in enumerate(nodes.items())
    }
    ports = dict.fromkeys(made, 0)
    edges = []
    for source, target in wires:
        edges.append(Edge(PortRef(source), PortRef(target, ports[target])))
        ports[target] += 1
    return Project(graph=Graph(made, tuple(edges)))


def conv(channels: int, size: int = 3, **more: ParamValue) -> tuple[str, Params]:
    return "conv2d", {"out_channels": channels, "kernel_size": (size, size), **more}


def joined(kind: str, shape: tuple[int, ...], left: tuple[str, Params], right: tuple[str, Params] | None) -> Project:
    """An input, a branch or two, and a join."""
    nodes = {"input": ("input", {"shape": shape}), "left": left, "join": (kind, {}), "relu": ("relu", {})}
    if right is None:
        return network(nodes, ("input", "left"), ("input", "join"), ("left", "join"), ("join", "relu"))
    nodes["right"] = right
    return network(
        nodes, ("input", "left"), ("input", "right"), ("right", "join"), ("left", "join"), ("join", "relu")
    )  # fmt: skip


def fixes_at(start: Project, node: str) -> tuple[Diagnostic, list[str]]:
    found = next(one for one in validate(start) if one.node == node and one.fixes)
    return found, [fix.title for fix in found.fixes]


@pytest.mark.parametrize(
    ("start", "title"),
    [
        (
            joined("add", (64, 56, 56), conv(128, stride=(2, 2), padding=(1, 1)), None),
            "Insert Conv2d 64→128, 1×1, stride 2 after input",
        ),
        (joined("add", (64, 8, 8), conv(128, padding=(1, 1)), None), "Set out channels of left to 64"),
        (joined("add", (4,), ("linear", {"out_features": 6}), None), "Insert Linear 4→6 after input"),
        (
            joined("concatenate", (8, 12, 12), conv(4, stride=(2, 2), padding=(1, 1)), None),
            "Insert MaxPool2d 8×12×12→8×6×6 after input",
        ),
        (
            joined("concatenate", (8, 12, 12), ("upsample", {}), conv(5, padding=(1, 1))),
            "Insert Upsample 5×12×12→5×24×24 after right",
        ),
        (
            joined("concatenate", (8, 13, 13), conv(4, stride=(2, 2), padding=(1, 1)), None),
            "Insert AdaptiveAvgPool2d 8×13×13→8×7×7 after input",
        ),
        (
            joined("multiply", (8, 6, 6), conv(8, padding=(1, 1)), ("flatten", {})),
            "Insert Reshape 288→8×6×6 after right",
        ),
    ],
)
def test_branches_are_brought_together(start: Project, title: str) -> None:
    found, titles = fixes_at(start, "join")
    assert title in titles
    assert found.edge is not None
    mended = found.fixes[titles.index(title)].edit.apply(start)
    assert not errors_at(validate(mended), "join")


@pytest.mark.parametrize(
    ("layer", "shape", "titles"),
    [
        (conv(8, 5), (3, 3, 4), ["Set kernel size to 3×4", "Set padding to 1×1", "Set padding to 2×2"]),
        (
            ("max_pool2d", {"kernel_size": (2, 2)}),
            (8, 1, 1),
            ["Set kernel size to 1×1", "Set padding to 1×1", "Remove MaxPool2d"],
        ),
        (
            ("max_pool2d", {"kernel_size": (4, 4)}),
            (8, 1, 1),
            ["Set kernel size to 1×1", "Set padding to 2×2", "Remove MaxPool2d"],
        ),
        (
            ("avg_pool2d", {"kernel_size": (7, 7)}),
            (8, 1, 1),
            ["Set kernel size to 1×1", "Set padding to 3×3", "Remove AvgPool2d"],
        ),
        (
            ("max_pool2d", {"kernel_size": (3, 3), "dilation": (3, 3)}),
            (8, 2, 2),
            ["Set kernel size to 1×1", "Insert ZeroPad2d 8×2×2→8×7×7", "Remove MaxPool2d"],
        ),
        (conv(6, groups=4), (8, 5, 5), ["Set out channels to 8", "Set groups to 2"]),
        (("linear", {}), (64, 5, 5), ["Insert Flatten 64×5×5→1600"]),
        (conv(6), (784,), ["Insert Reshape 784→1×28×28"]),
        (conv(6), (3, 20), ["Make it Conv1d"]),
        (("local_response_norm", {}), (20,), ["Make it LayerNorm"]),
        (
            ("conv_transpose2d", {"padding": (9, 9)}),
            (3, 4, 4),
            ["Set padding to 0×0"],
        ),
    ],
)
def test_a_layer_that_does_not_fit(layer: tuple[str, Params], shape: tuple[int, ...], titles: list[str]) -> None:
    start = network({"input": ("input", {"shape": shape}), "layer": layer}, ("input", "layer"))
    assert fixes_at(start, "layer")[1] == titles


def test_a_flatten_too_early_is_taken_out() -> None:
    start = network(
        {"input": ("input", {"shape": (3, 8, 8)}), "flat": ("flatten", {}), "conv": conv(4)},
        ("input", "flat"), ("flat", "conv"),
    )  # fmt: skip
    assert fixes_at(start, "conv")[1][0] == "Remove flat"


def test_a_loose_card_goes_into_the_nearest_wire_or_away() -> None:
    start = network(
        {
            "input": ("input", {"shape": (4,)}),
            "a": ("linear", {"out_features": 3}),
            "output": ("output", {"loss": "mse"}),
        },
        ("input", "a"),
        ("a", "output"),
    )
    loose = Node("drop", "dropout", {}, "", 260.0, 300.0)
    start = changed(start, graph=changed(start.graph, nodes={**start.graph.nodes, "drop": loose}))
    found, titles = fixes_at(start, "drop")
    assert titles == ["Put drop between a and output", "Remove drop"]
    after = found.fixes[0].edit.apply(start)
    assert {(edge.source.node, edge.target.node) for edge in after.graph.edges} == {
        ("input", "a"),
        ("a", "drop"),
        ("drop", "output"),
    }


def test_a_network_without_weights_gets_a_linear() -> None:
    start = network(
        {"input": ("input", {"shape": (3, 8, 8)}), "relu": ("relu", {}), "output": ("output", {})},
        ("input", "relu"),
        ("relu", "output"),
    )
    found = next(one for one in validate(start) if "nothing to train" in one.text)
    assert [fix.title for fix in found.fixes] == ["Insert Flatten 3×8×8→192 and Linear 192→192"]


def test_given_weights_that_do_not_fit_are_let_go() -> None:
    weights: Params = {"out_features": 2, "weight_initialisation": "given", "weight_values": ((1.0,), (1.0,))}
    start = network({"input": ("input", {"shape": (4,)}), "a": ("linear", weights)}, ("input", "a"))
    assert fixes_at(start, "a")[1] == ["Set weight initialisation to Like all layers"]


def test_every_kind_that_is_offered_is_known() -> None:
    assert set(MIDDLE) <= set(registry.layers())
