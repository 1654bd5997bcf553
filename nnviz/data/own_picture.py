"""A picture of one's own for a network: drawn, loaded or taken from an example, then moved, turned and spoilt.

Numbers from 0 (background) to 1 (ink), numpy only; nothing here knows a window or a network. What is drawn stands on a
canvas finer than the picture that the network sees; everything else is done on the way from one to the other and can be
taken back by its own setting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnviz.data.digits import SIDE, cubic_weights
from nnviz.data.past import Past

Pixels: TypeAlias = NDArray[np.float32]

#: Of MNIST's 28 pixels: the box that a digit is fitted into.
_BOX, _SIDE = 20, 28
#: Cells of the canvas for each pixel of a small picture; a large one is drawn at its own size.
_FINE = 4
_LARGEST_FINE = 64
#: Strokes that can be taken back.
_MOST_UNDO = 100


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is done to what was drawn, in this order.

    Attributes:
        inverted: Dark ink on light paper becomes light on dark.
        fitted: Fitted into its frame in one of the ways of :data:`FITTINGS`; empty leaves it where it was drawn.
        angle: Turned by so many degrees, against the clock.
        scale: Enlarged by this factor about the middle.
        shift: Moved by so many pixels down and to the right.
        noise: Standard deviation of the Gaussian noise that is added.
        seed: Of the noise.
        patches: Rectangles that are blacked out: top, left, height, width.
        pixels: Single pixels that were set: channel (-1 for all), row, column, value.
    """

    inverted: bool = False
    fitted: str = ""
    angle: float = 0.0
    scale: float = 1.0
    shift: tuple[int, int] = (0, 0)
    noise: float = 0.0
    seed: int = 0
    patches: tuple[tuple[int, int, int, int], ...] = ()
    pixels: tuple[tuple[int, int, int, float], ...] = ()


#: Canvas, treatment, label.
_State: TypeAlias = tuple[Pixels, Treatment, str]


