"""What a list of runs says of each, and how it is kept: against the whole file, and against hostile ones."""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
from pathlib import Path

import msgspec
import numpy as np
import pytest

from nnviz.project.edits import SetParam
from nnviz.project.files import io
from nnviz.project.flat_settings import flat_settings, setting, settings_in, words_of
from nnviz.project.samples import templates
from nnviz.project.settings import with_setting
from nnviz.record import summaries
from nnviz.record.comparison import differing
from nnviz.record.library import kept_runs
from nnviz.record.readings import Finding, Reading, Scalar
from nnviz.record.run import Run, RunInfo
from nnviz.record.run_filter import Filterable, parse_filter
from nnviz.record.store import RunWriter
from nnviz.record.summaries import KEPT, Summaries
from nnviz.record.summary import Summary, seconds_of, summary, summary_of

SPIRAL = templates.sample("spiral")
LOSSES = (0.9, math.nan, 0.4, 0.3, 0.35)


def planted() -> Run:
    """Five epochs of ten steps; the lowest validation loss after the fourth, at 100, 50, … steps a second."""
    facts = {"parameters": "97", "warm_from": "an earlier run"}
    run = Run(RunInfo(io.dumps(SPIRAL), created=5.0, seed=7, device="cpu", title="A\nB", facts=facts))
    for step in range(1, 51):
        readings: list[Reading] = [Scalar("loss/train", step, 1.0 / step)]
        if step % 10 == 0:
            epoch = step // 10
            readings += [
                Scalar("epoch", step, epoch),
                Scalar("loss/validation", step, LOSSES[epoch - 1]),
                Scalar("accuracy/validation", step, 0.1 * epoch),
                Scalar("speed/steps_per_second", step, 100.0 / epoch),
            ]
        run.append(readings)
    run.append([Scalar("loss/test", 50, 0.5), Scalar("accuracy/test", 50, 0.75), Scalar("epochs_planned", 30, 6.0)])
    for step, said in ((45, "Batch size: 8 → 16"), (12, "Momentum: 0 → 0.9")):  # by step, not by name
        run.append([Finding(f"changed_by_hand/{said[:8]}", step, "information", said)])
    text = "2 numbers of weight of a and bias of b were set at step 20."
    run.append([Finding(f"finding/edited/{node}", 20, "information", text) for node in "ab"])
    run.append([Finding("finding/unit_off/a/3", step, "information", f"Unit 3 at {step}.") for step in (15, 30)])
    run.append([Finding("changed_by_hand/undone", 12, "resolved", "Dropout: 0 → 0.5")])
    run.finished = True
    return run


def written(run: Run, path: Path) -> Path:
    RunWriter(run, path).close()
    return path


def test_a_file_and_the_run_in_memory_say_the_same(tmp_path: Path) -> None:
    run = planted()
    found = summary(written(run, tmp_path / "a.nnvizrun"), settings_in)
    assert found == summary_of(run, flat_settings(SPIRAL))
    text = "2 numbers of weight of a and bias of b were set at step 20."
    assert (found.title, found.seed, found.device, found.parameters) == ("A B", 7, "cpu", 97)
    assert (found.best_step, found.best_epoch, found.best_loss, found.best_accuracy) == (40, 4, 0.3, 0.4)
    assert (found.epochs, found.accuracy, found.test_accuracy, found.losses["loss/test"]) == (5, 0.5, 0.75, 0.5)
    assert (found.goal, found.planned, found.outcome, found.warm_from) == (6, 6, "stopped", "an earlier run")
    assert found.by_hand == ("step 12: Momentum: 0 → 0.9", text, "Unit 3 at 30.", "step 45: Batch size: 8 → 16")
    assert found.seconds == pytest.approx(sum(10 / (100 / epoch) for epoch in range(1, 6)))
    # Steps behind the last measurement are as fast as that; what is no speed is left out.
    assert seconds_of(np.array([10, 20, 30]), np.array([10.0, math.nan, 5.0]), 50) == pytest.approx(1 + 40 / 5)
    assert math.isnan(seconds_of(np.array([5]), np.array([0.0]), 9))


