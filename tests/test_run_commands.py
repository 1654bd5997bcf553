"""Kept runs on the command line: listed, found by name, compared, and written for TensorBoard."""

from __future__ import annotations

import json
import signal
import struct
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from nnviz import cli
from nnviz.commands import window
from nnviz.commands.parser import parse
from nnviz.commands.train import TrainOptions, checked
from nnviz.commands.training_report import JsonReport
from nnviz.gui.runs.run_names import ending_of
from nnviz.limits import MOST_EPOCHS
from nnviz.project.edits import SetParam
from nnviz.project.files import io
from nnviz.project.flat_settings import settings_in
from nnviz.project.model import Project
from nnviz.project.samples import templates
from nnviz.project.settings import TRAINING
from nnviz.record.event_files import EventFiles
from nnviz.record.library import Label, Library
from nnviz.record.places import runs_folder
from nnviz.record.readings import Finding, Scalar
from nnviz.record.run import Run, RunInfo
from nnviz.record.seen import seen_at
from nnviz.record.store import RunWriter, open_run
from nnviz.record.summary import summary_of
from nnviz.train.position import EpochResult

SPIRAL = templates.sample("spiral")
WIDER = SetParam("linear1", "out_features", 13).apply(SPIRAL)


def planted(
    name: str,
    project: Project,
    losses: list[float],
    created: float,
    *,
    finished: bool = True,
    test: float = -1,
    findings: Sequence[Finding] = (),
    asked: int = 0,
) -> Path:
    """A run of ten steps an epoch whose accuracy is one less its loss."""
    runs_folder().mkdir(parents=True, exist_ok=True)
    run = Run(RunInfo(project_json=io.dumps(project), title=project.name, created=created))
    for epoch, loss in enumerate(losses, 1):
        step = 10 * epoch
        run.append([Scalar("loss/train", step, 2 * loss), Scalar("epoch", step, float(epoch))])
        run.append([Scalar("loss/validation", step, loss), Scalar("accuracy/validation", step, 1 - loss)])
        run.append([Scalar("training_seconds", step, 50.0 * epoch)])
    run.append(findings)
    if asked:
        run.append([Scalar("epochs_planned", 10, float(asked))])
    if test >= 0:
        run.append([Scalar("loss/test", 10 * len(losses), test)])
    run.state, run.finished = ("done" if finished else "running"), finished
    path = runs_folder() / f"{name}.nnvizrun"
    RunWriter(run, path).close()
    return path


@pytest.fixture
def three(own_folders: None) -> None:
    """Three runs that can be told apart in every order, and one file that is none."""
    first = planted("first", SPIRAL, [0.5, 0.25, 0.75], created=1000.0, test=0.3)
    planted("second", WIDER, [0.5, 0.125], created=3000.0, test=0.2)
    planted("third", SPIRAL, [0.5], created=2000.0, finished=False)
    (runs_folder() / "broken.nnvizrun").write_bytes(b"no run")
    Library(runs_folder()).label(first, Label("the narrow one", ("exercise 3", "kept"), True))


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert cli.main(["runs", "--json", *words]) == 0
    return [run["name"] for run in json.loads(capsys.readouterr().out)]


def test_runs_are_listed_filtered_and_sorted(three: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys)[1:] == ["second", "third", "first"]  # the broken one was written just now
    assert listed(capsys, "--sort", "loss") == ["second", "first", "third", "broken"]
    assert listed(capsys, "--sort", "time", "--reverse") == ["first", "second", "third", "broken"]
    assert listed(capsys, "--sort", "test") == ["second", "first", "broken", "third"]
    assert listed(capsys, "--sort", "epochs", "--limit", "1") == ["first"]
    assert listed(capsys, "NARROW", "first") == ["first"] == listed(capsys, "--tag", "Exercise 3")
    assert listed(capsys, "--tag", "exercise 3", "--tag", "other") == []
    assert listed(capsys, "loss<0.2") == ["second"] == listed(capsys, "linear1.out_features>12")
    assert cli.main(["runs"]) == 0
    shown = capsys.readouterr()
    (row,) = [line for line in shown.out.splitlines() if "first" in line]
    for part in (
        "* first",
        "the narrow one",
        "exercise 3, kept",
        "stopped",
        "3 of 300",
        "0.250 (epoch 2)",
        "75.00 %",
        "2:30 min",
    ):
        assert part in row
    states = {line.split()[0]: line for line in shown.out.splitlines()}
    assert "broken off" in states["third"] and "damaged" in states["broken"] and "not a run" in shown.err


