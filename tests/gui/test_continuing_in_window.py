"""A project and its training belong together: closed and opened again, it goes on as if it had never stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow, button, state_is

from nnviz.gui.parts.settings import Settings
from nnviz.gui.window.window import MainWindow
from nnviz.project.document import Document
from nnviz.project.files import io
from nnviz.project.model import Choice, DataConfig, Project, TrainConfig
from nnviz.project.samples.sketch import chain, dropout, features, linear, output, relu
from nnviz.record.places import runs_folder
from nnviz.record.store import open_run
from nnviz.train import checkpoint as checkpoints
from nnviz.train.headless import train_to_file

PROJECT = Project(
    name="together",
    graph=chain(features(2), linear(6), relu(), dropout(0.3), linear(5), relu(), linear(1), output("bce_logits")),
    data=DataConfig("moons", preparation=(Choice("standardise"),)),
    training=TrainConfig(Choice("adam"), batch_size=16, epochs=3, device="cpu"),
)
FIRST, SECOND, LAST = (node for node, one in PROJECT.graph.nodes.items() if one.kind == "linear")

OpenFile = Callable[[Path], MainWindow]


@pytest.fixture
def open_file(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> Iterator[OpenFile]:
    """Opens windows as ``nnviz FILE`` does."""
    windows: list[MainWindow] = []

    def open_one(path: Path) -> MainWindow:
        window = MainWindow(Document(io.load(path), path), settings=Settings(tmp_path / f"own{len(windows)}.ini"))
        windows.append(window)
        window.resize(1280, 800)
        window.show()
        qtbot.waitUntil(lambda: window.docks is not None, timeout=30_000)
        return window

    yield open_one
    for window in windows:
        window.finish()
        window.deleteLater()


def click(window: MainWindow, qtbot: QtBot, name: str) -> None:
    found = button(window, name)
    qtbot.waitUntil(found.isEnabled, timeout=TIMEOUT)
    qtbot.mouseClick(found, Qt.MouseButton.LeftButton)


def save(window: MainWindow, qtbot: QtBot, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(path), ""))
    window.action("save").trigger()
    qtbot.waitUntil(lambda: window.document.path == path and not window.document.is_modified, timeout=TIMEOUT)


def trained_a_little(window: MainWindow, qtbot: QtBot, steps: int = 7) -> int:
    for _ in range(steps):
        before = window.training.standing.step
        click(window, qtbot, "Step")
        qtbot.waitUntil(lambda before=before: window.training.standing.step > before, timeout=TIMEOUT)
    return window.training.standing.step


def last_weights(path: Path) -> checkpoints.Checkpoint:
    with open_run(path) as stored:
        return checkpoints.from_blobs(stored.load_checkpoint())


def test_trained_saved_closed_opened_and_played_the_numbers_are_those_of_one_training(
    qtbot: QtBot, open_window: OpenWindow, open_file: OpenFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole.nnvizrun"
    train_to_file(PROJECT, whole)
    window = open_window(PROJECT)
    steps = trained_a_little(window, qtbot)
    file = tmp_path / "mine.nnviz"
    save(window, qtbot, file, monkeypatch)
    window.finish()
    (run,) = runs_folder().glob("*.nnvizrun")
    assert f'"run": "kept:{run.name}"' in file.read_text() and str(tmp_path) not in file.read_text()
    before = run.read_bytes()

    window = open_file(file)
    qtbot.waitUntil(lambda: window.training.state == "ready", timeout=TIMEOUT)
    assert window.training.status() == "paused" and window.training.standing.step == steps
    assert window.feed.run.scalars("loss/train")[0][-1] == steps
    assert not window.document.is_modified and window.workspace.runs.live_path == run
    window.finish()  # looked at and closed: nothing was trained
    with open_run(run) as stored:
        assert stored.last_step == steps and len(run.read_bytes()) == len(before)

    window = open_file(file)
    click(window, qtbot, "Play")
    qtbot.waitUntil(state_is(window, "done"), timeout=TIMEOUT)
    assert not window.document.is_modified
    window.finish()
    assert list(runs_folder().glob("*.nnvizrun")) == [run]  # the same file, and no other
    ours, theirs = last_weights(run), last_weights(whole)
    assert ours.progress.step == theirs.progress.step > steps
    for name, tensor in theirs.weights.items():
        assert torch.equal(ours.weights[name], tensor), name
    with open_run(run) as one, open_run(whole) as other:
        for series in ("loss/train", "loss/validation", f"gradient_norm/{FIRST}"):
            wanted = dict(zip(*(part.tolist() for part in other.scalars(series)), strict=True))
            found = dict(zip(*(part.tolist() for part in one.scalars(series)), strict=True))
            common = [step for step in wanted if step in found]
            assert common and [wanted[step] for step in common] == [found[step] for step in common], series
        assert np.array_equal(one.scalars("loss/train")[0], other.scalars("loss/train")[0])
