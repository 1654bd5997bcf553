"""Choices are read, checked, written and set by the same code, wherever they stand."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import params_of

from nnviz.errors import InputError, ParamError, ProjectError
from nnviz.project import choices, settings
from nnviz.project.checks.validate import validate
from nnviz.project.choices import Slot
from nnviz.project.document import Document
from nnviz.project.edits import SetData, SetTraining
from nnviz.project.files import io
from nnviz.project.model import Choice, DataConfig, Project, TrainConfig

SLOTS = (*choices.TRAINING, *choices.DATA)


@st.composite
def chosen_for(draw: st.DrawFn, slot: Slot) -> choices.Chosen:
    def one() -> Choice:
        kind = draw(st.sampled_from(list(slot.known.all)))
        return Choice(kind, draw(params_of(slot.known(kind).params)))

    return tuple(one() for _ in range(draw(st.integers(0, 4)))) if slot.many else one()


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: slot.name)
def test_what_is_written_is_read_again(slot: Slot) -> None:
    @given(chosen_for(slot))
    def check(chosen: choices.Chosen) -> None:
        assert slot.parse(json.loads(json.dumps(choices.listed(slot, chosen)))) == chosen
        if slot in choices.DATA:
            project = Project(data=DataConfig(**{slot.name: chosen}))
        else:
            project = Project(training=TrainConfig(**{slot.name: chosen}))
        assert io.loads(io.dumps(project)) == project
        assert SetTraining(project.training).apply(Project()).training == project.training
        assert SetData(project.data).apply(Project()).data == project.data

    check()


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: slot.name)
@pytest.mark.parametrize(
    "value",
    [
        5,
        None,
        True,
        "magic",
        {"kind": 3},
        {"kind": "magic"},
        {"params": {}},
        {"kind": "l2", "speed": 1},
        [[]],
        ["magic"],
    ],
    ids=str,
)
def test_what_is_no_choice_is_refused_with_its_field(slot: Slot, value: object) -> None:
    with pytest.raises(ParamError) as caught:
        slot.parse(value)
    assert caught.value.field.startswith(slot.name)


def test_a_list_has_an_end() -> None:
    regularisers = choices.slot("regularisers")
    assert regularisers is not None
    with pytest.raises(ParamError, match="at most"):
        regularisers.parse(["l2"] * (choices.MOST + 1))


def test_a_setting_that_is_not_allowed_names_its_place() -> None:
    data = b'{"nnviz": 3, "training": {"regularisers": ["l1", {"kind": "l2", "params": {"strength": -1}}]}}'
    with pytest.raises(ProjectError) as caught:
        io.loads(data, "mine.nnviz")
    assert caught.value.field == "training.regularisers[1].params.strength"


@pytest.mark.parametrize(
    ("path", "value", "wanted"),
    [
        ("training.schedule", "cosine", TrainConfig(schedule=Choice("cosine"))),
        (
            "training.schedule",
            {"kind": "step", "params": {"every": 2}},
            TrainConfig(schedule=Choice("step", {"every": 2})),
        ),
        ("training.clipping", "norm", TrainConfig(clipping=Choice("norm"))),
        ("training.regularisers", ["l1", "l2"], TrainConfig(regularisers=(Choice("l1"), Choice("l2")))),
        ("training.regularisers", "l2", TrainConfig(regularisers=(Choice("l2"),))),
        ("training.optimizer", "sgd", TrainConfig(optimizer=Choice("sgd"))),
        ("training.learning_rate", 0.5, TrainConfig(optimizer=Choice("adam", {"learning_rate": 0.5}))),
        ("training.optimizer.beta1", 0.5, TrainConfig(optimizer=Choice("adam", {"beta1": 0.5}))),
        ("training.optimizer_params.beta1", 0.5, TrainConfig(optimizer=Choice("adam", {"beta1": 0.5}))),
    ],
    ids=str,
)
def test_a_setting_in_text_reaches_its_choice(path: str, value: object, wanted: TrainConfig) -> None:
    assert settings.with_setting(Project(), path, value).training == wanted


@pytest.mark.parametrize(
    ("path", "value", "wanted"),
    [
        ("data.preparation", ["scale", "centre"], (Choice("scale"), Choice("centre"))),
        ("data.preparation", [{"kind": "standardise"}], (Choice("standardise"),)),
        ("data.preparation", "centre", (Choice("centre"),)),
        ("data.preparation", [], ()),
        ("data.scaling", "none", ()),
        ("data.scaling", "unit", (Choice("scale"),)),
        ("data.scaling", "centre", (Choice("scale"), Choice("centre"))),
        ("data.scaling", "standardise", (Choice("standardise"),)),
    ],
    ids=str,
)
def test_a_preparation_in_text_and_the_older_word_for_it(path: str, value: object, wanted: tuple[Choice, ...]) -> None:
    assert settings.with_setting(Project(), path, value).data.preparation == wanted


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.preparation", ["log"]),
        ("data.preparation.by", 3),
        ("data.scaling", "log"),
        ("data.scaling", ["unit"]),
        ("training.preparation", ["scale"]),
        ("data.regularisers", ["l1"]),
        ("training.schedule", []),
        ("training.optimizer", []),
        ("training.regularisers.strength", 1),
        ("training.schedule.x", 1),
    ],
)
def test_a_setting_in_text_that_is_no_choice_is_refused(path: str, value: object) -> None:
    with pytest.raises(InputError):
        settings.with_setting(Project(), path, value)


def test_a_wrong_choice_is_said_with_a_cure_that_helps() -> None:
    wrong = TrainConfig(
        schedule=Choice("magic"),
        clipping=Choice("norm", {"limit": -1.0}),
        regularisers=(Choice("l2", {"speed": 1}), Choice("magic")),
    )
    document = Document(Project(training=wrong))
    for _ in range(8):
        mine = [d for d in validate(document.project) if d.fixes and isinstance(d.fixes[0].edit, SetTraining)]
        if not mine:
            break
        document.apply(mine[0].fixes[0].edit)
    assert document.project.training == TrainConfig(
        clipping=Choice("norm", document.project.training.clipping.params), regularisers=(Choice("l2"),)
    )
    assert document.project.training.clipping.params["limit"] != -1.0


def test_older_files_say_their_optimizer_as_they_did() -> None:
    for version in (1, 2):
        text = f'{{"nnviz": {version}, "training": {{"optimizer": "sgd", "optimizer_params": {{"momentum": 0.5}}}}}}'
        assert io.loads(text.encode()).training == TrainConfig(optimizer=Choice("sgd", {"momentum": 0.5}))
        assert io.loads(f'{{"nnviz": {version}, "training": {{}}}}'.encode()).training == TrainConfig()
        only = f'{{"nnviz": {version}, "training": {{"optimizer_params": {{"beta1": 0.5}}}}}}'
        assert io.loads(only.encode()).training.optimizer == Choice("adam", {"beta1": 0.5})