def test_what_a_later_version_wrote_of_a_change_costs_only_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(planted(), tmp_path / "a.nnvizrun")
    said = summary(path).by_hand
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        for number, name in enumerate(("finding/edited/z", "changed_by_hand/z", "finding/unit_off/z/1")):
            connection.execute("INSERT INTO series(id, name, kind) VALUES (?, ?, 'finding')", (900 + number, name))
            content = '{"severity": "information", "text": "New.", "shape": [1]}' + " " * (number << 17)
            connection.execute("INSERT INTO findings(series, step, content) VALUES (?, 5, ?)", (900 + number, content))
    assert (summary(path).damage, summary(path).by_hand) == ("", said)
    monkeypatch.setattr("nnviz.record.summary._MOST_CHANGE_ROWS", 1)
    assert "Unit 3 at 30." in summary(path).by_hand, "of a unit the last is told"


def test_a_summary_is_read_once_and_again_when_its_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [written(planted(), tmp_path / f"{name}.nnvizrun") for name in "abc"]
    (tmp_path / "broken.nnvizrun").write_bytes(b"SQLite format 3\0" + b"x" * 200)
    read: list[str] = []

    def counted(path: Path, settings: object = None) -> Summary:
        read.append(path.name)
        return summary(path)

    monkeypatch.setattr(summaries, "summary", counted)
    first = Summaries(tmp_path)
    some, complete = first.of(kept_runs(tmp_path), seconds=-1.0)
    assert not some and not complete  # no time to read any
    found, complete = first.of(kept_runs(tmp_path))
    assert complete and len(read) == 4 and found[tmp_path / "broken.nnvizrun"].damage
    first.keep(kept_runs(tmp_path))
    again, _ = Summaries(tmp_path).of(kept_runs(tmp_path))
    assert repr(again) == repr(found) and len(read) == 4  # not a number is not equal to itself
    os.utime(paths[0], (1, 1))
    Summaries(tmp_path).of(kept_runs(tmp_path))
    assert read[4:] == [paths[0].name]
    for hostile in (b"\xc1", b"", msgspec.msgpack.encode({"version": 3}), msgspec.msgpack.encode([1])):
        (tmp_path / KEPT).write_bytes(hostile)
        assert repr(Summaries(tmp_path).of(kept_runs(tmp_path))[0]) == repr(found)


@pytest.mark.timeout(20)
def test_kept_texts_are_believed_no_more_than_those_of_runs_and_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = written(planted(), tmp_path / "a.nnvizrun")
    known = Summaries(tmp_path)
    known.of(kept_runs(tmp_path))
    known.keep(kept_runs(tmp_path))
    kept = msgspec.msgpack.decode((tmp_path / KEPT).read_bytes())
    long = "x\n\x1b[2J\u202e" + "y" * 5000
    kept["runs"][path.name]["summary"] |= {
        **dict.fromkeys(("title", "state", "device", "warm_from"), long),
        "by_hand": [long] * 9000,
        "settings": {long: long, **{str(n): n for n in range(9000)}},
        "losses": {long: 1.0, "loss/train": 0.5},
    }
    (tmp_path / KEPT).write_bytes(msgspec.msgpack.encode(kept))
    found = Summaries(tmp_path).of(kept_runs(tmp_path))[0][path]
    texts = [found.title, found.state, found.device, found.warm_from, *found.losses, *found.by_hand]
    texts += [text for pair in found.settings.items() for text in pair if isinstance(text, str)]
    assert found.title.startswith("x ") and all(text.isprintable() and len(text) <= 200 for text in texts)
    assert len(found.settings) <= 4096 and len(found.by_hand) <= 100 and found.losses == {"loss/train": 0.5}
    if hasattr(os, "mkfifo"):
        (tmp_path / KEPT).unlink()
        os.mkfifo(tmp_path / KEPT)
        assert Summaries(tmp_path).of(kept_runs(tmp_path))[0][path].title == "A B"


