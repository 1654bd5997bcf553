"""CIFAR-10's pickles: only the published bytes are opened, and even those by an unpickler that can do nothing else."""

from __future__ import annotations

import hashlib
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from nnviz.data import cifar, torchvision_bridge
from nnviz.data.tensors import load
from nnviz.errors import DataError
from nnviz.project.model import DataConfig

NAMES = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.trace}",)


def batch(seed: int) -> dict[object, object]:
    random = np.random.default_rng(seed)
    return {
        "data": random.integers(0, 256, (10_000, 3072), np.uint8),
        "labels": random.integers(0, 10, 10_000).tolist(),
        "batch_label": f"batch {seed}",
        "filenames": ["a.png"],
    }


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder like torchvision's with batches of our own, and their sums."""
    folder = tmp_path_factory.mktemp("data") / "cifar-10-batches-py"
    folder.mkdir()
    sums = {}
    for seed, name in enumerate(NAMES):
        content = pickle.dumps(batch(seed), protocol=2)
        (folder / name).write_bytes(content)
        sums[name] = hashlib.md5(content).hexdigest()
    return folder, sums


def test_batches_are_read_in_torchvisions_order_of_channels(
    published: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, sums = published
    monkeypatch.setattr(torchvision_bridge, "checksums", lambda kind: sums)
    data = load(DataConfig("cifar10", validation_fraction=0.0), folder)
    assert data.train.inputs.shape == (50_000, 3, 32, 32) and len(data.test) == 10_000
    for split, first, seed in ((data.train, 20_000, 2), (data.test, 0, 5)):
        raw = batch(seed)
        pixels, labels = raw["data"], raw["labels"]
        assert isinstance(pixels, np.ndarray) and isinstance(labels, list)
        example = split.inputs[first + 7]
        red_row_4 = pixels[7, 4 * 32 : 5 * 32]
        assert example[0, 4].tolist() == red_row_4.tolist()
        assert example[2, 31, 31] == pixels[7, -1]
        assert split.targets[first : first + 10_000].tolist() == labels


def test_a_changed_batch_is_refused_without_being_opened(
    published: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    _, sums = published
    trace = tmp_path / "was-run"
    (tmp_path / "test_batch").write_bytes(pickle.dumps(Bomb(trace)))
    with pytest.raises(
        DataError, match=r"test_batch: This is not the published CIFAR-10 file.*was not opened\. Get it"
    ):
        cifar.read_batch(tmp_path / "test_batch", sums["test_batch"], "Get it.")
    assert not trace.exists()
    with pytest.raises(DataError, match="missing"):
        cifar.read_batch(tmp_path / "data_batch_1", "", "")


def test_the_true_sums_are_asked_for(published: tuple[Path, dict[str, str]]) -> None:
    with pytest.raises(DataError, match=r"data_batch_1: This is not the published.*170 MB"):
        load(DataConfig("cifar10"), published[0])
    assert torchvision_bridge.checksums("cifar10")["test_batch"] == "40351d587109b95175f43aff81a1287e"


@pytest.mark.parametrize("protocol", range(6))
def test_the_unpickler_makes_arrays_and_nothing_else(tmp_path: Path, protocol: int) -> None:
    value = {"data": np.arange(6, dtype=np.uint8).reshape(2, 3), "labels": [1, 2], "name": "x"}
    if protocol < 5:  # a later protocol would need one more function of numpy
        back = cifar.unpickle_arrays(pickle.dumps(value, protocol))
        assert isinstance(back, dict) and np.array_equal(back["data"], value["data"]) and back["labels"] == [1, 2]
    trace = tmp_path / "was-run"
    with pytest.raises(pickle.UnpicklingError, match="asks for"):
        cifar.unpickle_arrays(pickle.dumps(Bomb(trace), protocol))
    assert not trace.exists()


def test_old_pickles_name_numpys_modules_as_they_once_were() -> None:
    old = pickle.dumps(np.arange(3, dtype=np.uint8), 2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    back = cifar.unpickle_arrays(old)
    assert isinstance(back, np.ndarray) and back.tolist() == [0, 1, 2]
