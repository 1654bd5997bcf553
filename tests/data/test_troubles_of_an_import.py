"""What else happens while examples are brought to the disk: to the disk, to their folder, to a lock."""

from __future__ import annotations

import errno
import os
import shutil
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from PIL import Image

from nnviz import file_locks
from nnviz.data import datasets, folder_locks, image_files, images, room_for_rows, row_store, tensors
from nnviz.data.numpy_arrays import FileArray
from nnviz.data.streamed import Streamed
from nnviz.data.tensors import LoadedData, load
from nnviz.data.viewing import view
from nnviz.errors import Cancelled, DataError, StorageError
from nnviz.project.model import DataConfig


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Two classes of six pictures, each of one tone: cats are dark, dogs are light."""
    for place, name in enumerate(("cat", "dog")):
        for number in range(6):
            tone_of(tmp_path / "pets" / name / f"{number}.png", 100 * place + 10 * number)
    return tmp_path / "pets"


def tone_of(file: Path, tone: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (9, 9), (tone,) * 3).save(file)


def config(root: Path, memory: str = "disk") -> DataConfig:
    return DataConfig("image_folder", {"folder": str(root), "size": 8, "memory": memory, "test_share": 0.0})


def tones(data: LoadedData) -> dict[str, list[int]]:
    """The tones of the pictures by the name of their class."""
    found: dict[str, list[int]] = {name: [] for name in data.facts.class_names}
    for split in (data.train, data.validation):
        for picture, label in zip(split.inputs[:], split.targets.tolist(), strict=True):
            found[data.facts.class_names[label]].append(int(picture[0, 0, 0]))
    return {name: sorted(held) for name, held in found.items()}


CATS, DOGS = [0, 10, 20, 30, 40, 50], [100, 110, 120, 130, 140, 150]


@pytest.mark.parametrize("memory", ["disk", "memory"])
def test_a_class_that_comes_in_meanwhile_changes_no_name(
    pets: Path, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder would be the first: what was listed before it and named after it would be called wrongly."""
    real = images.read_unless_deep

    def read(path: Path, *more: object) -> object:
        if not (pets / "ant").exists():
            for number in range(3):
                tone_of(pets / "ant" / f"{number}.png", 200)
            tone_of(pets / "cat" / "00.png", 55)
        return real(path, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(images, "read_unless_deep", read)
    seen = view(config(pets, memory))
    assert seen.class_names == ("cat", "dog") and len(seen) == len(seen.files) == 12
    for number, name in enumerate(seen.files):
        tone = int(seen.input_of(number)[0, 0, 0])
        assert name == f"{('cat', 'dog')[tone // 100]}/{tone % 100 // 10}.png"
    assert tones(load(config(pets, memory))) == {"ant": [200] * 3, "cat": sorted([*CATS, 55]), "dog": DOGS}


@pytest.mark.parametrize("memory", ["disk", "memory"])
def test_what_could_not_be_reached_is_tried_again(pets: Path, memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a share of the network that was away for a moment; what a picture holds is another matter."""
    (pets / "dog" / "3.png").write_bytes(b"no picture")
    away = {pets / "cat" / "1.png": errno.EIO, pets / "dog" / "2.png": errno.ENOENT}
    opened: list[Path] = []

    def open_regular(path: Path) -> object:
        opened.append(path)
        if path in away:
            raise OSError(away[path], os.strerror(away[path]))
        return path.open("rb")

    for module in ("images", "image_files"):
        monkeypatch.setattr(f"nnviz.data.{module}.open_regular", open_regular)
    first = load(config(pets, memory))
    assert tones(first) == {"cat": [0, *CATS[2:]], "dog": [100, 110, 140, 150]}
    tensors.clear_cache()
    opened.clear()
    assert tones(load(config(pets, memory))) == tones(first)
    if memory == "disk":
        assert set(opened) == set(away), "no picture is decoded again for that"
    away.clear()
    tensors._CACHE.clear()  # in the same process it is not remembered either
    opened.clear()
    assert tones(load(config(pets, memory))) == {"cat": CATS, "dog": [100, 110, 120, 140, 150]}
    if memory == "disk":
        assert pets / "dog" / "5.png" not in opened, "what is there is not decoded again"


def fails(error: int) -> Callable[..., object]:
    def fail(*more: object, **named: object) -> object:
        raise OSError(error, os.strerror(error))

    return fail


PHASES = {
    "its folder": (Path, "mkdir"),
    "the lock": (folder_locks, "take_lock"),
    "the files": (row_store, "_opened_to_change"),
    "the rows": (row_store, "_write"),
    "the end": (os, "fsync"),
    "the header": (os, "replace"),
}


@pytest.mark.parametrize("phase", PHASES)
def test_a_disk_that_is_full_in_any_phase_is_one_sentence(
    pets: Path, phase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as planted:
        planted.setattr(*PHASES[phase], fails(errno.ENOSPC))
        with pytest.raises(StorageError, match=r"could not be (kept|saved).*: the disk is full") as caught:
            load(config(pets))
    assert "\n" not in str(caught.value)
    assert not list(row_store.root().glob("*/whole.json"))
    tensors.clear_cache()
    assert tones(load(config(pets))) == {"cat": CATS, "dog": DOGS}


def test_what_others_fill_meanwhile_is_not_filled_to_its_end(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is room for it at first, but they take as much."""
    monkeypatch.setattr(row_store, "_ROWS_TOGETHER", 2)
    free = [room_for_rows.LEFT_FREE + 12 * 3 * 64]
    with monkeypatch.context() as planted:
        planted.setattr(room_for_rows, "_free", lambda folder: free[0] - rows_there())
        real = row_store._write

        def write(file: IO[bytes], place: int, content: bytes) -> None:
            free[0] -= len(content)
            real(file, place, content)

        planted.setattr(row_store, "_write", write)
        with pytest.raises(StorageError, match="the disk is full"):
            load(config(pets))
        assert 0 < rows_there() < 12 * 3 * 64
    tensors.clear_cache()
    assert tones(load(config(pets))) == {"cat": CATS, "dog": DOGS}


def rows_there() -> int:
    return sum(file.stat().st_size for file in row_store.root().glob("*/rows"))


def test_a_set_on_a_disk_that_can_only_be_read_is_used(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(config(pets))
    tensors.clear_cache()
    real = os.open

    def read_only(path: object, flags: int, *more: object, **named: object) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return real(path, flags, *more, **named)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(os, "open", read_only)
    monkeypatch.setattr(os, "utime", fails(errno.EROFS))
    monkeypatch.setattr(images, "read_unless_deep", lambda *more: pytest.fail("decoded again"))
    data = load(config(pets))
    assert isinstance(data.train.inputs, Streamed) and tones(data) == {"cat": CATS, "dog": DOGS}
    shutil.rmtree(row_store.root())
    tensors.clear_cache()
    with pytest.raises(StorageError, match="that disk can only be read"):
        load(config(pets))


def test_a_disk_that_knows_no_locks_will_do(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(fcntl, "flock", fails(errno.ENOLCK))
    assert tones(load(config(pets))) == {"cat": CATS, "dog": DOGS}


def test_two_that_import_the_same_do_it_once(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with a memory of its own, as two programs have: the second waits for the first, sees it, and then has it."""
    real, decoded = images.read_unless_deep, []
    said: list[list[int]] = [[], []]
    seen = threading.Event()

    def read(path: Path, *more: object) -> object:
        decoded.append(path)
        if len(decoded) == 10:
            seen.wait(20)
        return real(path, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(images, "read_unless_deep", read)
    monkeypatch.setattr(row_store, "_ROWS_TOGETHER", 2)
    monkeypatch.setattr(folder_locks, "_LOOK_EVERY", 0.01)
    files = sorted(pets.glob("*/*.png"))
    found: list[images.ReadPictures] = []

    def bring(own: list[int]) -> None:
        def report(done: int) -> None:
            own.append(done)
            if 0 < done < len(files):
                seen.set()

        found.append(images.store_pictures(files, 8, 3, "white", report, state="same"))

    both = [threading.Thread(target=bring, args=(own,)) for own in said]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(30)
    assert sorted(decoded) == files and len(found) == 2
    assert np.array_equal(found[0].pixels[:], found[1].pixels[:])
    assert seen.is_set() and all(own == sorted(own) for own in said), "who waits is told how far the other is"


@pytest.mark.parametrize("memory", ["disk", "memory"])
def test_arrays_that_are_written_while_they_are_read_are_not_taken(
    tmp_path: Path, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their answers were read before: they would be those of other inputs."""
    labels = np.arange(60) % 2
    np.savez(tmp_path / "a.npz", x=labels[:, None] + np.zeros((60, 3)), y=labels)
    real = FileArray.pieces

    def pieces(array: FileArray, first: int = 0) -> Iterator[np.ndarray]:
        found = list(real(array, first))
        if array.name == "x" and not written:
            written.append(True)
            np.savez(tmp_path / "a.npz", x=1 - labels[:, None] + np.zeros((60, 3)), y=1 - labels)
            os.utime(tmp_path / "a.npz", ns=(0, 10**18))
            found = list(real(array, first))
        yield from found

    chosen = DataConfig("numpy_file", {"path": str(tmp_path / "a.npz"), "memory": memory}, preparation=())
    datasets.inspect(chosen)  # what there is to know is known
    written: list[bool] = []
    monkeypatch.setattr(FileArray, "pieces", pieces)
    with pytest.raises(DataError, match="was changed while it was read: load it again") as caught:
        load(chosen)
    assert caught.value.file == str(tmp_path / "a.npz")
    data = load(chosen)
    assert np.array_equal(data.train.inputs[:][:, 0].numpy(), data.train.targets.reshape(-1).numpy())


def test_a_picture_is_decoded_without_its_file_being_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """libtiff maps what it knows the number of: neither it nor anybody else is told that of a picture."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.tif", compression="tiff_lzw")
    opened: list[int] = []

    def open_regular(path: Path) -> object:
        file = path.open("rb")
        opened.append(file.fileno())
        return file

    monkeypatch.setattr(image_files, "open_regular", open_regular)
    decoder = Image.core.libtiff_decoder
    told: list[object] = []
    monkeypatch.setattr(Image.core, "libtiff_decoder", lambda *more: told.extend(more) or decoder(*more))  # type: ignore[func-returns-value]
    assert np.array_equal(images.read_image(tmp_path / "a.tif", 40, 3), pixels.transpose(2, 0, 1))
    assert opened and told and not {one for one in told if one is not False} & set(opened)


def test_what_is_said_of_a_damaged_folder_stands_on_one_line(tmp_path: Path) -> None:
    root = tmp_path / "pe\nts"
    for name in ("cat", "do\ng"):
        tone_of(root / name / "a\nb.png", 5)
        tone_of(root / name / "c.png", 6)
        shutil.copy(root / name / "c.png", os.fsencode(root / name) + b"/\xff.png")
        (root / name / "nothing.png").write_bytes(b"")
        (root / name / "circle.png").symlink_to("circle.png")
        (root / name / "itself").symlink_to(".")
    seen = view(config(root))
    assert len(seen) == 6 and len(seen.left_out) == 4
    assert all(name.isprintable() for name in (*seen.files, *(one.file for one in seen.left_out)))
    assert "cat/\\udcff.png" in seen.files and "do\\ng/a\\nb.png" in seen.files
    with pytest.raises(DataError) as caught:
        load(config(root / "cat"))
    assert "\n" not in str(caught.value)


def test_what_was_only_looked_at_makes_room(pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set of which somebody was told, and that nobody has loaded; and a table likewise."""
    table = tmp_path / "t.csv"
    table.write_text("a,b,y\n" + "".join(f"{row},{row % 3},{'pq'[row % 2]}\n" for row in range(300)))
    chosen = DataConfig("table_file", {"path": str(table), "memory": "disk"})
    monkeypatch.setattr(room_for_rows, "MOST_BYTES", 6500)  # the pictures take 2,500, the table 5,000
    for one, other in ((config(pets), chosen), (chosen, config(pets))):
        datasets.inspect(one)
        first = list(row_store.root().glob("*/rows"))
        assert datasets.inspect(other).data.streamed
        assert not all(file.exists() for file in first)
        tensors.clear_cache()
        shutil.rmtree(row_store.root())


@pytest.fixture
def scans(tmp_path: Path) -> list[Path]:
    """Pictures of 16 bits up to 200, so that what is white follows from all of them, and at last one of 60,000."""
    for number, tone in enumerate((50, 100, 150, 200, 60_000)):
        Image.fromarray(np.full((8, 8), tone, np.uint16)).save(tmp_path / f"{number}.png")
    return sorted(tmp_path.glob("*.png"))


def store(files: list[Path], report: Callable[[int], None] = lambda done: None) -> images.ReadPictures:
    return images.store_pictures(files, 8, 1, "white", report, state="scans")


def in_the_middle(found: images.ReadPictures) -> list[int]:
    return [int(tone) for tone in found.pixels[:][:, 0, 4, 4]]


def out_of_reach(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The last one is away, until it is taken out of the list."""
    away = files[-1:]
    real = image_files.open_regular

    def open_regular(path: Path) -> object:
        if path in away:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return real(path)

    for module in ("images", "image_files"):
        monkeypatch.setattr(f"nnviz.data.{module}.open_regular", open_regular)
    return away


def test_rows_in_use_stay_what_they_are(scans: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """What a training reads may not change under it because a share came back and others opened the same."""
    away = out_of_reach(scans, monkeypatch)
    used = store(scans)
    before = in_the_middle(used)
    assert before == [50, 100, 150, 200] and used.left_out[0].passing
    away.clear()
    other = store(scans)
    assert in_the_middle(used) == before
    if os.name != "nt":
        assert in_the_middle(other) == [0, 0, 1, 1, 233]
        del used, other
    assert len(store(scans).numbers) == 5 and len(list(row_store.root().glob("*/*"))) <= 6, "nothing lies about"


@pytest.mark.parametrize("trouble", ["no room", "stopped while it is checked", "stopped while it is read", "full"])
def test_what_cannot_be_gone_on_with_is_what_it_was(
    scans: list[Path], trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = out_of_reach(scans, monkeypatch)
    before = in_the_middle(store(scans))
    away.clear()
    told = []

    def report(done: int) -> None:
        told.append(done)
        if trouble.startswith("stopped") and len(told) == (1 if "checked" in trouble else 3):
            raise Cancelled("Stopped.")

    with monkeypatch.context() as patched:
        if trouble == "no room":
            patched.setattr(room_for_rows, "_free", lambda folder: 0)
        elif trouble == "full":
            patched.setattr(row_store, "leave_some", fails(errno.ENOSPC))
        if trouble.startswith("stopped"):
            with pytest.raises(Cancelled):
                store(scans, report)
        else:
            assert in_the_middle(store(scans)) == before
    away.append(scans[-1])
    monkeypatch.setattr(images, "read_unless_deep", lambda *more: pytest.fail("decoded again"))
    assert in_the_middle(store(scans)) == before


def test_who_stops_on_a_full_disk_is_told_that_it_was_stopped(
    scans: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def report(done: int) -> None:
        if done == len(scans):
            raise Cancelled("Stopped.")

    for number, file in enumerate(scans):
        tone_of(file, number)
    monkeypatch.setattr(row_store, "leave_some", fails(errno.ENOSPC))
    with pytest.raises(Cancelled):
        store(scans, report)


def test_a_damaged_picture_is_not_one_that_was_away(scans: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """It says where to go on in a file, and the system says that no file has such a place."""
    scans[0].write_bytes(b"II+\0" + struct.pack("<HHQ", 8, 0, 2**62) + bytes(32))
    found = store(scans)
    assert [one.passing for one in found.left_out] == [False]


def test_a_disk_that_fails_at_one_place_is_not_asked_at_every_look(
    scans: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = images.read_unless_deep, []

    def read(path: Path, *more: object) -> object:
        asked.append(path)
        if path == scans[0]:
            raise DataError("It cannot be read.") from OSError(errno.EIO, os.strerror(errno.EIO))
        return real(path, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(images, "read_unless_deep", read)
    for _ in range(4):
        assert store(scans).left_out[0].passing
    assert asked.count(scans[0]) == 2
    images._TRIED_AGAIN.clear()  # another process
    monkeypatch.setattr(images, "read_unless_deep", real)
    assert not store(scans).left_out


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes no file that is open")
def test_a_lock_whose_file_went_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who held it took its file along, and another one has made and locked a new one: older filelocks do not look."""
    fcntl = pytest.importorskip("fcntl")
    real, others = file_locks._acquired, list[int]()
    waited = []

    def taken(lock: object) -> bool:
        found = real(lock)  # type: ignore[arg-type]
        if not others:
            path = tmp_path / "set.lock"
            path.unlink()
            others.append(os.open(path, os.O_RDWR | os.O_CREAT))
            fcntl.flock(others[0], fcntl.LOCK_EX)
        return found

    def wait() -> None:
        waited.append(True)
        os.close(others[0])

    monkeypatch.setattr(file_locks, "_acquired", taken)
    monkeypatch.setattr(folder_locks, "_LOOK_EVERY", 0.01)
    with folder_locks.locked(tmp_path / "set", wait, leave=False):
        assert waited
    assert not list(tmp_path.iterdir())
