"""Losses: what the answer of the network costs for one example, and how that changes with each of its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias, cast

import numpy as np

from nnviz.errors import InputError
from nnviz.explain.explanation import COMPUTED, Factor, Index, Term, exact_sum, gathered
from nnviz.explain.kinds.way import Doubles, behind, output_of, term_of
from nnviz.explain.values import NodeValues, Values
from nnviz.project import registry


@dataclass(frozen=True, eq=False)
class Answer:
    """What the network put out for one example, beside what is right."""

    values: Values
    output: NodeValues
    example: int

    @cached_property
    def numbers(self) -> Doubles:
        """What it put out, in one row."""
        return np.asarray(self.output.output[self.example], np.float64).reshape(-1)

    def index(self, at: int) -> Index:
        """Where the number of the row stands in the output."""
        return tuple(int(one) for one in np.unravel_index(at, self.output.output.shape[1:]))

    def number(self, at: int) -> Factor:
        """One number that it put out."""
        return output_of(self.output.node, self.index(at), self.numbers[at], self.example)

    @property
    def count(self) -> int:
        """Numbers in the row."""
        return len(self.numbers)

    @property
    def label(self) -> int:
        """The right class, of a loss that takes labels."""
        assert self.values.targets is not None
        right = self.values.targets[self.example]
        if np.ndim(right):
            raise InputError(
                "Mixed examples have no single right class: their loss is not taken apart.", field="example"
            )
        return int(right)

    @cached_property
    def wanted(self) -> Doubles:
        """What is right, number by number."""
        assert self.values.targets is not None
        return np.asarray(self.values.targets[self.example], np.float64).reshape(-1)

    def target(self, at: int) -> Factor:
        """What is right for one number."""
        return Factor(self.output.node, "target", self.index(at), float(self.wanted[at]), "y", self.example)

    def setting(self, name: str) -> float:
        """A setting of the loss; as it is declared where nobody has set it."""
        function = self.values.loss_function
        assert function is not None
        found = function.values.get(name, registry.loss(function.kind).param(name).default)
        return cast(float, found)

    def computed(self, value: float, name: str, *made_of: Factor | Term) -> Factor:
        """A number that stands nowhere in the network."""
        terms = tuple(part if isinstance(part, Term) else term_of(part) for part in made_of)
        return Factor(self.output.node, COMPUTED, (), float(value), name, made_of=terms)

    def distance(self, at: int) -> Factor:
        """The difference p − y."""
        minus = self.computed(-1.0, "−1")
        made_of = (term_of(self.number(at)), Term((minus, self.target(at)), "the target"))
        return self.computed(float(self.numbers[at] - self.wanted[at]), "p − y", *made_of)


@dataclass(frozen=True, slots=True)
class LossWay:
    """How a loss is taken apart.

    Attributes:
        forward: What the loss of one example is the sum of.
        slope: (the answer, number in the row) -> d loss of the example / d that number, as factors.
        back: The formula of that.
        words: What is to be said beside the help of its declaration.
        weighs: It turns the numbers of the answer into shares of 1 by their exponentials, and takes that of one label.
    """

    forward: Callable[[Answer], list[Term]]
    slope: Callable[[Answer, int], tuple[Factor, ...]]
    back: str
    words: str = ""
    weighs: bool = False


_Each: TypeAlias = Callable[[Answer, int], tuple[Factor, ...]]


def _mean(each: _Each, slope: _Each, back: str) -> LossWay:
    """Of a loss that is the mean over all numbers of the answer."""

    def shares(answer: Answer) -> tuple[Factor, ...]:
        return () if answer.count == 1 else (answer.computed(1 / answer.count, f"1/{answer.count}"),)

    def forward(answer: Answer) -> list[Term]:
        share = shares(answer)
        products = [(*share, *each(answer, at)) for at in range(answer.count)]
        values = [math.prod(factor.value for factor in factors) for factors in products]
        return gathered(values, lambda at: term_of(*products[at], source=term_of(answer.number(at)).source))

    return LossWay(forward, lambda answer, at: (*shares(answer), *slope(answer, at)), back)


# ---- classes -------------------------------------------------------------------------------------------------------


class _Shares:
    """Softmax of the answer: logits → exp → ÷ sum."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        largest = float(answer.numbers.max())
        # Very large logits have no exponential; all are then taken down by the largest, which changes no share.
        self.shift = largest if abs(largest) > 500 else 0.0
        self.name = "e^z" if not self.shift else "e^(z − largest)"
        self.powers = np.exp(answer.numbers - self.shift)
        self.sum = exact_sum(self.powers)

    def power(self, at: int) -> Factor:
        return self.answer.computed(float(self.powers[at]), f"{self.name}[{at}]", self.answer.number(at))

    @cached_property
    def total(self) -> Factor:
        answer = self.answer
        terms = behind(self.powers, lambda at: term_of(self.power(at), source=term_of(answer.number(at)).source))
        return answer.computed(self.sum, f"Σ {self.name}", *terms)

    def share(self, at: int) -> Factor:
        """The probability p of one class."""
        inverse = self.answer.computed(1.0 / self.sum, f"1 / Σ {self.name}", self.total)
        made_of = term_of(self.power(at), inverse, source=term_of(self.answer.number(at)).source)
        return self.answer.computed(float(self.powers[at]) / self.sum, f"p[{at}]", made_of)

    def logarithm(self, at: int) -> Factor:
        """The logarithm ln p of one class, also where p is too small for a number."""
        value = float(self.answer.numbers[at]) - self.shift - math.log(self.sum)
        return self.answer.computed(value, f"ln p[{at}]", self.share(at))


