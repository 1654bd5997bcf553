"""Dense layers: weighted sums; and Flatten, which lays out what they take."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nnviz.explain.explanation import Index, Term, gathered
from nnviz.explain.kinds.shape import RESHAPED
from nnviz.explain.kinds.way import Flow, Way, bias_term, input_of, one, parameter_of, term_of
from nnviz.explain.values import NodeValues


def _forward(values: NodeValues, example: int, index: Index) -> list[Term]:
    """A unit is the sum over its inputs of weight times input, and of its bias."""
    (unit,) = index
    products = values.parameters["weight"][unit].astype(np.float64) * values.inputs[0][example]
    terms = gathered(
        products,
        lambda at: term_of(parameter_of(values, "weight", (unit, at)), input_of(values, 0, example, (at,))),
    )
    return [*terms, *bias_term(values, (unit,))]


def _backward(values: NodeValues, port: int, example: int, index: Index) -> Flow:
    """An input goes into every unit, times that unit's weight for it."""
    (at,) = index
    weights = values.parameters["weight"][:, at].astype(np.float64)
    return Flow(
        np.full(len(weights), example),
        np.arange(len(weights)).reshape(-1, 1),
        weights,
        lambda unit: (parameter_of(values, "weight", (unit, at)),),
    )


def _parameter(values: NodeValues, name: str, index: Index) -> Flow:
    """A weight is multiplied by its input, of each example; a bias by 1."""
    count, unit = len(values.output), index[0]
    if name == "bias":
        return Flow.of(range(count), [(unit,)] * count, [(one(values),)] * count)
    return Flow(
        np.arange(count),
        np.full((count, 1), unit),
        values.inputs[0][:, index[1]].astype(np.float64),
        lambda example: (input_of(values, 0, example, (index[1],)),),
    )


WAYS: Mapping[str, Way] = {
    "linear": Way(_forward, _backward, "dL/dx_j = Σ_k w_k,j · dL/dy_k", _parameter),
    "flatten": RESHAPED,
}
