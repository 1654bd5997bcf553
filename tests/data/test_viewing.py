"""A data set as it is looked at: every example is itself, with its file; counts, spreads and maps of all of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nnviz.data import described, tensors
from nnviz.data.viewing import SPLITS, view
from nnviz.errors import Cancelled
from nnviz.project.model import DataConfig


def test_the_numbering_counts_every_example_once() -> None:
    config = DataConfig("digits")
    data, loaded = view(config), tensors.load(config)
    assert len(data) == sum(len(loaded.split(name)) for name in SPLITS)
    for name in SPLITS:
        inputs, targets = loaded.split(name).inputs.numpy(), loaded.split(name).targets.numpy()
        for index in (0, 7, len(inputs) - 1):
            number = data.number(name, index)
            assert data.place(number) == (name, index)
            assert np.array_equal(data.input_of(number), inputs[index])
            assert data.label(number) == loaded.class_names[targets[index]]
    some = np.random.default_rng(0).permutation(len(data))[:50]
    assert all(
        np.array_equal(one, data.input_of(number)) for one, number in zip(data.inputs_of(some), some, strict=True)
    )
    counted = Counter((data.label(number), data.place(number)[0]) for number in range(len(data)))
    table = described.class_balance(data)
    assert all(
        table[at, split] == counted[name, SPLITS[split]]
        for at, name in enumerate(data.class_names)
        for split in range(3)
    )


def test_a_set_without_validation_examples_is_looked_at_like_any_other() -> None:
    data = view(DataConfig("digits", validation_fraction=0.0))
    assert data.starts[1] == data.starts[2] and len(data.label_of) == len(data)
    counts = described.class_balance(data)
    assert counts[:, 1].sum() == 0 and counts.sum() == len(data)


@pytest.mark.parametrize("parts", [("",), ("train", "test"), ("train", "val", "test")])
def test_each_picture_is_that_of_the_file_that_is_named(tmp_path: Path, parts: tuple[str, ...]) -> None:
    """Every picture has a grey of its own, and that is its name."""
    grey = 0
    for part in parts:
        for name in ("left", "right"):
            folder = tmp_path / part / name
            folder.mkdir(parents=True)
            for _ in range(9):
                Image.new("L", (8, 8), grey).save(folder / f"{grey}.png")
                grey += 4
    (tmp_path / parts[0] / "left" / "bad.png").write_bytes(b"no picture")
    (tmp_path / parts[0] / "right" / "words.svg").write_text("<svg/>")
    data = view(DataConfig("image_folder", {"folder": str(tmp_path), "size": 8, "channels": "1"}))
    assert len(data) == len(data.files) == 18 * len(parts)
    for number in range(len(data)):
        file = Path(data.files[number])
        assert int(file.stem) == data.input_of(number)[0, 4, 4] and file.parent.name == data.label(number)
    assert len(set(data.files)) == len(data)
    reasons = {Path(one.file).name: one.reason for one in data.left_out}
    assert reasons.keys() == {"bad.png", "words.svg"} and "none of" in reasons["bad.png"]


def test_spreads_and_maps_are_those_of_numpy() -> None:
    wine, digits = view(DataConfig("wine")), view(DataConfig("digits"))
    for column, found in enumerate(described.histograms(wine)):
        numbers = wine.inputs[0][:, column].astype(np.float64)
        assert found.counts.sum() == len(numbers)
        assert (found.mean, found.deviation) == pytest.approx((numbers.mean(), numbers.std()))
    (grey,) = described.histograms(digits)
    assert grey.counts.tolist() == [int((digits.inputs[0] == level).sum()) for level in range(256)]
    assert grey.mean == pytest.approx(digits.inputs[0].mean())
    shown = described.pca_map(digits)
    rows = digits.inputs_of(shown.numbers).reshape(len(shown.numbers), -1) / 255
    centred = rows - rows.mean(0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    expected = centred @ directions[:2].T
    for axis in range(2):  # a component has no sign
        assert abs(np.corrcoef(expected[:, axis], shown.points[:, axis])[0, 1]) > 0.999
    plane = described.plane(wine, 3, 0)
    assert np.array_equal(plane.points, np.concatenate(wine.inputs)[:, [3, 0]])
    assert plane.titles == ("alkalinity of ash", "alcohol")


def test_a_map_of_neighbours_runs_nothing_that_lies_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is computed all the same, and what is far apart stays apart on it."""
    for name in ("numpy", "sklearn", "nnviz"):
        (tmp_path / f"{name}.py").write_text(f"open('{name} was run', 'w')\n")
    monkeypatch.chdir(tmp_path)
    rows = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    rows[10:] += 100
    points = described._neighbours(rows, lambda: False)
    assert len(list(tmp_path.iterdir())) == 3
    between = np.linalg.norm(points[:10].mean(0) - points[10:].mean(0))
    assert between > np.linalg.norm(points[:10] - points[:10].mean(0), axis=1).max()


def test_a_map_ends_at_once_when_nobody_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    wine = view(DataConfig("wine"))
    for make in (described.tsne_map, described.pca_map):
        with pytest.raises(Cancelled):
            make(wine, lambda: True)
    # A large one is made by a process of its own, which is ended; the answer is the same.
    at_once = described.pca_map(wine)
    monkeypatch.setattr(described, "_AT_ONCE", 0)
    asked = iter((False, False))
    with pytest.raises(Cancelled):
        described.pca_map(wine, lambda: next(asked, True))
    apart = described.pca_map(wine)
    assert apart.titles == at_once.titles
    np.testing.assert_allclose(np.abs(apart.points), np.abs(at_once.points), rtol=1e-4, atol=1e-4)
    # However large an example is, what a map is made of is bounded.
    monkeypatch.setattr(described, "_MOST_NUMBERS", 50 * wine.inputs[0].shape[1])
    assert len(described.pca_map(wine).numbers) == 50
