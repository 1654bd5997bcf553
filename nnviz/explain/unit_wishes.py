"""What a unit wants: the examples that excite it most, and an input made to excite it."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from nnviz.errors import Cancelled
from nnviz.explain.attribution import gradient
from nnviz.explain.receptive import Span, receptive_field
from nnviz.explain.score import CancelledCheck, Goal, OwnNetwork, Progress, frozen
from nnviz.explain.values import Numbers

#: Parts of the spread of the numbers in the training set: the noise to begin with, and one step of the climb.
_NOISE, _STEP = 0.1, 0.05


@dataclass(frozen=True, slots=True, eq=False)
class TopExample:
    """One of the examples that excite a unit most.

    Attributes:
        index: Its number in the split.
        label: What it is, in words.
        value: The unit's number for it: of a channel its largest, or its mean.
        at: Where in the channel its largest number stands; empty for a unit of a vector.
        field: Rows and columns of the input that this number depends on, both ends included; empty likewise.
        example: As the network sees it, read-only.
    """

    index: int
    label: str
    value: float
    at: tuple[int, ...]
    field: tuple[Span, ...]
    example: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class TopExamples:
    """The examples that excite a unit most, the first one most of all.

    Attributes:
        examples: Of equal ones that with the lower number comes first.
        seen: How many were looked at.
        total: How many there are.
        firing: For how many of those that were looked at the number is above 0.
        step: Updates that the weights had seen.
    """

    examples: tuple[TopExample, ...]
    seen: int
    total: int
    firing: int
    step: int


def top_examples(
    own: OwnNetwork,
    goal: Goal,
    split: str,
    count: int = 9,
    so_far: Callable[[TopExamples], None] = lambda _found: None,
    cancelled: CancelledCheck = lambda: False,
) -> TopExamples:
    """Looks at a whole split, batch by batch.

    Args:
        own: The network.
        goal: The unit; ``over`` says whether the largest number of a channel counts, or the mean.
        split: ``validation``, ``train`` or ``test``.
        count: How many examples are kept.
        so_far: Told after each batch what was found until then.
        cancelled: Asked between two batches; what was found until then is the answer.
    """
    inputs = own.data.split(split).inputs
    size = own.batch_size(goal.node)
    best: list[tuple[float, int, int]] = []  # (value, −index, place), a heap whose least is the first to go
    firing = seen = 0
    for first in range(0, len(inputs), size):
        if cancelled():
            break
        with torch.no_grad():
            batch = own.prepared(inputs[first : first + size])
            channel = own.run(batch, {goal.node})[goal.node][:, goal.unit].reshape(len(batch), -1)
        largest, places = channel.max(1)
        values = goal.sign * (channel.mean(1) if goal.over == "mean" else largest)
        firing += int((values > 0).sum())
        seen += len(batch)
        for number, (value, place) in enumerate(zip(values.tolist(), places.tolist(), strict=True)):
            if not math.isnan(value):
                keep = heapq.heappush if len(best) < count else heapq.heappushpop
                keep(best, (value, -(first + number), place))
        so_far(TopExamples(_examples(own, goal, split, best), seen, len(inputs), firing, own.step))
    return TopExamples(_examples(own, goal, split, best), seen, len(inputs), firing, own.step)


def _examples(own: OwnNetwork, goal: Goal, split: str, best: list[tuple[float, int, int]]) -> tuple[TopExample, ...]:
    sizes = own.shapes[goal.node][1:]
    found = []
    for value, negative, place in sorted(best, reverse=True):
        index, at = -negative, tuple(int(one) for one in _place(place, sizes))
        raw = own.data.split(split).inputs[index : index + 1]
        reached = receptive_field(own, goal.node, at) if at else ()
        example = frozen(own.prepared(raw)[0])
        found.append(TopExample(index, own.data.describe(index, split), value, at, reached, example))
    return tuple(found)


def _place(flat: int, sizes: tuple[int, ...]) -> list[int]:
    place: list[int] = []
    for size in reversed(sizes):
        flat, one = divmod(flat, size)
        place.insert(0, one)
    return place


@dataclass(frozen=True, slots=True)
class Regularisers:
    """What keeps an image that is made to excite a unit from becoming noise.

    J. Yosinski et al., "Understanding Neural Networks Through Deep Visualization", 2015, section 4. All act on what the
    image differs from plain, the mean colour.

    Attributes:
        decay: After each step the difference is multiplied by 1 − decay (L2 decay).
        blur_width: Standard deviation in pixels of the Gaussian blur; 0 for none.
        blur_every: Steps from one blur to the next.
        least_norm: Percent of the pixels, those with the smallest norm over the channels, that are made plain.
        least_contribution: Percent of the pixels, those that do least, |Σ x · ∂a/∂x| over the channels, likewise.
    """

    decay: float = 0.01
    blur_width: float = 0.6
    blur_every: int = 4
    least_norm: float = 0.0
    least_contribution: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """An input made to excite a unit. Arrays are read-only.

    Attributes:
        image: As the network sees it, shaped like its input; every number lies where those of real examples do.
        began: What it was made from.
        value: The unit's number for it.
        began_value: And for what it was made from.
        field: Rows and columns that the unit depends on, both ends included; empty for a unit of a vector.
        steps: Of the climb, so far.
        total: Of the climb, to the end.
        step: Updates that the weights had seen.
    """

    image: Numbers
    began: Numbers
    value: float
    began_value: float
    field: tuple[Span, ...]
    steps: int
    total: int
    step: int


@dataclass(frozen=True, slots=True)
class Climb:
    """How an image is made.

    Attributes:
        start: From ``noise`` around plain, or from the ``mean`` of the training examples.
        steps: How many.
        seed: Of the noise.
        regularisers: Applied after each step.
    """

    start: Literal["noise", "mean"] = "noise"
    steps: int = 200
    seed: int = 0
    regularisers: Regularisers = field(default_factory=Regularisers)


def maximise(
    own: OwnNetwork,
    goal: Goal,
    climb: Climb = Climb(),
    so_far: Callable[[Wish], None] | None = None,
    progress: Progress = lambda _done, _total: None,
    cancelled: CancelledCheck = lambda: False,
) -> Wish:
    """Climbs: x ← r(x + η · g), with g = ∂a/∂x divided by its root mean square, and r what the regularisers do.

    η is 1/20 of the standard deviation of the training numbers. The gradient has a length of its own in every network;
    divided by it, one η serves all. Of a channel the number in the middle is what grows (over ``max``), so that the
    image is one pattern, or the mean. What comes out of a ReLU that is silent has no slope: then what goes into it
    grows.

    Args:
        own: The network.
        goal: The unit.
        climb: How.
        so_far: Told now and then what it looks like.
        progress: Told how far it is.
        cancelled: Asked at every step.

    Raises:
        Cancelled: ``cancelled`` said so.
    """
    asked = _middle(own, goal)
    climbed = asked
    while isinstance(own.at_rest.module_of(climbed.node), nn.ReLU):
        climbed = Goal(own.sources[climbed.node][0], asked.unit, asked.over, asked.at, asked.sign)
    plain, (low, high) = own.plain(), own.bounds()
    spread = _spread_of(own)
    if climb.start == "mean":
        image = own.baseline("mean").clone()
    else:
        generator = torch.Generator().manual_seed(climb.seed)
        noise = torch.randn(plain.shape, generator=generator, dtype=plain.dtype).to(plain.device)
        image = plain + _NOISE * spread * noise
    image = began = image.clamp(low, high)
    began_value = float(own.scores(began, asked)[0])
    reached = receptive_field(own, asked.node, asked.at) if asked.at else ()

    def found(steps: int) -> Wish:
        value = float(own.scores(image, asked)[0])
        return Wish(frozen(image[0]), frozen(began[0]), value, began_value, reached, steps, climb.steps, own.step)

    every = max(1, climb.steps // 10)
    for step in range(climb.steps):
        if cancelled():
            raise Cancelled("Cancelled.")
        progress(step, climb.steps)
        slope = gradient(own, image, climbed)
        size = slope.square().mean().sqrt()
        if not float(size) > 0:  # nothing leads uphill; or it is no number
            break
        image = image + _STEP * spread * slope / size
        image = (plain + regularised(image - plain, slope, climb.regularisers, step)).clamp(low, high)
        if so_far is not None and step % every == every - 1:
            so_far(found(step + 1))
    return found(climb.steps)


def regularised(difference: Tensor, slope: Tensor, by: Regularisers, step: int) -> Tensor:
    """What the regularisers leave of the difference from plain, ``(1, *shape)``, after step number ``step`` from 0."""
    difference = difference * (1 - by.decay)
    if difference.dim() == 4 and by.blur_width > 0 and (step + 1) % by.blur_every == 0:
        difference = blurred(difference, by.blur_width)
    if by.least_norm > 0:
        difference = difference * _above(difference.square().sum(1, keepdim=True).sqrt(), by.least_norm)
    if by.least_contribution > 0:
        difference = difference * _above((difference * slope).sum(1, keepdim=True).abs(), by.least_contribution)
    return difference


def blurred(images: Tensor, width: float) -> Tensor:
    """Images under a Gaussian of a standard deviation in pixels, their borders continued outwards."""
    reach = max(1, math.ceil(3 * width))
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1).to(images) / width) ** 2)
    kernel = kernel / kernel.sum()
    channels = images.shape[1]
    for axis, shape in ((2, (-1, 1)), (3, (1, -1))):
        padding = (0, 0, reach, reach) if axis == 2 else (reach, reach, 0, 0)
        weight = kernel.reshape(1, 1, *shape).expand(channels, 1, *kernel.reshape(shape).shape)
        images = functional.conv2d(functional.pad(images, padding, mode="replicate"), weight, groups=channels)
    return images


def _above(sizes: Tensor, percent: float) -> Tensor:
    """1 where a size is above so many percent of all, else 0. A vector has places along its only axis."""
    flat = sizes.flatten()
    count = round(percent / 100 * len(flat))
    keep = torch.ones_like(flat)
    keep[flat.argsort()[:count]] = 0
    return keep.reshape(sizes.shape)


def _middle(own: OwnNetwork, goal: Goal) -> Goal:
    """Of a channel the number in the middle."""
    sizes = own.shapes[goal.node][1:]
    if goal.over != "max" or not sizes:
        return goal
    return Goal(goal.node, goal.unit, "at", tuple(size // 2 for size in sizes), goal.sign)


def _spread_of(own: OwnNetwork) -> Tensor:
    """The standard deviation of the training numbers as the network sees them: of all pixels, or of each feature."""
    raw = own.data.train.inputs
    examples = own.prepared(raw[:: max(1, -(-len(raw) // 1000))])
    if examples.dim() == 2:
        return examples.std(0, unbiased=False, keepdim=True).clamp(min=1e-6)
    return examples.std(unbiased=False).clamp(min=1e-6)
