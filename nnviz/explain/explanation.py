"""One number of a network, taken apart into terms that sum to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

#: What is explained of a place: the number itself, how the loss changes with it, or what the next step makes of it.
Quantity: TypeAlias = Literal["value", "gradient", "update"]
Index: TypeAlias = tuple[int, ...]
#: Parts of a node that are no parameter: what it gives, how the loss changes with that, and what was computed for the
#: explanation alone.
OUTPUT, GRADIENT, COMPUTED = "output", "gradient", "computed"
#: Before the name of a parameter: how the loss changes with it.
PARAMETER_GRADIENT = "gradient:"
#: Of a sum of more terms than this only the largest are kept one by one.
MOST_TERMS = 2048


@dataclass(frozen=True, slots=True)
class Factor:
    """One number of a network and where it stands, so that it can be walked to.

    Attributes:
        node: Whose number it is.
        part: ``output``, ``gradient`` (of the loss with respect to the output), the name of a parameter such as
            ``weight``, ``gradient:weight`` (of the loss with respect to that), ``target``, the name of a running
            statistic or of what an optimizer keeps, or ``computed``: then it stands nowhere, but is made of what
            ``made_of`` says.
        index: Where it stands there, for an output without the batch.
        value: The number.
        name: What it is, in words or symbols.
        example: Which one of the batch an output or a gradient belongs to.
        made_of: What a computed number is made of, as ``name`` says: the terms of a sum behind it, or the numbers that
            a function takes.
    """

    node: str
    part: str
    index: tuple[int, ...]
    value: float
    name: str = ""
    example: int = 0
    made_of: tuple[Term, ...] = ()

    @property
    def can_be_walked_to(self) -> bool:
        """Whether it can be explained itself: an output of a node, or a gradient."""
        return self.part in (OUTPUT, GRADIENT) or self.part.startswith(PARAMETER_GRADIENT)


@dataclass(frozen=True, slots=True)
class Term:
    """A product of factors, in the order in which one would write it.

    Attributes:
        factors: What is multiplied.
        source: What it is and where it comes from, in words: ``unit 3 of relu1``.
        stands_for: More than 1 for the sum of so many small terms that are not listed one by one.
        together: The sum of these.
    """

    factors: tuple[Factor, ...]
    source: str = ""
    stands_for: int = 1
    together: float | None = None

    @property
    def value(self) -> float:
        """The product; of two factors in single precision without any rounding."""
        return math.prod(factor.value for factor in self.factors) if self.together is None else self.together

    @property
    def links(self) -> tuple[Factor, ...]:
        """All that can be explained itself: the factors, and what those are made of that were computed; each once."""
        found: dict[tuple[str, str, Index, int], Factor] = {}
        pending = list(self.factors)
        while pending:
            factor = pending.pop(0)
            if factor.can_be_walked_to:
                found.setdefault((factor.node, factor.part, factor.index, factor.example), factor)
            pending += [further for term in factor.made_of for further in term.factors]
        return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Explanation:
    """A number as a sum.

    Attributes:
        node: Whose output, parameter or loss it is.
        index: Where it stands in the output, without the batch, or in the parameter.
        value: The number itself, as the network computed it in single precision.
        terms: What it is the sum of.
        part: ``output``, the name of a parameter, or ``loss``.
        quantity: The number itself, its gradient, or what the next update makes of it.
        example: Which one of the batch; of no meaning for a parameter.
        formula: In symbols.
        words: In a sentence or two.
    """

    node: str
    index: tuple[int, ...]
    value: float
    terms: tuple[Term, ...]
    part: str = OUTPUT
    quantity: Quantity = "value"
    example: int = 0
    formula: str = ""
    words: str = ""

    @property
    def total(self) -> float:
        """The sum of the terms in double precision: ``value`` but for its rounding."""
        return exact_sum(term.value for term in self.terms)

    def largest(self, count: int = 10) -> tuple[Term, ...]:
        """The largest terms, largest first, and last the sum of all others as one term."""
        return largest(self.terms, count)


def largest(terms: Sequence[Term], count: int) -> tuple[Term, ...]:
    """The largest terms, largest first, and last the sum of all others as one term; the rest is summed exactly."""
    single = [term for term in terms if term.stands_for == 1]
    others = [term for term in terms if term.stands_for != 1]
    single.sort(key=lambda term: -_size(term.value))
    shown, rest = single[:count], [*single[count:], *others]
    if len(rest) == 1 and rest[0].stands_for == 1:
        return (*shown, rest[0])
    return (
        (*shown, _together([term.value for term in rest], sum(term.stands_for for term in rest))) if rest else (*shown,)
    )


def gathered(values: NDArray[Any] | Sequence[float], term: Callable[[int], Term], most: int = MOST_TERMS) -> list[Term]:
    """The terms of a sum in their order; of a long sum the largest ones, and last all others as one.

    Args:
        values: The value of each, in double precision.
        term: (number) -> the term, whose value is the one that was given.
        most: How many are kept one by one.
    """
    numbers = np.asarray(values, dtype=np.float64).reshape(-1)
    if len(numbers) <= most + 1:
        return [term(number) for number in range(len(numbers))]
    order = np.argsort(-np.abs(numbers), kind="stable")
    kept = np.sort(order[:most])
    rest = numbers[order[most:]]
    return [*(term(int(number)) for number in kept), _together(rest.tolist(), len(rest))]


def place_name(name: str, index: Index) -> str:
    """``relu1[2, 0, 5]``."""
    return f"{name}{list(index)}" if index else name


def place_words(node: str, index: Index) -> str:
    """``unit 3 of relu1``, ``pixel (0, 5) of channel 2 of relu1``."""
    if len(index) == 1:
        return f"unit {index[0]} of {node}"
    if len(index) == 2:
        return f"position {index[1]} of channel {index[0]} of {node}"
    channel, *place = index
    return f"pixel ({str(place)[1:-1]}) of channel {channel} of {node}"


def exact_sum(values: Iterable[float]) -> float:
    """``math.fsum``, and what IEEE says where a number is not finite."""
    numbers = [float(value) for value in values]
    if all(map(math.isfinite, numbers)):
        try:
            return math.fsum(numbers)
        except OverflowError:
            pass
    return float(sum(numbers))


def _together(values: Sequence[float], count: int) -> Term:
    return Term((), f"and {count:,} more", count, exact_sum(values))


def _size(value: float) -> float:
    return math.inf if math.isnan(value) else abs(value)
