"""The loss as a landscape over the weights: along one weight, over two, in random directions, along the way of a run.

Everything is computed on a copy of the network, whose weights are replaced for each point: nothing reaches the live
one. A :class:`LossOfExamples` is taken on the thread that owns the network; what follows may happen on any one thread.
It is the loss of fixed examples in evaluation mode, without what regularisers add to gradients; running statistics stay
those of the present weights.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call

from nnviz.errors import InputError
from nnviz.explain.at_rest import NetworkAtRest, network_at_rest
from nnviz.network.losses import LossFunction
from nnviz.network.memory import refuse_without_room
from nnviz.network.network import Network
from nnviz.project import registry
from nnviz.project.checks.memory import EVALUATION_BATCH
from nnviz.project.model import TrainConfig
from nnviz.record.stored import CheckpointInfo, open_run
from nnviz.train import checkpoint as checkpoints
from nnviz.train.newest_state import whole_parts
from nnviz.train.training import Training

Floats: TypeAlias = NDArray[np.float64]
#: Numbers by the key of their parameter: ``conv1.weight``.
Weights: TypeAlias = Mapping[str, Tensor]

#: States of a run that its way is made of, and the bytes that they may take together.
_MOST_STATES, _MOST_BYTES = 64, 256 * 2**20
#: The share of the longest below which a direction of the way is none but rounding.
_NO_LENGTH = 1e-6


@dataclass(frozen=True, slots=True)
class Weight:
    """One number of a network: where it stands in which parameter of which node."""

    node: str
    parameter: str
    index: tuple[int, ...]

    @property
    def key(self) -> str:
        """Of its parameter."""
        return f"{self.node}.{self.parameter}"

    @property
    def words(self) -> str:
        """``conv1 weight[0, 0, 2, 1]``."""
        return f"{self.node} {self.parameter}[{', '.join(map(str, self.index))}]"


class LossOfExamples:
    """The mean loss of fixed examples as a function of the weights; the rest of the network stays as it was copied.

    Args:
        network: A copy in evaluation mode.
        live: The network that it was copied from; only what never changes is read of it.
        seed: Of the initial weights.
        loss_function: Mean loss of a batch.
        inputs: The examples as the network gets them, ``(n, *shape)``.
        targets: What is right for them.
        step: Updates that the weights had seen.

    Attributes:
        present: The numbers of every parameter as they were copied.
        count: How many examples.
    """

    def __init__(
        self,
        network: NetworkAtRest,
        live: Network,
        config: TrainConfig,
        loss_function: LossFunction,
        inputs: Tensor,
        targets: Tensor,
        step: int,
    ) -> None:
        self._module = network.module
        self._loss_function = loss_function
        self._inputs, self._targets = inputs, targets
        self._graph, self._inference, self._config = live.graph, live.inference, config
        self.step = step
        self.count = int(inputs.shape[0])
        #: Key -> its name in the copy, and in the state dict of the live network.
        self._names: dict[str, tuple[str, str]] = {}
        #: Keys of weights that count what comes in before what goes out.
        self._inputs_first: set[str] = set()
        self.present: dict[str, Tensor] = {}
        trained = set(live.trained_ids)
        for node, name in network.names.items():
            if node not in trained:
                continue
            for parameter, numbers in network.module_of(node).named_parameters():
                key = f"{node}.{parameter}"
                self._names[key] = (f"{name}.{parameter}", f"{live.module_name(node)}.{parameter}")
                self.present[key] = numbers.detach()
                if registry.layer(live.kind_of(node)).inputs_first:
                    self._inputs_first.add(key)

    @classmethod
    def take(cls, training: Training, *, split: str = "validation", count: int = 256, seed: int = 0) -> LossOfExamples:
        """Of the present weights. Call it on the thread that owns the network (``ShownNetwork.ask``).

        Args:
            training: What is at rest just now; it is left as it is.
            split: ``validation`` or ``train``; the latter is taken where nothing was held back.
            count: Examples, chosen by the seed; all where there are no more.
            seed: Chooses them.

        Raises:
            InputError: There is no example.
            TooLargeError: There is no memory for a copy.
        """
        refuse_without_room(sum(one.numel() * one.element_size() for one in training.network.parameters()))
        split = split if len(training.data.split(split)) else "train"
        there = len(training.data.split(split))
        if not there:
            raise InputError("There are no examples of which a loss could be computed.")
        chosen = np.arange(there)
        if count < there:
            chosen = np.sort(np.random.Generator(np.random.PCG64(seed)).permutation(there)[: max(1, count)])
        feeder = training.feeder(split)
        indices = torch.from_numpy(chosen)
        return cls(
            network_at_rest(training.network),
            training.network,
            training.config,
            training.loss_function,
            feeder.prepare(indices).clone(),
            feeder.targets_of(indices).clone(),
            training.weights_of,
        )

    def at(self, weights: Weights, cancelled: Callable[[], bool] = lambda: False) -> Tensor:
        """The mean loss with these numbers in place of the copied ones, a tensor of no dimensions; gradients flow.

        Args:
            weights: By key; whole parameters.
            cancelled: Asked before each piece of the examples; where it says so, the answer is NaN.
        """
        named = {self._names[key][0]: numbers for key, numbers in weights.items()}
        total: Tensor | float = 0.0
        for first in range(0, self.count, EVALUATION_BATCH):
            if cancelled():
                return torch.tensor(math.nan)
            piece = slice(first, first + EVALUATION_BATCH)
            outputs = functional_call(self._module, named, (self._inputs[piece],))
            total = total + self._loss_function(outputs, self._targets[piece]) * outputs.shape[0]
        return cast(Tensor, total) / self.count

    def seconds(self, weights: Weights) -> float:
        """How long one point takes on this machine, tried now."""
        with torch.no_grad():
            self.at(weights)  # the first one is always slower
            began = time.perf_counter()
            self.at(weights)
        return time.perf_counter() - began

    def of(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The parameters of a state dict of the live network, by key.

        Raises:
            InputError: It belongs to another network.
        """
        found = {key: state.get(live) for key, (_, live) in self._names.items()}
        for key, numbers in found.items():
            if numbers is None or numbers.shape != self.present[key].shape:
                raise InputError(f"The run keeps states of another network: {key} is not the same there.")
        return {key: numbers.to(self.present[key]) for key, numbers in found.items() if numbers is not None}

    def initial(self) -> dict[str, Tensor]:
        """The weights that the training began with: they follow from the project and its seed."""
        seed, initialisation = self._config.seed, self._config.initialisation
        return self.of(Network(self._graph, self._inference, seed=seed, initialisation=initialisation).state_dict())

    def by_filters(self, key: str, numbers: Tensor) -> Tensor:
        """A view of a weight as one row a filter, or a unit: what makes one number of the output."""
        if numbers.dim() < 2:
            return numbers.reshape(1, -1)
        return (numbers.transpose(0, 1) if key in self._inputs_first else numbers).flatten(1)


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A line or a plane through the space of the weights; all that it does not move stays as it was copied.

    Attributes:
        titles: Of its one or two axes.
        origin: Where both coordinates are 0, of the parameters that it moves.
        directions: How far a parameter moves for one step along each axis.
        here: The coordinates of the present weights.
    """

    titles: tuple[str, ...]
    origin: Weights
    directions: tuple[Weights, ...]
    here: tuple[float, ...]

    def weights(self, place: Sequence[float] | Tensor) -> dict[str, Tensor]:
        """The parameters that it moves, at a place of it; gradients flow through a tensor."""
        moved = dict(self.origin)
        for coordinate, direction in zip(place, self.directions, strict=True):
            for key, step in direction.items():
                moved[key] = moved[key] + coordinate * step
        return moved

    def places(self, states: Iterable[Weights]) -> Floats:
        """Where whole sets of weights lie, or the nearest points of it; float64[n, axes]."""
        rows = []
        for state in states:
            distance = {key: state[key].double() - origin.double() for key, origin in self.origin.items()}
            rows.append([_dot(direction, distance) for direction in self.directions])
        products = np.array([[_dot(one, other) for other in self.directions] for one in self.directions])
        inside: Floats = np.linalg.solve(products, np.array(rows).reshape(-1, len(self.directions)).T).T
        return inside


def over_weights(loss: LossOfExamples, weights: Sequence[Weight]) -> Section:
    """Along one weight or over two; the coordinates are their values.

    Raises:
        InputError: There is no such weight, or it is the same one twice.
    """
    if len(set(weights)) != len(weights):
        raise InputError("Choose two weights that are not the same.")
    here: list[float] = []
    origin: dict[str, Tensor] = {}
    directions: list[Weights] = []
    for weight in weights:
        numbers = loss.present.get(weight.key)
        if numbers is None:
            raise InputError(f"{weight.node} has no parameter {weight.parameter} in this network.")
        inside = len(weight.index) == numbers.dim() and all(
            0 <= at < size for at, size in zip(weight.index, numbers.shape, strict=True)
        )
        if not inside:
            sizes = " × ".join(map(str, numbers.shape))
            at = ", ".join(map(str, weight.index))
            raise InputError(f"{weight.parameter} of {weight.node} is {sizes}, counted from 0: nothing is at {at}.")
        here.append(float(numbers[weight.index]))
        # The weight itself is 0 there, so that a coordinate is its value and nothing is rounded twice.
        origin[weight.key] = origin.get(weight.key, numbers).clone()
        origin[weight.key][weight.index] = 0.0
        direction = torch.zeros_like(numbers)
        direction[weight.index] = 1.0
        directions.append({weight.key: direction})
    return Section(tuple(weight.words for weight in weights), origin, tuple(directions), tuple(here))


def random_section(loss: LossOfExamples, *, axes: int = 2, seed: int = 0, small_ones: bool = False) -> Section:
    """Along one or two random directions around the present weights, filter by filter as long as these.

    ``d_ij ← d_ij / ‖d_ij‖ · ‖θ_ij‖`` for the j-th filter of the i-th layer, d drawn from a normal distribution: Li, Xu,
    Taylor, Studer, Goldstein, "Visualizing the Loss Landscape of Neural Nets", 2018, section 4. So a step of 1 is as
    long as the filter itself, and sharpness can be compared between networks.

    Args:
        loss: Whose weights.
        axes: 1 or 2 directions.
        seed: Chooses them.
        small_ones: Also move what has one dimension, biases and the parameters of normalisations, each as one filter;
            otherwise they stay, as in the paper.
    """
    generator = torch.Generator().manual_seed(seed)
    directions: list[dict[str, Tensor]] = []
    for _ in range(axes):
        direction = {}
        for key, numbers in loss.present.items():
            drawn = torch.randn(numbers.shape, generator=generator).to(numbers)
            if numbers.dim() <= 1 and not small_ones:
                continue
            rows, sizes = loss.by_filters(key, drawn), loss.by_filters(key, numbers).norm(dim=1, keepdim=True)
            scaled = rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-30) * sizes
            direction[key] = _as_before(loss, key, scaled, numbers)
        directions.append(direction)
    if not any(float(step.abs().max()) > 0 for step in directions[0].values() if step.numel()):
        raise InputError("No weight of this network can be moved: there are none, or all of them are 0.")
    origin = {key: loss.present[key] for key in directions[0]}
    titles = ("first random direction", "second random direction")[:axes]
    return Section(titles, origin, tuple(directions), (0.0,) * axes)


def _as_before(loss: LossOfExamples, key: str, rows: Tensor, numbers: Tensor) -> Tensor:
    """Rows, one a filter, in the shape of the parameter."""
    if numbers.dim() >= 2 and key in loss._inputs_first:
        sizes = (numbers.shape[1], numbers.shape[0], *numbers.shape[2:])
        return rows.reshape(sizes).transpose(0, 1).contiguous()
    return rows.reshape(numbers.shape)


@dataclass(frozen=True, slots=True, eq=False)
class RunPath:
    """The way of a run, and the plane that lies nearest to it.

    Attributes:
        section: Through the present weights, along the principal directions; a step of 1 has the length 1.
        steps: Of the states, ascending; the last is that of the present weights.
        places: Where they lie in the plane, float64[n, 2].
        shares: How much of the variance (the squared distances from the present weights) lies along each axis.
    """

    section: Section
    steps: tuple[int, ...]
    places: Floats
    shares: tuple[float, float]


def path_section(loss: LossOfExamples, states: Sequence[tuple[int, Weights]]) -> RunPath:
    """The plane of a run's way: the two principal directions of ``θ_i − θ_n``, n being the present weights.

    As in section 7 of Li et al., 2018, but without subtracting the mean first: the plane goes through the present
    weights, and nearest to all others among those that do. The shares are those of the squared singular values.

    Args:
        loss: With the present weights.
        states: (step, all weights) before, ascending.

    Raises:
        InputError: There is no state that differs from the present one.
    """
    distances = [{key: state[key] - loss.present[key] for key in loss.present} for _, state in states]
    products = np.array([[_dot(one, other) for other in distances] for one in distances]).reshape(
        len(states), len(states)
    )
    if not np.isfinite(products).all():
        raise InputError("The weights are no numbers any more: the run has no way that could be drawn.")
    values, vectors = np.linalg.eigh(products)
    values, vectors = np.clip(values[::-1], 0.0, None), vectors[:, ::-1]
    if not len(values) or values[0] <= 0.0:
        raise InputError("The run has no way yet: it keeps no state in which the weights were others.")
    directions = [_combined(distances, vectors[:, 0] / math.sqrt(values[0]))]
    if len(values) > 1 and values[1] > _NO_LENGTH**2 * values[0]:
        directions.append(_combined(distances, vectors[:, 1] / math.sqrt(values[1])))
    else:
        # All of it lies on one line; the plane has some second direction.
        directions.append(_beside(loss, directions[0]))
    # The first one points to where the run came from, whatever sign the computation chose.
    first = [_dot(direction, distances[0]) for direction in directions]
    directions = [
        {key: -step for key, step in direction.items()} if along < 0 else direction
        for direction, along in zip(directions, first, strict=True)
    ]
    shares = [float(value / values.sum()) for value in values[:2]]
    titles = ("first principal direction", "second principal direction")
    section = Section(titles, loss.present, tuple(directions), (0.0, 0.0))
    places = section.places([*(state for _, state in states), loss.present])
    return RunPath(
        section, (*(step for step, _ in states), loss.step), places, (shares[0], shares[1] if len(shares) > 1 else 0.0)
    )


def _combined(distances: Sequence[Weights], factors: Floats) -> dict[str, Tensor]:
    sums: dict[str, Tensor] = {}
    for distance, factor in zip(distances, factors, strict=True):
        for key, numbers in distance.items():
            term = numbers.double() * float(factor)
            sums[key] = sums[key] + term if key in sums else term
    return {key: total.to(distances[0][key].dtype) for key, total in sums.items()}


def _beside(loss: LossOfExamples, first: Weights) -> dict[str, Tensor]:
    """A direction of length 1 that is at right angles to another one."""
    generator = torch.Generator().manual_seed(0)
    drawn = {key: torch.randn(step.shape, generator=generator).to(step) for key, step in first.items()}
    along = _dot(drawn, first)
    rest = {key: numbers - along * first[key] for key, numbers in drawn.items()}
    length = math.sqrt(_dot(rest, rest))
    if length == 0.0:
        raise InputError("The network has a single weight: look along it instead.")
    return {key: numbers / length for key, numbers in rest.items()}


def _dot(one: Weights, other: Weights) -> float:
    both = one.keys() & other.keys()
    return float(sum(torch.dot(one[key].double().reshape(-1), other[key].double().reshape(-1)) for key in both))


def kept_states(loss: LossOfExamples, path: Path | None) -> list[tuple[int, Weights]]:
    """The states of a run before the present weights: the initial ones, and those that its file keeps undamaged.

    Args:
        loss: Whose weights.
        path: The run's file; None where there is none: only the initial ones.

    Raises:
        RunFileError: It cannot be read.
        InputError: It belongs to another network.
    """
    if loss.step <= 0:
        return []
    found: list[tuple[int, Weights]] = [(0, loss.initial())]
    if path is None:
        return found
    size = sum(numbers.numel() * numbers.element_size() for numbers in loss.present.values())
    most = max(2, min(_MOST_STATES, _MOST_BYTES // max(size, 1)))
    with open_run(path) as stored:
        kept = _of_this_way(stored.checkpoints(), loss.step)
        if len(kept) > most:
            kept = [kept[round(place)] for place in np.linspace(0, len(kept) - 1, most)]
        for one in kept:
            refuse_without_room(2 * one.size)
            if (blobs := whole_parts(stored, one)) is None:
                continue
            state = checkpoints.from_blobs(blobs, whole=True)
            if one.step == 0:  # some weights were set by hand before the first step
                found.clear()
            found.append((one.step, loss.of(state.weights)))
    return found


def _of_this_way(kept: Iterable[CheckpointInfo], step: int) -> list[CheckpointInfo]:
    """Those before a step that training did not leave again by going back, ascending."""
    way: list[CheckpointInfo] = []
    for one in kept:
        while way and way[-1].step >= one.step:
            way.pop()
        way.append(one)
    return [one for one in way if one.step < step]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A landscape as far as it is measured.

    Attributes:
        axes: The coordinates along each axis, ascending.
        losses: float64 [along the second axis, along the first], or [along the only one]. What is not measured itself
            has the number of a neighbour; NaN where there is none, or where the loss is none.
        reached: bool of that shape: whether there is a number at all.
        done: Points that were measured.
    """

    axes: tuple[Floats, ...]
    losses: Floats
    reached: NDArray[np.bool_]
    done: int

    @property
    def whole(self) -> bool:
        """Whether every number was measured."""
        return self.done == self.losses.size


