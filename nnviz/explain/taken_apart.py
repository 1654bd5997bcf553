"""One number with all that is drawn around it: its terms, the window behind it, a curve, the shares of the classes.

What leaves here are plain values and read-only arrays, for any thread.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnviz.errors import InputError, TrainingError
from nnviz.explain import kinds
from nnviz.explain.explanation import (
    GRADIENT,
    OUTPUT,
    PARAMETER_GRADIENT,
    Explanation,
    Factor,
    Index,
    Term,
    exact_sum,
    place_name,
)
from nnviz.explain.given_input import OwnInput
from nnviz.explain.layers import explain, explain_gradient, explain_loss, explain_parameter_gradient, needed
from nnviz.explain.onward import Back, is_weighted_sum, layers_onward, place_onward, way_back
from nnviz.explain.place import LOSS, Place
from nnviz.explain.updates import explain_update
from nnviz.explain.values import (
    Example,
    NodeValues,
    Values,
    own_example,
    pinned_place,
    refuse_without_right,
    right_of,
    values_of_example,
    values_of_next_batch,
)
from nnviz.explain.window import Window
from nnviz.project import registry
from nnviz.project.model import Pinned
from nnviz.train.training import Training

_Numbers: TypeAlias = NDArray[np.float32]

#: Points of a curve, and of the numbers that stand on it.
CURVE_POINTS, MOST_DOTS = 241, 800
#: The same of a curve that is drawn small.
_FEW_POINTS, _FEW_DOTS = 61, 200


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """An activation: what goes out and its slope, for each number that may come in.

    Attributes:
        x, y, slope: float64[points].
        dots: float64[dots, 2], numbers that come in now and what goes out for them.
        count: How many numbers come in; more than the dots where those are a choice.
        chosen: The number that is asked about, as it comes in and goes out, and the slope there.
        flat: Ranges of x in which the slope is under a twentieth of its largest.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    slope: NDArray[np.float64]
    dots: NDArray[np.float64]
    count: int
    chosen: tuple[float, float, float]
    flat: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """Softmax: from scores by their exponentials to shares of 1, and where there is a right class the loss.

    Attributes:
        node: Whose numbers the scores are.
        indices: Where each stands there.
        scores, powers, shares: float64[classes]; the exponentials are of the score minus ``shift``.
        shift: Taken from every score before: 0 unless they are too large for exponentials.
        total: Sum of the exponentials.
        names: Of the classes; their numbers where they have none.
        chosen: The class that is asked about; -1 for none.
        right: The right class; None where there is none.
        loss: Of this example; None likewise.
    """

    node: str
    indices: tuple[Index, ...]
    scores: NDArray[np.float64]
    powers: NDArray[np.float64]
    shares: NDArray[np.float64]
    shift: float
    total: float
    names: tuple[str, ...]
    chosen: int
    right: int | None = None
    loss: float | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """A number of a parameter, and what it is trained with.

    Attributes:
        value: The number now.
        shape: Of the parameter.
        optimizer: In words; empty where there is nothing to train.
        learning_rate: That of the next step; NaN without one.
    """

    value: float
    shape: tuple[int, ...]
    optimizer: str
    learning_rate: float


