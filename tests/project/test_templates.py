"""Every sample has the sizes, the training and the answers of the article or paper that it comes from."""

from __future__ import annotations

import itertools
import math
from typing import cast

import pytest

from nnviz.data import datasets
from nnviz.errors import DataError, ProjectError
from nnviz.project import registry
from nnviz.project.checks.shapes import infer
from nnviz.project.checks.validate import problems_that_stop, validate
from nnviz.project.model import Graph, ParamValue, Shape
from nnviz.project.samples.templates import DEFAULT, FEATURED, SECTIONS, sample, samples

NAMES = [info.name for info in samples()]
#: From the tables of the sources; googlenet and resnet18 as torchvision 0.28 counts them (without auxiliary heads).
PARAMETERS = {
    "and": 3,
    "or": 3,
    "not": 2,
    "xnor-two-layer": 9,
    "xnor-gates": 27,
    "neuron-sigmoid": 3,
    "xor-one-neuron": 3,
    "credit": 3,
    "graph-difference": 0,
    "graph-sums": 0,
    "graph-product": 0,
    "graph-square": 0,
    "credit-person": 3,
    "dense-by-hand": 9,
    "softmax-by-hand": 0,
    "pooling-by-hand": 0,
    "one-weight": 1,
    "one-filter": 76,
    "filters-and-strides": 10 * (7 * 7 * 3 + 1) + 6 * (5 * 5 * 10 + 1),
    "perceptron": 3,
    "credit-learned": 3,
    "spiral": 2 * 8 + 8 + 8 * 8 + 8 + 8 + 1,
    "softmax-regression": 7_850,
    "mlp-50": 39_760,
    "mlp-500": 397_510,
    "mlp-5x50": 49_960,
    "mlp-5x50-dropout": 49_960,
    "mlp-5x500-dropout": 1_399_510,
    "mlp-512-dropout": 669_706,
    "mlp-784-800-sigmoid": 1_251_450,
    "cnn-numpy": 80 + 13_530,
    "cnn-25": 28_135,
    "cnn-32-64": 2_174_442,
    "digits-cnn": 160 + 4_640 + 51_264 + 650,
    "cifar-10-10": 30_950,
    "alexnet": 62_378_344,
    "zfnet": 62_357_608,
    "vgg16": 138_357_544,
    "googlenet": 6_624_904,
    "resnet18": 11_689_512,
}
#: Output shapes of the layers that change them (repeats left out), as the sources give them.
SHAPES: dict[str, list[Shape]] = {
    "digits-cnn": [(1, 28, 28), (16, 26, 26), (16, 13, 13), (32, 11, 11), (32, 5, 5), (800,), (64,), (10,)],
    "softmax-regression": [(1, 28, 28), (784,), (10,)],
    "mlp-512-dropout": [(1, 28, 28), (784,), (512,), (10,)],
    "mlp-784-800-sigmoid": [(1, 28, 28), (784,), (800,), (10,)],
    "cnn-25": [
        *((1, 28, 28), (25, 24, 24), (25, 12, 12), (25, 8, 8), (25, 4, 4), (25, 1, 1)),
        *((25,), (50,), (10,)),
    ],
    "cnn-32-64": [
        *((1, 28, 28), (32, 26, 26), (32, 24, 24), (32, 12, 12), (64, 10, 10), (64, 8, 8), (64, 4, 4)),
        *((1024,), (10,)),
    ],
    "spiral": [(2,), (8,), (1,)],
    "one-filter": [(48,), (3, 4, 4), (3, 32, 32), (1, 28, 28), (784,)],
    "filters-and-strides": [(48,), (3, 4, 4), (3, 32, 32), (10, 26, 26), (6, 11, 11), (726,)],
    "alexnet": [
        *((3, 227, 227), (96, 55, 55), (96, 27, 27), (256, 27, 27), (256, 13, 13), (384, 13, 13), (256, 13, 13)),
        *((256, 6, 6), (9216,), (4096,), (1000,)),
    ],
    "zfnet": [
        *((3, 224, 224), (96, 110, 110), (96, 55, 55), (256, 26, 26), (256, 13, 13), (384, 13, 13), (256, 13, 13)),
        *((256, 6, 6), (9216,), (4096,), (1000,)),
    ],
}
#: Optimizer, learning rate, batch, epochs, validation share, keep best.
TRAINING = {
    "softmax-regression": ("sgd", 0.5, 128, 10, 0.2, False),
    "mlp-50": ("adam", 0.001, 128, 5, 0.3, False),
    "mlp-5x50-dropout": ("adam", 0.001, 128, 50, 0.3, False),
    "mlp-5x500-dropout": ("adam", 0.001, 128, 25, 0.3, False),
    "cnn-25": ("adam", 0.001, 128, 5, 0.3, False),
    "mlp-512-dropout": ("rmsprop", 0.001, 128, 20, 0.2, True),
    "mlp-784-800-sigmoid": ("adam", 0.001, 64, 5, 0.2, False),
    "cnn-32-64": ("adam", 0.001, 32, 2, 0.2, False),
    "spiral": ("adam", 0.01, 10, 300, 0.2, False),
    "perceptron": ("sgd", 1.0, 1, 60, 0.2, False),
}
LOGIC = {
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "xnor-two-layer": lambda a, b: a == b,
    "xnor-gates": lambda a, b: a == b,
}


