"""The panel Explain in the window: walks by clicks alone, numbers clicked anywhere, a training that notices nothing."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from nnviz.explain.place import LOSS, Place
from nnviz.gui.canvas.cards.card_pictures import shown_tiles
from nnviz.gui.canvas.cards.card_places import card_places
from nnviz.gui.explain.ink import Spot
from nnviz.gui.explain.sheet import Sheet
from nnviz.gui.explain.terms_view import number
from nnviz.gui.panels.explain import ExplainPanel
from nnviz.gui.panels.feature_maps import FeatureMapsPanel
from nnviz.gui.panels.filters import FiltersPanel
from nnviz.gui.window.window import MainWindow
from nnviz.project.model import Project
from nnviz.project.samples.templates import sample
from tests.gui.explain.explain_sheets import click, written
from tests.gui.window_kit import TIMEOUT, OpenWindow


def panel_of(window: MainWindow) -> ExplainPanel:
    assert window.docks is not None
    panel = window.docks.panels["explain"]
    assert isinstance(panel, ExplainPanel)
    return panel


def answered(qtbot: QtBot, panel: ExplainPanel, place: Place | None = None) -> None:
    """Wait for the answer to what was asked last."""

    def done() -> bool:
        taken = panel.walk.taken
        if panel.walk.failure:
            raise AssertionError(panel.walk.failure)
        if taken is None or panel.walk.waiting:
            return False
        if place is None:
            return True
        same = (taken.place.node, taken.place.part, taken.place.backward) == (place.node, place.part, place.backward)
        return same and place.index in (None, taken.index)

    qtbot.waitUntil(done, timeout=TIMEOUT)


def large(qtbot: QtBot, window: MainWindow) -> tuple[ExplainPanel, Sheet]:
    """Open it over the canvas, as F8 does."""
    panel = panel_of(window)
    window.actions_by_name["explain_large"].trigger()
    qtbot.waitUntil(lambda: panel.is_large, timeout=TIMEOUT)
    assert panel.page is not None
    answered(qtbot, panel)
    return panel, panel.page.sheet


def pictures(folder: Path) -> Project:
    """resnet18 with its random weights, for small pictures of two kinds that are made here."""
    generator = np.random.default_rng(0)
    for kind in ("cat", "dog"):
        (folder / kind).mkdir()
        for count in range(4):
            pixels = generator.integers(0, 255, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / kind / f"{count}.png")
    project = sample("resnet18")
    nodes = dict(project.graph.nodes)
    nodes["input"] = msgspec.structs.replace(nodes["input"], params={"shape": (3, 32, 32)})
    nodes["linear1"] = msgspec.structs.replace(nodes["linear1"], params={"out_features": 2})
    graph = msgspec.structs.replace(project.graph, nodes=nodes)
    data = msgspec.structs.replace(project.data, params={"folder": str(folder), "size": 32})
    return msgspec.structs.replace(project, graph=graph, data=data)


def onward(sheet: Sheet, node: str) -> Spot:
    """What leads to where a number comes from: of the loss the right class, else the largest term."""
    taken = sheet.walk.taken
    assert taken is not None
    spots = [spot for spot in sheet.spots if spot.target is not None and spot.target.part == "output"]
    spots = [spot for spot in spots if not spot.target.backward and spot.target.node != node]  # type: ignore[union-attr]
    if taken.shares is not None and node == LOSS:
        right = taken.shares.names[taken.shares.right or 0]
        return next(spot for spot in spots if spot.words.startswith(f"class {right}:"))
    return spots[0]


@pytest.mark.parametrize("name", ["digits-cnn", "xnor-two-layer", "resnet18"])
def test_from_the_loss_back_to_one_pixel_by_clicks_alone(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, name: str
) -> None:
    window = open_window(pictures(tmp_path) if name == "resnet18" else name)
    neurons = window.centre.neurons_shown
    panel, sheet = large(qtbot, window)
    assert not window.centre.neurons_shown  # the strip above shows cards
    assert panel.walk.place is not None and panel.walk.place.node == LOSS
    kinds = {node: one.kind for node, one in window.document.project.graph.nodes.items()}
    walked = [LOSS]
    while kinds.get(walked[-1]) != "input" and len(walked) < 80:
        spot = onward(sheet, walked[-1])
        assert spot.target is not None
        click(sheet, spot)
        answered(qtbot, panel, spot.target)
        taken = panel.walk.taken
        assert taken is not None
        walked.append(taken.place.node)
        assert number(taken.explanation.value) in written(sheet)
        assert taken.place.node in taken.nodes
        lit = {card for card, item in window.canvas.canvas_scene.cards.items() if item.look.lit}
        owner = window.canvas.canvas_scene.seen.owner
        assert lit == {owner[node] for node in taken.nodes}
    assert kinds[walked[-1]] == "input"
    assert len(walked) >= {"digits-cnn": 14, "xnor-two-layer": 6, "resnet18": 40}[name]
    assert [stop.place.node for stop in panel.walk.trail] == walked
    # What stands there is the pixel itself.
    taken = panel.walk.taken
    assert taken is not None and taken.output is not None
    assert taken.explanation.value == float(taken.output[taken.index])
    # The trail leads back to the loss, and Escape to the window.
    QTest.keyClick(sheet, Qt.Key.Key_Backspace)
    answered(qtbot, panel, panel.walk.place)
    assert len(panel.walk.trail) == len(walked) - 1
    QTest.keyClick(sheet, Qt.Key.Key_Escape)
    assert not panel.is_large and window.centre.neurons_shown is neurons
    assert not any(item.look.lit for item in window.canvas.canvas_scene.cards.values())


def test_numbers_are_clicked_on_cards_in_maps_and_in_filters(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    window.training.step()
    qtbot.waitUntil(lambda: window.training.state == "paused", timeout=TIMEOUT)
    docks = window.docks
    assert docks is not None
    panel = panel_of(window)
    view = window.canvas
    view.camera.fit()
    scene = view.canvas_scene

    def on_card(node: str, index: tuple[int, ...]) -> tuple[QPoint, tuple[int, ...]]:
        """A point of the viewport over this number of a card's picture, or one beside it; which one that is."""
        card = scene.cards[node]
        place = card_places(card.facts, view.stage.zoom).picture
        reading = view.stage.live.picture(card.facts)
        assert place is not None and reading is not None
        if reading.array.ndim == 3:
            tile = shown_tiles(card.facts, reading.array, QRectF(QPointF(), place.size()), view.stage.level)[index[0]]
            rows, columns = reading.array.shape[1:]
            inside = QPointF(tile.left() + (index[2] + 0.5) / columns * tile.width(),
                             tile.top() + (index[1] + 0.5) / rows * tile.height())  # fmt: skip
        else:
            inside = QPointF(place.width() / 2, (index[0] + 0.5) / card.facts.bar_rows * place.height())
        pixel = view.mapFromScene(QPointF(*card.place) + place.topLeft() + inside)
        clicked = card.number_at(view.camera.to_scene(QPointF(pixel)))
        assert clicked is not None and clicked[1].index is not None
        return pixel, clicked[1].index

    # A click is nothing but a click while nobody looks.
    spot, _ = on_card("conv1", (4, 12, 10))
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert panel.walk.place is None and view.selected == ("conv1",)
    docks.show_panel("explain")
    answered(qtbot, panel, Place("conv1"))  # the selected layer
    for node, index in (("conv1", (4, 12, 10)), ("output", (7,))):
        spot, clicked = on_card(node, index)
        assert clicked[0] == index[0]
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
        answered(qtbot, panel, Place(node, index=clicked))
    # By key, and from the menu of the card.
    view.select(["pool1"])
    answered(qtbot, panel, Place("pool1"))
    panel.walk.clear()
    window.actions_by_name["explain_number"].trigger()
    answered(qtbot, panel, Place("pool1"))
    # A tile of the feature maps, a cell of a filter.
    maps, filters = docks.panels["feature_maps"], docks.panels["filters"]
    assert isinstance(maps, FeatureMapsPanel) and isinstance(filters, FiltersPanel)
    view.select(["conv1"])
    for shown in (maps, filters):
        docks.show_panel(shown.key)
        grid = shown.view.grid
        qtbot.waitUntil(lambda shown=shown: shown.view.grid.data is not None and shown.isVisible(), timeout=TIMEOUT)
        qtbot.waitUntil(lambda grid=grid: grid.tile_rect(2).width() > 6, timeout=TIMEOUT)
        assert grid.picks
        place = grid.tile_rect(2).center()
        cell = grid.cell_at(place)
        assert cell is not None
        qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=place.toPoint())
        expected = (
            Place("conv1", index=(2, *cell[1:])) if shown is maps else Place("conv1", "weight", (2, 0, *cell[1:]))
        )
        answered(qtbot, panel, expected)
    # What the next step makes of it, by Adam.
    text = "\n".join(panel.sheet.texts)
    taken = panel.walk.taken
    assert taken is not None and taken.trained is not None and "Adam" in text
    assert number(taken.explanation.value) in text and number(taken.trained.value) in text


