"""Choices are read, checked, written and set by the same code, wherever they stand."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import params_of

from nnviz.errors import InputError, ParamError, ProjectError
from nnviz.project import choices, registry, settings
from nnviz.project.checks.validate import validate
from nnviz.project.choices import Slot
from nnviz.project.document import Document
from nnviz.project.edits import SetData, SetParam, SetTraining
from nnviz.project.files import io
from nnviz.project.model import Choice, DataConfig, Project, TrainConfig
from nnviz.project.samples import templates

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
        ("data.preparation", '["scale", "centre"]', (Choice("scale"), Choice("centre"))),
        (
            "data.preparation",
            '["standardise", {"kind": "clip", "params": {"low": -1, "high": 1}}]',
            (Choice("standardise"), Choice("clip", {"low": -1.0, "high": 1.0})),
        ),
        ("data.preparation", "[]", ()),
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


GAUSSIAN = Choice("gaussian", {"deviation": 0.25})


@pytest.mark.parametrize(
    ("written", "held"),
    [
        ("gaussian", "gaussian"),
        ({"kind": "gaussian"}, "gaussian"),
        (Choice("gaussian"), "gaussian"),
        ({"kind": "gaussian", "params": {"deviation": 0.25}}, GAUSSIAN),
        (GAUSSIAN, GAUSSIAN),
    ],
)
def test_a_parameter_may_hold_a_choice(written: object, held: object) -> None:
    param = registry.layer("conv2d").param("weight_initialisation")
    value = param.parse(written)
    assert value == held and type(value) is type(held)
    assert Choice.of(value).kind == "gaussian"


@pytest.mark.parametrize(
    "wrong",
    [
        "magic", "written", {"kind": "gaussian", "params": {"deviation": 0}}, {"kind": "gaussian", "params": []},
        {"kind": "zeros", "params": {"deviation": 1}}, {"kind": "gaussian", "deviation": 1}, {}, [], 3, None,
        {"kind": []},
    ],
)  # fmt: skip
def test_a_parameter_refuses_what_is_no_choice_of_it(wrong: object) -> None:
    with pytest.raises(ParamError):
        registry.layer("conv2d").param("weight_initialisation").parse(wrong)


def test_a_choice_of_a_layer_is_written_in_few_words_and_read_again() -> None:
    project = templates.sample("digits-cnn")
    project = SetParam("conv1", "weight_initialisation", GAUSSIAN).apply(project)
    project = SetParam("conv2", "weight_initialisation", "zeros").apply(project)
    text = io.dumps(project)
    written = b'"weight_initialisation": {"kind": "gaussian", "params": {"deviation": 0.25}}'
    assert written in text and b'"weight_initialisation": "zeros"' in text
    assert io.loads(text) == project


def test_the_deviation_of_older_files_belongs_to_their_choice() -> None:
    nodes = [
        {"id": f"l{index}", "kind": "linear", "params": {"initial_deviation": 0.25, **params}}
        for index, params in enumerate(({"weight_initialisation": "gaussian"}, {"weight_initialisation": "zeros"}, {}))
    ]
    found = io.loads(json.dumps({"nnviz": 2, "graph": {"nodes": nodes}}).encode()).graph.nodes
    assert [dict(node.params) for node in found.values()] == [
        {"weight_initialisation": GAUSSIAN}, {"weight_initialisation": "zeros"}, {},
    ]  # fmt: skip


def test_a_choice_of_a_layer_is_set_in_text() -> None:
    project = templates.sample("digits-cnn")
    project = settings.with_setting(project, "conv1.weight_initialisation", "gaussian")
    project = settings.with_setting(project, "conv1.weight_initialisation.deviation", "0,25")
    project = settings.with_setting(project, "output.loss", "mse")
    nodes = project.graph.nodes
    assert nodes["conv1"].params["weight_initialisation"] == GAUSSIAN
    assert nodes["output"].params["loss"] == "mse"
    for path in ("conv1.weight_initialisation.rate", "conv1.kernel_size.x", "output.loss.deviation"):
        with pytest.raises(InputError) as caught:
            settings.with_setting(project, path, "1")
        assert caught.value.field == path


def test_what_is_as_usual_is_not_written_so_that_older_versions_can_read_it() -> None:
    plain = io.dumps(templates.sample("digits-cnn"))
    new = (b"accumulation", b"best_by", b"initialisation", b"early_stopping", b"averaging")
    assert not any(b'"%s":' % name in plain.partition(b'"graph"')[0] for name in new)
    project = templates.sample("digits-cnn")
    for path, value in (
        ("training.accumulation", "4"),
        ("training.best_by", "accuracy"),
        ("training.initialisation", "truncated_gaussian"),
        ("training.initialisation.deviation", "0.03"),
        ("training.early_stopping", "patience"),
        ("training.early_stopping.patience", "7"),
        ("training.averaging", '{"kind": "swa", "params": {"from_epoch": 9}}'),
        ("training.schedule", "warm_up"),
        ("training.schedule.then", "cosine"),
        ("output.loss", "cross_entropy"),
        ("output.loss.label_smoothing", "0.1"),
        ("output.loss.class_weights", "typed"),
        ("output.loss.weights", "[1, 2, 1, 1, 1, 1, 1, 1, 1, 3]"),
    ):
        project = settings.with_setting(project, path, value)
    training = project.training
    assert (training.accumulation, training.best_by, training.step_size) == (4, "accuracy", 4 * training.batch_size)
    assert training.initialisation == Choice("truncated_gaussian", {"deviation": 0.03})
    assert training.early_stopping == Choice("patience", {"patience": 7})
    assert training.averaging == Choice("swa", {"from_epoch": 9})
    loss = Choice.of(project.graph.nodes["output"].params["loss"])
    assert loss.params["weights"] == (1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 3.0)
    assert io.loads(io.dumps(project)) == project
    with pytest.raises(ParamError, match="no initialiser 'given'"):
        settings.with_setting(project, "training.initialisation", "given")
