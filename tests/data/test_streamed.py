"""Sets that do not fit into memory: decoded once into a file, broken off anywhere and gone on with, fed the same."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from nnviz.data import datasets, images, memory_budget, room_for_rows, row_store, tensors
from nnviz.data.described import histograms
from nnviz.data.preparation import moments
from nnviz.data.streamed import Streamed, read_ahead
from nnviz.data.tensors import Feeder, LoadedData, load
from nnviz.data.viewing import view
from nnviz.errors import Cancelled, DataError, StorageError
from nnviz.project.checks.memory import Examples
from nnviz.project.model import Choice, DataConfig

COUNT = 40


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Two classes of 40 pictures each, of many sizes and kinds; some of 16 bits, and one that cannot be read."""
    random = np.random.default_rng(0)
    for place, name in enumerate(("cat", "dog")):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(COUNT):
            height, width = random.integers(5, 30, 2)
            file = tmp_path / "pets" / name / f"{number:02}.png"
            if number % 13 == 5:
                pixels = random.integers(0, 1000 + 3000 * place, (height, width)).astype(np.uint16)
            else:
                pixels = random.integers(0, 256, (height, width, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(file)
    (tmp_path / "pets" / "dog" / "07.png").write_bytes(b"no picture")
    return tmp_path / "pets"


def config(root: Path, memory: str = "disk", **more: object) -> DataConfig:
    fields = {name: more.pop(name) for name in ("preparation", "augmentation", "validation_fraction") if name in more}
    params = {"folder": str(root), "size": 12, "memory": memory, **more}
    return DataConfig("image_folder", params, **fields)  # type: ignore[arg-type]


def kept() -> Path:
    """The folder of the only set that is kept."""
    (folder,) = (one for one in row_store.root().iterdir() if one.is_dir())
    return folder


def same_data(one: LoadedData, other: LoadedData) -> None:
    """Bit for bit."""
    assert one.fingerprint == other.fingerprint and one.warnings == other.warnings
    for name in ("train", "validation", "test"):
        first, second = one.split(name), other.split(name)
        assert torch.equal(first.inputs[:], second.inputs[:]) and torch.equal(first.targets, second.targets)
        for index in (0, len(first) - 1):
            assert torch.equal(first.inputs[index], second.inputs[index])
            assert torch.equal(first.as_read(index).nan_to_num(), second.as_read(index).nan_to_num())
    assert len(one.scaler.numbers) == len(other.scaler.numbers)
    for number, same in zip(one.scaler.numbers, other.scaler.numbers, strict=True):
        assert torch.equal(number, same)


STEPS = (
    Choice("resize", {"size": (8, 10), "how": "fit"}),
    Choice("colour", {"to": "grey"}),
    Choice("balance", {"by": "repeat"}),
    Choice("subset", {"share": 0.8}),
    Choice("label_noise", {"share": 0.1}),
    Choice("centre", {"per": "pixel"}),
    Choice("standardise"),
)


@pytest.mark.parametrize("preparation", [(), (Choice("standardise"),), STEPS], ids=["none", "usual", "all"])
def test_streamed_is_the_same_data(pets: Path, preparation: tuple[Choice, ...]) -> None:
    chosen = [config(pets, memory, preparation=preparation) for memory in ("disk", "memory")]
    streamed, held = (load(one) for one in chosen)
    assert isinstance(streamed.train.inputs, Streamed) and isinstance(held.train.inputs, torch.Tensor)
    assert streamed.train.inputs.shape == held.train.inputs.shape and streamed.train.bytes < 1000
    same_data(streamed, held)
    told = [datasets.inspect(one) for one in chosen]
    assert [one.data.streamed for one in told] == [True, False]
    assert told[0].warnings == told[1].warnings and told[0].unreadable == 1
    assert any(str(row_store.root()) in note for note in told[0].notes)
    views = [view(one) for one in chosen]
    numbers = np.arange(len(views[0]))[::-7]
    assert np.array_equal(views[0].inputs_of(numbers), views[1].inputs_of(numbers))
    assert views[0].files == views[1].files and views[0].mark_of(3) == views[1].mark_of(3)
    for one, other in zip(histograms(views[0]), histograms(views[1]), strict=True):
        assert np.array_equal(one.counts, other.counts)
    for per_pixel in (False, True):
        found = [moments(one.train.inputs, each_pixel=per_pixel) for one in (streamed, held)]
        assert all(torch.equal(first, second) for first, second in zip(*found, strict=True))


def test_batches_are_the_same_and_read_ahead_of_the_one_in_use(pets: Path) -> None:
    augmentation = (Choice("flip"), Choice("mix_up"))
    streamed, held = (load(config(pets, memory, augmentation=augmentation)) for memory in ("disk", "memory"))
    feeders = [Feeder(one.train, one.scaler, 7, seed=3, augmentation=one.augmentation) for one in (streamed, held)]
    for epoch, start in ((0, 0), (1, 3), (2, 99)):
        batches = [list(feeder.batches(epoch, start)) for feeder in feeders]
        assert len(batches[0]) == len(batches[1])
        for (inputs, targets), (same, same_targets) in zip(*batches, strict=True):
            assert torch.equal(inputs, same) and torch.equal(targets, same_targets)
    assert torch.equal(feeders[0].prepare([5, 1]), feeders[1].prepare([5, 1]))
    for one, other in zip(
        *(Feeder(d.test, d.scaler, 4, shuffle=False).batches() for d in (streamed, held)), strict=True
    ):
        assert torch.equal(one[0], other[0])
    # One batch costs one; whoever takes a second has more read ahead, and leaves nothing behind that goes on.
    inputs = streamed.train.inputs
    assert isinstance(inputs, Streamed)
    taken: list[int] = []
    parts = (taken.append(first) or slice(first, first + 2) for first in range(0, 40, 2))  # type: ignore[func-returns-value]
    reading = read_ahead(inputs, parts)
    assert torch.equal(next(reading), inputs[:2]) and taken == [0]
    assert torch.equal(next(reading), inputs[2:4]) and 2 <= len(taken) <= 6
    reading.close()


def test_what_a_reader_fails_with_comes_out_where_the_batch_would(pets: Path) -> None:
    def fails(pictures: torch.Tensor) -> torch.Tensor:
        if len(pictures) == 3:
            raise ValueError("planted")
        return pictures

    inputs = load(config(pets)).train.inputs
    assert isinstance(inputs, Streamed)
    reading = read_ahead(inputs.then("fails", fails), iter([slice(0, 4), slice(4, 8), slice(8, 11), slice(11, 15)]))
    assert len(next(reading)) == len(next(reading)) == 4
    with pytest.raises(ValueError, match="planted"):
        next(reading)


class Stop:
    """Breaks an import off at a moment, and takes a picture of the disk as a kill at that moment would leave it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, copy: Path | None = None) -> None:
        self._left, self._copy = at, copy
        self._real = row_store._write
        monkeypatch.setattr(row_store, "_TOGETHER", 700)  # a write for every second picture
        monkeypatch.setattr(row_store, "_write", self)

    def __call__(self, file: object, place: int, content: bytes) -> None:
        self._left -= 1
        if self._left == 0:
            self._real(file, place, content[: len(content) // 2])  # type: ignore[arg-type]  # torn in the middle
            if self._copy is not None:
                shutil.copytree(row_store.root(), self._copy)
            raise Cancelled("stopped")
        self._real(file, place, content)  # type: ignore[arg-type]


def test_an_import_that_is_broken_off_anywhere_is_gone_on_with(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = load(config(pets, "memory"))
    decoded: list[Path] = []
    real = images.read_unless_deep
    monkeypatch.setattr(images, "read_unless_deep", lambda path, *more: decoded.append(path) or real(path, *more))  # type: ignore[func-returns-value]
    fewer = 0
    for number, at in enumerate(np.random.default_rng(1).integers(1, 110, 20).tolist()):
        shutil.rmtree(row_store.root(), ignore_errors=True)
        tensors.clear_cache()
        with monkeypatch.context() as planted:
            Stop(planted, at, tmp_path / f"killed{number}")
            try:
                load(config(pets))
                continue  # it had fewer writes than that
            except Cancelled:
                pass
        assert not (kept() / "whole.json").exists()
        if number % 2:  # as a kill leaves it, rather than an orderly end
            shutil.rmtree(row_store.root())
            shutil.copytree(tmp_path / f"killed{number}", row_store.root())
        tensors.clear_cache()
        decoded.clear()
        same_data(load(config(pets)), reference)
        fewer += len(decoded) < 2 * COUNT - 3
    assert fewer > 10, "what was decoded is not decoded again"
    decoded.clear()
    tensors.clear_cache()
    same_data(load(config(pets)), reference)
    assert not decoded, "a whole set is only opened"


def zeroed(folder: Path) -> None:
    with (folder / "rows").open("r+b") as file:
        file.write(bytes(4000))


def cut(folder: Path) -> None:
    with (folder / "rows").open("r+b") as file:
        file.truncate(5000)


def foreign_header(folder: Path) -> None:
    header = msgspec.json.decode((folder / "whole.json").read_bytes())
    (folder / "whole.json").write_bytes(msgspec.json.encode({**header, "left_out": [[99999, "x"]]}))


def no_json(folder: Path) -> None:
    (folder / "whole.json").write_bytes(b"\x80\x04cos\nsystem\n")


def only_rows_gone(folder: Path) -> None:
    """As a cleaner leaves it that takes the largest file."""
    (folder / "rows").unlink()


def link(folder: Path) -> None:
    (folder / "rows").unlink()
    (folder / "rows").symlink_to(folder / "progress")


def whole_of_nothing(folder: Path) -> None:
    (folder / "progress").write_bytes(b"\x01" * 17)


def half_with_its_time(folder: Path) -> None:
    """Other content under the old time: the checksums tell."""
    import os

    facts = (folder / "rows").stat()
    (folder / "rows").write_bytes(bytes(facts.st_size))
    os.utime(folder / "rows", ns=(facts.st_atime_ns, facts.st_mtime_ns))


@pytest.mark.parametrize(
    "damage",
    [zeroed, cut, foreign_header, no_json, only_rows_gone, link, whole_of_nothing, half_with_its_time],
)
def test_what_is_damaged_or_foreign_is_made_anew(pets: Path, damage: Callable[[Path], None]) -> None:
    reference = load(config(pets))
    pictures = reference.train.inputs[:].clone()
    damage(kept())
    tensors.clear_cache()
    again = load(config(pets))
    assert torch.equal(again.train.inputs[:], pictures) and again.fingerprint == reference.fingerprint
    assert not (kept() / "rows").is_symlink()


def test_other_files_or_another_size_are_another_set(pets: Path) -> None:
    first = load(config(pets))
    Image.new("RGB", (9, 9), (1, 2, 3)).save(pets / "cat" / "00.png")
    tensors.clear_cache()
    second = load(config(pets))
    assert first.fingerprint is not None and second.fingerprint is not None
    assert first.fingerprint.content != second.fingerprint.content
    load(config(pets, size=9))
    assert len([one for one in row_store.root().iterdir() if one.is_dir()]) == 3


def test_a_full_disk_is_one_sentence_and_nothing_is_taken_for_whole(
    pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as planted:
        planted.setattr(room_for_rows, "_free", lambda folder: 300_000_000)
        planted.setattr(room_for_rows, "LEFT_FREE", 300_000_000)
        with pytest.raises(StorageError, match=r"80 pictures take 34\.5 kB on the disk, but .* has room for 0 bytes"):
            load(config(pets))
    with monkeypatch.context() as planted:
        real, written = row_store._write, 0

        def full(file: object, place: int, content: bytes) -> None:
            nonlocal written
            written += len(content)
            if written > 9000:
                raise OSError(errno.ENOSPC, "No space left on device")
            real(file, place, content)  # type: ignore[arg-type]

        planted.setattr(row_store, "_write", full)
        planted.setattr(row_store, "_TOGETHER", 1000)
        with pytest.raises(StorageError, match=r"could not be kept in .*: the disk is full"):
            load(config(pets))
    assert not (kept() / "whole.json").exists()
    same_data(load(config(pets)), load(config(pets, "memory")))


def test_the_longest_unused_goes_where_room_is_needed(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(config(pets))
    first = kept()
    monkeypatch.setattr(room_for_rows, "MOST_BYTES", 60_000)
    load(config(pets, size=11))
    assert not first.exists() and kept() != first
    monkeypatch.setattr(room_for_rows, "MOST_BYTES", 1000)
    with pytest.raises(StorageError, match="choose a smaller size"):
        load(config(pets, size=10))


def test_what_fits_is_held_in_memory_and_the_rest_is_streamed(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = 2 * COUNT * 3 * 12 * 12
    monkeypatch.setenv(memory_budget.VARIABLE, str(2 * needed / 1e6))
    assert isinstance(load(config(pets, "auto")).train.inputs, torch.Tensor)
    monkeypatch.setenv(memory_budget.VARIABLE, str((2 * needed - 1) / 1e6))
    tensors.clear_cache()
    assert isinstance(load(config(pets, "auto")).train.inputs, Streamed)
    assert isinstance(load(config(pets, "memory")).train.inputs, torch.Tensor)
    facts = msgspec.structs.replace(datasets.inspect(config(pets, "auto")).data, examples=(50, 10, 20))
    assert Examples.of(facts).bytes_each == 8, "the checks count no memory for pictures on the disk"
    monkeypatch.setenv(memory_budget.VARIABLE, "much")
    with pytest.raises(DataError, match="NNVIZ_MEMORY_BUDGET is 'much', but must be a number of megabytes"):
        load(config(pets, "auto", size=13))
    monkeypatch.delenv(memory_budget.VARIABLE)
    monkeypatch.setattr(images, "MOST_BYTES", 1000)
    assert isinstance(load(config(pets, "auto", size=9)).train.inputs, Streamed), "however much memory is free"
    with pytest.raises(DataError, match="let them be streamed from the disk") as caught:
        load(config(pets, "memory", size=9))
    assert caught.value.field == "data.params.memory"


def test_the_import_says_how_far_it_is_and_ends_when_it_is_asked_to(pets: Path) -> None:
    said: list[tuple[str, int, int]] = []

    def enough() -> bool:
        return bool(said) and said[-1][1] == 64

    with pytest.raises(Cancelled, match=r"The import was stopped at about \d+ of 80 pictures\. Next time it goes on"):
        datasets.look(config(pets), None, lambda *values: said.append(values), enough)
    assert said[-1] == ("Importing Image folder", 64, 80)
