"""How an answer is read from the numbers that go into the loss."""

from __future__ import annotations

import math

import numpy as np

from nnviz.gui import theme
from nnviz.gui.planes import class_colour, decision, probabilities
from nnviz.project import registry


def test_every_loss_is_read_as_it_declares() -> None:
    scores = np.array([-2.0, 0.0, 0.25, 3.0])
    expected = {
        "softmax": np.exp(scores) / np.exp(scores).sum(),
        "sigmoid": 1.0 / (1.0 + np.exp(-scores)),
        "sign": np.array([0.0, 0.0, 1.0, 1.0]),
        "identity": np.array([0.0, 0.0, 0.25, 1.0]),
    }
    for kind, spec in registry.losses().items():
        assert np.allclose(probabilities(kind, scores), expected[spec.answer]), kind


def test_the_perceptrons_plane_has_two_colours_and_an_edge() -> None:
    painted = decision("perceptron", "binary", np.array([[[-0.001, 0.001, 9.0, -9.0]]]), theme.current())
    low, high = (class_colour(index, theme.current()).rgba() for index in (0, 1))
    assert painted.tolist() == [[low, high, high, low]]


def test_what_is_no_number_stays_none() -> None:
    assert math.isnan(float(probabilities("perceptron", np.array([math.nan]))[0]))
