"""A run is never gone on with on other data than it was made on: what differs is named, and the run stays as it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from training_helpers import made_training, same

from nnviz.data import datasets, tensors
from nnviz.data.fingerprint import Fingerprint, content_hash
from nnviz.errors import DataError, InputError
from nnviz.project.adapt import choose_data
from nnviz.project.model import DataConfig, Project
from nnviz.project.samples import templates
from nnviz.record.store import open_run
from nnviz.train.checkpoint import Checkpoint, from_blobs, to_blobs
from nnviz.train.headless import train_to_file


@pytest.fixture
def pets(tmp_path: Path) -> Iterator[Path]:
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(10):
            pixels = random.integers(0, 256, (28, 28, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{number}.png")
    yield tmp_path / "pets"
    tensors.clear_cache()


def project_on(folder: Path, epochs: int) -> Project:
    project = templates.sample("digits-cnn")
    config = DataConfig("image_folder", {"folder": str(folder), "size": 28, "channels": "1"})
    project = choose_data(project, config, datasets.facts(config)).apply(project)
    training = msgspec.structs.replace(project.training, epochs=epochs, batch_size=4)
    return msgspec.structs.replace(project, training=training)


def checkpoint_of(path: Path) -> Checkpoint:
    stored = open_run(path)
    try:
        return from_blobs(stored.load_checkpoint() or {})
    finally:
        stored.close()


def other_picture(folder: Path) -> None:
    Image.new("RGB", (28, 28), (1, 2, 3)).save(folder / "dog" / "3.png")


def one_more(folder: Path) -> None:
    for name in "cat", "dog":
        for number in range(5):
            shutil.copy(folder / name / f"{number}.png", folder / name / f"more{number}.png")


def other_name(folder: Path) -> None:
    (folder / "dog").rename(folder / "wolf")


def exchanged(folder: Path) -> None:
    (folder / "dog").rename(folder / "x")
    (folder / "cat").rename(folder / "dog")
    (folder / "x").rename(folder / "cat")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (other_picture, "other content"),
        (exchanged, "other content"),
        (one_more, r"another number of examples \(24 \+ 6 for training and test, not 16 \+ 4\)"),
        (other_name, "other classes .'wolf' is new, 'dog' is gone"),
    ],
)
def test_changed_pictures_are_refused_and_the_run_stays(
    pets: Path, tmp_path: Path, change: Callable[[Path], None], words: str
) -> None:
    run, kept = tmp_path / "a.nnvizrun", tmp_path / "kept"
    train_to_file(project_on(pets, 2), run)
    before = checkpoint_of(run)
    shutil.copytree(pets, kept)
    change(pets)
    with pytest.raises(DataError, match=words) as caught:
        train_to_file(project_on(pets, 3), run, resume=True)
    assert isinstance(caught.value, InputError) and caught.value.field == "data"
    after = checkpoint_of(run)
    assert after.progress == before.progress and same(dict(after.weights), dict(before.weights))

    # With the old data in their place it goes on, to the weights of a run that was never broken off.
    shutil.rmtree(pets)
    shutil.copytree(kept, pets)
    train_to_file(project_on(pets, 3), run, resume=True)
    train_to_file(project_on(pets, 3), tmp_path / "whole.nnvizrun")
    ended, whole = checkpoint_of(run), checkpoint_of(tmp_path / "whole.nnvizrun")
    assert ended.progress.step == whole.progress.step > before.progress.step
    assert same(dict(ended.weights), dict(whole.weights))


def test_more_classes_are_refused(pets: Path, tmp_path: Path) -> None:
    """The network has too few outputs for them, which is said first."""
    run, project = tmp_path / "a.nnvizrun", project_on(pets, 2)
    train_to_file(project, run)
    shutil.copytree(pets / "cat", pets / "elk")
    with pytest.raises(InputError, match="classes"):
        train_to_file(project, run, resume=True)


def test_a_run_of_an_older_version_knows_no_data_and_goes_on() -> None:
    training = made_training()
    blobs = to_blobs(training.capture())
    header = msgspec.json.decode(blobs["header"])
    del header["data"]
    del header["digest"]
    old = from_blobs({**blobs, "header": msgspec.json.encode(header)})
    assert old.data is None
    object.__setattr__(training.data, "fingerprint", Fingerprint(("a", "b"), (3, 1), "x"))
    training.restore(old)
    assert training.capture().data == Fingerprint(("a", "b"), (3, 1), "x")
    back = from_blobs(to_blobs(training.capture()))
    assert back.data == training.data.fingerprint


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (Fingerprint(("a", "b"), (3, 1), "x"), ""),
        (Fingerprint(("a", "b"), (3, 1)), ""),
        (Fingerprint(("a", "b"), (3, 1), "y"), "other content (at least one example or its class is another)"),
        (Fingerprint(("a", "b"), (4, 1), "y"), "another number of examples (4 + 1 for training and test, not 3 + 1)"),
        (Fingerprint(("a", "b", "c"), (3, 1), "x"), "other classes ('c' is new)"),
        (Fingerprint(("a",), (3, 1), "x"), "other classes ('b' is gone)"),
        (Fingerprint(("b", "a"), (3, 1), "x"), "its classes in another order"),
    ],
)
def test_the_first_difference_is_named(other: Fingerprint, words: str) -> None:
    assert Fingerprint(("a", "b"), (3, 1), "x").difference(other) == words


def test_a_fingerprint_is_the_same_for_the_same_data_and_moves_with_each_number(pets: Path) -> None:
    config = project_on(pets, 1).data
    first = tensors.load(config).fingerprint
    assert (
        first is not None and first.classes == ("cat", "dog") and first.counts == (16, 4) and len(first.content) == 64
    )
    tensors.clear_cache()
    # How it is divided is a setting, compared as such.
    assert tensors.load(msgspec.structs.replace(config, split_seed=5)).fingerprint == first
    numbers = torch.arange(12, dtype=torch.float32).reshape(4, 3)
    known = {content_hash([numbers])}
    for index in range(12):
        changed = numbers.clone()
        changed.view(-1)[index] += 1
        known.add(content_hash([changed]))
    known |= {content_hash([numbers.reshape(3, 4)]), content_hash([numbers.to(torch.int64)]), content_hash([])}
    assert len(known) == 16
    assert content_hash([numbers.T.contiguous().T]) == content_hash([numbers])


def test_what_is_drawn_has_no_content_to_compare() -> None:
    drawn = tensors.load(DataConfig("spiral")).fingerprint
    assert drawn is not None and drawn.counts == (400, 100) and drawn.content == ""
    gate = tensors.load(DataConfig("truth_table")).fingerprint
    assert gate is not None and gate.counts == (4, 4)
