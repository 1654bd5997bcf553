"""The perceptron sample is Rosenblatt's rule, number by number, and does what his theorem says."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from training_helpers import evaluate

from nnviz.data import tensors
from nnviz.data.examples import Scaler
from nnviz.network.losses import loss_function
from nnviz.network.network import Network
from nnviz.project.model import DataConfig, Project
from nnviz.project.samples.templates import sample
from nnviz.train.loop import train_step
from nnviz.train.optimizers import build_optimizer


class Perceptron:
    """The sample with any data, trained with the program's own step."""

    def __init__(self, data: DataConfig | None = None) -> None:
        project: Project = sample("perceptron")
        project = project if data is None else msgspec.structs.replace(project, data=data)
        plan = project.training
        self.data = tensors.load(project.data)
        self.scaler = Scaler.fit(self.data.train, project.data.preparation)
        self.network = Network(project.graph, seed=plan.seed).train()
        self.loss = loss_function(project.graph, self.data.facts)
        optimizer = build_optimizer(self.network.parameters(), plan.optimizer)
        assert optimizer is not None
        self.optimizer = optimizer
        self.feeder = tensors.Feeder(self.data.train, self.scaler, plan.batch_size, seed=plan.seed)

    @property
    def weights(self) -> tuple[NDArray[np.float32], np.float32]:
        """w and b as they are now."""
        weight, bias = (parameter.detach().numpy().copy() for parameter in self.network.parameters())
        return weight[0], bias[0]

    def epoch(self, number: int) -> None:
        for inputs, targets in self.feeder.batches(number):
            train_step(self.network, self.loss, self.optimizer, inputs, targets)

    def accuracy(self) -> float:
        """Share of the training examples on the right side."""
        batches = tensors.Feeder(self.data.train, self.scaler, 64, shuffle=False).batches()
        result = evaluate(self.network, self.loss, batches)
        assert result.accuracy is not None
        return result.accuracy

    def mistakes(self) -> int:
        """Examples that Rosenblatt's rule would still correct: on the wrong side or on the line."""
        count = 0
        with torch.no_grad():
            for inputs, targets in tensors.Feeder(self.data.train, self.scaler, 64, shuffle=False).batches():
                signs = 2.0 * targets.reshape(-1) - 1.0
                count += int((signs * self.network(inputs).reshape(-1) <= 0).sum())
        return count


@pytest.mark.parametrize("dataset", ["credit", "marbles", "xor"])
def test_every_step_is_rosenblatts_exactly(dataset: str) -> None:
    """Rosenblatt: where y·(w·x + b) is not above 0, w ← w + y·x and b ← b + y; else nothing changes."""
    one = Perceptron(DataConfig(dataset, {"count": 100}, preparation=()))
    weight: NDArray[np.float32] = np.zeros(2, np.float32)
    bias = np.float32(0.0)
    corrected = 0
    for epoch in range(4):
        for inputs, targets in one.feeder.batches(epoch):
            x, y = inputs[0].numpy(), np.float32(1.0 if float(targets.reshape(-1)[0]) > 0.5 else -1.0)
            if y * (weight[0] * x[0] + weight[1] * x[1] + bias) <= 0:
                weight, bias = (weight + y * x).astype(np.float32), np.float32(bias + y)
                corrected += 1
            train_step(one.network, one.loss, one.optimizer, inputs, targets)
            mine, offset = one.weights
            assert mine.tolist() == weight.tolist() and offset == bias
    assert corrected > 0


@pytest.mark.parametrize("data", [None, DataConfig("marbles", preparation=())], ids=["sample", "marbles"])
def test_it_ends_without_a_mistake_where_a_line_parts_the_classes(data: DataConfig | None) -> None:
    one = Perceptron(data)
    ended = False
    for epoch in range(sample("perceptron").training.epochs):
        one.epoch(epoch)
        if one.mistakes() == 0:
            ended = True
            before = one.weights
            one.epoch(epoch + 1)
            after = one.weights
            assert before[0].tolist() == after[0].tolist() and before[1] == after[1]  # nothing left to correct
            break
    assert ended and one.accuracy() == 1.0


def test_the_note_counts_the_mistakes_rightly() -> None:
    one = Perceptron()
    corrections = 0
    for epoch in range(sample("perceptron").training.epochs):
        for inputs, targets in one.feeder.batches(epoch):
            before = one.weights
            train_step(one.network, one.loss, one.optimizer, inputs, targets)
            corrections += before[1] != one.weights[1]
    assert f"after {corrections} mistakes" in sample("perceptron").note and one.mistakes() == 0


@pytest.mark.parametrize("function", ["xor", "xnor"])
def test_it_never_gets_xor_right(function: str) -> None:
    data = DataConfig("truth_table", {"function": function}, validation_fraction=0.0, preparation=())
    one = Perceptron(data)
    assert len(one.data.train) == 4
    for epoch in range(200):
        one.epoch(epoch)
        assert one.accuracy() <= 0.75 and one.mistakes() > 0


@pytest.mark.parametrize(("function", "ends"), [("and", True), ("or", True), ("xor", False)])
def test_which_gates_it_learns(function: str, ends: bool) -> None:
    one = Perceptron(DataConfig("truth_table", {"function": function}, validation_fraction=0.0, preparation=()))
    for epoch in range(50):
        one.epoch(epoch)
    assert (one.mistakes() == 0) is ends
