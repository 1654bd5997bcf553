"""The command line in wrong hands: the exit status of the contract, one clear line, and nothing lost."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import sys
from pathlib import Path

import msgspec
import pytest

from nnviz import cli
from nnviz.commands.parser import parse
from nnviz.commands.training_report import BarReport, JsonReport
from nnviz.errors import Cancelled, DataError, InputError
from nnviz.project.files import io as project_files
from nnviz.project.samples import templates
from nnviz.record.library import Library
from nnviz.record.places import runs_folder
from nnviz.record.store import RunWriter, open_run
from nnviz.record.summaries import Summaries

START = ["train", "sample:xnor-two-layer", "--epochs", "2", "--json"]


class Gone(io.StringIO):
    """A stream that nobody reads any more."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 2) -> str:
    """The one line on standard error."""
    try:
        found = cli.main(arguments)
    except SystemExit as stopped:
        found = int(stopped.code or 0)
    lines = capsys.readouterr().err.splitlines()
    assert found == status
    assert len(lines) == 1
    assert lines[0].startswith("nnviz")
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train"], "PROJECT"),
        (["--nonsense"], "--nonsense"),
        (["train", "sample:and", "--epochs", "0"], "--epochs"),
        (["train", "sample:and", "--set", "nonsense"], "PATH=VALUE"),
        (["screenshot", "sample:and"], "--out"),
    ],
)
def test_wrong_usage_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    assert words in complaint(capsys, *arguments)


@pytest.mark.parametrize("columns", ["1", "2", "3", "-7"])
def test_a_terminal_of_no_width_gets_the_command_and_its_help(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert cli.main(["samples"]) == 0 and "digits-cnn" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        parse(["train", "--help"])
    assert stopped.value.code == 0 and "--resume" in capsys.readouterr().out


def test_what_is_not_there_is_refused_in_words_of_the_command_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, own_folders: None
) -> None:
    assert "--out" in complaint(capsys, "screenshot", "sample:and", "--out", str(tmp_path / "nope" / "w.png"))
    assert not (tmp_path / "nope").exists()
    for command in ("train", "race"):
        assert cli.main([command, "sample:digits-cnn", "--data", "mnist", "--data-dir", str(tmp_path)]) == 2
        said = capsys.readouterr()
        assert "--download" in said.err and "--data-dir" in said.err and "tab" not in said.err
        assert "epoch" not in said.err + said.out, "no heading of a run that is not begun"


def test_a_name_with_a_line_break_stays_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert "a\\nb.nnviz: There is no such file." in complaint(capsys, "summary", "a\nb.nnviz")
    assert "\n" not in str(InputError("Wrong.", file="a\nb", field="c\x1bd"))


def test_a_run_that_cannot_be_kept_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no folder")
    line = complaint(capsys, *START, "--run", str(tmp_path / "text" / "mine.nnvizrun"))
    assert str(tmp_path / "text" / "mine.nnvizrun") in line and "Training goes on" not in line


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the folder in which somebody is")
def test_places_that_are_not_there_are_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "text").write_text("no folder")
    with monkeypatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path / "text" / "data"))
        line = complaint(capsys, *START)
    assert str(tmp_path / "text") in line and "kept here: Not a directory." in line and "Errno" not in line
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert "started in is not there any more" in complaint(capsys, "summary", "sample:and")


def test_what_fails_before_it_begins_leaves_no_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    kept = tmp_path / "mine.nnvizrun"
    data = str(tmp_path / "nowhere")
    assert "MNIST" in complaint(capsys, "train", "sample:mlp-50", "--data-dir", data, "--json", "--run", str(kept))
    assert list(tmp_path.glob("*.nnvizrun*")) == []


