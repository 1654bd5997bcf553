"""Saves that overlap with each other, with closing and with opening, and disks that refuse."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import torch  # noqa: F401 - not left to windows that live for a moment only
from PySide6.QtWidgets import QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

from nnviz.errors import StorageError
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import AddNodes
from nnviz.project.files import atomic, io
from nnviz.project.model import Node, Project
from nnviz.project.safety import disk_state, unsaved_run
from nnviz.project.samples import templates

PROJECT = templates.sample("and")
SAVE = QMessageBox.StandardButton.Save


def add(window: MainWindow, name: str) -> None:
    window.apply(AddNodes((Node(name, "relu", x=900.0),)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mine.nnviz"
    io.save(PROJECT, path)
    return path


@pytest.fixture
def window(qtbot: QtBot, open_window: OpenWindow, path: Path) -> MainWindow:
    window = open_window("spiral", ready=False)
    window.files.open(path)
    qtbot.waitUntil(lambda: window.document.path == path, timeout=TIMEOUT)
    add(window, "relu1")
    return window


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A disk on which every save waits until it is told to go on."""
    free, save = threading.Event(), io.save

    def slow(project: Project, target: Path, run: str = "") -> None:
        free.wait(30)
        save(project, target, run)

    monkeypatch.setattr(io, "save", slow)
    yield free
    free.set()


