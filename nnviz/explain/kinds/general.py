"""How a kind that has no way of its own is taken apart: by its slopes at this input, which autograd knows.

A value is the sum of slope times number over all that it depends on, and a rest: what the slopes leave over, which of a
kind made of straight lines is its offset. What a number flows to is a column of the same slopes. A loss is taken apart
like a value, and of an optimizer the real one makes its step on a copy.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import cast

import numpy as np
import torch
from torch import Tensor

from nnviz.explain.explanation import Factor, Index, Term, exact_sum, gathered
from nnviz.explain.kinds.losses import Answer, LossWay
from nnviz.explain.kinds.optimizers import Before, UpdateWay
from nnviz.explain.kinds.way import Doubles, Flow, Way, behind, computed, input_of, term_of
from nnviz.explain.values import NodeValues, Numbers
from nnviz.project import registry

#: A rest below this share of the terms is nothing but their rounding.
_ROUNDING = 2.0**-22
#: Two ways to the same slopes differ by less than this share.
_AGREE = 1e-4


# ---- layers --------------------------------------------------------------------------------------------------------


class _Again:
    """A layer computed once more from the same numbers, with autograd behind it.

    Attributes:
        inputs: What it takes, port by port.
        parameters: By name.
        output: What it gives.
    """

    def __init__(self, values: NodeValues) -> None:
        assert values.module is not None
        # A copy that no other thread calls; its numbers are not copied, since those from then are put in their place.
        module = copy.deepcopy(values.module, {id(tensor): tensor for tensor in values.module.parameters()})
        module.train(values.training)

        def numbers(array: Numbers) -> Tensor:
            return torch.from_numpy(array.copy()).to(values.device)

        self.inputs = [numbers(array).requires_grad_() for array in values.inputs]
        self.parameters = {name: numbers(array).requires_grad_() for name, array in values.parameters.items()}
        types = {name: buffer.dtype for name, buffer in module.named_buffers()}
        statistics = {name: numbers(array).to(types[name]) for name, array in values.statistics.items()}
        with torch.enable_grad(), values.random.borrowed() if values.random is not None else nullcontext():
            self.output: Tensor = torch.func.functional_call(
                module, {**self.parameters, **statistics}, tuple(self.inputs)
            )


def _forward(values: NodeValues, example: int, index: Index) -> list[Term]:
    again = _Again(values)
    slopes = _slopes(again.output[(example, *index)], again.inputs)
    places = [(port, tuple(place)) for port, slope in enumerate(slopes) for place in np.argwhere(slope).tolist()]
    steep = np.array([slopes[port][place] for port, place in places], np.float64)
    incoming = np.array([values.inputs[port][place] for port, place in places], np.float64)

    def number(port: int, place: Index) -> Factor:
        whose, *rest = place
        found = input_of(values, port, whose, tuple(rest))
        return found if whose == example else dataclasses.replace(found, name=f"{found.name} of example {whose}")

    def rest(value: float) -> Factor:
        if places:
            return computed(values, value, "y − Σ ∂y/∂x · x")
        # That it is made of what comes in is all that is known.
        shapes = [numbers.shape[1:] for numbers in values.inputs]
        taken = [(port, (example, *place)) for port, shape in enumerate(shapes) for place in np.ndindex(*shape)]
        made_of = behind([values.inputs[port][place] for port, place in taken], lambda at: term_of(number(*taken[at])))
        return computed(values, value, "y, which has no slope here", made_of)

    return _with_rest(
        float(values.output[(example, *index)]),
        steep * incoming,
        lambda at: term_of(computed(values, steep[at], "∂y/∂x"), number(*places[at])),
        rest,
    )


def _backward(values: NodeValues, port: int, example: int, index: Index) -> Flow:
    again, place = _Again(values), (example, *index)
    slopes = _column(again.output, again.inputs[port], place)
    # Where it flows to nothing at the moment it is led on to its own place, with a slope of 0.
    alike = again.inputs[port].shape == again.output.shape
    return _flow(values, slopes, "∂y/∂x", [place] if alike and not slopes.any() else None)


def _of_parameter(values: NodeValues, name: str, index: Index) -> Flow:
    again = _Again(values)
    return _flow(values, _column(again.output, again.parameters[name], index), f"∂y/∂{name}")


def _flow(values: NodeValues, slopes: Doubles, name: str, where: list[Index] | None = None) -> Flow:
    places = np.argwhere(slopes) if where is None else np.array(where)
    steep = slopes[tuple(places.T)]
    return Flow(places[:, 0], places[:, 1:], steep, lambda at: (computed(values, float(steep[at]), name),))


LAYER = Way(
    _forward,
    _backward,
    "dL/dx = Σ ∂y/∂x · dL/dy, with the slopes at this input",
    _of_parameter,
    words="It is taken apart by its slopes ∂y/∂x, those at this input; the rest is what they leave over.",
)


# ---- losses --------------------------------------------------------------------------------------------------------


def _loss_again(answer: Answer) -> tuple[float, Doubles]:
    """(the loss of the example, its slope at each number of the answer, in a row)."""
    values, example = answer.values, answer.example
    assert values.loss_function is not None and values.targets is not None
    outputs = torch.from_numpy(answer.output.output[example : example + 1].copy()).requires_grad_()
    with torch.enable_grad():
        loss = values.loss_function(outputs, torch.from_numpy(values.targets[example : example + 1].copy()))
    (slopes,) = _slopes(loss, [outputs])
    return float(loss.detach()), slopes.reshape(-1)


def _loss(answer: Answer) -> list[Term]:
    loss, slopes = _loss_again(answer)
    places = np.flatnonzero(slopes).tolist()

    def term(number: int) -> Term:
        at = places[number]
        return term_of(answer.computed(slopes[at], "∂L/∂p"), answer.number(at))

    def rest(value: float) -> Factor:
        if places:
            return answer.computed(value, "L − Σ ∂L/∂p · p")
        made_of = behind(answer.numbers, lambda at: term_of(answer.number(at)))
        return answer.computed(value, "L, which has no slope here", *made_of)

    return _with_rest(loss, slopes[places] * answer.numbers[places], term, rest)


def _loss_slope(answer: Answer, at: int) -> tuple[Factor, ...]:
    return (answer.computed(_loss_again(answer)[1][at], "∂L/∂p, the slope at this answer", answer.number(at)),)


LOSS = LossWay(
    _loss,
    _loss_slope,
    "dL/dp = ∂L/∂p, the slope at this answer",
    words="It is taken apart by its slopes ∂L/∂p, those at this answer; the rest is what they leave over.",
)


# ---- optimizers ----------------------------------------------------------------------------------------------------


def _update(before: Before) -> list[Term]:
    added = float(before.stepped()[before.index]) - before.weight.value
    made_of = [Term((before.gradient,), "the gradient")]
    made_of += [Term((before.kept(name, name),), "what was kept") for name in before.state if name in before.of_weights]
    step = before.computed(added, "Δ, what the optimizer's step adds", *made_of)
    return [Term((before.weight,), "the weight before"), Term((step,), "the optimizer's step")]


def update_way(kind: str) -> UpdateWay:
    """Of an optimizer of this kind."""
    formula = f"w′ = w + Δ, where Δ is what the step of {registry.optimizer(kind).title} adds"
    return UpdateWay(_update, lambda _settings: formula)


# ---- slopes --------------------------------------------------------------------------------------------------------


def _slopes(number: Tensor, inputs: Sequence[Tensor]) -> list[Doubles]:
    """Slopes of a number: d number / d each of the inputs."""
    found: Sequence[Tensor | None] = [None] * len(inputs)
    if number.requires_grad:
        found = torch.autograd.grad(number, inputs, allow_unused=True)
    return [_doubles(one, like) for one, like in zip(found, inputs, strict=True)]


def _column(output: Tensor, source: Tensor, index: Index) -> Doubles:
    """Slopes of a number of the source: d output / d that, everywhere in the output.

    What flows back is linear in what is sent back, so the slope of the one with respect to the other is the column.
    Where torch cannot differentiate twice, it is found number by number.
    """
    if not output.requires_grad:
        return _doubles(None, output)
    sent = torch.linspace(1, 2, output.numel(), device=output.device).reshape(output.shape).requires_grad_()
    with torch.enable_grad():
        found = torch.autograd.grad(output, source, sent, create_graph=True, allow_unused=True)
    back = cast("Tensor | None", found[0])
    if back is None:
        return _doubles(None, output)
    column = _doubles(_column_at_once(back[index], sent), output)
    shares = column * _doubles(sent, output)
    # A kind whose way back was written by hand may hide from autograd how it depends on what was sent.
    if abs(exact_sum(shares.reshape(-1)) - back[index].item()) > _AGREE * np.abs(shares).sum():
        numbers = output.reshape(-1)
        rows = (torch.autograd.grad(number, source, retain_graph=True, allow_unused=True)[0] for number in numbers)
        column = np.array([0.0 if row is None else row[index].item() for row in rows]).reshape(output.shape)
    return column


def _column_at_once(back: Tensor, sent: Tensor) -> Tensor | None:
    if not back.requires_grad:
        return None
    try:
        return torch.autograd.grad(back, sent, retain_graph=True, allow_unused=True)[0]
    except RuntimeError:  # it cannot be differentiated twice
        return None


def _with_rest(
    value: float, products: Doubles, term: Callable[[int], Term], factor: Callable[[float], Factor]
) -> list[Term]:
    """The products as terms, and what is missing to the value where that is more than their rounding."""
    terms = gathered(products, term)
    rest = value - exact_sum(products)
    if terms and abs(rest) <= _ROUNDING * (float(np.abs(products).sum()) + abs(value)):
        return terms
    return [*terms, Term((factor(rest),), "the rest")]


def _doubles(tensor: Tensor | None, like: Tensor) -> Doubles:
    if tensor is None:
        return np.zeros(like.shape)
    found: Doubles = tensor.detach().cpu().double().numpy()
    return found
