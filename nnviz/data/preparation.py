"""What each declared preparation does to the numbers, taken together as one line per channel or feature.

Every step is a straight line in each number, ``(x - offset) / divisor``, and so are several in a row: they are folded
into one while they are fitted, in double precision, so that a batch costs one subtraction and one division however
many steps there are. A new preparation is a declaration in ``project/declared/preparations.py`` and a function here.
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
    """``(x - offset) / divisor`` on the raw numbers x; None where nothing is subtracted or divided.

    Attributes:
        offset, divisor: float64, and broadcast over one example.
    """

    offset: Tensor | None = None
    divisor: Tensor | None = None

    def divided(self, by: Tensor | float) -> Line:
        """The preparation so far with a division by ``by`` behind it."""
        factor = torch.as_tensor(by, dtype=torch.float64)
        return replace(self, divisor=factor if self.divisor is None else self.divisor * factor)


class Fitting:
    """The raw training examples, as a step may look at them.

    Attributes:
        images: Whether they are images (bytes) rather than a table.
    """

    def __init__(self, inputs: Tensor) -> None:
        self._inputs = inputs
        self.images = inputs.dtype == torch.uint8

    @cached_property
    def moments(self) -> tuple[Tensor, Tensor]:
        """See :func:`moments`; of the raw numbers, found once however many steps ask."""
        return moments(self._inputs)


#: (the examples, what the steps before do, all settings) -> what the steps up to this one do.
Step: TypeAlias = Callable[[Fitting, Line, Params], Line]


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


#: What each declared kind does.
STEPS: Mapping[str, Step] = {
    "scale": _scale,
    "centre": _centre,
    "standardise": _standardise,
    "divide": _divide,
}


def fitted(inputs: Tensor, preparation: Sequence[Choice]) -> Line:
    """The steps as one line, from the raw training examples alone.

    Raises:
        DataError: There is no such step, or one of its settings is not allowed; ``field`` says where.
    """
    examples, line = Fitting(inputs), Line()
    for index, choice in enumerate(preparation):
        field = f"data.preparation[{index}]"
        try:
            spec = registry.PREPARATIONS(choice.kind)
            values = spec.values(choice.params)
        except ProjectError as error:
            raise DataError(error.message, field=f"{field}.kind") from None
        except ParamError as error:
            raise DataError(error.message, field=f"{field}.params.{error.field}") from None
        line = STEPS[spec.kind](examples, line, values)
    return line


def moments(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and population standard deviation, float64: per channel of images [c, 1, 1], per feature of tables [k].

    Images are counted value by value (256 bins a channel): exact, and without a float copy of the whole set.
    """
    if len(inputs) == 0:
        shape = (inputs.shape[1], *(1 for _ in inputs.shape[2:]))
        return torch.zeros(shape, dtype=torch.float64), torch.ones(shape, dtype=torch.float64)
    if inputs.dtype != torch.uint8:
        table = inputs.to(torch.float64)
        return table.mean(0), table.std(0, correction=0)
    levels = torch.arange(256, dtype=torch.float64)
    means, deviations = [], []
    for channel in range(inputs.shape[1]):
        counts = torch.zeros(256, dtype=torch.float64)
        for first in range(0, len(inputs), 4096):  # bincount takes one dimension: a copy, but a small one
            counts += torch.bincount(inputs[first : first + 4096, channel].flatten(), minlength=256)
        share = counts / counts.sum()
        mean = (share * levels).sum()
        means.append(mean)
        deviations.append((share * (levels - mean) ** 2).sum().sqrt())
    shape = (inputs.shape[1], *(1 for _ in inputs.shape[2:]))
    return torch.stack(means).reshape(shape), torch.stack(deviations).reshape(shape)
