"""The program in odd surroundings: closed streams, poor encodings, no home, no display, a full disk."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from nnviz import cli, user_folders
from nnviz.errors import InputError, StorageError
from nnviz.gui import app as application
from nnviz.gui import display
from nnviz.project.edits import AddNodes
from nnviz.project.files import io
from nnviz.project.model import Node
from nnviz.project.samples import templates
from nnviz.record.store import open_run

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"}
pytestmark = pytest.mark.timeout(120)


def nnviz(*arguments: str, redirect: str = "", **variables: str) -> subprocess.CompletedProcess[bytes]:
    """The program as a process, its output redirected by a shell."""
    command = [sys.executable, "-m", "nnviz", *arguments]
    if redirect:
        command = ["sh", "-c", f'"$@" {redirect}', "sh", *command]
    return subprocess.run(command, env={**ENVIRONMENT, **variables}, capture_output=True, timeout=100)


# -- Streams ----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="needs a shell that closes streams")
@pytest.mark.parametrize("redirect", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_a_closed_stream_takes_nothing_away(redirect: str, tmp_path: Path) -> None:
    done = nnviz("samples", redirect=redirect)
    assert done.returncode == 0 and done.stderr == b""
    done = nnviz("summary", str(tmp_path / "missing.nnviz"), redirect=redirect)
    assert done.returncode == 2
    assert done.stdout == b"", "an error is no output"


@pytest.mark.skipif(os.name == "nt", reason="needs a shell that closes streams")
def test_a_run_does_not_become_standard_error(tmp_path: Path) -> None:
    kept = tmp_path / "mine.nnvizrun"
    done = nnviz("train", "sample:and", "--epochs", "2", "--run", str(kept), redirect=">&- 2>&- <&-")
    assert done.returncode == 0
    with open_run(kept) as stored:
        assert stored.finished and stored.last_step == 2


@pytest.mark.skipif(os.name == "nt", reason="pipes end otherwise")
@pytest.mark.parametrize(("arguments", "status"), [(("samples",), 0), (("summary", "missing"), 2), (("train",), 2)])
def test_a_reader_that_goes_away(arguments: tuple[str, ...], status: int) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "nnviz", *arguments]
    done = subprocess.run(command, env=ENVIRONMENT, stdout=writer, stderr=writer, timeout=60)
    os.close(writer)
    assert done.returncode == status


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437", "utf-8"])
def test_an_encoding_without_these_signs(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "gelernt.nnviz"
    io.save(io.loads(io.dumps(templates.sample("cnn-25"))), path)
    done = nnviz("summary", str(path), PYTHONIOENCODING=encoding)
    assert done.returncode == 0
    sign = "×" if encoding in ("latin-1", "cp1252", "utf-8") else "x"
    assert f"1{sign}28{sign}28" in done.stdout.decode(encoding)
    assert nnviz("--help", PYTHONIOENCODING=encoding).returncode == 0
    missing = nnviz("summary", str(tmp_path / "α→日.nnviz"), PYTHONIOENCODING=encoding)
    assert missing.returncode == 2 and b"There is no such file" in missing.stderr


# -- No home ----------------------------------------------------------------------------------------------------------

_NOBODY = """
import os, sys
for name in ("HOME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH"):
    os.environ.pop(name, None)
for name in [name for name in os.environ if name.startswith("XDG_")]:
    del os.environ[name]
import pwd
def no_entry(_uid):
    raise KeyError("no such user")
pwd.getpwuid = no_entry
from nnviz.cli import main
"""


def homeless(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Code in a process of an account that has neither a home nor an entry among the users."""
    variables = {**ENVIRONMENT, "TMPDIR": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", _NOBODY + code], env=variables, cwd=folder, capture_output=True, text=True, timeout=100
    )


@pytest.mark.skipif(os.name == "nt", reason="accounts are otherwise there")
def test_an_account_without_a_home(tmp_path: Path) -> None:
    done = homeless("raise SystemExit(main(['train', 'sample:and', '--epochs', '1', '--json']))", tmp_path)
    assert done.returncode == 0, done.stderr
    kept = Path(json.loads(done.stdout.splitlines()[-1])["run"])
    assert kept.exists() and kept.is_relative_to(tmp_path)
    assert not (tmp_path / "~").exists()