class OwnPicture:
    """A canvas, how it is treated, and the picture that comes of both.

    Args:
        shape: Channels, height and width of what the network sees.

    Attributes:
        treatment: What is done to what was drawn; replace it to change it.
        label: What is right, where it is an example of which that is known.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        channels, height, width = shape
        self.shape = shape
        #: Cells of the canvas for each pixel, in each direction.
        self.fine = _FINE if max(height, width) <= _LARGEST_FINE else 1
        self.canvas: Pixels = np.zeros((channels, height * self.fine, width * self.fine), np.float32)
        self.treatment = Treatment()
        self.label = ""
        self._past: Past[_State] = Past(_MOST_UNDO)

    @property
    def is_blank(self) -> bool:
        """Whether nothing was drawn or loaded, nor set."""
        return not self.canvas.any() and not self.treatment.pixels and not self.treatment.noise

    def remember(self, gesture: str = "") -> None:
        """What stands there now can be returned to with :meth:`undo`; call it before a stroke or a change.

        Args:
            gesture: Changes of one name that follow each other are one step (see ``Past``).
        """
        self._past.remember((self.canvas.copy(), self.treatment, self.label), gesture)

    def undo(self) -> bool:
        """Back to what was remembered last; false where nothing was."""
        return self._stand(self._past.back((self.canvas, self.treatment, self.label)))

    def redo(self) -> bool:
        """What the last :meth:`undo` took back; false where there is nothing."""
        return self._stand(self._past.forward((self.canvas, self.treatment, self.label)))

    def _stand(self, state: _State | None) -> bool:
        if state is None:
            return False
        kept, self.treatment, self.label = state
        self.canvas = kept.copy()  # strokes write into it
        return True

    def clear(self) -> None:
        """An empty canvas; what is done to it stays, but for what was done to single pixels."""
        self.canvas = np.zeros_like(self.canvas)
        self.treatment = replace(self.treatment, patches=(), pixels=())

    def load(self, pixels: Pixels) -> None:
        """Put a picture in place of what is drawn.

        Args:
            pixels: Of the size that the network sees, or of the canvas's: [channels, height, width], 0 to 1.
        """
        if pixels.shape == self.shape:
            pixels = pixels.repeat(self.fine, axis=1).repeat(self.fine, axis=2)
        self.canvas = np.asarray(pixels, np.float32).copy()
        self.treatment = replace(self.treatment, patches=(), pixels=())

    def stroke(self, points: Sequence[tuple[float, float]], width: float, ink: Sequence[float] | None) -> None:
        """Draw a line through points.

        Args:
            points: (row, column) in pixels of what the network sees, counted from the top left corner.
            width: Of the pen, in the same pixels.
            ink: A value for each channel; None rubs out.
        """
        fine = self.fine
        radius = max(width * fine / 2, 0.5)
        for start, end in zip(points, points[1:] or points, strict=False):
            (top, left), (bottom, right) = sorted_box(start, end)
            rows = slice(max(0, int(top * fine - radius - 1)), math.ceil(bottom * fine + radius + 1))
            columns = slice(max(0, int(left * fine - radius - 1)), math.ceil(right * fine + radius + 1))
            part = self.canvas[:, rows, columns]
            if not part.size:
                continue
            down = np.arange(rows.start, rows.start + part.shape[1])[:, None] + 0.5
            across = np.arange(columns.start, columns.start + part.shape[2])[None, :] + 0.5
            cover = _cover(down, across, start, end, fine, radius)
            for channel in range(len(part)):
                if ink is None:
                    part[channel] *= 1 - cover
                elif len(part) == 1:
                    part[channel] = np.maximum(part[channel], cover * np.float32(ink[channel]))
                else:
                    part[channel] += (np.float32(ink[channel]) - part[channel]) * cover

    def result(self) -> Pixels:
        """What the network sees: [channels, height, width], 0 to 1."""
        treatment = self.treatment
        canvas = 1 - self.canvas if treatment.inverted else self.canvas
        _, height, width = self.shape
        fitting = FITTINGS.get(treatment.fitted)
        seen = _coarse(canvas, self.fine) if fitting is None else fitting.make(canvas, (height, width))
        seen = _turned(seen, treatment.angle, treatment.scale)
        seen = shifted(seen, *treatment.shift)
        if treatment.noise:
            random = np.random.Generator(np.random.PCG64(treatment.seed))
            seen = seen + np.float32(treatment.noise) * random.standard_normal(seen.shape, np.float32)
        seen = np.clip(seen, 0.0, 1.0)
        for top, left, rows, columns in treatment.patches:
            seen[:, top : top + rows, left : left + columns] = 0.0
        for channel, row, column, value in treatment.pixels:
            seen[slice(None) if channel < 0 else channel, row, column] = value
        return np.asarray(seen, np.float32)


def sorted_box(start: tuple[float, float], end: tuple[float, float]) -> tuple[tuple[float, float], tuple[float, float]]:
    """The top left and the bottom right corner of two points."""
    low = min(start[0], end[0]), min(start[1], end[1])
    return low, (max(start[0], end[0]), max(start[1], end[1]))


def _cover(
    down: NDArray[np.float64],
    across: NDArray[np.float64],
    start: tuple[float, float],
    end: tuple[float, float],
    fine: int,
    radius: float,
) -> Pixels:
    """How much of each cell a line with round ends covers, by the distance of its middle."""
    y, x = start[0] * fine, start[1] * fine
    dy, dx = end[0] * fine - y, end[1] * fine - x
    length = dy * dy + dx * dx
    along = np.clip(((down - y) * dy + (across - x) * dx) / length, 0, 1) if length else np.zeros_like(down * across)
    distance = np.hypot(down - y - along * dy, across - x - along * dx)
    return np.asarray(np.clip(radius + 0.5 - distance, 0.0, 1.0), np.float32)


def _coarse(canvas: Pixels, fine: int) -> Pixels:
    """The mean of the cells of each pixel."""
    channels, height, width = canvas.shape
    if fine == 1:
        return canvas.copy()
    cells = canvas.reshape(channels, height // fine, fine, width // fine, fine)
    return np.asarray(cells.mean(axis=(2, 4)), np.float32)


def centred_like_mnist(picture: Pixels, size: tuple[int, int]) -> Pixels:
    """A picture as MNIST's were made: fitted into a box of 20 × 20 pixels, its centre of mass in the middle of 28 × 28.

    The longer side of what is not background becomes 20 of 28 pixels, with grey levels where a pixel is partly covered.
    Then it is moved by whole pixels until its centre of mass, rounded, is at pixel (14, 14), counted from 0: so all of
    the MNIST digits lie. Of another size in proportion.

    Args:
        picture: [channels, height, width], of any size; background is 0.
        size: Height and width of what is made.
    """
    height, width = size
    rows, columns = np.flatnonzero(picture.any(axis=(0, 2))), np.flatnonzero(picture.any(axis=(0, 1)))
    made = np.zeros((len(picture), height, width), np.float32)
    if not len(rows):
        return made
    cut = picture[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    factor = round(min(height, width) * _BOX / _SIDE) / max(cut.shape[1:])
    fitted = _resized(cut, max(1, round(cut.shape[1] * factor)), max(1, round(cut.shape[2] * factor)))
    weights = fitted.sum(axis=0, dtype=np.float64)
    mass = weights.sum()
    for number, (side, axis) in enumerate(((height, 1), (width, 0))):
        middle = float(weights.sum(axis=axis) @ np.arange(weights.shape[number])) / mass
        # What falls off the edge is lost, as there.
        fitted = _placed(fitted, number + 1, math.floor(side / 2 - middle + 0.5), side)
    made[:] = fitted
    return made


def scanned_like_digits(picture: Pixels, size: tuple[int, int]) -> Pixels:
    """A picture as the data set of small scans has them: fitted into 8 × 8 areas, then enlarged as those are.

    The longer side of what is not background becomes the whole of the 8 areas, the shorter one stands in their middle;
    each area is the mean of its ink. A network that has seen only such pictures takes thin sharp strokes for something
    else.

    Args:
        picture: [channels, height, width], of any size; background is 0.
        size: Height and width of what is made.
    """
    rows, columns = np.flatnonzero(picture.any(axis=(0, 2))), np.flatnonzero(picture.any(axis=(0, 1)))
    if not len(rows):
        return np.zeros((len(picture), *size), np.float32)
    cut = picture[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    square = max(cut.shape[1:])
    for axis in (1, 2):
        cut = _placed(cut, axis, (square - cut.shape[axis]) // 2, square)
    areas = _resized(cut, SIDE, SIDE)
    if size == (SIDE, SIDE):
        return areas
    down, across = (cubic_weights(SIDE, side, figure=side * _BOX / _SIDE) for side in size)
    return np.asarray(np.clip(down @ areas.astype(np.float64) @ across.T, 0.0, 1.0), np.float32)


@dataclass(frozen=True, slots=True)
class Fitting:
    """A way to fit what was drawn into its frame, as the makers of a data set did.

    Attributes:
        title: What it is called.
        help: What it does, in a sentence without its full stop.
        result: Says in two or three words what has been done.
        make: Of a picture and the (height, width) of what is made.
    """

    title: str
    help: str
    result: str
    make: Callable[[Pixels, tuple[int, int]], Pixels]


#: The ways there are, by the names that ``DatasetSpec.fitting`` has.
FITTINGS: Mapping[str, Fitting] = {
    "mnist": Fitting(
        "Centre like MNIST",
        "Fit into 20 × 20 of 28 × 28, centre of mass in the middle",
        "centred",
        centred_like_mnist,
    ),
    "scans": Fitting(
        "Like the scans",
        "Fit into 8 × 8 areas and enlarge, as the pictures that it learns from were made",
        "like the scans",
        scanned_like_digits,
    ),
}


def _placed(picture: Pixels, axis: int, offset: int, side: int) -> Pixels:
    """A picture in an empty one of another length along an axis, beginning at an offset."""
    shape = list(picture.shape)
    length, shape[axis] = shape[axis], side
    made = np.zeros(shape, np.float32)
    first, last = max(0, offset), min(side, offset + length)
    if first < last:
        target, source = [slice(None)] * 3, [slice(None)] * 3
        target[axis], source[axis] = slice(first, last), slice(first - offset, last - offset)
        made[tuple(target)] = picture[tuple(source)]
    return made


def shifted(picture: Pixels, down: int, right: int) -> Pixels:
    """A picture moved by whole pixels; background comes in."""
    for axis, by in ((1, down), (2, right)):
        if by:
            picture = _placed(picture, axis, by, picture.shape[axis])
    return picture


def _resized(picture: Pixels, height: int, width: int) -> Pixels:
    """In another size: each pixel is the mean of what falls into it, parts of pixels by their share."""
    if picture.shape[1:] == (height, width):
        return picture
    down, across = _shares(picture.shape[1], height), _shares(picture.shape[2], width)
    return np.asarray(down @ picture.astype(np.float64) @ across.T, np.float32)


def _shares(before: int, after: int) -> NDArray[np.float64]:
    """[after, before]: which part of each old pixel makes which part of each new one, along one axis."""
    edges = np.arange(after + 1) * (before / after)
    cells = np.arange(before)
    overlap = np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells)
    return np.asarray(np.clip(overlap, 0.0, None) * (after / before))


def _turned(picture: Pixels, angle: float, scale: float) -> Pixels:
    """Turned against the clock and enlarged about the middle; straight lines between pixels, background around it."""
    if not angle and scale == 1.0:
        return picture
    _, height, width = picture.shape
    cosine, sine = math.cos(math.radians(angle)) / scale, math.sin(math.radians(angle)) / scale
    y, x = np.mgrid[:height, :width].astype(np.float64)
    y, x = y - (height - 1) / 2, x - (width - 1) / 2
    # Where each pixel of the new picture comes from; rows grow downwards.
    down, across = cosine * y + sine * x + (height - 1) / 2 + 1, cosine * x - sine * y + (width - 1) / 2 + 1
    around = np.pad(picture, ((0, 0), (1, 1), (1, 1)))
    down, across = np.clip(down, 0, height + 1 - 1e-6), np.clip(across, 0, width + 1 - 1e-6)
    top, left = down.astype(np.intp), across.astype(np.intp)
    lower, right = down - top, across - left
    mixed = (
        around[:, top, left] * (1 - lower) * (1 - right)
        + around[:, top + 1, left] * lower * (1 - right)
        + around[:, top, left + 1] * (1 - lower) * right
        + around[:, top + 1, left + 1] * lower * right
    )
    return np.asarray(mixed, np.float32)
