"""What the command line says of names, times, limits and what comes next: true, on one line, and fit for a terminal."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import pytest

from nnviz import cli, streams
from nnviz.commands.tables import print_table
from nnviz.project.samples import templates
from nnviz.project.settable import settable
from nnviz.record.places import runs_folder

NASTY = "a\nb\x1b[31m\u202ec"
VARY = ["--vary", "training.learning_rate=0.1,0.2", "--epochs", "1"]


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on standard error of what ends in 2."""
    assert status_of(*arguments) == 2
    shown = capsys.readouterr()
    (line,) = shown.err.splitlines()
    assert not shown.out
    return line


def status_of(*arguments: str) -> int:
    try:
        return cli.main(arguments)
    except SystemExit as stopped:
        return int(stopped.code or 0)


def fits_a_terminal(text: str) -> bool:
    return not any(unicodedata.category(letter) in ("Cc", "Cf") for letter in text.replace("\n", ""))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (NASTY, "cannot be shown (U+000A)"),
        ("a\x07b", "cannot be shown (U+0007)"),
        ("x" * 300, "has 300 characters; at most 200"),
        (" ", "needs a name"),
        ("", "needs a name"),
    ],
)
def test_a_bad_name_of_a_sweep_is_refused_at_once(capsys: pytest.CaptureFixture[str], name: str, words: str) -> None:
    for more in ([], ["--resume"]):
        line = refused(capsys, "sweep", "sample:and", *VARY, "--name", name, *more)
        assert line.startswith("nnviz: --name: ") and words in line and fits_a_terminal(line)
    if name.strip():
        assert words in refused(capsys, "sweep", name, "--resume")
    assert not runs_folder().exists()


def test_a_sweep_says_how_it_goes_on_only_where_it_can(capsys: pytest.CaptureFixture[str]) -> None:
    def last(*more: str) -> str:
        assert cli.main(["sweep", "sample:and", *VARY, "--name", "two rates", *more]) == 0
        return capsys.readouterr().err.splitlines()[-1]

    line = last("--runs", "1")
    assert "budget of 1 runs is used" in line
    assert line.endswith("as 'two rates'; nnviz sweep 'two rates' --resume --runs N goes on to N runs.")
    line = last("--resume", "--runs", "5")
    assert line.endswith("Every combination was tried. The sweep is kept as 'two rates'.")


def test_a_race_says_who_takes_ranges(capsys: pytest.CaptureFixture[str]) -> None:
    for values in ("training.seed=1..5", "training.learning_rate=1e-4..1e-1:log"):
        line = refused(capsys, "race", "sample:and", "--vary", values)
        assert "is a range, which nnviz sweep takes" in line and "cannot race" not in line


def test_a_refused_resume_says_which_value_is_whose(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    train = ["train", "sample:and", "--run-file", str(tmp_path / "a.nnvizrun")]
    assert cli.main([*train, "--epochs", "1", "--seed", "1"]) == 0
    capsys.readouterr()
    assert "(seed: 1 in the run, 0 asked for)" in refused(capsys, *train, "--resume")
    line = refused(capsys, *train, "--resume", "--seed", "1", "--set", "training.optimizer=adam")
    assert re.search(r"\(optimizer: \w+ in the run, adam asked for\)", line)


def test_a_filter_that_lacks_its_number_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "sample:and", "--epochs", "1"]) == 0
    capsys.readouterr()
    assert "A number is missing behind 'accuracy>'" in refused(capsys, "runs", "accuracy>")
    assert "'abc' is no number, and 'accuracy>abc' needs one" in refused(capsys, "runs", "accuracy>abc")
    assert cli.main(["runs", "epochs>=1"]) == 0 and "and" in capsys.readouterr().out


def test_the_time_of_a_run_is_that_of_all_its_sittings(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "a.nnvizrun"
    train = ["train", "sample:and", "--run-file", str(path), "--epochs"]

    def told() -> dict[str, float]:
        *_, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return dict(last)

    def listed() -> float:
        assert cli.main(["runs", "--folder", str(tmp_path), "--json"]) == 0
        return float(json.loads(capsys.readouterr().out)[0]["results"]["seconds"])

    assert cli.main([*train, "2", "--json"]) == 0
    first = told()["run_seconds"]
    assert first == listed() > 0
    assert cli.main([*train, "4", "--resume", "--json"]) == 0
    finished = told()
    assert finished["run_seconds"] == listed() > first
    assert finished["run_seconds"] == pytest.approx(first + finished["seconds"], abs=0.5)
    assert cli.main([*train, "6", "--resume"]) == 0
    *epochs, last = [line for line in capsys.readouterr().err.splitlines() if "epoch" in line]
    assert re.match(r"6 epochs, \d+ steps in [\d.]+ s, [\d.]+ s of them now", last)
    assert float(last.split(" in ")[1].split()[0]) == pytest.approx(listed(), abs=0.051)
    assert float(epochs[-1].rpartition(", ")[2].split()[0]) >= round(first, 1)
    assert cli.main(["train", "sample:and", "--epochs", "1"]) == 0
    assert "now" not in capsys.readouterr().err.splitlines()[-1]


def test_a_name_reaches_the_terminal_on_one_line_without_control_characters(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / f"{NASTY}.nnvizrun"
    try:
        path.touch()
    except (OSError, ValueError):
        pytest.skip("this disk has no such names")
    path.unlink()
    assert cli.main(["train", "sample:and", "--epochs", "1", "--run-file", str(path)]) == 0
    shown = capsys.readouterr()
    kept = next(line for line in shown.err.splitlines() if "The run is kept in" in line)
    assert "a\\nb\\x1b[31m\\u202ec.nnvizrun" in kept and fits_a_terminal(shown.err)
    commands = (
        ["runs", "--folder", str(tmp_path)],
        ["compare", str(path), str(path)],
        ["evaluate", str(path), "--split", "training"],
        ["export-tensorboard", str(path), str(tmp_path / NASTY)],
    )
    for command in commands:
        assert cli.main(command) == 0
        shown = capsys.readouterr()
        assert "a\\nb\\x1b[31m\\u202ec" in shown.out and fits_a_terminal(shown.out + shown.err), command
    streams.tell(f"{NASTY} is kept")
    print_table((NASTY, "number"), [("1\u202f000", NASTY)])
    shown = capsys.readouterr()
    assert fits_a_terminal(shown.err + shown.out) and len(shown.out.splitlines()) == 2 and "1\u202f000" in shown.out


def test_limits_of_whole_numbers_are_whole_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert "from 0 to 2,147,483,647" in refused(capsys, "train", "sample:and", "--seed", "-1")
    assert "from 1 to 100,000" in refused(capsys, "train", "sample:and", "--epochs", "0")
    for path, setting in settable(templates.sample("digits-cnn")).items():
        if setting.spec.type in ("int", "pair", "shape"):
            allowed = setting.spec.allowed()
            assert "e+" not in allowed and not re.search(r"\d{4}", allowed), (path, allowed)
    assert "2,147,483,647" in refused(capsys, "train", "sample:and", "--set", "training.seed=-1")
