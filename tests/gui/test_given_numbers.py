"""Choosing to write the weights down begins with those that the layer has at the moment, to the last digit."""

from __future__ import annotations

import numpy as np
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

from nnviz.gui.inspector.editors import MatrixEditor
from nnviz.gui.inspector.layer_tab import LayerTab
from nnviz.record.quantities import BIASES, WEIGHTS
from nnviz.record.readings import ArrayReading


def sees(layer: LayerTab, node: str, step: int) -> bool:
    """Whether the tab shows the weights of a layer, and its biases, at this step."""
    run = layer._run
    found = [run.latest(one.series(node), layer._step) for one in (WEIGHTS, BIASES)] if run is not None else [None]
    return all(isinstance(one, ArrayReading) and one.step == step for one in found)


def test_given_numbers_start_from_the_trained_weights(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    node = next(key for key, one in window.document.project.graph.nodes.items() if one.kind == "linear")
    window.canvas.select([node])
    window.training.step()
    qtbot.waitUntil(lambda: window.training.standing.step == 1, timeout=TIMEOUT)
    run = window.feed.run

    def measured(step: int) -> bool:
        found = [run.latest(one.series(node)) for one in (WEIGHTS, BIASES)]
        return all(isinstance(one, ArrayReading) and one.step == step for one in found)

    qtbot.waitUntil(lambda: measured(1), timeout=TIMEOUT)
    weights, biases = (run.latest(one.series(node)).array for one in (WEIGHTS, BIASES))
    assert window.inspector is not None
    qtbot.waitUntil(lambda: sees(window.inspector.layer, node, 1), timeout=TIMEOUT)  # type: ignore[union-attr]
    window.inspector.layer._on_edited("weight_initialisation", "given", "")
    params = window.document.project.graph.nodes[node].params
    assert np.array_equal(np.asarray(params["weight_values"], np.float32), weights)
    assert np.array_equal(np.asarray(params["bias_values"], np.float32), biases)
    # One step of the history.
    window.document.undo()
    assert "weight_values" not in window.document.project.graph.nodes[node].params
    # What somebody has written down stays.
    window.document.redo()
    window.inspector.layer._on_edited("weight_initialisation", "he_normal", "")
    window.inspector.layer._on_edited("weight_initialisation", "given", "")
    assert window.document.project.graph.nodes[node].params["weight_values"] == params["weight_values"]


def test_a_filter_is_typed_and_begins_with_the_numbers_that_it_has(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    window.canvas.select(["conv1"])
    run = window.feed.run
    qtbot.waitUntil(lambda: isinstance(run.latest(WEIGHTS.series("conv1")), ArrayReading), timeout=TIMEOUT)
    weights = run.latest(WEIGHTS.series("conv1")).array
    assert window.inspector is not None
    layer = window.inspector.layer
    qtbot.waitUntil(lambda: sees(layer, "conv1", 0), timeout=TIMEOUT)
    layer._on_edited("weight_initialisation", "given", "")
    # A line for each row of a window, as it is drawn.
    rows = np.asarray(window.document.project.graph.nodes["conv1"].params["weight_values"], np.float32)
    assert np.array_equal(rows, weights.reshape(-1, 3))
    # Sobel's filter in place of the first: the network that is built has it.
    matrix = layer.form.editors["weight_values"]
    assert isinstance(matrix, MatrixEditor) and matrix.isVisible()
    lines = matrix._text.toPlainText().splitlines()
    matrix._text.setPlainText("\n".join(["1 0 −1", "2 0 −2", "1 0 −1", *lines[3:]]))
    assert matrix.commit()

    def first() -> list[list[float]]:
        found = window.feed.run.latest(WEIGHTS.series("conv1"))
        return found.array[0, 0].tolist() if isinstance(found, ArrayReading) else []

    qtbot.waitUntil(lambda: first() == [[1, 0, -1], [2, 0, -2], [1, 0, -1]], timeout=TIMEOUT)
