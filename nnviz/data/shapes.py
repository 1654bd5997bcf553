"""Colour shapes: generated 32×32 images of ten forms. numpy only.

Each form is a signed distance function: negative inside, positive outside, in units of the form's own size. Its edge
is drawn soft over one pixel, which is what a camera would see, and all pixels of many images are computed at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnviz.data.drawn import SHAPE_NAMES

Field: TypeAlias = NDArray[np.floating[Any]]
#: (x to the right, y downwards, both in units of the form's size) -> signed distance in the same units.
Form: TypeAlias = Callable[[Field, Field], Field]

SIDE = 32
#: Images computed at a time: their fields stay in the processor's cache.
_AT_ONCE = 64
#: Least distance between the colours of form and background, of 441 (black to white).
_CONTRAST = 150.0


def draw(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """``count`` images in random order, the ten classes equally often (within one).

    Returns:
        Images uint8[count, 3, 32, 32], labels int64[count] as in ``datasets.SHAPE_NAMES``.
    """
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(count, dtype=np.int64) % len(FORMS))
    size = random.uniform(8.0, 13.0, count).astype(np.float32)
    room = (SIDE - 1) / 2.0 - size  # so that the whole form stays in the picture
    centre = (SIDE - 1) / 2.0 + random.uniform(-1.0, 1.0, (count, 2)).astype(np.float32) * room[:, None]
    tilt = random.uniform(-0.35, 0.35, count).astype(np.float32)
    colours, corners = _colours(count, random)
    noise = random.uniform(2.0, 10.0, count).astype(np.float32)
    images = np.empty((count, 3, SIDE, SIDE), np.uint8)
    by_class = np.argsort(labels, kind="stable")
    for first in range(0, count, _AT_ONCE):
        chosen = by_class[first : first + _AT_ONCE]
        cover = np.empty((len(chosen), SIDE, SIDE), np.float32)
        for label in np.unique(labels[chosen]):
            own = labels[chosen] == label
            members = chosen[own]
            cover[own] = _cover(FORMS[label], size[members], centre[members], tilt[members])
        pictures = random.standard_normal((len(chosen), 3, SIDE, SIDE), np.float32)
        pictures *= noise[chosen, None, None, None]
        ground = _background(corners[chosen])
        pictures += ground
        np.subtract(colours[chosen][:, :, None, None], ground, out=ground)
        ground *= cover[:, None]
        pictures += ground
        pictures += 0.5  # so that cutting off rounds
        images[chosen] = np.clip(pictures, 0.0, 255.0, out=pictures).astype(np.uint8)
    return images, labels


def _cover(form: Form, size: Field, centre: Field, tilt: Field) -> Field:
    """How much of each pixel the form covers, 0 to 1: float32[n, 32, 32]."""
    pixels = np.arange(SIDE, dtype=np.float32)
    across = (pixels[None, None, :] - centre[:, 0, None, None]) / size[:, None, None]
    down = (pixels[None, :, None] - centre[:, 1, None, None]) / size[:, None, None]
    cosine, sine = np.cos(tilt)[:, None, None], np.sin(tilt)[:, None, None]
    distance = form(cosine * across + sine * down, cosine * down - sine * across)
    return np.clip(0.5 - distance * size[:, None, None], 0.0, 1.0)


def _colours(count: int, random: np.random.Generator) -> tuple[Field, Field]:
    """Colours of the forms [n, 3] and of the four corners of the backgrounds [n, 3, 4], well apart from each other."""
    ground = random.uniform(0.0, 255.0, (count, 3))
    form = random.uniform(0.0, 255.0, (count, 3))
    for _ in range(12):  # a few are too close: draw those again
        close = np.linalg.norm(form - ground, axis=1) < _CONTRAST
        form[close] = random.uniform(0.0, 255.0, (int(close.sum()), 3))
    close = np.linalg.norm(form - ground, axis=1) < _CONTRAST
    form[close] = np.where(ground[close] < 127.5, 235.0, 20.0)
    corners = ground[:, :, None] + random.uniform(-30.0, 30.0, (count, 3, 4))
    return form.astype(np.float32), corners.astype(np.float32)


def _background(corners: Field) -> Field:
    """A smooth passage between four corner colours: float32[n, 3, 32, 32]."""
    ramp = np.linspace(0.0, 1.0, SIDE, dtype=np.float32)
    above = corners[:, :, 0, None] + (corners[:, :, 1, None] - corners[:, :, 0, None]) * ramp
    below = corners[:, :, 2, None] + (corners[:, :, 3, None] - corners[:, :, 2, None]) * ramp
    return above[:, :, None, :] + (below - above)[:, :, None, :] * ramp[:, None]


# --- the forms ------------------------------------------------------------------------------------------------------


def _box(x: Field, y: Field, half_width: float, half_height: float) -> Field:
    across, down = np.abs(x) - half_width, np.abs(y) - half_height
    return np.hypot(np.maximum(across, 0), np.maximum(down, 0)) + np.minimum(np.maximum(across, down), 0)


def _polygon(x: Field, y: Field, corners: list[tuple[float, float]]) -> Field:
    """Exact distance to a polygon, negative inside (even-odd rule)."""
    nearest = np.full_like(x, np.inf)
    inside = np.zeros(x.shape, bool)
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
        along_x, along_y = x2 - x1, y2 - y1
        share = ((x - x1) * along_x + (y - y1) * along_y) / (along_x**2 + along_y**2)
        share = np.clip(share, 0.0, 1.0)
        nearest = np.minimum(nearest, (x - x1 - share * along_x) ** 2 + (y - y1 - share * along_y) ** 2)
        if y1 != y2:
            inside ^= ((y1 > y) != (y2 > y)) & (x < along_x * (y - y1) / along_y + x1)
    distance = np.sqrt(nearest)
    return np.where(inside, -distance, distance)


def _around(count: int, radii: tuple[float, ...]) -> list[tuple[float, float]]:
    """Corners on circles of alternating radii, the first one at the top."""
    angles = [2 * np.pi * number / count - np.pi / 2 for number in range(count)]
    return [
        (float(radii[number % len(radii)] * np.cos(angle)), float(radii[number % len(radii)] * np.sin(angle)))
        for number, angle in enumerate(angles)
    ]


def _circle(x: Field, y: Field) -> Field:
    return np.hypot(x, y) - 0.9


def _square(x: Field, y: Field) -> Field:
    return _box(x, y, 0.72, 0.72)


def _triangle(x: Field, y: Field) -> Field:
    return _polygon(x, y, _around(3, (1.0,)))


def _star(x: Field, y: Field) -> Field:
    return _polygon(x, y, _around(10, (1.0, 0.42)))


def _cross(x: Field, y: Field) -> Field:
    return np.minimum(_box(x, y, 0.9, 0.27), _box(x, y, 0.27, 0.9))


def _ring(x: Field, y: Field) -> Field:
    distance: Field = np.abs(np.hypot(x, y) - 0.7) - 0.2
    return distance


def _crescent(x: Field, y: Field) -> Field:
    distance: Field = np.maximum(np.hypot(x, y) - 0.95, 0.8 - np.hypot(x - 0.5, y))
    return distance


def _heart(x: Field, y: Field) -> Field:
    lobes = np.hypot(np.abs(x) - 0.42, y + 0.32) - 0.47
    distance: Field = np.minimum(lobes, _polygon(x, y, [(-0.81, -0.05), (0.0, 0.95), (0.81, -0.05), (0.0, -0.52)]))
    return distance


def _arrow(x: Field, y: Field) -> Field:
    corners = [
        (0.95, 0.0), (0.2, 0.75), (0.2, 0.28), (-0.9, 0.28), (-0.9, -0.28), (0.2, -0.28), (0.2, -0.75),
    ]  # fmt: skip
    return _polygon(x, y, corners)


def _frame(x: Field, y: Field) -> Field:
    return np.abs(_box(x, y, 0.6, 0.6)) - 0.17


#: In the order of ``datasets.SHAPE_NAMES``.
FORMS: tuple[Form, ...] = (
    _circle, _square, _triangle, _star, _cross, _ring, _crescent, _heart, _arrow, _frame,
)  # fmt: skip
assert len(FORMS) == len(SHAPE_NAMES)
