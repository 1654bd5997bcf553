"""What one number of a network changes: the layers that read it, in the end the loss, and what the sum behind it is of.

Each layer says by its ``Way`` where a number flows to. It is followed as long as it goes on as one number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nnviz.explain import kinds
from nnviz.explain.explanation import Index
from nnviz.explain.layers import explain
from nnviz.explain.place import Place
from nnviz.explain.taken_apart import TakenApart
from nnviz.explain.values import Values, values_of_example
from nnviz.network.network import Network
from nnviz.project.checks.shapes import inputs_of
from nnviz.train.training import Training

#: So many layers are followed, and so many weights of a sum are given.
MOST_LAYERS, MOST_WEIGHTS = 4, 10


@dataclass(frozen=True, slots=True)
class Changed:
    """A layer that reads a number.

    Attributes:
        node: Its id.
        count: How many of the numbers that it puts out depend on it.
        maps: In how many of its maps, or units, these stand.
        slope: How the one number changes with it; 0 where there is not exactly one.
        place: The one number, or that which changes most; None where none does.
        picks: The layer passes one of its window on, as pooling by the largest does.
    """

    node: str
    count: int
    maps: int
    slope: float
    place: Place | None
    picks: bool = False


@dataclass(frozen=True, slots=True)
class Influence:
    """What a number changes.

    Attributes:
        of: The number.
        step: Updates that the weights had seen.
        changed: The layers that read it, and those behind them while it is one number.
        gradient: How the loss of this example changes with it; None where there is no loss.
        weights: Of the sum behind it: layer, parameter, where in it, the value, and how the loss changes with it.
        picture: The example, where it is a picture: (channels, height, width), as the network takes it.
    """

    of: Place
    step: int
    changed: tuple[Changed, ...]
    gradient: float | None
    weights: tuple[tuple[str, str, Index, float, float | None], ...]
    picture: NDArray[np.float32] | None


def influence(training: Training, taken: TakenApart) -> Influence:
    """Finds what a number that was taken apart changes. Call it on the thread that owns the training.

    Args:
        training: Of the network, at rest.
        taken: A number that a layer puts out, of an example.

    Raises:
        NnvizError: There is nothing to find it with.
    """
    network, place, example = training.network, taken.place, taken.example
    assert example is not None
    ways = _ways(network, place.node)
    begins = next(node for node in network.node_ids if network.kind_of(node) == "input")
    wanted = {place.node, begins, *(user for _, users in ways for user in users)}
    values = values_of_example(training, example, wanted=wanted, backwards=True)
    node = values.nodes[place.node]
    changed: list[Changed] = []
    at: Place | None = place
    for source, users in ways:
        if at is None or at.node != source:
            break
        found = [_changed(values, user, at) for user in users]
        changed += found
        at = found[0].place if len(found) == 1 and found[0].count == 1 else None
    gradient = node.output_gradient
    begin = values.nodes[begins].output[0]
    return Influence(
        place,
        training.step,
        tuple(changed),
        float(gradient[(0, *taken.index)]) if gradient is not None else None,
        _weights(values, taken),
        begin if begin.ndim == 3 else None,
    )


def _ways(network: Network, node: str) -> list[tuple[str, tuple[str, ...]]]:
    """A node with those that read it; and on, as long as that is one."""
    found: list[tuple[str, tuple[str, ...]]] = []
    at = node
    while len(found) < MOST_LAYERS:
        users = tuple(other for other in network.trained_ids if at in inputs_of(network.graph, other))
        if not users:
            break
        found.append((at, users))
        if len(users) > 1:
            break
        at = users[0]
    return found


def _changed(values: Values, user: str, of: Place) -> Changed:
    node = values.nodes[user]
    way = kinds.way_of(node.kind)
    index = of.index or ()
    flows = [way.backward(node, port, 0, index) for port, source in enumerate(node.sources) if source == of.node]
    slopes: dict[Index, float] = {}
    for flow in flows:  # a number that comes in twice counts once
        for where, slope in zip(flow.places.tolist(), flow.slopes.tolist(), strict=True):
            slopes[tuple(where)] = slopes.get(tuple(where), 0.0) + slope
    slopes = {where: slope for where, slope in slopes.items() if slope}
    first = max(slopes, key=lambda where: abs(slopes[where]), default=None)
    return Changed(
        user,
        len(slopes),
        len({where[0] for where in slopes}),
        next(iter(slopes.values())) if len(slopes) == 1 else 0.0,
        None if first is None else replace(of, node=user, index=first),
        way.window is not None,
    )


def _weights(values: Values, taken: TakenApart) -> tuple[tuple[str, str, Index, float, float | None], ...]:
    """The numbers that are trained among the factors of the sum, as they stand in it."""
    place = taken.place
    node = values.nodes[place.node]
    found = explain(values, place.node, taken.index)
    rows: list[tuple[str, str, Index, float, float | None]] = []
    for term in found.terms:
        for factor in term.factors:
            if factor.part in node.parameters and factor.node == place.node and len(rows) < MOST_WEIGHTS:
                gradient = node.parameter_gradients.get(factor.part)
                slope = None if gradient is None else float(gradient[factor.index])
                rows.append((factor.node, factor.part, factor.index, factor.value, slope))
    return tuple(rows)
