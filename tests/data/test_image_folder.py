"""Folders of pictures: any format and size, and every kind of damage named."""

from __future__ import annotations

import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from waiting import wait_for

from nnviz.data import datasets, folders, images
from nnviz.data.images import read_image
from nnviz.data.tensors import load
from nnviz.errors import Cancelled, DataError
from nnviz.project.model import DataConfig, DataFacts


def plant(root: Path, count: int = 6, size: tuple[int, int] = (20, 12)) -> Path:
    """Two classes: 'cat' is red, 'dog' is blue."""
    for name, colour in (("cat", (200, 10, 20)), ("dog", (10, 20, 200))):
        (root / name).mkdir(parents=True)
        for number in range(count):
            ending = ("png", "jpg", "bmp")[number % 3]
            Image.new("RGB", size, colour).save(root / name / f"{number}.{ending}")
    return root


def config(root: Path, **params: object) -> DataConfig:
    return DataConfig("image_folder", {"folder": str(root), "size": 8, **params})  # type: ignore[dict-item]


def test_classes_sizes_and_colours(tmp_path: Path) -> None:
    root = plant(tmp_path / "pets", count=10)
    (root / "cat" / "notes.txt").write_text("no picture")
    (root / ".hidden").mkdir()
    chosen = config(root)
    assert datasets.facts(chosen) == DataFacts((3, 8, 8), 2, "classes", ("cat", "dog"))
    assert datasets.split_sizes(chosen) == (13, 3, 4)
    data = load(chosen)
    assert (len(data.train), len(data.validation), len(data.test)) == (13, 3, 4)
    assert sorted(data.test.targets.tolist()) == [0, 0, 1, 1]
    for split in (data.train, data.validation, data.test):
        red_wins = split.inputs[:, 0, 4, 4] > split.inputs[:, 2, 4, 4]
        assert torch.equal(red_wins, split.targets == 0)


def test_train_and_test_folders_are_the_splits(tmp_path: Path) -> None:
    plant(tmp_path / "train", count=5)
    plant(tmp_path / "test", count=2)
    chosen = config(tmp_path, channels="1")
    assert datasets.split_sizes(chosen) == (8, 2, 4)
    data = load(chosen)
    assert data.train.inputs.shape == (8, 1, 8, 8) and data.test.targets.tolist() == [0, 0, 1, 1]
    (tmp_path / "test" / "horse").mkdir()
    with pytest.raises(DataError, match="class 'horse' has no training images"):
        datasets.facts(chosen)


def test_pictures_are_cut_to_the_middle_square_and_resized(tmp_path: Path) -> None:
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, 40:80] = 255
    Image.fromarray(wide).save(tmp_path / "wide.png")
    assert read_image(tmp_path / "wide.png", 10, 3).min() > 200
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "same.png")
    assert np.array_equal(read_image(tmp_path / "same.png", 8, 3), pixels.transpose(2, 0, 1))


def test_grey_palette_transparent_and_deep_pictures(tmp_path: Path) -> None:
    ramp = np.tile(np.arange(0, 256, 8, dtype=np.uint8), (32, 1))
    Image.fromarray(ramp).save(tmp_path / "grey.png")
    Image.fromarray(ramp).convert("P").save(tmp_path / "palette.gif")
    Image.fromarray(ramp).convert("RGBA").save(tmp_path / "alpha.png")
    Image.fromarray(ramp.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    for name in ("grey.png", "palette.gif", "alpha.png", "deep.png"):
        assert np.abs(read_image(tmp_path / name, 32, 1)[0].astype(int) - ramp).max() <= 1, name
        assert read_image(tmp_path / name, 32, 3).shape == (3, 32, 32)


def test_photographs_are_turned_upright(tmp_path: Path) -> None:
    picture = Image.new("RGB", (16, 16), (0, 0, 0))
    picture.paste((255, 255, 255), (0, 0, 16, 8))  # white above
    turned = Image.Exif()
    turned[0x0112] = 3  # by half a turn
    picture.save(tmp_path / "turned.png", exif=turned)
    read = read_image(tmp_path / "turned.png", 16, 1)[0]
    assert read[:8].max() == 0 and read[8:].min() == 255


def bomb(width: int, height: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"not a picture", "cannot be read"),
        (bomb(9000, 9000), "9,000 × 9,000 pixels"),
        (bomb(10_000, 10_000), "10,000 × 10,000 pixels"),
        (bomb(60_000, 60_000), "cannot be read"),
        (bomb(100, 100), "cannot be read"),
    ],
)
def test_damaged_and_hostile_pictures_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    root = plant(tmp_path / "pets")
    bad = root / "dog" / "bad.png"
    bad.write_bytes(content)
    data = load(config(root))
    assert len(data.train) + len(data.validation) + len(data.test) == 12, "all others are taken"
    (warning,) = datasets.inspect(config(root)).warnings
    assert warning.startswith(f"Left out: {Path('dog', 'bad.png')}: ") and message in warning
    with pytest.raises(DataError, match=message) as caught:
        read_image(bad, 8, 3)
    assert caught.value.file == str(bad)


