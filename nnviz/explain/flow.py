"""How the loss changes with everything that flows through a network for one example: gradients, node by node."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from nnviz.explain.values import Example, Numbers, Values, refuse_without_right, right_of, values_of_example
from nnviz.project.model import Edge, Graph
from nnviz.train.training import Training


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """What flows for one example. Plain values and read-only arrays, without a dimension for the batch.

    Attributes:
        step: Updates that the weights had seen.
        example: Which one; None for the first of a batch.
        right: What it really is, in words; empty where that is not known.
        loss: Of what the gradients are: of this example, or the mean of its batch.
        outputs: What each node gives.
        gradients: d loss / d output of each node that something flows back to.
        wires: What flows back along each wire: the norm of d loss / d value. A value that several nodes use has a
            gradient for each wire, and their sum as its own.
        norms: Of d loss / d parameters of each layer: the norm over all of them.
    """

    step: int
    example: Example | None
    right: str
    loss: float | None
    outputs: Mapping[str, Numbers]
    gradients: Mapping[str, Numbers]
    wires: Mapping[Edge, float]
    norms: Mapping[str, float]


def flow_of_example(training: Training, example: Example) -> Flow:
    """What flows for an example through the network in evaluation mode, forwards and back from its loss.

    Call it on the thread that owns the training, at rest between two batches.

    Raises:
        ParamError: There is no such example.
        InputError: It is an input of one's own, and nobody said what is right for it.
    """
    refuse_without_right(training, example)
    return flow_of(values_of_example(training, example), training.network.graph, example, right_of(training, example))


def flow_of(values: Values, graph: Graph, example: Example | None = None, right: str = "") -> Flow:
    """What flows for the first example of a batch; the gradients are of the mean loss of that batch."""
    outputs, gradients, norms = {}, {}, {}
    wires: dict[Edge, float] = {}
    into: dict[str, list[Edge]] = {}
    for edge in sorted(graph.edges, key=lambda edge: edge.target.port):
        into.setdefault(edge.target.node, []).append(edge)
    for node, found in values.nodes.items():
        outputs[node] = _first(found.output)
        if found.output_gradient is not None:
            gradients[node] = _first(found.output_gradient)
        for edge, gradient in zip(into.get(node, ()), found.input_gradients, strict=False):
            if gradient is not None:
                wires[edge] = norm(gradient[0])
        if found.parameter_gradients:
            norms[node] = math.hypot(*(norm(gradient) for gradient in found.parameter_gradients.values()))
    return Flow(
        values.step,
        example,
        right,
        values.loss,
        MappingProxyType(outputs),
        MappingProxyType(gradients),
        MappingProxyType(wires),
        MappingProxyType(norms),
    )


def norm(numbers: Numbers) -> float:
    """The L2 norm, summed in double precision."""
    return float(np.sqrt(np.sum(np.square(numbers, dtype=np.float64))))


def _first(numbers: Numbers) -> Numbers:
    """Of the first example, without the memory of the others."""
    first: Numbers = np.array(numbers[0])
    first.setflags(write=False)
    return first