def test_a_run_killed_before_its_first_checkpoint_begins_anew(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    kept, killed = tmp_path / "kept.nnvizrun", tmp_path / "killed.nnvizrun"
    assert cli.main([*START, "--run", str(kept)]) == 0
    with open_run(kept) as stored:
        run = stored.to_run(0)
        weights = stored.load_checkpoint()["weights"]
    with RunWriter(run, killed):
        pass
    with open_run(killed) as stored:
        assert not stored.checkpoints() and stored.last_step == 0
    capsys.readouterr()
    assert cli.main([*START, "--run", str(killed), "--resume"]) == 0
    with open_run(killed) as stored:
        assert stored.load_checkpoint()["weights"] == weights
        assert list(stored.scalars("loss/train")[0]) == [1, 2]


def test_seconds_are_since_the_start_and_those_of_the_epoch_are_given_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "sample:xnor-two-layer", "--epochs", "4", "--json"]) == 0
    *epochs, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    before = 0.0
    for event in epochs:
        assert event["seconds"] > before and event["epoch_seconds"] == pytest.approx(event["seconds"] - before)
        before = event["seconds"]
    assert last["seconds"] >= before == pytest.approx(sum(event["epoch_seconds"] for event in epochs))


def test_training_goes_on_when_nobody_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "mine.nnvizrun"
    monkeypatch.setattr(sys, "stdout", Gone())
    cli.main([*START, "--run", str(kept)])
    monkeypatch.setattr(sys, "stderr", Gone())
    BarReport(templates.sample("and")).warning("Nobody hears this.")
    JsonReport().warning("Nor this.")
    monkeypatch.undo()
    with open_run(kept) as stored:
        assert stored.finished and stored.last_step == 2


@pytest.mark.parametrize("command", ["race", "sweep"])
def test_runs_are_made_when_nobody_reads(
    command: str, own_folders: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    vary = ["--vary", "training.learning_rate=0.1,0.2", "--epochs", "1", "--json"]
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Gone())
        assert cli.main([command, "sample:xnor-two-layer", *vary]) == 0
    found = Summaries(runs_folder()).of(Library(runs_folder()).runs())[0].values()
    assert [one.outcome for one in found] == ["done", "done"]
    capsys.readouterr()
    if command == "sweep":
        other = [command, "sample:xnor-two-layer", *vary[:2], "--epochs", "3", "--resume"]
        assert "(epochs: 1 in the sweep, 3 asked for)" in complaint(capsys, *other)
        # What it was made with need not be said again; what is said and differs is refused.
        (name,) = [path.stem for path in (runs_folder() / "sweeps").glob("*.nnvizsweep")]
        for named in (name, "sample:xnor-two-layer"):
            assert cli.main([command, named, "--resume", "--json"]) == 0
            told = json.loads(capsys.readouterr().out.splitlines()[-1])
            assert told["name"] == name and [len(one["runs"]) for one in told["trials"]] == [1, 1]
        assert "(seed: 0 in the sweep, 4 asked for)" in complaint(capsys, command, name, "--resume", "--seed", "4")
        assert "--prune" in complaint(capsys, command, name, "--resume", "--prune")
        assert "--vary" in complaint(capsys, command, name, "--resume", "--vary", "training.learning_rate=0.1")
        assert cli.main([command, "sample:and", *vary, "--runs", "1", "--name", "short"]) == 0
        assert cli.main([command, "short", "--resume", "--json"]) == 0
        assert "budget of 1 runs is used" in json.loads(capsys.readouterr().out.splitlines()[-1])["ended"]
        assert cli.main([command, "short", "--resume", "--runs", "2", "--json"]) == 0
        assert len(json.loads(capsys.readouterr().out.splitlines()[-1])["trials"]) == 2
        assert "no sweep 'nobody'" in complaint(capsys, command, "nobody", "--resume")
        assert "graph" in complaint(capsys, command, "sample:and", "--name", name, "--resume")


