"""What each declared preparation does: to the numbers, straight lines folded together and other functions between.

Most steps are a straight line in each number, ``(x - offset) / divisor``, and so are several in a row: they are folded
into one while they are fitted, in double precision, so that a batch costs one subtraction and one division however
many steps there are. A step that is no line is a :class:`Curve` and stands between two lines. A new preparation is a
declaration in ``project/declared/preparations.py`` and a function here; one that chooses examples stands in
``selection.py``, one that makes other pictures in ``picture_steps.py``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import torch
from torch import Tensor

from nnviz.data.streamed import NUMBERS_AT_ONCE, Inputs, Streamed, blocks_of_rows, tensor_once
from nnviz.errors import DataError, ParamError, ProjectError
from nnviz.project import registry
from nnviz.project.declared.preparations import NUMBERS, StepSpec
from nnviz.project.model import Choice, Params


@dataclass(frozen=True, eq=False)
class Line:
    """``(x - offset) / divisor`` on the numbers x that come in; None where nothing is subtracted or divided.

    Attributes:
        offset, divisor: float64 while it is fitted, float32 in use, and broadcast over one example.
    """

    offset: Tensor | None = None
    divisor: Tensor | None = None

    def divided(self, by: Tensor | float) -> Line:
        """The preparation so far with a division by ``by`` behind it."""
        factor = torch.as_tensor(by, dtype=torch.float64)
        return replace(self, divisor=factor if self.divisor is None else self.divisor * factor)

    @property
    def numbers(self) -> tuple[Tensor, ...]:
        """What was found in the training examples."""
        return tuple(one for one in (self.offset, self.divisor) if one is not None)

    @property
    def is_of_pixels(self) -> bool:
        """Whether pictures have a number for each pixel, rather than for each channel."""
        return any(one.dim() > 1 and one.shape[1:].numel() > 1 for one in self.numbers)

    def to(self, device: torch.device | None = None, dtype: torch.dtype | None = None) -> Line:
        """The same line with its numbers on another device or of another type."""
        return Line(*(None if one is None else one.to(device, dtype) for one in (self.offset, self.divisor)))

    def apply(self, numbers: Tensor) -> Tensor:
        """Done in place to floats [n, *shape], on the device they are on."""
        if self.offset is not None:
            numbers.sub_(self.offset.to(numbers.device))
        if self.divisor is not None:
            numbers.div_(self.divisor.to(numbers.device))
        return numbers


@dataclass(frozen=True, eq=False)
class Curve:
    """A step that is no straight line: a function of each number by itself.

    Attributes:
        function: Floats [n, *shape] to as many, on their device; it may write into them. It never falls where its
            argument grows: whoever looks for numbers that are too large looks at the extremes only.
        words: What is done, as in ``kept between -1 and 1``.
        numbers: What was found in the training examples for it.
    """

    function: Callable[[Tensor], Tensor]
    words: str
    numbers: tuple[Tensor, ...] = ()

    def to(self, device: torch.device | None = None, dtype: torch.dtype | None = None) -> Curve:
        """Itself: its function works wherever the numbers are."""
        return self

    def apply(self, numbers: Tensor) -> Tensor:
        """The function's answer for floats [n, *shape]; they may be written to."""
        return self.function(numbers)


Part: TypeAlias = Line | Curve


class Fitting:
    """The training examples as they come to a step, as far as it may look at them.

    Args:
        inputs: The raw training examples.
        parts: What is done to them before; the lines that a step is given follow.

    Attributes:
        images: Whether they are images (bytes) rather than a table.
    """

    def __init__(self, inputs: Inputs, parts: Sequence[Part] = ()) -> None:
        self._inputs = inputs
        self._parts = tuple(parts)
        self.images = inputs.dtype == torch.uint8

    @cached_property
    def moments(self) -> tuple[Tensor, Tensor]:
        """See :func:`moments`; found once however many steps ask."""
        return moments(self._inputs, self._parts)

    @cached_property
    def moments_of_pixels(self) -> tuple[Tensor, Tensor]:
        """See :func:`moments`, each pixel by itself; of tables the same as :attr:`moments`."""
        return moments(self._inputs, self._parts, each_pixel=True) if self.images else self.moments

    def moments_per(self, values: Params) -> tuple[Tensor, Tensor]:
        """As the setting ``per`` says."""
        return self.moments_of_pixels if values["per"] == "pixel" else self.moments


#: (the examples, the line before it, all settings) -> the line up to this step, or a curve to be done behind that line.
Step: TypeAlias = Callable[[Fitting, Line, Params], Line | Curve]


