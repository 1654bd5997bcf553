"""An Input or Output of the palette fits the data that were chosen before it."""

from __future__ import annotations

import pytest
from canvas_hands import Hands
from PySide6.QtCore import QPointF

from nnviz.data import datasets
from nnviz.project.model import DataConfig, Project


@pytest.mark.parametrize(
    ("hands", "shape", "loss"),
    [
        (Project(data=DataConfig("iris")), (4,), "cross_entropy"),
        (Project(data=DataConfig("diabetes")), (10,), "mse"),
        (Project(data=DataConfig("digits")), (1, 28, 28), "cross_entropy"),
    ],
    ids=["classes of a table", "numbers of a table", "pictures"],
    indirect=["hands"],
)
def test_a_new_end_fits_the_data(hands: Hands, shape: tuple[int, ...], loss: str) -> None:
    document = hands.document
    document.set_facts(datasets.facts(document.project.data))
    for kind, x in (("input", 0.0), ("output", 400.0)):
        hands.view.editing.add(kind, QPointF(x, 0.0), connect=False)
    nodes = document.project.graph.nodes
    assert nodes["input"].params.get("shape", (1, 28, 28)) == shape
    assert nodes["output"].params.get("loss", "cross_entropy") == loss
