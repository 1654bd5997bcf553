"""Every command and option that takes a path, with every path that cannot be used: status 2, one line, no waiting."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nnviz import cli, paths
from nnviz.errors import DataError, InputError
from nnviz.project.files import io
from nnviz.project.safety import disk_state
from nnviz.project.samples import templates
from nnviz.regular_files import NotRegularError, open_regular

# A pipe that is opened waits for ever; an alarm ends that.
pytestmark = pytest.mark.timeout(60)

#: Not even a folder could have such a name.
IMPOSSIBLE = ("nobody", "nul", "long", "deep", "half", "empty", "loop", "through_a_file")
#: Something else than a file, or nothing.
NO_FILE = ("fifo", "socket", "zero", "folder", "missing", "bytes")


@pytest.fixture
def nasty(tmp_path: Path) -> Iterator[Callable[[str, str], str]]:
    """Makes a nasty path of a kind, with an ending where it may have one."""
    left: list[socket.socket] = []

    def make(kind: str, ending: str) -> str:
        path = tmp_path / f"{kind}{ending}"
        match kind:
            case "nobody":
                return f"~nobody-of-this-name/x{ending}"
            case "nul":
                return f"{tmp_path}/a\0b{ending}"
            case "long":
                return f"{tmp_path}/{'n' * 300}{ending}"
            case "deep":
                return f"{tmp_path}/{'d/' * 2000}x{ending}"
            case "half":
                return f"{tmp_path}/\ud800{ending}"
            case "empty":
                return ""
            case "loop":
                path.symlink_to(path)
            case "through_a_file":
                (tmp_path / "text").write_text("no folder")
                return f"{tmp_path}/text/x{ending}"
            case "fifo":
                os.mkfifo(path)
            case "socket":
                left.append(socket.socket(socket.AF_UNIX))
                os.chdir(tmp_path)  # A socket's address must be short.
                left[-1].bind(path.name)
            case "zero":
                path.symlink_to("/dev/zero")
            case "folder":
                path.mkdir()
            case "bytes":
                return f"{tmp_path}/\udcff{ending}"
        return str(path)

    here = Path.cwd()
    yield make
    os.chdir(here)
    for one in left:
        one.close()


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on standard error of a command that ends with status 2."""
    try:
        status = cli.main(arguments)
    except SystemExit as stopped:
        status = int(stopped.code or 0)
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert status == 2, (status, shown)
    # A line before it may say what is being trained.
    assert [line for line in lines if line.startswith("nnviz")] == lines[-1:], lines
    assert lines[-1].isprintable() and len(lines[-1]) < 1500
    return lines[-1]


READ = [
    ("summary", ("summary", "{}"), ".nnviz"),
    ("train", ("train", "{}"), ".nnviz"),
    ("explain", ("explain", "{}", "loss"), ".nnviz"),
    ("explain a run", ("explain", "{}", "loss"), ".nnvizrun"),
    ("screenshot", ("screenshot", "{}", "--out", "picture.png"), ".nnviz"),
    ("screenshot of a run", ("screenshot", "{}", "--out", "picture.png"), ".nnvizrun"),
    ("window", ("{}",), ".nnviz"),
    ("window on a run", ("{}",), ".nnvizrun"),
    ("--resume", ("train", "sample:and", "--resume", "--run", "{}"), ".nnvizrun"),
]


