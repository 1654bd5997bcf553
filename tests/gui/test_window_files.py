from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow, is_ready, press_notice, state_is

from nnviz.gui.app import open_target
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import AddNodes
from nnviz.project.files import io
from nnviz.project.model import Node, Project
from nnviz.project.samples import templates

#: Writes a run and, when it is told to, more of it.
GROWING = """
import pathlib, sys
from nnviz.project.files import io
from nnviz.project.samples import templates
from nnviz.record.readings import Scalar
from nnviz.record.run import Run, RunInfo
from nnviz.record.store import RunWriter

run = Run(RunInfo(project_json=io.dumps(templates.sample("spiral")), title="far away", device="cuda:3"))
run.append([Scalar("loss/train", step, 1.0) for step in range(4)])
with RunWriter(run, pathlib.Path(sys.argv[1])) as writer:
    writer.flush()
    print("begun", flush=True)
    sys.stdin.readline()
    run.append([Scalar("loss/train", step, 0.5) for step in range(4, 9)])
    writer.flush()
    sys.stdin.readline()
"""


# ---- files ---------------------------------------------------------------------------------------------------------


def test_a_project_is_saved_reopened_and_equal(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("xnor-two-layer")
    window.apply(AddNodes((Node("relu1", "relu", x=900.0),)))
    assert window.document.is_modified and window.isWindowModified()
    target = tmp_path / "mine"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(target), ""))
    window.action("save").trigger()
    path = target.with_suffix(".nnviz")
    qtbot.waitUntil(lambda: not window.document.is_modified, timeout=TIMEOUT)
    assert io.load(path) == window.document.project and window.document.path == path
    assert not window.isWindowModified() and "mine.nnviz" in window.windowTitle()
    assert window.settings.recent == (path,)
    saved = window.document.project
    window.files.new()
    assert not window.document.project.graph.nodes
    window.files.open(path)
    qtbot.waitUntil(lambda: window.document.path == path, timeout=TIMEOUT)
    assert window.document.project == saved


def test_what_was_edited_while_the_disk_was_busy_is_saved_too(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("xnor-two-layer")
    path = tmp_path / "slow.nnviz"
    window.document.mark_saved(path)
    window.apply(AddNodes((Node("relu1", "relu", x=900.0),)))
    busy, real_save = threading.Event(), io.save

    def slow_save(project: Project, target: Path, run: str = "") -> None:
        busy.wait(10)
        real_save(project, target, run)

    monkeypatch.setattr(io, "save", slow_save)
    window.files.save()
    window.apply(AddNodes((Node("relu2", "relu", x=1100.0),)))
    busy.set()
    qtbot.waitUntil(lambda: not window.document.is_modified, timeout=TIMEOUT)
    assert "relu2" in io.load(path).graph.nodes


def test_a_file_that_cannot_be_read_or_written_is_named(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    window = open_window("xnor-two-layer")
    before = window.document.project
    bad = tmp_path / "bad.nnviz"
    bad.write_text('{"nnviz": 1, "graph": {"nodes": [', encoding="utf-8")
    window.files.open(bad)
    qtbot.waitUntil(lambda: window.notices.notice("file") is not None, timeout=TIMEOUT)
    notice = window.notices.notice("file")
    assert notice is not None and "bad.nnviz" in notice.text and "Traceback" not in notice.text
    assert window.document.project == before
    window.notices.dismiss("file")
    window.document.mark_saved(tmp_path / "no" / "such" / "folder.nnviz")
    window.files.save()
    qtbot.waitUntil(lambda: window.notices.notice("file") is not None, timeout=TIMEOUT)
    assert "folder.nnviz" in window.notices.notice("file").text


@pytest.mark.parametrize("answer", ["Save", "Discard", "Cancel"])
def test_the_question_about_unsaved_changes(
    answer: str, qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("spiral")
    window.training.play()
    window.apply(AddNodes((Node("relu9", "relu", x=1900.0),)))
    target = tmp_path / "kept.nnviz"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(target), ""))
    window.close()
    assert window.isVisible()
    question = window.files.question
    assert question is not None
    window.close()  # a second time: still one question
    assert window.files.question is question
    question.button(QMessageBox.StandardButton[answer]).click()
    if answer == "Cancel":
        qtbot.waitUntil(lambda: window.files.question is None, timeout=TIMEOUT)
        QApplication.processEvents()
        assert window.isVisible()
    else:
        qtbot.waitUntil(lambda: not window.isVisible(), timeout=TIMEOUT)
    assert target.exists() == (answer == "Save")


def test_a_project_file_is_dropped_on_the_window(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    window = open_window("spiral")
    path = tmp_path / "dropped.nnviz"
    io.save(templates.sample("and"), path)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    entering = QDragEnterEvent(QPoint(600, 400), copy, data, left, none)
    QApplication.sendEvent(window.canvas.viewport(), entering)
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(600, 400), copy, data, left, none))
    QApplication.sendEvent(window, QDropEvent(QPointF(600, 400), copy, data, left, none))
    qtbot.waitUntil(lambda: window.document.path == path, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: window.training.state == "ready", timeout=TIMEOUT)


