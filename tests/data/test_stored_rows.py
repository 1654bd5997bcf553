"""Rows of a file, read at their places: those that an array would give, however they lie and whatever the disk says."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

import nnviz
from nnviz.data import stored_rows
from nnviz.data.stored_rows import StoredRows
from nnviz.data.streamed import Streamed, read_ahead
from nnviz.errors import DataError

KINDS = [((6,), np.float32, 3000), ((3, 5, 5), np.uint8, 500), ((40, 40), np.float32, 60), ((), np.uint8, 90)]


def planted(path: Path, each: tuple[int, ...], dtype: type, count: int) -> np.ndarray:
    random = np.random.default_rng(count)
    array = random.integers(0, 256, (count, *each)).astype(dtype)
    path.write_bytes(array.tobytes())
    return array


def choices(count: int) -> list[object]:
    """Near together and far from each other, twice the same, from the end, none at all."""
    random = np.random.default_rng(3)
    mask = random.random(count) < 0.3
    return [
        0,
        -1,
        slice(None),
        slice(5, 20),
        slice(20, 5),
        slice(None, None, -7),
        random.permutation(count),
        random.choice(count, 4, replace=False),
        random.integers(-count, count, 50),
        np.sort(random.integers(0, count, 30)),
        np.arange(7, 19),
        np.full(6, count // 2),
        np.zeros(0, np.int64),
        mask,
    ]


@pytest.mark.parametrize("way", ["usual", "cold", "not told", "one after the other"])
def test_they_are_those_of_the_array(tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    if way == "one after the other":
        monkeypatch.setattr(stored_rows, "_AT_ONCE", False)
    elif way != "usual":
        if not getattr(os, "RWF_NOWAIT", 0):
            pytest.skip("this system does not tell what is in memory")
        real = os.preadv

        def preadv(number: int, buffers: Sequence[memoryview], place: int, flags: int = 0) -> int:
            if flags & os.RWF_NOWAIT and way == "not told":
                raise OSError(errno.EOPNOTSUPP, "Operation not supported")
            if flags & os.RWF_NOWAIT and place % 5 == 2:
                raise BlockingIOError
            if flags & os.RWF_NOWAIT and place % 5 == 3:  # a part of it is
                return real(number, [buffers[0][:1]], place)
            return real(number, buffers, place)

        monkeypatch.setattr(os, "preadv", preadv)
        monkeypatch.setattr(os, "posix_fadvise", lambda *more: asked.append(more[1]))
    for each, dtype, count in KINDS:
        array = planted(tmp_path / "rows", each, dtype, count)
        order = np.random.default_rng(1).permutation(count)[: count // 2]
        for rows, same in (
            (StoredRows(tmp_path / "rows", array.shape, dtype=dtype), array),
            (StoredRows(tmp_path / "rows", array.shape, order, dtype), array[order]),
        ):
            for chosen in choices(len(same)):
                assert np.array_equal(rows[chosen], same[chosen])  # type: ignore[index]
                if not isinstance(chosen, int):
                    assert np.array_equal(rows.only(chosen)[:], same[chosen])  # type: ignore[arg-type]
            for outside in (len(same), -len(same) - 1):
                with pytest.raises(IndexError):
                    rows[np.array([0, outside])]
    assert bool(asked) == (way == "cold"), "what is not in memory is asked of the disk before it is waited for"


def test_a_batch_costs_nothing_that_grows_with_the_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set of a thousand million rows, of which the file has none."""
    with (tmp_path / "rows").open("wb") as file:
        file.truncate(10**9)
    rows = StoredRows(tmp_path / "rows", (10**9,))
    with monkeypatch.context() as planted:
        planted.setattr(np, "arange", lambda *more: pytest.fail("all rows were numbered"))
        assert not rows[np.array([5, 10**9 - 1, 7])].any()


@pytest.mark.skipif(os.name == "nt", reason="a file without holes would take minutes")
def test_places_beyond_two_gigabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where numpy counts in 32 bits when it is not told otherwise, as it did on Windows before numpy 2."""
    for name in ("array", "arange"):
        real = getattr(np, name)

        def made(*given: object, dtype: object = None, real: Callable[..., np.ndarray] = real) -> np.ndarray:
            found = real(*given, dtype=dtype)
            return found.astype(np.int32) if dtype is None and found.dtype == np.int64 else found

        monkeypatch.setattr(stored_rows.np, name, made)
    size, count = 1 << 16, 40_000
    with (tmp_path / "rows").open("wb") as file:
        file.truncate(size * count)  # takes no room
        file.seek(size * (count - 1))
        file.write(b"\7")
    rows = StoredRows(tmp_path / "rows", (count, size))
    last = slice(count - 2, count)
    wanted = np.zeros(count, bool)
    wanted[-1] = True
    assert rows[-1][0] == rows.only(last)[-1][0] == rows.only(last)[:][1, 0] == rows[wanted][0, 0] == 7


def test_no_file_of_examples_is_mapped(tmp_path: Path) -> None:
    """A mapped file that another program cuts takes the program with it."""
    if not Path("/proc/self/maps").exists():
        pytest.skip("this system does not tell")
    array = planted(tmp_path / "rows", (100,), np.uint8, 200)
    inputs = Streamed(StoredRows(tmp_path / "rows", array.shape))
    order = torch.from_numpy(np.random.default_rng(0).permutation(200))
    read = torch.cat(list(read_ahead(inputs, iter(order.split(7)))))
    assert np.array_equal(read, array[order])
    assert str(tmp_path) not in Path("/proc/self/maps").read_text()


def test_cut_between_two_reads_of_one_task(tmp_path: Path) -> None:
    """The batches that could be read are given out, the others are a sentence."""
    array = planted(tmp_path / "rows", (5000,), np.uint8, 64)
    inputs = Streamed(StoredRows(tmp_path / "rows", array.shape))
    reading = read_ahead(inputs, iter(torch.arange(64).split(4)))
    taken = [next(reading)]
    os.truncate(tmp_path / "rows", 5000 * 40 + 100)
    with pytest.raises(DataError, match="it was cut by another program") as caught:
        taken += reading
    assert caught.value.file == str(tmp_path / "rows")
    assert len(taken) == 10 and np.array_equal(torch.cat(taken), array[:40])


def test_nothing_in_the_program_asks_for_a_mapped_file() -> None:
    """Whatever maps files by itself: numpy, torch, polars where it is given a path. SQLite is told not to."""
    asking = re.compile(
        r"import mmap|from mmap|memmap|mmap_mode|mmap=True|from_file\(|safe_open|scan_(csv|ipc|ndjson)\("
    )
    root = Path(nnviz.__file__).parent
    assert not [str(file) for file in root.rglob("*.py") if asking.search(file.read_text("utf-8"))]
