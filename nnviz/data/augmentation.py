"""What is done to training examples anew each time they are seen: a batch at a time, on its device.

Everything that is drawn follows from (seed, epoch, batch) alone, as the order of the examples does: a training that is
gone on with, or goes back, sees the same pictures bit for bit, and neither torch's random numbers nor those of dropout
are touched. The definitions are those of torchvision.transforms.v2, which the tests compare with; there each picture is
worked on by itself, here a whole batch in one operation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from nnviz.errors import DataError, ParamError, ProjectError
from nnviz.project import registry
from nnviz.project.declared.augmentations import TOGETHER
from nnviz.project.declared.preparations import LEVELS
from nnviz.project.model import Choice, DataFacts, Params

#: Keeps these streams of random numbers apart from those of the order.
_STREAM = 0x6175676D
#: Weights of red, green and blue in grey, as torchvision has them.
_GREY = (0.2989, 0.587, 0.114)
#: The largest number in a picture.
_WHITE = 255.0

#: (pictures as floats 0 to 255 [n, c, h, w], settings, random numbers) -> others of the same shape.
Step: TypeAlias = Callable[[Tensor, Params, np.random.Generator], Tensor]


@dataclass(frozen=True, eq=False)
class Augmentation:
    """The steps of a project, checked.

    Attributes:
        steps: Kind and settings of each, in their order.
        classes: How many classes the targets number; 0 where they are numbers themselves.
    """

    steps: tuple[tuple[str, Params], ...]
    classes: int

    @property
    def mixes(self) -> bool:
        """Whether examples are mixed with each other, so that no answer is of one of them alone."""
        return any(_is_together(kind) for kind, _ in self.steps)

    @classmethod
    def of(cls, chosen: Sequence[Choice], facts: DataFacts) -> Augmentation | None:
        """What a project chooses; None where that is nothing.

        Raises:
            DataError: There is no such step, a setting is not allowed, or these data do not allow it; names the field.
        """
        steps = []
        for index, choice in enumerate(chosen):
            field = f"data.augmentation[{index}]"
            try:
                spec = registry.AUGMENTATIONS(choice.kind)
                steps.append((spec.kind, spec.values(choice.params)))
            except ProjectError as error:
                raise DataError(error.message, field=f"{field}.kind") from None
            except ParamError as error:
                raise DataError(error.message, field=f"{field}.params.{error.field}") from None
            if problem := spec.unsuited(facts):
                raise DataError(problem, field=f"{field}.kind")
        return cls(tuple(steps), facts.targets if facts.task == "classes" else 0) if steps else None

    def at(self, seed: int, epoch: int, batch: int) -> DrawnAugmentation:
        """What is done to one batch."""
        return DrawnAugmentation(self, [_STREAM, seed % 2**64, epoch, batch])


class DrawnAugmentation:
    """What is done to one batch; each step draws from a stream of its own.

    Args:
        augmentation: The steps.
        entropy: Fixes all that is drawn.
    """

    def __init__(self, augmentation: Augmentation, entropy: Sequence[int]) -> None:
        self._augmentation = augmentation
        self._entropy = entropy

    def each(self, pictures: Tensor) -> Tensor:
        """What is done to each example by itself: bytes [n, c, h, w] to floats 0 to 255; tables stay as they are."""
        chosen = [(number, kind, values) for number, kind, values in self._steps if not _is_together(kind)]
        if not chosen or not len(pictures):
            return pictures
        made = pictures.to(torch.float32)
        for number, kind, values in chosen:
            made = STEPS[kind](made, values, self._random(number))
        return made

    def together(self, inputs: Tensor, targets: Tensor, apart: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What is done to the examples of a batch with each other, once they are scaled; targets may become mixed.

        Args:
            inputs: Of the batch.
            targets: Likewise.
            apart: bool[n], which of them are mixed into no other.
        """
        partners = torch.arange(len(inputs))
        mixed = torch.arange(len(inputs)) if apart is None else partners[~apart]
        partners[mixed] = mixed.roll(1)
        partners = partners.to(inputs.device)
        for number, kind, values in self._steps:
            if _is_together(kind) and len(inputs) > 1:
                inputs, targets = self._mixed(inputs, targets, partners, values, self._random(number))
        return inputs, targets

    def _mixed(
        self, inputs: Tensor, targets: Tensor, partners: Tensor, values: Params, random: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        alpha = values["alpha"]
        assert isinstance(alpha, float)  # the ParamSpec parsed it
        share = float(np.float32(random.beta(alpha, alpha)))
        if not targets.is_floating_point():
            targets = functional.one_hot(targets, self._augmentation.classes) if self._augmentation.classes else targets
            targets = targets.to(torch.float32)
        return tuple(one.mul(share).add_(one[partners], alpha=1 - share) for one in (inputs, targets))  # type: ignore[return-value]  # of two

    @property
    def _steps(self) -> list[tuple[int, str, Params]]:
        return [(number, kind, values) for number, (kind, values) in enumerate(self._augmentation.steps)]

    def _random(self, number: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64([*self._entropy, number]))


def _is_together(kind: str) -> bool:
    return registry.AUGMENTATIONS(kind).stage == TOGETHER


# ---- each picture by itself ------------------------------------------------------------------------------------------


def _flip(pictures: Tensor, values: Params, random: np.random.Generator) -> Tensor:
    for along, dimension in (("horizontal", 3), ("vertical", 2)):
        if values["along"] in (along, "both"):
            pictures = torch.where(_some(pictures, values, random), pictures.flip(dimension), pictures)
    return pictures


def _shift(pictures: Tensor, values: Params, random: np.random.Generator) -> Tensor:
    by, (count, _, height, width) = _number(values, "by"), pictures.shape
    drawn = random.uniform(-by, by, (count, 2)) * (height, width)
    down, right = np.round(drawn).T * _chosen(count, values, random)
    return _moved(pictures, np.zeros(count), np.ones(count), down, right, str(values["around"]))


def _rotate(pictures: Tensor, values: Params, random: np.random.Generator) -> Tensor:
    most, count = _number(values, "degrees"), len(pictures)
    angles = random.uniform(-most, most, count) * _chosen(count, values, random)
    nothing = np.zeros(count)
    return _moved(pictures, np.radians(angles), np.ones(count), nothing, nothing, str(values["around"]))


def _scale(pictures: Tensor, values: Params, random: np.random.Generator) -> Tensor:
    by, count = _number(values, "by"), len(pictures)
    factors = 1 + random.uniform(-by, by, count) * _chosen(count, values, random)
    nothing = np.zeros(count)
    return _moved(pictures, nothing, factors, nothing, nothing, str(values["around"]))


def _colour(pictures: Tensor, values: Params, random: np.random.Generator) -> Tensor:
    count = len(pictures)
    chosen = _chosen(count, values, random)
    names = ("brightness", "contrast", "saturation")
    factors = [1 + random.uniform(-1, 1, count) * _number(values, name) * chosen for name in names]
    brightness, contrast, saturation = (_column(factor, pictures) for factor in factors)
    pictures = pictures.mul(brightness).clamp_(0, _WHITE)
    mean = _grey(pictures).mean(dim=(1, 2, 3), keepdim=True)
    pictures = torch.lerp(mean, pictures, contrast).clamp_(0, _WHITE)
    if pictures.shape[1] == 3:
        pictures = torch.lerp(_grey(pictures), pictures, saturation).clamp_(0, _WHITE)
    return pictures


def _cut_out(pictures: Tensor, values: Params, random: np.random.Generator) -> Tensor:
    size, (count, _, height, width) = _number(values, "size"), pictures.shape
    rows, columns = (min(side, math.ceil(size * side)) for side in (height, width))
    top = _column(random.integers(0, height - rows + 1, count), pictures)
    left = _column(random.integers(0, width - columns + 1, count), pictures)
    down = torch.arange(height, device=pictures.device).reshape(1, 1, -1, 1)
    across = torch.arange(width, device=pictures.device).reshape(1, 1, 1, -1)
    inside = (down >= top) & (down < top + rows) & (across >= left) & (across < left + columns)
    return torch.where(inside & _some(pictures, values, random), float(LEVELS[str(values["with"])]), pictures)


#: What each declared kind does, those that mix examples with each other aside.
STEPS: Mapping[str, Step] = {
    "flip": _flip,
    "shift": _shift,
    "rotate": _rotate,
    "scale": _scale,
    "colour": _colour,
    "cut_out": _cut_out,
}


def _moved(
    pictures: Tensor,
    angles: NDArray[np.float64],
    factors: NDArray[np.float64],
    down: NDArray[np.float64],
    right: NDArray[np.float64],
    around: str,
) -> Tensor:
    """Pictures turned clockwise and enlarged about their middle, then moved; straight lines between pixels.

    Args:
        pictures: [n, c, h, w].
        angles: Radians.
        factors: 2 is twice as large.
        down: Pixels.
        right: Likewise.
        around: What comes in, see the declaration.
    """
    _, _, height, width = pictures.shape
    cosine, sine = np.cos(angles) / factors, np.sin(angles) / factors
    # From a place in the new picture to the one it comes from, in halves of the sides, as grid_sample counts.
    x, y = -right, -down
    to_old = [
        [cosine, sine * height / width, (cosine * x + sine * y) * 2 / width],
        [-sine * width / height, cosine, (cosine * y - sine * x) * 2 / height],
    ]
    matrices = torch.from_numpy(np.moveaxis(np.array(to_old), 2, 0).astype(np.float32)).to(pictures.device)
    grid = functional.affine_grid(matrices, list(pictures.shape), align_corners=False)
    if around == "edge":
        return functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    level = float(LEVELS[around])
    sampled = functional.grid_sample(pictures - level if level else pictures, grid, align_corners=False)
    return (sampled + level if level else sampled).clamp_(0, _WHITE)


def _grey(pictures: Tensor) -> Tensor:
    """[n, 1, h, w]."""
    if pictures.shape[1] != 3:
        return pictures[:, :1]
    weights = torch.tensor(_GREY, device=pictures.device).reshape(1, 3, 1, 1)
    return (pictures * weights).sum(1, keepdim=True)


def _chosen(count: int, values: Params, random: np.random.Generator) -> NDArray[np.bool_]:
    """To which examples it is done."""
    return np.asarray(random.random(count) < _number(values, "chance"))


def _some(pictures: Tensor, values: Params, random: np.random.Generator) -> Tensor:
    """The same as a mask over pictures."""
    return _column(_chosen(len(pictures), values, random), pictures)


def _column(numbers: NDArray[np.generic], pictures: Tensor) -> Tensor:
    """A number for each picture, so that it spreads over it."""
    column = torch.from_numpy(np.ascontiguousarray(numbers)).reshape(-1, 1, 1, 1).to(pictures.device)
    return column.to(torch.float32) if column.is_floating_point() else column


def _number(values: Params, name: str) -> float:
    value = values[name]
    assert isinstance(value, (int, float))  # the ParamSpec parsed it
    return float(value)
