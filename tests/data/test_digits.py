"""The digits against scikit-learn's own loader, and their enlargement against Pillow's and a direct sum."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from nnviz.data import digits
from nnviz.errors import DataError


def test_the_scans_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits

    theirs = load_digits()
    images, labels = digits.digits(8)
    assert images.shape == (1797, 1, 8, 8) and images.dtype == np.uint8 and labels.dtype == np.int64
    assert np.array_equal(images[:, 0], np.rint(theirs.images * 255 / 16))
    assert np.array_equal(labels, theirs.target)
    assert images.max() == 255


def test_enlarged_digits_fill_the_middle_as_in_mnist() -> None:
    images, labels = digits.digits(28)
    assert images.shape == (1797, 1, 28, 28) and images.dtype == np.uint8
    assert np.array_equal(labels, digits.digits(8)[1])
    outside = np.ones((28, 28), bool)
    outside[2:26, 2:26] = False
    assert images[:, 0, outside].max() <= 1  # the two faint lobes of the filter meet in the corners
    assert (images.max(axis=(1, 2, 3)) > 200).all()


def test_enlarging_keeps_the_ink_and_the_place() -> None:
    small, _ = digits.digits(8)
    large, _ = digits.digits(28)
    ink = small.sum(axis=(1, 2, 3)) * (20 / 8) ** 2
    assert np.abs(large.sum(axis=(1, 2, 3)) / ink - 1).max() < 0.1
    for image, big in zip(small[:50, 0].astype(float), large[:50, 0].astype(float), strict=True):
        middle = (image.sum(1) * (np.arange(8) - 3.5)).sum() / image.sum() * 2.5
        assert (big.sum(1) * (np.arange(28) - 13.5)).sum() / big.sum() == pytest.approx(middle, abs=0.4)


def test_cubic_weights_against_the_formula_pixel_by_pixel() -> None:
    weights = digits.cubic_weights(8, 28, 20.0)
    for row in range(28):
        at = (row - 4 + 0.5) / 2.5 - 0.5
        for column in range(8):
            d = abs(at - column)
            expected = 1.5 * d**3 - 2.5 * d**2 + 1 if d <= 1 else -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 if d < 2 else 0.0
            assert weights[row, column] == pytest.approx(expected, abs=1e-12)
    inside = weights[(np.abs(np.arange(28) - 13.5) < 6)]
    assert inside.sum(1) == pytest.approx(1.0)  # even grey stays even


def test_a_damaged_installation_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digits._table.cache_clear()
    try:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(DataError, match="scikit-learn, which is not installed"):
            digits.digits(8)
        found = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
        monkeypatch.setattr("importlib.util.find_spec", lambda name: found)
        (tmp_path / "datasets" / "data").mkdir(parents=True)
        for content in (None, b"nothing packed", b""):
            if content is not None:
                (tmp_path / "datasets" / "data" / "digits.csv.gz").write_bytes(content)
            with pytest.raises(DataError, match=r"digits\.csv\.gz"):
                digits.digits(8)
    finally:
        digits._table.cache_clear()
