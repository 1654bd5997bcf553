"""Figures of the source articles, each asked of a sample as one would ask at the command line."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from nnviz import cli
from nnviz.data.tensors import load
from nnviz.explain import asked as asked_of
from nnviz.explain.sub_steps import look_at
from nnviz.project.files import io
from nnviz.project.model import Choice, DataConfig, Project, TrainConfig
from nnviz.project.samples.sketch import chain, dropout, features, linear, output, plain, relu
from nnviz.project.samples.templates import sample
from nnviz.train.sub_steps import SubStep
from nnviz.train.training import Training


def asked(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """The JSON of an explanation, whose terms sum to its value."""
    capsys.readouterr()
    assert cli.main(["explain", *map(str, arguments), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    values = [term["value"] for term in found["terms"]]
    size = math.fsum(map(abs, values)) + abs(found["value"])
    assert abs(math.fsum(values) - found["value"]) <= 2.0**-18 * size + 1e-30
    return found


#: (sample, its values by node, the gradients of the last one by node)
GRAPHS = [
    (
        "graph-difference",
        {"a": 7, "b": 3, "c": 2, "d": 4, "e": 8, "output": 8},
        {"output": 1, "e": 1, "d": 2, "c": 4, "a": 2, "b": -2},
    ),
    (
        "graph-sums",
        {"a": 2, "b": 1, "five": 5, "c": 3, "d": 6, "e": 18},
        {"e": 1, "c": 6, "d": 3, "a": 6, "b": 9, "five": 3},
    ),
    ("graph-product", {"x": 3, "y": 4, "f": 12}, {"f": 1, "x": 4, "y": 3}),
    ("graph-square", {"input": 3, "x": 3, "f": 9}, {"f": 1, "x": 6, "input": 6}),
]


@pytest.mark.parametrize(("name", "values", "gradients"), GRAPHS, ids=[graph[0] for graph in GRAPHS])
def test_a_computational_graph(
    capsys: pytest.CaptureFixture[str], name: str, values: dict[str, float], gradients: dict[str, float]
) -> None:
    for node, value in values.items():
        assert asked(capsys, f"sample:{name}", node)["value"] == value, node
    for node, value in gradients.items():
        assert asked(capsys, f"sample:{name}", node, "--backward")["value"] == value, node
    assert asked(capsys, f"sample:{name}", "loss")["value"] == list(values.values())[-1]
    twice = {"graph-sums": ("b", [6, 3]), "graph-square": ("x", [3, 3])}.get(name)
    if twice is not None:
        found = asked(capsys, f"sample:{name}", twice[0], "--backward")
        assert [term["value"] for term in found["terms"]] == twice[1] and "used more than once" in found["words"]


def own(rows: str, **settings: str) -> tuple[str, ...]:
    """Other numbers than the sample's own."""
    given = {"data.rows": rows, **{name.replace("__", "."): value for name, value in settings.items()}}
    return tuple(word for path, value in given.items() for word in ("--set", f"{path}={value}"))


OWN = ("--data", "own_numbers")
BY_HAND = "linear1.weight_values=[[14,30],[20,44]]"

