"""Where examples come in and answers go out: nothing is computed there."""

from __future__ import annotations

from collections.abc import Mapping

from nnviz.explain.explanation import Index, Term
from nnviz.explain.kinds.way import Flow, Way, input_of, one, output_of, passed_on
from nnviz.explain.values import NodeValues


def _entered(values: NodeValues, example: int, index: Index) -> tuple[Term, ...]:
    """A number of the example is not made of anything."""
    number = output_of(values.node, index, values.output[(example, *index)], example)
    return (Term((number,), "the example, as the network sees it"),)


def _handed_on(values: NodeValues, example: int, index: Index) -> tuple[Term, ...]:
    return passed_on(input_of(values, 0, example, index))


def _back(values: NodeValues, port: int, example: int, index: Index) -> Flow:
    return Flow.of(example, [index], [(one(values),)])


WAYS: Mapping[str, Way] = {
    "input": Way(_entered, _back, "", formula="x, as the example has it after its preparation"),
    "output": Way(_handed_on, _back, "dL/dx = dL/dy, which is the loss's", formula="y = x"),
}
