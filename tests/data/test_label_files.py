"""A CSV that says of which class each picture is: inside the folder, beside it, for each split."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from nnviz.data import datasets
from nnviz.data.tensors import load
from nnviz.errors import DataError
from nnviz.project.model import DataConfig


def on(folder: Path) -> DataConfig:
    return DataConfig("image_folder", {"folder": str(folder), "size": 8, "channels": "1"})


def pictures(folder: Path, count: int, first: int = 0, ending: str = ".png") -> list[str]:
    """Grey pictures whose brightness is five times their number: 0.png, 1.png …"""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{number}{ending}" for number in range(first, first + count)]
    for number, name in enumerate(names, first):
        Image.new("L", (8, 8), 5 * number).save(folder / name)
    return names


def seen(config: DataConfig) -> dict[int, str]:
    """The class of each picture, by its number."""
    data = load(config)
    return {
        int(inputs.flatten()[0]) // 5: data.class_names[int(target)]
        for split in (data.train, data.validation, data.test)
        for inputs, target in zip(split.inputs, split.targets, strict=True)
    }


RIGHT = {number: ("cat", "dog", "10", "9")[number % 4] for number in range(20)}
TABLE = [("filename", "label"), *((f"{number}.png", name) for number, name in RIGHT.items())]


def written(path: Path, rows: list[tuple[str, ...]], separator: str = ",", encoding: str = "utf-8") -> None:
    path.write_text("\n".join(separator.join(row) for row in rows) + "\n", encoding=encoding)


@pytest.mark.parametrize(
    ("where", "separator", "encoding"),
    [("digits/train.csv", ",", "utf-8"), ("digits.csv", ";", "utf-8-sig"), ("labels.tsv", "\t", "utf-16"),
     ("digits/what is what.csv", ",", "cp1252")],
)  # fmt: skip
def test_inside_or_beside(tmp_path: Path, where: str, separator: str, encoding: str) -> None:
    pictures(tmp_path / "digits", 20)
    written(tmp_path / where, TABLE, separator, encoding)
    facts = datasets.inspect(on(tmp_path / "digits"))
    assert facts.data.class_names == ("10", "9", "cat", "dog") and facts.sizes == (16, 4)
    assert facts.notes == (f"'{Path(where).name}' says the classes.",) and facts.warnings == ()
    assert seen(on(tmp_path / "digits")) == RIGHT


def test_names_without_ending_with_folders_and_without_a_head(tmp_path: Path) -> None:
    root = tmp_path / "set"
    pictures(root / "images" / "train", 10)
    pictures(root / "images" / "more", 10, first=10)
    rows = [(f"more\\{number}.png" if number >= 10 else str(number), f"{number % 3 + 8}") for number in range(20)]
    written(root / "labels.csv", rows)
    assert datasets.facts(on(root)).class_names == ("8", "9", "10")  # in the order of the numbers
    assert seen(on(root)) == {number: f"{number % 3 + 8}" for number in range(20)}


def test_splits_each_with_a_file(tmp_path: Path) -> None:
    """As such sets are handed out: train.csv and test.csv, the test pictures perhaps without labels."""
    root = tmp_path / "set"
    pictures(root / "train", 12)
    pictures(root / "test", 8, first=12)
    written(root / "train.csv", TABLE[:13])
    written(root / "test.csv", [("filename",), *((row[0],) for row in TABLE[13:])])
    facts = datasets.inspect(on(root))
    assert facts.sizes == (10, 2) and facts.warnings == (
        "Left out: the folder 'test', in which no file says the classes.",
    )
    written(root / "test.csv", [TABLE[0], *TABLE[13:]])
    data = load(on(root))
    assert len(data.test) == 8 and seen(on(root)) == RIGHT
    assert torch.equal(data.test.inputs.flatten(1)[:, 0].sort().values, 5 * torch.arange(12, 20, dtype=torch.uint8))
    # All pictures in one folder, and two files say which belong to which split.
    flat = tmp_path / "flat"
    pictures(flat / "images", 20)
    written(flat / "train.csv", TABLE[:13])
    written(flat / "val.csv", [TABLE[0], *TABLE[13:]])
    data = load(on(flat))
    assert (len(data.train), len(data.validation), len(data.test)) == (12, 8, 0)


def test_subfolders_that_are_the_classes_stay_so(tmp_path: Path) -> None:
    for name, first in (("cat", 0), ("dog", 10)):
        pictures(tmp_path / "set" / name, 10, first)
    written(tmp_path / "set" / "sizes.csv", [(f"{number}.png", "8") for number in range(20)])
    written(
        tmp_path / "set" / "train.csv", [("filename", "label"), *((f"{number}.png", "cat") for number in range(10))]
    )
    assert datasets.facts(on(tmp_path / "set")).class_names == ("cat", "dog")
    written(tmp_path / "set" / "labels.csv", TABLE)
    assert datasets.facts(on(tmp_path / "set")).class_names == ("10", "9", "cat", "dog")


def test_what_a_file_cannot_mean_is_left_out_or_refused(tmp_path: Path) -> None:
    root = tmp_path / "set"
    pictures(root, 20)
    outside = pictures(tmp_path / "outside", 1, first=40)[0]
    table = [*TABLE[:17], ("17.png", ""), (f"../outside/{outside}", "cat"), ("/etc/passwd", "cat"), ("gone.png", "dog")]
    written(root / "labels.csv", table)
    assert datasets.inspect(on(root)).warnings[:3] == (
        "Left out: 'labels.csv' names '../outside/40.png' and 2 more, which is not there.",
        "Left out: 1 without a label in 'labels.csv'.",
        "Left out: 3 pictures that 'labels.csv' does not name.",
    )
    assert seen(on(root)) == {number: name for number, name in RIGHT.items() if number < 16}
    for rows, said in (
        ([*TABLE, ("3.png", "cat")], "It says of '3.png' both '9' and 'cat'."),
        ([("filename", "label"), ("1.png", "cat")], "It names 1 classes; an image folder has from 2"),
    ):
        written(root / "labels.csv", rows)
        with pytest.raises(DataError) as caught:
            load(on(root))
        assert said in caught.value.message and caught.value.file == str(root / "labels.csv")
    for content in (b"", b"\x00\xff" * 40, b"a,b\n" * 9, b'"unclosed', b"\xff\xfea"):
        (root / "labels.csv").write_bytes(content)
        with pytest.raises(DataError, match="a CSV of filename,label in the folder or beside it"):
            load(on(root))
    pictures(root / "again", 1)
    pictures(root / "twice", 1)
    written(root / "labels.csv", [("file", "class"), ("again/0.png", "cat"), ("1", "dog"), ("twice/0.png", "dog")])
    assert datasets.facts(on(root)).class_names == ("cat", "dog")
