"""Predictions in the real window: the menu, the two questions, the notice with its yes, and the file."""

from __future__ import annotations

import csv
from pathlib import Path

import msgspec
import pytest
from PIL import Image
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow, press_notice

from nnviz.data import datasets, tensors
from nnviz.project.adapt import choose_data
from nnviz.project.model import Choice, DataConfig, Project, TrainConfig
from nnviz.project.samples.sketch import chain, features, linear, output
from nnviz.record.store import open_run
from nnviz.train.headless import train_to_file
from nnviz.train.predict import Predictor, predict_to_file


def test_a_folder_is_named_by_the_network_on_the_screen(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = tmp_path / "new", tmp_path / "labels.csv"
    folder.mkdir()
    for tone in (0, 90, 250):
        Image.new("L", (20, 30), tone).save(folder / f"{tone}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    window = open_window("digits-cnn")
    action = window.actions_by_name["predict"]
    session = window.bridge.session
    assert session is not None
    session.play()
    qtbot.waitUntil(lambda: session.position.step > 3, timeout=TIMEOUT)
    session.pause()

    def is_kept() -> bool:
        kept = window.shown_network.kept_file
        if window.predictions.why_not() or kept is None or not kept.exists():
            return False
        with open_run(kept) as stored:
            return bool(stored.checkpoints())

    qtbot.waitUntil(is_kept, timeout=TIMEOUT)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))

    def told() -> str:
        notice = window.notices.notice("predictions")
        return "" if notice is None else notice.text

    action.trigger()
    qtbot.waitUntil(lambda: "cannot be read" in told() or "weights" in told(), timeout=TIMEOUT)
    assert "1 of the examples cannot be read: broken.png" in told() and "Nothing was written" in told()
    assert not out.exists()
    press_notice(window, "predictions", "Leave them out")
    qtbot.waitUntil(out.exists, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: told().startswith("labels.csv: 3 rows, 1 left out."), timeout=TIMEOUT)
    with out.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["filename", "label", "probability"]
    assert [row[0] for row in rows] == ["0.png", "250.png", "90.png"]
    assert all(row[1] in "0123456789" and 0.1 <= float(row[2]) <= 1 for row in rows)


def test_a_run_whose_table_is_gone_names_the_rows_of_another(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, run, new, out = (tmp_path / name for name in ("old.csv", "a.nnvizrun", "new.csv", "labels.csv"))
    rows = "".join(f"{at},5;{('rot', 'blau')[at % 2]};{('ja', 'nein')[at % 3 % 2]}\n" for at in range(40))
    table.write_text("size;kind;right\n" + rows, encoding="utf-8")
    new.write_text("kind;size\nrot;1,5\nblau;\n", encoding="utf-8")
    config = DataConfig("table_file", {"path": str(table)}, preparation=(Choice("standardise"),))
    graph = chain(features(3), linear(1), output(loss="bce_logits"))
    project = choose_data(Project(graph=graph), config, datasets.facts(config)).apply(Project(graph=graph))
    train_to_file(msgspec.structs.replace(project, training=TrainConfig(batch_size=8, epochs=1)), run, probes=())
    predict_to_file(Predictor(run), new, tmp_path / "before.csv")
    table.unlink()
    tensors.clear_cache()
    window = open_window("and", ready=False, run_path=run)
    qtbot.waitUntil(lambda: not window.predictions.why_not(), timeout=TIMEOUT)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(new), ""))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    window.actions_by_name["predict"].trigger()
    qtbot.waitUntil(out.exists, timeout=TIMEOUT)
    said = "The table of the training cannot be read any more: its columns are read as they were then."

    def is_told() -> bool:
        notice = window.notices.notice("predictions")
        return notice is not None and notice.text.startswith("labels.csv: 2 rows.") and notice.text.endswith(said)

    qtbot.waitUntil(is_told, timeout=TIMEOUT)
    assert out.read_bytes() == (tmp_path / "before.csv").read_bytes()
