"""Backward on the canvas, and one step in five sub-steps, by clicks in the real window."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from test_shown_network import asked
from window_hands import Person, pixels
from window_kit import OpenWindow, button

from nnviz.explain.explanation import Explanation, Factor, Term
from nnviz.explain.text import number
from nnviz.gui.canvas.cards.describe import tooltip
from nnviz.gui.canvas.cards.lens import Lens, Shows
from nnviz.gui.canvas.following import REFRESH
from nnviz.gui.canvas.geometry import FAR_ZOOM
from nnviz.gui.explain.written_update import WrittenUpdate
from nnviz.gui.look.theme import format_number
from nnviz.gui.window.window import MainWindow
from nnviz.project.model import Edge, Node, PortRef, Project
from nnviz.project.samples.templates import sample
from nnviz.train.checkpoint import to_blobs
from nnviz.train.sub_steps import SubStep


def with_a_skip() -> Project:
    """The spiral's network, in which the first layer's values are used twice."""
    project = sample("spiral")
    graph = project.graph
    nodes = {**graph.nodes, "sum": Node("sum", "add", {}, x=900.0, y=600.0)}
    edges = [edge for edge in graph.edges if edge.target.node != "linear3"]
    edges += [Edge(PortRef(*ends[0]), PortRef(*ends[1])) for ends in (
        (("tanh2", 0), ("sum", 0)), (("tanh1", 0), ("sum", 1)), (("sum", 0), ("linear3", 0)),
    )]  # fmt: skip
    return msgspec.structs.replace(project, graph=msgspec.structs.replace(graph, nodes=nodes, edges=tuple(edges)))


def gradients(training: Any) -> dict[str, Any]:
    """Another way to the same: hooks on a copy, and autograd."""
    import torch

    from nnviz.explain.at_rest import network_at_rest

    at_rest = network_at_rest(training.network)
    outputs: dict[str, Any] = {}
    inputs: dict[tuple[str, int], Any] = {}

    def hook(node: str) -> Any:
        def look(_module: Any, taken: tuple[Any, ...], given: Any) -> Any:
            outputs[node] = given = given.clone()
            given.retain_grad()
            return given

        return look

    def before(node: str) -> Any:
        def look(_module: Any, taken: tuple[Any, ...]) -> Any:
            own = tuple(one.clone() for one in taken)
            for port, one in enumerate(own):
                if one.requires_grad:
                    one.retain_grad()
                    inputs[node, port] = one
            return own

        return look

    for node in training.network.node_ids:
        at_rest.module_of(node).register_forward_pre_hook(before(node))
        at_rest.module_of(node).register_forward_hook(hook(node))
    feeder = training.feeder("validation")
    with torch.enable_grad():
        result = at_rest(feeder.prepare([0]).requires_grad_())
        loss = training.loss_function(result, feeder.targets_of([0]))
        loss.backward()
    return {
        "loss": loss.item(),
        "step": training.step,
        "outputs": {node: one.grad[0].numpy() for node, one in outputs.items() if one.grad is not None},
        "inputs": {place: float(one.grad.double().norm()) for place, one in inputs.items() if one.grad is not None},
    }


def lens(window: MainWindow) -> Lens:
    found = window.canvas.desk.stage.lens
    assert found is not None
    return found


def canvas_picture(window: MainWindow) -> Any:
    QApplication.processEvents()
    return pixels(window.canvas.viewport().grab().toImage())


def settled(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not window.canvas.camera.gliding, timeout=20_000)
    qtbot.waitUntil(lambda: window.bridge.position is not None and not window.bridge.position.activity, timeout=60_000)
    window.feed.refresh()
    qtbot.wait(3 * REFRESH)  # cards show new values a moment later


def test_backward_by_clicks_shows_every_gradient_and_leaves_no_trace(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window(with_a_skip())
    person, flow, scene = Person(window, qtbot), window.flow, window.canvas.canvas_scene
    settled(window, qtbot)
    before = canvas_picture(window)
    for step in range(2):
        if not step:
            person.click(flow.bar.backward)
            assert flow.backward and flow.band.isVisible() and "∂loss" in flow.band.title
        else:
            person.click(button(window, "Step"))
        person.until(lambda: f"at step {step}." in flow.band.words)  # noqa: B023 - called at once
        true = asked(qtbot, window, gradients)
        assert true["step"] == step and f"Loss {format_number(true['loss'])} of validation example 0" in flow.band.words
        shown = lens(window)
        assert (
            shown.backward
            and shown.pictures.keys() == true["outputs"].keys() == window.document.project.graph.nodes.keys()
        )
        for node, gradient in true["outputs"].items():
            assert shown.pictures[node].values == pytest.approx(gradient, rel=1e-4, abs=1e-8), node
            assert shown.pictures[node].shows is Shows.SIGNS
        for edge, wire in scene.wires.items():
            strength = true["inputs"][edge.target.node, edge.target.port]
            assert wire.flow is not None and format_number(strength) in wire.flow.sentence, edge
            place = wire.curve.pointAtPercent(0.5)
            if scene.wire_at(place) is wire:
                assert format_number(strength) in tooltip(scene, window.canvas.desk.stage, place)
        wide = sorted(scene.wires.items(), key=lambda item: shown.wires[item[0]])
        widths = [wire.pen().widthF() for _, wire in wide]
        assert widths == sorted(widths) and widths[-1] > widths[0] > 1
        if not step:
            person.click(flow.bar.forward)
            assert not flow.backward and not flow.band.isVisible() and window.canvas.desk.stage.lens is None
            settled(window, qtbot)
            assert np.array_equal(canvas_picture(window), before)
            person.click(flow.bar.backward)
            person.until(lambda: bool(lens(window).pictures))
    # A value used twice: what flows back along both wires is its gradient.
    of_wires = [true["inputs"]["linear2", 0], true["inputs"]["sum", 1]]
    assert len({format_number(one) for one in of_wires}) == 2
    person.keys(Qt.Key.Key_F9)
    assert not flow.backward and window.canvas.desk.stage.lens is None
    person.keys(Qt.Key.Key_F9)
    person.until(lambda: bool(lens(window).pictures))
    window.training.play()
    person.until(lambda: "at step 1." not in flow.band.words and bool(lens(window).pictures))
    window.training.pause()


def test_five_clicks_make_one_step_and_write_an_update_out(qtbot: QtBot, open_window: OpenWindow) -> None:
    other = open_window("spiral")
    other.training.step()
    qtbot.waitUntil(lambda: other.training.state == "paused" and other.training.standing.step == 1, timeout=30_000)
    expected = asked(qtbot, other)
    window = open_window("spiral")
    person, flow = Person(window, qtbot), window.flow
    untouched = asked(qtbot, window)
    for part in SubStep:
        person.until(lambda: flow._asked is None)
        person.click(flow.bar.sub_step)
        person.until(lambda: flow.part is part)  # noqa: B023 - called at once
        assert flow.band.title == part.value
        if part is not SubStep.UPDATE:
            assert asked(qtbot, window) == untouched
        if part is SubStep.BATCH:
            assert lens(window).pictures["input"].values.shape == (10, 2)
        if part is SubStep.LOSS:
            picture = lens(window).pictures["output"]
            assert picture.shows is Shows.LOSSES and len(picture.values) == 10
            mean = picture.mean
            assert format_number(mean) in flow.band.words
    person.until(lambda: flow.update.isVisible() and "→" in flow.update.words)
    assert asked(qtbot, window) == expected
    measured = window.feed.run.latest("loss/train")
    assert measured is not None and measured.step == 1 and mean == measured.value  # type: ignore[union-attr]
    # The new weight that is written is what the network has: of the one that moved most, and of one that is clicked.
    added = flow._added["linear1"]["weight"]
    assert flow.update.shown[:2] == ("linear1", "weight") and abs(added[flow.update.shown[2]]) == abs(added).max()
    person.click(flow.update.weights, flow.update.weights.place_of((3, 1)).center().toPoint())
    person.until(lambda: flow.update.shown[2] == (3, 1) and "→" in flow.update.words)

    def weight(training: Any) -> float:
        return float(training.network.module_of("linear1").weight.detach()[3, 1])

    assert f"→ {number(asked(qtbot, window, weight))}" in flow.update.words
    assert "√v̂" in flow.update.words and "m before" in flow.update.words  # Adam's rule, with its state
    window.canvas.select(["linear3"])
    person.until(lambda: flow.update.shown[0] == "linear3" and "→" in flow.update.words)
    person.click(flow.bar.sub_step)
    person.until(lambda: flow.part is SubStep.BATCH)
    said: list[str] = []
    window.message.said.connect(said.append)
    person.click(button(window, "Step"))  # in the middle of them: the step is made whole
    person.until(lambda: flow.part is None)
    assert window.canvas.desk.stage.lens is None and any("forgotten" in text for text in said)
    window.training.play()
    person.until(lambda: window.training.state == "running")
    person.until(lambda: not flow.bar.sub_step.isEnabled())
    assert flow.bar.sub_step.toolTip().startswith("Pause first")


def test_nothing_lies_over_what_is_said_and_a_strip_shows_cards_only(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    person, flow, canvas = Person(window, qtbot), window.flow, window.canvas
    window.resize(1280, 720)
    canvas.camera.set_zoom(0.2)  # no card in any corner: the map stays in the one in which it is
    canvas.minimap.set_mode("always")
    for canvas.minimap._corner in range(4):
        canvas.minimap._choose_corner()
        flow.sub_step_to(SubStep.BATCH)
        person.until(lambda: flow.part is SubStep.BATCH)
        assert flow.band.isVisible() and not flow.band.geometry().intersects(canvas.minimap.geometry())
        flow.leave()
    window.action("sub_steps").trigger()
    person.until(lambda: flow.update.isVisible() and "→" in flow.update.words)
    window.action("explain_large").trigger()
    person.until(lambda: window.docks is not None and window.docks.is_explained_large and canvas.height() < 200)
    assert not flow.update.isVisible() and not flow.band.isVisible()
    window.action("explain_large").trigger()
    person.until(lambda: flow.update.isVisible() and flow.band.isVisible())


def everything(window: MainWindow) -> dict[str, bytes]:
    """All that decides how the training goes on: weights, the optimizer's state, random numbers, the order of data."""
    assert window.bridge.session is not None
    return to_blobs(window.bridge.session.capture().result(20))