#: (what it is, sample, node, what else is said on the command line, the number)
FIGURES: list[tuple[str, str, str, tuple[str, ...], float]] = [
    ("AND of (1, 1): the sum", "and", "linear1", ("--example", "3"), 0.5),
    ("AND of (1, 0)", "and", "output", ("--example", "2"), 0),
    ("OR of (0, 0): the sum", "or", "linear1", ("--example", "0"), -0.5),
    ("OR of (0, 1)", "or", "output", ("--example", "1"), 1),
    ("NOT of 1: the sum", "not", "linear1", ("--example", "1"), -1),
    ("XNOR of (0, 0): A'B'", "xnor-two-layer", "linear1", ("--example", "0"), 0.5),
    ("XNOR of (0, 0)", "xnor-two-layer", "output", ("--example", "0"), 1),
    ("XNOR of (1, 0) from gates", "xnor-gates", "output", ("--example", "2"), 0),
    ("σ(3)", "neuron-sigmoid", "sigmoid1", ("--example", "3"), 0.9526),
    ("the person (6, 5)", "credit-person", "linear1", (), 7),
    ("the person (1, 8), on the line", "credit-person", "linear1", own("1 8 0"), 0),
    ("somebody else's network, one's own person", "credit", "linear1", (*OWN, *own("6 5")), 7),
    ("cross-entropy of y = 1, p = 0.5", "credit-person", "loss", own("5 0 1"), 0.6931),
    ("(1, 2) × W, first", "dense-by-hand", "linear1", ("--unit", "0"), 3),
    ("(1, 2) × W, second", "dense-by-hand", "linear1", ("--unit", "1"), 1.5),
    ("(1, 2) × W, third", "dense-by-hand", "linear1", ("--unit", "2"), 6),
    ("−ln of its softmax", "dense-by-hand", "loss", (), -math.log(0.942599)),
    ("softmax of (3, 1.5, 6), first", "softmax-by-hand", "softmax1", ("--unit", "0", *own("3 1.5 6 2")), 0.0469),
    ("softmax of (3, 1.5, 6), second", "softmax-by-hand", "softmax1", ("--unit", "1", *own("3 1.5 6 2")), 0.0105),
    ("softmax of (3, 1.5, 6), third", "softmax-by-hand", "softmax1", ("--unit", "2", *own("3 1.5 6 2")), 0.9426),
    ("softmax of (2, 1, 0.1), first", "softmax-by-hand", "softmax1", ("--unit", "0"), 0.6590),
    ("softmax of (2, 1, 0.1), second", "softmax-by-hand", "softmax1", ("--unit", "1"), 0.2424),
    ("softmax of (2, 1, 0.1), third", "softmax-by-hand", "softmax1", ("--unit", "2"), 0.0986),
    ("a detector says 0.5", "softmax-by-hand", "softmax1", ("--unit", "1", *own("-2.3026 -0.6931 -0.9163 1")), 0.5),
    ("mean squared error", "softmax-by-hand", "loss", (), (0.3410**2 + 0.2424**2 + 0.0986**2) / 3),
    ("σ(3), of a row", "neuron-sigmoid", "sigmoid1", (*OWN, *own("3 0 1", data__right="classes")), 0.9526),
    ("σ(1.5)", "neuron-sigmoid", "sigmoid1", (*OWN, *own("1.5 0 1", data__right="classes")), 0.8176),
    ("σ(6)", "neuron-sigmoid", "sigmoid1", (*OWN, *own("0 3 1", data__right="classes")), 0.9975),
    (
        "a product of matrices",
        "dense-by-hand",
        "linear1",
        ("--unit", "1", *own("1 2", data__right="none"), "--set", "linear1.out_features=2", "--set", BY_HAND,
         "--set", "linear1.bias_values=0 0"),
        1 * 20 + 2 * 44,
    ),
    ("max pooling, first", "pooling-by-hand", "pool1", ("--at", "0,0"), 6),
    ("max pooling, last", "pooling-by-hand", "pool1", ("--at", "1,1"), 4),
    ("the winner gets the gradient", "pooling-by-hand", "input", ("--unit", "5", "--backward"), 1),
    ("its neighbour gets none", "pooling-by-hand", "input", ("--unit", "4", "--backward"), 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "node", "more", "value"), [figure[1:] for figure in FIGURES], ids=[f[0] for f in FIGURES]
)
def test_a_figure(
    capsys: pytest.CaptureFixture[str], name: str, node: str, more: tuple[str, ...], value: float
) -> None:
    found = asked(capsys, f"sample:{name}", node, *more)
    assert found["value"] == pytest.approx(value, abs=0 if value == int(value) else 6e-5)


