"""What is said about projects: planted mistakes, and the promise that every cure that is offered works."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed
from strategies import projects

from nnviz.data import datasets
from nnviz.errors import DataError
from nnviz.project import registry
from nnviz.project.checks import footprint
from nnviz.project.checks.memory import Estimate, Examples, bytes_text, estimate_bytes, surely_fits
from nnviz.project.checks.shapes import infer
from nnviz.project.checks.tried_fixes import REMAINS
from nnviz.project.checks.validate import Diagnostic, problems_that_stop, validate
from nnviz.project.drawing.layout import CARD_HEIGHT, CARD_WIDTH
from nnviz.project.edits import AddNodes, SetParam
from nnviz.project.model import (
    Choice,
    DataConfig,
    DataFacts,
    Edge,
    Graph,
    Node,
    ParamValue,
    PortRef,
    Project,
    TrainConfig,
)
from nnviz.project.samples import templates

DIGITS = DataFacts((1, 28, 28), 10, "classes")
MOONS = DataFacts((2,), 1, "binary")
NUMBERS = DataFacts((4,), 3, "regression")

Layer = str | tuple[str, Mapping[str, ParamValue]]


def wire(source: str, target: str, port: int = 0) -> Edge:
    return Edge(PortRef(source), PortRef(target, port))


def project(*layers: Layer, **fields: object) -> Project:
    """A chain of layers, ids ``l0``, ``l1`` …, in a row."""
    nodes: dict[str, Node] = {}
    for at, layer in enumerate(layers):
        kind, params = layer if isinstance(layer, tuple) else (layer, {})
        nodes[f"l{at}"] = Node(f"l{at}", kind, params, "", 195.0 * at, 0.0)
    edges = tuple(wire(one, other) for one, other in pairwise(nodes))
    return changed(Project(graph=Graph(nodes, edges)), **fields)


def flat(size: int) -> Layer:
    return "input", {"shape": (size,)}


def linear(size: int) -> Layer:
    return "linear", {"out_features": size}


def output(loss: str = "cross_entropy") -> Layer:
    return "output", {"loss": loss}


def only(diagnostics: tuple[Diagnostic, ...]) -> Diagnostic:
    assert len(diagnostics) == 1, [diagnostic.text for diagnostic in diagnostics]
    return diagnostics[0]


def cured(given: Project, diagnostic: Diagnostic, at: int = 0) -> Project:
    return diagnostic.fixes[at].edit.apply(given)


def titles(diagnostic: Diagnostic) -> list[str]:
    return [fix.title for fix in diagnostic.fixes]


# -- samples and laws -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [sample.name for sample in templates.samples()])
def test_samples_have_nothing_wrong_with_them(name: str) -> None:
    sample = templates.sample(name)
    try:
        facts = datasets.facts(sample.data)
    except DataError:
        facts = None  # Its folder has to be chosen first.
    assert [found for found in validate(sample, facts) if found.severity != "information"] == []


@hypothesis_settings(max_examples=120)
@given(st.data())
def test_every_cure_works_on_any_project(data: st.DataObject) -> None:
    """A cure applies, can be taken back, and what it was offered for is gone from where it was."""
    given_project = data.draw(projects(6))
    facts = data.draw(st.sampled_from([None, DIGITS, MOONS, NUMBERS]))
    limit = data.draw(st.sampled_from([None, 10**6]))
    found = validate(given_project, facts, memory_limit=limit)
    assert [diagnostic.severity for diagnostic in found] == sorted(
        (diagnostic.severity for diagnostic in found), key=["error", "warning", "information"].index
    )
    for diagnostic in found:
        assert diagnostic.node == "" or diagnostic.node in given_project.graph.nodes
        assert diagnostic.text.endswith((".", "?"))
        assert "None" not in diagnostic.text
        for fix in diagnostic.fixes:
            assert fix.title
            after = fix.edit.apply(given_project)
            assert fix.edit.invert(given_project).apply(after) == given_project
            left = validate(after, facts, memory_limit=limit)
            assert (diagnostic.node, diagnostic.text) not in {(other.node, other.text) for other in left}


@hypothesis_settings(max_examples=60)
@given(st.data())
def test_inserted_cards_lie_on_no_other(data: st.DataObject) -> None:
    given_project = data.draw(projects(6))
    for diagnostic in validate(given_project, DIGITS):
        for fix in diagnostic.fixes:
            after = fix.edit.apply(given_project)
            fresh = [node for node in after.graph.nodes.values() if node.id not in given_project.graph.nodes]
            for node in fresh:
                for other in after.graph.nodes.values():
                    if other.id != node.id:
                        apart = abs(node.x - other.x) >= CARD_WIDTH or abs(node.y - other.y) >= CARD_HEIGHT
                        assert apart


def broken_graphs() -> st.SearchStrategy[Graph]:
    """Whatever a program could put together wrongly: doubled inputs, circles, wires to nowhere, unknown kinds."""
    names = st.sampled_from(["a", "b", "c", "Bad Id", "ghost"])
    kinds = st.sampled_from(["input", "output", "linear", "conv2d", "add", "relu", "warp"])
    params = st.sampled_from([{}, {"out_features": -1}, {"kernel_size": "x"}, {"speed": 1}, {"out_features": math.nan}])
    nodes = st.dictionaries(names.filter(lambda name: name != "ghost"), st.tuples(kinds, params), max_size=4)
    ends = st.builds(PortRef, names, st.integers(-1, 2))
    return st.builds(
        lambda chosen, edges: Graph({name: Node(name, *rest) for name, rest in chosen.items()}, tuple(edges)),
        nodes,
        st.lists(st.builds(Edge, ends, ends), max_size=6),
    )


@hypothesis_settings(max_examples=300)
@given(broken_graphs(), st.sampled_from([None, DIGITS]))
def test_broken_graphs_are_described_not_stumbled_over(graph: Graph, facts: DataFacts | None) -> None:
    found = validate(Project(graph=graph), facts, memory_limit=1)
    ports = [edge.target for edge in graph.edges]
    kinds = [node.kind for node in graph.nodes.values()]
    wrong = len(set(ports)) < len(ports) or "warp" in kinds or "input" not in kinds or "output" not in kinds
    if wrong:
        assert problems_that_stop(found)


# -- ends -------------------------------------------------------------------------------------------------------------


def test_an_empty_project_can_be_begun_with_one_click() -> None:
    found = only(validate(Project(), MOONS))
    assert "empty" in found.text
    after = cured(Project(), found)
    assert [node.kind for node in after.graph.nodes.values()] == ["input", "output"]
    assert after.graph.nodes["input"].params == {"shape": (2,)}
    assert after.graph.nodes["output"].params == {"loss": "bce_logits"}


def test_a_missing_input_is_put_before_what_waits_for_it() -> None:
    start = project(flat(4), linear(10), output())
    headless = Project(graph=Graph({k: v for k, v in start.graph.nodes.items() if k != "l0"}, start.graph.edges[1:]))
    facts = DataFacts((4,), 10, "classes")
    found = validate(headless, facts)
    assert found[0].text == "The network has no Input."
    after = cured(headless, found[0])
    assert validate(after, facts) == ()


def test_a_missing_output_is_put_behind_the_end() -> None:
    headless = project(flat(4), linear(3), "relu", linear(3))
    found = validate(headless, NUMBERS)
    assert found[0].text == "The network has no Output."
    after = cured(headless, found[0])
    assert validate(after, NUMBERS) == ()


def test_one_input_too_many() -> None:
    double = AddNodes((Node("input", "input"),)).apply(project(flat(4), linear(3), output("mse")))
    found = validate(double, NUMBERS)
    assert "one Input too many: l0 is there already" in found[0].text
    assert found[0].node == "input"
    assert validate(cured(double, found[0]), NUMBERS) == ()


# -- wires ------------------------------------------------------------------------------------------------------------


def test_a_circle_is_named_and_can_be_opened() -> None:
    start = project("relu", "tanh", "sigmoid")
    graph = changed(start.graph, edges=(*start.graph.edges, wire("l2", "l0")))
    found = next(f for f in validate(Project(graph=graph)) if "circle" in f.text)
    assert found.severity == "error"
    assert titles(found) == [f"Disconnect l2 from l0{REMAINS}"]  # Then nothing is connected to l0.
    assert cured(Project(graph=graph), found).graph == start.graph


def test_a_loose_card_is_a_warning_and_training_goes_on_without_it() -> None:
    start = AddNodes((Node("drop", "dropout", x=195.0, y=400.0),)).apply(project(flat(4), linear(3), output("mse")))
    found = only(validate(start, NUMBERS))
    assert (found.node, found.severity) == ("drop", "warning")
    assert found.text == "Dropout is not connected: it is left out."
    assert problems_that_stop((found,)) == ()


def test_a_broken_side_branch_is_left_out_but_told() -> None:
    start = project(flat(4), linear(3), output("mse"))
    side = AddNodes((Node("side", "conv2d", y=300.0),), (wire("l0", "side"),)).apply(start)
    found = validate(side, NUMBERS)
    assert {(f.node, f.severity) for f in found} == {("side", "warning")}
    assert any("expects an image" in f.text for f in found)
    assert any("learns nothing" in f.text for f in found)


def test_an_open_input_is_offered_the_nearest_loose_end() -> None:
    start = project(flat(4), linear(8), "relu", linear(3), output("mse"))
    cut = changed(start.graph, edges=tuple(edge for edge in start.graph.edges if edge != wire("l1", "l2")))
    found = validate(Project(graph=cut), NUMBERS)
    missing = next(f for f in found if f.node == "l2")
    assert missing.severity == "error"
    assert missing.text == "Nothing is connected to the input of ReLU."
    assert titles(missing) == ["Connect l1 to l2"]
    loose = next(f for f in found if f.node == "l1")
    assert loose.severity == "warning"
    assert validate(cured(Project(graph=cut), missing), NUMBERS) == ()
    assert validate(cured(Project(graph=cut), loose), NUMBERS) == ()


def test_a_join_with_one_wire() -> None:
    start = project(flat(4), linear(3), "add", output("mse"))
    found = only(validate(start, NUMBERS))
    assert found.text == "Add joins at least 2 wires and has 1."
    assert validate(cured(start, found), NUMBERS) == ()
    more = AddNodes((Node("side", "linear", {"out_features": 3}, y=300.0),), (wire("l0", "side"),)).apply(start)
    join = next(f for f in validate(more, NUMBERS) if f.node == "l2")
    assert titles(join) == ["Connect side to l2"]
    assert validate(cured(more, join), NUMBERS) == ()


# -- shapes -----------------------------------------------------------------------------------------------------------


def test_linear_after_a_convolution_needs_flatten() -> None:
    start = project("input", ("conv2d", {"out_channels": 64, "kernel_size": (24, 24)}), linear(10), output())
    found = only(validate(start, DIGITS))
    assert found.text == "Linear expects a flat input and gets 64×5×5."
    assert (found.node, found.severity) == ("l2", "error")
    assert titles(found) == ["Insert Flatten 64×5×5→1600"]
    after = cured(start, found)
    assert validate(after, DIGITS) == ()
    assert after.graph.nodes["flatten1"].kind == "flatten"


def test_parameters_that_would_fit_are_offered() -> None:
    start = project("input", ("conv2d", {"kernel_size": (40, 40)}), "flatten", linear(10), output())
    found = only(validate(start, DIGITS))
    assert titles(found) == ["Set kernel size to 28×28", "Set padding to 6×6"]
    for at in range(2):
        assert validate(cured(start, found, at), DIGITS) == ()


def test_another_kind_is_offered() -> None:
    start = project("input", "batch_norm1d", "flatten", linear(10), output())
    found = only(validate(start, DIGITS))
    assert titles(found) == ["Make it BatchNorm2d"]
    assert validate(cured(start, found), DIGITS) == ()


def test_sizes_that_cannot_be_added_may_be_concatenated() -> None:
    nodes = (
        Node("input", "input", {"shape": (4,)}),
        Node("a", "linear", {"out_features": 5}),
        Node("b", "linear", {"out_features": 6}),
        Node("join", "add"),
        Node("c", "relu"),
        Node("last", "linear", {"out_features": 3}),
        Node("output", "output", {"loss": "mse"}),
    )
    edges = (wire("input", "a"), wire("input", "b"), wire("a", "join"), wire("b", "join", 1), wire("join", "c"))
    start = AddNodes(nodes, (*edges, wire("c", "last"), wire("last", "output"))).apply(Project())
    found = only(validate(start, NUMBERS))
    assert titles(found) == [
        "Set out features of a to 6",
        "Set out features of b to 5",
        "Insert Linear 5→6 after a",
        "Insert Linear 6→5 after b",
        "Make it Concatenate",
    ]
    for at in (0, 1, 4):
        assert validate(cured(start, found, at), NUMBERS) == ()


def test_parameters_out_of_range_are_clamped() -> None:
    start = project(
        flat(4),
        (
            "linear",
            {"out_features": 0, "weight_initialisation": Choice("gaussian", {"deviation": math.nan}), "speed": 1},
        ),
        output("mse"),
    )
    found = {titles(f)[0]: f for f in validate(start, NUMBERS) if f.node == "l1"}
    assert list(found) == [
        "Set out features to 1",
        "Set weight initialisation to Normal (deviation 0.01)",
        "Remove speed",
    ]
    after = start
    for diagnostic in found.values():
        after = cured(after, diagnostic)
    assert registry.layer("linear").values(after.graph.nodes["l1"].params)["out_features"] == 1
    assert only(validate(after, NUMBERS)).text.startswith("The network puts out 1 number, but")


# -- data and loss ----------------------------------------------------------------------------------------------------


def test_the_input_follows_the_data() -> None:
    start = project("input", "flatten", linear(10), output())
    facts = DataFacts((3, 32, 32), 10, "classes")
    found = only(validate(start, facts))
    assert found.text == "Input is 1×28×28, but an example of digits is 3×32×32."
    assert titles(found) == ["Set Input to 3×32×32"]
    assert validate(cured(start, found), facts) == ()
    assert validate(start) == ()


def test_the_last_linear_follows_the_classes() -> None:
    start = project("input", "flatten", linear(64), "relu", linear(7), "dropout", "batch_norm1d", output())
    found = next(f for f in validate(start, DIGITS) if f.severity == "error")
    assert found.text == "The network puts out 7 numbers, but digits has 10 classes."
    assert titles(found) == ["Set out features to 10", "Insert Linear 7→10"]
    assert cured(start, found).graph.nodes["l4"].params == {"out_features": 10}


def test_given_weights_are_not_resized() -> None:
    weights = {"out_features": 1, "weight_initialisation": "given", "weight_values": ((1.0, 1.0),)}
    found = only(validate(project(flat(2), ("linear", weights), output()), DataFacts((2,), 3, "classes")))
    assert titles(found) == ["Insert Linear 1→3"]


def test_feature_maps_at_the_end_get_flatten_and_linear() -> None:
    start = project("input", "conv2d", "relu", output())
    found = only(validate(start, DIGITS))
    assert found.text == "The network puts out 16×26×26, but digits has 10 classes."
    assert titles(found) == ["Insert Flatten 16×26×26→10816 and Linear 10816→10"]
    after = cured(start, found)
    assert validate(after, DIGITS) == ()
    assert {"flatten1", "linear1"} < set(after.graph.nodes)
    fits = project("input", ("conv2d", {"out_channels": 10}), "adaptive_avg_pool2d", output())
    assert titles(only(validate(fits, DIGITS))) == ["Insert Flatten 10×1×1→10"]


@pytest.mark.parametrize(
    ("last", "facts", "loss", "first"),
    [
        ("linear", MOONS, "cross_entropy", "bce_logits"),
        ("sigmoid", MOONS, "cross_entropy", "bce"),
        ("linear", DataFacts((2,), 1, "classes"), "bce", "cross_entropy"),
        ("linear", DataFacts((2,), 1, "regression"), "bce_logits", "mse"),
    ],
)
def test_the_loss_has_to_fit_the_answers(last: str, facts: DataFacts, loss: str, first: str) -> None:
    layers: list[Layer] = [flat(2), linear(1)] + ([] if last == "linear" else [last])
    start = project(*layers, output(loss))
    found = next(f for f in validate(start, facts) if "does not fit" in f.text)
    assert found.severity == "error"
    after = cured(start, found)
    assert list(after.graph.nodes.values())[-1].params["loss"] == first
    assert not any("does not fit" in f.text for f in validate(after, facts))


@pytest.mark.parametrize(
    ("kind", "severity", "number"),
    # e / (e + 9) and e / (e + 9 / e): what softmax makes of the surest answer there can be among ten.
    [("softmax", "warning", "23 %"), ("sigmoid", "warning", "23 %"), ("tanh", "warning", "45 %"),
     ("relu", "warning", "none below 0"), ("log_softmax", "information", "changes nothing")],
)  # fmt: skip
def test_what_squeezes_the_scores_before_cross_entropy(kind: str, severity: str, number: str) -> None:
    start = project("input", "flatten", linear(10), kind, output())
    found = only(validate(start, DIGITS))
    assert (found.node, found.severity) == ("l3", severity)
    assert number in found.text
    assert validate(cured(start, found), DIGITS) == ()


def test_binary_cross_entropy_and_its_sigmoid() -> None:
    twice = project(flat(2), linear(1), "sigmoid", output("bce_logits"))
    found = only(validate(twice, MOONS))
    assert found.severity == "warning"
    assert titles(found) == ["Remove Sigmoid", "Set loss to Binary cross-entropy"]
    for at in range(2):
        assert validate(cured(twice, found, at), MOONS) == ()
    none = project(flat(2), linear(1), output("bce"))
    found = only(validate(none, MOONS))
    assert found.severity == "error"
    for at in range(2):
        assert validate(cured(none, found, at), MOONS) == ()
    kept = project(flat(2), linear(1), "sigmoid", "reshape", output("bce"))
    assert validate(kept, MOONS) == ()


def test_softmax_of_one_number_is_always_one() -> None:
    start = project(flat(2), linear(1), "softmax", output("bce"))
    found = only(validate(start, MOONS))
    assert found.text == "Softmax of a single number is always 1."
    assert validate(cured(start, found), MOONS) == ()


def test_dropout_at_the_end() -> None:
    start = project("input", "flatten", linear(10), "dropout", output())
    found = only(validate(start, DIGITS))
    assert found.severity == "warning"
    assert validate(cured(start, found), DIGITS) == ()


# -- layers that hardly do what was meant -----------------------------------------------------------------------------


def test_two_linear_layers_in_a_row() -> None:
    start = project(flat(4), linear(8), "dropout", linear(3), output("mse"))
    found = only(validate(start, NUMBERS))
    assert (found.node, found.severity) == ("l3", "information")
    assert validate(cured(start, found), NUMBERS) == ()


def test_step_lets_no_gradient_through() -> None:
    start = project(flat(2), linear(1), "step", output("mse"))
    found = only(validate(start, MOONS))
    assert (found.node, found.severity) == ("l2", "information")
    assert validate(cured(start, found), MOONS) == ()


def test_group_norm_of_single_numbers() -> None:
    start = project(flat(4), linear(6), ("group_norm", {"groups": 6}), output("mse"))
    found = [item for item in validate(start) if "GroupNorm has a single number" in item.text]
    assert [item.severity for item in found] == ["error"]
    mended = found[0].fixes[0].edit.apply(start)
    assert not [item for item in validate(mended) if "GroupNorm" in item.text]
    assert not [item for item in validate(project(flat(4), linear(6), ("group_norm", {"groups": 3}), output("mse")))
                if "GroupNorm" in item.text]  # fmt: skip


def test_batch_norm_of_one_example() -> None:
    start = project(flat(4), linear(3), "batch_norm1d", output("mse"), training=TrainConfig(batch_size=1))
    found = only(validate(start, NUMBERS))
    assert found.severity == "error"
    for at in range(2):
        assert validate(cured(start, found, at), NUMBERS) == ()
    image = project("input", "batch_norm2d", "flatten", linear(10), output(), training=TrainConfig(batch_size=1))
    assert validate(image, DIGITS) == ()  # 784 values a channel are enough.


def test_a_network_without_weights() -> None:
    found = only(validate(project(flat(3), "relu", output("mse")), DataFacts((3,), 3, "regression")))
    assert found.severity == "error"
    assert "nothing to train" in found.text


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("training", "title"),
    [
        (TrainConfig(batch_size=0), "Set batch size to 1"),
        (TrainConfig(batch_size=10**9), "Set batch size to 65536"),
        (TrainConfig(epochs=0), "Set epochs to 1"),
        (TrainConfig(seed=-4), "Set seed to 0"),
        (TrainConfig(device="tpu"), "Set device to auto"),
        (TrainConfig(optimizer=Choice("magic")), "Take Adam"),
        (TrainConfig(optimizer=Choice("adam", {"learning_rate": -1.0})), "Set learning rate to 0.001"),
        (TrainConfig(optimizer=Choice("adam", {"learning_rate": 5000.0})), "Set learning rate to 1000"),
        (TrainConfig(optimizer=Choice("adam", {"lr": 1.0})), "Remove lr"),
        (TrainConfig(optimizer=Choice("sgd", {"nesterov": True})), "Set momentum to 0.9"),
    ],
)
def test_settings_of_training(training: TrainConfig, title: str) -> None:
    start = project(flat(4), linear(3), output("mse"), training=training)
    found = only(validate(start, NUMBERS))
    assert (found.node, found.severity) == ("", "error")
    assert titles(found)[0] == title
    for at in range(len(found.fixes)):
        assert validate(cured(start, found, at), NUMBERS) == ()


def test_settings_of_data() -> None:
    start = project(
        flat(4), linear(3), output("mse"), data=DataConfig(validation_fraction=1.0, preparation=(Choice("log"),))
    )
    found = validate(start, NUMBERS)
    assert [titles(f)[0] for f in found] == ["Set validation share to 0.9", "Remove log"]
    better = cured(start, found[0])
    assert validate(cured(better, only(validate(better, NUMBERS))), NUMBERS) == ()


# -- memory -----------------------------------------------------------------------------------------------------------


def test_the_batch_by_hand() -> None:
    # A chain of dense layers keeps what every layer puts out, and lets it go on the way back.
    start = project(flat(4), linear(8), "relu", linear(3), output("mse"))
    inference = infer(start.graph)
    lines = {(line.node, index): line for index, line in enumerate(footprint.ways(start.graph, inference)[0])}
    forwards, backwards = list(lines.values())[:3], list(lines.values())[3:]
    assert [(line.node, line.fixed, line.each) for line in forwards] == [
        ("l1", 0, 4 * (4 + 8)), ("l2", 0, 4 * (4 + 8 + 8)), ("l3", 0, 4 * (4 + 8 + 8 + 3)),
    ]  # fmt: skip
    loss = 4 * (3 + 2 * 3)  # its gradient, and what it keeps
    assert [(line.node, line.fixed, line.each) for line in backwards] == [
        ("l3", 4 * 27, 4 * (4 + 8 + 8 + 3) + loss + 4 * 8),
        ("l2", 4 * 27, 4 * (4 + 8 + 8 + 3) + 4 * 6 + 4 * (8 + 8)),
        ("l1", 4 * (27 + 40), 4 * (4 + 8 + 3) + 4 * 6 + 4 * 8),
    ]  # fmt: skip


def test_what_is_counted_for_each_parameter() -> None:
    start = project(flat(1000), linear(1000), output("mse"), training=TrainConfig(Choice("adam"), keep_best=True))
    weights = 4 * infer(start.graph).parameters
    needs = Estimate(start, infer(start.graph), Examples(100, 50, 0)).needs(1)
    assert needs.parts["weights"] == needs.parts["gradients"] == needs.parts["the best weights"] == weights
    assert needs.parts["the state of adam"] == 2 * weights
    # Weights, state and best weights in one piece, and what the database holds of it.
    assert needs.parts["the checkpoint being written"] == 8 * weights
    assert needs.extras["copies for the instruments"] == 2 * weights
    assert sum(needs.parts.values()) == needs.needed < needs.everything
    without = Estimate(start, infer(start.graph), Examples(100, 50, 0), instruments=False).needs(1)
    assert "copies for the instruments" not in without.extras


@pytest.mark.parametrize(
    ("optimizer", "params", "copies"),
    [("sgd", {}, 0), ("sgd", {"momentum": 0.9}, 1), ("rmsprop", {}, 1), ("rmsprop", {"momentum": 0.5}, 2),
     ("adagrad", {}, 1), ("adadelta", {}, 2), ("adam", {}, 2), ("adamw", {}, 2)],
)  # fmt: skip
def test_memory_of_optimizers(optimizer: str, params: dict[str, ParamValue], copies: int) -> None:
    start = project(flat(4), linear(8), training=TrainConfig(Choice(optimizer, params)))
    assert Estimate(start, infer(start.graph)).needs().parts[f"the state of {optimizer}"] == copies * 4 * 40


@pytest.mark.parametrize(
    "name", ["mlp-512-dropout", "cnn-25", "cnn-32-64", "digits-cnn", "spiral", "alexnet", "resnet18", "googlenet"]
)
def test_what_is_kept_against_what_torch_keeps(name: str) -> None:
    """Torch is asked for every tensor that it saves for the way back; the walk adds the answer and the loss."""
    import torch

    from nnviz.network.network import Network

    sample = templates.sample(name)
    inference = infer(sample.graph)
    network = Network(sample.graph, inference)
    own = {value.untyped_storage().data_ptr() for value in (*network.parameters(), *network.buffers())}
    saved: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    batch = 2
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        output = network(torch.rand(batch, *inference.results[network.input_id].output))
        output.square().sum()
    kept = sum(saved.values())
    # The first place of the way back: everything is kept, and nearly nothing stands beside it.
    places = footprint.ways(sample.graph, inference)[0]
    first_back = next(after for before, after in pairwise(places) if before.node == after.node)
    answer = 4 * batch * math.prod(inference.results[network.output_id].output)
    assert kept <= 1.01 * (first_back.at(batch) - first_back.fixed)  # Normalisations keep a few numbers a channel.
    assert first_back.at(batch) - first_back.fixed <= 1.1 * kept + 8 * answer + 4 * batch * 4096


@pytest.mark.parametrize("kind", sorted(registry.layers()))
def test_what_a_kind_of_layer_keeps_is_what_torch_saves(kind: str) -> None:
    import torch

    from nnviz.network.builders import build_layer

    of = registry.layer(kind).footprint
    if of.view or kind in ("input", "step"):
        return
    shape = {"linear": (60,), "conv1d": (6, 40), "max_pool1d": (6, 40), "batch_norm1d": (60,)}.get(kind, (16, 12, 12))
    spec = registry.layer(kind)
    count = max(1, spec.min_inputs)
    given: dict[str, ParamValue] = {"groups": 4} if kind == "group_norm" else {}
    values = spec.values(given)
    module = build_layer(kind, values, [shape] * count).train()
    own = {tensor.untyped_storage().data_ptr() for tensor in (*module.parameters(), *module.buffers())}
    inputs = [torch.rand(8, *shape, requires_grad=True) for _ in range(count)]
    saved: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in own:
            saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        result = module(*inputs)
    out = result.untyped_storage().nbytes()
    counted = of.inputs * 8 * 4 * count * math.prod(shape) + of.output * out + of.beside * out // 4
    few = 8 * 4 * 64 * 4  # means and deviations of a normalisation
    assert sum(saved.values()) <= counted + few
    # Pooling over everything keeps nothing; what is taken too large by that is small.
    assert counted <= sum(saved.values()) * 1.1 + few or kind == "adaptive_avg_pool2d"


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("kind", sorted(registry.optimizers()))
def test_an_optimizer_keeps_what_it_declares(kind: str, momentum: float) -> None:
    import torch

    from nnviz.train.optimizers import build_optimizer

    spec = registry.optimizer(kind)
    params: dict[str, ParamValue] = {"momentum": momentum} if any(p.name == "momentum" for p in spec.params) else {}
    weight = torch.nn.Parameter(torch.ones(7))
    weight.grad = torch.ones(7)
    optimizer = build_optimizer([weight], Choice(kind, params))
    assert optimizer is not None
    assert bool(optimizer.state) == spec.from_the_start
    for _ in range(3):
        optimizer.step()
    kept = {name: value for name, value in optimizer.state[weight].items() if isinstance(value, torch.Tensor)}
    declared = {one.name: one for one in spec.state(spec.values(params))}
    assert kept.keys() == declared.keys()
    for name, value in kept.items():
        assert bool(value.dim()) == declared[name].each_weight
        assert declared[name].counts_steps == (not value.dim() and float(value) == 3.0)
    assert spec.numbers(spec.values(params)) == sum(value.dim() for value in kept.values())


@pytest.mark.parametrize("kind", sorted(registry.optimizers()))
def test_what_an_optimizer_declares_as_of_squares_is_what_never_gets_negative(kind: str) -> None:
    """Moved down and up in turn: whatever is no square changes its sign, or is below 0 half of the time."""
    import torch

    from nnviz.train.optimizers import build_optimizer

    spec = registry.optimizer(kind)
    params: dict[str, ParamValue] = {"momentum": 0.9} if any(p.name == "momentum" for p in spec.params) else {}
    weight = torch.nn.Parameter(torch.zeros(2))
    optimizer = build_optimizer([weight], Choice(kind, params))
    assert optimizer is not None
    lowest: dict[str, float] = {}
    for gradient in (1.0, -20.0, 1.0):
        weight.grad = torch.tensor([gradient, -gradient])
        optimizer.step()
        for one in spec.state(spec.values(params)):
            if one.each_weight:
                value = float(optimizer.state[weight][one.name].min())
                lowest[one.name] = min(value, lowest.get(one.name, value))
    squares = {one.name for one in spec.state(spec.values(params)) if one.of_squares}
    assert squares == {name for name, value in lowest.items() if value >= 0}


def test_a_milliard_features_are_refused_with_the_number() -> None:
    start = project("input", "flatten", linear(10**9), linear(10), output())
    found = next(f for f in validate(start, DIGITS, memory_limit=8 * 10**9) if f.severity == "error")
    assert found.node == "l2"
    # 795 milliard parameters of 16 bytes and 12 more of a checkpoint, and a batch of a milliard outputs.
    assert "needs about 23.2 TB" in found.text
    assert "8.0 GB" in found.text
    assert "the checkpoint being written 9.5 TB, the state of adam 6.3 TB, weights 3.1 TB" in found.text
    assert "l2, with 785\u202f000\u202f000\u202f000 parameters: make it smaller" in found.text
    assert found.fixes == ()


def test_a_batch_that_is_too_large_is_made_smaller() -> None:
    start = project("input", ("conv2d", {"out_channels": 64}), "relu", "flatten", linear(10), output(),
                    training=TrainConfig(batch_size=65_536))  # fmt: skip
    found = only(validate(start, DIGITS, memory_limit=10**9))
    assert found.node == "l1"
    after = cured(start, found)
    size = after.training.batch_size
    needed = estimate_bytes(after, infer(after.graph))
    assert f"A batch of {size} instead of 65536 needs {bytes_text(needed)}." in found.text
    assert needed <= 10**9 < estimate_bytes(after, infer(after.graph), 2 * size)
    assert validate(after, DIGITS, memory_limit=10**9) == ()


def test_where_no_batch_fits_another_optimizer_may() -> None:
    start = project(flat(3000), linear(3000), linear(1), output("mse"), training=TrainConfig(Choice("adam")))
    limit = Estimate(start, infer(start.graph)).needs(1, "sgd").needed + 1000
    found = next(f for f in validate(start, memory_limit=limit) if "free" in f.text)
    assert "A batch of 1 with SGD instead of adam needs" in found.text


def test_the_examples_count_as_long_as_they_are_not_loaded() -> None:
    facts = DataFacts((3, 224, 224), 10, "classes", examples=(8000, 2000, 1000))
    pictures = 3 * 224 * 224 + 8
    assert Examples.of(facts).bytes == pictures * (2 * 10_000 + 1000)
    start = project(("input", {"shape": (3, 224, 224)}), "flatten", linear(10), output())
    found = [f for f in validate(start, facts, memory_limit=2 * 10**9) if "free" in f.text]
    assert "the data 3.1 GB" in found[0].text


def test_the_quick_answer_is_never_wrong() -> None:
    for sample in templates.samples():
        start = templates.sample(sample.name)
        inference = infer(start.graph)
        needed = Estimate(start, inference).needs().needed
        assert not surely_fits(start, inference, Examples(), needed - 1), sample.name


def test_numbers_beyond_all_bounds_do_not_overflow() -> None:
    layers: list[Layer] = [flat(10**9), *[linear(10**9)] * 3]
    start = project(*layers, output())
    assert any("EB" in f.text for f in validate(start, memory_limit=1))


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (1949, "1.9 kB"), (99_999, "99.9 kB"),
     (100_000, "100 kB"), (999_999, "999 kB"), (10**6, "1.0 MB"), (1_900_000_000, "1.9 GB"), (10**21, "1000 EB")],
)  # fmt: skip
def test_bytes_in_words(count: int, text: str) -> None:
    assert bytes_text(count) == text


def test_a_diagnostic_follows_the_edit() -> None:
    start = project("input", "flatten", linear(10), output())
    assert validate(SetParam("l2", "out_features", 11).apply(start), DIGITS)[0].severity == "error"


def test_the_memory_of_an_optimizer_that_there_is_not_is_estimated_all_the_same() -> None:
    start = project(flat(1000), linear(1000), output("mse"), training=TrainConfig(Choice("magic", {"x": 1})))
    weights = 4 * infer(start.graph).parameters
    assert Estimate(start, infer(start.graph)).needs().parts["the state of magic"] == 2 * weights


def test_cures_beside_a_bypassed_join_can_be_applied() -> None:
    """What is computed has its first wire at another port than what is drawn, and lacks the others."""
    nodes = {
        "input": Node("input", "input"),
        "flatten1": Node("flatten1", "flatten", bypassed=True),
        "concat1": Node("concat1", "concatenate", bypassed=True),
    }
    late = Edge(PortRef("input"), PortRef("concat1", 1))
    both = (Edge(PortRef("flatten1"), PortRef("concat1", 1)), Edge(PortRef("input"), PortRef("concat1")))
    for edges in ((late,), both):
        drawn = Project(graph=Graph(nodes, edges))
        found = validate(drawn)
        assert found
        for fix in (fix for diagnostic in found for fix in diagnostic.fixes):
            assert fix.edit.apply(drawn) != drawn
