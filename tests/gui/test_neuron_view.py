"""The neuron view: what is drawn is the network, what a hand does is done to the network, and nothing else is."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from nnviz.gui.explain import neuron_painter, neuron_picture
from nnviz.gui.explain.neuron_asking import NeuronAsking
from nnviz.gui.explain.neuron_painter import line_width
from nnviz.gui.explain.neuron_picture import NeuronPicture
from nnviz.gui.explain.neuron_places import BiasPlace, LinePlace, UnitPlace, neuron_places
from nnviz.gui.explain.neuron_view import NeuronView
from nnviz.gui.look.scales import Scale
from nnviz.gui.panels.explain import ExplainPanel
from nnviz.gui.window.window import MainWindow
from nnviz.project.document import Document
from nnviz.project.graph.dense_layers import DenseLayers, dense_layers
from nnviz.project.samples import templates
from tests.gui.conftest import OpenWindow
from tests.gui.workspace_kit import workspace_of

BUTTON = Qt.MouseButton.LeftButton


def mouse(widget: QWidget, kind: QEvent.Type, point: QPointF, held: bool = False) -> None:
    moving = kind is QEvent.Type.MouseMove
    button = Qt.MouseButton.NoButton if moving else BUTTON
    buttons = BUTTON if held else Qt.MouseButton.NoButton
    where = widget.mapToGlobal(point)
    event = QMouseEvent(kind, point, where, button, buttons, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(widget, event)


def shown(qtbot: QtBot, window: MainWindow) -> NeuronView:
    """The neuron view, in front, with numbers."""
    window.action("neurons").trigger()
    view = window.centre.neurons
    assert view is not None and window.centre.neurons_shown and view.isVisible() and not window.canvas.isVisible()
    qtbot.waitUntil(lambda: view.numbers is not None, timeout=30_000)
    return view


def asked(qtbot: QtBot, window: MainWindow, question: Any) -> Any:
    got: list[Any] = []
    window.workspace.network.ask(question, got.append, got.append)
    qtbot.waitUntil(lambda: bool(got), timeout=30_000)
    return got[0]


def weights(training: Any) -> dict[str, np.ndarray[Any, Any]]:
    return {name: value.numpy().copy() for name, value in training.network.state_dict().items()}


def drawn(view: NeuronView) -> dict[str, np.ndarray[Any, Any]]:
    assert view.picture.numbers is not None
    found = {}
    for layer in view.picture.numbers.layers[1:]:
        found[f"{layer.layer.node}.weight"], found[f"{layer.layer.node}.bias"] = layer.weights, layer.biases
    return found  # type: ignore[return-value]  # all of these layers have both


def same(qtbot: QtBot, window: MainWindow, view: NeuronView) -> bool:
    real, seen = asked(qtbot, window, weights), drawn(view)
    return real.keys() == seen.keys() and all(np.array_equal(real[name], seen[name]) for name in real)


def line_point(picture: NeuronPicture, place: LinePlace) -> QPointF:
    """A point of a line at which it is the nearest."""
    places = picture.places()
    assert places is not None
    path = places.lines[place.layer - 1][place.unit][place.source]
    points = [path.pointAtPercent(share / 50) for share in range(2, 49)]
    return next(point for point in points if places.at(point) == place)


def test_what_is_drawn_is_the_network_and_a_hand_that_drags_a_line_changes_it(
    qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[str] = []
    for name in ("paint_words", "paint_below"):
        paint = getattr(neuron_picture, name)
        monkeypatch.setattr(
            neuron_picture, name, lambda *given, paint=paint, name=name: painted.append(name) or paint(*given)
        )
    window = open_window("spiral")
    view = shown(qtbot, window)
    assert same(qtbot, window, view)
    # What stands beside it follows less often while it trains, and as ever once there are cards again.
    for neurons in (False, True):
        assert window.feed.calm is not neurons
        window.centre.show_neurons(neurons)
    assert window.feed.calm
    # Words stay while the lines change.
    qtbot.waitUntil(lambda: "paint_words" in painted, timeout=10_000)
    painted.clear()
    for step in (1, 2, 3):
        assert view.numbers is not None
        view.picture.show_numbers(dataclasses.replace(view.numbers, step=step))
        view.picture.repaint()
    assert painted == 3 * ["paint_below"]
    window.bridge.step(40)
    qtbot.waitUntil(lambda: window.training.standing.step == 40 and window.training.state == "paused", timeout=30_000)
    qtbot.waitUntil(lambda: view.numbers is not None and view.numbers.step == 40, timeout=10_000)
    assert same(qtbot, window, view)
    # The maps are what the network puts out over the plane, and the gradients those of the step that comes next.
    numbers = view.numbers
    assert numbers is not None and numbers.surface is not None and numbers.surface.shape == (1, 200, 200)
    low, high, bottom, top = numbers.edges or (0, 0, 0, 0)
    x1, x2 = low + 0.5 / 200 * (high - low), top - 0.5 / 200 * (top - bottom)

    def corner(training: Any) -> tuple[float, Any]:
        import torch

        from nnviz.explain.values import values_of_next_batch

        with torch.no_grad():
            output = float(training.network(torch.tensor([[x1, x2]], dtype=torch.float32)))
        return output, values_of_next_batch(training).nodes["linear2"].parameter_gradients["weight"]

    output, gradient = asked(qtbot, window, corner)
    assert numbers.surface[0, 0, 0] == pytest.approx(output, abs=1e-5)
    assert np.array_equal(numbers.layers[2].weight_gradients, gradient)

    # Dragging up makes it larger, everything follows, and the whole drag is one change.
    place = LinePlace(2, 3, 5)
    point = line_point(view.picture, place)
    before, surface = view.picture.value_at(place), numbers.surface.copy()
    mouse(view.picture, QEvent.Type.MouseMove, point)
    assert view.picture.place == place
    mouse(view.picture, QEvent.Type.MouseButtonPress, point, held=True)
    for up in range(10, 130, 10):
        mouse(view.picture, QEvent.Type.MouseMove, point - QPointF(0, up), held=True)
        QApplication.processEvents()
    mouse(view.picture, QEvent.Type.MouseButtonRelease, point - QPointF(0, 120))
    wanted = np.float32(before + 1.2 * max(1.0, abs(before)))

    def weight_is(value: float) -> bool:
        real = asked(qtbot, window, weights)["linear2.weight"][3, 5]
        return bool(np.float32(real) == np.float32(value))

    qtbot.waitUntil(lambda: weight_is(wanted), timeout=10_000)
    qtbot.waitUntil(lambda: same(qtbot, window, view), timeout=10_000)
    qtbot.waitUntil(lambda: not np.array_equal(view.numbers.surface, surface), timeout=10_000)  # type: ignore[union-attr]
    assert any(finding.series == "finding/edited/linear2" for finding in window.training.run.findings())  # type: ignore[union-attr]
    QTest.keyClick(view.picture, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: weight_is(before), timeout=10_000)
    qtbot.waitUntil(lambda: same(qtbot, window, view), timeout=10_000)

    # A click opens the editor; Enter sets what was typed, also of a bias.
    mouse(view.picture, QEvent.Type.MouseButtonPress, point, held=True)
    mouse(view.picture, QEvent.Type.MouseButtonRelease, point)
    editor = view.picture.editor
    assert editor is not None and float(editor.line.text()) == pytest.approx(before, rel=1e-6)
    for nonsense in ("two", "1e99"):
        editor.line.setText(nonsense)
        QTest.keyClick(editor.line, Qt.Key.Key_Return)
        assert view.picture.editor is editor and editor.note.text() and weight_is(before)
    editor.line.setText("-2.5")
    QTest.keyClick(editor.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: weight_is(-2.5), timeout=10_000)
    editor = view.picture.edit(BiasPlace(1, 2))
    assert editor is not None
    editor.line.setText("0.75")
    QTest.keyClick(editor.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: asked(qtbot, window, weights)["linear1.bias"][2] == np.float32(0.75), timeout=10_000)


def test_units_are_switched_frozen_and_begun_anew_by_their_menu_and_all_of_it_is_undone(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("spiral")
    view = shown(qtbot, window)
    unit, start = UnitPlace(1, 4), asked(qtbot, window, weights)

    def do(words: str) -> None:
        action = next(action for action in view.menu.of(unit).actions() if action.text().startswith(words))
        assert action.isEnabled()
        action.trigger()

    # By keys: from unit to unit, and what the menu offers; and the pace, from the menu of the window.
    window.canvas.setFocus()
    assert view.picture.hasFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Left, *[Qt.Key.Key_Down] * 4):
        QTest.keyClick(view.picture, key)
    assert view.picture.chosen == unit
    window.action("slower").trigger()
    assert window.training.pace == 20 and view.paces.value == "20"
    window.action("faster").trigger()
    assert window.training.pace is None and view.paces.value == "full"
    do("Switch off")
    qtbot.waitUntil(lambda: view.hand.is_off(unit), timeout=10_000)
    qtbot.waitUntil(lambda: not view.numbers.layers[1].maps[4].any(), timeout=10_000)  # type: ignore[union-attr,index]
    assert view.numbers.layers[1].maps[3].any()  # type: ignore[union-attr,index]
    do("Freeze")
    qtbot.waitUntil(lambda: view.hand.is_frozen(unit), timeout=10_000)
    window.bridge.step(5)
    qtbot.waitUntil(lambda: window.training.standing.step == 5 and window.training.state == "paused", timeout=20_000)
    trained = asked(qtbot, window, weights)
    assert np.array_equal(trained["linear1.weight"][4], start["linear1.weight"][4])
    assert not np.array_equal(trained["linear1.weight"][3], start["linear1.weight"][3])
    do("Begin anew")
    qtbot.waitUntil(
        lambda: not np.array_equal(asked(qtbot, window, weights)["linear1.weight"][4], start["linear1.weight"][4]),
        timeout=10_000,
    )
    fresh = asked(qtbot, window, weights)
    for name, value in trained.items():
        rows = [row for row in range(len(value)) if not (name.startswith("linear1") and row == 4)]
        assert np.array_equal(fresh[name][rows], value[rows]), name
    for _ in range(3):
        assert view.hand.undo()
        qtbot.wait(50)
    assert not view.hand.undo()

    def undone() -> bool:
        off = asked(qtbot, window, lambda training: training.switches.any)
        now = asked(qtbot, window, weights)
        return not off and all(np.array_equal(now[name], trained[name]) for name in now)

    qtbot.waitUntil(undone, timeout=10_000)


def test_an_example_is_followed_by_a_click_on_the_plane(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    view = shown(qtbot, window)
    qtbot.waitUntil(lambda: view.plot.image is not None, timeout=10_000)
    numbers = view.numbers
    assert numbers is not None and numbers.example is None and "Click a point" in view.words.text()
    assert set(numbers.points) == {"train", "validation", "test"} and view.plot.splits == ("train", "validation")
    index = int(numbers.points["train"].indices[7])
    place = view.plot.place_of("train", index)
    assert place is not None
    mouse(view.plot, QEvent.Type.MouseButtonPress, place)
    qtbot.waitUntil(lambda: view.numbers is not None and view.numbers.example is not None, timeout=10_000)
    chosen = view.numbers.example  # type: ignore[union-attr]
    assert chosen is not None and chosen.split == "train"

    def slowly(training: Any) -> tuple[list[float], float]:
        feeder = training.feeder("train")
        outputs = training.network.forward_all(feeder.prepare([chosen.index]))
        loss = training.loss_function(outputs["output"], feeder.targets_of([chosen.index])).detach()
        return outputs["tanh1"][0].tolist(), float(loss)

    values, loss = asked(qtbot, window, slowly)
    assert view.numbers.layers[1].values.tolist() == pytest.approx(values)  # type: ignore[union-attr]
    assert view.numbers.loss == pytest.approx(loss)  # type: ignore[union-attr]
    assert "Loss of this example" in view.words.text() and "σ" in view.words.text()
    # A unit that is pointed at is written out and enlarged.
    places = view.picture.places()
    assert places is not None
    mouse(view.picture, QEvent.Type.MouseMove, places.units[1][0])
    qtbot.waitUntil(lambda: view.numbers is not None and view.numbers.enlarged == (1, 0), timeout=10_000)
    assert view.numbers.enlarged_map.shape == (200, 200)  # type: ignore[union-attr]
    assert "Tanh" in view.words.text() and view.legend.title.startswith("unit 0")

    # Keys are about the unit that is shown, not about one that was chosen before; a click beside all chooses none.
    view.picture._choose(UnitPlace(2, 3))
    mouse(view.picture, QEvent.Type.MouseMove, QPointF(1, 1))
    mouse(view.picture, QEvent.Type.MouseMove, places.units[1][0])
    QTest.keyClick(view.picture, Qt.Key.Key_O)
    qtbot.waitUntil(lambda: view.hand.is_off(UnitPlace(1, 0)), timeout=10_000)
    assert not view.hand.is_off(UnitPlace(2, 3))
    qtbot.waitUntil(lambda: "but it is switched off → 0" in view.words.text(), timeout=10_000)
    assert view.legend.title == "unit 0 of tanh1" and view.picture.chosen == UnitPlace(2, 3)
    for kind in (QEvent.Type.MouseMove, QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease):
        mouse(view.picture, kind, QPointF(1, 1))
    assert view.picture.chosen is None
    qtbot.waitUntil(lambda: view.legend.title == "Decision", timeout=10_000)


def test_the_sum_inside_a_unit_is_taken_apart_for_the_point_that_is_followed(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("spiral")
    view = shown(qtbot, window)
    view.choose_example("train", 3)
    qtbot.waitUntil(lambda: view.numbers is not None and view.numbers.layers[1].sums is not None, timeout=10_000)
    menu = view.menu.of(UnitPlace(1, 4))
    assert menu.actions()[0].text() == "unit 4 of tanh1"
    assert window.docks is not None
    panel = window.docks.panels["explain"]
    assert isinstance(panel, ExplainPanel)
    for words, node in (("Explain the sum of unit 4", "linear1"), ("Explain what unit 4 puts out", "tanh1")):
        next(action for action in menu.actions() if action.text() == words).trigger()
        qtbot.waitUntil(
            lambda node=node: panel.walk.taken is not None and panel.walk.taken.place.node == node,  # type: ignore[misc]
            timeout=10_000,
        )
        taken, numbers = panel.walk.taken, view.numbers
        assert taken is not None and numbers is not None and taken.example is not None
        assert (taken.example.split, taken.example.index, taken.index) == ("train", 3, (4,))
        layer = numbers.layers[1]
        same = layer.sums if node == "linear1" else layer.values
        assert same is not None and taken.explanation.value == pytest.approx(float(same[4]), abs=1e-6)


def test_without_the_decision_an_answer_is_the_same_but_for_it() -> None:
    """What every second answer leaves out while it trains; all else is bit for bit as with it, cell by cell."""
    import torch

    from nnviz.data.tensors import load
    from nnviz.explain.neurons import NeuronAnswers, NeuronQuestion
    from nnviz.explain.values import Example
    from nnviz.train.training import Training

    project = templates.sample("spiral")
    training, answers = Training(project, load(project.data), torch.device("cpu")), NeuronAnswers()
    whole, part = (
        answers(training, NeuronQuestion(side=50, example=Example("train", 3), enlarged=(1, 2), decision=decision))
        for decision in (True, False)
    )
    assert whole.surface is not None and whole.enlarged_map is not None
    assert part.surface is None and part.enlarged_map is None and part.edges == whole.edges
    assert part.loss == whole.loss and part.points is whole.points
    for mine, other in zip(part.layers, whole.layers, strict=True):
        for name in ("weights", "biases", "weight_gradients", "bias_gradients", "maps", "sums", "values"):
            one, two = getattr(mine, name), getattr(other, name)
            assert (one is None) == (two is None) and (one is None or np.array_equal(one, two)), name


def test_the_training_is_the_same_with_the_view_open(qtbot: QtBot, open_window: OpenWindow) -> None:
    def bits(window: MainWindow) -> dict[str, Any]:
        window.bridge.step(60)
        done = lambda: window.training.standing.step == 60 and window.training.state == "paused"  # noqa: E731 - asked often
        qtbot.waitUntil(done, timeout=60_000)
        return asked(qtbot, window, weights)  # type: ignore[no-any-return]

    alone = bits(open_window("spiral"))
    window = open_window("spiral")
    view = shown(qtbot, window)
    view.choose_example("train", 3)
    beside = bits(window)
    assert all(np.array_equal(alone[name], beside[name]) for name in alone)


def test_it_is_there_for_small_dense_networks_and_says_why_not_for_others(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("digits-cnn", ready=False)
    assert not window.action("neurons").isEnabled()
    assert "an image" in window.action("neurons").property("reason")
    window.files.open_sample("xnor-two-layer")
    qtbot.waitUntil(lambda: window.centre.neurons_shown, timeout=20_000)
    view = window.centre.neurons
    assert view is not None
    qtbot.waitUntil(lambda: view.numbers is not None, timeout=30_000)
    # The pinned row of the table goes its way at once: (1, 1) makes NOR 0, AND 1, OR 1.
    qtbot.waitUntil(lambda: view.numbers.output is not None, timeout=20_000)  # type: ignore[union-attr]
    assert [layer.values.tolist() for layer in view.numbers.layers] == [[1, 1], [0, 1], [1]]  # type: ignore[union-attr]
    assert "right" in view.words.text()
    # Cards are chosen, and that is remembered for what is opened next.
    window.centre.choose(False)
    assert window.canvas.isVisible() and not window.settings.neurons_first
    window.files.open_sample("spiral")
    qtbot.waitUntil(lambda: window.shown_document.project.name == "spiral", timeout=20_000)
    assert not window.centre.neurons_shown
    window.centre.choose(True)
    assert window.centre.neurons_shown and window.settings.neurons_first
    window.regions.show_node("linear1")
    assert window.canvas.isVisible() and window.settings.neurons_first


def test_a_recorded_run_is_shown_as_it_was_and_cannot_be_changed(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path
) -> None:
    from nnviz.cli import main

    path = tmp_path / "kept.nnvizrun"
    assert main(["train", "sample:spiral", "--epochs", "2", "--run", str(path)]) == 0
    window = open_window("digits-cnn", ready=False, run_path=path)
    qtbot.waitUntil(lambda: window.training.state == "replay", timeout=30_000)
    view = shown(qtbot, window)
    assert view.numbers is not None and view.numbers.step == window.feed.run.last_step == 64
    assert same(qtbot, window, view)
    last = view.picture.value_at(LinePlace(1, 0, 0))
    window.feed.set_step(0)
    qtbot.waitUntil(lambda: view.numbers is not None and view.numbers.step == 0, timeout=20_000)
    assert view.picture.value_at(LinePlace(1, 0, 0)) != last and same(qtbot, window, view)
    editor = view.picture.edit(LinePlace(1, 0, 0))
    assert editor is not None
    editor.line.setText("1")
    QTest.keyClick(editor.line, Qt.Key.Key_Return)
    assert "recorded run" in editor.note.text() and same(qtbot, window, view)


def test_a_picture_that_is_covered_is_looked_at_a_few_times_a_second_only(qtbot: QtBot) -> None:
    painted, parent = 7, QObject()
    asking = NeuronAsking(workspace_of(Document(templates.sample("spiral"))), lambda: painted, parent)
    asking.shown()
    waits = []
    for _ in range(60):
        asking._tick()
        waits.append(asking._timer.interval())
    assert waits[0] < 10 and waits[-1] >= 200 and sum(waits[:25]) < 500
    painted += 1  # what lay over it has gone
    asking._answered = asking._wanted()
    asking._tick()
    assert asking._timer.interval() == 30
    asking.end()
    parent.deleteLater()


def test_layers_and_places() -> None:
    def layers_of(name: str) -> DenseLayers | str:
        from nnviz.project.document import Document

        document = Document(templates.sample(name))
        shapes = {node: tuple(result.output) for node, result in document.inference.results.items()}
        return dense_layers(document.project.graph, shapes)

    found = layers_of("spiral")
    assert isinstance(found, DenseLayers) and found.sizes == "2 – 8 – 8 – 1" and found.is_plane
    assert [layer.output for layer in found.layers] == ["input", "tanh1", "tanh2", "linear3"]
    for name in ("digits-cnn", "mlp-512-dropout", "resnet18"):
        sentence = layers_of(name)
        assert isinstance(sentence, str) and sentence.endswith(".")
    project = templates.sample("spiral")
    wide = msgspec.structs.replace(project.graph.nodes["linear1"], params={"out_features": 25})
    graph = msgspec.structs.replace(project.graph, nodes={**project.graph.nodes, "linear1": wide})
    shapes = {"input": (2,), "linear1": (25,), "tanh1": (25,), "linear2": (8,), "tanh2": (8,), "linear3": (1,)}
    assert dense_layers(graph, shapes) == "The neuron view shows up to 24 units in a layer; linear1 has 25."
    places = neuron_places((2, 8, 8, 1), 0.0, 0.0, 500.0, 400.0)
    assert places.at(places.units[2][7]) == UnitPlace(2, 7) and isinstance(places.at(places.mark(2, 7)), BiasPlace)
    assert len(places.order) == 88 and places.at(QPointF(1, 1)) is None


def test_shades_and_widths_of_all_lines_at_once_are_those_of_each_and_the_maps_those_of_their_colours() -> None:
    generator = np.random.default_rng(3)
    sizes = np.abs(np.append(generator.normal(0, 1.5, 400), [0.0, 1.0, 50.0, np.nan, np.inf]))
    levels, widths = neuron_painter._levels_and_widths(sizes, 1.7)
    assert widths.tolist() == [line_width(float(size), 1.7) for size in sizes]
    assert levels.tolist() == [min(int(s / 1.7 * 48), 48) if np.isfinite(s) else -1 for s in sizes.tolist()]
    # Where every number is finite, fewer passes lead to the same colours as beside one that is not.
    values = generator.normal(0, 1, (5, 40)).astype(np.float32)
    for scale in (Scale("diverging", -0.7, 0.7), Scale("sequential", -2.0, 1.0), Scale("sequential", 0.3, 0.3)):
        assert np.array_equal(scale.paint(np.append(values, np.nan))[:-1], scale.paint(values).ravel())