def _weight(answer: Answer) -> tuple[Factor, ...]:
    """What the class of the example counts; nothing where all count alike."""
    assert answer.values.loss_function is not None
    settings = answer.values.loss_function.values
    weights = settings.get("weights")
    if settings.get("class_weights", "none") == "none" or not isinstance(weights, tuple):
        return ()
    return (answer.computed(float(cast(float, weights[answer.label])), f"w[{answer.label}]"),)


def _cross_entropy(answer: Answer) -> list[Term]:
    label, shares = answer.label, _Shares(answer)
    logarithm, minus = shares.logarithm(label), answer.computed(-1.0, "−1")
    weight, smoothing = _weight(answer), answer.setting("label_smoothing")
    if not smoothing:
        return [Term((minus, *weight, logarithm), f"the surprise at the right class, {label}")]
    logarithms = answer.numbers - shares.shift - math.log(shares.sum)
    each = behind(logarithms, lambda at: term_of(shares.logarithm(at), source=term_of(answer.number(at)).source))
    spread = answer.computed(exact_sum(logarithms), "Σ ln p", *each)
    kept = answer.computed(1 - smoothing, "1 − ε")
    part = answer.computed(smoothing / answer.count, "ε / K")
    return [
        Term((minus, *weight, kept, logarithm), f"the surprise at the right class, {label}"),
        Term((minus, *weight, part, spread), "the surprise at all classes, of label smoothing"),
    ]


def _cross_entropy_slope(answer: Answer, at: int) -> tuple[Factor, ...]:
    share, smoothing = _Shares(answer).share(at), answer.setting("label_smoothing")
    right = float(at == answer.label)
    target = Factor(answer.output.node, "target", answer.index(at), right, f"y[{at}]", answer.example)
    minus = answer.computed(-1.0, "−1")
    words = "1 at the right class, else 0"
    if smoothing:
        kept, spread = answer.computed(1 - smoothing, "1 − ε"), answer.computed(smoothing / answer.count, "ε / K")
        right = (1 - smoothing) * right + spread.value
        target = answer.computed(right, f"y[{at}]", Term((kept, target), words), Term((spread,), "spread over all"))
        words = "nearly 1 at the right class"
    made_of = (Term((share,), "softmax"), Term((minus, target), words))
    return (*_weight(answer), answer.computed(share.value - right, f"p[{at}] − y[{at}]", *made_of))