def test_the_start_sample_comes_first_and_names_are_unique() -> None:
    assert NAMES[0] == DEFAULT == "digits-cnn"
    assert len(set(NAMES)) == len(NAMES) and set(NAMES) == set(PARAMETERS)


def test_every_sample_stands_in_one_chapter_with_a_tag() -> None:
    listed = [name for section in SECTIONS for name in section.tags]
    assert sorted(listed) == sorted(NAMES) and len(set(listed)) == len(listed)
    assert FEATURED[0] == DEFAULT and set(FEATURED) <= set(NAMES)
    for info in samples():
        assert 0 < len(info.tag) <= 16
        assert info.note.startswith(info.sentence.removesuffix(".")) and info.sentence.endswith(".")
    for name in FEATURED:
        assert datasets.dataset(sample(name).data.dataset).offline


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_exactly_those_of_the_source(name: str) -> None:
    assert infer(sample(name).graph).parameters == PARAMETERS[name]


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_shapes_are_those_of_the_source(name: str) -> None:
    found = infer(sample(name).graph)
    shapes = [found.results[node].output for node in found.order]
    assert [shape for shape, _ in itertools.groupby(shapes)] == SHAPES[name]


@pytest.mark.parametrize("name", sorted(TRAINING))
def test_training_is_that_of_the_source(name: str) -> None:
    project = sample(name)
    plan = project.training
    rate = registry.optimizer(plan.optimizer.kind).values(plan.optimizer.params)["learning_rate"]
    assert TRAINING[name] == (
        *(plan.optimizer.kind, rate, plan.batch_size, plan.epochs),
        *(project.data.validation_fraction, plan.keep_best),
    )


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_whole(name: str) -> None:
    project = sample(name)
    found = infer(project.graph)
    assert project.name == name and set(found.results) == set(project.graph.nodes) and not found.problems
    nodes = list(project.graph.nodes)
    assert nodes[0] == "input" and nodes[-1] == "output"
    for node in project.graph.nodes.values():
        spec = registry.layer(node.kind)
        values = spec.values(node.params)
        in_a_formula = (name.startswith("graph-") and len(node.id) == 1) or node.id == "five"
        assert in_a_formula or node.id.startswith(registry.id_stem(node.kind))
        # Only what differs from the default is kept, in its normal form: opening and saving changes nothing.
        assert all(values[key] == value != spec.param(key).default for key, value in node.params.items())
    registry.optimizer(project.training.optimizer.kind).values(project.training.optimizer.params)
    assert project.note.count(". ") <= 3 and project.note.endswith(".") and len(project.note) > 40


@pytest.mark.parametrize("name", NAMES)
def test_samples_fit_their_data(name: str) -> None:
    project = sample(name)
    if project.data.dataset == "image_folder":  # the pictures are the user's own
        with pytest.raises(DataError):
            datasets.facts(project.data)
        size = project.data.params["size"]
        assert infer(project.graph).shape("input") == (3, size, size)
        return
    facts = datasets.facts(project.data)
    found = infer(project.graph)
    assert found.shape("input") == facts.input_shape
    assert facts.task == "none" or found.shape("output") == (facts.targets,)
    loss = cast(str, registry.layer("output").values(project.graph.nodes["output"].params)["loss"])
    assert facts.task in registry.loss(loss).tasks
    assert not problems_that_stop(validate(project, facts))
    assert 0 <= project.view.pinned_sample < max(1, datasets.split_sizes(project.data)[1])


def test_listing_builds_nothing_and_says_what_is_there() -> None:
    for info in samples():
        assert info.title and info.note == sample(info.name).note and info.dataset == sample(info.name).data.dataset
    assert next(info for info in samples() if info.name == "cnn-32-64").dataset == "mnist"


def test_unknown_samples_are_refused_with_the_nearest_name() -> None:
    with pytest.raises(ProjectError, match="Did you mean 'mlp-512-dropout'"):
        sample("mlp-512-dropou")
    with pytest.raises(ProjectError, match="There are: digits-cnn, and, or"):
        sample("qqqqqq")


