"""In which settings two projects differ, what that means for a session, and what a run may be continued with."""

from __future__ import annotations

import pytest
from msgspec.structs import replace as changed

from nnviz.data import datasets
from nnviz.project import registry
from nnviz.project.edits import Bypass, Freeze, Move, RemoveNodes, Rename, SetData, SetParam, SetView
from nnviz.project.model import Choice, DataConfig, Project, TrainConfig, View
from nnviz.project.samples import templates
from nnviz.project.samples.sketch import chain, features, linear, output, relu
from nnviz.train.change import Live, Nothing, Restart, change, difference

SPIRAL = Project(
    graph=chain(features(2), linear(4), relu(), linear(1), output("bce_logits")),
    data=DataConfig("moons", preparation=(Choice("standardise"),)),
    training=TrainConfig(Choice("sgd", {"learning_rate": 0.1}), batch_size=16, epochs=3),
)


def with_training(project: Project, **values: object) -> Project:
    return changed(project, training=changed(project.training, **values))


@pytest.mark.parametrize(
    ("after", "field", "words"),
    [
        (with_training(SPIRAL, seed=7), "training.seed", "seed: 7, not 0"),
        (with_training(SPIRAL, device="cpu"), "training.device", "device: cpu, not auto"),
        (with_training(SPIRAL, keep_best=True), "training.keep_best", "keep best: on, not off"),
        (with_training(SPIRAL, optimizer=Choice("adam")), "training.optimizer.kind", "optimizer: adam, not sgd"),
        (with_training(SPIRAL, schedule=Choice("cosine")), "training.schedule.kind", "schedule: cosine, not constant"),
        (with_training(SPIRAL, regularisers=(Choice("l2"),)), "training.regularisers", "regularisers: l2, not none"),
        (
            with_training(SPIRAL, accumulation=4),
            "training.accumulation",
            "accumulation: 4, not 1",
        ),
        (with_training(SPIRAL, best_by="accuracy"), "training.best_by", "best by: accuracy, not loss"),
        (with_training(SPIRAL, averaging=Choice("ema")), "training.averaging.kind", "averaging: ema, not none"),
        (
            with_training(SPIRAL, initialisation=Choice("zeros")),
            "training.initialisation.kind",
            "initialisation: zeros, not default",
        ),
        (
            with_training(SPIRAL, early_stopping=Choice("patience")),
            "training.early_stopping.kind",
            "early stopping: patience, not none",
        ),
        (changed(SPIRAL, data=DataConfig("circles")), "data.dataset", "data set: circles, not moons"),
        (
            SetData(changed(SPIRAL.data, params={"noise": 0.3})).apply(SPIRAL),
            "data.params.noise",
            "noise of the data: 0.3, not 0.0",
        ),
        (
            SetParam("linear1", "out_features", 5).apply(SPIRAL),
            "graph.nodes.linear1.params.out_features",
            "out features of linear1: 5, not 4",
        ),
        (Bypass({"relu1": True}).apply(SPIRAL), "graph.nodes.relu1.bypassed", "relu1 is bypassed"),
        (RemoveNodes(("relu1",), rejoin=True).apply(SPIRAL), "graph.nodes.relu1", "relu1 was removed"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_a_restart_says_which_layer_or_which_setting(after: Project, field: str, words: str) -> None:
    found = change(SPIRAL, after)
    assert isinstance(found, Restart)
    assert found.field == field
    assert found.reason.startswith(words)


def test_what_a_session_takes_on_is_live() -> None:
    rate = with_training(SPIRAL, optimizer=Choice("sgd", {"learning_rate": 0.5}), epochs=9)
    assert change(SPIRAL, rate) == Live(learning_rate=0.5, epochs=9)
    assert change(SPIRAL, SetView(View(3)).apply(SPIRAL)) == Nothing(), (
        "what is looked at reaches a session as an Interest"
    )


def test_settings_of_the_optimizer_batches_dropout_and_freezing_are_live() -> None:
    larger = with_training(SPIRAL, batch_size=32)
    live = change(SPIRAL, larger)
    assert isinstance(live, Live) and live.settings is not None and live.settings.batch_size == 32
    dropped = templates.sample("digits-cnn")
    momentum = with_training(SPIRAL, optimizer=Choice("sgd", {"learning_rate": 0.1, "momentum": 0.9}))
    found = change(SPIRAL, momentum)
    assert isinstance(found, Live) and found.settings is not None and dict(found.settings.optimizer)["momentum"] == 0.9
    assert difference(SPIRAL, momentum) is None, "a run may be continued with another one"
    other = Freeze({"conv1": True}).apply(SetParam("dropout1", "probability", 0.4).apply(dropped))
    found = change(dropped, other)
    assert isinstance(found, Live) and found.settings is not None
    assert found.settings.frozen == {"conv1"} and [one.value for one in found.settings.layers] == [0.4]
    wider = SetParam("conv1", "out_channels", 5).apply(other)
    restart = change(dropped, wider)
    assert isinstance(restart, Restart) and restart.field.endswith("out_channels") and restart.live == found
    adam = with_training(momentum, optimizer=Choice("adam", {"weight_decay": 0.1}))
    restart = change(momentum, adam)
    assert isinstance(restart, Restart) and restart.live == Live(), (
        "the settings of another optimizer are not for this session"
    )


def test_names_places_notes_and_written_down_defaults_mean_nothing() -> None:
    moved = Move({"linear1": (9.0, 9.0)}).apply(Rename("linear1", "first").apply(changed(SPIRAL, name="x", note="y")))
    assert change(SPIRAL, moved) == Nothing()
    written = with_training(SPIRAL, optimizer=Choice("sgd", {"learning_rate": 0.1, "momentum": 0.0}))
    assert change(SPIRAL, written) == Nothing() and difference(SPIRAL, written) is None
    spec = datasets.dataset("moons")
    for params in (spec.values({}), {"test_share": spec.values({})["test_share"]}):
        for before, after in (({}, params), (params, {})):
            one, other = (changed(SPIRAL, data=changed(SPIRAL.data, params=of)) for of in (before, after))
            assert change(one, other) == Nothing() and difference(one, other) is None
    cleaned, in_full = (
        changed(SPIRAL, data=changed(SPIRAL.data, augmentation=(Choice("rotate", of),)))
        for of in ({}, registry.AUGMENTATIONS("rotate").values({}))
    )
    assert change(cleaned, in_full) == Nothing() and difference(cleaned, in_full) is None
    # Where the examples lie is another setting, but nothing that is computed.
    digits = templates.sample("digits-cnn")
    digits = changed(digits, data=DataConfig("mnist"))
    streamed = changed(digits, data=DataConfig("mnist", {"memory": "disk"}))
    found = change(digits, streamed)
    assert isinstance(found, Restart) and not found.computes and difference(digits, streamed) is None
    reseeded = change(digits, with_training(streamed, seed=5))
    assert isinstance(reseeded, Restart) and reseeded.computes and reseeded.field == "training.seed"


def test_the_learning_rate_of_another_optimizer_is_not_for_this_session() -> None:
    found = change(SPIRAL, with_training(SPIRAL, optimizer=Choice("adam"), epochs=8))
    assert isinstance(found, Restart) and found.live == Live(epochs=8)


def test_a_run_is_continued_on_another_device_with_other_epochs_and_nothing_else() -> None:
    may = with_training(SPIRAL, epochs=99, device="cpu", keep_best=True, optimizer=Choice("sgd"))
    assert difference(SPIRAL, may) is None
    patient = with_training(may, early_stopping=Choice("patience", {"patience": 3}))
    assert difference(may, patient) is None, "when it ends decides no number"
    assert difference(patient, with_training(may, early_stopping=Choice("patience"))) is None
    for decisive in ({"accumulation": 2}, {"averaging": Choice("swa")}, {"best_by": "accuracy"}):
        assert difference(may, with_training(may, **decisive)) is not None
    may_not = with_training(may, clipping=Choice("norm"))
    found = difference(SPIRAL, may_not)
    assert found is not None and found.field == "training.clipping.kind"
