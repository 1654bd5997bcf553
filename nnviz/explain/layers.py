"""How the numbers of a layer are taken apart, kind by kind: (what flows through it, where) -> terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from nnviz.errors import ParamError
from nnviz.explain.explanation import Explanation, Factor, Term
from nnviz.explain.values import NodeValues, Values
from nnviz.project import registry

#: (the node, number of the example in the batch, where in the output) -> what the number there is the sum of
_Way: TypeAlias = Callable[[NodeValues, int, tuple[int, ...]], tuple[Term, ...]]


def explain(values: Values, node: str, index: tuple[int, ...], *, example: int = 0) -> Explanation:
    """Takes one number of a node's output apart.

    Args:
        values: What flows through the network; the node must be among them.
        node: Its id.
        index: Where the number stands in the output, without the batch: ``(unit,)`` of a vector.
        example: Which one of the batch.

    Raises:
        ParamError: There is no such number, or numbers of this kind of layer cannot be taken apart.
    """
    found = values.nodes.get(node)
    if found is None:
        raise ParamError(f"'{node:.40}' is not among the layers whose values are known.", field="node")
    count, *shape = found.output.shape
    inside = len(index) == len(shape) and all(0 <= at < size for at, size in zip(index, shape, strict=True))
    if not inside or not 0 <= example < count:
        sizes = " × ".join(map(str, shape))
        raise ParamError(f"The output of {node} is {sizes}: there is nothing at {index}.", field="index")
    way = _WAYS.get(found.kind)
    if way is None:
        title = registry.layer(found.kind).title
        raise ParamError(f"{node} is of the kind {title}, whose numbers cannot be taken apart.", field="node")
    return Explanation(node, index, float(found.output[(example, *index)]), way(found, example, index))


def _dense(found: NodeValues, example: int, index: tuple[int, ...]) -> tuple[Term, ...]:
    """A unit is the sum over its inputs of weight times input, and of its bias."""
    (unit,) = index
    (source,) = found.sources
    weights, inputs = found.parameters["weight"][unit], found.inputs[0][example]
    terms = [
        Term((Factor(found.node, "weight", (unit, at), float(weight)), Factor(source, "output", (at,), float(value))))
        for at, (weight, value) in enumerate(zip(weights, inputs, strict=True))
    ]
    if "bias" in found.parameters:
        terms.append(Term((Factor(found.node, "bias", (unit,), float(found.parameters["bias"][unit])),)))
    return tuple(terms)


_WAYS: Mapping[str, _Way] = {"linear": _dense}