def test_the_training_notices_nothing(qtbot: QtBot, open_window: OpenWindow) -> None:
    """Weights after 200 steps are the same bits, whether or not numbers are taken apart at random meanwhile."""

    def weights(window: MainWindow) -> bytes:
        found: list[bytes] = []

        def question(training: object) -> bytes:
            parameters = training.network.parameters()  # type: ignore[attr-defined]  # a Training
            return b"".join(one.detach().numpy().tobytes() for one in parameters)

        window.workspace.network.ask(question, found.append, lambda error: found.append(str(error).encode()))
        qtbot.waitUntil(lambda: bool(found), timeout=TIMEOUT)
        return found[0]

    def at_step(window: MainWindow, step: int) -> bool:
        return window.training.standing.step == step and window.training.state == "paused"

    kept = []
    for looked in (False, True):
        window = open_window("spiral")
        random = Random(5)
        if looked:
            panel, sheet = large(qtbot, window)
        for _ in range(4):
            before = window.training.standing.step
            window.bridge.step(50)
            for _ in range(12 if looked else 0):
                leading = [spot for spot in sheet.spots if spot.leads]
                click(sheet, random.choice(leading))
                sheet.walk.set_backward(random.random() < 0.4)
                qtbot.wait(5)
                if random.random() < 0.2:
                    panel.explain(Place(random.choice(["linear1", "linear2", "tanh1", "output"])))
            qtbot.waitUntil(partial(at_step, window, before + 50), timeout=TIMEOUT)
        assert window.training.standing.step == 200
        kept.append(weights(window))
    assert len(kept[0]) > 100 and kept[0] == kept[1]


