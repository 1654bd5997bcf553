"""Pictures from anybody: none starts a program, none takes memory without bound, and each fault is a sentence."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import picture_corpus
import pytest
from PIL import Image

from nnviz.data import image_files
from nnviz.data.images import read_image, read_images
from nnviz.errors import DataError
from nnviz.project.files import io
from nnviz.project.model import DataConfig, DataFacts
from nnviz.project.samples import templates

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def run_script(name: str, *arguments: object, path: Path | None = None) -> dict[str, object]:
    """What a script beside this file printed, as JSON; ``path`` comes first where programs are looked for."""
    environment = dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    if path is not None:
        environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}"
    command = [sys.executable, str(HERE / name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(report, dict)
    return report


def plant_ghostscript(folder: Path) -> Path:
    """A ``gs`` that leaves a mark when it is started; the mark."""
    folder.mkdir()
    program, mark = folder / "gs", folder / "started"
    program.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return mark


def test_no_picture_of_any_format_starts_a_program(tmp_path: Path) -> None:
    """Each format that Pillow knows, named as a PNG: read are eight of them, and no process, call or write happens."""
    files = picture_corpus.corpus()
    assert set(files) >= set(Image.OPEN) | picture_corpus.ALLOWED
    folder = tmp_path / "pictures"
    folder.mkdir()
    for kind, content in files.items():
        (folder / f"{kind}.png").write_bytes(content)
    mark = plant_ghostscript(tmp_path / "programs")
    report = run_script("read_watched.py", folder, 0, path=mark.parent)
    assert report["refused"] == [] and not mark.exists()
    outcomes = report["outcomes"]
    assert isinstance(outcomes, dict)
    read = {name.removesuffix(".png") for name, message in outcomes.items() if not message}
    assert read == picture_corpus.ALLOWED
    refusals = {message for message in outcomes.values() if message}
    assert refusals == {
        "The picture cannot be read: its content is none of PNG, JPEG, GIF, BMP, WEBP, TIFF, AVIF, PPM."
    }
    assert "PIL.EpsImagePlugin" not in report["plugins"]


def test_opening_a_project_starts_no_program(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(3):
            (tmp_path / "pets" / name / f"{number}.png").write_bytes(picture_corpus.EPS)
    project = templates.sample("digits-cnn")
    config = DataConfig("image_folder", {"folder": str(tmp_path / "pets"), "size": 28, "channels": "1"})
    from nnviz.project.adapt import choose_data

    project = choose_data(project, config, DataFacts((1, 28, 28), 2, "classes", ("cat", "dog"))).apply(project)
    file = tmp_path / "pets.nnviz"
    io.save(project, file)
    mark = plant_ghostscript(tmp_path / "programs")
    report = run_script("open_watched.py", file, tmp_path / "window.png", path=mark.parent)
    assert not mark.exists() and report["refused"] == []
    state = report["state"]
    assert isinstance(state, list) and state[0] == "idle" and "its content is none of" in state[1]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot bound a process's memory so")
def test_bombs_are_refused_within_bounds(tmp_path: Path) -> None:
    """With the memory that a few ordinary pictures take, and none is a fault."""
    for name, content in picture_corpus.bombs().items():
        (tmp_path / name).write_bytes(content)
    report = run_script("read_watched.py", tmp_path, 3000)
    outcomes = report["outcomes"]
    assert isinstance(outcomes, dict) and report["refused"] == []
    assert not [name for name, message in outcomes.items() if message.startswith("FAULT")]
    said = {
        "wide.png": "cannot be read",
        "deep.png": "cannot be read",
        "private.png": "stands before its pixels",
        "exif.png": "EXIF",
        "exif.jpg": "stands before its pixels",
        "strips.tif": "cover it many times over",
        "tiles.tif": "memory",
        "huge.bmp": "cannot be read",
        "huge.ppm": "cannot be read",
        "slow.pgm": "16 million allowed for this kind",
        "huge.gif": "cannot be read",
        "huge.webp": "cannot be read",
    }
    for name, words in said.items():
        assert words in outcomes[name], (name, outcomes[name])
    assert "memory" not in outcomes["wide.png"]  # refused by its header, not when memory ran out


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot bound a process's memory so")
def test_eight_deep_pictures_share_one_allowance(tmp_path: Path) -> None:
    """Sixteen bits and 36 million pixels each: at once and as 64-bit numbers they would take 3.5 GB and more."""
    row = np.arange(6000, dtype=np.uint16) * 10
    Image.fromarray(np.tile(row, (6000, 1))).save(tmp_path / "0.png", compress_level=1)
    for number in range(1, 8):
        os.link(tmp_path / "0.png", tmp_path / f"{number}.png")
    code = (
        "import os, sys, resource; os.cpu_count = lambda: 8\n"
        "from pathlib import Path\n"
        "from nnviz.data import images\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2500 << 20, 2500 << 20))\n"
        "files = sorted(Path(sys.argv[1]).iterdir())\n"
        "read = images.read_images(files, 16, 1, lambda done: None)\n"
        "assert len(read) == 8 and (read == read[0]).all() and read[0, 0, 0, 0] < read[0, 0, 0, -1]\n"
    )
    environment = dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr


def test_threads_never_decode_more_than_the_allowance_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At any moment what is being decoded fits, but for one that is alone too large; and none waits for ever."""
    for number in range(24):
        Image.new("RGB", (40 + 40 * (number % 3), 40)).save(tmp_path / f"{number}.png")
    smallest = 40 * 40 * 4
    monkeypatch.setattr(image_files, "TOGETHER", 5 * smallest)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    lock, now, seen = threading.Lock(), [0, 0], []
    taken = image_files._Allowance.taken

    class Watching(image_files._Allowance):
        def taken(self, size: int):  # type: ignore[no-untyped-def]
            inner = taken(self, size)

            class Held:
                def __enter__(self) -> None:
                    inner.__enter__()
                    with lock:
                        now[0], now[1] = now[0] + size, now[1] + 1
                        seen.append(tuple(now))

                def __exit__(self, *error: object) -> None:
                    with lock:
                        now[0], now[1] = now[0] - size, now[1] - 1
                    inner.__exit__(None, None, None)

            return Held()

    monkeypatch.setattr(image_files, "_ALLOWANCE", Watching())
    assert len(read_images(sorted(tmp_path.iterdir()), 8, 3, lambda done: None)) == 24
    assert len(seen) == 24 and now == [0, 0]
    assert all(size <= 5 * smallest or count == 1 for size, count in seen)


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "photo.gif"
    path.write_bytes(picture_corpus.written("JPEG") or b"")
    assert read_image(path, 8, 3).shape == (3, 8, 8)
    path.write_bytes(picture_corpus.EPS)
    with pytest.raises(DataError, match="its content is none of PNG, JPEG") as caught:
        read_image(path, 8, 3)
    assert caught.value.file == str(path)


