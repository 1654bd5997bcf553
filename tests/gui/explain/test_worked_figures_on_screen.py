"""The worked examples of the source articles, read off the screen: numbers that stand on the sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
import torch
from PySide6.QtWidgets import QApplication

from nnviz.explain.at_rest import network_at_rest
from nnviz.explain.place import LOSS, Place
from nnviz.explain.values import Values, values_of
from nnviz.network.losses import LossFunction
from nnviz.network.network import Network
from nnviz.project.model import Edge, Graph, Node, PortRef
from nnviz.project.samples.templates import sample
from tests.gui.explain.explain_sheets import sheet_of, written

_Made = tuple[Network, Values]


def fed(network: Network, numbers: Any, loss: LossFunction | None = None, target: Any = None) -> _Made:
    inputs = torch.as_tensor(numbers, dtype=torch.float32).reshape(1, *network.inference.results["input"].output)
    targets = None if target is None else torch.as_tensor(target)
    return network, values_of(network, network_at_rest(network), inputs, loss, targets)


def chain(*layers: tuple[str, str, dict[str, Any]], shape: Sequence[int], loss: str = "mse") -> Network:
    """Input, these layers one behind the other, Output."""
    nodes = {"input": Node("input", "input", {"shape": tuple(shape)})}
    nodes |= {name: Node(name, kind, params) for name, kind, params in layers}
    nodes["output"] = Node("output", "output", {"loss": loss})
    names = list(nodes)
    edges = tuple(Edge(PortRef(one), PortRef(other)) for one, other in pairwise(names))
    return Network(Graph(nodes, edges))


def gate(name: str, row: Sequence[float]) -> Callable[[], _Made]:
    return lambda: fed(Network(sample(name).graph), row)


def dense() -> _Made:
    """The layer (1, 2) × [[1, 0.5, 2], [1, 0.5, 2]] = (3, 1.5, 6), and sigmoid of that."""
    weights = ((1.0, 1.0), (0.5, 0.5), (2.0, 2.0))
    given = {"out_features": 3, "weight_initialisation": "given", "weight_values": weights, "bias_values": (0, 0, 0)}
    return fed(chain(("dense", "linear", given), ("bent", "sigmoid", {}), shape=(2,)), (1, 2))


def scores(*numbers: float, right: int = 0) -> Callable[[], _Made]:
    """Softmax and cross-entropy of an answer."""
    count = len(numbers)
    loss = LossFunction("cross_entropy", "multiclass", count, 0.0)
    network = chain(shape=(count,), loss="cross_entropy")
    return lambda: fed(network, numbers, loss, [right])


def convolution(size: int, *layers: tuple[int, int, int, int]) -> Callable[[], _Made]:
    """Filters of a size, with a stride and padding, over a picture of ones."""
    made = [
        (f"conv{at}", "conv2d", {"out_channels": count, "kernel_size": (side, side), "stride": (stride, stride),
                                "padding": (padding, padding)})
        for at, (count, side, stride, padding) in enumerate(layers, start=1)
    ]  # fmt: skip
    return lambda: fed(
        chain(*made, shape=(3 if size == 32 else 1, size, size)), torch.ones(1, 3 if size == 32 else 1, size, size)
    )


def pooled(kind: str) -> Callable[[], _Made]:
    picture = [[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]
    pool = ("pool", kind, {"kernel_size": (2, 2), "stride": (2, 2)})
    return lambda: fed(chain(pool, shape=(1, 4, 4)), picture)


@dataclass(frozen=True)
class Case:
    make: Callable[[], _Made]
    place: Place
    reads: Sequence[str]


CASES = {
    # Sums of gates; −0.00 and 0.00 are written as 0.
    "and 0 1": Case(gate("and", (0, 1)), Place("linear1", index=(0,)), ("= −0.500", "1.00 weight[0, 1] × 1.00")),
    "and 1 1": Case(gate("and", (1, 1)), Place("linear1", index=(0,)), ("= 0.500",)),
    "or 0 1": Case(gate("or", (0, 1)), Place("linear1", index=(0,)), ("= 0.500", "−0.500")),
    "or 0 0": Case(gate("or", (0, 0)), Place("linear1", index=(0,)), ("= −0.500",)),
    "not 0": Case(gate("not", (0,)), Place("linear1", index=(0,)), ("= 1.00",)),
    "not 1": Case(gate("not", (1,)), Place("linear1", index=(0,)), ("= −1.00", "−2.00 weight[0, 0] × 1.00")),
    "xnor both": Case(gate("xnor-two-layer", (1, 1)), Place("linear1", index=(0,)), ("= −1.50", "0.500")),
    "xnor step": Case(gate("xnor-two-layer", (1, 1)), Place("step1", index=(1,)), ("= 1.00",)),
    "xnor answer": Case(gate("xnor-two-layer", (0, 1)), Place("output", index=(0,)), ("= 0",)),
    "sigmoid": Case(gate("neuron-sigmoid", (1, 1)), Place("sigmoid1", index=(0,)), ("= 0.953", "x = 3.00", "0.0452")),
    "credit": Case(gate("credit", (6, 5)), Place("linear1", index=(0,)), ("= 7.00", "12.0", "5.00", "−10.0")),
    "dense 3": Case(dense, Place("dense", index=(0,)), ("= 3.00", "1.00 weight[0, 1] × 2.00")),
    "dense 1.5": Case(dense, Place("dense", index=(1,)), ("= 1.50",)),
    "dense 6": Case(dense, Place("dense", index=(2,)), ("= 6.00", "4.00")),
    "sigmoid of 1.5": Case(dense, Place("bent", index=(1,)), ("= 0.818",)),
    "sigmoid of 6": Case(dense, Place("bent", index=(2,)), ("= 0.998",)),
    "softmax of the layer": Case(scores(3, 1.5, 6), Place(LOSS, LOSS), ("0.0469", "0.0105", "0.943")),
    "softmax": Case(scores(2.0, 1.0, 0.1), Place(LOSS, LOSS), ("0.659", "0.242", "0.0986", "7.39", "2.72", "1.11")),
    "cross-entropy": Case(scores(0.0, 0.0), Place(LOSS, LOSS), ("0.500", "= 0.693")),
    "6 × 6 with 3 × 3": Case(convolution(6, (1, 3, 1, 0)), Place("conv1"), ("input, 6 × 6", "map 0, 4 × 4")),
    "padded": Case(convolution(6, (1, 3, 1, 1)), Place("conv1"), ("map 0, 6 × 6",)),
    "76 parameters": Case(convolution(32, (10, 5, 1, 0)), Place("conv1"), ("75 + 1 parameters", "28 × 28 = 784")),
    "exercise": Case(convolution(32, (10, 7, 1, 0), (6, 5, 2, 0)), Place("conv2", index=(0, 10, 10)),
                     ("all 11 × 11 = 121", "26 × 26", "rows 20–24, columns 20–24")),
    "largest of 4": Case(pooled("max_pool2d"), Place("pool", index=(0, 0, 1)),
                         ("= 8.00", "input, 4 × 4", "map 0, 2 × 2", "The largest of 4")),
    "mean of 4": Case(pooled("avg_pool2d"), Place("pool", index=(0, 0, 0)), ("= 3.25", "counts 0.250")),
}  # fmt: skip


@pytest.mark.parametrize("name", list(CASES))
def test_a_worked_figure_is_read_off_the_screen(
    styled: QApplication, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    case = CASES[name]
    network, values = case.make()
    sheet = sheet_of(network, values, monkeypatch)
    sheet.resize(1340, 800)
    sheet.set_letters(20.0)
    sheet.walk.start(case.place)
    assert not sheet.walk.failure and sheet.walk.taken is not None
    lines = written(sheet).replace("\n", "")
    for text in case.reads:
        assert text in lines, (text, lines)
