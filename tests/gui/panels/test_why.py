"""Why an answer and what a unit wants, in a real window: what stands on the screen is what the network computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from nnviz.explain.methods import METHODS
from nnviz.gui.explain.example_pictures import example_pixels, laid_over
from nnviz.gui.explain.why_picture import WhyPicture, map_scale
from nnviz.gui.look import theme as themes
from nnviz.gui.panels.why import WhyPanel
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import SetView
from nnviz.project.model import Project, View
from nnviz.record.age import Moment
from tests.gui.conftest import OpenWindow

LONG = 60_000


def opened(window: MainWindow, qtbot: QtBot) -> WhyPanel:
    """The panel, as the menu opens it, in front and large."""
    assert window.docks is not None
    dock = window.docks.docks["why"]
    dock.toggleViewAction().trigger()
    panel = window.docks.panels["why"]
    assert isinstance(panel, WhyPanel)
    qtbot.waitUntil(panel.isVisible, timeout=LONG)
    return panel


def answered(panel: WhyPanel, qtbot: QtBot, method: str, step: int | None = None) -> Any:
    """The answer by a method, when it is there."""

    def there() -> bool:
        found = panel.views.why.answer
        fits = found is not None and found.question.method == method and step in {None, found.step}
        return fits and not panel.views.why.busy

    qtbot.waitUntil(there, timeout=LONG)
    return panel.views.why.answer


def pick(box: QComboBox, value: object) -> None:
    """With the keyboard, as a person who opens the box."""
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Home)
    for _ in range(box.findData(value)):
        QTest.keyClick(box, Qt.Key.Key_Down)
    assert box.currentData() == value
    box.activated.emit(box.currentIndex())


def asked(qtbot: QtBot, window: MainWindow, question: Any) -> Any:
    got: list[Any] = []
    window.workspace.network.ask(question, got.append, got.append)
    qtbot.waitUntil(lambda: bool(got), timeout=LONG)
    return got[0]


def steps(window: MainWindow, qtbot: QtBot, count: int) -> None:
    target = window.training.standing.step + count
    window.training.bridge.step(count)
    qtbot.waitUntil(lambda: window.training.state == "paused" and window.training.standing.step == target, timeout=LONG)


def weights(training: Any) -> bytes:
    return b"".join(one.detach().numpy().tobytes() for one in training.network.parameters())


def output_of(index: int) -> Any:
    def question(training: Any) -> Any:
        import torch

        inputs = training.feeder("validation").prepare([index])
        training.network.eval()
        with torch.no_grad():
            found = training.network(inputs)[0].numpy().copy()
        training.network.train()
        return found

    return question


def test_reasons_of_an_answer_follow_method_class_example_and_training(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    steps(window, qtbot, 8)
    before = asked(qtbot, window, weights)
    panel = opened(window, qtbot)
    outputs = asked(qtbot, window, output_of(0))
    heights = {panel.minimumSizeHint().height()}
    for method in METHODS:
        pick(panel.views.why.method_box, method.key)
        found = answered(panel, qtbot, method.key)
        np.testing.assert_allclose(found.outputs, outputs, atol=1e-5)
        assert found.answer == int(outputs.argmax()) == found.target
        picture = panel.views.why.picture
        assert picture.scores()[0] == themes.format_number(float(outputs.max()))
        shown = picture.lines()
        assert f"“{found.answer}”" in shown[0] and picture.scores()[0] in shown[1] and picture.scores()[1] in shown[1]
        assert method.formula in shown[2] and shown[3] == method.meaning and picture.step_words() == "step 8"
        # Controls that come and go move no dock.
        heights.add(panel.minimumSizeHint().height())
        assert panel.views.why.layer_box.isVisible() is (method.key == "grad_cam")
        assert panel.views.why.patch_box.isVisible() is (method.key == "occlusion")
    assert len(heights) == 1
    assert WhyPicture._longest(("Integrated gradients", "the map", "map"), 80) == "the map"
    # Another class, a unit of the selected layer, another example.
    pick(panel.views.why.target_box, 3)
    qtbot.waitUntil(lambda: panel.views.why.answer.target == 3 and not panel.views.why.busy, timeout=LONG)
    assert panel.views.why.picture.scores()[0] == themes.format_number(float(outputs[3]))
    window.canvas.select(["conv1"])
    pick(panel.views.why.target_box, "unit")
    panel.views.why.unit_box.setValue(5)
    qtbot.waitUntil(
        lambda: panel.views.why.answer.goal.node == "conv1" and panel.views.why.answer.goal.unit == 5, timeout=LONG
    )
    assert "conv1, channel 5" in panel.views.why.picture.lines()[1]
    window.document.apply(SetView(View(7)))
    qtbot.waitUntil(lambda: panel.views.why.answer.question.index == 7 and not panel.views.why.busy, timeout=LONG)
    assert asked(qtbot, window, weights) == before
    # Other weights: asked again by itself.
    steps(window, qtbot, 1)
    qtbot.waitUntil(lambda: panel.views.why.answer.step == 9 and not panel.views.why.busy, timeout=LONG)
    table = panel.to_csv().splitlines()
    assert "step,,,9" in table and sum(row.startswith("map,") for row in table) == 28 * 28


def test_what_a_unit_wants_is_found_at_a_press_and_can_be_cancelled(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    panel = opened(window, qtbot)
    QTest.mouseClick(panel.switch.findChildren(type(panel.switch._buttons["unit"]))[1], Qt.MouseButton.LeftButton)
    window.canvas.select(["conv2"])
    view = panel.views.unit
    qtbot.waitUntil(view.hint.isVisible, timeout=LONG)
    assert view.node == "conv2" and "Find out" in view.hint.text()
    view.unit_box.setValue(3)
    QTest.mouseClick(view.go, Qt.MouseButton.LeftButton)
    assert view.cancel.isVisible()
    QTest.mouseClick(view.cancel, Qt.MouseButton.LeftButton)
    assert not view.busy and view.go.isVisible() and view.picture.top is None
    QTest.mouseClick(view.go, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not view.busy and view.picture.top is not None, timeout=LONG)

    def one_by_one(training: Any) -> list[tuple[float, int]]:
        import torch

        feeder, network = training.feeder("validation"), training.network
        found = []
        with torch.no_grad():
            for index in range(len(training.data.validation)):
                value = feeder.prepare([index])
                for node in ("conv1", "relu1", "pool1", "conv2"):
                    value = network.module_of(node)(value)
                found.append((float(value[0, 3].max()), -index))
        return sorted(found, reverse=True)[:9]

    expected = asked(qtbot, window, one_by_one)
    top = view.picture.top
    assert [one.index for one in top.examples] == [-index for _, index in expected]
    assert view.picture.captions()[0].endswith(themes.format_number(expected[0][0]))
    assert view.picture.wish.value > expected[0][0]
    # The next unit without another press.
    view.unit_box.setValue(4)
    qtbot.waitUntil(lambda: not view.busy and "channel 4" in view.picture.unit_words, timeout=LONG)
    assert not panel.grab().isNull()


def test_hidden_it_asks_nothing_and_keeps_nothing(
    qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("spiral")
    panel = opened(window, qtbot)
    answered(panel, qtbot, "saliency", 0)
    assert panel.views.kept.network is not None
    window.docks.docks["why"].close()  # type: ignore[union-attr]
    assert panel.views.kept.network is None
    asks: list[object] = []
    monkeypatch.setattr(window.workspace.network, "ask", lambda *question: asks.append(question))
    steps(window, qtbot, 3)
    window.document.apply(SetView(View(2)))
    qtbot.wait(300)
    assert asks == [] and not panel.views.why.busy
    assert panel.views.why.picture.bars()[0][0] in {"x1", "x2"}


def test_a_replayed_run_answers_at_its_steps_and_old_answers_are_marked(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path
) -> None:
    from nnviz.cli import main

    path = tmp_path / "kept.nnvizrun"
    assert main(["train", "sample:spiral", "--epochs", "3", "--run", str(path)]) == 0
    window = open_window("digits-cnn", ready=False, run_path=path)
    qtbot.waitUntil(lambda: window.training.state == "replay", timeout=LONG)
    panel = opened(window, qtbot)
    last = answered(panel, qtbot, "saliency", window.feed.run.last_step)
    panel.turn("unit")
    panel.views.unit.go.click()
    qtbot.waitUntil(lambda: not panel.views.unit.busy and panel.views.unit.picture.top is not None, timeout=LONG)
    assert panel.readings_shown()[0].step == last.step
    window.replay.back()
    qtbot.waitUntil(lambda: window.training.state == "ready", timeout=LONG)
    qtbot.waitUntil(lambda: panel.views.unit.picture.top is None, timeout=LONG)
    window.files.open(path)
    qtbot.waitUntil(lambda: window.training.state == "replay", timeout=LONG)
    panel.turn("answer")
    answered(panel, qtbot, "saliency", last.step)
    window.feed.set_step(0)
    first = answered(panel, qtbot, "saliency", 0)
    assert first.score != last.score and panel.views.why.picture.step_words() == "step 0"
    assert not any(one.old for one in panel.readings_shown())
    fresh = panel.views.why.picture.grab().toImage()
    panel.views.why.set_moment(Moment(500))
    shown = panel.readings_shown()
    assert all(one.old and one.step == 0 for one in shown) and {one.text for one in shown} >= {"step 0"}
    assert panel.views.why.picture.grab().toImage() != fresh


def test_there_is_a_sentence_where_there_is_no_answer_and_long_work_waits_for_a_press(
    qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(Project(), ready=False)
    panel = opened(window, qtbot)
    qtbot.waitUntil(lambda: bool(panel.views.why.failure), timeout=LONG)
    assert panel.is_empty and panel.hint == panel.views.why.failure and panel.hint.endswith(".")
    monkeypatch.setattr("nnviz.gui.explain.why_view._BY_ITSELF", 0)
    window = open_window("spiral")
    panel = opened(window, qtbot)
    qtbot.waitUntil(panel.views.why.go.isVisible, timeout=LONG)
    assert panel.views.why.answer is None and not panel.is_empty
    QTest.mouseClick(panel.views.why.go, Qt.MouseButton.LeftButton)
    answered(panel, qtbot, "saliency")
    assert not panel.views.why.go.isVisible()


def test_an_own_input_takes_the_place_of_the_pinned_example(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    panel = opened(window, qtbot)
    answered(panel, qtbot, "saliency", 0)
    drawn = np.zeros((1, 28, 28), np.float32)
    drawn[0, 12:15, 4:24] = 255

    def question(training: Any) -> Any:
        from nnviz.explain.own_input import answer_to

        return answer_to(training, drawn)

    own = asked(qtbot, window, question)
    window.feed.set_instead(own.readings)
    qtbot.waitUntil(lambda: panel.views.why.answer.question.own is not None and not panel.views.why.busy, timeout=LONG)
    found = panel.views.why.answer
    assert np.array_equal(found.example > 0, drawn > 0) and found.right == ""
    np.testing.assert_allclose(found.outputs.reshape(-1), own.output, atol=1e-5)
    assert panel.views.why.picture.is_right() is None and panel.views.why.picture.lines()[0].endswith("%.")
    window.feed.set_instead(())
    qtbot.waitUntil(lambda: panel.views.why.answer.question.own is None and not panel.views.why.busy, timeout=LONG)


def test_training_goes_bit_for_bit_as_without_it(qtbot: QtBot, open_window: OpenWindow) -> None:
    import torch

    from nnviz.data.tensors import load
    from nnviz.train.training import Training

    window = open_window("spiral")
    panel = opened(window, qtbot)
    for number, method in enumerate(METHODS):
        panel.views.why.choose(method.key)
        panel.turn("unit" if number % 2 else "answer")
        panel.views.unit.go.click()
        steps(window, qtbot, 5)
    alone = Training(window.document.project, load(window.document.project.data), torch.device("cpu"))
    for _ in range(5 * len(METHODS)):
        alone.advance()
    assert asked(qtbot, window, weights) == weights(alone)


@pytest.mark.parametrize("name", ["dark", "light"])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_map_is_painted_in_the_colours_of_its_legend(styled: object, name: str, channels: int) -> None:
    themes.set_theme(name)
    random = np.random.default_rng(0)
    example = random.random((channels, 5, 4), dtype=np.float32)
    for method in METHODS[:2]:
        numbers = random.standard_normal((5, 4)).astype(np.float32)
        numbers = numbers if method.signed else abs(numbers)
        scale = map_scale(method, numbers)
        painted = scale.paint(numbers)
        assert np.array_equal(laid_over(example, painted, 1.0), painted)
        assert np.array_equal(laid_over(example, painted, 0.0), example_pixels(example))
        assert (scale.low == -scale.high) if method.signed else scale.low == 0


def test_pointing_at_a_pixel_says_its_numbers(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    panel = opened(window, qtbot)
    found = answered(panel, qtbot, "saliency")
    picture = panel.views.why.picture
    picture.grab()
    place = picture._places[1]
    row, column = 14, 9
    across, down = place.width() / 28, place.height() / 28
    point = QPointF(place.left() + (column + 0.5) * across, place.top() + (row + 0.5) * down)
    words = picture.number_at(point)
    assert words.startswith("row 14, column 9: pixel ")
    assert themes.format_number(float(found.map[row, column])) in words
