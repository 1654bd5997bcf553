"""Takes the numbers of a network apart, forwards and backwards: (what flows through it, where) -> terms.

Forwards a number is the sum of what it was computed from; backwards, how the loss changes with it is the sum over all
that it flows to: the slope there times how the loss changes with that (the chain rule). Every factor that stands
somewhere in the network can be explained in its turn (:func:`follow`), from the loss back to a pixel.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection

import numpy as np
import torch

from nnviz.errors import ParamError
from nnviz.explain import kinds
from nnviz.explain.explanation import (
    COMPUTED,
    GRADIENT,
    OUTPUT,
    PARAMETER_GRADIENT,
    Explanation,
    Factor,
    Index,
    Term,
    gathered,
    place_name,
    place_words,
)
from nnviz.explain.kinds.losses import Answer
from nnviz.explain.kinds.way import Flow
from nnviz.explain.place import LOSS
from nnviz.explain.values import NodeValues, Values
from nnviz.network.network import Network
from nnviz.project import registry
from nnviz.project.checks.shapes import inputs_of


def explain(values: Values, node: str, index: Index, *, example: int = 0) -> Explanation:
    """Takes one number that a node puts out apart.

    Args:
        values: What flows through the network; the node must be among them.
        node: Its id.
        index: Where the number stands in the output, without the batch: ``(unit,)`` of a vector, ``(channel, row,
            column)`` of an image.
        example: Which one of the batch.

    Raises:
        ParamError: There is no such number.
    """
    found = _found(values, node, index, example)
    way = kinds.way_of(found.kind)
    spec = registry.layer(found.kind)
    with np.errstate(all="ignore"):  # a number that is not finite is explained like any other
        terms = tuple(way.forward(found, example, index))
    return Explanation(
        node,
        index,
        float(found.output[(example, *index)]),
        terms,
        example=example,
        formula=way.formula or plain(spec.formula),
        words=f"{spec.help} {way.words}".rstrip(),
    )


def explain_gradient(values: Values, node: str, index: Index, *, example: int = 0) -> Explanation:
    """How the loss changes with one number that a node puts out: the sum over all that it flows to.

    Args:
        values: With gradients; the nodes that use this one must be among them (see :func:`needed`).
        node: Its id.
        index: Where the number stands in its output, without the batch.
        example: Which one of the batch.

    Raises:
        ParamError: There is no such number, or what flows back to it is not known.
    """
    found = _found(values, node, index, example)
    _need_gradients(values)
    terms: list[Term] = []
    formulas: list[str] = []
    if node == values.output_id:
        with np.errstate(all="ignore"):
            terms += _of_the_loss(values, found, example, index)
        formulas.append(kinds.loss_way_of(_loss_kind(values)).back)
    for consumer, port in values.uses.get(node, ()):
        other = values.nodes.get(consumer)
        if other is None:
            raise ParamError(f"'{consumer:.40}' is not among the layers whose values are known.", field="node")
        way = kinds.way_of(other.kind)
        with np.errstate(all="ignore"):
            terms += _flowing(other, way.backward(other, port, example, index))
        if way.back not in formulas:
            formulas.append(way.back)
    gradient = found.output_gradient
    if len(formulas) > 1 or len(values.uses.get(node, ())) > 1:
        words = "It is used more than once: what flows back along all of its wires is added."
    elif not terms:
        words = "Nothing that leads to the loss changes with it."
    else:
        words = "Over all that it flows to: the slope there, times how the loss changes with that."
    return Explanation(
        node,
        index,
        0.0 if gradient is None else float(gradient[(example, *index)]),
        tuple(terms),
        quantity="gradient",
        example=example,
        formula="; ".join(formulas) or "dL/dy = 0",
        words=words,
    )


def explain_parameter_gradient(values: Values, node: str, name: str, index: Index) -> Explanation:
    """How the loss changes with one number of a parameter: the sum over all places and examples where it is used.

    Args:
        values: With gradients; the node must be among them.
        node: Its id.
        name: Of the parameter, such as ``weight``.
        index: Where the number stands in it.

    Raises:
        ParamError: There is no such number.
    """
    found = parameter_place(values, node, name, index)
    _need_gradients(values)
    way = kinds.way_of(found.kind)
    assert way.parameter is not None
    gradient = found.parameter_gradients.get(name)
    with np.errstate(all="ignore"):
        terms = () if gradient is None else tuple(_flowing(found, way.parameter(found, name, index)))
    return Explanation(
        node,
        index,
        0.0 if gradient is None else float(gradient[index]),
        terms,
        part=name,
        quantity="gradient",
        formula=f"dL/d{name} = Σ dy/d{name} · dL/dy",
        words="Over all places and examples where it is used: what it is multiplied by there, times how the loss "
        "changes with what comes out.",
    )


def explain_loss(values: Values, *, example: int = 0) -> Explanation:
    """The loss of one example.

    Raises:
        ParamError: There is no right answer, or the output is not among the values.
    """
    found = values.nodes.get(values.output_id)
    if found is None or values.loss_function is None or values.targets is None:
        raise ParamError("There is no right answer to this example, and so no loss.", field="node")
    if not 0 <= example < len(found.output):
        raise ParamError(f"There are {len(found.output)} examples: there is no number {example}.", field="example")
    spec = registry.loss(values.loss_function.kind)
    answer = Answer(values, found, example)
    outputs = torch.from_numpy(found.output[example : example + 1].copy())
    targets = torch.from_numpy(values.targets[example : example + 1].copy())
    way = kinds.loss_way_of(spec.kind)
    with np.errstate(all="ignore"):
        terms = tuple(way.forward(answer))
    return Explanation(
        LOSS,
        (),
        float(values.loss_function(outputs, targets)),
        terms,
        part=LOSS,
        example=example,
        formula=f"L = {plain(spec.formula)}",
        words=f"{spec.help} {way.words}".rstrip(),
    )


def follow(values: Values, factor: Factor) -> Explanation | None:
    """What a factor comes from; None where it is not made of anything, as a weight is not.

    Raises:
        ParamError: The node that it belongs to, or one that uses it, is not among the values.
    """
    if factor.part == OUTPUT:
        return explain(values, factor.node, factor.index, example=factor.example)
    if factor.part == GRADIENT:
        return explain_gradient(values, factor.node, factor.index, example=factor.example)
    if factor.part.startswith(PARAMETER_GRADIENT):
        name = factor.part.removeprefix(PARAMETER_GRADIENT)
        return explain_parameter_gradient(values, factor.node, name, factor.index)
    return None


def needed(network: Network, node: str, *, backwards: bool = False) -> set[str]:
    """The nodes whose values an explanation of this one's numbers looks at, for ``values_of_example(…, wanted=…)``."""
    if node == LOSS and node not in network.node_ids:
        return {network.output_id}
    uses = {other for other in network.trained_ids if node in inputs_of(network.graph, other)} if backwards else set()
    return {node, *uses}


