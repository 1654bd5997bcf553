"""What is changed while it trains, by hand in the window: it acts at once, is marked, and undo takes it back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolTip
from pytestqt.qtbot import QtBot
from window_hands import CONTROL, SHIFT, Person
from window_kit import TIMEOUT, OpenWindow, is_ready, state_is

from nnviz.gui.inspector.editors import Switch, SwitchEditor
from nnviz.gui.window.window import MainWindow
from nnviz.project.model import Project
from nnviz.project.samples import templates
from nnviz.project.samples.sketch import chain, dropout, flatten, image, linear, output, relu


def small() -> Project:
    graph = chain(image(1, 28, 28), flatten(), linear(16), relu(), dropout(0.5), linear(10), output())
    return Project(graph=graph, data=templates.sample("digits-cnn").data)


def weights(qtbot: QtBot, window: MainWindow) -> dict[str, NDArray[np.float32]]:
    answer = window.training.bridge.ask(
        lambda session: {name: one.numpy().copy() for name, one in session.training.network.state_dict().items()}
    )
    qtbot.waitUntil(answer.done, timeout=TIMEOUT)
    return answer.result()


def marks(window: MainWindow) -> list[tuple[int, list[str]]]:
    return [(mark.step, mark.text.splitlines()[1:]) for mark in window.timeline.track.events]


def test_changes_by_hand_act_are_marked_and_are_undone(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(small())
    window.resize(1680, 1000)
    person = Person(window, qtbot)
    person.keys(Qt.Key.Key_F10, CONTROL)  # one epoch
    person.until(state_is(window, "paused"))
    each = window.training.standing.step
    assert window.training.standing.epoch == 1 and each == 9
    # A layer is frozen by its switch.
    person.select("linear1")
    tab = window.inspector.layer
    switch = tab.form.editors["frozen"]
    assert isinstance(switch, SwitchEditor)
    person.click(switch.findChild(Switch))
    # Dropout is switched off, and the batch made larger, in the fields that show them.
    person.select("dropout1")
    person.set_param("probability", "0.1")
    window.top_bar.settings.batch.chosen.emit("256")
    person.until(lambda: [(step, len(said)) for step, said in marks(window)] == [(each, 3)])
    [(_, said)] = marks(window)
    assert set(said) == {
        "linear1: frozen",
        "Probability of dropout1: 0.5 → 0.1",
        "Batch size: 128 → 256, from the next epoch on",
    }
    assert not window.training.differs and window.training.state == "paused"
    assert window.canvas.canvas_scene.cards["linear1"].facts.frozen
    before = weights(qtbot, window)
    person.keys(Qt.Key.Key_F10)
    person.until(lambda: window.training.standing.step == each + 1)
    after = weights(qtbot, window)
    assert (after["linear1.weight"] == before["linear1.weight"]).all()
    assert (after["linear2.weight"] != before["linear2.weight"]).any()
    # Both curves and the timeline say what it was, where one points at it.
    loss = person.panel("loss").plots["loss"]
    person.until(lambda: len(loss.events) == 1)
    assert loss.events[0][1].splitlines()[0] == f"Changed after step {each}"
    assert loss.event_at(float(each)) == loss.events[0][1] and loss.event_at(0.0) == ""
    track = window.timeline.track
    QTest.mouseMove(person.handle, person.place(track, QPoint(round(track.position_of(each)), 12)))
    assert track.event_at(track.position_of(each)) == loss.events[0][1]
    # Undo is a live change as well; at the same step as the last one it takes its place.
    for _ in range(3):
        person.keys("z", CONTROL)
    person.until(lambda: [(step, len(said)) for step, said in marks(window)] == [(each, 3), (each + 1, 3)])
    assert set(marks(window)[1][1]) == {
        "linear1: trained again",
        "Probability of dropout1: 0.1 → 0.5",
        "Batch size: 256 → 128, from the next epoch on",
    }
    # Going back drops what was changed behind it.
    window.training.go_back(each)
    person.until(lambda: window.training.standing.step == each and marks(window) == [])
    QToolTip.hideText()


def test_a_new_seed_is_a_change_of_the_document(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(small())
    person = Person(window, qtbot)
    first = weights(qtbot, window)
    person.keys(Qt.Key.Key_F5, CONTROL | SHIFT)
    person.until(lambda: window.document.project.training.seed == 1 and is_ready(window))
    other = weights(qtbot, window)
    assert (first["linear1.weight"] != other["linear1.weight"]).any()
    window.document.undo()
    person.until(lambda: window.training.workbench.at_rest and is_ready(window))
    again = weights(qtbot, window)
    assert (again["linear1.weight"] == first["linear1.weight"]).all()