def test_a_part_that_is_clicked_is_shown_and_those_before_it_are_done(qtbot: QtBot, open_window: OpenWindow) -> None:
    other = open_window("spiral")
    states = [everything(other)]
    for step in (1, 2):
        other.training.step()
        qtbot.waitUntil(lambda: other.training.standing.step == step, timeout=30_000)  # noqa: B023 - called at once
        states.append(everything(other))
    window = open_window("spiral")
    person, flow = Person(window, qtbot), window.flow

    def to(part: SubStep) -> None:
        person.until(lambda: flow._asked is None and flow.band.parts[part].isEnabled())
        person.click(flow.band.parts[part])
        person.until(lambda: flow._asked is None and flow.part is part and flow.band.title == part.value)
        assert [one for one, button in flow.band.parts.items() if button.isChecked()] == [part]
        # Nothing moves under the mouse, neither at once nor when all is laid out.
        places.add(tuple(person.place(button).x() for button in flow.band.parts.values()))
        QApplication.processEvents()
        places.add(tuple(person.place(button).x() for button in flow.band.parts.values()))

    places: set[tuple[int, ...]] = set()
    person.until(flow.bar.sub_step.isEnabled)
    person.click(flow.bar.sub_step)
    person.until(lambda: flow.part is SubStep.BATCH)
    # Forth, and back: until the update nothing has changed, however often it is looked at.
    for part in (SubStep.BACKWARD, SubStep.LOSS, SubStep.LOSS, SubStep.FORWARD):
        to(part)
        assert everything(window) == states[0]
    to(SubStep.UPDATE)  # two clicks after the first: the loss and the gradients between are done on the way
    person.until(lambda: flow.update.isVisible() and "→" in flow.update.words)
    assert everything(window) == states[1]
    person.click(flow.band.parts[SubStep.UPDATE])  # the second half of a double click: it is one step
    assert flow._asked is None and flow.part is SubStep.UPDATE and everything(window) == states[1]
    to(SubStep.LOSS)  # of the next step
    assert everything(window) == states[1]
    person.until(lambda: flow._asked is None and window.action("sub_steps").isEnabled())
    person.keys(Qt.Key.Key_F7, Qt.KeyboardModifier.ShiftModifier)
    person.until(lambda: flow.part is SubStep.UPDATE and flow._made)
    assert everything(window) == states[2]
    assert len(places) == 1
    # So it is in a lecture.
    window.looks.set_lecture(True)
    page = window.lecture.page
    assert page is not None
    qtbot.waitUntil(lambda: not page.band.place_of("forward").isEmpty(), timeout=30_000)
    person.until(lambda: flow._asked is None and window.action("sub_step").isEnabled())
    person.click(page.band, page.band.place_of("forward").center().toPoint())
    person.until(lambda: flow.part is SubStep.FORWARD and page.band.looking.part == "forward")
    assert everything(window) == states[2]


