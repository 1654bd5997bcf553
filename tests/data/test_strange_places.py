"""Whatever lies in the place of a picture, a label file, a batch or a download: nothing waits, and it is named."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import threading
from pathlib import Path

import pytest
from idx_files import write_set
from PIL import Image
from strange_places import KINDS, put, unix_only

from nnviz.data import cifar, datasets, download, folders, idx, tensors
from nnviz.data.images import read_image
from nnviz.errors import DataError, StorageError
from nnviz.project.model import DataConfig
from nnviz.regular_files import (
    NotRegularError,
    is_regular,
    open_regular,
    open_regular_to_write,
    read_regular,
)


def plant(root: Path) -> DataConfig:
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (9, 9)).save(root / name / f"{number}.png")
    return DataConfig("image_folder", {"folder": str(root), "size": 8})


@unix_only
@pytest.mark.parametrize("kind", KINDS)
def test_only_regular_files_are_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    words = put(kind, path)
    assert not is_regular(path)
    for attempt in (open_regular, lambda path: read_regular(path, 9)):
        with pytest.raises(OSError, match=words) as caught:
            attempt(path)
        assert isinstance(caught.value, NotRegularError) is (kind not in ("circle", "dangling"))
    if kind == "dangling":
        return  # writing makes the file that the link leads to
    with pytest.raises(OSError, match=words):
        open_regular_to_write(path)


def test_regular_files_are_read_and_written(tmp_path: Path) -> None:
    path = tmp_path / "ä \n file"
    if os.name == "nt":
        path = tmp_path / "ä file"
    with open_regular_to_write(path) as file:
        file.write(b"one two")
    with open_regular_to_write(path, append=True) as file:
        file.write(b" three")
    assert is_regular(path) and read_regular(path, 7) == b"one two"
    with open_regular_to_write(path) as file:
        file.write(b"new")
    with open_regular(str(path)) as file:
        assert file.read() == b"new"


@pytest.mark.parametrize("name", ["nul\0", "surrogate\ud800", "x" * 5000, "d/" * 3000 + "x"])
def test_names_that_no_file_can_have_are_os_errors(tmp_path: Path, name: str) -> None:
    path = f"{tmp_path}/{name}"
    assert not is_regular(path)
    for attempt in (open_regular, open_regular_to_write):
        with pytest.raises(OSError):
            attempt(path)


@unix_only
def test_a_pipe_that_takes_the_place_of_a_file_at_the_last_moment_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, file = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(pipe)
    file.write_bytes(b"x")
    regular = file.stat()
    monkeypatch.setattr(os, "stat", lambda path, **more: regular)
    with pytest.raises(NotRegularError, match="named pipe"):
        open_regular(pipe)


@unix_only
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "folder"])
def test_in_the_place_of_a_picture(tmp_path: Path, kind: str) -> None:
    config = plant(tmp_path / "pets")
    place = tmp_path / "pets" / "cat" / "1.png"
    words = put(kind, place)
    data = tensors.load(config)
    assert len(data.train) + len(data.validation) + len(data.test) == 5, "all others are taken"
    (warning,) = datasets.inspect(config).warnings
    assert str(Path("cat", "1.png")) in warning and re.search(words, warning)
    with pytest.raises(DataError, match=words) as caught:
        read_image(place, 8, 3)
    assert caught.value.file == str(place)


@unix_only
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "folder"])
def test_in_the_place_of_a_class(tmp_path: Path, kind: str) -> None:
    """What is no folder is no class."""
    config = plant(tmp_path / "pets")
    put(kind, tmp_path / "pets" / "elk")
    assert datasets.facts(config).class_names == ("cat", "dog")
    assert len(tensors.load(config).class_names) == 2


@unix_only
@pytest.mark.parametrize("kind", KINDS)
def test_in_the_place_of_an_idx_file(tmp_path: Path, kind: str) -> None:
    write_set(tmp_path, 10, 5)
    for name, read in (
        ("train-images-idx3-ubyte", lambda: idx.read_idx(idx.image_file(tmp_path, "train"), (10, 28, 28), "Get it.")),
        ("train-labels-idx1-ubyte", lambda: idx.read_labels(tmp_path, "train", 10, 10, "Get it.")),
    ):
        words = put(kind, tmp_path / name)
        with pytest.raises(DataError, match=words) as caught:
            read()
        assert caught.value.file == str(tmp_path / name)
        (tmp_path / name).rmdir() if kind == "folder" else (tmp_path / name).unlink()
        write_set(tmp_path, 10, 5)


@unix_only
@pytest.mark.parametrize("kind", KINDS)
def test_in_the_place_of_a_cifar_batch(tmp_path: Path, kind: str) -> None:
    words = put(kind, tmp_path / "data_batch_1")
    with pytest.raises(DataError, match=words):
        cifar.read_batch(tmp_path / "data_batch_1", "0" * 32, "Get it.")


@unix_only
@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "folder", "circle"])
def test_in_the_place_of_a_download(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the file that is being fetched nor the one that is unpacked is written into such a thing."""
    target = tmp_path / "set.bin"
    words = put(kind, tmp_path / "set.bin.part")

    class Answer:
        status, headers = 200, {"Content-Length": "3"}

        def __enter__(self) -> Answer:
            return self

        def __exit__(self, *error: object) -> None:
            return None

        def read1(self, size: int) -> bytes:
            return b""

    monkeypatch.setattr(download.urllib.request, "urlopen", lambda request, timeout: Answer())
    with pytest.raises(StorageError, match=words):
        download.fetch(["http://localhost/x"], target, hashlib.md5(b"abc").hexdigest(), lambda *done: None, attempts=1)
    archive = tmp_path / "archive.gz"
    words = put(kind, archive)
    for unpack in (
        lambda: download.unpack_gzip(archive, target),
        lambda: download.unpack_tar(archive, tmp_path, ["x"]),
    ):
        with pytest.raises(DataError, match=words):
            unpack()


