"""The command lines in README.md do what they say, as they stand there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from nnviz import cli
from nnviz.commands.parser import COMMANDS
from nnviz.project.samples import templates

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(section: str) -> list[str]:
    """The indented lines of a section."""
    text = re.split(r"^## ", README, flags=re.MULTILINE)
    body = next(part for part in text if part.startswith(f"{section}\n"))
    return [line.strip() for line in body.splitlines() if line.startswith("    ")]


def commands() -> list[str]:
    """Each command by itself, what is said of it taken away."""
    lines = [re.split(r"\s{3,}", line)[0] for line in blocks("Command line")]
    return [command for line in lines for command in line.split(" | ")]


def test_the_section_is_read() -> None:
    assert commands()[:3] == ["nnviz", "nnviz samples", "nnviz datasets"]
    assert {command.split()[1] for command in commands()[1:]} == set(COMMANDS)


@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_readme(
    command: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command)[1:]
    if words[:1] == ["predict"]:
        Image.new("L", (28, 28)).save(tmp_path / "black.png")
        words[words.index("FOLDER")] = str(tmp_path)
    if words[:1] in (["compare"], ["export-tensorboard"]):
        for run in (word for word in words if word.endswith(".nnvizrun")):
            assert cli.main(["train", "sample:xnor-two-layer", "--epochs", "1", "--run-file", run]) == 0
        capsys.readouterr()
    if words[:1] in (["predict"], ["evaluate"]):
        assert cli.main(["train", "sample:digits-cnn", "--epochs", "1", "--run", words[1]]) == 0
        capsys.readouterr()
    if "FOLDER" in words:
        words[words.index("FOLDER")] = str(request.getfixturevalue("shared_data"))
    for option in {"--epochs", "--runs"} & {*words}:
        words[words.index(option) + 1] = "1"
    if not words:
        # The window opens, and is closed again as soon as its loop would begin.
        monkeypatch.setattr("nnviz.gui.app.QApplication.exec", lambda *_: 0)
    assert cli.main(words) == 0
    shown = capsys.readouterr()
    match words[:1]:
        case ["samples"]:
            assert all(sample.name in shown.out for sample in templates.samples())
        case ["datasets"]:
            assert "mnist" in shown.out
        case ["summary"]:
            assert "total" in shown.out
        case ["train"]:
            assert json.loads(shown.out.splitlines()[-1])["event"] == "finished"
        case ["race"]:
            assert "validation loss" in shown.out and "\n   1  " in shown.out
        case ["sweep"]:
            assert "validation loss" in shown.out and "1 of 3" in shown.out
        case ["compare"]:
            assert "all the same" in shown.out and "best epoch" in shown.out
        case ["export-tensorboard"]:
            assert [*(tmp_path / words[-1]).glob("*tfevents*")]
        case ["explain"]:
            assert re.search(r"^  sum +[−\d]", shown.out, re.MULTILINE)
        case ["screenshot"]:
            assert (tmp_path / words[-1]).stat().st_size > 10_000


def test_the_settings_of_the_readme(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = [one for one in re.findall(r"--set \w\S*=\S+?(?=[\s`])", README) if " data." not in one]
    assert len(settings) == 2
    words = [word for setting in settings for word in setting.split()]
    kept = tmp_path / "mine.nnvizrun"
    assert cli.main(["train", "sample:digits-cnn", "--epochs", "1", "--run", str(kept), *words]) == 0
    assert kept.exists()


def test_the_scripts_of_the_readme_are_there() -> None:
    root = Path(__file__).resolve().parent.parent
    named = set(re.findall(r"scripts/\w+\.py", README))
    assert {"scripts/run.py", "scripts/test.py"} <= named
    assert all((root / name).is_file() for name in named)
