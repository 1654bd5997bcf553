"""A disk that takes nothing more of a run while it is written: said, waited for, and left for another one."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
import time
from pathlib import Path

import pytest
from recorded_run import INFO, Recorded
from waiting import wait_for

from nnviz.errors import StorageError
from nnviz.record import other_disk, run_file, store, tables
from nnviz.record.library import Label, Library, write_once
from nnviz.record.pending import Pending
from nnviz.record.places import runs_folder
from nnviz.record.readings import Scalar
from nnviz.record.run_lock import RunLock
from nnviz.record.store import open_run


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "RETRY_INTERVAL", 0.05)


def full(monkeypatch: pytest.MonkeyPatch, *paths: Path) -> threading.Event:
    """The disk takes nothing more for these files, or for any, while the event is set."""
    event = threading.Event()
    real = tables.Tables.write

    def write(self: tables.Tables, batch: Pending, state: bytes) -> None:
        (_, _, name) = self._connection.execute("PRAGMA database_list").fetchone()
        limited = event.is_set() and (not paths or Path(name) in paths)
        self._connection.execute(f"PRAGMA max_page_count = {1 if limited else 2**30}")
        real(self, batch, state)

    monkeypatch.setattr(tables.Tables, "write", write)
    return event


def test_a_disk_that_is_full_to_the_end_makes_the_record_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk_full = full(monkeypatch)
    recorded = Recorded(tmp_path / "mine.nnvizrun")
    recorded.train()
    assert recorded.writer.flush()
    disk_full.set()
    recorded.train(5000)
    assert not recorded.writer.close()
    assert recorded.writer.kept == recorded.path
    assert "only a part" in recorded.told[-1] and any("the disk is full" in text for text in recorded.told)
    with open_run(recorded.path) as stored:
        assert len(stored.scalars("loss/train")[0]) >= 100
    assert not list(tmp_path.glob("mine (2)*")) and not list(tmp_path.glob("*.part*"))


def test_a_disk_that_takes_nothing_at_the_end_has_the_run_written_to_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.nnvizrun"
    disk_full = full(monkeypatch, path, *(tmp_path.glob("*")), tmp_path / f".mine (2).nnvizrun.{os.getpid()}.part")
    recorded = Recorded(path)
    recorded.train()
    assert recorded.writer.flush()
    disk_full.set()
    recorded.train(5000)
    assert recorded.writer.close(), recorded.told
    assert recorded.writer.kept == runs_folder() / path.name
    assert f"{path} cannot be written (the disk is full): the run is written anew" in recorded.told[-1]
    recorded.check(runs_folder() / path.name)


def another_disk(monkeypatch: pytest.MonkeyPatch, folder: Path, free: int = 2**30) -> list[Exception]:
    """This folder lies on another disk than all else, and no full one is waited for long; the tries that failed."""
    failed: list[Exception] = []
    add = other_disk.Trouble.add

    def note(trouble: other_disk.Trouble, error: Exception) -> bool:
        failed.append(error)
        return add(trouble, error)

    monkeypatch.setattr(other_disk.Trouble, "add", note)
    monkeypatch.setattr(other_disk, "SECONDS", 0.1)
    monkeypatch.setattr(other_disk, "device_of", lambda of: int(of.is_relative_to(folder)))
    monkeypatch.setattr(other_disk, "free_bytes", lambda of: free)
    return failed


@pytest.mark.parametrize("place", ["kept", "temporary"])
def test_a_run_whose_disk_stays_full_goes_on_on_another_while_it_is_trained(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = runs_folder() if place == "kept" else tmp_path / "temporary"
    folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    another_disk(monkeypatch, folder)
    path = tmp_path / "mine.nnvizrun"
    label = Label("digits", ("mine",))
    Library(tmp_path).label(path, label)
    disk_full = full(monkeypatch, path)
    recorded = Recorded(path)
    recorded.train()
    assert recorded.writer.flush()
    disk_full.set()
    recorded.train(5000)  # far more than memory holds of a curve
    wait_for(lambda: recorded.writer.path != path, 60)
    recorded.train(10)
    assert recorded.writer.flush() and recorded.writer.error is None
    moved = recorded.writer.path
    assert moved == folder / path.name or (place == "temporary" and moved.parent.parent == folder)
    with open_run(moved) as stored:  # what a kill -9 leaves from here on
        assert stored.last_step == recorded.steps - 1
    may_go = "" if place == "kept" else " The system may clear that folder: save the run elsewhere."
    assert "the disk is full" in recorded.told[0]
    assert recorded.told[1:] == [f"The disk of {path} is full: the run goes on in {moved}.{may_go} Nothing is missing."]
    with open_run(path) as stored:  # what was in it stays, and nobody holds it
        assert stored.last_step == 99 and len(stored.checkpoints()) == 1
    RunLock.take(path).release()
    assert Library(moved.parent).labels() == ({path.name: label} if place == "kept" else {})
    assert recorded.writer.close() and len(recorded.told) == 2 and recorded.writer.kept == moved
    recorded.check(moved)


@pytest.mark.parametrize("why", ["the same disk", "no room there", "full as well"])
def test_a_run_waits_for_its_full_disk_where_no_other_takes_it(
    why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = another_disk(
        monkeypatch,
        tmp_path if why == "the same disk" else runs_folder(),
        other_disk.LEFT_FREE if why == "no room there" else 2**30,
    )
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    runs_folder().mkdir(parents=True, exist_ok=True)
    path = tmp_path / "mine.nnvizrun"
    disk_full = full(monkeypatch, *(() if why == "full as well" else (path,)))
    recorded = Recorded(path)
    recorded.train()
    assert recorded.writer.flush()
    disk_full.set()
    recorded.train(3000)
    began = time.monotonic()
    wait_for(lambda: len(failed) > 2 * other_disk.TRIES and time.monotonic() > began + 4 * other_disk.SECONDS, 60)
    assert recorded.writer.path == path and len(recorded.told) == 1
    assert not list(runs_folder().iterdir()), "nothing is left of what was tried"
    disk_full.clear()
    wait_for(recorded.writer.flush, 60)
    assert recorded.writer.close() and len(recorded.told) == 1
    recorded.check(path)


def test_a_file_that_somebody_else_has_in_use_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_disk, "SECONDS", 0.0)
    locked, broken = sqlite3.OperationalError("database is locked"), sqlite3.OperationalError("disk I/O error")
    locked.sqlite_errorcode, broken.sqlite_errorcode = sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR_WRITE
    trouble = other_disk.Trouble()
    assert not any(trouble.add(locked) for _ in range(10))
    assert [trouble.add(broken) for _ in range(other_disk.TRIES)] == [False] * (other_disk.TRIES - 1) + [True]
    assert not trouble.full
    trouble.put_off()
    assert not trouble.add(OSError(28, "No space left on device")) and trouble.full
    trouble.end()
    assert not trouble.add(broken) and not trouble.full


@pytest.mark.skipif(os.name == "nt", reason="making links is not for everybody on Windows")
def test_a_file_with_a_log_beside_it_is_read_where_there_is_no_room_for_the_index_of_that(tmp_path: Path) -> None:
    path = tmp_path / "mine.nnvizrun"
    log, index = Path(f"{path}-wal"), Path(f"{path}-shm")
    file = run_file.RunFile.new(path, INFO, RunLock.take(path))
    try:
        pending = Pending()
        pending.add([Scalar("loss/train", 3, 0.25)])
        file.write(pending, b"{}")
        left = path.read_bytes(), log.read_bytes()
        file.disconnect()
        path.write_bytes(left[0])
        log.write_bytes(left[1])
        index.symlink_to("nowhere")  # SQLite neither makes nor follows it
        file.note()
        with run_file.new_database(tmp_path / "copy.nnvizrun") as connection:
            file.copy_into(connection)
        assert not file.damaged()
    finally:
        index.unlink(missing_ok=True)
        file.close()
    with open_run(tmp_path / "copy.nnvizrun") as stored:
        assert stored.scalars("loss/train")[1].tolist() == [0.25]


def test_a_run_whose_disk_is_full_is_copied_whole_to_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, target = tmp_path / "mine.nnvizrun", tmp_path / "other" / "copy.nnvizrun"
    target.parent.mkdir()
    disk_full = full(monkeypatch, path)
    recorded = Recorded(path)
    recorded.train()
    assert recorded.writer.flush()
    disk_full.set()
    recorded.train(5000)  # far more than memory holds of a curve
    assert not recorded.writer.flush() and "the disk is full" in recorded.told[0]
    assert write_once(target, recorded.writer.copy_to)
    recorded.check(target)
    with open_run(target) as stored:
        assert stored.checkpoints()[-1].step == recorded.steps
    # What its own file could not take waits for it all the same.
    disk_full.clear()
    while not recorded.writer.flush():
        pass
    with pytest.raises(StorageError, match=r"nowhere.*could not be saved"):
        write_once(tmp_path / "nowhere" / "copy.nnvizrun", recorded.writer.copy_to)
    assert recorded.writer.close() and len(recorded.told) == 1
    recorded.check(path)
    with pytest.raises(StorageError, match="not written any more"):
        recorded.writer.copy_to(tmp_path / "late.nnvizrun")


def test_a_run_whose_file_cannot_be_read_any_more_is_copied_from_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, target = tmp_path / "mine.nnvizrun", tmp_path / "other" / "copy.nnvizrun"
    target.parent.mkdir()
    disk_full = full(monkeypatch, path)
    recorded = Recorded(path)
    recorded.train()
    assert recorded.writer.flush()
    disk_full.set()
    recorded.train(200)
    assert not recorded.writer.flush()

    def unreadable(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(run_file.RunFile, "copy_into", unreadable)
        assert not recorded.writer.copy_to(target)
    recorded.check(target, whole=False)
    recorded.writer.close(discard=True)


def test_checkpoints_are_kept_again_once_the_disk_takes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk_full = full(monkeypatch)
    recorded = Recorded(tmp_path / "mine.nnvizrun")
    recorded.train()
    assert recorded.writer.flush()
    disk_full.set()
    recorded.train(3000)
    assert not recorded.writer.flush()
    recorded.train(10)
    disk_full.clear()
    while not recorded.writer.flush():
        pass
    recorded.train(10)
    assert recorded.writer.close(), recorded.told
    recorded.check(recorded.path)
    assert len(recorded.told) == 1