def test_settings_are_laid_beside_each_other_with_their_defaults() -> None:
    node = next(key for key, node in SPIRAL.graph.nodes.items() if node.kind == "linear")
    wider = SetParam(node, "out_features", 5).apply(SPIRAL)
    slower = with_setting(wider, "training.learning_rate", 0.5)
    one, other = flat_settings(SPIRAL), flat_settings(slower)
    assert differing([one, other], setting) == ["training.learning_rate", f"{node}.out_features"]
    # By what they are, not by how they were written down: as the command line has it.
    assert differing([{"rate": 1, "on": True}, {"rate": 1.0, "on": 1}], setting) == ["on"]
    assert (setting(one, f"{node}.bias"), setting(one, "nobody.bias"), setting(one, "input.nothing")) == (
        True,
        None,
        None,
    )
    assert words_of("training.learning_rate") == "learning rate" and words_of(node) == f"kind of {node}"
    assert settings_in(b"{") == {}
    assert flat_settings(templates.sample("one-weight"))["data.answers"] == "(y)"  # not ('y',), as Python writes it


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "abc"),
        ("optimizer=adam", "ab"),
        ("opt = ADAM lr<0.01", "b"),
        ("accuracy > 90%", "a"),
        ("accuracy>=0.8 -tag:old", "a"),
        ("spiral -b", "ac"),
        ('"first try"', "c"),
        ("first optimizer=sgd", "c"),
        ("batch_size!=10", "c"),
        ("time>1:00", "b"),
        ("learning rate=0.03", "ac"),
        ("adam accuracy>", "ab"),
        ("adam accuracy>-", "ab"),
        ("adam accuracy<1e", "ab"),
        ("adam time<1:3", "ab"),
        ("adam -", "ab"),
        ("first-", ""),
        ("accuracy>abc", ""),
        ("=", "abc"),
    ],
)
def test_what_is_typed_finds_runs(text: str, names: str) -> None:
    def run(
        name: str, tags: tuple[str, ...] = (), accuracy: float = 0.5, seconds: float = 1.0, **more: object
    ) -> Filterable:
        settings = {"training.optimizer": "adam", "training.learning_rate": 0.03, "training.batch_size": 10, **more}
        known = {key.replace("__", "."): value for key, value in settings.items()}
        about = Summary(best_accuracy=accuracy, seconds=seconds, settings={"data.dataset": "spiral", **known})  # type: ignore[dict-item]
        return Filterable(name, tags, about)

    runs = [
        run("a", accuracy=0.95),
        run("b", ("old",), accuracy=0.85, seconds=90.0, training__learning_rate=0.001),
        run("c first try", training__optimizer="sgd", training__batch_size=128, accuracy=math.nan),
    ]
    found = parse_filter(text, runs)
    assert "".join(one.name[0] for one in runs if found.holds(one)) == names and not found.unknown
    assert parse_filter("nonsense=3", runs).unknown == ("nonsense",)


def test_what_lacks_its_number_says_so_and_hinders_nobody_who_types() -> None:
    for text, words in {
        "accuracy>": "A number is missing behind 'accuracy>'.",
        "adam accuracy >": "A number is missing behind '>'.",
        'accuracy>""': "A number is missing behind 'accuracy>\"\"'.",
        "optimizer=": "A value is missing behind 'optimizer='.",
        "-": "A value is missing behind '-'.",
        "accuracy>0.9 loss<1e-": "The number is not whole in 'loss<1e-'.",
    }.items():
        found = parse_filter(text, [])
        assert (found.unfinished, found.no_numbers) == ((words,), ()), text
    for value in ("abc", "e", "1.2.3", "nan", "-x"):
        found = parse_filter(f"accuracy>{value}", [])
        words = f"'{value}' is no number, and 'accuracy>{value}' needs one."
        assert found.no_numbers == (words,) and not found.unfinished
    for text in ("accuracy>90%", "time>1:30", "loss<1e-3", "accuracy>.5", "name:abc", "optimizer=adam", "first-try"):
        found = parse_filter(text, [])
        assert not found.unfinished and not found.no_numbers, text
