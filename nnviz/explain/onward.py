"""What becomes of a number behind its layer, and what comes back to it: the layers and windows that it goes through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnviz.explain import kinds
from nnviz.explain.explanation import Index
from nnviz.explain.values import NodeValues, Values
from nnviz.explain.window import Window
from nnviz.network.network import Network
from nnviz.project.checks.shapes import inputs_of

_Numbers: TypeAlias = NDArray[np.float32]

#: So many layers are followed, and so many windows of a pooling layer are shown that read one number.
MOST_ONWARD, MOST_READERS = 3, 4


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """A window of a pooling layer that reads the number which is asked about.

    Attributes:
        index: Where what it makes of that stands.
        window: What it reads.
        gradient: How the loss changes with what it makes.
        own: Where in the window the number stands, as (row, column).
    """

    index: Index
    window: Window
    gradient: float
    own: tuple[int, int]

    @property
    def passed(self) -> float:
        """What of the gradient comes back to the number."""
        return float(self.window.shares[0][self.own]) * self.gradient


@dataclass(frozen=True, slots=True, eq=False)
class Back:
    """What comes back to a number along one of its wires, from a layer whose window reads it.

    Attributes:
        node: The layer.
        gradient: How the loss changes with each number that it puts out, read-only.
        window: Of a layer with a filter: that over the gradients.
        readers: Of a pooling layer: the windows that read the number.
    """

    node: str
    gradient: _Numbers
    window: Window | None = None
    readers: tuple[Reader, ...] = ()

    @property
    def total(self) -> float:
        """What comes back along this wire."""
        if self.window is not None:
            return float(self.window.sums.sum())
        return sum(reader.passed for reader in self.readers)


def layers_onward(network: Network, node: str) -> tuple[str, ...]:
    """The layers through which a weighted sum goes next: each leaves numbers at their places, or is a window on them.

    Empty where the node is no weighted sum: its own picture shows what it does.
    """
    if not is_weighted_sum(network, node):
        return ()
    found: list[str] = []
    at = node
    while len(found) < MOST_ONWARD:
        users = [other for other in network.trained_ids if at in inputs_of(network.graph, other)]
        users = [other for other in users if _goes_through(network, at, other)]
        if len(users) != 1:
            break
        at = users[0]
        found.append(at)
    return tuple(found)


def is_weighted_sum(network: Network, node: str) -> bool:
    """Whether it has more than a number a channel."""
    return any(parameter.dim() > 1 for parameter in network.module_of(node).parameters())


def _goes_through(network: Network, source: str, node: str) -> bool:
    way = kinds.way_of(network.kind_of(node))
    if node == network.output_id or way.weighs or is_weighted_sum(network, node):
        return False
    results = network.inference.results
    return way.window is not None or results[node].output == results[source].output


def place_onward(node: NodeValues, source: str, example: int, index: Index) -> Index | None:
    """Where a number that comes in goes on: its own place, or the window that it counts most in; None for nowhere."""
    way = kinds.way_of(node.kind)
    if source not in node.sources:
        return None
    if way.window is None:
        return index
    flow = way.backward(node, node.sources.index(source), example, index)
    places = [place for place, of in zip(flow.places.tolist(), flow.examples.tolist(), strict=True) if of == example]
    if not places:
        return None
    return tuple(places[int(np.argmax(np.abs(flow.slopes)))])


def way_back(values: Values, node: str, example: int, index: Index) -> Back | None:
    """From the first layer that reads a number through a window; None where none does."""
    for consumer, port in values.uses.get(node, ()):
        other = values.nodes.get(consumer)
        if other is None or other.output_gradient is None:
            continue
        way = kinds.way_of(other.kind)
        gradient: _Numbers = other.output_gradient[example]
        if way.window_back is not None:
            window = way.window_back(other, port, example, index)
            if window is not None and window.rows and window.columns:
                return Back(consumer, gradient, window)
        elif way.window is not None:
            flow = way.backward(other, port, example, index)
            places = list(map(tuple, flow.places.tolist()))
            if 0 < len(places) <= MOST_READERS:
                readers = [_reader(other, way.window(other, example, place), example, index, place) for place in places]
                if all(readers):
                    return Back(consumer, gradient, readers=tuple(filter(None, readers)))
    return None


def _reader(node: NodeValues, window: Window | None, example: int, index: Index, place: Index) -> Reader | None:
    if window is None or node.output_gradient is None:
        return None
    row, column = (0, *index[1:])[-2:]
    if row not in window.rows or column not in window.columns:
        return None
    own = (window.rows.index(row), window.columns.index(column))
    return Reader(place, window, float(node.output_gradient[(example, *place)]), own)
