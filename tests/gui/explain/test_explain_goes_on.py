"""The large page goes on below a sum and back through windows; weights are typed in it; it keeps the direction."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from nnviz.explain.at_rest import network_at_rest
from nnviz.explain.place import LOSS, Place
from nnviz.gui.explain.ink import Spot
from nnviz.gui.explain.sheet import Sheet
from nnviz.gui.explain.terms_view import number
from tests.gui.explain.explain_sheets import click, written
from tests.gui.explain.test_explain_in_window import answered, large, panel_of
from tests.gui.window_kit import TIMEOUT, OpenWindow


def card(sheet: Sheet, words: str) -> Spot:
    """One of the cards below the sum."""
    return next(spot for spot in sheet.spots if spot.zone == "then" and spot.words.startswith(words))


def press_title(sheet: Sheet, spot: Spot) -> None:
    """Where nothing else of the card lies."""
    QTest.mouseClick(
        sheet, Qt.MouseButton.LeftButton, pos=QPoint(round(spot.rect.right()) - 12, round(spot.rect.top()) + 10)
    )


def test_a_convolution_goes_on_through_its_activation_and_pool_and_back_again(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("digits-cnn")
    panel, sheet = large(qtbot, window)
    panel.explain(Place("conv1", index=(6, 12, 10)))
    answered(qtbot, panel, Place("conv1", index=(6, 12, 10)))
    taken = panel.walk.taken
    assert taken is not None
    bent, pooled = taken.onward
    assert (bent.place.node, pooled.place.node) == ("relu1", "pool1")
    assert bent.explanation.value == max(0.0, taken.explanation.value)
    assert pooled.place.index == (6, 6, 5) and pooled.output is not None and bent.output is not None
    assert pooled.explanation.value == bent.output[6, 12:14, 10:12].max()
    for node, value in (("relu1", bent.explanation.value), ("pool1", pooled.explanation.value)):
        press_title(sheet, card(sheet, f"then {node}: {number(value)}"))
        answered(qtbot, panel, Place(node))
        assert panel.walk.taken is not None and panel.walk.taken.explanation.value == value
        QTest.keyClick(sheet, Qt.Key.Key_Backspace)
        answered(qtbot, panel, Place("conv1"))

    # Back to a number of pool1: the filters of conv2 lie turned round over its gradients.
    panel.explain(Place("pool1", index=(6, 6, 5), backward=True))
    answered(qtbot, panel, Place("pool1", index=(6, 6, 5), backward=True))
    taken = panel.walk.taken
    assert taken is not None and taken.back is not None and taken.back.window is not None
    assert taken.back.window.is_turned and taken.back.total == pytest.approx(taken.explanation.value, rel=1e-4)
    cells = [spot for spot in sheet.spots if spot.zone == "window" and spot.target is not None]
    assert len(cells) == 9 and {spot.target.node for spot in cells if spot.target} == {"conv2"}
    corner = cells[0].target
    assert corner is not None and corner.backward and corner.index == (sheet.channel, 4, 3)
    assert (
        sheet.rect_of("conv2", "weight", (sheet.channel, 6, 2, 2)).center().x()
        < sheet.rect_of(  # type: ignore[union-attr]
            "conv2", "weight", (sheet.channel, 6, 0, 0)
        )
        .center()
        .x()
    )  # type: ignore[union-attr]
    # On through the pool: to its winner in relu1, whose own picture says that it is the one.
    press_title(sheet, card(sheet, "then back through pool1"))
    answered(qtbot, panel, Place("relu1", backward=True))
    winner = panel.walk.taken
    assert winner is not None and winner.back is not None and len(winner.back.readers) == 1
    assert winner.explanation.value == taken.explanation.value
    assert "It is the largest of its window" in written(sheet)
    other = next(
        spot for spot in sheet.spots if spot.zone == "back" and spot.target and spot.target.index != winner.index
    )
    click(sheet, other)
    answered(qtbot, panel, other.target)
    assert panel.walk.taken is not None and panel.walk.taken.explanation.value == 0.0
    assert "nothing of the gradient comes back" in written(sheet)


def test_a_weight_is_typed_where_it_is_drawn_and_taken_back(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    panel, sheet = large(qtbot, window)
    panel.explain(Place("conv1", index=(6, 12, 10)))
    answered(qtbot, panel, Place("conv1", index=(6, 12, 10)))
    taken = panel.walk.taken
    assert taken is not None and taken.window is not None
    before, shown = taken.explanation.value, float(taken.window.values[0, 1, 1])
    old = float(taken.window.shares[0, 1, 1])
    rect = sheet.rect_of("conv1", "weight", (6, 0, 1, 1))
    assert rect is not None
    QTest.mouseDClick(sheet, Qt.MouseButton.LeftButton, pos=rect.center().toPoint())
    field = panel.editing.field
    assert field is not None and field.isVisible() and not panel.walk.waiting
    field.line.setText("0.75")
    QTest.keyClick(field.line, Qt.Key.Key_Return)

    def is_now(value: float) -> bool:
        now = panel.walk.taken
        return now is not None and now.explanation.value == pytest.approx(value, abs=1e-5)

    qtbot.waitUntil(lambda: is_now(before + (0.75 - old) * shown), timeout=TIMEOUT)
    assert panel.walk.place is not None and panel.walk.place.node == "conv1" and len(panel.walk.trail) == 1
    sheet.setFocus()
    QTest.keyClick(sheet, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: is_now(before), timeout=TIMEOUT)
    # One click walks, once it is clear that it is one; in a number's own page the number can be typed, too.
    click(sheet, next(spot for spot in sheet.spots if spot.number == ("conv1", "weight", (6, 0, 1, 1))))
    answered(qtbot, panel, Place("conv1", "weight", (6, 0, 1, 1)))
    rect = sheet.rect_of("conv1", "weight", (6, 0, 1, 1))
    assert rect is not None
    QTest.mouseDClick(sheet, Qt.MouseButton.LeftButton, pos=rect.center().toPoint())
    field = panel.editing.field
    assert field is not None and float(field.line.text()) == pytest.approx(old)
    QTest.keyClick(field.line, Qt.Key.Key_Escape)
    assert panel.is_large


def test_it_keeps_the_example_of_the_neurons_and_the_direction_of_the_canvas(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("spiral")
    window.centre.choose(True)
    neurons = window.centre.neurons
    assert neurons is not None
    qtbot.waitUntil(lambda: neurons.numbers is not None, timeout=TIMEOUT)
    neurons.choose_example("train", 17)
    panel, sheet = large(qtbot, window)
    assert panel.walk.place is not None and panel.walk.place.node == LOSS
    assert panel.walk.taken is not None and panel.walk.taken.example is not None
    assert (panel.walk.taken.example.split, panel.walk.taken.example.index) == ("train", 17)
    assert "training example 17" in written(sheet)
    # Whole cards in the strip, of the row that is asked about, and none below the switches.
    view = window.canvas
    panel.explain(Place("linear2", index=(1,)))
    answered(qtbot, panel, Place("linear2", index=(1,)))
    qtbot.waitUntil(lambda: not view.camera.gliding, timeout=TIMEOUT)
    seen = view.camera.visible_rect()
    row = [view.canvas_scene.rect_of([node]) for node in ("linear2", "tanh2", "linear3", "output")]
    assert all(seen.contains(one) for one in row)
    QTest.keyClick(sheet, Qt.Key.Key_Escape)
    # Backward on the canvas: so it is where a number is clicked, and while it is looked at.
    assert window.docks is not None
    window.actions_by_name["backward"].trigger()
    qtbot.waitUntil(lambda: window.flow.backward, timeout=TIMEOUT)
    panel.walk.clear()
    view.select(["linear1"])
    window.docks.show_panel("explain")
    answered(qtbot, panel, Place("linear1", backward=True))
    window.actions_by_name["backward"].trigger()
    answered(qtbot, panel, Place("linear1", backward=False))
    assert panel_of(window) is panel


def test_beside_it_stands_what_the_number_changes(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    inspector = window.inspector
    assert inspector is not None
    inspector.show_tab("training")
    panel, _sheet = large(qtbot, window)
    assert inspector.tab == "explain"
    panel.explain(Place("conv1", index=(6, 12, 10)))
    answered(qtbot, panel, Place("conv1", index=(6, 12, 10)))
    column = window.regions._beside
    assert column is not None and column.isVisible()
    qtbot.waitUntil(lambda: column.found is not None and column.found.of.node == "conv1", timeout=TIMEOUT)
    found = column.found
    assert found is not None

    def by_hand(training: Any) -> tuple[dict[str, int], float, dict[tuple[int, ...], float]]:
        """A nudge to the number, and autograd, on the network at rest."""
        at_rest = network_at_rest(training.network)
        feeder = training.feeder("validation")
        seen: dict[str, torch.Tensor] = {}
        nudge = torch.zeros(1, 16, 26, 26, requires_grad=True)

        def keep(node: str) -> Any:
            return lambda _module, _given, out: seen.__setitem__(node, out)

        at_rest.module_of("conv1").register_forward_hook(lambda _module, _given, out: out + nudge)
        for node in ("relu1", "pool1", "conv2"):
            at_rest.module_of(node).register_forward_hook(keep(node))
        loss = training.loss_function(at_rest(feeder.prepare([0])), feeder.targets_of([0]))
        loss.backward()
        assert nudge.grad is not None
        slope = float(nudge.grad[0, 6, 12, 10])
        before = dict(seen)
        with torch.no_grad():
            nudge[0, 6, 12, 10] = 1e-3
            at_rest(feeder.prepare([0]))
        weights = at_rest.module_of("conv1").weight
        grads = {(6, 0, row, column): float(weights.grad[6, 0, row, column]) for row in range(3) for column in range(3)}
        return {node: int((seen[node] != before[node]).sum()) for node in before}, slope, grads

    got: list[Any] = []
    window.workspace.network.ask(by_hand, got.append, got.append)
    qtbot.waitUntil(lambda: bool(got), timeout=TIMEOUT)
    counts, slope, grads = got[0]
    assert {one.node: one.count for one in found.changed} == {
        node: count for node, count in counts.items() if node in {one.node for one in found.changed}
    }
    assert [one.node for one in found.changed][:2] == ["relu1", "pool1"]
    assert found.gradient == pytest.approx(slope, rel=1e-4, abs=1e-9) and number(found.gradient) in column.text.text()
    for _node, part, index, _value, gradient in found.weights:
        if part == "weight":
            assert gradient == pytest.approx(grads[index], rel=1e-3, abs=1e-7)
    assert len(found.weights) == 10 and found.picture is not None and column.draw.isVisible()
    # Its button leads to the input by hand; the tab is what it was.
    QTest.mouseClick(column.draw, Qt.MouseButton.LeftButton)
    assert not panel.is_large and inspector.tab == "training" and window.docks is not None
    assert window.docks.panels["own_input"].isVisible()
