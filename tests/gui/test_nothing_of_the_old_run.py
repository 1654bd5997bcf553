"""What belongs to another network is gone: no number, picture or curve of the run before is left anywhere."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow, state_is

from nnviz.gui.inspector.values_tab import ValuesTab
from nnviz.gui.panels.base import Panel
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import SetData, SetParam
from nnviz.project.model import DataConfig
from nnviz.project.samples import templates
from nnviz.record.readings import fits
from nnviz.train.workbench import State

STEPS = 40


def all_shown(window: MainWindow) -> dict[str, Panel]:
    """Every instrument that shows a run, side by side under the canvas; a landscape would be measured all the time."""
    assert window.docks is not None
    window.resize(1680, 1050)
    panels = {key: window.docks.show_panel(key) for key in window.docks.panels if key != "landscape"}
    QApplication.processEvents()
    return {key: panel for key, panel in panels.items() if panel is not None}


def trained(window: MainWindow, qtbot: QtBot) -> None:
    """Trained for a while, looked at everywhere, with the test set used and an earlier step shown."""
    all_shown(window)
    nodes = window.document.inference.order
    window.canvas.select([nodes[1]])
    window.bridge.step(STEPS)
    run = window.training.run
    assert run is not None
    qtbot.waitUntil(lambda: run.last_step >= STEPS and window.training.state == "paused", timeout=TIMEOUT)
    window.training.evaluate_test()
    qtbot.waitUntil(lambda: window.training.test_uses == 1, timeout=TIMEOUT)
    window.feed.poll(10.0)
    window.feed.set_step(STEPS - 7)
    window.feed.poll(10.0)
    assert window.training.standing.seen.step == STEPS - 7


def told(window: MainWindow) -> set[str]:
    """Every text with a number in it that stands on the window, is shown beside the mouse, or is read aloud."""
    found: set[str] = set()
    assert window.docks is not None
    # What was set there, such as rates of balls, stays for the next network.
    settings = window.docks.panels["landscape"]
    for widget in (window, *window.findChildren(QWidget)):
        if not widget.isVisibleTo(window) or settings.isAncestorOf(widget):
            continue
        found |= {widget.toolTip(), widget.accessibleName(), widget.accessibleDescription()}
        if isinstance(widget, QLabel | QLineEdit | QAbstractButton):
            found.add(widget.text())
    memory = window.timeline._memory.text()
    return {text for text in found if any(map(str.isdigit, text)) and text != memory}


def views(window: MainWindow) -> dict[str, QWidget]:
    """The parts that show a run, each to be compared as it looks."""
    assert window.docks is not None and window.inspector is not None
    return {
        "canvas": window.canvas.viewport(),
        "inspector": window.inspector,
        "track": window.timeline.track,
        "where": window.timeline._where,
    }


def image(widget: QWidget) -> QImage:
    return widget.grab().toImage()


def settle(window: MainWindow, qtbot: QtBot) -> None:
    for _ in range(3):
        QApplication.processEvents()
        window.feed.poll(10.0)
        qtbot.wait(150)
    qtbot.waitUntil(lambda: not window.background.busy, timeout=TIMEOUT)  # a landscape may be under way
    window.message.say("")
    window.notices.move(QPoint(0, 0))


def compare(old: MainWindow, fresh: MainWindow, qtbot: QtBot) -> None:
    for window in (old, fresh):
        window.centre.show_neurons(False)  # the next window opens with cards
        all_shown(window)
        settle(window, qtbot)
        # How high the instruments stand follows what was opened before them, which is another history in each window.
        assert window.docks is not None
        foot = [dock for key, dock in window.docks.docks.items() if key in ("loss", "findings")]
        window.resizeDocks(foot, [300] * len(foot), Qt.Orientation.Vertical)
        QApplication.processEvents()
        window.canvas.select([window.document.inference.order[0]])
        window.canvas.select([])
        window.canvas.setFocus()
        window.canvas.camera.fit()
        settle(window, qtbot)
    assert told(old) - told(fresh) == set()
    for name, widget in views(fresh).items():
        assert image(views(old)[name]) == image(widget), name
    assert old.docks is not None and fresh.docks is not None
    # The others show no run, but what was drawn, typed or chosen in them: that stays for the next network.
    of_runs = {key: panel for key, panel in fresh.docks.panels.items() if panel.quantities}
    pairs = [(panel, old.docks.panels[key]) for key, panel in of_runs.items()]

    def drawn() -> bool:
        """Panels wait a little with what is dear to draw."""
        for one in (old, fresh):
            one.feed.poll(10.0)
        return all(panel.to_csv() == other.to_csv() for panel, other in pairs)

    with contextlib.suppress(qtbot.TimeoutError):  # what differs is said below
        qtbot.waitUntil(drawn, timeout=TIMEOUT)
    for key, panel in of_runs.items():
        other = old.docks.panels[key]
        assert other.is_empty == panel.is_empty, key
        assert getattr(other, "node", "") == getattr(panel, "node", ""), key
        assert other.to_csv() == panel.to_csv(), key
        if not panel.is_empty:
            for one in (panel, other):
                one.body.resize(400, 220)
            QApplication.processEvents()  # bars come and go with the room
            for one in (panel, other):
                one.body.resize(400, 220)
            assert image(other.body) == image(panel.body), key


def test_a_project_that_cannot_be_trained_shows_nothing_of_the_one_before(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("digits-cnn")
    trained(window, qtbot)
    window.files.open_sample("googlenet")
    assert window.feed.run.last_step <= 0 and not window.feed.run.names()  # at once
    qtbot.waitUntil(lambda: window.training.workbench.state is State.FAILED, timeout=TIMEOUT)
    settle(window, qtbot)
    assert window.feed.run.last_step <= 0 and not window.feed.run.names() and window.feed.live
    assert not window.training.trained and window.training.test_uses == 0 and window.training.split_sizes == ()
    fresh = open_window("googlenet", ready=False)
    qtbot.waitUntil(lambda: fresh.training.workbench.state is State.FAILED, timeout=TIMEOUT)
    compare(window, fresh, qtbot)


def test_a_project_that_can_be_trained_looks_as_in_a_fresh_window(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    trained(window, qtbot)
    window.files.open_sample("xnor-two-layer")
    assert not window.feed.run.names()
    qtbot.waitUntil(state_is(window, "ready"), timeout=TIMEOUT)
    compare(window, open_window("xnor-two-layer"), qtbot)


def test_data_that_the_run_has_not_seen_take_it_away_when_it_is_begun_again(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("digits-cnn")
    trained(window, qtbot)
    run = window.feed.run
    data = DataConfig("image_folder", {"folder": "nowhere"})
    window.apply(SetData(data))
    qtbot.waitUntil(lambda: window.training.settled and window.training.differs, timeout=TIMEOUT)
    assert window.feed.run is run  # as long as one can go on with it
    window.training.reset()
    assert not window.feed.run.names()
    qtbot.waitUntil(lambda: window.training.workbench.state is State.FAILED, timeout=TIMEOUT)
    assert not window.feed.run.names() and window.training.standing.seen.step == 0


def test_cards_show_no_reading_of_another_shape_before_and_after_undo(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    trained(window, qtbot)
    scene, live = window.canvas.canvas_scene, window.canvas.stage.live

    def shown() -> dict[str, tuple[bool, bool, bool]]:
        settle(window, qtbot)
        found = {}
        for node, card in scene.cards.items():
            facts, picture = card.facts, live.picture(card.facts)
            assert picture is None or facts.shape is None or fits(picture, facts.shape), node
            found[node] = (picture is not None, live.gradient(facts) is not None, live.badge(facts) is not None)
        return found

    before = shown()
    assert all(picture for picture, _, _ in before.values())
    window.apply(SetParam("conv1", "out_channels", 8))
    after = shown()
    assert after["conv1"] == (False, False, False) and after["relu1"] == (False, False, False)
    assert after["conv2"][0], "its output is the same as before"
    window.canvas.select(["conv1"])
    settle(window, qtbot)
    assert window.inspector is not None
    layer = window.inspector.layer
    assert layer.maps.grid.data is None and layer.filters.grid.data is None
    window.inspector.show_tab("values")
    values = window.inspector.tabs["values"]
    assert isinstance(values, ValuesTab)
    rows = values.rows.values()
    assert all(row.isHidden() for row in rows)
    window.document.undo()
    assert shown() == before
    assert not all(row.isHidden() for row in rows)
    window.inspector.show_tab("layer")
    settle(window, qtbot)
    assert layer.maps.grid.data is not None and layer.filters.grid.data is not None


@pytest.mark.parametrize("name", ["digits-cnn"])
def test_a_session_that_was_opened_again_with_the_same_data_is_seen_without_a_gap(
    qtbot: QtBot, open_window: OpenWindow, name: str
) -> None:
    window = open_window(name)
    trained(window, qtbot)
    seen: list[int] = []
    window.feed.run_changed.connect(lambda run: seen.append(len(run.names())))
    project = window.document.project
    assert msgspec.structs.replace(project) == templates.sample(name)
    window.training.reset()
    qtbot.waitUntil(lambda: state_is(window, "ready")() and bool(seen), timeout=TIMEOUT)
    assert all(seen), "the run before stays until the next one has something to show"
