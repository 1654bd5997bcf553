"""The main job in the real window: draw a network, train it, watch every layer work, and take everything back."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit
from pytestqt.qtbot import QtBot
from window_hands import CONTROL, SHIFT, Person, pixels
from window_kit import OpenWindow, button, is_ready, state_is

from nnviz.gui.window.window import MainWindow
from nnviz.project.files import io
from nnviz.project.model import Project
from nnviz.project.samples import templates
from nnviz.train.session import SessionState

#: Layers and where their cards are dropped, in pixels of the canvas.
LAYERS = (
    ("Input", QPoint(110, 120)),
    ("Conv2d", QPoint(310, 120)),
    ("ReLU", QPoint(510, 120)),
    ("MaxPool2d", QPoint(710, 120)),
    ("Flatten", QPoint(110, 380)),
    ("Linear", QPoint(310, 380)),
    ("Output", QPoint(510, 380)),
)


def empty_window(qtbot: QtBot, open_window: OpenWindow) -> Person:
    """A window with an empty canvas, on real handwritten digits."""
    project = templates.sample("digits-cnn")
    project = msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, epochs=1000))
    window = open_window(project, ready=False)
    window.resize(1680, 1050)
    person = Person(window, qtbot)
    QApplication.processEvents()
    return person


def undo_and_redo_everything(person: Person, empty: Project) -> None:
    document = person.window.document
    built = document.project
    steps = 0
    while document.can_undo:
        person.keys("Z", CONTROL)
        steps += 1
        assert steps < 100
    assert document.project == empty and not person.nodes and not document.is_modified
    while document.can_redo:
        person.keys("Z", CONTROL | SHIFT)
        steps -= 1
    assert steps == 0 and document.project == built


def reopen(person: Person, open_window: OpenWindow, path: Path, monkeypatch: pytest.MonkeyPatch) -> MainWindow:
    """Open a file in a second window through its menu."""
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(path), ""))
    other = open_window("and", ready=False)
    Person(other, person.qtbot).menu("File", "Open…")
    person.until(lambda: other.document.path == path)
    return other


def test_a_network_is_drawn_and_trained_by_mouse(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = empty_window(qtbot, open_window)
    window = person.window
    person.menu("File", "New")
    empty = window.document.project
    assert not person.nodes and not window.action("play").isEnabled()

    # Draw it.
    ids = [person.drag_layer(title, place, monkeypatch) for title, place in LAYERS]
    convolution, linear = ids[1], ids[5]
    for source, target in pairwise(ids):
        person.wire(source, target)
    assert person.wires == set(pairwise(ids))
    person.select(convolution)
    person.set_param("out_channels", "6")
    person.set_param("kernel_size", "5 x 5")
    assert window.document.inference.results[convolution].output == (6, 24, 24)
    person.select(linear)
    person.set_param("out_features", "10")
    person.until(lambda: is_ready(window) and window.action("play").isEnabled())
    run = window.training.run
    assert run is not None and window.feed.run is run

    # Train it, and watch.
    assert window.inspector is not None
    person.select(convolution)
    layer = window.inspector.layer
    person.until(lambda: layer.filters.isVisible() and layer.maps.isVisible())
    person.until(lambda: all(run.latest(f"output/{node}") is not None for node in ids[1:]))
    person.until(person.pictured)  # the window takes over what was measured a moment later
    QApplication.processEvents()
    before = person.pictures()
    filters, maps = pixels(layer.filters.grab().toImage()), pixels(layer.maps.grab().toImage())
    panels = {key: pixels(person.panel(key).grab().toImage()) for key in ("loss", "gradients")}
    person.click(button(window, "Play"))
    person.until(lambda: run.scalars("loss/train")[0].size > 30)
    person.until(lambda: person.changed(before) == set(ids[1:]))
    person.until(lambda: not np.array_equal(pixels(layer.filters.grab().toImage()), filters))
    person.until(lambda: not np.array_equal(pixels(layer.maps.grab().toImage()), maps))
    for key, picture in panels.items():
        panel = person.panel(key)
        person.until(lambda panel=panel, picture=picture: not np.array_equal(pixels(panel.grab().toImage()), picture))
    person.until(lambda: not person.panel("dead_units").is_empty)

    # Another learning rate on the way: the same run goes on with it.
    field = next(one for one in window.top_bar.findChildren(QLineEdit) if one.accessibleName() == "Learning rate")
    person.type_into(field, "0.0007")
    person.until(lambda: run.scalars("learning_rate")[1][-1] == 0.0007)
    assert window.training.run is run and window.notices.notice("differs") is None

    # Pause, one batch on, one back.
    person.click(button(window, "Pause"))
    person.until(state_is(window, "paused"))
    at = run.last_step
    person.until(lambda: window.training.standing.step == at)
    person.click(button(window, "Step"))
    person.until(lambda: window.training.standing.step == at + 1 and window.action("step_back").isEnabled())
    person.click(button(window, "Step back"))
    person.until(lambda: window.training.standing.step == at)
    assert run.last_step == at and window.bridge.session.state is SessionState.PAUSED

    # Take everything back, make it again, save it, open it elsewhere.
    undo_and_redo_everything(person, empty)
    path = tmp_path / "drawn.nnviz"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    person.menu("File", "Save as…")
    person.until(lambda: not window.document.is_modified)
    assert io.load(path) == window.document.project
    other = reopen(person, open_window, path, monkeypatch)
    assert other.document.project == window.document.project


def find_layer(person: Person, text: str) -> str:
    """Search the palette and take the best match; the id that it got."""
    before = person.nodes
    person.keys("F", CONTROL)
    person.write(text)
    person.keys(Qt.Key.Key_Return)
    added = [node for node in person.nodes if node not in before]
    assert len(added) == 1, f"{text}: {added}"
    return added[0]


def focused_name() -> str:
    widget = QApplication.focusWidget()
    return "" if widget is None else widget.accessibleName()


def test_a_network_is_drawn_and_trained_by_keyboard(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = empty_window(qtbot, open_window)
    window = person.window
    person.keys("N", CONTROL)
    empty = window.document.project
    assert not person.nodes

    # Each layer is wired behind the one before; the last one stands alone and is wired by keys.
    ids = [find_layer(person, text) for text in ("input", "conv2d", "relu", "maxpool2d", "flatten", "linear")]
    person.keys(Qt.Key.Key_Escape)
    person.keys(Qt.Key.Key_Escape)
    assert window.canvas.hasFocus()
    person.keys(Qt.Key.Key_Escape)
    assert window.canvas.selected == ()
    ids.append(find_layer(person, "output"))
    assert person.wires == set(pairwise(ids[:-1]))
    person.keys(Qt.Key.Key_Escape)
    person.keys(Qt.Key.Key_Escape)
    person.keys(Qt.Key.Key_Home)
    for _ in range(5):
        person.keys(Qt.Key.Key_Tab)
    assert window.canvas.selected == (ids[5],)
    person.keys("C")
    person.keys(Qt.Key.Key_Return)
    assert person.wires == set(pairwise(ids))

    # Parameters: Enter goes into the layer, Tab on, Escape back.
    person.keys(Qt.Key.Key_Home)
    person.keys(Qt.Key.Key_Tab)
    assert window.canvas.selected == (ids[1],)
    person.keys(Qt.Key.Key_Return)
    assert focused_name() == "out channels"
    person.write("6")
    person.keys(Qt.Key.Key_Tab)
    assert focused_name() == "kernel size"
    person.write("5 x 5")
    person.keys(Qt.Key.Key_Return)
    assert window.document.inference.results[ids[1]].output == (6, 24, 24)
    person.keys(Qt.Key.Key_Escape)
    assert window.canvas.hasFocus() and window.canvas.selected == (ids[1],)
    for _ in range(4):
        person.keys(Qt.Key.Key_Tab)
    assert window.canvas.selected == (ids[5],)
    person.keys(Qt.Key.Key_Return)
    person.write("10")
    person.keys(Qt.Key.Key_Return)
    person.keys(Qt.Key.Key_Escape)
    person.until(lambda: is_ready(window) and window.action("play").isEnabled())
    run = window.training.run
    assert run is not None

    # Train with the space bar, change the learning rate on the way, pause, one batch on, one back.
    QApplication.processEvents()
    before = person.pictures()
    person.keys(Qt.Key.Key_Space)
    person.until(lambda: run.scalars("loss/train")[0].size > 10)
    person.until(lambda: person.changed(before) >= set(ids[1:]))
    person.keys("2", Qt.KeyboardModifier.AltModifier)
    assert window.inspector is not None and window.inspector.isAncestorOf(QApplication.focusWidget())
    tabs = 0
    while focused_name().casefold() != "learning rate":
        person.keys(Qt.Key.Key_Tab)
        tabs += 1
        assert tabs < 150
    person.write("0.0007")
    person.keys(Qt.Key.Key_Return)
    person.until(lambda: run.scalars("learning_rate")[1][-1] == 0.0007)
    person.keys(Qt.Key.Key_F5)
    person.until(state_is(window, "paused"))
    at = run.last_step
    person.keys(Qt.Key.Key_F10)
    person.until(lambda: window.training.standing.step == at + 1 and window.action("step_back").isEnabled())
    person.keys(Qt.Key.Key_F10, SHIFT)
    person.until(lambda: window.training.standing.step == at)
    assert window.training.run is run

    undo_and_redo_everything(person, empty)
    path = tmp_path / "typed.nnviz"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    person.keys("S", CONTROL)
    person.until(lambda: not window.document.is_modified)
    other = open_window("and", ready=False)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(path), ""))
    Person(other, qtbot).keys("O", CONTROL)
    person.until(lambda: other.document.path == path)
    assert other.document.project == window.document.project
