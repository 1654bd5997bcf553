"""One number taken apart, as a click asks for it: the pass through the network, its values, and the terms."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from random import Random

import torch
from rows import Row, Settings, seconds

from nnviz.data import datasets
from nnviz.data.tensors import LoadedData, Scaler, Split
from nnviz.explain.layers import explain, explain_gradient, needed
from nnviz.explain.values import Example, values_of_example
from nnviz.project.model import Project
from nnviz.project.samples import templates
from nnviz.train.training import Training

SAMPLES = ("spiral", "digits-cnn", "mlp-512-dropout", "cnn-25", "cnn-32-64")
#: Milliseconds that a click may take: (forwards, backwards).
LIMITS = (50, 100)


def measure(settings: Settings) -> Iterator[Row]:
    """The slowest layer of each sample, forwards and backwards."""
    for name in SAMPLES:
        project = templates.sample(name)
        training = Training(project, noise(project), torch.device("cpu"))
        for backwards, limit in zip((False, True), LIMITS, strict=True):
            taken = {node: of_node(training, node, backwards, settings) for node in training.network.node_ids}
            slowest = max(taken, key=lambda node: statistics.median(taken[node]))
            middle = 1000 * statistics.median(taken[slowest])
            spread = f"({1000 * min(taken[slowest]):.1f}–{1000 * max(taken[slowest]):.1f})"
            way = "backwards" if backwards else "forwards"
            figure = f"{middle:.1f} ms {spread}, {slowest}"
            yield Row(f"explain one number {way}, {name}", figure, f"limit {limit} ms", middle < limit)


def of_node(training: Training, node: str, backwards: bool, settings: Settings) -> list[float]:
    """Seconds for a number of a layer, another one each time."""
    random = Random(0)  # noqa: S311 - nobody is to be kept from guessing the places
    shape = training.network.inference.results[node].output

    def ask() -> None:
        wanted = needed(training.network, node, backwards=backwards)
        values = values_of_example(training, Example("train", 0), wanted=wanted, backwards=backwards)
        place = tuple(random.randrange(size) for size in shape)
        (explain_gradient if backwards else explain)(values, node, place)

    return seconds(ask, settings.rounds(9))


def noise(project: Project) -> LoadedData:
    """Examples of the right shape: what they show does not matter."""
    facts = datasets.facts(project.data)
    generator = torch.Generator().manual_seed(0)
    shape = (64, *facts.input_shape)
    images = len(facts.input_shape) == 3
    inputs = torch.randint(0, 256, shape, generator=generator).to(torch.uint8) if images else torch.rand(*shape)
    targets = torch.randint(0, max(facts.targets, 2), (64,), generator=generator)
    split = Split(inputs, targets)
    return LoadedData("noise", project.data, facts, split, split, split, Scaler.fit(split, project.data.preparation))
