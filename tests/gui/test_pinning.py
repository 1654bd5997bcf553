"""Several examples pinned to the canvas: from the page, by keys and on the strip; measured, saved and replayed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

from nnviz.errors import ProjectError
from nnviz.gui.inspector.data_tab import DataTab
from nnviz.gui.panels.why import WhyPanel
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import SetView
from nnviz.project.files import io
from nnviz.project.model import MOST_PINS, Pin, Project, View
from nnviz.record.pinned import example_of, followed, latest_of
from nnviz.record.quantities import OUTPUT, PINNED_INPUT
from nnviz.record.readings import ArrayReading
from nnviz.record.run import Run, RunInfo
from nnviz.record.store import RunWriter

LEFT = Qt.MouseButton.LeftButton


def array(reading: object) -> np.ndarray:
    assert isinstance(reading, ArrayReading)
    return reading.array


def click_tile(window: MainWindow, place: int) -> None:
    canvas = window.canvas
    point = canvas.mapFromScene(canvas.canvas_scene.pins.tile(place).center())
    QTest.mouseClick(canvas.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, point)


def test_examples_of_two_splits_are_pinned_stepped_through_saved_and_replayed(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path
) -> None:
    window = open_window("digits-cnn")
    QTest.keyClick(window, Qt.Key.Key_F4)
    page = window.data_room.page
    assert page is not None
    qtbot.waitUntil(lambda: page.data is not None, timeout=TIMEOUT)
    data, strip = page.data, window.canvas.canvas_scene.pins
    assert data is not None and not strip.isVisible()
    for split, index in (("train", 11), ("validation", 5)):
        page.select(data.number(split, index))
        QTest.mouseClick(page.example.pin, LEFT)
    assert window.document.project.view == View(5, "", (Pin(11, "train"), Pin(5)))
    page.select(data.number("test", 0))
    assert not page.example.pin.isEnabled() and "sealed" in page.example.pin.toolTip()
    page.pin(data.number("test", 0))
    assert len(window.document.project.view.pins) == 2
    QTest.keyClick(window, Qt.Key.Key_F4)

    # What each layer makes of both of them is in the run; the cards show the one that is chosen.
    run, last = window.training.run, OUTPUT.series("output")
    assert run is not None

    def shown() -> object:
        return example_of(run.latest(PINNED_INPUT.series()))

    first, second = ("train", 11), ("validation", 5)
    qtbot.waitUntil(lambda: shown() == second and len(strip.examples) == 2, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: latest_of(run, last, None, first) is not None, timeout=TIMEOUT)
    by_side = array(latest_of(run, last, None, first)).copy()
    qtbot.waitUntil(lambda: all(one.reading is not None for one in strip.examples), timeout=TIMEOUT)
    assert strip.isVisible() and [one.shown for one in strip.examples] == [False, True]
    assert [one.words for one in strip.examples] == [
        f"train #11 “{data.label(data.number(*first))}”",
        f"validation #5 “{data.label(data.number(*second))}”",
    ]
    QTest.keyClick(window, Qt.Key.Key_F3)
    assert window.document.project.view.shown == Pin(11, "train")
    qtbot.waitUntil(lambda: shown() == first, timeout=TIMEOUT)
    window.feed.poll(1.0)
    np.testing.assert_allclose(array(run.latest(last)), by_side, rtol=1e-5, atol=1e-6)
    scaled = data.input_of(data.number(*first)).astype(np.float32) / 255
    np.testing.assert_allclose(array(run.latest(PINNED_INPUT.series())), scaled.reshape(1, 28, 28), atol=1e-6)
    click_tile(window, 1)
    assert window.document.project.view.shown == Pin(5)
    assert window.workspace.pinned == 5
    QTest.keyClick(window, Qt.Key.Key_F3, Qt.KeyboardModifier.ShiftModifier)
    assert window.workspace.pinned == first
    saved = io.loads(io.dumps(window.document.project))
    assert saved.view == window.document.project.view

    # Unpinned, and back by Undo.
    QTest.keyClick(window, Qt.Key.Key_F3, Qt.KeyboardModifier.ControlModifier)
    assert window.document.project.view.pins == (Pin(5),)
    window.document.undo()
    assert window.document.project.view.pins == (Pin(11, "train"), Pin(5))

    # The same in a replay, where nothing is changed: each of the examples that the run followed can be shown.
    qtbot.waitUntil(lambda: len(followed(run, None)) == 2, timeout=TIMEOUT)
    readings = [one for name in run.names() if (one := run.latest(name)) is not None]
    path = tmp_path / "pinned.nnvizrun"
    copy = Run(RunInfo(io.dumps(saved), 1.7e9, "0.1", 0, "cpu", "pinned", {}))
    with RunWriter(copy, path, interval=60.0):
        copy.append(readings)
        copy.state, copy.finished = "done", True
    window.files.open(path)
    qtbot.waitUntil(lambda: window.training.state == "replay" and len(strip.examples) == 2, timeout=TIMEOUT)
    before = window.document.project
    live, card = window.canvas.stage.live, window.canvas.canvas_scene.cards["input"]
    pictures = {}
    assert window.inspector is not None
    window.inspector.show_tab("data")
    tab = window.inspector.tabs["data"]
    assert isinstance(tab, DataTab)
    why = window.docks.show_panel("why") if window.docks is not None else None
    assert isinstance(why, WhyPanel)
    asked: list[object] = []
    why.views.why._asking.ask = lambda work: asked.append(window.workspace.pinned)  # type: ignore[method-assign]
    window.feed.poll(1.0)
    for _ in range(2):
        already = len(asked)
        QTest.keyClick(window, Qt.Key.Key_F3)
        window.feed.poll(1.0)
        pin = next(one.pin for one in strip.examples if one.shown)
        # The tab says which one it is, and shows it; why the network answers so is asked about it.
        where = f"{pin.split} #{pin.index}"
        assert tab.sample_text.toolTip().startswith(where) or tab.sample_text.text().startswith(where)
        assert tab.picture.accessibleName() == "Pinned example"
        qtbot.waitUntil(lambda n=already, p=pin: (p.split, p.index) in asked[n:], timeout=TIMEOUT)  # type: ignore[misc]
        pictures[next(one.pin for one in strip.examples if one.shown)] = live.picture(card.facts)
    wanted = {Pin(index, split): data.input_of(data.number(split, index)) for split, index in (first, second)}
    assert pictures.keys() == wanted.keys()
    for pin, picture in pictures.items():
        np.testing.assert_allclose(array(picture), wanted[pin].astype(np.float32).reshape(1, 28, 28) / 255, atol=1e-6)
    assert window.document.project is before
    QApplication.processEvents()


def test_pins_that_no_project_can_have_are_refused() -> None:
    project = Project()
    for view in (
        View(0, "test"),
        View(0, "", (Pin(1, "test"),)),
        View(0, "", (Pin(-1),)),
        View(0, "", (Pin(1), Pin(1))),
        View(0, "", tuple(map(Pin, range(MOST_PINS + 1)))),
    ):
        with pytest.raises(ProjectError):
            SetView(view).apply(project)
    for broken, field in (
        ('"pinned_sample": 0, "pinned_split": "test"', "pinned_split"),
        ('"pinned_sample": 0, "pins": [{"index": 3, "split": "test"}]', "pins[0].split"),
        ('"pinned_sample": 0, "pins": [{"index": -3}]', "pins[0].index"),
    ):
        text = io.dumps(project).decode().replace('"pinned_sample": 0', broken)
        with pytest.raises(ProjectError) as refused:
            io.loads(text.encode())
        assert field in str(refused.value) or field in str(refused.value.field)
    assert b"pins" not in io.dumps(project) and b"pinned_split" not in io.dumps(project)