def test_it_asks_again_while_it_is_seen_says_its_step_and_costs_nothing_hidden(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("spiral")
    panel = panel_of(window)
    asked: list[int] = []
    ask = window.workspace.network.ask

    def counted(*given: object) -> object:
        asked.append(1)
        return ask(*given)  # type: ignore[arg-type]

    panel.walk._network = type("Counted", (), {"ask": staticmethod(counted), "key": property(
        lambda _self: window.workspace.network.key)})()  # type: ignore[assignment]  # fmt: skip
    panel.walk._look.setInterval(40)
    window.bridge.step(3)
    qtbot.waitUntil(lambda: window.training.standing.step == 3, timeout=TIMEOUT)
    window.canvas.select(["linear1"])
    qtbot.wait(150)
    assert not asked and panel.walk.taken is None
    assert window.docks is not None
    window.docks.show_panel("explain")
    answered(qtbot, panel, Place("linear1"))
    assert panel.walk.taken is not None and panel.walk.taken.step == 3 and "at step 3" in written(panel.sheet)
    window.bridge.step(40)
    qtbot.waitUntil(lambda: panel.walk.taken is not None and panel.walk.taken.step == 43, timeout=TIMEOUT)
    assert "at step 43" in written(panel.sheet) and not panel.sheet.shows_old
    # What was asked while it trained, and answered at its end, is asked once more when that is known.
    network = window.workspace.network
    qtbot.waitUntil(lambda: panel.walk._asked is None and panel.walk._key == network.key, timeout=TIMEOUT)
    count = len(asked)
    qtbot.wait(150)  # at rest nothing is asked again
    assert len(asked) == count
    window.docks.docks["explain"].close()
    window.bridge.step(40)
    qtbot.waitUntil(lambda: window.training.standing.step == 83, timeout=TIMEOUT)
    qtbot.wait(150)
    assert len(asked) == count
    # Shown again it is of then at first, marked as old, and of now soon.
    window.docks.show_panel("explain")
    qtbot.waitUntil(lambda: panel.walk.taken is not None and panel.walk.taken.step == 83, timeout=TIMEOUT)


def test_a_point_of_the_plane_and_a_step_of_a_recorded_run(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path
) -> None:
    from nnviz.cli import main

    path = tmp_path / "kept.nnvizrun"
    assert main(["train", "sample:spiral", "--epochs", "2", "--run", str(path)]) == 0
    window = open_window("digits-cnn", ready=False, run_path=path)
    qtbot.waitUntil(lambda: window.training.state == "replay", timeout=TIMEOUT)
    panel, sheet = large(qtbot, window)
    panel.explain(Place("output", index=(0,), near=(0.4, -0.3)))
    answered(qtbot, panel, Place("output", index=(0,)))
    taken = panel.walk.taken
    assert taken is not None and taken.example is not None and taken.example.split == "train"
    assert taken.step == window.feed.run.last_step and "training example" in written(sheet)
    # It is the nearest one: walked back to the input, its numbers are near the point.
    panel.walk.go(Place("input", index=(0,), example=taken.example))
    answered(qtbot, panel, Place("input", index=(0,)))
    assert panel.walk.taken is not None and panel.walk.taken.output is not None
    distances: list[np.ndarray] = []

    def question(training: Any) -> np.ndarray:
        points = training.feeder("train").prepare(range(len(training.data.train)))
        return np.hypot(*(points.numpy() - np.array([0.4, -0.3])).T)

    window.workspace.network.ask(question, distances.append, lambda error: None)
    qtbot.waitUntil(lambda: bool(distances), timeout=TIMEOUT)
    assert np.hypot(*(panel.walk.taken.output - np.array([0.4, -0.3]))) == pytest.approx(distances[0].min())
    assert taken.example.index == distances[0].argmin()
    last = panel.walk.taken.step
    window.feed.set_step(0)
    qtbot.waitUntil(lambda: panel.walk.taken is not None and panel.walk.taken.step == 0, timeout=TIMEOUT)
    assert last > 0 and "at step 0" in written(sheet)
