"""The loss of every example by itself, against the loss of batches of one and that of the whole split."""

from __future__ import annotations

import pytest
import torch
from training_helpers import CNN, made_training

from nnviz.errors import Cancelled
from nnviz.explain.example_answers import example_answers, losses_of
from nnviz.explain.score import own_network
from nnviz.network.losses import LossFunction
from nnviz.project import registry

CASES = [
    (kind, task)
    for kind, spec in registry.losses().items()
    for task in ("classes", "binary", "regression")
    if task in spec.tasks
]


@pytest.mark.parametrize(("kind", "task"), CASES)
def test_each_loss_is_that_of_a_batch_of_one(kind: str, task: str) -> None:
    generator = torch.Generator().manual_seed(3)
    width = 1 if task == "binary" else 4
    outputs = torch.rand(9, width, generator=generator)
    targets = torch.rand(9, width, generator=generator)
    if task != "regression":
        targets = torch.randint(0, 2 if task == "binary" else width, (9,), generator=generator)
    spec = registry.loss(kind)
    loss = LossFunction(kind, task, width, spec.threshold, spec.values({}))
    alone = torch.stack([loss(outputs[at : at + 1], targets[at : at + 1]) for at in range(9)])
    torch.testing.assert_close(losses_of(loss, outputs, targets), alone)


def test_the_answers_for_a_split_are_those_that_are_measured() -> None:
    training = made_training(CNN)
    for _ in range(3):
        training.advance()
    before = {name: one.clone() for name, one in training.network.state_dict().items()}
    found = example_answers(own_network(training), ("train", "validation"))
    trained = len(training.data.train)
    assert found.right is not None and found.step == 3
    for name, part in (("train", slice(0, trained)), ("validation", slice(trained, None))):
        evaluation = training.evaluation(name)
        while evaluation.advance():
            pass
        result = evaluation.result()
        assert float(found.losses[part].mean()) == pytest.approx(result.loss, rel=1e-5)
        assert float(found.right[part].mean()) == pytest.approx(result.accuracy)
        targets = training.data.split(name).targets.numpy()
        assert ((found.answers[part] == targets) == found.right[part]).all()
    assert all(torch.equal(one, before[name]) for name, one in training.network.state_dict().items())
    with pytest.raises(Cancelled):
        example_answers(own_network(training), ("train",), cancelled=lambda: True)