def parameter_place(values: Values, node: str, name: str, index: Index) -> NodeValues:
    """The node, where it has this parameter and that has a number there.

    Raises:
        ParamError: There is no such number.
    """
    found = _known(values, node)
    parameter = found.parameters.get(name)
    if parameter is None:
        names: Collection[str] = list(found.parameters)
        has = f"it has {' and '.join(names)}" if names else "it has none"
        raise ParamError(f"{node} has no parameter '{name:.40}' ({has}).", field="parameter")
    if len(index) != parameter.ndim or not all(0 <= at < size for at, size in zip(index, parameter.shape, strict=True)):
        sizes = " × ".join(map(str, parameter.shape))
        raise ParamError(
            f"The {name} of {node} is {sizes}: there is nothing at {', '.join(map(str, index)) or 'no index'}.",
            field="index",
        )
    return found


def plain(formula: str) -> str:
    """A formula of a declaration without its HTML: ``y_k = b_k + Σ_j w_k,j · x_j``."""
    text = formula
    before = ""
    while text != before:  # from the inside out
        before = text
        text = re.sub(r"<sub>([^<]*)</sub>", r"_\1", text)
        text = re.sub(r"<sup>([^<]{1,2})</sup>", r"^\1", text)
        text = re.sub(r"<sup>([^<]*)</sup>", r"^(\1)", text)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", text)).split())


def _known(values: Values, node: str) -> NodeValues:
    found = values.nodes.get(node)
    if found is None:
        raise ParamError(f"'{node:.40}' is not among the layers whose values are known.", field="node")
    return found


def _found(values: Values, node: str, index: Index, example: int) -> NodeValues:
    found = _known(values, node)
    count, *shape = found.output.shape
    inside = len(index) == len(shape) and all(0 <= at < size for at, size in zip(index, shape, strict=True))
    if not inside or not 0 <= example < count:
        sizes = " × ".join(map(str, shape))
        raise ParamError(f"The output of {node} is {sizes}: there is nothing at {index}.", field="index")
    return found


def _need_gradients(values: Values) -> None:
    if not values.has_gradients:
        raise ParamError("No gradients were asked for, or there is no right answer to this example.", field="node")


def _loss_kind(values: Values) -> str:
    assert values.loss_function is not None
    return values.loss_function.kind


def _of_the_loss(values: Values, found: NodeValues, example: int, index: Index) -> list[Term]:
    """The slope of the loss at one of the network's answers; of a batch it is the (weighted) mean over its examples."""
    answer = Answer(values, found, example)
    at = 0
    for place, size in zip(index, found.output.shape[1:], strict=True):
        at = at * size + place
    factors = kinds.loss_way_of(_loss_kind(values)).slope(answer, at)
    count = len(found.output)
    if values.shares is not None:
        share = Factor(found.node, COMPUTED, (), float(values.shares[example]), "w / Σ w, what the example weighs")
        factors = (share, *factors)
    elif count > 1:
        factors = (Factor(found.node, COMPUTED, (), 1 / count, f"1/{count}, the mean of the batch"), *factors)
    return [Term(factors, "the loss")]


def _flowing(node: NodeValues, flow: Flow) -> list[Term]:
    """For each place that a number flows to: the slope there times the gradient there."""
    gradients = node.output_gradient
    if gradients is None or not len(flow.slopes):
        return []
    several = len(gradients) > 1
    there = gradients[(flow.examples, *flow.places.T)].astype(float)

    places, examples = list(map(tuple, flow.places.tolist())), flow.examples.tolist()

    def term(number: int) -> Term:
        index, example = places[number], examples[number]
        gradient = Factor(
            node.node, GRADIENT, index, float(there[number]), f"dL/d {place_name(node.node, index)}", example
        )
        source = place_words(node.node, index)
        return Term((*flow.factors(number), gradient), f"{source}, example {example}" if several else source)

    return gathered(flow.slopes * there, term)