def _log_likelihood(answer: Answer) -> list[Term]:
    label = answer.label
    words = f"the surprise at the right class, {label}"
    return [Term((answer.computed(-1.0, "−1"), answer.number(label)), words)]


def _log_likelihood_slope(answer: Answer, at: int) -> tuple[Factor, ...]:
    right = at == answer.label
    return (answer.computed(-float(right), "−1" if right else "0: not the right class", answer.number(at)),)


def _missing(answer: Answer, at: int) -> Factor:
    """How much is missing from the margin over one wrong class."""
    label, margin = answer.label, answer.setting("margin")
    short = float(answer.numbers[at] - answer.numbers[label]) + margin
    made_of = (
        term_of(answer.number(at)),
        Term((answer.computed(-1.0, "−1"), answer.number(label)), "the right class"),
        Term((answer.computed(margin, "margin"),), "the margin"),
    )
    return answer.computed(short if not short <= 0 else 0.0, f"max(0, z[{at}] − z[{label}] + margin)", *made_of)


def _hinge(answer: Answer) -> list[Term]:
    wrong = [at for at in range(answer.count) if at != answer.label]
    factors = [_missing(answer, at) for at in wrong]
    sources = [term_of(answer.number(at)).source for at in wrong]
    return gathered([one.value for one in factors], lambda at: term_of(factors[at], source=sources[at]))


def _hinge_slope(answer: Answer, at: int) -> tuple[Factor, ...]:
    label = answer.label
    if at != label:
        short = _missing(answer, at)
        return (answer.computed(float(short.value > 0), "1 where the margin is not kept", short),)
    missed = sum(_missing(answer, other).value > 0 for other in range(answer.count) if other != label)
    return (answer.computed(-float(missed), "−1 for each margin that is not kept", answer.number(at)),)


# ---- yes or no -----------------------------------------------------------------------------------------------------


def _sigmoid(x: float) -> float:
    power = math.exp(-abs(x))
    return (1.0 if x >= 0 else power) / (1.0 + power)


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _logits(answer: Answer, at: int) -> tuple[Factor, ...]:
    """−y·ln σ(z) − (1 − y)·ln(1 − σ(z)): with a target of 0 or 1 only one half of it is there."""
    number, target = answer.number(at), answer.target(at)
    z, y = number.value, target.value
    share = answer.computed(_sigmoid(z), "p = σ(z)", number)
    minus = answer.computed(-1.0, "−1")
    if y in (0.0, 1.0):
        logarithm = -_softplus(-z) if y else -_softplus(z)
        return minus, answer.computed(logarithm, "ln p" if y else "ln(1 − p)", share)
    value = -y * _softplus(-z) - (1 - y) * _softplus(z)
    return minus, answer.computed(value, "y·ln p + (1 − y)·ln(1 − p)", share, target)


def _logits_slope(answer: Answer, at: int) -> tuple[Factor, ...]:
    number, target = answer.number(at), answer.target(at)
    share = answer.computed(_sigmoid(number.value), "σ(z)", number)
    made_of = (Term((share,), "the answer"), Term((answer.computed(-1.0, "−1"), target), "the target"))
    return (answer.computed(share.value - target.value, "σ(z) − y", *made_of),)


#: torch's own bounds: a logarithm is at least −100, and p·(1 − p) at least this.
_LOWEST, _SMALLEST = -100.0, 1e-12


def _logarithm(value: float) -> float:
    return max(math.log(value), _LOWEST) if value > 0 else _LOWEST


def _probability(answer: Answer, at: int) -> tuple[Factor, ...]:
    number, target = answer.number(at), answer.target(at)
    p, y = number.value, target.value
    minus = answer.computed(-1.0, "−1")
    if not 0 <= p <= 1:
        return (answer.computed(math.nan, "no number: p is no probability", number),)
    if y in (0.0, 1.0):
        logarithm = _logarithm(p if y else float(np.float32(1) - np.float32(p)))
        return minus, answer.computed(logarithm, "ln p" if y else "ln(1 − p)", number)
    value = y * _logarithm(p) + (1 - y) * _logarithm(1 - p)
    return minus, answer.computed(value, "y·ln p + (1 − y)·ln(1 − p)", number, target)