def test_a_race_whose_runs_cannot_be_kept_is_run_to_its_end_printed_and_ends_in_1(
    own_folders: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    race = ["race", "sample:and", "--vary", "training.learning_rate=0.1,0.2", "--epochs", "1"]

    def cut_off(writer: RunWriter, *arguments: object, **others: object) -> bool:
        return closed(writer, *arguments, **others) and writer.path.stem.endswith("0.2")  # type: ignore[arg-type]

    closed = RunWriter.close
    with monkeypatch.context() as patch:
        patch.setattr(RunWriter, "close", cut_off)
        assert cli.main([*race, "--json"]) == 1
    shown = capsys.readouterr()
    told = {one["name"]: one["run_complete"] for one in json.loads(shown.out.splitlines()[-1])["entrants"]}
    lost = [name for name, complete in told.items() if not complete]
    assert len(told) == 2 and len(lost) == 1
    assert shown.err.splitlines()[-1] == f"nnviz: Not kept, or not as a whole: the run of {lost[0]}."
    shutil.rmtree(runs_folder())
    runs_folder().write_text("no folder")
    assert cli.main(race) == 1
    shown = capsys.readouterr()
    # The loss of the only batch is that before the first update, so it is the same.
    assert [line.split()[0] for line in shown.out.splitlines()] == ["rank", "1", "1"], shown.out
    assert "the runs of " in shown.err.splitlines()[-1] and all(name in shown.err.splitlines()[-1] for name in told)


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("as_json", [False, True])
def test_an_interrupted_race_says_what_is_kept_and_how_to_go_on(
    trained: bool,
    as_json: bool,
    own_folders: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from nnviz.commands import race
    from nnviz.train.race import Race

    command = ["race", "sample:and", "--vary", "training.learning_rate=0.1,0.2", *(["--json"] if as_json else [])]

    asked: list[object] = []

    def interrupt(*_: object) -> None:
        if not asked:
            asked.append(signal.raise_signal(signal.SIGTERM))

    owner, name = (race._Report, "epoch") if trained else (Race, "_measure_start")
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, interrupt)
        assert cli.main(command) == 130
    shown = capsys.readouterr()
    assert shown.err.splitlines()[-1] == "nnviz: interrupted"
    last = json.loads(shown.out.splitlines()[-1]) if as_json else {}
    said = last["kept"] if as_json else shown.err.splitlines()[-2]
    kept = sorted(runs_folder().glob("*.nnvizrun"))
    if not trained:
        assert said == "Nothing had been trained yet: no run is kept." and not kept and last.get("tag") is None
        assert not as_json or [one["run"] for one in last["entrants"]] == [None, None]
        return
    words = "2 runs are kept with the tag 'race: and': nnviz runs --tag 'race: and' lists them, "
    assert said == f"{words}nnviz train RUN --resume goes on with one."
    assert not as_json or last["tag"] == "race: and"
    assert cli.main(["runs", "--tag", "race: and", "--json"]) == 0
    assert sorted(one["path"] for one in json.loads(capsys.readouterr().out)) == [str(path) for path in kept]
    assert cli.main(["train", kept[0].stem, "--resume", "--epochs", "3"]) == 0
    assert cli.main([*command[:4], "--epochs", "1"]) == 0
    assert capsys.readouterr().err.splitlines()[-1] == words.replace("them, ", "them.")


def test_a_sweep_one_of_whose_runs_was_not_kept_as_a_whole_says_which_and_ends_in_1(
    own_folders: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = ["sweep", "sample:xnor-two-layer", "--vary", "training.learning_rate=0.1,0.2", "--epochs", "1"]
    closed = RunWriter.close
    files: list[str] = []

    def full_at_the_end(writer: RunWriter, *arguments: object, **others: object) -> bool:
        whole = closed(writer, *arguments, **others)  # type: ignore[arg-type]
        files.append(writer.path.name)
        if len(files) == 2:
            writer.complete = False
            writer._tell(f"{writer.path} holds only a part of the run.")
        return whole and writer.complete

    with monkeypatch.context() as patch:
        patch.setattr(RunWriter, "close", full_at_the_end)
        assert cli.main([*sweep, "--json"]) == 1
    shown = capsys.readouterr()
    events = [json.loads(line) for line in shown.out.splitlines()]
    runs = {Path(one["run"]).name: one["run_complete"] for one in events if one["event"] == "run"}
    assert runs == {files[0]: True, files[1]: False}
    assert [one["run_complete"] for trial in events[-1]["trials"] for one in trial["runs"]].count(False) == 1
    assert any(one["event"] == "warning" and "only a part of the run" in one["text"] for one in events)
    assert shown.err.splitlines()[-1] == f"nnviz: Not kept, or not as a whole: {files[1]}."
    # What is gone on with knows it; and in the table it stands as well.
    (name,) = [path.stem for path in (runs_folder() / "sweeps").glob("*.nnvizsweep")]
    assert cli.main(["sweep", name, "--resume"]) == 1
    shown = capsys.readouterr()
    assert [line.endswith("not kept as a whole") for line in shown.out.splitlines()].count(True) == 1
    assert files[1] in shown.err.splitlines()[-1]

    # A file that had to be written anew in another folder is no run of the folder of runs.
    monkeypatch.setattr(RunWriter, "close", lambda writer, *given, **others: moved(writer, closed(writer, *given)))

    def moved(writer: RunWriter, whole: bool) -> bool:
        writer.kept = Path("/elsewhere/run.nnvizrun")
        return whole

    assert cli.main([*sweep, "--name", "moved", "--runs", "1", "--json"]) == 1
    (run,) = json.loads(capsys.readouterr().out.splitlines()[-1])["trials"][0]["runs"]
    assert not run["run_complete"] and Path(run["run"]).parent == runs_folder()


def test_what_failed_fails_whoever_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wild = ["train", "sample:one-weight", "--set", "training.learning_rate=1000", "--epochs", "200"]
    kept = tmp_path / "mine.nnvizrun"
    monkeypatch.setattr(sys, "stderr", Gone())
    assert cli.main([*wild, "--run-file", str(kept)]) == 1
    monkeypatch.undo()
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    kept.unlink()
    assert cli.main([*wild, "--run-file", str(kept), "--json"]) == 1
    last = json.loads(out.getvalue().splitlines()[-1])
    assert (last["event"], last["run"]) == ("failed", str(kept)) and last["quantity"] and last["step"] > 0


def test_output_that_cannot_be_written_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, own_folders: None
) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    assert "No space left" in complaint(capsys, "samples", status=1)
    assert "No space left" in complaint(capsys, *START, status=1)
    assert "No space left" in complaint(capsys, "race", *START[1:], "--vary", "training.seed=1,2", status=1)
    found = Summaries(runs_folder()).of(Library(runs_folder()).runs())[0].values()
    assert [one.outcome for one in found] == ["done"] * 3


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (None, "finished"),
        (Cancelled(), "interrupted"),
        (KeyboardInterrupt(), "interrupted"),
        (DataError("x"), "failed"),
    ],
)
@pytest.mark.parametrize("command", ["race", "sweep"])
def test_the_last_event_says_how_it_ended(
    command: str,
    error: BaseException | None,
    event: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from nnviz.train.race import Race
    from nnviz.train.sweep import Sweep

    def end(_self: object) -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(Race, "train", end)
    monkeypatch.setattr(Sweep, "run", end)
    cli.main([command, "sample:and", "--vary", "training.learning_rate=0.1,0.2", "--epochs", "1", "--json"])
    assert [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()][-1] == event


def test_the_totals_of_a_network_that_a_wire_is_missing_in_are_said_to_be_a_part(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    whole = templates.sample("digits-cnn")
    cut = msgspec.structs.replace(whole, graph=msgspec.structs.replace(whole.graph, edges=whole.graph.edges[:4]))
    (tmp_path / "cut.nnviz").write_bytes(project_files.dumps(cut))
    assert cli.main(["summary", str(tmp_path / "cut.nnviz")]) == 2
    total = capsys.readouterr().out.splitlines()[-1]
    assert total.startswith("total") and total.count("≥ ") == 2
    assert cli.main(["summary", "sample:digits-cnn"]) == 0
    assert "≥" not in capsys.readouterr().out