@dataclass(frozen=True, slots=True, eq=False)
class TakenApart:
    """A number, and what is drawn around it.

    Attributes:
        place: Which number: that was asked for, with its index and its example.
        explanation: What it is the sum of.
        step: Updates that the weights had seen.
        example: Which one; None for an update, which is that of a batch.
        right: What that example really is, in words.
        kind: The layer's kind in words; empty for the loss.
        sources: What comes in: the nodes, port by port.
        inputs: And their numbers, read-only, without the batch.
        output: What goes out, likewise; None for the loss.
        gradient: How the loss changes with each of these; None where that was not asked.
        shows_picture: What comes in is an example as the data set has it.
        window, curve, shares, trained: What else is known, where it is of that kind.
        back: Backwards, what comes back from a layer whose window reads the number.
        onward: Forwards, what the layers behind a weighted sum make of it, one after the other.
        answer: And what the loss makes of the network's answer in the end, where it weighs classes against each other.
        nodes, wires: The layers concerned, and the ways between them as (from, to).
        parameters: What of them is trained, as (node, name).
        in_batch: The numbers are those of the batch that comes next.
    """

    place: Place
    explanation: Explanation
    step: int
    example: Example | None
    right: str
    kind: str = ""
    sources: tuple[str, ...] = ()
    inputs: tuple[_Numbers, ...] = ()
    output: _Numbers | None = None
    gradient: _Numbers | None = None
    shows_picture: bool = False
    window: Window | None = None
    curve: Curve | None = None
    shares: Shares | None = None
    trained: Trained | None = None
    back: Back | None = None
    onward: tuple[TakenApart, ...] = ()
    answer: Shares | None = None
    nodes: frozenset[str] = frozenset()
    wires: frozenset[tuple[str, str]] = frozenset()
    parameters: frozenset[tuple[str, str]] = frozenset()
    in_batch: bool = False

    @property
    def index(self) -> Index:
        """Where the number stands."""
        return self.place.index or ()

    def place_of(self, factor: Factor) -> Place | None:
        """Where a factor can be walked to; None where it stands nowhere, or is made of nothing."""
        asked = self.place
        batch = factor.example if self.in_batch else None
        if factor.part in (OUTPUT, GRADIENT):
            backward = factor.part == GRADIENT
            return Place(factor.node, OUTPUT, factor.index, backward, asked.example, batch=batch)
        if factor.part.startswith(PARAMETER_GRADIENT):
            name = factor.part.removeprefix(PARAMETER_GRADIENT)
            return Place(factor.node, name, factor.index, True, asked.example, batch=batch)
        if (factor.node, factor.part) in self.parameters:
            return Place(factor.node, factor.part, factor.index, False, asked.example)
        return None


def take_apart(training: Training, place: Place, *, pinned: Pinned = 0, own: OwnInput | None = None) -> TakenApart:
    """Finds the number and takes it apart. Call it on the thread that owns the training.

    Args:
        training: Of the network, at rest.
        place: Which number.
        pinned: The example that is taken where the place names none, if there is one of that number.
        own: An input of one's own, which stands in place of that, and of another own one that the place names.

    Raises:
        InputError: There is no such number, as when the network has changed since it was named; or it is of a loss,
            and nobody said what is right for the own input.
        NnvizError: There is nothing to explain it with.
    """
    network = training.network
    if place.node not in network.node_ids and place.node != LOSS:
        raise InputError(f"There is no layer '{place.node[:80]}' in this network.", field="node")
    whole = place.node == LOSS and LOSS not in network.node_ids
    if place.part not in (OUTPUT, LOSS) and not whole:
        return _parameter(training, place, pinned, own)
    backwards = place.backward and not whole
    onward = not whole and not backwards and is_weighted_sum(network, place.node)
    behind = layers_onward(network, place.node) if onward else ()
    wanted = {*needed(network, place.node, backwards=backwards), *behind, *([network.output_id] if onward else ())}
    given = _Given(training, place, pinned, own, wanted, backwards=backwards, loss=backwards or whole)
    values, number, example = given.values, given.number, given.example
    names = training.data.facts.class_names
    if whole:
        found = explain_loss(values, example=number)
        output = values.nodes[values.output_id]
        asked = Place(LOSS, LOSS, (), False, example, batch=place.batch)
        shares = _shares_of_answer(values, output, number, names, -1)
        return _framed(given.taken(asked, found, shares=shares), training, output)
    node = values.nodes[place.node]
    index = _striking(node.output[number]) if place.index is None else place.index
    asked = Place(place.node, OUTPUT, index, backwards, example, batch=place.batch)
    way = explain_gradient if backwards else explain
    found = way(values, place.node, index, example=number)
    kind = kinds.way_of(node.kind)
    shares = None
    if place.node == values.output_id:
        shares = _shares_of_answer(values, node, number, names, _flat(index, node.output.shape[1:]))
    elif kind.weighs:
        shares = _shares_of_layer(node, number, index, names)
    more: dict[str, Any] = {
        "gradient": node.output_gradient[number] if node.output_gradient is not None and backwards else None,
        "shows_picture": _is_picture(training, node),
        "shares": shares,
    }
    with np.errstate(all="ignore"):
        if backwards:
            more["back"] = way_back(values, place.node, number, index)
        if onward:
            more["onward"] = _onward(given, asked, behind)
            more["answer"] = _shares_of_answer(values, values.nodes[values.output_id], number, names, -1)
        taken = _of_layer(given, asked, found, node, **more)
    return _framed(taken, training, node, values)


