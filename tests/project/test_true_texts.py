"""What texts say in figures is so: shares of classes, sizes of networks, where weights start."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from nnviz.data import datasets, toys
from nnviz.data.tensors import load
from nnviz.network.initialise import initialise
from nnviz.project import registry
from nnviz.project.checks.shapes import infer
from nnviz.project.declared.initialisers import INITIALISERS
from nnviz.project.model import DataConfig
from nnviz.project.samples import templates

DRAWN = [spec for spec in datasets.datasets().values() if spec.family == "plane"]


def share(kind: str, noise: float, seed: int, count: int = 2000) -> float:
    return float(toys.draw(kind, count, noise, seed)[1].mean())


@pytest.mark.parametrize("spec", DRAWN, ids=lambda spec: spec.kind)
def test_the_shares_of_the_classes_are_what_the_help_says(spec: datasets.DatasetSpec) -> None:
    help = spec.param("count").help
    noises = (0.0, 0.25, 0.5) if any(param.name == "noise" for param in spec.params) else (0.0,)
    found = {noise: [share(spec.kind, noise, seed) for seed in range(4)] for noise in noises}
    if "about 75 %" in help:
        assert all(abs(value - 0.75) < 0.03 for values in found.values() for value in values)
        assert spec.facts is not None and spec.facts({}).class_names[1] == "repays"
    elif "about half" in help:
        assert all(abs(value - 0.5) < 0.03 for values in found.values() for value in values)
    elif "35 % at 0.5" in help:
        assert set(found[0.0]) == {0.5} and all(abs(value - 0.35) < 0.03 for value in found[0.5])
        assert np.mean(found[0.0]) > np.mean(found[0.25]) > np.mean(found[0.5])
    else:
        assert help.startswith("How many points are drawn, half of them of each class.")
        assert {value for values in found.values() for value in values} == {0.5}


@pytest.mark.parametrize("kind", ["digits", "shapes"])
def test_ten_classes_have_about_a_tenth_each(kind: str) -> None:
    data = load(DataConfig(kind))
    targets = torch.cat([data.train.targets, data.validation.targets, data.test.targets])
    shares = torch.bincount(targets) / len(targets)
    assert len(shares) == 10 and shares.min() > 0.09 and shares.max() < 0.11


def note(name: str) -> str:
    return templates.sample(name).note


@pytest.mark.parametrize(
    ("name", "words", "true"),
    [
        ("cnn-25", "28 135 parameters, fewer than the small MLP", lambda total, dense, work: total == 28135),
        ("mlp-5x500-dropout", "1.4 million parameters", lambda total, dense, work: round(total / 1e6, 1) == 1.4),
        (
            "cnn-32-64",
            "Nearly all of the two million parameters are in the dense layers, four fifths of the work in the",
            lambda total, dense, work: round(total / 1e6) == 2 and dense > 0.95 and abs(work - 0.8) < 0.03,
        ),
        (
            "alexnet",
            "62 million parameters, 94 % of them in the dense layers",
            lambda total, dense, work: round(total / 1e6) == 62 and round(100 * dense) == 94,
        ),
        ("vgg16", "138 million parameters", lambda total, dense, work: round(total / 1e6) == 138),
        ("googlenet", "A tenth of AlexNet's parameters", lambda total, dense, work: abs(total / 62.4e6 - 0.1) < 0.01),
    ],
)
def test_sizes_in_the_notes_of_samples(name: str, words: str, true: object) -> None:
    assert re.sub(r"\s+", " ", note(name)).find(words) >= 0
    graph = templates.sample(name).graph
    inference = infer(graph)

    def part(kind: str, what: str) -> float:
        ones = [result for node, result in inference.results.items() if graph.nodes[node].kind == kind]
        return float(sum(getattr(one, what) for one in ones)) / getattr(inference, what)

    assert true(inference.parameters, part("linear", "parameters"), part("conv2d", "macs"))  # type: ignore[operator]


def test_which_networks_are_larger_than_others() -> None:
    assert "fewer than the small MLP" in note("cnn-25")
    small, other = (infer(templates.sample(name).graph).parameters for name in ("cnn-25", "mlp-50"))
    assert small < other


def test_which_layer_of_vgg_is_the_largest() -> None:
    assert "most of them in the first dense layer" in note("vgg16")
    graph = templates.sample("vgg16").graph
    inference = infer(graph)
    first = next(node for node in inference.order if graph.nodes[node].kind == "linear")
    assert inference.results[first].parameters > inference.parameters / 2


@pytest.mark.parametrize("groups", [1, 4])
def test_where_weights_start_is_what_the_help_says(groups: int) -> None:
    """The bound that the words give, for each layer, against the largest of many drawn weights and against torch's."""
    help = {spec.kind: spec.help for spec in INITIALISERS}
    assert "n is its output channels in one group times the window" in help["default"]
    assert (
        "input channels in one group times the window, and m the output channels of all groups"
        in (help["xavier_uniform"])
    )
    inputs, outputs, window = 64, 96, 3 * 3
    convolution = nn.Conv2d(inputs, outputs, 3, groups=groups)
    transposed = nn.ConvTranspose2d(inputs, outputs, 3, groups=groups)
    ahead, back = inputs // groups * window, outputs // groups * window
    for module, default, sum_of_both in (
        (convolution, ahead, ahead + outputs * window),
        (transposed, back, back + inputs * window),
    ):
        for kind, bound in (("default", 1 / math.sqrt(default)), ("xavier_uniform", math.sqrt(6 / sum_of_both))):
            initialise(module, {"weight_initialisation": kind}, torch.Generator().manual_seed(1))
            assert 0.99 * bound < module.weight.abs().max().item() <= bound * 1.000001
        module.reset_parameters()
        assert 0.99 / math.sqrt(default) < module.weight.abs().max().item() <= 1.000001 / math.sqrt(default)


def test_counts_in_the_list_of_changes() -> None:
    text = (Path(__file__).resolve().parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"MACs of {len(registry.layers())} layers" in text
    assert f"{len(templates.samples())} sample networks" in text
