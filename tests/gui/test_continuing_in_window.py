"""A project and its training belong together: closed and opened again, it goes on as if it had never stopped."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec.structs import replace as changed
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow, button, press_notice, state_is

from nnviz.data import datasets
from nnviz.gui.parts.settings import Settings
from nnviz.gui.window.window import MainWindow
from nnviz.project.adapt import choose_data
from nnviz.project.document import Document
from nnviz.project.edits import Curate, SetParam
from nnviz.project.files import io
from nnviz.project.model import Choice, Curated, DataConfig, Project, TrainConfig
from nnviz.project.safety import unsaved_run
from nnviz.project.samples.sketch import chain, dropout, features, linear, output, relu
from nnviz.record.places import runs_folder
from nnviz.record.store import RunLock, RunWriter, open_run
from nnviz.train import checkpoint as checkpoints
from nnviz.train import saving
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


def test_what_cannot_be_gone_on_with_is_named_and_a_recorded_run_is_continued_beyond_its_epochs(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path
) -> None:
    whole, once = tmp_path / "whole.nnvizrun", changed(PROJECT, training=changed(PROJECT.training, epochs=1))
    train_to_file(PROJECT, whole, probes=())
    train_to_file(once, None, probes=())
    (run,) = runs_folder().glob("*.nnvizrun")
    file, wider, lost = tmp_path / "mine.nnviz", tmp_path / "wider.nnviz", tmp_path / "lost.nnviz"
    io.save(PROJECT, file, f"kept:{run.name}")
    io.save(SetParam(SECOND, "out_features", 9).apply(PROJECT), wider, f"kept:{run.name}")
    io.save(PROJECT, lost, "kept:gone.nnvizrun")
    window = open_window("xnor-two-layer", ready=False)

    def declined() -> str:
        notice = window.notices.notice("declined")
        return "" if notice is None else notice.text

    lock = RunLock.take(run)
    window.files.open(file)
    qtbot.waitUntil(lambda: "being written by another nnviz" in declined(), timeout=TIMEOUT)
    lock.release()
    window.files.open(lost)
    qtbot.waitUntil(lambda: "gone.nnvizrun, is neither beside it nor among the kept" in declined(), timeout=TIMEOUT)
    window.files.open(wider)
    qtbot.waitUntil(lambda: f"of {SECOND}: 5 in the run, 9 asked for)" in declined(), timeout=TIMEOUT)
    assert declined().endswith("Training begins anew.")
    press_notice(window, "declined", "Start warm from the layers that fit")
    qtbot.waitUntil(lambda: window.notices.notice("warm") is not None, timeout=TIMEOUT)
    said = window.notices.notice("warm")
    assert said is not None and f"{FIRST} begins with trained weights; {SECOND} (9 × 6, not 5 × 6)" in said.text
    assert window.training.workbench.run is not None
    assert window.training.workbench.run.info.facts["warm_from"] == run.name

    window.files.open(run)
    qtbot.waitUntil(state_is(window, "replay"), timeout=TIMEOUT)
    press_notice(window, "replay", "Continue training")  # its own project takes the place of the wider one
    qtbot.waitUntil(state_is(window, "done"), timeout=TIMEOUT)
    assert window.document.project == once and window.training.standing.epoch == 1
    qtbot.waitUntil(lambda: window.action("play").isEnabled(), timeout=TIMEOUT)  # not in the moment of the end
    click(window, qtbot, "Train on")  # as many epochs again as the project says
    qtbot.waitUntil(lambda: window.training.standing.epoch == 2 and window.training.state == "done", timeout=TIMEOUT)
    window.action("more_epochs").trigger()
    press_notice(window, "more", "1 more")
    qtbot.waitUntil(lambda: window.training.standing.epoch == 3 and window.training.state == "done", timeout=TIMEOUT)
    assert not window.document.is_modified and window.document.project == once
    window.finish()
    assert list(runs_folder().glob("*.nnvizrun")) == [run]
    for name, tensor in last_weights(whole).weights.items():
        assert torch.equal(last_weights(run).weights[name], tensor), name


def test_a_training_that_began_after_the_save_is_offered_when_the_file_is_opened_again(
    qtbot: QtBot, open_window: OpenWindow, open_file: OpenFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, file = open_window(PROJECT), tmp_path / "mine.nnviz"
    trained_a_little(window, qtbot, 2)
    save(window, qtbot, file, monkeypatch)
    named = window.workspace.runs.live_path
    window.training.reset()
    qtbot.waitUntil(lambda: state_is(window, "ready")() and window.training.standing.step == 0, timeout=TIMEOUT)
    trained_a_little(window, qtbot, 3)
    qtbot.waitUntil(lambda: unsaved_run.run_of(file) is not None, timeout=TIMEOUT)
    later = window.workspace.runs.live_path
    assert later not in (None, named) and not window.document.is_modified
    window.finish()  # as after a crash: nobody was asked to save

    window = open_file(file)
    qtbot.waitUntil(lambda: window.notices.notice("later") is not None, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: window.training.standing.step == 2, timeout=TIMEOUT)
    assert window.workspace.runs.live_path == named
    # Who overlooks that and goes on with the one that the file names is told again.
    qtbot.waitUntil(lambda: window.training.state in ("ready", "paused"), timeout=TIMEOUT)
    trained_a_little(window, qtbot, 1)
    window.finish()
    assert unsaved_run.run_of(file) == later

    window = open_file(file)
    qtbot.waitUntil(lambda: window.notices.notice("later") is not None, timeout=TIMEOUT)
    press_notice(window, "later", "Go on with that one")
    qtbot.waitUntil(lambda: window.training.standing.step > 3 and window.training.trained, timeout=TIMEOUT)
    assert window.workspace.runs.live_path == later and window.document.path == file
    window.action("save").trigger()
    qtbot.waitUntil(lambda: f"kept:{later.name}" in file.read_text(), timeout=TIMEOUT)
    qtbot.waitUntil(lambda: unsaved_run.run_of(file) is None, timeout=TIMEOUT)


def test_a_restart_after_an_edit_may_keep_the_weights_of_the_layers_that_fit(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window(PROJECT)
    trained_a_little(window, qtbot, 2)

    def first_weights() -> torch.Tensor:
        asked = window.bridge.ask(lambda session: session.training.network.module_of(FIRST).weight.detach().clone())
        qtbot.waitUntil(asked.done, timeout=TIMEOUT)
        return asked.result()

    trained = first_weights()
    window.apply(SetParam(SECOND, "out_features", 9))
    qtbot.waitUntil(lambda: window.notices.notice("differs") is not None, timeout=TIMEOUT)
    press_notice(window, "differs", "Restart warm")
    qtbot.waitUntil(lambda: window.notices.notice("warm") is not None and state_is(window, "ready")(), timeout=TIMEOUT)
    assert torch.equal(first_weights(), trained) and window.training.standing.step == 0


def test_other_data_are_refused_and_the_layers_can_still_start_warm(
    qtbot: QtBot, open_file: OpenFile, tmp_path: Path
) -> None:
    table = tmp_path / "table.csv"
    rows = [f"{x / 10},{y / 10},{int(x > y)}" for x in range(8) for y in range(8)]
    table.write_text("\n".join(["x,y,label", *rows]))
    data = datasets.named(DataConfig(), datasets.taking(table), table)
    facts = datasets.facts(data)
    project = choose_data(PROJECT, data, facts).apply(PROJECT)
    run, file = tmp_path / "run.nnvizrun", tmp_path / "mine.nnviz"
    train_to_file(changed(project, training=changed(project.training, epochs=1)), run, probes=())
    io.save(project, file, run.name)
    moved = tmp_path / "moved"
    moved.mkdir()
    for one in (table, run, file):
        shutil.move(one, moved)
    (moved / table.name).write_text("\n".join(["x,y,label", *rows[:40]]))
    window = open_file(moved / file.name)
    qtbot.waitUntil(lambda: window.notices.notice("failure") is not None, timeout=TIMEOUT)
    notice = window.notices.notice("failure")
    assert notice is not None and "cannot be gone on with: since it was made the data set has" in notice.text
    assert window.training.trained  # what was recorded is still seen
    press_notice(window, "failure", "Start warm from the layers that fit")
    qtbot.waitUntil(lambda: window.notices.notice("warm") is not None and state_is(window, "ready")(), timeout=TIMEOUT)


def test_what_was_decided_about_an_example_while_it_trained_stands_on_the_screen_again(
    qtbot: QtBot, open_window: OpenWindow, open_file: OpenFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, file = open_window(PROJECT), tmp_path / "mine.nnviz"
    trained_a_little(window, qtbot, 1)
    save(window, qtbot, file, monkeypatch)  # at once: the file of the run is only being made
    assert "with its training" in window.message.text()
    window.apply(Curate((Curated(3, weight=0.0),)))
    trained_a_little(window, qtbot, 1)
    # A state is handed over once everything at rest has been measured.
    qtbot.waitUntil(lambda: window.training.state == "paused" and not window.background.busy, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: (at := window.bridge.position) is not None and not at.activity, timeout=TIMEOUT)
    window.finish()  # as after a crash: the file knows nothing of it
    window = open_file(file)
    qtbot.waitUntil(lambda: window.training.state == "ready" and window.training.standing.step == 2, timeout=TIMEOUT)
    assert window.document.project.curation == (Curated(3, weight=0.0),) and window.document.undo_title
    asked = window.bridge.ask(lambda session: session.training.coming.decided)
    qtbot.waitUntil(asked.done, timeout=TIMEOUT)
    assert asked.result() == window.document.project.curation
    assert [event.text for event in window.feed.run.events()] == ["Example 3: left out, from the next epoch on"]


def test_a_run_whose_last_state_is_damaged_goes_on_from_the_one_before_and_says_so(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "_SAVE_SHARE", 0)  # a state at the end of every epoch
    monkeypatch.setattr(RunWriter, "writing", False)
    run, file = tmp_path / "run.nnvizrun", tmp_path / "mine.nnviz"
    train_to_file(PROJECT, run, probes=())
    io.save(PROJECT, file, run.name)
    weights = last_weights(run).weights
    with open_run(run) as stored:
        before, last = [one.step for one in stored.checkpoints()][-2:]
    with closing(sqlite3.connect(run)) as connection, connection:
        connection.execute(
            "UPDATE blobs SET data = zeroblob(length(data)) WHERE name = 'weights' "
            "AND checkpoint IN (SELECT id FROM checkpoints WHERE step = ?)",
            (last,),
        )
        held = list(connection.iterdump())
    window = open_window("xnor-two-layer", ready=False)
    window.files.open(file)
    qtbot.waitUntil(lambda: window.notices.notice("declined") is not None, timeout=TIMEOUT)
    notice = window.notices.notice("declined")
    assert notice is not None and f"step {last} is damaged" in notice.text and f"at step {before}" in notice.text
    qtbot.waitUntil(lambda: window.training.status() == "paused", timeout=TIMEOUT)
    assert window.training.standing.step == before
    with closing(sqlite3.connect(f"file:{run}?mode=ro", uri=True)) as connection:
        assert list(connection.iterdump()) == held
    click(window, qtbot, "Play")
    qtbot.waitUntil(state_is(window, "done"), timeout=TIMEOUT)
    window.finish()
    for name, tensor in weights.items():
        assert torch.equal(last_weights(run).weights[name], tensor), name
