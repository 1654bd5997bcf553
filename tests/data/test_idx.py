"""The IDX reader: what is right is read, whatever is wrong is named."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from idx_files import idx_bytes

from nnviz.data.idx import image_file, read_idx, read_labels
from nnviz.errors import DataError

VALUES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
GOOD = idx_bytes(VALUES)


def test_plain_and_packed_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(GOOD)
    (tmp_path / "packed.gz").write_bytes(gzip.compress(GOOD))
    for name in ("plain", "packed"):
        values = read_idx(tmp_path / name, (2, 3, 4), "")
        assert np.array_equal(values, VALUES) and values.flags.writeable and values.dtype == np.uint8


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file"),
        (GOOD[:15], "not an IDX file"),
        (b"\1" + GOOD[1:], "not an IDX file"),
        (GOOD[:2] + b"\x0d" + GOOD[3:], "not an IDX file"),
        (GOOD[:3] + b"\1" + GOOD[4:], "not an IDX file of 3 dimensions"),
        (GOOD[:-1], "cut off: 40 bytes"),
        (GOOD + b"x", "longer than it says"),
        (idx_bytes(VALUES.reshape(2, 4, 3)), "2 × 4 × 3 values, not 2 × 3 × 4"),
        (GOOD[:4] + b"\xff" * 12 + GOOD[16:], "4294967295 × 4294967295"),
    ],
)
def test_damage_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(tmp_path / "file", (2, 3, 4), "Get another.")
    assert caught.value.file == str(tmp_path / "file") and "Get another." in str(caught.value)


def test_missing_unreadable_and_damaged_archives_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing"):
        read_idx(tmp_path / "file", (2, 3, 4), "")
    packed = gzip.compress(GOOD)
    for content in (packed[:-9], packed[:20] + b"\0\0\0\0" + packed[24:], b"plain"):
        (tmp_path / "file.gz").write_bytes(content)
        with pytest.raises(DataError, match=r"file\.gz"):
            read_idx(tmp_path / "file", (2, 3, 4), "")
    (tmp_path / "file.gz").write_bytes(gzip.compress(GOOD + bytes(10_000_000)))
    with pytest.raises(DataError, match="longer than it says"):
        read_idx(tmp_path / "file", (2, 3, 4), "")


@given(content=st.one_of(st.binary(max_size=64), st.binary(max_size=30).map(lambda tail: GOOD[:16] + tail)))
def test_any_bytes_are_read_or_named(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("idx") / "file"
    path.write_bytes(content)
    try:
        values = read_idx(path, (2, 3, 4), "")
    except DataError:
        return
    assert content == idx_bytes(values)


def test_labels_out_of_range_are_named(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes(np.zeros((3, 28, 28))))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.array([0, 9, 10])))
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte: The label 10 is none of the 10 classes"):
        read_labels(tmp_path, "train", 3, 10, "")
    images = read_idx(image_file(tmp_path, "train"), (3, 28, 28), "")
    assert images.shape == (3, 28, 28)
    assert read_labels(tmp_path, "train", 3, 11, "").tolist() == [0, 9, 10]


def test_the_same_as_torchvisions_reader(tmp_path: Path) -> None:
    from nnviz.data.torchvision_bridge import import_torchvision

    random = np.random.default_rng(0)
    values = random.integers(0, 256, (7, 5, 6))
    (tmp_path / "file").write_bytes(idx_bytes(values))
    theirs = import_torchvision("torchvision.datasets.mnist").read_image_file(str(tmp_path / "file"))
    assert np.array_equal(read_idx(tmp_path / "file", (7, 5, 6), ""), theirs.numpy())