class Measurement:
    """Measures a landscape point by point, first a coarse grid, then between: whoever runs it can stop at any point.

    Args:
        loss: Of what.
        section: Where.
        axes: The coordinates to measure at, along each of its axes, ascending.
        cancelled: Asked between pieces.
    """

    def __init__(
        self,
        loss: LossOfExamples,
        section: Section,
        axes: Sequence[Floats],
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._loss, self._section, self._cancelled = loss, section, cancelled
        self._axes = tuple(np.asarray(axis, dtype=np.float64) for axis in axes)
        shape = tuple(len(axis) for axis in reversed(self._axes))
        self._losses = np.full(shape, np.nan)
        self._reached = np.zeros(shape, dtype=bool)
        self._measured = np.zeros(shape, dtype=bool)
        self._order = _coarse_first(shape)
        self.done = 0

    @property
    def total(self) -> int:
        """Points in all."""
        return self._losses.size

    def advance(self) -> bool:
        """Measures one point; False when none is left, or when it was cancelled."""
        if self.done == self.total or self._cancelled():
            return False
        index, stride = self._order[self.done]
        # An index counts rows first, a place names the first axis first.
        place = [float(axis[at]) for axis, at in zip(self._axes, reversed(index), strict=True)]
        with torch.no_grad():
            value = float(self._loss.at(self._section.weights(place), self._cancelled))
        if self._cancelled():
            return False
        around = tuple(slice(max(0, at - stride // 2), at + (stride + 1) // 2) for at in index)
        # A neighbour that was measured keeps its own.
        self._losses[around] = np.where(self._measured[around], self._losses[around], value)
        self._reached[around] = True
        self._losses[index], self._measured[index] = value, True
        self.done += 1
        return True

    def picture(self) -> Picture:
        """As far as it is measured, copied."""
        return Picture(self._axes, self._losses.copy(), self._reached.copy(), self.done)


def _coarse_first(shape: tuple[int, ...]) -> list[tuple[tuple[int, ...], int]]:
    """Every index once, with the stride of the grid that it belongs to."""
    seen: set[tuple[int, ...]] = set()
    order: list[tuple[tuple[int, ...], int]] = []
    for stride in (8, 4, 2, 1):
        for index in np.ndindex(*(-(-size // stride) for size in shape)):
            at = tuple(place * stride for place in index)
            if at not in seen:
                seen.add(at)
                order.append((at, stride))
    return order


#: How often the axis of the only weight is lengthened by half of what it was, until it goes uphill at both ends.
_MOST_LONGER = 6


def over_the_valley(loss: LossOfExamples, section: Section, low: float, high: float) -> tuple[float, float]:
    """The axis of the only weight there is, far enough to show both slopes of the valley that it is to go down into."""

    def downhill(end: float, inside: float) -> bool:
        with torch.no_grad():
            return float(loss.at(section.weights((end,)))) < float(loss.at(section.weights((inside,))))

    step = (high - low) / 2
    for _ in range(_MOST_LONGER):
        near = 0.05 * (high - low)
        right, left = downhill(high, high - near), downhill(low, low + near)
        if not right and not left:
            break
        # Once more than to the ground, which would stand at the edge.
        high, low = (high + step if right else high), (low - step if left else low)
        if right and not downhill(high, high - near):
            high += step
        if left and not downhill(low, low + near):
            low -= step
    return low, high
