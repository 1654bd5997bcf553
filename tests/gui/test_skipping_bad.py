"""Pictures that cannot be read are left out after a yes: on the command line and in the window, never by themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow, press_notice

from nnviz import cli
from nnviz.project.edits import SetData
from nnviz.project.model import DataConfig


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(8):
            pixels = random.integers(0, 256, (8, 8)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{number}.png")
    (tmp_path / "pets" / "dog" / "bad.png").write_bytes(b"no picture")
    return tmp_path / "pets"


def test_the_command_line_needs_a_yes(pets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "a.nnvizrun"
    command = ["train", "sample:digits-cnn", "--data", str(pets), "--epochs", "1", "--json", "--run", str(run)]
    assert cli.main(command) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "1 example cannot be read: " in said and "bad.png" in said and "--skip-bad" in said and not run.exists()
    assert cli.main([*command, "--skip-bad"]) == 0
    assert '"finished"' in capsys.readouterr().out


@pytest.mark.parametrize("command", [["race"], ["sweep", "--runs", "1"]], ids=lambda command: command[0])
def test_so_do_races_and_sweeps(pets: Path, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    command = [*command, "sample:digits-cnn", "--data", str(pets), "--epochs", "1"]
    command += ["--vary", "training.learning_rate=0.01,0.1"]
    assert cli.main(command) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "1 example cannot be read: " in said and said.endswith("--skip-bad leaves them out.")
    assert cli.main([*command, "--skip-bad"]) == 0
    said = capsys.readouterr().err
    assert "Left out: " in said and "bad.png" in said


def test_the_window_asks_for_the_same_yes(qtbot: QtBot, open_window: OpenWindow, pets: Path) -> None:
    window = open_window("digits-cnn")
    config = DataConfig("image_folder", {"folder": str(pets), "size": 28, "channels": "1"})
    window.apply(SetData(config))

    def asked() -> bool:
        notice = window.notices.notice("failure")
        return notice is not None and "1 example cannot be read" in notice.text and "bad.png" in notice.text

    qtbot.waitUntil(asked, timeout=TIMEOUT)
    assert window.training.state not in ("running", "ready")
    press_notice(window, "failure", "Leave them out")
    qtbot.waitUntil(lambda: window.document.facts is not None, timeout=TIMEOUT)
    assert window.document.facts is not None and window.document.facts.class_names == ("cat", "dog")
    assert window.training.unread is None
