"""What a change of the settings is called: the setting and its new value, or that several were changed."""

from __future__ import annotations

import pytest

from nnviz.project import settings
from nnviz.project.document import Document
from nnviz.project.edits import SetData, SetTraining
from nnviz.project.model import DataConfig, Project
from nnviz.project.samples import templates


def changed(*changes: tuple[str, object]) -> tuple[Project, Project]:
    before = templates.sample("mlp-512-dropout")
    after = before
    for path, value in changes:
        after = settings.with_setting(after, path, value)
    return before, after


@pytest.mark.parametrize(
    ("path", "value", "title"),
    [
        ("training.learning_rate", 0.02, "Set learning rate to 0.02"),
        ("training.learning_rate", 1e-8, "Set learning rate to 1e-8"),
        ("training.optimizer", "adagrad", "Set optimizer to Adagrad"),
        ("training.batch_size", 64, "Set batch size to 64"),
        ("training.seed", 123_456_789, "Set seed to 123456789"),
        ("training.keep_best", False, "Set keep best to off"),
        ("training.best_by", "accuracy", "Set best by to Accuracy"),
        ("training.precision", "mixed", "Set precision to mixed (16 and 32 bits)"),
        ("training.regularisers", "l2", "Set regularisers to L2"),
        ("data.preparation", [], "Set preparation to none"),
        ("data.validation_fraction", 0.5, "Set validation fraction to 0.5"),
    ],
)
def test_one_setting_is_named_with_its_value(path: str, value: object, title: str) -> None:
    before, after = changed((path, value))
    document = Document(before)
    document.apply(SetTraining(after.training) if path.startswith("training") else SetData(after.data))
    assert document.project == after
    assert document.undo_title == title
    document.undo()
    assert document.project == before
    assert document.redo_title == title


def test_several_settings_at_once_are_a_change_of_training() -> None:
    before, after = changed(("training.batch_size", 64), ("training.seed", 4))
    document = Document(before)
    document.apply(SetTraining(after.training))
    assert document.undo_title == "Change training"


def test_another_data_set_is_named_whatever_changes_with_it() -> None:
    before, _ = changed()
    document = Document(before)
    document.apply(SetData(DataConfig("spiral", {"noise": 0.3}, split_seed=4)))
    assert document.undo_title == "Set data set to spiral"
    document.apply(SetData(DataConfig("spiral", {"noise": 0.1, "name": "x" * 50}, split_seed=4)))
    assert document.undo_title == "Change data"
    document.apply(SetData(DataConfig("spiral", {"noise": 0.1, "name": "y" * 50}, split_seed=4)))
    assert document.undo_title == "Change name", "a long value stays out of the title"


def test_a_turn_of_the_wheel_is_named_by_where_it_ended() -> None:
    before, _ = changed()
    document = Document(before)
    for rate in (0.01, 0.02, 0.05):
        after = settings.with_setting(before, "training.learning_rate", rate)
        document.apply(SetTraining(after.training, gesture="wheel"))
    assert [entry.title for entry in document.history.entries] == ["Set learning rate to 0.05"]


def test_setting_a_parameter_of_a_regulariser_names_it() -> None:
    _, with_penalty = changed(("training.regularisers", "l2"))
    document = Document(with_penalty)
    other = settings.with_setting(with_penalty, "training.regularisers", [{"kind": "l2", "params": {"strength": 0.25}}])
    document.apply(SetTraining(other.training))
    assert document.undo_title == "Set regularisers to l2 (strength 0.25)"
