"""Activations: each number by itself is bent; softmax weighs it against the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias, cast

import numpy as np

from nnviz.explain.explanation import Factor, Index, Term
from nnviz.explain.kinds.way import Doubles, Flow, Way, behind, computed, input_of, output_of, parameter_of, term_of
from nnviz.explain.values import NodeValues

#: (the node, what comes in) -> what it is made of there; the product is what goes out
_Bend: TypeAlias = Callable[[NodeValues, Factor], tuple[Factor, ...]]
#: (the node, what comes in, what goes out) -> the slope there, as factors
_Slope: TypeAlias = Callable[[NodeValues, Factor, Factor], tuple[Factor, ...]]


def _way(bend: _Bend, slope: _Slope, back: str, **more: object) -> Way:
    """Of a layer that turns each number into one other."""

    def forward(values: NodeValues, example: int, index: Index) -> tuple[Term, ...]:
        number = input_of(values, 0, example, index)
        return (term_of(*bend(values, number), source=term_of(number).source),)

    def backward(values: NodeValues, port: int, example: int, index: Index) -> Flow:
        number = input_of(values, 0, example, index)
        answer = output_of(values.node, index, values.output[(example, *index)], example)
        return Flow.of(example, [index], [slope(values, number, answer)])

    def curve(values: NodeValues, index: Index, x: float) -> tuple[float, float]:
        number = output_of(values.node, index, x)
        y = math.prod(factor.value for factor in bend(values, number))
        answer = output_of(values.node, index, y)
        return y, math.prod(factor.value for factor in slope(values, number, answer))

    return Way(forward, backward, back, curve=curve, **more)  # type: ignore[arg-type]  # only ``parameter`` is handed on


def _of(values: NodeValues, value: float, name: str, *numbers: Factor) -> Factor:
    """A function of a number."""
    return computed(values, value, name, [term_of(number) for number in numbers])


def _gate(values: NodeValues, x: Factor) -> Factor:
    """1 where x is above 0, else 0."""
    return _of(values, float(x.value > 0), "since x > 0" if x.value > 0 else "since x ≤ 0", x)


def _sigmoid(x: float) -> float:
    power = math.exp(-abs(x))
    return (1.0 if x >= 0 else power) / (1.0 + power)


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _log_one_plus_exp(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


# ---- pieces of straight lines --------------------------------------------------------------------------------------


def _leak(values: NodeValues) -> Factor:
    return computed(values, cast(float, values.settings["negative_slope"]), "a")


def _leaky_bend(values: NodeValues, x: Factor) -> tuple[Factor, ...]:
    return (x,) if x.value > 0 else (_leak(values), x)


def _leaky_slope(values: NodeValues, x: Factor, y: Factor) -> tuple[Factor, ...]:
    return (_gate(values, x) if x.value > 0 else _leak(values),)


def _learned(values: NodeValues, index: Index) -> Factor:
    """The slope below 0: one for the layer, or one for each channel."""
    return parameter_of(values, "weight", (index[0] if len(values.parameters["weight"]) > 1 else 0,))


def _parametric_bend(values: NodeValues, x: Factor) -> tuple[Factor, ...]:
    return (x,) if x.value > 0 else (_learned(values, x.index), x)


def _parametric_slope(values: NodeValues, x: Factor, y: Factor) -> tuple[Factor, ...]:
    return (_gate(values, x) if x.value > 0 else _learned(values, x.index),)


def _parametric_parameter(values: NodeValues, name: str, index: Index) -> Flow:
    """The slope acts wherever what comes in is not positive."""
    inputs = values.inputs[0]
    negative = inputs <= 0
    if len(values.parameters["weight"]) > 1:
        others = np.arange(inputs.shape[1]) != index[0]
        negative = negative.copy()
        negative[:, others] = False
    places = np.argwhere(negative)
    return Flow(
        places[:, 0],
        places[:, 1:],
        inputs[negative].astype(np.float64),
        lambda number: (input_of(values, 0, int(places[number, 0]), tuple(places[number, 1:].tolist())),),
    )


def _hard_gate(x: float) -> float:
    return min(max(x + 3.0, 0.0), 6.0) / 6.0


def _hard_slope(values: NodeValues, x: Factor, y: Factor) -> tuple[Factor, ...]:
    if x.value <= -3:
        return (_of(values, 0.0, "since x ≤ −3", x),)
    if x.value >= 3:
        return (_of(values, 1.0, "since x ≥ 3", x),)
    return (_of(values, x.value / 3 + 0.5, "x/3 + 1/2", x),)


# ---- smooth ones ---------------------------------------------------------------------------------------------------


def _alpha(values: NodeValues) -> Factor:
    return computed(values, cast(float, values.settings["alpha"]), "α")


def _elu_bend(values: NodeValues, x: Factor) -> tuple[Factor, ...]:
    return (x,) if x.value > 0 else (_alpha(values), _of(values, math.expm1(x.value), "e^x − 1", x))


def _elu_slope(values: NodeValues, x: Factor, y: Factor) -> tuple[Factor, ...]:
    if x.value > 0:
        return (_gate(values, x),)
    return _alpha(values), _of(values, math.exp(x.value), "e^x", x)


def _normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


_ROOT, _CUBE = math.sqrt(2.0 / math.pi), 0.044715


def _gelu_share(values: NodeValues, x: Factor) -> Factor:
    if values.settings["approximate"] == "tanh":
        inner = _ROOT * (x.value + _CUBE * x.value**3)
        return _of(values, 0.5 * (1.0 + math.tanh(inner)), "(1 + tanh(√(2/π)·(x + 0.044715·x³))) / 2", x)
    return _of(values, _normal(x.value), "Φ(x)", x)


def _gelu_slope(values: NodeValues, x: Factor, y: Factor) -> tuple[Factor, ...]:
    at = x.value
    if values.settings["approximate"] == "tanh":
        bent = math.tanh(_ROOT * (at + _CUBE * at**3))
        slope = 0.5 * (1.0 + bent) + 0.5 * at * (1.0 - bent * bent) * _ROOT * (1.0 + 3.0 * _CUBE * at * at)
        return (_of(values, slope, "y′(x)", x),)
    density = math.exp(-0.5 * at * at) / math.sqrt(2.0 * math.pi)
    return (_of(values, _normal(at) + at * density, "Φ(x) + x·φ(x)", x),)


def _silu_slope(values: NodeValues, x: Factor, y: Factor) -> tuple[Factor, ...]:
    share = _sigmoid(x.value)
    return (_of(values, share * (1.0 + x.value * (1.0 - share)), "σ(x)·(1 + x·(1 − σ(x)))", x),)


# ---- softmax: over the features, or over the channels at each place ------------------------------------------------


class _Competition:
    """The numbers among which a softmax weighs."""

    def __init__(self, values: NodeValues, example: int, index: Index) -> None:
        self._values, self._example, self._place = values, example, index[1:]
        self.scores: Doubles = np.asarray(values.inputs[0][example][(slice(None), *index[1:])], np.float64)
        # Very large scores have no exponential; all are then taken down by the largest, which changes no share.
        largest = float(self.scores.max())
        self.shift = largest if abs(largest) > 500 or not math.isfinite(largest) else 0.0

    def input(self, channel: int) -> Factor:
        return input_of(self._values, 0, self._example, (channel, *self._place))

    def exponential(self, channel: int) -> Factor:
        name = "e^x" if not self.shift else "e^(x − largest)"
        return _of(self._values, _exp(float(self.scores[channel]) - self.shift), name, self.input(channel))

    @property
    def total(self) -> Factor:
        """The sum of all exponentials."""
        powers = np.exp(self.scores - self.shift)
        made_of = behind(
            powers, lambda channel: term_of(self.exponential(channel), source=term_of(self.input(channel)).source)
        )
        return computed(self._values, math.fsum(powers), "Σ e^x" if not self.shift else "Σ e^(x − largest)", made_of)

    def places(self) -> list[Index]:
        return [(channel, *self._place) for channel in range(len(self.scores))]

    def share(self, channel: int) -> Factor:
        """What goes out for a channel."""
        index = (channel, *self._place)
        return output_of(self._values.node, index, self._values.output[(self._example, *index)], self._example)


def _softmax_forward(values: NodeValues, example: int, index: Index) -> tuple[Term, ...]:
    """e^x ÷ the sum of all e^x."""
    among = _Competition(values, example, index)
    total = among.total
    inverse = computed(values, 1.0 / total.value, "1 / Σ e^x", (Term((total,), total.name),))
    return (term_of(among.exponential(index[0]), inverse, source=term_of(among.input(index[0])).source),)


def _softmax_backward(values: NodeValues, port: int, example: int, index: Index) -> Flow:
    """dp_k/dx_i = p_k·([k = i] − p_i): every share falls when another score rises."""
    among = _Competition(values, example, index)
    mine = among.share(index[0])
    slopes = []
    for channel in range(len(among.scores)):
        same = channel == index[0]
        name = "1 − p_i" if same else "−p_i"
        slopes.append((among.share(channel), _of(values, float(same) - mine.value, name, mine)))
    return Flow.of(example, among.places(), slopes)


def _log_softmax_forward(values: NodeValues, example: int, index: Index) -> tuple[Term, ...]:
    among = _Competition(values, example, index)
    total = among.total
    logarithm = computed(values, math.log(total.value), "ln Σ e^x", (Term((total,), total.name),))
    terms = [
        term_of(among.input(index[0])),
        Term((computed(values, -1.0, "−1"), logarithm), "the logarithm of the sum of all e^x"),
    ]
    if among.shift:
        terms.append(Term((computed(values, -among.shift, "−largest"),), "the largest, which was taken from each x"))
    return tuple(terms)


def _log_softmax_backward(values: NodeValues, port: int, example: int, index: Index) -> Flow:
    among = _Competition(values, example, index)
    mine = among.share(index[0])
    share = math.exp(mine.value)
    slopes = []
    for channel in range(len(among.scores)):
        same = channel == index[0]
        slopes.append((_of(values, float(same) - share, "1 − e^y_i" if same else "−e^y_i", mine),))
    return Flow.of(example, among.places(), slopes)


WAYS: Mapping[str, Way] = {
    "relu": _way(
        lambda values, x: (_gate(values, x), x),
        lambda values, x, y: (_gate(values, x),),
        "dL/dx = dL/dy where x > 0, else 0",
    ),
    "leaky_relu": _way(_leaky_bend, _leaky_slope, "dL/dx = dL/dy where x > 0, else a · dL/dy"),
    "prelu": _way(
        _parametric_bend,
        _parametric_slope,
        "dL/dx = dL/dy where x > 0, else a · dL/dy",
        parameter=_parametric_parameter,
    ),
    "sigmoid": _way(
        lambda values, x: (_of(values, _sigmoid(x.value), "σ(x)", x),),
        lambda values, x, y: (y, _of(values, 1.0 - y.value, "1 − y", y)),
        "dL/dx = y · (1 − y) · dL/dy",
    ),
    "tanh": _way(
        lambda values, x: (_of(values, math.tanh(x.value), "tanh(x)", x),),
        lambda values, x, y: (_of(values, 1.0 - y.value * y.value, "1 − y²", y),),
        "dL/dx = (1 − y²) · dL/dy",
    ),
    "softmax": Way(_softmax_forward, _softmax_backward, "dL/dx_i = Σ_k p_k · ([k = i] − p_i) · dL/dp_k", weighs=True),
    "log_softmax": Way(_log_softmax_forward, _log_softmax_backward, "dL/dx_i = Σ_k ([k = i] − e^y_i) · dL/dy_k"),
    "elu": _way(_elu_bend, _elu_slope, "dL/dx = dL/dy where x > 0, else α · e^x · dL/dy"),
    "gelu": _way(lambda values, x: (x, _gelu_share(values, x)), _gelu_slope, "dL/dx = (Φ(x) + x · φ(x)) · dL/dy"),
    "silu": _way(
        lambda values, x: (x, _of(values, _sigmoid(x.value), "σ(x)", x)),
        _silu_slope,
        "dL/dx = σ(x) · (1 + x · (1 − σ(x))) · dL/dy",
    ),
    "hardswish": _way(
        lambda values, x: (x, _of(values, _hard_gate(x.value), "min(max(x + 3, 0), 6) / 6", x)),
        _hard_slope,
        "dL/dx = 0 where x ≤ −3, dL/dy where x ≥ 3, else (x/3 + 1/2) · dL/dy",
    ),
    "softplus": _way(
        lambda values, x: (_of(values, _log_one_plus_exp(x.value), "ln(1 + e^x)", x),),
        lambda values, x, y: (_of(values, _sigmoid(x.value), "σ(x)", x),),
        "dL/dx = σ(x) · dL/dy",
    ),
    "step": _way(
        lambda values, x: (_gate(values, x),),
        lambda values, x, y: (computed(values, 0.0, "the slope of a step"),),
        "dL/dx = 0 · dL/dy: a step has no slope",
    ),
}
