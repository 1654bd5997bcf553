"""The small pictures of what a sample learns."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from nnviz.data import previews
from nnviz.data.previews import preview
from nnviz.errors import DataError
from nnviz.project.samples.templates import sample, samples


@pytest.mark.parametrize("name", [info.name for info in samples()])
def test_every_sample_has_points_or_an_image_or_is_not_here(name: str) -> None:
    shown = preview(sample(name))
    dataset = sample(name).data.dataset
    if shown.points is None:
        assert (shown.image is not None) is (dataset in {"digits", "mnist"})
        return
    x1_low, x1_high, x2_low, x2_high = shown.edges
    assert ((shown.points[:, 0] > x1_low) & (shown.points[:, 0] < x1_high)).all()
    assert ((shown.points[:, 1] > x2_low) & (shown.points[:, 1] < x2_high)).all()
    assert set(shown.points[:, 2].tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("name", ["and", "or", "not", "xnor-two-layer", "xnor-gates"])
def test_the_surface_of_a_gate_is_its_truth_table(name: str) -> None:
    shown = preview(sample(name))
    assert shown.surface is not None and shown.points is not None
    side = len(shown.surface)
    low, high, bottom, top = shown.edges
    for x1, x2, label in shown.points.tolist():
        column = int((x1 - low) / (high - low) * side)
        row = int((top - x2) / (top - bottom) * side)
        assert shown.surface[row, column] == label


def test_what_has_to_be_learned_has_no_surface() -> None:
    for name in ("spiral", "perceptron", "xor-one-neuron", "credit-learned"):
        assert preview(sample(name)).surface is None


def test_the_sigmoid_neuron_is_a_slope() -> None:
    surface = preview(sample("neuron-sigmoid")).surface
    assert surface is not None and surface.min() > 0.0 and surface.max() < 1.0
    assert (np.diff(surface, axis=1) > 0).all() and (np.diff(surface, axis=0) < 0).all()


def test_digits_are_the_same_each_time_and_differ_between_samples() -> None:
    images = []
    for name in ("mlp-50", "mlp-500", "cnn-25", "mlp-50"):
        image = preview(sample(name)).image
        assert image is not None and image.shape == (28, 28)
        images.append(image.tolist())
    assert images[0] == images[3]
    assert not any(one == other for one, other in itertools.combinations(images[:3], 2))


def test_without_the_digits_there_is_a_card_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise DataError("The digits come with scikit-learn, which is not installed.")

    monkeypatch.setattr(previews, "_enlarged", missing)
    assert preview(sample("digits-cnn")).image is None