def _scale(examples: Fitting, before: Line, values: Params) -> Line:
    return before.divided(255.0) if examples.images else before


def _centre(examples: Fitting, before: Line, values: Params) -> Line:
    # The mean of (x - a) / b is (mean - a) / b: taking it away leaves (x - mean) / b, whatever a was.
    return replace(before, offset=examples.moments_per(values)[0])


def _standardise(examples: Fitting, before: Line, values: Params) -> Line:
    # The deviation of (x - a) / b is deviation / |b|: what the steps before divided by is made undone, but its sign.
    mean, deviation = examples.moments_per(values)
    earlier = torch.ones_like(deviation) if before.divisor is None else before.divisor.expand_as(deviation)
    sign = torch.where(earlier < 0, -torch.ones_like(deviation), torch.ones_like(deviation))
    return Line(mean, torch.where(deviation > 0, deviation * sign, earlier))


def _divide(examples: Fitting, before: Line, values: Params) -> Line:
    by = values["by"]
    assert isinstance(by, float)  # the ParamSpec parsed it
    return before.divided(by)


def _clip(examples: Fitting, before: Line, values: Params) -> Curve:
    low, high = values["low"], values["high"]
    assert isinstance(low, float) and isinstance(high, float)  # the ParamSpec parsed them
    if low >= high:
        raise ParamError(f"high is {high:g}, but must lie above low, which is {low:g}.", field="high")
    return Curve(lambda numbers: numbers.clamp_(low, high), f"kept between {low:g} and {high:g}")


#: What each declared kind does.
STEPS: Mapping[str, Step] = {
    "scale": _scale,
    "centre": _centre,
    "standardise": _standardise,
    "divide": _divide,
    "clip": _clip,
}


@dataclass(frozen=True)
class Planned:
    """A step that is to be taken.

    Attributes:
        field: Where it stands in the project.
        spec: Its declaration.
        values: All its settings.
    """

    field: str
    spec: StepSpec
    values: Params


def plan(preparation: Sequence[Choice]) -> list[Planned]:
    """The steps with their declarations and settings, in their order.

    Raises:
        DataError: There is no such step, one of its settings is not allowed, or it stands behind what it must precede;
            ``field`` says where.
    """
    found: list[Planned] = []
    for index, choice in enumerate(preparation):
        field = f"data.preparation[{index}]"
        try:
            spec = registry.PREPARATIONS(choice.kind)
            found.append(Planned(field, spec, spec.values(choice.params)))
        except ProjectError as error:
            raise DataError(error.message, field=f"{field}.kind") from None
        except ParamError as error:
            raise DataError(error.message, field=f"{field}.params.{error.field}") from None
        later = next((one.spec for one in found if one.spec.stage == NUMBERS != spec.stage), None)
        if later is not None:
            what = "on pictures" if spec.pictures else "on examples"
            raise DataError(
                f"“{spec.title}” must stand before “{later.title}”: it works {what}, and that on their numbers.",
                field=f"{field}.kind",
            )
    return found


def fitted(inputs: Inputs, preparation: Sequence[Choice]) -> tuple[Part, ...]:
    """The steps from the raw training examples alone: lines, each as many steps as it can be, and curves.

    Raises:
        DataError: There is no such step, or one of its settings is not allowed; ``field`` says where.
    """
    parts: list[Part] = []
    examples, line = Fitting(inputs), Line()
    for planned in plan(preparation):
        if planned.spec.stage != NUMBERS:  # It was taken when the examples were loaded.
            continue
        if examples.images and planned.values.get("per") == "channel" and line.is_of_pixels:
            # The mean of a channel is no longer that of its raw numbers: a line of its own behind this one.
            parts.append(line)
            examples, line = Fitting(inputs, parts), Line()
        try:
            step = STEPS[planned.spec.kind](examples, line, planned.values)
        except ParamError as error:
            raise DataError(error.message, field=f"{planned.field}.params.{error.field}") from None
        if isinstance(step, Line):
            line = step
            continue
        parts += [line, step] if line.numbers else [step]
        examples, line = Fitting(inputs, parts), Line()
    return (*parts, line) if line.numbers else tuple(parts)


