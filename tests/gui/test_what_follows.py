"""What pages, panels and the canvas show follows decisions, records and refusals, in real windows."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from test_data_page import opened as page_of
from test_own_input import opened as own_input_of
from test_own_input import rests
from window_kit import TIMEOUT, OpenWindow

from nnviz.errors import Cancelled, InputError, TrainingError
from nnviz.gui.data import page as page_module
from nnviz.gui.panels.hard_examples import HardExamplesPanel
from nnviz.gui.runs.shown_network import Asked, ShownNetwork
from nnviz.train import predict


def test_the_data_page_follows_decisions_and_the_training(
    qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("digits-cnn")
    page = page_of(window, qtbot)
    session, item = window.bridge.session, page.filters.order.model().index(page.filters.order.findData("forgotten"), 0)
    assert session is not None and page.data is not None
    assert not item.flags() & Qt.ItemFlag.ItemIsEnabled
    # The orders by what the training keeps can be chosen as soon as it has kept something, and say of which step.
    session.step(20)  # the first epoch has 18
    qtbot.waitUntil(lambda: bool(item.flags() & Qt.ItemFlag.ItemIsEnabled), timeout=TIMEOUT)
    qtbot.waitUntil(lambda: window.training.standing.step == 20, timeout=TIMEOUT)
    page.filters.order.setCurrentIndex(item.row())
    page._choose()
    assert "ordered as at step 18" in page.filters.state.text() and not page.filters.state.old
    session.step(16)
    qtbot.waitUntil(lambda: "ordered as at step 18 (older)" in page.filters.state.text(), timeout=TIMEOUT)
    assert page.filters.state.old
    qtbot.waitUntil(lambda: window.training.standing.step == 36, timeout=TIMEOUT)
    # An example that was given the label that the network takes it for is right from then on.
    page.ask_network()
    qtbot.waitUntil(lambda: page.answers is not None, timeout=TIMEOUT)
    before = page.answers
    assert before is not None
    number = int(np.flatnonzero((before.right == 0) & (page.data.split_of == 0))[0])
    page.select(number)
    page.decide(label=page.data.class_names[before.answers[number]])
    assert page._is_old()
    page.ask_network()
    qtbot.waitUntil(lambda: page.answers is not before, timeout=TIMEOUT)
    assert page.answers is not None and page.answers.right[number] == 1 and not page._is_old()
    assert page.answers.losses[number] < before.losses[number]
    # Where the classes are balanced, it stands in several places: all are marked.
    (entry,) = window.document.project.curation
    kept = page._data
    assert kept is not None
    numbers = np.full(len(kept.inputs[0]), -1)
    numbers[[3, 5]] = numbers[number] = entry.example
    page._data = replace(kept, numbers=(numbers, *kept.numbers[1:]))
    assert page.decisions.known() == dict.fromkeys({3, 5, number}, entry)
    page._data = kept
    # It was closed while one example filled it; what goes wrong when it is opened again is seen.
    page.enlarge(True)
    window.data_room.close()

    def fails(*_given: object) -> object:
        raise InputError("The disk is gone.")

    monkeypatch.setattr(page_module, "view", fails)
    QTest.keyClick(window, Qt.Key.Key_F4)
    qtbot.waitUntil(lambda: not page.loading, timeout=TIMEOUT)
    assert page._trouble == "The disk is gone." and page.wall.isVisible() and page.filters.ask.isVisible()
    page.show_view("map")
    assert page.wall.isVisible() and page.filters.ask.isVisible()
    window.data_room.close()
    # Hard examples that are listed while others are asked for are asked for, too.
    panel = window.docks.show_panel("hard_examples")
    assert isinstance(panel, HardExamplesPanel)
    qtbot.waitUntil(lambda: panel.list.count() > 10 and panel._asked is None, timeout=TIMEOUT)
    questions: list[tuple[Any, Any]] = []

    def ask(_network: object, question: Any, done: Any, _failed: Any, _owner: object = None) -> Asked:
        questions.append((question, done))
        return Asked()

    monkeypatch.setattr(ShownNetwork, "ask", ask)
    panel._known.clear()
    panel.redraw()
    panel.set_option("order", "margin")
    assert len(questions) == 1
    for question, done in questions:  # grows
        done(session.ask(lambda question=question: question(session.training)).result(20))
    assert len(questions) == 2 and {panel._place(one) for one in panel._items()} <= panel._known.keys()


def test_refusals_and_labels_follow_and_the_end_ends_predicting(
    qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("spiral")
    # Gradients that a refused sub-step ends are not left on the cards.
    flow = window.flow
    flow.set_backward(True)
    qtbot.waitUntil(lambda: flow._asked is None, timeout=TIMEOUT)
    assert flow.band.isVisible()

    refused: list[Any] = []

    def refuses(_network: object, _look: Any, _done: Any, failed: Any) -> Asked:
        refused.append(failed)
        return Asked()

    monkeypatch.setattr(ShownNetwork, "sub_step_on", refuses)
    QTest.keyClick(window, Qt.Key.Key_F7)
    refused.pop()(TrainingError("All epochs are done."))
    assert not flow.backward and flow.looking is None and not flow.band.isVisible()
    assert not window.actions_by_name["backward"].isChecked() and window.canvas.stage.lens is None
    # The label of an example goes with its numbers, and comes back with them.
    view = own_input_of(qtbot, window)
    qtbot.waitUntil(lambda: bool(view._label), timeout=TIMEOUT)
    rests(qtbot, view)
    rows, label = view.rows, view._label
    assert rows is not None
    field = rows.fields[0]
    field.setText("0.125")
    field.editingFinished.emit()
    assert not view._label and rows.values[0] == 0.125
    view._do("undo")
    assert view._label == label and rows.values[0] != 0.125
    rows.sliders[1].setValue(rows.sliders[1].value() + 40)
    assert not view._label
    session = window.bridge.session
    assert session is not None
    targets = session.training.data.validation.targets
    view.take_example(int((targets != targets[0]).flatten().nonzero()[0]))
    qtbot.waitUntil(lambda: bool(view._label), timeout=TIMEOUT)
    assert view._label != label
    for _ in range(2):
        view._do("undo")
    assert view._label == label
    rests(qtbot, view)
    # The window goes while predictions are made: they end, and nothing is written.
    ended = threading.Event()

    def predicts(*_given: object, cancelled: Any, **_more: object) -> object:
        for _ in range(1000):
            if cancelled():
                ended.set()
                raise Cancelled("Stopped.")
            time.sleep(0.01)
        raise AssertionError

    monkeypatch.setattr(ShownNetwork, "kept_file", Path("a.nnrun"))
    monkeypatch.setattr(predict, "Predictor", lambda *_: None)
    monkeypatch.setattr(predict, "predict_to_file", predicts)
    window.predictions.start(Path("given.csv"), Path("labels.csv"))
    window.finish()
    assert ended.is_set()
