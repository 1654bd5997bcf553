"""What a recorded run is continued with."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec.structs import replace as changed

from nnviz.cli import main
from nnviz.errors import Cancelled, ProjectError
from nnviz.project.choices import with_param
from nnviz.project.model import Choice, Project
from nnviz.project.samples import templates
from nnviz.record.store import RunWriter, open_run
from nnviz.train import checkpoint as checkpoints
from nnviz.train import saving, start
from nnviz.train.headless import train_to_file


def with_training(project: Project, **values: object) -> Project:
    return changed(project, training=changed(project.training, device="cpu", **values))


def test_another_learning_rate_is_taken_on_and_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    project = with_training(templates.sample("and"), epochs=1)
    path = tmp_path / "run.nnvizrun"
    train_to_file(project, path)
    other = with_training(project, clipping=Choice("norm"))
    with pytest.raises(ProjectError, match=r"clipping: none in the run, norm asked for\)") as refused:
        train_to_file(other, path, resume=True)
    assert refused.value.field == "training.clipping.kind"
    optimizer = with_param(project.training.optimizer, "learning_rate", 0.0125)
    train_to_file(with_training(project, epochs=2, optimizer=optimizer), path, resume=True)
    with open_run(path) as stored:
        assert stored.scalars("learning_rate")[1][-1] == 0.0125


def test_going_on_keeps_the_states_of_the_sittings_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "_SAVE_SHARE", 0)  # however fast an epoch is
    monkeypatch.setattr(RunWriter, "writing", False)
    path, kept = tmp_path / "run.nnvizrun", set[int]()
    for epochs in (2, 4, 5):
        project = with_training(templates.sample("and"), epochs=epochs)
        train_to_file(project, path, resume=epochs > 2, probes=(), test=False)
        with open_run(path) as stored:
            found = {one.step for one in stored.checkpoints() if one.tag.startswith("epoch")}
        assert len(found) == epochs and kept <= found
        kept = found


def test_where_the_last_states_are_damaged_the_newest_whole_one_is_gone_on_from_and_nothing_is_lost_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(saving, "_SAVE_SHARE", 0)  # however fast an epoch is
    monkeypatch.setattr(RunWriter, "writing", False)
    path, whole = tmp_path / "run.nnvizrun", tmp_path / "whole.nnvizrun"
    project = with_training(templates.sample("and"), epochs=5)
    for file in (path, whole):
        train_to_file(project, file, test=False)
    with open_run(path) as stored:
        good, cut, newest = [one.step for one in stored.checkpoints()][-3:]

    def change(statement: str, step: int) -> list[str]:
        of_step = "checkpoint IN (SELECT id FROM checkpoints WHERE step = ?)"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(statement.format(of_step), (step,))
            return list(connection.iterdump())

    change("DELETE FROM blobs WHERE name = 'state' AND {}", cut)
    before = change("UPDATE blobs SET data = zeroblob(length(data)) WHERE name = 'weights' AND {}", newest)

    said: list[str] = []
    for given in (lambda session: session.stop(), lambda session: setattr(session, "on_prepared", _interrupt)):
        with pytest.raises(Cancelled):
            train_to_file(project, path, resume=True, probes=(), on_session=given, on_warning=said.append)
        with closing(sqlite3.connect(path)) as connection:
            assert list(connection.iterdump()) == before
    taken = start.take(path)
    taken.lock.release()
    assert taken.state.step == good and taken.state.gone_on_from == said[0] == said[1]
    assert f"from step {cut} to step {newest} are damaged" in said[0] and f"at step {good}" in said[0]

    assert main(["train", str(path), "--resume"]) == 0
    assert said[0] in capsys.readouterr().err
    with open_run(path) as one, open_run(whole) as other:
        ours, theirs = (checkpoints.from_blobs(stored.load_checkpoint()) for stored in (one, other))
        assert ours.progress.step == theirs.progress.step == newest
        assert all(torch.equal(ours.weights[name], tensor) for name, tensor in theirs.weights.items())
        for mine, its in zip(one.scalars("loss/train"), other.scalars("loss/train"), strict=True):
            assert np.array_equal(mine, its)

    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE blobs SET data = zeroblob(length(data)) WHERE name = 'weights'")
    assert main(["train", str(path), "--resume", "--epochs", "6"]) == 2
    assert f"{path}" in (error := capsys.readouterr().err.splitlines()[-1]) and "damaged" in error


def _interrupt(_training: object) -> None:
    signal.raise_signal(signal.SIGINT)
