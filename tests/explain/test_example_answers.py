"""The loss of every example by itself, against that of the whole split."""

from __future__ import annotations

import pytest
import torch
from training_helpers import CNN, made_training

from nnviz.errors import Cancelled
from nnviz.explain.example_answers import example_answers
from nnviz.explain.score import own_network


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