def test_a_name_without_its_ending_replaces_nothing_that_was_not_asked_about(
    qtbot: QtBot, window: MainWindow, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dialog asks about the very name that was typed, and no file has that one."""
    theirs, chosen = tmp_path / "v1.2.nnviz", tmp_path / "v1.2"
    theirs.write_bytes(b"precious")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(chosen), ""))
    done: list[bool] = []
    window.files.save_as(lambda: done.append(True))
    qtbot.waitUntil(lambda: bool(done), timeout=TIMEOUT)
    saved = tmp_path / "v1.2 (2).nnviz"
    assert theirs.read_bytes() == b"precious" and io.load(path) == PROJECT
    assert window.document.path == saved and io.load(saved) == window.document.project
    # Its own file is saved as ever: what somebody else has made of it is asked about.
    chosen = tmp_path / "v1.2 (2)"
    add(window, "relu2")
    window.files.save_as(lambda: done.append(True))
    qtbot.waitUntil(lambda: len(done) == 2, timeout=TIMEOUT)
    assert io.load(saved) == window.document.project
    saved.write_bytes(io.dumps(PROJECT))
    window.files.save_as()
    qtbot.waitUntil(lambda: window.files.changed_question is not None, timeout=TIMEOUT)
    assert io.load(saved) == PROJECT
    window.files.changed_question.close()


def test_what_follows_a_save_is_done_also_behind_another_save(
    qtbot: QtBot, window: MainWindow, path: Path, disk: threading.Event
) -> None:
    done: list[str] = []
    window.files.save(lambda: done.append("first"))
    window.files.save(lambda: done.append("second"))
    window.files.save(lambda: done.append("third"))
    assert not done
    disk.set()
    qtbot.waitUntil(lambda: len(done) == 3, timeout=TIMEOUT)
    assert done == ["first", "second", "third"]
    assert io.load(path) == window.document.project and not window.document.is_modified


def test_closing_while_a_save_is_under_way_waits_for_it_and_asks_nothing(
    qtbot: QtBot, window: MainWindow, path: Path, disk: threading.Event
) -> None:
    saved = window.document.project
    window.files.save()
    window.close()
    assert window.isVisible() and window.files.question is None
    disk.set()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=TIMEOUT)
    assert io.load(path) == saved


def test_a_save_that_takes_long_is_asked_about_and_answers_itself(
    qtbot: QtBot, window: MainWindow, disk: threading.Event
) -> None:
    window.files.save()
    window.close()
    qtbot.waitUntil(lambda: window.files.question is not None, timeout=TIMEOUT)
    disk.set()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=TIMEOUT)
    assert window.files.question is None


def test_save_in_the_question_behind_a_save_still_closes(
    qtbot: QtBot, window: MainWindow, path: Path, disk: threading.Event
) -> None:
    window.files.save()
    add(window, "relu2")
    window.close()
    qtbot.waitUntil(lambda: window.files.question is not None, timeout=TIMEOUT)
    window.files.question.button(SAVE).click()
    saved = window.document.project
    disk.set()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=TIMEOUT)
    assert io.load(path) == saved


def test_another_file_is_opened_when_the_save_is_through(
    qtbot: QtBot, window: MainWindow, path: Path, tmp_path: Path, disk: threading.Event
) -> None:
    other = tmp_path / "other.nnviz"
    other.write_bytes(io.dumps(templates.sample("xnor-two-layer")))
    saved = window.document.project
    window.files.save()
    window.files.open(other)
    assert window.document.path == path
    disk.set()
    qtbot.waitUntil(lambda: window.document.path == other, timeout=TIMEOUT)
    assert io.load(path) == saved and window.document.project == templates.sample("xnor-two-layer")


def test_what_is_edited_while_a_file_is_read_is_not_lost_without_a_question(
    qtbot: QtBot, window: MainWindow, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.nnviz"
    other.write_bytes(io.dumps(templates.sample("xnor-two-layer")))
    window.files.save()
    qtbot.waitUntil(lambda: not window.document.is_modified, timeout=TIMEOUT)
    free, opened = threading.Event(), disk_state.opened

    def slow(file: Path) -> tuple[Project, str]:
        free.wait(30)
        return opened(file)

    monkeypatch.setattr(disk_state, "opened", slow)
    window.files.open(other)  # nothing is unsaved: nothing is asked
    assert window.files.question is None
    add(window, "relu2")
    edited = window.document.project
    free.set()
    qtbot.waitUntil(lambda: window.files.question is not None, timeout=TIMEOUT)
    assert window.document.project == edited
    window.files.question.button(SAVE).click()
    qtbot.waitUntil(lambda: window.document.path == other, timeout=TIMEOUT)
    assert io.load(path) == edited and window.document.project == templates.sample("xnor-two-layer")


def test_a_save_behind_the_first_naming_asks_for_no_second_name(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, disk: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("and", ready=False)
    asked: list[Path] = []

    def ask(*_arguments: object) -> tuple[str, str]:
        asked.append(tmp_path / f"name{len(asked)}.nnviz")
        return str(asked[-1]), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    done: list[bool] = []
    add(window, "relu1")
    window.files.save()
    window.files.save(lambda: done.append(True))
    disk.set()
    qtbot.waitUntil(lambda: bool(done), timeout=TIMEOUT)
    assert asked == [tmp_path / "name0.nnviz"] and window.document.path == asked[0]


@pytest.mark.parametrize("trouble", ["full", "gone", "read-only"])
def test_a_disk_that_refuses_keeps_the_window_open_and_the_old_file(
    trouble: str, qtbot: QtBot, window: MainWindow, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def read_only(_project: Project, target: Path, _run: str = "") -> None:
        raise StorageError(f"{target} could not be saved: read-only file system.")

    with monkeypatch.context() as patch:
        if trouble == "full":
            patch.setattr(atomic.os, "write", full)
        elif trouble == "read-only":
            patch.setattr(io, "save", read_only)
        else:
            path.unlink()
            path.parent.rename(path.parent.with_name("elsewhere"))
        window.close()
        assert window.files.question is not None
        window.files.question.button(SAVE).click()
        qtbot.waitUntil(lambda: window.notices.notice("file") is not None, timeout=TIMEOUT)
        assert "mine.nnviz" in window.notices.notice("file").text
        assert window.isVisible() and window.document.is_modified
    if trouble == "gone":
        path.parent.with_name("elsewhere").rename(path.parent)
    else:
        assert io.load(path) == PROJECT
    window.close()
    window.files.question.button(SAVE).click()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=TIMEOUT)
    assert io.load(path) == window.document.project


def test_closing_is_not_forgotten_over_the_question_about_a_changed_file(
    qtbot: QtBot, window: MainWindow, path: Path
) -> None:
    path.write_bytes(io.dumps(msgspec.structs.replace(PROJECT, name="theirs")))
    done: list[str] = []
    window.files.save()
    window.files.save(lambda: done.append("close"))
    qtbot.waitUntil(lambda: window.files.changed_question is not None, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: not window.background.busy, timeout=TIMEOUT)
    box = window.files.changed_question
    next(button for button in box.buttons() if button.text() == "Overwrite").click()
    qtbot.waitUntil(lambda: done == ["close"], timeout=TIMEOUT)
    assert io.load(path) == window.document.project


def test_another_project_in_the_place_of_one_that_is_being_saved_stays_out_of_its_file(
    qtbot: QtBot, window: MainWindow, path: Path, disk: threading.Event
) -> None:
    saved = window.document.project
    done: list[str] = []
    said: list[str] = []
    window.files.message.connect(said.append)
    window.files.save(lambda: done.append("first"))
    window.files.save(lambda: done.append("second"))
    window.files.new()
    qtbot.waitUntil(lambda: window.files.question is not None, timeout=TIMEOUT)
    window.files.question.button(QMessageBox.StandardButton.Discard).click()
    assert window.document.path is None
    add(window, "relu2")
    other = window.document.project
    disk.set()
    qtbot.waitUntil(lambda: said == ["Saved mine.nnviz"], timeout=TIMEOUT)
    qtbot.waitUntil(lambda: not window.background.busy, timeout=TIMEOUT)
    assert io.load(path) == saved and window.document.project == other
    assert window.document.path is None and window.files.fingerprint is None
    # What was to follow was about the project before, and no name is asked for this one.
    assert window.document.is_modified and not done


def test_overwriting_is_no_answer_once_another_project_is_on_the_screen(
    qtbot: QtBot, window: MainWindow, path: Path
) -> None:
    theirs = msgspec.structs.replace(PROJECT, name="theirs")
    path.write_bytes(io.dumps(theirs))
    window.files.save()
    qtbot.waitUntil(lambda: window.files.changed_question is not None, timeout=TIMEOUT)
    window.files.take_project(templates.sample("xnor-two-layer"))
    assert window.files.changed_question is None
    qtbot.waitUntil(lambda: not window.background.busy, timeout=TIMEOUT)
    assert io.load(path) == theirs and window.document.path is None


def test_a_later_training_is_forgotten_of_the_file_that_names_it_and_of_no_other(
    qtbot: QtBot, window: MainWindow, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, elsewhere = tmp_path / "later.nnvizrun", tmp_path / "elsewhere.nnviz"
    run.write_bytes(b"trained")
    window.files.run_of = lambda: lambda: run
    chosen = [elsewhere]
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(chosen[0]), ""))

    def save(how: Callable[[Callable[[], None]], None]) -> None:
        done: list[bool] = []
        how(lambda: done.append(True))
        qtbot.waitUntil(lambda: bool(done), timeout=TIMEOUT)

    unsaved_run.note(path, run)
    save(window.files.save_as)
    assert window.document.path == elsewhere and io.load_run_name(elsewhere)
    assert unsaved_run.run_of(path) == run  # which was not written and still names the one before
    chosen[0] = path
    save(window.files.save_as)  # over it
    assert window.document.path == path and unsaved_run.run_of(path) is None
    for again in (window.files.save_as, window.files.save):  # under its own name
        unsaved_run.note(path, run)
        save(again)
        assert unsaved_run.run_of(path) is None