def _of_layer(
    given: _Given, asked: Place, found: Explanation, node: NodeValues, *, small: bool = False, **more: Any
) -> TakenApart:
    """With what is known of the layer; ``small`` is drawn small."""
    kind, number, index = kinds.way_of(node.kind), given.number, asked.index or ()
    return given.taken(
        asked,
        found,
        kind=registry.layer(node.kind).title,
        sources=node.sources,
        inputs=tuple(array[number] for array in node.inputs),
        output=node.output[number],
        window=kind.window(node, number, index) if kind.window is not None else None,
        curve=_curve(node, number, kind.curve, index, small=small) if kind.curve is not None else None,
        **more,
    )


def _onward(given: _Given, asked: Place, behind: tuple[str, ...]) -> tuple[TakenApart, ...]:
    """What the layers behind this one make of the number, as long as it goes on."""
    found: list[TakenApart] = []
    place = asked
    for node in behind:
        values = given.values.nodes[node]
        index = place_onward(values, place.node, given.number, place.index or ())
        if index is None:
            break
        place = dataclasses.replace(place, node=node, index=index)
        explained = explain(given.values, node, index, example=given.number)
        found.append(_of_layer(given, place, explained, values, small=True))
    return tuple(found)


class _Given:
    """What flows through the network for the example that is asked about."""

    def __init__(
        self,
        training: Training,
        place: Place,
        pinned: Pinned,
        own: OwnInput | None,
        wanted: Collection[str],
        *,
        backwards: bool,
        loss: bool,
    ) -> None:
        self.step = training.step
        self.in_batch = place.batch is not None
        self.number, self.right = place.batch or 0, ""
        self.example: Example | None = None
        if self.in_batch:
            self.values = values_of_next_batch(training, wanted=wanted)
            self.number = min(self.number, self.values.count - 1)
            return
        self.example = _example(training, place, pinned, own)
        self.right = right_of(training, self.example)
        if loss:
            refuse_without_right(training, self.example)
        self.values = values_of_example(training, self.example, wanted=wanted, backwards=backwards)

    def taken(self, asked: Place, found: Explanation, **more: Any) -> TakenApart:
        """With what is known of the example."""
        return TakenApart(asked, found, self.step, self.example, self.right, in_batch=self.in_batch, **more)


