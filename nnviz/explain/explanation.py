"""One number of a network, taken apart into terms that sum to it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Factor:
    """One number of a network and where it stands, so that it can be walked to.

    Attributes:
        node: Whose number it is.
        part: ``output``, or the name of a parameter such as ``weight``.
        index: Where it stands there, for an output without the batch.
        value: The number.
    """

    node: str
    part: str
    index: tuple[int, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Term:
    """A product of factors, in the order in which one would write it."""

    factors: tuple[Factor, ...]

    @property
    def value(self) -> float:
        """The product; of two factors in single precision without any rounding."""
        return math.prod(factor.value for factor in self.factors)


@dataclass(frozen=True, slots=True)
class Explanation:
    """A number as a sum.

    Attributes:
        node: Whose output it is.
        index: Where it stands in the output, without the batch.
        value: The number itself, as the network computed it in single precision.
        terms: What it is the sum of.
    """

    node: str
    index: tuple[int, ...]
    value: float
    terms: tuple[Term, ...]

    @property
    def total(self) -> float:
        """The sum of the terms in double precision: ``value`` but for its rounding."""
        return math.fsum(term.value for term in self.terms)
