"""Training at the command line whose run file is taken away, or wanted by two: what is printed is where the run is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nnviz import cli
from nnviz.commands.training_report import JsonReport
from nnviz.record import store
from nnviz.record.places import runs_folder
from nnviz.record.readings import Scalar
from nnviz.record.run import Run
from nnviz.record.store import RunWriter, open_run
from nnviz.train.position import EpochResult

on_posix = pytest.mark.skipif(os.name == "nt", reason="Windows does not let go of a file that is open")
EPOCHS = 6
TRAIN = ["train", "sample:xnor-two-layer", "--epochs", str(EPOCHS), "--json"]
ROOT = Path(store.__file__).parents[2]


class Printed:
    """What a command printed."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status = status
        self.events = [json.loads(line) for line in out.splitlines()]
        self.errors = err.splitlines()

    @property
    def warnings(self) -> list[str]:
        return [event["text"] for event in self.events if event["event"] == "warning"]

    @property
    def finished(self) -> dict[str, object]:
        assert self.events[-1]["event"] == "finished"
        return dict(self.events[-1])


def train(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *more: str,
    at_epoch: Callable[[], object] | None = None,
) -> Printed:
    """Train; after the second epoch something happens."""
    real = JsonReport.epoch

    def epoch(self: JsonReport, result: EpochResult) -> None:
        real(self, result)
        if result.epoch == 2 and at_epoch is not None:
            at_epoch()

    monkeypatch.setattr(JsonReport, "epoch", epoch)
    capsys.readouterr()
    status = cli.main([*TRAIN, *more])
    return Printed(status, *capsys.readouterr())


def check_whole(path: Path) -> None:
    with open_run(path) as stored:
        assert stored.finished
        assert list(stored.scalars("epoch")[1]) == list(range(1, EPOCHS + 1))
        assert len(stored.scalars("loss/train")[0]) == stored.last_step
        assert stored.load_checkpoint()["weights"]