def test_of_several_pictures_the_first_is_read(tmp_path: Path) -> None:
    black, white = Image.new("L", (16, 16), 0), Image.new("L", (16, 16), 255)
    for name in ("a.gif", "a.tif", "a.png", "a.webp", "a.avif"):
        black.convert("RGB").save(tmp_path / name, save_all=True, append_images=[white.convert("RGB")] * 3)
        assert read_image(tmp_path / name, 8, 1).max() < 20, name


@pytest.mark.parametrize("kind", ["float32", "int32", "uint16"])
def test_deep_pictures_are_brought_to_bytes_strip_by_strip(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same numbers as at once, whatever the strips; what is no number is black."""
    random = np.random.default_rng(3)
    values = random.integers(0, 65536, (37, 23)).astype(kind)
    expected = np.rint(values.astype(np.float64) * (255.0 / 65535.0)).astype(np.uint8)
    if kind == "float32":
        values[5, 5], expected[5, 5] = np.nan, 0
    Image.fromarray(values).save(tmp_path / "deep.tif")
    monkeypatch.setattr(image_files, "_STRIP", 50)
    levels = image_files.Levels((0.0, 65535.0), (0.0, 65535.0))
    with Image.open(tmp_path / "deep.tif") as picture:
        assert np.array_equal(np.asarray(image_files._eight_bit(image_files._Deep(picture), levels)), expected)


def test_a_jpeg_of_endless_scans_is_refused(tmp_path: Path) -> None:
    content = picture_corpus.written("JPEG", 64, progressive=True) or b""
    last = content.rindex(b"\xff\xda")
    (tmp_path / "scans.jpg").write_bytes(content[:last] + content[last:-2] * 5000 + b"\xff\xd9")
    with pytest.raises(DataError, match="more than 200 scans"):
        read_image(tmp_path / "scans.jpg", 64, 3)
