from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot
from window_hands import Person
from window_kit import TIMEOUT, OpenWindow, press_notice

from nnviz.gui.window.recovery_notice import RecoveryNotice
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import AddNodes
from nnviz.project.files import atomic, io
from nnviz.project.model import Node, Project
from nnviz.project.safety import recovery
from nnviz.project.safety.open_files import OpenFile
from nnviz.project.safety.recovery import Work
from nnviz.project.safety.window_lock import WindowLock, state_folder
from nnviz.project.samples import templates

PROJECT = templates.sample("and")
RELU = AddNodes((Node("relu9", "relu", x=900.0),))


def leave(name: str, path: Path | None = None) -> Path:
    """Work of a window that is gone."""
    file = recovery.recovery_file(state_folder(), WindowLock().token)
    recovery.write(Work(msgspec.structs.replace(PROJECT, name=name), path), file)
    return file


def started(open_window: OpenWindow) -> MainWindow:
    window = open_window("spiral", ready=False)
    window.safety.start()
    return window


def left_files() -> list[Path]:
    folder = recovery.recovery_folder(state_folder())
    return [path for path in folder.iterdir() if path.is_file()] if folder.exists() else []


def press(qtbot: QtBot, button: QPushButton) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def project_in(files: list[Path]) -> list[Project]:
    return [recovery.read(file)[0].project for file in files]


# ---- autosave -------------------------------------------------------------------------------------------------------