@pytest.mark.skipif(os.name == "nt", reason="accounts are otherwise there")
def test_a_window_says_that_there_is_no_home(tmp_path: Path) -> None:
    code = """
from PySide6.QtWidgets import QApplication
def look(*_):
    window = next(one for one in QApplication.topLevelWidgets() if type(one).__name__ == "MainWindow")
    assert window.notices.notice("home") is not None
    assert window.settings.folder.is_dir()
    return 0
QApplication.exec = look
raise SystemExit(main(["sample:and"]))
"""
    done = homeless(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "There is no home folder" in done.stderr and str(tmp_path) in done.stderr
    assert not (tmp_path / "~").exists()


def test_with_a_home_nothing_takes_its_place() -> None:
    assert user_folders.substitute() is None


# -- No display -------------------------------------------------------------------------------------------------------


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there always is a display")
def test_where_a_window_can_be_shown(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not display.has_display()
    bare.setenv("DISPLAY", ":987")
    assert display.platforms() == ()
    bare.setenv("WAYLAND_DISPLAY", "wayland-7")
    bare.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert display.platforms() == ()
    bare.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("wayland-7")
        server.listen()
        bare.setenv("XDG_RUNTIME_DIR", ".")
        assert display.platforms() == ("wayland",)
    bare.setenv("QT_QPA_PLATFORM", "offscreen:with=options;xcb")
    assert display.platforms() == ("offscreen",)
    bare.setenv("QT_QPA_PLATFORM", "xcb")
    assert display.platforms() == ()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there always is a display")
@pytest.mark.parametrize("platform", ["", "xcb", "wayland", "nonsense"])
def test_without_a_display_there_is_a_sentence(platform: str) -> None:
    variables = {name: value for name, value in ENVIRONMENT.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    command = [sys.executable, "-m", "nnviz", "sample:and"]
    done = subprocess.run(
        command, env={**variables, "QT_QPA_PLATFORM": platform}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2, done
    assert len(done.stderr.splitlines()) == 1 and ("display" in done.stderr or "platform" in done.stderr)


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Loader:
        def __init__(self, file: str) -> None:
            self.file = file

        def load(self) -> bool:
            return False

        def errorString(self) -> str:  # noqa: N802 - of Qt
            return "libxcb-cursor.so.0: cannot open shared object file"

    monkeypatch.setattr(application, "QPluginLoader", Loader)
    monkeypatch.setattr(application.QApplication, "instance", lambda: None)
    monkeypatch.setattr(display, "platforms", lambda: ("offscreen",))
    with pytest.raises(InputError, match=r"libxcb-cursor\.so\.0"):
        application.refuse_without_display()


# -- Pictures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.txt", "x", "x.pdf", "x.", ".png"])
def test_a_picture_of_no_kind(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / name).write_text("kept")
    assert cli.main(["screenshot", "sample:and", "--out", str(tmp_path / name)]) == 2
    assert "--out" in capsys.readouterr().err
    assert (tmp_path / name).read_text() == "kept"


@pytest.mark.parametrize("size", ["0x0", "9999999x1", "1x9999999", "-1x-1", "x", "1e3x900", "nanxnan", "9" * 5000])
def test_a_size_of_no_window(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["screenshot", "sample:and", "--out", "x.png", f"--size={size}"])
    assert stopped.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_picture_of_each_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is on it is the same whatever its kind: one window is enough."""
    kinds, write = ("png", "jpg", "bmp", "webp"), application._write

    def write_all(picture: application.QPixmap, encoding: str, out: Path) -> None:
        assert encoding == "png"
        for kind in kinds:
            path = out.with_suffix(f".{kind}")
            write(picture, application._picture_format(path), path)

    monkeypatch.setattr(application, "_write", write_all)
    out = tmp_path / "x.png"
    assert cli.main(["screenshot", "sample:and", "--out", str(out), "--size", "640x400"]) == 0
    for kind in kinds:
        with (out.parent / f"x.{kind}").open("rb") as file:
            begin = file.read(12)
        assert begin.startswith({"png": b"\x89PNG", "jpg": b"\xff\xd8", "bmp": b"BM", "webp": b"RIFF"}[kind])
        assert QImage(str(out.parent / f"x.{kind}")).width() >= 640, kind


def test_a_failed_picture_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x.png"
    out.write_bytes(b"an older picture")
    monkeypatch.setattr(application._Patience, "settle", lambda _self, _seconds: None)
    monkeypatch.setattr("os.fsync", lambda _file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    assert cli.main(["screenshot", "sample:and", "--out", str(out)]) == 1
    assert "the disk is full" in capsys.readouterr().err
    assert out.read_bytes() == b"an older picture"
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]
    with pytest.raises(StorageError):
        application._write(application.QPixmap(), "png", tmp_path / "y.png")
    assert not (tmp_path / "y.png").exists()


# -- Unfinished networks ----------------------------------------------------------------------------------------------


def test_the_summary_of_a_network_with_a_loose_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = AddNodes((Node("loose", "linear"),)).apply(templates.sample("digits-cnn"))
    path = tmp_path / "mine.nnviz"
    io.save(project, path)
    assert cli.main(["summary", str(path)]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert next(row for row in rows if row.startswith("loose")).split() == ["loose", "Linear", "?", "?", "?"]
    assert cli.main(["summary", str(path), "--json"]) == 0
    layers = {row["id"]: row for row in json.loads(capsys.readouterr().out)["layers"]}
    assert layers["loose"]["output_shape"] is None and layers["loose"]["parameters"] is None
    assert layers["conv1"]["output_shape"] is not None


def test_the_summary_of_what_is_no_network_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = templates.sample("digits-cnn")
    graph = project.graph
    wires = tuple(edge for edge in graph.edges if edge.source.node != "input")
    path = tmp_path / "mine.nnviz"
    io.save(type(project)(name="cut", graph=type(graph)(graph.nodes, wires), data=project.data), path)
    assert cli.main(["summary", str(path)]) == 2
    shown = capsys.readouterr()
    assert "total" in shown.out and "input" in shown.out
    assert shown.err.startswith(f"nnviz: {path}: graph.nodes.") and len(shown.err.splitlines()) == 1


@pytest.mark.parametrize("script", ["run", "test", "check", "screenshots"])
def test_a_script_begins_before_anything_is_installed(script: str) -> None:
    """What it imports before the setting up stands in the standard library: no package may bring more along."""
    begin = f"import sys; sys.path[:0] = [{str(ROOT / 'scripts')!r}, {str(ROOT)!r}]; import {script}"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", begin], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