@on_posix
@pytest.mark.parametrize("loss", ["removed", "moved", "replaced", "cut off", "folder"])
def test_a_lost_run_is_kept_elsewhere_and_the_path_says_where(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, loss: str
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    path = folder / "mine.nnvizrun"
    other = tmp_path / "other"
    other.write_bytes(b"precious")
    actions: dict[str, Callable[[], object]] = {
        "removed": path.unlink,
        "moved": lambda: path.rename(tmp_path / "moved.nnvizrun"),
        "replaced": lambda: other.replace(path),
        "cut off": lambda: os.truncate(path, 0),
        "folder": lambda: shutil.rmtree(folder),
    }
    line = train(capsys, monkeypatch, "--run", str(path), at_epoch=actions[loss])
    assert line.status == 0
    expected = runs_folder() / "mine.nnvizrun" if loss == "folder" else folder / "mine (2).nnvizrun"
    assert line.finished["run"] == str(expected) and line.finished["run_complete"] is True
    assert len(line.warnings) == 1 and str(expected) in line.warnings[0]
    assert line.errors == [f"nnviz: {line.warnings[0]}"]
    check_whole(expected)
    if loss == "replaced":
        assert path.read_bytes() == b"precious"


@on_posix
def test_a_run_that_is_lost_for_good_ends_in_status_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(store, "write_anew", nowhere)
    path = tmp_path / "mine.nnvizrun"
    line = train(capsys, monkeypatch, "--run", str(path), at_epoch=path.unlink)
    assert line.status == 1
    assert line.finished["run"] is None and line.finished["run_complete"] is False
    assert "Read-only file system" in line.warnings[0] and "could not be kept" in line.warnings[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_disk_that_is_full_to_the_end_ends_in_status_1(tmp_path: Path) -> None:
    program = (
        "import resource, sys\n"
        "from nnviz import cli\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))\n"
        "sys.exit(cli.main(sys.argv[1:]))\n"
    )
    path = tmp_path / "mine.nnvizrun"
    command = [sys.executable, "-c", program, "train", "sample:spiral", "--epochs", "30", "--json", "--run", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    line = Printed(done.returncode, done.stdout, done.stderr)
    assert line.status == 1, line.errors
    assert line.finished["run"] == str(path) and line.finished["run_complete"] is False
    assert any("cannot be written" in text for text in line.warnings) and "only a part" in line.warnings[-1]
    assert line.errors == [f"nnviz: {text}" for text in line.warnings]
    with open_run(path) as stored:
        assert not stored.finished


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert cli.main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return str(line)


def test_the_second_who_wants_a_run_is_told_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "mine.nnvizrun"
    assert cli.main([*TRAIN, "--run", str(path)]) == 0
    with open_run(path) as stored:
        run = stored.to_run()
    before = path.read_bytes()
    with RunWriter(run, path, resume=True) as writer:
        writer.flush()
        assert "being written by another nnviz" in complaint(capsys, *TRAIN, "--run", str(path), "--resume")
        run.append([Scalar("loss/train", run.last_step + 1, 0.5)])
    with open_run(path) as stored:
        assert stored.latest("loss/train") == run.latest("loss/train")
    assert before != path.read_bytes()
    assert "exists already" in complaint(capsys, *TRAIN, "--run", str(path))


def test_a_run_named_without_the_suffix_is_kept_under_the_longer_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    line = train(capsys, monkeypatch, "--run", str(tmp_path / "mine"))
    assert line.status == 0 and line.finished["run"] == str(tmp_path / "mine.nnvizrun")
    assert len(line.errors) == 1 and "mine.nnvizrun" in line.errors[0]
    again = train(capsys, monkeypatch, "--run", str(tmp_path / "mine"), "--resume")
    assert again.status == 0 and again.finished["run"] == str(tmp_path / "mine.nnvizrun")


@on_posix
def test_a_place_that_is_none_is_refused_before_anything_begins(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe.nnvizrun")
    (tmp_path / "link.nnvizrun").symlink_to(tmp_path / "nothing")
    for name in ("pipe.nnvizrun", "link.nnvizrun", "nowhere/mine.nnvizrun", "."):
        assert complaint(capsys, *TRAIN, "--run", str(tmp_path / name)).startswith(f"nnviz: {tmp_path}")
    assert "device" in complaint(capsys, *TRAIN, "--run", str(tmp_path / "pipe.nnvizrun"), "--resume")
    assert (tmp_path / "link.nnvizrun").is_symlink() and not (tmp_path / "nothing").exists()


BEGIN = """
import sys, time
from pathlib import Path
from nnviz.errors import NnvizError
from nnviz.record.run import Run
from nnviz.record.readings import Scalar
from nnviz.record.store import RunWriter, open_run
path, mode, mark = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
try:
    if mode == "resume":
        with open_run(path) as stored:
            run = stored.to_run()
    else:
        run = Run()
    with RunWriter(run, path, resume=mode == "resume", interval=0.01) as writer:
        for step in range(run.last_step + 1, run.last_step + 200):
            run.append([Scalar("loss/train", step, mark)])
            time.sleep(0.001)
except NnvizError as error:
    print(error)
    sys.exit(2)
sys.exit(0 if writer.complete else 1)
"""


@pytest.mark.parametrize("mode", ["new", "resume"])
def test_of_two_processes_one_writes_and_the_other_is_refused(tmp_path: Path, mode: str) -> None:
    for number in range(3):
        path = tmp_path / f"{number}.nnvizrun"
        if mode == "resume":
            with RunWriter(Run(), path):
                pass
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", BEGIN, str(path), mode, str(mark)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            for mark in (1.0, 2.0)
        ]
        for process in processes:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [process.communicate(timeout=60)[0] for process in processes]
        statuses = [process.returncode for process in processes]
        assert sorted(statuses) == [0, 2], said
        assert "\n" not in said[statuses.index(2)].strip()
        with open_run(path) as stored:
            values = set(stored.scalars("loss/train")[1])
            assert values == {float(statuses.index(0) + 1)}
            assert len(stored.scalars("loss/train")[0]) == 199
