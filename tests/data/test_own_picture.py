"""A picture of one's own: centred as MNIST's were, and treated, against slow ways of one's own."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from nnviz.data.digits import digits
from nnviz.data.own_picture import OwnPicture, Treatment, centred_like_mnist, scanned_like_digits, shifted


def centred_slowly(picture: NDArray[np.float32]) -> NDArray[np.float64]:
    """28 × 28 as the makers of MNIST say: the box of ink to 20 pixels, its centre of mass to the middle; loops only."""
    ink = np.argwhere(picture > 0)
    (top, left), (bottom, right) = ink.min(0), ink.max(0) + 1
    height, width = bottom - top, right - left
    longer = max(height, width)
    rows, columns = round(height * 20 / longer), round(width * 20 / longer)
    fitted = np.zeros((rows, columns))
    for row in range(rows):
        for column in range(columns):
            total = 0.0
            for y in range(height):
                for x in range(width):
                    down = min((row + 1) * height / rows, y + 1) - max(row * height / rows, y)
                    across = min((column + 1) * width / columns, x + 1) - max(column * width / columns, x)
                    total += max(down, 0) * max(across, 0) * float(picture[top + y, left + x])
            fitted[row, column] = total * rows * columns / (height * width)
    mass = fitted.sum()
    middle = [sum(fitted[y, x] * (y, x)[axis] for y in range(rows) for x in range(columns)) / mass for axis in (0, 1)]
    made = np.zeros((28, 28))
    down, across = (math.floor(14 - one + 0.5) for one in middle)
    for y in range(rows):
        for x in range(columns):
            if 0 <= y + down < 28 and 0 <= x + across < 28:
                made[y + down, x + across] = fitted[y, x]
    return made


@pytest.mark.parametrize("seed", range(4))
def test_centring_is_that_of_mnist(seed: int) -> None:
    """Against loops over all pixels; and what is centred already stays itself, bit for bit."""
    random = np.random.default_rng(seed)
    picture = OwnPicture((1, 28, 28))
    points = [(float(y), float(x)) for y, x in random.uniform(1, 16, (5, 2))]
    picture.stroke(points, 2.2, [1.0])
    canvas = picture.canvas[0, 4:80:2, :90:2]  # any size will do
    once = centred_like_mnist(canvas[None], (28, 28))
    assert np.abs(once[0] - centred_slowly(canvas)).max() < 1e-5
    box = np.argwhere(once[0] > 0)
    assert (np.ptp(box, axis=0) + 1).max() == 20
    assert np.array_equal(centred_like_mnist(once, (28, 28)), once)
    # Wherever on the field it is drawn, the network sees the same.
    assert np.array_equal(centred_like_mnist(shifted(canvas[None], 0, 3), (28, 28)), once)


def test_what_is_made_like_a_scan_is_what_a_scan_of_it_would_be() -> None:
    """Of a picture of 8 × 8 areas nothing is lost: it is enlarged as the data set itself is, wherever it was drawn."""
    scans, _ = digits(8)
    enlarged, _ = digits(28)
    whole = [index for index in range(1797) if all(scans[index, 0].any(axis=axis)[[0, -1]].all() for axis in (0, 1))]
    assert len(whole) > 2
    for index in whole[:3]:
        drawn = np.zeros((1, 112, 112), np.float32)
        drawn[:, 9:65, 21:77] = scans[index].repeat(7, axis=1).repeat(7, axis=2) / np.float32(255)
        assert (
            np.abs(scanned_like_digits(drawn, (28, 28)) - enlarged[index] / 255).max() < 2.5 / 255
        )  # both are rounded
        assert np.abs(scanned_like_digits(drawn, (8, 8)) - scans[index] / 255).max() < 1e-6
    line = np.zeros((1, 112, 112), np.float32)
    line[:, 10:90, 40:48] = 1.0  # the shorter side stays in proportion, in the middle
    made = scanned_like_digits(line, (8, 8))
    assert made[0, :, 3:5].min() > 0.3 and not made[0, :, :3].any() and not made[0, :, 5:].any()
    assert not scanned_like_digits(np.zeros((1, 112, 112), np.float32), (28, 28)).any()


def test_what_is_loaded_comes_out_as_it_was_and_every_treatment_is_its_own_setting() -> None:
    random = np.random.default_rng(0)
    example = (random.integers(0, 256, (1, 28, 28)) / 255).astype(np.float32)
    picture = OwnPicture((1, 28, 28))
    picture.load(example)
    assert np.array_equal(picture.result(), example)
    picture.treatment = Treatment(shift=(-2, 5))
    expected = np.zeros_like(example)
    expected[:, :26, 5:] = example[:, 2:, :23]
    assert np.array_equal(picture.result(), expected)
    picture.treatment = Treatment(angle=90)
    assert np.allclose(picture.result()[0], np.rot90(example[0]), atol=1e-6)
    picture.treatment = Treatment(angle=180)
    assert np.allclose(picture.result()[0], np.rot90(example[0], 2), atol=1e-6)
    picture.treatment = Treatment(inverted=True)
    assert np.allclose(picture.result(), 1 - example, atol=1e-6)
    picture.treatment = Treatment(noise=0.1, seed=3)
    noisy = picture.result()
    inside = (noisy > 0) & (noisy < 1)
    assert 0.08 < float((noisy - example)[inside].std()) < 0.12
    assert np.array_equal(noisy, picture.result())
    picture.treatment = replace(Treatment(), patches=((3, 4, 5, 6),), pixels=((-1, 4, 5, 0.5),))
    spoilt = example.copy()
    spoilt[:, 3:8, 4:10] = 0
    spoilt[:, 4, 5] = 0.5
    assert np.array_equal(picture.result(), spoilt)
    picture.treatment = Treatment(scale=2.0)
    middle = np.zeros_like(example)
    middle[:, 13:15, 13:15] = 1
    picture.load(middle)
    assert picture.result().sum() == pytest.approx(4 * 4, rel=0.05)


def test_strokes_are_drawn_rubbed_out_and_taken_back() -> None:
    picture = OwnPicture((3, 32, 32))
    assert picture.is_blank
    picture.remember()
    picture.stroke([(16, 4), (16, 28)], 3, [1.0, 0.5, 0.0])
    seen = picture.result()
    assert np.allclose(seen[:, 15, 10], [1.0, 0.5, 0.0])
    assert not seen[:, 10].any()
    picture.remember()
    picture.stroke([(16, 10)], 5, None)
    assert not picture.result()[:, 15, 10].any()
    assert picture.undo()
    assert np.array_equal(picture.result(), seen)
    assert picture.undo() and picture.is_blank and not picture.undo()
    # Beyond the edge there is nothing to draw on.
    picture.stroke([(-9, -9), (-3, -3)], 2, [1, 1, 1])
    assert picture.is_blank
