"""What each declared preparation does to the numbers: straight lines, folded together, and other functions between.

Most steps are a straight line in each number, ``(x - offset) / divisor``, and so are several in a row: they are folded
into one while they are fitted, in double precision, so that a batch costs one subtraction and one division however
many steps there are. A step that is no line is a :class:`Curve` and stands between two lines. A new preparation is a
declaration in ``project/declared/preparations.py`` and a function here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import torch
from torch import Tensor

from nnviz.errors import DataError, ParamError, ProjectError
from nnviz.project import registry
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

    def __init__(self, inputs: Tensor, parts: Sequence[Part] = ()) -> None:
        self._inputs = inputs
        self._parts = tuple(parts)
        self.images = inputs.dtype == torch.uint8

    @cached_property
    def moments(self) -> tuple[Tensor, Tensor]:
        """See :func:`moments`; found once however many steps ask."""
        return moments(self._inputs, self._parts)


#: (the examples, the line before it, all settings) -> the line up to this step, or a curve to be done behind that line.
Step: TypeAlias = Callable[[Fitting, Line, Params], Line | Curve]


def _scale(examples: Fitting, before: Line, values: Params) -> Line:
    return before.divided(255.0) if examples.images else before


def _centre(examples: Fitting, before: Line, values: Params) -> Line:
    # The mean of (x - a) / b is (mean - a) / b: taking it away leaves (x - mean) / b, whatever a was.
    return replace(before, offset=examples.moments[0])


def _standardise(examples: Fitting, before: Line, values: Params) -> Line:
    # The deviation of (x - a) / b is deviation / |b|: what the steps before divided by is made undone, but its sign.
    mean, deviation = examples.moments
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


def fitted(inputs: Tensor, preparation: Sequence[Choice]) -> tuple[Part, ...]:
    """The steps from the raw training examples alone: lines, each as many steps as it can be, and curves.

    Raises:
        DataError: There is no such step, or one of its settings is not allowed; ``field`` says where.
    """
    parts: list[Part] = []
    examples, line = Fitting(inputs), Line()
    for index, choice in enumerate(preparation):
        field = f"data.preparation[{index}]"
        try:
            spec = registry.PREPARATIONS(choice.kind)
            step = STEPS[spec.kind](examples, line, spec.values(choice.params))
        except ProjectError as error:
            raise DataError(error.message, field=f"{field}.kind") from None
        except ParamError as error:
            raise DataError(error.message, field=f"{field}.params.{error.field}") from None
        if isinstance(step, Line):
            line = step
            continue
        parts += [line, step] if line.numbers else [step]
        examples, line = Fitting(inputs, parts), Line()
    return (*parts, line) if line.numbers else tuple(parts)


def moments(inputs: Tensor, parts: Sequence[Part] = ()) -> tuple[Tensor, Tensor]:
    """Mean and population standard deviation, float64: per channel of images [c, 1, 1], per feature of tables [k].

    Images are counted value by value (256 bins a channel): exact, and without a float copy of the whole set. The
    deviation of what never changes is 0, whatever the mean of equal numbers is rounded to.

    Args:
        inputs: Raw examples.
        parts: What is done to them before.
    """
    if len(inputs) == 0:
        shape = (inputs.shape[1], *(1 for _ in inputs.shape[2:]))
        return torch.zeros(shape, dtype=torch.float64), torch.ones(shape, dtype=torch.float64)
    if inputs.dtype != torch.uint8:
        table = _done(parts, inputs.to(torch.float64, copy=True))
        low, high = torch.aminmax(table, dim=0)
        still = low == high
        return torch.where(still, low, table.mean(0)), torch.where(still, 0.0, table.std(0, correction=0))
    channels = inputs.shape[1]
    every = torch.arange(256, dtype=torch.float64).reshape(256, *(1 for _ in inputs.shape[1:]))
    levels = _done(parts, every.expand(256, channels, *every.shape[2:]).clone()).reshape(256, channels)
    means, deviations = [], []
    for channel in range(channels):
        counts = torch.zeros(256, dtype=torch.float64)
        for first in range(0, len(inputs), 4096):  # bincount takes one dimension: a copy, but a small one
            counts += torch.bincount(inputs[first : first + 4096, channel].flatten(), minlength=256)
        share, level = counts / counts.sum(), levels[:, channel]
        low, high = torch.aminmax(level[counts > 0])
        mean = low if low == high else (share * level).sum()
        means.append(mean)
        deviations.append(torch.zeros_like(mean) if low == high else (share * (level - mean) ** 2).sum().sqrt())
    shape = (channels, *(1 for _ in inputs.shape[2:]))
    return torch.stack(means).reshape(shape), torch.stack(deviations).reshape(shape)


def _done(parts: Sequence[Part], numbers: Tensor) -> Tensor:
    for part in parts:
        numbers = part.apply(numbers)
    return numbers
