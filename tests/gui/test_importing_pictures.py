"""Pictures that do not fit into memory, in the window: how far the import is, stopped, gone on with, trained on."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow, button, is_ready, press_notice

from nnviz.data import images, memory_budget
from nnviz.gui.parts import known_data
from nnviz.project.edits import SetData
from nnviz.project.model import DataConfig


def test_an_import_is_stopped_gone_on_with_and_trained_on(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(200):
            Image.fromarray(random.integers(0, 256, (9, 9)).astype(np.uint8)).save(
                tmp_path / "pets" / name / f"{number:03}.png"
            )
    monkeypatch.setenv(memory_budget.VARIABLE, "0.1")
    gate, decoded = threading.Event(), 0
    real = images.read_unless_deep

    def waits(*arguments: object) -> object:
        nonlocal decoded
        assert threading.current_thread() is not threading.main_thread()
        decoded += 1
        if decoded > 150:
            gate.wait(20)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(images, "read_unless_deep", waits)
    monkeypatch.setattr(images, "_AHEAD", 16)
    monkeypatch.setattr(known_data, "_BETWEEN", 0.0)  # so small pictures are decoded between two words
    window = open_window("digits-cnn")
    qtbot.waitUntil(lambda: is_ready(window), timeout=TIMEOUT)
    before, tab = window.document.project.data, window.inspector.data
    config = DataConfig("image_folder", {"folder": str(tmp_path / "pets"), "size": 28, "channels": "1"})

    def says(key: str, words: str) -> bool:
        notice = window.notices.notice(key)
        return notice is not None and words in notice.text

    # Stopped where it is chosen: the document stays as it was, and choosing it again goes on.
    said: list[str] = []
    tab.message.connect(said.append)
    tab._set_config(config, "")
    qtbot.waitUntil(lambda: decoded > 150 and says("import", "of 400"), timeout=TIMEOUT)
    press_notice(window, "import", "Stop")
    gate.set()
    qtbot.waitUntil(lambda: bool(said), timeout=TIMEOUT)
    assert "Next time it goes on from there" in said[0] and window.document.project.data == before
    assert window.notices.notice("import") is None and not window.training.known.busy
    decoded = 0
    tab._set_config(config, "")
    qtbot.waitUntil(lambda: window.document.project.data != before, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: is_ready(window), timeout=TIMEOUT)
    assert 0 < decoded < 400
    assert window.training.split_sizes == (256, 64, 80)
    assert window.document.facts is not None and window.document.facts.streamed
    qtbot.mouseClick(button(window, "Step"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.training.standing.step == 1, timeout=TIMEOUT)
    # Stopped where the document has it already: a notice says so, with a way to go on.
    gate.clear()
    decoded = 0
    window.apply(SetData(msgspec.structs.replace(config, params={**config.params, "background": "black"})))
    qtbot.waitUntil(lambda: decoded > 150 and says("import", "of 400"), timeout=TIMEOUT)
    press_notice(window, "import", "Stop")
    gate.set()
    qtbot.waitUntil(lambda: says("failure", "Next time it goes on from there"), timeout=TIMEOUT)
    assert not window.training.known.busy, "nothing begins again by itself"
    press_notice(window, "failure", "Go on")
    qtbot.waitUntil(lambda: is_ready(window), timeout=TIMEOUT)
    assert window.notices.notice("failure") is None
