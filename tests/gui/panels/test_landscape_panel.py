"""The loss landscape in the real window, by clicks: its numbers, its balls, the way of a run, and no trace in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from nnviz.gui.explain.landscape_work import contour_lines
from nnviz.gui.look import theme
from nnviz.gui.panels.landscape import LandscapePanel
from nnviz.gui.window.window import MainWindow
from nnviz.project.model import Choice, DataConfig, Project, TrainConfig
from nnviz.project.samples.sketch import chain, features, linear, output
from nnviz.project.samples.templates import sample
from tests.gui.conftest import OpenWindow

WAIT = 60_000


def one_weight() -> Project:
    """y = w·x for the truth table of NOT: the loss is (1 + w²) / 2."""
    data = DataConfig("truth_table", {"function": "not"}, validation_fraction=0.0, preparation=())
    graph = chain(features(1), linear(1, bias=False), output("mse"))
    return Project("one weight", graph=graph, data=data, training=TrainConfig(Choice("sgd"), 4, 50, 0))


def opened(qtbot: QtBot, window: MainWindow, what: str = "one") -> LandscapePanel:
    """The panel, measured."""
    assert window.docks is not None
    panel = window.docks.show_panel("landscape")
    assert isinstance(panel, LandscapePanel)
    panel.set_option("what", what)
    qtbot.waitUntil(lambda: measured(panel, what), timeout=WAIT)
    return panel


def measured(panel: LandscapePanel, what: str) -> bool:
    assert not panel.work.problem
    landscape = panel.work.landscape
    return panel.work.progress is None and landscape is not None and landscape.wanted.what == what


def page_of(panel: LandscapePanel) -> Any:
    assert panel.page is not None
    return panel.page


def weights_of(qtbot: QtBot, window: MainWindow) -> tuple[int, bytes]:
    """Step and all weights of the live network."""
    got: list[Any] = []

    def question(training: Any) -> tuple[int, bytes]:
        return training.step, b"".join(one.detach().numpy().tobytes() for one in training.network.parameters())

    window.workspace.network.ask(question, got.append, got.append)
    qtbot.waitUntil(lambda: bool(got), timeout=WAIT)
    assert isinstance(got[0], tuple)
    return got[0]


def until(qtbot: QtBot, so: Callable[[], bool]) -> None:
    qtbot.waitUntil(so, timeout=WAIT)


def test_the_valley_of_one_weight_and_the_balls_in_it(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window(one_weight())
    window.resize(1500, 1000)
    panel = opened(qtbot, window)
    landscape, page = panel.work.landscape, page_of(panel)
    assert landscape is not None and landscape.step == 0 and landscape.count == 2
    (w,) = landscape.picture.axes
    assert landscape.picture.losses == pytest.approx((1 + w**2) / 2, rel=1e-5)
    near = float(w[np.abs(w - 1.01).argmin()])
    assert page.view.words_at((1.01, 0.0)) == f"linear1 weight[0, 0] {near:.2f} · loss {(1 + near**2) / 2:.2f}"
    # One ball is left, with a rate that is typed; it is put elsewhere by a click, and let go by the button.
    until(qtbot, lambda: bool(panel.work.balls) and len(panel.work.balls[0].losses) > 60)
    assert len(page.balls.rows) == 2 and page.balls.rows[0].rate.placeholderText()
    qtbot.mouseClick(page.balls.rows[1].remove, Qt.MouseButton.LeftButton)
    page.balls.rows[0].rate.setText("0.25")
    page.balls.rows[0].rate.editingFinished.emit()
    chart = page.view.chart
    spot = chart.place_on_screen(-1.5, 0.9).toPoint()
    qtbot.mouseClick(chart.viewport(), Qt.MouseButton.LeftButton, pos=chart.viewport().mapFrom(chart, spot))
    until(qtbot, lambda: len(panel.work.balls) == 1 and len(panel.work.balls[0].losses) == 61)
    (ball,) = panel.work.balls
    start = float(ball.places[0, 0])
    assert start == pytest.approx(-1.5, abs=0.02)
    # dL/dw = w, so each step leaves three quarters of the weight.
    assert ball.places[:, 0] == pytest.approx(start * 0.75 ** np.arange(61), rel=1e-4, abs=1e-6)
    for _ in range(2):
        qtbot.mouseClick(page.bar.step, Qt.MouseButton.LeftButton)
    place = start * 0.75**2
    (text,) = page.legend.texts
    assert text.startswith("SGD, rate 0.25:")
    read = [float(part.replace("−", "-")) for part in text.split()[4::2]]
    assert read == pytest.approx([(1 + place**2) / 2, place, place], rel=1e-2)
    qtbot.mouseClick(page.bar.play, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: page.bar.value > 3)
    qtbot.mouseClick(page.bar.reset, Qt.MouseButton.LeftButton)
    assert page.bar.value == 0 and not page.bar.play.isChecked()
    # Its table holds the curve and the ball.
    rows = list(panel.rows())
    assert len(rows) == 1 + len(w) + 61 and (rows[1][0], rows[0][3]) == ("linear1 weight[0, 0]", "loss")


def test_the_only_weight_is_seen_on_both_slopes_of_its_valley(qtbot: QtBot, open_window: OpenWindow) -> None:
    """Its lowest point lies at Σxy / Σx² = 2, beyond the usual range around the −1 at which it begins."""
    panel = opened(qtbot, open_window("one-weight"))
    assert panel.work.landscape is not None and panel.work.landscape.here == (-1.0,)
    picture = panel.work.landscape.picture
    (w,), losses = picture.axes, picture.losses
    assert w[losses.argmin()] == pytest.approx(2.0, abs=0.05)
    assert losses[0] > 4 * losses.min() + 1 < losses[-1] and w[0] == -3.0


def test_balls_over_one_weight_are_not_looked_for_over_two(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("xnor-two-layer")
    panel = opened(qtbot, window)
    until(qtbot, lambda: bool(panel.work.balls) and len(panel.work.balls[0].losses) > 60)
    button = next(one for one in page_of(panel).whats.findChildren(QToolButton) if one.text() == "Two weights")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: measured(panel, "two"))
    until(qtbot, lambda: bool(panel.work.balls) and panel.work.balls[0].places.shape[1] == 2)
    theme.set_theme("light")  # all that is drawn is drawn anew


def test_the_way_of_a_run_is_drawn_grows_old_and_leaves_no_trace(qtbot: QtBot, open_window: OpenWindow) -> None:
    from nnviz.explain.asked import of_project

    window = open_window("spiral")
    window.resize(1500, 1000)
    for _ in range(3):  # each pause keeps a state
        window.bridge.step(32)
        until(qtbot, lambda: not window.training.running and window.training.standing.step % 32 == 0)
    until(qtbot, lambda: window.training.standing.step == 96 and window.training.state == "paused")
    panel = opened(qtbot, window, "way")
    page = page_of(panel)
    landscape = panel.work.landscape
    assert landscape is not None and landscape.way is not None
    assert landscape.step == 96 and (landscape.way.steps[0], landscape.way.steps[-1]) == (0, 96)
    assert landscape.picture.whole and landscape.lines and 0.3 < sum(landscape.way.shares) <= 1.0 + 1e-9
    assert landscape.way.places[-1] == pytest.approx([0, 0], abs=1e-5)
    assert page.view.words_at(tuple(landscape.way.places[0])).endswith("the run at step 0")
    assert not panel.is_old and not page.has_balls
    # At rest it follows by itself; while the weights run away it only grows old.
    window.bridge.step(4)
    until(qtbot, lambda: panel.work.landscape is not None and panel.work.landscape.step == 100)
    page.whats._buttons["two"].click()
    until(qtbot, lambda: measured(panel, "two"))
    window.training.play()
    until(qtbot, lambda: window.training.standing.step > 400 and panel.is_old)
    until(qtbot, lambda: panel._shows_old)
    page.again.click()
    window.training.pause()
    until(qtbot, lambda: window.training.state == "paused")
    step, live = weights_of(qtbot, window)
    # Hidden, it holds no copy and works no more.
    assert window.docks is not None
    window.docks.docks["landscape"].hide()
    assert panel.work.progress is None and panel.work._taken is None and panel.work._ground is None
    training = of_project(sample("spiral"))
    while training.step < step:
        training.advance()
        if training.epoch_end_due:
            training.finish_epoch(None)
    assert b"".join(one.detach().numpy().tobytes() for one in training.network.parameters()) == live


def test_a_recorded_run_has_its_way_up_to_the_shown_step(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    from nnviz.cli import main

    path = tmp_path / "kept.nnvizrun"
    assert main(["train", "sample:spiral", "--epochs", "6", "--run", str(path)]) == 0
    window = open_window("digits-cnn", ready=False, run_path=path)
    until(qtbot, lambda: window.training.state == "replay")
    panel = opened(qtbot, window, "way")
    landscape = panel.work.landscape
    assert landscape is not None and landscape.way is not None
    assert landscape.step == landscape.way.steps[-1] == 192 and landscape.way.steps[0] == 0
    window.feed.set_step(0)
    until(qtbot, lambda: "no way yet" in panel.work.problem)
    assert "no way yet" in page_of(panel).message.text()
    panel.set_option("what", "random")
    until(qtbot, lambda: measured(panel, "random"))
    assert panel.work.landscape is not None and panel.work.landscape.step == 0


def test_lines_of_equal_loss_are_where_the_loss_is_equal() -> None:
    x, y = np.linspace(-1, 2, 41), np.linspace(-2, 1, 33)
    lines = contour_lines((x, y), 3.0 + (x[None, :] - 0.5) ** 2 + 2 * (y[:, None] + 0.5) ** 2)
    assert len(lines) >= 7
    for level, pieces in lines:
        ends = pieces.reshape(-1, 2)
        assert 3.0 + (ends[:, 0] - 0.5) ** 2 + 2 * (ends[:, 1] + 0.5) ** 2 == pytest.approx(level, abs=0.01)


def test_a_weight_is_chosen_by_clicking_it(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("xnor-two-layer")
    window.resize(1500, 1000)
    panel = opened(qtbot, window)
    page = page_of(panel)
    chooser = page.choosers[0]
    spot: QPointF = chooser.picture.place_of((1, 0))
    qtbot.mouseClick(chooser.picture, Qt.MouseButton.LeftButton, pos=QPoint(round(spot.x()), round(spot.y())))
    until(qtbot, lambda: panel.work.landscape is not None and panel.work.landscape.wanted.weights[0].index == (1, 0))
    until(qtbot, lambda: measured(panel, "one"))
    assert panel.work.landscape is not None and panel.work.landscape.here == (1.0,)
    assert panel.work.landscape.titles == ("linear1 weight[1, 0]",)
    window.canvas.select(["linear2"])
    until(qtbot, lambda: panel.work.landscape is not None and panel.work.landscape.wanted.weights[0].node == "linear2")
    chooser.index.setText("0, 9")
    chooser.index.editingFinished.emit()
    assert chooser.index.property("invalid") and "1 × 2" in chooser.index.toolTip()


def test_a_landscape_of_another_network_is_gone_before_its_weights_are_named(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    """The new network's weights are known before its landscape is measured: the old one has no place among them."""
    window = open_window("digits-cnn")
    panel = opened(qtbot, window)
    landscape, work = panel.work.landscape, panel.work
    assert landscape is not None and landscape.wanted.weights[0].node == "conv1"
    seen: list[tuple[str, bool]] = []

    def look() -> None:
        if work.landscape is not None and work.catalogue is not None:
            place = work.landscape.wanted.weights[0]
            seen.append((place.node, work.catalogue.has(place)))

    work.changed.connect(look)
    window.files.open_sample("spiral")
    window.centre.show_neurons(False)
    until(qtbot, lambda: measured(panel, "one") and any(node == "linear1" for node, _ in seen))
    assert all(named for _, named in seen)