def drop(window: MainWindow, data: QMimeData) -> None:
    """Drag something over the canvas and let it go, as the desktop tells it."""
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    viewport = window.canvas.viewport()
    entering = QDragEnterEvent(QPoint(300, 200), copy, data, left, none)
    QApplication.sendEvent(viewport, entering)
    assert entering.isAccepted()
    QApplication.sendEvent(viewport, QDropEvent(QPointF(300, 200), copy, data, left, none))


def test_a_project_dropped_on_the_canvas_asks_about_what_is_not_saved(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path
) -> None:
    window = open_window("spiral")
    path = tmp_path / "dropped.nnviz"
    io.save(templates.sample("and"), path)
    window.apply(AddNodes((Node("relu9", "relu", x=1900.0),)))
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "notes.txt")), QUrl.fromLocalFile(str(path))])
    drop(window, data)
    question = window.files.question
    assert question is not None
    assert window.document.path is None
    question.button(QMessageBox.StandardButton.Discard).click()
    qtbot.waitUntil(lambda: window.document.path == path, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: window.training.state == "ready", timeout=TIMEOUT)


def test_anything_else_that_is_dropped_gets_a_sentence(open_window: OpenWindow) -> None:
    window = open_window("spiral")
    before = window.document.project
    dropped = (
        (["file:///tmp/cat.png"], "cat.png cannot be opened"),
        (["file:///tmp/cat.png", "file:///tmp/dog.png"], "None of these 2 files can be opened"),
        (["https://example.org/net.nnviz"], "Only files on this computer can be dropped here"),
        ([], "A picture cannot be dropped here"),
    )
    for urls, sentence in dropped:
        window.message.say("")
        data = QMimeData()
        if urls:
            data.setUrls([QUrl(url) for url in urls])
        else:
            data.setImageData(QImage(4, 4, QImage.Format.Format_RGB32))
        drop(window, data)
        said = window.message.text()
        assert said.startswith(f"{sentence}: nnviz opens projects (.nnviz), runs (.nnvizrun) and data (."), urls
        assert window.document.project is before, urls


# ---- runs ----------------------------------------------------------------------------------------------------------