def test_every_end_before_the_last_epoch_has_its_word_in_list_filter_and_window(
    own_folders: None, capsys: pytest.CaptureFixture[str]
) -> None:
    short = msgspec.structs.replace(SPIRAL, training=msgspec.structs.replace(SPIRAL.training, epochs=2))
    said = Finding("finding/early_stopping", 10, "information", "Early stopping ended the training.", "")
    planted("whole", short, [0.5, 0.4], created=1.0)
    planted("ended", short, [0.5], created=2.0)
    planted("patient", short, [0.5], created=3.0, findings=[said])
    went_on = msgspec.structs.replace(SPIRAL, training=msgspec.structs.replace(SPIRAL.training, epochs=3))
    planted("went on", went_on, [0.5, 0.4], created=4.0, findings=[said])
    planted("killed", short, [0.5], created=5.0, finished=False)
    planted("given more", short, [0.5, 0.4, 0.3], created=6.0, asked=4)  # and stopped before the last of these
    planted("given more, whole", short, [0.5, 0.4, 0.3, 0.2], created=7.0, asked=4)
    assert cli.main(["runs", "--json"]) == 0
    listing = json.loads(capsys.readouterr().out)
    outcomes = {"whole": "done", "ended": "stopped", "patient": "early stopping", "given more, whole": "done"}
    outcomes |= {"given more": "stopped", "went on": "stopped"}
    assert {run["name"]: run["state"] for run in listing} == {**outcomes, "killed": "broken off"}
    assert listed(capsys, "state:stopped") == ["given more", "went on", "ended"]
    assert listed(capsys, "state=done") == ["given more, whole", "whole"]
    assert listed(capsys, 'state:"early stopping"') == ["patient"]
    for name, outcome in outcomes.items():
        with open_run(runs_folder() / f"{name}.nnvizrun") as run:
            found = summary_of(run, settings_in(run.info.project_json))
            assert found.outcome == outcome
            assert summary_of(run.to_run(), {}).ended_early is found.ended_early
    assert ending_of(found) == "It was stopped after epoch 2 of 3."


