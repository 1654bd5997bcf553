"""Activation curves in the real window: the network's own are chosen, numbers are read off, gradients vanish."""

from __future__ import annotations

import re
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from nnviz.gui.explain.activation_page import explained
from nnviz.gui.panels.activation_curves import ActivationCurvesPanel
from nnviz.project.edits import SetParam
from nnviz.project.model import Choice, DataConfig, Project, TrainConfig
from nnviz.project.samples.sketch import Layer, chain, features, linear, output, plain
from tests.gui.conftest import OpenWindow

WAIT = 60_000


def read_off(page: Any) -> dict[str, list[float]]:
    """What stands in the table, by the names in it."""
    rows = re.findall(r"</span> (\w+)</td>(.*?)</tr>", page.table.text())
    numbers = {name: re.findall(r">([^<>]+)</td>", cells) for name, cells in rows}
    return {name: [float(one.replace("−", "-")) for one in found] for name, found in numbers.items()}


def test_the_networks_own_activations_are_read_off_and_compared(qtbot: QtBot, open_window: OpenWindow) -> None:
    graph = chain(
        features(2), linear(3), Layer("leaky_relu", {"negative_slope": 0.2}), linear(3), plain("prelu"), linear(1),
        output("bce_logits"),
    )  # fmt: skip
    project = Project("bends", graph=graph, data=DataConfig("spiral"), training=TrainConfig(Choice("sgd"), 10, 5, 0))
    window = open_window(project)
    window.resize(1500, 1000)
    assert window.docks is not None
    panel = window.docks.show_panel("activation_curves")
    assert isinstance(panel, ActivationCurvesPanel)
    qtbot.waitUntil(lambda: panel.page is not None and panel.page.is_ready, timeout=WAIT)
    page = panel.page
    assert page is not None and list(page.chosen) == ["leaky_relu", "prelu"]
    assert len(explained()) == 11

    def settled() -> None:
        qtbot.waitUntil(lambda: page.is_ready, timeout=WAIT)

    # By click another one; by the line another input; by the slider another slope.
    qtbot.mouseClick(page.chips["sigmoid"], Qt.MouseButton.LeftButton)
    settled()
    page.plots["curve"].line.setPos(-1.0)
    settled()
    table = read_off(page)
    assert table["LeakyReLU"] == pytest.approx([-0.2, 0.2, 0.2**5, 1.0], rel=1e-2)
    assert table["PReLU"] == pytest.approx([-0.25, 0.25, 0.25**5, 1.0], rel=1e-2)
    assert table["Sigmoid"][:2] == pytest.approx([0.2689, 0.1966], rel=1e-2)
    assert table["Sigmoid"][3] < 0.25**5  # why gradients vanish
    page.layers.slider.setValue(1)
    page.weight.slider.setValue(round(2.0 / 0.05))
    settled()
    assert read_off(page)["LeakyReLU"] == pytest.approx([-0.2, 0.2, 2 * 0.2, 2.0], rel=1e-2)
    page._sliders["leaky_relu", "negative_slope"].slider.setValue(50)
    settled()
    assert read_off(page)["LeakyReLU"][:2] == pytest.approx([-0.5, 0.5], rel=1e-2)
    rows = list(panel.rows())
    assert rows[0][:3] == ("activation", "x", "y") and len(rows) == 1 + 3 * len(page.inputs)
    # The project's own settings count again when they are others.
    node = next(one.id for one in graph.nodes.values() if one.kind == "leaky_relu")
    window.document.apply(SetParam(node, "negative_slope", 0.4))
    settled()
    assert read_off(page)["LeakyReLU"][:2] == pytest.approx([-0.4, 0.4], rel=1e-2)