def _parameter(training: Training, place: Place, pinned: Pinned, own: OwnInput | None) -> TakenApart:
    network = training.network
    parameters = dict(network.module_of(place.node).named_parameters())
    parameter = parameters.get(place.part)
    index = place.index or ()
    if (
        parameter is None
        or len(index) != parameter.dim()
        or not all(0 <= at < size for at, size in zip(index, parameter.shape, strict=True))
    ):
        raise InputError(f"{place.node} has no number {place_name(place.part[:40], index)}.", field="index")
    value = float(parameter.detach()[index])
    trains = training.optimizer is not None
    optimizer = registry.optimizer(training.config.optimizer.kind).title if trains else ""
    rate = training.learning_rate if trains else math.nan
    more: dict[str, Any] = {
        "kind": registry.layer(network.kind_of(place.node)).title,
        "trained": Trained(value, tuple(parameter.shape), optimizer, rate),
    }
    if place.backward:
        given = _Given(training, place, pinned, own, {place.node}, backwards=True, loss=True)
        found = explain_parameter_gradient(given.values, place.node, place.part, index)
        asked = Place(place.node, place.part, index, True, given.example, batch=place.batch)
        return _framed(given.taken(asked, found, **more), training)
    asked = Place(place.node, place.part, index, False, place.example)
    try:
        found = explain_update(training, place.node, place.part, index)
    except TrainingError:  # nothing is trained: it stays what it is
        factor = Factor(place.node, place.part, index, value, place_name(place.part, index))
        words = "Nothing is trained here: it stays as it is."
        term = Term((factor,), "the weight")
        found = Explanation(place.node, index, value, (term,), place.part, "update", 0, "w′ = w", words)
    return _framed(TakenApart(asked, found, training.step, None, "", in_batch=True, **more), training)


def _example(training: Training, place: Place, pinned: Pinned, own: OwnInput | None) -> Example:
    """The example that is meant; of the training split where none was held back."""
    if place.near is not None:
        return _nearest(training, place.near)
    example = place.example
    if own is not None and (example is None or example.own is not None):
        return example if example is not None and example.own is own else own_example(own)
    if example is not None and example.own is None and example.index < len(training.data.split(example.split)):
        return example
    split, index = pinned_place(training.data, pinned)
    if not len(training.data.split(split)):
        raise InputError(f"The {split} split has no examples.", field="example")
    return Example(split, index)


def _nearest(training: Training, point: tuple[float, float]) -> Example:
    """The training example that the network sees nearest to a point of the plane."""
    feeder = training.feeder("train")
    count = len(training.data.split("train"))
    points = feeder.prepare(range(count)).detach().reshape(count, -1).cpu().double().numpy()
    if points.shape[1] != 2:
        raise InputError("Only data of two features lie in a plane.", field="example")
    return Example("train", int(np.argmin(((points - np.array(point)) ** 2).sum(axis=1))))


def _is_picture(training: Training, node: NodeValues) -> bool:
    source = node.sources[0] if node.sources else node.node
    return training.network.kind_of(source) == "input" and node.inputs[0].ndim == 4