@pytest.mark.skipif(os.name == "nt", reason="there are no such files")
@pytest.mark.parametrize("kind", IMPOSSIBLE + NO_FILE)
@pytest.mark.parametrize(("arguments", "ending"), [case[1:] for case in READ], ids=[case[0] for case in READ])
def test_a_file_to_read(
    capsys: pytest.CaptureFixture[str],
    nasty: Callable[[str, str], str],
    arguments: tuple[str, ...],
    ending: str,
    kind: str,
) -> None:
    path = nasty(kind, ending)
    line = refused(capsys, *(path if word == "{}" else word for word in arguments))
    if kind not in ("empty", "nobody"):
        assert line.count("/") > 1, "the path is named"
    assert not Path("picture.png").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "{}", "--resume"),
        ("evaluate", "{}"),
        ("explain", "{}", "loss"),
        ("compare", "{}", "{}"),
        ("screenshot", "{}", "--out", "picture.png"),
        ("{}",),
    ],
    ids=lambda arguments: str(arguments[0]),
)
def test_the_name_of_a_run_that_is_longer_than_a_file_s(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    line = refused(capsys, *("n" * 300 if word == "{}" else word for word in arguments))
    assert "There is no run of this name" in line


WRITTEN = [
    ("--out", ("screenshot", "sample:and", "--out", "{}"), ".png"),
    ("--run", ("train", "sample:and", "--epochs", "1", "--run", "{}"), ".nnvizrun"),
]


@pytest.mark.skipif(os.name == "nt", reason="there are no such files")
@pytest.mark.parametrize("kind", (*IMPOSSIBLE, "fifo", "socket", "zero", "folder"))
@pytest.mark.parametrize(("arguments", "ending"), [case[1:] for case in WRITTEN], ids=[case[0] for case in WRITTEN])
def test_a_file_to_write(
    capsys: pytest.CaptureFixture[str],
    nasty: Callable[[str, str], str],
    arguments: tuple[str, ...],
    ending: str,
    kind: str,
) -> None:
    line = refused(capsys, *(nasty(kind, ending) if word == "{}" else word for word in arguments))
    assert arguments[-2] in line, "the option is named"


@pytest.mark.skipif(os.name == "nt", reason="there are no such files")
@pytest.mark.parametrize("kind", ("nobody", "nul", "long", "deep", "half", "empty", "loop", "fifo", "socket", "zero"))
@pytest.mark.parametrize(
    "command", [("train", "sample:and"), ("screenshot", "sample:and", "--out", "picture.png"), ("sample:and",)]
)
def test_a_folder_for_data(
    capsys: pytest.CaptureFixture[str], nasty: Callable[[str, str], str], command: tuple[str, ...], kind: str
) -> None:
    assert "--data-dir" in refused(capsys, *command, "--data-dir", nasty(kind, ""))


@pytest.mark.skipif(os.name == "nt", reason="there are no such files")
@pytest.mark.parametrize("kind", [kind for kind in IMPOSSIBLE + NO_FILE if kind not in ("nul", "half")])
def test_the_variable_for_data(
    capsys: pytest.CaptureFixture[str],
    nasty: Callable[[str, str], str],
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = nasty(kind, "")
    monkeypatch.setenv("NNVIZ_DATA", path)
    assert any(word in refused(capsys, "train", "sample:mlp-50") for word in ("NNVIZ_DATA", "MNIST"))


@pytest.mark.skipif(os.name == "nt", reason="there are no such files")
@pytest.mark.parametrize("kind", IMPOSSIBLE + NO_FILE)
def test_the_setting_for_a_folder(
    capsys: pytest.CaptureFixture[str], nasty: Callable[[str, str], str], kind: str
) -> None:
    folder = f"data.params.folder={nasty(kind, '')}"
    line = refused(capsys, "train", "sample:digits-cnn", "--set", "data.dataset=image_folder", "--set", folder)
    assert "data.params.folder" in line or "subfolders" in line


def test_what_is_typed_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert paths.given_path("~/x.nnviz") == tmp_path / "x.nnviz"
    assert paths.given_path("x/~y") == Path("x/~y")
    with pytest.raises(DataError, match="the option"):
        paths.given_path("", "the option", DataError)


@pytest.mark.skipif(os.name == "nt", reason="there are no such files")
def test_a_pipe_is_nowhere_waited_for(nasty: Callable[[str, str], str], tmp_path: Path) -> None:
    pipe = Path(nasty("fifo", ".nnviz"))
    assert disk_state.fingerprint(pipe) == disk_state.UNKNOWN
    with pytest.raises(InputError, match="pipe"):
        disk_state.opened(pipe)
    with pytest.raises(NotRegularError):
        open_regular(pipe)
    from nnviz.data.idx import read_idx

    with pytest.raises(DataError, match="pipe"):
        read_idx(pipe, (1,), "")


def test_a_name_of_bytes_that_are_no_text_can_be_used(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "caf\udce9.nnviz"
    try:
        io.save(templates.sample("and"), path)
    except (OSError, InputError, ValueError):
        pytest.skip("this disk wants text for names")
    assert cli.main(["summary", str(path)]) == 0
    assert "Linear" in capsys.readouterr().out


def test_a_long_name_in_letters_of_three_bytes_can_be_saved(tmp_path: Path) -> None:
    path = tmp_path / f"{'網' * 80}.nnviz"
    io.save(templates.sample("and"), path)
    assert io.load(path) == templates.sample("and")
