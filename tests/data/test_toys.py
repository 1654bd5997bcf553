"""Points in the plane and truth tables against their own definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nnviz.data import toys

KINDS = list(toys.DRAWINGS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_points_are_finite_in_range_and_of_both_classes(kind: str, noise: float) -> None:
    points, labels = toys.draw(kind, 501, noise, seed=3)
    assert points.shape == (501, 2) and points.dtype == np.float32
    assert labels.shape == (501,) and labels.dtype == np.int64
    assert set(labels) == {0, 1}
    assert np.isfinite(points).all()
    if kind == "credit":
        assert points.min() >= 0 and points.max() <= 10
    elif noise == 0:
        assert np.abs(points).max() < 6.0


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_fixes_everything(kind: str) -> None:
    first, again, other = (toys.draw(kind, 60, 0.2, seed) for seed in (5, 5, 6))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_circle() -> None:
    points, labels = toys.draw("circle", 400, 0.0, 0)
    for (x, y), label in zip(points, labels, strict=True):
        radius = math.hypot(x, y)
        assert radius <= 2.5001 if label else 3.4999 <= radius <= 5.0001


def test_xor_keeps_its_gap() -> None:
    points, labels = toys.draw("xor", 400, 0.0, 0)
    assert np.array_equal(labels == 1, points[:, 0] * points[:, 1] >= 0)
    assert np.abs(points).min() >= 0.3 - 1e-6


def test_spiral_arms_are_opposite() -> None:
    points, labels = toys.draw("spiral", 400, 0.0, 0)
    for (x, y), label in zip(points.astype(float), labels, strict=True):
        radius = math.hypot(x, y)
        angle = 1.75 * radius / 5 * 2 * math.pi + (0 if label else math.pi)
        assert math.hypot(radius * math.sin(angle) - x, radius * math.cos(angle) - y) < 1e-4


def test_gauss_follows_its_noise() -> None:
    for noise, variance in ((0.0, 0.5), (0.5, 4.0)):
        points, labels = toys.draw("gauss", 20_000, noise, 0)
        assert points[labels == 1].mean(0) == pytest.approx([2, 2], abs=0.06)
        assert points[labels == 0].var(0) == pytest.approx([variance] * 2, rel=0.05)


def test_moons_lie_on_their_arcs() -> None:
    points, labels = toys.draw("moons", 300, 0.0, 0)
    centre = np.where(labels[:, None], [0.5, 0.25], [-0.5, -0.25]) * (10 / 3)
    assert np.hypot(*(points - centre).T) == pytest.approx(10 / 3, abs=1e-4)


def test_noise_mixes_the_classes() -> None:
    clean, noisy = (toys.draw("circle", 2000, noise, 0) for noise in (0.0, 0.5))
    judged = np.hypot(*noisy[0].T) < 2.5
    assert np.array_equal(np.hypot(*clean[0].T) < 3.0, clean[1] == 1)
    assert 0.02 < (judged != noisy[1]).mean() < 0.5


def test_credit_is_exactly_the_rule_of_the_source() -> None:
    points, labels = toys.draw("credit", 2000, 0.0, 1)
    exact = [int(2 * float(score) + float(income) - 10 > 0) for score, income in points]
    assert labels.tolist() == exact


def test_marbles_can_always_be_parted_by_a_line() -> None:
    for seed in range(5):
        points, labels = toys.draw("marbles", 1000, 0.0, seed)
        along = points @ np.array([2.5, 1.5]) / math.hypot(2.5, 1.5)
        assert along[labels == 1].min() - along[labels == 0].max() > 1.4


@pytest.mark.parametrize(
    ("function", "python"),
    [
        ("and", lambda a, b: a and b),
        ("or", lambda a, b: a or b),
        ("xor", lambda a, b: a != b),
        ("xnor", lambda a, b: a == b),
        ("nand", lambda a, b: not (a and b)),
        ("nor", lambda a, b: not (a or b)),
    ],
)
def test_truth_tables(function: str, python: object) -> None:
    assert callable(python)
    inputs, outputs = toys.truth_table(function)
    assert inputs.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert outputs.tolist() == [int(python(bool(a), bool(b))) for a, b in inputs]


def test_not_has_one_input() -> None:
    inputs, outputs = toys.truth_table("not")
    assert inputs.tolist() == [[0], [1]] and outputs.tolist() == [1, 0]
