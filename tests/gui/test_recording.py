from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from nnviz.errors import StorageError
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.settings import Settings
from nnviz.gui.runs import recording
from nnviz.gui.runs.recording import Recorder
from nnviz.gui.window.actions import fill_runs
from nnviz.project.files import io
from nnviz.project.samples import templates
from nnviz.record import store, tables
from nnviz.record.library import copy_run, kept_runs
from nnviz.record.pending import Pending
from nnviz.record.places import runs_folder
from nnviz.record.readings import Scalar
from nnviz.record.run import Run, RunInfo
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


def test_a_run_whose_file_is_only_being_made_is_found_too(
    qtbot: QtBot, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project that is saved in the moment in which its training begins names it: the disk may be slow."""
    make, now = store.write_among_kept, threading.Event()

    def slowly(run: Run, on_error: Callable[[StorageError], None]) -> RunWriter:
        now.wait(30.0)
        return make(run, on_error=on_error)

    monkeypatch.setattr(store, "write_among_kept", slowly)
    run = planted()
    recorder.begin(run)
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(recorder.finder(run))
        with pytest.raises(TimeoutError):
            found.result(0.2)
        assert recorder.path_of(run) is None
        now.set()
        path = found.result(30.0)
    assert path is not None and path.parent == runs_folder() and path == recorder.path_of(run)
    qtbot.waitUntil(lambda: bool(recorder.kept))
    assert recorder.finder(run)() == path
    recorder.end(run)
    qtbot.waitUntil(lambda: recorder.path_of(run) is None)
    assert recorder.finder(run)() is None  # it is not begun anew
    assert len(list(runs_folder().glob("*.nnvizrun"))) == 1


def test_the_state_of_a_training_that_was_through_before_it_had_a_file_is_in_the_file(
    qtbot: QtBot, recorder: Recorder, tmp_path: Path
) -> None:
    """A few steps take less time than a file: nobody hands the last state over again."""
    new, going_on = planted(), planted()
    recorder.store.save_checkpoint(3, 0, {"w": b"older"}, "epoch")
    recorder.store.save_checkpoint(4, 1, {"w": b"new"}, "done")
    recorder.begin(new)
    qtbot.waitUntil(lambda: bool(recorder.kept))
    path = recorder.path_of(new)
    recorder.end(new)
    qtbot.waitUntil(lambda: recorder.path_of(new) is None)
    recorder.store.forget_start()
    writer = recorder._writers[going_on] = RunWriter(going_on, tmp_path / "run.nnvizrun", held=True)
    recorder.store.save_checkpoint(4, 1, {"w": b"going on"}, "done")
    recorder.begin(going_on)
    recorder.close()
    assert path is not None
    for file, blobs in ((path, {"w": b"new"}), (writer.path, {"w": b"going on"})):
        with open_run(file) as stored:
            assert [(one.step, one.tag) for one in stored.checkpoints()] == [(4, "done")]
            assert stored.load_checkpoint() == blobs


def test_a_run_that_holds_a_step_is_found_before_the_word_that_it_began_has_come(
    qtbot: QtBot, recorder: Recorder
) -> None:
    run = planted()
    path = recorder.finder(run)()
    assert path is not None and path == recorder.path_of(run)
    recorder.begin(run)
    qtbot.waitUntil(lambda: bool(recorder.kept))
    recorder.end(run)
    qtbot.waitUntil(lambda: recorder.path_of(run) is None)
    assert [kept.path for kept in kept_runs(runs_folder())] == [path]


def test_a_run_without_a_file_is_saved_too(qtbot: QtBot, recorder: Recorder, tmp_path: Path) -> None:
    target = tmp_path / "kept.nnvizrun"
    with qtbot.waitSignal(recorder.message):
        recorder.save_as(planted(), None, target)
    with open_run(target) as stored:
        assert stored.last_step == 4
    assert not list(tmp_path.glob("*.tmp")) and not list(tmp_path.glob(".*.tmp"))


def test_a_run_is_not_called_saved_while_the_disk_does_not_take_its_end(
    qtbot: QtBot, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is full, all is written to the other disk; where it only takes long, that is said."""
    run, target = planted(), tmp_path / "mine.nnvizrun"
    recorder.begin(run)
    qtbot.waitUntil(lambda: bool(recorder.kept))
    said: list[str] = []
    recorder.message.connect(said.append)
    recorder.failed.connect(said.append)
    with monkeypatch.context() as patch:
        patch.setattr(RunWriter, "flush", lambda *_: False)
        recorder.save_as(run, None, target)
        qtbot.waitUntil(lambda: bool(said))
    assert said[0].startswith("mine.nnvizrun was not saved: the disk has not taken") and not target.exists()
    write, own = tables.Tables.write, str(recorder.path_of(run))

    def full(self: tables.Tables, batch: Pending, state: bytes) -> None:
        if self._connection.execute("PRAGMA database_list").fetchone()[2] == own:
            raise sqlite3.OperationalError("database or disk is full")
        write(self, batch, state)

    with monkeypatch.context() as patch:
        patch.setattr(tables.Tables, "write", full)
        run.append([Scalar("loss/train", 5, 0.125)])
        recorder.save_as(run, None, target)
        qtbot.waitUntil(lambda: said[-1] == "Saved mine.nnvizrun")
    assert "the disk is full" in said[1]
    with open_run(target) as stored:
        assert stored.last_step == 5
    recorder.end(run)
    qtbot.waitUntil(lambda: recorder.path_of(run) is None)


def test_a_run_gets_its_file_once_the_disk_has_room_for_one(
    qtbot: QtBot, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "BEGIN_AGAIN", 20)
    make, tries = store.write_among_kept, []
    said: list[str] = []
    recorder.failed.connect(said.append)
    taken_back: list[str] = []
    recorder.mended.connect(taken_back.append)

    def full(run: Run, on_error: Callable[[StorageError], None]) -> RunWriter:
        tries.append(run)
        if len(tries) < 3:
            raise StorageError("The run cannot be written: the disk is full.")
        return make(run, on_error=on_error)

    monkeypatch.setattr(store, "write_among_kept", full)
    run, over = planted(), planted()
    recorder.begin(run)
    qtbot.waitUntil(lambda: recorder.path_of(run) is not None)
    assert said == ["The run cannot be written: the disk is full."]
    qtbot.waitUntil(lambda: taken_back == said)
    path = recorder.path_of(run)
    recorder.end(run)
    qtbot.waitUntil(lambda: recorder.path_of(run) is None)
    assert path is not None
    with open_run(path) as stored:
        assert stored.last_step == 4 and stored.finished
    tries.clear()
    recorder.begin(over)
    recorder.end(over)  # nobody goes on with it: it is tried once more, and no file is made for it later
    qtbot.waitUntil(lambda: len(said) == 2)
    qtbot.wait(60)
    assert tries == [over, over] and len(taken_back) == 1


@pytest.mark.parametrize("how", ["end", "close"])
def test_a_run_without_a_file_is_tried_once_more_before_it_goes(
    qtbot: QtBot, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    make, said, taken_back = store.write_among_kept, list[str](), list[str]()
    recorder.failed.connect(said.append)
    recorder.mended.connect(taken_back.append)

    def full(run: Run, on_error: Callable[[StorageError], None]) -> RunWriter:
        raise StorageError("The run cannot be written: the disk is full.")

    monkeypatch.setattr(store, "write_among_kept", full)
    run = planted()
    recorder.begin(run)
    qtbot.waitUntil(lambda: bool(said))
    monkeypatch.setattr(store, "write_among_kept", make)
    if how == "end":
        recorder.end(run)
        qtbot.waitUntil(lambda: taken_back == said)
    else:
        recorder.close()
    (path,) = runs_folder().glob("*.nnvizrun")
    with open_run(path) as stored:
        assert stored.last_step == 4 and stored.finished


def test_a_run_that_is_not_gone_on_with_yet_is_saved_as_its_file_is(
    qtbot: QtBot, recorder: Recorder, tmp_path: Path
) -> None:
    """Nothing is written before it is gone on with, so there is nothing to wait for."""
    path, target = tmp_path / "first.nnvizrun", tmp_path / "mine.nnvizrun"
    with RunWriter(planted(), path):
        pass
    with open_run(path) as stored:
        run = stored.to_run()
    with RunWriter(run, path, resume=True, held=True) as writer:
        recorder._writers[run] = writer
        said: list[str] = []
        recorder.message.connect(said.append)
        recorder.save_as(run, None, target)
        qtbot.waitUntil(lambda: said == ["Saved mine.nnvizrun"])
    with open_run(target) as stored:
        assert stored.last_step == 4


def test_a_growing_file_is_copied_whole(tmp_path: Path) -> None:
    run = planted()
    with RunWriter(run, tmp_path / "growing.nnvizrun") as writer:
        writer.flush()
        copy_run(tmp_path / "growing.nnvizrun", tmp_path / "copy.nnvizrun")
        with open_run(tmp_path / "copy.nnvizrun") as stored:
            assert stored.last_step == 4 and stored.finished  # the copy has ended there
        with open_run(tmp_path / "growing.nnvizrun") as stored:
            assert not stored.finished


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


def test_no_run_is_ever_removed(qtbot: QtBot, recorder: Recorder) -> None:
    folder = runs_folder()
    folder.mkdir(parents=True)
    for number in range(50):
        path = folder / f"{number}.nnvizrun"
        path.write_bytes(b"x")
        os.utime(path, (time.time() - 100 + number, time.time() - 100 + number))
    (folder / "other.txt").write_text("mine", encoding="utf-8")
    before = sorted(folder.iterdir())
    recorder.look()
    qtbot.waitUntil(lambda: bool(recorder.kept))
    assert [kept.path.stem for kept in recorder.kept] == [str(number) for number in reversed(range(50))]
    assert sum(kept.size for kept in recorder.kept) == 50
    assert sorted(folder.iterdir()) == before


def test_what_is_no_file_does_not_break_the_list(qtbot: QtBot, recorder: Recorder) -> None:
    folder = runs_folder()
    folder.mkdir(parents=True)
    (folder / "good.nnvizrun").write_bytes(b"not really a run, but that is seen when it is opened")
    (folder / "folder.nnvizrun").mkdir()
    if os.name != "nt":
        (folder / "gone.nnvizrun").symlink_to(folder / "nothing")
        (folder / "circle.nnvizrun").symlink_to(folder / "circle.nnvizrun")
        os.mkfifo(folder / "pipe.nnvizrun")
    failed: list[str] = []
    recorder.failed.connect(failed.append)
    recorder.look()
    qtbot.waitUntil(lambda: bool(recorder.kept))
    assert [kept.path.stem for kept in recorder.kept] == ["good"]
    assert not failed


def test_the_menu_names_the_newest_and_says_how_much_there_is(
    qtbot: QtBot, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = runs_folder()
    folder.mkdir(parents=True)
    for number in range(212):
        path = folder / f"{number}.nnvizrun"
        path.write_bytes(b"x" * 1000)
        os.utime(path, (1000 + number, 1000 + number))
    recorder.look()
    qtbot.waitUntil(lambda: bool(recorder.kept))
    asked: list[Path] = []
    menu = QMenu()
    fill_runs(menu, recorder.kept, asked.append, asked.append)
    texts = [action.text() for action in menu.actions() if action.text()]
    assert texts[0].startswith("211 ") and texts[29].startswith("182 ") and len(texts) == 31
    assert texts[-1].startswith("212 runs, 212") and "kB" in texts[-1]
    menu.actions()[-1].trigger()
    assert asked == [folder]


@pytest.mark.skipif(os.name == "nt", reason="Windows does not let go of a file that is open")
def test_a_run_whose_file_is_lost_is_written_anew_and_that_is_said(qtbot: QtBot, recorder: Recorder) -> None:
    run = planted()
    recorder.begin(run)
    qtbot.waitUntil(lambda: recorder.path_of(run) is not None)
    path = recorder.path_of(run)
    assert path is not None
    with qtbot.waitSignal(recorder.failed, timeout=20_000) as failed:
        path.unlink()
        run.append([Scalar("loss/train", 5, 0.125)])
    beside = path.with_name(f"{path.stem} (2).nnvizrun")
    assert recorder.path_of(run) == beside and str(beside) in failed.args[0]
    recorder.end(run)
    qtbot.waitUntil(lambda: recorder.path_of(run) is None, timeout=20_000)
    with open_run(beside) as stored:
        assert stored.last_step == 5 and stored.finished


def test_two_windows_that_begin_in_the_same_second_keep_two_runs(qtbot: QtBot, recorder: Recorder) -> None:
    other = Recorder(Background())
    runs = [planted(), planted()]
    recorder.begin(runs[0])
    other.begin(runs[1])
    qtbot.waitUntil(lambda: recorder.path_of(runs[0]) is not None and other.path_of(runs[1]) is not None)
    assert recorder.path_of(runs[0]) != other.path_of(runs[1])
    recorder.close()
    other.close()
    recorder.look()
    qtbot.waitUntil(lambda: len(recorder.kept) == 2)
    for kept in recorder.kept:
        with open_run(kept.path) as stored:
            assert stored.last_step == 4


def test_a_saved_run_is_not_mixed_with_what_another_left(tmp_path: Path) -> None:
    target = tmp_path / "mine.nnvizrun"
    with RunWriter(planted(500), target) as writer:
        writer.flush()
        left = {suffix: Path(f"{target}{suffix}").read_bytes() for suffix in ("-wal", "-shm")}
        RunWriter(planted(3), tmp_path / "source.nnvizrun").close()
        with pytest.raises(StorageError, match="is being written"):
            copy_run(tmp_path / "source.nnvizrun", target)
    target.unlink()
    for suffix, data in left.items():
        Path(f"{target}{suffix}").write_bytes(data)
    copy_run(tmp_path / "source.nnvizrun", target)
    with open_run(target) as stored:
        assert stored.last_step == 2


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
