"""The share of one's own examples that is the sealed test split, and the file that says the classes of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nnviz.data import datasets
from nnviz.data.examples import LoadedData
from nnviz.data.tensors import load
from nnviz.errors import DataError
from nnviz.project.files import io
from nnviz.project.model import DataConfig, Project


def table(folder: Path) -> DataConfig:
    """40 rows, each of them another, of four classes of 10."""
    path = folder / "table.csv"
    path.write_text("a,b,y\n" + "".join(f"{at},{at * 3 % 7},{'uvwx'[at % 4]}\n" for at in range(40)))
    return DataConfig("table_file", {"path": str(path)}, preparation=())


def arrays(folder: Path) -> DataConfig:
    path = folder / "set.npz"
    np.savez(path, x=np.arange(120.0).reshape(40, 3), y=np.arange(40) % 4)
    return DataConfig("numpy_file", {"path": str(path)}, preparation=())


def pictures(folder: Path) -> DataConfig:
    for at in range(40):
        place = folder / "pictures" / "uvwx"[at % 4]
        place.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (at, at, at)).save(place / f"{at}.png")
    return DataConfig("image_folder", {"folder": str(folder / "pictures"), "size": 8}, preparation=())


@pytest.mark.parametrize("make", [table, arrays, pictures])
def test_the_share_is_stratified_seeded_and_disjoint(tmp_path: Path, make: object) -> None:
    config = make(tmp_path)  # type: ignore[operator]  # one of the three

    def split(**params: float) -> tuple[DataConfig, list[torch.Tensor], list[list[int]]]:
        chosen = DataConfig(config.dataset, {**config.params, **params}, preparation=())
        data = load(chosen)
        parts = (data.train, data.validation, data.test)
        assert datasets.split_sizes(chosen) == tuple(len(part) for part in parts)
        return (
            chosen,
            [part.inputs.flatten(1) for part in parts],
            [torch.bincount(part.targets.long().reshape(-1), minlength=4).tolist() for part in parts],
        )

    _, usual, counts = split()
    assert counts[2] == [2, 2, 2, 2]
    # What is usual need not be said: older projects have the same examples.
    assert all(torch.equal(one, other) for one, other in zip(usual, split(test_share=0.2, test_seed=0)[1], strict=True))
    _, more, counts = split(test_share=0.4)
    assert counts[2] == [4, 4, 4, 4] and [len(part) for part in more] == [19, 5, 16]
    rows = [tuple(row.tolist()) for part in more for row in part]
    assert len(set(rows)) == 40
    other = split(test_share=0.4, test_seed=7)[1]
    assert not torch.equal(other[2], more[2]) and torch.equal(split(test_share=0.4, test_seed=7)[1][2], other[2])
    chosen, none, _ = split(test_share=0.0)
    assert [len(part) for part in none] == [32, 8, 0]
    with pytest.raises(DataError, match="test_share"):
        load(DataConfig(config.dataset, {**config.params, "test_share": 0.95}))
    assert io.loads(io.dumps(Project(data=chosen))).data.params["test_share"] == 0.0


@pytest.mark.parametrize("kind", ["iris", "wine", "diabetes", "digits", "spiral", "moons", "bump", "blobs"])
def test_what_is_drawn_or_bundled_has_a_test_share_as_well(kind: str) -> None:
    """What is usual need not be said: a project from before has the same examples, under the same fingerprint."""

    def split(**params: float) -> tuple[LoadedData, set[tuple[float, ...]]]:
        config = DataConfig(kind, dict(params), preparation=())
        data = load(config)
        assert datasets.split_sizes(config) == tuple(map(len, (data.train, data.validation, data.test)))
        return data, {tuple(row.flatten().tolist()) for row in data.test.inputs}

    usual, held_out = split()
    said, same = split(test_share=0.2, test_seed=0)
    assert same == held_out and said.fingerprint == usual.fingerprint and said.mark == usual.mark
    count = sum(datasets.dataset(kind).sizes)
    assert len(usual.test) == {"digits": 360}.get(kind, round(count * 0.2))
    more, wider = split(test_share=0.4)
    other, elsewhere = split(test_share=0.4, test_seed=3)
    assert 0 <= len(more.test) - round(count * 0.4) <= 1 and elsewhere != wider and len(other.test) == len(more.test)
    trained = {tuple(row.flatten().tolist()) for part in (more.train, more.validation) for row in part.inputs}
    assert len(trained & wider) <= (2 if kind in ("iris", "wine", "digits") else 0), "but for examples that are twice"
    assert not len(split(test_share=0.0)[0].test)


def test_the_file_of_the_labels_is_named(tmp_path: Path) -> None:
    """Two files lie there: the one that is named counts, also where subfolders would be classes."""
    config = pictures(tmp_path)
    root = tmp_path / "pictures"
    found = [f"{'uvwx'[at % 4]}/{at}.png" for at in range(40)]
    (root / "labels.csv").write_text("filename,label\n" + "".join(f"{name},{name[0]}\n" for name in found))
    (tmp_path / "halves.csv").write_text(
        "filename,label\n" + "".join(f"{name},{'low' if at < 20 else 'high'}\n" for at, name in enumerate(found))
    )

    def named(labels: str) -> DataConfig:
        return DataConfig("image_folder", {**config.params, "labels": labels}, preparation=())

    assert datasets.facts(config).class_names == tuple("uvwx")
    for labels in ("halves.csv", str(tmp_path / "halves.csv"), "../halves.csv"):
        data = load(named(labels))
        assert data.class_names == ("high", "low")
        for part in (data.train, data.validation, data.test):
            for pixels, label in zip(part.inputs, part.targets, strict=True):
                assert data.class_names[int(label)] == ("low" if int(pixels[0, 0, 0]) < 20 else "high")
    assert any("halves.csv" in note for note in datasets.inspect(named("halves.csv")).notes)
    (tmp_path / "other.csv").write_text("filename,label\nnobody.png,u\nnothing.png,v\n")
    (tmp_path / "one.csv").write_text("filename,label\n" + "".join(f"{name},u\n" for name in found))
    (tmp_path / "words.csv").write_text("one word\n")
    for labels, words in (
        ("nowhere.csv", "There is no file 'nowhere.csv'"),
        ("a\0b.csv", ""),
        ("other.csv", "names no picture of the folder"),
        ("one.csv", "It names 1 classes"),
        ("words.csv", "no table of filename,label"),
        (".", "There is no file"),
    ):
        with pytest.raises(DataError) as refused:
            load(named(labels))
        assert words in str(refused.value)
