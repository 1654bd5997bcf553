"""A run whose last checkpoint is damaged: every command that needs its weights takes the one before, and says so."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace as changed
from pytest import CaptureFixture, MonkeyPatch

from nnviz import cli
from nnviz.project.samples import templates
from nnviz.record.store import RunWriter
from nnviz.record.stored import open_run
from nnviz.train import checkpoint_digest, saving
from nnviz.train.headless import train_to_file


@pytest.fixture
def run(tmp_path: Path, monkeypatch: MonkeyPatch) -> Path:
    """A run of three epochs with the state of each."""
    monkeypatch.setattr(saving, "_SAVE_SHARE", 0)  # however fast an epoch is
    monkeypatch.setattr(RunWriter, "writing", False)
    project = templates.sample("spiral")
    project = changed(project, training=changed(project.training, epochs=3, device="cpu"))
    train_to_file(project, tmp_path / "run.nnvizrun", probes=())
    return tmp_path / "run.nnvizrun"


def steps_of(run: Path) -> list[int]:
    with open_run(run) as stored:
        return [one.step for one in stored.checkpoints()]


def damage(run: Path, *steps: int) -> None:
    for step in steps:
        with closing(sqlite3.connect(run)) as connection, connection:
            connection.execute(
                "UPDATE blobs SET data = zeroblob(length(data)) WHERE name = 'weights' AND checkpoint IN "
                "(SELECT id FROM checkpoints WHERE step = ?)",
                (step,),
            )


def commands(run: Path, folder: Path) -> dict[str, list[str]]:
    table = folder / "points.csv"
    table.write_text("x1,x2\n0.5,0.25\n-1,2\n", "utf-8")
    out, warm = folder / "labels.csv", folder / "warm.nnvizrun"
    return {
        "evaluate": ["evaluate", str(run), "--json"],
        "explain": ["explain", str(run), "linear1", "--json"],
        "predict": ["predict", str(run), str(table), "--out", str(out), "--force"],
        "warm": ["train", "sample:spiral", "--epochs", "1", "--warm-from", str(run), "--run-file", str(warm)],
    }


def test_each_command_takes_the_newest_whole_state_and_says_so_in_a_sentence(
    run: Path, tmp_path: Path, capsys: CaptureFixture[str]
) -> None:
    first, second, last = steps_of(run)
    asked = commands(run, tmp_path)
    for damaged, used in (((last,), second), ((second, last), first)):
        damage(run, *damaged)
        for name, command in asked.items():
            (tmp_path / "warm.nnvizrun").unlink(missing_ok=True)
            capsys.readouterr()
            assert cli.main(command) == 0, name
            out, error = capsys.readouterr()
            (said,) = [line for line in error.splitlines() if "damaged" in line]
            assert f"damaged in the file: the one before, at step {used}, is used." in said, name
            assert all(str(step) in said for step in damaged)
            if name in ("evaluate", "explain"):
                assert json.loads(out)["step"] == used, name
            elif name == "predict":
                assert f"weights of step {used}" in out
            else:
                assert f"Warm start from step {used} of run.nnvizrun" in said
    # Of the step before it nothing is damaged, and there is nothing to say.
    for name in ("evaluate", "explain", "predict"):
        assert cli.main([*asked[name], "--step", str(first)]) == 0
        assert "damaged" not in capsys.readouterr().err
    assert cli.main([*asked["evaluate"], "--step", str(second)]) == 0
    assert f"at step {second} is damaged in the file: the one before, at step {first}" in capsys.readouterr().err


def test_where_none_is_whole_each_refuses(run: Path, tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    damage(run, *steps_of(run))
    for name, command in commands(run, tmp_path).items():
        assert cli.main(command) == 2, name
        error = capsys.readouterr().err.splitlines()[-1]
        assert f"{run}: The checkpoint is damaged" in error, name


def test_a_state_is_compared_with_its_digest_once(
    run: Path, tmp_path: Path, monkeypatch: MonkeyPatch, capsys: CaptureFixture[str]
) -> None:
    looked: list[int] = []
    genuine = checkpoint_digest.digest_of

    def counted(bare: bytes, blobs: dict[str, bytes]) -> str:
        looked.append(len(blobs))
        return genuine(bare, blobs)

    monkeypatch.setattr(checkpoint_digest, "digest_of", counted)
    going_on = ["train", str(run), "--resume"]  # it is over: nothing more is written
    for name, command in {**commands(run, tmp_path), "resume": going_on}.items():
        looked.clear()
        assert cli.main(command) == 0, name
        assert len(looked) == 1, name
    capsys.readouterr()
