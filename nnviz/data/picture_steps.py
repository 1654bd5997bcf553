"""Steps of preparation that make other pictures of pictures: of another size, or in grey. By torchvision's transforms.

All splits go through them alike, once, when the data are loaded: bytes come in and bytes go out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import torch
from torch import Tensor

from nnviz.data.selection import MOST_BYTES
from nnviz.data.step_facts import picture_size
from nnviz.data.torchvision_bridge import import_torchvision
from nnviz.errors import DataError
from nnviz.project.declared.preparations import LEVELS
from nnviz.project.model import Params

#: Pictures that are worked on at a time, and bytes that these take as floats; what a single one may take.
_TOGETHER, _TOGETHER_BYTES, _MOST_EACH = 512, 128 << 20, 256 << 20

Step: TypeAlias = Callable[[Tensor, Params], Tensor]


def _resize(pictures: Tensor, values: Params) -> Tensor:
    height, width = picture_size(values)
    count, channels, before_height, before_width = pictures.shape
    needed = count * channels * height * width
    if needed > MOST_BYTES:
        raise DataError(
            f"{count:,} pictures of {height} × {width} would take {needed / 2**30:.1f} GB, more than the "
            f"{MOST_BYTES / 2**30:.0f} GB allowed: choose a smaller size."
        )
    functional = import_torchvision("torchvision.transforms.v2.functional")
    how, level = str(values["how"]), LEVELS[str(values["rest"])]
    made = torch.full((count, channels, height, width), level, dtype=torch.uint8)
    if how == "squash":
        inner = height, width
    elif how == "crop":
        inner = before_height, before_width
    else:
        factors = height / before_height, width / before_width
        factor = min(factors) if how == "fit" else max(factors)
        inner = max(1, round(before_height * factor)), max(1, round(before_width * factor))
    together = _TOGETHER
    if inner != (before_height, before_width):
        sides = (before_height, before_width), (inner[0], before_width), inner
        each = 4 * channels * max(tall * wide for tall, wide in sides)
        if each > _MOST_EACH:
            raise DataError("These proportions are too extreme for “fill”: choose squash or crop.")
        together = _fitting(each)
    # Where the resized picture lies in the new one, its middle on the middle.
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    rows, columns = _overlap(top, inner[0], height), _overlap(left, inner[1], width)
    for first in range(0, count, together):
        part = pictures[first : first + together]
        if inner != (before_height, before_width):
            # One side after the other, in floats: where both change and one becomes 1 pixel, torch 2.13 repeats a row,
            # and fails for bytes.
            tall = functional.resize(part.to(torch.float32), [inner[0], before_width], antialias=True)
            resized = functional.resize(tall, list(inner), antialias=True)
            part = resized.round().clamp_(0, 255).to(torch.uint8)
        cut = part[..., rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        made[first : first + together, :, rows, columns] = cut
    return made


def _fitting(each: int) -> int:
    """How many pictures of so many bytes as floats are worked on at a time."""
    return max(1, min(_TOGETHER, _TOGETHER_BYTES // max(each, 1)))


def _overlap(offset: int, length: int, side: int) -> slice:
    """The part of a side that something of a length covers from an offset on."""
    return slice(max(0, offset), min(side, offset + length))


def _colour(pictures: Tensor, values: Params) -> Tensor:
    channels = pictures.shape[1]
    if values["to"] == "colour":
        if channels not in (1, 3):
            raise DataError(f"Pictures of {channels} channels cannot be made coloured.")
        return pictures.expand(-1, 3, -1, -1).contiguous()
    if channels == 1:
        return pictures
    if channels != 3:
        raise DataError(f"Pictures of {channels} channels cannot be made grey.")
    functional = import_torchvision("torchvision.transforms.v2.functional")
    together = _fitting(4 * pictures.shape[2] * pictures.shape[3])
    parts = [functional.rgb_to_grayscale(part) for part in torch.split(pictures, together)]
    return torch.cat(parts) if parts else pictures[:, :1]


#: What each declared kind does.
STEPS: Mapping[str, Step] = {"resize": _resize, "colour": _colour}
