"""EMNIST, QMNIST, USPS, SVHN, STL10 and CIFAR-100 as torchvision reads them; interrupted anywhere, never half a set."""

from __future__ import annotations

import bz2
import contextlib
import dataclasses
import functools
import gzip
import hashlib
import io
import pickle
import random
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from idx_files import idx_bytes
from numpy.typing import NDArray
from test_download import Site, site, tar_bytes  # noqa: F401 - a fixture
from test_streamed import same_data

from nnviz.data import acquire, cifar, datasets, download, idx, published, tensors, torchvision_bridge
from nnviz.data.sources import DECLARED
from nnviz.data.streamed import Streamed
from nnviz.data.tensors import load
from nnviz.data.torchvision_bridge import Remote
from nnviz.errors import Cancelled, DataError
from nnviz.project.model import DataConfig

RANDOM = np.random.default_rng(0)


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def theirs() -> Any:
    return torchvision_bridge.import_torchvision("torchvision.datasets")


def whole(blocks: Iterator[tuple[NDArray[Any], NDArray[Any]]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The pictures and labels of several blocks; none may hold them all."""
    pictures, labels = zip(*blocks, strict=True)
    assert len(pictures) > 1
    return np.concatenate(pictures), np.concatenate(labels)


@pytest.mark.parametrize("packed", [True, False])
def test_emnist_and_qmnist_are_read_as_torchvision_reads_them(
    tmp_path: Path, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    emnist, qmnist = tmp_path / "EMNIST" / "raw", tmp_path / "QMNIST" / "raw"
    images = RANDOM.integers(0, 256, (30, 28, 28), np.uint8)
    letters = np.arange(30) % 26 + 1
    strange = np.zeros((30, 8), ">i4")
    strange[:, 0], strange[:, 5] = np.arange(30) % 10, -70_000
    contents = {
        emnist / "emnist-letters-train-images-idx3-ubyte": idx_bytes(images),
        emnist / "emnist-letters-train-labels-idx1-ubyte": idx_bytes(letters),
        qmnist / "qmnist-test-images-idx3-ubyte": idx_bytes(images),
        qmnist / "qmnist-test-labels-idx2-int": struct.pack(">BBBB2I", 0, 0, 12, 2, 30, 8) + strange.tobytes(),
    }
    for path, content in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.with_name(f"{path.name}.gz") if packed else path).write_bytes(
            gzip.compress(content) if packed else content
        )
    pictures = idx.read_idx(idx.image_file(emnist, "emnist-letters-train"), (30, 28, 28), "")[:, None]
    labels = idx.read_labels(emnist, "emnist-letters-train", 30, 26, "", first=1)
    monkeypatch.setattr(idx, "_BLOCK", 7 * 28 * 28)
    digits = whole(idx.qmnist_blocks(qmnist, "test", 30, ""))
    assert np.array_equal(labels + 1, letters) and labels.min() == 0
    if not packed:
        other = theirs().EMNIST(tmp_path, split="letters", train=True)
        assert np.array_equal(pictures[:, 0], other.data) and np.array_equal(labels + 1, other.targets)
        other = theirs().QMNIST(tmp_path, what="test")
        assert np.array_equal(digits[0][:, 0], other.data) and np.array_equal(digits[1], other.targets[:, 0])
    assert np.array_equal(idx.upright(pictures)[3, 0], images[3].T)
    with pytest.raises(DataError, match=r"label 2\d is none of the 20 classes"):
        idx.read_labels(emnist, "emnist-letters-train", 30, 20, "", first=1)


def test_usps_svhn_and_stl10_are_read_as_torchvision_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scipy.io import savemat

    values = RANDOM.uniform(-1, 1, (12, 256))
    lines = [
        f"{at % 10 + 1} " + " ".join(f"{number}:{value:.4f}" for number, value in enumerate(row, 1))
        for at, row in enumerate(values)
    ]
    usps = bz2.compress("\n".join([*lines, ""]).encode())
    (tmp_path / "usps.bz2").write_bytes(usps)
    found = published.read_usps(tmp_path / "usps.bz2", md5(usps), 12, "")
    other = theirs().USPS(tmp_path, train=True)
    assert np.array_equal(found[0][:, 0], other.data) and np.array_equal(found[1], other.targets)

    pixels = RANDOM.integers(0, 256, (32, 32, 3, 12), np.uint8)
    savemat(tmp_path / "test_32x32.mat", {"X": pixels, "y": (np.arange(12) % 10 + 1)[:, None].astype(np.uint8)})
    sum_ = md5((tmp_path / "test_32x32.mat").read_bytes())
    found = published.read_svhn(tmp_path / "test_32x32.mat", sum_, 12, "")
    monkeypatch.setitem(theirs().SVHN.split_list, "test", ["", "test_32x32.mat", sum_])
    other = theirs().SVHN(tmp_path, split="test")
    assert np.array_equal(found[0], other.data) and np.array_equal(found[1], other.labels)
    assert found[1].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2]

    planes = RANDOM.integers(0, 256, (4, 3, 96, 96), np.uint8)
    (tmp_path / "train_X.bin").write_bytes(planes.tobytes())
    (tmp_path / "train_y.bin").write_bytes(bytes([1, 10, 3, 4]))
    monkeypatch.setattr(published, "_BLOCK", 3 * 3 * 96 * 96)
    found = whole(published.stl10_blocks(tmp_path, "train", 4, ""))
    assert np.array_equal(found[0], planes.transpose(0, 1, 3, 2)) and found[1].tolist() == [0, 9, 2, 3]

    # Not the published file: not opened. Nor one of another length.
    with pytest.raises(DataError, match="not the published USPS file"):
        published.read_usps(tmp_path / "usps.bz2", "0" * 32, 12, "")
    with pytest.raises(DataError, match="does not hold 13 examples"):
        published.read_usps(tmp_path / "usps.bz2", md5(usps), 13, "")
    for count, state in ((3, "too long"), (5, "cut off")):
        with pytest.raises(DataError, match=state):
            whole(published.stl10_blocks(tmp_path, "train", count, ""))
    with pytest.raises(DataError, match="is missing"):
        published.read_svhn(tmp_path / "none.mat", sum_, 1, "")


def hundred(rows: int) -> bytes:
    return pickle.dumps({"data": RANDOM.integers(0, 256, (rows, 3072), np.uint8), "fine_labels": [7] * rows}, 2)


def test_cifar100_takes_the_fine_labels(tmp_path: Path) -> None:
    content = hundred(5)
    (tmp_path / "train").write_bytes(content)
    images, labels = cifar.read_batch(tmp_path / "train", md5(content), "", cifar.HUNDRED)
    assert images.shape == (5, 3, 32, 32) and labels.tolist() == [7] * 5


@pytest.fixture
def served(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:  # noqa: F811 - the fixture
    """CIFAR-100 with a few pictures on the site."""
    members = {"train": hundred(40), "test": hundred(20), "meta": b"names"}
    site.files["set.tar.gz"] = packed = tar_bytes({f"cifar-100-python/{name}": one for name, one in members.items()})
    remote = Remote("set.tar.gz", (site.url("set.tar.gz"),), md5(packed))
    spec, source = DECLARED["cifar100"]
    monkeypatch.setitem(DECLARED, "cifar100", (dataclasses.replace(spec, count=lambda params: (40, 20)), source))
    monkeypatch.setattr(acquire, "remotes", lambda kind: (remote,))
    monkeypatch.setattr(torchvision_bridge, "checksums", lambda kind: {name: md5(one) for name, one in members.items()})
    monkeypatch.setattr(acquire, "fetch", functools.partial(download.fetch, attempts=1, timeout=5.0))
    return site


def test_interrupted_anywhere_it_is_never_taken_for_whole(served: Site, tmp_path: Path) -> None:
    draw = random.Random(4)
    config, size = DataConfig("cifar100"), len(served.files["set.tar.gz"])
    asked: list[int] = []

    def told(limit: int) -> Callable[[], bool]:
        asked.clear()
        return lambda: asked.append(0) or len(asked) > limit  # type: ignore[func-returns-value]

    load(config, tmp_path / "counted", cancelled=told(10**9), download=True)
    steps, halves = len(asked), 0
    assert steps > 6
    for point in range(20):
        tensors.clear_cache()
        root = tmp_path / f"root{point}"
        if point % 2:
            served.cuts = [draw.randrange(size)]
            with pytest.raises(DataError, match=r"the connection ended after .* Or put set.tar.gz .* by hand"):
                load(config, root, download=True)
        else:
            # Next to busy neighbours it looks more often: then the last looks come after the end.
            with contextlib.suppress(Cancelled):
                load(config, root, cancelled=told(draw.randrange(1, steps)), download=True)
        try:
            data = load(config, root)  # all of it was there already, and only reading it was broken off
        except DataError:
            halves += 1
            data = load(config, root, download=True)
        assert (len(data.train) + len(data.validation), len(data.test)) == (40, 20)
        there = {path.name for path in (root / "cifar-100-python").iterdir()}
        assert there >= {"train", "test"} and not any(name.endswith(".part") for name in there)
    assert halves >= 10


def test_an_archive_that_was_put_there_by_hand_is_taken(served: Site, tmp_path: Path) -> None:
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    (folder / "set.tar.gz").write_bytes(served.files["set.tar.gz"])
    assert len(load(DataConfig("cifar100"), tmp_path, download=True).test) == 20 and served.asked == []


def test_a_published_set_is_streamed_as_any_other(
    served: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = load(DataConfig("cifar100"), tmp_path, download=True)
    on_disk = DataConfig("cifar100", {"memory": "disk"})
    same_data(load(on_disk, tmp_path), held)
    tensors.clear_cache()
    monkeypatch.setattr(cifar, "read_batch", lambda *more: pytest.fail("the files were read again"))
    found = load(on_disk, tmp_path)
    assert isinstance(found.train.inputs, Streamed) and found.facts.streamed
    same_data(found, held)
    assert datasets.inspect(on_disk, tmp_path).data.streamed


def test_a_silent_server_is_left_at_once(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        looks = 0

        def stop(done: int, total: int) -> None:
            nonlocal looks
            looks += 1
            if looks > 2:
                raise Cancelled("enough")

        url = f"http://127.0.0.1:{silent.getsockname()[1]}/file"
        with pytest.raises(Cancelled):  # and not after the minute of its time-out
            download.fetch([url], tmp_path / "file", "", stop, timeout=600.0)


def test_a_zip_is_unpacked_as_it_is_asked_for(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("gzip/wanted.gz", b"1" * 99)
        file.writestr("../../evil.gz", b"2")
    archive = tmp_path / "a.zip"
    archive.write_bytes(packed.getvalue())
    download.unpack_zip(archive, tmp_path / "deep" / "out", ["wanted.gz"])
    assert [path.name for path in (tmp_path / "deep" / "out").iterdir()] == ["wanted.gz"]
    assert not (tmp_path / "evil.gz").exists()
    with pytest.raises(DataError, match="lacks other"):
        download.unpack_zip(archive, tmp_path, ["other"])
    archive.write_bytes(packed.getvalue()[:50])
    with pytest.raises(DataError, match="damaged"):
        download.unpack_zip(archive, tmp_path, ["wanted.gz"])


def test_flat_sets_lie_in_the_root_or_in_a_folder_of_their_own(tmp_path: Path) -> None:
    for place in (tmp_path / "a", tmp_path / "b" / "USPS"):
        place.mkdir(parents=True)
        (place / "usps.bz2").write_bytes(b"")
    assert datasets.locate(DataConfig("usps"), tmp_path / "a") == tmp_path / "a"
    assert datasets.locate(DataConfig("usps"), tmp_path / "b") == tmp_path / "b" / "USPS"
    assert datasets.locate(DataConfig("usps"), tmp_path / "b" / "USPS") == tmp_path / "b" / "USPS"
