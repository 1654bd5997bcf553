"""The script that starts the program without a display keeps what earlier starts have left."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def test_what_an_earlier_start_left_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    start = importlib.import_module("run")
    run, picture = start.new_outputs(tmp_path, "digits-cnn")
    assert (run.name, picture.name) == ("digits-cnn.nnvizrun", "digits-cnn.png")
    run.write_bytes(b"precious")
    (tmp_path / "digits-cnn-2.png").write_bytes(b"precious")
    run, picture = start.new_outputs(tmp_path, "digits-cnn")
    assert (run.name, picture.name) == ("digits-cnn-3.nnvizrun", "digits-cnn-3.png")


def test_without_a_display_nothing_that_was_kept_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    start = importlib.import_module("run")
    monkeypatch.setattr(start.environment, "ROOT", tmp_path)
    commands: list[list[str]] = []
    monkeypatch.setattr(start, "_call", commands.append)
    (tmp_path / "out").mkdir()
    kept = tmp_path / "out" / "digits-cnn.nnvizrun"
    kept.write_bytes(b"precious")
    with pytest.raises(SystemExit):
        start.without_display(Path("python"), [])
    assert kept.read_bytes() == b"precious"
    train, picture = commands
    assert train[train.index("--run") + 1] == str(kept.with_name("digits-cnn-2.nnvizrun")) in picture
    # Nothing is imported from the current folder.
    assert train[:4] == picture[:4] == ["python", "-P", "-m", "nnviz"]