def _probability_slope(answer: Answer, at: int) -> tuple[Factor, ...]:
    number = answer.number(at)
    p = number.value
    inverse = answer.computed(1.0 / max(p * (1 - p), _SMALLEST), "1 / (p·(1 − p))", number)
    return answer.distance(at), inverse


def _margin(answer: Answer, at: int) -> float:
    return float((2.0 * answer.wanted[at] - 1.0) * answer.numbers[at])


def _perceptron(answer: Answer, at: int) -> tuple[Factor, ...]:
    """max(0, −y·z) with y = ±1."""
    sign = answer.computed(float(-(2.0 * answer.wanted[at] - 1.0)), "−y, y = ±1", answer.target(at))
    if _margin(answer, at) > 0:
        return answer.computed(0.0, "on the right side"), sign, answer.number(at)
    return sign, answer.number(at)


def _perceptron_slope(answer: Answer, at: int) -> tuple[Factor, ...]:
    if _margin(answer, at) > 0:
        return (answer.computed(0.0, "on the right side", answer.number(at)),)
    return (answer.computed(float(-(2.0 * answer.wanted[at] - 1.0)), "−y, y = ±1", answer.target(at)),)


# ---- numbers -------------------------------------------------------------------------------------------------------


def _absolute(answer: Answer, at: int) -> tuple[Factor, ...]:
    distance = answer.distance(at)
    return (answer.computed(abs(distance.value), "|p − y|", distance),)


def _sign(answer: Answer, distance: Factor) -> Factor:
    return answer.computed(float(np.sign(distance.value)), "sign of p − y", distance)


def _huber(answer: Answer, at: int) -> tuple[Factor, ...]:
    distance, delta = answer.distance(at), answer.setting("delta")
    if abs(distance.value) <= delta:
        return answer.computed(0.5, "1/2"), distance, distance
    bound = answer.computed(delta, "δ")
    rest = answer.computed(abs(distance.value) - delta / 2, "|p − y| − δ/2", distance)
    return bound, rest


def _huber_slope(answer: Answer, at: int) -> tuple[Factor, ...]:
    distance, delta = answer.distance(at), answer.setting("delta")
    if abs(distance.value) <= delta:
        return (distance,)
    return answer.computed(delta, "δ"), _sign(answer, distance)


def _each_itself(answer: Answer) -> list[Term]:
    return gathered(answer.numbers, lambda at: term_of(answer.number(at)))


LOSSES: Mapping[str, LossWay] = {
    "cross_entropy": LossWay(_cross_entropy, _cross_entropy_slope, "dL/dz_k = p_k − y_k", weighs=True),
    "nll": LossWay(_log_likelihood, _log_likelihood_slope, "dL/dz_k = −1 at the right class, else 0"),
    "hinge": LossWay(_hinge, _hinge_slope, "dL/dz_k = 1 where z_k − z_y + margin > 0; dL/dz_y = minus their number"),
    "bce_logits": _mean(_logits, _logits_slope, "dL/dz = σ(z) − y"),
    "bce": _mean(_probability, _probability_slope, "dL/dp = (p − y) / (p · (1 − p))"),
    "mse": _mean(
        lambda answer, at: (answer.distance(at), answer.distance(at)),
        lambda answer, at: (answer.computed(2.0, "2"), answer.distance(at)),
        "dL/dp = 2 · (p − y) / n",
    ),
    "l1": _mean(_absolute, lambda answer, at: (_sign(answer, answer.distance(at)),), "dL/dp = sign(p − y) / n"),
    "huber": _mean(_huber, _huber_slope, "dL/dp = (p − y) / n where |p − y| ≤ δ, else δ · sign(p − y) / n"),
    "perceptron": _mean(_perceptron, _perceptron_slope, "dL/dz = −y where y · z ≤ 0, else 0"),
    "output_itself": LossWay(_each_itself, lambda answer, at: (answer.computed(1.0, "1"),), "dL/dp = 1"),
}
