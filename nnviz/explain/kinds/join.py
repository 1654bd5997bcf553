"""Joins: several wires become one."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import cast

from nnviz.explain.explanation import Factor, Index, Term
from nnviz.explain.kinds.way import Flow, Way, computed, input_of, one, passed_on, term_of, words_of
from nnviz.explain.values import NodeValues


def _added(values: NodeValues, example: int, index: Index) -> list[Term]:
    return [term_of(input_of(values, port, example, index)) for port in range(len(values.inputs))]


def _back_added(values: NodeValues, port: int, example: int, index: Index) -> Flow:
    return Flow.of(example, [index], [(one(values),)])


def _subtracted(values: NodeValues, example: int, index: Index) -> list[Term]:
    first, second = (input_of(values, port, example, index) for port in range(2))
    return [term_of(first), term_of(_minus(values), second)]


def _back_subtracted(values: NodeValues, port: int, example: int, index: Index) -> Flow:
    return Flow.of(example, [index], [(one(values) if port == 0 else _minus(values),)])


def _minus(values: NodeValues) -> Factor:
    return computed(values, -1.0, "−1")


def _multiplied(values: NodeValues, example: int, index: Index) -> tuple[Term, ...]:
    factors = _factors(values, example, index)
    return (Term(tuple(factors), " times ".join(words_of(factor) for factor in factors)),)


def _factors(values: NodeValues, example: int, index: Index) -> list[Factor]:
    """What stands at each port; a size of 1 is stretched."""
    return [
        input_of(
            values,
            port,
            example,
            tuple(0 if size == 1 else at for at, size in zip(index, inputs.shape[1:], strict=True)),
        )
        for port, inputs in enumerate(values.inputs)
    ]


def _back_multiplied(values: NodeValues, port: int, example: int, index: Index) -> Flow:
    """Times all the others, wherever it was stretched to."""
    sizes, stretched = values.inputs[port].shape[1:], values.output.shape[1:]
    places = list(
        product(
            *(range(whole) if size == 1 else (at,) for at, size, whole in zip(index, sizes, stretched, strict=True))
        )
    )
    slopes = [
        tuple(factor for other, factor in enumerate(_factors(values, example, place)) if other != port)
        for place in places
    ]
    return Flow.of(example, places, slopes)


def _concatenated(values: NodeValues, example: int, index: Index) -> tuple[Term, ...]:
    axis = cast(int, values.settings["dimension"])
    at, port = index[axis], 0
    while at >= values.inputs[port].shape[1 + axis]:
        at -= values.inputs[port].shape[1 + axis]
        port += 1
    return passed_on(input_of(values, port, example, (*index[:axis], at, *index[axis + 1 :])))


def _back_concatenated(values: NodeValues, port: int, example: int, index: Index) -> Flow:
    axis = cast(int, values.settings["dimension"])
    before = sum(inputs.shape[1 + axis] for inputs in values.inputs[:port])
    return Flow.of(example, [(*index[:axis], index[axis] + before, *index[axis + 1 :])], [(one(values),)])


WAYS: Mapping[str, Way] = {
    "add": Way(_added, _back_added, "dL/dx_i = dL/dy"),
    "subtract": Way(_subtracted, _back_subtracted, "dL/dx_1 = dL/dy, dL/dx_2 = −dL/dy"),
    "multiply": Way(_multiplied, _back_multiplied, "dL/dx_i = dL/dy · the product of all other x"),
    "concatenate": Way(_concatenated, _back_concatenated, "dL/dx = dL/dy at its place"),
}