def test_backward_brings_the_cards_before_the_neurons_and_goes_when_they_come_back(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("spiral")
    window.centre.choose(True)
    assert window.centre.neurons_shown
    Person(window, qtbot).keys(Qt.Key.Key_F9)
    assert window.flow.backward and not window.centre.neurons_shown
    qtbot.waitUntil(lambda: bool(lens(window).pictures), timeout=30_000)
    assert not window.flow.bar.geometry().intersects(window.centre._switch.geometry())
    window.centre.choose(True)
    assert not window.flow.backward and window.canvas.desk.stage.lens is None
    # By Esc: first nothing is selected any more, then nothing but what flows forwards is shown.
    window.action("backward").trigger()
    window.canvas.select(["linear1"])
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert window.flow.backward and not window.canvas.selected
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert not window.flow.backward


def test_a_recorded_run_shows_the_gradients_of_its_steps(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    from nnviz.cli import main

    path = tmp_path / "kept.nnvizrun"
    assert main(["train", "sample:spiral", "--epochs", "2", "--run", str(path)]) == 0
    window = open_window("and", ready=False, run_path=path)
    qtbot.waitUntil(lambda: window.training.state == "replay", timeout=30_000)
    person, flow = Person(window, qtbot), window.flow
    person.click(flow.bar.backward)
    last = window.feed.run.last_step
    person.until(lambda: f"at step {last}." in flow.band.words)
    at_last = lens(window).wires
    window.feed.set_step(0)
    person.until(lambda: "at step 0." in flow.band.words)
    assert lens(window).wires.keys() == at_last.keys() and dict(lens(window).wires) != dict(at_last)
    assert not flow.bar.sub_step.isEnabled()


def test_widths_are_logarithmic_and_what_is_no_number_is_none() -> None:
    edges = [Edge(PortRef(f"n{at}"), PortRef(f"n{at + 1}")) for at in range(5)]
    found = Lens(wires=dict(zip(edges, [1.0, 0.1, 0.01, 0.0, math.nan], strict=True)))
    flows = [found.flow([edge]) for edge in edges]
    assert all(flow is not None for flow in flows)
    first, second, third, nothing, unknown = (flow for flow in flows if flow is not None)
    assert first.width - second.width == pytest.approx(second.width - third.width)
    assert nothing.is_nothing and nothing.width < third.width and not unknown.is_number
    both = found.flow(edges[:2])
    assert both is not None and format_number(math.hypot(1.0, 0.1)) in both.sentence and "2 wires" in both.sentence
    assert found.flow([Edge(PortRef("a"), PortRef("b"))]) is None


def test_a_written_update_begins_with_the_weight_before_also_where_that_was_nothing(styled: QApplication) -> None:
    before, added = Factor("a", "weight", (0,), 0.0, "w"), Factor("a", "computed", (), 0.25, "−η·g")
    terms = (Term((before,), "the weight before"), Term((added,), "the gradient"))
    parent = QWidget()
    view = WrittenUpdate(parent)
    view.show_update(Explanation("a", (0,), 0.25, terms, "weight", "update", 0, "w′ = w − η · g"), 0.25)
    assert "w′ = w − η · g = 0 + 0.25 = 0.25" in view.words


def test_on_a_low_canvas_the_band_is_one_row_so_that_gradients_are_seen(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    window.resize(1280, 720)
    window.training.bridge.step(1)
    qtbot.waitUntil(lambda: window.training.standing.step == 1, timeout=20_000)
    window.action("backward").trigger()
    settled(window, qtbot)
    band = window.flow.band
    qtbot.waitUntil(lambda: window.canvas.camera.zoom >= FAR_ZOOM, timeout=20_000)
    window.resize(1280, 650)
    qtbot.waitUntil(lambda: not band._words.isVisible() and band.toolTip() != "", timeout=20_000)
    assert band.height() < 2 * window.flow.bar.height()
    window.resize(1280, 1000)
    qtbot.waitUntil(band._words.isVisible, timeout=20_000)
