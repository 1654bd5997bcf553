"""A file that is taken away, replaced or cut off while it is written: said, and nothing is lost silently."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from recorded_run import INFO, Recorded

from nnviz.errors import StorageError
from nnviz.record import anew, run_file, store
from nnviz.record.places import runs_folder
from nnviz.record.readings import Scalar
from nnviz.record.run import Run, RunInfo
from nnviz.record.run_file import RunFileExists
from nnviz.record.run_lock import RunFileBusy, RunLock
from nnviz.record.store import RunWriter, open_run

on_posix = pytest.mark.skipif(os.name == "nt", reason="Windows does not let go of a file that is open")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "RETRY_INTERVAL", 0.05)


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    folder = tmp_path / "out"
    folder.mkdir()
    recorded = Recorded(folder / "mine.nnvizrun")
    recorded.train()
    assert recorded.writer.flush()
    yield recorded
    recorded.writer.close()


def remove(path: Path) -> None:
    path.unlink()


def move(path: Path) -> None:
    path.rename(path.with_name("moved.nnvizrun"))


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"precious")
    other.replace(path)


@on_posix
@pytest.mark.parametrize("loss", [remove, move, replace])
@pytest.mark.parametrize("late", [False, True])
def test_a_lost_file_is_written_anew_beside_it(recorded: Recorded, loss: Callable[[Path], None], late: bool) -> None:
    loss(recorded.path)
    if not late:
        recorded.train()
        assert recorded.writer.flush()
        recorded.train()
    assert recorded.writer.close(), recorded.told
    beside = recorded.path.with_name("mine (2).nnvizrun")
    assert recorded.writer.kept == recorded.writer.path == beside
    recorded.check(beside)
    assert len(recorded.told) == 1
    assert str(recorded.path) in recorded.told[0] and str(beside) in recorded.told[0]
    if loss is replace:
        assert recorded.path.read_bytes() == b"precious"
    if loss is move:
        with open_run(recorded.path.with_name("moved.nnvizrun")) as stored:
            assert len(stored.scalars("loss/train")[0]) == 100


@on_posix
@pytest.mark.parametrize("moved", [False, True])
def test_a_lost_folder_sends_the_run_to_where_runs_are_kept(recorded: Recorded, moved: bool) -> None:
    if moved:
        recorded.path.parent.rename(recorded.path.parent.with_name("elsewhere"))
    else:
        shutil.rmtree(recorded.path.parent)
    recorded.train()
    assert recorded.writer.close(), recorded.told
    assert recorded.writer.kept == runs_folder() / recorded.path.name
    recorded.check(runs_folder() / recorded.path.name)
    assert "gone with its folder" in recorded.told[0]


@pytest.mark.parametrize("size", [0, 50, 4096])
def test_a_file_that_was_cut_off_is_written_anew_from_memory(tmp_path: Path, size: int) -> None:
    recorded = Recorded(tmp_path / "mine.nnvizrun", scalar_limit=10_000)
    recorded.train()
    assert recorded.writer.flush()
    os.truncate(recorded.path, size)
    recorded.train(50)
    assert recorded.writer.close(), recorded.told
    recorded.check(tmp_path / "mine (2).nnvizrun")
    assert "was cut off" in recorded.told[0] and "from memory" in recorded.told[0]
    assert not list(tmp_path.glob("mine.nnvizrun-*"))


def test_what_memory_holds_no_longer_makes_the_record_incomplete(recorded: Recorded) -> None:
    os.truncate(recorded.path, 0)
    recorded.train()
    assert not recorded.writer.close()
    assert not recorded.writer.complete
    assert recorded.writer.kept == recorded.path.with_name("mine (2).nnvizrun")
    recorded.check(recorded.writer.kept, whole=False)
    assert "only a part" in recorded.told[-1]


@pytest.mark.parametrize("content", ["another run", "text"])
def test_a_file_that_was_overwritten_is_noticed(tmp_path: Path, content: str) -> None:
    other = Recorded(tmp_path / "other.nnvizrun")
    other.train(3000)
    other.writer.close()
    recorded = Recorded(tmp_path / "mine.nnvizrun", scalar_limit=10_000)
    recorded.train()
    assert recorded.writer.flush()
    data = other.path.read_bytes() if content == "another run" else b"x" * 500_000
    with recorded.path.open("r+b") as file:
        file.write(data)
    recorded.train()
    assert recorded.writer.close(), recorded.told
    recorded.check(tmp_path / "mine (2).nnvizrun")
    assert "was overwritten" in recorded.told[0]


def test_a_touched_or_copied_file_is_not_lost(recorded: Recorded) -> None:
    os.utime(recorded.path, (1, 1))
    recorded.path.read_bytes()
    recorded.train()
    assert recorded.writer.close()
    recorded.check(recorded.path)
    assert not recorded.told


def test_a_file_that_was_written_into_is_noticed_at_the_end_at_the_latest(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path / "mine.nnvizrun", scalar_limit=10_000)
    recorded.train(5000)
    assert recorded.writer.flush()
    with sqlite3.connect(recorded.path) as connection:  # so that it lies in the file and not in the log
        connection.execute("PRAGMA wal_checkpoint(FULL)")
    connection.close()
    recorded.train(1)
    assert recorded.writer.flush()
    with recorded.path.open("r+b") as file:
        file.seek(8192)
        file.write(b"x" * (recorded.path.stat().st_size - 8192))
    recorded.train(50)
    assert recorded.writer.close(), recorded.told
    recorded.check(tmp_path / "mine (2).nnvizrun")
    assert "from memory" in recorded.told[0]


def test_locks_that_killed_writers_left_are_cleared_and_no_other(tmp_path: Path) -> None:
    folder = runs_folder()
    folder.mkdir(parents=True)
    (folder / ".old.nnvizrun.lock").write_bytes(b"")
    (folder / ".other.lock").write_bytes(b"mine")
    with RunWriter(Run(INFO), folder / "living.nnvizrun"):
        writer = store.write_among_kept(Run(INFO))
        names = sorted(path.name for path in folder.glob(".*"))
        assert names == sorted([".living.nnvizrun.lock", ".other.lock", f".{writer.path.name}.lock"])
        writer.close()


@on_posix
@pytest.mark.parametrize("suffixes", [("-wal",), ("-shm",), ("-wal", "-shm")])
def test_a_log_that_was_taken_away_is_begun_anew(recorded: Recorded, suffixes: tuple[str, ...]) -> None:
    for suffix in suffixes:
        Path(f"{recorded.path}{suffix}").unlink()
    recorded.train()
    assert recorded.writer.flush()
    with open_run(recorded.path) as stored:  # readers see it, so it would outlive a kill as well
        assert len(stored.scalars("loss/train")[0]) == 200
    assert recorded.writer.close()
    recorded.check(recorded.path)
    assert len(recorded.told) == 1 and "nothing is missing" in recorded.told[0]


def test_what_a_deleted_run_left_does_not_get_into_the_next(tmp_path: Path) -> None:
    path = tmp_path / "mine.nnvizrun"
    first = Recorded(path)
    first.train(500)
    first.writer.flush()
    left = {suffix: Path(f"{path}{suffix}").read_bytes() for suffix in ("-wal", "-shm")}
    first.writer.close()
    path.unlink()
    for suffix, data in left.items():
        Path(f"{path}{suffix}").write_bytes(data)
    Path(f"{path}-journal").write_bytes(b"old")
    (tmp_path / ".mine.nnvizrun.77.part").write_bytes(b"half made")
    (tmp_path / ".mine.nnvizrun.lock").write_bytes(b"")  # left by a kill
    second = Recorded(path)
    second.train(20)
    assert second.writer.close()
    second.check(path)
    with open_run(path) as stored:
        assert len(stored.scalars("loss/train")[0]) == 20
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [path.name]


@on_posix
def test_the_log_of_a_living_run_is_left_alone(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    real = anew.write_anew

    def later(*arguments: object, **named: object) -> object:
        gate.wait(20)
        return real(*arguments, **named)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(store, "write_anew", later)
    log = Path(f"{recorded.path}-wal")
    before = log.stat().st_ino
    recorded.path.unlink()
    with pytest.raises(RunFileBusy, match=r"mine\.nnvizrun is being written by another nnviz"):
        RunWriter(Run(INFO), recorded.path)
    assert log.stat().st_ino == before
    gate.set()
    assert recorded.writer.close()
    recorded.check(recorded.writer.path)


def test_a_run_has_one_writer(recorded: Recorded) -> None:
    with open_run(recorded.path) as stored:
        again = stored.to_run()
    with pytest.raises(RunFileBusy):
        RunWriter(again, recorded.path, resume=True)
    assert recorded.writer.close()
    recorded.check(recorded.path)
    with RunWriter(again, recorded.path, resume=True):
        again.append([Scalar("loss/train", 100, 100 / 7)])
    with open_run(recorded.path) as stored:
        assert len(stored.scalars("loss/train")[0]) == 101


@on_posix
def test_a_link_and_the_file_behind_it_have_one_lock(recorded: Recorded, tmp_path: Path) -> None:
    link = tmp_path / "link.nnvizrun"
    link.symlink_to(recorded.path)
    with open_run(recorded.path) as stored:
        again = stored.to_run()
    with pytest.raises(RunFileBusy):
        RunWriter(again, link, resume=True)


def test_a_lock_that_was_just_given_back_is_not_shared(tmp_path: Path) -> None:
    path = tmp_path / "mine.nnvizrun"
    held: list[int] = []
    most: list[int] = []
    chance = random.Random(0)
    waits = [chance.random() / 500 for _ in range(200)]

    def contend(own: list[float]) -> None:
        for wait in own:
            try:
                lock = RunLock.take(path)
            except RunFileBusy:
                continue
            held.append(1)
            most.append(len(held))
            threading.Event().wait(wait)
            held.pop()
            lock.release()

    threads = [threading.Thread(target=contend, args=(waits[k::4],)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most and max(most) == 1
    assert not list(tmp_path.iterdir())


def test_a_new_file_takes_no_name_that_was_given_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.nnvizrun"
    real = run_file.write_schema

    def slow(connection: sqlite3.Connection, info: RunInfo) -> None:
        real(connection, info)
        path.write_bytes(b"precious")

    monkeypatch.setattr(run_file, "write_schema", slow)
    with pytest.raises(RunFileExists, match="exists already"):
        RunWriter(Run(INFO), path)
    assert path.read_bytes() == b"precious"

    def without_links(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    path.unlink()
    monkeypatch.setattr(os, "link", without_links)
    with pytest.raises(RunFileExists, match="exists already"):
        RunWriter(Run(INFO), path)
    assert path.read_bytes() == b"precious"
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [path.name]


@on_posix
def test_a_file_lost_again_and_again_while_training_goes_on(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path / "mine.nnvizrun")
    chance = random.Random(3)
    losses = 0
    for _ in range(12):
        recorded.train(chance.randrange(1, 2000))
        if chance.random() < 0.3:
            back = chance.randrange(recorded.steps)
            recorded.run.rewind(back)
            recorded.steps = back + 1
            recorded.train(1)
        if chance.random() < 0.5:
            assert recorded.writer.flush()
        path = recorded.writer.path
        if path.exists():
            chance.choice([remove, move])(path)
            losses += 1
    recorded.train(10)
    assert recorded.writer.close(), recorded.told
    assert losses > 3
    recorded.check(recorded.writer.path)


def test_where_nothing_can_be_written_any_more_there_is_no_file(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(store, "write_anew", nowhere)
    os.truncate(recorded.path, 0)
    recorded.train()
    assert not recorded.writer.close()
    assert recorded.writer.kept is None
    assert "no other file: Read-only file system" in recorded.told[0]
    assert "could not be kept" in recorded.told[-1]


def test_an_unwanted_run_leaves_nothing_and_takes_nothing_with_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.nnvizrun"
    writer = RunWriter(Run(INFO), path)
    writer.close(discard=True)
    assert not [file for file in tmp_path.iterdir() if file.is_file()]
    if os.name != "nt":
        writer = RunWriter(Run(INFO), path)
        replace(path)
        writer.close(discard=True)
        assert path.read_bytes() == b"precious"


def test_a_full_disk_while_a_run_is_begun_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(run_file, "write_schema", fails)
    with pytest.raises(StorageError, match="the disk is full"):
        RunWriter(Run(INFO), tmp_path / "mine.nnvizrun")
    assert not [file for file in tmp_path.iterdir() if file.is_file()]