# ---------------------------------------------------------------------------------------- the answers, worked by hand


def by_hand(graph: Graph, inputs: tuple[float, ...]) -> list[float]:
    """The output of a chain of given Linear layers, steps and sigmoids, in plain Python."""
    found = infer(graph)
    values = list(inputs)
    for name in found.order:
        node = graph.nodes[name]
        if node.kind == "linear":
            params = registry.layer("linear").values(node.params)
            rows = cast("tuple[tuple[float, ...], ...]", params["weight_values"])
            biases = cast("tuple[float, ...]", params["bias_values"])
            values = [sum(map(float.__mul__, row, values)) + bias for row, bias in zip(rows, biases, strict=True)]
        elif node.kind == "step":
            values = [1.0 if value > 0 else 0.0 for value in values]
        elif node.kind == "sigmoid":
            values = [1 / (1 + math.exp(-value)) for value in values]
        else:
            assert node.kind in ("input", "output")
    return values


@pytest.mark.parametrize("name", sorted(LOGIC))
def test_truth_tables(name: str) -> None:
    for a, b in itertools.product((False, True), repeat=2):
        assert by_hand(sample(name).graph, (float(a), float(b))) == [float(LOGIC[name](a, b))]


def test_not() -> None:
    assert [by_hand(sample("not").graph, (value,)) for value in (0.0, 1.0)] == [[1.0], [0.0]]


def test_any_bias_between_one_and_two_makes_an_and() -> None:
    for bias in (-1.01, -1.5, -1.99):
        assert [a + b + bias > 0 for a, b in itertools.product((0, 1), repeat=2)] == [False, False, False, True]
    given: ParamValue = sample("and").graph.nodes["linear1"].params["bias_values"]
    assert given == (-1.5,)


def test_the_sigmoid_neuron() -> None:
    assert by_hand(sample("neuron-sigmoid").graph, (1.0, 1.0)) == [pytest.approx(0.9526, abs=5e-5)]


def test_the_credit_line() -> None:
    assert by_hand(sample("credit").graph, (6.0, 5.0)) == [7.0]


def test_gates_are_built_from_and_or_not_only() -> None:
    """Every neuron of xnor-gates computes AND, OR, NOT of its inputs, or passes one on."""
    graph = sample("xnor-gates").graph
    tables = {(0, 0, 0, 1): "and", (0, 1, 1, 1): "or", (1, 0): "not", (0, 1): "pass"}
    seen = []
    for node in graph.nodes.values():
        if node.kind != "linear":
            continue
        rows = cast("tuple[tuple[float, ...], ...]", node.params["weight_values"])
        for row, bias in zip(rows, cast("tuple[float, ...]", node.params["bias_values"]), strict=True):
            used = [weight for weight in row if weight]
            cases = itertools.product((0, 1), repeat=len(used))
            table = tuple(int(sum(map(float.__mul__, used, map(float, case))) + bias > 0) for case in cases)
            seen.append(tables[table])
    assert seen == ["pass", "not", "pass", "not", "or", "or", "and", "not"]


# ---------------------------------------------------------------------------------------------------- built and learned


@pytest.mark.parametrize("name", [name for name in NAMES if PARAMETERS[name] < 3_000_000])
def test_torch_counts_the_same_parameters(name: str) -> None:
    from nnviz.network.network import Network

    network = Network(sample(name).graph)
    assert sum(parameter.numel() for parameter in network.parameters()) == PARAMETERS[name]


def test_the_start_sample_learns_to_read() -> None:
    import torch

    from nnviz.data import tensors
    from nnviz.data.examples import Scaler
    from nnviz.network.losses import loss_function
    from nnviz.network.network import Network
    from nnviz.train.loop import train_step
    from nnviz.train.optimizers import build_optimizer

    project = sample("digits-cnn")
    data = tensors.load(project.data)
    scaler = Scaler.fit(data.train, project.data.preparation)
    network = Network(project.graph, seed=project.training.seed)
    loss = loss_function(project.graph, data.facts)
    plan = project.training
    optimizer = build_optimizer(network.parameters(), plan.optimizer)
    assert optimizer is not None
    feeder = tensors.Feeder(data.train, scaler, plan.batch_size, seed=plan.seed)
    network.train()
    for epoch in range(plan.epochs):
        for inputs, targets in feeder.batches(epoch):
            train_step(network, loss, optimizer, inputs, targets)
    network.eval()
    right = 0.0
    with torch.no_grad():
        for inputs, targets in tensors.Feeder(data.test, scaler, 360, shuffle=False).batches():
            right += float((network(inputs).argmax(1) == targets).sum())
    assert right / len(data.test) > 0.95