def test_a_run_is_kept_saved_and_replayed(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("spiral")
    live = window.training.run
    assert live is not None
    assert not window.action("save_run").isEnabled()
    window.bridge.step(25)
    qtbot.waitUntil(lambda: live.last_step == 25, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: window.recorder.path_of(live) is not None, timeout=TIMEOUT)
    target = tmp_path / "mine.nnvizrun"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(target), ""))
    qtbot.waitUntil(lambda: window.action("save_run").isEnabled(), timeout=TIMEOUT)
    window.action("save_run").trigger()
    qtbot.waitUntil(target.exists, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: bool(window.recorder.kept), timeout=TIMEOUT)

    window.files.open(target)
    qtbot.waitUntil(state_is(window, "replay"), timeout=TIMEOUT)
    replayed = window.feed.run
    assert replayed is not live and replayed.last_step == 25
    assert list(replayed.scalars("loss/train")[1]) == list(live.scalars("loss/train")[1])
    assert window.shown_document.project.graph == templates.sample("spiral").graph
    assert not window.action("play").isEnabled() and "recorded" in window.action("play").toolTip()
    window.feed.set_step(10)
    press_notice(window, "replay", "Open its project")
    qtbot.waitUntil(lambda: is_ready(window), timeout=TIMEOUT)
    window.action("play").trigger()
    qtbot.waitUntil(lambda: window.training.state == "running", timeout=TIMEOUT)
    assert window.notices.notice("replay") is None and window.feed.live


def test_a_run_saved_without_a_suffix_gets_it_and_replaces_nothing(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("spiral")
    window.bridge.step(3)
    qtbot.waitUntil(lambda: window.feed.run.last_step == 3, timeout=TIMEOUT)
    (tmp_path / "v1.2.nnvizrun").write_bytes(b"precious")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "v1.2"), ""))
    qtbot.waitUntil(window.action("save_run").isEnabled, timeout=TIMEOUT)
    window.action("save_run").trigger()
    qtbot.waitUntil((tmp_path / "v1.2 (2).nnvizrun").exists, timeout=TIMEOUT)
    assert (tmp_path / "v1.2.nnvizrun").read_bytes() == b"precious"
    qtbot.waitUntil(lambda: not window.background.busy, timeout=TIMEOUT)


def test_a_run_can_be_opened_from_the_command_line(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    window = open_window("spiral")
    window.bridge.step(3)
    qtbot.waitUntil(lambda: window.feed.run.last_step == 3, timeout=TIMEOUT)
    path = tmp_path / "three.nnvizrun"
    window.recorder.save_as(window.training.run, None, path)
    qtbot.waitUntil(path.exists, timeout=TIMEOUT)
    document, run_path = open_target(str(path))
    assert run_path == path
    other = open_window(document.project, ready=False, run_path=run_path)
    qtbot.waitUntil(state_is(other, "replay"), timeout=TIMEOUT)
    assert other.feed.run.last_step == 3
    assert other.bridge.session is None


def test_a_run_that_is_still_growing_is_followed(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    """Another process writes it, as ``nnviz train`` does, or a training on another computer."""
    project, path = templates.sample("spiral"), tmp_path / "growing.nnvizrun"
    with subprocess.Popen(
        [sys.executable, "-c", GROWING, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        window = open_window("and", ready=False, run_path=path)
        qtbot.waitUntil(state_is(window, "replay"), timeout=TIMEOUT)
        assert window.shown_document.project == project
        assert window.feed.run.last_step == 3 and window.training.standing.device == "cuda:3"
        process.stdin.write("more\n")
        process.stdin.flush()
        qtbot.waitUntil(lambda: window.feed.run.last_step == 8, timeout=TIMEOUT)
        qtbot.waitUntil(lambda: window.timeline.track._last == 8, timeout=TIMEOUT)
        process.stdin.close()
    assert process.returncode == 0
    window.notices.notice("replay")


def test_a_run_file_that_is_no_run_is_one_sentence(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    path = tmp_path / "hostile.nnvizrun"
    path.write_bytes(b"SQLite format 3\x00" + b"\xff" * 4000)
    window = open_window("and", ready=False, run_path=path)
    qtbot.waitUntil(lambda: window.notices.notice("file") is not None, timeout=TIMEOUT)
    notice = window.notices.notice("file")
    assert notice is not None and "hostile.nnvizrun" in notice.text and "Traceback" not in notice.details