def _striking(output: _Numbers) -> Index:
    """In the middle of the maps, of the channel whose number there is the largest; of a vector its largest number."""
    middle = tuple(size // 2 for size in output.shape[1:])
    there = np.nan_to_num(output[(slice(None), *middle)], nan=-math.inf)
    return (int(np.argmax(there)), *middle)


def _flat(index: Index, shape: tuple[int, ...]) -> int:
    return int(np.ravel_multi_index(index, shape))


def _shares_of_answer(
    values: Values, node: NodeValues, number: int, names: tuple[str, ...], chosen: int
) -> Shares | None:
    """What the loss makes of the answer, where it weighs classes against each other."""
    function = values.loss_function
    if function is None or not kinds.loss_way_of(function.kind).weighs:
        return None
    if values.targets is not None and np.ndim(values.targets[number]):  # mixed: no single right class
        return None
    scores = np.asarray(node.output[number], np.float64).reshape(-1)
    shape = node.output.shape[1:]
    indices = tuple(tuple(int(one) for one in np.unravel_index(at, shape)) for at in range(len(scores)))
    shares = _weigh(node.node, indices, scores, names, chosen)
    if values.targets is None:
        return shares
    right = int(values.targets[number])
    loss = math.log(shares.total) + shares.shift - float(scores[right]) if shares.total else math.nan
    return dataclasses.replace(shares, right=right, loss=loss)


def _shares_of_layer(node: NodeValues, number: int, index: Index, names: tuple[str, ...]) -> Shares:
    """What a layer makes of the numbers of all channels at one place."""
    scores = np.asarray(node.inputs[0][number][(slice(None), *index[1:])], np.float64)
    indices = tuple((channel, *index[1:]) for channel in range(len(scores)))
    return _weigh(node.sources[0], indices, scores, names, index[0])


def _weigh(
    node: str, indices: tuple[Index, ...], scores: NDArray[np.float64], names: tuple[str, ...], chosen: int
) -> Shares:
    largest = float(scores.max())
    shift = largest if abs(largest) > 500 else 0.0  # as the explanations do
    with np.errstate(all="ignore"):
        powers = np.exp(scores - shift)
        total = exact_sum(powers)
        shares = powers / total if total else np.full(len(scores), math.nan)
    names = names if len(names) == len(scores) else tuple(map(str, range(len(scores))))
    return Shares(node, indices, scores, powers, shares, shift, total, names, chosen)


def _curve(
    node: NodeValues, number: int, curve: Callable[[NodeValues, Index, float], tuple[float, float]], index: Index,
    *, small: bool,
) -> Curve:  # fmt: skip
    points, most = (_FEW_POINTS, _FEW_DOTS) if small else (CURVE_POINTS, MOST_DOTS)
    numbers = node.inputs[0][number]
    came = float(numbers[index])
    finite = numbers[np.isfinite(numbers)].astype(np.float64)
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (-1.0, 1.0)
    reach = max(1.0, 1.12 * max(abs(low), abs(high)))
    # Around zero, where curves bend; on a side on which no number comes in, a little of it.
    left, right = min(1.12 * low, -0.4 * reach), max(1.12 * high, 0.4 * reach)
    # On both sides of each bend, so that a step is one.
    x = np.unique(np.concatenate([np.linspace(left, right, points), [-1e-9 * reach, 0.0, 1e-9 * reach]]))
    pairs = np.array([curve(node, index, float(at)) for at in x])
    flat_numbers, flat_output = numbers.reshape(-1), node.output[number].reshape(-1)
    order = np.argsort(flat_numbers, kind="stable")
    if len(order) > most:
        order = order[np.linspace(0, len(order) - 1, most).round().astype(int)]
    dots = np.stack([flat_numbers[order], flat_output[order]], axis=1).astype(np.float64)
    slope = curve(node, index, came)[1] if math.isfinite(came) else math.nan
    chosen = (came, float(node.output[number][index]), slope)
    return Curve(x, pairs[:, 0], pairs[:, 1], dots, int(numbers.size), chosen, _flat_ranges(x, pairs[:, 1]))


def _flat_ranges(x: NDArray[np.float64], slope: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    """Where the slope is under a twentieth of the largest: saturated, or dead."""
    steepest = float(np.nanmax(np.abs(slope))) if len(slope) else 0.0
    if not steepest:
        return ((float(x[0]), float(x[-1])),)
    flat = np.abs(slope) < 0.05 * steepest
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat.astype(int), [0]])))
    pairs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return tuple((float(x[first]), float(x[last - 1])) for first, last in pairs if last - first > 2)


def _framed(
    taken: TakenApart, training: Training, node: NodeValues | None = None, values: Values | None = None
) -> TakenApart:
    """With the layers concerned, and the ways between them."""
    place = taken.place
    nodes = {place.node} if place.node != LOSS else set()
    wires: set[tuple[str, str]] = set()
    for term in taken.explanation.terms:
        for factor in term.links:
            nodes.add(factor.node)
    if node is not None:
        nodes.add(node.node)
        if place.backward and values is not None:
            wires |= {(place.node, consumer) for consumer, _ in values.uses.get(place.node, ())}
        elif place.node != LOSS:
            wires |= {(source, place.node) for source in node.sources if source in nodes}
    parameters = {(one, name) for one in nodes for name, _ in training.network.module_of(one).named_parameters()}
    return dataclasses.replace(taken, nodes=frozenset(nodes), wires=frozenset(wires), parameters=frozenset(parameters))
