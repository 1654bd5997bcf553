"""Predictions in the real window: the menu, the two questions, the notice with its yes, and the file."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow, press_notice

from nnviz.record.store import open_run


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
