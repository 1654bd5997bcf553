from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from waiting import wait_for

from nnviz.project.document import Document
from nnviz.project.edits import AddNodes
from nnviz.project.files import atomic, io
from nnviz.project.model import Node, Project
from nnviz.project.safety import disk_state, recovery
from nnviz.project.safety.autosave import Autosave
from nnviz.project.safety.open_files import OpenFile, open_folder
from nnviz.project.safety.recovery import Work
from nnviz.project.safety.window_lock import WindowLock, claim, is_alive, tokens
from nnviz.project.samples import templates

PROJECT = templates.sample("xnor-two-layer")


def leave(folder: Path, work: Work | None = None) -> Path:
    """Work of a window that is gone."""
    lock = WindowLock(folder)
    file = recovery.recovery_file(folder, lock.token)
    recovery.write(work or Work(PROJECT), file)
    return file


# ---- windows that live, and that are gone ---------------------------------------------------------------------------


def test_a_window_lives_as_long_as_it_holds_its_lock(tmp_path: Path) -> None:
    lock = WindowLock(tmp_path)
    assert not is_alive(tmp_path, lock.token)
    assert lock.hold() and lock.hold()
    assert is_alive(tmp_path, lock.token) and claim(tmp_path, lock.token) is None
    lock.release()
    assert not is_alive(tmp_path, lock.token) and tokens(tmp_path) == []