@pytest.mark.filterwarnings("ignore:Truncated File Read")  # Pillow tells it twice
def test_cut_off_files_are_named_or_read(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    picture = Image.fromarray(random.integers(0, 256, (30, 30, 3)).astype(np.uint8))
    for ending in ("png", "jpg", "gif", "bmp", "webp", "tif", "ppm"):
        whole = tmp_path / f"whole.{ending}"
        picture.save(whole)
        content = whole.read_bytes()
        for keep in np.linspace(0, len(content) - 1, 25).astype(int):
            cut = tmp_path / f"cut.{ending}"
            cut.write_bytes(content[:keep])
            try:
                assert read_image(cut, 8, 3).shape == (3, 8, 8)
            except DataError as error:
                assert error.file == str(cut)


def test_folders_that_are_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder, message in (
        ("", "Choose the folder"),
        (str(tmp_path / "nowhere"), "no such folder"),
        (str(tmp_path / "file"), "a file, not a folder"),
        (str(tmp_path), "There are 0 subfolders"),
    ):
        with pytest.raises(DataError, match=message):
            datasets.facts(DataConfig("image_folder", {"folder": folder}))
    plant(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no picture in it") as caught:
        load(config(tmp_path))
    assert caught.value.file == str(tmp_path / "empty")


def test_too_many_classes_pictures_and_bytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = plant(tmp_path / "pets")
    monkeypatch.setattr(images, "MOST_BYTES", 1000)
    with pytest.raises(DataError, match="12 pictures of 8×8 would take") as caught:
        load(config(root, memory="memory"))
    assert caught.value.field == "data.params.memory"
    monkeypatch.setattr(folders, "MOST_IMAGES", 5)
    folders._listed.cache_clear()  # listed before the limit was lowered
    with pytest.raises(DataError, match="more than 5 pictures"):
        load(config(root))
    monkeypatch.setattr(folders, "MOST_CLASSES", 1)
    with pytest.raises(DataError, match="2 subfolders"):
        datasets.facts(config(root))


def test_cancelling_leaves_no_thread_behind(tmp_path: Path) -> None:
    root = plant(tmp_path / "pets", count=150)
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 2

    with pytest.raises(Cancelled):
        load(config(root), cancelled=cancelled)
    wait_for(lambda: not any(thread.name.startswith("nnviz-images") for thread in threading.enumerate()), 5)


def test_a_changed_picture_is_read_again(tmp_path: Path) -> None:
    root = plant(tmp_path / "pets")
    first = load(config(root))
    assert load(config(root)).train is first.train
    for number in range(6):
        for file in (root / "cat").glob(f"{number}.*"):
            Image.new("RGB", (33, 33), (255, 255, 255)).save(file)
    again = load(config(root))
    assert bool((again.train.inputs[again.train.targets == 0] == 255).all())
    (root / "elk").mkdir()
    Image.new("RGB", (5, 5)).save(root / "elk" / "1.png")
    assert datasets.facts(config(root)).class_names == ("cat", "dog", "elk")
    assert len(load(config(root)).class_names) == 3


def test_real_photographs(shared_data: Path) -> None:
    root = shared_data / "cifar10-images"
    if not root.is_dir():
        pytest.skip(f"needs CIFAR-10 as image folders in {root}")
    files = folders.image_files(str(root))[0]
    assert datasets.facts(config(root)).class_names[0] == "airplane" and len(files) == 10
    picture = read_image(files[3][5], 32, 3)
    direct = np.asarray(Image.open(files[3][5]).convert("RGB")).transpose(2, 0, 1)
    assert np.array_equal(picture, direct)
