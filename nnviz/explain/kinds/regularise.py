"""Normalisations, by the statistics of the batch or by those that were gathered, and dropout."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import TypeAlias, cast

import numpy as np

from nnviz.explain.explanation import Factor, Index, Term, exact_sum, gathered
from nnviz.explain.kinds.way import (
    MOST_BEHIND,
    Doubles,
    Flow,
    Places,
    Way,
    behind,
    computed,
    input_of,
    parameter_of,
    statistic_of,
    term_of,
)
from nnviz.explain.values import NodeValues

#: (the node, number of the example, where) -> (m, 1 + rank), the numbers that are normalised together, batch first
_Members: TypeAlias = Callable[[NodeValues, int, Index], Places]


def _grid(*ranges: Places) -> Places:
    return np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, len(ranges))


def _over_batch(values: NodeValues, example: int, index: Index) -> Places:
    """The channel in the whole batch, at all positions."""
    shape = values.output.shape
    return _grid(np.arange(shape[0]), np.array([index[0]]), *(np.arange(size) for size in shape[2:]))


def _over_example(values: NodeValues, example: int, index: Index) -> Places:
    """All numbers of the example."""
    return _grid(np.array([example]), *(np.arange(size) for size in values.output.shape[1:]))


def _over_group(values: NodeValues, example: int, index: Index) -> Places:
    """The channels of the group, at all positions of the example."""
    shape = values.output.shape
    size = shape[1] // cast(int, values.settings["groups"])
    first = index[0] // size * size
    return _grid(np.array([example]), np.arange(first, first + size), *(np.arange(size) for size in shape[2:]))


class _Normal:
    """The mean and the spread by which one number is normalised.

    Attributes:
        mean, inverse: μ and 1 / √(σ² + ε) as factors.
        members: Where the numbers stand that they were taken from; None where they were gathered before.
    """

    def __init__(self, values: NodeValues, example: int, index: Index, members: Places | None) -> None:
        self.values = values
        self.members = members
        epsilon = cast(float, values.settings["epsilon"])
        if members is None:
            self.mean = statistic_of(values, "running_mean", (index[0],))
            variance = statistic_of(values, "running_var", (index[0],))
        else:
            numbers: Doubles = values.inputs[0][tuple(members.T)].astype(np.float64)
            count = len(numbers)
            mean = exact_sum(numbers) / count
            self.mean = computed(
                values,
                mean,
                f"μ, the mean of {count:,}",
                behind(numbers / count, lambda at: term_of(computed(values, 1 / count, f"1/{count}"), self.member(at))),
            )
            squares = (numbers - mean) ** 2
            variance = computed(
                values,
                exact_sum(squares) / count,
                f"σ², the mean squared distance of {count:,}",
                behind(squares / count, lambda at: self._distance_squared(at, mean, count)),
            )
        spread = computed(values, epsilon, "ε")
        self.inverse = computed(
            values,
            1.0 / math.sqrt(variance.value + epsilon),
            "1 / √(σ² + ε)",
            (Term((variance,), "σ²"), Term((spread,), "ε")),
        )

    def member(self, at: int) -> Factor:
        """One of the numbers that are normalised together."""
        assert self.members is not None
        example, *place = self.members[at].tolist()
        found = input_of(self.values, 0, example, tuple(place))
        if self.members[0, 0] == self.members[-1, 0]:
            return found
        return dataclasses.replace(found, name=f"{found.name} of example {example}")

    def _distance_squared(self, at: int, mean: float, count: int) -> Term:
        member = self.member(at)
        distance = computed(self.values, (member.value - mean) ** 2, "(x − μ)²", (term_of(member),))
        return term_of(computed(self.values, 1 / count, f"1/{count}"), distance, source=term_of(member).source)

    def distance(self, number: Factor) -> Factor:
        """The distance x − μ."""
        minus = computed(self.values, -1.0, "−1")
        return computed(
            self.values,
            number.value - self.mean.value,
            "x − μ",
            (term_of(number), Term((minus, self.mean), "the mean")),
        )

    def normalised(self, number: Factor) -> Factor:
        """(x − μ) / √(σ² + ε)."""
        distance = self.distance(number)
        made_of = term_of(distance, self.inverse, source=term_of(number).source)
        return computed(self.values, distance.value * self.inverse.value, "x̂ = (x − μ) / √(σ² + ε)", (made_of,))


class _Normalisation:
    """A layer that normalises.

    Args:
        members: What is normalised together.
        by_channel: Whether there is one scale and one shift for each channel, or for each number of an example.
        over_batch: Whether that is over the batch. It has statistics of its own then, for evaluation mode.
    """

    def __init__(self, members: _Members, *, by_channel: bool, over_batch: bool = False) -> None:
        self._members, self._by_channel, self._over_batch = members, by_channel, over_batch

    def _scaled(self, index: Index) -> Index:
        """Where scale and shift of a number stand."""
        return index[:1] if self._by_channel else index

    def normal(self, values: NodeValues, example: int, index: Index) -> _Normal:
        fixed = self._over_batch and not values.training
        return _Normal(values, example, index, None if fixed else self._members(values, example, index))

    def _scale(self, values: NodeValues, index: Index) -> tuple[Factor, ...]:
        if "weight" not in values.parameters:
            return ()
        return (parameter_of(values, "weight", self._scaled(index)),)

    def forward(self, values: NodeValues, example: int, index: Index) -> list[Term]:
        """γ · (x − μ) / √(σ² + ε), and the shift."""
        normal, number = self.normal(values, example, index), input_of(values, 0, example, index)
        scale = self._scale(values, index)
        terms = [term_of(*scale, normal.distance(number), normal.inverse, source=term_of(number).source)]
        if "bias" in values.parameters:
            terms.append(Term((parameter_of(values, "bias", self._scaled(index)),), "shift"))
        return terms

    def backward(self, values: NodeValues, port: int, example: int, index: Index) -> Flow:
        """Directly to its own place; and by way of mean and spread to all that are normalised with it."""
        normal = self.normal(values, example, index)
        if normal.members is None:
            return Flow.of(example, [index], [(*self._scale(values, index), normal.inverse)])
        members = normal.members
        count = len(members)
        numbers = values.inputs[0][tuple(members.T)].astype(np.float64)
        hats = (numbers - normal.mean.value) * normal.inverse.value
        mine = np.all(members == np.array([example, *index]), axis=1)
        hat = float(hats[mine][0])
        shares = mine.astype(np.float64) - 1.0 / count - hats * hat / count
        if "weight" in values.parameters:
            places = members[:, 1:2] if self._by_channel else members[:, 1:]
            scales = values.parameters["weight"][tuple(places.T)].astype(np.float64)
        else:
            scales = np.ones(count)
        own = input_of(values, 0, example, index)

        def factors(at: int) -> tuple[Factor, ...]:
            same, other = bool(mine[at]), normal.member(at)
            name = f"{'1 − ' if same else '−'}1/m − x̂·x̂_k/m, m = {count:,}"
            made_of = (
                (term_of(normal.normalised(own)),)
                if same
                else (
                    term_of(normal.normalised(own)),
                    term_of(normal.normalised(other)),
                )
            )
            scale = self._scale(values, other.index)
            return (*scale, normal.inverse, computed(values, float(shares[at]), name, made_of))

        return Flow(members[:, 0], members[:, 1:], scales * normal.inverse.value * shares, factors)

    def parameter(self, values: NodeValues, name: str, index: Index) -> Flow:
        """A scale is multiplied by what was normalised, a shift by 1, wherever they are used."""
        count, *shape = values.output.shape
        spots = [np.array([at]) for at in index] + [np.arange(size) for size in shape[len(index) :]]
        places = _grid(np.arange(count), *spots)
        if name == "bias":
            return Flow(places[:, 0], places[:, 1:], np.ones(len(places)), lambda _: (computed(values, 1.0, "1"),))
        # All that one scale is for in an example is normalised together, and over the batch in all of them.
        first = (*index, *(0 for _ in shape[len(index) :]))
        normals = [self.normal(values, example, first) for example in range(1 if self._over_batch else count)]
        means, inverses = (
            np.array([getattr(normal, part).value for normal in normals]) for part in ("mean", "inverse")
        )
        whose = np.zeros(len(places), int) if self._over_batch else places[:, 0]
        slopes = (values.inputs[0][tuple(places.T)].astype(np.float64) - means[whose]) * inverses[whose]

        def factors(at: int) -> tuple[Factor, ...]:
            example, *place = places[at].tolist()
            return (normals[whose[at]].normalised(input_of(values, 0, example, tuple(place))),)

        return Flow(places[:, 0], places[:, 1:], slopes, factors)

    def way(self) -> Way:
        """All of it."""
        back = "dL/dx = Σ_k γ / √(σ² + ε) · ([k = own] − 1/m − x̂·x̂_k/m) · dL/dy_k, over the m normalised together"
        if self._over_batch:
            back += "; in evaluation mode γ / √(σ² + ε) · dL/dy"
        return Way(self.forward, self.backward, back, self.parameter)


# ---- dampened by the neighbours ------------------------------------------------------------------------------------


class _Damping:
    """(k + α/n · Σ x²)^−β at one place."""

    def __init__(self, values: NodeValues, example: int, index: Index) -> None:
        settings = values.settings
        self.size = cast(int, settings["size"])
        self.alpha, self.beta, constant = (cast(float, settings[name]) for name in ("alpha", "beta", "k"))
        channel, *place = index
        first = max(0, channel - self.size // 2)
        last = min(values.inputs[0].shape[1] - 1, channel + (self.size - 1) // 2)
        numbers = [input_of(values, 0, example, (at, *place)) for at in range(first, last + 1)]
        share = computed(values, self.alpha / self.size, "α/n")
        squares = np.array([number.value**2 for number in numbers]) * share.value
        self.base = constant + exact_sum(squares)
        made_of = (
            Term((computed(values, constant, "k"),), "k"),
            *gathered(squares, lambda at: term_of(share, numbers[at], numbers[at]), MOST_BEHIND),
        )
        self.factor = computed(values, self.base**-self.beta, "(k + α/n · Σ x²)^−β", made_of)


def _damped_forward(values: NodeValues, example: int, index: Index) -> tuple[Term, ...]:
    number = input_of(values, 0, example, index)
    return (term_of(number, _Damping(values, example, index).factor),)


def _damped_backward(values: NodeValues, port: int, example: int, index: Index) -> Flow:
    """Directly, and by way of the damping of its neighbours."""
    channel, *place = index
    size = cast(int, values.settings["size"])
    number = input_of(values, 0, example, index)
    # Whose window holds it: the window reaches size // 2 back and (size − 1) // 2 ahead.
    first = max(0, channel - (size - 1) // 2)
    last = min(values.inputs[0].shape[1] - 1, channel + size // 2)
    places: list[Index] = [(at, *place) for at in range(first, last + 1)]
    slopes = []
    for one_place in places:
        damping = _Damping(values, example, one_place)
        other = input_of(values, 0, example, one_place)
        slope = -2 * damping.alpha * damping.beta / size * other.value * number.value
        slope *= damping.base ** (-damping.beta - 1)
        name = "−2·α·β/n · x·x_k · (k + α/n · Σ x²)^(−β − 1)"
        if one_place == index:
            slope += damping.factor.value
            name = f"(k + α/n · Σ x²)^−β {name}"
        slopes.append((computed(values, slope, name, (term_of(other),)),))
    return Flow.of(example, places, slopes)


# ---- dropout -------------------------------------------------------------------------------------------------------


def _kept(values: NodeValues, example: int, index: Index) -> Factor:
    """1 / (1 − p) or 0 while training; 1 in evaluation."""
    if not values.training:
        return computed(values, 1.0, "evaluation mode")
    assert values.mask is not None
    scale = float(values.mask[(example, *index)])
    probability = cast(float, values.settings["probability"])
    return computed(values, scale, f"kept, 1 / (1 − {probability:g})" if scale else "switched off")


def _dropped_forward(values: NodeValues, example: int, index: Index) -> tuple[Term, ...]:
    return (term_of(_kept(values, example, index), input_of(values, 0, example, index)),)


def _dropped_backward(values: NodeValues, port: int, example: int, index: Index) -> Flow:
    return Flow.of(example, [index], [(_kept(values, example, index),)])


_DROPOUT = Way(_dropped_forward, _dropped_backward, "dL/dx = m / (1 − p) · dL/dy while training, else dL/dy")
_BATCH = _Normalisation(_over_batch, by_channel=True, over_batch=True).way()

WAYS: Mapping[str, Way] = {
    "dropout": _DROPOUT,
    "dropout2d": _DROPOUT,
    "batch_norm2d": _BATCH,
    "batch_norm1d": _BATCH,
    "layer_norm": _Normalisation(_over_example, by_channel=False).way(),
    "group_norm": _Normalisation(_over_group, by_channel=True).way(),
    "local_response_norm": Way(
        _damped_forward, _damped_backward, "dL/dx = Σ_k dy_k/dx · dL/dy_k, over the channels whose window x is in"
    ),
}