def test_one_filter_is_76_numbers_and_one_weight_finds_the_bottom_of_its_valley(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terms = asked(capsys, "sample:one-filter", "conv1", "--unit", "0", "--at", "27,27")["terms"]
    weights = [factor for term in terms for factor in term["factors"] if factor.get("part") == "weight"]
    assert (len(terms), len(weights)) == (76, 75)  # and the bias
    project = sample("one-weight")
    training = Training(project, load(project.data), torch.device("cpu"))
    (weight,) = training.network.parameters()
    walked = [weight.item()]
    for _ in range(20):
        training.advance()
        walked.append(weight.item())
    rate, slope = 0.02, 2 * 14 / 3  # of the mean of (w·x − y)² over x = 1, 2, 3: towards w = Σxy / Σx² = 2
    assert walked == pytest.approx([2 - 3 * (1 - rate * slope) ** step for step in range(21)], abs=1e-5)


# ---- as it learns --------------------------------------------------------------------------------------------------


def test_training_mode_is_the_step_that_comes_next(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Batch normalisation with the statistics of the batch, dropout with the numbers that the step will draw."""
    graph = chain(features(2), linear(4), plain("batch_norm1d"), relu(), dropout(0.4), linear(1), output("bce_logits"))
    data, plan = DataConfig("circle", {"count": 60}, preparation=()), TrainConfig(Choice("sgd"), 16, 1, seed=3)
    project = Project(graph=graph, data=data, training=plan)
    io.save(project, path := tmp_path / "both.nnviz")
    training = Training(project, load(project.data), torch.device("cpu"))
    inputs = training.coming.peek()[0].double()
    layer = training.network.module_of("linear1")
    before = inputs @ layer.weight.double().T + layer.bias.double()  # type: ignore[operator, union-attr]
    normal = (before - before.mean(0)) / (before.var(0, unbiased=False) + 1e-5).sqrt()
    gradients: dict[str, Tensor] = {}

    def look(loss: Tensor, outputs: Tensor, targets: Tensor) -> None:
        gradients.update({name: one.grad.clone() for name, one in training.network.named_parameters()})  # type: ignore[union-attr]

    training.advance(look)
    training.random.release()
    kept = []
    for at in (0, 5, 15):
        mode = ("--mode", "training", "--example", at)
        for unit in range(4):
            found = asked(capsys, path, "norm1", "--unit", unit, *mode)
            assert found["value"] == pytest.approx(normal[at, unit].item(), abs=1e-5)
            assert (found["mode"], found["example"]["split"], found["example"]["in_batch"]) == ("training", "train", at)
            thinned = asked(capsys, path, "dropout1", "--unit", unit, *mode)["value"]
            rectified = max(normal[at, unit].item(), 0.0)
            kept.append(thinned != 0)
            assert thinned == pytest.approx(rectified / 0.6 if kept[-1] else thinned, abs=1e-5)
    assert any(kept) and not all(kept)
    for name, index in (("linear1.weight", (2, 1)), ("norm1.weight", (3,)), ("linear2.weight", (0, 2))):
        node, _, parameter = name.partition(".")
        place = ",".join(map(str, index))
        found = asked(
            capsys, path, node, "--parameter", parameter, "--index", place, "--backward", "--mode", "training"
        )
        assert found["value"] == pytest.approx(gradients[name][index].item(), abs=1e-7), name
    evaluated = asked(capsys, path, "norm1", "--split", "train", "--example", found["example"]["index"])
    assert evaluated["mode"] == "evaluation" and "in_batch" not in evaluated["example"]
    for more, words in (
        (("--split", "test"), "--split: In training mode"),
        (("--example", "16"), "--example: The batch that comes next has 16 examples"),
    ):
        assert cli.main(["explain", str(path), "norm1", "--mode", "training", *more]) == 2
        assert words in capsys.readouterr().err


def test_settings_belong_to_a_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "some.nnvizrun"
    run.touch()
    assert cli.main(["explain", str(run), "linear1", "--set", "data.noise=0.1"]) == 2
    assert "--set: A run is explained as it was" in capsys.readouterr().err
    assert sample("graph-sums").data.dataset == "own_numbers"


def test_a_graph_without_weights_goes_through_all_parts_of_a_step() -> None:
    training = asked_of.of_project(sample("graph-sums"))
    seen = [look_at(training, part) for part in SubStep]
    assert [part.loss for part in seen] == [None, None, 18.0, 18.0, 18.0] and "No layer has weights" in seen[
        -1
    ].unwritten
    assert seen[3].flow is not None and seen[0].batch.right == ("",)
    training.advance()
    training.random.release()
    assert training.step == 1 and training.settle() and training.epoch_loss == 18.0
