"""A damaged run file in the window: what is damaged is named where it would be seen; the rest is shown."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from run_file_mutations import good_run
from window_kit import TIMEOUT, OpenWindow, state_is

from nnviz.gui.app import open_target
from nnviz.gui.window.window import MainWindow
from nnviz.record.readings import ArrayReading, Scalar
from nnviz.record.run import Run, RunInfo
from nnviz.record.store import RunWriter

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return good_run(tmp_path / "good.nnvizrun", "digits-cnn")


def change(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(statement, values)
    connection.close()


@pytest.fixture
def caught(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    found: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: found.append(error))
    return found


def look(window: MainWindow) -> None:
    for _ in range(3):
        window.feed.poll(10.0)
        QApplication.processEvents()
    window.grab()


def look_around(window: MainWindow) -> None:
    assert window.docks is not None
    for key in window.docks.panels:
        window.docks.show_panel(key)
    for step in (0, 5, window.feed.run.last_step, None):
        window.feed.set_step(step)
        look(window)
    for node in ("conv1", "relu2"):
        window.canvas.select([node])
        look(window)
    window.replay._look()


def test_a_run_without_one_whole_curve(
    qtbot: QtBot, open_window: OpenWindow, good: Path, caught: list[BaseException]
) -> None:
    change(good, "UPDATE scalars SET count = 0")
    window = open_window("and", ready=False, run_path=good)
    qtbot.waitUntil(state_is(window, "replay"), timeout=TIMEOUT)
    look_around(window)
    assert caught == []
    panels = window.docks.panels  # type: ignore[union-attr]
    assert "cannot be shown: they are damaged in the file" in panels["loss"].damage
    assert panels["loss"].is_empty and panels["gradients"].damage and panels["dead_units"].damage
    assert not panels["feature_maps"].damage and not panels["feature_maps"].is_empty
    assert not panels["filters"].damage and not panels["filters"].is_empty
    assert not panels["findings"].damage and not panels["findings"].is_empty
    notice = window.notices.notice("damage")
    assert notice is not None and "good.nnvizrun: " in notice.text and "series cannot be shown" in notice.text


def test_one_damaged_series_is_named_in_one_panel(
    qtbot: QtBot, open_window: OpenWindow, good: Path, caught: list[BaseException]
) -> None:
    change(good, "UPDATE scalars SET data = x'00' WHERE series = (SELECT id FROM series WHERE name = 'loss/train')")
    change(good, "UPDATE arrays SET shape = '[3]' WHERE series = (SELECT id FROM series WHERE name = 'output/conv1')")
    window = open_window("and", ready=False, run_path=good)
    qtbot.waitUntil(state_is(window, "replay"), timeout=TIMEOUT)
    look_around(window)
    assert caught == []
    panels = window.docks.panels  # type: ignore[union-attr]
    assert panels["loss"].damage == "loss/train cannot be shown: it is damaged in the file."
    assert set(panels["loss"].plots["loss"].curves) == {"loss/validation", "loss/test"}
    window.canvas.select(["conv1"])
    look(window)
    assert panels["feature_maps"].damage == "output/conv1 cannot be shown: it is damaged in the file."
    window.canvas.select(["conv2"])
    look(window)
    assert panels["feature_maps"].damage == "" and not panels["feature_maps"].is_empty
    assert [key for key, panel in panels.items() if panel.damage] == ["loss"]


def cut_off(path: Path) -> None:
    os.truncate(path, 3000)


def written_over(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.write(b"nothing of a run" * 4000)


def removed(path: Path) -> None:
    path.unlink()


@pytest.mark.skipif(sys.platform == "win32", reason="open files cannot be removed there")
@pytest.mark.parametrize("happen", [cut_off, written_over, removed])
def test_a_run_that_breaks_while_it_is_followed(
    qtbot: QtBot, open_window: OpenWindow, good: Path, tmp_path: Path, caught: list[BaseException],
    happen: Callable[[Path], None],
) -> None:  # fmt: skip
    with sqlite3.connect(good) as connection:
        (project,) = connection.execute("SELECT value FROM facts WHERE name = 'project'").fetchone()
    connection.close()
    path = tmp_path / "growing.nnvizrun"
    run = Run(RunInfo(project, title="x"))
    run.state = "running"
    writer = RunWriter(run, path, interval=60.0)
    try:
        for step in range(50):
            run.append([Scalar("loss/train", step, 1.0)])
        writer.flush()
        window = open_window("and", ready=False, run_path=path)
        qtbot.waitUntil(state_is(window, "replay"), timeout=TIMEOUT)
        look(window)
        run.append([ArrayReading("output/conv1", 50, run_picture())])
        writer.flush()
        qtbot.waitUntil(lambda: "output/conv1" in window.feed.run.names(), timeout=TIMEOUT)
        assert window.notices.notice("follow") is None
        happen(path)
        run.append([Scalar("loss/train", 60, 1.0)])
        writer.flush(2.0)
        qtbot.waitUntil(lambda: window.notices.notice("follow") is not None, timeout=TIMEOUT)
        look_around(window)
        notice = window.notices.notice("follow")
        assert notice is not None and "growing.nnvizrun" in notice.text
        assert notice.text.endswith("What was read before is still shown.")
        assert len(window.feed.run.scalars("loss/train")[0]) >= 50
        assert caught == []
    finally:
        writer.close(5.0)


def run_picture() -> object:
    import numpy as np

    return np.ones((3, 4, 4), np.float32)


@pytest.mark.parametrize(
    "facts", [{"created": 1e300}, {"title": "x" * 2**20}, {"seed": 2**62}, {"device": "<b>\n"}, {"created": -5.0}]
)
def test_a_run_with_absurd_facts_opens(
    qtbot: QtBot, open_window: OpenWindow, good: Path, caught: list[BaseException], facts: dict[str, object]
) -> None:
    with sqlite3.connect(good) as connection:
        (old,) = connection.execute("SELECT value FROM facts WHERE name = 'info'").fetchone()
    connection.close()
    change(good, "UPDATE facts SET value = ? WHERE name = 'info'", json.dumps({**json.loads(old), **facts}).encode())
    window = open_window("and", ready=False, run_path=good)
    qtbot.waitUntil(state_is(window, "replay"), timeout=TIMEOUT)
    look(window)
    notice = window.notices.notice("replay")
    assert notice is not None and len(notice.text) < 300
    assert ("unknown date" in notice.toolTip()) == ("created" in facts)
    assert caught == []


def test_a_run_named_by_a_relative_path(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(good.parent)
    document, path = open_target(good.name)
    assert path is not None and path.name == good.name and document.path is None
    ended = subprocess.run(
        [sys.executable, "-m", "nnviz", "screenshot", good.name, "--out", "picture.png"],
        cwd=good.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (good.parent / "picture.png").stat().st_size > 10_000


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_a_sentence(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.nnvizrun"
    os.mkfifo(pipe)
    window = open_window("and", ready=False, run_path=pipe)
    qtbot.waitUntil(lambda: window.notices.notice("file") is not None, timeout=TIMEOUT)
    notice = window.notices.notice("file")
    assert notice is not None and "not a file" in notice.text
