from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from nnviz.errors import StorageError
from nnviz.gui import recording
from nnviz.gui.background import Background
from nnviz.gui.recording import Recorder, copy_run
from nnviz.gui.settings import Settings
from nnviz.project import io, templates
from nnviz.record.places import runs_folder
from nnviz.record.run import Run, RunInfo
from nnviz.record.samples import Scalar
from nnviz.record.store import RunWriter, open_run


def planted(steps: int = 5) -> Run:
    run = Run(RunInfo(project_json=io.dumps(templates.sample("and")), title="A / b: c?"))
    run.append([Scalar("loss/train", step, 1.0 / (step + 1)) for step in range(steps)])
    return run


@pytest.fixture
def recorder(qtbot: QtBot) -> Recorder:
    return Recorder(Background())


def test_a_run_is_written_from_its_beginning_under_a_readable_name(qtbot: QtBot, recorder: Recorder) -> None:
    run = planted()
    recorder.begin(run)
    qtbot.waitUntil(lambda: bool(recorder.kept))
    run.append([Scalar("loss/train", 5, 0.125)])
    recorder.end(run)
    qtbot.waitUntil(lambda: recorder.path_of(run) is None)
    path = recorder.kept[0].path
    assert path.parent == runs_folder() and path.name.endswith(" A-b-c.nnvizrun")
    with open_run(path) as stored:
        assert list(stored.scalars("loss/train")[0]) == [0, 1, 2, 3, 4, 5]
        assert stored.finished


def test_a_run_without_a_file_is_saved_too(qtbot: QtBot, recorder: Recorder, tmp_path: Path) -> None:
    target = tmp_path / "kept.nnvizrun"
    with qtbot.waitSignal(recorder.message):
        recorder.save_as(planted(), None, target)
    with open_run(target) as stored:
        assert stored.last_step == 4
    assert not list(tmp_path.glob("*.tmp")) and not list(tmp_path.glob(".*.tmp"))


def test_a_growing_file_is_copied_whole(tmp_path: Path) -> None:
    run = planted()
    with RunWriter(run, tmp_path / "growing.nnvizrun") as writer:
        writer.flush()
        copy_run(tmp_path / "growing.nnvizrun", tmp_path / "copy.nnvizrun")
        with open_run(tmp_path / "copy.nnvizrun") as stored:
            assert stored.last_step == 4


def test_a_copy_that_fails_names_the_file_and_leaves_the_old_one(
    qtbot: QtBot, recorder: Recorder, tmp_path: Path
) -> None:
    source = tmp_path / "run.nnvizrun"
    RunWriter(planted(), source).close()
    with pytest.raises(StorageError, match=r"nowhere.*kept\.nnvizrun could not be saved"):
        copy_run(source, tmp_path / "nowhere" / "kept.nnvizrun")
    old = tmp_path / "old.nnvizrun"
    old.write_bytes(b"precious")
    broken = tmp_path / "broken.nnvizrun"
    broken.write_bytes(b"no database")
    with pytest.raises(StorageError, match=r"untouched"):
        copy_run(broken, old)
    assert old.read_bytes() == b"precious"
    with qtbot.waitSignal(recorder.failed) as failed:
        recorder.save_as(None, None, tmp_path / "nothing.nnvizrun")
    assert "no run to save" in failed.args[0]


def test_only_the_newest_runs_are_kept(qtbot: QtBot, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MOST_RUNS", 3)
    folder = runs_folder()
    folder.mkdir(parents=True)
    for number in range(5):
        path = folder / f"{number}.nnvizrun"
        path.write_bytes(b"x")
        os.utime(path, (time.time() - 100 + number, time.time() - 100 + number))
    (folder / "other.txt").write_text("mine", encoding="utf-8")
    recorder.look()
    qtbot.waitUntil(lambda: bool(recorder.kept))
    assert [kept.path.stem for kept in recorder.kept] == ["4", "3", "2"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "2.nnvizrun", "3.nnvizrun", "4.nnvizrun", "other.txt",
    ]  # fmt: skip


def test_jobs_of_one_lane_keep_their_order_and_errors_come_back(qtbot: QtBot) -> None:
    background = Background()
    order: list[object] = []

    def slow() -> int:
        time.sleep(0.05)
        return 1

    def broken() -> int:
        raise ValueError("planted")

    background.start(slow, order.append, order.append)
    background.start(lambda: 2, order.append, order.append)
    background.start(broken, order.append, lambda error: order.append(str(error)))
    assert background.busy
    qtbot.waitUntil(lambda: not background.busy)
    assert order == [1, 2, "planted"]


def test_settings_are_remembered_and_bounded(tmp_path: Path) -> None:
    path = tmp_path / "nnviz.ini"
    settings = Settings(path)
    assert (settings.theme, settings.recent, settings.welcome_seen) == ("system", (), False)
    settings.theme = "light"
    settings.welcome_seen = True
    for number in range(14):
        settings.remember(tmp_path / f"{number}.nnviz")
    settings.remember(tmp_path / "9.nnviz")
    settings.sync()
    again = Settings(path)
    assert again.theme == "light" and again.welcome_seen
    assert [item.stem for item in again.recent][:3] == ["9", "13", "12"] and len(again.recent) == 10
    again.forget(tmp_path / "13.nnviz")
    assert "13" not in {item.stem for item in again.recent}
    path = tmp_path / "odd.ini"
    path.write_text("[General]\ntheme=purple\nrecent=alone.nnviz\n", encoding="utf-8")
    odd = Settings(path)
    assert odd.theme == "system" and odd.recent == (Path("alone.nnviz"),)