def test_a_run_that_was_given_more_epochs_has_no_more_of_them_than_planned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = ["train", "sample:and", "--run-file", str(tmp_path / "more.nnvizrun"), "--epochs"]
    assert cli.main([*train, "2"]) == cli.main([*train, "3", "--resume"]) == 0
    capsys.readouterr()
    assert cli.main(["runs", "--folder", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "3 of 2" not in said and said.splitlines()[1].split()[5] == "3"


def test_a_goal_that_no_setting_allows_is_the_one_of_the_project(own_folders: None) -> None:
    (spec,) = (one for one in TRAINING if one.name == "epochs")
    assert spec.maximum == MOST_EPOCHS
    for told, goal in ((2**31, 300), (MOST_EPOCHS + 1, 300), (-1, 300), (MOST_EPOCHS, MOST_EPOCHS), (1, 1)):
        path = planted(f"told {told}", SPIRAL, [0.5], created=1.0, asked=told)
        options = TrainOptions.of(parse(["train", str(path), "--resume"])).with_run()
        assert checked(options)[0].training.epochs == goal
        with open_run(path) as run:
            assert seen_at(run.to_run(), 10, 300).epochs == goal
            assert summary_of(run, settings_in(run.info.project_json)).planned == goal


def test_a_run_is_gone_on_with_by_its_name_and_stopped_short_of_its_new_goal(
    own_folders: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rate = ["--set", "training.learning_rate=0.3"]
    assert cli.main(["train", "sample:and", "--epochs", "2", *rate]) == 0
    (kept,) = runs_folder().glob("*.nnvizrun")
    capsys.readouterr()
    real = JsonReport.epoch

    def stop(report: JsonReport, result: EpochResult) -> None:
        real(report, result)
        if result.epoch == 4:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(JsonReport, "epoch", stop)
    assert cli.main(["train", kept.stem, "--resume", "--epochs", "6", "--json"]) == 130
    assert capsys.readouterr().err == "nnviz: interrupted\n", "everything else is as it was"
    assert cli.main(["runs", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["state"], told["planned_epochs"], told["results"]["epochs"]) == ("stopped", 6, 4)
    with open_run(kept) as run:
        of_file = summary_of(run, settings_in(run.info.project_json))
        assert ending_of(of_file) == "It was stopped after epoch 4 of 6."
        assert summary_of(run.to_run(), {}).goal == of_file.goal == 6
    assert cli.main(["train", kept.stem, "--resume", "--set", "training.batch_size=2"]) == 0
    assert "batch 2, 6 epochs" in capsys.readouterr().err, "as far as it was told last"
    assert cli.main(["train", kept.stem, "--resume"]) == 0
    assert "batch 2, 6 epochs" in capsys.readouterr().err, "as it is by now, whatever it was begun with"
    assert cli.main(["train", "sample:and", "--resume", "--run-file", str(kept), "--epochs", "7"]) == 0
    assert "learning rate of the optimizer: 0.3 then, 0.1 now." in capsys.readouterr().err
    assert cli.main(["evaluate", kept.stem, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["step"] == 10
    for named in (kept.stem, kept.stem[:-1], str(kept)):
        assert cli.main(["explain", named, "loss", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["step"] == 10
    shown: list[str] = []
    app = SimpleNamespace(render=lambda target, out, **others: shown.append(target))
    monkeypatch.setattr(window, "_gui", lambda: app)
    assert cli.main(["screenshot", kept.stem[:-1], "--out", "w.png"]) == 0 and shown == [str(kept)]
    assert cli.main(["screenshot", "sample:and", "--out", "w.png"]) == 0 and shown[1] == "sample:and"
    app.main = lambda target, _data_dir: opened.append(target) or 0
    opened: list[str | None] = []
    for typed in ([kept.stem], [kept.stem[:-1]], [str(kept)], ["sample:and"], ["mine.nnviz"], []):
        assert cli.main(typed) == 0
    assert opened == [*[str(kept)] * 3, "sample:and", "mine.nnviz", None]
    capsys.readouterr()
    for command in (["explain", "nobody", "loss"], ["screenshot", "nobody", "--out", "w.png"], ["nobody"]):
        assert cli.main(command) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and "There is no run of this name" in said and "no file of a project." in said
    assert cli.main(["compare", kept.stem, str(kept), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert not told["settings"] and told["changes"][0][-1]["text"] == "Learning rate: 0.3 → 0.1"


def test_a_run_that_is_written_to_is_named_as_a_whole(three: None, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path.name: path.read_bytes() for path in runs_folder().glob("*.nnvizrun")}
    for word, near in (("irs", "'first'. "), ("narrow", "'first'. "), ("ir", "'first', 'third'. ")):
        assert cli.main(["train", word, "--resume", "--epochs", "1"]) == 2
        said = capsys.readouterr().err
        assert near in said.replace("'third', 'first'", "'first', 'third'") and "as a whole" in said
    assert {path.name: path.read_bytes() for path in runs_folder().glob("*.nnvizrun")} == before
    for whole in ("second", "the narrow one"):
        options = TrainOptions.of(parse(["train", whole, "--resume"])).with_run()
        assert options.of_run and options.run is not None and options.run.stem in ("second", "first")


def test_runs_are_compared_by_what_is_computed(three: None, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    elsewhere = tmp_path / "mine.nnvizrun"
    elsewhere.write_bytes((runs_folder() / "third.nnvizrun").read_bytes())
    assert cli.main(["compare", "narrow", "second", str(elsewhere), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["runs"] == ["first", "second", "mine"]
    assert found["settings"] == {"linear1.out_features": [8, 13, 8]}
    assert [one["best_epoch"] for one in found["results"]] == [2, 2, 1]
    assert [one["best_loss"] for one in found["results"]] == [0.25, 0.125, 0.5]
    assert [one["test_loss"] for one in found["results"]] == [0.3, 0.2, None]
    assert [one["seconds"] for one in found["results"]] == [150, 100, 50]
    assert cli.main(["compare", "first", "third"]) == 0
    alone = capsys.readouterr()
    assert "all the same" in alone.out and not alone.err
    assert cli.main(["compare", "first", str(runs_folder() / "first.nnvizrun")]) == 0
    assert capsys.readouterr().err.count("first is named more than once") == 1
    wrong = [(["i", "second"], "Several runs"), (["nothing", "second"], "no run"), (["first"], "two runs")]
    for words, what in (*wrong, (["irst.nnvizrun", "second"], "no run")):  # a file is that one, or none
        assert cli.main(["compare", *words]) == 2
        assert what in capsys.readouterr().err


def events_of(folder: Path) -> Iterator[tuple[float, int, str, float | str]]:
    """Wall time, step, tag and value of every event in a folder: TFRecords taken apart by hand, CRCs checked."""
    from tensorboardX.proto.event_pb2 import Event

    def checked(part: bytes, masked: int) -> bytes:
        crc = 0xFFFFFFFF  # CRC-32C, bit by bit, rotated and shifted as the format says
        for byte in part:
            crc ^= byte
            for _ in range(8):
                crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        crc ^= 0xFFFFFFFF
        assert masked == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
        return part

    for path in sorted(folder.glob("*tfevents*")):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack("<Q", checked(data[at : at + 8], *struct.unpack_from("<I", data, at + 8)))
            body = data[at + 12 : at + 12 + length]
            event = Event.FromString(checked(body, *struct.unpack_from("<I", data, at + 12 + length)))
            at += length + 16
            if event.HasField("session_log"):
                yield event.wall_time, event.step, "RESTART", str(event.session_log.status)
            for value in event.summary.value:
                kind = value.WhichOneof("value")
                told = value.simple_value if kind == "simple_value" else value.tensor.string_val[0].decode()
                yield event.wall_time, event.step, value.tag.removesuffix("/text_summary"), told


def test_event_files_hold_every_curve_while_it_grows_and_afterwards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live, later, path = tmp_path / "live", tmp_path / "later", tmp_path / "mine.nnvizrun"
    train = ["train", "sample:xnor-two-layer", "--epochs", "3", "--run-file", str(path), "--tensorboard", str(live)]
    assert cli.main(train) == 0 and cli.main(["export-tensorboard", str(path), str(later)]) == 0
    with open_run(path) as run:
        wanted = {
            (name, step): value
            for name in run.names()
            for step, value in zip(*(column.tolist() for column in run.scalars(name)), strict=True)
        }
        created = run.info.created
    assert ("loss/train", 3) in wanted and ("loss/test", 3) in wanted
    for folder in (live, later):
        events = [*events_of(folder)]
        numbers = {(tag, step): value for _, step, tag, value in events if isinstance(value, float)}
        assert numbers.keys() == wanted.keys()
        assert all(numbers[key] == pytest.approx(wanted[key], rel=1e-6, nan_ok=True) for key in wanted)
        texts = {tag: value for _, _, tag, value in events if isinstance(value, str)}
        assert "| training.epochs | 3 |" in texts["settings"] and "| seed | 0 |" in texts["run"]
    assert all(created <= time < created + 60 for time, *_ in events)
    assert cli.main([*train, "--resume", "--epochs", "4"]) == 0
    events = [*events_of(live)]
    tags = [tag for _, _, tag, _ in events]
    after = [(tag, step) for _, step, tag, value in events[tags.index("RESTART") :] if isinstance(value, float)]
    assert len({*after}) == len(after) and {*wanted} < {*after} and ("loss/train", 4) in after, "all of it, once"
    assert events[tags.index("RESTART")][1:] == (0, "RESTART", "1")
    (tmp_path / "text").write_text("no folder")
    assert cli.main(["export-tensorboard", str(path), str(tmp_path / "text")]) == 2
    capsys.readouterr()


def test_event_files_that_cannot_be_written_do_not_end_the_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text("no folder")
    train = [
        "train",
        "sample:xnor-two-layer",
        "--epochs",
        "2",
        "--json",
        "--tensorboard",
        str(tmp_path / "text" / "tb"),
    ]
    assert cli.main(train) == 1, "output was lost"
    shown = capsys.readouterr()
    assert "No more event files are written" in shown.err
    assert json.loads(shown.out.splitlines()[-1])["event"] == "finished"


def test_event_files_that_are_lost_on_the_way_make_the_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    train = ["train", "sample:xnor-two-layer", "--epochs", "2", "--tensorboard", str(tmp_path / "tb")]

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    def broken(*_: object, **__: object) -> None:
        raise ValueError("a mistake of a library")

    for fails in (full, broken):
        with monkeypatch.context() as patch:
            patch.setattr(EventFiles, "_write", fails)
            patch.setattr(threading, "excepthook", lambda _arguments: None)
            assert cli.main(train) == 1
        said = capsys.readouterr().err
        assert ("No more event files are written" in said) is (fails is full) and "The run is kept in" in said
    assert cli.main(train) == 0
