"""Two columns of cards: one scale for both, each run at its step, and a layer that only one of them has."""

from __future__ import annotations

import numpy as np
from pytestqt.qtbot import QtBot

from nnviz.data import datasets
from nnviz.gui.compare.card_column import CardColumn
from nnviz.gui.compare.side import example_words
from nnviz.project.document import Document
from nnviz.project.edits import RemoveNodes
from nnviz.project.samples import templates
from nnviz.record.readings import ArrayReading, Scalar
from nnviz.record.run import Run


def documents() -> tuple[Document, Document]:
    """digits-cnn, and the same without its dropout."""
    found = []
    for gone in ((), ("dropout1",)):
        document = Document(templates.sample("digits-cnn"))
        document.set_facts(datasets.facts(document.project.data))
        if gone:
            document.apply(RemoveNodes(gone))
        found.append(document)
    return found[0], found[1]


def run_of(factor: float) -> Run:
    """Outputs and weights of one layer, twice: at step 0 and, ten times as large, at step 10."""
    numbers, run = np.random.default_rng(0), Run()
    output = numbers.random((16, 26, 26)).astype(np.float32) * factor
    weights = numbers.normal(size=(16, 1, 3, 3)).astype(np.float32) * factor
    run.append([ArrayReading("input/pinned", 0, np.zeros((1, 28, 28), np.float32), {"sample": 7, "label": "3"})])
    for step, more in ((0, 1.0), (10, 10.0)):
        run.append([ArrayReading("output/conv1", step, output * np.float32(more))])
        run.append([ArrayReading("weights/conv1", step, weights * np.float32(more))])
        run.append([Scalar("gradient_norm/conv1", step, 0.25 * more), Scalar("dead_fraction/relu1", step, 0.5)])
    return run


def test_two_runs_have_one_scale_and_their_own_numbers(qtbot: QtBot) -> None:
    columns, runs = (CardColumn(None), CardColumn(None)), (run_of(1.0), run_of(3.0))  # type: ignore[arg-type]
    left, right = columns
    left.beside, right.beside = right, left
    for column, document, run in zip(columns, documents(), runs, strict=True):
        qtbot.addWidget(column)
        column.resize(520, 900)
        column.set_document(document)
        column.refresh(run, 0)
        column.lay([(node, 220) for node in ("input", "conv1", "relu1", "dropout1")])
        column.show()

    def told(column: CardColumn) -> dict[str, str]:
        return {number.title: number.text for number in column.numbers("conv1")}

    weights = runs[0].latest("weights/conv1", 0)
    assert isinstance(weights, ArrayReading)
    norm = float(np.linalg.norm(weights.array.astype(np.float64).ravel()))
    assert [float(told(column)["weight norm"]) for column in columns] == [
        float(f"{norm * factor:.3g}") for factor in (1.0, 3.0)
    ]
    assert told(left)["output"].endswith("1.0") and told(right)["output"].endswith("3.0")
    largest = float(np.abs(weights.array).max()) * 3
    for column in columns:
        seen = column.seen("conv1")
        assert seen is not None
        maps, filters = column._common("conv1", seen)
        assert maps is not None and filters is not None
        assert 2.99 < maps.high <= 3.0 and np.isclose(filters.high, largest) and np.isclose(filters.low, -largest)
    assert told(left)["map colours"] == told(right)["map colours"]

    # Another step of one of them alone makes the scale of both larger, and only one has the layer.
    pictures = [column.grab().toImage() for column in columns]
    right.refresh(runs[1], 10)
    assert told(right)["gradient norm"] == "2.50" and told(left)["gradient norm"] == "0.250"
    assert told(left)["map colours"] == told(right)["map colours"] and "30" in told(left)["map colours"]
    assert all(before != column.grab().toImage() for before, column in zip(pictures, columns, strict=True))
    assert left.seen("dropout1") is not None and right.seen("dropout1") is None
    assert [number.text for number in left.numbers("relu1")] == ["50 %"]
    assert "dropout1" in left.in_sight() and left.height_of("dropout1") > right.height_of("dropout1")
    assert example_words(runs[0], None) == "pinned example 7, “3”"
    # What was found out about a layer is not found out again at every painting.
    seen = left.seen("conv1")
    left.grab()
    assert seen is not None and left.seen("conv1") is seen
