"""The Training tab: a schedule drawn before the start, and what is seldom wanted folded away, by clicks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from msgspec.structs import replace as changed
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from workspace_kit import workspace_of

from nnviz.gui.inspector import rate_curve
from nnviz.gui.inspector.choice_form import ChoiceForm
from nnviz.gui.inspector.editors import ChoiceEditor
from nnviz.gui.inspector.inspector import Inspector
from nnviz.gui.inspector.rate_curve import rates_of
from nnviz.gui.inspector.training_tab import TrainingTab
from nnviz.gui.look.planes import probabilities, sureness
from nnviz.gui.look.theme import format_number
from nnviz.project.document import Document
from nnviz.project.edits import SetParam
from nnviz.project.model import Choice, TrainConfig
from nnviz.project.starts import starts_of

KEPT = "conv1, conv2 and linear1 have initial weights of their own and keep them."


@pytest.fixture
def tab(document: Document, qtbot: QtBot) -> TrainingTab:
    made = Inspector(workspace_of(document))
    qtbot.addWidget(made)
    made.resize(340, 700)
    made.show()
    made.show_tab("training")
    return made.training


def choose(tab: TrainingTab, slot: str, kind: str) -> None:
    form = tab.choices[slot]
    assert isinstance(form, ChoiceForm)
    editor = form.kind.editors[slot]
    assert isinstance(editor, ChoiceEditor)
    editor._combo.activated.emit(editor._combo.findData(kind))


def coloured(widget: QWidget) -> int:
    """Pixels that differ from most."""
    image = widget.grab().toImage().convertToFormat(widget.grab().toImage().Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1)[:, : image.width()]
    _, counts = np.unique(pixels, return_counts=True)
    return int(counts.sum() - counts.max())


def test_a_schedule_is_drawn_before_the_start(tab: TrainingTab, document: Document, qtbot: QtBot) -> None:
    assert not tab.curve.isVisible(), "a rate that stays needs no picture"
    choose(tab, "schedule", "cosine")
    assert tab.curve.isVisible()
    assert tab.curve.plot.accessibleName().startswith("The learning rate begins at 0.0020")
    assert "after 15 epochs" in tab.curve.plot.accessibleName()
    # 1,150 examples in batches of 64 are 18 steps an epoch: the last of 270 steps has a rate.
    last = 0.002 * (1 + math.cos(math.pi * 269 / 270)) / 2
    assert f"ends at {format_number(last)} after 15" in tab.curve.plot.accessibleName()
    drawn = coloured(tab.curve.plot)
    qtbot.mouseClick(tab.curve.scale, Qt.MouseButton.LeftButton)
    assert tab.curve.plot.logarithmic and tab.curve.scale.text() == "logarithmic axis"
    assert drawn > 200 and coloured(tab.curve.plot) > 200
    choose(tab, "schedule", "plateau")
    assert not tab.curve.isVisible(), "where it falls is known once it has"
    document.undo()  # walking through the choices is one step
    assert document.project.training.schedule == Choice("constant")


def test_the_curve_is_the_rate_of_the_training() -> None:
    config = TrainConfig(Choice("sgd", {"learning_rate": 0.5}), epochs=4, schedule=Choice("step", {"every": 1}))
    found = rates_of(config)
    assert found is not None
    wanted = [0.5 * 0.1 ** math.floor(4 * place / len(found)) for place in range(len(found))]
    assert np.isclose(found, wanted).mean() > 0.98 and found[-1] == pytest.approx(5e-4)
    assert rates_of(changed(config, schedule=Choice("nowhere"))) is None
    assert rates_of(changed(config, schedule=Choice("step", {"every": "often"}))) is None


def test_the_curve_is_worked_out_once_for_what_it_follows_from(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    worked_out: list[TrainConfig] = []
    monkeypatch.setattr(rate_curve, "rates_of", lambda config: worked_out.append(config) or rates_of(config))
    curve = rate_curve.RateCurve()
    qtbot.addWidget(curve)
    config = TrainConfig(Choice("sgd", {"learning_rate": 0.5}), epochs=4, schedule=Choice("cosine"))
    for edited in (config, changed(config, batch_size=7), changed(config, seed=3)):
        curve.show_config(edited, 10)
    assert worked_out == [config]
    for edited in (changed(config, epochs=5), config, changed(config, optimizer=Choice("sgd"))):
        curve.show_config(edited, 10)
    curve.show_config(config, 11)
    assert len(worked_out) == 5


def test_what_is_seldom_wanted_is_folded_until_asked_for_or_chosen(
    tab: TrainingTab, document: Document, qtbot: QtBot
) -> None:
    seldom = ("initialisation", "early_stopping", "averaging")
    assert not any(tab.choices[name].isVisible() for name in seldom)
    assert tab.more.text() == "Initial weights, early stopping, averaged weights …"
    qtbot.mouseClick(tab.more, Qt.MouseButton.LeftButton)
    assert all(tab.choices[name].isVisible() for name in seldom)
    choose(tab, "early_stopping", "patience")
    choose(tab, "averaging", "ema")
    assert document.project.training.early_stopping.kind == "patience"
    qtbot.mouseClick(tab.more, Qt.MouseButton.LeftButton)
    assert [tab.choices[name].isVisible() for name in seldom] == [False, True, True]
    form = tab.choices["averaging"]
    assert isinstance(form, ChoiceForm) and "d·a + (1 − d)·w" in form.explanation.text()
    document.undo()
    document.undo()
    assert document.project.training.averaging == Choice("none") and not tab.choices["averaging"].isVisible()


def test_the_sum_of_the_steps_knows_accumulated_batches(tab: TrainingTab) -> None:
    tab._on_edited("accumulation", 3, "")
    assert "in batches of 64, 3 of them a step: 6 steps an epoch, 90 in all" in tab.summary.text()


def test_weights_of_classes_are_typed_where_they_are_asked_for(document: Document, qtbot: QtBot) -> None:
    made = Inspector(workspace_of(document))
    qtbot.addWidget(made)
    made.resize(340, 700)
    made.show()
    made.set_selection(["output"])
    form = made.layer.form
    typed = form.editors["loss.cross_entropy.weights"]
    assert not typed.isVisible()
    document.apply(SetParam("output", "loss", Choice("cross_entropy", {"class_weights": "typed"})))
    assert typed.isVisible()
    problems = [one.text for one in document.diagnostics if one.severity == "error"]
    assert problems == ["The loss needs one weight for each of the 10 classes, and 0 are typed."]
    fix = next(one for one in document.diagnostics if one.severity == "error").fixes[0]
    document.apply(fix.edit)
    assert not any(one.severity == "error" for one in document.diagnostics)
    document.apply(SetParam("output", "loss", "mse"))
    assert not typed.isVisible() and not form.editors["loss.cross_entropy.class_weights"].isVisible()


def test_a_score_is_not_shown_as_a_probability() -> None:
    scores = np.array([-1.0, 4.25, 2.0])
    shares = probabilities("hinge", scores)
    assert shares.tolist() == [0, 1, 0] and sureness("hinge", shares, scores) == "4.2"
    assert sureness("cross_entropy", probabilities("cross_entropy", scores), scores) == "90 %"


def test_layers_that_do_not_follow_are_named_and_follow_in_one_step(
    tab: TrainingTab, document: Document, qtbot: QtBot
) -> None:
    for node in ("conv1", "conv2", "linear1"):
        document.apply(SetParam(node, "weight_initialisation", "he_normal"))
    qtbot.mouseClick(tab.more, Qt.MouseButton.LeftButton)
    assert not tab.keeping.isVisible() and not tab.follow_all.isVisible()
    choose(tab, "initialisation", "zeros")
    assert tab.keeping.isVisible() and tab.keeping.text() == KEPT
    before = document.project
    qtbot.mouseClick(tab.follow_all, Qt.MouseButton.LeftButton)
    assert {start.choice.kind for start in starts_of(document.project.graph, Choice("zeros")).values()} == {"zeros"}
    assert not tab.keeping.isVisible() and not tab.follow_all.isVisible()
    document.undo()
    assert document.project == before and tab.keeping.isVisible()