def test_a_process_that_is_killed_is_gone_and_one_that_lives_is_not(tmp_path: Path) -> None:
    program = f"""
import sys, time
from pathlib import Path
from nnviz.project.safety.window_lock import WindowLock
lock = WindowLock(Path({str(tmp_path)!r}))
lock.hold()
print(lock.token, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        token = process.stdout.readline().strip()
        recovery.write(Work(PROJECT), recovery.recovery_file(tmp_path, token))
        assert is_alive(tmp_path, token) and not recovery.find(tmp_path).work
        process.kill()
    assert not is_alive(tmp_path, token)
    assert [left.work.project for left in recovery.find(tmp_path).work] == [PROJECT]


# ---- the files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", [None, "/home/anna/mine.nnviz", "/tmp/a b/ü%41.nnviz", os.fsdecode(b"/tmp/\xff\xfe.nnviz")]
)
def test_work_comes_back_with_its_path_and_time(path: str | None, tmp_path: Path) -> None:
    work = Work(PROJECT, None if path is None else Path(path), "abc")
    before = time.time()
    leave(tmp_path, work)
    (left,) = recovery.find(tmp_path).work
    assert left.work == work and before - 1 <= left.time <= time.time()
    assert left.name == (PROJECT.name if path is None else Path(path).name)


def test_work_is_offered_once_until_it_is_put_back_and_never_after_it_was_discarded(tmp_path: Path) -> None:
    leave(tmp_path)
    (left,) = recovery.find(tmp_path).work
    assert not recovery.find(tmp_path).work, "another window offers it at the same time"
    left.put_back()
    (again,) = recovery.find(tmp_path).work
    again.discard()
    assert recovery.find(tmp_path) == recovery.Found()
    assert not list(recovery.recovery_folder(tmp_path).iterdir()) and tokens(tmp_path) == []


def test_the_newest_work_comes_first(tmp_path: Path) -> None:
    for name in ("first", "second", "third"):
        leave(tmp_path, Work(msgspec.structs.replace(PROJECT, name=name)))
        time.sleep(0.02)
    assert [left.name for left in recovery.find(tmp_path).work] == ["third", "second", "first"]


def damaged_files() -> dict[str, Callable[[bytes], bytes]]:
    return {
        "empty": lambda data: b"",
        "truncated": lambda data: data[: len(data) // 2],
        "only the first line": lambda data: data.split(b"\n")[0],
        "noise": lambda data: bytes(range(256)) * 20,
        "a newer nnviz": lambda data: data.replace(b'"recovery": 1', b'"recovery": 2', 1),
        "a newer project": lambda data: data.replace(b'"nnviz": ', b'"nnviz": 9', 1),
        "an endless first line": lambda data: b"[" * 200_000,
        "a path that is none": lambda data: data.replace(b'"path": ""', b'"path": "/a%00b"', 1),
        "a path from nowhere": lambda data: data.replace(b'"path": ""', b'"path": "../../x"', 1),
        "a time that is none": lambda data: data.replace(b'"time": ', b'"time": 9999999', 1),
        "a list": lambda data: b"[1]\n" + data.split(b"\n", 1)[1],
    }


@pytest.mark.parametrize("name", damaged_files())
def test_a_damaged_file_is_one_sentence_and_is_kept_aside(name: str, tmp_path: Path) -> None:
    file, good = leave(tmp_path), leave(tmp_path)
    damaged = damaged_files()[name](file.read_bytes())
    assert damaged != file.read_bytes()
    file.write_bytes(damaged)
    found = recovery.find(tmp_path)
    assert len(found.work) == 1 and good.exists()
    (sentence,) = found.damaged
    assert file.name in sentence and "\n" not in sentence and len(sentence) < 500 and sentence.endswith(".")
    assert (recovery.aside_folder(tmp_path) / file.name).read_bytes() == damaged
    found.work[0].put_back()
    assert not recovery.find(tmp_path).damaged, "it is told once"


def test_a_link_in_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    file = leave(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    assert recovery.find(tmp_path).damaged and elsewhere.exists()


def test_other_files_are_let_alone(tmp_path: Path) -> None:
    other = recovery.recovery_folder(tmp_path) / "notes.txt"
    other.parent.mkdir(parents=True)
    other.write_text("mine")
    assert recovery.find(tmp_path) == recovery.Found() and other.read_text() == "mine"


# ---- autosave -------------------------------------------------------------------------------------------------------


class Kept:
    """A document whose work is kept."""

    def __init__(self, folder: Path) -> None:
        self.lock = WindowLock(folder)
        self.file = recovery.recovery_file(folder, self.lock.token)
        self.written: list[Work] = []
        self.told: list[str] = []
        self.autosave = Autosave(self.lock, self.written.append, self.told.append, lambda: self.told.append("cured"))
        self.document = Document(PROJECT)

    def edit(self, name: str) -> Project:
        self.document.apply(AddNodes((Node(name, "relu"),)))
        self.autosave.note(Work(self.document.project))
        return self.document.project

    def kept(self) -> Project | None:
        return recovery.read(self.file)[0].project if self.file.exists() else None


def test_a_change_is_kept_and_removed_when_nothing_is_unsaved(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    project = kept.edit("relu1")
    wait_for(lambda: kept.kept() == project, 30)
    assert is_alive(tmp_path, kept.lock.token) and not recovery.find(tmp_path).work
    kept.autosave.note(None)
    wait_for(lambda: not kept.file.exists(), 30)
    kept.autosave.close()


def test_changes_without_a_pause_are_kept_all_the_same(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    numbers = iter(range(100_000))

    def edit_and_look() -> bool:
        kept.edit(f"relu{next(numbers) + 10}")
        return len(kept.written) >= 3

    wait_for(edit_and_look, 30)
    kept.autosave.close()


@pytest.mark.parametrize("keep", [True, False])
def test_the_end_keeps_the_last_change_or_nothing(keep: bool, tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    project = kept.edit("relu1")
    kept.autosave.close(keep=keep)
    assert [left.work.project for left in recovery.find(tmp_path).work] == ([project] if keep else [])
    kept.edit("relu2")  # too late
    assert not [thread for thread in threading.enumerate() if thread.name == "nnviz-autosave"]


def test_a_full_disk_is_told_once_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnviz.project.safety.autosave.RETRY", 0.05)
    kept, tries = Kept(tmp_path), []
    real_write = os.write

    def full(file: int, data: bytes) -> int:
        tries.append(1)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "write", full)
        kept.edit("relu1")
        wait_for(lambda: len(tries) >= 3, 30)
    assert atomic.os.write is real_write
    project = kept.edit("relu2")
    wait_for(lambda: kept.kept() == project, 30)
    wait_for(lambda: len(kept.told) == 2, 30)
    assert "the disk is full" in kept.told[0] and kept.told[1] == "cured"
    kept.autosave.close()


def test_a_state_folder_that_is_none_is_told_once(tmp_path: Path) -> None:
    blocked = tmp_path / "state"
    blocked.write_text("a file")
    kept = Kept(blocked)
    kept.edit("relu1")
    wait_for(lambda: bool(kept.told), 30)
    assert "state" in kept.told[0] and len(kept.told) == 1
    kept.autosave.close(keep=True)
    assert recovery.find(blocked) == recovery.Found() and blocked.read_text() == "a file"


# ---- files that others have open or have changed --------------------------------------------------------------------


def test_two_windows_notice_each_other_by_any_name_of_the_file(tmp_path: Path) -> None:
    path, link = tmp_path / "mine.nnviz", tmp_path / "link.nnviz"
    io.save(PROJECT, path)
    link.symlink_to(path)
    state = tmp_path / "state"
    first, second = WindowLock(state), WindowLock(state)
    one, two = OpenFile(first), OpenFile(second)
    assert one.enter(path) == ()
    (other,) = two.enter(link)
    assert other.token == first.token and abs(other.since - time.time()) < 60
    assert [window.token for window in one.enter(path)] == [second.token]
    assert two.enter(tmp_path / "other.nnviz") == () and one.enter(path) == ()
    assert sorted(tmp_path.iterdir()) == [link, path, state], "something lies beside the user's file"
    one.leave()
    two.leave()
    first.release()
    second.release()
    assert not list(open_folder(state).iterdir())


def test_entries_of_windows_that_are_gone_do_not_count(tmp_path: Path) -> None:
    gone, here = WindowLock(tmp_path), WindowLock(tmp_path)
    OpenFile(gone).enter(tmp_path / "mine.nnviz")
    gone.release()
    opened = OpenFile(here)
    assert opened.enter(tmp_path / "mine.nnviz") == ()
    assert len(list(open_folder(tmp_path).iterdir())) == 1
    here.release()


def test_a_file_that_has_changed_is_not_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "mine.nnviz"
    known = disk_state.save_unless_changed(PROJECT, path, None)
    project, opened = disk_state.opened(path)
    assert (project, opened) == (PROJECT, known)
    path.touch()
    mine = msgspec.structs.replace(PROJECT, name="mine")
    known = disk_state.save_unless_changed(mine, path, known)
    assert known is not None and io.load(path) == mine
    theirs = msgspec.structs.replace(PROJECT, name="theirs")
    io.save(theirs, path)
    assert disk_state.save_unless_changed(PROJECT, path, known) is None and io.load(path) == theirs
    assert disk_state.fingerprint_if_still(path, theirs) == disk_state.fingerprint(path)
    assert disk_state.fingerprint_if_still(path, mine) == disk_state.UNKNOWN
    path.unlink()
    assert disk_state.save_unless_changed(PROJECT, path, known) and io.load(path) == PROJECT


# ---- the document ---------------------------------------------------------------------------------------------------


def test_what_is_restored_is_unsaved_until_it_is_saved(tmp_path: Path) -> None:
    document = Document()
    document.restore(PROJECT, tmp_path / "mine.nnviz")
    assert document.is_modified and document.path == tmp_path / "mine.nnviz" and not document.can_undo
    document.apply(AddNodes((Node("relu9", "relu"),)))
    document.undo()
    assert document.is_modified
    document.mark_saved(tmp_path / "mine.nnviz")
    assert not document.is_modified


def test_a_copy_has_left_its_file_and_keeps_its_history(tmp_path: Path) -> None:
    document = Document(PROJECT, tmp_path / "mine.nnviz")
    document.apply(AddNodes((Node("relu9", "relu"),)))
    told: list[Path | None] = []
    document.saved.connect(told.append)
    document.detach()
    assert document.path is None and document.is_modified and told == [None] and document.can_undo


def test_what_cannot_be_read_is_never_taken_for_what_was_opened(tmp_path: Path) -> None:
    # A folder can be read by nobody, whoever runs the tests.
    assert disk_state.fingerprint(tmp_path) == disk_state.UNKNOWN
    assert disk_state.save_unless_changed(Project(), tmp_path, disk_state.UNKNOWN) is None