def moments(inputs: Inputs, parts: Sequence[Part] = (), *, each_pixel: bool = False) -> tuple[Tensor, Tensor]:
    """Mean and population standard deviation, float64: per channel of images [c, 1, 1], per feature of tables [k].

    Images are counted value by value (256 bins a channel): exact, and without a float copy of the whole set. The
    deviation of what never changes is 0, whatever the mean of equal numbers is rounded to. From the disk the numbers
    are those from memory, bit for bit, and they are kept there.

    Args:
        inputs: Raw examples.
        parts: What is done to them before.
        each_pixel: Each pixel of images by itself: [c, h, w].
    """
    if not isinstance(inputs, Streamed):
        return _moments(inputs, parts, each_pixel=each_pixel)
    what = " ".join(["moments 1", str(each_pixel), *map(_name, parts)])
    mean, deviation = tensor_once(
        [inputs], what, lambda: torch.stack(_moments(inputs, parts, each_pixel=each_pixel))
    ).unbind()
    return mean, deviation


def _name(part: Part) -> str:
    """Says what a part does, to the last bit."""
    words = "" if isinstance(part, Line) else part.words
    numbers = [f"{one.dtype}{tuple(one.shape)}{one.cpu().contiguous().numpy().tobytes().hex()}" for one in part.numbers]
    offset = isinstance(part, Line) and part.offset is not None
    return hashlib.sha256(f"{words} {offset} {numbers}".encode()).hexdigest()


def _moments(inputs: Inputs, parts: Sequence[Part], *, each_pixel: bool) -> tuple[Tensor, Tensor]:
    if inputs.dtype == torch.uint8 and len(inputs) and (each_pixel or any(map(_is_of_pixels, parts))):
        return _moments_by_chunks(inputs, parts, (0,) if each_pixel else (0, 2, 3))
    if len(inputs) == 0:
        shape = (inputs.shape[1], *(1 for _ in inputs.shape[2:]))
        return torch.zeros(shape, dtype=torch.float64), torch.ones(shape, dtype=torch.float64)
    if inputs.dtype != torch.uint8:
        if inputs.numel() > NUMBERS_AT_ONCE:
            return _moments_by_chunks(inputs, parts, (0,))
        table = _done(parts, inputs[:].to(torch.float64, copy=True))
        low, high = torch.aminmax(table, dim=0)
        still = low == high
        return torch.where(still, low, table.mean(0)), torch.where(still, 0.0, table.std(0, correction=0))
    channels = inputs.shape[1]
    every = torch.arange(256, dtype=torch.float64).reshape(256, *(1 for _ in inputs.shape[1:]))
    levels = _done(parts, every.expand(256, channels, *every.shape[2:]).clone()).reshape(256, channels)
    every_count = torch.zeros(channels, 256, dtype=torch.float64)
    size = max(1, min(4096, 16 * NUMBERS_AT_ONCE // max(1, inputs[0].numel())))
    for first in range(0, len(inputs), size):
        part = inputs[first : first + size]
        for channel in range(channels):  # bincount takes one dimension: a copy, but a small one
            every_count[channel] += torch.bincount(part[:, channel].flatten(), minlength=256)
    means, deviations = [], []
    for channel, counts in enumerate(every_count):
        share, level = counts / counts.sum(), levels[:, channel]
        low, high = torch.aminmax(level[counts > 0])
        mean = low if low == high else (share * level).sum()
        means.append(mean)
        deviations.append(torch.zeros_like(mean) if low == high else (share * (level - mean) ** 2).sum().sqrt())
    shape = (channels, *(1 for _ in inputs.shape[2:]))
    return torch.stack(means).reshape(shape), torch.stack(deviations).reshape(shape)


def _is_of_pixels(part: Part) -> bool:
    return isinstance(part, Line) and part.is_of_pixels


def _moments_by_chunks(inputs: Inputs, parts: Sequence[Part], over: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Mean and deviation over some dimensions, in two passes over a few examples at a time."""

    def chunks() -> Iterator[Tensor]:
        return (_done(parts, part.to(torch.float64, copy=True)) for part in blocks_of_rows(inputs))

    total, low, high = None, None, None
    for part in chunks():
        added, least, most = part.sum(over, keepdim=True), part.amin(over, keepdim=True), part.amax(over, keepdim=True)
        total = added if total is None else total + added
        low = least if low is None else torch.minimum(low, least)
        high = most if high is None else torch.maximum(high, most)
    assert total is not None and low is not None and high is not None  # there are examples
    count = inputs.numel() // total.numel()
    mean = torch.where(low == high, low, total / count)
    squares = torch.zeros_like(mean)
    for part in chunks():
        squares += (part - mean).square_().sum(over, keepdim=True)
    return mean[0], torch.where(low == high, 0.0, (squares / count).sqrt())[0]


def _done(parts: Sequence[Part], numbers: Tensor) -> Tensor:
    for part in parts:
        numbers = part.apply(numbers)
    return numbers