@pytest.mark.parametrize("folder", ["~nobody at all/pets", "nul\0pets", "half\ud800pets", "x" * 5000, "d/" * 3000])
def test_folders_that_no_project_can_mean(folder: str) -> None:
    with pytest.raises(DataError) as caught:
        datasets.facts(DataConfig("image_folder", {"folder": folder}))
    assert "\n" not in str(caught.value) and str(caught.value).isprintable()


@unix_only
def test_data_is_not_looked_for_in_a_circle_or_at_nobodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("circle", tmp_path / "loop")
    for place in (tmp_path / "loop", Path("~nobody at all/data"), Path("nul\0")):
        with pytest.raises(DataError):
            datasets.locate(DataConfig("mnist"), place)
    monkeypatch.setenv("NNVIZ_DATA", "~nobody at all/data")
    with pytest.raises(DataError, match=r"no user .*NNVIZ_DATA|NNVIZ_DATA.*no user"):
        datasets.locate(DataConfig("mnist"))


@pytest.mark.skipif(sys.platform != "linux", reason="only there may a name be any bytes and a path this deep")
def test_strange_names_and_great_depth(tmp_path: Path) -> None:
    """Line breaks and letters of all kinds are names like others; bytes that are no text are named."""
    config = plant(tmp_path / "pets")
    for name in ("line\nbreak", "ünïcode 🙂", "<b>bold"):
        (tmp_path / "pets" / name).mkdir()
        Image.new("RGB", (9, 9)).save(tmp_path / "pets" / name / "a\nb.png")
    assert len(tensors.load(config).class_names) == 5
    no_text = tmp_path / "pets" / "cat" / os.fsdecode(b"\xff.png")
    no_text.write_bytes(b"no picture")
    warning = next(text for text in datasets.inspect(config).warnings if "cannot be read" in text)
    assert warning.isprintable()
    no_text.unlink()
    no_text = tmp_path / "pets" / os.fsdecode(b"\xff")
    no_text.mkdir()
    with pytest.raises(DataError, match="no text") as caught:
        datasets.facts(config)
    assert str(caught.value).isprintable()


@pytest.mark.skipif(sys.platform != "linux", reason="only there may a path be this deep")
def test_two_thousand_folders_deep(tmp_path: Path) -> None:
    config = plant(tmp_path / "pets")
    here, deep = Path.cwd(), tmp_path / "pets" / "deep"
    try:
        os.chdir(tmp_path / "pets")
        for _ in range(2000):
            Path("deep").mkdir()
            os.chdir("deep")
    finally:
        os.chdir(here)
    try:
        with pytest.raises(DataError, match="There is no picture in it") as caught:
            tensors.load(config)  # a class like others, and nobody goes down to its end
        assert caught.value.file == str(deep)
        with pytest.raises(DataError, match=r"too long|at most 4096 are allowed"):
            datasets.facts(DataConfig("image_folder", {"folder": str(tmp_path / "pets") + "/deep" * 2000}))
    finally:
        while (deep / "deep").exists():  # nobody else can clear it away
            (deep / "deep").rename(tmp_path / "next")
            deep.rmdir()
            (tmp_path / "next").rename(deep)


@unix_only
def test_files_and_folders_that_may_not_be_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = plant(tmp_path / "pets")
    real = os.open

    def refuse(path: object, *rest: object, **more: object) -> int:
        if str(path).endswith("1.png"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    assert len(tensors.load(config).train)
    warnings = datasets.inspect(config).warnings
    assert len(warnings) == 2 and all("1.png" in text and "Permission denied" in text for text in warnings)
    if os.geteuid() == 0:
        return  # nothing is forbidden to root
    (tmp_path / "pets" / "dog").chmod(0)
    folders._listed.cache_clear()
    try:
        with pytest.raises(DataError, match="cannot be read: Permission denied"):
            datasets.split_sizes(config)
    finally:
        (tmp_path / "pets" / "dog").chmod(0o700)


@unix_only
def test_no_thread_is_left_waiting_at_a_pipe(tmp_path: Path) -> None:
    config = plant(tmp_path / "pets")
    for number in range(40):
        os.mkfifo(tmp_path / "pets" / "cat" / f"pipe{number}.png")
    tensors.load(config)
    warnings = datasets.inspect(config).warnings
    assert "named pipe" in warnings[0] and warnings[-1] == "Left out: 32 more that cannot be read."
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("nnviz-images")]