def test_unsaved_work_is_kept_and_removed_after_saving(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    window = started(open_window)
    window.apply(RELU)
    qtbot.waitUntil(lambda: project_in(left_files()) == [window.document.project], timeout=TIMEOUT)
    window.document.mark_saved(tmp_path / "mine.nnviz")
    qtbot.waitUntil(lambda: not left_files(), timeout=TIMEOUT)
    window.action("undo").trigger()  # the saved state is behind: unsaved again
    qtbot.waitUntil(lambda: len(left_files()) == 1, timeout=TIMEOUT)
    (file,) = left_files()
    assert recovery.read(file)[0].path == tmp_path / "mine.nnviz"
    window.action("redo").trigger()
    qtbot.waitUntil(lambda: not left_files(), timeout=TIMEOUT)


def test_discarded_work_is_not_offered_again(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = started(open_window)
    window.apply(RELU)
    qtbot.waitUntil(lambda: len(left_files()) == 1, timeout=TIMEOUT)
    window.close()
    question = window.files.question
    assert question is not None
    question.button(QMessageBox.StandardButton.Discard).click()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=TIMEOUT)
    assert not left_files()


def test_a_full_disk_is_said_once_in_the_status(
    qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = started(open_window)
    said: list[str] = []
    window.safety.message.connect(said.append)

    def full(_file: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("nnviz.project.safety.autosave.RETRY", 0.05)
    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "write", full)
        window.apply(RELU)
        qtbot.waitUntil(lambda: bool(said), timeout=TIMEOUT)
        assert "the disk is full" in said[0] and not window.notices.notices
    qtbot.waitUntil(lambda: project_in(left_files()) == [window.document.project], timeout=TIMEOUT)
    qtbot.waitUntil(lambda: len(said) == 2, timeout=TIMEOUT)


def test_a_window_that_was_not_started_leaves_no_trace(open_window: OpenWindow) -> None:
    window = open_window("spiral", ready=False)
    window.apply(RELU)
    window.finish()
    assert not recovery.recovery_folder(state_folder()).exists()


# ---- after a crash --------------------------------------------------------------------------------------------------


def test_work_of_a_crash_is_restored_unsaved_with_its_path(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path
) -> None:
    path = tmp_path / "mine.nnviz"
    file = leave("mine", path)
    window = started(open_window)
    qtbot.waitUntil(lambda: window.notices.notice("recovery") is not None, timeout=TIMEOUT)
    notice = window.notices.notice("recovery")
    assert notice is not None and notice.text.startswith("nnviz ended without saving “mine.nnviz” (today ")
    assert f"{len(PROJECT.graph.nodes)} layers" in notice.text
    assert [button.text() for button in notice.buttons] == ["Restore", "Discard", "Decide later"]
    press(qtbot, notice.buttons[0])
    document = window.document
    assert document.project.graph == PROJECT.graph and document.path == path and document.is_modified
    assert window.isWindowModified() and window.notices.notice("recovery") is None
    # This window keeps it now; only then the old file goes.
    qtbot.waitUntil(lambda: not file.exists(), timeout=TIMEOUT)
    assert project_in(left_files()) == [document.project]
    window.files.save()
    qtbot.waitUntil(lambda: not document.is_modified, timeout=TIMEOUT)
    assert io.load(path) == document.project
    qtbot.waitUntil(lambda: not left_files(), timeout=TIMEOUT)


def test_several_are_listed_and_decided_on_one_by_one(qtbot: QtBot, open_window: OpenWindow) -> None:
    for name in ("first", "second", "third"):
        leave(name)
        time.sleep(0.02)
    window = started(open_window)

    def rows() -> RecoveryNotice:
        notice = window.notices.notice("recovery")
        assert isinstance(notice, RecoveryNotice)
        return notice

    qtbot.waitUntil(lambda: window.notices.notice("recovery") is not None, timeout=TIMEOUT)
    assert "3 projects" in rows().text and len(rows().row_buttons) == 3
    assert [left.name for left in window.safety.left] == ["third", "second", "first"]
    press(qtbot, rows().row_buttons[0][1])  # discard the third
    assert [left.name for left in window.safety.left] == ["second", "first"]
    press(qtbot, rows().row_buttons[1][0])  # restore the first
    assert window.document.project.name == "first" and window.document.is_modified
    notice = window.notices.notice("recovery")
    assert notice is not None and "“second”" in notice.text
    press(qtbot, notice.buttons[0])  # the first is unsaved: this asks
    question = window.files.question
    assert question is not None and window.document.project.name == "first"
    question.button(QMessageBox.StandardButton.Cancel).click()
    assert [left.name for left in window.safety.left] == ["second"]
    press_notice(window, "recovery", "Decide later")
    assert window.notices.notice("recovery") is None
    qtbot.waitUntil(
        lambda: sorted(project.name for project in project_in(left_files())) == ["first", "second"], timeout=TIMEOUT
    )


def test_the_keyboard_alone_decides_on_what_was_left(qtbot: QtBot, open_window: OpenWindow) -> None:
    for name in ("first", "second"):
        leave(name)
        time.sleep(0.02)
    window = started(open_window)
    person = Person(window, qtbot)
    qtbot.waitUntil(lambda: window.notices.notice("recovery") is not None, timeout=TIMEOUT)
    window.canvas.setFocus()
    person.keys(Qt.Key.Key_F6)
    reached = []
    for _ in range(5):
        reached.append(window.focusWidget().accessibleName() or window.focusWidget().text())
        person.keys(Qt.Key.Key_Tab)
    assert [words.split(" (")[0] for words in reached] == [
        "Restore “second”", "Discard “second”", "Restore “first”", "Discard “first”", "Decide later",
    ]  # fmt: skip
    person.keys(Qt.Key.Key_F6)
    person.keys(Qt.Key.Key_Space)
    assert window.document.project.name == "second" and [left.name for left in window.safety.left] == ["first"]


def test_what_was_put_off_is_offered_at_the_next_start(qtbot: QtBot, open_window: OpenWindow) -> None:
    leave("mine")
    first = started(open_window)
    qtbot.waitUntil(lambda: first.notices.notice("recovery") is not None, timeout=TIMEOUT)
    second = started(open_window)
    qtbot.waitUntil(lambda: not second.background.busy, timeout=TIMEOUT)
    assert second.notices.notice("recovery") is None, "two windows offer the same"
    first.finish()
    third = started(open_window)
    qtbot.waitUntil(lambda: third.notices.notice("recovery") is not None, timeout=TIMEOUT)


def test_work_of_a_live_window_is_not_offered(qtbot: QtBot, open_window: OpenWindow) -> None:
    first = started(open_window)
    first.apply(RELU)
    qtbot.waitUntil(lambda: len(left_files()) == 1, timeout=TIMEOUT)
    second = started(open_window)
    qtbot.waitUntil(lambda: not second.background.busy, timeout=TIMEOUT)
    assert second.notices.notice("recovery") is None


def test_a_damaged_file_is_one_sentence_and_the_window_works(qtbot: QtBot, open_window: OpenWindow) -> None:
    leave("mine").write_bytes(b"\xff" * 5000)
    window = started(open_window)
    qtbot.waitUntil(lambda: window.notices.notice("recovery-damaged") is not None, timeout=TIMEOUT)
    notice = window.notices.notice("recovery-damaged")
    assert notice is not None and "could not be read" in notice.text and "Traceback" not in notice.details
    assert len(list(recovery.aside_folder(state_folder()).iterdir())) == 1
    window.apply(RELU)
    assert window.document.is_modified


# ---- one file, two windows ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["Open a copy", "Go on"])
def test_a_file_that_another_window_has_open_is_noticed(
    answer: str, qtbot: QtBot, open_window: OpenWindow, tmp_path: Path
) -> None:
    path = tmp_path / "mine.nnviz"
    io.save(PROJECT, path)
    other = WindowLock()
    OpenFile(other).enter(path)
    try:
        window = started(open_window)
        window.files.open(path)
        qtbot.waitUntil(lambda: window.notices.notice("open-elsewhere") is not None, timeout=TIMEOUT)
        notice = window.notices.notice("open-elsewhere")
        assert notice is not None
        assert notice.text.startswith("mine.nnviz is also open in another nnviz window (since ")
        press_notice(window, "open-elsewhere", answer)
        copied = answer == "Open a copy"
        assert window.document.path == (None if copied else path)
        assert window.document.is_modified == copied and window.document.project == PROJECT
    finally:
        other.release()


@pytest.mark.parametrize("answer", ["Overwrite", "Save as…", "Reload", "Cancel"])
def test_a_file_that_has_changed_on_the_disk_is_asked_about(
    answer: str, qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, elsewhere = tmp_path / "mine.nnviz", tmp_path / "elsewhere.nnviz"
    io.save(PROJECT, path)
    window = open_window("spiral", ready=False)
    window.files.open(path)
    qtbot.waitUntil(lambda: window.document.path == path, timeout=TIMEOUT)
    theirs = msgspec.structs.replace(PROJECT, name="theirs")
    io.save(theirs, path)
    window.apply(RELU)
    mine = window.document.project
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(elsewhere), ""))
    window.files.save()
    qtbot.waitUntil(lambda: window.files.changed_question is not None, timeout=TIMEOUT)
    question = window.files.changed_question
    assert question is not None and io.load(path) == theirs
    next(button for button in question.buttons() if button.text() == answer).click()
    qtbot.waitUntil(lambda: window.files.changed_question is None, timeout=TIMEOUT)
    if answer == "Cancel":
        assert window.document.is_modified
    else:
        qtbot.waitUntil(lambda: not window.document.is_modified, timeout=TIMEOUT)
    assert io.load(path) == (mine if answer == "Overwrite" else theirs)
    assert window.document.project == (theirs if answer == "Reload" else mine)
    assert elsewhere.exists() == (answer == "Save as…")
    if answer == "Overwrite":  # and from now on it is known
        window.action("undo").trigger()
        window.files.save()
        qtbot.waitUntil(lambda: not window.document.is_modified, timeout=TIMEOUT)
        assert io.load(path) == PROJECT


def test_saving_twice_asks_nothing(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    path = tmp_path / "mine.nnviz"
    io.save(PROJECT, path)
    window = open_window("spiral", ready=False)
    window.files.open(path)
    qtbot.waitUntil(lambda: window.document.path == path, timeout=TIMEOUT)
    for name in ("relu8", "relu9"):
        window.apply(AddNodes((Node(name, "relu"),)))
        window.files.save()
        qtbot.waitUntil(lambda: not window.document.is_modified, timeout=TIMEOUT)
    assert window.files.changed_question is None and "relu9" in io.load(path).graph.nodes


# ---- the end by a signal --------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without asking it")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_window_in_order_and_its_work_is_kept(number: signal.Signals, tmp_path: Path) -> None:
    program = """
        import sys
        from PySide6.QtCore import QTimer
        from PySide6.QtWidgets import QApplication
        from nnviz.gui import app
        from nnviz.gui.window import window
        from nnviz.project.edits import AddNodes
        from nnviz.project.model import Node

        def look() -> None:
            found = [w for w in QApplication.topLevelWidgets() if isinstance(w, window.MainWindow)]
            if not found:
                return
            training = found[0].training
            if training.state == "ready":
                training.play()
            elif training.standing.step > 5:
                timer.stop()
                found[0].apply(AddNodes((Node("relu9", "relu"),)))
                print("edited", flush=True)

        application = app.application()
        timer = QTimer()
        timer.timeout.connect(look)
        timer.start(20)
        sys.exit(app.main("sample:spiral"))
        """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "edited", process.communicate(timeout=120)
        process.send_signal(number)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    (left,) = recovery.find(state_folder()).work
    assert "relu9" in left.work.project.graph.nodes

    from nnviz.record.places import runs_folder
    from nnviz.record.store import open_run

    (kept,) = runs_folder().glob("*.nnvizrun")
    run = open_run(kept)
    assert run.last_step > 5 and run.finished
    run.close()
    left.discard()
