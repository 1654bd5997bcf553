"""The generated shapes."""

from __future__ import annotations

import numpy as np
import pytest

from nnviz.data import shapes
from nnviz.data.datasets import SHAPE_NAMES


def test_size_type_balance_and_determinism() -> None:
    images, labels = shapes.draw(205, seed=4)
    assert images.shape == (205, 3, 32, 32) and images.dtype == np.uint8 and labels.dtype == np.int64
    assert np.bincount(labels, minlength=10).tolist() == [21] * 5 + [20] * 5
    again, same = shapes.draw(205, seed=4)
    assert np.array_equal(images, again) and np.array_equal(labels, same)
    assert not np.array_equal(images, shapes.draw(205, seed=5)[0])


@pytest.mark.parametrize("name", SHAPE_NAMES)
def test_forms_have_the_area_and_the_inside_that_a_dense_grid_gives(name: str) -> None:
    form = shapes.FORMS[SHAPE_NAMES.index(name)]
    side = np.linspace(-1.2, 1.2, 481)
    x, y = np.meshgrid(side, side)
    inside = form(x, y) < 0
    area = inside.mean() * 2.4**2
    expected = {
        "circle": np.pi * 0.81,
        "square": 1.44**2,
        "triangle": 3 * np.sqrt(3) / 4,
        "star": 5 * 0.42 * np.sin(np.pi / 5) * 2 / 2 * 1.0,
        "cross": 2 * 1.8 * 0.54 - 0.54**2,
        "ring": np.pi * (0.9**2 - 0.5**2),
        "arrow": 1.1 * 0.56 + 0.75 * 1.5 / 2,
        "frame": 1.54**2 - 0.86**2 - 0.17**2 * (4 - np.pi),  # round outer corners
    }
    if name in expected:
        assert area == pytest.approx(expected[name], rel=0.02)
    assert not inside[:, :20].any() and not inside[:20].any()  # nothing reaches beyond the unit circle's box
    assert 0.4 < area < 2.7


def test_cover_draws_the_form_where_it_shall_be() -> None:
    circle = shapes.FORMS[0]
    one = np.array([8.0], np.float32)
    cover = shapes._cover(circle, one, np.array([[12.0, 20.0]], np.float32), np.zeros(1, np.float32))[0]
    rows, columns = np.mgrid[:32, :32]
    assert (cover * columns).sum() / cover.sum() == pytest.approx(12.0, abs=0.01)
    assert (cover * rows).sum() / cover.sum() == pytest.approx(20.0, abs=0.01)
    assert cover.sum() == pytest.approx(np.pi * 7.2**2, rel=0.01)


def test_forms_stand_out_and_cannot_be_told_by_colour() -> None:
    images, labels = shapes.draw(1000, seed=0)
    colour = images.mean(axis=(2, 3))
    by_class = np.stack([colour[labels == label].mean(0) for label in range(10)])
    assert np.ptp(by_class, axis=0).max() < 50  # class means differ by chance only
    assert images.std(axis=(1, 2, 3)).min() > 8


def test_a_nearest_neighbour_finds_forms_better_than_chance_but_far_from_well() -> None:
    images, labels = shapes.draw(1200, seed=1)
    flat = images.reshape(1200, -1).astype(np.float32)
    known, asked = flat[:1000], flat[1000:]
    distance = (asked**2).sum(1)[:, None] - 2 * asked @ known.T + (known**2).sum(1)
    right = (labels[:1000][distance.argmin(1)] == labels[1000:]).mean()
    assert right < 0.4
