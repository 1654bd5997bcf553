"""How a kind of layer is taken apart: what a way is made of, and the words that all ways share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnviz.explain.explanation import COMPUTED, GRADIENT, OUTPUT, Factor, Index, Term, gathered, place_name, place_words
from nnviz.explain.values import NodeValues
from nnviz.explain.window import Window

Doubles: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.int64]

#: What a computed number is made of is shown in so many terms.
MOST_BEHIND = 12


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """Where one number flows to: what a node puts out that depends on it, and how strongly.

    Attributes:
        examples: ``(n,)``, which one of the batch each place belongs to.
        places: ``(n, rank)``, where it stands in the output.
        slopes: ``(n,)``, d output / d number.
        factors: (which of them) -> the same slope as factors.
    """

    examples: Places
    places: Places
    slopes: Doubles
    factors: Callable[[int], tuple[Factor, ...]]

    @classmethod
    def of(cls, example: int | Sequence[int], places: Sequence[Index], factors: Sequence[tuple[Factor, ...]]) -> Flow:
        """A few places, each with its slope as factors."""
        examples = [example] * len(places) if isinstance(example, int) else example
        slopes = [float(np.prod([factor.value for factor in each])) for each in factors]
        rank = len(places[0]) if places else 0
        return cls(
            np.array(examples, np.int64).reshape(-1),
            np.array(places, np.int64).reshape(len(places), rank),
            np.array(slopes, np.float64),
            lambda number: factors[number],
        )


#: (the node, number of the example in the batch, where in the output) -> what the number there is the sum of
Forward: TypeAlias = Callable[[NodeValues, int, Index], Iterable[Term]]
#: (the node, port, number of the example, where in what comes in at that port) -> where the number there flows to
Backward: TypeAlias = Callable[[NodeValues, int, int, Index], Flow]
#: (the node, name of the parameter, where in it) -> where the number there flows to, over the whole batch
OfParameter: TypeAlias = Callable[[NodeValues, str, Index], Flow]
#: (the node, number of the example, where in the output) -> the window behind the number; None where there is none
Windowed: TypeAlias = Callable[[NodeValues, int, Index], "Window | None"]
#: (the node, port, number of the example, where in what comes in) -> the window on the gradients of what goes out, and
#: the weights with which the number went into each of these; ``values`` of it are the gradients
WindowedBack: TypeAlias = Callable[[NodeValues, int, int, Index], "Window | None"]
#: (the node, where in the input, a number that could come in there) -> what goes out then, and the slope there
Curve: TypeAlias = Callable[[NodeValues, Index, float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Way:
    """How a kind of layer is taken apart.

    Attributes:
        forward: What a number that it puts out is the sum of.
        backward: Where a number that comes in flows to.
        back: The formula of that: the gradient with respect to what comes in, in symbols.
        parameter: Where a number of a parameter flows to; None where it has none.
        formula: In symbols; empty takes the one of its declaration.
        words: What is to be said beside the help of its declaration.
        window: Of a layer whose window slides over what comes in.
        window_back: Of one with a filter: the same seen from a number that comes in.
        curve: Of a layer that turns each number by itself into one other.
        weighs: It turns the numbers of all channels at a place into shares of 1 by their exponentials.
    """

    forward: Forward
    backward: Backward
    back: str
    parameter: OfParameter | None = None
    formula: str = ""
    words: str = ""
    window: Windowed | None = None
    window_back: WindowedBack | None = None
    curve: Curve | None = None
    weighs: bool = False


def output_of(node: str, index: Index, value: Any, example: int = 0, name: str = "") -> Factor:
    """A number that a node puts out."""
    return Factor(node, OUTPUT, index, float(value), name or place_name(node, index), example)


def input_of(values: NodeValues, port: int, example: int, index: Index) -> Factor:
    """A number that comes into a node, as the output of its source."""
    source = values.sources[port] if values.sources else values.node
    return output_of(source, index, values.inputs[port][(example, *index)], example)


def parameter_of(values: NodeValues, name: str, index: Index) -> Factor:
    """A number of a parameter."""
    return Factor(values.node, name, index, float(values.parameters[name][index]), place_name(name, index))


def statistic_of(values: NodeValues, name: str, index: Index) -> Factor:
    """A number of a running statistic."""
    return Factor(values.node, name, index, float(values.statistics[name][index]), place_name(name, index))


def computed(values: NodeValues, value: Any, name: str, made_of: Iterable[Term] = ()) -> Factor:
    """A number that stands nowhere in the network."""
    return Factor(values.node, COMPUTED, (), float(value), name, made_of=tuple(made_of))


def behind(values: NDArray[Any] | Sequence[float], term: Callable[[int], Term]) -> tuple[Term, ...]:
    """The terms behind a computed number: few."""
    return tuple(gathered(values, term, MOST_BEHIND))


def words_of(factor: Factor) -> str:
    """Where a factor that can be walked to stands, in words."""
    return place_words(factor.node, factor.index)


def term_of(*factors: Factor, source: str = "") -> Term:
    """A term that comes from the last of its factors that can be walked to, unless its source is said."""
    if not source:
        walkable = [factor for factor in factors if factor.part in (OUTPUT, GRADIENT)]
        source = place_words(walkable[-1].node, walkable[-1].index) if walkable else factors[0].name
    return Term(factors, source)


def bias_term(values: NodeValues, index: Index) -> list[Term]:
    """The bias as a term of its own, where there is one."""
    if "bias" not in values.parameters:
        return []
    return [Term((parameter_of(values, "bias", index),), "bias")]


def passed_on(source: Factor) -> tuple[Term, ...]:
    """What comes in goes out as it is."""
    return (term_of(source),)


def one(values: NodeValues, name: str = "1") -> Factor:
    """The slope of what is passed on."""
    return computed(values, 1.0, name)
