"""What a recorded run is continued with."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace as changed

from nnviz.errors import ProjectError
from nnviz.project.choices import with_param
from nnviz.project.model import Choice, Project
from nnviz.project.samples import templates
from nnviz.record.store import RunWriter, open_run
from nnviz.train import saving
from nnviz.train.headless import train_to_file


def with_training(project: Project, **values: object) -> Project:
    return changed(project, training=changed(project.training, device="cpu", **values))


def test_another_learning_rate_is_taken_on_and_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    project = with_training(templates.sample("and"), epochs=1)
    path = tmp_path / "run.nnvizrun"
    train_to_file(project, path)
    other = with_training(project, clipping=Choice("norm"))
    with pytest.raises(ProjectError, match=r"clipping: norm, not none") as refused:
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
