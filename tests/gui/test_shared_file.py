"""One file in two windows, and a file that another program changes while it is open."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import torch  # noqa: F401 - not left to windows that live for a moment only
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow, press_notice

from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import AddNodes
from nnviz.project.files import io
from nnviz.project.model import Node
from nnviz.project.safety import disk_state, recovery
from nnviz.project.safety.open_files import OpenFile
from nnviz.project.safety.recovery import Work
from nnviz.project.safety.window_lock import WindowLock, state_folder
from nnviz.project.samples import templates

PROJECT = templates.sample("and")
THEIRS = msgspec.structs.replace(PROJECT, name="theirs")
RELU = AddNodes((Node("relu9", "relu", x=900.0),))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mine.nnviz"
    io.save(PROJECT, path)
    return path


def opened(qtbot: QtBot, open_window: OpenWindow, path: Path) -> MainWindow:
    window = open_window("spiral", ready=False)
    window.safety.start()
    window.files.open(path)
    qtbot.waitUntil(lambda: window.document.path == path, timeout=TIMEOUT)
    return window


def text_of(window: MainWindow, key: str) -> str:
    notice = window.notices.notice(key)
    return notice.text if notice is not None else ""


def test_both_windows_are_told_and_the_first_is_alone_again(qtbot: QtBot, open_window: OpenWindow, path: Path) -> None:
    first = opened(qtbot, open_window, path)
    second = opened(qtbot, open_window, path)
    for window in (first, second):
        qtbot.waitUntil(lambda window=window: bool(text_of(window, "open-elsewhere")), timeout=TIMEOUT)
        assert text_of(window, "open-elsewhere").startswith("mine.nnviz is also open in another nnviz window (since ")
    press_notice(second, "open-elsewhere", "Open a copy")
    qtbot.waitUntil(lambda: not text_of(first, "open-elsewhere"), timeout=TIMEOUT)
    third = opened(qtbot, open_window, path)
    qtbot.waitUntil(lambda: bool(text_of(first, "open-elsewhere")), timeout=TIMEOUT)
    third.finish()
    qtbot.waitUntil(lambda: not text_of(first, "open-elsewhere"), timeout=TIMEOUT)


def test_a_window_that_was_told_to_go_on_is_told_of_the_next_window_only(
    qtbot: QtBot, open_window: OpenWindow, path: Path
) -> None:
    other, next_one = WindowLock(), WindowLock()
    try:
        OpenFile(other).enter(path)
        window = opened(qtbot, open_window, path)
        qtbot.waitUntil(lambda: bool(text_of(window, "open-elsewhere")), timeout=TIMEOUT)
        press_notice(window, "open-elsewhere", "Go on")
        OpenFile(next_one).enter(path)
        qtbot.waitUntil(lambda: "2 other nnviz windows" in text_of(window, "open-elsewhere"), timeout=TIMEOUT)
        next_one.release()  # however it ended
        qtbot.waitUntil(lambda: not text_of(window, "open-elsewhere"), timeout=TIMEOUT)
    finally:
        other.release()
        next_one.release()


@pytest.mark.parametrize("answer", ["Reload", "Keep mine"])
@pytest.mark.parametrize("edited", [False, True])
def test_a_file_that_another_program_writes_is_noticed(
    answer: str, edited: bool, qtbot: QtBot, open_window: OpenWindow, path: Path
) -> None:
    window = opened(qtbot, open_window, path)
    if edited:
        window.apply(RELU)
    mine = window.document.project
    io.save(THEIRS, path)
    qtbot.waitUntil(lambda: bool(text_of(window, "file-changed")), timeout=TIMEOUT)
    assert ("loses the changes" in text_of(window, "file-changed")) == edited
    press_notice(window, "file-changed", answer)
    if answer == "Reload":
        qtbot.waitUntil(lambda: window.document.project == THEIRS, timeout=TIMEOUT)
        assert not window.document.is_modified
    else:
        assert window.document.project == mine and window.document.is_modified
        window.files.save()  # what was decided is not asked again
        qtbot.waitUntil(lambda: not window.document.is_modified, timeout=TIMEOUT)
        assert io.load(path) == mine
    qtbot.waitUntil(lambda: not window.background.busy, timeout=TIMEOUT)
    assert not text_of(window, "file-changed")


def test_what_this_window_saves_and_the_same_again_are_no_news(
    qtbot: QtBot, open_window: OpenWindow, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = opened(qtbot, open_window, path)
    checked: list[Path] = []
    shared = window.safety._shared_file
    answered = shared._on_checked
    monkeypatch.setattr(shared, "_on_checked", lambda at, found: (checked.append(at), answered(at, found)))
    window.apply(RELU)
    window.files.save()
    qtbot.waitUntil(lambda: not window.document.is_modified, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: bool(checked), timeout=TIMEOUT)
    checked.clear()
    io.save(window.document.project, path)
    window.apply(AddNodes((Node("relu10", "relu", x=1100.0),)))
    assert not text_of(window, "file-changed") and not checked


def test_a_file_that_is_taken_away_leaves_the_window_unsaved(qtbot: QtBot, open_window: OpenWindow, path: Path) -> None:
    window = opened(qtbot, open_window, path)
    path.unlink()
    qtbot.waitUntil(lambda: "moved or deleted" in text_of(window, "file-changed"), timeout=TIMEOUT)
    assert window.document.is_modified
    press_notice(window, "file-changed", "Save it again")
    qtbot.waitUntil(lambda: not window.document.is_modified, timeout=TIMEOUT)
    assert io.load(path) == PROJECT


def test_work_of_a_crash_is_not_taken_for_another_window(qtbot: QtBot, open_window: OpenWindow, path: Path) -> None:
    crashed = WindowLock()
    OpenFile(crashed).enter(path)
    edited = msgspec.structs.replace(PROJECT, name="edited")
    recovery.write(
        Work(edited, path, disk_state.fingerprint(path)), recovery.recovery_file(state_folder(), crashed.token)
    )
    crashed.release()
    window = open_window("spiral", ready=False)
    window.safety.start()
    seen: list[object] = []
    window.safety._shared_file._seen.connect(seen.append)
    qtbot.waitUntil(lambda: window.notices.notice("recovery") is not None, timeout=TIMEOUT)
    press_notice(window, "recovery", "Restore")
    assert window.document.path == path
    qtbot.waitUntil(lambda: bool(seen), timeout=TIMEOUT)
    assert not text_of(window, "open-elsewhere") and not text_of(window, "file-changed")
